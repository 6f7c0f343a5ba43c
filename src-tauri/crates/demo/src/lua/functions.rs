//! How a function of `openspace` is described, for Lua and for the `documentation` topic.

use serde_json::{Value, json};

use super::{navigation, scene, system, time};
use crate::{dialect::Dialect, world::World};

pub struct Function {
    /// `time` in `openspace.time.setPause`; empty for `openspace.version`.
    pub library: &'static str,
    pub name: &'static str,
    /// Name, type, and default where it may be left out.
    pub arguments: &'static [(&'static str, &'static str, Option<&'static str>)],
    pub returns: &'static str,
    pub help: &'static str,
    pub call: fn(&mut World, &Args<'_>) -> Result<Vec<Value>, String>,
}

pub const FUNCTIONS: [&[Function]; 4] =
    [time::FUNCTIONS, navigation::FUNCTIONS, scene::FUNCTIONS, system::FUNCTIONS];

/// The arguments of one call.
pub struct Args<'a>(pub &'a [Value]);

impl Args<'_> {
    pub fn get(&self, i: usize) -> &Value {
        self.0.get(i).unwrap_or(&Value::Null)
    }

    pub fn text(&self, i: usize) -> Result<&str, String> {
        self.get(i).as_str().ok_or_else(|| format!("argument {} must be a text", i + 1))
    }

    pub fn number(&self, i: usize) -> Result<f64, String> {
        self.maybe_number(i).ok_or_else(|| format!("argument {} must be a number", i + 1))
    }

    pub fn maybe_number(&self, i: usize) -> Option<f64> {
        self.get(i).as_f64().filter(|number| number.is_finite())
    }

    pub fn flag(&self, i: usize) -> Result<bool, String> {
        self.get(i).as_bool().ok_or_else(|| format!("argument {} must be true or false", i + 1))
    }

    /// The first number from argument `i` on: OpenSpace lets a flag or a duration stand there.
    pub fn duration(&self, i: usize) -> Option<f64> {
        self.0.iter().skip(i).find_map(Value::as_f64)
    }
}

/// The libraries as the topic `documentation {"type":"lua"}` lists them.
pub fn documentation(dialect: Dialect) -> Value {
    let mut libraries: Vec<(&str, Vec<Value>)> = Vec::new();
    let listed = FUNCTIONS.iter().flat_map(|list| list.iter()).filter(|f| navigation::belongs_to(f, dialect));
    for function in listed {
        let entry = describe(function);
        match libraries.iter_mut().find(|(name, _)| *name == function.library) {
            Some((_, functions)) => functions.push(entry),
            None => libraries.push((function.library, vec![entry])),
        }
    }
    let name_key = match dialect {
        Dialect::New => "name",
        Dialect::Legacy => "library",
    };
    libraries
        .into_iter()
        .map(|(name, functions)| {
            let full = if name.is_empty() { "openspace".to_owned() } else { format!("openspace.{name}") };
            json!({ name_key: name, "fullName": full, "functions": functions })
        })
        .collect()
}

fn describe(function: &Function) -> Value {
    let arguments: Vec<Value> = function
        .arguments
        .iter()
        .map(|(name, kind, default)| {
            let kind = if default.is_some() { format!("{kind}?") } else { (*kind).to_owned() };
            json!({ "name": name, "type": kind, "defaultValue": default.unwrap_or_default() })
        })
        .collect();
    json!({
        "name": function.name,
        "arguments": arguments,
        "returnType": function.returns,
        "help": function.help,
        "sourceLocation": { "file": "", "line": 0 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_function_is_there_twice() {
        let mut names: Vec<_> =
            FUNCTIONS.iter().flat_map(|list| list.iter()).map(|f| (f.library, f.name)).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
