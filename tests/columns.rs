//! Columns side by side in what would be a window: their locks, their differences, their runs.

mod live_support;
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dnnviz::app::offscreen::Offscreen;
use dnnviz::model::{EpochIndex, LayerIndex, Pin, Query, Selection, SetView, Theme, UnitId, UnitIndex};
use egui::Key;
use live_support::Growing;
use tempfile::TempDir;

/// Longer than anything here may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longer than two looks of a watcher.
const QUIET: Duration = Duration::from_millis(1300);

/// Runs of these layers and so many epochs in a temporary folder, and what would be a window on them;
/// `None` where nothing can draw.
fn window(runs: &[(&[usize], u64)]) -> Option<(TempDir, Vec<Growing>, Offscreen)> {
    let folder = TempDir::new().expect("temporary folder");
    let paths: Vec<PathBuf> = (0..runs.len()).map(|run| folder.path().join(format!("run{run}"))).collect();
    let writers =
        paths.iter().zip(runs).map(|(path, (layers, epochs))| grown(path, layers, *epochs)).collect();
    let mut window = open(&paths)?;
    until(&mut window, "all runs", |window| (0..runs.len()).all(|run| window.is_settled(run)));
    Some((folder, writers, window))
}

fn grown(path: &Path, layers: &[usize], epochs: u64) -> Growing {
    let mut run = Growing::begin(path, "Net", layers);
    for _ in 0..epochs {
        run.append();
    }
    run
}

fn open(paths: &[PathBuf]) -> Option<Offscreen> {
    Some(Offscreen::open(support::gpu()?, paths, [900, 400]))
}

#[track_caller]
fn until(window: &mut Offscreen, what: &str, so: impl Fn(&Offscreen) -> bool) {
    assert!(window.wait_until(PATIENCE, so).expect("it goes on"), "{what} did not come");
}

#[track_caller]
fn settled(window: &mut Offscreen) {
    until(window, "what is asked for", |window| {
        (0..window.columns()).all(|column| window.is_settled(column))
    });
}

/// Takes what is still to come.
fn rest(window: &mut Offscreen) {
    assert!(!window.wait_until(QUIET, |_| false).expect("it goes on"));
}

fn epochs(window: &mut Offscreen) -> Vec<f64> {
    (0..window.columns()).map(|column| window.view(column).expect("open").epoch).collect()
}

fn query(window: &mut Offscreen, column: usize) -> Query {
    window.view(column).expect("open").query.clone()
}

fn ask(window: &mut Offscreen, column: usize, select: &str, minus: Option<&str>) {
    let parse = |text: &str| text.parse().expect("a selection");
    let view = window.view(column).expect("open");
    (view.query.select, view.query.minus) = (parse(select), minus.map(parse));
    view.sides_linked = false;
    window.frame();
}

#[test]
fn epochs_go_together_by_number_until_they_are_let_go() {
    let Some((_folder, _runs, mut window)) = window(&[(&[16, 4], 5), (&[16, 4], 3)]) else { return };
    assert_eq!((window.columns(), window.active()), (2, 0));
    assert_eq!(epochs(&mut window), [4.0, 2.0], "the nearest that there is");
    for expected in [[3.0, 2.0], [2.0, 2.0], [1.0, 1.0]] {
        window.press(Key::ArrowLeft);
        assert_eq!(epochs(&mut window), expected);
        settled(&mut window);
    }
    window.press(Key::T);
    window.press(Key::ArrowLeft);
    assert_eq!(epochs(&mut window), [0.0, 1.0]);
    window.press(Key::T);
    assert_eq!(epochs(&mut window), [0.0, 0.0]);
}

#[test]
fn cameras_and_looks_go_together() {
    let Some((_folder, _runs, mut window)) = window(&[(&[16, 4], 1), (&[16, 4], 1), (&[9, 4, 4], 1)]) else {
        return;
    };
    let [before, _, other] = [0, 1, 2].map(|column| window.view(column).expect("open").camera);
    window.view(0).expect("open").theme = Theme::Light;
    window.press(Key::Num3);
    let [lead, alike, unlike] = [0, 1, 2].map(|column| window.view(column).expect("open").clone());
    assert_eq!((lead.camera, lead.theme), (alike.camera, alike.theme));
    assert_ne!(lead.camera, before);
    window.frame();
    let top = window.view(2).expect("open").camera;
    assert!(unlike.theme == Theme::Light && top != other, "another network is seen from above as well");
    assert_ne!(top.position, lead.camera.position, "at its own distance");
    window.press(Key::K);
    window.press(Key::Num1);
    let [lead, alike] = [0, 1].map(|column| window.view(column).expect("open").camera);
    assert_eq!(lead, before, "{:?}", SetView::Overview);
    assert_ne!(lead, alike, "let go");
}

#[test]
fn a_difference_of_two_runs_is_added_and_swapped_back_and_forth() {
    let Some((_folder, _runs, mut window)) = window(&[(&[16, 4], 2), (&[16, 4], 2)]) else { return };
    // Without the panels, which tell what was done and how long it took.
    window.press(Key::F10);
    ask(&mut window, 0, "input:0", None);
    window.press(Key::M);
    assert_eq!((window.columns(), window.active()), (3, 2));
    settled(&mut window);
    rest(&mut window);
    let (first, picture) = (query(&mut window, 2), window.picture());
    assert_eq!((window.run(2), first.run_b), (Some(0), Some(1)));
    assert_eq!(
        (first.select.to_string(), first.minus.map(|it| it.to_string())),
        ("input:0".into(), Some("all".into()))
    );

    window.press(Key::X);
    settled(&mut window);
    let swapped = query(&mut window, 2);
    assert_eq!((window.run(2), swapped.run_b), (Some(1), Some(0)));
    assert_eq!(swapped.select.to_string(), "all");
    rest(&mut window);
    assert!(window.picture() != picture, "the signs are others");
    window.press(Key::X);
    settled(&mut window);
    rest(&mut window);
    assert!(window.picture() == picture, "swapped twice, all is as it was");
}

#[test]
fn columns_are_added_duplicated_and_removed() {
    let Some((_folder, _runs, mut window)) = window(&[(&[16, 4], 2)]) else { return };
    window.press(Key::Delete);
    assert_eq!(window.columns(), 1, "the last one stays");
    ask(&mut window, 0, "class:1", None);
    window.press(Key::C);
    assert_eq!((window.columns(), window.active()), (2, 1));
    assert_eq!(query(&mut window, 1), query(&mut window, 0));
    window.press(Key::N);
    settled(&mut window);
    assert_eq!((window.columns(), window.active()), (3, 2));
    assert_eq!(query(&mut window, 2), Query::default());
    for left in [2, 1, 1] {
        window.press(Key::Delete);
        assert_eq!(window.columns(), left);
    }
    settled(&mut window);
    assert_eq!(query(&mut window, 0).select.to_string(), "class:1");
    for _ in 0..9 {
        window.press(Key::C);
    }
    assert_eq!(window.columns(), dnnviz::model::columns::MAX_COLUMNS);
    settled(&mut window);
}

#[test]
fn columns_of_one_kind_of_value_have_one_scale() {
    let Some((_folder, _runs, mut window)) = window(&[(&[16, 4], 2)]) else { return };
    window.press(Key::C);
    ask(&mut window, 0, "input:0", None);
    ask(&mut window, 1, "input:5", None);
    settled(&mut window);
    rest(&mut window);
    let both = |window: &Offscreen| [0, 1].map(|column| window.ranges(column).expect("open").to_vec());
    let [a, b] = both(&window);
    assert_eq!(a, b);
    assert!((a[0].high - 1.0).abs() < 1e-6, "the greatest of both: {a:?}");
    window.press(Key::R);
    let [a, b] = both(&window);
    assert!((a[0].high - 1.0).abs() < 1e-6 && (b[0].high - 0.95).abs() < 1e-6, "each its own: {a:?} {b:?}");
}

#[test]
fn only_what_changes_is_drawn_again() {
    let Some((_folder, _runs, mut window)) = window(&[(&[16, 4], 2), (&[16, 4], 2)]) else { return };
    window.press(Key::R);
    rest(&mut window);
    let before = window.drawings();
    window.frame();
    assert_eq!(window.drawings(), before, "nothing has changed");
    ask(&mut window, 1, "class:1", None);
    settled(&mut window);
    rest(&mut window);
    assert_eq!(window.drawings(), before + 1, "one column has changed, once");
}

#[test]
fn what_cannot_be_answered_is_told_in_its_column_which_keeps_its_picture() {
    let Some((_folder, _runs, mut window)) = window(&[(&[16, 4], 2), (&[16, 4], 2)]) else { return };
    for (select, told) in
        [("right", "predictions"), ("class:nobody", "nobody"), ("class:0&class:1", "no recorded input")]
    {
        ask(&mut window, 0, select, None);
        until(&mut window, "the note", |window| window.note(0).is_some());
        assert!(window.note(0).is_some_and(|note| note.contains(told)), "{:?}", window.note(0));
        assert_eq!(window.shown_epoch(), Some(1.0), "the picture stays");
        assert!(!window.is_settled(0) && window.is_settled(1) && window.note(1).is_none());
        ask(&mut window, 0, "all", None);
        assert!(window.is_settled(0) && window.note(0).is_none());
    }
}

#[test]
fn runs_are_compared_as_far_as_their_layers_match() {
    let Some((_folder, _runs, mut window)) = window(&[(&[16, 4], 1), (&[16, 9], 1), (&[5], 1)]) else {
        return;
    };
    window.press(Key::M);
    settled(&mut window);
    assert_eq!((window.active(), window.note(3)), (3, None));
    let query = &mut window.view(3).expect("open").query;
    query.run_b = Some(2);
    window.frame();
    until(&mut window, "the note", |window| window.note(3).is_some());
    assert!(window.note(3).is_some_and(|note| note.contains("share no layer")), "{:?}", window.note(3));
    assert_eq!(window.shown_epoch(), Some(0.0), "the picture stays");
}

#[test]
fn a_difference_follows_the_run_that_is_subtracted() {
    let Some((folder, mut runs, mut window)) = window(&[(&[16, 4], 1), (&[16, 4], 1)]) else { return };
    window.press(Key::M);
    ask(&mut window, 2, "input:0", Some("all@last"));
    settled(&mut window);
    rest(&mut window);
    let before = window.ranges(2).expect("open").to_vec();
    assert!(
        before.iter().all(|range| range.low == -range.high && range.high < 0.1),
        "the same epoch: {before:?}"
    );

    // Its newest epoch is another.
    runs[1].append();
    let other = |window: &Offscreen| window.ranges(2).is_some_and(|ranges| ranges[0].high > 0.5);
    until(&mut window, "the difference to the newest epoch", other);

    // It is another recording.
    runs.pop();
    let path = folder.path().join("run1");
    fs::remove_dir_all(&path).expect("removed");
    let _run = grown(&path, &[25], 1);
    until(&mut window, "the note", |window| window.note(2).is_some());
    assert!(window.note(2).is_some_and(|note| note.contains("share no layer")), "{:?}", window.note(2));
}

#[test]
fn a_run_that_is_not_there_leaves_the_others_in_peace() {
    let folder = TempDir::new().expect("temporary folder");
    let [late, good, notes] = ["late", "good", "notes.txt"].map(|name| folder.path().join(name));
    fs::write(&notes, "notes").expect("file");
    let _good = grown(&good, &[16, 4], 2);
    let Some(mut window) = open(&[late.clone(), good, notes.clone()]) else { return };
    until(&mut window, "the run that is there", |window| window.is_settled(1));
    rest(&mut window);
    assert_eq!((window.columns(), window.active(), window.run(0), window.run(2)), (3, 1, None, None));
    window.press(Key::ArrowLeft);
    assert_eq!(window.shown_epoch(), Some(0.0));
    // The column of what will never open can go.
    for _ in 0..2 {
        window.press(Key::Delete);
    }
    assert_eq!(window.columns(), 1);
    let _late = grown(&late, &[16, 4], 1);
    until(&mut window, "the late run", |window| window.is_settled(0));

    let Some(mut window) = open(&[notes.clone(), folder.path().join("notes.txt")]) else { return };
    let error = window.wait_until(PATIENCE, |_| false).expect_err("refused").to_string();
    assert!(error.contains("notes.txt") && !error.contains('\n'), "{error}");
}

#[test]
fn a_difference_of_two_runs_describes_pinned_units_in_both() {
    let folder = TempDir::new().expect("temporary folder");
    let paths = ["run0", "run1"].map(|name| folder.path().join(name));
    let _writers = [grown(&paths[0], &[16, 4], 3), grown(&paths[1], &[16, 4], 2)];
    let Some(gpu) = support::gpu() else { return };
    let mut window = Offscreen::open(gpu, &paths, [1280, 800]).with_accessibility();
    settled(&mut window);
    let text = |window: &Offscreen| {
        let labels = window.controls().filter_map(|control| control.value().or(control.label()));
        let wanted = labels.filter(|label| label.starts_with("In run1: ")).map(str::to_owned);
        wanted.collect::<Vec<_>>().join("; ")
    };
    let layer = window.recording().expect("open").layers[1].name.clone();
    let view = window.view(0).expect("open");
    view.pins.push(Pin { layer, unit: UnitIndex(3) });
    window.press(Key::ArrowLeft);
    until(&mut window, "the epoch before", |window| window.shown_epoch() == Some(1.0));
    assert_eq!(text(&window), "", "nothing is subtracted");

    let view = window.view(0).expect("open");
    view.query.minus = Some(Selection::default());
    view.query.run_b = Some(1);
    window.frame();
    until(&mut window, "the other run's profile", |window| text(window).contains("at epoch 1: mean"));
    let source = dnnviz::format::open(&folder.path().join("run1")).expect("opens");
    let unit = UnitId { layer: LayerIndex(1), unit: UnitIndex(3) };
    let profile = dnnviz::insight::unit_profile(&*source, unit, EpochIndex(1)).expect("known");
    let rank = format!("{}", profile.rank.expect("ranked"));
    assert!(text(&window).contains(&format!(", {rank}")), "{}: {rank}", text(&window));

    // At an epoch of its own, it is described there.
    window.view(0).expect("open").query.minus = Some("all@first".parse().expect("a selection"));
    window.frame();
    until(&mut window, "its first epoch", |window| text(window).contains("at epoch 0: mean"));
    // An epoch that only one run has is no epoch of the other.
    window.view(0).expect("open").query.minus = Some(Selection::default());
    window.press(Key::ArrowRight);
    until(&mut window, "the reason", |window| text(window).contains("epoch 2 is not recorded"));
}
