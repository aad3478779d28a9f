//! The slots of a network: places along the way of the data, each with the items that work side by side.

use super::items::Item;
use crate::model::graph::in_flow_order;
use crate::model::{Edge, Node};

/// Returns the items of each slot, as indices. Items share a slot if the data has equally far to go from them to
/// the answer, counted in layers: the latest place of each (a longest-path layering; Eades and Sugiyama, "How to
/// Draw a Directed Graph", 1990). So a layer stands beside the last layer of a parallel branch, not at the start.
pub(super) fn slots(edges: &[Edge], layers: usize, items: &[Item]) -> Vec<Vec<usize>> {
    let left = distances(edges, layers);
    let mut order: Vec<(usize, usize)> = items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            let furthest = item.tiles.iter().filter_map(|tile| left.get(tile.slab)).max();
            (furthest.copied().unwrap_or(0), index)
        })
        .collect();
    order.sort_by_key(|&(left, index)| (std::cmp::Reverse(left), index));
    let mut slots: Vec<Vec<usize>> = Vec::new();
    let mut before = None;
    for (left, index) in order {
        match slots.last_mut() {
            Some(slot) if before == Some(left) => slot.push(index),
            _ => slots.push(vec![index]),
        }
        before = Some(left);
    }
    slots
}

/// Returns how many layers the data of each layer still passes, at most. A layer that leads nowhere is just before
/// the next one in the recording; where data flows in a circle, all are in the order of the recording.
fn distances(edges: &[Edge], layers: usize) -> Vec<usize> {
    let sequential = || (0..layers).rev().collect();
    let known = |node: Node| if let Node::Layer(layer) = node { layer < layers } else { true };
    let edges: Vec<Edge> = edges.iter().copied().filter(|edge| known(edge.from) && known(edge.to)).collect();
    let mut leads_on = vec![false; layers];
    for edge in &edges {
        if let Node::Layer(layer) = edge.from {
            leads_on[layer] = true;
        }
    }
    // Ends of the network but the last layer lead to the next layer, unless that leads back.
    let ends = (0..layers.saturating_sub(1)).filter(|&layer| !leads_on[layer]);
    let with_ends: Vec<Edge> =
        edges.iter().copied().chain(ends.map(|layer| Edge::between_layers(layer, layer + 1))).collect();
    let Some(sorted) = in_flow_order(&with_ends).or_else(|| in_flow_order(&edges)) else {
        return sequential();
    };
    let nodes = sorted.iter().flat_map(|edge| [edge.from.number(layers), edge.to.number(layers)]);
    let mut left = vec![0_usize; nodes.max().map_or(layers, |most| most + 1).max(layers)];
    for edge in sorted.iter().rev() {
        let step = usize::from(matches!(edge.to, Node::Layer(_)));
        let (from, to) = (edge.from.number(layers), edge.to.number(layers));
        left[from] = left[from].max(left[to] + step);
    }
    left.truncate(layers);
    left
}
