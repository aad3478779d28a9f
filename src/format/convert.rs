//! DNNViz v2 dumps → recordings and back.

use std::io::Cursor;
use std::path::Path;

use super::deepdiva::{Dump, DumpWriter, Item, Listed};
use super::native::{EpochValues, Pictures, Run, RunWriter};
use super::{FormatError, Found, Known, picture};
use crate::model::{Aggregate, EpochIndex, Group, Normalisation, Picture, Recording, Source, SourceError};

/// Units that a dump can hold; more would make files of JSON that nothing reads back.
const MOST_DUMP_UNITS: usize = 10_000_000;

/// Inputs that are exported at a time.
const CHUNK: usize = 64;

/// Writes the DNNViz v2 dump at `dump` as a recording at `run`, which must not exist.
///
/// Damaged epochs are left out, and told in the log. `progress` hears how many of how many epochs
/// are done. When anything fails, nothing stands at `run`.
pub fn import(dump: &Path, run: &Path, progress: &mut dyn FnMut(usize, usize)) -> Result<(), FormatError> {
    let found = Found::at(dump)?;
    if !matches!(found.format, Known::Dump) {
        let what = "it is a recording already; import takes a DNNViz dump";
        return Err(FormatError::invalid(&found.folder, what));
    }
    let source = Dump::open(&found.folder, &found.manifest)?;
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
/// Values that are not normalised yet are normalised as DeepDIVA does, per input and layer, because
/// that is what DNNViz takes them for; of runs that keep aggregates alone, the means are. Damaged
/// epochs are left out, and told in the log. `progress` hears how many of how many epochs are done.
/// When anything fails, nothing stands at `dir`.
pub fn export_json(
    run: &Path,
    dir: &Path,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(), FormatError> {
    let found = Found::at(run)?;
    if !matches!(found.format, Known::Run) {
        let what = "it is a DNNViz dump already; export-json takes a recording";
        return Err(FormatError::invalid(&found.folder, what));
    }
    let source = Run::open(&found.folder, &found.manifest)?;
    let recording = source.recording();
    if recording.units() > MOST_DUMP_UNITS {
        let what = format!("it has {} units, a DNNViz dump can hold {MOST_DUMP_UNITS}", recording.units());
        return Err(FormatError::invalid(run, what));
    }
    let Some(first) = recording.epochs.iter().position(|epoch| !epoch.damaged) else {
        let reason = "none is recorded yet".to_owned();
        return Err(FormatError::NoEpoch { path: run.to_owned(), reason });
    };
    let listed = list(&source, first)?;
    let mut writer = DumpWriter::create(dir, recording, &listed)?;
    for input in 0..recording.inputs.len() {
        if let Some(encoded) = source.encoded_picture(input) {
            if let Some(ending) = picture::extension(encoded) {
                writer.cover(input, encoded, ending)?;
            }
        } else if let Some(encoded) = source.picture(input).and_then(|picture| png(&picture)) {
            writer.cover(input, &encoded, "png")?;
        }
    }
    each_epoch(recording, progress, |epoch| export_epoch(run, &source, epoch, &listed, &mut writer))?;
    writer.finish()
}

/// What the epoch `first` has, and so the dump.
fn list(source: &Run, first: usize) -> Result<Listed, FormatError> {
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
    for (class, about) in recording.classes.iter().enumerate() {
        if singles && about.inputs > 0 {
            classes.push((class, about.inputs as u64));
        } else if let Some(count) = count(Group::Class(class))? {
            classes.push((class, count));
        }
    }
    let general = if singles { recording.inputs.len() as u64 } else { count(Group::All)?.unwrap_or(0) };
    Ok(Listed { singles, classes, general })
}

/// Runs `work` for every readable epoch. One that turns out damaged is told and left out.
fn each_epoch(
    recording: &Recording,
    progress: &mut dyn FnMut(usize, usize),
    mut work: impl FnMut(usize) -> Result<(), FormatError>,
) -> Result<(), FormatError> {
    let total = recording.epochs.len();
    for (epoch, about) in recording.epochs.iter().enumerate() {
        progress(epoch, total);
        if about.damaged {
            log::warn!("epoch {} is damaged and left out", about.number);
            continue;
        }
        match work(epoch) {
            Err(FormatError::Source(error @ SourceError::Damaged { .. })) => {
                log::warn!("{error}; it is left out")
            }
            done => done?,
        }
    }
    progress(total, total);
    Ok(())
}

fn export_epoch(
    run: &Path,
    source: &Run,
    epoch: usize,
    listed: &Listed,
    writer: &mut DumpWriter,
) -> Result<(), FormatError> {
    let recording = source.recording();
    let normalised = recording.normalisation == Normalisation::PerItemPerLayer;
    let units: Vec<usize> = recording.layers.iter().map(|layer| layer.units).collect();
    // Read before anything is written of the epoch, so that a damaged one leaves no trace.
    let mut groups =
        vec![(Item::General, source.aggregates(EpochIndex(epoch), Group::All)?, Sums::new(&units))];
    for &(class, _) in &listed.classes {
        let stored = source.aggregates(EpochIndex(epoch), Group::Class(class))?;
        groups.push((Item::Class(class), stored, Sums::new(&units)));
    }
    writer.begin_epoch(&recording.epochs[epoch])?;
    let group_of = |class: usize| listed.classes.iter().position(|&(at, _)| at == class).map(|at| at + 1);
    let inputs: Vec<usize> = (0..recording.inputs.len()).collect();
    for chunk in inputs.chunks(CHUNK).take_while(|_| listed.singles) {
        // Too late to leave the epoch out.
        let block = source
            .rows(EpochIndex(epoch), chunk)
            .map_err(|error| FormatError::invalid(run, error.to_string()))?;
        for (&input, &row) in chunk.iter().zip(&block.rows) {
            let mut layers: Vec<Vec<f32>> =
                block.layers.iter().map(|tensor| tensor.row(row).into_owned()).collect();
            if !normalised {
                layers.iter_mut().for_each(|layer| normalise(layer));
            }
            writer.values(Item::Single(input), &layers)?;
            groups[0].2.add(&layers);
            if let Some(at) = recording.inputs[input].class.and_then(group_of) {
                groups[at].2.add(&layers);
            }
        }
    }
    for (item, stored, sums) in groups {
        let means = match stored {
            Some(stored) if normalised || !listed.singles => means(&stored, normalised),
            _ => sums.means(),
        };
        writer.values(item, &means)?;
    }
    Ok(())
}

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

/// DeepDIVA's normalisation of one layer of one input: shifted to be non-negative if need be, then
/// divided by the maximum. A layer of zeros becomes NaN.
fn normalise(values: &mut [f32]) {
    let least = values.iter().copied().fold(0.0_f32, f32::min);
    let greatest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max) - least;
    values.iter_mut().for_each(|value| *value = (*value - least) / greatest);
}

/// Sums of rows, per layer.
struct Sums {
    count: u64,
    layers: Vec<Vec<f64>>,
}

impl Sums {
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

fn png(picture: &Picture) -> Option<Vec<u8>> {
    let image = image::RgbaImage::from_raw(picture.width, picture.height, picture.rgba.clone())?;
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).ok()?;
    Some(bytes.into_inner())
}
