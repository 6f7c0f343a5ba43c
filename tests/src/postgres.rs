//! A real Postgres of the test's own: a cluster in a temporary folder, on a free port of this machine, gone with the test.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use crate::free_port;

/// A start takes a third of a second.
const UP_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);
const ASK_EVERY: Duration = Duration::from_millis(50);
/// With characters that a URL must escape.
const PASSWORD: &str = "pass/word@1";
const PASSWORD_IN_URL: &str = "pass%2Fword%401";

/// The tables of the old back end, as its `sequelize.sync()` makes them.
pub const OLD_TABLES: &str = r#"
    CREATE TYPE "public"."enum_servers_status" AS ENUM('active', 'inactive');
    CREATE TABLE IF NOT EXISTS "servers" ("server_id" UUID NOT NULL , "region" VARCHAR(255), "ip_address" VARCHAR(255) NOT NULL,
        "port" INTEGER NOT NULL, "status" "public"."enum_servers_status" DEFAULT 'active', "available_instances" INTEGER NOT NULL DEFAULT 0,
        "num_instances" INTEGER DEFAULT 0, "ram" VARCHAR(255) NOT NULL, "graphics_card" VARCHAR(255), "storage" VARCHAR(255) NOT NULL,
        "created" TIMESTAMP WITH TIME ZONE NOT NULL, "modified" TIMESTAMP WITH TIME ZONE NOT NULL, PRIMARY KEY ("server_id"));
    CREATE TABLE IF NOT EXISTS "users" ("user_id" UUID NOT NULL , "user_name" VARCHAR(255), "screen_width" INTEGER, "screen_height" INTEGER,
        PRIMARY KEY ("user_id"));
    CREATE TYPE "public"."enum_instances_status" AS ENUM('IDLE', 'INITIALIZING', 'RUNNING', 'DEINITIALIZING', 'TERMINATED');
    CREATE TABLE IF NOT EXISTS "instances" ("instance_id" UUID NOT NULL , "session_id" UUID NOT NULL, "process_id" INTEGER NOT NULL,
        "server_id" UUID REFERENCES "servers" ("server_id") ON DELETE SET NULL ON UPDATE CASCADE,
        "status" "public"."enum_instances_status" DEFAULT 'IDLE', "created" TIMESTAMP WITH TIME ZONE NOT NULL,
        "modified" TIMESTAMP WITH TIME ZONE NOT NULL, PRIMARY KEY ("instance_id"));"#;

#[derive(Debug)]
pub struct Postgres {
    folder: TempDir,
    settings: Vec<String>,
    child: Option<Child>,
    pub port: u16,
}

impl Postgres {
    /// With one empty database, `openspace`. What is written may be lost with the machine: nobody wants it afterwards.
    pub fn start() -> Result<Self> {
        Self::start_with(&["fsync=off"])
    }

    /// `settings` such as `max_connections=300`.
    pub fn start_with(settings: &[&str]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("postgres").tempdir()?;
        give(folder.path())?;
        let secret = folder.path().join("secret");
        fs::write(&secret, PASSWORD)?;
        give(&secret)?;
        let data = folder.path().join("data");
        let made = program("initdb")?
            .args([
                "--auth=scram-sha-256",
                "--username=postgres",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ])
            .arg("--pwfile")
            .arg(&secret)
            .arg(&data)
            .output()
            .context("running initdb")?;
        if !made.status.success() {
            bail!("initdb: {}", String::from_utf8_lossy(&made.stderr));
        }
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut postgres = Self { folder, settings, child: None, port: free_port()? };
        // Somebody else may have taken it by the time that it is listened at.
        postgres.up().or_else(|_| {
            postgres.port = free_port()?;
            postgres.up()
        })?;
        postgres.sql("postgres", "CREATE DATABASE openspace")?;
        Ok(postgres)
    }

    /// Starts it again, with what was in it, on the same port.
    pub fn up(&mut self) -> Result<()> {
        let mut command = program("postgres")?;
        command.arg("-D").arg(self.data()).args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        command.arg("-k").arg(self.folder.path());
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        let log = fs::File::options().create(true).append(true).open(self.log_file())?;
        self.child = Some(command.stdout(log.try_clone()?).stderr(log).spawn().context("starting postgres")?);
        let deadline = Instant::now() + UP_WITHIN;
        while self.sql("postgres", "SELECT 1").is_err() {
            if self.child.as_mut().context("it was started")?.try_wait()?.is_some()
                || Instant::now() > deadline
            {
                bail!("postgres does not serve:\n{}", self.log());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Waits until what is asked of our database is answered so.
    pub async fn until(&self, sql: &str, wanted: &str) -> Result<()> {
        let deadline = Instant::now() + ANSWERED_WITHIN;
        loop {
            let found = self.sql("openspace", sql)?;
            if found == wanted {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("`{sql}` gives `{found}`, not `{wanted}`");
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// From the next start on.
    pub fn set(&mut self, setting: &str) {
        self.settings.push(setting.to_owned());
    }

    /// A file in its data folder that nobody else may read, such as the key of its certificate.
    pub fn keep_private(&self, name: &str, text: &str) -> Result<()> {
        let file = self.data().join(name);
        fs::write(&file, text)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
        give(&file)
    }

    /// Ends it as a power cut would; [`Self::up`] brings it back.
    pub fn down(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        kill_process(pid(&child)?, Signal::QUIT)?;
        child.wait()?;
        Ok(())
    }

    /// Stops it without ending it: connections stay open and nothing answers. [`Self::thaw`] lets it go on.
    pub fn freeze(&self) -> Result<()> {
        self.signal_all(Signal::STOP)
    }

    pub fn thaw(&self) -> Result<()> {
        self.signal_all(Signal::CONT)
    }

    fn signal_all(&self, signal: Signal) -> Result<()> {
        for pid in self.pids()? {
            // A back end may have ended meanwhile.
            let _ = kill_process(pid, signal);
        }
        Ok(())
    }

    /// The postmaster and its back ends: whose CPU time is counted, too.
    pub fn pids(&self) -> Result<Vec<Pid>> {
        let main = pid(self.child.as_ref().context("it runs")?)?;
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", main.as_raw_nonzero()))?;
        let children = children.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?));
        Ok(std::iter::once(main).chain(children).collect())
    }

    pub fn url(&self, database: &str) -> String {
        self.url_of("postgres", database)
    }

    /// For a role that the test has made with the same password.
    pub fn url_of(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}:{PASSWORD_IN_URL}@127.0.0.1:{}/{database}", self.port)
    }

    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs statements as a person at a terminal would; rows come back as lines, columns parted by `|`.
    pub fn sql(&self, database: &str, statements: &str) -> Result<String> {
        let output = program("psql")?
            .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres"])
            .args(["-p", &self.port.to_string(), "-d", database, "-c", statements])
            .env("PGPASSWORD", PASSWORD)
            .stdin(Stdio::null())
            .output()
            .context("running psql")?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// A terminal that stays open: for many statements, one after the other.
    pub fn console(&self, database: &str) -> Result<Console> {
        let mut child = program("psql")?
            .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres"])
            .args(["-p", &self.port.to_string(), "-d", database])
            .env("PGPASSWORD", PASSWORD)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("running psql")?;
        let says = BufReader::new(child.stdout.take().context("it was piped")?);
        let hears = child.stdin.take().context("it was piped")?;
        Ok(Console { child, hears, says })
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

#[derive(Debug)]
pub struct Console {
    child: Child,
    hears: ChildStdin,
    says: BufReader<ChildStdout>,
}

impl Console {
    pub fn sql(&mut self, statements: &str) -> Result<String> {
        const END: &str = "-- that was all";
        writeln!(self.hears, "{statements};\n\\echo {END}")?;
        let mut told = String::new();
        loop {
            let before = told.len();
            if self.says.read_line(&mut told)? == 0 {
                bail!("psql has ended over `{statements}`");
            }
            if told[before..].trim_end() == END {
                told.truncate(before);
                return Ok(told.trim_end().to_owned());
            }
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.thaw());
        drop(self.down());
    }
}

fn pid(child: &Child) -> Result<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("a process id is positive")
}

/// Postgres refuses to run as root: there, it runs as the user that its package has made, or as nobody.
fn program(name: &str) -> Result<Command> {
    let mut command = Command::new(find(name)?);
    // A folder that every user may be in.
    command.current_dir("/");
    if geteuid().is_root() {
        let (user, group) = servant();
        command.uid(user).gid(group);
    }
    Ok(command)
}

fn give(path: &Path) -> Result<()> {
    if geteuid().is_root() {
        let (user, group) = servant();
        chown(path, Some(user), Some(group))?;
    }
    Ok(())
}

fn servant() -> (u32, u32) {
    const NOBODY: (u32, u32) = (65_534, 65_534);
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let of = |line: &str| {
        let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    users.lines().find_map(of).unwrap_or(NOBODY)
}

/// Debian keeps the programs of each version in a folder of its own, out of `PATH`.
fn find(name: &str) -> Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin").join(name)))
        })
        .filter(|(_, file)| file.is_file())
        .collect();
    versions.sort();
    let in_path = || {
        std::env::split_paths(&std::env::var_os("PATH")?)
            .map(|dir| dir.join(name))
            .find(|file| file.is_file())
    };
    versions
        .pop()
        .map(|(_, file)| file)
        .or_else(in_path)
        .with_context(|| format!("there is no `{name}`: install postgresql"))
}
