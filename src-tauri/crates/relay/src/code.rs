//! A join code as text: where the founder is, how to know it, and a secret that works once. Pure.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use model::ServerId;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Trouble;

/// So that people, and this program, see what it is.
const PREFIX: &str = "fleet-";
const FINGERPRINT: usize = 32;
const SECRET: usize = 16;
const ID: usize = 16;
const ADDRESS_MAX: usize = 255;

/// It is a secret: `Debug` shows the address only.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinCode {
    /// Of the authority's certificate.
    pub(crate) fingerprint: [u8; FINGERPRINT],
    pub(crate) secret: [u8; SECRET],
    pub(crate) founder: ServerId,
    /// `host:port`
    pub(crate) address: String,
}

impl JoinCode {
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The text itself, for the one answer that hands it to its holder.
    pub fn reveal(&self) -> String {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&self.fingerprint);
        bytes.extend_from_slice(&self.secret);
        bytes.extend_from_slice(self.founder.0.as_bytes());
        bytes.extend_from_slice(self.address.as_bytes());
        let check = Sha256::digest(&bytes);
        bytes.extend_from_slice(&check[..2]);
        format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for JoinCode {
    type Err = Trouble;

    fn from_str(text: &str) -> Result<Self, Trouble> {
        let bad = |why: &str| Trouble::BadCode(why.to_owned());
        // Mail programs break long words over lines.
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let body = text.strip_prefix(PREFIX).ok_or_else(|| bad("a code begins with `fleet-`"))?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(body).map_err(|_| bad("a part of it is missing"))?;
        let short = || bad("its end is missing");
        let (bytes, check) = bytes.split_last_chunk::<2>().ok_or_else(short)?;
        if Sha256::digest(bytes)[..2] != *check {
            return Err(bad("a part of it is missing or mistyped"));
        }
        let (fingerprint, rest) = bytes.split_first_chunk::<FINGERPRINT>().ok_or_else(short)?;
        let (secret, rest) = rest.split_first_chunk::<SECRET>().ok_or_else(short)?;
        let (founder, address) = rest.split_first_chunk::<ID>().ok_or_else(short)?;
        let address = std::str::from_utf8(address).map_err(|_| bad("its address is no text"))?;
        if address.len() > ADDRESS_MAX || !address.contains(':') {
            return Err(bad("its address is no host and port"));
        }
        Ok(Self {
            fingerprint: *fingerprint,
            secret: *secret,
            founder: ServerId(Uuid::from_bytes(*founder)),
            address: address.to_owned(),
        })
    }
}

impl fmt::Debug for JoinCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinCode(… at {})", self.address)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn code() -> JoinCode {
        JoinCode {
            fingerprint: [7; 32],
            secret: [9; 16],
            founder: ServerId::random(),
            address: "dome.example.org:4690".to_owned(),
        }
    }

    #[test]
    fn a_code_survives_its_text_and_line_breaks_and_hides_from_debug() {
        let code = code();
        let text = code.reveal();
        let broken = format!(" {}\n{}", &text[..30], &text[30..]);
        assert_eq!(broken.parse::<JoinCode>().unwrap(), code);
        assert!(!format!("{code:?}").contains(&text[10..20]));
    }

    #[test]
    fn a_mistyped_or_cut_code_says_so() {
        let text = code().reveal();
        let mut mistyped = text.clone();
        mistyped.replace_range(20..21, if &text[20..21] == "A" { "B" } else { "A" });
        for bad in ["", "fleet-", "fleet-AAAA", "hello", &text[..text.len() - 3], &mistyped] {
            let said = bad.parse::<JoinCode>().unwrap_err().to_string();
            assert!(said.starts_with("this is no join code: "), "{bad}: {said}");
        }
    }
}
