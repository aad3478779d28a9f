//! The ray-cast against the plain cells path: the same cells near, the same light far.

mod draw_support;

use std::f32::consts::PI;

use dnnviz::engine::{Field, Frame, Gpu, Path, Renderer};
use dnnviz::model::SetView;
use dnnviz::model::layout::LayerCells;
use dnnviz::model::pick::rim_height;
use dnnviz::model::{Camera, Grid, Selection, ValueRange, ViewState};
use draw_support::draw;
use glam::{Vec3, vec3};

/// Evenly spread numbers in [0, 1), the same on every machine.
fn noise(index: usize, seed: usize) -> f32 {
    let mut x = (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ (seed as u64 + 1).wrapping_mul(0xD1B5_4A32_D192_ED03);
    x ^= x >> 29;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^= x >> 32;
    (x as u32) as f32 / (1u64 << 32) as f32
}

/// Layers with many zeros, like those behind a ReLU, in patches.
fn network(sizes: &[usize]) -> Vec<LayerCells> {
    sizes
        .iter()
        .enumerate()
        .map(|(layer, &units)| {
            let grid = Grid::near_square(units);
            let values = (0..units)
                .map(|unit| {
                    let (column, row) = grid.position(unit);
                    let patch = (9.0 * column as f32 / grid.columns as f32).sin()
                        * (7.0 * row as f32 / grid.rows as f32).cos();
                    ((noise(unit, layer) - 0.35).max(0.0) * (0.8 + 0.7 * patch)).clamp(0.0, 1.0)
                })
                .collect();
            LayerCells { grid, units, values }
        })
        .collect()
}

/// Differences of such layers, between −1 and 1, some of them without a value.
fn signed_network(sizes: &[usize]) -> Vec<LayerCells> {
    let mut layers = network(sizes);
    for (layer, cells) in layers.iter_mut().enumerate() {
        for (unit, value) in cells.values.iter_mut().enumerate() {
            let other = (noise(unit, layer + 100) - 0.35).max(0.0);
            *value = if noise(unit, layer + 200) < 0.02 { f32::NAN } else { *value - other };
        }
    }
    layers
}

struct Scene {
    gpu: Gpu,
    renderer: Renderer,
    field: Field,
    signed: bool,
}

impl Scene {
    fn new(layers: &[LayerCells]) -> Self {
        Self::of(layers, false)
    }

    /// A scene of `signed` values, or of values from 0 on.
    fn of(layers: &[LayerCells], signed: bool) -> Self {
        let gpu = Gpu::headless().expect("a graphics driver");
        let renderer = Renderer::new(&gpu);
        let field = Field::new(&gpu, layers, signed).expect("fits");
        Self { gpu, renderer, field, signed }
    }

    /// One scene of each kind.
    fn both(sizes: &[usize]) -> [Self; 2] {
        [Self::new(&network(sizes)), Self::of(&signed_network(sizes), true)]
    }

    fn pixels(&mut self, camera: Camera, size: [u32; 2], path: Path, every_cell: bool, ids: bool) -> Vec<u8> {
        let mut view = ViewState::new(camera, 0.0);
        view.haze = false;
        view.query.minus = self.signed.then(Selection::default);
        let range = if self.signed { ValueRange::new(-1.0, 1.0) } else { ValueRange::UNIT };
        let ranges = vec![range; self.field.layout().slabs.len()];
        let frame = Frame {
            view: &view,
            from: &self.field,
            to: &self.field,
            t: 0.0,
            ranges: &ranges,
            divisors: &[],
            picture: None,
            network: Default::default(),
            size,
            every_cell,
        };
        draw(&self.gpu, &mut self.renderer, &frame, path, ids)
    }
}

/// Share of pixels away from edges in which both paths see the same cell.
fn agreement(plain: &[u32], cast: &[u32], [width, height]: [u32; 2]) -> (f64, usize) {
    let at = |pixels: &[u32], x: u32, y: u32| {
        let i = 2 * (y * width + x) as usize;
        (pixels[i], pixels[i + 1])
    };
    let (mut same, mut inner) = (0, 0);
    for y in 1..height - 1 {
        for x in 1..width - 1 {
            let cell = at(plain, x, y);
            let around = (0..9).all(|k| at(plain, x + k % 3 - 1, y + k / 3 - 1) == cell);
            if around && cell.0 > 0 {
                inner += 1;
                same += usize::from(at(cast, x, y) == cell);
            }
        }
    }
    (same as f64 / inner as f64, inner)
}

/// Compares the cells that both paths show near.
fn assert_same_cells(scene: &mut Scene, camera: Camera, name: &str) {
    let size = [960, 540];
    let plain: Vec<u32> = bytemuck::pod_collect_to_vec(&scene.pixels(camera, size, Path::Cells, false, true));
    let cast: Vec<u32> =
        bytemuck::pod_collect_to_vec(&scene.pixels(camera, size, Path::Raycast, false, true));
    let (share, inner) = agreement(&plain, &cast, size);
    println!("{name:9} {share:.5} of {inner} pixels away from edges");
    assert!(inner > 5_000, "{name}: the view shows the network");
    assert!(share >= 0.999, "{name}: {share}");
    // The comparison can fail: shifted by ten pixels the pictures differ.
    let shifted = [&cast[20..], &cast[..20]].concat();
    assert!(agreement(&plain, &shifted, size).0 < 0.999);
}

#[test]
fn near_cells_are_the_ones_that_plain_boxes_show() {
    for scene in &mut Scene::both(&[24, 48, 72, 300, 10]) {
        for view in SetView::ALL {
            let camera = Camera::set_view(view, scene.field.layout(), 960.0 / 540.0);
            assert_same_cells(scene, camera, view.name());
        }
    }
}

#[test]
fn the_rim_of_a_signed_slab_is_the_one_that_plain_boxes_show() {
    let mut scene = Scene::of(&signed_network(&[24]), true);
    let slab = scene.field.layout().slabs[0];
    let rim = rim_height(true, 1.0) * slab.pitch;
    let front = Camera::set_view(SetView::Front, scene.field.layout(), 960.0 / 540.0);
    // The last place of the grid has no cell.
    let empty = slab.cell_centre(4, 4);
    let beside = slab.corner() + vec3(-2.0 * slab.pitch, -2.5 * slab.pitch, 0.0);
    for (name, from, height, yaw, pitch) in [
        ("lower", beside, 0.5, -PI / 2.0, 0.0),
        ("higher", beside, 3.0, -PI / 2.0, -0.05),
        ("among", empty, 0.7, 0.7, 0.3),
        ("corner", empty, 4.0, 0.2, 0.2),
        ("behind", beside, -2.0, -PI / 2.0 - 0.7, 0.0),
    ] {
        let camera = Camera { position: from + Vec3::Z * (height * rim), yaw, pitch, fov_y: 1.8, ..front };
        assert_same_cells(&mut scene, camera, name);
    }
}

#[test]
fn the_compute_path_draws_the_same_picture() {
    for scene in &mut Scene::both(&[24, 4096, 90_000, 10]) {
        for view in SetView::ALL {
            let camera = Camera::set_view(view, scene.field.layout(), 960.0 / 540.0);
            let drawn = scene.pixels(camera, [960, 540], Path::Raycast, false, false);
            let computed = scene.pixels(camera, [960, 540], Path::Compute, false, false);
            let differing = |computed: &[u8]| {
                let differ = drawn.iter().zip(computed).filter(|(a, b)| a.abs_diff(**b) > 3);
                differ.count() as f64 / drawn.len() as f64
            };
            let share = differing(&computed);
            println!("{:9} {share:.5} of the values differ", view.name());
            // Edges of slabs that overlap are laid over each other in light and not in encoded values.
            assert!(share < 0.002, "{}: {share}", view.name());
            // The comparison can fail: shifted by two pixels the pictures differ.
            let shifted = differing(&[&computed[8..], &computed[..8]].concat());
            assert!(shifted > 0.002, "{}: {shifted} shifted", view.name());
        }
    }
}

/// Means over blocks of `factor` × `factor` pixels, in light (the square of the encoded value).
fn shrunk(pixels: &[u8], [width, height]: [u32; 2], factor: u32) -> Vec<[f32; 3]> {
    let large = (width * factor) as usize;
    let mut means = Vec::with_capacity((width * height) as usize);
    for y in 0..height {
        for x in 0..width {
            let mut sum = [0.0f32; 3];
            for k in 0..factor * factor {
                let at =
                    4 * ((y * factor + k / factor) as usize * large + (x * factor + k % factor) as usize);
                for channel in 0..3 {
                    sum[channel] += (f32::from(pixels[at + channel]) / 255.0).powi(2);
                }
            }
            means.push(sum.map(|s| (s / (factor * factor) as f32).sqrt()));
        }
    }
    means
}

/// Mean absolute error and mean signed error over the pixels that differ from the ground in either
/// picture, as shares of full scale.
fn errors(picture: &[[f32; 3]], reference: &[[f32; 3]]) -> (f32, f32) {
    let ground = picture[0];
    let (mut absolute, mut signed, mut count) = (0.0, 0.0, 0.0);
    for (a, b) in picture.iter().zip(reference).filter(|(a, b)| **a != ground || **b != ground) {
        for channel in 0..3 {
            absolute += (a[channel] - b[channel]).abs();
            signed += a[channel] - b[channel];
        }
        count += 3.0;
    }
    (absolute / count, signed / count)
}

#[test]
fn far_slabs_have_the_light_of_their_cells() {
    // White noise is the worst that cells can be. Where a pixel holds only one or two of them (the
    // first scene from the front, and the middle of a grazing view) a pixel's error is that of a
    // smooth against a box filter over such noise; further away it is gone.
    for sizes in [&[160_000usize, 90_000, 10][..], &[1_000_000], &[4096, 4096, 1024]] {
        assert_far_light(&mut Scene::new(&network(sizes)), sizes);
    }
}

#[test]
fn far_slabs_of_signed_values_have_the_light_of_their_cells() {
    for sizes in [&[160_000usize, 90_000, 10][..], &[4096, 4096, 1024]] {
        assert_far_light(&mut Scene::of(&signed_network(sizes), true), sizes);
    }
}

/// Compares far slabs with finely sampled cells.
fn assert_far_light(scene: &mut Scene, sizes: &[usize]) {
    let size = [480, 270];
    // Samples per pixel along each axis: so many that the reference itself is not noise.
    let samples = 12;
    for view in [SetView::Overview, SetView::Front, SetView::Top, SetView::Grazing] {
        let camera = Camera::set_view(view, scene.field.layout(), 480.0 / 270.0);
        let plain = scene.pixels(camera, size.map(|edge| edge * samples), Path::Cells, true, false);
        let reference = shrunk(&plain, size, samples);
        let picture = shrunk(&scene.pixels(camera, size, Path::Raycast, false, false), size, 1);
        let (absolute, signed) = errors(&picture, &reference);
        println!("{:9} {sizes:?}: error {absolute:.4}, brightness {signed:+.4}", view.name());
        let halfway = matches!(view, SetView::Grazing | SetView::Front);
        assert!(absolute <= if halfway { 0.013 } else { 0.01 }, "{}: {absolute}", view.name());
        assert!(signed <= 0.005, "{}: brightened by {signed}", view.name());
    }
}

#[test]
fn colour_of_the_greatest_would_fail() {
    // The comparison can fail: a slab of lone peaks shown by its peaks is far too bright.
    let layers = network(&[250_000]);
    let mut scene = Scene::new(&layers);
    let camera = Camera::set_view(SetView::Front, scene.field.layout(), 480.0 / 270.0);
    let truth = shrunk(&scene.pixels(camera, [480, 270], Path::Raycast, false, false), [480, 270], 1);
    let greatest = LayerCells { values: vec![0.9; 250_000], ..layers[0].clone() };
    let mut brighter = Scene::new(&[greatest]);
    let shown = shrunk(&brighter.pixels(camera, [480, 270], Path::Raycast, false, false), [480, 270], 1);
    let (absolute, signed) = errors(&shown, &truth);
    assert!(absolute > 0.1 && signed > 0.1, "{absolute} {signed}");
}

#[test]
fn a_lone_hot_cell_and_a_lone_dead_cell_are_seen_from_afar() {
    let grid = Grid::near_square(512 * 512);
    let mut values = vec![0.05; 512 * 512];
    let plain = LayerCells { grid, units: values.len(), values: values.clone() };
    values[256 * 512 + 128] = 1.0;
    values[256 * 512 + 384] = f32::NAN;
    let marked = LayerCells { grid, units: values.len(), values };
    let size = [320, 180];
    let mut pictures = [plain, marked].map(|layer| {
        let mut scene = Scene::new(&[layer]);
        let camera = Camera::set_view(SetView::Front, scene.field.layout(), 320.0 / 180.0);
        scene.pixels(camera, size, Path::Raycast, false, false)
    });
    let [before, after] = &mut pictures;
    let changed = |left: bool| {
        (0..(size[0] * size[1]) as usize).any(|i| {
            let on_side = (i as u32 % size[0] < size[0] / 2) == left;
            on_side && (0..3).any(|c| before[4 * i + c].abs_diff(after[4 * i + c]) > 12)
        })
    };
    assert!(changed(true), "the hot cell");
    assert!(changed(false), "the dead cell");
}
