//! Reducing on the GPU against sums in f64, and against what the CPU does; the pyramids of both, and of values that
//! stayed on the GPU.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dnnviz::engine::{Aggregator, Field, Gpu, Processor, aggregate};
use dnnviz::model::layout::LayerCells;
use dnnviz::model::{
    Aggregate, Class, Diff, Dtype, Epoch, EpochIndex, EpochPosition, Format, Grid, Group, Input, Layer,
    LayerIndex, LayerKind, MapBlock, Norm, Normalisation, Picture, Query, Recording, Reduction, RowBlock,
    Source, SourceError, Stat, Tensor, UnitPermutation,
};
use dnnviz::stats::{
    self, Backend, BackendError, Cells, Cpu, LayerRows, Reduced, Sides, TensorRows, UnmatchedLayer,
};
use half::{bf16, f16};

const STATS: [Stat; 6] = [Stat::Mean, Stat::Std, Stat::Max, Stat::Min, Stat::Rate, Stat::Count];
const DIFFS: [Diff; 3] = [Diff::Signed, Diff::Abs, Diff::Effect];
const UNITS: [usize; 10] = [1, 3, 4, 5, 63, 64, 65, 255, 256, 257];

fn gpu() -> Gpu {
    Gpu::headless().expect("a graphics driver")
}

/// Evenly spread numbers in [0, 1), the same on every machine.
fn noise(index: usize, seed: usize) -> f64 {
    let mut x = (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ (seed as u64 + 1).wrapping_mul(0xD1B5_4A32_D192_ED03);
    x ^= x >> 29;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^= x >> 32;
    (x as u32) as f64 / (1u64 << 32) as f64
}

fn f32s(rows: usize, units: usize, value: impl Fn(usize, usize) -> f32) -> Tensor {
    let values = (0..rows * units).map(|at| value(at / units, at % units)).collect();
    Tensor::from_f32(values, rows, units).expect("as long as said")
}

/// The values of `tensor` in another type.
fn stored_as(tensor: &Tensor, dtype: Dtype) -> Tensor {
    let values = (0..tensor.rows()).flat_map(|row| tensor.row(row).into_owned());
    let bytes: Vec<u8> = match dtype {
        Dtype::F32 => values.flat_map(f32::to_le_bytes).collect(),
        Dtype::F16 => values.flat_map(|value| f16::from_f32(value).to_le_bytes()).collect(),
        Dtype::BF16 => values.flat_map(|value| bf16::from_f32(value).to_le_bytes()).collect(),
        Dtype::U8 { scale, offset } => values
            .map(|value| if value.is_nan() { 255 } else { ((value - offset) / scale).round() as u8 })
            .collect(),
    };
    let range = 0..bytes.len();
    Tensor::new(Arc::new(bytes), range, dtype, tensor.rows(), tensor.columns()).expect("as long as said")
}

/// Half of them zero, the rest up to 1, and some of them not finite.
fn activations(rows: usize, units: usize, seed: usize) -> Tensor {
    f32s(rows, units, |row, unit| {
        let at = row * units + unit;
        match at % 997 {
            500 => f32::NAN,
            600 => f32::INFINITY,
            700 => f32::NEG_INFINITY,
            _ => (noise(at, seed) - 0.3).max(0.0) as f32,
        }
    })
}

/// Count, sums and extremes of the finite values of a unit, in f64.
#[derive(Clone, Copy)]
struct Unit {
    count: f64,
    positive: f64,
    mean: f64,
    squares: f64,
    low: f64,
    high: f64,
}

fn units(TensorRows { tensor, rows }: TensorRows) -> Vec<Unit> {
    let lines: Vec<Vec<f32>> = rows.iter().map(|&row| tensor.row(row).into_owned()).collect();
    let of_unit = |unit: usize| {
        let values = || lines.iter().map(|line| f64::from(line[unit])).filter(|value| value.is_finite());
        let count = values().count() as f64;
        let mean = values().sum::<f64>() / count;
        Unit {
            count,
            positive: values().filter(|&value| value > 0.0).count() as f64,
            mean,
            squares: values().map(|value| (value - mean).powi(2)).sum(),
            low: values().fold(f64::NAN, f64::min),
            high: values().fold(f64::NAN, f64::max),
        }
    };
    (0..tensor.columns()).map(of_unit).collect()
}

impl Unit {
    fn statistic(&self, stat: Stat) -> f64 {
        match stat {
            Stat::Mean => self.mean,
            Stat::Std => (self.squares / self.count).sqrt(),
            Stat::Max => self.high,
            Stat::Min => self.low,
            Stat::Rate => self.positive / self.count,
            Stat::Count => self.count,
        }
    }
}

/// Per unit what is expected, and how large the numbers are that it is computed from.
fn oracle(layer: &LayerRows, stat: Stat, diff: Diff) -> Vec<(f64, f64)> {
    let a = units(layer.a);
    let Some(b) = layer.b.map(units) else {
        return a.iter().map(|unit| (unit.statistic(stat), unit.statistic(stat).abs())).collect();
    };
    let compare = |(a, b): (&Unit, &Unit)| {
        let (left, right) = (a.statistic(stat), b.statistic(stat));
        let size = left.abs().max(right.abs());
        match diff {
            Diff::Signed => (left - right, size),
            Diff::Abs => ((left - right).abs(), size),
            Diff::Effect => {
                let pooled = ((a.squares + b.squares) / (a.count + b.count - 2.0)).sqrt();
                let apart = a.mean - b.mean;
                let effect = if apart == 0.0 {
                    0.0
                } else if pooled > 0.0 {
                    apart / pooled
                } else {
                    f64::NAN
                };
                (effect, effect.abs().max(1.0))
            }
        }
    };
    a.iter().zip(&b).map(compare).collect()
}

/// The first unit that is not as expected.
fn first_wrong(got: &[f32], expected: &[(f64, f64)], tolerance: f64) -> Option<String> {
    if got.len() != expected.len() {
        return Some(format!("{} units of {}", got.len(), expected.len()));
    }
    got.iter().zip(expected).enumerate().find_map(|(unit, (&got, &(expected, size)))| {
        let got = f64::from(got);
        let right = if expected.is_nan() { got.is_nan() } else { (got - expected).abs() <= tolerance * size };
        (!right).then(|| format!("unit {unit}: {got:e}, not {expected:e}"))
    })
}

/// Asks both for everything, and compares.
fn check(gpu: &Aggregator, layers: &[LayerRows], stat: Stat, diff: Diff, what: &str) {
    let tolerance = if stat == Stat::Count && diff != Diff::Effect { 0.0 } else { 1e-5 };
    let got = gpu.values(layers, stat, diff).expect("a device that works").layers;
    assert_eq!(gpu.cpu_fallbacks(), 0, "{what}, {stat:?} {diff:?} was left to the CPU");
    let shared = kept(layers);
    let staying = gpu.values(layers, stat, diff).expect("a device that works").layers;
    drop(shared);
    assert!(bits(&staying) == bits(&got), "{what}, {stat:?} {diff:?} of what stays on the device");
    let twin = Cpu.values(layers, stat, diff).expect("no device").layers;
    for ((layer, got), twin) in layers.iter().zip(&got).zip(&twin) {
        let expected = oracle(layer, stat, diff);
        let wrong = first_wrong(got, &expected, tolerance);
        assert_eq!(wrong, None, "{what}, {stat:?} {diff:?} against f64");
        let twin: Vec<_> =
            twin.iter().zip(&expected).map(|(&twin, &(_, size))| (f64::from(twin), size)).collect();
        assert_eq!(first_wrong(got, &twin, tolerance), None, "{what}, {stat:?} {diff:?} against the CPU");
    }
}

/// Holds the tensors as an open recording does, so that they stay on the device.
fn kept(layers: &[LayerRows]) -> Vec<Tensor> {
    layers
        .iter()
        .flat_map(|layer| [Some(layer.a), layer.b])
        .flatten()
        .map(|side| side.tensor.clone())
        .collect()
}

fn bits(values: &[Vec<f32>]) -> Vec<u32> {
    values.iter().flatten().map(|value| value.to_bits()).collect()
}

fn one<'a>(tensor: &'a Tensor, rows: &'a [usize]) -> LayerRows<'a> {
    LayerRows { a: TensorRows { tensor, rows }, b: None }
}

fn two<'a>(tensor: &'a Tensor, a: &'a [usize], b: &'a [usize]) -> LayerRows<'a> {
    LayerRows { a: TensorRows { tensor, rows: a }, b: Some(TensorRows { tensor, rows: b }) }
}

#[test]
fn every_size_is_right() {
    let gpu = Aggregator::new(&gpu());
    for count in [0, 1, 2, 31, 32, 33, 127, 128, 129, 300] {
        let tensors: Vec<Tensor> =
            UNITS.iter().map(|&units| activations(count.max(1), units, units)).collect();
        let rows: Vec<usize> = (0..count).collect();
        let layers: Vec<LayerRows> = tensors.iter().map(|tensor| one(tensor, &rows)).collect();
        for stat in STATS {
            check(&gpu, &layers, stat, Diff::Signed, &format!("{count} rows"));
        }
    }
}

#[test]
fn a_run_more_or_less_and_rows_in_any_order_are_right() {
    let gpu = Aggregator::new(&gpu());
    for count in [8191, 8192, 8193, 16_500] {
        let tensors = [activations(count, 5, 1), activations(count, 66, 2)];
        let mut rows: Vec<usize> = (0..count).map(|row| (row * 7919) % count).collect();
        // A row may come more than once.
        rows[3] = rows[7];
        let layers: Vec<LayerRows> = tensors.iter().map(|tensor| one(tensor, &rows)).collect();
        for stat in STATS {
            check(&gpu, &layers, stat, Diff::Signed, &format!("{count} rows"));
        }
    }
}

#[test]
fn every_type_statistic_and_difference_is_right() {
    let gpu = Aggregator::new(&gpu());
    let scale = 1.0 / 170.0;
    let u8s = [(scale, 0.0), (scale, -64.0 * scale), (-scale, 200.0 * scale)];
    let u8s = u8s.map(|(scale, offset)| Dtype::U8 { scale, offset });
    for dtype in [Dtype::F32, Dtype::F16, Dtype::BF16].into_iter().chain(u8s) {
        let tensors = [37, 258].map(|units| stored_as(&activations(700, units, units), dtype));
        let (a, b): (Vec<usize>, Vec<usize>) = (0..700).partition(|row| row % 3 == 0);
        for stat in STATS {
            for diff in DIFFS {
                // Both in one question: a layer with one side and one with two.
                let layers = [one(&tensors[0], &b), two(&tensors[0], &a, &b), two(&tensors[1], &b, &a)];
                check(&gpu, &layers, stat, diff, &format!("{dtype:?}"));
            }
        }
    }
}

#[test]
fn sides_of_other_runs_and_types_are_compared() {
    let gpu = Aggregator::new(&gpu());
    let a = activations(200, 70, 1);
    let b = stored_as(&activations(90, 70, 2), Dtype::F16);
    let (of_a, of_b): (Vec<usize>, Vec<usize>) = ((0..200).collect(), (0..90).rev().collect());
    let layer = LayerRows {
        a: TensorRows { tensor: &a, rows: &of_a },
        b: Some(TensorRows { tensor: &b, rows: &of_b }),
    };
    for stat in STATS {
        for diff in DIFFS {
            check(&gpu, &[layer], stat, diff, "two tensors");
        }
    }
}

#[test]
fn what_is_no_ordinary_number_is_treated_as_on_the_cpu() {
    let gpu = Aggregator::new(&gpu());
    let least = f32::from_bits(1);
    let odd: [&[f32]; 16] = [
        &[f32::NAN],
        &[f32::INFINITY, f32::NEG_INFINITY, f32::NAN],
        &[f32::NAN, 3.0, f32::INFINITY],
        &[0.0, -0.0],
        &[-0.0],
        &[-0.0, 1.0, -0.0],
        &[1e38, -1e38, 3e38],
        &[3.4e38, 3.4e38, 3.4e38],
        &[-3.4e38, 3.4e38],
        &[1e20, 1.1e20],
        &[1e-20, 1.5e-20],
        &[1e-30, 1.0],
        &[1.0, 1.0, 1.0],
        &[f32::MIN_POSITIVE, 2.0 * f32::MIN_POSITIVE],
        &[least, 0.0, -least],
        &[least, 4.0 * least],
    ];
    let tensor = f32s(40, odd.len(), |row, unit| odd[unit][row % odd[unit].len()]);
    let rows: Vec<usize> = (0..40).collect();
    let halves: Vec<f32> = vec![6e-8, -6e-8, 5.96e-5, 65504.0, -65504.0, f32::INFINITY, f32::NAN, -0.0];
    let halves = stored_as(&f32s(40, 8, |row, unit| halves[(row + unit) % (unit + 1)]), Dtype::F16);
    for stat in STATS {
        let before = gpu.cpu_fallbacks();
        let got = gpu
            .values(&[one(&tensor, &rows), one(&halves, &rows)], stat, Diff::Signed)
            .expect("a device")
            .layers;
        let left = u64::from(stat == Stat::Mean || stat == Stat::Std);
        assert_eq!(gpu.cpu_fallbacks() - before, left, "{stat:?}: the layers left to the CPU");
        for (got, tensor) in got.iter().zip([&tensor, &halves]) {
            let mut expected = oracle(&one(tensor, &rows), stat, Diff::Signed);
            // If values cancel, the error of a mean is relative to the values. A value below the least
            // normal number may count as zero.
            for (unit, (_, size)) in expected.iter_mut().enumerate() {
                let values = rows.iter().map(|&row| f64::from(tensor.row(row)[unit]).abs());
                let largest = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
                *size = if stat == Stat::Mean { largest } else { *size };
                *size = size.max(f64::from(f32::MIN_POSITIVE) * 1e5);
            }
            assert_eq!(first_wrong(got, &expected, 1e-5), None, "{stat:?}");
        }
    }
    // A quarter of the values above zero are the least there are.
    let rate = gpu.values(&[one(&tensor, &rows)], Stat::Rate, Diff::Signed).expect("a device").layers;
    assert_eq!(rate[0][14], 14.0 / 40.0);
}

#[test]
fn nothing_is_lost_around_a_large_mean() {
    let gpu = Aggregator::new(&gpu());
    // A deviation of a ten-thousandth of the mean over a million rows, and a first row far away.
    let rows: Vec<usize> = (0..1_000_000).collect();
    let tensor = f32s(rows.len(), 4, |row, unit| match (unit, row) {
        (3, 0) => 1e6,
        (3, _) => 1.0 + noise(row, 3) as f32,
        _ => {
            (1e4 * (unit as f64 + 1.0)
                + (noise(4 * row + unit, unit) - 0.5) * 12f64.sqrt() * (unit as f64 + 1.0)) as f32
        }
    });
    let layer = one(&tensor, &rows);
    for (stat, tolerance) in [(Stat::Mean, 1e-5), (Stat::Std, 1e-4), (Stat::Count, 0.0)] {
        let got = gpu.values(&[layer], stat, Diff::Signed).expect("a device").layers;
        let expected = oracle(&layer, stat, Diff::Signed);
        println!("{stat:?}: {:?}, expected {:?}", got[0], expected.iter().map(|e| e.0).collect::<Vec<_>>());
        let worst =
            got[0].iter().zip(&expected).map(|(&got, (expected, _))| (f64::from(got) / expected - 1.0).abs());
        println!("{stat:?}: greatest relative error {:.1e}", worst.fold(0.0, f64::max));
        assert_eq!(first_wrong(&got[0], &expected, tolerance), None, "{stat:?}");
    }
}

#[test]
fn equal_sides_differ_by_nothing_and_swapped_ones_by_the_opposite() {
    let gpu = Aggregator::new(&gpu());
    // Every statistic of the two sides is another one, the minimum as well.
    let tensor = f32s(900, 67, |row, unit| match (row * 67 + unit) % 997 {
        500 => f32::NAN,
        600 => f32::INFINITY,
        at => (noise(row * 997 + at, 5) - 0.3) as f32,
    });
    let (a, b): (Vec<usize>, Vec<usize>) = (0..900).partition(|row| row % 10 == 3);
    for stat in STATS {
        for diff in DIFFS {
            let layers = [two(&tensor, &a, &a), two(&tensor, &a, &b), two(&tensor, &b, &a)];
            let got = gpu.values(&layers, stat, diff).expect("a device").layers;
            assert!(got[0].iter().all(|&value| value == 0.0), "{stat:?} {diff:?}: {:?}", got[0]);
            assert!(got[1].iter().any(|&value| value != 0.0), "{stat:?} {diff:?}");
            let opposite = if diff == Diff::Abs { 1.0 } else { -1.0 };
            let flipped = got[1].iter().zip(&got[2]).all(|(a, b)| *a == opposite * b);
            assert!(flipped, "{stat:?} {diff:?}");
        }
    }
}

#[test]
fn what_stays_and_what_passes_through_give_the_same_bits() {
    let device = gpu();
    let staying = Aggregator::new(&device);
    let passing = Aggregator::with_budget(&device, 0);
    // Room for one of the tensors at a time.
    let tight = Aggregator::with_budget(&device, 9000 * 272 * 4);
    let tensors = [1, 2, 3].map(|seed| activations(9000, 270, seed));
    let bytes = stored_as(&tensors[0], Dtype::U8 { scale: 0.01, offset: 0.0 });
    let _open = (tensors.clone(), bytes.clone());
    let lists: [Vec<usize>; 3] = [(0..9000).collect(), (0..9000).step_by(7).collect(), vec![8999, 1, 1]];
    for round in 0..2 {
        for stat in STATS {
            for list in &lists {
                let mut layers: Vec<LayerRows> = tensors.iter().map(|tensor| one(tensor, list)).collect();
                layers.push(two(&bytes, list, &lists[1]));
                let [a, b, c] = [&staying, &passing, &tight].map(|aggregator| {
                    bits(&aggregator.values(&layers, stat, Diff::Signed).expect("a device").layers)
                });
                assert!(a == b && a == c, "{stat:?}, round {round}");
            }
        }
    }
    let sums: Vec<LayerRows> = tensors.iter().map(|tensor| one(tensor, &lists[1])).collect();
    check(&tight, &sums, Stat::Std, Diff::Signed, "room for one");
}

#[test]
fn a_wide_layer_is_cut_into_pieces() {
    let gpu = Aggregator::new(&gpu());
    let tensor = stored_as(&activations(150, 140_003, 9), Dtype::F16);
    let (a, b): (Vec<usize>, Vec<usize>) = (0..150).partition(|row| row % 4 == 0);
    for stat in [Stat::Mean, Stat::Std] {
        check(&gpu, &[two(&tensor, &a, &b)], stat, Diff::Signed, "140 003 units");
    }
    let passing = Aggregator::with_budget(&self::gpu(), 0);
    check(&passing, &[two(&tensor, &a, &b)], Stat::Std, Diff::Effect, "140 003 units passing through");
}

#[test]
fn no_layers_and_no_units_are_no_trouble() {
    let gpu = Aggregator::new(&gpu());
    assert_eq!(gpu.values(&[], Stat::Mean, Diff::Signed).expect("a device"), Reduced::on_cpu(Vec::new()));
    let none = f32s(3, 0, |_, _| 0.0);
    let some = activations(3, 5, 1);
    let layers = [one(&none, &[0, 2]), one(&some, &[0, 2]), two(&none, &[], &[1])];
    let got = gpu.values(&layers, Stat::Mean, Diff::Signed).expect("a device").layers;
    assert_eq!(got.iter().map(Vec::len).collect::<Vec<_>>(), [0, 5, 0]);
    let empty = gpu.values(&[two(&some, &[], &[1])], Stat::Count, Diff::Signed).expect("a device").layers;
    assert_eq!(empty[0], [-1.0; 5]);
}

#[test]
fn several_threads_may_ask() {
    let gpu = Aggregator::with_budget(&gpu(), 1 << 20);
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let gpu = &gpu;
            scope.spawn(move || {
                let tensor = activations(400, 300, seed);
                let rows: Vec<usize> = (0..400).collect();
                for stat in STATS {
                    check(gpu, &[one(&tensor, &rows)], stat, Diff::Signed, "beside others");
                }
            });
        }
    });
}

#[test]
fn a_lost_device_is_said() {
    let device = gpu();
    let gpu = Aggregator::new(&device);
    let tensor = activations(400, 300, 1);
    let rows: Vec<usize> = (0..400).collect();
    check(&gpu, &[one(&tensor, &rows[..100])], Stat::Std, Diff::Signed, "before");
    device.device.destroy();
    for _ in 0..2 {
        let answer = gpu.values(&[one(&tensor, &rows)], Stat::Std, Diff::Signed);
        assert!(matches!(answer, Err(BackendError::Lost)), "{answer:?}");
    }
}

#[test]
fn the_benchmark_measures_something() {
    let tensor = activations(2000, 512, 1);
    let _open = tensor.clone();
    let rows: Vec<usize> = (0..2000).collect();
    let measured =
        aggregate::bench(&gpu(), &[one(&tensor, &rows)], Stat::Std, Duration::ZERO).expect("a device");
    assert!(measured.resident && measured.gbps > 0.0 && measured.copy_ceiling_gbps > 0.0, "{measured:?}");
    let expected = oracle(&one(&tensor, &rows), Stat::Std, Diff::Signed);
    assert_eq!(first_wrong(&measured.values[0], &expected, 1e-5), None, "the reduction that is measured");
}

#[test]
fn the_comparison_can_fail() {
    let tensor = activations(100, 8, 1);
    let rows: Vec<usize> = (0..100).collect();
    let expected = oracle(&one(&tensor, &rows), Stat::Mean, Diff::Signed);
    let right: Vec<f32> = expected.iter().map(|(value, _)| *value as f32).collect();
    assert_eq!(first_wrong(&right, &expected, 1e-5), None);
    for wrong in [right[3] * 1.0001, f32::NAN, 0.0, f32::INFINITY] {
        let mut values = right.clone();
        values[3] = wrong;
        assert!(first_wrong(&values, &expected, 1e-5).is_some(), "{wrong}");
    }
    let mut none = expected.clone();
    none[3].0 = f64::NAN;
    assert!(first_wrong(&right, &none, 1e-5).is_some());
    assert!(first_wrong(&right[1..], &expected, 1e-5).is_some());
}

/// Half floats as integers of the same order.
fn ordered(value: f16) -> i32 {
    let bits = i32::from(value.to_bits());
    if bits < 0x8000 { bits } else { 0x8000 - bits }
}

/// A texel of one that is different from the other's: cells, greatest values and shares by anything,
/// means and deviations by more than one step of a half float or a hundred-thousandth.
fn first_different(gpu: &[Vec<f16>; 2], cpu: &[Vec<f16>; 2]) -> Option<String> {
    for (texture, (gpu, cpu)) in gpu.iter().zip(cpu).enumerate() {
        if gpu.len() != cpu.len() {
            return Some(format!("{} and {} texels", gpu.len(), cpu.len()));
        }
        for (at, (&gpu, &cpu)) in gpu.iter().zip(cpu).enumerate() {
            let rounded = texture == 1 && (at % 4 == 1 || at % 4 == 2);
            let steps = ordered(gpu).abs_diff(ordered(cpu));
            let near = (gpu.to_f32() - cpu.to_f32()).abs() <= 1e-5;
            if !(gpu == cpu || rounded && (steps <= 1 || near)) {
                return Some(format!("texture {texture}, number {at}: {gpu}, not {cpu}"));
            }
        }
    }
    None
}

/// The texels of `layers` as both build them.
fn both(gpu: &Gpu, layers: &[LayerCells], signed: bool) -> [[Vec<f16>; 2]; 2] {
    [Processor::Gpu, Processor::Cpu].map(|processor| {
        let cells = Cells { layers: layers.to_vec(), ..Cells::default() };
        texels(processor, gpu, &cells, signed)
    })
}

fn texels(processor: Processor, gpu: &Gpu, cells: &Cells, signed: bool) -> [Vec<f16>; 2] {
    let field = Field::built_by(processor, gpu, cells, signed).expect("fits");
    assert_eq!(field.processor(), processor, "not one processor's pyramids with its own");
    field.texels(gpu).expect("a device that works")
}

fn cells(grid: Grid, units: usize, value: impl Fn(usize) -> f32) -> LayerCells {
    LayerCells { grid, units, values: (0..units).map(value).collect() }
}

#[test]
fn pyramids_are_the_same_texel_by_texel() {
    let gpu = gpu();
    let near_square = |units, value: &dyn Fn(usize) -> f32| cells(Grid::near_square(units), units, value);
    let wild = |at: usize| match at % 91 {
        17 => f32::NAN,
        18 => LayerCells::NO_CELL,
        19 => f32::INFINITY,
        20 => 1e-30,
        _ => (noise(at, 3) - 0.4) as f32 * 7.0,
    };
    let networks: [Vec<LayerCells>; 7] = [
        vec![near_square(1, &|_| 0.5)],
        vec![near_square(0, &|_| 0.5)],
        // Of one value, which has no spread.
        vec![near_square(5000, &|_| 0.3)],
        vec![
            near_square(64, &|at| at as f32),
            cells(Grid::column(10), 10, |at| -(at as f32)),
            near_square(3, &wild),
        ],
        [24, 48, 72, 300, 10, 4096, 1000, 70_000, 9216].map(|units| near_square(units, &wild)).into(),
        vec![near_square(200, &|at| wild(at) * 1e30), near_square(90, &|at| wild(at) * 1e-30)],
        vec![near_square(500, &|_| f32::NAN), near_square(500, &|at| f32::from_bits(at as u32))],
    ];
    for (index, layers) in networks.iter().enumerate() {
        for signed in [false, true] {
            let [gpu, cpu] = both(&gpu, layers, signed);
            let written = cpu.iter().flatten().any(|value| value.to_f32() > -8.0 && value.to_f32() != 0.0);
            assert!(written, "network {index}: nothing was read back");
            assert_eq!(first_different(&gpu, &cpu), None, "network {index}, signed: {signed}");
        }
    }
}

#[test]
fn pyramids_of_many_tiles_are_the_same() {
    let gpu = gpu();
    // Wider than a tile, and beside it slabs that begin where a tile does not.
    let wide = Grid { columns: 2500, rows: 700 };
    let layers = [
        cells(wide, 2500 * 700 - 9, |at| if at % 1000 == 7 { f32::NAN } else { noise(at, 1) as f32 }),
        cells(Grid::near_square(90_000), 90_000, |at| noise(at, 2) as f32 - 0.5),
        cells(Grid::near_square(300), 300, |at| at as f32 * 0.01),
    ];
    let [gpu, cpu] = both(&gpu, &layers, true);
    assert_eq!(first_different(&gpu, &cpu), None);
}

#[test]
fn the_comparison_of_pyramids_can_fail() {
    let gpu = gpu();
    let layer = |other: usize| {
        cells(Grid::near_square(900), 900, |at| if at == other { 0.7 } else { noise(at, 1) as f32 })
    };
    let [one, _] = both(&gpu, &[layer(900)], false);
    let [other, _] = both(&gpu, &[layer(333)], false);
    assert!(first_different(&one, &other).is_some());
    let mut spread = one.clone();
    spread[1][2] = f16::from_f32(spread[1][2].to_f32() * 1.01 + 0.001);
    assert!(first_different(&one, &spread).is_some());
}

/// A recording in memory: inputs of the classes 0, 1, 0, 1, …, and epochs.
struct Made {
    recording: Recording,
    /// Per epoch and layer, a row per input.
    epochs: Vec<Vec<Tensor>>,
    /// Feature maps of every input.
    maps: Vec<MapBlock>,
    /// Aggregates of all inputs.
    aggregates: Option<Vec<Aggregate>>,
}

impl Made {
    fn new(epochs: Vec<Vec<Tensor>>) -> Self {
        let layer = |(index, tensor): (usize, &Tensor)| Layer {
            name: index.to_string(),
            module: String::new(),
            text: String::new(),
            kind: LayerKind::Dense,
            shape: vec![tensor.columns()],
            units: tensor.columns(),
            parameters: None,
            dtype: String::new(),
            reduction: Reduction::None,
        };
        let inputs = epochs[0][0].rows();
        let class = |id: usize| Class {
            id: id as i64,
            name: id.to_string(),
            inputs: (id..inputs).step_by(2).count(),
            aggregated: 0,
        };
        let input =
            |index: usize| Input { id: index.to_string(), class: Some(index % 2), has_picture: false };
        let recording = Recording {
            format: Format::Native,
            model: String::new(),
            layers: epochs[0].iter().enumerate().map(layer).collect(),
            edges: Vec::new(),
            joints: Vec::new(),
            modules: BTreeMap::new(),
            classes: (0..2).map(class).collect(),
            inputs: (0..inputs).map(input).collect(),
            epochs: (0..).zip(&epochs).map(|(number, _)| Epoch { number, ..Epoch::default() }).collect(),
            normalisation: Normalisation::None,
            warnings: Vec::new(),
        };
        Self { recording, epochs, maps: Vec::new(), aggregates: None }
    }

    /// Layers of these numbers of units, at two epochs.
    fn of_sizes(units: &[usize]) -> Self {
        let epoch =
            |seed| units.iter().zip(seed..).map(|(&units, seed)| activations(40, units, seed)).collect();
        Self::new(vec![epoch(0), epoch(100)])
    }

    fn cells(&self, query: &Query, backend: &dyn Backend) -> Cells {
        stats::cells(Sides::one(self), query, EpochIndex(0), backend).expect("values")
    }
}

impl Source for Made {
    fn recording(&self) -> &Recording {
        &self.recording
    }

    fn aggregates(&self, _: EpochIndex, group: Group) -> Result<Option<Arc<Vec<Aggregate>>>, SourceError> {
        Ok(self.aggregates.clone().filter(|_| group == Group::All).map(Arc::new))
    }

    fn rows(&self, epoch: EpochIndex, wanted: &[usize]) -> Result<RowBlock, SourceError> {
        Ok(RowBlock { layers: self.epochs[epoch.0].clone(), rows: wanted.to_vec() })
    }

    fn maps(&self, _: EpochIndex, _: usize) -> Result<Vec<MapBlock>, SourceError> {
        Ok(self.maps.clone())
    }

    fn predictions(&self, _: EpochIndex) -> Result<Option<Arc<Vec<Option<usize>>>>, SourceError> {
        Ok(None)
    }

    fn picture(&self, _: usize) -> Option<Picture> {
        None
    }
}

fn query(select: &str, minus: Option<&str>, stat: Stat, diff: Diff) -> Query {
    let select = select.parse().expect("a selection");
    let minus = minus.map(|minus| minus.parse().expect("a selection"));
    Query { select, minus, stat, diff, ..Query::default() }
}

/// Per layer, `true` if its values are on the device.
fn stayed(cells: &Cells) -> Vec<bool> {
    cells.copies.iter().map(Option::is_some).collect()
}

/// The first difference between the field of `cells`, of which those layers that `stayed` says have values on the
/// device, and the field of the values on the CPU.
fn first_misplaced(gpu: &Gpu, cells: &Cells, signed: bool) -> Option<String> {
    let build = |cells: &Cells| texels(Processor::Gpu, gpu, cells, signed);
    let own = build(cells);
    let mut uploaded = cells.clone();
    uploaded.copies.fill(None);
    let expected = build(&uploaded);
    for (texture, (own, expected)) in own.iter().zip(&expected).enumerate() {
        if let Some(at) = (0..own.len()).find(|&at| own[at].to_bits() != expected[at].to_bits()) {
            return Some(format!("texture {texture}, number {at}: {}, not {}", own[at], expected[at]));
        }
    }
    // Of values that stayed on the device, those on the CPU are not read.
    let mut others = cells.clone();
    for (layer, copy) in others.layers.iter_mut().zip(&cells.copies) {
        if copy.is_some() {
            layer.values.reverse();
        }
    }
    let others = build(&others);
    let same = own.iter().flatten().zip(others.iter().flatten()).all(|(a, b)| a.to_bits() == b.to_bits());
    if !same {
        return Some("values were uploaded in spite of those on the device".to_owned());
    }
    first_different(&own, &texels(Processor::Cpu, gpu, cells, signed))
}

/// An order in which neighbours are some units apart.
fn shuffled(units: usize) -> Option<Arc<UnitPermutation>> {
    let step = [7, 11, 13, 17].into_iter().find(|&step| !units.is_multiple_of(step))?;
    let unit_at = (0..units).map(|place| ((place * step + 1) % units) as u32).collect();
    UnitPermutation::new(unit_at).map(Arc::new)
}

#[test]
fn values_that_stay_on_the_device_are_placed_as_those_on_the_cpu() {
    let gpu = gpu();
    let aggregator = Aggregator::new(&gpu);
    let made = Made::of_sizes(&[1, 300, 70, 4099, 140_003, 10]);
    for stat in STATS {
        let cells = made.cells(&query("class:0", None, stat, Diff::Signed), &aggregator);
        assert_eq!(stayed(&cells), [true; 6], "{stat:?}");
        assert_eq!(first_misplaced(&gpu, &cells, false), None, "{stat:?}");
    }
    for diff in DIFFS {
        let cells = made.cells(&query("class:0", Some("class:1"), Stat::Mean, diff), &aggregator);
        assert_eq!(stayed(&cells), [true; 6], "{diff:?}");
        assert_eq!(first_misplaced(&gpu, &cells, true), None, "{diff:?}");
    }
}

#[test]
fn units_in_other_orders_are_placed_as_those_on_the_cpu() {
    let gpu = gpu();
    let made = Made::of_sizes(&[300, 70, 140_003, 10]);
    let trained = made.cells(&query("class:0", None, Stat::Mean, Diff::Signed), &Aggregator::new(&gpu));
    let orders = [shuffled(300), None, shuffled(140_003), shuffled(9)];
    let ordered = trained.clone().ordered(&orders);
    assert_ne!(ordered.layers[0], trained.layers[0]);
    assert_ne!(ordered.layers[2], trained.layers[2]);
    assert_eq!(stayed(&ordered), [true; 4]);
    assert_eq!(first_misplaced(&gpu, &ordered, false), None);
    let twice = ordered.ordered(&[shuffled(300), shuffled(70), None, None]);
    assert_eq!(first_misplaced(&gpu, &twice, false), None);
}

#[test]
fn values_of_many_tiles_and_batches_are_placed_as_those_on_the_cpu() {
    let gpu = gpu();
    let aggregator = Aggregator::new(&gpu);
    // Each larger than a quarter of a page, so that the second lies on four tiles.
    let units = [2_500_000, 2_500_001];
    let layer = |&units: &usize| f32s(2, units, |row, unit| noise(row * units + unit, 7) as f32 - 0.4);
    let made = Made::new(vec![units.iter().map(layer).collect()]);
    for (stat, expected) in [(Stat::Max, [true, true]), (Stat::Mean, [true, false])] {
        let cells = made.cells(&query("input:0,1", None, stat, Diff::Signed), &aggregator);
        assert_eq!(stayed(&cells), expected, "{stat:?}");
        assert_eq!(first_misplaced(&gpu, &cells, true), None, "{stat:?}");
    }
    let cells = made.cells(&query("input:0,1", None, Stat::Max, Diff::Signed), &aggregator);
    let cells = cells.ordered(&units.map(shuffled));
    assert_eq!(first_misplaced(&gpu, &cells, true), None);
}

#[test]
fn values_that_the_cpu_computed_are_uploaded() {
    let gpu = gpu();
    let aggregator = Aggregator::new(&gpu);
    let mut made = Made::of_sizes(&[300, 70, 257, 30]);
    // Squares of these leave the range of f32.
    made.epochs[0][1] = f32s(40, 70, |row, unit| 1e20 * noise(row * 70 + unit, 1) as f32);
    let cells = made.cells(&query("class:0", None, Stat::Std, Diff::Signed), &aggregator);
    assert_eq!(aggregator.cpu_fallbacks(), 1);
    assert_eq!(stayed(&cells), [true, false, true, true]);
    assert_eq!(first_misplaced(&gpu, &cells, false), None);
    let ordered = cells.ordered(&[300, 70, 257, 30].map(shuffled));
    assert_eq!(first_misplaced(&gpu, &ordered, false), None);
}

#[test]
fn mosaics_are_uploaded() {
    let gpu = gpu();
    let mut made = Made::of_sizes(&[300, 12, 257]);
    made.maps = vec![MapBlock { layer: 1, height: 5, width: 7, values: activations(12, 35, 4) }];
    let cells = made.cells(&query("input:3", None, Stat::Mean, Diff::Signed), &Aggregator::new(&gpu));
    assert!(cells.arrangements[1].mosaic.is_some());
    assert_eq!(stayed(&cells), [true, false, true]);
    assert_eq!(first_misplaced(&gpu, &cells, false), None);
    let ordered = cells.ordered(&[300, 12, 257].map(shuffled));
    assert_eq!(first_misplaced(&gpu, &ordered, false), None);
}

#[test]
fn values_computed_further_have_no_copy_on_the_device() {
    let gpu = gpu();
    let aggregator = Aggregator::new(&gpu);
    let made = Made::of_sizes(&[300, 70]);
    let plain = query("class:0", None, Stat::Mean, Diff::Signed);
    let on_device = |query: &Query, t: f32, backend: &dyn Backend| {
        let between = EpochPosition { from: EpochIndex(0), to: EpochIndex(1), t };
        let table = stats::table(Sides::one(&made), query, between, backend).expect("values");
        table.copies.iter().map(Option::is_some).collect::<Vec<_>>()
    };
    assert_eq!(on_device(&plain, 0.0, &aggregator), [true, true]);
    assert_eq!(on_device(&plain, 0.0, &Cpu), [false, false]);
    assert_eq!(on_device(&plain, 0.5, &aggregator), [false, false], "between epochs");
    let normalised = Query { norm: Norm::Layer, ..plain.clone() };
    assert_eq!(on_device(&normalised, 0.0, &aggregator), [false, false]);
    for (select, minus) in [("class:0@0.5", None), ("class:0", Some("class:0@0.5"))] {
        let between = query(select, minus, Stat::Mean, Diff::Signed);
        assert_eq!(on_device(&between, 0.0, &aggregator), [false, false], "{select} minus {minus:?}");
    }
    // Normalised or not, cells are those of the raw values.
    assert_eq!(stayed(&made.cells(&normalised, &aggregator)), [true, true]);

    let mut stored = Made::of_sizes(&[300, 70]);
    let aggregate = |units| Aggregate {
        count: 40,
        mean: vec![0.5; units],
        variance: None,
        min: None,
        max: None,
        rate: None,
    };
    stored.aggregates = Some([300, 70].map(aggregate).into());
    let cells = stored.cells(&query("all", None, Stat::Mean, Diff::Signed), &aggregator);
    assert_eq!((stayed(&cells), cells.layers[0].values[7]), (vec![false, false], 0.5));
}

#[test]
fn layers_of_two_runs_are_placed_as_those_on_the_cpu() {
    let gpu = gpu();
    let (a, b) = (Made::of_sizes(&[300, 70, 257]), Made::of_sizes(&[300, 71, 257]));
    let difference = query("class:0", Some("class:1"), Stat::Mean, Diff::Signed);
    let cells = stats::cells(Sides { a: &a, b: &b }, &difference, EpochIndex(0), &Aggregator::new(&gpu));
    let cells = cells.expect("values");
    assert_eq!(cells.unmatched, [UnmatchedLayer { layer: LayerIndex(1), units: Some(71) }]);
    assert_eq!(stayed(&cells), [true, false, true]);
    assert_eq!(first_misplaced(&gpu, &cells, true), None);
}

#[test]
fn values_on_another_device_are_uploaded() {
    let (gpu, other) = (gpu(), gpu());
    let made = Made::of_sizes(&[300, 70]);
    let cells = made.cells(&query("class:0", None, Stat::Mean, Diff::Signed), &Aggregator::new(&other));
    let [own, elsewhere] = [&other, &gpu].map(|gpu| texels(Processor::Gpu, gpu, &cells, false));
    assert_eq!(first_different(&own, &elsewhere), None);
}

#[test]
fn the_comparison_of_placed_values_can_fail() {
    let gpu = gpu();
    let aggregator = Aggregator::new(&gpu);
    let made = Made::of_sizes(&[300, 300]);
    let cells = made.cells(&query("class:0", None, Stat::Mean, Diff::Signed), &aggregator);
    assert_eq!(first_misplaced(&gpu, &cells, false), None);
    // The units of each other's layer, and those of another epoch.
    let mut swapped = cells.clone();
    swapped.copies.swap(0, 1);
    let later = stats::cells(
        Sides::one(&made),
        &query("class:1", None, Stat::Mean, Diff::Signed),
        EpochIndex(1),
        &aggregator,
    );
    let other = Cells { copies: later.expect("values").copies, ..cells.clone() };
    let mut unordered = cells.clone().ordered(&[shuffled(300), None]);
    unordered.arrangements[0].places = None;
    for wrong in [swapped, other, unordered] {
        assert!(first_misplaced(&gpu, &wrong, false).is_some());
    }
}
