//! The comparison of two sides layer by layer.

use std::collections::HashMap;

use crate::model::{Diff, LayerIndex, Query, Recording};
use crate::stats::StatsError;
use crate::stats::backend::{Backend, LayerRows, Reduced, TensorRows, difference, effect, rounded};
use crate::stats::side::{QuerySide, SideData};

/// A layer of A that B has no layer of the same name and size for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnmatchedLayer {
    /// The layer in A.
    pub layer: LayerIndex,
    /// Number of units of the layer of that name in B; `None` if B has no such layer.
    pub units: Option<usize>,
}

/// Indices of a layer of A and of the layer of B that it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LayerPair {
    pub(super) in_a: usize,
    pub(super) in_b: usize,
}

/// Compares the layers of `pairs`; returns the unit values of each pair.
pub(super) fn compare(
    a: QuerySide,
    b: QuerySide,
    pairs: &[LayerPair],
    query: &Query,
    backend: &dyn Backend,
) -> Result<Reduced, StatsError> {
    if let (SideData::Rows(a), SideData::Rows(b)) = (&a.data, &b.data) {
        let rows = |&LayerPair { in_a, in_b }: &LayerPair| LayerRows {
            a: TensorRows { tensor: &a.layers[in_a], rows: &a.rows },
            b: Some(TensorRows { tensor: &b.layers[in_b], rows: &b.rows }),
        };
        let layers: Vec<LayerRows> = pairs.iter().map(rows).collect();
        return Ok(backend.values(&layers, query.stat, query.diff)?);
    }
    if query.diff == Diff::Effect {
        let (a, b) = (a.moments(backend)?, b.moments(backend)?);
        let layer = |&LayerPair { in_a, in_b }: &LayerPair| {
            rounded(a[in_a].iter().zip(&b[in_b]).map(|(&a, &b)| effect(a, b)))
        };
        return Ok(Reduced::on_cpu(pairs.iter().map(layer).collect()));
    }
    let (a, b) = (a.values(query.stat, backend)?, b.values(query.stat, backend)?);
    let layer = |&LayerPair { in_a, in_b }: &LayerPair| {
        rounded(a[in_a].iter().zip(&b[in_b]).map(|(&a, &b)| difference(a, b, query.diff)))
    };
    Ok(Reduced::on_cpu(pairs.iter().map(layer).collect()))
}

/// Pairs the layers of A and B with equal names and sizes. Returns also the layers of A without a pair.
pub(super) fn match_layers(a: &Recording, b: &Recording) -> (Vec<LayerPair>, Vec<UnmatchedLayer>) {
    let by_name: HashMap<&str, usize> =
        b.layers.iter().enumerate().rev().map(|(index, layer)| (layer.name.as_str(), index)).collect();
    let (mut pairs, mut unmatched) = (Vec::new(), Vec::new());
    for (in_a, layer) in a.layers.iter().enumerate() {
        match by_name.get(layer.name.as_str()).map(|&in_b| (in_b, b.layers[in_b].units)) {
            Some((in_b, units)) if units == layer.units => pairs.push(LayerPair { in_a, in_b }),
            other => {
                let units = other.map(|(_, units)| units);
                unmatched.push(UnmatchedLayer { layer: LayerIndex(in_a), units });
            }
        }
    }
    (pairs, unmatched)
}

/// The names of the first layers, for a message.
pub(super) fn layer_names(recording: &Recording) -> String {
    const LISTED: usize = 5;
    let names: Vec<&str> = recording.layers.iter().take(LISTED).map(|layer| layer.name.as_str()).collect();
    let more = if recording.layers.len() > LISTED { ", …" } else { "" };
    format!("{}{more}", names.join(", "))
}
