//! Which properties viewers may change at all. Pure, and denies by default.
//!
//! A property is a wish away from the program's whole machine: some hold commands, addresses and files. So one is offered only when it lies
//! where the scene and its picture are, is shown to every user by OpenSpace itself, holds a plain value within known limits, and no part
//! of its name speaks of files, addresses or programs.

use model::PropertyKind;

/// Where properties of the scene and the picture begin.
const OWNERS: &[&str] = &["Scene", "RenderEngine", "NavigationHandler", "Dashboard"];

/// OpenSpace's levels for people who know nothing of its insides.
const VISIBILITIES: &[&str] = &["Always", "NoviceUser", "User"];

/// Parts of names that speak of the machine rather than of the scene.
const WITHHELD_PARTS: &[&str] = &[
    "file",
    "path",
    "url",
    "directory",
    "folder",
    "script",
    "texture",
    "address",
    "password",
    "server",
    "socket",
    "webgui",
    "webpage",
    "browser",
    "parallel",
    "screenshot",
    "download",
    "command",
    "interface",
];

/// The log shows paths of the machine.
const WITHHELD: &[&str] = &["RenderEngine.ShowLog"];

/// A program that says so has no limit in mind.
const NO_LIMIT: f64 = 1e30;

/// The longest of upstream's, of layers on globes, have some 120.
const URI_CHARS_MAX: usize = 200;

/// What OpenSpace tells of a property besides its value.
pub(crate) struct Told<'a> {
    pub uri: &'a str,
    pub visibility: &'a str,
    pub read_only: bool,
    /// It wants people to be asked before it is changed.
    pub needs_confirmation: bool,
    pub kind: &'a PropertyKind,
}

pub(crate) fn is_offered(told: &Told<'_>) -> bool {
    is_uri(told.uri)
        && VISIBILITIES.contains(&told.visibility)
        && !told.read_only
        && !told.needs_confirmation
        && is_bounded(told.kind)
        && !WITHHELD.contains(&told.uri)
        && !told.uri.split('.').skip(names_before_property(told.uri)).any(is_withheld)
}

/// A node may be called whatever it is: "Alpha Centauri Path".
fn names_before_property(uri: &str) -> usize {
    if uri.starts_with("Scene.") { 2 } else { 1 }
}

/// `Scene.Mars.Renderable.Fade`: plain words with dots between them, the first of which is one of [`OWNERS`].
pub(crate) fn is_uri(uri: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' ');
    let mut parts = uri.split('.');
    uri.len() <= URI_CHARS_MAX
        && parts.next().is_some_and(|owner| OWNERS.contains(&owner))
        && parts.clone().count() > 0
        && parts.all(|part| !part.is_empty() && part.bytes().all(plain))
}

fn is_withheld(part: &str) -> bool {
    let part = part.to_ascii_lowercase();
    part == "port" || WITHHELD_PARTS.iter().any(|withheld| part.contains(withheld))
}

fn is_bounded(kind: &PropertyKind) -> bool {
    let within = |min: f64, max: f64| -NO_LIMIT < min && min < max && max < NO_LIMIT;
    match kind {
        PropertyKind::Switch | PropertyKind::Colour { .. } => true,
        PropertyKind::Number { min, max, .. } => within(*min, *max),
        PropertyKind::Choice { options } => !options.is_empty(),
        PropertyKind::Vector { min, max, .. } => {
            (2..=4).contains(&min.len())
                && min.len() == max.len()
                && min.iter().zip(max).all(|(min, max)| within(*min, *max))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told<'a>(uri: &'a str, kind: &'a PropertyKind) -> Told<'a> {
        Told { uri, visibility: "User", read_only: false, needs_confirmation: false, kind }
    }

    #[test]
    fn what_is_in_the_scene_and_the_picture_is_offered_and_the_machine_is_not() {
        for (uri, offered) in [
            ("Scene.Mars.Renderable.Fade", true),
            ("Scene.Earth-Moon L2.Scale.Scale", true),
            ("RenderEngine.BlackoutFactor", true),
            ("NavigationHandler.OrbitalNavigator.Friction.RollFriction", true),
            ("Dashboard.IsEnabled", true),
            ("Scene.Mars.Renderable.ViewportScale", true),
            ("Scene.Path of Cassini.Renderable.Fade", true),
            ("RenderEngine.ShowLog", false),
            ("Scene", false),
            ("Scene.", false),
            ("Scene..Enabled", false),
            ("Scene.*.Renderable.Enabled", false),
            ("{planet}.Renderable.Enabled", false),
            ("scene.Mars.Renderable.Fade", false),
            ("Scenes.Mars.Fade", false),
            ("Scene.Mars.Renderable.Texture", false),
            ("Scene.Mars.Renderable.ColorTexturePaths", false),
            ("Scene.Model.Renderable.GeometryFile", false),
            ("Scene.Web.Renderable.Url", false),
            ("Modules.WebGui.ServerProcessEnabled", false),
            ("Modules.WebGui.Port", false),
            ("Modules.CefWebGui.Visible", false),
            ("Server.Interfaces.Default.Enabled", false),
            ("ParallelPeer.BufferTime", false),
            ("OpenSpaceEngine.PropertyVisibility", false),
            ("LuaConsole.IsVisible", false),
            ("ScreenSpace.Browser.Enabled", false),
            ("Scene.Mars'.Fade", false),
            ("Scene.Mars\n.Fade", false),
            ("Scene.Маrs.Fade", false),
            ("", false),
        ] {
            assert_eq!(is_offered(&told(uri, &PropertyKind::Switch)), offered, "{uri}");
        }
    }

    #[test]
    fn what_openspace_itself_keeps_from_people_is_not_offered() {
        let uri = "Scene.Mars.Renderable.Fade";
        let switch = PropertyKind::Switch;
        for (visibility, offered) in [
            ("Always", true),
            ("NoviceUser", true),
            ("User", true),
            ("AdvancedUser", false),
            ("Developer", false),
            ("Hidden", false),
            ("", false),
            ("Public", false),
        ] {
            assert_eq!(is_offered(&Told { visibility, ..told(uri, &switch) }), offered, "{visibility}");
        }
        assert!(!is_offered(&Told { read_only: true, ..told(uri, &switch) }));
        assert!(!is_offered(&Told { needs_confirmation: true, ..told(uri, &switch) }));
    }

    #[test]
    fn a_number_without_limits_is_not_offered() {
        for (min, max, offered) in [
            (0.0, 1.0, true),
            (-3e38, 3e38, false),
            (0.0, f64::INFINITY, false),
            (f64::NAN, 1.0, false),
            (1.0, 1.0, false),
            (2.0, 1.0, false),
        ] {
            let number = PropertyKind::Number { min, max, step: None, whole: false };
            let vector = PropertyKind::Vector { min: vec![0.0, min], max: vec![1.0, max], whole: false };
            for kind in [number, vector] {
                assert_eq!(is_offered(&told("Scene.Mars.Size", &kind)), offered, "{kind:?}");
            }
        }
        for (min, max) in [(vec![0.0; 3], vec![1.0; 2]), (vec![], vec![]), (vec![0.0; 16], vec![1.0; 16])] {
            let kind = PropertyKind::Vector { min, max, whole: false };
            assert!(!is_offered(&told("Scene.Mars.Size", &kind)), "{kind:?}");
        }
    }
}
