use dnnviz::engine::*;
use dnnviz::model::camera::SetView;
use dnnviz::model::*;
use std::time::*;
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
    let gpu = Gpu::headless().unwrap();
    eprintln!("{}", gpu.describe());
    let n = sizes.len();
    let layers: Vec<LayerCells> = sizes
        .iter()
        .enumerate()
        .map(|(l, &u)| {
            let grid = if l == n - 1 && u <= 24 { Grid::column(u) } else { Grid::near_square(u) };
            let values = (0..u)
                .map(|i| {
                    let v = noise(i, l);
                    let b = ((i as f32 / grid.columns as f32 / grid.rows as f32 * 6.0).sin() * 0.5 + 0.5)
                        * ((i % grid.columns as usize) as f32 / grid.columns as f32);
                    if v < 0.4 { 0.0 } else { (v * v * b * 1.5).min(1.0) }
                })
                .collect();
            LayerCells { grid, units: u, values }
        })
        .collect();
    let t = Instant::now();
    let field = Field::new(&gpu, &layers, false).unwrap();
    drop(layers);
    gpu.wait();
    eprintln!("field {:?} {} MB", t.elapsed(), field.bytes() >> 20);
    let mut r = Renderer::new(&gpu);
    for v in SetView::ALL {
        if a.len() > 2 && a[2] != "all" && a[2] != v.name() {
            continue;
        }
        let cam = Camera::set_view(v, field.layout(), 1280.0 / 720.0);
        let view = ViewState::new(cam, 0.0);
        let ranges = vec![(0.0, 1.0); n];
        let frame = Frame {
            view: &view,
            from: &field,
            to: &field,
            t: 0.0,
            ranges: &ranges,
            picture: None,
            size: [1280, 720],
            every_cell: false,
        };
        let b = bench::bench_render(&gpu, &mut r, &frame, Path::Raycast, Duration::from_millis(500));
        let cpu = || -> f64 {
            let s = std::fs::read_to_string("/proc/self/stat").unwrap();
            let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
            (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) * 10.0
        };
        let cc = readback::Canvas::new(&gpu, [1280, 720], Renderer::FORMAT);
        let c0 = cpu();
        let nf = 25;
        for _ in 0..nf {
            let mut e = gpu.device.create_command_encoder(&Default::default());
            r.draw(&gpu, &mut e, &cc.view, &frame, Path::Raycast);
            gpu.queue.submit([e.finish()]);
            gpu.wait();
        }
        print!("cpu/2 {:6.1} ", (cpu() - c0) / nf as f64 / 2.0);
        println!(
            "{:9} {:7.1} ms p99 {:6.1} floor {:.1} plain {:?} cover {:.2}",
            v.name(),
            b.median_ms,
            b.p99_ms,
            b.floor_ms,
            b.cells_path_ms.map(|x| x.round()),
            b.coverage
        );
        for (p, s) in [(Path::Raycast, "ray"), (Path::Cells, "cells")] {
            if p == Path::Cells && b.cells > 2000000 {
                continue;
            }
            let c = readback::Canvas::new(&gpu, [1280, 720], Renderer::FORMAT);
            let mut e = gpu.device.create_command_encoder(&Default::default());
            r.draw(&gpu, &mut e, &c.view, &frame, p);
            gpu.queue.submit([e.finish()]);
            image::save_buffer(
                format!("/tmp/lab/{}_{}_{}.png", a[1].len(), v.name(), s),
                &c.read(&gpu).unwrap(),
                1280,
                720,
                image::ColorType::Rgba8,
            )
            .unwrap();
        }
    }
}
