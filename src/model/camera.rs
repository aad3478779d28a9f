//! The eye: a small value that can be stored, compared and interpolated.

use glam::{Mat4, Quat, Vec2, Vec3, vec3};
use serde::{Deserialize, Serialize};

use super::layout::{Layout, Slab};

/// Free margin around a framed box, as a share of the picture.
const MARGIN: f32 = 0.07;
/// Free space below a slab that is framed alone, as a share of its height: its name and the legend
/// stand there.
const FOOT: f32 = 0.1;

/// A perspective camera without roll.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Camera {
    /// World position of the eye.
    pub position: Vec3,
    /// Turn around the y axis in radians; 0 looks along −z, positive turns left.
    pub yaw: f32,
    /// Tilt in radians, positive looks up; within ±π/2.
    pub pitch: f32,
    /// Vertical field of view in radians.
    pub fov_y: f32,
    /// Distance to what is orbited around, in world units.
    pub focus: f32,
    /// Share of `focus` that is kept clear: slabs whose middle is nearer are not drawn, so that
    /// they do not hide what is looked at. In [0, 1); 0 draws all.
    #[serde(default)]
    pub clear: f32,
}

/// Share of the clear distance over which slabs fade.
const FADE: f32 = 0.12;
/// What [`Camera::of_slab`] keeps clear: everything that stands before the slab.
const CLEAR: f32 = 0.96;

/// The set views, as named on the command line and on the keys 1–5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SetView {
    /// Three-quarter, low, everything in frame.
    #[default]
    Overview,
    /// Straight at the first slab from the input side.
    Front,
    /// From above.
    Top,
    /// Along a slab's face, cells seen from the side.
    Grazing,
    /// So near that few cells fill the picture.
    Close,
}

impl SetView {
    pub const ALL: [Self; 5] = [Self::Overview, Self::Front, Self::Top, Self::Grazing, Self::Close];

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
    /// Vertical field of view of every set view.
    pub const FOV_Y: f32 = 0.45;

    /// Whether it can be drawn from: numbers are finite, the tilt within ±π/2, the field of view in
    /// (0, 3), the focus positive, `clear` in [0, 1).
    pub fn is_sound(&self) -> bool {
        let numbers = [self.yaw, self.pitch, self.fov_y, self.focus, self.clear];
        self.position.is_finite()
            && numbers.iter().all(|number| number.is_finite())
            && self.pitch.abs() <= std::f32::consts::FRAC_PI_2
            && self.fov_y > 0.0
            && self.fov_y < 3.0
            && self.focus > 0.0
            && (0.0..1.0).contains(&self.clear)
    }

    /// Direction of sight.
    pub fn forward(&self) -> Vec3 {
        self.rotation() * Vec3::NEG_Z
    }

    pub fn right(&self) -> Vec3 {
        self.rotation() * Vec3::X
    }

    pub fn up(&self) -> Vec3 {
        self.rotation() * Vec3::Y
    }

    /// What is orbited around.
    pub fn pivot(&self) -> Vec3 {
        self.position + self.forward() * self.focus
    }

    pub fn rotation(&self) -> Quat {
        Quat::from_rotation_y(self.yaw) * Quat::from_rotation_x(self.pitch)
    }

    /// How much of a slab is drawn, from 0 to 1, see [`Self::clear`]; nothing of one that is hidden.
    pub fn presence(&self, slab: &Slab) -> f32 {
        if slab.hidden {
            return 0.0;
        }
        self.presence_at(slab.centre)
    }

    /// How much is drawn of what lies at a point of the world, from 0 to 1, see [`Self::clear`].
    pub fn presence_at(&self, point: Vec3) -> f32 {
        let limit = self.clear * self.focus;
        if limit <= 0.0 {
            return 1.0;
        }
        let depth = (point - self.position).dot(self.forward());
        // What lies behind the eye hides nothing.
        if depth <= 0.0 { 1.0 } else { ((depth - (1.0 - FADE) * limit) / (FADE * limit)).clamp(0.0, 1.0) }
    }

    pub fn view_from_world(&self) -> Mat4 {
        Mat4::from_rotation_translation(self.rotation(), self.position).inverse()
    }

    /// Lens with reversed, infinite depth: 1 at the near plane, 0 at infinity.
    pub fn clip_from_view(&self, aspect: f32) -> Mat4 {
        let f = 1.0 / (self.fov_y / 2.0).tan();
        Mat4::from_cols_array_2d(&[
            [f / aspect, 0.0, 0.0, 0.0],
            [0.0, f, 0.0, 0.0],
            [0.0, 0.0, 0.0, -1.0],
            [0.0, 0.0, self.near(), 0.0],
        ])
    }

    pub fn clip_from_world(&self, aspect: f32) -> Mat4 {
        self.clip_from_view(aspect) * self.view_from_world()
    }

    /// Nearest distance that is drawn.
    pub fn near(&self) -> f32 {
        (self.focus * 1e-3).clamp(1e-5, 0.05)
    }

    /// Direction of the ray through a point of the picture, in [0, 1]², y down.
    pub fn ray(&self, point: Vec2, aspect: f32) -> Vec3 {
        let tan = (self.fov_y / 2.0).tan();
        let local = vec3((2.0 * point.x - 1.0) * tan * aspect, (1.0 - 2.0 * point.y) * tan, -1.0);
        (self.rotation() * local).normalize()
    }

    /// Where a world point falls in the picture, in [0, 1]² with y down, and its distance along the
    /// line of sight; `None` behind the eye.
    pub fn project(&self, world: Vec3, aspect: f32) -> Option<(Vec2, f32)> {
        let clip = self.clip_from_world(aspect) * world.extend(1.0);
        (clip.w > self.near()).then(|| {
            let ndc = clip.truncate() / clip.w;
            (Vec2::new(0.5 + 0.5 * ndc.x, 0.5 - 0.5 * ndc.y), clip.w)
        })
    }

    /// One of the set views of a network.
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
                // The eye just before the slab's right edge, sight nearly along its face.
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

    /// The view that shows one slab nearly from the front, and none before it.
    pub fn of_slab(slab: &Slab, aspect: f32) -> Self {
        let (low, high) = with_foot(slab);
        Self { position: Vec3::ZERO, yaw: 0.25, pitch: -0.12, fov_y: Self::FOV_Y, focus: 1.0, clear: CLEAR }
            .framing(low, high, aspect)
    }

    /// Whether an input's picture before the first slab leaves that slab in sight: not when the eye
    /// looks straight at both.
    pub fn sees_past_picture(&self) -> bool {
        const STRAIGHT: f32 = 0.906; // cosine of 25°
        self.forward().dot(Vec3::NEG_Z) < STRAIGHT
    }

    /// The same direction of sight, moved so that the box just fits with a margin.
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

    /// Between two cameras, `t` in [0, 1]; turns the short way round.
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

/// The box around a slab and what is written below it.
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
                let (point, _) = camera.project(corner, aspect).expect("in front of the eye");
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
    fn the_picture_stands_in_the_overview_and_leaves_the_front_view_free() {
        let mut layout = Layout::of_grids([(Grid::near_square(64), 64), (Grid::near_square(64), 64)]);
        layout.picture = Some(1.0);
        assert!(Camera::set_view(SetView::Overview, &layout, 1.5).sees_past_picture());
        assert!(!Camera::set_view(SetView::Front, &layout, 1.5).sees_past_picture());
        assert!(!Camera::of_slab(&layout.slabs[0], 1.5).sees_past_picture());
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
        let (back, _) = camera.project(world, 1.5).expect("in front of the eye");
        assert!((back - point).length() < 1e-5, "{back}");
    }

    #[test]
    fn a_framed_slab_is_hidden_by_none() {
        let layout = Layout::of_grids([(Grid::near_square(4096), 4096); 6]);
        for (index, slab) in layout.slabs.iter().enumerate() {
            let camera = Camera::of_slab(slab, 1.6);
            for (other, before) in layout.slabs.iter().enumerate() {
                let behind = (before.centre - camera.position).dot(camera.forward()) < 0.0;
                let wanted = if other < index && !behind { 0.0 } else { 1.0 };
                assert_eq!(camera.presence(before), wanted, "slab {other} while {index} is framed");
            }
            let overview = Camera::set_view(SetView::Overview, &layout, 1.6);
            assert_eq!(overview.presence(slab), 1.0);
        }
    }
}
