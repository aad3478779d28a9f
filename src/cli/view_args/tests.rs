//! A view, formatted as a command line and parsed again, is the same view.

use std::process;

use clap::Parser;

use std::path::Path;

use super::*;
use crate::cli::{Cli, CliCommand};
use crate::export::command_line;
use crate::model::{Camera, Diff, Layout, Norm, Query, Selection, SetView, Stat, UnitIndex, testing};

fn recording() -> Recording {
    let mut recording = testing::recording(&[16, 64, 9, 3], &["cat", "dog's", "a b"], &[Some(0)], &[0, 2, 7]);
    for (layer, name) in recording.layers.iter_mut().zip(["conv 1", "block.0:norm", "a,b*", "-fc"]) {
        layer.name = name.to_owned();
    }
    recording
}

fn base_view() -> ViewState {
    let recording = recording();
    let camera = Camera::set_view(SetView::Grazing, &Layout::new(&recording, 1.7), 1.7);
    ViewState::new(camera, 7.0)
}

/// Splits a line into words as a shell does.
fn shell_words(line: &str) -> Vec<String> {
    let output = process::Command::new("sh")
        .args(["-c", &format!("printf '%s\\n' {line}")])
        .output()
        .expect("a shell");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

fn parse(line: &str) -> anyhow::Result<ViewState> {
    let Some(CliCommand::Render(args)) = Cli::try_parse_from(shell_words(line))?.command else {
        bail!("{line}")
    };
    args.view_of(&recording())
}

fn command_line_of(view: &ViewState) -> String {
    command_line(&[Path::new("runs/it's one"), Path::new("-other")], 0, view, &recording(), [1920, 1080])
}

#[test]
fn a_view_survives_its_command_line() {
    let plain = base_view();
    assert_eq!(parse(&command_line_of(&plain)).expect("parses"), plain);
    let mut rich = base_view();
    rich.epoch = 3.3;
    rich.query = Query {
        select: "class:dog's@first".parse().expect("a selection"),
        minus: Some(Selection::default()),
        run_b: Some(1),
        stat: Stat::Rate,
        diff: Diff::Effect,
        norm: Norm::Global,
    };
    rich.colour_map = Some(ColourMap::Diverging);
    rich.range = Range::Fixed { low: -0.1, high: 2.7e-5 };
    (rich.clip, rich.height, rich.dim_below) = (0.5, 2.3, 0.45);
    rich.order = Some(UnitOrder { by: OrderBy::Similarity, epoch: 2 });
    rich.hidden = ["a,b*", "conv 1", "-fc"].map(str::to_owned).into();
    rich.pins = vec![
        Pin { layer: "block.0:norm".to_owned(), unit: UnitIndex(63) },
        Pin { layer: "-fc".to_owned(), unit: UnitIndex(0) },
    ];
    rich.theme = Theme::Light;
    (rich.over_epochs, rich.labels, rich.haze, rich.edges) = (true, false, false, false);
    assert_eq!(parse(&command_line_of(&rich)).expect("parses"), rich);
}

#[test]
fn every_option_alone_survives_its_command_line() {
    let base = base_view();
    let mut views = Vec::new();
    for map in ColourMap::ALL {
        views.push(ViewState { colour_map: Some(map), ..base.clone() });
    }
    for range in [Range::Layer, Range::Network, Range::Fixed { low: -1.5, high: 3.0 }] {
        views.push(ViewState { range, ..base.clone() });
    }
    for by in [OrderBy::Activation, OrderBy::Selectivity, OrderBy::Similarity] {
        views.push(ViewState { order: Some(UnitOrder { by, epoch: 0 }), ..base.clone() });
    }
    for stat in [Stat::Mean, Stat::Std, Stat::Max, Stat::Min, Stat::Rate, Stat::Count] {
        let query = Query { stat, norm: Norm::Layer, select: Selection::input(0), ..Query::default() };
        views.push(ViewState { query, epoch: 0.0, ..base.clone() });
    }
    for diff in [Diff::Signed, Diff::Abs] {
        let query = Query { minus: Some(Selection::default()), diff, ..Query::default() };
        views.push(ViewState { query, ..base.clone() });
    }
    for view in views {
        assert_eq!(parse(&command_line_of(&view)).expect("parses"), view);
    }
}

#[test]
fn defaults_are_left_out() {
    let line = command_line_of(&base_view());
    for flag in ["epoch", "select", "map", "range", "clip", "height", "theme", "no-"] {
        assert!(!line.contains(&format!("--{flag}")), "{line}");
    }
    assert!(line.starts_with(r"dnnviz render 'runs/it'\''s one' -o picture.png"), "{line}");
}

#[test]
fn layers_are_hidden_by_name_and_by_pattern() {
    let hidden = |names: &str| {
        parse(&format!("dnnviz render x -o y.png --hide={names}"))
            .map(|view| view.hidden.into_iter().collect::<Vec<_>>())
    };
    assert_eq!(hidden("'*'").expect("all"), ["-fc", "a,b*", "block.0:norm", "conv 1"]);
    assert_eq!(hidden("'conv*,*norm'").expect("two"), ["block.0:norm", "conv 1"]);
    assert_eq!(hidden("'b*0*m'").expect("one"), ["block.0:norm"]);
    let unknown = format!("{:#}", hidden("'b*x*m'").unwrap_err());
    assert!(unknown.starts_with("--hide: there is no layer `b*x*m`; there are "), "{unknown}");
}

#[test]
fn errors_name_the_option() {
    let error =
        |options: &str| format!("{:#}", parse(&format!("dnnviz render x -o y.png {options}")).unwrap_err());
    for (options, expected) in [
        ("--pin=fc:1", "--pin: there is no layer `fc`"),
        ("--pin=-fc:3", "--pin: layer -fc has 3 units, from 0 on"),
        ("--range=2,1", "write auto, layer, network"),
        ("--clip=11", "it must be between 0 and 10"),
        ("--dim-below=1.5", "it must be between 0 and 1"),
        ("--order=size", "there are activation, selectivity and similarity"),
        ("--camera='{\"yaw\":1}'", "--camera is no camera"),
    ] {
        assert!(error(options).contains(expected), "{options}: {}", error(options));
    }
}
