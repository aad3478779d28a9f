//! The command line as scripts meet it: exit codes, what is on stdout and what on stderr.

mod support;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use dnnviz::cli::demo;
use serde_json::{Value, json};

fn dnnviz() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dnnviz"));
    // Without it Mesa complains on stderr.
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        command.env("XDG_RUNTIME_DIR", std::env::temp_dir());
    }
    command
}

fn run(arguments: &[&str]) -> Output {
    dnnviz().args(arguments).output().unwrap()
}

/// Path of an example dump, as an argument.
fn dump(name: &str) -> Option<String> {
    Some(support::dump(name)?.to_str().unwrap().to_owned())
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Asserts success and silence on stderr.
fn succeeds(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{arguments:?}");
    text(&output.stdout).to_owned()
}

fn document(arguments: &[&str]) -> Value {
    serde_json::from_str(&succeeds(arguments)).unwrap()
}

/// Asserts exit 1, nothing on stdout, and one line on stderr; returns the line.
fn fails(arguments: &[&str]) -> String {
    let output = run(arguments);
    let line = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {line}");
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
    assert_eq!(line.lines().count(), 1, "{arguments:?}: {line}");
    assert!(line.starts_with("dnnviz: ") && line.ends_with('\n'), "{arguments:?}: {line}");
    line.trim_end().to_owned()
}

/// `cargo install` leaves nothing but the program.
#[test]
fn the_program_alone_has_a_demo() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("dnnviz");
    fs::copy(env!("CARGO_BIN_EXE_dnnviz"), &program).unwrap();
    let cache = folder.path().join("cache");
    let demo = demo::find([folder.path().join("share/dnnviz/demo")], Some(&cache)).unwrap();
    assert!(demo.starts_with(&cache));
    let output = Command::new(&program)
        .args(["info", "--json"])
        .arg(&demo)
        .env("HOME", folder.path())
        .env("XDG_CACHE_HOME", &cache)
        .env("XDG_CONFIG_HOME", folder.path())
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    let info: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&info["model"], &info["epochs"].as_array().unwrap().len()), (&json!("AlexNet"), &6));
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn info_has_the_shape_that_scripts_read() {
    let Some(dump) = dump("alex_dead") else { return };
    let info = document(&["info", &dump, "--json"]);
    let mut found = keys(&info);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "classes",
            "edges",
            "epochs",
            "format",
            "inputs",
            "joints",
            "layers",
            "model",
            "modules",
            "normalisation",
            "units",
            "warnings"
        ]
    );
    assert_eq!(info["format"], "deepdiva-v2");
    assert_eq!((&info["units"], &info["inputs"]), (&json!(2186), &json!(12)));
    assert_eq!((&info["edges"], &info["joints"]), (&json!(7), &json!(0)));
    assert_eq!(info["modules"], json!({}));
    assert_eq!(info["classes"][0], json!({"id": 0, "name": "0", "inputs": 1}));
    let layer = &info["layers"][7];
    assert_eq!((&layer["name"], &layer["kind"], &layer["units"]), (&json!("8"), &json!("dense"), &json!(10)));
    assert!(layer["type"].as_str().unwrap().contains("Linear(") && layer["shape"] == json!([10]));
    assert_eq!((&info["epochs"][5]["number"], &info["epochs"][5]["damaged"]), (&json!(5), &json!(false)));
    let table = succeeds(&["info", &dump]);
    for told in
        ["AlexNet", "deepdiva-v2", "12 inputs", "Conv2d", "feature-map", "normalised per input and layer"]
    {
        assert!(table.contains(told), "{told} is missing:\n{table}");
    }
}

#[test]
fn info_counts_edges_and_joints_and_lists_modules() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run").to_str().unwrap().to_owned();
    succeeds(&["synth", "-o", &run, "--units", "400", "--layers", "4", "--epochs", "2", "--inputs", "6"]);
    let file = folder.path().join("run/manifest.json");
    let mut manifest: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    manifest["joints"] = json!(["add"]);
    manifest["edges"] = json!([[0, 1], [0, 4], [1, 4], [4, 2], [2, 3]]);
    manifest["layers"][0]["name"] = json!("stem.0");
    manifest["modules"] = json!({"stem": "Sequential"});
    fs::write(&file, manifest.to_string()).unwrap();
    let info = document(&["info", &run, "--json"]);
    assert_eq!((&info["edges"], &info["joints"]), (&json!(5), &json!(1)));
    assert_eq!(info["modules"], json!({"stem": "Sequential"}));
    let table = succeeds(&["info", &run]);
    assert!(table.contains("\nedges    5\njoints   add (1)\n"), "{table}");
}

#[test]
fn stats_has_the_shape_that_scripts_read() {
    let Some(dump) = dump("alex_dead") else { return };
    let stats = document(&["stats", &dump, "--select", "class:6", "--epoch", "last", "--json"]);
    let mut layers = stats["layers"].as_array().unwrap().iter();
    assert_eq!(layers.len(), 8);
    let sizes = [64, 192, 384, 256, 256, 512, 512, 10];
    for (index, (layer, size)) in layers.by_ref().zip(sizes).enumerate() {
        assert_eq!(layer["name"], (index + 1).to_string());
        assert_eq!(layer["values"].as_array().unwrap().len(), size);
    }
    assert!(
        stats["layers"].as_array().unwrap().iter().any(|layer| layer["values"][0].is_null()),
        "a dead layer has no values"
    );
    let mut head = stats;
    head.as_object_mut().unwrap().remove("layers");
    let expected = json!({
        "epoch": 5.0, "select": "class:6", "minus": null, "stat": "mean", "diff": null, "norm": "raw", "inputs": 3,
        "normalisation": "per-item-per-layer", "run_b": null, "minus_inputs": null, "not_finite": 768, "unmatched": []
    });
    assert_eq!(head, expected);
    let select =
        ["--select", "class:6@first", "--minus", "input:0-2 & class:5", "--diff", "abs", "--stat", "max"];
    let arguments = [&["stats", &dump, "--epoch", "1.5", "--format", "json"], select.as_slice()].concat();
    let mut head = document(&arguments);
    head.as_object_mut().unwrap().remove("layers");
    let expected = json!({
        "epoch": 1.5, "select": "class:6@first", "minus": "input:0-2&class:5", "stat": "max", "diff": "abs",
        "norm": "raw", "inputs": 3,
        "normalisation": "per-item-per-layer", "run_b": null, "minus_inputs": 2, "not_finite": null, "unmatched": []
    });
    assert_eq!(head, expected);
}

#[test]
fn two_runs_are_compared_where_their_layers_match() {
    let folder = tempfile::tempdir().unwrap();
    let made = |name: &str, layers: &str, units: &str| {
        let run = folder.path().join(name).to_str().unwrap().to_owned();
        succeeds(&[
            "synth", "-o", &run, "--units", units, "--layers", layers, "--epochs", "2", "--inputs", "6",
        ]);
        run
    };
    // Alike but for the layers of other sizes; the last one has a unit for each class in both.
    let (a, b) = (made("a", "4", "400"), made("b", "5", "500"));
    let one = ["stats", &a, "--select", "class:1", "--run-b", &b, "--diff", "abs", "--json"];
    let found = document(&one);
    assert_eq!((&found["minus"], &found["run_b"]), (&json!("class:1"), &json!(b)));
    let unmatched: Vec<&str> =
        found["unmatched"].as_array().unwrap().iter().map(|layer| layer["name"].as_str().unwrap()).collect();
    let layers = found["layers"].as_array().unwrap();
    assert!(!unmatched.is_empty() && unmatched.len() < layers.len(), "{unmatched:?}");
    for layer in layers {
        let without = layer["values"].as_array().unwrap().iter().all(Value::is_null);
        assert_eq!(without, unmatched.contains(&layer["name"].as_str().unwrap()), "{layer}");
    }
    assert!(found["unmatched"].as_array().unwrap().iter().any(|layer| layer["units"].is_number()));
    let table = succeeds(&["stats", &a, "--run-b", &b]);
    assert!(table.contains("units in the other run") && table.contains("all inputs of"), "{table}");
}

#[test]
fn a_layer_is_chosen_by_its_name() {
    let Some(dump) = dump("cnn_basic") else { return };
    let stats = document(&["stats", &dump, "--json", "--layer", "4", "--layer", "1"]);
    let names: Vec<&Value> = stats["layers"].as_array().unwrap().iter().map(|layer| &layer["name"]).collect();
    assert_eq!(names, ["1", "4"], "in the order of the network");
    let line = fails(&["stats", &dump, "--layer", "5"]);
    assert_eq!(line, "dnnviz: there is no layer `5`; there are 1, 2, 3, 4");
}

#[test]
fn csv_and_table_hold_the_numbers_of_json() {
    let Some(dump) = dump("alex_dead") else { return };
    let common = ["stats", &dump, "--epoch", "4", "--layer", "5", "--layer", "8"];
    let stats = document(&[&common[..], &["--json"]].concat());
    let csv = succeeds(&[&common[..], &["--format", "csv"]].concat());
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("layer,unit,value"));
    let table = succeeds(&common);
    let mut missing = 0;
    for layer in stats["layers"].as_array().unwrap() {
        for (unit, value) in layer["values"].as_array().unwrap().iter().enumerate() {
            let line = lines.next().unwrap();
            let (place, number) = line.rsplit_once(',').unwrap();
            assert_eq!(place, format!("{},{unit}", layer["name"].as_str().unwrap()));
            match value.as_f64() {
                None => {
                    assert_eq!(number, "");
                    missing += 1;
                }
                Some(value) => {
                    assert!((number.parse::<f64>().unwrap() - value).abs() < 1e-7);
                }
            }
        }
    }
    assert_eq!(lines.next(), None);
    assert!(missing > 0, "epoch 4 has units without a value");
    assert_eq!(table.matches('–').count(), missing);
    assert!(table.contains("values are normalised per input and layer"), "{table}");
    assert!(table.contains("layer 8 · Linear · 10 units"), "{table}");
}

#[test]
fn errors_are_one_line_that_helps() {
    let Some(dump) = dump("cnn_basic") else { return };
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().to_str().unwrap();
    for (arguments, told) in [
        (vec!["info", "no/such/run"], "no/such/run"),
        (vec!["info", empty], "empty folder"),
        (vec!["stats", empty, "--json"], "empty folder"),
        (vec!["stats", &dump, "--select", "class:12"], "there are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        (vec!["stats", &dump, "--select", "input:60"], "inputs 0 to 59"),
        (vec!["stats", &dump, "--select", "class:1&input:0"], "selects no recorded input"),
        (vec!["stats", &dump, "--minus", "right"], "needs predictions"),
        (vec!["stats", &dump, "--epoch", "3"], "epoch 3 is not recorded; there are 0, 2, 4"),
        (vec!["stats", &dump, "--select", "all@99"], "epoch 99 is not recorded"),
        (vec!["stats", &dump, "--run-b", "no/such/run"], "no/such/run"),
        (vec!["stats", &dump, "--run-b", "assets/demo"], "share no layer of one name and size"),
        (
            vec!["stats", &dump, "--run-b", &dump, "--minus", "class:cat"],
            "in the run that is subtracted: there is no",
        ),
        (
            vec!["stats", &dump, "--minus", "all@1.5", "--diff", "effect"],
            "an effect size needs recorded ones",
        ),
    ] {
        let line = fails(&arguments);
        assert!(line.contains(told), "{arguments:?}: {line}");
    }
}

#[test]
fn text_in_a_dump_cannot_drive_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = r#"{"version": 2, "model": {"name": "\u001b[2J\nevil",
        "layers": {"1": {"type": "\u001b[31mLinear(2, 1)", "dim": 2, "size": 1}}},
        "items": {"single": {}, "class": {}, "general": {"0": {"key": "g", "class": -1, "size": 1}}},
        "epochs": {"0": {"number": 0, "accuracy": 1.0, "folder": "/epoch0", "datetime": "\u001b[1m"}}}"#;
    fs::write(folder.path().join("manifest.json"), manifest).unwrap();
    let epoch = folder.path().join("data/epoch0");
    fs::create_dir_all(&epoch).unwrap();
    fs::write(epoch.join("g.json"), r#"{"layers": {"1": {"filters": {"1": 0.5}}}}"#).unwrap();
    let run = folder.path().to_str().unwrap();
    for command in ["info", "stats"] {
        let shown = succeeds(&[command, run]);
        assert!(shown.contains("[2J evil") && !shown.contains('\u{1b}'), "{shown:?}");
    }
    let line = fails(&["stats", run, "--layer", "\u{1b}[5mx"]);
    assert!(!line.contains('\u{1b}'), "{line:?}");
}

#[test]
fn wrong_usage_exits_2() {
    for arguments in [
        vec!["info"],
        vec!["info", "a", "b"],
        vec!["stats", "x", "--select", "clas:3"],
        vec!["stats", "x", "--epoch", "soon"],
        vec!["stats", "x", "--stat", "median"],
        vec!["stats", "x", "--format", "xml"],
        vec!["stats", "x", "--diff", "abs"],
        vec!["stats", "x", "--diff", "ratio", "--minus", "all"],
        vec!["stats", "x", "--norm", "unit"],
        vec!["render", "x", "-o", "x.png", "--with-sides"],
        vec!["render", "-o", "x.png"],
        vec!["stats", "x", "--json", "--format", "csv"],
        vec!["import", "x"],
        vec!["export-json", "x"],
        vec!["synth", "-o", "x"],
        vec!["synth", "-o", "x", "--units", "many"],
    ] {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert!(text(&output.stderr).contains("--help"), "{arguments:?}: {}", text(&output.stderr));
    }
    for arguments in [["--help"].as_slice(), &["--version"], &["stats", "--help"], &["help", "synth"]] {
        assert!(succeeds(arguments).contains("dnnviz"), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let Some(dump) = dump("alex_dead") else { return };
    // More than a pipe holds, so that writing goes on after the reader has left.
    let folder = tempfile::tempdir().unwrap();
    let big = folder.path().join("big");
    succeeds(&["synth", "-o", big.to_str().unwrap(), "--units", "40000", "--inputs", "2", "--epochs", "1"]);
    for arguments in [vec!["stats", big.to_str().unwrap(), "--format", "csv"], vec!["stats", &dump, "--json"]]
    {
        let mut child =
            dnnviz().args(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0];
        let mut out = child.stdout.take().unwrap();
        out.read_exact(&mut first).unwrap();
        drop(out);
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let Some(dump) = dump("cnn_basic") else { return };
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = dnnviz().args(["stats", &dump]).stdout(full).output().unwrap();
    let line = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        line.starts_with("dnnviz: cannot write to the standard output: ") && line.lines().count() == 1,
        "{line}"
    );
}

#[test]
fn a_recording_is_imported_exported_and_made_up() {
    let Some(dump) = dump("cnn_basic") else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (recording, exported, made) = (at("recording"), at("exported"), at("made"));
    succeeds(&["import", &dump, "-o", &recording]);
    succeeds(&["export-json", &recording, "-o", &exported]);
    let mut infos = [&dump, &recording, &exported].map(|run| document(&["info", run, "--json"]));
    assert_eq!(infos.each_ref().map(|info| &info["format"]), ["deepdiva-v2", "dnnviz-1", "deepdiva-v2"]);
    for info in &mut infos {
        info["format"] = Value::Null;
    }
    assert_eq!(infos[0], infos[1]);
    assert_eq!(infos[0], infos[2]);

    let options = ["--units", "1000", "--layers", "4", "--epochs", "3", "--inputs", "20", "--classes", "5"];
    succeeds(&[&["synth", "-o", &made], options.as_slice()].concat());
    let info = document(&["info", &made, "--json"]);
    let counts = [&info["units"], &info["inputs"]].map(|count| count.as_u64().unwrap());
    assert_eq!(counts, [1000, 20]);
    let lengths = ["layers", "epochs", "classes"].map(|list| info[list].as_array().unwrap().len());
    assert_eq!(lengths, [4, 3, 5]);
    let again = at("again");
    succeeds(&[&["synth", "-o", &again], options.as_slice()].concat());
    let stats = |run: &str| succeeds(&["stats", run, "--select", "class:1", "--minus", "class:2", "--json"]);
    assert_eq!(stats(&made), stats(&again), "the same seed makes the same values");
    let other = at("other");
    succeeds(&[&["synth", "-o", &other, "--seed", "7"], options.as_slice()].concat());
    assert_ne!(stats(&made), stats(&other));
}

#[test]
fn nothing_is_written_over_or_left_behind() {
    let Some(dump) = dump("cnn_basic") else { return };
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    fs::create_dir(&taken).unwrap();
    fs::write(taken.join("mine.txt"), "keep").unwrap();
    let taken = taken.to_str().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "keep").unwrap();
    let below_file = file.join("run");
    let below_file = below_file.to_str().unwrap();
    let recording = folder.path().join("recording");
    let recording = recording.to_str().unwrap();
    succeeds(&["import", &dump, "-o", recording]);
    let before = listing(folder.path());
    for target in [taken, below_file, file.to_str().unwrap()] {
        for arguments in [
            vec!["import", &dump, "-o", target],
            vec!["export-json", recording, "-o", target],
            vec!["synth", "-o", target, "--units", "10"],
        ] {
            let line = fails(&arguments);
            assert!(line.contains("taken") || line.contains("file"), "{line}");
        }
    }
    let line = fails(&["import", "no/such/dump", "-o", folder.path().join("new").to_str().unwrap()]);
    assert!(line.contains("no/such/dump"), "{line}");
    assert_eq!(listing(folder.path()), before);
}

fn listing(folder: &Path) -> Vec<(PathBuf, Option<String>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        found.push((path.clone(), fs::read_to_string(&path).ok()));
        if path.is_dir() {
            found.extend(listing(&path));
        }
    }
    found.sort();
    found
}

#[test]
fn loading_is_measured() {
    let Some(dump) = dump("cnn_basic") else { return };
    let result = document(&["bench", "load", &dump, "--epoch", "first", "--json"]);
    for positive in ["bytes", "threads", "load_ms", "load_mb_per_s"] {
        assert!(result[positive].as_f64().unwrap() > 0.0, "{positive} of {result}");
    }
    let folder = Path::new(&dump).join("activations/data/epoch0");
    let bytes: u64 =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert_eq!((&result["files"], &result["bytes"]), (&serde_json::json!(71), &serde_json::json!(bytes)));
    assert_eq!(result["epoch"], 0);
    assert!(result["repetitions"].as_u64().unwrap() >= 11, "{result}");
}

#[test]
fn frames_are_measured_in_the_shape_that_scripts_read() {
    let document =
        succeeds(&["bench", "render", "--cells", "10000", "--size", "160x90", "--seconds", "0.1", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(found["view"], "overview");
    assert_eq!(found["path"], "raycast");
    assert_eq!(found["cells"], 10_000);
    assert_eq!(found["size"], serde_json::json!([160, 90]));
    assert!((0.05..0.9).contains(&found["coverage"].as_f64().unwrap()), "{found}");
    let ms = |value: &serde_json::Value| value.as_f64().unwrap();
    assert!(
        ms(&found["frame_ms"]["median"]) > 0.0
            && ms(&found["frame_ms"]["p99"]) >= ms(&found["frame_ms"]["median"])
    );
    assert!(ms(&found["floor_ms"]) > 0.0 && ms(&found["cells_path_ms"]) > ms(&found["floor_ms"]));
    assert!(found["resident_bytes"].as_u64().unwrap() >= 20_000, "two bytes a cell at least");
    let all = succeeds(&[
        "bench",
        "render",
        "--cells",
        "100",
        "--size",
        "16x9",
        "--seconds",
        "0.01",
        "--view",
        "all",
        "--json",
    ]);
    let all: serde_json::Value = serde_json::from_str(&all).unwrap();
    assert_eq!(all.as_array().unwrap().len(), 5);
}

#[test]
fn commits_are_timed_until_they_are_seen() {
    let found = document(&["bench", "live", "--commits", "4", "--units", "200", "--inputs", "5", "--json"]);
    assert_eq!((&found["commits"], &found["inputs"]), (&4.into(), &5.into()));
    assert_eq!(found["size"], serde_json::json!([1280, 720]));
    assert!((190..=210).contains(&found["units"].as_u64().unwrap()), "about as many: {found}");
    let [median, p99, max] = ["median", "p99", "max"].map(|name| found["latency_ms"][name].as_f64().unwrap());
    assert!(0.0 < median && median <= p99 && p99 <= max && max < 30_000.0, "{found}");
    assert!(!found["adapter"].as_str().unwrap().is_empty());
}
