//! The list of commands, which the command box offers and the list of keys shows.

mod entries;
mod matching;
mod shortcuts;

use std::path::PathBuf;

use self::entries::{column_commands, look_commands, panel_commands};
pub use self::matching::{find, go_to_epoch};
pub use self::shortcuts::{SCENE_GESTURES, pressed, pressed_home_or_end};
use super::dock::DockPlace;
use super::dock::Pane;
use super::dock::PaneSize;
use super::panels::columns::{ColumnAction, ColumnBar};
use super::panels::save_dialog::PictureOptions;
use super::playback::SPEEDS;
use crate::model::columns::{Locks, MAX_COLUMNS};
use crate::model::{ColourMap, ModuleTree, Norm, OrderBy, Recording, SetView, Stat};

/// Most groups of layers that are listed.
const MAX_GROUPS: usize = 1_000;

/// Something a user can do by key, menu or command box.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Opens a run, chosen in a file dialog, in the active column.
    Open,
    /// Opens a run, chosen in a file dialog, in a new column.
    OpenBeside,
    /// Opens the run at a path in the active column, in place of its run.
    OpenPath(PathBuf),
    /// Opens the dialog that saves a picture.
    SavePicture,
    /// Saves the picture as chosen in the dialog.
    WritePicture(PictureOptions),
    /// Copies a `dnnviz render` command that draws the view of the active column.
    CopyCommandLine,
    /// Copies the workspace as JSON.
    CopyView,
    /// Copies the values of the scene as CSV.
    CopyValues,
    /// Copies a description of the active scene in sentences.
    CopySummary,
    /// Closes the window.
    Quit,
    /// Returns to the previously visited view.
    Back,
    /// Returns to the view that was left by [`Command::Back`].
    Forward,
    /// Undoes the latest change of the views; cameras and epochs stay.
    Undo,
    /// Repeats the change that was undone last.
    Redo,
    /// Opens the command box.
    Commands,
    /// Opens or closes the list of keys.
    Keys,
    /// Shows or hides a panel.
    Toggle(Pane),
    /// Moves a panel within the dock.
    DockPlace(Pane, DockPlace),
    /// Resizes a panel by one step.
    PaneSize(Pane, PaneSize),
    /// Gives a panel half of the window, or restores the panels if it has it already.
    Enlarge(Pane),
    /// Hides or shows everything except the scenes.
    OnlyScene,
    /// Restores the default arrangement of the panels.
    ResetLayout,
    /// Enters or leaves full screen.
    FullScreen,
    /// Enlarges text and panels by one step.
    ZoomIn,
    /// Shrinks text and panels by one step.
    ZoomOut,
    /// Restores the default size of text and panels.
    ZoomReset,
    /// Changes the columns or their links.
    Column(ColumnAction),
    /// Changes the view of the active column.
    View(ViewCommand),
}

/// A change of the view of the active column.
#[derive(Clone, Debug, PartialEq)]
pub enum ViewCommand {
    /// Starts or pauses playback.
    Play,
    /// Moves one epoch back.
    StepBack,
    /// Moves one epoch forward.
    StepForward,
    /// Moves to the first readable epoch.
    First,
    /// Moves to the epoch of highest accuracy, else of lowest loss.
    Best,
    /// Moves to the last readable epoch.
    Last,
    /// Follows the newest epoch.
    Follow,
    /// Turns repeating playback on or off.
    Loop,
    /// Sets the playback speed, one of [`crate::ui::playback::SPEEDS`].
    Speed(f64),
    /// Moves to the epoch of this number.
    Epoch(u64),
    /// Moves the camera to a set view.
    SetView(SetView),
    /// Moves the camera to the front of a layer, an index into [`Recording::layers`].
    FrameLayer(usize),
    /// Hides or shows a layer, an index into [`Recording::layers`].
    HideLayer(usize),
    /// Hides all layers except one, an index into [`Recording::layers`], or shows all if that is so already.
    SoloLayer(usize),
    /// Shows all layers.
    ShowLayers,
    /// Draws the layers of a group as slabs of their own; the group is an index into [`ModuleTree::groups`].
    Unfold(usize),
    /// Draws the layers of a group as one slab; the group is an index into [`ModuleTree::groups`].
    Fold(usize),
    /// Unfolds all groups by this many levels of the module tree, or folds them if it is negative.
    FoldBy(i32),
    /// Folds and unfolds groups so that the number of slabs is legible.
    FoldAutomatically,
    /// Selects all inputs as side A.
    ShowAll,
    /// Selects a class, an index into [`Recording::classes`], as side A.
    ShowClass(usize),
    /// Selects a class, an index into [`Recording::classes`], as side B, which is subtracted.
    MinusClass(usize),
    /// Removes side B.
    MinusNone,
    /// Selects the statistic.
    Stat(Stat),
    /// Selects the normalisation.
    Norm(Norm),
    /// Selects the colour map; `None` chooses it automatically.
    Map(Option<ColourMap>),
    /// Uses one value range for all epochs, or one per epoch.
    OverEpochs,
    /// Orders the units as at the current epoch; `None` keeps them as trained.
    Order(Option<OrderBy>),
    /// Switches between the dark and the light theme.
    Theme,
    /// Shows or hides the names of layers and classes.
    Labels,
    /// Turns the fading of distant slabs on or off.
    Haze,
    /// Shows or hides the ribbons of a branching network.
    Edges,
    /// Turns animations off or on.
    LessMotion,
    /// Removes all pins.
    ClearPins,
}

impl Command {
    /// Returns the heading under which the command is listed.
    pub fn group(&self) -> &'static str {
        match self {
            Self::Open
            | Self::OpenBeside
            | Self::SavePicture
            | Self::WritePicture(_)
            | Self::CopyCommandLine
            | Self::CopyView
            | Self::CopyValues
            | Self::CopySummary
            | Self::Quit => "File",
            Self::OpenPath(_) => "Recent",
            Self::Back | Self::Forward | Self::Undo | Self::Redo => "Views",
            Self::Commands
            | Self::Keys
            | Self::Toggle(_)
            | Self::DockPlace(..)
            | Self::PaneSize(..)
            | Self::Enlarge(..)
            | Self::OnlyScene
            | Self::ResetLayout
            | Self::FullScreen
            | Self::ZoomIn
            | Self::ZoomOut
            | Self::ZoomReset => "Panels",
            Self::Column(_) => "Columns",
            Self::View(command) => command.group(),
        }
    }
}

impl ViewCommand {
    /// Returns the heading under which the command is listed.
    fn group(&self) -> &'static str {
        match self {
            Self::SetView(_) => "Views",
            Self::Play
            | Self::StepBack
            | Self::StepForward
            | Self::First
            | Self::Best
            | Self::Last
            | Self::Follow
            | Self::Loop
            | Self::Speed(_)
            | Self::Epoch(_) => "Training",
            Self::Stat(_)
            | Self::Norm(_)
            | Self::Map(_)
            | Self::OverEpochs
            | Self::Order(_)
            | Self::Theme
            | Self::Labels
            | Self::Haze
            | Self::Edges
            | Self::LessMotion => "Look",
            Self::FrameLayer(_)
            | Self::HideLayer(_)
            | Self::SoloLayer(_)
            | Self::ShowLayers
            | Self::Unfold(_)
            | Self::Fold(_)
            | Self::FoldBy(_)
            | Self::FoldAutomatically => "Layers",
            Self::ClearPins => "Units",
            Self::ShowAll | Self::ShowClass(_) | Self::MinusClass(_) | Self::MinusNone => "Show",
        }
    }
}

/// A command as the command box and the list of keys show it.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandEntry {
    /// The name as text for the user.
    pub name: String,
    /// The keys as text for the user; empty without any.
    pub keys: &'static str,
    /// The command itself.
    pub command: Command,
}

/// The state of the window on which the list of available commands depends.
pub struct CommandContext<'a> {
    /// The recording of the active column; `None` while no run is open.
    pub recording: Option<&'a Recording>,
    /// The columns of the window.
    pub columns: &'a ColumnBar<'a>,
    /// Paths of runs that were opened before, the latest first.
    pub recent: &'a [PathBuf],
}

/// Returns every command that is available now.
pub fn available(context: &CommandContext) -> Vec<CommandEntry> {
    let mut all = Vec::new();
    let mut add = |name: &str, keys, command| {
        all.push(CommandEntry { name: name.to_owned(), keys, command });
    };
    add("Open a run", "Ctrl O", Command::Open);
    add("Open a run beside", "Ctrl Shift O", Command::OpenBeside);
    add("Save the picture", "Ctrl S", Command::SavePicture);
    add("Copy this view as a command line", "Ctrl E", Command::CopyCommandLine);
    add("Copy this view as JSON", "Ctrl J", Command::CopyView);
    add("Copy the values shown", "Ctrl D", Command::CopyValues);
    add("Copy a summary in words", "Ctrl I", Command::CopySummary);
    add("Quit", "Ctrl Q", Command::Quit);
    add("Back", "Alt Left", Command::Back);
    add("Forward", "Alt Right", Command::Forward);
    add("Undo", "Ctrl Z", Command::Undo);
    add("Redo", "Ctrl Shift Z", Command::Redo);
    for (view, name, keys) in [
        (SetView::Overview, "Overview", "1, Home"),
        (SetView::Front, "Front", "2"),
        (SetView::Top, "Top", "3"),
        (SetView::Grazing, "Grazing", "4"),
        (SetView::Close, "Close", "5"),
    ] {
        add(name, keys, Command::View(ViewCommand::SetView(view)));
    }
    add("Play or pause", "Space", Command::View(ViewCommand::Play));
    add("Step back", "Left", Command::View(ViewCommand::StepBack));
    add("Step forward", "Right", Command::View(ViewCommand::StepForward));
    add("First epoch", "[", Command::View(ViewCommand::First));
    add("Best epoch", "B", Command::View(ViewCommand::Best));
    add("Last epoch", "]", Command::View(ViewCommand::Last));
    add("Follow the newest epoch", "L, End", Command::View(ViewCommand::Follow));
    add("Loop", "", Command::View(ViewCommand::Loop));
    for speed in SPEEDS {
        add(&format!("Speed: {speed}×"), "", Command::View(ViewCommand::Speed(speed)));
    }
    panel_commands(&mut add);
    look_commands(&mut add);
    if context.recording.is_some() {
        column_commands(context.columns, &mut add);
    }
    add("Show all layers", "", Command::View(ViewCommand::ShowLayers));
    add("Unfold one level", "+", Command::View(ViewCommand::FoldBy(1)));
    add("Fold one level", "-", Command::View(ViewCommand::FoldBy(-1)));
    add("Fold automatically", "", Command::View(ViewCommand::FoldAutomatically));
    add("Remove all pins", "", Command::View(ViewCommand::ClearPins));
    if let Some(recording) = context.recording {
        add("Show all inputs", "", Command::View(ViewCommand::ShowAll));
        add("Minus nothing", "", Command::View(ViewCommand::MinusNone));
        for (index, class) in recording.classes.iter().enumerate() {
            add(&format!("Show class {}", class.name), "", Command::View(ViewCommand::ShowClass(index)));
            add(&format!("Minus class {}", class.name), "", Command::View(ViewCommand::MinusClass(index)));
        }
        for (index, group) in ModuleTree::new(recording).groups.iter().enumerate().skip(1).take(MAX_GROUPS) {
            add(&format!("Unfold {}", group.path), "U", Command::View(ViewCommand::Unfold(index)));
            add(&format!("Fold {}", group.path), "U", Command::View(ViewCommand::Fold(index)));
        }
        for (index, layer) in recording.layers.iter().enumerate() {
            add(&format!("Frame layer {}", layer.name), "", Command::View(ViewCommand::FrameLayer(index)));
            add(
                &format!("Hide or show layer {}", layer.name),
                "",
                Command::View(ViewCommand::HideLayer(index)),
            );
            add(&format!("Only layer {}", layer.name), "", Command::View(ViewCommand::SoloLayer(index)));
        }
    }
    for path in context.recent {
        add(&format!("Open {}", path.display()), "", Command::OpenPath(path.clone()));
    }
    all
}
