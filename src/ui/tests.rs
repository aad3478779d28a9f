//! The content of a column, driven by keys and accessible names.

use egui::{Key, vec2};
use egui_kittest::kittest::Queryable;

mod cell_numbers;
mod columns;
mod epochs;
mod keys;
mod outputs;
mod overlay;

use super::NamedRun;
use super::OpenRuns;
use super::commands::{ViewCommand, pressed_home_or_end};
use super::dock::DockLayout;
use super::dock::Pane;
use super::panels::columns::ColumnAction;
use super::panels::columns::ColumnBar;
use super::panels::columns::ColumnEntry;
use super::panels::columns::column_rects;
use super::scene::navigation::CameraTarget;
use super::testing::{self, TestWindow};
use super::widgets::thumbnails::Thumbnails;
use super::{PanelData, SceneDescription, ViewControl, Viewport};
use crate::model::columns::Locks;
use crate::model::{
    Diff, EpochIndex, EpochPosition, Layout, Norm, OrderBy, Picture, Query, Range, Recording, Selection,
    SetView, Stat, Theme, UnitOrder, ValueRange,
};

struct Window {
    arrangement: DockLayout,
    recording: Recording,
    layout: Layout,
    interface: ViewControl,
    live: bool,
    /// Number of columns, all of the same run.
    columns: usize,
    runs: Vec<&'static str>,
    locks: Locks,
    /// Actions requested by the columns, the latest last.
    actions: Vec<ColumnAction>,
    /// Commands for the next frame.
    commands: Vec<ViewCommand>,
}

fn window(recording: Recording) -> TestWindow<Window> {
    let state = Window {
        arrangement: DockLayout::default(),
        layout: Layout::new(&recording, 1.6),
        interface: ViewControl::new(&recording, testing::view(&recording)),
        live: false,
        columns: 1,
        runs: vec!["run"],
        locks: Locks::default(),
        actions: Vec::new(),
        commands: Vec::new(),
        recording,
    };
    let show = |ui: &mut egui::Ui, window: &mut Window| {
        let id = egui::Id::unique("the scene");
        let keys = ui.memory(|memory| memory.focused()).is_none_or(|focused| focused == id);
        let entry = ColumnEntry { run: "run".to_owned(), description: "all inputs".to_owned(), live: false };
        let entries = vec![entry; window.columns];
        let run = |name: &'static str| NamedRun { name, id: 1, recording: &window.recording };
        let runs: Vec<NamedRun> = window.runs.iter().copied().map(run).collect();
        let columns = ColumnBar {
            entries: &entries,
            active: 0,
            runs: &runs,
            run: 0,
            locks: window.locks,
            can_swap: window.interface.view.query.minus.is_some(),
            can_subtract: window.columns > 1,
        };
        window.actions.extend(columns.handle_keys(ui, keys));
        window.interface.advance(ui, true, keys);
        let ranges = vec![ValueRange::UNIT; window.recording.layers.len()];
        let ready = vec![true; window.recording.epochs.len()];
        let data = PanelData {
            recording: &window.recording,
            runs: OpenRuns::default(),
            layout: &window.layout,
            ranges: &ranges,
            ready: &ready,
            live: window.live,
            columns: &columns,
            layer_stats: None,
            profiles: &[],
            subtracted: None,
            values: &[],
            shown: None,
            predictions: None,
        };
        for command in window.commands.drain(..) {
            let now = ui.input(|input| input.time);
            window.interface.perform(&command, &window.recording, &window.layout, now);
        }
        window.interface.timeline(ui, &data);
        let palette = super::style::Palette::of(window.interface.view.theme);
        egui::CentralPanel::no_frame().show(ui, |ui| {
            let (interface, actions) = (&mut window.interface, &mut window.actions);
            let scene = window.arrangement.show(ui, palette, &mut |ui, pane| {
                actions.extend(interface.pane(ui, pane, &data).columns);
            });
            let places = column_rects(scene, window.columns);
            for (index, (header, _)) in places.iter().enumerate() {
                if header.is_some_and(|header| columns.header(ui, header, index, palette)) {
                    window.actions.push(ColumnAction::Activate(index));
                }
            }
            let now = ui.input(|input| input.time);
            if let Some(command) = pressed_home_or_end(ui) {
                window.interface.perform(&command, &window.recording, &window.layout, now);
            }
            let rect = places[0].1;
            let at = Viewport { rect, id, name: "Scene", keys };
            window.interface.handle_gestures(ui, &at, &window.layout, None);
            let view = window.interface.view.clone();
            let scene = SceneDescription {
                ranges: &ranges,
                position: EpochPosition::at(EpochIndex(0)),
                ..testing::description(&window.recording, &view, &window.layout)
            };
            window.interface.paint_overlay(ui, rect, &scene, &testing::status(false));
        });
        if window.interface.is_moving() {
            ui.ctx().request_repaint();
        }
    };
    TestWindow::open(vec2(1280.0, 1400.0), state, show)
}

fn perform(harness: &mut TestWindow<Window>, command: ViewCommand) {
    harness.state_mut().commands.push(command);
    harness.run();
}

#[test]
fn statistic_and_normalisation_are_chosen() {
    let mut window = window(testing::recording());
    window.click("Statistic: Count");
    window.click("Normalisation: Network");
    let query = &window.state().interface.view.query;
    assert_eq!((query.stat, query.norm), (Stat::Count, Norm::Global));
    let compared = Query { minus: Some(Selection::default()), diff: Diff::Effect, ..Query::default() };
    window.state_mut().interface.view.query = compared;
    window.run();
    assert!(window.is_disabled("Statistic: Rate"));
    window.click("Statistic: Rate");
    assert_eq!(window.state().interface.view.query.stat, Stat::Mean, "an effect size is one of means");
}

#[test]
fn clipping_order_and_height_of_cells_are_chosen() {
    let mut window = window(testing::recording());
    window.click("Clip percent: 2");
    window.click("Same range at all epochs");
    window.get_by_label("Dim below").set_value_accesskit(30.0);
    window.run();
    let view = &window.state().interface.view;
    assert_eq!((view.clip, view.over_epochs, view.dim_below), (2.0, true, 0.3));
    window.click("Order: Class");
    let order = UnitOrder { by: OrderBy::Selectivity, epoch: 4 };
    assert_eq!(window.state().interface.view.order, Some(order));
    // The order stays that of the epoch at which it was chosen.
    window.click("Step back");
    assert_eq!(window.state().interface.view.order, Some(order));
    window.click("Order: As trained");
    assert_eq!(window.state().interface.view.order, None);
    window.get_by_label("Height").set_value_accesskit(2.0);
    window.click("Edges");
    let view = &window.state().interface.view;
    assert_eq!((view.height, view.edges), (2.0, false));
}

#[test]
fn commands_change_the_view() {
    let recording = testing::recording();
    let mut window = window(recording.clone());
    perform(&mut window, ViewCommand::ShowClass(1));
    perform(&mut window, ViewCommand::MinusClass(2));
    let query = &window.state().interface.view.query;
    assert_eq!(query.select, Selection::class(&recording, 1));
    assert_eq!(query.minus, Some(Selection::class(&recording, 2)));
    perform(&mut window, ViewCommand::First);
    assert_eq!(window.state().interface.view.epoch, 0.0);
    perform(&mut window, ViewCommand::Best);
    assert_eq!(window.state().interface.view.epoch, 4.0, "the last one is the most accurate");
    perform(&mut window, ViewCommand::HideLayer(1));
    assert!(window.state().interface.view.hidden.iter().eq(["conv2"]));
    perform(&mut window, ViewCommand::HideLayer(1));
    assert!(window.state().interface.view.hidden.is_empty());
    perform(&mut window, ViewCommand::SoloLayer(1));
    assert!(window.state().interface.view.hidden.iter().eq(["conv1", "fc"]));
    perform(&mut window, ViewCommand::ShowLayers);
    assert!(window.state().interface.view.hidden.is_empty());
    perform(&mut window, ViewCommand::Theme);
    assert_eq!(window.state().interface.view.theme, Theme::Light);
}

#[test]
fn hidden_panels_leave_their_space_to_the_scene() {
    let mut window = window(testing::recording());
    let wide = window.get_by_label("Scene").rect();
    window.state_mut().arrangement.toggle(Pane::Layers);
    window.run();
    assert!(!window.state().arrangement.shows(Pane::Layers) && window.query_by_label("Layers").is_none());
    assert_eq!(window.get_by_label("Scene").rect(), wide, "others stand beside it");
    window.state_mut().arrangement.toggle(Pane::Unit);
    window.state_mut().arrangement.bring(Pane::About);
    window.state_mut().arrangement.toggle(Pane::About);
    window.run();
    let tall = window.get_by_label("Scene").rect();
    assert!(tall.height() > wide.height() + 100.0, "{tall} {wide}");
    window.state_mut().arrangement.only_scene = true;
    window.run();
    let alone = window.get_by_label("Scene").rect();
    assert!(alone.width() > wide.width() + 200.0 && alone.height() > wide.height());
    assert!(window.query_by_label("Statistic: Mean").is_none());
    window.state_mut().arrangement.bring(Pane::Options);
    window.run();
    window.get_by_label("Statistic: Mean");
}

#[test]
fn a_small_window_folds_its_panels_and_a_large_one_restores_them() {
    let mut window = window(testing::recording());
    let before = (window.get_by_label("Scene").rect(), window.get_by_label("Statistic: Mean").rect());
    for size in [vec2(200.0, 150.0), vec2(760.0, 560.0)] {
        window.set_size(size);
        window.run();
        assert!(window.query_by_label("Statistic: Mean").is_none());
        let scene = window.get_by_label("Scene").rect();
        assert!(scene.width() > 0.8 * size.x, "{scene} of {size}");
    }
    window.click("Options");
    window.get_by_label("Statistic: Mean");
    window.set_size(vec2(1280.0, 1400.0));
    window.run();
    let after = (window.get_by_label("Scene").rect(), window.get_by_label("Statistic: Mean").rect());
    assert!((after.0.width() - before.0.width()).abs() < 1.0 && after.1.left() == before.1.left());
}

#[test]
fn panels_keep_their_size_when_the_window_changes_its_own() {
    let mut window = window(testing::recording());
    let size = |window: &TestWindow<Window>| {
        let scene = window.get_by_label("Scene").rect();
        let panel = window.get_by_label("Statistic: Mean").rect();
        (scene.size(), panel.left() - scene.right(), window.ctx.content_rect().right() - scene.right())
    };
    let (before, gap, side) = size(&window);
    for wanted in [vec2(1920.0, 1080.0), vec2(1000.0, 700.0), vec2(1280.0, 1400.0)] {
        window.set_size(wanted);
        window.run();
        let (now, gap_now, side_now) = size(&window);
        assert!((gap - gap_now).abs() < 1.5 && (side - side_now).abs() < 1.5, "{wanted}: {side} {side_now}");
        let grown = wanted - vec2(1280.0, 1400.0);
        assert!((now - before - grown).abs().max_elem() < 2.0, "{wanted}: {before} {now}");
    }
}

#[test]
fn picking_a_class_and_a_subtrahend_changes_the_query() {
    let mut window = window(testing::recording());
    window.click("Show: Class");
    window.click("Show: class dog");
    let recording = testing::recording();
    assert_eq!(window.state().interface.view.query.select, Selection::class(&recording, 1));
    window.click("Minus: General");
    assert_eq!(window.state().interface.view.query.minus, Some(Selection::default()));
    assert!(window.state().interface.view.query.is_signed());
    window.click("Difference: Absolute");
    assert!(!window.state().interface.view.query.is_signed());
    window.click("Minus: None");
    assert_eq!(window.state().interface.view.query.minus, None);
}

#[test]
fn the_picture_of_a_selected_input_is_shown() {
    let mut window = window(testing::recording());
    window.click("Show: Input");
    window.click("Show: input 2");
    assert_eq!(window.state().interface.view.query.select, Selection::input(2));
    assert!(window.query_by_label("input 2 (class bird)").is_none());
    let ctx = window.ctx.clone();
    let picture = Picture { width: 2, height: 2, rgba: vec![200; 16] };
    window.state_mut().interface.thumbnails.insert(&ctx, 2, Some(&picture));
    window.run();
    window.get_by_label("input 2 (class bird)");
}

#[test]
fn a_picture_with_a_wrong_number_of_bytes_is_dropped() {
    let ctx = egui::Context::default();
    let mut pictures = Thumbnails::default();
    pictures.insert(&ctx, 0, Some(&Picture { width: 2, height: 2, rgba: vec![0; 15] }));
    assert!(pictures.knows(0) && pictures.get(0).is_none());
}

#[test]
fn a_layer_is_framed_by_command_and_home_comes_back() {
    let mut window = window(testing::recording());
    let overview = window.state().interface.view.camera;
    perform(&mut window, ViewCommand::FrameLayer(1));
    let framed = window.state().interface.view.camera;
    assert_eq!(window.state().interface.navigator.target(), Some(CameraTarget::Slab(1)));
    assert!((framed.position - overview.position).length() > 1.0);
    window.press(Key::Home);
    assert_eq!(window.state().interface.navigator.target(), Some(CameraTarget::View(SetView::Overview)));
    assert!((window.state().interface.view.camera.position - overview.position).length() < 1e-4);
}

#[test]
fn a_fixed_range_begins_at_the_current_one() {
    let mut window = window(testing::recording());
    window.click("Range: Fixed");
    assert_eq!(window.state().interface.view.range, Range::Fixed { low: 0.0, high: 1.0 });
    window.click("Range: Per layer");
    assert_eq!(window.state().interface.view.range, Range::Layer);
}

#[test]
fn warnings_are_shown_and_damaged_epochs_skipped() {
    let mut recording = testing::recording();
    recording.warnings.push("epoch 3 is damaged: half a file".to_owned());
    recording.epochs[3].damaged = true;
    let mut window = window(recording);
    window.get_by_label("epoch 3 is damaged: half a file");
    window.click("Step back");
    assert_eq!(window.state().interface.view.epoch, 2.0);
}

#[test]
fn a_recording_without_epochs_and_layers_is_shown() {
    let mut recording = testing::recording();
    recording.epochs.clear();
    recording.layers.clear();
    recording.edges.clear();
    recording.inputs.clear();
    recording.classes.clear();
    let mut window = window(recording);
    window.key_press(Key::Space);
    window.key_press(Key::ArrowLeft);
    window.press(Key::F);
    window.get_by_label("Scene");
}
