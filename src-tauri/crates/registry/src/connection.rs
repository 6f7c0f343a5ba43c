//! One connection, shared by all questions: they are sent one after the other without waiting for answers, and each has a deadline.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::timeout;
use tokio_postgres::{Client, Error, Row, Statement, types::ToSql};
use tokio_util::sync::CancellationToken;

use crate::{Address, Trouble, dial::dial, setup};

/// An answer takes a millisecond. A registry that needs longer than this is one that cannot be had.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

pub(crate) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The remote control of a connection; when the last clone is dropped, the connection ends.
#[derive(Clone)]
pub struct Registry(Arc<Open>);

struct Open {
    address: Address,
    client: Client,
    /// Prepared when first asked. The lock is held for a look only.
    prepared: Mutex<HashMap<&'static str, Statement>>,
    ended: CancellationToken,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Registry").field(&self.0.address).finish()
    }
}

impl Registry {
    /// To a registry that has been set up, by a program of this version or one that speaks the same schema.
    pub async fn connect(address: &Address) -> Result<Self, Trouble> {
        let (client, ended) = dial(address).await?;
        setup::check_schema(address, &client).await?;
        Ok(Self(Arc::new(Open { address: address.clone(), client, prepared: Mutex::default(), ended })))
    }

    pub fn address(&self) -> &Address {
        &self.0.address
    }

    pub fn is_over(&self) -> bool {
        self.0.ended.is_cancelled()
    }

    /// Resolves when the connection is no more.
    pub async fn ended(&self) {
        self.0.ended.cancelled().await;
    }

    pub(crate) async fn rows(&self, sql: &'static str, params: Params<'_>) -> Result<Vec<Row>, Trouble> {
        let asking = async { self.0.client.query(&self.statement(sql).await?, params).await };
        self.in_time(asking).await
    }

    pub(crate) async fn row(&self, sql: &'static str, params: Params<'_>) -> Result<Option<Row>, Trouble> {
        let asking = async { self.0.client.query_opt(&self.statement(sql).await?, params).await };
        self.in_time(asking).await
    }

    /// How many rows it changed.
    pub(crate) async fn change(&self, sql: &'static str, params: Params<'_>) -> Result<u64, Trouble> {
        let asking = async { self.0.client.execute(&self.statement(sql).await?, params).await };
        self.in_time(asking).await
    }

    async fn statement(&self, sql: &'static str) -> Result<Statement, Error> {
        let known = self.0.prepared.lock().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.0.client.prepare(sql).await?;
        self.0.prepared.lock().unwrap_or_else(PoisonError::into_inner).insert(sql, statement.clone());
        Ok(statement)
    }

    async fn in_time<T>(&self, asking: impl Future<Output = Result<T, Error>>) -> Result<T, Trouble> {
        let over = || Trouble::unreachable(&self.0.address, "it does not answer");
        let answer = tokio::select! {
            biased;
            // What has been sent behind a question without an answer has none either.
            () = self.ended() => return Err(over()),
            answer = timeout(ANSWER_WITHIN, asking) => answer,
        };
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Trouble::of(&self.0.address, &error)),
            Err(_) => {
                self.0.ended.cancel();
                Err(over())
            }
        }
    }
}
