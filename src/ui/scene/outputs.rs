//! The output layer as an answer: beside each cell its class, its value and a bar; above them the predicted class,
//! and whether it is right.

use std::sync::Arc;

use egui::{Align2, Color32, CornerRadius, FontId, Galley, Painter, Rect, Stroke, StrokeKind, pos2, vec2};
use glam::vec3;

use super::description::SceneDescription;
use super::prediction::{Prediction, unit_cell, unit_output};
use super::projection::{ConvexOutline, Projection};
use super::value_scale::ValueScale;
use super::verdict::Mark;
use crate::model::layout::{SLAB_BORDER, SLAB_THICKNESS};
use crate::model::{LayerIndex, Slab, UnitIndex};
use crate::ui::style::{Palette, semibold};
use crate::ui::text;

/// Free space around texts, in points.
const GAP: f32 = 4.0;
/// Font sizes of class names, in points; in between, the size is proportional to the cells.
const FONT_SIZES: std::ops::RangeInclusive<f32> = 8.0..=18.0;
/// Font size as a share of the least height of a row, so that rows do not overlap.
const FONT_SHARE: f32 = 0.62;
/// Lengths of the bars, from the least to the greatest value, of which the first one with room is taken, in font
/// sizes.
const BAR_LENGTHS: [f32; 3] = [6.0, 4.5, 3.0];
/// Height of a bar, in font sizes.
const BAR_HEIGHT: f32 = 0.55;
/// Greatest distance by which a row is moved away from its cell, so that rows are aligned, in points.
const MAX_SHIFT: f32 = 24.0;

/// The place beside the cell of one class.
struct OutputRow {
    /// Index into the classes.
    class: usize,
    /// The normalised value; `None` without one.
    value: Option<f32>,
    /// Left edge, in points.
    left: f32,
    /// Upper and lower edge of the cell, in points.
    top: f32,
    bottom: f32,
}

/// The texts of one row.
struct RowTexts {
    name: Arc<Galley>,
    value: Arc<Galley>,
    /// Width of the value before the decimal point, in points.
    whole_width: f32,
}

/// Right edges of the columns, from the left edge of a row, in points.
struct RowColumns {
    /// Of the names and the marks beside them.
    mark: f32,
    /// Of the parts of values before the decimal point.
    whole: f32,
    value: f32,
    /// Of the space before the bars.
    before_bar: f32,
}

impl OutputRow {
    fn middle(&self) -> f32 {
        0.5 * (self.top + self.bottom)
    }
}

impl SceneDescription<'_> {
    /// Paints classes, values and bars beside the cells of the output layer, where it is one column with a unit per
    /// class; for a single input, the prediction above them. `outlines` are those of the slabs and of the input's
    /// picture. Without room, bars are shortened and left out first, then values, then rows. Returns the index of the
    /// slab if all of its values are painted.
    pub(super) fn paint_outputs(
        &self,
        painter: &Painter,
        projection: Projection,
        outlines: &[Option<ConvexOutline>],
        palette: Palette,
        taken: &mut Vec<Rect>,
    ) -> Option<usize> {
        let slab = self.layout.slabs.last()?;
        let is_visible = self.view.camera.presence(slab) > 0.5;
        if !is_visible || slab.grid.columns != 1 || !self.recording.has_class_outputs() {
            return None;
        }
        let rows = self.output_rows(slab, projection)?;
        let least_height = rows.iter().map(|row| row.bottom - row.top).fold(f32::INFINITY, f32::min);
        let size = (FONT_SHARE * least_height).min(*FONT_SIZES.end());
        if size < *FONT_SIZES.start() {
            return None;
        }
        // Each size has glyphs of its own in the texture of the fonts.
        let size = (2.0 * size).floor() / 2.0;
        let (prediction, layer) = (self.prediction(), LayerIndex(slab.layer));
        let scale = ValueScale::of(self);
        let number = |value: f32| scale.format(layer, value);
        let texts: Vec<RowTexts> = rows
            .iter()
            .map(|row| self.row_texts(painter, row, (row.value.map(number), prediction), size, palette))
            .collect();
        let columns = RowColumns::of(&texts, size, prediction.is_some_and(|it| it.is_right().is_some()));

        let own = self.layout.slabs.len() - 1;
        let is_free = |place: Rect, except: Option<usize>| {
            let covers_slab = outlines.iter().enumerate().any(|(index, outline)| {
                Some(index) != except && outline.as_ref().is_some_and(|outline| outline.intersects(place))
            });
            !covers_slab
                && projection.rect.shrink(GAP).contains_rect(place)
                && !taken.iter().any(|other| other.intersects(place))
        };
        let height = texts.iter().map(|row| row.name.size().y).fold(0.0, f32::max);
        let place = |row: &OutputRow, width: f32| {
            Rect::from_min_size(pos2(row.left, row.middle() - 0.5 * height), vec2(width, height))
        };
        let free_rows = |width: f32| rows.iter().filter(|row| is_free(place(row, width), Some(own))).count();
        let widths: Vec<f32> = match self.values {
            Some(_) => {
                let bars = BAR_LENGTHS.map(|length| columns.before_bar + length * size);
                bars.into_iter().chain([columns.value, columns.mark]).collect()
            }
            None => vec![columns.mark],
        };
        let most = free_rows(columns.mark);
        let width = widths.into_iter().find(|width| free_rows(*width) == most)?;

        let mut painted = Vec::new();
        for (row, texts) in rows.iter().zip(&texts) {
            let place = place(row, width);
            if !is_free(place, Some(own)) {
                continue;
            }
            painter.galley(place.min, Arc::clone(&texts.name), palette.text);
            if let Some((mark, colour)) = prediction.and_then(|it| Mark::of(it, row.class, palette)) {
                let right = pos2(row.left + columns.mark, row.middle());
                mark.paint(painter, Align2::RIGHT_CENTER.anchor_size(right, Mark::size(size)), colour);
            }
            if width >= columns.value {
                let x = row.left + columns.whole - texts.whole_width;
                painter.galley(pos2(x, place.top()), Arc::clone(&texts.value), palette.text);
            }
            if width > columns.before_bar {
                let (left, right) = (row.left + columns.before_bar, row.left + width);
                let bar = Rect::from_x_y_ranges(left..=right, row.top..=row.bottom);
                paint_bar(painter, bar, BAR_HEIGHT * size, (&scale, layer, row.value), palette);
            }
            painted.push(place.expand(1.0));
        }
        if let Some(prediction) = prediction.filter(|_| !painted.is_empty()) {
            let (left, right) = (rows.iter().map(|row| row.left), rows.iter().map(|row| row.left + width));
            let area = Rect::from_x_y_ranges(
                left.fold(f32::INFINITY, f32::min)..=right.fold(f32::NEG_INFINITY, f32::max),
                rows.iter().map(|row| row.top).fold(f32::INFINITY, f32::min)
                    ..=rows.iter().map(|row| row.bottom).fold(f32::NEG_INFINITY, f32::max),
            );
            painted.extend(
                self.paint_verdict(painter, area, prediction, size, palette, |place| is_free(place, None)),
            );
        }
        taken.extend(painted);
        (width >= columns.value && most == slab.units).then_some(own)
    }

    /// Places the rows beside the cells of their classes; `None` if one lies behind the camera or has no cell.
    fn output_rows(&self, slab: &Slab, projection: Projection) -> Option<Vec<OutputRow>> {
        let mut rows = Vec::with_capacity(self.recording.classes.len());
        for (class, info) in self.recording.classes.iter().enumerate() {
            let unit = UnitIndex(usize::try_from(info.id).ok()?);
            let cell = match self.values {
                Some(values) => unit_cell(&values, slab, unit)?,
                None => unit.0,
            };
            let (column, row) = slab.grid.position(cell);
            if row >= slab.grid.rows {
                return None;
            }
            let (centre, half) = (slab.cell_centre(column, row), 0.5 * slab.pitch);
            let up = vec3(0.0, half, 0.0);
            let (top, bottom) = (projection.project(centre + up)?, projection.project(centre - up)?);
            // Beside a cell of any height, so that rows do not move when values change.
            let side = half + SLAB_BORDER;
            let low = centre - vec3(side, half, SLAB_THICKNESS);
            let outline = projection.outline(low, centre + vec3(side, half, slab.max_height()))?;
            let value = self.values.and_then(|values| unit_output(&values, slab, unit));
            let left = outline.bounds().right() + 2.0 * GAP;
            rows.push(OutputRow { class, value, left, top: top.y, bottom: bottom.y });
        }
        let rightmost = rows.iter().map(|row| row.left).fold(f32::NEG_INFINITY, f32::max);
        for row in &mut rows {
            row.left = (row.left + MAX_SHIFT).min(rightmost);
        }
        Some(rows)
    }

    /// Lays out the texts of a row. The predicted class, or else the selected ones, are emphasised.
    fn row_texts(
        &self,
        painter: &Painter,
        row: &OutputRow,
        (number, prediction): (Option<String>, Option<Prediction>),
        size: f32,
        palette: Palette,
    ) -> RowTexts {
        let (is_accented, is_emphasised) = match prediction {
            Some(it) => (it.class == row.class, it.class == row.class || it.true_class == Some(row.class)),
            None => {
                let selected = self.view.query.select.classes(self.recording);
                let is_selected = selected.is_some_and(|classes| {
                    classes.len() < self.recording.classes.len() && classes.contains(&row.class)
                });
                (is_selected, is_selected)
            }
        };
        let font = if is_emphasised { FontId::new(size, semibold()) } else { FontId::proportional(size) };
        let line =
            |text: &str, colour: Color32| painter.layout_no_wrap(text.to_owned(), font.clone(), colour);
        let colour = if is_accented { palette.accent } else { palette.text };
        let number_colour = if is_emphasised { colour } else { palette.dim };
        let number = number.as_deref().unwrap_or("–");
        let whole = number.split_once('.').map_or(number, |(whole, _)| whole);
        RowTexts {
            name: line(&text::truncate(&self.recording.classes[row.class].name, 24), colour),
            whole_width: line(whole, number_colour).size().x,
            value: line(number, number_colour),
        }
    }
}

impl RowColumns {
    /// Returns columns that are wide enough for all texts; with room for marks if `marked`.
    fn of(texts: &[RowTexts], size: f32, marked: bool) -> Self {
        let widest = |of: fn(&RowTexts) -> f32| texts.iter().map(of).fold(0.0, f32::max);
        let name = widest(|row| row.name.size().x);
        let mark = if marked { name + GAP + Mark::size(size).x } else { name };
        let whole = mark + 3.0 * GAP + widest(|row| row.whole_width);
        let value = whole + widest(|row| row.value.size().x - row.whole_width);
        Self { mark, whole, value, before_bar: value + 2.0 * GAP }
    }
}

/// Paints the line of zero from the top to the bottom of `area`, and a bar of a height from there to the value, which
/// is as long as its share of the value range.
fn paint_bar(
    painter: &Painter,
    area: Rect,
    height: f32,
    (scale, layer, value): (&ValueScale, LayerIndex, Option<f32>),
    palette: Palette,
) {
    let range = scale.range_with_zero(layer);
    let width = range.high - range.low;
    let x = |value: f32| {
        let share = if width.is_normal() { (value - range.low) / width } else { 0.0 };
        area.left() + share.clamp(0.0, 1.0) * area.width()
    };
    let (zero, line) = (x(0.0), palette.dim.gamma_multiply(0.5));
    if let Some(value) = value {
        let (from, to) = (zero.min(x(value)), zero.max(x(value)));
        let middle = area.center().y;
        let bar = Rect::from_x_y_ranges(from..=to, middle - 0.5 * height..=middle + 0.5 * height);
        let [r, g, b] = scale.colour(layer, value);
        painter.rect_filled(bar, CornerRadius::ZERO, Color32::from_rgb(r, g, b));
        // The colours of weak values are close to the ground.
        painter.rect_stroke(bar, CornerRadius::ZERO, Stroke::new(0.5, line), StrokeKind::Outside);
    }
    painter.line_segment([pos2(zero, area.top()), pos2(zero, area.bottom())], Stroke::new(1.0, line));
}
