//! The list of available commands.

use super::{Command, CommandContext, CommandEntry, ViewCommand};
use crate::model::columns::{Locks, MAX_COLUMNS};
use crate::model::{ColourMap, ModuleTree, Norm, OrderBy, SetView, Stat};
use crate::ui::dock::{DockPlace, Pane, PaneSize};
use crate::ui::panels::columns::{ColumnAction, ColumnBar};
use crate::ui::playback::SPEEDS;

/// Most groups of layers that are listed.
const MAX_GROUPS: usize = 1_000;

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

fn panel_commands(add: &mut impl FnMut(&str, &'static str, Command)) {
    add("Find a command or layer", "Ctrl K, /", Command::Commands);
    add("Keys and mouse", "?, F1", Command::Keys);
    let keys = ["Ctrl 1", "Ctrl 2", "Ctrl 3", "Ctrl 4", "Ctrl 5"];
    for (pane, keys) in Pane::PANELS.into_iter().zip(keys) {
        add(&format!("Panel: {}", pane.title()), keys, Command::Toggle(pane));
    }
    for pane in Pane::PANELS {
        let others = Pane::PANELS.into_iter().filter(|other| *other != pane).map(DockPlace::With);
        for place in DockPlace::EDGES.into_iter().chain(others) {
            let name = format!("Move {} {}", pane.title(), place.name());
            add(&name, "", Command::DockPlace(pane, place));
        }
        add(&format!("Enlarge {}", pane.title()), "", Command::Enlarge(pane));
        for size in PaneSize::ALL {
            add(&format!("Make {} {}", pane.title(), size.name()), "", Command::PaneSize(pane, size));
        }
    }
    add("Only the scene", "F10", Command::OnlyScene);
    add("Full screen", "F11", Command::FullScreen);
    add("Panels where they began", "", Command::ResetLayout);
    add("Larger text", "Ctrl +", Command::ZoomIn);
    add("Smaller text", "Ctrl -", Command::ZoomOut);
    add("Text as it began", "Ctrl 0", Command::ZoomReset);
}

fn look_commands(add: &mut impl FnMut(&str, &'static str, Command)) {
    for (stat, name) in [
        (Stat::Mean, "Statistic: mean"),
        (Stat::Std, "Statistic: standard deviation"),
        (Stat::Min, "Statistic: least"),
        (Stat::Max, "Statistic: greatest"),
        (Stat::Rate, "Statistic: firing rate"),
        (Stat::Count, "Statistic: count"),
    ] {
        add(name, "", Command::View(ViewCommand::Stat(stat)));
    }
    for (norm, name) in
        [(Norm::Raw, "Scale: raw"), (Norm::Layer, "Scale: by layer"), (Norm::Global, "Scale: by network")]
    {
        add(name, "", Command::View(ViewCommand::Norm(norm)));
    }
    add("Colours: automatic", "", Command::View(ViewCommand::Map(None)));
    for map in ColourMap::ALL {
        add(&format!("Colours: {}", map.name()), "", Command::View(ViewCommand::Map(Some(map))));
    }
    for (order, name) in [
        (None, "Order: as trained"),
        (Some(OrderBy::Activation), "Order: by strength"),
        (Some(OrderBy::Selectivity), "Order: by class"),
        (Some(OrderBy::Similarity), "Order: by likeness"),
    ] {
        add(name, "", Command::View(ViewCommand::Order(order)));
    }
    add("Same range at all epochs", "", Command::View(ViewCommand::OverEpochs));
    add("Dark or light", "", Command::View(ViewCommand::Theme));
    add("Labels", "", Command::View(ViewCommand::Labels));
    add("Haze", "", Command::View(ViewCommand::Haze));
    add("Edges", "", Command::View(ViewCommand::Edges));
    add("Less motion", "", Command::View(ViewCommand::LessMotion));
}

fn column_commands(bar: &ColumnBar, add: &mut impl FnMut(&str, &'static str, Command)) {
    let (many, free) = (bar.entries.len() > 1, bar.entries.len() < MAX_COLUMNS);
    let mut add_if = |possible: bool, name: &str, keys, action| {
        if possible {
            add(name, keys, Command::Column(action));
        }
    };
    add_if(free, "Add a column", "N", ColumnAction::Add(bar.run));
    add_if(free, "Duplicate the column", "C", ColumnAction::Duplicate);
    add_if(many, "Remove the column", "Delete", ColumnAction::Remove);
    add_if(bar.can_swap, "Swap A and B", "X", ColumnAction::Swap);
    add_if(many && free && bar.can_subtract, "A column of the difference", "M", ColumnAction::Difference);
    let Locks { cameras, epochs, scale } = bar.locks;
    let lock = |cameras, epochs, scale| ColumnAction::Lock(Locks { cameras, epochs, scale });
    add_if(many, "Lock or unlock cameras", "K", lock(!cameras, epochs, scale));
    add_if(many, "Lock or unlock epochs", "T", lock(cameras, !epochs, scale));
    add_if(many, "Lock or unlock scales", "R", lock(cameras, epochs, !scale));
    for index in (0..bar.entries.len()).filter(|_| many) {
        add_if(
            index != bar.active,
            &format!("Go to column {}", index + 1),
            "",
            ColumnAction::Activate(index),
        );
    }
}
