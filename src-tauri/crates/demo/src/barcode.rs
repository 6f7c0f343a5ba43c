//! The barcode by which a picture says when it was drawn: pure bits, no pixels of its own.
//!
//! # Layout
//!
//! A strip at the top left of the picture, **48 columns × 2 rows of square blocks**. With `W` the picture's width in pixels, block
//! `(column, row)` covers `x` from `round(column·W/60)` to `round((column+1)·W/60)` and `y` from `round(row·W/60)` to
//! `round((row+1)·W/60)`: the strip takes four fifths of the width, a block is 21 px at 1280 and 32 px at 1920, and the same formula
//! finds it again in a picture that was scaled on its way. **White is 1, black is 0.** A reader takes the mean brightness of the
//! middle half of each block and compares it with 128.
//!
//! Bit `i` (0 to 95) is block `(i mod 48, i div 48)`. Fields follow each other, most significant bit first:
//!
//! | bits | field |
//! |---|---|
//! | 0–7 | magic `0xB3`: there is a barcode |
//! | 8–39 | `t`: when drawing began, Unix time in units of 0.1 ms, modulo 2³² (it wraps every 4 days 23 hours) |
//! | 40–63 | `frame`: frames drawn since the start, modulo 2²⁴ |
//! | 64–79 | `input`: button and key presses received since the start, modulo 2¹⁶ |
//! | 80–95 | CRC-16/CCITT-FALSE (polynomial `0x1021`, initial value `0xFFFF`, no reflection, no final xor) of the ten bytes before |
//!
//! The reader for pages is `tests/browser/barcode.js`.

pub const COLUMNS: usize = 48;
pub const ROWS: usize = 2;
pub const BITS: usize = COLUMNS * ROWS;
/// The picture's width over a block's.
pub const BLOCKS_PER_WIDTH: u32 = 60;
const MAGIC: u8 = 0xB3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields {
    /// Unix time in 0.1 ms, modulo 2³².
    pub t: u32,
    /// Only the low 24 bits are kept.
    pub frame: u32,
    pub input: u16,
}

pub fn encode(fields: Fields) -> [bool; BITS] {
    let mut bytes = [0; BITS / 8];
    bytes[0] = MAGIC;
    bytes[1..5].copy_from_slice(&fields.t.to_be_bytes());
    bytes[5..8].copy_from_slice(&fields.frame.to_be_bytes()[1..]);
    bytes[8..10].copy_from_slice(&fields.input.to_be_bytes());
    let crc = crc16(&bytes[..10]);
    bytes[10..].copy_from_slice(&crc.to_be_bytes());
    std::array::from_fn(|i| bytes[i / 8] >> (7 - i % 8) & 1 == 1)
}

/// The fields, or nothing where there is no whole barcode.
pub fn decode(bits: &[bool; BITS]) -> Option<Fields> {
    let mut bytes = [0_u8; BITS / 8];
    for (i, bit) in bits.iter().enumerate() {
        bytes[i / 8] |= u8::from(*bit) << (7 - i % 8);
    }
    let [magic, t0, t1, t2, t3, f0, f1, f2, i0, i1, c0, c1] = bytes;
    (magic == MAGIC && crc16(&bytes[..10]) == u16::from_be_bytes([c0, c1])).then(|| Fields {
        t: u32::from_be_bytes([t0, t1, t2, t3]),
        frame: u32::from_be_bytes([0, f0, f1, f2]),
        input: u16::from_be_bytes([i0, i1]),
    })
}

/// Where block `i` lies along an axis, in pixels: first, and one past the last.
pub fn span(i: u32, width: u32) -> (u32, u32) {
    let edge = |i: u32| (i * width + BLOCKS_PER_WIDTH / 2) / BLOCKS_PER_WIDTH;
    (edge(i), edge(i + 1))
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(
            crc ^ u16::from(*byte) << 8,
            |crc, _| {
                if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
            },
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(t: u32, frame in 0_u32..1 << 24, input: u16) {
            let fields = Fields { t, frame, input };
            prop_assert_eq!(decode(&encode(fields)), Some(fields));
        }

        #[test]
        fn a_barcode_with_one_wrong_block_is_not_read(t: u32, frame in 0_u32..1 << 24, input: u16, wrong in 0..BITS) {
            let mut bits = encode(Fields { t, frame, input });
            bits[wrong] = !bits[wrong];
            prop_assert_eq!(decode(&bits), None);
        }
    }

    #[test]
    fn the_checksum_is_the_published_one() {
        assert_eq!(crc16(b"123456789"), 0x29B1);
    }

    #[test]
    fn blocks_tile_without_gaps_and_stay_large_enough_for_a_video_codec() {
        for width in [1280, 1920, 1366, 3840] {
            let mut next = 0;
            for i in 0..48 {
                let (first, end) = span(i, width);
                assert_eq!(first, next);
                assert!(end - first >= 16);
                next = end;
            }
        }
    }
}
