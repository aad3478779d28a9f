//! The native recording: written, read by mapping, converted to and from DNNViz dumps.

mod format_support;
mod support;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use dnnviz::format::{self, EpochValues, LayerMaps, Pictures, RunWriter, SynthOptions};
use dnnviz::model::{
    Aggregate, Class, Dtype, Edge, Epoch, EpochIndex, Format, Group, Input, Joint, Layer, LayerKind, Node,
    Normalisation, Recording, Reduction, Source, SourceError, Tensor,
};
use format_support::{copy, python_json, same};
use safetensors::tensor::TensorView;
use support::dump;
use tempfile::TempDir;

fn temporary() -> TempDir {
    TempDir::new().expect("temporary folder")
}

fn silent(_: usize, _: usize) {}

fn open(path: &Path) -> Arc<dyn Source> {
    format::open(path).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn line(path: &Path) -> String {
    let Err(error) = format::open(path) else { panic!("{} opens", path.display()) };
    one_line(&error.to_string())
}

#[track_caller]
fn one_line(message: &str) -> String {
    assert!(!message.contains('\n') && message.len() < 600, "one line: {message}");
    message.to_owned()
}

/// Nothing but `left` is in the folder: no file under the final name, no remains of writing.
#[track_caller]
fn assert_holds_only(folder: &Path, left: &[&str]) {
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("read")
        .map(|entry| entry.expect("entry").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    assert_eq!(names, left);
}

/// All values of two sources are the same to 1e-6, for every epoch, group and input.
#[track_caller]
fn assert_same_values(a: &dyn Source, b: &dyn Source) {
    let (recording, other) = (a.recording(), b.recording());
    assert_eq!((recording.epochs.len(), recording.units()), (other.epochs.len(), other.units()));
    let close = |a: &[f32], b: &[f32], what: &str| {
        assert_eq!(a.len(), b.len(), "{what}");
        for (a, b) in a.iter().zip(b) {
            assert!(same(f64::from(*a), f64::from(*b), 1e-6), "{what}: {a} and {b}");
        }
    };
    let all: Vec<usize> = (0..recording.inputs.len()).collect();
    assert!(!recording.epochs.is_empty() && !recording.classes.is_empty() && !all.is_empty());
    for epoch in 0..recording.epochs.len() {
        let groups = (0..recording.classes.len()).map(Group::Class);
        for group in std::iter::once(Group::All).chain(groups) {
            let what = format!("epoch {epoch}, {group:?}");
            let a = a.aggregates(EpochIndex(epoch), group).expect("read").expect("kept");
            let b = b.aggregates(EpochIndex(epoch), group).expect("read").expect("kept");
            assert_eq!((a.len(), b.len()), (recording.layers.len(), recording.layers.len()), "{what}");
            for (a, b) in a.iter().zip(b.iter()) {
                assert_eq!(a.count, b.count, "{what}");
                close(&a.mean, &b.mean, &what);
            }
        }
        let (a, b) =
            (a.rows(EpochIndex(epoch), &all).expect("read"), b.rows(EpochIndex(epoch), &all).expect("read"));
        assert_eq!((a.layers.len(), b.layers.len()), (recording.layers.len(), recording.layers.len()));
        for (a_layer, b_layer) in a.layers.iter().zip(&b.layers) {
            for input in &all {
                close(&a_layer.row(a.rows[*input]), &b_layer.row(b.rows[*input]), &format!("input {input}"));
            }
        }
    }
}

#[test]
fn import_and_export_give_the_same_values_back() {
    for name in ["cnn_basic", "alex_dead"] {
        let Some(path) = dump(name) else { return };
        let folder = temporary();
        let (run, back) = (folder.path().join("run"), folder.path().join("back"));
        let mut told = Vec::new();
        format::import(&path, &run, &mut |done, total| told.push((done, total))).expect("imports");
        let original = open(&path);
        let epochs = original.recording().epochs.len();
        assert_eq!((told.first(), told.last()), (Some(&(0, epochs)), Some(&(epochs, epochs))));
        format::export_json(&run, &back, &mut silent).expect("exports");
        let (imported, exported) = (open(&run), open(&back));
        assert_same_values(&*original, &*imported);
        assert_same_values(&*original, &*exported);

        let wanted = Recording { format: Format::Native, ..original.recording().clone() };
        let mut found = imported.recording().clone();
        found.epochs.iter_mut().for_each(|epoch| assert!(epoch.metrics.is_empty()));
        for class in &mut found.classes {
            assert_eq!(class.aggregated, class.inputs as u64, "the dump's means are kept");
            class.aggregated = 0;
        }
        assert_eq!(found, wanted, "only the format differs");
        found.format = Format::DeepDivaV2;
        assert_eq!(exported.recording(), &found);
        let mut pictures = 0;
        for (index, input) in wanted.inputs.iter().enumerate() {
            let picture = original.picture(index);
            assert_eq!(picture.is_some(), input.has_picture, "{name}, input {index}");
            pictures += usize::from(picture.is_some());
            assert_eq!(picture, imported.picture(index));
            assert_eq!(picture, exported.picture(index));
        }
        assert_eq!(pictures > 0, name == "cnn_basic", "{name} has {pictures} pictures");
        assert_holds_only(folder.path(), &["back", "run"]);

        // Covers come through to the bit.
        let manifest = python_json(&back.join("activations/manifest.json"));
        let before = python_json(&path.join("activations/manifest.json"));
        let mut covers = 0;
        for (key, item) in before["items"]["single"].as_object().expect("items") {
            let bytes = |root: &Path, name: &str| fs::read(root.join("activations/cover").join(name));
            let Some(Ok(cover)) = item["cover"].as_str().map(|name| bytes(&path, name)) else { continue };
            let name = manifest["items"]["single"][key]["cover"].as_str().expect("cover");
            assert_eq!(bytes(&back, name).expect("read"), cover, "the cover of item {key}");
            covers += 1;
        }
        assert_eq!(covers, pictures, "{name}");
        // DNNViz's own reader needs these.
        assert_eq!(manifest["version"], 2);
        assert_eq!(manifest["model"], before["model"]);
        for (key, item) in before["items"]["single"].as_object().expect("items") {
            assert_eq!(manifest["items"]["single"][key]["class"], item["class"]);
        }
        for (key, epoch) in before["epochs"].as_object().expect("epochs") {
            assert_eq!(&manifest["epochs"][key], epoch);
        }
    }
}

#[test]
fn damaged_epochs_are_left_out_of_an_import() {
    let Some(path) = dump("alex_dead") else { return };
    let folder = temporary();
    let spoiled = folder.path().join("spoiled");
    copy(&path, &spoiled);
    fs::remove_dir_all(spoiled.join("activations/data/epoch2")).expect("remove");
    let run = folder.path().join("run");
    format::import(&spoiled, &run, &mut silent).expect("imports the others");
    let numbers: Vec<u64> = open(&run).recording().epochs.iter().map(|epoch| epoch.number).collect();
    assert_eq!(numbers, [0, 1, 3, 4, 5]);
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let Some(path) = dump("cnn_basic") else { return };
    let folder = temporary();
    let root = folder.path();
    fs::write(root.join("file"), "").expect("write");
    let options = SynthOptions { units: 10, layers: 1, epochs: 1, ..SynthOptions::default() };
    for (target, part) in
        [("file", "exists already"), ("file/run", "cannot be written"), ("no/run", "cannot be written")]
    {
        let target = root.join(target);
        let error = format::import(&path, &target, &mut silent).expect_err("refused");
        assert!(one_line(&error.to_string()).contains(part), "{error}");
        let error = format::synth(&target, &options, &mut silent).expect_err("refused");
        assert!(one_line(&error.to_string()).contains(part), "{error}");
    }
    let run = root.join("run");
    format::import(&path, &run, &mut silent).expect("imports");
    for (target, part) in [("run", "exists already"), ("file/dump", "cannot be written")] {
        let error = format::export_json(&run, &root.join(target), &mut silent).expect_err("refused");
        assert!(one_line(&error.to_string()).contains(part), "{error}");
    }
    // Each takes the other's input only.
    let error = format::import(&run, &root.join("again"), &mut silent).expect_err("refused");
    assert!(one_line(&error.to_string()).contains("a recording already"), "{error}");
    let error = format::export_json(&path, &root.join("again"), &mut silent).expect_err("refused");
    assert!(one_line(&error.to_string()).contains("a DNNViz dump already"), "{error}");
    let wrong = SynthOptions { units: 3, layers: 4, ..SynthOptions::default() };
    let error = format::synth(&root.join("again"), &wrong, &mut silent).expect_err("refused");
    assert!(one_line(&error.to_string()).contains("one unit a layer"), "{error}");
    assert_holds_only(root, &["file", "run"]);
}

/// Two layers of 3 and 2 units, two classes with ids 5 and 7, three inputs.
fn recording() -> Recording {
    let layer = |name: &str, kind, units| Layer {
        name: name.to_owned(),
        module: "Conv2d".to_owned(),
        text: "Conv2d(1, 3)".to_owned(),
        kind,
        shape: vec![units, 2, 2],
        units,
        parameters: Some(12),
        dtype: "float32".to_owned(),
        reduction: Reduction::SpatialMean,
    };
    let input = |id: &str, class| Input { id: id.to_owned(), class, has_picture: true };
    Recording {
        format: Format::Native,
        model: "Small".to_owned(),
        layers: vec![
            layer("a", LayerKind::FeatureMap, 3),
            layer("b", LayerKind::Dense, 2),
            layer("c", LayerKind::Attention, 2),
        ],
        edges: vec![
            Edge::between_layers(0, 1),
            Edge { from: Node::Layer(0), to: Node::Joint(0) },
            Edge { from: Node::Layer(1), to: Node::Joint(0) },
            Edge { from: Node::Joint(0), to: Node::Layer(2) },
        ],
        joints: vec![Joint { operation: "add".to_owned() }],
        modules: BTreeMap::new(),
        classes: vec![
            Class { id: 5, name: "cat".to_owned(), inputs: 2, aggregated: 0 },
            Class { id: 7, name: "dog".to_owned(), inputs: 0, aggregated: 0 },
        ],
        inputs: vec![input("x", Some(0)), input("y", None), input("zß", Some(0))],
        epochs: Vec::new(),
        normalisation: Normalisation::None,
        warnings: Vec::new(),
    }
}

fn tensor(values: &[f32], rows: usize) -> Tensor {
    Tensor::from_f32(values.to_vec(), rows, values.len() / rows).expect("a shape that fits")
}

fn small_units() -> Vec<Tensor> {
    let bytes = Arc::new(vec![0_u8, 1, 2, 3, 255, 5]);
    let dtype = Dtype::U8 { scale: 0.5, offset: -1.0 };
    vec![
        tensor(&[1.0, 2.0, 3.0, 4.0, f32::NAN, 6.0, 7.0, 8.0, 9.0], 3),
        tensor(&[10.0, 20.0, 30.0, 40.0, 50.0, 60.0], 3),
        Tensor::new(bytes, 0..6, dtype, 3, 2).expect("a shape that fits"),
    ]
}

#[test]
fn a_written_recording_reads_as_it_was() {
    let folder = temporary();
    let run = folder.path().join("run");
    let mut wanted = recording();
    let pixels: Vec<u8> = (0..3 * 2 * 2 * 3).collect();
    let pictures = Pictures::Pixels { height: 2, width: 2, channels: 3, values: pixels };
    let mut writer = RunWriter::create(&run, &wanted, &pictures).expect("creates");
    let statistic = |base: f32| {
        let part = |units: usize| (0..units).map(|unit| base + unit as f32).collect::<Vec<f32>>();
        let aggregate = |units| Aggregate {
            count: 9,
            mean: part(units),
            variance: Some(part(units)),
            min: None,
            max: Some(part(units)),
            rate: Some(part(units)),
        };
        vec![aggregate(3), aggregate(2), aggregate(2)]
    };
    let epoch = Epoch {
        number: 12,
        step: Some(4800),
        accuracy: Some(50.0),
        loss: Some(0.25),
        metrics: [("lr".to_owned(), 0.1), ("norm".to_owned(), f64::INFINITY)].into(),
        time: Some("noon".to_owned()),
        not_finite: [("a".to_owned(), 1)].into(),
        damaged: false,
        has_predictions: true,
    };
    let values = EpochValues {
        inputs: None,
        units: small_units(),
        aggregates: vec![(Group::All, statistic(1.0)), (Group::Class(1), statistic(2.0))],
        predictions: Some(vec![Some(1), Some(0), None]),
        maps: vec![LayerMaps {
            layer: 0,
            inputs: vec![2, 0],
            channels: 3,
            height: 1,
            width: 2,
            values: tensor(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0], 6),
        }],
    };
    writer.write_epoch(&epoch, &values).expect("writes");
    assert!(!run.exists(), "nothing has the final name before the first commit");
    writer.commit().expect("commits");
    assert_holds_only(folder.path(), &["run"]);
    assert_holds_only(&run, &["epochs", "inputs.safetensors", "manifest.json", "writer.lock"]);
    assert_holds_only(&run.join("epochs"), &["000012.safetensors"]);

    let source = open(&run);
    wanted.epochs = vec![epoch];
    wanted.classes[1].aggregated = 9;
    wanted.warnings = vec!["epoch 12: 1 value of a is NaN or infinite".to_owned()];
    assert_eq!(source.recording(), &wanted);
    for (group, base) in [(Group::All, 1.0), (Group::Class(1), 2.0)] {
        assert_eq!(*source.aggregates(EpochIndex(0), group).expect("read").expect("kept"), statistic(base));
    }
    assert_eq!(source.aggregates(EpochIndex(0), Group::Class(0)).expect("read"), None);
    let block = source.rows(EpochIndex(0), &[2, 1]).expect("read");
    assert_eq!(&*block.layers[0].row(block.rows[0]), [7.0, 8.0, 9.0]);
    let second = block.layers[0].row(block.rows[1]);
    assert!(second[0] == 4.0 && second[1].is_nan() && second[2] == 6.0);
    assert_eq!(&*block.layers[1].row(block.rows[0]), [50.0, 60.0]);
    assert_eq!(block.layers[2].dtype(), Dtype::U8 { scale: 0.5, offset: -1.0 });
    assert_eq!(&*block.layers[2].row(block.rows[1]), [0.0, 0.5]);
    assert!(block.layers[2].row(block.rows[0])[0].is_nan());
    assert_eq!(*source.predictions(EpochIndex(0)).expect("read").expect("kept"), [Some(1), Some(0), None]);
    let maps = source.maps(EpochIndex(0), 0).expect("read");
    assert_eq!((maps.len(), maps[0].layer, maps[0].height, maps[0].width), (1, 0, 1, 2));
    assert_eq!(&*maps[0].values.row(2), [11.0, 12.0]);
    assert!(source.maps(EpochIndex(0), 1).expect("read").is_empty());
    let picture = source.picture(1).expect("pixels");
    assert_eq!((picture.width, picture.height, &picture.rgba[..5]), (2, 2, &[12, 13, 14, 255, 15][..]));

    // Later epochs are seen from their commit on.
    let next = Epoch { number: 13, ..Epoch::default() };
    writer
        .write_epoch(&next, &EpochValues { units: small_units(), ..EpochValues::default() })
        .expect("writes");
    assert_eq!(open(&run).recording().epochs.len(), 1);
    let error = writer.write_epoch(&next, &values).expect_err("twice").to_string();
    assert!(one_line(&error).contains("epoch 13 is written already"), "{error}");
    writer.commit().expect("commits");
    assert_eq!(open(&run).recording().epochs.len(), 2);
    let short = EpochValues { units: vec![tensor(&[1.0], 1)], ..EpochValues::default() };
    let error = writer.write_epoch(&Epoch { number: 14, ..Epoch::default() }, &short).expect_err("short");
    assert!(one_line(&error.to_string()).contains("not 3 rows"), "{error}");
    drop(writer);
    assert_eq!(open(&run).recording().epochs.len(), 2, "what is committed stays");
    let uncommitted = folder.path().join("uncommitted");
    drop(RunWriter::create(&uncommitted, &recording(), &Pictures::None).expect("creates"));
    assert_holds_only(folder.path(), &["run"]);
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn integers_of(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

enum Array<'a> {
    Floats(&'a [usize], &'a [f32]),
    Integers(&'a [i64]),
}

/// A safetensors file by the library that everyone uses.
fn write_tensors(path: &Path, arrays: &[(&str, Array<'_>)]) {
    let data: Vec<(String, safetensors::Dtype, Vec<usize>, Vec<u8>)> = arrays
        .iter()
        .map(|(name, array)| match array {
            Array::Floats(shape, values) => {
                ((*name).to_owned(), safetensors::Dtype::F32, shape.to_vec(), bytes_of(values))
            }
            Array::Integers(values) => {
                ((*name).to_owned(), safetensors::Dtype::I64, vec![values.len()], integers_of(values))
            }
        })
        .collect();
    let views: HashMap<String, TensorView<'_>> = data
        .iter()
        .map(|(name, dtype, shape, bytes)| {
            (name.clone(), TensorView::new(*dtype, shape.clone(), bytes).expect("a view"))
        })
        .collect();
    fs::create_dir_all(path.parent().expect("parent")).expect("create");
    fs::write(path, safetensors::serialize(&views, None).expect("serialises")).expect("write");
}

const MANIFEST: &str = r#"{"format": "dnnviz", "version": 1, "model": "m",
    "layers": [{"name": "a", "units": 2, "kind": "from-the-future"}, {"name": "b", "units": 1}],
    "classes": [{"id": 1, "name": "one"}, {"id": 0, "name": "zero"}],
    "inputs": {"count": 3, "file": "inputs.safetensors"},
    "epochs": [{"number": 4, "step": 400, "loss": NaN, "metrics": {"lr": 0.5}, "files":
        ["epochs/000004-00001-of-00002.safetensors", "epochs/000004-00002-of-00002.safetensors"]}]}"#;

/// A run as two ranks of a training would write it.
fn two_shards(root: &Path) {
    use Array::{Floats, Integers};
    fs::create_dir_all(root).expect("create");
    fs::write(root.join("manifest.json"), MANIFEST).expect("write");
    write_tensors(&root.join("inputs.safetensors"), &[("labels", Integers(&[0, 1, 1]))]);
    write_tensors(
        &root.join("epochs/000004-00001-of-00002.safetensors"),
        &[
            ("inputs", Integers(&[2, 0])),
            ("0/units", Floats(&[2, 2], &[21.0, 22.0, 1.0, 2.0])),
            ("1/units", Floats(&[2, 1], &[-2.0, -0.5])),
            ("predictions", Integers(&[1, 9])),
            ("groups", Integers(&[-1, 1])),
            ("counts", Integers(&[1, 1])),
            ("0/mean", Floats(&[2, 2], &[1.0, 2.0, 5.0, 6.0])),
            ("0/max", Floats(&[2, 2], &[1.0, f32::NAN, 5.0, 6.0])),
            ("0/min", Floats(&[2, 2], &[1.0, 2.0, 5.0, 6.0])),
            ("0/variance", Floats(&[2, 2], &[0.0, 0.0, 0.5, 0.25])),
            ("1/mean", Floats(&[2, 1], &[3.0, 7.0])),
        ],
    );
    write_tensors(
        &root.join("epochs/000004-00002-of-00002.safetensors"),
        &[
            ("inputs", Integers(&[1])),
            ("0/units", Floats(&[1, 2], &[11.0, 12.0])),
            ("1/units", Floats(&[1, 1], &[-1.0])),
            ("predictions", Integers(&[0])),
            ("groups", Integers(&[-1])),
            ("counts", Integers(&[3])),
            ("0/mean", Floats(&[1, 2], &[5.0, 6.0])),
            ("0/max", Floats(&[1, 2], &[9.0, 1.0])),
            ("0/min", Floats(&[1, 2], &[0.0, 7.0])),
            ("0/second_moment", Floats(&[1, 2], &[27.0, 40.0])),
            ("1/mean", Floats(&[1, 1], &[7.0])),
        ],
    );
}

#[test]
fn shards_of_several_writers_are_one_epoch() {
    let folder = temporary();
    two_shards(folder.path());
    let source = open(folder.path());
    let recording = source.recording();
    let epoch = &recording.epochs[0];
    assert_eq!((epoch.number, epoch.has_predictions), (4, true));
    assert!(epoch.loss.is_some_and(f64::is_nan));
    assert_eq!((epoch.step, epoch.metrics.len(), epoch.metrics["lr"]), (Some(400), 1, 0.5));
    assert_eq!(recording.layers[0].kind, LayerKind::Other);
    assert_eq!(
        recording.classes.iter().map(|class| (class.id, class.inputs)).collect::<Vec<_>>(),
        [(0, 1), (1, 2)]
    );
    assert_eq!(recording.classes.iter().map(|class| class.aggregated).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(recording.edges, [Edge::between_layers(0, 1)], "sequential when nothing is said");
    assert!(recording.joints.is_empty());
    let block = source.rows(EpochIndex(0), &[1, 2, 0]).expect("read");
    let row = |layer: usize, at: usize| block.layers[layer].row(block.rows[at]).into_owned();
    assert_eq!([row(0, 0), row(0, 1), row(0, 2)], [[11.0, 12.0], [21.0, 22.0], [1.0, 2.0]]);
    assert_eq!([row(1, 0), row(1, 1), row(1, 2)], [[-1.0], [-2.0], [-0.5]]);
    // 9 is no class of this recording.
    assert_eq!(*source.predictions(EpochIndex(0)).expect("read").expect("kept"), [None, Some(0), Some(1)]);
    let all = source.aggregates(EpochIndex(0), Group::All).expect("read").expect("kept");
    assert_eq!((all[0].count, &all[0].mean, &all[1].mean), (4, &vec![4.0, 5.0], &vec![6.0]));
    assert_eq!(all[0].min, Some(vec![0.0, 2.0]));
    let max = all[0].max.as_ref().expect("kept");
    assert!(max[0] == 9.0 && max[1].is_nan(), "no value stays no value: {max:?}");
    assert_eq!(all[0].rate, None);
    // Of 1, and of three values around 5 with a spread of 2; of 2, and of three around 6 with 4.
    assert_eq!(all[0].variance, Some(vec![4.5, 6.0]));
    let one = source.aggregates(EpochIndex(0), Group::Class(1)).expect("read").expect("kept");
    assert_eq!((one[0].count, &one[0].mean), (1, &vec![5.0, 6.0]));
    assert_eq!(one[0].variance, Some(vec![0.5, 0.25]));
    assert!(matches!(source.rows(EpochIndex(0), &[3]), Err(SourceError::NotRecorded { .. })));
}

#[test]
fn a_damaged_epoch_is_named_and_the_others_open() {
    let folder = temporary();
    let run = folder.path().join("run");
    let options = SynthOptions { units: 50, layers: 3, epochs: 4, inputs: 5, classes: 3, seed: 1 };
    format::synth(&run, &options, &mut silent).expect("makes");
    let file = |epoch: usize| run.join(format!("epochs/{epoch:06}.safetensors"));
    let bytes = fs::read(file(1)).expect("read");
    fs::write(file(1), &bytes[..bytes.len() - 1]).expect("write");
    fs::remove_file(file(2)).expect("remove");
    let source = open(&run);
    let recording = source.recording();
    assert_eq!(
        recording.epochs.iter().map(|epoch| epoch.damaged).collect::<Vec<_>>(),
        [false, true, true, false]
    );
    assert_eq!(recording.warnings.len(), 2);
    assert!(
        recording.warnings[0].contains("epoch 1 is damaged")
            && recording.warnings[0].contains("000001.safetensors")
    );
    assert!(source.rows(EpochIndex(3), &[0]).is_ok());
    assert!(matches!(source.rows(EpochIndex(1), &[0]), Err(SourceError::Damaged { number: 1, .. })));
    for epoch in [0, 1, 3] {
        fs::remove_file(file(epoch)).expect("remove");
    }
    assert!(line(&run).contains("no epoch can be read"));
}

#[test]
fn every_truncation_of_a_recording_fails_cleanly() {
    let folder = temporary();
    two_shards(folder.path());
    let shard = folder.path().join("epochs/000004-00002-of-00002.safetensors");
    let whole = fs::read(&shard).expect("read");
    for length in 0..whole.len() {
        fs::write(&shard, &whole[..length]).expect("write");
        assert!(line(folder.path()).contains("no epoch can be read"), "{length}");
    }
    fs::write(&shard, &whole).expect("write");
    let inputs = folder.path().join("inputs.safetensors");
    let labels = fs::read(&inputs).expect("read");
    for length in 0..labels.len() {
        fs::write(&inputs, &labels[..length]).expect("write");
        assert!(line(folder.path()).contains("not a whole safetensors file"), "{length}");
    }
    fs::write(&inputs, &labels).expect("write");
    let manifest = folder.path().join("manifest.json");
    for length in 0..MANIFEST.len() {
        fs::write(&manifest, &MANIFEST[..length]).expect("write");
        assert!(line(folder.path()).contains("half-written"), "{length}: {}", line(folder.path()));
    }
    // Bits that flip must not make it panic, whatever it reads.
    fs::write(&manifest, MANIFEST).expect("write");
    let (mut opened, mut refused, mut unread) = (0, 0, 0);
    for at in 0..whole.len() {
        for flip in [0x01, 0x10, 0x80] {
            let mut broken = whole.clone();
            broken[at] ^= flip;
            fs::write(&shard, &broken).expect("write");
            match format::open(folder.path()) {
                Err(error) => {
                    one_line(&error.to_string());
                    refused += 1;
                }
                Ok(source) => {
                    opened += 1;
                    unread += usize::from(source.rows(EpochIndex(0), &[0, 1, 2]).is_err());
                    let _ = (
                        source.aggregates(EpochIndex(0), Group::All),
                        source.predictions(EpochIndex(0)),
                        source.maps(EpochIndex(0), 0),
                    );
                }
            }
        }
    }
    // Flips in the header are refused, flips in values cannot be known, flips in `inputs` misplace a row.
    assert!(
        opened > 200 && refused > 200 && unread > 0,
        "{opened} opened, {refused} refused, {unread} unread"
    );
}

#[test]
fn manifests_that_lie_are_refused() {
    for (from, to, part) in [
        ("\"version\": 1", "\"version\": 2", "version 2 is not known"),
        ("\"version\": 1", "\"version\": \"1\"", "version \"1\" is not known"),
        ("epochs/000004-00001-of-00002", "../../x", "outside the recording"),
        ("inputs.safetensors", "/etc/passwd", "outside the recording"),
        ("\"units\": 2", "\"units\": 3", "but the manifest says 3"),
        ("\"units\": 2", "\"units\": 0", "`units` of layer a is 0"),
        ("\"units\": 2", "\"units\": 1000000000", "but the manifest says 1000000000"),
        ("\"units\": 2", "\"units\": 9000000000000000000", "`units` of layer a is 9000000000000000000"),
        ("\"count\": 3", "\"count\": 1000000000", "`inputs.count` is 1000000000"),
        ("\"count\": 3", "\"count\": 4", "must have the shape [4]"),
        ("\"id\": 1", "\"id\": 0", "`classes` has the id 0 twice"),
        ("\"classes\"", "\"edges\": [[0, 2]], \"classes\"", "`edges` has [0, 2], but `layers` end at 1"),
        (
            "\"classes\"",
            "\"joints\": [\"add\"], \"edges\": [[0, 3]], \"classes\"",
            "`edges` has [0, 3], but `layers` and `joints` end at 2",
        ),
        (
            "\"classes\"",
            "\"joints\": [\"add\"], \"classes\"",
            "joint number 0 (add) has 0 edges to it and 0 from it, fewer than 2 and 1",
        ),
        (
            "\"classes\"",
            "\"joints\": [\"add\"], \"edges\": [[0, 2], [2, 1]], \"classes\"",
            "joint number 0 (add) has 1 edges to it and 1 from it",
        ),
        (
            "\"classes\"",
            "\"joints\": [\"add\"], \"edges\": [[0, 2], [1, 2], [2, 1]], \"classes\"",
            "data flows in a circle along `edges`",
        ),
        ("\"kind\": \"from-the-future\"", "\"reduction\": \"what\"", "unknown variant"),
        ("\"classes\"", "\"modules\": [\"a\"], \"classes\"", "is not the JSON it should be"),
        ("\"classes\"", "\"modules\": {\"a\": 1}, \"classes\"", "is not the JSON it should be"),
        (
            ", {\"name\": \"b\", \"units\": 1}",
            ", {\"name\": \"b\", \"units\": 1}, {\"name\": \"c\", \"units\": 1}",
            "one of them must be whole",
        ),
    ] {
        let folder = temporary();
        two_shards(folder.path());
        assert!(MANIFEST.contains(from), "{from}");
        fs::write(folder.path().join("manifest.json"), MANIFEST.replacen(from, to, 1)).expect("write");
        assert!(line(folder.path()).contains(part), "{to}: {}", line(folder.path()));
    }
}

#[test]
fn the_classes_of_modules_are_read_where_they_contain_layers() {
    let folder = temporary();
    two_shards(folder.path());
    assert!(open(folder.path()).recording().modules.is_empty(), "they are optional");
    let nested = MANIFEST
        .replace("\"name\": \"a\"", "\"name\": \"layer3.0.conv1\"")
        .replace("\"name\": \"b\"", "\"name\": \"head/wide\"")
        .replace(
            "\"classes\"",
            r#""modules": {"layer3": "Sequential", "layer3.0": "Bottleneck", "head": "Block", "": "Whole",
                "layer": "Part", "layer3.1": "Sibling", "layer3.0.conv1": "Conv2d", "layer3.0.": "Dot",
                "z": "Unknown", "head/wide": null, "layer3.0.conv1.x": "Inner"}, "classes""#,
        );
    fs::write(folder.path().join("manifest.json"), nested).expect("write");
    let wanted: BTreeMap<String, String> =
        [("head", "Block"), ("layer3", "Sequential"), ("layer3.0", "Bottleneck")]
            .map(|(name, class)| (name.to_owned(), class.to_owned()))
            .into();
    let source = open(folder.path());
    assert_eq!(source.recording().modules, wanted);
    assert!(source.recording().warnings.is_empty(), "{:?}", source.recording().warnings);

    // They are kept by whoever writes the recording again, or goes on with it.
    let copy = folder.path().join("copy");
    RunWriter::create(&copy, source.recording(), &Pictures::None)
        .expect("creates")
        .commit()
        .expect("commits");
    assert_eq!(open(&copy).recording().modules, wanted);
    let (mut writer, _) = RunWriter::reopen(&copy).expect("opens");
    let epoch = Epoch { number: 5, ..Epoch::default() };
    let units = vec![tensor(&[1.0; 6], 3), tensor(&[1.0; 3], 3)];
    writer.write_epoch(&epoch, &EpochValues { units, ..EpochValues::default() }).expect("writes");
    writer.commit().expect("commits");
    let source = open(&copy);
    assert_eq!((source.recording().epochs.len(), &source.recording().modules), (1, &wanted));
}

#[test]
fn a_module_in_a_name_of_many_parts_is_found_at_once() {
    let folder = temporary();
    two_shards(folder.path());
    let deep = "m.".repeat(2_000_000);
    let hostile = MANIFEST.replace("\"name\": \"a\"", &format!("\"name\": \"{deep}a\"")).replace(
        "\"classes\"",
        &format!("\"modules\": {{\"m\": \"Top\", \"{}\": \"Low\"}}, \"classes\"", &deep[..deep.len() - 1]),
    );
    fs::write(folder.path().join("manifest.json"), hostile).expect("write");
    let source = open(folder.path());
    assert!(source.recording().modules.values().eq(["Top", "Low"]));
}

#[test]
fn manifests_written_by_hand_are_read() {
    let folder = temporary();
    two_shards(folder.path());
    let plain = open(folder.path());
    let by_hand = MANIFEST
        .replace(
            "\"classes\"",
            "\"normalisation\": null, \"writer\": null, \"edges\": null, \"joints\": null, \"modules\": null, \
             \"classes\"",
        )
        .replace(
            "\"kind\": \"from-the-future\"",
            "\"kind\": null, \"shape\": null, \"dtype\": null, \"reduction\": null, \"text\": null",
        )
        .replace("\"inputs.safetensors\"", "\"./inputs.safetensors\"")
        .replace("epochs/000004-00001-of-00002", ".\\\\epochs\\\\000004-00001-of-00002")
        .replace("\"files\"", "\"not_finite\": null, \"files\"");
    fs::write(folder.path().join("manifest.json"), format!("\u{feff}{by_hand}")).expect("write");
    let source = open(folder.path());
    assert_eq!(source.recording().layers, plain.recording().layers);
    let epochs = [&source, &plain].map(|source| source.recording().epochs[0].clone());
    assert_eq!((&epochs[0].metrics, epochs[0].step), (&epochs[1].metrics, epochs[1].step));
    let all = [0, 1, 2];
    let (rows, expected) = (source.rows(EpochIndex(0), &all), plain.rows(EpochIndex(0), &all));
    assert_eq!(rows.expect("reads").layers[0].row(2), expected.expect("reads").layers[0].row(2));
}

#[test]
fn a_made_up_recording_learns() {
    let folder = temporary();
    let options = SynthOptions { units: 2000, layers: 5, epochs: 6, inputs: 40, classes: 4, seed: 7 };
    let (run, again) = (folder.path().join("run"), folder.path().join("again"));
    format::synth(&run, &options, &mut silent).expect("makes");
    format::synth(&again, &options, &mut silent).expect("makes");
    for file in ["manifest.json", "inputs.safetensors", "epochs/000003.safetensors"] {
        assert_eq!(
            fs::read(run.join(file)).expect("read"),
            fs::read(again.join(file)).expect("read"),
            "{file}"
        );
    }
    let source = open(&run);
    let recording = source.recording();
    assert_eq!((recording.units(), recording.layers.len(), recording.inputs.len()), (2000, 5, 40));
    assert!(recording.has_class_outputs());
    let accuracy: Vec<f64> = recording.epochs.iter().map(|epoch| epoch.accuracy.expect("known")).collect();
    assert!(accuracy[0] < 60.0 && accuracy[5] > 90.0, "{accuracy:?}");
    assert!(recording.epochs[0].loss > recording.epochs[5].loss);
    let all: Vec<usize> = (0..40).collect();
    let block = source.rows(EpochIndex(5), &all).expect("read");
    let rows: Vec<Vec<f32>> = all.iter().map(|&input| block.layers[2].row(input).into_owned()).collect();
    let zeros = rows.iter().flatten().filter(|&&value| value == 0.0).count();
    let share = zeros as f64 / rows.iter().flatten().count() as f64;
    assert!((0.2..0.9).contains(&share), "sparse, but not silent: {share}");
    let dead = (0..rows[0].len()).filter(|&unit| rows.iter().all(|row| row[unit] == 0.0)).count();
    assert!(dead > rows[0].len() / 50 && dead < rows[0].len() / 2, "{dead} dead units");
    // The recorded predictions are the greatest outputs.
    let predictions = source.predictions(EpochIndex(5)).expect("read").expect("kept");
    for &input in &all {
        let output = block.layers[4].row(input);
        let best = (0..4).max_by(|&a, &b| output[a].total_cmp(&output[b]));
        assert_eq!(predictions[input], best);
    }
    assert!(source.picture(39).is_some());

    let aggregated = folder.path().join("aggregated");
    format::synth(&aggregated, &SynthOptions { inputs: 0, ..options }, &mut silent).expect("makes");
    let source = open(&aggregated);
    let all = source.aggregates(EpochIndex(5), Group::All).expect("read").expect("kept");
    let classes: Vec<_> = (0..4)
        .map(|class| source.aggregates(EpochIndex(5), Group::Class(class)).expect("read").expect("kept"))
        .collect();
    for layer in 0..5 {
        for unit in 0..all[layer].mean.len() {
            let mean = classes.iter().map(|class| class[layer].mean[unit]).sum::<f32>() / 4.0;
            assert!((mean - all[layer].mean[unit]).abs() < 1e-5);
        }
    }
    assert!(matches!(source.rows(EpochIndex(5), &[]), Err(SourceError::NotRecorded { .. })));

    // Aggregates alone become a dump of them, normalised.
    let back = folder.path().join("back");
    format::export_json(&aggregated, &back, &mut silent).expect("exports");
    let back = open(&back);
    assert_eq!((back.recording().inputs.len(), back.recording().warnings.len()), (0, 0));
    let general = back.aggregates(EpochIndex(5), Group::All).expect("read").expect("kept");
    let greatest = all[1].mean.iter().copied().fold(0.0, f32::max);
    assert_eq!(general[0].count, all[0].count);
    assert!(greatest > 0.0 && general[1].mean.len() == all[1].mean.len());
    for (found, mean) in general[1].mean.iter().zip(&all[1].mean) {
        assert!((found - mean / greatest).abs() < 1e-6);
    }
    let class = back.aggregates(EpochIndex(5), Group::Class(2)).expect("read").expect("kept");
    assert_eq!(class[0].count, classes[2][0].count);
}

#[test]
fn large_recordings_are_written_as_a_stream() {
    let folder = temporary();
    let run = folder.path().join("run");
    let options = SynthOptions { units: 9_000_000, layers: 3, epochs: 1, inputs: 0, classes: 10, seed: 3 };
    format::synth(&run, &options, &mut silent).expect("makes");
    let source = open(&run);
    let all = source.aggregates(EpochIndex(0), Group::All).expect("read").expect("kept");
    assert_eq!(all.iter().map(|layer| layer.mean.len()).sum::<usize>(), 9_000_000);
    assert_eq!(
        source.aggregates(EpochIndex(0), Group::Class(3)).expect("read"),
        None,
        "too large for classes"
    );
    let mean = all[0].mean.iter().map(|&value| f64::from(value)).sum::<f64>() / all[0].mean.len() as f64;
    assert!((0.05..2.0).contains(&mean), "{mean}");
    let bytes = fs::metadata(run.join("epochs/000000.safetensors")).expect("about").len();
    assert!((18_000_000..18_100_000).contains(&bytes), "half precision: {bytes}");
}

#[test]
fn headers_that_lie_are_refused() {
    let folder = temporary();
    two_shards(folder.path());
    let shard = folder.path().join("epochs/000004-00002-of-00002.safetensors");
    for header in [u64::MAX, 1 << 40, 33 << 20, 1000] {
        let mut file = header.to_le_bytes().to_vec();
        file.extend_from_slice(b"{}      ");
        fs::write(&shard, &file).expect("write");
        assert!(line(folder.path()).contains("not a whole safetensors file"), "{header}");
    }
    use Array::{Floats, Integers};
    let arrays: [(&str, Array<'_>, &str); 6] = [
        ("0/units", Floats(&[1, 1], &[0.0]), "layer a has 1 units"),
        ("0/units", Floats(&[2], &[0.0; 2]), "two dimensions"),
        ("0/units", Integers(&[1, 2]), "F32, F16, BF16 or U8"),
        ("0/units", Floats(&[2, 2], &[0.0; 4]), "3 rows"),
        ("0/mean", Floats(&[1, 2], &[0.0; 2]), "a row for each of `groups`"),
        ("0/maps", Floats(&[2], &[0.0; 2]), "[inputs, channels, height, width]"),
    ];
    for (name, array, part) in arrays {
        write_tensors(&shard, &[(name, array)]);
        assert!(line(folder.path()).contains(part), "{name}: {}", line(folder.path()));
    }
    write_tensors(&shard, &[("groups", Integers(&[-1])), ("counts", Integers(&[1, 2]))]);
    assert!(line(folder.path()).contains("`counts` of the same length"));
    for inputs in [[7, 1], [1, 1], [-1, 0]] {
        write_tensors(&shard, &[("inputs", Integers(&inputs)), ("0/units", Floats(&[2, 2], &[0.0; 4]))]);
        let source = open(folder.path());
        assert!(matches!(source.rows(EpochIndex(0), &[1]), Err(SourceError::Damaged { number: 4, .. })));
    }
}

#[test]
fn raw_values_are_normalised_for_dnnviz() {
    let folder = temporary();
    let (run, back) = (folder.path().join("run"), folder.path().join("back"));
    let mut writer = RunWriter::create(&run, &recording(), &Pictures::None).expect("creates");
    let units = vec![
        tensor(&[1.0, 2.0, 4.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0], 3),
        tensor(&[10.0, 20.0, 30.0, 40.0, 50.0, 100.0], 3),
        tensor(&[1.0; 6], 3),
    ];
    writer.write_epoch(&Epoch::default(), &EpochValues { units, ..EpochValues::default() }).expect("writes");
    writer.commit().expect("commits");
    format::export_json(&run, &back, &mut silent).expect("exports");
    let source = open(&back);
    let block = source.rows(EpochIndex(0), &[0, 1, 2]).expect("read");
    assert_eq!(&*block.layers[0].row(0), [0.25, 0.5, 1.0]);
    assert_eq!(&*block.layers[0].row(1), [0.0, 0.5, 1.0]);
    assert!(block.layers[0].row(2).iter().all(|value| value.is_nan()), "a dead layer has no value");
    let cats = source.aggregates(EpochIndex(0), Group::Class(0)).expect("read").expect("kept");
    assert_eq!(cats[1].mean, [0.5, 1.0]);
    assert!(cats[0].mean[0].is_nan());
    let general = source.aggregates(EpochIndex(0), Group::All).expect("read").expect("kept");
    assert!((general[1].mean[0] - (0.5 + 0.75 + 0.5) / 3.0).abs() < 1e-6);
    assert_eq!(source.recording().classes.len(), 1, "a class without inputs has no file");
    assert_eq!(source.recording().inputs[1].class, None);
}

#[test]
fn the_guide_s_python_example_writes_what_is_read_here() {
    let guide = include_str!("../docs/recording-format.md");
    let blocks: Vec<&str> =
        guide.split("```python").skip(1).filter_map(|part| part.split("```").next()).collect();
    assert_eq!(blocks.len(), 2, "one writes, one reads");
    let python = |script: &str, folder: &Path| {
        std::process::Command::new("python3").args(["-c", script]).current_dir(folder).output()
    };
    let folder = temporary();
    if !support::has_python("numpy, safetensors") {
        return;
    }
    let done = python(&blocks.concat(), folder.path()).expect("runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let source = open(&folder.path().join("run"));
    let recording = source.recording();
    assert_eq!((recording.epochs.len(), recording.inputs.len(), &recording.warnings[..]), (3, 4, &[][..]));
    assert_eq!(recording.inputs.iter().map(|input| input.class).collect::<Vec<_>>(), [0, 1, 1, 0].map(Some));
    let block = source.rows(EpochIndex(2), &[0, 1, 2, 3]).expect("read");
    let predictions = source.predictions(EpochIndex(2)).expect("read").expect("kept");
    for input in 0..4 {
        let output = block.layers[1].row(input);
        assert_eq!(predictions[input], Some(usize::from(output[1] > output[0])));
    }
    let right = (0..4).filter(|&input| predictions[input] == recording.inputs[input].class).count();
    assert_eq!(recording.epochs[2].accuracy, Some(25.0 * right as f64));
    // Python printed the means of the hidden layer.
    let printed = String::from_utf8_lossy(&done.stdout).replace(['[', ']'], " ");
    let printed: Vec<f32> =
        printed.split_whitespace().skip(1).map(|word| word.parse().expect("number")).collect();
    assert_eq!(printed.len(), 8);
    for (unit, printed) in printed.iter().enumerate() {
        let mean = (0..4).map(|input| block.layers[0].row(input)[unit]).sum::<f32>() / 4.0;
        assert!((mean - printed).abs() < 1e-6, "{mean} {printed}");
    }
}
