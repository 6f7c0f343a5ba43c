//! The `errorLog` topic: what of the log a client wants to hear, and how.

use serde_json::{Value, json};

use crate::log::{Level, Record};

#[derive(Clone, Debug)]
pub struct ErrorLog {
    /// Nothing below this is told; nothing at all without one.
    pub level: Option<Level>,
    category: bool,
    stamp_level: bool,
    time: bool,
    date: bool,
}

pub fn read(settings: &Value) -> ErrorLog {
    let on = |key: &str| settings[key] == true;
    ErrorLog {
        level: settings["logLevel"].as_str().and_then(Level::from_name),
        category: on("categoryStamping"),
        stamp_level: on("logLevelStamping"),
        time: on("timeStamping"),
        date: on("dateStamping"),
    }
}

impl ErrorLog {
    pub fn message(&self, record: &Record) -> Value {
        let mut message = json!({ "message": record.message });
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let now = crate::clock::iso(crate::clock::from_unix(now.as_secs_f64()));
        let (date, time) = now.split_once('T').unwrap_or_default();
        for (wanted, key, text) in [
            (self.category, "category", record.category.as_str()),
            (self.stamp_level, "level", record.level.name()),
            (self.time, "timeStamp", time),
            (self.date, "dateStamp", date),
        ] {
            if wanted {
                message[key] = json!(text);
            }
        }
        message
    }
}
