//! The data model: recordings (layers, epochs, inputs, classes), the interface to their values, and views
//! of them (query, camera, colours, layout). It has no access to files, GPU and user interface.
//!
//! [`Recording`] describes a recording, [`Source`] reads its values, [`Query`] with its [`Selection`]s says
//! which statistic is shown, [`Layout`] assigns a [`Slab`] of cells to every layer, and [`ViewState`] is
//! everything that decides a picture.
//!
//! ```
//! use dnnviz::model::{Query, Selection, Stat};
//!
//! let minus: Selection = "class:dog".parse()?;
//! let query = Query { select: "class:cat".parse()?, minus: Some(minus), stat: Stat::Max, ..Query::default() };
//! assert!(query.is_signed());
//! # Ok::<(), dnnviz::model::SelectionError>(())
//! ```

#![warn(missing_docs)]

pub mod arrangement;
pub mod camera;
pub mod colour;
pub mod columns;
pub mod draw_order;
pub mod epoch;
pub mod graph;
pub mod index;
pub mod layer_pattern;
pub mod layout;
pub mod lru;
pub mod module_tree;
pub mod number;
pub mod pick;
pub mod pin;
pub mod ranges;
pub mod recording;
pub mod selection;
pub mod set_view;
pub mod source;
pub mod tensor;
#[cfg(test)]
pub(crate) mod testing;
pub mod theme;
mod value_range;
pub mod view;
pub mod workspace;

pub use arrangement::{CellArrangement, CellUnit, Mosaic, UnitCells, UnitPermutation};
pub use camera::{Camera, Direction};
pub use colour::ColourMap;
pub use draw_order::{DrawOrder, Drawn};
pub use epoch::{EpochError, EpochPosition, EpochRef};
pub use graph::{DrawnEdges, JointPlace, NodePlaces, drawn_edges};
pub use index::{EpochIndex, LayerIndex, UnitId, UnitIndex};
pub use layer_pattern::{NamePattern, UnknownLayer};
pub use layout::{Floor, Grid, GroupPlace, ItemPlace, LayerCells, Layout, LayoutOptions, Slab};
pub use lru::WeightedLru;
pub use module_tree::{Fold, ModuleGroup, ModuleItem, ModuleTree};
pub use pick::{CellState, Pick, SceneValues, pick};
pub use pin::Pin;
pub use ranges::Ranges;
pub use recording::{
    Class, Edge, Epoch, Format, Input, Joint, Layer, LayerKind, Node, Normalisation, Recording, Reduction,
};
pub use selection::{ClassRef, PredictionFilter, Selection, SelectionCount, SelectionError, Term};
pub use set_view::SetView;
pub use source::{Aggregate, Group, MapBlock, Picture, RowBlock, Source, SourceError, UnitAggregates};
pub use tensor::{Dtype, Tensor};
pub use theme::Theme;
pub use value_range::ValueRange;
pub use view::{Diff, Norm, OrderBy, Query, Range, Stat, UnitOrder, ViewState};
