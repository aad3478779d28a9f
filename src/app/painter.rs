//! Draws the content of a window: the scene into a texture, the panels over it onto whatever is there
//! to be painted on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use wgpu::TextureFormat;

use super::content::Content;
use super::session::Session;
use crate::engine::renderer::Path;
use crate::engine::{Field, Frame, Gpu, InputPicture, Renderer};
use crate::model::ViewState;

/// Everything that draws.
pub struct Painter {
    pub gpu: Arc<Gpu>,
    adapter: String,
    since: Instant,
    panels: egui_wgpu::Renderer,
    renderer: Renderer,
    scene: Option<SceneTexture>,
    drawn: Option<Drawn>,
    /// Nanoseconds that the last picture of the scene took; 0 when none was drawn yet.
    scene_time: Arc<AtomicU64>,
}

struct SceneTexture {
    view: wgpu::TextureView,
    id: egui::TextureId,
    size: [u32; 2],
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
}

/// A frame laid out: what is to be painted and what the platform is told.
pub struct Laid {
    pub panels: Panels,
    pub platform: egui::PlatformOutput,
    pub viewport: Option<egui::ViewportOutput>,
    /// Another frame has to follow at once.
    pub again: bool,
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
        Self {
            adapter: gpu.describe(),
            since,
            gpu: Arc::new(gpu),
            panels,
            renderer,
            scene: None,
            drawn: None,
            scene_time: Arc::new(AtomicU64::new(0)),
        }
    }

    /// How long the last picture of the scene took, in milliseconds.
    fn scene_ms(&self) -> Option<f32> {
        let nanoseconds = self.scene_time.load(Ordering::Relaxed);
        (nanoseconds > 0).then_some(nanoseconds as f32 / 1e6)
    }

    /// The texture that the scene is drawn into, for panels to show.
    fn scene(&self) -> Option<egui::TextureId> {
        self.scene.as_ref().map(|scene| scene.id)
    }

    /// Lays out one frame: input → panels → scene, if it changed.
    pub fn lay_out(&mut self, ctx: &egui::Context, input: egui::RawInput, content: &mut Content) -> Laid {
        let (texture, ms) = (self.scene(), self.scene_ms());
        let mut area = None;
        let mut output = ctx.run_ui(input, |ui| area = content.show(ui, texture, &self.adapter, ms));
        let pixels_per_point = output.pixels_per_point;
        let mut again = false;
        if let (Some(session), Some(area)) = (content.session(), area) {
            let size = area.size() * pixels_per_point;
            again = self.draw_scene(session, [size.x.round() as u32, size.y.round() as u32]);
        }
        let panels = Panels {
            primitives: ctx.tessellate(output.shapes, pixels_per_point),
            textures: output.textures_delta,
            pixels_per_point,
        };
        let viewport = output.viewport_output.remove(&egui::ViewportId::ROOT);
        Laid { panels, platform: output.platform_output, viewport, again }
    }

    /// Draws the scene of `session`, where it changed, into a texture of `size`; says whether the
    /// texture is a new one that panels have not seen.
    fn draw_scene(&mut self, session: &Session, size: [u32; 2]) -> bool {
        let limit = self.gpu.device.limits().max_texture_dimension_2d;
        let size = size.map(|edge| edge.clamp(1, limit));
        let Some((shown, view, picture)) = session.scene() else { return false };
        let wanted = Drawn {
            from: ById(Arc::clone(&shown.from)),
            to: ById(Arc::clone(&shown.to)),
            t: shown.position.t,
            ranges: session.ranges(),
            picture: picture.map(|picture| ById(Arc::clone(picture))),
            view,
            size,
        };
        if self.drawn.as_ref() == Some(&wanted) {
            return false;
        }
        let is_new = self.ensure_texture(size);
        let Some(scene) = &self.scene else { return false };
        let frame = Frame {
            view: &wanted.view,
            from: &wanted.from.0,
            to: &wanted.to.0,
            t: wanted.t,
            ranges: &wanted.ranges,
            picture: wanted.picture.as_ref().map(|picture| &*picture.0),
            size,
            every_cell: false,
        };
        let mut encoder = self.encoder("Painter::scene");
        self.renderer.draw(&self.gpu, &mut encoder, &scene.view, &frame, Path::Raycast);
        let (start, time) = (Instant::now(), Arc::clone(&self.scene_time));
        let first = self.drawn.is_none().then_some(self.since);
        self.gpu.queue.submit([encoder.finish()]);
        self.gpu.queue.on_submitted_work_done(move || {
            time.store(start.elapsed().as_nanos().max(1) as u64, Ordering::Relaxed);
            if let Some(since) = first {
                log::info!("first picture {} ms after the adapter was up", since.elapsed().as_millis());
            }
        });
        self.drawn = Some(wanted);
        is_new
    }

    fn ensure_texture(&mut self, size: [u32; 2]) -> bool {
        if self.scene.as_ref().is_some_and(|scene| scene.size == size) {
            return false;
        }
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
        let (device, filter) = (&self.gpu.device, wgpu::FilterMode::Nearest);
        let (id, is_new) = match &self.scene {
            Some(scene) => {
                self.panels.update_egui_texture_from_wgpu_texture(device, &view, filter, scene.id);
                (scene.id, false)
            }
            None => (self.panels.register_native_texture(device, &view, filter), true),
        };
        self.scene = Some(SceneTexture { view, id, size });
        is_new
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

    /// Paints the panels, and in them the scene, onto `target` of `size` pixels.
    pub fn paint(&mut self, panels: &Panels, target: &wgpu::TextureView, size: [u32; 2]) {
        let screen = egui_wgpu::ScreenDescriptor {
            size_in_pixels: size,
            pixels_per_point: panels.pixels_per_point,
        };
        let mut encoder = self.encoder("Painter::panels");
        let before = self.panels.update_buffers(
            &self.gpu.device,
            &self.gpu.queue,
            &mut encoder,
            &panels.primitives,
            &screen,
        );
        {
            let pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("Painter::panels"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: target,
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations {
                        load: wgpu::LoadOp::Clear(wgpu::Color::BLACK),
                        store: wgpu::StoreOp::Store,
                    },
                })],
                ..Default::default()
            });
            self.panels.render(&mut pass.forget_lifetime(), &panels.primitives, &screen);
        }
        self.gpu.queue.submit(before.into_iter().chain([encoder.finish()]));
    }

    fn encoder(&self, label: &str) -> wgpu::CommandEncoder {
        self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(label) })
    }
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
