//! Stored aggregates of several groups of inputs, as one.

use crate::model::Aggregate;

/// What a layer's aggregates say of their groups together; the groups share no input. A statistic is
/// there when every part has it. Units without a value in a part are left out of it. `None` when there
/// is no part, or when they are not of one layer.
pub(super) fn merged(parts: &[&Aggregate]) -> Option<Aggregate> {
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
    // The mean over the groups of some statistic of a unit, by how many inputs they have.
    let weighed = |unit: usize, value: &dyn Fn(usize) -> f64| {
        let (mut sum, mut total) = (0.0, 0.0);
        for part in (0..parts.len()).filter(|&part| weight(part, unit) > 0.0) {
            sum += weight(part, unit) * value(part);
            total += weight(part, unit);
        }
        sum / total
    };
    let mean: Vec<f64> =
        (0..units).map(|unit| weighed(unit, &|part| f64::from(parts[part].mean[unit]))).collect();
    let variance = all(|part| part.variance.as_ref()).map(|variances| {
        let spread = |part: usize, unit: usize| {
            // Chan, Golub and LeVeque (1979): within the group, and between it and all.
            let apart = f64::from(parts[part].mean[unit]) - mean[unit];
            f64::from(variances[part][unit]) + apart * apart
        };
        (0..units).map(|unit| weighed(unit, &|part| spread(part, unit)) as f32).collect()
    });
    let folded = |values: Vec<&Vec<f32>>, pick: fn(f32, f32) -> f32| -> Vec<f32> {
        // Both functions pass over NaN.
        (0..units).map(|unit| values.iter().map(|part| part[unit]).fold(f32::NAN, pick)).collect()
    };
    Some(Aggregate {
        count: parts.iter().map(|part| part.count).sum(),
        variance,
        min: all(|part| part.min.as_ref()).map(|values| folded(values, f32::min)),
        max: all(|part| part.max.as_ref()).map(|values| folded(values, f32::max)),
        rate: all(|part| part.rate.as_ref()).map(|rates| {
            (0..units).map(|unit| weighed(unit, &|part| f64::from(rates[part][unit])) as f32).collect()
        }),
        mean: mean.into_iter().map(|mean| mean as f32).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the values of one unit come to.
    fn of(values: &[f32]) -> Aggregate {
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
    fn groups_together_are_as_their_inputs_together() {
        let groups: [&[f32]; 3] = [&[1.0, 2.5, -3.0], &[0.5], &[10.0, -4.0, 7.0, 7.0, 0.0]];
        let parts = groups.map(of);
        let found = merged(&parts.iter().collect::<Vec<_>>()).expect("of one layer");
        let expected = of(&groups.concat());
        assert_eq!((found.count, &found.min, &found.max), (9, &expected.min, &expected.max));
        let close = |a: f32, b: f32| assert!((a - b).abs() <= 1e-6 * b.abs(), "{a} is not {b}");
        close(found.mean[0], expected.mean[0]);
        close(found.variance.unwrap()[0], expected.variance.unwrap()[0]);
        close(found.rate.unwrap()[0], expected.rate.unwrap()[0]);
    }

    #[test]
    fn a_group_without_a_value_says_nothing() {
        let nothing = Aggregate { count: 5, ..of(&[f32::NAN]) };
        let found = merged(&[&of(&[2.0, 4.0]), &nothing]).expect("of one layer");
        assert_eq!((found.mean[0], found.variance.unwrap()[0], found.max.unwrap()[0]), (3.0, 1.0, 4.0));
        assert!(merged(&[&nothing, &nothing]).expect("of one layer").mean[0].is_nan());
    }

    #[test]
    fn what_a_part_lacks_is_lacking() {
        let without = Aggregate { variance: None, ..of(&[1.0]) };
        let found = merged(&[&of(&[2.0]), &without]).expect("of one layer");
        assert!(found.variance.is_none() && found.rate.is_some());
        assert_eq!(merged(&[]), None);
        let wider = Aggregate { mean: vec![0.0; 2], ..Aggregate::default() };
        assert_eq!(merged(&[&of(&[2.0]), &wider]), None);
    }
}
