//! Copies a finished picture into a rectangle of another.

use super::shader;

/// Copies pixels within a render pass, also between formats, which texture copies cannot.
pub struct Blit {
    layout: wgpu::BindGroupLayout,
    pipeline: wgpu::RenderPipeline,
}

impl Blit {
    /// Compiles the pipeline for targets of `format`. If that encodes linear light as sRGB on writing, pixels
    /// are decoded first, so that the stored values are those of the picture.
    pub fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("Blit::layout"),
            entries: &[wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::FRAGMENT,
                ty: wgpu::BindingType::Texture {
                    sample_type: wgpu::TextureSampleType::Float { filterable: false },
                    view_dimension: wgpu::TextureViewDimension::D2,
                    multisampled: false,
                },
                count: None,
            }],
        });
        let module = shader::module(device, "Blit::module", shader::BLIT);
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("Blit::pipeline"),
            layout: Some(&device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some("Blit::pipeline_layout"),
                bind_group_layouts: &[Some(&layout)],
                immediate_size: 0,
            })),
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("vs_main"),
                compilation_options: Default::default(),
                buffers: &[],
            },
            primitive: Default::default(),
            depth_stencil: None,
            multisample: Default::default(),
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some("fs_main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &[("LINEAR", f64::from(u8::from(format.is_srgb())))],
                    ..Default::default()
                },
                targets: &[Some(format.into())],
            }),
            multiview_mask: None,
            cache: None,
        });
        Self { layout, pipeline }
    }

    /// Creates the bind group with which [`Blit::draw`] reads `picture`.
    pub fn bind(&self, device: &wgpu::Device, picture: &wgpu::TextureView) -> wgpu::BindGroup {
        device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("Blit::group"),
            layout: &self.layout,
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::TextureView(picture),
            }],
        })
    }

    /// Draws a picture of `size` pixels with its top-left pixel at `corner` of the target of `pass`, inside of
    /// which it must lie. Leaves the viewport set to that rectangle.
    pub fn draw(
        &self,
        pass: &mut wgpu::RenderPass<'_>,
        picture: &wgpu::BindGroup,
        corner: [u32; 2],
        size: [u32; 2],
    ) {
        let [x, y, width, height] = [corner[0], corner[1], size[0], size[1]].map(|edge| edge as f32);
        pass.set_viewport(x, y, width, height, 0.0, 1.0);
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, picture, &[]);
        pass.draw(0..3, 0..1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::readback::RenderTarget;
    use crate::engine::{Renderer, testing};

    #[test]
    fn every_pixel_comes_as_it_is_and_nothing_else_is_touched() {
        let Some(gpu) = testing::gpu() else { return };
        let size = wgpu::Extent3d { width: 5, height: 3, depth_or_array_layers: 1 };
        let texture = gpu.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("picture"),
            size,
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: Renderer::FORMAT,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        });
        let pixels: Vec<u8> = (0..5 * 3 * 4).map(|at| (at * 4) as u8).collect();
        gpu.queue.write_texture(
            texture.as_image_copy(),
            &pixels,
            wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(20), rows_per_image: None },
            size,
        );
        for format in [wgpu::TextureFormat::Rgba8Unorm, wgpu::TextureFormat::Rgba8UnormSrgb] {
            let canvas = RenderTarget::new(&gpu, [9, 6], format);
            let blit = Blit::new(&gpu.device, format);
            let picture = blit.bind(&gpu.device, &texture.create_view(&Default::default()));
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            {
                let mut pass = crate::engine::renderer::colour_pass(
                    &mut encoder,
                    &canvas.view,
                    wgpu::Color::TRANSPARENT,
                    None,
                );
                blit.draw(&mut pass, &picture, [3, 2], [5, 3]);
            }
            gpu.queue.submit([encoder.finish()]);
            let found = canvas.read(&gpu).expect("the device is there");
            for (at, pixel) in found.chunks_exact(4).enumerate() {
                let (x, y) = (at % 9, at / 9);
                let wanted = if (3..8).contains(&x) && (2..5).contains(&y) {
                    let start = 4 * (5 * (y - 2) + x - 3);
                    &pixels[start..start + 4]
                } else {
                    &[0; 4]
                };
                let near =
                    pixel.iter().zip(wanted).all(|(a, b)| a.abs_diff(*b) <= u8::from(format.is_srgb()));
                assert!(near, "{format:?} ({x}, {y}): {pixel:?} is not {wanted:?}");
            }
        }
    }
}
