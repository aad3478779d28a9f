//! The bundled recording, which the window shows if no RUN is named: a folder beside the program, else
//! unpacked from the program.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::files;

/// Folder of the whole recording in the source.
const IN_SOURCE: &str = "assets/demo";
/// Folder of the whole recording below the prefix of an installation.
const INSTALLED: &str = "share/dnnviz/demo";
/// Folder of the unpacked recording in the cache of this program. Another version has its own.
const UNPACKED: &str = concat!("demo-", env!("CARGO_PKG_VERSION"));
const MANIFEST: &str = "manifest.json";

/// One file of the recording in the program: its path in the recording and its contents.
struct EmbeddedFile {
    path: &'static str,
    bytes: &'static [u8],
}

macro_rules! embedded {
    ($($path:literal),+ $(,)?) => {
        [$(EmbeddedFile { path: $path, bytes: include_bytes!(concat!("../../assets/demo/", $path)) }),+]
    };
}

/// The manifest, which lists all epochs, comes first. Six of the thirteen epochs are 6 MB of the program;
/// `include` in Cargo.toml has the same.
static EMBEDDED: [EmbeddedFile; 8] = embedded![
    "manifest.json",
    "inputs.safetensors",
    "epochs/000000.safetensors",
    "epochs/000001.safetensors",
    "epochs/000002.safetensors",
    "epochs/000004.safetensors",
    "epochs/000007.safetensors",
    "epochs/000012.safetensors",
];

/// Returns the path of the bundled recording on this machine; unpacks it if necessary.
///
/// # Errors
///
/// If it is in none of its folders and the cache folder of the user cannot be written.
pub fn path() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().ok();
    let folder = program.as_deref().and_then(Path::parent);
    let beside = folder.map(|folder| folder.join(IN_SOURCE));
    let installed = folder.and_then(Path::parent).map(|prefix| prefix.join(INSTALLED));
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join(IN_SOURCE);
    let cache = dirs::cache_dir().map(|cache| cache.join("dnnviz"));
    find(beside.into_iter().chain(installed).chain([built]), cache.as_deref())
        .context("the bundled demo is missing; name a RUN, as in `dnnviz runs/mnist`")
}

/// Returns the first of `folders` with a recording; without one, unpacks the bundled recording into `cache`
/// and returns its folder.
///
/// # Errors
///
/// If there is no recording and no cache folder, or the latter cannot be written.
pub fn find(folders: impl IntoIterator<Item = PathBuf>, cache: Option<&Path>) -> io::Result<PathBuf> {
    match folders.into_iter().find(|folder| folder.join(MANIFEST).is_file()) {
        Some(folder) => Ok(folder),
        None => unpack(cache.ok_or_else(|| io::Error::other("the user has no cache folder"))?),
    }
}

/// Writes the embedded files to a folder in `cache`, unless they are there in full length. The folder
/// appears under its name when it is complete.
fn unpack(cache: &Path) -> io::Result<PathBuf> {
    let folder = cache.join(UNPACKED);
    let manifest = manifest()?;
    let contents =
        |file: &EmbeddedFile| if file.path == MANIFEST { manifest.clone() } else { file.bytes.into() };
    let is_complete = || {
        let is_whole = |file: &EmbeddedFile| {
            let length = contents(file).len() as u64;
            fs::metadata(folder.join(file.path)).is_ok_and(|found| found.is_file() && found.len() == length)
        };
        EMBEDDED.iter().all(is_whole)
    };
    if is_complete() {
        return Ok(folder);
    }
    fs::create_dir_all(cache)?;
    let staged = files::TemporaryFolder::new_in(cache, UNPACKED)?;
    for file in &EMBEDDED {
        let path = staged.path().join(file.path);
        fs::create_dir_all(path.parent().unwrap_or(staged.path()))?;
        let mut written = fs::File::create(&path)?;
        written.write_all(&contents(file))?;
        written.sync_all()?;
    }
    // A folder of this name is damaged, or another process has just completed it.
    if fs::rename(staged.path(), &folder).is_err() && !is_complete() {
        fs::remove_dir_all(&folder)?;
        fs::rename(staged.path(), &folder)?;
    }
    Ok(folder)
}

/// The manifest with the embedded epochs alone.
fn manifest() -> io::Result<Vec<u8>> {
    let mut manifest: serde_json::Value = serde_json::from_slice(EMBEDDED[0].bytes)?;
    let is_embedded = |path: &serde_json::Value| EMBEDDED.iter().any(|file| path == file.path);
    if let Some(epochs) = manifest["epochs"].as_array_mut() {
        epochs.retain(|epoch| epoch["files"].as_array().is_some_and(|files| files.iter().all(is_embedded)));
    }
    Ok(serde_json::to_vec_pretty(&manifest)?)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_folder_with_a_recording_comes_first() {
        let folder = TempDir::new().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(IN_SOURCE);
        let folders = [folder.path().join("nothing"), source.clone()];
        assert_eq!(find(folders, Some(folder.path())).unwrap(), source);
        assert_eq!(names(folder.path()), Vec::<String>::new(), "nothing is unpacked");
        assert!(find([], None).is_err());
    }

    #[test]
    fn the_unpacked_recording_is_whole_and_stays() {
        let folder = TempDir::new().unwrap();
        let cache = folder.path().join("a/b");
        let path = find([], Some(&cache)).unwrap();
        let source = crate::format::open(&path).unwrap();
        let recording = source.recording();
        assert_eq!(recording.warnings, Vec::<String>::new());
        assert_eq!(
            recording.epochs.iter().map(|epoch| epoch.number).collect::<Vec<_>>(),
            [0, 1, 2, 4, 7, 12]
        );
        for epoch in 0..recording.epochs.len() {
            source.rows(crate::model::EpochIndex(epoch), &[0, 1]).unwrap();
        }
        let shard = path.join(EMBEDDED[4].path);
        let written = fs::metadata(&shard).unwrap().modified().unwrap();
        assert_eq!(find([], Some(&cache)).unwrap(), path);
        assert_eq!(fs::metadata(&shard).unwrap().modified().unwrap(), written, "not written twice");
        assert_eq!(names(&cache), [UNPACKED]);
    }

    #[test]
    fn a_damaged_one_is_replaced() {
        let folder = TempDir::new().unwrap();
        let path = unpack(folder.path()).unwrap();
        for file in &EMBEDDED {
            fs::write(path.join(file.path), "short").unwrap();
            assert_eq!(unpack(folder.path()).unwrap(), path);
            assert_ne!(fs::read(path.join(file.path)).unwrap(), b"short", "{}", file.path);
            fs::remove_file(path.join(file.path)).unwrap();
            assert_eq!(unpack(folder.path()).unwrap(), path);
            assert!(path.join(file.path).is_file(), "{}", file.path);
        }
        assert_eq!(names(folder.path()), [UNPACKED]);
    }

    #[test]
    fn several_programs_may_unpack_at_once() {
        let folder = TempDir::new().unwrap();
        std::thread::scope(|scope| {
            let unpacking: Vec<_> = (0..4).map(|_| scope.spawn(|| unpack(folder.path()).unwrap())).collect();
            for path in unpacking {
                assert!(crate::format::open(&path.join().unwrap()).unwrap().recording().warnings.is_empty());
            }
        });
        assert_eq!(names(folder.path()), [UNPACKED]);
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_an_error() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(find([], Some(&file)).is_err());
    }
}
