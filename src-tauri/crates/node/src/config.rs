//! One TOML file, a comment above each key, shipped as the default. File < `--set`. Unknown keys are an error that names the nearest known one.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use model::{Bitrate, FrameRate, Size};
use serde::Deserialize;
use toml::{Table, Value};

use crate::life::span::Limits;

/// The environment's word for `registry.url`.
pub const REGISTRY_URL: &str = "OPENSPACE_WEBRTC_REGISTRY_URL";

/// A year: what is meant to be longer is meant to be never.
const LIFE_S_MAX: u64 = 366 * 24 * 3600;
const EXTENSIONS_MAX: u32 = 1000;

/// Every key with its default and its comment.
pub const DEFAULT: &str = include_str!("default.toml");

#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    pub server: Server,
    pub http: Http,
    pub https: Https,
    pub media: Media,
    pub supervisor: SupervisorDoor,
    pub registry: Registry,
    pub relay: RelayDoor,
    pub instances: Instances,
    pub queue: Queue,
    pub sessions: Sessions,
    pub life: Life,
    pub builds: BuildsKept,
    pub standby: Standby,
    pub stream: Stream,
    pub gate: Gate,
    pub audit: AuditLog,
    pub graphics: Graphics,
    pub telemetry: Telemetry,
    pub log: Log,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Server {
    pub name: String,
    pub region: String,
    pub metadata: String,
}

impl Server {
    /// As people know this machine.
    pub fn name(&self) -> String {
        if self.name.is_empty() { telemetry::host_name() } else { self.name.clone() }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct Http {
    pub bind: IpAddr,
    pub port: u16,
    pub open_health: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Https {
    pub enabled: bool,
    pub bind: IpAddr,
    pub port: u16,
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub names: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Media {
    pub port: u16,
    pub addresses: Vec<IpAddr>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct SupervisorDoor {
    pub port: u16,
}

#[derive(Clone, Debug, Deserialize)]
pub struct RelayDoor {
    pub bind: IpAddr,
    pub port: u16,
    #[serde(rename = "continue")]
    pub goes_on: GoesOn,
}

/// Whether an instance goes on elsewhere when its machine is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoesOn {
    Ask,
    Auto,
    Never,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Registry {
    pub url: RegistryUrl,
    pub address: String,
}

/// Where machines meet; `None`: this one stands alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct RegistryUrl(pub Option<registry::Address>);

impl TryFrom<String> for RegistryUrl {
    type Error = registry::Trouble;

    fn try_from(url: String) -> Result<Self, Self::Error> {
        if url.is_empty() { Ok(Self(None)) } else { url.parse().map(Some).map(Self) }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct Instances {
    pub slots: u32,
    pub per_session: u32,
    pub width: u32,
    pub height: u32,
    pub fps: u32,
    pub on_exit: OnExit,
    pub load_timeout_s: u64,
    pub stop_grace_s: u64,
    pub attempts: u32,
    pub log_mb: u64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Queue {
    pub hold_s: u64,
    pub per_session: u32,
    pub longest: u32,
}

impl Queue {
    pub fn rules(self) -> cluster::line::Rules {
        cluster::line::Rules {
            hold: Duration::from_secs(self.hold_s.max(1)),
            per_session: self.per_session,
            longest: self.longest,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnExit {
    Stop,
    Leave,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Sessions {
    pub scene_days: u32,
    pub scenes: u32,
    pub forget_after_days: u32,
}

/// 0 is never.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Life {
    pub unwatched_s: u64,
    pub unmoved_s: u64,
    pub longest_s: u64,
    pub extension_s: u64,
    pub extensions: u32,
    pub warning_s: u64,
}

impl Life {
    pub fn limits(self) -> Limits {
        let seconds = |limit: u64| (limit > 0).then_some(Duration::from_secs(limit));
        Limits {
            unwatched: seconds(self.unwatched_s),
            unmoved: seconds(self.unmoved_s),
            longest: seconds(self.longest_s),
            warning: Duration::from_secs(self.warning_s),
            extension: Duration::from_secs(self.extension_s),
            extensions: self.extensions,
        }
    }

    fn check(self) -> Result<()> {
        if self.warning_s == 0 {
            bail!("life.warning_s must be 1 or more: nobody's instance ends without a word");
        }
        for (key, limit) in
            [("unwatched_s", self.unwatched_s), ("unmoved_s", self.unmoved_s), ("longest_s", self.longest_s)]
        {
            if limit > LIFE_S_MAX {
                bail!("life.{key} must be {LIFE_S_MAX} (a year) at most; 0 is never");
            }
            if limit > 0 && limit <= self.warning_s {
                bail!("life.{key} must be longer than life.warning_s, or 0 for never");
            }
        }
        if self.longest_s > 0 && self.extensions > 0 && self.extension_s <= self.warning_s {
            bail!("life.extension_s must be longer than life.warning_s, or life.extensions 0");
        }
        if self.extension_s > LIFE_S_MAX || self.extensions > EXTENSIONS_MAX {
            bail!("life.extension_s must be {LIFE_S_MAX} at most, and life.extensions {EXTENSIONS_MAX}");
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub struct BuildsKept {
    pub fetch_when_added: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Standby {
    pub count: u32,
    pub memory_mb: u32,
    pub gpu_memory_mb: u32,
    pub idle_cores: f32,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Stream {
    pub width_max: u32,
    pub height_max: u32,
    pub bitrate_kbps: u32,
    pub bitrate_min_kbps: u32,
    pub bitrate_max_kbps: u32,
    pub encoders: Vec<String>,
    pub encoder_sessions: u32,
    pub linger_s: u64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub struct AuditLog {
    pub days: u32,
    pub entries: u64,
}

impl AuditLog {
    pub fn kept(self) -> crate::audit::Kept {
        crate::audit::Kept { days: self.days, entries: self.entries.max(1) }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct Gate {
    pub raw_lua: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GraphicsMode {
    Auto,
    Hardware,
    Software,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Graphics {
    pub mode: GraphicsMode,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Telemetry {
    pub nvml_library: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Log {
    pub level: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Text,
    Json,
}

impl Config {
    /// The default, changed by `file` where there is one, by the environment, by `sets` (`http.port=0`).
    pub fn load(file: Option<&Path>, sets: &[String]) -> Result<Self> {
        Self::from_table(Self::table(file, sets)?)
    }

    /// The same as text, for `config`. Keys and tokens live in files of their own; the registry's password is left out.
    pub fn effective(file: Option<&Path>, sets: &[String]) -> Result<String> {
        let mut table = Self::table(file, sets)?;
        let config = Self::from_table(table.clone())?;
        if let (Some(address), Some(Value::Table(section))) =
            (config.registry.url.0, table.get_mut("registry"))
        {
            section.insert("url".to_owned(), Value::String(address.to_string()));
        }
        toml::to_string_pretty(&table).context("writing the configuration as text")
    }

    fn table(file: Option<&Path>, sets: &[String]) -> Result<Table> {
        let mut table: Table = DEFAULT.parse().expect("the default is parsed by a test");
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("the configuration file {} cannot be read", path.display()))?;
            let changes: Table =
                text.parse().with_context(|| format!("{} is not valid TOML", path.display()))?;
            overlay(&mut table, changes, "").with_context(|| format!("in {}", path.display()))?;
        }
        // A command line can be read by everybody on the machine, and this holds a password.
        if let Ok(url) = std::env::var(REGISTRY_URL) {
            let registry = Table::from_iter([("url".to_owned(), Value::String(url))]);
            table_of(&mut table, "registry").extend(registry);
        }
        for set in sets {
            overlay(&mut table, parse_set(set)?, "").with_context(|| format!("in `--set {}`", shown(set)))?;
        }
        Ok(table)
    }

    fn from_table(table: Table) -> Result<Self> {
        let config: Self = table.try_into().context("the configuration has a value of a wrong kind")?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        let stream = &self.stream;
        if !(stream.bitrate_min_kbps <= stream.bitrate_kbps && stream.bitrate_kbps <= stream.bitrate_max_kbps)
        {
            bail!("stream.bitrate_kbps must lie between stream.bitrate_min_kbps and stream.bitrate_max_kbps");
        }
        if self.https.certificate.as_os_str().is_empty() != self.https.key.as_os_str().is_empty() {
            bail!("https.certificate and https.key go together: set both, or neither");
        }
        if !(1..=120).contains(&self.instances.fps) {
            bail!("instances.fps must lie between 1 and 120");
        }
        self.life.check()?;
        let metadata = &self.server.metadata;
        if !(metadata.is_empty() || metadata.starts_with("http://")) {
            bail!("server.metadata begins with http://, or is empty so that no cloud is asked");
        }
        if self.instances.attempts == 0 {
            bail!("instances.attempts must be 1 or more");
        }
        Ok(())
    }

    pub fn size(&self) -> Size {
        Size::new(self.instances.width, self.instances.height).clamped()
    }

    pub fn size_max(&self) -> Size {
        Size::new(self.stream.width_max, self.stream.height_max).clamped()
    }

    pub fn fps(&self) -> FrameRate {
        FrameRate(self.instances.fps)
    }

    pub fn bitrates(&self) -> crate::ladder::Limits {
        crate::ladder::Limits {
            start: Bitrate::kbps(self.stream.bitrate_kbps),
            min: Bitrate::kbps(self.stream.bitrate_min_kbps),
            max: Bitrate::kbps(self.stream.bitrate_max_kbps),
        }
    }

    pub fn policy(&self) -> supervisor::Policy {
        supervisor::Policy {
            load_timeout: Duration::from_secs(self.instances.load_timeout_s),
            stop_grace: Duration::from_secs(self.instances.stop_grace_s),
            backoff_first: Duration::from_millis(250),
            backoff_max: Duration::from_secs(30),
            attempts_max: self.instances.attempts,
            attempts_window: Duration::from_secs(600),
            log_bytes_max: self.instances.log_mb.max(1) * 1024 * 1024,
        }
    }
}

/// `None` for the empty path that stands for "not set".
pub fn set_path(path: &Path) -> Option<PathBuf> {
    (!path.as_os_str().is_empty()).then(|| path.to_owned())
}

/// What may hold a password is not repeated.
fn shown(set: &str) -> &str {
    if set.contains("://") { set.split('=').next().unwrap_or_default() } else { set }
}

fn table_of<'a>(table: &'a mut Table, section: &str) -> &'a mut Table {
    match table.get_mut(section) {
        Some(Value::Table(section)) => section,
        _ => unreachable!("the default has this section, and no overlay changes what kind it is"),
    }
}

fn parse_set(set: &str) -> Result<Table> {
    let (key, value) = set
        .split_once('=')
        .with_context(|| format!("`--set {set}` has no `=`: write key=value, such as http.port=0"))?;
    let value = format!("v = {value}")
        .parse::<Table>()
        .ok()
        .and_then(|mut table| table.remove("v"))
        .unwrap_or_else(|| Value::String(value.to_owned()));
    let mut parts = key.trim().rsplit('.');
    let last = parts.next().unwrap_or_default().to_owned();
    let innermost = Table::from_iter([(last, value)]);
    Ok(parts.fold(innermost, |inner, part| Table::from_iter([(part.to_owned(), Value::Table(inner))])))
}

fn overlay(base: &mut Table, changes: Table, path: &str) -> Result<()> {
    for (key, change) in changes {
        let full = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let Some(known) = base.get_mut(&key) else { bail!(unknown(&full, &key, base)) };
        match (known, change) {
            (Value::Table(inner), Value::Table(change)) => overlay(inner, change, &full)?,
            (Value::Table(_), _) => bail!("`{full}` is a section: write `[{full}]`"),
            (known, change) if known.same_type(&change) => *known = change,
            (known, change) => bail!("`{full}` must be a {}, not a {}", known.type_str(), change.type_str()),
        }
    }
    Ok(())
}

fn unknown(full: &str, key: &str, known: &Table) -> String {
    let nearest = known.keys().max_by(|a, b| strsim::jaro(a, key).total_cmp(&strsim::jaro(b, key)));
    match nearest {
        Some(nearest) if strsim::jaro(nearest, key) > 0.6 => {
            format!("`{full}` is not a known key. Did you mean `{nearest}`?")
        }
        _ => format!(
            "`{full}` is not a known key. Known here: {}",
            known.keys().cloned().collect::<Vec<_>>().join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn error(sets: &[&str]) -> String {
        let sets: Vec<_> = sets.iter().map(|s| (*s).to_owned()).collect();
        format!("{:#}", Config::load(None, &sets).unwrap_err())
    }

    #[test]
    fn the_shipped_default_is_valid_and_every_key_has_a_comment() {
        Config::load(None, &[]).unwrap();
        let mut above = "";
        for line in DEFAULT.lines() {
            if line.contains(" = ") && !line.starts_with('#') {
                let continues = above.contains(" = ") || above.starts_with('[');
                assert!(above.starts_with('#') || continues, "`{line}` has no comment above");
            }
            above = line;
        }
    }

    #[test]
    fn sets_win_over_the_file_and_the_file_over_the_default() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("c.toml");
        std::fs::write(&file, "[http]\nport = 1\n[https]\nport = 2\n").unwrap();
        let config = Config::load(Some(&file), &["http.port=0".into(), "server.name=Dome".into()]).unwrap();
        assert_eq!((config.http.port, config.https.port), (0, 2));
        assert_eq!(config.server.name, "Dome");
    }

    #[test]
    fn the_effective_configuration_shows_the_registry_without_its_password() {
        let sets = ["registry.url=postgres://ann:hunter2@db.example.org/openspace".to_owned()];
        let text = Config::effective(None, &sets).unwrap();
        assert!(text.contains("postgres://ann@db.example.org:5432/openspace"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_misspelt_key_names_the_nearest() {
        assert!(error(&["http.prot=1"]).contains("Did you mean `port`"));
        assert!(error(&["htp.port=1"]).contains("Did you mean `http`"));
    }

    #[test]
    fn bad_values_say_what_is_wrong() {
        for (set, said) in [
            ("http.port=x", "must be a integer"),
            ("http=3", "is a section"),
            ("http.port", "has no `=`"),
            ("http.port=70000", "wrong kind"),
            ("instances.fps=0", "between 1 and 120"),
            ("instances.on_exit=maybe", "wrong kind"),
            ("https.key=/k", "go together"),
            ("server.metadata=file:///etc/passwd", "begins with http://"),
            ("stream.bitrate_kbps=1", "must lie between"),
            ("life.warning_s=0", "1 or more"),
            ("life.unmoved_s=60", "longer than life.warning_s"),
            ("life.longest_s=99999999999", "a year"),
            ("life.unwatched_s=-1", "wrong kind"),
            ("registry.url=mysql://ann:hunter2@db/x", "does not begin with postgres://"),
        ] {
            assert!(error(&[set]).contains(said), "{set}: {}", error(&[set]));
            assert!(!error(&[set]).contains("hunter2"), "{set}: {}", error(&[set]));
        }
    }
}
