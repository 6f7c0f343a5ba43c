//! Why machines do not come together, in words for people. Pure.

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error(
        "this machine belongs to no fleet: join one with a code of its founder, or found one with `fleet create`"
    )]
    Alone,
    #[error("join codes are made by the fleet's founder, machine {founder}: ask there")]
    NotFounder { founder: String },
    #[error(
        "this machine belongs to a fleet already, that of machine {founder}: leave it first, in the panel or with `fleet leave`"
    )]
    AlreadyMember { founder: String },
    #[error("this is no join code: {0}")]
    BadCode(String),
    #[error("the join code is not valid (any more): it works once and for 15 minutes. Make a new one")]
    CodeRefused,
    #[error("too many attempts with wrong join codes: wait a minute")]
    TooManyAttempts,
    #[error("{place} does not answer: {why}")]
    Unreachable { place: String, why: String },
    #[error("{place} is not the machine that it should be: {why}")]
    WrongMachine { place: String, why: String },
    #[error(
        "the other machine speaks version {theirs} of the relay's protocol, this one {ours}: install the same version of OpenSpace WebRTC on both"
    )]
    Version { theirs: u32, ours: u32 },
    #[error("the other machine refused: {0}")]
    Refused(String),
    #[error("that machine was removed from the fleet")]
    Removed,
    #[error("this machine was removed from its fleet: a new join code of its founder lets it in again")]
    Outcast,
    #[error("the link to the other machine broke")]
    Broken,
    #[error("the link to the other machine is busy: too many streams at once")]
    Busy,
    #[error(
        "the fleet's files in {path} cannot be used: {why}. Put them right, or leave the fleet and join it again"
    )]
    Files { path: String, why: String },
    #[error("the relay's door cannot be opened on {listen}: {why}. Choose another port with relay.port")]
    Door { listen: String, why: String },
}
