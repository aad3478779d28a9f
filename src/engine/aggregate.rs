//! Reducing on the GPU: the same as [`stats::Cpu`](crate::stats::Cpu), for devices that compute
//! faster than the processor.
//!
//! Rows of an open recording are brought to the device when they are first asked for and stay there, up
//! to a budget; a tensor that is larger passes through in parts. Rows are reduced in blocks of 128, blocks are joined
//! in runs of 64, runs in their order: the result depends on the list of rows and on nothing else, so
//! that equal rows differ by exactly nothing.
//!
//! Against f64: counts, rates, least and greatest values and what has no value are exact up to the last
//! rounding; means are within 1e-5 and deviations within 1e-4 of themselves, also where values vary by
//! a ten-thousandth of their mean. Values below 2^-126 may count as zero in means. Layers in which sums
//! leave the range of f32 (squares of 1e20, or of 1e-20) are reduced on the CPU instead.

mod bench;
pub(super) mod difference;
pub(super) mod pass;
mod store;
mod work;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub use self::bench::{AggregateBench, bench};
use self::difference::{BEYOND, Layer};
use self::pass::{Kind, MOST_QUADS, RUN, Run};
use self::store::Store;
use self::work::{Work, buffer, read};
use super::{Gpu, Processor};
use crate::model::{Diff, Stat, Tensor};
use crate::stats::{Backend, BackendError, Cpu, LayerRows, TensorRows};

/// Bytes of rows that stay on the device.
const BUDGET: u64 = 1 << 30;
/// Bytes of sums that are joined at a time.
const SUMS: u64 = 32 << 20;

/// Reduces on a GPU. Made once per device; asked from any thread, one question at a time.
pub struct Aggregator {
    device: wgpu::Device,
    queue: wgpu::Queue,
    state: Mutex<State>,
    left_to_cpu: AtomicU64,
}

struct State {
    store: Store,
    pass: pass::Pass,
    difference: difference::Difference,
}

/// One side of a piece: where its runs are summed.
struct Side<'a> {
    rows: TensorRows<'a>,
    /// First quad in `sums`; each run has as many as the piece, one after the other.
    first: u32,
}

impl Side<'_> {
    fn runs(&self) -> u32 {
        self.rows.rows.len().div_ceil(RUN) as u32
    }
}

/// Some units of a layer.
struct Piece<'a> {
    /// Index among the layers that were asked for.
    layer: usize,
    columns: Range<usize>,
    a: Side<'a>,
    b: Option<Side<'a>>,
    /// First quad of its values.
    to: u32,
}

impl<'a> Piece<'a> {
    fn quads(&self) -> u32 {
        self.columns.len().div_ceil(4) as u32
    }

    fn sides(&self) -> impl Iterator<Item = &Side<'a>> {
        std::iter::once(&self.a).chain(&self.b)
    }
}

/// Pieces that are reduced together.
#[derive(Default)]
struct Batch<'a> {
    pieces: Vec<Piece<'a>>,
    /// Quads of sums and of values.
    sums: u64,
    values: u64,
}

impl Aggregator {
    /// Compiles nothing yet; pipelines are made when first needed.
    pub fn new(gpu: &Gpu) -> Self {
        Self::with_budget(gpu, BUDGET)
    }

    /// Keeps at most `budget` bytes of rows on the device.
    pub fn with_budget(gpu: &Gpu, budget: u64) -> Self {
        let state = State {
            store: Store::new(budget),
            pass: pass::Pass::new(&gpu.device),
            difference: difference::Difference::new(&gpu.device),
        };
        Self {
            device: gpu.device.clone(),
            queue: gpu.queue.clone(),
            state: Mutex::new(state),
            left_to_cpu: AtomicU64::new(0),
        }
    }

    /// How many layers had to be left to the CPU so far, since their sums leave the range of f32.
    pub fn left_to_cpu(&self) -> u64 {
        self.left_to_cpu.load(Ordering::Relaxed)
    }

    /// Puts the values of the `chosen` layers into `values`; returns those that the CPU has to compute.
    fn reduce(
        &self,
        state: &mut State,
        layers: &[LayerRows<'_>],
        chosen: &[usize],
        (kind, diff): (Kind, Diff),
        values: &mut [Vec<f32>],
    ) -> Result<Vec<usize>, BackendError> {
        let mut beyond = Vec::new();
        for batch in batches(layers, chosen, kind) {
            let mut work = Work::new(&self.device, &self.queue);
            let on_device = self.record(state, &mut work, &batch, kind, diff)?;
            let readable = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
            let answer = buffer(&self.device, "Aggregator::answer", on_device.size(), readable)?;
            work.encoder.copy_buffer_to_buffer(&on_device, 0, &answer, 0, on_device.size());
            work.finish()?;
            let bits = read(&self.device, &answer)?;
            for piece in &batch.pieces {
                let from = 4 * piece.to as usize;
                let bits = bits.get(from..from + piece.columns.len()).ok_or(BackendError::Lost)?;
                if bits.contains(&BEYOND) {
                    beyond.push(piece.layer);
                }
                values[piece.layer].extend(bits.iter().map(|&bits| f32::from_bits(bits)));
            }
        }
        beyond.dedup();
        Ok(beyond)
    }

    /// Records the reduction of a batch; returns the buffer that will hold the bits of every value,
    /// where its pieces say.
    fn record(
        &self,
        State { store, pass, difference }: &mut State,
        work: &mut Work<'_>,
        batch: &Batch<'_>,
        kind: Kind,
        diff: Diff,
    ) -> Result<wgpu::Buffer, BackendError> {
        let usage = wgpu::BufferUsages::STORAGE;
        // A binding holds one summary at least, also where no side has rows.
        let bytes = 16 * kind.parts() * batch.sums.max(1);
        let sums = buffer(&self.device, "Aggregator::sums", bytes, usage)?;
        for (tensor, columns, sides) in by_tensor(batch) {
            let lists = sides.iter().map(|side| side.rows.rows);
            let quads = columns.len().div_ceil(4) as u32;
            let Some(data) = store.resident(work, tensor, lists)? else {
                for side in sides {
                    stream(work, pass, kind, &columns, side, &sums)?;
                }
                continue;
            };
            let runs = sides.iter().flat_map(|side| {
                let runs = side.rows.rows.chunks(RUN).zip(0..);
                runs.map(|(rows, run)| Run { rows, to: side.first + run * quads })
            });
            let runs: Vec<Run<'_>> = runs.collect();
            let from = (columns.start / 4) as u32;
            pass.record(work, kind, &data, (from, quads), &runs, &sums)?;
        }
        let table: Vec<Layer> = batch
            .pieces
            .iter()
            .map(|piece| Layer {
                quads: piece.quads(),
                first_a: piece.a.first,
                runs_a: piece.a.runs(),
                first_b: piece.b.as_ref().map_or(0, |side| side.first),
                runs_b: piece.b.as_ref().map_or(0, Side::runs),
                compared: u32::from(piece.b.is_some()),
                to: piece.to,
                padding: 0,
            })
            .collect();
        let usage = usage | wgpu::BufferUsages::COPY_SRC;
        let values = buffer(&self.device, "Aggregator::values", 16 * batch.values, usage)?;
        difference.record(work, (kind, diff), &table, &sums, &values)?;
        Ok(values)
    }
}

/// The sides that read the same units of the same tensor, which are reduced together.
fn by_tensor<'a, 'b>(batch: &'b Batch<'a>) -> Vec<(&'a Tensor, Range<usize>, Vec<&'b Side<'a>>)> {
    let mut groups: Vec<(&Tensor, Range<usize>, Vec<&Side<'_>>)> = Vec::new();
    let mut known = HashMap::new();
    for piece in &batch.pieces {
        for side in piece.sides().filter(|side| !side.rows.rows.is_empty()) {
            let tensor = side.rows.tensor;
            let key = (tensor.bytes().as_ptr(), tensor.rows(), tensor.columns(), piece.columns.start);
            let index = *known.entry(key).or_insert(groups.len());
            match groups.get_mut(index) {
                Some((of, _, sides)) if of.dtype() == tensor.dtype() => sides.push(side),
                _ => groups.push((tensor, piece.columns.clone(), vec![side])),
            }
        }
    }
    groups
}

/// Reduces a side of a tensor that does not stay on the device.
fn stream(
    work: &mut Work<'_>,
    pass: &mut pass::Pass,
    kind: Kind,
    columns: &Range<usize>,
    side: &Side<'_>,
    sums: &wgpu::Buffer,
) -> Result<(), BackendError> {
    let tensor = side.rows.tensor;
    let quads = columns.len().div_ceil(4);
    let places: Vec<usize> = (0..side.rows.rows.len().min(RUN)).collect();
    for (run, rows) in side.rows.rows.chunks(RUN).enumerate() {
        let at_once =
            (store::PASSING / (rows.len() * store::Lie::of(tensor.dtype()).quad_bytes() as usize)).max(1);
        for from in (0..quads).step_by(at_once) {
            let to = quads.min(from + at_once);
            let part = columns.start + 4 * from..columns.end.min(columns.start + 4 * to);
            let data = store::passing(work, tensor, part, rows)?;
            let first = side.first + (run * quads + from) as u32;
            let rows = places.get(..rows.len()).unwrap_or_default();
            pass.record(work, kind, &data, (0, (to - from) as u32), &[Run { rows, to: first }], sums)?;
        }
    }
    Ok(())
}

/// Cuts layers into pieces, and joins pieces that have room together.
fn batches<'a>(layers: &[LayerRows<'a>], chosen: &[usize], kind: Kind) -> Vec<Batch<'a>> {
    let most_sums = SUMS / (16 * kind.parts());
    let mut batches: Vec<Batch<'a>> = Vec::new();
    for &layer in chosen {
        let LayerRows { a, b } = layers[layer];
        let runs = |rows: &TensorRows<'_>| rows.rows.len().div_ceil(RUN);
        let both = (runs(&a) + b.as_ref().map_or(0, runs)).max(1);
        let quads = MOST_QUADS.min(most_sums as usize / both).max(1);
        let units = a.tensor.columns();
        for start in (0..units).step_by(4 * quads) {
            let columns = start..units.min(start + 4 * quads);
            let quads = columns.len().div_ceil(4) as u64;
            let room = batches.last().is_some_and(|batch| {
                batch.sums + quads * both as u64 <= most_sums && batch.pieces.len() < 1024
            });
            if !room {
                batches.push(Batch::default());
            }
            let Some(batch) = batches.last_mut() else { continue };
            let mut side = |rows: TensorRows<'a>| {
                let side = Side { rows, first: batch.sums as u32 };
                batch.sums += quads * u64::from(side.runs());
                side
            };
            let (a, b) = (side(a), b.map(side));
            batch.pieces.push(Piece { layer, columns, a, b, to: batch.values as u32 });
            batch.values += quads;
        }
    }
    batches
}

/// Bytes of the rows that are asked for.
fn asked_bytes(layers: &[LayerRows<'_>]) -> u64 {
    let of_side = |rows: &TensorRows<'_>| {
        let values = rows.rows.len() as u64 * rows.tensor.columns() as u64;
        values * rows.tensor.dtype().size() as u64
    };
    layers.iter().flat_map(|layer| std::iter::once(&layer.a).chain(&layer.b)).map(of_side).sum()
}

/// Does `work` on a device, whose errors would otherwise end the program.
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
    fn values(
        &self,
        layers: &[LayerRows<'_>],
        stat: Stat,
        diff: Diff,
    ) -> Result<Vec<Vec<f32>>, BackendError> {
        let mut values: Vec<Vec<f32>> = vec![Vec::new(); layers.len()];
        let is_effect = |&index: &usize| diff == Diff::Effect && layers[index].b.is_some();
        let (effects, others): (Vec<usize>, Vec<usize>) = (0..layers.len()).partition(is_effect);
        let beyond = {
            let mut state = self.state.lock().unwrap_or_else(|poisoned| {
                // Somebody asked for what does not exist, and rows may not have come.
                self.state.clear_poison();
                let mut state = poisoned.into_inner();
                state.store.clear();
                state
            });
            state.store.begin();
            let reduced = guarded(&self.device, asked_bytes(layers), || {
                let effect = (Kind::Deviation, Diff::Effect);
                let mut beyond = self.reduce(&mut state, layers, &effects, effect, &mut values)?;
                let kind = Kind::of(stat);
                beyond.extend(self.reduce(&mut state, layers, &others, (kind, diff), &mut values)?);
                Ok(beyond)
            });
            if reduced.is_err() {
                // Rows that were to be there may not have come.
                state.store.clear();
            }
            reduced?
        };
        self.left_to_cpu.fetch_add(beyond.len() as u64, Ordering::Relaxed);
        for layer in beyond {
            let computed = Cpu.values(&layers[layer..=layer], stat, diff)?;
            values[layer] = computed.into_iter().next().unwrap_or_default();
        }
        Ok(values)
    }
}

/// Returns the backend that reduces fastest for the device of `gpu`.
pub fn backend(gpu: &Gpu) -> Arc<dyn Backend> {
    match gpu.processor() {
        Processor::Gpu => Arc::new(Aggregator::new(gpu)),
        Processor::Cpu => Arc::new(Cpu),
    }
}
