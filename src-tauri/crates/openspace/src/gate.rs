//! Between what a viewer wishes and what OpenSpace is asked: an OpenSpace socket is as good as a root shell.
//!
//! Pure, and denies by default. A wish becomes a [`Call`] only when the viewer's role allows it, everything it names is in the
//! live scene, and every number and time is in its range. Nothing but a `Call` gets to OpenSpace, and only this file makes one;
//! names of functions come from a fixed table of the client, never from a viewer.

mod moment;
pub mod restore;

use model::{
    PropertyValue, Role, SavedFile, SavedKind, UnixMillis,
    saved_scene::View,
    scene::{RecorderState, Wish},
};

pub(crate) use self::moment::Moment;
use crate::{
    names::usable_text,
    saved::{self, Saved},
    tree::{Node, Tree, is_identifier, offered::is_uri},
};

/// Simulated seconds in one: a year, forwards or backwards.
const RATE_MAX: f64 = 31_557_600.0;
/// A flight of less is a jump, and OpenSpace refuses 0.
const FLIGHT_S: (f64, f64) = (0.1, 600.0);
const FADE_S: (f64, f64) = (0.0, 60.0);
/// A metre to some hundred light years: past that no globe is seen any more.
const ALTITUDE_M: (f64, f64) = (1.0, 1e18);
/// Characters of a search that are looked at.
const SEARCH_CHARS: usize = 80;

/// Nodes that lie at the scene's origin. There is nothing to be seen, and a debug build of OpenSpace ends by an assert when its
/// camera is told of while it follows one.
pub(crate) const ORIGINS: &[&str] = &["", "Root", "SolarSystemBarycenter"];

/// A wish that was let through.
#[derive(Clone, Debug, PartialEq)]
pub struct Call(pub(crate) Deed);

impl Call {
    /// Those do not depend on each other.
    pub(crate) const fn is_setting(&self) -> bool {
        matches!(self.0, Deed::SetProperty { .. })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Deed {
    SetTime(Moment),
    SetPause(bool),
    SetRate(f64),
    /// Not smoothly: what was saved comes back as it was.
    SetRateAtOnce(f64),
    NextRate,
    PreviousRate,
    Focus(String),
    FlyTo {
        node: String,
        duration_s: Option<f64>,
    },
    FlyToGeo {
        globe: String,
        latitude: f64,
        longitude: f64,
        altitude_m: f64,
    },
    StopFlight,
    Show {
        node: String,
        visible: bool,
    },
    Fade {
        node: String,
        visible: bool,
        seconds: f64,
    },
    TriggerAction(String),
    ListNodes {
        search: String,
    },
    ListActions,
    ListToggles {
        search: String,
    },
    ListMissions,
    NextFocus,
    PreviousFocus,
    ListProperties {
        search: String,
    },
    SetProperty {
        uri: String,
        value: PropertyValue,
    },
    SetView(Box<View>),
    Screenshot,
    /// Recordings by their whole path: OpenSpace looks for them wherever it was started otherwise.
    StartRecording(String),
    StopRecording(String),
    PlayRecording {
        path: String,
        looped: bool,
    },
    PausePlayback(bool),
    StopPlayback,
    Lua(String),
}

/// What a wish is judged by: what there is, and what this machine allows.
#[derive(Clone, Copy, Debug)]
pub struct Grounds<'a> {
    pub tree: &'a Tree,
    pub saved: &'a Saved,
    /// What [`Saved::list`] has, newest first.
    pub recordings: &'a [SavedFile],
    /// `None` until OpenSpace has told.
    pub recorder: Option<RecorderState>,
    /// The configuration lets administrators run scripts.
    pub raw_lua: bool,
    pub now: UnixMillis,
}

/// Why a wish was not let through: a sentence for the viewer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("{0}")]
    Refused(String),
    /// It names what this tree does not hold; a newer one might.
    #[error("{0}")]
    Unknown(String),
}

/// What a role must at least be for a wish.
pub const fn role_for(wish: &Wish) -> Role {
    match wish {
        // Who only watches may know what there is to see.
        Wish::ListToggles { .. } | Wish::ListMissions {} | Wish::ListActions {} => Role::Watcher,
        Wish::SetTime { .. }
        | Wish::Pause { .. }
        | Wish::SetRate { .. }
        | Wish::StepRate { .. }
        | Wish::Now {}
        | Wish::Focus { .. }
        | Wish::FlyTo { .. }
        | Wish::FlyToGeo { .. }
        | Wish::StopFlight {}
        | Wish::ListNodes { .. }
        | Wish::StepFocus { .. } => Role::Pilot,
        Wish::Show { .. }
        | Wish::Fade { .. }
        | Wish::TriggerAction { .. }
        | Wish::ListProperties { .. }
        | Wish::SetProperty { .. }
        | Wish::Screenshot {}
        | Wish::ListScreenshots {}
        | Wish::StartRecording {}
        | Wish::StopRecording {}
        | Wish::ListRecordings {}
        | Wish::PlayRecording { .. }
        | Wish::PausePlayback { .. }
        | Wish::StopPlayback {} => Role::Presenter,
        Wish::Restart {} => Role::Owner,
        Wish::Lua { .. } => Role::Admin,
    }
}

pub fn judge(wish: &Wish, role: Role, grounds: &Grounds<'_>) -> Result<Call, Denied> {
    admit(wish, role)?;
    let tree = grounds.tree;
    let deed = match wish {
        Wish::SetTime { time } => Deed::SetTime(Moment::parse(time).ok_or_else(not_a_time)?),
        Wish::Now {} => Deed::SetTime(Moment::of(grounds.now).ok_or_else(not_a_time)?),
        Wish::Pause { paused } => Deed::SetPause(*paused),
        Wish::SetRate { seconds_per_second } => {
            Deed::SetRate(within("The rate", *seconds_per_second, (-RATE_MAX, RATE_MAX), "seconds a second")?)
        }
        Wish::StepRate { forward: true } => Deed::NextRate,
        Wish::StepRate { forward: false } => Deed::PreviousRate,
        Wish::Focus { node } => Deed::Focus(target(node, tree)?),
        Wish::FlyTo { node, duration_s } => {
            let within = |seconds| within("The flight", seconds, FLIGHT_S, "seconds");
            Deed::FlyTo { node: target(node, tree)?, duration_s: duration_s.map(within).transpose()? }
        }
        Wish::FlyToGeo { node, latitude, longitude, altitude_m } => Deed::FlyToGeo {
            globe: target(node, tree)?,
            latitude: within("The latitude", *latitude, (-90.0, 90.0), "degrees")?,
            longitude: within("The longitude", *longitude, (-180.0, 180.0), "degrees")?,
            altitude_m: within("The altitude", *altitude_m, ALTITUDE_M, "metres")?,
        },
        Wish::StopFlight {} => Deed::StopFlight,
        Wish::Show { node, visible } => Deed::Show { node: drawn(node, tree)?, visible: *visible },
        Wish::Fade { node, visible, seconds } => Deed::Fade {
            node: drawn(node, tree)?,
            visible: *visible,
            seconds: within("The fade", *seconds, FADE_S, "seconds")?,
        },
        Wish::TriggerAction { action } => Deed::TriggerAction(offered(action, tree)?),
        Wish::ListNodes { search } => Deed::ListNodes { search: searched(search.as_deref()) },
        Wish::ListActions {} => Deed::ListActions,
        Wish::ListToggles { search } => Deed::ListToggles { search: searched(search.as_deref()) },
        Wish::ListMissions {} => Deed::ListMissions,
        Wish::StepFocus { forward: true } => Deed::NextFocus,
        Wish::StepFocus { forward: false } => Deed::PreviousFocus,
        Wish::ListProperties { search } => Deed::ListProperties { search: searched(search.as_deref()) },
        Wish::SetProperty { uri, value } => property(uri, value, tree)?,
        Wish::Screenshot {} => Deed::Screenshot,
        Wish::StartRecording {}
        | Wish::StopRecording {}
        | Wish::PlayRecording { .. }
        | Wish::PausePlayback { .. }
        | Wish::StopPlayback {} => recording(wish, grounds)?,
        Wish::Lua { script } => lua(script, grounds.raw_lua)?,
        // OpenSpace has no part in these.
        Wish::ListScreenshots {} | Wish::ListRecordings {} | Wish::Restart {} => {
            return Err(Denied::Refused("OpenSpace cannot be asked for that.".to_owned()));
        }
    };
    Ok(Call(deed))
}

/// Whether the role allows it at all, before anybody looks at the scene.
pub fn admit(wish: &Wish, role: Role) -> Result<(), Denied> {
    if role >= role_for(wish) {
        return Ok(());
    }
    Err(Denied::Refused(match role {
        _ if role_for(wish) == Role::Admin => {
            "Only an administrator of this machine may run scripts.".to_owned()
        }
        _ if role_for(wish) == Role::Owner => "Only who launched it may restart it.".to_owned(),
        Role::Watcher => "Your link is for watching. Ask for a link that may steer.".to_owned(),
        _ => "Only a presenter may change the scene. Ask for a presenter's link.".to_owned(),
    }))
}

fn searched(search: Option<&str>) -> String {
    search.unwrap_or_default().chars().take(SEARCH_CHARS).collect()
}

fn property(uri: &str, value: &PropertyValue, tree: &Tree) -> Result<Deed, Denied> {
    let refused = |why: String| Denied::Refused(why);
    if !is_uri(uri) {
        return Err(refused("That is not a property that may be changed from here.".to_owned()));
    }
    let known = tree.property(uri).ok_or_else(|| {
        Denied::Unknown(format!("“{uri}” is not a property of this scene that may be changed from here."))
    })?;
    let wrong = |takes: String| refused(format!("“{}” takes {takes}.", known.name));
    known.kind.check(value).map_err(wrong)?;
    Ok(Deed::SetProperty { uri: known.uri.clone(), value: value.clone() })
}

/// OpenSpace is silent about a recorder that cannot do what is asked, so that is looked at before.
fn recording(wish: &Wish, grounds: &Grounds<'_>) -> Result<Deed, Denied> {
    use RecorderState::{Idle, Paused, Playing, Recording};
    let new = || path(&saved::next_name(SavedKind::Recordings, grounds.recordings), grounds.saved);
    let (needed, deed): (&[RecorderState], _) = match wish {
        Wish::StartRecording {} => (&[Idle], Deed::StartRecording(new()?)),
        Wish::StopRecording {} => (&[Recording], Deed::StopRecording(new()?)),
        Wish::PlayRecording { name, looped } => {
            let known = grounds.recordings.iter().find(|file| file.name == *name).ok_or_else(|| {
                let why = "There is no such recording of this instance. Choose one from the list.";
                Denied::Refused(why.to_owned())
            })?;
            (&[Idle], Deed::PlayRecording { path: path(&known.name, grounds.saved)?, looped: *looped })
        }
        Wish::PausePlayback { paused } => (&[Playing, Paused], Deed::PausePlayback(*paused)),
        _ => (&[Playing, Paused], Deed::StopPlayback),
    };
    match grounds.recorder {
        Some(now) if !needed.contains(&now) => Err(Denied::Refused(
            match now {
                Idle => "Nothing is recorded or played at the moment.",
                Recording => "A recording is under way. Stop it first.",
                Playing | Paused => "A recording is played. Stop it first.",
            }
            .to_owned(),
        )),
        _ => Ok(deed),
    }
}

fn path(name: &str, saved: &Saved) -> Result<String, Denied> {
    let path = saved.path(SavedKind::Recordings, name);
    let odd = || Denied::Refused("This machine keeps its data where OpenSpace cannot record.".to_owned());
    usable_text(&path).map(str::to_owned).ok_or_else(odd)
}

fn lua(script: &str, allowed: bool) -> Result<Deed, Denied> {
    if allowed {
        return Ok(Deed::Lua(script.to_owned()));
    }
    Err(Denied::Refused(
        "Scripts are switched off on this machine. Its administrator may set `gate.raw_lua` in the configuration."
            .to_owned(),
    ))
}

fn not_a_time() -> Denied {
    Denied::Refused(
        "That is not a time that can be shown. Write it as 2026-11-23T18:40:00Z, between 1550 and 2649."
            .to_owned(),
    )
}

fn within(what: &str, value: f64, (min, max): (f64, f64), unit: &str) -> Result<f64, Denied> {
    // Not a number is in no range.
    if (min..=max).contains(&value) {
        return Ok(value);
    }
    Err(Denied::Refused(format!("{what} must be between {min} and {max} {unit}.")))
}

fn named<'a>(id: &str, tree: &'a Tree) -> Result<&'a Node, Denied> {
    if !is_identifier(id) {
        return Err(Denied::Refused("That is not the name of a node. Choose one from the list.".to_owned()));
    }
    tree.node(id)
        .ok_or_else(|| Denied::Unknown(format!("“{id}” is not in this scene. Choose a node from the list.")))
}

/// A node that the camera may go to.
fn target(id: &str, tree: &Tree) -> Result<String, Denied> {
    named(id, tree)?;
    if ORIGINS.contains(&id) {
        return Err(Denied::Refused(format!("There is nothing to see at “{id}”. Choose another node.")));
    }
    Ok(id.to_owned())
}

/// A node that can be shown and hidden.
fn drawn(id: &str, tree: &Tree) -> Result<String, Denied> {
    if named(id, tree)?.drawn.is_some() {
        return Ok(id.to_owned());
    }
    Err(Denied::Refused(format!("“{id}” is not drawn, so it can be neither shown nor hidden.")))
}

fn offered(id: &str, tree: &Tree) -> Result<String, Denied> {
    if !is_identifier(id) {
        return Err(Denied::Refused(
            "That is not the name of an action. Choose one from the list.".to_owned(),
        ));
    }
    match tree.action(id) {
        Some(action) => Ok(action.id.clone()),
        None => Err(Denied::Unknown(format!(
            "“{id}” is not an action that this scene offers. Choose one from the list."
        ))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests;
