//! What is known of the builds, and what follows from it. Pure.

use model::{ApiGeneration, Build, BuildKind, Confirmed, Profile, UnixMillis};
use protocol::{
    admin::{AdminBuild, ConfirmedView},
    api::{BuildView, Problem, ProfileView},
};

use super::unknown;
use crate::{problem::problem, views};

#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// In the order in which they were added.
    pub entries: Vec<Entry>,
    /// The administrator's choice.
    pub chosen: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub build: Build,
    pub seen: Seen,
    /// What a running program of it said last.
    pub confirmed: Option<Confirmed>,
    /// Why its newest start came to nothing.
    pub failure: Option<String>,
    /// When its folder was noticed to have changed while the node ran.
    pub changed: Option<UnixMillis>,
}

/// What its folder says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    pub profiles: Vec<Profile>,
    /// Sentences: why it cannot be launched as it is.
    pub problems: Vec<String>,
    pub notes: Vec<String>,
    /// Of the executable that lies there now.
    pub program: Option<String>,
    pub fingerprint: String,
}

impl Catalog {
    pub fn builds(&self) -> impl Iterator<Item = &Build> {
        self.entries.iter().map(|entry| &entry.build)
    }

    /// The administrator's choice; else the first real OpenSpace, else the demo.
    pub fn default_build(&self) -> Option<&Entry> {
        let by_choice =
            self.entries.iter().find(|entry| Some(entry.build.id.as_str()) == self.chosen.as_deref());
        let rank = |entry: &&Entry| (entry.build.is_demo(), !entry.build.is_openspace());
        by_choice.or_else(|| self.entries.iter().min_by_key(rank))
    }

    /// The build of this id, or the default one.
    pub fn pick(&self, id: Option<&str>) -> Result<&Entry, Problem> {
        match id {
            Some(id) => {
                self.entries.iter().find(|entry| entry.build.id.as_str() == id).ok_or_else(|| unknown(id))
            }
            None => self.default_build().ok_or_else(|| {
                problem(
                    503,
                    "Nothing to launch",
                    "This machine has no build yet. Its administrator can add one.",
                )
            }),
        }
    }

    pub fn profiles(&self, build: Option<&str>) -> Result<Vec<ProfileView>, Problem> {
        Ok(self.pick(build)?.seen.profiles.iter().cloned().map(views::profile).collect())
    }

    pub fn views(&self) -> Vec<BuildView> {
        self.entries.iter().map(|entry| self.view(entry)).collect()
    }

    pub fn admin_views(&self) -> Vec<AdminBuild> {
        self.entries.iter().map(|entry| entry.admin_view(self.view(entry))).collect()
    }

    fn view(&self, entry: &Entry) -> BuildView {
        let is_default = self.default_build().is_some_and(|default| default.build.id == entry.build.id);
        let view = views::build(&entry.build, is_default);
        BuildView {
            version: entry.said().and_then(|said| said.version.clone()).or(view.version.clone()),
            ..view
        }
    }
}

impl Entry {
    pub fn new(build: Build, confirmed: Option<Confirmed>) -> Self {
        Self { build, seen: Seen::default(), confirmed, failure: None, changed: None }
    }

    /// What the program that lies there now said of itself, if it has ever run.
    fn said(&self) -> Option<&Confirmed> {
        self.confirmed.as_ref().filter(|said| Some(&said.program) == self.seen.program.as_ref())
    }

    /// The profile for a launch: the wanted one, or `default`; none for a program.
    pub fn with_profile(&self, wanted: Option<&str>) -> Result<Option<String>, Problem> {
        let name = &self.build.name;
        if !self.build.is_openspace() {
            return match wanted {
                None => Ok(None),
                Some(_) => Err(problem(422, "No profiles", format!("{name} has no profiles: leave it out."))),
            };
        }
        let profiles = &self.seen.profiles;
        let wanted = wanted.unwrap_or("default");
        let Some(found) = profiles.iter().find(|profile| profile.id == wanted) else {
            let wanted: String = wanted.chars().take(80).collect();
            let known: Vec<_> = profiles.iter().map(|profile| profile.id.as_str()).take(12).collect();
            let detail = format!("{name} has no profile `{wanted}`. It has: {}.", known.join(", "));
            return Err(problem(404, "Unknown profile", detail));
        };
        match &found.problem {
            None => Ok(Some(found.id.clone())),
            Some(why) => {
                let detail = format!("The profile `{wanted}` of {name} cannot be used. {why}");
                Err(problem(422, "Broken profile", detail))
            }
        }
    }

    fn admin_view(&self, build: BuildView) -> AdminBuild {
        let Self { seen, failure, changed, .. } = self;
        let (location, api, commit) = match &self.build.kind {
            BuildKind::OpenSpace { dir, api, commit, .. } => {
                (dir.display().to_string(), Some(*api), commit.clone())
            }
            BuildKind::Program { command, .. } => (command.display().to_string(), None, None),
        };
        let said = self.said();
        let notes =
            self.differences().into_iter().chain(self.unconfirmed()).chain(seen.notes.iter().cloned());
        AdminBuild {
            build,
            location,
            api,
            commit: said.and_then(|said| said.commit.clone()).or(commit),
            confirmed: said.map(|said| ConfirmedView {
                version: said.version.clone(),
                api: said.api,
                at: said.at,
            }),
            changed: *changed,
            profiles: seen.profiles.iter().cloned().map(views::profile).collect(),
            problems: seen.problems.clone(),
            notes: notes.collect(),
            last_failure: failure.clone(),
        }
    }

    /// Where what the running program said is not what its files say.
    fn differences(&self) -> Vec<String> {
        let (Some(said), BuildKind::OpenSpace { api, version, commit, .. }) = (self.said(), &self.build.kind)
        else {
            return Vec::new();
        };
        let mut notes = Vec::new();
        let mut compare = |what: &str, files: Option<&str>, program: Option<&str>| {
            if let (Some(files), Some(program)) = (files, program)
                && !files.starts_with(program)
                && !program.starts_with(files)
            {
                notes.push(format!(
                    "The files of this folder say {what} {files}, the running program says {program}: the program counts."
                ));
            }
        };
        compare("version", version.as_deref(), said.version.as_deref());
        compare("commit", commit.as_deref(), said.commit.as_deref());
        if *api != said.api {
            notes.push(format!(
                "Its openspace.cfg is written for {}, but its version speaks {}. If it never gets ready, restore the stock openspace.cfg.",
                dialect(*api),
                dialect(said.api)
            ));
        }
        notes
    }

    fn unconfirmed(&self) -> Option<String> {
        let was = self.confirmed.as_ref().filter(|_| self.said().is_none())?;
        let what = was.version.as_deref().map_or_else(String::new, |version| format!(" (it was {version})"));
        Some(format!("The program was changed since it last ran{what}: its next start tells what it is now."))
    }
}

const fn dialect(api: ApiGeneration) -> &'static str {
    match api {
        ApiGeneration::New => "the API from 0.22 on",
        ApiGeneration::Legacy => "the API up to 0.21",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::*;

    fn entry(id: &str, demo: bool) -> Entry {
        let kind = BuildKind::OpenSpace {
            dir: "/opt/os".into(),
            api: ApiGeneration::New,
            version: Some("0.22.0".into()),
            commit: Some("8b2778bed1".into()),
            demo,
        };
        let build =
            Build { id: id.parse().unwrap(), name: id.into(), kind, env: BTreeMap::new(), args: vec![] };
        let profile = |id: &str, problem: Option<&str>| Profile {
            id: id.into(),
            name: id.into(),
            description: None,
            author: None,
            problem: problem.map(str::to_owned),
        };
        let seen = Seen {
            profiles: vec![profile("default", None), profile("torn", Some("Its file is broken."))],
            program: Some("1-2".into()),
            ..Seen::default()
        };
        Entry { seen, ..Entry::new(build, None) }
    }

    fn said(version: Option<&str>, commit: Option<&str>, program: &str) -> Confirmed {
        Confirmed {
            version: version.map(str::to_owned),
            commit: commit.map(str::to_owned),
            api: ApiGeneration::New,
            at: UnixMillis(7),
            program: program.into(),
        }
    }

    #[test]
    fn the_default_is_the_choice_then_a_real_openspace_then_the_demo() {
        let mut catalog = Catalog { entries: vec![entry("demo", true)], chosen: None };
        let default = |catalog: &Catalog| catalog.default_build().unwrap().build.id.to_string();
        assert_eq!(default(&catalog), "demo");
        catalog.entries.push(entry("real", false));
        assert_eq!(default(&catalog), "real");
        catalog.chosen = Some("demo".into());
        assert_eq!(default(&catalog), "demo");
        catalog.chosen = Some("gone".into());
        assert_eq!(default(&catalog), "real");
        let empty = Catalog::default();
        assert_eq!(empty.pick(None).unwrap_err().status, 503);
        assert_eq!(catalog.pick(Some("../x")).unwrap_err().status, 404);
    }

    #[test]
    fn a_profile_that_is_missing_or_broken_is_refused_with_a_sentence() {
        let entry = entry("os", false);
        assert_eq!(entry.with_profile(None).unwrap().as_deref(), Some("default"));
        let missing = entry.with_profile(Some("mars")).unwrap_err();
        assert!(missing.status == 404 && missing.detail.contains("It has: default, torn"), "{missing:?}");
        let torn = entry.with_profile(Some("torn")).unwrap_err();
        assert!(torn.status == 422 && torn.detail.contains("Its file is broken."), "{torn:?}");
    }

    #[test]
    fn what_the_running_program_says_counts_and_a_difference_is_said() {
        let shown = |confirmed: Confirmed| {
            let entries = vec![Entry { confirmed: Some(confirmed), ..entry("os", false) }];
            Catalog { entries, chosen: None }.admin_views().remove(0)
        };
        let same = shown(said(Some("0.22.0"), Some("8b2778b"), "1-2"));
        assert_eq!((same.notes.len(), same.confirmed.unwrap().at), (0, UnixMillis(7)));

        let other = shown(said(Some("0.21.4"), None, "1-2"));
        assert_eq!(other.build.version.as_deref(), Some("0.21.4"));
        assert!(other.notes[0].contains("say version 0.22.0") && other.notes[0].contains("says 0.21.4"));

        let blank = shown(said(None, None, "1-2"));
        assert_eq!((blank.build.version.as_deref(), blank.notes.len()), (Some("0.22.0"), 0));

        let rebuilt = shown(said(Some("0.21.4"), None, "3-4"));
        assert_eq!((rebuilt.build.version.as_deref(), rebuilt.confirmed), (Some("0.22.0"), None));
        assert!(
            rebuilt.notes[0].contains("changed since it last ran (it was 0.21.4)"),
            "{:?}",
            rebuilt.notes
        );
    }
}
