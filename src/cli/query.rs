//! What to look at, as options: the epoch, the selections and how they are put together.

use anyhow::Context;
use clap::{Args, ValueEnum};

use crate::model::{Diff, EpochPosition, EpochRef, Query, Recording, Selection, Stat};

/// The options that choose an epoch and a query.
#[derive(Debug, Args)]
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

    /// What is told of each unit over the selected inputs
    #[arg(long, value_enum, default_value_t = StatArg::Mean)]
    pub stat: StatArg,

    /// How --minus is subtracted
    #[arg(long, value_enum, requires = "minus")]
    pub diff: Option<DiffArg>,
}

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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffArg {
    /// A − B
    Signed,
    /// |A − B|
    Abs,
}

impl QueryArgs {
    pub fn query(&self) -> Query {
        Query {
            select: self.select.clone(),
            minus: self.minus.clone(),
            stat: match self.stat {
                StatArg::Mean => Stat::Mean,
                StatArg::Std => Stat::Std,
                StatArg::Max => Stat::Max,
                StatArg::Min => Stat::Min,
                StatArg::Rate => Stat::Rate,
            },
            diff: match self.diff {
                None | Some(DiffArg::Signed) => Diff::Signed,
                Some(DiffArg::Abs) => Diff::Abs,
            },
        }
    }

    /// Where in the recording the moment is, and its number as a person would write it.
    pub fn moment(&self, recording: &Recording) -> anyhow::Result<(EpochPosition, f64)> {
        let position = self.epoch.resolve(recording).context("--epoch")?;
        let number = match self.epoch {
            // The position is rounded to f32.
            EpochRef::Between(number) => number,
            _ => position.number(recording),
        };
        Ok((position, number))
    }
}
