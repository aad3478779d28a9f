//! The edges of networks that branch: a ribbon per edge, drawn between the slabs.
//!
//! The ribbon of an edge between neighbours runs below the slabs; that of a skip connection runs level above the
//! slabs that it passes. All ribbons lie in the plane x = 0.
//!
//! Slabs are drawn back to front, without depth test. To keep that exact, a ribbon is cut into segments where
//! slabs with their cells begin and end along z, and is level above or below a slab: a plane separates each
//! segment from each slab, and the segments are sorted into the draw order of the slabs.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use glam::{Vec3, vec3};

use super::frame::{Frame, SlabData};
use super::gpu::Gpu;
use super::quads::quad_pipeline;
use super::shader;
use super::target::Target;
use crate::model::layout::{SLAB_BORDER, SLAB_THICKNESS};

/// Greatest number of segments of one picture. Edges beyond it are left out, the longest first.
const MAX_SEGMENTS: usize = 20_000;
/// Segments of a rise or fall between two slabs: the usual number, and the least where that makes too many.
const STEPS: (usize, usize) = (16, 4);
/// Half the width of a ribbon, as a share of the height of the tallest slab.
const HALF_WIDTH: f32 = 0.012;
/// Height of a skip connection above the slabs that it passes, as a share of the height of the tallest slab: a
/// constant, and the factor of the square root of their number, so that nested ribbons do not overlap.
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
    // Makes a segment three vectors of 16 bytes.
    pub padding: [f32; 2],
}

/// The ribbons of one picture.
#[derive(Debug, Default)]
pub(super) struct Ribbons {
    /// All segments in draw order.
    pub segments: Vec<Segment>,
    /// Ranges of the segments, each with the index in draw order of the slab before which it is drawn, rising.
    pub runs: Vec<(usize, Range<u32>)>,
}

/// The geometry of a drawn slab that ribbons depend on, in world units.
#[derive(Clone, Copy)]
struct RibbonSlab {
    layer: usize,
    /// Index in draw order.
    draw_index: usize,
    /// z of the front face.
    front: f32,
    /// Range along z of the slab with its cells.
    low: f32,
    high: f32,
    /// Range along y of the slab.
    bottom: f32,
    top: f32,
    opacity: f32,
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

impl Ribbons {
    /// Computes the ribbons between `slabs`, the drawn slabs back to front.
    pub(super) fn new(frame: &Frame<'_>, slabs: &[SlabData]) -> Self {
        if frame.network.edges.is_empty() {
            return Self::default();
        }
        let ribbon_slabs = ribbon_slabs(slabs, frame.data(slabs.len()).height);
        let mut edges: Vec<(usize, usize, bool)> = frame
            .network
            .edges
            .iter()
            .filter_map(|edge| {
                let index = |layer| ribbon_slabs.binary_search_by_key(&layer, |slab| slab.layer).ok();
                let (from, to) = (index(edge.from)?, index(edge.to)?);
                let ends_at = |slab: usize| slab == edge.from || slab == edge.to;
                let highlighted = frame.network.highlighted.is_some_and(ends_at);
                (from != to).then_some((from.min(to), from.max(to), highlighted))
            })
            .collect();
        // The highlighted edges first, then the short ones: long ones are the first to be left out.
        edges.sort_by_key(|&(from, to, highlighted)| (!highlighted, to - from));
        edges.dedup();
        let segments =
            |steps: usize| edges.iter().map(|&(from, to, _)| 2 * steps + 2 * (to - from) + 1).sum::<usize>();
        let mut steps = STEPS.0;
        while steps > STEPS.1 && segments(steps) > MAX_SEGMENTS {
            steps /= 2;
        }
        let tallest = ribbon_slabs.iter().map(|slab| slab.top - slab.bottom).fold(0.0, f32::max);
        let last = slabs.len();
        let mut builder =
            RibbonBuilder { frame, slabs: &ribbon_slabs, tallest, steps, last, segments: Vec::new() };
        for (from, to, highlighted) in edges {
            if builder.segments.len() + 2 * steps + 2 * (to - from) + 1 > MAX_SEGMENTS {
                break;
            }
            builder.edge(from, to, highlighted);
        }
        builder.finish()
    }
}

/// Returns the slabs by layer, which is front to back.
fn ribbon_slabs(slabs: &[SlabData], height: f32) -> Vec<RibbonSlab> {
    let mut ribbon_slabs: Vec<RibbonSlab> = slabs
        .iter()
        .enumerate()
        .map(|(draw_index, slab)| RibbonSlab {
            layer: slab.layer as usize,
            draw_index,
            front: slab.corner.z,
            low: slab.corner.z - SLAB_THICKNESS,
            high: slab.corner.z + height * slab.pitch,
            bottom: slab.corner.y - slab.grid[1] as f32 * slab.pitch - SLAB_BORDER,
            top: slab.corner.y + SLAB_BORDER,
            opacity: slab.opacity,
        })
        .collect();
    ribbon_slabs.sort_by_key(|slab| slab.layer);
    for index in 1..ribbon_slabs.len() {
        // Very high cells could reach the slab in front; the rest of the gap stays for the ribbon.
        let gap = ribbon_slabs[index - 1].low - ribbon_slabs[index].front;
        ribbon_slabs[index].high = ribbon_slabs[index].high.min(ribbon_slabs[index].front + 0.8 * gap);
    }
    ribbon_slabs
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
    /// The segments with their sort keys: index of the slab before which one is drawn × 6, plus its order there.
    segments: Vec<(usize, Segment)>,
}

impl RibbonBuilder<'_> {
    /// Adds the ribbon between two slabs, given by index.
    fn edge(&mut self, from: usize, to: usize, highlighted: bool) {
        let (a, b) = (self.slabs[from], self.slabs[to]);
        let half_width = HALF_WIDTH * self.tallest;
        let style = RibbonStyle { half_width, opacity: a.opacity.min(b.opacity), highlighted };
        // Distance from the slab: the half width and a margin.
        let clearance = 1.5 * half_width;
        if b.layer == a.layer + 1 {
            let (start, end) = (a.bottom - clearance, b.bottom - clearance);
            self.level(style, Region::Under(from), start, a.front, a.low);
            self.curve(style, from, start, end, 0.0);
            self.level(style, Region::Under(to), end, b.high, b.front);
            return;
        }
        let passed = &self.slabs[from..=to];
        let top = passed.iter().map(|slab| slab.top).fold(f32::NEG_INFINITY, f32::max);
        let rise = (RISE.0 + RISE.1 * ((b.layer - a.layer - 1) as f32).sqrt()) * self.tallest;
        let (start, end, peak) = (a.top + clearance, b.top + clearance, top + clearance + rise);
        self.level(style, Region::Over(from), start, a.front, a.low);
        if to == from + 1 {
            // All slabs between the two are hidden.
            self.curve(style, from, start, end, peak - start.max(end));
        } else {
            self.curve(style, from, start, peak, 0.0);
            for index in from + 1..to {
                let slab = self.slabs[index];
                self.level(style, Region::Over(index), peak, slab.high, slab.low);
                if index + 1 < to {
                    self.level(style, Region::Gap(index), peak, slab.low, self.slabs[index + 1].high);
                }
            }
            self.curve(style, to - 1, peak, end, 0.0);
        }
        self.level(style, Region::Over(to), end, b.high, b.front);
    }

    /// Adds a level segment at height `y` between two values of z.
    fn level(&mut self, style: RibbonStyle, region: Region, y: f32, from: f32, to: f32) {
        self.push(style, region, [[y, from, 0.0], [y, to, 0.0]]);
    }

    /// Adds the segments from height `from` to height `to` across the gap behind a slab: a smoothstep, level at
    /// both ends, plus a quartic bump of height `bump`.
    fn curve(&mut self, style: RibbonStyle, index: usize, from: f32, to: f32, bump: f32) {
        let (z0, z1) = (self.slabs[index].low, self.slabs[index + 1].high);
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
            self.push(style, Region::Gap(index), [ends[0], ends[1]]);
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
            padding: [0.0; 2],
        };
        // Highlighted ribbons over the others.
        let (slot, order) = self.draw_order(region, camera.position);
        self.segments.push(((slot * 3 + order) * 2 + usize::from(style.highlighted), segment));
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
        for (index, &(key, _)) in self.segments.iter().enumerate() {
            let (slot, index) = (key / 6, index as u32);
            match runs.last_mut() {
                Some((last, run)) if *last == slot => run.end = index + 1,
                _ => runs.push((slot, index..index + 1)),
            }
        }
        Ribbons { segments: self.segments.into_iter().map(|(_, segment)| segment).collect(), runs }
    }
}

/// The properties that all segments of a ribbon share.
#[derive(Clone, Copy)]
struct RibbonStyle {
    /// World units.
    half_width: f32,
    /// The lower of the opacities of the two slabs.
    opacity: f32,
    highlighted: bool,
}

/// Draws ribbons.
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
        let pipeline =
            quad_pipeline(device, "RibbonPass::pipeline", shader::RIBBONS, [frame, &layout], target);
        let buffer = segment_buffer(device, 256);
        let group = segment_group(device, &layout, &buffer);
        Self { layout, pipeline, buffer, group }
    }

    /// Uploads the segments.
    pub(super) fn prepare(&mut self, gpu: &Gpu, ribbons: &Ribbons) {
        let bytes: &[u8] = bytemuck::cast_slice(&ribbons.segments);
        if self.buffer.size() < bytes.len() as u64 {
            self.buffer = segment_buffer(&gpu.device, ribbons.segments.len().next_power_of_two());
            self.group = segment_group(&gpu.device, &self.layout, &self.buffer);
        }
        gpu.queue.write_buffer(&self.buffer, 0, bytes);
    }

    /// Draws a range of the uploaded segments into `pass`, whose bind group 0 is set.
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
