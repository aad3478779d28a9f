//! Panel with the columns and the selections of sides A and B.

use egui::{FontId, RichText, Ui};

use super::columns::{ColumnAction, ColumnBar};
use super::picker::{MIN_LIST_HEIGHT, PickerState, SelectionPicker};
use crate::model::{Diff, Recording, Selection, ViewState};
use crate::ui::runs::NamedRun;
use crate::ui::runs::OpenRuns;
use crate::ui::style::Palette;
use crate::ui::style::SMALL;
use crate::ui::style::semibold;
use crate::ui::text;
use crate::ui::widgets::heading;
use crate::ui::widgets::named;
use crate::ui::widgets::segmented;
use crate::ui::widgets::thumbnails::Thumbnails;

/// Input state of the panel.
#[derive(Debug, Default)]
pub struct InputPanelState {
    show: PickerState,
    minus: PickerState,
    /// Height of everything but the lists that scroll, in points, in the last frame.
    others: f32,
}

impl InputPanelState {
    /// Returns the heights of the open lists that scroll, in points.
    fn list_heights(&self) -> impl Iterator<Item = f32> {
        [&self.show, &self.minus].into_iter().filter_map(|picker| picker.list_height())
    }
}

/// Panel with the columns and the selections of sides A and B.
pub struct InputPanel<'a> {
    /// The recording of side A.
    pub recording: &'a Recording,
    /// All open runs, with the recording as the own one; without runs, none is named.
    pub runs: OpenRuns<'a>,
    /// Pictures of the inputs of side A.
    pub pictures: &'a Thumbnails,
    /// The colours.
    pub palette: Palette,
    /// The columns of the window.
    pub columns: &'a ColumnBar<'a>,
    /// The predicted class of every input at the current epoch; `None` until they are read.
    pub predictions: Option<&'a [Option<usize>]>,
}

impl InputPanel<'_> {
    /// Shows the panel; changes the view in place.
    pub fn show(
        &self,
        ui: &mut Ui,
        view: &mut ViewState,
        state: &mut InputPanelState,
    ) -> Option<ColumnAction> {
        let top = ui.cursor().top();
        self.title(ui);
        let action = self.columns.show(ui, self.palette);
        self.selections(ui, view, state);
        self.warnings(ui);
        let lists: f32 = state.list_heights().sum();
        let others = ui.cursor().top() - top - lists;
        if (others - state.others).abs() > 0.5 {
            state.others = others;
            ui.ctx().request_repaint();
        }
        action
    }

    fn title(&self, ui: &mut Ui) {
        let recording = self.recording;
        ui.add(
            egui::Label::new(RichText::new(&recording.model).font(FontId::new(16.0, semibold()))).truncate(),
        );
        let plural = |count: usize, one: &str, many: &str| {
            format!("{} {}", text::format_count(count as u64), if count == 1 { one } else { many })
        };
        let facts = [
            plural(recording.layers.len(), "layer", "layers"),
            plural(recording.units(), "unit", "units"),
            plural(recording.inputs.len(), "input", "inputs"),
        ];
        self.dim(ui, &facts.join(" · "));
    }

    fn selections(&self, ui: &mut Ui, view: &mut ViewState, state: &mut InputPanelState) {
        // The lists share the height that the panel has beside everything else, so that they scroll and the
        // panel does not.
        let lists = state.list_heights().count().max(1) as f32;
        let room = ui.clip_rect().height() - state.others - 8.0;
        let list_height = (room / lists).max(MIN_LIST_HEIGHT);
        let picker = SelectionPicker {
            group: "Show",
            recording: self.recording,
            recording_id: self.runs.own().map_or(0, |run| run.id),
            pictures: Some(self.pictures),
            palette: self.palette,
            epoch: epoch_at(self.recording, view.epoch),
            optional: false,
            predictions: self.predictions,
            list_height,
        };
        picker.heading(ui, &mut state.show, Some(&view.query.select));
        if let Some(Some(select)) = picker.show(ui, &mut state.show, Some(&view.query.select)) {
            view.query.select = select;
        }
        let elsewhere = self.runs.compares_runs(&view.query);
        let minus_run = self.runs.minus_run(&view.query);
        let recording = minus_run.map_or(self.recording, |run| run.recording);
        let picker = SelectionPicker {
            group: "Minus",
            recording,
            recording_id: minus_run.map_or(0, |run| run.id),
            pictures: (!elsewhere).then_some(self.pictures),
            predictions: self.predictions.filter(|_| !elsewhere),
            epoch: epoch_at(recording, view.epoch),
            optional: true,
            ..picker
        };
        picker.heading(ui, &mut state.minus, view.query.minus.as_ref());
        if elsewhere {
            ui.checkbox(&mut view.sides_linked, RichText::new("Same inputs as in Show").size(SMALL))
                .on_hover_text("Choosing inputs in Show chooses them in the run that is subtracted as well.");
            if view.sides_linked && ui.button("Subtract nothing").clicked() {
                view.query.minus = None;
            }
        }
        if !(elsewhere && view.sides_linked)
            && let Some(minus) = picker.show(ui, &mut state.minus, view.query.minus.as_ref())
        {
            view.query.minus = minus;
        }
        if view.query.minus.is_none() {
            view.query.run_b = None;
            return;
        }
        self.run_b(ui, view);
        let options = [(Diff::Signed, "Signed"), (Diff::Abs, "Absolute"), (Diff::Effect, "Effect size")];
        if let Some(diff) = segmented(ui, self.palette, "Difference", &options, Some(view.query.diff)) {
            view.query.diff = diff;
        }
    }

    /// Shows the choice of the run of side B, if several are open.
    fn run_b(&self, ui: &mut Ui, view: &mut ViewState) {
        let runs = self.runs;
        if runs.all.len() < 2 {
            return;
        }
        let query = &mut view.query;
        let name = |run: usize| runs.all.get(run).map_or("another run", |run| run.name);
        let current = query.run_b.unwrap_or(runs.own);
        let mut chosen = current;
        named(ui, self.palette, "Of run", |ui| {
            let combo = egui::ComboBox::from_id_salt("run b")
                .selected_text(RichText::new(text::truncate(name(current), 24)).size(SMALL))
                .width(ui.available_width())
                .show_ui(ui, |ui| {
                    for run in 0..runs.all.len() {
                        ui.selectable_value(&mut chosen, run, text::truncate(name(run), 40));
                    }
                });
            combo.response.widget_info(|| {
                let mut info = egui::WidgetInfo::labeled(egui::Role::ComboBox, true, "Minus: run");
                info.current_text_value = Some(name(current).to_owned());
                info
            });
        });
        if chosen == current {
            return;
        }
        query.run_b = (chosen != runs.own).then_some(chosen);
        // A selection that the other run cannot resolve is replaced by all inputs.
        let lacks =
            |run: &NamedRun| query.minus.as_ref().is_some_and(|minus| minus.count(run.recording).is_err());
        if runs.all.get(chosen).is_some_and(lacks) {
            query.minus = Some(Selection::default());
        }
        view.link_equal_sides();
    }

    fn warnings(&self, ui: &mut Ui) {
        if self.recording.warnings.is_empty() {
            return;
        }
        heading(ui, "Found in the recording");
        for warning in self.recording.warnings.iter().take(20) {
            ui.label(RichText::new(text::truncate(warning, 400)).size(SMALL).color(self.palette.warning));
        }
        if self.recording.warnings.len() > 20 {
            self.dim(ui, &format!("and {} more", self.recording.warnings.len() - 20));
        }
    }

    fn dim(&self, ui: &mut Ui, text: &str) {
        ui.label(RichText::new(text).size(SMALL).color(self.palette.dim));
    }
}

/// Returns the readable epoch nearest to a number; the later of two.
fn epoch_at(recording: &Recording, number: f64) -> Option<usize> {
    let epochs = recording.epochs.iter().enumerate().filter(|(_, epoch)| !epoch.damaged);
    let distance = |epoch: u64| (epoch as f64 - number).abs();
    epochs.min_by(|a, b| distance(a.1.number).total_cmp(&distance(b.1.number))).map(|(index, _)| index)
}
