//! Layer statistics and unit profiles against plain sums in f64.

use super::LayerStats;
use super::UnitProfile;
use super::layer_stats;
use super::testing::{Made, class_means, close, deviation, mean, noise, rate, selectivity};
use super::unit_history;
use super::unit_profile;
use super::unit_profile_at;
use crate::model::{EpochIndex, Group, LayerIndex, SourceError, UnitId, UnitIndex};
use crate::stats::StatsError;

/// 40 inputs of four classes or unlabelled, three layers of 5, 9 and 4 units, three epochs. Some values are
/// below 0 and some not finite; unit 3 of the second layer has no value.
fn made() -> Made {
    let labels: Vec<Option<usize>> = (0..40).map(|input| Some(input % 5).filter(|&it| it < 4)).collect();
    Made::new(&[5, 9, 4], &["a", "b", "c", "d"], &labels, 3, |epoch, input, layer, unit| {
        let value = noise(((epoch * 50 + input) * 7 + layer) * 11 + unit) * 3.0 - 1.0
            + if input % 5 == unit % 5 { 0.8 } else { 0.0 };
        match (layer, unit) {
            (1, 3) => f32::NAN,
            (1, 5) if input % 6 == 0 => f32::INFINITY,
            (2, _) => value.max(0.0),
            _ => value,
        }
    })
}

/// As [`made`], with aggregates over ten times as many inputs and without values of inputs.
fn aggregated() -> Made {
    let mut made = made();
    made.rows = false;
    made.aggregates = Some(|mut aggregate| {
        aggregate.count *= 10;
        aggregate
    });
    made
}

fn unit_id(layer: usize, unit: usize) -> UnitId {
    UnitId { layer: LayerIndex(layer), unit: UnitIndex(unit) }
}

fn profile(made: &Made, layer: usize, unit: usize, epoch: usize) -> Result<UnitProfile, StatsError> {
    unit_profile(made, unit_id(layer, unit), EpochIndex(epoch))
}

fn stats(made: &Made, epoch: usize) -> Vec<LayerStats> {
    layer_stats(made, EpochIndex(epoch), &|| true).expect("statistics").expect("wanted")
}

#[track_caller]
fn assert_stats(made: &Made, found: &[LayerStats], epoch: usize) {
    assert_eq!(found.len(), made.recording.layers.len());
    for (layer, found) in found.iter().enumerate() {
        let units = made.recording.layers[layer].units;
        let of = |epoch: usize| -> Vec<Vec<f64>> {
            (0..units).map(|unit| made.values(epoch, Group::All, layer, unit)).collect()
        };
        let values = of(epoch);
        let valued: Vec<&Vec<f64>> = values.iter().filter(|values| !values.is_empty()).collect();
        let all: Vec<f64> = values.concat();
        let share = |so: &dyn Fn(&[f64]) -> bool| {
            valued.iter().filter(|values| so(values)).count() as f64 / valued.len() as f64
        };
        let low = all.iter().copied().fold(f64::INFINITY, f64::min);
        let high = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let end = 0.05 * (high - low);
        close(found.mean, mean(&all), "mean");
        close(found.dead.expect("known"), share(&|it| it.iter().all(|&it| it <= 0.0)), "dead");
        let ended = |it: &[f64]| {
            it.iter().all(|&it| it >= high - end) || (low < 0.0 && it.iter().all(|&it| it <= low + end))
        };
        close(found.saturated.expect("known"), share(&ended), "saturated");
        close(found.sparsity.expect("known"), 1.0 - rate(&all), "sparsity");
        let indices: Vec<f64> = (0..units)
            .filter_map(|unit| Some(selectivity(&class_means(made, epoch, layer, unit))?.0))
            .collect();
        close(found.selectivity.expect("known"), mean(&indices), "selectivity");
        assert_eq!(found.without_value, units - valued.len());
        let before = (0..epoch).rev().find(|&before| !made.recording.epochs[before].damaged);
        let change = before.map(|before| {
            let pairs: Vec<(f64, f64)> = values
                .iter()
                .zip(of(before))
                .map(|(now, before)| (mean(now), mean(&before)))
                .filter(|(now, before)| now.is_finite() && before.is_finite())
                .collect();
            let length =
                |it: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(|p| it(p).powi(2)).sum::<f64>().sqrt();
            length(&|(now, before)| now - before) / length(&|(_, before)| *before)
        });
        match (found.change, change) {
            (Some(found), Some(expected)) => close(found, expected, "change"),
            (found, expected) => assert_eq!((found, expected), (None, None)),
        }
    }
}

#[test]
fn layer_statistics_agree_with_plain_sums() {
    for (what, made) in [
        ("inputs", made()),
        ("aggregates", {
            let mut made = made();
            made.aggregates = Some(|aggregate| aggregate);
            made.rows = false;
            made
        }),
    ] {
        for epoch in 0..3 {
            println!("{what}, epoch {epoch}");
            let found = stats(&made, epoch);
            // Stored aggregates do not have the number of finite values of a unit.
            if what == "aggregates" {
                assert_eq!((found[1].without_value, found[1].dead), (1, Some(0.0)));
                assert_stats_of(&made, &found, epoch, &[0, 2]);
            } else {
                assert_stats(&made, &found, epoch);
            }
        }
    }
}

/// Asserts the statistics of some layers.
fn assert_stats_of(made: &Made, found: &[LayerStats], epoch: usize, which: &[usize]) {
    let exact = stats(&self::made(), epoch);
    assert_eq!(made.recording.layers.len(), exact.len());
    for &layer in which {
        let (found, exact) = (&found[layer], &exact[layer]);
        close(found.mean, exact.mean.into(), "mean");
        assert_eq!((found.dead, found.saturated), (exact.dead, exact.saturated));
        for (found, exact) in [
            (found.sparsity, exact.sparsity),
            (found.selectivity, exact.selectivity),
            (found.change, exact.change),
        ] {
            assert_eq!(found.is_some(), exact.is_some());
            found.zip(exact).iter().for_each(|&(found, exact)| close(found, exact.into(), "share"));
        }
    }
}

#[test]
fn dead_and_saturated_units_are_counted() {
    let mut made = Made::new(&[8], &[], &[None; 30], 1, |_, input, _, unit| match unit {
        0 | 1 => 0.0,
        2 => -0.97 - 0.03 * noise(input),
        3..6 => 0.95 + 0.05 * noise(input),
        _ => noise(input * 3 + unit) * 1.9 - 0.9,
    });
    let found = stats(&made, 0)[0];
    assert_eq!((found.dead, found.saturated), (Some(3.0 / 8.0), Some(4.0 / 8.0)));
    assert_eq!((found.selectivity, found.change), (None, None), "no classes, no epoch before");
    made.value = Box::new(|_, _, _, _| 0.0);
    let found = stats(&made, 0)[0];
    assert_eq!((found.dead, found.saturated, found.sparsity), (Some(1.0), Some(0.0), Some(1.0)));
}

#[test]
fn statistics_that_cannot_be_computed_are_none() {
    let mut made = aggregated();
    made.aggregates = Some(|mut aggregate| {
        aggregate.count *= 10;
        (aggregate.min, aggregate.rate, aggregate.variance) = (None, None, None);
        aggregate
    });
    let found = stats(&made, 1)[0];
    assert_eq!((found.saturated, found.sparsity), (None, None));
    assert!(found.selectivity.is_some() && found.change.is_some());
    made.aggregates = None;
    let error = layer_stats(&made, EpochIndex(1), &|| true).expect_err("nothing is recorded");
    assert!(matches!(error, StatsError::Source(SourceError::NotRecorded { number: 10, .. })), "{error}");
    let error = profile(&made, 0, 0, 1).expect_err("nothing is recorded");
    assert!(matches!(error, StatsError::Source(SourceError::NotRecorded { number: 10, .. })), "{error}");
}

#[test]
fn missing_stored_statistics_are_computed_from_inputs() {
    let mut made = made();
    made.aggregates = Some(|mut aggregate| {
        (aggregate.min, aggregate.max, aggregate.rate, aggregate.variance) = (None, None, None, None);
        aggregate
    });
    for epoch in 0..3 {
        assert_stats(&made, &stats(&made, epoch), epoch);
    }
}

#[test]
fn a_damaged_epoch_is_an_error_and_is_passed_over_as_previous_epoch() {
    let mut made = made();
    made.recording.epochs[1].damaged = true;
    assert_stats(&made, &stats(&made, 2), 2);
    for error in [layer_stats(&made, EpochIndex(1), &|| true).err(), profile(&made, 0, 0, 1).err()] {
        assert!(matches!(error, Some(StatsError::Source(SourceError::Damaged { number: 10, .. }))));
    }
    let epochs: Vec<EpochIndex> = unit_history(&made, unit_id(0, 0), &|| true)
        .expect("wanted")
        .iter()
        .map(|entry| entry.epoch)
        .collect();
    assert_eq!(epochs, [EpochIndex(0), EpochIndex(2)]);
}

#[test]
fn one_class_has_no_selectivity() {
    let made = Made::new(&[3], &["only"], &[Some(0); 9], 1, |_, input, _, unit| noise(input * 3 + unit));
    assert_eq!(stats(&made, 0)[0].selectivity, None);
    let found = profile(&made, 0, 1, 0).expect("a unit");
    assert_eq!((found.selectivity, found.distributions.len()), (None, 2));
}

#[test]
fn unwanted_computations_stop() {
    assert!(layer_stats(&made(), EpochIndex(0), &|| false).expect("no error").is_none());
    assert!(unit_history(&made(), unit_id(0, 0), &|| false).is_none());
}

/// Linear interpolation between order statistics.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let at = share * (values.len() - 1) as f64;
    let (low, high) = (values[at as usize], values[(at as usize + 1).min(values.len() - 1)]);
    low + (high - low) * (at - at.floor())
}

/// Pearson's correlation over the inputs at which both have a value.
fn correlation(made: &Made, epoch: usize, layer: usize, a: usize, b: usize) -> f64 {
    let inputs = 0..made.recording.inputs.len();
    let of = |input, unit| f64::from((made.value)(epoch, input, layer, unit));
    let pairs: Vec<(f64, f64)> = inputs
        .map(|input| (of(input, a), of(input, b)))
        .filter(|(a, b)| a.is_finite() && b.is_finite())
        .collect();
    let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    let products: Vec<f64> = a.iter().zip(&b).map(|(x, y)| (x - mean(&a)) * (y - mean(&b))).collect();
    mean(&products) / (deviation(&a) * deviation(&b))
}

#[track_caller]
fn assert_profile(made: &Made, found: &UnitProfile) {
    let &UnitProfile { unit: id, epoch: EpochIndex(epoch), .. } = found;
    let (layer, unit) = (id.layer.0, id.unit.0);
    let units = made.recording.layers[layer].units;
    assert_eq!(found.history.iter().map(|entry| entry.epoch.0).collect::<Vec<_>>(), [0, 1, 2]);
    for entry in &found.history {
        close(entry.all, mean(&made.values(entry.epoch.0, Group::All, layer, unit)), "history");
        for (found, expected) in entry.classes.iter().zip(class_means(made, entry.epoch.0, layer, unit)) {
            close(*found, expected, "history of a class");
        }
        assert_eq!(entry.classes.len(), made.recording.classes.len());
    }
    let groups = std::iter::once(Group::All).chain((0..4).map(Group::Class));
    assert_eq!(found.distributions.len(), 5);
    for (found, group) in found.distributions.iter().zip(groups) {
        let values = made.values(epoch, group, layer, unit);
        assert_eq!(found.class, if let Group::Class(class) = group { Some(class) } else { None });
        assert_eq!(found.count, values.len() as u64);
        close(found.mean, mean(&values), "mean");
        if values.is_empty() {
            assert_eq!((found.deviation, found.quartiles, found.rate), (None, None, None));
            continue;
        }
        close(found.deviation.expect("known"), deviation(&values), "deviation");
        close(found.rate.expect("known"), rate(&values), "rate");
        for (found, share) in found.quartiles.expect("known").into_iter().zip([0.0, 0.25, 0.5, 0.75, 1.0]) {
            close(found, quantile(&values, share), "quartile");
        }
    }
    let mut strongest: Vec<(usize, f32)> = (0..made.recording.inputs.len())
        .map(|input| (input, (made.value)(epoch, input, layer, unit)))
        .filter(|(_, value)| value.is_finite())
        .collect();
    strongest.sort_by(|a, b| b.1.total_cmp(&a.1));
    strongest.truncate(8);
    assert_eq!(found.strongest, strongest);
    match (found.selectivity, selectivity(&class_means(made, epoch, layer, unit))) {
        (Some(found), Some((index, class))) => {
            close(found.index, index, "selectivity");
            assert_eq!(found.class, class);
        }
        (found, expected) => assert!(found.is_none() && expected.is_none(), "{found:?}, {expected:?}"),
    }
    let mut similar: Vec<(usize, f64)> = (0..units)
        .filter(|&other| other != unit)
        .map(|other| (other, correlation(made, epoch, layer, unit, other)))
        .filter(|(_, correlation)| *correlation > 0.0)
        .collect();
    similar.sort_by(|a, b| b.1.total_cmp(&a.1));
    similar.truncate(6);
    assert_eq!(
        found.similar.iter().map(|other| other.unit.0).collect::<Vec<_>>(),
        similar.iter().map(|other| other.0).collect::<Vec<_>>()
    );
    found.similar.iter().zip(&similar).for_each(|(found, it)| close(found.correlation, it.1, "correlation"));
    let means: Vec<f64> = (0..units).map(|unit| mean(&made.values(epoch, Group::All, layer, unit))).collect();
    let rank = 1 + means.iter().filter(|&&mean| mean > means[unit]).count();
    assert_eq!((found.rank, found.of), (means[unit].is_finite().then_some(rank), units));
}

#[test]
fn unit_profiles_agree_with_plain_sums() {
    let made = made();
    for (layer, units) in [5, 9, 4].into_iter().enumerate() {
        for unit in 0..units {
            for epoch in 0..3 {
                assert_profile(&made, &profile(&made, layer, unit, epoch).expect("a unit"));
            }
        }
    }
    for (layer, unit) in [(0, 5), (3, 0)] {
        assert!(matches!(
            profile(&made, layer, unit, 0),
            Err(StatsError::Source(SourceError::NotRecorded { number: 0, .. }))
        ));
    }
}

#[test]
fn unit_profiles_are_computed_from_aggregates_alone() {
    let (made, exact) = (aggregated(), made());
    let (found, exact) =
        (profile(&made, 0, 2, 1).expect("a unit"), profile(&exact, 0, 2, 1).expect("a unit"));
    assert!(found.strongest.is_empty(), "no inputs");
    for (found, exact) in found.distributions.iter().zip(&exact.distributions) {
        assert_eq!((found.class, found.count, found.quartiles), (exact.class, 10 * exact.count, None));
        close(found.mean, exact.mean.into(), "mean");
        close(found.deviation.expect("stored"), exact.deviation.expect("known").into(), "deviation");
        close(found.rate.expect("stored"), exact.rate.expect("known").into(), "rate");
    }
    for (found, exact) in found.history.iter().zip(&exact.history) {
        close(found.all, exact.all.into(), "history");
    }
    assert_eq!(found.rank, exact.rank);
    assert_eq!(found.selectivity.expect("a class").class, exact.selectivity.expect("a class").class);
    // Similar units by the means over the four classes.
    let own = class_means(&made, 1, 0, 2);
    for similar in &found.similar {
        let other = class_means(&made, 1, 0, similar.unit.0);
        let products: Vec<f64> =
            own.iter().zip(&other).map(|(a, b)| (a - mean(&own)) * (b - mean(&other))).collect();
        close(similar.correlation, mean(&products) / (deviation(&own) * deviation(&other)), "correlation");
    }
    assert!(!found.similar.is_empty());
}

#[test]
fn means_are_from_aggregates_and_quartiles_from_recorded_inputs() {
    let mut made = aggregated();
    made.rows = true;
    let (found, exact) = (
        unit_profile_at(&made, unit_id(0, 1), EpochIndex(0)).expect("a unit"),
        unit_profile_at(&self::made(), unit_id(0, 1), EpochIndex(0)).expect("a unit"),
    );
    assert_eq!(found.distributions[0].count, 10 * exact.distributions[0].count);
    assert_eq!(found.distributions[2].quartiles, exact.distributions[2].quartiles);
    assert_eq!((found.strongest, found.similar), (exact.strongest, exact.similar));
}

#[test]
fn similar_units_are_found_among_many() {
    let value = |_: usize, input: usize, _: usize, unit: usize| {
        let own = noise(input * 1000 + unit % 100);
        // Units 100…199 are units 0…99, scaled, shifted and with a little noise.
        if unit < 100 { own } else { 1000.0 + 3.0 * own + 0.1 * noise(input * 777 + unit) }
    };
    let made = Made::new(&[200], &[], &[None; 700], 1, value);
    for unit in [0, 57, 123] {
        let found = unit_profile_at(&made, unit_id(0, unit), EpochIndex(0)).expect("a unit").similar;
        assert_eq!(found[0].unit, UnitIndex((unit + 100) % 200));
        close(found[0].correlation, correlation(&made, 0, 0, unit, found[0].unit.0), "correlation");
        assert!(found[0].correlation > 0.99 && found[1].correlation < 0.3, "{found:?}");
    }
}
