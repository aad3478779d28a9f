use dnnviz::engine::*;
use dnnviz::model::camera::SetView;
use dnnviz::model::*;
fn noise(i: usize, l: usize) -> f32 {
    let mut x = (i as u64).wrapping_mul(0x9E3779B97F4A7C15) ^ (l as u64).wrapping_mul(0xD1B54A32D192ED03);
    x ^= x >> 29;
    x = x.wrapping_mul(0xBF58476D1CE4E5B9);
    x ^= x >> 32;
    (x as u32) as f32 / u32::MAX as f32
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let sizes: Vec<usize> = a[1].split(',').map(|s| s.parse().unwrap()).collect();
    let frames: usize = a[3].parse().unwrap();
    let gpu = Gpu::headless().unwrap();
    let n = sizes.len();
    let layers: Vec<LayerCells> = sizes
        .iter()
        .enumerate()
        .map(|(l, &u)| {
            let grid = if l == n - 1 && u <= 24 { Grid::column(u) } else { Grid::near_square(u) };
            let values = (0..u).map(|i| (noise(i, l) - 0.35).max(0.0) * 1.5).collect();
            LayerCells { grid, units: u, values }
        })
        .collect();
    let field = Field::new(&gpu, &layers, false).unwrap();
    drop(layers);
    gpu.wait();
    let mut r = Renderer::new(&gpu);
    for v in SetView::ALL {
        if a[2] != v.name() {
            continue;
        }
        let cam = Camera::set_view(v, field.layout(), 1280.0 / 720.0);
        let view = ViewState::new(cam, 0.0);
        let ranges = vec![(0.0, 1.0); n];
        let size = [320, 180];
        // As large in pixels as at full size.
        let frame = Frame {
            view: &view,
            from: &field,
            to: &field,
            t: 0.0,
            ranges: &ranges,
            picture: None,
            size,
            every_cell: false,
        };
        let c = readback::Canvas::new(&gpu, size, Renderer::FORMAT);
        for _ in 0..frames {
            let mut e = gpu.device.create_command_encoder(&Default::default());
            r.draw(&gpu, &mut e, &c.view, &frame, Path::Raycast);
            gpu.queue.submit([e.finish()]);
            gpu.wait();
        }
    }
}
