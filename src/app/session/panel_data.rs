//! Gathers once per frame the data that panels and overlay are laid out from.

use super::Session;
use crate::app::run::RunContext;
use crate::export::csv_field;
use crate::model::{EpochIndex, EpochPosition, LayerIndex, Pin, UnitId, UnitIndex};
use crate::ui::dock::Pane;
use crate::ui::{
    ColumnBar, LoadProgress, OpenRuns, PanelData, PanelOutput, SceneDescription, SceneResponse, SceneStatus,
    ShownQuery, SubtractedRun, ViewControl, Viewport,
};

/// Greatest number of values that are copied to the clipboard.
const MAX_COPIED: usize = 2_000_000;

impl Session {
    /// Advances the epoch by time and, if `keys`, by keys.
    pub fn advance(&mut self, ui: &egui::Ui, keys: bool) {
        let newest_ready = self.values.is_newest_ready(&self.control);
        self.control.advance(ui, newest_ready, keys);
    }

    /// Lays out the timeline.
    pub fn timeline(&mut self, ui: &mut egui::Ui, context: &RunContext, columns: &ColumnBar) {
        self.with_panel_data(context, columns, |control, data| control.timeline(ui, data));
    }

    /// Lays out a panel.
    pub fn pane(
        &mut self,
        ui: &mut egui::Ui,
        pane: Pane,
        context: &RunContext,
        columns: &ColumnBar,
    ) -> PanelOutput {
        self.with_panel_data(context, columns, |control, data| control.pane(ui, pane, data))
    }

    /// Calls `act` with the control and the data of this frame.
    fn with_panel_data<T>(
        &mut self,
        context: &RunContext,
        columns: &ColumnBar,
        act: impl FnOnce(&mut ViewControl, &PanelData) -> T,
    ) -> T {
        let ready = self.values.cached_epochs(self.control.view.order);
        let recording = self.values.recording();
        let epoch = self.control.described_epoch(recording);
        let scene_values = self.scene.values(&self.control.view);
        let layout = self.scene.layout();
        let insights = &self.values.insights;
        let pins = self.control.view.pins.iter().map(|pin| (pin.clone(), recording.unit_of_pin(pin)));
        let pins: Vec<(Pin, Option<UnitId>)> = pins.collect();
        let value = |(_, unit): &(Pin, Option<UnitId>)| scene_values.as_ref()?.unit_value(layout, (*unit)?);
        let values: Vec<Option<f32>> = pins.iter().map(value).collect();
        let profile = |(pin, unit): (Pin, Option<UnitId>)| {
            let profile = match unit {
                Some(unit) => insights.unit_profile_or_latest(unit, epoch),
                None => Some(Err("there is no such unit in this run")),
            };
            (pin, profile)
        };
        let profiles: Vec<_> = pins.into_iter().map(profile).collect();
        let subtracted = self.values.subtracted.as_ref();
        let of_other = |(pin, _): &(Pin, _)| subtracted?.profile(pin);
        let other_profiles: Vec<_> = profiles.iter().map(of_other).collect();
        let other_run = self.control.view.query.run_b.and_then(|run| context.runs.get(run));
        let subtracted = other_run.zip(subtracted).map(|(run, subtracted)| SubtractedRun {
            name: run.name,
            recording: subtracted.recording(),
            profiles: &other_profiles,
        });
        let layer_stats = epoch.and_then(|epoch| Some((epoch, insights.layer_stats(epoch)?)));
        let shown = self.scene.current().map(|current| ShownQuery {
            recording: current.recording(),
            runs: OpenRuns { all: context.runs, own: current.run },
            query: &current.query,
            position: current.scene.position,
        });
        let data = PanelData {
            recording,
            runs: OpenRuns { all: context.runs, own: self.values.run() },
            layout,
            ranges: self.scene.ranges(),
            ready: &ready,
            live: context.live,
            columns,
            layer_stats: layer_stats.or_else(|| insights.latest_layer_stats()),
            predictions: epoch.and_then(|epoch| insights.predictions(epoch)),
            profiles: &profiles,
            subtracted,
            values: &values,
            shown,
        };
        act(&mut self.control, &data)
    }

    /// Requests the insights and pictures that the panels need and that are not there.
    pub fn request_missing(&mut self) {
        self.values.request_insights(&self.control);
        let pictures = self.control.thumbnails.take_wanted();
        self.values.request_pictures(pictures, self.scene.selected_input());
    }

    /// Handles pointer and keys in the session's viewport.
    pub fn handle_gestures(&mut self, ui: &egui::Ui, viewport: &Viewport) -> SceneResponse {
        let values = self.scene.values(&self.control.view);
        let mut response = self.control.handle_gestures(ui, viewport, self.scene.layout(), values.as_ref());
        if let Some(unit) = response.clicked
            && let Some(pin) = self.recording().pin(unit)
        {
            response.pinned = self.control.toggle_pin(pin);
        }
        for &unit in &response.boxed {
            if let Some(pin) = self.recording().pin(unit) {
                self.control.pin(pin);
                response.pinned = true;
            }
        }
        response
    }

    /// Paints the overlay over the scene, whose accessible node is `id`.
    pub fn paint_overlay(&self, ui: &egui::Ui, rect: egui::Rect, id: egui::Id, context: &RunContext) {
        let status = SceneStatus {
            has_scene: self.scene.is_shown(),
            note: context.problem.or(self.values.note()),
            progress: LoadProgress {
                done: self.values.cached_epochs(self.control.view.order).into_iter().filter(|it| *it).count(),
                of: self.control.epochs().readable().len(),
            },
        };
        self.with_description(context, |scene| {
            self.control.paint_overlay(ui, rect, scene, &status);
            ui.ctx().accesskit_node_builder(id, |node| node.set_description(scene.summary()));
        });
    }

    /// Describes the scene in sentences.
    pub fn summary(&self, context: &RunContext) -> String {
        self.with_description(context, |scene| scene.summary())
    }

    /// Calls `act` with the description of the scene.
    fn with_description<T>(&self, context: &RunContext, act: impl FnOnce(&SceneDescription) -> T) -> T {
        let current = self.scene.current();
        let unmatched: Vec<(LayerIndex, Option<usize>)> = current.map_or_else(Vec::new, |current| {
            current.unmatched().iter().map(|layer| (layer.layer, layer.units)).collect()
        });
        let view = current.map_or_else(|| self.control.view.clone(), |it| it.view(&self.control.view));
        let position = current.map_or_else(|| self.control.position(), |it| Some(it.scene.position));
        let layout = self.scene.drawn_layout();
        act(&SceneDescription {
            recording: current.map_or(self.values.recording(), |it| it.recording()),
            runs: OpenRuns { all: context.runs, own: current.map_or(self.values.run(), |it| it.run) },
            view: &view,
            layout,
            ranges: self.scene.ranges(),
            has_no_value: current.is_some_and(|current| current.scene.has_no_value()),
            position: position.unwrap_or(EpochPosition::at(EpochIndex(0))),
            highlighted: self.control.hovered_layer(layout),
            unmatched: &unmatched,
            shared: self.scene.is_shared(),
            range_epochs: self.scene.range_epochs(&self.values, &self.control),
            values: self.scene.values(&self.control.view),
            camera_target: self.control.navigator.target(),
        })
    }

    /// Returns the value of every unit in the scene as CSV like that of `dnnviz stats`: layer, unit, value,
    /// which is empty where there is none.
    ///
    /// # Errors
    /// The reason why there are no values, in one line.
    pub fn values_as_csv(&self) -> Result<String, String> {
        let is_current = self.scene.current().is_some_and(|it| it.query == self.control.view.query);
        let values = self.scene.values(&self.control.view).filter(|_| is_current);
        let values = values.ok_or("the values are still being read")?;
        let units = self.recording().units();
        if units > MAX_COPIED {
            return Err(format!("{units} values are too many for the clipboard; `dnnviz stats` writes them"));
        }
        let mut text = String::from("layer,unit,value\n");
        for (index, layer) in self.recording().layers.iter().enumerate() {
            let name = csv_field(&layer.name);
            for unit in 0..layer.units {
                let id = UnitId { layer: LayerIndex(index), unit: UnitIndex(unit) };
                let value = values.unit_value(self.scene.layout(), id).map(|value| value.to_string());
                text.push_str(&format!("{name},{unit},{}\n", value.unwrap_or_default()));
            }
        }
        Ok(text)
    }
}
