//! The renderer: draws a [`Frame`] for the window, stills and tests alike.

use super::cells::{CellPass, ColourAttachment};
use super::compute::ComputePass;
use super::draw_list::{DrawKind, DrawList};
use super::floors::Area;
use super::frame::{Frame, FrameData, SlabData};
use super::gpu::Gpu;
use super::palette::{self, PaletteOptions};
use super::picture::PicturePass;
use super::quads::QuadPass;
use super::ribbons::Segment;
use super::shader;
use super::slabs::SlabPass;
use super::target::{CELL_FORMAT, COLOUR_FORMAT, RANK_FORMAT, Target};

/// The method by which slabs and cells are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Path {
    /// Ray casting over the pyramids in fragment shaders. The only path that draws floors and ribbons.
    #[default]
    Raycast,
    /// The same rays in one compute shader. The target must have storage usage. The input's picture is left out.
    Compute,
    /// Every cell as an instanced box, without antialiasing: the reference of tests and the baseline of benchmarks.
    Cells,
}

/// The pipelines of all passes, and the buffers that are written for every frame.
pub struct Renderer {
    frame_layout: wgpu::BindGroupLayout,
    slabs: SlabPass,
    pictures: PicturePass,
    ribbons: QuadPass<Segment>,
    floors: QuadPass<Area>,
    compute: Option<ComputePass>,
    cells: Option<CellPass>,
    slab_ids: Option<SlabPass>,
    cell_ids: Option<CellPass>,
    ranks: Option<([u32; 2], wgpu::TextureView)>,
    frame_buffer: wgpu::Buffer,
    slab_buffer: wgpu::Buffer,
    palette: Option<(PaletteOptions, wgpu::Buffer)>,
    /// Bind group 0, with the ids of the fields that it binds.
    group: Option<(u64, u64, wgpu::BindGroup)>,
}

impl Renderer {
    /// Format of the target of [`Self::draw`]: 8 bits a channel, holding sRGB-encoded values.
    pub const FORMAT: wgpu::TextureFormat = COLOUR_FORMAT;

    /// Creates the modules and layouts of the ray-cast path; pipelines and the other paths are compiled on first
    /// use.
    pub fn new(gpu: &Gpu) -> Self {
        let device = &gpu.device;
        let frame_layout = frame_layout(device);
        let slabs = SlabPass::new(device, &frame_layout, Target::Colour(Self::FORMAT));
        let pictures = PicturePass::new(device, &frame_layout, Self::FORMAT);
        let target = Target::Colour(Self::FORMAT);
        let ribbons = QuadPass::new(device, "Renderer::ribbons", shader::RIBBONS, &frame_layout, target);
        let floors = QuadPass::new(device, "Renderer::floors", shader::FLOORS, &frame_layout, target);
        let frame_buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("Renderer::frame_buffer"),
            size: size_of::<FrameData>() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        Self {
            frame_layout,
            slabs,
            pictures,
            ribbons,
            floors,
            compute: None,
            cells: None,
            slab_ids: None,
            cell_ids: None,
            ranks: None,
            frame_buffer,
            slab_buffer: slab_buffer(device, 16),
            palette: None,
            group: None,
        }
    }

    /// Compiles the pipelines of the ray-cast path and computes the weights of palettes, so that no frame has to
    /// wait for them.
    pub fn prepare_all(&self, gpu: &Gpu) {
        palette::prepare();
        self.slabs.prepare(&gpu.device);
    }

    /// Records the drawing of `frame` along `path` into `encoder`. `target` has the format [`Self::FORMAT`] and the
    /// size of the frame.
    pub fn draw(
        &mut self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        target: &wgpu::TextureView,
        frame: &Frame<'_>,
        path: Path,
    ) {
        let list = self.prepare(gpu, frame);
        let ground = frame.view.theme.ground().map(|c| f64::from(c) / 255.0);
        let clear = wgpu::Color { r: ground[0], g: ground[1], b: ground[2], a: 1.0 };
        if self.ranks.as_ref().is_none_or(|(size, _)| *size != frame.size) {
            self.ranks = Some((frame.size, rank_texture(&gpu.device, frame.size)));
        }
        if path == Path::Raycast {
            self.ribbons.prepare(gpu, &list.segments);
            self.floors.prepare(gpu, &list.areas);
        }
        let (Some((_, _, group)), Some((_, ranks))) = (&self.group, &self.ranks) else { return };
        match path {
            Path::Raycast => {
                {
                    let mut pass = rank_pass(encoder, ranks);
                    pass.set_bind_group(0, group, &[]);
                    self.slabs.draw_occluders(&gpu.device, &mut pass, &list.nearness);
                }
                let mut pass = colour_pass(encoder, target, clear, Some(ranks));
                pass.set_bind_group(0, group, &[]);
                for (kind, run) in list.runs {
                    match kind {
                        DrawKind::Slabs => {
                            let run = run.start as usize..run.end as usize;
                            self.slabs.draw(&gpu.device, &mut pass, frame.is_moving(), &list.nearness, run);
                        }
                        DrawKind::Segments => self.ribbons.draw(&mut pass, run),
                        DrawKind::Areas => self.floors.draw(&mut pass, run),
                        DrawKind::Picture => {
                            if let Some(picture) = frame.picture {
                                self.pictures.draw(gpu, &mut pass, frame.layout(), picture);
                            }
                        }
                    }
                }
            }
            Path::Compute => {
                let pass =
                    self.compute.get_or_insert_with(|| ComputePass::new(&gpu.device, &self.frame_layout));
                pass.draw(gpu, encoder, target, frame, group);
            }
            Path::Cells => {
                let pass = self.cells.get_or_insert_with(|| {
                    CellPass::new(&gpu.device, &self.frame_layout, Target::Colour(Self::FORMAT))
                });
                pass.draw(
                    gpu,
                    encoder,
                    &ColourAttachment { target, size: frame.size, clear },
                    group,
                    &list.slabs,
                );
            }
        }
    }

    /// Records the drawing of the cell that covers each pixel, as (layer + 1, cell + 1), zeros for none. `target`
    /// has the format [`Self::CELL_FORMAT`] and the size of the frame.
    pub fn draw_cells(
        &mut self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        target: &wgpu::TextureView,
        frame: &Frame<'_>,
        path: Path,
    ) {
        let list = self.prepare(gpu, frame);
        let Some((_, _, group)) = &self.group else { return };
        match path {
            Path::Raycast | Path::Compute => {
                let pipeline = self
                    .slab_ids
                    .get_or_insert_with(|| SlabPass::new(&gpu.device, &self.frame_layout, Target::Cell));
                let mut pass = colour_pass(encoder, target, wgpu::Color::TRANSPARENT, None);
                pass.set_bind_group(0, group, &[]);
                let all = 0..list.slabs.len();
                pipeline.draw(&gpu.device, &mut pass, frame.is_moving(), &list.nearness, all);
            }
            Path::Cells => {
                let pass = self
                    .cell_ids
                    .get_or_insert_with(|| CellPass::new(&gpu.device, &self.frame_layout, Target::Cell));
                let clear = wgpu::Color::TRANSPARENT;
                pass.draw(
                    gpu,
                    encoder,
                    &ColourAttachment { target, size: frame.size, clear },
                    group,
                    &list.slabs,
                );
            }
        }
    }

    /// Format of the target of [`Self::draw_cells`]: two 32-bit unsigned integers.
    pub const CELL_FORMAT: wgpu::TextureFormat = CELL_FORMAT;

    /// Writes the buffers of a frame and creates its bind group; returns what is drawn, back to front.
    fn prepare(&mut self, gpu: &Gpu, frame: &Frame<'_>) -> DrawList {
        let list = DrawList::new(frame);
        let slabs = &list.slabs;
        let bytes: &[u8] = bytemuck::cast_slice(slabs);
        let mut stale = false;
        if self.slab_buffer.size() < bytes.len() as u64 {
            self.slab_buffer = slab_buffer(&gpu.device, slabs.len().next_power_of_two());
            stale = true;
        }
        let options = PaletteOptions::of(frame.view);
        if self.palette.as_ref().is_none_or(|(old, _)| *old != options) {
            self.palette = Some((options, palette_buffer(gpu, options)));
            stale = true;
        }
        let key = (frame.from.id(), frame.to.id());
        stale |= self.group.as_ref().is_none_or(|(from, to, _)| (*from, *to) != key);
        if stale && let Some((_, palette)) = &self.palette {
            self.group = Some((key.0, key.1, self.frame_group(gpu, frame, palette)));
        }
        gpu.queue.write_buffer(&self.slab_buffer, 0, bytes);
        gpu.queue.write_buffer(&self.frame_buffer, 0, bytemuck::bytes_of(&frame.data(slabs.len())));
        list
    }

    fn frame_group(&self, gpu: &Gpu, frame: &Frame<'_>, palette: &wgpu::Buffer) -> wgpu::BindGroup {
        let entry = |binding, resource| wgpu::BindGroupEntry { binding, resource };
        use wgpu::BindingResource::TextureView;
        gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("Renderer::group"),
            layout: &self.frame_layout,
            entries: &[
                entry(0, self.frame_buffer.as_entire_binding()),
                entry(1, self.slab_buffer.as_entire_binding()),
                entry(2, palette.as_entire_binding()),
                entry(3, TextureView(&frame.from.cells)),
                entry(4, TextureView(&frame.to.cells)),
                entry(5, TextureView(&frame.from.blocks)),
                entry(6, TextureView(&frame.to.blocks)),
            ],
        })
    }
}

/// Begins a render pass that clears `target` to `clear`. `ranks` is the rank buffer, bound read-only as depth
/// attachment.
pub fn colour_pass<'encoder>(
    encoder: &'encoder mut wgpu::CommandEncoder,
    target: &wgpu::TextureView,
    clear: wgpu::Color,
    ranks: Option<&wgpu::TextureView>,
) -> wgpu::RenderPass<'encoder> {
    encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        label: Some("Renderer::pass"),
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view: target,
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations { load: wgpu::LoadOp::Clear(clear), store: wgpu::StoreOp::Store },
        })],
        depth_stencil_attachment: ranks.map(|view| wgpu::RenderPassDepthStencilAttachment {
            view,
            depth_ops: None,
            stencil_ops: None,
        }),
        ..Default::default()
    })
}

/// Begins a render pass that clears and writes the rank buffer alone.
fn rank_pass<'encoder>(
    encoder: &'encoder mut wgpu::CommandEncoder,
    ranks: &wgpu::TextureView,
) -> wgpu::RenderPass<'encoder> {
    encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        label: Some("Renderer::rank_pass"),
        depth_stencil_attachment: Some(wgpu::RenderPassDepthStencilAttachment {
            view: ranks,
            depth_ops: Some(wgpu::Operations { load: wgpu::LoadOp::Clear(0.0), store: wgpu::StoreOp::Store }),
            stencil_ops: None,
        }),
        ..Default::default()
    })
}

fn rank_texture(device: &wgpu::Device, [width, height]: [u32; 2]) -> wgpu::TextureView {
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: Some("Renderer::ranks"),
        size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: RANK_FORMAT,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT,
        view_formats: &[],
    });
    texture.create_view(&Default::default())
}

fn slab_buffer(device: &wgpu::Device, slabs: usize) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("Renderer::slab_buffer"),
        size: (slabs * size_of::<SlabData>()) as u64,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

fn palette_buffer(gpu: &Gpu, options: PaletteOptions) -> wgpu::Buffer {
    let colours = palette::colours(options);
    let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("Renderer::palette"),
        size: size_of_val(colours.as_slice()) as u64,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    gpu.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&colours));
    buffer
}

/// Bind group 0, as in shaders/shared/frame.wgsl.
fn frame_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let buffer = |binding, ty| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::VERTEX_FRAGMENT | wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
        count: None,
    };
    let texture = |binding| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::VERTEX_FRAGMENT | wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Float { filterable: false },
            view_dimension: wgpu::TextureViewDimension::D2Array,
            multisampled: false,
        },
        count: None,
    };
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("Renderer::frame_layout"),
        entries: &[
            buffer(0, wgpu::BufferBindingType::Uniform),
            buffer(1, wgpu::BufferBindingType::Storage { read_only: true }),
            buffer(2, wgpu::BufferBindingType::Storage { read_only: true }),
            texture(3),
            texture(4),
            texture(5),
            texture(6),
        ],
    })
}
