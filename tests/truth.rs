//! Colours say what the legend says: at any magnitude, beside outliers, at any distance.

mod draw_support;

use dnnviz::engine::{Field, Frame, Gpu, Path, Renderer};
use dnnviz::model::SetView;
use dnnviz::model::layout::LEAST_HEIGHT;
use dnnviz::model::pick::rim_height;
use dnnviz::model::{
    Camera, ColourMap, Grid, LayerCells, Layout, Normalisation, Range, Selection, Theme, ValueRange,
    ViewState,
};
use dnnviz::stats::{Quantiles, colour_range};
use draw_support::draw;
use glam::Vec3;

const SIZE: [u32; 2] = [640, 360];
const ASPECT: f32 = SIZE[0] as f32 / SIZE[1] as f32;

/// A layer of these values.
fn layer(values: Vec<f32>) -> LayerCells {
    LayerCells { grid: Grid::near_square(values.len()), units: values.len(), values }
}

/// Values between 0 and 5, a third of them 0.
fn values(units: usize, seed: usize) -> Vec<f32> {
    (0..units).map(|unit| (((unit * 7919 + seed * 104_729) % 1000) as f32 / 200.0 - 1.0).max(0.0)).collect()
}

struct Drawing {
    gpu: Gpu,
    renderer: Renderer,
}

impl Drawing {
    fn new() -> Self {
        let gpu = Gpu::headless().expect("a graphics driver");
        Self { renderer: Renderer::new(&gpu), gpu }
    }

    /// The pixels of layers as `change` makes the view, and the (layer + 1, cell + 1) of each; 4 bytes and 2
    /// numbers a pixel.
    fn draw(&mut self, layers: &[LayerCells], change: impl Fn(&mut ViewState)) -> (Vec<u8>, Vec<u32>) {
        let layout = Layout::of_grids(layers.iter().map(|layer| (layer.grid, layer.units)));
        let camera = Camera::set_view(SetView::Overview, &layout, ASPECT);
        let mut view = ViewState::new(camera, 0.0);
        change(&mut view);
        let field = Field::new(&self.gpu, layers, view.query.is_signed()).expect("fits");
        let quantiles = Quantiles::of_all(layers);
        let extremes = colour_range::extremes(&view, Normalisation::None, &quantiles, &quantiles, 0.0);
        let ranges: Vec<ValueRange> = colour_range::colour_ranges(&view, Normalisation::None, &extremes);
        let divisors = colour_range::divisors(&view, &quantiles, &quantiles, 0.0);
        let frame = Frame {
            view: &view,
            from: &field,
            to: &field,
            t: 0.0,
            ranges: &ranges,
            divisors: &divisors,
            picture: None,
            network: Default::default(),
            size: SIZE,
            every_cell: false,
        };
        let colours = draw(&self.gpu, &mut self.renderer, &frame, Path::Raycast, false);
        let cells = draw(&self.gpu, &mut self.renderer, &frame, Path::Raycast, true);
        (colours, bytemuck::pod_collect_to_vec(&cells))
    }
}

/// The greatest difference of two pictures, and the share of bytes that differ by more than 3.
fn difference(a: &[u8], b: &[u8]) -> (u8, f64) {
    let apart = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
    let many = apart.clone().filter(|apart| *apart > 3).count();
    (apart.max().unwrap_or(0), many as f64 / a.len() as f64)
}

#[test]
fn a_layer_looks_the_same_at_any_magnitude() {
    let mut drawing = Drawing::new();
    let plain = [values(64, 1), values(400, 2), values(10, 3)];
    let changes: [fn(&mut ViewState); 3] =
        [|_| {}, |view| view.clip = 5.0, |view| view.query.norm = dnnviz::model::Norm::Layer];
    for change in changes {
        let (expected, _) = drawing.draw(&plain.clone().map(layer), change);
        for factor in [1e-12, 1e-30, 1e9, 1e30] {
            let mut scaled = plain.clone();
            scaled[1].iter_mut().for_each(|value| *value *= factor);
            let (drawn, _) = drawing.draw(&scaled.map(layer), change);
            let (most, share) = difference(&expected, &drawn);
            assert!(most <= 24 && share < 0.002, "{factor}: {most}, {share}");
        }
        let mut other = plain.clone();
        other[1] = values(400, 9);
        let (other, _) = drawing.draw(&other.map(layer), change);
        assert!(difference(&expected, &other).1 > 0.01, "other values are another picture");
    }
}

#[test]
fn values_stay_legible_beside_an_outlier() {
    let mut drawing = Drawing::new();
    let plain: Vec<f32> = (0..100).map(|unit| 1.0 + 3.0 * ((unit * 37) % 100) as f32 / 99.0).collect();
    let mut with_outlier = plain.clone();
    with_outlier[0] = 1e9;
    let mut with_greatest = plain.clone();
    with_greatest[0] = 4.0;
    let fixed = |view: &mut ViewState| view.range = Range::Fixed { low: 1.0, high: 4.0 };
    let (expected, _) = drawing.draw(&[layer(with_greatest.clone())], fixed);
    let (drawn, _) = drawing.draw(&[layer(with_outlier.clone())], fixed);
    let (most, share) = difference(&expected, &drawn);
    assert!(most <= 24 && share < 0.002, "{most}, {share}");

    let clipped = |view: &mut ViewState| view.clip = 5.0;
    let (expected, _) = drawing.draw(&[layer(with_greatest)], clipped);
    let (drawn, cells) = drawing.draw(&[layer(with_outlier)], clipped);
    let inside = cells.chunks_exact(2).map(|cell| cell[1] > 1);
    let pixels = |picture: &[u8]| -> Vec<[u8; 4]> { bytemuck::cast_slice(picture).to_vec() };
    let apart: Vec<u8> = pixels(&expected)
        .into_iter()
        .zip(pixels(&drawn))
        .zip(inside)
        .filter(|(_, inside)| *inside)
        .map(|((a, b), _)| a.iter().zip(b).map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0))
        .collect();
    let mean = apart.iter().map(|apart| f64::from(*apart)).sum::<f64>() / apart.len() as f64;
    assert!(apart.len() > 3000 && mean < 8.0, "{mean} over {} pixels", apart.len());
}

#[test]
fn the_greatest_numbers_in_one_layer_leave_the_others_as_they_are() {
    let mut drawing = Drawing::new();
    let plain = [values(64, 1), values(64, 2)];
    let mut extreme = plain.clone();
    extreme[1][3] = 3.4e38;
    extreme[1][4] = -3.4e38;
    let (expected, cells) = drawing.draw(&plain.map(layer), |_| {});
    let (drawn, _) = drawing.draw(&extreme.map(layer), |_| {});
    let of_first = |picture: &[u8]| -> Vec<u8> {
        let pixels = picture.chunks_exact(4).zip(cells.chunks_exact(2));
        pixels.filter(|(_, cell)| cell[0] == 1).flat_map(|(pixel, _)| pixel.to_vec()).collect()
    };
    assert!(of_first(&expected).len() > 4 * 5000);
    // At the edges of the first slab, the second one shows.
    let changed = difference(&of_first(&expected), &of_first(&drawn)).1;
    assert!(changed < 0.003, "{changed}");
    // From −3.4e38 to 3.4e38, values around 0 are in the middle of the colour map, and not all at its end.
    let colours = |picture: &[u8], layer: u32| -> std::collections::HashSet<[u8; 4]> {
        let pixels = picture.chunks_exact(4).zip(cells.chunks_exact(2));
        let pixels = pixels.filter(|(_, cell)| cell[0] == layer && cell[1] > 0);
        pixels.map(|(pixel, _)| [pixel[0], pixel[1], pixel[2], pixel[3]]).collect()
    };
    let middle = dnnviz::model::ColourMap::Viridis.table(Theme::Dark)[128];
    let near = |colour: &[u8; 4]| colour[..3].iter().zip(middle).all(|(a, b)| a.abs_diff(b) <= 3);
    assert!(colours(&drawn, 2).iter().any(near), "{:?}", colours(&drawn, 2).len());
}

#[test]
fn the_colour_of_a_cell_is_that_of_the_legend_at_any_distance() {
    let mut drawing = Drawing::new();
    for theme in [Theme::Dark, Theme::Light] {
        // Cells of the least value are flat tiles: nearly all of their pixels show the front face.
        let layers: Vec<LayerCells> = (0..6).map(|_| layer(vec![0.0; 9])).collect();
        let (drawn, cells) = drawing.draw(&layers, |view| {
            view.theme = theme;
            view.range = Range::Fixed { low: 0.0, high: 1.0 };
        });
        let least = dnnviz::model::ColourMap::Viridis.table(theme)[0];
        let width = SIZE[0] as usize;
        let cell = |at: usize| (cells[2 * at], cells[2 * at + 1]);
        let (mut inner, mut exact) = ([0_usize; 6], [0_usize; 6]);
        for at in 2 * width + 2..cells.len() / 2 - 2 * width - 2 {
            let (layer, index) = cell(at);
            let around = [at - 2, at + 2, at - 2 * width, at + 2 * width];
            if index > 0 && around.into_iter().all(|other| cell(other) == (layer, index)) {
                let pixel = &drawn[4 * at..4 * at + 3];
                inner[layer as usize - 1] += 1;
                exact[layer as usize - 1] +=
                    usize::from(pixel.iter().zip(least).all(|(a, b)| a.abs_diff(b) <= 1));
            }
        }
        println!("{theme:?}: {exact:?} of {inner:?}");
        for (inner, exact) in inner.into_iter().zip(exact) {
            assert!(inner > 100 && exact as f64 > 0.9 * inner as f64, "{theme:?}: {exact} of {inner}");
        }
    }
}

#[test]
fn the_fronts_of_sunk_cells_have_the_colours_of_the_legend() {
    let mut drawing = Drawing::new();
    // Each exactly a colour of the table.
    let indices: Vec<usize> = (0..25).map(|unit| unit * 7 % 25 * 10 + 5).collect();
    let layers = [layer(indices.iter().map(|index| *index as f32 / 127.5 - 1.0).collect())];
    let slab = Layout::of_grids([(layers[0].grid, 25)]).slabs[0];
    let (low, high) = slab.bounds();
    let mut camera = Camera::of_slab(&slab, ASPECT);
    (camera.yaw, camera.pitch) = (0.0, 0.0);
    let camera = camera.framing(low, high, ASPECT);
    for theme in [Theme::Dark, Theme::Light] {
        let (drawn, cells) = drawing.draw(&layers, |view| {
            view.theme = theme;
            view.camera = camera;
            view.query.minus = Some(Selection::default());
            view.range = Range::Fixed { low: -1.0, high: 1.0 };
        });
        let table = ColourMap::Diverging.table(theme);
        for (unit, value) in layers[0].values.iter().enumerate() {
            let (column, row) = slab.grid.position(unit);
            let rim = rim_height(true, 1.0);
            let top =
                slab.cell_centre(column, row) + Vec3::Z * (rim + value * (rim - LEAST_HEIGHT)) * slab.pitch;
            let (at, _) = camera.project(top, ASPECT).expect("in front");
            let pixel =
                (at.y * SIZE[1] as f32) as usize * SIZE[0] as usize + (at.x * SIZE[0] as f32) as usize;
            assert_eq!(cells[2 * pixel + 1], unit as u32 + 1, "the front of unit {unit} is seen");
            let wanted = table[indices[unit]];
            let shown = &drawn[4 * pixel..4 * pixel + 3];
            let off = shown.iter().zip(wanted).map(|(a, b)| a.abs_diff(b)).max();
            assert!(off <= Some(1), "unit {unit} of value {value}: {shown:?} for {wanted:?}");
        }
    }
}
