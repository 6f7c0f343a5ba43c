//! `openspace.cfg`: found and run as OpenSpace does it, in a real Lua with all of its libraries.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use mlua::{Lua, Table};

use crate::{
    dialect::Dialect,
    log::{Level, Log},
    paths::Tokens,
};

const FILE_NAME: &str = "openspace.cfg";

/// What the configuration says that matters to the demo.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder of the configuration found upward from the program: `settings.json` lives there.
    pub home: PathBuf,
    pub bin: PathBuf,
    pub tokens: Tokens,
    pub dialect: Dialect,
    pub interfaces: Vec<Interface>,
    pub profile: Option<String>,
    pub window: Option<String>,
    pub property_visibility: Option<String>,
    pub log_level: Level,
    pub log_file: Option<String>,
    pub script_log: Option<String>,
    /// Seconds between `toggleShutdown` and the end.
    pub shutdown_countdown_s: f64,
    /// Takes `io`, `os`, `package` and `require` from the scripts (never from the configuration itself).
    pub sandboxed: bool,
}

/// One API socket.
#[derive(Clone, Debug, PartialEq)]
pub struct Interface {
    pub identifier: String,
    pub kind: InterfaceKind,
    pub port: u16,
    pub access: Access,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterfaceKind {
    /// One JSON document per line.
    Tcp,
    /// One JSON document per text message.
    WebSocket,
}

/// Who may speak on an interface; addresses are compared as text, exactly.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Access {
    pub by_default: Option<String>,
    pub allow: Vec<String>,
    pub deny: Vec<String>,
    pub password_from: Vec<String>,
    pub password: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    Free,
    WithPassword,
    Refused,
}

impl Access {
    pub fn admit(&self, address: &str) -> Admission {
        let lists = |list: &[String]| list.iter().any(|entry| entry == address);
        if lists(&self.deny) {
            Admission::Refused
        } else if lists(&self.allow) {
            Admission::Free
        } else if lists(&self.password_from) || self.by_default.as_deref() == Some("RequirePassword") {
            Admission::WithPassword
        } else if self.by_default.as_deref() == Some("Allow") {
            Admission::Free
        } else {
            Admission::Refused
        }
    }
}

#[derive(Debug)]
pub enum ConfigError {
    NotFound { looked_from: PathBuf },
    Missing(PathBuf),
    Lua { file: PathBuf, error: mlua::Error },
    NoServer(PathBuf),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { looked_from } => write!(
                f,
                "Could not find configuration '{FILE_NAME}' in '{}' or any folder above it",
                looked_from.display()
            ),
            Self::Missing(file) => write!(f, "Could not find configuration '{}'", file.display()),
            Self::Lua { file, error } => {
                write!(f, "Error loading configuration '{}': {error}", file.display())
            }
            Self::NoServer(file) => write!(
                f,
                "The configuration '{}' has neither a table 'Server' (0.22 and later) nor 'ModuleConfigurations.Server'",
                file.display()
            ),
        }
    }
}

/// The folder that OpenSpace calls `${BIN}`: decided by the path that the program was started by, not by where the file really is.
pub fn bin_dir(working_dir: &Path, program: &str) -> PathBuf {
    match Path::new(program).parent() {
        // Through its parts, so that `./OpenSpace` leaves no dot behind.
        Some(parent) => working_dir.join(parent).components().collect(),
        None => working_dir.to_owned(),
    }
}

/// Finds and runs the configuration.
///
/// # Errors
/// There is none, or it does not run, or it opens no API.
pub fn load(bin: &Path, file: Option<&Path>, log: &Log) -> Result<Config, ConfigError> {
    let found = find_upward(bin);
    let file = match (file, &found) {
        (Some(file), _) => file.to_owned(),
        (None, Some(found)) => found.clone(),
        (None, None) => return Err(ConfigError::NotFound { looked_from: bin.to_owned() }),
    };
    if !file.is_file() {
        return Err(ConfigError::Missing(file));
    }
    log.info("main", format!("Configuration Path '{}'", file.display()));
    log.debug("main", "Loading configuration from disk");
    let home = found.as_deref().unwrap_or(&file).parent().map(Path::to_owned).unwrap_or_default();
    let lua = Lua::new();
    run(&lua, &file, &home)?;
    read(&lua.globals(), &file, home, bin)
}

fn find_upward(bin: &Path) -> Option<PathBuf> {
    bin.ancestors().map(|dir| dir.join(FILE_NAME)).find(|file| file.is_file())
}

fn run(lua: &Lua, file: &Path, home: &Path) -> Result<(), ConfigError> {
    let run_file = |file: &Path| {
        let text = std::fs::read(file).map_err(mlua::Error::external);
        text.and_then(|text| lua.load(text).set_name(format!("@{}", file.display())).exec())
            .map_err(|error| ConfigError::Lua { file: file.to_owned(), error })
    };
    // Up to 0.21 this file defines `sgct`, which the configuration uses; later versions have none.
    let helper = home.join("scripts/configuration_helper.lua");
    if helper.is_file() {
        run_file(&helper)?;
    }
    run_file(file)?;
    let mut overrides = file.as_os_str().to_owned();
    overrides.push(".override");
    let overrides = PathBuf::from(overrides);
    if overrides.is_file() {
        run_file(&overrides)?;
    }
    Ok(())
}

fn read(globals: &Table, file: &Path, home: PathBuf, bin: &Path) -> Result<Config, ConfigError> {
    let modules = table(globals, "ModuleConfigurations");
    let module_server = modules.as_ref().and_then(|modules| table(modules, "Server"));
    let (dialect, server) = match (table(globals, "Server"), module_server) {
        (Some(server), _) => (Dialect::New, server),
        (None, Some(server)) => (Dialect::Legacy, server),
        (None, None) => return Err(ConfigError::NoServer(file.to_owned())),
    };
    let logging = table(globals, "Logging");
    let of_logging = |key: &str| logging.as_ref().and_then(|logging| text(logging, key));
    let log_file = logging
        .as_ref()
        .and_then(|logging| table(logging, "Logs"))
        .and_then(|logs| logs.sequence_values::<Table>().flatten().find_map(|entry| text(&entry, "File")));
    Ok(Config {
        tokens: tokens(globals, &home, bin),
        dialect,
        interfaces: interfaces(&server),
        profile: text(globals, "Profile"),
        window: text(globals, "SGCTConfig"),
        property_visibility: text(globals, "PropertyVisibility"),
        log_level: of_logging("LogLevel").and_then(|level| Level::from_name(&level)).unwrap_or(Level::Info),
        log_file: log_file
            .map(|file| format!("{}/{file}", of_logging("LogDir").unwrap_or_else(|| "${LOGS}".into()))),
        script_log: text(globals, "ScriptLog"),
        shutdown_countdown_s: number(globals, "ShutdownCountdown").filter(|s| *s > 0.0).unwrap_or(3.0),
        sandboxed: globals.get::<Option<bool>>("SandboxedLua").ok().flatten().unwrap_or(true),
        home,
        bin: bin.to_owned(),
    })
}

fn tokens(globals: &Table, home: &Path, bin: &Path) -> Tokens {
    let mut tokens = Tokens::default();
    tokens.set("BIN", bin.display().to_string());
    tokens.set("BASE", home.display().to_string());
    for (name, path) in [
        ("DATA", "${BASE}/data"),
        ("PROFILES", "${DATA}/profiles"),
        ("CONFIG", "${BASE}/config"),
        ("USER", "${BASE}/user"),
        ("USER_PROFILES", "${USER}/data/profiles"),
        ("LOGS", "${BASE}/logs"),
        ("RECORDINGS", "${USER}/recordings"),
        ("SCREENSHOTS", "${USER}/screenshots"),
    ] {
        tokens.set(name, path);
    }
    if let Some(paths) = table(globals, "Paths") {
        for (name, path) in paths.pairs::<String, String>().flatten() {
            tokens.set(&name, path);
        }
    }
    tokens
}

fn interfaces(server: &Table) -> Vec<Interface> {
    // Up to 0.20 and in the streaming fork the addresses stand beside the interfaces, for all of them.
    let shared = strings(server, "AllowAddresses");
    let Some(list) = table(server, "Interfaces") else { return Vec::new() };
    list.sequence_values::<Table>().flatten().filter_map(|entry| interface(&entry, &shared)).collect()
}

fn interface(entry: &Table, shared: &[String]) -> Option<Interface> {
    if !entry.get::<Option<bool>>("Enabled").ok().flatten().unwrap_or(true) {
        return None;
    }
    let kind = match text(entry, "Type")?.as_str() {
        "TcpSocket" => InterfaceKind::Tcp,
        "WebSocket" => InterfaceKind::WebSocket,
        _ => return None,
    };
    let port = number(entry, "Port").filter(|port| (0.0..=65535.0).contains(port))? as u16;
    let mut allow = strings(entry, "AllowAddresses");
    allow.extend_from_slice(shared);
    Some(Interface {
        identifier: text(entry, "Identifier").unwrap_or_default(),
        kind,
        port,
        access: Access {
            by_default: text(entry, "DefaultAccess"),
            allow,
            deny: strings(entry, "DenyAddresses"),
            password_from: strings(entry, "RequirePasswordAddresses"),
            password: text(entry, "Password").unwrap_or_default(),
        },
    })
}

fn table(of: &Table, key: &str) -> Option<Table> {
    of.get(key).ok().flatten()
}

fn text(of: &Table, key: &str) -> Option<String> {
    of.get::<Option<String>>(key).ok().flatten()
}

fn number(of: &Table, key: &str) -> Option<f64> {
    of.get::<Option<f64>>(key).ok().flatten().filter(|n| n.is_finite())
}

fn strings(of: &Table, key: &str) -> Vec<String> {
    table(of, key).map(|list| list.sequence_values().flatten().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn load_text(cfg: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("bin")).unwrap();
        std::fs::write(dir.path().join(FILE_NAME), cfg).unwrap();
        load(&dir.path().join("bin"), None, &Log::silent())
    }

    const SOCKET: &str =
        "{ Type = 'WebSocket', Port = 46823, DefaultAccess = 'Deny', AllowAddresses = {'127.0.0.1'} }";

    #[test]
    fn the_layout_decides_the_dialect() {
        let new = load_text(&format!("Server = {{ Interfaces = {{ {SOCKET} }} }}")).unwrap();
        assert_eq!((new.dialect, new.interfaces[0].port), (Dialect::New, 46823));
        let legacy =
            load_text(&format!("ModuleConfigurations = {{ Server = {{ Interfaces = {{ {SOCKET} }} }} }}"))
                .unwrap();
        assert_eq!((legacy.dialect, legacy.interfaces[0].port), (Dialect::Legacy, 46823));
        assert!(matches!(load_text("Profile = 'default'"), Err(ConfigError::NoServer(_))));
    }

    #[test]
    fn a_disabled_interface_is_not_opened() {
        let config =
            load_text("Server = { Interfaces = { { Type = 'TcpSocket', Port = 4681, Enabled = false } } }")
                .unwrap();
        assert!(config.interfaces.is_empty());
    }

    #[test]
    fn a_mistake_in_the_file_is_told_with_its_line() {
        let error = load_text("Server = {\n oops oops\n}").unwrap_err().to_string();
        assert!(error.contains("openspace.cfg:2"), "{error}");
    }

    #[test]
    fn access_is_decided_as_openspace_decides_it() {
        let access = Access {
            by_default: Some("Deny".into()),
            allow: vec!["127.0.0.1".into(), "localhost".into()],
            deny: vec!["10.0.0.9".into()],
            password_from: vec!["10.0.0.7".into()],
            password: "x".into(),
        };
        for (address, admission) in [
            ("127.0.0.1", Admission::Free),
            ("127.0.0.2", Admission::Refused),
            ("10.0.0.9", Admission::Refused),
            ("10.0.0.7", Admission::WithPassword),
        ] {
            assert_eq!(access.admit(address), admission, "{address}");
        }
    }

    #[test]
    fn both_shipped_configurations_load() {
        let shipped = load_text(include_str!("../build/openspace.cfg")).unwrap();
        assert_eq!((shipped.dialect, shipped.interfaces.len()), (Dialect::New, 2));
        let helper = include_str!("../build/legacy/scripts/configuration_helper.lua");
        let legacy =
            load_text(&format!("{helper}\n{}", include_str!("../build/legacy/openspace.cfg"))).unwrap();
        assert_eq!((legacy.dialect, legacy.interfaces.len()), (Dialect::Legacy, 2));
        assert_eq!(legacy.window.as_deref(), Some("${CONFIG}/single.json"));
    }
}
