//! The columns of the window: their section of the side panel, their keys, their headers and rectangles.

use egui::{
    Align2, Button, CornerRadius, FontId, Key, Modifiers, Rect, Response, RichText, Role, Sense, Stroke, Ui,
    WidgetInfo, pos2, vec2,
};

use crate::model::columns::{Locks, MAX_COLUMNS};
use crate::model::{Diff, Query, Recording};
use crate::ui::runs::NamedRun;
use crate::ui::runs::OpenRuns;
use crate::ui::style::Palette;
use crate::ui::style::SMALL;
use crate::ui::style::semibold;
use crate::ui::text;
use crate::ui::widgets::RowContent;
use crate::ui::widgets::heading;
use crate::ui::widgets::row;

/// Height of the header above a scene, in points.
const HEADER: f32 = 28.0;
/// Space between two scenes, in points.
const GAP: f32 = 2.0;

/// A change of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnAction {
    /// Make this column the active one.
    Activate(usize),
    /// Add a column of this run.
    Add(usize),
    /// Add a column with the view of the active one.
    Duplicate,
    /// Remove the active column.
    Remove,
    /// Exchange the sides A and B of the active column.
    Swap,
    /// Add a column of the active one minus its neighbour.
    Difference,
    /// Replace the links between the columns.
    Lock(Locks),
}

/// The description of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnEntry {
    /// Name of its run.
    pub run: String,
    /// Short description of its query, or the reason why its scene is empty.
    pub description: String,
    /// A writer is adding epochs to the run.
    pub live: bool,
}

/// The columns of a window, and what can be done with them.
#[derive(Clone, Copy, Debug, Default)]
pub struct ColumnBar<'a> {
    /// The columns, from left to right.
    pub entries: &'a [ColumnEntry],
    /// Index of the active column, to which panels and keys apply.
    pub active: usize,
    /// The runs that a column can show.
    pub runs: &'a [NamedRun<'a>],
    /// Index of the run of the active column.
    pub run: usize,
    /// The links between the columns.
    pub locks: Locks,
    /// The active column shows a difference, whose sides can be exchanged.
    pub can_swap: bool,
    /// The active column and its neighbour can be subtracted.
    pub can_subtract: bool,
}

impl ColumnBar<'_> {
    fn is_alone(&self) -> bool {
        self.entries.len() <= 1
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= MAX_COLUMNS
    }

    /// Shows the section of the side panel.
    pub fn show(&self, ui: &mut Ui, palette: Palette) -> Option<ColumnAction> {
        heading(ui, "Columns");
        let mut action = None;
        if !self.is_alone() {
            ui.scope(|ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                for (index, entry) in self.entries.iter().enumerate() {
                    let content = RowContent {
                        name: format!("Column {}: {}, {}", index + 1, entry.run, entry.description),
                        left: &format!("{}  {}", index + 1, entry.description),
                        right: if self.runs.len() > 1 { &entry.run } else { "" },
                        selected: index == self.active,
                    };
                    let all = format!("{}\n{}", entry.run, entry.description);
                    if row(ui, palette, content).on_hover_text(all).clicked() {
                        action = Some(ColumnAction::Activate(index));
                    }
                }
            });
        }
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
            action = self.buttons(ui).or(action);
        });
        if !self.is_alone() {
            action = self.locks(ui).or(action);
        }
        action
    }

    fn buttons(&self, ui: &mut Ui) -> Option<ColumnAction> {
        let mut action = None;
        let mut request_if = |pressed: bool, requested: ColumnAction| {
            if pressed {
                action = Some(requested);
            }
        };
        let free = !self.is_full();
        if self.runs.len() > 1 {
            let menu = ui.add_enabled_ui(free, |ui| {
                ui.menu_button(RichText::new("Add").size(SMALL), |ui| {
                    for (index, run) in self.runs.iter().enumerate() {
                        request_if(ui.button(run.name).clicked(), ColumnAction::Add(index));
                    }
                })
            });
            name(&menu.inner.response, "Add column", free);
        } else {
            let pressed = button(ui, "Add", "Add column", "Another column, of all inputs (N)", free);
            request_if(pressed, ColumnAction::Add(self.run));
        }
        let pressed = button(ui, "Duplicate", "Duplicate column", "Another column like this one (C)", free);
        request_if(pressed, ColumnAction::Duplicate);
        if !self.is_alone() {
            let pressed = button(ui, "Remove", "Remove column", "This column goes (Delete)", true);
            request_if(pressed, ColumnAction::Remove);
        }
        if !self.is_alone() || self.can_swap {
            let tip = "Exchange what is shown and what is subtracted from it (X)";
            request_if(button(ui, "Swap A and B", "Swap A and B", tip, self.can_swap), ColumnAction::Swap);
        }
        if !self.is_alone() {
            let tip = "Another column, of this one minus its neighbour (M)";
            let pressed = button(ui, "A − B", "Subtract columns", tip, self.can_subtract && free);
            request_if(pressed, ColumnAction::Difference);
        }
        action
    }

    fn locks(&self, ui: &mut Ui) -> Option<ColumnAction> {
        let mut locks = self.locks;
        ui.horizontal(|ui| {
            for (on, text, tip) in [
                (&mut locks.cameras, "Cameras", "Look at all columns from the same place (K)"),
                (&mut locks.epochs, "Epochs", "Show the same epoch in all columns (T)"),
                (&mut locks.scale, "Scale", "Let equal colours stand for equal values (R)"),
            ] {
                let response = ui.checkbox(on, RichText::new(text).size(SMALL)).on_hover_text(tip);
                let on = *on;
                response.widget_info(|| {
                    WidgetInfo::selected(Role::CheckBox, true, on, format!("Lock {}", text.to_lowercase()))
                });
            }
        });
        (locks != self.locks).then_some(ColumnAction::Lock(locks))
    }

    /// Returns the action of the pressed keys. Keys without Ctrl are ignored unless `ours`.
    pub fn handle_keys(&self, ui: &Ui, ours: bool) -> Option<ColumnAction> {
        let count = self.entries.len();
        ui.input_mut(|input| {
            if !self.is_alone() {
                if input.consume_key(Modifiers::CTRL | Modifiers::SHIFT, Key::Tab) {
                    return Some(ColumnAction::Activate((self.active + count - 1) % count));
                }
                if input.consume_key(Modifiers::CTRL, Key::Tab) {
                    return Some(ColumnAction::Activate((self.active + 1) % count));
                }
            }
            if !ours || input.modifiers.any() {
                return None;
            }
            let lock = |cameras: bool, epochs: bool, scale: bool| {
                let Locks { cameras: c, epochs: e, scale: s } = self.locks;
                ColumnAction::Lock(Locks { cameras: c ^ cameras, epochs: e ^ epochs, scale: s ^ scale })
            };
            let (many, free) = (!self.is_alone(), !self.is_full());
            [
                (Key::N, free, ColumnAction::Add(self.run)),
                (Key::C, free, ColumnAction::Duplicate),
                (Key::Delete, many, ColumnAction::Remove),
                (Key::Backspace, many, ColumnAction::Remove),
                (Key::X, self.can_swap, ColumnAction::Swap),
                (Key::M, many && free && self.can_subtract, ColumnAction::Difference),
                (Key::K, many, lock(true, false, false)),
                (Key::T, many, lock(false, true, false)),
                (Key::R, many, lock(false, false, true)),
            ]
            .into_iter()
            .find(|(key, possible, _)| *possible && input.key_pressed(*key))
            .map(|(_, _, action)| action)
        })
    }

    /// Paints the header of a column, and returns `true` if it was clicked.
    pub fn header(&self, ui: &Ui, rect: Rect, index: usize, palette: Palette) -> bool {
        let Some(entry) = self.entries.get(index) else { return false };
        let response = ui.interact(rect, ui.scope_id().with(("column", index)), Sense::click());
        name(
            &response,
            &format!("Header of column {}: {}, {}", index + 1, entry.run, entry.description),
            true,
        );
        let painter = ui.painter_at(rect);
        let active = index == self.active;
        if active {
            let line = Rect::from_min_size(rect.min, vec2(rect.width(), 2.0));
            painter.rect_filled(line, CornerRadius::ZERO, palette.accent);
        } else if response.hovered() {
            painter.rect_filled(rect, CornerRadius::ZERO, palette.control);
        }
        let mut at = rect.left_center() + vec2(12.0, 1.0);
        if entry.live {
            painter.circle_filled(at + vec2(3.0, 0.0), 3.0, palette.accent);
            at.x += 14.0;
        }
        let fitting = |text: &str, font: FontId, colour, width: f32| {
            let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, colour);
            job.wrap = egui::text::TextWrapping::truncate_at_width(width.max(0.0));
            painter.layout_job(job)
        };
        let room = rect.right() - 12.0 - at.x;
        let bright = if active { palette.text } else { palette.dim };
        let description = fitting(&entry.description, FontId::proportional(SMALL), palette.dim, 0.6 * room);
        let run =
            fitting(&entry.run, FontId::new(SMALL, semibold()), bright, room - 8.0 - description.size().x);
        let place = Align2::LEFT_CENTER.anchor_size(at, run.size());
        let beside = pos2(place.right() + 8.0, rect.center().y + 1.0);
        painter.galley(place.min, run, bright);
        let place = Align2::LEFT_CENTER.anchor_size(beside, description.size());
        painter.galley(place.min, description, palette.dim);
        if response.has_focus() {
            let stroke = Stroke::new(1.0, palette.accent);
            painter.rect_stroke(rect, CornerRadius::ZERO, stroke, egui::StrokeKind::Inside);
        }
        response.clicked()
    }
}

/// Divides `whole` among `count` columns; returns the rectangles of the header, if there are several
/// columns, and of the scene.
pub fn column_rects(whole: Rect, count: usize) -> Vec<(Option<Rect>, Rect)> {
    if count <= 1 {
        return vec![(None, whole)];
    }
    let width = ((whole.width() - GAP * (count - 1) as f32) / count as f32).max(1.0);
    let column = |index: usize| {
        let left = whole.left() + index as f32 * (width + GAP);
        let all = Rect::from_min_size(pos2(left, whole.top()), vec2(width, whole.height()));
        let (header, scene) = all.split_top_bottom_at_y(all.top() + HEADER.min(all.height()));
        (Some(header), scene)
    };
    (0..count).map(column).collect()
}

/// Describes the query of a column in a short text.
pub fn describe_column(recording: &Recording, runs: OpenRuns, query: &Query) -> String {
    let select = text::describe_selection(recording, &query.select);
    let Some(b) = &query.minus else { return select };
    let b = match runs.minus_run(query).filter(|_| runs.compares_runs(query)) {
        // The same selection in another run.
        Some(run) if query.select == *b => run.name.to_owned(),
        Some(run) => format!("{} of {}", text::describe_selection(run.recording, b), run.name),
        None => text::describe_selection(recording, b),
    };
    match query.diff {
        Diff::Signed => format!("{select} − {b}"),
        Diff::Abs => format!("|{select} − {b}|"),
        Diff::Effect => format!("{select} against {b}"),
    }
}

fn button(ui: &mut Ui, text: &str, says: &str, tip: &str, enabled: bool) -> bool {
    let response = ui.add_enabled(enabled, Button::new(RichText::new(text).size(SMALL))).on_hover_text(tip);
    name(&response, says, enabled);
    response.clicked()
}

fn name(response: &Response, says: &str, enabled: bool) {
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, says));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Selection;
    use crate::ui::{NamedRun, testing};

    #[test]
    fn columns_share_the_width() {
        let whole = Rect::from_min_size(pos2(10.0, 20.0), vec2(1000.0, 700.0));
        assert_eq!(column_rects(whole, 1), [(None, whole)]);
        for count in 2..=MAX_COLUMNS {
            let columns = column_rects(whole, count);
            assert_eq!(columns.len(), count);
            let mut left = whole.left();
            for (header, scene) in columns {
                let header = header.expect("it is not alone");
                assert!((scene.left() - left).abs() < 0.01 && header.left() == scene.left());
                assert!(header.bottom() <= scene.top() && scene.bottom() == whole.bottom());
                left = scene.right() + GAP;
            }
            assert!((left - GAP - whole.right()).abs() < 0.01, "{count}");
        }
    }

    #[test]
    fn a_column_is_described_in_a_short_text() {
        let recording = testing::recording();
        let run = |name| NamedRun { name, id: 1, recording: &recording };
        let all = [run("one"), run("other")];
        let runs = OpenRuns { all: &all, own: 0 };
        let cat = Query { select: Selection::class(&recording, 0), ..Query::default() };
        assert_eq!(describe_column(&recording, runs, &cat), "class cat");
        let minus = Query { minus: Some(Selection::class(&recording, 1)), ..cat.clone() };
        assert_eq!(describe_column(&recording, runs, &minus), "class cat − class dog");
        let abs = Query { diff: Diff::Abs, run_b: Some(1), ..minus };
        assert_eq!(describe_column(&recording, runs, &abs), "|class cat − class dog of other|");
        let same = Query { minus: Some(cat.select.clone()), run_b: Some(1), ..cat };
        assert_eq!(describe_column(&recording, runs, &same), "class cat − other");
    }
}
