//! Panel with the facts of a layer and of the recording, which can be selected and copied.

use std::fmt::Write;

use egui::{FontFamily, FontId, Label, RichText, Role, ScrollArea, TextEdit, Ui, WidgetInfo, vec2};

use crate::model::{Format, Layer, LayerKind, Normalisation, Recording, Reduction};
use crate::ui::style::Palette;
use crate::ui::style::SMALL;
use crate::ui::text;
use crate::ui::widgets::heading;

/// Width of the labels, in points.
const KEY: f32 = 88.0;
/// Maximum height of a module's text, in points.
const TEXT: f32 = 168.0;
/// Maximum number of listed items.
const LISTED: usize = 12;

/// A request of the panel that is no change of the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AboutAction {
    /// Put this text on the clipboard.
    Copy(String),
}

/// Panel with the facts of a layer and of the recording.
pub struct AboutPanel<'a> {
    /// The recording.
    pub recording: &'a Recording,
    /// Index into [`Recording::layers`]; `None` shows the recording alone.
    pub layer: Option<usize>,
    /// Path or name of the run, for the user.
    pub run: &'a str,
    /// The colours.
    pub palette: Palette,
}

/// A label and its value.
type LabelledFact = (&'static str, String);

impl AboutPanel<'_> {
    /// Shows the facts of the layer, then those of the recording.
    pub fn show(&self, ui: &mut Ui) -> Option<AboutAction> {
        let mut action = None;
        ScrollArea::vertical().id_salt("about").auto_shrink(false).show(ui, |ui| {
            if let Some(layer) = self.layer.and_then(|layer| self.recording.layers.get(layer)) {
                action = self.layer(ui, layer);
            }
            heading(ui, "Recording");
            self.facts(ui, &self.of_recording());
            self.warnings(ui);
        });
        action
    }

    fn layer(&self, ui: &mut Ui, layer: &Layer) -> Option<AboutAction> {
        heading(ui, "Layer");
        let facts = self.of_layer(layer);
        self.facts(ui, &facts);
        if !layer.text.is_empty() {
            ui.add_space(4.0);
            self.text(ui, &layer.text);
        }
        ui.add_space(4.0);
        let copy = ui.button(RichText::new("Copy").size(SMALL));
        copy.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), "Copy the layer's facts"));
        let copied = copy.on_hover_text("Everything above as text").clicked();
        copied.then(|| {
            let mut text = String::new();
            for (name, value) in &facts {
                let _ = writeln!(text, "{name}: {value}");
            }
            text.push_str(&layer.text);
            AboutAction::Copy(text)
        })
    }

    /// Shows a module's whole text, which can be selected.
    fn text(&self, ui: &mut Ui, text: &str) {
        let area = ScrollArea::both().id_salt("module text").max_height(TEXT).auto_shrink([false, true]);
        area.show(ui, |ui| {
            let mut read_only = text;
            let edit = TextEdit::multiline(&mut read_only)
                .font(FontId::new(SMALL, FontFamily::Monospace))
                .text_color(self.palette.text)
                .desired_rows(1)
                .desired_width(f32::INFINITY);
            let response = ui.add(edit);
            response.widget_info(|| {
                let mut info = WidgetInfo::labeled(Role::MultilineTextInput, true, "Module text");
                info.current_text_value = Some(text.to_owned());
                info
            });
        });
    }

    /// Shows labels and values in two columns; values can be selected, and wrap.
    fn facts(&self, ui: &mut Ui, facts: &[LabelledFact]) {
        for (name, value) in facts {
            ui.horizontal_top(|ui| {
                let key = Label::new(RichText::new(*name).size(SMALL).color(self.palette.dim));
                ui.allocate_ui_with_layout(
                    vec2(KEY, 0.0),
                    egui::Layout::left_to_right(egui::Align::Min).with_main_wrap(true),
                    |ui| {
                        ui.set_width(KEY);
                        ui.add(key);
                    },
                );
                let value = Label::new(RichText::new(value).size(SMALL)).selectable(true).wrap();
                let response = ui.add(value);
                response.ctx.accesskit_node_builder(response.id, |node| node.set_description(*name));
            });
        }
    }

    fn of_layer(&self, layer: &Layer) -> Vec<LabelledFact> {
        let mut facts: Vec<LabelledFact> = vec![("name", text::displayed(&layer.name).into_owned())];
        if !layer.module.is_empty() && layer.module != layer.name {
            facts.push(("module", layer.module.clone()));
        }
        facts.push(("kind", kind(layer.kind).to_owned()));
        facts.push(("units", text::format_count(layer.units as u64)));
        let shape: Vec<String> = layer.shape.iter().map(ToString::to_string).collect();
        if !shape.is_empty() {
            facts.push(("output shape", shape.join(" × ")));
        }
        let or_unrecorded =
            |is_known: bool, text: String| if is_known { text } else { "not recorded".to_owned() };
        let parameters = layer.parameters.map(text::format_count);
        facts.push(("parameters", or_unrecorded(parameters.is_some(), parameters.unwrap_or_default())));
        facts.push(("type", or_unrecorded(!layer.dtype.is_empty(), layer.dtype.clone())));
        facts.push(("one value is", value_meaning(layer).to_owned()));
        facts.push(("values", normalisation(self.recording.normalisation).to_owned()));
        facts.push(("not finite", self.not_finite(&layer.name)));
        facts
    }

    /// Formats the counts of values that are not finite: "12 at epoch 3, 4 at epoch 5".
    fn not_finite(&self, layer: &str) -> String {
        let mut text = String::new();
        let (mut epochs, mut values) = (0, 0);
        for epoch in &self.recording.epochs {
            let Some(count) = epoch.not_finite.get(layer).filter(|count| **count > 0) else { continue };
            epochs += 1;
            values += count;
            if epochs <= LISTED {
                let comma = if text.is_empty() { "" } else { ", " };
                let _ = write!(text, "{comma}{} at epoch {}", text::format_count(*count), epoch.number);
            }
        }
        if epochs > LISTED {
            let _ = write!(text, "; {} at {epochs} epochs in all", text::format_count(values));
        }
        if text.is_empty() { "none".to_owned() } else { text }
    }

    fn of_recording(&self) -> Vec<LabelledFact> {
        let recording = self.recording;
        let count = |count: usize| text::format_count(count as u64);
        let mut facts: Vec<LabelledFact> = vec![("model", recording.model.clone())];
        if !self.run.is_empty() {
            facts.push(("opened from", self.run.to_owned()));
        }
        let format = match recording.format {
            Format::DeepDivaV2 => "DNNViz/DeepDIVA dump, version 2",
            Format::Native => "dnnviz recording, version 1",
        };
        facts.push(("format", format.to_owned()));
        let plural = |many: usize, one: &str, more: &str| {
            format!("{} {}", count(many), if many == 1 { one } else { more })
        };
        let layers = plural(recording.layers.len(), "layer", "layers");
        facts.push(("network", format!("{layers}, {}", plural(recording.units(), "unit", "units"))));
        let parameters: Option<Vec<u64>> = recording.layers.iter().map(|layer| layer.parameters).collect();
        if let Some(parameters) = parameters.filter(|parameters| !parameters.is_empty()) {
            facts.push(("parameters", text::format_count(parameters.iter().sum())));
        }
        facts.push(("epochs", self.epochs()));
        facts.push(("inputs", self.inputs()));
        facts.push(("classes", self.classes()));
        facts.push(("values", normalisation(recording.normalisation).to_owned()));
        facts
    }

    /// Formats the recorded epochs: "20, from 0 to 19; 1 damaged; predictions at 19".
    fn epochs(&self) -> String {
        let epochs = &self.recording.epochs;
        let (Some(first), Some(last)) = (epochs.first(), epochs.last()) else { return "none yet".to_owned() };
        let mut text = text::format_count(epochs.len() as u64);
        if epochs.len() > 1 {
            let _ = write!(text, ", from {} to {}", first.number, last.number);
        }
        let damaged = epochs.iter().filter(|epoch| epoch.damaged).count();
        if damaged > 0 {
            let _ = write!(text, "; {damaged} damaged");
        }
        match epochs.iter().filter(|epoch| epoch.has_predictions).count() {
            0 => text.push_str("; no predictions"),
            with if with < epochs.len() => {
                let _ = write!(text, "; predictions at {with}");
            }
            _ => text.push_str("; with predictions"),
        }
        if let Some(time) = &last.time {
            let _ = write!(text, "; the last one recorded {time}");
        }
        text
    }

    fn inputs(&self) -> String {
        let recording = self.recording;
        let aggregated: u64 = recording.classes.iter().map(|class| class.aggregated).sum();
        let mut text = text::format_count(recording.inputs.len() as u64);
        if aggregated > 0 {
            let _ = write!(text, " recorded; stored means are of {}", text::format_count(aggregated));
        }
        text
    }

    /// Formats the classes: "3: cat, dog, bird".
    fn classes(&self) -> String {
        let classes = &self.recording.classes;
        if classes.is_empty() {
            return "none named".to_owned();
        }
        let names: Vec<&str> = classes.iter().take(LISTED).map(|class| class.name.as_str()).collect();
        let more = if classes.len() > LISTED { ", …" } else { "" };
        format!("{}: {}{more}", text::format_count(classes.len() as u64), names.join(", "))
    }

    fn warnings(&self, ui: &mut Ui) {
        let warnings = &self.recording.warnings;
        if warnings.is_empty() {
            return;
        }
        heading(ui, "Found in the recording");
        for warning in warnings.iter().take(LISTED) {
            let text = RichText::new(warning).size(SMALL).color(self.palette.warning);
            ui.add(Label::new(text).selectable(true).wrap());
        }
        if let Some(more) = warnings.len().checked_sub(LISTED).filter(|more| *more > 0) {
            let text = format!("and {more} more");
            ui.label(RichText::new(text).size(SMALL).color(self.palette.dim));
        }
    }
}

/// Returns the kind of a layer, and the meaning of its units.
fn kind(kind: LayerKind) -> &'static str {
    match kind {
        LayerKind::Dense => "dense: a unit is a neuron",
        LayerKind::FeatureMap => "feature maps: a unit is a channel",
        LayerKind::Attention => "attention: a unit is a head or channel",
        LayerKind::Embedding => "embedding: a unit is a dimension",
        LayerKind::Other => "other",
    }
}

/// Returns a description of one value of a layer: an activation, or a mean over positions.
fn value_meaning(layer: &Layer) -> &'static str {
    match layer.reduction {
        Reduction::None => "the activation of the unit itself",
        Reduction::SpatialMean => "the mean over the positions of its feature map",
        Reduction::SequenceMean => "the mean over the positions of the sequence",
    }
}

fn normalisation(normalisation: Normalisation) -> &'static str {
    match normalisation {
        Normalisation::None => "as the network computed them",
        Normalisation::PerItemPerLayer => {
            "normalised by the recording: per input and layer shifted to be at least 0, then divided by the \
             greatest; they compare within one layer of one input"
        }
    }
}

#[cfg(test)]
mod tests;
