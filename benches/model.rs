//! Layout, picking and selections: what the window computes while the pointer moves and a person types.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dnnviz::model::recording::sequential_edges;
use dnnviz::model::{
    Camera, Class, Format, Grid, Input, Layer, LayerCells, LayerKind, Layout, Normalisation, Recording,
    Reduction, SceneValues, Selection, SetView, ValueRange, pick,
};
use glam::{Vec2, vec2};

const ASPECT: f32 = 16.0 / 9.0;
const INPUTS: usize = 10_000;
const CLASSES: usize = 10;

/// `layers` layers of `units` units each, inputs labelled in turn.
fn recording(layers: usize, units: usize) -> Recording {
    let layer = |index: usize| Layer {
        name: format!("features.{index}"),
        module: "Conv2d".to_owned(),
        text: String::new(),
        kind: LayerKind::FeatureMap,
        shape: vec![units],
        units,
        parameters: None,
        dtype: String::new(),
        reduction: Reduction::SpatialMean,
    };
    let class = |id: usize| Class {
        id: id as i64,
        name: format!("class {id}"),
        inputs: INPUTS / CLASSES,
        aggregated: 0,
    };
    let input =
        |index: usize| Input { id: index.to_string(), class: Some(index % CLASSES), has_picture: false };
    Recording {
        format: Format::Native,
        model: "Bench".to_owned(),
        layers: (0..layers).map(layer).collect(),
        edges: sequential_edges(layers),
        joints: Vec::new(),
        modules: BTreeMap::new(),
        classes: (0..CLASSES).map(class).collect(),
        inputs: (0..INPUTS).map(input).collect(),
        epochs: Vec::new(),
        normalisation: Normalisation::None,
        warnings: Vec::new(),
    }
}

/// Points of the picture in [0, 1]², evenly spread.
fn points() -> Vec<Vec2> {
    (0..16 * 9).map(|at| vec2((at % 16) as f32 / 16.0, (at / 16) as f32 / 9.0)).collect()
}

fn layouts(c: &mut Criterion) {
    let mut group = c.benchmark_group("model::layout");
    for layers in [8, 200, 2_000] {
        let recording = recording(layers, 1024);
        group.throughput(Throughput::Elements(layers as u64));
        group.bench_function(format!("{layers} layers"), |b| {
            b.iter(|| Layout::new(black_box(&recording), 1.6))
        });
    }
    group.finish();
}

fn picking(c: &mut Criterion) {
    let recording = recording(8, 125_000);
    let layout = Layout::new(&recording, 1.6);
    let cells: Vec<LayerCells> = recording
        .layers
        .iter()
        .map(|layer| LayerCells {
            grid: Grid::near_square(layer.units),
            units: layer.units,
            values: (0..layer.units).map(|unit| (unit % 97) as f32 / 97.0).collect(),
        })
        .collect();
    let ranges = vec![ValueRange { low: 0.0, high: 1.0 }; cells.len()];
    let divisors = vec![1.0; cells.len()];
    let values = SceneValues {
        from: &cells,
        to: &cells,
        t: 0.5,
        arrangements: &[],
        id: 0,
        ranges: &ranges,
        divisors: &divisors,
        diverging: false,
        height: 1.0,
    };
    let points = points();

    let mut group = c.benchmark_group("model::pick");
    group.throughput(Throughput::Elements(points.len() as u64));
    for view in SetView::ALL {
        let camera = Camera::set_view(view, &layout, ASPECT);
        group.bench_function(format!("million cells, {}", view.name()), |b| {
            b.iter(|| {
                let hits = points.iter().filter_map(|&point| {
                    pick(black_box(&layout), &values, &camera, camera.ray(point, ASPECT))
                });
                hits.count()
            });
        });
    }
    group.finish();
}

fn selections(c: &mut Criterion) {
    let recording = recording(1, 1);
    let predictions: Vec<Option<usize>> = (0..INPUTS).map(|input| Some(input % (CLASSES - 1))).collect();
    let mut group = c.benchmark_group("model::selection");
    for text in ["all", "class:3", "class:1,2,3&wrong", "input:17,40-4999&right@last"] {
        group.bench_function(format!("parse {text}"), |b| b.iter(|| black_box(text).parse::<Selection>()));
        let selection: Selection = text.parse().expect("a selection");
        let resolved = selection.resolve(&recording, Some(&predictions)).expect("inputs of the recording");
        assert!(!resolved.is_empty(), "{text} selects something");
        group.bench_function(format!("resolve {text}"), |b| {
            b.iter(|| black_box(&selection).resolve(&recording, Some(&predictions)));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800));
    targets = layouts, picking, selections
}
criterion_main!(benches);
