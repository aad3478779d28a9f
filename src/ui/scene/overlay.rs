//! What is written over the scene: layer names, class names, the legend. The window and headless
//! stills paint the same.

use egui::{Align2, CornerRadius, FontId, Painter, Pos2, Rect, Stroke, Vec2, pos2, vec2};
use glam::vec3;

use super::description::SceneDescription;
use super::hover;
use super::labels::LabelPlacer;
use super::legend;
use crate::model::layout::SLAB_THICKNESS;
use crate::model::{Layer, Recording, Slab};
use crate::ui::scene::camera_moves;
use crate::ui::scene::projection::Outline;
use crate::ui::scene::projection::Projection;
use crate::ui::style::Palette;
use crate::ui::style::SMALL;
use crate::ui::style::TEXT;
use crate::ui::style::semibold;
use crate::ui::text;

/// Free space between a class name and its cell, and around names.
const AIR: f32 = 4.0;
/// Sizes between which class names follow their cells.
const CLASS_TEXT: std::ops::RangeInclusive<f32> = 8.0..=15.0;

impl SceneDescription<'_> {
    /// Paints labels, legend and pins over the scene, which fills `rect`.
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
            let slabs: Vec<Option<Outline>> = self
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
            let outlines: Vec<Option<Outline>> = slabs.into_iter().chain([picture]).collect();
            self.name_classes(&painter, projection, &outlines, palette, &mut taken);
            let named = self.name_layers(&painter, rect, &outlines, palette, &mut taken);
            self.caption(&painter, rect, &named, palette);
        }
        hover::paint_pins(self, &painter, rect, taken);
    }

    /// Says in the corner which slab fills the middle, where its name found no place.
    fn caption(&self, painter: &Painter, rect: Rect, named: &[usize], palette: Palette) {
        let camera = &self.view.camera;
        let ahead = camera_moves::pick(self.layout, camera, camera.forward());
        let Some(slab) = ahead.map(|hit| hit.slab).filter(|slab| !named.contains(slab)) else { return };
        let Some(layer) = self.recording.layers.get(self.layout.slabs[slab].layer) else { return };
        let title = painter.layout_no_wrap(
            text::truncate(&layer.name, 40),
            FontId::new(TEXT, semibold()),
            palette.text,
        );
        let detail = painter.layout_no_wrap(self.kind(slab), FontId::proportional(SMALL), palette.dim);
        let size = vec2(title.size().x.max(detail.size().x), title.size().y + detail.size().y);
        let place = Rect::from_min_size(rect.min + vec2(16.0, 16.0), size);
        painter.rect_filled(place.expand(8.0), CornerRadius::same(6), palette.ground.gamma_multiply(0.9));
        let below = place.min + vec2(0.0, title.size().y);
        painter.galley(place.min, title, palette.text);
        painter.galley(below, detail, palette.dim);
    }

    fn name_classes(
        &self,
        painter: &Painter,
        projection: Projection,
        outlines: &[Option<Outline>],
        palette: Palette,
        taken: &mut Vec<Rect>,
    ) {
        let Some(slab) = self.layout.slabs.last() else { return };
        let seen = self.view.camera.presence(slab) > 0.5;
        if !seen || slab.grid.columns != 1 || !self.recording.has_class_outputs() {
            return;
        }
        let Some(places) = class_places(self.recording, slab, projection) else { return };
        let size = places.size.min(*CLASS_TEXT.end());
        if size < *CLASS_TEXT.start() {
            return;
        }
        let own = self.layout.slabs.len() - 1;
        let others = || outlines.iter().enumerate().filter(|(index, _)| *index != own);
        for (name, at) in places.names {
            let galley =
                painter.layout_no_wrap(text::truncate(name, 24), FontId::proportional(size), palette.text);
            let place = Align2::LEFT_CENTER.anchor_size(at, galley.size());
            let covers = others().any(|(_, outline)| outline.as_ref().is_some_and(|it| it.meets(place)));
            if covers
                || !projection.rect.shrink(AIR).contains_rect(place)
                || taken[..1].iter().any(|r| r.intersects(place))
            {
                continue;
            }
            painter.galley(place.min, galley, palette.text);
            taken.push(place.expand(1.0));
        }
    }

    /// Names the slabs where there is room, and returns which got their names.
    fn name_layers(
        &self,
        painter: &Painter,
        rect: Rect,
        outlines: &[Option<Outline>],
        palette: Palette,
        taken: &mut Vec<Rect>,
    ) -> Vec<usize> {
        let mut named = Vec::new();
        // Ribbons may pass behind names.
        let branches = self.view.edges && self.recording.has_branches();
        for slab in self.order() {
            let (Some(layer), Some(Some(outline))) =
                (self.recording.layers.get(self.layout.slabs[slab].layer), outlines.get(slab))
            else {
                continue;
            };
            let lit = self.highlighted == Some(self.layout.slabs[slab].layer);
            let colour = if lit { palette.accent } else { palette.text };
            let title = painter.layout_no_wrap(
                text::truncate(&layer.name, 28),
                FontId::new(SMALL, semibold()),
                colour,
            );
            let detail =
                painter.layout_no_wrap(self.kind(slab), FontId::proportional(SMALL - 1.0), palette.dim);
            let full = vec2(title.size().x.max(detail.size().x), title.size().y + detail.size().y);
            for (size, with_detail) in [(full, true), (title.size(), false)] {
                let Some(spot) = LabelPlacer { rect, outlines, taken }.find(size, outline) else { continue };
                if let Some([from, to]) = spot.leader {
                    painter.line_segment([from, to], Stroke::new(1.0, palette.dim.gamma_multiply(0.5)));
                }
                if branches {
                    painter.rect_filled(spot.place.expand(1.0), 3, palette.ground.gamma_multiply(0.85));
                }
                let left = |text: &egui::Galley| {
                    spot.place.left() + spot.align * (spot.place.width() - text.size().x)
                };
                let title_at = pos2(left(&title), spot.place.top());
                if with_detail {
                    let detail_at = pos2(left(&detail), title_at.y + title.size().y);
                    painter.galley(detail_at, detail, palette.dim);
                }
                painter.galley(title_at, title, colour);
                taken.extend(spot.covers());
                named.push(slab);
                break;
            }
        }
        named
    }

    /// What the layer of a slab is, in few words, or that the run that is subtracted lacks it.
    fn kind(&self, slab: usize) -> String {
        let layer = self.layout.slabs.get(slab).map_or(slab, |slab| slab.layer);
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
            None => self.recording.layers.get(layer).map(kind).unwrap_or_default(),
        }
    }

    /// Slabs by the right to be named: the one pointed at, the two ends, then every second, fourth…
    /// so that names thin out evenly.
    fn order(&self) -> Vec<usize> {
        let count = self.layout.slabs.len();
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(|&slab| {
            let lit = self.highlighted == Some(self.layout.slabs[slab].layer);
            let end = slab == 0 || slab + 1 == count;
            (!lit, !end, std::cmp::Reverse(slab.trailing_zeros()), slab)
        });
        order
    }
}

/// Where the names of the classes stand, and how large one cell is seen, in points.
struct ClassPlaces<'a> {
    size: f32,
    names: Vec<(&'a str, Pos2)>,
}

fn class_places<'a>(
    recording: &'a Recording,
    slab: &Slab,
    projection: Projection,
) -> Option<ClassPlaces<'a>> {
    let mut names = Vec::with_capacity(recording.classes.len());
    // Beside the edge that is seen at the right.
    let middle = slab.cell_centre(0, 0);
    let side = |sign: f32| middle + vec3(sign * 0.5 * slab.pitch, 0.0, -0.5 * SLAB_THICKNESS);
    let right_edge = if projection.see(side(1.0))?.x >= projection.see(side(-1.0))?.x { 1.0 } else { -1.0 };
    let mut least = f32::INFINITY;
    for class in &recording.classes {
        let row = u32::try_from(class.id).ok().filter(|&row| row < slab.grid.rows)?;
        let centre = slab.cell_centre(0, row);
        let half = vec3(0.0, 0.5 * slab.pitch, 0.0);
        let (top, bottom) = (projection.see(centre + half)?, projection.see(centre - half)?);
        least = least.min((bottom - top).length());
        let edge = centre + vec3(right_edge * 0.5 * slab.pitch, 0.0, 0.0);
        names.push((class.name.as_str(), projection.see(edge)? + Vec2::new(2.0 * AIR, 0.0)));
    }
    Some(ClassPlaces { size: 0.62 * least, names })
}

/// What a layer is, in few words.
fn kind(layer: &Layer) -> String {
    let units = format!("{} units", text::format_count(layer.units as u64));
    if layer.module.is_empty() || layer.module == layer.name {
        units
    } else {
        format!("{} · {units}", text::truncate(&layer.module, 20))
    }
}
