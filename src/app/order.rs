//! In which order the units of each layer stand on its slab.

use std::sync::Arc;

use anyhow::Context;

use crate::insight;
use crate::model::{EpochPosition, EpochRef, Grid, Layout, OrderBy, Query, UnitOrder, UnitPermutation};
use crate::stats::{self, Backend, Sides};

/// Per layer, the order of its units at the epoch of `order`; by activation it is by what `query` shows.
pub fn places(
    sides: Sides,
    query: &Query,
    order: UnitOrder,
    backend: &dyn Backend,
) -> anyhow::Result<Vec<Option<Arc<UnitPermutation>>>> {
    let recording = sides.a.recording();
    let epoch = EpochRef::Number(order.epoch).resolve(recording).context("the order of units")?.from;
    let grids: Vec<Grid> = Layout::new(recording).slabs.iter().map(|slab| slab.grid).collect();
    let shown = match order.by {
        OrderBy::Activation => Some(stats::table(sides, query, EpochPosition::at(epoch), backend)?.layers),
        OrderBy::Selectivity | OrderBy::Similarity => None,
    };
    let places = insight::unit_permutations(sides.a, shown.as_deref(), order.by, epoch, &grids, &|| true)?;
    let places = places.unwrap_or_default().into_iter();
    Ok(places.map(|unit_at| UnitPermutation::new(unit_at).map(Arc::new)).collect())
}
