//! Which shared libraries a program needs and this machine lacks, read from files: nothing is run.
//!
//! The system's loader looks into the folders that the program names (`RUNPATH`), then those of `LD_LIBRARY_PATH`, then into its
//! cache (`/etc/ld.so.cache`), then into the system's folders. So do we. Where its cache is not understood, nothing is said.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::{Path, PathBuf},
};

use elf::{ElfStream, abi, endian::AnyEndian};

const CACHE: &str = "/etc/ld.so.cache";
const CACHE_BYTES_MAX: u64 = 64 << 20;
const CACHE_MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const CACHE_HEADER_BYTES: usize = 48;
const CACHE_ENTRY_BYTES: usize = 24;
/// Every program of this system needs it: where it is not found, our search is wrong and not the system.
const SURELY_THERE: &str = "libc.so.6";
const SYSTEM_FOLDERS: &[&str] = &["/lib64", "/usr/lib64", "/lib", "/usr/lib"];
/// A build brings some dozens of its own.
const OWN_LIBRARIES_MAX: usize = 500;

/// The names of what is missing, sorted; empty where nothing is, or where it cannot be told.
pub(super) fn missing(program: &Path, env: &BTreeMap<String, String>) -> Vec<String> {
    let Some(loader) = Loader::of_this_machine(env) else { return Vec::new() };
    let mut lacking = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut left = vec![program.to_owned()];
    while let Some(file) = left.pop() {
        let Some(needs) = Needs::read(&file) else { continue };
        for name in needs.libraries {
            if seen.len() >= OWN_LIBRARIES_MAX || !seen.insert(name.clone()) {
                continue;
            }
            match loader.find(&name, &needs.folders) {
                // What a build brings may need more in its turn; what the system brings is the system's affair.
                Found::InFolder(library) => left.push(library),
                Found::InSystem => {}
                Found::Nowhere => drop(lacking.insert(name)),
            }
        }
    }
    lacking.into_iter().collect()
}

struct Needs {
    libraries: Vec<String>,
    /// `RUNPATH` or `RPATH`, with `$ORIGIN` filled in.
    folders: Vec<PathBuf>,
}

impl Needs {
    /// `None` for a script, or for anything else that the loader would not load.
    fn read(file: &Path) -> Option<Self> {
        // As the loader does: `$ORIGIN` is where the file really lies.
        let real = file.canonicalize().ok()?;
        let origin = real.parent()?.to_str()?.to_owned();
        let mut elf = ElfStream::<AnyEndian, _>::open_stream(File::open(&real).ok()?).ok()?;
        let entries: Vec<(i64, u64)> =
            elf.dynamic().ok()??.iter().map(|entry| (entry.d_tag, entry.d_val())).collect();
        let (_, names) = elf.dynamic_symbol_table().ok()??;
        let texts = |wanted: i64| {
            let offsets = entries.iter().filter(move |(tag, _)| *tag == wanted).map(|(_, offset)| *offset);
            offsets.filter_map(|offset| names.get(usize::try_from(offset).ok()?).ok().map(str::to_owned))
        };
        let paths = texts(abi::DT_RUNPATH).chain(texts(abi::DT_RPATH));
        let folders = paths
            .flat_map(|path| path.split(':').map(str::to_owned).collect::<Vec<_>>())
            .map(|folder| folder.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin).into())
            .collect();
        Some(Self { libraries: texts(abi::DT_NEEDED).collect(), folders })
    }
}

enum Found {
    InFolder(PathBuf),
    InSystem,
    Nowhere,
}

struct Loader {
    by_environment: Vec<PathBuf>,
    cached: BTreeSet<String>,
}

impl Loader {
    fn of_this_machine(env: &BTreeMap<String, String>) -> Option<Self> {
        let told = env.get("LD_LIBRARY_PATH").map(Into::into).or_else(|| std::env::var_os("LD_LIBRARY_PATH"));
        let by_environment = told.map(|paths| std::env::split_paths(&paths).collect()).unwrap_or_default();
        let loader = Self { by_environment, cached: read_cache().unwrap_or_default() };
        matches!(loader.find(SURELY_THERE, &[]), Found::InSystem | Found::InFolder(_)).then_some(loader)
    }

    fn find(&self, name: &str, folders: &[PathBuf]) -> Found {
        let own = folders.iter().chain(&self.by_environment).map(|folder| folder.join(name));
        if let Some(file) = own.into_iter().find(|file| file.is_file()) {
            return Found::InFolder(file);
        }
        let in_system = self.cached.contains(name)
            // The loader itself is named by its path.
            || name.contains('/') && Path::new(name).is_file()
            || SYSTEM_FOLDERS.iter().any(|folder| Path::new(folder).join(name).is_file());
        if in_system { Found::InSystem } else { Found::Nowhere }
    }
}

fn read_cache() -> Option<BTreeSet<String>> {
    let length = fs::metadata(CACHE).ok()?.len();
    (length <= CACHE_BYTES_MAX).then(|| fs::read(CACHE).ok()).flatten().and_then(|bytes| cached_names(&bytes))
}

/// glibc's cache: a header, entries of fixed length, then the texts that they point to, counted from the header's start.
fn cached_names(bytes: &[u8]) -> Option<BTreeSet<String>> {
    // An old format may stand before the newer one.
    let start = bytes.windows(CACHE_MAGIC.len()).position(|window| window == CACHE_MAGIC)?;
    let cache = &bytes[start..];
    let number = |at: usize| {
        let word: [u8; 4] = cache.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_ne_bytes(word)).ok()
    };
    let count = number(CACHE_MAGIC.len())?;
    let name = |entry: usize| {
        let text = cache.get(number(CACHE_HEADER_BYTES + entry * CACHE_ENTRY_BYTES + 4)?..)?;
        let end = text.iter().position(|byte| *byte == 0)?;
        std::str::from_utf8(&text[..end]).ok().map(str::to_owned)
    };
    (0..count.min(cache.len() / CACHE_ENTRY_BYTES)).map(name).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn this_program() -> PathBuf {
        std::env::current_exe().unwrap()
    }

    #[test]
    fn a_program_that_runs_lacks_nothing() {
        assert!(Needs::read(&this_program()).unwrap().libraries.contains(&SURELY_THERE.to_owned()));
        assert_eq!(missing(&this_program(), &BTreeMap::new()), Vec::<String>::new());
    }

    #[test]
    fn a_library_that_is_nowhere_is_named_also_when_a_library_needs_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("program");
        let renamed = |bytes: Vec<u8>, from: &[u8], to: &[u8]| {
            let mut bytes = bytes;
            let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
            bytes[at..at + to.len()].copy_from_slice(to);
            bytes
        };
        let program = fs::read(this_program()).unwrap();
        fs::write(&file, renamed(program.clone(), b"libgcc_s.so.1\0", b"libnone.so.77\0")).unwrap();
        assert_eq!(missing(&file, &BTreeMap::new()), ["libnone.so.77"]);

        // The program finds it beside itself by the environment; that one lacks another.
        fs::write(dir.path().join("libnone.so.77"), renamed(program, b"libgcc_s.so.1\0", b"libnope.so.78\0"))
            .unwrap();
        let env = BTreeMap::from([("LD_LIBRARY_PATH".to_owned(), dir.path().display().to_string())]);
        assert_eq!(missing(&file, &env), ["libnope.so.78"]);
    }

    #[test]
    fn what_is_no_program_lacks_nothing() {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in
            [("script", &b"#!/bin/sh\n"[..]), ("empty", b""), ("torn", b"\x7fELF\x02\x01\x01")]
        {
            fs::write(dir.path().join(name), content).unwrap();
            assert!(missing(&dir.path().join(name), &BTreeMap::new()).is_empty(), "{name}");
        }
        assert!(missing(dir.path(), &BTreeMap::new()).is_empty());
    }

    proptest! {
        #[test]
        fn no_cache_is_too_strange_to_read(tail in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = cached_names(&[CACHE_MAGIC, &tail].concat());
        }
    }
}
