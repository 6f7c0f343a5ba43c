//! Draws the demo's picture in software: a sky that is moved by copying, one globe with its moons, texts, and the measuring barcode.
//!
//! Everything that is dear is drawn once and kept; a frame costs little more than one copy of its pixels.

pub mod canvas;
mod globe;
mod noise;
mod sky;
mod station;
mod surface;
mod text;
pub mod view;

use canvas::{Blend, Canvas, Sprite, rgb};
use globe::{Globe, Pose, RingTable, Rings};
use sky::Sky;
use surface::Wardrobe;
use text::Letters;
use view::{SUNLIGHT, View};

use crate::{
    barcode,
    world::bodies::{Look, Moon},
};

/// Pixels per second that the sky drifts at rate 1: half a pixel a frame.
const DRIFT_PX_PER_S: f64 = 15.0;
/// Seconds of one turn of a globe at rate 1.
const SPIN_S: f64 = 80.0;
/// The focal length over the picture's height: a field of view of 58° from top to bottom.
const FOCAL: f64 = 0.9;
/// A globe larger than this many heights of the picture is not drawn larger.
const LARGEST: f64 = 3.0;
const WHITE: u32 = 0x00F2_F5FA;
const FAINT: u32 = 0x009F_B2C8;
const CAPTION: &str = "DEMO RENDERER - NOT OPENSPACE";

#[derive(Debug)]
pub struct Painter {
    width: usize,
    height: usize,
    sky: Sky,
    globe: Option<Globe>,
    rings: Option<Rings>,
    ring_table: RingTable,
    moons: Vec<(&'static str, Globe)>,
    wardrobe: Wardrobe,
    letters: Letters,
    sun: Sprite,
}

impl Painter {
    /// Prepares a picture of this size; a tenth of a second of work.
    pub fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            sky: Sky::new(width, height),
            globe: None,
            rings: None,
            ring_table: RingTable::new(),
            moons: Vec::new(),
            wardrobe: Wardrobe::default(),
            letters: Letters::default(),
            sun: sun_glow(height),
        }
    }

    /// Takes another size; what does not hang on the size is kept.
    pub fn resize(&mut self, width: usize, height: usize) {
        if (width, height) != (self.width, self.height) {
            let wardrobe = std::mem::take(&mut self.wardrobe);
            *self = Self { wardrobe, ..Self::new(width, height) };
        }
    }

    /// Lets the skin be drawn that will be seen first, while there is time.
    pub fn prepare(&mut self, look: Look) {
        self.wardrobe.want(look, 0.0);
    }

    pub fn draw(&mut self, canvas: &mut Canvas<'_>, view: &View) {
        self.sky.show(view.shown);
        let scale = self.sky.pixels_per_radian();
        let camera = &view.camera;
        let x = -(camera.yaw + camera.pan[0]) * scale + view.motion_s * DRIFT_PX_PER_S;
        let y = (camera.pitch - camera.pan[1]) * scale;
        self.sky.draw(canvas, x, y, camera.roll);
        if view.is_lit() {
            self.draw_sun(canvas, view);
        }
        self.draw_bodies(canvas, view);
        if view.light < 256 {
            canvas.dim(view.light);
        }
        self.draw_texts(canvas, view);
    }

    fn centre(&self, view: &View) -> (f64, f64) {
        let focal = self.focal();
        (
            self.width as f64 / 2.0 + view.camera.pan[0] * focal,
            self.height as f64 / 2.0 + view.camera.pan[1] * focal,
        )
    }

    fn focal(&self) -> f64 {
        self.height as f64 * FOCAL
    }

    fn draw_sun(&self, canvas: &mut Canvas<'_>, view: &View) {
        let [x, up, near] = view.basis.picture(SUNLIGHT).map(f64::from);
        if near < -0.15 {
            let centre = self.centre(view);
            let far = self.focal() / -near;
            self.sun.put(canvas, ((centre.0 + x * far) as i32, (centre.1 - up * far) as i32), Blend::Add);
        }
    }

    fn draw_bodies(&mut self, canvas: &mut Canvas<'_>, view: &View) {
        let centre = self.centre(view);
        let radius = view.radius_px(self.focal()).min(self.height as f64 * LARGEST);
        let moons: Vec<Seen> =
            view.body.moons.iter().filter_map(|moon| self.see(moon, view, centre)).collect();
        if view.trails {
            self.draw_trails(canvas, view, centre, radius);
        }
        for moon in moons.iter().filter(|moon| moon.behind) {
            self.draw_moon(canvas, view, moon);
        }
        if view.body_shown {
            self.draw_anchor(canvas, view, centre, radius);
        }
        for moon in moons.iter().filter(|moon| !moon.behind) {
            self.draw_moon(canvas, view, moon);
        }
        if view.labels {
            let size = self.unit() * 11.0;
            let beside = (
                centre.0 as f32 + radius as f32 * 0.75 + size,
                centre.1 as f32 - radius as f32 * 0.75 - size,
            );
            self.letters.write(canvas, view.body.gui_name, beside, size, WHITE, 220);
            let hidden = |moon: &&Seen| {
                moon.behind
                    && (f64::from(moon.at.0) - centre.0).hypot(f64::from(moon.at.1) - centre.1) < radius
            };
            for moon in moons.iter().filter(|moon| !hidden(moon)) {
                let beside = (moon.at.0 as f32 + moon.radius + size, moon.at.1 as f32 - size / 2.0);
                self.letters.write(canvas, moon.moon.name, beside, size * 0.85, FAINT, 220);
            }
        }
    }

    fn pose(&self, look: Look, view: &View, at: (i32, i32), radius: f64) -> Pose {
        Pose {
            look,
            radius: radius as f32,
            basis: view.basis,
            light: SUNLIGHT,
            rings: look == Look::Saturn,
            reach: (-at.0, self.width as i32 - 1 - at.0, -at.1, self.height as i32 - 1 - at.1),
        }
    }

    fn draw_anchor(&mut self, canvas: &mut Canvas<'_>, view: &View, centre: (f64, f64), radius: f64) {
        let at = (centre.0.round() as i32, centre.1.round() as i32);
        if radius < 1.2 {
            canvas.dot(at.0, at.1, WHITE, 230);
            return;
        }
        let look = view.body.look;
        let pose = self.pose(look, view, at, radius);
        if look == Look::Station {
            station::draw(canvas, at, &pose, view.motion_s / SPIN_S);
            return;
        }
        if pose.rings {
            let rings = self.rings.get_or_insert_with(|| Rings::new(pose, &self.ring_table));
            rings.pose(pose, &self.ring_table);
            rings.behind.put(canvas, at, Blend::Over);
        }
        self.wardrobe.want(look, radius);
        if let Some(goal) = view.goal.filter(|goal| !matches!(goal, Look::Station)) {
            self.wardrobe.want(goal, 0.0);
        }
        let globe = self.globe.get_or_insert_with(|| Globe::new(pose, &self.ring_table));
        globe.pose(pose, &self.ring_table);
        globe.draw(canvas, at, self.wardrobe.get(look, true), -view.motion_s / SPIN_S);
        if let (true, Some(rings)) = (pose.rings, &self.rings) {
            rings.before.put(canvas, at, Blend::Over);
        }
    }

    fn see(&self, moon: &'static Moon, view: &View, centre: (f64, f64)) -> Option<Seen> {
        let angle = (moon.start + view.motion_s / moon.turn_s) * std::f64::consts::TAU;
        let point = [angle.cos(), angle.sin(), 0.0].map(|x| (x * moon.distance) as f32);
        let (x, y, near) = self.project(point, view, centre)?;
        let scale = self.focal() / (view.camera.distance - near);
        // In steps, so that the moon need not be worked out anew in every frame.
        let radius = ((moon.radius * scale).min(self.height as f64) * 2.0).round() / 2.0;
        Some(Seen {
            moon,
            at: (x.round() as i32, y.round() as i32),
            radius: radius as f32,
            behind: near < 0.0,
        })
    }

    /// Where a point around the anchor is in the picture, and how much nearer than the anchor.
    fn project(&self, point: [f32; 3], view: &View, centre: (f64, f64)) -> Option<(f64, f64, f64)> {
        let [x, up, near] = view.basis.picture(point).map(f64::from);
        let away = view.camera.distance - near;
        let scale = self.focal() / away;
        (away > 0.25).then_some((centre.0 + x * scale, centre.1 - up * scale, near))
    }

    fn draw_moon(&mut self, canvas: &mut Canvas<'_>, view: &View, seen: &Seen) {
        if seen.radius < 1.0 {
            canvas.dot(seen.at.0, seen.at.1, WHITE, 200);
            return;
        }
        let mut pose = self.pose(seen.moon.look, view, seen.at, f64::from(seen.radius));
        let large = seen.radius as i32 * 2 + 4;
        // A moon that is wholly in the picture looks the same wherever in it: the reach must not say otherwise.
        pose.reach = (
            pose.reach.0.max(-large),
            pose.reach.1.min(large),
            pose.reach.2.max(-large),
            pose.reach.3.min(large),
        );
        let known = self.moons.iter().position(|(name, _)| *name == seen.moon.name);
        let index = known.unwrap_or_else(|| {
            self.moons.push((seen.moon.name, Globe::new(pose, &self.ring_table)));
            self.moons.len() - 1
        });
        let globe = &mut self.moons[index].1;
        globe.pose(pose, &self.ring_table);
        globe.draw(canvas, seen.at, self.wardrobe.get(seen.moon.look, false), -view.motion_s / SPIN_S * 0.4);
    }

    fn draw_trails(&self, canvas: &mut Canvas<'_>, view: &View, centre: (f64, f64), radius: f64) {
        const PIECES: i32 = 120;
        for moon in view.body.moons {
            let at = |i: i32| {
                let angle = f64::from(i) / f64::from(PIECES) * std::f64::consts::TAU;
                self.project(
                    [angle.cos(), angle.sin(), 0.0].map(|x| (x * moon.distance) as f32),
                    view,
                    centre,
                )
            };
            for i in 0..PIECES {
                let (Some(from), Some(to)) = (at(i), at(i + 1)) else { continue };
                let hidden = from.2 < 0.0 && (from.0 - centre.0).hypot(from.1 - centre.1) < radius;
                let inside = |p: (f64, f64, f64)| p.0.abs() < 1e4 && p.1.abs() < 1e4;
                if !hidden && inside(from) && inside(to) {
                    canvas.line((from.0 as f32, from.1 as f32), (to.0 as f32, to.1 as f32), 0x0074_A8E0, 130);
                }
            }
        }
    }

    /// Texts grow with the picture: 1 at 720 lines.
    fn unit(&self) -> f32 {
        (self.height as f32 / 720.0).max(0.4)
    }

    fn draw_texts(&mut self, canvas: &mut Canvas<'_>, view: &View) {
        let unit = self.unit();
        let (right, bottom) = (self.width as f32 - 28.0 * unit, self.height as f32 - 28.0 * unit);
        if let Some(texts) = &view.texts {
            let left = 28.0 * unit;
            self.letters.write(canvas, &texts.body, (left, bottom - 40.0 * unit), 22.0 * unit, WHITE, 240);
            self.letters.write(
                canvas,
                &texts.distance,
                (left, bottom - 10.0 * unit),
                10.0 * unit,
                FAINT,
                230,
            );
            let mut to_the_right = |text: &str, up: f32, height: f32, colour: u32| {
                let x = right - Letters::width(text, height * unit);
                self.letters.write(canvas, text, (x, bottom - up * unit), height * unit, colour, 240);
            };
            to_the_right(&texts.time, 40.0, 22.0, WHITE);
            to_the_right(&texts.date, 10.0, 10.0, FAINT);
            to_the_right(&texts.rate, 64.0, 10.0, 0x008F_D3FF);
            to_the_right(&texts.note, 84.0, 10.0, 0x00FF_C27A);
        }
        let x = right - Letters::width(CAPTION, 8.0 * unit);
        self.letters.write(canvas, CAPTION, (x, 52.0 * unit), 8.0 * unit, FAINT, 190);
        if let Some(left) = view.shutdown_in_s {
            let text = format!("SHUTDOWN IN {:.0}", left.max(0.0).ceil());
            self.write_centred(canvas, &text, self.height as f32 * 0.3, 20.0 * unit, 0x00FF_9A7A);
        }
    }

    fn write_centred(&mut self, canvas: &mut Canvas<'_>, text: &str, y: f32, height: f32, colour: u32) {
        let x = (self.width as f32 - Letters::width(text, height)) / 2.0;
        self.letters.write(canvas, text, (x, y), height, colour, 245);
    }

    /// The picture while loading: the sky, dimmed, and how far it is.
    pub fn draw_loading(&mut self, canvas: &mut Canvas<'_>, progress: f64, what: &str) {
        self.sky.draw(canvas, progress * 60.0, 0.0, 0.0);
        canvas.dim(120);
        let unit = self.unit();
        let middle = self.height as f32 * 0.5;
        self.write_centred(canvas, "OPENSPACE WEBRTC", middle - 70.0 * unit, 24.0 * unit, WHITE);
        self.write_centred(canvas, CAPTION, middle - 30.0 * unit, 10.0 * unit, FAINT);
        let (width, height) = ((self.width as f32 * 0.36) as i32, (4.0 * unit).max(2.0) as i32);
        let (x, y) = ((self.width as i32 - width) / 2, (middle + 8.0 * unit) as i32);
        canvas.fill(x, y, width, height, 0x0030_4050, 256);
        canvas.fill(x, y, (f64::from(width) * progress.clamp(0.0, 1.0)) as i32, height, 0x008F_D3FF, 256);
        self.write_centred(canvas, what, middle + 26.0 * unit, 9.0 * unit, FAINT);
    }
}

#[derive(Debug)]
struct Seen {
    moon: &'static Moon,
    at: (i32, i32),
    radius: f32,
    behind: bool,
}

fn sun_glow(height: usize) -> Sprite {
    let r = (height as f32 * 0.24) as i32;
    Sprite::paint((-r, r), (-r, r), |x, y| {
        let away = ((x * x + y * y) as f32).sqrt() / r as f32;
        if away >= 1.0 {
            return 0;
        }
        let core = (1.0 - away / 0.085).clamp(0.0, 1.0).powf(0.6);
        let glow = 0.55 * (1.0 - away).powi(4) + 0.25 * (1.0 - away).powi(12);
        rgb([core + glow, core + glow * 0.86, core * 0.94 + glow * 0.62])
    })
}

/// Paints the barcode over the top left of the picture.
pub fn paint_barcode(canvas: &mut Canvas<'_>, fields: barcode::Fields) {
    let width = canvas.width as u32;
    for (i, bit) in barcode::encode(fields).into_iter().enumerate() {
        let (x0, x1) = barcode::span((i % barcode::COLUMNS) as u32, width);
        let (y0, y1) = barcode::span((i / barcode::COLUMNS) as u32, width);
        let colour = if bit { 0x00FF_FFFF } else { 0 };
        canvas.fill(x0 as i32, y0 as i32, (x1 - x0) as i32, (y1 - y0) as i32, colour, 256);
    }
}
