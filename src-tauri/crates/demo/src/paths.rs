//! Path tokens: `${LOGS}` and its like, which may hold each other. Pure.

use std::{collections::BTreeMap, path::PathBuf};

/// Tokens may hold tokens, but not each other in a circle.
const DEPTH: usize = 16;

#[derive(Clone, Debug, Default)]
pub struct Tokens(BTreeMap<String, String>);

impl Tokens {
    /// `name` without the `${}`.
    pub fn set(&mut self, name: &str, path: impl Into<String>) {
        self.0.insert(name.to_owned(), path.into());
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, path)| (name.as_str(), path.as_str()))
    }

    /// Replaces every known token; an unknown one stays as it is written.
    pub fn expand(&self, text: &str) -> PathBuf {
        let mut text = text.to_owned();
        for _ in 0..DEPTH {
            let Some((before, name, after)) = first_token(&text) else { break };
            let Some(path) = self.0.get(name) else { break };
            text = format!("{before}{path}{after}");
        }
        PathBuf::from(text)
    }
}

fn first_token(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("${")?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn tokens_in_tokens_are_expanded() {
        let mut tokens = Tokens::default();
        tokens.set("BASE", "/opt/openspace");
        tokens.set("USER", "${BASE}/user");
        assert_eq!(tokens.expand("${USER}/config/x.json"), Path::new("/opt/openspace/user/config/x.json"));
        assert_eq!(tokens.expand("${NOWHERE}/x"), Path::new("${NOWHERE}/x"));
    }

    #[test]
    fn a_circle_ends() {
        let mut tokens = Tokens::default();
        tokens.set("A", "${B}");
        tokens.set("B", "${A}");
        let _ = tokens.expand("${A}");
    }
}
