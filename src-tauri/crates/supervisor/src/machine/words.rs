//! The sentences that people read about an instance: what happened, to what, what comes next or what to do. Pure.

use std::time::Duration;

use model::{EndingReason, Phase, StopReason};

use super::{Exit, Farewell, Why};

/// Characters of a program's last words that are repeated to people.
const LAST_WORDS_CHARS: usize = 200;

/// What a line holds that tells why a program ended.
const TELLING: [&str; 12] = [
    "panicked",
    "error",
    "fatal",
    "failed",
    "cannot",
    "could not",
    "unable",
    "not found",
    "no such",
    "denied",
    "abort",
    "assert",
];

/// The line that tells most among the last of a log: what follows it is often only a trace.
pub(crate) fn last_words(lines: &[String]) -> Option<String> {
    let is_telling = |line: &String| {
        let line = line.to_lowercase();
        TELLING.iter().any(|word| line.contains(word))
    };
    let spoken = || lines.iter().enumerate().rev().filter(|(_, line)| !line.trim().is_empty());
    let (index, line) = spoken().find(|(_, line)| is_telling(line)).or_else(|| spoken().next())?;
    match lines.get(index + 1).filter(|_| line.trim_end().ends_with(':')) {
        Some(next) => Some(format!("{line} {next}")),
        None => Some(line.clone()),
    }
}

pub(crate) fn stopped(name: &str, reason: StopReason) -> String {
    match reason {
        StopReason::Viewer => format!("{name} was stopped."),
        StopReason::Administrator => format!("{name} was stopped by an administrator."),
        StopReason::Shutdown => format!("{name} was stopped because its machine shuts down."),
        StopReason::Unneeded => format!("{name} was stopped because its place is needed."),
        StopReason::Fetched => format!("{name} ran only to download its data."),
        StopReason::Over(why) => match why {
            EndingReason::Unwatched => format!("{name} ended because nobody watched it any more."),
            EndingReason::Unmoved => format!("{name} ended because nobody had moved anything for a while."),
            EndingReason::Longest => format!("{name} ended because its time was over."),
            EndingReason::Drained => format!("{name} ended because its machine is taken out of service."),
        },
    }
}

pub(crate) fn waits_for_turn(name: &str) -> String {
    format!("waiting until another first start of {name} has fetched its data")
}

pub(crate) fn ended(name: &str, farewell: &Farewell, lasted: Duration, was_ready: bool) -> String {
    let how = match farewell.exit {
        Exit::Code(0) => "ended by itself".to_owned(),
        Exit::Code(code) => format!("ended by itself with exit status {code}"),
        Exit::Signal(signal) => format!("crashed ({})", signal_name(signal)),
        Exit::Unknown => "ended".to_owned(),
    };
    let when = if was_ready {
        String::new()
    } else {
        format!(" {} after its start, before it was ready", span(lasted))
    };
    match &farewell.last_words {
        Some(words) if farewell.exit != Exit::Code(0) || !was_ready => {
            format!("{name} {how}{when}. Its last words: “{}”.", gist(words))
        }
        _ => format!("{name} {how}{when}."),
    }
}

/// Found by a node that has just begun.
pub(crate) fn ended_unseen(name: &str, program_lives: bool) -> String {
    let what = if program_lives { "The X display of " } else { "" };
    format!("{what}{name} had ended while its machine's service was away. It is started again.")
}

pub(crate) fn too_slow(name: &str, phase: Phase, has_window: bool, limit: Duration) -> String {
    let limit = span(limit);
    match phase {
        Phase::Display | Phase::Launching if !has_window => {
            format!("{name} gave no sign of life within {limit}; it hangs.")
        }
        Phase::Display | Phase::Launching | Phase::Loading => {
            format!("{name} did not finish loading within {limit}.")
        }
        Phase::Window | Phase::Connecting if has_window => {
            format!("{name} runs, but did not answer within {limit}.")
        }
        Phase::Window | Phase::Connecting => format!("{name} runs, but opened no window within {limit}."),
    }
}

/// It waits for what does not come.
pub(crate) fn starved(name: &str, limit: Duration, done: u32, begun: u32) -> String {
    format!(
        "{name} got no file of its data for {}; {done} of {begun} are here. Look at the network of this machine and the room on \
         its disk.",
        span(limit)
    )
}

pub(crate) fn no_window(name: &str, why: &str) -> String {
    format!("{name} runs, but its window was not found: {}.", why.trim_end_matches('.'))
}

/// What viewers are told while the picture goes on without the API.
pub(crate) fn without_api(why: &Why) -> String {
    match why {
        Why::Silent => {
            "The picture is live, but OpenSpace does not answer: its controls are off until it does."
                .to_owned()
        }
        Why::Lost(why) => {
            let why = why.trim_end_matches('.');
            format!("The picture is live, but its controls are off: {why}. It is connected again by itself.")
        }
    }
}

pub(crate) fn again(why: &str, after: Duration) -> String {
    if after < Duration::from_secs(1) {
        format!("{why} It is started again.")
    } else {
        format!("{why} It is started again in {}.", span(after))
    }
}

pub(crate) fn given_up(why: &str, starts: u32) -> String {
    match starts {
        0 | 1 => format!("{why} Look into its log, then start it again."),
        _ => format!("{why} It was started {starts} times in vain. Look into its log, then start it again."),
    }
}

fn signal_name(signal: i32) -> String {
    let name = match signal {
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        _ => return format!("signal {signal}"),
    };
    name.to_owned()
}

fn span(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}

/// One line, short, without colours, and without paths: those are the administrator's business.
fn gist(words: &str) -> String {
    let mut plain = String::new();
    let mut characters = words.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            // A colour is ESC [ … and ends with a letter.
            characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(if character.is_control() { ' ' } else { character });
        }
    }
    let words: Vec<&str> = plain.split_whitespace().map(without_folders).collect();
    let line = words.join(" ");
    match line.char_indices().nth(LAST_WORDS_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn without_folders(word: &str) -> &str {
    match word.rsplit_once('/') {
        Some((folders, file)) if folders.is_empty() || folders.contains('/') => file,
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gist_of_a_log_is_one_short_line_without_paths_or_colours() {
        for (words, said) in [
            ("plain words", "plain words"),
            ("\u{1b}[31m(F) main\u{1b}[0m\t  it broke", "(F) main it broke"),
            ("cannot open /home/ann/data/sky.dat: no", "cannot open sky.dat: no"),
            ("either/or /tmp", "either/or tmp"),
            ("\u{1b}", ""),
        ] {
            assert_eq!(gist(words), said);
        }
        assert_eq!(gist(&"é".repeat(1000)).chars().count(), LAST_WORDS_CHARS + 1);
    }

    #[test]
    fn the_last_words_are_the_ones_that_tell_why() {
        for (log, said) in [
            (&["starting", "no sky today", ""][..], Some("no sky today")),
            (&["(E) Sky  Error loading stars", "bye"], Some("(E) Sky  Error loading stars")),
            (
                &["thread 'main' panicked at sky.rs:1:", "no stars", "stack backtrace:", "  0: main"],
                Some("thread 'main' panicked at sky.rs:1: no stars"),
            ),
            (&["an error:"], Some("an error:")),
            (&["", " "], None),
            (&[], None),
        ] {
            let log: Vec<String> = log.iter().map(|line| (*line).to_owned()).collect();
            assert_eq!(last_words(&log).as_deref(), said);
        }
    }

    #[test]
    fn an_end_is_told_as_it_was() {
        let farewell = |exit| Farewell { exit, last_words: Some("no sky".to_owned()) };
        for (exit, was_ready, said) in [
            (Exit::Code(0), true, "Sky ended by itself."),
            (Exit::Code(3), true, "Sky ended by itself with exit status 3. Its last words: “no sky”."),
            (Exit::Signal(9), true, "Sky crashed (SIGKILL). Its last words: “no sky”."),
            (Exit::Unknown, true, "Sky ended. Its last words: “no sky”."),
            (
                Exit::Code(0),
                false,
                "Sky ended by itself 40 ms after its start, before it was ready. Its last words: “no sky”.",
            ),
        ] {
            assert_eq!(ended("Sky", &farewell(exit), Duration::from_millis(40), was_ready), said);
        }
    }
}
