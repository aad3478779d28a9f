//! Animated camera moves.

use crate::model::Camera;

/// Duration of a camera move, in seconds.
pub const DURATION: f64 = 0.35;

/// An animated move from one camera to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CameraMotion {
    from: Camera,
    to: Camera,
    start: f64,
}

impl CameraMotion {
    /// A move that starts at time `now`, in seconds.
    pub fn new(from: Camera, to: Camera, now: f64) -> Self {
        Self { from, to, start: now }
    }

    /// The camera at the end of the move.
    pub fn target(&self) -> Camera {
        self.to
    }

    /// Returns the camera at time `now`, and `true` if the move has ended: then the camera is exactly the
    /// target.
    pub fn camera_at(&self, now: f64) -> (Camera, bool) {
        let t = ((now - self.start) / DURATION) as f32;
        if t >= 1.0 { (self.to, true) } else { (self.from.lerp(self.to, ease(t)), false) }
    }
}

/// Eases a time in [0, 1]: maps 0 to 0 and 1 to 1, with a slope of 0 at both ends.
pub fn ease(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * t * (t * (t * 6.0 - 15.0) + 10.0)
}

#[cfg(test)]
mod tests {
    use glam::Vec3;

    use super::*;

    fn camera(x: f32, yaw: f32) -> Camera {
        Camera {
            position: Vec3::new(x, 0.0, 5.0),
            yaw,
            pitch: 0.0,
            fov_y: 0.6,
            focus: 5.0,
            clear: 0.0,
            aspect: 0.0,
        }
    }

    #[test]
    fn a_move_starts_at_its_first_camera_and_ends_exactly_at_its_target() {
        let (from, to) = (camera(0.0, 0.0), camera(3.3, 1.7));
        let motion = CameraMotion::new(from, to, 10.0);
        assert!((motion.camera_at(10.0).0.position - from.position).length() < 1e-6);
        let (middle, done) = motion.camera_at(10.0 + DURATION / 2.0);
        assert!(!done && (middle.position.x - 1.65).abs() < 1e-3, "half way at half time");
        assert_eq!(motion.camera_at(10.0 + DURATION), (to, true));
        assert_eq!(motion.camera_at(99.0), (to, true));
    }

    #[test]
    fn easing_is_monotonic() {
        let values: Vec<f32> = (0..=100).map(|i| ease(i as f32 / 100.0)).collect();
        assert!(values.windows(2).all(|pair| pair[1] >= pair[0]));
        assert_eq!((values[0], values[100]), (0.0, 1.0));
        assert!(values[1] < 0.001 && values[99] > 0.999, "no speed at the ends");
    }
}
