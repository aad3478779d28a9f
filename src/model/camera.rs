//! The camera: a small value that can be stored, compared and interpolated.

use glam::{Mat4, Quat, Vec2, Vec3, vec3};
use serde::{Deserialize, Serialize};

use super::layout::{Direction, Layout, Slab};

/// Free margin at the sides of a framed object, as a fraction of the picture.
const MARGIN: f32 = 0.07;
/// Free margin above a framed object, as a fraction of the picture, for names.
const HEAD: f32 = 0.11;
/// Free margin below a framed object, as a fraction of the picture, for the legend.
const FOOT: f32 = 0.15;

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
/// [`Camera::clear`] of [`Camera::of_slab`]: leaves out every slab in front of the framed one.
const CLEAR: f32 = 0.96;
/// [`Camera::clear`] of [`Camera::of_boxes`]: leaves out slabs that are much nearer.
const GROUP_CLEAR: f32 = 0.6;

/// The set views, as named on the command line and on the keys 1–5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SetView {
    /// Three-quarter view from a low elevation, the whole network in frame.
    #[default]
    Overview,
    /// From the input side, so high that the faces of all slabs are seen.
    Front,
    /// From above.
    Top,
    /// Along the face of the largest slab, cells seen from the side.
    Grazing,
    /// So close to the largest slab that a few cells fill the picture.
    Close,
}

impl SetView {
    /// All set views, in the order of the keys 1–5.
    pub const ALL: [Self; 5] = [Self::Overview, Self::Front, Self::Top, Self::Grazing, Self::Close];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Front => "front",
            Self::Top => "top",
            Self::Grazing => "grazing",
            Self::Close => "close",
        }
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

    /// Opacity of a slab, from 0 to 1, see [`Self::clear`]; 0 for a hidden slab.
    pub fn presence(&self, slab: &Slab) -> f32 {
        if slab.hidden {
            return 0.0;
        }
        self.presence_at(slab.centre)
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

    /// The camera of a set view of a network; `aspect` is width by height.
    pub fn set_view(view: SetView, layout: &Layout, aspect: f32) -> Self {
        let Some(largest) = layout.largest_slab() else {
            return Self::looking(Direction::default()).framing(Vec3::NEG_ONE, Vec3::ONE, aspect);
        };
        match view {
            SetView::Overview => Self::overview(layout, aspect),
            SetView::Front => {
                Self::best_of(layout, aspect, &[0.0, 0.15, 0.3, 0.45], &[-0.15, -0.3, -0.45, -0.6, -0.8])
            }
            SetView::Top => Self::best_of(layout, aspect, &[0.6, 0.9, 1.15], &[-0.85, -1.0, -1.15]),
            SetView::Grazing => {
                // The camera is just outside the slab's right edge and looks nearly along its face.
                let extent = largest.extent();
                let mut camera = Self::looking(Direction { yaw: 1.43, pitch: -0.05 });
                (camera.focus, camera.aspect) = (0.7 * extent.x, aspect);
                camera.position = largest.centre
                    + vec3(0.62 * extent.x, 0.05 * extent.y, 0.10 * extent.x + largest.max_height());
                camera
            }
            SetView::Close => {
                let mut camera = Self::looking(Direction { yaw: 0.45, pitch: -0.35 });
                let (column, row) = (largest.grid.columns / 2, largest.grid.rows / 2);
                (camera.focus, camera.aspect) = (12.0 * largest.pitch, aspect);
                camera.position = largest.cell_centre(column, row) - camera.forward() * camera.focus;
                camera
            }
        }
    }

    /// The camera of [`SetView::Overview`].
    pub fn overview(layout: &Layout, aspect: f32) -> Self {
        Self::looking(layout.overview).framing_boxes(layout.boxes(), aspect)
    }

    /// The camera that frames a layout in that one of several directions in which its slabs are the largest.
    fn best_of(layout: &Layout, aspect: f32, yaws: &[f32], pitches: &[f32]) -> Self {
        let direction = |&yaw: &f32| pitches.iter().map(move |&pitch| Direction { yaw, pitch });
        let directions: Vec<Direction> = yaws.iter().flat_map(direction).collect();
        let best = layout.best_direction(&directions, aspect);
        Self::looking(best).framing_boxes(layout.boxes(), aspect)
    }

    /// A camera at the origin.
    pub(super) fn looking(Direction { yaw, pitch }: Direction) -> Self {
        Self { position: Vec3::ZERO, yaw, pitch, fov_y: Self::FOV_Y, focus: 1.0, clear: 0.0, aspect: 0.0 }
    }

    /// The camera that frames one slab nearly from the front and leaves out all slabs in front of it.
    pub fn of_slab(slab: &Slab, aspect: f32) -> Self {
        let (low, high) = slab.bounds();
        Self { clear: CLEAR, ..Self::looking(Direction { yaw: 0.25, pitch: -0.12 }) }
            .framing(low, high, aspect)
    }

    /// The camera that frames the boxes of a group of layers from the direction of the overview.
    pub fn of_boxes(layout: &Layout, boxes: &[(Vec3, Vec3)], aspect: f32) -> Self {
        Self { clear: GROUP_CLEAR, ..Self::looking(layout.overview) }
            .framing_boxes(boxes.iter().copied(), aspect)
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
