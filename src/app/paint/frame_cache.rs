//! What a window shows: a picture that stays, and what it was painted from.

use super::damage::{DamageRects, PixelRect, ShapeList};
use crate::engine::blit::Blit;
use crate::engine::{Gpu, Renderer};
use crate::model::Theme;
use crate::ui::style::Palette;

/// The picture, and what is in it.
pub struct FrameCache {
    pub texture: wgpu::Texture,
    pub view: wgpu::TextureView,
    /// One pixel of what is behind everything.
    pub ground: wgpu::BindGroup,
    pub pixels_per_point: f32,
    /// Numbers of the columns whose scenes it shows, and their places.
    pub scenes: Vec<(u64, PixelRect)>,
    theme: Theme,
    shapes: ShapeList,
}

impl FrameCache {
    /// A picture of nothing yet; `blit` is what it will be painted by.
    pub fn new(
        gpu: &Gpu,
        blit: &Blit,
        format: wgpu::TextureFormat,
        (theme, pixels_per_point, size): (Theme, f32, [u32; 2]),
    ) -> Self {
        let texture = |label, size: [u32; 2], format, usage| {
            gpu.device.create_texture(&wgpu::TextureDescriptor {
                label: Some(label),
                size: wgpu::Extent3d { width: size[0], height: size[1], depth_or_array_layers: 1 },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format,
                usage: usage | wgpu::TextureUsages::TEXTURE_BINDING,
                view_formats: &[],
            })
        };
        let painted = wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC;
        let picture = texture("FrameCache::texture", size, format, painted);
        let ground = texture("FrameCache::ground", [1, 1], Renderer::FORMAT, wgpu::TextureUsages::COPY_DST);
        gpu.queue.write_texture(
            ground.as_image_copy(),
            &Palette::of(theme).panel.to_array(),
            wgpu::TexelCopyBufferLayout::default(),
            ground.size(),
        );
        let view = |texture: &wgpu::Texture| texture.create_view(&wgpu::TextureViewDescriptor::default());
        Self {
            view: view(&picture),
            ground: blit.bind(&gpu.device, &view(&ground)),
            texture: picture,
            theme,
            pixels_per_point,
            shapes: ShapeList::default(),
            scenes: Vec::new(),
        }
    }

    pub fn size(&self) -> [u32; 2] {
        let size = self.texture.size();
        [size.width, size.height]
    }

    /// Whether it can be painted on in parts when things look so.
    pub fn is_of(&self, (theme, pixels_per_point, size): (Theme, f32, [u32; 2])) -> bool {
        self.theme == theme && self.pixels_per_point == pixels_per_point && self.size() == size
    }

    /// All of it as one part.
    pub fn whole(&self) -> DamageRects {
        let mut parts = DamageRects::default();
        parts.add(PixelRect::at([0, 0], self.size()));
        parts
    }

    /// The parts that have to be painted for this to be in it, beside the `drawn` ones, in which a scene is
    /// another.
    pub fn changes(
        &self,
        shapes: &ShapeList,
        scenes: &[(u64, PixelRect)],
        drawn: DamageRects,
    ) -> DamageRects {
        let mut parts = drawn;
        shapes.add_changes(&self.shapes, self.pixels_per_point, self.size(), &mut parts);
        let gone = self.scenes.iter().filter(|scene| !scenes.contains(scene));
        let come = scenes.iter().filter(|scene| !self.scenes.contains(scene));
        gone.chain(come).for_each(|(_, place)| parts.add(*place));
        parts
    }

    /// Takes what is in it from now on.
    pub fn take(&mut self, shapes: ShapeList, scenes: Vec<(u64, PixelRect)>) {
        (self.shapes, self.scenes) = (shapes, scenes);
    }

    /// The shapes in some parts, ready to be painted.
    pub fn tessellated(&self, ctx: &egui::Context, parts: &DamageRects) -> Vec<egui::ClippedPrimitive> {
        ctx.tessellate(self.shapes.of(parts, self.pixels_per_point), self.pixels_per_point)
    }
}
