//! Rows of tensors on the device. Tensors of an open recording are cached up to a budget, and their rows uploaded on
//! first use; larger tensors, and those made for a single request, are streamed through transient buffers.

use std::ops::Range;
use std::sync::Arc;

use super::commands::{CommandStream, create_buffer};
use crate::model::{Dtype, Tensor};
use crate::stats::BackendError;

/// Bytes of rows that a thread stages at a time.
const STAGING_BYTES: usize = 4 << 20;
/// Greatest number of threads that stage rows.
const MAX_THREADS: usize = 8;
/// Bytes of rows in a transient buffer.
pub(super) const STREAMED_BYTES: usize = 32 << 20;

/// The memory layout of rows on the device by the type of their values: quads of four units, as in
/// shaders/shared/rows_*.wgsl.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum RowLayout {
    F32,
    F16,
    Bf16,
    /// Bytes. The values of all 256 bytes come before the first row.
    U8,
}

impl RowLayout {
    /// Returns the layout of values of a type.
    pub(super) fn of(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F32 => Self::F32,
            Dtype::F16 => Self::F16,
            Dtype::BF16 => Self::Bf16,
            Dtype::U8 { .. } => Self::U8,
        }
    }

    /// Returns the size of a quad in bytes.
    pub(super) fn quad_bytes(self) -> u64 {
        match self {
            Self::F32 => 16,
            Self::F16 | Self::Bf16 => 8,
            Self::U8 => 4,
        }
    }

    /// Number of quads before the first row.
    fn header(self) -> u32 {
        if self == Self::U8 { 256 } else { 0 }
    }
}

/// Rows of a tensor in a buffer of the device.
#[derive(Clone)]
pub(super) struct DeviceRows {
    pub(super) buffer: wgpu::Buffer,
    pub(super) layout: RowLayout,
    /// Number of quads from a row to the next.
    pub(super) stride: u32,
    /// Index of the first quad of row 0.
    pub(super) first: u32,
}

/// A tensor with a buffer for all of its rows on the device.
struct ResidentTensor {
    /// Shares the bytes of the tensor, so that no other tensor can have their address.
    tensor: Tensor,
    rows: DeviceRows,
    /// Per row, `true` if it is uploaded.
    uploaded: Vec<bool>,
    /// The last request that used the tensor.
    last_used: u64,
}

/// A cache of tensors on the device. The least recently used are evicted first, except those of the current request.
pub(super) struct Store {
    budget: u64,
    tensors: Vec<ResidentTensor>,
    /// Number of the current request.
    request: u64,
}

impl Store {
    /// Creates an empty cache of at most `budget` bytes.
    pub(super) fn new(budget: u64) -> Self {
        Self { budget, tensors: Vec::new(), request: 0 }
    }

    /// Begins another request. Drops tensors that nothing else shares.
    pub(super) fn begin_request(&mut self) {
        self.request += 1;
        self.tensors.retain(|resident| resident.tensor.is_shared());
    }

    /// Drops all tensors.
    pub(super) fn clear(&mut self) {
        self.tensors.clear();
    }

    /// Returns `true` if the tensor is on the device.
    pub(super) fn contains(&self, tensor: &Tensor) -> bool {
        self.find(tensor).is_some()
    }

    /// The index of a tensor, by the address of its bytes.
    fn find(&self, tensor: &Tensor) -> Option<usize> {
        self.tensors.iter().position(|resident| {
            std::ptr::eq(resident.tensor.bytes(), tensor.bytes())
                && resident.tensor.dtype() == tensor.dtype()
                && resident.tensor.columns() == tensor.columns()
        })
    }

    /// Returns the rows of a cached tensor, of which at least those of `lists` are uploaded; `None` if the tensor
    /// cannot be cached.
    pub(super) fn resident<'a>(
        &mut self,
        commands: &mut CommandStream<'_>,
        tensor: &Tensor,
        lists: impl Iterator<Item = &'a [usize]>,
    ) -> Result<Option<DeviceRows>, BackendError> {
        let Some(index) = self.find_or_allocate(commands, tensor)? else { return Ok(None) };
        let resident = &mut self.tensors[index];
        resident.last_used = self.request;
        let mut missing: Vec<usize> =
            lists.flatten().copied().filter(|&row| !resident.uploaded[row]).collect();
        missing.sort_unstable();
        missing.dedup();
        for &row in &missing {
            resident.uploaded[row] = true;
        }
        upload(commands, &resident.rows, tensor, 0..tensor.columns(), &missing, |index| missing[index])?;
        Ok(Some(resident.rows.clone()))
    }

    /// Returns the index of a tensor, whose buffer is allocated if need be; `None` if it cannot be cached.
    fn find_or_allocate(
        &mut self,
        commands: &CommandStream<'_>,
        tensor: &Tensor,
    ) -> Result<Option<usize>, BackendError> {
        if let Some(index) = self.find(tensor) {
            return Ok(Some(index));
        }
        if !tensor.is_shared() {
            return Ok(None);
        }
        let Some(bytes) = size_of(tensor, tensor.rows(), tensor.columns()) else { return Ok(None) };
        let limits = commands.device.limits();
        if bytes > self.budget.min(limits.max_storage_buffer_binding_size).min(limits.max_buffer_size) {
            return Ok(None);
        }
        let total = |tensors: &[ResidentTensor]| {
            tensors.iter().map(|resident| resident.rows.buffer.size()).sum::<u64>()
        };
        while total(&self.tensors) + bytes > self.budget {
            let tensors = self.tensors.iter().enumerate();
            let unused = tensors.filter(|(_, resident)| resident.last_used < self.request);
            let Some((oldest, _)) = unused.min_by_key(|(_, resident)| resident.last_used) else {
                return Ok(None);
            };
            self.tensors.swap_remove(oldest);
        }
        let rows = match allocate(commands, tensor, tensor.rows(), tensor.columns()) {
            Ok(rows) => rows,
            // The device has less memory than the budget: in parts the tensor may still fit.
            Err(BackendError::Memory { .. }) => {
                self.tensors.retain(|resident| resident.last_used == self.request);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        self.tensors.push(ResidentTensor {
            tensor: tensor.clone(),
            rows,
            uploaded: vec![false; tensor.rows()],
            last_used: self.request,
        });
        Ok(Some(self.tensors.len() - 1))
    }
}

/// Uploads some columns of some rows of a tensor to a transient buffer, in the order of `rows`.
pub(super) fn stream_rows(
    commands: &mut CommandStream<'_>,
    tensor: &Tensor,
    columns: Range<usize>,
    rows: &[usize],
) -> Result<DeviceRows, BackendError> {
    let bytes = size_of(tensor, rows.len(), columns.len()).ok_or(BackendError::Memory { bytes: u64::MAX })?;
    commands.reserve(bytes)?;
    let device_rows = allocate(commands, tensor, rows.len(), columns.len())?;
    upload(commands, &device_rows, tensor, columns, rows, |index| index)?;
    Ok(device_rows)
}

/// Returns the size on the device in bytes; `None` if the number of quads exceeds 32 bits.
fn size_of(tensor: &Tensor, rows: usize, columns: usize) -> Option<u64> {
    let layout = RowLayout::of(tensor.dtype());
    let quads =
        (rows as u64).checked_mul(columns.div_ceil(4) as u64)?.checked_add(u64::from(layout.header()))?;
    u32::try_from(quads).ok()?;
    Some(quads * layout.quad_bytes())
}

/// Allocates a buffer for `rows` × `columns` values of a tensor, and writes its header.
fn allocate(
    commands: &CommandStream<'_>,
    tensor: &Tensor,
    rows: usize,
    columns: usize,
) -> Result<DeviceRows, BackendError> {
    let layout = RowLayout::of(tensor.dtype());
    let bytes = size_of(tensor, rows, columns).ok_or(BackendError::Memory { bytes: u64::MAX })?;
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
    let buffer = create_buffer(commands.device, "Store::rows", bytes, usage)?;
    if layout == RowLayout::U8 {
        let every: Vec<u8> = (0..=u8::MAX).collect();
        let every = Tensor::new(Arc::new(every), 0..256, tensor.dtype(), 1, 256);
        if let Some(every) = every {
            commands.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&every.row(0)));
        }
    }
    Ok(DeviceRows { buffer, layout, stride: columns.div_ceil(4) as u32, first: layout.header() })
}

/// Uploads `columns` of `rows`, padded to whole quads: row `rows[i]` of the tensor becomes row `destination(i)` of
/// `device_rows`.
fn upload(
    commands: &mut CommandStream<'_>,
    device_rows: &DeviceRows,
    tensor: &Tensor,
    columns: Range<usize>,
    rows: &[usize],
    destination: impl Fn(usize) -> usize,
) -> Result<(), BackendError> {
    let row_bytes = (u64::from(device_rows.stride) * device_rows.layout.quad_bytes()) as usize;
    if row_bytes == 0 {
        return Ok(());
    }
    let device = commands.device;
    let rows_at_once = (STAGING_BYTES / row_bytes).max(1);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    let mut done = 0;
    for rows in rows.chunks(rows_at_once * threads) {
        commands.reserve((rows.len() * row_bytes) as u64)?;
        let stage = |rows| stage(device, tensor, &columns, rows, row_bytes);
        // New threads, not those of a pool, all of which may be waiting for this upload.
        let parts: Vec<_> = std::thread::scope(|scope| {
            let mut parts = rows.chunks(rows_at_once);
            let own = parts.next();
            let others: Vec<_> = parts.map(|rows| scope.spawn(move || stage(rows))).collect();
            let own = own.map(stage);
            let others = others.into_iter().map(|other| other.join().unwrap_or(Err(BackendError::Lost)));
            own.into_iter().chain(others).collect()
        });
        for (staging, rows) in parts.into_iter().zip(rows.chunks(rows_at_once)) {
            copy(commands, &staging?, device_rows, row_bytes, rows.len(), |index| destination(done + index));
            done += rows.len();
        }
    }
    Ok(())
}

/// Creates a staging buffer with `columns` of `rows`, `row_bytes` each.
fn stage(
    device: &wgpu::Device,
    tensor: &Tensor,
    columns: &Range<usize>,
    rows: &[usize],
    row_bytes: usize,
) -> Result<wgpu::Buffer, BackendError> {
    let size = tensor.dtype().size();
    let bytes = tensor.bytes();
    let usage = wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC;
    let staging = create_buffer(device, "Store::staging", (rows.len() * row_bytes) as u64, usage)?;
    let mut view = staging.get_mapped_range_mut(..).map_err(|_| BackendError::Lost)?;
    for (&row, to) in rows.iter().zip((0..).step_by(row_bytes)) {
        let first = row * tensor.columns();
        let row = &bytes[(first + columns.start) * size..(first + columns.end) * size];
        view.slice(to..to + row.len()).copy_from_slice(row);
    }
    drop(view);
    staging.unmap();
    Ok(staging)
}

/// Records the copies of `rows` staged rows to their destinations; consecutive destinations take one copy.
fn copy(
    commands: &mut CommandStream<'_>,
    staging: &wgpu::Buffer,
    device_rows: &DeviceRows,
    row_bytes: usize,
    rows: usize,
    destination: impl Fn(usize) -> usize,
) {
    let first = u64::from(device_rows.first) * device_rows.layout.quad_bytes();
    let mut from = 0;
    while from < rows {
        let mut to = from + 1;
        while to < rows && destination(to) == destination(from) + to - from {
            to += 1;
        }
        commands.encoder.copy_buffer_to_buffer(
            staging,
            (from * row_bytes) as u64,
            &device_rows.buffer,
            first + (destination(from) * row_bytes) as u64,
            ((to - from) * row_bytes) as u64,
        );
        from = to;
    }
}
