//! Reductions on the GPU: a [`Backend`] like [`stats::Cpu`](crate::stats::Cpu), for devices that compute faster than
//! the CPU.
//!
//! Rows of an open recording are uploaded on first use and cached on the device up to a budget; larger tensors are
//! streamed in parts. Rows are reduced in blocks of 128, blocks merged in runs of 64, and runs merged in order. The
//! result depends on the list of rows alone, so that the difference of equal rows is exactly 0.
//!
//! Compared with sums in f64: counts, rates, minima, maxima and missing values are exact up to the last rounding;
//! means have a relative error below 1e-5 and deviations one below 1e-4, also where values vary by a ten-thousandth
//! of their mean. Values below 2^-126 may count as zero in means. Layers whose sums leave the range of f32 (squares
//! of 1e20, or of 1e-20) are reduced on the CPU instead.

mod commands;
pub(super) mod difference;
pub(super) mod pass;
mod store;
mod throughput;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use self::commands::{CommandStream, create_buffer, read_buffer};
use self::difference::{FALLBACK, LayerSummaries};
use self::pass::{Kind, MAX_QUADS, RUN, RowRun};
use self::store::Store;
pub use self::throughput::{AggregateBench, bench};
use super::gpu::{Gpu, Processor};
use super::pyramid::place::DeviceUnits;
use crate::model::{Diff, Stat, Tensor};
use crate::stats::{Backend, BackendError, Cpu, DeviceCopy, LayerRows, Reduced, TensorRows};

/// Bytes of rows cached on the device.
const BUDGET: u64 = 1 << 30;
/// Greatest size of the summaries of a batch, in bytes.
const MAX_SUMS: u64 = 32 << 20;
/// Greatest size of the values of a request that stay on the device, in bytes.
const MAX_KEPT: u64 = 256 << 20;
/// Greatest number of unit ranges in a batch.
const MAX_RANGES: usize = 1024;

/// A backend that reduces on a GPU. Created once per device; can be shared between threads, whose requests are
/// executed one after the other.
pub struct Aggregator {
    instance: wgpu::Instance,
    device: wgpu::Device,
    queue: wgpu::Queue,
    state: Mutex<State>,
    cpu_fallbacks: AtomicU64,
}

/// The mutable state, locked for a request.
struct State {
    store: Store,
    pass: pass::Pass,
    difference: difference::Difference,
}

/// The rows of one side of a unit range.
struct Side<'a> {
    rows: TensorRows<'a>,
    /// Index of the first quad in `sums`; each run has as many quads as the range, one run after the other.
    first: u32,
}

impl Side<'_> {
    /// Number of runs that the rows are divided into.
    fn runs(&self) -> u32 {
        self.rows.rows.len().div_ceil(RUN) as u32
    }
}

/// A range of the units of a layer, on one side or two.
struct UnitRange<'a> {
    /// Index into the layers of the request.
    layer: usize,
    /// Columns of the tensors.
    columns: Range<usize>,
    a: Side<'a>,
    b: Option<Side<'a>>,
    /// Index of the first quad in `values`.
    to: u32,
}

impl<'a> UnitRange<'a> {
    /// Number of quads of four units.
    fn quads(&self) -> u32 {
        self.columns.len().div_ceil(4) as u32
    }

    fn sides(&self) -> impl Iterator<Item = &Side<'a>> {
        std::iter::once(&self.a).chain(&self.b)
    }
}

/// Unit ranges that are reduced in one submission.
#[derive(Default)]
struct Batch<'a> {
    ranges: Vec<UnitRange<'a>>,
    /// Number of quads in `sums`.
    sums: u64,
    /// Number of quads in `values`.
    values: u64,
}

impl Aggregator {
    /// Creates a backend that caches up to 1 GiB of rows on the device. Pipelines are compiled on first use.
    pub fn new(gpu: &Gpu) -> Self {
        Self::with_budget(gpu, BUDGET)
    }

    /// Creates a backend that caches up to `budget` bytes of rows on the device.
    pub fn with_budget(gpu: &Gpu, budget: u64) -> Self {
        let state = State {
            store: Store::new(budget),
            pass: pass::Pass::new(&gpu.device),
            difference: difference::Difference::new(&gpu.device),
        };
        Self {
            instance: gpu.instance.clone(),
            device: gpu.device.clone(),
            queue: gpu.queue.clone(),
            state: Mutex::new(state),
            cpu_fallbacks: AtomicU64::new(0),
        }
    }

    /// Returns the number of layers reduced on the CPU so far because their sums leave the range of f32.
    pub fn cpu_fallbacks(&self) -> u64 {
        self.cpu_fallbacks.load(Ordering::Relaxed)
    }

    /// Appends the values of the `chosen` layers to `reduced`, with copies of the layers whose values are in one
    /// batch; returns the indices of the layers that the CPU has to reduce.
    fn reduce(
        &self,
        state: &mut State,
        layers: &[LayerRows<'_>],
        chosen: &[usize],
        (kind, diff): (Kind, Diff),
        reduced: &mut Reduced,
    ) -> Result<Vec<usize>, BackendError> {
        let units: usize = layers.iter().map(|layer| layer.a.tensor.columns()).sum();
        let keeps = size_of::<f32>() as u64 * units as u64 <= MAX_KEPT;
        let mut fallbacks = Vec::new();
        for batch in batches(layers, chosen, kind) {
            let mut commands = CommandStream::new(&self.device, &self.queue);
            let on_device = self.record(state, &mut commands, &batch, kind, diff)?;
            let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
            let readable = create_buffer(&self.device, "Aggregator::readable", on_device.size(), usage)?;
            commands.encoder.copy_buffer_to_buffer(&on_device, 0, &readable, 0, on_device.size());
            commands.finish()?;
            let bits = read_buffer(&self.device, &readable)?;
            for (index, range) in batch.ranges.iter().enumerate() {
                let from = 4 * range.to as usize;
                let bits = bits.get(from..from + range.columns.len()).ok_or(BackendError::Lost)?;
                if bits.contains(&FALLBACK) {
                    fallbacks.push(range.layer);
                }
                reduced.layers[range.layer].extend(bits.iter().map(|&bits| f32::from_bits(bits)));
                // The ranges of a layer follow each other, unless another batch begins with one of them.
                if range.columns.start == 0 || index == 0 {
                    let is_whole = keeps && range.columns.start == 0;
                    reduced.copies[range.layer] = is_whole.then(|| {
                        let (instance, buffer) = (self.instance.clone(), on_device.clone());
                        DeviceCopy::new(DeviceUnits { instance, buffer, first: 4 * range.to })
                    });
                }
            }
        }
        fallbacks.dedup();
        Ok(fallbacks)
    }

    /// Records the reduction of a batch; returns the buffer of the bits of all values, in the order of the ranges.
    fn record(
        &self,
        State { store, pass, difference }: &mut State,
        commands: &mut CommandStream<'_>,
        batch: &Batch<'_>,
        kind: Kind,
        diff: Diff,
    ) -> Result<wgpu::Buffer, BackendError> {
        let usage = wgpu::BufferUsages::STORAGE;
        // A binding has room for at least one summary, also if no side has rows.
        let bytes = 16 * kind.parts() * batch.sums.max(1);
        let sums = create_buffer(&self.device, "Aggregator::sums", bytes, usage)?;
        for (tensor, columns, sides) in by_tensor(batch) {
            let lists = sides.iter().map(|side| side.rows.rows);
            let quads = columns.len().div_ceil(4) as u32;
            let Some(data) = store.resident(commands, tensor, lists)? else {
                for side in sides {
                    stream(commands, pass, kind, &columns, side, &sums)?;
                }
                continue;
            };
            let runs = sides.iter().flat_map(|side| {
                let runs = side.rows.rows.chunks(RUN).zip(0..);
                runs.map(|(rows, run)| RowRun { rows, to: side.first + run * quads })
            });
            let runs: Vec<RowRun<'_>> = runs.collect();
            let from = (columns.start / 4) as u32;
            pass.record(commands, kind, &data, (from, quads), &runs, &sums)?;
        }
        let table: Vec<LayerSummaries> = batch
            .ranges
            .iter()
            .map(|range| LayerSummaries {
                quads: range.quads(),
                first_a: range.a.first,
                runs_a: range.a.runs(),
                first_b: range.b.as_ref().map_or(0, |side| side.first),
                runs_b: range.b.as_ref().map_or(0, Side::runs),
                compared: u32::from(range.b.is_some()),
                to: range.to,
                padding: 0,
            })
            .collect();
        let usage = usage | wgpu::BufferUsages::COPY_SRC;
        let values = create_buffer(&self.device, "Aggregator::values", 16 * batch.values, usage)?;
        difference.record(commands, (kind, diff), &table, &sums, &values)?;
        Ok(values)
    }
}

/// Groups the sides with rows by tensor and columns; each group is reduced in the same passes.
fn by_tensor<'a, 'b>(batch: &'b Batch<'a>) -> Vec<(&'a Tensor, Range<usize>, Vec<&'b Side<'a>>)> {
    let mut groups: Vec<(&Tensor, Range<usize>, Vec<&Side<'_>>)> = Vec::new();
    let mut known = HashMap::new();
    for range in &batch.ranges {
        for side in range.sides().filter(|side| !side.rows.rows.is_empty()) {
            let tensor = side.rows.tensor;
            let key = (tensor.bytes().as_ptr(), tensor.rows(), tensor.columns(), range.columns.start);
            let index = *known.entry(key).or_insert(groups.len());
            match groups.get_mut(index) {
                Some((of, _, sides)) if of.dtype() == tensor.dtype() => sides.push(side),
                _ => groups.push((tensor, range.columns.clone(), vec![side])),
            }
        }
    }
    groups
}

/// Records the reduction of a side whose tensor is not cached, through transient buffers.
fn stream(
    commands: &mut CommandStream<'_>,
    pass: &mut pass::Pass,
    kind: Kind,
    columns: &Range<usize>,
    side: &Side<'_>,
    sums: &wgpu::Buffer,
) -> Result<(), BackendError> {
    let tensor = side.rows.tensor;
    let quads = columns.len().div_ceil(4);
    let quad_bytes = store::RowLayout::of(tensor.dtype()).quad_bytes() as usize;
    let indices: Vec<usize> = (0..side.rows.rows.len().min(RUN)).collect();
    for (run, rows) in side.rows.rows.chunks(RUN).enumerate() {
        let quads_at_once = (store::STREAMED_BYTES / (rows.len() * quad_bytes)).max(1);
        for from in (0..quads).step_by(quads_at_once) {
            let to = quads.min(from + quads_at_once);
            let part = columns.start + 4 * from..columns.end.min(columns.start + 4 * to);
            let data = store::stream_rows(commands, tensor, part, rows)?;
            let first = side.first + (run * quads + from) as u32;
            let rows = indices.get(..rows.len()).unwrap_or_default();
            pass.record(commands, kind, &data, (0, (to - from) as u32), &[RowRun { rows, to: first }], sums)?;
        }
    }
    Ok(())
}

/// Splits the `chosen` layers into unit ranges, and groups these into batches of limited size.
fn batches<'a>(layers: &[LayerRows<'a>], chosen: &[usize], kind: Kind) -> Vec<Batch<'a>> {
    let max_sums = MAX_SUMS / (16 * kind.parts());
    let mut batches: Vec<Batch<'a>> = Vec::new();
    for &layer in chosen {
        let LayerRows { a, b } = layers[layer];
        let runs = |rows: &TensorRows<'_>| rows.rows.len().div_ceil(RUN);
        let both = (runs(&a) + b.as_ref().map_or(0, runs)).max(1);
        let quads = MAX_QUADS.min(max_sums as usize / both).max(1);
        let units = a.tensor.columns();
        for start in (0..units).step_by(4 * quads) {
            let columns = start..units.min(start + 4 * quads);
            let quads = columns.len().div_ceil(4) as u64;
            let fits = batches.last().is_some_and(|batch| {
                batch.sums + quads * both as u64 <= max_sums && batch.ranges.len() < MAX_RANGES
            });
            if !fits {
                batches.push(Batch::default());
            }
            let Some(batch) = batches.last_mut() else { continue };
            let mut side = |rows: TensorRows<'a>| {
                let side = Side { rows, first: batch.sums as u32 };
                batch.sums += quads * u64::from(side.runs());
                side
            };
            let (a, b) = (side(a), b.map(side));
            batch.ranges.push(UnitRange { layer, columns, a, b, to: batch.values as u32 });
            batch.values += quads;
        }
    }
    batches
}

/// Returns the size of all rows of the layers, in bytes.
fn row_bytes(layers: &[LayerRows<'_>]) -> u64 {
    let of_side = |rows: &TensorRows<'_>| {
        let values = rows.rows.len() as u64 * rows.tensor.columns() as u64;
        values * rows.tensor.dtype().size() as u64
    };
    layers.iter().flat_map(|layer| std::iter::once(&layer.a).chain(&layer.b)).map(of_side).sum()
}

/// Calls `work`, and returns errors of the device that would otherwise abort the program. `bytes` is the size of the
/// rows, for the message.
fn guarded<T>(
    device: &wgpu::Device,
    bytes: u64,
    work: impl FnOnce() -> Result<T, BackendError>,
) -> Result<T, BackendError> {
    // Commands to a lost device are invalid.
    let invalid = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let result = work();
    let (memory, invalid) = (pollster::block_on(memory.pop()), pollster::block_on(invalid.pop()));
    if let Some(error) = memory {
        log::error!("reducing on the graphics device: {error}");
        return Err(BackendError::Memory { bytes });
    }
    match (result, invalid) {
        (Ok(_), Some(error)) => {
            log::error!("reducing on the graphics device: {error}");
            Err(BackendError::Lost)
        }
        (result, _) => result,
    }
}

impl Backend for Aggregator {
    fn values(&self, layers: &[LayerRows<'_>], stat: Stat, diff: Diff) -> Result<Reduced, BackendError> {
        let mut reduced = Reduced::on_cpu(vec![Vec::new(); layers.len()]);
        let is_effect = |&index: &usize| diff == Diff::Effect && layers[index].b.is_some();
        let (effects, others): (Vec<usize>, Vec<usize>) = (0..layers.len()).partition(is_effect);
        let fallbacks = {
            let mut state = self.state.lock().unwrap_or_else(|poisoned| {
                // After a panic, rows that are marked as uploaded may be missing.
                self.state.clear_poison();
                let mut state = poisoned.into_inner();
                state.store.clear();
                state
            });
            state.store.begin_request();
            let fallbacks = guarded(&self.device, row_bytes(layers), || {
                let effect = (Kind::Deviation, Diff::Effect);
                let mut fallbacks = self.reduce(&mut state, layers, &effects, effect, &mut reduced)?;
                let kind = Kind::of(stat);
                fallbacks.extend(self.reduce(&mut state, layers, &others, (kind, diff), &mut reduced)?);
                Ok(fallbacks)
            });
            if fallbacks.is_err() {
                // Rows that are marked as uploaded may be missing.
                state.store.clear();
            }
            fallbacks?
        };
        self.cpu_fallbacks.fetch_add(fallbacks.len() as u64, Ordering::Relaxed);
        for layer in fallbacks {
            let computed = Cpu.values(&layers[layer..=layer], stat, diff)?;
            reduced.layers[layer] = computed.layers.into_iter().next().unwrap_or_default();
            reduced.copies[layer] = None;
        }
        Ok(reduced)
    }
}

/// Returns the fastest backend for a device: an [`Aggregator`] on it, or [`Cpu`]; see [`Gpu::processor`].
pub fn backend(gpu: &Gpu) -> Arc<dyn Backend> {
    match gpu.processor() {
        Processor::Gpu => Arc::new(Aggregator::new(gpu)),
        Processor::Cpu => Arc::new(Cpu),
    }
}
