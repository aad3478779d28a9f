//! How fast a frame is here: medians over repeated frames, with the floor and the plain path
//! measured in the same run.

use std::time::{Duration, Instant};

use super::readback::RenderTarget;
use super::{Frame, Gpu, Path, Renderer};

/// Most cells that the plain path is asked to draw for comparison.
const MOST_PLAIN_CELLS: u64 = 5_000_000;

/// Frame times of one view.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderBench {
    pub cells: u64,
    /// Share of pixels that show a slab.
    pub coverage: f64,
    /// Milliseconds from submitting a frame to its end.
    pub median_ms: f64,
    pub p99_ms: f64,
    /// The same for a frame that only clears.
    pub floor_ms: f64,
    /// The same for every cell as an instanced box; `None` when there are too many.
    pub cells_path_ms: Option<f64>,
    /// GPU memory held by the values.
    pub resident_bytes: u64,
}

/// Draws `frame` over and over for about `budget`, at least 5 times.
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
        Path::Raycast | Path::Compute if cells <= MOST_PLAIN_CELLS => {
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

/// Milliseconds of each call, sorted, after one call that is not counted.
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

pub(super) fn median(sorted: &[f64]) -> f64 {
    quantile(sorted, 0.5)
}

/// The nearest rank of sorted values; NaN when there are none.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let rank = (q * (sorted.len().saturating_sub(1)) as f64).round() as usize;
    sorted.get(rank).copied().unwrap_or(f64::NAN)
}
