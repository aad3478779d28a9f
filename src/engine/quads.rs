//! The pipeline of quads that are drawn between slabs.

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
