//! The made-up network: every value is a function of the seed and of where and when it is, so that
//! any part can be made without the others.

use std::f32::consts::{FRAC_1_SQRT_2, PI, TAU};

use half::f16;

use super::SynthOptions;
use crate::model::{Layer, LayerKind, Reduction};

/// Share of units that never answer.
const BORN_DEAD: f32 = 0.04;

/// Share of units that stop answering at some time.
const DYING: f32 = 0.04;

pub(super) struct Network {
    sizes: Vec<usize>,
    /// Columns of the nearly square field that each layer's units are thought to stand in.
    columns: Vec<usize>,
    inputs: usize,
    classes: usize,
    seed: u64,
    /// Whether the last layer has one unit a class.
    has_output: bool,
}

/// A time of the training.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    epoch: u64,
    /// From 0 at the first epoch to 1 at the last.
    time: f32,
    /// How much has been learnt, from 0 towards 1.
    pub(super) learned: f32,
}

/// Statistics of a unit over many inputs.
#[derive(Clone, Copy, Default)]
pub(super) struct Moments {
    pub(super) mean: f32,
    pub(super) second: f32,
    pub(super) min: f32,
    pub(super) max: f32,
    pub(super) rate: f32,
}

/// What a unit is like at some time.
struct Traits {
    /// The class that it answers to.
    preferred: usize,
    /// Mean before the rectifier, of inputs without a class.
    base: f32,
    /// Added for the preferred class, and for the others.
    liked: f32,
    other: f32,
    deviation: f32,
    rectified: bool,
}

/// Mean and standard deviation before the rectifier.
struct Drive {
    mean: f32,
    deviation: f32,
    rectified: bool,
}

impl Network {
    pub(super) fn new(options: &SynthOptions) -> Self {
        let &SynthOptions { units, layers, inputs, classes, seed, .. } = options;
        let has_output = layers > 1 && classes > 0 && units >= classes + layers - 1;
        let (hidden, rest) = if has_output { (layers - 1, units - classes) } else { (layers, units) };
        // Wide in the middle, every layer at least one unit.
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

    pub(super) fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    pub(super) fn classes(&self) -> usize {
        self.classes
    }

    /// The label of an input; they take turns.
    pub(super) fn class_of(&self, input: usize) -> Option<usize> {
        input.checked_rem(self.classes)
    }

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

    pub(super) fn moment(&self, epoch: usize, epochs: usize) -> Moment {
        let time = if epochs > 1 { epoch as f32 / (epochs - 1) as f32 } else { 1.0 };
        Moment { epoch: epoch as u64, time, learned: 1.0 - (-3.5 * time).exp() }
    }

    /// The activation of a unit for an input.
    pub(super) fn value(&self, moment: &Moment, layer: usize, unit: usize, input: usize) -> f32 {
        let drive = self.traits(moment, layer, unit).drive(self.class_of(input));
        // Most of what an input does to a unit lasts from epoch to epoch.
        let lasting = normal(self.random(&[1, layer as u64, unit as u64, input as u64]));
        let passing = normal(self.random(&[2, layer as u64, unit as u64, input as u64, moment.epoch]));
        let value = drive.mean + drive.deviation * (0.9 * lasting + 0.436 * passing);
        if drive.rectified { value.max(0.0) } else { value }
    }

    /// What the activations of a unit amount to over the inputs of a class, or of all.
    pub(super) fn moments(
        &self,
        moment: &Moment,
        layer: usize,
        unit: usize,
        class: Option<usize>,
    ) -> Moments {
        let traits = self.traits(moment, layer, unit);
        let of = |class| traits.drive(class).moments();
        match class {
            None if self.classes > 1 => {
                // All classes but the preferred one drive the unit alike.
                let preferred = traits.preferred;
                let (one, others) = (of(Some(preferred)), of(Some((preferred + 1) % self.classes)));
                let share = 1.0 / self.classes as f32;
                let mix = |a: f32, b: f32| share * a + (1.0 - share) * b;
                Moments {
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

    /// The class that each input is taken for, where the network has outputs, and the mean
    /// cross-entropy.
    pub(super) fn predict(&self, moment: &Moment) -> (Vec<Option<usize>>, f64) {
        if !self.has_output {
            return (vec![None; self.inputs], 0.0);
        }
        let output = self.sizes.len() - 1;
        let mut loss = 0.0;
        let predict = |input: usize| {
            // As they are stored, so that the greatest stored output is the prediction.
            let logits: Vec<f32> = (0..self.classes)
                .map(|unit| f16::from_f32(self.value(moment, output, unit, input)).to_f32())
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

    /// RGB pixels: a soft pattern in the colour of the input's class.
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

    fn is_output(&self, layer: usize) -> bool {
        self.has_output && layer + 1 == self.sizes.len()
    }

    fn traits(&self, moment: &Moment, layer: usize, unit: usize) -> Traits {
        let deviation = 0.8 - 0.3 * moment.learned;
        if self.is_output(layer) {
            let (liked, other) = (4.0 * moment.learned, -0.5 * moment.learned);
            return Traits { preferred: unit, base: 0.0, liked, other, deviation, rectified: false };
        }
        let random = self.random(&[6, layer as u64, unit as u64]);
        let preferred = (scramble(random) % self.classes.max(1) as u64) as usize;
        let fate = uniform(random);
        if fate < BORN_DEAD || fate < BORN_DEAD + DYING * (1.25 * moment.time - 0.25) {
            return Traits {
                preferred,
                base: -100.0,
                liked: 0.0,
                other: 0.0,
                deviation: 0.0,
                rectified: true,
            };
        }
        // Neighbours resemble each other a little, as a field of activations does.
        let columns = self.columns[layer];
        let scale = 1.0 / columns as f32;
        let (x, y) = ((unit % columns) as f32 * scale, (unit / columns) as f32 * scale);
        let phase = 0.27 * layer as f32;
        let field = 0.3 * wave(1.5 * x + phase) * wave(1.2 * y - phase + 0.25);
        let depth = (layer + 1) as f32 / self.sizes.len() as f32;
        let selective = uniform(random.rotate_left(24));
        let selectivity = 3.0 * depth * selective * selective * moment.learned;
        let lean = normal(random.rotate_left(40).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let base = 0.5 * lean - 0.3 * moment.learned + field;
        Traits { preferred, base, liked: selectivity, other: -0.25 * selectivity, deviation, rectified: true }
    }

    /// A number that depends on the seed and on all of `place`.
    fn random(&self, place: &[u64]) -> u64 {
        let mix =
            |state: u64, &part: &u64| (state.rotate_left(23) ^ part).wrapping_mul(0xd134_2543_de82_ef95);
        scramble(place.iter().fold(self.seed ^ 0x6a09_e667_f3bc_c909, mix))
    }
}

impl Traits {
    fn drive(&self, class: Option<usize>) -> Drive {
        let answer = match class {
            Some(class) if class == self.preferred => self.liked,
            Some(_) => self.other,
            None => 0.0,
        };
        Drive { mean: self.base + answer, deviation: self.deviation, rectified: self.rectified }
    }
}

impl Drive {
    /// Of a normal variable, rectified if need be (J. Tobin, Econometrica 26, 1958, for the moments).
    fn moments(&self) -> Moments {
        let Self { mean, deviation, rectified } = *self;
        let (low, high) = (mean - 3.0 * deviation, mean + 3.0 * deviation);
        if deviation <= 0.0 {
            let value = if rectified { mean.max(0.0) } else { mean };
            let rate = if value > 0.0 { 1.0 } else { 0.0 };
            return Moments { mean: value, second: value * value, min: value, max: value, rate };
        }
        let z = mean / deviation;
        let rate = 0.5 * (1.0 + error_function(z * FRAC_1_SQRT_2));
        if !rectified {
            let second = mean * mean + deviation * deviation;
            return Moments { mean, second, min: low, max: high, rate };
        }
        let density = (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
        Moments {
            mean: (mean * rate + deviation * density).max(0.0),
            second: ((mean * mean + deviation * deviation) * rate + mean * deviation * density).max(0.0),
            min: low.max(0.0),
            max: high.max(0.0),
            rate,
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
fn scramble(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// In [0, 1), from the upper bits.
fn uniform(random: u64) -> f32 {
    (random >> 40) as f32 / (1_u64 << 24) as f32
}

/// Nearly normal, mean 0 and deviation 1: the sum of four uniform numbers.
fn normal(random: u64) -> f32 {
    let sum: u64 = (0..4).map(|part| (random >> (16 * part)) & 0xffff).sum();
    (sum as f32 / 65536.0 - 2.0) * 3.0_f32.sqrt()
}

/// Nearly a sine, of turns: a parabola for each half.
fn wave(turns: f32) -> f32 {
    let t = 2.0 * (turns - turns.floor()) - 1.0;
    -4.0 * t * (1.0 - t.abs())
}

/// To 1.5e-7 (Abramowitz and Stegun, 7.1.26).
fn error_function(x: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let polynomial =
        t * (0.254_829_6 + t * (-0.284_496_74 + t * (1.421_413_7 + t * (-1.453_152 + t * 1.061_405_4))));
    (1.0 - polynomial * (-x * x).exp()).copysign(x)
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
            let network = Network::new(&options);
            assert_eq!((network.sizes.iter().sum::<usize>(), network.sizes.len()), (units, layers));
            assert!(network.sizes.iter().all(|&size| size > 0));
        }
    }

    #[test]
    fn moments_are_those_of_many_samples() {
        let options = SynthOptions { units: 300, layers: 3, inputs: 20_000, ..SynthOptions::default() };
        let network = Network::new(&options);
        let moment = network.moment(5, 10);
        for (layer, unit) in [(0, 3), (1, 7), (1, 40), (2, 4)] {
            let told = network.moments(&moment, layer, unit, None);
            let sum = |of: fn(f32) -> f32| {
                let all = (0..options.inputs)
                    .map(|input| f64::from(of(network.value(&moment, layer, unit, input))));
                (all.sum::<f64>() / options.inputs as f64) as f32
            };
            let (mean, second) = (sum(|value| value), sum(|value| value * value));
            let rate = sum(|value| if value > 0.0 { 1.0 } else { 0.0 });
            assert!((told.mean - mean).abs() < 0.02, "mean {} {mean}", told.mean);
            assert!((told.second - second).abs() < 0.06, "second moment {} {second}", told.second);
            assert!((told.rate - rate).abs() < 0.02, "rate {} {rate}", told.rate);
        }
    }
}
