//! The compute path: the whole picture in one compute pass, with the same rays as [`super::slabs`] and without
//! rasterisation.

use std::cell::OnceCell;

use super::frame::Frame;
use super::gpu::Gpu;
use super::shader;
use super::target::COLOUR_FORMAT;

/// Threads per side of a workgroup, as in shaders/compute.wgsl.
pub(super) const WORKGROUP: u32 = 8;

/// Casts the rays of all pixels in a compute shader.
pub(super) struct ComputePass {
    module: wgpu::ShaderModule,
    group_layout: wgpu::BindGroupLayout,
    layout: wgpu::PipelineLayout,
    /// For pictures at an epoch, and between two epochs.
    pipelines: [OnceCell<wgpu::ComputePipeline>; 2],
}

impl ComputePass {
    pub(super) fn new(device: &wgpu::Device, frame: &wgpu::BindGroupLayout) -> Self {
        let group_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("ComputePass::group_layout"),
            entries: &[wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::StorageTexture {
                    access: wgpu::StorageTextureAccess::WriteOnly,
                    format: COLOUR_FORMAT,
                    view_dimension: wgpu::TextureViewDimension::D2,
                },
                count: None,
            }],
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("ComputePass::layout"),
            bind_group_layouts: &[Some(frame), Some(&group_layout)],
            immediate_size: 0,
        });
        let module = shader::module(device, "ComputePass::module", shader::COMPUTE);
        Self { module, group_layout, layout, pipelines: Default::default() }
    }

    /// Writes every pixel of `target`, whose texture has storage usage. `group` is bind group 0, the frame's.
    pub(super) fn draw(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        target: &wgpu::TextureView,
        frame: &Frame<'_>,
        group: &wgpu::BindGroup,
    ) {
        let moving = frame.is_moving();
        let pipeline = self.pipelines[usize::from(moving)].get_or_init(|| {
            gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some("ComputePass::pipeline"),
                layout: Some(&self.layout),
                module: &self.module,
                entry_point: Some("cs_main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &[("MOVING", f64::from(moving))],
                    ..Default::default()
                },
                cache: None,
            })
        });
        let image = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("ComputePass::image"),
            layout: &self.group_layout,
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::TextureView(target),
            }],
        });
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, group, &[]);
        pass.set_bind_group(1, &image, &[]);
        let [width, height] = frame.size;
        pass.dispatch_workgroups(width.div_ceil(WORKGROUP), height.div_ceil(WORKGROUP), 1);
    }
}
