//! The text field of a search.

use egui::{FontId, Key, Role, TextEdit, Ui, WidgetInfo};

use crate::ui::style::SMALL;

/// The result of a search field in a frame.
#[derive(Clone, Copy, Debug)]
pub struct SearchResponse {
    /// The text was changed by the user.
    pub changed: bool,
    /// Enter was pressed, and there is a text.
    pub entered: bool,
}

/// Shows a search field over the available width; Escape clears it.
pub fn search_edit(ui: &mut Ui, text: &mut String, name: &str, hint: &str) -> SearchResponse {
    let edit = TextEdit::singleline(text)
        .font(FontId::proportional(SMALL))
        .hint_text(hint)
        .desired_width(f32::INFINITY);
    let response = ui.add(edit);
    let written = text.clone();
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::SearchInput, ui.is_enabled(), name);
        info.current_text_value = Some(written.clone());
        info
    });
    let pressed = |key| response.lost_focus() && ui.input(|input| input.key_pressed(key));
    if pressed(Key::Escape) {
        text.clear();
        return SearchResponse { changed: true, entered: false };
    }
    SearchResponse { changed: response.changed(), entered: pressed(Key::Enter) && !written.trim().is_empty() }
}
