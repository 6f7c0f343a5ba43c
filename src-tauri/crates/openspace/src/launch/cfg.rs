//! The instance's `openspace.cfg`: runs the install's own, then overrides what must be this instance's alone. Pure.
//!
//! OpenSpace runs it as Lua, not sandboxed, but *strict*: to read a global that nobody has assigned is an error. So
//! everything that a stock configuration might lack is asked for with `rawget`.

use model::ApiGeneration;

use super::Ports;

/// Paths are free of quotes and brackets, so nothing can end the long-bracket strings they stand in.
pub(super) struct Settings<'a> {
    pub install: &'a str,
    pub dir: &'a str,
    pub sync: &'a str,
    pub user_profiles: Option<&'a str>,
    pub user_assets: Option<&'a str>,
    pub api: ApiGeneration,
    pub ports: Ports,
    pub tile_cache_mb: u32,
}

/// Runs inside OpenSpace when the scene is loaded. No stream carries more than 60 frames a second: the rest would only
/// take the machine from the other instances.
pub(super) const STARTUP_LUA: &str =
    "openspace.setPropertyValueSingle(\"RenderEngine.FramerateLimit\", 60)\n";

pub(super) fn openspace_cfg(settings: &Settings<'_>) -> String {
    [
        install(settings),
        paths(settings),
        modules(settings),
        server(settings.api, settings.ports.websocket),
        REST.to_owned(),
    ]
    .join("\n")
}

/// Runs what OpenSpace would have run: up to 0.21 a helper that defines `sgct`, the configuration, its `.override`.
fn install(settings: &Settings<'_>) -> String {
    format!(
        "-- Made anew at each start of this instance. Change the build's own openspace.cfg, or openspace.cfg.override beside it.
local install, here = [[{install}]], [[{dir}]]

local function run_if_there(path)
  local file = io.open(path)
  if file then
    file:close()
    dofile(path)
  end
end
if rawget(_G, \"sgct\") == nil then run_if_there(install .. \"/scripts/configuration_helper.lua\") end
dofile(install .. \"/openspace.cfg\")
run_if_there(install .. \"/openspace.cfg.override\")
",
        install = settings.install,
        dir = settings.dir,
    )
}

fn paths(settings: &Settings<'_>) -> String {
    let theirs = [("USER_PROFILES", settings.user_profiles), ("USER_ASSETS", settings.user_assets)];
    let theirs: String = theirs
        .iter()
        .filter_map(|(name, folder)| {
            Some(format!("Paths.{name} = [[{}]] -- of who uses the install\n", (*folder)?))
        })
        .collect();
    format!(
        "Paths = rawget(_G, \"Paths\") or {{}}
Paths.BASE = install
for name, folder in pairs {{
  USER = \"user\", LOGS = \"logs\", CACHE = \"cache\", DOCUMENTATION = \"documentation\",
  TEMPORARY = \"temp\", -- emptied at every start
}} do
  Paths[name] = here .. \"/\" .. folder
end
Paths.SYNC = [[{sync}]] -- shared by all instances
{theirs}",
        sync = settings.sync,
    )
}

fn modules(settings: &Settings<'_>) -> String {
    let touch = match settings.api {
        ApiGeneration::New => format!("module(\"Touch\").TuioPort = {}\n", settings.ports.tuio),
        // Its port is fixed.
        ApiGeneration::Legacy => String::new(),
    };
    format!(
        "ModuleConfigurations = rawget(_G, \"ModuleConfigurations\") or {{}}
local function module(name)
  ModuleConfigurations[name] = ModuleConfigurations[name] or {{}}
  return ModuleConfigurations[name]
end
module(\"WebGui\").HttpPort = {web_gui}
module(\"CefWebGui\").Visible = false -- the page draws its own controls
local browser = module(\"WebBrowser\")
if browser.EnableRemoteDebugging then browser.EnableRemoteDebugging = false end -- its port is fixed
local globes = module(\"GlobeBrowsing\")
globes.TileCacheSize = math.min(tonumber(globes.TileCacheSize) or {tiles}, {tiles})
globes.MRFCacheLocation = here .. \"/cache/mrf_cache\" -- otherwise below the install
{touch}",
        web_gui = settings.ports.web_gui,
        tiles = settings.tile_cache_mb,
    )
}

/// One WebSocket for this machine alone, and no other socket. OpenSpace compares addresses as text: `localhost` never matches.
fn server(api: ApiGeneration, port: u16) -> String {
    let table = match api {
        ApiGeneration::New => "Server = rawget(_G, \"Server\") or {}\nlocal server = Server\n",
        // Up to 0.20 and in the streaming fork the list of the module replaces those of the interfaces.
        ApiGeneration::Legacy => {
            "local server = module(\"Server\")\nif server.AllowAddresses then server.AllowAddresses = { \"127.0.0.1\" } end\n"
        }
    };
    format!(
        "{table}server.Interfaces = server.Interfaces or {{}}
local websocket
for _, interface in ipairs(server.Interfaces) do
  interface.Enabled = false
  if interface.Type == \"WebSocket\" and not websocket then websocket = interface end
end
if not websocket then
  websocket = {{ Type = \"WebSocket\", Identifier = \"DefaultWebSocketInterface\", RequirePasswordAddresses = {{}}, Password = \"\" }}
  table.insert(server.Interfaces, websocket)
end
websocket.Enabled, websocket.Port = true, {port}
websocket.DefaultAccess, websocket.AllowAddresses = \"Deny\", {{ \"127.0.0.1\" }}
if websocket.DenyAddresses then websocket.DenyAddresses = {{}} end
if websocket.RequirePasswordAddresses then websocket.RequirePasswordAddresses = {{}} end
"
    )
}

const REST: &str = "GlobalCustomizationScripts = rawget(_G, \"GlobalCustomizationScripts\") or {}
table.insert(GlobalCustomizationScripts, here .. \"/startup.lua\")
VersionCheckUrl = \"\" -- rendered instances are not users to be counted
OpenGLDebugContext = { Activate = false } -- on by default, and slow
DisableInGameConsole = true -- its Lua is a root shell
ScreenshotUseDateTime = false -- no folder of its own for each start
ShutdownCountdown = 0.25 -- seconds; a viewer cannot abort what it does not see
BypassLauncher = true
";
