//! Machines that were removed from the fleet. Pure.
//!
//! A certificate is refused when it is not younger than its machine's removal, both by the founder's clock: so a machine that joins
//! again is let in, and its old certificate is not.

use std::collections::BTreeMap;

use model::{ServerId, UnixMillis};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Removed(BTreeMap<ServerId, i64>);

impl Removed {
    pub fn add(&mut self, server: ServerId, at: UnixMillis) {
        let moment = self.0.entry(server).or_insert(at.0);
        *moment = (*moment).max(at.0);
    }

    /// Takes over what another list says. Nothing is ever forgotten by it. True when something is new.
    pub fn merge(&mut self, other: &Self) -> bool {
        let before = self.clone();
        other.0.iter().for_each(|(server, at)| self.add(*server, UnixMillis(*at)));
        *self != before
    }

    pub fn names(&self, server: ServerId) -> bool {
        self.0.contains_key(&server)
    }

    pub(crate) fn refuses(&self, server: ServerId, issued: UnixMillis) -> bool {
        self.0.get(&server).is_some_and(|removed| issued.0 <= *removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_certificate_is_refused_and_one_made_after_the_removal_is_not() {
        let (eve, ann) = (ServerId::random(), ServerId::random());
        let mut removed = Removed::default();
        removed.add(eve, UnixMillis(1000));
        for (server, issued, refused) in
            [(eve, 999, true), (eve, 1000, true), (eve, 1001, false), (ann, 1, false)]
        {
            assert_eq!(removed.refuses(server, UnixMillis(issued)), refused, "{issued}");
        }
    }

    #[test]
    fn a_list_that_knows_less_takes_nothing_back() {
        let eve = ServerId::random();
        let mut mine = Removed::default();
        mine.add(eve, UnixMillis(1000));
        let mut theirs = Removed::default();
        assert!(!mine.merge(&theirs));
        theirs.add(eve, UnixMillis(5));
        assert!(!mine.merge(&theirs));
        theirs.add(eve, UnixMillis(2000));
        assert!(mine.merge(&theirs) && mine.refuses(eve, UnixMillis(2000)));
    }
}
