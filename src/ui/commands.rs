//! Everything that can be done, by name: what the command box offers and the list of keys shows. What
//! has a shortcut here is asked for by it; other keys are taken where they belong.

use std::path::PathBuf;

use egui::{Key, KeyboardShortcut, Modifiers, Ui};

use super::dock::DockPlace;
use super::dock::Pane;
use super::dock::PaneSize;
use super::panels::columns;
use crate::model::columns::{Locks, MAX_COLUMNS};
use crate::model::{ColourMap, Norm, OrderBy, Recording, SetView, Stat};

/// What a person can ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Open,
    OpenBeside,
    /// In the place of what is shown.
    OpenPath(PathBuf),
    SavePicture,
    CopyCommandLine,
    CopyView,
    CopyValues,
    CopySummary,
    Quit,
    Back,
    Forward,
    Undo,
    Redo,
    Commands,
    Keys,
    Toggle(Pane),
    DockPlace(Pane, DockPlace),
    PaneSize(Pane, PaneSize),
    OnlyScene,
    ResetLayout,
    FullScreen,
    ZoomIn,
    ZoomOut,
    ZoomReset,
    Column(columns::Action),
    /// Changes the view of the active column.
    View(ViewCommand),
}

/// A change of the view of the active column.
#[derive(Clone, Debug, PartialEq)]
pub enum ViewCommand {
    Play,
    StepBack,
    StepForward,
    First,
    Best,
    Last,
    Follow,
    Loop,
    SetView(SetView),
    FrameLayer(usize),
    HideLayer(usize),
    SoloLayer(usize),
    ShowLayers,
    ShowAll,
    ShowClass(usize),
    MinusClass(usize),
    MinusNone,
    Stat(Stat),
    Norm(Norm),
    Map(Option<ColourMap>),
    OverEpochs,
    Order(Option<OrderBy>),
    Theme,
    Labels,
    Haze,
    Edges,
    LessMotion,
    ClearPins,
}

/// A command as it is offered.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub group: &'static str,
    pub name: String,
    /// As people read them; empty without any.
    pub keys: &'static str,
    pub command: Command,
}

/// What is pressed together with what, for a command that is taken here.
struct Shortcut(Modifiers, Key, Command);

const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

/// Those with more modifiers first: egui takes Ctrl + Shift + Z for Ctrl + Z as well.
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

/// The command whose shortcut was pressed; that is taken from what others see. `?` only where keys are
/// `for_scene`: elsewhere it is text.
pub fn pressed(ui: &Ui, for_scene: bool) -> Option<Command> {
    ui.input_mut(|input| {
        let taken = SHORTCUTS.iter().find(|Shortcut(modifiers, key, _)| {
            input.consume_shortcut(&KeyboardShortcut::new(*modifiers, *key))
        });
        let asks = |event: &egui::Event| matches!(event, egui::Event::Text(text) if text == "?");
        let asked = for_scene && input.events.iter().any(asks);
        let back = input.pointer.button_pressed(egui::PointerButton::Extra1).then_some(Command::Back);
        let forward = input.pointer.button_pressed(egui::PointerButton::Extra2).then_some(Command::Forward);
        let taken = taken.map(|Shortcut(_, _, command)| command.clone());
        taken.or(asked.then_some(Command::Keys)).or(back).or(forward)
    })
}

/// What there is to choose among, beside what can always be done.
pub struct Context<'a> {
    /// `None` while nothing is open.
    pub recording: Option<&'a Recording>,
    pub columns: &'a columns::Columns<'a>,
    /// Paths of runs that were open before, the latest first.
    pub recent: &'a [PathBuf],
}

/// Everything that can be done now.
pub fn all(context: &Context) -> Vec<Entry> {
    let mut all = Vec::new();
    let mut add = |group, name: &str, keys, command| {
        all.push(Entry { group, name: name.to_owned(), keys, command });
    };
    add("File", "Open a run", "Ctrl O", Command::Open);
    add("File", "Open a run beside", "Ctrl Shift O", Command::OpenBeside);
    add("File", "Save the picture", "Ctrl S", Command::SavePicture);
    add("File", "Copy this view as a command line", "Ctrl E", Command::CopyCommandLine);
    add("File", "Copy this view as JSON", "Ctrl J", Command::CopyView);
    add("File", "Copy the values shown", "Ctrl D", Command::CopyValues);
    add("File", "Copy a summary in words", "Ctrl I", Command::CopySummary);
    add("File", "Quit", "Ctrl Q", Command::Quit);
    add("Views", "Back", "Alt Left", Command::Back);
    add("Views", "Forward", "Alt Right", Command::Forward);
    add("Views", "Undo", "Ctrl Z", Command::Undo);
    add("Views", "Redo", "Ctrl Shift Z", Command::Redo);
    for (view, name, keys) in [
        (SetView::Overview, "Overview", "1, Home"),
        (SetView::Front, "Front", "2"),
        (SetView::Top, "Top", "3"),
        (SetView::Grazing, "Grazing", "4"),
        (SetView::Close, "Close", "5"),
    ] {
        add("Views", name, keys, Command::View(ViewCommand::SetView(view)));
    }
    add("Training", "Play or pause", "Space", Command::View(ViewCommand::Play));
    add("Training", "Step back", "Left", Command::View(ViewCommand::StepBack));
    add("Training", "Step forward", "Right", Command::View(ViewCommand::StepForward));
    add("Training", "First epoch", "[", Command::View(ViewCommand::First));
    add("Training", "Best epoch", "B", Command::View(ViewCommand::Best));
    add("Training", "Last epoch", "]", Command::View(ViewCommand::Last));
    add("Training", "Follow the newest epoch", "L, End", Command::View(ViewCommand::Follow));
    add("Training", "Loop", "", Command::View(ViewCommand::Loop));
    panels(&mut add);
    looks(&mut add);
    if context.recording.is_some() {
        columns(context.columns, &mut add);
    }
    add("Layers", "Show all layers", "", Command::View(ViewCommand::ShowLayers));
    add("Units", "Remove all pins", "", Command::View(ViewCommand::ClearPins));
    if let Some(recording) = context.recording {
        add("Show", "Show all inputs", "", Command::View(ViewCommand::ShowAll));
        add("Show", "Minus nothing", "", Command::View(ViewCommand::MinusNone));
        for (index, class) in recording.classes.iter().enumerate() {
            add(
                "Show",
                &format!("Show class {}", class.name),
                "",
                Command::View(ViewCommand::ShowClass(index)),
            );
            add(
                "Show",
                &format!("Minus class {}", class.name),
                "",
                Command::View(ViewCommand::MinusClass(index)),
            );
        }
        for (index, layer) in recording.layers.iter().enumerate() {
            add(
                "Layers",
                &format!("Frame layer {}", layer.name),
                "",
                Command::View(ViewCommand::FrameLayer(index)),
            );
            add(
                "Layers",
                &format!("Hide or show layer {}", layer.name),
                "",
                Command::View(ViewCommand::HideLayer(index)),
            );
            add(
                "Layers",
                &format!("Only layer {}", layer.name),
                "",
                Command::View(ViewCommand::SoloLayer(index)),
            );
        }
    }
    for path in context.recent {
        add("Recent", &format!("Open {}", path.display()), "", Command::OpenPath(path.clone()));
    }
    all
}

fn panels(add: &mut impl FnMut(&'static str, &str, &'static str, Command)) {
    add("Panels", "Find a command", "Ctrl K", Command::Commands);
    add("Panels", "Keys and mouse", "?, F1", Command::Keys);
    let keys = ["Ctrl 1", "Ctrl 2", "Ctrl 3", "Ctrl 4", "Ctrl 5"];
    for (pane, keys) in Pane::PANELS.into_iter().zip(keys) {
        add("Panels", &format!("Panel: {}", pane.title()), keys, Command::Toggle(pane));
    }
    for pane in Pane::PANELS {
        let others = Pane::PANELS.into_iter().filter(|other| *other != pane).map(DockPlace::With);
        for place in DockPlace::EDGES.into_iter().chain(others) {
            let name = format!("Move {} {}", pane.title(), place.name());
            add("Panels", &name, "", Command::DockPlace(pane, place));
        }
        for size in PaneSize::ALL {
            add(
                "Panels",
                &format!("Make {} {}", pane.title(), size.name()),
                "",
                Command::PaneSize(pane, size),
            );
        }
    }
    add("Panels", "Only the scene", "F10", Command::OnlyScene);
    add("Panels", "Full screen", "F11", Command::FullScreen);
    add("Panels", "Panels where they began", "", Command::ResetLayout);
    add("Panels", "Larger text", "Ctrl +", Command::ZoomIn);
    add("Panels", "Smaller text", "Ctrl -", Command::ZoomOut);
    add("Panels", "Text as it began", "Ctrl 0", Command::ZoomReset);
}

fn looks(add: &mut impl FnMut(&'static str, &str, &'static str, Command)) {
    for (stat, name) in [
        (Stat::Mean, "Statistic: mean"),
        (Stat::Std, "Statistic: standard deviation"),
        (Stat::Min, "Statistic: least"),
        (Stat::Max, "Statistic: greatest"),
        (Stat::Rate, "Statistic: firing rate"),
        (Stat::Count, "Statistic: count"),
    ] {
        add("Look", name, "", Command::View(ViewCommand::Stat(stat)));
    }
    for (norm, name) in
        [(Norm::Raw, "Scale: raw"), (Norm::Layer, "Scale: by layer"), (Norm::Global, "Scale: by network")]
    {
        add("Look", name, "", Command::View(ViewCommand::Norm(norm)));
    }
    add("Look", "Colours: automatic", "", Command::View(ViewCommand::Map(None)));
    for map in ColourMap::ALL {
        add("Look", &format!("Colours: {}", map.name()), "", Command::View(ViewCommand::Map(Some(map))));
    }
    for (order, name) in [
        (None, "Order: as trained"),
        (Some(OrderBy::Activation), "Order: by strength"),
        (Some(OrderBy::Selectivity), "Order: by class"),
        (Some(OrderBy::Similarity), "Order: by likeness"),
    ] {
        add("Look", name, "", Command::View(ViewCommand::Order(order)));
    }
    add("Look", "Same range at all epochs", "", Command::View(ViewCommand::OverEpochs));
    add("Look", "Dark or light", "", Command::View(ViewCommand::Theme));
    add("Look", "Labels", "", Command::View(ViewCommand::Labels));
    add("Look", "Haze", "", Command::View(ViewCommand::Haze));
    add("Look", "Edges", "", Command::View(ViewCommand::Edges));
    add("Look", "Less motion", "", Command::View(ViewCommand::LessMotion));
}

fn columns(part: &columns::Columns, add: &mut impl FnMut(&'static str, &str, &'static str, Command)) {
    use columns::Action;
    let (many, free) = (part.entries.len() > 1, part.entries.len() < MAX_COLUMNS);
    let mut offer = |possible: bool, name: &str, keys, action| {
        if possible {
            add("Columns", name, keys, Command::Column(action));
        }
    };
    offer(free, "Add a column", "N", Action::Add(part.run));
    offer(free, "Duplicate the column", "C", Action::Duplicate);
    offer(many, "Remove the column", "Delete", Action::Remove);
    offer(part.can_swap, "Swap A and B", "X", Action::Swap);
    offer(many && free && part.can_subtract, "A column of the difference", "M", Action::Difference);
    let Locks { cameras, epochs, scale } = part.locks;
    let lock = |cameras, epochs, scale| Action::Lock(Locks { cameras, epochs, scale });
    offer(many, "Lock or unlock cameras", "K", lock(!cameras, epochs, scale));
    offer(many, "Lock or unlock epochs", "T", lock(cameras, !epochs, scale));
    offer(many, "Lock or unlock scales", "R", lock(cameras, epochs, !scale));
    for index in (0..part.entries.len()).filter(|_| many) {
        offer(index != part.active, &format!("Go to column {}", index + 1), "", Action::Activate(index));
    }
}

/// What hands do in the scene, which is in no command.
pub const HANDS: &[(&str, &str)] = &[
    ("left drag", "orbit"),
    ("middle drag, Shift + left drag", "pan"),
    ("right drag", "look around"),
    ("wheel", "nearer, further"),
    ("W A S D, Q E", "fly; with Shift faster"),
    ("double click, F", "frame the layer under the pointer"),
    ("click on a cell", "pin the unit"),
    ("Alt + left drag", "pin the units of a region"),
    ("Ctrl + Tab", "the next column"),
    ("I, O", "begin and end a range of epochs"),
    ("Tab, Shift + Tab", "the next control, the one before"),
];

/// The entries that hold all words of `text`, the best first: those whose name begins with it, then
/// those with a word that does.
pub fn matching<'a>(all: &'a [Entry], text: &str) -> Vec<&'a Entry> {
    let text = text.trim().to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut found: Vec<(u8, &Entry)> = all
        .iter()
        .filter_map(|entry| {
            let name = entry.name.to_lowercase();
            let whole = format!("{name} {}", entry.group.to_lowercase());
            if !words.iter().all(|word| whole.contains(word)) {
                return None;
            }
            let begins = |start: &str| name.split_whitespace().any(|word| word.starts_with(start));
            let place = match words.first() {
                Some(_) if name.starts_with(&text) => 0,
                Some(first) if begins(first) => 1,
                _ => 2,
            };
            Some((place, entry))
        })
        .collect();
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, entry)| entry).collect()
}
