//! A view in plain words: for the clipboard, and for those who cannot see it.

use super::navigation::Target;
use crate::model::{EpochPosition, OrderBy, Recording, ViewState};
use crate::ui::runs::OpenRuns;
use crate::ui::text;

/// What is told of a view.
pub struct Summary<'a> {
    pub recording: &'a Recording,
    pub runs: OpenRuns<'a>,
    pub view: &'a ViewState,
    /// The moment that the picture shows.
    pub position: EpochPosition,
    /// Where the camera is.
    pub at: Option<Target>,
    /// Epochs that the ends of the colour map are those of, and how many there are, where they are to be
    /// those of all.
    pub over: Option<(usize, usize)>,
}

impl Summary<'_> {
    /// A few sentences: what it is, what is shown, how, and from where.
    pub fn text(&self) -> String {
        let Self { recording, view, .. } = self;
        let plural = |count: usize, one: &str, many: &str| {
            format!("{} {}", text::format_count(count as u64), if count == 1 { one } else { many })
        };
        let mut text = format!(
            "{}: {}, {}, {}.",
            recording.model,
            plural(recording.layers.len(), "layer", "layers"),
            plural(recording.units(), "unit", "units"),
            plural(recording.epochs.len(), "epoch", "epochs"),
        );
        let mut say = |sentence: String| {
            text.push(' ');
            text.push_str(&sentence);
            text.push('.');
        };
        say(format!("CellState: {}", text::describe_query(recording, self.runs, &view.query, self.position)));
        if let Some(epoch) = recording.epochs.get(self.position.from).filter(|_| self.position.t == 0.0) {
            let facts: Vec<String> = [
                epoch.accuracy.map(|accuracy| format!("accuracy {accuracy:.1} %")),
                epoch.loss.map(|loss| format!("loss {}", text::format_value(loss as f32, loss.abs() as f32))),
            ]
            .into_iter()
            .flatten()
            .collect();
            if !facts.is_empty() {
                say(format!("At this epoch: {}", facts.join(", ")));
            }
        }
        let range = text::describe_range(recording, self.runs, view, self.position, self.over);
        say(format!("Colours: {}, {range}", view.colours().name()));
        say(match self.at {
            Some(Target::View(at)) => format!("Seen from: {}", at.name()),
            Some(Target::Slab(layer)) => {
                let name = recording.layers.get(layer).map_or("", |layer| layer.name.as_str());
                format!("Seen from: the front of layer {name}")
            }
            None => "Seen from where a hand has led the camera".to_owned(),
        });
        if let Some(order) = view.order {
            let by = match order.by {
                OrderBy::Activation => "strength",
                OrderBy::Selectivity => "the class that they answer to",
                OrderBy::Similarity => "likeness",
            };
            say(format!("Units stand by {by}, as at epoch {}", order.epoch));
        }
        let hidden: Vec<&str> = view.hidden.iter().map(String::as_str).take(20).collect();
        if !hidden.is_empty() {
            say(format!("Hidden: {}", hidden.join(", ")));
        }
        let pins: Vec<String> =
            view.pins.iter().take(20).map(|pin| format!("unit {} of {}", pin.unit, pin.layer)).collect();
        if !pins.is_empty() {
            say(format!("Pinned: {}", pins.join(", ")));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Pin, SetView};
    use crate::ui::testing;

    #[test]
    fn a_view_is_told_in_sentences() {
        let recording = testing::recording();
        let mut view = testing::view(&recording);
        view.query.select = "class:cat".parse().unwrap();
        view.hidden.insert("conv1".to_owned());
        view.pins.push(Pin { layer: "fc".to_owned(), unit: 2 });
        let summary = Summary {
            recording: &recording,
            runs: OpenRuns::default(),
            view: &view,
            position: EpochPosition::at(4),
            at: Some(Target::View(SetView::Top)),
            over: None,
        };
        assert_eq!(
            summary.text(),
            "TestNet: 3 layers, 83 units, 5 epochs. CellState: mean activation · class cat · epoch 4. At this \
             epoch: accuracy 80.0 %. Colours: viridis, range: each layer's own, this epoch. Seen from: top. \
             Hidden: conv1. Pinned: unit 2 of fc."
        );
    }
}
