//! What a cloud's answers mean, and what is none. Pure.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;

const NAME_MAX: usize = 40;
const TOKEN_MAX: usize = 512;

/// It goes into a header: letters, digits and signs.
pub(super) fn token(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_good = !text.is_empty() && text.len() <= TOKEN_MAX && text.bytes().all(|c| c.is_ascii_graphic());
    // A page is not a token.
    (is_good && !text.contains('<')).then_some(text)
}

/// "eu-north-1".
pub(super) fn amazon_region(text: &str) -> Option<String> {
    name(text).filter(|name| name.contains('-') && name.ends_with(|last: char| last.is_ascii_digit()))
}

/// Of a zone: "projects/123456789/zones/europe-north1-a" stands in "europe-north1".
pub(super) fn google_region(text: &str) -> Option<String> {
    let (_, zone) = text.trim().rsplit_once("/zones/")?;
    let (region, _) = zone.rsplit_once('-')?;
    name(region)
}

/// "northeurope".
pub(super) fn azure_region(text: &str) -> Option<String> {
    name(text).filter(|name| !name.contains('-'))
}

pub(super) fn azure_balancer(text: &str) -> Option<IpAddr> {
    let told: Value = serde_json::from_str(text).ok()?;
    public_address(told["loadbalancer"]["publicIpAddresses"][0]["frontendIpAddress"].as_str()?)
}

fn name(text: &str) -> Option<String> {
    let text = text.trim();
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_name = (3..=NAME_MAX).contains(&text.len())
        && text.chars().all(known)
        && text.starts_with(|first: char| first.is_ascii_lowercase());
    is_name.then(|| text.to_owned())
}

/// One that can be reached from outside.
pub(super) fn public_address(text: &str) -> Option<IpAddr> {
    match text.trim().parse().ok()? {
        IpAddr::V4(v4) => (!is_inner(v4)).then_some(IpAddr::V4(v4)),
        IpAddr::V6(v6) => {
            let inner = v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local();
            (!inner).then_some(IpAddr::V6(v6))
        }
    }
}

fn is_inner(v4: Ipv4Addr) -> bool {
    let [a, b, ..] = v4.octets();
    // 100.64/10 is what providers have behind their own address.
    let shared = a == 100 && (64..128).contains(&b);
    v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_multicast()
        || v4.is_broadcast()
        || a == 0
        || shared
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<!doctype html><html><body>Sign in to the hotel's network</body></html>";

    #[test]
    fn each_cloud_names_its_region_in_its_own_way() {
        assert_eq!(amazon_region("eu-north-1\n").as_deref(), Some("eu-north-1"));
        assert_eq!(amazon_region("us-gov-west-1").as_deref(), Some("us-gov-west-1"));
        assert_eq!(google_region("projects/123/zones/europe-north1-a").as_deref(), Some("europe-north1"));
        assert_eq!(azure_region("northeurope").as_deref(), Some("northeurope"));
        let long = "a".repeat(99);
        for nonsense in ["", " ", PAGE, "EU-NORTH-1", "1-1", "a b-1", "..", "zones/-", &long, "é-north-1"] {
            assert_eq!(amazon_region(nonsense), None, "{nonsense}");
            assert_eq!(google_region(nonsense), None, "{nonsense}");
            assert_eq!(azure_region(nonsense), None, "{nonsense}");
            assert_eq!(google_region(&format!("projects/1/zones/{nonsense}")), None, "{nonsense}");
        }
    }

    #[test]
    fn an_address_counts_only_if_the_world_can_reach_it() {
        for good in ["203.0.113.7", " 2001:db8::7\n"] {
            assert!(public_address(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "10.0.0.4",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.1.1",
            "0.0.0.0",
            "100.64.0.1",
            "::1",
            "fe80::1",
            "fd00::1",
            "224.0.0.1",
            PAGE,
        ] {
            assert_eq!(public_address(bad), None, "{bad}");
        }
        let balancer = r#"{"loadbalancer":{"publicIpAddresses":[{"frontendIpAddress":"203.0.113.9","privateIpAddress":"10.0.0.4"}]}}"#;
        assert_eq!(azure_balancer(balancer), public_address("203.0.113.9"));
        for bad in ["", "[]", r#"{"loadbalancer":{"publicIpAddresses":[]}}"#, PAGE] {
            assert_eq!(azure_balancer(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_page_is_no_token() {
        assert_eq!(token("AQAEAL2_x-y==\n"), Some("AQAEAL2_x-y=="));
        for bad in ["", PAGE, "<html>", "a b", "a\r\nx-evil: 1", &"a".repeat(600)] {
            assert_eq!(token(bad), None, "{bad}");
        }
    }
}
