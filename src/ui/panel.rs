//! The side panel: what to show, how to show it, and what is known of the recording.

use egui::{DragValue, FontId, RichText, ScrollArea, Slider, Ui};

use super::choice::Choice;
use super::columns::{self, Columns};
use super::legend::paint_map;
use super::navigation::Target;
use super::overlay::short;
use super::pictures::Pictures;
use super::style::{Palette, SMALL, semibold};
use super::widgets::{ROW, Row, heading, row, segmented};
use super::words;
use crate::model::{ColourMap, Diff, Range, Recording, Selection, SetView, Theme, ViewState};

/// Rows of a list that are seen at a time.
const ROWS: f32 = 6.0;
/// Edge of an input's picture.
const COVER: f32 = 72.0;

/// What a panel asks for that is not a change of the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send the camera there.
    Go(Target),
    /// Do this with the columns.
    Column(columns::Action),
}

/// What the side panel has to know.
pub struct Panel<'a> {
    pub recording: &'a Recording,
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
    pub fn show(&self, ui: &mut Ui, view: &mut ViewState, reduced_motion: &mut bool) -> Option<Action> {
        let mut action = None;
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            self.title(ui);
            action = self.columns.show(ui, self.palette).map(Action::Column);
            self.what(ui, view);
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

    fn what(&self, ui: &mut Ui, view: &mut ViewState) {
        heading(ui, "Show");
        let select = Some(view.query.select.clone());
        if let Some(Some(select)) = self.pick(ui, "Show", select, false) {
            view.query.select = select;
        }
        heading(ui, "Minus");
        if let Some(minus) = self.pick(ui, "Minus", view.query.minus.clone(), true) {
            view.query.minus = minus;
        }
        if view.query.minus.is_some() {
            let options = [(Diff::Signed, "Signed"), (Diff::Abs, "Absolute")];
            if let Some(diff) = segmented(ui, self.palette, "Difference", &options, Some(view.query.diff)) {
                view.query.diff = diff;
            }
        }
    }

    /// Chooses a selection, or none where that is `optional`; `Some` when it was changed.
    fn pick(
        &self,
        ui: &mut Ui,
        group: &str,
        current: Option<Selection>,
        optional: bool,
    ) -> Option<Option<Selection>> {
        #[derive(Clone, Copy, PartialEq)]
        enum Kind {
            None,
            General,
            Class,
            Input,
        }
        let choice = current.as_ref().map(|selection| Choice::of(selection, self.recording));
        let kind = match choice {
            None => Some(Kind::None),
            Some(Choice::General) => Some(Kind::General),
            Some(Choice::Class(_)) => Some(Kind::Class),
            Some(Choice::Input(_)) => Some(Kind::Input),
            Some(Choice::Other) => None,
        };
        let mut options = Vec::with_capacity(4);
        if optional {
            options.push((Kind::None, "None"));
        }
        options.push((Kind::General, "General"));
        if !self.recording.classes.is_empty() {
            options.push((Kind::Class, "Class"));
        }
        if !self.recording.inputs.is_empty() {
            options.push((Kind::Input, "Input"));
        }
        let mut changed = segmented(ui, self.palette, group, &options, kind)
            .filter(|chosen| Some(*chosen) != kind)
            .map(|chosen| match chosen {
                Kind::None => None,
                Kind::General => Choice::General.selection(self.recording),
                Kind::Class => Choice::Class(0).selection(self.recording),
                Kind::Input => Choice::Input(0).selection(self.recording),
            });
        let picked = match choice {
            Some(Choice::Class(class)) => self.class_list(ui, group, class),
            Some(Choice::Input(input)) => self.input_list(ui, group, input),
            Some(Choice::Other) => {
                let words = current.as_ref().map(|selection| words::selection(self.recording, selection));
                self.dim(ui, &words.unwrap_or_default());
                None
            }
            Some(Choice::General) | None => None,
        };
        if let Some(picked) = picked.and_then(|choice| choice.selection(self.recording)) {
            changed = Some(Some(picked));
        }
        changed
    }

    fn class_list(&self, ui: &mut Ui, group: &str, current: usize) -> Option<Choice> {
        let mut picked = None;
        let classes = &self.recording.classes;
        list(ui, (group, "classes"), ROWS, classes.len(), |ui, index| {
            let class = &classes[index];
            let right = match class.count() {
                1 => "1 input".to_owned(),
                count => format!("{} inputs", words::count(count)),
            };
            let shown = Row {
                name: format!("{group}: class {}", class.name),
                left: &class.name,
                right: &right,
                selected: index == current,
            };
            if row(ui, self.palette, shown).clicked() {
                picked = Some(Choice::Class(index));
            }
        });
        picked
    }

    fn input_list(&self, ui: &mut Ui, group: &str, current: usize) -> Option<Choice> {
        let mut picked = None;
        let inputs = &self.recording.inputs;
        if let Some(texture) = self.pictures.get(current) {
            let size = texture.size_vec2();
            let size = size * (COVER / size.max_elem().max(1.0));
            ui.add_space(4.0);
            let image = egui::Image::new(texture).fit_to_exact_size(size).corner_radius(2);
            ui.add(image.alt_text(words::input(self.recording, current)));
        }
        list(ui, (group, "inputs"), ROWS, inputs.len(), |ui, index| {
            let class = inputs[index].class.and_then(|class| self.recording.classes.get(class));
            let number = index.to_string();
            let left =
                if inputs[index].id == number { number } else { format!("{number}  {}", inputs[index].id) };
            let shown = Row {
                name: format!("{group}: input {index}"),
                left: &left,
                right: class.map_or("", |class| &class.name),
                selected: index == current,
            };
            if row(ui, self.palette, shown).clicked() {
                picked = Some(Choice::Input(index));
            }
        });
        picked
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
