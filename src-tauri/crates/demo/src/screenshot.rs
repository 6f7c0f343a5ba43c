//! Screenshots: what is on the canvas, as a PNG file.

use std::{fs::File, io::BufWriter, path::PathBuf, thread::JoinHandle};

use crate::{log::Log, picture::canvas::Canvas};

/// Encoding takes several frames: it is done beside them.
pub fn save_later(canvas: &Canvas<'_>, path: PathBuf, log: &Log) -> Option<JoinHandle<()>> {
    let size = (canvas.width as u32, canvas.height as u32);
    let rgb: Vec<u8> = canvas
        .pixels
        .iter()
        .flat_map(|pixel| [(pixel >> 16) as u8, (pixel >> 8) as u8, *pixel as u8])
        .collect();
    log.info("RenderEngine", format!("Saving screenshot '{}'", path.display()));
    let spawned = std::thread::Builder::new().name("screenshot".to_owned()).spawn(move || {
        if let Err(error) = write(&path, size, &rgb) {
            // Standard error, for the log belongs to the render thread.
            eprintln!("(E) RenderEngine         Could not save screenshot '{}': {error}", path.display());
        }
    });
    spawned.ok()
}

fn write(path: &PathBuf, (width, height): (u32, u32), rgb: &[u8]) -> Result<(), png::EncodingError> {
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), width, height);
    encoder.set_color(png::ColorType::Rgb);
    // Whoever takes one waits for it, and both cores may be busy: rather soon than small.
    encoder.set_compression(png::Compression::Fastest);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()
}
