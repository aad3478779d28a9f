//! Panel with the statistic, the colours, the cells and the scene options.

use egui::{DragValue, RichText, Slider, Ui};

use crate::model::{
    ColourMap, Diff, Norm, Normalisation, OrderBy, Range, Recording, SetView, Stat, Theme, UnitOrder,
    ValueRange, ViewState,
};
use crate::ui::scene::legend::paint_map;
use crate::ui::scene::navigation::CameraTarget;
use crate::ui::style::Palette;
use crate::ui::style::SMALL;
use crate::ui::widgets::heading;
use crate::ui::widgets::named;
use crate::ui::widgets::segmented;

/// Percentages that can be clipped at each end of the colour map.
const CLIPS: [(f32, &str); 5] = [(0.0, "0"), (0.5, "0.5"), (1.0, "1"), (2.0, "2"), (5.0, "5")];

/// Panel with the statistic, the colours, the cells and the scene options.
pub struct OptionsPanel<'a> {
    /// The recording.
    pub recording: &'a Recording,
    /// The value range of every layer.
    pub ranges: &'a [ValueRange],
    /// The colours.
    pub palette: Palette,
    /// The target at which the camera is.
    pub at: Option<CameraTarget>,
    /// Number of the current epoch, or of the nearest one.
    pub epoch: u64,
}

impl OptionsPanel<'_> {
    /// Shows the panel; changes the view in place, and returns the chosen set view.
    pub fn show(&self, ui: &mut Ui, view: &mut ViewState, reduced_motion: &mut bool) -> Option<SetView> {
        self.numbers(ui, view);
        self.colours(ui, view);
        self.cells(ui, view);
        self.scene(ui, view, reduced_motion)
    }

    /// Shows the statistic and its normalisation.
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
        // An effect size always compares means, whatever the statistic.
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
        self.range(ui, view);
        self.ends(ui, view);
    }

    /// Shows the choice of the value range.
    fn range(&self, ui: &mut Ui, view: &mut ViewState) {
        #[derive(Clone, Copy, PartialEq)]
        enum RangeKind {
            Auto,
            Layer,
            Network,
            Fixed,
        }
        let kind = match view.range {
            Range::Auto => RangeKind::Auto,
            Range::Layer => RangeKind::Layer,
            Range::Network => RangeKind::Network,
            Range::Fixed { .. } => RangeKind::Fixed,
        };
        let options = [
            (RangeKind::Auto, "Auto"),
            (RangeKind::Layer, "Per layer"),
            (RangeKind::Network, "Network"),
            (RangeKind::Fixed, "Fixed"),
        ];
        match segmented(ui, self.palette, "Range", &options, Some(kind)) {
            Some(RangeKind::Auto) => view.range = Range::Auto,
            Some(RangeKind::Layer) => view.range = Range::Layer,
            Some(RangeKind::Network) => view.range = Range::Network,
            Some(RangeKind::Fixed) if kind != RangeKind::Fixed => {
                let ValueRange { low, high } = self.ranges.first().copied().unwrap_or(ValueRange::UNIT);
                view.range = Range::Fixed { low, high };
            }
            Some(RangeKind::Fixed) | None => {}
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
                        let preview =
                            map.unwrap_or_else(|| ViewState { colour_map: None, ..view.clone() }.colours());
                        paint_map(ui.painter(), bar, preview, theme);
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

    /// Shows clipping, the range over all epochs, and the threshold of weak values.
    fn ends(&self, ui: &mut Ui, view: &mut ViewState) {
        let own = !matches!(view.range, Range::Fixed { .. });
        ui.add_enabled_ui(own, |ui| {
            let clip = named(ui, self.palette, "Clip %", |ui| {
                segmented(ui, self.palette, "Clip percent", &CLIPS, Some(view.clip))
            });
            view.clip = clip.unwrap_or(view.clip);
            ui.checkbox(&mut view.over_epochs, RichText::new("Same range at all epochs").size(SMALL))
                .on_hover_text("So that colours compare along the training");
        });
        let mut percent = 100.0 * view.dim_below;
        let tip =
            "Cells weaker than this share of the colours are dimmed, so that the strong ones stand out.";
        let changed = slider(ui, self.palette, "Dim", "Dim below", tip, |ui| {
            ui.add(Slider::new(&mut percent, 0.0..=100.0).suffix(" %").max_decimals(0))
        });
        if changed {
            view.dim_below = percent / 100.0;
        }
    }

    fn cells(&self, ui: &mut Ui, view: &mut ViewState) {
        heading(ui, "Cells");
        let orders = [
            (None, "As trained"),
            (Some(OrderBy::Activation), "Strength"),
            (Some(OrderBy::Selectivity), "Class"),
            (Some(OrderBy::Similarity), "Likeness"),
        ];
        let current = view.order.map(|order| order.by);
        if let Some(by) = segmented(ui, self.palette, "Order", &orders, Some(current)) {
            view.order = by.map(|by| UnitOrder { by, epoch: self.epoch });
        }
        if let Some(order) = view.order {
            let by = match order.by {
                OrderBy::Activation => "by what is shown, the greatest first",
                OrderBy::Selectivity => "by the class that units answer to most",
                OrderBy::Similarity => "units that answer alike stand together",
            };
            self.dim(ui, &format!("{by}; as at epoch {}", order.epoch));
        }
        let tip = "How high a cell of the greatest value rises, and how deep negative differences sink; at 0, \
                   colours alone tell the values.";
        slider(ui, self.palette, "Height", "Height", tip, |ui| {
            ui.add(Slider::new(&mut view.height, 0.0..=3.0).max_decimals(1).step_by(0.1))
        });
    }

    fn scene(&self, ui: &mut Ui, view: &mut ViewState, reduced_motion: &mut bool) -> Option<SetView> {
        heading(ui, "View");
        let names = ["Overview", "Front", "Top", "Grazing", "Close"];
        let options: Vec<(SetView, &str)> = SetView::ALL.into_iter().zip(names).collect();
        let at = match self.at {
            Some(CameraTarget::View(view)) => Some(view),
            _ => None,
        };
        let go = segmented(ui, self.palette, "View", &options, at);
        let themes = [(Theme::Dark, "Dark"), (Theme::Light, "Light")];
        if let Some(theme) = segmented(ui, self.palette, "Theme", &themes, Some(view.theme)) {
            view.theme = theme;
        }
        ui.horizontal_wrapped(|ui| {
            for (on, name, tip) in [
                (&mut view.labels, "Labels", "Names of layers and classes"),
                (&mut view.haze, "Haze", "Far slabs fade towards the ground"),
                (&mut view.edges, "Edges", "Ribbons where data flows, in a network that branches"),
                (reduced_motion, "Less motion", "Cut to the end of every move"),
            ] {
                ui.checkbox(on, RichText::new(name).size(SMALL)).on_hover_text(tip);
            }
        });
        go
    }

    fn dim(&self, ui: &mut Ui, text: &str) {
        ui.label(RichText::new(text).size(SMALL).color(self.palette.dim));
    }
}

/// Shows a slider with a name before it; returns `true` if it was moved.
fn slider(
    ui: &mut Ui,
    palette: Palette,
    text: &str,
    name: &str,
    tip: &str,
    add: impl FnOnce(&mut Ui) -> egui::Response,
) -> bool {
    named(ui, palette, text, |ui| {
        // The value is shown to the right of the slider.
        ui.spacing_mut().slider_width = (ui.available_width() - 56.0).max(40.0);
        let response = add(ui).on_hover_text(tip);
        ui.ctx().accesskit_node_builder(response.id, |node| node.set_label(name));
        response.changed()
    })
}
