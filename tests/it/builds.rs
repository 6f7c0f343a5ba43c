//! What can be launched: any X11 program, and a planetarium that nobody here wrote.

use std::{
    fs,
    path::{Path, PathBuf},
};

use e2e::{Api, TestNode, programs};
use model::{ApiGeneration, InstanceState};
use protocol::{
    admin::{AdminBuild, AdminCommand, AdminReply, SourceBuildView, SourceStep},
    api::LaunchRequest,
};

#[tokio::test]
async fn a_registered_program_is_launched_like_any_build() {
    let node = TestNode::start().await.unwrap();
    let (ann, admin) = (node.browser().await.unwrap(), node.admin().unwrap());
    // xlogo-like: the smallest X11 program of the test packages that opens a window.
    let run = ["xev", "-geometry", "200x100"].map(str::to_owned).to_vec();
    let add =
        AdminCommand::AddProgram { name: "X events".into(), run, working_dir: None, env: Default::default() };
    let AdminReply::BuildAdded { build } = admin.command(&add).await.unwrap() else { panic!("added") };
    assert_eq!((build.id.as_str(), build.kind.as_str()), ("x-events", "program"));
    let id = ann.launch_build(&build.id).await.unwrap();
    let view = ann.until(id, InstanceState::Ready).await.unwrap();
    assert!(!view.demo);
    admin.command(&AdminCommand::RemoveBuild { id: build.id.clone() }).await.unwrap_err();
    ann.stop(id).await.unwrap();
    ann.until_gone(id).await.unwrap();
    admin.command(&AdminCommand::RemoveBuild { id: build.id }).await.unwrap();
}

#[tokio::test]
async fn a_missing_program_is_not_registered() {
    let node = TestNode::start().await.unwrap();
    let run = vec!["/no/such/program".to_owned()];
    let add =
        AdminCommand::AddProgram { name: "None".into(), run, working_dir: None, env: Default::default() };
    let error = node.admin().unwrap().command(&add).await.unwrap_err().to_string();
    assert!(error.contains("there is no such file"), "{error}");
}

#[tokio::test]
async fn a_folder_is_watched_its_program_is_believed_and_neither_harms_what_runs() {
    let node = TestNode::start().await.unwrap();
    let (ann, admin) = (node.browser().await.unwrap(), node.admin().unwrap());
    // Spaces and other letters are nothing special in a path.
    let dir = programs::openspace_folder(&node.data_dir().join("Öppna rymden 0.22")).unwrap();
    let build = add(&admin, &dir).await.unwrap();
    let build = build.as_str();
    let before = look(&admin, build, |_| true).await;
    assert_eq!((before.problems, before.confirmed), (vec![], None), "{:?}", before.notes);

    // It is launched, and says what it is.
    let id = ann.launch_build(build).await.unwrap();
    ann.until(id, InstanceState::Ready).await.unwrap();
    let known = look(&admin, build, |one| one.confirmed.is_some()).await;
    let said = known.confirmed.unwrap();
    assert_eq!((said.version.as_deref(), said.api), (Some("0.22.0"), ApiGeneration::New));

    // A new profile is noticed, a broken one is said and refused.
    fs::write(dir.join("data/profiles/broken.profile"), "{ \"meta\": ").unwrap();
    fs::create_dir_all(dir.join("user/data/profiles")).unwrap();
    fs::write(dir.join("user/data/profiles/mine.profile"), r#"{"meta":{"name":"Mine"}}"#).unwrap();
    let refusal = launch_with(&ann, build, "broken").await.unwrap_err().to_string();
    assert!(refusal.contains("is broken"), "{refusal}");
    let noticed = look(&admin, build, |one| one.profiles.iter().any(|profile| profile.name == "Mine")).await;
    assert!(
        noticed.changed.is_some() && noticed.notes.iter().any(|note| note.contains("broken")),
        "{noticed:?}"
    );

    // One that runs keeps its build in the list, and runs on when the folder vanishes.
    admin.command(&AdminCommand::RemoveBuild { id: build.to_owned() }).await.unwrap_err();
    let away = node.data_dir().join("away");
    fs::rename(&dir, &away).unwrap();
    let gone = look(&admin, build, |one| !one.problems.is_empty()).await;
    assert!(gone.problems[0].contains("does not exist"), "{gone:?}");
    assert_eq!(ann.instance(id).await.unwrap().state, InstanceState::Ready);
    let refusal = ann.launch_build(build).await.unwrap_err().to_string();
    assert!(refusal.contains("does not exist") || refusal.contains("no profile"), "{refusal}");

    // It comes back, also for those who start by the user's own profile.
    fs::rename(&away, &dir).unwrap();
    look(&admin, build, |one| one.problems.is_empty()).await;
    ann.stop(id).await.unwrap();
    ann.until_gone(id).await.unwrap();
    let mine = launch_with(&ann, build, "mine").await.unwrap();
    ann.until(mine, InstanceState::Ready).await.unwrap();
    ann.stop(mine).await.unwrap();
    ann.until_gone(mine).await.unwrap();
    admin.command(&AdminCommand::RemoveBuild { id: build.to_owned() }).await.unwrap();
    assert!(dir.join("openspace.cfg").exists(), "nothing on the disk is touched");
}

#[tokio::test]
async fn folders_that_openspace_cannot_live_in_are_refused_with_a_sentence() {
    let node = TestNode::start().await.unwrap();
    let admin = node.admin().unwrap();
    for name in ["it's", "a \"quote\"", "a [bracket]"] {
        let dir = programs::openspace_folder(&node.data_dir().join(name)).unwrap();
        let refusal = add(&admin, &dir).await.unwrap_err().to_string();
        assert!(refusal.contains("breaks OpenSpace's scripts: move the folder"), "{name}: {refusal}");
    }
    assert!(add(&admin, &node.data_dir().join("none")).await.is_err());
}

async fn add(admin: &Api, dir: &Path) -> anyhow::Result<String> {
    let dir = dir.display().to_string();
    let add = AdminCommand::AddBuild { dir, env: Default::default(), args: Vec::new() };
    match admin.command(&add).await? {
        AdminReply::BuildAdded { build } => Ok(build.id),
        other => anyhow::bail!("{other:?}"),
    }
}

async fn launch_with(api: &Api, build: &str, profile: &str) -> anyhow::Result<model::InstanceId> {
    let (build, profile) = (Some(build.to_owned()), Some(profile.to_owned()));
    api.launch(&LaunchRequest { build, profile, ..LaunchRequest::default() }).await
}

/// Waits until the panel shows the build so.
async fn look(admin: &Api, id: &str, wanted: impl Fn(&AdminBuild) -> bool) -> AdminBuild {
    for _ in 0..1800 {
        let builds = admin.snapshot().await.unwrap().builds;
        if let Some(one) = builds.into_iter().find(|one| one.build.id == id && wanted(one)) {
            return one;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{id} is not shown so: {:?}", admin.snapshot().await.unwrap().builds);
}

#[tokio::test]
async fn sources_become_a_build_and_a_failed_one_replaces_nothing() {
    let mut node = TestNode::start().await.unwrap();
    let admin = node.admin().unwrap();
    let sources = checkout(&node.data_dir().join("Sky sources"));
    let start = async |options: &[(&str, &str)]| {
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        admin.command(&AdminCommand::BuildFromSource { dir: sources.display().to_string(), options }).await
    };

    start(&[("SKY_VERSION", "one")]).await.unwrap();
    let done = source_build(&admin, |view| view.message.is_some()).await;
    assert_eq!(
        (done.step, done.build.as_deref()),
        (SourceStep::Done, Some("sky-sources-from-source")),
        "{done:?}"
    );
    assert!(done.log_tail.iter().any(|line| line.contains("Built target OpenSpace")), "{done:?}");
    let first = look(&admin, "sky-sources-from-source", |one| one.problems.is_empty()).await;
    let said = |dir: &str| fs::read_to_string(Path::new(dir).join("COMMIT.md")).unwrap();
    assert_eq!(said(&first.location), "one");

    // One that does not compile, one that is no CMake project any more, and one that is cancelled, in the middle of its build.
    for (options, word) in
        [(&[("SKY_BREAKS", "ON")][..], "no sky today"), (&[("SKY_MISSING", "ON")], "fatal: no sky at all")]
    {
        start(options).await.unwrap();
        let failed = source_build(&admin, |view| view.message.is_some()).await;
        assert!(
            failed.step == SourceStep::Failed && failed.message.as_deref().unwrap().contains(word),
            "{failed:?}"
        );
    }
    start(&[("SKY_BREAKS", "OFF"), ("SKY_MISSING", "OFF"), ("SKY_SLEEPS", "600")]).await.unwrap();
    source_build(&admin, |view| view.step == SourceStep::Building && !view.log_tail.is_empty()).await;
    assert!(start(&[]).await.unwrap_err().to_string().contains("under way"));
    admin.command(&AdminCommand::CancelSourceBuild).await.unwrap();
    assert_eq!(source_build(&admin, |view| view.message.is_some()).await.step, SourceStep::Cancelled);
    let same = look(&admin, "sky-sources-from-source", |_| true).await;
    assert_eq!((same.location.as_str(), said(&same.location).as_str()), (first.location.as_str(), "one"));
    let installed = || fs::read_dir(node.data_dir().join("builds/installed")).unwrap().count();
    assert_eq!(installed(), 1, "nothing is left of those that came to nothing");

    // The next one takes the place of the first, under the same id.
    start(&[("SKY_SLEEPS", "0"), ("SKY_VERSION", "two")]).await.unwrap();
    assert_eq!(source_build(&admin, |view| view.message.is_some()).await.step, SourceStep::Done);
    let second = look(&admin, "sky-sources-from-source", |one| one.location != first.location).await;
    assert_eq!((said(&second.location), installed()), ("two".to_owned(), 2));

    // One that runs ends with the node.
    start(&[("SKY_SLEEPS", "601")]).await.unwrap();
    source_build(&admin, |view| view.log_tail.iter().any(|line| line.contains("asleep"))).await;
    node.stop().await.unwrap();
    let sleeps = |line: &[u8]| line.windows(9).any(|part| part == b"sleep\x00601");
    let left = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|process| fs::read(process.path().join("cmdline")).is_ok_and(|line| sleeps(&line)));
    assert_eq!(left.count(), 0);
}

/// The least CMake project that installs what looks like an OpenSpace.
fn checkout(dir: &Path) -> PathBuf {
    fs::create_dir_all(dir.join("data/profiles")).unwrap();
    let files = [
        ("data/profiles/default.profile", "{}"),
        ("openspace.cfg", "Server = { Interfaces = {} }"),
        ("main.c", "#ifdef BREAKS\n#error no sky today\n#endif\nint main(void) { return 0; }\n"),
        (
            "CMakeLists.txt",
            r#"cmake_minimum_required(VERSION 3.16)
project(OpenSpace C)
if(SKY_MISSING)
  message(FATAL_ERROR "fatal: no sky at all")
endif()
add_executable(OpenSpace main.c)
if(SKY_BREAKS)
  target_compile_definitions(OpenSpace PRIVATE BREAKS)
endif()
if(SKY_SLEEPS)
  add_custom_target(nap ALL COMMAND ${CMAKE_COMMAND} -E echo asleep COMMAND sleep ${SKY_SLEEPS})
endif()
file(WRITE "${CMAKE_BINARY_DIR}/COMMIT.md" "${SKY_VERSION}")
install(TARGETS OpenSpace DESTINATION bin)
install(FILES openspace.cfg "${CMAKE_BINARY_DIR}/COMMIT.md" DESTINATION .)
install(DIRECTORY data DESTINATION .)
"#,
        ),
    ];
    for (name, content) in files {
        fs::write(dir.join(name), content).unwrap();
    }
    dir.to_owned()
}

async fn source_build(admin: &Api, wanted: impl Fn(&SourceBuildView) -> bool) -> SourceBuildView {
    let mut last = None;
    for _ in 0..1800 {
        last = admin.snapshot().await.unwrap().source_build;
        if let Some(view) = last.clone().filter(&wanted) {
            return view;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the build is not so: {last:?}");
}
