//! What the gateway asks of the node, answered.

mod here;
mod players;
mod sight;
mod visits;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use futures_util::stream::{self, BoxStream, StreamExt};
use gateway::{Asked, Caller, Download, Playing, Reception, Refused, ViewerChannel};
use model::{
    AuditEntry, AuditQuestion, InstanceId, Role, SavedFile, SavedKind, Secret, SecretHash, ServerId,
};
use protocol::{
    admin::{AdminCommand, AdminReply, AuditPage, LogsOfInstance, NodeSnapshot},
    api::{
        BuildView, Event, InstanceView, InviteCreated, InviteRequest, LaunchRequest, Launched, LeftSceneView,
        Problem, ProfileView, ServerView, SessionCreated, TicketView,
    },
    signal::{Hello, IceServer, RefusalReason},
    supervisor,
};
use store::Store;
use tokio_stream::wrappers::WatchStream;
use uuid::Uuid;

use self::here::Guest;
pub use self::visits::answer as answer_others;
use crate::{
    audit::Audit,
    builds::{AddError, Builds},
    clock,
    cloud::Here,
    continuity::left_scene,
    events,
    fleet::{Fleet, words::Asker},
    invitations::Invitations,
    membership::Membership,
    metrics,
    old_world::OldWorld,
    problem::{journal, problem},
    queue::{By, Queue},
    roster::{Roster, Started},
    session::Means,
    snapshot::Snapshots,
    source::{self, Workshop},
    standby::plan::Wanted,
    views::{self, registry_words},
    whose::{invite_hash, owner},
};

/// Between two tellings of what a program prints: ten a second are as many as people read.
const LINES_PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub struct Desk {
    pub store: Store,
    pub audit: Audit,
    pub invitations: Invitations,
    pub builds: Builds,
    pub workshop: Workshop,
    pub roster: Roster,
    pub queue: Queue,
    pub snapshots: Snapshots,
    pub server: ServerId,
    pub means: Means,
    pub slots: u32,
    /// Known to the programs of this machine through `admin.token`; made anew at each start.
    pub local_admin: SecretHash,
    pub here: Here,
    pub old_world: OldWorld,
    pub fleet: Fleet,
}

#[async_trait::async_trait]
impl Reception for Desk {
    async fn create_session(&self) -> Result<SessionCreated, Problem> {
        let session = clock::new_secret();
        self.store.add_session(session.hash(), clock::now()).await.map_err(journal)?;
        Ok(SessionCreated { session_id: session.reveal().to_owned() })
    }

    async fn identify(&self, bearer: SecretHash) -> Result<Option<Caller>, Problem> {
        if bearer == self.local_admin || self.store.knows_admin_token(bearer).await.map_err(journal)? {
            return Ok(Some(Caller::Admin));
        }
        let known = self.store.use_session(bearer, clock::now()).await.map_err(journal)?;
        Ok(known.then_some(Caller::Session(bearer)))
    }

    async fn instances(&self, caller: &Caller) -> Vec<InstanceView> {
        self.eyes().seen(caller).into_values().collect()
    }

    async fn instance(&self, caller: &Caller, id: InstanceId) -> Result<InstanceView, Problem> {
        match self.elsewhere(id).await {
            Some(at) => self.fleet.instance(at, caller, id).await,
            None => self.view_here(caller, id),
        }
    }

    async fn launch(&self, caller: &Caller, request: LaunchRequest) -> Result<Launched, Problem> {
        self.queue.launch(by(caller), request).await
    }

    async fn ticket(&self, caller: &Caller, id: Uuid) -> Result<TicketView, Problem> {
        self.queue.look(by(caller), id).await
    }

    async fn claim(&self, caller: &Caller, id: Uuid) -> Result<Launched, Problem> {
        self.queue.claim(by(caller), id).await
    }

    async fn leave_queue(&self, caller: &Caller, id: Uuid) -> Result<(), Problem> {
        self.queue.leave(by(caller), id).await
    }

    async fn stop(&self, caller: &Caller, id: InstanceId) -> Result<(), Problem> {
        match self.elsewhere(id).await {
            Some(at) => self.fleet.stop(at, caller, id).await,
            None => self.stop_here(caller, id).await,
        }
    }

    async fn invite(
        &self,
        caller: &Caller,
        id: InstanceId,
        request: InviteRequest,
    ) -> Result<InviteCreated, Problem> {
        match self.elsewhere(id).await {
            Some(at) => self.fleet.invite(at, caller, id, request).await,
            None => self.invite_here(caller, id, request).await,
        }
    }

    async fn thumbnail(&self, caller: &Caller, id: InstanceId) -> Result<Vec<u8>, Problem> {
        match self.elsewhere(id).await {
            Some(at) => self.fleet.thumbnail(at, caller, id).await,
            None => self.thumbnail_here(caller, id).await,
        }
    }

    async fn left_scenes(&self, caller: &Caller) -> Result<Vec<LeftSceneView>, Problem> {
        let catalog = self.builds.catalog();
        let left = self.store.left_scenes(owner(caller)).await.map_err(journal)?;
        Ok(left
            .into_iter()
            .map(|left| {
                let build = catalog.builds().find(|build| build.id == left.by.build);
                views::left_scene(left, build)
            })
            .collect())
    }

    async fn forget_scene(&self, caller: &Caller, id: InstanceId) -> Result<(), Problem> {
        left_scene(&self.store, owner(caller), id).await?;
        self.store.remove_scene(id).await.map_err(journal)
    }

    async fn saved(
        &self,
        caller: &Caller,
        id: InstanceId,
        kind: SavedKind,
    ) -> Result<Vec<SavedFile>, Problem> {
        let saved = self.presented(caller, id).await?.member.saved;
        Ok(tokio::task::spawn_blocking(move || saved.list(kind)).await.unwrap_or_default())
    }

    async fn open_saved(
        &self,
        caller: &Caller,
        id: InstanceId,
        kind: SavedKind,
        name: &str,
    ) -> Result<Download, Problem> {
        let saved = self.presented(caller, id).await?.member.saved;
        let name = name.to_owned();
        let opened = tokio::task::spawn_blocking(move || saved.open(kind, &name)).await.unwrap_or_default();
        let (file, content) = opened.ok_or_else(|| {
            problem(
                404,
                "Unknown file",
                "There is no such file (any more): the list has those that there are.",
            )
        })?;
        Ok(Download { file, content })
    }

    async fn audit(&self, question: AuditQuestion) -> Result<AuditPage, Problem> {
        self.audit.flush().await;
        let entries = self.store.audit(&question).await.map_err(journal)?;
        let last = entries.last().map(|last| last.id);
        let older = AuditQuestion { before: last, limit: Some(1), ..question };
        let more = last.is_some() && !self.store.audit(&older).await.map_err(journal)?.is_empty();
        Ok(AuditPage { entries, more })
    }

    fn note(&self, caller: &Caller, asked: Asked, answer: Result<(), &Problem>) {
        let session = match caller {
            Caller::Session(session) => Some(*session),
            Caller::Admin => None,
        };
        let entry = AuditEntry::new(clock::now(), asked.kind, session, &asked.what).saying(&asked.detail);
        let entry = AuditEntry { instance_id: asked.instance, ..entry };
        self.audit.note(match answer {
            Ok(()) => entry,
            Err(problem) => entry.refused(&problem.detail),
        });
    }

    async fn builds(&self) -> Vec<BuildView> {
        self.builds.catalog().views()
    }

    async fn profiles(&self, build: Option<&str>) -> Result<Vec<ProfileView>, Problem> {
        self.builds.catalog().profiles(build)
    }

    async fn servers(&self) -> Vec<ServerView> {
        let name = self.snapshots.sources().node.borrow().name.clone();
        let here = ServerView {
            server_id: self.server,
            name,
            region: self.here.region(),
            slots_total: self.slots,
            slots_free: self.snapshots.sources().slots_free(),
            this_machine: true,
            draining: self.snapshots.sources().drain.now().is_some(),
        };
        std::iter::once(here).chain(self.fleet.servers()).collect()
    }

    fn events(&self, caller: &Caller) -> BoxStream<'static, Event> {
        let (caller, eyes) = (caller.clone(), self.eyes());
        let places = self.queue.follow(owner(&caller)).map(|tickets| Event::Queue { tickets });
        let here = WatchStream::new(self.roster.rows()).map(drop);
        let there = WatchStream::new(self.fleet.others()).map(drop);
        let instances =
            stream::select(here, there).scan(None, move |before: &mut Option<events::Seen>, ()| {
                let after = eyes.seen(&caller);
                let told = match before.as_ref() {
                    Some(before) => events::changes(before, &after),
                    None => vec![Event::Instances { list: after.values().cloned().collect() }],
                };
                *before = Some(after);
                std::future::ready(Some(stream::iter(told)))
            });
        stream::select(instances.flatten(), places).boxed()
    }

    async fn snapshot(&self) -> NodeSnapshot {
        self.snapshots.sources().take()
    }

    fn snapshots(&self) -> BoxStream<'static, Arc<NodeSnapshot>> {
        self.snapshots.follow()
    }

    async fn command(&self, command: AdminCommand) -> Result<AdminReply, Problem> {
        match command {
            AdminCommand::Launch { build, profile } => {
                let request = LaunchRequest { build, profile, ..LaunchRequest::default() };
                let Started { id, .. } = self.queue.launch_at_once(by(&Caller::Admin), request).await?;
                Ok(AdminReply::Launched { instance_id: id, url: views::url(id) })
            }
            // To forget a failed one is to stop it: nothing of it runs.
            AdminCommand::Stop { instance_id } | AdminCommand::Remove { instance_id } => {
                self.stop(&Caller::Admin, instance_id).await?;
                Ok(AdminReply::Done)
            }
            AdminCommand::Restart { instance_id } => {
                self.visible(&Caller::Admin, instance_id)?;
                self.roster.restart(instance_id).await;
                Ok(AdminReply::Done)
            }
            AdminCommand::Continue { instance_id } => self.go_on(instance_id).await,
            AdminCommand::AddBuild { dir, env, args } => {
                let build =
                    self.builds.add_openspace(&PathBuf::from(dir), env, args).await.map_err(not_added)?;
                Ok(AdminReply::BuildAdded { build: views::build(&build, false) })
            }
            AdminCommand::AddProgram { name, run, working_dir, env } => {
                let added = self.builds.add_program(&name, run, working_dir.map(PathBuf::from), env).await;
                Ok(AdminReply::BuildAdded { build: views::build(&added.map_err(not_added)?, false) })
            }
            AdminCommand::RemoveBuild { id } => self.remove_build(&id).await,
            AdminCommand::SetDefaultBuild { id } => {
                let build = self.builds.named(&id)?;
                self.builds.set_default(&build.id).await.map_err(journal)?;
                Ok(AdminReply::Done)
            }
            AdminCommand::FetchData { build, profile } => {
                self.snapshots.sources().fetcher.order(&build, profile.as_deref()).await?;
                Ok(AdminReply::Done)
            }
            AdminCommand::CancelFetch { build, profile } => {
                self.snapshots.sources().fetcher.cancel(&build, profile.as_deref()).await?;
                Ok(AdminReply::Done)
            }
            AdminCommand::SetStandby { build, profile, count } => {
                self.set_standby(&build, profile.as_deref(), count).await
            }
            AdminCommand::Drain { within_s } => {
                self.snapshots.sources().drain.begin(within_s).await.map_err(journal)?;
                Ok(AdminReply::Done)
            }
            AdminCommand::Undrain => {
                self.snapshots.sources().drain.end().await.map_err(journal)?;
                Ok(AdminReply::Done)
            }
            AdminCommand::SetUpRegistry => {
                let message = registry_words(&self.membership().set_up().await?);
                Ok(AdminReply::RegistrySetUp { message })
            }
            AdminCommand::TryRegistry { address, password } => {
                let found = self.membership().try_out(&address, password.as_ref()).await?;
                Ok(AdminReply::RegistryTried { found })
            }
            AdminCommand::JoinRegistry { address, password } => {
                let message = registry_words(&self.membership().join(&address, password.as_ref()).await?);
                Ok(AdminReply::RegistrySetUp { message })
            }
            AdminCommand::LeaveRegistry => {
                self.membership().leave().await?;
                Ok(AdminReply::Done)
            }
            AdminCommand::BuildFromSource { dir, options } => {
                let order = source::Order::new(PathBuf::from(dir), options);
                let order = order.map_err(|why| problem(422, "It cannot be built", why))?;
                self.workshop.start(order).await?;
                Ok(AdminReply::Done)
            }
            AdminCommand::CancelSourceBuild => {
                self.workshop.cancel().await;
                Ok(AdminReply::Done)
            }
            AdminCommand::FoundFleet => {
                self.fleet.found().await?;
                Ok(AdminReply::Done)
            }
            AdminCommand::CreateJoinCode => Ok(AdminReply::JoinCode { code: self.fleet.code().await? }),
            AdminCommand::JoinFleet { code } => {
                self.fleet.join(&code).await?;
                Ok(AdminReply::Done)
            }
            AdminCommand::LeaveFleet => {
                self.fleet.leave().await?;
                Ok(AdminReply::Done)
            }
            AdminCommand::RemoveMachine { server_id } => {
                self.fleet.remove(server_id).await?;
                Ok(AdminReply::Done)
            }
            AdminCommand::CreateToken => {
                let token = clock::new_secret();
                self.store.add_admin_token(token.hash(), clock::now()).await.map_err(journal)?;
                Ok(AdminReply::TokenCreated { token: token.reveal().to_owned() })
            }
        }
    }

    async fn logs(&self) -> Vec<LogsOfInstance> {
        let rows = self.roster.rows().borrow().clone();
        let logs = self.means.logs.clone();
        let listed = tokio::task::spawn_blocking(move || {
            let living = rows.values().map(|row| views::logs(row, logs.of_living(row.member.id)));
            living.chain(logs.of_gone()).collect()
        });
        listed.await.unwrap_or_default()
    }

    async fn log_file(&self, id: InstanceId, name: &str) -> Option<Vec<u8>> {
        let (logs, name) = (self.means.logs.clone(), name.to_owned());
        tokio::task::spawn_blocking(move || logs.read(id, &name)).await.ok()?
    }

    fn log_lines(&self, id: InstanceId) -> Result<BoxStream<'static, Vec<String>>, Problem> {
        let log = self.visible(&Caller::Admin, id)?.member.instance.follow_log();
        let lines = stream::unfold(log, async |mut log| Some((log.next().await?, log)));
        Ok(lines
            .then(async |lines| {
                // What comes meanwhile is told together.
                tokio::time::sleep(LINES_PAUSE).await;
                lines
            })
            .boxed())
    }

    async fn attend(
        &self,
        instance: InstanceId,
        hello: Hello,
        _from: SocketAddr,
    ) -> Result<ViewerChannel, Refused> {
        let bearer = Secret::parse(&hello.session_id)
            .map_err(|error| refused(RefusalReason::StaleSession, format!("The session id is {error}.")))?
            .hash();
        let caller =
            self.identify(bearer).await.map_err(|error| refused(RefusalReason::Unavailable, error.detail))?;
        let caller = caller.ok_or_else(stale_session)?;
        if let Some(at) = self.elsewhere(instance).await {
            if let Some(lost) = self.fleet.to_go_on(&caller, instance) {
                return Ok(self.goes_on(&caller, lost, &hello).await);
            }
            return self.fleet.attend(at, &caller, instance, &hello).await;
        }
        let invite = hello.invite.as_deref().map(invite_hash);
        let guest = Guest { caller, bearer, invite, viewer_id: hello.viewer_id, role_max: Role::Admin };
        self.attend_here(guest, instance).await
    }

    async fn play(&self, instance: InstanceId, bearer: SecretHash, offer: &str) -> Result<Playing, Problem> {
        let caller = self.identify(bearer).await?;
        match self.elsewhere(instance).await {
            Some(at) => self.fleet.play(at, Asker::with(caller.as_ref(), bearer), instance, offer).await,
            None => self.play_here(caller, bearer, instance, offer).await,
        }
    }

    fn ice_servers(&self) -> Vec<IceServer> {
        self.means.ice_servers.clone()
    }

    async fn old_world(&self, request: supervisor::Request) -> supervisor::Reply {
        self.old_world.ask(request).await
    }

    async fn ready(&self) -> Result<(), String> {
        self.store.setting("server_id").await.map(drop).map_err(|error| error.to_string())
    }

    fn metrics(&self) -> String {
        let rows = self.roster.rows().borrow().clone();
        let (meeting, port) = (self.membership().view(), self.means.media.stats());
        let sources = self.snapshots.sources();
        metrics::text(&rows, self.slots, port, sources.health.borrow().as_ref(), &meeting)
    }
}

impl Desk {
    fn membership(&self) -> &Membership {
        &self.snapshots.sources().membership
    }

    async fn set_standby(
        &self,
        build: &str,
        profile: Option<&str>,
        count: u32,
    ) -> Result<AdminReply, Problem> {
        let places = self.slots.saturating_sub(1);
        if count > places {
            let detail = format!(
                "At most {places} can stand ready here: of the {} places one stays free for other launches.",
                self.slots
            );
            return Err(problem(422, "Too many", detail));
        }
        let (build, profile) = self.builds.resolve(Some(build), profile).await?;
        let want = Wanted { build: build.id, profile, count };
        self.snapshots.sources().standby.set(want).await.map_err(journal)?;
        Ok(AdminReply::Done)
    }

    async fn remove_build(&self, id: &str) -> Result<AdminReply, Problem> {
        let build = self.builds.named(id)?;
        let in_use =
            self.roster.rows().borrow().values().filter(|row| row.member.build.id == build.id).count();
        if in_use > 0 {
            let detail = format!("{in_use} instances of {} run. Stop them first.", build.name);
            return Err(problem(409, "The build is in use", detail));
        }
        self.builds.remove(&build.id).await.map_err(journal)?;
        Ok(AdminReply::Done)
    }
}

fn by(caller: &Caller) -> By {
    By { session: owner(caller), limited: matches!(caller, Caller::Session(_)) }
}

fn not_added(error: AddError) -> Problem {
    let status = if matches!(error, AddError::Store(_)) { 503 } else { 422 };
    problem(status, "The build was not added", error.to_string())
}

fn refused(reason: RefusalReason, message: impl Into<String>) -> Refused {
    Refused { reason, message: message.into(), retry_after_s: None }
}

fn stale_session() -> Refused {
    refused(
        RefusalReason::StaleSession,
        "This session is not known here any more. Reload the page to get a new one.",
    )
}
