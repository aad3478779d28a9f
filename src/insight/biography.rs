//! All that can be said of one unit: its training, its classes, its inputs, its like.

/// The life of one unit. Values are activations as recorded; NaN is no value.
#[derive(Clone, Debug, PartialEq)]
pub struct Biography {
    /// Index into the recording's layers.
    pub layer: usize,
    /// From 0, as trained.
    pub unit: usize,
    /// Index into the recording's epochs: of this one are distributions, inputs and twins.
    pub epoch: usize,
    /// One per readable epoch, in their order.
    pub history: Vec<Moment>,
    /// Of all inputs, then one per class that has any.
    pub distributions: Vec<Distribution>,
    /// The inputs with the greatest values and these, the greatest first.
    pub strongest: Vec<(usize, f32)>,
    pub selectivity: Option<Selectivity>,
    /// Units of the same layer that answer most alike, the most alike first.
    pub twins: Vec<Twin>,
    /// Its mean is the so-many-greatest of its layer's, from 1.
    pub rank: Option<usize>,
    /// Units that its layer has.
    pub of: usize,
}

/// What a unit shows at one epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// Index into the recording's epochs.
    pub epoch: usize,
    /// Mean over all inputs.
    pub all: f32,
    /// Mean per class of the recording.
    pub classes: Vec<f32>,
}

/// How the values of a unit lie over some inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// Index into the recording's classes; `None` is all inputs.
    pub class: Option<usize>,
    /// Finite values.
    pub count: u64,
    pub mean: f32,
    /// Population standard deviation, where known.
    pub deviation: Option<f32>,
    /// Least, lower quartile, median, upper quartile, greatest (linear interpolation between order
    /// statistics); `None` where single values were not recorded.
    pub quartiles: Option<[f32; 5]>,
    /// Share of values > 0, where known.
    pub rate: Option<f32>,
}

/// Class selectivity index: (μ_max − μ_rest) / (μ_max + μ_rest), of the class whose mean activation is
/// greatest and the mean of the other classes' means, where means below 0 count as 0. In [0, 1]
/// (Morcos, Barrett, Rabinowitz and Botvinick, "On the importance of single directions for
/// generalization", 2018).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Selectivity {
    pub index: f32,
    /// The class, as an index into the recording's.
    pub class: usize,
}

/// A unit that answers like another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Twin {
    pub unit: usize,
    /// Pearson's correlation over the inputs, or over the classes' means where inputs were not
    /// recorded.
    pub correlation: f32,
}
