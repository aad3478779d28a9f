//! The panels of a small window: one at a time, beside the scene.

use egui::{Rect, ScrollArea, Ui, UiBuilder, Vec2, WidgetInfo, vec2};

use super::{DockLayout, MARGIN, Pane, SIDE, TAB_BAR};
use crate::ui::style::{Palette, SMALL};

/// Width and height of the dock below which its panels are folded into a drawer, in points: beside the panels at
/// the side, the scene would have less than two thirds of the width.
const BREAKPOINT: Vec2 = vec2(3.0 * SIDE, 400.0);
/// Least width that stays for the scene beside an open drawer, in points.
const SCENE: f32 = 160.0;

impl DockLayout {
    /// Returns `true` if the panels are folded in a dock of this size.
    pub(super) fn folds(size: Vec2) -> bool {
        size.x < BREAKPOINT.x || size.y < BREAKPOINT.y
    }

    /// Lays out a bar with the names of the panels and the open one of them; returns the rectangle of the scene.
    pub(super) fn show_folded(
        &mut self,
        ui: &mut Ui,
        palette: Palette,
        add: &mut dyn FnMut(&mut Ui, Pane),
    ) -> Rect {
        let whole = ui.available_rect_before_wrap();
        let (bar, rest) = whole.split_top_bottom_at_y((whole.top() + TAB_BAR).min(whole.bottom()));
        ui.scope_builder(UiBuilder::new().max_rect(bar.shrink2(vec2(MARGIN, 0.0))), |ui| {
            ui.horizontal(|ui| {
                for pane in Pane::PANELS {
                    let open = self.drawer == Some(pane);
                    let title = egui::RichText::new(pane.title()).size(SMALL);
                    let response = ui.selectable_label(open, title);
                    response.widget_info(|| {
                        WidgetInfo::selected(egui::Role::Button, ui.is_enabled(), open, pane.title())
                    });
                    if response.clicked() {
                        self.drawer = (!open).then_some(pane);
                    }
                }
            });
        });
        let Some(pane) = self.drawer else { return rest };
        let width = (SIDE + 2.0 * MARGIN).min(rest.width() - SCENE).max(0.0);
        let (scene, drawer) = rest.split_left_right_at_x(rest.right() - width);
        ui.painter().vline(drawer.left(), drawer.y_range(), egui::Stroke::new(1.0, palette.line));
        let inner = drawer.shrink2(vec2(MARGIN, 4.0));
        ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
            ui.set_clip_rect(drawer.intersect(ui.clip_rect()));
            pane.add_start(ui, palette);
            ScrollArea::both().id_salt(pane.title()).auto_shrink(false).show(ui, |ui| add(ui, pane));
        });
        scene
    }
}
