//! What of the API goes wrong on purpose: which step of a client's dialogue, and how.
//!
//! `OPENSPACE_DEMO_FAULT` is a list of `step:fault`, such as `time:silent,get:garbage`; or `@FILE`, a file that holds such a
//! list, looked at again and again, so that a fault comes and goes while the program runs.
//!
//! A step is the type of a topic (`version`, `get`, `subscribe`, `luascript`, …), `connect` (before the upgrade is answered), `handshake`
//! (after it), or `any` topic.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is answered.
    Silent,
    /// Something that is no JSON.
    Garbage,
    /// The answer, of which the second half is missing.
    Truncated,
    /// More than anybody takes in one message.
    Huge,
    /// The connection is closed without a word.
    HangUp,
    /// The answer with a value of another type in each place.
    Types,
}

impl Fault {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "silent" => Self::Silent,
            "garbage" => Self::Garbage,
            "truncated" => Self::Truncated,
            "huge" => Self::Huge,
            "hangup" => Self::HangUp,
            "types" => Self::Types,
            _ => return None,
        })
    }

    /// What is said in place of a message; nothing for who says nothing.
    pub fn spoil(self, topic: i64, payload: Value) -> Option<String> {
        let whole = |payload| json!({ "topic": topic, "payload": payload }).to_string();
        match self {
            Self::Silent | Self::HangUp => None,
            Self::Garbage => Some("<html><h1>502 Bad Gateway</h1>\u{1}".to_owned()),
            Self::Truncated => {
                let text = whole(payload);
                Some(text.chars().take(text.chars().count() / 2).collect())
            }
            Self::Huge => Some(format!("{{\"topic\":{topic},\"payload\":\"{}\"}}", "x".repeat(HUGE_BYTES))),
            Self::Types => Some(whole(mistyped(payload))),
        }
    }
}

/// Beyond what our own client takes.
const HUGE_BYTES: usize = 40 << 20;

fn mistyped(value: Value) -> Value {
    match value {
        Value::Null => json!(true),
        Value::Bool(_) | Value::Number(_) => json!(value.to_string()),
        Value::String(_) => json!(7),
        Value::Array(list) => {
            let named = list.into_iter().enumerate().map(|(i, one)| (i.to_string(), mistyped(one)));
            Value::Object(named.collect())
        }
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, mistyped(value))).collect(),
    }
}

/// What is wrong now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<(String, Fault)>);

impl Faults {
    /// What is not understood counts as not there.
    fn read(text: &str) -> Self {
        let rule = |rule: &str| {
            let (step, fault) = rule.trim().split_once(':')?;
            Some((step.to_owned(), Fault::from_name(fault)?))
        };
        Self(text.split(',').filter_map(rule).collect())
    }

    pub fn of(&self, step: &str) -> Option<Fault> {
        let is_topic = !matches!(step, "connect" | "handshake");
        self.0.iter().find(|(named, _)| named == step || named == "any" && is_topic).map(|(_, fault)| *fault)
    }
}

/// Where it is said what is wrong. Each thread has its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FaultSwitch {
    file: Option<PathBuf>,
    faults: Faults,
    looked: Option<Instant>,
}

/// Whoever changes the file waits for what comes of it.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl FaultSwitch {
    pub fn read(text: &str) -> Self {
        match text.strip_prefix('@') {
            Some(file) => Self { file: Some(file.into()), ..Self::default() },
            None => Self { faults: Faults::read(text), ..Self::default() },
        }
    }

    pub fn now(&mut self) -> &Faults {
        if let Some(file) = &self.file
            && self.looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY)
        {
            self.looked = Some(Instant::now());
            self.faults = Faults::read(&std::fs::read_to_string(file).unwrap_or_default());
        }
        &self.faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_of_its_step_only_and_nonsense_is_none() {
        let faults = Faults::read("time:silent, get:garbage,version:maybe,,x");
        assert_eq!((faults.of("time"), faults.of("get")), (Some(Fault::Silent), Some(Fault::Garbage)));
        assert_eq!((faults.of("version"), faults.of("connect")), (None, None));
        let any = Faults::read("any:hangup");
        assert_eq!((any.of("camera"), any.of("connect")), (Some(Fault::HangUp), None));
    }

    #[test]
    fn a_file_is_looked_at_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("faults");
        let mut switch = FaultSwitch::read(&format!("@{}", file.display()));
        assert_eq!(switch.now().of("time"), None);
        std::fs::write(&file, "time:types\n").expect("written");
        while switch.now().of("time") != Some(Fault::Types) {
            std::thread::yield_now();
        }
    }

    #[test]
    fn every_value_is_of_another_type() {
        let told = json!({ "time": "2026", "deltaTime": 1.5, "steps": [1, true], "none": null });
        let wrong =
            json!({ "time": 7, "deltaTime": "1.5", "steps": { "0": "1", "1": "true" }, "none": true });
        assert_eq!(mistyped(told), wrong);
    }
}
