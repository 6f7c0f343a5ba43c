//! What can be wrong with the registry, in sentences for the person who looks after it.

use std::fmt::Write;

use rustls::CertificateError;
use tokio_postgres::error::{Error, SqlState};

use crate::Address;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("the registry's URL is not understood: {why}. Write postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
    BadUrl { why: String },
    #[error("the registry's address is not complete: {why}")]
    BadAddress { why: String },
    #[error(
        "there is no host `{host}` that this machine can find: look at how it is written, and at this machine's name service"
    )]
    NoSuchHost { host: String },
    #[error("the registry at {place} cannot be reached: {why}")]
    Unreachable { place: String, why: String },
    #[error("the registry at {place} does not know the password of `{user}`: give the right one")]
    WrongPassword { place: String, user: String },
    #[error("the registry at {place} does not let `{user}` in: {why}")]
    NotLetIn { place: String, user: String, why: String },
    #[error(
        "there is no database `{database}` at {place}: make it with `createdb {database}`, or name another"
    )]
    NoSuchDatabase { place: String, database: String },
    #[error(
        "`{user}` may not do this in the registry ({why}): let the owner of the database run `GRANT CREATE, USAGE ON SCHEMA public TO \"{user}\"` and give it the tables `servers` and `instances`"
    )]
    MissingRight { user: String, why: String },
    #[error("the registry runs PostgreSQL {found}; 13 or later is needed")]
    TooOld { found: String },
    #[error(
        "the registry was set up by a newer OpenSpace WebRTC (schema {found}, this one knows {known}): install the newer version on this machine"
    )]
    Newer { found: u32, known: u32 },
    #[error("the registry has not been set up yet: press “Set up” in the panel, or run `registry setup`")]
    NotSetUp,
    #[error(
        "the database belongs to something else: {why}. Name another database, or make an empty one for OpenSpace WebRTC"
    )]
    Foreign { why: String },
    #[error("no secure connection to the registry at {place}: {why}")]
    Tls { place: String, why: String },
    #[error(
        "the registry at {place} speaks no TLS: switch `ssl` on there, or choose a mode that does without where the network is your own"
    )]
    NoTls { place: String },
    #[error("the certificate of the registry at {place} is not trusted: {why}")]
    Untrusted { place: String, why: String },
    #[error(
        "the registry at {place} is a copy that takes no changes: name the database that it is a copy of"
    )]
    ReadOnly { place: String },
    #[error(
        "the machine `{name}` is in the registry as {ip_address}:{port} already, and it is alive: give this one an address or port of its own with registry.address or supervisor.port"
    )]
    AddressTaken { name: String, ip_address: String, port: u16 },
    #[error("the registry did not do what was asked: {why}")]
    Failed { why: String },
}

impl Trouble {
    /// May it pass by itself? What does not, needs a person.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::NoSuchHost { .. } | Self::Failed { .. })
    }

    pub(crate) fn unreachable(address: &Address, why: impl ToString) -> Self {
        Self::Unreachable { place: address.to_string(), why: why.to_string() }
    }

    pub(crate) fn of(address: &Address, error: &Error) -> Self {
        let place = address.to_string();
        let Some(told) = error.as_db_error() else {
            return Self::without_answer(place, error);
        };
        let (user, why) = (address.user().to_owned(), told.message().to_owned());
        match told.code() {
            &SqlState::INVALID_PASSWORD => Self::WrongPassword { place, user },
            &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => Self::NotLetIn { place, user, why },
            &SqlState::INVALID_CATALOG_NAME => {
                Self::NoSuchDatabase { place, database: address.database().to_owned() }
            }
            &SqlState::INSUFFICIENT_PRIVILEGE => Self::MissingRight { user, why },
            &SqlState::UNDEFINED_TABLE | &SqlState::UNDEFINED_COLUMN => Self::NotSetUp,
            &SqlState::READ_ONLY_SQL_TRANSACTION => Self::ReadOnly { place },
            &SqlState::TOO_MANY_CONNECTIONS => Self::Unreachable {
                place,
                why: "it has no connection left; each machine needs one: raise max_connections there"
                    .to_owned(),
            },
            code if is_going_down(code) => Self::Unreachable { place, why },
            _ => Self::Failed { why },
        }
    }

    /// The database itself has said nothing.
    fn without_answer(place: String, error: &Error) -> Self {
        let why = chain(error);
        match tls_error(error) {
            Some(rustls::Error::InvalidCertificate(fault)) => Self::Untrusted { place, why: distrust(fault) },
            Some(_) => Self::Tls { place, why },
            None if why.contains("does not support TLS") => Self::NoTls { place },
            None if why.contains("TLS") => Self::Tls { place, why },
            None => Self::Unreachable { place, why },
        }
    }
}

/// What is wrong with a certificate, and what helps.
fn distrust(fault: &CertificateError) -> String {
    use CertificateError as Fault;
    match fault {
        Fault::UnknownIssuer | Fault::BadSignature => "this machine does not know who signed it: name the file with the certificate of its authority (CA)".to_owned(),
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => "it was made for another name: connect by the name that stands in it".to_owned(),
        Fault::Expired | Fault::ExpiredContext { .. } => "it has expired: renew it on the database's machine".to_owned(),
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => "it is not valid yet: look at the clocks of both machines".to_owned(),
        other => other.to_string(),
    }
}

fn is_going_down(code: &SqlState) -> bool {
    [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::QUERY_CANCELED,
        SqlState::LOCK_NOT_AVAILABLE,
    ]
    .contains(code)
}

/// The library keeps the reason of a failed handshake behind its own words.
fn tls_error(error: &Error) -> Option<&rustls::Error> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(known) = cause {
        let inner = known.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let inner = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(found) = known.downcast_ref::<rustls::Error>().or(inner) {
            return Some(found);
        }
        cause = known.source();
    }
    None
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(known) = cause {
        let said = known.to_string();
        if !text.contains(&said) {
            let _ = write!(text, ": {said}");
        }
        cause = known.source();
    }
    text
}
