//! Moves the camera of a scene by keys, mouse and touchpad, and to set views and slabs.

use glam::{Vec3, vec2};

use super::camera_input::CameraInput;
use super::camera_moves::{self, pick_slab};
use super::motion::CameraMotion;
use crate::model::{Camera, Layout, SetView, Slab};

/// Rotation by a drag over one picture height, in radians.
const DRAG_ROTATION: f32 = 2.6;
/// Change of the logarithm of the distance, or of the speed of flying, per point of wheel travel.
const WHEEL_RATE: f32 = 0.003;
/// Speed of flying, in sizes of the scene per second.
const FLY_SPEED: f32 = 0.22;
/// Factor on the speed of flying while Shift is held.
const FAST_FACTOR: f32 = 3.0;
/// Longest time step of flying, in seconds: limits the distance after a frame that took long.
const MAX_STEP: f32 = 0.1;

/// The target of a camera move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CameraTarget {
    /// A set view of the whole scene.
    View(SetView),
    /// A slab, as an index into [`Layout::slabs`].
    Slab(usize),
    /// The slabs of a group of layers, as indices of the first and the last one into [`Layout::slabs`].
    Group(usize, usize),
}

impl CameraTarget {
    /// The camera at the target.
    fn camera(self, layout: &Layout, aspect: f32) -> Camera {
        match self {
            Self::View(view) => Camera::set_view(view, layout, aspect),
            Self::Slab(slab) => match layout.slabs.get(slab) {
                Some(slab) => Camera::of_slab(slab, aspect),
                None => Camera::set_view(SetView::Overview, layout, aspect),
            },
            Self::Group(first, last) => {
                let slabs = layout.slabs.iter().filter(|slab| (first..=last).contains(&slab.layer));
                let boxes: Vec<_> = slabs.filter(|slab| !slab.hidden).map(Slab::bounds).collect();
                Camera::of_boxes(layout, &boxes, aspect)
            }
        }
    }
}

/// Moves a camera by gestures and to targets.
#[derive(Clone, Debug)]
pub struct Navigator {
    /// Go to the end of every move at once, without animation.
    pub reduced_motion: bool,
    motion: Option<CameraMotion>,
    /// See [`Navigator::target`].
    target: Option<CameraTarget>,
    /// Width by height of the picture in the last update.
    aspect: f32,
    /// Bounds of the layout in the last update.
    bounds: (Vec3, Vec3),
    /// The picture has changed its shape, and the layout follows: its new bounds are framed at once.
    is_reshaped: bool,
    /// The slab that was framed last, as an index into [`Layout::slabs`].
    framed: Option<usize>,
    /// The slab under the pointer, as an index into [`Layout::slabs`].
    hovered: Option<usize>,
    /// Factor on the speed of flying.
    speed: f32,
}

impl Default for Navigator {
    fn default() -> Self {
        Self {
            reduced_motion: false,
            motion: None,
            target: Some(CameraTarget::View(SetView::Overview)),
            aspect: 0.0,
            bounds: (Vec3::ZERO, Vec3::ZERO),
            is_reshaped: false,
            framed: None,
            hovered: None,
            speed: 1.0,
        }
    }
}

impl Navigator {
    /// The slab under the pointer, as an index into [`Layout::slabs`].
    pub fn hovered(&self) -> Option<usize> {
        self.hovered
    }

    /// Returns `true` during an animated move, which needs another frame.
    pub fn is_moving(&self) -> bool {
        self.motion.is_some()
    }

    /// The target that the camera shows or moves to; `None` after a gesture moved it.
    pub fn target(&self) -> Option<CameraTarget> {
        self.target
    }

    /// Width by height of the picture; 0 before the first update.
    pub fn aspect(&self) -> f32 {
        self.aspect
    }

    /// Starts a move from `camera` to a target at time `now`, which [`Navigator::update`] animates.
    pub fn go(&mut self, target: CameraTarget, camera: Camera, layout: &Layout, now: f64) {
        if let CameraTarget::Slab(slab) = target {
            self.framed = Some(slab);
        }
        self.target = Some(target);
        self.motion = Some(CameraMotion::new(camera, target.camera(layout, self.aspect.max(0.1)), now));
    }

    /// Takes over the target, the move and the speed of `other`, which moves a camera over an equal layout.
    pub fn follow(&mut self, other: &Self) {
        *self = Self { aspect: self.aspect, bounds: self.bounds, hovered: self.hovered, ..other.clone() };
    }

    /// Stops a move and forgets the target, because the camera is set from outside.
    pub fn release(&mut self) {
        self.motion = None;
        self.target = None;
    }

    /// Returns the camera after the gestures and animation of a frame. `aspect` is the width of the picture
    /// by its height.
    pub fn update(
        &mut self,
        input: &CameraInput,
        mut camera: Camera,
        layout: &Layout,
        aspect: f32,
    ) -> Camera {
        if aspect != self.aspect {
            self.aspect = aspect;
            if let Some(target) = self.target {
                // The target stays framed when the picture changes its shape.
                self.motion = None;
                camera = target.camera(layout, aspect);
                self.is_reshaped = true;
            }
        } else if layout.bounds() != self.bounds
            && let Some(target) = self.target
        {
            let goal = target.camera(layout, aspect);
            self.motion = (!self.is_reshaped).then(|| CameraMotion::new(camera, goal, input.now));
            if self.is_reshaped {
                camera = goal;
            }
        } else {
            self.is_reshaped = false;
        }
        self.bounds = layout.bounds();
        let hit = input.pointer.and_then(|point| pick_slab(layout, &camera, camera.ray(point, aspect)));
        self.hovered = hit.map(|hit| hit.slab);
        if input.has_gesture() {
            self.motion = None;
            camera = self.apply_gestures(input, camera, layout, aspect);
        }
        if let Some(view) = input.set_view {
            self.go(CameraTarget::View(view), camera, layout, input.now);
        } else if input.frame_slab
            && let Some(slab) = self.hovered.or(self.framed)
        {
            self.go(CameraTarget::Slab(slab), camera, layout, input.now);
        }
        if let Some(motion) = self.motion {
            let (moved, has_ended) =
                if self.reduced_motion { (motion.target(), true) } else { motion.camera_at(input.now) };
            camera = moved;
            if has_ended {
                self.motion = None;
            }
        }
        camera
    }

    /// Returns the camera after the gestures of a frame; forgets the target if they moved it.
    fn apply_gestures(
        &mut self,
        input: &CameraInput,
        before: Camera,
        layout: &Layout,
        aspect: f32,
    ) -> Camera {
        let mut camera = before;
        camera = camera_moves::orbit(camera, -input.orbit * DRAG_ROTATION);
        camera = camera_moves::pan(camera, input.pan);
        camera = camera_moves::rotate(camera, -input.rotate * DRAG_ROTATION);
        let mut factor = 1.0 / input.pinch;
        if input.is_rotating {
            self.speed = (self.speed * (input.wheel * WHEEL_RATE).exp()).clamp(0.01, 20.0);
        } else {
            factor *= (-input.wheel * WHEEL_RATE).exp();
        }
        if factor != 1.0 {
            camera =
                camera_moves::dolly(camera, layout, input.pointer.unwrap_or(vec2(0.5, 0.5)), factor, aspect);
        }
        if input.fly != Vec3::ZERO {
            let (low, high) = layout.bounds();
            let size = if low.is_finite() { (high - low).length() } else { 1.0 };
            let factor = if input.fast { FAST_FACTOR } else { 1.0 };
            let length = FLY_SPEED * size * self.speed * factor * input.step.min(MAX_STEP);
            camera = camera_moves::fly(camera, input.fly.clamp_length_max(1.0) * length);
        }
        if camera != before {
            self.target = None;
        }
        camera
    }
}

#[cfg(test)]
mod tests {
    use glam::vec3;

    use super::super::motion::DURATION;
    use super::*;
    use crate::model::Grid;

    const ASPECT: f32 = 1.5;

    fn layout() -> Layout {
        Layout::of_grids([(Grid::near_square(64), 64), (Grid::near_square(256), 256), (Grid::column(10), 10)])
    }

    fn at_overview() -> (Navigator, Camera, Layout) {
        let layout = layout();
        let mut navigator = Navigator::default();
        let camera = Camera::set_view(SetView::Overview, &layout, ASPECT);
        let camera = navigator.update(&CameraInput::default(), camera, &layout, ASPECT);
        (navigator, camera, layout)
    }

    #[test]
    fn a_move_to_a_set_view_ends_exactly_there() {
        let (mut navigator, camera, layout) = at_overview();
        let go = CameraInput { now: 5.0, set_view: Some(SetView::Top), ..CameraInput::default() };
        let start = navigator.update(&go, camera, &layout, ASPECT);
        assert!((start.position - camera.position).length() < 1e-4, "the move starts at the camera");
        assert!(navigator.is_moving());
        let middle = CameraInput { now: 5.0 + DURATION / 2.0, ..CameraInput::default() };
        let half = navigator.update(&middle, start, &layout, ASPECT);
        let target = Camera::set_view(SetView::Top, &layout, ASPECT);
        assert!(half != target && half != camera);
        let end = CameraInput { now: 5.0 + DURATION, ..CameraInput::default() };
        assert_eq!(navigator.update(&end, half, &layout, ASPECT), target);
        assert!(!navigator.is_moving());
    }

    #[test]
    fn a_press_stops_a_move_at_once() {
        let (mut navigator, camera, layout) = at_overview();
        navigator.go(CameraTarget::Slab(1), camera, &layout, 0.0);
        let half =
            navigator.update(&CameraInput { now: 0.15, ..CameraInput::default() }, camera, &layout, ASPECT);
        let pressed = CameraInput { now: 0.16, pressed: true, ..CameraInput::default() };
        assert_eq!(navigator.update(&pressed, half, &layout, ASPECT), half);
        assert!(!navigator.is_moving());
        let later = CameraInput { now: 9.0, ..CameraInput::default() };
        assert_eq!(navigator.update(&later, half, &layout, ASPECT), half, "the move stays stopped");
    }

    #[test]
    fn reduced_motion_goes_to_the_end_at_once() {
        let (mut navigator, camera, layout) = at_overview();
        navigator.reduced_motion = true;
        let go = CameraInput { set_view: Some(SetView::Front), ..CameraInput::default() };
        assert_eq!(
            navigator.update(&go, camera, &layout, ASPECT),
            Camera::set_view(SetView::Front, &layout, ASPECT)
        );
        assert!(!navigator.is_moving());
    }

    #[test]
    fn the_speed_of_flying_does_not_depend_on_the_frame_rate() {
        let fly = |frames: u32| {
            let (mut navigator, mut camera, layout) = at_overview();
            for _ in 0..frames {
                let input = CameraInput {
                    step: 0.5 / frames as f32,
                    fly: vec3(0.3, 0.0, 1.0),
                    ..CameraInput::default()
                };
                camera = navigator.update(&input, camera, &layout, ASPECT);
            }
            camera.position
        };
        let start = at_overview().1.position;
        assert!((fly(8) - fly(60)).length() < 1e-3 * (fly(8) - start).length());
        assert!((fly(8) - start).length() > 0.1, "the camera moves");
    }

    #[test]
    fn the_wheel_sets_the_speed_only_while_the_camera_rotates() {
        let (mut navigator, camera, layout) = at_overview();
        let wheel = CameraInput { wheel: 100.0, is_rotating: true, ..CameraInput::default() };
        assert_eq!(navigator.update(&wheel, camera, &layout, ASPECT), camera, "no dolly");
        let step = CameraInput { step: 0.05, fly: Vec3::Z, ..CameraInput::default() };
        let fast = (navigator.update(&step, camera, &layout, ASPECT).position - camera.position).length();
        let (mut fresh, ..) = at_overview();
        let usual = (fresh.update(&step, camera, &layout, ASPECT).position - camera.position).length();
        assert!(fast > 1.2 * usual, "{fast} {usual}");
    }

    #[test]
    fn framing_takes_the_slab_under_the_pointer_then_the_last_one() {
        let (mut navigator, camera, layout) = at_overview();
        let (point, _) = camera.project(layout.slabs[0].centre, ASPECT).expect("in front");
        let frame = CameraInput { pointer: Some(point), frame_slab: true, ..CameraInput::default() };
        navigator.update(&frame, camera, &layout, ASPECT);
        assert_eq!(navigator.target(), Some(CameraTarget::Slab(0)));
        navigator.go(CameraTarget::View(SetView::Overview), camera, &layout, 0.0);
        navigator.update(
            &CameraInput { frame_slab: true, ..CameraInput::default() },
            camera,
            &layout,
            ASPECT,
        );
        assert_eq!(navigator.target(), Some(CameraTarget::Slab(0)), "the last framed one");
    }

    #[test]
    fn the_overview_makes_room_for_a_picture() {
        let (mut navigator, camera, mut layout) = at_overview();
        navigator.update(&CameraInput::default(), camera, &layout, ASPECT);
        layout.picture = Some(1.0);
        let now = CameraInput { now: 1.0, ..CameraInput::default() };
        assert!((navigator.update(&now, camera, &layout, ASPECT).position - camera.position).length() < 1e-4);
        let later = CameraInput { now: 2.0, ..CameraInput::default() };
        let after = navigator.update(&later, camera, &layout, ASPECT);
        let (corner, _) = layout.picture_place(1.0).expect("there is a slab");
        assert!(
            camera.project(corner, ASPECT).is_none_or(|(at, _)| at.x < 0.06),
            "outside of what was framed before"
        );
        let (at, _) = after.project(corner, ASPECT).expect("in front");
        assert!(at.x > 0.0 && at.y > 0.0, "{at}");
    }

    #[test]
    fn a_target_stays_framed_in_another_aspect_unless_moved_by_a_gesture() {
        let (mut navigator, camera, layout) = at_overview();
        let narrow = navigator.update(&CameraInput::default(), camera, &layout, 0.7);
        assert_eq!(narrow, Camera::set_view(SetView::Overview, &layout, 0.7));
        let orbit = CameraInput { orbit: vec2(0.1, 0.0), ..CameraInput::default() };
        let moved = navigator.update(&orbit, narrow, &layout, 0.7);
        assert_eq!(navigator.update(&CameraInput::default(), moved, &layout, 1.9), moved);
    }
}
