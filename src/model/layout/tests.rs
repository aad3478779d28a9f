//! Places of slabs.

use std::collections::BTreeSet;

use glam::{Vec2, Vec3};

use super::*;
use crate::model::draw_order::Bounds;
use crate::model::testing::recording;
use crate::model::{Camera, Edge, SetView};

fn named(names: &[String], units: usize) -> Recording {
    let mut recording = recording(&vec![units; names.len()], &[], &[], &[0]);
    for (layer, name) in recording.layers.iter_mut().zip(names) {
        layer.name.clone_from(name);
    }
    recording
}

/// Stages of blocks of three layers, between a stem and a head.
fn residual(stages: usize, blocks: usize) -> Recording {
    let mut names = vec!["stem".to_owned()];
    for stage in 0..stages {
        for block in 0..blocks {
            names.extend((0..3).map(|layer| format!("layer{stage}.{block}.conv{layer}")));
        }
    }
    names.push("head".to_owned());
    named(&names, 256)
}

fn arranged(recording: &Recording, fold: &Fold, aspect: f32) -> Layout {
    let options = LayoutOptions { fold, hidden: &BTreeSet::new(), aspect };
    Layout::arranged(recording, &Layout::grids(recording), options)
}

fn overlap((a_low, a_high): Bounds, (b_low, b_high): Bounds) -> bool {
    a_low.cmplt(b_high - 1e-4).all() && b_low.cmplt(a_high - 1e-4).all()
}

#[test]
fn no_two_slabs_overlap() {
    for (recording, fold) in [
        (residual(4, 4), Fold::default()),
        (residual(4, 4), Fold::none()),
        (residual(2, 2), Fold { depth: Some(1), ..Fold::default() }),
        (named(&(0..200).map(|layer| layer.to_string()).collect::<Vec<_>>(), 64), Fold::default()),
    ] {
        for aspect in [0.5, 1.0, 16.0 / 9.0, 3.5] {
            let layout = arranged(&recording, &fold, aspect);
            for (index, slab) in layout.slabs.iter().enumerate() {
                for other in &layout.slabs[index + 1..] {
                    assert!(!overlap(slab.bounds(), other.bounds()), "{slab:?} and {other:?} at {aspect}");
                }
            }
        }
    }
}

#[test]
fn rows_follow_the_shape_of_the_picture() {
    let recording = residual(4, 4);
    let rows = |aspect| arranged(&recording, &Fold::default(), aspect).rows.len();
    assert!(rows(0.5) > rows(16.0 / 9.0), "{} and {}", rows(0.5), rows(16.0 / 9.0));
    assert!(rows(4.0) <= rows(16.0 / 9.0));
    assert_eq!(
        arranged(&residual(0, 0), &Fold::default(), 16.0 / 9.0).rows.len(),
        1,
        "two layers are one row"
    );
    // Each row is below the one before, and the data goes on from row to row.
    let layout = arranged(&recording, &Fold::default(), 0.7);
    for pair in layout.rows.windows(2) {
        assert!(pair[1].1.y < pair[0].0.y);
    }
    let mut last = (0, 0);
    for slab in &layout.slabs {
        let item = layout.items[layout.item_of[slab.layer].expect("visible")];
        assert!((item.row, item.slot) >= last, "in the order of the layers");
        last = (item.row, item.slot);
    }
}

#[test]
fn layers_that_work_side_by_side_stand_side_by_side() {
    let mut network = named(&["stem", "a", "b1", "b2", "head"].map(str::to_owned), 64);
    let pairs = [(0, 1), (0, 2), (2, 3), (1, 4), (3, 4)];
    network.edges = pairs.iter().map(|&(from, to)| Edge::between_layers(from, to)).collect();
    let layout = arranged(&network, &Fold::none(), 16.0 / 9.0);
    let slot = |layer: usize| layout.items[layout.item_of[layer].expect("visible")].slot;
    assert_eq!(
        [0, 1, 2, 3, 4].map(slot),
        [0, 2, 1, 2, 3],
        "`a` beside `b2`, the last layer of the other branch"
    );
    let (a, b) = (&layout.slabs[1], &layout.slabs[3]);
    assert!(a.centre.z == b.centre.z && a.centre.x < b.centre.x);
    // A circle, and edges to layers that are not there: in the order of the recording.
    network.edges = vec![Edge::between_layers(0, 1), Edge::between_layers(1, 0), Edge::between_layers(3, 99)];
    let layout = arranged(&network, &Fold::none(), 16.0 / 9.0);
    let slots: Vec<usize> = layout.items.iter().map(|item| item.slot).collect();
    assert_eq!(slots, [0, 1, 2, 3, 4]);
}

#[test]
fn a_folded_group_is_one_item_with_a_tile_per_layer() {
    let recording = residual(2, 2);
    let layout = arranged(&recording, &Fold { depth: Some(1), ..Fold::default() }, 16.0 / 9.0);
    assert_eq!(layout.items.len(), 4);
    let group = layout.folded_group_of(1).expect("the first stage is folded");
    let group = &layout.groups[group];
    assert_eq!(
        (group.path.as_str(), group.layers.clone(), group.folded, group.groups),
        ("layer0", 1..7, true, 2)
    );
    let (low, high) = group.bounds[0];
    for layer in group.layers.clone() {
        let slab = &layout.slabs[layer];
        assert_eq!(slab.centre.z, layout.slabs[1].centre.z, "in one plane");
        let bounds = slab.bounds();
        assert!(bounds.0.cmpge(low - 1e-4).all() && bounds.1.cmple(high + 1e-4).all());
        assert_eq!(slab.units, 256, "every unit has its cell");
    }
    assert_eq!(layout.folded_group_of(0), None);
    // Hidden layers take no room.
    let hidden: BTreeSet<String> = (0..3).map(|layer| format!("layer0.0.conv{layer}")).collect();
    let fold = Fold { depth: Some(1), ..Fold::default() };
    let options = LayoutOptions { fold: &fold, hidden: &hidden, aspect: 1.6 };
    let fewer = Layout::arranged(&recording, &Layout::grids(&recording), options);
    assert!(fewer.slabs[1].hidden && fewer.item_of[1].is_none() && fewer.items.len() == 4);
}

#[test]
fn layouts_are_interpolated() {
    let recording = residual(2, 2);
    let folded = arranged(&recording, &Fold { depth: Some(1), ..Fold::default() }, 1.6);
    let unfolded = arranged(&recording, &Fold::none(), 1.6);
    assert_eq!(folded.lerp(&unfolded, 1.0), unfolded);
    let start = folded.lerp(&unfolded, 0.0);
    assert!(start.slabs.iter().zip(&folded.slabs).all(|(a, b)| (a.centre - b.centre).length() < 1e-5));
    let middle = folded.lerp(&unfolded, 0.5).slabs[3].centre;
    assert!((middle - (folded.slabs[3].centre + unfolded.slabs[3].centre) / 2.0).length() < 1e-4);
}

#[test]
fn the_overview_fills_the_picture() {
    for recording in [residual(1, 1), residual(2, 2), residual(4, 6)] {
        for aspect in [9.0 / 16.0, 4.0 / 3.0, 16.0 / 9.0] {
            let layout = arranged(&recording, &Fold::default(), aspect);
            let camera = Camera::set_view(SetView::Overview, &layout, aspect);
            let (mut low, mut high) = (Vec2::INFINITY, Vec2::NEG_INFINITY);
            for (box_low, box_high) in layout.boxes() {
                for corner in 0..8 {
                    let select = glam::BVec3::new(corner & 1 == 1, corner & 2 == 2, corner & 4 == 4);
                    let corner = Vec3::select(select, box_high, box_low);
                    let (point, _) = camera.project(corner, aspect).expect("in front of the camera");
                    (low, high) = (low.min(point), high.max(point));
                }
            }
            let size = high - low;
            assert!(low.min_element() > 0.06 && high.max_element() < 0.94, "{low} {high} at {aspect}");
            assert!(size.x > 0.8 || size.y > 0.7, "{size} at {aspect}");
            assert!(
                size.x * size.y > 0.4,
                "{size} of a picture of {aspect}, {} layers",
                recording.layers.len()
            );
        }
    }
}

#[test]
fn two_thousand_layers_are_laid_out() {
    let recording = residual(10, 66);
    for fold in [Fold::default(), Fold::none()] {
        let layout = arranged(&recording, &fold, 1.6);
        assert!(layout.slabs.iter().all(|slab| slab.centre.is_finite() && slab.pitch > 0.0));
    }
}
