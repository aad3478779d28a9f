//! The edges of networks that branch: a ribbon per edge, drawn between the slabs.
//!
//! The ribbon of an edge between neighbours runs below the slabs; that of a skip connection runs level above the
//! slabs that it passes. A joint is a disc above the slabs, in the gap behind the last layer whose data it
//! combines. All ribbons and joints lie in the plane x = 0.
//!
//! Slabs are drawn back to front, without depth test. To keep that exact, a ribbon is cut into segments where
//! slabs with their cells begin and end along z, and is level above or below a slab: a plane separates each
//! segment from each slab, and the segments are sorted into the draw order of the slabs.

mod joints;
pub(super) mod pass;
mod slabs;

use std::collections::HashSet;
use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use glam::{Vec3, vec3};

use super::frame::{Frame, SlabData};
use crate::model::Node;
use joints::{RibbonJoint, ribbon_joints};
use slabs::{RibbonSlab, ribbon_slabs};

/// Segments of a rise or fall between two slabs: the usual number, and the least where that makes too many.
const STEPS: (usize, usize) = (16, 4);
/// Number of segments of one picture above which rises and falls have fewer.
const MANY_SEGMENTS: usize = 20_000;
/// Half the width of a ribbon, as a share of the height of the tallest slab.
const HALF_WIDTH: f32 = 0.012;
/// Height of a skip connection above the slabs that it passes, as a share of the height of the tallest slab: a
/// constant, which is also the height of joints, and the factor of the square root of their number, so that nested
/// ribbons do not overlap.
const RISE: (f32, f32) = (0.03, 0.05);

/// `Segment` in shaders/ribbons.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub(super) struct Segment {
    /// One end in the plane x = 0: (y, z) in world units.
    pub start: [f32; 2],
    /// The other end.
    pub finish: [f32; 2],
    /// dy/dz at the ends.
    pub slopes: [f32; 2],
    /// Opacity at the ends, in [0, 1].
    pub opacity: [f32; 2],
    /// World units.
    pub half_width: f32,
    /// 1 if the edge begins or ends at the highlighted slab, else 0.
    pub highlighted: f32,
    /// 1 for the mark of a joint at both ends, a disc with the radius `half_width`, else 0.
    pub joint: f32,
    // Makes a segment three vectors of 16 bytes.
    pub padding: f32,
}

/// The ribbons of one picture.
#[derive(Debug, Default)]
pub(super) struct Ribbons {
    /// All segments in draw order.
    pub segments: Vec<Segment>,
    /// Ranges of the segments, each with the index in draw order of the slab before which it is drawn, rising.
    pub runs: Vec<(usize, Range<u32>)>,
}

/// The location of a segment relative to the slabs, by index into the slabs sorted by layer.
#[derive(Clone, Copy)]
enum Region {
    /// Between a slab and the next one.
    Gap(usize),
    /// Above a slab.
    Over(usize),
    /// Below a slab.
    Under(usize),
}

/// An end of a ribbon.
#[derive(Clone, Copy)]
enum RibbonEnd {
    /// Index into the slabs sorted by layer.
    Slab(usize),
    Joint(RibbonJoint),
}

impl RibbonEnd {
    /// The first gap of a ribbon that begins here, as the index of the slab before it.
    fn first_gap(self) -> usize {
        match self {
            Self::Slab(slab) => slab,
            Self::Joint(joint) => joint.gap,
        }
    }

    /// The last gap of a ribbon that ends here. Nothing ends at the first slab.
    fn last_gap(self) -> usize {
        match self {
            Self::Slab(slab) => slab - 1,
            Self::Joint(joint) => joint.gap,
        }
    }
}

impl Ribbons {
    /// Computes the ribbons between `slabs`, the drawn slabs back to front.
    pub(super) fn new(frame: &Frame<'_>, slabs: &[SlabData]) -> Self {
        let edges = frame.network.edges;
        if edges.is_empty() {
            return Self::default();
        }
        let ribbon_slabs = ribbon_slabs(slabs, frame.data(slabs.len()).height);
        let tallest = ribbon_slabs.iter().map(|slab| slab.top - slab.bottom).fold(0.0, f32::max);
        let joints = ribbon_joints(edges, &ribbon_slabs, tallest);
        let end = |node: Node| match node {
            Node::Layer(layer) => {
                let index = ribbon_slabs.binary_search_by_key(&layer, |slab| slab.layer).ok()?;
                Some((ribbon_slabs[index].front, RibbonEnd::Slab(index)))
            }
            Node::Joint(joint) => {
                let joint = joints.get(joint).copied().flatten()?;
                Some((joint.z, RibbonEnd::Joint(joint)))
            }
        };
        let highlighted = frame.network.highlighted.map(Node::Layer);
        let mut known = HashSet::new();
        let mut ribbons: Vec<(RibbonEnd, RibbonEnd, bool)> = Vec::new();
        for edge in edges {
            let (Some((from_z, from)), Some((to_z, to))) = (end(edge.from), end(edge.to)) else { continue };
            let is_highlighted = highlighted == Some(edge.from) || highlighted == Some(edge.to);
            // Front to back, whatever the direction of the data.
            if from_z > to_z && known.insert((edge.from, edge.to)) {
                ribbons.push((from, to, is_highlighted));
            } else if from_z < to_z && known.insert((edge.to, edge.from)) {
                ribbons.push((to, from, is_highlighted));
            }
        }
        let segments = |steps: usize| {
            let passed = |(from, to, _): &(RibbonEnd, RibbonEnd, bool)| to.last_gap() - from.first_gap();
            ribbons.iter().map(|ribbon| 2 * steps + 2 * passed(ribbon) + 1).sum::<usize>()
        };
        let mut steps = STEPS.0;
        while steps > STEPS.1 && segments(steps) > MANY_SEGMENTS {
            steps /= 2;
        }
        let last = slabs.len();
        let mut builder =
            RibbonBuilder { frame, slabs: &ribbon_slabs, tallest, steps, last, segments: Vec::new() };
        for (from, to, highlighted) in ribbons {
            builder.ribbon(from, to, highlighted);
        }
        for joint in joints.into_iter().flatten() {
            builder.joint(joint);
        }
        builder.finish()
    }
}

/// Builds the segments of one picture.
struct RibbonBuilder<'a> {
    frame: &'a Frame<'a>,
    /// By layer.
    slabs: &'a [RibbonSlab],
    /// Height of the tallest slab, in world units.
    tallest: f32,
    /// Segments of a rise or fall.
    steps: usize,
    /// Number of drawn slabs.
    last: usize,
    /// The segments with their sort keys: the index of the slab before which one is drawn, and its order there.
    segments: Vec<((usize, usize), Segment)>,
}

impl RibbonBuilder<'_> {
    /// Adds the ribbon between two ends, of which `from` is nearer to the front.
    fn ribbon(&mut self, from: RibbonEnd, to: RibbonEnd, highlighted: bool) {
        let opacity = |end: RibbonEnd| match end {
            RibbonEnd::Slab(slab) => self.slabs[slab].opacity,
            RibbonEnd::Joint(_) => 1.0,
        };
        let opacity = opacity(from).min(opacity(to));
        let style = RibbonStyle { half_width: self.half_width(), opacity, highlighted, is_joint: false };
        let clearance = self.clearance();
        let (first, last) = (from.first_gap(), to.last_gap());
        let (a, b) = (self.slabs[first], self.slabs[last + 1]);
        let is_between_slabs = matches!((from, to), (RibbonEnd::Slab(_), RibbonEnd::Slab(_)));
        if is_between_slabs && b.layer == a.layer + 1 {
            let (start, end) = (a.bottom - clearance, b.bottom - clearance);
            self.level(style, Region::Under(first), start, a.front, a.low);
            self.curve(style, first, [start, a.low], [end, b.high], 0.0);
            self.level(style, Region::Under(last + 1), end, b.high, b.front);
            return;
        }
        let start = match from {
            RibbonEnd::Slab(slab) => {
                let y = a.top + clearance;
                self.level(style, Region::Over(slab), y, a.front, a.low);
                [y, a.low]
            }
            RibbonEnd::Joint(joint) => [self.joint_height(joint), joint.z],
        };
        let end = match to {
            RibbonEnd::Slab(slab) => {
                let y = b.top + clearance;
                self.level(style, Region::Over(slab), y, b.high, b.front);
                [y, b.high]
            }
            RibbonEnd::Joint(joint) => [self.joint_height(joint), joint.z],
        };
        let top = self.slabs[first..=last + 1].iter().map(|slab| slab.top).fold(f32::NEG_INFINITY, f32::max);
        let rise = (RISE.0 + RISE.1 * ((b.layer - a.layer - 1) as f32).sqrt()) * self.tallest;
        let peak = top + clearance + rise;
        if first == last {
            // All slabs between two slabs are hidden.
            let bump = if is_between_slabs { peak - start[0].max(end[0]) } else { 0.0 };
            self.curve(style, first, start, end, bump);
            return;
        }
        self.curve(style, first, start, [peak, self.slabs[first + 1].high], 0.0);
        for index in first + 1..=last {
            let slab = self.slabs[index];
            self.level(style, Region::Over(index), peak, slab.high, slab.low);
            if index < last {
                self.level(style, Region::Gap(index), peak, slab.low, self.slabs[index + 1].high);
            }
        }
        self.curve(style, last, [peak, self.slabs[last].low], end, 0.0);
    }

    /// Adds the mark of a joint.
    fn joint(&mut self, joint: RibbonJoint) {
        let style =
            RibbonStyle { half_width: joint.radius, opacity: 1.0, highlighted: false, is_joint: true };
        let y = self.joint_height(joint);
        self.level(style, Region::Gap(joint.gap), y, joint.z, joint.z);
    }

    /// Half the width of a ribbon, in world units.
    fn half_width(&self) -> f32 {
        HALF_WIDTH * self.tallest
    }

    /// Distance of a ribbon from the slab where it begins or ends: half the width and a margin.
    fn clearance(&self) -> f32 {
        1.5 * self.half_width()
    }

    /// Returns y of a joint.
    fn joint_height(&self, joint: RibbonJoint) -> f32 {
        let top = self.slabs[joint.gap].top.max(self.slabs[joint.gap + 1].top);
        top + self.clearance() + RISE.0 * self.tallest
    }

    /// Adds a level segment at height `y` between two values of z.
    fn level(&mut self, style: RibbonStyle, region: Region, y: f32, from: f32, to: f32) {
        self.push(style, region, [[y, from, 0.0], [y, to, 0.0]]);
    }

    /// Adds the segments between two points (y, z) in the gap behind a slab: a smoothstep, level at both ends,
    /// plus a quartic bump of height `bump`.
    fn curve(&mut self, style: RibbonStyle, gap: usize, from: [f32; 2], to: [f32; 2], bump: f32) {
        let ([from, z0], [to, z1]) = (from, to);
        let (rise, run) = (to - from, z1 - z0);
        let at = |step: usize| {
            let t = step as f32 / self.steps as f32;
            let rest = 1.0 - t;
            let y = from + rise * t * t * (3.0 - 2.0 * t) + bump * 16.0 * t * t * rest * rest;
            let slope = 6.0 * rise * t * rest + bump * 32.0 * t * rest * (1.0 - 2.0 * t);
            // Exact at the end, without rounding: the next segment begins there.
            let z = if step == self.steps { z1 } else { z0 + t * run };
            [y, z, if run == 0.0 { 0.0 } else { slope / run }]
        };
        let points: Vec<[f32; 3]> = (0..=self.steps).map(at).collect();
        for ends in points.windows(2) {
            self.push(style, Region::Gap(gap), [ends[0], ends[1]]);
        }
    }

    /// Adds a segment unless it is transparent. `ends` are (y, z, dy/dz).
    fn push(&mut self, style: RibbonStyle, region: Region, ends: [[f32; 3]; 2]) {
        let camera = &self.frame.view.camera;
        let opacity = ends.map(|[y, z, _]| style.opacity * camera.presence_at(vec3(0.0, y, z)));
        if opacity == [0.0; 2] {
            return;
        }
        let segment = Segment {
            start: [ends[0][0], ends[0][1]],
            finish: [ends[1][0], ends[1][1]],
            slopes: [ends[0][2], ends[1][2]],
            opacity,
            half_width: style.half_width,
            highlighted: f32::from(u8::from(style.highlighted)),
            joint: f32::from(u8::from(style.is_joint)),
            padding: 0.0,
        };
        // Highlighted ribbons over the others, and joints over the ribbons that meet there.
        let (slot, order) = self.draw_order(region, camera.position);
        let rank = if style.is_joint { 2 } else { usize::from(style.highlighted) };
        self.segments.push(((slot, 3 * order + rank), segment));
    }

    /// Returns the index of the slab before which a segment is drawn, and its order among the segments drawn there.
    fn draw_order(&self, region: Region, eye: Vec3) -> (usize, usize) {
        const NEAR_SLAB: usize = 0;
        const GAP: usize = 1;
        const FAR_SLAB: usize = 2;
        let beside = |slab: RibbonSlab, nearer: bool| {
            if nearer { (slab.draw_index + 1, NEAR_SLAB) } else { (slab.draw_index, FAR_SLAB) }
        };
        match region {
            Region::Over(index) => beside(self.slabs[index], eye.y > self.slabs[index].top),
            Region::Under(index) => beside(self.slabs[index], eye.y < self.slabs[index].bottom),
            Region::Gap(index) => {
                let (a, b) = (self.slabs[index], self.slabs[index + 1]);
                if eye.z > a.low {
                    (b.draw_index + 1, GAP)
                } else if eye.z < b.high {
                    (a.draw_index + 1, GAP)
                } else {
                    (self.last, GAP)
                }
            }
        }
    }

    /// Sorts the segments into draw order.
    fn finish(mut self) -> Ribbons {
        self.segments.sort_by_key(|&(key, _)| key);
        let mut runs: Vec<(usize, Range<u32>)> = Vec::new();
        for (index, &((slot, _), _)) in self.segments.iter().enumerate() {
            let index = index as u32;
            match runs.last_mut() {
                Some((last, run)) if *last == slot => run.end = index + 1,
                _ => runs.push((slot, index..index + 1)),
            }
        }
        Ribbons { segments: self.segments.into_iter().map(|(_, segment)| segment).collect(), runs }
    }
}

/// The properties that all segments of a ribbon, or of a joint, share.
#[derive(Clone, Copy)]
struct RibbonStyle {
    /// World units.
    half_width: f32,
    /// The lower of the opacities of the slabs at its ends.
    opacity: f32,
    highlighted: bool,
    is_joint: bool,
}
