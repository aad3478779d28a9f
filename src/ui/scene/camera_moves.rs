//! The moves of a camera: orbit, rotate, pan, dolly, fly. Pure functions, without input or time.

use std::f32::consts::FRAC_PI_2;

use glam::{Vec2, Vec3};

use crate::model::{Camera, Layout, Slab};

/// Greatest absolute pitch, in radians: at a right angle the direction up would be undefined.
const MAX_PITCH: f32 = FRAC_PI_2 - 0.01;
/// Least and greatest distance of the pivot, in world units.
const FOCUS_RANGE: std::ops::RangeInclusive<f32> = 1e-3..=1e6;

/// The intersection of a ray and a slab.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlabHit {
    /// Index into [`Layout::slabs`].
    pub slab: usize,
    /// The point on the slab's box, in world units.
    pub point: Vec3,
}

/// Returns the nearest slab, its cells at their greatest height included, on the ray from the camera in
/// `direction`. Slabs that are mostly faded out are ignored.
pub fn pick_slab(layout: &Layout, camera: &Camera, direction: Vec3) -> Option<SlabHit> {
    let eye = camera.position;
    layout
        .slabs
        .iter()
        .enumerate()
        .filter(|(_, slab)| camera.presence(slab) > 0.5)
        .filter_map(|(index, slab)| distance_to(slab, eye, direction).map(|distance| (index, distance)))
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(slab, distance)| SlabHit { slab, point: eye + direction * distance })
}

/// Returns the distance along the ray to the box of a slab, 0 inside it; `None` if the ray misses it.
fn distance_to(slab: &Slab, eye: Vec3, direction: Vec3) -> Option<f32> {
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

/// Rotates the camera around its pivot by (yaw, pitch) radians; the pivot and its distance stay.
pub fn orbit(mut camera: Camera, angles: Vec2) -> Camera {
    let pivot = camera.pivot();
    camera = rotate(camera, angles);
    camera.position = pivot - camera.forward() * camera.focus;
    camera
}

/// Rotates the camera in its place by (yaw, pitch) radians.
pub fn rotate(mut camera: Camera, angles: Vec2) -> Camera {
    camera.yaw = (camera.yaw + angles.x).rem_euclid(std::f32::consts::TAU);
    camera.pitch = (camera.pitch + angles.y).clamp(-MAX_PITCH, MAX_PITCH);
    camera
}

/// Moves the camera parallel to the picture so that points at the pivot's distance move in the picture by
/// `drag`, in picture heights with y down.
pub fn pan(mut camera: Camera, drag: Vec2) -> Camera {
    let height = 2.0 * camera.focus * (camera.fov_y / 2.0).tan();
    camera.position += (camera.up() * drag.y - camera.right() * drag.x) * height;
    camera
}

/// Multiplies the distance to the world point at `point` of the picture ([0, 1]², y down) by `factor`; that
/// point stays in its place in the picture.
pub fn dolly(mut camera: Camera, layout: &Layout, point: Vec2, factor: f32, aspect: f32) -> Camera {
    let direction = camera.ray(point, aspect);
    let target = pick_slab(layout, &camera, direction)
        .map(|hit| hit.point)
        .filter(|hit| (*hit - camera.position).length() > 1e-4)
        .unwrap_or_else(|| {
            let depth = direction.dot(camera.forward()).max(1e-3);
            camera.position + direction * (camera.focus / depth)
        });
    let focus = (camera.focus * factor).clamp(*FOCUS_RANGE.start(), *FOCUS_RANGE.end());
    let factor = focus / camera.focus;
    camera.position = target + (camera.position - target) * factor;
    camera.focus = focus;
    camera
}

/// Moves the camera by `offset`: right, up, forward, in world units; up is that of the world.
pub fn fly(mut camera: Camera, offset: Vec3) -> Camera {
    camera.position += camera.right() * offset.x + Vec3::Y * offset.y + camera.forward() * offset.z;
    // Slabs in front of the framed one are no longer faded out.
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
        assert!((after.position - before.position).length() > 0.5, "the camera moved");
    }

    #[test]
    fn the_pitch_stays_below_a_right_angle() {
        assert!(orbit(camera(), vec2(0.0, 9.0)).pitch < FRAC_PI_2);
        assert!(orbit(camera(), vec2(0.0, -9.0)).pitch > -FRAC_PI_2);
    }

    #[test]
    fn dolly_keeps_the_point_under_the_pointer() {
        let (layout, before) = (layout(), camera());
        let slab = &layout.slabs[1];
        // The top-right cell of the second slab.
        let target = slab.cell_centre(slab.grid.columns - 1, 0);
        let (point, _) = before.project(target, ASPECT).expect("in front of the eye");
        let hit = pick_slab(&layout, &before, before.ray(point, ASPECT)).expect("a slab is there");
        for factor in [0.5, 0.9, 1.5] {
            let after = dolly(before, &layout, point, factor, ASPECT);
            let (still, _) = after.project(hit.point, ASPECT).expect("still in front");
            assert!((still - point).length() < 1e-3, "{factor}: {still} is not {point}");
            let ratio = (hit.point - after.position).length() / (hit.point - before.position).length();
            assert!((ratio - factor).abs() < 1e-3, "{ratio}");
        }
    }

    #[test]
    fn panning_moves_the_pivot_by_the_drag() {
        let before = camera();
        let after = pan(before, vec2(0.1, 0.2));
        let (moved, _) = after.project(before.pivot(), ASPECT).expect("in front");
        let expected = vec2(0.5 + 0.1 / ASPECT, 0.5 + 0.2);
        assert!((moved - expected).length() < 1e-4, "{moved}");
    }

    #[test]
    fn picking_takes_the_nearest_slab_on_the_ray() {
        let layout = layout();
        let at = |eye| Camera { position: eye, ..camera() };
        let eye = vec3(0.0, 0.0, 5.0);
        let hit = pick_slab(&layout, &at(eye), Vec3::NEG_Z).expect("straight at the first slab");
        assert_eq!(hit.slab, 0);
        assert!((hit.point.z - layout.slabs[0].max_height()).abs() < 1e-5);
        assert_eq!(pick_slab(&layout, &at(eye), Vec3::Z), None, "nothing lies behind");
        assert_eq!(pick_slab(&layout, &at(vec3(50.0, 0.0, 5.0)), Vec3::NEG_Z), None, "nothing beside");
    }
}
