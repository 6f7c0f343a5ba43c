//! What browsers are told and asked: security headers, which origins may call, where HTTPS is. Pure.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};

/// Absent on purpose: `Strict-Transport-Security`. With a certificate of our own making it would take away the browser's "continue anyway".
const FIXED: [(HeaderName, &str); 6] = [
    (
        HeaderName::from_static("permissions-policy"),
        "autoplay=(self), fullscreen=(self), gamepad=(self), clipboard-read=(self), clipboard-write=(self), microphone=(self), \
         camera=(), display-capture=(), geolocation=(), payment=(), usb=()",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // For browsers that do not know `frame-ancestors`.
    (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
];

/// Puts the security headers on an answer to a request that named `host`.
pub(crate) fn secure(headers: &mut HeaderMap, host: Option<&str>) {
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let policy = content_security_policy(host);
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_str(&policy).expect("the host's characters were checked"),
    );
}

/// Mantine sets styles inline. Not every browser takes `'self'` for sockets, therefore they are named.
fn content_security_policy(host: Option<&str>) -> String {
    let sockets = host
        .filter(|host| is_plain_host(host))
        .map(|host| format!(" ws://{host} wss://{host}"))
        .unwrap_or_default();
    format!(
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; \
         media-src 'self' blob:; font-src 'self' data:; connect-src 'self'{sockets}; worker-src 'self' blob:; object-src 'none'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    )
}

/// The host and port that a request names: `Host` in HTTP/1, the authority in HTTP/2.
pub(crate) fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let named = uri.authority().map(|authority| authority.as_str());
    named.or_else(|| headers.get(header::HOST)?.to_str().ok()).filter(|host| is_plain_host(host))
}

fn is_plain_host(host: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    !host.is_empty() && host.len() <= 255 && host.chars().all(plain)
}

/// The same address over HTTPS.
pub(crate) fn https_location(host: &str, https_port: u16, uri: &Uri) -> String {
    let name = match host.rsplit_once(':') {
        // `[::1]` ends in a bracket: its last colon is no port's.
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    let port = if https_port == 443 { String::new() } else { format!(":{https_port}") };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    format!("https://{name}{port}{path}")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// No browser, or one that asks its own page's host.
    Same,
    /// Another page that the administrator allows.
    Allowed,
    Foreign,
}

/// Whose page sent this request?
pub(crate) fn origin(headers: &HeaderMap, host: Option<&str>, allowed: &[String]) -> Origin {
    let Some(origin) = headers.get(header::ORIGIN) else { return Origin::Same };
    let Ok(origin) = origin.to_str().map(str::to_ascii_lowercase) else { return Origin::Foreign };
    // A proxy may end TLS before us: the scheme may differ, host and port may not.
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    if allowed.contains(&origin) {
        Origin::Allowed
    } else if authority.zip(host).is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host)) {
        Origin::Same
    } else {
        Origin::Foreign
    }
}

/// Would a foreign page do harm with this request? Reading is prevented by the browser; changing and sockets are not.
pub(crate) fn needs_own_origin(method: &Method, headers: &HeaderMap) -> bool {
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    !reads || headers.contains_key(header::UPGRADE)
}

/// What pages of allowed origins may read of an answer's head.
const EXPOSED: &str = "retry-after, location, etag, link";

/// Lets the page of an allowed origin read the answer.
pub(crate) fn allow_origin(headers: &mut HeaderMap, origin: &HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}

/// The answer to the question that browsers ask before a request with a token.
pub(crate) fn allow_request(headers: &mut HeaderMap) {
    headers
        .insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PATCH, DELETE"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, content-type, if-match"),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(origin: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ORIGIN, HeaderValue::from_static(origin))])
    }

    #[test]
    fn only_the_own_host_and_allowed_origins_may_call() {
        let allowed = ["tauri://localhost".to_owned()];
        for (from_page, host, whose) in [
            ("http://host:3000", "host:3000", Origin::Same),
            ("https://HOST:8443", "host:8443", Origin::Same),
            ("tauri://localhost", "127.0.0.1:3000", Origin::Allowed),
            ("http://host:3001", "host:3000", Origin::Foreign),
            ("http://evil.example", "host:3000", Origin::Foreign),
            ("null", "host:3000", Origin::Foreign),
            ("tauri://evil", "evil", Origin::Foreign),
            ("http://host:3000.evil.example", "host:3000", Origin::Foreign),
        ] {
            assert_eq!(origin(&from(from_page), Some(host), &allowed), whose, "{from_page} asks {host}");
        }
        assert_eq!(
            origin(&HeaderMap::new(), Some("host"), &allowed),
            Origin::Same,
            "programs send no origin"
        );
        assert_eq!(origin(&from("http://host"), None, &allowed), Origin::Foreign);
    }

    #[test]
    fn the_redirect_keeps_name_path_and_query() {
        for (host, port, path, location) in [
            ("host:3000", 8443, "/stream/x?a=b", "https://host:8443/stream/x?a=b"),
            ("host", 8443, "/", "https://host:8443/"),
            ("host:80", 443, "/", "https://host/"),
            ("[fd00::2]:3000", 8443, "/", "https://[fd00::2]:8443/"),
            ("[fd00::2]", 8443, "/", "https://[fd00::2]:8443/"),
        ] {
            assert_eq!(https_location(host, port, &Uri::from_static(path)), location);
        }
    }

    #[test]
    fn a_host_cannot_write_into_the_policy() {
        let uri = Uri::from_static("/");
        for bad in ["a; script-src *", "a'b", "", "a b", "user@host"] {
            let headers =
                HeaderMap::from_iter([(header::HOST, HeaderValue::from_str(bad).expect("a header value"))]);
            assert_eq!(host(&uri, &headers), None, "{bad}");
        }
        assert!(
            content_security_policy(Some("host:1")).contains("connect-src 'self' ws://host:1 wss://host:1;")
        );
        assert!(content_security_policy(None).contains("connect-src 'self';"));
    }

    #[test]
    fn every_answer_is_secured() {
        let mut headers = HeaderMap::new();
        secure(&mut headers, Some("host"));
        assert_eq!(headers.len(), FIXED.len() + 1);
    }
}
