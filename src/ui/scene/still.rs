//! One frame of the overlay without a window.

use egui::{Rect, Vec2};

use super::description::SceneDescription;
use crate::ui::style::install_fonts;
use crate::ui::style::install_style;

/// What a GPU needs to paint one frame.
pub struct Painted {
    /// Triangles, clipped; in points.
    pub primitives: Vec<egui::ClippedPrimitive>,
    /// Textures (the glyphs) to be uploaded before they are painted; drain it, for egui panics when
    /// what it holds is dropped unseen.
    pub textures: egui::TexturesDelta,
    pub pixels_per_point: f32,
}

/// Lays out the overlay over a picture of `size` physical pixels, at `pixels_per_point` pixels per
/// point of text size. Paint it over the finished scene.
pub fn paint(scene: &SceneDescription, size: [u32; 2], pixels_per_point: f32) -> Painted {
    let ctx = egui::Context::default();
    install_fonts(&ctx);
    install_style(&ctx, scene.view.theme);
    ctx.set_pixels_per_point(pixels_per_point);
    let screen =
        Rect::from_min_size(egui::Pos2::ZERO, Vec2::new(size[0] as f32, size[1] as f32) / pixels_per_point);
    let input = |time: f64| egui::RawInput {
        screen_rect: Some(screen),
        time: Some(time),
        ..egui::RawInput::default()
    };
    // The scale and the fonts hold from the second pass on.
    let first = ctx.run_pass(input(0.0), |_| ());
    let mut textures = first.textures_delta;
    let output = ctx.run_pass(input(1.0), |ctx| {
        let painter = ctx.layer_painter(egui::LayerId::background());
        scene.paint_overlay(&painter, screen);
    });
    textures.append(output.textures_delta);
    Painted {
        primitives: ctx.tessellate(output.shapes, output.pixels_per_point),
        textures,
        pixels_per_point: output.pixels_per_point,
    }
}
