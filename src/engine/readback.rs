//! Offscreen render targets, and reading back textures.

use super::gpu::Gpu;
use super::target::COLOUR_FORMAT;

/// A texture that can be drawn on and read back.
pub struct RenderTarget {
    /// The texture, of one mip level and one sample per pixel.
    pub texture: wgpu::Texture,
    /// The view of the whole texture.
    pub view: wgpu::TextureView,
    /// Width and height in pixels.
    pub size: [u32; 2],
}

impl RenderTarget {
    /// Creates a texture of `size` pixels, each edge from 1 to the device's limit.
    pub fn new(gpu: &Gpu, size: [u32; 2], format: wgpu::TextureFormat) -> Self {
        let mut usage = wgpu::TextureUsages::RENDER_ATTACHMENT
            | wgpu::TextureUsages::COPY_SRC
            | wgpu::TextureUsages::COPY_DST;
        if format == COLOUR_FORMAT {
            // For the compute path.
            usage |= wgpu::TextureUsages::STORAGE_BINDING;
        }
        let texture = gpu.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("RenderTarget::texture"),
            size: wgpu::Extent3d { width: size[0], height: size[1], depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format,
            usage,
            view_formats: &[],
        });
        Self { view: texture.create_view(&Default::default()), texture, size }
    }

    /// Waits for the device and returns the pixels row by row, without padding; `None` when the device was lost.
    pub fn read(&self, gpu: &Gpu) -> Option<Vec<u8>> {
        read_texture(gpu, &self.texture)
    }
}

/// Waits for the device and returns the texels, array layer by array layer and row by row, without padding;
/// `None` when the device was lost.
pub(super) fn read_texture(gpu: &Gpu, texture: &wgpu::Texture) -> Option<Vec<u8>> {
    let size = texture.size();
    let row = size.width * texture.format().block_copy_size(None)?;
    let padded = row.next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
    let rows = u64::from(size.height) * u64::from(size.depth_or_array_layers);
    let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("readback::buffer"),
        size: u64::from(padded) * rows,
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let mut encoder = gpu.device.create_command_encoder(&Default::default());
    encoder.copy_texture_to_buffer(
        texture.as_image_copy(),
        wgpu::TexelCopyBufferInfo {
            buffer: &buffer,
            layout: wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(padded),
                rows_per_image: Some(size.height),
            },
        },
        size,
    );
    gpu.queue.submit([encoder.finish()]);
    let (sender, receiver) = std::sync::mpsc::channel();
    buffer.map_async(wgpu::MapMode::Read, .., move |result| {
        // The receiver is gone only when the caller has stopped waiting.
        sender.send(result).ok();
    });
    gpu.wait();
    receiver.recv().ok()?.ok()?;
    let mapped = buffer.get_mapped_range(..).ok()?;
    let mut texels = Vec::with_capacity(row as usize * rows as usize);
    for line in mapped.chunks(padded as usize) {
        texels.extend_from_slice(&line[..row as usize]);
    }
    Some(texels)
}
