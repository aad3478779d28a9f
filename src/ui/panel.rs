//! The side panel: what to show, how to show it, and what is known of the recording.

use egui::{DragValue, FontId, RichText, ScrollArea, Slider, Ui};

use super::columns::{self, Columns};
use super::legend::paint_map;
use super::navigation::Target;
use super::overlay::short;
use super::picker::{self, Offer, Picker};
use super::pictures::Pictures;
use super::runs::{OpenRuns, RunFacts};
use super::style::{Palette, SMALL, semibold};
use super::widgets::{ROW, Row, heading, named, row, segmented};
use super::words;
use crate::model::{
    ColourMap, Diff, Norm, Normalisation, Range, Recording, Selection, SetView, Stat, Theme, ViewState,
};

/// Rows of a list that are seen at a time.
const ROWS: f32 = 6.0;

/// What a panel asks for that is not a change of the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send the camera there.
    Go(Target),
    /// Do this with the columns.
    Column(columns::Action),
}

/// Where hands are in what the panel offers.
#[derive(Debug, Default)]
pub struct Hands {
    show: Picker,
    minus: Picker,
}

/// What the side panel has to know.
pub struct Panel<'a> {
    pub recording: &'a Recording,
    /// The recording is that of their own; of none, when nothing is told of others.
    pub runs: OpenRuns<'a>,
    /// Per layer, the values at the ends of the colour map.
    pub ranges: &'a [(f32, f32)],
    pub pictures: &'a Pictures,
    pub palette: Palette,
    /// The adapter, for people.
    pub adapter: &'a str,
    /// How long the last picture took.
    pub frame_ms: Option<f32>,
    /// Where the camera is.
    pub at: Option<Target>,
    pub columns: &'a Columns<'a>,
}

impl Panel<'_> {
    /// Shows everything; changes the view in place.
    pub fn show(
        &self,
        ui: &mut Ui,
        view: &mut ViewState,
        hands: &mut Hands,
        reduced_motion: &mut bool,
    ) -> Option<Action> {
        let mut action = None;
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            self.title(ui);
            action = self.columns.show(ui, self.palette).map(Action::Column);
            self.what(ui, view, hands);
            self.numbers(ui, view);
            self.colours(ui, view);
            action = self.eye(ui, view, reduced_motion).or(action);
            if let Some(layer) = self.layers(ui) {
                action = Some(Action::Go(Target::Slab(layer)));
            }
            self.warnings(ui);
            self.footer(ui);
        });
        action
    }

    fn title(&self, ui: &mut Ui) {
        let recording = self.recording;
        ui.add(
            egui::Label::new(RichText::new(&recording.model).font(FontId::new(16.0, semibold()))).truncate(),
        );
        let plural = |count: usize, one: &str, many: &str| {
            format!("{} {}", words::count(count as u64), if count == 1 { one } else { many })
        };
        let facts = [
            plural(recording.layers.len(), "layer", "layers"),
            plural(recording.units(), "unit", "units"),
            plural(recording.inputs.len(), "input", "inputs"),
        ];
        self.dim(ui, &facts.join(" · "));
    }

    fn what(&self, ui: &mut Ui, view: &mut ViewState, hands: &mut Hands) {
        heading(ui, "Show");
        let offer = Offer {
            group: "Show",
            recording: self.recording,
            pictures: Some(self.pictures),
            palette: self.palette,
            epoch: epoch_at(self.recording, view.epoch),
            optional: false,
            predictions: None,
            list_height: picker::LIST,
        };
        if let Some(Some(select)) = offer.show(ui, &mut hands.show, Some(&view.query.select)) {
            view.query.select = select;
        }
        heading(ui, "Minus");
        let elsewhere = self.runs.differ(&view.query);
        let recording = self.runs.of_minus(&view.query).map_or(self.recording, |run| run.recording);
        let offer = Offer {
            group: "Minus",
            recording,
            pictures: (!elsewhere).then_some(self.pictures),
            predictions: None,
            epoch: epoch_at(recording, view.epoch),
            optional: true,
            ..offer
        };
        if let Some(minus) = offer.show(ui, &mut hands.minus, view.query.minus.as_ref()) {
            view.query.minus = minus;
        }
        if view.query.minus.is_none() {
            view.query.run_b = None;
            return;
        }
        self.run_b(ui, view);
        let options = [(Diff::Signed, "Signed"), (Diff::Abs, "Absolute"), (Diff::Effect, "Effect size")];
        if let Some(diff) = segmented(ui, self.palette, "Difference", &options, Some(view.query.diff)) {
            view.query.diff = diff;
        }
    }

    /// Which run side B is read in, where several are open.
    fn run_b(&self, ui: &mut Ui, view: &mut ViewState) {
        let runs = self.runs;
        if runs.all.len() < 2 {
            return;
        }
        let query = &mut view.query;
        let name = |run: usize| runs.all.get(run).map_or("another run", |run| run.name);
        let current = query.run_b.unwrap_or(runs.own);
        let mut chosen = current;
        named(ui, self.palette, "Of run", |ui| {
            let combo = egui::ComboBox::from_id_salt("run b")
                .selected_text(RichText::new(short(name(current), 24)).size(SMALL))
                .width(ui.available_width())
                .show_ui(ui, |ui| {
                    for run in 0..runs.all.len() {
                        ui.selectable_value(&mut chosen, run, short(name(run), 40));
                    }
                });
            combo.response.widget_info(|| {
                let mut info = egui::WidgetInfo::labeled(egui::Role::ComboBox, true, "Minus: run");
                info.current_text_value = Some(name(current).to_owned());
                info
            });
        });
        if chosen == current {
            return;
        }
        query.run_b = (chosen != runs.own).then_some(chosen);
        // What the other run lacks cannot be asked of it.
        let lacks =
            |run: &RunFacts| query.minus.as_ref().is_some_and(|minus| minus.count(run.recording).is_err());
        if runs.all.get(chosen).is_some_and(lacks) {
            query.minus = Some(Selection::default());
        }
    }

    /// What is told of each unit, and on what scale.
    fn numbers(&self, ui: &mut Ui, view: &mut ViewState) {
        heading(ui, "Statistic");
        let stats = [
            (Stat::Mean, "Mean"),
            (Stat::Std, "Std"),
            (Stat::Min, "Min"),
            (Stat::Max, "Max"),
            (Stat::Rate, "Rate"),
            (Stat::Count, "Count"),
        ];
        let query = &mut view.query;
        // An effect size is one of means, whatever the statistic.
        let takes_part = query.minus.is_none() || query.diff != Diff::Effect;
        ui.add_enabled_ui(takes_part, |ui| {
            if let Some(stat) = segmented(ui, self.palette, "Statistic", &stats, Some(query.stat)) {
                query.stat = stat;
            }
        });
        let norms = [(Norm::Raw, "Raw"), (Norm::Layer, "Layer"), (Norm::Global, "Network")];
        let norm = named(ui, self.palette, "Scale", |ui| {
            segmented(ui, self.palette, "Normalisation", &norms, Some(query.norm))
        });
        if let Some(norm) = norm {
            query.norm = norm;
        }
        if self.recording.normalisation == Normalisation::PerItemPerLayer {
            self.dim(ui, "recorded normalised per input and layer");
        }
    }

    fn colours(&self, ui: &mut Ui, view: &mut ViewState) {
        heading(ui, "Colour");
        self.colour_map(ui, view);
        #[derive(Clone, Copy, PartialEq)]
        enum Kind {
            Auto,
            Layer,
            Network,
            Fixed,
        }
        let kind = match view.range {
            Range::Auto => Kind::Auto,
            Range::Layer => Kind::Layer,
            Range::Network => Kind::Network,
            Range::Fixed { .. } => Kind::Fixed,
        };
        let options = [
            (Kind::Auto, "Auto"),
            (Kind::Layer, "Per layer"),
            (Kind::Network, "Network"),
            (Kind::Fixed, "Fixed"),
        ];
        match segmented(ui, self.palette, "Range", &options, Some(kind)) {
            Some(Kind::Auto) => view.range = Range::Auto,
            Some(Kind::Layer) => view.range = Range::Layer,
            Some(Kind::Network) => view.range = Range::Network,
            Some(Kind::Fixed) if kind != Kind::Fixed => {
                let (low, high) = self.ranges.first().copied().unwrap_or((0.0, 1.0));
                view.range = Range::Fixed { low, high };
            }
            Some(Kind::Fixed) | None => {}
        }
        if let Range::Fixed { low, high } = &mut view.range {
            let speed = f64::from((*high - *low).abs().max(1e-6)) / 200.0;
            ui.horizontal(|ui| {
                for (value, name) in [(low, "from"), (high, "to")] {
                    let label = ui.label(RichText::new(name).size(SMALL).color(self.palette.dim));
                    ui.add(DragValue::new(value).speed(speed).max_decimals(4)).labelled_by(label.id);
                }
            });
        }
    }

    fn colour_map(&self, ui: &mut Ui, view: &mut ViewState) {
        let chosen = view.colour_map;
        let name = |map: Option<ColourMap>| match map {
            None => "automatic".to_owned(),
            Some(map) => map.name().to_owned(),
        };
        let theme = view.theme;
        let combo = egui::ComboBox::from_id_salt("colour map")
            .selected_text(name(chosen))
            .width(ui.available_width())
            .show_ui(ui, |ui| {
                for map in std::iter::once(None).chain(ColourMap::ALL.into_iter().map(Some)) {
                    ui.horizontal(|ui| {
                        let (bar, _) = ui.allocate_exact_size(egui::vec2(64.0, 8.0), egui::Sense::hover());
                        let shown =
                            map.unwrap_or_else(|| ViewState { colour_map: None, ..view.clone() }.colours());
                        paint_map(ui.painter(), bar, shown, theme);
                        ui.selectable_value(&mut view.colour_map, map, name(map));
                    });
                }
            });
        combo.response.widget_info(|| {
            let mut info = egui::WidgetInfo::labeled(egui::Role::ComboBox, true, "Colour map");
            info.current_text_value = Some(name(chosen));
            info
        });
    }

    fn eye(&self, ui: &mut Ui, view: &mut ViewState, reduced_motion: &mut bool) -> Option<Action> {
        heading(ui, "View");
        let names = ["Overview", "Front", "Top", "Grazing", "Close"];
        let options: Vec<(SetView, &str)> = SetView::ALL.into_iter().zip(names).collect();
        let at = match self.at {
            Some(Target::View(view)) => Some(view),
            _ => None,
        };
        let go = segmented(ui, self.palette, "View", &options, at);
        let themes = [(Theme::Dark, "Dark"), (Theme::Light, "Light")];
        if let Some(theme) = segmented(ui, self.palette, "Theme", &themes, Some(view.theme)) {
            view.theme = theme;
        }
        ui.horizontal(|ui| {
            ui.spacing_mut().slider_width = 144.0;
            let label = ui.label(RichText::new("Height").size(SMALL));
            ui.add(Slider::new(&mut view.height, 0.0..=3.0).max_decimals(1).step_by(0.1))
                .labelled_by(label.id);
        });
        ui.horizontal(|ui| {
            ui.checkbox(&mut view.labels, RichText::new("Labels").size(SMALL));
            ui.checkbox(&mut view.haze, RichText::new("Haze").size(SMALL));
            ui.checkbox(reduced_motion, RichText::new("Less motion").size(SMALL));
        });
        go.map(|view| Action::Go(Target::View(view)))
    }

    fn layers(&self, ui: &mut Ui) -> Option<usize> {
        heading(ui, "Layers");
        let mut framed = None;
        let layers = &self.recording.layers;
        list(ui, "layers", 2.0 * ROWS, layers.len(), |ui, index| {
            let layer = &layers[index];
            let left = if layer.module.is_empty() || layer.module == layer.name {
                layer.name.clone()
            } else {
                format!("{}  {}", layer.name, layer.module)
            };
            let shown = Row {
                name: format!("Layer {}", layer.name),
                left: &left,
                right: &words::count(layer.units as u64),
                selected: self.at == Some(Target::Slab(index)),
            };
            let tip = format!("{} · {}\n{}", layer.name, layer.kind.name(), short(&layer.text, 400));
            if row(ui, self.palette, shown).on_hover_text(tip).clicked() {
                framed = Some(index);
            }
        });
        framed
    }

    fn warnings(&self, ui: &mut Ui) {
        if self.recording.warnings.is_empty() {
            return;
        }
        heading(ui, "Found in the recording");
        for warning in self.recording.warnings.iter().take(20) {
            ui.label(RichText::new(short(warning, 400)).size(SMALL).color(self.palette.warning));
        }
        if self.recording.warnings.len() > 20 {
            self.dim(ui, &format!("and {} more", self.recording.warnings.len() - 20));
        }
    }

    fn footer(&self, ui: &mut Ui) {
        ui.add_space(12.0);
        let time = self.frame_ms.map(|ms| format!("{ms:.0} ms a picture")).unwrap_or_default();
        self.dim(ui, &format!("{}\n{time}", self.adapter));
    }

    fn dim(&self, ui: &mut Ui, text: &str) {
        ui.label(RichText::new(text).size(SMALL).color(self.palette.dim));
    }
}

/// The readable epoch nearest to a number; the later of two.
fn epoch_at(recording: &Recording, number: f64) -> Option<usize> {
    let epochs = recording.epochs.iter().enumerate().filter(|(_, epoch)| !epoch.damaged);
    let distance = |epoch: u64| (epoch as f64 - number).abs();
    epochs.min_by(|a, b| distance(a.1.number).total_cmp(&distance(b.1.number))).map(|(index, _)| index)
}

/// A list of rows of which only the visible ones are laid out.
fn list(
    ui: &mut Ui,
    id: impl std::hash::Hash + std::fmt::Debug,
    rows: f32,
    count: usize,
    mut add: impl FnMut(&mut Ui, usize),
) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ScrollArea::vertical().id_salt(id).max_height(rows * ROW).auto_shrink([false, true]).show_rows(
            ui,
            ROW,
            count,
            |ui, rows| {
                for index in rows {
                    add(ui, index);
                }
            },
        );
    });
}
