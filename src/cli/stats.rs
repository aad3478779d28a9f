//! `dnnviz stats`: the values of a query, per unit.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::Serialize;

use super::output::{self, Notation, counted, printable};
use super::query::QueryArgs;
use crate::export::csv_field;
use crate::format;
use crate::model::{
    Diff, EpochPosition, EpochRef, Layer, LayerIndex, Norm, Normalisation, Query, Recording, Selection, Stat,
};
use crate::stats::{self, Cpu, Sides, UnitTable};

/// Number of values on a line of the table.
const VALUES_PER_LINE: usize = 10;

/// Print the numbers behind the picture, one per unit
///
/// Units count from 0 within their layer. Of `all` and of one class, the means that the RUN itself
/// stores are printed as they are; everything else is computed from the inputs.
#[derive(Debug, clap::Args)]
pub struct StatsArgs {
    /// The recording or DNNViz dump
    run: PathBuf,

    #[command(flatten)]
    query: QueryArgs,

    /// Only layers of this name, or with a part of their name like this; several with commas between them or
    /// by several options; `*` is any text, `?` any character
    #[arg(long = "layer", value_name = "L")]
    layers: Vec<String>,

    /// How the numbers are printed; "no value" is – in tables, empty in CSV, null in JSON
    #[arg(long, value_enum, default_value_t = StatsFormat::Table)]
    format: StatsFormat,

    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// An output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StatsFormat {
    Table,
    Csv,
    Json,
}

/// Computes the values and prints them.
///
/// # Errors
///
/// If the recording cannot be read or lacks something that an option names, or the standard output cannot be
/// written.
pub fn run(args: &StatsArgs) -> anyhow::Result<()> {
    let source = format::open(&args.run)?;
    let recording = source.recording();
    let layers = matching_layers(recording, &args.layers)?;
    let (position, epoch) = args.query.resolve_epoch(recording)?;
    let query = args.query.query(1);
    let run_b = args.query.open_run_b()?;
    let sides = Sides { a: &*source, b: run_b.as_deref().unwrap_or(&*source) };
    let backend = args.query.backend_without_gpu()?;
    let table = stats::table(sides, &query, position, &*backend)?;
    let not_finite = count_not_finite(sides, &query, position);
    let run_b = args.query.run_b.as_deref();
    let report = StatsReport {
        recording,
        recording_b: sides.b.recording(),
        query: &query,
        run_b,
        epoch,
        table: &table,
        not_finite,
        layers,
    };
    match args.format {
        _ if args.json => output::print_json(&report.document()),
        StatsFormat::Json => output::print_json(&report.document()),
        StatsFormat::Csv => output::print(|out| report.print_csv(out)),
        StatsFormat::Table => output::print(|out| report.print_table(out)),
    }
}

/// Counts the values of the selected inputs that are not finite, of both sides together. Returns `None` if
/// only statistics are recorded, and between epochs.
fn count_not_finite(sides: Sides, query: &Query, position: EpochPosition) -> Option<u64> {
    if position.t > 0.0 {
        return None;
    }
    let count = Query { stat: Stat::Count, minus: None, norm: Norm::Raw, ..query.clone() };
    let missing = |table: UnitTable| -> u64 {
        let values = table.layers.iter().flatten();
        values.map(|&finite| table.inputs as u64 - finite as u64).sum()
    };
    let a = stats::table(Sides::one(sides.a), &count, position, &Cpu).ok().map(missing)?;
    let Some(minus) = &query.minus else { return Some(a) };
    // Without an epoch of its own, side B has the epoch number of side A.
    let number = EpochRef::Number(sides.a.recording().epochs.get(position.from.0)?.number);
    let select = Selection { epoch: minus.epoch.or(Some(number)), ..minus.clone() };
    let first = EpochRef::First.resolve(sides.b.recording()).ok()?;
    let count = Query { select, ..count };
    Some(a + stats::table(Sides::one(sides.b), &count, first, &Cpu).ok().map(missing)?)
}

/// Returns the layers that match any of `patterns`, in the order of the network; all layers if it is empty.
///
/// # Errors
///
/// If a pattern matches no layer.
fn matching_layers(recording: &Recording, patterns: &[String]) -> anyhow::Result<Vec<usize>> {
    if patterns.is_empty() {
        return Ok((0..recording.layers.len()).collect());
    }
    let mut layers = BTreeSet::new();
    for pattern in patterns {
        layers.extend(recording.layers_matching(pattern)?.into_iter().map(|LayerIndex(layer)| layer));
    }
    Ok(layers.into_iter().collect())
}

/// The values of a query, ready to print.
struct StatsReport<'a> {
    recording: &'a Recording,
    /// The recording of the subtracted side.
    recording_b: &'a Recording,
    query: &'a Query,
    /// Path of the run of side B, if it is another.
    run_b: Option<&'a Path>,
    /// Epoch number; a fraction between two recorded epochs.
    epoch: f64,
    table: &'a UnitTable,
    /// Number of values of the selected inputs that are not finite, see [`count_not_finite`].
    not_finite: Option<u64>,
    /// Indices of the layers to print.
    layers: Vec<usize>,
}

/// The JSON document. Scripts depend on its keys.
#[derive(Serialize)]
struct StatsDocument<'a> {
    epoch: f64,
    select: String,
    minus: Option<String>,
    run_b: Option<&'a Path>,
    stat: Stat,
    diff: Option<Diff>,
    norm: Norm,
    /// The normalisation of the recorded values.
    normalisation: &'static str,
    inputs: usize,
    minus_inputs: Option<usize>,
    /// Number of values of the selected inputs that are NaN or infinite; null if only statistics are
    /// recorded, and between epochs.
    not_finite: Option<u64>,
    layers: Vec<StatsLayer<'a>>,
    /// Layers without a counterpart of the same size in the run of side B.
    unmatched: Vec<StatsUnmatchedLayer<'a>>,
}

/// A layer without a counterpart in the run of side B.
#[derive(Serialize)]
struct StatsUnmatchedLayer<'a> {
    name: &'a str,
    /// Number of units of the layer of that name in the other run; null if there is none.
    units: Option<usize>,
}

/// The values of a layer.
#[derive(Serialize)]
struct StatsLayer<'a> {
    name: &'a str,
    /// One value per unit; NaN becomes null.
    values: &'a [f32],
}

impl StatsReport<'_> {
    /// Returns the printed layers with their values.
    fn layers(&self) -> impl Iterator<Item = (&Layer, &[f32])> {
        let layers = self.layers.iter();
        layers.map(|&index| (&self.recording.layers[index], self.table.layers[index].as_slice()))
    }

    fn document(&self) -> StatsDocument<'_> {
        let query = self.query;
        StatsDocument {
            epoch: self.epoch,
            select: query.select.to_string(),
            minus: query.minus.as_ref().map(ToString::to_string),
            stat: query.stat,
            diff: query.minus.is_some().then_some(query.diff),
            run_b: self.run_b,
            norm: query.norm,
            normalisation: self.recording.normalisation.name(),
            inputs: self.table.inputs,
            minus_inputs: self.table.minus_inputs,
            not_finite: self.not_finite,
            layers: self.layers().map(|(layer, values)| StatsLayer { name: &layer.name, values }).collect(),
            unmatched: self
                .unmatched()
                .map(|(layer, units)| StatsUnmatchedLayer { name: &layer.name, units })
                .collect(),
        }
    }

    /// Returns the printed layers without a counterpart of the same size in the run of side B, and the number
    /// of units of its layer of that name.
    fn unmatched(&self) -> impl Iterator<Item = (&Layer, Option<usize>)> {
        let printed =
            self.table.unmatched.iter().filter(|unmatched| self.layers.contains(&unmatched.layer.0));
        printed.map(|unmatched| (&self.recording.layers[unmatched.layer.0], unmatched.units))
    }

    fn print_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "layer,unit,value")?;
        for (layer, values) in self.layers() {
            let name = csv_field(&layer.name);
            for (unit, value) in values.iter().enumerate() {
                if value.is_finite() {
                    writeln!(out, "{name},{unit},{value:?}")?;
                } else {
                    writeln!(out, "{name},{unit},")?;
                }
            }
        }
        Ok(())
    }

    fn print_table(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{} · {} · epoch {} · {}",
            printable(&self.recording.model),
            printable(&self.title()),
            self.epoch,
            match self.table.minus_inputs {
                None => counted(self.table.inputs, "input", "inputs"),
                Some(minus) => format!("{} against {minus} inputs", self.table.inputs),
            }
        )?;
        if self.recording.normalisation == Normalisation::PerItemPerLayer {
            writeln!(out, "values are normalised per input and layer: they compare within one layer")?;
        }
        if let Some(count @ 1..) = self.not_finite {
            let (values, are) = if count == 1 { ("value", "is") } else { ("values", "are") };
            writeln!(out, "{count} {values} of these inputs {are} not finite")?;
        }
        for (layer, values) in self.layers() {
            let unmatched = self.unmatched().find(|(other, _)| std::ptr::eq(*other, layer));
            let finite = || values.iter().copied().filter(|value| value.is_finite());
            let missing = values.len() - finite().count();
            let notation = Notation::for_values(values);
            write!(
                out,
                "\nlayer {} · {} · {}",
                printable(&layer.name),
                printable(&layer.module),
                counted(values.len(), "unit", "units")
            )?;
            if let (Some(low), Some(high)) = (finite().reduce(f32::min), finite().reduce(f32::max)) {
                write!(out, " · {} to {}", notation.format(low), notation.format(high))?;
            }
            if missing > 0 && unmatched.is_none() {
                write!(out, " · {} without a value", counted(missing, "unit", "units"))?;
            }
            match unmatched {
                Some((_, None)) => writeln!(out, " · the other run has no such layer")?,
                Some((_, Some(units))) => writeln!(out, " · {units} units in the other run")?,
                None => writeln!(out)?,
            }
            if unmatched.is_some() {
                continue;
            }
            for (line, values) in values.chunks(VALUES_PER_LINE).enumerate() {
                write!(out, "{:>7} ", line * VALUES_PER_LINE)?;
                values.iter().try_for_each(|&value| write!(out, " {:>8}", notation.format(value)))?;
                writeln!(out)?;
            }
        }
        Ok(())
    }

    /// Describes the query, as in `mean of class 3 − class 5`.
    fn title(&self) -> String {
        let stat = match self.query.stat {
            Stat::Mean => "mean",
            Stat::Std => "standard deviation",
            Stat::Max => "maximum",
            Stat::Min => "minimum",
            Stat::Rate => "firing rate",
            Stat::Count => "number of finite values",
        };
        let select = self.query.select.describe(self.recording);
        let title = match &self.query.minus {
            None => format!("{stat} of {select}"),
            Some(minus) => {
                let minus = match self.run_b {
                    None => minus.describe(self.recording_b),
                    Some(run) => format!("{} of {}", minus.describe(self.recording_b), run.display()),
                };
                match self.query.diff {
                    Diff::Signed => format!("{stat} of {select} − {minus}"),
                    Diff::Abs => format!("{stat} of |{select} − {minus}|"),
                    Diff::Effect => format!("effect size of {select} against {minus}"),
                }
            }
        };
        match self.query.norm {
            Norm::Raw => title,
            Norm::Layer => format!("{title}, by the greatest of each layer"),
            Norm::Global => format!("{title}, by the greatest of the network"),
        }
    }
}
