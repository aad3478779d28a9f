//! The values at the ends of the colour map of each layer, and the divisors of normalisation.
//!
//! Everything is computed from the quantiles of the layers, one `Option<Quantiles>` per layer (`None`
//! without a finite value), so that the values themselves are not needed.

use super::Quantiles;
use crate::model::{Normalisation, Range, ValueRange, ViewState};

/// Returns the divisor of each layer's values under the normalisation of the view, `t` of the way from one
/// epoch to another.
pub fn divisors(view: &ViewState, from: &[Option<Quantiles>], to: &[Option<Quantiles>], t: f32) -> Vec<f32> {
    let mut divisors = divisors_at(view, from);
    if t > 0.0 {
        for (divisor, later) in divisors.iter_mut().zip(divisors_at(view, to)) {
            *divisor += t * (later - *divisor);
        }
    }
    divisors
}

/// Returns the divisors at one epoch.
fn divisors_at(view: &ViewState, layers: &[Option<Quantiles>]) -> Vec<f32> {
    let greatest = |layer: &Option<Quantiles>| layer.as_ref().map(|layer| layer.absolute_quantile(1.0));
    view.query.norm.scales(&layers.iter().map(greatest).collect::<Vec<_>>())
}

/// Returns the least and the greatest value of each layer, normalised as the view says, `t` of the way from
/// one epoch to another; `None` without a value.
///
/// With [`ViewState::clip`] they are the ends of the values that are left; where the middle of the colour
/// map is zero, they lie at the same distance from it.
pub fn extremes(
    view: &ViewState,
    normalisation: Normalisation,
    from: &[Option<Quantiles>],
    to: &[Option<Quantiles>],
    t: f32,
) -> Vec<Option<ValueRange>> {
    // Interpolated like the values, so that the range flows with them.
    let between = |(a, b): (Option<ValueRange>, Option<ValueRange>)| match (a, b) {
        (Some(a), Some(b)) => Some(a.lerp(b, t)),
        (a, b) => a.or(b),
    };
    let raw = |layers| clipped_extremes(view, normalisation, layers);
    let layers = raw(from).into_iter().zip(raw(to)).map(between).zip(divisors(view, from, to, t));
    layers.map(|(range, divisor)| range.map(|range| range.divided_by(divisor))).collect()
}

/// The share of the epochs at the beginning of the training that does not count for a range over all epochs,
/// with [`ViewState::clip`]: the values of a network are often far larger before it has learned anything.
const BEGINNING: f32 = 0.25;

/// Returns for each layer the union of its [`extremes`] at several epochs, which are in their order; with
/// [`ViewState::clip`] without the first quarter of the epochs.
pub fn extremes_over<'a>(
    view: &ViewState,
    normalisation: Normalisation,
    epochs: impl IntoIterator<Item = &'a [Option<Quantiles>]>,
) -> Vec<Option<ValueRange>> {
    let epochs: Vec<&[Option<Quantiles>]> = epochs.into_iter().collect();
    let first = if view.clip > 0.0 { (BEGINNING * epochs.len() as f32) as usize } else { 0 };
    let mut over: Vec<Option<ValueRange>> = Vec::new();
    for layers in &epochs[first..] {
        let ranges = clipped_extremes(view, normalisation, layers).into_iter().zip(divisors_at(view, layers));
        over.resize(over.len().max(layers.len()), None);
        for (over, (range, divisor)) in over.iter_mut().zip(ranges) {
            let range = range.map(|range| range.divided_by(divisor));
            *over = over.zip(range).map(|(over, range)| over.union(range)).or(*over).or(range);
        }
    }
    over
}

/// Returns for each layer the range of its values, as computed, without the clipped ones.
fn clipped_extremes(
    view: &ViewState,
    normalisation: Normalisation,
    layers: &[Option<Quantiles>],
) -> Vec<Option<ValueRange>> {
    let clip = if view.clip.is_finite() { view.clip.clamp(0.0, 10.0) / 100.0 } else { 0.0 };
    let diverging = view.is_diverging();
    if clip > 0.0 && view.range_of(normalisation) == Range::Network {
        // Quantiles of the network's values, so that they are the same in every layer.
        let divisors = divisors_at(view, layers);
        let present = layers.iter().zip(&divisors).filter_map(|(it, divisor)| Some((it.as_ref()?, *divisor)));
        let joint = |share, absolute| Quantiles::joint(present.clone(), share, absolute);
        let range = if diverging {
            joint(1.0 - clip, true).map(ValueRange::symmetric)
        } else {
            joint(clip, false).zip(joint(1.0 - clip, false)).map(|(low, high)| ValueRange::new(low, high))
        };
        let of_layer = |(layer, divisor): (&Option<Quantiles>, &f32)| {
            layer.as_ref().and(range.map(|range| range.scaled(*divisor)))
        };
        return layers.iter().zip(&divisors).map(of_layer).collect();
    }
    let of_layer = |layer: &Quantiles| {
        if clip > 0.0 && diverging {
            ValueRange::symmetric(layer.absolute_quantile(1.0 - clip))
        } else {
            ValueRange::new(layer.quantile(clip), layer.quantile(1.0 - clip))
        }
    };
    layers.iter().map(|layer| layer.as_ref().map(of_layer)).collect()
}

/// Returns the range of the colour map of each layer, given the [`extremes`] of the layers.
pub fn colour_ranges(
    view: &ViewState,
    normalisation: Normalisation,
    extremes: &[Option<ValueRange>],
) -> Vec<ValueRange> {
    let whole = |range: ValueRange| {
        if view.is_diverging() {
            ValueRange::symmetric(range.reach())
        } else if range.low < range.high && range.low > range.high / 2.0 {
            // From 0 on, all values would be in the upper half of the colour map.
            range
        } else {
            ValueRange::new(range.low.min(0.0), range.high)
        }
    };
    let usable = |range: ValueRange| {
        let next = range.low + range.low.abs().max(1.0);
        if range.low < range.high { range } else { ValueRange::new(range.low, next) }
    };
    let own = extremes.iter().map(|layer| layer.map(whole));
    match view.range_of(normalisation) {
        Range::Fixed { low, high } => own.map(|_| usable(ValueRange::new(low, high))).collect(),
        Range::Layer => own.map(|layer| usable(layer.unwrap_or(ValueRange::UNIT))).collect(),
        Range::Network => {
            let range = own.clone().flatten().reduce(ValueRange::union);
            own.map(|_| usable(range.unwrap_or(ValueRange::UNIT))).collect()
        }
        Range::Auto => own.map(|_| ValueRange::UNIT).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Camera, Grid, LayerCells, Layout, SetView};

    /// The quantiles of one layer with the values 0, `high / 100`, …, `high`.
    fn epoch(high: f32) -> Vec<Option<Quantiles>> {
        let values = (0..=100).map(|step| high * step as f32 / 100.0).collect();
        Quantiles::of_all(&[LayerCells { grid: Grid::near_square(101), units: 101, values }])
    }

    #[test]
    fn a_range_over_epochs_leaves_out_the_first_quarter_where_values_are_clipped() {
        let layout = Layout::of_grids([(Grid::near_square(101), 101)]);
        let mut view = ViewState::new(Camera::set_view(SetView::Overview, &layout, 1.5), 0.0);
        let range = |view: &ViewState, highs: &[f32]| {
            let epochs: Vec<Vec<Option<Quantiles>>> = highs.iter().copied().map(epoch).collect();
            extremes_over(view, Normalisation::None, epochs.iter().map(Vec::as_slice))[0].expect("values")
        };
        assert_eq!(range(&view, &[9.0, 1.0, 2.0, 1.5]), ValueRange::new(0.0, 9.0), "all of them");
        view.clip = 1.0;
        let is_about =
            |range: ValueRange, high: f32| (range.high / high - 1.0).abs() < 0.02 && range.low < 0.1;
        // Large before the training, and growing until its end.
        for (highs, high) in [
            (&[9.0, 1.0, 2.0, 1.5][..], 1.98),
            (&[1.0, 2.0, 3.0, 9.0], 8.91),
            (&[9.0, 9.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0], 1.98),
            (&[9.0], 8.91),
            (&[9.0, 1.0, 1.0], 8.91),
        ] {
            let range = range(&view, highs);
            assert!(is_about(range, high), "{highs:?}: {range:?}, not up to {high}");
        }
    }
}
