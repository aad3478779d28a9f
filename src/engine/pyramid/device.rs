//! The passes of shaders/pyramid.wgsl, which build pyramids on the GPU: the counterpart of [`super::build`].
//!
//! A page is built tile by tile, each at least as large as the largest block, so that the buffers besides the
//! textures stay small.

use super::super::atlas::Atlas;
use super::super::compute_layout::{BufferUse, compute_layout};
use super::super::shader;
use super::super::textures::Textures;
use super::place::{PlacePass, SlabValues, tiles};

/// Threads per side of a workgroup, as in the shader; each handles two neighbouring cells or blocks.
pub(in crate::engine) const WORKGROUP: u32 = 8;
/// Size of a block in bytes, as in the shader.
pub(in crate::engine) const BLOCK_BYTES: u64 = 20;
/// Width and height of a tile in cells, unless a block is larger.
const TILE: u32 = 2048;

/// `Level` in shaders/pyramid.wgsl, which documents the members.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(in crate::engine) struct Level {
    pub(in crate::engine) edge: u32,
    pub(in crate::engine) greatest: u32,
    pub(in crate::engine) greatest_row: u32,
    pub(in crate::engine) texels: u32,
    pub(in crate::engine) texels_row: u32,
    pub(in crate::engine) is_signed: u32,
    // A uniform's size is a multiple of 16 bytes.
    pub(in crate::engine) padding_a: u32,
    pub(in crate::engine) padding_b: u32,
}

/// The pipelines that build pyramids.
#[derive(Debug)]
pub(in crate::engine) struct PyramidPass {
    place: PlacePass,
    group_layout: wgpu::BindGroupLayout,
    cells: wgpu::ComputePipeline,
    first: wgpu::ComputePipeline,
    further: wgpu::ComputePipeline,
}

/// Returns the layout of the levels of a tile in the buffers `greatest` and `texels`, and the lengths of these:
/// in 4-byte words and in texels of 8 bytes.
fn levels(tile: u32, highest: u32, signed: bool) -> (Vec<Level>, u32, u32) {
    // Rows that are copied to a texture have an alignment.
    let row = |edge: u32, bytes: u32| (edge * bytes).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
    let (mut greatest, mut texels) = (0, 0);
    let levels = (0..=highest).map(|level| {
        let edge = tile >> level;
        let (greatest_row, texels_row) = (row(edge, 2) / 4, row(edge, 8) / 8);
        let is_signed = u32::from(signed);
        let here =
            Level { edge, greatest, greatest_row, texels, texels_row, is_signed, padding_a: 0, padding_b: 0 };
        greatest += edge * greatest_row;
        texels += if level == 0 { 0 } else { edge * texels_row };
        here
    });
    let levels = levels.collect();
    (levels, greatest, texels)
}

/// A device and its queue, borrowed from the [`Gpu`](crate::engine::Gpu) that owns the pass.
#[derive(Clone, Copy)]
pub(in crate::engine) struct DeviceQueue<'a> {
    pub device: &'a wgpu::Device,
    pub queue: &'a wgpu::Queue,
}

/// The storage buffers of a tile, named as in the shader; `blocks` are those of odd and of even levels.
struct Buffers {
    values: wgpu::Buffer,
    blocks: [wgpu::Buffer; 2],
    greatest: wgpu::Buffer,
    texels: wgpu::Buffer,
}

impl PyramidPass {
    pub(in crate::engine) fn new(device: &wgpu::Device) -> Self {
        use BufferUse::{Read, Uniform, Write};
        let labels = ["PyramidPass::group_layout", "PyramidPass::layout"];
        let (group_layout, layout) =
            compute_layout(device, labels, &[Uniform, Write, Read, Write, Write, Write]);
        let module = shader::module(device, "PyramidPass::module", shader::PYRAMID);
        let pipeline = |label, entry, first| {
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(label),
                layout: Some(&layout),
                module: &module,
                entry_point: Some(entry),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &[("FIRST", f64::from(first))],
                    ..Default::default()
                },
                cache: None,
            })
        };
        Self {
            place: PlacePass::new(device),
            cells: pipeline("PyramidPass::cells", "cells", true),
            first: pipeline("PyramidPass::first", "blocks", true),
            further: pipeline("PyramidPass::further", "blocks", false),
            group_layout,
        }
    }

    /// Builds the pages of `slabs` in `textures`, with values divided by the scale of their slab. Returns `false`, and
    /// leaves pages unfinished, if the device lacks memory for the buffers.
    pub(in crate::engine) fn build(
        &self,
        gpu: DeviceQueue<'_>,
        atlas: &Atlas,
        slabs: &[SlabValues<'_>],
        signed: bool,
        textures: &Textures,
    ) -> bool {
        let tile = atlas.page_size.min(TILE.max(1 << atlas.levels));
        let (levels, greatest, texels) = levels(tile, atlas.levels, signed);
        let Some(buffers) = buffers(gpu, tile, greatest, texels) else { return false };
        let groups: Vec<wgpu::BindGroup> =
            levels.iter().zip(0..).map(|(level, index)| self.group(gpu, &buffers, level, index)).collect();
        for tile in tiles(atlas, slabs, tile) {
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            let placed = self.place.record((gpu.device, gpu.queue), &mut encoder, &tile, &buffers.values);
            let Some(uploaded) = placed else { return false };
            self.dispatch(&mut encoder, &levels, &groups);
            copy(&mut encoder, atlas, &levels, &buffers, tile.corner, textures);
            gpu.queue.submit([encoder.finish()]);
            if uploaded == 0 {
                continue;
            }
            // Frees the staging memory of these values before more are staged.
            if let Err(error) = gpu.device.poll(wgpu::PollType::wait_indefinitely()) {
                log::error!("waiting for the graphics device: {error}");
            }
        }
        true
    }

    fn group(&self, gpu: DeviceQueue<'_>, buffers: &Buffers, level: &Level, index: usize) -> wgpu::BindGroup {
        let uniform = gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("PyramidPass::level"),
            size: size_of::<Level>() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        gpu.queue.write_buffer(&uniform, 0, bytemuck::bytes_of(level));
        let [odd, even] = &buffers.blocks;
        let (below, above) = if index % 2 == 1 { (even, odd) } else { (odd, even) };
        let entry = |binding, buffer| wgpu::BindGroupEntry {
            binding,
            resource: wgpu::Buffer::as_entire_binding(buffer),
        };
        gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("PyramidPass::group"),
            layout: &self.group_layout,
            entries: &[
                entry(0, &uniform),
                entry(1, &buffers.values),
                entry(2, below),
                entry(3, above),
                entry(4, &buffers.greatest),
                entry(5, &buffers.texels),
            ],
        })
    }

    fn dispatch(&self, encoder: &mut wgpu::CommandEncoder, levels: &[Level], groups: &[wgpu::BindGroup]) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: Some("PyramidPass::pass"),
            timestamp_writes: None,
        });
        for (index, (level, group)) in levels.iter().zip(groups).enumerate() {
            pass.set_pipeline(match index {
                0 => &self.cells,
                1 => &self.first,
                _ => &self.further,
            });
            pass.set_bind_group(0, group, &[]);
            let pairs = level.edge.div_ceil(2);
            pass.dispatch_workgroups(pairs.div_ceil(WORKGROUP), level.edge.div_ceil(WORKGROUP), 1);
        }
    }
}

/// Creates the buffers of a tile; `None` if they exceed the limits or the memory of the device.
fn buffers(gpu: DeviceQueue<'_>, tile: u32, greatest: u32, texels: u32) -> Option<Buffers> {
    let limits = gpu.device.limits();
    let most = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
    let cells = u64::from(tile) * u64::from(tile);
    let sizes = [
        4 * cells,
        BLOCK_BYTES * cells / 4,
        BLOCK_BYTES * cells / 16,
        4 * u64::from(greatest),
        8 * u64::from(texels),
    ];
    if sizes.iter().any(|&size| size > most) {
        return None;
    }
    let scope = gpu.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let [values, odd, even, greatest, texels] = sizes.map(|size| {
        gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("PyramidPass::buffer"),
            size: size.max(u64::from(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT)),
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        })
    });
    let failed = pollster::block_on(scope.pop()).is_some();
    (!failed).then_some(Buffers { values, blocks: [odd, even], greatest, texels })
}

/// Records the copies of a tile's levels from the buffers to the textures.
fn copy(
    encoder: &mut wgpu::CommandEncoder,
    atlas: &Atlas,
    levels: &[Level],
    buffers: &Buffers,
    corner: wgpu::Origin3d,
    textures: &Textures,
) {
    let mut copy = |buffer, offset: u64, row: u32, texture, origin: wgpu::Origin3d, level: u32, edge: u32| {
        let at = wgpu::Origin3d {
            x: origin.x + (corner.x >> level),
            y: origin.y + (corner.y >> level),
            z: origin.z,
        };
        encoder.copy_buffer_to_texture(
            wgpu::TexelCopyBufferInfo {
                buffer,
                layout: wgpu::TexelCopyBufferLayout {
                    offset,
                    bytes_per_row: Some(row),
                    rows_per_image: None,
                },
            },
            wgpu::TexelCopyTextureInfo {
                texture,
                mip_level: 0,
                origin: at,
                aspect: wgpu::TextureAspect::All,
            },
            wgpu::Extent3d { width: edge, height: edge, depth_or_array_layers: 1 },
        );
    };
    for (here, level) in levels.iter().zip(0..) {
        let origin = Textures::greatest_origin(atlas, corner.z, level);
        let (offset, row) = (4 * u64::from(here.greatest), 4 * here.greatest_row);
        copy(&buffers.greatest, offset, row, &textures.cells, origin, level, here.edge);
        if level > 0 {
            let origin = Textures::block_origin(atlas, corner.z, level);
            let (offset, row) = (8 * u64::from(here.texels), 8 * here.texels_row);
            copy(&buffers.texels, offset, row, &textures.blocks, origin, level, here.edge);
        }
    }
}
