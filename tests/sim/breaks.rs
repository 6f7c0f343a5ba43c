//! The rules that a test breaks on purpose, one at a time, to see that somebody notices.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    Nothing,
    // The registry's.
    SlotsAreGivenTwice,
    OldTokensCount,
    OldGenerationsCount,
    TokensAreTrustedAfterAFall,
    TheDeadAreGivenSlots,
    NewcomersOvertake,
    TheLastIsServedFirst,
    WhatEndedKeepsItsSlot,
    WhatRunsIsReleased,
    HeldSlotsAreTakenSilently,
    TheReplacedIsNotFenced,
    ClaimsInVainAreLost,
    // The machines'.
    WhatWasTakenOverRunsOn,
    TheLostAreShownAsRunning,
    ARestartForgetsPlaces,
    RefusalsHaveNoWords,
    AdmissionLetsAllIn,
    AcceptedMachinesAreNeverLookedAtAgain,
}

pub const ALL: [Break; 18] = [
    Break::SlotsAreGivenTwice,
    Break::OldTokensCount,
    Break::OldGenerationsCount,
    Break::TokensAreTrustedAfterAFall,
    Break::TheDeadAreGivenSlots,
    Break::NewcomersOvertake,
    Break::TheLastIsServedFirst,
    Break::WhatEndedKeepsItsSlot,
    Break::WhatRunsIsReleased,
    Break::HeldSlotsAreTakenSilently,
    Break::TheReplacedIsNotFenced,
    Break::ClaimsInVainAreLost,
    Break::WhatWasTakenOverRunsOn,
    Break::TheLostAreShownAsRunning,
    Break::ARestartForgetsPlaces,
    Break::RefusalsHaveNoWords,
    Break::AdmissionLetsAllIn,
    Break::AcceptedMachinesAreNeverLookedAtAgain,
];
