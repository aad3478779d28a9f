//! The panels of the active view: the data that they show, and their effects on the view.

use egui::Ui;

use super::ViewControl;
use crate::insight::LayerStats;
use crate::model::{EpochPosition, Layout, Pin, Query, Recording, ValueRange};
use crate::ui::dock::Pane;
use crate::ui::panels::about::{AboutAction, AboutPanel};
use crate::ui::panels::columns::{ColumnAction, ColumnBar};
use crate::ui::panels::input::InputPanel;
use crate::ui::panels::layers::{LayersAction, LayersPanel};
use crate::ui::panels::minimap::Minimap;
use crate::ui::panels::options::OptionsPanel;
use crate::ui::panels::timeline::{self, Timeline};
use crate::ui::panels::unit::{ProfileResult, SubtractedRun, UnitAction, UnitPanel};
use crate::ui::runs::OpenRuns;
use crate::ui::scene::navigation::CameraTarget;
use crate::ui::style::{Palette, install_style};
use crate::ui::text;

/// Networks of at least this many layers have a map above the layers' table.
const MIN_MAPPED_LAYERS: usize = 16;

/// The data that the panels are laid out from.
pub struct PanelData<'a> {
    /// The recording.
    pub recording: &'a Recording,
    /// All open runs.
    pub runs: OpenRuns<'a>,
    /// The layout of the slabs.
    pub layout: &'a Layout,
    /// Per layer, the range of the colour map.
    pub ranges: &'a [ValueRange],
    /// Per epoch, `true` if its values are loaded.
    pub ready: &'a [bool],
    /// A writer is adding epochs to the recording.
    pub live: bool,
    /// The columns of the window.
    pub columns: &'a ColumnBar<'a>,
    /// The statistics of each layer, and the number of their epoch: the current one or, until those are
    /// computed, another; `None` until any are computed.
    pub layer_stats: Option<(u64, &'a [LayerStats])>,
    /// The predicted class of each input at the current epoch; `None` until they are read.
    pub predictions: Option<&'a [Option<usize>]>,
    /// The profiles of the pinned units.
    pub profiles: &'a [(Pin, ProfileResult<'a>)],
    /// The run that is subtracted, if it is another one and units are pinned.
    pub subtracted: Option<SubtractedRun<'a>>,
    /// The value of each pinned unit in the scene.
    pub values: &'a [Option<f32>],
    /// The query and the epoch of `values`; `None` while there are no values.
    pub shown: Option<ShownQuery<'a>>,
}

/// The query and the epoch of the values in the scene.
#[derive(Clone, Copy, Debug)]
pub struct ShownQuery<'a> {
    /// The recording of the values.
    pub recording: &'a Recording,
    /// All open runs, and the one of the values.
    pub runs: OpenRuns<'a>,
    /// The query.
    pub query: &'a Query,
    /// The epoch position.
    pub position: EpochPosition,
}

impl ShownQuery<'_> {
    /// Returns the inputs and the epoch in words.
    fn describe(&self) -> String {
        text::describe_values(self.recording, self.runs, self.query, self.position)
    }
}

/// Requests from the panels that do not change the view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PanelOutput {
    /// A change of the columns.
    pub columns: Option<ColumnAction>,
    /// The camera was moved.
    pub camera_moved: bool,
    /// A notice to show.
    pub notice: Option<&'static str>,
}

impl PanelOutput {
    /// Adds what another panel of the same frame requests.
    pub fn add(&mut self, other: Self) {
        self.camera_moved |= other.camera_moved;
        self.notice = other.notice.or(self.notice);
        self.columns = other.columns.or(self.columns);
    }
}

impl ViewControl {
    /// Lays out a panel, and applies its changes to the view.
    pub fn pane(&mut self, ui: &mut Ui, pane: Pane, data: &PanelData) -> PanelOutput {
        let palette = Palette::of(self.view.theme);
        match pane {
            Pane::Scene => PanelOutput::default(),
            Pane::Input => {
                let input = InputPanel {
                    recording: data.recording,
                    runs: data.runs,
                    pictures: &self.thumbnails,
                    palette,
                    columns: data.columns,
                    predictions: data.predictions,
                };
                let columns = input.show(ui, &mut self.view, &mut self.input);
                PanelOutput { columns, ..PanelOutput::default() }
            }
            Pane::Options => {
                let options = OptionsPanel {
                    recording: data.recording,
                    ranges: data.ranges,
                    palette,
                    at: self.navigator.target(),
                    epoch: self.nearest_epoch(),
                };
                let view = options.show(ui, &mut self.view, &mut self.navigator.reduced_motion);
                self.go_from_panel(ui, view.map(CameraTarget::View), data.layout)
            }
            Pane::Layers => self.layers_panel(ui, data),
            Pane::Unit => self.unit_panel(ui, data),
            Pane::About => {
                let about = AboutPanel {
                    recording: data.recording,
                    layer: self.layers.selected,
                    run: data.runs.own().map_or("", |run| run.name),
                    palette,
                };
                match about.show(ui) {
                    Some(AboutAction::Copy(text)) => copy(ui, text),
                    None => PanelOutput::default(),
                }
            }
        }
    }

    fn layers_panel(&mut self, ui: &mut Ui, data: &PanelData) -> PanelOutput {
        let framed = self.framed_slab();
        let table = LayersPanel {
            recording: data.recording,
            stats: data.layer_stats.map(|(_, stats)| stats),
            stats_epoch: data
                .layer_stats
                .map(|(epoch, _)| epoch)
                .filter(|epoch| *epoch != self.nearest_epoch()),
            framed,
            hovered: self.navigator.hovered(),
            palette: Palette::of(self.view.theme),
        };
        let means: Option<Vec<f32>> =
            data.layer_stats.map(|(_, layers)| layers.iter().map(|layer| layer.mean).collect());
        if data.recording.layers.len() >= MIN_MAPPED_LAYERS {
            let map = Minimap {
                recording: data.recording,
                layout: data.layout,
                view: &self.view,
                aspect: self.navigator.aspect(),
                means: means.as_deref(),
                framed,
                hovered: self.navigator.hovered(),
                palette: Palette::of(self.view.theme),
            };
            if let Some(layer) = map.show(ui) {
                return self.go_from_panel(ui, Some(CameraTarget::Slab(layer)), data.layout);
            }
        }
        match table.show(ui, &mut self.view, &mut self.layers) {
            Some(LayersAction::Frame(layer)) => {
                self.go_from_panel(ui, Some(CameraTarget::Slab(layer)), data.layout)
            }
            Some(LayersAction::Copy(text)) => copy(ui, text),
            None => PanelOutput::default(),
        }
    }

    fn unit_panel(&mut self, ui: &mut Ui, data: &PanelData) -> PanelOutput {
        let shown = data.shown.as_ref().map(ShownQuery::describe).unwrap_or_default();
        let units = UnitPanel {
            recording: data.recording,
            profiles: data.profiles,
            subtracted: data.subtracted,
            values: data.values,
            shown: &shown,
            epoch: self.nearest_epoch(),
            pictures: &self.thumbnails,
            palette: Palette::of(self.view.theme),
        };
        let mut output = PanelOutput::default();
        let epoch = self.view.epoch;
        for action in units.show(ui, &mut self.view, &mut self.units) {
            match action {
                UnitAction::Select(select) => self.view.query.select = select,
                UnitAction::Pin(pin) => self.pin(pin),
                UnitAction::WantPicture(input) => self.thumbnails.request(input),
                UnitAction::Copy(text) => output = copy(ui, text),
            }
        }
        if self.view.epoch != epoch {
            self.playback.hold();
        }
        output
    }

    fn go_from_panel(&mut self, ui: &Ui, target: Option<CameraTarget>, layout: &Layout) -> PanelOutput {
        let Some(target) = target else { return PanelOutput::default() };
        self.go(target, layout, ui.input(|input| input.time));
        PanelOutput { camera_moved: true, ..PanelOutput::default() }
    }

    /// Lays out the timeline at the bottom, and sets egui's style to the theme of the view.
    ///
    /// The background is not filled here: the frame has the colour of panels already, and filling it again
    /// would take a software adapter longer than all other painting.
    pub fn timeline(&mut self, ui: &mut Ui, data: &PanelData) {
        if self.styled != Some(self.view.theme) {
            install_style(ui.ctx(), self.view.theme);
            self.styled = Some(self.view.theme);
        }
        let palette = Palette::of(self.view.theme);
        let frame = egui::Frame::new().inner_margin(egui::Margin::symmetric(12, 4));
        egui::Panel::bottom("timeline").frame(frame).exact_size(timeline::HEIGHT + 8.0).show(ui, |ui| {
            let timeline = Timeline {
                recording: data.recording,
                epochs: &self.epochs,
                ready: data.ready,
                live: data.live,
                reduced_motion: self.navigator.reduced_motion,
                palette,
            };
            timeline.show(ui, &mut self.view, &mut self.playback);
        });
    }
}

/// Puts a text on the clipboard.
fn copy(ui: &Ui, text: String) -> PanelOutput {
    ui.ctx().copy_text(text);
    PanelOutput { notice: Some("Copied as text"), ..PanelOutput::default() }
}
