//! Writing a recording: epochs are written whole, then committed by the manifest.

use std::fs;
use std::path::{Path, PathBuf};

use safetensors::Dtype as Stored;

use super::super::FormatError;
use super::super::stage::{self, Stage};
use super::Run;
use super::lock::Lock;
use super::manifest::{Manifest, ManifestEpoch};
use super::parts::{Part, write_shard};
use super::resume::{self, Resumed};
use super::values::{EpochValues, Shape};
use crate::model::{Epoch, Recording, Source};

/// Pictures of the inputs.
#[derive(Clone, Debug, Default)]
pub enum Pictures {
    #[default]
    None,
    /// JPEG or PNG bytes of each input, kept as they are; empty where there is none.
    Encoded(Vec<Vec<u8>>),
    /// 8-bit pixels `[inputs, height, width, channels]`, 1 to 4 channels.
    Pixels { height: usize, width: usize, channels: usize, values: Vec<u8> },
}

/// Writes a recording. Until the first [`RunWriter::commit`] nothing stands under its name; from
/// then on a reader finds the committed epochs, whatever happens to the writer. Nobody else can write
/// it meanwhile.
pub struct RunWriter {
    target: PathBuf,
    /// Until the first commit.
    stage: Option<Stage>,
    manifest: Manifest,
    shape: Shape,
    lock: Option<Lock>,
}

impl RunWriter {
    /// Begins a recording at `target`, which must not exist, of the network, classes and inputs that
    /// `recording` describes; its epochs are not looked at. Committed before an epoch is written, it
    /// shows the network to readers.
    pub fn create(target: &Path, recording: &Recording, pictures: &Pictures) -> Result<Self, FormatError> {
        check_vacant(target)?;
        let stage = Stage::begin(target)?;
        let lock = Lock::take(stage.folder(), target)?;
        let epochs = stage.folder().join("epochs");
        fs::create_dir(&epochs).map_err(FormatError::write(target))?;
        let mut writer = Self {
            target: target.to_owned(),
            manifest: Manifest::describe(recording),
            shape: Shape::of(recording),
            stage: Some(stage),
            lock: Some(lock),
        };
        writer.write_inputs(recording, pictures)?;
        Ok(writer)
    }

    /// Goes on with the recording at `path` whose writer ended or was killed. Its layers, classes and
    /// inputs must be those of `recording`: their names, units, reductions; ids; labels.
    ///
    /// Its committed epochs stay. What was written and not committed is written anew.
    pub fn resume(path: &Path, recording: &Recording) -> Result<Self, FormatError> {
        let (writer, recorded) = Self::reopen(path)?;
        match resume::difference(&recorded, recording) {
            None => Ok(writer),
            Some(what) => Err(FormatError::Differs { path: path.to_owned(), what }),
        }
    }

    /// As [`RunWriter::resume`], whatever it is a recording of; that is returned too.
    pub fn reopen(path: &Path) -> Result<(Self, Recording), FormatError> {
        let Resumed { folder, lock, manifest, recording } = Resumed::open(path)?;
        let shape = Shape::of(&recording);
        Ok((Self { target: folder, stage: None, manifest, shape, lock: Some(lock) }, recording))
    }

    /// Prepares for a recording at `target` that is created later: makes the folders in which it will
    /// lie, and fails when something stands there already.
    pub fn prepare(target: &Path) -> Result<(), FormatError> {
        check_vacant(target)?;
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent.map_or(Ok(()), fs::create_dir_all).map_err(FormatError::write(target))
    }

    /// Writes an epoch's values. They are not seen by readers before [`RunWriter::commit`].
    pub fn write_epoch(&mut self, epoch: &Epoch, values: &EpochValues) -> Result<(), FormatError> {
        let parts = fitting(&self.target, &self.shape, epoch.number, values)?;
        self.write_parts(epoch, parts)
    }

    /// Lists an epoch whose `shards` files the ranks of a distributed training have written with
    /// [`ShardWriter`]; readers see it from [`RunWriter::commit`] on. All must be there.
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
        self.manifest.epochs.push(ManifestEpoch::describe(epoch, files));
        Ok(())
    }

    /// Publishes what was written so far. When that fails, the next commit tries again.
    pub fn commit(&mut self) -> Result<(), FormatError> {
        let path = self.folder().join("manifest.json");
        let mut text = serde_json::to_vec_pretty(&self.manifest)
            .map_err(|error| FormatError::invalid(&path, error.to_string()))?;
        text.push(b'\n');
        stage::write_file(&path, true, |out| out.write_all(&text))?;
        if let Some(stage) = &mut self.stage {
            // Windows renames no folder in which a file is open.
            self.lock = self.lock.take().filter(|_| !cfg!(windows));
            stage.publish()?;
            self.stage = None;
            if self.lock.is_none() {
                self.lock = Some(Lock::take(&self.target, &self.target)?);
            }
        }
        Ok(())
    }

    /// As [`RunWriter::write_epoch`], of arrays that are named already.
    pub(in super::super) fn write_parts(
        &mut self,
        epoch: &Epoch,
        parts: Vec<Part<'_>>,
    ) -> Result<(), FormatError> {
        let files = vec![format!("epochs/{:06}.safetensors", epoch.number)];
        self.check_new(epoch.number, &files)?;
        write_shard(&self.folder().join(&files[0]), parts)?;
        self.manifest.epochs.push(ManifestEpoch::describe(epoch, files));
        Ok(())
    }

    /// That neither the epoch nor its files are listed: readers may have mapped what is.
    fn check_new(&self, number: u64, files: &[String]) -> Result<(), FormatError> {
        let listed = |epoch: &ManifestEpoch| {
            epoch.number == number || epoch.files.iter().any(|file| files.contains(file))
        };
        if self.manifest.epochs.iter().any(listed) {
            return Err(FormatError::Written { path: self.target.clone(), number });
        }
        Ok(())
    }

    fn folder(&self) -> &Path {
        self.stage.as_ref().map_or(&self.target, Stage::folder)
    }

    fn write_inputs(&mut self, recording: &Recording, pictures: &Pictures) -> Result<(), FormatError> {
        if recording.inputs.is_empty() {
            return Ok(());
        }
        let count = recording.inputs.len();
        let label =
            |class: Option<usize>| class.and_then(|class| self.shape.classes.get(class)).map_or(-1, |&id| id);
        let (ids, id_offsets) = joined(recording.inputs.iter().map(|input| input.id.as_bytes()));
        let encoded = match pictures {
            Pictures::Encoded(files) if files.len() == count => joined(files.iter().map(Vec::as_slice)),
            Pictures::Encoded(files) => {
                let what = format!("{} pictures for {count} inputs", files.len());
                return Err(FormatError::invalid(&self.target, what));
            }
            _ => Default::default(),
        };
        let mut parts = vec![
            Part::integers("labels", recording.inputs.iter().map(|input| label(input.class)).collect()),
            Part::integers("ids.offsets", id_offsets),
            Part::bytes("ids.bytes", Stored::U8, vec![ids.len()], &ids),
        ];
        match pictures {
            Pictures::None => {}
            Pictures::Encoded(_) => {
                let (bytes, offsets) = (&encoded.0, encoded.1.clone());
                parts.push(Part::integers("pictures.offsets", offsets));
                parts.push(Part::bytes("pictures.bytes", Stored::U8, vec![bytes.len()], bytes));
            }
            Pictures::Pixels { height, width, channels, values } => {
                let shape = vec![count, *height, *width, *channels];
                parts.push(Part::bytes("pictures", Stored::U8, shape, values));
            }
        }
        let file = "inputs.safetensors";
        write_shard(&self.folder().join(file), parts)?;
        self.manifest.inputs.count = count;
        self.manifest.inputs.file = Some(file.to_owned());
        Ok(())
    }
}

/// Writes what one rank of a distributed training saw of an epoch, while another holds the
/// [`RunWriter`] and commits.
#[derive(Clone, Debug)]
pub struct ShardWriter {
    folder: PathBuf,
    shape: Shape,
}

impl ShardWriter {
    /// For the recording at `path`, which has had its first commit.
    pub fn open(path: &Path) -> Result<Self, FormatError> {
        let found = resume::run_at(path)?;
        let recording = Run::open(&found.folder, &found.manifest)?;
        Ok(Self { shape: Shape::of(recording.recording()), folder: found.folder })
    }

    /// Writes the values of `rank`, one of `ranks`, at the epoch `number`. Which inputs they are of
    /// is told by [`EpochValues::inputs`].
    ///
    /// # Panics
    /// When `rank` is not below `ranks`.
    pub fn write(
        &self,
        number: u64,
        rank: usize,
        ranks: usize,
        values: &EpochValues,
    ) -> Result<(), FormatError> {
        assert!(rank < ranks, "rank {rank} of {ranks}");
        let parts = fitting(&self.folder, &self.shape, number, values)?;
        write_shard(&self.folder.join(shard_name(number, rank, ranks)), parts)
    }
}

/// That nothing stands at `target`. If it does, whoever still writes it is told rather.
fn check_vacant(target: &Path) -> Result<(), FormatError> {
    if fs::symlink_metadata(target).is_err() {
        return Ok(());
    }
    Lock::check(target)?;
    Err(FormatError::Exists { path: target.to_owned() })
}

fn shard_name(number: u64, rank: usize, ranks: usize) -> String {
    format!("epochs/{number:06}-{:05}-of-{ranks:05}.safetensors", rank + 1)
}

fn fitting<'a>(
    run: &Path,
    shape: &Shape,
    number: u64,
    values: &'a EpochValues,
) -> Result<Vec<Part<'a>>, FormatError> {
    let told = |what: String| FormatError::invalid(run, format!("epoch {number} cannot be written: {what}"));
    shape.parts(values).map_err(told)
}

/// Byte strings end to end, and where each begins and the last ends.
fn joined<'a>(strings: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, Vec<i64>) {
    let (mut bytes, mut offsets) = (Vec::new(), vec![0]);
    for string in strings {
        bytes.extend_from_slice(string);
        offsets.push(bytes.len() as i64);
    }
    (bytes, offsets)
}
