//! From a wish to a running program: decides the plan, writes what it needs, starts it. Blocks; runs beside the driver.

use std::{
    fs,
    io::{self, Write},
    net::{Ipv4Addr, TcpListener, UdpSocket},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use model::{Build, BuildKind, LaunchPlan, launch::Api};
use openspace::{
    build::UserFolders,
    launch::{Order, PlanError, Ports},
};

use crate::{
    Spec, log,
    machine::Failure,
    process::{self, Mark, Program},
};

#[derive(Debug)]
pub(crate) struct Launched {
    pub program: Program,
    pub api: Option<Api>,
    pub notes: Vec<String>,
}

/// `display_env` leads the program to its own display.
pub(crate) fn launch(spec: &Spec, display_env: Vec<(String, String)>) -> Result<Launched, Failure> {
    let mut plan = plan(spec)?;
    // What is empty there is meant to be absent, and is removed by the start.
    plan.env.extend(display_env.into_iter().filter(|(_, value)| !value.is_empty()));
    write(&plan).map_err(|error| unwritable(&error))?;
    // What an earlier start left behind would hold ports and caches.
    let mark = Mark::of(&spec.dir);
    process::sweep(&mark, None);
    let log = log::begin(&spec.dir).map_err(|error| unwritable(&error))?;
    let program = Program::spawn(&plan, mark, log).map_err(|error| {
        let name = &spec.build.name;
        let why = format!("{name} cannot be started: {}.", sentence_part(&error));
        // Neither a program that is missing nor one that may not be run gets better by trying again.
        let heals = !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied);
        Failure { why, heals, note: Some(format!("{}: {error}", plan.program.display())) }
    })?;
    Ok(Launched { program, api: plan.api, notes: plan.notes })
}

/// What is to be made and started. Reads the build's folder and asks the system for free ports; changes nothing.
fn plan(spec: &Spec) -> Result<LaunchPlan, Failure> {
    let graphics = &spec.graphics;
    let mut plan = match &spec.build.kind {
        BuildKind::OpenSpace { dir, .. } => openspace_plan(spec, dir)?,
        BuildKind::Program { command, working_dir } => program_plan(spec, command, working_dir.as_deref())?,
    };
    // The build's own environment is the administrator's last word on how it is drawn.
    for (name, value) in graphics.env() {
        plan.env.entry(name).or_insert(value);
    }
    plan.notes.push(format!("{}.", graphics.describe()));
    Ok(match graphics.vglrun() {
        Some(vglrun) => behind(vglrun, plan),
        None => plan,
    })
}

fn openspace_plan(spec: &Spec, install: &Path) -> Result<LaunchPlan, Failure> {
    let Build { name, .. } = &spec.build;
    if !install.is_dir() {
        return Err(Failure::lasting(format!(
            "The folder of {name} is gone. Put it back, or register the build anew."
        ))
        .noting(format!("{} does not exist or cannot be read", install.display())));
    }
    let executable = openspace::build::executable(install).ok_or_else(|| {
        Failure::lasting(format!(
            "The folder of {name} holds no OpenSpace program. Complete it, or register the build anew."
        ))
        .noting(format!("{} has no bin/OpenSpace", install.display()))
    })?;
    let profile = spec.profile.as_deref().unwrap_or(DEFAULT_PROFILE);
    let env = &spec.build.env;
    check_profile(&spec.build, profile, install)?;
    let own_sync = openspace::build::own_sync_folder(env);
    let order = Order {
        build: &spec.build,
        profile,
        instance: spec.id,
        dir: &spec.dir,
        sync_dir: own_sync.as_deref().unwrap_or(&spec.sync_dir),
        user: UserFolders::find(install, env),
        size: spec.size,
        ports: free_ports().map_err(|error| {
            Failure::passing(format!(
                "{name} cannot be started: there is no free port on this machine ({error})."
            ))
        })?,
        mesa: spec.graphics.is_mesa(),
        helper: openspace::build::helper(&executable),
        executable,
    };
    openspace::launch::plan(&order).map_err(|error| unplannable(name, &error))
}

const DEFAULT_PROFILE: &str = "default";
/// Profiles that a sentence names; the home page lists them all.
const PROFILES_SAID: usize = 5;

fn check_profile(build: &Build, profile: &str, install: &Path) -> Result<(), Failure> {
    let name = &build.name;
    let known = openspace::build::profiles(install, &build.env);
    if let Some(found) = known.iter().find(|known| known.id == profile) {
        let broken = |problem: &String| {
            Failure::lasting(format!("The profile `{profile}` of {name} cannot be used. {problem}"))
        };
        return found.problem.as_ref().map_or(Ok(()), |problem| Err(broken(problem)));
    }
    let shown: Vec<&str> = known.iter().take(PROFILES_SAID).map(|known| known.id.as_str()).collect();
    let profile: String = profile.chars().take(80).collect();
    let why = if shown.is_empty() {
        format!("The profile `{profile}` does not exist in {name}, which has no profiles at all.")
    } else {
        format!(
            "The profile `{profile}` does not exist in {name}. Choose another, such as {}.",
            shown.join(", ")
        )
    };
    Err(Failure::lasting(why))
}

/// The paths that these errors name are the administrator's business; the sentence for viewers does without them.
fn unplannable(name: &str, error: &PlanError) -> Failure {
    let why = match error {
        PlanError::BadProfile(_) => format!("{name} cannot be started: {error}."),
        _ => format!("{name} cannot be started as it is registered. Look at the notes of this instance."),
    };
    Failure::lasting(why).noting(error.to_string())
}

fn program_plan(spec: &Spec, command: &Path, working_dir: Option<&Path>) -> Result<LaunchPlan, Failure> {
    let Build { name, env, args, .. } = &spec.build;
    let working_dir = working_dir.unwrap_or(&spec.dir).to_owned();
    let path = env.get("PATH").map(Into::into).or_else(|| std::env::var_os("PATH")).unwrap_or_default();
    let program = find(command, &working_dir, std::env::split_paths(&path)).ok_or_else(|| {
        Failure::lasting(format!("{name} is not installed on this machine, or its program was moved. Install it, or register it anew."))
            .noting(format!("`{}` is neither an executable file nor the name of one in PATH", command.display()))
    })?;
    if working_dir != spec.dir && !working_dir.is_dir() {
        return Err(Failure::lasting(format!(
            "The working folder of {name} is gone. Put it back, or register the build anew."
        ))
        .noting(format!("{} does not exist or cannot be read", working_dir.display())));
    }
    Ok(LaunchPlan {
        program,
        args: args.clone(),
        env: env.clone(),
        working_dir,
        folders: vec![spec.dir.clone()],
        ..LaunchPlan::default()
    })
}

/// As a shell would: a bare name is looked up, anything with a `/` is a path.
fn find(command: &Path, working_dir: &Path, path: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    let runs = |file: &PathBuf| {
        fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if command.components().count() > 1 {
        Some(working_dir.join(command)).filter(runs)
    } else {
        path.map(|folder| folder.join(command)).find(runs)
    }
}

fn behind(wrapper: &Path, plan: LaunchPlan) -> LaunchPlan {
    let original = plan.program.to_string_lossy().into_owned();
    let args = std::iter::once(original).chain(plan.args).collect();
    LaunchPlan { program: wrapper.to_owned(), args, ..plan }
}

/// Held all at once, so that no two are the same; free on every address, since OpenSpace binds them all.
fn free_ports() -> io::Result<Ports> {
    let any = (Ipv4Addr::UNSPECIFIED, 0);
    let (websocket, web_gui, tuio) =
        (TcpListener::bind(any)?, TcpListener::bind(any)?, UdpSocket::bind(any)?);
    Ok(Ports {
        websocket: websocket.local_addr()?.port(),
        web_gui: web_gui.local_addr()?.port(),
        tuio: tuio.local_addr()?.port(),
    })
}

/// Makes folders, links and files as the plan says, over what an earlier start made. Each appears whole or not at all.
fn write(plan: &LaunchPlan) -> io::Result<()> {
    for folder in &plan.folders {
        fs::create_dir_all(folder)?;
    }
    for (link, target) in &plan.links {
        if fs::read_link(link).is_ok_and(|present| present == *target) {
            continue;
        }
        let fresh = beside(link);
        remove_if_there(&fresh)?;
        symlink(target, &fresh)?;
        fs::rename(&fresh, link)?;
    }
    for (file, text) in &plan.files {
        let fresh = beside(file);
        let mut writer = fs::File::create(&fresh)?;
        writer.write_all(text.as_bytes())?;
        drop(writer);
        fs::rename(&fresh, file)?;
    }
    remove_torn_settings(plan)
}

/// OpenSpace rewrites its `settings.json` at each start and end; one that a kill cut short keeps it from starting ever again.
fn remove_torn_settings(plan: &LaunchPlan) -> io::Result<()> {
    for folder in plan.folders.iter().take(1).filter(|_| plan.api.is_some()) {
        let settings = folder.join("settings.json");
        if fs::read(&settings).is_ok_and(|text| !text.trim_ascii_end().ends_with(b"}")) {
            remove_if_there(&settings)?;
        }
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

fn unwritable(error: &io::Error) -> Failure {
    let what_to_do = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "The disk of the data folder is full: free some space."
        }
        _ => "Make the data folder writable.",
    };
    Failure::passing(format!(
        "The folder of this instance cannot be written ({}). {what_to_do}",
        sentence_part(error)
    ))
}

/// "Permission denied (os error 13)" without what only programmers read.
fn sentence_part(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::machine::tests::{policy, program_build};
    use display::graphics::Graphics;

    #[test]
    fn a_program_is_found_as_a_shell_would() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("tool");
        fs::write(&file, "").unwrap();
        let path = || [PathBuf::from("/nowhere"), dir.path().to_owned()].into_iter();
        assert_eq!(find("tool".as_ref(), "/".as_ref(), path()), None, "it may not be run");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        for (command, working_dir, found) in [
            ("tool", "/", true),
            (file.to_str().unwrap(), "/", true),
            ("./tool", dir.path().to_str().unwrap(), true),
            ("./tool", "/", false),
            ("spade", "/", false),
            (dir.path().to_str().unwrap(), "/", false),
        ] {
            assert_eq!(
                find(command.as_ref(), working_dir.as_ref(), path()).is_some(),
                found,
                "{command} in {working_dir}"
            );
        }
    }

    #[test]
    fn a_program_is_planned_with_its_own_words() {
        let dir = tempfile::tempdir().unwrap();
        let spec = spec(dir.path(), program_build("sh", &["-c", "true"]));
        let planned = plan(&spec).unwrap();
        assert!(planned.program.is_absolute());
        assert_eq!((planned.args, planned.working_dir), (vec!["-c".to_owned(), "true".to_owned()], spec.dir));
        assert_eq!(planned.env["LIBGL_ALWAYS_SOFTWARE"], "1");
    }

    #[test]
    fn the_builds_environment_has_the_last_word_on_drawing() {
        let dir = tempfile::tempdir().unwrap();
        let mut build = program_build("sh", &[]);
        build.env.insert("GALLIUM_DRIVER".to_owned(), "softpipe".to_owned());
        assert_eq!(plan(&spec(dir.path(), build)).unwrap().env["GALLIUM_DRIVER"], "softpipe");
    }

    #[test]
    fn on_a_gpu_the_program_runs_behind_vglrun() {
        let dir = tempfile::tempdir().unwrap();
        let spec = Spec {
            graphics: Graphics::VirtualGl {
                vglrun: "/opt/vgl/vglrun".into(),
                device: "egl1".to_owned(),
                gpu: None,
            },
            ..spec(dir.path(), program_build("sh", &["-c", "x"]))
        };
        let planned = plan(&spec).unwrap();
        assert_eq!(planned.program, Path::new("/opt/vgl/vglrun"));
        assert!(planned.args[0].ends_with("/sh"), "{:?}", planned.args);
        assert_eq!(planned.args[1..], ["-c", "x"]);
        assert_eq!(planned.env["VGL_DISPLAY"], "egl1");
        assert!(!planned.env.contains_key("LIBGL_ALWAYS_SOFTWARE"));
    }

    #[test]
    fn what_cannot_heal_is_said_without_paths_and_noted_with_them() {
        let dir = tempfile::tempdir().unwrap();
        let mut homeless = program_build("sh", &[]);
        let BuildKind::Program { working_dir, .. } = &mut homeless.kind else { panic!() };
        *working_dir = Some("/no/such/folder".into());
        let mut vanished = program_build("sh", &[]);
        vanished.kind = BuildKind::OpenSpace {
            dir: "/no/such/openspace".into(),
            api: model::ApiGeneration::New,
            version: None,
            commit: None,
            demo: false,
        };
        for (build, says) in [
            (program_build("/no/such/program", &[]), "is not installed"),
            (program_build("no-such-program", &[]), "is not installed"),
            (homeless, "working folder"),
            (vanished, "folder of Test is gone"),
        ] {
            let failure = plan(&spec(dir.path(), build)).unwrap_err();
            assert!(!failure.heals && failure.why.contains(says), "{failure:?}");
            assert!(!failure.why.contains("/no"), "{failure:?}");
            assert!(failure.note.as_ref().unwrap().contains("no"), "{failure:?}");
        }
    }

    #[test]
    fn writing_twice_is_writing_once_and_links_follow_the_plan() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join("instance").join(name);
        let first = LaunchPlan {
            folders: vec![at(""), at("bin")],
            links: vec![(at("bin/OpenSpace"), "/old".into())],
            files: vec![(at("openspace.cfg"), "old".to_owned())],
            api: Some(Api { port: 1, generation: model::ApiGeneration::New }),
            ..LaunchPlan::default()
        };
        let second = LaunchPlan {
            links: vec![(at("bin/OpenSpace"), "/new".into())],
            files: vec![(at("openspace.cfg"), "new".to_owned())],
            ..first.clone()
        };
        for plan in [&first, &first, &second] {
            write(plan).unwrap();
        }
        assert_eq!(fs::read_link(at("bin/OpenSpace")).unwrap(), Path::new("/new"));
        assert_eq!(fs::read_to_string(at("openspace.cfg")).unwrap(), "new");
        let left: Vec<_> = fs::read_dir(at("bin")).unwrap().collect();
        assert_eq!(left.len(), 1);

        for (settings, stays) in [("{\"a\": 1}\n", true), ("{\"a\": ", false), ("", false)] {
            fs::write(at("settings.json"), settings).unwrap();
            write(&second).unwrap();
            assert_eq!(at("settings.json").exists(), stays, "{settings:?}");
        }
    }

    #[test]
    fn ports_are_free_and_differ() {
        let ports = free_ports().unwrap();
        assert_ne!(ports.websocket, ports.web_gui);
        TcpListener::bind((Ipv4Addr::LOCALHOST, ports.websocket)).unwrap();
        UdpSocket::bind((Ipv4Addr::LOCALHOST, ports.tuio)).unwrap();
    }

    fn spec(dir: &Path, build: Build) -> Spec {
        Spec {
            id: model::InstanceId::random(),
            build,
            profile: None,
            size: model::Size::HD,
            dir: dir.join("instance"),
            sync_dir: dir.join("sync"),
            graphics: Graphics::Mesa { reason: "none is wanted".to_owned() },
            turn: None,
            policy: policy(),
        }
    }
}
