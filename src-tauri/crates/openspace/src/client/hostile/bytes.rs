//! The fuzz target: bytes as a data channel brings them, through the whole gate. What they are bent from is kept as long as it teaches
//! something new: another wish, another refusal, another deed.

use std::collections::BTreeSet;

use model::Role;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::{Outcome, Tools, through_the_gate, wishes};
use crate::gate::tests::{Place, place};

/// Some seconds; `HOSTILE_BYTES` says how many otherwise.
const IN_CI: u32 = 40_000;
const SEEDS: usize = 400;
const CORPUS_MAX: usize = 4_000;
/// A data channel's message may be longer; all that is new stands within this.
const LENGTH_MAX: usize = 8_192;
/// Each is bent so often at most.
const BENDS: u32 = 4;

/// What languages stumble over.
const TOKENS: [&[u8]; 24] = [
    b"\\\"",
    b"\"",
    b"'",
    b"\\",
    b"\\n",
    b"\n",
    b"\r",
    b"]]",
    b"[[",
    b"--",
    b"\\u0000",
    b"\\ud800",
    b"\\u2019",
    b"1e999",
    b"-0",
    b"NaN",
    b"null",
    b"{}",
    b"[[[[[[[[",
    b"');openspace.toggleShutdown()--",
    b"Mars",
    b"lua",
    b"\xef\xbc\x87",
    b"\xff\xfe",
];

/// What one message came to; a call that was not meant is an error, and so is a panic.
fn target(bytes: &[u8], place: &Place, tools: &Tools) -> Result<Outcome, TestCaseError> {
    // A message that is no text is none that the node reads.
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(Outcome::Nonsense) };
    through_the_gate(text, Role::Owner, None, false, place, tools)?;
    through_the_gate(text, Role::Admin, None, true, place, tools)
}

#[test]
fn whatever_bytes_come_only_the_call_that_was_meant_goes_out() {
    let cases = std::env::var("HOSTILE_BYTES").ok().map_or(IN_CI, |cases| cases.parse().expect("a number"));
    let mut runner =
        TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let mut corpus: Vec<Vec<u8>> = (0..SEEDS)
        .map(|_| wishes::intent().new_tree(&mut runner).expect("an intent").current().into_bytes())
        .collect();
    let (place, tools) = (place(), Tools::new());
    let (mut seen, mut passed) = (BTreeSet::new(), 0);
    for nth in 0..cases {
        let bytes = match corpus.get(nth as usize).filter(|_| (nth as usize) < SEEDS) {
            Some(seed) => seed.clone(),
            None => bent(&corpus, runner.rng()),
        };
        let outcome = target(&bytes, &place, &tools)
            .unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&bytes)));
        passed += u32::from(matches!(outcome, Outcome::Passed(_)));
        if seen.insert(outcome.shape()) && corpus.len() < CORPUS_MAX {
            corpus.push(bytes);
        }
    }
    println!("{cases} messages: {passed} let through, {} outcomes, {} kept", seen.len(), corpus.len());
    assert!(seen.len() > 25 && passed > cases / 200 && passed < cases, "{} outcomes, {passed}", seen.len());
}

fn bent(corpus: &[Vec<u8>], rng: &mut TestRng) -> Vec<u8> {
    let mut any = |below: usize| (rng.next_u64() % below.max(1) as u64) as usize;
    let mut bytes = corpus[any(corpus.len())].clone();
    for _ in 0..=any(BENDS as usize) {
        let at = any(bytes.len() + 1).min(bytes.len());
        let to = (at + any(16)).min(bytes.len());
        match any(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << any(8),
            1 if at < bytes.len() => bytes[at] = any(256) as u8,
            2 | 3 => drop(bytes.splice(at..at, TOKENS[any(TOKENS.len())].iter().copied())),
            4 => drop(bytes.drain(at..to)),
            5 => {
                let again = bytes[at..to].to_vec();
                drop(bytes.splice(at..at, again));
            }
            _ => {
                let other = &corpus[any(corpus.len())];
                let from = any(other.len() + 1).min(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
        }
    }
    bytes.truncate(LENGTH_MAX);
    bytes
}
