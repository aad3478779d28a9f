//! Conversion of DNNViz v2 dumps to recordings and back.

use std::io::Cursor;
use std::path::Path;

use super::deepdiva::{Dump, DumpContents, DumpFile, DumpWriter};
use super::manifest_file::{LocatedManifest, ManifestFormat};
use super::native::{EpochValues, NativeRun, Pictures, RunWriter};
use super::{FormatError, picture};
use crate::model::{Aggregate, EpochIndex, Group, Normalisation, Picture, Recording, Source, SourceError};

/// Limit of units in a dump; the JSON files of more would be too large for any reader.
const MAX_DUMP_UNITS: usize = 10_000_000;

/// Number of inputs exported at a time.
const INPUTS_PER_CHUNK: usize = 64;

/// Writes the DNNViz v2 dump at `dump` as a recording at `run`, which must not exist.
///
/// Damaged epochs are omitted and logged. `progress` is called with the number of finished epochs and the
/// number of all epochs.
///
/// # Errors
/// If `dump` is no dump, has no readable epoch, or the recording cannot be written. Nothing exists at `run`
/// then.
pub fn import(dump: &Path, run: &Path, progress: &mut dyn FnMut(usize, usize)) -> Result<(), FormatError> {
    let located = LocatedManifest::locate(dump)?;
    if !matches!(located.format, ManifestFormat::DeepDiva) {
        let what = "it is a recording already; import takes a DNNViz dump";
        return Err(FormatError::invalid(&located.folder, what));
    }
    let source = Dump::open(&located.folder, &located.manifest)?;
    let recording = source.recording();
    let covers = (0..recording.inputs.len())
        .map(|input| source.cover(input).map_or_else(Vec::new, |(bytes, _)| bytes))
        .collect::<Vec<_>>();
    let pictures = if covers.iter().all(Vec::is_empty) { Pictures::None } else { Pictures::Encoded(covers) };
    let mut writer = RunWriter::create(run, recording, &pictures)?;
    let all: Vec<usize> = (0..recording.inputs.len()).collect();
    let mut written = 0;
    each_epoch(recording, progress, |epoch| {
        let mut values = EpochValues::default();
        if !all.is_empty() {
            values.units = source.rows(EpochIndex(epoch), &all)?.layers;
        }
        let classes = (0..recording.classes.len()).map(Group::Class);
        for group in std::iter::once(Group::All).chain(classes) {
            if let Some(aggregates) = source.aggregates(EpochIndex(epoch), group)? {
                values.aggregates.push((group, aggregates.to_vec()));
            }
        }
        writer.write_epoch(&recording.epochs[epoch], &values)?;
        written += 1;
        Ok(())
    })?;
    if written == 0 {
        let reason = "every one is damaged".to_owned();
        return Err(FormatError::NoEpoch { path: dump.to_owned(), reason });
    }
    writer.commit()
}

/// Writes the recording at `run` as a DNNViz v2 dump at `dir`, which must not exist.
///
/// Raw values are normalised as DeepDIVA does, per input and layer, since DNNViz expects that; in recordings
/// of aggregates alone, the means are normalised. Damaged epochs are omitted and logged. `progress` is called
/// with the number of finished epochs and the number of all epochs.
///
/// # Errors
/// If `run` is no native recording, has no readable epoch or too many units, or the dump cannot be written.
/// Nothing exists at `dir` then.
pub fn export_json(
    run: &Path,
    dir: &Path,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(), FormatError> {
    let located = LocatedManifest::locate(run)?;
    if !matches!(located.format, ManifestFormat::Native) {
        let what = "it is a DNNViz dump already; export-json takes a recording";
        return Err(FormatError::invalid(&located.folder, what));
    }
    let source = NativeRun::open(&located.folder, &located.manifest)?;
    let recording = source.recording();
    if recording.units() > MAX_DUMP_UNITS {
        let what = format!("it has {} units, a DNNViz dump can hold {MAX_DUMP_UNITS}", recording.units());
        return Err(FormatError::invalid(run, what));
    }
    let Some(first) = recording.epochs.iter().position(|epoch| !epoch.damaged) else {
        let reason = "none is recorded yet".to_owned();
        return Err(FormatError::NoEpoch { path: run.to_owned(), reason });
    };
    let contents = contents(&source, first)?;
    let mut writer = DumpWriter::create(dir, recording, &contents)?;
    for input in 0..recording.inputs.len() {
        if let Some(encoded) = source.encoded_picture(input) {
            if let Some(ending) = picture::extension(encoded) {
                writer.cover(input, encoded, ending)?;
            }
        } else if let Some(encoded) = source.picture(input).and_then(|picture| png(&picture)) {
            writer.cover(input, &encoded, "png")?;
        }
    }
    each_epoch(recording, progress, |epoch| export_epoch(run, &source, epoch, &contents, &mut writer))?;
    writer.finish()
}

/// Lists the files of the dump, by the values that the epoch `first` has.
fn contents(source: &NativeRun, first: usize) -> Result<DumpContents, FormatError> {
    let recording = source.recording();
    let count = |group| -> Result<Option<u64>, FormatError> {
        let stored = source.aggregates(EpochIndex(first), group)?;
        Ok(stored.and_then(|stored| stored.first().map(|aggregate| aggregate.count)))
    };
    let singles = !recording.inputs.is_empty()
        && match source.rows(EpochIndex(first), &[0]) {
            Ok(_) => true,
            Err(SourceError::NotRecorded { .. }) => false,
            Err(error) => return Err(error.into()),
        };
    let mut classes = Vec::new();
    for (class, listed) in recording.classes.iter().enumerate() {
        if singles && listed.inputs > 0 {
            classes.push((class, listed.inputs as u64));
        } else if let Some(count) = count(Group::Class(class))? {
            classes.push((class, count));
        }
    }
    let general = if singles { recording.inputs.len() as u64 } else { count(Group::All)?.unwrap_or(0) };
    Ok(DumpContents { singles, classes, general })
}

/// Calls `work` with every readable epoch. An epoch whose values turn out to be damaged is logged and omitted.
fn each_epoch(
    recording: &Recording,
    progress: &mut dyn FnMut(usize, usize),
    mut work: impl FnMut(usize) -> Result<(), FormatError>,
) -> Result<(), FormatError> {
    let total = recording.epochs.len();
    for (epoch, entry) in recording.epochs.iter().enumerate() {
        progress(epoch, total);
        if entry.damaged {
            log::warn!("epoch {} is damaged and left out", entry.number);
            continue;
        }
        match work(epoch) {
            Err(FormatError::Source(error @ SourceError::Damaged { .. })) => {
                log::warn!("{error}; it is left out")
            }
            result => result?,
        }
    }
    progress(total, total);
    Ok(())
}

/// Writes one epoch of `source`, which was opened from `run`.
fn export_epoch(
    run: &Path,
    source: &NativeRun,
    epoch: usize,
    contents: &DumpContents,
    writer: &mut DumpWriter,
) -> Result<(), FormatError> {
    let recording = source.recording();
    let normalised = recording.normalisation == Normalisation::PerItemPerLayer;
    let units: Vec<usize> = recording.layers.iter().map(|layer| layer.units).collect();
    // Read first, so that nothing is written of a damaged epoch.
    let mut groups =
        vec![(DumpFile::General, source.aggregates(EpochIndex(epoch), Group::All)?, LayerSums::new(&units))];
    for &(class, _) in &contents.classes {
        let stored = source.aggregates(EpochIndex(epoch), Group::Class(class))?;
        groups.push((DumpFile::Class(class), stored, LayerSums::new(&units)));
    }
    writer.begin_epoch(&recording.epochs[epoch])?;
    let group_of = |class: usize| {
        let position = contents.classes.iter().position(|&(index, _)| index == class);
        // After the group of all inputs.
        position.map(|position| position + 1)
    };
    let inputs: Vec<usize> = (0..recording.inputs.len()).collect();
    for chunk in inputs.chunks(INPUTS_PER_CHUNK).take_while(|_| contents.singles) {
        // Files of the epoch exist already, so it cannot be omitted any more.
        let block = source
            .rows(EpochIndex(epoch), chunk)
            .map_err(|error| FormatError::invalid(run, error.to_string()))?;
        for (&input, &row) in chunk.iter().zip(&block.rows) {
            let mut layers: Vec<Vec<f32>> =
                block.layers.iter().map(|tensor| tensor.row(row).into_owned()).collect();
            if !normalised {
                layers.iter_mut().for_each(|layer| normalise(layer));
            }
            writer.values(DumpFile::Single(input), &layers)?;
            groups[0].2.add(&layers);
            if let Some(group) = recording.inputs[input].class.and_then(group_of) {
                groups[group].2.add(&layers);
            }
        }
    }
    for (item, stored, sums) in groups {
        let means = match stored {
            Some(stored) if normalised || !contents.singles => means(&stored, normalised),
            _ => sums.means(),
        };
        writer.values(item, &means)?;
    }
    Ok(())
}

/// Returns the means of stored aggregates, normalised if they are not.
fn means(stored: &[Aggregate], normalised: bool) -> Vec<Vec<f32>> {
    let mean = |aggregate: &Aggregate| {
        let mut mean = aggregate.mean.clone();
        if !normalised {
            normalise(&mut mean);
        }
        mean
    };
    stored.iter().map(mean).collect()
}

/// Normalises one layer of one input as DeepDIVA does: shifts negative values so that the minimum is 0, then
/// divides by the maximum. A layer of zeros becomes NaN.
fn normalise(values: &mut [f32]) {
    let min = values.iter().copied().fold(0.0_f32, f32::min);
    let max = values.iter().copied().fold(f32::NEG_INFINITY, f32::max) - min;
    values.iter_mut().for_each(|value| *value = (*value - min) / max);
}

/// Running sums of rows, per layer and unit.
struct LayerSums {
    count: u64,
    layers: Vec<Vec<f64>>,
}

impl LayerSums {
    fn new(units: &[usize]) -> Self {
        Self { count: 0, layers: units.iter().map(|&units| vec![0.0; units]).collect() }
    }

    fn add(&mut self, row: &[Vec<f32>]) {
        self.count += 1;
        for (sums, values) in self.layers.iter_mut().zip(row) {
            sums.iter_mut().zip(values).for_each(|(sum, &value)| *sum += f64::from(value));
        }
    }

    fn means(&self) -> Vec<Vec<f32>> {
        let count = self.count as f64;
        self.layers.iter().map(|layer| layer.iter().map(|sum| (sum / count) as f32).collect()).collect()
    }
}

/// Encodes a picture as PNG.
fn png(picture: &Picture) -> Option<Vec<u8>> {
    let image = image::RgbaImage::from_raw(picture.width, picture.height, picture.rgba.clone())?;
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).ok()?;
    Some(bytes.into_inner())
}
