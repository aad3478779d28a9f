//! What a session has in common with those beside it.

use std::sync::Arc;

use super::Session;
use crate::model::columns::{self, ColumnQuery, Locks};
use crate::model::{Layer, Query, Recording, ViewState};
use crate::ui::scene::navigation::Target;

impl Session {
    /// As far as it takes to compare it with another.
    pub fn side(&self) -> ColumnQuery<'_> {
        ColumnQuery { run: self.run, query: &self.view.query, epoch: self.view.epoch }
    }

    /// Looks as `lead` does, as far as they share how they look.
    pub fn share_look(&mut self, lead: &Self, locks: Locks) {
        columns::share_appearance(&lead.view, &mut self.view, locks);
        self.interface.navigator.reduced_motion = lead.interface.navigator.reduced_motion;
    }

    /// Whether it can lead through the epochs.
    pub fn has_epochs(&self) -> bool {
        !self.interface.epochs().readable().is_empty()
    }

    /// Shows the epoch that `lead` shows, or the nearest.
    pub fn tie_epoch(&mut self, lead: &Self) {
        let epochs = lead.interface.epochs();
        if !lead.has_epochs() {
            return;
        }
        let at_rest = epochs.ordinal_of_number(lead.view.epoch).fract() == 0.0;
        self.interface.playback.hold();
        self.view.epoch = columns::linked_epoch(self.recording(), lead.view.epoch, at_rest);
    }

    /// Goes on playing, stepping or following where `lead` did, which rests from now on.
    pub fn take_playback(&mut self, lead: &mut Self) {
        if !self.has_epochs() || !lead.has_epochs() {
            return;
        }
        let (from, to) = (lead.interface.epochs().clone(), self.interface.epochs());
        self.interface.playback = lead.interface.playback.handed_over(&from, to);
    }

    /// Looks from where `lead` looks: exactly, where everything stands alike, else at the same things.
    pub fn tie_camera(&mut self, lead: &Self, now: f64) {
        let navigator = &lead.interface.navigator;
        if self.layout == lead.layout {
            self.view.camera = lead.view.camera;
            self.interface.navigator.follow(navigator);
            return;
        }
        match navigator.at() {
            Some(target) => {
                let named = |layer: &str| self.recording().layers.iter().position(|own| own.name == layer);
                let target = match target {
                    Target::View(_) => Some(target),
                    Target::Slab(slab) => lead
                        .recording()
                        .layers
                        .get(slab)
                        .and_then(|layer| named(&layer.name))
                        .map(Target::Slab),
                };
                if let Some(target) = target.filter(|target| self.interface.navigator.at() != Some(*target)) {
                    self.interface.navigator.go(target, self.view.camera, &self.layout, now);
                }
            }
            None if alike(self.recording(), lead.recording()) => {
                self.view.camera = lead.view.camera;
                self.interface.navigator.release();
            }
            None => {}
        }
    }

    /// Begins to look at `query` in the way in which `other` looks at its own.
    pub fn look_like(&mut self, other: &Self, query: Query, locks: Locks) {
        self.view.query = query;
        self.share_look(other, locks);
        self.view.epoch = columns::linked_epoch(self.recording(), other.view.epoch, true);
        self.interface.playback.hold();
        self.interface.playback.speed = other.interface.playback.speed;
        self.interface.playback.looping = other.interface.playback.looping;
        if self.layout == other.layout {
            self.view.camera = other.view.camera;
            self.interface.navigator.follow(&other.interface.navigator);
        }
        // Until its own values are there, it shows what is known to be the same.
        if Arc::ptr_eq(&self.source, &other.source) && self.view.query == other.view.query {
            self.scene.clone_from(&other.scene);
        }
    }

    /// The same view with A and B exchanged, as far as there is a B that is open; a view of the other
    /// run where B is read there. Until the new values are there, it shows what it showed.
    pub fn swapped(mut self) -> Self {
        let Some((run, query)) = columns::swap_sides(self.run, &self.view.query) else { return self };
        let is_open = self.runs.get(run).is_some_and(Option::is_some);
        if run == self.run || !is_open {
            if is_open {
                self.view.query = query;
            }
            return self;
        }
        let (view, scene, layout) = (self.view.clone(), self.scene.clone(), self.layout.clone());
        let navigator = self.interface.navigator.clone();
        let mut playback = self.interface.playback.clone();
        let (epochs, runs) = (self.interface.epochs().clone(), Arc::clone(&self.runs));
        let mut next = self.onto(run, runs);
        next.interface.playback = playback.handed_over(&epochs, next.interface.epochs());
        let epoch = columns::linked_epoch(next.recording(), view.epoch, true);
        let camera = if next.layout.slabs == layout.slabs { view.camera } else { next.view.camera };
        if next.layout.slabs == layout.slabs {
            next.interface.navigator = navigator;
        } else {
            next.interface.navigator.reduced_motion = navigator.reduced_motion;
        }
        next.view = ViewState { query, epoch, camera, ..view };
        next.layout = layout;
        next.scene = scene;
        next
    }
}

/// Whether two recordings are of networks whose slabs stand alike.
fn alike(a: &Recording, b: &Recording) -> bool {
    let shape = |layer: &Layer| (layer.name.clone(), layer.units);
    a.layers.iter().map(shape).eq(b.layers.iter().map(shape))
}
