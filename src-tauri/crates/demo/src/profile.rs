//! `.profile` files: the scene to start with, as JSON.

use std::{
    fmt,
    path::{Component, Path, PathBuf},
};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::paths::Tokens;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Profile {
    pub meta: Meta,
    pub assets: Vec<String>,
    pub properties: Vec<Property>,
    pub actions: Vec<Action>,
    pub keybindings: Vec<Keybinding>,
    pub time: Option<Time>,
    pub delta_times: Vec<f64>,
    pub camera: Option<Camera>,
    pub mark_nodes: Vec<String>,
    pub additional_scripts: Vec<String>,
    pub panel_visibility: Map<String, Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Meta {
    pub name: Option<String>,
    pub version: Option<String>,
    pub description: Option<String>,
    pub author: Option<String>,
    pub url: Option<String>,
    pub license: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Property {
    /// `setPropertyValue` or `setPropertyValueSingle`.
    #[serde(rename = "type")]
    pub function: String,
    pub name: String,
    /// Lua text, or a plain JSON value.
    pub value: Value,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Action {
    pub identifier: String,
    #[serde(default)]
    pub documentation: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub gui_path: String,
    #[serde(default)]
    pub is_local: bool,
    pub script: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Keybinding {
    pub key: String,
    pub action: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Time {
    #[serde(rename = "type")]
    pub kind: String,
    pub value: String,
    #[serde(default)]
    pub is_paused: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Camera {
    GoToGeo { anchor: String, latitude: f64, longitude: f64, altitude: Option<f64> },
    GoToNode { anchor: String, height: Option<f64> },
    SetNavigationState { anchor: String, position: Value, up: Option<Value> },
}

#[derive(Debug)]
pub enum ProfileError {
    None,
    /// The name leaves the profile folders.
    BadName(String),
    Missing {
        name: String,
        looked_in: Vec<PathBuf>,
    },
    Broken {
        file: PathBuf,
        why: String,
    },
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => write!(f, "Cannot launch without a profile"),
            Self::BadName(name) => write!(f, "Could not load profile '{name}': that is not a profile's name"),
            Self::Missing { name, looked_in } => {
                let folders: Vec<_> = looked_in.iter().map(|dir| format!("'{}'", dir.display())).collect();
                write!(
                    f,
                    "Could not load profile '{name}': there is no such file in {}",
                    folders.join(" or ")
                )
            }
            Self::Broken { file, why } => write!(f, "Could not load profile '{}': {why}", file.display()),
        }
    }
}

/// Looks for `<name>.profile` in the user's folder, then in the install's.
///
/// # Errors
/// There is no name, no such file, or it is not a profile.
pub fn load(name: Option<&str>, tokens: &Tokens) -> Result<(PathBuf, Profile), ProfileError> {
    let name = name.filter(|name| !name.is_empty()).ok_or(ProfileError::None)?;
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if !plain {
        return Err(ProfileError::BadName(name.to_owned()));
    }
    let looked_in = vec![tokens.expand("${USER_PROFILES}"), tokens.expand("${PROFILES}")];
    let file = looked_in.iter().map(|dir| dir.join(format!("{name}.profile"))).find(|file| file.is_file());
    let file = file.ok_or_else(|| ProfileError::Missing { name: name.to_owned(), looked_in })?;
    let broken = |why: String| ProfileError::Broken { file: file.clone(), why };
    let text = std::fs::read(&file).map_err(|error| broken(error.to_string()))?;
    let profile = serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))?;
    Ok((file, profile))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_shipped_profiles_are_read() {
        for text in [
            include_str!("../build/data/profiles/default.profile"),
            include_str!("../build/data/profiles/nightsky.profile"),
            include_str!("../build/data/profiles/solar-system.profile"),
        ] {
            let profile: Profile = serde_json::from_str(text).unwrap();
            assert!(
                profile.meta.name.is_some()
                    && profile.meta.description.is_some()
                    && profile.meta.author.is_some()
            );
            assert!(profile.camera.is_some());
        }
    }

    #[test]
    fn a_name_never_leaves_its_folder() {
        for bad in ["../secret", "/etc/passwd", "a/../../b"] {
            assert!(matches!(load(Some(bad), &Tokens::default()), Err(ProfileError::BadName(_))), "{bad}");
        }
        assert!(matches!(load(Some(""), &Tokens::default()), Err(ProfileError::None)));
    }
}
