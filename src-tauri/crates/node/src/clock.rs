//! The wall clock and the random source: the two things that no decision may reach for by itself.

use std::time::{SystemTime, UNIX_EPOCH};

use model::{Secret, UnixMillis};

pub fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

pub fn new_secret() -> Secret {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("Linux and Windows have a random source from boot on");
    Secret::from_random(bytes)
}
