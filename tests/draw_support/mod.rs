//! Pictures of made-up networks, drawn as the window draws them and read back.

use dnnviz::engine::readback::RenderTarget;
use dnnviz::engine::{Frame, Gpu, Path, Renderer};

/// Draws a frame along a path: the bytes of its colours, row after row, or with `ids` the slab + 1 and the
/// cell + 1 at each pixel.
pub fn draw(gpu: &Gpu, renderer: &mut Renderer, frame: &Frame<'_>, path: Path, ids: bool) -> Vec<u8> {
    let format = if ids { Renderer::CELL_FORMAT } else { Renderer::FORMAT };
    let canvas = RenderTarget::new(gpu, frame.size, format);
    let mut encoder = gpu.device.create_command_encoder(&Default::default());
    if ids {
        renderer.draw_cells(gpu, &mut encoder, &canvas.view, frame, path);
    } else {
        renderer.draw(gpu, &mut encoder, &canvas.view, frame, path);
    }
    gpu.queue.submit([encoder.finish()]);
    canvas.read(gpu).expect("pixels")
}
