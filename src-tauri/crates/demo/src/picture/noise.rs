//! Clouds, continents and craters come from here: smooth random values that are the same at every start.

const PRIMES: [u32; 3] = [0x9E37_79B1, 0x85EB_CA77, 0xC2B2_AE3D];

/// A well-mixed number from three coordinates.
#[inline]
pub fn hash(x: i32, y: i32, z: i32) -> u32 {
    let [x, y, z] = [x, y, z].map(|c| c as u32);
    mixed(x.wrapping_mul(PRIMES[0]) ^ y.wrapping_mul(PRIMES[1]) ^ z.wrapping_mul(PRIMES[2]))
}

#[inline]
fn mixed(mut h: u32) -> u32 {
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
    let t: [f32; 3] = std::array::from_fn(|i| fade(p[i] - floor[i]));
    // Each coordinate's share of the hash, for both ends of the cell: half of the work for eight corners.
    let ends: [[u32; 2]; 3] = std::array::from_fn(|i| {
        let near = (floor[i] as i32 as u32).wrapping_mul(PRIMES[i]);
        [near, near.wrapping_add(PRIMES[i])]
    });
    let seed = (seed as u32).wrapping_mul(0x27D4_EB2F);
    let at = |x: usize, y: usize, z: usize| unit(mixed(ends[0][x] ^ ends[1][y] ^ ends[2][z] ^ seed));
    let plane =
        |z: usize| lerp(lerp(at(0, 0, z), at(1, 0, z), t[0]), lerp(at(0, 1, z), at(1, 1, z), t[0]), t[1]);
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
