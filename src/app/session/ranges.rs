//! What the ends of the colour maps stand for.

use std::sync::Arc;

use super::{Scene, Session};
use crate::engine;
use crate::model::columns::ColourScale;
use crate::model::{Query, ViewState};
use crate::stats::Quantiles;

impl Session {
    /// Per layer, the values at the ends of the colour map.
    pub fn ranges(&self) -> &[(f32, f32)] {
        &self.ranges
    }

    /// What the scene takes to a common scale of colours.
    pub fn scale(&self) -> Option<ColourScale<'_>> {
        let (scene, view, _) = self.scene()?;
        let recording = scene.source.recording();
        Some(ColourScale {
            recording,
            query: &scene.query,
            range: view.range_of(recording.normalisation),
            extremes: self.extremes(scene, &view),
        })
    }

    /// Per layer, the least and the greatest of the values that the ends of the colour map are those of.
    fn extremes(&self, scene: &Scene, view: &ViewState) -> Vec<Option<(f32, f32)>> {
        let normalisation = scene.source.recording().normalisation;
        if !view.over_epochs {
            return engine::extremes(view, normalisation, &scene.from, &scene.to, scene.position.t);
        }
        // What is shown counts, whoever read it.
        let shown = [&scene.from, &scene.to].map(|field| &**field.spreads());
        let moments = self.read(&scene.query).map(|spreads| &**spreads).chain(shown);
        engine::extremes_over(view, normalisation, moments)
    }

    /// The spreads of the moments at which a query was answered.
    fn read(&self, query: &Query) -> impl Iterator<Item = &Arc<[Option<Quantiles>]>> {
        let stamp = self.stamp_of(query);
        let number = self.queries.find(query, stamp);
        self.spreads.iter().filter(move |(key, _)| Some(key.query) == number).map(|(_, spreads)| spreads)
    }

    /// How many epochs the ends of the colour map are those of, and how many there are; `None` where they
    /// are not to be those of all.
    pub(super) fn over(&self) -> Option<(usize, usize)> {
        let scene = self.scene.as_ref().filter(|scene| scene.filled && self.view.over_epochs)?;
        let of = self.interface.epochs().readable().len();
        Some((self.read(&scene.query).count().clamp(1, of.max(1)), of))
    }

    /// What values are divided by, by layer, as [`engine::scales`] has it.
    pub(super) fn scales(&self) -> Vec<f32> {
        let shown = self.scene();
        shown.map_or_else(Vec::new, |(scene, view, _)| {
            engine::scales(&view, &scene.from, &scene.to, scene.position.t)
        })
    }

    /// Sets the ends of the colour map by the least and the greatest value of each layer, which are those
    /// of other views as well where they are `shared`.
    pub fn set_scale(&mut self, extremes: &[Option<(f32, f32)>], shared: bool) {
        self.shared = shared;
        if let Some((scene, view, _)) = self.scene().filter(|(scene, ..)| scene.filled) {
            let normalisation = scene.source.recording().normalisation;
            self.ranges = engine::ranges_of(&view, normalisation, extremes);
        } else {
            self.ranges.clear();
        }
    }
}
