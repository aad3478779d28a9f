//! The synthetic network. Every value is a function of the seed and of its layer, unit, input and epoch, so that
//! any part can be computed without the others.

use std::f32::consts::{FRAC_1_SQRT_2, PI, TAU};

use half::f16;

use super::numbers::{error_function, normal, scramble, uniform, wave};
use super::options::SynthOptions;
use crate::model::{Layer, LayerKind, Reduction};

/// Share of units that are dead from the first epoch on.
const BORN_DEAD: f32 = 0.04;

/// Share of units that die at a later epoch.
const DYING: f32 = 0.04;

/// Sizes and seed of a synthetic network.
pub(super) struct SynthNetwork {
    /// Number of units of each layer.
    sizes: Vec<usize>,
    /// Number of columns of the nearly square grid of each layer's units.
    columns: Vec<usize>,
    inputs: usize,
    classes: usize,
    seed: u64,
    /// `true` if the last layer has one unit per class.
    has_output: bool,
}

/// The state of the training at an epoch.
#[derive(Clone, Copy)]
pub(super) struct SynthEpoch {
    epoch: u64,
    /// From 0 at the first epoch to 1 at the last.
    time: f32,
    /// Progress of learning, from 0 towards 1.
    pub(super) learned: f32,
}

/// Statistics of a unit over many inputs.
#[derive(Clone, Copy, Default)]
pub(super) struct SynthUnit {
    pub(super) mean: f32,
    /// Mean of the squares.
    pub(super) second: f32,
    pub(super) min: f32,
    pub(super) max: f32,
    /// Firing rate.
    pub(super) rate: f32,
}

/// The properties of a unit at an epoch.
struct UnitTraits {
    /// The class that the unit responds to.
    preferred: usize,
    /// Mean before the rectifier for inputs without a class.
    base: f32,
    /// Added to the mean for the preferred class.
    for_preferred: f32,
    /// Added to the mean for the other classes.
    for_others: f32,
    deviation: f32,
    rectified: bool,
}

/// Distribution of the values of a unit before the rectifier.
struct PreActivation {
    mean: f32,
    deviation: f32,
    rectified: bool,
}

impl SynthNetwork {
    /// Divides the units among the layers.
    pub(super) fn new(options: &SynthOptions) -> Self {
        let &SynthOptions { units, layers, inputs, classes, seed, .. } = options;
        let has_output = layers > 1 && classes > 0 && units >= classes + layers - 1;
        let (hidden, rest) = if has_output { (layers - 1, units - classes) } else { (layers, units) };
        // Layers are wide in the middle, and each has at least one unit.
        let weight =
            |layer: usize| 1.0 + 2.0 * (std::f64::consts::PI * (layer as f64 + 0.5) / hidden as f64).sin();
        let total: f64 = (0..hidden).map(weight).sum();
        let spare = (rest - hidden) as f64;
        let mut sizes: Vec<usize> =
            (0..hidden).map(|layer| 1 + (spare * weight(layer) / total) as usize).collect();
        let given: usize = sizes.iter().sum();
        if let Some(middle) = sizes.get_mut(hidden / 2) {
            *middle = (*middle + rest).saturating_sub(given);
        }
        if has_output {
            sizes.push(classes);
        }
        let columns = sizes.iter().map(|&size| size.isqrt().max(1)).collect();
        Self { sizes, columns, inputs, classes, seed, has_output }
    }

    /// Returns the number of units of each layer.
    pub(super) fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// Returns the number of inputs.
    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    /// Returns the number of classes.
    pub(super) fn classes(&self) -> usize {
        self.classes
    }

    /// Returns the class of an input; consecutive inputs have consecutive classes.
    pub(super) fn class_of(&self, input: usize) -> Option<usize> {
        input.checked_rem(self.classes)
    }

    /// Describes the layers: convolutions first, then linear ones.
    pub(super) fn layers(&self) -> Vec<Layer> {
        let convolutions = self.sizes.len() * 3 / 5;
        let mut before = 3;
        let layer = |(index, &units): (usize, &usize)| {
            let inputs = std::mem::replace(&mut before, units) as u64;
            let is_map = index < convolutions;
            let (module, kernel, text) = if is_map {
                ("Conv2d", 9, format!("Conv2d({inputs}, {units}, kernel_size=(3, 3), padding=(1, 1))"))
            } else {
                ("Linear", 1, format!("Linear(in_features={inputs}, out_features={units}, bias=True)"))
            };
            let name = match () {
                () if self.has_output && index + 1 == self.sizes.len() => "output".to_owned(),
                () if is_map => format!("features.{index}"),
                () => format!("classifier.{}", index - convolutions),
            };
            let weights = inputs.checked_mul(units as u64).and_then(|weights| weights.checked_mul(kernel));
            Layer {
                name,
                module: module.to_owned(),
                text,
                kind: if is_map { LayerKind::FeatureMap } else { LayerKind::Dense },
                shape: vec![units],
                units,
                parameters: weights.and_then(|weights| weights.checked_add(units as u64)),
                dtype: "float32".to_owned(),
                reduction: if is_map { Reduction::SpatialMean } else { Reduction::None },
            }
        };
        self.sizes.iter().enumerate().map(layer).collect()
    }

    /// Returns the state of the training at one of `epochs` epochs.
    pub(super) fn epoch(&self, epoch: usize, epochs: usize) -> SynthEpoch {
        let time = if epochs > 1 { epoch as f32 / (epochs - 1) as f32 } else { 1.0 };
        SynthEpoch { epoch: epoch as u64, time, learned: 1.0 - (-3.5 * time).exp() }
    }

    /// Returns the activation of a unit for an input.
    pub(super) fn value(&self, state: &SynthEpoch, layer: usize, unit: usize, input: usize) -> f32 {
        let distribution = self.traits(state, layer, unit).pre_activation(self.class_of(input));
        // Most of the response of a unit to an input persists from epoch to epoch.
        let lasting = normal(self.random(&[1, layer as u64, unit as u64, input as u64]));
        let passing = normal(self.random(&[2, layer as u64, unit as u64, input as u64, state.epoch]));
        let value = distribution.mean + distribution.deviation * (0.9 * lasting + 0.436 * passing);
        if distribution.rectified { value.max(0.0) } else { value }
    }

    /// Returns the expected statistics of a unit over the inputs of a class, or over all inputs.
    pub(super) fn moments(
        &self,
        state: &SynthEpoch,
        layer: usize,
        unit: usize,
        class: Option<usize>,
    ) -> SynthUnit {
        let traits = self.traits(state, layer, unit);
        let of = |class| traits.pre_activation(class).moments();
        match class {
            None if self.classes > 1 => {
                // All classes but the preferred one have the same distribution.
                let preferred = traits.preferred;
                let (one, others) = (of(Some(preferred)), of(Some((preferred + 1) % self.classes)));
                let share = 1.0 / self.classes as f32;
                let mix = |a: f32, b: f32| share * a + (1.0 - share) * b;
                SynthUnit {
                    mean: mix(one.mean, others.mean),
                    second: mix(one.second, others.second),
                    min: one.min.min(others.min),
                    max: one.max.max(others.max),
                    rate: mix(one.rate, others.rate),
                }
            }
            None => of((self.classes == 1).then_some(0)),
            class => of(class),
        }
    }

    /// Returns the predicted class of each input, `None` for a network without outputs, and the mean
    /// cross-entropy.
    pub(super) fn predict(&self, state: &SynthEpoch) -> (Vec<Option<usize>>, f64) {
        if !self.has_output {
            return (vec![None; self.inputs], 0.0);
        }
        let output = self.sizes.len() - 1;
        let mut loss = 0.0;
        let predict = |input: usize| {
            // Rounded as stored, so that the greatest stored output is the prediction.
            let logits: Vec<f32> = (0..self.classes)
                .map(|unit| f16::from_f32(self.value(state, output, unit, input)).to_f32())
                .collect();
            let greatest =
                (0..self.classes).fold(0, |best, unit| if logits[unit] > logits[best] { unit } else { best });
            let sum: f32 = logits.iter().map(|logit| (logit - logits[greatest]).exp()).sum();
            let label = self.class_of(input).unwrap_or(0);
            loss += f64::from(sum.ln() + logits[greatest] - logits[label]);
            Some(greatest)
        };
        let predictions = (0..self.inputs).map(predict).collect();
        (predictions, loss / self.inputs.max(1) as f64)
    }

    /// Returns RGB pixels: a smooth pattern in the colour of the input's class.
    pub(super) fn picture(&self, input: usize, side: usize) -> Vec<u8> {
        let class = self.class_of(input).unwrap_or(0);
        let hue = TAU * class as f32 / self.classes.max(1) as f32;
        let phase = TAU * uniform(self.random(&[3, input as u64]));
        let mut pixels = Vec::with_capacity(3 * side * side);
        for pixel in 0..side * side {
            let (x, y) = ((pixel % side) as f32 / side as f32, (pixel / side) as f32 / side as f32);
            let wave = 0.5
                + 0.5
                    * (TAU * (x * (1.0 + (class % 3) as f32) + y * (1.0 + (class % 4) as f32)) + phase).sin();
            let noise = 0.2 * uniform(self.random(&[4, input as u64, pixel as u64]));
            for channel in 0..3 {
                let tint = 0.6 + 0.4 * (hue + TAU * channel as f32 / 3.0).cos();
                pixels.push((255.0 * (0.8 * wave * tint + noise).clamp(0.0, 1.0)) as u8);
            }
        }
        pixels
    }

    /// Returns `true` for the layer with one unit per class.
    fn is_output(&self, layer: usize) -> bool {
        self.has_output && layer + 1 == self.sizes.len()
    }

    /// Returns the properties of a unit.
    fn traits(&self, state: &SynthEpoch, layer: usize, unit: usize) -> UnitTraits {
        let deviation = 0.8 - 0.3 * state.learned;
        if self.is_output(layer) {
            let (for_preferred, for_others) = (4.0 * state.learned, -0.5 * state.learned);
            return UnitTraits {
                preferred: unit,
                base: 0.0,
                for_preferred,
                for_others,
                deviation,
                rectified: false,
            };
        }
        let random = self.random(&[6, layer as u64, unit as u64]);
        let preferred = (scramble(random) % self.classes.max(1) as u64) as usize;
        let lifetime = uniform(random);
        if lifetime < BORN_DEAD || lifetime < BORN_DEAD + DYING * (1.25 * state.time - 0.25) {
            return UnitTraits {
                preferred,
                base: -100.0,
                for_preferred: 0.0,
                for_others: 0.0,
                deviation: 0.0,
                rectified: true,
            };
        }
        // Neighbouring units are a little similar, as in measured activations.
        let columns = self.columns[layer];
        let scale = 1.0 / columns as f32;
        let (x, y) = ((unit % columns) as f32 * scale, (unit / columns) as f32 * scale);
        let phase = 0.27 * layer as f32;
        let field = 0.3 * wave(1.5 * x + phase) * wave(1.2 * y - phase + 0.25);
        let depth = (layer + 1) as f32 / self.sizes.len() as f32;
        let selective = uniform(random.rotate_left(24));
        let selectivity = 3.0 * depth * selective * selective * state.learned;
        let bias = normal(random.rotate_left(40).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let base = 0.5 * bias - 0.3 * state.learned + field;
        UnitTraits {
            preferred,
            base,
            for_preferred: selectivity,
            for_others: -0.25 * selectivity,
            deviation,
            rectified: true,
        }
    }

    /// Returns a random number that depends on the seed and all `keys`.
    fn random(&self, keys: &[u64]) -> u64 {
        let mix =
            |state: u64, &part: &u64| (state.rotate_left(23) ^ part).wrapping_mul(0xd134_2543_de82_ef95);
        scramble(keys.iter().fold(self.seed ^ 0x6a09_e667_f3bc_c909, mix))
    }
}

impl UnitTraits {
    /// Returns the distribution of the values for a class.
    fn pre_activation(&self, class: Option<usize>) -> PreActivation {
        let response = match class {
            Some(class) if class == self.preferred => self.for_preferred,
            Some(_) => self.for_others,
            None => 0.0,
        };
        PreActivation { mean: self.base + response, deviation: self.deviation, rectified: self.rectified }
    }
}

impl PreActivation {
    /// Returns the moments of a normal variable, rectified if `rectified` (J. Tobin, Econometrica 26, 1958).
    fn moments(&self) -> SynthUnit {
        let Self { mean, deviation, rectified } = *self;
        let (low, high) = (mean - 3.0 * deviation, mean + 3.0 * deviation);
        if deviation <= 0.0 {
            let value = if rectified { mean.max(0.0) } else { mean };
            let rate = if value > 0.0 { 1.0 } else { 0.0 };
            return SynthUnit { mean: value, second: value * value, min: value, max: value, rate };
        }
        let z = mean / deviation;
        let rate = 0.5 * (1.0 + error_function(z * FRAC_1_SQRT_2));
        if !rectified {
            let second = mean * mean + deviation * deviation;
            return SynthUnit { mean, second, min: low, max: high, rate };
        }
        let density = (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
        SynthUnit {
            mean: (mean * rate + deviation * density).max(0.0),
            second: ((mean * mean + deviation * deviation) * rate + mean * deviation * density).max(0.0),
            min: low.max(0.0),
            max: high.max(0.0),
            rate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_add_up() {
        for (units, layers, classes) in
            [(1, 1, 0), (5, 5, 10), (154, 4, 10), (1_000_003, 12, 10), (11, 2, 10)]
        {
            let options = SynthOptions { units, layers, classes, ..SynthOptions::default() };
            let network = SynthNetwork::new(&options);
            assert_eq!((network.sizes.iter().sum::<usize>(), network.sizes.len()), (units, layers));
            assert!(network.sizes.iter().all(|&size| size > 0));
        }
    }

    #[test]
    fn moments_are_those_of_many_samples() {
        let options = SynthOptions { units: 300, layers: 3, inputs: 20_000, ..SynthOptions::default() };
        let network = SynthNetwork::new(&options);
        let state = network.epoch(5, 10);
        for (layer, unit) in [(0, 3), (1, 7), (1, 40), (2, 4)] {
            let expected = network.moments(&state, layer, unit, None);
            let sum = |of: fn(f32) -> f32| {
                let all =
                    (0..options.inputs).map(|input| f64::from(of(network.value(&state, layer, unit, input))));
                (all.sum::<f64>() / options.inputs as f64) as f32
            };
            let (mean, second) = (sum(|value| value), sum(|value| value * value));
            let rate = sum(|value| if value > 0.0 { 1.0 } else { 0.0 });
            assert!((expected.mean - mean).abs() < 0.02, "mean {} {mean}", expected.mean);
            assert!((expected.second - second).abs() < 0.06, "second moment {} {second}", expected.second);
            assert!((expected.rate - rate).abs() < 0.02, "rate {} {rate}", expected.rate);
        }
    }
}
