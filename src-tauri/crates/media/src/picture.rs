//! A picture as encoders want it, and its making from what the X server hands out.
//!
//! Limited range throughout. The matrix is the one that the encoder writes into its stream; where a stream cannot say
//! (VP8, and openh264 through GStreamer), it is BT.601, which decoders assume of such a stream.

use std::sync::Arc;

use model::Size;
use yuv::{
    BufferStoreMut, YuvBiPlanarImageMut, YuvConversionMode, YuvError, YuvPlanarImageMut, YuvRange,
    YuvStandardMatrix, bgra_to_yuv_nv12, bgra_to_yuv420,
};

/// How the colours are folded into luma and chroma.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Matrix {
    Bt709,
    Bt601,
}

/// How the planes lie in memory: as GStreamer lays them out by default, so that a picture is handed over without a copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Layout {
    I420,
    Nv12,
}

/// What distinguishes pictures of one size: those of one flavour are converted once for all encoders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Flavour {
    pub layout: Layout,
    pub matrix: Matrix,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Format {
    pub size: Size,
    pub flavour: Flavour,
}

impl Format {
    pub fn luma_stride(self) -> usize {
        round_up_4(self.size.width as usize)
    }

    /// Bytes in a row of one chroma plane, or of the one plane that holds both.
    pub fn chroma_stride(self) -> usize {
        match self.flavour.layout {
            Layout::I420 => round_up_4(self.size.width as usize / 2),
            Layout::Nv12 => self.luma_stride(),
        }
    }

    fn luma_len(self) -> usize {
        self.luma_stride() * self.size.height as usize
    }

    fn chroma_len(self) -> usize {
        self.chroma_stride() * self.size.height as usize / 2
    }

    fn len(self) -> usize {
        let chroma_planes = match self.flavour.layout {
            Layout::I420 => 2,
            Layout::Nv12 => 1,
        };
        self.luma_len() + chroma_planes * self.chroma_len()
    }
}

/// Pixels as the X server hands them out: blue, green, red and a byte of nothing, rows without padding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shot<'a> {
    pub size: Size,
    pub bgrx: &'a [u8],
}

/// One picture; both sides are even.
pub(crate) struct Picture {
    format: Format,
    data: Vec<u8>,
}

impl Picture {
    pub fn black(format: Format) -> Self {
        let mut data = vec![128; format.len()];
        data[..format.luma_len()].fill(16);
        Self { format, data }
    }

    pub fn format(&self) -> Format {
        self.format
    }

    pub fn bytes(&self) -> &[u8] {
        &self.data
    }

    /// Luma and both chroma planes of an I420 picture.
    pub fn planes(&self) -> (&[u8], &[u8], &[u8]) {
        let (luma, chroma) = self.data.split_at(self.format.luma_len());
        let (u, v) = chroma.split_at(chroma.len() / 2);
        (luma, u, v)
    }

    /// Luma, and all that carries colour.
    pub fn luma_and_chroma(&self) -> (&[u8], &[u8]) {
        self.data.split_at(self.format.luma_len())
    }

    pub fn luma_and_chroma_mut(&mut self) -> (&mut [u8], &mut [u8]) {
        self.data.split_at_mut(self.format.luma_len())
    }

    /// Takes the shot over, from the upper left corner; what a smaller shot does not cover stays as it was.
    pub fn take(&mut self, shot: Shot<'_>) -> Result<(), YuvError> {
        let Format { size, flavour: Flavour { layout, matrix } } = self.format;
        let width = size.width.min(shot.size.width) & !1;
        let height = size.height.min(shot.size.height) & !1;
        let stride = shot.size.width * 4;
        let matrix = match matrix {
            Matrix::Bt709 => YuvStandardMatrix::Bt709,
            Matrix::Bt601 => YuvStandardMatrix::Bt601,
        };
        let (luma_stride, chroma_stride) =
            (self.format.luma_stride() as u32, self.format.chroma_stride() as u32);
        let (luma, chroma) = self.data.split_at_mut(self.format.luma_len());
        match layout {
            Layout::I420 => {
                let (u, v) = chroma.split_at_mut(chroma.len() / 2);
                let mut planes = YuvPlanarImageMut {
                    y_plane: BufferStoreMut::Borrowed(luma),
                    y_stride: luma_stride,
                    u_plane: BufferStoreMut::Borrowed(u),
                    u_stride: chroma_stride,
                    v_plane: BufferStoreMut::Borrowed(v),
                    v_stride: chroma_stride,
                    width,
                    height,
                };
                bgra_to_yuv420(
                    &mut planes,
                    shot.bgrx,
                    stride,
                    YuvRange::Limited,
                    matrix,
                    YuvConversionMode::Balanced,
                )
            }
            Layout::Nv12 => {
                let mut planes = YuvBiPlanarImageMut {
                    y_plane: BufferStoreMut::Borrowed(luma),
                    y_stride: luma_stride,
                    uv_plane: BufferStoreMut::Borrowed(chroma),
                    uv_stride: chroma_stride,
                    width,
                    height,
                };
                bgra_to_yuv_nv12(
                    &mut planes,
                    shot.bgrx,
                    stride,
                    YuvRange::Limited,
                    matrix,
                    YuvConversionMode::Balanced,
                )
            }
        }
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Picture").field("format", &self.format).finish_non_exhaustive()
    }
}

/// Pictures that are used over and over: fresh memory for each would cost a page fault for every 4 KiB of it.
#[derive(Debug)]
pub(crate) struct Pictures {
    format: Format,
    kept: Vec<Arc<Picture>>,
}

/// The last picture (kept for repeats), the one in the encoder, the one that is being made, and two that are being made smaller.
const PICTURES: usize = 5;

impl Pictures {
    pub fn new(format: Format) -> Self {
        Self { format, kept: Vec::with_capacity(PICTURES) }
    }

    pub fn size(&self) -> Size {
        self.format.size
    }

    pub fn flavour(&self) -> Flavour {
        self.format.flavour
    }

    /// A picture of this shot, in memory that nobody reads any more.
    pub fn picture(&mut self, shot: Shot<'_>) -> Result<Arc<Picture>, YuvError> {
        self.made(|picture| picture.take(shot))
    }

    /// A picture that `make` fills.
    pub fn made<E>(&mut self, make: impl FnOnce(&mut Picture) -> Result<(), E>) -> Result<Arc<Picture>, E> {
        let free = self.kept.iter().position(|picture| Arc::strong_count(picture) == 1);
        let mut picture =
            free.map_or_else(|| Arc::new(Picture::black(self.format)), |index| self.kept.swap_remove(index));
        if let Some(own) = Arc::get_mut(&mut picture) {
            make(own)?;
        }
        if self.kept.len() < PICTURES {
            self.kept.push(Arc::clone(&picture));
        }
        Ok(picture)
    }
}

fn round_up_4(value: usize) -> usize {
    value.next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn format(width: u32, height: u32, layout: Layout, matrix: Matrix) -> Format {
        Format { size: Size::new(width, height), flavour: Flavour { layout, matrix } }
    }

    fn flat(size: Size, bgr: [u8; 3]) -> Vec<u8> {
        [bgr[0], bgr[1], bgr[2], 0].repeat(size.pixels() as usize)
    }

    #[test]
    fn colours_land_where_the_standards_put_them() {
        // Luma, blue and red difference of the primaries, from ITU-R BT.709 and BT.601, limited range.
        for (matrix, bgr, yuv) in [
            (Matrix::Bt709, [0, 0, 255], [63, 102, 240]),
            (Matrix::Bt709, [0, 255, 0], [173, 42, 26]),
            (Matrix::Bt709, [255, 0, 0], [32, 240, 118]),
            (Matrix::Bt601, [0, 0, 255], [81, 90, 240]),
            (Matrix::Bt601, [0, 255, 0], [145, 54, 34]),
            (Matrix::Bt601, [255, 0, 0], [41, 240, 110]),
            (Matrix::Bt709, [255, 255, 255], [235, 128, 128]),
            (Matrix::Bt601, [0, 0, 0], [16, 128, 128]),
        ] {
            for layout in [Layout::I420, Layout::Nv12] {
                let size = Size::new(64, 32);
                let mut picture = Picture::black(format(64, 32, layout, matrix));
                picture.take(Shot { size, bgrx: &flat(size, bgr) }).unwrap();
                let (luma, u, v) = picture.planes();
                let got = match layout {
                    Layout::I420 => [luma[70], u[70], v[70]],
                    Layout::Nv12 => [luma[70], u[70], u[71]],
                };
                for (got, expected) in got.iter().zip(yuv) {
                    assert!(got.abs_diff(expected) <= 1, "{matrix:?} {bgr:?}: {got} is not {expected}");
                }
            }
        }
    }

    #[test]
    fn a_smaller_shot_leaves_the_rest_black() {
        let mut picture = Picture::black(format(64, 32, Layout::I420, Matrix::Bt709));
        let size = Size::new(32, 16);
        picture.take(Shot { size, bgrx: &flat(size, [255, 255, 255]) }).unwrap();
        let luma = picture.planes().0;
        assert_eq!((luma[0], luma[31], luma[32], luma[16 * 64]), (235, 235, 16, 16));
    }

    #[test]
    fn a_larger_or_odd_shot_is_cropped() {
        let mut picture = Picture::black(format(34, 18, Layout::I420, Matrix::Bt709));
        let size = Size::new(35, 19);
        picture.take(Shot { size, bgrx: &flat(size, [255, 255, 255]) }).unwrap();
        let (luma, ..) = picture.planes();
        assert_eq!(picture.format().luma_stride(), 36);
        assert_eq!((luma[33], luma[17 * 36 + 33]), (235, 235));
    }

    #[test]
    fn a_picture_that_is_still_read_is_never_written() {
        let mut pictures = Pictures::new(format(64, 32, Layout::I420, Matrix::Bt709));
        let size = Size::new(64, 32);
        let held: Vec<_> = (0..6)
            .map(|shade| pictures.picture(Shot { size, bgrx: &flat(size, [shade * 40; 3]) }).unwrap())
            .collect();
        let lumas: Vec<u8> = held.iter().map(|picture| picture.bytes()[0]).collect();
        assert!(lumas.windows(2).all(|pair| pair[0] < pair[1]), "{lumas:?}");
        drop(held);
        let again = pictures.picture(Shot { size, bgrx: &flat(size, [0; 3]) }).unwrap();
        assert_eq!((again.bytes()[0], pictures.kept.len()), (16, PICTURES));
    }
}
