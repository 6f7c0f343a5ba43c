//! The key of one display: a random MIT-MAGIC-COOKIE-1 in an Xauthority file that only its owner can read.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::Context;

pub(crate) const PROTOCOL: &[u8] = b"MIT-MAGIC-COOKIE-1";
const COOKIE_BYTES: usize = 16;
/// `FamilyWild` of Xauth: the entry holds for whatever address the display is reached by.
const FAMILY_WILD: u16 = 0xffff;
/// An Xauthority file of ours holds 42 bytes; a person's own is a few kilobytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Writes a fresh random cookie to `path`, replacing an older file. Readable by its owner only, from its first byte on.
pub(crate) fn create(path: &Path) -> io::Result<()> {
    let mut cookie = [0; COOKIE_BYTES];
    getrandom::fill(&mut cookie).map_err(io::Error::other)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(&encode(&cookie))
}

/// The cookie in the file.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let size =
        fs::metadata(path).with_context(|| format!("reading the display's key {}", path.display()))?.len();
    anyhow::ensure!(
        size <= FILE_BYTES_MAX,
        "the display's key {} is far too large: {size} bytes",
        path.display()
    );
    let bytes = fs::read(path).with_context(|| format!("reading the display's key {}", path.display()))?;
    decode(&bytes).with_context(|| format!("{} holds no MIT-MAGIC-COOKIE-1", path.display()))
}

/// One entry without an address and without a display number, which match every one: the number is not known before the server runs.
fn encode(cookie: &[u8; COOKIE_BYTES]) -> Vec<u8> {
    let mut entry = FAMILY_WILD.to_be_bytes().to_vec();
    for field in [&[], &[], PROTOCOL, cookie.as_slice()] {
        let length = u16::try_from(field.len()).expect("each field is at most 18 bytes");
        entry.extend(length.to_be_bytes());
        entry.extend(field);
    }
    entry
}

/// The first MIT-MAGIC-COOKIE-1 in an Xauthority file: entries of a family, then address, number, name and data with their lengths.
fn decode(mut bytes: &[u8]) -> Option<Vec<u8>> {
    while !bytes.is_empty() {
        let (_family, rest) = bytes.split_at_checked(2)?;
        let (_address, rest) = take_field(rest)?;
        let (_number, rest) = take_field(rest)?;
        let (name, rest) = take_field(rest)?;
        let (data, rest) = take_field(rest)?;
        if name == PROTOCOL {
            return Some(data.to_vec());
        }
        bytes = rest;
    }
    None
}

fn take_field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(u16::from_be_bytes(*length).into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_file_has_its_own_cookie_and_only_its_owner_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("Xauthority");
        create(&path).unwrap();
        let first = read(&path).unwrap();
        create(&path).unwrap();
        let second = read(&path).unwrap();

        assert_eq!(first.len(), COOKIE_BYTES);
        assert_ne!(first, second);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_without_a_cookie_is_named_in_the_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("Xauthority");
        assert!(format!("{:#}", read(&path).unwrap_err()).contains("Xauthority"));
        fs::write(&path, b"nonsense").unwrap();
        assert!(format!("{:#}", read(&path).unwrap_err()).contains("MIT-MAGIC-COOKIE-1"));
    }

    proptest! {
        #[test]
        fn a_cookie_survives_its_file(cookie: [u8; COOKIE_BYTES]) {
            prop_assert_eq!(decode(&encode(&cookie)), Some(cookie.to_vec()));
        }

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}
