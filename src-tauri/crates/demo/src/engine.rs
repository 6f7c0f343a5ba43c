//! The life of one run: the order of events of a real OpenSpace, from the command line to the end of the rendering loop.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    rc::Rc,
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{
    api::{Server, sockets},
    args::Options,
    barcode, clock, config,
    config::Config,
    dialect::Dialect,
    folders::{self, CefCache, Settings},
    log::Log,
    lua::Scripts,
    picture::{self, Painter, canvas::Canvas, view::View},
    profile, screenshot,
    switches::{Hang, Switches},
    sync::Sync,
    tone::Tone,
    window::Window,
    window_file,
    world::{World, steer::Input, tree},
};

/// Why it ends otherwise than well: what is logged as fatal, and under which category.
struct Fatal {
    category: &'static str,
    message: String,
}

fn fatal(message: impl ToString) -> Fatal {
    Fatal { category: "main", message: message.to_string() }
}

/// Runs until the end; answers the exit code.
pub fn run(program: &str, options: &Options, switches: &Switches) -> u8 {
    let log = Log::console();
    let outcome = Engine::start(program, options, switches, log.clone()).and_then(Engine::live);
    match outcome {
        Ok(()) => 0,
        Err(end) => {
            log.fatal(end.category, end.message);
            log.info("SGCT", "Cleaning up");
            1
        }
    }
}

struct Engine<'a> {
    switches: &'a Switches,
    log: Log,
    config: Config,
    settings: Settings,
    profile_name: String,
    world: Rc<RefCell<World>>,
    sockets: sockets::Sockets,
    screen: Option<Screen>,
    started: Instant,
    _cache: CefCache,
}

struct Screen {
    window: Window,
    painter: Painter,
    frames: u32,
    /// Screenshots on their way to the disk.
    saving: Vec<JoinHandle<()>>,
}

/// What a stretch of frames ended with.
#[derive(PartialEq)]
enum Loaded {
    Yes,
    /// Somebody closed the window, or pressed ESC.
    Left,
}

impl<'a> Engine<'a> {
    fn start(program: &str, options: &Options, switches: &'a Switches, log: Log) -> Result<Self, Fatal> {
        let started = Instant::now();
        log.info(
            "FileSystem",
            format!("Set temporary path ${{TEMPORARY}} to '{}'", std::env::temp_dir().display()),
        );
        let working_dir = std::env::current_dir().map_err(fatal)?;
        let bin = config::bin_dir(&working_dir, program);
        log.debug("main", format!("Registering ${{BIN}} to '{}'", bin.display()));
        let mut config = config::load(&bin, options.file.as_deref(), &log).map_err(fatal)?;
        config.dialect = options.dialect.or(switches.dialect).unwrap_or(config.dialect);
        if let Some(visibility) = &options.property_visibility {
            config.property_visibility = Some(visibility.clone());
        }
        log.set_level(config.log_level);
        for (name, path) in config.tokens.iter() {
            log.debug("Configuration", format!("Registering path '${{{name}}}': {path}"));
        }
        let mut settings = Settings::load(&config.home).map_err(fatal)?;
        if let Some(task) = &options.task {
            return Err(fatal(format!("Could not run task '{task}': the demo renderer has none")));
        }
        let profile_name = options.profile.clone().or_else(|| config.profile.clone()).unwrap_or_default();
        if profile_name.is_empty() {
            return Err(fatal(profile::ProfileError::None));
        }
        settings.save(&profile_name, &log);
        let mut screen = open_screen(&config, options, switches, &log)?;

        log.info("SGCT", "Calling initialization callback");
        log.debug("main", "Initializing OpenSpace Engine started");
        folders::prepare(&config, &log).map_err(fatal)?;
        let file = |text: &Option<String>| text.as_ref().map(|text| config.tokens.expand(text));
        log.open_files(file(&config.log_file).as_deref(), file(&config.script_log).as_deref());
        let commit = commit(&config);
        let [major, minor, patch] = config.dialect.version();
        log.info("OpenSpace Version", format!("{major}.{minor}.{patch}"));
        log.info("Commit", commit.as_str());
        log.info("Demo", "This is the demo renderer of OpenSpace WebRTC, not OpenSpace");
        let sockets = sockets::open(&config.interfaces, &switches.fault).map_err(|error| {
            let code = error.raw_os_error().unwrap_or_default();
            fatal(format!("Bind failed (returned '-1') with error: {code}"))
        })?;
        let cache = CefCache::take(&config.bin, &log).map_err(fatal)?;
        log.debug("OpenSpaceEngine", "Registering Lua libraries");
        let (profile_file, profile) = profile::load(Some(&profile_name), &config.tokens).map_err(fatal)?;
        log.info("OpenSpaceEngine", format!("Loading profile '{}'", profile_file.display()));
        let addons = options.addons.clone();
        let mut world = World::new(
            &config,
            profile_file,
            profile,
            addons,
            clock::from_unix(unix_s()),
            commit,
            log.clone(),
        );
        tree::fill(&mut world.tree, switches.properties);
        log.debug("main", "Initializing OpenSpace Engine finished");

        log.debug("main", "Initializing OpenGL in OpenSpace Engine started");
        if let Some(screen) = &mut screen {
            let how = if screen.window.is_shared() { "shared memory" } else { "the socket" };
            log.debug("RenderEngine", format!("Pictures go to the X server through {how}"));
        }
        log.info("RenderEngine", "Finished initializing GL");
        log.info("OpenSpaceEngine", "Finished initializing OpenGL");
        log.debug("main", "Initializing OpenGL in OpenSpace Engine finished");
        let world = Rc::new(RefCell::new(world));
        Ok(Self {
            switches,
            log,
            config,
            settings,
            profile_name,
            world,
            sockets,
            screen,
            started,
            _cache: cache,
        })
    }

    fn live(mut self) -> Result<(), Fatal> {
        self.log.info("main", "Starting rendering loop");
        if self.load()? == Loaded::Left {
            self.log.info("main", "Loading was aborted");
            return Ok(());
        }
        let scripts = Scripts::new(Rc::clone(&self.world), self.config.sandboxed).map_err(fatal)?;
        self.log.info("OpenSpaceEngine", "Running Global initialization scripts");
        scripts.run_waiting();
        self.log.info("TimeManager", "Added keybindings for specified delta time steps");
        let dialect = self.config.dialect;
        let Self { switches, log, mut settings, profile_name, world, sockets, screen, started, .. } = self;
        let server = Server::new(sockets, dialect, log.clone(), switches.fault.clone());
        let _tone = switches.tone_hz.and_then(|hz| {
            Tone::play(hz)
                .inspect_err(|error| log.warning("Tone", format!("pacat does not start: {error}")))
                .ok()
        });
        let mut running = Running { switches, log: log.clone(), world, scripts, server, screen, started };
        running.render()?;
        log.info("main", "Ending rendering loop");
        settings.save(&profile_name, &log);
        for saving in running.screen.into_iter().flat_map(|screen| screen.saving) {
            // A screenshot that could not be saved has been told by its own thread.
            let _ = saving.join();
        }
        log.info("SGCT", "Cleaning up");
        Ok(())
    }

    /// Shows the loading screen for as long as loading is to take, and its data to come. The sockets are open, and silent.
    fn load(&mut self) -> Result<Loaded, Fatal> {
        let began = Instant::now();
        let sync = self.switches.repository.clone().map(|repository| {
            let folder = self.config.tokens.expand("${SYNC}");
            Sync::begin(repository, &self.world.borrow().profile.assets, folder)
        });
        let mut pace = Pace::new(self.switches.fps.min(LOADING_FPS));
        loop {
            crash_if_due(self.switches, self.started);
            let part = began.elapsed().as_secs_f64() / self.switches.load.as_secs_f64().max(1e-3);
            if let Some(screen) = &mut self.screen {
                if screen.inputs()?.iter().any(leaves) {
                    return Ok(Loaded::Left);
                }
                let what = format!("LOADING {}", self.profile_name.to_uppercase());
                screen.show(self.switches, 0, |painter, canvas| {
                    painter.draw_loading(canvas, part.min(1.0), &what)
                })?;
                screen.painter.prepare(self.world.borrow().anchor().look);
            }
            let has_data = sync.as_ref().is_none_or(|sync| sync.tell(&self.log));
            if part >= 1.0 && has_data && self.switches.hang != Some(Hang::Loading) {
                return Ok(Loaded::Yes);
            }
            pace.wait();
        }
    }
}

/// Enough for a bar that grows.
const LOADING_FPS: f64 = 15.0;

fn leaves(input: &Input) -> bool {
    matches!(input, Input::Close) || matches!(input, Input::Key(stroke) if stroke.key == "ESC")
}

fn open_screen(
    config: &Config,
    options: &Options,
    switches: &Switches,
    log: &Log,
) -> Result<Option<Screen>, Fatal> {
    let file = options
        .window
        .clone()
        .or_else(|| config.window.clone())
        .unwrap_or_else(|| "${CONFIG}/single.json".to_owned());
    let file = config.tokens.expand(&file);
    log.info("main", format!("SGCT Configuration file: {}", file.display()));
    let (spec, node) = window_file::load(&file).map_err(fatal)?;
    log.debug("main", "Creating SGCT Engine");
    log.info("SGCT", "Number of nodes: 1");
    log.info("SGCT", format!("\tNode (0) address: {node}"));
    log.info("SGCT", "SGCT version: 4.0.0");
    log.info("SGCT", "This computer is the network server");
    if switches.no_window {
        return Ok(None);
    }
    let window = Window::open(&spec).map_err(|error| Fatal {
        category: "main [Engine]",
        message: format!("(3010): GLFW error (65550): {error:#}"),
    })?;
    let (width, height) = window.size();
    log.info("SGCT", format!("Renderer: software, {width}x{height}"));
    let painter = Painter::new(width.into(), height.into());
    Ok(Some(Screen { window, painter, frames: 0, saving: Vec::new() }))
}

/// The loop after loading, and all that it moves.
struct Running<'a> {
    switches: &'a Switches,
    log: Log,
    world: Rc<RefCell<World>>,
    scripts: Scripts,
    server: Server,
    screen: Option<Screen>,
    started: Instant,
}

impl Running<'_> {
    fn render(&mut self) -> Result<(), Fatal> {
        let mut pace = Pace::new(self.switches.fps);
        let mut last = Instant::now();
        loop {
            crash_if_due(self.switches, self.started);
            if self.switches.hang == Some(Hang::Running) {
                pace.wait();
                continue;
            }
            if self.take_inputs()? == Loaded::Left {
                return Ok(());
            }
            self.server.hear(&self.world, &self.scripts);
            self.scripts.run_waiting();
            let now = Instant::now();
            // After a stop of the whole machine time does not leap.
            let elapsed = now.duration_since(last).min(LONGEST_FRAME);
            last = now;
            self.world.borrow_mut().update(elapsed.as_secs_f64());
            self.draw()?;
            self.server.tell(&self.world, &self.scripts);
            if self.world.borrow().should_end() {
                return Ok(());
            }
            pace.set_limit(
                self.switches.fps,
                self.world.borrow().tree.number(crate::world::tree::FRAMERATE_LIMIT),
            );
            pace.wait();
        }
    }

    fn take_inputs(&mut self) -> Result<Loaded, Fatal> {
        let Some(screen) = &mut self.screen else { return Ok(Loaded::Yes) };
        let mut world = self.world.borrow_mut();
        for input in screen.inputs()? {
            if input == Input::Close {
                return Ok(Loaded::Left);
            }
            world.handle_input(input);
        }
        Ok(Loaded::Yes)
    }

    fn draw(&mut self) -> Result<(), Fatal> {
        let shot = self.screen.as_ref().and_then(|_| self.wanted_screenshot());
        let Some(screen) = &mut self.screen else { return Ok(()) };
        let (view, presses) = {
            let world = self.world.borrow();
            (View::of(&world), world.hand.presses)
        };
        let log = &self.log;
        let mut saving = None;
        screen.show(self.switches, presses, |painter, canvas| {
            painter.draw(canvas, &view);
            saving = shot.map(|path| screenshot::save_later(canvas, path, log));
        })?;
        screen.saving.retain(|saving| !saving.is_finished());
        screen.saving.extend(saving.flatten());
        Ok(())
    }

    fn wanted_screenshot(&self) -> Option<PathBuf> {
        let mut world = self.world.borrow_mut();
        if world.screenshots_wanted == 0 {
            return None;
        }
        world.screenshots_wanted = 0;
        let path = world
            .tokens
            .expand("${SCREENSHOTS}")
            .join(format!("OpenSpace_{:06}.png", world.screenshots_taken));
        world.screenshots_taken += 1;
        Some(path)
    }
}

/// No step of the world is longer.
const LONGEST_FRAME: Duration = Duration::from_millis(250);

impl Screen {
    fn inputs(&mut self) -> Result<Vec<Input>, Fatal> {
        let inputs = self.window.inputs().map_err(|error| fatal(format!("{error:#}")))?;
        let (width, height) = self.window.size();
        self.painter.resize(width.into(), height.into());
        Ok(inputs)
    }

    fn show(
        &mut self,
        switches: &Switches,
        presses: u64,
        draw: impl FnOnce(&mut Painter, &mut Canvas<'_>),
    ) -> Result<(), Fatal> {
        let (width, height) = self.window.size();
        let (painter, frame) = (&mut self.painter, self.frames);
        let shown = self.window.show(|pixels| {
            let began = unix_s();
            let mut canvas = Canvas { pixels, width: width.into(), height: height.into() };
            draw(painter, &mut canvas);
            if switches.barcode {
                let t = ((began * 10_000.0) as u64 % (1 << 32)) as u32;
                picture::paint_barcode(
                    &mut canvas,
                    barcode::Fields { t, frame: frame & 0xFF_FFFF, input: presses as u16 },
                );
            }
        });
        self.frames = self.frames.wrapping_add(1);
        shown.map_err(|error| fatal(format!("{error:#}")))
    }
}

/// Keeps frames apart.
struct Pace {
    period: Duration,
    next: Instant,
}

impl Pace {
    fn new(fps: f64) -> Self {
        Self { period: Duration::from_secs_f64(1.0 / fps), next: Instant::now() }
    }

    fn set_limit(&mut self, fps: f64, limit: f64) {
        let fps = if limit > 0.0 { fps.min(limit) } else { fps };
        self.period = Duration::from_secs_f64(1.0 / fps.max(0.5));
    }

    /// Sleeps until the next frame is due; frames that were missed are not made up for.
    fn wait(&mut self) {
        self.next += self.period;
        let now = Instant::now();
        match self.next.checked_duration_since(now) {
            Some(left) => std::thread::sleep(left),
            None => self.next = now,
        }
    }
}

fn crash_if_due(switches: &Switches, started: Instant) {
    if switches.crash_after.is_some_and(|after| started.elapsed() >= after) {
        std::process::abort();
    }
}

fn unix_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now| now.as_secs_f64())
}

/// What the install says of itself; the view of an instance has its own base, so it is asked for by path.
fn commit(config: &Config) -> String {
    let file: &Path = &config.tokens.expand("${BASE}").join("COMMIT.md");
    let text =
        std::fs::read_to_string(file).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    text.unwrap_or_else(|| match config.dialect {
        Dialect::New => "demo@0.22.0".to_owned(),
        Dialect::Legacy => "demo@0.21.4".to_owned(),
    })
}
