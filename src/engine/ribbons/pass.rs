//! The pass of shaders/ribbons.wgsl.

use std::ops::Range;

use super::super::gpu::Gpu;
use super::super::quads::quad_pipeline;
use super::super::shader;
use super::super::target::Target;
use super::{Ribbons, Segment};

/// Draws ribbons.
pub(in crate::engine) struct RibbonPass {
    layout: wgpu::BindGroupLayout,
    pipeline: wgpu::RenderPipeline,
    buffer: wgpu::Buffer,
    group: wgpu::BindGroup,
}

impl RibbonPass {
    pub(in crate::engine) fn new(
        device: &wgpu::Device,
        frame: &wgpu::BindGroupLayout,
        target: Target,
    ) -> Self {
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
    pub(in crate::engine) fn prepare(&mut self, gpu: &Gpu, ribbons: &Ribbons) {
        let bytes: &[u8] = bytemuck::cast_slice(&ribbons.segments);
        if self.buffer.size() < bytes.len() as u64 {
            self.buffer = segment_buffer(&gpu.device, ribbons.segments.len().next_power_of_two());
            self.group = segment_group(&gpu.device, &self.layout, &self.buffer);
        }
        gpu.queue.write_buffer(&self.buffer, 0, bytes);
    }

    /// Draws a range of the uploaded segments into `pass`, whose bind group 0 is set.
    pub(in crate::engine) fn draw(&self, pass: &mut wgpu::RenderPass<'_>, segments: Range<u32>) {
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
