//! What can be said of a layer at an epoch, over all inputs.

/// Facts of one layer. Shares are in [0, 1]; `None` is what cannot be known from the recording.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LayerFacts {
    /// Mean activation over all inputs and units; NaN without a value.
    pub mean: f32,
    /// Share of units that are > 0 for no input: dead, where a rectifier follows.
    pub dead: Option<f32>,
    /// Share of units whose values all lie in the outermost 5 % of what the layer shows, at the upper
    /// end or, where the layer has values below 0, at the lower.
    pub saturated: Option<f32>,
    /// Share of activations that are not > 0.
    pub sparsity: Option<f32>,
    /// Mean class selectivity index of the units, see [`super::Selectivity`].
    pub selectivity: Option<f32>,
    /// Distance of the units' means from those of the recorded epoch before, by the length of these:
    /// ‖m − m₀‖₂ / ‖m₀‖₂. `None` at the first epoch.
    pub change: Option<f32>,
    /// Units without a value.
    pub without_value: usize,
}
