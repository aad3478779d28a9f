//! What a recording is, and what a view of it is. Knows no files, no GPU and no panels.

pub mod arrangement;
pub mod camera;
pub mod colour;
pub mod columns;
mod describe;
pub mod epoch;
pub mod layout;
pub mod lru;
pub mod parts;
pub mod pick;
pub mod ranges;
pub mod recording;
pub mod selection;
pub mod source;
pub mod tensor;
#[cfg(test)]
pub(crate) mod testing;
mod value_range;
pub mod view;
pub mod workspace;

pub use arrangement::{CellArrangement, CellUnit, Mosaic, UnitCells, UnitPermutation};
pub use camera::{Camera, SetView};
pub use colour::ColourMap;
pub use epoch::{EpochError, EpochPosition, EpochRef};
pub use layout::{Grid, LayerCells, Layout, Slab};
pub use lru::WeightedLru;
pub use parts::{Counted, Predicted};
pub use pick::{CellState, Pick, SceneValues, pick};
pub use ranges::Ranges;
pub use recording::{
    Class, Edge, Epoch, Format, Input, Layer, LayerKind, Normalisation, Recording, Reduction,
};
pub use selection::{Selection, SelectionError, Term};
pub use source::{Aggregate, Group, MapBlock, Picture, RowBlock, Source, SourceError, UnitAggregates};
pub use tensor::{Dtype, Tensor};
pub use value_range::ValueRange;
pub use view::{Diff, Norm, OrderBy, Pin, Query, Range, Stat, Theme, UnitOrder, ViewState};
