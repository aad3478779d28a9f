//! The arrangement of the scene and the panels, which the user can move, resize and hide.

use egui::{Rect, Ui, Vec2, vec2};
use egui_tiles::{Container, Linear, LinearDir, Tile, TileId, Tiles, Tree};
use serde::{Deserialize, Serialize};

use self::behavior::DockBehavior;
pub use self::pane::Pane;
use self::pane::SIDE;
pub use self::place::{DockPlace, PaneSize};
use super::style::Palette;

mod behavior;
mod drawer;
mod pane;
mod place;
mod skip;
#[cfg(test)]
mod tests;

/// Initial height of the bottom panels, in points.
const DOCK: f32 = 232.0;
/// Height of the dock from which on the panels at the side stand one above the other, in points; in a lower one
/// they are tabs, so that each has the whole height.
const STACKED: f32 = 800.0;

/// The arrangement of the tiles, as it is stored in the settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DockLayout {
    tree: Tree<Pane>,
    /// Hides everything except the scene.
    pub only_scene: bool,
    /// Size of the whole dock at the last layout of its tiles, in points.
    size: Vec2,
    /// The open panel of a small window.
    #[serde(skip)]
    drawer: Option<Pane>,
    /// The panel that has half of the window for a while, beside the scene; all others are hidden.
    #[serde(skip)]
    enlarged: Option<Pane>,
    /// The tiles have not been laid out since they were created.
    #[serde(default)]
    is_new: bool,
    /// The panels are folded, because the window is small.
    #[serde(skip)]
    is_folded: bool,
    /// The place of the open or enlarged panel beside the scene.
    #[serde(skip, default = "nowhere")]
    beside: Rect,
}

fn nowhere() -> Rect {
    Rect::NOTHING
}

impl Default for DockLayout {
    fn default() -> Self {
        let mut tiles = Tiles::default();
        let mut pane = |pane| tiles.insert_pane(pane);
        let (scene, layers, unit, about) =
            (pane(Pane::Scene), pane(Pane::Layers), pane(Pane::Unit), pane(Pane::About));
        let (input, options) = (pane(Pane::Input), pane(Pane::Options));
        let facts = tiles.insert_tab_tile(vec![unit, about]);
        let dock = split(&mut tiles, LinearDir::Horizontal, [layers, facts], 0.55);
        let size = vec2(1280.0, 680.0);
        let main = split(&mut tiles, LinearDir::Vertical, [scene, dock], 1.0 - DOCK / size.y);
        let side = split(&mut tiles, LinearDir::Vertical, [input, options], 0.58);
        let root = split(&mut tiles, LinearDir::Horizontal, [main, side], 1.0 - SIDE / size.x);
        Self {
            tree: Tree::new(egui::Id::unique("workbench"), root, tiles),
            only_scene: false,
            size,
            drawer: None,
            enlarged: None,
            is_new: true,
            is_folded: false,
            beside: nowhere(),
        }
    }
}

fn split(tiles: &mut Tiles<Pane>, dir: LinearDir, children: [TileId; 2], first: f32) -> TileId {
    tiles.insert_container(Linear::new_binary(dir, children, first))
}

impl DockLayout {
    /// Returns `true` if every pane occurs exactly once and all sizes are usable. A layout that was read
    /// from a file has to be checked.
    pub fn is_whole(&self) -> bool {
        let count = |pane: Pane| self.tree.tiles.tiles().filter(|tile| is_pane(tile, pane)).count();
        let size = self.size.is_finite() && self.size.min_elem() > 0.0;
        let shares = |tile: &Tile<Pane>| match tile {
            Tile::Container(Container::Linear(linear)) => {
                linear.shares.iter().all(|(_, share)| share.is_finite() && *share > 0.0)
            }
            _ => true,
        };
        size && std::iter::once(Pane::Scene).chain(Pane::PANELS).all(|pane| count(pane) == 1)
            && self.tree.tiles.tiles().all(shares)
            && self.tree.root().is_some_and(|root| self.count_tiles(root, 0) == self.tree.tiles.len())
    }

    /// Returns the number of tiles below `tile`, itself included; a huge number if it contains itself.
    fn count_tiles(&self, tile: TileId, depth: usize) -> usize {
        let deepest = 32;
        match self.tree.tiles.get(tile) {
            _ if depth > deepest => usize::MAX / 4,
            Some(Tile::Container(container)) => container
                .children()
                .map(|child| self.count_tiles(*child, depth + 1))
                .fold(1, usize::saturating_add),
            Some(Tile::Pane(_)) => 1,
            None => usize::MAX / 4,
        }
    }

    /// Returns `true` if the panel's content is visible, not only its tab.
    pub fn shows(&self, pane: Pane) -> bool {
        if self.is_folded {
            return !self.only_scene && self.drawer == Some(pane);
        }
        if let Some(enlarged) = self.enlarged {
            return !self.only_scene && enlarged == pane;
        }
        !self.only_scene
            && self.tree.active_tiles().into_iter().any(|id| self.tree.tiles.get_pane(&id) == Some(&pane))
    }

    /// Returns `true` if the panel or a tab of it is visible.
    pub fn has(&self, pane: Pane) -> bool {
        !self.only_scene && self.tree.tiles.find_pane(&pane).is_some_and(|id| self.tree.is_visible(id))
    }

    /// Shows a panel and makes its tab the active one.
    pub fn bring(&mut self, pane: Pane) {
        self.only_scene = false;
        self.drawer = Some(pane);
        self.enlarged = self.enlarged.filter(|enlarged| *enlarged == pane);
        if let Some(id) = self.tree.tiles.find_pane(&pane) {
            self.tree.set_visible(id, true);
            self.tree.make_active(|tile, _| tile == id);
        }
    }

    /// Shows a panel, or hides it if its content is visible.
    pub fn toggle(&mut self, pane: Pane) {
        if self.is_folded && self.shows(pane) {
            self.drawer = None;
        } else if self.enlarged == Some(pane) {
            self.enlarged = None;
        } else if self.shows(pane) {
            if let Some(id) = self.tree.tiles.find_pane(&pane) {
                self.tree.set_visible(id, false);
            }
        } else {
            self.bring(pane);
        }
    }

    /// Lays out the panels, each by `add`, and returns the rectangle of the scene.
    pub fn show(&mut self, ui: &mut Ui, palette: Palette, add: &mut dyn FnMut(&mut Ui, Pane)) -> Rect {
        let whole = ui.available_rect_before_wrap();
        if self.only_scene {
            return whole;
        }
        self.handle_skip_keys(ui);
        // The tiles of a small window keep the sizes that they have in a large one.
        self.is_folded = Self::folds(whole.size());
        if self.is_folded {
            return self.show_folded(ui, palette, add);
        }
        if std::mem::take(&mut self.is_new) && whole.height() < STACKED {
            self.unstack();
        }
        if let Some(pane) = self.enlarged {
            return self.show_enlarged(ui, pane, palette, add);
        }
        if whole.size() != self.size {
            if let Some(root) = self.tree.root() {
                let scale = whole.size() / self.size;
                self.keep_sizes(root, scale);
            }
            self.size = whole.size();
        }
        let scene_tabs = self.tree.tiles.find_pane(&Pane::Scene).and_then(|id| self.tree.tiles.parent_of(id));
        let scene_tabs = scene_tabs.filter(|id| {
            matches!(self.tree.tiles.get(*id), Some(Tile::Container(Container::Tabs(tabs))) if tabs.children.len() == 1)
        });
        let mut panes = DockBehavior { add, palette, scene: whole, scene_tabs, enlarged: None };
        self.tree.ui(&mut panes, ui);
        self.enlarged = panes.enlarged;
        panes.scene
    }

    /// Gives a panel half of the window, or restores the panels if it has it already.
    pub fn enlarge(&mut self, pane: Pane) {
        let enlarged = self.enlarged != Some(pane);
        self.bring(pane);
        self.enlarged = enlarged.then_some(pane);
    }

    /// Returns `true` if a panel has half of the window.
    pub fn is_enlarged(&self) -> bool {
        self.enlarged.is_some()
    }

    /// Restores the panels beside an enlarged one.
    pub fn restore(&mut self) {
        self.enlarged = None;
    }

    /// Applies a change of the dock's size to the scene alone, so that panels keep their size in points.
    /// `scale` is the new size of container `id` divided by the previous one.
    fn keep_sizes(&mut self, id: TileId, scale: Vec2) {
        let Some(Tile::Container(Container::Linear(linear))) = self.tree.tiles.get(id) else { return };
        let holds = |child: &TileId| self.holds_scene(*child);
        let Some(scene) = linear.children.iter().copied().find(holds) else { return };
        let along = if linear.dir == LinearDir::Horizontal { scale.x } else { scale.y };
        let seen = |child: &&TileId| self.tree.tiles.is_visible_in_layout(**child);
        let visible: Vec<TileId> = linear.children.iter().filter(seen).copied().collect();
        let total: f32 = visible.iter().map(|child| linear.shares[*child]).sum();
        let others = total - linear.shares[scene];
        // The share that keeps the others at their size in points.
        let part = (others / total / along).clamp(0.0, 0.7);
        let before = linear.shares[scene] / total;
        let Some(Tile::Container(Container::Linear(linear))) = self.tree.tiles.get_mut(id) else { return };
        for child in &visible {
            let share = linear.shares[*child];
            let now = if *child == scene { 1.0 - part } else { part * share / others.max(f32::MIN_POSITIVE) };
            linear.shares.set_share(*child, now);
        }
        let grown = along * (1.0 - part) / before.max(f32::MIN_POSITIVE);
        let inner =
            if linear.dir == LinearDir::Horizontal { vec2(grown, scale.y) } else { vec2(scale.x, grown) };
        self.keep_sizes(scene, inner);
    }

    fn holds_scene(&self, id: TileId) -> bool {
        match self.tree.tiles.get(id) {
            Some(Tile::Pane(pane)) => *pane == Pane::Scene,
            Some(Tile::Container(container)) => container.children().any(|child| self.holds_scene(*child)),
            None => false,
        }
    }
}

fn is_pane(tile: &Tile<Pane>, wanted: Pane) -> bool {
    matches!(tile, Tile::Pane(pane) if *pane == wanted)
}
