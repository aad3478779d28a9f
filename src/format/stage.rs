//! The only place where files are written: under a temporary name, synced, then renamed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, TempDir};

use super::FormatError;

/// A temporary folder that is renamed to its final name when it is complete. It is deleted when it is
/// dropped before that.
pub(super) struct StagedFolder {
    /// The final name.
    target: PathBuf,
    building: TempDir,
}

impl StagedFolder {
    /// Creates a temporary folder beside `target`, which must not exist.
    pub(super) fn create(target: &Path) -> Result<Self, FormatError> {
        if fs::symlink_metadata(target).is_ok() {
            return Err(FormatError::Exists { path: target.to_owned() });
        }
        let name = target.file_name().ok_or_else(|| FormatError::Exists { path: target.to_owned() })?;
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        let mut builder = Builder::new();
        let prefix = format!(".{}.", name.to_string_lossy());
        builder.prefix(&prefix).suffix(".partial");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        let building =
            builder.tempdir_in(parent.unwrap_or(Path::new("."))).map_err(FormatError::write(target))?;
        Ok(Self { target: target.to_owned(), building })
    }

    /// Returns the temporary path.
    pub(super) fn folder(&self) -> &Path {
        self.building.path()
    }

    /// Renames the folder to its final name. On failure it keeps its temporary name.
    pub(super) fn publish(&mut self) -> Result<(), FormatError> {
        let exists = || fs::symlink_metadata(&self.target).is_ok();
        // A rename would replace an empty folder.
        if exists() {
            return Err(FormatError::Exists { path: self.target.clone() });
        }
        fs::rename(self.building.path(), &self.target).map_err(|error| match exists() {
            true => FormatError::Exists { path: self.target.clone() },
            false => FormatError::write(&self.target)(error),
        })?;
        // The temporary name no longer exists, so there is nothing to clean up.
        self.building.disable_cleanup(true);
        let parent = self.target.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Err(error) = sync_folder(parent.unwrap_or(Path::new("."))) {
            log::warn!("{}: may be gone after a power failure: {error}", self.target.display());
        }
        Ok(())
    }
}

/// Writes a file completely or not at all. An existing file is replaced if `replace`, otherwise it is an
/// error.
pub(super) fn write_file(
    path: &Path,
    replace: bool,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FormatError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let attempt = || {
        let mut builder = Builder::new();
        builder.prefix(".").suffix(".partial");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(folder)?;
        let mut buffer = BufWriter::with_capacity(1 << 20, file.as_file());
        write(&mut buffer)?;
        buffer.flush()?;
        drop(buffer);
        file.as_file().sync_all()?;
        let persisted = if replace { file.persist(path) } else { file.persist_noclobber(path) };
        persisted.map_err(|error| error.error)?;
        sync_folder(folder)
    };
    attempt().map_err(FormatError::write(path))
}

/// Syncs a folder, so that renames in it survive a power failure.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
