//! The log as OpenSpace writes it: `(I) Category             message` with colours on standard output, errors on standard error too,
//! the same in `log.html`, and to clients that subscribed to the errors.

use std::{cell::RefCell, fs::File, io::Write as _, path::Path, rc::Rc};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warning,
    Error,
    Fatal,
}

impl Level {
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "All" | "Trace" => Self::Trace,
            "Debug" => Self::Debug,
            "Info" => Self::Info,
            "Warning" => Self::Warning,
            "Error" => Self::Error,
            "Fatal" => Self::Fatal,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "Trace",
            Self::Debug => "Debug",
            Self::Info => "Info",
            Self::Warning => "Warning",
            Self::Error => "Error",
            Self::Fatal => "Fatal",
        }
    }

    fn letter(self) -> char {
        self.name().chars().next().unwrap_or('?')
    }

    /// The ANSI colour of a line.
    fn colour(self) -> &'static str {
        match self {
            Self::Trace | Self::Debug => "\x1b[90m",
            Self::Info => "\x1b[37m",
            Self::Warning => "\x1b[93m",
            Self::Error => "\x1b[31m",
            Self::Fatal => "\x1b[34m",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Record {
    pub level: Level,
    pub category: String,
    pub message: String,
}

/// Records kept for the clients until the next frame; more than this in one frame are an accident, not news.
const PENDING_RECORDS: usize = 256;
/// Categories are padded to this width; a longer one is shortened in its middle.
const CATEGORY_WIDTH: usize = 20;

/// A handle: clones write to the same log. It lives on the render thread.
#[derive(Clone, Debug)]
pub struct Log(Rc<RefCell<Sinks>>);

#[derive(Debug)]
struct Sinks {
    level: Level,
    console: bool,
    html: Option<File>,
    scripts: Option<File>,
    pending: Vec<Record>,
}

impl Log {
    /// To the console only, until files are opened.
    pub fn console() -> Self {
        Self::with_console(true)
    }

    #[cfg(test)]
    pub fn silent() -> Self {
        Self::with_console(false)
    }

    fn with_console(console: bool) -> Self {
        Self(Rc::new(RefCell::new(Sinks {
            level: Level::Debug,
            console,
            html: None,
            scripts: None,
            pending: Vec::new(),
        })))
    }

    pub fn set_level(&self, level: Level) {
        self.0.borrow_mut().level = level;
    }

    /// Opens `log.html` and `ScriptLog.txt`, keeping the one before as `.1`. A file that cannot be written is said and left out.
    pub fn open_files(&self, html: Option<&Path>, scripts: Option<&Path>) {
        let html = self.open(html);
        let scripts = self.open(scripts);
        let mut sinks = self.0.borrow_mut();
        sinks.html = html;
        if let Some(file) = &mut sinks.html {
            let _ = file.write_all(HTML_HEAD.as_bytes());
        }
        sinks.scripts = scripts;
    }

    fn open(&self, path: Option<&Path>) -> Option<File> {
        let path = path?;
        open_rotated(path)
            .map_err(|error| {
                self.warning("Logging", format!("Could not open log file '{}': {error}", path.display()))
            })
            .ok()
    }

    pub fn debug(&self, category: &str, message: impl Into<String>) {
        self.write(Level::Debug, category, message.into());
    }
    pub fn info(&self, category: &str, message: impl Into<String>) {
        self.write(Level::Info, category, message.into());
    }
    pub fn warning(&self, category: &str, message: impl Into<String>) {
        self.write(Level::Warning, category, message.into());
    }
    pub fn error(&self, category: &str, message: impl Into<String>) {
        self.write(Level::Error, category, message.into());
    }
    pub fn fatal(&self, category: &str, message: impl Into<String>) {
        self.write(Level::Fatal, category, message.into());
    }

    pub fn script(&self, text: &str) {
        if let Some(file) = &mut self.0.borrow_mut().scripts {
            let _ = writeln!(file, "{text}");
        }
    }

    /// How much was logged since the last [`Log::take`].
    pub fn pending(&self) -> usize {
        self.0.borrow().pending.len()
    }

    /// What was logged since the last call.
    pub fn take(&self) -> Vec<Record> {
        std::mem::take(&mut self.0.borrow_mut().pending)
    }

    /// Whoever read our output may be gone while we live on: a write that fails is no reason to end.
    fn write(&self, level: Level, category: &str, message: String) {
        let mut sinks = self.0.borrow_mut();
        if level < sinks.level {
            return;
        }
        if sinks.console {
            let line = line(level, category, &message);
            let _ = writeln!(std::io::stdout().lock(), "{}{line}\x1b[0m", level.colour());
            if level >= Level::Error {
                let _ = writeln!(std::io::stderr().lock(), "{line}");
            }
        }
        if let Some(file) = &mut sinks.html {
            let _ = writeln!(file, "{}", html_row(level, category, &message));
        }
        if sinks.pending.len() < PENDING_RECORDS {
            sinks.pending.push(Record { level, category: category.to_owned(), message });
        }
    }
}

fn line(level: Level, category: &str, message: &str) -> String {
    format!("({}) {:<CATEGORY_WIDTH$} {message}", level.letter(), shortened(category))
}

/// `TransformationManager` → `TransformationM.ager`, as OpenSpace does it.
fn shortened(category: &str) -> String {
    let letters: Vec<char> = category.chars().collect();
    if letters.len() <= CATEGORY_WIDTH {
        return category.to_owned();
    }
    let tail = 4;
    let head = CATEGORY_WIDTH - tail - 1;
    letters[..head].iter().chain(&['.']).chain(&letters[letters.len() - tail..]).collect()
}

const HTML_HEAD: &str = "<!doctype html><meta charset=\"utf-8\"><title>OpenSpace Log</title><table>\n";

fn html_row(level: Level, category: &str, message: &str) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<tr><td>{}</td><td>{}</td><td>{}</td></tr>", level.name(), escape(category), escape(message))
}

fn open_rotated(path: &Path) -> std::io::Result<File> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    if path.exists() {
        let mut old = path.as_os_str().to_owned();
        old.push(".1");
        std::fs::rename(path, old)?;
    }
    File::create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_looks_as_a_real_one() {
        assert_eq!(
            line(Level::Info, "main", "Starting rendering loop"),
            "(I) main                 Starting rendering loop"
        );
        assert_eq!(line(Level::Warning, "TransformationManager", "x"), "(W) TransformationM.ager x");
    }

    #[test]
    fn what_nobody_collects_does_not_grow_forever() {
        let log = Log::silent();
        for _ in 0..10_000 {
            log.error("test", "again");
        }
        assert_eq!(log.take().len(), PENDING_RECORDS);
        assert!(log.take().is_empty());
    }
}
