//! Reads the missions that a scene tells of. Pure.

use model::{Milestone, Mission, MissionPhase};
use serde_json::Value;

use super::tree::shown;
use crate::{
    gate::Moment,
    tree::{DESCRIPTION_CHARS_MAX, NAME_CHARS_MAX},
};

/// Upstream's profiles have one or two; its largest has some 40 phases in four layers, and as many milestones.
const MISSIONS_MAX: usize = 20;
const PARTS_MAX: usize = 60;
const DEPTH_MAX: usize = 4;

/// Reads the answer to `missions`: an object of missions by their identifiers, a list of them up to 0.20, or nothing.
pub(in crate::client) fn read(payload: &Value) -> Vec<Mission> {
    let told: Vec<(String, &Value)> = match &payload["missions"] {
        Value::Object(named) => named.iter().map(|(id, told)| (id.clone(), told)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(i, told)| (i.to_string(), told)).collect(),
        _ => Vec::new(),
    };
    let mission = |(id, told): (String, &Value)| {
        let whole = phase(told.get("mission").unwrap_or(told), DEPTH_MAX)?;
        Some(Mission { id: shown(&id, NAME_CHARS_MAX), whole })
    };
    let mut missions: Vec<_> = told.into_iter().take(MISSIONS_MAX).filter_map(mission).collect();
    missions.sort_by(|a, b| a.whole.start.cmp(&b.whole.start));
    missions
}

/// One that has no name, or no time, is none.
fn phase(told: &Value, depth: usize) -> Option<MissionPhase> {
    let (start, end) = (time(&told["timerange"]["start"])?, time(&told["timerange"]["end"])?);
    if end <= start {
        return None;
    }
    let mut phases: Vec<_> = match depth {
        0 => Vec::new(),
        _ => list(&told["phases"]).filter_map(|told| phase(told, depth - 1)).collect(),
    };
    phases.sort_by(|a, b| a.start.cmp(&b.start));
    let mut milestones: Vec<_> = list(&told["milestones"]).filter_map(milestone).collect();
    milestones.sort_by(|a, b| a.time.cmp(&b.time));
    Some(MissionPhase { name: name(told)?, description: description(told), start, end, phases, milestones })
}

fn milestone(told: &Value) -> Option<Milestone> {
    Some(Milestone { name: name(told)?, description: description(told), time: time(&told["date"])? })
}

fn list(told: &Value) -> impl Iterator<Item = &Value> {
    told.as_array().into_iter().flatten().take(PARTS_MAX)
}

fn name(told: &Value) -> Option<String> {
    told["name"].as_str().map(|name| shown(name.trim(), NAME_CHARS_MAX)).filter(|name| !name.is_empty())
}

fn description(told: &Value) -> String {
    shown(told["description"].as_str().unwrap_or_default().trim(), DESCRIPTION_CHARS_MAX)
}

/// Only times that the scene can be taken to; of one form, so that they are ordered as their texts are.
fn time(told: &Value) -> Option<String> {
    Some(format!("{}Z", Moment::parse(told.as_str()?)?.as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(name: &str, start: &str, end: &str) -> Value {
        json!({ "name": name, "description": " About it. ", "timerange": { "start": start, "end": end } })
    }

    #[test]
    fn missions_are_read_in_both_forms_with_their_parts_in_order() {
        let mut apollo = told("Apollo", "1969-07-16T13:32:00", "1969-07-24T16:50:35.000");
        apollo["phases"] =
            json!([told("Down", "1969-07-20", "1969-07-21"), told("Up", "1969-07-16", "1969-07-17")]);
        apollo["milestones"] = json!([{ "date": "1969-07-20T20:17:40.000", "name": "Landing" }]);
        let wrapped = json!({ "mission": apollo, "captureTimes": [] });
        for (payload, id) in
            [(json!({ "missions": { "apollo": wrapped } }), "apollo"), (json!({ "missions": [apollo] }), "0")]
        {
            let missions = read(&payload);
            let [mission] = &missions[..] else { panic!("{missions:?}") };
            assert_eq!((mission.id.as_str(), mission.whole.description.as_str()), (id, "About it."));
            assert_eq!(mission.whole.start, "1969-07-16T13:32:00.000Z");
            let phases: Vec<_> = mission.whole.phases.iter().map(|phase| phase.name.as_str()).collect();
            assert_eq!(phases, ["Up", "Down"]);
            assert_eq!(mission.whole.milestones[0].time, "1969-07-20T20:17:40.000Z");
        }
    }

    #[test]
    fn what_is_no_mission_is_left_out() {
        for garbage in [
            json!(null),
            json!({ "missions": null }),
            json!({ "missions": {} }),
            json!({ "missions": [1, "x", {}] }),
            json!({ "missions": { "a": told("", "1969-01-01", "1970-01-01") } }),
            json!({ "missions": { "a": told("Backwards", "1970-01-01", "1969-01-01") } }),
            json!({ "missions": { "a": told("Ancient", "0044-03-15", "1969-01-01") } }),
        ] {
            assert_eq!(read(&garbage), [], "{garbage}");
        }
        let mut deep = told("Deep", "1969-01-01", "1970-01-01");
        for _ in 0..100 {
            let mut above = told("Deep", "1969-01-01", "1970-01-01");
            above["phases"] = json!([deep]);
            deep = above;
        }
        let missions = read(&json!({ "missions": [deep] }));
        let depth = |mission: &Mission| {
            std::iter::successors(mission.whole.phases.first(), |phase| phase.phases.first()).count()
        };
        assert_eq!(depth(&missions[0]), DEPTH_MAX);
    }
}
