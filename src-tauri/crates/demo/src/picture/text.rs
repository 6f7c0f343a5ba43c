//! Letters: thin strokes on a grid of 4 × 6, drawn with soft edges and kept.

use std::collections::HashMap;

use tiny_skia::{LineCap, LineJoin, Mask, Paint, PathBuilder, Pixmap, Stroke, Transform};

use super::canvas::Canvas;

/// How far letters stand apart, in the grid's units: a letter is 4 wide.
const ADVANCE: f32 = 6.2;
const LINE: f32 = 6.0;

/// Keeps letters once they are drawn.
#[derive(Debug, Default)]
pub struct Letters {
    drawn: HashMap<(char, u32), Letter>,
}

#[derive(Debug)]
struct Letter {
    side: usize,
    /// Opacity, of 255, row by row.
    alpha: Vec<u8>,
}

/// Sizes and letters that one picture may need; the cache begins anew past that.
const KEPT: usize = 512;

impl Letters {
    /// The width of a line in pixels; `height` is that of a capital.
    pub fn width(text: &str, height: f32) -> f32 {
        let unit = height / LINE;
        (text.chars().count() as f32 * ADVANCE - (ADVANCE - 4.0)).max(0.0) * unit
    }

    /// Writes a line with its top left corner at a place. All letters are capitals.
    pub fn write(
        &mut self,
        canvas: &mut Canvas<'_>,
        text: &str,
        at: (f32, f32),
        height: f32,
        colour: u32,
        alpha: u32,
    ) {
        if self.drawn.len() > KEPT {
            self.drawn.clear();
        }
        let unit = height / LINE;
        for (i, letter) in text.chars().enumerate() {
            let letter = letter.to_ascii_uppercase();
            if letter == ' ' {
                continue;
            }
            let size = (height * 8.0) as u32;
            let drawn = self.drawn.entry((letter, size)).or_insert_with(|| Letter::draw(letter, unit));
            let x = at.0 + i as f32 * ADVANCE * unit - unit;
            drawn.put(canvas, (x.round() as i32, (at.1 - unit).round() as i32), colour, alpha);
        }
    }
}

impl Letter {
    fn draw(letter: char, unit: f32) -> Self {
        let side = (unit * 8.0).ceil() as u32 + 1;
        let Some(mut pixmap) = Pixmap::new(side, side) else { return Self { side: 0, alpha: Vec::new() } };
        let mut paint = Paint::default();
        paint.set_color_rgba8(255, 255, 255, 255);
        let stroke = Stroke {
            width: (unit * 0.78).max(1.0),
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        for line in strokes(letter).split(' ').filter(|line| !line.is_empty()) {
            let points: Vec<(f32, f32)> = line
                .as_bytes()
                .chunks_exact(2)
                .map(|p| (f32::from(p[0] - b'0') * unit + unit, f32::from(p[1] - b'0') * unit + unit))
                .collect();
            let mut path = PathBuilder::new();
            for (i, (x, y)) in points.iter().enumerate() {
                if i == 0 { path.move_to(*x, *y) } else { path.line_to(*x, *y) }
            }
            if let [(x, y)] = points[..] {
                path.push_circle(x, y, unit * 0.12);
            }
            if let Some(path) = path.finish() {
                pixmap.stroke_path(&path, &paint, &stroke, Transform::identity(), None);
            }
        }
        let mask = Mask::from_pixmap(pixmap.as_ref(), tiny_skia::MaskType::Alpha);
        Self { side: side as usize, alpha: mask.data().to_vec() }
    }

    fn put(&self, canvas: &mut Canvas<'_>, at: (i32, i32), colour: u32, alpha: u32) {
        for y in 0..self.side {
            for x in 0..self.side {
                let here = u32::from(self.alpha[y * self.side + x]);
                if here > 0 {
                    canvas.dot(at.0 + x as i32, at.1 + y as i32, colour, here * alpha / 255);
                }
            }
        }
    }
}

/// The strokes of a letter: points as two digits, column and row; a blank lifts the pen.
fn strokes(letter: char) -> &'static str {
    match letter {
        'A' => "0602204246 0444",
        'B' => "0030414233030600 3344453606",
        'C' => "4130100105163645",
        'D' => "00304145360600",
        'E' => "40000646 0333",
        'F' => "400006 0333",
        'G' => "413010010516364543 4323",
        'H' => "0006 4046 0343",
        'I' => "1030 2026 1636",
        'J' => "4045361605",
        'K' => "0006 400346",
        'L' => "000646",
        'M' => "0600234046",
        'N' => "06004640",
        'O' => "103041453616050110",
        'P' => "060030414233 3303",
        'Q' => "103041453616050110 2446",
        'R' => "060030414233 3303 2346",
        'S' => "41301001021333444536 361605",
        'T' => "0040 2026",
        'U' => "000516364540",
        'V' => "002640",
        'W' => "0016233640",
        'X' => "0046 4006",
        'Y' => "002340 2326",
        'Z' => "00400646",
        '0' => "103041453616050110 3115",
        '1' => "112026 1636",
        '2' => "01103041420646",
        '3' => "011030414233 1333 334445361605",
        '4' => "36300444",
        '5' => "400003334445361605",
        '6' => "41301001051636454433 3303",
        '7' => "004016",
        '8' => "10304142331302 020110 130405163645 454433",
        '9' => "05163645413010010213 1343",
        '.' => "26",
        ',' => "2617",
        ':' => "22 25",
        '-' => "1333",
        '+' => "1333 2224",
        '/' => "4006",
        '(' => "30212536",
        ')' => "10212516",
        '=' => "0242 0444",
        '%' => "4006 01 45",
        '\'' => "2021",
        '!' => "2024 26",
        '?' => "01103041422324 26",
        '<' => "310335",
        '>' => "114315",
        '_' => "0646",
        '·' => "23",
        _ => "00400600",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stroke_stays_on_the_grid() {
        for letter in ' '..='~' {
            for line in strokes(letter).split(' ') {
                let pairs = line.as_bytes().chunks_exact(2);
                assert!(
                    pairs.clone().all(|p| (b'0'..=b'4').contains(&p[0]) && (b'0'..=b'7').contains(&p[1])),
                    "{letter}: {line}"
                );
            }
        }
    }

    #[test]
    fn letters_leave_ink() {
        let mut pixels = vec![0; 200 * 40];
        let mut canvas = Canvas { pixels: &mut pixels, width: 200, height: 40 };
        Letters::default().write(&mut canvas, "SATURN 2026", (4.0, 4.0), 12.0, 0x00FF_FFFF, 256);
        assert!(pixels.iter().filter(|pixel| **pixel != 0).count() > 200);
    }
}
