//! How much one client may ask of this machine: token buckets and counts of open connections. Pure: time is an argument.
//!
//! A client is an address: IPv4 as it is, IPv6 by its /64, since a household owns all the addresses below that. Memory is
//! bounded: a table that is full forgets the client that has used the least.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

/// Clients that one table remembers. With 48 bytes each the five tables stay under a megabyte.
pub(crate) const CLIENTS: usize = 4096;

/// Whom the limits take for one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Client(IpAddr);

impl From<IpAddr> for Client {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) if !v6.is_loopback() => {
                let prefix = u128::from(v6) & !u128::from(u64::MAX);
                Self(IpAddr::V6(Ipv6Addr::from(prefix)))
            }
            other => Self(other),
        }
    }
}

/// So many at once, and so many a second in the long run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    pub burst: u32,
    pub per_s: f64,
}

/// What one viewer may say in its signaling, whether it comes by a socket of its own or over another machine.
pub const VIEWER_MESSAGES: Rate = Rate { burst: 100, per_s: 20.0 };

/// A token bucket: it starts full, one token is one deed.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    pub fn full(rate: Rate, now: Instant) -> Self {
        Self { tokens: f64::from(rate.burst), filled: now }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// How long until the next one.
    pub fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        self.refill(rate, now);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - self.tokens) / rate.per_s.max(1e-6)))
    }

    fn refill(&mut self, rate: Rate, now: Instant) {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + passed * rate.per_s).min(f64::from(rate.burst));
        self.filled = self.filled.max(now);
    }
}

/// A bucket for each client.
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    rate: Rate,
    capacity: usize,
    buckets: HashMap<K, Bucket>,
}

impl<K: Copy + Eq + Hash> Buckets<K> {
    pub(crate) fn new(rate: Rate, capacity: usize) -> Self {
        Self { rate, capacity: capacity.max(1), buckets: HashMap::new() }
    }

    /// Takes a token; `Err` is how long until the next one.
    pub(crate) fn take(&mut self, key: K, now: Instant) -> Result<(), Duration> {
        if !self.buckets.contains_key(&key) && self.buckets.len() >= self.capacity {
            self.forget(now);
        }
        self.buckets.entry(key).or_insert_with(|| Bucket::full(self.rate, now)).take(self.rate, now)
    }

    /// Is there a token? Takes none.
    pub(crate) fn check(&self, key: K, now: Instant) -> Result<(), Duration> {
        self.buckets.get(&key).map_or(Ok(()), |bucket| bucket.clone().take(self.rate, now))
    }

    /// A full bucket says as much as none: those go first, and where there are none, the fullest.
    fn forget(&mut self, now: Instant) {
        let rate = self.rate;
        self.buckets.retain(|_, bucket| {
            bucket.refill(rate, now);
            bucket.tokens < f64::from(rate.burst)
        });
        if self.buckets.len() >= self.capacity {
            let fullest =
                self.buckets.iter().max_by(|a, b| a.1.tokens.total_cmp(&b.1.tokens)).map(|(key, _)| *key);
            fullest.map(|key| self.buckets.remove(&key));
        }
    }
}

/// How many a client, and all clients together, may hold open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cap {
    pub each: u32,
    pub total: u32,
}

/// Counts what is open. Only clients that hold something are remembered.
#[derive(Debug)]
pub(crate) struct Open<K> {
    cap: Cap,
    total: u32,
    by_client: HashMap<K, u32>,
}

impl<K: Copy + Eq + Hash> Open<K> {
    pub(crate) fn new(cap: Cap) -> Self {
        Self { cap, total: 0, by_client: HashMap::new() }
    }

    /// `false`: one too many, nothing was counted.
    #[must_use]
    pub(crate) fn enter(&mut self, key: K) -> bool {
        let mine = self.by_client.get(&key).copied().unwrap_or(0);
        let room = self.total < self.cap.total && mine < self.cap.each;
        if room {
            self.total += 1;
            self.by_client.insert(key, mine + 1);
        }
        room
    }

    pub(crate) fn leave(&mut self, key: K) {
        let Some(mine) = self.by_client.get_mut(&key) else { return };
        *mine -= 1;
        self.total -= 1;
        if *mine == 0 {
            self.by_client.remove(&key);
        }
    }

    pub(crate) fn total(&self) -> u32 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    const RATE: Rate = Rate { burst: 3, per_s: 2.0 };

    fn client(text: &str) -> Client {
        text.parse::<IpAddr>().map(Client::from).expect("an address")
    }

    #[test]
    fn an_empty_bucket_says_when_to_come_back() {
        let start = Instant::now();
        let mut bucket = Bucket::full(RATE, start);
        for _ in 0..3 {
            assert_eq!(bucket.take(RATE, start), Ok(()));
        }
        let wait = bucket.take(RATE, start).expect_err("the burst is used up");
        assert_eq!(wait, Duration::from_millis(500));
        assert_eq!(bucket.take(RATE, start + wait), Ok(()));
    }

    #[test]
    fn one_client_does_not_use_up_anothers_tokens() {
        let now = Instant::now();
        let mut buckets = Buckets::new(RATE, CLIENTS);
        while buckets.take(client("192.0.2.1"), now).is_ok() {}
        assert!(buckets.check(client("192.0.2.1"), now).is_err());
        assert!(buckets.take(client("192.0.2.2"), now).is_ok());
    }

    #[test]
    fn addresses_of_one_household_are_one_client() {
        assert_eq!(client("2001:db8::1"), client("2001:db8::ffff:2"));
        assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
        assert_eq!(client("::ffff:192.0.2.1"), client("192.0.2.1"));
        assert_ne!(client("192.0.2.1"), client("192.0.2.2"));
    }

    #[test]
    fn a_flood_of_addresses_does_not_free_the_one_that_is_limited() {
        let now = Instant::now();
        let mut buckets = Buckets::new(RATE, 16);
        while buckets.take(0, now).is_ok() {}
        for other in 1..1000 {
            let _ = buckets.take(other, now);
            assert!(buckets.buckets.len() <= 16);
        }
        assert!(buckets.check(0, now).is_err());
    }

    proptest! {
        /// Over any time no more is granted than the burst and what was refilled.
        #[test]
        fn never_more_than_burst_and_rate(steps in prop::collection::vec(0u64..2000, 1..200)) {
            let start = Instant::now();
            let mut now = start;
            let mut bucket = Bucket::full(RATE, start);
            let mut granted = 0u32;
            for step in steps {
                now += Duration::from_millis(step);
                granted += u32::from(bucket.take(RATE, now).is_ok());
            }
            let most = f64::from(RATE.burst) + (now - start).as_secs_f64() * RATE.per_s;
            prop_assert!(f64::from(granted) <= most + 1e-6);
        }

        /// A clock that steps back gives nothing away and takes nothing.
        #[test]
        fn time_that_runs_backwards_grants_nothing(back in 0u64..10_000) {
            let now = Instant::now() + Duration::from_secs(60);
            let mut bucket = Bucket::full(RATE, now);
            while bucket.take(RATE, now).is_ok() {}
            prop_assert!(bucket.take(RATE, now - Duration::from_millis(back)).is_err());
        }

        /// The counts are those of a plain model, and never above the caps.
        #[test]
        fn open_counts_match_a_model(deeds in prop::collection::vec((any::<bool>(), 0u8..5), 0..200)) {
            let cap = Cap { each: 3, total: 8 };
            let mut open = Open::new(cap);
            let mut model: HashMap<u8, u32> = HashMap::new();
            for (enters, key) in deeds {
                let mine = model.get(&key).copied().unwrap_or(0);
                let total: u32 = model.values().sum();
                if enters {
                    let room = mine < cap.each && total < cap.total;
                    prop_assert_eq!(open.enter(key), room);
                    model.insert(key, mine + u32::from(room));
                } else {
                    open.leave(key);
                    model.insert(key, mine.saturating_sub(1));
                }
                prop_assert_eq!(open.total(), model.values().sum::<u32>());
            }
            prop_assert!(open.by_client.values().all(|mine| *mine > 0));
        }
    }
}
