//! Projection of world points and boxes to the picture, and their outlines there.

use egui::{Pos2, Rect, Vec2, pos2};
use glam::Vec3;

use crate::model::Camera;

/// The projection of the world to the picture of a camera.
#[derive(Clone, Copy, Debug)]
pub struct Projection {
    /// The camera.
    pub camera: Camera,
    /// The place of the picture, in points.
    pub rect: Rect,
}

impl Projection {
    /// Returns the place of a world point in the picture, in points; `None` behind the camera.
    pub fn project(&self, world: Vec3) -> Option<Pos2> {
        let (point, _) = self.camera.project(world, self.rect.aspect_ratio())?;
        Some(pos2(
            self.rect.left() + point.x * self.rect.width(),
            self.rect.top() + point.y * self.rect.height(),
        ))
    }

    /// Returns the outline of a box in the picture; `None` if part of it lies behind the camera.
    pub fn outline(&self, low: Vec3, high: Vec3) -> Option<ConvexOutline> {
        let mut corners = Vec::with_capacity(8);
        for i in 0..8 {
            let corner = Vec3::select(glam::BVec3::new(i & 1 == 1, i & 2 == 2, i & 4 == 4), high, low);
            corners.push(self.project(corner)?);
        }
        Some(ConvexOutline::hull_of(corners))
    }
}

/// A convex polygon in the picture, in points.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvexOutline {
    points: Vec<Pos2>,
}

impl ConvexOutline {
    /// Returns the convex hull of `points` (Andrew's monotone chain).
    pub fn hull_of(mut points: Vec<Pos2>) -> Self {
        points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
        let mut hull: Vec<Pos2> = Vec::with_capacity(points.len() + 1);
        let add_chain = |hull: &mut Vec<Pos2>, points: &mut dyn Iterator<Item = Pos2>| {
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
        add_chain(&mut hull, &mut points.iter().copied());
        add_chain(&mut hull, &mut points.iter().rev().copied());
        Self { points: hull }
    }

    /// The corners, in order.
    pub fn points(&self) -> &[Pos2] {
        &self.points
    }

    /// The bounding rectangle.
    pub fn bounds(&self) -> Rect {
        Rect::from_points(&self.points)
    }

    /// Returns `true` if the polygon shares area with `rect`. The separating axes are the two of the
    /// rectangle and one per edge.
    pub fn intersects(&self, rect: Rect) -> bool {
        if self.points.is_empty() || !self.bounds().intersects(rect) {
            return false;
        }
        let corners = [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom()];
        !self.edges().any(|(from, to)| {
            let normal = (to - from).rot90();
            let distance = |point: Pos2| (point - from).dot(normal);
            let inside = self.points.iter().map(|&point| distance(point)).fold(0.0, larger_magnitude);
            corners.iter().all(|&corner| distance(corner) * inside < 0.0)
        })
    }

    /// Returns the least and greatest y between two x; `None` if the polygon lies outside of them.
    pub fn y_range(&self, left: f32, right: f32) -> Option<(f32, f32)> {
        let mut range: Option<(f32, f32)> = None;
        let mut include = |y: f32| {
            range = Some(range.map_or((y, y), |(low, high)| (low.min(y), high.max(y))));
        };
        for (from, to) in self.edges() {
            let (from, to) = if from.x <= to.x { (from, to) } else { (to, from) };
            if to.x < left || from.x > right {
                continue;
            }
            for x in [from.x.max(left), to.x.min(right)] {
                let t = if to.x > from.x { (x - from.x) / (to.x - from.x) } else { 0.0 };
                include(from.y + (to.y - from.y) * t);
            }
            if to.x == from.x {
                include(to.y);
            }
        }
        range
    }

    fn edges(&self) -> impl Iterator<Item = (Pos2, Pos2)> + '_ {
        let next = self.points.iter().cycle().skip(1);
        self.points.iter().zip(next).map(|(&from, &to)| (from, to))
    }
}

/// The z component of the cross product.
fn cross(a: Vec2, b: Vec2) -> f32 {
    a.x * b.y - a.y * b.x
}

fn larger_magnitude(a: f32, b: f32) -> f32 {
    if b.abs() > a.abs() { b } else { a }
}

#[cfg(test)]
mod tests {
    use egui::vec2;

    use super::*;

    fn diamond() -> ConvexOutline {
        ConvexOutline::hull_of(vec![
            pos2(0.0, 10.0),
            pos2(10.0, 0.0),
            pos2(20.0, 10.0),
            pos2(10.0, 20.0),
            pos2(10.0, 10.0),
        ])
    }

    #[test]
    fn the_hull_has_no_inner_points() {
        assert_eq!(diamond().points.len(), 4);
        assert_eq!(diamond().bounds(), Rect::from_min_max(pos2(0.0, 0.0), pos2(20.0, 20.0)));
    }

    #[test]
    fn intersection_is_exact_at_slanted_edges() {
        let corner = |x, y, size| Rect::from_min_size(pos2(x, y), vec2(size, size));
        assert!(!diamond().intersects(corner(0.0, 0.0, 4.5)), "in the free corner of the bounds");
        assert!(diamond().intersects(corner(0.0, 0.0, 5.5)), "over the slanted edge");
        assert!(diamond().intersects(corner(9.0, 9.0, 1.0)), "inside");
        assert!(diamond().intersects(corner(-10.0, -10.0, 50.0)), "around");
        assert!(!diamond().intersects(corner(30.0, 5.0, 5.0)), "beside");
    }

    #[test]
    fn the_y_range_follows_the_edges() {
        assert_eq!(diamond().y_range(10.0, 10.0), Some((0.0, 20.0)));
        let (low, high) = diamond().y_range(4.0, 6.0).expect("within the diamond");
        assert!((low - 4.0).abs() < 1e-4 && (high - 16.0).abs() < 1e-4, "{low} {high}");
        assert_eq!(diamond().y_range(30.0, 40.0), None);
    }
}
