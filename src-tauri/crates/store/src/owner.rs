//! The thread that owns the connection. Requests come in by a bounded queue, each brings its own way back.

use std::{sync::Arc, thread::JoinHandle};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::{
    StoreError,
    file::Opened,
    sql::{self, SqlError},
};

/// Requests that may wait for the disk. Each is a state change or a page's lookup; past that the caller waits for its turn.
const REQUESTS: usize = 64;

enum Request {
    Do(Box<dyn FnOnce(&mut Connection) + Send>),
    Close(oneshot::Sender<()>),
}

#[derive(Clone, Debug)]
pub(crate) struct Handle(Arc<Owner>);

#[derive(Debug)]
struct Owner {
    /// Absent only while the owner is being dropped.
    requests: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

pub(crate) fn spawn(opened: Opened) -> Handle {
    let (requests, inbox) = mpsc::channel(REQUESTS);
    let thread = std::thread::Builder::new()
        .name("store".to_owned())
        .spawn(move || serve(opened, inbox))
        .expect("a machine that cannot start one thread cannot run a node");
    Handle(Arc::new(Owner { requests: Some(requests), thread: Some(thread) }))
}

fn serve(opened: Opened, mut inbox: mpsc::Receiver<Request>) {
    let Opened { mut connection, lock } = opened;
    let mut closer = None;
    while let Some(request) = inbox.blocking_recv() {
        match request {
            Request::Do(job) => job(&mut connection),
            Request::Close(reply) => {
                closer = Some(reply);
                break;
            }
        }
    }
    // Closing writes the write-ahead log back into the file; only then may another node have it.
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "the journal was not closed cleanly; it is repaired when it is opened again");
    }
    drop(lock);
    drop(inbox);
    if let Some(reply) = closer {
        // The caller may have stopped waiting, which changes nothing.
        let _ = reply.send(());
    }
}

impl Handle {
    pub async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask(|connection| question(connection)).await?.map_err(|error| sql::store_error("read", error))
    }

    /// All of it happens, or nothing.
    pub async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask(|connection| {
            let transaction = connection.transaction()?;
            let answer = change(&transaction)?;
            transaction.commit()?;
            Ok(answer)
        })
        .await?
        .map_err(|error| sql::store_error("written", error))
    }

    async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Do(Box::new(move |connection| {
            // Who asked may be gone (a closed page); what was asked is done all the same.
            let _ = reply.send(job(connection));
        }));
        self.requests().send(request).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)
    }

    pub async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.requests().send(Request::Close(reply)).await.is_ok() {
            // An error means that another caller's close came first, and the thread has ended.
            let _ = closed.await;
        }
    }

    fn requests(&self) -> &mpsc::Sender<Request> {
        self.0.requests.as_ref().expect("the sender leaves only in drop, when no handle is left")
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the journal's thread panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::{Store, StoreError};

    /// As the story with a real full disk in `tests/journal.rs`, for users who may not mount one.
    #[tokio::test]
    async fn a_full_database_refuses_and_keeps_what_it_has() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("journal.db")).unwrap();
        store.put_setting("kept", "yes").await.unwrap();
        let limited = |connection: &mut rusqlite::Connection| {
            connection.query_row("PRAGMA max_page_count = 1", [], |row| row.get::<_, i64>(0))
        };
        store.0.ask(limited).await.unwrap().unwrap();

        let refused = store.put_setting("too much", &"x".repeat(1 << 20)).await;
        assert!(matches!(refused, Err(StoreError::DiskFull)), "{refused:?}");
        assert_eq!(store.setting("too much").await.unwrap(), None);
        assert_eq!(store.setting("kept").await.unwrap().as_deref(), Some("yes"));
    }
}
