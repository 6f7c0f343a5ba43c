//! What OpenSpace's log says about how far it has come. Pure: lines in, signs out.
//!
//! A log line is `(I) Category             message`: one letter for the level, the category padded or shortened
//! to 20 characters, the message. Errors and worse go to standard error, the rest to standard output.

use model::Phase;

#[derive(Clone, Debug, PartialEq)]
pub enum Sign {
    Phase(Phase),
    /// "Starting rendering loop": from now on the API may be connected; it answers once the scene is loaded.
    Rendering,
    /// An asset of the scene is being initialised; its name, for people.
    Asset(String),
    /// A file of the shared `sync` folder is being fetched, from this address.
    DownloadBegun(String),
    DownloadDone(String),
    /// A file could not be fetched, or not even the list that names it.
    DownloadFailed {
        address: Option<String>,
        /// For people, without the address.
        what: String,
    },
    /// It will end: the reason, for people.
    Fatal(String),
}

/// Characters of a line that are looked at. All signs stand at the beginning; a line of OpenGL extensions has 10,000.
const LINE_CHARS: usize = 600;

/// The width to which OpenSpace pads or shortens a category.
const CATEGORY_CHARS: usize = 20;

/// Characters of an asset's name that are shown to people.
const ASSET_CHARS: usize = 60;

/// Characters of an unknown fatal message that are shown to people.
const MESSAGE_CHARS: usize = 200;

/// Reads one line of standard output or error; colour codes may be in it.
pub fn read_line(line: &str) -> Option<Sign> {
    let plain = without_colours(line);
    let Some(entry) = Entry::parse(&plain) else { return read_foreign(&plain) };
    match entry.level {
        'I' => read_info(entry.message),
        'F' => Some(Sign::Fatal(explain(entry.message))),
        'D' => read_detail(entry.message),
        'E' if FETCHERS.contains(&entry.category) => Some(read_failed(entry.message)),
        _ => None,
    }
}

fn read_info(message: &str) -> Option<Sign> {
    if message.starts_with("Loading profile") {
        return Some(Sign::Phase(Phase::Loading));
    }
    match message {
        "Starting rendering loop" => Some(Sign::Rendering),
        // The scene is loaded; the frames that answer the API come next.
        "Running Global initialization scripts" => Some(Sign::Phase(Phase::Connecting)),
        _ => None,
    }
}

/// What OpenSpace tells of its loading at its usual log level, "Debug"; with another one there is less to show and nothing else to miss.
fn read_detail(message: &str) -> Option<Sign> {
    let quoted = |start: &str| message.strip_prefix(start)?.strip_suffix('\'').map(str::to_owned);
    if let Some(address) = quoted("Started downloading '") {
        return Some(Sign::DownloadBegun(address));
    }
    if let Some(address) = quoted("Finished downloading '") {
        return Some(Sign::DownloadDone(address));
    }
    let path = message.strip_prefix("Initializing asset '")?.strip_suffix('\'')?;
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let name = file.strip_suffix(".asset").unwrap_or(file);
    (!name.is_empty()).then(|| Sign::Asset(name.chars().take(ASSET_CHARS).collect()))
}

/// The categories whose errors mean that something of the `sync` folder is missing.
const FETCHERS: [&str; 2] = ["HttpSynchronization", "UrlSynchronization"];

/// `Error downloading file from URL 'http://…/moon.zip'`: it is `moon.zip`. What names no file is told as it is.
fn read_failed(message: &str) -> Sign {
    let address = message.split('\'').nth(1).filter(|quoted| quoted.contains("://"));
    let path = address.and_then(|address| address.split(['?', '#']).next());
    let name = path.and_then(|path| path.rsplit('/').next()).filter(|name| !name.is_empty());
    let what = name.map_or_else(|| shortened(message), |name| name.chars().take(ASSET_CHARS).collect());
    Sign::DownloadFailed { address: address.map(str::to_owned), what }
}

/// Lines that others print in OpenSpace's name before it has a log.
fn read_foreign(line: &str) -> Option<Sign> {
    let (_, missing) = line.split_once("error while loading shared libraries: ")?;
    let library = missing.split(':').next().unwrap_or(missing).trim();
    Some(Sign::Fatal(format!(
        "OpenSpace cannot start: the library {} is missing on this machine. Install the package that holds it.",
        shortened(library)
    )))
}

/// Fatal messages that are known, by what they contain, and what a person can do about each.
const KNOWN: &[(&[&str], &str)] = &[
    (
        &["Bind failed"],
        "OpenSpace could not open its API port: another program has taken it. The next start picks another one.",
    ),
    (
        &["(3007)", "GLFW error (65543)"],
        "OpenSpace needs OpenGL 4.6, which this display does not offer. Use a GPU whose driver has OpenGL 4.6; with \
         Mesa's software renderer, MESA_GL_VERSION_OVERRIDE=4.6 and MESA_GLSL_VERSION_OVERRIDE=460 must be set.",
    ),
    (
        &["(3010)"],
        "OpenSpace could not open its window. Look at the instance's log, and whether its display still runs.",
    ),
    (
        &["Could not find configuration"],
        "OpenSpace did not find its openspace.cfg. Check that the build's folder is complete, then start again.",
    ),
    (
        &["Loading of configuration file failed", "Error loading script", "Error executing script"],
        "OpenSpace did not accept its configuration. Look at the instance's log for the line, and correct the openspace.cfg of the build.",
    ),
    (
        &["Cannot launch without a profile"],
        "OpenSpace was started without a profile. Choose one of the build's profiles.",
    ),
    (
        &["Could not load profile"],
        "OpenSpace does not have the profile that was asked for. Choose one of the build's profiles.",
    ),
    (
        &["Failed initializing CEF"],
        "OpenSpace could not start its built-in browser. Another OpenSpace may use the same folder, or a library that \
         Chromium needs is missing; the instance's log says which.",
    ),
    (
        &["Could not create Cache Manager"],
        "OpenSpace could not use its cache folder. Check that the disk of the data folder is neither full nor read-only.",
    ),
];

fn explain(message: &str) -> String {
    let known = KNOWN.iter().find(|(marks, _)| marks.iter().any(|mark| message.contains(mark)));
    match known {
        Some((_, sentence)) => (*sentence).to_owned(),
        None => format!("OpenSpace ended with: {}", shortened(message)),
    }
}

/// Short enough to read, and without the machine's paths, since viewers read it too.
fn shortened(message: &str) -> String {
    let words: Vec<_> =
        message.split_whitespace().map(|word| if word.contains(['/', '\\']) { "…" } else { word }).collect();
    words.join(" ").chars().take(MESSAGE_CHARS).collect()
}

struct Entry<'a> {
    level: char,
    category: &'a str,
    message: &'a str,
}

impl<'a> Entry<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut head = line.chars();
        let ('(', level, ')', ' ') = (head.next()?, head.next()?, head.next()?, head.next()?) else {
            return None;
        };
        let rest = head.as_str();
        let message_at = rest.char_indices().nth(CATEGORY_CHARS).map_or(rest.len(), |(at, _)| at);
        Some(Self { level, category: rest[..message_at].trim(), message: rest[message_at..].trim() })
    }
}

/// The beginning of a line without its ANSI escape sequences and other control characters.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len().min(LINE_CHARS));
    let mut characters = line.chars().take(LINE_CHARS);
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => skip_escape(&mut characters),
            c if c.is_control() && c != '\t' => {}
            c => plain.push(c),
        }
    }
    plain
}

/// `ESC [ parameters letter`; any other escape is two characters long.
fn skip_escape(characters: &mut impl Iterator<Item = char>) {
    if characters.next() == Some('[') {
        characters.find(|c| ('@'..='~').contains(c));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIRST_RUN: &str = include_str!("../../../../tests/fixtures/openspace/stdout-first-run.log");
    const NO_GL46: &str = include_str!("../../../../tests/fixtures/openspace/stdout-no-gl46.log");
    const PORT_CONFLICT: &str = include_str!("../../../../tests/fixtures/openspace/stdout-port-conflict.log");

    fn signs(log: &str) -> Vec<Sign> {
        log.lines().filter_map(read_line).collect()
    }

    fn only_fatal(log: &str) -> String {
        let fatal: Vec<_> = signs(log)
            .into_iter()
            .filter_map(|sign| match sign {
                Sign::Fatal(why) => Some(why),
                _ => None,
            })
            .collect();
        assert_eq!(fatal.len(), 1, "{fatal:?}");
        fatal.concat()
    }

    #[test]
    fn a_real_start_shows_its_signs_in_order() {
        assert_eq!(
            signs(FIRST_RUN),
            [
                Sign::Phase(Phase::Loading),
                Sign::Rendering,
                Sign::Asset("mini".to_owned()),
                Sign::Phase(Phase::Connecting)
            ]
        );
    }

    #[test]
    fn what_is_loaded_is_named_without_its_folder() {
        let debug = |message: &str| read_line(&format!("(D) {:20} {message}", "Asset"));
        for (message, sign) in [
            (
                "Initializing asset '/opt/x/data/assets/scene/mars.asset'",
                Some(Sign::Asset("mars".to_owned())),
            ),
            ("Initializing asset 'C:\\x\\mars.asset'", Some(Sign::Asset("mars".to_owned()))),
            ("Initializing asset ''", None),
            ("Initializing asset 'unclosed", None),
            (
                "Started downloading 'http://127.0.0.1/a.zip'",
                Some(Sign::DownloadBegun("http://127.0.0.1/a.zip".to_owned())),
            ),
            (
                "Finished downloading 'http://127.0.0.1/a.zip'",
                Some(Sign::DownloadDone("http://127.0.0.1/a.zip".to_owned())),
            ),
            ("Deinitializing asset 'mars.asset'", None),
        ] {
            assert_eq!(debug(message), sign, "{message}");
        }
    }

    #[test]
    fn what_could_not_be_fetched_is_named_without_its_address() {
        for (category, message, what) in [
            ("HttpSynchronization", "Error downloading file from URL 'http://a.b/c/moon.zip'", "moon.zip"),
            (
                "HttpSynchronization",
                "Error downloading file from URL 'http://a.b/c/moon.zip?x=/y'",
                "moon.zip",
            ),
            (
                "UrlSynchronization",
                "Error downloading file from URL 'https://a.b/'",
                "Error downloading file from URL …",
            ),
            ("HttpSynchronization", "Error renaming '/sync/a.tmp' to '/sync/a'", "Error renaming … to …"),
            ("HttpSynchronization", "", ""),
        ] {
            let sign = read_line(&format!("(E) {category:20} {message}"));
            let Some(Sign::DownloadFailed { address, what: told }) = sign else {
                panic!("{message}: {sign:?}")
            };
            assert_eq!((address.is_some(), told.as_str()), (message.contains("://"), what), "{message}");
        }
        assert_eq!(read_line("(W) HttpSynchronization  stars: Duplicate entry for x"), None);
    }

    #[test]
    fn a_display_without_opengl_4_6_is_named_with_what_to_set() {
        let why = only_fatal(NO_GL46);
        assert!(why.contains("OpenGL 4.6") && why.contains("MESA_GL_VERSION_OVERRIDE=4.6"), "{why}");
    }

    #[test]
    fn a_taken_port_is_named_as_such() {
        let why = only_fatal(PORT_CONFLICT);
        assert!(why.contains("port") && why.contains("taken"), "{why}");
    }

    #[test]
    fn colours_change_nothing() {
        let coloured = "\u{1b}[35m(I) main                 Starting rendering loop\u{1b}[0m\r";
        assert_eq!(read_line(coloured), Some(Sign::Rendering));
        assert_eq!(
            read_line("(I) \u{1b}[1;32mmain                 Starting rendering loop"),
            Some(Sign::Rendering)
        );
    }

    #[test]
    fn every_known_end_has_its_own_sentence() {
        for (line, word) in [
            ("(F) main                 Could not find configuration '/opt/x/openspace.cfg'", "openspace.cfg"),
            ("(F) ConfigurationManager Could not find configuration file 'openspace.cfg'", "openspace.cfg"),
            ("(F) main                 Cannot launch without a profile", "without a profile"),
            (
                "(F) main                 Could not load profile 'nope': File does not exist",
                "does not have the profile",
            ),
            ("(F) main                 Failed initializing CEF Browser", "built-in browser"),
            ("(F) main                 [Engine] (3007): requested OpenGL version not found", "OpenGL 4.6"),
            (
                "(F) main                 [Engine] (3010): GLFW error (65544): X11: Failed to open display",
                "window",
            ),
            ("(F) main                 Loading of configuration file failed", "configuration"),
            (
                "bin/OpenSpace: error while loading shared libraries: libGLEW.so.2.2: cannot open",
                "libGLEW.so.2.2",
            ),
        ] {
            let Some(Sign::Fatal(why)) = read_line(line) else { panic!("not fatal: {line}") };
            assert!(why.contains(word) && why.ends_with('.'), "{line} → {why}");
        }
    }

    #[test]
    fn an_unknown_end_is_told_without_paths() {
        let Some(Sign::Fatal(why)) =
            read_line("(F) Mesh                 No such mesh '/opt/secret/a.obj' here")
        else {
            panic!("not fatal")
        };
        assert_eq!(why, "OpenSpace ended with: No such mesh … here");
    }

    #[test]
    fn words_in_other_places_are_no_signs() {
        for line in [
            "",
            "Starting rendering loop",
            "(D) main                 Starting rendering loop",
            "(I) Lua                  print: Starting rendering loop",
            "(D) CommandlineParser    (--profile: Loading profile)",
            "(W) WebSocket            Bind failed (returned '-1') with error: 98",
            "(E) Lua                  Error loading script ''",
            "[2026-11-22 07:17:42] [connect] WebSocket Connection iostream transport v13 \"\" / 101",
        ] {
            assert_eq!(read_line(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_too_strange_to_read(line in "\\PC{0,80}|(\\(F\\) |\u{1b}\\[|[\u{0}-\u{ff}]){0,40}") {
            if let Some(Sign::Fatal(why)) = read_line(&line) {
                prop_assert!(why.chars().count() <= 400);
                prop_assert!(!why.chars().any(char::is_control), "{:?}", why);
            }
        }
    }
}
