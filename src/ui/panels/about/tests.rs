//! The panel's texts and the copied text.

use egui_kittest::kittest::{NodeT, Queryable};

use super::*;
use crate::model::Theme;
use crate::ui::testing::{self, TestWindow};

struct State {
    recording: Recording,
    layer: Option<usize>,
    action: Option<AboutAction>,
}

fn window(recording: Recording, layer: Option<usize>) -> TestWindow<State> {
    let show = |ui: &mut Ui, state: &mut State| {
        let about = AboutPanel {
            recording: &state.recording,
            layer: state.layer,
            run: "/data/run 7",
            palette: Palette::of(Theme::Dark),
        };
        state.action = about.show(ui).or(state.action.take());
    };
    TestWindow::open(vec2(280.0, 900.0), State { recording, layer, action: None }, show)
}

/// Returns the number of labels with this text.
fn label_count(window: &TestWindow<State>, text: &str) -> usize {
    let labels = window.query_all_by_value(text);
    labels.filter(|node| node.accesskit_node().role() == egui::accesskit::Role::Label).count()
}

fn convolution() -> Recording {
    let mut recording = testing::recording();
    let layer = &mut recording.layers[0];
    layer.text = "Conv2d(\n  3, 16,\n  kernel_size=3\n)".to_owned();
    layer.shape = vec![16, 24, 24];
    layer.parameters = Some(12_448);
    layer.dtype = "float32".to_owned();
    layer.reduction = Reduction::SpatialMean;
    recording.epochs[1].not_finite.insert("conv1".to_owned(), 12);
    recording.epochs[3].not_finite.insert("conv1".to_owned(), 1);
    recording.epochs[2].damaged = true;
    recording.warnings = (0..20).map(|number| format!("file {number} is cut short")).collect();
    recording
}

#[test]
fn all_known_facts_of_a_layer_are_shown() {
    let mut window = window(convolution(), Some(0));
    for label in [
        "conv1",
        "Conv2d",
        "feature maps: a unit is a channel",
        "16 × 24 × 24",
        "12\u{202f}448",
        "float32",
        "the mean over the positions of its feature map",
        "12 at epoch 1, 1 at epoch 3",
    ] {
        assert_eq!(label_count(&window, label), 1, "{label}");
    }
    let text = window.get_by_label("Module text");
    assert_eq!(text.accesskit_node().value().as_deref(), Some("Conv2d(\n  3, 16,\n  kernel_size=3\n)"));
    window.click("Copy the layer's facts");
    let Some(AboutAction::Copy(copied)) = &window.state().action else { panic!("nothing copied") };
    assert!(copied.starts_with("name: conv1\nmodule: Conv2d\n"), "{copied}");
    assert!(copied.contains("\noutput shape: 16 × 24 × 24\n") && copied.ends_with("kernel_size=3\n)"));
}

#[test]
fn unknown_facts_are_marked() {
    let window = window(testing::recording(), Some(1));
    assert_eq!(label_count(&window, "not recorded"), 2, "parameters and type");
    assert_eq!(
        (label_count(&window, "none"), label_count(&window, "the activation of the unit itself")),
        (1, 1)
    );
}

#[test]
fn without_a_layer_the_recording_alone_is_shown() {
    let window = window(convolution(), None);
    assert!(window.query_by_label("Module text").is_none());
    for label in [
        "TestNet",
        "/data/run 7",
        "dnnviz recording, version 1",
        "3 layers, 83 units",
        "5, from 0 to 4; 1 damaged; no predictions",
        "3: cat, dog, bird",
        "file 3 is cut short",
        "and 8 more",
    ] {
        assert_eq!(label_count(&window, label), 1, "{label}");
    }
    assert_eq!(label_count(&window, "file 12 is cut short"), 0);
}

#[test]
fn a_text_of_many_lines_scrolls_by_itself() {
    let mut recording = convolution();
    recording.layers[0].text = "a line of the module\n".repeat(500);
    let window = window(recording, Some(0));
    let copy = window.get_by_label("Copy the layer's facts").rect();
    assert!(copy.bottom() < 600.0, "{copy}");
    assert_eq!(label_count(&window, "TestNet"), 1);
}
