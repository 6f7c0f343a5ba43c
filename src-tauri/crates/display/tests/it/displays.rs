//! Displays: opened, adopted, closed; their keys; the windows on them.

use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

use display::{
    Display, OpenError, Spec, WindowError,
    process::{self, Kill},
};
use model::{ProcessId, WindowId};
use x11rb::protocol::{Event, xproto::CreateWindowAux};

use crate::{
    Home, SIZE,
    client::{Client, connect, cookie},
    open,
};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_closed_display_leaves_nothing_behind() {
    let (display, dir) = open().await;
    let record = display.record().clone();
    assert!(process::is_alive(record.server));
    assert_eq!(record.size, SIZE);
    display.close().await;

    let number = record.address.number;
    assert!(!process::is_alive(record.server));
    assert!(process::identify(record.server.pid).map_or(true, |now| now != record.server), "a zombie stayed");
    assert!(!Path::new(&format!("/tmp/.X{number}-lock")).exists() || lock_owner(number) != record.server.pid);
    assert!(!record.address.auth_file.exists());
    assert!(dir.path().join("xvfb.log").exists());
}

#[tokio::test]
async fn a_server_that_was_killed_is_noticed_and_its_traces_are_removed() {
    let (display, _dir) = open().await;
    let record = display.record().clone();
    process::end(record.server, Kill::Now).unwrap();
    tokio::time::timeout(SOON, display.exited()).await.unwrap();
    assert!(matches!(display.window(SOON).await, Err(WindowError::Display(_))));
    display.close().await;
    let number = record.address.number;
    assert!(!Path::new(&format!("/tmp/.X{number}-lock")).exists() || lock_owner(number) != record.server.pid);
}

#[tokio::test]
async fn a_server_in_a_session_of_its_own_outlives_its_handle_and_is_adopted() {
    let (display, _dir) = open().await;
    let record = display.record().clone();
    let client = Client::open(display.address(), 600, 300);
    let window = display.window(SOON).await.unwrap();
    drop(display);
    assert!(process::is_alive(record.server));
    assert_eq!(session_of(record.server), record.server.pid);

    let adopted = Display::adopt(record.clone()).await.unwrap();
    assert_eq!(adopted.record(), &record);
    assert_eq!(adopted.window(SOON).await.unwrap(), window);
    assert_eq!(client.size(), (640, 360));
    adopted.close().await;
    assert!(!process::is_alive(record.server));
}

#[tokio::test]
async fn a_server_that_is_gone_or_another_by_now_is_not_adopted() {
    let (display, _dir) = open().await;
    let mut record = display.record().clone();
    record.server.start_ticks += 1;
    let refused = Display::adopt(record).await.unwrap_err();
    assert!(matches!(refused, OpenError::Gone(_)), "{refused}");

    let record = display.record().clone();
    display.close().await;
    assert!(matches!(Display::adopt(record).await.unwrap_err(), OpenError::Gone(_)));
}

#[tokio::test]
async fn a_start_that_is_given_up_at_any_point_leaves_no_server() {
    for patience in [1, 10, 30, 50, 60, 70, 80, 100] {
        let dir = tempfile::tempdir().unwrap();
        let spec = Spec { size: SIZE, dir: dir.path().to_owned() };
        match tokio::time::timeout(Duration::from_millis(patience), Display::open(spec)).await {
            Ok(opened) => opened.unwrap().close().await,
            Err(_given_up) => {
                for server in servers_with(&dir.path().join("Xauthority")) {
                    tokio::time::timeout(SOON, process::exited(server)).await.unwrap();
                }
            }
        }
    }
}

#[tokio::test]
async fn only_who_has_the_cookie_is_let_in() {
    let (display, _dir) = open().await;
    let address = display.address();
    let right = cookie(address);
    assert!(connect(address, &right).is_ok());
    let mut wrong = right.clone();
    wrong[0] ^= 1;
    assert!(connect(address, &wrong).is_err());
    assert!(connect(address, &[]).is_err());
    let mode = std::fs::metadata(&address.auth_file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    display.close().await;
}

#[tokio::test]
async fn another_program_gets_in_with_the_environment_alone() {
    let (display, _dir) = open().await;
    let output = tokio::process::Command::new("xdotool")
        .arg("getdisplaygeometry")
        .envs(display.env())
        .output()
        .await
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "640 360", "{output:?}");
    display.close().await;
}

#[tokio::test]
async fn a_program_window_fills_the_display_and_has_the_keyboard() {
    let (display, _dir) = open().await;
    let client = Client::open(display.address(), 500, 300);
    assert_eq!(display.window(SOON).await.unwrap(), WindowId(client.window));
    assert_eq!(client.size(), (640, 360));
    client.until_focused();
    display.close().await;
}

#[tokio::test]
async fn a_program_that_opens_no_window_is_told_after_the_deadline() {
    let (display, _dir) = open().await;
    let _hidden = Client::hidden(display.address(), 600, 300, &CreateWindowAux::new());
    let menu = Client::hidden(display.address(), 600, 300, &CreateWindowAux::new().override_redirect(1));
    menu.map();
    let error = display.window(Duration::from_millis(500)).await.unwrap_err();
    assert_eq!(error.to_string(), "the program opened no window within 500ms");
    display.close().await;
}

#[tokio::test]
async fn the_main_window_is_found_behind_a_splash_screen() {
    let (display, _dir) = open().await;
    let splash = Client::open(display.address(), 200, 100);
    splash.until_focused();
    let program = Client::hidden(display.address(), 600, 300, &CreateWindowAux::new());
    splash.unmap();
    program.map();
    assert_eq!(display.window(SOON).await.unwrap(), WindowId(program.window));
    program.until_focused();
    display.close().await;
}

#[tokio::test]
async fn a_window_that_resizes_itself_is_made_full_again() {
    let (display, _dir) = open().await;
    let client = Client::open(display.address(), 600, 300);
    display.window(SOON).await.unwrap();
    client.until_sized(640, 360);
    client.resize(400, 200);
    client.until_sized(400, 200);
    client.until_sized(640, 360);
    display.close().await;
}

#[tokio::test]
async fn a_program_that_opens_another_main_window_is_followed() {
    let (display, _dir) = open().await;
    let first = Client::open(display.address(), 600, 300);
    let known = display.window(SOON).await.unwrap();
    assert_eq!(known, WindowId(first.window));
    let mut main = display.main_window();
    first.unmap();
    assert_eq!(main.changed_from(known).await, None);

    let second = Client::open(display.address(), 600, 300);
    assert_eq!(display.window(SOON).await.unwrap(), WindowId(second.window));
    assert_eq!(main.changed_from(known).await, Some(WindowId(second.window)));
    second.until_focused();
    display.close().await;
}

#[tokio::test]
async fn a_window_is_asked_to_close_only_where_it_listens() {
    let (display, _dir) = open().await;
    let client = Client::open(display.address(), 600, 300);
    let window = display.window(SOON).await.unwrap();
    display.close_window(window).await;
    client.listens_to_close();
    display.close_window(window).await;
    let message = client.until("wish to close", |event| match event {
        Event::ClientMessage(message) => Some(*message),
        _ => None,
    });
    assert_eq!(message.window, client.window);
    display.close_window(WindowId(0xdead)).await;
    display.close().await;
}

#[tokio::test]
async fn many_displays_are_opened_at_once_each_on_its_own_number() {
    let opened = open_many(3).await;
    let mut numbers: Vec<u32> = opened.iter().map(|(display, _)| display.address().number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 3);
    for (display, _dir) in opened {
        display.close().await;
    }
}

async fn open_many(count: usize) -> Vec<(Display, Home)> {
    let tasks: Vec<_> = (0..count).map(|_| tokio::spawn(open())).collect();
    let mut opened = Vec::new();
    for task in tasks {
        opened.push(task.await.unwrap());
    }
    opened
}

/// Another test may have taken the number by now; then the lock names its server.
fn lock_owner(number: u32) -> u32 {
    std::fs::read_to_string(format!("/tmp/.X{number}-lock"))
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0)
}

/// Field 6 of `/proc/<pid>/stat`.
fn session_of(id: ProcessId) -> u32 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", id.pid)).unwrap();
    stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(3).unwrap().parse().unwrap()
}

/// Processes that were started with this Xauthority file.
fn servers_with(auth_file: &Path) -> Vec<ProcessId> {
    let needle = auth_file.to_str().unwrap();
    let processes = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes
        .filter(|pid: &u32| {
            std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains(needle))
        })
        .filter_map(|pid| process::identify(pid).ok())
        .collect()
}
