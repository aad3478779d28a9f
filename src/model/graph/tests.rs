//! Order, places and choice of edges.

use super::*;
use crate::model::recording::{Joint, sequential_edges};
use crate::model::testing::recording;
use crate::model::{Camera, Layout, SetView};

/// Edges between the nodes of these numbers, among `layers` layers and then joints.
fn edges(layers: usize, pairs: &[[usize; 2]]) -> Vec<Edge> {
    let node = |number| Node::of_number(number, layers);
    pairs.iter().map(|&[from, to]| Edge { from: node(from), to: node(to) }).collect()
}

fn place(after: usize, depth: usize) -> Option<JointPlace> {
    Some(JointPlace { after, depth })
}

#[test]
fn edges_are_sorted_in_the_order_of_the_data() {
    let unsorted = edges(3, &[[4, 2], [3, 4], [1, 4], [0, 3], [0, 1], [1, 3]]);
    let sorted = in_flow_order(&unsorted).expect("no circle");
    assert_eq!(sorted.len(), unsorted.len());
    for (index, edge) in sorted.iter().enumerate() {
        assert!(unsorted.contains(edge));
        assert!(sorted[index..].iter().all(|later| later.to != edge.from), "{edge:?}");
    }
    assert_eq!(in_flow_order(&[]), Some(Vec::new()));
    for circle in [&[[0, 0]][..], &[[0, 1], [1, 0]], &[[0, 3], [1, 3], [3, 4], [4, 1], [4, 2]]] {
        assert_eq!(in_flow_order(&edges(3, circle)), None, "{circle:?}");
    }
}

#[test]
fn a_joint_is_behind_the_last_layer_whose_data_it_combines() {
    // Layers 0 to 4, joints 5 to 8; no data reaches the last one.
    let edges = edges(5, &[[0, 1], [6, 7], [5, 6], [0, 5], [1, 5], [3, 6], [1, 7], [7, 4], [8, 4]]);
    let places = NodePlaces::new(&edges);
    assert_eq!(places.joints, [place(1, 0), place(3, 1), place(3, 2), None]);
    assert_eq!(places.position(Node::Layer(2)), Some(4));
    assert_eq!(places.position(Node::Joint(1)), Some(7));
    assert_eq!((places.position(Node::Joint(3)), places.position(Node::Joint(4))), (None, None));
    let passed: Vec<Option<usize>> = edges.iter().map(|edge| Some(places.passed(edge)?.len())).collect();
    assert_eq!(passed, [0, 0, 2, 1, 0, 0, 2, 0].map(Some).into_iter().chain([None]).collect::<Vec<_>>());
    // The layers 2 and 3, in both directions.
    for edge in [edges[2], Edge { from: edges[2].to, to: edges[2].from }] {
        assert_eq!(places.passed(&edge), Some(2..4));
    }
}

#[test]
fn the_longest_edges_are_left_out_where_there_are_too_many() {
    let mut network = recording(&[4; 300], &[], &[], &[0]);
    let mut view = ViewState::new(Camera::set_view(SetView::Overview, &Layout::new(&network, 1.6), 1.6), 0.0);
    assert_eq!(drawn_edges(&network, &view, None).edges.len(), 299, "of a chain as well");
    // A skip over each layer has the length 2; one from the first to the last layer 299.
    network.edges = sequential_edges(300);
    network.edges.extend((2..300).map(|to| Edge::between_layers(to - 2, to)));
    let all = drawn_edges(&network, &view, None);
    assert_eq!((all.edges.len(), all.left_out), (299 + 298, 0));
    network.edges.extend([Edge::between_layers(0, 299); 40]);
    let some = drawn_edges(&network, &view, None);
    let fitting = (MAX_LENGTH - 299 - 2 * 298) / 299;
    assert_eq!((some.edges.len(), some.left_out), (299 + 298 + fitting, 40 - fitting));
    // The edges of the highlighted layer come first: one of length 1, one of length 2, and the long ones.
    let highlighted = drawn_edges(&network, &view, Some(0)).edges;
    assert_eq!(highlighted.len(), 2 + (MAX_LENGTH - 3) / 299);
    assert!(highlighted.iter().all(|edge| edge.from == Node::Layer(0)));
    view.hidden.insert("300".to_owned());
    assert_eq!(drawn_edges(&network, &view, None).left_out, 0, "those of hidden layers do not count");
    view.edges = false;
    assert_eq!(drawn_edges(&network, &view, None).edges.len(), 0);
}

#[test]
fn deep_residual_networks_are_drawn_completely() {
    let blocks = 1_000;
    let mut network = recording(&vec![4; 2 * blocks + 2], &[], &[], &[0]);
    let layers = network.layers.len();
    let mut stream = 0;
    let mut pairs = Vec::new();
    for block in 0..blocks {
        let (first, second, joint) = (2 * block + 1, 2 * block + 2, layers + block);
        pairs.extend([[stream, first], [first, second], [stream, joint], [second, joint]]);
        stream = joint;
    }
    pairs.push([stream, layers - 1]);
    network.joints = vec![Joint { operation: "add".to_owned() }; blocks];
    network.edges = edges(layers, &pairs);
    let view = ViewState::new(Camera::set_view(SetView::Overview, &Layout::new(&network, 1.6), 1.6), 0.0);
    let drawn = drawn_edges(&network, &view, None);
    assert_eq!((drawn.edges.len(), drawn.left_out), (4 * blocks + 1, 0));
}
