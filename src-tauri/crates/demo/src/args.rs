//! The command line, as lenient as OpenSpace's own: unknown flags are for SGCT there, and ignored here.

use std::path::PathBuf;

use crate::dialect::Dialect;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Help,
    /// Writes the build folder whose `bin/OpenSpace` is this program.
    Install {
        dir: PathBuf,
        dialect: Dialect,
    },
    Run(Options),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// `--file`: the configuration; else it is looked for upward from the program's folder.
    pub file: Option<PathBuf>,
    /// `--config`: the window file; path tokens are allowed.
    pub window: Option<String>,
    pub profile: Option<String>,
    pub addons: Vec<String>,
    pub property_visibility: Option<String>,
    pub task: Option<String>,
    /// Overrides the generation that the configuration's layout asks for.
    pub dialect: Option<Dialect>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage(pub String);

pub const HELP: &str = "\
The demo renderer of OpenSpace WebRTC: it stands in for OpenSpace and takes its flags.

  -f, --file PATH              the openspace.cfg to use
  -c, --config PATH            the window configuration (JSON)
  -p, --profile NAME           the profile to start with
  -a, --addons \"A;B\"           profile addons (accepted, they change nothing here)
      --propertyVisibility V   NoviceUser, User, AdvancedUser or Developer
  -t, --task PATH              runs a task and ends (the demo has none to run)
  -b, --bypassLauncher         starts without the launcher (the demo has none)
  -h, --help                   prints this, when it is the only argument

      --install DIR [--legacy] writes a build folder of the demo into DIR and ends; --legacy: as OpenSpace 0.21 lays it out
      --fake-api legacy|new    speaks this generation of the API, whatever the configuration's layout says
";

/// Reads the arguments after the program's name.
///
/// # Errors
/// A flag that needs a value has none, or one that is not understood.
pub fn parse(args: &[String]) -> Result<Command, Usage> {
    if let [only] = args
        && matches!(only.as_str(), "-h" | "--help")
    {
        return Ok(Command::Help);
    }
    let mut options = Options::default();
    let mut install = None;
    let mut legacy = false;
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let (flag, glued) = match arg.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag, Some(value.to_owned())),
            _ => (arg.as_str(), None),
        };
        let mut value = || {
            glued
                .clone()
                .or_else(|| rest.next().cloned())
                .ok_or_else(|| Usage(format!("{flag} needs a value: run with --help to see all flags")))
        };
        match flag {
            "-f" | "--file" => options.file = Some(value()?.into()),
            "-c" | "--config" => options.window = Some(value()?),
            "-p" | "--profile" => options.profile = Some(value()?),
            "-a" | "--addons" => options.addons = list(&value()?),
            "--propertyVisibility" => options.property_visibility = Some(value()?),
            "-t" | "--task" => options.task = Some(value()?),
            "--fake-api" => options.dialect = Some(dialect(&value()?)?),
            "--install" => install = Some(PathBuf::from(value()?)),
            "--legacy" => legacy = true,
            // --bypassLauncher changes nothing here, and everything else is SGCT's.
            _ => {}
        }
    }
    Ok(match install {
        Some(dir) => Command::Install { dir, dialect: if legacy { Dialect::Legacy } else { Dialect::New } },
        None => Command::Run(options),
    })
}

fn list(text: &str) -> Vec<String> {
    text.split(';').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect()
}

fn dialect(text: &str) -> Result<Dialect, Usage> {
    Dialect::from_name(text).ok_or_else(|| Usage(format!("--fake-api takes `legacy` or `new`, not `{text}`")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn run(args: &[&str]) -> Options {
        match parse(&args.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()).unwrap() {
            Command::Run(options) => options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn short_and_long_flags_mean_the_same() {
        let long = run(&["--file", "a.cfg", "--config", "w.json", "--profile", "x/y", "--bypassLauncher"]);
        assert_eq!(long, run(&["-f", "a.cfg", "-c", "w.json", "-p", "x/y", "-b"]));
        assert_eq!(long, run(&["--file=a.cfg", "--config=w.json", "--profile=x/y"]));
    }

    #[test]
    fn flags_of_sgct_are_ignored() {
        let options = run(&["--local", "0", "--firm-sync", "--wait-timeout", "900", "-p", "default"]);
        assert_eq!(options.profile.as_deref(), Some("default"));
    }

    #[test]
    fn help_counts_only_alone() {
        assert_eq!(parse(&["--help".to_owned()]), Ok(Command::Help));
        assert_eq!(run(&["-p", "a", "--help"]).profile.as_deref(), Some("a"));
    }

    #[test]
    fn a_flag_without_its_value_is_said() {
        let Err(Usage(sentence)) = parse(&["--profile".to_owned()]) else { panic!("accepted") };
        assert!(sentence.contains("--profile"));
    }

    #[test]
    fn install_knows_both_layouts() {
        let args = ["--install", "/tmp/x", "--legacy"].map(str::to_owned);
        assert_eq!(parse(&args), Ok(Command::Install { dir: "/tmp/x".into(), dialect: Dialect::Legacy }));
    }
}
