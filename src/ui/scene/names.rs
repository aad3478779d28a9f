//! The names in a scene: those of stages first, then those of blocks and layers, where there is room.

use egui::{Color32, FontId, Galley, Painter, Pos2, Rect, Stroke, pos2, vec2};
use std::sync::Arc;

use super::description::SceneDescription;
use super::labels::LabelPlacer;
use super::projection::{ConvexOutline, Projection};
use crate::model::module_tree::SEPARATORS;
use crate::model::{GroupPlace, LayerIndex};
use crate::ui::style::{Palette, SMALL, TEXT, semibold};
use crate::ui::text;

/// Greatest length of the leader line from a slab, and from a stage, to its name, in points.
const LEADERS: (f32, f32) = (64.0, 190.0);
/// Most names for which a place is looked for in one picture.
const MOST_TRIED: usize = 500;
/// The most characters of a name.
const LONGEST: usize = 36;
/// The most characters of a module's class.
const LONGEST_MODULE: usize = 20;
/// Classes of modules that say nothing about what is in them.
const CONTAINERS: [&str; 3] = ["Sequential", "ModuleList", "ModuleDict"];
/// Least width and height of a tile of a folded group that is named, in points.
const NAMED_TILE: f32 = 100.0;
/// Distance of the copies of a text that keep a line behind it away, in points.
const HALO: f32 = 1.2;

/// Something with a name.
struct Named {
    /// Importance, the least first.
    rank: (u8, usize),
    of: Owner,
    outline: ConvexOutline,
    /// The name is that of a stage or block, not of a layer.
    is_group: bool,
    highlighted: bool,
}

/// The owner of a name.
#[derive(Clone, Copy)]
enum Owner {
    /// Index of a group of the layout.
    Group(usize),
    /// Index of a slab.
    Slab(usize),
}

impl SceneDescription<'_> {
    /// Paints names where there is room; returns the slabs that are named. `outlines` are those of the slabs and
    /// of the input's picture.
    pub(super) fn paint_names(
        &self,
        painter: &Painter,
        projection: Projection,
        outlines: &[Option<ConvexOutline>],
        palette: Palette,
        taken: &mut Vec<Rect>,
    ) -> Vec<usize> {
        let mut named = Vec::new();
        for object in self.named(projection, outlines).into_iter().take(MOST_TRIED) {
            let colour = if object.highlighted { palette.accent } else { palette.text };
            let size = if object.is_group { TEXT } else { SMALL };
            let (title, detail) = self.texts(object.of);
            let title = painter.layout_no_wrap(title, FontId::new(size, semibold()), colour);
            let detail = painter.layout_no_wrap(detail, FontId::proportional(SMALL - 1.0), palette.dim);
            let full = vec2(title.size().x.max(detail.size().x), title.size().y + detail.size().y);
            for (size, with_detail) in [(full, true), (title.size(), false)] {
                let max_leader = if object.is_group { LEADERS.1 } else { LEADERS.0 };
                let placer = LabelPlacer { rect: projection.rect, outlines, taken, max_leader };
                let Some(label) = placer.find(size, &object.outline) else { continue };
                if let Some([from, to]) = label.leader {
                    painter.line_segment([from, to], Stroke::new(1.0, palette.dim.gamma_multiply(0.5)));
                }
                let left =
                    |text: &Galley| label.place.left() + label.align * (label.place.width() - text.size().x);
                let title_at = pos2(left(&title), label.place.top());
                if with_detail {
                    let detail_at = pos2(left(&detail), title_at.y + title.size().y);
                    paint_text(painter, detail_at, &detail, palette.dim, palette.ground);
                }
                paint_text(painter, title_at, &title, colour, palette.ground);
                taken.extend(label.covered());
                match object.of {
                    Owner::Slab(slab) => named.push(slab),
                    Owner::Group(group) => {
                        let group = &self.layout.groups[group];
                        named.extend(group.layers.clone().filter(|_| group.folded));
                    }
                }
                break;
            }
        }
        named
    }

    /// Returns what has a name, the most important first: the highlighted slab, stages, the two ends, blocks and
    /// layers evenly spaced, and then the tiles of folded groups that are near.
    fn named(&self, projection: Projection, outlines: &[Option<ConvexOutline>]) -> Vec<Named> {
        let mut objects = Vec::new();
        let highlighted = self.highlighted.map(|LayerIndex(layer)| layer);
        for (index, group) in self.layout.groups.iter().enumerate() {
            let Some(&(low, high)) = group.bounds.first() else { continue };
            let is_present = self.view.camera.presence_at((low + high) / 2.0) > 0.5;
            let Some(outline) = projection.outline(low, high).filter(|_| is_present) else { continue };
            let is_highlighted =
                group.folded && highlighted.is_some_and(|layer| group.layers.contains(&layer));
            if !group.folded && self.is_covered(group) {
                continue;
            }
            objects.push(Named {
                rank: if group.depth <= 1 { (1, index) } else { (2, even_order(index)) },
                of: Owner::Group(index),
                outline,
                is_group: group.depth <= 1,
                highlighted: is_highlighted,
            });
        }
        let mut in_folded = vec![false; self.layout.slabs.len()];
        for group in self.layout.groups.iter().filter(|group| group.folded) {
            let end = group.layers.end.min(in_folded.len());
            in_folded[group.layers.start.min(end)..end].fill(true);
        }
        let last = self.layout.slabs.len().saturating_sub(1);
        for (index, slab) in self.layout.slabs.iter().enumerate() {
            let Some(Some(outline)) = outlines.get(index) else { continue };
            let in_folded = in_folded[index];
            let is_highlighted = highlighted == Some(slab.layer);
            let bounds = outline.bounds();
            if in_folded && !is_highlighted && bounds.size().min_elem() < NAMED_TILE {
                continue;
            }
            objects.push(Named {
                rank: match (is_highlighted, in_folded) {
                    (true, _) => (0, 0),
                    (_, true) => (5, index),
                    _ if index == 0 || index == last => (1, index),
                    _ => (3, even_order(index)),
                },
                of: Owner::Slab(index),
                outline: outline.clone(),
                is_group: false,
                highlighted: is_highlighted,
            });
        }
        objects.sort_by_key(|object| object.rank);
        objects
    }

    /// Returns a name and the line below it.
    fn texts(&self, of: Owner) -> (String, String) {
        match of {
            Owner::Group(group) => {
                let group = &self.layout.groups[group];
                (text::shortened_name(&self.group_title(group), LONGEST), group_detail(group))
            }
            Owner::Slab(slab) => {
                let layer = self.layout.slabs[slab].layer;
                let name = self.recording.layers.get(layer).map_or("", |layer| layer.name.as_str());
                (text::shortened_name(&self.layer_title(layer, name), LONGEST), self.slab_detail(slab))
            }
        }
    }

    /// Returns `true` if the name of an unfolded group says little: it contains most of the network, or of the group
    /// around it.
    fn is_covered(&self, group: &GroupPlace) -> bool {
        let is_most = |whole: usize| 5 * group.layers.len() >= 4 * whole;
        let around = self.layout.groups.iter().rfind(|other| is_around(other, group));
        is_most(around.map_or(self.layout.slabs.len(), |other| other.layers.len()))
    }

    /// Returns the name of a layer without that of the unfolded group that it is in, if that says enough.
    fn layer_title(&self, layer: usize, name: &str) -> String {
        let path = self.layout.group_of(layer).map_or("", |group| self.layout.groups[group].path.as_str());
        within(path, name)
    }

    /// Returns the name of a group without that of the unfolded group that it is in, if that says enough.
    fn group_title(&self, group: &GroupPlace) -> String {
        let around = self.layout.groups.iter().rfind(|other| is_around(other, group));
        let path = around.map_or("", |other| other.path.as_str());
        within(path, &group.path)
    }
}

/// Returns `true` if a group contains another one.
fn is_around(group: &GroupPlace, inner: &GroupPlace) -> bool {
    group.depth < inner.depth
        && group.layers.start <= inner.layers.start
        && group.layers.end >= inner.layers.end
}

/// Returns the part of a name after the path of the group around it; with the last part of that path if the rest is
/// only a number.
fn within(path: &str, name: &str) -> String {
    let Some(rest) =
        name.strip_prefix(path).and_then(|rest| rest.strip_prefix(SEPARATORS)).filter(|_| !path.is_empty())
    else {
        return name.to_owned();
    };
    if rest.chars().all(|character| character.is_ascii_digit() || SEPARATORS.contains(&character)) {
        let last = path.rsplit(SEPARATORS).next().unwrap_or(path);
        return format!("{last}.{rest}");
    }
    rest.to_owned()
}

/// Returns what a group contains.
fn group_detail(group: &GroupPlace) -> String {
    if group.groups > 1 && !group.inner_module.is_empty() {
        return format!("{} × {}", group.groups, text::shortened_name(&group.inner_module, LONGEST_MODULE));
    }
    let layers = match group.layers.len() {
        1 => "1 layer".to_owned(),
        count => format!("{} layers", text::format_count(count as u64)),
    };
    if group.module.is_empty() || CONTAINERS.contains(&group.module.as_str()) {
        layers
    } else {
        format!("{} · {layers}", text::shortened_name(&group.module, LONGEST_MODULE))
    }
}

/// Returns a rank by which evenly spaced indices come first: that of the powers of two in them.
fn even_order(index: usize) -> usize {
    usize::MAX - (index.trailing_zeros() as usize)
}

/// Paints text with a rim of the colour of the background, so that it is legible over lines.
fn paint_text(painter: &Painter, at: Pos2, galley: &Arc<Galley>, colour: Color32, ground: Color32) {
    let rim = ground.gamma_multiply(0.7);
    for offset in [vec2(HALO, 0.0), vec2(-HALO, 0.0), vec2(0.0, HALO), vec2(0.0, -HALO)] {
        painter.galley_with_override_text_color(at + offset, Arc::clone(galley), rim);
    }
    painter.galley(at, Arc::clone(galley), colour);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_within_a_group_are_the_part_that_is_new() {
        assert_eq!(within("layer3.2", "layer3.2.conv3"), "conv3");
        assert_eq!(within("layer3", "layer3.2"), "layer3.2", "a number alone says nothing");
        assert_eq!(within("features", "features.0.0"), "features.0.0");
        assert_eq!(within("", "conv1"), "conv1");
        assert_eq!(within("layer", "layer3.2"), "layer3.2", "no group around it");
    }
}
