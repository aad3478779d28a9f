//! Resuming a recording that another writer left.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::FormatError;
use super::super::file::{RootFolder, shortened};
use super::super::manifest_file::{LocatedManifest, ManifestFormat};
use super::NativeRun;
use super::lock::WriterLock;
use super::manifest::NativeManifest;
use crate::model::{Recording, Source};

/// A recording to be continued, locked.
pub(super) struct ResumedRun {
    pub(super) folder: PathBuf,
    pub(super) lock: WriterLock,
    pub(super) manifest: NativeManifest,
    pub(super) recording: Recording,
}

impl ResumedRun {
    /// Locks and reads the recording at `path`, and removes the temporary files of its last writer.
    pub(super) fn open(path: &Path) -> Result<Self, FormatError> {
        // Nothing but a recording is locked; the manifest is read again since it may change until then.
        let folder = locate_run(path)?.folder;
        let lock = WriterLock::acquire(&folder, path)?;
        let located = locate_run(path)?;
        let manifest = NativeManifest::parse(&folder.join("manifest.json"), &located.manifest)?;
        let recording = NativeRun::open(&folder, &located.manifest)?.recording().clone();
        let epochs = folder.join("epochs");
        if RootFolder::new(&folder)?.has_folder(&epochs)? {
            remove_partial(&epochs)?;
        } else {
            fs::create_dir(&epochs).map_err(FormatError::write(path))?;
        }
        remove_partial(&folder)?;
        Ok(Self { folder, lock, manifest, recording })
    }
}

/// Locates the native recording at `path`; its manifest is not checked. Fails for a dump.
pub(super) fn locate_run(path: &Path) -> Result<LocatedManifest, FormatError> {
    let located = LocatedManifest::locate(path)?;
    match located.format {
        ManifestFormat::Native => Ok(located),
        ManifestFormat::DeepDiva => {
            let what = "a DNNViz dump cannot be gone on with; import it as a recording first";
            Err(FormatError::invalid(path, what))
        }
    }
}

/// Removes the temporary files of a writer that has ended.
fn remove_partial(folder: &Path) -> Result<(), FormatError> {
    for entry in fs::read_dir(folder).map_err(|error| FormatError::read(folder, error))? {
        let entry = entry.map_err(|error| FormatError::read(folder, error))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if name.starts_with('.') && name.ends_with(".partial") && !is_folder {
            fs::remove_file(entry.path()).map_err(FormatError::write(&entry.path()))?;
        }
    }
    Ok(())
}

/// Returns a description of the first difference between a recording and the training that is to continue it,
/// or `None` if layers, classes and inputs are the same. Epochs are not compared.
pub fn difference(recorded: &Recording, wanted: &Recording) -> Option<String> {
    let counts = |what: &str, one: usize, other: usize| {
        (one != other).then(|| format!("it has {one} {what}, the training has {other}"))
    };
    let differ = |what: &str, one: &str, other: &str| {
        (one != other).then(|| format!("{what} is {}, in the training {}", shortened(one), shortened(other)))
    };
    let layers = recorded.layers.iter().zip(&wanted.layers).enumerate().find_map(|(index, (one, other))| {
        let what = |property: &str| format!("{property} of layer {}", shortened(&one.name));
        differ(&format!("the name of layer number {index}"), &one.name, &other.name)
            .or_else(|| {
                differ(&what("the number of units"), &one.units.to_string(), &other.units.to_string())
            })
            .or_else(|| {
                let [one, other] = [one, other].map(|layer| format!("{:?}", layer.reduction));
                differ(&what("the reduction"), &one, &other)
            })
    });
    let classes =
        recorded.classes.iter().zip(&wanted.classes).enumerate().find_map(|(index, (one, other))| {
            let [one, other] = [one, other].map(|class| format!("{} (id {})", class.name, class.id));
            differ(&format!("class number {index}"), &one, &other)
        });
    let inputs = recorded.inputs.iter().zip(&wanted.inputs).enumerate().find_map(|(index, (one, other))| {
        let class = |recording: &Recording, class: Option<usize>| {
            class
                .and_then(|class| recording.classes.get(class))
                .map_or("none", |class| &class.name)
                .to_owned()
        };
        let [label, own] = [class(recorded, one.class), class(wanted, other.class)];
        differ(&format!("the id of input {index}"), &one.id, &other.id)
            .or_else(|| differ(&format!("the class of input {index}"), &label, &own))
    });
    let [one, other] = [recorded, wanted].map(|recording| recording.normalisation.name());
    layers
        .or_else(|| counts("layers", recorded.layers.len(), wanted.layers.len()))
        .or(classes)
        .or_else(|| counts("classes", recorded.classes.len(), wanted.classes.len()))
        .or(inputs)
        .or_else(|| counts("inputs", recorded.inputs.len(), wanted.inputs.len()))
        .or_else(|| differ("the normalisation", one, other))
}
