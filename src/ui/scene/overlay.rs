//! The overlay of a scene: names of layers and classes, the legend, pins. The same in the window and in
//! stills.

use egui::{CornerRadius, FontId, Painter, Rect, vec2};
use glam::vec3;

use super::description::SceneDescription;
use super::projection::{ConvexOutline, Projection};
use super::{camera_moves, hover, legend};
use crate::model::module_tree::SEPARATORS;
use crate::model::{Layer, LayerIndex};
use crate::ui::style::{Palette, SMALL, TEXT, semibold};
use crate::ui::text;

/// Least height of a slab whose path is painted in the corner, as a share of that of the picture.
const CAPTION_HEIGHT: f32 = 0.3;

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
            let told = self.paint_outputs(&painter, projection, &outlines, palette, &mut taken);
            let named = self.paint_names(&painter, projection, &outlines, palette, &mut taken);
            taken.extend(self.paint_caption(&painter, rect, &outlines, (&named, &taken), palette));
            self.paint_cell_numbers(&painter, projection, &outlines, (&taken, told));
        }
        hover::paint_pins(self, &painter, rect, taken);
    }

    /// Paints the path of the slab in the middle of the picture in the corner, unless it is among the `named` ones
    /// or small, or the path would cover what is `taken`. Returns the area that it covers.
    fn paint_caption(
        &self,
        painter: &Painter,
        rect: Rect,
        outlines: &[Option<ConvexOutline>],
        (named, taken): (&[usize], &[Rect]),
        palette: Palette,
    ) -> Option<Rect> {
        let camera = &self.view.camera;
        let centred = camera_moves::pick_slab(self.layout, camera, camera.forward());
        let slab = centred.map(|hit| hit.slab).filter(|slab| !named.contains(slab))?;
        // A slab that reaches behind the camera has no outline.
        let height = outlines.get(slab).and_then(Option::as_ref).map(|outline| outline.bounds().height());
        if height.is_some_and(|height| height < CAPTION_HEIGHT * rect.height()) {
            return None;
        }
        let layer = self.recording.layers.get(self.layout.slabs[slab].layer)?;
        let path = text::shortened_name(&layer.name, 48).replace(SEPARATORS, " › ");
        let title = painter.layout_no_wrap(path, FontId::new(TEXT, semibold()), palette.text);
        let detail = painter.layout_no_wrap(self.slab_detail(slab), FontId::proportional(SMALL), palette.dim);
        let size = vec2(title.size().x.max(detail.size().x), title.size().y + detail.size().y);
        let place = Rect::from_min_size(rect.min + vec2(16.0, 16.0), size);
        let area = place.expand(8.0);
        if taken.iter().any(|other| other.intersects(area)) {
            return None;
        }
        painter.rect_filled(area, CornerRadius::same(6), palette.ground.gamma_multiply(0.9));
        let below = place.min + vec2(0.0, title.size().y);
        painter.galley(place.min, title, palette.text);
        painter.galley(below, detail, palette.dim);
        Some(area)
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

/// Returns the module and number of units of a layer.
fn layer_detail(layer: &Layer) -> String {
    let units = format!("{} units", text::format_count(layer.units as u64));
    if layer.module.is_empty() || layer.module == layer.name {
        units
    } else {
        format!("{} · {units}", text::truncate(&layer.module, 20))
    }
}
