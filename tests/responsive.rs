//! The window responds within [`STALL`], however much is read, searched or written.
//! The times are of the window's thread; what drawing takes is apart.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use dnnviz::app::offscreen::Offscreen;
use dnnviz::model::{Selection, Term};
use egui::Event;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(120);
/// The shortest delay that a person would notice.
const STALL: Duration = Duration::from_millis(50);

fn window(run: &Path) -> Option<Offscreen> {
    let gpu = support::gpu()?;
    let mut window = Offscreen::open(gpu, &[run.to_owned()], [1280, 1400]).with_accessibility();
    // The first frame makes the glyphs.
    window.frame();
    window.take_longest_block();
    Some(window)
}

/// Draws frames, at least one, until something is so; returns the longest hold and how many there were.
fn held_until(window: &mut Offscreen, what: &str, so: impl Fn(&Offscreen) -> bool) -> (Duration, usize) {
    let start = Instant::now();
    let (mut longest, mut frames) = (Duration::ZERO, 0);
    loop {
        assert!(start.elapsed() < PATIENCE, "{what} did not come");
        window.wait_until(Duration::from_millis(5), |_| false).expect("it goes on");
        window.frame();
        frames += 1;
        longest = longest.max(window.take_longest_block());
        if so(window) {
            return (longest, frames);
        }
    }
}

/// Draws so many frames; returns the longest hold since the last one and their number.
fn held_for(window: &mut Offscreen, frames: usize) -> (Duration, usize) {
    let mut longest = window.take_longest_block();
    for _ in 0..frames {
        window.frame();
        longest = longest.max(window.take_longest_block());
    }
    (longest, frames)
}

#[track_caller]
fn expect_no_stall(what: &str, (longest, frames): (Duration, usize)) {
    println!("{what}: {frames} frames, the longest hold {:.1} ms", 1e3 * longest.as_secs_f64());
    assert!(longest < STALL, "{what}: a hold of {longest:?}");
}

fn synth(arguments: &[&str]) -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a temporary folder");
    let run = folder.path().join("run");
    let mut command = Command::new(env!("CARGO_BIN_EXE_dnnviz"));
    let made = command.args(["synth", "-o"]).arg(&run).args(arguments).output().expect("it runs");
    assert!(made.status.success(), "{made:?}");
    (folder, run)
}

/// A recording whose values are as many bytes as asked for, and which was written by others before: named
/// by `DNNVIZ_LARGE_RUN`, it may be of any size.
#[test]
fn a_large_recording_opens_without_a_stall() {
    let (_folder, run) = match std::env::var_os("DNNVIZ_LARGE_RUN") {
        Some(run) => (None, PathBuf::from(run)),
        None => {
            let (folder, run) = synth(&["--units", "20000", "--inputs", "2000", "--epochs", "3"]);
            (Some(folder), run)
        }
    };
    let Some(mut window) = window(&run) else { return };
    let held = held_until(&mut window, "the picture", |window| window.is_settled(0));
    expect_no_stall("opening a large recording", held);
    window.press(egui::Key::ArrowLeft);
    let held = held_until(&mut window, "the epoch before", |window| window.is_settled(0));
    expect_no_stall("an epoch back", held);
}

#[test]
fn a_dump_of_thousands_of_files_opens_without_a_stall() {
    let Some(dump) = support::dump("cnn_basic/activations") else { return };
    let folder = TempDir::new().expect("a temporary folder");
    let to = folder.path().join("activations");
    let files = multiplied(&dump, &to, 72);
    assert!(files > 5000, "{files}");
    let Some(mut window) = window(&to) else { return };
    let held = held_until(&mut window, "the picture", |window| window.is_settled(0));
    expect_no_stall("opening a dump of thousands of files", held);
    let before = window.shown_epoch();
    window.press(egui::Key::ArrowLeft);
    let other = |window: &Offscreen| window.is_settled(0) && window.shown_epoch() != before;
    let held = held_until(&mut window, "another epoch", other);
    expect_no_stall("another epoch of it", held);
}

/// Writes a dump of so many epochs, each with the files of the last one of another; returns how many files
/// it has.
fn multiplied(from: &Path, to: &Path, epochs: usize) -> usize {
    let text = fs::read_to_string(from.join("manifest.json")).expect("a manifest");
    let mut manifest: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let last = from.join("data").join("epoch19");
    let mut files = 0;
    for epoch in 0..epochs {
        let folder = to.join("data").join(format!("epoch{epoch}"));
        fs::create_dir_all(&folder).expect("a folder");
        for entry in fs::read_dir(&last).expect("files") {
            let path = entry.expect("a file").path();
            let name = path.file_name().expect("a name");
            fs::hard_link(&path, folder.join(name))
                .or_else(|_| fs::copy(&path, folder.join(name)).map(drop))
                .expect("a copy");
            files += 1;
        }
    }
    let of = |number: usize| {
        let epoch = serde_json::json!({
            "number": number,
            "accuracy": number,
            "folder": format!("/epoch{number}"),
            "datetime": "Sunday, 22. November 2026 08:34PM",
        });
        (number.to_string(), epoch)
    };
    manifest["epochs"] = (0..epochs).map(of).collect::<serde_json::Map<_, _>>().into();
    fs::write(to.join("manifest.json"), manifest.to_string()).expect("a manifest");
    files
}

#[test]
fn thousands_of_epochs_open_without_a_stall() {
    let small = ["--units", "7", "--layers", "2", "--classes", "2", "--inputs", "20", "--epochs", "3000"];
    let (_folder, run) = synth(&small);
    let Some(mut window) = window(&run) else { return };
    let held = held_until(&mut window, "the picture", |window| window.is_settled(0));
    expect_no_stall("opening thousands of epochs", held);
    // While the epochs around are loaded.
    expect_no_stall("loading thousands of epochs", held_for(&mut window, 100));
    window.press(egui::Key::OpenBracket);
    let held = held_until(&mut window, "the first epoch", |window| window.shown_epoch() == Some(0.0));
    expect_no_stall("the first of thousands of epochs", held);
}

#[test]
fn a_million_inputs_are_searched_without_a_stall() {
    let (_folder, run) = synth(&["--units", "16", "--layers", "2", "--inputs", "1000000", "--epochs", "2"]);
    let Some(mut window) = window(&run) else { return };
    let held = held_until(&mut window, "the picture", |window| window.is_settled(0));
    expect_no_stall("opening a million inputs", held);
    assert!(window.click("Show: Input"));
    let held = held_until(&mut window, "the first input", |window| window.is_settled(0));
    expect_no_stall("choosing an input", held);
    let focus = egui::accesskit::Action::Focus;
    assert!(window.act("Show: search inputs", focus, None));
    for letter in ["9", "9", "8"] {
        window.send_event(Event::Text(letter.to_owned()));
        let held = held_for(&mut window, 30);
        expect_no_stall("searching a million inputs", held);
    }
    let chosen = (0..300_000).map(|range| 3 * range..=3 * range + 1).collect();
    let select = Selection { terms: vec![Term::Input(chosen)], epoch: None };
    window.view(0).expect("it is open").query.select = select;
    held_until(&mut window, "many inputs", |window| window.is_settled(0));
    let held = held_for(&mut window, 30);
    expect_no_stall("frames with hundreds of thousands of ranges of inputs", held);
}
