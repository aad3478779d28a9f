//! Draws the content of a window: the scenes into textures, the panels over them onto whatever is there
//! to be painted on.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use wgpu::TextureFormat;

use super::columns::Area;
use super::content::Content;
use super::session::Session;
use crate::engine::blit::Blit;
use crate::engine::renderer::Path;
use crate::engine::{Field, Frame, Gpu, InputPicture, Network, Renderer};
use crate::model::{Edge, Theme, ViewState};
use crate::ui::style::Palette;

/// Everything that draws.
pub struct Painter {
    pub gpu: Arc<Gpu>,
    adapter: String,
    since: Instant,
    format: TextureFormat,
    panels: egui_wgpu::Renderer,
    renderer: Renderer,
    blit: Blit,
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
    drawn: Option<Drawn>,
}

/// What the scene's texture holds.
#[derive(PartialEq)]
struct Drawn {
    view: ViewState,
    from: ById<Field>,
    to: ById<Field>,
    t: f32,
    ranges: Vec<(f32, f32)>,
    picture: Option<ById<InputPicture>>,
    edges: Vec<Edge>,
    hidden: Vec<bool>,
    lit: Option<usize>,
    size: [u32; 2],
}

/// Equal when it is the same object.
struct ById<T>(Arc<T>);

impl<T> PartialEq for ById<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What egui wants to be painted.
pub struct Panels {
    pub primitives: Vec<egui::ClippedPrimitive>,
    pub textures: egui::TexturesDelta,
    pub pixels_per_point: f32,
    /// Behind them.
    theme: Theme,
    /// Numbers of the columns whose scenes have pictures, and the corners of these, in pixels.
    scenes: Vec<(u64, [u32; 2])>,
}

/// A frame laid out: what is to be painted and what the platform is told.
pub struct Laid {
    pub panels: Panels,
    pub platform: egui::PlatformOutput,
    pub viewport: Option<egui::ViewportOutput>,
}

impl Painter {
    /// Paints onto textures of `format`.
    pub fn new(gpu: Gpu, format: TextureFormat) -> Self {
        let since = Instant::now();
        report_once(&gpu.device);
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

    /// Lays out one frame: input → panels → scene, if it changed.
    /// `size` in pixels is what it is painted onto.
    pub fn lay_out(
        &mut self,
        ctx: &egui::Context,
        input: egui::RawInput,
        content: &mut Content,
        size: [u32; 2],
    ) -> Laid {
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
        let primitives = ctx.tessellate(std::mem::take(&mut output.shapes), pixels_per_point);
        self.panels_ms = Some(1e3 * began.elapsed().as_secs_f32());
        let pixel = |at: f32, limit| ((at * pixels_per_point).round().max(0.0) as u32).min(limit);
        self.scenes.retain(|id, _| areas.iter().any(|area| area.column == *id));
        let mut scenes = Vec::with_capacity(areas.len());
        let points = areas.iter().map(|area| f64::from(area.rect.area())).sum::<f64>();
        content.drawn().pixels = (points * f64::from(pixels_per_point).powi(2)) as u64;
        for Area { column, rect } in areas {
            let Some(session) = content.columns().by_id(column) else { continue };
            let [left, right] = [rect.left(), rect.right()].map(|x| pixel(x, size[0]));
            let [top, bottom] = [rect.top(), rect.bottom()].map(|y| pixel(y, size[1]));
            let fits = left < right && top < bottom;
            if fits && self.draw_scene(column, session, [right - left, bottom - top]) {
                scenes.push((column, [left, top]));
            }
        }
        let panels = Panels {
            primitives,
            textures: output.textures_delta,
            pixels_per_point,
            theme: content.theme(),
            scenes,
        };
        let viewport = output.viewport_output.remove(&egui::ViewportId::ROOT);
        Laid { panels, platform: output.platform_output, viewport }
    }

    /// Draws the scene of a column's `session`, where it changed, into a texture of `size`; says whether
    /// there is one.
    fn draw_scene(&mut self, column: u64, session: &Session, size: [u32; 2]) -> bool {
        let Some((shown, view, picture)) = session.scene() else { return false };
        let wanted = Drawn {
            from: ById(Arc::clone(&shown.from)),
            to: ById(Arc::clone(&shown.to)),
            t: shown.position.t,
            ranges: session.ranges().to_vec(),
            picture: picture.map(|picture| ById(Arc::clone(picture))),
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

    /// Paints the scene and the panels onto `target` of `size` pixels, for which they were laid out.
    pub fn paint(&mut self, panels: &Panels, target: &wgpu::TextureView, size: [u32; 2]) {
        let screen =
            egui_wgpu::ScreenDescriptor { size_in_pixels: size, pixels_per_point: panels.pixels_per_point };
        let behind = egui::Rgba::from(Palette::of(panels.theme).panel);
        let [r, g, b, a] = if self.format.is_srgb() {
            behind.to_array().map(f64::from)
        } else {
            Palette::of(panels.theme).panel.to_array().map(|channel| f64::from(channel) / 255.0)
        };
        let clear = wgpu::Color { r, g, b, a };
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
                    view: target,
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations { load: wgpu::LoadOp::Clear(clear), store: wgpu::StoreOp::Store },
                })],
                ..Default::default()
            });
            for (column, corner) in &panels.scenes {
                if let Some(scene) = self.scenes.get(column) {
                    self.blit.draw(&mut pass, &scene.blit, *corner, scene.size);
                }
            }
            self.panels.render(&mut pass.forget_lifetime(), &panels.primitives, &screen);
        }
        self.gpu.queue.submit(before.into_iter().chain([encoder.finish()]));
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
