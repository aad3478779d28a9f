//! The order in which the units of each layer are placed on its slab.

use std::sync::Arc;

use super::error::SceneError;
use crate::insight;
use crate::model::{EpochPosition, EpochRef, Grid, Layout, OrderBy, Query, UnitOrder, UnitPermutation};
use crate::stats::{self, Backend, Sides};

/// Returns for each layer the permutation of its units at the epoch of `order`, `None` as trained. By
/// activation, the units are sorted by the values of `query`.
///
/// # Errors
/// When the epoch is not recorded, or values cannot be read.
pub fn unit_permutations(
    sides: Sides,
    query: &Query,
    order: UnitOrder,
    backend: &dyn Backend,
) -> Result<Vec<Option<Arc<UnitPermutation>>>, SceneError> {
    let recording = sides.a.recording();
    let epoch = EpochRef::Number(order.epoch).resolve(recording).map_err(SceneError::Order)?.from;
    let grids: Vec<Grid> = Layout::grids(recording).into_iter().map(|(grid, _)| grid).collect();
    let values = match order.by {
        OrderBy::Activation => Some(stats::table(sides, query, EpochPosition::at(epoch), backend)?.layers),
        OrderBy::Selectivity | OrderBy::Similarity => None,
    };
    let permutations =
        insight::unit_permutations(sides.a, values.as_deref(), order.by, epoch, &grids, &|| true)?;
    let permutations = permutations.unwrap_or_default().into_iter();
    Ok(permutations.map(|unit_at| UnitPermutation::new(unit_at).map(Arc::new)).collect())
}
