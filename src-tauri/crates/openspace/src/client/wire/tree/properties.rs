//! Reads the properties that viewers may change out of what OpenSpace tells of its owners. Pure.

use model::{PropertyKind, PropertyOption, PropertyValue, SceneProperty};
use serde_json::Value;

use super::{children, shown};
use crate::tree::{
    DESCRIPTION_CHARS_MAX, NAME_CHARS_MAX,
    offered::{Told, is_offered},
};

/// Properties that are looked at, and owners within owners. Upstream's largest profiles have some 50,000 and 12.
const PROPERTIES_MAX: usize = 200_000;
const DEPTH_MAX: usize = 24;

/// Entries of a list to choose from; longer ones are no lists for people.
const OPTIONS_MAX: usize = 200;

/// Whose names lead to an owner say nothing to people.
const UNSAID: &str = "Scene";

pub(super) fn all(root: &Value) -> Vec<SceneProperty> {
    let mut found = Finder { properties: Vec::new(), left: PROPERTIES_MAX };
    for owner in children(root) {
        found.look(owner, &mut Vec::new());
    }
    found.properties
}

struct Finder {
    properties: Vec<SceneProperty>,
    left: usize,
}

impl Finder {
    fn look(&mut self, owner: &Value, above: &mut Vec<String>) {
        let id = owner["identifier"].as_str().unwrap_or_default();
        let named = owner["guiName"].as_str().filter(|name| !name.trim().is_empty()).unwrap_or(id);
        above.push(shown(named, NAME_CHARS_MAX));
        for told in owner["properties"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let Some(left) = self.left.checked_sub(1) else { break };
            self.left = left;
            self.properties.extend(property(told, above));
        }
        if above.len() < DEPTH_MAX {
            children(owner).iter().for_each(|child| self.look(child, above));
        }
        above.pop();
    }
}

fn property(told: &Value, owners: &[String]) -> Option<SceneProperty> {
    let words = Words::of(told)?;
    let kind = kind(&words)?;
    let told = Told {
        uri: words.uri,
        visibility: words.meta("visibility", "Visibility").as_str().unwrap_or_default(),
        read_only: *words.meta("isReadOnly", "isReadOnly") != Value::Bool(false),
        needs_confirmation: *words.meta("needsConfirmation", "needsConfirmation") == Value::Bool(true),
        kind: &kind,
    };
    if !is_offered(&told) {
        return None;
    }
    let value = value(&kind, words.value)?;
    let name = words.name.filter(|name| !name.trim().is_empty()).unwrap_or(words.uri);
    let owners: Vec<&str> = owners.iter().map(String::as_str).filter(|owner| *owner != UNSAID).collect();
    Some(SceneProperty {
        uri: words.uri.to_owned(),
        name: shown(name, NAME_CHARS_MAX),
        owner: owners.join(" › "),
        description: shown(words.description.unwrap_or_default(), DESCRIPTION_CHARS_MAX),
        kind,
        value,
    })
}

/// The same in both forms: up to 0.20 all but the value is in `Description`, under other names.
struct Words<'a> {
    uri: &'a str,
    name: Option<&'a str>,
    description: Option<&'a str>,
    kind: &'a str,
    value: &'a Value,
    meta_data: &'a Value,
    additional: &'a Value,
}

impl<'a> Words<'a> {
    fn of(told: &'a Value) -> Option<Self> {
        if let Some(uri) = told["uri"].as_str() {
            let meta = &told["metaData"];
            return Some(Self {
                uri,
                name: meta["guiName"].as_str(),
                description: meta["description"].as_str(),
                kind: meta["type"].as_str()?,
                value: &told["value"],
                meta_data: meta,
                additional: &meta["additionalData"],
            });
        }
        let old = &told["Description"];
        Some(Self {
            uri: old["Identifier"].as_str()?,
            name: old["Name"].as_str(),
            description: old["description"].as_str(),
            kind: old["Type"].as_str()?,
            value: &told["Value"],
            meta_data: &old["MetaData"],
            additional: &old["AdditionalData"],
        })
    }

    fn meta(&self, new: &str, old: &str) -> &'a Value {
        self.meta_data.get(new).unwrap_or(&self.meta_data[old])
    }

    fn more(&self, new: &str, old: &str) -> &'a Value {
        self.additional.get(new).unwrap_or(&self.additional[old])
    }
}

/// `None` for what is not safe to hold a viewer's value: texts, lists, matrices, triggers, and whatever is not known.
fn kind(words: &Words<'_>) -> Option<PropertyKind> {
    let (min, max) = (words.more("min", "MinimumValue"), words.more("max", "MaximumValue"));
    match words.kind.strip_suffix("Property")? {
        "Bool" => Some(PropertyKind::Switch),
        "Option" => Some(PropertyKind::Choice { options: options(words.more("options", "Options"))? }),
        scalar @ ("Float" | "Double" | "Short" | "UShort" | "Int" | "UInt" | "Long" | "ULong") => {
            Some(PropertyKind::Number {
                min: min.as_f64()?,
                max: max.as_f64()?,
                step: words.more("step", "SteppingValue").as_f64().filter(|step| *step > 0.0),
                whole: !matches!(scalar, "Float" | "Double"),
            })
        }
        "Vec3" | "Vec4" | "DVec3" | "DVec4" if is_colour(words) => {
            Some(PropertyKind::Colour { alpha: words.kind.contains('4') })
        }
        vector @ ("Vec2" | "Vec3" | "Vec4" | "DVec2" | "DVec3" | "DVec4" | "IVec2" | "IVec3" | "IVec4"
        | "UVec2" | "UVec3" | "UVec4") => Some(PropertyKind::Vector {
            min: numbers(min)?,
            max: numbers(max)?,
            whole: vector.starts_with(['I', 'U']),
        }),
        _ => None,
    }
}

fn is_colour(words: &Words<'_>) -> bool {
    words.meta("viewOptions", "ViewOptions")["Color"] == true
}

/// From 0.21 on one object of names by number, before a list of such objects.
fn options(told: &Value) -> Option<Vec<PropertyOption>> {
    let objects = match told {
        Value::Object(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_object).collect(),
        _ => return None,
    };
    let option = |(value, name): (&String, &Value)| {
        Some(PropertyOption { value: value.parse().ok()?, name: shown(name.as_str()?, NAME_CHARS_MAX) })
    };
    let mut options: Vec<_> =
        objects.into_iter().flatten().filter_map(option).take(OPTIONS_MAX + 1).collect();
    options.sort_by_key(|option| option.value);
    (options.len() <= OPTIONS_MAX).then_some(options)
}

fn numbers(told: &Value) -> Option<Vec<f64>> {
    told.as_array()?.iter().map(Value::as_f64).collect()
}

/// What it holds now, where that is of its own kind; a value out of its limits is still told.
pub(in crate::client) fn value(kind: &PropertyKind, told: &Value) -> Option<PropertyValue> {
    match kind {
        PropertyKind::Switch => told.as_bool().map(PropertyValue::Switch),
        PropertyKind::Number { .. } | PropertyKind::Choice { .. } => told.as_f64().map(PropertyValue::Number),
        PropertyKind::Vector { min, .. } => {
            numbers(told).filter(|numbers| numbers.len() == min.len()).map(PropertyValue::Numbers)
        }
        PropertyKind::Colour { alpha } => numbers(told)
            .filter(|numbers| numbers.len() == 3 + usize::from(*alpha))
            .map(PropertyValue::Numbers),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scene(properties: &Value) -> Value {
        json!({ "subowners": [{ "identifier": "Scene", "guiName": "Scene", "subowners": [
            { "identifier": "Mars", "guiName": "Mars (red)", "subowners": [
                { "identifier": "Renderable", "guiName": "Renderable", "properties": properties },
            ] },
        ] }] })
    }

    fn new(name: &str, kind: &str, value: &Value, more: &Value) -> Value {
        json!({ "uri": format!("Scene.Mars.Renderable.{name}"), "value": value, "metaData": {
            "identifier": name, "guiName": name, "description": "What it does.", "type": kind, "visibility": "User",
            "isReadOnly": false, "needsConfirmation": false, "viewOptions": { "Color": name == "Colour" }, "additionalData": more } })
    }

    #[test]
    fn plain_values_within_known_limits_are_read_and_the_rest_is_not() {
        let limits = json!({ "min": 0.0, "max": 1.0, "step": 0.01, "exponent": 1.0 });
        let vectors = json!({ "min": [0.0, 0.0, 0.0], "max": [1.0, 1.0, 1.0] });
        let tree = scene(&json!([
            new("Enabled", "BoolProperty", &json!(true), &json!({})),
            new("Fade", "FloatProperty", &json!(0.5), &limits),
            new("Count", "IntProperty", &json!(3), &json!({ "min": 0, "max": 10, "step": 1 })),
            new(
                "Blending",
                "OptionProperty",
                &json!(1),
                &json!({ "options": { "1": "Add", "0": "Normal" } })
            ),
            new("Colour", "Vec3Property", &json!([1.0, 0.5, 0.0]), &vectors),
            new("Offset", "DVec3Property", &json!([1.0, 0.5, 0.0]), &vectors),
            new("Endless", "FloatProperty", &json!(0.5), &json!({})),
            new("Name", "StringProperty", &json!("x"), &json!({})),
            new("Texture", "BoolProperty", &json!(true), &json!({})),
            new("Go", "TriggerProperty", &Value::Null, &json!({})),
            new("Matrix", "DMat4Property", &json!([]), &json!({})),
            new("Wrong", "FloatProperty", &json!("x"), &limits),
            json!({ "uri": "Scene.Mars.Renderable.Bare", "value": true }),
            json!(7),
        ]));
        let found = all(&tree);
        let names: Vec<_> = found.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["Enabled", "Fade", "Count", "Blending", "Colour", "Offset"]);
        assert_eq!(found[0].owner, "Mars (red) › Renderable");
        assert_eq!(
            found[1].kind,
            PropertyKind::Number { min: 0.0, max: 1.0, step: Some(0.01), whole: false }
        );
        assert!(matches!(&found[3].kind, PropertyKind::Choice { options } if options[1].name == "Add"));
        assert_eq!(found[4].kind, PropertyKind::Colour { alpha: false });
        assert!(matches!(&found[5].kind, PropertyKind::Vector { .. }));
    }

    #[test]
    fn the_form_from_before_0_21_is_read_as_well() {
        let old = |name: &str, kind: &str, value: &Value, more: &Value| {
            json!({ "Value": value, "Description": {
                "Identifier": format!("Scene.Mars.Renderable.{name}"), "Name": name, "Type": kind, "description": "What it does.",
                "MetaData": { "Group": "", "Visibility": "User", "isReadOnly": false, "needsConfirmation": false },
                "AdditionalData": more } })
        };
        let limits =
            json!({ "MinimumValue": 0.0, "MaximumValue": 2.0, "SteppingValue": 0.5, "Exponent": 1.0 });
        let found = all(&scene(&json!([
            old("Fade", "FloatProperty", &json!(0.5), &limits),
            old(
                "Blending",
                "OptionProperty",
                &json!(1),
                &json!({ "Options": [{ "0": "Normal" }, { "1": "Add" }] })
            ),
        ])));
        assert_eq!(found[0].kind, PropertyKind::Number { min: 0.0, max: 2.0, step: Some(0.5), whole: false });
        assert!(matches!(&found[1].kind, PropertyKind::Choice { options } if options.len() == 2));
    }

    #[test]
    fn what_does_not_say_that_it_may_be_written_may_not() {
        let mut silent = new("Enabled", "BoolProperty", &json!(true), &json!({}));
        silent["metaData"].as_object_mut().unwrap().remove("isReadOnly");
        assert_eq!(all(&scene(&json!([silent]))), []);
    }

    #[test]
    fn owners_within_owners_without_end_are_cut() {
        let mut owner = json!({ "identifier": "Deep" });
        for _ in 0..100 {
            owner = json!({ "identifier": "Deep", "subowners": [owner] });
        }
        assert_eq!(all(&owner), []);
    }
}
