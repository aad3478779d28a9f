use std::sync::Arc;

use half::{bf16, f16};
use rayon::ThreadPoolBuilder;

use super::*;
use crate::model::Dtype;

/// Mean, population standard deviation, minimum, maximum and firing rate of one unit, by plain sums.
fn oracle(values: &[f32]) -> [f64; 5] {
    let finite: Vec<f64> = values.iter().filter(|v| v.is_finite()).map(|&v| f64::from(v)).collect();
    if finite.is_empty() {
        return [f64::NAN; 5];
    }
    let count = finite.len() as f64;
    let mean = finite.iter().sum::<f64>() / count;
    let variance = finite.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
    let low = finite.iter().copied().fold(f64::INFINITY, f64::min);
    let high = finite.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let positive = finite.iter().filter(|&&v| v > 0.0).count() as f64;
    [mean, variance.sqrt(), low, high, positive / count]
}

fn all(tensor: &Tensor, rows: &[usize]) -> [Vec<f32>; 5] {
    let moments: Moments = reduce(tensor, rows);
    let extremes: Extremes = reduce(tensor, rows);
    let firing: Firing = reduce(tensor, rows);
    [moments.mean(), moments.std(), extremes.min(), extremes.max(), firing.rate()]
}

/// Pseudo-random numbers in [-1, 1) mixed with NaN, infinities, denormals and −0.
fn awkward(index: usize) -> f32 {
    let hash = (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    match index % 23 {
        3 => f32::NAN,
        7 => f32::INFINITY,
        11 => f32::NEG_INFINITY,
        13 => f32::from_bits(1),
        17 => -0.0,
        19 => f32::MIN_POSITIVE / 2.0,
        _ => hash as f32 / (1u64 << 23) as f32 - 1.0,
    }
}

fn assert_close(found: f32, expected: f64, what: &str) {
    let close = if expected.is_nan() {
        found.is_nan()
    } else {
        (f64::from(found) - expected).abs() <= 1e-7 * expected.abs() + f64::from(f32::MIN_POSITIVE)
    };
    assert!(close, "{what}: {found} is not {expected}");
}

#[test]
fn every_size_agrees_with_plain_sums() {
    let blocks = [0, 1, 2, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1];
    let pieces = [PIECE_ROWS - 1, PIECE_ROWS, PIECE_ROWS + 1, 3 * PIECE_ROWS + 5];
    for inputs in blocks.into_iter().chain(pieces) {
        for units in [0, 1, 15, 16, 17, 33] {
            let values: Vec<f32> = (0..inputs * units).map(awkward).collect();
            let tensor = Tensor::from_f32(values.clone(), inputs, units).unwrap();
            let found = all(&tensor, &(0..inputs).collect::<Vec<_>>());
            for unit in 0..units {
                let column: Vec<f32> = values.iter().skip(unit).step_by(units).copied().collect();
                for (found, expected) in found.iter().zip(oracle(&column)) {
                    assert_close(found[unit], expected, &format!("unit {unit} of {inputs}×{units}"));
                }
            }
        }
    }
}

#[test]
fn pieces_of_a_wide_layer_stay_in_order() {
    for units in [PIECE_UNITS - 1, PIECE_UNITS, PIECE_UNITS + 1, 2 * PIECE_UNITS + 3] {
        let values: Vec<f32> = (0..3 * units).map(|index| index as f32).collect();
        let tensor = Tensor::from_f32(values, 3, units).unwrap();
        let [mean, _, low, high, _] = all(&tensor, &[2, 0]);
        assert_eq!(mean.len(), units);
        for unit in 0..units {
            assert_eq!(mean[unit], (units + unit) as f32);
            assert_eq!((low[unit], high[unit]), (unit as f32, (2 * units + unit) as f32));
        }
    }
}

#[test]
fn only_the_given_rows_count() {
    let tensor = Tensor::from_f32(vec![1.0, 10.0, 100.0, 1000.0], 4, 1).unwrap();
    assert_eq!(reduce::<Moments>(&tensor, &[1, 3]).mean(), [505.0]);
    assert_eq!(reduce::<Moments>(&tensor, &[1, 1, 1]).std(), [0.0]);
    assert!(reduce::<Moments>(&tensor, &[]).mean()[0].is_nan());
    assert!(reduce::<Firing>(&tensor, &[]).rate()[0].is_nan());
}

#[test]
fn values_that_are_not_finite_are_skipped_and_counted() {
    let values = vec![f32::NAN, 1.0, f32::INFINITY, 3.0, f32::NEG_INFINITY, f32::NAN];
    let tensor = Tensor::from_f32(values, 3, 2).unwrap();
    let moments: Moments = reduce(&tensor, &[0, 1, 2]);
    assert_eq!((moments.count().as_slice(), moments.skipped()), ([0, 2].as_slice(), [3, 1].as_slice()));
    let [mean, std, low, high, rate] = all(&tensor, &[0, 1, 2]);
    assert!([&mean, &std, &low, &high, &rate].iter().all(|values| values[0].is_nan()));
    assert_eq!([mean[1], std[1], low[1], high[1], rate[1]], [2.0, 1.0, 1.0, 3.0, 1.0]);
}

#[test]
fn a_small_spread_around_a_large_value_survives() {
    // A relative difference of 2^-23 is lost in squares in f32 or in f64 sums of unshifted squares.
    let values: Vec<f32> = (0..4000).map(|index| 8_388_608.0 + (index % 2) as f32).collect();
    let tensor = Tensor::from_f32(values, 4000, 1).unwrap();
    let moments: Moments = reduce(&tensor, &(0..4000).collect::<Vec<_>>());
    assert_eq!(moments.std(), [0.5]);
    let values = vec![f32::MAX, f32::MAX, f32::MAX];
    let tensor = Tensor::from_f32(values, 3, 1).unwrap();
    let moments: Moments = reduce(&tensor, &[0, 1, 2]);
    assert_eq!((moments.mean(), moments.std()), (vec![f32::MAX], vec![0.0]), "no overflow");
}

#[test]
fn merging_is_as_good_as_one_pass() {
    let values: Vec<f32> = (0..900).map(|index| 1000.0 + awkward(index)).collect();
    for cut in [0, 1, 450, 899, 900] {
        let mut whole = Moments::new(1);
        let (mut left, mut right) = (Moments::new(1), Moments::new(1));
        for (index, &value) in values.iter().enumerate() {
            let half = if index < cut { &mut left } else { &mut right };
            for reducer in [&mut whole, half] {
                for mut part in reducer.parts(1, 1) {
                    part.add(&[&[value]]);
                }
            }
        }
        left.merge(&right);
        assert_eq!((left.count(), left.skipped()), (whole.count(), whole.skipped()));
        let ((mean, spread), (expected_mean, expected_spread)) = (left.centred(0), whole.centred(0));
        assert!((mean - expected_mean).abs() < 1e-12 * expected_mean, "{mean} {expected_mean}");
        assert!((spread - expected_spread).abs() < 1e-12 * expected_spread, "{spread} {expected_spread}");
    }
}

/// Pseudo-random number between −1 and 1.
fn noise(index: usize) -> f64 {
    let hash = (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((hash ^ hash >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

fn column(values: &[f32], units: usize, unit: usize) -> Vec<f32> {
    values.iter().skip(unit).step_by(units).copied().collect()
}

#[test]
fn every_element_type_is_reduced_as_its_decoded_values() {
    let inputs = BLOCK_ROWS + 3;
    for units in [1, DECODED_UNITS - 1, DECODED_UNITS, DECODED_UNITS + 1] {
        let values: Vec<f32> = (0..inputs * units).map(awkward).collect();
        let bytes = |value: fn(f32) -> Vec<u8>| values.iter().flat_map(|&v| value(v)).collect::<Vec<u8>>();
        let u8 = Dtype::U8 { scale: 0.25, offset: -3.0 };
        let kinds = [
            (Dtype::F16, 0, bytes(|value| f16::from_f32(value).to_le_bytes().to_vec())),
            (Dtype::BF16, 0, bytes(|value| bf16::from_f32(value).to_le_bytes().to_vec())),
            (u8, 0, bytes(|value| vec![(value * 100.0) as u8])),
            // Not aligned for f32.
            (Dtype::F32, 1, [vec![0], bytes(|value| value.to_le_bytes().to_vec())].concat()),
        ];
        for (dtype, start, bytes) in kinds {
            let range = start..bytes.len();
            let tensor = Tensor::new(Arc::new(bytes), range, dtype, inputs, units).unwrap();
            let rows: Vec<usize> = (0..inputs).rev().collect();
            let read: Vec<f32> = rows.iter().flat_map(|&row| tensor.row(row).into_owned()).collect();
            let found = all(&tensor, &rows);
            for unit in 0..units {
                for (found, expected) in found.iter().zip(oracle(&column(&read, units, unit))) {
                    assert_close(found[unit], expected, &format!("{dtype:?}, unit {unit} of {units}"));
                }
            }
        }
    }
}

#[test]
fn a_million_rows_keep_full_precision() {
    let (inputs, units) = (1_000_000, 17);
    // Mean by deviation is 10⁴ or 0.01; unit 5 starts with an outlier.
    let value = |index: usize| match (index % units, noise(index)) {
        (3, noise) => (1e-2 + noise) as f32,
        (5, _) if index < units => 1e9,
        (5, noise) => noise as f32,
        (_, noise) => (1e4 * 3_f64.sqrt().recip() + noise) as f32,
    };
    let values: Vec<f32> = (0..inputs * units).map(value).collect();
    let tensor = Tensor::from_f32(values.clone(), inputs, units).unwrap();
    let moments: Moments = reduce(&tensor, &(0..inputs).collect::<Vec<_>>());
    for unit in 0..units {
        let [mean, std, ..] = oracle(&column(&values, units, unit));
        assert_close(moments.mean()[unit], mean, &format!("mean of unit {unit}"));
        assert_close(moments.std()[unit], std, &format!("deviation of unit {unit}"));
        assert_eq!(moments.count()[unit], inputs as u64);
    }
}

#[test]
fn values_that_are_not_finite_may_come_first_last_or_alone() {
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    let inputs = 3 * BLOCK_ROWS;
    // Rows in which the value of one unit is not finite.
    let cases: [fn(usize) -> bool; 6] = [
        |row| row == 0,
        |row| row < BLOCK_ROWS,
        |row| row < BLOCK_ROWS + 5,
        |row| row >= 2 * BLOCK_ROWS,
        |row| row != 2 * BLOCK_ROWS + 1,
        |_| true,
    ];
    for units in [1, 16, 40] {
        for (odd, case) in odd.iter().flat_map(|odd| cases.map(|case| (odd, case))) {
            let unit = units / 2;
            let value = |index: usize| {
                if index % units == unit && case(index / units) { *odd } else { noise(index) as f32 }
            };
            let values: Vec<f32> = (0..inputs * units).map(value).collect();
            let tensor = Tensor::from_f32(values.clone(), inputs, units).unwrap();
            let found = all(&tensor, &(0..inputs).collect::<Vec<_>>());
            for unit in 0..units {
                for (found, expected) in found.iter().zip(oracle(&column(&values, units, unit))) {
                    assert_close(found[unit], expected, &format!("unit {unit} of {units}, {odd}"));
                }
            }
        }
    }
}

#[test]
fn the_greatest_values_do_not_overflow() {
    let values: Vec<f32> = (0..40).map(|row| if row % 2 == 0 { 3e38 } else { -3e38 }).collect();
    let tensor = Tensor::from_f32(values, 40, 1).unwrap();
    let moments: Moments = reduce(&tensor, &(0..40).collect::<Vec<_>>());
    assert_eq!((moments.mean(), moments.std(), moments.count()), (vec![0.0], vec![3e38], vec![40]));
}

#[test]
fn any_number_of_cores_gives_the_same() {
    let (inputs, units) = (2 * PIECE_ROWS + 7, 100);
    let values: Vec<f32> = (0..inputs * units).map(|index| noise(index) as f32 * 1e3).collect();
    let tensor = Tensor::from_f32(values, inputs, units).unwrap();
    let rows: Vec<usize> = (0..inputs).collect();
    let on = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| reduce::<Moments>(&tensor, &rows))
    };
    assert_eq!(on(1), on(5));
}
