//! The legend: the query, the colour map with the values at its ends, and the source of the value range.

use egui::{Align2, CornerRadius, FontId, Mesh, Painter, Rect, Stroke, pos2, vec2};

use super::description::SceneDescription;
use super::navigation::CameraTarget;
use crate::model::colour::TABLE_SIZE;
use crate::model::{ColourMap, LayerIndex, Range, Theme, ValueRange};
use crate::ui::style::{Palette, SMALL, TEXT, colour_of, semibold};
use crate::ui::text;

/// Size of the colour bar where there is room, in points.
const BAR_SIZE: egui::Vec2 = vec2(224.0, 8.0);
/// Distance to the edges of the picture, in points.
const MARGIN: f32 = 16.0;
/// Distance of the text to the edges of the legend, in points.
const PADDING: f32 = 8.0;
/// Least distance between two labels of the bar, in points.
const LABEL_GAP: f32 = 12.0;
/// The most characters of a layer's name.
const LAYER_NAME: usize = 32;
/// Distance between two stripes of the hatching, in points.
const HATCH_STEP: f32 = 4.0;

/// Paints the legend into the lower left corner of `rect`; returns the area that it covers.
pub fn paint(scene: &SceneDescription, painter: &Painter, rect: Rect, palette: Palette) -> Rect {
    let (recording, view) = (scene.recording, scene.view);
    let width = (rect.width() - 2.0 * MARGIN - 2.0 * PADDING).max(40.0);
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
    let EndLabels { low, high, of } = end_labels(scene);
    let value = |text: String| painter.layout_no_wrap(text, FontId::proportional(SMALL), palette.text);
    let (low, high) = (value(low), value(high));
    let of = of.map(|of| painter.layout_no_wrap(of, FontId::proportional(SMALL), palette.dim));
    let zero = (view.colours().is_diverging() && view.query.is_signed())
        .then(|| value("0".to_owned()))
        .filter(|_| !matches!(view.range, Range::Fixed { .. }));
    let no_value = scene
        .has_no_value
        .then(|| painter.layout_no_wrap("no value".to_owned(), FontId::proportional(SMALL), palette.text));

    let no_value_width = no_value.as_ref().map_or(0.0, |text| 24.0 + 16.0 + 8.0 + text.size().x);
    // Labels must not overlap: a long one makes the bar longer.
    let zero_width = zero.as_ref().map_or(0.0, |zero| zero.size().x + LABEL_GAP);
    let half = |label: f32| label + LABEL_GAP + zero_width / 2.0;
    let labels_width = if zero.is_some() {
        2.0 * half(low.size().x).max(half(high.size().x))
    } else {
        low.size().x + LABEL_GAP + high.size().x
    };
    let bar_width = BAR_SIZE.x.min((width - no_value_width).max(40.0)).max(labels_width);
    let of_width = of.as_ref().map_or(0.0, |of| LABEL_GAP + of.size().x);
    let bar_height = BAR_SIZE.y + 4.0 + low.size().y;
    let height = title.size().y + 8.0 + bar_height + 4.0 + source.size().y;
    let content_width =
        title.size().x.max(source.size().x).max(bar_width + no_value_width).max(bar_width + of_width);
    let place = Rect::from_min_size(
        pos2(rect.left() + MARGIN, rect.bottom() - MARGIN - height),
        vec2(content_width, height),
    );
    let covered = place.expand(PADDING);
    painter.rect_filled(covered, CornerRadius::same(6), palette.ground.gamma_multiply(0.9));

    let mut top = place.top();
    let title_height = title.size().y;
    painter.galley(pos2(place.left(), top), title, palette.text);
    top += title_height + 8.0;

    let bar = Rect::from_min_size(pos2(place.left(), top), vec2(bar_width, BAR_SIZE.y));
    let diverges = view.is_diverging();
    paint_dimmed(painter, bar, view.colours(), view.theme, view.dim_below, diverges);
    if let Some(text) = no_value {
        let swatch = Rect::from_min_size(pos2(bar.right() + 24.0, bar.top()), vec2(16.0, BAR_SIZE.y));
        paint_hatching(painter, swatch, view.theme);
        let at = Align2::LEFT_CENTER.anchor_size(pos2(swatch.right() + 8.0, swatch.center().y), text.size());
        painter.galley(at.min, text, palette.text);
    }
    top += BAR_SIZE.y + 4.0;
    let label_height = low.size().y;
    let high_at = pos2(bar.right() - high.size().x, top);
    painter.galley(pos2(bar.left(), top), low, palette.text);
    painter.galley(high_at, high, palette.text);
    if let Some(zero) = zero {
        painter.galley(pos2(bar.center().x - zero.size().x / 2.0, top), zero, palette.text);
    }
    if let Some(of) = of {
        painter.galley(pos2(bar.right() + LABEL_GAP, top), of, palette.dim);
    }
    top += label_height + 4.0;
    painter.galley(pos2(place.left(), top), source, palette.dim);
    covered
}

/// Paints a bar with a colour map, the low end at the left.
pub fn paint_map(painter: &Painter, bar: Rect, map: ColourMap, theme: Theme) {
    paint_dimmed(painter, bar, map, theme, 0.0, false);
}

/// Paints a bar with a colour map that is dimmed below the share `dim_below` of the range, in [0, 1], and a
/// tick there; around the middle, with two ticks, if the map `diverges`.
pub fn paint_dimmed(
    painter: &Painter,
    bar: Rect,
    map: ColourMap,
    theme: Theme,
    dim_below: f32,
    diverges: bool,
) {
    let table = map.dimmed_table(theme, dim_below, diverges);
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
    paint_border(painter, bar, theme);
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

/// Paints the hatching that marks cells with no value.
fn paint_hatching(painter: &Painter, swatch: Rect, theme: Theme) {
    painter.rect_filled(swatch, CornerRadius::ZERO, colour_of(theme.slab()));
    let clipped = painter.with_clip_rect(painter.clip_rect().intersect(swatch));
    let stroke = Stroke::new(1.5, colour_of(theme.no_value()));
    let mut x = swatch.left() - swatch.height();
    while x < swatch.right() {
        clipped.line_segment([pos2(x, swatch.bottom()), pos2(x + swatch.height(), swatch.top())], stroke);
        x += HATCH_STEP;
    }
    paint_border(painter, swatch, theme);
}

fn paint_border(painter: &Painter, bar: Rect, theme: Theme) {
    let stroke = Stroke::new(1.0, Palette::of(theme).line);
    painter.rect_stroke(bar, CornerRadius::ZERO, stroke, egui::StrokeKind::Outside);
}

/// The labels of the bar: its two ends, and the layer or layers that they are of.
#[derive(Debug, PartialEq, Eq)]
struct EndLabels {
    low: String,
    high: String,
    /// The layer of the values, or how many layers have ranges of their own; `None` where all have the same.
    of: Option<String>,
}

/// Returns the labels of the bar: of the highlighted or framed layer, of the only drawn one, or the least and the greatest
/// of each end over all drawn layers.
fn end_labels(scene: &SceneDescription) -> EndLabels {
    let labels_of = |range: &ValueRange, of: Option<String>| {
        let span = (range.high - range.low).abs();
        EndLabels { low: text::format_value(range.low, span), high: text::format_value(range.high, span), of }
    };
    let drawn: Vec<(LayerIndex, &ValueRange)> = scene
        .ranges
        .iter()
        .enumerate()
        .map(|(index, range)| (LayerIndex(index), range))
        .filter(|(layer, _)| {
            let name = scene.recording.layers.get(layer.0).map(|layer| &layer.name);
            name.is_some_and(|name| !scene.view.hidden.contains(name))
        })
        .collect();
    let name = |layer: LayerIndex| {
        let name = &scene.recording.layers.get(layer.0)?.name;
        Some(format!("of layer {}", text::truncate(name, LAYER_NAME)))
    };
    let framed = match scene.camera_target {
        Some(CameraTarget::Slab(slab) | CameraTarget::Group(slab, _)) => {
            scene.layout.slabs.get(slab).map(|slab| LayerIndex(slab.layer))
        }
        _ => None,
    };
    let highlighted = scene.highlighted.or(framed);
    let highlighted = highlighted.and_then(|layer| Some((layer, scene.ranges.get(layer.0)?)));
    // Normalised by the layer's maximum, all layers may have the same range.
    let is_common = drawn.windows(2).all(|pair| pair[0].1 == pair[1].1);
    match (drawn.as_slice(), highlighted) {
        (&[], _) => EndLabels { low: "–".to_owned(), high: "–".to_owned(), of: None },
        (&[(_, range), ..], _) if is_common && drawn.len() > 1 => labels_of(range, None),
        (_, Some((layer, range))) => labels_of(range, name(layer)),
        (&[(layer, range)], None) => labels_of(range, name(layer)),
        (drawn, None) => {
            let ends = |end: fn(&ValueRange) -> f32| {
                let values = drawn.iter().map(|(_, range)| end(range));
                let (least, greatest) = values
                    .fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), value| (a.min(value), b.max(value)));
                let number = |value: f32| text::format_value(value, value.abs());
                match (number(least), number(greatest)) {
                    (least, greatest) if least == greatest => least,
                    (least, greatest) => format!("{least} … {greatest}"),
                }
            };
            EndLabels {
                low: ends(|range| range.low),
                high: ends(|range| range.high),
                of: Some(format!("over {} layers", drawn.len())),
            }
        }
    }
}
