//! The space station: boxes and panels, filled back to front.

use tiny_skia::{Color, FillRule, Paint, PathBuilder, Pixmap, Transform};

use super::{
    canvas::{Blend, Canvas, Sprite},
    globe::{Pose, dot},
};

/// A flat piece: its middle, two half sides, and its colour. In radii of the station.
struct Piece {
    middle: [f32; 3],
    a: [f32; 3],
    b: [f32; 3],
    colour: [f32; 3],
}

const PANEL: [f32; 3] = [0.20, 0.26, 0.52];
const WHITE: [f32; 3] = [0.86, 0.87, 0.90];
const RADIATOR: [f32; 3] = [0.92, 0.92, 0.90];
/// No larger drawing than this is made, in pixels.
const SIDE: u32 = 1400;

fn pieces() -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut cuboid = |middle: [f32; 3], half: [f32; 3], colour: [f32; 3]| {
        for axis in 0..3 {
            for side in [-1.0, 1.0] {
                let mut at = middle;
                at[axis] += side * half[axis];
                let unit = |k: usize| std::array::from_fn(|i| if i == k { half[k] } else { 0.0 });
                pieces.push(Piece { middle: at, a: unit((axis + 1) % 3), b: unit((axis + 2) % 3), colour });
            }
        }
    };
    cuboid([0.0, 0.0, 0.0], [0.03, 0.95, 0.03], [0.66, 0.66, 0.70]);
    cuboid([0.0, 0.0, -0.09], [0.42, 0.07, 0.06], WHITE);
    cuboid([0.3, 0.0, -0.09], [0.06, 0.22, 0.055], WHITE);
    cuboid([-0.36, 0.0, -0.09], [0.06, 0.05, 0.17], WHITE);
    for y in [-0.88, -0.66, 0.66, 0.88] {
        for x in [-0.36, 0.36] {
            pieces.push(Piece {
                middle: [x, y, 0.0],
                a: [0.29, 0.0, 0.0],
                b: [0.0, 0.085, 0.0],
                colour: PANEL,
            });
        }
    }
    for y in [-0.34, 0.34] {
        pieces.push(Piece {
            middle: [-0.24, y, 0.03],
            a: [0.17, 0.0, 0.0],
            b: [0.0, 0.10, 0.0],
            colour: RADIATOR,
        });
    }
    pieces
}

/// Draws the station with its middle at a pixel, turned by `spin` turns.
pub fn draw(canvas: &mut Canvas<'_>, at: (i32, i32), pose: &Pose, spin: f64) {
    let side = ((pose.radius * 2.3).ceil() as u32).clamp(4, SIDE);
    let Some(mut pixmap) = Pixmap::new(side, side) else { return };
    let (sin, cos) = (spin * std::f64::consts::TAU).sin_cos();
    let (sin, cos) = (sin as f32, cos as f32);
    let turned = |p: [f32; 3]| [p[0] * cos - p[1] * sin, p[0] * sin + p[1] * cos, p[2]];
    let scale = (side as f32 / 2.3).min(pose.radius);
    let mut pieces = pieces();
    let depth = |piece: &Piece| pose.basis.picture(turned(piece.middle))[2];
    pieces.sort_by(|a, b| depth(a).total_cmp(&depth(b)));
    for piece in &pieces {
        let (a, b) = (turned(piece.a), turned(piece.b));
        let normal = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
        let length = dot(normal, normal).sqrt().max(1e-9);
        let light = 0.22 + 0.78 * (dot(normal, pose.light) / length).abs();
        let mut path = PathBuilder::new();
        for (i, (s, t)) in [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)].into_iter().enumerate() {
            let corner: [f32; 3] =
                turned(std::array::from_fn(|k| piece.middle[k] + s * piece.a[k] + t * piece.b[k]));
            let [x, up, _] = pose.basis.picture(corner);
            let (x, y) = (side as f32 / 2.0 + x * scale, side as f32 / 2.0 - up * scale);
            if i == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
        }
        path.close();
        let [r, g, b] = piece.colour.map(|c| (c * light).clamp(0.0, 1.0));
        let mut paint = Paint { anti_alias: true, ..Paint::default() };
        paint.set_color(Color::from_rgba(r, g, b, 1.0).unwrap_or(Color::WHITE));
        if let Some(path) = path.finish() {
            pixmap.fill_path(&path, &paint, FillRule::Winding, Transform::identity(), None);
        }
    }
    let half = side as i32 / 2;
    let sprite = Sprite::paint((0, side as i32), (0, side as i32), |x, y| {
        let pixel = pixmap.pixels()[y as usize * side as usize + x as usize].demultiply();
        u32::from(pixel.alpha()) << 24
            | u32::from(pixel.red()) << 16
            | u32::from(pixel.green()) << 8
            | u32::from(pixel.blue())
    });
    sprite.put(canvas, (at.0 - half, at.1 - half), Blend::Over);
}
