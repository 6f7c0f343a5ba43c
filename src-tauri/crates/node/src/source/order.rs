//! What somebody wants built, checked before anything is run. Pure.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use model::BuildId;

#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The checkout: it holds `CMakeLists.txt`.
    pub dir: PathBuf,
    pub options: BTreeMap<String, String>,
}

/// Ours to decide.
const OURS: &[&str] = &["CMAKE_INSTALL_PREFIX"];
const DEFAULTS: &[(&str, &str)] = &[("CMAKE_BUILD_TYPE", "RelWithDebInfo")];

impl Order {
    /// `Err` is a sentence.
    pub fn new(dir: PathBuf, options: BTreeMap<String, String>) -> Result<Self, String> {
        if !dir.is_absolute() {
            return Err(format!(
                "{} is no absolute path: write where the sources lie from / on.",
                dir.display()
            ));
        }
        for (name, value) in &options {
            let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            if !starts_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(format!(
                    "`{name}` is not the name of a CMake option: letters, digits and _ only."
                ));
            }
            if OURS.contains(&name.as_str()) {
                return Err(format!(
                    "{name} cannot be set: each build is installed into a fresh folder of its own."
                ));
            }
            if value.contains(['\n', '\r', '\0']) {
                return Err(format!("The value of {name} must be one line."));
            }
        }
        Ok(Self { dir, options })
    }

    /// The same sources are the same build, however often they are built.
    pub fn build_id(&self) -> BuildId {
        BuildId::from_name(&format!("{}-from-source", self.folder()))
            .or_else(|_| BuildId::from_name("from-source"))
            .expect("it is a valid id")
    }

    pub fn name(&self) -> String {
        format!("{} from source", self.folder())
    }

    fn folder(&self) -> String {
        self.dir.file_name().map(|name| name.to_string_lossy().chars().take(40).collect()).unwrap_or_default()
    }

    pub fn configure(&self, work: &Path, prefix: &Path) -> Vec<String> {
        let set = |name: &str, value: &str| format!("-D{name}={value}");
        let defaults = DEFAULTS.iter().filter(|(name, _)| !self.options.contains_key(*name));
        let prefix = prefix.display().to_string();
        ["-S".to_owned(), self.dir.display().to_string(), "-B".to_owned(), work.display().to_string()]
            .into_iter()
            .chain(defaults.map(|(name, value)| set(name, value)))
            .chain(self.options.iter().map(|(name, value)| set(name, value)))
            .chain([set("CMAKE_INSTALL_PREFIX", &prefix)])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn order(options: &[(&str, &str)]) -> Result<Order, String> {
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Order::new("/src/Open Space".into(), options)
    }

    #[test]
    fn options_are_arguments_of_their_own_and_the_last_word_is_ours() {
        let order = order(&[("OPENSPACE_MODULE_X", "OFF; rm -rf /"), ("CMAKE_BUILD_TYPE", "Debug")]).unwrap();
        let args = order.configure(Path::new("/w"), Path::new("/p"));
        assert_eq!(
            args,
            [
                "-S",
                "/src/Open Space",
                "-B",
                "/w",
                "-DCMAKE_BUILD_TYPE=Debug",
                "-DOPENSPACE_MODULE_X=OFF; rm -rf /",
                "-DCMAKE_INSTALL_PREFIX=/p"
            ]
        );
        assert_eq!(order.build_id().as_str(), "open-space-from-source");
    }

    #[test]
    fn what_is_no_option_is_refused_with_a_sentence() {
        for (name, value, word) in [
            ("-P", "x", "not the name"),
            ("", "x", "not the name"),
            ("A B", "x", "not the name"),
            ("A", "x\ny", "one line"),
            ("CMAKE_INSTALL_PREFIX", "/", "fresh folder"),
        ] {
            let refusal = order(&[(name, value)]).unwrap_err();
            assert!(refusal.contains(word), "{refusal}");
        }
        assert!(Order::new("src".into(), BTreeMap::new()).unwrap_err().contains("absolute"));
        assert_eq!(Order::new("/ø".into(), BTreeMap::new()).unwrap().build_id().as_str(), "from-source");
    }
}
