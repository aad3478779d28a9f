//! The joints of a picture: points in the gaps between the drawn slabs.

use std::collections::BTreeMap;

use super::slabs::RibbonSlab;
use crate::model::{Edge, Node, NodePlaces};

/// Greatest radius of the mark of a joint, as a share of the height of the tallest slab.
const RADIUS: f32 = 0.03;

/// A joint that is drawn, in the plane x = 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RibbonJoint {
    /// The gap that it is in: behind the slab of this index among the slabs by layer.
    pub(super) gap: usize,
    /// World units.
    pub(super) z: f32,
    /// Radius of its mark, in world units.
    pub(super) radius: f32,
}

/// Returns the joints by index: each behind the last layer whose data it combines, several in one gap in the order
/// of the data flow. `None` for a joint that no data of a drawn slab reaches, or whose data reaches none.
///
/// `slabs` are the drawn slabs by layer, `tallest` is the height of the tallest one.
pub(super) fn ribbon_joints(edges: &[Edge], slabs: &[RibbonSlab], tallest: f32) -> Vec<Option<RibbonJoint>> {
    let is_drawn = |node: Node| match node {
        Node::Layer(layer) => slabs.binary_search_by_key(&layer, |slab| slab.layer).is_ok(),
        Node::Joint(_) => true,
    };
    let drawn: Vec<Edge> =
        edges.iter().copied().filter(|edge| is_drawn(edge.from) && is_drawn(edge.to)).collect();
    let backwards: Vec<Edge> = drawn.iter().map(|edge| Edge { from: edge.to, to: edge.from }).collect();
    let (sources, targets) = (NodePlaces::new(&drawn), NodePlaces::new(&backwards));
    let is_used = |joint: usize| {
        [&sources, &targets].into_iter().all(|nodes| matches!(nodes.joints.get(joint), Some(Some(_))))
    };
    let places = NodePlaces::new(edges);
    let mut gaps: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for (joint, place) in places.joints.iter().enumerate() {
        let Some(place) = place.filter(|_| is_used(joint)) else { continue };
        let before = slabs.partition_point(|slab| slab.layer <= place.after);
        if before > 0 && before < slabs.len() {
            gaps.entry(before - 1).or_default().push((place.depth, joint));
        }
    }
    let mut joints = vec![None; places.joints.len()];
    for (gap, mut there) in gaps {
        there.sort_unstable();
        let (near, far) = (slabs[gap].low, slabs[gap + 1].high);
        let step = (far - near) / (there.len() + 1) as f32;
        let radius = (RADIUS * tallest).min(0.4 * step.abs());
        for (index, (_, joint)) in there.into_iter().enumerate() {
            joints[joint] = Some(RibbonJoint { gap, z: near + (index + 1) as f32 * step, radius });
        }
    }
    joints
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Slabs of the given layers, ten units apart.
    fn slabs(layers: &[usize]) -> Vec<RibbonSlab> {
        let slab = |(index, &layer): (usize, &usize)| {
            let front = -10.0 * index as f32;
            let (low, high) = (front - 1.0, front + 1.0);
            RibbonSlab { layer, draw_index: 0, front, low, high, bottom: -1.0, top: 1.0, opacity: 1.0 }
        };
        layers.iter().enumerate().map(slab).collect()
    }

    fn edge(from: Node, to: Node) -> Edge {
        Edge { from, to }
    }

    /// Two residual blocks of two layers, behind a stem and before a head.
    fn residual() -> Vec<Edge> {
        use Node::{Joint, Layer};
        vec![
            edge(Layer(0), Layer(1)),
            edge(Layer(1), Layer(2)),
            edge(Layer(0), Joint(0)),
            edge(Layer(2), Joint(0)),
            edge(Joint(0), Layer(3)),
            edge(Layer(3), Layer(4)),
            edge(Joint(0), Joint(1)),
            edge(Layer(4), Joint(1)),
            edge(Joint(1), Layer(5)),
        ]
    }

    fn gaps(edges: &[Edge], layers: &[usize]) -> Vec<Option<usize>> {
        ribbon_joints(edges, &slabs(layers), 2.0).iter().map(|joint| Some((*joint)?.gap)).collect()
    }

    #[test]
    fn a_joint_is_between_its_last_source_and_its_first_target() {
        assert_eq!(gaps(&residual(), &[0, 1, 2, 3, 4, 5]), [Some(2), Some(4)]);
        let joints = ribbon_joints(&residual(), &slabs(&[0, 1, 2, 3, 4, 5]), 2.0);
        // In the middle of the gap from -21 to -29.
        assert_eq!(joints[0], Some(RibbonJoint { gap: 2, z: -25.0, radius: 2.0 * RADIUS }));
    }

    #[test]
    fn joints_of_hidden_layers_lead_from_one_drawn_slab_to_the_next() {
        // Indices of the drawn slabs, not of layers.
        assert_eq!(gaps(&residual(), &[0, 5]), [Some(0), Some(0)]);
        assert_eq!(gaps(&residual(), &[2, 3, 4]), [Some(0), None], "the second one leads nowhere");
        assert_eq!(gaps(&residual(), &[1, 4, 5]), [None, Some(1)], "no data reaches the first one");
        assert_eq!(gaps(&residual(), &[1, 5]), [None, None]);
        assert_eq!(gaps(&residual(), &[]), [None, None]);
    }

    #[test]
    fn joints_in_one_gap_follow_the_data() {
        use Node::{Joint, Layer};
        let edges = [
            edge(Joint(1), Joint(0)),
            edge(Layer(0), Joint(1)),
            edge(Layer(1), Joint(1)),
            edge(Layer(0), Joint(0)),
            edge(Joint(0), Layer(2)),
        ];
        let joints = ribbon_joints(&edges, &slabs(&[0, 1, 2]), 1e3);
        let [Some(after), Some(before)] = joints[..] else { panic!("{joints:?}") };
        assert_eq!((before.gap, after.gap), (1, 1));
        assert!(-11.0 > before.z && before.z > after.z && after.z > -19.0);
        assert!(before.z - before.radius > after.z + after.radius && after.z - after.radius > -19.0);
    }
}
