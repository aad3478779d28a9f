//! The list of commands, which the command box offers and the list of keys shows.

mod entries;
mod matching;
mod shortcuts;

use std::path::PathBuf;

pub use self::entries::available;
pub use self::matching::{find, go_to_epoch};
pub use self::shortcuts::{SCENE_GESTURES, pressed, pressed_home_or_end};
use super::dock::{DockPlace, Pane, PaneSize};
use super::panels::columns::{ColumnAction, ColumnBar};
use super::panels::save_dialog::PictureOptions;
use crate::model::{ColourMap, Norm, OrderBy, Recording, SetView, Stat};

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
