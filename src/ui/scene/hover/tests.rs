//! Tooltips read back as text; clicks and boxes by the pointer.

use std::sync::Arc;

use egui::{Modifiers, PointerButton, Rect, Shape, pos2, vec2};
use egui_kittest::Harness;

use super::*;
use crate::model::{
    Camera, EpochIndex, EpochPosition, Grid, Mosaic, SetView, UnitPermutation, ValueRange, ViewState,
};
use crate::ui::style::{install_fonts, install_style};
use crate::ui::testing::{self, TestValues};
use crate::ui::{SceneResponse, ViewControl, Viewport};

const SIZE: Vec2 = vec2(900.0, 600.0);

/// A scene of the recording for tests, in which the value of each unit is its index.
struct TestScene {
    recording: Recording,
    shown: TestValues,
    layout: Layout,
    view: ViewState,
}

impl TestScene {
    fn new() -> Self {
        let recording = testing::recording();
        let mut layers: Vec<LayerCells> = Layout::grids(&recording)
            .into_iter()
            .map(|(grid, units)| {
                let values = (0..units).map(|unit| unit as f32).collect();
                LayerCells { grid, units, values }
            })
            .collect();
        layers[1].values[9] = f32::NAN;
        let arrangements =
            recording.layers.iter().map(|layer| CellArrangement::as_trained(layer.units)).collect();
        let ranges = layers.iter().map(|layer| ValueRange::new(0.0, layer.units as f32)).collect();
        Self::of(recording, TestValues { layers, arrangements, ranges })
    }

    fn of(recording: Recording, shown: TestValues) -> Self {
        let layout = Layout::of_grids(shown.layers.iter().map(|layer| (layer.grid, layer.units)));
        let mut view = testing::view(&recording);
        view.camera = Camera::set_view(SetView::Overview, &layout, SIZE.x / SIZE.y);
        Self { recording, shown, layout, view }
    }

    fn values(&self) -> SceneValues<'_> {
        self.shown.of_scene(&self.view)
    }

    fn description(&self) -> SceneDescription<'_> {
        let description = self.shown.description(&self.recording, &self.view, &self.layout);
        SceneDescription { has_no_value: true, ..description }
    }

    /// Moves the camera to the front of a slab.
    fn frame_slab(&mut self, slab: usize) {
        self.view.camera = Camera::of_slab(&self.layout.slabs[slab], SIZE.x / SIZE.y);
    }

    /// Returns the place of the top of a cell in the picture.
    fn place(&self, slab: usize, cell: usize) -> Pos2 {
        let slab = &self.layout.slabs[slab];
        let (column, row) = slab.grid.position(cell);
        let height = self.values().cell_height(LayerIndex(slab.layer), cell).expect("a cell");
        let top = slab.cell_centre(column, row) + Vec3::Z * (height * slab.pitch);
        self.projection().project(top).expect("in front of the camera")
    }

    fn projection(&self) -> Projection {
        Projection { camera: self.view.camera, rect: Rect::from_min_size(Pos2::ZERO, SIZE) }
    }

    /// Returns the texts that are painted with the pointer at a place.
    fn texts(&self, pointer: Option<Pos2>) -> Vec<String> {
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

    #[track_caller]
    fn assert_tooltip(&self, slab: usize, cell: usize, lines: &[&str]) {
        let texts = self.texts(Some(self.place(slab, cell)));
        for line in lines {
            assert!(texts.iter().any(|text| text == line), "{line} is missing from {texts:?}");
        }
    }
}

#[test]
fn the_tooltip_of_a_cell_has_its_value_and_rank() {
    let mut scene = TestScene::new();
    scene.frame_slab(1);
    // 64 units with the values 0, 1, …, one of them without a value: 40 is the 24th greatest of 63.
    scene.assert_tooltip(
        1,
        40,
        &["conv2 · unit 40", "40 · mean activation", "24th of 63 for all inputs · epoch 4"],
    );
    scene.assert_tooltip(1, 9, &["conv2 · unit 9", "no value"]);
    scene.frame_slab(2);
    scene.assert_tooltip(2, 1, &["fc · unit 1 · dog", "2nd of 3 for all inputs · epoch 4"]);
    let texts = scene.texts(None);
    assert!(!texts.iter().any(|text| text.contains("unit 1 ")), "{texts:?}");
}

#[test]
fn units_keep_their_indices_in_any_order() {
    let mut scene = TestScene::new();
    let places = UnitPermutation::new((0..64).rev().collect()).map(Arc::new);
    scene.shown.arrangements[1] = CellArrangement { units: 64, mosaic: None, places };
    scene.frame_slab(1);
    scene.assert_tooltip(1, 40, &["conv2 · unit 23"]);
}

#[test]
fn a_cell_of_a_feature_map_is_named_by_map_and_position() {
    let mut scene = TestScene::new();
    let (across, grid) = Grid::mosaic(4, 3, 5);
    let mosaic = Some(Mosaic { across, height: 3, width: 5 });
    scene.shown.arrangements[0] = CellArrangement { units: 4, mosaic, places: None };
    scene.shown.layers[0] = LayerCells { grid, units: grid.cells(), values: vec![0.5; grid.cells()] };
    let TestScene { recording, shown, .. } = scene;
    let mut scene = TestScene::of(recording, shown);
    scene.frame_slab(0);
    let cells = scene.shown.arrangements[0].unit_cells(grid, UnitIndex(3)).expect("the fourth map");
    let cell = (cells.row + 2) * grid.columns + cells.column + 4;
    scene.assert_tooltip(0, cell as usize, &["conv1 · map 3 · y 2, x 4"]);
}

#[test]
fn pinned_units_are_named_unless_their_layer_is_hidden() {
    let mut scene = TestScene::new();
    scene.view.pins = vec![
        Pin { layer: "conv2".to_owned(), unit: UnitIndex(12) },
        Pin { layer: "x".to_owned(), unit: UnitIndex(1) },
    ];
    let names = |scene: &TestScene| scene.texts(None).iter().filter(|text| *text == "conv2 · 12").count();
    assert_eq!(names(&scene), 1);
    scene.view.hidden.insert("conv2".to_owned());
    scene.layout.slabs[1].hidden = true;
    assert_eq!(names(&scene), 0);
    assert!(!scene.texts(None).contains(&"conv2".to_owned()), "nor is the layer");
    let cell = cell_at(&scene.values(), &scene.layout, scene.projection(), scene.place(1, 12));
    assert_ne!(cell.map(|cell| cell.unit.layer), Some(LayerIndex(1)));
}

/// A unit of the second layer.
fn unit_of_conv2(unit: usize) -> UnitId {
    UnitId { layer: LayerIndex(1), unit: UnitIndex(unit) }
}

struct SceneWindow {
    scene: TestScene,
    control: ViewControl,
    responses: Vec<SceneResponse>,
}

fn scene_window() -> Harness<'static, SceneWindow> {
    let mut scene = TestScene::new();
    scene.frame_slab(1);
    let control = ViewControl::new(&scene.recording, scene.view.clone());
    let show = |ui: &mut egui::Ui, window: &mut SceneWindow| {
        let SceneWindow { scene, control, responses } = window;
        let rect = Rect::from_min_size(Pos2::ZERO, SIZE);
        let viewport = Viewport { rect, id: egui::Id::unique("the scene"), name: "Scene", keys: true };
        // The camera is reset in every frame, so that cells keep their places.
        control.view.clone_from(&scene.view);
        responses.push(control.handle_gestures(ui, &viewport, &scene.layout, Some(&scene.values())));
        control.view.clone_from(&scene.view);
        let scene = SceneDescription { position: EpochPosition::at(EpochIndex(0)), ..scene.description() };
        control.paint_overlay(ui, rect, &scene, &testing::status(true));
    };
    let mut harness = Harness::builder()
        .with_size(SIZE)
        .with_context_setup(install_fonts)
        .build_ui_state(show, SceneWindow { scene, control, responses: Vec::new() });
    harness.run();
    // The first frame moves the camera to the overview.
    harness.state_mut().control.navigator.release();
    harness
}

/// Returns `true` if the last frame painted this text.
fn has_tooltip(window: &Harness<'_, SceneWindow>, title: &str) -> bool {
    let is_title = |shape: &Shape| matches!(shape, Shape::Text(text) if text.galley.text() == title);
    window.output().shapes.iter().any(|clipped| is_title(&clipped.shape))
}

fn button(pos: Pos2, pressed: bool, modifiers: Modifiers) -> egui::Event {
    egui::Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers }
}

#[test]
fn a_click_selects_a_unit_and_a_drag_does_not() {
    let mut window = scene_window();
    let at = window.state().scene.place(1, 40);
    window.hover_at(at);
    window.step();
    assert!(has_tooltip(&window, "conv2 · unit 40"), "in the frame in which the pointer moved");
    window.event(button(at, true, Modifiers::NONE));
    window.step();
    assert!(!has_tooltip(&window, "conv2 · unit 40"), "a button is down");
    window.event(button(at, false, Modifiers::NONE));
    window.step();
    window.step();
    let clicked: Vec<_> = window.state().responses.iter().filter_map(|response| response.clicked).collect();
    assert_eq!(clicked, [unit_of_conv2(40)]);
    window.event(button(at, true, Modifiers::NONE));
    window.step();
    window.hover_at(at + vec2(60.0, 40.0));
    window.step();
    window.event(button(at + vec2(60.0, 40.0), false, Modifiers::NONE));
    window.step();
    window.step();
    assert_eq!(
        window.state().responses.iter().filter(|response| response.clicked.is_some()).count(),
        1,
        "dragged"
    );
}

#[test]
fn a_box_drawn_with_alt_selects_the_units_in_it() {
    let mut window = scene_window();
    let slab = window.state().scene.layout.slabs[1];
    let projection = window.state().scene.projection();
    let centre = |column, row| projection.project(slab.cell_centre(column, row)).expect("in the picture");
    let half = vec2(0.4, 0.4) * (centre(1, 1) - centre(0, 0)).abs();
    let (from, to) = (centre(2, 3) - half, centre(4, 4) + half);
    // The expected result: tests the centre of every cell.
    let area = Rect::from_two_pos(from, to);
    let expected: Vec<UnitId> = (0..64)
        .filter(|cell| area.contains(centre(cell % 8, cell / 8)))
        .map(|cell| unit_of_conv2(cell as usize))
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
    assert!(window.state().responses.iter().all(|response| response.boxed.is_empty()));
    window.event(button(to, false, Modifiers::ALT));
    window.step();
    window.step();
    let boxed: Vec<_> = window.state().responses.iter().flat_map(|response| response.boxed.clone()).collect();
    assert_eq!(boxed, expected);
}

#[test]
fn the_number_of_units_in_a_box_is_limited() {
    let mut scene = TestScene::new();
    scene.shown.layers[1] = LayerCells { grid: Grid::near_square(400), units: 400, values: vec![0.0; 400] };
    scene.shown.arrangements[1] = CellArrangement::as_trained(400);
    let TestScene { recording, shown, .. } = scene;
    let mut scene = TestScene::of(recording, shown);
    scene.frame_slab(1);
    let region = [pos2(300.0, 150.0), pos2(700.0, 500.0)];
    let units = units_in(&scene.values(), &scene.layout, scene.projection(), region);
    assert_eq!(units.len(), MAX_BOX_UNITS);
}

#[test]
fn a_pinned_unit_behind_another_slab_is_not_outlined() {
    let mut scene = TestScene::new();
    scene.view.pins = vec![Pin { layer: "conv2".to_owned(), unit: UnitIndex(27) }];
    scene.frame_slab(1);
    let names = |scene: &TestScene| scene.texts(None).iter().filter(|text| *text == "conv2 · 27").count();
    assert_eq!(names(&scene), 1);
    // Before the first slab, from straight ahead, it covers the middle of the second.
    let first = scene.layout.slabs[0];
    scene.view.camera = Camera::of_slab(&first, 1.5);
    let at = scene.place(1, 27);
    let cell = cell_at(&scene.values(), &scene.layout, scene.projection(), at);
    assert_ne!(cell.map(|cell| cell.unit.layer), Some(LayerIndex(1)), "it is behind the first slab");
    assert_eq!(names(&scene), 0);
}

#[test]
fn the_legend_has_numbers_of_one_layer_or_of_all() {
    let mut scene = TestScene::new();
    let texts = scene.texts(None);
    for label in ["0", "3 … 64", "over 3 layers"] {
        assert!(texts.iter().any(|text| text == label), "{label} is missing from {texts:?}");
    }
    scene.view.hidden.extend(["conv1".to_owned(), "fc".to_owned()]);
    let texts = scene.texts(None);
    for label in ["0", "64", "of layer conv2"] {
        assert!(texts.iter().any(|text| text == label), "{label} is missing from {texts:?}");
    }
}
