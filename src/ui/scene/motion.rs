//! Camera moves that take time: eased, interruptible, or cut short for who wants no motion.

use crate::model::Camera;

/// Seconds that a camera move takes.
pub const DURATION: f64 = 0.35;

/// One move from a camera to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    from: Camera,
    to: Camera,
    start: f64,
}

impl Motion {
    /// A move that starts at time `now`, in seconds.
    pub fn new(from: Camera, to: Camera, now: f64) -> Self {
        Self { from, to, start: now }
    }

    /// Where it ends.
    pub fn target(&self) -> Camera {
        self.to
    }

    /// The camera at time `now`, and whether that is the end: then it is exactly the target.
    pub fn at(&self, now: f64) -> (Camera, bool) {
        let t = ((now - self.start) / DURATION) as f32;
        if t >= 1.0 { (self.to, true) } else { (self.from.lerp(self.to, ease(t)), false) }
    }
}

/// Slow, fast, slow: 0 → 0, 1 → 1, with no speed at either end.
pub fn ease(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * t * (t * (t * 6.0 - 15.0) + 10.0)
}

#[cfg(test)]
mod tests {
    use glam::Vec3;

    use super::*;

    fn camera(x: f32, yaw: f32) -> Camera {
        Camera { position: Vec3::new(x, 0.0, 5.0), yaw, pitch: 0.0, fov_y: 0.6, focus: 5.0, clear: 0.0 }
    }

    #[test]
    fn ends_exactly_at_the_target_and_starts_at_the_start() {
        let (from, to) = (camera(0.0, 0.0), camera(3.3, 1.7));
        let motion = Motion::new(from, to, 10.0);
        assert!((motion.at(10.0).0.position - from.position).length() < 1e-6);
        let (middle, done) = motion.at(10.0 + DURATION / 2.0);
        assert!(!done && (middle.position.x - 1.65).abs() < 1e-3, "half way at half time");
        assert_eq!(motion.at(10.0 + DURATION), (to, true));
        assert_eq!(motion.at(99.0), (to, true));
    }

    #[test]
    fn easing_never_steps_back() {
        let values: Vec<f32> = (0..=100).map(|i| ease(i as f32 / 100.0)).collect();
        assert!(values.windows(2).all(|pair| pair[1] >= pair[0]));
        assert_eq!((values[0], values[100]), (0.0, 1.0));
        assert!(values[1] < 0.001 && values[99] > 0.999, "no speed at the ends");
    }
}
