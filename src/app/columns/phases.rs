//! The phases of a frame of all columns, in the order in which they have to be called.

use egui::Rect;

use super::{Columns, scene_id};
use crate::app::run::{Run, RunState};
use crate::app::session::Session;
use crate::model::Theme;
use crate::ui::dock::Pane;
use crate::ui::panels::columns::{ColumnBar, column_rects};
use crate::ui::scene::viewport::{paint_message, paint_opening};
use crate::ui::style::Palette;
use crate::ui::{NamedRun, PanelOutput, Viewport};

/// The area of a column's scene.
pub struct SceneArea {
    /// Id of the column.
    pub column: u64,
    /// The area, in points.
    pub rect: Rect,
}

/// Lays out one panel.
pub type ShowPane<'a> = dyn FnMut(&mut egui::Ui, Pane) + 'a;

/// The result of the scenes of a frame.
pub struct SceneOutput {
    /// The areas of the scenes.
    pub areas: Vec<SceneArea>,
    /// `true` if a unit was pinned.
    pub pinned: bool,
}

impl Columns {
    /// Frame, first phase: advances the epochs, that of the active column by keys as well if `keys`.
    pub fn advance(&mut self, ui: &egui::Ui, keys: bool) {
        self.retired.retain(|loader| !loader.has_stopped());
        let active = self.active;
        let follows_active = self.locks.epochs && self.active_session().is_some_and(Session::has_epochs);
        for (index, column) in self.list.iter_mut().enumerate() {
            if let Some(session) = &mut column.session
                && (index == active || !follows_active)
            {
                session.advance(ui, keys && index == active);
            }
        }
    }

    /// Frame, second phase: lays out the timeline of the active column at the bottom, and then by `dock` the
    /// panels around the scenes; returns the area of the scenes and the requests from the panels.
    pub fn layout_panels(
        &mut self,
        ui: &mut egui::Ui,
        runs: &[Run],
        named: &[NamedRun],
        bar: &ColumnBar,
        dock: &mut dyn FnMut(&mut egui::Ui, &mut ShowPane) -> Rect,
    ) -> (Rect, PanelOutput) {
        let palette = Palette::of(self.theme());
        let mut output = PanelOutput::default();
        let mut active = self
            .list
            .get_mut(self.active)
            .and_then(|column| Some((runs.get(column.run)?.context(named), column.session.as_deref_mut()?)));
        if let Some((context, session)) = &mut active {
            session.timeline(ui, context, bar);
        }
        let scenes = egui::CentralPanel::no_frame().show(ui, |ui| {
            dock(ui, &mut |ui, pane| match &mut active {
                Some((context, session)) => output.add(session.pane(ui, pane, context, bar)),
                None if pane == Pane::Input => {
                    output.columns = bar.show(ui, palette).or(output.columns);
                }
                None => {}
            })
        });
        if let Some((_, session)) = active {
            session.request_missing();
        }
        if output.camera_moved {
            self.set_leader(self.active);
        }
        (scenes.inner, output)
    }

    /// Frame, third phase: handles pointer and keys in the scenes, which fill `whole`, updates the scenes,
    /// and paints the overlays and the headers of the columns.
    pub fn show_scenes(
        &mut self,
        ui: &egui::Ui,
        whole: Rect,
        runs: &[Run],
        named: &[NamedRun],
    ) -> SceneOutput {
        let places = column_rects(whole, self.list.len());
        let (clicked, pinned) = self.handle_gestures(ui, &places);
        self.link_cameras(ui);
        let now = ui.input(|input| input.time);
        for session in self.sessions_mut() {
            session.update_scene(now);
        }
        self.link_ranges();
        let (areas, clicked_header) = self.paint_scenes(ui, &places, runs, named);
        if let Some(index) = clicked_header.or(clicked) {
            self.activate(ui, index);
        }
        SceneOutput { areas, pinned }
    }

    /// Handles pointer and keys in each scene; returns the index of the column that was clicked, and `true`
    /// if a unit was pinned.
    fn handle_gestures(&mut self, ui: &egui::Ui, places: &[(Option<Rect>, Rect)]) -> (Option<usize>, bool) {
        let keys = self.has_keys(ui);
        let alone = self.list.len() == 1;
        let (mut clicked, mut pinned) = (None, false);
        for (index, (&(_, rect), column)) in places.iter().zip(&mut self.list).enumerate() {
            let Some(session) = &mut column.session else { continue };
            let name = if alone { "Scene".to_owned() } else { format!("Scene of column {}", index + 1) };
            let keys = keys && index == self.active;
            let viewport = Viewport { rect, id: scene_id(column.id), name: &name, keys };
            let response = session.handle_gestures(ui, &viewport);
            if response.camera_moved {
                self.chosen = true;
                self.leader = column.id;
            }
            if response.pressed {
                clicked = Some(index);
            }
            pinned |= response.pinned;
        }
        (clicked, pinned)
    }

    /// Paints the headers above and the overlays over the scenes; returns the areas of the scenes, and the
    /// index of the column whose header was clicked.
    fn paint_scenes(
        &self,
        ui: &egui::Ui,
        places: &[(Option<Rect>, Rect)],
        runs: &[Run],
        named: &[NamedRun],
    ) -> (Vec<SceneArea>, Option<usize>) {
        let entries = self.entries(runs, named);
        let bar = self.bar(&entries, named);
        let theme = self.theme();
        let palette = Palette::of(theme);
        let mut areas = Vec::with_capacity(places.len());
        let mut clicked = None;
        for (index, (&(header, rect), column)) in places.iter().zip(&self.list).enumerate() {
            if let Some(header) = header
                && bar.header(ui, header, index, palette)
            {
                clicked = Some(index);
            }
            let Some(run) = runs.get(column.run) else { continue };
            match &column.session {
                Some(session) => {
                    session.paint_overlay(ui, rect, scene_id(column.id), &run.context(named));
                    areas.push(SceneArea { column: column.id, rect });
                }
                None => paint_absent(ui, rect, theme, run),
            }
        }
        (areas, clicked)
    }
}

/// Paints a message in place of a scene whose run is not open.
fn paint_absent(ui: &egui::Ui, rect: Rect, theme: Theme, run: &Run) {
    let path = run.path.display();
    match &run.state {
        RunState::Opening | RunState::Opened(_) => {
            paint_opening(ui, rect, theme, &format!("Opening {path}"));
        }
        RunState::Awaiting { why } => {
            paint_message(ui, rect, theme, &format!("Waiting for a recording at {path}"), why);
        }
        RunState::Refused(error) => {
            paint_message(ui, rect, theme, &format!("Cannot open {path}"), &error.to_string());
        }
    }
}
