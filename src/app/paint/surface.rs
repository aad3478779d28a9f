//! The window's surface: where its content is painted and shown.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use wgpu::{CurrentSurfaceTexture, TextureFormat};
use winit::window::Window;

use super::{PaintJobs, Painter};
use crate::engine::Gpu;

/// The window's surface and what draws onto it.
pub struct WindowSurface {
    pub painter: Painter,
    window: Arc<Window>,
    surface: wgpu::Surface<'static>,
    config: wgpu::SurfaceConfiguration,
}

impl WindowSurface {
    pub fn new(window: Arc<Window>, display: winit::event_loop::OwnedDisplayHandle) -> Result<Self> {
        let (gpu, surface) = Gpu::for_window(Box::new(display), Arc::clone(&window))?;
        let size = window.inner_size();
        let mut config = surface
            .get_default_config(&gpu.adapter, size.width.max(1), size.height.max(1))
            .context("the graphics driver cannot draw into this window")?;
        let can = surface.get_capabilities(&gpu.adapter);
        // egui blends in gamma space: a plain format where there is one.
        config.format = [TextureFormat::Bgra8Unorm, TextureFormat::Rgba8Unorm]
            .into_iter()
            .find(|format| can.formats.contains(format))
            .unwrap_or(config.format);
        // Quicker than drawing where a processor plays the device.
        config.usage |= can.usages & wgpu::TextureUsages::COPY_DST;
        config.present_mode = wgpu::PresentMode::AutoVsync;
        surface.configure(&gpu.device, &config);
        let painter = Painter::new(gpu, config.format);
        Ok(Self { painter, window, surface, config })
    }

    /// Longest edge of a texture.
    pub fn max_texture_side(&self) -> usize {
        self.painter.gpu.device.limits().max_texture_dimension_2d as usize
    }

    /// In pixels.
    pub fn size(&self) -> [u32; 2] {
        [self.config.width, self.config.height]
    }

    /// Follows the window's size.
    pub fn resize(&mut self, width: u32, height: u32) {
        if width > 0 && height > 0 && (width, height) != (self.config.width, self.config.height) {
            (self.config.width, self.config.height) = (width, height);
            self.surface.configure(&self.painter.gpu.device, &self.config);
        }
    }

    /// Paints the panels (and in them the scene) and shows the picture. Says whether it was shown;
    /// if not, it has to be shown anew.
    pub fn present(&mut self, mut panels: PaintJobs) -> bool {
        self.painter.upload(&mut panels.textures);
        self.painter.paint(&panels);
        self.painter.free(&mut panels.textures);
        self.show()
    }

    fn show(&mut self) -> bool {
        let (surface_texture, suboptimal) = match self.surface.get_current_texture() {
            CurrentSurfaceTexture::Success(texture) => (texture, false),
            CurrentSurfaceTexture::Suboptimal(texture) => (texture, true),
            CurrentSurfaceTexture::Timeout => return false,
            // Nobody sees it; the window asks again when somebody does.
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
        self.painter.show(&surface_texture.texture);
        self.window.pre_present_notify();
        self.painter.gpu.queue.present(surface_texture);
        if suboptimal {
            self.surface.configure(&self.painter.gpu.device, &self.config);
        }
        true
    }
}
