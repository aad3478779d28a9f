//! How fast rows are reduced here, beside how fast the device copies.

use std::time::{Duration, Instant};

use super::pass::Kind;
use super::work::{Work, buffer};
use super::{Aggregator, asked_bytes, batches, guarded};
use crate::engine::Gpu;
use crate::engine::bench::median;
use crate::model::{Diff, Stat};
use crate::stats::{Backend, BackendError, LayerRows};

/// How long the commands of one submission should take, so that handing them over does not count.
const SUBMISSION: Duration = Duration::from_millis(250);
/// Bytes that are copied at most.
const MOST_COPIED: u64 = 1 << 30;

/// Medians over submissions; 1 GB is 10^9 bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateBench {
    /// The reduced values: per class, one per unit.
    pub values: Vec<Vec<f32>>,
    /// Bytes of rows that are reduced in a second.
    pub gbps: f64,
    /// Bytes that a copy from buffer to buffer reads and writes in a second, both counted.
    pub copy_ceiling_gbps: f64,
    /// `true` if the rows stayed on the device. Otherwise they were uploaded every time, and that
    /// is what was measured.
    pub resident: bool,
}

/// Reduces `layers` again and again for about `budget`, at least three times, by turns with copies of as many bytes. Tensors
/// that nobody else holds do not stay on the device.
///
/// # Errors
/// When the device fails.
pub fn bench(
    gpu: &Gpu,
    layers: &[LayerRows<'_>],
    stat: Stat,
    budget: Duration,
) -> Result<AggregateBench, BackendError> {
    let bytes = asked_bytes(layers);
    let aggregator = Aggregator::with_budget(gpu, u64::MAX);
    // Compiles, and brings the rows.
    let values = aggregator.values(layers, stat, Diff::Signed)?;
    let mut state = aggregator.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let every: Vec<usize> = (0..layers.len()).collect();
    let resident = layers.iter().all(|layer| state.store.holds(layer.a.tensor));
    let batches = batches(layers, &every, Kind::of(stat));
    guarded(&gpu.device, bytes, || {
        let mut reduce = |times: u32| {
            let start = Instant::now();
            let mut work = Work::new(&gpu.device, &gpu.queue);
            for _ in 0..times {
                for batch in &batches {
                    aggregator.record(&mut state, &mut work, batch, Kind::of(stat), Diff::Signed)?;
                }
            }
            work.finish()?;
            Ok(start.elapsed().as_secs_f64() / f64::from(times))
        };
        let limits = gpu.device.limits();
        let copied = bytes.min(MOST_COPIED).min(limits.max_buffer_size).next_multiple_of(4);
        let usage = wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let from = buffer(&gpu.device, "aggregate::bench::from", copied, usage)?;
        let to = buffer(&gpu.device, "aggregate::bench::to", copied, usage)?;
        let copy = |times: u32| {
            let start = Instant::now();
            let mut work = Work::new(&gpu.device, &gpu.queue);
            for _ in 0..times {
                work.encoder.copy_buffer_to_buffer(&from, 0, &to, 0, copied);
            }
            work.finish()?;
            Ok(start.elapsed().as_secs_f64() / f64::from(times))
        };
        let reductions = if resident { times(&mut reduce)? } else { 1 };
        let copies = times(copy)?;
        let (mut reducing, mut copying) = (Vec::new(), Vec::new());
        let start = Instant::now();
        while reducing.len() < 3 || start.elapsed() < budget {
            reducing.push(bytes as f64 / reduce(reductions)? / 1e9);
            copying.push(2.0 * copied as f64 / copy(copies)? / 1e9);
        }
        reducing.sort_by(f64::total_cmp);
        copying.sort_by(f64::total_cmp);
        let (gbps, copy_ceiling_gbps) = (median(&reducing), median(&copying));
        Ok(AggregateBench { values, gbps, copy_ceiling_gbps, resident })
    })
}

/// How often something is to be done in one submission.
fn times(mut seconds: impl FnMut(u32) -> Result<f64, BackendError>) -> Result<u32, BackendError> {
    seconds(1)?;
    Ok((SUBMISSION.as_secs_f64() / seconds(1)?).clamp(1.0, 256.0) as u32)
}
