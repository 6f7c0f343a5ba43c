//! Who did what to this machine and its instances, and when. Never a secret: sessions by the beginning of their hash.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

use crate::{InstanceId, Role, SecretHash, UnixMillis, ViewerId};

/// Characters of what was asked that are kept: a whole script that fits one message of a viewer.
pub const AUDIT_DETAIL_CHARS_MAX: usize = 1200;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct AuditEntry {
    /// Rises with each entry.
    pub id: u64,
    pub at: UnixMillis,
    pub kind: AuditKind,
    /// `administrator`, `session 3f9a2c41`, `this machine`.
    pub who: String,
    pub role: Option<Role>,
    pub viewer_id: Option<ViewerId>,
    pub instance_id: Option<InstanceId>,
    /// What was asked for: `fly_to`, `launch`, `take`.
    pub what: String,
    pub outcome: AuditOutcome,
    /// With which words, and why not.
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditKind {
    /// What a viewer wished of a scene.
    Wish,
    /// Who steers.
    Control,
    /// An instance begins, ends, or somebody is invited to it.
    Instance,
    /// What an administrator did to the machine.
    Admin,
    /// A script that an administrator ran.
    Script,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    Done,
    Refused,
}

/// Which entries: all that fit, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditQuestion {
    /// Only what is older than this entry.
    pub before: Option<u64>,
    pub kind: Option<AuditKind>,
    pub instance: Option<InstanceId>,
    /// In any of its words.
    pub search: Option<String>,
    pub limit: Option<u32>,
}

impl AuditEntry {
    /// By somebody with a session, or an administrator, who has none.
    pub fn new(at: UnixMillis, kind: AuditKind, session: Option<SecretHash>, what: &str) -> Self {
        Self {
            id: 0,
            at,
            kind,
            who: session
                .map_or_else(|| "administrator".to_owned(), |hash| format!("session {}", hash.short())),
            role: None,
            viewer_id: None,
            instance_id: None,
            what: what.to_owned(),
            outcome: AuditOutcome::Done,
            detail: String::new(),
        }
    }

    #[must_use]
    pub fn of(self, instance: InstanceId) -> Self {
        Self { instance_id: Some(instance), ..self }
    }

    #[must_use]
    pub fn by(self, viewer: ViewerId, role: Role) -> Self {
        Self { viewer_id: Some(viewer), role: Some(role), ..self }
    }

    #[must_use]
    pub fn saying(self, detail: &str) -> Self {
        Self { detail: detail.chars().take(AUDIT_DETAIL_CHARS_MAX).collect(), ..self }
    }

    /// `because` is the sentence that was answered.
    #[must_use]
    pub fn refused(self, because: &str) -> Self {
        let between = if self.detail.is_empty() { "" } else { " — " };
        let detail = format!("{}{between}{because}", self.detail);
        Self { outcome: AuditOutcome::Refused, ..self }.saying(&detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_a_session_by_eight_characters_of_its_hash() {
        let hash = SecretHash([0xAB; 32]);
        let entry = AuditEntry::new(UnixMillis(1), AuditKind::Wish, Some(hash), "fly_to")
            .saying("Mars")
            .refused("No.");
        assert_eq!((entry.who.as_str(), entry.detail.as_str()), ("session abababab", "Mars — No."));
        assert_eq!(entry.outcome, AuditOutcome::Refused);
        let long = AuditEntry::new(UnixMillis(1), AuditKind::Admin, None, "x").saying(&"ä".repeat(9000));
        assert_eq!(long.detail.chars().count(), AUDIT_DETAIL_CHARS_MAX);
    }
}
