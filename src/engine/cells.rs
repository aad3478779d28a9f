//! The cell path: every cell as an instanced box, with a depth buffer. The reference of the tests and the baseline
//! of the benchmarks.

use super::frame::SlabData;
use super::gpu::Gpu;
use super::shader;
use super::target::Target;

const DEPTH_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Depth32Float;

/// A render target and its clear colour.
pub(super) struct ColourAttachment<'a> {
    pub target: &'a wgpu::TextureView,
    /// Width and height in pixels.
    pub size: [u32; 2],
    pub clear: wgpu::Color,
}

/// Draws slabs and cells as boxes.
pub(super) struct CellPass {
    layout: wgpu::BindGroupLayout,
    cells: wgpu::RenderPipeline,
    slabs: wgpu::RenderPipeline,
}

impl CellPass {
    pub(super) fn new(device: &wgpu::Device, frame: &wgpu::BindGroupLayout, target: Target) -> Self {
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("CellPass::layout"),
            entries: &[wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::VERTEX_FRAGMENT,
                ty: wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Uniform,
                    has_dynamic_offset: true,
                    min_binding_size: wgpu::BufferSize::new(4),
                },
                count: None,
            }],
        });
        let module = shader::module(device, "CellPass::module", shader::CELLS);
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("CellPass::pipeline_layout"),
            bind_group_layouts: &[Some(frame), Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = |label, entry_point| {
            device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
                label: Some(label),
                layout: Some(&pipeline_layout),
                vertex: wgpu::VertexState {
                    module: &module,
                    entry_point: Some(entry_point),
                    compilation_options: Default::default(),
                    buffers: &[],
                },
                primitive: Default::default(),
                depth_stencil: Some(wgpu::DepthStencilState {
                    format: DEPTH_FORMAT,
                    depth_write_enabled: Some(true),
                    depth_compare: Some(wgpu::CompareFunction::Greater),
                    stencil: Default::default(),
                    bias: Default::default(),
                }),
                multisample: Default::default(),
                fragment: Some(wgpu::FragmentState {
                    module: &module,
                    entry_point: Some(target.entry_point()),
                    compilation_options: Default::default(),
                    targets: &[Some(target.state(None))],
                }),
                multiview_mask: None,
                cache: None,
            })
        };
        let cells = pipeline("CellPass::cells", "vs_cell");
        let slabs = pipeline("CellPass::slabs", "vs_slab");
        Self { layout, cells, slabs }
    }

    /// Clears the attachment and draws all slabs and cells. `frame` is bind group 0.
    pub(super) fn draw(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        attachment: &ColourAttachment<'_>,
        frame: &wgpu::BindGroup,
        slabs: &[SlabData],
    ) {
        let stride = gpu.device.limits().min_uniform_buffer_offset_alignment.max(4);
        let mut indices = vec![0u8; stride as usize * slabs.len().max(1)];
        for index in 0..slabs.len() {
            indices[index * stride as usize..][..4].copy_from_slice(&(index as u32).to_le_bytes());
        }
        let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("CellPass::indices"),
            size: indices.len() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        gpu.queue.write_buffer(&buffer, 0, &indices);
        let group = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("CellPass::group"),
            layout: &self.layout,
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer: &buffer,
                    offset: 0,
                    size: wgpu::BufferSize::new(4),
                }),
            }],
        });
        let depth = gpu.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("CellPass::depth"),
            size: wgpu::Extent3d {
                width: attachment.size[0],
                height: attachment.size[1],
                depth_or_array_layers: 1,
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: DEPTH_FORMAT,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT,
            view_formats: &[],
        });
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("CellPass::pass"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: attachment.target,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations {
                    load: wgpu::LoadOp::Clear(attachment.clear),
                    store: wgpu::StoreOp::Store,
                },
            })],
            depth_stencil_attachment: Some(wgpu::RenderPassDepthStencilAttachment {
                view: &depth.create_view(&Default::default()),
                depth_ops: Some(wgpu::Operations {
                    load: wgpu::LoadOp::Clear(0.0),
                    store: wgpu::StoreOp::Discard,
                }),
                stencil_ops: None,
            }),
            ..Default::default()
        });
        pass.set_bind_group(0, frame, &[]);
        for (index, slab) in slabs.iter().enumerate() {
            pass.set_bind_group(1, &group, &[index as u32 * stride]);
            pass.set_pipeline(&self.slabs);
            // The sides of the rim are boxes without height where it has none.
            pass.draw(0..18, 0..5);
            pass.set_pipeline(&self.cells);
            pass.draw(0..18, 0..slab.grid[0] * slab.grid[1]);
        }
    }
}
