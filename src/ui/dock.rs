//! The window as a workbench: the scene among panels that can be moved, sized, hidden and found again.

use egui::{Rect, ScrollArea, Ui, Vec2, WidgetText, vec2};
use egui_tiles::{Behavior, Container, Linear, LinearDir, SimplificationOptions, Tile, TileId, Tiles, Tree};
use serde::{Deserialize, Serialize};

pub use self::place::{DockPlace, PaneSize};
use super::style::Palette;

mod place;

/// Sizes that panels begin with, in points.
const SIDE: f32 = 288.0;
const DOCK: f32 = 232.0;
/// No panel is smaller.
const LEAST: f32 = 96.0;
/// Height of the bars with the panels' names.
const TAB_BAR: f32 = 24.0;
/// Around what stands in a panel.
const MARGIN: f32 = 12.0;

/// What can stand in a part of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pane {
    Scene,
    /// What is looked at.
    Input,
    /// How it is looked at.
    Options,
    /// The table of layers.
    Layers,
    /// The biography of what is pinned.
    Unit,
    /// Facts of the layer and the recording.
    About,
}

impl Pane {
    /// All but the scene.
    pub const PANELS: [Self; 5] = [Self::Input, Self::Options, Self::Layers, Self::Unit, Self::About];

    pub fn title(self) -> &'static str {
        match self {
            Self::Scene => "Scene",
            Self::Input => "Input",
            Self::Options => "Options",
            Self::Layers => "Layers",
            Self::Unit => "Unit",
            Self::About => "About",
        }
    }

    /// Whether it scrolls as a whole; the others scroll within.
    fn scrolls(self) -> bool {
        matches!(self, Self::Input | Self::Options)
    }
}

/// Where panels stand, as it is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DockLayout {
    tree: Tree<Pane>,
    /// Nothing but the scene is shown.
    pub only_scene: bool,
    /// Of all panels together, when they were laid out last.
    size: Vec2,
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
        Self { tree: Tree::new(egui::Id::unique("workbench"), root, tiles), only_scene: false, size }
    }
}

fn split(tiles: &mut Tiles<Pane>, dir: LinearDir, children: [TileId; 2], first: f32) -> TileId {
    tiles.insert_container(Linear::new_binary(dir, children, first))
}

impl DockLayout {
    /// Whether it holds every pane once, as one that was read from a file has to.
    pub fn is_whole(&self) -> bool {
        let count = |pane: Pane| self.tree.tiles.tiles().filter(|tile| is(tile, pane)).count();
        let size = self.size.is_finite() && self.size.min_elem() > 0.0;
        let shares = |tile: &Tile<Pane>| match tile {
            Tile::Container(Container::Linear(linear)) => {
                linear.shares.iter().all(|(_, share)| share.is_finite() && *share > 0.0)
            }
            _ => true,
        };
        size && std::iter::once(Pane::Scene).chain(Pane::PANELS).all(|pane| count(pane) == 1)
            && self.tree.tiles.tiles().all(shares)
            && self.tree.root().is_some_and(|root| self.reaches(root, 0) == self.tree.tiles.len())
    }

    /// How many tiles there are below one, itself included; too many where it contains itself.
    fn reaches(&self, tile: TileId, depth: usize) -> usize {
        let deepest = 32;
        match self.tree.tiles.get(tile) {
            _ if depth > deepest => usize::MAX / 4,
            Some(Tile::Container(container)) => container
                .children()
                .map(|child| self.reaches(*child, depth + 1))
                .fold(1, usize::saturating_add),
            Some(Tile::Pane(_)) => 1,
            None => usize::MAX / 4,
        }
    }

    /// Whether a panel is in sight, and not only a tab of it.
    pub fn shows(&self, pane: Pane) -> bool {
        !self.only_scene
            && self.tree.active_tiles().into_iter().any(|id| self.tree.tiles.get_pane(&id) == Some(&pane))
    }

    /// Whether there is a place for a panel, be it only a tab.
    pub fn has(&self, pane: Pane) -> bool {
        !self.only_scene && self.tree.tiles.find_pane(&pane).is_some_and(|id| self.tree.is_visible(id))
    }

    /// Brings a panel in sight.
    pub fn bring(&mut self, pane: Pane) {
        self.only_scene = false;
        if let Some(id) = self.tree.tiles.find_pane(&pane) {
            self.tree.set_visible(id, true);
            self.tree.make_active(|tile, _| tile == id);
        }
    }

    /// Brings a panel in sight, or hides the one that is.
    pub fn toggle(&mut self, pane: Pane) {
        if self.shows(pane) {
            if let Some(id) = self.tree.tiles.find_pane(&pane) {
                self.tree.set_visible(id, false);
            }
        } else {
            self.bring(pane);
        }
    }

    /// Lays out the panels, each by `add`, and returns where the scene is.
    pub fn show(&mut self, ui: &mut Ui, palette: Palette, add: &mut dyn FnMut(&mut Ui, Pane)) -> Rect {
        let whole = ui.available_rect_before_wrap();
        if self.only_scene {
            return whole;
        }
        if whole.size() != self.size && whole.size().min_elem() > 0.0 {
            if let Some(root) = self.tree.root() {
                let scale = whole.size() / self.size;
                self.keep_sizes(root, scale);
            }
            self.size = whole.size();
        }
        let alone = self.tree.tiles.find_pane(&Pane::Scene).and_then(|id| self.tree.tiles.parent_of(id));
        let alone = alone.filter(|id| {
            matches!(self.tree.tiles.get(*id), Some(Tile::Container(Container::Tabs(tabs))) if tabs.children.len() == 1)
        });
        let mut panes = DockBehavior { add, palette, scene: whole, alone };
        self.tree.ui(&mut panes, ui);
        panes.scene
    }

    /// Lets the scene take what a window gains or loses: the panels stay as large as they are. `scale` is
    /// by how much the container of this number becomes larger.
    fn keep_sizes(&mut self, id: TileId, scale: Vec2) {
        let Some(Tile::Container(Container::Linear(linear))) = self.tree.tiles.get(id) else { return };
        let holds = |child: &TileId| self.holds_scene(*child);
        let Some(scene) = linear.children.iter().copied().find(holds) else { return };
        let along = if linear.dir == LinearDir::Horizontal { scale.x } else { scale.y };
        let seen = |child: &&TileId| self.tree.tiles.is_visible_in_layout(**child);
        let visible: Vec<TileId> = linear.children.iter().filter(seen).copied().collect();
        let total: f32 = visible.iter().map(|child| linear.shares[*child]).sum();
        let others = total - linear.shares[scene];
        // The others' part of the new size, as large as it was of the old one.
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

fn is(tile: &Tile<Pane>, wanted: Pane) -> bool {
    matches!(tile, Tile::Pane(pane) if *pane == wanted)
}

/// How panes look.
struct DockBehavior<'a> {
    add: &'a mut dyn FnMut(&mut Ui, Pane),
    palette: Palette,
    scene: Rect,
    /// The tabs that hold the scene and nothing else: it needs no name.
    alone: Option<TileId>,
}

impl Behavior<Pane> for DockBehavior<'_> {
    fn pane_ui(&mut self, ui: &mut Ui, _: TileId, pane: &mut Pane) -> egui_tiles::UiResponse {
        if *pane == Pane::Scene {
            // Painted when everything that changes it was laid out.
            self.scene = ui.max_rect();
            return egui_tiles::UiResponse::None;
        }
        egui::Frame::new().inner_margin(egui::Margin { top: 0, bottom: 4, left: 12, right: 12 }).show(
            ui,
            |ui| {
                if pane.scrolls() {
                    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| (self.add)(ui, *pane));
                } else {
                    (self.add)(ui, *pane);
                }
            },
        );
        egui_tiles::UiResponse::None
    }

    fn tab_title_for_pane(&mut self, pane: &Pane) -> WidgetText {
        pane.title().into()
    }

    fn tab_bar_height(&self, _: &egui::Style) -> f32 {
        TAB_BAR
    }

    fn is_tab_bar_visible(&self, tile: TileId, _: &egui_tiles::Tabs) -> bool {
        self.alone != Some(tile)
    }

    fn tab_bar_color(&self, _: &egui::Visuals) -> egui::Color32 {
        egui::Color32::TRANSPARENT
    }

    fn tab_bg_color(
        &self,
        _: &egui::Visuals,
        _: &Tiles<Pane>,
        _: TileId,
        _: &egui_tiles::TabState,
    ) -> egui::Color32 {
        egui::Color32::TRANSPARENT
    }

    fn tab_outline_stroke(
        &self,
        _: &egui::Visuals,
        _: &Tiles<Pane>,
        _: TileId,
        _: &egui_tiles::TabState,
    ) -> egui::Stroke {
        egui::Stroke::NONE
    }

    fn tab_text_color(
        &self,
        _: &egui::Visuals,
        _: &Tiles<Pane>,
        _: TileId,
        state: &egui_tiles::TabState,
    ) -> egui::Color32 {
        if state.active { self.palette.text } else { self.palette.dim }
    }

    fn tab_bar_hline_stroke(&self, _: &egui::Visuals) -> egui::Stroke {
        egui::Stroke::NONE
    }

    fn tab_title_spacing(&self, _: &egui::Visuals) -> f32 {
        MARGIN
    }

    fn resize_stroke(&self, _: &egui::Style, state: egui_tiles::ResizeState) -> egui::Stroke {
        match state {
            egui_tiles::ResizeState::Idle => egui::Stroke::new(1.0, self.palette.line),
            _ => egui::Stroke::new(2.0, self.palette.accent),
        }
    }

    fn drag_preview_color(&self, _: &egui::Visuals) -> egui::Color32 {
        self.palette.accent.gamma_multiply(0.15)
    }

    fn drag_preview_stroke(&self, _: &egui::Visuals) -> egui::Stroke {
        egui::Stroke::new(1.0, self.palette.accent)
    }

    fn min_size(&self) -> f32 {
        LEAST
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions { all_panes_must_have_tabs: true, ..SimplificationOptions::default() }
    }

    fn cycle_tabs_with_keyboard(&self) -> bool {
        // Ctrl + Tab goes through the columns.
        false
    }
}
