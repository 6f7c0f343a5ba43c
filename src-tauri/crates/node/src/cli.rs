//! The command line, the same for the headless program and the desktop one.

mod builds;
mod door;
mod fleet;

use std::{
    collections::BTreeMap,
    io::IsTerminal,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use model::{InstanceId, Role};

use self::door::Door;
use crate::{
    Config,
    config::LogFormat,
    doctor::{self, Verdict},
    membership::Meeting,
    views,
};

/// Streams OpenSpace from this machine into browsers.
#[derive(Debug, Parser)]
#[command(name = "openspace-webrtc-node", version, about)]
pub struct Cli {
    #[command(flatten)]
    pub flags: Flags,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Clone, Debug, Args)]
pub struct Flags {
    /// A TOML file with what differs from the defaults; see `config`.
    #[arg(long, global = true, value_name = "FILE", env = "OPENSPACE_WEBRTC_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where this machine keeps its journal, certificate and instances.
    #[arg(long, global = true, value_name = "DIR", env = "OPENSPACE_WEBRTC_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// Sets one key, such as `http.port=0`; may be given several times.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serves until it is told to end; what happens without a command.
    Run,
    /// Says what works on this machine, what does not, and what to do.
    Doctor {
        #[arg(long)]
        json: bool,
    },
    /// What can be launched.
    #[command(subcommand)]
    Build(BuildCommand),
    /// Empties this machine: nothing new is started, and what runs goes on until it ends.
    Drain {
        /// Ends what still runs after so many minutes.
        #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=100_000))]
        within: Option<u32>,
    },
    /// Takes launches again.
    Undrain,
    /// Tokens for administrators' browsers.
    #[command(subcommand)]
    Token(TokenCommand),
    /// The database where machines meet.
    #[command(subcommand)]
    Registry(RegistryCommand),
    /// Machines that trust each other, and launch and show each other's instances.
    #[command(subcommand)]
    Fleet(fleet::FleetCommand),
    /// Prints a link to a running instance.
    Invite {
        instance: InstanceId,
        #[arg(long, value_enum)]
        role: InviteRole,
    },
    /// Prints the effective configuration.
    Config,
    /// Prints the description of the HTTP API.
    Openapi,
}

#[derive(Debug, Subcommand)]
pub enum BuildCommand {
    /// Registers an OpenSpace folder.
    Add {
        dir: PathBuf,
        #[arg(long = "env", value_name = "K=V")]
        env: Vec<String>,
        #[arg(long = "arg", value_name = "A", allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Registers any other X11 program.
    AddProgram {
        name: String,
        #[arg(long = "env", value_name = "K=V")]
        env: Vec<String>,
        #[arg(long, value_name = "DIR")]
        working_dir: Option<PathBuf>,
        #[arg(last = true, required = true, value_name = "COMMAND")]
        run: Vec<String>,
    },
    /// Configures, builds and installs a checkout, and registers what came of it. A node must run.
    FromSource {
        dir: PathBuf,
        /// An option for CMake; may be given several times.
        #[arg(long = "option", value_name = "K=V")]
        options: Vec<String>,
    },
    /// Downloads the data of a build now, so that no viewer waits for it. A node must run; it goes on without this command.
    Fetch {
        id: String,
        /// The default profile, where none is named.
        #[arg(long)]
        profile: Option<String>,
        /// Ends it instead; what has come by then stays.
        #[arg(long)]
        cancel: bool,
    },
    List {
        #[arg(long)]
        json: bool,
    },
    Remove {
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum RegistryCommand {
    /// Creates the tables, or adopts those of the old back end, and gives this machine its row; safe to repeat.
    Setup {
        /// Best by the environment, since everybody on the machine can read a command line; else the configuration's.
        #[arg(long, value_name = "postgres://…", env = crate::config::REGISTRY_URL, hide_env_values = true)]
        url: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Makes a token and prints it once.
    Create {
        #[arg(long, value_enum)]
        role: TokenRole,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum TokenRole {
    Admin,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum InviteRole {
    Watcher,
    Pilot,
    Presenter,
    Owner,
}

impl Flags {
    pub fn load(&self) -> Result<Config> {
        Config::load(self.config.as_deref(), &self.sets)
    }

    /// `$XDG_DATA_HOME/openspace-webrtc` or `~/.local/share/openspace-webrtc`, unless told otherwise.
    pub fn data_dir(&self) -> Result<PathBuf> {
        if let Some(dir) = &self.data_dir {
            return std::path::absolute(dir).with_context(|| format!("{} is not a path", dir.display()));
        }
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let base = if cfg!(windows) {
            set("LOCALAPPDATA")
        } else {
            set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local/share")))
        };
        Ok(base
            .context("there is no home folder: say where the data goes with --data-dir")?
            .join("openspace-webrtc"))
    }
}

/// Libraries that tell at INFO and WARN what nobody on the phone would: a viewer that cannot be reached is told fifty times a second.
const QUIET: &str = "rtc=error,refinery_core=warn";

/// Begins to log as the configuration says. Called once, by the program.
pub fn log(config: &Config) -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(format!("{QUIET},{}", config.log.level))
        .with_context(|| format!("log.level `{}` is not a level or a filter", config.log.level))?;
    let colour = std::io::stderr().is_terminal();
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colour);
    match config.log.format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}

/// Everything but [`Command::Run`].
pub async fn perform(command: Command, flags: &Flags) -> Result<()> {
    match command {
        Command::Run => Ok(()),
        Command::Doctor { json } => report(flags, json).await,
        Command::Build(command) => build(command, &Door::open(&flags.data_dir()?)?).await,
        Command::Drain { within } => {
            let within_s = within.map(|minutes| minutes * 60);
            let running = Door::open(&flags.data_dir()?)?.drain(within_s).await?;
            match running {
                0 => println!("nothing runs here, and nothing new is started"),
                1 => println!("nothing new is started; 1 instance still runs"),
                more => println!("nothing new is started; {more} instances still run"),
            }
            Ok(())
        }
        Command::Undrain => {
            Door::open(&flags.data_dir()?)?.undrain().await?;
            println!("this machine takes launches again");
            Ok(())
        }
        Command::Token(TokenCommand::Create { role: TokenRole::Admin }) => {
            let token = Door::open(&flags.data_dir()?)?.create_token().await?;
            println!("{token}");
            Ok(())
        }
        Command::Registry(RegistryCommand::Setup { url }) => set_up_registry(url, flags).await,
        Command::Fleet(command) => fleet::perform(command, flags).await,
        Command::Invite { instance, role } => {
            println!("{}", Door::open(&flags.data_dir()?)?.invite(instance, role.into()).await?);
            Ok(())
        }
        Command::Config => {
            print!("{}", Config::effective(flags.config.as_deref(), &flags.sets)?);
            Ok(())
        }
        Command::Openapi => {
            println!("{}", gateway::openapi());
            Ok(())
        }
    }
}

async fn set_up_registry(url: Option<String>, flags: &Flags) -> Result<()> {
    let (config, data_dir) = (flags.load()?, flags.data_dir()?);
    let address = match url.filter(|url| !url.is_empty()) {
        Some(url) => url.parse()?,
        None => {
            let (meeting, read) = Meeting::find(config.registry.url.0.clone(), &data_dir);
            read?;
            meeting
                .address
                .context("say which with --url postgres://…, set registry.url, or name it in the panel")?
        }
    };
    let row = Door::open(&data_dir)?.own_row(&config, &data_dir, &address).await?;
    println!("{}", views::registry_words(&registry::setup(&address, &row).await?));
    Ok(())
}

async fn build(command: BuildCommand, door: &Door) -> Result<()> {
    match command {
        BuildCommand::Add { dir, env, args } => {
            let dir = absolute(&dir)?;
            println!("added {}", door.add_openspace(&dir, pairs(&env)?, args).await?);
        }
        BuildCommand::AddProgram { name, env, working_dir, run } => {
            let working_dir = working_dir.as_deref().map(absolute).transpose()?;
            println!("added {}", door.add_program(&name, run, working_dir, pairs(&env)?).await?);
        }
        BuildCommand::FromSource { dir, options } => {
            let id = builds::from_source(door, &absolute(&dir)?, pairs(&options)?).await?;
            println!("added {id}");
        }
        BuildCommand::Fetch { id, profile, cancel: true } => {
            builds::cancel_fetch(door, id, profile).await?;
            println!("cancelled");
        }
        BuildCommand::Fetch { id, profile, cancel: false } => {
            println!("{}", builds::fetch(door, id, profile).await?);
        }
        BuildCommand::List { json } => {
            let builds = door.builds().await?;
            if json {
                println!("{}", serde_json::to_string_pretty(&builds::as_json(&builds)?)?);
            } else {
                builds.iter().for_each(builds::print);
            }
        }
        BuildCommand::Remove { id } => {
            door.remove_build(&id).await?;
            println!("removed {id}");
        }
    }
    Ok(())
}

async fn report(flags: &Flags, json: bool) -> Result<()> {
    let data_dir = flags.data_dir()?;
    let config = flags.load()?;
    let mut findings = doctor::examine(&config, &data_dir);
    findings.extend(doctor::registry(&config, &data_dir).await);
    // Without a data folder that can be used there is no list of builds; the finding about the folder says so.
    if let Ok(door) = Door::open(&data_dir) {
        findings.extend(doctor::builds(&door.builds().await?));
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        for finding in &findings {
            let mark = match finding.verdict {
                Verdict::Good => "✓",
                Verdict::Fair => "·",
                Verdict::Bad => "✗",
            };
            println!("{mark} {:<15} {}", finding.what, finding.says);
        }
    }
    let bad = findings.iter().filter(|finding| finding.verdict == Verdict::Bad).count();
    if bad > 0 { bail!("{bad} things keep this machine from streaming; see above") } else { Ok(()) }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("{} is not a path", path.display()))
}

fn pairs(env: &[String]) -> Result<BTreeMap<String, String>> {
    env.iter()
        .map(|pair| {
            let (key, value) = pair.split_once('=').with_context(|| format!("`{pair}` has no `=`"))?;
            Ok((key.to_owned(), value.to_owned()))
        })
        .collect()
}

impl From<InviteRole> for Role {
    fn from(role: InviteRole) -> Self {
        match role {
            InviteRole::Watcher => Self::Watcher,
            InviteRole::Pilot => Self::Pilot,
            InviteRole::Presenter => Self::Presenter,
            InviteRole::Owner => Self::Owner,
        }
    }
}
