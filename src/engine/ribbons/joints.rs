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
    let slot_of = |layer: usize| Some(layout.items[layout.item(layer)?].slot);
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
    let mut last_layers = vec![0; layout.items.len()];
    for (layer, item) in layout.item_of.iter().enumerate() {
        if let Some(item) = item {
            last_layers[*item] = layer;
        }
    }
    let mut joints = vec![None; nodes.joints.len()];
    let mut gaps: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for (joint, place) in nodes.joints.iter().enumerate() {
        let Some(place) = place.filter(|_| is_used(joint)) else { continue };
        // The last drawn slot up to the layer whose data is combined.
        let Some(slot) = (0..=place.after).rev().find_map(slot_of) else { continue };
        // Further layers of the same group follow.
        let around = layout.item(place.after);
        let around = around.filter(|&item| last_layers[item] > place.after);
        if let Some(item) = items[joint].or(around) {
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

/// The items at one side of a joint.
#[derive(Clone, Copy, PartialEq)]
enum Items {
    None,
    One(usize),
    Several,
}

/// Returns per joint the item that it is a part of: a folded group whose data alone it combines, or that alone takes
/// its data.
fn items_of(edges: &[Edge], layout: &Layout, joints: usize) -> Vec<Option<usize>> {
    let backwards: Vec<Edge> = edges.iter().map(|edge| Edge { from: edge.to, to: edge.from }).collect();
    let (sources, targets) = (items_before(edges, layout, joints), items_before(&backwards, layout, joints));
    let mut slabs = vec![0_usize; layout.items.len()];
    for item in layout.item_of.iter().flatten() {
        slabs[*item] += 1;
    }
    let group = |items: Items| {
        if let Items::One(item) = items { Some(item).filter(|&item| slabs[item] > 1) } else { None }
    };
    sources.into_iter().zip(targets).map(|(from, to)| group(from).or(group(to))).collect()
}

/// Returns per joint the items whose data it combines, directly or through other joints.
fn items_before(edges: &[Edge], layout: &Layout, joints: usize) -> Vec<Items> {
    let into: Vec<Edge> = edges.iter().copied().filter(|edge| matches!(edge.to, Node::Joint(_))).collect();
    let mut items = vec![Items::None; joints];
    for edge in in_flow_order(&into).unwrap_or_default() {
        let from = match edge.from {
            Node::Layer(layer) => layout.item(layer).map_or(Items::None, Items::One),
            Node::Joint(joint) => items[joint],
        };
        if let Node::Joint(joint) = edge.to {
            items[joint] = match (items[joint], from) {
                (known, Items::None) => known,
                (Items::None, from) => from,
                (known, from) if known == from => known,
                _ => Items::Several,
            };
        }
    }
    items
}
