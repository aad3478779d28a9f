//! The pass of shaders/place.wgsl, which writes the values of slabs to the cells of a tile.
//!
//! Values that were reduced on the device are read there; at most the order of their units is uploaded. Of other
//! slabs, the values of the cells on the tile are.

use std::ops::Range;

use super::super::atlas::Atlas;
use super::super::compute_layout::{BufferUse, compute_layout};
use super::super::shader;
use crate::model::{LayerCells, UnitPermutation};

/// Threads per side of a workgroup, as in the shader; each handles one cell.
pub(in crate::engine) const WORKGROUP: u32 = 8;
/// [`Rectangle::order`] of units in the order of the network, as in the shader.
pub(in crate::engine) const AS_TRAINED: u32 = u32::MAX;

/// `Rectangle` in shaders/place.wgsl, which documents the members.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(in crate::engine) struct Rectangle {
    pub(in crate::engine) x: u32,
    pub(in crate::engine) y: u32,
    pub(in crate::engine) columns: u32,
    pub(in crate::engine) rows: u32,
    pub(in crate::engine) skipped: u32,
    pub(in crate::engine) stride: u32,
    pub(in crate::engine) count: u32,
    pub(in crate::engine) first: u32,
    pub(in crate::engine) order: u32,
    pub(in crate::engine) shift: i32,
    pub(in crate::engine) edge: u32,
    // Makes a rectangle three vectors of 16 bytes.
    pub(in crate::engine) padding: u32,
}

/// The unit values of a layer in a buffer of a device, as single floats in the order of the network.
pub(in crate::engine) struct DeviceUnits {
    /// The instance of the device, by which a [`Gpu`](crate::engine::Gpu) knows its own buffers.
    pub(in crate::engine) instance: wgpu::Instance,
    pub(in crate::engine) buffer: wgpu::Buffer,
    /// Index of the value of unit 0.
    pub(in crate::engine) first: u32,
}

/// Unit values on the device, and the order in which they are placed; `None` is the order of the network.
#[derive(Clone, Copy)]
pub(in crate::engine) struct PlacedUnits<'a> {
    pub(in crate::engine) units: &'a DeviceUnits,
    pub(in crate::engine) order: Option<&'a UnitPermutation>,
}

/// The values of the cells of one slab.
#[derive(Clone, Copy)]
pub(in crate::engine) struct SlabValues<'a> {
    pub(in crate::engine) cells: &'a LayerCells,
    /// Divisor of the values, a power of two.
    pub(in crate::engine) scale: f32,
    /// The same values on the device, if they are there.
    pub(in crate::engine) units: Option<PlacedUnits<'a>>,
}

/// A square of a page, and the parts of slabs on it.
pub(in crate::engine) struct Tile<'a> {
    /// The left top cell; `z` is the page.
    pub(in crate::engine) corner: wgpu::Origin3d,
    /// Width and height in cells.
    edge: u32,
    parts: Vec<SlabPart<'a>>,
}

/// The cells of a slab on a tile.
struct SlabPart<'a> {
    slab: SlabValues<'a>,
    /// Left column and top row in the tile.
    x: u32,
    y: u32,
    /// Columns and rows of the grid of the slab.
    columns: Range<u32>,
    rows: Range<u32>,
}

/// Divides all pages into tiles of `edge` × `edge` cells, and `slabs` among these.
pub(in crate::engine) fn tiles<'a>(atlas: &Atlas, slabs: &[SlabValues<'a>], edge: u32) -> Vec<Tile<'a>> {
    let starts = || (0..atlas.page_size).step_by(edge as usize);
    let corners = (0..atlas.pages)
        .flat_map(|z| starts().flat_map(move |y| starts().map(move |x| wgpu::Origin3d { x, y, z })));
    let tile = |corner: wgpu::Origin3d| {
        // The places from `start` to `end` that lie in the tile, from the start on; and the first in the tile.
        let shared = |start: u32, length: u32, corner: u32| {
            let (from, to) = (start.max(corner), (start + length).min(corner + edge));
            (from < to).then(|| (from - start..to - start, from - corner))
        };
        let parts = atlas.slots.iter().zip(slabs).filter(|(slot, _)| slot.page == corner.z);
        let parts = parts.filter_map(|(slot, &slab)| {
            let (columns, x) = shared(slot.x, slab.cells.grid.columns, corner.x)?;
            let (rows, y) = shared(slot.y, slab.cells.grid.rows, corner.y)?;
            Some(SlabPart { slab, x, y, columns, rows })
        });
        Tile { corner, edge, parts: parts.collect() }
    };
    corners.map(tile).collect()
}

impl SlabPart<'_> {
    /// Returns the rectangle of the part on a tile of `edge` × `edge` cells. Appends to `uploads` the order of its
    /// units, or the values of its cells if they are not on the device.
    fn rectangle(&self, edge: u32, uploads: &mut Vec<u32>) -> Rectangle {
        let LayerCells { grid, values, .. } = self.slab.cells;
        let width = self.columns.len() as u32;
        let from = uploads.len() as u32;
        let part = Rectangle {
            x: self.x,
            y: self.y,
            columns: width,
            rows: self.rows.len() as u32,
            skipped: 0,
            stride: width,
            count: 0,
            first: 0,
            order: AS_TRAINED,
            // The exponent of a power of two lies above the 23 bits of its fraction.
            shift: 127 - (self.slab.scale.to_bits() >> 23) as i32,
            edge,
            padding: 0,
        };
        match self.slab.units {
            Some(PlacedUnits { units, order: None }) => {
                let skipped = self.rows.start * grid.columns + self.columns.start;
                let count = values.len() as u32;
                Rectangle { skipped, stride: grid.columns, count, first: units.first, ..part }
            }
            Some(PlacedUnits { units, order: Some(order) }) => {
                let count = self.append_cells(order.unit_at(), uploads);
                Rectangle { count, first: units.first, order: from, ..part }
            }
            None => {
                let count = self.append_cells(bytemuck::cast_slice(values), uploads);
                Rectangle { count, first: from, ..part }
            }
        }
    }

    /// Appends those of the `cells` of the slab that belong to the part to `uploads`, row by row; returns their
    /// number.
    fn append_cells(&self, cells: &[u32], uploads: &mut Vec<u32>) -> u32 {
        let before = uploads.len();
        let stride = self.slab.cells.grid.columns as usize;
        for row in self.rows.clone() {
            let start = row as usize * stride;
            // The last row may have fewer cells than columns.
            let end = cells.len().min(start + self.columns.end as usize);
            uploads.extend(cells.get(start + self.columns.start as usize..end).unwrap_or_default());
        }
        (uploads.len() - before) as u32
    }
}

/// The pipeline that writes values to cells.
#[derive(Debug)]
pub(in crate::engine) struct PlacePass {
    group_layout: wgpu::BindGroupLayout,
    pipeline: wgpu::ComputePipeline,
}

impl PlacePass {
    pub(in crate::engine) fn new(device: &wgpu::Device) -> Self {
        use BufferUse::{Read, Uniform, Write};
        let labels = ["PlacePass::group_layout", "PlacePass::layout"];
        let (group_layout, layout) = compute_layout(device, labels, &[Uniform, Read, Read, Write]);
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some("PlacePass::pipeline"),
            layout: Some(&layout),
            module: &shader::module(device, "PlacePass::module", shader::PLACE),
            entry_point: Some("place"),
            compilation_options: Default::default(),
            cache: None,
        });
        Self { group_layout, pipeline }
    }

    /// Records the writing of all cells of a tile to `values`, edge² single floats. Returns the number of bytes
    /// uploaded beside the rectangles; `None`, and records nothing, if the device lacks memory for them.
    pub(in crate::engine) fn record(
        &self,
        (device, queue): (&wgpu::Device, &wgpu::Queue),
        encoder: &mut wgpu::CommandEncoder,
        tile: &Tile<'_>,
        values: &wgpu::Buffer,
    ) -> Option<usize> {
        let mut uploads = Vec::new();
        let parts: Vec<(Rectangle, Option<PlacedUnits<'_>>)> = tile
            .parts
            .iter()
            .map(|part| (part.rectangle(tile.edge, &mut uploads), part.slab.units))
            .collect();
        // Of a whole tile without any cell.
        let (columns, rows, edge) = (tile.edge, tile.edge, tile.edge);
        let clear = Rectangle { columns, rows, edge, ..bytemuck::Zeroable::zeroed() };
        let rectangles: Vec<_> = std::iter::once((clear, None)).chain(parts).collect();

        // A binding begins at a multiple of the alignment.
        let alignment = device.limits().min_uniform_buffer_offset_alignment as usize;
        let stride = size_of::<Rectangle>().next_multiple_of(alignment);
        let mut uniform_bytes = Vec::with_capacity(rectangles.len() * stride);
        for (rectangle, _) in &rectangles {
            uniform_bytes.extend_from_slice(bytemuck::bytes_of(rectangle));
            uniform_bytes.resize(uniform_bytes.len().next_multiple_of(stride), 0);
        }
        let scope = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let buffer = |label, bytes: usize, usage| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                // An empty buffer cannot be bound.
                size: bytes.max(16) as u64,
                usage: usage | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        };
        let uniforms = buffer("PlacePass::uniforms", uniform_bytes.len(), wgpu::BufferUsages::UNIFORM);
        let uploaded_bytes = size_of_val(uploads.as_slice());
        let uploaded = buffer("PlacePass::uploaded", uploaded_bytes, wgpu::BufferUsages::STORAGE);
        if pollster::block_on(scope.pop()).is_some() {
            return None;
        }
        queue.write_buffer(&uniforms, 0, &uniform_bytes);
        queue.write_buffer(&uploaded, 0, bytemuck::cast_slice(&uploads));

        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: Some("PlacePass::pass"),
            timestamp_writes: None,
        });
        pass.set_pipeline(&self.pipeline);
        for ((rectangle, units), offset) in rectangles.iter().zip((0..).step_by(stride)) {
            let uniform = wgpu::BufferBinding {
                buffer: &uniforms,
                offset,
                size: wgpu::BufferSize::new(size_of::<Rectangle>() as u64),
            };
            let entry = |binding, resource| wgpu::BindGroupEntry { binding, resource };
            let units = units.map_or(&uploaded, |placed| &placed.units.buffer);
            let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("PlacePass::group"),
                layout: &self.group_layout,
                entries: &[
                    entry(0, wgpu::BindingResource::Buffer(uniform)),
                    entry(1, units.as_entire_binding()),
                    entry(2, uploaded.as_entire_binding()),
                    entry(3, values.as_entire_binding()),
                ],
            });
            pass.set_bind_group(0, &group, &[]);
            let groups = |cells: u32| cells.div_ceil(WORKGROUP);
            pass.dispatch_workgroups(groups(rectangle.columns), groups(rectangle.rows), 1);
        }
        Some(uploaded_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing;
    use crate::model::Grid;

    fn read(gpu: &crate::engine::Gpu, buffer: &wgpu::Buffer) -> Vec<u32> {
        buffer.map_async(wgpu::MapMode::Read, .., |_| ());
        gpu.wait();
        bytemuck::pod_collect_to_vec(&buffer.get_mapped_range(..).expect("a device that works"))
    }

    fn buffer(gpu: &crate::engine::Gpu, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("test"),
            size,
            usage: usage | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    }

    #[test]
    fn every_cell_of_several_pages_is_placed_on_its_tile() {
        let Some(gpu) = testing::gpu() else { return };
        const EDGE: u32 = 256;
        let scales = [1.0, f32::MIN_POSITIVE, 2f32.powi(114), 2f32.powi(-14)];
        let odd = [f32::NAN, f32::INFINITY, LayerCells::NO_CELL, f32::from_bits(1), -0.0, -1e-39];
        let value = |at: usize, scale: f32| match at % 50 {
            place if place < odd.len() => odd[place],
            // Between 2^-14 and 2^14 times the scale, with both signs.
            place => ((at * 7919 % 1009) as f32 - 500.0) * scale * 0.5f32.powi(place as i32 % 20),
        };
        let slabs: Vec<(LayerCells, f32)> = [90_000, 300, 40_000, 0, 5, 70_000, 66_000]
            .iter()
            .zip(scales.iter().cycle())
            .map(|(&units, &scale)| {
                let values = (0..units).map(|at| value(at, scale)).collect();
                (LayerCells { grid: Grid::near_square(units), units, values }, scale)
            })
            .collect();
        let grids: Vec<Grid> = slabs.iter().map(|(cells, _)| cells.grid).collect();
        let atlas = Atlas::new(&grids, 512, 8).expect("fits");
        assert!(atlas.pages > 1 && atlas.page_size > EDGE);

        // A third of the slabs each: uploaded, on the device, on the device in another order.
        let on_device = |(index, (cells, _)): (usize, &(LayerCells, f32))| {
            let units = cells.values.len() as u32;
            let reversed = (index % 3 == 2).then(|| (0..units).rev().collect());
            let order = reversed.and_then(UnitPermutation::new);
            let mut bits = vec![0; 3];
            bits.extend(cells.values.iter().map(|value| value.to_bits()));
            if order.is_some() {
                bits[3..].reverse();
            }
            let buffer = buffer(&gpu, 4 * bits.len() as u64, wgpu::BufferUsages::STORAGE);
            gpu.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&bits));
            (index % 3 > 0).then(|| (DeviceUnits { instance: gpu.instance.clone(), buffer, first: 3 }, order))
        };
        let on_device: Vec<_> = slabs.iter().enumerate().map(on_device).collect();
        let values: Vec<SlabValues<'_>> = slabs
            .iter()
            .zip(&on_device)
            .map(|((cells, scale), placed)| {
                let units =
                    placed.as_ref().map(|(units, order)| PlacedUnits { units, order: order.as_ref() });
                SlabValues { cells, scale: *scale, units }
            })
            .collect();

        let pass = PlacePass::new(&gpu.device);
        let bytes = u64::from(EDGE * EDGE * 4);
        let placed = buffer(&gpu, bytes, wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC);
        let tiles = tiles(&atlas, &values, EDGE);
        assert_eq!(tiles.len() as u32, atlas.pages * (atlas.page_size / EDGE).pow(2));
        for tile in tiles {
            let readable = buffer(&gpu, bytes, wgpu::BufferUsages::MAP_READ);
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            let on_gpu = (&gpu.device, &gpu.queue);
            let uploaded = pass.record(on_gpu, &mut encoder, &tile, &placed).expect("memory");
            let needs = |part: &SlabPart<'_>| part.slab.units.is_none_or(|placed| placed.order.is_some());
            assert!(tile.parts.iter().any(needs) || uploaded == 0);
            encoder.copy_buffer_to_buffer(&placed, 0, &readable, 0, bytes);
            gpu.queue.submit([encoder.finish()]);

            let mut expected = vec![LayerCells::NO_CELL; (EDGE * EDGE) as usize];
            for (slot, (cells, scale)) in atlas.slots.iter().zip(&slabs) {
                for (at, value) in cells.values.iter().enumerate() {
                    let (column, row) = cells.grid.position(at);
                    let x = (slot.x + column).checked_sub(tile.corner.x).filter(|&x| x < EDGE);
                    let y = (slot.y + row).checked_sub(tile.corner.y).filter(|&y| y < EDGE);
                    if let (Some(x), Some(y), true) = (x, y, slot.page == tile.corner.z) {
                        expected[(y * EDGE + x) as usize] = value * (1.0 / scale);
                    }
                }
            }
            for (at, (&bits, expected)) in read(&gpu, &readable).iter().zip(expected).enumerate() {
                let found = f32::from_bits(bits);
                let is_zero = expected.abs() < f32::MIN_POSITIVE;
                let right = if is_zero { expected.signum() * 0.0 } else { expected };
                let same = bits == right.to_bits() || found.is_nan() && right.is_nan();
                assert!(same, "{:?}, cell {at}: {found:e}, not {right:e}", tile.corner);
            }
        }
    }
}
