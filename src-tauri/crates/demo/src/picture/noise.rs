//! Clouds, continents and craters come from here: smooth random values that are the same at every start.

/// A well-mixed number from three coordinates.
#[inline]
pub fn hash(x: i32, y: i32, z: i32) -> u32 {
    let mut h = (x as u32).wrapping_mul(0x9E37_79B1)
        ^ (y as u32).wrapping_mul(0x85EB_CA77)
        ^ (z as u32).wrapping_mul(0xC2B2_AE3D);
    h = (h ^ h >> 15).wrapping_mul(0x2C1B_3C6D);
    h = (h ^ h >> 12).wrapping_mul(0x297A_2D39);
    h ^ h >> 15
}

/// 0 to 1.
#[inline]
pub fn unit(h: u32) -> f32 {
    (h >> 8) as f32 / 16_777_216.0
}

#[inline]
fn fade(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

#[inline]
fn lerp(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// Smooth noise in space, 0 to 1.
pub fn noise3(p: [f32; 3], seed: i32) -> f32 {
    let floor = p.map(f32::floor);
    let cell = floor.map(|f| f as i32);
    let t: [f32; 3] = std::array::from_fn(|i| fade(p[i] - floor[i]));
    let at = |dx: i32, dy: i32, dz: i32| unit(hash(cell[0] + dx, cell[1] + dy, (cell[2] + dz) ^ (seed << 8)));
    let plane =
        |dz: i32| lerp(lerp(at(0, 0, dz), at(1, 0, dz), t[0]), lerp(at(0, 1, dz), at(1, 1, dz), t[0]), t[1]);
    lerp(plane(0), plane(1), t[2])
}

/// Layers of noise, each finer and fainter, 0 to 1.
pub fn clouds3(p: [f32; 3], octaves: u32, seed: i32) -> f32 {
    layers(octaves, |i, frequency| noise3(p.map(|x| x * frequency), seed + i))
}

/// Smooth noise in a plane that repeats after `period` cells, 0 to 1.
pub fn noise2(x: f32, y: f32, period: (i32, i32), seed: i32) -> f32 {
    let (fx, fy) = (x.floor(), y.floor());
    let (cx, cy) = (fx as i32, fy as i32);
    let (tx, ty) = (fade(x - fx), fade(y - fy));
    let at =
        |dx: i32, dy: i32| unit(hash((cx + dx).rem_euclid(period.0), (cy + dy).rem_euclid(period.1), seed));
    lerp(lerp(at(0, 0), at(1, 0), tx), lerp(at(0, 1), at(1, 1), tx), ty)
}

/// Layers of [`noise2`]: `x` and `y` are in cells of the coarsest, which repeats after `period`.
pub fn clouds2(x: f32, y: f32, period: (i32, i32), octaves: u32, seed: i32) -> f32 {
    layers(octaves, |i, frequency| {
        let period = (period.0 << i, period.1 << i);
        noise2(x * frequency, y * frequency, period, seed + i)
    })
}

fn layers(octaves: u32, at: impl Fn(i32, f32) -> f32) -> f32 {
    let (mut sum, mut weight, mut total, mut frequency) = (0.0, 0.5, 0.0, 1.0);
    for i in 0..octaves as i32 {
        sum += weight * at(i, frequency);
        total += weight;
        weight *= 0.5;
        frequency *= 2.0;
    }
    sum / total
}

/// 0 below `from`, 1 above `to`, smooth between.
pub fn step(from: f32, to: f32, value: f32) -> f32 {
    fade(((value - from) / (to - from)).clamp(0.0, 1.0))
}

pub fn blend(a: [f32; 3], b: [f32; 3], t: f32) -> [f32; 3] {
    std::array::from_fn(|i| lerp(a[i], b[i], t))
}
