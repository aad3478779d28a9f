//! Framing of slabs.

use glam::Vec2;

use super::*;
use crate::model::Grid;
use crate::model::camera::{FOOT, HEAD, MARGIN};

#[test]
fn framing_shows_the_whole_box_with_its_margin() {
    let layout = Layout::of_grids([
        (Grid::near_square(64), 64),
        (Grid::near_square(4096), 4096),
        (Grid::column(10), 10),
    ]);
    for aspect in [0.6, 1.0, 16.0 / 9.0] {
        let camera = Camera::set_view(SetView::Overview, &layout, aspect);
        let (mut least, mut most) = (Vec2::INFINITY, Vec2::NEG_INFINITY);
        for (i, (low, high)) in layout.boxes().flat_map(|bounds| (0..8).map(move |i| (i, bounds))) {
            let corner = vec3(
                if i & 1 == 1 { high.x } else { low.x },
                if i & 2 == 2 { high.y } else { low.y },
                if i & 4 == 4 { high.z } else { low.z },
            );
            let (point, _) = camera.project(corner, aspect).expect("in front of the camera");
            (least, most) = (least.min(point), most.max(point));
        }
        assert!(least.x >= MARGIN - 1e-3 && most.x <= 1.0 - MARGIN + 1e-3, "{least} {most}");
        assert!(least.y >= HEAD - 1e-3 && most.y <= 1.0 - FOOT + 1e-3, "{least} {most}");
        let fill = (most - least) / Vec2::new(1.0 - 2.0 * MARGIN, 1.0 - HEAD - FOOT);
        assert!(fill.max_element() > 0.98, "one axis is filled, {fill}");
    }
}

#[test]
fn an_input_picture_covers_the_first_slab_from_the_front_only() {
    let mut layout = Layout::of_grids([(Grid::near_square(64), 64), (Grid::near_square(64), 64)]);
    layout.picture = Some(1.0);
    assert!(Camera::set_view(SetView::Overview, &layout, 1.5).is_clear_of_picture());
    assert!(!Camera::of_slab(&layout.slabs[0], 1.5).is_clear_of_picture());
}

#[test]
fn no_slab_hides_a_framed_one() {
    let layout = Layout::of_grids([(Grid::near_square(4096), 4096); 6]);
    for (index, slab) in layout.slabs.iter().enumerate() {
        let camera = Camera::of_slab(slab, 1.6);
        for (other, other_slab) in layout.slabs.iter().enumerate() {
            let behind = (other_slab.centre - camera.position).dot(camera.forward()) < 0.0;
            let wanted = if other < index && !behind { 0.0 } else { 1.0 };
            assert_eq!(camera.presence(other_slab), wanted, "slab {other} while {index} is framed");
        }
        let overview = Camera::set_view(SetView::Overview, &layout, 1.6);
        assert_eq!(overview.presence(slab), 1.0);
    }
}
