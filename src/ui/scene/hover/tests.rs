//! What is said of cells, read back as text; clicks and boxes by pointer.

use std::sync::Arc;

use egui::{Modifiers, PointerButton, Rect, Shape, pos2, vec2};
use egui_kittest::Harness;

use super::*;
use crate::model::{
    Camera, EpochIndex, EpochPosition, Grid, Mosaic, SetView, UnitIndex, UnitPermutation, ValueRange,
    ViewState,
};
use crate::ui::style::{install_fonts, install_style};
use crate::ui::testing;
use crate::ui::{SceneResponse, ViewControl, Viewport};

const SIZE: Vec2 = vec2(900.0, 600.0);

/// A view of the recording for tests whose units show their number, and one at hand of them.
struct Bench {
    recording: Recording,
    layers: Vec<LayerCells>,
    arrangements: Vec<CellArrangement>,
    layout: Layout,
    view: ViewState,
    ranges: Vec<ValueRange>,
}

impl Bench {
    fn new() -> Self {
        let recording = testing::recording();
        let mut layers: Vec<LayerCells> = Layout::new(&recording)
            .slabs
            .iter()
            .map(|slab| {
                let values = (0..slab.units).map(|unit| unit as f32).collect();
                LayerCells { grid: slab.grid, units: slab.units, values }
            })
            .collect();
        layers[1].values[9] = f32::NAN;
        let arrangements =
            recording.layers.iter().map(|layer| CellArrangement::as_trained(layer.units)).collect();
        let ranges = layers.iter().map(|layer| ValueRange::new(0.0, layer.units as f32)).collect();
        Self::of(recording, layers, arrangements, ranges)
    }

    fn of(
        recording: Recording,
        layers: Vec<LayerCells>,
        arrangements: Vec<CellArrangement>,
        ranges: Vec<ValueRange>,
    ) -> Self {
        let layout = Layout::of_grids(layers.iter().map(|layer| (layer.grid, layer.units)));
        let mut view = testing::view(&recording);
        view.camera = Camera::set_view(SetView::Overview, &layout, SIZE.x / SIZE.y);
        Self { recording, layers, arrangements, layout, view, ranges }
    }

    fn values(&self) -> SceneValues<'_> {
        SceneValues {
            from: &self.layers,
            to: &self.layers,
            t: 0.0,
            arrangements: &self.arrangements,
            id: 1,
            ranges: &self.ranges,
            divisors: &[1.0, 1.0, 1.0],
            diverging: false,
            height: 1.0,
        }
    }

    fn description(&self) -> SceneDescription<'_> {
        SceneDescription {
            ranges: &self.ranges,
            has_no_value: true,
            values: Some(self.values()),
            ..testing::description(&self.recording, &self.view, &self.layout)
        }
    }

    /// Looks straight at one slab.
    fn look_at(&mut self, slab: usize) {
        self.view.camera = Camera::of_slab(&self.layout.slabs[slab], SIZE.x / SIZE.y);
    }

    /// Where the top of a cell is seen.
    fn place(&self, slab: usize, cell: usize) -> Pos2 {
        let slab = &self.layout.slabs[slab];
        let (column, row) = slab.grid.position(cell);
        let height = self.values().cell_height(slab.layer, cell).expect("a cell");
        let top = slab.cell_centre(column, row) + Vec3::Z * (height * slab.pitch);
        self.lens().see(top).expect("in front of the eye")
    }

    fn lens(&self) -> Projection {
        Projection { camera: self.view.camera, rect: Rect::from_min_size(Pos2::ZERO, SIZE) }
    }

    /// The texts that are painted with the pointer there.
    fn told(&self, pointer: Option<Pos2>) -> Vec<String> {
        let ctx = egui::Context::default();
        install_fonts(&ctx);
        install_style(&ctx, self.view.theme);
        let screen = Rect::from_min_size(Pos2::ZERO, SIZE);
        let input = || egui::RawInput { screen_rect: Some(screen), ..egui::RawInput::default() };
        ctx.run_pass(input(), |_| ()).textures_delta.clear();
        let mut hover = Hover { pointer, ..Hover::default() };
        let mut output = ctx.run_pass(input(), |ctx| {
            let painter = ctx.layer_painter(egui::LayerId::background());
            self.description().paint_overlay(&painter, screen);
            hover.paint(&self.description(), &painter, screen);
        });
        output.textures_delta.clear();
        let text = |shape: &Shape| match shape {
            Shape::Text(text) => Some(text.galley.text().to_owned()),
            _ => None,
        };
        output.shapes.iter().filter_map(|clipped| text(&clipped.shape)).collect()
    }

    fn tells(&self, slab: usize, cell: usize, wanted: &[&str]) {
        let told = self.told(Some(self.place(slab, cell)));
        for wanted in wanted {
            assert!(told.iter().any(|text| text == wanted), "{wanted} is missing from {told:?}");
        }
    }
}

#[test]
fn the_cell_under_the_pointer_is_told_with_its_value_and_rank() {
    let mut bench = Bench::new();
    bench.look_at(1);
    // 64 units of the values 0, 1, …, one of them without: 40 is the 24th greatest of 63.
    bench.tells(1, 40, &["conv2 · unit 40", "40 · mean activation", "24th of 63"]);
    bench.tells(1, 9, &["conv2 · unit 9", "no value"]);
    bench.look_at(2);
    bench.tells(2, 1, &["fc · unit 1 · dog", "2nd of 3"]);
    let told = bench.told(None);
    assert!(!told.iter().any(|text| text.contains("unit 1 ")), "{told:?}");
}

#[test]
fn units_are_named_as_trained_in_any_order() {
    let mut bench = Bench::new();
    let places = UnitPermutation::new((0..64).rev().collect()).map(Arc::new);
    bench.arrangements[1] = CellArrangement { units: 64, mosaic: None, places };
    bench.look_at(1);
    bench.tells(1, 40, &["conv2 · unit 23"]);
}

#[test]
fn a_cell_of_a_feature_map_is_named_by_map_and_place() {
    let mut bench = Bench::new();
    let (across, grid) = Grid::mosaic(4, 3, 5);
    let mosaic = Some(Mosaic { across, height: 3, width: 5 });
    bench.arrangements[0] = CellArrangement { units: 4, mosaic, places: None };
    bench.layers[0] = LayerCells { grid, units: grid.cells(), values: vec![0.5; grid.cells()] };
    let Bench { recording, layers, arrangements, ranges, .. } = bench;
    let mut bench = Bench::of(recording, layers, arrangements, ranges);
    bench.look_at(0);
    let patch = bench.arrangements[0].unit_cells(grid, 3).expect("the fourth map");
    let cell = (patch.row + 2) * grid.columns + patch.column + 4;
    bench.tells(0, cell as usize, &["conv1 · map 3 · y 2, x 4"]);
}

#[test]
fn pinned_units_are_named_unless_their_layer_is_hidden() {
    let mut bench = Bench::new();
    bench.view.pins = vec![
        Pin { layer: "conv2".to_owned(), unit: UnitIndex(12) },
        Pin { layer: "x".to_owned(), unit: UnitIndex(1) },
    ];
    let names = |bench: &Bench| bench.told(None).iter().filter(|text| *text == "conv2 · 12").count();
    assert_eq!(names(&bench), 1);
    bench.view.hidden.insert("conv2".to_owned());
    bench.layout.hide(&bench.recording.layers, &bench.view.hidden);
    assert_eq!(names(&bench), 0);
    assert!(!bench.told(None).contains(&"conv2".to_owned()), "nor is the layer");
    assert_eq!(
        cell_at(&bench.values(), &bench.layout, bench.lens(), bench.place(1, 12)).map(|it| it.layer == 1),
        None
    );
}

struct Window {
    bench: Bench,
    interface: ViewControl,
    done: Vec<SceneResponse>,
}

fn window() -> Harness<'static, Window> {
    let mut bench = Bench::new();
    bench.look_at(1);
    let interface = ViewControl::new(&bench.recording, bench.view.clone());
    let show = |ui: &mut egui::Ui, window: &mut Window| {
        let Window { bench, interface, done } = window;
        let rect = Rect::from_min_size(Pos2::ZERO, SIZE);
        let at = Viewport { rect, id: egui::Id::unique("the scene"), name: "Scene", keys: true };
        // The camera stays, so that cells do.
        interface.view.clone_from(&bench.view);
        done.push(interface.handle_gestures(ui, &at, &bench.layout, Some(&bench.values())));
        interface.view.clone_from(&bench.view);
        let scene = SceneDescription { position: EpochPosition::at(EpochIndex(0)), ..bench.description() };
        interface.paint_overlay(ui, rect, &scene, &testing::status(true));
    };
    let mut harness = Harness::builder()
        .with_size(SIZE)
        .with_context_setup(install_fonts)
        .build_ui_state(show, Window { bench, interface, done: Vec::new() });
    harness.run();
    // The first frame frames the overview.
    harness.state_mut().interface.navigator.release();
    harness
}

fn button(pos: Pos2, pressed: bool, modifiers: Modifiers) -> egui::Event {
    egui::Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers }
}

#[test]
fn a_click_names_its_unit_and_a_drag_does_not() {
    let mut window = window();
    let at = window.state().bench.place(1, 40);
    window.hover_at(at);
    window.step();
    assert_eq!(window.state().interface.hovered(), Some((1, 40)), "in the pointer's own frame");
    window.event(button(at, true, Modifiers::NONE));
    window.step();
    assert_eq!(window.state().interface.hovered(), None, "a button is down");
    window.event(button(at, false, Modifiers::NONE));
    window.step();
    window.step();
    let clicked: Vec<_> = window.state().done.iter().filter_map(|done| done.clicked).collect();
    assert_eq!(clicked, [(1, 40)]);
    window.event(button(at, true, Modifiers::NONE));
    window.step();
    window.hover_at(at + vec2(60.0, 40.0));
    window.step();
    window.event(button(at + vec2(60.0, 40.0), false, Modifiers::NONE));
    window.step();
    window.step();
    assert_eq!(window.state().done.iter().filter(|done| done.clicked.is_some()).count(), 1, "dragged");
}

#[test]
fn a_box_drawn_with_alt_takes_the_units_in_it_and_leaves_the_camera() {
    let mut window = window();
    let slab = window.state().bench.layout.slabs[1];
    let see = |column, row| window.state().bench.lens().see(slab.cell_centre(column, row)).expect("in sight");
    let half = vec2(0.4, 0.4) * (see(1, 1) - see(0, 0)).abs();
    let (from, to) = (see(2, 3) - half, see(4, 4) + half);
    // Its oracle: every cell's middle, one by one.
    let area = Rect::from_two_pos(from, to);
    let expected: Vec<(usize, usize)> = (0..64)
        .filter(|cell| area.contains(see(cell % 8, cell / 8)))
        .map(|cell| (1, cell as usize))
        .collect();
    assert!((6..=12).contains(&expected.len()), "{expected:?}");
    window.event(egui::Event::ModifiersChanged(Modifiers::ALT));
    window.event(egui::Event::PointerMoved(from));
    window.event(button(from, true, Modifiers::ALT));
    window.step();
    for share in [0.3, 1.0] {
        window.event(egui::Event::PointerMoved(from + share * (to - from)));
        window.step();
    }
    assert!(window.state().done.iter().all(|done| done.boxed.is_empty()));
    window.event(button(to, false, Modifiers::ALT));
    window.step();
    window.step();
    let boxed: Vec<_> = window.state().done.iter().flat_map(|done| done.boxed.clone()).collect();
    assert_eq!(boxed, expected);
}

#[test]
fn a_box_takes_no_more_than_are_to_be_pinned() {
    let mut bench = Bench::new();
    bench.layers[1] = LayerCells { grid: Grid::near_square(400), units: 400, values: vec![0.0; 400] };
    bench.arrangements[1] = CellArrangement::as_trained(400);
    let Bench { recording, layers, arrangements, ranges, .. } = bench;
    let mut bench = Bench::of(recording, layers, arrangements, ranges);
    bench.look_at(1);
    let region = [pos2(300.0, 150.0), pos2(700.0, 500.0)];
    let units = units_in(&bench.values(), &bench.layout, bench.lens(), region);
    assert_eq!(units.len(), MOST_IN_BOX);
}
