//! Makes a picture smaller, plane by plane, in the form that encoders take.

use std::sync::Arc;

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeError, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};

use crate::picture::{Format, Layout, Picture, Pictures};

#[derive(Debug)]
pub(crate) struct Scaler {
    resizer: Resizer,
    pictures: Pictures,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ScaleError {
    #[error("its planes do not have the size that they claim")]
    Planes,
    #[error("{0}")]
    Resize(#[from] ResizeError),
}

impl Scaler {
    pub fn new(format: Format) -> Self {
        Self { resizer: Resizer::new(), pictures: Pictures::new(format) }
    }

    /// The same picture if it has the right size already.
    pub fn scaled(&mut self, picture: Arc<Picture>) -> Result<Arc<Picture>, ScaleError> {
        if picture.format().size == self.pictures.size() {
            return Ok(picture);
        }
        let resizer = &mut self.resizer;
        self.pictures.made(|into| {
            let (from, to) = (picture.format(), into.format());
            let (luma, chroma) = picture.luma_and_chroma();
            let (luma_out, chroma_out) = into.luma_and_chroma_mut();
            resize(resizer, plane(from, luma), plane_mut(to, luma_out), PixelType::U8)?;
            let halved = |format: Format| (format.size.width / 2, format.size.height / 2);
            match to.flavour.layout {
                Layout::Nv12 => {
                    let from = (halved(from), from.chroma_stride() / 2, chroma);
                    resize(resizer, from, (halved(to), to.chroma_stride() / 2, chroma_out), PixelType::U8x2)
                }
                Layout::I420 => {
                    let (half_in, half_out) = (chroma.len() / 2, chroma_out.len() / 2);
                    for (from_plane, to_plane) in chroma.chunks(half_in).zip(chroma_out.chunks_mut(half_out))
                    {
                        let from = (halved(from), from.chroma_stride(), from_plane);
                        resize(resizer, from, (halved(to), to.chroma_stride(), to_plane), PixelType::U8)?;
                    }
                    Ok(())
                }
            }
        })
    }
}

type Sides = (u32, u32);

fn plane(format: Format, bytes: &[u8]) -> (Sides, usize, &[u8]) {
    ((format.size.width, format.size.height), format.luma_stride(), bytes)
}

fn plane_mut(format: Format, bytes: &mut [u8]) -> (Sides, usize, &mut [u8]) {
    ((format.size.width, format.size.height), format.luma_stride(), bytes)
}

/// Sides and strides in pixels. What is written is as wide as its rows: the sizes of rungs see to that.
fn resize(
    resizer: &mut Resizer,
    (from, stride_in, bytes_in): (Sides, usize, &[u8]),
    (to, stride_out, bytes_out): (Sides, usize, &mut [u8]),
    pixel: PixelType,
) -> Result<(), ScaleError> {
    let source = ImageRef::new(stride_in as u32, from.1, bytes_in, pixel).map_err(|_| ScaleError::Planes)?;
    let mut target =
        Image::from_slice_u8(stride_out as u32, to.1, bytes_out, pixel).map_err(|_| ScaleError::Planes)?;
    // Each new pixel is the mean of those that it stands for: no ringing, and the least work.
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Box)).crop(
        0.0,
        0.0,
        f64::from(from.0),
        f64::from(from.1),
    );
    Ok(resizer.resize(&source, &mut target, &options)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use model::{Size, video::Rung};

    use super::*;
    use crate::picture::{Flavour, Matrix, Shot};

    #[test]
    fn a_small_picture_shows_what_the_large_one_does() {
        let size = Size::new(640, 360);
        // Left half red, right half blue.
        let row: Vec<u8> =
            (0..640).flat_map(|x| if x < 320 { [0, 0, 255, 0] } else { [255, 0, 0, 0] }).collect();
        let bgrx = row.repeat(360);
        for layout in [Layout::I420, Layout::Nv12] {
            let flavour = Flavour { layout, matrix: Matrix::Bt709 };
            let mut large = Picture::black(Format { size, flavour });
            large.take(Shot { size, bgrx: &bgrx }).unwrap();
            let large = Arc::new(large);
            for rung in Rung::ALL {
                let small = Rung::size(rung, size);
                let mut scaler = Scaler::new(Format { size: small, flavour });
                let picture = scaler.scaled(Arc::clone(&large)).unwrap();
                assert_eq!(picture.format().size, small);
                let corners = |picture: &Picture| {
                    let (luma, chroma) = picture.luma_and_chroma();
                    let width = picture.format().size.width as usize;
                    [luma[4], luma[width - 5], chroma[4], chroma[5], chroma[width / 2 - 5]]
                };
                assert_eq!(corners(&picture), corners(&large), "{layout:?} {rung:?}");
            }
        }
    }
}
