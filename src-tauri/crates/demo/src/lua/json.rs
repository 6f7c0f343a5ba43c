//! Values on their way between Lua and JSON, in the shapes in which OpenSpace answers.

use mlua::{Lua, Table, Value as LuaValue};
use serde_json::{Map, Value, json};

/// Deeper tables than this are cut: a table may hold itself.
const DEPTH: usize = 32;

/// A list of numbers becomes a list. Any other table, lists too, becomes an object with its keys as text: that is how a real 0.22
/// answers (`{"1":"Root","2":"MiniSphere"}`, but `"Position":[…]`).
pub fn from_lua(value: &LuaValue, depth: usize) -> Value {
    match value {
        LuaValue::Boolean(on) => json!(on),
        LuaValue::Integer(number) => json!(number),
        LuaValue::Number(number) => json!(number),
        LuaValue::String(text) => json!(text.to_string_lossy()),
        LuaValue::Table(table) if depth < DEPTH => table_from_lua(table, depth),
        _ => Value::Null,
    }
}

fn table_from_lua(table: &Table, depth: usize) -> Value {
    let numbers: Option<Vec<Value>> = table
        .sequence_values::<LuaValue>()
        .map(|value| {
            value
                .ok()
                .filter(|value| matches!(value, LuaValue::Integer(_) | LuaValue::Number(_)))
                .map(|v| from_lua(&v, 0))
        })
        .collect();
    let pairs = table.pairs::<LuaValue, LuaValue>().flatten();
    let map: Map<String, Value> = pairs
        .filter_map(|(key, value)| {
            let key = match key {
                LuaValue::String(text) => text.to_string_lossy(),
                LuaValue::Integer(number) => number.to_string(),
                LuaValue::Number(number) => number.to_string(),
                _ => return None,
            };
            Some((key, from_lua(&value, depth + 1)))
        })
        .collect();
    match numbers {
        Some(numbers) if !numbers.is_empty() && numbers.len() == map.len() => Value::Array(numbers),
        _ => Value::Object(map),
    }
}

/// JSON's null becomes nil, lists become tables that count from 1.
pub fn to_lua(lua: &Lua, value: &Value) -> mlua::Result<LuaValue> {
    Ok(match value {
        Value::Null => LuaValue::Nil,
        Value::Bool(on) => LuaValue::Boolean(*on),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => LuaValue::Integer(integer),
            None => LuaValue::Number(number.as_f64().unwrap_or(0.0)),
        },
        Value::String(text) => LuaValue::String(lua.create_string(text)?),
        Value::Array(list) => {
            let values: Vec<LuaValue> =
                list.iter().map(|value| to_lua(lua, value)).collect::<mlua::Result<_>>()?;
            LuaValue::Table(lua.create_sequence_from(values)?)
        }
        Value::Object(map) => {
            let table = lua.create_table()?;
            for (key, value) in map {
                table.set(key.as_str(), to_lua(lua, value)?)?;
            }
            LuaValue::Table(table)
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn round(lua_text: &str) -> Value {
        let lua = Lua::new();
        from_lua(&lua.load(lua_text).eval().unwrap(), 0)
    }

    #[test]
    fn tables_take_the_shapes_of_a_real_openspace() {
        assert_eq!(round("return {'Root', 'Mini'}"), json!({"1": "Root", "2": "Mini"}));
        assert_eq!(round("return {1.5, 2, 3}"), json!([1.5, 2, 3]));
        assert_eq!(round("return {a = {1, 2}, b = true}"), json!({"a": [1, 2], "b": true}));
        assert_eq!(round("return {}"), json!({}));
    }

    #[test]
    fn a_table_that_holds_itself_ends() {
        round("local t = {}; t.t = t; return t");
    }

    #[test]
    fn values_go_in_and_out_unchanged() {
        let lua = Lua::new();
        for value in [json!(1), json!(0.25), json!("x"), json!({"a": {"b": [1, 2]}}), json!(null)] {
            assert_eq!(from_lua(&to_lua(&lua, &value).unwrap(), 0), value);
        }
    }
}
