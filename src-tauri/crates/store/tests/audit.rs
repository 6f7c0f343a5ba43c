//! The audit log in the journal.
#![allow(clippy::unwrap_used)]

use model::{AuditEntry, AuditKind, AuditQuestion, InstanceId, Role, SecretHash, UnixMillis, ViewerId};
use store::Store;

#[tokio::test]
async fn the_audit_log_is_asked_by_what_it_says_and_bounded_by_age_and_number() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("journal.db")).unwrap();
    let (ann, instance, viewer) = (hash(1), InstanceId::random(), ViewerId::random());
    let entry = |at: i64, kind, what: &str| AuditEntry::new(UnixMillis(at), kind, Some(ann), what);
    let fly = entry(1, AuditKind::Wish, "fly_to").of(instance).by(viewer, Role::Pilot).saying("Mars 100%");
    let lua = AuditEntry::new(UnixMillis(2), AuditKind::Script, None, "lua").saying("return [['x']]");
    let denied = entry(3, AuditKind::Wish, "set_property").refused("Only a presenter may.");
    store.add_audit(vec![fly.clone(), lua.clone(), denied.clone()]).await.unwrap();

    let all = store.audit(&AuditQuestion::default()).await.unwrap();
    assert_eq!(all.iter().map(|one| one.id).collect::<Vec<_>>(), [3, 2, 1], "newest first");
    assert_eq!(all[2], AuditEntry { id: 1, ..fly });
    assert_eq!(all[1], AuditEntry { id: 2, ..lua });
    let ids = async |question: AuditQuestion| {
        store.audit(&question).await.unwrap().into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    let none = AuditQuestion::default;
    let search = |words: &str| AuditQuestion { search: Some(words.to_owned()), ..none() };
    assert_eq!(ids(AuditQuestion { kind: Some(AuditKind::Wish), ..none() }).await, [3, 1]);
    assert_eq!(ids(AuditQuestion { instance: Some(instance), ..none() }).await, [1]);
    assert_eq!(ids(AuditQuestion { before: Some(3), limit: Some(1), ..none() }).await, [2]);
    assert_eq!(ids(AuditQuestion { before: Some(u64::MAX), ..none() }).await, [3, 2, 1]);
    assert_eq!(ids(search("MARS 100%")).await, [1]);
    assert_eq!(ids(search("refused")).await, [3]);
    assert_eq!(ids(search("%")).await, [1], "a sign is a sign");
    assert_eq!(ids(search("' OR 1=1 --")).await, Vec::<u64>::new());
    assert_eq!(ids(search(&viewer.to_string())).await, [1]);

    assert_eq!(store.trim_audit(UnixMillis(2), 100).await.unwrap(), 1);
    assert_eq!(ids(none()).await, [3, 2]);
    assert_eq!(store.trim_audit(UnixMillis(0), 1).await.unwrap(), 1);
    assert_eq!(ids(none()).await, [3]);
    store.add_audit(vec![denied]).await.unwrap();
    assert_eq!(ids(none()).await, [4, 3], "a number is not used again");
}

fn hash(seed: u8) -> SecretHash {
    SecretHash([seed; 32])
}
