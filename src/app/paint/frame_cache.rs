//! The frame cache: the picture of the window, and the shapes and scenes that it was painted from.

use super::damage::{DamageRects, PixelRect, ShapeList};
use crate::engine::blit::Blit;
use crate::engine::{Gpu, Renderer};
use crate::model::Theme;
use crate::ui::style::Palette;

/// The picture of the window, which is kept from frame to frame.
pub struct FrameCache {
    /// The picture.
    pub texture: wgpu::Texture,
    /// The view of the picture, to paint on.
    pub view: wgpu::TextureView,
    /// One pixel of the ground behind everything.
    pub ground: wgpu::BindGroup,
    /// Pixels per point.
    pub pixels_per_point: f32,
    /// Ids of the columns whose scenes are in the picture, and the areas of these.
    pub scenes: Vec<(u64, PixelRect)>,
    theme: Theme,
    shapes: ShapeList,
}

impl FrameCache {
    /// Creates an empty picture in `format` for a theme, a number of pixels per point and a size in pixels;
    /// `blit` paints on it.
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

    /// Width and height in pixels.
    pub fn size(&self) -> [u32; 2] {
        let size = self.texture.size();
        [size.width, size.height]
    }

    /// Returns `true` if the picture was painted with this theme, scale and size, so that it can be painted
    /// in parts.
    pub fn matches(&self, (theme, pixels_per_point, size): (Theme, f32, [u32; 2])) -> bool {
        self.theme == theme && self.pixels_per_point == pixels_per_point && self.size() == size
    }

    /// The whole picture as damage.
    pub fn whole(&self) -> DamageRects {
        let mut damage = DamageRects::default();
        damage.add(PixelRect::from_corner([0, 0], self.size()));
        damage
    }

    /// Returns the part of the picture that these shapes and scenes change, and `drawn`, the places of the
    /// scenes that were drawn again.
    pub fn changes(
        &self,
        shapes: &ShapeList,
        scenes: &[(u64, PixelRect)],
        drawn: DamageRects,
    ) -> DamageRects {
        let mut damage = drawn;
        shapes.add_changes(&self.shapes, self.pixels_per_point, self.size(), &mut damage);
        let removed = self.scenes.iter().filter(|scene| !scenes.contains(scene));
        let added = scenes.iter().filter(|scene| !self.scenes.contains(scene));
        removed.chain(added).for_each(|(_, place)| damage.add(*place));
        damage
    }

    /// Stores the shapes and scenes that the picture is painted from.
    pub fn store(&mut self, shapes: ShapeList, scenes: Vec<(u64, PixelRect)>) {
        (self.shapes, self.scenes) = (shapes, scenes);
    }

    /// Returns the triangles that have to be painted to update `damage`.
    pub fn tessellate(&self, ctx: &egui::Context, damage: &DamageRects) -> Vec<egui::ClippedPrimitive> {
        ctx.tessellate(self.shapes.clipped_to(damage, self.pixels_per_point), self.pixels_per_point)
    }
}
