//! What can be launched: an OpenSpace build folder, or another program.

use std::{collections::BTreeMap, fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

use crate::UnixMillis;

/// A short name that is safe in URLs and file names: 1–64 of `a-z 0-9 - . _`, beginning with a letter or digit.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BuildId(String);

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a valid build id: 1 to 64 of a-z 0-9 - . _, beginning with a letter or a digit")]
pub struct MalformedBuildId(String);

impl BuildId {
    pub const DEMO: &'static str = "demo";

    pub fn demo() -> Self {
        Self(Self::DEMO.to_owned())
    }

    /// The id a name would get: `OpenSpace 0.22` → `openspace-0.22`.
    pub fn from_name(name: &str) -> Result<Self, MalformedBuildId> {
        let slug: String = name
            .to_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' })
            .collect();
        slug.trim_matches(['-', '.', '_']).chars().take(64).collect::<String>().parse()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BuildId {
    type Err = MalformedBuildId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        let all_known = text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '_'));
        if starts_well && all_known && text.len() <= 64 {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedBuildId(text.chars().take(80).collect()))
        }
    }
}

impl TryFrom<String> for BuildId {
    type Error = MalformedBuildId;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<BuildId> for String {
    fn from(id: BuildId) -> Self {
        id.0
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something that an administrator registered for launching.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Build {
    pub id: BuildId,
    /// What people read: "OpenSpace 0.22", "Stellarium".
    pub name: String,
    pub kind: BuildKind,
    /// Set for the program on top of what the launch plan sets.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Put after the arguments of the launch plan.
    #[serde(default)]
    pub args: Vec<String>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BuildKind {
    /// A folder that holds `openspace.cfg` and `bin/OpenSpace`. It is never written to.
    OpenSpace {
        dir: PathBuf,
        api: ApiGeneration,
        version: Option<String>,
        commit: Option<String>,
        demo: bool,
    },
    /// Any X11 program.
    Program { command: PathBuf, working_dir: Option<PathBuf> },
}

impl Build {
    pub fn is_demo(&self) -> bool {
        matches!(self.kind, BuildKind::OpenSpace { demo: true, .. })
    }
    pub fn is_openspace(&self) -> bool {
        matches!(self.kind, BuildKind::OpenSpace { .. })
    }
}

/// The two dialects of OpenSpace's socket API.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApiGeneration {
    /// Up to 0.21.x and the streaming fork: no handshake.
    Legacy,
    /// From 0.22: the first message must be an `apiHandshake`.
    New,
}

/// An OpenSpace `.profile`: the scene to start with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Profile {
    /// Path relative to the profile folder, without `.profile`: `default`, `missions/apollo`.
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub author: Option<String>,
    /// Why nothing can be started with it.
    pub problem: Option<String>,
}

/// What a running program said of itself at its start; it knows better than its files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Confirmed {
    /// Absent in a development build, which has no number.
    pub version: Option<String>,
    pub commit: Option<String>,
    /// The dialect in which it answered.
    pub api: ApiGeneration,
    pub at: UnixMillis,
    /// Of the executable that ran: another one has said nothing yet.
    pub program: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_ids() {
        for (name, id) in
            [("OpenSpace 0.22", "openspace-0.22"), ("Stellarium", "stellarium"), ("  Ä b ", "b")]
        {
            assert_eq!(BuildId::from_name(name).map(String::from).ok().as_deref(), Some(id), "{name}");
        }
        assert!(BuildId::from_name("…").is_err());
    }

    #[test]
    fn an_id_never_leaves_its_folder() {
        for bad in ["", "..", "../x", "a/b", "A", "-a", &"a".repeat(65)] {
            assert!(bad.parse::<BuildId>().is_err(), "{bad}");
        }
    }
}
