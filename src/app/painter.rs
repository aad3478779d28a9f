//! Draws the content of a window: the scenes into textures, the panels over them onto a picture that stays,
//! of which each frame paints what it changes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use wgpu::TextureFormat;

use super::columns::SceneArea;
use super::damage::{DamageRects, PixelRect, ShapeList};
use super::frame_cache::FrameCache;
use super::session::Session;
use super::state::AppState;
use crate::engine::blit::Blit;
use crate::engine::renderer::{Path, colour_pass};
use crate::engine::{Field, Frame, Gpu, InputPicture, Network, Renderer};
use crate::model::{Edge, ViewState};

/// Everything that draws.
pub struct Painter {
    pub gpu: Arc<Gpu>,
    adapter: String,
    since: Instant,
    /// What is painted on.
    format: TextureFormat,
    panels: egui_wgpu::Renderer,
    renderer: Renderer,
    blit: Blit,
    /// To where it is shown, where that encodes what is written to it, unlike what is painted on.
    encode: Option<Blit>,
    shown: Option<FrameCache>,
    /// By the numbers of columns.
    scenes: HashMap<u64, SceneTexture>,
    /// How many pictures of scenes were drawn so far.
    drawings: u64,
    /// Nanoseconds that the last picture of the scene took; 0 when none was drawn yet.
    scene_time: Arc<AtomicU64>,
    /// Milliseconds that the panels took to be laid out last.
    panels_ms: Option<f32>,
}

/// The picture of one column's scene.
struct SceneTexture {
    view: wgpu::TextureView,
    blit: wgpu::BindGroup,
    size: [u32; 2],
    /// What it shows; `None` while that is nothing.
    drawn: Option<SceneKey>,
}

/// What the scene's texture holds.
#[derive(PartialEq)]
struct SceneKey {
    view: ViewState,
    from: SameObject<Field>,
    to: SameObject<Field>,
    t: f32,
    ranges: Vec<(f32, f32)>,
    picture: Option<SameObject<InputPicture>>,
    edges: Vec<Edge>,
    hidden: Vec<bool>,
    lit: Option<usize>,
    size: [u32; 2],
}

/// Equal when it is the same object.
struct SameObject<T>(Arc<T>);

impl<T> PartialEq for SameObject<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What of a frame has to be painted.
pub struct PaintJobs {
    pub textures: egui::TexturesDelta,
    primitives: Vec<egui::ClippedPrimitive>,
    parts: DamageRects,
}

/// A frame laid out: what is to be painted and what the platform is told.
pub struct FrameOutput {
    pub panels: PaintJobs,
    pub platform: egui::PlatformOutput,
    pub viewport: Option<egui::ViewportOutput>,
}

impl Painter {
    /// Shows on textures of `format`.
    pub fn new(gpu: Gpu, format: TextureFormat) -> Self {
        let since = Instant::now();
        report_once(&gpu.device);
        let shown = format;
        // egui blends in gamma space.
        let format = shown.remove_srgb_suffix();
        let panels = egui_wgpu::Renderer::new(
            &gpu.device,
            format,
            egui_wgpu::RendererOptions { dithering: false, ..Default::default() },
        );
        let renderer = Renderer::new(&gpu);
        renderer.prepare_all(&gpu);
        Self {
            adapter: gpu.describe(),
            since,
            format,
            blit: Blit::new(&gpu.device, format),
            encode: (shown != format).then(|| Blit::new(&gpu.device, shown)),
            shown: None,
            gpu: Arc::new(gpu),
            panels,
            renderer,
            scenes: HashMap::new(),
            drawings: 0,
            scene_time: Arc::new(AtomicU64::new(0)),
            panels_ms: None,
        }
    }

    /// How long the last picture of the scene took, in milliseconds.
    fn scene_ms(&self) -> Option<f32> {
        let nanoseconds = self.scene_time.load(Ordering::Relaxed);
        (nanoseconds > 0).then_some(nanoseconds as f32 / 1e6)
    }

    /// Lays out one frame: input → panels → scenes, where they changed → what has to be painted.
    /// `size` in pixels is what it is painted onto.
    pub fn lay_out(
        &mut self,
        ctx: &egui::Context,
        input: egui::RawInput,
        content: &mut AppState,
        size: [u32; 2],
    ) -> FrameOutput {
        let began = Instant::now();
        let drawn = content.drawn();
        drawn.frame_ms = self.scene_ms();
        drawn.panels_ms = self.panels_ms;
        if drawn.adapter.is_empty() {
            drawn.adapter.clone_from(&self.adapter);
        }
        let mut areas = Vec::new();
        let mut output = ctx.run_ui(input, |ui| areas = content.show(ui));
        let pixels_per_point = output.pixels_per_point;
        let shapes = ShapeList::new(std::mem::take(&mut output.shapes));
        let laid_out = began.elapsed();
        let points = areas.iter().map(|area| f64::from(area.rect.area())).sum::<f64>();
        content.drawn().pixels = (points * f64::from(pixels_per_point).powi(2)) as u64;
        let (scenes, drawn) = self.draw_scenes(content, &areas, pixels_per_point, size);
        let began = Instant::now();
        let looks = (content.theme(), pixels_per_point, size);
        let stays = self.shown.as_ref().is_some_and(|shown| shown.is_of(looks));
        let whole = !stays || self.replaces(&output.textures_delta);
        let mut shown = match self.shown.take() {
            Some(shown) if stays => shown,
            _ => FrameCache::new(&self.gpu, &self.blit, self.format, looks),
        };
        let parts = if whole { shown.whole() } else { shown.changes(&shapes, &scenes, drawn) };
        shown.take(shapes, scenes);
        let primitives = shown.tessellated(ctx, &parts);
        self.shown = Some(shown);
        self.panels_ms = Some(1e3 * (laid_out + began.elapsed()).as_secs_f32());
        let panels = PaintJobs { textures: output.textures_delta, primitives, parts };
        let viewport = output.viewport_output.remove(&egui::ViewportId::ROOT);
        FrameOutput { panels, platform: output.platform_output, viewport }
    }

    /// What it takes to paint all of the last frame once more.
    pub fn anew(&self, ctx: &egui::Context) -> PaintJobs {
        let parts = self.shown.as_ref().map_or_else(DamageRects::default, FrameCache::whole);
        let primitives = self.shown.as_ref().map_or_else(Vec::new, |shown| shown.tessellated(ctx, &parts));
        PaintJobs { textures: egui::TexturesDelta::default(), primitives, parts }
    }

    /// Whether what was painted before looks different with these textures. New glyphs leave the others
    /// where they are.
    fn replaces(&self, textures: &egui::TexturesDelta) -> bool {
        textures.set.iter().any(|(id, deltas)| {
            let glyphs = *id == egui::TextureId::default();
            self.panels.texture(id).is_some() && deltas.iter().any(|delta| !glyphs || delta.is_whole())
        })
    }

    /// Draws what changed in the scenes of the columns in these `areas`; returns which have pictures, and
    /// where, and the places of those that were drawn.
    fn draw_scenes(
        &mut self,
        content: &AppState,
        areas: &[SceneArea],
        pixels_per_point: f32,
        size: [u32; 2],
    ) -> (Vec<(u64, PixelRect)>, DamageRects) {
        self.scenes.retain(|id, _| areas.iter().any(|area| area.column == *id));
        let (mut scenes, mut parts) = (Vec::with_capacity(areas.len()), DamageRects::default());
        for SceneArea { column, rect } in areas {
            let Some(session) = content.columns().by_id(*column) else { continue };
            let place = PixelRect::nearest(*rect, pixels_per_point, size);
            let drawings = self.drawings;
            if !place.size().contains(&0) && self.draw_scene(*column, session, place.size()) {
                scenes.push((*column, place));
                if self.drawings > drawings {
                    parts.add(place);
                }
            }
        }
        (scenes, parts)
    }

    /// Draws the scene of a column's `session`, where it changed, into a texture of `size`; says whether
    /// there is one.
    fn draw_scene(&mut self, column: u64, session: &Session, size: [u32; 2]) -> bool {
        let Some((shown, view, picture)) = session.scene() else { return false };
        let wanted = SceneKey {
            from: SameObject(Arc::clone(&shown.from)),
            to: SameObject(Arc::clone(&shown.to)),
            t: shown.position.t,
            ranges: session.ranges().to_vec(),
            picture: picture.map(|picture| SameObject(Arc::clone(picture))),
            edges: session.edges(),
            hidden: session.hidden(),
            lit: session.lit(),
            view,
            size,
        };
        if self.scenes.get(&column).is_none_or(|scene| scene.size != size) {
            self.scenes.insert(column, self.texture(size));
        }
        let Some(scene) = self.scenes.get_mut(&column) else { return false };
        if scene.drawn.as_ref() == Some(&wanted) {
            return true;
        }
        let frame = Frame {
            view: &wanted.view,
            from: &wanted.from.0,
            to: &wanted.to.0,
            t: wanted.t,
            ranges: &wanted.ranges,
            picture: wanted.picture.as_ref().map(|picture| &*picture.0),
            network: Network { edges: &wanted.edges, hidden: &wanted.hidden, lit: wanted.lit },
            size,
            every_cell: false,
        };
        let mut encoder = encoder(&self.gpu, "Painter::scene");
        self.renderer.draw(&self.gpu, &mut encoder, &scene.view, &frame, Path::Raycast);
        let (start, time) = (Instant::now(), Arc::clone(&self.scene_time));
        let first = (self.drawings == 0).then_some(self.since);
        // At once: what the frames are told by is written anew for the next column.
        self.gpu.queue.submit([encoder.finish()]);
        self.gpu.queue.on_submitted_work_done(move || {
            time.store(start.elapsed().as_nanos().max(1) as u64, Ordering::Relaxed);
            if let Some(since) = first {
                log::info!("first picture {} ms after the adapter was up", since.elapsed().as_millis());
            }
        });
        scene.drawn = Some(wanted);
        self.drawings += 1;
        true
    }

    /// How many pictures of scenes were drawn so far.
    pub fn drawings(&self) -> u64 {
        self.drawings
    }

    fn texture(&self, size: [u32; 2]) -> SceneTexture {
        let texture = self.gpu.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("Painter::scene"),
            size: wgpu::Extent3d { width: size[0], height: size[1], depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: Renderer::FORMAT,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::TEXTURE_BINDING,
            view_formats: &[],
        });
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        let blit = self.blit.bind(&self.gpu.device, &view);
        SceneTexture { view, blit, size, drawn: None }
    }

    /// Brings the glyphs and pictures that the panels need to the device.
    pub fn upload(&mut self, textures: &mut egui::TexturesDelta) {
        for (id, deltas) in textures.set.drain() {
            for delta in deltas {
                self.panels.update_texture(&self.gpu.device, &self.gpu.queue, id, &delta);
            }
        }
    }

    /// Frees what the panels need no more. After they are painted.
    pub fn free(&mut self, textures: &mut egui::TexturesDelta) {
        for id in textures.free.drain() {
            self.panels.free_texture(&id);
        }
    }

    /// Paints what a frame changes.
    pub fn paint(&mut self, panels: &PaintJobs) {
        let Some(shown) = &self.shown else { return };
        let screen = egui_wgpu::ScreenDescriptor {
            size_in_pixels: shown.size(),
            pixels_per_point: shown.pixels_per_point,
        };
        let mut encoder = encoder(&self.gpu, "Painter::panels");
        let before = self.panels.update_buffers(
            &self.gpu.device,
            &self.gpu.queue,
            &mut encoder,
            &panels.primitives,
            &screen,
        );
        {
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("Painter::panels"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &shown.view,
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations { load: wgpu::LoadOp::Load, store: wgpu::StoreOp::Store },
                })],
                ..Default::default()
            });
            for part in panels.parts.iter() {
                let ([x, y], [width, height]) = (part.min, part.size());
                pass.set_scissor_rect(x, y, width, height);
                self.blit.draw(&mut pass, &shown.ground, part.min, part.size());
                for (column, place) in shown.scenes.iter().filter(|(_, place)| place.meets(part)) {
                    if let Some(scene) = self.scenes.get(column) {
                        self.blit.draw(&mut pass, &scene.blit, place.min, place.size());
                    }
                }
            }
            self.panels.render(&mut pass.forget_lifetime(), &panels.primitives, &screen);
        }
        self.gpu.queue.submit(before.into_iter().chain([encoder.finish()]));
    }

    /// Shows what was painted on `target`, which is of the size that was painted and of the format that is
    /// shown on. Copies it where `target` can be copied to.
    pub fn show(&self, target: &wgpu::Texture) {
        let Some(shown) = &self.shown else { return };
        let size = target.size();
        let mut encoder = encoder(&self.gpu, "Painter::show");
        if target.usage().contains(wgpu::TextureUsages::COPY_DST) {
            encoder.copy_texture_to_texture(shown.texture.as_image_copy(), target.as_image_copy(), size);
        } else {
            let view = target.create_view(&wgpu::TextureViewDescriptor::default());
            let blit = self.encode.as_ref().unwrap_or(&self.blit);
            let picture = blit.bind(&self.gpu.device, &shown.view);
            let mut pass = colour_pass(&mut encoder, &view, wgpu::Color::BLACK, None);
            blit.draw(&mut pass, &picture, [0, 0], [size.width, size.height]);
        }
        self.gpu.queue.submit([encoder.finish()]);
    }
}

fn encoder(gpu: &Gpu, label: &str) -> wgpu::CommandEncoder {
    gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(label) })
}

/// Logs the first error that the device reports on its own, and then no more: the others follow
/// from it, frame after frame.
fn report_once(device: &wgpu::Device) {
    let reported = AtomicBool::new(false);
    device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
        if !reported.swap(true, Ordering::Relaxed) {
            log::error!("graphics device: {error}");
        }
    }));
}
