//! Reads from the text of an `openspace.cfg` which API generation it configures, without running it. Pure.
//!
//! From 0.22 on the sockets stand in a global table `Server`; before, in `ModuleConfigurations.Server`. A configuration
//! is a program, so this is a reading and no proof: it follows assignments to globals and table constructors, and is
//! not fooled by comments, strings, locals, comparisons and functions. Anything it does not know it steps over.

use model::ApiGeneration;

/// Tables, calls and blocks inside each other. No configuration has a tenth of it; reading ends there.
const DEPTH_MAX: usize = 200;

/// Names of a path that are told apart.
const PATH_NAMES: usize = 2;

/// The newer place wins, as OpenSpace from 0.22 on reads only that one and older ones only the other.
pub(super) fn api_generation(text: &str) -> Option<ApiGeneration> {
    let paths = assigned_paths(text);
    let begins = |path: &Vec<&str>, names: &[&str]| path.starts_with(names);
    if paths.iter().any(|path| begins(path, &["Server"])) {
        Some(ApiGeneration::New)
    } else if paths.iter().any(|path| begins(path, &["ModuleConfigurations", "Server"])) {
        Some(ApiGeneration::Legacy)
    } else {
        None
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Token<'a> {
    Name(&'a str),
    /// A string, without its delimiters; escapes are left as they are.
    Text(&'a str),
    /// A single `=`, which assigns.
    Assign,
    Symbol(u8),
    /// Numbers and comparisons.
    Other,
}

enum Frame<'a> {
    /// A table constructor, with the path of the global it is assigned to.
    Table(Option<Vec<&'a str>>),
    Parenthesis,
    /// `if`, `do`, `repeat`: still the main program.
    Block,
    Function,
}

/// The paths of globals that are assigned in the main program: `["Server"]`, `["ModuleConfigurations", "Server"]`.
fn assigned_paths(text: &str) -> Vec<Vec<&str>> {
    let tokens = tokens(text);
    let mut frames: Vec<Frame<'_>> = Vec::new();
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() && frames.len() < DEPTH_MAX {
        if let Some((target, next)) = target(&tokens, at, &frames) {
            if tokens.get(next) == Some(&Token::Symbol(b'{')) {
                frames.push(Frame::Table(target.clone()));
                at = next + 1;
            } else {
                at = next;
            }
            paths.extend(target);
        } else {
            follow(tokens[at], &mut frames);
            at += 1;
        }
    }
    paths
}

/// An assignment that begins at `at`: the path of the global it goes to, if it does, and the place behind its `=`.
fn target<'a>(
    tokens: &[Token<'a>],
    at: usize,
    frames: &[Frame<'a>],
) -> Option<(Option<Vec<&'a str>>, usize)> {
    let (mut path, next) = match frames.last() {
        Some(Frame::Table(_)) => key(tokens, at)?,
        Some(Frame::Parenthesis) => return None,
        Some(Frame::Block | Frame::Function) | None => variable(tokens, at)?,
    };
    if tokens.get(next) != Some(&Token::Assign) {
        return None;
    }
    let next = next + 1;
    if frames.iter().any(|frame| matches!(frame, Frame::Function)) {
        return Some((None, next));
    }
    if let Some(Frame::Table(outer)) = frames.last() {
        let Some(outer) = outer else { return Some((None, next)) };
        path.splice(0..0, outer.iter().copied());
    } else if at > 0 && tokens[at - 1] == Token::Name("local") {
        return Some((None, next));
    }
    path.truncate(PATH_NAMES);
    Some((Some(path), next))
}

/// `Name` or `["Name"]` in a table constructor.
fn key<'a>(tokens: &[Token<'a>], at: usize) -> Option<(Vec<&'a str>, usize)> {
    match tokens[at..] {
        [Token::Name(name), ..] => Some((vec![name], at + 1)),
        [Token::Symbol(b'['), Token::Text(name), Token::Symbol(b']'), ..] => Some((vec![name], at + 3)),
        _ => None,
    }
}

/// `Name`, `Name.Name`, `Name["Name"]`, …; `_G.` in front of a global says nothing.
fn variable<'a>(tokens: &[Token<'a>], at: usize) -> Option<(Vec<&'a str>, usize)> {
    let Token::Name(first) = tokens[at] else { return None };
    let mut path = vec![first];
    let mut next = at + 1;
    loop {
        match tokens[next..] {
            [Token::Symbol(b'.'), Token::Name(name), ..] => {
                path.push(name);
                next += 2;
            }
            [Token::Symbol(b'['), Token::Text(name), Token::Symbol(b']'), ..] => {
                path.push(name);
                next += 3;
            }
            _ => break,
        }
    }
    if path.len() > 1 && path[0] == "_G" {
        path.remove(0);
    }
    Some((path, next))
}

/// Keeps the frames right over a token that is not part of an assignment's left side.
fn follow<'a>(token: Token<'a>, frames: &mut Vec<Frame<'a>>) {
    match token {
        Token::Symbol(b'{') => frames.push(Frame::Table(None)),
        Token::Symbol(b'}') => close(frames, |frame| matches!(frame, Frame::Table(_))),
        Token::Symbol(b'(') => frames.push(Frame::Parenthesis),
        Token::Symbol(b')') => close(frames, |frame| matches!(frame, Frame::Parenthesis)),
        Token::Name("function") => frames.push(Frame::Function),
        // `for` and `while` bring a `do` of their own.
        Token::Name("if" | "do" | "repeat") => frames.push(Frame::Block),
        Token::Name("end" | "until") => {
            close(frames, |frame| matches!(frame, Frame::Block | Frame::Function))
        }
        _ => {}
    }
}

/// Closes the innermost frame of a kind and what a broken text left open inside; a stray closer closes nothing.
fn close(frames: &mut Vec<Frame<'_>>, kind: impl Fn(&Frame<'_>) -> bool) {
    if let Some(open) = frames.iter().rposition(kind) {
        frames.truncate(open);
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, at: 0 };
    if text.starts_with('#') {
        lexer.skip_line();
    }
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next_token() {
        tokens.push(token);
    }
    tokens
}

/// Works on bytes; every place where it cuts the text is beside an ASCII character.
struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn next_token(&mut self) -> Option<Token<'a>> {
        loop {
            let byte = self.peek(0)?;
            match byte {
                b'-' if self.peek(1) == Some(b'-') => self.skip_comment(),
                b if b.is_ascii_whitespace() || !b.is_ascii() => self.at += 1,
                b'"' | b'\'' => return Some(self.quoted(byte)),
                b'[' => return Some(self.long_text().map_or_else(|| self.symbol(), Token::Text)),
                b if b.is_ascii_digit() => {
                    self.take_while(|b| b.is_ascii_alphanumeric() || b == b'.');
                    return Some(Token::Other);
                }
                b if b.is_ascii_alphabetic() || b == b'_' => {
                    return Some(Token::Name(self.take_while(|b| b.is_ascii_alphanumeric() || b == b'_')));
                }
                b'=' | b'~' | b'<' | b'>' if self.peek(1) == Some(b'=') => {
                    self.at += 2;
                    return Some(Token::Other);
                }
                b'=' => {
                    self.at += 1;
                    return Some(Token::Assign);
                }
                _ => return Some(self.symbol()),
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn symbol(&mut self) -> Token<'a> {
        let byte = self.text.as_bytes()[self.at];
        self.at += 1;
        Token::Symbol(byte)
    }

    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        while self.peek(0).is_some_and(&belongs) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    fn skip_line(&mut self) {
        self.take_while_any(|b| b != b'\n');
    }

    fn skip_comment(&mut self) {
        self.at += 2;
        if self.long_text().is_none() {
            self.skip_line();
        }
    }

    /// Like [`Self::take_while`], where the end may fall between the bytes of a character that nobody reads.
    fn take_while_any(&mut self, belongs: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&belongs) {
            self.at += 1;
        }
    }

    /// `[[…]]`, `[==[…]==]`; an unclosed one reaches to the end of the text.
    fn long_text(&mut self) -> Option<&'a str> {
        let rest = self.text.get(self.at..)?;
        let inner = rest.strip_prefix('[')?;
        let level = inner.bytes().take_while(|b| *b == b'=').count();
        let body = inner[level..].strip_prefix('[')?;
        let closer = format!("]{}]", "=".repeat(level));
        let length = body.find(&closer).unwrap_or(body.len());
        self.at = (self.at + level + 2 + length + closer.len()).min(self.text.len());
        Some(&body[..length])
    }

    /// Ends at its quote, or with its line: a string that is not closed must not swallow the rest.
    fn quoted(&mut self, quote: u8) -> Token<'a> {
        let start = self.at + 1;
        self.at = start;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\\' => self.at += 1,
                b'\n' => break,
                b if b == quote => break,
                _ => {}
            }
            self.at += 1;
        }
        let end = self.at.min(self.text.len());
        self.at = end + 1;
        Token::Text(self.text.get(start..end).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NEW: Option<ApiGeneration> = Some(ApiGeneration::New);
    const LEGACY: Option<ApiGeneration> = Some(ApiGeneration::Legacy);

    #[test]
    fn stock_configurations_are_told_apart() {
        assert_eq!(api_generation(include_str!("../../tests/fixtures/stock-0.22.cfg")), NEW);
        assert_eq!(api_generation(include_str!("../../tests/fixtures/stock-0.21.cfg")), LEGACY);
        assert_eq!(api_generation(include_str!("../../tests/fixtures/stock-fork.cfg")), LEGACY);
    }

    #[test]
    fn every_way_to_write_the_table_is_understood() {
        for (text, expected) in [
            ("Server = {}", NEW),
            ("Server={Interfaces={}}", NEW),
            ("x = 1 Server = { }", NEW),
            ("_G.Server = {}", NEW),
            ("_G[\"Server\"] = {}", NEW),
            ("if os.getenv('X') then Server = {} end", NEW),
            ("for i = 1, 2 do x = i end Server = {}", NEW),
            ("function f() return { a = 1 } end Server = {}", NEW),
            ("Server.Interfaces = {}", NEW),
            ("#!/usr/bin/lua\nServer = {}", NEW),
            ("ModuleConfigurations = { Server = {} }", LEGACY),
            ("ModuleConfigurations = { A = { B = {1, 2} }, [\"Server\"] = {} }", LEGACY),
            ("ModuleConfigurations.Server = {}", LEGACY),
            ("ModuleConfigurations['Server'] = dofile('x')", LEGACY),
            ("ModuleConfigurations = { Server = f { Server = 1 } }", LEGACY),
            ("ModuleConfigurations = { Server = {} } Server = {}", NEW),
        ] {
            assert_eq!(api_generation(text), expected, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_the_table_is_not_it() {
        for text in [
            "",
            "-- Server = {}",
            "--[[ Server = {} ]]",
            "--[==[ ]] Server = {} ]==]",
            "--[[ never closed Server = {}",
            "x = 'Server = {}'",
            "x = \"\\\" Server = {}\"",
            "x = [[ Server = {} ]]",
            "x = [=[ ]] Server = {} ]=]",
            "local Server = {}",
            "local function f() Server = {} end",
            "function g() ModuleConfigurations.Server = {} end",
            "Server == {}",
            "x = { Server = {} }",
            "f({ Server = {} })",
            "f { Server = {} }",
            "Other = { ModuleConfigurations = { Server = {} } }",
            "ModuleConfigurations = { WebGui = { Server = {} } }",
            "MyServer = {} Server2 = {}",
            "x.Server = {}",
            "x = Server",
        ] {
            assert_eq!(api_generation(text), None, "{text}");
        }
    }

    #[test]
    fn a_broken_text_does_not_hide_what_follows() {
        assert_eq!(api_generation("x = 'not closed\nServer = {}"), NEW);
        assert_eq!(api_generation("} ) end\nServer = {}"), NEW);
        assert_eq!(api_generation("x = { { ( }\n} Server = {}"), NEW);
        assert_eq!(api_generation("é = 'ü\\"), None);
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("x = {} Server = {{}}", "{ a = ".repeat(100_000));
        assert_eq!(api_generation(&deep), None);
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange_to_read(
            text in "\\PC{0,60}|(Server|ModuleConfigurations|=|\\{|\\}|\\[|\\]|\"|'|--|\\\\|\n|é|end|function| ){0,60}"
        ) {
            let _ = api_generation(&text);
        }

        #[test]
        fn a_comment_before_the_table_never_hides_it(comment in "[^\\[\n][^\n]{0,40}") {
            prop_assert_eq!(api_generation(&format!("--{comment}\nServer = {{}}")), NEW);
        }

        #[test]
        fn a_long_string_hides_whatever_it_holds(inside in "[^\\]]{0,60}") {
            let text = format!("x = [==[{inside} Server = {{}}]==]");
            prop_assert_eq!(api_generation(&text), None);
        }
    }
}
