//! Plates with their cells, by casting rays: one instanced box per plate.

use super::shader;

/// What a ray-cast pass writes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Encoded colour, blended over what is there.
    Colour(wgpu::TextureFormat),
    /// (layer + 1, cell + 1) as `Rg32Uint`.
    Cell,
}

/// Format of [`Target::Cell`].
pub(super) const CELL_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rg32Uint;

impl Target {
    pub(super) fn entry_point(self) -> &'static str {
        match self {
            Self::Colour(_) => "fs_main",
            Self::Cell => "fs_cell",
        }
    }

    pub(super) fn state(self, blend: Option<wgpu::BlendState>) -> wgpu::ColorTargetState {
        match self {
            Self::Colour(format) => {
                wgpu::ColorTargetState { format, blend, write_mask: wgpu::ColorWrites::ALL }
            }
            Self::Cell => {
                wgpu::ColorTargetState { format: CELL_FORMAT, blend: None, write_mask: wgpu::ColorWrites::ALL }
            }
        }
    }
}

pub(super) struct SlabPass {
    pipeline: wgpu::RenderPipeline,
}

impl SlabPass {
    pub(super) fn new(device: &wgpu::Device, frame: &wgpu::BindGroupLayout, target: Target) -> Self {
        let module = shader::module(device, "SlabPass::module", shader::SLABS);
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("SlabPass::pipeline"),
            layout: Some(&device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some("SlabPass::pipeline_layout"),
                bind_group_layouts: &[Some(frame)],
                immediate_size: 0,
            })),
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("vs_main"),
                compilation_options: Default::default(),
                buffers: &[],
            },
            primitive: wgpu::PrimitiveState {
                // Far faces only: one ray a pixel, also with the eye inside the box.
                front_face: wgpu::FrontFace::Ccw,
                cull_mode: Some(wgpu::Face::Front),
                ..Default::default()
            },
            depth_stencil: None,
            multisample: Default::default(),
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some(target.entry_point()),
                compilation_options: Default::default(),
                targets: &[Some(target.state(Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING)))],
            }),
            multiview_mask: None,
            cache: None,
        });
        Self { pipeline }
    }

    /// Draws all plates into `pass`, whose group 0 is set.
    pub(super) fn draw(&self, pass: &mut wgpu::RenderPass<'_>, slabs: u32) {
        pass.set_pipeline(&self.pipeline);
        pass.draw(0..36, 0..slabs);
    }
}
