//! The edges of networks that branch: a ribbon per edge, drawn between the slabs.
//!
//! Neighbours are tied by a band along their lower edges; a skip leaves over the upper edge, runs level
//! above what it passes and comes down on its target. All ribbons lie in the plane x = 0.
//!
//! Slabs are drawn back to front, without depth. So that this stays exact, every ribbon is cut where
//! slabs with their cells begin and end along z, and over or under a slab it is level: each piece is
//! parted from each slab by a plane, and has its place in the order.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use glam::{Vec3, vec3};

use super::frame::SlabData;
use super::slabs::{Target, quads};
use super::{Frame, Gpu, shader};

/// Most segments of one picture; edges beyond it are left out, the longest first.
const MOST: usize = 20_000;
/// Segments of a rise or fall between two slabs: at most, and where that makes too many at least.
const STEPS: (usize, usize) = (16, 4);
/// Half the width of a ribbon, as a share of the tallest slab.
const HALF_WIDTH: f32 = 0.012;
/// Height of a skip over what it passes, as a share of the tallest slab: of any, and more with the square
/// root of how many slabs it passes, so that nested skips run beside each other.
const RISE: (f32, f32) = (0.03, 0.05);

/// `Segment` in shaders/ribbons.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub(super) struct Segment {
    /// Ends in the plane x = 0: (y, z).
    pub start: [f32; 2],
    pub finish: [f32; 2],
    /// dy/dz at the ends.
    pub slopes: [f32; 2],
    /// Share of the ends that is drawn.
    pub presence: [f32; 2],
    pub half_width: f32,
    /// 1: it touches the slab that is looked at.
    pub lit: f32,
    // Makes a segment three vectors of 16 bytes.
    pub padding: [f32; 2],
}

/// The ribbons of one picture.
#[derive(Debug, Default)]
pub(super) struct Ribbons {
    pub segments: Vec<Segment>,
    /// Before which slab, in the order of drawing, which segments are drawn. Rising.
    pub runs: Vec<(usize, Range<u32>)>,
}

/// The geometry of a drawn slab that ribbons depend on.
#[derive(Clone, Copy)]
struct RibbonSlab {
    layer: usize,
    /// Place in the order of drawing.
    place: usize,
    /// Front face, and the ends of slab and cells along z.
    front: f32,
    low: f32,
    high: f32,
    bottom: f32,
    top: f32,
    presence: f32,
}

/// The stretch along z in which a piece of a ribbon lies.
#[derive(Clone, Copy)]
enum Region {
    /// Between a slab, by its number, and the next.
    Gap(usize),
    /// Over a slab.
    Over(usize),
    Under(usize),
}

impl Ribbons {
    /// Plans the ribbons between `slabs`, the drawn slabs back to front.
    pub(super) fn new(frame: &Frame<'_>, slabs: &[SlabData]) -> Self {
        if frame.network.edges.is_empty() {
            return Self::default();
        }
        let plates = plates(slabs, frame.data(slabs.len()).height);
        let mut edges: Vec<(usize, usize, bool)> = frame
            .network
            .edges
            .iter()
            .filter_map(|edge| {
                let number = |layer| plates.binary_search_by_key(&layer, |plate| plate.layer).ok();
                let (from, to) = (number(edge.from)?, number(edge.to)?);
                let lit = frame.network.lit.is_some_and(|lit| lit == edge.from || lit == edge.to);
                (from != to).then_some((from.min(to), from.max(to), lit))
            })
            .collect();
        // The lit ones first and then the short ones, which are most of what can be made out.
        edges.sort_by_key(|&(from, to, lit)| (!lit, to - from));
        edges.dedup();
        let pieces =
            |steps: usize| edges.iter().map(|&(from, to, _)| 2 * steps + 2 * (to - from) + 1).sum::<usize>();
        let mut steps = STEPS.0;
        while steps > STEPS.1 && pieces(steps) > MOST {
            steps /= 2;
        }
        let tallest = plates.iter().map(|plate| plate.top - plate.bottom).fold(0.0, f32::max);
        let mut plan = Plan { frame, plates: &plates, tallest, steps, last: slabs.len(), pieces: Vec::new() };
        for (from, to, lit) in edges {
            if plan.pieces.len() + 2 * steps + 2 * (to - from) + 1 > MOST {
                break;
            }
            plan.edge(from, to, lit);
        }
        plan.finish()
    }
}

/// The slabs by layer, that is front to back.
fn plates(slabs: &[SlabData], height: f32) -> Vec<RibbonSlab> {
    let mut plates: Vec<RibbonSlab> = slabs
        .iter()
        .enumerate()
        .map(|(place, slab)| RibbonSlab {
            layer: slab.layer as usize,
            place,
            front: slab.corner.z,
            low: slab.corner.z - slab.thickness,
            high: slab.corner.z + height * slab.pitch,
            bottom: slab.corner.y - slab.grid[1] as f32 * slab.pitch - slab.border,
            top: slab.corner.y + slab.border,
            presence: slab.presence,
        })
        .collect();
    plates.sort_by_key(|plate| plate.layer);
    for number in 1..plates.len() {
        // Cells drawn very high could reach the slab before; something is left to cross.
        let room = plates[number - 1].low - plates[number].front;
        plates[number].high = plates[number].high.min(plates[number].front + 0.8 * room);
    }
    plates
}

struct Plan<'a> {
    frame: &'a Frame<'a>,
    plates: &'a [RibbonSlab],
    tallest: f32,
    steps: usize,
    /// Slabs that are drawn.
    last: usize,
    /// With where in the order they belong.
    pieces: Vec<(usize, Segment)>,
}

impl Plan<'_> {
    /// Ties two slabs, by their numbers.
    fn edge(&mut self, from: usize, to: usize, lit: bool) {
        let (a, b) = (self.plates[from], self.plates[to]);
        let half_width = HALF_WIDTH * self.tallest;
        let presence = a.presence.min(b.presence);
        let piece = Piece { half_width, presence, lit };
        // Clear of the slab by its own breadth, and a little.
        let clear = 1.5 * half_width;
        if b.layer == a.layer + 1 {
            let (start, end) = (a.bottom - clear, b.bottom - clear);
            self.level(piece, Region::Under(from), start, a.front, a.low);
            self.curve(piece, from, start, end, 0.0);
            self.level(piece, Region::Under(to), end, b.high, b.front);
            return;
        }
        let passed = &self.plates[from..=to];
        let top = passed.iter().map(|plate| plate.top).fold(f32::NEG_INFINITY, f32::max);
        let rise = (RISE.0 + RISE.1 * ((b.layer - a.layer - 1) as f32).sqrt()) * self.tallest;
        let (start, end, peak) = (a.top + clear, b.top + clear, top + clear + rise);
        self.level(piece, Region::Over(from), start, a.front, a.low);
        if to == from + 1 {
            // Nothing that is drawn lies between them.
            self.curve(piece, from, start, end, peak - start.max(end));
        } else {
            self.curve(piece, from, start, peak, 0.0);
            for number in from + 1..to {
                let plate = self.plates[number];
                self.level(piece, Region::Over(number), peak, plate.high, plate.low);
                if number + 1 < to {
                    self.level(piece, Region::Gap(number), peak, plate.low, self.plates[number + 1].high);
                }
            }
            self.curve(piece, to - 1, peak, end, 0.0);
        }
        self.level(piece, Region::Over(to), end, b.high, b.front);
    }

    /// A level piece at height `y`.
    fn level(&mut self, piece: Piece, region: Region, y: f32, from: f32, to: f32) {
        self.push(piece, region, [[y, from, 0.0], [y, to, 0.0]]);
    }

    /// From one height to another across the gap behind a slab, level at both ends, by way of a hump.
    fn curve(&mut self, piece: Piece, number: usize, from: f32, to: f32, hump: f32) {
        let (z0, z1) = (self.plates[number].low, self.plates[number + 1].high);
        let (rise, run) = (to - from, z1 - z0);
        let at = |step: usize| {
            let t = step as f32 / self.steps as f32;
            let rest = 1.0 - t;
            let y = from + rise * t * t * (3.0 - 2.0 * t) + hump * 16.0 * t * t * rest * rest;
            let slope = 6.0 * rise * t * rest + hump * 32.0 * t * rest * (1.0 - 2.0 * t);
            // Exactly at the cut: no step of rounding.
            let z = if step == self.steps { z1 } else { z0 + t * run };
            [y, z, if run == 0.0 { 0.0 } else { slope / run }]
        };
        let points: Vec<[f32; 3]> = (0..=self.steps).map(at).collect();
        for ends in points.windows(2) {
            self.push(piece, Region::Gap(number), [ends[0], ends[1]]);
        }
    }

    /// `ends` are (y, z, dy/dz).
    fn push(&mut self, piece: Piece, region: Region, ends: [[f32; 3]; 2]) {
        let camera = &self.frame.view.camera;
        let presence = ends.map(|[y, z, _]| piece.presence * camera.presence_at(vec3(0.0, y, z)));
        if presence == [0.0; 2] {
            return;
        }
        let segment = Segment {
            start: [ends[0][0], ends[0][1]],
            finish: [ends[1][0], ends[1][1]],
            slopes: [ends[0][2], ends[1][2]],
            presence,
            half_width: piece.half_width,
            lit: f32::from(u8::from(piece.lit)),
            padding: [0.0; 2],
        };
        // Lit ribbons over the others.
        let (slot, order) = self.place(region, camera.position);
        self.pieces.push(((slot * 3 + order) * 2 + usize::from(piece.lit), segment));
    }

    /// Before which slab a piece is drawn, and its place among the pieces drawn there.
    fn place(&self, region: Region, eye: Vec3) -> (usize, usize) {
        const NEAR_SLAB: usize = 0;
        const GAP: usize = 1;
        const FAR_SLAB: usize = 2;
        let beside = |plate: RibbonSlab, nearer: bool| {
            if nearer { (plate.place + 1, NEAR_SLAB) } else { (plate.place, FAR_SLAB) }
        };
        match region {
            Region::Over(number) => beside(self.plates[number], eye.y > self.plates[number].top),
            Region::Under(number) => beside(self.plates[number], eye.y < self.plates[number].bottom),
            Region::Gap(number) => {
                let (a, b) = (self.plates[number], self.plates[number + 1]);
                if eye.z > a.low {
                    (b.place + 1, GAP)
                } else if eye.z < b.high {
                    (a.place + 1, GAP)
                } else {
                    (self.last, GAP)
                }
            }
        }
    }

    fn finish(mut self) -> Ribbons {
        self.pieces.sort_by_key(|&(key, _)| key);
        let mut runs: Vec<(usize, Range<u32>)> = Vec::new();
        for (index, &(key, _)) in self.pieces.iter().enumerate() {
            let (slot, index) = (key / 6, index as u32);
            match runs.last_mut() {
                Some((last, run)) if *last == slot => run.end = index + 1,
                _ => runs.push((slot, index..index + 1)),
            }
        }
        Ribbons { segments: self.pieces.into_iter().map(|(_, segment)| segment).collect(), runs }
    }
}

/// The properties that all pieces of a ribbon share.
#[derive(Clone, Copy)]
struct Piece {
    half_width: f32,
    presence: f32,
    lit: bool,
}

/// Draws ribbons; made when first there are any.
pub(super) struct RibbonPass {
    layout: wgpu::BindGroupLayout,
    pipeline: wgpu::RenderPipeline,
    buffer: wgpu::Buffer,
    group: wgpu::BindGroup,
}

impl RibbonPass {
    pub(super) fn new(device: &wgpu::Device, frame: &wgpu::BindGroupLayout, target: Target) -> Self {
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("RibbonPass::layout"),
            entries: &[wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::VERTEX,
                ty: wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Storage { read_only: true },
                    has_dynamic_offset: false,
                    min_binding_size: wgpu::BufferSize::new(size_of::<Segment>() as u64),
                },
                count: None,
            }],
        });
        let pipeline = quads(device, "RibbonPass::pipeline", shader::RIBBONS, [frame, &layout], target);
        let buffer = segment_buffer(device, 256);
        let group = segment_group(device, &layout, &buffer);
        Self { layout, pipeline, buffer, group }
    }

    /// Brings the segments to the device.
    pub(super) fn prepare(&mut self, gpu: &Gpu, ribbons: &Ribbons) {
        let bytes: &[u8] = bytemuck::cast_slice(&ribbons.segments);
        if self.buffer.size() < bytes.len() as u64 {
            self.buffer = segment_buffer(&gpu.device, ribbons.segments.len().next_power_of_two());
            self.group = segment_group(&gpu.device, &self.layout, &self.buffer);
        }
        gpu.queue.write_buffer(&self.buffer, 0, bytes);
    }

    /// Draws some of the prepared segments into `pass`, whose group 0 is set.
    pub(super) fn draw(&self, pass: &mut wgpu::RenderPass<'_>, segments: Range<u32>) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(1, &self.group, &[]);
        pass.draw(0..4, segments);
    }
}

fn segment_buffer(device: &wgpu::Device, segments: usize) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("RibbonPass::buffer"),
        size: (segments * size_of::<Segment>()) as u64,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

fn segment_group(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    buffer: &wgpu::Buffer,
) -> wgpu::BindGroup {
    device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("RibbonPass::group"),
        layout,
        entries: &[wgpu::BindGroupEntry { binding: 0, resource: buffer.as_entire_binding() }],
    })
}
