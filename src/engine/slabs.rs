//! The slab pass: one instanced box per slab, whose cells are found in the fragment shader by casting rays.

use std::ops::Range;
use std::sync::OnceLock;

use super::frame::Nearness;
use super::shader;
use super::target::{RANK_FORMAT, Target};

/// Draws slabs, with a specialised pipeline for each case: the fewer cases a shader handles, the faster it is.
pub(super) struct SlabPass {
    module: wgpu::ShaderModule,
    layout: wgpu::PipelineLayout,
    target: Target,
    occluders: OnceLock<wgpu::RenderPipeline>,
    /// First index: at an epoch or between two; second index: the [`Nearness`].
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

    /// Compiles the pipelines of all cases in parallel.
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

    /// Returns the pipeline of a case; compiles it on first use.
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
                    // Back faces only: one ray a pixel, also with the eye inside the box.
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

    /// The depth state that tests against the rank buffer, and writes to it with `write`; `None` for
    /// [`Target::Cell`], which has no rank buffer.
    fn ranks(&self, write: bool) -> Option<wgpu::DepthStencilState> {
        matches!(self.target, Target::Colour(_)).then(|| wgpu::DepthStencilState {
            format: RANK_FORMAT,
            depth_write_enabled: Some(write),
            depth_compare: Some(wgpu::CompareFunction::GreaterEqual),
            stencil: Default::default(),
            bias: Default::default(),
        })
    }

    /// Writes the rank of each slab to the rank buffer where the slab is certain to hide others.
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

    /// Draws a range of the slabs in their order into `pass`, whose bind group 0 is set. `slabs` has the
    /// nearness of all slabs.
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
