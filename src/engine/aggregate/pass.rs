//! The passes of shaders/aggregate.wgsl, which reduce rows to summaries.

use std::collections::HashMap;

use super::super::compute_layout::{BufferUse, compute_layout};
use super::commands::{CommandStream, create_buffer};
use super::store::{DeviceRows, RowLayout};
use crate::engine::shader;
use crate::model::Stat;
use crate::stats::BackendError;

/// Threads of a workgroup, as in the shader; each handles a quad of four units.
pub(in crate::engine) const WORKGROUP: u32 = 64;
/// Rows of a block, which one thread reduces.
pub(super) const BLOCK: usize = 128;
/// Rows of a run, whose blocks one thread merges.
pub(super) const RUN: usize = 64 * BLOCK;
/// Greatest size of the summaries of blocks in bytes; every device allows bindings of this size.
const SCRATCH: u64 = 64 << 20;
/// Greatest number of quads reduced at a time: the summaries of a run's blocks fit in [`SCRATCH`].
pub(super) const MAX_QUADS: usize = (SCRATCH as usize) / (RUN / BLOCK * 4 * 16);

/// The kinds of summary of rows, as in shaders/shared/summary.wgsl.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::engine) enum Kind {
    /// Number of finite values.
    Count,
    /// Number of finite values, and of those above 0.
    Rate,
    /// Minimum.
    Low,
    /// Maximum.
    High,
    /// Number of finite values, and their mean.
    Mean,
    /// Number of finite values, their mean, and the sum of squared distances from it.
    Deviation,
}

impl Kind {
    /// Returns the summary from which a statistic is computed.
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

    /// Returns the number of 16-byte vectors in a summary of four units.
    pub(in crate::engine) fn parts(self) -> u64 {
        match self {
            Self::Count | Self::Low | Self::High => 1,
            Self::Rate => 2,
            Self::Mean => 3,
            Self::Deviation => 4,
        }
    }

    /// Returns name and value of the shader's constant.
    pub(super) fn constant(self) -> (&'static str, f64) {
        ("KIND", f64::from(self as u32))
    }

    /// Returns the shader file that declares a summary of this kind, of [`Kind::parts`] vectors.
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

/// `Span` in shaders/aggregate.wgsl, which documents the members.
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

/// `ReductionRange` in shaders/aggregate.wgsl: the rows of a block, or the blocks of a run.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(in crate::engine) struct ReductionRange {
    pub(in crate::engine) first: u32,
    pub(in crate::engine) length: u32,
    pub(in crate::engine) to: u32,
    // Makes a range one vector of 16 bytes.
    pub(in crate::engine) padding: u32,
}

impl ReductionRange {
    fn new(first: u32, length: u32, to: u32) -> Self {
        Self { first, length, to, padding: 0 }
    }
}

/// The rows of a run, from 1 to [`RUN`], and the place of their summary.
pub(super) struct RowRun<'a> {
    /// Indices into the rows on the device.
    pub(super) rows: &'a [usize],
    /// Index of the first quad in `sums`.
    pub(super) to: u32,
}

struct Pipelines {
    blocks: wgpu::ComputePipeline,
    runs: wgpu::ComputePipeline,
}

/// Reduces rows, with a pipeline for each row layout and kind of summary.
pub(super) struct Pass {
    group_layout: wgpu::BindGroupLayout,
    layout: wgpu::PipelineLayout,
    pipelines: HashMap<(RowLayout, Kind), Pipelines>,
    /// The summaries of blocks.
    scratch: Option<wgpu::Buffer>,
}

impl Pass {
    pub(super) fn new(device: &wgpu::Device) -> Self {
        use BufferUse::{Read, Uniform, Write};
        let labels = ["aggregate::Pass::group_layout", "aggregate::Pass::layout"];
        let (group_layout, layout) =
            compute_layout(device, labels, &[Uniform, Read, Read, Read, Write, Write]);
        Self { group_layout, layout, pipelines: HashMap::new(), scratch: None }
    }

    /// Records the reduction of `runs` of `data` to `sums`, for `quads` quads, at most [`MAX_QUADS`], from the
    /// quad of index `from` on.
    pub(super) fn record(
        &mut self,
        commands: &mut CommandStream<'_>,
        kind: Kind,
        data: &DeviceRows,
        (from, quads): (u32, u32),
        runs: &[RowRun<'_>],
        sums: &wgpu::Buffer,
    ) -> Result<(), BackendError> {
        let block_bytes = u64::from(quads) * kind.parts() * 16;
        let dimension = commands.device.limits().max_compute_workgroups_per_dimension as usize;
        let most_blocks = ((SCRATCH / block_bytes) as usize).min(dimension);
        let mut rest = runs;
        while !rest.is_empty() {
            // As many runs as have room for the summaries of their blocks.
            let mut blocks = 0;
            let fitting = rest.iter().take_while(|run| {
                blocks += run.rows.len().div_ceil(BLOCK);
                blocks <= most_blocks
            });
            let (now, later) = rest.split_at(fitting.count().max(1));
            rest = later;

            let mut rows: Vec<u32> = Vec::new();
            let (mut block_table, mut run_table): (Vec<ReductionRange>, Vec<ReductionRange>) =
                (Vec::new(), Vec::new());
            for run in now {
                let blocks = run.rows.len().div_ceil(BLOCK) as u32;
                run_table.push(ReductionRange::new(block_table.len() as u32, blocks, run.to));
                for block in run.rows.chunks(BLOCK) {
                    block_table.push(ReductionRange::new(rows.len() as u32, block.len() as u32, 0));
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
            self.dispatch(commands, kind, data, span, &rows, &block_table, sums)?;
        }
        Ok(())
    }

    /// Records the dispatches of a span. `ranges` are those of its blocks, then those of its runs.
    #[expect(clippy::too_many_arguments, reason = "one per binding")]
    fn dispatch(
        &mut self,
        commands: &mut CommandStream<'_>,
        kind: Kind,
        data: &DeviceRows,
        span: Span,
        rows: &[u32],
        ranges: &[ReductionRange],
        sums: &wgpu::Buffer,
    ) -> Result<(), BackendError> {
        let storage = wgpu::BufferUsages::STORAGE;
        let rows = commands.buffer_with("aggregate::Pass::rows", rows, storage)?;
        let ranges = commands.buffer_with("aggregate::Pass::ranges", ranges, storage)?;
        let uniform = commands.buffer_with("aggregate::Pass::span", &[span], wgpu::BufferUsages::UNIFORM)?;
        let needed = u64::from(span.blocks) * u64::from(span.quads) * kind.parts() * 16;
        let scratch = match self.scratch.take().filter(|scratch| scratch.size() >= needed) {
            Some(scratch) => scratch,
            None => {
                let size = needed.next_power_of_two();
                create_buffer(commands.device, "aggregate::Pass::scratch", size, storage)?
            }
        };
        let scratch = self.scratch.insert(scratch).clone();
        let entry = |binding, buffer| wgpu::BindGroupEntry {
            binding,
            resource: wgpu::Buffer::as_entire_binding(buffer),
        };
        let group = commands.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("aggregate::Pass::group"),
            layout: &self.group_layout,
            entries: &[
                entry(0, &uniform),
                entry(1, &data.buffer),
                entry(2, &rows),
                entry(3, &ranges),
                entry(4, &scratch),
                entry(5, sums),
            ],
        });
        let across = span.quads.div_ceil(WORKGROUP);
        let pipelines = self.pipelines(commands.device, data.layout, kind);
        let mut pass = commands.encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
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

    /// Returns the pipelines of a row layout and kind of summary, compiled on first use.
    fn pipelines(&mut self, device: &wgpu::Device, row_layout: RowLayout, kind: Kind) -> &Pipelines {
        self.pipelines.entry((row_layout, kind)).or_insert_with(|| {
            let rows = match row_layout {
                RowLayout::F32 => shader::ROWS_F32,
                RowLayout::F16 => shader::ROWS_F16,
                RowLayout::Bf16 => shader::ROWS_BF16,
                RowLayout::U8 => shader::ROWS_U8,
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
