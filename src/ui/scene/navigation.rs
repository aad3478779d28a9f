//! From hands to camera: what keys, mouse and touchpad mean for the eye.

use glam::{Vec2, Vec3, vec2};

use super::motion::Motion;
use crate::model::{Camera, Layout, SetView};
use crate::ui::scene::camera_moves;
use crate::ui::scene::camera_moves::pick;

/// Radians that a drag over one picture height turns the orbit or the head.
const TURN: f32 = 2.6;
/// How much nearer one point of wheel travel brings.
const WHEEL: f32 = 0.003;
/// Share of the scene's size flown in a second.
const PACE: f32 = 0.22;
/// How much faster with Shift.
const HASTE: f32 = 3.0;
/// Longest time step, so that a stall does not throw the eye far away.
const MAX_STEP: f32 = 0.1;

/// What was done since the last frame. Lengths are in picture heights with y down, points of the
/// picture in [0, 1]².
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Input {
    /// Seconds since some beginning.
    pub now: f64,
    /// Seconds since the last frame.
    pub step: f32,
    /// Where the pointer is over the picture.
    pub pointer: Option<Vec2>,
    /// A button went down over the picture.
    pub pressed: bool,
    pub orbit: Vec2,
    pub pan: Vec2,
    pub look: Vec2,
    /// The look button is held: the wheel sets the speed of flying.
    pub looking: bool,
    /// Wheel travel in points, away from the hand positive.
    pub wheel: f32,
    /// Factor by which fingers or Ctrl + wheel enlarge.
    pub pinch: f32,
    /// Held direction of flying: right, up, forward, each within ±1.
    pub fly: Vec3,
    pub haste: bool,
    /// Frame the slab under the pointer, else the last framed one.
    pub frame: bool,
    pub go: Option<SetView>,
}

impl Default for Input {
    fn default() -> Self {
        Self {
            now: 0.0,
            step: 0.0,
            pointer: None,
            pressed: false,
            orbit: Vec2::ZERO,
            pan: Vec2::ZERO,
            look: Vec2::ZERO,
            looking: false,
            wheel: 0.0,
            pinch: 1.0,
            fly: Vec3::ZERO,
            haste: false,
            frame: false,
            go: None,
        }
    }
}

impl Input {
    /// Whether a hand leads the camera.
    pub fn leads(&self) -> bool {
        self.touches() || self.frame || self.go.is_some()
    }

    fn touches(&self) -> bool {
        self.pressed
            || self.looking
            || self.wheel != 0.0
            || self.pinch != 1.0
            || [self.orbit, self.pan, self.look].iter().any(|drag| *drag != Vec2::ZERO)
            || self.fly != Vec3::ZERO
    }
}

/// What a camera was sent to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    View(SetView),
    /// Index into [`Layout::slabs`].
    Slab(usize),
}

impl Target {
    fn camera(self, layout: &Layout, aspect: f32) -> Camera {
        match self {
            Self::View(view) => Camera::set_view(view, layout, aspect),
            Self::Slab(slab) => match layout.slabs.get(slab) {
                Some(slab) => Camera::of_slab(slab, aspect),
                None => Camera::set_view(SetView::Overview, layout, aspect),
            },
        }
    }
}

/// Moves a camera, and remembers where it was sent.
#[derive(Clone, Debug)]
pub struct Navigator {
    /// Cut to the end of every move.
    pub reduced_motion: bool,
    motion: Option<Motion>,
    /// What is framed as long as no hand has moved the camera since.
    at: Option<Target>,
    aspect: f32,
    bounds: (Vec3, Vec3),
    framed: Option<usize>,
    hovered: Option<usize>,
    pace: f32,
}

impl Default for Navigator {
    fn default() -> Self {
        Self {
            reduced_motion: false,
            motion: None,
            at: Some(Target::View(SetView::Overview)),
            aspect: 0.0,
            bounds: (Vec3::ZERO, Vec3::ZERO),
            framed: None,
            hovered: None,
            pace: 1.0,
        }
    }
}

impl Navigator {
    /// The slab under the pointer, as an index into [`Layout::slabs`].
    pub fn hovered(&self) -> Option<usize> {
        self.hovered
    }

    /// Whether the camera is on its way, so that another frame is wanted.
    pub fn is_moving(&self) -> bool {
        self.motion.is_some()
    }

    /// What the camera shows, or is on its way to, as long as no hand has moved it.
    pub fn at(&self) -> Option<Target> {
        self.at
    }

    /// Width by height of the picture; 0 before there was one.
    pub fn aspect(&self) -> f32 {
        self.aspect
    }

    /// Sends the camera to a target; it leaves with the next [`Navigator::update`].
    pub fn go(&mut self, target: Target, camera: Camera, layout: &Layout, now: f64) {
        if let Target::Slab(slab) = target {
            self.framed = Some(slab);
        }
        self.at = Some(target);
        self.motion = Some(Motion::new(camera, target.camera(layout, self.aspect.max(0.1)), now));
    }

    /// Does as `lead` does, which moves a camera over a layout that is the same.
    pub fn follow(&mut self, lead: &Self) {
        *self = Self { aspect: self.aspect, bounds: self.bounds, hovered: self.hovered, ..lead.clone() };
    }

    /// Lets go of what was framed: a hand leads the camera elsewhere.
    pub fn release(&mut self) {
        self.motion = None;
        self.at = None;
    }

    /// The camera after what was done. `aspect` is the picture's width by its height.
    pub fn update(&mut self, input: &Input, mut camera: Camera, layout: &Layout, aspect: f32) -> Camera {
        if aspect != self.aspect {
            self.aspect = aspect;
            if let Some(at) = self.at {
                // A framed view stays framed when the window changes its shape.
                self.motion = None;
                camera = at.camera(layout, aspect);
            }
        } else if layout.bounds() != self.bounds
            && let Some(at) = self.at
        {
            self.motion = Some(Motion::new(camera, at.camera(layout, aspect), input.now));
        }
        self.bounds = layout.bounds();
        let hit = input.pointer.and_then(|point| pick(layout, &camera, camera.ray(point, aspect)));
        self.hovered = hit.map(|hit| hit.slab);
        if input.touches() {
            self.motion = None;
            camera = self.by_hand(input, camera, layout, aspect);
        }
        if let Some(view) = input.go {
            self.go(Target::View(view), camera, layout, input.now);
        } else if input.frame
            && let Some(slab) = self.hovered.or(self.framed)
        {
            self.go(Target::Slab(slab), camera, layout, input.now);
        }
        if let Some(motion) = self.motion {
            let (moved, done) =
                if self.reduced_motion { (motion.target(), true) } else { motion.at(input.now) };
            camera = moved;
            if done {
                self.motion = None;
            }
        }
        camera
    }

    fn by_hand(&mut self, input: &Input, before: Camera, layout: &Layout, aspect: f32) -> Camera {
        let mut camera = before;
        camera = camera_moves::orbit(camera, -input.orbit * TURN);
        camera = camera_moves::pan(camera, input.pan);
        camera = camera_moves::look(camera, -input.look * TURN);
        let mut factor = 1.0 / input.pinch;
        if input.looking {
            self.pace = (self.pace * (input.wheel * WHEEL).exp()).clamp(0.01, 20.0);
        } else {
            factor *= (-input.wheel * WHEEL).exp();
        }
        if factor != 1.0 {
            camera =
                camera_moves::dolly(camera, layout, input.pointer.unwrap_or(vec2(0.5, 0.5)), factor, aspect);
        }
        if input.fly != Vec3::ZERO {
            let (low, high) = layout.bounds();
            let size = if low.is_finite() { (high - low).length() } else { 1.0 };
            let haste = if input.haste { HASTE } else { 1.0 };
            let length = PACE * size * self.pace * haste * input.step.min(MAX_STEP);
            camera = camera_moves::fly(camera, input.fly.clamp_length_max(1.0) * length);
        }
        if camera != before {
            self.at = None;
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
        let camera = navigator.update(&Input::default(), camera, &layout, ASPECT);
        (navigator, camera, layout)
    }

    #[test]
    fn a_set_view_is_reached_exactly_and_then_rests() {
        let (mut navigator, camera, layout) = at_overview();
        let go = Input { now: 5.0, go: Some(SetView::Top), ..Input::default() };
        let start = navigator.update(&go, camera, &layout, ASPECT);
        assert!((start.position - camera.position).length() < 1e-4, "it starts where it is");
        assert!(navigator.is_moving());
        let middle = Input { now: 5.0 + DURATION / 2.0, ..Input::default() };
        let half = navigator.update(&middle, start, &layout, ASPECT);
        let target = Camera::set_view(SetView::Top, &layout, ASPECT);
        assert!(half != target && half != camera);
        let end = Input { now: 5.0 + DURATION, ..Input::default() };
        assert_eq!(navigator.update(&end, half, &layout, ASPECT), target);
        assert!(!navigator.is_moving());
    }

    #[test]
    fn a_touch_stops_a_move_at_once() {
        let (mut navigator, camera, layout) = at_overview();
        navigator.go(Target::Slab(1), camera, &layout, 0.0);
        let half = navigator.update(&Input { now: 0.15, ..Input::default() }, camera, &layout, ASPECT);
        let pressed = Input { now: 0.16, pressed: true, ..Input::default() };
        assert_eq!(navigator.update(&pressed, half, &layout, ASPECT), half);
        assert!(!navigator.is_moving());
        let later = Input { now: 9.0, ..Input::default() };
        assert_eq!(navigator.update(&later, half, &layout, ASPECT), half, "and it stays stopped");
    }

    #[test]
    fn reduced_motion_cuts_to_the_end() {
        let (mut navigator, camera, layout) = at_overview();
        navigator.reduced_motion = true;
        let go = Input { go: Some(SetView::Front), ..Input::default() };
        assert_eq!(
            navigator.update(&go, camera, &layout, ASPECT),
            Camera::set_view(SetView::Front, &layout, ASPECT)
        );
        assert!(!navigator.is_moving());
    }

    #[test]
    fn flying_is_as_fast_at_any_frame_rate() {
        let fly = |frames: u32| {
            let (mut navigator, mut camera, layout) = at_overview();
            for _ in 0..frames {
                let input = Input { step: 0.5 / frames as f32, fly: vec3(0.3, 0.0, 1.0), ..Input::default() };
                camera = navigator.update(&input, camera, &layout, ASPECT);
            }
            camera.position
        };
        let start = at_overview().1.position;
        assert!((fly(8) - fly(60)).length() < 1e-3 * (fly(8) - start).length());
        assert!((fly(8) - start).length() > 0.1, "and it moves");
    }

    #[test]
    fn the_wheel_sets_the_speed_only_while_looking_around() {
        let (mut navigator, camera, layout) = at_overview();
        let wheel = Input { wheel: 100.0, looking: true, ..Input::default() };
        assert_eq!(navigator.update(&wheel, camera, &layout, ASPECT), camera, "no dolly");
        let step = Input { step: 0.05, fly: Vec3::Z, ..Input::default() };
        let fast = (navigator.update(&step, camera, &layout, ASPECT).position - camera.position).length();
        let (mut fresh, ..) = at_overview();
        let usual = (fresh.update(&step, camera, &layout, ASPECT).position - camera.position).length();
        assert!(fast > 1.2 * usual, "{fast} {usual}");
    }

    #[test]
    fn framing_takes_the_slab_under_the_pointer_then_the_last_one() {
        let (mut navigator, camera, layout) = at_overview();
        let (point, _) = camera.project(layout.slabs[0].centre, ASPECT).expect("in front");
        let frame = Input { pointer: Some(point), frame: true, ..Input::default() };
        navigator.update(&frame, camera, &layout, ASPECT);
        assert_eq!(navigator.at(), Some(Target::Slab(0)));
        navigator.go(Target::View(SetView::Overview), camera, &layout, 0.0);
        navigator.update(&Input { frame: true, ..Input::default() }, camera, &layout, ASPECT);
        assert_eq!(navigator.at(), Some(Target::Slab(0)), "the last framed one");
    }

    #[test]
    fn the_overview_makes_room_for_a_picture_that_comes() {
        let (mut navigator, camera, mut layout) = at_overview();
        layout.picture = Some(1.0);
        let now = Input { now: 1.0, ..Input::default() };
        assert!((navigator.update(&now, camera, &layout, ASPECT).position - camera.position).length() < 1e-4);
        let later = Input { now: 2.0, ..Input::default() };
        let after = navigator.update(&later, camera, &layout, ASPECT);
        let (corner, _) = layout.picture_place(1.0).expect("there is a slab");
        assert!(camera.project(corner, ASPECT).is_none_or(|(at, _)| at.x < 0.0), "it was out of sight");
        let (at, _) = after.project(corner, ASPECT).expect("in front");
        assert!(at.x > 0.0 && at.y > 0.0, "{at}");
    }

    #[test]
    fn a_framed_view_stays_framed_in_another_shape_unless_moved_by_hand() {
        let (mut navigator, camera, layout) = at_overview();
        let narrow = navigator.update(&Input::default(), camera, &layout, 0.7);
        assert_eq!(narrow, Camera::set_view(SetView::Overview, &layout, 0.7));
        let orbit = Input { orbit: vec2(0.1, 0.0), ..Input::default() };
        let moved = navigator.update(&orbit, narrow, &layout, 0.7);
        assert_eq!(navigator.update(&Input::default(), moved, &layout, 1.9), moved);
    }
}
