//! What a folder says of its version and commit, where nothing may be run. Pure.

/// The version that a source tree's `CMakeLists.txt` sets; blank or 255 is a development build and says nothing.
pub(super) fn of_cmake(text: &str) -> Option<String> {
    let part = |name: &str| {
        let (_, rest) = text.split_once(&format!("(OPENSPACE_VERSION_{name}"))?;
        let (value, _) = rest.split_once(')')?;
        let number: u32 = value.trim().trim_matches('"').parse().ok()?;
        (number != 255).then_some(number)
    };
    Some(format!("{}.{}.{}", part("MAJOR")?, part("MINOR")?, part("PATCH")?))
}

/// `OpenSpace-0.22.0-linux` → `0.22.0`.
pub(super) fn of_folder(name: &str) -> Option<String> {
    if !name.to_ascii_lowercase().contains("openspace") {
        return None;
    }
    let dotted = |text: &&str| {
        let parts: Vec<_> = text.split('.').collect();
        (2..=3).contains(&parts.len())
            && parts.iter().all(|part| (1..=3).contains(&part.len()) && part.parse::<u32>().is_ok())
    };
    let candidates = name.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    candidates.map(|text| text.trim_matches('.')).find(dotted).map(str::to_owned)
}

/// The commit of `COMMIT.md`, which holds `branch@commit`.
pub(super) fn of_commit_file(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let commit = line.rsplit_once('@').map_or(line, |(_, commit)| commit);
    let is_hash = (7..=40).contains(&commit.len()) && commit.bytes().all(|b| b.is_ascii_hexdigit());
    is_hash.then(|| commit.to_owned())
}

/// Is this version one that speaks the newer API?
pub(super) fn speaks_new_api(version: &str) -> Option<bool> {
    let mut parts = version.split('.').map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else { return None };
    Some((major, minor) >= (0, 22))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_tree_tells_its_version_unless_it_is_a_development_build() {
        let text = |major: &str| {
            format!(
                "project (OpenSpace)\nset(OPENSPACE_VERSION_MAJOR {major})\nset(OPENSPACE_VERSION_MINOR 21)\n\
                 set(OPENSPACE_VERSION_PATCH \"4\")\nset(OPENSPACE_VERSION_STRING)\n"
            )
        };
        assert_eq!(of_cmake(&text("0")).as_deref(), Some("0.21.4"));
        for none in ["", "255", "x"] {
            assert_eq!(of_cmake(&text(none)), None, "{none}");
        }
        assert_eq!(of_cmake("cmake_minimum_required(VERSION 3.25)"), None);
    }

    #[test]
    fn a_folder_name_is_a_hint() {
        for (name, version) in [
            ("OpenSpace-0.22.0", Some("0.22.0")),
            ("openspace_0.21.4-minimal", Some("0.21.4")),
            ("OpenSpace 0.20", Some("0.20")),
            ("OpenSpace", None),
            ("stellarium-0.22.2", None),
            ("OpenSpace-20260612", None),
            ("OpenSpace-1.2.3.4", None),
        ] {
            assert_eq!(of_folder(name).as_deref(), version, "{name}");
        }
    }

    #[test]
    fn a_commit_is_what_stands_behind_the_branch() {
        for (text, commit) in [
            ("releases/v0.22.0@8b2778bed1\n", Some("8b2778bed1")),
            ("\n8b2778bed1", Some("8b2778bed1")),
            ("feature/a@b@37e7e4f", Some("37e7e4f")),
            ("", None),
            ("@GIT_BRANCH@@GIT_COMMIT@", None),
        ] {
            assert_eq!(of_commit_file(text).as_deref(), commit, "{text:?}");
        }
    }

    #[test]
    fn versions_decide_the_api_only_when_they_are_versions() {
        assert_eq!(speaks_new_api("0.22.0"), Some(true));
        assert_eq!(speaks_new_api("1.0"), Some(true));
        assert_eq!(speaks_new_api("0.21.4"), Some(false));
        assert_eq!(speaks_new_api("main"), None);
    }
}
