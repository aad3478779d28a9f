//! Paints a frame that was laid out: the scenes into textures of their own, and the panels over them.
//!
//! The window's picture is kept from frame to frame ([`FrameCache`]). A software adapter paints only the
//! rectangles that changed, since it takes several times as long to paint all panels as to lay them out.
//! Other adapters paint everything.

mod damage;
mod frame_cache;
pub mod surface;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use egui::Rect;
use wgpu::TextureFormat;

use self::damage::{DamageRects, PixelRect, ShapeList};
use self::frame_cache::FrameCache;
use super::session::DrawnScene;
use crate::engine::blit::Blit;
use crate::engine::renderer::{Path, colour_pass};
use crate::engine::{DrawnNetwork, Field, Gpu, InputPicture, Renderer};
use crate::model::{Edge, Layout, Theme, ViewState};
use crate::scene::FrameOptions;

/// Paints frames.
pub struct Painter {
    /// The graphics device.
    pub gpu: Arc<Gpu>,
    adapter: String,
    started: Instant,
    /// Paint only the parts that changed.
    partial: bool,
    /// Format of the frame cache.
    format: TextureFormat,
    panels: egui_wgpu::Renderer,
    renderer: Renderer,
    blit: Blit,
    /// Copies the frame cache to a surface that encodes what is written to it.
    encode: Option<Blit>,
    cache: Option<FrameCache>,
    /// The pictures of the scenes, by the ids of their columns.
    scenes: HashMap<u64, SceneTexture>,
    /// Number of pictures of scenes that were drawn.
    drawings: u64,
    /// Nanoseconds that the latest picture of a scene took; 0 before the first.
    scene_time: Arc<AtomicU64>,
}

/// The picture of one column's scene.
struct SceneTexture {
    view: wgpu::TextureView,
    blit: wgpu::BindGroup,
    size: [u32; 2],
    /// Everything that the picture depends on; `None` before it was drawn.
    key: Option<SceneKey>,
}

/// Everything that a picture of a scene depends on.
#[derive(PartialEq)]
struct SceneKey {
    view: ViewState,
    from: SameObject<Field>,
    to: SameObject<Field>,
    t: f32,
    ranges: Vec<crate::model::ValueRange>,
    picture: Option<SameObject<InputPicture>>,
    edges: Vec<Edge>,
    layout: Layout,
    highlighted: Option<usize>,
    size: [u32; 2],
}

/// Equal if both are the same object.
struct SameObject<T>(Arc<T>);

impl<T> PartialEq for SameObject<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The parts of a frame that have to be painted.
pub struct PaintJobs {
    /// Glyphs and pictures to upload before, and to free after painting.
    pub textures: egui::TexturesDelta,
    /// Time that it took to prepare them.
    pub prepare_time: Duration,
    primitives: Vec<egui::ClippedPrimitive>,
    damage: DamageRects,
}

/// A frame of egui to be painted.
pub struct FrameShapes {
    /// The shapes, in points.
    pub shapes: Vec<egui::epaint::ClippedShape>,
    /// Changes of egui's textures.
    pub textures: egui::TexturesDelta,
    /// Pixels per point.
    pub pixels_per_point: f32,
    /// The theme, whose ground is behind everything.
    pub theme: Theme,
}

impl Painter {
    /// Creates a painter for surfaces of `format`.
    pub fn new(gpu: Gpu, format: TextureFormat) -> Self {
        let started = Instant::now();
        report_once(&gpu.device);
        let surface_format = format;
        // egui blends in gamma space.
        let format = surface_format.remove_srgb_suffix();
        let panels = egui_wgpu::Renderer::new(
            &gpu.device,
            format,
            egui_wgpu::RendererOptions { dithering: false, ..Default::default() },
        );
        let renderer = Renderer::new(&gpu);
        renderer.prepare_all(&gpu);
        Self {
            adapter: gpu.describe(),
            started,
            partial: gpu.is_software(),
            format,
            blit: Blit::new(&gpu.device, format),
            encode: (surface_format != format).then(|| Blit::new(&gpu.device, surface_format)),
            cache: None,
            gpu: Arc::new(gpu),
            panels,
            renderer,
            scenes: HashMap::new(),
            drawings: 0,
            scene_time: Arc::new(AtomicU64::new(0)),
        }
    }

    /// Description of the graphics adapter.
    pub fn adapter(&self) -> &str {
        &self.adapter
    }

    /// Milliseconds that the latest picture of a scene took on the device.
    pub fn scene_ms(&self) -> Option<f32> {
        let nanoseconds = self.scene_time.load(Ordering::Relaxed);
        (nanoseconds > 0).then_some(nanoseconds as f32 / 1e6)
    }

    /// Draws the scenes that changed, each given by the id of its column, its place in points and its
    /// content; returns the parts of a frame of `size` pixels that have to be painted.
    pub fn prepare(
        &mut self,
        ctx: &egui::Context,
        frame: FrameShapes,
        scenes: &[(u64, Rect, DrawnScene)],
        size: [u32; 2],
    ) -> PaintJobs {
        let FrameShapes { shapes, textures, pixels_per_point, theme } = frame;
        let began = Instant::now();
        let shapes = ShapeList::new(shapes);
        let listed = began.elapsed();
        let (scenes, drawn) = self.draw_scenes(scenes, pixels_per_point, size);
        let began = Instant::now();
        let appearance = (theme, pixels_per_point, size);
        let is_usable = self.cache.as_ref().is_some_and(|cache| cache.matches(appearance));
        let whole = !self.partial || !is_usable || self.replaces_textures(&textures);
        let mut cache = match self.cache.take() {
            Some(cache) if is_usable => cache,
            _ => FrameCache::new(&self.gpu, &self.blit, self.format, appearance),
        };
        let damage = if whole { cache.whole() } else { cache.changes(&shapes, &scenes, drawn) };
        cache.store(shapes, scenes);
        let primitives = cache.tessellate(ctx, &damage);
        self.cache = Some(cache);
        PaintJobs { textures, prepare_time: listed + began.elapsed(), primitives, damage }
    }

    /// Returns the jobs that paint all of the last frame again.
    pub fn prepare_whole(&self, ctx: &egui::Context) -> PaintJobs {
        let damage = self.cache.as_ref().map_or_else(DamageRects::default, FrameCache::whole);
        let primitives = self.cache.as_ref().map_or_else(Vec::new, |cache| cache.tessellate(ctx, &damage));
        PaintJobs {
            textures: egui::TexturesDelta::default(),
            prepare_time: Duration::ZERO,
            primitives,
            damage,
        }
    }

    /// Returns `true` if these changes of textures affect shapes that are painted already. New glyphs do not,
    /// since the others keep their places.
    fn replaces_textures(&self, textures: &egui::TexturesDelta) -> bool {
        textures.set.iter().any(|(id, deltas)| {
            let is_glyphs = *id == egui::TextureId::default();
            self.panels.texture(id).is_some() && deltas.iter().any(|delta| !is_glyphs || delta.is_whole())
        })
    }

    /// Draws the scenes that changed; returns the columns with pictures and their places, and the places of
    /// those that were drawn.
    fn draw_scenes(
        &mut self,
        scenes: &[(u64, Rect, DrawnScene)],
        pixels_per_point: f32,
        size: [u32; 2],
    ) -> (Vec<(u64, PixelRect)>, DamageRects) {
        self.scenes.retain(|id, _| scenes.iter().any(|(column, ..)| column == id));
        let (mut places, mut damage) = (Vec::with_capacity(scenes.len()), DamageRects::default());
        for (column, rect, scene) in scenes {
            let place = PixelRect::nearest(*rect, pixels_per_point, size);
            if place.size().contains(&0) {
                continue;
            }
            let drawings = self.drawings;
            self.draw_scene(*column, scene, place.size());
            places.push((*column, place));
            if self.drawings > drawings {
                damage.add(place);
            }
        }
        (places, damage)
    }

    /// Draws the scene of a column into a texture of `size` pixels, if it has changed.
    fn draw_scene(&mut self, column: u64, drawn: &DrawnScene, size: [u32; 2]) {
        let DrawnScene { scene, view, divisors, ranges, picture, edges, layout, highlighted } = drawn;
        let key = SceneKey {
            from: SameObject(Arc::clone(&scene.from.field)),
            to: SameObject(Arc::clone(&scene.to.field)),
            t: scene.position.t,
            ranges: ranges.to_vec(),
            picture: picture.map(|picture| SameObject(Arc::clone(picture))),
            edges: edges.to_vec(),
            layout: (*layout).clone(),
            highlighted: *highlighted,
            view: view.clone(),
            size,
        };
        if self.scenes.get(&column).is_none_or(|texture| texture.size != size) {
            self.scenes.insert(column, self.texture(size));
        }
        let Some(texture) = self.scenes.get_mut(&column) else { return };
        if texture.key.as_ref() == Some(&key) {
            return;
        }
        let frame = scene.frame(FrameOptions {
            view,
            ranges,
            divisors,
            picture: picture.map(|picture| &**picture),
            network: DrawnNetwork { edges, layout: Some(layout), highlighted: *highlighted },
            size,
        });
        let mut encoder = encoder(&self.gpu, "Painter::scene");
        self.renderer.draw(&self.gpu, &mut encoder, &texture.view, &frame, Path::Raycast);
        let (start, time) = (Instant::now(), Arc::clone(&self.scene_time));
        let first = (self.drawings == 0).then_some(self.started);
        // Submitted at once: the uniforms of a frame are overwritten for the next column.
        self.gpu.queue.submit([encoder.finish()]);
        self.gpu.queue.on_submitted_work_done(move || {
            time.store(start.elapsed().as_nanos().max(1) as u64, Ordering::Relaxed);
            if let Some(started) = first {
                log::info!("first picture {} ms after the adapter was up", started.elapsed().as_millis());
            }
        });
        texture.key = Some(key);
        self.drawings += 1;
    }

    /// The number of pictures of scenes that were drawn.
    pub fn drawings(&self) -> u64 {
        self.drawings
    }

    /// Creates a texture of `size` pixels for a scene.
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
        SceneTexture { view, blit, size, key: None }
    }

    /// Uploads the glyphs and pictures that the panels need.
    pub fn upload(&mut self, textures: &mut egui::TexturesDelta) {
        for (id, deltas) in textures.set.drain() {
            for delta in deltas {
                self.panels.update_texture(&self.gpu.device, &self.gpu.queue, id, &delta);
            }
        }
    }

    /// Frees the textures that the panels no longer need; to be called after painting.
    pub fn free(&mut self, textures: &mut egui::TexturesDelta) {
        for id in textures.free.drain() {
            self.panels.free_texture(&id);
        }
    }

    /// Paints the parts of a frame that changed into the frame cache.
    pub fn paint(&mut self, jobs: &PaintJobs) {
        let Some(cache) = &self.cache else { return };
        let screen = egui_wgpu::ScreenDescriptor {
            size_in_pixels: cache.size(),
            pixels_per_point: cache.pixels_per_point,
        };
        let mut encoder = encoder(&self.gpu, "Painter::panels");
        let before = self.panels.update_buffers(
            &self.gpu.device,
            &self.gpu.queue,
            &mut encoder,
            &jobs.primitives,
            &screen,
        );
        {
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("Painter::panels"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &cache.view,
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations { load: wgpu::LoadOp::Load, store: wgpu::StoreOp::Store },
                })],
                ..Default::default()
            });
            for rect in jobs.damage.iter() {
                let ([x, y], [width, height]) = (rect.min, rect.size());
                pass.set_scissor_rect(x, y, width, height);
                self.blit.draw(&mut pass, &cache.ground, rect.min, rect.size());
                for (column, place) in cache.scenes.iter().filter(|(_, place)| place.intersects(rect)) {
                    if let Some(scene) = self.scenes.get(column) {
                        self.blit.draw(&mut pass, &scene.blit, place.min, place.size());
                    }
                }
            }
            self.panels.render(&mut pass.forget_lifetime(), &jobs.primitives, &screen);
        }
        self.gpu.queue.submit(before.into_iter().chain([encoder.finish()]));
    }

    /// Copies the frame cache to `target`, which has the size of the frame and the format of the surface:
    /// draws it unless `target` is a copy destination.
    pub fn copy_to(&self, target: &wgpu::Texture) {
        let Some(cache) = &self.cache else { return };
        let size = target.size();
        let mut encoder = encoder(&self.gpu, "Painter::copy_to");
        if target.usage().contains(wgpu::TextureUsages::COPY_DST) {
            encoder.copy_texture_to_texture(cache.texture.as_image_copy(), target.as_image_copy(), size);
        } else {
            let view = target.create_view(&wgpu::TextureViewDescriptor::default());
            let blit = self.encode.as_ref().unwrap_or(&self.blit);
            let picture = blit.bind(&self.gpu.device, &cache.view);
            let mut pass = colour_pass(&mut encoder, &view, wgpu::Color::BLACK, None);
            blit.draw(&mut pass, &picture, [0, 0], [size.width, size.height]);
        }
        self.gpu.queue.submit([encoder.finish()]);
    }
}

fn encoder(gpu: &Gpu, label: &str) -> wgpu::CommandEncoder {
    gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(label) })
}

/// Logs the first error that the device reports outside of error scopes, and no others, since they mostly
/// follow from it in every frame.
fn report_once(device: &wgpu::Device) {
    let reported = AtomicBool::new(false);
    device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
        if !reported.swap(true, Ordering::Relaxed) {
            log::error!("graphics device: {error}");
        }
    }));
}
