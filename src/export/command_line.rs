//! A view as the command line that draws it.

use std::path::Path;

use crate::model::{
    Diff, EpochRef, ModuleTree, Norm, Pin, Query, Range, Recording, Stat, Theme, UnitOrder, ViewState,
};

/// Returns the command line that draws `view` of the run at index `own` of `runs`, whose recording is given,
/// into `picture.png` of `size` pixels: quoted for a POSIX shell, without options that have their defaults.
pub fn command_line(
    runs: &[&Path],
    own: usize,
    view: &ViewState,
    recording: &Recording,
    size: [u32; 2],
) -> String {
    let path = |run: usize| {
        let path = runs.get(run).map(|path| path.to_string_lossy()).unwrap_or_default();
        if path.starts_with('-') { format!("./{path}") } else { path.into_owned() }
    };
    let mut words = vec!["dnnviz".to_owned(), "render".to_owned(), path(own)];
    words.extend(["-o".to_owned(), "picture.png".to_owned()]);
    let mut add = |flag: &str, value: String| {
        if value.starts_with('-') {
            words.push(format!("--{flag}={value}"));
        } else {
            words.extend([format!("--{flag}"), value]);
        }
    };
    let last = EpochRef::Last.resolve(recording).map(|position| position.number(recording));
    if last.ok() != Some(view.epoch) {
        add("epoch", view.epoch.to_string());
    }
    add_query(&view.query, path, &mut add);
    if let Some(map) = view.colour_map {
        add("map", map.name().to_owned());
    }
    match view.range {
        Range::Auto => {}
        Range::Layer => add("range", "layer".to_owned()),
        Range::Network => add("range", "network".to_owned()),
        Range::Fixed { low, high } => add("range", format!("{low},{high}")),
    }
    for (flag, value, usual) in
        [("clip", view.clip, 0.0), ("height", view.height, 1.0), ("dim-below", view.dim_below, 0.0)]
    {
        if value != usual {
            add(flag, value.to_string());
        }
    }
    if let Some(UnitOrder { by, epoch }) = view.order {
        add("order", format!("{}@{epoch}", by.name()));
    }
    if view.theme == Theme::Light {
        add("theme", "light".to_owned());
    }
    for name in &view.hidden {
        add("hide", name.clone());
    }
    if let Some(depth) = view.fold.depth {
        add("fold-depth", depth.to_string());
    }
    let tree = ModuleTree::new(recording);
    for (flag, paths) in [("fold", &view.fold.folded), ("unfold", &view.fold.unfolded)] {
        // Groups of other networks are unknown here.
        for path in paths.iter().filter(|path| tree.find(path).is_some()) {
            add(flag, path.clone());
        }
    }
    for Pin { layer, unit } in &view.pins {
        add("pin", format!("{layer}:{unit}"));
    }
    if let Ok(camera) = serde_json::to_string(&view.camera) {
        add("camera", camera);
    }
    if size != [1280, 720] {
        add("size", format!("{}x{}", size[0], size[1]));
    }
    for (flag, wanted) in [
        ("--over-epochs", view.over_epochs),
        ("--no-labels", !view.labels),
        ("--no-haze", !view.haze),
        ("--no-edges", !view.edges),
    ] {
        if wanted {
            words.push(flag.to_owned());
        }
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// Adds the options of a query; `path` gives the path of a run.
fn add_query(query: &Query, path: impl Fn(usize) -> String, mut add: impl FnMut(&str, String)) {
    let select = query.select.to_string();
    if select != "all" {
        add("select", select);
    }
    if let Some(minus) = &query.minus {
        add("minus", minus.to_string());
        if let Some(run) = query.run_b {
            add("run-b", path(run));
        }
        match query.diff {
            Diff::Signed => {}
            Diff::Abs => add("diff", "abs".to_owned()),
            Diff::Effect => add("diff", "effect".to_owned()),
        }
    }
    let stat = match query.stat {
        Stat::Mean => None,
        Stat::Std => Some("std"),
        Stat::Max => Some("max"),
        Stat::Min => Some("min"),
        Stat::Rate => Some("rate"),
        Stat::Count => Some("count"),
    };
    let norm = match query.norm {
        Norm::Raw => None,
        Norm::Layer => Some("layer"),
        Norm::Global => Some("global"),
    };
    for (flag, value) in [("stat", stat), ("norm", norm)] {
        if let Some(value) = value {
            add(flag, value.to_owned());
        }
    }
}

/// Quotes a word for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
