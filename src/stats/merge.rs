//! Merging the stored aggregates of several groups of inputs.

use crate::model::Aggregate;

/// Merges the aggregates of one layer over disjoint groups of inputs. A statistic is present if every
/// part has it; a part without a value of a unit does not contribute to it. `None` without parts, or if
/// their numbers of units differ.
pub(super) fn merge_aggregates(parts: &[&Aggregate]) -> Option<Aggregate> {
    let (first, rest) = parts.split_first()?;
    if rest.is_empty() {
        return Some((*first).clone());
    }
    let units = first.mean.len();
    let fits = |values: &Option<Vec<f32>>| values.as_ref().is_none_or(|values| values.len() == units);
    if !parts.iter().all(|part| {
        part.mean.len() == units && [&part.variance, &part.min, &part.max, &part.rate].into_iter().all(fits)
    }) {
        return None;
    }
    let all = |of: fn(&Aggregate) -> Option<&Vec<f32>>| -> Option<Vec<&Vec<f32>>> {
        parts.iter().map(|part| of(part)).collect()
    };
    let weight = |part: usize, unit: usize| {
        if parts[part].mean[unit].is_finite() { parts[part].count as f64 } else { 0.0 }
    };
    // Mean of a statistic of a unit over the groups, weighted by their numbers of inputs.
    let weighted_mean = |unit: usize, value: &dyn Fn(usize) -> f64| {
        let (mut sum, mut total) = (0.0, 0.0);
        for part in (0..parts.len()).filter(|&part| weight(part, unit) > 0.0) {
            sum += weight(part, unit) * value(part);
            total += weight(part, unit);
        }
        sum / total
    };
    let mean: Vec<f64> =
        (0..units).map(|unit| weighted_mean(unit, &|part| f64::from(parts[part].mean[unit]))).collect();
    let variance = all(|part| part.variance.as_ref()).map(|variances| {
        let spread = |part: usize, unit: usize| {
            // Variance within the group plus that between the group and all (Chan, Golub and LeVeque, 1979).
            let apart = f64::from(parts[part].mean[unit]) - mean[unit];
            f64::from(variances[part][unit]) + apart * apart
        };
        (0..units).map(|unit| weighted_mean(unit, &|part| spread(part, unit)) as f32).collect()
    });
    let folded = |values: Vec<&Vec<f32>>, pick: fn(f32, f32) -> f32| -> Vec<f32> {
        // `f32::min` and `f32::max` ignore NaN.
        (0..units).map(|unit| values.iter().map(|part| part[unit]).fold(f32::NAN, pick)).collect()
    };
    Some(Aggregate {
        count: parts.iter().map(|part| part.count).sum(),
        variance,
        min: all(|part| part.min.as_ref()).map(|values| folded(values, f32::min)),
        max: all(|part| part.max.as_ref()).map(|values| folded(values, f32::max)),
        rate: all(|part| part.rate.as_ref()).map(|rates| {
            (0..units).map(|unit| weighted_mean(unit, &|part| f64::from(rates[part][unit])) as f32).collect()
        }),
        mean: mean.into_iter().map(|mean| mean as f32).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The aggregate of the values of one unit.
    fn aggregate(values: &[f32]) -> Aggregate {
        let count = values.len() as f64;
        let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
        let variance = values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count;
        let positive = values.iter().filter(|&&value| value > 0.0).count() as f64;
        Aggregate {
            count: values.len() as u64,
            mean: vec![mean as f32],
            variance: Some(vec![variance as f32]),
            min: Some(vec![values.iter().copied().fold(f32::NAN, f32::min)]),
            max: Some(vec![values.iter().copied().fold(f32::NAN, f32::max)]),
            rate: Some(vec![(positive / count) as f32]),
        }
    }

    #[test]
    fn merged_groups_equal_the_aggregate_of_all_inputs() {
        let groups: [&[f32]; 3] = [&[1.0, 2.5, -3.0], &[0.5], &[10.0, -4.0, 7.0, 7.0, 0.0]];
        let parts = groups.map(aggregate);
        let merged = merge_aggregates(&parts.iter().collect::<Vec<_>>()).expect("of one layer");
        let expected = aggregate(&groups.concat());
        assert_eq!((merged.count, &merged.min, &merged.max), (9, &expected.min, &expected.max));
        let close = |a: f32, b: f32| assert!((a - b).abs() <= 1e-6 * b.abs(), "{a} is not {b}");
        close(merged.mean[0], expected.mean[0]);
        close(merged.variance.unwrap()[0], expected.variance.unwrap()[0]);
        close(merged.rate.unwrap()[0], expected.rate.unwrap()[0]);
    }

    #[test]
    fn groups_without_a_value_do_not_contribute() {
        let no_value = Aggregate { count: 5, ..aggregate(&[f32::NAN]) };
        let merged = merge_aggregates(&[&aggregate(&[2.0, 4.0]), &no_value]).expect("of one layer");
        assert_eq!((merged.mean[0], merged.variance.unwrap()[0], merged.max.unwrap()[0]), (3.0, 1.0, 4.0));
        assert!(merge_aggregates(&[&no_value, &no_value]).expect("of one layer").mean[0].is_nan());
    }

    #[test]
    fn a_statistic_missing_in_one_part_is_missing_in_the_result() {
        let without = Aggregate { variance: None, ..aggregate(&[1.0]) };
        let merged = merge_aggregates(&[&aggregate(&[2.0]), &without]).expect("of one layer");
        assert!(merged.variance.is_none() && merged.rate.is_some());
        assert_eq!(merge_aggregates(&[]), None);
        let wider = Aggregate { mean: vec![0.0; 2], ..Aggregate::default() };
        assert_eq!(merge_aggregates(&[&aggregate(&[2.0]), &wider]), None);
    }
}
