//! The walls between the rooms of `src/`: reads what every file imports or names by path, and fails
//! when a room knows what it must not.

use std::fs;
use std::path::{Path, PathBuf};

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
/// What belongs to the glue: the command line, and errors without a type.
const GLUE: &[&str] = &["clap", "indicatif", "anyhow", "env_logger"];

const ROOMS: &[Room] = &[
    Room { name: "model", may: &[], must_not: &[FILES, FORMATS, GPU, PANELS, WINDOWS, GLUE] },
    Room { name: "stats", may: &["model"], must_not: &[FILES, FORMATS, GPU, PANELS, WINDOWS, GLUE] },
    Room { name: "format", may: &["model"], must_not: &[GPU, PANELS, WINDOWS, GLUE] },
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
        name: "export",
        may: &["model", "stats", "engine", "ui::overlay", "ui::Overlay", "ui::still", "ui::runs"],
        must_not: &[&["egui_winit"], WINDOWS, GLUE],
    },
    Room {
        name: "insight",
        may: &["model", "stats"],
        must_not: &[FILES, FORMATS, GPU, PANELS, WINDOWS, GLUE],
    },
    Room { name: "ui", may: &["model", "insight"], must_not: &[FILES, FORMATS, GPU, GLUE] },
];

/// What binds the rooms together may name all of them; no room may name it.
const UNWALLED: &[&str] = &["app", "bench", "cli", "lib", "main"];

/// What `text`, the file at `file` below `src/`, names that it must not.
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

/// Where a path leads within this crate, from its root; `None` when it leads out of it.
fn resolved(path: &[String], module: &[String]) -> Option<Vec<String>> {
    match path[0].as_str() {
        "crate" | "dnnviz" => Some(path[1..].to_vec()),
        "self" => Some(module.iter().chain(&path[1..]).cloned().collect()),
        "super" => {
            let ups = path.iter().take_while(|part| *part == "super").count();
            let base = &module[..module.len().saturating_sub(ups)];
            Some(base.iter().chain(&path[ups..]).cloned().collect())
        }
        _ => None,
    }
}

/// `stats/table.rs` is `[stats, table]`, `stats/mod.rs` is `[stats]`.
fn module_path(file: &Path) -> Vec<String> {
    let parts = file.with_extension("");
    let mut parts: Vec<String> =
        parts.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

/// The text with comments and the contents of literals blanked out.
fn without_comments_and_strings(text: &str) -> String {
    let text: Vec<char> = text.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    while at < text.len() {
        let rest = &text[at..];
        let begins = |with: &str| with.chars().enumerate().all(|(i, c)| rest.get(i) == Some(&c));
        let length = if begins("//") {
            rest.iter().position(|&c| c == '\n').unwrap_or(rest.len())
        } else if begins("/*") {
            let mut depth = 0;
            let mut length = 0;
            while length < rest.len() {
                match (rest[length], rest.get(length + 1)) {
                    ('/', Some('*')) => (depth, length) = (depth + 1, length + 2),
                    ('*', Some('/')) => (depth, length) = (depth - 1, length + 2),
                    _ => length += 1,
                }
                if depth == 0 {
                    break;
                }
            }
            length
        } else if rest[0] == 'r'
            && !at.checked_sub(1).is_some_and(|before| is_word(text[before]) && text[before] != 'b')
        {
            // A raw string, or a word that begins with r.
            let hashes = rest[1..].iter().take_while(|&&c| c == '#').count();
            if rest.get(1 + hashes) == Some(&'"') {
                let body = 2 + hashes;
                let closes = |end: usize| {
                    rest[end] == '"' && rest[end + 1..].iter().take_while(|&&c| c == '#').count() >= hashes
                };
                (body..rest.len()).find(|&end| closes(end)).map_or(rest.len(), |end| end + 1 + hashes)
            } else {
                0
            }
        } else if rest[0] == '"' {
            literal_length(rest, '"')
        } else if rest[0] == '\'' && (rest.get(1) == Some(&'\\') || rest.get(2) == Some(&'\'')) {
            literal_length(rest, '\'')
        } else {
            0
        };
        if length == 0 {
            out.push(rest[0]);
            at += 1;
        } else {
            out.push(' ');
            at += length;
        }
    }
    out
}

fn literal_length(rest: &[char], quote: char) -> usize {
    let mut end = 1;
    while end < rest.len() && rest[end] != quote {
        end += if rest[end] == '\\' { 2 } else { 1 };
    }
    (end + 1).min(rest.len())
}

/// The text without what is only compiled for tests: an oracle may come from anywhere.
fn without_tests(text: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::new();
    let mut rest = text;
    while let Some(mark) = rest.find(MARK) {
        out.push_str(&rest[..mark]);
        let item = &rest[mark + MARK.len()..];
        let mut depth = 0_i32;
        let end = item.char_indices().find(|&(_, c)| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0 && (c == ';' || c == '}')
        });
        rest = end.map_or("", |(index, _)| &item[index + 1..]);
    }
    out + rest
}

/// Every path of two parts or more, and every imported one.
fn named_paths(text: &str) -> Vec<Vec<String>> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at] == "use" {
            at = use_tree(&tokens, at + 1, &[], &mut found);
        } else if is_name(&tokens[at]) {
            let mut path = vec![tokens[at].clone()];
            while tokens.get(at + 1).is_some_and(|t| t == "::")
                && tokens.get(at + 2).is_some_and(|t| is_name(t))
            {
                at += 2;
                path.push(tokens[at].clone());
            }
            if path.len() > 1 {
                found.push(path);
            }
            at += 1;
        } else {
            at += 1;
        }
    }
    found
}

/// Reads one branch of a `use` from `at` on; returns where it ends.
fn use_tree(tokens: &[String], mut at: usize, before: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "::" => {}
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}") {
                    at = use_tree(tokens, at, &path, found);
                    if tokens.get(at).is_some_and(|token| token == ",") {
                        at += 1;
                    }
                }
                return at + 1;
            }
            // Another name for it.
            "as" => at += 1,
            "*" => path.push("*".to_owned()),
            name if is_name(name) => path.push(name.to_owned()),
            _ => break,
        }
        at += 1;
    }
    if path.len() > before.len() {
        found.push(path);
    }
    at
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_alphanumeric() || c == '_' {
            let mut word = c.to_string();
            while let Some(&next) = chars.peek().filter(|c| c.is_alphanumeric() || **c == '_') {
                word.push(next);
                chars.next();
            }
            tokens.push(word);
        } else if c == ':' && chars.peek() == Some(&':') {
            chars.next();
            tokens.push("::".to_owned());
        } else if !c.is_whitespace() {
            tokens.push(c.to_string());
        }
    }
    tokens
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_room_knows_what_it_must_not() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let mut found = Vec::new();
    let mut named = 0;
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        named += named_paths(&without_comments_and_strings(&text)).len();
        let below = file.strip_prefix(&src).unwrap();
        // Files of tests alone are declared under `#[cfg(test)]`.
        if !below.ends_with("testing.rs") && !below.ends_with("tests.rs") {
            found.extend(violations(below, &text));
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
fn what_a_room_may_know_is_let_through() {
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
        ("export/png.rs", "use crate::ui::overlay::Overlay; use crate::engine::Renderer; use std::fs;"),
        ("ui/mod.rs", "use egui::Ui; use crate::model::ViewState;"),
        ("capture/mod.rs", "use std::path::Path; use crate::format::RunWriter; use crate::stats::reduce;"),
        ("app.rs", "use wgpu::Device; use crate::format; use winit::window::Window;"),
        ("cli/info.rs", "use super::super::format; use anyhow::Context;"),
    ] {
        assert_eq!(violations(Path::new(file), text), Vec::<String>::new(), "in {file}: {text}");
    }
}
