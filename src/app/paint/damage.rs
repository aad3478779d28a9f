//! The part of a window that a frame changes: a software adapter paints only that part again.

use egui::Rect;
use egui::epaint::ClippedShape;

/// Distance around a shape, in points, in which it may cover pixels: its position is rounded to pixels, and
/// its edges are smoothed.
const MARGIN: f32 = 2.0;
/// Greatest number of shapes that are skipped to find the next equal ones.
const MAX_SKIPPED: usize = 32;
/// Greatest number of rectangles; more are joined.
const MAX_RECTS: usize = 8;

/// A rectangle of pixels, from `min` up to but not including `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelRect {
    /// The first column and row.
    pub min: [u32; 2],
    /// The column and row after the last.
    pub max: [u32; 2],
}

impl PixelRect {
    /// The rectangle of this size whose first pixel is `corner`.
    pub fn from_corner(corner: [u32; 2], size: [u32; 2]) -> Self {
        Self { min: corner, max: [corner[0] + size[0], corner[1] + size[1]] }
    }

    /// Rounds a rectangle in points to whole pixels, within a window of `size` pixels.
    pub fn nearest(rect: Rect, pixels_per_point: f32, size: [u32; 2]) -> Self {
        Self::clamped((rect * pixels_per_point).round(), size)
    }

    /// Returns all pixels that a rectangle in points touches, within a window of `size` pixels.
    fn enclosing(rect: Rect, pixels_per_point: f32, size: [u32; 2]) -> Self {
        let rect = rect * pixels_per_point;
        Self::clamped(Rect::from_min_max(rect.min.floor(), rect.max.ceil()), size)
    }

    /// Clamps a rectangle in pixels to a window of `size` pixels.
    fn clamped(rect: Rect, size: [u32; 2]) -> Self {
        let edge = |at: f32, limit| (at.max(0.0) as u32).min(limit);
        let corner = |at: egui::Pos2| [edge(at.x, size[0]), edge(at.y, size[1])];
        Self { min: corner(rect.min), max: corner(rect.max) }
    }

    /// Width and height.
    pub fn size(self) -> [u32; 2] {
        [self.max[0].saturating_sub(self.min[0]), self.max[1].saturating_sub(self.min[1])]
    }

    /// The number of pixels.
    fn area(self) -> u64 {
        let [width, height] = self.size();
        u64::from(width) * u64::from(height)
    }

    /// Returns `true` if both have a pixel in common.
    pub fn intersects(self, other: Self) -> bool {
        (0..2).all(|axis| self.min[axis] < other.max[axis] && other.min[axis] < self.max[axis])
    }

    /// The smallest rectangle that contains both.
    fn union(self, other: Self) -> Self {
        Self {
            min: [0, 1].map(|axis| self.min[axis].min(other.min[axis])),
            max: [0, 1].map(|axis| self.max[axis].max(other.max[axis])),
        }
    }

    /// The rectangle in points.
    fn to_points(self, pixels_per_point: f32) -> Rect {
        let point = |[x, y]: [u32; 2]| egui::pos2(x as f32, y as f32) / pixels_per_point;
        Rect::from_min_max(point(self.min), point(self.max))
    }
}

/// A few disjoint rectangles of a window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DamageRects(Vec<PixelRect>);

impl DamageRects {
    /// The rectangles.
    pub fn iter(&self) -> impl Iterator<Item = PixelRect> {
        self.0.iter().copied()
    }

    /// Adds a rectangle; joins rectangles that intersect or are too many.
    pub fn add(&mut self, rect: PixelRect) {
        if rect.area() == 0 {
            return;
        }
        self.0.push(rect);
        while let Some((a, b)) = self.pair_to_join() {
            let joined = self.0.swap_remove(b);
            self.0[a] = self.0[a].union(joined);
        }
    }

    /// Returns the indices of two rectangles that have to be joined, the smaller index first.
    fn pair_to_join(&self) -> Option<(usize, usize)> {
        let pairs = (0..self.0.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
        let growth = |&(a, b): &(usize, usize)| {
            let (a, b) = (self.0[a], self.0[b]);
            a.union(b).area() - a.area().max(b.area())
        };
        match pairs.clone().find(|&(a, b)| self.0[a].intersects(self.0[b])) {
            None if self.0.len() > MAX_RECTS => pairs.min_by_key(growth),
            intersecting => intersecting,
        }
    }
}

/// The visible shapes of a frame, and the bounds of each.
#[derive(Default)]
pub struct ShapeList {
    shapes: Vec<ClippedShape>,
    /// Per shape, the rectangle that contains its pixels, in points.
    bounds: Vec<Rect>,
}

impl ShapeList {
    /// Collects the shapes that are visible.
    pub fn new(mut shapes: Vec<ClippedShape>) -> Self {
        let mut bounds = Vec::with_capacity(shapes.len());
        shapes.retain(|shape| {
            let rect = shape.transform_after_tessellation * shape.shape.visual_bounding_rect();
            let rect = rect.expand(MARGIN).intersect(shape.clip_rect);
            let is_visible = rect.is_positive();
            if is_visible {
                bounds.push(rect);
            }
            is_visible
        });
        Self { shapes, bounds }
    }

    /// Adds to `damage` the parts of a window of `size` pixels in which these shapes differ from those of the
    /// frame before. Outside of them the same shapes are painted in the same order.
    pub fn add_changes(
        &self,
        before: &Self,
        pixels_per_point: f32,
        size: [u32; 2],
        damage: &mut DamageRects,
    ) {
        let (mut old, mut new) = (0, 0);
        loop {
            let (removed, added) = self.next_difference(new, before, old);
            let changed = before.bounds[old..old + removed].iter().chain(&self.bounds[new..new + added]);
            changed.for_each(|rect| damage.add(PixelRect::enclosing(*rect, pixels_per_point, size)));
            (old, new) = (old + removed, new + added);
            if old == before.shapes.len() && new == self.shapes.len() {
                return;
            }
            if self.is_same(new, before, old) {
                (old, new) = (old + 1, new + 1);
            }
        }
    }

    /// Returns the numbers of shapes that were removed and added, counted from `old` of the frame before and
    /// from `new`, until the next ones are the same or none are left: the fewest, if at most [`MAX_SKIPPED`],
    /// or else at most one each.
    fn next_difference(&self, new: usize, before: &Self, old: usize) -> (usize, usize) {
        let (olds, news) = (before.shapes.len() - old, self.shapes.len() - new);
        for skipped in 0..=MAX_SKIPPED {
            let mut removals = skipped.saturating_sub(news)..=skipped.min(olds);
            let is_match = |removed: &usize| self.is_same(new + skipped - removed, before, old + removed);
            if let Some(removed) = removals.find(is_match) {
                return (removed, skipped - removed);
            }
        }
        (olds.min(1), news.min(1))
    }

    /// Returns `true` if both shapes are the same, or both indices are past the end.
    fn is_same(&self, new: usize, before: &Self, old: usize) -> bool {
        // Bounds are quick to compare, and differ for most shapes.
        self.bounds.get(new) == before.bounds.get(old) && self.shapes.get(new) == before.shapes.get(old)
    }

    /// Returns the shapes that have to be painted to update `damage`, clipped to its rectangles.
    pub fn clipped_to(&self, damage: &DamageRects, pixels_per_point: f32) -> Vec<ClippedShape> {
        let rects = damage.iter().map(|rect| rect.to_points(pixels_per_point));
        let all = rects.flat_map(|rect| {
            let intersecting =
                self.shapes.iter().zip(&self.bounds).filter(move |(_, bounds)| bounds.intersects(rect));
            intersecting.map(move |(shape, _)| ClippedShape {
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
        let mut damage = DamageRects::default();
        ShapeList::new(after.to_vec()).add_changes(&ShapeList::new(before.to_vec()), 1.0, SIZE, &mut damage);
        damage.iter().collect()
    }

    fn around(x: u32) -> PixelRect {
        PixelRect::from_corner([x - 2, 8], [10, 10])
    }

    #[test]
    fn only_changed_shapes_are_painted_again() {
        let row: Vec<ClippedShape> = (0..9).map(|at| square(20.0 * at as f32 + 4.0, Color32::RED)).collect();
        assert_eq!(changes(&row, &row), []);
        let mut other = row.clone();
        other[3] = square(64.0, Color32::BLUE);
        assert_eq!(changes(&row, &other), [around(64)]);
        let mut removed = row.clone();
        removed.remove(5);
        assert_eq!(changes(&row, &removed), [around(104)]);
        assert_eq!(changes(&removed, &row), [around(104)]);
        let mut moved = row.clone();
        moved[1] = square(26.0, Color32::RED);
        assert_eq!(changes(&row, &moved), [PixelRect::from_corner([22, 8], [12, 10])]);
        assert_eq!(changes(&row, &row[..8]), [around(164)]);
    }

    #[test]
    fn a_change_of_the_painting_order_is_a_change() {
        let (red, blue) = (square(4.0, Color32::RED), square(6.0, Color32::BLUE));
        let changed = changes(&[red.clone(), blue.clone()], &[blue, red]);
        assert_eq!(changed.len(), 1);
        // The area in which both overlap.
        assert!(changed[0].min[0] <= 6 && changed[0].max[0] >= 10, "{changed:?}");
    }

    #[test]
    fn shapes_without_an_equal_one_are_painted_again() {
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
    fn rectangles_cover_everything_that_was_added_and_are_disjoint() {
        let mut damage = DamageRects::default();
        let added: Vec<PixelRect> = (0..60)
            .map(|at| {
                PixelRect::from_corner([at * 37 % 180, at * 53 % 90], [1 + at * 7 % 20, 1 + at * 3 % 10])
            })
            .collect();
        for rect in &added {
            damage.add(*rect);
            let rects: Vec<PixelRect> = damage.iter().collect();
            assert!(rects.len() <= MAX_RECTS);
            for (at, rect) in rects.iter().enumerate() {
                assert!(!rects[..at].iter().any(|other| other.intersects(*rect)), "{rects:?}");
            }
        }
        let is_covered = |rect: &PixelRect| damage.iter().any(|outer| outer.union(*rect) == outer);
        assert!(added.iter().all(is_covered));
    }

    #[test]
    fn shapes_are_clipped_to_the_damage() {
        let shapes = ShapeList::new(vec![square(4.0, Color32::RED), square(60.0, Color32::RED)]);
        let mut damage = DamageRects::default();
        damage.add(PixelRect::from_corner([8, 12], [20, 2]));
        let painted = shapes.clipped_to(&damage, 1.0);
        assert_eq!(painted.len(), 1);
        assert_eq!(painted[0].clip_rect, Rect::from_min_max(pos2(8.0, 12.0), pos2(28.0, 14.0)));
    }
}
