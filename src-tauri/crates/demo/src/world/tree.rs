//! The tree that a client of OpenSpace expects to find: the owners and properties of a small OpenSpace.

mod catalogue;

pub use catalogue::fill;

use serde_json::{Value, json};

use super::{
    bodies::BODIES,
    properties::{Kind, Owner, Property, Tree},
};
use crate::config::{Interface, InterfaceKind};

pub const ANCHOR: &str = "NavigationHandler.OrbitalNavigator.Anchor";
pub const AIM: &str = "NavigationHandler.OrbitalNavigator.Aim";
pub const RETARGET_ANCHOR: &str = "NavigationHandler.OrbitalNavigator.RetargetAnchor";
pub const ROTATIONAL_FRICTION: &str = "NavigationHandler.OrbitalNavigator.Friction.RotationalFriction";
pub const ZOOM_FRICTION: &str = "NavigationHandler.OrbitalNavigator.Friction.ZoomFriction";
pub const ROLL_FRICTION: &str = "NavigationHandler.OrbitalNavigator.Friction.RollFriction";
pub const FRAMERATE_LIMIT: &str = "RenderEngine.FramerateLimit";
pub const BLACKOUT: &str = "RenderEngine.BlackoutFactor";
pub const SHOW_LABELS: &str = "RenderEngine.ShowLabels";
pub const DASHBOARD: &str = "Dashboard.IsEnabled";
pub const MILKY_WAY: &str = "Scene.MilkyWay.Renderable.Enabled";
pub const STARS: &str = "Scene.Stars.Renderable.Enabled";
pub const GRID: &str = "Scene.Grid.Renderable.Enabled";
pub const GRID_COLOUR: &str = "Scene.Grid.Renderable.Color";
pub const GRID_LINES: &str = "Scene.Grid.Renderable.Lines";

/// The nodes that are no bodies: identifier, name, description, whether they start visible.
const BACKDROPS: [(&str, &str, &str, bool); 3] = [
    ("MilkyWay", "Milky Way", "The band of our galaxy.", true),
    ("Stars", "Stars", "The stars.", true),
    ("Grid", "Celestial Grid", "A grid of right ascension and declination.", false),
];

pub fn build(interfaces: &[Interface], property_visibility: &str) -> Tree {
    let mut tree = Tree::default();
    let mut maker = Maker { tree: &mut tree };
    maker.scene();
    maker.navigation();
    maker.rendering();
    maker.engine(property_visibility);
    maker.server(interfaces);
    tree
}

/// The identifiers of all scene graph nodes, the root first.
pub fn node_identifiers() -> Vec<String> {
    let trails = BODIES
        .iter()
        .filter(|body| has_trail(body.identifier))
        .map(|body| format!("{}Trail", body.identifier));
    ["Root".to_owned()]
        .into_iter()
        .chain(BODIES.iter().map(|body| body.identifier.to_owned()))
        .chain(trails)
        .chain(BACKDROPS.map(|(identifier, ..)| identifier.to_owned()))
        .collect()
}

pub fn trail_uri(body: &str) -> String {
    format!("Scene.{body}Trail.Renderable.Enabled")
}

fn has_trail(identifier: &str) -> bool {
    identifier != "Sun" && identifier != "ISS"
}

struct Maker<'a> {
    tree: &'a mut Tree,
}

impl Maker<'_> {
    fn owner(&mut self, uri: &str, gui_name: &str, description: &str, tags: &[&'static str]) {
        let owner =
            Owner { gui_name: gui_name.to_owned(), description: description.to_owned(), tags: tags.to_vec() };
        self.tree.add_owner(uri, owner);
    }

    fn put(
        &mut self,
        uri: &str,
        kind: Kind,
        value: Value,
        gui_name: &str,
        description: &str,
        visibility: &'static str,
    ) {
        self.with(uri, kind, value, gui_name, description, visibility, Value::Null);
    }

    #[expect(clippy::too_many_arguments, reason = "one line per property reads as a table")]
    fn with(
        &mut self,
        uri: &str,
        kind: Kind,
        value: Value,
        gui_name: &str,
        description: &str,
        visibility: &'static str,
        additional: Value,
    ) {
        let property = Property {
            kind,
            value,
            gui_name: gui_name.to_owned(),
            description: description.to_owned(),
            visibility,
            read_only: false,
            needs_confirmation: false,
            additional,
        };
        self.tree.add(uri, property);
    }

    fn scene(&mut self) {
        self.owner("Scene", "Scene", "All scene graph nodes.", &[]);
        self.node("Root", "Root", "", "The root of the scene graph.", &[], None);
        for body in BODIES {
            self.node(
                body.identifier,
                body.gui_name,
                body.gui_path,
                body.description,
                &["GUI.Interesting", "solarsystem"],
                Some(true),
            );
            if has_trail(body.identifier) {
                let identifier = format!("{}Trail", body.identifier);
                let name = format!("{} Trail", body.gui_name);
                self.node(
                    &identifier,
                    &name,
                    body.gui_path,
                    "The way of its moons.",
                    &["planet_trail"],
                    Some(false),
                );
            }
        }
        for (identifier, name, description, visible) in BACKDROPS {
            self.node(identifier, name, "/Milky Way", description, &[], Some(visible));
        }
        self.with(
            GRID_COLOUR,
            Kind::Colour,
            json!([0.345, 0.533, 0.69]),
            "Color",
            "The colour of the grid.",
            "NoviceUser",
            json!({ "min": [0.0, 0.0, 0.0], "max": [1.0, 1.0, 1.0], "step": [0.01, 0.01, 0.01], "exponent": 1.0 }),
        );
        self.with(
            GRID_LINES,
            Kind::Option,
            json!(1),
            "Lines",
            "How close the lines of the grid are.",
            "User",
            json!({ "options": { "0": "Few", "1": "Some", "2": "Many" } }),
        );
    }

    fn node(
        &mut self,
        identifier: &str,
        name: &str,
        path: &str,
        description: &str,
        tags: &[&'static str],
        enabled: Option<bool>,
    ) {
        let uri = format!("Scene.{identifier}");
        self.owner(&uri, name, description, tags);
        let mut own = |key: &str, kind, value, gui: &str, what: &str| {
            self.put(&format!("{uri}.{key}"), kind, value, gui, what, "Hidden");
        };
        own("GuiName", Kind::String, json!(name), "Gui Name", "The name that user interfaces show.");
        own("GuiPath", Kind::String, json!(path), "Gui Path", "Where user interfaces list the node.");
        own(
            "GuiHidden",
            Kind::Bool,
            json!(identifier == "Root"),
            "Gui Hidden",
            "Hides the node from user interfaces.",
        );
        own(
            "GuiDescription",
            Kind::String,
            json!(description),
            "Gui Description",
            "What user interfaces say about the node.",
        );
        let Some(enabled) = enabled else { return };
        let renderable = format!("{uri}.Renderable");
        self.owner(&renderable, "Renderable", "How the node is drawn.", &[]);
        self.put(
            &format!("{renderable}.Enabled"),
            Kind::Bool,
            json!(enabled),
            "Enabled",
            "Whether the node is drawn.",
            "NoviceUser",
        );
        self.with(
            &format!("{renderable}.Fade"),
            Kind::Float,
            json!(1.0),
            "Fade",
            "How much of the node is seen, from nothing to all.",
            "AdvancedUser",
            json!({ "min": 0.0, "max": 1.0, "step": 0.01, "exponent": 1.0 }),
        );
    }

    fn navigation(&mut self) {
        self.owner("NavigationHandler", "Navigation Handler", "Moves the camera.", &[]);
        self.owner(
            "NavigationHandler.OrbitalNavigator",
            "Orbital Navigator",
            "Moves the camera around a node.",
            &[],
        );
        self.put(
            ANCHOR,
            Kind::String,
            json!("Earth"),
            "Anchor",
            "The name of the scene graph node that the camera follows and orbits.",
            "NoviceUser",
        );
        self.put(
            AIM,
            Kind::String,
            json!(""),
            "Aim",
            "The node that the camera looks at, where that is another one.",
            "NoviceUser",
        );
        for (key, name) in [("RetargetAnchor", "Retarget Anchor"), ("RetargetAim", "Retarget Aim")] {
            let uri = format!("NavigationHandler.OrbitalNavigator.{key}");
            self.put(&uri, Kind::Trigger, Value::Null, name, "Turns the camera back to the node.", "User");
        }
        let friction = "NavigationHandler.OrbitalNavigator.Friction";
        self.owner(friction, "Friction", "Whether a movement comes to rest by itself.", &[]);
        for (uri, name) in [
            (ROTATIONAL_FRICTION, "Rotational Friction"),
            (ZOOM_FRICTION, "Zoom Friction"),
            (ROLL_FRICTION, "Roll Friction"),
        ] {
            self.put(
                uri,
                Kind::Bool,
                json!(true),
                name,
                "Whether this movement comes to rest by itself.",
                "NoviceUser",
            );
        }
        let idle = "NavigationHandler.OrbitalNavigator.IdleMotion";
        self.owner(idle, "Idle Motion", "What the camera does while nobody steers.", &[]);
        self.put(
            &format!("{idle}.ApplyIdleMotion"),
            Kind::Bool,
            json!(false),
            "Apply Idle Motion",
            "Lets the camera orbit slowly while nobody steers.",
            "User",
        );
        self.owner("InteractionHandler", "Interaction Handler", "Mouse, keyboard and touch.", &[]);
        for key in ["DisableKeybindings", "DisableMouseInput", "DisableTouchInput", "DisableJoystickInput"] {
            let uri = format!("InteractionHandler.{key}");
            self.put(&uri, Kind::Bool, json!(false), key, "Ignores this kind of input.", "User");
        }
    }

    fn rendering(&mut self) {
        self.owner("RenderEngine", "Render Engine", "Draws the picture.", &[]);
        for (key, on, name, description) in [
            ("ShowLog", false, "Show the on-screen log", "Shows the last lines of the log on the screen."),
            (
                "ShowVersion",
                true,
                "Shows the version on-screen information",
                "Shows the version and commit on the screen.",
            ),
            (
                "ShowCamera",
                true,
                "Shows information about the current camera state",
                "Shows where the camera is.",
            ),
            ("ShowLabels", false, "Show labels", "Shows the names of what is in the picture."),
        ] {
            self.put(&format!("RenderEngine.{key}"), Kind::Bool, json!(on), name, description, "User");
        }
        self.with(
            FRAMERATE_LIMIT,
            Kind::Float,
            json!(0.0),
            "Framerate Limit",
            "The most frames a second; 0 leaves the rate as it is.",
            "AdvancedUser",
            json!({ "min": 0.0, "max": 500.0, "step": 1.0, "exponent": 1.0 }),
        );
        self.with(
            BLACKOUT,
            Kind::Float,
            json!(1.0),
            "Blackout Factor",
            "How much of the picture is seen: 0 is black.",
            "User",
            json!({ "min": 0.0, "max": 1.0, "step": 0.01, "exponent": 1.0 }),
        );
        self.owner("Dashboard", "Dashboard", "The texts over the picture.", &[]);
        self.put(
            DASHBOARD,
            Kind::Bool,
            json!(true),
            "Is Enabled",
            "Whether the texts are shown.",
            "NoviceUser",
        );
        self.owner("LuaConsole", "Lua Console", "The demo has none; the property is there for clients.", &[]);
        self.put(
            "LuaConsole.IsVisible",
            Kind::Bool,
            json!(false),
            "Is Visible",
            "Whether the console is shown.",
            "AdvancedUser",
        );
        self.owner("ScreenSpace", "Screen Space", "Pictures fixed to the screen.", &[]);
    }

    fn engine(&mut self, property_visibility: &str) {
        self.owner("OpenSpaceEngine", "OpenSpace Engine", "The program itself.", &[]);
        let levels = ["NoviceUser", "User", "AdvancedUser", "Developer", "Hidden"];
        let chosen = levels.iter().position(|level| *level == property_visibility).unwrap_or(0);
        self.with(
            "OpenSpaceEngine.PropertyVisibility",
            Kind::Option,
            json!(chosen),
            "Property Visibility",
            "Which properties user interfaces show.",
            "Always",
            json!({ "options": levels.iter().enumerate().map(|(i, level)| (i.to_string(), json!(level))).collect::<serde_json::Map<_, _>>() }),
        );
        self.put(
            "OpenSpaceEngine.DisableMouseInputs",
            Kind::Bool,
            json!(false),
            "Disable All Mouse Inputs",
            "Ignores the mouse.",
            "User",
        );
        self.owner("Modules", "Modules", "The modules of the program.", &[]);
        self.owner(
            "Modules.CefWebGui",
            "CEF Web Gui",
            "The on-screen user interface; the demo has none.",
            &[],
        );
        self.put(
            "Modules.CefWebGui.Visible",
            Kind::Bool,
            json!(false),
            "Is Visible",
            "Whether the user interface is shown.",
            "User",
        );
        self.put(
            "Modules.CefWebGui.GuiScale",
            Kind::Float,
            json!(1.0),
            "Gui Scale",
            "The size of the user interface.",
            "User",
        );
        self.put(
            "Modules.CefWebGui.Reload",
            Kind::Trigger,
            Value::Null,
            "Reload",
            "Loads the user interface again.",
            "User",
        );
        self.owner("Modules.WebGui", "Web Gui", "Serves the user interface; the demo serves none.", &[]);
        self.put(
            "Modules.WebGui.Port",
            Kind::Option,
            json!(4680),
            "Port",
            "The port of the user interface.",
            "Developer",
        );
        self.put(
            "Modules.WebGui.Address",
            Kind::String,
            json!("localhost"),
            "Address",
            "The address of the user interface.",
            "Developer",
        );
        self.put(
            "Modules.WebGui.ServedDirectories",
            Kind::StringList,
            json!([]),
            "Served Directories",
            "What is served.",
            "Developer",
        );
    }

    fn server(&mut self, interfaces: &[Interface]) {
        self.owner("Server", "Server", "The sockets of this API.", &[]);
        self.owner("Server.Interfaces", "Interfaces", "One for each socket.", &[]);
        for interface in interfaces {
            let uri = format!("Server.Interfaces.{}", interface.identifier);
            self.owner(&uri, &interface.identifier, "One socket.", &[]);
            let kind = match interface.kind {
                InterfaceKind::Tcp => "TcpSocket",
                InterfaceKind::WebSocket => "WebSocket",
            };
            self.put(
                &format!("{uri}.Type"),
                Kind::String,
                json!(kind),
                "Type",
                "The kind of socket.",
                "Developer",
            );
            self.put(
                &format!("{uri}.Port"),
                Kind::Option,
                json!(interface.port),
                "Port",
                "The port it listens on.",
                "Developer",
            );
        }
    }
}
