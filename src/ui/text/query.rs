//! A query, a selection, an input or an epoch as text.

use super::{NAME, truncate};
use crate::model::{Diff, EpochPosition, Norm, Query, Recording, Selection, Stat};
use crate::ui::runs::{NamedRun, OpenRuns};

/// The most characters of a selection.
const SELECTION: usize = 120;

/// Describes a query at an epoch: "mean activation · class 3 minus class 5 · epoch 12".
pub fn describe_query(
    recording: &Recording,
    runs: OpenRuns,
    query: &Query,
    position: EpochPosition,
) -> String {
    format!("{} · {}", measure_label(query), describe_values(recording, runs, query, position))
}

/// Describes the inputs and the epoch of a query: "class 3 minus class 5 · epoch 12".
pub fn describe_values(
    recording: &Recording,
    runs: OpenRuns,
    query: &Query,
    position: EpochPosition,
) -> String {
    let sides = match &query.minus {
        None => {
            let name = runs.own().filter(|_| runs.all.len() > 1);
            side(recording, &query.select, name.map(|run| format!(" of {}", truncate(run.name, NAME))))
        }
        Some(minus) => {
            let other = runs.minus_run(query).map_or(recording, |run| run.recording);
            let apart = query.run_b.is_some_and(|run| run != runs.own);
            let name = |run: Option<NamedRun>, unknown: &str| {
                let name = run.map_or_else(|| unknown.to_owned(), |run| truncate(run.name, NAME));
                apart.then(|| format!(" of {name}"))
            };
            let a = side(recording, &query.select, name(runs.own(), "this run"));
            let b = side(other, minus, name(runs.minus_run(query), "another run"));
            match query.diff {
                Diff::Signed | Diff::Effect => format!("{a} minus {b}"),
                Diff::Abs => format!("{a} against {b}, absolute"),
            }
        }
    };
    // If every selection has an epoch of its own, the current one has no effect.
    let elsewhere = |selection: &Selection| selection.epoch.is_some();
    if elsewhere(&query.select) && query.minus.as_ref().is_none_or(elsewhere) {
        return sides;
    }
    format!("{sides} · {}", epoch_label(recording, position))
}

/// Names the statistic of a query and its normalisation.
pub fn measure_label(query: &Query) -> String {
    let name = match (query.stat, query.select.single_input(), &query.minus) {
        (_, _, Some(_)) if query.diff == Diff::Effect => "effect size",
        (Stat::Mean | Stat::Min | Stat::Max, Some(_), None) => "activation",
        (Stat::Mean, ..) => "mean activation",
        (Stat::Std, ..) => "standard deviation of activation",
        (Stat::Max, ..) => "greatest activation",
        (Stat::Min, ..) => "least activation",
        (Stat::Rate, ..) => "share of inputs with activation > 0",
        (Stat::Count, ..) => "number of inputs with a finite activation",
    };
    match query.norm {
        Norm::Raw => name.to_owned(),
        Norm::Layer => format!("{name}, each layer divided by its greatest"),
        Norm::Global => format!("{name}, divided by the network's greatest"),
    }
}

/// Describes a set of inputs, in a text of bounded length.
pub fn describe_selection(recording: &Recording, selection: &Selection) -> String {
    side(recording, selection, None)
}

/// Describes a set of inputs; `of_run` is a suffix that names the run.
fn side(recording: &Recording, selection: &Selection, of_run: Option<String>) -> String {
    let inputs = match selection.single_input() {
        Some(index) => describe_input(recording, index),
        None => selection.describe_inputs(recording),
    };
    let epoch = selection.describe_epoch().map(|epoch| format!(" {epoch}")).unwrap_or_default();
    format!("{}{}{epoch}", truncate(&inputs, SELECTION), of_run.unwrap_or_default())
}

/// Describes one input, with its class if it has one.
pub fn describe_input(recording: &Recording, index: usize) -> String {
    let class = recording.inputs.get(index).and_then(|input| recording.classes.get(input.class?));
    match class {
        Some(class) => format!("input {index} (class {})", class.name),
        None => format!("input {index}"),
    }
}

/// Describes an epoch position.
fn epoch_label(recording: &Recording, position: EpochPosition) -> String {
    if recording.epochs.is_empty() {
        return "no epoch yet".to_owned();
    }
    let number = |index: usize| recording.epochs.get(index).map_or(0, |epoch| epoch.number);
    let (from, to) = (number(position.from.0), number(position.to.0));
    if position.t == 0.0 || from == to {
        format!("epoch {from}")
    } else {
        format!("between epochs {from} and {to}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ClassRef, EpochIndex, Term};
    use crate::ui::testing;

    fn class(name: &str) -> Selection {
        Selection { terms: vec![Term::Class(vec![ClassRef::Text(name.to_owned())])], epoch: None }
    }

    #[test]
    fn a_query_is_described() {
        let recording = testing::recording();
        let query = Query { select: class("cat"), minus: Some(class("dog")), ..Query::default() };
        assert_eq!(
            describe_query(&recording, OpenRuns::default(), &query, EpochPosition::at(EpochIndex(3))),
            "mean activation · class cat minus class dog · epoch 3"
        );
        let input = Selection { terms: vec![Term::Input((2..=2).into())], epoch: None };
        let query = Query { select: input, ..Query::default() };
        let position = EpochPosition { from: EpochIndex(1), to: EpochIndex(2), t: 0.5 };
        assert_eq!(
            describe_query(&recording, OpenRuns::default(), &query, position),
            "activation · input 2 (class bird) · between epochs 1 and 2"
        );
    }

    #[test]
    fn every_statistic_difference_and_normalisation_is_described() {
        let recording = testing::recording();
        let plain = |stat, norm| {
            let query = Query { select: class("cat"), stat, norm, ..Query::default() };
            describe_query(&recording, OpenRuns::default(), &query, EpochPosition::at(EpochIndex(3)))
        };
        for (stat, label) in [
            (Stat::Mean, "mean activation · class cat · epoch 3"),
            (Stat::Std, "standard deviation of activation · class cat · epoch 3"),
            (Stat::Min, "least activation · class cat · epoch 3"),
            (Stat::Max, "greatest activation · class cat · epoch 3"),
            (Stat::Rate, "share of inputs with activation > 0 · class cat · epoch 3"),
            (Stat::Count, "number of inputs with a finite activation · class cat · epoch 3"),
        ] {
            assert_eq!(plain(stat, Norm::Raw), label);
            let (measure, rest) = label.split_once(" · ").expect("two parts");
            let by_layer = format!("{measure}, each layer divided by its greatest · {rest}");
            assert_eq!(plain(stat, Norm::Layer), by_layer);
            let by_network = format!("{measure}, divided by the network's greatest · {rest}");
            assert_eq!(plain(stat, Norm::Global), by_network);
        }
        for (diff, label) in [
            (Diff::Signed, "least activation · class cat minus class dog · epoch 3"),
            (Diff::Abs, "least activation · class cat against class dog, absolute · epoch 3"),
            (Diff::Effect, "effect size · class cat minus class dog · epoch 3"),
        ] {
            let query = Query {
                select: class("cat"),
                minus: Some(class("dog")),
                stat: Stat::Min,
                diff,
                ..Query::default()
            };
            assert_eq!(
                describe_query(&recording, OpenRuns::default(), &query, EpochPosition::at(EpochIndex(3))),
                label
            );
        }
    }

    #[test]
    fn both_runs_are_named_where_they_differ() {
        let [own, other] = &testing::two_recordings();
        let all = [
            NamedRun { name: "cnn_basic", id: 1, recording: own },
            NamedRun { name: "cnn_basic_tampered", id: 2, recording: other },
        ];
        let runs = OpenRuns { all: &all, own: 0 };
        let query = Query {
            select: class("cat"),
            minus: Some(class("cat")),
            run_b: Some(1),
            diff: Diff::Effect,
            ..Query::default()
        };
        assert_eq!(
            describe_query(own, runs, &query, EpochPosition::at(EpochIndex(3))),
            "effect size · class cat of cnn_basic minus class cat of cnn_basic_tampered · epoch 3"
        );
        let inputs = Query { select: Selection::input(1), minus: Some(Selection::input(1)), ..query.clone() };
        let label = describe_query(own, runs, &inputs, EpochPosition::at(EpochIndex(3)));
        assert!(label.contains("input 1 (class dog) of cnn_basic minus input 1 (class wolf) of"), "{label}");
        let then = Selection { epoch: Some(crate::model::EpochRef::First), ..class("cat") };
        let then = describe_query(
            own,
            runs,
            &Query { minus: Some(then), ..query.clone() },
            EpochPosition::at(EpochIndex(3)),
        );
        assert!(
            then.ends_with("minus class cat of cnn_basic_tampered at the first epoch · epoch 3"),
            "{then}"
        );
        let same = Query { run_b: Some(0), ..query.clone() };
        assert!(
            !describe_query(own, runs, &same, EpochPosition::at(EpochIndex(3))).contains("cnn_basic"),
            "one run"
        );
        let unknown = describe_query(own, OpenRuns::default(), &query, EpochPosition::at(EpochIndex(3)));
        assert_eq!(unknown, "effect size · class cat of this run minus class cat of another run · epoch 3");
    }

    #[test]
    fn the_current_epoch_is_named_if_it_has_an_effect() {
        let recording = testing::recording();
        let label = |select: &str, minus: Option<&str>| {
            let parse = |text: &str| text.parse::<Selection>().expect("a selection");
            let query = Query { select: parse(select), minus: minus.map(parse), ..Query::default() };
            describe_query(&recording, OpenRuns::default(), &query, EpochPosition::at(EpochIndex(3)))
        };
        assert_eq!(label("class:cat@first", None), "mean activation · class cat at the first epoch");
        assert_eq!(
            label("all@1", Some("all")),
            "mean activation · all inputs at epoch 1 minus all inputs · epoch 3"
        );
        assert_eq!(
            label("all@1", Some("all@2")),
            "mean activation · all inputs at epoch 1 minus all inputs at epoch 2"
        );
        assert_eq!(label("input:2@1", None), "activation · input 2 (class bird) at epoch 1");
    }

    #[test]
    fn descriptions_have_a_maximum_length() {
        let recording = testing::recording();
        let many =
            Selection { terms: vec![Term::Input((0..9999).map(|i| 2 * i..=2 * i).collect())], epoch: None };
        let label = describe_selection(&recording, &many);
        assert!(label.chars().count() <= SELECTION && label.ends_with("(9999 in all)"), "{label}");
        let long = describe_selection(&recording, &class(&"x".repeat(500)));
        assert_eq!(long.chars().count(), SELECTION);
    }
}
