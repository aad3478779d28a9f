//! Writing a recording: who may, what stands there meanwhile, and going on after a writer that died.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use dnnviz::format::{self, EpochValues, FormatError, Pictures, RunWriter, ShardWriter};
use dnnviz::model::recording::sequential_edges;
use dnnviz::model::{
    Aggregate, Class, Epoch, EpochIndex, Format, Group, Input, Layer, LayerKind, Normalisation, Recording,
    Reduction, Source, Tensor,
};
use tempfile::TempDir;

fn temporary() -> TempDir {
    TempDir::new().expect("temporary folder")
}

fn open(path: &Path) -> Arc<dyn Source> {
    format::open(path).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn message<T>(result: Result<T, FormatError>) -> String {
    let Err(error) = result else { panic!("it succeeds") };
    let message = error.to_string();
    assert!(!message.contains('\n') && message.len() < 600, "one line: {message}");
    message
}

/// Layers a and b of 2 and 1 units, the classes cat and dog, four inputs.
fn recording() -> Recording {
    let layer = |name: &str, units| Layer {
        name: name.to_owned(),
        module: String::new(),
        text: String::new(),
        kind: LayerKind::Dense,
        shape: vec![units],
        units,
        parameters: None,
        dtype: "float32".to_owned(),
        reduction: Reduction::None,
    };
    let class = |id, name: &str| Class { id, name: name.to_owned(), inputs: 2, aggregated: 0 };
    let input = |id: &str, class| Input { id: id.to_owned(), class: Some(class), has_picture: false };
    Recording {
        format: Format::Native,
        model: "Small".to_owned(),
        layers: vec![layer("a", 2), layer("b", 1)],
        edges: sequential_edges(2),
        joints: Vec::new(),
        modules: BTreeMap::new(),
        classes: vec![class(0, "cat"), class(1, "dog")],
        inputs: vec![input("w", 0), input("x", 1), input("y", 1), input("z", 0)],
        epochs: Vec::new(),
        normalisation: Normalisation::None,
        warnings: Vec::new(),
    }
}

fn create(run: &Path) -> RunWriter {
    RunWriter::create(run, &recording(), &Pictures::None).unwrap_or_else(|error| panic!("{error}"))
}

fn epoch(number: u64) -> Epoch {
    Epoch { number, ..Epoch::default() }
}

/// Values that tell epoch, input and layer apart.
fn values(epoch: u64, inputs: &[usize]) -> EpochValues {
    let base = |input: usize| (100 * epoch) as f32 + (10 * input) as f32;
    let a = inputs.iter().flat_map(|&input| [base(input), base(input) + 1.0]).collect();
    let b = inputs.iter().map(|&input| base(input) + 2.0).collect();
    EpochValues {
        units: vec![
            Tensor::from_f32(a, inputs.len(), 2).expect("a shape that fits"),
            Tensor::from_f32(b, inputs.len(), 1).expect("a shape that fits"),
        ],
        predictions: Some(inputs.iter().map(|input| Some(input % 2)).collect()),
        ..EpochValues::default()
    }
}

fn write(writer: &mut RunWriter, number: u64) {
    let written = writer.write_epoch(&epoch(number), &values(number, &[0, 1, 2, 3]));
    written.and_then(|()| writer.commit()).unwrap_or_else(|error| panic!("{error}"));
}

/// Every epoch of `run` is one of `numbers` and holds the values of [`values`].
#[track_caller]
fn assert_holds(run: &Path, numbers: &[u64]) {
    let source = open(run);
    let recording = source.recording();
    assert_eq!(recording.epochs.iter().map(|epoch| epoch.number).collect::<Vec<_>>(), numbers);
    assert_eq!(recording.warnings, [""; 0]);
    for (at, &number) in numbers.iter().enumerate() {
        let block = source.rows(EpochIndex(at), &[0, 1, 2, 3]).expect("read");
        let wanted = values(number, &[0, 1, 2, 3]);
        for (layer, wanted) in wanted.units.iter().enumerate() {
            for input in 0..4 {
                assert_eq!(block.layers[layer].row(block.rows[input]), wanted.row(input), "epoch {number}");
            }
        }
        assert_eq!(source.predictions(EpochIndex(at)).expect("read").as_deref(), wanted.predictions.as_ref());
    }
}

fn dnnviz(arguments: &[&str]) -> (i32, String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_dnnviz")).args(arguments).output().expect("runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.code().expect("a code"), text(&done.stdout), text(&done.stderr))
}

#[test]
fn a_recording_without_epochs_shows_its_network() {
    let folder = temporary();
    let run = folder.path().join("run");
    let mut writer = create(&run);
    assert!(!run.exists());
    writer.commit().expect("commits");
    let mut wanted = recording();
    wanted.edges = sequential_edges(2);
    assert_eq!(open(&run).recording(), &wanted);
    let path = run.to_str().expect("text");
    let (code, told, _) = dnnviz(&["info", path]);
    assert!(code == 0 && told.contains("0 epochs") && told.contains("epochs   none"), "{told}");
    let picture = folder.path().join("picture.png");
    for arguments in [&["stats", path][..], &["render", path, "-o", picture.to_str().expect("text")]] {
        let (code, told, error) = dnnviz(arguments);
        assert_eq!((code, &*told), (1, ""));
        assert!(error.contains("no epoch is recorded yet") && error.lines().count() == 1, "{error}");
    }
    assert!(!picture.exists());
    write(&mut writer, 0);
    assert_holds(&run, &[0]);
}

#[test]
fn one_writer_at_a_time() {
    let folder = temporary();
    let run = folder.path().join("run");
    let mut writer = create(&run);
    let mut other = create(&run);
    write(&mut writer, 0);
    // Begun before there was anything at that name.
    other.write_epoch(&epoch(5), &values(5, &[0, 1, 2, 3])).expect("writes beside it");
    assert!(message(other.commit()).contains("exists already"));
    drop(other);

    let holder = fs::read_to_string(run.join("writer.lock")).expect("read");
    assert!(holder.starts_with(&format!("pid {} on ", std::process::id())), "{holder}");
    for refused in [
        message(RunWriter::create(&run, &recording(), &Pictures::None)),
        message(RunWriter::resume(&run, &recording())),
        message(RunWriter::prepare(&run)),
    ] {
        assert!(refused.contains("is being written by pid ") && refused.contains(holder.trim()), "{refused}");
    }
    let lock = File::open(run.join("writer.lock")).expect("opens");
    assert!(lock.try_lock_shared().is_err(), "readers see that it is being written");
    write(&mut writer, 1);
    drop(writer);
    lock.try_lock_shared().expect("readers see that nobody writes it");
    lock.unlock().expect("unlocks");
    assert!(message(RunWriter::create(&run, &recording(), &Pictures::None)).contains("exists already"));
    assert_holds(&run, &[0, 1]);
    assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 1, "nothing is left beside it");
}

#[test]
fn a_reader_that_looks_for_a_moment_does_not_turn_a_writer_away() {
    let folder = temporary();
    let run = folder.path().join("run");
    write(&mut create(&run), 0);
    let lock = File::open(run.join("writer.lock")).expect("opens");
    lock.lock_shared().expect("locks");
    let looking = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(200));
        drop(lock);
    });
    let writer = RunWriter::resume(&run, &recording());
    assert!(writer.is_ok(), "{}", message(writer));
    looking.join().expect("ends");
}

#[test]
fn the_lock_is_held_before_anything_has_the_final_name() {
    let folder = temporary();
    let run = folder.path().join("run");
    let mut writer = create(&run);
    let entries: Vec<_> =
        fs::read_dir(folder.path()).expect("read").map(|entry| entry.expect("entry").path()).collect();
    let [staged] = &entries[..] else { panic!("{entries:?}") };
    let lock = File::open(staged.join("writer.lock")).expect("opens");
    assert!(lock.try_lock_shared().is_err());
    write(&mut writer, 0);
    let same = File::open(run.join("writer.lock")).expect("opens");
    assert!(same.try_lock_shared().is_err(), "and goes with it");
}

#[test]
fn a_commit_that_failed_is_made_up_for() {
    let folder = temporary();
    let run = folder.path().join("run");
    fs::write(&run, "in the way").expect("write");
    fs::rename(&run, folder.path().join("aside")).expect("move");
    let mut writer = create(&run);
    fs::rename(folder.path().join("aside"), &run).expect("move");
    writer.write_epoch(&epoch(0), &values(0, &[0, 1, 2, 3])).expect("writes");
    assert!(message(writer.commit()).contains("exists already"));
    assert_eq!(fs::read_to_string(&run).expect("read"), "in the way");
    fs::remove_file(&run).expect("remove");
    write(&mut writer, 1);
    assert_holds(&run, &[0, 1]);
}

#[test]
fn a_writer_goes_on_where_another_ended() {
    let folder = temporary();
    let run = folder.path().join("run");
    let mut writer = create(&run);
    write(&mut writer, 0);
    write(&mut writer, 3);
    // As a killed writer leaves it: an epoch that nobody committed, and halves of files.
    writer.write_epoch(&epoch(4), &values(9, &[0, 1, 2, 3])).expect("writes");
    drop(writer);
    for left in [".abc.partial", "epochs/.def.partial"] {
        fs::write(run.join(left), "half").expect("write");
    }
    fs::write(run.join("epochs/notes.partial"), "not ours").expect("write");

    let committed = fs::read(run.join("epochs/000003.safetensors")).expect("read");
    let mut writer = RunWriter::resume(&run, &recording()).unwrap_or_else(|error| panic!("{error}"));
    assert!(!run.join(".abc.partial").exists() && !run.join("epochs/.def.partial").exists());
    assert!(run.join("epochs/notes.partial").exists());
    let again = writer.write_epoch(&epoch(3), &values(3, &[0, 1, 2, 3]));
    assert!(message(again).contains("epoch 3 is written already"));
    assert_eq!(fs::read(run.join("epochs/000003.safetensors")).expect("read"), committed);
    write(&mut writer, 4);
    write(&mut writer, 1);
    assert_holds(&run, &[0, 1, 3, 4]);
}

#[test]
fn a_training_that_is_another_does_not_go_on() {
    let folder = temporary();
    let run = folder.path().join("run");
    write(&mut create(&run), 0);
    type Change = fn(&mut Recording);
    let cases: [(Change, &str); 10] = [
        (|other| other.layers[1].name = "c".to_owned(), "the name of layer number 1 is b, in the training c"),
        (|other| other.layers[0].units = 3, "the number of units of layer a is 2, in the training 3"),
        (|other| other.layers[0].reduction = Reduction::SpatialMean, "the reduction of layer a is None"),
        (|other| drop(other.layers.pop()), "it has 2 layers, the training has 1"),
        (
            |other| other.classes[1].name = "cow".to_owned(),
            "class number 1 is dog (id 1), in the training cow (id 1)",
        ),
        (|other| other.classes[1].id = 7, "class number 1 is dog (id 1), in the training dog (id 7)"),
        (|other| drop(other.classes.pop()), "it has 2 classes, the training has 1"),
        (|other| other.inputs[2].id = "q".to_owned(), "the id of input 2 is y, in the training q"),
        (|other| other.inputs[3].class = None, "the class of input 3 is cat, in the training none"),
        (|other| drop(other.inputs.pop()), "it has 4 inputs, the training has 3"),
    ];
    for (change, part) in cases {
        let mut other = recording();
        change(&mut other);
        let error = message(RunWriter::resume(&run, &other));
        assert!(error.contains(part) && error.contains("cannot be gone on with"), "{error}");
    }
    let mut other = recording();
    other.normalisation = Normalisation::PerItemPerLayer;
    assert!(message(RunWriter::resume(&run, &other)).contains("the normalisation is none"));
    assert!(RunWriter::resume(&run, &recording()).is_ok(), "a refused one lets go of the lock");
    assert_holds(&run, &[0]);
}

#[test]
fn what_is_no_recording_is_not_gone_on_with() {
    let folder = temporary();
    let root = folder.path();
    let resume = |name: &str| message(RunWriter::resume(&root.join(name), &recording()));
    assert!(resume("missing").contains("there is no such file"));
    fs::create_dir(root.join("empty")).expect("create");
    assert!(resume("empty").contains("is an empty folder"));
    assert_eq!(fs::read_dir(root.join("empty")).expect("read").count(), 0, "no lock is left");
    fs::create_dir(root.join("dump")).expect("create");
    let dump = r#"{"version": 2, "model": {}, "items": {}, "epochs": {}}"#;
    fs::write(root.join("dump/manifest.json"), dump).expect("write");
    assert!(resume("dump").contains("import it"));
    let run = root.join("run");
    write(&mut create(&run), 0);
    let manifest = fs::read(run.join("manifest.json")).expect("read");
    fs::write(run.join("manifest.json"), &manifest[..manifest.len() / 2]).expect("write");
    assert!(resume("run").contains("half-written"));
    fs::write(run.join("manifest.json"), manifest).expect("write");
    fs::remove_file(run.join("writer.lock")).expect("remove");
    fs::create_dir(run.join("writer.lock")).expect("create");
    assert!(resume("run").contains("is not a regular file"));
}

#[cfg(unix)]
#[test]
fn a_run_whose_folders_lead_outside_is_not_written() {
    let folder = temporary();
    let (run, outside) = (folder.path().join("run"), folder.path().join("outside"));
    write(&mut create(&run), 0);
    fs::rename(run.join("epochs"), &outside).expect("move");
    std::os::unix::fs::symlink(&outside, run.join("epochs")).expect("link");
    fs::write(outside.join(".left.partial"), "not ours").expect("write");
    assert!(RunWriter::resume(&run, &recording()).is_err());
    assert!(outside.join(".left.partial").exists());
    assert_eq!(fs::read_dir(&outside).expect("read").count(), 2);
}

/// One layer's aggregate of values that are all `value`.
fn aggregate(count: u64, value: f32, units: usize) -> Aggregate {
    Aggregate { count, mean: vec![value; units], max: Some(vec![value; units]), ..Aggregate::default() }
}

#[test]
fn every_rank_writes_its_shard_and_one_commits() {
    let folder = temporary();
    let run = folder.path().join("run");
    let mut writer = create(&run);
    assert!(
        message(ShardWriter::open(&run)).contains("there is no such file"),
        "not before the first commit"
    );
    writer.commit().expect("commits");
    let rank = ShardWriter::open(&run).expect("opens, although the run is locked");
    let shares = [vec![3, 0], vec![], vec![1, 2]];
    for (number, inputs) in shares.iter().enumerate() {
        if number == 2 {
            let early = message(writer.write_sharded(&epoch(7), 3));
            assert!(early.contains("epochs/000007-00003-of-00003.safetensors is not there"), "{early}");
        }
        let count = inputs.len() as u64;
        let group = vec![aggregate(count, number as f32, 2), aggregate(count, number as f32, 1)];
        let share = EpochValues {
            inputs: Some(inputs.clone()),
            aggregates: vec![(Group::All, group)],
            ..values(7, inputs)
        };
        rank.write(7, number, 3, &share).unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(open(&run).recording().epochs.len(), 0, "not committed yet");
    writer.write_sharded(&epoch(7), 3).expect("lists");
    writer.commit().expect("commits");
    assert!(message(writer.write_sharded(&epoch(7), 3)).contains("epoch 7 is written already"));
    assert_holds(&run, &[7]);
    let all = open(&run).aggregates(EpochIndex(0), Group::All).expect("read").expect("kept");
    assert_eq!((all[0].count, &all[0].mean, &all[0].max), (4, &vec![1.0, 1.0], &Some(vec![2.0, 2.0])));
    let names: Vec<_> =
        (1..=3).map(|rank| run.join(format!("epochs/000007-0000{rank}-of-00003.safetensors"))).collect();
    assert!(names.iter().all(|name| name.is_file()));

    for (inputs, part) in [(vec![0, 0], "input 0 is there twice"), (vec![0, 4], "not one of the 4 inputs")] {
        let share = EpochValues { inputs: Some(inputs), ..values(8, &[0, 1]) };
        assert!(message(rank.write(8, 0, 1, &share)).contains(part), "{part}");
    }
    let short = EpochValues { inputs: Some(vec![0]), ..values(8, &[0, 1]) };
    assert!(message(rank.write(8, 0, 1, &short)).contains("not 1 rows"));
}

#[test]
fn values_that_are_not_finite_are_told_an_epoch_a_line() {
    let folder = temporary();
    let run = folder.path().join("run");
    let mut writer = create(&run);
    let counts =
        |names: &[&str]| names.iter().zip(17..).map(|(name, count)| ((*name).to_owned(), count)).collect();
    for (number, names) in
        [&[][..], &["features.0"], &["a", "b"], &["a", "b", "c", "d", "e"]].into_iter().enumerate()
    {
        let epoch = Epoch { number: number as u64, not_finite: counts(names), ..Epoch::default() };
        writer.write_epoch(&epoch, &values(0, &[0, 1, 2, 3])).expect("writes");
    }
    writer.commit().expect("commits");
    let source = open(&run);
    assert_eq!(
        source.recording().warnings,
        [
            "epoch 1: 17 values of features.0 are NaN or infinite",
            "epoch 2: 17 values of a and 18 of b are NaN or infinite",
            "epoch 3: 17 values of a, 18 of b, 19 of c and 41 of 2 more layers are NaN or infinite",
        ]
    );
    assert!(source.recording().epochs.iter().all(|epoch| !epoch.damaged));
    assert_eq!(source.recording().epochs[2].not_finite, counts(&["a", "b"]));
    let (_, told, _) = dnnviz(&["info", run.to_str().expect("text")]);
    assert!(told.contains("warning  epoch 1: 17 values of features.0 are NaN or infinite"), "{told}");
    let mut manifest = String::new();
    File::open(run.join("manifest.json")).expect("opens").read_to_string(&mut manifest).expect("read");
    assert_eq!(manifest.matches("not_finite").count(), 3, "left out where there are none");
}

#[test]
fn a_vanished_run_is_an_error_and_no_new_one() {
    let folder = temporary();
    let run = folder.path().join("run");
    let mut writer = create(&run);
    write(&mut writer, 0);
    fs::remove_dir_all(&run).expect("remove");
    let error = message(writer.write_epoch(&epoch(1), &values(1, &[0, 1, 2, 3])));
    assert!(error.contains("cannot be written"), "{error}");
    assert!(!run.exists());
}
