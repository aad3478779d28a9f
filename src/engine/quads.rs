//! Quads that are drawn between slabs: their pipeline, and passes with one instance per quad.

use std::marker::PhantomData;
use std::ops::Range;

use bytemuck::Pod;

use super::gpu::Gpu;
use super::shader::{self, Shader};
use super::target::{RANK_FORMAT, Target};

/// Creates a pipeline for the objects between slabs, ribbons and the input's picture: quads as triangle strips of
/// four vertices, blended over the target. `groups` are the layouts of bind groups 0 and 1.
pub(super) fn quad_pipeline(
    device: &wgpu::Device,
    label: &str,
    source: Shader<'_>,
    groups: [&wgpu::BindGroupLayout; 2],
    target: Target,
) -> wgpu::RenderPipeline {
    let module = shader::module(device, label, source);
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(label),
        bind_group_layouts: &groups.map(Some),
        immediate_size: 0,
    });
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some(label),
        layout: Some(&layout),
        vertex: wgpu::VertexState {
            module: &module,
            entry_point: Some("vs_main"),
            compilation_options: Default::default(),
            buffers: &[],
        },
        primitive: wgpu::PrimitiveState {
            topology: wgpu::PrimitiveTopology::TriangleStrip,
            ..Default::default()
        },
        // Draw order decides visibility; a rank buffer is bound, but not tested.
        depth_stencil: Some(wgpu::DepthStencilState {
            format: RANK_FORMAT,
            depth_write_enabled: Some(false),
            depth_compare: Some(wgpu::CompareFunction::Always),
            stencil: Default::default(),
            bias: Default::default(),
        }),
        multisample: Default::default(),
        fragment: Some(wgpu::FragmentState {
            module: &module,
            entry_point: Some("fs_main"),
            compilation_options: Default::default(),
            targets: &[Some(target.state(Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING)))],
        }),
        multiview_mask: None,
        cache: None,
    })
}

/// A pass that draws quads, each from an instance `T` in the storage buffer of bind group 1.
pub(super) struct QuadPass<T> {
    label: &'static str,
    layout: wgpu::BindGroupLayout,
    pipeline: wgpu::RenderPipeline,
    buffer: wgpu::Buffer,
    group: wgpu::BindGroup,
    instance: PhantomData<T>,
}

impl<T: Pod> QuadPass<T> {
    pub(super) fn new(
        device: &wgpu::Device,
        label: &'static str,
        source: Shader<'_>,
        frame: &wgpu::BindGroupLayout,
        target: Target,
    ) -> Self {
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some(label),
            entries: &[wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::VERTEX,
                ty: wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Storage { read_only: true },
                    has_dynamic_offset: false,
                    min_binding_size: wgpu::BufferSize::new(size_of::<T>() as u64),
                },
                count: None,
            }],
        });
        let pipeline = quad_pipeline(device, label, source, [frame, &layout], target);
        let buffer = instance_buffer::<T>(device, label, 64);
        let group = instance_group(device, label, &layout, &buffer);
        Self { label, layout, pipeline, buffer, group, instance: PhantomData }
    }

    /// Uploads the instances.
    pub(super) fn prepare(&mut self, gpu: &Gpu, instances: &[T]) {
        let bytes: &[u8] = bytemuck::cast_slice(instances);
        if self.buffer.size() < bytes.len() as u64 {
            self.buffer = instance_buffer::<T>(&gpu.device, self.label, instances.len().next_power_of_two());
            self.group = instance_group(&gpu.device, self.label, &self.layout, &self.buffer);
        }
        if !bytes.is_empty() {
            gpu.queue.write_buffer(&self.buffer, 0, bytes);
        }
    }

    /// Draws a range of the uploaded instances into `pass`, whose bind group 0 is set.
    pub(super) fn draw(&self, pass: &mut wgpu::RenderPass<'_>, instances: Range<u32>) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(1, &self.group, &[]);
        pass.draw(0..4, instances);
    }
}

fn instance_buffer<T>(device: &wgpu::Device, label: &str, instances: usize) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: (instances * size_of::<T>()) as u64,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

fn instance_group(
    device: &wgpu::Device,
    label: &str,
    layout: &wgpu::BindGroupLayout,
    buffer: &wgpu::Buffer,
) -> wgpu::BindGroup {
    device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some(label),
        layout,
        entries: &[wgpu::BindGroupEntry { binding: 0, resource: buffer.as_entire_binding() }],
    })
}
