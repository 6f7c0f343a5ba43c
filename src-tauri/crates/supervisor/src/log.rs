//! What the program prints: followed for signs of how far it has come, kept short in memory and on disk.
//!
//! The program writes to a file and not to a pipe, since a pipe would break when the node ends, and the program with it. Absent on
//! purpose: what the lines mean ([`openspace::readiness`]).

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc as thread_mpsc},
    thread::JoinHandle,
    time::Duration,
};

use openspace::readiness::Sign;
use tokio::sync::{mpsc, watch};

pub(crate) const FILE: &str = "program.log";
/// The log of the start before this one, or the older half of this one's.
pub(crate) const OLD_FILE: &str = "program.log.old";

/// How often the file is looked at: a launch is never later than this for it.
const POLL: Duration = Duration::from_millis(50);
/// Lines that the panel can show. With the longest lines this is 2 MB an instance.
const RING_LINES: usize = 1000;
/// Bytes of a line that are kept: longer ones are dumps.
const LINE_BYTES_MAX: usize = 2048;
/// Signs that may wait for the driver. Equal ones in a row count once, so a handful is a whole start; past that the reading waits.
const SIGNS: usize = 16;
/// What is read before the size is looked at again: a program that prints faster than it is read must not fill the disk.
const ROUND_BYTES: u64 = 8 * 1024 * 1024;
const CHUNK_BYTES: usize = 64 * 1024;

/// The last lines, oldest first; shared with whoever looks at the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ring(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    lines: Mutex<VecDeque<String>>,
    /// How many lines there have been, those that are forgotten included.
    printed: watch::Sender<u64>,
}

impl Ring {
    pub fn tail(&self, lines: usize) -> Vec<String> {
        let ring = self.lock();
        ring.iter().skip(ring.len().saturating_sub(lines)).cloned().collect()
    }

    /// What was printed after the first `seen` lines, as far as it is kept; and how many there are now.
    pub fn since(&self, seen: u64) -> (Vec<String>, u64) {
        let ring = self.lock();
        let printed = *self.0.printed.borrow();
        let news = usize::try_from(printed.saturating_sub(seen)).unwrap_or(usize::MAX);
        (ring.iter().skip(ring.len().saturating_sub(news)).cloned().collect(), printed)
    }

    /// Changes with each line.
    pub fn printed(&self) -> watch::Receiver<u64> {
        self.0.printed.subscribe()
    }

    /// A line of ours among those of the program.
    pub fn note(&self, words: &str) {
        self.push(format!("» {words}"));
    }

    fn push(&self, line: String) {
        let mut ring = self.lock();
        if ring.len() == RING_LINES {
            ring.pop_front();
        }
        ring.push_back(line);
        self.0.printed.send_modify(|printed| *printed += 1);
    }

    /// A panic elsewhere leaves whole lines behind, so the lines stay readable.
    fn lock(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the next start writes to, put at the end of the file by the system whatever else writes there. The log of the start before
/// is kept as [`OLD_FILE`].
pub(crate) fn begin(dir: &Path) -> io::Result<File> {
    let path = dir.join(FILE);
    if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > 0) {
        fs::rename(&path, dir.join(OLD_FILE))?;
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

pub(crate) type ReadLine = fn(&str) -> Option<Sign>;

/// Follows one start's log. A thread of its own reads, so that a flood stalls nobody else.
#[derive(Debug)]
pub(crate) struct Tail {
    signs: mpsc::Receiver<Sign>,
    stop: Option<thread_mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Tail {
    /// Reads from the beginning of the current log on: for an adopted program this tells again how far it had come.
    pub fn follow(dir: &Path, bytes_max: u64, ring: Ring, read_line: ReadLine) -> io::Result<Self> {
        let reader = Reader::open(dir, bytes_max)?;
        let (sign, signs) = mpsc::channel(SIGNS);
        let (stop, stopped) = thread_mpsc::channel();
        let mut listener = Listener { ring, read_line, sign, last: None };
        let thread = std::thread::Builder::new().name("program log".to_owned()).spawn(move || {
            run(reader, &stopped, &mut |line| listener.hear(line));
        })?;
        Ok(Self { signs, stop: Some(stop), thread: Some(thread) })
    }

    /// The next sign; never, once the log cannot be read any more.
    pub async fn next(&mut self) -> Sign {
        match self.signs.recv().await {
            Some(sign) => sign,
            None => std::future::pending().await,
        }
    }

    /// Reads what the program printed before it ended, to its last line.
    pub async fn finish(mut self) -> Vec<Sign> {
        if let Some(stop) = self.stop.take() {
            // It fails where the thread has ended, and then there is nothing left to read.
            let _ = stop.send(());
        }
        let mut rest = Vec::new();
        while let Some(sign) = self.signs.recv().await {
            rest.push(sign);
        }
        rest
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        // The thread may wait for room among the signs: it is freed first, then told, then awaited for the rest of its round.
        self.signs.close();
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the reader of a program's log panicked");
        }
    }
}

struct Listener {
    ring: Ring,
    read_line: ReadLine,
    sign: mpsc::Sender<Sign>,
    last: Option<Sign>,
}

impl Listener {
    fn hear(&mut self, line: String) {
        let sign = (self.read_line)(&line);
        self.ring.push(line);
        if sign.is_some() && sign != self.last {
            self.last.clone_from(&sign);
            if let Some(sign) = sign {
                // Nobody listens any more when the driver has let go of the program.
                let _ = self.sign.blocking_send(sign);
            }
        }
    }
}

fn run(mut reader: Reader, stopped: &thread_mpsc::Receiver<()>, hear: &mut dyn FnMut(String)) {
    let mut finishing = false;
    let mut pause = POLL;
    loop {
        match stopped.recv_timeout(pause) {
            Err(thread_mpsc::RecvTimeoutError::Timeout) => {}
            Ok(()) => finishing = true,
            Err(thread_mpsc::RecvTimeoutError::Disconnected) if finishing => {}
            Err(thread_mpsc::RecvTimeoutError::Disconnected) => return,
        }
        match reader.read_round(hear) {
            Ok(Progress::AtEnd) if finishing => return reader.flush(hear),
            Ok(Progress::AtEnd) => pause = POLL,
            Ok(Progress::More) => pause = Duration::ZERO,
            Err(error) => {
                tracing::warn!(%error, path = %reader.path.display(), "the program's log cannot be read any more");
                return;
            }
        }
    }
}

#[derive(PartialEq, Eq)]
enum Progress {
    More,
    AtEnd,
}

/// Cuts the file into lines and keeps it short. Knows no threads, so it is tested by itself.
struct Reader {
    path: PathBuf,
    old_path: PathBuf,
    file: File,
    offset: u64,
    /// Half of what may lie on disk: the other half is the old file.
    half: u64,
    line: Vec<u8>,
    /// The rest of a line that was cut is skipped.
    skipping: bool,
}

impl Reader {
    fn open(dir: &Path, bytes_max: u64) -> io::Result<Self> {
        let path = dir.join(FILE);
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        let old_path = dir.join(OLD_FILE);
        Ok(Self { path, old_path, file, offset: 0, half: bytes_max / 2, line: Vec::new(), skipping: false })
    }

    fn read_round(&mut self, hear: &mut dyn FnMut(String)) -> io::Result<Progress> {
        self.skip_backlog(hear)?;
        let progress = self.read_on(hear)?;
        if self.file.metadata()?.len() > self.half {
            self.shorten(hear)?;
        }
        Ok(progress)
    }

    /// A program that prints faster than it is read loses its oldest lines, not its newest.
    fn skip_backlog(&mut self, hear: &mut dyn FnMut(String)) -> io::Result<()> {
        let start = self.file.metadata()?.len().saturating_sub(ROUND_BYTES);
        if start > self.offset {
            hear(format!("… {} bytes were printed too fast to be read", start - self.offset));
            self.offset = start;
            self.line.clear();
            self.skipping = true;
        }
        Ok(())
    }

    fn read_on(&mut self, hear: &mut dyn FnMut(String)) -> io::Result<Progress> {
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut left = ROUND_BYTES;
        self.file.seek(SeekFrom::Start(self.offset))?;
        while left > 0 {
            let read = self.file.read(&mut chunk)?;
            if read == 0 {
                return Ok(Progress::AtEnd);
            }
            self.offset += read as u64;
            left = left.saturating_sub(read as u64);
            self.take(&chunk[..read], hear);
        }
        Ok(Progress::More)
    }

    fn take(&mut self, mut bytes: &[u8], hear: &mut dyn FnMut(String)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.extend(&bytes[..end], hear);
            if !std::mem::take(&mut self.skipping) {
                self.emit(hear);
            }
            bytes = &bytes[end + 1..];
        }
        self.extend(bytes, hear);
    }

    fn extend(&mut self, bytes: &[u8], hear: &mut dyn FnMut(String)) {
        if self.skipping {
            return;
        }
        let room = LINE_BYTES_MAX - self.line.len();
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room {
            self.line.extend_from_slice("…".as_bytes());
            self.emit(hear);
            self.skipping = true;
        }
    }

    fn emit(&mut self, hear: &mut dyn FnMut(String)) {
        hear(String::from_utf8_lossy(&self.line).trim_end_matches('\r').to_owned());
        self.line.clear();
    }

    /// A last line without its end, as of a program that was killed.
    fn flush(&mut self, hear: &mut dyn FnMut(String)) {
        if !self.line.is_empty() {
            self.emit(hear);
        }
    }

    /// Copies the newest half away and empties the file; the program goes on writing at its new end. What it prints between the last
    /// reading and the cut is lost, so a line that the cut divides is not joined with what follows.
    fn shorten(&mut self, hear: &mut dyn FnMut(String)) -> io::Result<()> {
        if let Err(error) = self.copy_newest() {
            // A full disk, most likely: emptying the file is what helps then.
            tracing::warn!(%error, path = %self.path.display(), "the older half of a program's log could not be kept");
        }
        self.read_on(hear)?;
        self.file.set_len(0)?;
        self.offset = 0;
        self.flush(hear);
        self.skipping = false;
        Ok(())
    }

    fn copy_newest(&mut self) -> io::Result<()> {
        let length = self.file.metadata()?.len();
        self.file.seek(SeekFrom::Start(length.saturating_sub(self.half)))?;
        let mut old =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.old_path)?;
        io::copy(&mut (&self.file).take(self.half), &mut old).map(drop)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lines_come_out_as_they_went_in_however_they_are_cut(
            lines in prop::collection::vec("[ -~]{0,40}", 1..20),
            cuts in prop::collection::vec(1_usize..50, 1..40),
        ) {
            let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            let (_dir, mut reader) = reader(1 << 20);
            let mut heard = Vec::new();
            let mut rest = text.as_bytes();
            for cut in cuts.into_iter().cycle() {
                if rest.is_empty() { break }
                let (now, later) = rest.split_at(cut.min(rest.len()));
                reader.take(now, &mut |line| heard.push(line));
                rest = later;
            }
            prop_assert_eq!(heard, lines);
        }
    }

    #[test]
    fn an_endless_line_is_cut_and_the_next_one_is_whole() {
        let (_dir, mut reader) = reader(1 << 20);
        let mut heard = Vec::new();
        for _ in 0..100 {
            reader.take(&[b'x'; 1000], &mut |line| heard.push(line));
        }
        reader.take(b"\nnext\r\nlast without end", &mut |line| heard.push(line));
        reader.flush(&mut |line| heard.push(line));
        assert_eq!(heard.len(), 3);
        assert!(heard[0].len() <= LINE_BYTES_MAX + "…".len());
        assert_eq!(heard[1..], ["next", "last without end"]);
    }

    #[test]
    fn the_file_stays_short_and_keeps_what_is_newest() {
        let (dir, mut reader) = reader(2000);
        let mut program = begin(dir.path()).unwrap();
        let mut lines = 0;
        for number in 0..1000 {
            writeln!(program, "line {number}").unwrap();
            if number % 10 == 0 {
                reader.read_round(&mut |_| lines += 1).ok();
            }
        }
        reader.read_round(&mut |_| lines += 1).ok();
        assert_eq!(lines, 1000, "each line was heard once");
        let on_disk =
            [FILE, OLD_FILE].map(|name| fs::read_to_string(dir.path().join(name)).unwrap_or_default());
        assert!(on_disk.iter().map(String::len).sum::<usize>() <= 2000, "{on_disk:?}");
        assert!(on_disk.concat().contains("line 999"));
    }

    #[test]
    fn who_follows_gets_each_line_once_and_loses_the_oldest_where_it_is_slow() {
        let ring = Ring::default();
        ring.push("one".to_owned());
        let (lines, seen) = ring.since(0);
        assert_eq!((lines, seen), (vec!["one".to_owned()], 1));
        assert_eq!(ring.since(seen), (vec![], 1));
        for number in 0..RING_LINES + 5 {
            ring.push(number.to_string());
        }
        let (lines, seen) = ring.since(seen);
        assert_eq!((lines.len(), lines[0].as_str(), seen), (RING_LINES, "5", RING_LINES as u64 + 6));
    }

    #[tokio::test]
    async fn a_flood_of_100_mb_is_capped_and_what_comes_after_it_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut program = begin(dir.path()).unwrap();
        let ring = Ring::default();
        let cap = 1 << 20;
        let on_disk = || -> u64 {
            let lengths =
                [FILE, OLD_FILE].map(|name| fs::metadata(dir.path().join(name)).map_or(0, |file| file.len()));
            lengths.iter().sum()
        };
        let tail = Tail::follow(dir.path(), cap, ring.clone(), openspace::readiness::read_line).unwrap();
        let noise = format!("{}\n", "assertion failed ".repeat(40)).repeat(100);
        for _ in 0..(100 << 20) / noise.len() {
            program.write_all(noise.as_bytes()).unwrap();
        }
        // Only a file that is longer is cut, and what is written during the cut is lost.
        while fs::metadata(dir.path().join(FILE)).unwrap().len() > cap / 2 {
            tokio::time::sleep(POLL).await;
        }
        writeln!(program, "(I) main                Starting rendering loop").unwrap();

        assert_eq!(tail.finish().await, [Sign::Rendering]);
        assert!(ring.tail(1)[0].ends_with("Starting rendering loop"));
        assert_eq!(ring.tail(usize::MAX).len(), RING_LINES);
        assert!(on_disk() <= cap, "{} bytes of log", on_disk());
    }

    #[tokio::test]
    async fn a_start_keeps_the_log_of_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        begin(dir.path()).unwrap().write_all(b"first\n").unwrap();
        begin(dir.path()).unwrap().write_all(b"second\n").unwrap();
        assert_eq!(fs::read_to_string(dir.path().join(OLD_FILE)).unwrap(), "first\n");
        let ring = Ring::default();
        Tail::follow(dir.path(), 1 << 20, ring.clone(), |_| None).unwrap().finish().await;
        assert_eq!(ring.tail(10), ["second"]);
    }

    fn reader(bytes_max: u64) -> (tempfile::TempDir, Reader) {
        let dir = tempfile::tempdir().unwrap();
        let reader = Reader::open(dir.path(), bytes_max).unwrap();
        (dir, reader)
    }
}
