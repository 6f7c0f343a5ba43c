//! The pages: `ui/dist` as Vite built it, compiled into the program.
//!
//! Names below `/assets` carry a hash of their content and are kept by browsers for good; everything else is asked for again,
//! with an `ETag` so that the answer is short.

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Arc, OnceLock},
};

use axum::http::HeaderValue;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../../ui/dist"]
#[allow_missing = true]
struct Dist;

/// Under this a packet or two carry it anyway.
const GZIP_FROM_BYTES: usize = 2048;
pub(crate) const FOR_GOOD: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

/// Files by their path without the leading slash.
#[derive(Debug)]
pub(crate) struct Pages(BTreeMap<String, Arc<File>>);

#[derive(Debug)]
pub(crate) struct File {
    pub bytes: Bytes,
    pub etag: HeaderValue,
    pub kind: &'static str,
    pub cache: &'static str,
    /// Made when first wanted; `None` where it would be no shorter.
    gzip: OnceLock<Option<Bytes>>,
}

impl Pages {
    /// Those that were compiled in.
    pub(crate) fn embedded() -> Self {
        Self::of(Dist::iter().filter_map(|path| {
            let file = Dist::get(&path)?;
            let bytes = match file.data {
                std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
            };
            Some((path.into_owned(), bytes, file.metadata.sha256_hash()))
        }))
    }

    fn of(files: impl Iterator<Item = (String, Bytes, [u8; 32])>) -> Self {
        Self(
            files
                .map(|(path, bytes, hash)| (path.clone(), Arc::new(File::new(&path, bytes, hash))))
                .collect(),
        )
    }

    #[cfg(test)]
    pub(crate) fn from_texts(files: &[(&str, &str)]) -> Self {
        Self::of(files.iter().map(|(path, text)| {
            let mut hash = [0; 32];
            hash[0] = u8::try_from(text.len() % 256).expect("under 256");
            ((*path).to_owned(), Bytes::copy_from_slice(text.as_bytes()), hash)
        }))
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Arc<File>> {
        self.0.get(path)
    }
}

impl File {
    fn new(path: &str, bytes: Bytes, hash: [u8; 32]) -> Self {
        let short: String = hash[..12].iter().map(|byte| format!("{byte:02x}")).collect();
        // Weak, since the compressed and the plain form share it.
        let etag = HeaderValue::from_str(&format!("W/\"{short}\"")).expect("hexadecimal digits");
        let cache = if path.starts_with("assets/") { FOR_GOOD } else { ASK_AGAIN };
        Self { bytes, etag, kind: content_type(path), cache, gzip: OnceLock::new() }
    }

    /// Compressed already, or nothing is known yet.
    pub(crate) fn gzipped_before(&self) -> Option<Option<Bytes>> {
        self.gzip.get().cloned()
    }

    pub(crate) fn gzipped(&self) -> Option<Bytes> {
        self.gzip.get_or_init(|| gzip(&self.bytes).filter(|shorter| shorter.len() < self.bytes.len())).clone()
    }

    pub(crate) fn is_worth_gzip(&self) -> bool {
        let text = self.kind.starts_with("text/")
            || self.kind.contains("json")
            || self.kind.contains("svg")
            || self.kind.contains("wasm");
        text && self.bytes.len() >= GZIP_FROM_BYTES
    }
}

fn gzip(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
