//! The camera: a small value that can be stored, compared and interpolated.

use glam::{Mat4, Quat, Vec2, Vec3, vec3};
use serde::{Deserialize, Serialize};

/// Free margin at the sides of a framed object, as a fraction of the picture.
pub(super) const MARGIN: f32 = 0.07;
/// Free margin above a framed object, as a fraction of the picture, for names.
pub(super) const HEAD: f32 = 0.11;
/// Free margin below a framed object, as a fraction of the picture, for the legend.
pub(super) const FOOT: f32 = 0.13;

/// A perspective camera without roll.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Camera {
    /// World position of the camera.
    pub position: Vec3,
    /// Rotation around the y axis in radians; 0 looks along −z, positive turns left.
    pub yaw: f32,
    /// Elevation in radians, positive looks up; within ±π/2.
    pub pitch: f32,
    /// Vertical field of view in radians.
    pub fov_y: f32,
    /// Distance to the pivot of orbiting, in world units, greater than 0.
    pub focus: f32,
    /// Fraction of `focus` within which nothing is drawn: slabs whose centre is nearer are left out, so
    /// that they do not hide the pivot. In [0, 1); 0 draws all.
    #[serde(default)]
    pub clear: f32,
    /// Width by height of the picture for which the rows of slabs are chosen; 0 for the picture that is drawn.
    /// The position of the camera refers to those rows.
    #[serde(default)]
    pub aspect: f32,
}

/// Fraction of the clear distance over which slabs fade.
const FADE: f32 = 0.12;

/// A direction in which a camera looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Direction {
    /// Rotation around the y axis in radians.
    pub yaw: f32,
    /// Elevation in radians.
    pub pitch: f32,
}

impl Default for Direction {
    fn default() -> Self {
        Self { yaw: 0.9, pitch: -0.22 }
    }
}

impl Camera {
    /// Vertical field of view of every set view, in radians.
    pub const FOV_Y: f32 = 0.45;

    /// Returns `true` if all numbers are finite, `pitch` is within ±π/2, `fov_y` in (0, 3), `focus`
    /// positive and `clear` in [0, 1) and `aspect` not negative.
    pub fn is_valid(&self) -> bool {
        let numbers = [self.yaw, self.pitch, self.fov_y, self.focus, self.clear, self.aspect];
        self.position.is_finite()
            && numbers.iter().all(|number| number.is_finite())
            && self.pitch.abs() <= std::f32::consts::FRAC_PI_2
            && self.fov_y > 0.0
            && self.fov_y < 3.0
            && self.focus > 0.0
            && (0.0..1.0).contains(&self.clear)
            && self.aspect >= 0.0
    }

    /// The aspect ratio (width by height) for which rows are chosen in a picture of aspect ratio `shown`.
    pub fn rows_aspect(&self, shown: f32) -> f32 {
        if self.aspect > 0.0 { self.aspect } else { shown }
    }

    /// Viewing direction, of length 1.
    pub fn forward(&self) -> Vec3 {
        self.rotation() * Vec3::NEG_Z
    }

    /// Direction to the right of the picture, of length 1.
    pub fn right(&self) -> Vec3 {
        self.rotation() * Vec3::X
    }

    /// Direction to the top of the picture, of length 1.
    pub fn up(&self) -> Vec3 {
        self.rotation() * Vec3::Y
    }

    /// The world position that the camera orbits around.
    pub fn pivot(&self) -> Vec3 {
        self.position + self.forward() * self.focus
    }

    /// Rotation from view space to world space.
    pub fn rotation(&self) -> Quat {
        Quat::from_rotation_y(self.yaw) * Quat::from_rotation_x(self.pitch)
    }

    /// Opacity of an object at a world position, from 0 to 1, see [`Self::clear`].
    pub fn presence_at(&self, point: Vec3) -> f32 {
        let limit = self.clear * self.focus;
        if limit <= 0.0 {
            return 1.0;
        }
        let depth = (point - self.position).dot(self.forward());
        // Objects behind the camera hide nothing.
        if depth <= 0.0 { 1.0 } else { ((depth - (1.0 - FADE) * limit) / (FADE * limit)).clamp(0.0, 1.0) }
    }

    /// Transform from world space to view space: x right, y up, looking along −z.
    pub fn view_from_world(&self) -> Mat4 {
        Mat4::from_rotation_translation(self.rotation(), self.position).inverse()
    }

    /// Perspective projection with reversed, infinite depth: 1 at the near plane, 0 at infinity.
    /// `aspect` is width by height.
    pub fn clip_from_view(&self, aspect: f32) -> Mat4 {
        let f = 1.0 / (self.fov_y / 2.0).tan();
        Mat4::from_cols_array_2d(&[
            [f / aspect, 0.0, 0.0, 0.0],
            [0.0, f, 0.0, 0.0],
            [0.0, 0.0, 0.0, -1.0],
            [0.0, 0.0, self.near(), 0.0],
        ])
    }

    /// Transform from world space to clip space; `aspect` is width by height.
    pub fn clip_from_world(&self, aspect: f32) -> Mat4 {
        self.clip_from_view(aspect) * self.view_from_world()
    }

    /// Distance of the near plane, in world units.
    pub fn near(&self) -> f32 {
        (self.focus * 1e-3).clamp(1e-5, 0.05)
    }

    /// World direction, of length 1, of the ray through a point of the picture in [0, 1]², y down.
    pub fn ray(&self, point: Vec2, aspect: f32) -> Vec3 {
        let tan = (self.fov_y / 2.0).tan();
        let local = vec3((2.0 * point.x - 1.0) * tan * aspect, (1.0 - 2.0 * point.y) * tan, -1.0);
        (self.rotation() * local).normalize()
    }

    /// Projects a world position into the picture: its position in [0, 1]², y down, and its distance along
    /// the viewing direction. `None` behind the near plane.
    pub fn project(&self, world: Vec3, aspect: f32) -> Option<(Vec2, f32)> {
        let clip = self.clip_from_world(aspect) * world.extend(1.0);
        (clip.w > self.near()).then(|| {
            let ndc = clip.truncate() / clip.w;
            (Vec2::new(0.5 + 0.5 * ndc.x, 0.5 - 0.5 * ndc.y), clip.w)
        })
    }

    /// A camera at the origin.
    pub fn looking(Direction { yaw, pitch }: Direction) -> Self {
        Self { position: Vec3::ZERO, yaw, pitch, fov_y: Self::FOV_Y, focus: 1.0, clear: 0.0, aspect: 0.0 }
    }

    /// Returns `true` if an input's picture in front of the first slab does not cover that slab: the
    /// camera looks at both from the side.
    pub fn is_clear_of_picture(&self) -> bool {
        const STRAIGHT: f32 = 0.906; // cosine of 25°
        self.forward().dot(Vec3::NEG_Z) < STRAIGHT
    }

    /// The camera with the same direction, moved so that the box fits into the picture with a margin.
    pub fn framing(self, low: Vec3, high: Vec3, aspect: f32) -> Self {
        self.framing_boxes([(low, high)], aspect)
    }

    /// The camera with the same direction, moved so that the boxes fit into the picture with a margin; unchanged
    /// without boxes.
    pub fn framing_boxes(mut self, boxes: impl IntoIterator<Item = (Vec3, Vec3)>, aspect: f32) -> Self {
        let to_view = self.rotation().inverse();
        let tan = (self.fov_y / 2.0).tan();
        // Slopes of the lines from the eye to the edges of the area that is framed: left, right, bottom, top.
        let [left, right] = [-tan * aspect * (1.0 - 2.0 * MARGIN), tan * aspect * (1.0 - 2.0 * MARGIN)];
        let [bottom, top] = [-tan * (1.0 - 2.0 * FOOT), tan * (1.0 - 2.0 * HEAD)];
        // In view space each corner p must satisfy left · d ≤ p.x − e.x ≤ right · d, where d = e.z − p.z: two bounds
        // per axis on the eye e. The tighter axis sets the distance, and each axis is centred.
        let (mut low, mut high) = (Vec3::INFINITY, Vec3::NEG_INFINITY);
        let mut bounds = [f32::NEG_INFINITY, f32::INFINITY, f32::NEG_INFINITY, f32::INFINITY];
        for (box_low, box_high) in boxes {
            (low, high) = (low.min(box_low), high.max(box_high));
            for i in 0..8 {
                let select = glam::BVec3::new(i & 1 == 1, i & 2 == 2, i & 4 == 4);
                let p = to_view * Vec3::select(select, box_high, box_low);
                // e.x + right · e.z ≥ p.x + right · p.z, and so on.
                bounds[0] = bounds[0].max(p.x + right * p.z);
                bounds[1] = bounds[1].min(p.x + left * p.z);
                bounds[2] = bounds[2].max(p.y + top * p.z);
                bounds[3] = bounds[3].min(p.y + bottom * p.z);
            }
        }
        if !low.is_finite() || !high.is_finite() {
            self.aspect = aspect;
            return self;
        }
        let [max_right, min_left, max_top, min_bottom] = bounds;
        let z = ((max_right - min_left) / (right - left)).max((max_top - min_bottom) / (top - bottom));
        let x = 0.5 * ((max_right - right * z) + (min_left - left * z));
        let y = 0.5 * ((max_top - top * z) + (min_bottom - bottom * z));
        let middle = to_view * ((low + high) / 2.0);
        self.aspect = aspect;
        self.position = self.rotation() * vec3(x, y, z);
        self.focus = (z - middle.z).max(1e-3);
        self
    }

    /// Interpolates between two cameras, `t` in [0, 1]; rotates by the smaller of the two angles.
    pub fn lerp(self, to: Self, t: f32) -> Self {
        let turn = (to.yaw - self.yaw + std::f32::consts::PI).rem_euclid(std::f32::consts::TAU)
            - std::f32::consts::PI;
        let mix = |a: f32, b: f32| a + (b - a) * t;
        Self {
            position: self.position.lerp(to.position, t),
            yaw: self.yaw + turn * t,
            pitch: mix(self.pitch, to.pitch),
            fov_y: mix(self.fov_y, to.fov_y),
            focus: (mix(self.focus.ln(), to.focus.ln())).exp(),
            clear: mix(self.clear, to.clear),
            aspect: to.aspect,
        }
    }
}

#[cfg(test)]
mod tests;
