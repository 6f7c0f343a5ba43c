//! How the fetching of a scene's data came out, as administrators read it. Pure.

use supervisor::Downloads;

/// With less left on the disk, a download that failed most likely failed of that.
const FULL_BYTES: u64 = 256 << 20;
/// Files that are named; the log names them all.
const NAMED: usize = 3;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Done(String),
    Failed(String),
    Cancelled,
}

/// Its scene is loaded: what it could not get is missing in it.
pub fn of_downloads(downloads: &Downloads, disk_free: Option<u64>) -> Verdict {
    let Downloads { done, failed, .. } = downloads;
    if failed.is_empty() {
        return Verdict::Done(match done {
            0 => "All its data is here.".to_owned(),
            1 => "All its data is here; one file was downloaded.".to_owned(),
            done => format!("All its data is here; {done} files were downloaded."),
        });
    }
    let shown = failed.iter().filter(|name| !name.is_empty()).take(NAMED).cloned().collect::<Vec<_>>();
    let more = failed.iter().filter(|name| !name.is_empty()).count() - shown.len();
    let names = match (shown.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!(" ({})", shown.join(", ")),
        (false, more) => format!(" ({} and {more} more)", shown.join(", ")),
    };
    // A list that did not come has no name, and nobody knows how many there are.
    let what = match failed.len() {
        _ if failed.iter().any(String::is_empty) => "Parts".to_owned(),
        1 => "One part".to_owned(),
        parts => format!("{parts} parts"),
    };
    let remedy = full(disk_free).unwrap_or_else(|| "Look at the network of this machine.".to_owned());
    Verdict::Failed(format!(
        "{what} of its data could not be downloaded{names}. {remedy} What has come stays: fetch again for the rest."
    ))
}

/// It was never loaded.
pub fn of_failure(message: &str, disk_free: Option<u64>) -> Verdict {
    let said = [Some(message.to_owned()).filter(|said| !said.is_empty()), full(disk_free)];
    let said: Vec<_> = said.into_iter().flatten().collect();
    Verdict::Failed(if said.is_empty() { "It could not be started.".to_owned() } else { said.join(" ") })
}

fn full(disk_free: Option<u64>) -> Option<String> {
    let free = disk_free.filter(|free| *free < FULL_BYTES)?;
    Some(format!("The disk that it is downloaded to has {} MB left: free some space.", free >> 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_what_to_do() {
        let failed = |names: &[&str]| Downloads {
            begun: 9,
            done: 5,
            failed: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let empty = Some(10 << 20);
        for (downloads, free, says) in [
            (Downloads::default(), None, "All its data is here."),
            (Downloads { begun: 1, done: 1, failed: vec![] }, empty, "here; one file was downloaded."),
            (Downloads { begun: 9, done: 9, failed: vec![] }, None, "here; 9 files were downloaded."),
            (failed(&["a"]), None, "One part of its data could not be downloaded (a). Look at the network"),
            (failed(&["a", "b", "c"]), None, "3 parts of its data could not be downloaded (a, b, c). "),
            (failed(&["a", "b", "c", "d", "e"]), None, "(a, b, c and 2 more). Look"),
            (failed(&["", "b"]), None, "Parts of its data could not be downloaded (b). Look"),
            (failed(&[""]), None, "Parts of its data could not be downloaded. Look"),
            (
                failed(&["a"]),
                empty,
                "(a). The disk that it is downloaded to has 10 MB left: free some space.",
            ),
        ] {
            let (Verdict::Done(said) | Verdict::Failed(said)) = of_downloads(&downloads, free) else {
                panic!("it was not cancelled")
            };
            assert!(said.contains(says), "{says}: {said}");
        }
        let failure = |message, free| match of_failure(message, free) {
            Verdict::Failed(said) => said,
            other => panic!("{other:?}"),
        };
        assert_eq!(failure("It hangs.", Some(1 << 40)), "It hangs.");
        assert!(failure("It hangs.", Some(0)).contains("It hangs. The disk that"));
        assert_eq!(failure("", None), "It could not be started.");
    }
}
