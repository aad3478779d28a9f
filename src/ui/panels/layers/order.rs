//! The layers that the table lists and their order, recomputed only after a change.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::column::{TableColumn, kind};
use crate::insight::LayerStats;
use crate::model::{NamePattern, Recording};

/// The column and the direction that the table is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableSort {
    /// The column.
    pub by: TableColumn,
    /// Numbers in ascending order, names in descending order.
    pub reversed: bool,
}

impl TableSort {
    /// Returns the sorting after a click on a heading: sorted by it, reversed, as trained.
    pub fn turned(sort: Option<Self>, by: TableColumn) -> Option<Self> {
        match sort {
            Some(Self { by: same, reversed: false }) if same == by => Some(Self { by, reversed: true }),
            Some(Self { by: same, reversed: true }) if same == by => None,
            _ => Some(Self { by, reversed: false }),
        }
    }
}

/// The listed layers, in their order.
#[derive(Debug, Default)]
pub struct LayerOrder {
    rows: Vec<usize>,
    /// Fingerprint of the data that the rows were computed from.
    fingerprint: Option<u64>,
    /// Number of times that the rows were computed.
    #[cfg(test)]
    pub computed: usize,
}

impl LayerOrder {
    /// Returns the rows as indices into the recording's layers.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// Returns the row of a layer, if it is listed. Takes time linear in the number of rows.
    pub fn row_of(&self, layer: usize) -> Option<usize> {
        self.rows.iter().position(|&listed| listed == layer)
    }

    /// Recomputes the rows if sorting, search or the sorted values changed.
    pub fn update(
        &mut self,
        recording: &Recording,
        stats: Option<&[LayerStats]>,
        sort: Option<TableSort>,
        search: &str,
    ) {
        let fingerprint = fingerprint_of(recording, stats, sort, search);
        if self.fingerprint == Some(fingerprint) {
            return;
        }
        self.fingerprint = Some(fingerprint);
        #[cfg(test)]
        {
            self.computed += 1;
        }
        let layers = &recording.layers;
        let pattern = NamePattern::new(search);
        let stat = |index: usize| stats.and_then(|stats| stats.get(index));
        self.rows.clear();
        self.rows.extend((0..layers.len()).filter(|&index| {
            let layer = &layers[index];
            pattern.matches(&layer.name) || pattern.matches(kind(layer)) || pattern.matches(layer.kind.name())
        }));
        if let Some(TableSort { by, reversed }) = sort {
            // A stable sort keeps equal layers as trained.
            self.rows.sort_by(|&a, &b| by.compare((&layers[a], stat(a)), (&layers[b], stat(b)), reversed));
        }
    }
}

/// Returns a fingerprint of everything that the order depends on. Of the statistics, only the sorted
/// column counts.
fn fingerprint_of(
    recording: &Recording,
    stats: Option<&[LayerStats]>,
    sort: Option<TableSort>,
    search: &str,
) -> u64 {
    let mut hasher = DefaultHasher::new();
    let layers = &recording.layers;
    (layers.as_ptr() as usize, layers.len(), &recording.model).hash(&mut hasher);
    for layer in [layers.first(), layers.last()].into_iter().flatten() {
        (&layer.name, layer.units).hash(&mut hasher);
    }
    (sort, search).hash(&mut hasher);
    if let Some(sort) = sort.filter(|sort| sort.by.is_measured()) {
        for (layer, stats) in layers.iter().zip(stats.unwrap_or_default()) {
            sort.by.value(layer, Some(stats)).map(f64::to_bits).hash(&mut hasher);
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing;

    #[test]
    fn unknown_values_come_last_in_both_directions() {
        let recording = testing::recording();
        let dead = |dead| LayerStats { dead, ..LayerStats::default() };
        let stats = [dead(None), dead(Some(0.1)), dead(Some(0.7))];
        let mut order = LayerOrder::default();
        let mut sorted = |stats: Option<&[LayerStats]>, sort| {
            order.update(&recording, stats, sort, "");
            order.rows().to_vec()
        };
        let by = |reversed| Some(TableSort { by: TableColumn::Dead, reversed });
        assert_eq!(sorted(Some(&stats), by(false)), [2, 1, 0]);
        assert_eq!(sorted(Some(&stats), by(true)), [1, 2, 0]);
        assert_eq!(sorted(None, by(true)), [0, 1, 2], "as trained");
        assert_eq!(sorted(Some(&stats[..1]), None), [0, 1, 2]);
    }

    #[test]
    fn the_order_is_computed_only_after_a_change() {
        let recording = testing::recording();
        let mean = |mean| LayerStats { mean, ..LayerStats::default() };
        let mut stats = vec![mean(0.3), mean(f32::NAN), mean(0.2)];
        let mut order = LayerOrder::default();
        let by_mean = Some(TableSort { by: TableColumn::Mean, reversed: false });
        for _ in 0..3 {
            order.update(&recording, Some(&stats), by_mean, "");
        }
        assert_eq!((order.computed, order.rows()), (1, &[0, 2, 1][..]));
        stats[1].dead = Some(0.5);
        order.update(&recording, Some(&stats), by_mean, "");
        assert_eq!(order.computed, 1, "not sorted by what is dead");
        // The same slice, with the values of another epoch.
        stats[1].mean = 4.0;
        order.update(&recording, Some(&stats), by_mean, "");
        assert_eq!((order.computed, order.rows()), (2, &[1, 0, 2][..]));
        order.update(&recording, Some(&stats), by_mean, "conv");
        assert_eq!((order.computed, order.rows()), (3, &[1, 0][..]));
        assert_eq!((order.row_of(0), order.row_of(2)), (Some(1), None));
    }
}
