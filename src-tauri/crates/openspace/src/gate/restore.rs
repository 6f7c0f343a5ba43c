//! Back to a scene that was saved: judged like a wish, since a saved scene may come from another build, or from another machine. Pure.

use model::{SavedScene, saved_scene::View};

use super::{Call, Deed, Denied, Moment, RATE_MAX, named, not_a_time, property, target, within};
use crate::tree::Tree;

/// Farther out is nothing: the observable universe has some 1e27 metres.
const POSITION_M_MAX: f64 = 1e28;
/// Properties that are set one after the other while people wait for the picture.
const PROPERTIES_MAX: usize = 2000;
/// Properties that cannot be set are named up to here, and counted from there on.
const NAMED: usize = 3;

/// What to do, in this order, and sentences about what cannot be done.
#[derive(Debug)]
pub struct Restoration {
    pub calls: Vec<Call>,
    pub missing: Vec<String>,
}

/// Time stands still until everything is in its place, or the camera would arrive where its node has been.
pub fn restore(scene: &SavedScene, tree: &Tree) -> Restoration {
    let mut deeds = vec![Deed::SetPause(true)];
    let mut missing = Vec::new();
    let time = Moment::parse(&scene.time).ok_or_else(not_a_time);
    let rate = within("The rate", scene.rate_seconds_per_second, (-RATE_MAX, RATE_MAX), "seconds a second");
    note("the time", time.map(Deed::SetTime), &mut deeds, &mut missing);
    note("the speed of time", rate.map(Deed::SetRateAtOnce), &mut deeds, &mut missing);
    properties(scene, tree, &mut deeds, &mut missing);
    let place = match &scene.view {
        Some(view) => seen(view, tree).map(|view| Deed::SetView(Box::new(view))),
        None => target(&scene.focus, tree).map(Deed::Focus),
    };
    note("the place of the camera", place, &mut deeds, &mut missing);
    deeds.push(Deed::SetPause(scene.paused));
    Restoration { calls: deeds.into_iter().map(Call).collect(), missing }
}

fn note(what: &str, deed: Result<Deed, Denied>, deeds: &mut Vec<Deed>, missing: &mut Vec<String>) {
    match deed {
        Ok(deed) => deeds.push(deed),
        Err(denied) => missing.push(format!("{what} ({denied})")),
    }
}

fn properties(scene: &SavedScene, tree: &Tree, deeds: &mut Vec<Deed>, missing: &mut Vec<String>) {
    let mut lost = Vec::new();
    for (uri, value) in scene.properties.iter().take(PROPERTIES_MAX) {
        match property(uri, value, tree) {
            Ok(deed) => deeds.push(deed),
            Err(_) => lost.push(uri.as_str()),
        }
    }
    if !lost.is_empty() {
        let shown = lost.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        let more = lost.len().saturating_sub(NAMED);
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        missing.push(format!("settings that this scene does not have ({shown}{rest})"));
    }
    let beyond = scene.properties.len().saturating_sub(PROPERTIES_MAX) + scene.left_out as usize;
    if beyond > 0 {
        let all = scene.properties.len() + scene.left_out as usize;
        missing
            .push(format!("{beyond} of its {all} changed settings, which are more than can be brought back"));
    }
}

fn seen(view: &View, tree: &Tree) -> Result<View, Denied> {
    target(&view.anchor, tree)?;
    for node in view.aim.iter().chain(&view.frame) {
        named(node, tree)?;
    }
    let lengths = view.position.iter().chain(view.up.iter().flatten());
    let angles = [view.yaw, view.pitch];
    if lengths.copied().all(|length| (-POSITION_M_MAX..=POSITION_M_MAX).contains(&length))
        && angles.iter().all(|angle| angle.is_finite())
    {
        return Ok(view.clone());
    }
    Err(Denied::Refused("It lies outside of the universe.".to_owned()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use model::PropertyValue;

    use super::*;
    use crate::gate::tests::place;

    fn scene() -> SavedScene {
        let view = View {
            anchor: "Mars".to_owned(),
            aim: None,
            frame: None,
            position: [1e7, 0.0, 0.0],
            up: Some([0.0, 0.0, 1.0]),
            yaw: 0.0,
            pitch: 0.1,
        };
        SavedScene {
            time: "1997-07-04T16:56:00.000Z".to_owned(),
            rate_seconds_per_second: 3600.0,
            paused: false,
            focus: "Mars".to_owned(),
            view: Some(view),
            properties: BTreeMap::from([(
                "Scene.Mars.Renderable.Enabled".to_owned(),
                PropertyValue::Switch(false),
            )]),
            left_out: 0,
        }
    }

    #[test]
    fn a_scene_comes_back_while_time_stands_still() {
        let place = place();
        let back = restore(&scene(), place.grounds().tree);
        let names: Vec<String> = back
            .calls
            .iter()
            .map(|Call(deed)| format!("{deed:?}").chars().take_while(char::is_ascii_alphabetic).collect())
            .collect();
        assert_eq!(names.first().map(String::as_str), Some("SetPause"));
        assert_eq!(names.last().map(String::as_str), Some("SetPause"));
        assert!(names.contains(&"SetView".to_owned()) && names.contains(&"SetTime".to_owned()), "{names:?}");
        assert_eq!(back.calls.last(), Some(&Call(Deed::SetPause(false))));
    }

    #[test]
    fn what_the_scene_does_not_have_is_told_and_the_rest_comes_back() {
        let place = place();
        let mut old = scene();
        old.time = "yesterday".to_owned();
        old.view.as_mut().unwrap().anchor = "Vulcan".to_owned();
        for i in 0..5 {
            old.properties.insert(format!("Scene.Vulcan.Renderable.P{i}"), PropertyValue::Switch(true));
        }
        let back = restore(&old, place.grounds().tree);
        let told = back.missing.join("; ");
        for word in ["the time", "the place of the camera", "“Vulcan” is not in this scene", "more)"] {
            assert!(told.contains(word), "{word}: {told}");
        }
        assert!(back.calls.contains(&Call(Deed::SetRateAtOnce(3600.0))));
    }

    #[test]
    fn of_more_settings_than_can_be_brought_back_the_first_come_and_the_rest_is_told() {
        let place = place();
        let told = |scene: &SavedScene| restore(scene, place.grounds().tree).missing.join("; ");
        let mut few = scene();
        few.left_out = 7;
        let all = few.properties.len() + 7;
        assert!(
            told(&few).contains(&format!("7 of its {all} changed settings, which are more than")),
            "{}",
            told(&few)
        );
        let mut many = scene();
        let value = PropertyValue::Switch(true);
        many.properties =
            (0..PROPERTIES_MAX + 5).map(|n| (format!("Scene.Vulcan{n:05}.Enabled"), value.clone())).collect();
        let words = told(&many);
        assert!(
            words.contains("5 of its 2005 changed settings") && words.contains("and 1997 more)"),
            "{words}"
        );
        assert!(!told(&scene()).contains("more than"));
    }

    #[test]
    fn a_saved_scene_smuggles_nothing() {
        let place = place();
        for hostile in ["Mars'); os.execute('x", "Root", "", "a]]b", "Mars\n"] {
            let mut bad = scene();
            let view = bad.view.as_mut().unwrap();
            view.frame = Some(hostile.to_owned());
            bad.properties = BTreeMap::from([(
                format!("Scene.{hostile}.Renderable.Enabled"),
                PropertyValue::Switch(true),
            )]);
            let back = restore(&bad, place.grounds().tree);
            let set = |call: &Call| matches!(call.0, Deed::SetView(_) | Deed::SetProperty { .. });
            let allowed = usize::from(hostile == "Root");
            assert!(back.calls.iter().filter(|call| set(call)).count() <= allowed, "{hostile}");
        }
        let mut far = scene();
        far.view.as_mut().unwrap().position[0] = f64::NAN;
        far.rate_seconds_per_second = f64::INFINITY;
        let back = restore(&far, place.grounds().tree);
        assert_eq!(
            back.missing.len(),
            if place.grounds().tree.property("Scene.Mars.Renderable.Enabled").is_some() { 2 } else { 3 }
        );
    }
}
