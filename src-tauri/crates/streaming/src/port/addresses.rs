//! Where this machine can be reached, as ICE candidates.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use rtc::shared::ifaces::ifaces;

/// Candidates in one offer. A machine with hundreds of container bridges offers the first ones.
const OFFERED_MAX: usize = 16;
/// Type preference of host candidates (RFC 8445 §5.1.2.2).
const UDP_PREFERENCE: u32 = 126;
/// ICE-TCP is the way for networks that block UDP, never the better one.
const TCP_PREFERENCE: u32 = 90;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

/// The configured addresses where there are some; else those of the interfaces, loopback last.
pub(crate) fn offered(configured: &[IpAddr], ipv6: bool) -> Vec<IpAddr> {
    if !configured.is_empty() {
        return distinct(configured.to_vec());
    }
    let found = ifaces().unwrap_or_default().into_iter().filter_map(|interface| interface.addr);
    sorted(found.map(|address| address.ip()).collect(), ipv6)
}

fn sorted(mut addresses: Vec<IpAddr>, ipv6: bool) -> Vec<IpAddr> {
    addresses.retain(|address| match address {
        IpAddr::V4(v4) => !v4.is_unspecified() && !v4.is_link_local() && !v4.is_multicast(),
        // A link-local address needs an interface's name beside it, which candidates cannot carry.
        IpAddr::V6(v6) => ipv6 && !v6.is_unspecified() && !v6.is_unicast_link_local() && !v6.is_multicast(),
    });
    if addresses.is_empty() {
        addresses.push(Ipv4Addr::LOCALHOST.into());
    }
    addresses.sort_by_key(|address| (address.is_loopback(), address.is_ipv6()));
    distinct(addresses)
}

fn distinct(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let mut kept = Vec::with_capacity(addresses.len());
    for address in addresses {
        if !kept.contains(&address) {
            kept.push(address);
        }
    }
    kept.truncate(OFFERED_MAX);
    kept
}

/// The value of `a=candidate:` for the `rank`-th best address.
pub(crate) fn candidate(transport: Transport, rank: usize, address: SocketAddr) -> String {
    let (name, preference, suffix) = match transport {
        Transport::Udp => ("udp", UDP_PREFERENCE, ""),
        Transport::Tcp => ("tcp", TCP_PREFERENCE, " tcptype passive"),
    };
    let local = 65_535 - u32::try_from(rank).unwrap_or(65_535).min(65_535);
    let priority = (preference << 24) | (local << 8) | 255;
    let foundation = 1 + 2 * rank + usize::from(transport == Transport::Tcp);
    format!("{foundation} 1 {name} {priority} {} {} typ host{suffix}", address.ip(), address.port())
}

/// The same of a way through this machine to another one. It is told as a relay's, the last that a viewer uses.
pub(crate) fn forwarded(rank: usize, address: SocketAddr) -> String {
    let local = 65_535 - u32::try_from(rank).unwrap_or(65_535).min(65_535);
    let priority = (local << 8) | 255;
    let (ip, port) = (address.ip(), address.port());
    let any = if ip.is_ipv4() { "0.0.0.0" } else { "::" };
    format!("{} 1 udp {priority} {ip} {port} typ relay raddr {any} rport 0", 101 + rank)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ips(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn loopback_comes_last_and_nothing_twice() {
        let found =
            ips(&["127.0.0.1", "::1", "10.0.0.5", "fe80::1", "169.254.1.1", "2001:db8::7", "10.0.0.5"]);
        assert_eq!(sorted(found.clone(), true), ips(&["10.0.0.5", "2001:db8::7", "127.0.0.1", "::1"]));
        assert_eq!(sorted(found, false), ips(&["10.0.0.5", "127.0.0.1"]));
    }

    #[test]
    fn a_machine_without_a_network_still_serves_itself() {
        assert_eq!(sorted(vec![], false), ips(&["127.0.0.1"]));
    }

    #[test]
    fn configured_addresses_replace_those_of_the_interfaces() {
        assert_eq!(offered(&ips(&["203.0.113.9", "203.0.113.9"]), true), ips(&["203.0.113.9"]));
        assert!(!offered(&[], true).is_empty());
    }

    #[test]
    fn every_udp_candidate_is_better_than_every_tcp_one() {
        let priority = |line: String| line.split(' ').nth(3).unwrap().parse::<u32>().unwrap();
        let at: SocketAddr = "192.0.2.1:4700".parse().unwrap();
        assert!(
            priority(candidate(Transport::Udp, OFFERED_MAX, at)) > priority(candidate(Transport::Tcp, 0, at))
        );
        assert!(priority(candidate(Transport::Udp, 0, at)) > priority(candidate(Transport::Udp, 1, at)));
        assert_eq!(
            candidate(Transport::Tcp, 0, at),
            "2 1 tcp 1526726655 192.0.2.1 4700 typ host tcptype passive"
        );
    }
}
