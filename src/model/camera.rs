//! The camera: a small value that can be stored, compared and interpolated.

use glam::{Mat4, Quat, Vec2, Vec3, vec3};
use serde::{Deserialize, Serialize};

use super::layout::{Layout, Slab};

/// Free margin around a framed box, as a fraction of the picture.
const MARGIN: f32 = 0.07;
/// Free space below a slab that is framed alone, as a fraction of its height; its name and the legend
/// are drawn there.
const FOOT: f32 = 0.1;

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
}

/// Fraction of the clear distance over which slabs fade.
const FADE: f32 = 0.12;
/// [`Camera::clear`] of [`Camera::of_slab`]: leaves out every slab in front of the framed one.
const CLEAR: f32 = 0.96;

/// The set views, as named on the command line and on the keys 1–5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SetView {
    /// Three-quarter view from a low elevation, the whole network in frame.
    #[default]
    Overview,
    /// Perpendicular to the first slab, from the input side.
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
    /// positive and `clear` in [0, 1).
    pub fn is_valid(&self) -> bool {
        let numbers = [self.yaw, self.pitch, self.fov_y, self.focus, self.clear];
        self.position.is_finite()
            && numbers.iter().all(|number| number.is_finite())
            && self.pitch.abs() <= std::f32::consts::FRAC_PI_2
            && self.fov_y > 0.0
            && self.fov_y < 3.0
            && self.focus > 0.0
            && (0.0..1.0).contains(&self.clear)
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
        let (low, high) = layout.bounds();
        let look = |yaw: f32, pitch: f32| Self {
            position: Vec3::ZERO,
            yaw,
            pitch,
            fov_y: Self::FOV_Y,
            focus: 1.0,
            clear: 0.0,
        };
        let Some(largest) = layout.slabs.iter().max_by(|a, b| a.extent().x.total_cmp(&b.extent().x)) else {
            return look(0.0, 0.0).framing(Vec3::NEG_ONE, Vec3::ONE, aspect);
        };
        match view {
            SetView::Overview => look(0.9, -0.22).framing(low, high, aspect),
            SetView::Front => {
                let (low, high) = with_foot(&layout.slabs[0]);
                look(0.0, 0.0).framing(low, high, aspect)
            }
            SetView::Top => look(1.15, -1.05).framing(low, high, aspect),
            SetView::Grazing => {
                // The camera is just outside the slab's right edge and looks nearly along its face.
                let extent = largest.extent();
                let mut camera = look(1.43, -0.05);
                camera.focus = 0.7 * extent.x;
                camera.position = largest.centre
                    + vec3(0.62 * extent.x, 0.05 * extent.y, 0.10 * extent.x + largest.max_height());
                camera
            }
            SetView::Close => {
                let mut camera = look(0.45, -0.35);
                let (column, row) = (largest.grid.columns / 2, largest.grid.rows / 2);
                camera.focus = 12.0 * largest.pitch;
                camera.position = largest.cell_centre(column, row) - camera.forward() * camera.focus;
                camera
            }
        }
    }

    /// The camera that frames one slab nearly from the front and leaves out all slabs in front of it.
    pub fn of_slab(slab: &Slab, aspect: f32) -> Self {
        let (low, high) = with_foot(slab);
        Self { position: Vec3::ZERO, yaw: 0.25, pitch: -0.12, fov_y: Self::FOV_Y, focus: 1.0, clear: CLEAR }
            .framing(low, high, aspect)
    }

    /// Returns `true` if an input's picture in front of the first slab does not cover that slab: the
    /// camera looks at both from the side.
    pub fn is_clear_of_picture(&self) -> bool {
        const STRAIGHT: f32 = 0.906; // cosine of 25°
        self.forward().dot(Vec3::NEG_Z) < STRAIGHT
    }

    /// The camera with the same direction, moved so that the box fits into the picture with a margin.
    pub fn framing(mut self, low: Vec3, high: Vec3, aspect: f32) -> Self {
        let tan_y = (self.fov_y / 2.0).tan() * (1.0 - 2.0 * MARGIN);
        let tan_x = tan_y * aspect;
        let to_view = self.rotation().inverse();
        let corners: [Vec3; 8] = std::array::from_fn(|i| {
            to_view * Vec3::select(glam::BVec3::new(i & 1 == 1, i & 2 == 2, i & 4 == 4), high, low)
        });
        // In view space each corner p must satisfy |p.x − e.x| ≤ tan_x (e.z − p.z): two slopes per
        // axis bound the eye e; the tighter axis sets the distance and each axis is centred.
        let span = |along: fn(Vec3) -> f32, tan: f32| {
            let upper = corners.iter().map(|&p| along(p) + tan * p.z).fold(f32::NEG_INFINITY, f32::max);
            let lower = corners.iter().map(|&p| along(p) - tan * p.z).fold(f32::INFINITY, f32::min);
            (lower, upper)
        };
        let (left, right) = span(|p| p.x, tan_x);
        let (bottom, top) = span(|p| p.y, tan_y);
        let z = ((right - left) / (2.0 * tan_x)).max((top - bottom) / (2.0 * tan_y));
        let eye = vec3((left + right) / 2.0, (bottom + top) / 2.0, z);
        let middle = to_view * ((low + high) / 2.0);
        self.position = self.rotation() * eye;
        self.focus = (eye.z - middle.z).max(1e-3);
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
        }
    }
}

/// The box around a slab and the text below it: (lowest corner, highest corner).
fn with_foot(slab: &Slab) -> (Vec3, Vec3) {
    let (low, high) = slab.bounds();
    (low - vec3(0.0, FOOT * (high.y - low.y), 0.0), high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Grid;

    #[test]
    fn framing_shows_the_whole_box_with_its_margin() {
        let layout = Layout::of_grids([
            (Grid::near_square(64), 64),
            (Grid::near_square(4096), 4096),
            (Grid::column(10), 10),
        ]);
        let (low, high) = layout.bounds();
        for aspect in [0.6, 1.0, 16.0 / 9.0] {
            let camera = Camera::set_view(SetView::Overview, &layout, aspect);
            let (mut least, mut most) = (Vec2::INFINITY, Vec2::NEG_INFINITY);
            for i in 0..8 {
                let corner = vec3(
                    if i & 1 == 1 { high.x } else { low.x },
                    if i & 2 == 2 { high.y } else { low.y },
                    if i & 4 == 4 { high.z } else { low.z },
                );
                let (point, _) = camera.project(corner, aspect).expect("in front of the camera");
                (least, most) = (least.min(point), most.max(point));
            }
            assert!(
                least.min_element() >= MARGIN - 1e-3 && most.max_element() <= 1.0 - MARGIN + 1e-3,
                "{least} {most}"
            );
            let fill = (most - least).max_element();
            assert!(fill > 1.0 - 2.0 * MARGIN - 0.02, "one axis is filled, {fill}");
        }
    }

    #[test]
    fn an_input_picture_covers_the_first_slab_from_the_front_only() {
        let mut layout = Layout::of_grids([(Grid::near_square(64), 64), (Grid::near_square(64), 64)]);
        layout.picture = Some(1.0);
        assert!(Camera::set_view(SetView::Overview, &layout, 1.5).is_clear_of_picture());
        assert!(!Camera::set_view(SetView::Front, &layout, 1.5).is_clear_of_picture());
        assert!(!Camera::of_slab(&layout.slabs[0], 1.5).is_clear_of_picture());
    }

    #[test]
    fn ray_and_project_are_inverse() {
        let camera = Camera {
            position: vec3(1.0, 2.0, 3.0),
            yaw: 0.4,
            pitch: -0.3,
            fov_y: 0.7,
            focus: 4.0,
            clear: 0.0,
        };
        let point = Vec2::new(0.2, 0.8);
        let world = camera.position + camera.ray(point, 1.5) * 7.0;
        let (back, _) = camera.project(world, 1.5).expect("in front of the camera");
        assert!((back - point).length() < 1e-5, "{back}");
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
}
