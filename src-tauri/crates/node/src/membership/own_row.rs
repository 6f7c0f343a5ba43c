//! This machine's row, found by itself: where the others reach it, and what it is made of.

use std::{
    net::{IpAddr, Ipv4Addr, UdpSocket},
    path::Path,
};

use model::{
    ServerId,
    health::{GpuState, Host},
};
use protocol::admin::Ports;
use registry::{Address, ServerRow};

use crate::{cloud::Here, config::Config};

const GIB: u64 = 1 << 30;

/// What is known of it at the start, and does not change while the node runs.
#[derive(Clone, Debug)]
pub struct Site {
    pub server: ServerId,
    pub name: String,
    /// By which the others reach it, where that was said.
    pub ip_address: Option<String>,
    /// Of the old supervisor protocol.
    pub port: u16,
    /// Known once the doors are open.
    pub doors: Option<Ports>,
    /// By which the other machines reach this one, where the way to the registry does not tell.
    pub host: String,
    pub slots: u32,
    pub ssd: Option<bool>,
}

impl Site {
    /// As far as the configuration says; the doors and the way to the registry say the rest.
    pub fn find(config: &Config, server: ServerId, name: String, data_dir: &Path, slots: u32) -> Self {
        Self {
            server,
            name,
            ip_address: told(config),
            port: config.supervisor.port,
            doors: None,
            host: host(config),
            slots,
            ssd: telemetry::is_ssd(data_dir),
        }
    }

    /// The doors that were opened. A machine whose old door is closed keeps the port that it was to have.
    #[must_use]
    pub fn behind(self, ports: Ports) -> Self {
        Self { port: ports.supervisor.unwrap_or(self.port), doors: Some(ports), ..self }
    }
}

/// Where its pages and its API are reached by the other machines.
fn url(ip_address: &str, doors: Ports) -> String {
    let host = bracketed(ip_address);
    match doors.https {
        Some(https) => format!("https://{host}:{https}"),
        None => format!("http://{host}:{}", doors.http),
    }
}

/// As it stands before a port.
fn bracketed(host: &str) -> String {
    match host.parse::<std::net::Ipv6Addr>() {
        Ok(v6) => format!("[{v6}]"),
        Err(_) => host.to_owned(),
    }
}

/// As the old seed calls a machine that shares its database's.
const LOCAL: &str = "localhost";
/// An address of the documentation's: the way to it is the way to everywhere.
const EVERYWHERE: (&str, u16) = ("192.0.2.1", 9);

fn told(config: &Config) -> Option<String> {
    let told = Some(config.registry.address.clone()).filter(|told| !told.is_empty());
    told.or_else(|| config.media.addresses.first().map(ToString::to_string))
}

/// By which name or address another machine reaches this one, as far as that can be known without asking one.
pub fn host(config: &Config) -> String {
    told(config).unwrap_or_else(|| local_address(EVERYWHERE))
}

/// The address of ours from which the registry is reached.
fn way_out(address: &Address) -> String {
    let (host, port) = address.host();
    local_address((host.as_str(), port))
}

/// Nothing is sent: the system is asked which way it would go.
fn local_address(to: (&str, u16)) -> String {
    let local = || -> std::io::Result<IpAddr> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.connect(to)?;
        Ok(socket.local_addr()?.ip())
    };
    match local() {
        Ok(ip) if !ip.is_loopback() && !ip.is_unspecified() => ip.to_string(),
        _ => LOCAL.to_owned(),
    }
}

/// As it stands in the registry of that address, in the words of the old table: "64GB", "NVIDIA Tesla T4", "1TB SSD". `relay` is the
/// port of the door for the other machines.
pub fn describe(
    site: &Site,
    here: &Here,
    registry: &Address,
    relay: Option<u16>,
    host: &Host,
    gpus: &GpuState,
) -> ServerRow {
    let inside = site.ip_address.clone().unwrap_or_else(|| way_out(registry));
    let by_cloud = || here.address().map(|address| address.to_string());
    let ip_address = site.ip_address.clone().or_else(by_cloud).unwrap_or_else(|| inside.clone());
    // The machines of one cloud meet inside of it. Where the registry shares this machine, its way does not say how others come here.
    let door = if inside == LOCAL { &site.host } else { &inside };
    ServerRow {
        server: site.server,
        name: site.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        url: site.doors.map(|doors| url(&ip_address, doors)),
        relay: relay.map(|port| format!("{}:{port}", bracketed(door))),
        region: here.region(),
        ip_address,
        port: site.port,
        slots: site.slots,
        ram: ram(host.memory_total_bytes),
        graphics_card: graphics_card(gpus),
        storage: storage(host.disk_total_bytes, site.ssd),
    }
}

/// What was bought: the system keeps a little for itself, so a 64 GB machine shows 62.7.
fn ram(bytes: u64) -> String {
    let gib = bytes.div_ceil(GIB);
    format!("{}GB", if gib > 8 { gib.next_multiple_of(2) } else { gib })
}

fn graphics_card(gpus: &GpuState) -> Option<String> {
    let gpus = gpus.gpus();
    let name = gpus.first()?.name.clone()?;
    Some(if gpus.len() > 1 { format!("{} × {name}", gpus.len()) } else { name })
}

fn storage(bytes: u64, ssd: Option<bool>) -> String {
    let gb = bytes as f64 / 1e9;
    let size = if gb >= 950.0 { format!("{:.0}TB", gb / 1000.0) } else { format!("{gb:.0}GB") };
    match ssd {
        Some(true) => format!("{size} SSD"),
        Some(false) => format!("{size} HDD"),
        None => size,
    }
}

#[cfg(test)]
mod tests {
    use model::health::Gpu;

    use super::*;

    #[test]
    fn a_machine_is_told_in_the_words_of_the_old_table() {
        assert_eq!(ram(67_300_000_000), "64GB");
        assert_eq!(ram(25_000_000_000), "24GB");
        assert_eq!(ram(8_200_000_000), "8GB");
        assert_eq!(ram(0), "0GB");
        assert_eq!(storage(1_000_204_886_016, Some(true)), "1TB SSD");
        assert_eq!(storage(983_000_000_000, None), "1TB");
        assert_eq!(storage(499_000_000_000, Some(false)), "499GB HDD");
        let t4 = Gpu { name: Some("NVIDIA Tesla T4".to_owned()), ..Gpu::default() };
        let of = |gpus| GpuState::Available { driver_version: None, gpus };
        assert_eq!(graphics_card(&of(vec![t4.clone()])), Some("NVIDIA Tesla T4".to_owned()));
        assert_eq!(graphics_card(&of(vec![t4.clone(), t4])), Some("2 × NVIDIA Tesla T4".to_owned()));
        assert_eq!(graphics_card(&of(Vec::new())), None);
        assert_eq!(graphics_card(&GpuState::Unavailable { reason: String::new() }), None);
    }

    #[test]
    fn a_machine_beside_its_database_is_called_as_the_old_seed_did() {
        let address: Address = "postgres://a:b@127.0.0.1:1/x".parse().expect("a good URL");
        assert_eq!(way_out(&address), "localhost");
    }
}
