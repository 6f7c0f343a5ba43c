//! The benchmark `registry`: a Postgres of its own; placements by three placers, heartbeats of many machines, and how soon a dead one is
//! noticed. Prints the rows as JSON, one thought a line on the error output. Started by `./scripts/bench registry`.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use e2e::Postgres;
use model::{InstanceId, SecretHash, ServerId};
use registry::{
    Address, Beat, Generation, HEARTBEAT_EVERY, Heartbeat, Load, Overview, Registry, ServerRow,
    SharedInstance, Trouble, setup,
};
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, interval_at},
};

const PLACERS: usize = 3;
/// Placements that one placer has under way at once: a busy home page's.
const AT_ONCE: usize = 4;
const MACHINES: usize = 20;
const SLOTS: u32 = 8;
/// A placement that is answered by "full" or "others wait" is no placement; each slot is given back at once, as a quick viewer would.
const LEASE: Duration = Duration::from_secs(30);
/// Postgres gives each connection a process; beyond this the machines share connections, and the figure says so.
const CONNECTIONS: usize = 200;

/// Each join has a connection of its own for a moment.
const JOINS_AT_ONCE: usize = 20;

struct Plan {
    placements: Duration,
    heartbeats: Duration,
    deaths: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let plan = if quick {
        Plan { placements: Duration::from_secs(5), heartbeats: Duration::from_secs(8), deaths: 2 }
    } else {
        Plan { placements: Duration::from_secs(20), heartbeats: Duration::from_secs(30), deaths: 5 }
    };
    // As it comes out of the box, but for the number of connections: each placement reaches the disk.
    let postgres = Postgres::start_with(&["max_connections=250"])?;
    let address: Address = postgres.url("openspace").parse()?;
    setup(&address, &row(0)).await?;
    let mut rows = placements(&address, plan.placements).await?;
    // Before thousands have left their rows.
    rows.push(listing(&postgres, &address, 200, plan.heartbeats).await?);
    for machines in [200, 2000] {
        rows.push(heartbeats(&postgres, &address, machines, plan.heartbeats).await?);
    }
    rows.push(deaths(&address, plan.deaths).await?);
    println!("{}", serde_json::to_string(&rows)?);
    Ok(())
}

fn row(n: usize) -> ServerRow {
    ServerRow {
        server: ServerId::random(),
        name: format!("machine {n}"),
        version: "bench".to_owned(),
        url: None,
        relay: None,
        region: Some("bench".to_owned()),
        ip_address: format!("10.0.{}.{}", n / 250, n % 250),
        port: 4699,
        slots: SLOTS,
        ram: "64GB".to_owned(),
        graphics_card: Some("NVIDIA Tesla T4".to_owned()),
        storage: "1TB SSD".to_owned(),
    }
}

fn figure(figure: &str, case: &str, value: f64, unit: &str) -> Value {
    json!({ "figure": figure, "case": case, "value": value, "unit": unit })
}

/// Every fifth heartbeat changes what the old back end sees: an instance came or went.
const CHANGES_EVERY: u32 = 5;

/// Postgres plans a prepared statement five times before it keeps a plan; machines live for months.
const ROUNDS_BEFORE: u32 = 6;

/// As a machine does it.
async fn tell(registry: &Registry, server: ServerId, generation: Generation, nth: u32) -> Result<Beat> {
    let told = registry.heartbeat(&beat(server, generation, nth)).await?;
    if nth.is_multiple_of(CHANGES_EVERY) {
        registry.show(Some(server)).await?;
    }
    Ok(told)
}

fn beat(server: ServerId, generation: Generation, nth: u32) -> Heartbeat {
    let slots_free = SLOTS - (nth / CHANGES_EVERY) % 2;
    let load = Load {
        viewers: nth % 7,
        cpu_percent: (nth % 100) as f32,
        memory_free_mb: 1000 + nth,
        ..Load::default()
    };
    Heartbeat { server, generation, slots_total: SLOTS, slots_free, draining: false, load }
}

/// A fleet that lives: its heartbeats go on while the placers work.
async fn placements(address: &Address, lasts: Duration) -> Result<Vec<Value>> {
    let registry = Registry::connect(address).await?;
    let mut fleet = Vec::new();
    for n in 1..=MACHINES {
        let row = row(n);
        fleet.push((row.server, registry.join(&row).await?.generation));
    }
    let living = tokio::spawn(live(registry, fleet.clone()));
    let until = Instant::now() + lasts;
    let mut placers = JoinSet::new();
    for placer in 0..PLACERS {
        let registry = Registry::connect(address).await?;
        for lane in 0..AT_ONCE {
            let servers: Vec<_> = fleet.iter().map(|(server, _)| *server).collect();
            placers.spawn(place(registry.clone(), servers, placer * AT_ONCE + lane, until));
        }
    }
    let mut all = Vec::new();
    while let Some(done) = placers.join_next().await {
        all.extend(done??);
    }
    living.abort();
    let double = double_leases(&all);
    let mut took: Vec<_> = all.iter().map(|placed| placed.took).collect();
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    eprintln!("{} placements, p50 {:.2} ms, p99 {:.2} ms, {double} double", took.len(), at(0.5), at(0.99));
    let case = "3_placers";
    Ok(vec![
        figure("placements_per_s", case, took.len() as f64 / lasts.as_secs_f64(), "/s"),
        figure("placement_p50_ms", case, at(0.5), "ms"),
        figure("placement_p99_ms", case, at(0.99), "ms"),
        figure("double_leases", case, double as f64, ""),
    ])
}

async fn live(registry: Registry, fleet: Vec<(ServerId, Generation)>) -> Result<()> {
    let mut ticks = interval(HEARTBEAT_EVERY);
    for nth in 0.. {
        ticks.tick().await;
        for (server, generation) in &fleet {
            tell(&registry, *server, *generation, nth).await?;
        }
    }
    Ok(())
}

struct Placed {
    token: i64,
    took: Duration,
    /// It was still its holder's when it was given back.
    kept: bool,
}

/// The placer's own choice stands in for placement: it begins at another machine each time, and goes on while the answer is no.
async fn place(
    registry: Registry,
    servers: Vec<ServerId>,
    lane: usize,
    until: Instant,
) -> Result<Vec<Placed>> {
    let mut placed = Vec::new();
    let mut next = lane * 7;
    while Instant::now() < until {
        let began = Instant::now();
        let reserved = loop {
            next += 1;
            let server = servers[next % servers.len()];
            if let Some(reserved) = registry.reserve(server, InstanceId::random(), LEASE).await? {
                break reserved;
            }
        };
        let took = began.elapsed();
        let kept = registry.release(&reserved).await?;
        placed.push(Placed { token: reserved.token.0, took, kept });
    }
    Ok(placed)
}

/// Slots that were somebody else's before they were given back, and tokens that were given twice.
fn double_leases(all: &[Placed]) -> usize {
    let mut tokens: Vec<_> = all.iter().map(|placed| placed.token).collect();
    tokens.sort_unstable();
    let twice = tokens.windows(2).filter(|pair| pair[0] == pair[1]).count();
    twice + all.iter().filter(|placed| !placed.kept).count()
}

/// Machines that have just joined, each with its connection, or its share of one.
async fn join(address: &Address, machines: usize) -> Result<Vec<(Generation, ServerId, Registry)>> {
    let mut registries = Vec::new();
    for _ in 0..machines.min(CONNECTIONS) {
        registries.push(Registry::connect(address).await?);
    }
    let mut fleet = Vec::new();
    for some in (0..machines).collect::<Vec<_>>().chunks(JOINS_AT_ONCE) {
        let mut joining = JoinSet::new();
        for n in some {
            let (row, registry) = (row(10_000 + machines + n), registries[n % registries.len()].clone());
            joining.spawn(async move { Ok((registry.join(&row).await?.generation, row.server, registry)) });
        }
        fleet.extend(joining.join_all().await.into_iter().collect::<Result<Vec<_>, Trouble>>()?);
    }
    Ok(fleet)
}

/// What one home page's list shows of an instance has about so many bytes.
const VIEW_BYTES: usize = 450;
const INSTANCES: usize = 3;

/// What it costs Postgres that each machine looks at all others, every two seconds and for news in between, in per cent of one core. On
/// one of them something changes every second; heartbeats are measured apart.
async fn listing(postgres: &Postgres, address: &Address, machines: usize, lasts: Duration) -> Result<Value> {
    let fleet = join(address, machines).await?;
    for (generation, server, registry) in &fleet {
        tell(registry, *server, *generation, 0).await?;
        registry.publish(*server, *generation, &instances(*server, 0)).await?;
    }
    let mut looking = JoinSet::new();
    for (n, (_, _, registry)) in fleet.iter().enumerate() {
        let first = Instant::now() + HEARTBEAT_EVERY.mul_f64(n as f64 / machines as f64);
        let registry = registry.clone();
        looking.spawn(async move {
            let mut ticks = interval_at(first.into(), HEARTBEAT_EVERY / 2);
            let mut overview = Overview::default();
            for nth in 0_u32.. {
                ticks.tick().await;
                if nth.is_multiple_of(2) || overview.has_news(&registry).await? {
                    overview.look(&registry).await?;
                }
            }
            Ok::<(), Trouble>(())
        });
    }
    let changing = fleet.clone();
    looking.spawn(async move {
        let mut ticks = interval(Duration::from_secs(1));
        for (nth, (generation, server, registry)) in changing.iter().cycle().enumerate() {
            ticks.tick().await;
            registry.publish(*server, *generation, &instances(*server, nth)).await?;
        }
        Ok(())
    });
    tokio::time::sleep(HEARTBEAT_EVERY * ROUNDS_BEFORE).await;
    let (before, began) = (cpu(postgres)?, Instant::now());
    tokio::time::sleep(lasts).await;
    let percent = (cpu(postgres)? - before).as_secs_f64() / began.elapsed().as_secs_f64() * 100.0;
    eprintln!("{machines} machines look at each other: {percent:.1} % of a core");
    Ok(figure("listing_cpu_pct", &machines.to_string(), percent, "%"))
}

fn instances(server: ServerId, nth: usize) -> Vec<SharedInstance> {
    let one = |n: usize| {
        let id = u128::from_be_bytes(*server.0.as_bytes()).wrapping_add(n as u128);
        SharedInstance {
            instance: InstanceId(uuid::Uuid::from_u128(id)),
            server,
            session: SecretHash([n as u8; 32]),
            live: true,
            view: json!({ "state": "ready", "viewers": nth, "filler": "x".repeat(VIEW_BYTES) }),
            has_scene: false,
        }
    };
    (0..INSTANCES).map(one).collect()
}

/// What heartbeats cost Postgres, in per cent of one core: its processes' own CPU time, read before and after.
async fn heartbeats(
    postgres: &Postgres,
    address: &Address,
    machines: usize,
    lasts: Duration,
) -> Result<Value> {
    let fleet = join(address, machines).await?;
    let (begins, ends) =
        (Instant::now() + HEARTBEAT_EVERY, Instant::now() + HEARTBEAT_EVERY * (ROUNDS_BEFORE + 2) + lasts);
    let mut beating = JoinSet::new();
    for (n, (generation, server, registry)) in fleet.into_iter().enumerate() {
        // Machines do not beat in step.
        let first = begins + HEARTBEAT_EVERY.mul_f64(n as f64 / machines as f64);
        beating.spawn(async move {
            let mut ticks = interval_at(first.into(), HEARTBEAT_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut beats = 0_u32;
            while Instant::now() < ends {
                ticks.tick().await;
                match tell(&registry, server, generation, beats).await? {
                    Beat::Kept { .. } => beats += 1,
                    Beat::Stale => bail!("a heartbeat was not heard"),
                }
            }
            Ok(beats)
        });
    }
    // One of them looks after the rows of all.
    let sexton = Registry::connect(address).await?;
    let tending = tokio::spawn(async move {
        let mut ticks = interval(HEARTBEAT_EVERY);
        loop {
            ticks.tick().await;
            if let Err(error) = sexton.show(None).await {
                eprintln!("the rows were not looked after: {error}");
            }
        }
    });
    // The first rounds prepare the statements, and plan them anew each time.
    tokio::time::sleep_until((begins + HEARTBEAT_EVERY * ROUNDS_BEFORE).into()).await;
    let (before, began) = (cpu(postgres)?, Instant::now());
    tokio::time::sleep(lasts).await;
    let (after, took) = (cpu(postgres)?, began.elapsed());
    tending.abort();
    let percent = (after - before).as_secs_f64() / took.as_secs_f64() * 100.0;
    let mut beats = 0;
    while let Some(done) = beating.join_next().await {
        beats += done??;
    }
    eprintln!("{machines} machines, {beats} heartbeats: {percent:.1} % of a core");
    Ok(figure("heartbeat_cpu_pct", &machines.to_string(), percent, "%"))
}

/// The time that Postgres has spent on a core, all its processes together; by the scheduler's clock, since each turn is far shorter than
/// a tick of the others.
fn cpu(postgres: &Postgres) -> Result<Duration> {
    let mut spent = Duration::ZERO;
    for pid in postgres.pids()? {
        // One may have ended meanwhile.
        let Ok(stat) = fs::read_to_string(format!("/proc/{}/schedstat", pid.as_raw_nonzero())) else {
            continue;
        };
        let first = stat.split(' ').next().context("the scheduler counts nanoseconds")?;
        spent += Duration::from_nanos(first.parse()?);
    }
    Ok(spent)
}

/// From the death of a machine, at a moment of its own, until the others are told: the median.
async fn deaths(address: &Address, times: usize) -> Result<Value> {
    let sexton = Registry::connect(address).await?;
    let mut noticed = Vec::new();
    for n in 0..times {
        let row = row(30_000 + n);
        let registry = Registry::connect(address).await?;
        let generation = registry.join(&row).await?.generation;
        tell(&registry, row.server, generation, 0).await?;
        // It dies somewhere between two heartbeats.
        tokio::time::sleep(HEARTBEAT_EVERY.mul_f64((n as f64 + 0.5) / times as f64)).await;
        drop(registry);
        let died = Instant::now();
        while !sexton.bury().await?.contains(&row.server) {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        noticed.push(died.elapsed().as_secs_f64());
    }
    noticed.sort_by(f64::total_cmp);
    eprintln!("dead machines were noticed after {noticed:.1?} s");
    Ok(figure("dead_machine_noticed_s", "3_misses", noticed[noticed.len() / 2], "s"))
}
