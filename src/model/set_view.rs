//! The cameras of a layout: the set views, and those that frame slabs.

use glam::{Vec3, vec3};
use serde::{Deserialize, Serialize};

use super::camera::{Camera, Direction};
use super::layout::{Layout, Slab};

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

    /// Opacity of a slab, from 0 to 1, see [`Self::clear`]; 0 for a hidden slab.
    pub fn presence(&self, slab: &Slab) -> f32 {
        if slab.hidden {
            return 0.0;
        }
        self.presence_at(slab.centre)
    }
}

#[cfg(test)]
mod tests;
