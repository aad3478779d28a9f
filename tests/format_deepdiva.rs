//! DNNViz dumps: what is read from real ones, and how broken ones are met.

mod format_support;
mod support;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use dnnviz::format::{self, FormatError};
use dnnviz::model::{EpochIndex, Group, LayerKind, Source, SourceError};
use format_support::{copy, python_json, same};
use support::dump;
use tempfile::TempDir;

const DUMPS: [&str; 3] = ["cnn_basic", "cnn_basic_tampered", "alex_dead"];

/// An activation file by serde_json: layer name → filters in numeric order, NaN where null.
fn oracle(path: &Path) -> HashMap<String, Vec<f64>> {
    let value = python_json(path);
    let layers = value["layers"].as_object().expect("layers");
    layers
        .iter()
        .map(|(name, layer)| {
            let filters = layer["filters"].as_object().expect("filters");
            let mut values: Vec<(u64, f64)> = filters
                .iter()
                .map(|(key, value)| (key.parse().expect("number"), value.as_f64().unwrap_or(f64::NAN)))
                .collect();
            values.sort_by_key(|pair| pair.0);
            (name.clone(), values.into_iter().map(|pair| pair.1).collect())
        })
        .collect()
}

#[track_caller]
fn assert_same(found: &[f32], wanted: &[f64], what: &str) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (index, (&found, &wanted)) in found.iter().zip(wanted).enumerate() {
        assert!(same(f64::from(found), wanted, 1e-6), "{what}, unit {index}: {found} for {wanted}");
    }
}

#[test]
fn every_value_is_what_another_parser_reads() {
    for name in DUMPS {
        let Some(path) = dump(name) else { return };
        let source = format::open(&path).expect("opens");
        let recording = source.recording();
        let manifest = python_json(&path.join("activations/manifest.json"));
        let items = &manifest["items"];
        let mut dead = 0;
        for (epoch, entry) in recording.epochs.iter().enumerate() {
            let folder = path.join(format!("activations/data/epoch{}", entry.number));
            let file = |item: &serde_json::Value| {
                folder.join(format!("{}.json", item["key"].as_str().expect("key")))
            };
            let general = source.aggregates(EpochIndex(epoch), Group::All).expect("read").expect("general");
            let wanted = oracle(&file(&items["general"]["0"]));
            for (layer, aggregate) in recording.layers.iter().zip(general.iter()) {
                assert_same(&aggregate.mean, &wanted[&layer.name], &format!("{name} general {}", layer.name));
            }
            for (index, class) in recording.classes.iter().enumerate() {
                let found =
                    source.aggregates(EpochIndex(epoch), Group::Class(index)).expect("read").expect("class");
                let wanted = oracle(&file(&items["class"][&class.id.to_string()]));
                for (layer, aggregate) in recording.layers.iter().zip(found.iter()) {
                    assert_eq!(aggregate.count, class.inputs as u64);
                    assert_same(&aggregate.mean, &wanted[&layer.name], &format!("{name} class {}", class.id));
                }
            }
            // Asked for in another order than recorded.
            let asked: Vec<usize> = (0..recording.inputs.len()).rev().collect();
            let block = source.rows(EpochIndex(epoch), &asked).expect("read");
            for (&input, &row) in asked.iter().zip(&block.rows) {
                let wanted = oracle(&file(&items["single"][&recording.inputs[input].id]));
                for (layer, tensor) in recording.layers.iter().zip(&block.layers) {
                    let found = tensor.row(row);
                    assert_same(&found, &wanted[&layer.name], &format!("{name} input {input}"));
                    dead += found.iter().filter(|value| value.is_nan()).count();
                }
            }
        }
        assert_eq!(dead > 0, name == "alex_dead", "{name} holds NaN");
    }
}

#[test]
fn a_dump_is_described_as_it_is() {
    let Some(path) = dump("cnn_basic") else { return };
    let source = format::open(&path).expect("opens");
    let recording = source.recording();
    assert_eq!((recording.format.name(), recording.model.as_str()), ("deepdiva-v2", "CNN_basic"));
    assert_eq!(recording.normalisation.name(), "per-item-per-layer");
    let layers: Vec<_> = recording
        .layers
        .iter()
        .map(|layer| (layer.name.as_str(), layer.module.as_str(), layer.kind, layer.units, layer.parameters))
        .collect();
    assert_eq!(
        layers,
        [
            ("1", "Conv2d", LayerKind::FeatureMap, 24, Some(24 * 75 + 24)),
            ("2", "Conv2d", LayerKind::FeatureMap, 48, Some(48 * 24 * 9 + 48)),
            ("3", "Conv2d", LayerKind::FeatureMap, 72, Some(72 * 48 * 9 + 72)),
            ("4", "Linear", LayerKind::Dense, 10, Some(2890)),
        ]
    );
    let numbers: Vec<u64> = recording.epochs.iter().map(|epoch| epoch.number).collect();
    assert_eq!(numbers, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 19]);
    assert_eq!(recording.epochs[10].accuracy, Some(96.725_440_025_329_59));
    assert_eq!((recording.inputs.len(), recording.classes.len()), (60, 10));
    assert_eq!(recording.classes.iter().map(|class| class.inputs).sum::<usize>(), 60);
    assert_eq!(recording.inputs[10].id, "10");
    assert_eq!(recording.warnings, [""; 0]);
    assert!(recording.inputs.iter().all(|input| input.has_picture));
    let picture = source.picture(0).expect("a cover");
    assert_eq!(picture.rgba.len(), 4 * (picture.width * picture.height) as usize);
    assert!(
        source.predictions(EpochIndex(0)).expect("read").is_none()
            && source.maps(EpochIndex(0), 0).expect("read").is_empty()
    );

    for inner in ["activations", "activations/manifest.json"] {
        assert_eq!(format::open(&path.join(inner)).expect("opens too").recording(), recording);
    }
}

/// A copy of a dump that may be spoiled.
struct Copy {
    folder: TempDir,
}

impl Copy {
    fn of(name: &str) -> Option<Self> {
        let source = dump(name)?;
        let folder = TempDir::new().expect("temporary folder");
        copy(&source, folder.path());
        Some(Self { folder })
    }

    fn path(&self, inner: &str) -> PathBuf {
        self.folder.path().join("activations").join(inner)
    }

    /// Replaces text in the manifest; the text must be there.
    fn edit(&self, from: &str, to: &str) {
        let path = self.path("manifest.json");
        let text = fs::read_to_string(&path).expect("read");
        assert!(text.contains(from), "{from}");
        fs::write(path, text.replacen(from, to, 1)).expect("write");
    }

    fn general(&self, epoch: u64) -> PathBuf {
        let manifest = python_json(&self.path("manifest.json"));
        let key = manifest["items"]["general"]["0"]["key"].as_str().expect("key").to_owned();
        self.path(&format!("data/epoch{epoch}/{key}.json"))
    }

    fn open(&self) -> Result<std::sync::Arc<dyn Source>, FormatError> {
        format::open(self.folder.path())
    }

    /// The one line that opening fails with.
    #[track_caller]
    fn refusal(&self) -> String {
        line(self.folder.path())
    }
}

#[track_caller]
fn line(path: &Path) -> String {
    let Err(error) = format::open(path) else { panic!("{} opens", path.display()) };
    let message = error.to_string();
    assert!(!message.contains('\n') && message.len() < 600, "one line: {message}");
    message
}

#[test]
fn damaged_epochs_are_named_and_the_others_open() {
    let Some(copy) = Copy::of("alex_dead") else { return };
    fs::remove_dir_all(copy.path("data/epoch1")).expect("remove");
    let text = fs::read(copy.general(2)).expect("read");
    fs::write(copy.general(2), &text[..text.len() / 2]).expect("write");
    fs::write(copy.general(3), "").expect("write");
    fs::remove_file(copy.general(4)).expect("remove");
    let source = copy.open().expect("the others open");
    let recording = source.recording();
    let damaged: Vec<bool> = recording.epochs.iter().map(|epoch| epoch.damaged).collect();
    assert_eq!(damaged, [false, true, true, true, true, false]);
    assert_eq!(recording.warnings.len(), 4, "{:?}", recording.warnings);
    for (number, warning) in (1..).zip(&recording.warnings) {
        assert!(warning.starts_with(&format!("epoch {number} is damaged: ")), "{warning}");
        assert!(!warning.contains('\n'), "{warning}");
    }
    assert!(source.aggregates(EpochIndex(5), Group::All).expect("readable").is_some());
    match source.aggregates(EpochIndex(2), Group::All) {
        Err(SourceError::Damaged { number: 2, reason }) => assert!(reason.contains(".json"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(source.rows(EpochIndex(1), &[0]), Err(SourceError::Damaged { number: 1, .. })));
}

#[test]
fn a_file_found_broken_when_it_is_needed_is_named() {
    let Some(copy) = Copy::of("cnn_basic") else { return };
    let broken = copy.general(4);
    let text = fs::read_to_string(&broken).expect("read");
    fs::write(&broken, text.replacen("\"5\":", "\"5\" ", 1)).expect("write");
    let source = copy.open().expect("opens, as nothing was parsed of that epoch");
    let error = source.aggregates(EpochIndex(2), Group::All).expect_err("broken").to_string();
    let name = broken.file_name().expect("name").to_str().expect("text");
    assert!(error.starts_with("epoch 4 is damaged") && error.contains(name), "{error}");
    assert!(source.aggregates(EpochIndex(2), Group::Class(0)).expect("another file").is_some());
}

#[test]
fn missing_covers_are_tolerated() {
    let Some(copy) = Copy::of("cnn_basic") else { return };
    fs::remove_dir_all(copy.path("cover")).expect("remove");
    let source = copy.open().expect("opens");
    assert!(source.recording().inputs.iter().all(|input| !input.has_picture));
    assert_eq!((source.picture(0), source.recording().warnings.len()), (None, 0));
}

#[test]
fn what_is_no_recording_is_told_apart() {
    let folder = TempDir::new().expect("temporary folder");
    let path = folder.path();
    assert!(line(&path.join("nothing")).contains("no such file or folder"));
    assert!(line(path).contains("is an empty folder"));
    fs::write(path.join("notes.txt"), "hello").expect("write");
    assert!(line(path).contains("no manifest.json"));
    assert!(line(&path.join("notes.txt")).contains("no manifest.json"));
    let manifest = path.join("manifest.json");
    for (text, part) in [
        ("", "half-written"),
        ("{\"model\": {\"na", "half-written"),
        ("{}", "neither the manifest"),
        ("[1, 2]", "it is not an object"),
        ("{\"model\": 1, \"items\": 1, \"epochs\": {}, \"version\": 2}", "line 1"),
        ("{\"model\": 1, \"items\": 1, \"epochs\": {}, \"version\": 3}", "version 3 is not known"),
        ("{\"model\": 1, \"items\": 1, \"epochs\": {}}", "version (none) is not known"),
    ] {
        fs::write(&manifest, text).expect("write");
        assert!(line(path).contains(part), "{text}: {}", line(path));
    }
}

#[test]
fn a_half_written_manifest_is_told_so() {
    let Some(copy) = Copy::of("cnn_basic") else { return };
    let text = fs::read(copy.path("manifest.json")).expect("read");
    fs::write(copy.path("manifest.json"), &text[..text.len() / 2]).expect("write");
    assert!(copy.refusal().contains("half-written"), "{}", copy.refusal());
}

#[test]
fn a_size_that_disagrees_is_told_on_opening() {
    let Some(copy) = Copy::of("cnn_basic") else { return };
    copy.edit("\"size\": 48", "\"size\": 47");
    let message = copy.refusal();
    assert!(message.contains("layer 2 has 48 units") && message.contains("47"), "{message}");
}

#[test]
fn folders_outside_the_dump_are_refused() {
    for folder in ["../../..", "/../../..", "/epoch0/../../..", "..\\\\.."] {
        let Some(copy) = Copy::of("cnn_basic") else { return };
        copy.edit("\"/epoch4\"", &format!("\"{folder}\""));
        assert!(copy.refusal().contains("outside the recording"), "{folder}: {}", copy.refusal());
    }
    for (from, to) in [("\"key\": \"", "\"key\": \"../"), ("\"cover\": \"", "\"cover\": \"../../")] {
        let Some(copy) = Copy::of("cnn_basic") else { return };
        copy.edit(from, to);
        assert!(copy.refusal().contains("outside the recording"), "{}", copy.refusal());
    }
}

#[cfg(unix)]
#[test]
fn links_outside_the_dump_are_refused_and_pipes_are_not_waited_for() {
    let elsewhere = TempDir::new().expect("temporary folder");
    let Some(copy) = Copy::of("cnn_basic") else { return };
    fs::rename(copy.path("data/epoch4"), elsewhere.path().join("epoch4")).expect("move");
    std::os::unix::fs::symlink(elsewhere.path().join("epoch4"), copy.path("data/epoch4")).expect("link");
    assert!(copy.refusal().contains("outside the recording"), "{}", copy.refusal());

    let Some(copy) = Copy::of("cnn_basic") else { return };
    fs::remove_file(copy.general(6)).expect("remove");
    std::os::unix::fs::symlink("/dev/zero", copy.general(6)).expect("link");
    assert!(copy.refusal().contains("outside the recording"), "{}", copy.refusal());
    fs::remove_file(copy.general(6)).expect("remove");
    let made = std::process::Command::new("mkfifo").arg(copy.general(6)).status();
    if made.is_ok_and(|status| status.success()) {
        let source = copy.open().expect("the others open");
        assert!(source.recording().epochs[3].damaged);
    }
}

#[test]
fn a_string_of_a_gigabyte_is_refused_unread() {
    let Some(copy) = Copy::of("cnn_basic") else { return };
    let huge = |path: &Path, begin: &str| {
        use std::io::{Seek, SeekFrom, Write};
        let mut file = fs::File::create(path).expect("create");
        file.write_all(begin.as_bytes()).expect("write");
        // Sparse: a gigabyte that takes no room on disk.
        file.seek(SeekFrom::Start(1 << 30)).expect("seek");
        file.write_all(b"\"}").expect("write");
    };
    huge(&copy.general(4), "{\"layers\": \"");
    let source = copy.open().expect("opens, as that file is not needed yet");
    let error = source.aggregates(EpochIndex(2), Group::All).expect_err("too large").to_string();
    assert!(error.contains("1073741826 bytes, the most"), "{error}");
    huge(&copy.path("manifest.json"), "{\"version\": 2, \"model\": \"");
    assert!(copy.refusal().contains("1073741826 bytes, the most"), "{}", copy.refusal());
}

#[test]
fn a_thousand_million_declared_units_take_no_memory() {
    let Some(copy) = Copy::of("cnn_basic") else { return };
    copy.edit("\"size\": 48", "\"size\": 1000000000");
    assert!(copy.refusal().contains("1000000000"), "{}", copy.refusal());
    fs::remove_dir_all(copy.path("data")).expect("remove");
    assert!(copy.refusal().contains("no epoch can be read"), "{}", copy.refusal());
    copy.edit("\"size\": 1000000000", "\"size\": 18446744073709551615");
    copy.refusal();
    copy.edit("\"size\": 18446744073709551615", "\"size\": 9000000000000000000");
    assert!(copy.refusal().contains("is 9000000000000000000"), "{}", copy.refusal());
}

#[test]
fn keys_are_ordered_as_numbers_and_may_begin_at_zero() {
    let folder = TempDir::new().expect("temporary folder");
    let path = folder.path();
    fs::write(
        path.join("manifest.json"),
        r#"{"version": 2, "model": {"name": "m", "layers": {
              "10": {"type": "ReLU()", "dim": 2, "size": 1}, "9": {"type": "LSTM(3, 4)", "dim": 3, "size": 7},
              "2": {"type": "Linear(in_features=1, out_features=11, bias=True)", "dim": 2, "size": 11}}},
            "items": {"general": {"0": {"key": "g", "class": -1, "size": 0}}},
            "epochs": {"10": {"number": 10, "accuracy": NaN, "folder": "/epoch10"},
                       "9": {"number": 9, "accuracy": 5, "folder": "/epoch9"}}}"#,
    )
    .expect("write");
    for epoch in ["epoch9", "epoch10"] {
        fs::create_dir_all(path.join("data").join(epoch)).expect("create");
        let filters: Vec<String> =
            [10, 0, 2, 1, 3, 4, 5, 6, 7, 8, 9].iter().map(|n| format!("\"{n}\": {n}.5")).collect();
        let text = format!(
            r#"{{"layers": {{"9": {{"filters": {{"0": 1}}}}, "10": {{"filters": {{"1": 2}}}},
                "2": {{"filters": {{{}}}}}}}}}"#,
            filters.join(", ")
        );
        fs::write(path.join("data").join(epoch).join("g.json"), text).expect("write");
    }
    let source = format::open(path).expect("opens");
    let recording = source.recording();
    let names: Vec<&str> = recording.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names, ["2", "9", "10"]);
    assert_eq!(recording.epochs.iter().map(|epoch| epoch.number).collect::<Vec<_>>(), [9, 10]);
    assert_eq!((recording.epochs[0].accuracy, recording.epochs[1].accuracy), (Some(5.0), None));
    assert_eq!((recording.layers[1].units, recording.layers[1].kind), (1, LayerKind::Other));
    let general = source.aggregates(EpochIndex(0), Group::All).expect("read").expect("general");
    assert_eq!(general[0].mean, (0..11).map(|n| n as f32 + 0.5).collect::<Vec<_>>());
    assert_eq!((&general[1].mean, &general[2].mean), (&vec![1.0], &vec![2.0]));
}

#[test]
fn every_truncation_of_a_dump_fails_cleanly() {
    let folder = TempDir::new().expect("temporary folder");
    let path = folder.path();
    let manifest = r#"{"version": 2, "model": {"name": "m", "layers": {"1": {"type": "Linear(in_features=1, out_features=2)", "dim": 2, "size": 2}}}, "items": {"single": {"0": {"key": "s", "class": 0, "size": 1}}, "general": {"0": {"key": "g", "class": -1}}}, "epochs": {"0": {"number": 0, "accuracy": 1e1, "folder": "/e"}}}"#;
    let values = r#"{"layers": {"1": {"filters": {"1": -1.25e-2, "2": NaN}}}}"#;
    fs::create_dir_all(path.join("data/e")).expect("create");
    fs::write(path.join("manifest.json"), manifest).expect("write");
    fs::write(path.join("data/e/s.json"), values).expect("write");
    let general = path.join("data/e/g.json");
    for length in 0..values.len() {
        fs::write(&general, &values[..length]).expect("write");
        assert!(line(path).contains("no epoch can be read"), "{length}: {}", line(path));
    }
    fs::write(&general, values).expect("write");
    for length in 0..manifest.len() {
        fs::write(path.join("manifest.json"), &manifest[..length]).expect("write");
        assert!(line(path).contains("half-written"), "{length}: {}", line(path));
    }
    fs::write(path.join("manifest.json"), manifest).expect("write");
    let source = format::open(path).expect("whole again");
    let block = source.rows(EpochIndex(0), &[0]).expect("read");
    assert!(block.layers[0].row(0)[0] == -0.0125 && block.layers[0].row(0)[1].is_nan());
    assert!(matches!(source.rows(EpochIndex(0), &[1]), Err(SourceError::NotRecorded { .. })));
    assert!(matches!(source.rows(EpochIndex(1), &[0]), Err(SourceError::NotRecorded { .. })));
}
