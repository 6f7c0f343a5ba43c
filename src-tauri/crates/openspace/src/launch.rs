//! The per-instance view of one read-only install: what to make and how to start. Pure; the supervisor does it.
//!
//! OpenSpace takes `${BIN}` from the path by which it was started, and everything else from the `openspace.cfg` that
//! it finds upward from there. So an instance gets a folder of its own:
//!
//! ```text
//!   <dir>/bin/OpenSpace         link to the install's executable; Chromium's cache comes to lie beside it
//!   <dir>/bin/OpenSpace_Helper  link, where the install has one
//!   <dir>/openspace.cfg         runs the install's, then overrides ports and paths ([`cfg`])
//!   <dir>/window.json           one borderless window of the wanted size ([`window`])
//!   <dir>/startup.lua           runs when the scene is loaded
//!   <dir>/{user,logs,cache,temp,documentation}/
//! ```
//!
//! Nothing in the install is written, and only the folder of downloaded assets is shared.

mod cfg;
mod window;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use model::{ApiGeneration, Build, BuildKind, InstanceId, LaunchPlan, Size, launch::Api};

use crate::{
    build::UserFolders,
    names::{is_profile_name, usable_text},
};

#[derive(Clone, Debug)]
pub struct Order<'a> {
    pub build: &'a Build,
    pub profile: &'a str,
    pub instance: InstanceId,
    /// The instance's folder: everything that the program writes goes below it.
    pub dir: &'a Path,
    pub sync_dir: &'a Path,
    /// What the person who uses the install keeps beside it.
    pub user: UserFolders,
    pub size: Size,
    pub ports: Ports,
    /// GL is Mesa's software renderer: OpenSpace wants 4.6 and Mesa offers 4.5.
    pub mesa: bool,
    /// The install's own executable, as [`crate::build::executable`] found it.
    pub executable: PathBuf,
    /// Chromium's helper beside it, as [`crate::build::helper`] found it; absent in builds without a web GUI.
    pub helper: Option<PathBuf>,
}

/// Free ports on loopback, one for each socket that OpenSpace would otherwise open on a fixed one.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub websocket: u16,
    pub web_gui: u16,
    pub tuio: u16,
}

#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error(
        "the path {0} holds one of ' \" [ ] ${{ or a control character, which breaks OpenSpace's scripts"
    )]
    UnusablePath(PathBuf),
    #[error("the path {0} is relative: OpenSpace is started in another folder, so it must be absolute")]
    RelativePath(PathBuf),
    #[error(
        "the profile `{0}` is not a profile's name: parts of letters, digits, spaces and . _ - + ( ), with / between them"
    )]
    BadProfile(String),
    #[error("`{0}` is not an OpenSpace build")]
    NotOpenSpace(String),
}

pub fn plan(order: &Order<'_>) -> Result<LaunchPlan, PlanError> {
    let BuildKind::OpenSpace { dir: install, api, .. } = &order.build.kind else {
        return Err(PlanError::NotOpenSpace(order.build.name.clone()));
    };
    if !is_profile_name(order.profile) {
        return Err(PlanError::BadProfile(order.profile.chars().take(100).collect()));
    }
    let install = checked(install)?;
    let dir = checked(order.dir)?;
    let sync = checked(order.sync_dir)?;
    checked(&order.executable)?;
    let user_profiles = order.user.profiles.as_deref().map(checked).transpose()?;
    let user_assets = order.user.assets.as_deref().map(checked).transpose()?;

    let settings = cfg::Settings {
        install,
        dir,
        sync,
        user_profiles,
        user_assets,
        api: *api,
        ports: order.ports,
        tile_cache_mb: tile_cache_mb(order.mesa),
    };
    let bin = order.dir.join("bin");
    Ok(LaunchPlan {
        program: bin.join("OpenSpace"),
        args: arguments(order, dir),
        env: environment(order),
        working_dir: bin.clone(),
        folders: folders(order),
        links: links(order, &bin),
        files: vec![
            (order.dir.join("openspace.cfg"), cfg::openspace_cfg(&settings)),
            (order.dir.join("startup.lua"), cfg::STARTUP_LUA.to_owned()),
            (order.dir.join("window.json"), window::window_json(order.instance, order.size)),
        ],
        api: Some(Api { port: order.ports.websocket, generation: *api }),
        notes: notes(order, *api),
    })
}

fn checked(path: &Path) -> Result<&str, PlanError> {
    let text = usable_text(path).ok_or_else(|| PlanError::UnusablePath(path.to_owned()))?;
    if path.is_absolute() { Ok(text) } else { Err(PlanError::RelativePath(path.to_owned())) }
}

fn arguments(order: &Order<'_>, dir: &str) -> Vec<String> {
    let ours = [
        "--config".to_owned(),
        format!("{dir}/window.json"),
        "--profile".to_owned(),
        order.profile.to_owned(),
        "--bypassLauncher".to_owned(),
    ];
    ours.into_iter().chain(order.build.args.iter().cloned()).collect()
}

/// SGCT asks for exactly OpenGL 4.6; a real 0.22 runs well on Mesa's 4.5 when it is called 4.6.
const MESA_OVERRIDES: [(&str, &str); 2] =
    [("MESA_GL_VERSION_OVERRIDE", "4.6"), ("MESA_GLSL_VERSION_OVERRIDE", "460")];

fn environment(order: &Order<'_>) -> BTreeMap<String, String> {
    let mesa = if order.mesa { &MESA_OVERRIDES[..] } else { &[] };
    let ours = mesa.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    ours.chain(order.build.env.clone()).collect()
}

fn folders(order: &Order<'_>) -> Vec<PathBuf> {
    // From 0.21 on OpenSpace records into a folder only if that is there.
    let own =
        ["bin", "user", "user/screenshots", "user/recordings", "logs", "cache", "temp", "documentation"];
    let own = own.map(|name| order.dir.join(name));
    [order.dir.to_owned()].into_iter().chain(own).chain([order.sync_dir.to_owned()]).collect()
}

fn links(order: &Order<'_>, bin: &Path) -> Vec<(PathBuf, PathBuf)> {
    let program = (bin.join("OpenSpace"), order.executable.clone());
    let helper = order.helper.clone().map(|helper| (bin.join("OpenSpace_Helper"), helper));
    [program].into_iter().chain(helper).collect()
}

/// OpenSpace takes the whole cache for globe tiles at start: a real 0.22 held 3.2 GB with its own 2048, 0.7 GB with 256.
fn tile_cache_mb(mesa: bool) -> u32 {
    if mesa { 256 } else { 512 }
}

fn notes(order: &Order<'_>, api: ApiGeneration) -> Vec<String> {
    let mut notes = if order.build.is_demo() {
        vec![
            "This is the demo renderer, a stand-in that draws a small sky of its own. Add the folder of an OpenSpace \
             build to stream the real one."
                .to_owned(),
        ]
    } else {
        openspace_notes(order.mesa, api)
    };
    if !order.build.env.is_empty() {
        let names: Vec<_> = order.build.env.keys().map(String::as_str).collect();
        notes.push(format!("The build sets its own environment: {}.", names.join(", ")));
    }
    notes
}

fn openspace_notes(mesa: bool, api: ApiGeneration) -> Vec<String> {
    let mut notes = Vec::new();
    if mesa {
        notes.push(
            "OpenGL is Mesa's software renderer here: MESA_GL_VERSION_OVERRIDE=4.6 and MESA_GLSL_VERSION_OVERRIDE=460 \
             are set, because OpenSpace asks for OpenGL 4.6 and Mesa offers 4.5."
                .to_owned(),
        );
    }
    notes.push(format!(
        "The cache for globe tiles is limited to {} MB; OpenSpace's own setting takes 2048 MB for each instance.",
        tile_cache_mb(mesa)
    ));
    if api == ApiGeneration::Legacy {
        notes.push(
            "This generation of OpenSpace opens two ports that cannot be moved: UDP 3333 for touch tables and 8088 on \
             loopback for its browser's debugger. Only the first of several instances gets them; none needs them."
                .to_owned(),
        );
    }
    notes
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn build(api: ApiGeneration) -> Build {
        Build {
            id: "os".parse().unwrap(),
            name: "OpenSpace".to_owned(),
            kind: BuildKind::OpenSpace {
                dir: "/opt/open space".into(),
                api,
                version: None,
                commit: None,
                demo: false,
            },
            env: BTreeMap::new(),
            args: Vec::new(),
        }
    }

    fn order(build: &Build) -> Order<'_> {
        Order {
            build,
            profile: "missions/apollo",
            instance: InstanceId::random(),
            dir: Path::new("/var/lib/osw/3"),
            sync_dir: Path::new("/var/lib/osw/sync"),
            user: UserFolders::default(),
            size: Size::HD,
            ports: Ports { websocket: 46823, web_gui: 46803, tuio: 33333 },
            mesa: true,
            executable: "/opt/open space/bin/RelWithDebInfo/OpenSpace".into(),
            helper: None,
        }
    }

    #[test]
    fn the_program_is_started_by_its_own_path_below_the_instance() {
        let build = build(ApiGeneration::New);
        let plan = plan(&order(&build)).unwrap();
        assert_eq!(plan.program, Path::new("/var/lib/osw/3/bin/OpenSpace"));
        assert_eq!(plan.working_dir, Path::new("/var/lib/osw/3/bin"));
        assert_eq!(
            plan.links,
            [(plan.program.clone(), "/opt/open space/bin/RelWithDebInfo/OpenSpace".into())]
        );
        assert_eq!(
            plan.args,
            ["--config", "/var/lib/osw/3/window.json", "--profile", "missions/apollo", "--bypassLauncher"]
        );
        assert_eq!(plan.api, Some(Api { port: 46823, generation: ApiGeneration::New }));
    }

    #[test]
    fn the_helper_is_linked_where_there_is_one() {
        let build = build(ApiGeneration::New);
        let helper = PathBuf::from("/opt/open space/bin/RelWithDebInfo/OpenSpace_Helper");
        let plan = plan(&Order { helper: Some(helper.clone()), ..order(&build) }).unwrap();
        assert_eq!(plan.links[1], ("/var/lib/osw/3/bin/OpenSpace_Helper".into(), helper));
    }

    #[test]
    fn nothing_is_made_outside_the_instance_but_the_shared_assets() {
        let build = build(ApiGeneration::Legacy);
        let plan = plan(&order(&build)).unwrap();
        let made = plan.folders.iter().chain(plan.links.iter().map(|(link, _)| link));
        for path in made.chain(plan.files.iter().map(|(file, _)| file)) {
            assert!(path.starts_with("/var/lib/osw/3") || path == Path::new("/var/lib/osw/sync"), "{path:?}");
        }
    }

    #[test]
    fn mesa_overrides_are_set_and_said_and_the_build_has_the_last_word() {
        let mut build = build(ApiGeneration::New);
        build.env.insert("MESA_GL_VERSION_OVERRIDE".to_owned(), "4.7".to_owned());
        build.args.push("--propertyVisibility".to_owned());
        let with_mesa = plan(&order(&build)).unwrap();
        assert_eq!(with_mesa.env["MESA_GL_VERSION_OVERRIDE"], "4.7");
        assert_eq!(with_mesa.env["MESA_GLSL_VERSION_OVERRIDE"], "460");
        assert_eq!(with_mesa.args.last().map(String::as_str), Some("--propertyVisibility"));
        assert!(with_mesa.notes.iter().any(|note| note.contains("MESA_GL_VERSION_OVERRIDE=4.6")));

        build.env.clear();
        let with_gpu = plan(&Order { mesa: false, ..order(&build) }).unwrap();
        assert!(with_gpu.env.is_empty());
        assert!(!with_gpu.notes.iter().any(|note| note.contains("Mesa")));
    }

    #[test]
    fn the_demo_says_that_it_is_one() {
        let mut build = build(ApiGeneration::New);
        let BuildKind::OpenSpace { demo, .. } = &mut build.kind else { unreachable!() };
        *demo = true;
        let notes = plan(&order(&build)).unwrap().notes;
        assert!(notes.len() == 1 && notes[0].contains("demo"), "{notes:?}");
    }

    #[test]
    fn a_note_names_the_variables_of_a_build_but_never_their_values() {
        let mut build = build(ApiGeneration::New);
        build.env.insert("API_KEY".to_owned(), "hunter2".to_owned());
        let notes = plan(&order(&build)).unwrap().notes.join(" ");
        assert!(notes.contains("API_KEY") && !notes.contains("hunter2"), "{notes}");
    }

    #[test]
    fn paths_that_break_lua_are_refused_wherever_they_stand() {
        let build = build(ApiGeneration::New);
        for bad in ["/a'b", "/a\"b", "/a[b", "/a]b", "/a\nb", "/a${BIN}b"] {
            let bad = Path::new(bad);
            for order in [
                Order { dir: bad, ..order(&build) },
                Order { sync_dir: bad, ..order(&build) },
                Order { user: UserFolders { profiles: Some(bad.to_owned()), assets: None }, ..order(&build) },
                Order { executable: bad.to_owned(), ..order(&build) },
            ] {
                assert!(matches!(plan(&order), Err(PlanError::UnusablePath(_))), "{bad:?}");
            }
        }
        let relative = plan(&Order { dir: Path::new("inst/3"), ..order(&build) });
        assert!(matches!(relative, Err(PlanError::RelativePath(_))));
    }

    #[test]
    fn only_an_openspace_build_has_a_view() {
        let program = Build {
            kind: BuildKind::Program { command: "/usr/bin/stellarium".into(), working_dir: None },
            ..build(ApiGeneration::New)
        };
        assert!(matches!(plan(&order(&program)), Err(PlanError::NotOpenSpace(_))));
    }

    #[test]
    fn names_that_are_no_profiles_are_refused() {
        let build = build(ApiGeneration::New);
        for bad in [
            "", "/", "a/", "../x", "a/../b", "/etc/x", "-h", "a/-h", "a\\b", "a\0b", "a;b", "a$b", " a", "a ",
        ] {
            let planned = plan(&Order { profile: bad, ..order(&build) });
            assert!(matches!(planned, Err(PlanError::BadProfile(_))), "{bad:?}");
        }
        for good in ["default", "missions/apollo", "solarstorm2012", "Min profil (åäö)", "a.b"] {
            assert!(is_profile_name(good), "{good}");
        }
    }

    proptest! {
        #[test]
        fn a_profile_that_is_accepted_stays_below_its_folder(name in "\\PC{0,20}|[a./\\-]{0,12}") {
            if is_profile_name(&name) {
                let parts: Vec<_> = Path::new(&name).components().collect();
                prop_assert!(parts.iter().all(|part| matches!(part, std::path::Component::Normal(_))));
                prop_assert_eq!(parts.len(), name.split('/').count());
                prop_assert!(!name.starts_with('-'));
            }
        }
    }
}
