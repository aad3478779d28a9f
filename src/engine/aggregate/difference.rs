//! The pass of shaders/difference.wgsl, which computes one value per unit from the summaries of one side or two.

use std::collections::HashMap;

use super::super::compute_layout::{BufferUse, compute_layout};
use super::commands::CommandStream;
use super::pass::Kind;
use crate::engine::shader;
use crate::model::Diff;
use crate::stats::BackendError;

/// Threads of a workgroup, as in the shader; each handles a quad of four units.
pub(in crate::engine) const WORKGROUP: u32 = 64;
/// Bits in place of a value that the CPU has to compute, as in the shader.
pub(in crate::engine) const FALLBACK: u32 = 0x7fc0_0001;

/// `LayerSummaries` in shaders/difference.wgsl, which documents the members.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(in crate::engine) struct LayerSummaries {
    pub(in crate::engine) quads: u32,
    pub(in crate::engine) first_a: u32,
    pub(in crate::engine) runs_a: u32,
    pub(in crate::engine) first_b: u32,
    pub(in crate::engine) runs_b: u32,
    pub(in crate::engine) compared: u32,
    pub(in crate::engine) to: u32,
    // Makes a layer two vectors of 16 bytes.
    pub(in crate::engine) padding: u32,
}

/// Computes values from summaries, with a pipeline for each kind of summary and difference.
pub(super) struct Difference {
    group_layout: wgpu::BindGroupLayout,
    layout: wgpu::PipelineLayout,
    pipelines: HashMap<(Kind, u32), wgpu::ComputePipeline>,
}

impl Difference {
    pub(super) fn new(device: &wgpu::Device) -> Self {
        use BufferUse::{Read, Write};
        let labels = ["Difference::group_layout", "Difference::layout"];
        let (group_layout, layout) = compute_layout(device, labels, &[Read, Read, Write]);
        Self { group_layout, layout, pipelines: HashMap::new() }
    }

    /// Records the computation of `values` from `sums`, for `layers`, at least one.
    pub(super) fn record(
        &mut self,
        commands: &mut CommandStream<'_>,
        (kind, diff): (Kind, Diff),
        layers: &[LayerSummaries],
        sums: &wgpu::Buffer,
        values: &wgpu::Buffer,
    ) -> Result<(), BackendError> {
        let table = commands.buffer_with("Difference::layers", layers, wgpu::BufferUsages::STORAGE)?;
        let entry = |binding, buffer| wgpu::BindGroupEntry {
            binding,
            resource: wgpu::Buffer::as_entire_binding(buffer),
        };
        let group = commands.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("Difference::group"),
            layout: &self.group_layout,
            entries: &[entry(0, &table), entry(1, sums), entry(2, values)],
        });
        let diff = constant(diff);
        let pipeline = self.pipelines.entry((kind, diff)).or_insert_with(|| {
            let slots = [("stored", kind.stored())];
            let module =
                shader::module(commands.device, "Difference::module", shader::DIFFERENCE.with(&slots));
            commands.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some("Difference::pipeline"),
                layout: Some(&self.layout),
                module: &module,
                entry_point: Some("values_of_layers"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &[kind.constant(), ("DIFF", f64::from(diff))],
                    ..Default::default()
                },
                cache: None,
            })
        });
        let widest = layers.iter().map(|layer| layer.quads).max().unwrap_or(0);
        let mut pass = commands.encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: Some("Difference::pass"),
            timestamp_writes: None,
        });
        pass.set_bind_group(0, &group, &[]);
        pass.set_pipeline(pipeline);
        pass.dispatch_workgroups(widest.div_ceil(WORKGROUP), layers.len() as u32, 1);
        Ok(())
    }
}

/// Returns the value of the shader's constant `DIFF`.
pub(in crate::engine) fn constant(diff: Diff) -> u32 {
    match diff {
        Diff::Signed => 0,
        Diff::Abs => 1,
        Diff::Effect => 2,
    }
}
