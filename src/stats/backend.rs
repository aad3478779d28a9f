//! The interface of reductions, which the CPU and the GPU implement.

use std::any::Any;
use std::sync::Arc;

use rayon::prelude::*;

use super::{Extremes, Firing, Moments, reduce};
use crate::model::{Diff, Stat, Tensor};

/// Some rows of a layer's values; a row may occur more than once.
#[derive(Clone, Copy, Debug)]
pub struct TensorRows<'a> {
    /// `[inputs, units]`.
    pub tensor: &'a Tensor,
    /// Row indices.
    pub rows: &'a [usize],
}

/// The rows of one layer to reduce. Both sides have the same number of units.
#[derive(Clone, Copy, Debug)]
pub struct LayerRows<'a> {
    /// Side A.
    pub a: TensorRows<'a>,
    /// Side B, which is compared with A; `None` for no comparison.
    pub b: Option<TensorRows<'a>>,
}

/// The values of one layer in the memory of the device that reduced them. Only the room of the [`Backend`] knows
/// the type of the handle. Cloning shares the memory, which is freed with the last clone.
#[derive(Clone, Debug)]
pub struct DeviceCopy(Arc<dyn Any + Send + Sync>);

impl DeviceCopy {
    /// Creates a copy from the handle of a device.
    pub fn new(handle: impl Any + Send + Sync) -> Self {
        Self(Arc::new(handle))
    }

    /// Returns the handle; `None` if it has another type.
    pub fn handle<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

/// Compares identities: equal copies are the same memory.
impl PartialEq for DeviceCopy {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Unit values of layers, as a [`Backend`] returns them.
#[derive(Clone, Debug, PartialEq)]
pub struct Reduced {
    /// Per layer, one value per unit.
    pub layers: Vec<Vec<f32>>,
    /// Per layer, the same values on the device, in the order of the network; `None` if they are not there.
    pub copies: Vec<Option<DeviceCopy>>,
}

impl Reduced {
    /// Values that are on no device.
    pub fn on_cpu(layers: Vec<Vec<f32>>) -> Self {
        Self { copies: vec![None; layers.len()], layers }
    }
}

/// A reduction that failed.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The values do not fit into the memory of the device.
    #[error("the graphics device cannot hold {bytes} bytes of values; reduce them on the CPU (`--on cpu`)")]
    Memory {
        /// Size of the values.
        bytes: u64,
    },
    /// The device was lost.
    #[error("the graphics device was lost while reducing; try again")]
    Lost,
}

/// A device that reduces rows to one value per unit.
pub trait Backend: Send + Sync {
    /// Computes one value per unit of each layer: `stat` of `a` or, with a `b`, the difference `diff` of
    /// the two sides. Values that are not finite are left out; a unit without a value is NaN (and 0 for
    /// [`Stat::Count`]). All results are finite or NaN. A device may keep a copy of them.
    ///
    /// Equal rows on both sides differ by exactly 0 (where they have a value), and exchanging the
    /// sides changes exactly the sign.
    ///
    /// # Errors
    /// Returns a [`BackendError`] if the device fails.
    ///
    /// # Panics
    /// Panics if a row is outside its tensor.
    fn values(&self, layers: &[LayerRows<'_>], stat: Stat, diff: Diff) -> Result<Reduced, BackendError>;
}

/// The reduction on all processor cores, in f64.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu;

impl Backend for Cpu {
    fn values(&self, layers: &[LayerRows<'_>], stat: Stat, diff: Diff) -> Result<Reduced, BackendError> {
        Ok(Reduced::on_cpu(layers.par_iter().map(|layer| layer_values(*layer, stat, diff)).collect()))
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

/// Rounds to f32; a result that is not finite becomes NaN.
pub(super) fn rounded(values: impl IntoIterator<Item = f64>) -> Vec<f32> {
    let finite = |value: f32| if value.is_finite() { value } else { f32::NAN };
    values.into_iter().map(|value| finite(value as f32)).collect()
}

/// The difference of two statistics. For the effect size, which needs more than two numbers, see
/// [`effect`].
pub(super) fn difference(a: f64, b: f64, diff: Diff) -> f64 {
    match diff {
        Diff::Signed | Diff::Effect => a - b,
        Diff::Abs => (a - b).abs(),
    }
}

/// Count, mean and spread of one unit on one side, from which the effect size is computed.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnitMoments {
    /// Number of finite values.
    pub(super) count: f64,
    /// Mean; NaN without a value.
    pub(super) mean: f64,
    /// Sum of squared distances from the mean.
    pub(super) squares: f64,
}

/// The effect size, see [`Diff::Effect`]. 0 for equal means; NaN for different means without spread.
pub(super) fn effect(a: UnitMoments, b: UnitMoments) -> f64 {
    let apart = a.mean - b.mean;
    if apart == 0.0 {
        return 0.0;
    }
    let pooled = (a.squares + b.squares) / (a.count + b.count - 2.0);
    if pooled > 0.0 { apart / pooled.sqrt() } else { f64::NAN }
}

fn unit_moments(TensorRows { tensor, rows }: TensorRows) -> impl Iterator<Item = UnitMoments> {
    let moments: Moments = reduce(tensor, rows);
    let count = moments.count();
    (0..tensor.columns()).map(move |unit| {
        let (mean, squares) = moments.centred(unit);
        UnitMoments { count: count[unit] as f64, mean, squares }
    })
}

fn statistic(layer: TensorRows, stat: Stat) -> Vec<f64> {
    let TensorRows { tensor, rows } = layer;
    let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect();
    match (stat, rows) {
        (Stat::Mean | Stat::Min | Stat::Max, &[row]) => wide(tensor.row(row).into_owned()),
        (Stat::Mean, _) => unit_moments(layer).map(|unit| unit.mean).collect(),
        (Stat::Std, _) => {
            let deviation = |unit: UnitMoments| {
                if unit.count > 0.0 { (unit.squares / unit.count).sqrt() } else { f64::NAN }
            };
            unit_moments(layer).map(deviation).collect()
        }
        (Stat::Count, _) => unit_moments(layer).map(|unit| unit.count).collect(),
        (Stat::Min, _) => wide(reduce::<Extremes>(tensor, rows).min()),
        (Stat::Max, _) => wide(reduce::<Extremes>(tensor, rows).max()),
        (Stat::Rate, _) => wide(reduce::<Firing>(tensor, rows).rate()),
    }
}
