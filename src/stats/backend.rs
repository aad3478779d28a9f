//! Where values are reduced: the one interface of the CPU path and of what does the same on a GPU.

use rayon::prelude::*;

use super::{Extremes, Firing, Moments, reduce};
use crate::model::{Diff, Stat, Tensor};

/// Some rows of a layer's values `[inputs, units]`; a row may come more than once.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    pub tensor: &'a Tensor,
    pub rows: &'a [usize],
}

/// What is reduced of one layer: `a`, compared with `b` where there is one. Both have as many units.
#[derive(Clone, Copy, Debug)]
pub struct LayerRows<'a> {
    pub a: Rows<'a>,
    pub b: Option<Rows<'a>>,
}

/// Why values could not be reduced.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    #[error("the graphics device cannot hold {bytes} bytes of values; reduce them on the CPU (`--on cpu`)")]
    Memory { bytes: u64 },
    #[error("the graphics device was lost while reducing; try again")]
    Lost,
}

/// Where values are reduced.
pub trait Backend: Send + Sync {
    /// One value per unit of each layer: `stat` of `a`, or, where there is a `b`, how the two differ,
    /// as `diff` says. Values that are not finite are left out; a unit without a value is NaN, and
    /// counts 0. What is returned is finite or NaN.
    ///
    /// Equal rows on both sides differ by exactly 0 (where they have a value), and exchanging the
    /// sides flips the sign exactly.
    ///
    /// # Errors
    /// When the device fails.
    ///
    /// # Panics
    /// When a row is outside its tensor.
    fn values(&self, layers: &[LayerRows<'_>], stat: Stat, diff: Diff)
    -> Result<Vec<Vec<f32>>, BackendError>;
}

/// Reduces on all cores, in f64.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu;

impl Backend for Cpu {
    fn values(
        &self,
        layers: &[LayerRows<'_>],
        stat: Stat,
        diff: Diff,
    ) -> Result<Vec<Vec<f32>>, BackendError> {
        Ok(layers.par_iter().map(|layer| layer_values(*layer, stat, diff)).collect())
    }
}

fn layer_values(layer: LayerRows, stat: Stat, diff: Diff) -> Vec<f32> {
    let Some(b) = layer.b else { return rounded(statistic(layer.a, stat)) };
    if diff == Diff::Effect {
        let (a, b) = (unit_moments(layer.a), unit_moments(b));
        return rounded(a.zip(b).map(|(a, b)| effect(a, b)));
    }
    let pairs = statistic(layer.a, stat).into_iter().zip(statistic(b, stat));
    rounded(pairs.map(|(a, b)| difference(a, b, diff)))
}

/// Rounds once, at the end; what is not finite is no value.
pub(super) fn rounded(values: impl IntoIterator<Item = f64>) -> Vec<f32> {
    let finite = |value: f32| if value.is_finite() { value } else { f32::NAN };
    values.into_iter().map(|value| finite(value as f32)).collect()
}

/// How two statistics differ. The effect size is no difference of two numbers: see [`effect`].
pub(super) fn difference(a: f64, b: f64, diff: Diff) -> f64 {
    match diff {
        Diff::Signed | Diff::Effect => a - b,
        Diff::Abs => (a - b).abs(),
    }
}

/// What the effect size is computed from, of one unit on one side.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnitMoments {
    /// Finite values.
    pub(super) count: f64,
    /// NaN without a value.
    pub(super) mean: f64,
    /// Sum of squared distances from the mean.
    pub(super) squares: f64,
}

/// See [`Diff::Effect`]. 0 where nothing differs; NaN where what differs has no spread.
pub(super) fn effect(a: UnitMoments, b: UnitMoments) -> f64 {
    let apart = a.mean - b.mean;
    if apart == 0.0 {
        return 0.0;
    }
    let pooled = (a.squares + b.squares) / (a.count + b.count - 2.0);
    if pooled > 0.0 { apart / pooled.sqrt() } else { f64::NAN }
}

fn unit_moments(Rows { tensor, rows }: Rows) -> impl Iterator<Item = UnitMoments> {
    let moments: Moments = reduce(tensor, rows);
    let count = moments.count();
    (0..tensor.columns()).map(move |unit| {
        let (mean, squares) = moments.centred(unit);
        UnitMoments { count: count[unit] as f64, mean, squares }
    })
}

fn statistic(all: Rows, stat: Stat) -> Vec<f64> {
    let Rows { tensor, rows } = all;
    let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect();
    match (stat, rows) {
        (Stat::Mean | Stat::Min | Stat::Max, &[row]) => wide(tensor.row(row).into_owned()),
        (Stat::Mean, _) => unit_moments(all).map(|unit| unit.mean).collect(),
        (Stat::Std, _) => {
            let deviation = |unit: UnitMoments| {
                if unit.count > 0.0 { (unit.squares / unit.count).sqrt() } else { f64::NAN }
            };
            unit_moments(all).map(deviation).collect()
        }
        (Stat::Count, _) => unit_moments(all).map(|unit| unit.count).collect(),
        (Stat::Min, _) => wide(reduce::<Extremes>(tensor, rows).min()),
        (Stat::Max, _) => wide(reduce::<Extremes>(tensor, rows).max()),
        (Stat::Rate, _) => wide(reduce::<Firing>(tensor, rows).rate()),
    }
}
