//! The only place where files are written: under a temporary name, synced, then renamed, so that a file or
//! folder is complete under its final name or not there at all.
//!
//! What has a temporary name is removed when it is dropped, and by [`remove_temporary`] when the program is
//! interrupted.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tempfile::{Builder, TempDir};

/// Attempts to remove a folder in which threads still write.
const ATTEMPTS: usize = 20;

/// Temporary files and folders that exist.
static TEMPORARY: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Lists a path in [`TEMPORARY`] until it is dropped.
#[derive(Debug)]
struct Listed(PathBuf);

impl Listed {
    fn new(path: &Path) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
        Self(path)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner).retain(|path| *path != self.0);
    }
}

/// Removes all temporary files and folders and keeps further ones from being created, renamed or dropped:
/// threads that try wait for the end of the program.
pub fn remove_temporary() {
    let mut temporary = TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner);
    for path in temporary.drain(..) {
        for _ in 0..ATTEMPTS {
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            if removed.is_ok() || fs::symlink_metadata(&path).is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    std::mem::forget(temporary);
}

/// A folder with a temporary name. It is removed when it is dropped.
#[derive(Debug)]
pub struct TemporaryFolder {
    folder: TempDir,
    // Dropped after the folder is removed.
    _listed: Listed,
}

impl TemporaryFolder {
    /// Creates a folder with a unique name among the temporary files of the system.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn new() -> io::Result<Self> {
        Self::of(tempfile::tempdir()?)
    }

    /// Creates a folder in `parent`. Its name is `.`, `name`, `.`, random characters and `.partial`.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn new_in(parent: &Path, name: &str) -> io::Result<Self> {
        let mut builder = Builder::new();
        let prefix = format!(".{name}.");
        builder.prefix(&prefix).suffix(".partial");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        Self::of(builder.tempdir_in(parent)?)
    }

    fn of(folder: TempDir) -> io::Result<Self> {
        let listed = Listed::new(folder.path());
        Ok(Self { folder, _listed: listed })
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A temporary folder that is renamed to its final name when it is complete.
#[derive(Debug)]
pub struct StagedFolder {
    /// The final name.
    target: PathBuf,
    building: TemporaryFolder,
}

impl StagedFolder {
    /// Creates a temporary folder new_in `target`.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] if `target` exists, or another kind if the folder cannot be created.
    pub fn create(target: &Path) -> io::Result<Self> {
        let name = target.file_name().filter(|_| fs::symlink_metadata(target).is_err());
        let name = name.ok_or(io::ErrorKind::AlreadyExists)?;
        let building = TemporaryFolder::new_in(parent_of(target), &name.to_string_lossy())?;
        Ok(Self { target: target.to_owned(), building })
    }

    /// Returns the temporary path.
    pub fn path(&self) -> &Path {
        self.building.path()
    }

    /// Renames the folder to its final name.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] if that exists by now, or another kind if the folder cannot be
    /// renamed. It keeps its temporary name.
    pub fn publish(&mut self) -> io::Result<()> {
        let exists = || fs::symlink_metadata(&self.target).is_ok();
        // A rename would replace an empty folder.
        if exists() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        {
            let _not_interrupted = TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner);
            fs::rename(self.path(), &self.target)
                .map_err(|error| if exists() { io::ErrorKind::AlreadyExists.into() } else { error })?;
        }
        // The temporary name no longer exists, so there is nothing to clean up.
        self.building.folder.disable_cleanup(true);
        if let Err(error) = sync_folder(parent_of(&self.target)) {
            log::warn!("{}: may be gone after a power failure: {error}", self.target.display());
        }
        Ok(())
    }
}

/// Writes a file. An existing file is replaced if `replace`, otherwise it is an error.
///
/// # Errors
/// If `write` fails, or the file cannot be written, synced or renamed.
pub fn write(
    path: &Path,
    replace: bool,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let folder = parent_of(path);
    let mut builder = Builder::new();
    builder.prefix(".").suffix(".partial");
    // The permissions of any new file; by default only the owner can read a temporary file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    // The kind alone: the message of the error has the temporary name, which means nothing to users.
    let file = builder.tempfile_in(folder).map_err(|error| io::Error::from(error.kind()))?;
    let listed = Listed::new(file.path());
    let mut buffer = BufWriter::with_capacity(1 << 20, file.as_file());
    write(&mut buffer)?;
    buffer.flush()?;
    drop(buffer);
    file.as_file().sync_all()?;
    {
        let _not_interrupted = TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner);
        let persisted = if replace { file.persist(path) } else { file.persist_noclobber(path) };
        persisted.map_err(|error| error.error)?;
    }
    drop(listed);
    sync_folder(folder)
}

/// The folder that holds `path`.
fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Syncs a folder, so that renames in it survive a power failure.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
