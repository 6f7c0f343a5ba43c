//! The join codes that are out. Pure.
//!
//! Each works once and for a quarter of an hour; only hashes are kept, and a restart forgets them all. Guessing 128 bits is hopeless;
//! that wrong attempts are limited keeps somebody who tries all the same from keeping the machine busy.

use model::UnixMillis;
use sha2::{Digest, Sha256};

use crate::Trouble;

const LASTS_MS: i64 = 15 * 60_000;
/// A person sets up a room of machines with one each.
const OUT_MAX: usize = 64;
const WRONG_MAX: usize = 10;
const WRONG_WINDOW_MS: i64 = 60_000;

#[derive(Debug, Default)]
pub(crate) struct Codes {
    out: Vec<([u8; 32], UnixMillis)>,
    wrong: Vec<UnixMillis>,
}

impl Codes {
    pub fn add(&mut self, secret: &[u8], now: UnixMillis) {
        self.forget(now);
        if self.out.len() >= OUT_MAX {
            self.out.remove(0);
        }
        self.out.push((hash(secret), UnixMillis(now.0 + LASTS_MS)));
    }

    /// Uses it up.
    pub fn redeem(&mut self, secret: &[u8], now: UnixMillis) -> Result<(), Trouble> {
        self.forget(now);
        if self.wrong.len() >= WRONG_MAX {
            return Err(Trouble::TooManyAttempts);
        }
        // Compared by hash: how long it takes tells nothing about the secret.
        let hash = hash(secret);
        let Some(found) = self.out.iter().position(|(known, _)| *known == hash) else {
            self.wrong.push(now);
            return Err(Trouble::CodeRefused);
        };
        self.out.remove(found);
        Ok(())
    }

    fn forget(&mut self, now: UnixMillis) {
        self.out.retain(|(_, ends)| ends.0 > now.0);
        self.wrong.retain(|at| (0..WRONG_WINDOW_MS).contains(&(now.0 - at.0)));
    }
}

fn hash(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000_000);

    fn later(seconds: i64) -> UnixMillis {
        UnixMillis(NOW.0 + seconds * 1000)
    }

    #[test]
    fn a_code_works_once() {
        let mut codes = Codes::default();
        codes.add(b"one", NOW);
        assert_eq!(codes.redeem(b"one", later(899)), Ok(()));
        assert_eq!(codes.redeem(b"one", later(899)), Err(Trouble::CodeRefused));
    }

    #[test]
    fn a_code_ends_after_a_quarter_of_an_hour() {
        let mut codes = Codes::default();
        codes.add(b"one", NOW);
        assert_eq!(codes.redeem(b"one", later(900)), Err(Trouble::CodeRefused));
    }

    #[test]
    fn whoever_guesses_is_made_to_wait_and_the_right_code_works_afterwards() {
        let mut codes = Codes::default();
        codes.add(b"one", NOW);
        for _ in 0..WRONG_MAX {
            assert_eq!(codes.redeem(b"two", NOW), Err(Trouble::CodeRefused));
        }
        assert_eq!(codes.redeem(b"one", NOW), Err(Trouble::TooManyAttempts));
        assert_eq!(codes.redeem(b"one", later(60)), Ok(()));
    }
}
