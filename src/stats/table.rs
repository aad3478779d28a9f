//! One number per unit: a statistic of the selected inputs, or the difference of two selections.

use rayon::prelude::*;

use super::{Extremes, Firing, Moments, StatsError, reduce};
use crate::model::{
    Aggregate, Diff, EpochPosition, Group, Query, Recording, Selection, Source, SourceError, Stat, Tensor,
};

/// Unit values of every layer.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitTable {
    /// One value per unit of each layer; finite, or NaN for "no value".
    pub layers: Vec<Vec<f32>>,
    /// How many inputs `select` chose.
    pub inputs: usize,
}

/// The unit values that `query` asks for at `epoch`; interpolated when that lies between two epochs.
/// A selection with an epoch of its own is read there.
///
/// Of `all` and of exactly one class, the aggregates that the recording stores are taken as they
/// are: a DNNViz dump's own class means, for one, in which a single NaN makes the unit's mean NaN.
/// Everything else is computed from the inputs, where values that are not finite are left out. A
/// statistic that is not stored of aggregates over more inputs than are recorded is not to be had.
pub fn table(source: &dyn Source, query: &Query, epoch: EpochPosition) -> Result<UnitTable, StatsError> {
    let mut values = side(source, &query.select, query.stat, epoch)?;
    if let Some(minus) = &query.minus {
        let subtracted = side(source, minus, query.stat, epoch)?;
        combine(&mut values, &subtracted, |value, subtracted| match query.diff {
            Diff::Signed => value - subtracted,
            Diff::Abs => (value - subtracted).abs(),
        });
    }
    Ok(values)
}

/// The moment at which `selection` is read when the one looked at is `epoch`.
pub(super) fn moment(
    recording: &Recording,
    selection: &Selection,
    epoch: EpochPosition,
) -> Result<EpochPosition, StatsError> {
    let position = match selection.epoch {
        Some(own) => own.resolve(recording)?,
        None => epoch,
    };
    let epochs = recording.epochs.len();
    match [position.from, position.to].into_iter().find(|&index| index >= epochs) {
        Some(index) => Err(StatsError::NoSuchEpoch { index, epochs }),
        None => Ok(position),
    }
}

/// The values of one selection, interpolated between two epochs.
fn side(
    source: &dyn Source,
    selection: &Selection,
    stat: Stat,
    epoch: EpochPosition,
) -> Result<UnitTable, StatsError> {
    let position = moment(source.recording(), selection, epoch)?;
    let mut values = at_epoch(source, selection, stat, position.from)?;
    if position.t > 0.0 {
        let later = at_epoch(source, selection, stat, position.to)?;
        combine(&mut values, &later, |from, to| from + position.t * (to - from));
    }
    Ok(values)
}

fn combine(values: &mut UnitTable, others: &UnitTable, with: impl Fn(f32, f32) -> f32) {
    for (layer, others) in values.layers.iter_mut().zip(&others.layers) {
        for (value, &other) in layer.iter_mut().zip(others) {
            *value = finite(with(*value, other));
        }
    }
}

fn finite(value: f32) -> f32 {
    if value.is_finite() { value } else { f32::NAN }
}

/// The values of one selection at one epoch.
fn at_epoch(
    source: &dyn Source,
    selection: &Selection,
    stat: Stat,
    epoch: usize,
) -> Result<UnitTable, StatsError> {
    let recording = source.recording();
    let (aggregates, recorded) = match group(recording, selection) {
        Some(group) => {
            let recorded = match group {
                Group::All => recording.inputs.len(),
                Group::Class(class) => recording.classes.get(class).map_or(0, |class| class.inputs),
            };
            (source.aggregates(epoch, group)?, recorded as u64)
        }
        None => (None, 0),
    };
    let aggregates = aggregates.as_deref().map(Vec::as_slice).unwrap_or_default();
    let counted = aggregates.iter().map(|aggregate| aggregate.count).max().unwrap_or(0);
    let layers = recording.layers.iter().enumerate();
    let stored = layers.map(|(index, layer)| stored(aggregates.get(index)?, stat, layer.units));
    if let Some(layers) = stored.collect() {
        return Ok(UnitTable { layers, inputs: usize::try_from(counted).unwrap_or(usize::MAX) });
    }
    if counted > recorded {
        let number = recording.epochs.get(epoch).map_or(0, |epoch| epoch.number);
        let statistic = match stat {
            Stat::Mean => "the means",
            Stat::Std => "the standard deviations",
            Stat::Min => "the least values",
            Stat::Max => "the greatest values",
            Stat::Rate => "the firing rates",
        };
        let what = format!("{statistic} over all {counted} inputs are");
        return Err(SourceError::NotRecorded { number, what }.into());
    }
    from_rows(source, selection, stat, epoch)
}

/// The group whose aggregate answers for the selection.
fn group(recording: &Recording, selection: &Selection) -> Option<Group> {
    if selection.terms.is_empty() {
        Some(Group::All)
    } else {
        selection.single_class(recording).map(Group::Class)
    }
}

/// The statistic of one layer as it is stored; `None` when it is not, or not for every unit.
fn stored(aggregate: &Aggregate, stat: Stat, units: usize) -> Option<Vec<f32>> {
    let values = match stat {
        Stat::Mean => aggregate.mean.clone(),
        Stat::Min => aggregate.min.clone()?,
        Stat::Max => aggregate.max.clone()?,
        Stat::Rate => aggregate.rate.clone()?,
        Stat::Std => {
            let root = |&variance: &f32| variance.sqrt();
            aggregate.variance.as_ref()?.iter().map(root).collect()
        }
    };
    (values.len() == units).then(|| values.into_iter().map(finite).collect())
}

/// The statistic computed from the selected inputs.
fn from_rows(
    source: &dyn Source,
    selection: &Selection,
    stat: Stat,
    epoch: usize,
) -> Result<UnitTable, StatsError> {
    let recording = source.recording();
    let predictions = if selection.needs_predictions() { source.predictions(epoch)? } else { None };
    let wanted = selection.resolve(recording, predictions.as_deref().map(Vec::as_slice))?;
    let block = source.rows(epoch, &wanted)?;
    let shape = |layer: &str, found: String, expected: String| StatsError::Shape {
        layer: layer.to_owned(),
        found,
        expected,
    };
    for (index, layer) in recording.layers.iter().enumerate() {
        let tensor = block
            .layers
            .get(index)
            .ok_or_else(|| shape(&layer.name, "nothing".to_owned(), format!("{} units", layer.units)))?;
        if tensor.columns() != layer.units {
            return Err(shape(
                &layer.name,
                format!("{} values per input", tensor.columns()),
                format!("{} units", layer.units),
            ));
        }
        if block.rows.len() != wanted.len() || block.rows.iter().any(|&row| row >= tensor.rows()) {
            let expected = format!("{} inputs", recording.inputs.len());
            return Err(shape(&layer.name, format!("{} inputs", tensor.rows()), expected));
        }
    }
    let layers = block.layers.par_iter().take(recording.layers.len());
    let layers = layers.map(|tensor| statistic(tensor, &block.rows, stat)).collect();
    Ok(UnitTable { layers, inputs: wanted.len() })
}

fn statistic(tensor: &Tensor, rows: &[usize], stat: Stat) -> Vec<f32> {
    match (stat, rows) {
        (Stat::Mean | Stat::Min | Stat::Max, &[row]) => {
            let mut values = tensor.row(row).into_owned();
            for value in &mut values {
                *value = finite(*value);
            }
            values
        }
        (Stat::Mean, _) => reduce::<Moments>(tensor, rows).mean(),
        (Stat::Std, _) => reduce::<Moments>(tensor, rows).std(),
        (Stat::Min, _) => reduce::<Extremes>(tensor, rows).min(),
        (Stat::Max, _) => reduce::<Extremes>(tensor, rows).max(),
        (Stat::Rate, _) => reduce::<Firing>(tensor, rows).rate(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::{Memory, value};

    fn query(select: &str, minus: Option<&str>, stat: Stat, diff: Diff) -> Query {
        Query { select: select.parse().unwrap(), minus: minus.map(|text| text.parse().unwrap()), stat, diff }
    }

    fn plain(select: &str, stat: Stat) -> Query {
        query(select, None, stat, Diff::Signed)
    }

    fn minus(select: &str, minus: &str, diff: Diff) -> Query {
        query(select, Some(minus), Stat::Mean, diff)
    }

    fn at(memory: &Memory, query: &Query, epoch: usize) -> UnitTable {
        table(memory, query, EpochPosition::at(epoch)).unwrap()
    }

    fn mean(values: &[f32]) -> f64 {
        values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64
    }

    #[test]
    fn a_selection_is_reduced_per_unit() {
        let memory = Memory::new();
        let table = at(&memory, &plain("class:1", Stat::Mean), 2);
        assert_eq!((table.inputs, table.layers.len()), (2, 2));
        for (layer, units) in [2, 3].into_iter().enumerate() {
            assert_eq!(table.layers[layer].len(), units);
            for unit in 0..units {
                let expected = mean(&[value(2, 1, layer, unit), value(2, 4, layer, unit)]) as f32;
                assert_eq!(table.layers[layer][unit], expected);
            }
        }
        assert_eq!(
            at(&memory, &plain("input:1,4", Stat::Mean), 2),
            table,
            "the same inputs, named otherwise"
        );
        let [a, b] = [value(0, 1, 1, 2), value(0, 4, 1, 2)];
        for (stat, expected) in [
            (Stat::Min, a.min(b)),
            (Stat::Max, a.max(b)),
            (Stat::Std, (f64::from(a) - f64::from(b)).abs() as f32 / 2.0),
            (Stat::Rate, (u8::from(a > 0.0) + u8::from(b > 0.0)) as f32 / 2.0),
        ] {
            let found = at(&memory, &plain("class:1", stat), 0).layers[1][2];
            assert!((found - expected).abs() < 1e-7, "{stat:?}: {found} is not {expected}");
        }
    }

    #[test]
    fn one_input_is_its_row() {
        let mut memory = Memory::new();
        memory.odd = vec![((5, 1, 0), f32::INFINITY), ((5, 1, 1), f32::NAN), ((5, 0, 0), f32::from_bits(1))];
        for stat in [Stat::Mean, Stat::Min, Stat::Max] {
            let layers = at(&memory, &plain("input:5", stat), 1).layers;
            assert_eq!(layers[0], [f32::from_bits(1), value(1, 5, 0, 1)]);
            assert!(layers[1][0].is_nan() && layers[1][1].is_nan(), "nothing but NaN stands for no value");
            assert_eq!(layers[1][2], value(1, 5, 1, 2));
        }
        assert_eq!(at(&memory, &plain("input:5", Stat::Std), 1).layers[1][2], 0.0);
    }

    #[test]
    fn differences_are_exact() {
        let mut memory = Memory::new();
        memory.odd = vec![((1, 0, 0), f32::NAN), ((4, 0, 0), f32::NAN)];
        let same = at(&memory, &minus("class:2", "class:2", Diff::Signed), 1);
        assert!(same.layers.iter().flatten().all(|&value| value == 0.0));
        let one = at(&memory, &minus("class:1", "class:2", Diff::Signed), 1);
        let other = at(&memory, &minus("class:2", "class:1", Diff::Signed), 1);
        let absolute = at(&memory, &minus("class:1", "class:2", Diff::Abs), 1);
        assert!(one.layers[0][0].is_nan() && other.layers[0][0].is_nan() && absolute.layers[0][0].is_nan());
        let mut apart = 0;
        let all = one.layers.iter().flatten().zip(other.layers.iter().flatten());
        for ((&one, &other), &absolute) in all.zip(absolute.layers.iter().flatten()).skip(1) {
            assert_eq!(one, -other);
            assert_eq!(one.abs(), absolute);
            apart += usize::from(one != 0.0);
        }
        assert!(apart > 0);
    }

    #[test]
    fn between_epochs_values_are_interpolated() {
        let memory = Memory::new();
        let between = EpochPosition { from: 1, to: 2, t: 0.25 };
        let found = table(&memory, &plain("all", Stat::Mean), between).unwrap();
        let (from, to) =
            (at(&memory, &plain("all", Stat::Mean), 1), at(&memory, &plain("all", Stat::Mean), 2));
        for layer in 0..2 {
            for unit in 0..from.layers[layer].len() {
                let expected = 0.75 * from.layers[layer][unit] + 0.25 * to.layers[layer][unit];
                assert!((found.layers[layer][unit] - expected).abs() < 1e-6);
            }
        }
        assert_eq!(table(&memory, &plain("all@5", Stat::Mean), between).unwrap_err().to_string(), {
            "epoch 5 is not recorded; there are 0, 4, 8"
        });
        let own = table(&memory, &plain("all@first", Stat::Mean), between).unwrap();
        assert_eq!(own, at(&memory, &plain("all", Stat::Mean), 0), "a selection's own epoch goes first");
        let grown = table(&memory, &minus("all@last", "all@first", Diff::Signed), between).unwrap();
        assert!(grown.layers.iter().flatten().all(|&value| (value - 2.0).abs() < 1e-6));
    }

    /// What a DNNViz dump stores: means, with NaN where one input has NaN; nothing else.
    fn means_of_a_dump(_epoch: usize, group: Group) -> Option<Vec<Aggregate>> {
        let count = if group == Group::All { 6 } else { 2 };
        let aggregate = |mean: &[f32]| Aggregate { count, mean: mean.to_vec(), ..Aggregate::default() };
        Some(vec![aggregate(&[f32::NAN, 0.5]), aggregate(&[1.0, f32::INFINITY, 3.0])])
    }

    #[test]
    fn stored_aggregates_answer_for_all_and_for_one_class() {
        let mut memory = Memory::new();
        memory.aggregates = means_of_a_dump;
        for (select, inputs) in [("all", 6), ("class:2", 2), ("class:2@first", 2)] {
            let table = at(&memory, &plain(select, Stat::Mean), 1);
            assert_eq!(table.inputs, inputs);
            assert!(table.layers[0][0].is_nan() && table.layers[1][1].is_nan());
            assert_eq!((table.layers[0][1], table.layers[1][2]), (0.5, 3.0));
        }
        for select in ["class:1,2", "class:2&input:0-5", "input:2,5"] {
            let computed = at(&memory, &plain(select, Stat::Mean), 1);
            assert!(computed.layers.iter().flatten().all(|value| value.is_finite()), "{select} is computed");
        }
        let computed = at(&memory, &plain("class:2", Stat::Max), 1);
        assert_eq!(computed.layers[0][0], value(1, 2, 0, 0).max(value(1, 5, 0, 0)), "no maxima are stored");
    }

    fn everything(_epoch: usize, group: Group) -> Option<Vec<Aggregate>> {
        let aggregate = |units: usize| Aggregate {
            count: 1000,
            mean: vec![3.0; units],
            variance: Some(vec![16.0; units]),
            min: Some(vec![-7.0; units]),
            max: Some(vec![8.0; units]),
            rate: Some(vec![0.5; units]),
        };
        (group == Group::Class(0)).then(|| vec![aggregate(2), aggregate(3)])
    }

    #[test]
    fn a_recording_of_aggregates_alone_answers() {
        let mut memory = Memory::new();
        memory.aggregates = everything;
        memory.rows = false;
        memory.recording.inputs.clear();
        for (stat, expected) in
            [(Stat::Mean, 3.0), (Stat::Std, 4.0), (Stat::Min, -7.0), (Stat::Max, 8.0), (Stat::Rate, 0.5)]
        {
            let table = at(&memory, &plain("class:0", stat), 0);
            assert_eq!((table.inputs, &table.layers), (1000, &vec![vec![expected; 2], vec![expected; 3]]));
        }
        assert!(table(&memory, &plain("class:1", Stat::Mean), EpochPosition::at(0)).is_err());
        let mut memory = Memory::new();
        memory.aggregates = everything;
        let all = at(&memory, &plain("class:0", Stat::Std), 0);
        assert_eq!((all.inputs, all.layers[0][0]), (1000, 4.0), "more inputs than are recorded");
        memory.aggregates = |epoch, group| {
            let without = |aggregate| Aggregate { max: None, ..aggregate };
            everything(epoch, group).map(|layers| layers.into_iter().map(without).collect())
        };
        let error = table(&memory, &plain("class:0", Stat::Max), EpochPosition::at(0)).unwrap_err();
        assert_eq!(error.to_string(), "the greatest values over all 1000 inputs are not recorded at epoch 0");
    }

    #[test]
    fn every_failure_is_told() {
        let mut memory = Memory::new();
        let message = |memory: &Memory, select: &str, epoch: usize| {
            table(memory, &plain(select, Stat::Mean), EpochPosition::at(epoch)).unwrap_err().to_string()
        };
        assert_eq!(message(&memory, "all", 3), "epoch index 3 is outside the 3 recorded epochs");
        assert_eq!(message(&memory, "class:9", 0), "there is no class `9`; there are 0, 1, 2");
        assert_eq!(
            message(&memory, "wrong", 0),
            "`wrong` needs predictions, and this epoch has none recorded"
        );
        memory.predictions = Some(vec![Some(0); 6]);
        assert_eq!(at(&memory, &plain("wrong", Stat::Mean), 0).inputs, 4);
        memory.recording.epochs[1].damaged = true;
        assert_eq!(message(&memory, "all", 1), "epoch 4 is damaged: it ends early");
        memory.rows = false;
        assert_eq!(message(&memory, "all", 0), "values of single inputs are not recorded at epoch 0");
    }

    #[test]
    fn a_source_that_contradicts_its_recording_is_refused() {
        struct Wrong(Memory, usize);
        impl Source for Wrong {
            fn recording(&self) -> &Recording {
                self.0.recording()
            }
            fn aggregates(
                &self,
                _: usize,
                _: Group,
            ) -> Result<Option<std::sync::Arc<Vec<Aggregate>>>, SourceError> {
                Ok(None)
            }
            fn rows(&self, epoch: usize, wanted: &[usize]) -> Result<crate::model::RowBlock, SourceError> {
                let mut block = self.0.rows(epoch, wanted)?;
                match self.1 {
                    0 => block.layers.truncate(1),
                    1 => block.layers.swap(0, 1),
                    2 => block.rows[0] = 6,
                    _ => block.rows.truncate(1),
                }
                Ok(block)
            }
            fn maps(&self, _: usize, _: usize) -> Result<Vec<crate::model::MapBlock>, SourceError> {
                Ok(Vec::new())
            }
            fn predictions(
                &self,
                _: usize,
            ) -> Result<Option<std::sync::Arc<Vec<Option<usize>>>>, SourceError> {
                Ok(None)
            }
            fn picture(&self, _: usize) -> Option<crate::model::Picture> {
                None
            }
        }
        for wrong in 0..4 {
            let source = Wrong(Memory::new(), wrong);
            let error = table(&source, &plain("all", Stat::Mean), EpochPosition::at(0)).unwrap_err();
            assert!(matches!(error, StatsError::Shape { .. }), "{wrong}: {error}");
        }
    }
}
