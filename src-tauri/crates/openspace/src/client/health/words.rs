//! The sentences about an OpenSpace that does not answer as it should. Pure.

use model::ScenePart;

use super::Step;

impl Step {
    /// Ends "when it is asked …".
    pub(in crate::client) const fn asked(self) -> &'static str {
        match self {
            Self::Version => "anything",
            Self::Calls => "to do something",
            Self::Time => "for the time",
            Self::Focus => "what it looks at",
            Self::Contents => "what is in the scene",
            Self::Actions => "for its actions",
            Self::Missions => "for its missions",
            Self::Functions => "which functions it has",
            Self::Mode => "who moves the camera",
            Self::Recorder => "for its recorder",
            Self::Camera => "where the camera is",
            Self::Flights => "for its flights",
            Self::Shown => "what is shown and hidden",
            Self::Values => "what its settings are",
            Self::Rest => "",
        }
    }
}

/// What is the matter, what is off because of it, and what is done about it.
pub(super) fn sentence(silent: &[Step], unreadable: &[Step], off: &[ScenePart]) -> String {
    let silent = clause("does not answer", silent);
    let unreadable = clause("answers with something that cannot be read", unreadable);
    let matter = [silent, unreadable].into_iter().flatten().collect::<Vec<_>>().join(", and ");
    let off = off_words(off);
    format!("The picture is live, but OpenSpace {matter}{off}. It is asked again every few seconds.")
}

fn clause(does: &str, steps: &[Step]) -> Option<String> {
    match steps {
        [] => None,
        [Step::Version, ..] => Some(does.to_owned()),
        [Step::Rest] => Some("tells things by itself that cannot be read".to_owned()),
        steps => Some(format!("{does} when it is asked {}", listed(steps.iter().map(|step| step.asked())))),
    }
}

fn off_words(off: &[ScenePart]) -> String {
    let part = |part: &ScenePart| match part {
        ScenePart::Everything => "its controls",
        ScenePart::Contents => "what shows and adjusts the scene",
        ScenePart::Actions => "its actions",
        ScenePart::Missions => "its missions",
    };
    match off {
        [] => String::new(),
        [one] if *one == ScenePart::Contents => format!(": {} is off", part(one)),
        parts => format!(": {} are off", listed(parts.iter().map(part))),
    }
}

fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => (*last).to_owned(),
        None => String::new(),
    }
}
