//! The walls between the rooms of `src/`: the paths that every file imports or names, and the ones that
//! its room must not name.

use std::path::Path;

use crate::source::{self, module_path, named_paths, resolved, without_comments_and_strings, without_tests};

/// A room, the parts of this crate it may name beside itself, and the outer crates and modules it
/// must not.
struct Room {
    name: &'static str,
    may: &'static [&'static str],
    must_not: &'static [&'static [&'static str]],
}

const FILES: &[&str] = &["std::fs", "std::net", "std::os", "memmap2", "tempfile"];
const FORMATS: &[&str] = &["safetensors", "jiter", "image"];
const GPU: &[&str] = &["wgpu", "naga", "egui_wgpu"];
const PANELS: &[&str] = &["egui", "egui_winit"];
const WINDOWS: &[&str] = &["winit"];
/// For the glue alone: the command line, and errors without a type.
const GLUE: &[&str] = &["clap", "indicatif", "anyhow", "env_logger"];

const ROOMS: &[Room] = &[
    Room { name: "files", may: &[], must_not: &[FORMATS, GPU, PANELS, WINDOWS, GLUE] },
    Room { name: "model", may: &[], must_not: &[FILES, FORMATS, GPU, PANELS, WINDOWS, GLUE] },
    Room { name: "stats", may: &["model"], must_not: &[FILES, FORMATS, GPU, PANELS, WINDOWS, GLUE] },
    Room { name: "format", may: &["files", "model"], must_not: &[GPU, PANELS, WINDOWS, GLUE] },
    Room {
        name: "capture",
        may: &["model", "stats", "format"],
        must_not: &[FILES, FORMATS, GPU, PANELS, WINDOWS, GLUE],
    },
    Room {
        name: "engine",
        may: &["model", "stats"],
        must_not: &[FILES, FORMATS, PANELS, &["egui_wgpu"], WINDOWS, GLUE],
    },
    Room {
        name: "scene",
        may: &["model", "stats", "insight", "engine"],
        must_not: &[FILES, FORMATS, GPU, PANELS, WINDOWS, GLUE],
    },
    Room {
        name: "export",
        may: &[
            "files",
            "model",
            "stats",
            "engine",
            "scene",
            "ui::scene::description",
            "ui::scene::overlay",
            "ui::scene::still",
            "ui::runs",
        ],
        must_not: &[&["egui_winit"], WINDOWS, GLUE],
    },
    Room {
        name: "insight",
        may: &["model", "stats"],
        must_not: &[FILES, FORMATS, GPU, PANELS, WINDOWS, GLUE],
    },
    Room { name: "ui", may: &["model", "insight"], must_not: &[FILES, FORMATS, GPU, GLUE] },
];

/// The glue may name all rooms; no room may name it.
const UNWALLED: &[&str] = &["app", "bench", "cli", "lib", "main"];

/// The forbidden paths in `text`, the contents of `file` below `src/`, one message each.
fn violations(file: &Path, text: &str) -> Vec<String> {
    let module = module_path(file);
    let Some(top) = module.first() else { return Vec::new() };
    if UNWALLED.contains(&top.as_str()) {
        return Vec::new();
    }
    let Some(room) = ROOMS.iter().find(|room| room.name == top) else {
        return vec![format!("{}: belongs to no room; give it one here", file.display())];
    };
    let mut found = Vec::new();
    for path in named_paths(&without_tests(&without_comments_and_strings(text))) {
        let within = |outer: &str| {
            let outer: Vec<&str> = outer.split("::").collect();
            path.len() >= outer.len() && path.iter().zip(&outer).all(|(a, b)| a == b)
        };
        let forbidden = match resolved(&path, &module) {
            // `super` reaches what is no room from a test or an inner module: not a wall.
            Some(inner) if path[0] == "super" && !is_top(&inner) => false,
            Some(inner) => {
                let inner = inner.join("::");
                let allowed = |part: &str| inner == part || inner.starts_with(&format!("{part}::"));
                !allowed(room.name) && !room.may.iter().any(|part| allowed(part))
            }
            None => room.must_not.iter().copied().flatten().any(|outer| within(outer)),
        };
        if forbidden {
            found.push(format!("{}: `{}` must not name `{}`", file.display(), room.name, path.join("::")));
        }
    }
    found
}

fn is_top(inner: &[String]) -> bool {
    inner.first().is_some_and(|top| {
        ROOMS.iter().any(|room| room.name == top) || UNWALLED.contains(&top.as_str()) || top == "*"
    })
}

#[test]
fn no_room_knows_what_it_must_not() {
    let files = source::files();
    let mut found = Vec::new();
    let mut named = 0;
    for (file, text) in &files {
        named += named_paths(&without_comments_and_strings(text)).len();
        // Files of tests alone are declared under `#[cfg(test)]`.
        if !source::is_for_tests(file) {
            found.extend(violations(file, text));
        }
    }
    assert!(found.is_empty(), "walls are broken:\n{}", found.join("\n"));
    assert!(files.len() > 20 && named > 200, "only {named} paths in {} files: nothing was read", files.len());
}

#[test]
fn a_broken_wall_is_found_however_it_is_written() {
    for (file, text) in [
        ("model/view.rs", "use std::fs;"),
        ("model/view.rs", "use std::{io, fs::File};"),
        ("model/view.rs", "fn f() { let x = std::fs::read(p); }"),
        ("model/view.rs", "use crate::stats::table;"),
        ("model/mod.rs", "use super::format::open;"),
        ("model/view.rs", "use super::super::{camera, engine};"),
        ("model/view.rs", "fn f() -> Result<(), anyhow::Error> { Ok(()) }"),
        ("stats/table.rs", "use crate::{\n    model::Recording,\n    format::{self, FormatError},\n};"),
        ("stats/table.rs", "pub(super) use wgpu as gpu;"),
        ("stats/table.rs", "use crate::*;"),
        ("stats/new.rs", "/* a comment */ use /* here */ crate :: engine :: Device;"),
        ("format/native/mod.rs", "let x: egui::Color32 = y;"),
        ("format/mod.rs", "use dnnviz::ui::panel;"),
        ("engine/mod.rs", "use egui_wgpu::Renderer;"),
        ("engine/trace.rs", "use winit::window::Window;"),
        ("engine/trace.rs", "use crate::cli::run;"),
        ("export/png.rs", "use crate::ui::panels::Side;"),
        ("ui/mod.rs", "fn f(x: &wgpu::Device) {}"),
        ("capture/mod.rs", "use std::fs;"),
        ("format/mod.rs", "use crate::capture::Recorder;"),
        ("ui/mod.rs", "use crate::engine::Renderer;"),
        ("ui/mod.rs", "const Q: char = '\"'; use crate::format; const R: &str = \"\\\"\";"),
        ("ui/mod.rs", "fn f<'a>(x: &'a str) { crate::format::open(x) }"),
        ("ui/mod.rs", "#[cfg(test)]\nmod tests { fn f() { {} } }\nuse crate::format;"),
        ("cellar/mod.rs", ""),
    ] {
        assert!(!violations(Path::new(file), text).is_empty(), "in {file}: {text}");
    }
}

#[test]
fn allowed_paths_pass() {
    for (file, text) in [
        ("model/view.rs", "// use std::fs;\n/* crate::stats /* nested */ wgpu::Device */"),
        ("model/view.rs", "/// See [`crate::stats::table`].\nconst X: &str = \"std::fs::read\";"),
        ("model/view.rs", "const X: &str = r#\"a \" wgpu::Device\"#; const Y: &[u8] = br\"std::fs::x\";"),
        ("model/view.rs", "use super::{Camera, selection::Selection}; use std::fmt; use self::inner::X;"),
        ("model/mod.rs", "pub use camera::Camera; pub mod view;"),
        ("stats/table.rs", "use super::{reduce, StatsError}; use crate::model::{self, Query};"),
        ("stats/mod.rs", "#[cfg(test)]\nmod tests { use crate::format; fn f() { std::fs::read(x); } }"),
        (
            "format/mod.rs",
            "use std::fs; use memmap2::Mmap; use crate::format::cache; use crate::model::Source;",
        ),
        ("engine/mod.rs", "use wgpu::Device; use crate::model::Layout;"),
        (
            "export/png.rs",
            "use crate::ui::scene::overlay::Overlay; use crate::engine::Renderer; use std::fs;",
        ),
        ("ui/mod.rs", "use egui::Ui; use crate::model::ViewState;"),
        ("capture/mod.rs", "use std::path::Path; use crate::format::RunWriter; use crate::stats::reduce;"),
        ("app.rs", "use wgpu::Device; use crate::format; use winit::window::Window;"),
        ("cli/info.rs", "use super::super::format; use anyhow::Context;"),
    ] {
        assert_eq!(violations(Path::new(file), text), Vec::<String>::new(), "in {file}: {text}");
    }
}
