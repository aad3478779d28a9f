//! The table of layers, driven by keys and accessible names.

use egui::accesskit::{Role, Toggled};
use egui::{Key, Rect, vec2};
use egui_kittest::kittest::{NodeT, Queryable};

use super::column::TableColumn;
use super::{LayersAction, LayersPanel, LayersPanelState};
use crate::insight::LayerStats;
use crate::model::{Recording, ViewState};
use crate::ui::style::Palette;
use crate::ui::testing::{self, TestWindow};

struct State {
    recording: Recording,
    stats: Option<Vec<LayerStats>>,
    stats_epoch: Option<u64>,
    view: ViewState,
    panel: LayersPanelState,
    framed: Option<usize>,
    actions: Vec<LayersAction>,
}

type Window = TestWindow<State>;

fn table(recording: Recording, stats: Option<Vec<LayerStats>>, width: f32) -> Window {
    let view = testing::view(&recording);
    let state = State {
        recording,
        stats,
        view,
        panel: LayersPanelState::default(),
        stats_epoch: None,
        framed: None,
        actions: Vec::new(),
    };
    let show = |ui: &mut egui::Ui, state: &mut State| {
        let layers = LayersPanel {
            recording: &state.recording,
            stats: state.stats.as_deref(),
            stats_epoch: state.stats_epoch,
            framed: state.framed,
            hovered: None,
            palette: Palette::of(state.view.theme),
        };
        state.actions.extend(layers.show(ui, &mut state.view, &mut state.panel));
    };
    TestWindow::with_time_step(vec2(width, 260.0), 0.05, state, show)
}

/// Statistics of conv1, conv2 and fc: conv2 has the most dead units, fc the fewest known values.
fn stats() -> Vec<LayerStats> {
    vec![
        LayerStats {
            mean: 0.25,
            dead: Some(0.125),
            saturated: Some(0.0),
            sparsity: Some(0.5),
            selectivity: Some(0.75),
            change: None,
            without_value: 0,
        },
        LayerStats {
            mean: -1.5,
            dead: Some(0.875),
            saturated: Some(0.25),
            sparsity: Some(0.0004),
            selectivity: Some(0.5),
            change: Some(0.03125),
            without_value: 0,
        },
        LayerStats { mean: f32::NAN, without_value: 3, ..LayerStats::default() },
    ]
}

fn few() -> Window {
    table(testing::recording(), Some(stats()), 1000.0)
}

/// Returns the names of the rows, from top to bottom.
fn rows(window: &Window) -> Vec<String> {
    let rows = window.get_all_by_role(Role::Row);
    let mut rows: Vec<(f32, String)> =
        rows.map(|row| (row.rect().top(), row.accesskit_node().label().unwrap_or_default())).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    rows.into_iter().map(|(_, name)| name.replace("Layer: ", "")).collect()
}

fn click(window: &mut Window, name: &str) {
    window.click(name);
    // Lets time pass, so that the next click does not count as a double click.
    for _ in 0..8 {
        window.step();
    }
}

fn hidden(window: &Window) -> Vec<&str> {
    window.state().view.hidden.iter().map(String::as_str).collect()
}

fn search(window: &mut Window, text: &str) {
    window.replace_text("Layers: search", text);
}

#[test]
fn a_heading_sorts_reverses_and_unsorts() {
    let mut window = few();
    assert_eq!(rows(&window), ["conv1", "conv2", "fc"]);
    for (expected, words) in [
        (["conv2", "conv1", "fc"], "the greatest first"),
        (["conv1", "conv2", "fc"], "the least first, what is not known still last"),
        (["conv1", "conv2", "fc"], "as trained"),
        (["conv2", "conv1", "fc"], "from the beginning"),
    ] {
        click(&mut window, "Sort: Dead");
        assert_eq!(rows(&window), expected, "{words}");
    }
    click(&mut window, "Sort: Layer");
    click(&mut window, "Sort: Layer");
    assert_eq!(rows(&window), ["fc", "conv2", "conv1"], "from Z to A");
    // By keyboard.
    window.focus("Sort: Units");
    window.press(Key::Enter);
    assert_eq!(rows(&window), ["conv2", "conv1", "fc"], "64, 16 and 3 units");
}

#[test]
fn a_row_describes_known_values() {
    let window = few();
    let value = |name: &str| window.get_by_label(name).value().unwrap_or_default();
    assert_eq!(
        value("Layer: conv2"),
        "Conv2d · 64 units · shape 64 · mean \u{2212}1.50 · dead 88 % · saturated 25 % · \
         sparsity <0.1 % · selectivity 0.50 · change 0.0312"
    );
    assert_eq!(value("Layer: fc"), "Linear · 3 units · shape 3 · 3 units without a value");
}

#[test]
fn layers_are_found_by_name_and_type() {
    let mut window = few();
    window.get_by_label("3 of 3");
    search(&mut window, "CONV");
    assert_eq!(rows(&window), ["conv1", "conv2"]);
    window.get_by_label("2 of 3");
    search(&mut window, "lin*");
    assert_eq!(rows(&window), ["fc"], "its type is Linear");
    search(&mut window, "conv?");
    assert_eq!(rows(&window), ["conv1", "conv2"]);
    window.press(Key::Enter);
    assert_eq!(window.state().panel.selected, Some(0), "the first that was found");
    search(&mut window, "nothing");
    window.get_by_label("no layer goes by this name");
    window.get_by_label("0 of 3");
}

#[test]
fn keys_select_hide_solo_and_frame() {
    let mut window = few();
    click(&mut window, "Layer: conv1");
    assert_eq!(window.state().panel.selected, Some(0));
    assert!(window.get_by_label("Layer: conv1").is_focused(), "the row that the keys speak to");
    window.press(Key::ArrowDown);
    assert_eq!(window.state().panel.selected, Some(1));
    window.press(Key::H);
    assert_eq!(hidden(&window), ["conv2"]);
    window.press(Key::H);
    assert_eq!(hidden(&window), [""; 0]);
    window.press(Key::S);
    assert_eq!(hidden(&window), ["conv1", "fc"]);
    window.press(Key::End);
    window.press(Key::S);
    assert_eq!(hidden(&window), ["conv1", "conv2"]);
    window.press(Key::S);
    assert_eq!(hidden(&window), [""; 0], "all again");
    assert_eq!(window.state().actions, []);
    window.press(Key::Enter);
    assert_eq!(window.state().actions, [LayersAction::Frame(2)]);
    window.press(Key::ArrowDown);
    assert_eq!(window.state().panel.selected, Some(2), "there is none below");
    // In the order of the rows.
    click(&mut window, "Sort: Dead");
    click(&mut window, "Layer: conv2");
    window.press(Key::ArrowDown);
    assert_eq!(window.state().panel.selected, Some(0));
}

#[test]
fn buttons_do_what_the_keys_do() {
    let mut window = few();
    let enabled = |window: &Window, name: &str| !window.is_disabled(name);
    for name in ["Layers: Solo", "Layers: Hide", "Layers: Frame", "Layers: Show all"] {
        assert!(!enabled(&window, name), "{name}: nothing is chosen or hidden");
    }
    click(&mut window, "Layer: fc");
    click(&mut window, "Layers: Hide");
    assert_eq!(hidden(&window), ["fc"]);
    click(&mut window, "Layers: Show");
    assert_eq!(hidden(&window), [""; 0]);
    click(&mut window, "Layers: Solo");
    assert_eq!(hidden(&window), ["conv1", "conv2"]);
    click(&mut window, "Layers: Show all");
    assert_eq!(hidden(&window), [""; 0]);
    click(&mut window, "Layers: Frame");
    assert_eq!(window.state().actions, [LayersAction::Frame(2)]);
}

#[test]
fn a_dot_hides_its_layer() {
    let mut window = few();
    click(&mut window, "Visible: conv1");
    assert_eq!(hidden(&window), ["conv1"]);
    let dot = window.get_by_label("Visible: conv1");
    assert_eq!(dot.accesskit_node().toggled(), Some(Toggled::False));
    assert!(window.get_by_label("Layer: conv1").value().unwrap_or_default().ends_with("hidden"));
    click(&mut window, "Visible: conv1");
    assert_eq!(hidden(&window), [""; 0]);
    assert_eq!(window.state().panel.selected, None, "the row was not meant");
}

#[test]
fn a_double_click_frames() {
    let mut window = few();
    for _ in 0..2 {
        window.get_by_label("Layer: conv2").click();
        window.step();
    }
    assert_eq!(window.state().actions, [LayersAction::Frame(1)]);
    assert_eq!(window.state().panel.selected, Some(1));
}

#[test]
fn the_listed_rows_are_copied_in_order() {
    let mut window = few();
    click(&mut window, "Sort: Dead");
    search(&mut window, "conv");
    click(&mut window, "Layers: Copy");
    let expected = "layer\ttype\tunits\tshape\tmean\tdead\tsaturated\tsparsity\tselectivity\tchange\n\
                    conv2\tConv2d\t64\t64\t-1.5\t0.875\t0.25\t0.0004\t0.5\t0.03125\n\
                    conv1\tConv2d\t16\t16\t0.25\t0.125\t0\t0.5\t0.75\t\n";
    assert_eq!(window.state().actions, [LayersAction::Copy(expected.to_owned())]);
}

#[test]
fn without_statistics_the_layers_are_listed() {
    let mut window = table(testing::recording(), None, 1000.0);
    assert_eq!(rows(&window), ["conv1", "conv2", "fc"]);
    click(&mut window, "Sort: Mean");
    assert_eq!(rows(&window), ["conv1", "conv2", "fc"]);
    window.state_mut().stats = Some(stats());
    window.run();
    assert_eq!(rows(&window), ["conv1", "conv2", "fc"], "0.25, −1.5 and none");
    window.state_mut().stats.iter_mut().flatten().for_each(|stats| stats.mean = -stats.mean);
    window.run();
    assert_eq!(rows(&window), ["conv2", "conv1", "fc"], "of another epoch");
}

/// 10 000 layers of different means.
fn many() -> (Recording, Vec<LayerStats>) {
    let mut recording = testing::recording();
    let layer = recording.layers[0].clone();
    let named = |index: usize| crate::model::Layer { name: format!("layer{index}"), ..layer.clone() };
    recording.layers = (0..10_000).map(named).collect();
    let mean = |index: usize| LayerStats { mean: ((index * 7919) % 10_000) as f32, ..LayerStats::default() };
    (recording, (0..10_000).map(mean).collect())
}

#[test]
fn of_ten_thousand_layers_the_visible_ones_are_laid_out() {
    let (recording, stats) = many();
    let mut window = table(recording, Some(stats), 600.0);
    let listed = rows(&window).len();
    assert!((5..=14).contains(&listed), "{listed} rows are laid out");
    click(&mut window, "Sort: Mean");
    // 7919 and 10 000 are coprime, so that every mean occurs once; that of 9999 is found without the
    // table.
    let greatest = (0..10_000).find(|index| (index * 7919) % 10_000 == 9999).expect("one");
    assert_eq!(rows(&window)[0], format!("layer{greatest}"));
    let computed = window.state().panel.order.computed;
    for _ in 0..20 {
        window.step();
    }
    assert_eq!(window.state().panel.order.computed, computed, "nothing changed");
    // Selected in the scene: its row scrolls into view.
    window.state_mut().panel.selected = Some(4711);
    window.run();
    let row = window.get_by_label("Layer: layer4711");
    assert_eq!(row.accesskit_node().is_selected(), Some(true));
    assert!(rows(&window).len() <= 14);
    window.focus("Layers");
    window.press(Key::End);
    let least = (0..10_000).find(|index| (index * 7919) % 10_000 == 0).expect("one");
    window.get_by_label(&format!("Layer: layer{least}"));
}

#[test]
fn a_narrow_panel_keeps_the_names_and_scrolls_the_numbers() {
    let window = table(testing::recording(), Some(stats()), 400.0);
    let screen = Rect::from_min_size(egui::Pos2::ZERO, vec2(400.0, 260.0));
    for name in ["Layers: search", "Layers: Solo", "Layers: Copy", "Layers: Show all", "Sort: Layer"] {
        let rect = window.get_by_label(name).rect();
        assert!(screen.contains_rect(rect), "{name} at {rect:?}");
    }
    let first = window.get_by_label("Layer: conv1").rect();
    assert!(first.left() < 20.0 && first.width() >= 140.0, "{first:?}");
    assert!(window.query_by_label("Sort: Change").is_none(), "out of sight, not laid out");
}

#[test]
fn names_take_the_width_that_numbers_leave() {
    let mut window = table(testing::recording(), Some(stats()), 700.0);
    let name = |window: &Window| window.get_by_label("Sort: Layer").rect().width();
    // Returns the right edge of the last visible heading, which begins at least 10 points before the edge.
    let last = |window: &Window, width: f32| {
        let right = |column: &TableColumn| {
            let heading = window.query_by_label(&format!("Sort: {}", column.title()))?.rect();
            (heading.left() < width - 10.0).then_some(heading.right())
        };
        TableColumn::ALL.iter().filter_map(right).fold(0.0, f32::max)
    };
    let narrow = name(&window);
    for _ in 0..2 {
        for width in [560.0, 640.0, 1000.0] {
            window.set_size(vec2(width, 260.0));
            window.run();
            let right = last(&window, width);
            assert!((width - 40.0..=width).contains(&right), "seen whole at {width}: to {right}");
            assert!(name(&window) >= 112.0, "{}", name(&window));
        }
        assert!(window.query_by_label("Sort: Change").is_some(), "all are in sight");
        assert!(name(&window) > narrow + 50.0, "{} of {narrow}", name(&window));
        window.set_size(vec2(700.0, 260.0));
        window.run();
        assert_eq!(name(&window), narrow, "as before");
    }
}

#[test]
fn statistics_of_another_epoch_are_marked() {
    let mut window = table(testing::recording(), Some(stats()), 700.0);
    assert!(window.query_by_label_contains("statistics of epoch").is_none());
    window.state_mut().stats_epoch = Some(3);
    window.run();
    window.get_by_label("statistics of epoch 3");
}
