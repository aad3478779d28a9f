//! The overlay of a scene: names of layers and classes, the legend, pins. The same in the window and in
//! stills.

use egui::{Align2, CornerRadius, FontId, Painter, Pos2, Rect, Vec2, vec2};
use glam::vec3;

use super::description::SceneDescription;
use super::projection::{ConvexOutline, Projection};
use super::{camera_moves, hover, legend};
use crate::model::layout::SLAB_THICKNESS;
use crate::model::module_tree::SEPARATORS;
use crate::model::{Layer, LayerIndex, Recording, Slab};
use crate::ui::style::{Palette, SMALL, TEXT, semibold};
use crate::ui::text;

/// Free space between a class name and its cell, and around names, in points.
const GAP: f32 = 4.0;
/// Least height of a slab whose path is painted in the corner, as a share of that of the picture.
const CAPTION_HEIGHT: f32 = 0.3;
/// Font sizes of class names, in points; in between, the size is proportional to the cells.
const CLASS_FONT_SIZES: std::ops::RangeInclusive<f32> = 8.0..=15.0;

impl SceneDescription<'_> {
    /// Paints labels, legend and pins over the scene in `rect`.
    pub fn paint_overlay(&self, painter: &Painter, rect: Rect) {
        if rect.width() < 1.0 || rect.height() < 1.0 {
            return;
        }
        let painter = painter.with_clip_rect(painter.clip_rect().intersect(rect));
        let palette = Palette::of(self.view.theme);
        let legend = legend::paint(self, &painter, rect, palette);
        let mut taken = vec![legend];
        if self.view.labels {
            let projection = Projection { camera: self.view.camera, rect };
            let slabs: Vec<Option<ConvexOutline>> = self
                .layout
                .slabs
                .iter()
                .map(|slab| {
                    let (low, high) = slab.bounds();
                    if self.view.camera.presence(slab) > 0.5 { projection.outline(low, high) } else { None }
                })
                .collect();
            let picture = self
                .layout
                .picture
                .filter(|_| self.view.camera.is_clear_of_picture())
                .and_then(|aspect| self.layout.picture_place(aspect))
                .and_then(|(corner, size)| {
                    projection.outline(corner - vec3(0.0, size.y, 0.0), corner + vec3(size.x, 0.0, 0.0))
                });
            let outlines: Vec<Option<ConvexOutline>> = slabs.into_iter().chain([picture]).collect();
            self.paint_class_names(&painter, projection, &outlines, palette, &mut taken);
            let named = self.paint_names(&painter, projection, &outlines, palette, &mut taken);
            self.paint_caption(&painter, rect, &outlines, &named, palette);
        }
        hover::paint_pins(self, &painter, rect, taken);
    }

    /// Paints the path of the slab in the middle of the picture in the corner, unless it is among the `named` ones
    /// or small.
    fn paint_caption(
        &self,
        painter: &Painter,
        rect: Rect,
        outlines: &[Option<ConvexOutline>],
        named: &[usize],
        palette: Palette,
    ) {
        let camera = &self.view.camera;
        let centred = camera_moves::pick_slab(self.layout, camera, camera.forward());
        let Some(slab) = centred.map(|hit| hit.slab).filter(|slab| !named.contains(slab)) else { return };
        // A slab that reaches behind the camera has no outline.
        let height = outlines.get(slab).and_then(Option::as_ref).map(|outline| outline.bounds().height());
        if height.is_some_and(|height| height < CAPTION_HEIGHT * rect.height()) {
            return;
        }
        let Some(layer) = self.recording.layers.get(self.layout.slabs[slab].layer) else { return };
        let path = text::shortened_name(&layer.name, 48).replace(SEPARATORS, " › ");
        let title = painter.layout_no_wrap(path, FontId::new(TEXT, semibold()), palette.text);
        let detail = painter.layout_no_wrap(self.slab_detail(slab), FontId::proportional(SMALL), palette.dim);
        let size = vec2(title.size().x.max(detail.size().x), title.size().y + detail.size().y);
        let place = Rect::from_min_size(rect.min + vec2(16.0, 16.0), size);
        painter.rect_filled(place.expand(8.0), CornerRadius::same(6), palette.ground.gamma_multiply(0.9));
        let below = place.min + vec2(0.0, title.size().y);
        painter.galley(place.min, title, palette.text);
        painter.galley(below, detail, palette.dim);
    }

    /// Paints the names of the classes beside the cells of the output layer, where it is one column of them.
    fn paint_class_names(
        &self,
        painter: &Painter,
        projection: Projection,
        outlines: &[Option<ConvexOutline>],
        palette: Palette,
        taken: &mut Vec<Rect>,
    ) {
        let Some(slab) = self.layout.slabs.last() else { return };
        let is_visible = self.view.camera.presence(slab) > 0.5;
        if !is_visible || slab.grid.columns != 1 || !self.recording.has_class_outputs() {
            return;
        }
        let Some(labels) = class_labels(self.recording, slab, projection) else { return };
        let size = labels.size.min(*CLASS_FONT_SIZES.end());
        if size < *CLASS_FONT_SIZES.start() {
            return;
        }
        let own = self.layout.slabs.len() - 1;
        let others = || outlines.iter().enumerate().filter(|(index, _)| *index != own);
        for (name, at) in labels.names {
            let galley =
                painter.layout_no_wrap(text::truncate(name, 24), FontId::proportional(size), palette.text);
            let place = Align2::LEFT_CENTER.anchor_size(at, galley.size());
            let covers_slab = others()
                .any(|(_, outline)| outline.as_ref().is_some_and(|outline| outline.intersects(place)));
            if covers_slab
                || !projection.rect.shrink(GAP).contains_rect(place)
                || taken[..1].iter().any(|legend| legend.intersects(place))
            {
                continue;
            }
            painter.galley(place.min, galley, palette.text);
            taken.push(place.expand(1.0));
        }
    }

    /// Returns the module and number of units of a slab's layer, or a note that the run of side B lacks it.
    pub(super) fn slab_detail(&self, slab: usize) -> String {
        let layer = LayerIndex(self.layout.slabs.get(slab).map_or(slab, |slab| slab.layer));
        match self.unmatched.iter().find(|(missing, _)| *missing == layer) {
            Some((_, units)) => {
                let run = self.runs.minus_run(&self.view.query).map_or("the other run", |run| run.name);
                match units {
                    Some(units) => {
                        format!("{} units in {}", text::format_count(*units as u64), text::truncate(run, 28))
                    }
                    None => format!("not in {}", text::truncate(run, 28)),
                }
            }
            None => self.recording.layers.get(layer.0).map(layer_detail).unwrap_or_default(),
        }
    }
}

/// The names of the classes beside their cells.
struct ClassLabels<'a> {
    /// Font size for which the names do not overlap, in points.
    size: f32,
    /// Each name, and the middle of its left edge.
    names: Vec<(&'a str, Pos2)>,
}

/// Places the names of the classes beside the cells of the slab; `None` if one lies behind the camera or has
/// no cell.
fn class_labels<'a>(
    recording: &'a Recording,
    slab: &Slab,
    projection: Projection,
) -> Option<ClassLabels<'a>> {
    let mut names = Vec::with_capacity(recording.classes.len());
    // Beside the edge that is at the right in the picture.
    let middle = slab.cell_centre(0, 0);
    let edge_at = |sign: f32| middle + vec3(sign * 0.5 * slab.pitch, 0.0, -0.5 * SLAB_THICKNESS);
    let right_edge =
        if projection.project(edge_at(1.0))?.x >= projection.project(edge_at(-1.0))?.x { 1.0 } else { -1.0 };
    let mut min_height = f32::INFINITY;
    for class in &recording.classes {
        let row = u32::try_from(class.id).ok().filter(|&row| row < slab.grid.rows)?;
        let centre = slab.cell_centre(0, row);
        let half = vec3(0.0, 0.5 * slab.pitch, 0.0);
        let (top, bottom) = (projection.project(centre + half)?, projection.project(centre - half)?);
        min_height = min_height.min((bottom - top).length());
        let edge = centre + vec3(right_edge * 0.5 * slab.pitch, 0.0, 0.0);
        names.push((class.name.as_str(), projection.project(edge)? + Vec2::new(2.0 * GAP, 0.0)));
    }
    Some(ClassLabels { size: 0.62 * min_height, names })
}

/// Returns the module and number of units of a layer.
fn layer_detail(layer: &Layer) -> String {
    let units = format!("{} units", text::format_count(layer.units as u64));
    if layer.module.is_empty() || layer.module == layer.name {
        units
    } else {
        format!("{} · {units}", text::truncate(&layer.module, 20))
    }
}
