//! Outlines on the picture: what a slab covers, and whether a label would cover it.

use egui::{Pos2, Rect, Vec2, pos2};
use glam::Vec3;

use crate::model::Camera;

/// A world of points → the picture in `rect`.
#[derive(Clone, Copy, Debug)]
pub struct Projection {
    pub camera: Camera,
    pub rect: Rect,
}

impl Projection {
    /// Where a world point is seen, in points; `None` behind the eye.
    pub fn see(&self, world: Vec3) -> Option<Pos2> {
        let (point, _) = self.camera.project(world, self.rect.aspect_ratio())?;
        Some(pos2(
            self.rect.left() + point.x * self.rect.width(),
            self.rect.top() + point.y * self.rect.height(),
        ))
    }

    /// What a box covers of the picture, as a convex outline; `None` when part of it lies behind
    /// the eye.
    pub fn outline(&self, low: Vec3, high: Vec3) -> Option<Outline> {
        let mut corners = Vec::with_capacity(8);
        for i in 0..8 {
            let corner = Vec3::select(glam::BVec3::new(i & 1 == 1, i & 2 == 2, i & 4 == 4), high, low);
            corners.push(self.see(corner)?);
        }
        Some(Outline::around(corners))
    }
}

/// A convex polygon.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    points: Vec<Pos2>,
}

impl Outline {
    /// The convex hull of some points (Andrew's monotone chain).
    pub fn around(mut points: Vec<Pos2>) -> Self {
        points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
        let mut hull: Vec<Pos2> = Vec::with_capacity(points.len() + 1);
        let chain = |hull: &mut Vec<Pos2>, points: &mut dyn Iterator<Item = Pos2>| {
            let start = hull.len();
            for point in points {
                while hull.len() >= start + 2
                    && cross(hull[hull.len() - 1] - hull[hull.len() - 2], point - hull[hull.len() - 1]) <= 0.0
                {
                    hull.pop();
                }
                hull.push(point);
            }
            hull.pop();
        };
        chain(&mut hull, &mut points.iter().copied());
        chain(&mut hull, &mut points.iter().rev().copied());
        Self { points: hull }
    }

    /// Its corners, one after another.
    pub fn points(&self) -> &[Pos2] {
        &self.points
    }

    /// The smallest upright rectangle around it.
    pub fn bounds(&self) -> Rect {
        Rect::from_points(&self.points)
    }

    /// Whether it shares area with `rect` (separating axes: the rectangle's two and every edge's).
    pub fn meets(&self, rect: Rect) -> bool {
        if self.points.is_empty() || !self.bounds().intersects(rect) {
            return false;
        }
        let corners = [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom()];
        !self.edges().any(|(from, to)| {
            let normal = (to - from).rot90();
            let side = |point: Pos2| (point - from).dot(normal);
            let inside = self.points.iter().map(|&point| side(point)).fold(0.0, furthest);
            corners.iter().all(|&corner| side(corner) * inside < 0.0)
        })
    }

    /// Least and greatest y between two x; `None` when it does not reach there.
    pub fn span(&self, left: f32, right: f32) -> Option<(f32, f32)> {
        let mut span: Option<(f32, f32)> = None;
        let mut take = |y: f32| {
            span = Some(span.map_or((y, y), |(low, high)| (low.min(y), high.max(y))));
        };
        for (from, to) in self.edges() {
            let (from, to) = if from.x <= to.x { (from, to) } else { (to, from) };
            if to.x < left || from.x > right {
                continue;
            }
            for x in [from.x.max(left), to.x.min(right)] {
                let t = if to.x > from.x { (x - from.x) / (to.x - from.x) } else { 0.0 };
                take(from.y + (to.y - from.y) * t);
            }
            if to.x == from.x {
                take(to.y);
            }
        }
        span
    }

    fn edges(&self) -> impl Iterator<Item = (Pos2, Pos2)> + '_ {
        let next = self.points.iter().cycle().skip(1);
        self.points.iter().zip(next).map(|(&from, &to)| (from, to))
    }
}

fn cross(a: Vec2, b: Vec2) -> f32 {
    a.x * b.y - a.y * b.x
}

fn furthest(most: f32, value: f32) -> f32 {
    if value.abs() > most.abs() { value } else { most }
}

#[cfg(test)]
mod tests {
    use egui::vec2;

    use super::*;

    fn diamond() -> Outline {
        Outline::around(vec![
            pos2(0.0, 10.0),
            pos2(10.0, 0.0),
            pos2(20.0, 10.0),
            pos2(10.0, 20.0),
            pos2(10.0, 10.0),
        ])
    }

    #[test]
    fn the_hull_leaves_inner_points_out() {
        assert_eq!(diamond().points.len(), 4);
        assert_eq!(diamond().bounds(), Rect::from_min_max(pos2(0.0, 0.0), pos2(20.0, 20.0)));
    }

    #[test]
    fn meeting_is_exact_at_slanted_edges() {
        let corner = |x, y, size| Rect::from_min_size(pos2(x, y), vec2(size, size));
        assert!(!diamond().meets(corner(0.0, 0.0, 4.5)), "in the free corner of the bounds");
        assert!(diamond().meets(corner(0.0, 0.0, 5.5)), "over the slanted edge");
        assert!(diamond().meets(corner(9.0, 9.0, 1.0)), "inside");
        assert!(diamond().meets(corner(-10.0, -10.0, 50.0)), "around");
        assert!(!diamond().meets(corner(30.0, 5.0, 5.0)), "beside");
    }

    #[test]
    fn spans_follow_the_edges() {
        assert_eq!(diamond().span(10.0, 10.0), Some((0.0, 20.0)));
        let (low, high) = diamond().span(4.0, 6.0).expect("it reaches there");
        assert!((low - 4.0).abs() < 1e-4 && (high - 16.0).abs() < 1e-4, "{low} {high}");
        assert_eq!(diamond().span(30.0, 40.0), None);
    }
}
