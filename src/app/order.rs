//! In which order the units of each layer stand on its plate.

use std::sync::Arc;

use anyhow::{Context, bail};

use crate::model::{EpochPosition, EpochRef, OrderBy, Places, Query, UnitOrder};
use crate::stats::{self, Backend, Sides};

/// Per layer, the order of its units at the epoch of `order`.
pub fn places(
    sides: Sides,
    query: &Query,
    order: UnitOrder,
    backend: &dyn Backend,
) -> anyhow::Result<Vec<Option<Arc<Places>>>> {
    let position =
        EpochRef::Number(order.epoch).resolve(sides.a.recording()).context("the order of units")?;
    let places = match order.by {
        OrderBy::Activation => by_activation(sides, query, position, backend)?,
        OrderBy::Selectivity | OrderBy::Similarity => bail!("this order of units is not known yet"),
    };
    Ok(places.into_iter().map(|unit_at| Places::new(unit_at).map(Arc::new)).collect())
}

/// Per layer, the units by what the query shows of them, the greatest first, those without a value last.
fn by_activation(
    sides: Sides,
    query: &Query,
    position: EpochPosition,
    backend: &dyn Backend,
) -> anyhow::Result<Vec<Vec<u32>>> {
    let table = stats::table(sides, query, position, backend)?;
    let sorted = table.layers.iter().map(|values| {
        let mut units: Vec<u32> = (0..values.len() as u32).collect();
        let value = |unit: u32| {
            let value = values[unit as usize];
            if value.is_nan() { f32::NEG_INFINITY } else { value }
        };
        units.sort_by(|&a, &b| value(b).total_cmp(&value(a)));
        units
    });
    Ok(sorted.collect())
}
