//! Finding a place for a slab's name, where it covers no slab, no other name and no line.

use egui::{Pos2, Rect, Vec2, pos2, vec2};

use super::projection::Outline;

/// Free space between a name and its slab.
const AIR: f32 = 4.0;
/// Free space between two names.
const APART: Vec2 = vec2(12.0, 6.0);
/// Distance to the picture's edge.
const EDGE: f32 = 8.0;
/// Longest line from a slab to its name, and the shortest that is drawn.
const LEADER: f32 = 64.0;
const SHORTEST: f32 = 12.0;

/// The picture, what stands in it, and what is taken already.
pub struct LabelPlacer<'a> {
    pub rect: Rect,
    /// What each slab covers; `None` for one that reaches behind the eye.
    pub outlines: &'a [Option<Outline>],
    pub taken: &'a [Rect],
}

/// Where a name goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    pub place: Rect,
    /// Where in `place` narrower lines stand: 0 left, ½ centred, 1 right.
    pub align: f32,
    /// The line from the slab to a name that stands away from it.
    pub leader: Option<[Pos2; 2]>,
}

impl Spot {
    /// What nothing else may cover from now on.
    pub fn covers(&self) -> impl Iterator<Item = Rect> {
        [Some(self.place.expand2(APART / 2.0)), self.leader.map(thin)].into_iter().flatten()
    }
}

/// On which side of its slab a name stands.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Below,
    Above,
}

impl LabelPlacer<'_> {
    /// A place for a name of this size: below its slab, above it, beside it, or, with a line,
    /// below or above everything.
    pub fn find(&self, size: Vec2, own: &Outline) -> Option<Spot> {
        let bounds = own.bounds();
        if !bounds.intersect(self.rect).is_positive() {
            return None;
        }
        let middle = bounds.center().x;
        let (from, to) = (middle - size.x / 2.0 - AIR, middle + size.x / 2.0 + AIR);
        let near = own.span(from, to)?;
        let far = self
            .outlines
            .iter()
            .flatten()
            .filter_map(|outline| outline.span(from, to))
            .fold(near, |(low, high), (top, bottom)| (low.min(top), high.max(bottom)));
        let right = |y: f32| self.beside(size, pos2(bounds.right() + 2.0 * AIR, y), 0.0);
        let left = |y: f32| self.beside(size, pos2(bounds.left() - 2.0 * AIR, y), 1.0);
        [
            self.hung(size, own, near.1 + AIR, Side::Below),
            self.hung(size, own, near.0 - AIR, Side::Above),
            right(bounds.center().y),
            right(bounds.bottom() - size.y / 2.0),
            left(bounds.center().y),
            left(bounds.top() + size.y / 2.0),
            self.hung(size, own, far.1 + 3.0 * AIR, Side::Below),
            self.hung(size, own, far.0 - 3.0 * AIR, Side::Above),
            self.hung(size, own, far.1 + 6.0 * AIR + size.y, Side::Below),
            self.hung(size, own, far.0 - 6.0 * AIR - size.y, Side::Above),
        ]
        .into_iter()
        .flatten()
        .next()
    }

    /// The name's near edge at height `y`.
    fn hung(&self, size: Vec2, own: &Outline, y: f32, side: Side) -> Option<Spot> {
        let middle = own.bounds().center().x;
        let span = own.span(middle, middle)?;
        let (foot, sign) = match side {
            Side::Below => (span.1, 1.0),
            Side::Above => (span.0, -1.0),
        };
        let top = if side == Side::Below { y } else { y - size.y };
        let place = Rect::from_min_size(pos2(middle - size.x / 2.0, top), size);
        let length = sign * (y - foot);
        if length > LEADER || !self.is_free(place) {
            return None;
        }
        let leader = (length > SHORTEST).then(|| [pos2(middle, foot + sign * AIR), pos2(middle, y - sign)]);
        let clear = leader.is_none_or(|leader| {
            let line = thin(leader);
            let others = self.outlines.iter().flatten().filter(|outline| !std::ptr::eq(*outline, own));
            !self.taken.iter().any(|taken| taken.intersects(line))
                && !others.into_iter().any(|outline| outline.meets(line))
        });
        clear.then_some(Spot { place, align: 0.5, leader })
    }

    /// The name's near edge's middle at `at`.
    fn beside(&self, size: Vec2, at: Pos2, align: f32) -> Option<Spot> {
        let place = Rect::from_min_size(at - vec2(align * size.x, size.y / 2.0), size);
        self.is_free(place).then_some(Spot { place, align, leader: None })
    }

    fn is_free(&self, place: Rect) -> bool {
        self.rect.shrink(EDGE).contains_rect(place)
            && !self.taken.iter().any(|taken| taken.intersects(place.expand2(APART / 2.0)))
            && !self.outlines.iter().flatten().any(|outline| outline.meets(place.expand(1.0)))
    }
}

fn thin([from, to]: [Pos2; 2]) -> Rect {
    Rect::from_two_pos(from, to).expand2(vec2(2.0, 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Vec2 = vec2(40.0, 10.0);

    fn slab(rect: Rect) -> Outline {
        Outline::around(vec![rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom()])
    }

    fn rect(x: f32, y: f32, width: f32, height: f32) -> Rect {
        Rect::from_min_size(pos2(x, y), vec2(width, height))
    }

    #[test]
    fn a_name_stands_below_its_slab_then_above_then_beside() {
        let own = slab(rect(100.0, 100.0, 50.0, 50.0));
        let outlines = [Some(own.clone())];
        let picture = rect(0.0, 0.0, 400.0, 300.0);
        let find =
            |taken: &[Rect]| LabelPlacer { rect: picture, outlines: &outlines, taken }.find(SIZE, &own);
        let below = find(&[]).expect("all is free");
        assert!(below.place.top() > 150.0 && below.leader.is_none());
        let under = rect(0.0, 151.0, 400.0, 150.0);
        let above = find(&[under]).expect("free above");
        assert!(above.place.bottom() < 100.0);
        let over = rect(0.0, 0.0, 400.0, 99.0);
        let beside = find(&[under, over]).expect("free beside");
        assert!(beside.place.left() > 150.0 && beside.align == 0.0);
        assert_eq!(find(&[picture]), None, "nothing is free");
    }

    #[test]
    fn a_line_crosses_neither_another_slab_nor_another_name() {
        let own = slab(rect(100.0, 100.0, 50.0, 50.0));
        let picture = rect(0.0, 0.0, 400.0, 400.0);
        // Something narrow right below leaves room only for a line past it, which it blocks.
        let walls =
            [rect(0.0, 0.0, 400.0, 99.0), rect(160.0, 0.0, 240.0, 400.0), rect(0.0, 0.0, 90.0, 400.0)];
        let block = slab(rect(120.0, 155.0, 10.0, 20.0));
        let outlines = [Some(own.clone()), Some(block)];
        let blocked = LabelPlacer { rect: picture, outlines: &outlines, taken: &walls };
        assert_eq!(blocked.find(SIZE, &own), None);
        let aside = slab(rect(103.0, 155.0, 10.0, 20.0));
        let outlines = [Some(own.clone()), Some(aside)];
        let free = LabelPlacer { rect: picture, outlines: &outlines, taken: &walls };
        let spot = free.find(SIZE, &own).expect("the line passes beside it");
        assert!(spot.leader.is_some() && spot.place.top() > 175.0);
    }
}
