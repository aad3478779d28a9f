//! Pictures of inputs: encoded files or raw pixels.

use std::io::Cursor;

use image::{ImageReader, Limits};

use crate::model::Picture;

/// Size limit of an encoded picture in bytes.
pub(super) const MAX_BYTES: u64 = 16 << 20;

/// Limit of the longer side of a picture, in pixels.
const MAX_SIDE: u32 = 8192;

/// Decodes a JPEG or PNG file. Returns `None` if it is neither or exceeds the limits.
pub(super) fn decode(bytes: &[u8]) -> Option<Picture> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(256 << 20);
    reader.limits(limits);
    let image = reader.decode().ok()?.into_rgba8();
    Some(Picture { width: image.width(), height: image.height(), rgba: image.into_raw() })
}

/// Returns the file name extension for encoded bytes, or `None` if they are neither JPEG nor PNG.
pub(super) fn extension(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        Some("jpg")
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("png")
    } else {
        None
    }
}

/// Builds a picture from rows of pixels of `channels` 8-bit components: grey, grey and alpha, RGB or RGBA.
/// Returns `None` if `pixels` does not have the length that the sizes give.
pub(super) fn from_pixels(pixels: &[u8], width: u32, height: u32, channels: usize) -> Option<Picture> {
    let length = (width as usize).checked_mul(height as usize)?.checked_mul(channels)?;
    if pixels.len() != length || length == 0 {
        return None;
    }
    let rgba = pixels.chunks_exact(channels).flat_map(|pixel| match *pixel {
        [grey] => [grey, grey, grey, u8::MAX],
        [grey, alpha] => [grey, grey, grey, alpha],
        [red, green, blue] => [red, green, blue, u8::MAX],
        [red, green, blue, alpha, ..] => [red, green, blue, alpha],
        [] => [0; 4],
    });
    Some(Picture { width, height, rgba: rgba.collect() })
}
