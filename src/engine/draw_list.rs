//! Everything that one picture draws, in draw order.

use std::ops::Range;

use glam::{Vec3, vec3};

use super::floors::{self, Area};
use super::frame::{Frame, Nearness, SlabData};
use super::ribbons::{self, Segment};
use crate::model::draw_order::Bounds;
use crate::model::layout::{SLAB_BORDER, SLAB_THICKNESS};
use crate::model::{DrawOrder, Drawn, Slab};

/// The objects of one picture, each kind in draw order.
#[derive(Default)]
pub(super) struct DrawList {
    /// The slabs, back to front.
    pub slabs: Vec<SlabData>,
    /// The nearness of each slab.
    pub nearness: Vec<Nearness>,
    /// Parts of ribbons.
    pub segments: Vec<Segment>,
    /// Floors and shadows.
    pub areas: Vec<Area>,
    /// All objects, back to front: ranges of those of one kind.
    pub runs: Vec<(DrawKind, Range<u32>)>,
}

/// The kind of objects that are drawn one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DrawKind {
    /// [`DrawList::slabs`].
    Slabs,
    /// [`DrawList::segments`].
    Segments,
    /// [`DrawList::areas`].
    Areas,
    /// The input's picture.
    Picture,
}

impl DrawList {
    /// Lists the objects of a picture.
    pub(super) fn new(frame: &Frame<'_>) -> Self {
        let (layout, camera) = (frame.layout(), &frame.view.camera);
        let shown: Vec<usize> =
            (0..layout.slabs.len()).filter(|&index| camera.presence(&layout.slabs[index]) > 0.0).collect();
        let floors: Vec<usize> = (0..layout.floors.len())
            .filter(|&floor| camera.position.y > layout.floors[floor].low.y)
            .collect();
        let picture = frame.picture.and_then(|picture| picture.bounds(layout));
        let slab_bounds = |&index: &usize| bounds(&layout.slabs[index], frame.view.height);
        let floor_bounds = |&floor: &usize| (layout.floors[floor].low, layout.floors[floor].high);
        let boxes: Vec<Bounds> =
            shown.iter().map(slab_bounds).chain(floors.iter().map(floor_bounds)).chain(picture).collect();
        let ribbons = ribbons::segments(&frame.network, layout, camera);
        let order = DrawOrder::new(boxes);
        let pieces = order.pieces(ribbons.iter().map(|segment| [segment.start, segment.finish]));
        let mut list = Self::default();
        for drawn in order.back_to_front(camera.position, &pieces) {
            match drawn {
                Drawn::Box(index) if index < shown.len() => {
                    let (slab, nearness) = frame.slab(shown[index]);
                    list.slabs.push(slab);
                    list.nearness.push(nearness);
                    list.add(DrawKind::Slabs, list.slabs.len(), 1);
                }
                Drawn::Box(index) => match floors.get(index - shown.len()) {
                    Some(&floor) => {
                        let areas = floors::areas(layout, &layout.floors[floor]);
                        let count = areas.len();
                        list.areas.extend(areas);
                        list.add(DrawKind::Areas, list.areas.len(), count);
                    }
                    None => list.add(DrawKind::Picture, 1, 1),
                },
                Drawn::Segment(index) => {
                    let piece = pieces[index];
                    list.segments.push(ribbons[piece.segment].part(piece.from, piece.to));
                    list.add(DrawKind::Segments, list.segments.len(), 1);
                }
            }
        }
        list
    }

    /// Adds the last `count` of now `end` objects of a kind.
    fn add(&mut self, kind: DrawKind, end: usize, count: usize) {
        let (start, end) = ((end - count) as u32, end as u32);
        match self.runs.last_mut() {
            Some((last, run)) if *last == kind => run.end = end,
            _ => self.runs.push((kind, start..end)),
        }
    }
}

/// Returns the box around a slab with its border and its cells, which are `height` times as high as usual.
fn bounds(slab: &Slab, height: f32) -> Bounds {
    let half = (slab.extent() / 2.0 + SLAB_BORDER).extend(0.0);
    let out: Vec3 = vec3(0.0, 0.0, slab.max_height() * height.max(1.0));
    (slab.centre - half - Vec3::Z * SLAB_THICKNESS, slab.centre + half + out)
}
