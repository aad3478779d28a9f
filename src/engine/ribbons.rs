//! The ways of the data between slabs: a ribbon per edge, and a disc per joint.
//!
//! The ribbon between neighbours runs on the floor. That of a skip connection rises above the slabs that it passes,
//! and one from row to row leaves its row at the end and returns above the next row. A joint is above the slabs, in
//! the gap behind the last layer whose data it combines. Edges within a folded group are not drawn.

mod curve;
mod joints;
mod route;

use std::collections::HashSet;

use bytemuck::{Pod, Zeroable};
use glam::Vec3;

use super::frame::DrawnNetwork;
use crate::model::layout::SLAB_BORDER;
use crate::model::{Camera, Layout, Node};
use route::{Routes, Stop};

/// Half the width of a ribbon, as a share of the height of the tallest slab.
const HALF_WIDTH: f32 = 0.007;
/// Greatest radius of the mark of a joint, as a share of the height of the tallest slab.
const JOINT_RADIUS: f32 = 0.02;
/// Number of ribbons above which their curves have fewer segments.
const MANY_RIBBONS: usize = 400;

/// `Segment` in shaders/ribbons.wgsl, which documents the members.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub(super) struct Segment {
    pub start: Vec3,
    pub half_width: f32,
    pub finish: Vec3,
    pub highlighted: f32,
    pub start_tangent: Vec3,
    pub start_opacity: f32,
    pub finish_tangent: Vec3,
    pub finish_opacity: f32,
}

impl Segment {
    /// Returns the part of the segment between two shares of its length.
    pub(super) fn part(&self, from: f32, to: f32) -> Self {
        let at = |share: f32| self.start.lerp(self.finish, share);
        let tangent = |share: f32| self.start_tangent.lerp(self.finish_tangent, share);
        let opacity = |share: f32| self.start_opacity + (self.finish_opacity - self.start_opacity) * share;
        Self {
            start: at(from),
            finish: at(to),
            start_tangent: tangent(from),
            finish_tangent: tangent(to),
            start_opacity: opacity(from),
            finish_opacity: opacity(to),
            ..*self
        }
    }
}

/// Returns the segments of all ribbons and joints: plain ones, then highlighted ones, then joints.
pub(super) fn segments(network: &DrawnNetwork<'_>, layout: &Layout, camera: &Camera) -> Vec<Segment> {
    let edges = network.edges;
    let tallest = layout.items.iter().map(|item| item.high.y - item.low.y).fold(0.0, f32::max);
    if edges.is_empty() || layout.items.is_empty() {
        return Vec::new();
    }
    let (half_width, radius) = (HALF_WIDTH * tallest, JOINT_RADIUS * tallest);
    let routes = Routes::new(layout, SLAB_BORDER + 1.6 * half_width, tallest);
    let joints = joints::places(edges, layout, &routes, radius);
    let item_of = |layer: usize| layout.item(layer);
    let stop = |node: Node| match node {
        Node::Layer(layer) => item_of(layer).map(|item| (Node::Layer(item), routes.item(item))),
        Node::Joint(joint) => joints.get(joint).copied().flatten().map(|(stop, _)| {
            // A part of a folded group.
            (stop.item.map_or(node, Node::Layer), stop)
        }),
    };
    let highlighted = network.highlighted.and_then(item_of).map(Node::Layer);
    let mut known = HashSet::new();
    let mut ribbons: [Vec<[Stop; 2]>; 2] = [Vec::new(), Vec::new()];
    for edge in edges {
        let (Some((from, start)), Some((to, end))) = (stop(edge.from), stop(edge.to)) else { continue };
        // From the front to the back, whatever the direction of the data.
        let (first, last) = if start.order() <= end.order() {
            ((from, start), (to, end))
        } else {
            ((to, end), (from, start))
        };
        if first.0 != last.0 && known.insert((first.0, last.0)) {
            let is_highlighted = highlighted == Some(from) || highlighted == Some(to);
            ribbons[usize::from(is_highlighted)].push([first.1, last.1]);
        }
    }
    let steps = if ribbons[0].len() + ribbons[1].len() > MANY_RIBBONS { 2 } else { 6 };
    let mut segments = Vec::new();
    for (ribbons, highlighted) in ribbons.iter().zip([0.0, 1.0]) {
        for [from, to] in ribbons {
            let points = curve::rounded(&routes.way(*from, *to), routes.reach(*from, *to), steps);
            let opacity = from.opacity(layout, camera).min(to.opacity(layout, camera));
            let opacities: Vec<f32> = points.iter().map(|&at| opacity * camera.presence_at(at)).collect();
            let tangents = curve::tangents(&points);
            for index in 1..points.len() {
                segments.push(Segment {
                    start: points[index - 1],
                    half_width,
                    finish: points[index],
                    highlighted,
                    start_tangent: tangents[index - 1],
                    start_opacity: opacities[index - 1],
                    finish_tangent: tangents[index],
                    finish_opacity: opacities[index],
                });
            }
        }
    }
    for (stop, radius) in joints.into_iter().flatten().filter(|(_, radius)| *radius > 0.0) {
        let (at, opacity) = (stop.point(), camera.presence_at(stop.point()));
        segments.push(Segment {
            start: at,
            half_width: radius,
            finish: at,
            highlighted: 0.0,
            start_tangent: Vec3::Z,
            start_opacity: opacity,
            finish_tangent: Vec3::Z,
            finish_opacity: opacity,
        });
    }
    segments.retain(|segment| segment.start_opacity > 0.0 || segment.finish_opacity > 0.0);
    segments
}

#[cfg(test)]
mod tests;
