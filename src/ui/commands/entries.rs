//! Lists of commands of one kind.

use super::*;

pub(super) fn panel_commands(add: &mut impl FnMut(&str, &'static str, Command)) {
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

pub(super) fn look_commands(add: &mut impl FnMut(&str, &'static str, Command)) {
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

pub(super) fn column_commands(bar: &ColumnBar, add: &mut impl FnMut(&str, &'static str, Command)) {
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
