//! The shapes in which the two generations differ. Pure.

use serde_json::{Value, json};

use crate::{dialect::Dialect, world::Event};

pub fn authorized(status: &str, dialect: Dialect) -> Value {
    match dialect {
        Dialect::New => json!({ "status": status }),
        Dialect::Legacy => json!(["status", status]),
    }
}

/// The answer to `get` for one property.
pub fn property(property: Value, dialect: Dialect) -> Value {
    tagged("property", property, dialect)
}

/// The answer to `get` for a whole tree.
pub fn owner(owner: Value, dialect: Dialect) -> Value {
    tagged("propertyOwner", owner, dialect)
}

fn tagged(kind: &str, value: Value, dialect: Dialect) -> Value {
    match dialect {
        Dialect::New => json!({ "type": kind, "value": value }),
        Dialect::Legacy => value,
    }
}

/// What a new subscriber gets first: NEW sends what the property is, then what it holds; LEGACY the other way round, untagged.
pub fn subscribed(meta_data: Value, value: Value, dialect: Dialect) -> Vec<Value> {
    match dialect {
        Dialect::New => vec![json!({ "type": "metaData", "metaData": meta_data }), changed(value, dialect)],
        Dialect::Legacy => vec![changed(value, dialect), json!({ "metaData": meta_data })],
    }
}

pub fn changed(value: Value, dialect: Dialect) -> Value {
    match dialect {
        Dialect::New => json!({ "type": "value", "value": value }),
        Dialect::Legacy => json!({ "value": value }),
    }
}

pub fn event(event: &Event, dialect: Dialect) -> Value {
    let key = match dialect {
        Dialect::New => "event",
        Dialect::Legacy => "Event",
    };
    let mut fields = event.fields.clone();
    fields.insert(key.to_owned(), json!(event.name));
    Value::Object(fields)
}
