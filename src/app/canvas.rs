//! Where things are drawn: the window's surface, the scene's texture, the panels over it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result};
use wgpu::{CurrentSurfaceTexture, TextureFormat};
use winit::window::Window;

use super::session::Session;
use crate::engine::renderer::Path;
use crate::engine::{Field, Frame, Gpu, InputPicture, Renderer};
use crate::model::ViewState;

/// The window's surface and everything that draws onto it.
pub struct Canvas {
    pub gpu: Arc<Gpu>,
    adapter: String,
    adapter_up: Instant,
    window: Arc<Window>,
    surface: wgpu::Surface<'static>,
    config: wgpu::SurfaceConfiguration,
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

impl Canvas {
    pub fn new(window: Arc<Window>, display: winit::event_loop::OwnedDisplayHandle) -> Result<Self> {
        let (gpu, surface) = Gpu::for_window(Box::new(display), Arc::clone(&window))?;
        let adapter_up = Instant::now();
        report_once(&gpu.device);
        let size = window.inner_size();
        let mut config = surface
            .get_default_config(&gpu.adapter, size.width.max(1), size.height.max(1))
            .context("the graphics driver cannot draw into this window")?;
        let formats = surface.get_capabilities(&gpu.adapter).formats;
        // egui blends in gamma space: a plain format where there is one.
        config.format = [TextureFormat::Bgra8Unorm, TextureFormat::Rgba8Unorm]
            .into_iter()
            .find(|format| formats.contains(format))
            .unwrap_or(config.format);
        config.present_mode = wgpu::PresentMode::AutoVsync;
        surface.configure(&gpu.device, &config);
        let panels = egui_wgpu::Renderer::new(
            &gpu.device,
            config.format,
            egui_wgpu::RendererOptions { dithering: false, ..Default::default() },
        );
        let renderer = Renderer::new(&gpu);
        Ok(Self {
            adapter: gpu.describe(),
            adapter_up,
            gpu: Arc::new(gpu),
            window,
            surface,
            config,
            panels,
            renderer,
            scene: None,
            drawn: None,
            scene_time: Arc::new(AtomicU64::new(0)),
        })
    }

    /// The adapter, for people.
    pub fn adapter(&self) -> &str {
        &self.adapter
    }

    /// Longest edge of a texture.
    pub fn max_texture_side(&self) -> usize {
        self.gpu.device.limits().max_texture_dimension_2d as usize
    }

    /// How long the last picture of the scene took, in milliseconds.
    pub fn scene_ms(&self) -> Option<f32> {
        let nanoseconds = self.scene_time.load(Ordering::Relaxed);
        (nanoseconds > 0).then_some(nanoseconds as f32 / 1e6)
    }

    /// The texture that the scene is drawn into, for panels to show.
    pub fn scene(&self) -> Option<egui::TextureId> {
        self.scene.as_ref().map(|scene| scene.id)
    }

    /// Follows the window's size.
    pub fn resize(&mut self, width: u32, height: u32) {
        if width > 0 && height > 0 && (width, height) != (self.config.width, self.config.height) {
            (self.config.width, self.config.height) = (width, height);
            self.surface.configure(&self.gpu.device, &self.config);
        }
    }

    /// Draws the scene of `session`, where it changed, into a texture of `size`; says whether the
    /// texture is a new one that panels have not seen.
    pub fn draw_scene(&mut self, session: &Session, size: [u32; 2]) -> bool {
        let limit = self.max_texture_side() as u32;
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
        let mut encoder = self.encoder("Canvas::scene");
        self.renderer.draw(&self.gpu, &mut encoder, &scene.view, &frame, Path::Raycast);
        let (start, time) = (Instant::now(), Arc::clone(&self.scene_time));
        let first = self.drawn.is_none().then_some(self.adapter_up);
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
            label: Some("Canvas::scene"),
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

    /// Paints the panels (and in them the scene) and shows the picture. Says whether it was shown;
    /// if not, it has to be painted anew.
    pub fn present(&mut self, mut panels: Panels) -> bool {
        for (id, deltas) in panels.textures.set.drain() {
            for delta in deltas {
                self.panels.update_texture(&self.gpu.device, &self.gpu.queue, id, &delta);
            }
        }
        let shown = self.paint(&panels);
        for id in panels.textures.free.drain() {
            self.panels.free_texture(&id);
        }
        shown
    }

    fn paint(&mut self, panels: &Panels) -> bool {
        let (surface_texture, suboptimal) = match self.surface.get_current_texture() {
            CurrentSurfaceTexture::Success(texture) => (texture, false),
            CurrentSurfaceTexture::Suboptimal(texture) => (texture, true),
            CurrentSurfaceTexture::Timeout => return false,
            // Nobody sees it; the window asks again when somebody does.
            CurrentSurfaceTexture::Occluded | CurrentSurfaceTexture::Validation => return true,
            CurrentSurfaceTexture::Outdated => {
                self.surface.configure(&self.gpu.device, &self.config);
                return false;
            }
            CurrentSurfaceTexture::Lost => match self.gpu.instance.create_surface(Arc::clone(&self.window)) {
                Ok(surface) => {
                    self.surface = surface;
                    self.surface.configure(&self.gpu.device, &self.config);
                    return false;
                }
                Err(error) => {
                    log::error!("the window's surface is lost: {error}");
                    return true;
                }
            },
        };
        let target = surface_texture.texture.create_view(&wgpu::TextureViewDescriptor::default());
        let screen = egui_wgpu::ScreenDescriptor {
            size_in_pixels: [self.config.width, self.config.height],
            pixels_per_point: panels.pixels_per_point,
        };
        let mut encoder = self.encoder("Canvas::panels");
        let before = self.panels.update_buffers(
            &self.gpu.device,
            &self.gpu.queue,
            &mut encoder,
            &panels.primitives,
            &screen,
        );
        {
            let pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("Canvas::panels"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &target,
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
        self.window.pre_present_notify();
        self.gpu.queue.present(surface_texture);
        if suboptimal {
            self.surface.configure(&self.gpu.device, &self.config);
        }
        true
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
