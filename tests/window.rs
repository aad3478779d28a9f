//! The real window on a virtual display: it is driven by mouse and keys, and what it shows is read
//! back from the display.
#![cfg(target_os = "linux")]

mod live_support;
mod support;

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use image::RgbaImage;
use live_support::Growing;
use support::dump;

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 800;
/// The scene: below the bar, left of the panels at the side, above the legend.
const SCENE: [u32; 4] = [0, 34, 960, 380];
/// The training: below the scene.
const BAR: [u32; 4] = [0, 710, 1280, 778];
/// Share of pixels of the scene that an action has to change.
const CHANGED: f64 = 0.003;
/// Colour of a control that is on.
const ON: [u8; 3] = [0x17, 0x4a, 0x5c];

/// Kills what it started.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A virtual display and a window on it. The window goes first.
struct Desk {
    window: Started,
    _display: Started,
    name: String,
    /// The working directory, with settings of nobody.
    folder: tempfile::TempDir,
}

/// Starts a display that says its own number, and the window on it; `None` where that is impossible.
fn start(run: &Path) -> Option<Desk> {
    start_on(&[run])
}

/// The same on several runs.
fn start_on(runs: &[&Path]) -> Option<Desk> {
    if !support::has_programs(&["Xvfb", "xdotool", "import"]) {
        return None;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let number = folder.path().join("display");
    let file = fs::File::create(&number).expect("a file for the display's number");
    // A new window takes at most 92 % of the screen.
    let screen = format!("{}x{}x24", WIDTH * 10 / 9, HEIGHT * 10 / 9);
    let display = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", &screen, "-nolisten", "tcp", "-noreset"])
        .stdout(file)
        .stderr(Stdio::null())
        .spawn()
        .expect("Xvfb starts");
    let display = Started(display);
    let name = wait("the display", || {
        let text = fs::read_to_string(&number).ok()?;
        text.ends_with('\n').then(|| format!(":{}", text.trim()))
    });
    let window = Command::new(env!("CARGO_BIN_EXE_dnnviz"))
        .args(runs)
        .env("DISPLAY", &name)
        .env("XDG_CONFIG_HOME", folder.path())
        .env_remove("WAYLAND_DISPLAY")
        // Nobody's session: there is no dialog of the system.
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the window's program starts");
    Some(Desk { window: Started(window), _display: display, name, folder })
}

fn wait<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{what} did not come within a minute");
        sleep(Duration::from_millis(100));
    }
}

impl Desk {
    fn tool(&self, arguments: &[&str]) -> String {
        let output = Command::new("xdotool")
            .args(arguments)
            .env("DISPLAY", &self.name)
            .output()
            .expect("xdotool runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn picture(&self) -> RgbaImage {
        let window = format!("{WIDTH}x{HEIGHT}+0+0");
        let output = Command::new("import")
            .args(["-silent", "-window", "root", "-crop", &window, "+repage", "png:-"])
            .env("DISPLAY", &self.name)
            .output()
            .expect("import runs");
        image::load_from_memory(&output.stdout).expect("a picture of the display").to_rgba8()
    }

    /// The picture once it has come to rest: two in a row are equal.
    fn rest(&self) -> RgbaImage {
        let mut last = self.picture();
        wait("rest", || {
            sleep(Duration::from_millis(400));
            let next = self.picture();
            let same = next == last;
            last = next;
            same.then_some(())
        });
        last
    }

    /// Waits for the window's title, then gives it the keyboard; returns its id.
    fn opened(&self, title: &str) -> String {
        let id = wait("the recording", || {
            let found = self.tool(&["search", "--name", title]);
            found.lines().next().map(str::to_owned)
        });
        self.tool(&["windowfocus", &id]);
        id
    }

    /// Width and height of a window.
    fn size(&self, id: &str) -> [u32; 2] {
        let told = self.tool(&["getwindowgeometry", "--shell", id]);
        ["WIDTH=", "HEIGHT="].map(|name| {
            let number = told.lines().find_map(|line| line.strip_prefix(name));
            number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no size: {told}"))
        })
    }

    /// Types a text in place of the one in the focused field, and presses Enter.
    fn enter(&self, text: &str) {
        for step in [["key", "ctrl+a"].as_slice(), &["type", "--delay", "20", text], &["key", "Return"]] {
            sleep(Duration::from_millis(400));
            self.tool(step);
        }
    }

    /// The picture, at rest, once it is as wanted.
    fn until(&self, what: &str, wanted: impl Fn(&RgbaImage) -> bool) -> RgbaImage {
        wait(what, || Some(self.rest()).filter(&wanted))
    }

    fn click(&self, x: u32, y: u32) {
        self.tool(&["mousemove", &x.to_string(), &y.to_string()]);
        sleep(Duration::from_millis(150));
        self.tool(&["click", "1"]);
        // Away from everything that lights up under the pointer.
        sleep(Duration::from_millis(150));
        self.tool(&["mousemove", "700", "20"]);
    }

    /// The text that was copied, once it is as wanted.
    fn clipboard(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        wait(what, || Some(self.copied()).filter(|text| wanted(text)))
    }

    /// The text on the clipboard; empty without one.
    fn copied(&self) -> String {
        let output = Command::new("xclip")
            .args(["-selection", "clipboard", "-out"])
            .env("DISPLAY", &self.name)
            .output()
            .expect("xclip runs");
        String::from_utf8(output.stdout).unwrap_or_default()
    }

    /// Processor time that the window has used so far, in clock ticks.
    fn ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.window.0.id())).expect("it runs");
        let after_name = stat.rsplit(')').next().expect("a name in brackets");
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        fields[11].parse::<u64>().expect("user time") + fields[12].parse::<u64>().expect("system time")
    }
}

/// Share of the scene's pixels that differ clearly.
fn changed(a: &RgbaImage, b: &RgbaImage) -> f64 {
    changed_in(SCENE, a, b)
}

/// Share of the pixels that differ clearly within left, top, right and bottom.
fn changed_in([left, top, right, bottom]: [u32; 4], a: &RgbaImage, b: &RgbaImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let differ = |x: u32, y: u32| {
        a.get_pixel(x, y).0.iter().zip(b.get_pixel(x, y).0).any(|(&a, b)| a.abs_diff(b) > 12)
    };
    let count = (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y))).filter(|&(x, y)| differ(x, y));
    count.count() as f64 / f64::from((right - left) * (bottom - top))
}

/// The pixels of one of `of` columns, between the header and the legend.
fn column(index: u32, of: u32) -> [u32; 4] {
    let width = 990 / of;
    [index * width + 4, 66, (index + 1) * width - 4, 380]
}

/// Share of the pixels within left, top, right and bottom that are of a colour.
fn share([left, top, right, bottom]: [u32; 4], picture: &RgbaImage, is: impl Fn([u8; 3]) -> bool) -> f64 {
    let pixels = (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y)));
    let count = pixels.filter(|&(x, y)| {
        let [r, g, b, _] = picture.get_pixel(x, y).0;
        is([r, g, b])
    });
    count.count() as f64 / f64::from((right - left) * (bottom - top))
}

/// Returns `true` if the badge is lit that says that the newest epoch is followed: nothing else below the
/// scene is filled like a control that is on.
fn follows(picture: &RgbaImage) -> bool {
    let [left, top, right, bottom] = BAR;
    let lit = |x: u32, y: u32| picture.get_pixel(x, y).0[..3] == ON;
    (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y))).filter(|&(x, y)| lit(x, y)).count() > 400
}

/// Share of the scene's pixels that are not the ground.
fn covered(picture: &RgbaImage) -> f64 {
    let ground =
        RgbaImage::from_pixel(picture.width(), picture.height(), image::Rgba([0x14, 0x16, 0x1a, 255]));
    changed(picture, &ground)
}

#[test]
fn the_comparison_sees_what_differs_and_only_that() {
    let plain = RgbaImage::from_pixel(WIDTH, HEIGHT, image::Rgba([0x14, 0x16, 0x1a, 255]));
    let mut other = plain.clone();
    for x in 0..960 {
        for y in 40..44 {
            other.put_pixel(x, y, image::Rgba([200, 0, 0, 255]));
        }
    }
    assert_eq!(changed(&plain, &plain), 0.0);
    assert!((changed(&plain, &other) - 4.0 / 346.0).abs() < 1e-9);
    assert!((covered(&other) - 4.0 / 346.0).abs() < 1e-9);
}

#[test]
fn a_person_plays_flies_and_picks_a_class() {
    let Some(run) = dump("cnn_basic") else { return };
    let Some(desk) = start(&run) else { return };
    desk.opened("CNN_basic");
    desk.tool(&["mousemove", "700", "20"]);
    let scene = wait("the scene", || {
        let picture = desk.rest();
        (covered(&picture) > 0.05).then_some(picture)
    });

    // Idle: nothing changes and no processor time is used.
    let before = desk.ticks();
    sleep(Duration::from_secs(1));
    let used = desk.ticks() - before;
    assert!(desk.picture() == scene, "an idle window shows the same picture");
    assert!(used <= 2, "an idle window used {used} ticks in a second");

    // A step back and forward through the epochs.
    desk.tool(&["key", "Home"]);
    let last = desk.rest();
    for _ in 0..8 {
        desk.tool(&["key", "Left"]);
    }
    let earlier = desk.rest();
    assert!(changed(&last, &earlier) > CHANGED, "an earlier epoch differs: {}", changed(&last, &earlier));
    for _ in 0..8 {
        desk.tool(&["key", "Right"]);
    }
    let back = desk.rest();
    assert!(changed(&last, &back) == 0.0, "and the last looks as before: {}", changed(&last, &back));

    // Playing from the last epoch begins at the first; the pictures flow until it is paused.
    desk.tool(&["key", "space"]);
    sleep(Duration::from_millis(900));
    let one = desk.picture();
    sleep(Duration::from_millis(700));
    let two = desk.picture();
    assert!(changed(&one, &two) > 0.0, "playing changes the picture");
    desk.tool(&["key", "space"]);
    let paused = desk.rest();
    assert!(changed(&last, &paused) > CHANGED, "it is paused elsewhere");

    // Flying forward brings the slabs nearer, Home comes back.
    desk.tool(&["keydown", "w"]);
    sleep(Duration::from_millis(800));
    desk.tool(&["keyup", "w"]);
    let near = desk.rest();
    assert!(
        covered(&near) > 1.1 * covered(&paused),
        "nearer slabs are larger: {} and {}",
        covered(&near),
        covered(&paused)
    );
    desk.tool(&["key", "Home"]);
    let home = desk.rest();
    assert!(changed(&home, &paused) < 0.001, "Home is where it began: {}", changed(&home, &paused));

    // A double click on a slab frames it.
    let double_click = || {
        desk.tool(&["mousemove", "225", "350"]);
        sleep(Duration::from_millis(300));
        desk.tool(&["click", "--repeat", "2", "--delay", "150", "1"]);
        desk.tool(&["mousemove", "700", "20"]);
        desk.rest()
    };
    // On a busy machine two clicks can come too late after each other to be a double click.
    let mut framed = double_click();
    for _ in 0..3 {
        if changed(&home, &framed) <= 0.1 {
            framed = double_click();
        }
    }
    assert!(changed(&home, &framed) > 0.1, "a framed slab fills the scene: {}", changed(&home, &framed));
    desk.tool(&["key", "Home"]);
    let home = desk.rest();

    // Looking around by mouse, and from above by key.
    for step in [
        ["mousemove", "420", "430"].as_slice(),
        &["mousedown", "1"],
        &["mousemove", "460", "425"],
        &["mousemove", "520", "420"],
        &["mousemove", "580", "415"],
        &["mouseup", "1"],
        &["mousemove", "700", "20"],
    ] {
        desk.tool(step);
        sleep(Duration::from_millis(150));
    }
    let orbited = desk.rest();
    assert!(changed(&home, &orbited) > 0.05, "orbiting turns the scene: {}", changed(&home, &orbited));
    desk.tool(&["key", "3"]);
    let above = desk.rest();
    assert!(changed(&orbited, &above) > 0.05, "the view from above is another");
    desk.tool(&["key", "1"]);
    let overview = desk.rest();

    // Picking a class by mouse: "Class", then the second row of the first column.
    desk.click(1136, 210);
    let first_class = desk.rest();
    assert!(changed(&overview, &first_class) > CHANGED, "class 0 is not the general picture");
    desk.click(1010, 256);
    let second_class = desk.rest();
    assert!(changed(&first_class, &second_class) > CHANGED, "class 1 is not class 0");

    // The window closes when asked.
    desk.tool(&["key", "ctrl+q"]);
    let mut desk = desk;
    let status = wait("the end", || desk.window.0.try_wait().ok().flatten());
    assert!(status.success(), "closing a window is no error: {status}");
}

/// The table of layers and the profile of a unit.
const LAYERS: [u32; 4] = [10, 530, 540, 700];
const UNIT: [u32; 4] = [556, 530, 970, 700];

#[test]
fn a_whole_session_is_copied_and_opened_again() {
    let Some(run) = dump("cnn_basic") else { return };
    if !support::has_programs(&["xclip"]) {
        return;
    }
    let Some(desk) = start(&run) else { return };
    desk.opened("CNN_basic");
    desk.tool(&["mousemove", "700", "20"]);
    let opened = desk.until("the scene", |picture| covered(picture) > 0.05);

    // Play, and come to rest at an epoch in the middle: a click on the curve.
    desk.tool(&["key", "space"]);
    sleep(Duration::from_millis(900));
    let playing = desk.picture();
    assert!(changed(&opened, &playing) > 0.0, "it plays");
    desk.tool(&["key", "space"]);
    desk.click(612, 740);
    let epoch = desk.rest();

    // One class by mouse, another to subtract by keys.
    desk.click(1136, 210);
    desk.click(1010, 256);
    let class = desk.until("a class", |picture| changed(&epoch, picture) > CHANGED);
    // The cursor in the box blinks: there is no rest.
    for step in [["key", "ctrl+k"], ["type", "minus class 5"], ["key", "Return"]] {
        desk.tool(&step);
        sleep(Duration::from_millis(600));
    }
    let differs = desk.until("the difference", |picture| changed(&class, picture) > 0.05);

    // A cell says what it is when it is pointed at, and tells its life when it is clicked.
    desk.tool(&["mousemove", "432", "246"]);
    let beside = [448, 256, 590, 326];
    let pointed = desk.until("what the cell is", |picture| changed_in(beside, &differs, picture) > 0.1);
    assert!(changed_in(UNIT, &differs, &pointed) == 0.0, "pointing pins nothing");
    desk.tool(&["click", "1"]);
    desk.tool(&["mousemove", "700", "20"]);
    let pinned = desk.until("the biography", |picture| changed_in(UNIT, &differs, picture) > 0.05);

    // The last layer, hidden by its row and the button above.
    desk.click(60, 624);
    let row = desk.until("the row", |picture| changed_in(LAYERS, &pinned, picture) > 0.01);
    desk.click(272, 513);
    desk.until("a layer less", |picture| changed(&row, picture) > CHANGED);
    desk.tool(&["key", "Escape"]);

    // In words, and as a view.
    desk.tool(&["key", "ctrl+i"]);
    let words = desk.clipboard("words", |text| text.starts_with("CNN_basic: 4 layers, 154 units"));
    for part in ["class 1 minus class 5", "Hidden: 4.", "Pinned: unit 30 of 2."] {
        assert!(words.contains(part), "{words}");
    }
    desk.tool(&["key", "ctrl+j"]);
    let view = desk.clipboard("the view", |text| text.contains("dnnviz_view"));
    let before = desk.rest();
    drop(desk);

    // The same view, opened from a file by another window.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("view.json");
    fs::write(&file, view).expect("a file of the view");
    let Some(desk) = start(&file) else { return };
    desk.opened("CNN_basic");
    desk.tool(&["mousemove", "700", "20"]);
    desk.until("the same scene and unit", |picture| {
        changed(&before, picture) < 0.001 && changed_in(UNIT, &before, picture) < 0.01
    });
}

#[test]
fn two_runs_stand_side_by_side_and_are_subtracted() {
    let (Some(run), Some(tampered)) = (dump("cnn_basic"), dump("cnn_basic_tampered")) else { return };
    let Some(desk) = start_on(&[&run, &tampered]) else { return };
    desk.opened("cnn_basic, cnn_basic_tampered");
    desk.tool(&["mousemove", "1100", "760"]);
    let lit = |area: [u32; 4], picture: &RgbaImage| share(area, picture, |[r, g, b]| r.max(g).max(b) > 60);
    let two = desk.until("two pictures", |picture| (0..2).all(|index| lit(column(index, 2), picture) > 0.02));

    // The networks part in the third layer; the difference tells where, by its sign.
    desk.tool(&["key", "m"]);
    desk.until("three pictures", |picture| {
        changed(&two, picture) > CHANGED && (0..3).all(|index| lit(column(index, 3), picture) > 0.01)
    });
    // Once all epochs are loaded, the ranges stay.
    let three = desk.rest();
    let blue = |[r, _, b]: [u8; 3]| b > 120 && b > r.saturating_add(60);
    let orange = |[r, _, b]: [u8; 3]| r > 120 && r > b.saturating_add(60);
    let third = column(2, 3);
    let (more, less) = (share(third, &three, orange), share(third, &three, blue));
    assert!(more > 0.0005 && less > 0.0005, "{more} and {less}");

    // Swapped, more is less; the others stay as they are.
    desk.tool(&["key", "x"]);
    desk.until("the swapped picture", |picture| changed(&three, picture) > 0.0005);
    let swapped = desk.rest();
    // Above the legend, whose height depends on its text.
    let [left, top, right, _] = third;
    let bottom = 300;
    let (mut signed, mut inverted) = (0, 0);
    for (x, y) in (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y))) {
        let [before, now] = [&three, &swapped].map(|picture| {
            let [r, g, b, _] = picture.get_pixel(x, y).0;
            [r, g, b]
        });
        signed += u32::from(orange(before) || blue(before));
        inverted += u32::from((orange(before) && now[2] > now[0]) || (blue(before) && now[0] > now[2]));
    }
    assert!(f64::from(inverted) > 0.95 * f64::from(signed), "{inverted} of {signed} are inverted");
    for index in 0..2 {
        assert_eq!(changed_in(column(index, 3), &three, &swapped), 0.0, "column {index}");
    }
    desk.tool(&["key", "x"]);
    desk.until("the first picture", |picture| changed(&three, picture) == 0.0);

    // A hand in one column leads the camera of all.
    for step in [
        ["mousemove", "150", "300"].as_slice(),
        &["mousedown", "1"],
        &["mousemove", "200", "310"],
        &["mousemove", "250", "320"],
        &["mouseup", "1"],
        &["mousemove", "1100", "760"],
    ] {
        desk.tool(step);
        sleep(Duration::from_millis(150));
    }
    let orbited = desk.rest();
    for index in 0..3 {
        let share = changed_in(column(index, 3), &three, &orbited);
        assert!(share > 0.02, "column {index} is seen from elsewhere: {share}");
    }

    // Idle, and gone by force.
    let before = desk.ticks();
    sleep(Duration::from_secs(1));
    assert!(desk.ticks() - before <= 2, "an idle window used {} ticks", desk.ticks() - before);
    let found = desk.tool(&["search", "--name", "cnn_basic"]);
    desk.tool(&["windowclose", found.lines().next().expect("a window")]);
    let mut desk = desk;
    let status = wait("the end", || desk.window.0.try_wait().ok().flatten());
    assert!(status.success(), "a destroyed window is no crash: {status}");
}

#[test]
fn a_window_opened_before_the_run_sees_its_epochs_come() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("runs/net");
    let Some(desk) = start(&path) else { return };
    desk.opened("dnnviz");
    desk.tool(&["mousemove", "700", "20"]);
    let waiting = desk.until("the waiting text", |picture| covered(picture) > 0.0005);
    assert!(covered(&waiting) < 0.02, "words on an empty ground: {}", covered(&waiting));

    // The network is known.
    fs::create_dir(folder.path().join("runs")).expect("a folder");
    let mut run = Growing::begin(&path, "LiveNet", &[36, 64, 10]);
    desk.opened("LiveNet");
    let slabs = desk.until("the slabs", |picture| covered(picture) > 0.05 && follows(picture));

    // Epochs arrive, each another picture, without anyone touching the window.
    let mut last = slabs;
    for epoch in 0..4 {
        run.append();
        let next = desk.until("the next epoch", |picture| changed(&last, picture) > CHANGED);
        assert!(follows(&next), "epoch {epoch} is followed");
        assert!(changed_in(BAR, &last, &next) > 0.0, "and stands below the scene");
        last = next;
    }

    // Who has scrubbed back stays there when the next one comes.
    desk.tool(&["key", "Left"]);
    let back = desk.until("the epoch before", |picture| changed(&last, picture) > CHANGED);
    assert!(!follows(&back), "the badge is out");
    run.append();
    let grown = desk.until("the longer slider", |picture| changed_in(BAR, &back, picture) > 0.001);
    assert_eq!(changed(&back, &grown), 0.0, "the picture does not jump");

    // Until they ask for the newest.
    desk.tool(&["key", "End"]);
    let newest = desk.until("the newest epoch", |picture| changed(&grown, picture) > CHANGED);
    assert!(follows(&newest));
    run.append();
    let next = desk.until("the next epoch", |picture| changed(&newest, picture) > CHANGED);
    assert!(follows(&next));

    // The badge goes with the writer, and the picture stays.
    drop(run);
    let ended = desk.until("the end of the badge", |picture| !follows(picture));
    assert_eq!(changed(&next, &ended), 0.0);
    fs::remove_dir_all(folder.path().join("runs")).expect("removed");
    let gone = desk.until("the note", |picture| changed(&ended, picture) > 0.0);
    assert!(changed(&ended, &gone) < 0.02, "a note over what was there: {}", changed(&ended, &gone));
}

/// A network learns the bundled digits in PyTorch; after each epoch it waits for a line, so that
/// there is time to look.
const TRAINING: &str = r#"
import json, sys
import numpy as np, torch
from torch import nn
import dnnviz

data = open(sys.argv[2], "rb").read()
start = 8 + int.from_bytes(data[:8], "little")
at = {name: data[start + part["data_offsets"][0] : start + part["data_offsets"][1]]
      for name, part in json.loads(data[8:start]).items() if name != "__metadata__"}
x = torch.from_numpy(np.frombuffer(at["images"], np.uint8).reshape(-1, 1, 8, 8).astype(np.float32) / 16)
y = torch.from_numpy(np.frombuffer(at["labels"], np.uint8).astype(np.int64))
torch.manual_seed(0)
torch.set_num_threads(1)
model = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), 3e-3)
rec = dnnviz.Recorder(sys.argv[1], model, inputs=(x[:200], y[:200]), name="Digits")
for epoch in range(4):
    for batch in torch.randperm(len(x)).split(64):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
        loss.backward()
        optimizer.step()
    rec.epoch(epoch, accuracy=(model(x).argmax(1) == y).float().mean(), loss=loss)
    sys.stdin.readline()
"#;

#[test]
fn a_training_in_pytorch_is_seen_while_it_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if !support::has_python("torch") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("runs/digits");
    let Some(desk) = start(&path) else { return };
    desk.opened("dnnviz");
    desk.tool(&["mousemove", "700", "20"]);
    let mut last = desk.until("the waiting text", |picture| covered(picture) > 0.0005);
    let training = Command::new("python3")
        .args(["-c", TRAINING])
        .arg(&path)
        .arg(root.join("assets/digits/digits.safetensors"))
        .env("PYTHONPATH", root.join("python"))
        .stdin(Stdio::piped())
        .spawn()
        .expect("the training starts");
    let mut training = Started(training);
    desk.opened("Digits");
    for epoch in 0..4 {
        let next = desk.until("the next epoch", |picture| {
            covered(picture) > 0.05 && changed(&last, picture) > CHANGED && follows(picture)
        });
        assert!(changed_in(BAR, &last, &next) > 0.0, "epoch {epoch} stands below the scene");
        last = next;
        writeln!(training.0.stdin.as_ref().expect("a pipe")).expect("the training is there");
    }
    let status = wait("the end of the training", || training.0.try_wait().ok().flatten());
    assert!(status.success(), "{status}");
    let ended = desk.until("the end of the badge", |picture| !follows(picture));
    assert_eq!(changed(&last, &ended), 0.0, "the last epoch stays");
    let source = dnnviz::format::open(&path).expect("opens");
    assert_eq!(source.recording().epochs.len(), 4);
    let accuracy = source.recording().epochs[3].accuracy.expect("recorded");
    assert!(accuracy > 90.0, "it has learned: {accuracy} %");
}

#[test]
fn full_screen_is_left_by_the_key_that_entered_it_and_by_escape() {
    let Some(run) = dump("cnn_basic") else { return };
    if !support::has_programs(&["blackbox"]) {
        return;
    }
    let Some(desk) = start(&run) else { return };
    // Only a window manager gives a window the whole screen.
    let manager = Command::new("blackbox").env("DISPLAY", &desk.name).stderr(Stdio::null()).spawn();
    let _manager = Started(manager.expect("a window manager"));
    let id = desk.opened("CNN_basic");
    wait("the window manager", || desk.tool(&["getactivewindow"]).trim().parse::<u64>().ok());
    let screen = [WIDTH * 10 / 9, HEIGHT * 10 / 9];
    let before = desk.size(&id);
    assert!(before[0] < screen[0] && before[1] < screen[1], "{before:?}");
    for leave in ["F11", "Escape", "F11"] {
        desk.tool(&["key", "F11"]);
        wait("the whole screen", || (desk.size(&id) == screen).then_some(()));
        // The picture fills it.
        desk.rest();
        desk.tool(&["key", leave]);
        wait("the window", || (desk.size(&id) == before).then_some(()));
    }
}

#[test]
fn without_a_dialog_paths_are_typed_to_open_and_to_save() {
    let (Some(run), Some(other)) = (dump("cnn_basic"), dump("cnn_basic_tampered")) else { return };
    if !support::has_programs(&["xclip"]) {
        return;
    }
    let Some(desk) = start(&run) else { return };
    desk.opened("CNN_basic");
    desk.tool(&["mousemove", "700", "20"]);
    desk.until("the scene", |picture| covered(picture) > 0.05);

    // A mistyped path comes back for correction, and the run stays.
    desk.tool(&["key", "ctrl+o"]);
    sleep(Duration::from_secs(1));
    let wrong = format!("{}x", other.display());
    desk.enter(&wrong);
    sleep(Duration::from_secs(1));
    assert!(!desk.tool(&["search", "--name", "CNN_basic"]).is_empty(), "the run stays");
    // Its text is still there: one character less, and it is the other run.
    for key in ["End", "BackSpace", "Return"] {
        desk.tool(&["key", key]);
        sleep(Duration::from_millis(300));
    }
    wait("the other run", || {
        desk.tool(&["key", "ctrl+j"]);
        sleep(Duration::from_millis(300));
        desk.copied().contains(&format!("{}\"", other.display())).then_some(())
    });

    // A picture goes where one says, and nowhere else.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("the picture");
    desk.tool(&["key", "ctrl+s"]);
    desk.enter(&path.display().to_string());
    let saved = folder.path().join("the picture.png");
    let picture = wait("the picture", || image::open(&saved).ok());
    assert_eq!((picture.width(), picture.height()), (1920, 1080));
    let here = fs::read_dir(desk.folder.path()).expect("the folder of the window");
    let pictures = here.filter(|entry| {
        let entry = entry.as_ref().expect("an entry");
        entry.path().extension().is_some_and(|extension| extension == "png")
    });
    assert_eq!(pictures.count(), 0, "nothing in the working directory");
}

#[test]
fn what_cannot_be_opened_is_told_in_one_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("notes.txt"), "no recording").expect("a file");
    let Some(mut desk) = start(folder.path()) else { return };
    let status = wait("the end", || desk.window.0.try_wait().ok().flatten());
    assert_eq!(status.code(), Some(1));
    let mut told = String::new();
    let mut errors = desk.window.0.stderr.take().expect("a pipe");
    errors.read_to_string(&mut told).expect("text");
    let ours: Vec<&str> = told.lines().filter(|line| line.starts_with("dnnviz: ")).collect();
    assert!(matches!(ours.as_slice(), [line] if line.contains(&*folder.path().to_string_lossy())), "{told}");
}
