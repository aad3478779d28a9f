//! A selection as text: one line that follows what is chosen, and leads where it is understood.

use egui::{FontId, Key, Label, RichText, Role, TextEdit, Ui, WidgetInfo};

use crate::model::Selection;
use crate::ui::style::{Palette, SMALL};

/// Classes and ranges up to which a selection is written out.
const WRITTEN: usize = 400;

/// What the line holds.
#[derive(Debug, Default)]
pub struct SelectionField {
    text: String,
    /// The selection is too long to be written out.
    long: bool,
    /// Why what was asked for last is not to be had.
    error: Option<String>,
}

impl SelectionField {
    /// Writes what is chosen, unless it says so already in other words.
    pub fn write(&mut self, selection: &Selection) {
        self.error = None;
        self.long = selection.pieces() > WRITTEN;
        if self.long {
            self.text.clear();
        } else if self.text.parse().ok().as_ref() != Some(selection) {
            self.text = selection.to_string();
        }
    }

    /// Says below the line why something is not to be had.
    pub fn refuse(&mut self, error: String) {
        self.error = Some(error);
    }

    pub fn accept(&mut self) {
        self.error = None;
    }

    /// Shows the line; returns what was written there, where that is a selection.
    pub fn show(&mut self, ui: &mut Ui, name: &str, current: &Selection) -> Option<Selection> {
        let hint = if self.long { "too long to be written here" } else { "all" };
        let edit = TextEdit::singleline(&mut self.text)
            .font(FontId::proportional(SMALL))
            .hint_text(hint)
            .desired_width(f32::INFINITY);
        let response = ui.add(edit);
        let text = self.text.clone();
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::TextInput, ui.is_enabled(), name);
            info.current_text_value = Some(text.clone());
            info
        });
        if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Escape)) {
            self.text.clear();
            self.write(current);
            return None;
        }
        if !response.changed() {
            return None;
        }
        self.long = false;
        match self.text.parse() {
            Ok(selection) => Some(selection),
            Err(error) => {
                self.refuse(error.to_string());
                None
            }
        }
    }

    /// The line below: what is wrong or, where nothing is, `otherwise`.
    pub fn show_below(&self, ui: &mut Ui, palette: Palette, otherwise: Option<&str>) {
        let (text, colour) = match (&self.error, otherwise) {
            (Some(error), _) => (error.as_str(), palette.warning),
            (None, Some(text)) => (text, palette.dim),
            (None, None) => return,
        };
        // What does not fit into the line is shown under the pointer.
        ui.add(Label::new(RichText::new(text).size(SMALL).color(colour)).truncate());
    }
}
