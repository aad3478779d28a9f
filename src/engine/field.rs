//! The values of all slabs at one epoch, on the GPU.

use std::sync::atomic::{AtomicU64, Ordering};

use super::atlas::{Atlas, AtlasError};
use super::gpu::{Gpu, Processor};
use super::pyramid::device::{DeviceQueue, PyramidPass};
use super::pyramid::place::{DeviceUnits, PlacedUnits, SlabValues};
use super::pyramid::{self, Extent, Page};
use super::readback::read_texture;
use super::textures::Textures;
use crate::model::{LayerCells, Layout};
use crate::stats::Cells;

/// Greatest number of bytes staged for upload at a time, so that staging memory stays small beside a large field.
const UPLOAD_BYTES: usize = 64 << 20;

/// An error of uploading values.
#[derive(Debug, thiserror::Error)]
pub enum FieldError {
    /// The cells exceed the texture limits of the device.
    #[error(transparent)]
    Atlas(#[from] AtlasError),
    /// The textures exceed the memory of the device.
    #[error("the graphics device has not enough memory for {bytes} bytes of values: {source}")]
    Memory {
        /// Size of the textures in bytes.
        bytes: u64,
        /// The error of the device.
        source: wgpu::Error,
    },
}

/// The values of all cells at one epoch and their pyramids, in texture arrays. Immutable; can be created on any
/// thread.
pub struct Field {
    id: u64,
    processor: Processor,
    layout: Layout,
    atlas: Atlas,
    scales: Vec<f32>,
    has_no_value: bool,
    bytes: u64,
    textures: Textures,
    pub(super) cells: wgpu::TextureView,
    pub(super) blocks: wgpu::TextureView,
}

impl Field {
    /// Uploads the cells of `layers` and builds their pyramids, on the processor that does so fastest. Of
    /// `signed` values, with a meaningful zero, the greatest is the one furthest from 0.
    ///
    /// # Errors
    ///
    /// When the cells exceed the texture limits or the memory of the device.
    pub fn new(gpu: &Gpu, layers: &[LayerCells], signed: bool) -> Result<Self, FieldError> {
        Self::build(gpu.processor(), gpu, layers, &[], signed)
    }

    /// Like [`Self::new`], with the pyramids built on `processor`; on the CPU as well if the GPU lacks memory
    /// for building them. A GPU reads values where `cells` has copies of them on the same device.
    ///
    /// # Errors
    ///
    /// When the cells exceed the texture limits or the memory of the device.
    pub fn built_by(
        processor: Processor,
        gpu: &Gpu,
        cells: &Cells,
        signed: bool,
    ) -> Result<Self, FieldError> {
        let placed: Vec<Option<PlacedUnits<'_>>> = cells
            .copies
            .iter()
            .zip(&cells.arrangements)
            .map(|(copy, arrangement)| {
                let units = copy.as_ref()?.handle::<DeviceUnits>()?;
                let order = arrangement.places.as_deref();
                (units.instance == gpu.instance).then_some(PlacedUnits { units, order })
            })
            .collect();
        Self::build(processor, gpu, &cells.layers, &placed, signed)
    }

    /// Uploads `layers`, except for those whose units are `placed` from the device: one per layer, or none.
    fn build(
        processor: Processor,
        gpu: &Gpu,
        layers: &[LayerCells],
        placed: &[Option<PlacedUnits<'_>>],
        signed: bool,
    ) -> Result<Self, FieldError> {
        let grids: Vec<_> = layers.iter().map(|layer| layer.grid).collect();
        let limits = gpu.device.limits();
        // Two pages take three array layers: theirs, and one with the levels of both.
        let pages = limits.max_texture_array_layers / 3 * 2;
        let atlas = Atlas::new(&grids, limits.max_texture_dimension_2d, pages)?;
        let extent = Extent::of(layers);
        let layout = Layout::of_grids(layers.iter().map(|layer| (layer.grid, layer.units)));

        // As laid out in shaders/shared/frame.wgsl.
        let (edge, half) = (atlas.page_size, atlas.page_size / 2);
        let pairs = atlas.pages.div_ceil(2);
        let cell_size =
            wgpu::Extent3d { width: edge, height: edge, depth_or_array_layers: atlas.pages + pairs };
        let wide = if atlas.pages > 1 { edge } else { half };
        // On OpenGL a texture of one layer is not an array texture.
        let deep = if gpu.is_opengl() { pairs.max(2) } else { pairs };
        let block_size = wgpu::Extent3d { width: wide, height: edge, depth_or_array_layers: deep };
        let texels = |size: wgpu::Extent3d| {
            u64::from(size.width) * u64::from(size.height) * u64::from(size.depth_or_array_layers)
        };
        let bytes = 2 * texels(cell_size) + 8 * texels(block_size);

        let scope = gpu.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let texture = |label, size, format| {
            gpu.device.create_texture(&wgpu::TextureDescriptor {
                label: Some(label),
                size,
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format,
                usage: wgpu::TextureUsages::TEXTURE_BINDING
                    | wgpu::TextureUsages::COPY_DST
                    | wgpu::TextureUsages::COPY_SRC,
                view_formats: &[],
            })
        };
        let cells = texture("Field::cells", cell_size, wgpu::TextureFormat::R16Float);
        let blocks = texture("Field::blocks", block_size, wgpu::TextureFormat::Rgba16Float);
        if let Some(source) = pollster::block_on(scope.pop()) {
            return Err(FieldError::Memory { bytes, source });
        }
        let textures = Textures { cells, blocks };
        let placed = placed.iter().copied().chain(std::iter::repeat(None));
        let slabs = layers.iter().zip(&extent.scales).zip(placed);
        let slabs: Vec<SlabValues<'_>> =
            slabs.map(|((cells, &scale), units)| SlabValues { cells, scale, units }).collect();
        let built = processor == Processor::Gpu
            && gpu.pyramids.get_or_init(|| PyramidPass::new(&gpu.device)).build(
                DeviceQueue { device: &gpu.device, queue: &gpu.queue },
                &atlas,
                &slabs,
                signed,
                &textures,
            );
        if !built {
            for (page, index) in pyramid::build(&atlas, layers, &extent, signed).iter().zip(0..) {
                upload_page(gpu, &atlas, page, index, &textures);
            }
        }
        let array = wgpu::TextureViewDescriptor {
            dimension: Some(wgpu::TextureViewDimension::D2Array),
            ..Default::default()
        };
        let processor = if built { Processor::Gpu } else { Processor::Cpu };
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Ok(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            processor,
            layout,
            scales: extent.scales,
            has_no_value: extent.has_no_value,
            bytes,
            cells: textures.cells.create_view(&array),
            blocks: textures.blocks.create_view(&array),
            textures,
            atlas,
        })
    }

    /// Returns the processor that built the pyramids.
    pub fn processor(&self) -> Processor {
        self.processor
    }

    /// Returns a number that no other field of the process has.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Returns the layout of the slabs.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(super) fn atlas(&self) -> &Atlas {
        &self.atlas
    }

    /// Returns the factor from the stored values of a layer to the real ones, a power of two; 1 for an unknown
    /// layer.
    pub(super) fn scale(&self, layer: usize) -> f32 {
        self.scales.get(layer).copied().unwrap_or(1.0)
    }

    /// Returns `true` if a cell has no value.
    pub fn has_no_value(&self) -> bool {
        self.has_no_value
    }

    /// Reads back both textures as half floats, array layer by array layer: the cells with the greatest values
    /// of their blocks, one channel a texel, and the blocks, four channels a texel. `None` when the device was
    /// lost.
    pub fn texels(&self, gpu: &Gpu) -> Option<[Vec<half::f16>; 2]> {
        let read = |texture| read_texture(gpu, texture).map(|bytes| bytemuck::pod_collect_to_vec(&bytes));
        Some([read(&self.textures.cells)?, read(&self.textures.blocks)?])
    }

    /// Returns the size of the textures in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Uploads all levels of a page.
fn upload_page(gpu: &Gpu, atlas: &Atlas, page: &Page, index: u32, textures: &Textures) {
    let edge = atlas.page_size;
    for (texels, level) in page.greatest.iter().zip(0..) {
        let at = Textures::greatest_origin(atlas, index, level);
        upload(gpu, &textures.cells, at, edge >> level, bytemuck::cast_slice(texels));
    }
    for (texels, level) in page.blocks.iter().zip(1..) {
        let at = Textures::block_origin(atlas, index, level);
        upload(gpu, &textures.blocks, at, edge >> level, bytemuck::cast_slice(texels));
    }
}

/// Writes a square of `edge` × `edge` texels from `at` on, at most [`UPLOAD_BYTES`] at a time.
fn upload(gpu: &Gpu, texture: &wgpu::Texture, at: wgpu::Origin3d, edge: u32, bytes: &[u8]) {
    let row = bytes.len() / edge as usize;
    let rows_at_once = (UPLOAD_BYTES / row).max(1);
    for (part, rows) in bytes.chunks(rows_at_once * row).enumerate() {
        gpu.queue.write_texture(
            wgpu::TexelCopyTextureInfo {
                texture,
                mip_level: 0,
                origin: wgpu::Origin3d { y: at.y + (part * rows_at_once) as u32, ..at },
                aspect: wgpu::TextureAspect::All,
            },
            rows,
            wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row as u32), rows_per_image: None },
            wgpu::Extent3d { width: edge, height: (rows.len() / row) as u32, depth_or_array_layers: 1 },
        );
        if bytes.len() > UPLOAD_BYTES {
            // Frees the staging memory of these rows before more are staged.
            gpu.queue.submit([]);
            gpu.wait();
        }
    }
}
