//! Stills of the real dumps: they show what the numbers say, and a failed one leaves nothing behind.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use dnnviz::model::EpochIndex;
use dnnviz::stats::{Cpu, Sides};
use support::dump;

fn render(run: &Path, output: &Path, options: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dnnviz"))
        .arg("render")
        .arg(run)
        .arg("-o")
        .arg(output)
        .args(options)
        .output()
        .expect("the program starts")
}

/// Pixels of a still that succeeds.
fn picture(run: &Path, options: &[&str]) -> image::RgbaImage {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("still.png");
    let output = render(run, &file, options);
    assert!(output.status.success(), "{options:?}: {}", String::from_utf8_lossy(&output.stderr));
    image::open(&file).expect("a PNG").to_rgba8()
}

/// Share of pixels that differ visibly.
fn difference(a: &image::RgbaImage, b: &image::RgbaImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let differ = |(a, b): &(&image::Rgba<u8>, &image::Rgba<u8>)| (0..3).any(|c| a.0[c].abs_diff(b.0[c]) > 8);
    a.pixels().zip(b.pixels()).filter(differ).count() as f64 / f64::from(a.width() * a.height())
}

/// A camera that looks straight at one layer, from `dnnviz`' own layout.
fn camera_at(run: &Path, layer: usize, folder: &Path) -> PathBuf {
    let source = dnnviz::format::open(run).expect("opens");
    let layout = dnnviz::model::Layout::new(source.recording(), 1.0);
    let slab = layout.slabs[layer];
    let mut camera = dnnviz::model::Camera::of_slab(&slab, 1.0);
    // Straight at it; what stands before it is not drawn.
    (camera.yaw, camera.pitch) = (0.0, 0.0);
    let (low, high) = slab.bounds();
    let file = folder.join("camera.json");
    let text = serde_json::to_string(&camera.framing(low, high, 1.0)).expect("serialises");
    std::fs::write(&file, text).expect("written");
    file
}

#[test]
fn what_changes_the_numbers_changes_the_picture() {
    let Some(run) = dump("cnn_basic") else { return };
    let options = ["--no-overlay", "--size", "320x180"];
    let with = |more: &[&str]| picture(&run, &[&options[..], more].concat());
    let last = with(&[]);
    assert_eq!(difference(&last, &with(&[])), 0.0, "the same still twice");
    for (what, more) in [
        ("epoch", &["--epoch", "first"][..]),
        ("between epochs", &["--epoch", "1.5"]),
        ("class", &["--select", "class:3"]),
        ("input", &["--select", "input:5"]),
        ("difference", &["--select", "class:3", "--minus", "class:5"]),
        ("view", &["--view", "top"]),
        ("theme", &["--theme", "light"]),
    ] {
        let share = difference(&last, &with(more));
        assert!(share > 0.005, "{what} changes {share:.4} of the picture");
    }
    let nothing = with(&["--select", "class:3", "--minus", "class:3"]);
    let colourful = nothing.pixels().filter(|p| p.0[0].abs_diff(p.0[2]) > 40).count();
    assert_eq!(colourful, 0, "class 3 minus class 3 has no colour");
}

#[test]
fn two_runs_stand_beside_what_tells_them_apart() {
    let (Some(plain), Some(tampered)) = (dump("cnn_basic"), dump("cnn_basic_tampered")) else { return };
    let compared = |a: &Path, b: &Path| {
        let b = b.to_str().expect("UTF-8");
        let options =
            ["--run-b", b, "--select", "class:3", "--with-sides", "--no-overlay", "--size", "603x200"];
        picture(a, &options)
    };
    let (one, other) = (compared(&plain, &tampered), compared(&tampered, &plain));
    let part =
        |picture: &image::RgbaImage, at: u32| image::imageops::crop_imm(picture, at, 0, 200, 200).to_image();
    assert_eq!(difference(&part(&one, 0), &part(&other, 201)), 0.0, "A is the other's B");
    assert_eq!(difference(&part(&one, 201), &part(&other, 0)), 0.0, "B is the other's A");
    assert!(difference(&part(&one, 0), &part(&one, 201)) > 0.005, "the runs differ");
    // Blue where B is stronger, orange where A is: exchanged, each becomes the other.
    let share = |picture: &image::RgbaImage, stronger: usize, weaker: usize| {
        let vivid = |p: &&image::Rgba<u8>| p.0[stronger] > p.0[weaker].saturating_add(100);
        part(picture, 402).pixels().filter(vivid).count() as f64 / 40_000.0
    };
    let (blue, orange) = (share(&one, 2, 0), share(&one, 0, 2));
    // A sunk cell shows less than one that stands out.
    assert!(blue > 0.0003 && orange < blue / 4.0, "{blue} blue, {orange} orange");
    let (blue, orange) = (share(&other, 2, 0), share(&other, 0, 2));
    assert!(orange > 0.0005 && blue < orange / 4.0, "exchanged: {blue} blue, {orange} orange");
    let nothing = compared(&plain, &plain);
    assert_eq!(
        (share(&nothing, 2, 0), share(&nothing, 0, 2)),
        (0.0, 0.0),
        "a run differs from itself by nothing"
    );

    // Several runs: the same as each has alone, at half the width.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("two.png");
    let options = [tampered.to_str().expect("UTF-8"), "--no-overlay", "--size", "402x200"];
    assert!(render(&plain, &file, &options).status.success());
    let two = image::open(&file).expect("a PNG").to_rgba8();
    assert!(difference(&part(&two, 0), &part(&two, 201)) > 0.005);
    let too_many = [tampered.to_str().expect("UTF-8"); 7];
    let refused = render(&plain, &folder.path().join("many.png"), &too_many);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("side by side"), "{refused:?}");
}

#[test]
fn a_dead_layer_is_hatched_and_only_from_the_epoch_on_at_which_it_died() {
    let Some(run) = dump("alex_dead") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let camera = camera_at(&run, 4, folder.path());
    let options = ["--no-overlay", "--size", "400x400", "--camera", camera.to_str().expect("UTF-8")];
    let with = |epoch: &str| picture(&run, &[&options[..], &["--epoch", epoch]].concat());
    // Viridis is coloured wherever it has values; stripes and slab are grey.
    let coloured = |picture: &image::RgbaImage| {
        let middle = image::imageops::crop_imm(picture, 100, 100, 200, 200).to_image();
        let vivid = |p: &&image::Rgba<u8>| {
            p.0[..3].iter().max().zip(p.0[..3].iter().min()).is_some_and(|(a, b)| a - b > 40)
        };
        middle.pixels().filter(vivid).count() as f64 / 40_000.0
    };
    let (alive, dead) = (coloured(&with("2")), coloured(&with("4")));
    assert!(alive > 0.5, "alive at epoch 2: {alive}");
    assert!(dead < 0.01, "dead at epoch 4: {dead}");
}

#[test]
fn the_front_cells_have_the_colours_of_their_values() {
    // From the front, the middle of each cell's face is the colour map's colour of its value.
    let Some(run) = dump("cnn_basic") else { return };
    let source = dnnviz::format::open(&run).expect("opens");
    let epoch = source.recording().epochs.len() - 1;
    let query = dnnviz::model::Query::default();
    let cells =
        dnnviz::stats::cells(Sides::one(&*source), &query, EpochIndex(epoch), &Cpu).expect("values").layers;
    let layout = dnnviz::model::Layout::new(source.recording(), 1.0);
    let folder = tempfile::tempdir().expect("a folder");
    let file = camera_at(&run, 3, folder.path());
    let camera: dnnviz::model::Camera =
        serde_json::from_str(&std::fs::read_to_string(&file).expect("readable")).expect("a camera");
    let shown =
        picture(&run, &["--no-overlay", "--size", "800x800", "--camera", file.to_str().expect("UTF-8")]);
    let table = dnnviz::model::ColourMap::Viridis.table(dnnviz::model::Theme::Dark);
    let slab = layout.slabs[3];
    for (unit, &value) in cells[3].values.iter().enumerate() {
        let (column, row) = slab.grid.position(unit);
        let height = value.clamp(0.0, 1.0) * slab.max_height();
        let top = slab.cell_centre(column, row) + glam::Vec3::Z * height;
        let (at, _) = camera.project(top, 1.0).expect("in front");
        let pixel = shown.get_pixel((at.x * 800.0) as u32, (at.y * 800.0) as u32).0;
        let wanted = table[(value * 255.0).round() as usize];
        let off = (0..3).map(|c| pixel[c].abs_diff(wanted[c])).max().unwrap_or(0);
        assert!(off <= 2, "unit {unit} of value {value}: {pixel:?} for {wanted:?}");
    }
}

#[test]
fn a_still_that_cannot_be_made_says_why_in_a_line_and_leaves_nothing() {
    let Some(run) = dump("cnn_basic") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let good = folder.path().join("still.png");
    let no_camera = folder.path().join("camera.json");
    std::fs::write(&no_camera, "{\"position\": [0, 0, 1e999], \"yaw\": 0}").expect("written");
    let camera = no_camera.to_str().expect("UTF-8");
    for (file, options, told) in [
        (folder.path().join("no/such/folder/a.png"), &[][..], "cannot write"),
        (folder.path().to_owned(), &[], "cannot write"),
        (good.clone(), &["--size", "100000x100000"], "100000"),
        (good.clone(), &["--epoch", "7"], "epoch 7 is not recorded"),
        (good.clone(), &["--select", "class:cat"], "cat"),
        (good.clone(), &["--select", "right"], "predictions"),
        (good.clone(), &["--camera", camera], "camera"),
    ] {
        let output = render(&run, &file, options);
        let line = String::from_utf8_lossy(&output.stderr);
        let line = line.lines().filter(|line| line.starts_with("dnnviz:")).collect::<Vec<_>>();
        assert_eq!(output.status.code(), Some(1), "{options:?}");
        assert_eq!(line.len(), 1, "{line:?}");
        assert!(line[0].contains(told), "{options:?}: {line:?}");
        assert!(!good.exists());
        let left = std::fs::read_dir(folder.path()).expect("readable").count();
        assert_eq!(left, 1, "only the camera file lies in the folder");
    }
}

#[test]
fn edges_are_drawn_unless_told_otherwise() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
    let small = ["--size", "480x270"];
    let plain = picture(&demo, &small);
    let without = |run: &Path| picture(run, &["--size", "480x270", "--no-edges"]);
    let bare = without(&demo);
    assert!(bare != plain, "from slab to slab");

    // The same network, said to have two skips.
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    for entry in walk(&demo) {
        let to = run.join(entry.strip_prefix(&demo).expect("below it"));
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        std::fs::copy(&entry, &to).expect("a copy");
    }
    let file = run.join("manifest.json");
    let mut manifest: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&file).expect("a manifest")).expect("JSON");
    let layers = manifest["layers"].as_array().expect("layers").len();
    let chain = (1..layers).map(|layer| [layer - 1, layer]);
    manifest["edges"] =
        chain.chain([[0, 3], [2, 5]]).collect::<Vec<_>>().into_iter().map(Vec::from).collect();
    std::fs::write(&file, manifest.to_string()).expect("written");
    let branching = picture(&run, &small);
    assert!(difference(&branching, &plain) > 0.002, "ribbons: {}", difference(&branching, &plain));
    assert!(without(&run) == bare, "none when told so");
}

/// All files below a folder.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
