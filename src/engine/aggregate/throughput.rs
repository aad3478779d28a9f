//! The throughput of reductions on a device, compared with that of copies.

use std::time::{Duration, Instant};

use super::commands::{CommandStream, create_buffer};
use super::pass::Kind;
use super::{Aggregator, batches, guarded, row_bytes};
use crate::engine::bench::median;
use crate::engine::gpu::Gpu;
use crate::model::{Diff, Stat};
use crate::stats::{Backend, BackendError, LayerRows};

/// Intended duration of one submission, so that the overhead of submitting is negligible.
const SUBMISSION: Duration = Duration::from_millis(250);
/// Greatest size of a copy in bytes.
const MAX_COPIED: u64 = 1 << 30;

/// Median throughputs over submissions, in GB/s of 10^9 bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateBench {
    /// The reduced values: for each of the layers, one per unit.
    pub values: Vec<Vec<f32>>,
    /// Throughput of reductions, counting the bytes of the rows.
    pub gbps: f64,
    /// Throughput of copies from buffer to buffer, counting bytes read and bytes written.
    pub copy_ceiling_gbps: f64,
    /// `true` if the rows were cached on the device. Otherwise the throughput includes uploading them.
    pub resident: bool,
}

/// Measures reductions of `layers` for about `budget`, at least three times, alternating with copies of as many bytes.
/// Only tensors with other owners are cached on the device, see [`Tensor::is_shared`](crate::model::Tensor::is_shared).
///
/// # Errors
///
/// When the device is lost or lacks memory.
pub fn bench(
    gpu: &Gpu,
    layers: &[LayerRows<'_>],
    stat: Stat,
    budget: Duration,
) -> Result<AggregateBench, BackendError> {
    let bytes = row_bytes(layers);
    let aggregator = Aggregator::with_budget(gpu, u64::MAX);
    // Compiles the pipelines and uploads the rows.
    let values = aggregator.values(layers, stat, Diff::Signed)?.layers;
    let mut state = aggregator.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let every: Vec<usize> = (0..layers.len()).collect();
    let resident = layers.iter().all(|layer| state.store.contains(layer.a.tensor));
    let batches = batches(layers, &every, Kind::of(stat));
    guarded(&gpu.device, bytes, || {
        let mut reduce = |times: u32| {
            let start = Instant::now();
            let mut commands = CommandStream::new(&gpu.device, &gpu.queue);
            for _ in 0..times {
                for batch in &batches {
                    aggregator.record(&mut state, &mut commands, batch, Kind::of(stat), Diff::Signed)?;
                }
            }
            commands.finish()?;
            Ok(start.elapsed().as_secs_f64() / f64::from(times))
        };
        let limits = gpu.device.limits();
        let copied = bytes.min(MAX_COPIED).min(limits.max_buffer_size).next_multiple_of(4);
        let usage = wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let from = create_buffer(&gpu.device, "aggregate::bench::from", copied, usage)?;
        let to = create_buffer(&gpu.device, "aggregate::bench::to", copied, usage)?;
        let copy = |times: u32| {
            let start = Instant::now();
            let mut commands = CommandStream::new(&gpu.device, &gpu.queue);
            for _ in 0..times {
                commands.encoder.copy_buffer_to_buffer(&from, 0, &to, 0, copied);
            }
            commands.finish()?;
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

/// Returns the number of repetitions, from 1 to 256, that make a submission last for [`SUBMISSION`]. `seconds` executes
/// a number of repetitions and returns the time of one.
fn times(mut seconds: impl FnMut(u32) -> Result<f64, BackendError>) -> Result<u32, BackendError> {
    seconds(1)?;
    Ok((SUBMISSION.as_secs_f64() / seconds(1)?).clamp(1.0, 256.0) as u32)
}
