//! The only place where files are opened for reading and names from files are checked.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use super::FormatError;

/// Distinguishes one state of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileIdentity {
    /// Device and inode number.
    #[cfg(unix)]
    inode: (u64, u64),
    length: u64,
    modified: Option<SystemTime>,
}

impl FileIdentity {
    /// Returns the identity of the file with this metadata.
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            #[cfg(unix)]
            inode: {
                use std::os::unix::fs::MetadataExt;
                (metadata.dev(), metadata.ino())
            },
            length: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }

    /// Returns the identity of the regular file at `path`, links followed; `None` if there is none.
    pub(super) fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().filter(Metadata::is_file).map(|metadata| Self::of(&metadata))
    }
}

/// The folder of a recording. Only files inside it can be opened through it.
#[derive(Clone, Debug)]
pub(super) struct RootFolder {
    folder: PathBuf,
    /// `folder` with all links resolved.
    canonical: PathBuf,
}

impl RootFolder {
    /// Resolves the links of `folder`, which must exist.
    pub(super) fn new(folder: &Path) -> Result<Self, FormatError> {
        let canonical = folder.canonicalize().map_err(|error| FormatError::read(folder, error))?;
        Ok(Self { folder: folder.to_owned(), canonical })
    }

    /// Returns the path as given to [`RootFolder::new`].
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the path of `relative` in this folder, or an error if it would leave the folder. Its parts
    /// are separated by `/` or `\`. `source` is the file that contains the name, for the message.
    pub(super) fn join(&self, relative: &str, source: &Path) -> Result<PathBuf, FormatError> {
        let outside = || FormatError::Outside { path: source.to_owned(), name: shortened(relative) };
        Ok(self.folder.join(inner_path(relative).ok_or_else(outside)?))
    }

    /// Opens a regular file that, links resolved, is inside this folder. Returns it and its length in bytes.
    pub(super) fn open(&self, path: &Path) -> Result<(File, u64), FormatError> {
        // Opening a pipe would block, so check first.
        let metadata = fs::symlink_metadata(path).map_err(|error| FormatError::read(path, error))?;
        if metadata.is_symlink() {
            self.check_link(path)?;
        } else if !metadata.is_file() {
            return Err(FormatError::NotAFile { path: path.to_owned() });
        }
        open_regular(path)
    }

    /// Returns `true` if `path` is a folder, and an error if, links resolved, it is outside this one.
    pub(super) fn has_folder(&self, path: &Path) -> Result<bool, FormatError> {
        let Ok(canonical) = path.canonicalize() else { return Ok(false) };
        if !canonical.starts_with(&self.canonical) {
            return Err(FormatError::Outside { path: self.folder.clone(), name: path.display().to_string() });
        }
        Ok(canonical.is_dir())
    }

    /// Reads a whole file of at most `cap` bytes; the size is checked first.
    pub(super) fn read(&self, path: &Path, cap: u64) -> Result<Vec<u8>, FormatError> {
        let (file, bytes) = self.open(path)?;
        read_opened(file, bytes, path, cap)
    }

    /// Reads a file that [`RootFolder::open`] accepted before. Its links are not checked again, which saves
    /// time with thousands of small files.
    pub(super) fn read_checked(path: &Path, cap: u64) -> Result<Vec<u8>, FormatError> {
        let (file, bytes) = open_regular(path)?;
        read_opened(file, bytes, path, cap)
    }

    /// Fails unless the link at `path` leads to a regular file inside this folder.
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

/// Opens a regular file, links followed. Returns it and its length in bytes.
fn open_regular(path: &Path) -> Result<(File, u64), FormatError> {
    let file = File::open(path).map_err(|error| FormatError::read(path, error))?;
    let metadata = file.metadata().map_err(|error| FormatError::read(path, error))?;
    if metadata.is_file() {
        Ok((file, metadata.len()))
    } else {
        Err(FormatError::NotAFile { path: path.to_owned() })
    }
}

/// Reads the first `bytes` bytes of an open file; bytes appended meanwhile are ignored.
fn read_opened(file: File, bytes: u64, path: &Path, cap: u64) -> Result<Vec<u8>, FormatError> {
    let length = usize::try_from(bytes).ok().filter(|_| bytes <= cap);
    let length = length.ok_or_else(|| FormatError::TooLarge { path: path.to_owned(), bytes, cap })?;
    let mut data = Vec::with_capacity(length);
    file.take(bytes).read_to_end(&mut data).map_err(|error| FormatError::read(path, error))?;
    Ok(data)
}

/// Returns the path without `.`, parts separated by `/` or `\`; `None` if, joined to a folder, it would not
/// stay inside it on every system.
fn inner_path(relative: &str) -> Option<PathBuf> {
    if relative.len() > 4096 || relative.contains(['\0', ':']) {
        return None;
    }
    let relative = relative.replace('\\', "/");
    let mut path = PathBuf::new();
    for part in Path::new(&relative).components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::ParentDir => return None,
        }
    }
    (!path.as_os_str().is_empty()).then_some(path)
}

/// Returns text from a file as a message may quote it: on one line, at most 60 characters.
pub(super) fn shortened(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    if text.chars().count() <= 60 {
        text.chars().map(clean).collect()
    } else {
        text.chars().take(57).map(clean).chain("...".chars()).collect()
    }
}

/// Sort key of a name: numbers by their value, before all other names in the order of their text.
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
        for name in
            ["..", "../a", "a/../../b", "/etc", "", ".", "a\\..\\..\\b", "\\etc", "\\\\host\\a", "c:x", "a\0"]
        {
            assert_eq!(inner_path(name), None, "{name:?}");
        }
        for (name, path) in
            [("epoch4", "epoch4"), ("./a//b/", "a/b"), ("a\\.\\b", "a/b"), ("a..b", "a..b"), ("....", "....")]
        {
            assert_eq!(inner_path(name), Some(PathBuf::from(path)), "{name:?}");
        }
    }

    #[test]
    fn numbers_come_in_their_order_and_before_words() {
        let mut names = ["10", "b", "9", "1", "a", "007"];
        names.sort_by_key(|name| numeric_order(name));
        assert_eq!(names, ["1", "007", "9", "10", "a", "b"]);
    }
}
