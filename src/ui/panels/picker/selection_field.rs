//! Text field of a selection, which follows the selection and changes it.

use egui::{FontId, Key, Label, RichText, Role, TextEdit, Ui, WidgetInfo};

use crate::model::Selection;
use crate::ui::style::{Palette, SMALL};

/// Maximum number of classes and ranges that are written out.
const WRITTEN: usize = 400;

/// The text of a selection and its error.
#[derive(Debug, Default)]
pub struct SelectionField {
    text: String,
    /// The selection is too long to be written out.
    long: bool,
    /// The reason why the last selection was refused.
    error: Option<String>,
}

impl SelectionField {
    /// Writes the selection into the field, unless its text already parses to the same selection.
    pub fn write(&mut self, selection: &Selection) {
        self.error = None;
        self.long = selection.pieces() > WRITTEN;
        if self.long {
            self.text.clear();
        } else if self.text.parse().ok().as_ref() != Some(selection) {
            self.text = selection.to_string();
        }
    }

    /// Shows an error below the field.
    pub fn refuse(&mut self, error: String) {
        self.error = Some(error);
    }

    /// Removes the error.
    pub fn accept(&mut self) {
        self.error = None;
    }

    /// Shows the field; returns the selection after a valid change.
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

    /// Shows the error of the text, if there is one.
    pub fn show_error(&self, ui: &mut Ui, palette: Palette) {
        let Some(error) = &self.error else { return };
        // The tooltip shows the whole of a truncated label.
        ui.add(Label::new(RichText::new(error).size(SMALL).color(palette.warning)).truncate());
    }
}
