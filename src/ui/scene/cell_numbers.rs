//! Values and unit indices on the cells that are large in the picture.

use std::sync::Arc;

use egui::{Color32, FontId, Galley, Painter, Pos2, Rect, Vec2, pos2, vec2};
use glam::vec3;

use super::description::SceneDescription;
use super::hover::{cells_within, point_on_slab, ray};
use super::projection::{ConvexOutline, Projection};
use super::value_scale::{ValueScale, contrasting};
use crate::model::layout::{CELL_GAP, CELL_HEIGHT};
use crate::model::pick::{CellState, SceneValues, pick_among};
use crate::model::{LayerIndex, Slab};
use crate::ui::style::semibold;

/// Least width of a face with a number, in points.
const LEAST_WIDTH: f32 = 44.0;
/// Least width of a face with its place in a feature map, in points.
const LEAST_MAP_WIDTH: f32 = 88.0;
/// Greatest number of cells with a number.
const MOST_NUMBERS: usize = 400;
/// Font size of a value, as a share of the width of the face.
const FONT_SHARE: f32 = 0.26;
/// Font sizes of values, in points. They are whole: each size has glyphs of its own in the texture of the fonts.
const FONT_SIZES: std::ops::RangeInclusive<u8> = 9..=20;
/// Font size of the text below a value, as a share of that of the value, and the least one in points.
const DETAIL_SHARE: (f32, f32) = (0.7, 8.0);
/// Space above and below the digits in a line, in font sizes.
const LEADING: f32 = 0.15;

/// The front face of a cell in the picture.
struct CellFace {
    /// Index into the slabs.
    slab: usize,
    /// Row-major index of the cell.
    cell: usize,
    /// As computed, not normalised.
    value: f32,
    /// Corners from the upper left one, clockwise as seen from the front.
    corners: [Pos2; 4],
    centre: Pos2,
}

/// One or two centred lines of text.
struct CellText {
    lines: Vec<(Arc<Galley>, Rect)>,
}

impl SceneDescription<'_> {
    /// Paints the value of each cell whose front is large in the picture and not hidden, and below it the index of
    /// its unit, or its place in a feature map. `outlines` are those of the slabs and of the input's picture; texts
    /// in `taken` are not covered, and the slab `told` is left out, because its values are painted beside it.
    pub(super) fn paint_cell_numbers(
        &self,
        painter: &Painter,
        projection: Projection,
        outlines: &[Option<ConvexOutline>],
        (taken, told): (&[Rect], Option<usize>),
    ) {
        let Some(values) = self.values else { return };
        let faces = self.large_faces(&values, projection, told);
        if faces.is_empty() {
            return;
        }
        let scale = ValueScale::of(self);
        // A slab that reaches behind the camera has no outline.
        let in_picture: Vec<usize> = (0..self.layout.slabs.len())
            .filter(|slab| {
                let outline = outlines.get(*slab).and_then(Option::as_ref);
                outline.is_none_or(|outline| outline.bounds().intersects(projection.rect))
            })
            .collect();
        let picture = outlines.get(self.layout.slabs.len()).and_then(Option::as_ref);
        for face in faces {
            let slab = &self.layout.slabs[face.slab];
            let layer = LayerIndex(slab.layer);
            let normalised = face.value / values.divisor(layer);
            let number = scale.format(layer, normalised);
            let details = self.details(&values, slab, &face);
            let colour = contrasting(scale.colour(layer, normalised));
            let Some(text) = CellText::fitting(painter, &face, &number, &details, colour) else { continue };
            let is_covered = |place: Rect| {
                taken.iter().any(|other| other.intersects(place))
                    || picture.is_some_and(|picture| picture.intersects(place))
            };
            let is_seen = |at: Pos2| {
                let direction = ray(projection, at);
                let among = in_picture.iter().copied();
                let hit = pick_among(among, self.layout, &values, &projection.camera, direction);
                hit.is_some_and(|hit| (hit.slab, hit.cell) == (face.slab, Some(face.cell)))
            };
            let is_legible = text.lines.iter().all(|(_, place)| {
                projection.rect.contains_rect(*place)
                    && !is_covered(*place)
                    && is_seen(place.center())
                    && corners_of(*place).into_iter().all(is_seen)
            });
            if is_legible {
                for (galley, place) in text.lines {
                    let top = place.center().y - 0.5 * galley.size().y;
                    painter.galley(pos2(place.left(), top), galley, colour);
                }
            }
        }
    }

    /// Returns the faces that are large enough for a number, without those of the slab `told`; the largest ones if
    /// there are too many.
    fn large_faces(
        &self,
        values: &SceneValues,
        projection: Projection,
        told: Option<usize>,
    ) -> Vec<CellFace> {
        let Projection { camera, rect } = projection;
        let tan = (0.5 * camera.fov_y).tan();
        let focal_length = 0.5 * rect.height() / tan;
        // An edge at a distance is at most this much longer at the corners of the picture than in its middle.
        let stretch = 1.0 + tan * tan * (1.0 + rect.aspect_ratio().powi(2));
        let reach = focal_length * stretch / LEAST_WIDTH;
        let mut faces: Vec<(f32, CellFace)> = Vec::new();
        for (index, slab) in self.layout.slabs.iter().enumerate() {
            let (low, high) = slab.bounds();
            let distance = camera.position.clamp(low, high).distance(camera.position);
            let is_near = distance <= reach * slab.pitch;
            if Some(index) == told
                || !is_near
                || camera.position.z <= slab.centre.z
                || camera.presence(slab) <= 0.5
            {
                continue;
            }
            let (columns, rows) = cells_in_reach(slab, projection, reach, values.height);
            for (column, row) in rows.flat_map(|row| columns.clone().map(move |column| (column, row))) {
                let cell = row as usize * slab.grid.columns as usize + column as usize;
                let face = CellFace::of(values, projection, (index, slab), cell);
                faces
                    .extend(face.map(|face| (face.width(), face)).filter(|(width, _)| *width >= LEAST_WIDTH));
            }
        }
        faces.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        faces.truncate(MOST_NUMBERS);
        faces.into_iter().map(|(_, face)| face).collect()
    }

    /// Returns the texts of which the first one that fits is painted below a value.
    fn details(&self, values: &SceneValues, slab: &Slab, face: &CellFace) -> Vec<String> {
        let arrangement = values.arrangements.get(slab.layer);
        let Some(shown) = arrangement.and_then(|it| it.cell_unit(slab.grid, face.cell)) else {
            return Vec::new();
        };
        let unit = shown.unit.0;
        match shown.at {
            None => vec![format!("unit {unit}")],
            Some(_) if face.width() < LEAST_MAP_WIDTH => Vec::new(),
            Some((y, x)) => vec![format!("map {unit} · y {y}, x {x}"), format!("y {y}, x {x}")],
        }
    }
}

/// Returns the columns and rows of the cells that may be in the picture and within `reach` pitches of the camera.
fn cells_in_reach(
    slab: &Slab,
    projection: Projection,
    reach: f32,
    height: f32,
) -> (std::ops::Range<u32>, std::ops::Range<u32>) {
    let heights = [0.0, CELL_HEIGHT * height.clamp(0.05, 10.0)];
    let corners = corners_of(projection.rect);
    let points = heights.into_iter().flat_map(|height| {
        corners.into_iter().map(move |corner| point_on_slab(slab, projection, corner, height))
    });
    let (columns, rows) = cells_within(slab, points);
    let foot = (projection.camera.position - slab.corner()) / slab.pitch;
    let foot = vec2(foot.x, -foot.y);
    let near = [foot - Vec2::splat(reach), foot + Vec2::splat(reach)].map(Some);
    let (near_columns, near_rows) = cells_within(slab, near);
    let both = |a: std::ops::Range<u32>, b: std::ops::Range<u32>| a.start.max(b.start)..a.end.min(b.end);
    (both(columns, near_columns), both(rows, near_rows))
}

impl CellFace {
    /// Returns the face of a cell with a value, whose centre is in the picture.
    fn of(
        values: &SceneValues,
        projection: Projection,
        (index, slab): (usize, &Slab),
        cell: usize,
    ) -> Option<Self> {
        let layer = LayerIndex(slab.layer);
        let CellState::Value(value) = values.cell(layer, cell) else { return None };
        let (column, row) = slab.grid.position(cell);
        let front =
            slab.cell_centre(column, row) + vec3(0.0, 0.0, values.cell_height(layer, cell)? * slab.pitch);
        let centre = projection.project(front).filter(|at| projection.rect.contains(*at))?;
        let half = 0.5 * (1.0 - CELL_GAP) * slab.pitch;
        let corner = |x: f32, y: f32| projection.project(front + vec3(x * half, y * half, 0.0));
        let corners = [corner(-1.0, 1.0)?, corner(1.0, 1.0)?, corner(1.0, -1.0)?, corner(-1.0, -1.0)?];
        (projection.camera.position.z > front.z).then_some(Self { slab: index, cell, value, corners, centre })
    }

    /// The distance between the middles of the left and the right edge along x, in points.
    fn width(&self) -> f32 {
        let [a, b, c, d] = self.corners;
        0.5 * ((b.x + c.x) - (a.x + d.x)).abs()
    }

    /// Returns `true` if a rectangle lies within the face.
    fn contains(&self, place: Rect) -> bool {
        let edges = self.corners.into_iter().zip(self.corners.into_iter().cycle().skip(1));
        // Clockwise with y downwards.
        edges.into_iter().all(|(from, to)| {
            let normal = (to - from).rot90();
            corners_of(place).into_iter().all(|corner| (corner - from).dot(normal) <= 0.0)
        })
    }
}

impl CellText {
    /// Lays out a number in the greatest size in which it fits on the face, and below it the first of the `details`
    /// that fits as well. `None` if the number does not fit.
    fn fitting(
        painter: &Painter,
        face: &CellFace,
        number: &str,
        details: &[String],
        colour: Color32,
    ) -> Option<Self> {
        let largest = (FONT_SHARE * face.width()).min(f32::from(*FONT_SIZES.end())) as u8;
        let sizes = || (*FONT_SIZES.start()..=largest.max(*FONT_SIZES.start())).rev().map(f32::from);
        let details = details.iter().map(Some).chain([None]);
        details
            .flat_map(|detail| sizes().map(move |size| (detail, size)))
            .map(|(detail, size)| Self::of(painter, face.centre, (number, detail, size), colour))
            .find(|text| text.lines.iter().all(|(_, place)| face.contains(place.expand(1.0))))
    }

    /// Lays out a number of a font size and a detail below it around a point.
    fn of(
        painter: &Painter,
        centre: Pos2,
        (number, detail, size): (&str, Option<&String>, f32),
        colour: Color32,
    ) -> Self {
        let detail_size = (DETAIL_SHARE.0 * size).round().max(DETAIL_SHARE.1);
        let mut galleys =
            vec![(painter.layout_no_wrap(number.to_owned(), FontId::new(size, semibold()), colour), size)];
        galleys.extend(detail.map(|detail| {
            let font = FontId::proportional(detail_size);
            (painter.layout_no_wrap(detail.clone(), font, colour), detail_size)
        }));
        let line_height = |galley: &Galley, size: f32| galley.size().y - 2.0 * LEADING * size;
        let height: f32 = galleys.iter().map(|(galley, size)| line_height(galley, *size)).sum();
        let mut top = centre.y - 0.5 * height;
        let lines = galleys.into_iter().map(|(galley, size)| {
            let line = vec2(galley.size().x, line_height(&galley, size));
            let place = Rect::from_min_size(pos2(centre.x - 0.5 * line.x, top), line);
            top += line.y;
            (galley, place)
        });
        Self { lines: lines.collect() }
    }
}

fn corners_of(rect: Rect) -> [Pos2; 4] {
    [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom()]
}
