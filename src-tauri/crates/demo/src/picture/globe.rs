//! A globe: which point of the skin each pixel shows and how much light falls on it, worked out anew only when the view changes.

use super::{
    canvas::{Blend, Canvas, Sprite, mix, rgb, scale},
    surface::{Surface, air},
    view::Basis,
};
use crate::world::bodies::Look;

/// What a globe looks like depends on this alone; its spin only moves the skin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    pub look: Look,
    /// In pixels.
    pub radius: f32,
    pub basis: Basis,
    /// Towards the sun.
    pub light: [f32; 3],
    pub rings: bool,
    /// Half the picture: nothing farther from the globe's middle than this is worked out. In pixels, from its middle.
    pub reach: (i32, i32, i32, i32),
}

#[derive(Debug)]
pub struct Globe {
    pose: Pose,
    rows: Vec<Row>,
    texels: Vec<Texel>,
    halo: Sprite,
}

#[derive(Debug)]
struct Row {
    y: i32,
    x: i32,
    from: usize,
    to: usize,
}

#[derive(Clone, Copy, Debug)]
struct Texel {
    /// Of 65536 around.
    longitude: u16,
    /// Of 65536 from north to south.
    row: u16,
    /// Light, of 256.
    light: u16,
    /// Opacity, of 256: less at the rim.
    alpha: u16,
}

/// Light on the night side.
const NIGHT: f32 = 0.035;
pub const RING_INNER: f32 = 1.24;
pub const RING_OUTER: f32 = 2.27;

impl Globe {
    pub fn new(pose: Pose, table: &RingTable) -> Self {
        let mut globe = Self { pose, rows: Vec::new(), texels: Vec::new(), halo: halo(&pose) };
        let r = pose.radius;
        let (left, right, top, bottom) = pose.reach;
        for y in (-r.ceil() as i32).max(top)..=(r.ceil() as i32).min(bottom) {
            let up = -(y as f32) / r;
            let half = ((r + 1.0) * (r + 1.0) - (y * y) as f32).max(0.0).sqrt();
            let (x0, x1) = ((-half.floor() as i32).max(left), (half.floor() as i32).min(right));
            if x0 > x1 {
                continue;
            }
            let from = globe.texels.len();
            globe.texels.extend((x0..=x1).map(|x| texel(&pose, table, x as f32 / r, up)));
            globe.rows.push(Row { y, x: x0, from, to: globe.texels.len() });
        }
        globe
    }

    /// Works itself out anew if it is seen otherwise now.
    pub fn pose(&mut self, pose: Pose, table: &RingTable) {
        if self.pose != pose {
            *self = Self::new(pose, table);
        }
    }

    /// Draws with the middle at a pixel, the skin turned by `spin` turns.
    pub fn draw(&self, canvas: &mut Canvas<'_>, at: (i32, i32), surface: &Surface, spin: f64) {
        self.halo.put(canvas, at, Blend::Add);
        let turned = (spin.rem_euclid(1.0) * 65536.0) as u32 as u16;
        // The sides of a skin are powers of two.
        let (shift_u, shift_v) = (16 - surface.width.ilog2(), 16 - surface.height.ilog2());
        let width = canvas.width as i32;
        for row in &self.rows {
            let y = row.y + at.1;
            if !(0..canvas.height as i32).contains(&y) {
                continue;
            }
            let x0 = row.x + at.0;
            let skip = (-x0).max(0) as usize;
            let texels = self.texels[row.from..row.to].iter().skip(skip);
            let first = x0.clamp(0, width) as usize;
            for (pixel, texel) in canvas.row(y as usize)[first..].iter_mut().zip(texels) {
                let u = usize::from(texel.longitude.wrapping_add(turned) >> shift_u);
                let v = usize::from(texel.row >> shift_v);
                let colour = scale(surface.pixels[v * surface.width + u], u32::from(texel.light));
                *pixel =
                    if texel.alpha == 256 { colour } else { mix(*pixel, colour, u32::from(texel.alpha)) };
            }
        }
    }
}

fn texel(pose: &Pose, table: &RingTable, x: f32, up: f32) -> Texel {
    let away = (x * x + up * up).sqrt();
    let alpha = ((1.0 - away) * pose.radius + 0.5).clamp(0.0, 1.0);
    // The rim's pixels look at the last point that is on the globe.
    let (x, up) = if away > 0.9999 { (x / away * 0.9999, up / away * 0.9999) } else { (x, up) };
    let near = (1.0 - x * x - up * up).max(0.0).sqrt();
    let normal = pose.basis.world(x, up, near);
    let longitude = turns(normal[1], normal[0]);
    Texel {
        longitude: (longitude * 65536.0) as u32 as u16,
        row: ((1.0 - normal[2]).clamp(0.0, 1.999_9) * 32768.0) as u16,
        light: (light(pose, table, normal, near) * 256.0) as u16,
        alpha: (alpha * 256.0) as u16,
    }
}

fn light(pose: &Pose, table: &RingTable, normal: [f32; 3], near: f32) -> f32 {
    if pose.look == Look::Sun {
        // A star is darker at its limb.
        return 0.55 + 0.45 * near;
    }
    let facing = dot(normal, pose.light);
    let mut light = (facing * 1.15 + 0.04).clamp(0.0, 1.0);
    if pose.rings && facing > 0.0 {
        light *= 1.0 - 0.75 * ring_shadow(table, normal, pose.light);
    }
    NIGHT + (1.0 - NIGHT) * light
}

/// How much the rings take of the light that comes to a point of the globe.
fn ring_shadow(table: &RingTable, point: [f32; 3], light: [f32; 3]) -> f32 {
    if light[2].abs() < 1e-3 {
        return 0.0;
    }
    let along = -point[2] / light[2];
    if along <= 0.0 {
        return 0.0;
    }
    let (x, y) = (point[0] + along * light[0], point[1] + along * light[1]);
    table.at(x * x + y * y).1
}

/// The rings from the inside to the outside, worked out once: a view asks for them a hundred thousand times.
#[derive(Debug)]
pub struct RingTable(Vec<([f32; 3], f32)>);

impl RingTable {
    const STEPS: usize = 2048;

    pub fn new() -> Self {
        let distance =
            |i: usize| RING_INNER + (RING_OUTER - RING_INNER) * (i as f32 + 0.5) / Self::STEPS as f32;
        Self((0..Self::STEPS).map(|i| ring(distance(i))).collect())
    }

    /// By the square of the distance from the middle, in radii.
    fn at(&self, square: f32) -> ([f32; 3], f32) {
        if !(RING_INNER * RING_INNER..RING_OUTER * RING_OUTER).contains(&square) {
            return ([0.0; 3], 0.0);
        }
        let part = (square.sqrt() - RING_INNER) / (RING_OUTER - RING_INNER);
        self.0[((part * Self::STEPS as f32) as usize).min(Self::STEPS - 1)]
    }
}

/// The rings at a distance from the middle, in radii: colour, and how much of what is behind they hide.
fn ring(distance: f32) -> ([f32; 3], f32) {
    if !(RING_INNER..RING_OUTER).contains(&distance) {
        return ([0.0; 3], 0.0);
    }
    let fine = super::noise::noise2(distance * 96.0, 0.5, (1 << 20, 1), 301) - 0.5;
    let broad = super::noise::noise2(distance * 17.0, 0.5, (1 << 20, 1), 303) - 0.5;
    let edge = |from: f32, to: f32| super::noise::step(from, to, distance);
    let dusky = 0.10 + 0.22 * edge(1.30, 1.52);
    let bright = dusky + (0.86 - dusky) * edge(1.50, 1.56);
    let beyond_gap = bright + (0.62 - bright) * edge(1.97, 2.03);
    let gap = 1.0 - 0.96 * edge(1.94, 1.955) * (1.0 - edge(2.005, 2.025));
    let encke = 1.0 - 0.9 * edge(2.205, 2.212) * (1.0 - edge(2.222, 2.229));
    let ends = edge(RING_INNER, 1.28) * (1.0 - edge(2.25, RING_OUTER));
    let opacity = ((beyond_gap + 0.30 * fine + 0.16 * broad) * gap * encke * ends).clamp(0.0, 0.95);
    let shade = 0.86 + 0.22 * fine + 0.22 * broad;
    ([0.93 * shade, 0.84 * shade, 0.69 * shade], opacity)
}

/// The air, or a star's corona: light around the globe.
fn halo(pose: &Pose) -> Sprite {
    let r = pose.radius;
    let (reach, colour, strength) = match (pose.look, air(pose.look)) {
        (Look::Sun, _) => (2.6, [1.0, 0.72, 0.34], 0.95),
        (_, Some((colour, strength))) => (1.09, colour, strength),
        _ => return Sprite::default(),
    };
    if r < 3.0 {
        return Sprite::default();
    }
    let outer = (r * reach).ceil() as i32;
    let (left, right, top, bottom) = pose.reach;
    Sprite::paint(
        ((-outer).max(left), outer.min(right) + 1),
        ((-outer).max(top), outer.min(bottom) + 1),
        |x, y| {
            let (x, up) = (x as f32 / r, -(y as f32) / r);
            let away = (x * x + up * up).sqrt();
            if away >= reach || away < 0.985 {
                return 0;
            }
            let part = 1.0 - ((away - 1.0) / (reach - 1.0)).max(0.0);
            let lit = if pose.look == Look::Sun {
                part.powi(3)
            } else {
                let normal = pose.basis.world(x / away, up / away, 0.12);
                part * part * (dot(normal, pose.light) + 0.25).clamp(0.0, 1.0)
            };
            rgb(colour.map(|c| c * lit * strength))
        },
    )
}

pub fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// The angle of `(x, y)` in turns, 0 to 1; good to a thousandth of a turn, which no pixel shows.
fn turns(y: f32, x: f32) -> f32 {
    let (ax, ay) = (x.abs(), y.abs());
    let ratio = ax.min(ay) / ax.max(ay).max(1e-9);
    let square = ratio * ratio;
    let eighth = ((-0.046_496_47 * square + 0.159_314_22) * square - 0.327_622_76) * square * ratio + ratio;
    let quarter = if ay > ax { std::f32::consts::FRAC_PI_2 - eighth } else { eighth };
    let half = if x < 0.0 { std::f32::consts::PI - quarter } else { quarter };
    let angle = if y < 0.0 { std::f32::consts::TAU - half } else { half };
    (angle / std::f32::consts::TAU).clamp(0.0, 0.999_99)
}

/// The rings, what is behind the globe and what is before it.
#[derive(Debug)]
pub struct Rings {
    pose: Pose,
    pub behind: Sprite,
    pub before: Sprite,
}

impl Rings {
    pub fn new(pose: Pose, table: &RingTable) -> Self {
        let half = |front: bool| {
            let r = pose.radius;
            let outer = (r * RING_OUTER).ceil();
            let tilt = pose.basis.towards[2];
            // The box around the rings: they are a flat ellipse, leaning with the roll.
            let lean = pose.basis.up[2].abs().max(tilt.abs());
            let high = if pose.basis.right[2].abs() < 1e-3 {
                (outer * (1.0 - lean * lean).sqrt().max(tilt.abs())).ceil()
            } else {
                outer
            };
            let (left, right, top, bottom) = pose.reach;
            let x = ((-outer as i32).max(left), (outer as i32).min(right) + 1);
            let y = ((-high as i32).max(top), (high as i32).min(bottom) + 1);
            if tilt.abs() < 0.01 {
                Sprite::default()
            } else {
                Sprite::paint(x, y, |x, y| ring_pixel(&pose, table, x, y, front))
            }
        };
        Self { pose, behind: half(false), before: half(true) }
    }

    pub fn pose(&mut self, pose: Pose, table: &RingTable) {
        if self.pose != pose {
            *self = Self::new(pose, table);
        }
    }
}

fn ring_pixel(pose: &Pose, table: &RingTable, x: i32, y: i32, front: bool) -> u32 {
    let (x, up) = (x as f32 / pose.radius, -(y as f32) / pose.radius);
    let basis = &pose.basis;
    // Along the line of sight to the plane of the equator.
    let near = -(x * basis.right[2] + up * basis.up[2]) / basis.towards[2];
    if (near > 0.0) != front {
        return 0;
    }
    let point = basis.world(x, up, near);
    let (colour, opacity) = table.at(point[0] * point[0] + point[1] * point[1]);
    if opacity < 0.01 {
        return 0;
    }
    let along = dot(point, pose.light);
    let aside: [f32; 3] = std::array::from_fn(|i| point[i] - along * pose.light[i]);
    let shadow = if along < 0.0 { super::noise::step(1.0, 0.985, dot(aside, aside).sqrt()) } else { 0.0 };
    rgb(colour.map(|c| c * (1.0 - 0.93 * shadow))) | ((opacity * 255.0) as u32) << 24
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_angle_is_near_the_true_one() {
        for i in 0..1000 {
            let angle = i as f32 / 1000.0;
            let (sin, cos) = (angle * std::f32::consts::TAU).sin_cos();
            assert!((turns(sin, cos) - angle).abs() < 1e-3, "{angle}");
        }
    }

    #[test]
    fn the_rings_have_their_gap() {
        assert!(ring(1.8).1 > 0.4 && ring(1.98).1 < 0.1 && ring(2.1).1 > 0.3 && ring(1.1).1 == 0.0);
    }
}
