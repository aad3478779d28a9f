//! The pass of shaders/aggregate.wgsl: rows → summaries.

use std::collections::HashMap;

use super::store::{Lie, Placed};
use super::work::{Work, buffer};
use crate::engine::shader;
use crate::model::Stat;
use crate::stats::BackendError;

/// Threads of a workgroup, as in the shader; each has four units.
pub(in crate::engine) const WORKGROUP: u32 = 64;
/// Rows of a block: what one thread takes in.
pub(super) const BLOCK: usize = 128;
/// Rows of a run, whose blocks one thread joins.
pub(super) const RUN: usize = 64 * BLOCK;
/// Bytes for the summaries of blocks, at most; a binding of this size is had everywhere.
const SCRATCH: u64 = 64 << 20;
/// Quads that are looked at at a time: as many as have room for the blocks of a run.
pub(super) const MOST_QUADS: usize = (SCRATCH as usize) / (RUN / BLOCK * 4 * 16);

/// The kinds of summary that are kept of rows, as in shaders/shared/summary.wgsl.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::engine) enum Kind {
    Count,
    Rate,
    Low,
    High,
    Mean,
    Deviation,
}

impl Kind {
    pub(super) fn of(stat: Stat) -> Self {
        match stat {
            Stat::Count => Self::Count,
            Stat::Rate => Self::Rate,
            Stat::Min => Self::Low,
            Stat::Max => Self::High,
            Stat::Mean => Self::Mean,
            Stat::Std => Self::Deviation,
        }
    }

    /// Vectors of 16 bytes that a summary of four units is.
    pub(in crate::engine) fn parts(self) -> u64 {
        match self {
            Self::Count | Self::Low | Self::High => 1,
            Self::Rate => 2,
            Self::Mean => 3,
            Self::Deviation => 4,
        }
    }

    /// The shader's constant.
    pub(super) fn constant(self) -> (&'static str, f64) {
        ("KIND", f64::from(self as u32))
    }

    /// The file that declares a summary of this kind, of [`Kind::parts`] vectors.
    pub(in crate::engine) fn stored(self) -> &'static str {
        match self {
            Self::Count => shader::STORED_COUNT,
            Self::Rate => shader::STORED_RATE,
            Self::Low | Self::High => shader::STORED_EXTREME,
            Self::Mean => shader::STORED_MEAN,
            Self::Deviation => shader::STORED_DEVIATION,
        }
    }
}

/// As in the shader.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(in crate::engine) struct Span {
    pub(in crate::engine) quads: u32,
    pub(in crate::engine) stride: u32,
    pub(in crate::engine) first: u32,
    pub(in crate::engine) blocks: u32,
    pub(in crate::engine) runs: u32,
    // A uniform's size is a multiple of 16 bytes.
    pub(in crate::engine) padding_a: u32,
    pub(in crate::engine) padding_b: u32,
    pub(in crate::engine) padding_c: u32,
}

/// A block of rows or a run of blocks, as in the shader.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(in crate::engine) struct Piece {
    pub(in crate::engine) first: u32,
    pub(in crate::engine) length: u32,
    pub(in crate::engine) to: u32,
    // Makes a piece one vector of 16 bytes.
    pub(in crate::engine) padding: u32,
}

impl Piece {
    fn new(first: u32, length: u32, to: u32) -> Self {
        Self { first, length, to, padding: 0 }
    }
}

/// At most [`RUN`] rows, at least one, and the first quad in `sums` that they are summed in.
pub(super) struct Run<'a> {
    pub(super) rows: &'a [usize],
    pub(super) to: u32,
}

struct Pipelines {
    blocks: wgpu::ComputePipeline,
    runs: wgpu::ComputePipeline,
}

pub(super) struct Pass {
    group_layout: wgpu::BindGroupLayout,
    layout: wgpu::PipelineLayout,
    pipelines: HashMap<(Lie, Kind), Pipelines>,
    scratch: Option<wgpu::Buffer>,
}

impl Pass {
    pub(super) fn new(device: &wgpu::Device) -> Self {
        let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
            count: None,
        };
        let storage = |read_only| wgpu::BufferBindingType::Storage { read_only };
        let group_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("aggregate::Pass::group_layout"),
            entries: &[
                entry(0, wgpu::BufferBindingType::Uniform),
                entry(1, storage(true)),
                entry(2, storage(true)),
                entry(3, storage(true)),
                entry(4, storage(false)),
                entry(5, storage(false)),
            ],
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("aggregate::Pass::layout"),
            bind_group_layouts: &[Some(&group_layout)],
            immediate_size: 0,
        });
        Self { group_layout, layout, pipelines: HashMap::new(), scratch: None }
    }

    /// Records the reduction of `runs` of `data`, of `quads` quads from the one numbered `from` on, to
    /// `sums`. At most [`MOST_QUADS`].
    pub(super) fn record(
        &mut self,
        work: &mut Work<'_>,
        kind: Kind,
        data: &Placed,
        (from, quads): (u32, u32),
        runs: &[Run<'_>],
        sums: &wgpu::Buffer,
    ) -> Result<(), BackendError> {
        let block_bytes = u64::from(quads) * kind.parts() * 16;
        let dimension = work.device.limits().max_compute_workgroups_per_dimension as usize;
        let most_blocks = ((SCRATCH / block_bytes) as usize).min(dimension);
        let mut rest = runs;
        while !rest.is_empty() {
            // As many runs as there is room for the blocks of.
            let mut blocks = 0;
            let fitting = rest.iter().take_while(|run| {
                blocks += run.rows.len().div_ceil(BLOCK);
                blocks <= most_blocks
            });
            let (now, later) = rest.split_at(fitting.count().max(1));
            rest = later;

            let mut rows: Vec<u32> = Vec::new();
            let (mut block_table, mut run_table): (Vec<Piece>, Vec<Piece>) = (Vec::new(), Vec::new());
            for run in now {
                let blocks = run.rows.len().div_ceil(BLOCK) as u32;
                run_table.push(Piece::new(block_table.len() as u32, blocks, run.to));
                for block in run.rows.chunks(BLOCK) {
                    block_table.push(Piece::new(rows.len() as u32, block.len() as u32, 0));
                    rows.extend(block.iter().map(|&row| row as u32));
                }
            }
            let span = Span {
                quads,
                stride: data.stride,
                first: data.first + from,
                blocks: block_table.len() as u32,
                runs: run_table.len() as u32,
                padding_a: 0,
                padding_b: 0,
                padding_c: 0,
            };
            block_table.append(&mut run_table);
            self.dispatch(work, kind, data, span, &rows, &block_table, sums)?;
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "one per binding")]
    fn dispatch(
        &mut self,
        work: &mut Work<'_>,
        kind: Kind,
        data: &Placed,
        span: Span,
        rows: &[u32],
        pieces: &[Piece],
        sums: &wgpu::Buffer,
    ) -> Result<(), BackendError> {
        let storage = wgpu::BufferUsages::STORAGE;
        let rows = work.holding("aggregate::Pass::rows", rows, storage)?;
        let pieces = work.holding("aggregate::Pass::pieces", pieces, storage)?;
        let uniform = work.holding("aggregate::Pass::span", &[span], wgpu::BufferUsages::UNIFORM)?;
        let needed = u64::from(span.blocks) * u64::from(span.quads) * kind.parts() * 16;
        let scratch = match self.scratch.take().filter(|scratch| scratch.size() >= needed) {
            Some(scratch) => scratch,
            None => buffer(work.device, "aggregate::Pass::scratch", needed.next_power_of_two(), storage)?,
        };
        let scratch = self.scratch.insert(scratch).clone();
        let entry = |binding, buffer| wgpu::BindGroupEntry {
            binding,
            resource: wgpu::Buffer::as_entire_binding(buffer),
        };
        let group = work.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("aggregate::Pass::group"),
            layout: &self.group_layout,
            entries: &[
                entry(0, &uniform),
                entry(1, &data.buffer),
                entry(2, &rows),
                entry(3, &pieces),
                entry(4, &scratch),
                entry(5, sums),
            ],
        });
        let across = span.quads.div_ceil(WORKGROUP);
        let pipelines = self.pipelines(work.device, data.lie, kind);
        let mut pass = work.encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: Some("aggregate::Pass"),
            timestamp_writes: None,
        });
        pass.set_bind_group(0, &group, &[]);
        pass.set_pipeline(&pipelines.blocks);
        pass.dispatch_workgroups(across, span.blocks, 1);
        pass.set_pipeline(&pipelines.runs);
        pass.dispatch_workgroups(across, span.runs, 1);
        Ok(())
    }

    fn pipelines(&mut self, device: &wgpu::Device, lie: Lie, kind: Kind) -> &Pipelines {
        self.pipelines.entry((lie, kind)).or_insert_with(|| {
            let rows = match lie {
                Lie::F32 => shader::ROWS_F32,
                Lie::F16 => shader::ROWS_F16,
                Lie::Bf16 => shader::ROWS_BF16,
                Lie::U8 => shader::ROWS_U8,
            };
            let slots = [("rows", rows), ("stored", kind.stored())];
            let module = shader::module(device, "aggregate::Pass::module", shader::AGGREGATE.with(&slots));
            let pipeline = |entry| {
                device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                    label: Some("aggregate::Pass::pipeline"),
                    layout: Some(&self.layout),
                    module: &module,
                    entry_point: Some(entry),
                    compilation_options: wgpu::PipelineCompilationOptions {
                        constants: &[kind.constant()],
                        ..Default::default()
                    },
                    cache: None,
                })
            };
            Pipelines { blocks: pipeline("blocks"), runs: pipeline("runs") }
        })
    }
}
