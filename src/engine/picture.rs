//! The input's picture, upright in front of the first slab.

use bytemuck::{Pod, Zeroable};

use super::gpu::Gpu;
use super::quads::quad_pipeline;
use super::shader;
use super::target::Target;
use crate::model::draw_order::Bounds;
use crate::model::{Layout, Picture};

/// The picture of an input on the GPU.
pub struct InputPicture {
    view: wgpu::TextureView,
    aspect: f32,
}

impl InputPicture {
    /// Uploads a picture. If it exceeds the texture limit of the device, it is reduced by taking every n-th pixel.
    pub fn new(gpu: &Gpu, picture: &Picture) -> Self {
        let limit = gpu.device.limits().max_texture_dimension_2d;
        let step = picture.width.max(picture.height).div_ceil(limit).max(1);
        let (width, height) = ((picture.width / step).max(1), (picture.height / step).max(1));
        let mut rgba = Vec::with_capacity(width as usize * height as usize * 4);
        for y in 0..height {
            for x in 0..width {
                let at = 4 * (y as usize * step as usize * picture.width as usize + (x * step) as usize);
                rgba.extend_from_slice(picture.rgba.get(at..at + 4).unwrap_or(&[0; 4]));
            }
        }
        let size = wgpu::Extent3d { width, height, depth_or_array_layers: 1 };
        let texture = gpu.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("InputPicture::texture"),
            size,
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Rgba8Unorm,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        });
        gpu.queue.write_texture(
            texture.as_image_copy(),
            &rgba,
            wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(4 * width), rows_per_image: None },
            size,
        );
        Self { view: texture.create_view(&Default::default()), aspect: width as f32 / height as f32 }
    }

    /// Returns the box around the picture; `None` if `layout` has no slabs.
    pub(super) fn bounds(&self, layout: &Layout) -> Option<Bounds> {
        let (corner, size) = layout.picture_place(self.aspect)?;
        Some((corner - glam::vec3(0.0, size.y, 0.0), corner + glam::vec3(size.x, 0.0, 0.0)))
    }

    /// Position and size in the scene; zeros if `layout` has no room for a picture.
    fn data(&self, layout: &Layout) -> PictureData {
        let Some((corner, size)) = layout.picture_place(self.aspect) else { return PictureData::zeroed() };
        PictureData { corner, width: size.x, height: size.y, padding_a: 0.0, padding_b: 0.0, padding_c: 0.0 }
    }
}

/// `Picture` in shaders/picture.wgsl, which documents the members.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct PictureData {
    pub corner: glam::Vec3,
    pub width: f32,
    pub height: f32,
    // A uniform's size is a multiple of 16 bytes.
    pub padding_a: f32,
    pub padding_b: f32,
    pub padding_c: f32,
}

/// Draws the picture.
pub(super) struct PicturePass {
    layout: wgpu::BindGroupLayout,
    pipeline: wgpu::RenderPipeline,
    uniform: wgpu::Buffer,
}

impl PicturePass {
    pub(super) fn new(
        device: &wgpu::Device,
        frame: &wgpu::BindGroupLayout,
        format: wgpu::TextureFormat,
    ) -> Self {
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("PicturePass::layout"),
            entries: &[
                wgpu::BindGroupLayoutEntry {
                    binding: 0,
                    visibility: wgpu::ShaderStages::VERTEX_FRAGMENT,
                    ty: wgpu::BindingType::Buffer {
                        ty: wgpu::BufferBindingType::Uniform,
                        has_dynamic_offset: false,
                        min_binding_size: wgpu::BufferSize::new(size_of::<PictureData>() as u64),
                    },
                    count: None,
                },
                wgpu::BindGroupLayoutEntry {
                    binding: 1,
                    visibility: wgpu::ShaderStages::FRAGMENT,
                    ty: wgpu::BindingType::Texture {
                        sample_type: wgpu::TextureSampleType::Float { filterable: true },
                        view_dimension: wgpu::TextureViewDimension::D2,
                        multisampled: false,
                    },
                    count: None,
                },
            ],
        });
        let pipeline = quad_pipeline(
            device,
            "PicturePass::pipeline",
            shader::PICTURE,
            [frame, &layout],
            Target::Colour(format),
        );
        let uniform = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("PicturePass::uniform"),
            size: size_of::<PictureData>() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        Self { layout, pipeline, uniform }
    }

    /// Draws the picture of the scene `layout` into `pass`, whose bind group 0 is set. The caller draws it between
    /// the slabs behind it and those in front of it.
    pub(super) fn draw(
        &self,
        gpu: &Gpu,
        pass: &mut wgpu::RenderPass<'_>,
        layout: &Layout,
        picture: &InputPicture,
    ) {
        gpu.queue.write_buffer(&self.uniform, 0, bytemuck::bytes_of(&picture.data(layout)));
        let group = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("PicturePass::group"),
            layout: &self.layout,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: self.uniform.as_entire_binding() },
                wgpu::BindGroupEntry {
                    binding: 1,
                    resource: wgpu::BindingResource::TextureView(&picture.view),
                },
            ],
        });
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(1, &group, &[]);
        pass.draw(0..4, 0..1);
    }
}
