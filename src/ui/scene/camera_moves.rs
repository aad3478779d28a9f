//! What hands do to a camera: orbit, pan, dolly, look, fly. Pure functions; no input, no time.

use std::f32::consts::FRAC_PI_2;

use glam::{Vec2, Vec3};

use crate::model::{Camera, Layout, Slab};

/// Steepest tilt, so that "up" stays defined.
const MAX_PITCH: f32 = FRAC_PI_2 - 0.01;
/// Least and greatest distance to what is orbited around, in world units.
const FOCUS: std::ops::RangeInclusive<f32> = 1e-3..=1e6;

/// Where a ray meets a slab.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Index into [`Layout::slabs`].
    pub slab: usize,
    pub point: Vec3,
}

/// The nearest slab (with the room its cells may take) that the ray from `eye` meets.
pub fn pick(layout: &Layout, camera: &Camera, direction: Vec3) -> Option<Hit> {
    let eye = camera.position;
    layout
        .slabs
        .iter()
        .enumerate()
        .filter(|(_, slab)| camera.presence(slab) > 0.5)
        .filter_map(|(slab, it)| meets(it, eye, direction).map(|distance| (slab, distance)))
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(slab, distance)| Hit { slab, point: eye + direction * distance })
}

/// Distance along the ray to the box of a slab; 0 inside it.
fn meets(slab: &Slab, eye: Vec3, direction: Vec3) -> Option<f32> {
    let (low, high) = slab.bounds();
    let (mut enter, mut leave) = (0.0_f32, f32::INFINITY);
    for axis in 0..3 {
        if direction[axis] == 0.0 {
            if eye[axis] < low[axis] || eye[axis] > high[axis] {
                return None;
            }
            continue;
        }
        let a = (low[axis] - eye[axis]) / direction[axis];
        let b = (high[axis] - eye[axis]) / direction[axis];
        (enter, leave) = (enter.max(a.min(b)), leave.min(a.max(b)));
    }
    (enter <= leave).then_some(enter)
}

/// Turns around the pivot; distance and pivot stay.
pub fn orbit(mut camera: Camera, turn: Vec2) -> Camera {
    let pivot = camera.pivot();
    camera = look(camera, turn);
    camera.position = pivot - camera.forward() * camera.focus;
    camera
}

/// Turns the head by (yaw, pitch) radians; the eye stays.
pub fn look(mut camera: Camera, turn: Vec2) -> Camera {
    camera.yaw = (camera.yaw + turn.x).rem_euclid(std::f32::consts::TAU);
    camera.pitch = (camera.pitch + turn.y).clamp(-MAX_PITCH, MAX_PITCH);
    camera
}

/// Slides the picture by `drag`, in picture heights with y down, so that what lies at the pivot's
/// distance follows the hand.
pub fn pan(mut camera: Camera, drag: Vec2) -> Camera {
    let height = 2.0 * camera.focus * (camera.fov_y / 2.0).tan();
    camera.position += (camera.up() * drag.y - camera.right() * drag.x) * height;
    camera
}

/// Brings everything nearer by `factor` (< 1) or further (> 1), seen from `point` of the picture
/// ([0, 1]², y down): what is there stays there.
pub fn dolly(mut camera: Camera, layout: &Layout, point: Vec2, factor: f32, aspect: f32) -> Camera {
    let direction = camera.ray(point, aspect);
    let target = pick(layout, &camera, direction)
        .map(|hit| hit.point)
        .filter(|hit| (*hit - camera.position).length() > 1e-4)
        .unwrap_or_else(|| {
            let depth = direction.dot(camera.forward()).max(1e-3);
            camera.position + direction * (camera.focus / depth)
        });
    let focus = (camera.focus * factor).clamp(*FOCUS.start(), *FOCUS.end());
    let factor = focus / camera.focus;
    camera.position = target + (camera.position - target) * factor;
    camera.focus = focus;
    camera
}

/// Moves the eye by `way` (right, up, forward) in world units along its own axes.
pub fn fly(mut camera: Camera, way: Vec3) -> Camera {
    camera.position += camera.right() * way.x + Vec3::Y * way.y + camera.forward() * way.z;
    // Who flies wants to meet what is on the way.
    camera.clear = 0.0;
    camera
}

#[cfg(test)]
mod tests {
    use glam::{vec2, vec3};

    use super::*;
    use crate::model::{Grid, SetView};

    const ASPECT: f32 = 1.6;

    fn layout() -> Layout {
        Layout::of_grids([(Grid::near_square(64), 64), (Grid::near_square(256), 256), (Grid::column(10), 10)])
    }

    fn camera() -> Camera {
        Camera::set_view(SetView::Overview, &layout(), ASPECT)
    }

    #[test]
    fn orbiting_keeps_pivot_and_distance() {
        let before = camera();
        let after = orbit(before, vec2(0.7, -0.2));
        assert!((after.pivot() - before.pivot()).length() < 1e-4);
        assert!(((after.position - before.pivot()).length() - before.focus).abs() < 1e-4);
        assert!((after.position - before.position).length() > 0.5, "the eye moved");
    }

    #[test]
    fn tilting_stops_before_the_zenith() {
        assert!(orbit(camera(), vec2(0.0, 9.0)).pitch < FRAC_PI_2);
        assert!(orbit(camera(), vec2(0.0, -9.0)).pitch > -FRAC_PI_2);
    }

    #[test]
    fn dolly_keeps_what_is_under_the_cursor() {
        let (layout, before) = (layout(), camera());
        let slab = &layout.slabs[1];
        // A point of the picture that shows the second slab's top-right cell.
        let target = slab.cell_centre(slab.grid.columns - 1, 0);
        let (point, _) = before.project(target, ASPECT).expect("in front of the eye");
        let hit = pick(&layout, &before, before.ray(point, ASPECT)).expect("a slab is there");
        for factor in [0.5, 0.9, 1.5] {
            let after = dolly(before, &layout, point, factor, ASPECT);
            let (still, _) = after.project(hit.point, ASPECT).expect("still in front");
            assert!((still - point).length() < 1e-3, "{factor}: {still} is not {point}");
            let ratio = (hit.point - after.position).length() / (hit.point - before.position).length();
            assert!((ratio - factor).abs() < 1e-3, "{ratio}");
        }
    }

    #[test]
    fn panning_moves_the_pivot_with_the_hand() {
        let before = camera();
        let after = pan(before, vec2(0.1, 0.2));
        let (moved, _) = after.project(before.pivot(), ASPECT).expect("in front");
        let expected = vec2(0.5 + 0.1 / ASPECT, 0.5 + 0.2);
        assert!((moved - expected).length() < 1e-4, "{moved}");
    }

    #[test]
    fn picking_takes_the_nearest_slab_and_misses_beside() {
        let layout = layout();
        let at = |eye| Camera { position: eye, ..camera() };
        let eye = vec3(0.0, 0.0, 5.0);
        let hit = pick(&layout, &at(eye), Vec3::NEG_Z).expect("straight at the first slab");
        assert_eq!(hit.slab, 0);
        assert!((hit.point.z - layout.slabs[0].max_height()).abs() < 1e-5);
        assert_eq!(pick(&layout, &at(eye), Vec3::Z), None, "nothing lies behind");
        assert_eq!(pick(&layout, &at(vec3(50.0, 0.0, 5.0)), Vec3::NEG_Z), None, "nothing beside");
    }
}
