//! A small recording for the tests of this room.

use crate::model::recording::sequential_edges;
use crate::model::{
    Camera, Class, Epoch, EpochIndex, EpochPosition, Format, Input, Layer, LayerKind, Layout, Normalisation,
    Recording, Reduction, SetView, ValueRange, ViewState,
};
use crate::ui::{LoadProgress, OpenRuns, SceneDescription, SceneStatus};

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
    let camera = Camera::set_view(SetView::Overview, &Layout::new(recording), 1.6);
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

/// The status of a scene with all values loaded.
pub(super) fn status(has_scene: bool) -> SceneStatus<'static> {
    SceneStatus { has_scene, note: None, progress: LoadProgress { done: 1, of: 1 } }
}
