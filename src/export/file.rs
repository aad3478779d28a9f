//! Writing of picture files. All pictures are written here.

use std::io;
use std::path::Path;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::files;

/// Writes a PNG file, completely or not at all. `rgba` has the rows from the top, 8 bits per channel.
///
/// # Errors
///
/// If `path` is a folder, or the file cannot be written.
pub(super) fn write_png(path: &Path, rgba: &[u8], [width, height]: [u32; 2]) -> io::Result<()> {
    if path.file_name().is_none() || path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    files::write(path, true, |out| {
        PngEncoder::new(out)
            .write_image(rgba, width, height, ExtendedColorType::Rgba8)
            .map_err(io::Error::other)
    })
}
