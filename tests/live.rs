//! A run that is being written: what its watcher tells, what opening it again costs, and what a window
//! on it shows.

mod live_support;
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::sleep;
use std::time::{Duration, Instant};

use dnnviz::app::offscreen::Offscreen;
use dnnviz::format::watch::{RunChange, RunWatcher, WatchOutcome};
use dnnviz::format::{self, RunHandle, SynthOptions};
use dnnviz::model::{EpochIndex, Group, Query, Selection, SetView, Source, ViewState};
use egui::Key;
use live_support::{Growing, lock, lock_path, value};
use tempfile::TempDir;

/// Longer than anything here may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longer than two looks of a watcher.
const QUIET: Duration = Duration::from_millis(1300);

fn temporary() -> TempDir {
    TempDir::new().expect("temporary folder")
}

/// A watcher whose words are kept.
struct Heard {
    changes: Receiver<RunChange>,
    _watch: RunWatcher,
}

impl Heard {
    fn of(path: &Path) -> Self {
        let (sender, changes) = channel();
        let watch = RunWatcher::start(path, move |change| {
            // The test may have heard enough.
            let _ = sender.send(change);
            WatchOutcome::Done
        });
        Self { changes, _watch: watch }
    }

    #[track_caller]
    fn next(&self) -> RunChange {
        self.changes.recv_timeout(PATIENCE).expect("a change is told")
    }

    /// Waits for `wanted`; the manifest may change meanwhile.
    #[track_caller]
    fn until(&self, wanted: RunChange) {
        while self.next() != wanted {}
    }

    /// Waits until a writer is at work on a run that has a manifest, told in whatever order.
    #[track_caller]
    fn until_begun(&self) {
        let mut missing = vec![RunChange::Manifest, RunChange::Writer { active: true }];
        while !missing.is_empty() {
            let told = self.next();
            missing.retain(|wanted| *wanted != told);
        }
    }

    /// Asserts that a change is reported as soon as `commit` has made it.
    #[track_caller]
    fn assert_prompt(&self, mut commit: impl FnMut()) {
        let mut waits: Vec<Duration> = (0..9)
            .map(|_| {
                commit();
                let committed = Instant::now();
                self.until(RunChange::Manifest);
                committed.elapsed()
            })
            .collect();
        waits.sort();
        // Looking every half second alone would take a quarter of one.
        assert!(waits[4] < Duration::from_millis(120), "{waits:?}");
    }

    #[track_caller]
    fn assert_quiet(&self) {
        let told = self.changes.recv_timeout(QUIET);
        assert!(told.is_err(), "nothing happened, and yet {told:?}");
    }
}

#[test]
fn a_run_that_comes_later_is_found_and_followed() {
    let folder = temporary();
    let path = folder.path().join("not/yet/run");
    let heard = Heard::of(&path);
    assert_eq!(heard.next(), RunChange::Absent);
    fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
    let mut run = Growing::begin(&path, "Net", &[4]);
    heard.until_begun();
    heard.assert_quiet();
    run.append();
    assert_eq!(heard.next(), RunChange::Manifest);
    run.write();
    heard.assert_quiet();
    run.commit();
    assert_eq!(heard.next(), RunChange::Manifest);
    heard.assert_quiet();
}

#[test]
fn a_commit_is_told_at_once_and_not_at_the_next_look() {
    let folder = temporary();
    let path = folder.path().join("run");
    let mut run = Growing::begin(&path, "Net", &[4]);
    let heard = Heard::of(&path);
    heard.until(RunChange::Manifest);
    heard.assert_prompt(|| run.append());
}

#[test]
fn a_run_that_vanishes_and_one_that_takes_its_place_are_told() {
    let folder = temporary();
    let path = folder.path().join("run");
    let mut run = Growing::begin(&path, "Net", &[4]);
    run.append();
    let heard = Heard::of(&path);
    heard.until(RunChange::Manifest);
    drop(run);
    fs::remove_dir_all(&path).expect("removed");
    heard.until(RunChange::Absent);
    let mut run = Growing::begin(&path, "Net", &[4]);
    heard.until_begun();
    heard.assert_quiet();
    heard.assert_prompt(|| run.append());

    // Another run takes its place from one moment to the next.
    let other = folder.path().join("other");
    drop(Growing::begin(&other, "Other", &[4]));
    fs::rename(&path, folder.path().join("away")).expect("moved away");
    fs::rename(&other, &path).expect("moved here");
    heard.until(RunChange::Manifest);
    let opened = RunHandle::open(&path).expect("it opens");
    assert_eq!(opened.source().recording().model, "Other");
    // It is this folder that is watched now.
    let manifest = path.join("manifest.json");
    let text = fs::read(&manifest).expect("read");
    heard.assert_prompt(|| {
        let partial = path.join(".manifest.partial");
        fs::write(&partial, &text).expect("written");
        fs::rename(&partial, &manifest).expect("renamed");
    });
}

#[test]
fn a_dump_is_found_below_its_parent_and_its_rewritten_manifest_is_told() {
    let folder = temporary();
    let path = folder.path().join("run");
    fs::create_dir(&path).expect("folder");
    let heard = Heard::of(&path);
    assert_eq!(heard.next(), RunChange::Absent);
    let activations = path.join("activations");
    fs::create_dir(&activations).expect("folder");
    fs::write(activations.join("manifest.json"), "{").expect("written");
    heard.until(RunChange::Manifest);
    fs::write(activations.join("manifest.json"), "{}").expect("written");
    heard.until(RunChange::Manifest);
}

#[test]
fn what_is_unfinished_is_told_again_until_it_is_whole() {
    let folder = temporary();
    fs::write(folder.path().join("manifest.json"), "{").expect("written");
    let (sender, told) = channel();
    let mut answers = vec![WatchOutcome::Done, WatchOutcome::Unfinished, WatchOutcome::Unfinished];
    let watch = RunWatcher::start(folder.path(), move |change| {
        let _ = sender.send((change, Instant::now()));
        answers.pop().unwrap_or(WatchOutcome::Done)
    });
    let times: Vec<Instant> = (0..3)
        .map(|_| {
            let (change, at) = told.recv_timeout(PATIENCE).expect("told again");
            assert_eq!(change, RunChange::Manifest);
            at
        })
        .collect();
    assert!(times[2] - times[1] > times[1] - times[0], "after longer and longer");
    assert!(told.recv_timeout(QUIET).is_err(), "and no more when it is done");
    drop(watch);
    assert!(told.try_recv().is_err_and(|error| error == std::sync::mpsc::TryRecvError::Disconnected));
}

#[test]
fn nothing_is_told_once_the_watch_is_dropped() {
    let folder = temporary();
    let path = folder.path().join("run");
    let heard = Heard::of(&path);
    assert_eq!(heard.next(), RunChange::Absent);
    let Heard { changes, _watch } = heard;
    drop(_watch);
    drop(Growing::begin(&path, "Net", &[4]));
    assert!(changes.recv_timeout(QUIET).is_err());
}

/// The variable that names the run whose lock [`holder`] holds.
const HELD: &str = "DNNVIZ_TEST_HELD_RUN";

/// Not a test: the process that [`a_killed_writer_is_no_longer_at_work`] kills.
#[test]
#[ignore = "started by another test"]
fn holder() {
    let Some(run) = std::env::var_os(HELD) else { return };
    let _lock = lock(&PathBuf::from(run));
    println!("held");
    sleep(PATIENCE);
}

#[test]
fn a_killed_writer_is_no_longer_at_work() {
    let folder = temporary();
    let path = folder.path().join("run");
    let mut run = Growing::begin(&path, "Net", &[4]);
    run.append();
    drop(run);
    let heard = Heard::of(&path);
    assert_eq!(heard.next(), RunChange::Manifest);
    heard.assert_quiet();
    let mut writer = Command::new(std::env::current_exe().expect("this program"))
        .args(["holder", "--exact", "--ignored", "--nocapture"])
        .env(HELD, &path)
        .stdout(Stdio::null())
        .spawn()
        .expect("this program starts");
    assert_eq!(heard.next(), RunChange::Writer { active: true });
    // Probing leaves the lock to whoever holds it, and a lock that is held stays told of.
    heard.assert_quiet();
    writer.kill().expect("killed");
    writer.wait().expect("gone");
    assert_eq!(heard.next(), RunChange::Writer { active: false });
    assert!(lock_path(&path).is_file(), "the file stays");
}

#[test]
fn a_lock_that_is_no_file_does_not_hold_up_the_watcher() {
    let folder = temporary();
    let path = folder.path().join("run");
    let mut run = Growing::begin(&path, "Net", &[4]);
    run.append();
    drop(run);
    fs::remove_file(lock_path(&path)).expect("removed");
    assert!(Command::new("mkfifo").arg(lock_path(&path)).status().expect("mkfifo runs").success());
    let heard = Heard::of(&path);
    assert_eq!(heard.next(), RunChange::Manifest, "a pipe would never let go of who opens it");
    heard.assert_quiet();
}

/// Address at which an epoch's values are mapped.
fn place(source: &dyn Source, epoch: usize) -> *const u8 {
    source.rows(EpochIndex(epoch), &[0]).expect("readable").layers[0].bytes().as_ptr()
}

#[test]
fn opening_again_opens_what_is_new_alone() {
    let folder = temporary();
    let path = folder.path().join("run");
    let mut run = Growing::begin(&path, "Net", &[4, 3]);
    for _ in 0..3 {
        run.append();
    }
    let before = RunHandle::open(&path).expect("it opens");
    run.append();
    // An epoch that is opened again would be missed.
    fs::remove_file(path.join("epochs/000001.safetensors")).expect("removed");
    let now = before.reopen().expect("it opens again");
    assert!(now.continues(&before));
    let (a, b) = (before.source(), now.source());
    assert_eq!((a.recording().epochs.len(), b.recording().epochs.len()), (3, 4));
    for epoch in 0..3 {
        assert_eq!(place(&*a, epoch), place(&*b, epoch), "epoch {epoch} is the same mapping");
    }
    let read = b.rows(EpochIndex(3), &[2]).expect("readable");
    let row = read.layers[1].row(read.rows[0]);
    assert_eq!(*row, [0, 1, 2].map(|unit| value(3, 2, unit)), "the new one has its values");

    // Opened afresh, the missing epoch is missing.
    let afresh = RunHandle::open(&path).expect("it opens");
    assert!(afresh.source().recording().epochs[1].damaged);
    assert!(!afresh.continues(&before));
}

#[test]
fn a_damaged_epoch_is_tried_again() {
    let folder = temporary();
    let path = folder.path().join("run");
    let mut run = Growing::begin(&path, "Net", &[4]);
    run.append();
    run.append();
    let file = path.join("epochs/000001.safetensors");
    let whole = fs::read(&file).expect("read");
    fs::write(&file, &whole[..whole.len() / 2]).expect("cut");
    let before = RunHandle::open(&path).expect("it opens");
    assert!(before.source().recording().epochs[1].damaged);
    fs::write(&file, whole).expect("whole");
    let now = before.reopen().expect("it opens again");
    assert!(!now.source().recording().epochs[1].damaged && now.continues(&before));
}

#[test]
fn a_run_without_inputs_is_told_from_another_by_its_epochs() {
    let folder = temporary();
    let [path, other] = ["run", "other"].map(|name| folder.path().join(name));
    let synth = |path: &Path, seed| {
        let options = SynthOptions { units: 200, layers: 2, epochs: 2, inputs: 0, classes: 2, seed };
        format::synth(path, &options, &mut |_, _| {}).expect("made up");
    };
    synth(&path, 1);
    let before = RunHandle::open(&path).expect("it opens");
    assert!(before.reopen().expect("it opens again").continues(&before));
    synth(&other, 2);
    fs::rename(&path, folder.path().join("away")).expect("moved away");
    fs::rename(&other, &path).expect("moved here");
    let now = before.reopen().expect("it opens");
    assert!(!now.continues(&before));
    let mean = |opened: &RunHandle| {
        let stored = opened.source().aggregates(EpochIndex(1), Group::All).expect("readable");
        stored.expect("aggregates")[0].mean.clone()
    };
    assert_ne!(mean(&before), mean(&now));
}

#[test]
fn a_run_that_took_the_place_of_another_shares_nothing_with_it() {
    let folder = temporary();
    let path = folder.path().join("run");
    let begin = |model, layers: &[usize], epochs| {
        if path.exists() {
            fs::remove_dir_all(&path).expect("removed");
        }
        let mut run = Growing::begin(&path, model, layers);
        for _ in 0..epochs {
            run.append();
        }
    };
    begin("Net", &[4], 2);
    let before = RunHandle::open(&path).expect("it opens");
    // Its manifest is the same to the last letter.
    begin("Net", &[4], 2);
    let now = before.reopen().expect("it opens");
    assert!(!now.continues(&before));
    assert_ne!(place(&*before.source(), 0), place(&*now.source(), 0));
    for (model, layers, epochs) in [("Other", &[4][..], 2), ("Net", &[5], 2), ("Net", &[4], 1)] {
        begin(model, layers, epochs);
        let now = before.reopen().expect("it opens");
        assert!(!now.continues(&before), "{model} {layers:?} {epochs}");
        assert_eq!(now.source().recording().units(), layers.iter().sum::<usize>());
    }
}

/// A window without a display on the run at `path`; `None` without a graphics adapter.
fn window(path: &Path) -> Option<Offscreen> {
    Some(Offscreen::open(support::gpu()?, &[path.to_owned()], [640, 400]))
}

/// Lets the window take what it is told until something is so.
#[track_caller]
fn until(window: &mut Offscreen, what: &str, so: impl Fn(&Offscreen) -> bool) {
    let start = Instant::now();
    while !so(window) {
        assert!(start.elapsed() < PATIENCE, "{what} did not come");
        window.wait_for_epoch(u64::MAX, Duration::from_millis(100)).expect("it goes on");
    }
}

/// Lets the window take what it is told until there are so many epochs.
#[track_caller]
fn until_known(window: &mut Offscreen, epochs: usize) {
    let known = |window: &Offscreen| window.recording().is_some_and(|it| it.epochs.len() == epochs);
    until(window, "the epoch", known);
}

fn view(window: &mut Offscreen) -> &mut ViewState {
    window.view(0).expect("it is open")
}

#[test]
fn what_is_looked_at_and_what_was_read_stay_while_epochs_come() {
    let folder = temporary();
    let path = folder.path().join("run");
    let mut run = Growing::begin(&path, "Net", &[16, 4]);
    run.append();
    run.append();
    let Some(mut window) = window(&path) else { return };
    assert!(window.wait_for_epoch(1, PATIENCE).expect("it is open"));
    window.press(Key::Num3);
    view(&mut window).height = 1.7;
    let class = Selection::class(&window.recording().expect("open").clone(), 1);
    view(&mut window).query = Query { select: class, ..Query::default() };
    window.press(Key::ArrowLeft);
    assert!(window.wait_for_epoch(0, PATIENCE).expect("it is open"));
    let before = view(&mut window).clone();
    assert_eq!((before.epoch, before.height), (0.0, 1.7));

    run.append();
    until_known(&mut window, 3);
    assert_eq!(window.shown_epoch(), Some(0.0), "a hand stepped back, so nothing jumps");
    assert_eq!(*view(&mut window), before);
    // Pressing takes no messages, so that this comes from what was read before.
    window.press(Key::ArrowRight);
    assert_eq!(window.shown_epoch(), Some(1.0));

    window.press(Key::End);
    // A command takes effect in the frame after it.
    window.frame();
    assert!(window.wait_for_epoch(2, PATIENCE).expect("it is open"));
    run.append();
    assert!(window.wait_for_epoch(3, PATIENCE).expect("it is open"), "followed again");
    assert_eq!(*view(&mut window), ViewState { epoch: 3.0, ..before });
}

#[test]
fn a_training_begun_anew_is_looked_at_in_the_same_way_and_another_network_in_its_own() {
    let folder = temporary();
    let path = folder.path().join("run");
    let mut run = Growing::begin(&path, "Net", &[16, 4]);
    for _ in 0..3 {
        run.append();
    }
    let Some(mut window) = window(&path) else { return };
    assert!(window.wait_for_epoch(2, PATIENCE).expect("it is open"));
    window.press(Key::Num3);
    let before = view(&mut window).clone();

    let anew = |layers: &[usize]| {
        fs::remove_dir_all(&path).expect("removed");
        let mut run = Growing::begin(&path, "Net", layers);
        run.append();
        run
    };
    drop(run);
    let run = anew(&[16, 4]);
    assert!(window.wait_for_epoch(0, PATIENCE).expect("it is open"));
    assert_eq!(*view(&mut window), ViewState { epoch: 0.0, ..before });
    drop(run);
    let _run = anew(&[25, 9, 4]);
    until(&mut window, "the other network", |window| {
        window.recording().is_some_and(|recording| recording.units() == 38)
    });
    assert!(window.wait_for_epoch(0, PATIENCE).expect("it is open"));
    let camera = view(&mut window).camera;
    let layout = dnnviz::model::Layout::new(window.recording().expect("open"), camera.aspect);
    let overview = dnnviz::model::Camera::set_view(SetView::Overview, &layout, camera.aspect);
    assert_eq!((camera.yaw, camera.pitch), (overview.yaw, overview.pitch), "the overview");
}

#[test]
fn a_run_that_is_gone_stays_to_be_seen() {
    let folder = temporary();
    let path = folder.path().join("run");
    let mut run = Growing::begin(&path, "Net", &[16, 4]);
    run.append();
    run.append();
    let Some(mut window) = window(&path) else { return };
    assert!(window.wait_for_epoch(1, PATIENCE).expect("it is open"));
    assert_eq!(window.problem(), None);
    drop(run);
    fs::remove_dir_all(&path).expect("removed");
    until(&mut window, "the note", |window| window.problem().is_some());
    assert!(window.problem().is_some_and(|told| told.contains("is gone")), "{:?}", window.problem());
    assert_eq!(window.shown_epoch(), Some(1.0));
    window.press(Key::ArrowLeft);
    assert!(window.wait_for_epoch(0, PATIENCE).expect("it goes on"), "and what is mapped is still read");

    // Back again, and nothing is wrong any more.
    let mut run = Growing::begin(&path, "Net", &[16, 4]);
    run.append();
    until_known(&mut window, 1);
    assert_eq!(window.problem(), None);
}

#[test]
fn a_half_written_manifest_leaves_the_last_good_state() {
    let folder = temporary();
    let path = folder.path().join("run");
    let mut run = Growing::begin(&path, "Net", &[16, 4]);
    run.append();
    let Some(mut window) = window(&path) else { return };
    assert!(window.wait_for_epoch(0, PATIENCE).expect("it is open"));
    let manifest = path.join("manifest.json");
    let whole = fs::read(&manifest).expect("read");
    fs::write(&manifest, &whole[..whole.len() / 2]).expect("cut");
    assert!(!window.wait_for_epoch(u64::MAX, QUIET).expect("it goes on"));
    assert_eq!(window.shown_epoch(), Some(0.0));
    assert!(window.problem().is_some_and(|told| told.contains("half-written")), "{:?}", window.problem());
    fs::write(&manifest, whole).expect("whole");
    run.append();
    assert!(window.wait_for_epoch(1, PATIENCE).expect("it goes on"));
    assert_eq!(window.problem(), None);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("created");
    for entry in fs::read_dir(from).expect("read") {
        let entry = entry.expect("an entry");
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
        }
    }
}

/// A DNNViz dump of three epochs that is written as its framework writes it: manifest rewritten in
/// place, here even before the files that it lists.
#[test]
fn the_epochs_of_a_dump_are_seen_as_well() {
    let folder = temporary();
    let [run, whole, path] = ["run", "whole", "growing"].map(|name| folder.path().join(name));
    let options = SynthOptions { units: 40, layers: 2, epochs: 3, inputs: 4, classes: 2, seed: 1 };
    format::synth(&run, &options, &mut |_, _| {}).expect("made up");
    format::export_json(&run, &whole, &mut |_, _| {}).expect("exported");
    let (from, to) = (whole.join("activations"), path.join("activations"));
    copy(&from, &to);
    fs::remove_dir_all(to.join("data")).expect("removed");
    let text = fs::read_to_string(from.join("manifest.json")).expect("read");
    let manifest: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let list = |epochs: u64| {
        let mut manifest = manifest.clone();
        let listed = manifest["epochs"].as_object_mut().expect("an object");
        listed.retain(|number, _| number.parse::<u64>().expect("a number") < epochs);
        fs::write(to.join("manifest.json"), manifest.to_string()).expect("rewritten");
    };
    let files = |number: u64| {
        let below = manifest["epochs"][number.to_string()]["folder"].as_str().expect("a folder");
        let below = below.trim_start_matches('/');
        copy(&from.join("data").join(below), &to.join("data").join(below));
    };
    list(0);
    let Some(mut window) = window(&path) else { return };
    assert!(!window.wait_for_epoch(0, QUIET).expect("it waits"), "no epoch is listed");
    files(0);
    list(1);
    assert!(window.wait_for_epoch(0, PATIENCE).expect("it is open"));
    files(1);
    list(2);
    assert!(window.wait_for_epoch(1, PATIENCE).expect("it is open"), "files first");
    list(3);
    assert!(!window.wait_for_epoch(2, QUIET).expect("it goes on"));
    assert_eq!(window.shown_epoch(), Some(1.0), "what is not there yet is not shown");
    files(2);
    assert!(window.wait_for_epoch(2, PATIENCE).expect("it is open"), "manifest first");
}

#[test]
fn what_will_never_be_a_recording_is_refused_and_what_may_become_one_is_awaited() {
    let folder = temporary();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("empty")).expect("folder");
    fs::create_dir_all(at("begun/activations")).expect("folder");
    fs::create_dir(at("locked")).expect("folder");
    fs::write(at("locked/writer.lock"), "").expect("file");
    fs::write(at("locked/inputs.safetensors"), "").expect("file");
    for awaited in ["absent", "absent/below", "empty", "begun", "locked"] {
        let Some(mut window) = window(&at(awaited)) else { return };
        assert!(!window.wait_for_epoch(0, QUIET).expect("it waits"), "{awaited}");
        assert!(window.recording().is_none());
    }
    fs::write(at("notes.txt"), "notes").expect("file");
    fs::create_dir(at("folder")).expect("folder");
    fs::write(at("folder/notes.txt"), "notes").expect("file");
    fs::create_dir(at("other")).expect("folder");
    fs::write(at("other/manifest.json"), "{\"name\": \"something else\"}").expect("file");
    for refused in ["notes.txt", "folder", "other"] {
        let Some(mut window) = window(&at(refused)) else { return };
        let error = window.wait_for_epoch(0, PATIENCE).expect_err("refused").to_string();
        assert!(error.contains(refused) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn a_window_without_a_window_sees_epochs_come() {
    let folder = temporary();
    let path = folder.path().join("run");
    let Some(mut window) = window(&path) else { return };
    assert!(!window.wait_for_epoch(0, QUIET).expect("it waits"), "there is nothing yet");
    let mut run = Growing::begin(&path, "Net", &[16, 4]);
    assert!(!window.wait_for_epoch(0, QUIET).expect("it waits"), "there are slabs without values");
    for epoch in 0..3 {
        run.append();
        assert!(window.wait_for_epoch(epoch, PATIENCE).expect("it is open"), "epoch {epoch}");
    }
}
