//! The strip, driven by pointer, keys and accessible names, and its bars.

use egui::{Key, Modifiers, Pos2, pos2};
use egui_kittest::kittest::{NodeT, Queryable};

use super::*;
use crate::model::{Camera, Grid, SetView, Theme};
use crate::ui::style::colour_of;
use crate::ui::testing::{self, TestWindow};

struct State {
    recording: Recording,
    layout: Layout,
    view: ViewState,
    means: Option<Vec<f32>>,
    framed: Option<usize>,
    /// Every requested layer.
    requested: Vec<usize>,
}

type Window = TestWindow<State>;

/// A network of layers with these numbers of units.
fn network(units: &[usize]) -> Recording {
    let mut recording = testing::recording();
    let layer = recording.layers[1].clone();
    recording.layers = units
        .iter()
        .enumerate()
        .map(|(index, &units)| crate::model::Layer { name: format!("layer{index}"), units, ..layer.clone() })
        .collect();
    recording.edges = crate::model::recording::sequential_edges(units.len());
    recording
}

fn window(recording: Recording) -> Window {
    let state = State {
        layout: Layout::new(&recording, 1.6),
        view: testing::view(&recording),
        recording,
        means: None,
        framed: None,
        requested: Vec::new(),
    };
    let show = |ui: &mut Ui, state: &mut State| {
        let map = minimap(state);
        if let Some(layer) = map.show(ui) {
            state.framed = Some(layer);
            state.requested.push(layer);
        }
    };
    TestWindow::open(egui::vec2(640.0, 60.0), state, show)
}

fn minimap(state: &State) -> Minimap<'_> {
    Minimap {
        recording: &state.recording,
        layout: &state.layout,
        view: &state.view,
        aspect: 1.6,
        means: state.means.as_deref(),
        framed: state.framed,
        hovered: None,
        palette: Palette::of(Theme::Dark),
    }
}

/// A strip of 300 points.
fn strip() -> Rect {
    Rect::from_min_size(Pos2::ZERO, vec2(300.0, HEIGHT))
}

fn name(window: &Window) -> String {
    window.get_by_label("Minimap").accesskit_node().value().unwrap_or_default()
}

#[test]
fn keys_and_screen_readers_go_from_layer_to_layer() {
    let mut window = window(network(&[16, 64, 256, 64, 10]));
    assert_eq!(name(&window), "no single layer");
    assert_eq!(window.get_by_label("Minimap").accesskit_node().role(), Role::Slider);
    window.focus("Minimap");
    let mut press = |key, layer: &str| {
        window.press(key);
        assert_eq!(name(&window), layer, "{key:?}");
    };
    press(Key::ArrowRight, "layer0");
    press(Key::ArrowRight, "layer1");
    press(Key::End, "layer4");
    press(Key::ArrowRight, "layer4");
    press(Key::ArrowLeft, "layer3");
    press(Key::Home, "layer0");
    assert_eq!(window.state().requested, [0, 1, 4, 3, 0], "what is framed is not requested again");
    window.get_by_label("Minimap").set_value_accesskit(3.0);
    window.run();
    assert_eq!((name(&window).as_str(), window.state().framed), ("layer2", Some(2)), "counted from 1");
}

#[test]
fn a_click_or_drag_frames_the_layer_under_the_pointer() {
    let mut window = window(network(&[64; 5]));
    let rect = window.get_by_label("Minimap").rect();
    let at = |share: f32| pos2(rect.left() + MARGIN + share * (rect.width() - 2.0 * MARGIN), rect.center().y);
    let path = [0.49, 0.55, 0.7, 0.99].map(at);
    window.drag(Modifiers::NONE, &path, |_| ());
    assert_eq!(window.state().requested.last(), Some(&4));
    assert!(window.state().requested.contains(&3), "on the way: {:?}", window.state().requested);
    window.click_at(at(0.02));
    assert_eq!(window.state().framed, Some(0), "a click");
}

#[test]
fn bars_show_position_size_value_and_visibility_of_layers() {
    let mut window = window(network(&[1, 16, 256, 16]));
    window.state_mut().view.hidden.insert("layer1".to_owned());
    window.state_mut().means = Some(vec![0.5, f32::NAN, -2.0, 1.0]);
    let state = window.state();
    let map = minimap(state);
    let places = map.places(strip());
    let depth = |layer: usize| -state.layout.slabs[layer].centre.z;
    for (layer, place) in places.iter().enumerate() {
        let share = depth(layer) / depth(3);
        assert!((place - 300.0 * share).abs() < 0.01, "{layer}: {place}");
    }
    let bars = map.bars(strip(), &places);
    let heights: Vec<f32> = bars.iter().map(|bar| bar.height).collect();
    assert_eq!(heights, [0.25, 0.5, 1.0, 0.5], "the fourth root");
    assert_eq!(bars.iter().map(|bar| bar.hidden).collect::<Vec<_>>(), [false, true, false, false]);
    let colours = map.colours(&bars);
    let table = state.view.colours().table(state.view.theme);
    assert_eq!((colours[2], colours[3]), (colour_of(table[0]), colour_of(table[255])));
    assert!(!table.map(colour_of).contains(&colours[1]), "no value is none of the map's colours");
    // A hidden layer without a slab lies between its neighbours.
    window.state_mut().layout.slabs.remove(1);
    let places = minimap(window.state()).places(strip());
    assert!((places[1] - places[2] / 2.0).abs() < 0.01, "{places:?}");
}

#[test]
fn layers_that_share_a_slot_show_their_greatest() {
    let mut units = vec![1; 10_000];
    units[5000] = 4096;
    let mut window = window(network(&units));
    let mut means = vec![0.1; 10_000];
    means[2500] = -3.0;
    window.state_mut().means = Some(means);
    // Every layer has edges to many others as well.
    window.state_mut().recording.edges =
        (0..9_000).map(|from| Edge::between_layers(from, from + 1 + from % 900)).collect();
    let state = window.state();
    let map = minimap(state);
    let places = map.places(strip());
    let bars = map.bars(strip(), &places);
    assert!(bars.len() <= 101, "{}", bars.len());
    assert_eq!(bars.iter().filter(|bar| bar.height == 1.0).count(), 1, "the one large layer is there");
    assert!(bars.iter().any(|bar| bar.mean == Some(-3.0)), "and the one strong mean");
    assert!(bars.windows(2).all(|pair| pair[0].x + pair[0].half <= pair[1].x - pair[1].half));
    assert_eq!(map.mesh(&bars, 40.0, 20.0).vertices.len(), 4 * bars.len());
}

#[test]
fn layers_in_view_of_the_camera_are_marked() {
    let recording = network(&[64; 12]);
    let layout = Layout::new(&recording, 1.6);
    let mut window = window(recording);
    let seen = |window: &Window| {
        let map = minimap(window.state());
        let places = map.places(strip());
        let stretches = map.visible_stretches(&places);
        let within = |place: &f32| stretches.iter().any(|(from, to)| from <= place && place <= to);
        places.iter().map(within).collect::<Vec<_>>()
    };
    assert_eq!(seen(&window), [true; 12], "the overview");
    window.state_mut().view.camera = Camera::of_slab(&layout.slabs[6], 1.6);
    let marks = seen(&window);
    assert!(marks[6] && !marks[0], "what is elsewhere is not marked: {marks:?}");
    let mut behind = Camera::set_view(SetView::Front, &layout, 1.6);
    behind.yaw += std::f32::consts::PI;
    window.state_mut().view.camera = behind;
    assert!(!seen(&window).contains(&true), "turned away");
}

#[test]
fn an_empty_network_and_one_of_a_single_layer_are_shown() {
    let mut none = window(network(&[]));
    none.get_by_label("Minimap").focus();
    none.press(Key::ArrowRight);
    assert!(none.state().requested.is_empty());
    let mut single = window(network(&[5]));
    single.click("Minimap");
    assert_eq!(single.state().requested, [0]);
    let grid = Layout::of_grids([(Grid::column(5), 5)]);
    single.state_mut().layout = grid;
    single.run();
}
