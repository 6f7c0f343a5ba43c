//! The staircase: opens every room in order, from the store up to the doors, and closes them the other way round.

mod addresses;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use display::graphics::{self, Graphics};
use gateway::{Certificate, Gateway};
use model::{
    Build, BuildId, InstanceState, Secret, ServerId,
    health::{GpuState, HealthSample},
    video::EncoderChoice,
};
use protocol::admin::{NodeView, Ports};
use store::{InstanceRecord, LeftBy, Store};
use streaming::MediaPort;
use telemetry::Sampler;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{error, info, warn};

use self::addresses::{home_urls, public_names};
use crate::{
    admission::{self, Slots},
    audit::Audit,
    builds::{self, Builds},
    clock,
    cloud::Here,
    config::{Config, GraphicsMode, OnExit, set_path},
    continuity, demo,
    encoding::Encoding,
    fetcher::{self, Fetcher},
    fleet::{self, Fleet},
    history::History,
    invitations::Invitations,
    life::{self, Drain},
    local,
    logs::Logs,
    membership::{self, Meeting, Membership, Site},
    old_world::OldWorld,
    queue::{self, Queue},
    reception::{self, Desk},
    resources::{Peak, Resources},
    roster::{self, Roster},
    rows::Rows,
    session::Means,
    snapshot::{Snapshots, Sources},
    source::Workshop,
    stage,
    standby::{self, Keeper},
};

/// How long the instances may take to end with the node, on top of their own grace.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// What all instances have downloaded, below the data folder.
const SYNC: &str = "sync";

/// Where a node lives and how it is set up.
#[derive(Clone, Debug)]
pub struct Options {
    pub config: Config,
    pub data_dir: PathBuf,
    /// Origins that may call the API besides our own pages: the desktop window's.
    pub allowed_origins: Vec<String>,
}

/// A node that serves.
#[derive(Debug)]
pub struct Node {
    gateway: Gateway,
    membership: Membership,
    roster: Roster,
    roster_task: JoinHandle<()>,
    audit: Audit,
    audit_task: JoinHandle<()>,
    rows: watch::Receiver<Rows>,
    _sampler: Sampler,
    /// Ends the small tasks that copy one room's news to another.
    _copies: DropGuard,
    data_dir: PathBuf,
    token: Secret,
    ports: Ports,
    policy: OnExit,
    grace: Duration,
    home_urls: Vec<String>,
}

impl Node {
    pub async fn open(options: Options) -> Result<Self> {
        let Options { config, data_dir, allowed_origins } = options;
        prepare(&data_dir)?;
        let store = Store::open(&data_dir.join("node.sqlite"))?;
        let invitations = Invitations::open(store.clone()).await?;
        let builds = Builds::open(store.clone()).await?;
        let server = server_id(&store).await?;
        let mut warnings = Vec::new();
        if let Err(error) = demo::install(&builds, &data_dir).await {
            error!(error = format!("{error:#}"), "there is no demo renderer");
            warnings.push(format!("The demo renderer cannot be used: {error:#}."));
        }
        let copies = CancellationToken::new();
        let place = Here::open(&config);
        let telemetry = telemetry_config(&config, &data_dir);
        let drawn = choose_graphics(&config, telemetry.clone()).await;
        let Encoding { encoder, codecs } = Encoding::probe(&config, &mut warnings).await;

        let media = MediaPort::open(streaming::Config {
            port: config.media.port,
            addresses: config.media.addresses.clone(),
            bitrate_max: config.bitrates().max,
        })
        .await?;
        let slots = Slots { total: slots(&config), per_session: config.instances.per_session };
        let adopted = adopted(&store, &builds).await?;
        let (audit, audit_task) = Audit::open(store.clone(), config.audit.kept());
        let drain = Drain::open(store.clone()).await?;
        let time = life::Means { limits: config.life.limits(), drain: drain.state() };
        let setup = roster_setup(&config, &data_dir, slots, &drawn, audit.clone(), time);
        let (roster, roster_task) = Roster::open(setup, store.clone(), adopted);

        let (roots, watched) = watch::channel(Vec::new());
        let sampler = Sampler::start(telemetry, watched);
        tokio::spawn(copies.clone().run_until_cancelled_owned(copy_roots(roster.rows(), roots)));
        let starts = builds::follow_starts(builds.clone(), roster.rows());
        tokio::spawn(copies.clone().run_until_cancelled_owned(starts));
        let (history, points) = watch::channel(History::default());
        tokio::spawn(copies.clone().run_until_cancelled_owned(copy_history(sampler.samples(), history)));

        let resources = open_resources(&config, &store, &sampler).await?;
        let following = resources.clone().follow(store.clone(), roster.rows());
        tokio::spawn(copies.clone().run_until_cancelled_owned(following));
        let setup = standby_setup(&config, slots, resources.clone());
        let standby = Keeper::open(setup, store.clone(), builds.clone(), drain.state()).await?;
        let keeping = standby.clone().run(roster.clone(), sampler.samples());
        tokio::spawn(copies.clone().run_until_cancelled_owned(keeping));
        let (fetcher, beginning_to_fetch) = Fetcher::open(store.clone(), builds.clone()).await?;
        let fetching = beginning_to_fetch.run(fetcher::Means {
            by_itself: config.builds.fetch_when_added,
            sync_dir: data_dir.join(SYNC),
            standby: standby_setup(&config, slots, resources.clone()),
            roster: roster.clone(),
            health: sampler.samples(),
            drain: drain.state(),
        });
        tokio::spawn(copies.clone().run_until_cancelled_owned(fetching));

        let (meeting, read) = Meeting::find(config.registry.url.0.clone(), &data_dir);
        if let Err(error) = read {
            error!(error = format!("{error:#}"), "this machine stands alone");
            warnings.push(format!("This machine stands alone: {error:#}."));
        }
        let (membership, beginning) = Membership::new(meeting);
        let (fleet, visits) = Fleet::open(&config, &data_dir, server, &membership, media.clone()).await;
        let waiting =
            queue::Setup::of(&config, server, place.clone(), slots, resources.clone(), drain.state());
        let (known, here, there) = (store.clone(), roster.clone(), Arc::new(fleet.clone()));
        let (offered, others, invited) = (builds.clone(), membership.clone(), invitations.clone());
        let queue = Queue::open(waiting, known, here, offered, others, invited, there).await?;
        let (known, here) = (store.clone(), roster.clone());
        let old_world = OldWorld::open(known, here, queue.clone(), slots.total).await;
        let workshop = Workshop::open(data_dir.join("builds"), builds.clone());
        let limits = continuity::Limits {
            scene_days: config.sessions.scene_days,
            scenes: config.sessions.scenes,
            session_days: config.sessions.forget_after_days,
        };
        tokio::spawn(copies.clone().run_until_cancelled_owned(continuity::tidy(store.clone(), limits)));

        let token = clock::new_secret();
        let view = node_view(&config, &data_dir, server, slots, &drawn, encoder.as_ref());
        let (node, node_view) = watch::channel(view);
        let desk = Arc::new(Desk {
            invitations: invitations.clone(),
            snapshots: Snapshots::open(Sources {
                node: node_view,
                health: sampler.samples(),
                history: points,
                roster: roster.clone(),
                builds: builds.clone(),
                workshop: workshop.clone(),
                fetcher,
                standby,
                drain: drain.clone(),
                membership: membership.clone(),
                fleet: fleet.clone(),
                server,
                warnings,
            }),
            server,
            means: Means {
                media: media.clone(),
                ice_servers: Vec::new(),
                codecs,
                raw_lua: config.gate.raw_lua,
                audit: audit.clone(),
                logs: setup_logs(&data_dir),
            },
            slots: slots.total,
            local_admin: token.hash(),
            here: place.clone(),
            store,
            builds: builds.clone(),
            workshop,
            audit: audit.clone(),
            roster: roster.clone(),
            queue,
            old_world,
            fleet: fleet.clone(),
        });
        let looks = fleet.clone().run();
        let answers = reception::answer_others(desk.clone(), visits);
        tokio::spawn(copies.clone().run_until_cancelled_owned(async move { tokio::join!(looks, answers) }));
        let gateway = Gateway::open(gateway_config(&config, &data_dir, allowed_origins), desk).await?;

        let ports = Ports {
            http: gateway.http_port(),
            https: gateway.https_port(),
            media: media.port(),
            supervisor: gateway.supervisor_port(),
            relay: fleet.standing().borrow().port(),
        };
        let home_urls = home_urls(&config, ports);
        node.send_modify(|view| {
            view.ports = ports;
            view.home_urls.clone_from(&home_urls);
        });
        let name = node.borrow().name.clone();
        let site = Site::find(&config, server, name, &data_dir, slots.total).behind(ports);
        let told = membership::Told {
            standing: fleet.standing(),
            here: place,
            resources,
            roster: roster.clone(),
            builds,
            invitations,
            health: sampler.samples(),
            drain: drain.state(),
        };
        beginning.begin(site, told);
        local::announce(&data_dir, ports, &token)?;
        let told = fleet::announce(fleet.standing(), node, data_dir.clone(), token.clone());
        tokio::spawn(copies.clone().run_until_cancelled_owned(told));
        info!(http = ports.http, https = ports.https, media = ports.media, "serving");
        Ok(Self {
            gateway,
            membership,
            rows: roster.rows(),
            roster,
            roster_task,
            audit,
            audit_task,
            _sampler: sampler,
            _copies: copies.drop_guard(),
            data_dir,
            token,
            ports,
            policy: config.instances.on_exit,
            grace: Duration::from_secs(config.instances.stop_grace_s),
            home_urls,
        })
    }

    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// Where viewers open the home page, best first.
    pub fn home_urls(&self) -> &[String] {
        &self.home_urls
    }

    /// The token of this machine's own programs. It ends with the node.
    pub fn token(&self) -> &Secret {
        &self.token
    }

    pub fn rows(&self) -> watch::Receiver<Rows> {
        self.rows.clone()
    }

    /// Farewell to the other machines, doors, then instances (or leaves them running, by policy), then the rest; each with a deadline.
    pub async fn close(self) {
        local::withdraw(&self.data_dir);
        self.membership.end().await;
        self.gateway.close().await;
        let stop = self.policy == OnExit::Stop;
        let closed = tokio::time::timeout(self.grace + CLOSE_WITHIN, self.roster.close(stop)).await;
        if closed.is_err() {
            warn!("some instances did not end in time; the next start finds them in the journal");
            self.roster_task.abort();
        }
        self.audit.flush().await;
        self.audit_task.abort();
        info!("closed");
    }
}

fn prepare(data_dir: &Path) -> Result<()> {
    let fix = "Make it writable, or choose another with --data-dir";
    std::fs::create_dir_all(data_dir)
        .with_context(|| format!("the data folder {} cannot be made. {fix}", data_dir.display()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // It holds tokens, keys and the cookies of displays.
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(data_dir, private)
            .with_context(|| format!("the data folder {} is not ours. {fix}", data_dir.display()))?;
    }
    Ok(())
}

pub(crate) async fn server_id(store: &Store) -> Result<ServerId> {
    const KEY: &str = "server_id";
    if let Some(known) = store.setting(KEY).await?.and_then(|text| text.parse().ok()) {
        return Ok(known);
    }
    let new = ServerId::random();
    store.put_setting(KEY, &new.to_string()).await?;
    Ok(new)
}

/// What the journal says was running. An instance whose build is gone is let go: nothing could be started again.
async fn adopted(store: &Store, builds: &Builds) -> Result<Vec<(InstanceRecord, Build)>> {
    let builds: BTreeMap<BuildId, Build> =
        builds.catalog().builds().map(|build| (build.id.clone(), build.clone())).collect();
    let mut adopted = Vec::new();
    for record in store.instances().await? {
        match builds.get(&record.build) {
            Some(build) if is_wanted(record.state) => adopted.push((record, build.clone())),
            _ => {
                let by = LeftBy { session: record.session, build: record.build, profile: record.profile };
                store.leave_scene(record.id, by, clock::now()).await?;
                store.remove_instance(record.id).await?;
            }
        }
    }
    if !adopted.is_empty() {
        info!(count = adopted.len(), "instances of the last run are taken over");
    }
    Ok(adopted)
}

fn is_wanted(state: InstanceState) -> bool {
    !matches!(state, InstanceState::Stopping | InstanceState::Stopped | InstanceState::Failed)
}

pub(crate) fn telemetry_config(config: &Config, data_dir: &Path) -> telemetry::Config {
    telemetry::Config {
        nvml_library: set_path(&config.telemetry.nvml_library),
        data_dir: data_dir.to_owned(),
        period: SAMPLE_EVERY,
    }
}

async fn choose_graphics(config: &Config, telemetry: telemetry::Config) -> Graphics {
    let wanted = match config.graphics.mode {
        GraphicsMode::Auto => graphics::Wanted::Auto,
        GraphicsMode::Hardware => graphics::Wanted::Hardware,
        GraphicsMode::Software => graphics::Wanted::Software,
    };
    let gpus = tokio::task::spawn_blocking(move || telemetry::gpus(&telemetry)).await;
    let gpus = gpus.unwrap_or_else(|_| GpuState::Unavailable {
        reason: "The GPU driver could not be asked.".to_owned(),
    });
    graphics::choose(&gpus, display::find_vglrun(), wanted)
}

pub(crate) fn slots(config: &Config) -> u32 {
    match config.instances.slots {
        0 => {
            let (cores, memory) = telemetry::capacity();
            admission::slots_of_machine(cores, memory)
        }
        slots => slots,
    }
}

fn roster_setup(
    config: &Config,
    data_dir: &Path,
    slots: Slots,
    drawn: &Graphics,
    audit: Audit,
    life: life::Means,
) -> roster::Setup {
    roster::Setup {
        slots,
        logs: setup_logs(data_dir),
        instances_dir: data_dir.join("instances"),
        sync_dir: data_dir.join(SYNC),
        graphics: drawn.clone(),
        policy: config.policy(),
        stage: stage::Setup {
            size: config.size(),
            size_max: config.size_max(),
            picture: None,
            fps: config.fps(),
            bitrates: config.bitrates(),
            encoders: config.stream.encoders.clone(),
            linger: Duration::from_secs(config.stream.linger_s),
            openspace: false,
            audit,
        },
        life,
    }
}

fn setup_logs(data_dir: &Path) -> Logs {
    Logs { instances: data_dir.join("instances"), kept: data_dir.join("logs") }
}

async fn open_resources(config: &Config, store: &Store, sampler: &Sampler) -> Result<Resources> {
    let expected = Peak { memory_mb: config.standby.memory_mb, gpu_memory_mb: config.standby.gpu_memory_mb };
    let sessions = Some(config.stream.encoder_sessions).filter(|most| *most > 0);
    Ok(Resources::open(store, sampler.samples(), expected, sessions).await?)
}

fn standby_setup(config: &Config, slots: Slots, resources: Resources) -> standby::Setup {
    standby::Setup {
        count: config.standby.count,
        slots: slots.total,
        size: config.size(),
        resources,
        idle_cores: config.standby.idle_cores,
    }
}

fn gateway_config(config: &Config, data_dir: &Path, allowed_origins: Vec<String>) -> gateway::Config {
    let https = &config.https;
    let certificate = match (set_path(&https.certificate), set_path(&https.key)) {
        (Some(certificate), Some(key)) => Certificate::Files { certificate, key },
        _ => Certificate::SelfSigned { dir: data_dir.join("certificate"), names: public_names(config) },
    };
    gateway::Config {
        http: SocketAddr::new(config.http.bind, config.http.port),
        https: https.enabled.then(|| SocketAddr::new(https.bind, https.port)),
        supervisor: Some(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), config.supervisor.port)),
        certificate,
        open_health: config.http.open_health,
        allowed_origins,
    }
}

fn node_view(
    config: &Config,
    data_dir: &Path,
    server_id: ServerId,
    slots: Slots,
    drawn: &Graphics,
    encoder: Option<&EncoderChoice>,
) -> NodeView {
    NodeView {
        server_id,
        name: config.server.name(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: clock::now(),
        ports: Ports::default(),
        home_urls: Vec::new(),
        data_dir: data_dir.display().to_string(),
        slots_total: slots.total,
        draining: None,
        slots_free: slots.total,
        viewers: 0,
        graphics: drawn.describe(),
        encoder: encoder.cloned(),
    }
}

async fn copy_roots(mut rows: watch::Receiver<Rows>, roots: watch::Sender<Vec<u32>>) {
    while rows.changed().await.is_ok() {
        let pids: Vec<_> = rows
            .borrow_and_update()
            .values()
            .filter_map(|row| Some(row.report.running.as_ref()?.program?.pid))
            .collect();
        roots.send_if_modified(|roots| (*roots != pids).then(|| *roots = pids).is_some());
    }
}

async fn copy_history(mut samples: watch::Receiver<Option<HealthSample>>, history: watch::Sender<History>) {
    while samples.changed().await.is_ok() {
        let sample = samples.borrow_and_update().clone();
        if let Some(sample) = sample {
            history.send_modify(|history| history.push(&sample));
        }
    }
}
