//! Ways of ribbons.

use std::collections::BTreeSet;

use super::*;
use crate::model::layout::LayoutOptions;
use crate::model::testing::recording;
use crate::model::{Edge, Fold, Recording, SetView};

/// Stages of residual blocks of two layers, between a stem and a head, with a joint per block.
fn residual(stages: usize, blocks: usize) -> Recording {
    let count = 2 + 2 * stages * blocks;
    let mut network = recording(&vec![64; count], &[], &[], &[0]);
    let mut stream = Node::Layer(0);
    network.edges.clear();
    let edge = |from, to| Edge { from, to };
    for block in 0..stages * blocks {
        let (first, second) = (2 * block + 1, 2 * block + 2);
        for (index, layer) in [first, second].into_iter().enumerate() {
            network.layers[layer].name = format!("layer{}.{}.conv{index}", block / blocks, block % blocks);
        }
        let joint = Node::Joint(block);
        network.edges.extend([
            edge(stream, Node::Layer(first)),
            edge(Node::Layer(first), Node::Layer(second)),
            edge(stream, joint),
            edge(Node::Layer(second), joint),
        ]);
        stream = joint;
    }
    network.edges.push(edge(stream, Node::Layer(count - 1)));
    network
}

fn layout(network: &Recording, fold: &Fold, aspect: f32) -> Layout {
    let options = LayoutOptions { fold, hidden: &BTreeSet::new(), aspect };
    Layout::arranged(network, &Layout::grids(network), options)
}

fn segments_of(network: &Recording, layout: &Layout) -> Vec<Segment> {
    let camera = Camera::set_view(SetView::Overview, layout, 1.6);
    let network = DrawnNetwork { edges: &network.edges, layout: Some(layout), highlighted: None };
    segments(&network, layout, &camera)
}

fn joints(segments: &[Segment]) -> Vec<&Segment> {
    segments.iter().filter(|segment| segment.start == segment.finish).collect()
}

#[test]
fn ribbons_cross_no_slab() {
    for (stages, blocks, fold) in [
        (3, 3, Fold::none()),
        (3, 3, Fold { depth: Some(2), ..Fold::default() }),
        (3, 3, Fold { depth: Some(1), ..Fold::default() }),
        (6, 6, Fold::none()),
    ] {
        for aspect in [0.5, 1.6, 3.0] {
            let network = residual(stages, blocks);
            let layout = layout(&network, &fold, aspect);
            let segments = segments_of(&network, &layout);
            assert!(!segments.is_empty());
            for segment in &segments {
                for step in 0..=8 {
                    let at = segment.start.lerp(segment.finish, step as f32 / 8.0);
                    for item in &layout.items {
                        let inside = at.cmpgt(item.low + 1e-3).all() && at.cmplt(item.high - 1e-3).all();
                        assert!(!inside, "{at} is in {item:?}; {stages} stages at {aspect}: {segment:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn ribbons_are_connected_lines_from_item_to_item() {
    let network = residual(2, 2);
    let layout = layout(&network, &Fold::none(), 1.6);
    let segments = segments_of(&network, &layout);
    let lines = segments.iter().filter(|segment| segment.start != segment.finish);
    let mut starts = 0;
    let mut last: Option<Vec3> = None;
    for segment in lines {
        if last != Some(segment.start) {
            starts += 1;
        }
        last = Some(segment.finish);
    }
    // Some ribbons begin where the one before ends.
    assert!(starts <= network.edges.len() && starts > network.edges.len() / 2, "{starts}");
}

#[test]
fn a_residual_stream_is_a_line_with_a_joint_per_block() {
    let network = residual(3, 2);
    let unfolded = segments_of(&network, &layout(&network, &Fold::none(), 1.6));
    assert_eq!(joints(&unfolded).len(), 6);
    // Joints within a folded stage are parts of it.
    let stages = Fold { depth: Some(1), ..Fold::default() };
    let folded = segments_of(&network, &layout(&network, &stages, 1.6));
    assert!(joints(&folded).len() <= 3, "{}", joints(&folded).len());
    assert!(folded.len() < unfolded.len());
    let all = Fold { depth: Some(0), ..Fold::default() };
    assert!(segments_of(&network, &layout(&network, &all, 1.6)).is_empty(), "a single item has no ways");
}

#[test]
fn ribbons_of_the_highlighted_slab_are_drawn_over_the_others() {
    let network = residual(2, 1);
    let layout = layout(&network, &Fold::none(), 1.6);
    let camera = Camera::set_view(SetView::Overview, &layout, 1.6);
    let drawn = DrawnNetwork { edges: &network.edges, layout: Some(&layout), highlighted: Some(2) };
    let segments = segments(&drawn, &layout, &camera);
    let first = segments.iter().position(|segment| segment.highlighted > 0.0).expect("two edges");
    let lines = segments.len() - joints(&segments).len();
    assert!(segments[first..lines].iter().all(|segment| segment.highlighted > 0.0) && first > 0);
}

#[test]
fn parts_of_a_segment_lie_on_it() {
    let segment = Segment {
        start: Vec3::ZERO,
        half_width: 1.0,
        finish: Vec3::new(4.0, 0.0, 0.0),
        highlighted: 0.0,
        start_tangent: Vec3::X,
        start_opacity: 0.0,
        finish_tangent: Vec3::X,
        finish_opacity: 1.0,
    };
    let part = segment.part(0.25, 0.5);
    assert_eq!((part.start.x, part.finish.x, part.start_opacity, part.finish_opacity), (1.0, 2.0, 0.25, 0.5));
}

#[test]
fn corners_are_rounded() {
    let corners = [Vec3::ZERO, Vec3::X * 4.0, Vec3::new(4.0, 2.0, 0.0)];
    let points = curve::rounded(&corners, f32::INFINITY, 6);
    assert_eq!((points[0], points[points.len() - 1]), (corners[0], corners[2]));
    assert!(!points.contains(&corners[1]));
    let tangents = curve::tangents(&points);
    let turn = tangents.windows(2).map(|pair| pair[0].angle_between(pair[1])).fold(0.0, f32::max);
    assert!(turn < 0.5, "{turn}");
    assert_eq!(curve::rounded(&corners[..2], 1.0, 6), corners[..2]);
}
