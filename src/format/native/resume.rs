//! Going on with a recording that a writer left.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::file::{Root, shortened};
use super::super::{FormatError, Found, Known};
use super::Run;
use super::lock::Lock;
use super::manifest::Manifest;
use crate::model::{Recording, Source};

/// A recording that is to be gone on with, locked.
pub(super) struct Resumed {
    pub(super) folder: PathBuf,
    pub(super) lock: Lock,
    pub(super) manifest: Manifest,
    pub(super) recording: Recording,
}

impl Resumed {
    /// Locks and reads the recording at `path`, and removes what its last writer left unfinished.
    pub(super) fn open(path: &Path) -> Result<Self, FormatError> {
        // Only what is a recording gets a lock, and only what is locked stays as it was read.
        let folder = run_at(path)?.folder;
        let lock = Lock::take(&folder, path)?;
        let found = run_at(path)?;
        let manifest = Manifest::parse(&folder.join("manifest.json"), &found.manifest)?;
        let recording = Run::open(&folder, &found.manifest)?.recording().clone();
        let epochs = folder.join("epochs");
        if Root::new(&folder)?.has_folder(&epochs)? {
            remove_partial(&epochs)?;
        } else {
            fs::create_dir(&epochs).map_err(FormatError::write(path))?;
        }
        remove_partial(&folder)?;
        Ok(Self { folder, lock, manifest, recording })
    }
}

/// The recording at `path`, not yet checked; not a dump.
pub(super) fn run_at(path: &Path) -> Result<Found, FormatError> {
    let found = Found::at(path)?;
    match found.format {
        Known::Run => Ok(found),
        Known::Dump => {
            let what = "a DNNViz dump cannot be gone on with; import it as a recording first";
            Err(FormatError::invalid(path, what))
        }
    }
}

/// Removes the temporary files of a dead writer.
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

/// The first thing in which a recording differs from a training that shall go on with it; `None` when
/// layers, classes and inputs are the same. Epochs are not looked at.
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
