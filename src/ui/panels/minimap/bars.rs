//! The bars of the strip: positions, sizes, colours and the mesh that draws them.

use egui::{Color32, Mesh, Rect};

use super::{Minimap, PITCH};
use crate::model::colour::TABLE_SIZE;
use crate::ui::style::colour_of;

/// Maximum width of a bar, in points.
const BAR: f32 = 10.0;

/// A bar of the strip: one layer, or several that share a slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LayerBar {
    /// Centre, in points.
    pub(super) x: f32,
    /// Half the width, in points.
    pub(super) half: f32,
    /// Share of the greatest height, in (0, 1].
    pub(super) height: f32,
    /// The mean; of several layers, that of greatest absolute value. `None` without a value.
    pub(super) mean: Option<f32>,
    /// All its layers are hidden.
    pub(super) hidden: bool,
}

impl Minimap<'_> {
    /// Returns the position of every layer, in ascending order.
    pub(super) fn places(&self, strip: Rect) -> Vec<f32> {
        let count = self.recording.layers.len();
        let mut depths: Vec<Option<f32>> = vec![None; count];
        for slab in &self.layout.slabs {
            if let Some(depth) = depths.get_mut(slab.layer) {
                *depth = Some(-slab.centre.z);
            }
        }
        let mut depths = interpolated(&depths);
        // Positions never decrease along the network.
        let mut furthest = f32::NEG_INFINITY;
        for depth in &mut depths {
            furthest = furthest.max(*depth);
            *depth = furthest;
        }
        let (first, last) = (depths[0], depths[count - 1]);
        let x_of = |depth: f32| {
            if last > first {
                strip.left() + strip.width() * (depth - first) / (last - first)
            } else {
                strip.center().x
            }
        };
        depths.into_iter().map(x_of).collect()
    }

    /// Returns one bar per layer or, if there is too little room, one per slot.
    pub(super) fn bars(&self, strip: Rect, places: &[f32]) -> Vec<LayerBar> {
        let layers = &self.recording.layers;
        let root = |units: usize| (units as f32).sqrt().sqrt();
        let tallest = layers.iter().map(|layer| root(layer.units)).fold(1.0, f32::max);
        let mean = |layer: usize| self.means?.get(layer).copied().filter(|mean| mean.is_finite());
        let hidden = |layer: usize| {
            !self.view.hidden.is_empty() && self.view.hidden.contains(layers[layer].name.as_str())
        };
        let bar = |layer: usize, x: f32, half: f32| LayerBar {
            x,
            half,
            height: root(layers[layer].units) / tallest,
            mean: mean(layer),
            hidden: hidden(layer),
        };
        if layers.len() as f32 <= strip.width() / PITCH {
            return (0..layers.len())
                .map(|layer| {
                    let before = layer
                        .checked_sub(1)
                        .map_or(f32::INFINITY, |previous| places[layer] - places[previous]);
                    let after = places.get(layer + 1).map_or(f32::INFINITY, |next| next - places[layer]);
                    let half = (0.35 * before.min(after)).clamp(1.0, BAR / 2.0);
                    bar(layer, places[layer], half)
                })
                .collect();
        }
        let slot = |x: f32| ((x - strip.left()) / PITCH) as usize;
        let mut bars: Vec<(usize, LayerBar)> = Vec::new();
        for (layer, &x) in places.iter().enumerate() {
            let slot = slot(x);
            let middle = strip.left() + (slot as f32 + 0.5) * PITCH;
            let next = bar(layer, middle, 0.5 * PITCH - 0.25);
            match bars.last_mut() {
                Some((last, shared)) if *last == slot => {
                    shared.height = shared.height.max(next.height);
                    shared.hidden &= next.hidden;
                    let stronger = |mean: &f32| shared.mean.is_none_or(|held| mean.abs() > held.abs());
                    shared.mean = next.mean.filter(stronger).or(shared.mean);
                }
                _ => bars.push((slot, next)),
            }
        }
        bars.into_iter().map(|(_, bar)| bar).collect()
    }

    /// Returns all bars as one mesh.
    pub(super) fn mesh(&self, bars: &[LayerBar], ground: f32, most: f32) -> Mesh {
        let colours = self.colours(bars);
        let mut mesh = Mesh::default();
        mesh.reserve_triangles(2 * bars.len());
        mesh.reserve_vertices(4 * bars.len());
        for (bar, colour) in bars.iter().zip(colours) {
            let top = ground - (bar.height * most).max(3.0);
            let rect = Rect::from_x_y_ranges(bar.x - bar.half..=bar.x + bar.half, top..=ground);
            if bar.hidden {
                // A hidden layer is drawn as an outline.
                let dim = self.palette.dim.gamma_multiply(0.7);
                let edge = |x: egui::Rangef, y: egui::Rangef| Rect::from_x_y_ranges(x, y);
                let (x, y) = (rect.x_range(), rect.y_range());
                mesh.add_colored_rect(edge(x, egui::Rangef::new(y.min, y.min + 1.0)), dim);
                mesh.add_colored_rect(edge(egui::Rangef::new(x.min, x.min + 0.75), y), dim);
                mesh.add_colored_rect(edge(egui::Rangef::new(x.max - 0.75, x.max), y), dim);
            } else {
                mesh.add_colored_rect(rect, colour);
            }
        }
        mesh
    }

    /// Returns the colour of each bar.
    pub(super) fn colours(&self, bars: &[LayerBar]) -> Vec<Color32> {
        let neutral = self.palette.dim.gamma_multiply(0.7);
        let means = || bars.iter().filter_map(|bar| bar.mean);
        let (low, high) = means().fold((0.0f32, 0.0f32), |(low, high), mean| (low.min(mean), high.max(mean)));
        if low >= high {
            return vec![neutral; bars.len()];
        }
        let map = self.view.colours();
        let most = high.max(-low);
        let (low, high) = if map.is_diverging() { (-most, most) } else { (low, high) };
        let table = map.table(self.view.theme);
        let colour_of_mean = |mean: f32| {
            let share = ((mean - low) / (high - low)).clamp(0.0, 1.0);
            colour_of(table[(share * (TABLE_SIZE - 1) as f32).round() as usize])
        };
        bars.iter().map(|bar| bar.mean.map_or(neutral, colour_of_mean)).collect()
    }
}

/// Interpolates missing depths evenly between their neighbours; without any depth, layers are numbered.
fn interpolated(depths: &[Option<f32>]) -> Vec<f32> {
    let known: Vec<(usize, f32)> =
        depths.iter().enumerate().filter_map(|(index, depth)| Some((index, (*depth)?))).collect();
    let (Some(first), Some(last)) = (known.first(), known.last()) else {
        return (0..depths.len()).map(|index| index as f32).collect();
    };
    let (mut next, mut all) = (0, Vec::with_capacity(depths.len()));
    for index in 0..depths.len() {
        while known.get(next).is_some_and(|(at, _)| *at < index) {
            next += 1;
        }
        all.push(match (next.checked_sub(1).map(|previous| known[previous]), known.get(next)) {
            (_, Some(&(at, depth))) if at == index => depth,
            (Some((from, a)), Some(&(to, b))) => a + (b - a) * (index - from) as f32 / (to - from) as f32,
            // Beyond the known depths, layers are 1 apart.
            (None, _) => first.1 - (first.0 - index) as f32,
            (_, None) => last.1 + (index - last.0) as f32,
        });
    }
    all
}
