//! Recordings and a test window for the tests of `ui`.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use egui::{Event, Key, Modifiers, PointerButton, Pos2, Ui, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};

use super::style::{install_fonts, install_style};
use crate::model::recording::sequential_edges;
use crate::model::{
    Camera, CellArrangement, Class, Epoch, EpochIndex, EpochPosition, Format, Input, Layer, LayerCells,
    LayerKind, Layout, Normalisation, Recording, Reduction, SceneValues, SetView, Theme, ValueRange,
    ViewState,
};
use crate::ui::{LoadProgress, OpenRuns, SceneDescription, SceneStatus};

/// A window without a display that shows one panel, or several, over a state of type `S`. Tests drive it
/// by accessible names, keys and pointer. Methods run frames until nothing moves any more.
pub struct TestWindow<S: 'static>(Harness<'static, S>);

impl<S> TestWindow<S> {
    /// Opens a window of `size` points whose content is `show`.
    pub fn open(size: Vec2, state: S, show: impl FnMut(&mut Ui, &mut S) + 'static) -> Self {
        // egui_kittest's default.
        Self::with_time_step(size, 0.25, state, show)
    }

    /// The same with `step` seconds between two frames.
    pub fn with_time_step(
        size: Vec2,
        step: f32,
        state: S,
        show: impl FnMut(&mut Ui, &mut S) + 'static,
    ) -> Self {
        let harness = Harness::builder()
            .with_size(size)
            .with_max_steps(2000)
            .with_step_dt(step)
            .with_context_setup(|ctx| {
                install_fonts(ctx);
                install_style(ctx, Theme::Dark);
            })
            .build_ui_state(show, state);
        let mut window = Self(harness);
        window.run();
        window
    }

    /// Clicks the control with this name.
    pub fn click(&mut self, name: &str) {
        self.get_by_label(name).click();
        self.run();
    }

    /// Clicks the control with this name while `modifiers` are pressed.
    pub fn click_with(&mut self, modifiers: Modifiers, name: &str) {
        self.get_by_label(name).click_modifiers(modifiers);
        self.run();
    }

    /// Presses and releases a key.
    pub fn press(&mut self, key: Key) {
        self.key_press(key);
        self.run();
    }

    /// Presses and releases a key while `modifiers` are pressed.
    pub fn press_with(&mut self, modifiers: Modifiers, key: Key) {
        self.key_press_modifiers(modifiers, key);
        self.run();
    }

    /// Gives the keyboard focus to the control with this name.
    pub fn focus(&mut self, name: &str) {
        self.get_by_label(name).focus();
        self.run();
    }

    /// Types a text into the focused control.
    pub fn type_text(&mut self, text: &str) {
        self.event(Event::Text(text.to_owned()));
        self.run();
    }

    /// Replaces the text of the control with this name.
    pub fn replace_text(&mut self, name: &str, text: &str) {
        self.focus(name);
        self.press_with(Modifiers::COMMAND, Key::A);
        self.type_text(text);
    }

    /// Presses the pointer at the first point of `path`, moves it to the others, and releases it at the
    /// last. Calls `after` after the press and after each move.
    pub fn drag(&mut self, modifiers: Modifiers, path: &[Pos2], mut after: impl FnMut(&Self)) {
        let (Some((&first, others)), Some(&last)) = (path.split_first(), path.last()) else { return };
        self.hover_at(first);
        self.step();
        self.primary_button(first, true, modifiers);
        after(self);
        for &pos in others {
            self.event_with(Event::PointerMoved(pos), modifiers);
            self.step();
            self.step();
            after(self);
        }
        self.primary_button(last, false, modifiers);
        self.run();
    }

    /// Clicks at a point.
    pub fn click_at(&mut self, pos: Pos2) {
        self.drag(Modifiers::NONE, &[pos], |_| ());
    }

    /// Returns `true` if the control with this name is disabled.
    pub fn is_disabled(&self, name: &str) -> bool {
        self.get_by_label(name).accesskit_node().is_disabled()
    }

    fn primary_button(&mut self, pos: Pos2, pressed: bool, modifiers: Modifiers) {
        let button = PointerButton::Primary;
        self.event_with(Event::PointerButton { pos, button, pressed, modifiers }, modifiers);
        self.step();
    }

    /// Without modifiers, an event takes one frame; with them, it takes three.
    fn event_with(&self, event: Event, modifiers: Modifiers) {
        if modifiers.any() { self.event_modifiers(event, modifiers) } else { self.event(event) }
    }
}

impl<S> Deref for TestWindow<S> {
    type Target = Harness<'static, S>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<S> DerefMut for TestWindow<S> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// Three layers (16, 64 and 3 units), classes cat, dog and bird, six inputs, epochs 0…4.
pub fn recording() -> Recording {
    let layer = |name: &str, module: &str, kind, units| Layer {
        name: name.to_owned(),
        module: module.to_owned(),
        text: format!("{module}()"),
        kind,
        shape: vec![units],
        units,
        parameters: None,
        dtype: String::new(),
        reduction: Reduction::None,
    };
    let class = |id, name: &str| Class { id, name: name.to_owned(), inputs: 2, aggregated: 0 };
    Recording {
        format: Format::Native,
        model: "TestNet".to_owned(),
        layers: vec![
            layer("conv1", "Conv2d", LayerKind::FeatureMap, 16),
            layer("conv2", "Conv2d", LayerKind::FeatureMap, 64),
            layer("fc", "Linear", LayerKind::Dense, 3),
        ],
        edges: sequential_edges(3),
        joints: Vec::new(),
        modules: BTreeMap::new(),
        classes: vec![class(0, "cat"), class(1, "dog"), class(2, "bird")],
        inputs: (0..6)
            .map(|index| Input { id: format!("image-{index}"), class: Some(index % 3), has_picture: false })
            .collect(),
        epochs: (0..5)
            .map(|number| Epoch { number, accuracy: Some(20.0 + 15.0 * number as f64), ..Epoch::default() })
            .collect(),
        normalisation: Normalisation::None,
        warnings: Vec::new(),
    }
}

/// The overview at the last epoch.
pub fn view(recording: &Recording) -> ViewState {
    let camera = Camera::set_view(SetView::Overview, &Layout::new(recording, 1.6), 1.6);
    ViewState::new(camera, recording.epochs.last().map_or(0.0, |epoch| epoch.number as f64))
}

/// A description of `view`, without values.
pub(super) fn description<'a>(
    recording: &'a Recording,
    view: &'a ViewState,
    layout: &'a Layout,
) -> SceneDescription<'a> {
    SceneDescription {
        recording,
        runs: OpenRuns::default(),
        view,
        layout,
        ranges: &[ValueRange::UNIT; 3],
        has_no_value: false,
        position: EpochPosition::at(EpochIndex(4)),
        highlighted: None,
        unmatched: &[],
        shared: false,
        range_epochs: None,
        values: None,
        camera_target: None,
    }
}

/// The values of a recording's cells.
pub(super) struct TestValues {
    /// Per layer, the values of its cells.
    pub layers: Vec<LayerCells>,
    /// Per layer, the units that its cells show.
    pub arrangements: Vec<CellArrangement>,
    /// Per layer, the range of the colour map.
    pub ranges: Vec<ValueRange>,
}

impl TestValues {
    /// The value of each unit is its index and 100 for each layer before its own; those of the last layer are
    /// `outputs`, in a range from −4 to 4.
    pub(super) fn new(recording: &Recording, layout: &Layout, outputs: &[f32]) -> Self {
        let mut layers: Vec<LayerCells> = Vec::new();
        for (index, slab) in layout.slabs.iter().enumerate() {
            let values = (0..slab.units).map(|unit| (100 * index + unit) as f32).collect();
            layers.push(LayerCells { grid: slab.grid, units: slab.units, values });
        }
        let mut ranges = vec![ValueRange::new(0.0, 200.0); layers.len()];
        if let (Some(last), Some(range)) = (layers.last_mut(), ranges.last_mut()) {
            last.values = outputs.to_vec();
            *range = ValueRange::symmetric(4.0);
        }
        let arranged = |layer: &Layer| CellArrangement::as_trained(layer.units);
        Self { layers, arrangements: recording.layers.iter().map(arranged).collect(), ranges }
    }

    /// The values as a scene of `view` shows them.
    pub(super) fn of_scene(&self, view: &ViewState) -> SceneValues<'_> {
        SceneValues {
            from: &self.layers,
            to: &self.layers,
            t: 0.0,
            arrangements: &self.arrangements,
            id: 1,
            ranges: &self.ranges,
            divisors: &[1.0; 3],
            diverging: view.is_diverging(),
            height: view.height,
        }
    }

    /// A description of `view` with these values.
    pub(super) fn description<'a>(
        &'a self,
        recording: &'a Recording,
        view: &'a ViewState,
        layout: &'a Layout,
    ) -> SceneDescription<'a> {
        SceneDescription {
            ranges: &self.ranges,
            values: Some(self.of_scene(view)),
            ..description(recording, view, layout)
        }
    }
}

/// The status of a scene with all values loaded.
pub(super) fn status(has_scene: bool) -> SceneStatus<'static> {
    SceneStatus { has_scene, note: None, progress: LoadProgress { done: 1, of: 1 } }
}

/// Two recordings, the second with other classes.
pub fn two_recordings() -> [Recording; 2] {
    let mut other = recording();
    other.classes[1].name = "wolf".to_owned();
    [recording(), other]
}
