//! Writing of picture files. A file is written completely or not at all; all pictures are written here.

use std::io::{self, Write};
use std::path::Path;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

/// Writes a PNG file under a temporary name, syncs it and renames it. `rgba` has the rows from the top, 8
/// bits per channel.
///
/// # Errors
///
/// If `path` is a folder, or the file cannot be written.
pub(super) fn write_png(path: &Path, rgba: &[u8], [width, height]: [u32; 2]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if path.file_name().is_none() || path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(".dnnviz-").suffix(".png");
    #[cfg(unix)]
    {
        // The permissions of any new file; by default only the owner can read a temporary file.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    // The kind alone: the message of the error has the temporary name, which means nothing to users.
    let mut file = builder.tempfile_in(folder).map_err(|error| io::Error::from(error.kind()))?;
    let mut buffered = io::BufWriter::new(&mut file);
    PngEncoder::new(&mut buffered)
        .write_image(rgba, width, height, ExtendedColorType::Rgba8)
        .map_err(io::Error::other)?;
    buffered.flush()?;
    drop(buffered);
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
