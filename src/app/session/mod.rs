//! The view of one open run in a column.
//!
//! | part | holds |
//! | --- | --- |
//! | [`ValueStore`] | the values: loader, cache, queries, prefetch, insights |
//! | [`SceneState`] | the scene: current values, layout, value ranges, the input's picture |
//! | [`ViewControl`] | the view, and everything by which a user changes it |
//!
//! A [`Session`] owns the three, and passes them to the methods of each other.

mod keys;
mod layout;
mod link;
mod panel_data;
mod prefetch;
mod queries;
mod scene;
mod subtracted;
mod values;

use std::sync::Arc;
use std::time::Duration;

pub use self::scene::{DrawnScene, SceneState};
pub use self::values::{SessionResources, ValueStore};
use super::event::{LoadEvent, ValueKey};
use super::loader::Loader;
use super::run::OpenRunList;
use crate::insight::{LayerStats, UnitProfile};
use crate::model::{Camera, EpochRef, Layout, Pin, Recording, SetView, ViewState};
use crate::scene::LoadedEpoch;
use crate::ui::ViewControl;

/// Longest delay of a frame that changes little of the picture.
pub const SOON: Duration = Duration::from_millis(100);

/// The view of one open run in a column.
pub struct Session {
    /// The values of the run.
    pub values: ValueStore,
    /// The scene.
    pub scene: SceneState,
    /// The view and its controls.
    pub control: ViewControl,
}

impl Session {
    /// Creates the default view of the run at index `run`; `None` while it is not open.
    pub fn new(run: usize, runs: OpenRunList, resources: SessionResources) -> Option<Self> {
        Some(Self::with_values(ValueStore::new(run, runs, resources)?))
    }

    fn with_values(values: ValueStore) -> Self {
        let recording = values.recording();
        let layout = Layout::of_grids(Layout::grids(recording));
        // The window's shape is not known yet; the first frame corrects the aspect.
        let camera = Camera::set_view(SetView::Overview, &layout, 1.5);
        let mut view = ViewState::new(camera, last_epoch(recording));
        // So that playing shows what the network learns, whatever a few extreme units do.
        (view.over_epochs, view.clip) = (true, 1.0);
        let control = ViewControl::new(recording, view);
        Self { values, scene: SceneState::new(layout), control }
    }

    /// Limits the values to this session's share of the memory of `count` sessions.
    pub fn share_memory(&mut self, count: usize) {
        self.values.share_memory(count, &self.control);
    }

    /// Ends the session; the loader finishes its current job.
    pub fn into_loader(self) -> Loader {
        self.values.into_loader()
    }

    /// The index of its run.
    pub fn run(&self) -> usize {
        self.values.run()
    }

    /// The recording of its run.
    pub fn recording(&self) -> &Recording {
        self.values.recording()
    }

    /// The view.
    pub fn view(&self) -> &ViewState {
        &self.control.view
    }

    /// Takes over the current `runs`, in which its own is the same recording with more epochs. Keeps view,
    /// playback and loaded values.
    pub fn continue_with(&mut self, runs: OpenRunList) {
        let Some(before) = self.values.continue_with(runs, &self.control) else { return };
        let (before, now) = (before.recording(), self.values.recording());
        self.control.set_recording(now);
        if self.control.epochs().readable().is_empty() {
            return;
        }
        if before.epochs.iter().all(|epoch| epoch.damaged) {
            self.control.view.epoch = last_epoch(now);
        }
        self.scene.forget_network();
        self.values.forget_failures();
        self.update_scene(0.0);
    }

    /// Takes over the current `runs`, in which the run of side B may be another recording.
    pub fn set_runs(&mut self, runs: OpenRunList) {
        self.values.set_runs(runs, &self.control);
    }

    /// Returns a session of the recording that has replaced its own. Keeps the view as far as the networks
    /// are the same.
    pub fn replaced(self, runs: OpenRunList) -> Self {
        let before = self.values.source();
        let run = self.values.run();
        let control = self.control.clone_view();
        let mut next = self.with_run(run, runs);
        let (before, now) = (before.recording(), next.values.recording());
        let same_classes = |a: &Recording, b: &Recording| {
            let classes = |recording: &Recording| -> Vec<(i64, String)> {
                recording.classes.iter().map(|class| (class.id, class.name.clone())).collect()
            };
            classes(a) == classes(b)
        };
        let same_network = before.layers == now.layers;
        let same_inputs = before.inputs == now.inputs && same_classes(before, now);
        next.control.resume(control, same_network, same_inputs);
        next
    }

    /// Returns the default view of a run, with the same loader; `self` while that run is not open.
    fn with_run(self, run: usize, runs: OpenRunList) -> Self {
        match runs.get(run).and_then(Option::as_ref) {
            Some(open) => Self::with_values(self.values.with_run(run, open, Arc::clone(&runs))),
            None => self,
        }
    }

    /// Handles a result of the session's workers; returns the longest delay of the frame that shows it.
    pub fn handle(&mut self, ctx: &egui::Context, event: LoadEvent) -> Duration {
        match event {
            LoadEvent::Values { key, result: Ok(values) } => {
                return if self.insert_values(key, values) { Duration::ZERO } else { SOON };
            }
            LoadEvent::Values { key, result: Err(reason) } => {
                self.values.fail(key, reason, &self.control);
            }
            LoadEvent::Network { recording, result } if self.values.is_current(recording) => match result {
                Ok(network) => self.scene.set_network(network),
                Err(reason) => self.values.set_note(reason),
            },
            LoadEvent::Picture { recording, input, picture } if self.values.is_current(recording) => {
                self.values.picture_arrived(input);
                self.control.thumbnails.insert(ctx, input, picture.as_ref());
                self.scene.set_picture(self.values.gpu(), input, picture.as_ref());
            }
            LoadEvent::Network { .. } | LoadEvent::Picture { .. } => {}
            LoadEvent::Insight(response) => self.values.insights.insert(response),
            LoadEvent::SubtractedInsight { run, response } => {
                if let Some(subtracted) = &mut self.values.subtracted {
                    subtracted.insert(run, response);
                }
            }
        }
        Duration::ZERO
    }

    /// Caches loaded values; returns `true` if the scene needs them now.
    fn insert_values(&mut self, key: ValueKey, values: LoadedEpoch) -> bool {
        if !self.values.is_current(key.recording) {
            return false;
        }
        let is_needed = self.values.insert(key, values, &self.control);
        is_needed || !self.scene.is_shown()
    }

    /// Updates the scene to the values nearest to those of the view, and requests the missing ones.
    pub fn update_scene(&mut self, now: f64) {
        self.control.view.link_sides();
        self.scene.update(&mut self.values, &self.control, now);
        self.control.frame_visible(self.scene.layout(), now);
    }

    /// The number of cells in the scene.
    pub fn units(&self) -> u64 {
        self.scene.layout().slabs.iter().map(|slab| slab.units as u64).sum()
    }

    /// The number of the epoch that the scene shows; a fraction between two epochs.
    pub fn shown_epoch(&self) -> Option<f64> {
        self.scene.shown_epoch()
    }

    /// Returns `true` if the scene shows the values that the view selects.
    pub fn is_settled(&self) -> bool {
        self.scene.is_settled(&self.values, &self.control)
    }

    /// The latest problem with the values that the view selects, in one line.
    pub fn note(&self) -> Option<&str> {
        self.values.note()
    }

    /// The statistics of every layer at the described epoch; `None` until they are computed, and while
    /// the epochs are played.
    pub fn layer_stats(&self) -> Option<&[LayerStats]> {
        self.values.insights.layer_stats(self.control.described_epoch(self.recording())?)
    }

    /// The latest layer statistics, and the number of their epoch.
    pub fn latest_layer_stats(&self) -> Option<(u64, &[LayerStats])> {
        self.values.insights.latest_layer_stats()
    }

    /// The profile of a pinned unit, or the reason why there is none: at the current epoch or, until that is
    /// computed, the latest one; [`UnitProfile::epoch`] is its epoch.
    pub fn unit_profile(&self, pin: &Pin) -> Option<Result<&UnitProfile, &str>> {
        let unit = self.recording().unit_of_pin(pin)?;
        let epoch = self.control.described_epoch(self.recording());
        self.values.insights.unit_profile_or_latest(unit, epoch)
    }

    /// The index of the predicted class of each input at the epoch of this number; empty where none are
    /// recorded, `None` until they are read.
    pub fn predictions(&self, epoch: u64) -> Option<&[Option<usize>]> {
        self.values.insights.predictions(epoch)
    }

    /// Returns `true` if the newest epoch is followed and its values are being loaded.
    pub fn awaits_newest(&mut self) -> bool {
        self.values.awaits_newest(&self.control)
    }
}

/// Returns the number of the last readable epoch.
fn last_epoch(recording: &Recording) -> f64 {
    EpochRef::Last.resolve(recording).map_or(0.0, |at| at.number(recording))
}
