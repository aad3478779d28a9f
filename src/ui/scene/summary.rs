//! The scene in sentences: for the clipboard and for assistive technology.

use super::description::SceneDescription;
use super::navigation::CameraTarget;
use crate::model::{OrderBy, drawn_edges};
use crate::ui::text;

impl SceneDescription<'_> {
    /// Returns the scene in a few sentences: the network, the query, the colours, the camera.
    pub fn summary(&self) -> String {
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
        let mut add = |sentence: String| {
            text.push(' ');
            text.push_str(&sentence);
            text.push('.');
        };
        add(format!("Shown: {}", text::describe_query(recording, self.runs, &view.query, self.position)));
        if let Some(prediction) = self.prediction() {
            let name = |class: usize| text::displayed(&recording.classes[class].name);
            let guess = name(prediction.class);
            add(match prediction.true_class {
                None => format!("The network guesses {guess}"),
                Some(class) if class == prediction.class => format!("The network guesses {guess} (right)"),
                Some(class) => format!("The network guesses {guess} (wrong, it is {})", name(class)),
            });
        }
        if let Some(epoch) = recording.epochs.get(self.position.from.0).filter(|_| self.position.t == 0.0) {
            let facts: Vec<String> = [
                epoch.accuracy.map(|accuracy| format!("accuracy {} %", text::format_percent(accuracy))),
                epoch.loss.map(|loss| format!("loss {}", text::format_metric(loss))),
            ]
            .into_iter()
            .flatten()
            .collect();
            if !facts.is_empty() {
                add(format!("At this epoch: {}", facts.join(", ")));
            }
        }
        let range = text::describe_range(recording, self.runs, view, self.position, self.range_epochs);
        add(format!("Colours: {}, {range}", view.colours().name()));
        add(match self.camera_target {
            Some(CameraTarget::View(at)) => format!("Seen from: {}", at.name()),
            Some(CameraTarget::Slab(layer)) => {
                let name = recording.layers.get(layer).map_or("", |layer| layer.name.as_str());
                format!("Seen from: the front of layer {name}")
            }
            Some(CameraTarget::Group(first, last)) => {
                let name = |layer: usize| recording.layers.get(layer).map_or("", |layer| layer.name.as_str());
                format!("Seen from: the front of the layers {} to {}", name(first), name(last))
            }
            None => "Seen from where a hand has led the camera".to_owned(),
        });
        if let Some(order) = view.order {
            let by = match order.by {
                OrderBy::Activation => "strength",
                OrderBy::Selectivity => "the class that they answer to",
                OrderBy::Similarity => "likeness",
            };
            add(format!("Units stand by {by}, as at epoch {}", order.epoch));
        }
        let hidden: Vec<&str> = view.hidden.iter().map(String::as_str).take(20).collect();
        if !hidden.is_empty() {
            add(format!("Hidden: {}", hidden.join(", ")));
        }
        let left_out = drawn_edges(recording, view, None).left_out;
        if left_out > 0 {
            add(format!("Not drawn: {}, the longest", plural(left_out, "edge", "edges")));
        }
        let pins: Vec<String> =
            view.pins.iter().take(20).map(|pin| format!("unit {} of {}", pin.unit, pin.layer)).collect();
        if !pins.is_empty() {
            add(format!("Pinned: {}", pins.join(", ")));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Edge, Layout, Pin, SetView, UnitIndex, ViewState};
    use crate::ui::testing;

    #[test]
    fn edges_without_room_are_counted() {
        let mut recording = testing::recording();
        recording.edges = vec![Edge::between_layers(0, 2); 10_000];
        let layout = Layout::new(&recording, 1.6);
        let mut view = testing::view(&recording);
        let summary = |view: &ViewState| testing::description(&recording, view, &layout).summary();
        assert!(summary(&view).ends_with(" Not drawn: 5000 edges, the longest."), "{}", summary(&view));
        view.edges = false;
        assert!(!summary(&view).contains("Not drawn"));
    }

    #[test]
    fn a_scene_is_described_in_sentences() {
        let recording = testing::recording();
        let layout = Layout::new(&recording, 1.6);
        let mut view = testing::view(&recording);
        view.query.select = "class:cat".parse().unwrap();
        view.hidden.insert("conv1".to_owned());
        view.pins.push(Pin { layer: "fc".to_owned(), unit: UnitIndex(2) });
        let scene = SceneDescription {
            camera_target: Some(CameraTarget::View(SetView::Top)),
            ..testing::description(&recording, &view, &layout)
        };
        assert_eq!(
            scene.summary(),
            "TestNet: 3 layers, 83 units, 5 epochs. Shown: mean activation · class cat · epoch 4. At this \
             epoch: accuracy 80.0 %. Colours: viridis, range: each layer's own, this epoch. Seen from: top. \
             Hidden: conv1. Pinned: unit 2 of fc."
        );
    }
}
