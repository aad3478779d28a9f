//! The ways of ribbons past the slabs.

use glam::{Vec3, vec3};

use crate::model::{Camera, Layout};

/// Height of a ribbon above the slabs that it passes, as a share of the height of the tallest slab: a constant, which
/// is also the height of joints, and the factor of the square root of their number, so that nested ribbons do not
/// overlap.
const RISE: (f32, f32) = (0.03, 0.05);
/// Greatest height above the slabs, as a share of the free space below the row before.
const ROOM: f32 = 0.75;
/// Distance of ribbons below the slabs, in world units; the floor is further below.
const BELOW: f32 = 0.09;
/// Free space behind the last slab of a row in which ribbons turn, as a share of the height of the tallest slab.
const TURN: f32 = 0.12;

/// An end of a ribbon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stop {
    pub row: usize,
    pub slot: usize,
    /// Index of the item; `None` for a joint, which is behind its slot.
    pub item: Option<usize>,
    pub x: f32,
    /// Height of ribbons from above, and on the floor.
    pub top: f32,
    pub bottom: f32,
    /// z of the front with the cells, and of the back; the same for a joint.
    pub front: f32,
    pub back: f32,
}

impl Stop {
    /// Place along the way of the data.
    pub fn order(&self) -> (usize, bool, u32) {
        // Joints behind one slot follow each other with falling z.
        let along = if self.item.is_none() { (-self.front).max(0.0).to_bits() } else { 0 };
        (self.slot, self.item.is_none(), along)
    }

    /// The point at which a ribbon from above begins or ends.
    pub fn point(&self) -> Vec3 {
        vec3(self.x, self.top, 0.5 * (self.front + self.back))
    }

    /// Opacity of the slabs there.
    pub fn opacity(&self, layout: &Layout, camera: &Camera) -> f32 {
        match self.item.and_then(|item| layout.items.get(item)) {
            Some(item) => camera.presence_at((item.low + item.high) / 2.0),
            None => 1.0,
        }
    }
}

/// The extent of a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub row: usize,
    pub front: f32,
    pub back: f32,
    pub top: f32,
}

/// The extents of slots and rows, between which ribbons run.
pub(super) struct Routes<'a> {
    layout: &'a Layout,
    pub slots: Vec<Slot>,
    clearance: f32,
    tallest: f32,
}

impl<'a> Routes<'a> {
    /// `clearance` is the distance of ribbons from slabs, `tallest` the height of the tallest slab.
    pub fn new(layout: &'a Layout, clearance: f32, tallest: f32) -> Self {
        let count = layout.items.iter().map(|item| item.slot + 1).max().unwrap_or(0);
        let none = Slot { row: 0, front: f32::NEG_INFINITY, back: f32::INFINITY, top: f32::NEG_INFINITY };
        let mut slots = vec![none; count];
        for item in &layout.items {
            let slot = &mut slots[item.slot];
            slot.row = item.row;
            slot.front = slot.front.max(item.high.z);
            slot.back = slot.back.min(item.low.z);
            slot.top = slot.top.max(item.high.y);
        }
        Self { layout, slots, clearance, tallest }
    }

    /// x of ribbons above a row.
    pub fn row_x(&self, row: usize) -> f32 {
        let (low, high) = self.layout.rows[row];
        0.5 * (low.x + high.x)
    }

    /// Range along z of the gap behind a slot: (nearer to the front, further).
    pub fn gap_behind(&self, slot: usize) -> (f32, f32) {
        let here = self.slots[slot];
        match self.slots.get(slot + 1).filter(|next| next.row == here.row) {
            Some(next) => (here.back, next.front),
            None => (here.back, here.back - TURN * self.tallest),
        }
    }

    /// Range along z of the gap before a slot.
    fn gap_before(&self, slot: usize) -> (f32, f32) {
        let here = self.slots[slot];
        match slot.checked_sub(1).map(|before| self.slots[before]).filter(|before| before.row == here.row) {
            Some(before) => (before.back, here.front),
            None => (here.front + TURN * self.tallest, here.front),
        }
    }

    /// Height of joints in the gap behind a slot.
    pub fn joint_height(&self, slot: usize) -> f32 {
        let here = self.slots[slot];
        let next = self.slots.get(slot + 1).filter(|next| next.row == here.row);
        here.top.max(next.map_or(f32::NEG_INFINITY, |next| next.top)) + self.rise(here.row, 0)
    }

    /// Height above the slabs of a row of a ribbon that passes `passed` slots.
    fn rise(&self, row: usize, passed: usize) -> f32 {
        let rise = self.clearance + (RISE.0 + RISE.1 * (passed as f32).sqrt()) * self.tallest;
        let top = self.layout.rows[row].1.y;
        let above = row.checked_sub(1).map(|above| self.layout.rows[above].0.y - top);
        above.map_or(rise, |room| rise.min(ROOM * room))
    }

    /// The end of ribbons at an item.
    pub fn item(&self, item: usize) -> Stop {
        let place = &self.layout.items[item];
        Stop {
            row: place.row,
            slot: place.slot,
            item: Some(item),
            x: 0.5 * (place.low.x + place.high.x),
            top: place.high.y + self.clearance,
            bottom: place.low.y - BELOW,
            front: place.high.z,
            back: place.low.z,
        }
    }

    /// Returns how far from its corners the way between two stops may be round: beside slabs, not as far as these.
    pub fn reach(&self, from: Stop, to: Stop) -> f32 {
        if from.row == to.row { f32::INFINITY } else { TURN * self.tallest }
    }

    /// Returns the corners of the way between two stops, of which `from` is first on the way of the data.
    pub fn way(&self, from: Stop, to: Stop) -> Vec<Vec3> {
        let is_step = from.item.is_some() && to.item.is_some() && to.slot == from.slot + 1;
        if from.row != to.row {
            return self.way_between_rows(from, to, is_step);
        }
        if is_step {
            return vec![vec3(from.x, from.bottom, from.back), vec3(to.x, to.bottom, to.front)];
        }
        // Slots that the ribbon passes, as the data does.
        let passed = from.slot + 1..if to.item.is_some() { to.slot } else { to.slot + 1 };
        if passed.is_empty() {
            return vec![from.point(), to.point()];
        }
        let top = self.slots[passed.clone()].iter().map(|slot| slot.top).fold(f32::NEG_INFINITY, f32::max);
        let peak = (top + self.rise(from.row, passed.len())).max(from.top).max(to.top);
        let x = self.row_x(from.row);
        let before_end = match to.item {
            Some(_) => middle(self.gap_before(to.slot), None),
            None => 0.5 * (self.gap_behind(to.slot).0 + to.front),
        };
        vec![
            from.point(),
            vec3(x, peak, middle(self.gap_behind(from.slot), from.item.is_none().then_some(from.front))),
            vec3(x, peak, before_end),
            to.point(),
        ]
    }

    /// Returns the corners of a way that leaves its row at the end, and returns above the row of its target.
    fn way_between_rows(&self, from: Stop, to: Stop, is_step: bool) -> Vec<Vec3> {
        let last = |row: usize| self.slots.iter().rposition(|slot| slot.row == row).unwrap_or(from.slot);
        let (x, next_x) = (self.row_x(from.row), self.row_x(to.row));
        let passed = from.slot + 1..last(from.row) + 1;
        let mut way = Vec::with_capacity(7);
        let end = self.gap_behind(last(from.row)).1;
        if is_step {
            way.extend([vec3(from.x, from.bottom, from.back), vec3(x, from.bottom, end)]);
        } else {
            let top = self.slots[passed.clone()].iter().map(|slot| slot.top).fold(from.top, f32::max);
            let height = top + self.rise(from.row, passed.len());
            way.push(from.point());
            if !passed.is_empty() {
                way.push(vec3(x, height, middle(self.gap_behind(from.slot), None)));
            }
            way.push(vec3(x, height, end));
        }
        // Back above the row of the target.
        let height = self.layout.rows[to.row].1.y + self.rise(to.row, 4);
        let next_end = self.gap_behind(last(to.row)).1.min(end);
        way.push(vec3(next_x, height, next_end));
        if is_step {
            let turn = self.gap_before(to.slot).0;
            way.extend([
                vec3(next_x, height, turn),
                vec3(to.x, to.bottom, turn),
                vec3(to.x, to.bottom, to.front),
            ]);
        } else {
            let turn = if to.item.is_some() { middle(self.gap_before(to.slot), None) } else { to.front };
            way.extend([vec3(next_x, height, turn), to.point()]);
        }
        way
    }
}

/// The middle of a range, or of its part behind a joint.
fn middle((front, back): (f32, f32), joint: Option<f32>) -> f32 {
    0.5 * (joint.unwrap_or(front) + back)
}
