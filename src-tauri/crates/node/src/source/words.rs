//! What CMake and its builders print: cut into lines, and read for how far they are. Pure.

/// Characters of a line that are kept: longer ones are commands of a linker.
const LINE_CHARS: usize = 1_000;

/// Cuts pieces of output into lines; one that never ends is cut too.
#[derive(Debug, Default)]
pub struct Lines(Vec<u8>);

impl Lines {
    pub fn push(&mut self, piece: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for byte in piece {
            match byte {
                b'\n' => lines.push(self.take()),
                _ if self.0.len() < LINE_CHARS => self.0.push(*byte),
                _ => {}
            }
        }
        lines
    }

    /// The last one may have no end.
    pub fn rest(mut self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> String {
        let text =
            String::from_utf8_lossy(&self.0).trim_end().replace(|c: char| c.is_control() && c != '\t', "");
        self.0.clear();
        text
    }
}

/// `[ 42%] Building …` of make, `[3/12] Building …` of ninja: 0.0–1.0.
pub fn progress(line: &str) -> Option<f32> {
    let (inner, _) = line.trim_start().strip_prefix('[')?.split_once(']')?;
    let inner = inner.trim();
    if let Some(percent) = inner.strip_suffix('%') {
        return percent
            .parse::<u8>()
            .ok()
            .filter(|percent| *percent <= 100)
            .map(|percent| f32::from(percent) / 100.0);
    }
    let (done, all) = inner.split_once('/')?;
    let (done, all): (u32, u32) = (done.parse().ok()?, all.parse().ok()?);
    (all > 0 && done <= all).then(|| done as f32 / all as f32)
}

/// The line that most likely says why: the first error, else the last line. One that announces the next is told with it.
pub fn culprit(lines: &[String]) -> Option<String> {
    let is_error = |line: &String| {
        let line = line.to_lowercase();
        line.contains("error") || line.contains("fatal")
    };
    let said = |line: &&String| !line.trim().is_empty();
    let first = lines.iter().position(is_error).or_else(|| lines.iter().rposition(|line| said(&line)))?;
    let next = lines[first + 1..].iter().find(said).filter(|_| lines[first].trim_end().ends_with(':'));
    Some(next.map_or_else(|| lines[first].clone(), |next| format!("{} {}", lines[first].trim(), next.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_builders_tell_how_far_they_are() {
        for (line, at) in [
            ("[  0%] Building CXX object", Some(0.0)),
            ("[ 42%] Building CXX object", Some(0.42)),
            ("[100%] Built target OpenSpace", Some(1.0)),
            ("[3/12] Linking", Some(0.25)),
            ("[3/0] Linking", None),
            ("[9/3] Linking", None),
            ("[142%] x", None),
            ("[info] x", None),
            ("-- Configuring done", None),
            ("", None),
        ] {
            assert_eq!(progress(line), at, "{line}");
        }
    }

    #[test]
    fn output_is_cut_into_lines_however_it_comes() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"on"), Vec::<String>::new());
        assert_eq!(lines.push(b"e\r\ntwo\nth"), ["one", "two"]);
        assert_eq!(lines.push(&[b'x'; 5_000]), Vec::<String>::new());
        assert_eq!(lines.rest().map(|line| line.len()), Some(LINE_CHARS));
    }

    #[test]
    fn the_first_error_is_told_and_not_what_follows_from_it() {
        let lines = |all: &[&str]| all.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let said = lines(&["[ 10%] x", "a.cpp:3: error: no sky", "make: *** [all] Error 2", ""]);
        assert_eq!(culprit(&said).as_deref(), Some("a.cpp:3: error: no sky"));
        let said = lines(&["-- x", "CMake Error at CMakeLists.txt:4 (message):", "", "  no sky at all", ""]);
        assert_eq!(
            culprit(&said).as_deref(),
            Some("CMake Error at CMakeLists.txt:4 (message): no sky at all")
        );
        assert_eq!(culprit(&lines(&["gone", ""])).as_deref(), Some("gone"));
        assert_eq!(culprit(&[]), None);
    }
}
