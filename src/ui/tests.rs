//! The window's content, driven by keys and accessible names; the overlay, read back as text.

use egui::{Key, Rect, Shape, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};

use super::NamedRun;
use super::OpenRuns;
use super::Pictures;
use super::commands::ViewCommand;
use super::dock::DockLayout;
use super::dock::Pane;
use super::panels::columns;
use super::panels::columns::Columns;
use super::panels::columns::Entry;
use super::panels::columns::split;
use super::scene::navigation::Target;
use super::scene::projection::Projection;
use super::scene::still;
use super::style::{install_fonts, install_style};
use super::testing;
use super::testing::description;
use super::{PanelData, SceneDescription, ViewControl, Viewport};
use crate::model::columns::{Locks, MAX_COLUMNS};
use crate::model::{
    Diff, Epoch, EpochIndex, EpochPosition, Layout, Norm, OrderBy, Picture, Query, Range, Recording,
    Selection, SetView, Stat, Theme, UnitOrder, ValueRange,
};

struct Window {
    arrangement: DockLayout,
    recording: Recording,
    layout: Layout,
    interface: ViewControl,
    live: bool,
    /// How many columns it has, all of the same run.
    columns: usize,
    runs: Vec<&'static str>,
    locks: Locks,
    /// What was asked for of the columns, the latest last.
    asked: Vec<columns::Action>,
    /// To be done in the next frame.
    commands: Vec<ViewCommand>,
}

fn window(recording: Recording) -> Harness<'static, Window> {
    let state = Window {
        arrangement: DockLayout::default(),
        layout: Layout::new(&recording),
        interface: ViewControl::new(&recording, testing::view(&recording)),
        live: false,
        columns: 1,
        runs: vec!["run"],
        locks: Locks::default(),
        asked: Vec::new(),
        commands: Vec::new(),
        recording,
    };
    let show = |ui: &mut egui::Ui, window: &mut Window| {
        let id = egui::Id::unique("the scene");
        let keys = ui.memory(|memory| memory.focused()).is_none_or(|focused| focused == id);
        let entry = Entry { run: "run".to_owned(), what: "all inputs".to_owned(), live: false };
        let entries = vec![entry; window.columns];
        let run = |name: &'static str| NamedRun { name, recording: &window.recording };
        let runs: Vec<NamedRun> = window.runs.iter().copied().map(run).collect();
        let columns = Columns {
            entries: &entries,
            active: 0,
            runs: &runs,
            run: 0,
            locks: window.locks,
            can_swap: window.interface.view.query.minus.is_some(),
            can_subtract: window.columns > 1,
        };
        window.asked.extend(columns.keys(ui, keys));
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
            values: &[],
            predictions: None,
        };
        for command in window.commands.drain(..) {
            let now = ui.input(|input| input.time);
            window.interface.perform(&command, &window.recording, &window.layout, now);
        }
        window.interface.timeline(ui, &data);
        let palette = super::style::Palette::of(window.interface.view.theme);
        egui::CentralPanel::no_frame().show(ui, |ui| {
            let (interface, asked) = (&mut window.interface, &mut window.asked);
            let scene = window.arrangement.show(ui, palette, &mut |ui, pane| {
                asked.extend(interface.pane(ui, pane, &data).columns);
            });
            let places = split(scene, window.columns);
            for (index, (header, _)) in places.iter().enumerate() {
                if header.is_some_and(|header| columns.header(ui, header, index, palette)) {
                    window.asked.push(columns::Action::Activate(index));
                }
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
    let mut harness = Harness::builder()
        .with_size(vec2(1280.0, 1400.0))
        .with_max_steps(200)
        .with_context_setup(install_fonts)
        .build_ui_state(show, state);
    harness.run();
    harness
}

fn click(harness: &mut Harness<'static, Window>, name: &str) {
    harness.get_by_label(name).click();
    harness.run();
}

fn perform(harness: &mut Harness<'static, Window>, command: ViewCommand) {
    harness.state_mut().commands.push(command);
    harness.run();
}

#[test]
fn statistic_and_scale_are_chosen() {
    let mut window = window(testing::recording());
    click(&mut window, "Statistic: Count");
    click(&mut window, "Normalisation: Network");
    let query = &window.state().interface.view.query;
    assert_eq!((query.stat, query.norm), (Stat::Count, Norm::Global));
    let compared = Query { minus: Some(Selection::default()), diff: Diff::Effect, ..Query::default() };
    window.state_mut().interface.view.query = compared;
    window.run();
    assert!(window.get_by_label("Statistic: Rate").accesskit_node().is_disabled());
    click(&mut window, "Statistic: Rate");
    assert_eq!(window.state().interface.view.query.stat, Stat::Mean, "an effect size is one of means");
}

#[test]
fn how_cells_are_looked_at_is_chosen_by_hand() {
    let mut window = window(testing::recording());
    click(&mut window, "Clip percent: 2");
    click(&mut window, "Same range at all epochs");
    window.get_by_label("Dim below").set_value_accesskit(30.0);
    window.run();
    let view = &window.state().interface.view;
    assert_eq!((view.clip, view.over_epochs, view.dim_below), (2.0, true, 0.3));
    click(&mut window, "Order: Class");
    let order = UnitOrder { by: OrderBy::Selectivity, epoch: 4 };
    assert_eq!(window.state().interface.view.order, Some(order));
    // It stays that of the epoch at which it was chosen.
    click(&mut window, "Step back");
    assert_eq!(window.state().interface.view.order, Some(order));
    click(&mut window, "Order: As trained");
    assert_eq!(window.state().interface.view.order, None);
    window.get_by_label("Height").set_value_accesskit(2.0);
    click(&mut window, "Edges");
    let view = &window.state().interface.view;
    assert_eq!((view.height, view.edges), (2.0, false));
}

#[test]
fn commands_do_what_they_are_called() {
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
fn panels_come_go_and_leave_their_room_to_the_scene() {
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
fn panels_keep_their_size_when_the_window_changes_its_own() {
    let mut window = window(testing::recording());
    let size = |window: &Harness<'static, Window>| {
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
    click(&mut window, "Show: Class");
    click(&mut window, "Show: class dog");
    let recording = testing::recording();
    assert_eq!(window.state().interface.view.query.select, Selection::class(&recording, 1));
    click(&mut window, "Minus: General");
    assert_eq!(window.state().interface.view.query.minus, Some(Selection::default()));
    assert!(window.state().interface.view.query.is_signed());
    click(&mut window, "Difference: Absolute");
    assert!(!window.state().interface.view.query.is_signed());
    click(&mut window, "Minus: None");
    assert_eq!(window.state().interface.view.query.minus, None);
}

#[test]
fn picking_an_input_asks_for_its_picture_and_shows_it() {
    let mut window = window(testing::recording());
    click(&mut window, "Show: Input");
    click(&mut window, "Show: input 2");
    assert_eq!(window.state().interface.view.query.select, Selection::input(2));
    assert!(window.query_by_label("input 2 (class bird)").is_none());
    let ctx = window.ctx.clone();
    let picture = Picture { width: 2, height: 2, rgba: vec![200; 16] };
    window.state_mut().interface.thumbnails.insert(&ctx, 2, Some(&picture));
    window.run();
    window.get_by_label("input 2 (class bird)");
}

#[test]
fn a_picture_whose_bytes_do_not_fit_its_size_is_none() {
    let ctx = egui::Context::default();
    let mut pictures = Pictures::default();
    pictures.insert(&ctx, 0, Some(&Picture { width: 2, height: 2, rgba: vec![0; 15] }));
    assert!(pictures.knows(0) && pictures.get(0).is_none());
}

#[test]
fn the_slider_and_the_arrow_keys_move_the_epoch() {
    let mut window = window(testing::recording());
    window.get_by_label("Epoch").set_value_accesskit(1.0);
    window.run();
    assert_eq!(window.state().interface.view.epoch, 1.0);
    window.key_press(Key::ArrowRight);
    window.key_press(Key::ArrowRight);
    window.run();
    assert_eq!(window.state().interface.view.epoch, 3.0);
    click(&mut window, "Step back");
    assert_eq!(window.state().interface.view.epoch, 2.0);
}

#[test]
fn dragging_the_slider_scrubs_and_rests_on_a_recorded_epoch() {
    let mut window = window(testing::recording());
    let rect = window.get_by_label("Epoch").rect();
    let at = |share: f32| pos2(rect.left() + 8.0 + share * (rect.width() - 16.0), rect.center().y);
    window.hover_at(at(0.9));
    window.step();
    window.drag_at(at(0.9));
    window.step();
    window.hover_at(at(0.4));
    window.step();
    window.step();
    let scrubbed = window.state().interface.view.epoch;
    assert!((scrubbed - 1.6).abs() < 0.05, "between two epochs while held: {scrubbed}");
    window.drop_at(at(0.4));
    window.run();
    assert_eq!(window.state().interface.view.epoch, 2.0);
}

#[test]
fn space_plays_and_pauses() {
    let mut window = window(testing::recording());
    window.key_press(Key::Space);
    window.step();
    assert!(window.state().interface.playback.playing);
    assert!(window.state().interface.view.epoch < 1.0, "it begins anew, being at the end");
    for _ in 0..8 {
        window.step();
    }
    let reached = window.state().interface.view.epoch;
    assert!(reached > 0.5, "{reached}");
    window.key_press(Key::Space);
    window.run();
    assert!(!window.state().interface.playback.playing);
}

/// Appends an epoch, as a writer does.
fn append(window: &mut Harness<'static, Window>) {
    let state = window.state_mut();
    let number = state.recording.epochs.last().map_or(0, |epoch| epoch.number + 1);
    state.recording.epochs.push(Epoch { number, accuracy: Some(90.0), loss: Some(0.5), ..Epoch::default() });
    state.interface.set_recording(&state.recording);
}

const BADGE: &str = "Follow the newest epoch";

#[test]
fn the_badge_is_there_while_a_writer_is_at_work() {
    let mut window = window(testing::recording());
    assert!(window.query_by_label(BADGE).is_none());
    window.state_mut().live = true;
    window.run();
    let badge = window.get_by_label(BADGE);
    assert_eq!(badge.accesskit_node().toggled(), Some(egui::accesskit::Toggled::True));
    window.state_mut().live = false;
    window.run();
    assert!(window.query_by_label(BADGE).is_none());
}

#[test]
fn the_newest_epoch_is_followed_until_a_hand_leads_elsewhere() {
    let mut window = window(testing::recording());
    window.state_mut().live = true;
    append(&mut window);
    window.step();
    assert!(window.state().interface.view.epoch < 5.0, "it glides");
    window.run();
    assert_eq!(window.state().interface.view.epoch, 5.0);

    click(&mut window, "Step back");
    append(&mut window);
    window.run();
    assert_eq!(window.state().interface.view.epoch, 4.0, "a hand has stepped back");
    let badge = window.get_by_label(BADGE);
    assert_eq!(badge.accesskit_node().toggled(), Some(egui::accesskit::Toggled::False));

    click(&mut window, BADGE);
    assert_eq!(window.state().interface.view.epoch, 6.0, "the badge leads to the newest");
    append(&mut window);
    window.run();
    assert_eq!(window.state().interface.view.epoch, 7.0, "and on");
    click(&mut window, BADGE);
    append(&mut window);
    window.run();
    assert_eq!(window.state().interface.view.epoch, 7.0, "pressed again, it stays");

    for (key, newest) in [(Key::L, 8.0), (Key::End, 9.0)] {
        window.key_press(key);
        window.run();
        assert_eq!(window.state().interface.view.epoch, newest, "{key:?}");
        window.get_by_label("Epoch").set_value_accesskit(2.0);
        append(&mut window);
        window.run();
        assert_eq!(window.state().interface.view.epoch, 2.0, "scrubbed back");
    }
}

#[test]
fn new_epochs_are_played_too() {
    let mut window = window(testing::recording());
    window.key_press(Key::Space);
    for _ in 0..4 {
        window.step();
    }
    append(&mut window);
    let mut furthest: f64 = 0.0;
    for _ in 0..60 {
        window.step();
        furthest = furthest.max(window.state().interface.view.epoch);
    }
    assert_eq!(furthest, 5.0);
    assert!(window.state().interface.playback.playing && !window.state().interface.playback.following);
}

#[test]
fn a_recording_without_epochs_fills() {
    let mut recording = testing::recording();
    recording.epochs.clear();
    let mut window = window(recording);
    window.state_mut().live = true;
    window.run();
    append(&mut window);
    append(&mut window);
    window.run();
    assert_eq!(window.state().interface.view.epoch, 1.0);
}

#[test]
fn a_layer_is_framed_by_command_and_home_comes_back() {
    let mut window = window(testing::recording());
    let overview = window.state().interface.view.camera;
    perform(&mut window, ViewCommand::FrameLayer(1));
    let framed = window.state().interface.view.camera;
    assert_eq!(window.state().interface.navigator.at(), Some(Target::Slab(1)));
    assert!((framed.position - overview.position).length() > 1.0);
    window.key_press(Key::Home);
    window.run();
    assert_eq!(window.state().interface.navigator.at(), Some(Target::View(SetView::Overview)));
    assert!((window.state().interface.view.camera.position - overview.position).length() < 1e-4);
}

#[test]
fn keys_of_a_focused_control_do_not_reach_the_scene() {
    let mut window = window(testing::recording());
    window.get_by_label("Theme: Light").focus();
    window.run();
    window.key_press(Key::Space);
    window.run();
    assert_eq!(window.state().interface.view.theme, Theme::Light, "the control is pressed");
    assert!(!window.state().interface.playback.playing, "and nothing is played");
}

#[test]
fn a_fixed_range_begins_at_the_one_shown() {
    let mut window = window(testing::recording());
    click(&mut window, "Range: Fixed");
    assert_eq!(window.state().interface.view.range, Range::Fixed { low: 0.0, high: 1.0 });
    click(&mut window, "Range: Per layer");
    assert_eq!(window.state().interface.view.range, Range::Layer);
}

#[test]
fn warnings_are_read_and_damaged_epochs_stepped_over() {
    let mut recording = testing::recording();
    recording.warnings.push("epoch 3 is damaged: half a file".to_owned());
    recording.epochs[3].damaged = true;
    let mut window = window(recording);
    window.get_by_label("epoch 3 is damaged: half a file");
    click(&mut window, "Step back");
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
    window.key_press(Key::F);
    window.run();
}

#[test]
fn what_can_be_done_with_columns_has_a_button_and_a_key() {
    use columns::Action;
    let mut window = window(testing::recording());
    for absent in ["Remove column", "Subtract columns", "Swap A and B", "Lock cameras"] {
        assert!(window.query_by_label(absent).is_none(), "{absent}: there is one column");
    }
    click(&mut window, "Add column");
    click(&mut window, "Minus: General");
    click(&mut window, "Swap A and B");
    assert_eq!(std::mem::take(&mut window.state_mut().asked), [Action::Add(0), Action::Swap]);

    window.state_mut().columns = 3;
    window.run();
    let unlocked = |cameras, epochs, scale| Action::Lock(Locks { cameras, epochs, scale });
    for (name, key, action) in [
        ("Add column", Key::N, Action::Add(0)),
        ("Duplicate column", Key::C, Action::Duplicate),
        ("Remove column", Key::Delete, Action::Remove),
        ("Swap A and B", Key::X, Action::Swap),
        ("Subtract columns", Key::M, Action::Difference),
        ("Lock cameras", Key::K, unlocked(false, true, true)),
        ("Lock epochs", Key::T, unlocked(true, false, true)),
        ("Lock scale", Key::R, unlocked(true, true, false)),
    ] {
        click(&mut window, name);
        assert_eq!(std::mem::take(&mut window.state_mut().asked), [action], "{name}");
        window.key_press(key);
        window.run();
        assert_eq!(std::mem::take(&mut window.state_mut().asked), [action], "{key:?}");
    }
    click(&mut window, "Column 2: run, all inputs");
    click(&mut window, "Header of column 3: run, all inputs");
    for modifiers in [egui::Modifiers::CTRL, egui::Modifiers::CTRL | egui::Modifiers::SHIFT] {
        window.key_press_modifiers(modifiers, Key::Tab);
        window.run();
    }
    assert_eq!(window.state().asked, [1, 2, 1, 2].map(Action::Activate));
}

#[test]
fn a_column_is_added_of_any_run_until_there_are_enough() {
    let mut window = window(testing::recording());
    window.state_mut().runs = vec!["one", "other"];
    window.run();
    click(&mut window, "Add column");
    click(&mut window, "other");
    assert_eq!(std::mem::take(&mut window.state_mut().asked), [columns::Action::Add(1)]);
    window.state_mut().columns = MAX_COLUMNS;
    window.run();
    click(&mut window, "Duplicate column");
    window.key_press(Key::N);
    window.key_press(Key::C);
    window.run();
    assert_eq!(window.state().asked, []);
}

/// What the overlay paints: texts and where they stand.
fn texts(scene: &SceneDescription, size: egui::Vec2) -> Vec<(String, Rect)> {
    let ctx = egui::Context::default();
    install_fonts(&ctx);
    install_style(&ctx, scene.view.theme);
    let screen = Rect::from_min_size(pos2(0.0, 0.0), size);
    let input = || egui::RawInput { screen_rect: Some(screen), ..egui::RawInput::default() };
    ctx.run_pass(input(), |_| ()).textures_delta.clear();
    let mut output = ctx.run_pass(input(), |ctx| {
        scene.paint_overlay(&ctx.layer_painter(egui::LayerId::background()), screen);
    });
    output.textures_delta.clear();
    let text = |shape: &Shape| match shape {
        Shape::Text(text) => Some((text.galley.text().to_owned(), text.visual_bounding_rect())),
        _ => None,
    };
    output.shapes.iter().filter_map(|clipped| text(&clipped.shape)).collect()
}

fn has(texts: &[(String, Rect)], wanted: &str) -> bool {
    texts.iter().any(|(text, _)| text == wanted)
}

#[test]
fn the_overview_names_layers_and_classes_beside_their_cells() {
    let recording = testing::recording();
    let (layout, view) = (Layout::new(&recording), testing::view(&recording));
    let size = vec2(1280.0, 800.0);
    let texts = texts(&description(&recording, &view, &layout), size);
    for wanted in ["conv1", "conv2", "fc", "cat", "dog", "bird", "mean activation · all inputs · epoch 4"] {
        assert!(has(&texts, wanted), "{wanted} is missing from {texts:?}");
    }
    let lens = Projection { camera: view.camera, rect: Rect::from_min_size(pos2(0.0, 0.0), size) };
    for (name, place) in texts.iter().filter(|(text, _)| ["conv1", "conv2", "fc"].contains(&text.as_str())) {
        for slab in &layout.slabs {
            let (low, high) = slab.bounds();
            let outline = lens.outline(low, high).expect("in front of the eye");
            assert!(!outline.meets(*place), "{name} covers a slab");
        }
    }
    let cell = lens.see(layout.slabs[2].cell_centre(0, 1)).expect("in front of the eye");
    let (_, dog) = texts.iter().find(|(text, _)| text == "dog").expect("it was there");
    assert!((dog.center().y - cell.y).abs() < 10.0 && dog.left() > cell.x, "{dog:?} beside {cell:?}");
}

#[test]
fn labels_never_cover_each_other() {
    let mut recording = testing::recording();
    let hidden = recording.layers[1].clone();
    for index in 0..30 {
        let layer = crate::model::Layer { name: format!("features.{index}"), ..hidden.clone() };
        recording.layers.insert(1, layer);
    }
    let layout = Layout::new(&recording);
    let mut view = testing::view(&recording);
    for set_view in SetView::ALL {
        view.camera = crate::model::Camera::set_view(set_view, &layout, 1.6);
        let texts = texts(&description(&recording, &view, &layout), vec2(1280.0, 800.0));
        for (index, (one, a)) in texts.iter().enumerate() {
            for (other, b) in &texts[index + 1..] {
                assert!(!a.shrink(1.0).intersects(b.shrink(1.0)), "{one} over {other} in {set_view:?}");
            }
        }
    }
}

#[test]
fn class_names_vanish_when_their_cells_are_too_small() {
    let recording = testing::recording();
    let (layout, mut view) = (Layout::new(&recording), testing::view(&recording));
    view.camera.position -= view.camera.forward() * 20.0 * view.camera.focus;
    let texts = texts(&description(&recording, &view, &layout), vec2(1280.0, 800.0));
    assert!(!has(&texts, "cat"));
}

#[test]
fn the_legend_tells_values_without_a_number_and_the_ends_of_the_map() {
    let recording = testing::recording();
    let (layout, mut view) = (Layout::new(&recording), testing::view(&recording));
    view.query = Query { minus: Some(Selection::class(&recording, 0)), ..Query::default() };
    view.range = Range::Network;
    let ranges = [ValueRange::symmetric(0.25); 3];
    let scene =
        SceneDescription { ranges: &ranges, has_no_value: true, ..description(&recording, &view, &layout) };
    let with = texts(&scene, vec2(1280.0, 800.0));
    for wanted in ["\u{2212}0.250", "0", "0.250", "no value", "range: symmetric around 0, this epoch"] {
        assert!(has(&with, wanted), "{wanted} is missing from {with:?}");
    }
    let without = texts(&SceneDescription { has_no_value: false, ..scene }, vec2(1280.0, 800.0));
    assert!(!has(&without, "no value"));
}

#[test]
fn a_still_paints_the_same_at_any_density() {
    let recording = testing::recording();
    let (layout, view) = (Layout::new(&recording), testing::view(&recording));
    for (size, pixels_per_point) in [([640, 400], 1.0), ([1280, 800], 2.0)] {
        let mut painted = still::paint(&description(&recording, &view, &layout), size, pixels_per_point);
        assert_eq!(painted.pixels_per_point, pixels_per_point);
        assert!(!painted.textures.set.is_empty(), "glyphs to upload");
        assert!(!painted.primitives.is_empty());
        let screen = Rect::from_min_size(pos2(0.0, 0.0), vec2(640.0, 400.0));
        for primitive in &painted.primitives {
            assert!(screen.expand(1.0).contains_rect(primitive.clip_rect));
        }
        painted.textures.clear();
    }
}
