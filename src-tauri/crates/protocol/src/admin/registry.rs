//! This machine among others: where they meet, how that stands, and how an administrator changes it.

use std::fmt;

use model::UnixMillis;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;
use ts_rs::TS;
use utoipa::ToSchema;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct RegistryView {
    pub state: RegistryState,
    /// `postgres://user@host:port/database`, without its password.
    pub place: Option<String>,
    /// The same in parts, for who wants to change it.
    pub address: Option<RegistryAddress>,
    /// It stands in the configuration, and is changed there.
    pub configured: bool,
    /// When this state began.
    pub since: Option<UnixMillis>,
    pub last_contact: Option<UnixMillis>,
    /// What is the matter, and what to do.
    pub message: Option<String>,
    pub machines: u32,
    pub machines_alive: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistryState {
    /// This machine stands alone.
    #[default]
    Off,
    Connecting,
    NotSetUp,
    Up,
    /// It is tried again; what runs here runs on.
    Unreachable,
    /// It was reached, and said no.
    Refused,
}

/// Where a Postgres is; its password is told apart, and never told back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistryAddress {
    /// A name or an address.
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
    pub tls: RegistryTls,
    /// A file on this machine with the certificates of who signed the database's; absent: the system's authorities. For `verify_full`.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub authorities: Option<String>,
}

/// In the words of Postgres' own `sslmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistryTls {
    /// Never.
    Disable,
    /// Where the database speaks it.
    Prefer,
    /// Always, whoever answers.
    Require,
    /// Always, and the other side must show a certificate that is trusted.
    VerifyFull,
}

/// What a look at a database has shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct RegistryFound {
    /// Postgres', such as "15.18".
    pub version: String,
    pub encrypted: bool,
    pub tables: RegistryTables,
    /// What is in it and what joining does with that, in sentences.
    pub tables_message: String,
    /// What this user may not do though it must, and what helps; absent: all is well.
    pub rights_message: Option<String>,
    /// This machine can join.
    pub usable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistryTables {
    None,
    Ours,
    /// Ours, of an older version.
    Older,
    /// The old back end's.
    Old,
    /// Of a version that this program does not know.
    Newer,
    /// Somebody else's.
    Foreign,
}

/// A password on its way into the node. Nothing shows it, a malformed one included.
#[derive(Clone, PartialEq, Eq, Serialize, TS, ToSchema)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl<'de> Deserialize<'de> for Password {
    /// By way of any value, since serde's own words for a wrong one would quote it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer) {
            Ok(Value::String(text)) => Ok(Self(text)),
            _ => Err(D::Error::custom("a password is a text, in quotes")),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::admin::AdminCommand;

    #[test]
    fn a_password_shows_in_no_command_and_in_no_error() {
        let address = r#"{"host":"db","port":5432,"database":"d","user":"u","tls":"verify_full"}"#;
        let command = |password: &str| {
            serde_json::from_str::<AdminCommand>(&format!(
                r#"{{"command":"join_registry","address":{address},"password":{password}}}"#
            ))
        };
        let good = command(r#""hunter2""#).unwrap();
        assert!(!format!("{good:?}").contains("hunter2"));
        let AdminCommand::JoinRegistry { password: Some(password), .. } = good else { panic!("{good:?}") };
        assert_eq!(password.reveal(), "hunter2");
        for bad in ["4242424242", r#"["hunter2"]"#, r#"{"hunter2":1}"#, "true"] {
            let said = command(bad).unwrap_err().to_string();
            assert!(said.contains("a password is a text"), "{said}");
            assert!(!said.contains("hunter2") && !said.contains("4242"), "{said}");
        }
    }
}
