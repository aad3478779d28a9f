//! One frame of a window: laid out, then prepared for painting.

use std::time::Instant;

use egui::Rect;

use super::paint::{FrameShapes, PaintJobs, Painter};
use super::session::DrawnScene;
use super::state::AppState;

/// A frame to be painted, and the requests to the platform.
pub struct FrameOutput {
    /// The changes to paint.
    pub jobs: PaintJobs,
    /// Cursor, clipboard, accessibility.
    pub platform: egui::PlatformOutput,
    /// Commands to the window, and when the next frame is due.
    pub viewport: Option<egui::ViewportOutput>,
}

/// Lays out one frame of `size` pixels (width, height) from `input`, draws the scenes that changed, and
/// collects the parts of the frame that have to be painted.
pub fn frame(
    ctx: &egui::Context,
    input: egui::RawInput,
    state: &mut AppState,
    painter: &mut Painter,
    size: [u32; 2],
) -> FrameOutput {
    let began = Instant::now();
    let stats = state.render_stats();
    stats.frame_ms = painter.scene_ms();
    if stats.adapter.is_empty() {
        painter.adapter().clone_into(&mut stats.adapter);
    }
    let mut areas = Vec::new();
    let mut output = ctx.run_ui(input, |ui| areas = state.show(ui));
    let pixels_per_point = output.pixels_per_point;
    let points = areas.iter().map(|area| f64::from(area.rect.area())).sum::<f64>();
    state.render_stats().pixels = (points * f64::from(pixels_per_point).powi(2)) as u64;
    let layout_time = began.elapsed();
    let scene = |area: &super::columns::SceneArea| {
        let session = state.columns().by_id(area.column)?;
        Some((area.column, area.rect, session.scene.drawn(&session.control)?))
    };
    let scenes: Vec<(u64, Rect, DrawnScene)> = areas.iter().filter_map(scene).collect();
    let shapes = FrameShapes {
        shapes: output.shapes,
        textures: output.textures_delta,
        pixels_per_point,
        theme: state.theme(),
    };
    let jobs = painter.prepare(ctx, shapes, &scenes, size);
    drop(scenes);
    state.render_stats().panels_ms = Some(1e3 * (layout_time + jobs.prepare_time).as_secs_f32());
    let viewport = output.viewport_output.remove(&egui::ViewportId::ROOT);
    FrameOutput { jobs, platform: output.platform_output, viewport }
}
