//! Links that let others in, by the hashes of their secrets. The journal keeps them; the registry is told of them, so that a link still
//! lets in when another machine goes on with its instance.
//!
//! What the registry says gives nobody more than a presenter's place: it is less guarded than a machine's own journal.

use std::{collections::BTreeMap, sync::Arc};

use model::{InstanceId, Role, SecretHash, UnixMillis};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Invite, Store, StoreError};
use tokio::sync::watch;
use tracing::warn;

use crate::clock;

/// The longest that a link holds.
pub const TTL_MAX_S: u32 = 7 * 24 * 3600;
/// Of one instance that are told to the registry: 24 kB. Of more, those that hold longest.
const TOLD_MAX: usize = 200;

/// Of each instance.
pub type All = Arc<BTreeMap<InstanceId, Vec<(SecretHash, Invite)>>>;

#[derive(Clone, Debug)]
pub struct Invitations {
    store: Store,
    all: watch::Sender<All>,
}

impl Invitations {
    pub async fn open(store: Store) -> Result<Self, StoreError> {
        store.remove_expired_invites(clock::now()).await?;
        let mut all = BTreeMap::<InstanceId, Vec<_>>::new();
        for (hash, invite) in store.invites(clock::now()).await? {
            all.entry(invite.instance).or_default().push((hash, invite));
        }
        Ok(Self { store, all: watch::Sender::new(Arc::new(all)) })
    }

    pub async fn add(&self, hash: SecretHash, invite: Invite) -> Result<(), StoreError> {
        self.store.add_invite(hash, &invite).await?;
        self.all.send_modify(|all| {
            let (all, now) = (Arc::make_mut(all), clock::now());
            all.retain(|_, of_one| {
                of_one.retain(|(known, invite)| invite.expires > now && *known != hash);
                !of_one.is_empty()
            });
            all.entry(invite.instance).or_default().push((hash, invite));
        });
        Ok(())
    }

    /// `None` when unknown or expired.
    pub async fn find(&self, hash: SecretHash) -> Result<Option<Invite>, StoreError> {
        self.store.invite(hash, clock::now()).await
    }

    pub fn all(&self) -> All {
        self.all.borrow().clone()
    }

    /// What the registry kept of an instance that goes on here.
    pub async fn take_over(&self, instance: InstanceId, told: &Value) {
        for (hash, invite) in read(told, instance, clock::now()) {
            if let Err(error) = self.add(hash, invite).await {
                warn!(%instance, %error, "a link of an instance that goes on here lets nobody in any more");
            }
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Told {
    /// In hex.
    hash: String,
    role: Role,
    expires: UnixMillis,
}

/// What the registry is told of one instance's links.
pub fn told(all: &All, instance: InstanceId, now: UnixMillis) -> Value {
    let mut valid: Vec<_> =
        all.get(&instance).into_iter().flatten().filter(|(_, invite)| invite.expires > now).collect();
    valid.sort_by_key(|(hash, invite)| (std::cmp::Reverse(invite.expires), hash.0));
    let told = valid.into_iter().take(TOLD_MAX).map(|(hash, invite)| Told {
        hash: hash.to_hex(),
        role: invite.role,
        expires: invite.expires,
    });
    serde_json::to_value(told.collect::<Vec<_>>()).unwrap_or(Value::Null)
}

/// Rows that cannot be understood are passed over, and what they promise is bounded.
fn read(told: &Value, instance: InstanceId, now: UnixMillis) -> Vec<(SecretHash, Invite)> {
    let latest = UnixMillis(now.0.saturating_add(i64::from(TTL_MAX_S) * 1000));
    let one = |told: &Value| {
        let told = Told::deserialize(told).ok()?;
        let role = told.role.min(Role::Presenter);
        let expires = told.expires.min(latest);
        let hash = SecretHash::from_hex(&told.hash)?;
        (expires > now).then_some((hash, Invite { instance, role, expires }))
    };
    told.as_array().into_iter().flatten().take(TOLD_MAX).filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn all(instance: InstanceId, invites: &[(u8, Role, i64)]) -> All {
        let one = |(hash, role, expires): &(u8, Role, i64)| {
            (SecretHash([*hash; 32]), Invite { instance, role: *role, expires: UnixMillis(*expires) })
        };
        Arc::new(BTreeMap::from([(instance, invites.iter().map(one).collect())]))
    }

    #[test]
    fn links_come_over_with_their_role_and_end_and_those_that_have_ended_do_not() {
        let (instance, other) = (InstanceId::random(), InstanceId::random());
        let all = all(
            instance,
            &[(1, Role::Watcher, 2_000_000), (2, Role::Presenter, 3_000_000), (3, Role::Pilot, 999_999)],
        );
        let brought = read(&told(&all, instance, NOW), other, NOW);
        let roles: Vec<_> =
            brought.iter().map(|(hash, invite)| (hash.0[0], invite.role, invite.expires.0)).collect();
        assert_eq!(roles, [(2, Role::Presenter, 3_000_000), (1, Role::Watcher, 2_000_000)]);
        assert!(brought.iter().all(|(_, invite)| invite.instance == other));
        assert_eq!(told(&all, other, NOW), json!([]));
    }

    #[test]
    fn the_registry_promises_nobody_more_than_a_presenter_s_place_for_a_week() {
        let instance = InstanceId::random();
        let edited = all(instance, &[(1, Role::Admin, i64::MAX), (2, Role::Owner, 2_000_000)]);
        let brought = read(&told(&edited, instance, NOW), instance, NOW);
        assert!(brought.iter().all(|(_, invite)| invite.role == Role::Presenter), "{brought:?}");
        let latest = NOW.0 + i64::from(TTL_MAX_S) * 1000;
        assert_eq!(brought[0].1.expires.0, latest);
        let hash = SecretHash([1; 32]).to_hex();
        for nonsense in [
            json!(null),
            json!("x"),
            json!([7, { "hash": "zz", "role": "watcher", "expires": 9e9 }]),
            json!([{ "hash": hash, "role": "king", "expires": 9_000_000 }]),
            json!([{ "hash": hash, "role": "watcher", "expires": 5 }]),
        ] {
            assert_eq!(read(&nonsense, instance, NOW), [], "{nonsense}");
        }
        let many: Vec<_> =
            (0..300).map(|_| json!({ "hash": hash, "role": "watcher", "expires": 9_000_000 })).collect();
        assert_eq!(read(&json!(many), instance, NOW).len(), TOLD_MAX);
    }

    #[test]
    fn of_more_links_than_the_registry_takes_those_that_hold_longest_are_told() {
        let instance = InstanceId::random();
        let many: Vec<_> = (0..=255).map(|n: u8| (n, Role::Watcher, 2_000_000 + i64::from(n))).collect();
        let told = told(&all(instance, &many), instance, NOW);
        assert_eq!(told.as_array().unwrap().len(), TOLD_MAX);
        assert_eq!(told[0]["expires"], 2_000_255);
        assert!(told.to_string().len() < 65_536);
    }
}
