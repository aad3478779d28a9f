//! The module tree of a network: its layers, grouped by the parts of their names.
//!
//! Of `layer1.0.conv1`, `layer1.0.conv2`, `layer1.1.conv1` the groups are `layer1`, `layer1.0` and `layer1.1`. A
//! group is a run of successive layers: one whose name occurs again further on is another group of the same path.
//! Groups of a single layer, and groups that contain all of their parent, are left out.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Layer, Recording};

/// Characters between the parts of a name: that of PyTorch, and that of Keras.
pub const SEPARATORS: [char; 2] = ['.', '/'];
/// Greatest depth of a group: deeper names are not divided further.
const MAX_DEPTH: usize = 16;
/// Greatest number of slabs, folded groups included, up to which groups are unfolded automatically.
const AUTOMATIC_SLABS: usize = 24;

/// A group of layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleGroup {
    /// The part of the name that all its layers share; empty for the whole network.
    pub path: String,
    /// Index of the group that contains it; `None` for the whole network.
    pub parent: Option<usize>,
    /// Class of the module (`Bottleneck`); empty where it is not recorded.
    pub module: String,
    /// Number of groups that contain it.
    pub depth: usize,
    /// Indices of its layers.
    pub layers: Range<usize>,
}

/// The groups of a network, each after the one that contains it, in the order of the layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleTree {
    /// The first one is the whole network.
    pub groups: Vec<ModuleGroup>,
}

/// The groups that are folded, each to one slab.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fold {
    /// Groups of at least this depth are folded; the stages of a network have the depth 1. `None` for the greatest
    /// depth with a legible number of slabs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
    /// Paths of groups that are not folded, nor are those that contain them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unfolded: BTreeSet<String>,
    /// Paths of groups that are folded, whatever the depth.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub folded: BTreeSet<String>,
}

impl Fold {
    /// The fold with every layer as a slab of its own.
    pub fn none() -> Self {
        Self { depth: Some(usize::MAX), ..Self::default() }
    }

    /// Folds or unfolds a group.
    pub fn set(&mut self, path: &str, folded: bool) {
        if folded {
            // An unfolded group inside it would keep it unfolded.
            self.unfolded.retain(|other| !is_within(other, path));
            self.folded.insert(path.to_owned());
        } else {
            self.folded.retain(|other| !is_within(path, other));
            self.unfolded.insert(path.to_owned());
        }
    }
}

/// A slab, or several: the part of the network that is one item of the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModuleItem {
    /// Index of a layer.
    Layer(usize),
    /// Index of a folded group.
    Group(usize),
}

impl ModuleTree {
    /// Groups the layers of a recording.
    pub fn new(recording: &Recording) -> Self {
        let mut tree = Self::of_layers(&recording.layers);
        for group in &mut tree.groups {
            group.module = recording.modules.get(&group.path).cloned().unwrap_or_default();
        }
        tree
    }

    /// Groups layers by their names.
    pub fn of_layers(layers: &[Layer]) -> Self {
        let names: Vec<Vec<&str>> =
            layers.iter().map(|layer| layer.name.split(SEPARATORS).collect()).collect();
        let all = ModuleGroup {
            path: String::new(),
            parent: None,
            module: String::new(),
            depth: 0,
            layers: 0..layers.len(),
        };
        let mut tree = Self { groups: vec![all] };
        tree.divide(layers, &names, 0, 0);
        tree
    }

    /// Adds the groups within the group of this index, whose layers share the first `level` parts of their names.
    fn divide(&mut self, all: &[Layer], names: &[Vec<&str>], parent: usize, mut level: usize) {
        let ModuleGroup { depth, layers, .. } = self.groups[parent].clone();
        if depth >= MAX_DEPTH {
            return;
        }
        let part =
            |layer: usize, level: usize| names[layer].get(level).filter(|_| names[layer].len() > level + 1);
        let is_shared = |level: usize| {
            let first = part(layers.start, level);
            first.is_some() && layers.clone().all(|layer| part(layer, level) == first)
        };
        while !layers.is_empty() && is_shared(level) {
            level += 1;
        }
        let mut start = layers.start;
        while start < layers.end {
            let name = part(start, level);
            let end = (start + 1..layers.end).find(|&layer| part(layer, level) != name).unwrap_or(layers.end);
            if name.is_some() && end - start > 1 {
                // Up to the separator behind the part of this level.
                let own: &[&str] = &names[start][..=level];
                let length = own.iter().map(|part| part.len() + 1).sum::<usize>() - 1;
                let path = all[start].name[..length].to_owned();
                let group = ModuleGroup {
                    path,
                    parent: Some(parent),
                    module: String::new(),
                    depth: depth + 1,
                    layers: start..end,
                };
                self.groups.push(group);
                self.divide(all, names, self.groups.len() - 1, level + 1);
            }
            start = end;
        }
    }

    /// Returns the groups within a group, without those inside them.
    pub fn children(&self, group: usize) -> impl Iterator<Item = usize> + '_ {
        let end = self.groups[group].layers.end;
        let later = self.groups.iter().enumerate().skip(group + 1);
        later
            .take_while(move |(_, other)| other.layers.start < end)
            .filter(move |(_, other)| other.parent == Some(group))
            .map(|(index, _)| index)
    }

    /// Returns the group of this path, the first one if there are several.
    pub fn find(&self, path: &str) -> Option<usize> {
        self.groups.iter().position(|group| group.path == path)
    }

    /// Returns the outermost group around a layer, without the whole network.
    pub fn stage_of(&self, layer: usize) -> Option<usize> {
        // The groups are sorted by their first layers.
        let after = self.groups.partition_point(|group| group.layers.start <= layer);
        let mut group = after.checked_sub(1)?;
        while self.groups[group].depth > 1 {
            group = self.groups[group].parent?;
        }
        (self.groups[group].depth == 1 && self.groups[group].layers.contains(&layer)).then_some(group)
    }

    /// Returns the slabs of a network, folded groups included, in the order of the layers.
    pub fn items(&self, fold: &Fold) -> Vec<ModuleItem> {
        let depth = fold.depth.unwrap_or_else(|| self.automatic_depth());
        let is_folded = |group: &ModuleGroup| {
            let unfolds = |path: &String| is_within(path, &group.path);
            !fold.unfolded.iter().any(unfolds) && (group.depth >= depth || fold.folded.contains(&group.path))
        };
        let mut items = Vec::new();
        let (mut layer, mut group) = (0, 0);
        let layers = self.groups[0].layers.end;
        while layer < layers {
            // The groups that begin here, the outermost first.
            while self.groups.get(group).is_some_and(|next| next.layers.start < layer) {
                group += 1;
            }
            let begin = self.groups[group.min(self.groups.len())..].iter().enumerate();
            let here = begin.take_while(|(_, next)| next.layers.start == layer);
            let folded = here.clone().find(|(_, next)| is_folded(next)).map(|(offset, _)| group + offset);
            match folded {
                Some(folded) => {
                    items.push(ModuleItem::Group(folded));
                    layer = self.groups[folded].layers.end;
                }
                None => {
                    items.push(ModuleItem::Layer(layer));
                    layer += 1;
                }
            }
        }
        items
    }

    /// Returns a fold with all groups unfolded by a number of levels, or folded if it is negative. Groups that were
    /// folded or unfolded one by one are like the others.
    pub fn folded_by(&self, fold: &Fold, levels: i32) -> Fold {
        let deepest = self.groups.iter().map(|group| group.depth).max().unwrap_or(0);
        let depth = fold.depth.unwrap_or_else(|| self.automatic_depth()).min(deepest + 1);
        let depth = depth.saturating_add_signed(levels as isize).clamp(1, deepest + 1);
        Fold { depth: Some(depth), ..Fold::default() }
    }

    /// Returns the greatest depth with a legible number of slabs, at least 1.
    fn automatic_depth(&self) -> usize {
        let deepest = self.groups.iter().map(|group| group.depth).max().unwrap_or(0);
        let count = |depth| self.items(&Fold { depth: Some(depth), ..Fold::default() }).len();
        (2..=deepest + 1).take_while(|&depth| count(depth) <= AUTOMATIC_SLABS).last().unwrap_or(1)
    }
}

/// Returns `true` if `path` is `outer` or inside it.
fn is_within(path: &str, outer: &str) -> bool {
    outer.is_empty()
        || path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(SEPARATORS))
}

#[cfg(test)]
mod tests;
