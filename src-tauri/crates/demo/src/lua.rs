//! The scripts' Lua: a real one, with the table `openspace` in it.
//!
//! It lives on the render thread beside the world. A call into `openspace` borrows the world for as long as the call lasts, so nobody
//! may hold the world while a script runs.

mod functions;
mod json;
mod navigation;
mod scene;
mod system;
mod time;

use std::{cell::RefCell, rc::Rc};

use mlua::{Function as LuaFunction, Lua, MultiValue, Table, Value as LuaValue};
use serde_json::{Map, Value, json};

use crate::{log::Log, world::World};
pub use functions::documentation;
use functions::{Args, FUNCTIONS, Function};

/// What OpenSpace takes from sandboxed scripts, and more on purpose: a page in a browser of this machine can reach the socket, and
/// with these it could reach everything. (`debug` is not there to begin with.)
const FORBIDDEN: [&str; 8] =
    ["io", "os", "package", "require", "dofile", "loadfile", "load", "collectgarbage"];

/// A script longer than this is cut in the log.
const LOGGED_CHARS: usize = 200;

#[derive(Debug)]
pub struct Scripts {
    lua: Lua,
    world: Rc<RefCell<World>>,
    log: Log,
}

impl Scripts {
    /// # Errors
    /// Lua has no memory left.
    pub fn new(world: Rc<RefCell<World>>, sandboxed: bool) -> mlua::Result<Self> {
        let lua = Lua::new();
        if sandboxed {
            for name in FORBIDDEN {
                lua.globals().set(name, LuaValue::Nil)?;
            }
            lua.globals().get::<Table>("string")?.set("dump", LuaValue::Nil)?;
        }
        let openspace = lua.create_table()?;
        let dialect = world.borrow().dialect;
        for function in
            FUNCTIONS.iter().flat_map(|list| list.iter()).filter(|f| navigation::belongs_to(f, dialect))
        {
            library(&lua, &openspace, function.library)?.set(function.name, bind(&lua, &world, function)?)?;
        }
        lua.globals().set("openspace", openspace)?;
        let log = world.borrow().log.clone();
        Ok(Self { lua, world, log })
    }

    /// Runs a script; what it returns comes under the keys "1", "2", …. An error is logged, and answered with nothing.
    pub fn run(&self, text: &str) -> Map<String, Value> {
        self.log.script(text);
        let chunk = self.lua.load(text).set_name(text).into_function();
        match chunk.and_then(|chunk| chunk.call::<MultiValue>(())) {
            Ok(values) => returned(values),
            Err(error) => {
                self.complain(&error);
                Map::new()
            }
        }
    }

    /// Calls a function by its full name, such as `openspace.time.setPause`.
    pub fn call(&self, name: &str, arguments: &[Value]) -> Map<String, Value> {
        self.log.script(&format!("{name}({})", Value::from(arguments)));
        let called = self.find(name).and_then(|function| {
            let arguments: mlua::Result<MultiValue> =
                arguments.iter().map(|argument| json::to_lua(&self.lua, argument)).collect();
            function.call::<MultiValue>(arguments?)
        });
        match called {
            Ok(values) => returned(values),
            Err(error) => {
                self.complain(&error);
                Map::new()
            }
        }
    }

    /// Runs what actions and the profile left to be run, and what that leaves.
    pub fn run_waiting(&self) {
        for _ in 0..1024 {
            let Some(script) = self.world.borrow_mut().scripts.pop_front() else { return };
            let args =
                json::to_lua(&self.lua, &script.args).and_then(|args| self.lua.globals().set("args", args));
            if let Err(error) = args {
                self.complain(&error);
            }
            self.run(&script.text);
        }
        self.log.error("ScriptEngine", "Actions keep triggering actions; the rest waits for the next frame");
    }

    fn find(&self, name: &str) -> mlua::Result<LuaFunction> {
        let mut value = LuaValue::Table(self.lua.globals());
        for part in name.split('.') {
            value = match value {
                LuaValue::Table(table) => table.raw_get(part)?,
                _ => LuaValue::Nil,
            };
        }
        match value {
            LuaValue::Function(function) => Ok(function),
            _ => Err(mlua::Error::runtime(format!("there is no function '{name}'"))),
        }
    }

    fn complain(&self, error: &mlua::Error) {
        match error {
            mlua::Error::SyntaxError { message, .. } => {
                self.log.error("Lua", format!("Error loading script '': {message}"))
            }
            mlua::Error::CallbackError { cause, .. } => {
                self.log.error("Lua", format!("Error executing script: {cause}"))
            }
            other => {
                let message: String = other.to_string().chars().take(LOGGED_CHARS * 4).collect();
                self.log.error("Lua", format!("Error executing script: {message}"));
            }
        }
    }
}

fn returned(values: MultiValue) -> Map<String, Value> {
    values
        .iter()
        .enumerate()
        .filter(|(_, value)| !value.is_nil())
        .map(|(i, value)| ((i + 1).to_string(), json::from_lua(value, 0)))
        .collect()
}

fn library(lua: &Lua, openspace: &Table, name: &str) -> mlua::Result<Table> {
    if name.is_empty() {
        return Ok(openspace.clone());
    }
    if let Some(table) = openspace.get::<Option<Table>>(name)? {
        return Ok(table);
    }
    let table = lua.create_table()?;
    openspace.set(name, &table)?;
    Ok(table)
}

fn bind(lua: &Lua, world: &Rc<RefCell<World>>, function: &'static Function) -> mlua::Result<LuaFunction> {
    let world = Rc::clone(world);
    lua.create_function(move |lua, arguments: MultiValue| {
        let arguments: Vec<Value> = arguments.iter().map(|value| json::from_lua(value, 0)).collect();
        let mut world = world.try_borrow_mut().map_err(|_| mlua::Error::runtime("openspace is busy"))?;
        let answer = (function.call)(&mut world, &Args(&arguments));
        let name = || {
            [function.library, function.name]
                .iter()
                .filter(|part| !part.is_empty())
                .copied()
                .collect::<Vec<_>>()
                .join(".")
        };
        let values = answer.map_err(|why| mlua::Error::runtime(format!("openspace.{}: {why}", name())))?;
        values.iter().map(|value| json::to_lua(lua, value)).collect::<mlua::Result<MultiValue>>()
    })
}

/// One value to return.
fn one(value: impl Into<Value>) -> Result<Vec<Value>, String> {
    Ok(vec![value.into()])
}

fn nothing() -> Result<Vec<Value>, String> {
    Ok(Vec::new())
}

/// The version as `openspace.version()` answers it.
fn version_json(world: &World) -> Value {
    let [major, minor, patch] = world.dialect.version();
    let (branch, commit) = world.commit.split_once('@').unwrap_or(("", &world.commit));
    json!({ "Version": { "Major": major, "Minor": minor, "Patch": patch }, "Branch": branch, "Commit": commit })
}
