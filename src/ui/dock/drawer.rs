//! One panel at a time, beside the scene: in a small window, or enlarged.

use egui::{Align, Layout, Rect, RichText, Ui, UiBuilder, Vec2, WidgetInfo, vec2};

use super::DockLayout;
use super::pane::{MARGIN, Pane, SIDE, TAB_BAR};
use crate::ui::style::{Palette, SMALL};
use crate::ui::widgets::{Icon, small_icon_button};

/// Width and height of the dock below which its panels are folded into a drawer, in points: beside the panels at
/// the side, the scene would have less than two thirds of the width.
const BREAKPOINT: Vec2 = vec2(3.0 * SIDE, 400.0);
/// Least width that stays for the scene beside a panel, in points.
const SCENE: f32 = 160.0;
/// Least width of an enlarged panel, in points: two columns of the sections of a unit.
const ENLARGED: f32 = 580.0;

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
        let scene = show_beside(ui, rest, SIDE + 2.0 * MARGIN, palette, |ui| pane.show(ui, palette, add));
        self.beside = rest.with_min_x(scene.right());
        scene
    }

    /// Lays out an enlarged panel, with its title and a button that restores the others; returns the rectangle
    /// of the scene.
    pub(super) fn show_enlarged(
        &mut self,
        ui: &mut Ui,
        pane: Pane,
        palette: Palette,
        add: &mut dyn FnMut(&mut Ui, Pane),
    ) -> Rect {
        let whole = ui.available_rect_before_wrap();
        let width = (whole.width() / 2.0).max(ENLARGED);
        let scene = show_beside(ui, whole, width, palette, |ui| {
            ui.allocate_ui_with_layout(
                vec2(ui.available_width(), TAB_BAR),
                Layout::right_to_left(Align::Center),
                |ui| {
                    let tip = "Show the other panels again (Esc)";
                    if small_icon_button(ui, palette, Icon::Restore, "Restore the panels", tip).clicked() {
                        self.enlarged = None;
                    }
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        ui.label(RichText::new(pane.title()).size(SMALL));
                    });
                },
            );
            pane.show(ui, palette, add);
        });
        self.beside = whole.with_min_x(scene.right());
        scene
    }
}

/// Lays out a panel at the right of `whole`, `width` points wide if that leaves room for the scene, whose
/// rectangle is returned.
fn show_beside(ui: &mut Ui, whole: Rect, width: f32, palette: Palette, add: impl FnOnce(&mut Ui)) -> Rect {
    let width = width.min(whole.width() - SCENE).max(0.0);
    let (scene, panel) = whole.split_left_right_at_x(whole.right() - width);
    ui.painter().vline(panel.left(), panel.y_range(), egui::Stroke::new(1.0, palette.line));
    ui.scope_builder(UiBuilder::new().max_rect(panel.shrink2(vec2(MARGIN, 4.0))), |ui| {
        ui.set_clip_rect(panel.intersect(ui.clip_rect()));
        add(ui);
    });
    scene
}
