//! `writer.lock`: at most one process writes a recording.
//!
//! The lock is on the file, not its presence: it goes with the process that holds it, however that
//! ends, and the file stays.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::super::FormatError;
use super::super::file::shortened;

const NAME: &str = "writer.lock";

/// How long to try: whoever asks whether a recording is being written holds the lock for a moment.
const PATIENCE: Duration = Duration::from_secs(1);

/// The right to write a recording, until dropped.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the recording in `folder`, which messages call `name`.
    pub(super) fn take(folder: &Path, name: &Path) -> Result<Self, FormatError> {
        let path = folder.join(NAME);
        // Opening a pipe would wait for its other end.
        if fs::symlink_metadata(&path).is_ok_and(|about| !about.is_file()) {
            return Err(FormatError::NotAFile { path });
        }
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = options.map_err(FormatError::write(name))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
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

    /// Fails when somebody writes the recording in `folder`.
    pub(super) fn check(folder: &Path) -> Result<(), FormatError> {
        let path = folder.join(NAME);
        if !fs::symlink_metadata(&path).is_ok_and(|about| about.is_file()) {
            return Ok(());
        }
        let Ok(mut file) = File::open(&path) else { return Ok(()) };
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Err(locked(folder, &mut file)),
            _ => Ok(()),
        }
    }
}

fn locked(name: &Path, file: &mut File) -> FormatError {
    let mut holder = String::new();
    // On systems whose locks forbid reading too, nobody is named.
    let _ = file.take(200).read_to_string(&mut holder);
    let holder = if holder.trim().is_empty() { "another process" } else { holder.trim() };
    FormatError::Locked { path: name.to_owned(), holder: shortened(holder) }
}
