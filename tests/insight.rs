//! Reading little agrees with reading all, whatever a recording is stored as; and what is said of real
//! dumps agrees with their files, read by another parser.

#[expect(dead_code, reason = "the tests of formats use all of it")]
mod format_support;
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use dnnviz::format::{self, EpochValues, Pictures, RunWriter, ShardWriter, SynthOptions};
use dnnviz::insight::{layer_stats, unit_profile, unit_profile_at};
use dnnviz::model::{Aggregate, Epoch, EpochIndex, Group, LayerIndex, Source, Tensor, UnitId, UnitIndex};
use dnnviz::stats::aggregated;
use format_support::python_json;
use serde_json::Value;
use support::dump;
use tempfile::TempDir;

fn temporary() -> TempDir {
    TempDir::new().expect("temporary folder")
}

fn open(path: &Path) -> Arc<dyn Source> {
    format::open(path).unwrap_or_else(|error| panic!("{error}"))
}

fn unit_id(layer: usize, unit: usize) -> UnitId {
    UnitId { layer: LayerIndex(layer), unit: UnitIndex(unit) }
}

/// NaN is the same as NaN here.
fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| if value.is_nan() { f32::NAN.to_bits() } else { value.to_bits() }).collect()
}

#[track_caller]
fn assert_same(found: Option<&Aggregate>, expected: Option<&Aggregate>) {
    let all = |it: &Aggregate| {
        let arrays =
            [Some(&it.mean), it.variance.as_ref(), it.min.as_ref(), it.max.as_ref(), it.rate.as_ref()];
        (it.count, arrays.map(|array| array.map(|values| bits(values))))
    };
    assert_eq!(found.map(all), expected.map(all));
}

/// Every narrow reading is a part of the wide one.
#[track_caller]
fn assert_narrow_is_wide(source: &dyn Source) {
    let recording = source.recording();
    let inputs: Vec<usize> = (0..recording.inputs.len()).collect();
    let classes = (0..recording.classes.len()).map(Group::Class);
    let groups: Vec<Group> = classes.chain([Group::All]).collect();
    let first_unit = unit_id(0, 0);
    for epoch in (0..recording.epochs.len()).map(EpochIndex) {
        if recording.epochs[epoch.0].damaged {
            assert!(source.unit_aggregates(epoch, first_unit).is_err());
            assert!(source.unit_column(epoch, first_unit).is_err());
            continue;
        }
        let stored: Vec<_> =
            groups.iter().map(|&group| source.aggregates(epoch, group).expect("read")).collect();
        let rows = source.rows(epoch, &inputs).ok().filter(|_| !inputs.is_empty());
        for (layer, facts) in recording.layers.iter().enumerate() {
            for (&group, stored) in groups.iter().zip(&stored) {
                let found = source.layer_aggregate(epoch, group, LayerIndex(layer)).expect("read");
                assert_same(found.as_ref(), stored.as_ref().map(|layers| &layers[layer]));
            }
            for unit in (0..facts.units).step_by(facts.units.div_ceil(7)) {
                let found = source.unit_aggregates(epoch, unit_id(layer, unit)).expect("read");
                assert_eq!(found.classes.len(), recording.classes.len());
                let found = found.classes.iter().chain([&found.all]);
                for (found, stored) in found.zip(&stored) {
                    let expected = stored.as_ref().and_then(|layers| layers[layer].of_unit(UnitIndex(unit)));
                    assert_same(found.as_ref(), expected.as_ref());
                }
                let column = source.unit_column(epoch, unit_id(layer, unit));
                match &rows {
                    Some(rows) => {
                        let value = |input: usize| rows.layers[layer].row(rows.rows[input])[unit];
                        let expected: Vec<f32> = inputs.iter().map(|&input| value(input)).collect();
                        assert_eq!(bits(&column.expect("read")), bits(&expected));
                    }
                    None => assert!(column.is_err() || inputs.is_empty()),
                }
            }
            let backwards: Vec<usize> = inputs.iter().copied().rev().collect();
            let narrow = source.layer_rows(epoch, LayerIndex(layer), &backwards);
            if let Some(rows) = &rows {
                let narrow = narrow.expect("read");
                assert_eq!(narrow.layers.len(), 1);
                for (place, &input) in backwards.iter().enumerate() {
                    let expected = rows.layers[layer].row(rows.rows[input]);
                    assert_eq!(bits(&narrow.layers[0].row(narrow.rows[place])), bits(&expected));
                }
            }
        }
        let beyond = recording.layers.len();
        assert!(source.layer_rows(epoch, LayerIndex(beyond), &inputs).is_err());
        assert!(source.unit_column(epoch, unit_id(0, recording.layers[0].units)).is_err());
        assert!(source.unit_column(epoch, unit_id(beyond, 0)).is_err());
    }
}

#[test]
fn reading_little_agrees_with_reading_all_of_recordings() {
    let folder = temporary();
    let base = SynthOptions { units: 90, layers: 3, epochs: 2, inputs: 0, classes: 4, seed: 1 };
    for (name, options) in [
        ("aggregates", base.clone()),
        ("rows", SynthOptions { inputs: 21, ..base.clone() }),
        ("one", SynthOptions { inputs: 5, classes: 1, layers: 1, units: 1, ..base.clone() }),
        ("unlabelled", SynthOptions { inputs: 5, classes: 0, ..base }),
    ] {
        let path = folder.path().join(name);
        format::synth(&path, &options, &mut |_, _| {}).expect("written");
        assert_narrow_is_wide(&*open(&path));
    }
}

#[test]
fn reading_little_agrees_with_reading_all_of_what_several_ranks_wrote() {
    let folder = temporary();
    let (plain, sharded) = (folder.path().join("plain"), folder.path().join("sharded"));
    let options = SynthOptions { units: 60, layers: 2, epochs: 1, inputs: 24, classes: 3, seed: 4 };
    format::synth(&plain, &options, &mut |_, _| {}).expect("written");
    let plain = open(&plain);
    let recording = plain.recording();
    let mut writer = RunWriter::create(&sharded, recording, &Pictures::None).expect("a new run");
    writer.commit().expect("commits");
    let rank = ShardWriter::open(&sharded).expect("opens");
    // Not in their order, and not equally many.
    let shares: [Vec<usize>; 3] = [
        (0..24).filter(|input| input % 2 == 1).rev().collect(),
        (0..24).filter(|input| input % 4 == 0).collect(),
        (0..24).filter(|input| input % 4 == 2).collect(),
    ];
    for (number, inputs) in shares.iter().enumerate() {
        let block = plain.rows(EpochIndex(0), inputs).expect("read");
        let units: Vec<Tensor> = block
            .layers
            .iter()
            .map(|tensor| {
                let values: Vec<f32> =
                    block.rows.iter().flat_map(|&row| tensor.row(row).into_owned()).collect();
                Tensor::from_f32(values, inputs.len(), tensor.columns()).expect("fits")
            })
            .collect();
        let of = |group: Group| -> Vec<usize> {
            let member = |input: usize| match group {
                Group::All => true,
                Group::Class(class) => recording.inputs[input].class == Some(class),
            };
            (0..inputs.len()).filter(|&row| member(inputs[row])).collect()
        };
        let groups = (0..3).map(Group::Class).chain([Group::All]);
        let aggregates = groups
            .map(|group| (group, units.iter().map(|it| aggregated(it, &of(group))).collect()))
            .collect();
        let share = EpochValues { inputs: Some(inputs.clone()), units, aggregates, ..EpochValues::default() };
        rank.write(7, number, 3, &share).unwrap_or_else(|error| panic!("{error}"));
    }
    writer.write_sharded(&Epoch { number: 7, ..Epoch::default() }, 3).expect("lists");
    writer.commit().expect("commits");
    let sharded = open(&sharded);
    assert_narrow_is_wide(&*sharded);
    // Unit profiles are the same as of a single file.
    let units = recording.layers[0].units;
    for unit in [0, units / 2, units - 1] {
        let [one, several] = [&plain, &sharded]
            .map(|source| unit_profile(&**source, unit_id(0, unit), EpochIndex(0)).expect("a unit"));
        assert_eq!((&one.strongest, one.rank), (&several.strongest, several.rank));
        assert_eq!(
            one.similar.iter().map(|twin| twin.unit).collect::<Vec<_>>(),
            several.similar.iter().map(|twin| twin.unit).collect::<Vec<_>>()
        );
        for (one, several) in one.distributions.iter().zip(&several.distributions) {
            assert_eq!(
                (one.class, one.count, one.quartiles),
                (several.class, several.count, several.quartiles)
            );
            assert!((one.mean - several.mean).abs() <= 1e-6 * one.mean.abs().max(1e-3));
        }
    }
}

/// The values of a dump's file by layer, NaN where it has none.
fn file(folder: &Path, epoch: &Value, item: &Value) -> Vec<Vec<f64>> {
    let below = epoch["folder"].as_str().expect("a folder").trim_start_matches('/');
    let name = format!("{}.json", item["key"].as_str().expect("a key"));
    let values = python_json(&folder.join("data").join(below).join(name));
    by_number(&values["layers"])
        .into_iter()
        .map(|layer| {
            by_number(&layer["filters"]).into_iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
        })
        .collect()
}

/// The entries of an object whose keys are numbers, ascending.
fn by_number(object: &Value) -> Vec<&Value> {
    let entries = object.as_object().expect("an object").iter();
    let sorted: BTreeMap<i64, &Value> =
        entries.map(|(key, value)| (key.parse().expect("a number"), value)).collect();
    sorted.into_values().collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[track_caller]
fn close(found: f32, expected: f64, what: &str) {
    let same = found.is_nan() && expected.is_nan();
    assert!(same || (f64::from(found) - expected).abs() <= 2e-6, "{what}: {found} is not {expected}");
}

#[test]
fn what_is_said_of_real_dumps_agrees_with_their_files() {
    for name in ["cnn_basic", "cnn_basic_tampered", "alex_dead"] {
        let Some(path) = dump(name) else { continue };
        let source = open(&path);
        if name == "cnn_basic" {
            assert_narrow_is_wide(&*source);
        }
        let recording = source.recording();
        let folder = path.join("activations");
        let manifest = python_json(&folder.join("manifest.json"));
        let (items, epochs) = (&manifest["items"], by_number(&manifest["epochs"]));
        let last = recording.epochs.iter().rposition(|epoch| !epoch.damaged).expect("a readable epoch");
        let number = recording.epochs[last].number;
        let listed = epochs.iter().find(|epoch| epoch["number"].as_u64() == Some(number)).expect("listed");
        let general = file(&folder, listed, &items["general"]["0"]);
        let classes: Vec<Vec<Vec<f64>>> =
            by_number(&items["class"]).into_iter().map(|item| file(&folder, listed, item)).collect();
        let singles: Vec<Vec<Vec<f64>>> =
            by_number(&items["single"]).into_iter().map(|item| file(&folder, listed, item)).collect();
        let facts = layer_stats(&*source, EpochIndex(last), &|| true).expect("read").expect("wanted");
        for (layer, facts) in facts.iter().enumerate() {
            let units = recording.layers[layer].units;
            let of = |unit: usize| -> Vec<f64> {
                let values = singles.iter().map(|single| single[layer][unit]);
                values.filter(|value| value.is_finite()).collect()
            };
            let valued: Vec<usize> = (0..units).filter(|&unit| general[layer][unit].is_finite()).collect();
            assert_eq!(facts.without_value, units - valued.len(), "{name}, layer {layer}");
            let dead = valued.iter().filter(|&&unit| of(unit).iter().all(|&value| value <= 0.0)).count();
            let share =
                |count: usize| if valued.is_empty() { 0.0 } else { count as f64 / valued.len() as f64 };
            assert_eq!(facts.dead.is_some(), !valued.is_empty(), "{name}, layer {layer}");
            close(facts.dead.unwrap_or(0.0), share(dead), "dead");
            let all: Vec<f64> = (0..units).flat_map(of).collect();
            let above = all.iter().filter(|&&value| value > 0.0).count();
            assert_eq!(facts.sparsity.is_some(), !all.is_empty(), "{name}, layer {layer}");
            if let Some(sparsity) = facts.sparsity {
                close(sparsity, 1.0 - above as f64 / all.len() as f64, "sparsity");
            }
            for unit in (0..units).step_by(units.div_ceil(9)) {
                let what = format!("{name}, layer {layer}, unit {unit}");
                let found =
                    unit_profile_at(&*source, unit_id(layer, unit), EpochIndex(last)).expect("a unit");
                close(found.distributions[0].mean, general[layer][unit], &what);
                for distribution in &found.distributions {
                    let inputs = singles.iter().zip(&recording.inputs).filter(|(_, input)| {
                        distribution.class.is_none() || input.class == distribution.class
                    });
                    let mut values: Vec<f64> =
                        inputs.map(|(single, _)| single[layer][unit]).filter(|it| it.is_finite()).collect();
                    values.sort_by(f64::total_cmp);
                    if let Some(class) = distribution.class {
                        close(distribution.mean, classes[class][layer][unit], &what);
                    }
                    assert_eq!(distribution.count, values.len() as u64, "{what}");
                    let Some([least, _, median, _, greatest]) = distribution.quartiles else {
                        assert!(values.is_empty());
                        continue;
                    };
                    close(least, values[0], &what);
                    close(greatest, values[values.len() - 1], &what);
                    let middle = [values[(values.len() - 1) / 2], values[values.len() / 2]];
                    close(median, mean(&middle), &what);
                    let rate =
                        values.iter().filter(|&&value| value > 0.0).count() as f64 / values.len() as f64;
                    close(distribution.rate.expect("known"), rate, &what);
                }
            }
        }
    }
}
