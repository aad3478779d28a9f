//! Moving and resizing panels by command.

use egui_tiles::{Container, Linear, LinearDir, Tile, TileId};

use super::DockLayout;
use super::behavior::simplification;
use super::pane::Pane;

/// Factor by which one step changes a panel's size.
const STEP: f32 = 1.25;
/// Greatest share of a split that a panel reaches by steps.
const MOST: f32 = 0.8;
/// Share of the dock's width or height that a panel gets when it is moved to an edge.
const BEGIN: f32 = 0.25;

/// The destination of a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DockPlace {
    /// The left edge of the dock.
    Left,
    /// The right edge of the dock.
    Right,
    /// The top edge of the dock.
    Top,
    /// The bottom edge of the dock.
    Bottom,
    /// The tab container of another panel.
    With(Pane),
}

impl DockPlace {
    /// The four edges.
    pub const EDGES: [Self; 4] = [Self::Left, Self::Right, Self::Top, Self::Bottom];

    /// Returns the end of the command's name, "Move PANEL …".
    pub fn name(self) -> String {
        match self {
            Self::Left => "to the left".to_owned(),
            Self::Right => "to the right".to_owned(),
            Self::Top => "to the top".to_owned(),
            Self::Bottom => "to the bottom".to_owned(),
            Self::With(pane) => format!("to {}, as a tab", pane.title()),
        }
    }
}

/// A change of a panel's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaneSize {
    /// Increases the width.
    Wider,
    /// Decreases the width.
    Narrower,
    /// Increases the height.
    Taller,
    /// Decreases the height.
    Lower,
}

impl PaneSize {
    /// Every change.
    pub const ALL: [Self; 4] = [Self::Wider, Self::Narrower, Self::Taller, Self::Lower];

    /// Returns the end of the command's name, "Make PANEL …".
    pub fn name(self) -> &'static str {
        match self {
            Self::Wider => "wider",
            Self::Narrower => "narrower",
            Self::Taller => "taller",
            Self::Lower => "lower",
        }
    }
}

impl DockLayout {
    /// Makes the panels at the side, one above the other, tabs of one place.
    pub(super) fn unstack(&mut self) {
        // Gives every pane its container of tabs.
        self.tree.simplify(&simplification());
        self.place(Pane::Options, DockPlace::With(Pane::Input));
        self.bring(Pane::Input);
    }

    /// Moves a panel, and shows it.
    pub fn place(&mut self, pane: Pane, place: DockPlace) {
        self.bring(pane);
        let Some(id) = self.tree.tiles.find_pane(&pane) else { return };
        let (dir, first) = match place {
            DockPlace::Left => (LinearDir::Horizontal, true),
            DockPlace::Right => (LinearDir::Horizontal, false),
            DockPlace::Top => (LinearDir::Vertical, true),
            DockPlace::Bottom => (LinearDir::Vertical, false),
            DockPlace::With(other) => {
                let tabs =
                    self.tree.tiles.find_pane(&other).and_then(|other| self.tree.tiles.parent_of(other));
                if let Some(tabs) = tabs.filter(|_| other != pane) {
                    self.tree.move_tile_to_container(id, tabs, usize::MAX, true);
                    self.bring(pane);
                }
                return;
            }
        };
        let Some(root) = self.tree.root else { return };
        let edge = match self.tree.tiles.get(root) {
            Some(Tile::Container(Container::Linear(linear))) if linear.dir == dir => root,
            _ => self.tree.tiles.insert_container(Linear::new(dir, vec![root])),
        };
        self.tree.root = Some(edge);
        self.tree.move_tile_to_container(id, edge, if first { 0 } else { usize::MAX }, true);
        if let Some(Tile::Container(Container::Linear(linear))) = self.tree.tiles.get_mut(edge) {
            let others = linear.children.iter().filter(|child| **child != id);
            let others: f32 = others.map(|child| linear.shares[*child]).sum();
            linear.shares.set_share(id, others * BEGIN / (1.0 - BEGIN));
        }
    }

    /// Resizes a panel by one step, and its neighbours to the remaining space. A panel without neighbours in
    /// that direction and one that is not visible keep their size.
    pub fn resize(&mut self, pane: Pane, size: PaneSize) {
        let (dir, factor) = match size {
            PaneSize::Wider => (LinearDir::Horizontal, STEP),
            PaneSize::Narrower => (LinearDir::Horizontal, 1.0 / STEP),
            PaneSize::Taller => (LinearDir::Vertical, STEP),
            PaneSize::Lower => (LinearDir::Vertical, 1.0 / STEP),
        };
        let Some(mut child) = self.tree.tiles.find_pane(&pane).filter(|_| self.shows(pane)) else { return };
        while let Some(parent) = self.tree.tiles.parent_of(child) {
            if let Some((others, share)) = self.share(parent, dir, child) {
                let part = (share * factor / (share * factor + others)).min(MOST);
                if let Some(Tile::Container(Container::Linear(linear))) = self.tree.tiles.get_mut(parent) {
                    linear.shares.set_share(child, others * part / (1.0 - part));
                }
                return;
            }
            child = parent;
        }
    }

    /// Returns the shares of the other visible tiles in a split of this direction, and that of `child`;
    /// `None` if the split has another direction or no other visible tile.
    fn share(&self, split: TileId, dir: LinearDir, child: TileId) -> Option<(f32, f32)> {
        let Some(Tile::Container(Container::Linear(linear))) = self.tree.tiles.get(split) else {
            return None;
        };
        let seen = |other: &&TileId| **other != child && self.tree.tiles.is_visible_in_layout(**other);
        let others: f32 = linear.children.iter().filter(seen).map(|other| linear.shares[*other]).sum();
        (linear.dir == dir && others > 0.0).then(|| (others, linear.shares[child]))
    }
}
