//! The look and the reactions of the tiles.

use egui::{Rect, Response, Ui, WidgetText};
use egui_tiles::{Behavior, SimplificationOptions, TileId, Tiles};

use super::pane::{LEAST, MARGIN, Pane, TAB_BAR};
use crate::ui::style::Palette;
use crate::ui::widgets::{Icon, small_icon_button};

/// Returns the form that the tiles are kept in.
pub(super) fn simplification() -> SimplificationOptions {
    SimplificationOptions { all_panes_must_have_tabs: true, ..SimplificationOptions::default() }
}

/// Returns the panel of a tile; `None` if it is the scene or a container.
fn panel_of(tiles: &Tiles<Pane>, tile: TileId) -> Option<Pane> {
    tiles.get_pane(&tile).copied().filter(|pane| *pane != Pane::Scene)
}

/// Draws the tiles and remembers the rectangle of the scene.
pub(super) struct DockBehavior<'a> {
    pub(super) add: &'a mut dyn FnMut(&mut Ui, Pane),
    pub(super) palette: Palette,
    pub(super) scene: Rect,
    /// The tab container of the scene, if it contains no other tile; its tab bar is hidden.
    pub(super) scene_tabs: Option<TileId>,
    /// The panel whose enlargement was requested.
    pub(super) enlarged: Option<Pane>,
}

impl Behavior<Pane> for DockBehavior<'_> {
    fn pane_ui(&mut self, ui: &mut Ui, _: TileId, pane: &mut Pane) -> egui_tiles::UiResponse {
        if *pane == Pane::Scene {
            // The scene is painted after the panels that can change it.
            self.scene = ui.max_rect();
            return egui_tiles::UiResponse::None;
        }
        egui::Frame::new().inner_margin(egui::Margin { top: 0, bottom: 4, left: 12, right: 12 }).show(
            ui,
            |ui| {
                pane.show(ui, self.palette, self.add);
            },
        );
        egui_tiles::UiResponse::None
    }

    fn on_tab_button(&mut self, tiles: &mut Tiles<Pane>, tile: TileId, response: Response) -> Response {
        if response.double_clicked() {
            self.enlarged = panel_of(tiles, tile);
        }
        response
    }

    fn top_bar_right_ui(
        &mut self,
        tiles: &Tiles<Pane>,
        ui: &mut Ui,
        _: TileId,
        tabs: &egui_tiles::Tabs,
        _: &mut f32,
    ) {
        let Some(pane) = tabs.active.and_then(|tile| panel_of(tiles, tile)) else { return };
        let name = format!("Enlarge {}", pane.title());
        let tip = "Give this panel half of the window (double click on its tab; Esc goes back)";
        if small_icon_button(ui, self.palette, Icon::Enlarge, &name, tip).clicked() {
            self.enlarged = Some(pane);
        }
    }

    fn tab_title_for_pane(&mut self, pane: &Pane) -> WidgetText {
        pane.title().into()
    }

    fn tab_bar_height(&self, _: &egui::Style) -> f32 {
        TAB_BAR
    }

    fn is_tab_bar_visible(&self, tile: TileId, _: &egui_tiles::Tabs) -> bool {
        self.scene_tabs != Some(tile)
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
        simplification()
    }

    fn cycle_tabs_with_keyboard(&self) -> bool {
        // Ctrl + Tab changes the active column.
        false
    }
}
