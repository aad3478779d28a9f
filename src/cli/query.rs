//! The options that choose an epoch and a query: selections, statistic, comparison, normalisation.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::{ArgGroup, Args, ValueEnum};

use crate::engine::{Aggregator, Gpu, aggregate};
use crate::format;
use crate::model::{Diff, EpochPosition, EpochRef, Norm, Query, Recording, Selection, Source, Stat};
use crate::stats::{Backend, Cpu};

/// The options that choose an epoch and a query.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("side_b").args(["minus", "run_b"]).multiple(true)))]
pub struct QueryArgs {
    /// Which moment: a recorded number, first, last, best, or a fraction
    ///
    /// A fraction such as 3.5 lies between two recorded epochs and is interpolated. `best` is the
    /// epoch of highest accuracy, else of lowest loss.
    #[arg(long, value_name = "E", default_value = "last")]
    pub epoch: EpochRef,

    /// Which inputs: all, class:3, class:cat,dog, input:17,40-49, right, wrong
    ///
    /// Join terms that must all hold with `&`, as in 'class:3&wrong'. Classes go by name, else by
    /// id; inputs by their number, from 0. `right` and `wrong` need recorded predictions. A suffix
    /// @E takes another epoch: class:3@first.
    #[arg(long, value_name = "S", default_value = "all")]
    pub select: Selection,

    /// Subtract what these inputs show; the same grammar as --select
    #[arg(long, value_name = "S")]
    pub minus: Option<Selection>,

    /// Subtract what this other recording or dump shows, at the epoch of the same number
    ///
    /// Without --minus, over the inputs that --select names. Layers are matched by name; a layer that
    /// the other run lacks, or has in another size, has no values.
    #[arg(long, value_name = "RUN")]
    pub run_b: Option<PathBuf>,

    /// What is told of each unit over the selected inputs
    ///
    /// The effect size always compares means.
    #[arg(long, value_enum, default_value_t = StatArg::Mean)]
    pub stat: StatArg,

    /// How the two sides are compared
    #[arg(long, value_enum, requires = "side_b")]
    pub diff: Option<DiffArg>,

    /// What the numbers are divided by in the end; zero stays zero
    #[arg(long, value_enum, default_value_t = NormArg::Raw)]
    pub norm: NormArg,

    /// Where values are reduced; both give the same [default: on a real GPU if one draws]
    #[arg(long, value_enum)]
    pub on: Option<BackendArg>,
}

/// A statistic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatArg {
    /// The mean
    Mean,
    /// The population standard deviation
    Std,
    /// The greatest value
    Max,
    /// The least value
    Min,
    /// The share of inputs with an activation above zero
    Rate,
    /// How many inputs have a finite value
    Count,
}

/// A kind of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffArg {
    /// A − B
    Signed,
    /// |A − B|
    Abs,
    /// (mean A − mean B) / pooled standard deviation (Cohen's d)
    Effect,
}

/// A normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NormArg {
    /// Nothing
    Raw,
    /// The greatest absolute value in the layer
    Layer,
    /// The greatest absolute value in the network
    Global,
}

/// A backend that reduces values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BackendArg {
    /// On all cores
    Cpu,
    /// In compute shaders on the graphics device, be it a real one or drawn on the processor
    Gpu,
}

impl QueryArgs {
    /// Returns the query. `run_b` is the index of the run of `--run-b`, if that option is given.
    pub fn query(&self, run_b: usize) -> Query {
        Query {
            select: self.select.clone(),
            minus: self.minus.clone().or_else(|| self.run_b.as_ref().map(|_| self.select.clone())),
            run_b: self.run_b.as_ref().map(|_| run_b),
            stat: match self.stat {
                StatArg::Mean => Stat::Mean,
                StatArg::Std => Stat::Std,
                StatArg::Max => Stat::Max,
                StatArg::Min => Stat::Min,
                StatArg::Rate => Stat::Rate,
                StatArg::Count => Stat::Count,
            },
            diff: match self.diff {
                None | Some(DiffArg::Signed) => Diff::Signed,
                Some(DiffArg::Abs) => Diff::Abs,
                Some(DiffArg::Effect) => Diff::Effect,
            },
            norm: match self.norm {
                NormArg::Raw => Norm::Raw,
                NormArg::Layer => Norm::Layer,
                NormArg::Global => Norm::Global,
            },
        }
    }

    /// Returns the backend that reduces values for a program that draws on `gpu`.
    pub fn backend(&self, gpu: &Gpu) -> Arc<dyn Backend> {
        match self.on {
            Some(BackendArg::Cpu) => Arc::new(Cpu),
            Some(BackendArg::Gpu) => Arc::new(Aggregator::new(gpu)),
            None => aggregate::backend(gpu),
        }
    }

    /// Returns the backend that reduces values for a program that draws nothing. It starts a graphics device
    /// only for `--on gpu`.
    ///
    /// # Errors
    ///
    /// If that device cannot be started.
    pub fn backend_without_gpu(&self) -> anyhow::Result<Arc<dyn Backend>> {
        match self.on {
            Some(BackendArg::Gpu) => Ok(self.backend(&Gpu::headless()?)),
            Some(BackendArg::Cpu) | None => Ok(Arc::new(Cpu)),
        }
    }

    /// Opens the run of `--run-b`, if that option is given.
    ///
    /// # Errors
    ///
    /// If the run cannot be opened.
    pub fn open_run_b(&self) -> anyhow::Result<Option<Arc<dyn Source>>> {
        Ok(self.run_b.as_deref().map(format::open).transpose()?)
    }

    /// Returns the position of the epoch in the recording, and its number as given on the command line.
    ///
    /// # Errors
    ///
    /// If the recording has no such epoch.
    pub fn resolve_epoch(&self, recording: &Recording) -> anyhow::Result<(EpochPosition, f64)> {
        let position = self.epoch.resolve(recording).context("--epoch")?;
        let number = match self.epoch {
            // The position is rounded to f32.
            EpochRef::Between(number) => number,
            _ => position.number(recording),
        };
        Ok((position, number))
    }
}
