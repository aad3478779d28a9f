//! Which part of a window a frame changes, so that only this is painted anew. Where a processor plays the
//! device, painting all panels costs several times what laying them out does.

use egui::Rect;
use egui::epaint::ClippedShape;

/// How far around a shape its pixels may lie: it is moved onto the grid of pixels, and its edges are
/// softened.
const MARGIN: f32 = 2.0;
/// How many shapes may have come or gone in one place before the rest is no longer recognised.
const GAP: usize = 32;
/// The most parts that a frame is painted in; what is more is joined.
const MOST: usize = 8;

/// Pixels from `min` up to `max`, which is not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelRect {
    pub min: [u32; 2],
    pub max: [u32; 2],
}

impl PixelRect {
    /// From `corner` on.
    pub fn at(corner: [u32; 2], size: [u32; 2]) -> Self {
        Self { min: corner, max: [corner[0] + size[0], corner[1] + size[1]] }
    }

    /// The nearest ones to a rectangle in points, within `size` pixels.
    pub fn nearest(rect: Rect, pixels_per_point: f32, size: [u32; 2]) -> Self {
        Self::within((rect * pixels_per_point).round(), size)
    }

    /// All that a rectangle in points touches, within `size` pixels.
    fn around(rect: Rect, pixels_per_point: f32, size: [u32; 2]) -> Self {
        let rect = rect * pixels_per_point;
        Self::within(Rect::from_min_max(rect.min.floor(), rect.max.ceil()), size)
    }

    fn within(rect: Rect, size: [u32; 2]) -> Self {
        let edge = |at: f32, limit| (at.max(0.0) as u32).min(limit);
        let corner = |at: egui::Pos2| [edge(at.x, size[0]), edge(at.y, size[1])];
        Self { min: corner(rect.min), max: corner(rect.max) }
    }

    pub fn size(self) -> [u32; 2] {
        [self.max[0].saturating_sub(self.min[0]), self.max[1].saturating_sub(self.min[1])]
    }

    fn area(self) -> u64 {
        let [width, height] = self.size();
        u64::from(width) * u64::from(height)
    }

    pub fn meets(self, other: Self) -> bool {
        (0..2).all(|axis| self.min[axis] < other.max[axis] && other.min[axis] < self.max[axis])
    }

    fn with(self, other: Self) -> Self {
        Self {
            min: [0, 1].map(|axis| self.min[axis].min(other.min[axis])),
            max: [0, 1].map(|axis| self.max[axis].max(other.max[axis])),
        }
    }

    fn points(self, pixels_per_point: f32) -> Rect {
        let point = |[x, y]: [u32; 2]| egui::pos2(x as f32, y as f32) / pixels_per_point;
        Rect::from_min_max(point(self.min), point(self.max))
    }
}

/// Parts of a window, a few, none of which meets another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DamageRects(Vec<PixelRect>);

impl DamageRects {
    pub fn iter(&self) -> impl Iterator<Item = PixelRect> {
        self.0.iter().copied()
    }

    pub fn add(&mut self, pixels: PixelRect) {
        if pixels.area() == 0 {
            return;
        }
        self.0.push(pixels);
        while let Some((a, b)) = self.to_join() {
            let joined = self.0.swap_remove(b);
            self.0[a] = self.0[a].with(joined);
        }
    }

    /// Places of two parts that have to be one, the former first.
    fn to_join(&self) -> Option<(usize, usize)> {
        let pairs = (0..self.0.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
        let growth = |&(a, b): &(usize, usize)| {
            let (a, b) = (self.0[a], self.0[b]);
            a.with(b).area() - a.area().max(b.area())
        };
        match pairs.clone().find(|&(a, b)| self.0[a].meets(self.0[b])) {
            None if self.0.len() > MOST => pairs.min_by_key(growth),
            found => found,
        }
    }
}

/// The shapes of a frame, and where each of them shows.
#[derive(Default)]
pub struct ShapeList {
    shapes: Vec<ClippedShape>,
    bounds: Vec<Rect>,
}

impl ShapeList {
    /// Leaves out what does not show.
    pub fn new(mut shapes: Vec<ClippedShape>) -> Self {
        let mut bounds = Vec::with_capacity(shapes.len());
        shapes.retain(|shape| {
            let rect = shape.transform_after_tessellation * shape.shape.visual_bounding_rect();
            let rect = rect.expand(MARGIN).intersect(shape.clip_rect);
            let shows = rect.is_positive();
            if shows {
                bounds.push(rect);
            }
            shows
        });
        Self { shapes, bounds }
    }

    /// Adds to `parts` of a window of `size` pixels where these do not look as those before did: outside of
    /// it the same shapes lie over each other in the same order.
    pub fn add_changes(&self, before: &Self, pixels_per_point: f32, size: [u32; 2], parts: &mut DamageRects) {
        let (mut old, mut new) = (0, 0);
        loop {
            let (gone, come) = self.gap(new, before, old);
            let changed = before.bounds[old..old + gone].iter().chain(&self.bounds[new..new + come]);
            changed.for_each(|rect| parts.add(PixelRect::around(*rect, pixels_per_point, size)));
            (old, new) = (old + gone, new + come);
            if old == before.shapes.len() && new == self.shapes.len() {
                return;
            }
            if self.same(new, before, old) {
                (old, new) = (old + 1, new + 1);
            }
        }
    }

    /// How many shapes have to be left out on either side, those before first, until the next ones are the
    /// same or there are no more; the fewest, as far as it is looked for them.
    fn gap(&self, new: usize, before: &Self, old: usize) -> (usize, usize) {
        let (olds, news) = (before.shapes.len() - old, self.shapes.len() - new);
        for left_out in 0..=GAP {
            let gone = left_out.saturating_sub(news)..=left_out.min(olds);
            if let Some(gone) = { gone }.find(|gone| self.same(new + left_out - gone, before, old + gone)) {
                return (gone, left_out - gone);
            }
        }
        (olds.min(1), news.min(1))
    }

    fn same(&self, new: usize, before: &Self, old: usize) -> bool {
        // Where they show is quick to compare, and tells most apart.
        self.bounds.get(new) == before.bounds.get(old) && self.shapes.get(new) == before.shapes.get(old)
    }

    /// What has to be painted for the `parts` to be as all shapes are, cut off at their edges.
    pub fn of(&self, parts: &DamageRects, pixels_per_point: f32) -> Vec<ClippedShape> {
        let rects = parts.iter().map(|part| part.points(pixels_per_point));
        let all = rects.flat_map(|rect| {
            let those =
                self.shapes.iter().zip(&self.bounds).filter(move |(_, bounds)| bounds.intersects(rect));
            those.map(move |(shape, _)| ClippedShape {
                clip_rect: shape.clip_rect.intersect(rect),
                ..shape.clone()
            })
        });
        all.collect()
    }
}

#[cfg(test)]
mod tests {
    use egui::{Color32, Shape, pos2, vec2};

    use super::*;

    const SIZE: [u32; 2] = [200, 100];

    fn square(x: f32, colour: Color32) -> ClippedShape {
        let rect = Rect::from_min_size(pos2(x, 10.0), vec2(6.0, 6.0));
        ClippedShape::new(Rect::EVERYTHING, Shape::rect_filled(rect, 0.0, colour))
    }

    fn changes(before: &[ClippedShape], after: &[ClippedShape]) -> Vec<PixelRect> {
        let mut parts = DamageRects::default();
        ShapeList::new(after.to_vec()).add_changes(&ShapeList::new(before.to_vec()), 1.0, SIZE, &mut parts);
        parts.iter().collect()
    }

    fn around(x: u32) -> PixelRect {
        PixelRect::at([x - 2, 8], [10, 10])
    }

    #[test]
    fn only_what_came_went_or_changed_is_painted_anew() {
        let row: Vec<ClippedShape> = (0..9).map(|at| square(20.0 * at as f32 + 4.0, Color32::RED)).collect();
        assert_eq!(changes(&row, &row), []);
        let mut other = row.clone();
        other[3] = square(64.0, Color32::BLUE);
        assert_eq!(changes(&row, &other), [around(64)]);
        let mut gone = row.clone();
        gone.remove(5);
        assert_eq!(changes(&row, &gone), [around(104)]);
        assert_eq!(changes(&gone, &row), [around(104)]);
        let mut moved = row.clone();
        moved[1] = square(26.0, Color32::RED);
        assert_eq!(changes(&row, &moved), [PixelRect::at([22, 8], [12, 10])]);
        assert_eq!(changes(&row, &row[..8]), [around(164)]);
    }

    #[test]
    fn what_lies_above_what_counts() {
        let (red, blue) = (square(4.0, Color32::RED), square(6.0, Color32::BLUE));
        let changed = changes(&[red.clone(), blue.clone()], &[blue, red]);
        assert_eq!(changed.len(), 1);
        // Where they overlap.
        assert!(changed[0].min[0] <= 6 && changed[0].max[0] >= 10, "{changed:?}");
    }

    #[test]
    fn what_cannot_be_recognised_is_painted_anew() {
        let before: Vec<ClippedShape> = (0..50).map(|_| square(4.0, Color32::RED)).collect();
        let after: Vec<ClippedShape> = (0..50).map(|_| square(40.0, Color32::BLUE)).collect();
        let mut all = before.clone();
        all.extend(after.clone());
        assert_eq!(changes(&before, &after), [around(4), around(40)]);
        // Parts that did not change may be painted as well.
        assert!(changes(&before, &all).contains(&around(40)));
        assert!(changes(&all, &after).contains(&around(4)));
        assert_eq!(changes(&before, &[]), [around(4)]);
        assert_eq!(changes(&[], &after), [around(40)]);
    }

    #[test]
    fn parts_cover_everything_and_never_meet() {
        let mut parts = DamageRects::default();
        let added: Vec<PixelRect> = (0..60)
            .map(|at| PixelRect::at([at * 37 % 180, at * 53 % 90], [1 + at * 7 % 20, 1 + at * 3 % 10]))
            .collect();
        for pixels in &added {
            parts.add(*pixels);
            let parts: Vec<PixelRect> = parts.iter().collect();
            assert!(parts.len() <= MOST);
            for (at, part) in parts.iter().enumerate() {
                assert!(!parts[..at].iter().any(|other| other.meets(*part)), "{parts:?}");
            }
        }
        let within = |pixels: &PixelRect| parts.iter().any(|part| part.with(*pixels) == part);
        assert!(added.iter().all(within));
    }

    #[test]
    fn what_is_painted_for_a_part_stays_within_it() {
        let shapes = ShapeList::new(vec![square(4.0, Color32::RED), square(60.0, Color32::RED)]);
        let mut parts = DamageRects::default();
        parts.add(PixelRect::at([8, 12], [20, 2]));
        let painted = shapes.of(&parts, 1.0);
        assert_eq!(painted.len(), 1);
        assert_eq!(painted[0].clip_rect, Rect::from_min_max(pos2(8.0, 12.0), pos2(28.0, 14.0)));
    }
}
