//! `writer.lock`: at most one process writes a recording.
//!
//! The lock is on the file, it is not the existence of the file: it is released when the process that holds
//! it ends in any way, and the file remains.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::super::FormatError;
use super::super::file::shortened;

const NAME: &str = "writer.lock";

/// Time after which acquiring fails. Readers hold a shared lock for an instant to see if there is a writer.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The exclusive right to write a recording, released on drop.
pub(super) struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Acquires the lock of the recording in `folder`. Error messages call the recording `name`.
    ///
    /// # Errors
    /// [`FormatError::Locked`] if another process holds it.
    pub(super) fn acquire(folder: &Path, name: &Path) -> Result<Self, FormatError> {
        let path = folder.join(NAME);
        // Opening a pipe would block.
        if fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(FormatError::NotAFile { path });
        }
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = options.map_err(FormatError::write(name))?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if start.elapsed() < TIMEOUT => {
                    sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => return Err(locked(name, &mut file)),
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    log::warn!("{}: no lock is possible here; let nobody else write it", name.display());
                    break;
                }
                Err(TryLockError::Error(error)) => return Err(FormatError::write(name)(error)),
            }
        }
        let host = gethostname::gethostname();
        let holder = format!("pid {} on {}\n", std::process::id(), host.to_string_lossy());
        let written = file.set_len(0).and_then(|()| file.write_all(holder.as_bytes()));
        written.map_err(FormatError::write(name))?;
        Ok(Self { _file: file })
    }

    /// Returns [`FormatError::Locked`] if another process writes the recording in `folder`.
    pub(super) fn check(folder: &Path) -> Result<(), FormatError> {
        let path = folder.join(NAME);
        if !fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            return Ok(());
        }
        let Ok(mut file) = File::open(&path) else { return Ok(()) };
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Err(locked(folder, &mut file)),
            _ => Ok(()),
        }
    }
}

/// Returns the error for a lock that another process holds; `file` names the process.
fn locked(name: &Path, file: &mut File) -> FormatError {
    let mut holder = String::new();
    // On systems where a lock also prevents reading, no process is named.
    let _ = file.take(200).read_to_string(&mut holder);
    let holder = if holder.trim().is_empty() { "another process" } else { holder.trim() };
    FormatError::Locked { path: name.to_owned(), holder: shortened(holder) }
}
