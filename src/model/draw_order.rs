//! The order in which boxes have to be drawn, the furthest first, so that none covers one in front of it.
//!
//! A plane between two boxes decides their order: the one on the side of the eye is drawn later. Planes that divide
//! all boxes into two sets, again and again, form a binary space partition (Fuchs, Kedem and Naylor, "On Visible
//! Surface Generation by A Priori Tree Structures", 1980), here without cutting a box.

use glam::Vec3;

/// Overlap of two boxes that counts as touching, as a share of the largest coordinate: rounding.
const ROUNDING: f32 = 1e-5;

/// An axis-aligned box: (lowest corner, highest corner).
pub type Bounds = (Vec3, Vec3);

/// A binary space partition of boxes.
#[derive(Clone, Debug, Default)]
pub struct DrawOrder {
    nodes: Vec<OrderNode>,
    boxes: Vec<Bounds>,
}

/// A part of space.
#[derive(Clone, Debug)]
enum OrderNode {
    /// Divided by the plane at which the coordinate `axis` is `at`.
    Split { axis: usize, at: f32, below: usize, above: usize },
    /// Boxes that no plane divides: one, or several that overlap.
    Leaf(Vec<usize>),
}

/// One object in draw order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// Index of a box.
    Box(usize),
    /// Index of a line segment.
    Segment(usize),
}

/// A part of a line segment that no plane of the partition cuts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SegmentPiece {
    /// Index of the segment.
    pub segment: usize,
    /// The part of the segment, as shares of its length.
    pub from: f32,
    /// See [`Self::from`].
    pub to: f32,
    node: usize,
    ends: [Vec3; 2],
}

impl DrawOrder {
    /// Partitions boxes. Those that overlap are later ordered by their distance.
    pub fn new(boxes: Vec<Bounds>) -> Self {
        let mut order = Self { nodes: Vec::new(), boxes };
        let all: Vec<usize> = (0..order.boxes.len()).collect();
        order.nodes.push(OrderNode::Leaf(Vec::new()));
        let mut open = vec![(0, all)];
        while let Some((node, members)) = open.pop() {
            let Some((axis, at, below, above)) = order.split(&members) else {
                order.nodes[node] = OrderNode::Leaf(members);
                continue;
            };
            let first = order.nodes.len();
            order.nodes.extend([OrderNode::Leaf(Vec::new()), OrderNode::Leaf(Vec::new())]);
            order.nodes[node] = OrderNode::Split { axis, at, below: first, above: first + 1 };
            open.extend([(first, below), (first + 1, above)]);
        }
        order
    }

    /// Returns the plane that divides boxes most evenly: axis, coordinate, and the boxes on both sides.
    fn split(&self, members: &[usize]) -> Option<(usize, f32, Vec<usize>, Vec<usize>)> {
        if members.len() < 2 {
            return None;
        }
        let mut best: Option<(usize, usize, f32, Vec<usize>, usize)> = None;
        for axis in [2, 1, 0] {
            let low = |index: usize| self.boxes[index].0[axis];
            let high = |index: usize| self.boxes[index].1[axis];
            let mut sorted = members.to_vec();
            sorted.sort_by(|&a, &b| low(a).total_cmp(&low(b)));
            let mut end = f32::NEG_INFINITY;
            let mut found: Option<(usize, f32, usize)> = None;
            for count in 1..sorted.len() {
                end = end.max(high(sorted[count - 1]));
                let next = low(sorted[count]);
                let evenness = count.min(sorted.len() - count);
                let is_free = end <= next + ROUNDING * next.abs().max(end.abs()).max(1.0);
                if is_free && found.is_none_or(|(best, ..)| evenness > best) {
                    found = Some((evenness, 0.5 * (end + next), count));
                }
            }
            if let Some((evenness, at, count)) = found
                && best.as_ref().is_none_or(|(best, ..)| evenness > *best)
            {
                best = Some((evenness, axis, at, sorted, count));
            }
        }
        let (_, axis, at, mut below, count) = best?;
        let above = below.split_off(count);
        Some((axis, at, below, above))
    }

    /// Cuts line segments, given by their ends, where planes of the partition cross them.
    pub fn pieces(&self, segments: impl IntoIterator<Item = [Vec3; 2]>) -> Vec<SegmentPiece> {
        let mut pieces = Vec::new();
        for (segment, ends) in segments.into_iter().enumerate() {
            let mut open = vec![SegmentPiece { segment, from: 0.0, to: 1.0, node: 0, ends }];
            while let Some(piece) = open.pop() {
                let Some(OrderNode::Split { axis, at, below, above }) = self.nodes.get(piece.node) else {
                    self.cut_at_leaf(piece, &mut pieces);
                    continue;
                };
                let [a, b] = piece.ends.map(|end| end[*axis]);
                let side = |is_below: bool| if is_below { *below } else { *above };
                if a <= *at && b <= *at || a >= *at && b >= *at {
                    open.push(SegmentPiece { node: side(a + b <= 2.0 * at), ..piece });
                    continue;
                }
                let share = (at - a) / (b - a);
                let middle = piece.ends[0].lerp(piece.ends[1], share);
                let cut = piece.from + share * (piece.to - piece.from);
                let first = [piece.ends[0], middle];
                open.push(SegmentPiece { to: cut, node: side(a < *at), ends: first, ..piece });
                let second = [middle, piece.ends[1]];
                open.push(SegmentPiece { from: cut, node: side(b < *at), ends: second, ..piece });
            }
        }
        pieces
    }

    /// Cuts a piece where the planes of the faces of the box of its leaf cross it, so that one of these planes
    /// separates each part from the box.
    fn cut_at_leaf(&self, piece: SegmentPiece, pieces: &mut Vec<SegmentPiece>) {
        let Some(OrderNode::Leaf(members)) = self.nodes.get(piece.node) else { return pieces.push(piece) };
        let &[member] = &members[..] else { return pieces.push(piece) };
        let (low, high) = self.boxes[member];
        let [start, end] = piece.ends;
        let crossing = |(plane, axis): (Vec3, usize)| {
            let share = (plane[axis] - start[axis]) / (end[axis] - start[axis]);
            (share > 0.0 && share < 1.0).then_some(share)
        };
        let planes = [low, high].into_iter().flat_map(|plane| [(plane, 0), (plane, 1), (plane, 2)]);
        let mut cuts: Vec<f32> = planes.filter_map(crossing).chain([0.0, 1.0]).collect();
        cuts.sort_by(f32::total_cmp);
        for cut in cuts.windows(2).filter(|cut| cut[0] < cut[1]) {
            let along = |share: f32| piece.from + share * (piece.to - piece.from);
            pieces.push(SegmentPiece {
                from: along(cut[0]),
                to: along(cut[1]),
                ends: [start.lerp(end, cut[0]), start.lerp(end, cut[1])],
                ..piece
            });
        }
    }

    /// Returns boxes and pieces, as indices, in the order in which they are drawn for an eye.
    pub fn back_to_front(&self, eye: Vec3, pieces: &[SegmentPiece]) -> Vec<Drawn> {
        let mut by_node: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        for (index, piece) in pieces.iter().enumerate() {
            by_node[piece.node].push(index);
        }
        let mut drawn = Vec::with_capacity(self.boxes.len() + pieces.len());
        let mut open = if self.nodes.is_empty() { Vec::new() } else { vec![0] };
        while let Some(node) = open.pop() {
            match &self.nodes[node] {
                OrderNode::Split { axis, at, below, above } => {
                    // The nearer side is drawn last: it is taken from the stack after the other one.
                    let (near, far) = if eye[*axis] < *at { (*below, *above) } else { (*above, *below) };
                    open.extend([near, far]);
                }
                OrderNode::Leaf(members) => self.draw_leaf(members, eye, &by_node[node], pieces, &mut drawn),
            }
        }
        drawn
    }

    /// Adds the boxes and pieces of a leaf.
    fn draw_leaf(
        &self,
        members: &[usize],
        eye: Vec3,
        own: &[usize],
        pieces: &[SegmentPiece],
        drawn: &mut Vec<Drawn>,
    ) {
        let distance = |index: usize| {
            let (low, high) = self.boxes[index];
            eye.distance_squared((low + high) / 2.0)
        };
        let mut members = members.to_vec();
        members.sort_by(|&a, &b| distance(b).total_cmp(&distance(a)));
        // Pieces on the eye's side of a box are drawn after it.
        let is_before = |piece: &SegmentPiece| {
            members.iter().all(|&index| {
                let (low, high) = self.boxes[index];
                // Of a cut piece, the middle is on the right side whatever rounding does to its ends.
                let middle = (piece.ends[0] + piece.ends[1]) / 2.0;
                (0..3).any(|axis| {
                    (middle[axis] >= high[axis] && eye[axis] >= high[axis])
                        || (middle[axis] <= low[axis] && eye[axis] <= low[axis])
                })
            })
        };
        let (near, far): (Vec<usize>, Vec<usize>) = own.iter().partition(|&&piece| is_before(&pieces[piece]));
        drawn.extend(far.into_iter().map(Drawn::Segment));
        drawn.extend(members.into_iter().map(Drawn::Box));
        drawn.extend(near.into_iter().map(Drawn::Segment));
    }
}

#[cfg(test)]
mod tests;
