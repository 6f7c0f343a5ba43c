//! Machines that found, join, link and part, over real sockets.
#![allow(clippy::unwrap_used)]

use std::{path::Path, time::Duration};

use bytes::Bytes;
use model::{ServerId, UnixMillis};
use relay::{Config, Incoming, MESSAGE_BYTES_MAX, Me, Relay, Standing, Trouble};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};

const WITHIN: Duration = Duration::from_secs(20);

struct Machine {
    relay: Relay,
    incoming: mpsc::Receiver<Incoming>,
    server: ServerId,
    dir: TempDir,
}

fn now() -> UnixMillis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    UnixMillis(since.as_millis().try_into().unwrap())
}

fn an_hour_ahead() -> UnixMillis {
    UnixMillis(now().0 + 3_600_000)
}

fn config(dir: &Path, server: ServerId, now: fn() -> UnixMillis) -> Config {
    Config {
        dir: dir.to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        me: Me { server, name: "dome".to_owned(), version: "0.1.0".to_owned() },
        now,
    }
}

impl Machine {
    async fn new() -> Self {
        Self::with_clock(now).await
    }

    async fn with_clock(now: fn() -> UnixMillis) -> Self {
        let (dir, server) = (tempfile::tempdir().unwrap(), ServerId::random());
        let (relay, incoming) = Relay::open(config(dir.path(), server, now)).await;
        Self { relay, incoming, server, dir }
    }

    async fn founder() -> Self {
        let machine = Self::new().await;
        machine.relay.found().await.unwrap();
        machine
    }

    async fn joined(founder: &Self) -> Self {
        let machine = Self::new().await;
        machine.relay.join(founder.code().await.parse().unwrap()).await.unwrap();
        machine
    }

    async fn code(&self) -> String {
        self.relay.code("127.0.0.1").await.unwrap().reveal()
    }

    fn place(&self) -> String {
        format!("127.0.0.1:{}", self.relay.standing().borrow().port().unwrap())
    }

    async fn next(&mut self) -> Incoming {
        timeout(WITHIN, self.incoming.recv()).await.unwrap().unwrap()
    }
}

fn text(text: &str) -> Bytes {
    Bytes::from(text.to_owned())
}

#[tokio::test]
async fn a_machine_joins_with_a_code_and_both_know_who_the_other_is() {
    let mut founder = Machine::founder().await;
    let mut other = Machine::joined(&founder).await;
    let standing = other.relay.standing().borrow().clone();
    assert!(matches!(standing, Standing::Member { founder: f, port: Some(_), .. } if f == founder.server));

    let mut ours = other.relay.stream(founder.server, &founder.place(), text("hello")).await.unwrap();
    let mut theirs = founder.next().await;
    assert_eq!((theirs.from, theirs.opening), (other.server, text("hello")));
    ours.send(text("one")).await.unwrap();
    theirs.stream.send(text("two")).await.unwrap();
    assert_eq!(theirs.stream.recv().await, Some(text("one")));
    assert_eq!(ours.recv().await, Some(text("two")));
    drop(theirs.stream);
    assert_eq!(ours.recv().await, None, "an end is told");

    // The founder reaches it as well, and so do two that were joined by the same founder.
    let third = Machine::joined(&founder).await;
    for from in [&founder, &third] {
        let _stream = from.relay.stream(other.server, &other.place(), text("hi")).await.unwrap();
        let heard = timeout(WITHIN, other.incoming.recv()).await.unwrap().unwrap();
        assert_eq!(heard.from, from.server);
    }
}

#[tokio::test]
async fn many_streams_share_a_link_and_one_that_is_not_read_stops_none() {
    let mut founder = Machine::founder().await;
    let other = Machine::joined(&founder).await;
    let place = founder.place();
    let lazy = other.relay.stream(founder.server, &place, text("lazy")).await.unwrap();
    let _unread = founder.next().await;
    for n in 0..1000 {
        lazy.send(text(&n.to_string())).await.unwrap();
    }
    for n in 0..200 {
        let mut stream = other.relay.stream(founder.server, &place, text(&n.to_string())).await.unwrap();
        let theirs = founder.next().await;
        theirs.stream.send(theirs.opening.clone()).await.unwrap();
        drop(theirs);
        assert_eq!(stream.recv().await, Some(text(&n.to_string())), "an end does not overtake an answer");
        assert_eq!(stream.recv().await, None);
    }
    let whole = Bytes::from(vec![7; MESSAGE_BYTES_MAX]);
    let stream = other.relay.stream(founder.server, &place, text("big")).await.unwrap();
    let mut theirs = founder.next().await;
    stream.send(whole.clone()).await.unwrap();
    assert_eq!(theirs.stream.recv().await, Some(whole));
    let too_long = stream.send(Bytes::from(vec![7; MESSAGE_BYTES_MAX + 1])).await.unwrap_err();
    assert!(too_long.to_string().contains("too long"), "{too_long}");
}

#[tokio::test]
async fn a_forged_or_used_code_and_a_second_fleet_are_refused_with_a_reason() {
    let founder = Machine::founder().await;
    let code = founder.code().await;
    Machine::new().await.relay.join(code.parse().unwrap()).await.unwrap();
    let again = Machine::new().await.relay.join(code.parse().unwrap()).await.unwrap_err();
    assert!(again.to_string().contains("works once"), "{again}");

    let foreign = Machine::founder().await;
    let member = Machine::joined(&founder).await;
    let second = member.relay.join(foreign.code().await.parse().unwrap()).await.unwrap_err();
    assert!(matches!(second, Trouble::AlreadyMember { .. }), "{second}");
    let not_founder = member.relay.code("127.0.0.1").await.unwrap_err();
    assert!(not_founder.to_string().contains(&founder.server.to_string()), "{not_founder}");
    let alone = Machine::new().await;
    assert_eq!(alone.relay.code("127.0.0.1").await.unwrap_err(), Trouble::Alone);
    assert_eq!(
        alone.relay.stream(founder.server, &founder.place(), text("hi")).await.unwrap_err(),
        Trouble::Alone
    );
}

#[tokio::test]
async fn a_place_that_is_another_machines_is_refused() {
    let founder = Machine::founder().await;
    let (ann, bob) = (Machine::joined(&founder).await, Machine::joined(&founder).await);
    let wrong = ann.relay.stream(bob.server, &founder.place(), text("hi")).await.unwrap_err();
    assert!(wrong.to_string().contains("another machine's"), "{wrong}");

    let foreign = Machine::founder().await;
    let wrong = ann.relay.stream(foreign.server, &foreign.place(), text("hi")).await.unwrap_err();
    assert!(wrong.to_string().contains("another fleet"), "{wrong}");

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = nobody.local_addr().unwrap().to_string();
    drop(nobody);
    let silent = ann.relay.stream(ServerId::random(), &place, text("hi")).await.unwrap_err();
    assert!(matches!(silent, Trouble::Unreachable { .. }), "{silent}");
}

#[tokio::test]
async fn a_clock_an_hour_off_changes_nothing() {
    let mut ahead = Machine::with_clock(an_hour_ahead).await;
    ahead.relay.found().await.unwrap();
    let other = Machine::joined(&ahead).await;
    let _stream = other.relay.stream(ahead.server, &ahead.place(), text("hi")).await.unwrap();
    assert_eq!(ahead.next().await.from, other.server);
}

#[tokio::test]
async fn a_removed_machine_is_cut_off_and_may_join_again() {
    let mut founder = Machine::founder().await;
    let mut eve = Machine::joined(&founder).await;
    let bob = Machine::joined(&founder).await;
    let mut stream = eve.relay.stream(founder.server, &founder.place(), text("hi")).await.unwrap();
    founder.next().await;
    founder.relay.remove(eve.server).await.unwrap();
    assert_eq!(timeout(WITHIN, stream.recv()).await.unwrap(), None, "an open link is cut");
    bob.relay.take_over(founder.relay.removed().borrow().clone()).await;
    for at in [&founder, &bob] {
        let refused = until_refused(&eve, at).await;
        assert!(refused.to_string().contains("was removed"), "{refused}");
    }
    let refused = bob.relay.stream(eve.server, &eve.place(), text("hi")).await.unwrap_err();
    assert_eq!(refused, Trouble::Removed);
    assert!(founder.relay.remove(founder.server).await.is_err());

    // The list outlives a restart of the machine.
    let Machine { dir, server, relay, .. } = bob;
    drop(relay);
    let (again, _incoming) = Relay::open(config(dir.path(), server, now)).await;
    assert_eq!(*again.removed().borrow(), *founder.relay.removed().borrow());

    // It joins again by a code alone, in the same run, and is reached by all.
    eve.relay.join(founder.code().await.parse().unwrap()).await.unwrap();
    let _stream = eve.relay.stream(founder.server, &founder.place(), text("again")).await.unwrap();
    assert_eq!(founder.next().await.from, eve.server);
    let _stream = founder.relay.stream(eve.server, &eve.place(), text("welcome")).await.unwrap();
    assert_eq!(eve.next().await.from, founder.server);
}

#[tokio::test]
async fn who_was_removed_hears_it_shuts_its_door_and_may_join_another_fleet_at_the_same_port() {
    let (founder, mut other) = (Machine::founder().await, Machine::founder().await);
    let (dir, server) = (tempfile::tempdir().unwrap(), ServerId::random());
    // An address that nobody else of this test run takes a port of.
    let at = |port| Config { listen: ([127, 0, 0, 77], port).into(), ..config(dir.path(), server, now) };
    let (eve, mut incoming) = Relay::open(at(0)).await;
    eve.join(founder.code().await.parse().unwrap()).await.unwrap();
    let port = eve.standing().borrow().port().unwrap();
    let place = format!("127.0.0.77:{port}");
    founder.relay.remove(server).await.unwrap();
    let list = founder.relay.removed().borrow().clone();
    // In the node's words, which this test has no need of.
    let told = founder.relay.question_removed(server, &place, text("you are removed"), WITHIN);
    let (told, ()) = tokio::join!(told, async {
        let heard = timeout(WITHIN, incoming.recv()).await.unwrap().unwrap();
        assert_eq!(heard.from, founder.server);
        heard.stream.send(text("heard")).await.unwrap();
    });
    assert_eq!(told.unwrap(), text("heard"));
    eve.take_over(list).await;
    let mut standing = eve.standing();
    let is_out = |standing: &Standing| *standing == Standing::Removed { founder: founder.server };
    timeout(WITHIN, standing.wait_for(is_out)).await.unwrap().unwrap();
    assert!(TcpStream::connect(&place).await.is_err(), "its door is shut");
    let alone = eve.stream(founder.server, &founder.place(), text("hi")).await.unwrap_err();
    assert!(alone.to_string().contains("join code"), "{alone}");

    // A restart does not forget it.
    drop(eve);
    let (relay, _incoming) = Relay::open(at(port)).await;
    assert!(is_out(&relay.standing().borrow()));

    relay.join(other.code().await.parse().unwrap()).await.unwrap();
    assert!(matches!(*relay.standing().borrow(), Standing::Member { founder: f, .. } if f == other.server));
    let _stream = relay.stream(other.server, &other.place(), text("new")).await.unwrap();
    assert_eq!(other.next().await.from, server);
    // And a code of the same fleet makes its place there anew: the port is free for its new door.
    relay.join(other.code().await.parse().unwrap()).await.unwrap();
    assert_eq!(relay.standing().borrow().port(), Some(port));
}

#[tokio::test]
async fn who_leaves_belongs_nowhere_and_whose_files_are_broken_may_leave_too() {
    let (founder, foreign) = (Machine::founder().await, Machine::founder().await);
    let member = Machine::joined(&founder).await;
    member.relay.leave().await.unwrap();
    assert_eq!(*member.relay.standing().borrow(), Standing::Alone);
    member.relay.join(foreign.code().await.parse().unwrap()).await.unwrap();

    std::fs::write(member.dir.path().join("machine.key.pem"), "x").unwrap();
    let (relay, _incoming) = Relay::open(config(member.dir.path(), member.server, now)).await;
    assert!(matches!(*relay.standing().borrow(), Standing::Broken { .. }));
    let code = founder.code().await;
    let broken = relay.join(code.parse().unwrap()).await.unwrap_err();
    assert!(broken.to_string().contains("leave the fleet"), "{broken}");
    relay.leave().await.unwrap();
    relay.join(code.parse().unwrap()).await.unwrap();

    // A founder is not made its own member, and does not lose its key by a slip.
    let own = founder.relay.join(founder.code().await.parse().unwrap()).await.unwrap_err();
    assert!(matches!(own, Trouble::AlreadyMember { .. }), "{own}");
    assert!(founder.relay.code("127.0.0.1").await.is_ok());
}

/// The first try may meet the old link while it is being cut.
async fn until_refused(from: &Machine, at: &Machine) -> Trouble {
    let trying = async {
        loop {
            match from.relay.stream(at.server, &at.place(), text("hi")).await {
                Err(why @ Trouble::Refused(_)) => return why,
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    timeout(WITHIN, trying).await.unwrap()
}

#[tokio::test]
async fn a_broken_link_ends_its_streams_and_the_next_call_makes_another() {
    let mut founder = Machine::founder().await;
    let other = Machine::joined(&founder).await;
    let cable = Cable::lay(founder.place()).await;
    let mut stream = other.relay.stream(founder.server, &cable.place, text("one")).await.unwrap();
    founder.next().await;
    cable.cut();
    assert_eq!(timeout(WITHIN, stream.recv()).await.unwrap(), None);
    let cable = Cable::lay(founder.place()).await;
    let _stream = other.relay.stream(founder.server, &cable.place, text("two")).await.unwrap();
    assert_eq!(founder.next().await.opening, text("two"));
}

/// Carries bytes between two machines until it is cut.
struct Cable {
    place: String,
    task: tokio::task::JoinHandle<()>,
}

impl Cable {
    async fn lay(to: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = listener.local_addr().unwrap().to_string();
        let task = tokio::spawn(async move {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = TcpStream::connect(to).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
        });
        Self { place, task }
    }

    fn cut(self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn whoever_is_no_machine_is_hung_up_on_and_the_door_stays_open() {
    let mut founder = Machine::founder().await;
    for noise in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 4096], b"\x16\x03\x01\xff\xff"] {
        let mut socket = TcpStream::connect(founder.place()).await.unwrap();
        socket.write_all(noise).await.unwrap();
        let mut rest = Vec::new();
        // A reset is as good as an end.
        drop(timeout(WITHIN, socket.read_to_end(&mut rest)).await.unwrap());
    }
    let other = Machine::joined(&founder).await;
    let _stream = other.relay.stream(founder.server, &founder.place(), text("hi")).await.unwrap();
    assert_eq!(founder.next().await.from, other.server);
}

#[tokio::test]
async fn the_door_opens_again_after_a_restart() {
    let founder = Machine::founder().await;
    let Machine { relay, dir, server, .. } = founder;
    drop(relay);
    let (again, _incoming) = Relay::open(config(dir.path(), server, now)).await;
    assert!(matches!(*again.standing().borrow(), Standing::Member { founder: f, .. } if f == server));
}
