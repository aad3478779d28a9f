//! A still: one view of one recording as a picture.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::file;
use crate::engine::readback::RenderTarget;
use crate::engine::{
    Field, FieldError, Frame, Gpu, InputPicture, Network, Path as Drawing, Renderer, extremes, extremes_over,
    is_diverging, ranges_of, scales,
};
use crate::model::columns::{ColourScale, common_extremes};
use crate::model::{
    EpochIndex, EpochPosition, Layout, Normalisation, Recording, SceneValues, Theme, UnitPermutation,
    ViewState,
};
use crate::stats::{self, Backend, Cells, Quantiles, Sides, StatsError};
use crate::ui::Overlay;
use crate::ui::runs::OpenRuns;
use crate::ui::scene::overlay::SlabValues;
use crate::ui::scene::still;

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
    /// The values of both on this side.
    cells: [Arc<Cells>; 2],
    /// Per epoch, how its values lie, where the ends of the colour map are those of all epochs.
    over: Vec<Vec<Option<Quantiles>>>,
    /// Layers that B lacks, as [`Overlay`] takes them.
    missing: Vec<(usize, Option<usize>)>,
}

impl Values {
    /// Reads, reduces and uploads what `view` shows at `position`; of all epochs where the ends of its
    /// colour map are theirs. `orders` says per layer in which order its units stand, as
    /// [`Cells::ordered`] takes it.
    pub fn load(
        gpu: &Gpu,
        sides: Sides,
        view: &ViewState,
        position: EpochPosition,
        backend: &dyn Backend,
        orders: &[Option<Arc<UnitPermutation>>],
    ) -> Result<Self, StillError> {
        let source = sides.a;
        let recording = source.recording();
        let mut missing = Vec::new();
        let mut field = |epoch| -> Result<(Field, Arc<Cells>), StillError> {
            let cells = stats::cells(sides, &view.query, epoch, backend)?.ordered(orders);
            missing = cells.unmatched.iter().map(|it| (it.layer, it.units)).collect();
            Ok((Field::new(gpu, &cells.layers, view.query.is_signed())?, Arc::new(cells)))
        };
        let (from, from_cells) = field(position.from)?;
        let (to, to_cells) = if position.t > 0.0 {
            let (to, cells) = field(position.to)?;
            (Some(to), cells)
        } else {
            (None, Arc::clone(&from_cells))
        };
        let mut over = Vec::new();
        if view.over_epochs {
            for epoch in (0..recording.epochs.len()).filter(|&epoch| !recording.epochs[epoch].damaged) {
                over.push(Quantiles::of_all(
                    &stats::cells(sides, &view.query, EpochIndex(epoch), backend)?.layers,
                ));
            }
        }
        let picture = view.query.select.single_input().and_then(|input| source.picture(input));
        let mut layout = from.layout().clone();
        layout.picture =
            picture.as_ref().map(|picture| picture.width.max(1) as f32 / picture.height.max(1) as f32);
        layout.hide(&recording.layers, &view.hidden);
        let picture = picture.map(|picture| InputPicture::new(gpu, &picture));
        Ok(Self { from, to, position, layout, picture, cells: [from_cells, to_cells], over, missing })
    }

    fn to(&self) -> &Field {
        self.to.as_ref().unwrap_or(&self.from)
    }

    fn extremes(&self, view: &ViewState, normalisation: Normalisation) -> Vec<Option<(f32, f32)>> {
        if view.over_epochs {
            return extremes_over(view, normalisation, self.over.iter().map(Vec::as_slice));
        }
        extremes(view, normalisation, &self.from, self.to(), self.position.t)
    }
}

/// One of the views that a still shows side by side.
#[derive(Clone, Copy)]
pub struct Column<'a> {
    pub recording: &'a Recording,
    /// What is compared, as the overlay says it.
    pub runs: OpenRuns<'a>,
    pub values: &'a Values,
    pub view: &'a ViewState,
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
    /// Draws `columns` side by side, with or without the overlay; those that show values of one kind
    /// have one scale, as far as their layers bear the same names. `size` in pixels; text is scaled with
    /// the height so that a poster reads like a window.
    pub fn render(
        gpu: &Gpu,
        renderer: &mut Renderer,
        columns: &[Column],
        size: [u32; 2],
        with_overlay: bool,
    ) -> Result<Self, StillError> {
        let limit = gpu.device.limits().max_texture_dimension_2d;
        let [width, height] = size;
        let count = columns.len().max(1) as u32;
        if width < count || height == 0 || width > limit || height > limit {
            return Err(StillError::Size { width, height, limit });
        }
        let theme = columns.first().map_or_else(Theme::default, |column| column.view.theme);
        let [r, g, b] = theme.slab();
        let mut rgba = [r, g, b, u8::MAX].repeat(width as usize * height as usize);
        let mut frame_ms = 0.0;
        let text = (height.min(width) as f32 / POINTS_HIGH).clamp(0.5, 8.0);
        for ((index, column), ranges) in (0..).zip(columns).zip(common_ranges(columns)) {
            let (left, right) = (index * width / count, (index + 1) * width / count);
            // A line of the ground that shows through parts it from the next one.
            let line = if index + 1 < count { (text.round() as u32).clamp(1, right - left) } else { 0 };
            let part = [(right - left - line).max(1), height];
            let (pixels, ms) = column.draw(gpu, renderer, &ranges, part, with_overlay.then_some(text))?;
            let row = part[0] as usize * 4;
            let wide = rgba.chunks_exact_mut(width as usize * 4);
            for (wide, narrow) in wide.zip(pixels.chunks_exact(row)) {
                wide[left as usize * 4..][..row].copy_from_slice(narrow);
            }
            frame_ms += ms;
        }
        Ok(Self { rgba, size, frame_ms })
    }

    /// Writes the picture as PNG, whole or not at all.
    pub fn save(&self, path: &Path) -> Result<(), StillError> {
        file::write_png(path, &self.rgba, self.size)
            .map_err(|source| StillError::Write { path: path.to_owned(), source })
    }
}

/// Per column and layer, the values at the ends of the colour map.
fn common_ranges(columns: &[Column]) -> Vec<Vec<(f32, f32)>> {
    let scales = columns.iter().map(|column| {
        let Column { recording, values, view, .. } = *column;
        ColourScale {
            recording,
            query: &view.query,
            range: view.range_of(recording.normalisation),
            extremes: values.extremes(view, recording.normalisation),
        }
    });
    let scales: Vec<ColourScale> = scales.collect();
    let ranges = columns
        .iter()
        .zip(common_extremes(&scales))
        .map(|(column, extremes)| ranges_of(column.view, column.recording.normalisation, &extremes));
    ranges.collect()
}

impl Column<'_> {
    /// The pixels of this column alone, and the milliseconds that its scene took. `text` is how many
    /// pixels a point of the overlay has; `None` leaves it out.
    fn draw(
        &self,
        gpu: &Gpu,
        renderer: &mut Renderer,
        ranges: &[(f32, f32)],
        size: [u32; 2],
        text: Option<f32>,
    ) -> Result<(Vec<u8>, f64), StillError> {
        let Self { recording, runs, values, view } = *self;
        let hidden: Vec<bool> = values.layout.slabs.iter().map(|slab| slab.hidden).collect();
        let edges = if view.edges && recording.has_branches() { recording.edges.as_slice() } else { &[] };
        let frame = Frame {
            view,
            from: &values.from,
            to: values.to(),
            t: values.position.t,
            ranges,
            picture: values.picture.as_ref().filter(|_| view.camera.is_clear_of_picture()),
            network: Network { edges, hidden: &hidden, lit: None },
            size,
            every_cell: false,
        };
        let canvas = RenderTarget::new(gpu, size, Renderer::FORMAT);
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
        if let Some(text) = text {
            let scales = scales(view, &values.from, values.to(), values.position.t);
            let [from, to] = &values.cells;
            let relief = SceneValues {
                from: &from.layers,
                to: &to.layers,
                t: values.position.t,
                ranges,
                scales: &scales,
                diverging: is_diverging(view),
                height: view.height,
            };
            let slabs = SlabValues { relief, arrangements: &from.arrangements, moment: values.from.id() };
            let overlay = Overlay {
                recording,
                runs,
                view,
                layout: &values.layout,
                ranges,
                has_no_value: values.from.has_no_value() || values.to().has_no_value(),
                position: values.position,
                highlighted: None,
                missing: &values.missing,
                shared: false,
                over: view.over_epochs.then_some((values.over.len(), values.over.len())),
                slabs: Some(slabs),
            };
            paint(gpu, &overlay, &canvas, text);
        }
        Ok((canvas.read(gpu).ok_or(StillError::DeviceLost)?, frame_ms))
    }
}

/// Height of a picture whose text has one pixel per point.
const POINTS_HIGH: f32 = 720.0;

/// Paints the overlay over the scene on `canvas`; `scale` is in pixels per point.
fn paint(gpu: &Gpu, overlay: &Overlay<'_>, canvas: &RenderTarget, scale: f32) {
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
