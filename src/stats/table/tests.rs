use super::*;
use crate::model::{Aggregate, Group, LayerIndex, Recording, SourceError, Stat};
use crate::stats::Cpu;
use crate::stats::testing::{Memory, value};

fn query(select: &str, minus: Option<&str>, stat: Stat, diff: Diff) -> Query {
    Query {
        select: select.parse().unwrap(),
        minus: minus.map(|text| text.parse().unwrap()),
        stat,
        diff,
        ..Query::default()
    }
}

fn plain(select: &str, stat: Stat) -> Query {
    query(select, None, stat, Diff::Signed)
}

fn minus(select: &str, minus: &str, diff: Diff) -> Query {
    query(select, Some(minus), Stat::Mean, diff)
}

fn at(memory: &Memory, query: &Query, epoch: usize) -> UnitTable {
    table(Sides::one(memory), query, EpochPosition::at(EpochIndex(epoch)), &Cpu).unwrap()
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
    assert_eq!(at(&memory, &plain("input:1,4", Stat::Mean), 2), table, "the same inputs, named otherwise");
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
    memory.overrides =
        vec![((5, 1, 0), f32::INFINITY), ((5, 1, 1), f32::NAN), ((5, 0, 0), f32::from_bits(1))];
    for stat in [Stat::Mean, Stat::Min, Stat::Max] {
        let layers = at(&memory, &plain("input:5", stat), 1).layers;
        assert_eq!(layers[0], [f32::from_bits(1), value(1, 5, 0, 1)]);
        assert!(layers[1][0].is_nan() && layers[1][1].is_nan(), "no value is always NaN");
        assert_eq!(layers[1][2], value(1, 5, 1, 2));
    }
    assert_eq!(at(&memory, &plain("input:5", Stat::Std), 1).layers[1][2], 0.0);
}

#[test]
fn differences_are_exact() {
    let mut memory = Memory::new();
    memory.overrides = vec![((1, 0, 0), f32::NAN), ((4, 0, 0), f32::NAN)];
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
fn the_effect_size_is_the_difference_by_the_pooled_deviation() {
    let mut memory = Memory::new();
    memory.overrides = vec![((1, 0, 0), f32::NAN), ((2, 1, 1), 7.5), ((5, 1, 1), 7.5)];
    let effect = minus("class:0,1", "class:2", Diff::Effect);
    let found = at(&memory, &effect, 1);
    assert_eq!((found.inputs, found.minus_inputs), (4, Some(2)));
    let mut spread = 0;
    for (layer, units) in [2, 3].into_iter().enumerate() {
        for unit in 0..units {
            let values = |inputs: &[usize]| -> Vec<f64> {
                let all = inputs.iter().map(|&input| f64::from(memory.value(1, input, layer, unit)));
                all.filter(|value| value.is_finite()).collect()
            };
            let (a, b) = (values(&[0, 1, 3, 4]), values(&[2, 5]));
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            let squares = |values: &[f64]| values.iter().map(|v| (v - mean(values)).powi(2)).sum::<f64>();
            let pooled = (squares(&a) + squares(&b)) / (a.len() + b.len() - 2) as f64;
            let expected = (mean(&a) - mean(&b)) / pooled.sqrt();
            let value = f64::from(found.layers[layer][unit]);
            assert!((value - expected).abs() < 1e-6 * expected.abs(), "{value} is not {expected}");
            spread += usize::from(expected.abs() > 0.1);
        }
    }
    assert!(spread > 2);
    let same = at(&memory, &minus("class:2", "class:2", Diff::Effect), 1);
    assert!(same.layers.iter().flatten().all(|&value| value == 0.0));
    let single = at(&memory, &minus("input:0", "input:1", Diff::Effect), 1);
    assert!(single.layers.iter().flatten().all(|value| value.is_nan()), "two inputs have no spread");
    let between = table(
        Sides::one(&memory),
        &minus("all@3", "all", Diff::Effect),
        EpochPosition::at(EpochIndex(0)),
        &Cpu,
    );
    assert!(matches!(between, Err(StatsError::Epoch(_))), "a whole number must be recorded");
    let between = table(
        Sides::one(&memory),
        &minus("all@2.5", "all", Diff::Effect),
        EpochPosition::at(EpochIndex(0)),
        &Cpu,
    );
    assert_eq!(
        between.unwrap_err().to_string(),
        "`all@2.5` lies between two epochs, and an effect size needs recorded ones"
    );
}

#[test]
fn values_that_are_not_finite_are_not_counted() {
    let mut memory = Memory::new();
    memory.overrides =
        vec![((1, 0, 0), f32::NAN), ((4, 0, 0), f32::NEG_INFINITY), ((4, 1, 2), f32::INFINITY)];
    let counts = at(&memory, &plain("class:1", Stat::Count), 0);
    assert_eq!(counts.layers, [vec![0.0, 2.0], vec![2.0, 2.0, 1.0]]);
}

#[test]
fn normalised_values_reach_one() {
    let memory = Memory::new();
    let signed = Query { norm: Norm::Layer, ..minus("class:1", "class:2", Diff::Signed) };
    let raw = at(&memory, &Query { norm: Norm::Raw, ..signed.clone() }, 1);
    let greatest = |layer: &[f32]| layer.iter().map(|value| value.abs()).fold(0.0, f32::max);
    let by_layer = at(&memory, &signed, 1);
    let by_network = at(&memory, &Query { norm: Norm::Global, ..signed }, 1);
    let most = raw.layers.iter().map(|layer| greatest(layer)).fold(0.0, f32::max);
    for (layer, raw) in raw.layers.iter().enumerate() {
        for (unit, &value) in raw.iter().enumerate() {
            assert_eq!(by_layer.layers[layer][unit], value / greatest(raw));
            assert_eq!(by_network.layers[layer][unit], value / most);
        }
    }
    let zero = Query { norm: Norm::Layer, ..minus("all", "all", Diff::Signed) };
    assert!(at(&memory, &zero, 1).layers.iter().flatten().all(|&value| value == 0.0));
}

#[test]
fn two_runs_are_matched_by_the_names_of_their_layers() {
    let (a, mut b) = (Memory::new(), Memory::new());
    b.overrides = vec![((0, 1, 1), 9.0)];
    b.recording.layers.swap(0, 1);
    b.recording.epochs.remove(0);
    // The values of B depend on the layer index: its first layer now has three units.
    let query = Query { run_b: Some(1), ..minus("input:0", "input:0", Diff::Signed) };
    let found = table(Sides { a: &a, b: &b }, &query, EpochPosition::at(EpochIndex(1)), &Cpu).unwrap();
    assert_eq!((found.unmatched.len(), found.minus_inputs), (0, Some(1)));
    // Epoch 4 is the first that B has.
    assert_eq!(found.layers[0][1], value(1, 0, 0, 1) - 9.0);
    assert_eq!(found.layers[1][2], value(1, 0, 1, 2) - value(0, 0, 0, 2));
    let error = table(Sides { a: &a, b: &b }, &query, EpochPosition::at(EpochIndex(0)), &Cpu).unwrap_err();
    assert_eq!(error.to_string(), "in the run that is subtracted: epoch 0 is not recorded; there are 4, 8");

    b.recording.layers[0].name = "other".to_owned();
    let found = table(Sides { a: &a, b: &b }, &query, EpochPosition::at(EpochIndex(1)), &Cpu).unwrap();
    assert_eq!(found.unmatched, [UnmatchedLayer { layer: LayerIndex(1), units: None }]);
    assert!(found.layers[1].iter().all(|value| value.is_nan()) && found.layers[0][1].is_finite());
    b.recording.layers[1].name = "2".to_owned();
    let error = table(Sides { a: &a, b: &b }, &query, EpochPosition::at(EpochIndex(1)), &Cpu).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the two runs share no layer of one name and size: the one has 1, 2, the other other, 2"
    );
}

#[test]
fn between_epochs_values_are_interpolated() {
    let memory = Memory::new();
    let between = EpochPosition { from: EpochIndex(1), to: EpochIndex(2), t: 0.25 };
    let found = table(Sides::one(&memory), &plain("all", Stat::Mean), between, &Cpu).unwrap();
    let (from, to) = (at(&memory, &plain("all", Stat::Mean), 1), at(&memory, &plain("all", Stat::Mean), 2));
    for layer in 0..2 {
        for unit in 0..from.layers[layer].len() {
            let expected = 0.75 * from.layers[layer][unit] + 0.25 * to.layers[layer][unit];
            assert!((found.layers[layer][unit] - expected).abs() < 1e-6);
        }
    }
    assert_eq!(
        table(Sides::one(&memory), &plain("all@5", Stat::Mean), between, &Cpu).unwrap_err().to_string(),
        { "epoch 5 is not recorded; there are 0, 4, 8" }
    );
    let own = table(Sides::one(&memory), &plain("all@first", Stat::Mean), between, &Cpu).unwrap();
    assert_eq!(own, at(&memory, &plain("all", Stat::Mean), 0), "a selection's own epoch goes first");
    let grown =
        table(Sides::one(&memory), &minus("all@last", "all@first", Diff::Signed), between, &Cpu).unwrap();
    assert!(grown.layers.iter().flatten().all(|&value| (value - 2.0).abs() < 1e-6));
}

/// Aggregates of a DNNViz dump: only means, NaN where one input has NaN.
fn means_of_a_dump(_epoch: usize, group: Group) -> Option<Vec<Aggregate>> {
    let count = if group == Group::All { 6 } else { 2 };
    let aggregate = |mean: &[f32]| Aggregate { count, mean: mean.to_vec(), ..Aggregate::default() };
    Some(vec![aggregate(&[f32::NAN, 0.5]), aggregate(&[1.0, f32::INFINITY, 3.0])])
}

#[test]
fn stored_aggregates_are_used_for_all_inputs_and_for_one_class() {
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
fn queries_on_aggregates_alone() {
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
    assert!(
        table(Sides::one(&memory), &plain("class:1", Stat::Mean), EpochPosition::at(EpochIndex(0)), &Cpu)
            .is_err()
    );
    memory.aggregates = |epoch, group| {
        let mean = if group == Group::Class(0) { 3.0 } else { 5.0 };
        let layers = everything(epoch, Group::Class(0))?.into_iter();
        Some(layers.map(|it| Aggregate { mean: vec![mean; it.mean.len()], ..it }).collect())
    };
    for (stat, expected) in [(Stat::Mean, 4.0), (Stat::Std, 17f32.sqrt()), (Stat::Count, 2000.0)] {
        let both = at(&memory, &plain("class:0,1", stat), 0);
        assert_eq!((both.inputs, both.layers[1][2]), (2000, expected), "two classes are merged");
    }
    let effect = at(&memory, &minus("class:0", "class:1", Diff::Effect), 0);
    assert!((effect.layers[0][0] - -2.0 / (32_000.0_f32 / 1998.0).sqrt()).abs() < 1e-6);
    let mut memory = Memory::new();
    memory.aggregates = everything;
    let all = at(&memory, &plain("class:0", Stat::Std), 0);
    assert_eq!((all.inputs, all.layers[0][0]), (1000, 4.0), "more inputs than are recorded");
    memory.aggregates = |epoch, group| {
        let without = |aggregate| Aggregate { max: None, ..aggregate };
        everything(epoch, group).map(|layers| layers.into_iter().map(without).collect())
    };
    let error =
        table(Sides::one(&memory), &plain("class:0", Stat::Max), EpochPosition::at(EpochIndex(0)), &Cpu)
            .unwrap_err();
    assert_eq!(error.to_string(), "the greatest values over all 1000 inputs are not recorded at epoch 0");
}

#[test]
fn every_error_message_names_its_cause() {
    let mut memory = Memory::new();
    let message = |memory: &Memory, select: &str, epoch: usize| {
        table(Sides::one(memory), &plain(select, Stat::Mean), EpochPosition::at(EpochIndex(epoch)), &Cpu)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(message(&memory, "all", 3), "epoch index 3 is outside the 3 recorded epochs");
    assert_eq!(message(&memory, "class:9", 0), "there is no class `9`; there are 0, 1, 2");
    assert_eq!(message(&memory, "wrong", 0), "`wrong` needs predictions, and this epoch has none recorded");
    memory.predictions = Some(vec![Some(0); 6]);
    assert_eq!(at(&memory, &plain("wrong", Stat::Mean), 0).inputs, 4);
    memory.recording.epochs[1].damaged = true;
    assert_eq!(message(&memory, "all", 1), "epoch 4 is damaged: it ends early");
    memory.rows = false;
    assert_eq!(message(&memory, "all", 0), "values of single inputs are not recorded at epoch 0");
}

#[test]
fn a_source_that_contradicts_its_recording_is_refused() {
    struct Contradicting(Memory, usize);
    impl Source for Contradicting {
        fn recording(&self) -> &Recording {
            self.0.recording()
        }
        fn aggregates(
            &self,
            _: EpochIndex,
            _: Group,
        ) -> Result<Option<std::sync::Arc<Vec<Aggregate>>>, SourceError> {
            Ok(None)
        }
        fn rows(&self, epoch: EpochIndex, wanted: &[usize]) -> Result<crate::model::RowBlock, SourceError> {
            let mut block = self.0.rows(epoch, wanted)?;
            match self.1 {
                0 => block.layers.truncate(1),
                1 => block.layers.swap(0, 1),
                2 => block.rows[0] = 6,
                _ => block.rows.truncate(1),
            }
            Ok(block)
        }
        fn maps(&self, _: EpochIndex, _: usize) -> Result<Vec<crate::model::MapBlock>, SourceError> {
            Ok(Vec::new())
        }
        fn predictions(
            &self,
            _: EpochIndex,
        ) -> Result<Option<std::sync::Arc<Vec<Option<usize>>>>, SourceError> {
            Ok(None)
        }
        fn picture(&self, _: usize) -> Option<crate::model::Picture> {
            None
        }
    }
    for wrong in 0..4 {
        let source = Contradicting(Memory::new(), wrong);
        let error =
            table(Sides::one(&source), &plain("all", Stat::Mean), EpochPosition::at(EpochIndex(0)), &Cpu)
                .unwrap_err();
        assert!(matches!(error, StatsError::Shape { .. }), "{wrong}: {error}");
    }
}
