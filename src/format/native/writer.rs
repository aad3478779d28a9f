//! Writing a recording: the files of an epoch are written completely, then committed by the manifest.

use std::fs;
use std::path::{Path, PathBuf};

use safetensors::Dtype as StoredDtype;

use super::super::FormatError;
use super::NativeRun;
use super::arrays::{ShardArray, write_shard};
use super::lock::WriterLock;
use super::manifest::{NativeEpochEntry, NativeManifest};
use super::resume::{self, ResumedRun};
use super::values::{EpochValues, RecordingShape};
use crate::files::{self, StagedFolder};
use crate::model::{Epoch, Recording, Source};

/// Pictures of the inputs.
#[derive(Clone, Debug, Default)]
pub enum Pictures {
    /// There are no pictures.
    #[default]
    None,
    /// JPEG or PNG bytes of each input, written unchanged; empty where there is none.
    Encoded(Vec<Vec<u8>>),
    /// 8-bit pixels `[inputs, height, width, channels]`, 1 to 4 channels.
    Pixels {
        /// In pixels.
        height: usize,
        /// In pixels.
        width: usize,
        /// Number of components of a pixel, 1 to 4.
        channels: usize,
        /// The components, row-major.
        values: Vec<u8>,
    },
}

/// Writes a recording. It gets its name in the first [`RunWriter::commit`]; from then on, readers find the
/// committed epochs, even if the writer is killed. A lock keeps other writers out.
pub struct RunWriter {
    target: PathBuf,
    /// The temporary folder until the first commit.
    staged: Option<StagedFolder>,
    manifest: NativeManifest,
    shape: RecordingShape,
    lock: Option<WriterLock>,
}

impl RunWriter {
    /// Begins a recording at `target`, which must not exist, of the network, classes and inputs of
    /// `recording`; its epochs are ignored. A commit without epochs makes the network visible to readers.
    ///
    /// # Errors
    /// If `target` exists or cannot be written.
    pub fn create(target: &Path, recording: &Recording, pictures: &Pictures) -> Result<Self, FormatError> {
        check_vacant(target)?;
        let staged = StagedFolder::create(target).map_err(FormatError::create(target))?;
        let lock = WriterLock::acquire(staged.path(), target)?;
        let epochs = staged.path().join("epochs");
        fs::create_dir(&epochs).map_err(FormatError::write(target))?;
        let mut writer = Self {
            target: target.to_owned(),
            manifest: NativeManifest::describe(recording),
            shape: RecordingShape::of(recording),
            staged: Some(staged),
            lock: Some(lock),
        };
        writer.write_inputs(recording, pictures)?;
        Ok(writer)
    }

    /// Continues the recording at `path`, whose writer has ended. Layers, classes and inputs must be those of
    /// `recording`: names, units and reductions, ids, labels.
    ///
    /// Committed epochs remain; files that were not committed are overwritten.
    ///
    /// # Errors
    /// If the recording cannot be opened, another process writes it, or it differs from `recording`.
    pub fn resume(path: &Path, recording: &Recording) -> Result<Self, FormatError> {
        let (writer, recorded) = Self::reopen(path)?;
        match resume::difference(&recorded, recording) {
            None => Ok(writer),
            Some(what) => Err(FormatError::Differs { path: path.to_owned(), what }),
        }
    }

    /// Continues the recording at `path`, whatever its network, and returns its description too.
    ///
    /// # Errors
    /// If the recording cannot be opened or another process writes it.
    pub fn reopen(path: &Path) -> Result<(Self, Recording), FormatError> {
        let ResumedRun { folder, lock, manifest, recording } = ResumedRun::open(path)?;
        let shape = RecordingShape::of(&recording);
        Ok((Self { target: folder, staged: None, manifest, shape, lock: Some(lock) }, recording))
    }

    /// Creates the parent folders of a recording that is to be created at `target` later.
    ///
    /// # Errors
    /// If `target` exists or the folders cannot be created.
    pub fn prepare(target: &Path) -> Result<(), FormatError> {
        check_vacant(target)?;
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent.map_or(Ok(()), fs::create_dir_all).map_err(FormatError::write(target))
    }

    /// Writes the values of an epoch. Readers see them after [`RunWriter::commit`].
    ///
    /// # Errors
    /// If the epoch is written already, the values do not fit the recording, or writing fails.
    pub fn write_epoch(&mut self, epoch: &Epoch, values: &EpochValues) -> Result<(), FormatError> {
        let arrays = epoch_arrays(&self.target, &self.shape, epoch.number, values)?;
        self.write_arrays(epoch, arrays)
    }

    /// Adds an epoch whose `shards` files were written with [`ShardWriter`] by the ranks of a distributed
    /// training. Readers see it after [`RunWriter::commit`].
    ///
    /// # Errors
    /// If the epoch is written already or one of the files is missing.
    pub fn write_sharded(&mut self, epoch: &Epoch, shards: usize) -> Result<(), FormatError> {
        let files: Vec<String> = (0..shards).map(|rank| shard_name(epoch.number, rank, shards)).collect();
        if let Some(missing) = files.iter().find(|file| !self.folder().join(file).is_file()) {
            return Err(FormatError::NoShard {
                path: self.target.clone(),
                number: epoch.number,
                file: missing.clone(),
            });
        }
        self.check_new(epoch.number, &files)?;
        self.manifest.epochs.push(NativeEpochEntry::describe(epoch, files));
        Ok(())
    }

    /// Makes the epochs written so far visible to readers. After a failure, the next commit tries again.
    ///
    /// # Errors
    /// If the manifest cannot be written or the target exists.
    pub fn commit(&mut self) -> Result<(), FormatError> {
        let path = self.folder().join("manifest.json");
        let mut text = serde_json::to_vec_pretty(&self.manifest)
            .map_err(|error| FormatError::invalid(&path, error.to_string()))?;
        text.push(b'\n');
        files::write(&path, true, |out| out.write_all(&text)).map_err(FormatError::write(&path))?;
        if let Some(staged) = &mut self.staged {
            // Windows cannot rename a folder in which a file is open.
            self.lock = self.lock.take().filter(|_| !cfg!(windows));
            staged.publish().map_err(FormatError::create(&self.target))?;
            self.staged = None;
            if self.lock.is_none() {
                self.lock = Some(WriterLock::acquire(&self.target, &self.target)?);
            }
        }
        Ok(())
    }

    /// Writes an epoch of given arrays, as [`RunWriter::write_epoch`] does of values.
    pub(in super::super) fn write_arrays(
        &mut self,
        epoch: &Epoch,
        arrays: Vec<ShardArray<'_>>,
    ) -> Result<(), FormatError> {
        let files = vec![format!("epochs/{:06}.safetensors", epoch.number)];
        self.check_new(epoch.number, &files)?;
        write_shard(&self.folder().join(&files[0]), arrays)?;
        self.manifest.epochs.push(NativeEpochEntry::describe(epoch, files));
        Ok(())
    }

    /// Fails if the epoch or one of the files is listed: readers may have mapped listed files.
    fn check_new(&self, number: u64, files: &[String]) -> Result<(), FormatError> {
        let listed = |epoch: &NativeEpochEntry| {
            epoch.number == number || epoch.files.iter().any(|file| files.contains(file))
        };
        if self.manifest.epochs.iter().any(listed) {
            return Err(FormatError::Written { path: self.target.clone(), number });
        }
        Ok(())
    }

    /// Returns the folder of the recording, which is temporary until the first commit.
    fn folder(&self) -> &Path {
        self.staged.as_ref().map_or(&self.target, StagedFolder::path)
    }

    /// Writes the file of the inputs.
    fn write_inputs(&mut self, recording: &Recording, pictures: &Pictures) -> Result<(), FormatError> {
        if recording.inputs.is_empty() {
            return Ok(());
        }
        let count = recording.inputs.len();
        let label =
            |class: Option<usize>| class.and_then(|class| self.shape.classes.get(class)).map_or(-1, |&id| id);
        let (ids, id_offsets) = concatenate(recording.inputs.iter().map(|input| input.id.as_bytes()));
        let encoded = match pictures {
            Pictures::Encoded(files) if files.len() == count => concatenate(files.iter().map(Vec::as_slice)),
            Pictures::Encoded(files) => {
                let what = format!("{} pictures for {count} inputs", files.len());
                return Err(FormatError::invalid(&self.target, what));
            }
            _ => Default::default(),
        };
        let mut arrays = vec![
            ShardArray::integers("labels", recording.inputs.iter().map(|input| label(input.class)).collect()),
            ShardArray::integers("ids.offsets", id_offsets),
            ShardArray::bytes("ids.bytes", StoredDtype::U8, vec![ids.len()], &ids),
        ];
        match pictures {
            Pictures::None => {}
            Pictures::Encoded(_) => {
                let (bytes, offsets) = (&encoded.0, encoded.1.clone());
                arrays.push(ShardArray::integers("pictures.offsets", offsets));
                arrays.push(ShardArray::bytes("pictures.bytes", StoredDtype::U8, vec![bytes.len()], bytes));
            }
            Pictures::Pixels { height, width, channels, values } => {
                let shape = vec![count, *height, *width, *channels];
                arrays.push(ShardArray::bytes("pictures", StoredDtype::U8, shape, values));
            }
        }
        let file = "inputs.safetensors";
        write_shard(&self.folder().join(file), arrays)?;
        self.manifest.inputs.count = count;
        self.manifest.inputs.file = Some(file.to_owned());
        Ok(())
    }
}

/// Writes the values that one rank of a distributed training recorded at an epoch, while another rank has the
/// [`RunWriter`] and commits.
#[derive(Clone, Debug)]
pub struct ShardWriter {
    folder: PathBuf,
    shape: RecordingShape,
}

impl ShardWriter {
    /// Opens the recording at `path` for writing shards, after its first commit.
    ///
    /// # Errors
    /// If the recording cannot be opened.
    pub fn open(path: &Path) -> Result<Self, FormatError> {
        let located = resume::locate_run(path)?;
        let recording = NativeRun::open(&located.folder, &located.manifest)?;
        Ok(Self { shape: RecordingShape::of(recording.recording()), folder: located.folder })
    }

    /// Writes the values of `rank`, one of `ranks`, at the epoch `number`. [`EpochValues::inputs`] names their
    /// inputs.
    ///
    /// # Errors
    /// If the values do not fit the recording or writing fails.
    ///
    /// # Panics
    /// If `rank` is not below `ranks`.
    pub fn write(
        &self,
        number: u64,
        rank: usize,
        ranks: usize,
        values: &EpochValues,
    ) -> Result<(), FormatError> {
        assert!(rank < ranks, "rank {rank} of {ranks}");
        let arrays = epoch_arrays(&self.folder, &self.shape, number, values)?;
        write_shard(&self.folder.join(shard_name(number, rank, ranks)), arrays)
    }
}

/// Fails if `target` exists, with the error for a locked recording if a process writes it.
fn check_vacant(target: &Path) -> Result<(), FormatError> {
    if fs::symlink_metadata(target).is_err() {
        return Ok(());
    }
    WriterLock::check(target)?;
    Err(FormatError::Exists { path: target.to_owned() })
}

/// Returns the relative path of the shard of a rank.
fn shard_name(number: u64, rank: usize, ranks: usize) -> String {
    format!("epochs/{number:06}-{:05}-of-{ranks:05}.safetensors", rank + 1)
}

/// Converts the values of an epoch to arrays. `run` is the path for the message.
fn epoch_arrays<'a>(
    run: &Path,
    shape: &RecordingShape,
    number: u64,
    values: &'a EpochValues,
) -> Result<Vec<ShardArray<'a>>, FormatError> {
    let invalid =
        |what: String| FormatError::invalid(run, format!("epoch {number} cannot be written: {what}"));
    shape.arrays(values).map_err(invalid)
}

/// Concatenates byte strings. Returns the bytes, and the start of each string and the end of the last.
fn concatenate<'a>(strings: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, Vec<i64>) {
    let (mut bytes, mut offsets) = (Vec::new(), vec![0]);
    for string in strings {
        bytes.extend_from_slice(string);
        offsets.push(bytes.len() as i64);
    }
    (bytes, offsets)
}
