//! Whose something is. Pure.

use gateway::Caller;
use model::{Secret, SecretHash};

/// Whose instances an administrator launches. It is no session's hash, since nothing hashes to zeros.
pub const ADMINISTRATOR: SecretHash = SecretHash([0; 32]);

/// Whose the instances are that stand ready for somebody. It is no session's hash, since nothing hashes to ones.
pub const STANDBY: SecretHash = SecretHash([0xff; 32]);

/// Whose the instances are that only download their data.
pub const FETCHER: SecretHash = SecretHash([0xfe; 32]);

/// It counts for nobody, and no other machine hears of it.
pub fn is_nobodys(session: SecretHash) -> bool {
    [STANDBY, FETCHER].contains(&session)
}

/// An invitation's hash; one that is none at all is known to nobody.
pub fn invite_hash(invite: &str) -> SecretHash {
    Secret::parse(invite).map_or(ADMINISTRATOR, |secret| secret.hash())
}

/// Whose what this caller launches and leaves is.
pub fn owner(caller: &Caller) -> SecretHash {
    match caller {
        Caller::Session(session) => *session,
        Caller::Admin => ADMINISTRATOR,
    }
}
