//! The network as a strip: one bar per layer, arcs for edges that skip layers, and a mark below the layers in
//! view.

mod bars;
#[cfg(test)]
mod tests;

use egui::accesskit::{Action, ActionData};
use egui::epaint::QuadraticBezierShape;
use egui::{
    Color32, CornerRadius, EventFilter, Key, Modifiers, Painter, Rect, Response, Role, Sense, Stroke,
    StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use glam::{Mat4, Vec3};

use crate::model::layout::Slab;
use crate::model::{Edge, Layout, NodePlaces, Recording, ViewState};
use crate::ui::style::Palette;
use crate::ui::text;
use crate::ui::widgets::focus_ring;

/// Height of the strip, in points.
const HEIGHT: f32 = 44.0;
/// Space to the left and right of the bars, in points.
const MARGIN: f32 = 8.0;
/// Space above the bars, for arcs, in points.
const ABOVE: f32 = 12.0;
/// Space below the bars, for the mark below the layers in view, in points.
const BELOW: f32 = 6.0;
/// Minimum width of a layer, in points. Narrower layers share bars.
const PITCH: f32 = 3.0;
/// Maximum number of arcs; the longest are drawn.
const ARCS: usize = 200;

/// The network as a strip, on which a layer can be chosen.
pub struct Minimap<'a> {
    /// The recording.
    pub recording: &'a Recording,
    /// The positions of the slabs; a hidden layer may have none.
    pub layout: &'a Layout,
    /// The view, of which hidden layers, camera and colour map count.
    pub view: &'a ViewState,
    /// Width of the scene divided by its height, which limits the part in view.
    pub aspect: f32,
    /// Mean of each layer; NaN is no value. The colour map reaches from the lowest mean, or 0 if
    /// that is lower, to the highest; a diverging map is symmetric around 0.
    pub means: Option<&'a [f32]>,
    /// The framed layer, as an index into [`Recording::layers`].
    pub framed: Option<usize>,
    /// The layer hovered in the scene, as an index into [`Recording::layers`].
    pub hovered: Option<usize>,
    /// The colours.
    pub palette: Palette,
}

impl Minimap<'_> {
    /// Shows the strip over the available width; returns the layer to be framed.
    pub fn show(&self, ui: &mut Ui) -> Option<usize> {
        let (rect, response) =
            ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::click_and_drag());
        let layers = &self.recording.layers;
        let framed = self.framed.and_then(|layer| layers.get(layer));
        response.widget_info(|| {
            let place = self.framed.filter(|_| framed.is_some()).map_or(0.0, |layer| layer as f64 + 1.0);
            let mut info = WidgetInfo::slider(ui.is_enabled(), place, "Minimap");
            info.role = Role::Slider;
            let text = framed.map_or_else(|| "no single layer".to_owned(), |layer| layer.name.clone());
            info.current_text_value = Some(text);
            info
        });
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_min_numeric_value(1.0);
            node.set_max_numeric_value(layers.len() as f64);
        });
        if layers.is_empty() {
            return None;
        }
        let strip = rect.shrink2(vec2(MARGIN, 0.0));
        let places = self.places(strip);
        let under = response.hover_pos().map(|pointer| nearest(&places, pointer.x));
        let target = self.requested_layer(ui, &response, &places);

        if ui.is_rect_visible(rect) {
            self.paint(ui.painter(), strip, &places, under);
            focus_ring(ui, &response, self.palette);
        }
        if let Some(layer) = under {
            response.on_hover_text_at_pointer(self.tip(layer));
        }
        target.filter(|target| Some(*target) != self.framed)
    }

    /// Returns the layer that the pointer, a key or a screen reader requests.
    fn requested_layer(&self, ui: &Ui, response: &Response, places: &[f32]) -> Option<usize> {
        if (response.clicked() || response.dragged())
            && let Some(pointer) = response.interact_pointer_pos()
        {
            return Some(nearest(places, pointer.x));
        }
        let (mut steps, mut target) = (0isize, None);
        ui.input(|input| {
            let requests = |action| input.num_accesskit_action_requests(response.id, action) as isize;
            steps += requests(Action::Increment) - requests(Action::Decrement);
            for request in input.accesskit_action_requests(response.id, Action::SetValue) {
                if let Some(ActionData::NumericValue(value)) = request.data {
                    target = Some(value.round().max(1.0) as usize - 1);
                }
            }
        });
        let last = places.len() - 1;
        if response.has_focus() {
            let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
            ui.input_mut(|input| {
                let mut presses = |key| input.count_and_consume_key(Modifiers::NONE, key) as isize;
                steps += presses(Key::ArrowRight) - presses(Key::ArrowLeft);
                if presses(Key::Home) > 0 {
                    target = Some(0);
                }
                if presses(Key::End) > 0 {
                    target = Some(last);
                }
            });
        }
        if steps != 0 {
            target = Some(match self.framed {
                Some(layer) => layer.saturating_add_signed(steps),
                // From the overview, the first step goes to an end.
                None if steps < 0 => last,
                None => 0,
            });
        }
        target.map(|layer| layer.min(last))
    }

    fn paint(&self, painter: &Painter, strip: Rect, places: &[f32], under: Option<usize>) {
        let ground = strip.bottom() - BELOW;
        let most = strip.height() - ABOVE - BELOW;
        self.arcs(painter, places, strip.top() + 1.0, ground - most);
        let bars = self.bars(strip, places);
        painter.add(self.mesh(&bars, ground, most));
        painter.hline(strip.x_range(), ground + 0.5, Stroke::new(1.0, self.palette.line));
        for (from, to) in self.visible_stretches(places) {
            let line = Rect::from_x_y_ranges(from - 2.0..=to + 2.0, ground + 3.0..=ground + 5.0);
            painter.rect_filled(line, CornerRadius::same(1), self.palette.dim);
        }
        let mark = |layer: usize, colour: Color32| {
            let Some(x) = places.get(layer) else { return };
            let place = Rect::from_x_y_ranges(x - 4.0..=x + 4.0, ground - most - 2.0..=ground + 1.0);
            painter.rect_stroke(place, CornerRadius::same(2), Stroke::new(1.5, colour), StrokeKind::Middle);
        };
        for layer in [self.hovered, under].into_iter().flatten() {
            mark(layer, self.palette.accent.gamma_multiply(0.55));
        }
        if let Some(layer) = self.framed {
            mark(layer, self.palette.accent);
        }
    }

    /// Paints the edges that skip layers.
    fn arcs(&self, painter: &Painter, places: &[f32], top: f32, bottom: f32) {
        let nodes = NodePlaces::new(&self.recording.edges);
        // A joint lies in the middle between two layers.
        let place = |node| {
            let position = nodes.position(node)?;
            Some((places.get(position / 2)? + places.get(position.div_ceil(2))?) / 2.0)
        };
        let ends = |edge: &Edge| {
            let skips = !nodes.passed(edge)?.is_empty();
            let (from, to) = (place(edge.from)?, place(edge.to)?);
            Some((from.min(to), from.max(to))).filter(|(from, to)| skips && to - from >= 2.0 * PITCH)
        };
        let mut spans: Vec<(f32, f32)> = self.recording.edges.iter().filter_map(ends).collect();
        if spans.is_empty() {
            return;
        }
        let length = |span: &(f32, f32)| span.1 - span.0;
        if spans.len() > ARCS {
            spans.select_nth_unstable_by(ARCS, |a, b| length(b).total_cmp(&length(a)));
            spans.truncate(ARCS);
        }
        let longest = spans.iter().map(length).fold(1.0, f32::max);
        let stroke = Stroke::new(1.0, self.palette.dim.gamma_multiply(0.6));
        for (from, to) in spans {
            // Long arcs rise higher. A quadratic curve reaches half the height of its control point.
            let rise = 2.0 * (bottom - top) * (0.35 + 0.65 * ((to - from) / longest).sqrt());
            let points = [pos2(from, bottom), pos2((from + to) / 2.0, bottom - rise), pos2(to, bottom)];
            painter.add(QuadraticBezierShape::from_points_stroke(
                points,
                false,
                Color32::TRANSPARENT,
                stroke,
            ));
        }
    }

    /// Returns the stretches of the strip whose slabs are in view.
    fn visible_stretches(&self, places: &[f32]) -> Vec<(f32, f32)> {
        let camera = &self.view.camera;
        let clip_from_world = camera.clip_from_world(self.aspect.max(0.01));
        let mut stretches: Vec<(f32, f32)> = Vec::new();
        let mut before = false;
        for slab in &self.layout.slabs {
            let Some(x) = places.get(slab.layer).copied() else { continue };
            let seen = camera.presence(slab) > 0.05 && is_visible(clip_from_world, slab);
            match stretches.last_mut() {
                Some(stretch) if seen && before => stretch.1 = x,
                _ if seen => stretches.push((x, x)),
                _ => {}
            }
            before = seen;
        }
        stretches
    }

    fn tip(&self, layer: usize) -> String {
        let Some(described) = self.recording.layers.get(layer) else { return String::new() };
        let mut tip = described.name.clone();
        if !described.module.is_empty() && described.module != described.name {
            tip.push_str(" · ");
            tip.push_str(&described.module);
        }
        let units = if described.units == 1 { "unit" } else { "units" };
        tip.push_str(&format!("\n{} {units}", text::format_count(described.units as u64)));
        if let Some(mean) = self.means.and_then(|means| means.get(layer)).filter(|mean| mean.is_finite()) {
            tip.push_str(&format!(" · mean {}", text::format_value(*mean, mean.abs())));
        }
        if self.view.hidden.contains(described.name.as_str()) {
            tip.push_str(" · hidden");
        }
        tip
    }
}

/// Returns `true` if a part of a slab's box may be visible: its corners are not all beyond one edge.
fn is_visible(clip_from_world: Mat4, slab: &Slab) -> bool {
    let (low, high) = slab.bounds();
    let mut beyond = [true; 5];
    for corner in 0..8 {
        let corner =
            Vec3::select(glam::BVec3::new(corner & 1 == 1, corner & 2 == 2, corner & 4 == 4), high, low);
        let clip = clip_from_world * corner.extend(1.0);
        let sides = [clip.x < -clip.w, clip.x > clip.w, clip.y < -clip.w, clip.y > clip.w, clip.w <= 0.0];
        beyond.iter_mut().zip(sides).for_each(|(all, side)| *all &= side);
        if beyond.iter().all(|all| !all) {
            return true;
        }
    }
    beyond.iter().all(|all| !all)
}

/// Returns the layer at the nearest position.
fn nearest(places: &[f32], x: f32) -> usize {
    let after = places.partition_point(|place| *place < x);
    match (after.checked_sub(1), places.get(after)) {
        (Some(before), Some(next)) if x - places[before] <= next - x => before,
        (_, Some(_)) => after,
        (Some(before), None) => before,
        (None, None) => 0,
    }
}
