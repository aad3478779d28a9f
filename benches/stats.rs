//! Reductions of rows `[inputs, units]`, beside a plain read of the same bytes: the ceiling that the
//! memory sets.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dnnviz::model::{Dtype, Tensor};
use dnnviz::stats::{Extremes, Firing, Moments, aggregated, reduce};
use half::f16;
use rayon::prelude::*;

const INPUTS: usize = 1024;
const UNITS: usize = 9354;
const CLASSES: usize = 10;

/// Values in [0, 2), some of them zero as behind a rectifier.
fn values() -> Vec<f32> {
    let mut state = 1_u32;
    let mut value = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 8) as f32 / (1 << 22) as f32 - 2.0).max(0.0)
    };
    (0..INPUTS * UNITS).map(|_| value()).collect()
}

fn reductions(c: &mut Criterion) {
    let values = values();
    let halves: Vec<u8> = values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect();
    let halves = Tensor::new(Arc::new(halves), 0..2 * INPUTS * UNITS, Dtype::F16, INPUTS, UNITS);
    let halves = halves.expect("a shape that fits");
    let singles = Tensor::from_f32(values, INPUTS, UNITS).expect("a shape that fits");
    let rows: Vec<usize> = (0..INPUTS).collect();
    let class: Vec<usize> = (0..INPUTS).step_by(CLASSES).collect();
    let bytes = |tensor: &Tensor, rows: &[usize]| (rows.len() * UNITS * tensor.dtype().size()) as u64;

    let mut group = c.benchmark_group("stats::reduce");
    group.throughput(Throughput::Bytes(bytes(&singles, &rows)));
    group.bench_function("plain read (ceiling)", |b| b.iter(|| sum_of_words(black_box(singles.bytes()))));
    group.bench_function("moments", |b| b.iter(|| reduce::<Moments>(black_box(&singles), &rows)));
    group.bench_function("extremes", |b| b.iter(|| reduce::<Extremes>(black_box(&singles), &rows)));
    group.bench_function("firing rates", |b| b.iter(|| reduce::<Firing>(black_box(&singles), &rows)));
    group.bench_function("everything", |b| b.iter(|| aggregated(black_box(&singles), &rows)));
    group.throughput(Throughput::Bytes(bytes(&singles, &class)));
    group.bench_function("moments of one class", |b| {
        b.iter(|| reduce::<Moments>(black_box(&singles), &class))
    });
    group.throughput(Throughput::Bytes(bytes(&halves, &rows)));
    group.bench_function("moments, half precision", |b| {
        b.iter(|| reduce::<Moments>(black_box(&halves), &rows))
    });
    group.finish();
}

/// Reads every byte on all cores and only adds.
fn sum_of_words(bytes: &[u8]) -> u64 {
    let words = bytes.par_chunks(1 << 18).map(|chunk| {
        let words = chunk.as_chunks::<8>().0;
        words.iter().fold(0_u64, |sum, word| sum.wrapping_add(u64::from_le_bytes(*word)))
    });
    words.reduce(|| 0, u64::wrapping_add)
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = reductions
}
criterion_main!(benches);
