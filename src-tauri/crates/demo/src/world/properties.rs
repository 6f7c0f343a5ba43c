//! The property tree: everything that clients can read, set and follow by a URI such as `RenderEngine.ShowVersion`. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Float,
    /// Red, green, blue.
    Colour,
    String,
    StringList,
    Trigger,
    Option,
}

impl Kind {
    fn type_name(self) -> &'static str {
        match self {
            Self::Bool => "BoolProperty",
            Self::Float => "FloatProperty",
            Self::Colour => "Vec3Property",
            Self::String => "StringProperty",
            Self::StringList => "StringListProperty",
            Self::Trigger => "TriggerProperty",
            Self::Option => "OptionProperty",
        }
    }

    fn accepts(self, value: &Value) -> bool {
        match self {
            Self::Bool => value.is_boolean(),
            Self::Float => value.as_f64().is_some_and(f64::is_finite),
            Self::Colour => {
                value.as_array().is_some_and(|list| list.len() == 3 && list.iter().all(Value::is_number))
            }
            Self::String => value.is_string(),
            Self::StringList => value.as_array().is_some_and(|list| list.iter().all(Value::is_string)),
            Self::Trigger => true,
            Self::Option => value.is_i64() || value.is_u64(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Property {
    pub kind: Kind,
    pub value: Value,
    pub gui_name: String,
    pub description: String,
    pub visibility: &'static str,
    pub read_only: bool,
    pub needs_confirmation: bool,
    /// `min`, `max`, `options`, …; null where there is nothing to add.
    pub additional: Value,
}

#[derive(Clone, Debug, Default)]
pub struct Owner {
    pub gui_name: String,
    pub description: String,
    pub tags: Vec<&'static str>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SetError {
    Unknown(String),
    WrongType { uri: String, kind: Kind },
    ReadOnly(String),
}

impl std::fmt::Display for SetError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(uri) => write!(f, "Property with URI '{uri}' was not found"),
            Self::WrongType { uri, kind } => {
                write!(f, "Property '{uri}' is a {} and does not take a value of that type", kind.type_name())
            }
            Self::ReadOnly(uri) => write!(f, "Property '{uri}' is read-only"),
        }
    }
}

/// A value on its way to another.
#[derive(Clone, Debug)]
struct Glide {
    uri: String,
    from: f64,
    to: f64,
    elapsed_s: f64,
    duration_s: f64,
}

#[derive(Clone, Debug, Default)]
pub struct Tree {
    owners: BTreeMap<String, Owner>,
    properties: BTreeMap<String, Property>,
    glides: Vec<Glide>,
}

impl Tree {
    pub fn add_owner(&mut self, uri: &str, owner: Owner) {
        self.owners.insert(uri.to_owned(), owner);
    }

    pub fn add(&mut self, uri: &str, property: Property) {
        self.properties.insert(uri.to_owned(), property);
    }

    /// How many properties there are.
    pub fn len(&self) -> usize {
        self.properties.len()
    }

    pub fn has(&self, uri: &str) -> bool {
        self.properties.contains_key(uri)
    }

    pub fn value(&self, uri: &str) -> Option<&Value> {
        self.properties.get(uri).map(|property| &property.value)
    }

    pub fn is_on(&self, uri: &str) -> bool {
        self.value(uri).and_then(Value::as_bool).unwrap_or(false)
    }

    pub fn number(&self, uri: &str) -> f64 {
        self.value(uri).and_then(Value::as_f64).unwrap_or(0.0)
    }

    pub fn text(&self, uri: &str) -> &str {
        self.value(uri).and_then(Value::as_str).unwrap_or_default()
    }

    /// Sets at once; says whether anything changed. A trigger always changes.
    pub fn set(&mut self, uri: &str, value: Value) -> Result<bool, SetError> {
        self.glides.retain(|glide| glide.uri != uri);
        self.put(uri, value)
    }

    /// Lets a number glide to its new value. What is no number is set at once.
    pub fn glide(&mut self, uri: &str, value: Value, duration_s: f64) -> Result<bool, SetError> {
        let (from, to) = match (self.value(uri).and_then(Value::as_f64), value.as_f64()) {
            (Some(from), Some(to)) if duration_s > 0.0 && duration_s.is_finite() => (from, to),
            _ => return self.set(uri, value),
        };
        self.glides.retain(|glide| glide.uri != uri);
        self.glides.push(Glide { uri: uri.to_owned(), from, to, elapsed_s: 0.0, duration_s });
        Ok(false)
    }

    /// Moves what glides; answers what changed.
    pub fn update(&mut self, elapsed_s: f64) -> Vec<String> {
        let mut glides = std::mem::take(&mut self.glides);
        let mut changed = Vec::new();
        for glide in &mut glides {
            glide.elapsed_s += elapsed_s;
            let part = (glide.elapsed_s / glide.duration_s).min(1.0);
            let value = glide.from + (glide.to - glide.from) * part;
            if self.put(&glide.uri, json!(value)).unwrap_or(false) {
                changed.push(glide.uri.clone());
            }
        }
        glides.retain(|glide| glide.elapsed_s < glide.duration_s);
        self.glides = glides;
        changed
    }

    fn put(&mut self, uri: &str, value: Value) -> Result<bool, SetError> {
        let property = self.properties.get_mut(uri).ok_or_else(|| SetError::Unknown(uri.to_owned()))?;
        if property.read_only {
            return Err(SetError::ReadOnly(uri.to_owned()));
        }
        if !property.kind.accepts(&value) {
            return Err(SetError::WrongType { uri: uri.to_owned(), kind: property.kind });
        }
        if property.kind == Kind::Trigger {
            return Ok(true);
        }
        let value = property.within_limits(value);
        let changed = property.value != value;
        property.value = value;
        Ok(changed)
    }

    /// The properties that a pattern names: `*` stands for any text, `{tag}` in front for the owners with that tag.
    pub fn matching(&self, pattern: &str) -> Vec<String> {
        let (owners, pattern) = match pattern.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((tag, rest)) => (Some(self.tagged(tag)), format!("*{rest}")),
            None => (None, pattern.to_owned()),
        };
        let below_tagged =
            |uri: &str| owners.as_ref().is_none_or(|owners| owners.iter().any(|owner| is_below(uri, owner)));
        self.properties.keys().filter(|uri| fits(uri, &pattern) && below_tagged(uri)).cloned().collect()
    }

    fn tagged(&self, tag: &str) -> Vec<&str> {
        self.owners
            .iter()
            .filter(|(_, owner)| owner.tags.contains(&tag))
            .map(|(uri, _)| uri.as_str())
            .collect()
    }

    /// `{uri, value, metaData}`, as both generations answer.
    pub fn property_json(&self, uri: &str) -> Option<Value> {
        let property = self.properties.get(uri)?;
        Some(json!({ "uri": uri, "value": property.value, "metaData": property.meta_data(uri) }))
    }

    pub fn meta_data(&self, uri: &str) -> Option<Value> {
        self.properties.get(uri).map(|property| property.meta_data(uri))
    }

    pub fn all_json(&self) -> Value {
        self.properties.keys().filter_map(|uri| self.property_json(uri)).collect()
    }

    /// The whole tree below an owner; the root's URI is empty.
    pub fn owner_json(&self, uri: &str) -> Option<Value> {
        let empty = Owner::default();
        let owner = if uri.is_empty() { &empty } else { self.owners.get(uri)? };
        let properties: Vec<Value> =
            children(&self.properties, uri).filter_map(|child| self.property_json(child)).collect();
        let subowners: Vec<Value> =
            children(&self.owners, uri).filter_map(|child| self.owner_json(child)).collect();
        Some(json!({
            "identifier": last(uri),
            "guiName": owner.gui_name,
            "description": owner.description,
            "uri": uri,
            "properties": properties,
            "subowners": subowners,
            "tags": owner.tags,
        }))
    }
}

impl Property {
    fn meta_data(&self, uri: &str) -> Value {
        let mut meta = json!({
            "identifier": last(uri),
            "guiName": self.gui_name,
            "description": self.description,
            "group": "",
            "isReadOnly": self.read_only,
            "needsConfirmation": self.needs_confirmation,
            "type": self.kind.type_name(),
            "visibility": self.visibility,
        });
        if self.kind == Kind::Colour {
            meta["viewOptions"] = json!({ "Color": true });
        }
        if let (Some(meta), false) = (meta.as_object_mut(), self.additional.is_null()) {
            meta.insert("additionalData".to_owned(), self.additional.clone());
        }
        meta
    }

    fn within_limits(&self, value: Value) -> Value {
        let limits: Option<&Map<String, Value>> = self.additional.as_object();
        let limit = |key: &str| limits.and_then(|limits| limits.get(key)).and_then(Value::as_f64);
        match (self.kind, value.as_f64()) {
            (Kind::Float, Some(number)) => {
                json!(number.max(limit("min").unwrap_or(f64::MIN)).min(limit("max").unwrap_or(f64::MAX)))
            }
            _ => value,
        }
    }
}

/// What is right below an owner. All that is below it stands together.
fn children<'a, T>(named: &'a BTreeMap<String, T>, uri: &'a str) -> impl Iterator<Item = &'a String> {
    let from = if uri.is_empty() { String::new() } else { format!("{uri}.") };
    let below = move |child: &&String| uri.is_empty() || is_below(child, uri);
    named.range(from..).map(|(child, _)| child).take_while(below).filter(move |child| parent(child) == uri)
}

fn parent(uri: &str) -> &str {
    uri.rsplit_once('.').map_or("", |(parent, _)| parent)
}

fn last(uri: &str) -> &str {
    uri.rsplit_once('.').map_or(uri, |(_, last)| last)
}

fn is_below(uri: &str, owner: &str) -> bool {
    uri.strip_prefix(owner).is_some_and(|rest| rest.starts_with('.'))
}

/// Whether a text fits a pattern in which `*` stands for any text.
fn fits(text: &str, pattern: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return text == pattern };
    let Some(text) = text.strip_prefix(head) else { return false };
    rest.is_empty() || text.char_indices().any(|(at, _)| fits(&text[at..], rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn property(kind: Kind, value: Value) -> Property {
        Property {
            kind,
            value,
            gui_name: "Name".into(),
            description: "What it does.".into(),
            visibility: "User",
            read_only: false,
            needs_confirmation: false,
            additional: Value::Null,
        }
    }

    fn tree() -> Tree {
        let mut tree = Tree::default();
        tree.add_owner("Scene", Owner::default());
        for node in ["Scene.Earth", "Scene.Mars"] {
            tree.add_owner(node, Owner { tags: vec!["planet"], ..Owner::default() });
            tree.add(&format!("{node}.Renderable.Enabled"), property(Kind::Bool, json!(true)));
        }
        tree.add(
            "Scene.Sun.Renderable.Fade",
            Property { additional: json!({"min": 0, "max": 1}), ..property(Kind::Float, json!(0)) },
        );
        tree
    }

    #[test]
    fn patterns_name_by_wildcard_and_by_tag() {
        let tree = tree();
        let both = vec!["Scene.Earth.Renderable.Enabled", "Scene.Mars.Renderable.Enabled"];
        assert_eq!(tree.matching("Scene.*.Renderable.Enabled"), both);
        assert_eq!(tree.matching("{planet}.Renderable.Enabled"), both);
        assert_eq!(tree.matching("Scene.Earth*"), both[..1]);
        assert!(tree.matching("{star}.Renderable.Enabled").is_empty());
    }

    #[test]
    fn a_value_of_the_wrong_type_changes_nothing() {
        let mut tree = tree();
        let uri = "Scene.Earth.Renderable.Enabled";
        assert!(matches!(tree.set(uri, json!("yes")), Err(SetError::WrongType { .. })));
        assert!(tree.is_on(uri));
        assert_eq!(tree.set(uri, json!(true)), Ok(false));
        assert_eq!(tree.set(uri, json!(false)), Ok(true));
        assert!(matches!(tree.set("No.Such", json!(1)), Err(SetError::Unknown(_))));
    }

    #[test]
    fn numbers_glide_and_stay_within_their_limits() {
        let mut tree = tree();
        let uri = "Scene.Sun.Renderable.Fade";
        tree.glide(uri, json!(4.0), 2.0).unwrap();
        assert_eq!(tree.update(0.25), [uri]);
        assert!((tree.number(uri) - 0.5).abs() < 1e-9);
        tree.update(5.0);
        assert_eq!(tree.value(uri), Some(&json!(1.0)));
        assert!(tree.update(1.0).is_empty());
    }
}
