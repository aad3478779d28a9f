//! Placement of the names of slabs, so that they cover no slab, no other name and no leader line.

use egui::{Pos2, Rect, Vec2, pos2, vec2};

use super::projection::ConvexOutline;

/// Free space between a name and its slab, in points.
const GAP: f32 = 4.0;
/// Free space between two names, in points.
const NAME_GAP: Vec2 = vec2(12.0, 6.0);
/// Least distance of a name to the edge of the picture, in points.
const MARGIN: f32 = 8.0;
/// Step between two lengths of leader lines that are tried, in points.
const LEADER_STEP: f32 = 18.0;
/// Least length of a leader line that is drawn, in points.
const MIN_LEADER: f32 = 12.0;

/// Finds places for the names of slabs.
pub struct LabelPlacer<'a> {
    /// The place of the picture, in points.
    pub rect: Rect,
    /// The outline of each slab; `None` for one that reaches behind the camera.
    pub outlines: &'a [Option<ConvexOutline>],
    /// The areas of other names and lines.
    pub taken: &'a [Rect],
    /// Greatest length of the leader line from a slab to its name, in points.
    pub max_leader: f32,
}

/// The place of a name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelPlacement {
    /// The rectangle of the name, in points.
    pub place: Rect,
    /// Alignment of shorter lines of text in `place`: 0 left, ½ centred, 1 right.
    pub align: f32,
    /// The line from the slab to a name at a distance from it.
    pub leader: Option<[Pos2; 2]>,
}

impl LabelPlacement {
    /// The areas that later names may not cover.
    pub fn covered(&self) -> impl Iterator<Item = Rect> {
        [Some(self.place.expand2(NAME_GAP / 2.0)), self.leader.map(leader_rect)].into_iter().flatten()
    }
}

/// The side of its slab on which a name is placed.
#[derive(Clone, Copy, PartialEq)]
enum LabelSide {
    Below,
    Above,
}

impl LabelPlacer<'_> {
    /// Returns a place for a name of this size: below its slab, above it, beside it, or, with a leader line,
    /// below or above all slabs. `own` is the outline of its slab.
    pub fn find(&self, size: Vec2, own: &ConvexOutline) -> Option<LabelPlacement> {
        let bounds = own.bounds();
        if !bounds.intersect(self.rect).is_positive() {
            return None;
        }
        let middle = bounds.center().x;
        let (from, to) = (middle - size.x / 2.0 - GAP, middle + size.x / 2.0 + GAP);
        let near = own.y_range(from, to)?;
        let far = self
            .outlines
            .iter()
            .flatten()
            .filter_map(|outline| outline.y_range(from, to))
            .fold(near, |(low, high), (top, bottom)| (low.min(top), high.max(bottom)));
        let right = |y: f32| self.beside(size, pos2(bounds.right() + 2.0 * GAP, y), 0.0);
        let left = |y: f32| self.beside(size, pos2(bounds.left() - 2.0 * GAP, y), 1.0);
        let near = [
            self.below_or_above(size, own, near.1 + GAP, LabelSide::Below),
            self.below_or_above(size, own, near.0 - GAP, LabelSide::Above),
            right(bounds.center().y),
            right(bounds.bottom() - size.y / 2.0),
            left(bounds.center().y),
            left(bounds.top() + size.y / 2.0),
        ];
        near.into_iter().flatten().next().or_else(|| {
            // Further and further beyond all slabs there.
            (0..)
                .map(|step| 3.0 * GAP + step as f32 * LEADER_STEP)
                .take_while(|distance| *distance <= self.max_leader)
                .flat_map(|distance| {
                    [(far.1 + distance, LabelSide::Below), (far.0 - distance, LabelSide::Above)]
                })
                .find_map(|(y, side)| self.below_or_above(size, own, y, side))
        })
    }

    /// Returns a place below or above the slab, centred, with the name's near edge at `y`, if that is free.
    fn below_or_above(
        &self,
        size: Vec2,
        own: &ConvexOutline,
        y: f32,
        side: LabelSide,
    ) -> Option<LabelPlacement> {
        let middle = own.bounds().center().x;
        let (top, bottom) = own.y_range(middle, middle)?;
        let (edge_y, sign) = match side {
            LabelSide::Below => (bottom, 1.0),
            LabelSide::Above => (top, -1.0),
        };
        let label_top = if side == LabelSide::Below { y } else { y - size.y };
        let place = Rect::from_min_size(pos2(middle - size.x / 2.0, label_top), size);
        let length = sign * (y - edge_y);
        if length > self.max_leader || !self.is_free(place) {
            return None;
        }
        let leader =
            (length > MIN_LEADER).then(|| [pos2(middle, edge_y + sign * GAP), pos2(middle, y - sign)]);
        let is_leader_free = leader.is_none_or(|leader| {
            let line = leader_rect(leader);
            let others = self.outlines.iter().flatten().filter(|outline| !std::ptr::eq(*outline, own));
            !self.taken.iter().any(|taken| taken.intersects(line))
                && !others.into_iter().any(|outline| outline.intersects(line))
        });
        is_leader_free.then_some(LabelPlacement { place, align: 0.5, leader })
    }

    /// Returns a place beside the slab, with the middle of the name's near edge at `at`, if that is free.
    fn beside(&self, size: Vec2, at: Pos2, align: f32) -> Option<LabelPlacement> {
        let place = Rect::from_min_size(at - vec2(align * size.x, size.y / 2.0), size);
        self.is_free(place).then_some(LabelPlacement { place, align, leader: None })
    }

    fn is_free(&self, place: Rect) -> bool {
        self.rect.shrink(MARGIN).contains_rect(place)
            && !self.taken.iter().any(|taken| taken.intersects(place.expand2(NAME_GAP / 2.0)))
            && !self.outlines.iter().flatten().any(|outline| outline.intersects(place.expand(1.0)))
    }
}

/// The area that is kept free for a leader line.
fn leader_rect([from, to]: [Pos2; 2]) -> Rect {
    Rect::from_two_pos(from, to).expand2(vec2(2.0, 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Vec2 = vec2(40.0, 10.0);

    fn slab(rect: Rect) -> ConvexOutline {
        ConvexOutline::hull_of(vec![
            rect.left_top(),
            rect.right_top(),
            rect.right_bottom(),
            rect.left_bottom(),
        ])
    }

    fn rect(x: f32, y: f32, width: f32, height: f32) -> Rect {
        Rect::from_min_size(pos2(x, y), vec2(width, height))
    }

    #[test]
    fn a_name_is_placed_below_its_slab_then_above_then_beside() {
        let own = slab(rect(100.0, 100.0, 50.0, 50.0));
        let outlines = [Some(own.clone())];
        let picture = rect(0.0, 0.0, 400.0, 300.0);
        let find = |taken: &[Rect]| {
            LabelPlacer { rect: picture, outlines: &outlines, taken, max_leader: 64.0 }.find(SIZE, &own)
        };
        let below = find(&[]).expect("all is free");
        assert!(below.place.top() > 150.0 && below.leader.is_none());
        let area_below = rect(0.0, 151.0, 400.0, 150.0);
        let above = find(&[area_below]).expect("free above");
        assert!(above.place.bottom() < 100.0);
        let area_above = rect(0.0, 0.0, 400.0, 99.0);
        let beside = find(&[area_below, area_above]).expect("free beside");
        assert!(beside.place.left() > 150.0 && beside.align == 0.0);
        assert_eq!(find(&[picture]), None, "nothing is free");
    }

    #[test]
    fn a_leader_line_crosses_no_other_slab_and_no_other_name() {
        let own = slab(rect(100.0, 100.0, 50.0, 50.0));
        let picture = rect(0.0, 0.0, 400.0, 400.0);
        // A narrow slab right below leaves room only for a name further down, whose line it blocks.
        let walls =
            [rect(0.0, 0.0, 400.0, 99.0), rect(160.0, 0.0, 240.0, 400.0), rect(0.0, 0.0, 90.0, 400.0)];
        let block = slab(rect(120.0, 155.0, 10.0, 20.0));
        let outlines = [Some(own.clone()), Some(block)];
        let blocked = LabelPlacer { rect: picture, outlines: &outlines, taken: &walls, max_leader: 64.0 };
        assert_eq!(blocked.find(SIZE, &own), None);
        let aside = slab(rect(103.0, 155.0, 10.0, 20.0));
        let outlines = [Some(own.clone()), Some(aside)];
        let free = LabelPlacer { rect: picture, outlines: &outlines, taken: &walls, max_leader: 64.0 };
        let placement = free.find(SIZE, &own).expect("the line passes beside the slab");
        assert!(placement.leader.is_some() && placement.place.top() > 175.0);
    }
}
