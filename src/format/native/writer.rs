//! Writing a recording: epochs are written whole, then committed by the manifest.

use std::fs;
use std::path::{Path, PathBuf};

use safetensors::Dtype as Stored;

use super::super::FormatError;
use super::super::stage::{self, Stage};
use super::epoch::array;
use super::manifest::{Manifest, ManifestEpoch};
use super::parts::{Part, write_shard};
use crate::model::{Aggregate, Dtype, Epoch, Group, Recording, Tensor};

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

/// The values of one epoch. Empty parts are left out; unit values or aggregates must be there.
#[derive(Clone, Debug, Default)]
pub struct EpochValues {
    /// One `[inputs, units]` array per layer.
    pub units: Vec<Tensor>,
    /// One aggregate per layer for each group. Statistics besides the mean are kept where all have
    /// them.
    pub aggregates: Vec<(Group, Vec<Aggregate>)>,
    /// Predicted class index of every input.
    pub predictions: Option<Vec<Option<usize>>>,
    pub maps: Vec<LayerMaps>,
}

/// Whole feature maps of one layer for some inputs.
#[derive(Clone, Debug)]
pub struct LayerMaps {
    /// Index of the layer.
    pub layer: usize,
    /// Which inputs, in the order of the values.
    pub inputs: Vec<usize>,
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    /// `[inputs * channels, height * width]`.
    pub values: Tensor,
}

/// Writes a recording. Until the first [`RunWriter::commit`] nothing stands under its name; from
/// then on a reader finds the committed epochs, whatever happens to the writer.
pub struct RunWriter {
    target: PathBuf,
    /// Until the first commit.
    stage: Option<Stage>,
    manifest: Manifest,
    classes: Vec<i64>,
    layers: Vec<usize>,
    inputs: usize,
}

impl RunWriter {
    /// Begins a recording at `target`, which must not exist, of the network, classes and inputs that
    /// `recording` describes; its epochs are not looked at.
    pub fn create(target: &Path, recording: &Recording, pictures: &Pictures) -> Result<Self, FormatError> {
        let stage = Stage::begin(target)?;
        let epochs = stage.folder().join("epochs");
        fs::create_dir(&epochs).map_err(FormatError::write(target))?;
        let mut writer = Self {
            target: target.to_owned(),
            manifest: Manifest::describe(recording),
            classes: recording.classes.iter().map(|class| class.id).collect(),
            layers: recording.layers.iter().map(|layer| layer.units).collect(),
            inputs: recording.inputs.len(),
            stage: Some(stage),
        };
        writer.write_inputs(recording, pictures)?;
        Ok(writer)
    }

    /// Writes an epoch's values. They are not seen by readers before [`RunWriter::commit`].
    pub fn write_epoch(&mut self, epoch: &Epoch, values: &EpochValues) -> Result<(), FormatError> {
        let parts = self.parts(values).map_err(|what| {
            FormatError::invalid(&self.target, format!("epoch {} cannot be written: {what}", epoch.number))
        })?;
        self.write_parts(epoch, parts)
    }

    /// Publishes what was written so far.
    pub fn commit(&mut self) -> Result<(), FormatError> {
        let path = self.folder().join("manifest.json");
        let mut text = serde_json::to_vec_pretty(&self.manifest)
            .map_err(|error| FormatError::invalid(&path, error.to_string()))?;
        text.push(b'\n');
        stage::write_file(&path, true, |out| out.write_all(&text))?;
        match self.stage.take() {
            Some(stage) => stage.publish().map(drop),
            None => Ok(()),
        }
    }

    /// As [`RunWriter::write_epoch`], of arrays that are named already.
    pub(in super::super) fn write_parts(
        &mut self,
        epoch: &Epoch,
        parts: Vec<Part<'_>>,
    ) -> Result<(), FormatError> {
        if self.manifest.epochs.iter().any(|written| written.number == epoch.number) {
            let what = format!("epoch {} is written already", epoch.number);
            return Err(FormatError::invalid(&self.target, what));
        }
        let file = format!("epochs/{:06}.safetensors", epoch.number);
        write_shard(&self.folder().join(&file), parts)?;
        self.manifest.epochs.push(ManifestEpoch::describe(epoch, vec![file]));
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
            |class: Option<usize>| class.and_then(|class| self.classes.get(class)).map_or(-1, |&id| id);
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

    fn parts<'a>(&self, values: &'a EpochValues) -> Result<Vec<Part<'a>>, String> {
        if values.units.is_empty() && values.aggregates.is_empty() {
            return Err("it has neither unit values nor aggregates".to_owned());
        }
        let mut parts = Vec::new();
        if !values.units.is_empty() {
            let shapes = values.units.iter().map(|tensor| (tensor.rows(), tensor.columns()));
            if !shapes.eq(self.layers.iter().map(|&units| (self.inputs, units))) {
                return Err(format!("its unit values are not {} rows of every layer's units", self.inputs));
            }
            for (layer, tensor) in values.units.iter().enumerate() {
                tensor_parts(
                    &mut parts,
                    array(layer, "units"),
                    vec![tensor.rows(), tensor.columns()],
                    tensor,
                );
            }
        }
        if !values.aggregates.is_empty() {
            self.aggregate_parts(&mut parts, &values.aggregates)?;
        }
        if let Some(predictions) = &values.predictions {
            if predictions.len() != self.inputs {
                return Err(format!("it has {} predictions for {} inputs", predictions.len(), self.inputs));
            }
            let id =
                |class: &Option<usize>| class.and_then(|class| self.classes.get(class)).map_or(-1, |&id| id);
            parts.push(Part::integers("predictions", predictions.iter().map(id).collect()));
        }
        for maps in &values.maps {
            let shape = vec![maps.inputs.len(), maps.channels, maps.height, maps.width];
            let fits = maps.values.rows() == maps.inputs.len() * maps.channels
                && maps.values.columns() == maps.height * maps.width
                && maps.inputs.iter().all(|&input| input < self.inputs)
                && maps.layer < self.layers.len();
            if !fits {
                return Err(format!("its feature maps of layer {} do not fit their shape", maps.layer));
            }
            let name = array(maps.layer, "maps");
            let inputs = maps.inputs.iter().map(|&input| input as i64).collect();
            parts.push(Part::integers(format!("{name}.inputs"), inputs));
            tensor_parts(&mut parts, name, shape, &maps.values);
        }
        Ok(parts)
    }

    fn aggregate_parts(
        &self,
        parts: &mut Vec<Part<'_>>,
        groups: &[(Group, Vec<Aggregate>)],
    ) -> Result<(), String> {
        let number = |group: &Group| match group {
            Group::All => Some(-1),
            Group::Class(class) => self.classes.get(*class).copied(),
        };
        let numbers: Option<Vec<i64>> = groups.iter().map(|(group, _)| number(group)).collect();
        parts.push(Part::integers(
            "groups",
            numbers.ok_or("an aggregate speaks of a class that is not listed")?,
        ));
        let count = |aggregates: &Vec<Aggregate>| aggregates.first().map_or(0, |first| first.count as i64);
        parts
            .push(Part::integers("counts", groups.iter().map(|(_, aggregates)| count(aggregates)).collect()));
        type Read = fn(&Aggregate) -> Option<&Vec<f32>>;
        let statistics: [(&str, Read); 5] = [
            ("mean", |aggregate| Some(&aggregate.mean)),
            ("second_moment", |aggregate| aggregate.second_moment.as_ref()),
            ("min", |aggregate| aggregate.min.as_ref()),
            ("max", |aggregate| aggregate.max.as_ref()),
            ("rate", |aggregate| aggregate.rate.as_ref()),
        ];
        for (layer, &units) in self.layers.iter().enumerate() {
            for (name, read) in statistics {
                let rows: Option<Vec<&Vec<f32>>> =
                    groups.iter().map(|(_, aggregates)| read(aggregates.get(layer)?)).collect();
                match rows {
                    Some(rows) if rows.iter().all(|row| row.len() == units) => {
                        let values: Vec<f32> = rows.into_iter().flatten().copied().collect();
                        parts.push(Part::floats(array(layer, name), vec![groups.len(), units], values));
                    }
                    None if name != "mean" => {}
                    _ => return Err(format!("an aggregate does not fit layer {layer} of {units} units")),
                }
            }
        }
        Ok(())
    }
}

fn tensor_parts<'a>(parts: &mut Vec<Part<'a>>, name: String, shape: Vec<usize>, tensor: &'a Tensor) {
    let dtype = match tensor.dtype() {
        Dtype::F32 => Stored::F32,
        Dtype::F16 => Stored::F16,
        Dtype::BF16 => Stored::BF16,
        Dtype::U8 { scale, offset } => {
            parts.push(Part::floats(format!("{name}.scale"), vec![2], vec![scale, offset]));
            Stored::U8
        }
    };
    parts.push(Part::bytes(name, dtype, shape, tensor.bytes()));
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
