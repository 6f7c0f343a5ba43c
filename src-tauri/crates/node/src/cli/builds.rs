//! The builds as a terminal shows them.

use anyhow::Result;
use protocol::admin::AdminBuild;
use serde_json::Value;

/// One object a build: what viewers read of it (`id`, `name`, `kind`, …), and beside it what administrators do.
pub fn as_json(builds: &[AdminBuild]) -> Result<Vec<Value>> {
    let flat = |build: &AdminBuild| {
        let mut all = serde_json::to_value(build)?;
        if let Some(fields) = all.as_object_mut()
            && let Some(Value::Object(view)) = fields.remove("build")
        {
            fields.extend(view);
        }
        Ok(all)
    };
    builds.iter().map(flat).collect()
}

pub fn print(one: &AdminBuild) {
    let build = &one.build;
    let mark = if build.default { "*" } else { " " };
    println!("{mark} {:<24} {:<10} {:<24} {}", build.id, build.kind, build.name, one.location);
    for problem in one.problems.iter().chain(&one.last_failure) {
        println!("    ✗ {problem}");
    }
    for note in &one.notes {
        println!("    · {note}");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use protocol::api::BuildView;

    use super::*;

    #[test]
    fn the_fields_of_a_build_stand_side_by_side() {
        let view = BuildView {
            id: "os".into(),
            name: "OpenSpace".into(),
            kind: "openspace".into(),
            version: None,
            demo: false,
            default: true,
        };
        let one = AdminBuild {
            build: view,
            location: "/opt/os".into(),
            api: None,
            commit: None,
            confirmed: None,
            changed: None,
            profiles: Vec::new(),
            problems: vec!["It is gone.".into()],
            notes: Vec::new(),
            last_failure: None,
        };
        let json = as_json(&[one]).unwrap().remove(0);
        assert_eq!((&json["id"], &json["default"]), (&"os".into(), &true.into()));
        assert_eq!((&json["location"], &json["problems"][0]), (&"/opt/os".into(), &"It is gone.".into()));
        assert!(json.get("build").is_none());
    }
}
