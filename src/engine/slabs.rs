//! Slabs with their cells, by casting rays: one instanced box per slab.

use std::ops::Range;
use std::sync::OnceLock;

use super::frame::Nearness;
use super::shader::{self, Shader};

/// The output of a ray-cast pass.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Encoded colour, blended over what is there.
    Colour(wgpu::TextureFormat),
    /// (layer + 1, cell + 1) as `Rg32Uint`.
    Cell,
}

/// Format of the buffer that holds which slab is nearest, see `vs_occluder` in
/// shaders/slabs.wgsl.
pub(super) const RANK_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Depth32Float;

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
            Self::Cell => wgpu::ColorTargetState {
                format: CELL_FORMAT,
                blend: None,
                write_mask: wgpu::ColorWrites::ALL,
            },
        }
    }
}

/// A pipeline for what stands among the slabs without being one: quads as strips, blended over what lies
/// behind them. `label` names it, `source` is its shader, `groups` are what that is bound to.
pub(super) fn quads(
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
        // The order of drawing decides; the rank buffer is only there.
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

/// Pipelines by what they are for: the less a shader must be ready for, the faster it is.
pub(super) struct SlabPass {
    module: wgpu::ShaderModule,
    layout: wgpu::PipelineLayout,
    target: Target,
    occluders: OnceLock<wgpu::RenderPipeline>,
    pipelines: [[OnceLock<wgpu::RenderPipeline>; 3]; 2],
}

impl SlabPass {
    pub(super) fn new(device: &wgpu::Device, frame: &wgpu::BindGroupLayout, target: Target) -> Self {
        let module = shader::module(device, "SlabPass::module", shader::SLABS);
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("SlabPass::pipeline_layout"),
            bind_group_layouts: &[Some(frame)],
            immediate_size: 0,
        });
        Self { module, layout, target, occluders: OnceLock::new(), pipelines: Default::default() }
    }

    /// Compiles everything that pictures are drawn with, side by side.
    pub(super) fn prepare(&self, device: &wgpu::Device) {
        std::thread::scope(|scope| {
            for nearness in [Nearness::Both, Nearness::Near, Nearness::Far] {
                scope.spawn(move || {
                    for moving in [false, true] {
                        self.pipeline(device, moving, nearness);
                    }
                });
            }
        });
    }

    fn pipeline(&self, device: &wgpu::Device, moving: bool, nearness: Nearness) -> &wgpu::RenderPipeline {
        self.pipelines[usize::from(moving)][nearness as usize].get_or_init(|| {
            let flag = f64::from;
            let constants = [
                ("MOVING", flag(moving)),
                ("NEAR", flag(nearness != Nearness::Far)),
                ("FAR", flag(nearness != Nearness::Near)),
            ];
            let compilation_options =
                wgpu::PipelineCompilationOptions { constants: &constants, ..Default::default() };
            device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
                label: Some("SlabPass::pipeline"),
                layout: Some(&self.layout),
                vertex: wgpu::VertexState {
                    module: &self.module,
                    entry_point: Some("vs_main"),
                    compilation_options: compilation_options.clone(),
                    buffers: &[],
                },
                primitive: wgpu::PrimitiveState {
                    // Far faces only: one ray a pixel, also with the eye inside the box.
                    front_face: wgpu::FrontFace::Ccw,
                    cull_mode: Some(wgpu::Face::Front),
                    ..Default::default()
                },
                depth_stencil: self.ranks(false),
                multisample: Default::default(),
                fragment: Some(wgpu::FragmentState {
                    module: &self.module,
                    entry_point: Some(self.target.entry_point()),
                    compilation_options,
                    targets: &[Some(self.target.state(Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING)))],
                }),
                multiview_mask: None,
                cache: None,
            })
        })
    }

    /// How the rank buffer is used: only pictures have one.
    fn ranks(&self, write: bool) -> Option<wgpu::DepthStencilState> {
        matches!(self.target, Target::Colour(_)).then(|| wgpu::DepthStencilState {
            format: RANK_FORMAT,
            depth_write_enabled: Some(write),
            depth_compare: Some(wgpu::CompareFunction::GreaterEqual),
            stencil: Default::default(),
            bias: Default::default(),
        })
    }

    /// Marks in the rank buffer what each slab hides.
    pub(super) fn draw_occluders(
        &self,
        device: &wgpu::Device,
        pass: &mut wgpu::RenderPass<'_>,
        slabs: &[Nearness],
    ) {
        let pipeline = self.occluders.get_or_init(|| {
            device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
                label: Some("SlabPass::occluders"),
                layout: Some(&self.layout),
                vertex: wgpu::VertexState {
                    module: &self.module,
                    entry_point: Some("vs_occluder"),
                    compilation_options: Default::default(),
                    buffers: &[],
                },
                primitive: wgpu::PrimitiveState {
                    topology: wgpu::PrimitiveTopology::TriangleStrip,
                    ..Default::default()
                },
                depth_stencil: self.ranks(true),
                multisample: Default::default(),
                fragment: None,
                multiview_mask: None,
                cache: None,
            })
        });
        pass.set_pipeline(pipeline);
        pass.draw(0..4, 0..slabs.len() as u32);
    }

    /// Draws some of the slabs, in their order, into `pass`, whose group 0 is set.
    pub(super) fn draw(
        &self,
        device: &wgpu::Device,
        pass: &mut wgpu::RenderPass<'_>,
        moving: bool,
        slabs: &[Nearness],
        range: Range<usize>,
    ) {
        let mut first = range.start as u32;
        for run in slabs[range].chunk_by(|a, b| a == b) {
            let end = first + run.len() as u32;
            pass.set_pipeline(self.pipeline(device, moving, run[0]));
            pass.draw(0..36, first..end);
            first = end;
        }
    }
}
