//! The generated `openspace.cfg`, run by a real Lua as OpenSpace runs it: not sandboxed, and strict about globals.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use mlua::{Lua, Table};
use model::{ApiGeneration, Build, BuildKind, InstanceId, LaunchPlan, Size};
use openspace::{
    build,
    launch::{Order, Ports, plan},
};

const PORTS: Ports = Ports { websocket: 46823, web_gui: 46803, tuio: 33333 };

#[test]
fn a_stock_0_22_gets_ports_paths_and_access_of_its_own() {
    let stage = Stage::new("stock-0.22.cfg");
    let lua = stage.run();
    stage.assert_paths(&lua);
    stage.assert_common(&lua);
    assert_eq!(number(&lua, "ModuleConfigurations.Touch.TuioPort"), 33333);
    assert_eq!(number(&lua, "ModuleConfigurations.GlobeBrowsing.TileCacheSize"), 256);
    assert_only_this_machine(&lua, "Server.Interfaces");
    assert_eq!(
        text(&lua, "ModuleConfigurations.Server"),
        "nil",
        "a module that this generation does not have"
    );
}

#[test]
fn a_stock_0_21_gets_its_helper_and_the_same_settings() {
    let stage = Stage::new("stock-0.21.cfg");
    let lua = stage.run();
    stage.assert_paths(&lua);
    stage.assert_common(&lua);
    assert_eq!(text(&lua, "SGCTConfig"), "from the helper");
    assert_eq!(text(&lua, "ModuleConfigurations.Touch"), "nil", "its touch port is fixed");
    assert_eq!(text(&lua, "rawget(_G, 'Server')"), "nil");
    assert_eq!(number(&lua, "ModuleConfigurations.Server.SkyBrowserUpdateTime"), 50);
    assert_only_this_machine(&lua, "ModuleConfigurations.Server.Interfaces");
}

#[test]
fn the_streaming_fork_is_closed_to_everybody_but_this_machine() {
    let stage = Stage::new("stock-fork.cfg");
    let lua = stage.run();
    stage.assert_common(&lua);
    assert_eq!(text(&lua, "table.concat(ModuleConfigurations.Server.AllowAddresses, ' ')"), "127.0.0.1");
    assert_only_this_machine(&lua, "ModuleConfigurations.Server.Interfaces");
    assert_eq!(text(&lua, "GlobalCustomizationScripts[2]"), "${SCRIPTS}/streaming_framerate_limit.lua");
}

#[test]
fn a_bare_configuration_still_gets_its_socket() {
    let bare = "Server = { Interfaces = { { Type = 'TcpSocket', Port = 1, Enabled = true } } }";
    let lua = Stage::with(bare).run();
    assert_only_this_machine(&lua, "Server.Interfaces");
    let lua = Stage::with("Profile = 'x'").run();
    assert_only_this_machine(&lua, "Server.Interfaces");
}

#[test]
fn of_several_websockets_only_one_is_opened() {
    let two = "local function socket(port) return { Type = 'WebSocket', Port = port, Enabled = true, \
               DenyAddresses = { '127.0.0.1' } } end\nServer = { Interfaces = { socket(1), socket(2) } }";
    let lua = Stage::with(two).run();
    assert_only_this_machine(&lua, "Server.Interfaces");
    assert_eq!(number(&lua, "#Server.Interfaces[1].DenyAddresses"), 0);
}

#[test]
fn a_smaller_tile_cache_of_the_administrator_is_kept() {
    let lua =
        Stage::with("Server = {} ModuleConfigurations = { GlobeBrowsing = { TileCacheSize = 64 } }").run();
    assert_eq!(number(&lua, "ModuleConfigurations.GlobeBrowsing.TileCacheSize"), 64);
}

#[test]
fn an_override_beside_the_installs_configuration_is_honoured() {
    let stage = Stage::new("stock-0.22.cfg");
    fs::write(
        stage.install.join("openspace.cfg.override"),
        "OnScreenTextScaling = 'overridden'\nServer.Interfaces[2].Port = 9",
    )
    .unwrap();
    let lua = stage.run();
    assert_eq!(text(&lua, "OnScreenTextScaling"), "overridden");
    assert_only_this_machine(&lua, "Server.Interfaces");
}

#[test]
fn spaces_and_percent_signs_in_paths_arrive_as_they_are() {
    let stage = Stage::at("stock-0.21.cfg", "Ö pen%s 50% -- {}");
    stage.assert_paths(&stage.run());
}

#[test]
fn what_runs_when_the_scene_is_loaded_limits_the_frame_rate() {
    let stage = Stage::new("stock-0.22.cfg");
    let lua = stage.run();
    lua.load("openspace = { setPropertyValueSingle = function(uri, value) said = uri .. '=' .. value end } said = nil")
        .exec()
        .unwrap();
    lua.load("dofile(GlobalCustomizationScripts[#GlobalCustomizationScripts])").exec().unwrap();
    assert_eq!(text(&lua, "said"), "RenderEngine.FramerateLimit=60");
}

#[test]
fn the_users_own_profiles_are_read_where_they_are_and_nothing_else_of_the_user_is_shared() {
    for fixture in ["stock-0.22.cfg", "stock-0.21.cfg", "stock-fork.cfg"] {
        let stage = Stage::new(fixture);
        fs::create_dir_all(stage.install.join("user/data/profiles")).unwrap();
        let lua = stage.run();
        let theirs = stage.install.join("user/data/profiles");
        assert_eq!(text(&lua, "Paths.USER_PROFILES"), theirs.to_str().unwrap(), "{fixture}");
        assert!(
            text(&lua, "tostring(Paths.USER_ASSETS)") != theirs.with_file_name("assets").to_str().unwrap()
        );
        assert_eq!(text(&lua, "Paths.USER"), stage.dir.join("user").to_str().unwrap());
    }
}

/// An install and an instance in a temporary folder.
struct Stage {
    _root: tempfile::TempDir,
    install: PathBuf,
    dir: PathBuf,
    sync: PathBuf,
}

impl Stage {
    fn new(fixture: &str) -> Self {
        Self::at(fixture, "install")
    }

    fn at(fixture: &str, folder: &str) -> Self {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(fixture);
        Self::made(&fs::read_to_string(fixture).unwrap(), folder)
    }

    fn with(configuration: &str) -> Self {
        Self::made(configuration, "install")
    }

    fn made(configuration: &str, folder: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let install = root.path().join(folder);
        fs::create_dir_all(install.join("bin")).unwrap();
        fs::create_dir_all(install.join("scripts")).unwrap();
        fs::write(install.join("bin/OpenSpace"), "").unwrap();
        fs::write(install.join("openspace.cfg"), configuration).unwrap();
        // What the real helper defines: functions below a global `sgct`.
        fs::write(
            install.join("scripts/configuration_helper.lua"),
            "sgct = { config = { single = function(arguments) return 'from the helper' end } }",
        )
        .unwrap();
        let (dir, sync) = (root.path().join(format!("{folder} 3")), root.path().join("sync"));
        Self { _root: root, install, dir, sync }
    }

    fn plan(&self) -> LaunchPlan {
        let seen = build::inspect(&self.install, &Default::default()).unwrap();
        let build = Build {
            id: "os".parse().unwrap(),
            name: "OpenSpace".to_owned(),
            kind: BuildKind::OpenSpace {
                dir: self.install.clone(),
                api: seen.api,
                version: None,
                commit: None,
                demo: false,
            },
            env: Default::default(),
            args: Vec::new(),
        };
        let executable = build::executable(&self.install).unwrap();
        let order = Order {
            build: &build,
            profile: "default",
            instance: InstanceId::random(),
            dir: &self.dir,
            sync_dir: &self.sync,
            user: build::UserFolders::find(&self.install, &Default::default()),
            size: Size::HD,
            ports: PORTS,
            mesa: true,
            helper: build::helper(&executable),
            executable,
        };
        plan(&order).unwrap()
    }

    /// Makes what the plan says and runs its configuration, as OpenSpace does.
    fn run(&self) -> Lua {
        let plan = self.plan();
        for folder in &plan.folders {
            fs::create_dir_all(folder).unwrap();
        }
        for (file, text) in &plan.files {
            fs::write(file, text).unwrap();
        }
        let lua = Lua::new();
        lua.load(STRICT).exec().unwrap();
        lua.load(self.dir.join("openspace.cfg")).exec().unwrap();
        lua
    }

    fn assert_paths(&self, lua: &Lua) {
        let paths: Table = lua.globals().raw_get("Paths").unwrap();
        let path = |name: &str| PathBuf::from(paths.get::<String>(name).unwrap());
        assert_eq!(path("BASE"), self.install);
        assert_eq!(path("SYNC"), self.sync);
        for (name, folder) in [
            ("USER", "user"),
            ("LOGS", "logs"),
            ("CACHE", "cache"),
            ("TEMPORARY", "temp"),
            ("DOCUMENTATION", "documentation"),
        ] {
            assert_eq!(path(name), self.dir.join(folder));
            assert!(path(name).is_dir(), "{name}");
        }
        assert_eq!(path("DATA"), Path::new("${BASE}/data"), "the install's own paths stay");
        let mrf = text(lua, "ModuleConfigurations.GlobeBrowsing.MRFCacheLocation");
        assert!(Path::new(&mrf).starts_with(&self.dir), "{mrf}");
    }

    fn assert_common(&self, lua: &Lua) {
        assert_eq!(number(lua, "ModuleConfigurations.WebGui.HttpPort"), 46803);
        assert_eq!(text(lua, "ModuleConfigurations.WebGui.WebSocketInterface"), "DefaultWebSocketInterface");
        assert_eq!(text(lua, "ModuleConfigurations.CefWebGui.Visible"), "false");
        assert_eq!(text(lua, "VersionCheckUrl"), "");
        assert_eq!(text(lua, "OpenGLDebugContext.Activate"), "false");
        assert_eq!(text(lua, "DisableInGameConsole"), "true");
        assert_eq!(text(lua, "ShutdownCountdown"), "0.25");
        assert_eq!(text(lua, "GlobalCustomizationScripts[1]"), "${USER}/customization.lua");
        let startup = text(lua, "GlobalCustomizationScripts[#GlobalCustomizationScripts]");
        assert_eq!(Path::new(&startup), self.dir.join("startup.lua"));
    }
}

/// As OpenSpace's states are: reading a global that nobody has assigned is an error.
const STRICT: &str = r#"
    local assigned = {}
    setmetatable(_G, {
        __index = function(_, name)
            if not assigned[name] then error("variable '" .. name .. "' is not declared", 2) end
        end,
        __newindex = function(globals, name, value)
            assigned[name] = true
            rawset(globals, name, value)
        end,
    })
"#;

/// Exactly one socket is open: a WebSocket on the given port, for 127.0.0.1 without a password.
fn assert_only_this_machine(lua: &Lua, interfaces: &str) {
    let interfaces: Vec<Table> = lua.load(format!("return {interfaces}")).eval().unwrap();
    let open: Vec<_> = interfaces.iter().filter(|i| i.get::<bool>("Enabled").unwrap()).collect();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].get::<String>("Type").unwrap(), "WebSocket");
    assert_eq!(open[0].get::<u16>("Port").unwrap(), PORTS.websocket);
    assert_eq!(open[0].get::<String>("DefaultAccess").unwrap(), "Deny");
    assert_eq!(open[0].get::<Vec<String>>("AllowAddresses").unwrap(), ["127.0.0.1"]);
    for list in ["DenyAddresses", "RequirePasswordAddresses"] {
        assert!(
            open[0].get::<Option<Vec<String>>>(list).unwrap().is_none_or(|list| list.is_empty()),
            "{list}"
        );
    }
}

fn text(lua: &Lua, expression: &str) -> String {
    lua.load(format!("return tostring({expression})")).eval().unwrap()
}

fn number(lua: &Lua, expression: &str) -> i64 {
    lua.load(format!("return {expression}")).eval().unwrap()
}

#[test]
fn both_generations_are_what_the_inspection_says() {
    for (fixture, api) in [
        ("stock-0.22.cfg", ApiGeneration::New),
        ("stock-0.21.cfg", ApiGeneration::Legacy),
        ("stock-fork.cfg", ApiGeneration::Legacy),
    ] {
        assert_eq!(Stage::new(fixture).plan().api.unwrap().generation, api, "{fixture}");
    }
}
