//! How a connection to Postgres begins.

use std::time::Duration;

use tokio::{net::lookup_host, time::timeout};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::{Address, Trouble, tls};

/// The name is looked up, a connection made, TLS agreed on and the password checked.
const DIAL_WITHIN: Duration = Duration::from_secs(8);
const OLDEST: i32 = 13;

/// A connection to a Postgres that is new enough; the token is cancelled when it ends.
pub(crate) async fn dial(address: &Address) -> Result<(Client, CancellationToken), Trouble> {
    let dialling = async {
        find_host(address).await?;
        let connector = tls::connector(address)?;
        let of = |error| Trouble::of(address, &error);
        let (client, connection) = address.config.connect(connector).await.map_err(of)?;
        let ended = CancellationToken::new();
        let end = ended.clone().drop_guard();
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, "the connection to the registry has ended");
            }
            drop(end);
        });
        let version = client
            .query_one(
                "SELECT current_setting('server_version_num')::int, current_setting('server_version')",
                &[],
            )
            .await
            .map_err(of)?;
        check_age(version.get(0), version.get(1))?;
        Ok((client, ended))
    };
    let late = |_| Trouble::unreachable(address, "it does not answer");
    timeout(DIAL_WITHIN, dialling).await.map_err(late)?
}

/// Asked apart from the connection, whose library tells a wrong name and a closed door in the same words.
async fn find_host(address: &Address) -> Result<(), Trouble> {
    let (host, port) = address.host();
    let found = lookup_host((host.as_str(), port)).await.is_ok();
    if found { Ok(()) } else { Err(Trouble::NoSuchHost { host }) }
}

fn check_age(number: i32, text: &str) -> Result<(), Trouble> {
    if number / 10_000 < OLDEST { Err(Trouble::TooOld { found: text.to_owned() }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_postgres_is_told_by_its_own_name() {
        assert_eq!(check_age(130_000, "13.0"), Ok(()));
        assert_eq!(check_age(150_018, "15.18 (Debian)"), Ok(()));
        let old = check_age(120_022, "12.22");
        assert_eq!(old, Err(Trouble::TooOld { found: "12.22".to_owned() }));
    }
}
