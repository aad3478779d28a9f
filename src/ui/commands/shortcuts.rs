//! Shortcuts of commands, and the gestures of the scene.

use egui::{Key, KeyboardShortcut, Modifiers, Ui};

use super::{Command, ViewCommand};
use crate::model::SetView;
use crate::ui::dock::Pane;

/// The modifiers and the key that trigger a command.
struct Shortcut(Modifiers, Key, Command);

const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

/// The shortcuts, those with more modifiers first, because egui also matches Ctrl + Shift + Z as Ctrl + Z.
const SHORTCUTS: &[Shortcut] = &[
    Shortcut(CTRL_SHIFT, Key::O, Command::OpenBeside),
    Shortcut(CTRL_SHIFT, Key::Z, Command::Redo),
    Shortcut(Modifiers::COMMAND, Key::O, Command::Open),
    Shortcut(Modifiers::COMMAND, Key::S, Command::SavePicture),
    Shortcut(Modifiers::COMMAND, Key::E, Command::CopyCommandLine),
    Shortcut(Modifiers::COMMAND, Key::J, Command::CopyView),
    Shortcut(Modifiers::COMMAND, Key::D, Command::CopyValues),
    Shortcut(Modifiers::COMMAND, Key::I, Command::CopySummary),
    Shortcut(Modifiers::COMMAND, Key::Z, Command::Undo),
    Shortcut(Modifiers::COMMAND, Key::Y, Command::Redo),
    Shortcut(Modifiers::COMMAND, Key::K, Command::Commands),
    Shortcut(Modifiers::COMMAND, Key::P, Command::Commands),
    Shortcut(Modifiers::COMMAND, Key::Num1, Command::Toggle(Pane::Input)),
    Shortcut(Modifiers::COMMAND, Key::Num2, Command::Toggle(Pane::Options)),
    Shortcut(Modifiers::COMMAND, Key::Num3, Command::Toggle(Pane::Layers)),
    Shortcut(Modifiers::COMMAND, Key::Num4, Command::Toggle(Pane::Unit)),
    Shortcut(Modifiers::COMMAND, Key::Num5, Command::Toggle(Pane::About)),
    Shortcut(Modifiers::ALT, Key::ArrowLeft, Command::Back),
    Shortcut(Modifiers::ALT, Key::ArrowRight, Command::Forward),
    Shortcut(Modifiers::NONE, Key::F1, Command::Keys),
    Shortcut(Modifiers::NONE, Key::F10, Command::OnlyScene),
    Shortcut(Modifiers::NONE, Key::F11, Command::FullScreen),
];

/// Characters that are commands over a scene; elsewhere they are text. Their keys depend on the keyboard.
const CHARACTERS: [(&str, Command); 4] = [
    ("?", Command::Keys),
    ("/", Command::Commands),
    ("+", Command::View(ViewCommand::FoldBy(1))),
    ("-", Command::View(ViewCommand::FoldBy(-1))),
];

/// Returns the command whose shortcut was pressed, and consumes that input. Characters count only with
/// `for_scene`: elsewhere they are text.
pub fn pressed(ui: &Ui, for_scene: bool) -> Option<Command> {
    ui.input_mut(|input| {
        let command = SHORTCUTS.iter().find(|Shortcut(modifiers, key, _)| {
            input.consume_shortcut(&KeyboardShortcut::new(*modifiers, *key))
        });
        let typed = |character: &str| {
            let is_typed =
                |event: &egui::Event| matches!(event, egui::Event::Text(text) if text == character);
            for_scene && input.events.iter().any(is_typed)
        };
        let character = CHARACTERS.iter().find(|(character, _)| typed(character));
        let character = character.map(|(_, command)| command.clone());
        if character == Some(Command::Commands) {
            // Not also the first character of the search.
            input.events.retain(|event| !matches!(event, egui::Event::Text(_)));
        }
        let back = input.pointer.button_pressed(egui::PointerButton::Extra1).then_some(Command::Back);
        let forward = input.pointer.button_pressed(egui::PointerButton::Extra2).then_some(Command::Forward);
        let command = command.map(|Shortcut(_, _, command)| command.clone());
        command.or(character).or(back).or(forward)
    })
}

/// Returns the command of Home or End, and consumes that input, unless a text field has the focus. To be called
/// after all panels, because lists, tables and strips consume these keys for their own ends.
pub fn pressed_home_or_end(ui: &Ui) -> Option<ViewCommand> {
    if ui.ctx().text_edit_focused() {
        return None;
    }
    let keys = [(Key::Home, ViewCommand::SetView(SetView::Overview)), (Key::End, ViewCommand::Follow)];
    ui.input_mut(|input| keys.into_iter().find(|(key, _)| input.consume_key(Modifiers::NONE, *key)))
        .map(|(_, command)| command)
}

/// Mouse and key gestures of the scene that are no commands, and the effect of each, as text for the user.
pub const SCENE_GESTURES: &[(&str, &str)] = &[
    ("left drag", "orbit"),
    ("middle drag, Shift + left drag", "pan"),
    ("right drag", "look around"),
    ("wheel", "nearer, further"),
    ("W A S D, Q E", "fly; with Shift faster"),
    ("double click, F", "frame the layer under the pointer"),
    ("double click on a folded group, U", "unfold it; U folds it again"),
    ("click on a cell", "pin the unit"),
    ("Alt + left drag", "pin the units of a region"),
    ("Ctrl + Tab", "the next column"),
    ("I, O", "begin and end a range of epochs"),
    ("F6, Shift + F6", "the next panel, the one before"),
    ("Tab, Shift + Tab", "the next control, the one before"),
];
