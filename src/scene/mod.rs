//! From a query to a drawable frame, for the window, stills, columns and benchmarks alike.
//!
//! 1. [`LoadedEpoch::load`] reads and reduces what a query selects at one epoch ([`stats::cells`]), places the
//!    units in their order, and uploads the values ([`Field`](crate::engine::Field)).
//! 2. [`Scene`] interpolates between two loaded epochs, and derives layout, value ranges and divisors.
//! 3. [`Scene::frame`] gives the [`Frame`] for the [`Renderer`](crate::engine::Renderer), [`Scene::values`] the
//!    values on the CPU for the overlay.
//!
//! Knows the model, statistics, insight and the engine; no files, no panels.
//!
//! [`stats::cells`]: crate::stats::cells()

#![warn(missing_docs)]

mod error;
mod loaded_epoch;
mod order;

use crate::engine::{DrawnNetwork, Frame, InputPicture};
use crate::model::{
    EpochPosition, Grid, Layout, LayoutOptions, Normalisation, Picture, Recording, SceneValues, ValueRange,
    ViewState,
};
use crate::stats::{Backend, Sides, colour_range};

pub use error::SceneError;
pub use loaded_epoch::LoadedEpoch;
pub use order::unit_permutations;

/// The values of one query between two epochs. Cloning shares them.
#[derive(Clone)]
pub struct Scene {
    /// The values at the earlier epoch.
    pub from: LoadedEpoch,
    /// The values at the later epoch; the same as `from` exactly at an epoch.
    pub to: LoadedEpoch,
    /// The position between the two.
    pub position: EpochPosition,
}

/// The inputs of a frame besides the values of a [`Scene`].
#[derive(Clone, Copy)]
pub struct FrameOptions<'a> {
    /// The view, with the query of the scene.
    pub view: &'a ViewState,
    /// Per layer, the range of the colour map, in normalised values.
    pub ranges: &'a [ValueRange],
    /// Per layer, the divisor of its values: [`Scene::divisors`].
    pub divisors: &'a [f32],
    /// The picture of the selected input.
    pub picture: Option<&'a InputPicture>,
    /// Edges, layout and highlighted slabs.
    pub network: DrawnNetwork<'a>,
    /// Width and height in pixels.
    pub size: [u32; 2],
}

impl Scene {
    /// Loads the scene of a view at `position`: the values of the one or two epochs there.
    ///
    /// # Errors
    /// When values cannot be read, reduced or uploaded.
    pub fn load(
        gpu: &crate::engine::Gpu,
        backend: &dyn Backend,
        sides: Sides,
        view: &ViewState,
        position: EpochPosition,
    ) -> Result<Self, SceneError> {
        let permutations = match view.order {
            Some(order) => unit_permutations(sides, &view.query, order, backend)?,
            None => Vec::new(),
        };
        let load = |epoch| LoadedEpoch::load(gpu, backend, sides, &view.query, epoch, &permutations);
        let from = load(position.from)?;
        let to = if position.t > 0.0 { load(position.to)? } else { from.clone() };
        Ok(Self { from, to, position })
    }

    /// Returns the divisor of each layer's values.
    pub fn divisors(&self, view: &ViewState) -> Vec<f32> {
        colour_range::divisors(view, &self.from.quantiles, &self.to.quantiles, self.position.t)
    }

    /// Returns the least and greatest normalised value of each layer; `None` without a value.
    pub fn extremes(&self, view: &ViewState, normalisation: Normalisation) -> Vec<Option<ValueRange>> {
        let (from, to) = (&self.from.quantiles, &self.to.quantiles);
        colour_range::extremes(view, normalisation, from, to, self.position.t)
    }

    /// Returns `true` if a cell has no value.
    pub fn has_no_value(&self) -> bool {
        self.from.field.has_no_value() || self.to.field.has_no_value()
    }

    /// Returns the layout of the slabs, without the hidden layers, and with room for an input's picture of
    /// aspect ratio `picture`. Rows are chosen for a picture of aspect ratio `aspect` (width by height), unless the
    /// camera refers to other ones.
    pub fn layout(
        &self,
        recording: &Recording,
        view: &ViewState,
        picture: Option<f32>,
        aspect: f32,
    ) -> Layout {
        let aspect = view.camera.rows_aspect(aspect);
        let options = LayoutOptions { fold: &view.fold, hidden: &view.hidden, aspect };
        Layout { picture, ..Layout::arranged(recording, &self.grids(), options) }
    }

    /// Returns the grid of each layer and the number of its used cells.
    pub fn grids(&self) -> Vec<(Grid, usize)> {
        self.from.field.layout().slabs.iter().map(|slab| (slab.grid, slab.units)).collect()
    }

    /// Returns the frame for the renderer.
    pub fn frame<'a>(&'a self, options: FrameOptions<'a>) -> Frame<'a> {
        let FrameOptions { view, ranges, divisors, picture, network, size } = options;
        Frame {
            view,
            from: &self.from.field,
            to: &self.to.field,
            t: self.position.t,
            ranges,
            divisors,
            picture: picture.filter(|_| view.camera.is_clear_of_picture()),
            network,
            size,
            every_cell: false,
        }
    }

    /// Returns the values on the CPU, for the overlay and for picking.
    pub fn values<'a>(
        &'a self,
        view: &ViewState,
        ranges: &'a [ValueRange],
        divisors: &'a [f32],
    ) -> SceneValues<'a> {
        SceneValues {
            from: &self.from.cells.layers,
            to: &self.to.cells.layers,
            t: self.position.t,
            arrangements: &self.from.cells.arrangements,
            id: self.from.field.id(),
            ranges,
            divisors,
            diverging: view.is_diverging(),
            height: view.height,
        }
    }
}

/// Returns width over height of an input's picture.
pub fn aspect_ratio(picture: &Picture) -> f32 {
    picture.width.max(1) as f32 / picture.height.max(1) as f32
}
