//! One frame of a session: the epoch moves on, panels and hands change the view, the overlay is painted.

use std::sync::Arc;

use super::{Key, Session};
use crate::model::{Epoch, EpochPosition};
use crate::ui::{Asked, Columns, Done, Facts, OpenRuns, Progress, RunFacts, Sight, Viewport};

/// What every view of a frame is laid out with.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    pub adapter: &'a str,
    pub frame_ms: Option<f32>,
}

/// What one of them is laid out with.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    pub frame: Frame<'a>,
    /// Every run; one that is not open yet has nothing in it.
    pub runs: &'a [RunFacts<'a>],
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

    /// Lays out the panels that speak of it.
    pub fn panels(&mut self, ui: &mut egui::Ui, around: &Around, columns: &Columns) -> Asked {
        let ready = self.ready();
        let source = Arc::clone(&self.source);
        let facts = Facts {
            recording: source.recording(),
            runs: OpenRuns { all: around.runs, own: self.run },
            layout: &self.layout,
            ranges: &self.ranges,
            ready: &ready,
            adapter: around.frame.adapter,
            frame_ms: around.frame.frame_ms,
            live: around.live,
            columns,
        };
        let (query, epoch) = (self.view.query.clone(), self.view.epoch);
        let asked = self.interface.panels(ui, &facts, &mut self.view);
        if self.view.query != query || self.view.epoch != epoch {
            ui.ctx().request_repaint();
        }
        self.ask_pictures(self.interface.pictures.take_wanted());
        asked
    }

    /// Takes what hands do in its viewport.
    pub fn look(&mut self, ui: &egui::Ui, at: &Viewport) -> Done {
        self.interface.look(ui, at, &self.layout, &mut self.view)
    }

    /// Paints over its scene what is said of it.
    pub fn paint(&self, ui: &egui::Ui, rect: egui::Rect, around: &Around) {
        let held = self.scene.as_ref();
        let missing: Vec<(usize, Option<usize>)> = held.map_or_else(Vec::new, |scene| {
            scene.unmatched.iter().map(|layer| (layer.layer, layer.units)).collect()
        });
        let done = self.ready().into_iter().filter(|ready| *ready).count();
        let sight = Sight {
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
            filled: held.is_some(),
            note: around.trouble.or(self.note.as_deref()),
            progress: Some(Progress { done, of: self.interface.epochs().readable().len() }),
        };
        self.interface.paint(ui, rect, &sight, &self.view);
    }

    /// Whether another frame is wanted although nothing happens.
    pub fn is_moving(&self) -> bool {
        self.interface.is_moving()
    }

    /// Per epoch, whether its values are at hand.
    fn ready(&self) -> Vec<bool> {
        let key = |epoch: &Epoch| Key { recording: self.number, query: self.looked_at, epoch: epoch.number };
        self.recording().epochs.iter().map(|epoch| self.cache.contains(key(epoch))).collect()
    }
}
