//! The legend: the colour map with the values at its ends, what is shown, where the range is from.

use egui::{Align2, CornerRadius, FontId, Mesh, Painter, Rect, Stroke, pos2, vec2};

use super::description::SceneDescription;
use crate::model::colour::TABLE_SIZE;
use crate::model::{ColourMap, Range, Theme, ValueRange};
use crate::ui::style::Palette;
use crate::ui::style::SMALL;
use crate::ui::style::TEXT;
use crate::ui::style::colour_of;
use crate::ui::style::semibold;
use crate::ui::text;

const BAR: egui::Vec2 = vec2(224.0, 8.0);
/// Distance from the picture's edges.
const EDGE: f32 = 16.0;
const PAD: f32 = 8.0;
/// Distance between two stripes of the hatching, in points.
const HATCH_STEP: f32 = 4.0;

/// Paints the legend into the lower left of `rect` and returns what it covers.
pub fn paint(scene: &SceneDescription, painter: &Painter, rect: Rect, palette: Palette) -> Rect {
    let (recording, view) = (scene.recording, scene.view);
    let width = (rect.width() - 2.0 * EDGE - 2.0 * PAD).max(40.0);
    let wrapped = |text: String, font: FontId, colour| painter.layout(text, font, colour, width);
    let title = wrapped(
        text::describe_query(recording, scene.runs, &view.query, scene.position),
        FontId::new(TEXT, semibold()),
        palette.text,
    );
    let shared = if scene.shared { " · common to these columns" } else { "" };
    let source = wrapped(
        text::describe_range(recording, scene.runs, view, scene.position, scene.range_epochs) + shared,
        FontId::proportional(SMALL - 1.0),
        palette.dim,
    );
    let (low, high) = ends(scene);
    let value = |text: String| painter.layout_no_wrap(text, FontId::proportional(SMALL), palette.text);
    let (low, high) = (value(low), value(high));
    let middle = (view.colours().is_diverging() && view.query.is_signed())
        .then(|| value("0".to_owned()))
        .filter(|_| !matches!(view.range, Range::Fixed { .. }));
    let none = scene
        .has_no_value
        .then(|| painter.layout_no_wrap("no value".to_owned(), FontId::proportional(SMALL), palette.text));

    let none_width = none.as_ref().map_or(0.0, |text| 24.0 + 16.0 + 8.0 + text.size().x);
    let bar_width = BAR.x.min((width - none_width).max(40.0));
    let bar_row = BAR.y + 4.0 + low.size().y;
    let height = title.size().y + 8.0 + bar_row + 4.0 + source.size().y;
    let breadth = title.size().x.max(source.size().x).max(bar_width + none_width);
    let place =
        Rect::from_min_size(pos2(rect.left() + EDGE, rect.bottom() - EDGE - height), vec2(breadth, height));
    let covered = place.expand(PAD);
    painter.rect_filled(covered, CornerRadius::same(6), palette.ground.gamma_multiply(0.9));

    let mut top = place.top();
    let title_height = title.size().y;
    painter.galley(pos2(place.left(), top), title, palette.text);
    top += title_height + 8.0;

    let bar = Rect::from_min_size(pos2(place.left(), top), vec2(bar_width, BAR.y));
    let diverges = view.is_diverging();
    paint_dimmed(painter, bar, view.colours(), view.theme, view.dim_below, diverges);
    if let Some(text) = none {
        let swatch = Rect::from_min_size(pos2(bar.right() + 24.0, bar.top()), vec2(16.0, BAR.y));
        hatch(painter, swatch, view.theme);
        let at = Align2::LEFT_CENTER.anchor_size(pos2(swatch.right() + 8.0, swatch.center().y), text.size());
        painter.galley(at.min, text, palette.text);
    }
    top += BAR.y + 4.0;
    let row = low.size().y;
    let high_at = pos2(bar.right() - high.size().x, top);
    painter.galley(pos2(bar.left(), top), low, palette.text);
    painter.galley(high_at, high, palette.text);
    if let Some(zero) = middle {
        painter.galley(pos2(bar.center().x - zero.size().x / 2.0, top), zero, palette.text);
    }
    top += row + 4.0;
    painter.galley(pos2(place.left(), top), source, palette.dim);
    covered
}

/// A bar of a colour map, low to high.
pub fn paint_map(painter: &Painter, bar: Rect, map: ColourMap, theme: Theme) {
    paint_dimmed(painter, bar, map, theme, 0.0, false);
}

/// The same with what is weaker than `dim_below` dimmed, and a tick where that begins.
pub fn paint_dimmed(
    painter: &Painter,
    bar: Rect,
    map: ColourMap,
    theme: Theme,
    dim_below: f32,
    diverges: bool,
) {
    let table = map.dimmed_table(theme.slab(), dim_below, diverges);
    let mut mesh = Mesh::default();
    for (index, rgb) in table.into_iter().enumerate() {
        let x = bar.left() + bar.width() * index as f32 / (TABLE_SIZE - 1) as f32;
        let first = mesh.vertices.len() as u32;
        mesh.colored_vertex(pos2(x, bar.top()), colour_of(rgb));
        mesh.colored_vertex(pos2(x, bar.bottom()), colour_of(rgb));
        if index > 0 {
            mesh.add_triangle(first - 2, first - 1, first);
            mesh.add_triangle(first - 1, first, first + 1);
        }
    }
    painter.add(mesh);
    outline(painter, bar, theme);
    let threshold = dim_below.clamp(0.0, 1.0);
    if threshold > 0.0 {
        let ticks =
            if diverges { vec![0.5 - threshold / 2.0, 0.5 + threshold / 2.0] } else { vec![threshold] };
        for tick in ticks {
            let x = bar.left() + bar.width() * tick;
            let stroke = Stroke::new(1.0, Palette::of(theme).text);
            painter.line_segment([pos2(x, bar.top() - 2.0), pos2(x, bar.bottom() + 2.0)], stroke);
        }
    }
}

/// The hatching that stands for "no value".
fn hatch(painter: &Painter, swatch: Rect, theme: Theme) {
    painter.rect_filled(swatch, CornerRadius::ZERO, colour_of(theme.slab()));
    let clipped = painter.with_clip_rect(painter.clip_rect().intersect(swatch));
    let stroke = Stroke::new(1.5, colour_of(theme.no_value()));
    let mut x = swatch.left() - swatch.height();
    while x < swatch.right() {
        clipped.line_segment([pos2(x, swatch.bottom()), pos2(x + swatch.height(), swatch.top())], stroke);
        x += HATCH_STEP;
    }
    outline(painter, swatch, theme);
}

fn outline(painter: &Painter, bar: Rect, theme: Theme) {
    let stroke = Stroke::new(1.0, Palette::of(theme).line);
    painter.rect_stroke(bar, CornerRadius::ZERO, stroke, egui::StrokeKind::Outside);
}

/// What stands at the two ends of the bar.
fn ends(scene: &SceneDescription) -> (String, String) {
    let of = |range: &ValueRange| {
        let span = (range.high - range.low).abs();
        (text::format_value(range.low, span), text::format_value(range.high, span))
    };
    let named = |slab: usize| {
        let range = scene.ranges.get(slab)?;
        let name = &scene.recording.layers.get(slab)?.name;
        let (low, high) = of(range);
        Some((low, format!("{high} (layer {name})")))
    };
    // Layers that are divided by their greatest may well share their ends.
    let common = scene.ranges.windows(2).all(|pair| pair[0] == pair[1]);
    match scene.view.range_of(scene.recording.normalisation) {
        Range::Layer if !common => scene
            .highlighted
            .and_then(named)
            .unwrap_or_else(|| ("layer's least".to_owned(), "layer's greatest".to_owned())),
        Range::Auto | Range::Layer | Range::Network | Range::Fixed { .. } => {
            scene.ranges.first().map_or_else(|| ("–".to_owned(), "–".to_owned()), of)
        }
    }
}
