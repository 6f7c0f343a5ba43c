//! The audit log's pen: many write, one task puts it into the store.
//!
//! What a viewer wished is told to it after the deed and never waited for. What must be known before it happens, a script, is written first.

use std::time::Duration;

use model::{AuditEntry, UnixMillis};
use store::{Store, StoreError};
use tokio::{
    select,
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};
use tracing::{error, warn};

use crate::clock;

/// Entries that wait for the disk. A class of viewers that clicks at once fits; past that they are lost, which the log of the node says.
const WAITING: usize = 1024;
/// Entries of one write.
const TOGETHER: usize = 256;
const TRIM_EVERY: Duration = Duration::from_secs(3600);

const DAY_MS: i64 = 24 * 3600 * 1000;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    pub days: u32,
    pub entries: u64,
}

#[derive(Clone, Debug)]
pub struct Audit {
    notes: mpsc::Sender<Note>,
    store: Store,
}

#[derive(Debug)]
enum Note {
    Entry(Box<AuditEntry>),
    /// Answered when all that came before is written.
    Flush(oneshot::Sender<()>),
}

impl Audit {
    /// The task ends with the last handle.
    pub fn open(store: Store, kept: Kept) -> (Self, JoinHandle<()>) {
        let (notes, inbox) = mpsc::channel(WAITING);
        let task = tokio::spawn(write_all(store.clone(), kept, inbox));
        (Self { notes, store }, task)
    }

    pub fn note(&self, entry: AuditEntry) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.notes.try_send(Note::Entry(Box::new(entry))) {
            warn!("the audit log is behind, and an entry was lost");
        }
    }

    /// It is on the disk when this returns.
    pub async fn write(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.store.add_audit(vec![entry]).await
    }

    /// What was noted before is on the disk when this returns.
    pub async fn flush(&self) {
        let (written, done) = oneshot::channel();
        if self.notes.send(Note::Flush(written)).await.is_ok() {
            // An error means that the task has ended, and with it what it had.
            let _ = done.await;
        }
    }
}

async fn write_all(store: Store, kept: Kept, mut inbox: mpsc::Receiver<Note>) {
    let mut trim = interval(TRIM_EVERY);
    trim.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut notes = Vec::with_capacity(TOGETHER);
    loop {
        select! {
            _ = trim.tick() => trim_log(&store, kept).await,
            taken = inbox.recv_many(&mut notes, TOGETHER) => {
                if taken == 0 {
                    return;
                }
                write(&store, &mut notes).await;
            }
        }
    }
}

async fn write(store: &Store, notes: &mut Vec<Note>) {
    let (mut entries, mut waiting) = (Vec::new(), Vec::new());
    for note in notes.drain(..) {
        match note {
            Note::Entry(entry) => entries.push(*entry),
            Note::Flush(written) => waiting.push(written),
        }
    }
    let count = entries.len();
    if count > 0
        && let Err(error) = store.add_audit(entries).await
    {
        error!(%error, count, "entries of the audit log were lost");
    }
    for written in waiting {
        let _ = written.send(());
    }
}

async fn trim_log(store: &Store, kept: Kept) {
    let oldest = UnixMillis(clock::now().0 - i64::from(kept.days) * DAY_MS);
    if let Err(error) = store.trim_audit(oldest, kept.entries).await {
        warn!(%error, "the audit log was not trimmed");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use model::{AuditKind, AuditQuestion};

    use super::*;

    #[tokio::test]
    async fn what_was_noted_is_written_in_order_and_what_is_too_old_goes() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("node.sqlite")).unwrap();
        let entry = |at: UnixMillis, what: &str| AuditEntry::new(at, AuditKind::Admin, None, what);
        store.add_audit(vec![entry(UnixMillis(0), "old")]).await.unwrap();
        let (audit, task) = Audit::open(store.clone(), Kept { days: 30, entries: 1000 });
        for number in 0..300 {
            audit.note(entry(clock::now(), &number.to_string()));
        }
        audit.flush().await;
        audit.write(entry(clock::now(), "last")).await.unwrap();
        let told = store.audit(&AuditQuestion::default()).await.unwrap();
        assert_eq!((told.len(), told[0].what.as_str(), told[300].what.as_str()), (301, "last", "0"));
        drop(audit);
        task.await.unwrap();
    }
}
