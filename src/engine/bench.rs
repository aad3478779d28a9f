//! Frame times on this machine: quantiles over repeated frames, with an empty frame and the cell path measured
//! in the same run for comparison.

use std::time::{Duration, Instant};

use super::readback::RenderTarget;
use super::{Frame, Gpu, Path, Renderer};

/// Greatest number of cells for which [`Path::Cells`] is measured for comparison.
const MAX_COMPARED_CELLS: u64 = 5_000_000;

/// Frame times of one view.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderBench {
    /// Number of cells of all slabs.
    pub cells: u64,
    /// Share of pixels that show a slab, in [0, 1].
    pub coverage: f64,
    /// Median time from recording a frame to its completion on the device, in milliseconds.
    pub median_ms: f64,
    /// 99th percentile of the same.
    pub p99_ms: f64,
    /// Median time of a frame that only clears its target, in milliseconds.
    pub floor_ms: f64,
    /// Median time of a frame along [`Path::Cells`], in milliseconds; `None` if there are too many cells.
    pub cells_path_ms: Option<f64>,
    /// Size of the values on the GPU in bytes.
    pub resident_bytes: u64,
}

/// Draws `frame` along `path` repeatedly for about `budget`, at least 5 times, and measures each frame.
pub fn bench_render(
    gpu: &Gpu,
    renderer: &mut Renderer,
    frame: &Frame<'_>,
    path: Path,
    budget: Duration,
) -> RenderBench {
    let canvas = RenderTarget::new(gpu, frame.size, Renderer::FORMAT);
    let cells = frame.from.layout().slabs.iter().map(|slab| slab.units as u64).sum();
    let mut draw = |path| {
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        renderer.draw(gpu, &mut encoder, &canvas.view, frame, path);
        gpu.queue.submit([encoder.finish()]);
        gpu.wait();
    };
    let times = measure(budget, 5, || draw(path));
    let cells_path_ms = match path {
        Path::Cells => Some(median(&times)),
        Path::Raycast | Path::Compute if cells <= MAX_COMPARED_CELLS => {
            Some(median(&measure(budget / 4, 2, || draw(Path::Cells))))
        }
        Path::Raycast | Path::Compute => None,
    };
    let floor = measure(budget / 8, 5, || {
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        super::renderer::colour_pass(&mut encoder, &canvas.view, wgpu::Color::BLACK, None);
        gpu.queue.submit([encoder.finish()]);
        gpu.wait();
    });
    RenderBench {
        cells,
        coverage: coverage(gpu, renderer, frame),
        median_ms: median(&times),
        p99_ms: quantile(&times, 0.99),
        floor_ms: median(&floor),
        cells_path_ms,
        resident_bytes: frame.from.bytes(),
    }
}

/// Share of pixels that show a slab.
fn coverage(gpu: &Gpu, renderer: &mut Renderer, frame: &Frame<'_>) -> f64 {
    let canvas = RenderTarget::new(gpu, frame.size, Renderer::CELL_FORMAT);
    let mut encoder = gpu.device.create_command_encoder(&Default::default());
    renderer.draw_cells(gpu, &mut encoder, &canvas.view, frame, Path::Raycast);
    gpu.queue.submit([encoder.finish()]);
    let pixels = canvas.read(gpu).unwrap_or_default();
    let covered = pixels.chunks_exact(8).filter(|pixel| pixel[..4] != [0; 4]).count();
    covered as f64 / (pixels.len() / 8).max(1) as f64
}

/// Measures `call` for about `budget`, from `least` to 500 times, after one call that is not measured. Returns
/// the times in milliseconds, sorted.
fn measure(budget: Duration, least: usize, mut call: impl FnMut()) -> Vec<f64> {
    call();
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < least || (start.elapsed() < budget && times.len() < 500) {
        let begin = Instant::now();
        call();
        times.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    times
}

/// Returns the median of sorted values; NaN for an empty slice.
pub(super) fn median(sorted: &[f64]) -> f64 {
    quantile(sorted, 0.5)
}

/// Returns the `q`-quantile of sorted values by nearest rank, with `q` in [0, 1]; NaN for an empty slice.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let rank = (q * (sorted.len().saturating_sub(1)) as f64).round() as usize;
    sorted.get(rank).copied().unwrap_or(f64::NAN)
}
