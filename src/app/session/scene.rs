//! The scene of a session: its current values, their layout and value ranges.

use std::borrow::Cow;
use std::sync::Arc;

use super::layout::SceneLayout;
use super::values::ValueStore;
use crate::engine::{Gpu, InputPicture};
use crate::model::columns::ColourScale;
use crate::model::{
    Edge, EpochIndex, EpochPosition, Layout, Picture, Query, Recording, SceneValues, Source, UnitOrder,
    ValueRange, ViewState, drawn_edges,
};
use crate::scene::{LoadedEpoch, Scene, aspect_ratio};
use crate::stats::{Quantiles, UnmatchedLayer, colour_range};
use crate::ui::{EpochCoverage, ViewControl};

/// The scene of a session.
pub struct SceneState {
    current: Option<CurrentScene>,
    network: NetworkScene,
    /// The layout of the slabs, the selected input's picture included.
    layout: SceneLayout,
    /// Per layer, the range of the colour map.
    ranges: Vec<ValueRange>,
    /// `true` if the ranges are shared with other columns.
    is_shared: bool,
    /// The selected input, and its picture once it is loaded.
    picture: Option<(usize, Option<InputImage>)>,
}

/// The values in the scene, with the query, run and recording that they belong to.
#[derive(Clone)]
pub struct CurrentScene {
    /// The values.
    pub scene: Scene,
    /// Per layer, the divisor of its values.
    divisors: Vec<f32>,
    /// `false` if the scene has slabs without values.
    pub has_values: bool,
    /// The query of the values.
    pub query: Query,
    /// The order of the units.
    order: Option<UnitOrder>,
    /// The index of the run of the values.
    pub run: usize,
    /// The recording of the values.
    pub source: Arc<dyn Source>,
}

/// The slabs without values, for a recording without epochs.
enum NetworkScene {
    Absent,
    Requested,
    Loaded(LoadedEpoch),
}

/// An input's picture in the scene.
struct InputImage {
    aspect: f32,
    picture: Arc<InputPicture>,
}

/// Everything that is drawn of a scene.
pub struct DrawnScene<'a> {
    /// The values.
    pub scene: &'a Scene,
    /// The view, with the query of the values.
    pub view: ViewState,
    /// Per layer, the divisor of its values.
    pub divisors: &'a [f32],
    /// Per layer, the range of the colour map.
    pub ranges: &'a [ValueRange],
    /// The picture of the selected input.
    pub picture: Option<&'a Arc<InputPicture>>,
    /// The edges that are drawn.
    pub edges: Cow<'a, [Edge]>,
    /// The layout of the slabs.
    pub layout: &'a Layout,
    /// Index of the slab whose edges are highlighted.
    pub highlighted: Option<usize>,
}

impl CurrentScene {
    /// The recording of the values.
    pub fn recording(&self) -> &Recording {
        self.source.recording()
    }

    /// The layers without values because the run of side B has no such layer.
    pub fn unmatched(&self) -> &[UnmatchedLayer] {
        &self.scene.from.cells.unmatched
    }

    /// The view of the values: `view` with their query.
    pub fn view(&self, view: &ViewState) -> ViewState {
        ViewState { query: self.query.clone(), ..view.clone() }
    }
}

impl SceneState {
    /// Creates a scene without values, with this layout.
    pub fn new(layout: Layout) -> Self {
        Self {
            current: None,
            network: NetworkScene::Absent,
            layout: SceneLayout::new(layout),
            ranges: Vec::new(),
            is_shared: false,
            picture: None,
        }
    }

    /// Returns `true` if there is a scene to draw.
    pub fn is_shown(&self) -> bool {
        self.current.is_some()
    }

    /// The values in the scene; `None` before the first ones are loaded.
    pub fn current(&self) -> Option<&CurrentScene> {
        self.current.as_ref()
    }

    /// The layout of the slabs.
    pub fn layout(&self) -> &Layout {
        self.layout.goal()
    }

    /// The layout of the slabs as they are drawn, which may be on their way to [`Self::layout`].
    pub fn drawn_layout(&self) -> &Layout {
        self.layout.drawn()
    }

    /// Returns `true` while slabs move.
    pub fn is_moving(&self) -> bool {
        self.layout.is_moving()
    }

    /// Per layer, the range of the colour map.
    pub fn ranges(&self) -> &[ValueRange] {
        &self.ranges
    }

    /// Returns `true` if the ranges are shared with other columns.
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Drops the slabs without values, since the network may have changed.
    pub fn forget_network(&mut self) {
        self.network = NetworkScene::Absent;
    }

    /// Sets the slabs without values.
    pub fn set_network(&mut self, network: LoadedEpoch) {
        self.network = NetworkScene::Loaded(network);
    }

    /// Sets the picture of an input, if this is the selected one.
    pub fn set_picture(&mut self, gpu: &Gpu, input: usize, picture: Option<&Picture>) {
        if let Some((selected, image)) = &mut self.picture
            && *selected == input
        {
            *image = picture.map(|picture| InputImage {
                aspect: aspect_ratio(picture),
                picture: Arc::new(InputPicture::new(gpu, picture)),
            });
        }
    }

    /// The selected input, if there is one.
    pub fn selected_input(&self) -> Option<usize> {
        self.picture.as_ref().map(|(input, _)| *input)
    }

    /// Shows the values of another scene until its own are loaded.
    pub fn show_like(&mut self, other: &Self) {
        self.current.clone_from(&other.current);
    }

    /// Shows the values and layout of `before` until its own are loaded.
    pub fn show_until_loaded(&mut self, before: Self) {
        self.layout = SceneLayout::new(before.layout.into_goal());
        self.current = before.current;
    }

    /// Updates the scene to the values nearest to those of the view, and requests the missing ones.
    pub fn update(&mut self, values: &mut ValueStore, control: &ViewControl, now: f64) {
        let query = values.enter_query(control);
        let Some(position) = control.position() else { return self.show_network(values, control) };
        match nearest(values, control, query, position) {
            Some(scene) => self.current = Some(current(values, control, scene, true)),
            None => {
                let failed = values.failed.contains(&values.key(query, position.from, control.view.order));
                if failed && self.current.as_ref().is_none_or(|current| !current.has_values) {
                    // Shows the slabs without values rather than nothing.
                    self.show_network(values, control);
                }
            }
        }
        let selected = control.view.query.select.single_input();
        let selected = selected.filter(|input| *input < values.recording().inputs.len());
        if selected != self.selected_input() {
            self.picture = selected.map(|input| (input, None));
            if let Some(input) = selected {
                values.request_picture(input);
            }
        }
        let picture = self.image().map(|image| image.aspect);
        // Until its own values are loaded, a session can show those of another recording.
        let (recording, grids) = match &self.current {
            Some(current) => (current.recording(), current.scene.grids()),
            None => (values.recording(), Layout::grids(values.recording())),
        };
        self.layout.update(recording, grids, control, picture, now);
        values.prefetch(control);
    }

    /// Shows the slabs of a recording without epochs.
    fn show_network(&mut self, values: &ValueStore, control: &ViewControl) {
        match &self.network {
            NetworkScene::Absent => {
                self.network = NetworkScene::Requested;
                values.request_network();
            }
            NetworkScene::Requested => {}
            NetworkScene::Loaded(network) => {
                let position = control.position().unwrap_or(EpochPosition::at(EpochIndex(0)));
                let scene = Scene { from: network.clone(), to: network.clone(), position };
                self.current = Some(current(values, control, scene, false));
            }
        }
    }

    /// The picture of the selected input, if the scene shows that input.
    fn image(&self) -> Option<&InputImage> {
        let (input, image) = self.picture.as_ref()?;
        let shown = self.current.as_ref()?.query.select.single_input();
        if shown == Some(*input) { image.as_ref() } else { None }
    }

    /// The number of the epoch in the scene; a fraction between two epochs.
    pub fn shown_epoch(&self) -> Option<f64> {
        let current = self.current.as_ref().filter(|current| current.has_values)?;
        Some(current.scene.position.number(current.recording()))
    }

    /// Returns `true` if the scene shows the values that the view selects.
    pub fn is_settled(&self, values: &ValueStore, control: &ViewControl) -> bool {
        self.current.as_ref().is_some_and(|current| {
            current.has_values
                && current.query == control.view.query
                && current.order == control.view.order
                && Arc::ptr_eq(&current.source, &values.source())
                && control.position() == Some(current.scene.position)
        })
    }

    /// Returns everything that is drawn; `None` before the first values are loaded.
    pub fn drawn(&self, control: &ViewControl) -> Option<DrawnScene<'_>> {
        let current = self.current.as_ref()?;
        let view = current.view(&control.view);
        let highlighted = control.highlighted_slab();
        let edges = drawn_edges(current.recording(), &view, highlighted).edges;
        Some(DrawnScene {
            scene: &current.scene,
            divisors: &current.divisors,
            ranges: &self.ranges,
            picture: self.image().map(|image| &image.picture).filter(|_| view.camera.is_clear_of_picture()),
            highlighted: if edges.is_empty() { None } else { highlighted },
            edges,
            layout: self.drawn_layout(),
            view,
        })
    }

    /// Returns the values in the scene, for picking and for the overlay.
    pub fn values(&self, view: &ViewState) -> Option<SceneValues<'_>> {
        let current = self.current.as_ref().filter(|current| current.has_values)?;
        Some(current.scene.values(&current.view(view), &self.ranges, &current.divisors))
    }

    /// Returns the data from which value ranges common to several columns are computed.
    pub fn colour_scale(&self, values: &ValueStore, view: &ViewState) -> Option<ColourScale<'_>> {
        let current = self.current.as_ref()?;
        let recording = current.recording();
        let view = current.view(view);
        let extremes = if view.over_epochs {
            let scene = &current.scene;
            let shown = [&scene.from, &scene.to].map(|epoch| &*epoch.quantiles);
            let epochs: Vec<&[Option<Quantiles>]> =
                values.quantiles_of(&current.query).map(|layers| &**layers).collect();
            // Once all epochs that decide the ranges are loaded, the ranges stay as they are.
            let shown = shown.into_iter().filter(|_| epochs.len() < values.range_epochs.len());
            colour_range::extremes_over(&view, recording.normalisation, epochs.iter().copied().chain(shown))
        } else {
            current.scene.extremes(&view, recording.normalisation)
        };
        let range = view.range_of(recording.normalisation);
        Some(ColourScale { recording, query: &current.query, range, extremes })
    }

    /// Returns the epochs that the ranges cover; `None` unless they are to cover all.
    pub fn range_epochs(&self, values: &ValueStore, control: &ViewControl) -> Option<EpochCoverage> {
        let current =
            self.current.as_ref().filter(|current| current.has_values && control.view.over_epochs)?;
        let of = control.epochs().readable().len();
        Some(EpochCoverage { read: values.quantiles_of(&current.query).count().clamp(1, of.max(1)), of })
    }

    /// Sets the ranges of the colour map from the least and greatest value of each layer, which are shared
    /// with other columns if `is_shared`.
    pub fn set_extremes(&mut self, view: &ViewState, extremes: &[Option<ValueRange>], is_shared: bool) {
        self.is_shared = is_shared;
        if let Some(current) = self.current.as_ref().filter(|current| current.has_values) {
            let normalisation = current.recording().normalisation;
            self.ranges = colour_range::colour_ranges(&current.view(view), normalisation, extremes);
        } else {
            self.ranges.clear();
        }
    }
}

/// Returns `scene` with the query and order of the view, and the run of `values`.
fn current(values: &ValueStore, control: &ViewControl, scene: Scene, has_values: bool) -> CurrentScene {
    CurrentScene {
        divisors: scene.divisors(&control.view),
        scene,
        has_values,
        query: control.view.query.clone(),
        order: control.view.order,
        run: values.run(),
        source: values.source(),
    }
}

/// Returns the cached values nearest to `position`.
fn nearest(
    values: &mut ValueStore,
    control: &ViewControl,
    query: usize,
    position: EpochPosition,
) -> Option<Scene> {
    let order = control.view.order;
    let mut get = |epoch: EpochIndex| values.cache.get(values.key(query, epoch, order)).cloned();
    let scene = |from: LoadedEpoch, to: LoadedEpoch, position| Some(Scene { from, to, position });
    match (get(position.from), get(position.to)) {
        (Some(from), Some(to)) if from.field.layout() == to.field.layout() => scene(from, to, position),
        (Some(from), _) => scene(from.clone(), from, EpochPosition::at(position.from)),
        (None, Some(to)) => scene(to.clone(), to, EpochPosition::at(position.to)),
        (None, None) => {
            let readable = control.epochs().readable().iter().copied();
            let cached = readable.filter(|epoch| values.cache.contains(values.key(query, *epoch, order)));
            let epoch = cached.min_by_key(|epoch| epoch.0.abs_diff(position.from.0))?;
            let loaded = values.cache.get(values.key(query, epoch, order)).cloned()?;
            scene(loaded.clone(), loaded, EpochPosition::at(epoch))
        }
    }
}
