//! The joints of a picture: points in the gaps between the drawn slabs.

use std::collections::BTreeMap;

use super::route::{Routes, Stop};
use crate::model::graph::in_flow_order;
use crate::model::{Edge, Layout, Node, NodePlaces};

/// Returns the joints by index, each with the radius of its mark: behind the last layer whose data it combines,
/// several in one gap in the order of the data flow; at an item, with radius 0, if it is a part of that. `None` for a joint that no data of a drawn slab reaches, or
/// whose data reaches none.
pub(super) fn places(
    edges: &[Edge],
    layout: &Layout,
    routes: &Routes<'_>,
    greatest_radius: f32,
) -> Vec<Option<(Stop, f32)>> {
    let slot_of = |layer: usize| Some(layout.items[layout.item_of.get(layer).copied().flatten()?].slot);
    let is_drawn = |node: Node| match node {
        Node::Layer(layer) => slot_of(layer).is_some(),
        Node::Joint(_) => true,
    };
    let drawn: Vec<Edge> =
        edges.iter().copied().filter(|edge| is_drawn(edge.from) && is_drawn(edge.to)).collect();
    let backwards: Vec<Edge> = drawn.iter().map(|edge| Edge { from: edge.to, to: edge.from }).collect();
    let (sources, targets) = (NodePlaces::new(&drawn), NodePlaces::new(&backwards));
    let is_used = |joint: usize| {
        [&sources, &targets].into_iter().all(|nodes| matches!(nodes.joints.get(joint), Some(Some(_))))
    };
    let nodes = NodePlaces::new(edges);
    let items = items_of(&drawn, layout, nodes.joints.len());
    let mut joints = vec![None; nodes.joints.len()];
    let mut gaps: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for (joint, place) in nodes.joints.iter().enumerate() {
        let Some(place) = place.filter(|_| is_used(joint)) else { continue };
        // The last drawn slot up to the layer whose data is combined.
        let Some(slot) = (0..=place.after).rev().find_map(slot_of) else { continue };
        if let Some(item) = items[joint] {
            joints[joint] = Some((routes.item(item), 0.0));
        } else if slot + 1 < routes.slots.len() {
            gaps.entry(slot).or_default().push((place.depth, joint));
        }
    }
    for (slot, mut there) in gaps {
        there.sort_unstable();
        let (near, far) = routes.gap_behind(slot);
        let step = (far - near) / (there.len() + 1) as f32;
        let radius = greatest_radius.min(0.4 * step.abs());
        for (index, (_, joint)) in there.into_iter().enumerate() {
            let (z, y) = (near + (index + 1) as f32 * step, routes.joint_height(slot));
            let row = routes.slots[slot].row;
            let x = routes.row_x(row);
            let stop = Stop { row, slot, item: None, x, top: y, bottom: y, front: z, back: z };
            joints[joint] = Some((stop, radius));
        }
    }
    joints
}

/// Returns per joint the item whose data alone it combines: it is a part of that folded group.
pub(super) fn items_of(edges: &[Edge], layout: &Layout, joints: usize) -> Vec<Option<usize>> {
    /// The data that reaches a joint.
    #[derive(Clone, Copy, PartialEq)]
    enum Data {
        None,
        Of(usize),
        OfSeveral,
    }
    let into: Vec<Edge> = edges.iter().copied().filter(|edge| matches!(edge.to, Node::Joint(_))).collect();
    let mut data = vec![Data::None; joints];
    for edge in in_flow_order(&into).unwrap_or_default() {
        let from = match edge.from {
            Node::Layer(layer) => layout.item_of.get(layer).copied().flatten().map_or(Data::None, Data::Of),
            Node::Joint(joint) => data[joint],
        };
        if let Node::Joint(joint) = edge.to {
            data[joint] = match (data[joint], from) {
                (known, Data::None) => known,
                (Data::None, from) => from,
                (known, from) if known == from => known,
                _ => Data::OfSeveral,
            };
        }
    }
    let item = |data: Data| if let Data::Of(item) = data { Some(item) } else { None };
    data.into_iter().map(item).collect()
}
