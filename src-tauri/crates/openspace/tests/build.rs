//! Folders as people point at them: good ones, broken ones, and ones that are something else.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use model::ApiGeneration;
use openspace::build::{self, Inspection, NotABuild};

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
    assert_eq!((seen.api, seen.version), (ApiGeneration::Legacy, None));
    assert!(seen.notes.len() == 1 && seen.notes[0].contains("OPENSPACE_SYNC="), "{:?}", seen.notes);
    let own = [("OPENSPACE_SYNC".to_owned(), install.dir.join("sync").display().to_string())].into();
    assert!(build::inspect(&install.dir, &own).unwrap().notes.is_empty());
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
    let profiles = install.profiles();
    let ids: Vec<_> = profiles.iter().map(|profile| profile.id.as_str()).collect();
    assert_eq!(ids, ["default", "aaa", "missions/apollo"]);
    assert_eq!(profiles[2].name, "Apollo 17");
    assert_eq!(profiles[2].description.as_deref(), Some("The last one"));
    assert_eq!(profiles[2].author.as_deref(), Some("NASA"));
    assert_eq!((profiles[1].name.as_str(), &profiles[1].author), ("aaa", &None));
}

#[test]
fn a_broken_or_huge_profile_is_listed_with_what_is_wrong_with_it() {
    let install = Install::new("OpenSpace");
    let huge = format!(r#"{{ "meta": {{ "name": "Huge" }}, "x": "{}" }}"#, "x".repeat(5 << 20));
    let broken = [
        ("cut", &PROFILE[..60], "EOF"),
        ("typed", r#"{"meta":{"name":7}}"#, "expected a string"),
        ("huge", &huge, "larger than"),
        ("void", "", "EOF"),
    ];
    for (name, content, _) in broken {
        install.write(&format!("data/profiles/{name}.profile"), content);
    }
    let profiles = install.profiles();
    assert_eq!(profiles.len(), 5);
    for (name, _, why) in broken {
        let profile = profiles.iter().find(|profile| profile.id == name).unwrap();
        let problem = profile.problem.as_deref().unwrap();
        assert!(problem.contains(why) && problem.ends_with('.') && !problem.contains('/'), "{problem}");
    }
    assert_eq!(profiles[0].problem, None);
    let seen = inspect(&install.dir).unwrap();
    assert!(
        seen.notes.iter().any(|note| note.contains("4 of its profiles") && note.contains("cut")),
        "{:?}",
        seen.notes
    );
}

#[test]
fn of_two_profiles_of_one_name_the_users_counts() {
    let install = Install::new("OpenSpace");
    install.write("data/profiles/missions/apollo.profile", "{}");
    install.write("user/data/profiles/missions/apollo.profile", PROFILE);
    install.write("user/data/profiles/mine.profile", r#"{"meta":{"name":"Mine"}}"#);
    let named =
        |profiles: Vec<model::Profile>| profiles.into_iter().map(|profile| profile.name).collect::<Vec<_>>();
    assert_eq!(named(install.profiles()), ["default", "Mine", "Apollo 17"]);

    let elsewhere = tempfile::tempdir().unwrap();
    let env =
        std::collections::BTreeMap::from([("OPENSPACE_USER".into(), elsewhere.path().display().to_string())]);
    assert_eq!(named(build::profiles(&install.dir, &env)), ["default", "missions/apollo"]);
    assert_eq!(build::UserFolders::find(&install.dir, &env), build::UserFolders::default());
}

#[test]
fn whatever_changes_in_a_folder_changes_its_fingerprint() {
    let install = Install::new("OpenSpace");
    let print = || build::fingerprint(&install.dir, &Default::default());
    let mut last = print();
    assert_eq!(last, print());
    let mut changed = |what: &str| {
        let now = print();
        assert_ne!(now, last, "{what}");
        last = now;
    };
    install.write("openspace.cfg", "Server = { Interfaces = {  } }");
    changed("the configuration is longer");
    install.write("data/profiles/new.profile", "{}");
    changed("a profile more");
    install.write("user/data/profiles/own.profile", "{}");
    changed("a profile of the user's");
    let mark = build::program_mark(&install.dir);
    install.write("bin/OpenSpace", "#!/bin/sh\nexit 2 # another\n");
    changed("another program");
    assert_ne!(build::program_mark(&install.dir), mark);
    fs::create_dir(install.dir.join("sync")).unwrap();
    changed("a sync folder");
    fs::remove_dir_all(&install.dir).unwrap();
    changed("it is gone");
    assert_eq!(build::program_mark(&install.dir), None);
}

#[test]
fn links_in_circles_and_deep_folders_end() {
    let install = Install::new("OpenSpace");
    let profiles = install.dir.join("data/profiles");
    symlink(&profiles, profiles.join("again")).unwrap();
    symlink(&install.dir, profiles.join("up")).unwrap();
    symlink("nowhere", profiles.join("dangling.profile")).unwrap();
    install.write(&format!("data/profiles/{}x.profile", "d/".repeat(30)), "{}");
    let ids: Vec<_> = install.profiles().into_iter().map(|profile| profile.id).collect();
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

/// As an administrator who sets nothing else.
fn inspect(dir: &Path) -> Result<Inspection, NotABuild> {
    build::inspect(dir, &Default::default())
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

    fn profiles(&self) -> Vec<model::Profile> {
        build::profiles(&self.dir, &Default::default())
    }

    fn program(&self, path: &str) {
        self.write(path, "#!/bin/sh\nexit 1\n");
        fs::set_permissions(self.dir.join(path), fs::Permissions::from_mode(0o755)).unwrap();
    }
}
