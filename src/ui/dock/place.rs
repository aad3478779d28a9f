//! Moving and resizing panels by command.

use egui_tiles::{Container, Linear, LinearDir, Tile, TileId};

use super::{DockLayout, Pane};

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

#[cfg(test)]
mod tests {
    use egui::{Rect, pos2, vec2};

    use super::*;
    use crate::model::Theme;
    use crate::ui::style::Palette;

    const WINDOW: Rect = Rect { min: pos2(0.0, 0.0), max: pos2(1200.0, 700.0) };

    /// Lays out a few frames, and returns the rectangles of the panes; `Rect::NOTHING` for those not
    /// visible.
    fn laid_out(arrangement: &mut DockLayout) -> impl Fn(Pane) -> Rect + use<> {
        let ctx = egui::Context::default();
        let mut places = Vec::new();
        for _ in 0..3 {
            places.clear();
            let input = egui::RawInput { screen_rect: Some(WINDOW), ..egui::RawInput::default() };
            let mut scene = Rect::NOTHING;
            let mut output = ctx.run_ui(input, |ui| {
                let mut add = |ui: &mut egui::Ui, pane| places.push((pane, ui.max_rect()));
                scene = arrangement.show(ui, Palette::of(Theme::Dark), &mut add);
            });
            output.textures_delta.clear();
            places.push((Pane::Scene, scene));
        }
        move |pane| places.iter().find(|place| place.0 == pane).map_or(Rect::NOTHING, |place| place.1)
    }

    #[test]
    fn a_panel_goes_to_every_edge_and_to_others() {
        for pane in Pane::PANELS {
            let mut arrangement = DockLayout::default();
            for place in DockPlace::EDGES {
                arrangement.place(pane, place);
                let at = laid_out(&mut arrangement);
                let (own, near) = (at(pane), 30.0);
                let is_there = match place {
                    DockPlace::Left => own.left() < near && own.height() > 600.0,
                    DockPlace::Right => own.right() > WINDOW.right() - near && own.height() > 600.0,
                    DockPlace::Top => own.top() < near && own.width() > 1100.0,
                    _ => own.bottom() > WINDOW.bottom() - near && own.width() > 1100.0,
                };
                assert!(is_there, "{pane:?} {place:?}: {own:?}");
                assert!(
                    at(Pane::Scene).size().min_elem() > 200.0,
                    "the scene has room: {:?}",
                    at(Pane::Scene)
                );
                assert!(arrangement.is_whole(), "{pane:?} {place:?}");
            }
            for other in Pane::PANELS.into_iter().filter(|other| *other != pane) {
                arrangement.place(pane, DockPlace::With(other));
                let at = laid_out(&mut arrangement);
                assert!(arrangement.is_whole() && arrangement.has(other), "{pane:?} with {other:?}");
                assert!(at(pane).is_positive() && !at(other).is_positive(), "{pane:?} lies over {other:?}");
                arrangement.bring(other);
                let over = laid_out(&mut arrangement);
                assert!(over(other).is_positive() && !over(pane).is_positive());
                assert!((over(other).center() - at(pane).center()).length() < 2.0, "in the same place");
            }
        }
    }

    #[test]
    fn a_panel_becomes_larger_and_smaller_again() {
        let mut arrangement = DockLayout::default();
        let before = laid_out(&mut arrangement)(Pane::Layers).size();
        for (size, back, grows) in [
            (PaneSize::Wider, PaneSize::Narrower, vec2(1.0, 0.0)),
            (PaneSize::Taller, PaneSize::Lower, vec2(0.0, 1.0)),
        ] {
            arrangement.resize(Pane::Layers, size);
            let larger = laid_out(&mut arrangement)(Pane::Layers).size() - before;
            assert!((larger * grows).max_elem() > 20.0, "{size:?}: {larger:?}");
            assert!((larger * (vec2(1.0, 1.0) - grows)).length() < 1.0, "{size:?}: {larger:?}");
            arrangement.resize(Pane::Layers, back);
            let again = laid_out(&mut arrangement)(Pane::Layers).size();
            assert!((again - before).length() < 2.0, "{back:?}: {again:?}, it was {before:?}");
        }
        for _ in 0..40 {
            arrangement.resize(Pane::Layers, PaneSize::Taller);
        }
        assert!(laid_out(&mut arrangement)(Pane::Scene).height() > 80.0, "the scene stays");
        // A panel without neighbours in that direction or without visible content keeps its size.
        let same = arrangement.clone();
        arrangement.resize(Pane::About, PaneSize::Wider);
        assert_eq!(arrangement, same);
    }
}
