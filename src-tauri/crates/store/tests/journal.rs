//! What the journal keeps, and through what: real files, a real kill, a real full disk.

#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use model::{
    ApiGeneration, Build, BuildId, BuildKind, Confirmed, DisplayAddress, DisplayRecord, InstanceId,
    InstanceState, ProcessId, Role, Running, Secret, SecretHash, Size, UnixMillis, WindowId,
    video::{PictureSize, SizeMode},
};
use proptest::prelude::*;
use store::{InstanceRecord, Invite, OpenError, Store, StoreError};

/// Set for the child of `what_was_acknowledged_survives_a_kill`: the file it writes until it is killed.
const VICTIM: &str = "STORE_TEST_VICTIM";

#[tokio::test]
async fn everything_is_there_after_the_file_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data/journal.db");
    let (session, token, invite) = (hash(1), hash(2), hash(3));
    let builds = [openspace_build("openspace-0.22"), program_build("stellarium")];
    let large = PictureSize { mode: SizeMode::Follow, size: Size::new(1600, 898) };
    let record = InstanceRecord { picture: Some(large), ..record(InstanceState::Ready) };
    let promise = Invite { instance: record.id, role: Role::Pilot, expires: UnixMillis(1000) };

    let store = Store::open(&path).unwrap();
    store.put_setting("default_build", "demo").await.unwrap();
    store.put_setting("default_build", "stellarium").await.unwrap();
    store.add_session(session, UnixMillis(1)).await.unwrap();
    store.add_session(session, UnixMillis(2)).await.unwrap();
    store.add_admin_token(token, UnixMillis(1)).await.unwrap();
    for build in &builds {
        store.put_build(build).await.unwrap();
    }
    store.put_confirmed(&builds[0].id, &said("0.21.0")).await.unwrap();
    store.put_confirmed(&builds[0].id, &said("0.22.0")).await.unwrap();
    store.put_instance(&record).await.unwrap();
    store.add_invite(invite, &promise).await.unwrap();
    drop(store);

    let store = Store::open(&path).unwrap();
    assert_eq!(store.setting("default_build").await.unwrap().as_deref(), Some("stellarium"));
    assert_eq!(store.setting("unheard_of").await.unwrap(), None);
    assert!(store.knows_session(session).await.unwrap());
    assert!(!store.knows_session(token).await.unwrap(), "an admin token is no session");
    assert!(store.knows_admin_token(token).await.unwrap());
    assert!(!store.knows_admin_token(session).await.unwrap(), "a session is no admin token");
    assert_eq!(store.builds().await.unwrap(), builds);
    assert_eq!(store.confirmed().await.unwrap(), [(builds[0].id.clone(), said("0.22.0"))]);
    assert_eq!(store.instances().await.unwrap(), [record]);
    assert_eq!(store.invite(invite, UnixMillis(999)).await.unwrap(), Some(promise));
}

#[tokio::test]
async fn a_put_replaces_and_a_removal_is_told() {
    let (_dir, store) = fresh();
    let (mut first, second) = (openspace_build("a"), program_build("b"));
    store.put_build(&first).await.unwrap();
    store.put_build(&second).await.unwrap();
    first.name = "renamed".to_owned();
    store.put_build(&first).await.unwrap();
    assert_eq!(
        store.builds().await.unwrap(),
        [first.clone(), second.clone()],
        "it keeps its place in the list"
    );
    assert!(store.remove_build(&first.id).await.unwrap());
    assert!(!store.remove_build(&first.id).await.unwrap());
    assert!(store.confirmed().await.unwrap().is_empty(), "what a build said goes with it");
    assert_eq!(store.builds().await.unwrap(), [second]);

    let mut instance = record(InstanceState::Ready);
    store.put_instance(&instance).await.unwrap();
    instance.state = InstanceState::Stopped;
    instance.running = None;
    store.put_instance(&instance).await.unwrap();
    assert_eq!(store.instances().await.unwrap(), [instance]);
}

#[tokio::test]
async fn how_often_an_end_was_put_off_is_forgotten_with_the_instance() {
    let (_dir, store) = fresh();
    let instance = record(InstanceState::Ready);
    let id = instance.id;
    store.put_instance(&instance).await.unwrap();
    store.put_extensions(id, 2).await.unwrap();
    store.put_instance(&instance).await.unwrap();
    assert_eq!(store.extensions(id).await.unwrap(), 2, "whatever else of it changes");
    store.remove_instance(id).await.unwrap();
    assert_eq!(store.extensions(id).await.unwrap(), 0);
}

#[tokio::test]
async fn an_invite_ends_with_its_time_or_its_instance() {
    let (_dir, store) = fresh();
    let record = record(InstanceState::Ready);
    let (short, long) = (hash(1), hash(2));
    for (invite, expires) in [(short, 10), (long, 1000)] {
        let what = Invite { instance: record.id, role: Role::Watcher, expires: UnixMillis(expires) };
        store.add_invite(invite, &what).await.unwrap();
    }
    assert!(store.invite(short, UnixMillis(9)).await.unwrap().is_some());
    assert_eq!(store.invite(short, UnixMillis(10)).await.unwrap(), None);
    assert_eq!(store.invites(UnixMillis(10)).await.unwrap().len(), 1);
    assert_eq!(store.remove_expired_invites(UnixMillis(10)).await.unwrap(), 1);
    assert!(store.invite(long, UnixMillis(10)).await.unwrap().is_some());
    store.remove_instance(record.id).await.unwrap();
    assert_eq!(store.invite(long, UnixMillis(10)).await.unwrap(), None);
}

#[test]
fn a_second_node_is_refused_until_the_first_has_let_go() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let first = Store::open(&path).unwrap();
    let clone = first.clone();
    assert!(matches!(Store::open(&path), Err(OpenError::InUse { .. })));
    drop(first);
    assert!(matches!(Store::open(&path), Err(OpenError::InUse { .. })), "a clone still has it");
    drop(clone);
    Store::open(&path).unwrap();
}

#[tokio::test]
async fn a_closed_journal_says_so_and_is_free_for_the_next_node() {
    let (dir, store) = fresh();
    store.put_setting("a", "b").await.unwrap();
    store.close().await;
    store.close().await;
    assert!(matches!(store.setting("a").await, Err(StoreError::Closed)));
    let next = Store::open(&dir.path().join("journal.db")).unwrap();
    assert_eq!(next.setting("a").await.unwrap().as_deref(), Some("b"));
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    if let Some(path) = std::env::var_os(VICTIM) {
        return write_until_killed(Path::new(&path)).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "what_was_acknowledged_survives_a_kill", "--nocapture"])
        .env(VICTIM, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines().map(Result::unwrap);
    // libtest prints `test … ...` before the first of ours, without a line end.
    let mut acknowledged = lines.filter_map(|line| line.rsplit_once("acknowledged ")?.1.parse::<u32>().ok());
    let seen = acknowledged.by_ref().find(|number| *number >= 20).unwrap();
    victim.kill().unwrap();
    let last = acknowledged.last().unwrap_or(seen);
    victim.wait().unwrap();

    let store = Store::open(&path).expect("the lock of a killed node is free");
    for number in 0..=last {
        assert_eq!(
            store.setting(&number.to_string()).await.unwrap().as_deref(),
            Some("kept"),
            "{number} of {last}"
        );
    }
}

async fn write_until_killed(path: &Path) {
    let store = Store::open(path).unwrap();
    for number in 0_u32.. {
        store.put_setting(&number.to_string(), "kept").await.unwrap();
        println!("acknowledged {number}");
    }
}

#[test]
fn a_newer_file_is_left_alone_and_both_versions_are_named() {
    let (path, dir) = edited(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
         VALUES (4711, 'later', '2030-01-01T00:00:00Z', '1')",
    );
    let before = std::fs::read(&path).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 4711, known: 1.., .. }), "{error:?}");
    assert!(error.to_string().contains("schema 4711"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    drop(dir);
}

#[test]
fn a_file_of_another_program_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("text.db");
    std::fs::write(&text, "dear diary, this is not SQLite at all").unwrap();
    let short = dir.path().join("short.db");
    std::fs::write(&short, "SQLite").unwrap();
    let other = dir.path().join("other.db");
    let connection = rusqlite::Connection::open(&other).unwrap();
    connection.execute_batch("CREATE TABLE cookies (jar TEXT)").unwrap();
    drop(connection);
    for path in [text, short, other] {
        let before = std::fs::read(&path).unwrap();
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "{error}");
    }
}

#[test]
fn a_damaged_file_is_refused() {
    let (path, _dir) = edited("PRAGMA wal_checkpoint(TRUNCATE)");
    let mut bytes = std::fs::read(&path).unwrap();
    // The header's first page stays; every page after it becomes noise.
    bytes[4096..].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
}

#[test]
fn an_interrupted_first_start_is_finished_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE refinery_schema_history (version INT4 PRIMARY KEY, name VARCHAR(255), applied_on VARCHAR(255),
             checksum VARCHAR(255))",
        )
        .unwrap();
    drop(connection);
    Store::open(&path).unwrap();
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut places = vec![file.join("journal.db")];
    let read_only = Mount::tmpfs("ro");
    places.extend(read_only.as_ref().map(|mount| mount.path().join("journal.db")));
    for place in places {
        let error = Store::open(&place).unwrap_err();
        assert!(matches!(error, OpenError::ReadOnly { .. }), "{error:?}");
        assert!(error.to_string().contains(place.parent().unwrap().to_str().unwrap()), "{error}");
    }
}

#[test]
fn a_full_disk_is_named_when_opening() {
    let Some(mount) = Mount::tmpfs("size=8k") else { return };
    std::fs::write(mount.path().join("ballast"), vec![0; 8192]).unwrap();
    let error = Store::open(&mount.path().join("journal.db")).unwrap_err();
    assert!(matches!(error, OpenError::DiskFull { .. }), "{error:?}");
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_heals_when_there_is_room() {
    let Some(mount) = Mount::tmpfs("size=512k") else { return };
    let path = mount.path().join("journal.db");
    let store = Store::open(&path).unwrap();
    let value = "x".repeat(8 * 1024);
    let mut kept = 0;
    let error = loop {
        match store.put_setting(&kept.to_string(), &value).await {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 1000, "512 KiB never fill up");
    };
    assert!(matches!(error, StoreError::DiskFull), "{error:?}");
    assert!(kept > 0);
    for number in 0..kept {
        assert_eq!(
            store.setting(&number.to_string()).await.unwrap().as_ref(),
            Some(&value),
            "{number} of {kept}"
        );
    }

    assert!(
        Command::new("mount").args(["-o", "remount,size=8m"]).arg(mount.path()).status().unwrap().success()
    );
    store.put_setting("after", "more room").await.unwrap();
    drop(store);
    let store = Store::open(&path).unwrap();
    assert_eq!(store.setting("after").await.unwrap().as_deref(), Some("more room"));
    assert_eq!(store.setting("0").await.unwrap().as_ref(), Some(&value));
}

#[tokio::test]
async fn only_its_owner_may_read_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data/journal.db");
    let store = Store::open(&path).unwrap();
    store.put_setting("a", "b").await.unwrap();
    for name in ["journal.db", "journal.db-wal", "journal.db-shm", "journal.db.lock"] {
        let mode = std::fs::metadata(path.with_file_name(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_row_that_is_not_understood_hides_none_of_the_others() {
    let (path, _dir) = edited(
        "INSERT INTO builds VALUES ('UPPER', 'odd id', '{}', '{}', '[]'), ('odd', 'odd kind', '{\"kind\":\"boat\"}', '{}', '[]')",
    );
    let store = Store::open(&path).unwrap();
    let good = program_build("stellarium");
    store.put_build(&good).await.unwrap();
    assert_eq!(store.builds().await.unwrap(), [good]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_record_comes_back_as_it_was(record in any_record()) {
        let (_dir, store) = fresh();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(store.put_instance(&record)).unwrap();
        prop_assert_eq!(runtime.block_on(store.instances()).unwrap(), [record]);
    }
}

fn any_record() -> impl Strategy<Value = InstanceRecord> {
    let state = prop::sample::select(vec![
        InstanceState::Queued,
        InstanceState::Starting,
        InstanceState::Ready,
        InstanceState::Restarting,
        InstanceState::Stopping,
        InstanceState::Stopped,
        InstanceState::Failed,
        InstanceState::Lost,
    ]);
    let process = (any::<u32>(), any::<u64>()).prop_map(|(pid, start_ticks)| ProcessId { pid, start_ticks });
    let running = (
        any::<u32>(),
        process.clone(),
        prop::option::of(process),
        any::<Option<u32>>(),
        any::<Option<u16>>(),
    )
        .prop_map(|(number, server, program, window, api_port)| Running {
            display: display(number, server),
            program,
            window: window.map(WindowId),
            api_port,
        });
    let mode = prop_oneof![
        Just(SizeMode::Launched),
        Just(SizeMode::Follow),
        any::<(u32, u32)>().prop_map(|(width, height)| SizeMode::Fixed { width, height }),
    ];
    let picture = (mode, any::<(u32, u32)>())
        .prop_map(|(mode, (width, height))| PictureSize { mode, size: Size::new(width, height) });
    (
        any::<[u8; 32]>(),
        any::<Option<String>>(),
        any::<(u32, u32)>(),
        any::<i64>(),
        state,
        any::<Option<String>>(),
        prop::option::of(running),
        prop::option::of(picture),
    )
        .prop_map(|(session, profile, (width, height), created, state, message, running, picture)| {
            InstanceRecord {
                id: InstanceId::random(),
                session: SecretHash(session),
                build: BuildId::demo(),
                profile,
                size: Size::new(width, height),
                created: UnixMillis(created),
                state,
                message,
                running,
                picture,
            }
        })
}

fn fresh() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("journal.db")).unwrap();
    (dir, store)
}

/// A journal of ours that somebody has changed with SQL.
fn edited(sql: &str) -> (std::path::PathBuf, tempfile::TempDir) {
    let (dir, store) = fresh();
    drop(store);
    let path = dir.path().join("journal.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    (path, dir)
}

fn hash(seed: u8) -> SecretHash {
    Secret::from_random([seed; 32]).hash()
}

fn display(number: u32, server: ProcessId) -> DisplayRecord {
    let address = DisplayAddress { number, auth_file: "/data/instances/a/Xauthority".into() };
    DisplayRecord { address, server, size: Size::HD }
}

fn record(state: InstanceState) -> InstanceRecord {
    InstanceRecord {
        id: InstanceId::random(),
        session: hash(1),
        build: BuildId::demo(),
        profile: Some("missions/apollo".to_owned()),
        size: Size::HD,
        created: UnixMillis(1_800_000_000_000),
        state,
        message: Some("restarting after a crash".to_owned()),
        running: Some(Running {
            display: display(12, ProcessId { pid: 7, start_ticks: u64::MAX }),
            program: Some(ProcessId { pid: 8, start_ticks: 9 }),
            window: Some(WindowId(0x0060_0007)),
            api_port: Some(46_823),
        }),
        picture: None,
    }
}

fn said(version: &str) -> Confirmed {
    Confirmed {
        version: Some(version.to_owned()),
        commit: None,
        api: ApiGeneration::New,
        at: UnixMillis(5),
        program: "1-2".to_owned(),
    }
}

fn openspace_build(id: &str) -> Build {
    Build {
        id: id.parse().unwrap(),
        name: "OpenSpace 0.22".to_owned(),
        kind: BuildKind::OpenSpace {
            dir: "/opt/openspace".into(),
            api: ApiGeneration::New,
            version: Some("0.22.0".to_owned()),
            commit: None,
            demo: false,
        },
        env: BTreeMap::from([("OPENSPACE_GLOBEBROWSING".to_owned(), "/srv/globes".to_owned())]),
        args: vec!["--debug".to_owned()],
    }
}

fn program_build(id: &str) -> Build {
    Build {
        id: id.parse().unwrap(),
        name: "Stellarium".to_owned(),
        kind: BuildKind::Program { command: "stellarium".into(), working_dir: None },
        env: BTreeMap::new(),
        args: vec![],
    }
}

/// A small file system of its own. Mounting is root's right (CI has it); without it, these stories are left out and say so.
struct Mount(tempfile::TempDir);

impl Mount {
    fn tmpfs(options: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(dir.path())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !mounted {
            eprintln!("left out: this user may not mount a tmpfs");
        }
        mounted.then(|| Self(dir))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: it goes even while a failed test still holds the database open.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}
