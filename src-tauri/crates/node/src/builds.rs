//! What can be launched here: builds are registered in the store, and looked at on the disk whenever somebody asks.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use model::{Build, BuildId, BuildKind, Profile};
use openspace::build::{Inspection, NotABuild};
use protocol::{
    admin::AdminBuild,
    api::{BuildView, Problem},
};
use store::{Store, StoreError};

use crate::{problem::problem, views};

const DEFAULT_BUILD: &str = "default_build";

/// The builds of this machine. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Builds {
    store: Store,
}

#[derive(Debug, thiserror::Error)]
pub enum AddError {
    #[error(transparent)]
    NotABuild(#[from] NotABuild),
    #[error("{0} is not a program that can be started: {1}")]
    NotAProgram(PathBuf, &'static str),
    #[error("a program needs a command")]
    NoCommand,
    #[error(transparent)]
    BadName(#[from] model::build::MalformedBuildId),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Builds {
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    pub async fn all(&self) -> Result<Vec<Build>, StoreError> {
        self.store.builds().await
    }

    pub async fn find(&self, id: &BuildId) -> Result<Option<Build>, StoreError> {
        Ok(self.all().await?.into_iter().find(|build| build.id == *id))
    }

    /// The administrator's choice; else the first real OpenSpace, else the demo.
    pub async fn default(&self) -> Result<Option<Build>, StoreError> {
        let chosen = self.store.setting(DEFAULT_BUILD).await?;
        let builds = self.all().await?;
        let by_choice = builds.iter().find(|build| Some(build.id.as_str()) == chosen.as_deref());
        let by_rank = || builds.iter().min_by_key(|build| (build.is_demo(), !build.is_openspace()));
        Ok(by_choice.or_else(by_rank).cloned())
    }

    pub async fn set_default(&self, id: &BuildId) -> Result<(), StoreError> {
        self.store.put_setting(DEFAULT_BUILD, id.as_str()).await
    }

    pub async fn remove(&self, id: &BuildId) -> Result<bool, StoreError> {
        self.store.remove_build(id).await
    }

    pub async fn add_openspace(
        &self,
        dir: &Path,
        env: BTreeMap<String, String>,
        args: Vec<String>,
    ) -> Result<Build, AddError> {
        let dir = dir.canonicalize().map_err(|_| NotABuild::Missing(dir.to_owned()))?;
        let inspection = openspace::build::inspect(&dir)?;
        let name = name_of(&dir, &inspection);
        let id = if inspection.demo { BuildId::demo() } else { BuildId::from_name(&name)? };
        let Inspection { api, version, commit, demo, .. } = inspection;
        let kind = BuildKind::OpenSpace { dir, api, version, commit, demo };
        self.put(Build { id, name, kind, env, args }).await
    }

    pub async fn add_program(
        &self,
        name: &str,
        run: Vec<String>,
        working_dir: Option<PathBuf>,
        env: BTreeMap<String, String>,
    ) -> Result<Build, AddError> {
        let mut run = run.into_iter();
        let command = run.next().filter(|command| !command.is_empty()).ok_or(AddError::NoCommand)?;
        let command = locate(Path::new(&command))?;
        let kind = BuildKind::Program { command, working_dir };
        let build =
            Build { id: BuildId::from_name(name)?, name: name.to_owned(), kind, env, args: run.collect() };
        self.put(build).await
    }

    /// One of the same folder or command keeps its id; another of the same name gets a number.
    async fn put(&self, mut build: Build) -> Result<Build, AddError> {
        let others = self.all().await?;
        if let Some(same) = others.iter().find(|other| is_same_thing(&other.kind, &build.kind)) {
            build.id = same.id.clone();
        } else {
            let base = build.id.clone();
            let taken = |id: &BuildId| others.iter().any(|other| other.id == *id);
            let mut number = 2;
            while taken(&build.id) {
                build.id = BuildId::from_name(&format!("{base}-{number}"))?;
                number += 1;
            }
        }
        self.store.put_build(&build).await?;
        Ok(build)
    }

    pub async fn views(&self) -> Result<Vec<BuildView>, StoreError> {
        let default = self.default().await?.map(|build| build.id);
        let builds = self.all().await?;
        Ok(builds.iter().map(|build| views::build(build, Some(&build.id) == default.as_ref())).collect())
    }

    pub async fn admin_views(&self) -> Result<Vec<AdminBuild>, StoreError> {
        let default = self.default().await?.map(|build| build.id);
        let builds = self.all().await?;
        let look = move || {
            builds.iter().map(|build| admin_view(build, Some(&build.id) == default.as_ref())).collect()
        };
        Ok(tokio::task::spawn_blocking(look).await.unwrap_or_default())
    }

    /// What to launch for this wish: the build and a profile that it has.
    pub async fn resolve(
        &self,
        build: Option<&str>,
        profile: Option<&str>,
    ) -> Result<(Build, Option<String>), Problem> {
        let build = self.pick(build).await?;
        let profile = match &build.kind {
            BuildKind::Program { .. } if profile.is_some() => {
                return Err(problem(
                    422,
                    "No profiles",
                    format!("{} has no profiles: leave it out.", build.name),
                ));
            }
            BuildKind::Program { .. } => None,
            BuildKind::OpenSpace { dir, .. } => Some(pick_profile(&build, dir.clone(), profile).await?),
        };
        Ok((build, profile))
    }

    pub async fn profiles(&self, build: Option<&str>) -> Result<Vec<Profile>, Problem> {
        let build = self.pick(build).await?;
        Ok(match build.kind {
            BuildKind::OpenSpace { dir, .. } => profiles_in(dir).await,
            BuildKind::Program { .. } => Vec::new(),
        })
    }

    /// The build of this id, or the default one.
    pub async fn pick(&self, id: Option<&str>) -> Result<Build, Problem> {
        let unreadable = |error: StoreError| problem(503, "The journal cannot be read", error.to_string());
        let Some(id) = id else {
            return self.default().await.map_err(unreadable)?.ok_or_else(|| {
                problem(
                    503,
                    "Nothing to launch",
                    "This machine has no build yet. Its administrator can add one.",
                )
            });
        };
        let known = match id.parse() {
            Ok(id) => self.find(&id).await.map_err(unreadable)?,
            Err(_) => None,
        };
        known.ok_or_else(|| {
            let id: String = id.chars().take(80).collect();
            problem(
                404,
                "Unknown build",
                format!("This machine has no build `{id}`. GET /api/v1/builds lists those that it has."),
            )
        })
    }
}

async fn profiles_in(dir: PathBuf) -> Vec<Profile> {
    tokio::task::spawn_blocking(move || openspace::build::profiles(&dir)).await.unwrap_or_default()
}

async fn pick_profile(build: &Build, dir: PathBuf, wanted: Option<&str>) -> Result<String, Problem> {
    let profiles = profiles_in(dir).await;
    let wanted = wanted.unwrap_or("default");
    let found = profiles.iter().find(|profile| profile.id == wanted);
    found.map(|profile| profile.id.clone()).ok_or_else(|| {
        let wanted: String = wanted.chars().take(80).collect();
        let known: Vec<_> = profiles.iter().map(|profile| profile.id.as_str()).take(12).collect();
        let detail = format!("{} has no profile `{wanted}`. It has: {}.", build.name, known.join(", "));
        problem(404, "Unknown profile", detail)
    })
}

fn name_of(dir: &Path, inspection: &Inspection) -> String {
    match (&inspection.version, inspection.demo) {
        (_, true) => "Demo sky".to_owned(),
        (Some(version), _) => format!("OpenSpace {version}"),
        (None, _) => {
            dir.file_name().map_or_else(|| "OpenSpace".to_owned(), |name| name.to_string_lossy().into_owned())
        }
    }
}

fn is_same_thing(a: &BuildKind, b: &BuildKind) -> bool {
    match (a, b) {
        (BuildKind::OpenSpace { dir: a, .. }, BuildKind::OpenSpace { dir: b, .. }) => a == b,
        _ => false,
    }
}

fn admin_view(build: &Build, default: bool) -> AdminBuild {
    let (location, inspected) = match &build.kind {
        BuildKind::OpenSpace { dir, .. } => (dir.display().to_string(), Some(openspace::build::inspect(dir))),
        BuildKind::Program { command, .. } => (command.display().to_string(), None),
    };
    let (profiles, problems) = match (inspected, &build.kind) {
        (Some(Ok(inspection)), _) => {
            (inspection.profiles.into_iter().map(|profile| profile.id).collect(), inspection.problems)
        }
        (Some(Err(error)), _) => (Vec::new(), vec![error.to_string()]),
        (None, BuildKind::Program { command, .. }) => {
            (Vec::new(), locate(command).err().map(|error| error.to_string()).into_iter().collect())
        }
        (None, BuildKind::OpenSpace { .. }) => (Vec::new(), Vec::new()),
    };
    AdminBuild { build: views::build(build, default), location, profiles, problems, notes: Vec::new() }
}

/// The file of a command: as it stands, or found in `PATH`.
fn locate(command: &Path) -> Result<PathBuf, AddError> {
    let not = |why| AddError::NotAProgram(command.to_owned(), why);
    let found = if command.components().count() > 1 {
        std::path::absolute(command).ok().filter(|file| file.is_file())
    } else {
        crate::path::find(command)
    };
    let found = found.ok_or_else(|| not("there is no such file"))?;
    if is_executable(&found) { Ok(found) } else { Err(not("it is not executable")) }
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(_file: &Path) -> bool {
    true
}
