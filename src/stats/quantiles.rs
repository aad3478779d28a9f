//! Tables of the quantiles of a layer's values, small enough to be kept without the values.

use rayon::prelude::*;

use crate::model::LayerCells;

/// Probabilities of the tabulated quantiles, dense at both ends, where colour maps are clipped.
const SHARES: [f32; 25] = [
    0.0, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95,
    0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 1.0,
];
/// Greatest number of values in the sample of a layer. Larger layers are sampled with an even stride;
/// their least and greatest values are exact.
const MAX_SAMPLE: usize = 1 << 18;

/// Quantiles of the finite values of one layer, and of their absolute values.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantiles {
    /// Number of finite values, estimated from the sample.
    count: f64,
    values: QuantileTable,
    /// Quantiles of the absolute values.
    absolute: QuantileTable,
}

/// The quantiles for [`SHARES`].
#[derive(Clone, Debug, PartialEq)]
struct QuantileTable([f32; SHARES.len()]);

impl Quantiles {
    /// Computes the quantiles of one layer; `None` if it has no finite value.
    pub fn of(layer: &LayerCells) -> Option<Self> {
        let stride = layer.values.len().div_ceil(MAX_SAMPLE).max(1);
        let finite = || layer.values.par_iter().copied().filter(|value| value.is_finite());
        let low = finite().reduce_with(f32::min)?;
        let high = finite().reduce_with(f32::max)?;
        let mut sample: Vec<f32> =
            layer.values.iter().copied().step_by(stride).filter(|value| value.is_finite()).collect();
        let count = sample.len() as f64 * stride as f64;
        sample.sort_unstable_by(f32::total_cmp);
        let values = QuantileTable::new(&sample, low, high);
        sample.iter_mut().for_each(|value| *value = value.abs());
        sample.sort_unstable_by(f32::total_cmp);
        let least = if low <= 0.0 && high >= 0.0 {
            sample.first().copied().unwrap_or(0.0)
        } else {
            low.abs().min(high.abs())
        };
        let absolute = QuantileTable::new(&sample, least, low.abs().max(high.abs()));
        Some(Self { count: count.max(1.0), values, absolute })
    }

    /// Computes the quantiles of every layer.
    pub fn of_all(layers: &[LayerCells]) -> Vec<Option<Self>> {
        layers.par_iter().map(Self::of).collect()
    }

    /// The quantile for `share` in [0, 1], interpolated linearly.
    pub fn quantile(&self, share: f32) -> f32 {
        self.values.quantile(share)
    }

    /// The quantile of the absolute values for `share` in [0, 1].
    pub fn absolute_quantile(&self, share: f32) -> f32 {
        self.absolute.quantile(share)
    }

    /// The quantile for `share` of the values of several layers together, those of each layer divided by
    /// its scale (> 0); of the absolute values if `absolute`. `None` without a layer.
    pub fn joint<'a>(
        layers: impl Iterator<Item = (&'a Self, f32)> + Clone,
        share: f32,
        absolute: bool,
    ) -> Option<f32> {
        let table = |quantiles: &'a Self| if absolute { &quantiles.absolute } else { &quantiles.values };
        let total: f64 = layers.clone().map(|(quantiles, _)| quantiles.count).sum();
        let low = layers.clone().map(|(own, scale)| table(own).0[0] / scale).reduce(f32::min)?;
        let high = layers.clone().map(|(own, scale)| table(own).quantile(1.0) / scale).reduce(f32::max)?;
        let share_up_to = |value: f32| {
            let counts = layers.clone().map(|(own, scale)| own.count * table(own).share_up_to(value * scale));
            counts.sum::<f64>() / total
        };
        let share = f64::from(share);
        if share_up_to(low) >= share {
            return Some(low);
        }
        let (mut under, mut over) = (low, high);
        for _ in 0..48 {
            let middle = under + (over - under) / 2.0;
            if share_up_to(middle) >= share { over = middle } else { under = middle }
        }
        Some(over)
    }
}

impl QuantileTable {
    /// Computes the table of ascending values whose least is `low` and whose greatest is `high`.
    fn new(sorted: &[f32], low: f32, high: f32) -> Self {
        let last = sorted.len().saturating_sub(1);
        let mut table = SHARES.map(|share| {
            let at = share * last as f32;
            let (index, part) = (at as usize, at.fract());
            let value = |index: usize| sorted.get(index.min(last)).copied().unwrap_or(low);
            value(index) + (value(index + 1) - value(index)) * part
        });
        table[0] = low;
        table[SHARES.len() - 1] = high;
        Self(table)
    }

    /// The quantile for `share`, interpolated linearly.
    fn quantile(&self, share: f32) -> f32 {
        let after = SHARES.partition_point(|other| *other < share).clamp(1, SHARES.len() - 1);
        let (a, b) = (SHARES[after - 1], SHARES[after]);
        let part = ((share - a) / (b - a)).clamp(0.0, 1.0);
        self.0[after - 1] + (self.0[after] - self.0[after - 1]) * part
    }

    /// Share of the values that do not exceed `value`, in [0, 1].
    fn share_up_to(&self, value: f32) -> f64 {
        let after = self.0.partition_point(|quantile| *quantile <= value);
        match after {
            0 => 0.0,
            after if after == self.0.len() => 1.0,
            after => {
                let (a, b) = (self.0[after - 1], self.0[after]);
                let part = f64::from((value - a) / (b - a));
                let (low, high) = (f64::from(SHARES[after - 1]), f64::from(SHARES[after]));
                low + (high - low) * part
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Grid;

    fn layer(values: Vec<f32>) -> LayerCells {
        LayerCells { grid: Grid::near_square(values.len()), units: values.len(), values }
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_values() {
        // −100, −99, …, 900, shuffled, with missing values between them.
        let mut values: Vec<f32> = (0..1001).map(|i| (i * 37 % 1001) as f32 - 100.0).collect();
        values.extend([f32::NAN, LayerCells::NO_CELL, f32::NAN]);
        let quantiles = Quantiles::of(&layer(values)).expect("values");
        for (share, expected) in
            [(0.0, -100.0), (0.005, -95.0), (0.05, -50.0), (0.5, 400.0), (0.99, 890.0), (1.0, 900.0)]
        {
            assert!(
                (quantiles.quantile(share) - expected).abs() < 0.01,
                "{share}: {}",
                quantiles.quantile(share)
            );
        }
        // Absolute values 0, 1, 1, …, 100, 100, 101, …, 900: 1 % of them are greater than 890.
        assert!((quantiles.absolute_quantile(0.99) - 890.0).abs() < 0.01);
        assert_eq!((quantiles.absolute_quantile(0.0), quantiles.absolute_quantile(1.0)), (0.0, 900.0));
        assert_eq!(Quantiles::of(&layer(vec![f32::NAN, LayerCells::NO_CELL])), None);
    }

    #[test]
    fn joint_quantiles_weight_layers_by_their_number_of_values() {
        let small = Quantiles::of(&layer((0..101).map(|i| 10.0 + i as f32).collect()));
        let large = Quantiles::of(&layer((0..9999).map(|i| i as f32 / 9999.0).collect()));
        let both: Vec<Quantiles> = [small, large].into_iter().flatten().collect();
        let joint = |share| {
            Quantiles::joint(both.iter().map(|quantiles| (quantiles, 1.0)), share, false).expect("two")
        };
        // The small layer has 1 % of all 10 100 values.
        assert!((joint(0.5) - 0.505).abs() < 0.01, "{}", joint(0.5));
        assert!((joint(0.995) - 60.0).abs() < 3.0, "{}", joint(0.995));
        assert_eq!(joint(1.0), 110.0);
        let scaled = Quantiles::joint(both.iter().zip([10.0, 1.0]), 1.0, false).expect("two");
        assert_eq!(scaled, 11.0);
    }

    #[test]
    fn least_and_greatest_of_a_sampled_layer_are_exact() {
        let mut values: Vec<f32> = (0..1_000_003).map(|i| (i % 1000) as f32).collect();
        values[17] = -5.0;
        values[999_983] = 7000.0;
        let quantiles = Quantiles::of(&layer(values)).expect("values");
        assert_eq!((quantiles.quantile(0.0), quantiles.quantile(1.0)), (-5.0, 7000.0));
        assert!((quantiles.quantile(0.98) - 980.0).abs() < 5.0, "{}", quantiles.quantile(0.98));
    }
}
