//! Columns of a window: the properties that links share between them, and queries made of two of them.

use serde::{Deserialize, Serialize};

use super::{Diff, EpochRef, Query, Range, Recording, ValueRange, ViewState};

/// Greatest number of columns in a window.
pub const MAX_COLUMNS: usize = 6;

/// The links between the columns of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locks {
    /// All columns have the same camera, as far as their networks have the same layout.
    pub cameras: bool,
    /// All columns show the epoch of the same number.
    pub epochs: bool,
    /// The same colour stands for the same value in all columns with values of one kind.
    pub scale: bool,
}

impl Default for Locks {
    fn default() -> Self {
        Self { cameras: true, epochs: true, scale: true }
    }
}

/// The query and epoch of one column, as needed for a comparison with another.
#[derive(Clone, Copy, Debug)]
pub struct ColumnQuery<'a> {
    /// Index of the run among the open ones.
    pub run: usize,
    /// The query of the column.
    pub query: &'a Query,
    /// Epoch number, fractional between two recorded epochs.
    pub epoch: f64,
}

/// Exchanges sides A and B of a query on `run`. Returns the run of the new side A and the new query;
/// `None` without a side B.
pub fn swap_sides(run: usize, query: &Query) -> Option<(usize, Query)> {
    let minus = query.minus.clone()?;
    let other = query.run_b.unwrap_or(run);
    let swapped = Query {
        select: minus,
        minus: Some(query.select.clone()),
        run_b: (other != run).then_some(run),
        ..query.clone()
    };
    Some((other, swapped))
}

/// The query for the values of `a` minus those of `b`, on the run of `a`; `None` where one of them is a
/// difference already.
pub fn difference_query(a: ColumnQuery, b: ColumnQuery) -> Option<Query> {
    if a.query.minus.is_some() || b.query.minus.is_some() {
        return None;
    }
    let mut minus = b.query.select.clone();
    if a.epoch != b.epoch && minus.epoch.is_none() {
        minus.epoch = Some(EpochRef::from_number(b.epoch));
    }
    Some(Query { minus: Some(minus), run_b: (a.run != b.run).then_some(b.run), ..a.query.clone() })
}

/// Epoch number to show in a linked column of `recording` when the leading column shows `number`:
/// `number` limited to the readable epochs or, with `at_rest`, the nearest readable epoch.
pub fn linked_epoch(recording: &Recording, number: f64, at_rest: bool) -> f64 {
    let readable = || recording.epochs.iter().filter(|epoch| !epoch.damaged).map(|epoch| epoch.number as f64);
    let (Some(first), Some(last)) = (readable().next(), readable().next_back()) else { return number };
    if at_rest {
        let distance = |other: &f64| (number - other).abs();
        readable().min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(number)
    } else {
        number.clamp(first, last)
    }
}

/// Returns `true` if the values of two queries are of one kind (statistic, comparison and
/// normalisation), so that their colours can be compared.
pub fn is_same_kind(a: &Query, b: &Query) -> bool {
    let kind = |query: &Query| {
        let diff = query.minus.as_ref().map(|_| query.diff);
        // An effect size is always computed from means, whatever statistic is chosen.
        let stat = (diff != Some(Diff::Effect)).then_some(query.stat);
        (diff, stat, query.norm)
    };
    kind(a) == kind(b)
}

/// Copies from the view `lead` to `other` what linked columns share: theme and style, order of units,
/// hidden layers and pins; where both have values of one kind also the colour map and, with
/// `locks.scale`, its range.
pub fn share_appearance(lead: &ViewState, other: &mut ViewState, locks: Locks) {
    other.theme = lead.theme;
    other.haze = lead.haze;
    other.labels = lead.labels;
    other.height = lead.height;
    other.edges = lead.edges;
    other.order = lead.order;
    other.hidden.clone_from(&lead.hidden);
    other.pins.clone_from(&lead.pins);
    if is_same_kind(&lead.query, &other.query) {
        other.colour_map = lead.colour_map;
        other.dim_below = lead.dim_below;
        if locks.scale {
            other.range = lead.range;
            other.over_epochs = lead.over_epochs;
            other.clip = lead.clip;
        }
    }
}

/// The values of one column, as far as they decide a common colour range.
#[derive(Clone, Debug)]
pub struct ColourScale<'a> {
    /// The recording of the column.
    pub recording: &'a Recording,
    /// The query of the column.
    pub query: &'a Query,
    /// The range in use, see [`ViewState::range_of`].
    pub range: Range,
    /// Least and greatest value of each layer; `None` for a layer without values.
    pub extremes: Vec<Option<ValueRange>>,
}

impl ColourScale<'_> {
    /// Returns `true` if both columns use a common value range.
    pub fn has_range_of(&self, other: &Self) -> bool {
        let fixed = matches!(self.range, Range::Fixed { .. } | Range::Auto);
        is_same_kind(self.query, other.query) && self.range == other.range && !fixed
    }
}

/// Extremes per column and layer, over all columns with values of one kind and over the layers of one
/// name. With [`Range::Network`], over all layers of all such columns.
pub fn common_extremes(scales: &[ColourScale]) -> Vec<Vec<Option<ValueRange>>> {
    let of_view = |scale: &ColourScale| {
        let mut extremes = scale.extremes.clone();
        for other in scales.iter().filter(|other| scale.has_range_of(other)) {
            if scale.range == Range::Network {
                let whole = other.extremes.iter().copied().fold(None, ValueRange::union_of);
                extremes.iter_mut().for_each(|own| *own = ValueRange::union_of(*own, whole));
                continue;
            }
            for (layer, values) in other.recording.layers.iter().zip(&other.extremes) {
                let named = scale.recording.layers.iter().position(|own| own.name == layer.name);
                if let Some(own) = named.and_then(|index| extremes.get_mut(index)) {
                    *own = ValueRange::union_of(*own, *values);
                }
            }
        }
        extremes
    };
    scales.iter().map(of_view).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Camera, Epoch, Layout, Selection, SetView, Stat, testing};

    fn query(select: &str, minus: Option<&str>, run_b: Option<usize>) -> Query {
        let parse = |text: &str| text.parse::<Selection>().expect("a selection");
        Query { select: parse(select), minus: minus.map(parse), run_b, ..Query::default() }
    }

    fn recording() -> Recording {
        testing::recording(&[4, 9], &["cat", "dog"], &[Some(0), Some(1)], &[0, 1, 2])
    }

    #[test]
    fn swapping_twice_restores_the_query() {
        for (run, query) in [
            (0, query("class:1", Some("class:2"), None)),
            (0, query("class:1@first", Some("all"), Some(2))),
            (1, query("all", Some("all@3"), Some(0))),
        ] {
            let (other, once) = swap_sides(run, &query).expect("it has a B");
            assert_eq!(
                (&once.select, once.minus.as_ref()),
                (query.minus.as_ref().unwrap(), Some(&query.select))
            );
            assert_eq!(other, query.run_b.unwrap_or(run));
            assert_eq!(swap_sides(other, &once), Some((run, query)));
        }
        assert_eq!(swap_sides(0, &query("class:1", None, None)), None);
    }

    #[test]
    fn a_difference_reads_each_side_in_its_own_run_and_epoch() {
        let (cats, dogs) = (query("class:cat", None, None), query("class:dog", None, None));
        let side = |run, query, epoch| ColumnQuery { run, query, epoch };
        let same = difference_query(side(0, &cats, 7.0), side(0, &dogs, 7.0)).expect("two plain views");
        assert_eq!(same, query("class:cat", Some("class:dog"), None));
        let runs = difference_query(side(0, &cats, 7.0), side(1, &cats, 7.0)).expect("two plain views");
        assert_eq!(runs, query("class:cat", Some("class:cat"), Some(1)));
        let epochs = difference_query(side(0, &cats, 3.0), side(0, &cats, 20.0)).expect("two plain views");
        assert_eq!(epochs, query("class:cat", Some("class:cat@20"), None));
        let own = query("class:cat@first", None, None);
        let epochs = difference_query(side(0, &cats, 3.0), side(0, &own, 20.0)).expect("two plain views");
        assert_eq!(epochs, query("class:cat", Some("class:cat@first"), None));
        assert_eq!(difference_query(side(0, &same, 7.0), side(0, &cats, 7.0)), None);
    }

    #[test]
    fn a_linked_column_shows_the_same_epoch_or_the_nearest_readable_one() {
        let mut recording = recording();
        recording.epochs =
            [0, 4, 6, 8].map(|number| Epoch { number, damaged: number == 6, ..Epoch::default() }).into();
        for (number, at_rest, expected) in [
            (4.0, true, 4.0),
            (5.0, true, 4.0),
            (6.0, true, 4.0),
            (7.0, true, 8.0),
            (30.0, true, 8.0),
            (5.5, false, 5.5),
            (30.5, false, 8.0),
        ] {
            assert_eq!(linked_epoch(&recording, number, at_rest), expected, "{number} {at_rest}");
        }
        recording.epochs.clear();
        assert_eq!(linked_epoch(&recording, 3.0, true), 3.0);
    }

    #[test]
    fn colours_are_shared_where_values_are_of_one_kind() {
        let recording = recording();
        let camera = Camera::set_view(SetView::Overview, &Layout::new(&recording, 1.5), 1.5);
        let lead = ViewState {
            query: query("class:1", None, None),
            colour_map: Some(crate::model::ColourMap::Magma),
            range: Range::Network,
            theme: crate::model::Theme::Light,
            ..ViewState::new(camera, 0.0)
        };
        let mut like = ViewState { query: query("class:2", None, None), ..ViewState::new(camera, 0.0) };
        let mut unlike = ViewState { query: query("all", Some("class:2"), None), ..like.clone() };
        let mut unlocked = like.clone();
        share_appearance(&lead, &mut like, Locks::default());
        share_appearance(&lead, &mut unlike, Locks::default());
        share_appearance(&lead, &mut unlocked, Locks { scale: false, ..Locks::default() });
        assert_eq!((like.theme, like.colour_map, like.range), (lead.theme, lead.colour_map, lead.range));
        assert_eq!((unlike.theme, unlike.colour_map, unlike.range), (lead.theme, None, Range::Auto));
        assert_eq!((unlocked.colour_map, unlocked.range), (lead.colour_map, Range::Auto));
    }

    #[test]
    fn views_of_one_kind_have_their_extremes_in_common_by_layer_name() {
        let range = |low, high| Some(ValueRange::new(low, high));
        let mut one = recording();
        let mut other = recording();
        for (recording, names) in [(&mut one, ["a", "b"]), (&mut other, ["b", "c"])] {
            for (layer, name) in recording.layers.iter_mut().zip(names) {
                layer.name = name.to_owned();
            }
        }
        let (mean, rate) = (query("all", None, None), Query { stat: Stat::Rate, ..Query::default() });
        let scale = |recording, query, range, extremes: [Option<ValueRange>; 2]| ColourScale {
            recording,
            query,
            range,
            extremes: extremes.into(),
        };
        let extremes = [range(0.0, 1.0), range(-1.0, 2.0)];
        let others = [range(0.5, 3.0), None];
        let of = |range, second| {
            let scales = [scale(&one, &mean, range, extremes), scale(&other, second, range, others)];
            common_extremes(&scales)
        };
        assert_eq!(
            of(Range::Layer, &mean),
            [vec![range(0.0, 1.0), range(-1.0, 3.0)], vec![range(-1.0, 3.0), None]]
        );
        assert_eq!(of(Range::Network, &mean), [vec![range(-1.0, 3.0); 2], vec![range(-1.0, 3.0); 2]]);
        assert_eq!(of(Range::Layer, &rate), [extremes.to_vec(), others.to_vec()], "another kind of value");
    }
}
