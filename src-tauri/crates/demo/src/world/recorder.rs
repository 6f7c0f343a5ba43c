//! Session recordings: the camera and the time of each frame, kept as lines of text. No scripts are recorded, so none are played.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::camera::Camera;

#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// Seconds since the recording began.
    pub at_s: f64,
    pub et: f64,
    pub anchor: String,
    pub camera: Camera,
}

#[derive(Clone, Debug, Default)]
pub enum State {
    #[default]
    Idle,
    Recording(Vec<Moment>),
    Playing {
        moments: Vec<Moment>,
        at_s: f64,
        looping: bool,
        paused: bool,
    },
}

/// An hour at 30 frames a second; what comes after is not recorded.
const MOMENTS: usize = 108_000;
const HEADER: &str = "OpenSpace WebRTC demo recording 1";
const EXTENSIONS: [&str; 2] = ["osrec", "osrectxt"];

#[derive(Debug, Default)]
pub struct Recorder {
    dir: PathBuf,
    state: State,
    /// LEGACY names the file when the recording starts.
    pub file: Option<String>,
    clock_s: f64,
}

impl Recorder {
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, ..Self::default() }
    }

    pub fn state_name(&self) -> &'static str {
        match self.state {
            State::Idle => "idle",
            State::Recording(_) => "recording",
            State::Playing { paused: false, .. } => "playing",
            State::Playing { paused: true, .. } => "playing-paused",
        }
    }

    pub fn is_playing(&self) -> bool {
        matches!(self.state, State::Playing { .. })
    }
    pub fn is_recording(&self) -> bool {
        matches!(self.state, State::Recording(_))
    }

    /// The names of the recordings, sorted.
    pub fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter(|entry| has_extension(&entry.path()))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    pub fn start(&mut self) -> Result<(), String> {
        match self.state {
            State::Idle => {
                self.state = State::Recording(Vec::new());
                self.clock_s = 0.0;
                Ok(())
            }
            _ => Err("A recording or a playback is under way already".to_owned()),
        }
    }

    /// Writes what was recorded.
    pub fn stop(&mut self, file: &str, overwrite: bool) -> Result<PathBuf, String> {
        let State::Recording(moments) = &self.state else {
            return Err("No recording is under way".to_owned());
        };
        let path = self.path(file)?;
        if path.exists() && !overwrite {
            return Err(format!("The recording '{}' exists already", path.display()));
        }
        let text: String =
            std::iter::once(format!("{HEADER}\n")).chain(moments.iter().map(write_moment)).collect();
        fs::create_dir_all(&self.dir)
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| format!("Could not write the recording '{}': {error}", path.display()))?;
        self.state = State::Idle;
        Ok(path)
    }

    pub fn play(&mut self, file: &str, looping: bool) -> Result<(), String> {
        if !matches!(self.state, State::Idle) {
            return Err("A recording or a playback is under way already".to_owned());
        }
        let path = self.path(file)?;
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("Could not read the recording '{}': {error}", path.display()))?;
        let mut lines = text.lines();
        if lines.next() != Some(HEADER) {
            return Err(format!("'{}' is no recording of the demo", path.display()));
        }
        let moments: Vec<Moment> = lines.filter_map(read_moment).take(MOMENTS).collect();
        self.state = State::Playing { moments, at_s: 0.0, looping, paused: false };
        Ok(())
    }

    pub fn stop_playing(&mut self) -> bool {
        let playing = self.is_playing();
        if playing {
            self.state = State::Idle;
        }
        playing
    }

    /// Says whether there is a playback to pause.
    pub fn pause(&mut self, pause: Option<bool>) -> bool {
        match &mut self.state {
            State::Playing { paused, .. } => {
                *paused = pause.unwrap_or(!*paused);
                true
            }
            _ => false,
        }
    }

    pub fn record(&mut self, elapsed_s: f64, et: f64, anchor: &str, camera: Camera) {
        if let State::Recording(moments) = &mut self.state
            && moments.len() < MOMENTS
        {
            self.clock_s += elapsed_s;
            moments.push(Moment { at_s: self.clock_s, et, anchor: anchor.to_owned(), camera });
        }
    }

    /// Plays on; answers the present moment, and whether the playback is over.
    pub fn advance(&mut self, elapsed_s: f64) -> (Option<Moment>, bool) {
        let State::Playing { moments, at_s, looping, paused } = &mut self.state else { return (None, false) };
        if !*paused {
            *at_s += elapsed_s;
        }
        let end = moments.last().map_or(0.0, |last| last.at_s);
        let over = *at_s >= end;
        let now = *at_s;
        let moment = moments.iter().take_while(|moment| moment.at_s <= now).last().cloned();
        if over && *looping && end > 0.0 {
            *at_s = 0.0;
            return (moment, false);
        }
        if over {
            self.state = State::Idle;
        }
        (moment, over)
    }

    /// A name, or a whole path as a real one wants it; either leads into the recordings' own folder only.
    fn path(&self, file: &str) -> Result<PathBuf, String> {
        let name = Path::new(file).strip_prefix(&self.dir).unwrap_or(Path::new(file));
        let plain = name.file_name().filter(|plain| name.as_os_str() == *plain);
        let plain =
            plain.ok_or_else(|| format!("'{file}' is not a recording's name: it may hold no folders"))?;
        let mut path = self.dir.join(plain);
        if !has_extension(&path) {
            path.as_mut_os_string().push(".osrectxt");
        }
        Ok(path)
    }
}

fn has_extension(path: &Path) -> bool {
    path.extension().is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known))
}

fn write_moment(moment: &Moment) -> String {
    let c = &moment.camera;
    format!(
        "{} {} {} {} {} {} {} {} {}\n",
        moment.at_s, moment.et, c.yaw, c.pitch, c.roll, c.distance, c.pan[0], c.pan[1], moment.anchor
    )
}

fn read_moment(line: &str) -> Option<Moment> {
    let mut words = line.split(' ');
    let mut number = || words.next()?.parse::<f64>().ok().filter(|n| n.is_finite());
    let (at_s, et) = (number()?, number()?);
    let camera = Camera {
        yaw: number()?,
        pitch: number()?,
        roll: number()?,
        distance: number()?.max(1.0),
        pan: [number()?, number()?],
    };
    Some(Moment { at_s, et, camera, anchor: words.next()?.to_owned() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_recorded_is_played_back() {
        let dir = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::new(dir.path().join("recordings"));
        recorder.start().unwrap();
        for i in 0..10 {
            recorder.record(0.1, f64::from(i), "Mars", Camera { yaw: f64::from(i), ..Camera::default() });
        }
        recorder.stop("tour", false).unwrap();
        assert_eq!(recorder.files(), ["tour.osrectxt"]);
        recorder.play("tour", false).unwrap();
        let (moment, over) = recorder.advance(0.55);
        assert_eq!((moment.unwrap().camera.yaw, over), (4.0, false));
        assert!(recorder.advance(10.0).1);
        assert_eq!(recorder.state_name(), "idle");
        recorder.start().unwrap();
        let whole = dir.path().join("recordings/recording-1.osrec");
        recorder.stop(whole.to_str().unwrap(), false).unwrap();
        assert_eq!(recorder.files(), ["recording-1.osrec", "tour.osrectxt"]);
        recorder.play(whole.to_str().unwrap(), false).unwrap();
    }

    #[test]
    fn a_name_never_leaves_the_folder() {
        let mut recorder = Recorder::new("/nowhere".into());
        recorder.start().unwrap();
        for bad in ["../x", "/etc/x", "a/b", "/nowhere/../etc/x", "/nowhere/a/b", "/nowhere", ""] {
            assert!(recorder.stop(bad, true).unwrap_err().contains("not a recording's name"), "{bad}");
        }
    }
}
