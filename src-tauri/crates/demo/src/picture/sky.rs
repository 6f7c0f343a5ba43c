//! The sky: stars and the Milky Way, drawn once into a picture that repeats in both directions and is then only moved.

use super::{
    canvas::{Canvas, add, mix, rgb, scale},
    noise::{blend, clouds2, hash, step, unit},
};

/// What of the sky is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    pub milky_way: bool,
    pub stars: bool,
    pub grid: Option<Grid>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    pub colour: u32,
    /// Across the sky's width.
    pub lines: usize,
}

#[derive(Debug)]
pub struct Sky {
    width: usize,
    height: usize,
    band: Vec<u32>,
    stars: Vec<Star>,
    shown: Shown,
    /// What is shown, put together.
    picture: Vec<u32>,
}

#[derive(Debug)]
struct Star {
    x: usize,
    y: usize,
    colour: u32,
    /// 256 is a full pixel; brighter stars spread.
    brightness: u32,
}

/// Coarser than the sky by this much, the clouds of the band are still smooth.
const BAND_STEP: usize = 4;

impl Sky {
    /// For a picture of this size.
    pub fn new(width: usize, height: usize) -> Self {
        let width = width.next_power_of_two().max(2048);
        let height = height.next_power_of_two().max(1024).min(width);
        let shown = Shown { milky_way: true, stars: true, grid: None };
        let mut sky = Self {
            width,
            height,
            band: band(width, height),
            stars: stars(width, height),
            shown,
            picture: Vec::new(),
        };
        sky.compose();
        sky
    }

    /// Pixels per radian: the sky repeats after half a turn.
    pub fn pixels_per_radian(&self) -> f64 {
        self.width as f64 / std::f64::consts::PI
    }

    pub fn show(&mut self, shown: Shown) {
        if self.shown != shown {
            self.shown = shown;
            self.compose();
        }
    }

    fn compose(&mut self) {
        self.picture.clear();
        if self.shown.milky_way {
            self.picture.extend_from_slice(&self.band);
        } else {
            self.picture.resize(self.band.len(), 0x0002_0308);
        }
        if let Some(grid) = self.shown.grid {
            self.rule(grid);
        }
        if self.shown.stars {
            for star in &self.stars {
                star.put(&mut self.picture, self.width, self.height);
            }
        }
    }

    fn rule(&mut self, grid: Grid) {
        let every = (self.width / grid.lines.max(1)).max(1);
        for y in 0..self.height {
            for x in 0..self.width {
                if x % every == 0 || y % every == 0 {
                    let pixel = &mut self.picture[y * self.width + x];
                    *pixel = mix(*pixel, grid.colour, 110);
                }
            }
        }
    }

    /// Draws the sky with the point `(x, y)` of it at the picture's top left, turned by `roll` around the picture's middle.
    pub fn draw(&self, canvas: &mut Canvas<'_>, x: f64, y: f64, roll: f64) {
        if roll.abs() < 1e-4 {
            self.copy(canvas, x.round() as i64, y.round() as i64);
        } else {
            self.turn(canvas, x, y, roll);
        }
    }

    fn copy(&self, canvas: &mut Canvas<'_>, x: i64, y: i64) {
        let first = x.rem_euclid(self.width as i64) as usize;
        for row in 0..canvas.height {
            let y = (y + row as i64).rem_euclid(self.height as i64) as usize;
            let source = &self.picture[y * self.width..(y + 1) * self.width];
            let target = canvas.row(row);
            let mut from = first;
            let mut done = 0;
            while done < target.len() {
                let length = (self.width - from).min(target.len() - done);
                target[done..done + length].copy_from_slice(&source[from..from + length]);
                done += length;
                from = 0;
            }
        }
    }

    fn turn(&self, canvas: &mut Canvas<'_>, x: f64, y: f64, roll: f64) {
        let (sin, cos) = roll.sin_cos();
        let (half_w, half_h) = (canvas.width as f64 / 2.0, canvas.height as f64 / 2.0);
        // 16 bits of fraction; the sides are powers of two, so a mask wraps around.
        let fixed = |value: f64| (value * 65536.0) as i64;
        let (mask_x, mask_y) = (self.width as i64 - 1, self.height as i64 - 1);
        for row in 0..canvas.height {
            let dy = row as f64 - half_h;
            let mut u = fixed(x + half_w - half_w * cos - dy * sin);
            let mut v = fixed(y + half_h - half_w * sin + dy * cos);
            let (du, dv) = (fixed(cos), fixed(sin));
            for pixel in canvas.row(row) {
                let (sx, sy) = (u >> 16 & mask_x, v >> 16 & mask_y);
                *pixel = self.picture[sy as usize * self.width + sx as usize];
                u += du;
                v += dv;
            }
        }
    }
}

impl Star {
    fn put(&self, picture: &mut [u32], width: usize, height: usize) {
        let mut light = |dx: i32, dy: i32, share: u32| {
            let x = (self.x as i32 + dx).rem_euclid(width as i32) as usize;
            let y = (self.y as i32 + dy).rem_euclid(height as i32) as usize;
            let pixel = &mut picture[y * width + x];
            *pixel = add(*pixel, scale(self.colour, ((self.brightness * share) >> 8).min(256)));
        };
        light(0, 0, 256);
        if self.brightness > 120 {
            for (dx, dy) in [(1, 0), (-1, 0), (0, 1), (0, -1)] {
                light(dx, dy, 90);
            }
        }
        if self.brightness > 260 {
            for (dx, dy) in [(1, 1), (-1, 1), (1, -1), (-1, -1)] {
                light(dx, dy, 70);
            }
            for n in 2..(self.brightness / 60).min(9) as i32 {
                for (dx, dy) in [(n, 0), (-n, 0), (0, n), (0, -n)] {
                    light(dx, dy, 60 / n as u32);
                }
            }
        }
    }
}

/// The middle of the band at a column, and how far a row is from it, in heights of the sky.
fn off_band(x: f32, y: f32) -> f32 {
    let middle =
        0.5 + 0.17 * (x * std::f32::consts::TAU).sin() + 0.035 * (x * 3.0 * std::f32::consts::TAU).cos();
    let away = (y - middle).rem_euclid(1.0);
    away.min(1.0 - away)
}

fn band(width: usize, height: usize) -> Vec<u32> {
    let (w, h) = (width / BAND_STEP, height / BAND_STEP);
    let coarse: Vec<[f32; 3]> = (0..w * h)
        .map(|i| glow((i % w) as f32 / w as f32, (i / w) as f32 / h as f32, (width / height) as i32))
        .collect();
    let mut pixels = Vec::with_capacity(width * height);
    for y in 0..height {
        let (y0, ty) = (y / BAND_STEP, (y % BAND_STEP) as f32 / BAND_STEP as f32);
        let (row, next) = (y0 * w, (y0 + 1) % h * w);
        for x in 0..width {
            let (x0, tx) = (x / BAND_STEP, (x % BAND_STEP) as f32 / BAND_STEP as f32);
            let x1 = (x0 + 1) % w;
            let upper = blend(coarse[row + x0], coarse[row + x1], tx);
            let lower = blend(coarse[next + x0], coarse[next + x1], tx);
            // A little noise, or the dark gradients would show steps.
            let grain = (unit(hash(x as i32, y as i32, 5)) - 0.5) / 255.0 * 1.5;
            pixels.push(rgb(blend(upper, lower, ty).map(|c| c + grain)));
        }
    }
    pixels
}

/// The light of the sky without its stars, at a point in 0 to 1.
fn glow(x: f32, y: f32, wide: i32) -> [f32; 3] {
    let period = |cells: i32| (cells * wide, cells);
    let at = |cells: i32, octaves: u32, seed: i32| {
        clouds2(x * (cells * wide) as f32, y * cells as f32, period(cells), octaves, seed)
    };
    let away = off_band(x, y) + 0.09 * (at(5, 4, 201) - 0.5);
    let core = (-(away / 0.085).powi(2)).exp();
    let wide_glow = (-(away / 0.21).powi(2)).exp();
    let dust = step(0.46, 0.66, at(6, 5, 203)) * (-(away / 0.06).powi(2)).exp();
    let cloud = at(4, 5, 205);
    let violet = step(0.50, 0.78, at(3, 4, 207)) * wide_glow;
    let rose = step(0.56, 0.80, at(7, 4, 209)) * core;
    let mut light = [0.010, 0.013, 0.030];
    let mut shine = |colour: [f32; 3], amount: f32| {
        for (light, colour) in light.iter_mut().zip(colour) {
            *light += colour * amount;
        }
    };
    shine([0.16, 0.19, 0.32], 0.60 * wide_glow * (0.35 + cloud));
    shine([0.62, 0.52, 0.44], 0.58 * core * (0.2 + cloud));
    shine([0.32, 0.13, 0.46], 0.55 * violet);
    shine([0.62, 0.20, 0.26], 0.50 * rose);
    light.map(|c| c * (1.0 - 0.72 * dust))
}

fn stars(width: usize, height: usize) -> Vec<Star> {
    // One in some three hundred pixels.
    let count = width * height / 320;
    (0..count as i32)
        .filter_map(|i| {
            let random = |n: i32| unit(hash(i, n, 77));
            let (x, y) = (random(0), random(1));
            let crowded = (-(off_band(x, y) / 0.12).powi(2)).exp();
            if random(2) > 0.35 + 0.65 * crowded {
                return None;
            }
            // Few are bright: a power of a random number.
            let brightness = 26.0 + 620.0 * random(3).powi(36) + 150.0 * random(4).powi(4);
            let warm = random(5);
            let colour = if warm < 0.55 {
                blend([0.70, 0.80, 1.0], [1.0, 1.0, 1.0], warm / 0.55)
            } else {
                blend([1.0, 1.0, 1.0], [1.0, 0.72, 0.46], (warm - 0.55) / 0.45)
            };
            Some(Star {
                x: (x * width as f32) as usize,
                y: (y * height as f32) as usize,
                colour: rgb(colour),
                brightness: brightness as u32,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(sky: &Sky, x: f64, y: f64, roll: f64) -> Vec<u32> {
        let mut pixels = vec![0; 320 * 180];
        sky.draw(&mut Canvas { pixels: &mut pixels, width: 320, height: 180 }, x, y, roll);
        pixels
    }

    #[test]
    fn the_sky_repeats_and_moves_and_turns() {
        let sky = Sky::new(320, 180);
        let here = drawn(&sky, 5.0, 7.0, 0.0);
        assert!(here == drawn(&sky, 5.0 - 2048.0, 7.0 + 1024.0, 0.0), "it does not repeat");
        assert!(here != drawn(&sky, 25.0, 7.0, 0.0), "it does not move");
        assert!(here != drawn(&sky, 5.0, 7.0, 0.5), "it does not turn");
    }

    #[test]
    fn a_hidden_milky_way_is_darker() {
        let mut sky = Sky::new(320, 180);
        let light = |sky: &Sky| drawn(sky, 0.0, 400.0, 0.0).iter().map(|p| u64::from(p & 0xFF)).sum::<u64>();
        let bright = light(&sky);
        sky.show(Shown { milky_way: false, stars: true, grid: None });
        assert!(light(&sky) < bright);
    }
}
