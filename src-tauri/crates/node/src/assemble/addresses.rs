//! By which names and addresses viewers reach this machine.

use protocol::admin::Ports;

use crate::config::Config;

/// This machine by plain HTTP; other machines by HTTPS on the names of the certificate.
pub(super) fn home_urls(config: &Config, ports: Ports) -> Vec<String> {
    let mut urls = vec![format!("http://127.0.0.1:{}/", ports.http)];
    if let Some(https) = ports.https {
        let bracketed = |host: &String| if host.contains(':') { format!("[{host}]") } else { host.clone() };
        urls.extend(public_names(config).iter().map(|host| format!("https://{}:{https}/", bracketed(host))));
    }
    urls
}

/// What viewers may call this machine, best first: what its administrator says, then what it calls itself.
pub(super) fn public_names(config: &Config) -> Vec<String> {
    let told = config.https.names.iter().cloned();
    let addresses = config.media.addresses.iter().map(ToString::to_string);
    let own = Some(telemetry::host_name()).filter(|name| is_host_name(name));
    told.chain(addresses).chain(own).collect()
}

/// A machine may call itself what no certificate can hold.
fn is_host_name(name: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    !name.is_empty() && name.chars().all(known) && !name.starts_with(['-', '.'])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn viewers_elsewhere_are_shown_names_that_the_certificate_holds() {
        let sets =
            ["https.names=[\"sky.example.org\"]", "media.addresses=[\"203.0.113.7\", \"2001:db8::7\"]"];
        let config = Config::load(None, &sets.map(str::to_owned)).unwrap();
        let ports = Ports { http: 3000, https: Some(8443), ..Ports::default() };
        let urls = home_urls(&config, ports);
        assert_eq!(
            urls[..4],
            [
                "http://127.0.0.1:3000/",
                "https://sky.example.org:8443/",
                "https://203.0.113.7:8443/",
                "https://[2001:db8::7]:8443/"
            ]
        );
        assert!(public_names(&config).contains(&"2001:db8::7".to_owned()));
        assert_eq!(home_urls(&config, Ports { http: 1, ..Ports::default() }), ["http://127.0.0.1:1/"]);
    }

    #[test]
    fn what_no_certificate_can_hold_is_not_shown() {
        for (name, shown) in [
            ("dome-1", true),
            ("dome.example.org", true),
            ("this machine", false),
            ("", false),
            ("-x", false),
        ] {
            assert_eq!(is_host_name(name), shown, "{name}");
        }
    }
}
