//! Folders as people point at them: good ones, broken ones, and ones that are something else.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use model::ApiGeneration;
use openspace::build::{self, NotABuild, inspect};

const NEW_CFG: &str = "Server = { Interfaces = {} }";
const LEGACY_CFG: &str = "ModuleConfigurations = { Server = { Interfaces = {} } }";
const PROFILE: &str = r#"{ "version": { "major": 1, "minor": 5 },
    "meta": { "name": "Apollo 17", "description": "The last\u0007 one", "author": " NASA ", "url": "x" }, "assets": ["a"] }"#;

#[test]
fn a_release_is_read_without_running_it() {
    let install = Install::new("OpenSpace-0.22.0");
    install.write("COMMIT.md", "releases/v0.22.0@8b2778bed1\n");
    let seen = inspect(&install.dir).unwrap();
    assert_eq!(seen.api, ApiGeneration::New);
    assert_eq!(seen.version.as_deref(), Some("0.22.0"));
    assert_eq!(seen.commit.as_deref(), Some("8b2778bed1"));
    assert_eq!(seen.problems, Vec::<String>::new());
    assert!(!seen.demo);
    assert!(seen.notes.iter().any(|note| note.contains("sync")), "{:?}", seen.notes);
}

#[test]
fn a_developers_build_is_found_in_its_configuration_folder() {
    let install = Install::new("OpenSpace");
    fs::remove_file(install.dir.join("bin/OpenSpace")).unwrap();
    install.program("bin/RelWithDebInfo/OpenSpace");
    install.write("bin/RelWithDebInfo/OpenSpace_Helper", "");
    install.write("openspace.cfg", LEGACY_CFG);
    install.write("CMakeLists.txt", "set(OPENSPACE_VERSION_MAJOR )\nset(OPENSPACE_VERSION_MINOR )");
    fs::create_dir(install.dir.join("sync")).unwrap();
    let seen = inspect(&install.dir).unwrap();
    assert_eq!((seen.api, seen.version, seen.notes), (ApiGeneration::Legacy, None, vec![]));
    let program = build::executable(&install.dir).unwrap();
    assert_eq!(program, install.dir.join("bin/RelWithDebInfo/OpenSpace"));
    assert_eq!(build::helper(&program), Some(install.dir.join("bin/RelWithDebInfo/OpenSpace_Helper")));
}

#[test]
fn the_demo_renderer_says_what_it_is() {
    let install = Install::new("demo");
    install.write("DEMO.md", "A stand-in.");
    assert!(inspect(&install.dir).unwrap().demo);
    assert_eq!(build::helper(&build::executable(&install.dir).unwrap()), None);
}

#[test]
fn profiles_are_listed_with_what_they_say_of_themselves() {
    let install = Install::new("OpenSpace");
    install.write("data/profiles/missions/apollo.profile", PROFILE);
    install.write("data/profiles/aaa.profile", r#"{ "version": {}, "assets": [] }"#);
    install.write("data/profiles/notes.txt", "no profile");
    install.write("data/profiles/.hidden.profile", "{}");
    install.write("data/profiles/bad'name.profile", "{}");
    let profiles = build::profiles(&install.dir);
    let ids: Vec<_> = profiles.iter().map(|profile| profile.id.as_str()).collect();
    assert_eq!(ids, ["default", "aaa", "missions/apollo"]);
    assert_eq!(profiles[2].name, "Apollo 17");
    assert_eq!(profiles[2].description.as_deref(), Some("The last one"));
    assert_eq!(profiles[2].author.as_deref(), Some("NASA"));
    assert_eq!((profiles[1].name.as_str(), &profiles[1].author), ("aaa", &None));
}

#[test]
fn a_broken_or_huge_profile_is_listed_by_its_id_alone() {
    let install = Install::new("OpenSpace");
    let huge = format!(r#"{{ "meta": {{ "name": "Huge" }}, "x": "{}" }}"#, "x".repeat(5 << 20));
    for (name, content) in
        [("cut", &PROFILE[..60]), ("typed", r#"{"meta":{"name":7}}"#), ("huge", &huge), ("void", "")]
    {
        install.write(&format!("data/profiles/{name}.profile"), content);
    }
    for profile in build::profiles(&install.dir) {
        assert_eq!((profile.name, profile.description), (profile.id, None));
    }
    assert_eq!(build::profiles(&install.dir).len(), 5);
}

#[test]
fn links_in_circles_and_deep_folders_end() {
    let install = Install::new("OpenSpace");
    let profiles = install.dir.join("data/profiles");
    symlink(&profiles, profiles.join("again")).unwrap();
    symlink(&install.dir, profiles.join("up")).unwrap();
    symlink("nowhere", profiles.join("dangling.profile")).unwrap();
    install.write(&format!("data/profiles/{}x.profile", "d/".repeat(30)), "{}");
    let ids: Vec<_> = build::profiles(&install.dir).into_iter().map(|profile| profile.id).collect();
    assert!(ids.contains(&"default".to_owned()));
    assert!(!ids.iter().any(|id| id.ends_with('x')), "{ids:?}");
}

#[test]
fn what_is_no_openspace_is_told_why() {
    let root = tempfile::tempdir().unwrap();
    let reason = |dir: &Path| match inspect(dir) {
        Err(NotABuild::NotOpenSpace(_, why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(matches!(inspect(&root.path().join("none")), Err(NotABuild::Missing(_))));
    assert!(reason(root.path()).contains("neither openspace.cfg nor bin/OpenSpace"));

    fs::write(root.path().join("openspace.cfg"), NEW_CFG).unwrap();
    assert!(reason(root.path()).contains("no bin/OpenSpace"));
    fs::write(root.path().join("CMakeLists.txt"), "").unwrap();
    assert!(reason(root.path()).contains("not been built"));
    fs::create_dir(root.path().join("bin")).unwrap();
    fs::write(root.path().join("bin/OpenSpace.exe"), "").unwrap();
    assert!(reason(root.path()).contains("Windows"));

    let file = root.path().join("a file");
    fs::write(&file, "").unwrap();
    assert!(matches!(inspect(&file), Err(NotABuild::Missing(_))));
}

#[test]
fn problems_are_sentences_that_say_what_to_do() {
    let install = Install::new("OpenSpace");
    fs::set_permissions(install.dir.join("bin/OpenSpace"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::remove_dir_all(install.dir.join("data")).unwrap();
    install.write("openspace.cfg", "Profile = 'default'");
    let seen = inspect(&install.dir).unwrap();
    for word in ["chmod +x", "no profile", "no Server table"] {
        assert!(seen.problems.iter().any(|problem| problem.contains(word)), "{word}: {:?}", seen.problems);
    }
    assert_eq!(seen.api, ApiGeneration::New, "what is assumed where nothing shows it");
}

#[test]
fn a_configuration_that_cannot_be_read_is_a_problem_and_never_hangs() {
    let install = Install::new("OpenSpace-0.21.4");
    let cfg = install.dir.join("openspace.cfg");
    fs::remove_file(&cfg).unwrap();
    fs::create_dir(&cfg).unwrap();
    let seen = inspect(&install.dir).unwrap();
    assert!(seen.problems[0].contains("openspace.cfg cannot be read"), "{:?}", seen.problems);
    assert_eq!(seen.api, ApiGeneration::Legacy, "the folder's name is the last hint");

    fs::remove_dir(&cfg).unwrap();
    fs::write(&cfg, "-".repeat(2 << 20)).unwrap();
    assert!(inspect(&install.dir).unwrap().problems[0].contains("larger"));
}

#[test]
fn a_path_that_breaks_openspaces_scripts_is_refused() {
    for name in ["it's", "a\"b", "a[1]"] {
        let install = Install::new(name);
        let refusal = inspect(&install.dir).unwrap_err();
        assert!(matches!(refusal, NotABuild::UnusablePath(_)), "{name}");
        assert!(refusal.to_string().contains("move the folder"));
    }
}

/// A folder with the least that makes an OpenSpace.
struct Install {
    _root: tempfile::TempDir,
    dir: PathBuf,
}

impl Install {
    fn new(name: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let install = Self { dir: root.path().join(name), _root: root };
        install.program("bin/OpenSpace");
        install.write("openspace.cfg", NEW_CFG);
        install.write("data/profiles/default.profile", "{}");
        install
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn program(&self, path: &str) {
        self.write(path, "#!/bin/sh\nexit 1\n");
        fs::set_permissions(self.dir.join(path), fs::Permissions::from_mode(0o755)).unwrap();
    }
}
