//! Between what a viewer wishes and what OpenSpace is asked: an OpenSpace socket is as good as a root shell.
//!
//! Pure, and denies by default. A wish becomes a [`Call`] only when the viewer's role allows it, everything it names is in the
//! live scene, and every number and time is in its range. Nothing but a `Call` gets to OpenSpace, and only this file makes one;
//! names of functions come from a fixed table of the client, never from a viewer.

mod moment;

use model::{Role, UnixMillis, scene::Wish};

pub(crate) use self::moment::Moment;
use crate::tree::{Node, Tree, is_identifier};

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

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Deed {
    SetTime(Moment),
    SetPause(bool),
    SetRate(f64),
    NextRate,
    PreviousRate,
    Focus(String),
    FlyTo { node: String, duration_s: Option<f64> },
    FlyToGeo { globe: String, latitude: f64, longitude: f64, altitude_m: f64 },
    Show { node: String, visible: bool },
    Fade { node: String, visible: bool, seconds: f64 },
    TriggerAction(String),
    ListNodes { search: String },
    ListActions,
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
        Wish::SetTime { .. }
        | Wish::Pause { .. }
        | Wish::SetRate { .. }
        | Wish::StepRate { .. }
        | Wish::Now {}
        | Wish::Focus { .. }
        | Wish::FlyTo { .. }
        | Wish::FlyToGeo { .. }
        | Wish::ListNodes { .. }
        | Wish::ListActions {} => Role::Pilot,
        Wish::Show { .. } | Wish::Fade { .. } | Wish::TriggerAction { .. } => Role::Presenter,
    }
}

pub fn judge(wish: &Wish, role: Role, tree: &Tree, now: UnixMillis) -> Result<Call, Denied> {
    admit(wish, role)?;
    let deed = match wish {
        Wish::SetTime { time } => Deed::SetTime(Moment::parse(time).ok_or_else(not_a_time)?),
        Wish::Now {} => Deed::SetTime(Moment::of(now).ok_or_else(not_a_time)?),
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
        Wish::Show { node, visible } => Deed::Show { node: drawn(node, tree)?, visible: *visible },
        Wish::Fade { node, visible, seconds } => Deed::Fade {
            node: drawn(node, tree)?,
            visible: *visible,
            seconds: within("The fade", *seconds, FADE_S, "seconds")?,
        },
        Wish::TriggerAction { action } => Deed::TriggerAction(offered(action, tree)?),
        Wish::ListNodes { search } => {
            let search = search.as_deref().unwrap_or_default();
            Deed::ListNodes { search: search.chars().take(SEARCH_CHARS).collect() }
        }
        Wish::ListActions {} => Deed::ListActions,
    };
    Ok(Call(deed))
}

/// Whether the role allows it at all, before anybody looks at the scene.
pub fn admit(wish: &Wish, role: Role) -> Result<(), Denied> {
    if role >= role_for(wish) {
        return Ok(());
    }
    Err(Denied::Refused(match role {
        Role::Watcher => "Your link is for watching. Ask for a link that may steer.".to_owned(),
        _ => "Only a presenter may change the scene. Ask for a presenter's link.".to_owned(),
    }))
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
    if named(id, tree)?.drawn {
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
