//! Stills: views of recordings, side by side in one picture.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::file;
use crate::engine::readback::RenderTarget;
use crate::engine::{DrawnNetwork, Gpu, InputPicture, Path as RenderPath, Renderer};
use crate::model::columns::{ColourScale, common_extremes};
use crate::model::{
    Camera, EpochIndex, EpochPosition, LayerIndex, Layout, Recording, SetView, Theme, ValueRange, ViewState,
    drawn_edges,
};
use crate::scene::{FrameOptions, LoadedEpoch, Scene, SceneError, aspect_ratio};
use crate::stats::{Backend, Quantiles, Sides, colour_range};
use crate::ui::runs::{NamedRun, OpenRuns};
use crate::ui::scene::description::{EpochCoverage, SceneDescription};
use crate::ui::scene::still;

/// Height in pixels of a picture whose text has one pixel per point.
const POINTS_HIGH: f32 = 720.0;

/// The error of a still that cannot be drawn or written.
#[derive(Debug, thiserror::Error)]
pub enum StillError {
    /// The values cannot be read, reduced or uploaded.
    #[error(transparent)]
    Scene(#[from] SceneError),
    /// The picture is empty or too large for the device.
    #[error("the picture is {width} × {height} pixels; this device draws 1 to {limit} a side")]
    Size {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The longest edge of a picture, in pixels.
        limit: u32,
    },
    /// The device was lost.
    #[error("the graphics device was lost while drawing; try again")]
    DeviceLost,
    /// The file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Path of the file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
}

/// One of the views that a still shows side by side.
pub struct StillView<'a> {
    /// The recordings of sides A and B.
    pub sides: Sides<'a>,
    /// Index of the run of side A in the `runs` of [`Still::render`].
    pub run: usize,
    /// The view.
    pub view: ViewState,
    /// The camera; `None` for that of the view.
    pub set_view: Option<SetView>,
    /// The epoch of the view, resolved.
    pub position: EpochPosition,
}

/// A finished picture.
pub struct Still {
    /// Rows from the top, 8-bit sRGB with alpha 255.
    pub rgba: Vec<u8>,
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// Milliseconds that the scenes took to draw, without compiling shaders.
    pub frame_ms: f64,
    /// Number of cells in all scenes.
    pub cells: u64,
}

impl Still {
    /// Draws `views` of `runs` side by side, with or without the overlay; those of values of one kind have
    /// common value ranges in layers of one name. `size` is (width, height) in pixels; the size of the text
    /// is proportional to the smaller of the two.
    ///
    /// # Errors
    /// If values cannot be loaded, or the device cannot draw a picture of this size.
    pub fn render(
        gpu: &Gpu,
        backend: &dyn Backend,
        runs: &[NamedRun],
        views: Vec<StillView>,
        size: [u32; 2],
        with_overlay: bool,
    ) -> Result<Self, StillError> {
        let limit = gpu.device.limits().max_texture_dimension_2d;
        let [width, height] = size;
        let count = views.len().max(1) as u32;
        if width < count || height == 0 || width > limit || height > limit {
            return Err(StillError::Size { width, height, limit });
        }
        let aspect = width as f32 / count as f32 / height as f32;
        let load = |view| StillColumn::load(gpu, backend, runs, view, aspect);
        let columns = views.into_iter().map(load).collect::<Result<Vec<_>, _>>()?;
        let theme = columns.first().map_or_else(Theme::default, |column| column.view.theme);
        let [r, g, b] = theme.slab();
        let mut rgba = [r, g, b, u8::MAX].repeat(width as usize * height as usize);
        let mut frame_ms = 0.0;
        let mut renderer = Renderer::new(gpu);
        let text = (height.min(width) as f32 / POINTS_HIGH).clamp(0.5, 8.0);
        for ((index, column), ranges) in (0..).zip(&columns).zip(common_ranges(&columns)) {
            let (left, right) = (index * width / count, (index + 1) * width / count);
            // A line of the ground remains visible between columns.
            let line = if index + 1 < count { (text.round() as u32).clamp(1, right - left) } else { 0 };
            let column_size = [(right - left - line).max(1), height];
            let text = with_overlay.then_some(text);
            let (pixels, ms) = column.draw(gpu, &mut renderer, &ranges, column_size, text)?;
            let row = column_size[0] as usize * 4;
            let rows = rgba.chunks_exact_mut(width as usize * 4);
            for (target, pixels) in rows.zip(pixels.chunks_exact(row)) {
                target[left as usize * 4..][..row].copy_from_slice(pixels);
            }
            frame_ms += ms;
        }
        let slabs = columns.iter().flat_map(|column| &column.layout.slabs);
        Ok(Self { rgba, size, frame_ms, cells: slabs.map(|slab| slab.units as u64).sum() })
    }

    /// Writes the picture as PNG, whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), StillError> {
        file::write_png(path, &self.rgba, self.size)
            .map_err(|source| StillError::Write { path: path.to_owned(), source })
    }
}

/// A view with its values loaded.
struct StillColumn<'a> {
    recording: &'a Recording,
    runs: OpenRuns<'a>,
    view: ViewState,
    scene: Scene,
    /// The layout of the slabs, the input's picture included.
    layout: Layout,
    picture: Option<InputPicture>,
    /// The quantiles of the layers at all epochs, where the ranges of the colour maps cover all.
    all_epochs: Vec<Arc<[Option<Quantiles>]>>,
}

impl<'a> StillColumn<'a> {
    fn load(
        gpu: &Gpu,
        backend: &dyn Backend,
        runs: &'a [NamedRun<'a>],
        still_view: StillView<'a>,
        aspect: f32,
    ) -> Result<Self, StillError> {
        let StillView { sides, run, mut view, set_view, position } = still_view;
        let recording = sides.a.recording();
        let scene = Scene::load(gpu, backend, sides, &view, position)?;
        let mut all_epochs = Vec::new();
        if view.over_epochs {
            for epoch in (0..recording.epochs.len()).filter(|&epoch| !recording.epochs[epoch].damaged) {
                all_epochs.push(LoadedEpoch::quantiles(backend, sides, &view.query, EpochIndex(epoch))?);
            }
        }
        let picture = view.query.select.single_input().and_then(|input| sides.a.picture(input));
        if set_view.is_some() {
            view.camera.aspect = aspect;
        }
        let layout = scene.layout(recording, &view, picture.as_ref().map(aspect_ratio), aspect);
        if let Some(set_view) = set_view {
            // Mosaics of feature maps and the input's picture are part of the layout only now.
            view.camera = Camera::set_view(set_view, &layout, aspect);
        }
        let picture = picture.map(|picture| InputPicture::new(gpu, &picture));
        Ok(Self {
            recording,
            runs: OpenRuns { all: runs, own: run },
            view,
            scene,
            layout,
            picture,
            all_epochs,
        })
    }

    fn extremes(&self) -> Vec<Option<ValueRange>> {
        let normalisation = self.recording.normalisation;
        if self.view.over_epochs {
            let epochs = self.all_epochs.iter().map(|layers| &**layers);
            return colour_range::extremes_over(&self.view, normalisation, epochs);
        }
        self.scene.extremes(&self.view, normalisation)
    }

    /// Returns the pixels of this column, and the milliseconds that its scene took. `text` is the number of
    /// pixels in a point of the overlay; `None` leaves it out.
    fn draw(
        &self,
        gpu: &Gpu,
        renderer: &mut Renderer,
        ranges: &[ValueRange],
        size: [u32; 2],
        text: Option<f32>,
    ) -> Result<(Vec<u8>, f64), StillError> {
        let view = &self.view;
        let edges = drawn_edges(self.recording, view, None).edges;
        let divisors = self.scene.divisors(view);
        let frame = self.scene.frame(FrameOptions {
            view,
            ranges,
            divisors: &divisors,
            picture: self.picture.as_ref(),
            network: DrawnNetwork { edges: &edges, layout: Some(&self.layout), highlighted: None },
            size,
        });
        let target = RenderTarget::new(gpu, size, Renderer::FORMAT);
        let mut draw = || {
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            renderer.draw(gpu, &mut encoder, &target.view, &frame, RenderPath::Raycast);
            gpu.queue.submit([encoder.finish()]);
            gpu.wait();
        };
        // The first frame compiles.
        draw();
        let start = Instant::now();
        draw();
        let frame_ms = start.elapsed().as_secs_f64() * 1e3;
        if let Some(text) = text {
            let unmatched: Vec<(LayerIndex, Option<usize>)> =
                self.scene.from.cells.unmatched.iter().map(|layer| (layer.layer, layer.units)).collect();
            let epochs = self.all_epochs.len();
            let description = SceneDescription {
                recording: self.recording,
                runs: self.runs,
                view,
                layout: &self.layout,
                ranges,
                has_no_value: self.scene.has_no_value(),
                position: self.scene.position,
                highlighted: None,
                unmatched: &unmatched,
                shared: false,
                range_epochs: view.over_epochs.then_some(EpochCoverage { read: epochs, of: epochs }),
                values: Some(self.scene.values(view, ranges, &divisors)),
                camera_target: None,
            };
            paint_overlay(gpu, &description, &target, text);
        }
        Ok((target.read(gpu).ok_or(StillError::DeviceLost)?, frame_ms))
    }
}

/// Returns for each column and layer the range of the colour map.
fn common_ranges(columns: &[StillColumn]) -> Vec<Vec<ValueRange>> {
    let scales = columns.iter().map(|column| ColourScale {
        recording: column.recording,
        query: &column.view.query,
        range: column.view.range_of(column.recording.normalisation),
        extremes: column.extremes(),
    });
    let scales: Vec<ColourScale> = scales.collect();
    let ranges = columns.iter().zip(common_extremes(&scales)).map(|(column, extremes)| {
        colour_range::colour_ranges(&column.view, column.recording.normalisation, &extremes)
    });
    ranges.collect()
}

/// Paints the overlay over the scene on `target`, with `scale` pixels per point.
fn paint_overlay(gpu: &Gpu, description: &SceneDescription, target: &RenderTarget, scale: f32) {
    let mut painted = still::tessellate_overlay(description, target.size, scale);
    let mut egui = egui_wgpu::Renderer::new(
        &gpu.device,
        Renderer::FORMAT,
        egui_wgpu::RendererOptions { dithering: false, ..Default::default() },
    );
    for (id, deltas) in painted.textures.set.drain() {
        for delta in deltas {
            egui.update_texture(&gpu.device, &gpu.queue, id, &delta);
        }
    }
    let screen = egui_wgpu::ScreenDescriptor {
        size_in_pixels: target.size,
        pixels_per_point: painted.pixels_per_point,
    };
    let mut encoder = gpu.device.create_command_encoder(&Default::default());
    let mut before = egui.update_buffers(&gpu.device, &gpu.queue, &mut encoder, &painted.primitives, &screen);
    {
        let mut pass = encoder
            .begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("Still::overlay"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &target.view,
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations { load: wgpu::LoadOp::Load, store: wgpu::StoreOp::Store },
                })],
                ..Default::default()
            })
            .forget_lifetime();
        egui.render(&mut pass, &painted.primitives, &screen);
    }
    before.push(encoder.finish());
    gpu.queue.submit(before);
}
