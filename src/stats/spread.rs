//! How the values of a layer lie between the least and the greatest: a small table of quantiles, kept
//! when the values themselves are gone.

use rayon::prelude::*;

use crate::model::LayerCells;

/// Shares of the values that the table tells, dense at both ends, where colour maps are cut.
const SHARES: [f32; 25] = [
    0.0, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95,
    0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 1.0,
];
/// Of layers with more cells than this an evenly strided sample stands for all of them; the least and the
/// greatest are those of all.
const SAMPLE: usize = 1 << 18;

/// Spread of the finite values of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantiles {
    /// How many finite values there are, as far as a sample tells.
    count: f64,
    values: Table,
    /// Of the absolute values.
    absolute: Table,
}

#[derive(Clone, Debug, PartialEq)]
struct Table([f32; SHARES.len()]);

impl Quantiles {
    /// Of one layer; `None` where it has no finite value.
    pub fn of(layer: &LayerCells) -> Option<Self> {
        let stride = layer.values.len().div_ceil(SAMPLE).max(1);
        let finite = || layer.values.par_iter().copied().filter(|value| value.is_finite());
        let low = finite().reduce_with(f32::min)?;
        let high = finite().reduce_with(f32::max)?;
        let mut sample: Vec<f32> =
            layer.values.iter().copied().step_by(stride).filter(|value| value.is_finite()).collect();
        let count = sample.len() as f64 * stride as f64;
        sample.sort_unstable_by(f32::total_cmp);
        let values = Table::of(&sample, low, high);
        sample.iter_mut().for_each(|value| *value = value.abs());
        sample.sort_unstable_by(f32::total_cmp);
        let least = if low <= 0.0 && high >= 0.0 {
            sample.first().copied().unwrap_or(0.0)
        } else {
            low.abs().min(high.abs())
        };
        let absolute = Table::of(&sample, least, low.abs().max(high.abs()));
        Some(Self { count: count.max(1.0), values, absolute })
    }

    /// Of every layer.
    pub fn of_all(layers: &[LayerCells]) -> Vec<Option<Self>> {
        layers.par_iter().map(Self::of).collect()
    }

    /// The value that `share` of the values do not exceed, linear between order statistics.
    pub fn quantile(&self, share: f32) -> f32 {
        self.values.at(share)
    }

    /// The same of the absolute values.
    pub fn absolute_quantile(&self, share: f32) -> f32 {
        self.absolute.at(share)
    }

    /// The value that `share` of all values of some layers do not exceed, each layer's divided by its
    /// scale (> 0); of the absolute values where `absolute`. `None` without a layer.
    pub fn joint<'a>(
        layers: impl Iterator<Item = (&'a Self, f32)> + Clone,
        share: f32,
        absolute: bool,
    ) -> Option<f32> {
        let table = |spread: &'a Self| if absolute { &spread.absolute } else { &spread.values };
        let total: f64 = layers.clone().map(|(spread, _)| spread.count).sum();
        let low = layers.clone().map(|(it, scale)| table(it).0[0] / scale).reduce(f32::min)?;
        let high = layers.clone().map(|(it, scale)| table(it).at(1.0) / scale).reduce(f32::max)?;
        let below = |value: f32| {
            let counts = layers.clone().map(|(it, scale)| it.count * table(it).share(value * scale));
            counts.sum::<f64>() / total
        };
        let share = f64::from(share);
        if below(low) >= share {
            return Some(low);
        }
        let (mut under, mut over) = (low, high);
        for _ in 0..48 {
            let middle = under + (over - under) / 2.0;
            if below(middle) >= share { over = middle } else { under = middle }
        }
        Some(over)
    }
}

impl Table {
    /// Of sorted values that lie between `low` and `high`.
    fn of(sorted: &[f32], low: f32, high: f32) -> Self {
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

    fn at(&self, share: f32) -> f32 {
        let after = SHARES.partition_point(|it| *it < share).clamp(1, SHARES.len() - 1);
        let (a, b) = (SHARES[after - 1], SHARES[after]);
        let part = ((share - a) / (b - a)).clamp(0.0, 1.0);
        self.0[after - 1] + (self.0[after] - self.0[after - 1]) * part
    }

    /// Share of the values that do not exceed `value`.
    fn share(&self, value: f32) -> f64 {
        let after = self.0.partition_point(|it| *it <= value);
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
        // −100, −99, …, 900, shuffled, with what is no value between them.
        let mut values: Vec<f32> = (0..1001).map(|i| (i * 37 % 1001) as f32 - 100.0).collect();
        values.extend([f32::NAN, LayerCells::NO_CELL, f32::NAN]);
        let spread = Quantiles::of(&layer(values)).expect("values");
        for (share, expected) in
            [(0.0, -100.0), (0.005, -95.0), (0.05, -50.0), (0.5, 400.0), (0.99, 890.0), (1.0, 900.0)]
        {
            assert!((spread.quantile(share) - expected).abs() < 0.01, "{share}: {}", spread.quantile(share));
        }
        // 0, 1, 1, …, 100, 100, 101, …, 900: the hundredth part from above is beyond 890.
        assert!((spread.absolute_quantile(0.99) - 890.0).abs() < 0.01);
        assert_eq!((spread.absolute_quantile(0.0), spread.absolute_quantile(1.0)), (0.0, 900.0));
        assert_eq!(Quantiles::of(&layer(vec![f32::NAN, LayerCells::NO_CELL])), None);
    }

    #[test]
    fn layers_count_together_by_how_many_values_they_have() {
        let small = Quantiles::of(&layer((0..101).map(|i| 10.0 + i as f32).collect()));
        let large = Quantiles::of(&layer((0..9999).map(|i| i as f32 / 9999.0).collect()));
        let both: Vec<Quantiles> = [small, large].into_iter().flatten().collect();
        let joint = |share| Quantiles::joint(both.iter().map(|it| (it, 1.0)), share, false).expect("two");
        // The hundredth part of all 10 100 is the small layer.
        assert!((joint(0.5) - 0.505).abs() < 0.01, "{}", joint(0.5));
        assert!((joint(0.995) - 60.0).abs() < 3.0, "{}", joint(0.995));
        assert_eq!(joint(1.0), 110.0);
        let scaled = Quantiles::joint(both.iter().zip([10.0, 1.0]), 1.0, false).expect("two");
        assert_eq!(scaled, 11.0);
    }

    #[test]
    fn a_sample_knows_the_ends_of_all() {
        let mut values: Vec<f32> = (0..1_000_003).map(|i| (i % 1000) as f32).collect();
        values[17] = -5.0;
        values[999_983] = 7000.0;
        let spread = Quantiles::of(&layer(values)).expect("values");
        assert_eq!((spread.quantile(0.0), spread.quantile(1.0)), (-5.0, 7000.0));
        assert!((spread.quantile(0.98) - 980.0).abs() < 5.0, "{}", spread.quantile(0.98));
    }
}
