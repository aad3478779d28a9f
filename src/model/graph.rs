//! The graph of a network: the order in which data flows, the places of joints, and the edges that are drawn.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Once;

use super::ViewState;
use super::recording::{Edge, Node, Recording};

/// Greatest sum of the lengths of all drawn edges; an edge is as long as the number of layers that it passes, plus
/// one.
const MAX_LENGTH: usize = 10_000;

/// Sorts edges in the order in which data flows: each after all edges that lead to its source. `None` if data
/// flows in a circle.
pub fn in_flow_order(edges: &[Edge]) -> Option<Vec<Edge>> {
    let nodes = || edges.iter().flat_map(|edge| [edge.from, edge.to]);
    let layer_end = |node: Node| if let Node::Layer(layer) = node { layer + 1 } else { 0 };
    let layers = nodes().map(layer_end).max().unwrap_or(0);
    let count = nodes().map(|node| node.number(layers) + 1).max().unwrap_or(0);
    let mut outgoing: Vec<Vec<Edge>> = vec![Vec::new(); count];
    // Number of edges to each node that are not sorted yet.
    let mut waiting = vec![0_usize; count];
    for edge in edges {
        outgoing[edge.from.number(layers)].push(*edge);
        waiting[edge.to.number(layers)] += 1;
    }
    let mut open: Vec<usize> = (0..count).filter(|&node| waiting[node] == 0).collect();
    let mut sorted = Vec::with_capacity(edges.len());
    while let Some(node) = open.pop() {
        for edge in &outgoing[node] {
            sorted.push(*edge);
            let target = edge.to.number(layers);
            waiting[target] -= 1;
            if waiting[target] == 0 {
                open.push(target);
            }
        }
    }
    (sorted.len() == edges.len()).then_some(sorted)
}

/// The place of a joint among the layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JointPlace {
    /// Index of the last layer whose data reaches the joint, directly or through other joints.
    pub after: usize,
    /// Number of joints on the longest way of that data; joints of the same place follow each other by it.
    pub depth: usize,
}

/// The places of the nodes of a network along its layers. A joint is behind the last layer whose data it combines.
#[derive(Clone, Debug, Default)]
pub struct NodePlaces {
    /// By index; `None` if no data reaches the joint.
    pub joints: Vec<Option<JointPlace>>,
}

impl NodePlaces {
    /// Computes the places from the edges of a network.
    pub fn new(edges: &[Edge]) -> Self {
        let joint_end = |node: Node| if let Node::Joint(joint) = node { joint + 1 } else { 0 };
        let joints = edges.iter().flat_map(|edge| [edge.from, edge.to]).map(joint_end).max().unwrap_or(0);
        let mut places: Vec<Option<JointPlace>> = vec![None; joints];
        let into: Vec<Edge> =
            edges.iter().copied().filter(|edge| matches!(edge.to, Node::Joint(_))).collect();
        for edge in in_flow_order(&into).unwrap_or_default() {
            let from = match edge.from {
                Node::Layer(after) => Some(JointPlace { after, depth: 0 }),
                Node::Joint(joint) => places[joint].map(|from| JointPlace { depth: from.depth + 1, ..from }),
            };
            if let (Node::Joint(joint), Some(from)) = (edge.to, from) {
                let place = places[joint].get_or_insert(from);
                place.after = place.after.max(from.after);
                place.depth = place.depth.max(from.depth);
            }
        }
        Self { joints: places }
    }

    /// Returns the position of a node: twice the index of a layer, and the odd number between two layers for a
    /// joint. `None` for a joint that no data reaches.
    pub fn position(&self, node: Node) -> Option<usize> {
        match node {
            Node::Layer(layer) => Some(2 * layer),
            Node::Joint(joint) => Some(2 * self.joints.get(joint).copied().flatten()?.after + 1),
        }
    }

    /// Returns the indices of the layers between the ends of an edge.
    pub fn passed(&self, edge: &Edge) -> Option<Range<usize>> {
        let (from, to) = (self.position(edge.from)?, self.position(edge.to)?);
        Some(from.min(to) / 2 + 1..from.max(to).div_ceil(2))
    }
}

/// The edges that a scene draws.
#[derive(Clone, Debug, Default)]
pub struct DrawnEdges<'a> {
    /// The edges.
    pub edges: Cow<'a, [Edge]>,
    /// Number of edges for which there is no room, the longest ones.
    pub left_out: usize,
}

/// Returns the edges that a scene draws: all, unless the view hides them. If they
/// are too many, the edges of the layer `highlighted` are drawn first, then the short ones.
pub fn drawn_edges<'a>(
    recording: &'a Recording,
    view: &ViewState,
    highlighted: Option<usize>,
) -> DrawnEdges<'a> {
    static WARNED: Once = Once::new();
    if !view.edges {
        return DrawnEdges::default();
    }
    let places = NodePlaces::new(&recording.edges);
    let length = |edge: &Edge| places.passed(edge).map_or(0, |layers| layers.len()) + 1;
    if recording.edges.iter().map(length).sum::<usize>() <= MAX_LENGTH {
        return DrawnEdges { edges: Cow::Borrowed(recording.edges.as_slice()), left_out: 0 };
    }
    let is_shown = |node: Node| match node {
        Node::Layer(layer) => {
            recording.layers.get(layer).is_some_and(|layer| !view.hidden.contains(&layer.name))
        }
        Node::Joint(_) => true,
    };
    let mut edges: Vec<Edge> =
        recording.edges.iter().copied().filter(|edge| is_shown(edge.from) && is_shown(edge.to)).collect();
    let highlighted = highlighted.map(Node::Layer);
    edges.sort_by_cached_key(|edge| {
        let is_highlighted = highlighted == Some(edge.from) || highlighted == Some(edge.to);
        (!is_highlighted, length(edge))
    });
    let mut total = 0;
    let fits = |&edge: &&Edge| {
        total += length(edge);
        total <= MAX_LENGTH
    };
    let count = edges.iter().take_while(fits).count();
    let left_out = edges.len() - count;
    edges.truncate(count);
    if left_out > 0 {
        WARNED.call_once(|| {
            log::warn!("{}: {left_out} edges are too many to be drawn, the longest ones", recording.model);
        });
    }
    DrawnEdges { edges: Cow::Owned(edges), left_out }
}

#[cfg(test)]
mod tests;
