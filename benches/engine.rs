//! Pyramids of cells on the CPU, and one memory copy of the same cells for comparison.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dnnviz::engine::atlas::Atlas;
use dnnviz::engine::pyramid::{self, Extent};
use dnnviz::model::{Grid, LayerCells};

const LAYERS: usize = 4;
const UNITS_PER_LAYER: usize = 250_000;

fn layers() -> Vec<LayerCells> {
    let mut state = 1_u32;
    let mut value = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let layer = |_| {
        let units = UNITS_PER_LAYER;
        LayerCells { grid: Grid::near_square(units), units, values: (0..units).map(|_| value()).collect() }
    };
    (0..LAYERS).map(layer).collect()
}

fn pyramids(c: &mut Criterion) {
    let layers = layers();
    let grids: Vec<Grid> = layers.iter().map(|layer| layer.grid).collect();
    let atlas = Atlas::new(&grids, 8192, 256).expect("room for a million cells");
    let extent = Extent::of(&layers);
    let cells: usize = grids.iter().map(|grid| grid.cells()).sum();

    let mut group = c.benchmark_group("engine::pyramid");
    group.throughput(Throughput::Elements(cells as u64));
    group.bench_function("copy of the cells (floor)", |b| b.iter(|| black_box(&layers).clone()));
    group.bench_function("extent", |b| b.iter(|| Extent::of(black_box(&layers))));
    group.bench_function("build", |b| b.iter(|| pyramid::build(&atlas, black_box(&layers), &extent, false)));
    group.bench_function("build, signed", |b| {
        b.iter(|| pyramid::build(&atlas, black_box(&layers), &extent, true));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = pyramids
}
criterion_main!(benches);
