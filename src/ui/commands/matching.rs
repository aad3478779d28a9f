//! Finding commands by words.

use super::{Command, CommandEntry, ViewCommand};
use crate::model::{Epoch, Recording, Stat};
use crate::ui::dock::Pane;
use crate::ui::panels::columns::ColumnAction;

/// Returns the command that goes to an epoch whose number is in `text`, as "epoch 4"; `None` if there is no such
/// epoch.
pub fn go_to_epoch(recording: &Recording, text: &str) -> Option<CommandEntry> {
    let text = text.trim().to_lowercase();
    let number: u64 = text.strip_prefix("epoch")?.trim().parse().ok()?;
    let is_readable = |epoch: &Epoch| epoch.number == number && !epoch.damaged;
    recording.epochs.iter().any(is_readable).then(|| CommandEntry {
        name: format!("Go to epoch {number}"),
        keys: "Enter",
        command: Command::View(ViewCommand::Epoch(number)),
    })
}

/// Returns other words by which a command is found, beside its name and heading.
fn keywords(command: &Command) -> &'static str {
    match command {
        Command::Open | Command::OpenBeside | Command::OpenPath(_) => "load file recording dump",
        Command::SavePicture => "screenshot image png export video film figure",
        Command::CopyValues => "numbers data table csv export",
        Command::CopyCommandLine => "script share terminal",
        Command::CopySummary => "describe text",
        Command::Keys => "help shortcuts keyboard manual",
        Command::Commands => "search",
        Command::Quit => "exit close",
        Command::Toggle(Pane::Layers) => "dead units table statistics saturated",
        Command::Toggle(Pane::Unit) => "pin neuron profile",
        Command::Toggle(Pane::Options) => "settings colours range legend",
        Command::Toggle(Pane::About) => "information warnings",
        Command::OnlyScene | Command::FullScreen => "present presentation maximise maximize",
        Command::ResetLayout => "reset layout default panes",
        Command::ZoomIn | Command::ZoomOut | Command::ZoomReset => "zoom font size scale",
        Command::Column(ColumnAction::Difference) => "subtract minus compare",
        Command::Column(_) => "compare side by side",
        Command::View(command) => match command {
            ViewCommand::Play => "animate start stop",
            ViewCommand::Speed(_) => "faster slower playback",
            ViewCommand::Loop => "repeat",
            ViewCommand::SetView(_) => "camera",
            ViewCommand::FrameLayer(_) => "camera zoom go",
            ViewCommand::SoloLayer(_) => "isolate",
            ViewCommand::Unfold(_) => "expand open block stage group",
            ViewCommand::Fold(_) => "collapse close block stage group",
            ViewCommand::FoldBy(_) | ViewCommand::FoldAutomatically => {
                "expand collapse depth blocks stages groups"
            }
            ViewCommand::ShowClass(_) | ViewCommand::ShowAll => "select inputs",
            ViewCommand::MinusClass(_) | ViewCommand::MinusNone => "subtract difference compare",
            ViewCommand::Stat(Stat::Rate) => "dead silent active statistic",
            ViewCommand::Stat(_) => "statistic aggregate",
            ViewCommand::Norm(_) => "normalise normalize",
            ViewCommand::Map(_) => "legend palette color colour map",
            ViewCommand::OverEpochs => "legend scale hold",
            ViewCommand::Order(_) => "sort arrange",
            ViewCommand::Theme => "theme paper print white black",
            ViewCommand::Labels => "legend names captions",
            ViewCommand::Haze => "fog",
            ViewCommand::Edges => "connections ribbons skip residual",
            ViewCommand::LessMotion => "animation reduced",
            _ => "",
        },
        _ => "",
    }
}

/// Returns the entries whose name, heading and keywords contain every word of `text`: first those whose name
/// begins with `text`, then those with a word that begins with its first word, then the others.
pub fn find<'a>(all: &'a [CommandEntry], text: &str) -> Vec<&'a CommandEntry> {
    let text = text.trim().to_lowercase();
    let terms: Vec<&str> = text.split_whitespace().collect();
    let mut ranked: Vec<(u8, &CommandEntry)> = all
        .iter()
        .filter_map(|entry| {
            let name = entry.name.to_lowercase();
            let group = entry.command.group().to_lowercase();
            let whole = format!("{name} {group} {}", keywords(&entry.command));
            if !terms.iter().all(|term| whole.contains(term)) {
                return None;
            }
            let begins = |start: &str| name.split_whitespace().any(|word| word.starts_with(start));
            let place = match terms.first() {
                Some(_) if name.starts_with(&text) => 0,
                Some(first) if begins(first) => 1,
                _ => 2,
            };
            Some((place, entry))
        })
        .collect();
    ranked.sort_by_key(|(place, _)| *place);
    ranked.into_iter().map(|(_, entry)| entry).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{CommandContext, available};
    use super::*;
    use crate::model::columns::Locks;
    use crate::ui::panels::columns::ColumnBar;
    use crate::ui::testing;

    #[test]
    fn commands_are_found_by_the_words_of_people() {
        let recording = testing::recording();
        let columns = ColumnBar {
            entries: &[],
            runs: &[],
            active: 0,
            run: 0,
            locks: Locks::default(),
            can_swap: false,
            can_subtract: false,
        };
        let context = CommandContext { recording: Some(&recording), columns: &columns, recent: &[] };
        let all = available(&context);
        for (text, first) in [
            ("theme", "Dark or light"),
            ("subtract", "Minus nothing"),
            ("screenshot", "Save the picture"),
            ("video", "Save the picture"),
            ("help", "Keys and mouse"),
            ("legend", "Panel: Options"),
            ("speed", "Speed: 0.25×"),
            ("dead", "Panel: Layers"),
            ("class dog", "Show class dog"),
            ("full", "Full screen"),
        ] {
            let found = find(&all, text);
            assert_eq!(found.first().map(|entry| entry.name.as_str()), Some(first), "{text}");
        }
        let epoch = go_to_epoch(&recording, " Epoch 3").expect("a recorded epoch");
        assert_eq!(epoch.command, Command::View(ViewCommand::Epoch(3)));
        assert_eq!(go_to_epoch(&recording, "epoch 99"), None);
        assert_eq!(go_to_epoch(&recording, "epoch"), None);
    }
}
