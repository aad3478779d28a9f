//! The one place through which files are read and names are checked.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use super::FormatError;

/// What tells one state of a file from another, as far as one may know without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// Device and number of the file on it.
    #[cfg(unix)]
    inode: (u64, u64),
    length: u64,
    modified: Option<SystemTime>,
}

impl Identity {
    pub(super) fn of(about: &Metadata) -> Self {
        Self {
            #[cfg(unix)]
            inode: {
                use std::os::unix::fs::MetadataExt;
                (about.dev(), about.ino())
            },
            length: about.len(),
            modified: about.modified().ok(),
        }
    }

    /// Of the regular file at `path`, links followed; `None` when there is none.
    pub(super) fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().filter(Metadata::is_file).map(|about| Self::of(&about))
    }
}

/// A folder whose files may be read, and nothing outside it.
#[derive(Clone, Debug)]
pub(super) struct Root {
    folder: PathBuf,
    /// `folder` with every link followed.
    canonical: PathBuf,
}

impl Root {
    pub(super) fn new(folder: &Path) -> Result<Self, FormatError> {
        let canonical = folder.canonicalize().map_err(|error| FormatError::read(folder, error))?;
        Ok(Self { folder: folder.to_owned(), canonical })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of `relative` in this folder. `source` is the file that named it, for the message.
    pub(super) fn join(&self, relative: &str, source: &Path) -> Result<PathBuf, FormatError> {
        if is_inside(relative) {
            Ok(self.folder.join(relative))
        } else {
            Err(FormatError::Outside { path: source.to_owned(), name: shortened(relative) })
        }
    }

    /// Opens a regular file that really lies in this folder. Returns its length in bytes too.
    pub(super) fn open(&self, path: &Path) -> Result<(File, u64), FormatError> {
        // A pipe would block on opening, so look before.
        let about = fs::symlink_metadata(path).map_err(|error| FormatError::read(path, error))?;
        if about.is_symlink() {
            self.check_link(path)?;
        } else if !about.is_file() {
            return Err(FormatError::NotAFile { path: path.to_owned() });
        }
        open_regular(path)
    }

    /// Whether `path` is a folder that, links followed, lies in this one.
    pub(super) fn has_folder(&self, path: &Path) -> Result<bool, FormatError> {
        let Ok(canonical) = path.canonicalize() else { return Ok(false) };
        if !canonical.starts_with(&self.canonical) {
            return Err(FormatError::Outside { path: self.folder.clone(), name: path.display().to_string() });
        }
        Ok(canonical.is_dir())
    }

    /// The whole of a file of at most `cap` bytes, which is checked before anything is read.
    pub(super) fn read(&self, path: &Path, cap: u64) -> Result<Vec<u8>, FormatError> {
        let (file, bytes) = self.open(path)?;
        read_opened(file, bytes, path, cap)
    }

    /// As [`Root::read`], of a file that [`Root::open`] accepted before: its links are not followed
    /// again, which counts when there are thousands of small files.
    pub(super) fn read_again(path: &Path, cap: u64) -> Result<Vec<u8>, FormatError> {
        let (file, bytes) = open_regular(path)?;
        read_opened(file, bytes, path, cap)
    }

    fn check_link(&self, path: &Path) -> Result<(), FormatError> {
        let canonical = path.canonicalize().map_err(|error| FormatError::read(path, error))?;
        if !canonical.starts_with(&self.canonical) {
            return Err(FormatError::Outside { path: self.folder.clone(), name: path.display().to_string() });
        }
        if !canonical.is_file() {
            return Err(FormatError::NotAFile { path: path.to_owned() });
        }
        Ok(())
    }
}

fn open_regular(path: &Path) -> Result<(File, u64), FormatError> {
    let file = File::open(path).map_err(|error| FormatError::read(path, error))?;
    let about = file.metadata().map_err(|error| FormatError::read(path, error))?;
    if about.is_file() {
        Ok((file, about.len()))
    } else {
        Err(FormatError::NotAFile { path: path.to_owned() })
    }
}

/// Reads what an opened file of `bytes` bytes holds now; what is appended meanwhile is left.
fn read_opened(file: File, bytes: u64, path: &Path, cap: u64) -> Result<Vec<u8>, FormatError> {
    let length = usize::try_from(bytes).ok().filter(|_| bytes <= cap);
    let length = length.ok_or_else(|| FormatError::TooLarge { path: path.to_owned(), bytes, cap })?;
    let mut data = Vec::with_capacity(length);
    file.take(bytes).read_to_end(&mut data).map_err(|error| FormatError::read(path, error))?;
    Ok(data)
}

/// Whether a name, joined to a folder, stays below it on every system.
fn is_inside(relative: &str) -> bool {
    !relative.is_empty()
        && relative.len() <= 4096
        && !relative.contains(['\\', '\0', ':'])
        && Path::new(relative).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Text from a file as a message may quote it.
pub(super) fn shortened(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    if text.chars().count() <= 60 {
        text.chars().map(clean).collect()
    } else {
        text.chars().take(57).map(clean).chain("...".chars()).collect()
    }
}

/// Orders names that are numbers by their value, before all others in the order of their text.
pub(super) fn numeric_order(name: &str) -> (u64, &str) {
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
        (name.parse().unwrap_or(u64::MAX), name)
    } else {
        (u64::MAX, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for name in ["..", "../a", "a/../../b", "/etc", "", "a\\b", "c:x", "a\0"] {
            assert!(!is_inside(name), "{name:?}");
        }
        for name in ["epoch4", "a/b", "a..b", "...."] {
            assert!(is_inside(name), "{name:?}");
        }
    }

    #[test]
    fn numbers_come_in_their_order_and_before_words() {
        let mut names = ["10", "b", "9", "1", "a", "007"];
        names.sort_by_key(|name| numeric_order(name));
        assert_eq!(names, ["1", "007", "9", "10", "a", "b"]);
    }
}
