//! What of a running scene may be changed by a value: switches, numbers, choices, vectors, colours.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A property that viewers may change, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SceneProperty {
    pub uri: String,
    /// What people call it: "Fade".
    pub name: String,
    /// What it belongs to, outermost first: "Mars › Renderable".
    pub owner: String,
    pub description: String,
    pub kind: PropertyKind,
    /// As it was when the list was made.
    pub value: PropertyValue,
}

/// What a property takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PropertyKind {
    Switch,
    Number {
        min: f64,
        max: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        step: Option<f64>,
        /// No fractions.
        whole: bool,
    },
    /// The value is the number of one of the options.
    Choice {
        options: Vec<PropertyOption>,
    },
    /// So many numbers, each within its own limits.
    Vector {
        min: Vec<f64>,
        max: Vec<f64>,
        whole: bool,
    },
    /// Red, green, blue and perhaps opacity, from 0 to 1.
    Colour {
        alpha: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PropertyOption {
    pub value: i64,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(untagged)]
pub enum PropertyValue {
    Switch(bool),
    Number(f64),
    Numbers(Vec<f64>),
}

impl PropertyKind {
    /// May it hold this value? The error is what it takes, to end a sentence with.
    pub fn check(&self, value: &PropertyValue) -> Result<(), String> {
        let good = match (self, value) {
            (Self::Switch, PropertyValue::Switch(_)) => true,
            (Self::Number { min, max, whole, .. }, PropertyValue::Number(number)) => {
                fits(*number, *min, *max, *whole)
            }
            (Self::Choice { options }, PropertyValue::Number(number)) => {
                options.iter().any(|option| option.value as f64 == *number)
            }
            (Self::Vector { min, max, whole }, PropertyValue::Numbers(numbers)) => {
                numbers.len() == min.len()
                    && numbers.len() == max.len()
                    && numbers
                        .iter()
                        .zip(min.iter().zip(max))
                        .all(|(n, (min, max))| fits(*n, *min, *max, *whole))
            }
            (Self::Colour { alpha }, PropertyValue::Numbers(numbers)) => {
                numbers.len() == 3 + usize::from(*alpha) && numbers.iter().all(|n| fits(*n, 0.0, 1.0, false))
            }
            _ => false,
        };
        if good { Ok(()) } else { Err(self.words()) }
    }

    /// "a number from 0 to 1".
    fn words(&self) -> String {
        match self {
            Self::Switch => "on or off".to_owned(),
            Self::Number { min, max, whole: false, .. } => format!("a number from {min} to {max}"),
            Self::Number { min, max, .. } => format!("a whole number from {min} to {max}"),
            Self::Choice { .. } => "one of its options".to_owned(),
            Self::Vector { min, .. } => format!("{} numbers within their limits", min.len()),
            Self::Colour { alpha } => format!("{} numbers from 0 to 1", 3 + u8::from(*alpha)),
        }
    }
}

/// Not a number is within no limits.
fn fits(number: f64, min: f64, max: f64, whole: bool) -> bool {
    min <= number && number <= max && (!whole || number.fract() == 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_takes_what_it_is_for_and_nothing_else() {
        let option = |value| PropertyOption { value, name: String::new() };
        let number = |whole| PropertyKind::Number { min: -1.0, max: 2.0, step: None, whole };
        let vector = PropertyKind::Vector { min: vec![0.0, -1.0], max: vec![1.0, 1.0], whole: false };
        let choice = PropertyKind::Choice { options: vec![option(0), option(3)] };
        for (kind, value, good) in [
            (PropertyKind::Switch, PropertyValue::Switch(true), true),
            (PropertyKind::Switch, PropertyValue::Number(1.0), false),
            (number(false), PropertyValue::Number(2.0), true),
            (number(false), PropertyValue::Number(2.1), false),
            (number(false), PropertyValue::Number(f64::NAN), false),
            (number(false), PropertyValue::Number(f64::NEG_INFINITY), false),
            (number(true), PropertyValue::Number(0.5), false),
            (number(true), PropertyValue::Number(-1.0), true),
            (number(true), PropertyValue::Switch(true), false),
            (choice.clone(), PropertyValue::Number(3.0), true),
            (choice.clone(), PropertyValue::Number(1.0), false),
            (choice, PropertyValue::Number(f64::NAN), false),
            (vector.clone(), PropertyValue::Numbers(vec![1.0, -1.0]), true),
            (vector.clone(), PropertyValue::Numbers(vec![1.0, -1.5]), false),
            (vector.clone(), PropertyValue::Numbers(vec![1.0]), false),
            (vector, PropertyValue::Numbers(vec![1.0; 1000]), false),
            (PropertyKind::Colour { alpha: false }, PropertyValue::Numbers(vec![0.0, 0.5, 1.0]), true),
            (PropertyKind::Colour { alpha: true }, PropertyValue::Numbers(vec![0.0, 0.5, 1.0]), false),
        ] {
            assert_eq!(kind.check(&value).is_ok(), good, "{kind:?} {value:?}");
        }
    }
}
