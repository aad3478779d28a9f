//! A still: one view of one recording as a picture.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::file;
use crate::engine::readback::Canvas;
use crate::engine::{Field, FieldError, Frame, Gpu, InputPicture, Path as Drawing, Renderer, ranges};
use crate::model::{EpochPosition, Layout, Recording, ViewState};
use crate::stats::{self, Backend, Sides, StatsError};
use crate::ui::runs::OpenRuns;
use crate::ui::{Overlay, still};

/// Why a still could not be made.
#[derive(Debug, thiserror::Error)]
pub enum StillError {
    #[error(transparent)]
    Stats(#[from] StatsError),
    #[error(transparent)]
    Field(#[from] FieldError),
    #[error("the picture is {width} × {height} pixels; this device draws 1 to {limit} a side")]
    Size { width: u32, height: u32, limit: u32 },
    #[error("the graphics device was lost while drawing; try again")]
    DeviceLost,
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
}

/// The values that a still shows: those of the two epochs that it lies between.
pub struct Values {
    pub from: Field,
    /// `None` when the moment is exactly at one epoch.
    pub to: Option<Field>,
    pub position: EpochPosition,
    /// Where everything stands, the input's picture included.
    pub layout: Layout,
    picture: Option<InputPicture>,
    /// Layers that B lacks, as [`Overlay`] takes them.
    missing: Vec<(usize, Option<usize>)>,
}

impl Values {
    /// Reads, reduces and uploads what `view` shows at `position`.
    pub fn load(
        gpu: &Gpu,
        sides: Sides,
        view: &ViewState,
        position: EpochPosition,
        backend: &dyn Backend,
    ) -> Result<Self, StillError> {
        let source = sides.a;
        let mut missing = Vec::new();
        let mut field = |epoch| -> Result<Field, StillError> {
            let cells = stats::cells(sides, &view.query, epoch, backend)?;
            missing = cells.unmatched.iter().map(|it| (it.layer, it.units)).collect();
            Ok(Field::new(gpu, &cells.layers, view.query.is_signed())?)
        };
        let from = field(position.from)?;
        let to = if position.t > 0.0 { Some(field(position.to)?) } else { None };
        let picture = view.query.select.single_input().and_then(|input| source.picture(input));
        let mut layout = from.layout().clone();
        layout.picture =
            picture.as_ref().map(|picture| picture.width.max(1) as f32 / picture.height.max(1) as f32);
        let picture = picture.map(|picture| InputPicture::new(gpu, &picture));
        Ok(Self { from, to, position, layout, picture, missing })
    }

    fn to(&self) -> &Field {
        self.to.as_ref().unwrap_or(&self.from)
    }
}

/// A finished picture.
pub struct Still {
    /// Rows from the top, 8-bit sRGB, opaque.
    pub rgba: Vec<u8>,
    pub size: [u32; 2],
    /// Milliseconds that the scene took to draw, shaders compiled before.
    pub frame_ms: f64,
}

impl Still {
    /// Draws `view`; with an overlay where it is told what the runs are called. `size` in pixels; text is scaled with the height
    /// so that a poster reads like a window.
    pub fn render(
        gpu: &Gpu,
        renderer: &mut Renderer,
        recording: &Recording,
        values: &Values,
        view: &ViewState,
        size: [u32; 2],
        overlay: Option<OpenRuns>,
    ) -> Result<Self, StillError> {
        let limit = gpu.device.limits().max_texture_dimension_2d;
        let [width, height] = size;
        if width == 0 || height == 0 || width > limit || height > limit {
            return Err(StillError::Size { width, height, limit });
        }
        let ranges = ranges(view, recording.normalisation, &values.from, values.to(), values.position.t);
        let frame = Frame {
            view,
            from: &values.from,
            to: values.to(),
            t: values.position.t,
            ranges: &ranges,
            picture: values.picture.as_ref().filter(|_| view.camera.sees_past_picture()),
            size,
            every_cell: false,
        };
        let canvas = Canvas::new(gpu, size, Renderer::FORMAT);
        let mut draw = || {
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            renderer.draw(gpu, &mut encoder, &canvas.view, &frame, Drawing::Raycast);
            gpu.queue.submit([encoder.finish()]);
            gpu.wait();
        };
        // The first frame compiles.
        draw();
        let start = Instant::now();
        draw();
        let frame_ms = start.elapsed().as_secs_f64() * 1e3;
        if let Some(runs) = overlay {
            let overlay = Overlay {
                recording,
                runs,
                view,
                layout: &values.layout,
                ranges: &ranges,
                has_no_value: values.from.has_no_value() || values.to().has_no_value(),
                position: values.position,
                highlighted: None,
                missing: &values.missing,
                shared: false,
            };
            paint(gpu, &overlay, &canvas);
        }
        let rgba = canvas.read(gpu).ok_or(StillError::DeviceLost)?;
        Ok(Self { rgba, size, frame_ms })
    }

    /// Writes the picture as PNG, whole or not at all.
    pub fn save(&self, path: &Path) -> Result<(), StillError> {
        file::write_png(path, &self.rgba, self.size)
            .map_err(|source| StillError::Write { path: path.to_owned(), source })
    }
}

/// Height of a picture whose text has one pixel per point.
const POINTS_HIGH: f32 = 720.0;

/// Paints the overlay over the scene on `canvas`.
fn paint(gpu: &Gpu, overlay: &Overlay<'_>, canvas: &Canvas) {
    let scale = (canvas.size[1].min(canvas.size[0]) as f32 / POINTS_HIGH).clamp(0.5, 8.0);
    let mut painted = still::paint(overlay, canvas.size, scale);
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
        size_in_pixels: canvas.size,
        pixels_per_point: painted.pixels_per_point,
    };
    let mut encoder = gpu.device.create_command_encoder(&Default::default());
    let mut before = egui.update_buffers(&gpu.device, &gpu.queue, &mut encoder, &painted.primitives, &screen);
    {
        let mut pass = encoder
            .begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("Still::overlay"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &canvas.view,
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
