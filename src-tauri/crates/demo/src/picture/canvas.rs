//! Pixels and what is done to them. A pixel is `0x00RRGGBB`, as a display of depth 24 takes it.

/// A picture that is being drawn.
#[derive(Debug)]
pub struct Canvas<'a> {
    pub pixels: &'a mut [u32],
    pub width: usize,
    pub height: usize,
}

impl Canvas<'_> {
    pub fn row(&mut self, y: usize) -> &mut [u32] {
        &mut self.pixels[y * self.width..(y + 1) * self.width]
    }

    /// Mixes one pixel in, if it is in the picture.
    pub fn dot(&mut self, x: i32, y: i32, colour: u32, alpha: u32) {
        if (0..self.width as i32).contains(&x) && (0..self.height as i32).contains(&y) {
            let pixel = &mut self.pixels[y as usize * self.width + x as usize];
            *pixel = mix(*pixel, colour, alpha);
        }
    }

    pub fn fill(&mut self, x: i32, y: i32, width: i32, height: i32, colour: u32, alpha: u32) {
        let clip = |from: i32, length: i32, end: usize| {
            (from.clamp(0, end as i32) as usize, (from + length).clamp(0, end as i32) as usize)
        };
        let (x0, x1) = clip(x, width, self.width);
        let (y0, y1) = clip(y, height, self.height);
        for y in y0..y1 {
            for pixel in &mut self.row(y)[x0..x1] {
                *pixel = mix(*pixel, colour, alpha);
            }
        }
    }

    /// A thin line, soft at its edges.
    pub fn line(&mut self, from: (f32, f32), to: (f32, f32), colour: u32, alpha: u32) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let steps = dx.abs().max(dy.abs()).ceil().clamp(1.0, 4096.0);
        for i in 0..steps as i32 {
            let part = i as f32 / steps;
            let (x, y) = (from.0 + dx * part, from.1 + dy * part);
            let (across, along) = if dx.abs() >= dy.abs() { (y, x) } else { (x, y) };
            let share = (across - across.floor()) * alpha as f32;
            let (a, b) = (across.floor() as i32, along.round() as i32);
            let at = |across: i32| if dx.abs() >= dy.abs() { (b, across) } else { (across, b) };
            let (first, second) = (at(a), at(a + 1));
            self.dot(first.0, first.1, colour, alpha - share as u32);
            self.dot(second.0, second.1, colour, share as u32);
        }
    }

    /// Darkens everything: 256 leaves it, 0 is black.
    pub fn dim(&mut self, factor: u32) {
        for pixel in self.pixels.iter_mut() {
            *pixel = scale(*pixel, factor);
        }
    }
}

/// `alpha` of 256 parts of `over` on `under`.
#[inline]
pub fn mix(under: u32, over: u32, alpha: u32) -> u32 {
    let rest = 256 - alpha;
    let red_blue = ((under & 0x00FF_00FF) * rest + (over & 0x00FF_00FF) * alpha) >> 8 & 0x00FF_00FF;
    let green = ((under & 0x0000_FF00) * rest + (over & 0x0000_FF00) * alpha) >> 8 & 0x0000_FF00;
    red_blue | green
}

/// A colour at `factor` of 256 parts of its brightness.
#[inline]
pub fn scale(colour: u32, factor: u32) -> u32 {
    ((((colour & 0x00FF_00FF) * factor) >> 8) & 0x00FF_00FF)
        | ((((colour & 0x0000_FF00) * factor) >> 8) & 0x0000_FF00)
}

/// Light on light: each channel stops at white.
#[inline]
pub fn add(a: u32, b: u32) -> u32 {
    let channel = |shift: u32| ((a >> shift & 0xFF) + (b >> shift & 0xFF)).min(0xFF) << shift;
    channel(16) | channel(8) | channel(0)
}

/// From red, green, blue in 0 to 1.
pub fn rgb([r, g, b]: [f32; 3]) -> u32 {
    let channel = |value: f32| (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u32;
    channel(r) << 16 | channel(g) << 8 | channel(b)
}

/// A prepared piece of picture: per row the spans that are not empty.
#[derive(Debug, Default)]
pub struct Sprite {
    spans: Vec<Span>,
    pixels: Vec<u32>,
}

#[derive(Debug)]
struct Span {
    x: i32,
    y: i32,
    from: usize,
    length: usize,
}

/// How a sprite's pixels are put on those below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blend {
    /// The top byte is the opacity.
    Over,
    /// The pixel is light, added to what is there.
    Add,
}

impl Sprite {
    /// Draws a box of pixels, clipped to the picture; `paint` answers 0 where nothing is.
    pub fn paint(x: (i32, i32), y: (i32, i32), mut paint: impl FnMut(i32, i32) -> u32) -> Self {
        let mut sprite = Self::default();
        for y in y.0..y.1 {
            let mut open = false;
            for x in x.0..x.1 {
                let pixel = paint(x, y);
                if pixel == 0 {
                    open = false;
                    continue;
                }
                if !open {
                    sprite.spans.push(Span { x, y, from: sprite.pixels.len(), length: 0 });
                    open = true;
                }
                sprite.pixels.push(pixel);
                if let Some(span) = sprite.spans.last_mut() {
                    span.length += 1;
                }
            }
        }
        sprite
    }

    /// Puts the sprite with its origin at a pixel.
    pub fn put(&self, canvas: &mut Canvas<'_>, at: (i32, i32), blend: Blend) {
        for span in &self.spans {
            let y = span.y + at.1;
            if !(0..canvas.height as i32).contains(&y) {
                continue;
            }
            let first = (span.x + at.0).clamp(0, canvas.width as i32);
            let end = (span.x + at.0 + span.length as i32).clamp(0, canvas.width as i32);
            let skipped = (first - span.x - at.0).max(0) as usize;
            let source = &self.pixels[span.from..span.from + span.length];
            let target = &mut canvas.row(y as usize)[first as usize..end as usize];
            for (pixel, over) in target.iter_mut().zip(source.iter().skip(skipped)) {
                *pixel = match blend {
                    Blend::Add => add(*pixel, *over),
                    Blend::Over => mix(*pixel, *over, (over >> 24) + (over >> 31)),
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn mixing_keeps_the_ends() {
        assert_eq!(mix(0x0012_3456, 0x00FF_FFFF, 0), 0x0012_3456);
        assert_eq!(mix(0x0012_3456, 0x00AB_CDEF, 256), 0x00AB_CDEF);
        assert_eq!(add(0x00F0_1020, 0x0020_2020), 0x00FF_3040);
    }

    proptest! {
        #[test]
        fn nothing_is_drawn_outside(x in -2000..2000_i32, y in -2000..2000_i32, w in -10..3000_i32) {
            let mut pixels = vec![0; 64 * 48];
            let mut canvas = Canvas { pixels: &mut pixels, width: 64, height: 48 };
            canvas.fill(x, y, w, w, 0x00FF_FFFF, 128);
            canvas.line((x as f32, y as f32), (w as f32, x as f32), 0x00FF_0000, 200);
            Sprite::paint((-9, 9), (-9, 9), |x, y| if x == y { 0 } else { 0xFF00_FF00 }).put(&mut canvas, (x, y), Blend::Over);
        }
    }
}
