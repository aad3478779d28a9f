//! One frame of a session: the epoch moves on, panels and hands change the view, the overlay is painted.

use super::{Session, ValueKey};
use crate::export::csv_field;
use crate::model::{Epoch, EpochPosition, Pin, ViewState};
use crate::ui::commands::Command;
use crate::ui::dock::Pane;
use crate::ui::{
    ColumnBar, Facts, LoadProgress, NamedRun, OpenRuns, PanelOutput, SceneDescription, SceneResponse,
    ViewControl, Viewport,
};

/// Most values that are put on the clipboard.
const MOST_COPIED: usize = 2_000_000;

/// What one of them is laid out with.
#[derive(Clone, Copy)]
pub struct RunContext<'a> {
    /// Every run; one that is not open yet has nothing in it.
    pub runs: &'a [NamedRun<'a>],
    /// A writer is at work on its run.
    pub live: bool,
    /// What is wrong with its run.
    pub trouble: Option<&'a str>,
}

impl Session {
    /// Moves the epoch on, by time and, where they are for it, by keys.
    pub fn advance(&mut self, ui: &egui::Ui, keys: bool) {
        let newest = self.newest();
        let newest_ready = newest.is_some_and(|key| self.cache.contains(key) || self.failed.contains(&key));
        self.interface.advance(ui, &mut self.view, newest_ready, keys);
    }

    /// Lays out the training, at the bottom.
    pub fn timeline(&mut self, ui: &mut egui::Ui, around: &RunContext, columns: &ColumnBar) {
        self.with_facts(around, columns, |interface, facts, view| {
            interface.wear(ui, view.theme);
            interface.timeline(ui, facts, view);
        });
    }

    /// Lays out what a pane says of it.
    pub fn pane(
        &mut self,
        ui: &mut egui::Ui,
        pane: Pane,
        around: &RunContext,
        columns: &ColumnBar,
    ) -> PanelOutput {
        self.with_facts(around, columns, |interface, facts, view| interface.pane(ui, pane, facts, view))
    }

    /// Does what a command says, as far as that is of this view.
    pub fn perform(
        &mut self,
        ui: &egui::Ui,
        command: &Command,
        around: &RunContext,
        columns: &ColumnBar,
    ) -> PanelOutput {
        self.with_facts(around, columns, |interface, facts, view| interface.perform(ui, command, facts, view))
    }

    fn with_facts<T>(
        &mut self,
        around: &RunContext,
        columns: &ColumnBar,
        act: impl FnOnce(&mut ViewControl, &Facts, &mut ViewState) -> T,
    ) -> T {
        let ready = self.ready();
        let resting = self.resting();
        let values = self.pinned_values();
        let places: Vec<_> = self.view.pins.iter().map(|pin| (pin.clone(), self.place(pin))).collect();
        let answers = &self.answers;
        let known = |(pin, place): (Pin, Option<(usize, usize)>)| {
            let known = match place {
                Some((layer, unit)) => answers.biography_by_now(layer, unit, resting),
                None => Some(Err("there is no such unit in this run")),
            };
            (pin, known)
        };
        let biographies: Vec<_> = places.into_iter().map(known).collect();
        let facts_now = resting.and_then(|epoch| answers.facts(epoch));
        let facts = Facts {
            recording: self.source.recording(),
            runs: OpenRuns { all: around.runs, own: self.run },
            layout: &self.layout,
            ranges: &self.ranges,
            ready: &ready,
            live: around.live,
            columns,
            layer_facts: facts_now.or_else(|| answers.last_facts().map(|(_, facts)| facts)),
            predictions: resting.and_then(|epoch| answers.predictions(epoch)),
            biographies: &biographies,
            values: &values,
        };
        act(&mut self.interface, &facts, &mut self.view)
    }

    /// What the scene shows of the pinned units.
    fn pinned_values(&self) -> Vec<Option<f32>> {
        let scales = self.scales();
        let slabs =
            self.scene().and_then(|(scene, view, _)| super::slabs(scene, &view, &self.ranges, &scales));
        let value = |pin| {
            let (layer, unit) = self.place(pin)?;
            slabs.as_ref()?.value(&self.layout, layer, unit)
        };
        self.view.pins.iter().map(value).collect()
    }

    /// What the scene shows of every unit, as CSV like that of `dnnviz stats`: layer, unit, value, which is
    /// empty where there is none.
    ///
    /// # Errors
    /// Why there is none.
    pub fn values_as_csv(&self) -> Result<String, String> {
        let scales = self.scales();
        let scene = self.scene().filter(|(scene, ..)| scene.query == self.view.query);
        let slabs = scene.and_then(|(scene, view, _)| super::slabs(scene, &view, &self.ranges, &scales));
        let slabs = slabs.ok_or("the values are still being read")?;
        let units = self.recording().units();
        if units > MOST_COPIED {
            return Err(format!("{units} values are too many for the clipboard; `dnnviz stats` writes them"));
        }
        let mut text = String::from("layer,unit,value\n");
        for (index, layer) in self.recording().layers.iter().enumerate() {
            let name = csv_field(&layer.name);
            for unit in 0..layer.units {
                let value = slabs.value(&self.layout, index, unit).map(|value| value.to_string());
                text.push_str(&format!("{name},{unit},{}\n", value.unwrap_or_default()));
            }
        }
        Ok(text)
    }

    /// Pins the unit that was clicked, or lets go of it; says whether it is pinned now.
    pub fn toggle_pin(&mut self, layer: usize, unit: usize) -> bool {
        let Some(pin) = self.pin_of(layer, unit) else { return false };
        self.interface.toggle_pin(&mut self.view, pin)
    }

    /// Pins units.
    pub fn pin(&mut self, units: &[(usize, usize)]) {
        for &(layer, unit) in units {
            if let Some(pin) = self.pin_of(layer, unit) {
                self.interface.pin(&mut self.view, pin);
            }
        }
    }

    fn pin_of(&self, layer: usize, unit: usize) -> Option<Pin> {
        Some(Pin { layer: self.recording().layers.get(layer)?.name.clone(), unit })
    }

    /// Asks for what panes have found to be missing.
    pub fn ask(&mut self) {
        self.ask_answers();
        self.ask_pictures(self.interface.pictures.take_wanted());
    }

    /// Takes what hands do in its viewport.
    pub fn look(&mut self, ui: &egui::Ui, at: &Viewport) -> SceneResponse {
        let scales = self.scales();
        let shown = self.scene().map(|(_, view, _)| view);
        let slabs = self.scene.as_ref().zip(shown);
        let slabs = slabs.and_then(|(scene, view)| super::slabs(scene, &view, &self.ranges, &scales));
        self.interface.look(ui, at, &self.layout, slabs.as_ref(), &mut self.view)
    }

    /// Paints over its scene, whose name among controls is `id`, what is said of it.
    pub fn paint(&self, ui: &egui::Ui, rect: egui::Rect, id: egui::Id, around: &RunContext) {
        self.with_sight(around, |sight| {
            self.interface.paint(ui, rect, sight, &self.view);
            ui.ctx().accesskit_node_builder(id, |node| {
                node.set_description(self.interface.summary(sight, &self.view));
            });
        });
    }

    /// What it shows, in plain words.
    pub fn summary(&self, around: &RunContext) -> String {
        self.with_sight(around, |sight| self.interface.summary(sight, &self.view))
    }

    fn with_sight<T>(&self, around: &RunContext, act: impl FnOnce(&SceneDescription) -> T) -> T {
        let held = self.scene.as_ref();
        let missing: Vec<(usize, Option<usize>)> = held.map_or_else(Vec::new, |scene| {
            scene.unmatched.iter().map(|layer| (layer.layer, layer.units)).collect()
        });
        let done = self.ready().into_iter().filter(|ready| *ready).count();
        let scales = self.scales();
        let sight = SceneDescription {
            recording: held.map_or(&self.source, |scene| &scene.source).recording(),
            runs: OpenRuns { all: around.runs, own: held.map_or(self.run, |scene| scene.run) },
            layout: &self.layout,
            ranges: &self.ranges,
            has_no_value: held.is_some_and(|scene| scene.from.has_no_value() || scene.to.has_no_value()),
            position: held
                .map_or_else(|| self.wanted(), |scene| Some(scene.position))
                .unwrap_or(EpochPosition::at(0)),
            query: held.map_or(&self.view.query, |scene| &scene.query).clone(),
            missing: &missing,
            shared: self.shared,
            over: self.over(),
            slabs: self
                .scene()
                .and_then(|(scene, view, _)| super::slabs(scene, &view, &self.ranges, &scales)),
            filled: held.is_some(),
            note: around.trouble.or(self.note.as_deref()),
            progress: Some(LoadProgress { done, of: self.interface.epochs().readable().len() }),
        };
        act(&sight)
    }

    /// Whether another frame is wanted although nothing happens.
    pub fn is_moving(&self) -> bool {
        self.interface.is_moving()
    }

    /// Per epoch, whether its values are at hand.
    fn ready(&self) -> Vec<bool> {
        let key = |epoch: &Epoch| ValueKey {
            recording: self.number,
            query: self.looked_at,
            epoch: epoch.number,
            order: self.view.order,
        };
        self.recording().epochs.iter().map(|epoch| self.cache.contains(key(epoch))).collect()
    }
}
