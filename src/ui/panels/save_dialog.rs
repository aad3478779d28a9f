//! The dialog that saves a picture of the scenes.

use std::path::{Path, PathBuf};

use egui::{
    Align2, Area, DragValue, Frame, Id, Key, Modifiers, Order, RichText, TextEdit, Ui, WidgetInfo, vec2,
};

use crate::model::Theme;
use crate::ui::style::{Palette, SMALL, TEXT, semibold};
use crate::ui::widgets::segmented;

/// Sizes to choose from, in pixels.
const SIZES: [([u32; 2], &str); 3] =
    [([1280, 720], "1280 × 720"), ([1920, 1080], "1920 × 1080"), ([3840, 2160], "3840 × 2160")];
/// Greatest width and height, in pixels.
const MAX_SIDE: u32 = 8192;

/// The picture to save.
#[derive(Clone, Debug, PartialEq)]
pub struct PictureOptions {
    /// The PNG file.
    pub path: PathBuf,
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// The ground; `None` for that of the window.
    pub theme: Option<Theme>,
    /// Draws legend and names.
    pub overlay: bool,
}

/// The dialog and its input state.
#[derive(Debug)]
pub struct SaveDialog {
    open: bool,
    /// The path field has to get the focus.
    focus: bool,
    path: String,
    size: [u32; 2],
    theme: Option<Theme>,
    overlay: bool,
}

impl Default for SaveDialog {
    fn default() -> Self {
        Self { open: false, focus: false, path: String::new(), size: SIZES[1].0, theme: None, overlay: true }
    }
}

impl SaveDialog {
    /// Opens the dialog with a path.
    pub fn open(&mut self, path: &Path) {
        (self.open, self.focus, self.path) = (true, true, path.display().to_string());
    }

    /// Returns `true` if the dialog is open.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Shows the dialog if it is open; returns the picture once it is to be saved.
    pub fn show(&mut self, ui: &Ui, palette: Palette) -> Option<PictureOptions> {
        if !self.open {
            return None;
        }
        if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            self.open = false;
            return None;
        }
        let enter = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter));
        let mut save = enter;
        let width = (0.6 * ui.ctx().content_rect().width()).clamp(280.0, 560.0);
        let area = Area::new(Id::unique("save picture"))
            .order(Order::Foreground)
            .fade_in(false)
            .anchor(Align2::CENTER_TOP, vec2(0.0, 64.0));
        area.show(ui.ctx(), |ui| {
            Frame::popup(ui.style()).inner_margin(16.0).show(ui, |ui| {
                ui.set_width(width);
                ui.label(RichText::new("Save the picture").font(egui::FontId::new(TEXT, semibold())));
                ui.add_space(4.0);
                let edit = TextEdit::singleline(&mut self.path)
                    .hint_text("path of a PNG file")
                    .desired_width(f32::INFINITY);
                let response = ui.add(edit);
                response.widget_info(|| {
                    WidgetInfo::text_edit(true, &self.path, &self.path, "Path of the picture")
                });
                ui.ctx().accesskit_node_builder(response.id, |node| node.set_label("Path of the picture"));
                if std::mem::take(&mut self.focus) {
                    response.request_focus();
                }
                let state = path_state(&self.path);
                let (note, colour) = match &state {
                    Ok(false) => ("", palette.dim),
                    Ok(true) => ("This file exists and will be replaced.", palette.warning),
                    Err(reason) => (*reason, palette.warning),
                };
                ui.label(RichText::new(note).size(SMALL).color(colour));
                self.options(ui, palette);
                ui.add_space(8.0);
                ui.horizontal(|ui| {
                    save |= ui.add_enabled(state.is_ok(), egui::Button::new("Save")).clicked();
                    if ui.button("Cancel").clicked() {
                        self.open = false;
                    }
                });
                save &= state.is_ok();
            });
        });
        if !(save && self.open) {
            return None;
        }
        self.open = false;
        let Self { size, theme, overlay, .. } = *self;
        Some(PictureOptions { path: with_extension(&self.path), size, theme, overlay })
    }

    /// Shows the choices of size, ground and legend.
    fn options(&mut self, ui: &mut Ui, palette: Palette) {
        if let Some(size) = segmented(ui, palette, "Picture size", &SIZES, Some(self.size)) {
            self.size = size;
        }
        ui.horizontal(|ui| {
            for (side, name) in self.size.iter_mut().zip(["Width in pixels", "Height in pixels"]) {
                let response = ui.add(DragValue::new(side).range(16..=MAX_SIDE).speed(4.0).suffix(" px"));
                ui.ctx().accesskit_node_builder(response.id, |node| node.set_label(name));
            }
        });
        let grounds = [(None, "As shown"), (Some(Theme::Dark), "Dark"), (Some(Theme::Light), "Light")];
        if let Some(theme) = segmented(ui, palette, "Ground", &grounds, Some(self.theme)) {
            self.theme = theme;
        }
        ui.checkbox(&mut self.overlay, RichText::new("Legend and names").size(SMALL));
    }
}

/// Returns the path with the extension of a PNG file.
fn with_extension(path: &str) -> PathBuf {
    let path = PathBuf::from(path.trim());
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png")) {
        return path;
    }
    let mut name = path.into_os_string();
    name.push(".png");
    name.into()
}

/// Returns `true` if there is a file at the path, or the reason why nothing can be saved there.
fn path_state(path: &str) -> Result<bool, &'static str> {
    if path.trim().is_empty() || path.ends_with(['/', std::path::MAIN_SEPARATOR]) {
        return Err("Name the file.");
    }
    let path = with_extension(path);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match (path.is_dir(), folder.is_none_or(Path::is_dir)) {
        (true, _) => Err("This is a folder: name a file in it."),
        (_, false) => Err("There is no such folder."),
        _ => Ok(path.exists()),
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::ui::testing::TestWindow;

    struct State {
        dialog: SaveDialog,
        saved: Vec<PictureOptions>,
    }

    fn window(path: &str) -> TestWindow<State> {
        let mut dialog = SaveDialog::default();
        dialog.open(Path::new(path));
        let state = State { dialog, saved: Vec::new() };
        TestWindow::open(vec2(800.0, 500.0), state, |ui, state| {
            state.saved.extend(state.dialog.show(ui, Palette::of(Theme::Dark)));
        })
    }

    #[test]
    fn a_picture_is_saved_where_and_how_it_is_wanted() {
        let folder = std::env::temp_dir();
        let path = folder.join("dnnviz-no-such-file");
        let mut window = window(&path.display().to_string());
        window.click("Picture size: 3840 × 2160");
        window.click("Ground: Light");
        window.click("Legend and names");
        window.click("Save");
        let expected = PictureOptions {
            path: folder.join("dnnviz-no-such-file.png"),
            size: [3840, 2160],
            theme: Some(Theme::Light),
            overlay: false,
        };
        assert_eq!(window.state().saved, [expected]);
        assert!(!window.state().dialog.is_open());
    }

    #[test]
    fn nothing_is_saved_where_it_cannot_be() {
        let mut window = window("/no/such/folder/x.png");
        window.get_by_label("There is no such folder.");
        window.press(Key::Enter);
        assert!(window.state().saved.is_empty() && window.state().dialog.is_open());
        window.press(Key::Escape);
        assert!(!window.state().dialog.is_open());
    }
}
