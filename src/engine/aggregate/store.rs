//! Rows of tensors on the device: those of an open recording stay once they were asked for, up to a
//! budget; what is larger, or was made for one question, passes through.

use std::ops::Range;
use std::sync::Arc;

use super::work::{Work, buffer};
use crate::model::{Dtype, Tensor};
use crate::stats::BackendError;

/// Bytes of rows that a thread stages at a time.
const STAGED: usize = 4 << 20;
/// Threads that stage rows.
const MOST_THREADS: usize = 8;
/// Bytes of rows that pass through at a time.
pub(super) const PASSING: usize = 32 << 20;

/// How rows of a type lie on the device: four units a quad, as in shaders/shared/rows_*.wgsl.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Lie {
    F32,
    F16,
    Bf16,
    U8,
}

impl Lie {
    pub(super) fn of(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F32 => Self::F32,
            Dtype::F16 => Self::F16,
            Dtype::BF16 => Self::Bf16,
            Dtype::U8 { .. } => Self::U8,
        }
    }

    pub(super) fn quad_bytes(self) -> u64 {
        match self {
            Self::F32 => 16,
            Self::F16 | Self::Bf16 => 8,
            Self::U8 => 4,
        }
    }

    /// Quads before the first row.
    fn head(self) -> u32 {
        if self == Self::U8 { 256 } else { 0 }
    }
}

/// Rows on the device.
#[derive(Clone)]
pub(super) struct Placed {
    pub(super) buffer: wgpu::Buffer,
    pub(super) lie: Lie,
    /// Quads from a row to the next.
    pub(super) stride: u32,
    /// Quad that row 0 begins with.
    pub(super) first: u32,
}

struct Held {
    /// Keeps the bytes where they are, so that no others can have their address.
    tensor: Tensor,
    placed: Placed,
    /// The rows that are there.
    present: Vec<bool>,
    used: u64,
}

/// The tensors on the device, the least recently used of which is evicted first.
pub(super) struct Store {
    budget: u64,
    held: Vec<Held>,
    /// Counts the questions; what the current one uses stays.
    now: u64,
}

impl Store {
    pub(super) fn new(budget: u64) -> Self {
        Self { budget, held: Vec::new(), now: 0 }
    }

    /// Another question begins.
    pub(super) fn begin(&mut self) {
        self.now += 1;
        self.held.retain(|held| held.tensor.is_shared());
    }

    /// Forgets all tensors.
    pub(super) fn clear(&mut self) {
        self.held.clear();
    }

    /// Returns `true` if the tensor is on the device.
    pub(super) fn holds(&self, tensor: &Tensor) -> bool {
        self.find(tensor).is_some()
    }

    fn find(&self, tensor: &Tensor) -> Option<usize> {
        self.held.iter().position(|held| {
            std::ptr::eq(held.tensor.bytes(), tensor.bytes())
                && held.tensor.dtype() == tensor.dtype()
                && held.tensor.columns() == tensor.columns()
        })
    }

    /// The whole tensor's place, with at least the rows of `lists` in it; `None` when it does not stay.
    pub(super) fn resident<'a>(
        &mut self,
        work: &mut Work<'_>,
        tensor: &Tensor,
        lists: impl Iterator<Item = &'a [usize]>,
    ) -> Result<Option<Placed>, BackendError> {
        let Some(index) = self.place(work, tensor)? else { return Ok(None) };
        let held = &mut self.held[index];
        held.used = self.now;
        let mut missing: Vec<usize> = lists.flatten().copied().filter(|&row| !held.present[row]).collect();
        missing.sort_unstable();
        missing.dedup();
        for &row in &missing {
            held.present[row] = true;
        }
        upload(work, &held.placed, tensor, 0..tensor.columns(), &missing, |row| missing[row])?;
        Ok(Some(held.placed.clone()))
    }

    /// Returns the index of the tensor's buffer, which is allocated if need be.
    fn place(&mut self, work: &Work<'_>, tensor: &Tensor) -> Result<Option<usize>, BackendError> {
        if let Some(index) = self.find(tensor) {
            return Ok(Some(index));
        }
        if !tensor.is_shared() {
            return Ok(None);
        }
        let Some(bytes) = size_of(tensor, tensor.rows(), tensor.columns()) else { return Ok(None) };
        let limits = work.device.limits();
        if bytes > self.budget.min(limits.max_storage_buffer_binding_size).min(limits.max_buffer_size) {
            return Ok(None);
        }
        let total = |held: &[Held]| held.iter().map(|held| held.placed.buffer.size()).sum::<u64>();
        while total(&self.held) + bytes > self.budget {
            let idle = self.held.iter().enumerate().filter(|(_, held)| held.used < self.now);
            let Some((oldest, _)) = idle.min_by_key(|(_, held)| held.used) else { return Ok(None) };
            self.held.swap_remove(oldest);
        }
        let placed = match place(work, tensor, tensor.rows(), tensor.columns()) {
            Ok(placed) => placed,
            // Others need the memory: part by part it may still fit.
            Err(BackendError::Memory { .. }) => {
                self.held.retain(|held| held.used == self.now);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        self.held.push(Held {
            tensor: tensor.clone(),
            placed,
            present: vec![false; tensor.rows()],
            used: self.now,
        });
        Ok(Some(self.held.len() - 1))
    }
}

/// Some columns of some rows, for as long as they are needed.
pub(super) fn passing(
    work: &mut Work<'_>,
    tensor: &Tensor,
    columns: Range<usize>,
    rows: &[usize],
) -> Result<Placed, BackendError> {
    let bytes = size_of(tensor, rows.len(), columns.len()).ok_or(BackendError::Memory { bytes: u64::MAX })?;
    work.make_room(bytes)?;
    let placed = place(work, tensor, rows.len(), columns.len())?;
    upload(work, &placed, tensor, columns, rows, |place| place)?;
    Ok(placed)
}

/// Bytes on the device; `None` when quads could not be counted in 32 bits.
fn size_of(tensor: &Tensor, rows: usize, columns: usize) -> Option<u64> {
    let lie = Lie::of(tensor.dtype());
    let quads = (rows as u64).checked_mul(columns.div_ceil(4) as u64)?.checked_add(u64::from(lie.head()))?;
    u32::try_from(quads).ok()?;
    Some(quads * lie.quad_bytes())
}

fn place(work: &Work<'_>, tensor: &Tensor, rows: usize, columns: usize) -> Result<Placed, BackendError> {
    let lie = Lie::of(tensor.dtype());
    let bytes = size_of(tensor, rows, columns).ok_or(BackendError::Memory { bytes: u64::MAX })?;
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
    let buffer = buffer(work.device, "Store::rows", bytes, usage)?;
    if lie == Lie::U8 {
        let every: Vec<u8> = (0..=u8::MAX).collect();
        let every = Tensor::new(Arc::new(every), 0..256, tensor.dtype(), 1, 256);
        if let Some(meanings) = every {
            work.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&meanings.row(0)));
        }
    }
    Ok(Placed { buffer, lie, stride: columns.div_ceil(4) as u32, first: lie.head() })
}

/// Brings `columns` of `rows` to their places, padded to whole quads; row `rows[i]` becomes the row
/// `place(i)` of the device.
fn upload(
    work: &mut Work<'_>,
    placed: &Placed,
    tensor: &Tensor,
    columns: Range<usize>,
    rows: &[usize],
    place: impl Fn(usize) -> usize,
) -> Result<(), BackendError> {
    let line = (u64::from(placed.stride) * placed.lie.quad_bytes()) as usize;
    if line == 0 {
        return Ok(());
    }
    let device = work.device;
    let at_once = (STAGED / line).max(1);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let mut done = 0;
    for rows in rows.chunks(at_once * threads) {
        work.make_room((rows.len() * line) as u64)?;
        let stage = |rows| staged(device, tensor, &columns, rows, line);
        // Threads of their own: on those of a pool, which may wait for this, it could wait for itself.
        let parts: Vec<_> = std::thread::scope(|scope| {
            let mut parts = rows.chunks(at_once);
            let own = parts.next();
            let others: Vec<_> = parts.map(|rows| scope.spawn(move || stage(rows))).collect();
            let own = own.map(stage);
            let others = others.into_iter().map(|other| other.join().unwrap_or(Err(BackendError::Lost)));
            own.into_iter().chain(others).collect()
        });
        for (staging, rows) in parts.into_iter().zip(rows.chunks(at_once)) {
            copy(work, &staging?, placed, line, rows.len(), |index| place(done + index));
            done += rows.len();
        }
    }
    Ok(())
}

/// A buffer of the rows, `line` bytes each.
fn staged(
    device: &wgpu::Device,
    tensor: &Tensor,
    columns: &Range<usize>,
    rows: &[usize],
    line: usize,
) -> Result<wgpu::Buffer, BackendError> {
    let size = tensor.dtype().size();
    let bytes = tensor.bytes();
    let usage = wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC;
    let staging = buffer(device, "Store::staging", (rows.len() * line) as u64, usage)?;
    let mut view = staging.get_mapped_range_mut(..).map_err(|_| BackendError::Lost)?;
    for (&row, to) in rows.iter().zip((0..).step_by(line)) {
        let first = row * tensor.columns();
        let row = &bytes[(first + columns.start) * size..(first + columns.end) * size];
        view.slice(to..to + row.len()).copy_from_slice(row);
    }
    drop(view);
    staging.unmap();
    Ok(staging)
}

/// Records the way of staged rows to their places; rows that follow each other go together.
fn copy(
    work: &mut Work<'_>,
    staging: &wgpu::Buffer,
    placed: &Placed,
    line: usize,
    rows: usize,
    place: impl Fn(usize) -> usize,
) {
    let first = u64::from(placed.first) * placed.lie.quad_bytes();
    let mut from = 0;
    while from < rows {
        let mut to = from + 1;
        while to < rows && place(to) == place(from) + to - from {
            to += 1;
        }
        work.encoder.copy_buffer_to_buffer(
            staging,
            (from * line) as u64,
            &placed.buffer,
            first + (place(from) * line) as u64,
            ((to - from) * line) as u64,
        );
        from = to;
    }
}
