//! Runs CMake step by step, follows what it prints, and ends it with all that it started.

use std::{
    collections::VecDeque,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
};

use protocol::admin::{SourceBuildView, SourceStep};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::AsyncReadExt,
    net::unix::pipe::Receiver,
    process::{Child, Command},
    select,
    sync::watch,
};
use tokio_util::sync::CancellationToken;

use super::{
    order::Order,
    words::{Lines, culprit, progress},
};

/// Lines that the panel shows.
const TAIL_LINES: usize = 60;
/// Lines that are looked through for the reason of a failure.
const CULPRIT_LINES: usize = 2_000;
/// Of a log on disk; a build that prints more goes on unrecorded.
const LOG_BYTES_MAX: usize = 64 << 20;
/// What is read at once.
const PIECE_BYTES: usize = 8 * 1024;
/// Streams come first: a build takes what they leave.
const NICE: [&str; 3] = ["nice", "-n", "10"];

#[derive(Debug)]
pub enum Why {
    Cancelled,
    Failed(String),
}

pub struct Job<'a> {
    pub order: &'a Order,
    /// Kept between builds, so that the next one compiles only what changed.
    pub work: PathBuf,
    pub prefix: PathBuf,
    pub publish: &'a watch::Sender<Option<SourceBuildView>>,
    pub cancel: &'a CancellationToken,
}

impl Job<'_> {
    pub async fn run(&self) -> Result<(), Why> {
        if crate::path::find("cmake").is_none() {
            return Err(Why::Failed(
                "CMake is not installed on this machine: `apt-get install cmake build-essential`.".to_owned(),
            ));
        }
        if !self.order.dir.join("CMakeLists.txt").is_file() {
            let dir = self.order.dir.display();
            return Err(Why::Failed(format!(
                "{dir} holds no CMakeLists.txt. Choose the folder of the sources."
            )));
        }
        std::fs::create_dir_all(&self.work).map_err(|error| unwritable(&self.work, &error))?;
        // CMake remembers options that are not given any more; what was compiled stays.
        drop(std::fs::remove_file(self.work.join("CMakeCache.txt")));
        let mut log = Log::open(&self.work.join("build.log"))?;
        let work = self.work.display().to_string();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).to_string();
        let steps = [
            (SourceStep::Configuring, self.order.configure(&self.work, &self.prefix)),
            (SourceStep::Building, vec!["--build".to_owned(), work.clone(), "--parallel".to_owned(), cores]),
            (SourceStep::Installing, vec!["--install".to_owned(), work]),
        ];
        for (step, args) in steps {
            self.tell(|view| (view.step, view.progress) = (step, None));
            self.step(step, &args, &mut log).await?;
        }
        Ok(())
    }

    async fn step(&self, step: SourceStep, args: &[String], log: &mut Log) -> Result<(), Why> {
        let mut group =
            Group::start(args).map_err(|error| Why::Failed(format!("CMake cannot be started: {error}.")))?;
        let (mut lines, mut piece) = (Lines::default(), vec![0; PIECE_BYTES]);
        let status = loop {
            select! {
                read = group.read(&mut piece) => match read {
                    1.. => lines.push(&piece[..read]).into_iter().for_each(|line| self.hear(line, log)),
                    0 => break group.ended().await,
                },
                () = self.cancel.cancelled() => return Err(Why::Cancelled),
            }
        };
        if let Some(line) = lines.rest() {
            self.hear(line, log);
        }
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => {
                let why = culprit(log.recent.make_contiguous()).unwrap_or_else(|| status.to_string());
                Err(Why::Failed(format!("{} came to nothing: {why}", name_of(step))))
            }
            Err(error) => Err(Why::Failed(format!("CMake was lost: {error}."))),
        }
    }

    fn hear(&self, line: String, log: &mut Log) {
        log.keep(&line);
        self.tell(|view| {
            if view.step == SourceStep::Building {
                view.progress = progress(&line).or(view.progress);
            }
            view.log_tail.push(line);
            if view.log_tail.len() > TAIL_LINES {
                view.log_tail.remove(0);
            }
        });
    }

    fn tell(&self, change: impl FnOnce(&mut SourceBuildView)) {
        self.publish.send_modify(|view| {
            if let Some(view) = view {
                change(view);
            }
        });
    }
}

const fn name_of(step: SourceStep) -> &'static str {
    match step {
        SourceStep::Configuring => "Configuring",
        SourceStep::Building => "Building",
        _ => "Installing",
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Why {
    Why::Failed(format!(
        "{} cannot be written: {error}. Make room there, or make it writable.",
        path.display()
    ))
}

struct Log {
    file: File,
    bytes: usize,
    recent: VecDeque<String>,
}

impl Log {
    fn open(path: &Path) -> Result<Self, Why> {
        let file = File::create(path).map_err(|error| unwritable(path, &error))?;
        Ok(Self { file, bytes: 0, recent: VecDeque::new() })
    }

    fn keep(&mut self, line: &str) {
        if self.bytes < LOG_BYTES_MAX {
            self.bytes += line.len() + 1;
            // A full disk shows itself in the build; its log is a comfort.
            let _ = writeln!(self.file, "{line}");
        }
        if self.recent.len() == CULPRIT_LINES {
            self.recent.pop_front();
        }
        self.recent.push_back(line.to_owned());
    }
}

/// CMake and all that it starts. Dropping it ends them all.
struct Group {
    child: Child,
    output: Receiver,
    leader: Option<Pid>,
}

impl Group {
    fn start(args: &[String]) -> std::io::Result<Self> {
        let mut command = Command::new(NICE[0]);
        command.args(&NICE[1..]).arg("cmake").args(args).process_group(0);
        // One pipe for both streams, as in a terminal: what is an error comes before what follows from it.
        let (output, input) = std::io::pipe()?;
        // Colours and cursors are for terminals.
        command
            .env("TERM", "dumb")
            .env_remove("CLICOLOR_FORCE")
            .stdin(Stdio::null())
            .stdout(input.try_clone()?)
            .stderr(input);
        let child = command.spawn()?;
        let leader = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Ok(Self { child, output: Receiver::from_owned_fd(output.into())?, leader })
    }

    /// Collects the leader, whose number may be another's from then on.
    async fn ended(&mut self) -> std::io::Result<std::process::ExitStatus> {
        let status = self.child.wait().await;
        self.leader = None;
        status
    }

    /// The next piece of what is printed; empty once nobody is left to print.
    async fn read(&mut self, piece: &mut [u8]) -> usize {
        self.output.read(piece).await.unwrap_or(0)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It fails where all have ended.
        if let Some(leader) = self.leader {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}
