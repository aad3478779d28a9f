//! The cell under a pointer as the processor finds it, against every cell drawn as a box.

mod draw_support;
mod support;

use dnnviz::engine::{DrawnNetwork, Field, Frame, Gpu, Path, Renderer};
use dnnviz::model::SetView;
use dnnviz::model::layout::{LEAST_HEIGHT, SLAB_BORDER};
use dnnviz::model::pick::{max_cell_height, pick};
use dnnviz::model::{
    Camera, EpochIndex, Grid, LayerCells, Layout, Normalisation, Query, SceneValues, ValueRange, ViewState,
};
use dnnviz::stats::{self, Cpu, Quantiles, Sides, colour_range};
use draw_support::draw;
use glam::{Vec3, vec2, vec3};

const SIZE: [u32; 2] = [480, 300];

/// Evenly spread numbers in [0, 1), the same on every machine.
fn noise(index: usize, seed: usize) -> f32 {
    let mut x = (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ (seed as u64 + 1).wrapping_mul(0xD1B5_4A32_D192_ED03);
    x ^= x >> 29;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^= x >> 32;
    (x as u32) as f32 / (1u64 << 32) as f32
}

/// Values between −0.5 and 0.5, some cells without one and some places without a cell.
fn noisy(sizes: &[usize], seed: usize) -> Vec<LayerCells> {
    let layer = |(layer, &units): (usize, &usize)| {
        let value = |unit: usize| match noise(unit, seed + 7 * layer) {
            it if it < 0.05 => f32::NAN,
            it if it < 0.08 && seed == 0 => LayerCells::NO_CELL,
            it => 1.1 * (it - 0.08) - 0.5,
        };
        LayerCells { grid: Grid::near_square(units), units, values: (0..units).map(value).collect() }
    };
    sizes.iter().enumerate().map(layer).collect()
}

struct Scene {
    gpu: Gpu,
    renderer: Renderer,
    cells: [Vec<LayerCells>; 2],
    fields: [Field; 2],
    normalisation: Normalisation,
}

impl Scene {
    fn new(cells: [Vec<LayerCells>; 2], signed: bool, normalisation: Normalisation) -> Self {
        let gpu = Gpu::headless().expect("a graphics driver");
        let renderer = Renderer::new(&gpu);
        let fields = cells.each_ref().map(|layers| Field::new(&gpu, layers, signed).expect("fits"));
        Self { gpu, renderer, cells, fields, normalisation }
    }

    /// Share of the pixels away from edges in which both find the same, and how many these are; and the
    /// same with the ray a pixel aside.
    fn agreement(&mut self, view: &ViewState, t: f32, hidden: &[bool]) -> ((f64, usize), f64) {
        let [from, to] = &self.fields;
        let [earlier, later] = self.cells.each_ref().map(|layers| Quantiles::of_all(layers));
        let extremes = colour_range::extremes(view, self.normalisation, &earlier, &later, t);
        let ranges = colour_range::colour_ranges(view, self.normalisation, &extremes);
        let divisors = colour_range::divisors(view, &earlier, &later, t);
        let mut layout: Layout = from.layout().clone();
        layout.slabs.iter_mut().zip(hidden).for_each(|(slab, hidden)| slab.hidden = *hidden);
        let network = DrawnNetwork { layout: Some(&layout), ..DrawnNetwork::default() };
        let frame = Frame {
            view,
            from,
            to,
            t,
            ranges: &ranges,
            divisors: &divisors,
            picture: None,
            network,
            size: SIZE,
            every_cell: false,
        };
        let drawn = draw(&self.gpu, &mut self.renderer, &frame, Path::Cells, true);
        let drawn: Vec<u32> = bytemuck::pod_collect_to_vec(&drawn);

        let scene_values = SceneValues {
            from: &self.cells[0],
            to: &self.cells[1],
            t,
            ranges: &ranges,
            arrangements: &[],
            id: 0,
            divisors: &divisors,
            diverging: view.is_diverging(),
            height: view.height,
        };
        let [width, height] = SIZE;
        let found = |x: f32, y: f32| {
            let point = vec2(x / width as f32, y / height as f32);
            let direction = view.camera.ray(point, width as f32 / height as f32);
            match pick(&layout, &scene_values, &view.camera, direction) {
                Some(pick) => (pick.slab as u32 + 1, pick.cell.map_or(0, |cell| cell as u32 + 1)),
                None => (0, 0),
            }
        };
        let at = |x: u32, y: u32| {
            let i = 2 * (y * width + x) as usize;
            (drawn[i], drawn[i + 1])
        };
        let (mut same, mut aside, mut inner) = (0, 0, 0);
        for y in 1..height - 1 {
            for x in 1..width - 1 {
                let cell = at(x, y);
                if cell.0 > 0 && (0..9).all(|k| at(x + k % 3 - 1, y + k / 3 - 1) == cell) {
                    inner += 1;
                    same += usize::from(found(x as f32 + 0.5, y as f32 + 0.5) == cell);
                    aside += usize::from(found(x as f32 + 6.5, y as f32 + 4.5) == cell);
                }
            }
        }
        (
            (f64::from(same as u32) / f64::from(inner as u32), inner),
            f64::from(aside as u32) / f64::from(inner as u32),
        )
    }

    fn agrees(&mut self, what: &str, view: &mut ViewState, t: f32, hidden: &[bool]) {
        for set_view in SetView::ALL {
            let aspect = SIZE[0] as f32 / SIZE[1] as f32;
            view.camera = Camera::set_view(set_view, self.fields[0].layout(), aspect);
            let ((share, inner), aside) = self.agreement(view, t, hidden);
            println!("{what:12} {:9} {share:.5} of {inner}, {aside:.3} aside", set_view.name());
            assert!(inner > 1_500, "{what} {}: {inner} pixels", set_view.name());
            assert!(share >= 0.9995, "{what} {}: {share}", set_view.name());
            assert!(aside < 0.98, "the comparison can fail: {aside}");
        }
    }
}

fn view() -> ViewState {
    ViewState::new(Camera::set_view(SetView::Front, &Layout::of_grids([]), 1.0), 0.0)
}

#[test]
fn random_cells_are_met_where_they_are_drawn() {
    let sizes = [24, 100, 400, 10];
    let mut scene = Scene::new([noisy(&sizes, 0), noisy(&sizes, 0)], false, Normalisation::None);
    scene.agrees("plain", &mut view(), 0.0, &[]);
    scene.agrees("tall", &mut ViewState { height: 2.5, ..view() }, 0.0, &[]);
    scene.agrees("hidden", &mut view(), 0.0, &[false, true]);
}

#[test]
fn signed_and_moving_cells_are_met_where_they_are_drawn() {
    let sizes = [24, 100, 400, 10];
    let mut signed = view();
    signed.query = Query { minus: Some(Default::default()), ..Query::default() };
    let mut scene = Scene::new([noisy(&sizes, 1), noisy(&sizes, 2)], true, Normalisation::None);
    scene.agrees("signed", &mut signed, 0.0, &[]);
    scene.agrees("moving", &mut signed, 0.7, &[]);
}

#[test]
fn positive_cells_rise_above_the_rim_and_negative_ones_sink_below_it() {
    let values = vec![-1.0, -0.5, 0.0, 0.5, 1.0, f32::NAN];
    let layers = [LayerCells { grid: Grid { columns: 6, rows: 1 }, units: 6, values }];
    let layout = Layout::of_grids([(layers[0].grid, 6)]);
    let slab = layout.slabs[0];
    // Distances from the rim, in cells, along a ray through the middle of each cell, and through the rim.
    let measured = |diverging: bool, height: f32| -> Vec<f32> {
        let values = SceneValues {
            from: &layers,
            to: &layers,
            t: 0.0,
            ranges: &[ValueRange::new(-1.0, 1.0)],
            arrangements: &[],
            id: 0,
            divisors: &[1.0],
            diverging,
            height,
        };
        let rim = values.rim_height();
        let over = |at: Vec3| {
            let camera = Camera { position: at + 10.0 * Vec3::Z, ..view().camera };
            let hit = pick(&layout, &values, &camera, Vec3::NEG_Z).expect("a hit");
            (hit.cell, (10.0 - hit.distance) / slab.pitch - rim)
        };
        let cells = (0..6).map(|cell| {
            let (hit, above) = over(slab.cell_centre(cell, 0));
            assert_eq!(hit, Some(cell as usize));
            above
        });
        let border = over(slab.corner() + vec3(-0.5 * SLAB_BORDER, 0.0, 0.0));
        assert_eq!(border.0, None);
        cells.chain([border.1]).collect()
    };
    let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4);
    for height in [0.0, 1.0, 2.5] {
        let half = |diverging: bool| 0.5 * (max_cell_height(diverging, height) - LEAST_HEIGHT);
        let (signed, depth) = (measured(true, height), half(true));
        let expected = [-depth, -0.5 * depth, 0.0, 0.5 * depth, depth, 0.0, 0.0];
        assert!(near(&signed, &expected), "{height}: {signed:?} for {expected:?}");
        assert!(depth > 0.1 || height == 0.0);
        let plain = measured(false, height);
        let expected =
            [-1.0, -0.5, 0.0, 0.5, 1.0, -1.0].map(|value| LEAST_HEIGHT + (1.0 + value) * half(false));
        assert!(near(&plain, &[&expected[..], &[0.0]].concat()), "{height}: {plain:?} for {expected:?}");
    }
}

#[test]
fn the_cells_of_a_real_dump_are_met_where_they_are_drawn() {
    let Some(run) = support::dump("cnn_basic") else { return };
    let source = dnnviz::format::open(&run).expect("opens");
    let query = Query { select: "class:3".parse().expect("a selection"), ..Query::default() };
    let cells = [0, 3].map(|epoch| {
        stats::cells(Sides::one(&*source), &query, EpochIndex(epoch), &Cpu).expect("values").layers
    });
    let mut scene = Scene::new(cells, false, source.recording().normalisation);
    scene.agrees("dump", &mut ViewState { query: query.clone(), ..view() }, 0.0, &[]);
    scene.agrees("dump moving", &mut ViewState { query, ..view() }, 0.4, &[]);
}
