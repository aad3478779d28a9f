//! The surface of the window, on which its picture is presented.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use wgpu::{CurrentSurfaceTexture, TextureFormat};
use winit::window::Window;

use super::{PaintJobs, Painter};
use crate::engine::Gpu;

/// The surface of the window, and the painter of its picture.
pub struct WindowSurface {
    /// The painter.
    pub painter: Painter,
    window: Arc<Window>,
    surface: wgpu::Surface<'static>,
    config: wgpu::SurfaceConfiguration,
}

impl WindowSurface {
    /// Creates the surface of a window, and a painter on a device that can present on it.
    ///
    /// # Errors
    /// If no graphics driver can draw into the window.
    pub fn new(window: Arc<Window>, display: winit::event_loop::OwnedDisplayHandle) -> Result<Self> {
        let (gpu, surface) = Gpu::for_window(Box::new(display), Arc::clone(&window))?;
        let size = window.inner_size();
        let mut config = surface
            .get_default_config(&gpu.adapter, size.width.max(1), size.height.max(1))
            .context("the graphics driver cannot draw into this window")?;
        let capabilities = surface.get_capabilities(&gpu.adapter);
        // egui blends in gamma space: prefer a format that does not encode.
        config.format = [TextureFormat::Bgra8Unorm, TextureFormat::Rgba8Unorm]
            .into_iter()
            .find(|format| capabilities.formats.contains(format))
            .unwrap_or(config.format);
        // Copying is faster than drawing on a software adapter.
        config.usage |= capabilities.usages & wgpu::TextureUsages::COPY_DST;
        config.present_mode = wgpu::PresentMode::AutoVsync;
        surface.configure(&gpu.device, &config);
        let painter = Painter::new(gpu, config.format);
        Ok(Self { painter, window, surface, config })
    }

    /// Greatest width and height of a texture, in pixels.
    pub fn max_texture_side(&self) -> usize {
        self.painter.gpu.device.limits().max_texture_dimension_2d as usize
    }

    /// Width and height in pixels.
    pub fn size(&self) -> [u32; 2] {
        [self.config.width, self.config.height]
    }

    /// Adopts the size of the window, in pixels.
    pub fn resize(&mut self, width: u32, height: u32) {
        if width > 0 && height > 0 && (width, height) != (self.config.width, self.config.height) {
            (self.config.width, self.config.height) = (width, height);
            self.surface.configure(&self.painter.gpu.device, &self.config);
        }
    }

    /// Paints the panels and scenes and presents the picture; returns `false` if it has to be presented
    /// again.
    pub fn present(&mut self, mut jobs: PaintJobs) -> bool {
        self.painter.upload(&mut jobs.textures);
        self.painter.paint(&jobs);
        self.painter.free(&mut jobs.textures);
        self.present_picture()
    }

    /// Presents the picture; returns `false` if it has to be presented again.
    fn present_picture(&mut self) -> bool {
        let (surface_texture, suboptimal) = match self.surface.get_current_texture() {
            CurrentSurfaceTexture::Success(texture) => (texture, false),
            CurrentSurfaceTexture::Suboptimal(texture) => (texture, true),
            CurrentSurfaceTexture::Timeout => return false,
            // The window is not visible; it is redrawn when it becomes visible.
            CurrentSurfaceTexture::Occluded | CurrentSurfaceTexture::Validation => return true,
            CurrentSurfaceTexture::Outdated => {
                self.surface.configure(&self.painter.gpu.device, &self.config);
                return false;
            }
            CurrentSurfaceTexture::Lost => {
                match self.painter.gpu.instance.create_surface(Arc::clone(&self.window)) {
                    Ok(surface) => {
                        self.surface = surface;
                        self.surface.configure(&self.painter.gpu.device, &self.config);
                        return false;
                    }
                    Err(error) => {
                        log::error!("the window's surface is lost: {error}");
                        return true;
                    }
                }
            }
        };
        self.painter.copy_to(&surface_texture.texture);
        self.window.pre_present_notify();
        self.painter.gpu.queue.present(surface_texture);
        if suboptimal {
            self.surface.configure(&self.painter.gpu.device, &self.config);
        }
        true
    }
}
