//! A fleet in virtual time: hundreds of machines, partitions, skewed clocks, a slow database, falls, restarts; random steps, and what must
//! hold after each.
//!
//! ```text
//!  SIM_SEED=17 cargo test -p e2e --test sim      one seed again
//!  SIM_SEEDS=2000 cargo test -p e2e --test sim   many, for a night
//! ```
//!
//! A seed that fails is printed and kept in `failed_seeds.txt`, which is run first ever after.
#![allow(clippy::unwrap_used)]

mod auditor;
mod breaks;
mod chance;
mod ledger;
mod machine;
mod statements;
mod words;
mod world;

use std::{env, fs, io::Write, path::PathBuf, thread};

use self::{auditor::Told, breaks::Break, world::World};

const STEPS: u32 = 10_000;
/// In between, everything is mended and everybody has to agree.
const MENDED_EVERY: u32 = 2_500;
const SEEDS: [u64; 4] = [1, 2, 3, 5];
/// A broken rule is noticed by one of so many at the latest.
const SEEDS_OF_A_BREAK: [u64; 9] = [1, 25, 35, 4, 2, 3, 6, 7, 8];

/// What has happened, or what did not hold.
fn run(seed: u64, broken: Break) -> Result<Told, String> {
    let mut world = World::new(seed, broken);
    for step in 1..=STEPS {
        let said = |why: String| format!("seed {seed}, step {step}: {why}");
        world.step().map_err(said)?;
        if step.is_multiple_of(MENDED_EVERY) {
            world.heal().map_err(|why| format!("seed {seed}, mended after step {step}: {why}"))?;
        }
    }
    Ok(world.auditor.told.clone())
}

fn file_of_failed() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("sim/failed_seeds.txt")
}

fn failed_before() -> Vec<u64> {
    let text = fs::read_to_string(file_of_failed()).unwrap_or_default();
    text.lines().filter_map(|line| line.split('#').next()?.trim().parse().ok()).collect()
}

fn asked_for(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

fn seeds() -> Vec<u64> {
    match (asked_for("SIM_SEED"), asked_for("SIM_SEEDS")) {
        (Some(seed), _) => vec![seed],
        (None, Some(many)) => (1..=many).collect(),
        (None, None) => failed_before().into_iter().chain(SEEDS).collect(),
    }
}

fn keep(seed: u64, why: &str) {
    if !failed_before().contains(&seed) {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(file_of_failed()).unwrap();
        writeln!(file, "{seed} # {why}").unwrap();
    }
}

/// Two at a time: as many as the smallest machine that tests this has cores.
fn in_pairs<T: Send + Copy, R: Send>(all: &[T], each: impl Fn(T) -> R + Sync) -> Vec<R> {
    let halves: Vec<Vec<T>> =
        (0..2).map(|half| all.iter().skip(half).step_by(2).copied().collect()).collect();
    thread::scope(|scope| {
        let each = &each;
        let threads: Vec<_> = halves
            .into_iter()
            .map(|half| scope.spawn(move || half.into_iter().map(each).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn whatever_happens_to_the_fleet_its_promises_hold() {
    let failed: Vec<String> = in_pairs(&seeds(), |seed| match run(seed, Break::Nothing) {
        Ok(told) => {
            println!("seed {seed}: {told:?}");
            // Among many there are fleets so large that hardly anybody has to wait.
            has_lived(seed, &told).err().filter(|_| asked_for("SIM_SEEDS").is_none())
        }
        Err(why) => {
            keep(seed, &why);
            Some(format!("{why}\n  again: SIM_SEED={seed} cargo test -p e2e --test sim"))
        }
    })
    .into_iter()
    .flatten()
    .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// A run in which nothing happened would prove nothing.
fn has_lived(seed: u64, told: &Told) -> Result<(), String> {
    let enough = told.launched > 500 && told.queued > 30 && told.held > 20 && told.falls > 3;
    let rare = told.taken_over > 0 && told.stale_words > 50 && told.replaced > 0;
    let alone = told.launched_alone > 20 && told.queued_alone > 5 && told.refused > 20;
    if enough && rare && alone { Ok(()) } else { Err(format!("seed {seed} has proved too little: {told:?}")) }
}

#[test]
fn whatever_rule_is_broken_somebody_notices() {
    let unnoticed: Vec<_> = in_pairs(&breaks::ALL, |broken| {
        let noticed = SEEDS_OF_A_BREAK.iter().find_map(|seed| run(*seed, broken).err());
        println!("{broken:?}: {noticed:?}");
        noticed.is_none().then_some(broken)
    })
    .into_iter()
    .flatten()
    .collect();
    assert!(unnoticed.is_empty(), "{unnoticed:?}");
}
