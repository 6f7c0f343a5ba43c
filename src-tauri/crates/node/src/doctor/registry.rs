//! Where the machines meet: is it reached, can it be used, and do the clocks agree? Nothing there is changed.

use std::path::Path;

use ::registry::{Address, Found, Tables, Trouble, look};

use super::{Finding, Verdict, finding};
use crate::{
    clock,
    config::Config,
    membership::{Meeting, clock_difference},
    views::{count, sentence},
};

const WHAT: &str = "Registry";

/// Nothing of a machine that stands alone.
pub async fn registry(config: &Config, data_dir: &Path) -> Vec<Finding> {
    let (meeting, read) = Meeting::find(config.registry.url.0.clone(), data_dir);
    if let Err(error) = read {
        return vec![finding(WHAT, Verdict::Fair, format!("{error:#}"))];
    }
    let Some(address) = meeting.address else { return Vec::new() };
    let asked = clock::now();
    let found = look(&address).await;
    let answered = clock::now();
    match found {
        Ok(found) => {
            let ahead_ms = clock_difference::ahead_ms(asked, answered, found.database_now);
            vec![meeting_place(&address, &found), clocks(ahead_ms)]
        }
        // What runs here runs on without it.
        Err(trouble) => vec![finding(WHAT, Verdict::Fair, sentence(&trouble.to_string()))],
    }
}

fn meeting_place(address: &Address, found: &Found) -> Finding {
    let bad = |why: String| finding(WHAT, Verdict::Fair, sentence(&why));
    if !found.missing_rights.is_empty() {
        let lacking = found.missing_rights.join(", ");
        return bad(format!(
            "`{}` lacks {lacking}: let the owner of the database grant it",
            address.parts().user
        ));
    }
    match &found.tables {
        Tables::Ours { machines, older: false } => {
            let machines = count(*machines, "machine");
            finding(
                WHAT,
                Verdict::Good,
                format!("{address}, PostgreSQL {}, with {machines} in it", found.version),
            )
        }
        Tables::Ours { older: true, .. } | Tables::None | Tables::Old { .. } => {
            bad(Trouble::NotSetUp.to_string())
        }
        Tables::Newer { found, known } => bad(Trouble::Newer { found: *found, known: *known }.to_string()),
        Tables::Foreign { why } => bad(Trouble::Foreign { why: why.clone() }.to_string()),
    }
}

fn clocks(ahead_ms: i64) -> Finding {
    match clock_difference::about(ahead_ms) {
        Some(about) => finding("Clock", Verdict::Fair, sentence(&about)),
        None => finding("Clock", Verdict::Good, "it goes with the registry's"),
    }
}
