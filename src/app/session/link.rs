//! Copies appearance, epoch, camera and playback from the session of another column.

use std::sync::Arc;

use super::Session;
use crate::model::columns::{self, ColumnQuery, Locks};
use crate::model::{Layer, Query, Recording, ViewState};
use crate::ui::scene::navigation::CameraTarget;

impl Session {
    /// Returns the run, query and epoch of its view, to compare them with those of another session.
    pub fn column_query(&self) -> ColumnQuery<'_> {
        ColumnQuery { run: self.run(), query: &self.view().query, epoch: self.view().epoch }
    }

    /// Copies the appearance of `leader`, as far as `locks` link it.
    pub fn link_appearance(&mut self, leader: &Self, locks: Locks) {
        columns::share_appearance(&leader.control.view, &mut self.control.view, locks);
        self.control.navigator.reduced_motion = leader.control.navigator.reduced_motion;
    }

    /// Returns `true` if the recording has a readable epoch.
    pub fn has_epochs(&self) -> bool {
        !self.control.epochs().readable().is_empty()
    }

    /// Goes to the epoch of `leader`, or to the nearest recorded one.
    pub fn link_epoch(&mut self, leader: &Self) {
        if !leader.has_epochs() {
            return;
        }
        let epochs = leader.control.epochs();
        let at_rest = epochs.ordinal_of_number(leader.view().epoch).fract() == 0.0;
        self.control.playback.hold();
        self.control.view.epoch = columns::linked_epoch(self.recording(), leader.view().epoch, at_rest);
    }

    /// Continues the playback of `previous`, which stops.
    pub fn take_playback(&mut self, previous: &mut Self) {
        if !self.has_epochs() || !previous.has_epochs() {
            return;
        }
        let (from, to) = (previous.control.epochs().clone(), self.control.epochs());
        self.control.playback = previous.control.playback.handed_over(&from, to);
    }

    /// Copies the camera of `leader` if the layouts are equal or it has no target and the layers are the
    /// same; else moves to the same target, if there is one in this recording.
    pub fn link_camera(&mut self, leader: &Self, now: f64) {
        let navigator = &leader.control.navigator;
        if self.scene.layout() == leader.scene.layout() {
            self.control.view.camera = leader.control.view.camera;
            self.control.navigator.follow(navigator);
            return;
        }
        match navigator.target() {
            Some(target) => {
                let layer_named =
                    |name: &str| self.recording().layers.iter().position(|layer| layer.name == name);
                let target = match target {
                    CameraTarget::View(_) => Some(target),
                    CameraTarget::Slab(slab) => leader
                        .recording()
                        .layers
                        .get(slab)
                        .and_then(|layer| layer_named(&layer.name))
                        .map(CameraTarget::Slab),
                    CameraTarget::Group(first, last) => {
                        let here = |slab: usize| layer_named(&leader.recording().layers.get(slab)?.name);
                        here(first).zip(here(last)).map(|(first, last)| CameraTarget::Group(first, last))
                    }
                };
                if let Some(target) = target.filter(|target| self.control.navigator.target() != Some(*target))
                {
                    let camera = self.control.view.camera;
                    self.control.navigator.go(target, camera, self.scene.layout(), now);
                }
            }
            None if have_same_layers(self.recording(), leader.recording()) => {
                self.control.view.camera = leader.control.view.camera;
                self.control.navigator.release();
            }
            None => {}
        }
    }

    /// Shows `query` with the appearance, epoch and camera of `other`.
    pub fn show_like(&mut self, other: &Self, query: Query, locks: Locks) {
        self.control.view.query = query;
        self.control.view.link_equal_sides();
        self.link_appearance(other, locks);
        self.control.view.epoch = columns::linked_epoch(self.recording(), other.view().epoch, true);
        self.control.playback.hold();
        self.control.playback.speed = other.control.playback.speed;
        self.control.playback.looping = other.control.playback.looping;
        if self.scene.layout() == other.scene.layout() {
            self.control.view.camera = other.control.view.camera;
            self.control.navigator.follow(&other.control.navigator);
        }
        let same_source = Arc::ptr_eq(&self.values.source(), &other.values.source());
        if same_source && self.view().query == other.view().query {
            self.scene.show_like(&other.scene);
        }
    }

    /// Returns the session with sides A and B swapped; unchanged if there is no side B or its run is not
    /// open. If side B is of another run, the session becomes one of that run, and shows the scene before
    /// until its values are loaded.
    pub fn swapped(mut self) -> Self {
        let Some((run, query)) = columns::swap_sides(self.run(), &self.view().query) else { return self };
        let runs = self.values.runs();
        let Some(open) = runs.get(run).and_then(Option::as_ref) else { return self };
        if run == self.run() {
            self.control.view.query = query;
            return self;
        }
        let Self { values, scene, mut control } = self;
        let mut next = Self::with_values(values.with_run(run, open, Arc::clone(&runs)));
        next.control.playback = {
            let epochs = control.epochs().clone();
            control.playback.handed_over(&epochs, next.control.epochs())
        };
        let epoch = columns::linked_epoch(next.recording(), control.view.epoch, true);
        let same_slabs = next.scene.layout().slabs == scene.layout().slabs;
        let camera = if same_slabs { control.view.camera } else { next.control.view.camera };
        if same_slabs {
            next.control.navigator = control.navigator;
        } else {
            next.control.navigator.reduced_motion = control.navigator.reduced_motion;
        }
        next.control.view = ViewState { query, epoch, camera, ..control.view };
        next.scene.show_until_loaded(scene);
        next
    }
}

/// Returns `true` if the layers of both networks have the same names and sizes.
fn have_same_layers(a: &Recording, b: &Recording) -> bool {
    let shape = |layer: &Layer| (layer.name.clone(), layer.units);
    a.layers.iter().map(shape).eq(b.layers.iter().map(shape))
}
