//! The skins of the bodies: drawn once, wrapped around a globe in every frame.

use std::sync::mpsc;

use super::{
    canvas::rgb,
    noise::{blend, clouds3, noise3, step},
};
use crate::world::bodies::Look;

/// A skin: columns go once around from longitude 0, rows are equal steps of the sine of the latitude, from north to south.
#[derive(Debug)]
pub struct Surface {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<u32>,
}

impl Surface {
    fn draw(look: Look, width: usize) -> Self {
        let height = width / 2;
        let mut pixels = Vec::with_capacity(width * height);
        let columns: Vec<(f32, f32)> =
            (0..width).map(|x| ((x as f32 + 0.5) / width as f32 * std::f32::consts::TAU).sin_cos()).collect();
        for y in 0..height {
            let z = 1.0 - 2.0 * (y as f32 + 0.5) / height as f32;
            let flat = (1.0 - z * z).sqrt();
            pixels.extend(columns.iter().map(|(sin, cos)| rgb(colour(look, [flat * cos, flat * sin, z]))));
        }
        Self { width, height, pixels }
    }
}

/// Columns for a moon, and for the moment until a finer skin is there.
const COARSE: usize = 256;
/// Columns for a globe in the middle of the picture, and for one that fills it.
const FINE: usize = 1024;
const FINEST: usize = 2048;
/// Globes of more pixels than this from middle to rim show the columns of [`FINE`].
const FINE_UP_TO_PX: f64 = 280.0;

/// Fine skins that are kept: where one is, and where one flies to.
const KEPT: usize = 2;

/// The skins that were drawn so far. Fine ones take some tenths of a second each and come from a thread, so that no frame waits.
#[derive(Debug, Default)]
pub struct Wardrobe {
    coarse: Vec<(Look, Surface)>,
    /// The one that came last is the last.
    fine: Vec<(Look, Surface)>,
    coming: Option<(Look, mpsc::Receiver<Surface>)>,
}

impl Wardrobe {
    /// Makes sure that a fine skin is there, or on its way: one at a time, so the first wish of a frame comes first.
    pub fn want(&mut self, look: Look, radius_px: f64) {
        if let Some((coming, receiver)) = &self.coming {
            match receiver.try_recv() {
                Ok(surface) => {
                    let coming = *coming;
                    self.fine.retain(|(there, _)| *there != coming);
                    let spare = self.fine.len().saturating_sub(KEPT - 1);
                    self.fine.drain(..spare);
                    self.fine.push((coming, surface));
                    self.coming = None;
                }
                Err(mpsc::TryRecvError::Empty) => return,
                Err(mpsc::TryRecvError::Disconnected) => self.coming = None,
            }
        }
        let there =
            self.fine.iter().find(|(there, _)| *there == look).map_or(0, |(_, surface)| surface.width);
        // The fine one first, for it is there soon; the finest only where it can be seen.
        let width = match there {
            0 => FINE,
            FINE if radius_px > FINE_UP_TO_PX => FINEST,
            _ => return,
        };
        let (sender, receiver) = mpsc::channel();
        // Where no thread can be had, the coarser skin stays.
        let spawned = std::thread::Builder::new().name("surface".to_owned()).spawn(move || {
            // Whoever wanted it may have ended.
            let _ = sender.send(Surface::draw(look, width));
        });
        self.coming = spawned.ok().map(|_| (look, receiver));
    }

    /// The best skin that is there.
    pub fn get(&mut self, look: Look, fine: bool) -> &Surface {
        if let Some(at) = self.fine.iter().position(|(there, _)| fine && *there == look) {
            return &self.fine[at].1;
        }
        let at = self.coarse.iter().position(|(there, _)| *there == look).unwrap_or_else(|| {
            self.coarse.push((look, Surface::draw(look, COARSE)));
            self.coarse.len() - 1
        });
        &self.coarse[at].1
    }
}

fn colour(look: Look, p: [f32; 3]) -> [f32; 3] {
    match look {
        Look::Sun => sun(p),
        Look::Rock => rock(p),
        Look::Venus => venus(p),
        Look::Earth => earth(p),
        Look::Mars => mars(p),
        Look::Jupiter => jupiter(p),
        Look::Saturn => saturn(p),
        Look::Uranus => blend([0.58, 0.82, 0.86], [0.72, 0.90, 0.92], step(0.2, 0.9, p[2].abs())),
        Look::Neptune => neptune(p),
        Look::Titan => blend([0.80, 0.58, 0.26], [0.90, 0.70, 0.36], clouds3(scaled(p, 3.0), 3, 71)),
        Look::Station => [0.75, 0.75, 0.78],
    }
}

fn scaled(p: [f32; 3], by: f32) -> [f32; 3] {
    p.map(|x| x * by)
}

/// Pushes a point about, so that straight noise becomes flow.
fn stirred(p: [f32; 3], by: f32, scale: f32, seed: i32) -> [f32; 3] {
    let q = scaled(p, scale);
    std::array::from_fn(|i| p[i] + by * (noise3(q, seed + 31 * i as i32) - 0.5))
}

fn sun(p: [f32; 3]) -> [f32; 3] {
    let grain = clouds3(scaled(stirred(p, 0.2, 6.0, 3), 14.0), 4, 5);
    let spots = step(0.72, 0.80, clouds3(scaled(p, 3.5), 3, 9));
    let hot = blend([1.0, 0.62, 0.14], [1.0, 0.95, 0.66], step(0.25, 0.75, grain));
    blend(hot, [0.72, 0.30, 0.05], spots * 0.8)
}

fn rock(p: [f32; 3]) -> [f32; 3] {
    let maria = step(0.46, 0.58, clouds3(scaled(p, 2.2), 4, 11));
    let rough = clouds3(scaled(p, 18.0), 3, 13);
    let grey = 0.62 - 0.26 * maria + 0.22 * (rough - 0.5) + craters(p, 5.0, 17) + craters(p, 11.0, 19) * 0.7;
    [grey, grey * 0.985, grey * 0.955]
}

/// Bowls with bright rims, one here and there in a lattice of cells.
fn craters(p: [f32; 3], density: f32, seed: i32) -> f32 {
    let q = scaled(p, density);
    let cell = q.map(|x| x.floor());
    let mut light: f32 = 0.0;
    for i in 0..27 {
        let c: [i32; 3] =
            [cell[0] as i32 + i % 3 - 1, cell[1] as i32 + i / 3 % 3 - 1, cell[2] as i32 + i / 9 - 1];
        let random = |n: i32| {
            super::noise::unit(super::noise::hash(c[0] + 7 * n, c[1] - 3 * n, c[2] ^ (seed + n) << 6))
        };
        if random(0) > 0.55 {
            continue;
        }
        let centre: [f32; 3] = std::array::from_fn(|k| c[k] as f32 + 0.2 + 0.6 * random(k as i32 + 1));
        let radius = 0.12 + 0.3 * random(4) * random(5);
        let distance = (0..3).map(|k| (q[k] - centre[k]) * (q[k] - centre[k])).sum::<f32>().sqrt() / radius;
        if distance < 1.3 {
            light += if distance < 0.85 {
                -0.10 * (1.0 - distance * 0.4)
            } else {
                0.13 * (1.0 - ((distance - 1.05) / 0.25).abs()).max(0.0)
            };
        }
    }
    light
}

fn venus(p: [f32; 3]) -> [f32; 3] {
    let q = stirred([p[0], p[1], p[2] * 2.4], 0.5, 2.0, 23);
    blend([0.78, 0.58, 0.32], [0.97, 0.88, 0.68], clouds3(scaled(q, 3.0), 5, 27))
}

fn earth(p: [f32; 3]) -> [f32; 3] {
    let height = clouds3(scaled(stirred(p, 0.35, 2.0, 33), 1.7), 6, 35);
    let land = step(0.525, 0.54, height);
    let north = p[2].abs();
    let dry = clouds3(scaled(p, 3.0), 3, 39);
    let green = blend([0.10, 0.30, 0.10], [0.22, 0.38, 0.14], dry);
    let desert = [0.66, 0.54, 0.34];
    let warm = blend(green, desert, step(0.46, 0.62, dry) * step(0.65, 0.35, north));
    let ground = blend(warm, [0.42, 0.40, 0.34], step(0.62, 0.74, height));
    let sea = blend([0.012, 0.06, 0.20], [0.03, 0.19, 0.36], step(0.40, 0.535, height));
    let ice = step(0.86, 0.93, north + 0.12 * (clouds3(scaled(p, 6.0), 3, 43) - 0.5));
    let below = blend(blend(sea, ground, land), [0.93, 0.96, 0.98], ice);
    let flow = stirred([p[0], p[1], p[2] * 1.5], 0.55, 2.6, 45);
    let cover = step(0.52, 0.70, clouds3(scaled(flow, 3.2), 6, 49));
    blend(below, [0.98, 0.98, 1.0], cover * 0.88)
}

fn mars(p: [f32; 3]) -> [f32; 3] {
    let dust = clouds3(scaled(p, 4.0), 5, 51);
    let dark = step(0.50, 0.60, clouds3(scaled(stirred(p, 0.3, 2.0, 53), 2.0), 5, 55));
    let ground = blend([0.70, 0.36, 0.18], [0.86, 0.54, 0.30], dust);
    let ground = blend(ground, [0.34, 0.19, 0.13], dark * 0.8);
    let shade = craters(p, 9.0, 57) * 0.5;
    let cap = step(0.93, 0.955, p[2].abs() + 0.05 * (dust - 0.5));
    blend(ground.map(|x| x + shade), [0.95, 0.95, 0.96], cap)
}

fn jupiter(p: [f32; 3]) -> [f32; 3] {
    let wave = clouds3(scaled([p[0], p[1], p[2] * 3.0], 4.0), 5, 61) - 0.5;
    let latitude = p[2] + 0.045 * wave;
    let bands = 0.5 + 0.5 * (latitude * 21.0 + 1.2 * (latitude * 6.0).sin()).sin();
    let fine = clouds3([p[0] * 5.0, p[1] * 5.0, latitude * 44.0], 3, 63);
    let belt = blend([0.62, 0.42, 0.28], [0.80, 0.62, 0.44], fine);
    let zone = blend([0.90, 0.82, 0.70], [0.97, 0.93, 0.86], fine);
    let all = blend(belt, zone, step(0.3, 0.7, bands));
    let poles = blend(all, [0.52, 0.47, 0.44], step(0.68, 0.95, p[2].abs()));
    // The spot, in the south.
    let (x, y) = ((p[1].atan2(p[0]) - 0.6) * 2.6, (p[2] + 0.36) * 6.2);
    let spot = step(1.05, 0.55, (x * x + y * y).sqrt() + 0.12 * wave);
    blend(poles, [0.78, 0.36, 0.22], spot * 0.9)
}

fn saturn(p: [f32; 3]) -> [f32; 3] {
    let wave = clouds3(scaled([p[0], p[1], p[2] * 4.0], 3.0), 4, 65) - 0.5;
    let latitude = p[2] + 0.012 * wave;
    let bands = 0.5 + 0.5 * (latitude * 25.0 + 1.5 * (latitude * 9.0).sin()).sin();
    let fine = clouds3([0.0, 0.0, latitude * 60.0], 3, 67);
    let gold = blend([0.80, 0.66, 0.44], [0.95, 0.86, 0.66], 0.6 * bands + 0.4 * fine);
    blend(gold, [0.62, 0.60, 0.50], step(0.72, 0.98, p[2].abs()))
}

fn neptune(p: [f32; 3]) -> [f32; 3] {
    let flow = stirred([p[0], p[1], p[2] * 3.5], 0.25, 2.0, 73);
    let blue = blend([0.10, 0.22, 0.62], [0.26, 0.44, 0.86], clouds3(scaled(flow, 2.6), 4, 75));
    let wisps = step(0.66, 0.76, clouds3([p[0] * 4.0, p[1] * 4.0, p[2] * 18.0], 4, 77));
    blend(blue, [0.86, 0.92, 1.0], wisps * 0.55)
}

/// The colour and strength of the air around a body, where there is some.
pub fn air(look: Look) -> Option<([f32; 3], f32)> {
    match look {
        Look::Earth => Some(([0.36, 0.62, 1.0], 0.9)),
        Look::Venus => Some(([1.0, 0.86, 0.6], 0.5)),
        Look::Titan => Some(([1.0, 0.66, 0.3], 0.6)),
        Look::Mars => Some(([1.0, 0.6, 0.4], 0.25)),
        Look::Uranus => Some(([0.6, 0.95, 1.0], 0.35)),
        Look::Neptune => Some(([0.35, 0.55, 1.0], 0.5)),
        Look::Jupiter | Look::Saturn => Some(([0.95, 0.82, 0.62], 0.18)),
        Look::Sun | Look::Rock | Look::Station => None,
    }
}
