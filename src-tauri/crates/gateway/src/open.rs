//! Opens the doors, and closes them.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use axum_server::{Handle, Server, tls_rustls::RustlsAcceptor};
use tokio::{task::JoinHandle, time::timeout};
use tracing::{debug, error, info, warn};

use crate::{
    Config, Gateway, OpenError, Reception,
    app::{App, Policy, Tuning},
    dist::Pages,
    listener::Doorkeeper,
    old_world,
    router::{Door, router},
    tls,
};

/// The first request: a browser sends it at once, so whoever takes longer holds a connection for nothing.
const FIRST_WITHIN: Duration = Duration::from_secs(10);
/// Each further request's head, and with it how long a connection may rest: browsers and proxies keep theirs for a minute.
const NEXT_WITHIN: Duration = Duration::from_secs(75);
const TLS_WITHIN: Duration = Duration::from_secs(10);
/// Cookies of other programs on the same host name included.
const HEAD_BYTES: usize = 32 * 1024;
const HTTP2_STREAMS: u32 = 128;
const HTTP2_PING: Duration = Duration::from_secs(20);
/// What is being answered has this long.
const GRACE: Duration = Duration::from_millis(1500);
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

pub(crate) async fn open(
    config: Config,
    reception: Arc<dyn Reception>,
    pages: Pages,
    tuning: Tuning,
) -> Result<Gateway, OpenError> {
    let http = bind("http", config.http)?;
    let https = config.https.map(|address| bind("https", address)).transpose()?;
    let tls = match &https {
        Some(_) => Some(tls::Tls::load(config.certificate).await?),
        None => None,
    };
    let allowed_origins = config
        .allowed_origins
        .iter()
        .map(|origin| origin.trim_end_matches('/').to_ascii_lowercase())
        .collect();
    let policy = Policy { open_health: config.open_health, allowed_origins };
    let app = App::new(reception, pages, policy, tuning);

    let https_port = https.as_ref().map(|door| door.port);
    let mut gateway = Gateway {
        http_port: http.port,
        https_port,
        supervisor_port: None,
        app: app.clone(),
        doors: vec![Handle::new()],
        tasks: Vec::new(),
    };
    let server = listen(http, &gateway.doors[0])?.acceptor(Doorkeeper(app.clone()));
    let service =
        router(app.clone(), Door::Http { https_port }).into_make_service_with_connect_info::<SocketAddr>();
    gateway.tasks.push(tokio::spawn(async move { ended("http", server.serve(service).await) }));

    let mut certificate = None;
    if let Some((https, tls)) = https.zip(tls) {
        let acceptor =
            RustlsAcceptor::new(tls.config()).handshake_timeout(TLS_WITHIN).acceptor(Doorkeeper(app.clone()));
        let handle = Handle::new();
        let server = listen(https, &handle)?.acceptor(acceptor);
        let service = router(app.clone(), Door::Https).into_make_service_with_connect_info::<SocketAddr>();
        gateway.doors.push(handle);
        gateway.tasks.push(tokio::spawn(async move { ended("https", server.serve(service).await) }));
        certificate = Some(tokio::spawn(tls.keep_fresh(tuning.certificate_check)));
    }
    if let Some(address) = config.supervisor {
        gateway.open_old_door(address);
    }
    gateway.tasks.extend(certificate);
    info!(http_port = gateway.http_port, https_port = gateway.https_port, "the doors are open");
    Ok(gateway)
}

impl Gateway {
    /// A machine on which the old supervisor still runs serves its pages all the same.
    fn open_old_door(&mut self, address: SocketAddr) {
        let handle = Handle::new();
        let opened = bind("supervisor", address).and_then(|bound| {
            let port = bound.port;
            Ok((port, listen(bound, &handle)?))
        });
        match opened {
            Ok((port, server)) => {
                let server = server.acceptor(Doorkeeper(self.app.clone()));
                let service =
                    old_world::router(self.app.clone()).into_make_service_with_connect_info::<SocketAddr>();
                self.supervisor_port = Some(port);
                self.doors.push(handle);
                self.tasks
                    .push(tokio::spawn(async move { ended("supervisor", server.serve(service).await) }));
            }
            Err(error) => warn!("the old back end cannot reach this machine: {error}"),
        }
    }

    /// Finishes what is being answered; see [`Gateway::close`].
    pub(crate) async fn finish(mut self) {
        self.app.closing.cancel();
        self.app.viewers.close();
        self.doors.iter().for_each(|door| door.graceful_shutdown(Some(GRACE)));
        let tasks: Vec<JoinHandle<()>> = self.tasks.drain(..).collect();
        let (servers, keepers) =
            tasks.into_iter().enumerate().partition::<Vec<_>, _>(|(index, _)| *index < self.doors.len());
        keepers.iter().for_each(|(_, keeper)| keeper.abort());
        let all = async {
            self.app.viewers.wait().await;
            for (_, server) in servers {
                // A server that panicked has said so; there is nothing left of it to wait for.
                let _ = server.await;
            }
        };
        if timeout(CLOSE_WITHIN, all).await.is_err() {
            debug!("some clients were cut off: they did not take their answers in time");
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.app.closing.cancel();
        self.doors.iter().for_each(Handle::shutdown);
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// A bound listener that does not accept yet.
struct Bound {
    what: &'static str,
    listener: TcpListener,
    port: u16,
}

fn bind(what: &'static str, address: SocketAddr) -> Result<Bound, OpenError> {
    let port = address.port();
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => OpenError::PortTaken { what, port },
        _ => OpenError::Failed { what, port, why: explain(&error, address) },
    };
    let listener = TcpListener::bind(address).map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    Ok(Bound { what, listener, port })
}

fn explain(error: &io::Error, address: SocketAddr) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a privilege that this user does not have; choose one above, or pass connections on from it \
             with a proxy"
                .to_owned()
        }
        io::ErrorKind::AddrNotAvailable => format!("this machine has no address {}", address.ip()),
        _ => error.to_string(),
    }
}

fn listen(bound: Bound, handle: &Handle<SocketAddr>) -> Result<Server<SocketAddr>, OpenError> {
    let Bound { what, listener, port } = bound;
    let failed = |error: io::Error| OpenError::Failed { what, port, why: error.to_string() };
    let mut server = axum_server::from_tcp(listener).map_err(failed)?.handle(handle.clone());
    let builder = server.http_builder();
    builder.http1().header_read_timeout(NEXT_WITHIN).max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_header_list_size(HEAD_BYTES as u32)
        .keep_alive_interval(HTTP2_PING)
        .keep_alive_timeout(HTTP2_PING);
    Ok(server.first_request_timeout(FIRST_WITHIN).accept_error_handler(move |peer, error| match peer {
        // A browser that does not trust the certificate yet hangs up here: no more than a turn in the road.
        Some(peer) => debug!(door = what, %peer, %error, "a connection was not let in"),
        None => warn!(door = what, %error, "no connections can be accepted"),
    }))
}

fn ended(door: &'static str, result: io::Result<()>) {
    if let Err(error) = result {
        error!(door, %error, "a door closed by itself");
    }
}
