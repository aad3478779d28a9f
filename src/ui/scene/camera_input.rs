//! The input that moves the camera of a scene in one frame.

use glam::{Vec2, Vec3};

use crate::model::SetView;

/// The gestures over a scene since the last frame. Drags are in picture heights with y down, points of the
/// picture in [0, 1]².
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CameraInput {
    /// Time of the frame, in seconds.
    pub now: f64,
    /// Time since the last frame, in seconds.
    pub step: f32,
    /// The pointer over the picture.
    pub pointer: Option<Vec2>,
    /// A button is held that was pressed over the picture.
    pub pressed: bool,
    /// Drag that rotates the camera around its pivot.
    pub orbit: Vec2,
    /// Drag that moves the camera parallel to the picture.
    pub pan: Vec2,
    /// Drag that rotates the camera in its place.
    pub rotate: Vec2,
    /// The button that rotates the camera in its place is held: the wheel sets the speed of flying.
    pub is_rotating: bool,
    /// Wheel travel in points; positive brings the scene nearer.
    pub wheel: f32,
    /// Factor of a pinch, or of the wheel with Ctrl; above 1 enlarges.
    pub pinch: f32,
    /// Direction of flying: right, up, forward, each within ±1.
    pub fly: Vec3,
    /// Fly faster.
    pub fast: bool,
    /// Frame the slab under the pointer, or else the slab that was framed last.
    pub frame_slab: bool,
    /// Go to a set view.
    pub set_view: Option<SetView>,
}

impl Default for CameraInput {
    fn default() -> Self {
        Self {
            now: 0.0,
            step: 0.0,
            pointer: None,
            pressed: false,
            orbit: Vec2::ZERO,
            pan: Vec2::ZERO,
            rotate: Vec2::ZERO,
            is_rotating: false,
            wheel: 0.0,
            pinch: 1.0,
            fly: Vec3::ZERO,
            fast: false,
            frame_slab: false,
            set_view: None,
        }
    }
}

impl CameraInput {
    /// Returns `true` if the input moves the camera, or stops a move of it.
    pub fn moves_camera(&self) -> bool {
        self.has_gesture() || self.frame_slab || self.set_view.is_some()
    }

    /// Returns `true` if the input moves the camera other than to a target, or stops a move of it.
    pub fn has_gesture(&self) -> bool {
        self.pressed
            || self.is_rotating
            || self.wheel != 0.0
            || self.pinch != 1.0
            || [self.orbit, self.pan, self.rotate].iter().any(|drag| *drag != Vec2::ZERO)
            || self.fly != Vec3::ZERO
    }
}
