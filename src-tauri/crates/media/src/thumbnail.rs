//! A small still picture of a whole display.

use anyhow::{Context, anyhow};
use jpeg_encoder::{ColorType, Encoder};
use model::{DisplayAddress, Size};

use crate::{capture::Screen, picture::Shot};

/// contract.md §4: a page of thumbnails stays small.
pub(crate) const BYTES_MAX: usize = 30_000;

/// Tried in turn until the picture fits.
const QUALITIES: [u8; 6] = [80, 65, 50, 35, 20, 10];

/// Narrower than this, nothing can be recognised.
const WIDTH_MIN: u32 = 16;

pub(crate) fn thumbnail(display: &DisplayAddress, width: u32) -> anyhow::Result<Vec<u8>> {
    let doing = || format!("taking a thumbnail of display {}", display.name());
    let mut screen = Screen::open(display).with_context(doing)?;
    let whole = screen.size();
    let shot = screen.grab(whole).with_context(doing)?.with_context(doing)?;
    jpeg_within(shot, width, BYTES_MAX).with_context(doing)
}

/// At most `width` wide and `bytes_max` large: coarser, and then smaller, until it fits.
fn jpeg_within(shot: Shot<'_>, width: u32, bytes_max: usize) -> anyhow::Result<Vec<u8>> {
    let mut width = width.clamp(WIDTH_MIN, shot.size.width.max(WIDTH_MIN)).min(shot.size.width);
    loop {
        let size = Size::new(width, (shot.size.height * width / shot.size.width).max(1));
        let pixels = shrink(shot, size);
        for quality in QUALITIES {
            let mut jpeg = Vec::with_capacity(bytes_max);
            let (width, height) = (u16::try_from(size.width)?, u16::try_from(size.height)?);
            Encoder::new(&mut jpeg, quality).encode(&pixels, width, height, ColorType::Rgb)?;
            if jpeg.len() <= bytes_max {
                return Ok(jpeg);
            }
        }
        if width <= WIDTH_MIN {
            return Err(anyhow!("even the smallest picture takes more than {bytes_max} bytes"));
        }
        width = (width / 2).max(WIDTH_MIN);
    }
}

/// Each pixel is the mean of the box that it stands for. Red, green, blue.
fn shrink(shot: Shot<'_>, to: Size) -> Vec<u8> {
    let columns: Vec<(usize, usize)> = (0..to.width).map(|x| part(x, to.width, shot.size.width)).collect();
    let row_bytes = shot.size.width as usize * 4;
    let mut pixels = Vec::with_capacity(to.pixels() as usize * 3);
    let mut sums = vec![[0u32; 3]; to.width as usize];
    for y in 0..to.height {
        let (top, bottom) = part(y, to.height, shot.size.height);
        sums.fill([0; 3]);
        for row in shot.bgrx[top * row_bytes..bottom * row_bytes].chunks_exact(row_bytes) {
            for (sum, &(left, right)) in sums.iter_mut().zip(&columns) {
                for pixel in row[left * 4..right * 4].chunks_exact(4) {
                    sum[0] += u32::from(pixel[2]);
                    sum[1] += u32::from(pixel[1]);
                    sum[2] += u32::from(pixel[0]);
                }
            }
        }
        for (sum, &(left, right)) in sums.iter().zip(&columns) {
            let count = ((bottom - top) * (right - left)) as u32;
            pixels.extend(sum.map(|sum| (sum / count) as u8));
        }
    }
    pixels
}

/// Which of `from` pixels in a row the pixel `index` of `to` stands for; never none, as `to` is no larger than `from`.
fn part(index: u32, to: u32, from: u32) -> (usize, usize) {
    let at = |index: u32| (u64::from(index) * u64::from(from) / u64::from(to)) as usize;
    (at(index), at(index + 1))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    /// The hardest picture for JPEG: every pixel is its own.
    fn noise(size: Size) -> Vec<u8> {
        let mut state = 1u32;
        let mut byte = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..size.pixels() * 4).map(|_| byte()).collect()
    }

    #[test]
    fn even_noise_fits() {
        let size = Size::new(1280, 720);
        let bgrx = noise(size);
        let jpeg = jpeg_within(Shot { size, bgrx: &bgrx }, 1280, BYTES_MAX).unwrap();
        assert!(jpeg.len() <= BYTES_MAX && jpeg.starts_with(&[0xff, 0xd8, 0xff]), "{}", jpeg.len());
    }

    #[test]
    fn a_box_becomes_its_mean_in_red_green_blue() {
        let bgrx = [[0, 10, 100, 9], [0, 20, 200, 9], [8, 30, 100, 9], [8, 40, 200, 9]].concat();
        let shot = Shot { size: Size::new(2, 2), bgrx: &bgrx };
        assert_eq!(shrink(shot, Size::new(1, 1)), [150, 25, 4]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_width_of_any_display_works(width in 0u32..5000, w in 16u32..300, h in 16u32..300) {
            let size = Size::new(w, h);
            let bgrx = noise(size);
            let jpeg = jpeg_within(Shot { size, bgrx: &bgrx }, width, BYTES_MAX).unwrap();
            prop_assert!(jpeg.len() <= BYTES_MAX);
        }

        #[test]
        fn the_parts_cover_everything_once(from in 1u32..5000, to in 1u32..5000) {
            let to = to.min(from);
            let mut end = 0;
            for index in 0..to {
                let (first, last) = part(index, to, from);
                prop_assert!(first == end && last > first);
                end = last;
            }
            prop_assert_eq!(end, from as usize);
        }
    }
}
