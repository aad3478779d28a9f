//! Saying in words what is shown, and numbers with sensible digits.

use super::overlay::short;
use super::runs::OpenRuns;
use crate::model::{
    Diff, EpochPosition, Norm, Normalisation, Query, Range, Recording, Selection, Stat, ViewState,
};

/// Characters of a selection and of a run's name in a legend.
const SELECTION: usize = 120;
const NAME: usize = 32;

/// What is shown: "mean activation · class 3 minus class 5 · epoch 12".
pub fn shown(recording: &Recording, runs: OpenRuns, query: &Query, position: EpochPosition) -> String {
    let who = match &query.minus {
        None => selection(recording, &query.select),
        Some(minus) => {
            let other = runs.of_minus(query).map_or(recording, |run| run.recording);
            let (mut a, mut b) = (selection(recording, &query.select), selection(other, minus));
            if query.run_b.is_some_and(|run| run != runs.own) {
                let name = |run: Option<super::RunFacts>, unknown: &str| {
                    run.map_or_else(|| unknown.to_owned(), |run| short(run.name, NAME))
                };
                a = format!("{a} of {}", name(runs.own(), "this run"));
                b = format!("{b} of {}", name(runs.of_minus(query), "another run"));
            }
            match query.diff {
                Diff::Signed | Diff::Effect => format!("{a} minus {b}"),
                Diff::Abs => format!("{a} against {b}, absolute"),
            }
        }
    };
    // Where every selection has a moment of its own, the one looked at plays no part.
    let elsewhere = |selection: &Selection| selection.epoch.is_some();
    if elsewhere(&query.select) && query.minus.as_ref().is_none_or(elsewhere) {
        return format!("{} · {who}", measure(query));
    }
    format!("{} · {who} · {}", measure(query), moment(recording, position))
}

/// What is told of each unit, and what it is divided by.
fn measure(query: &Query) -> String {
    let what = match (query.stat, query.select.single_input(), &query.minus) {
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
        Norm::Raw => what.to_owned(),
        Norm::Layer => format!("{what}, each layer divided by its greatest"),
        Norm::Global => format!("{what}, divided by the network's greatest"),
    }
}

/// A set of inputs in words, of bounded length.
pub fn selection(recording: &Recording, selection: &Selection) -> String {
    match (selection.single_input(), selection.epoch) {
        (Some(index), None) => input(recording, index),
        _ => short(&selection.describe(), SELECTION),
    }
}

/// One input in words, with its class where it has one.
pub fn input(recording: &Recording, index: usize) -> String {
    let class = recording.inputs.get(index).and_then(|input| recording.classes.get(input.class?));
    match class {
        Some(class) => format!("input {index} (class {})", class.name),
        None => format!("input {index}"),
    }
}

/// A moment of the training in words.
pub fn moment(recording: &Recording, position: EpochPosition) -> String {
    if recording.epochs.is_empty() {
        return "no epoch yet".to_owned();
    }
    let number = |index: usize| recording.epochs.get(index).map_or(0, |epoch| epoch.number);
    let (from, to) = (number(position.from), number(position.to));
    if position.t == 0.0 || from == to {
        format!("epoch {from}")
    } else {
        format!("between epochs {from} and {to}")
    }
}

/// Where the ends of the colour map come from, and what was done to the values before they were
/// recorded.
pub fn range_source(
    recording: &Recording,
    runs: OpenRuns,
    view: &ViewState,
    position: EpochPosition,
) -> String {
    if recording.epochs.is_empty() {
        return "no values yet".to_owned();
    }
    let these = if position.t == 0.0 { "this epoch" } else { "these two epochs" };
    let symmetric = view.query.is_signed() || view.colours().is_diverging();
    let source = match view.range_of(recording.normalisation) {
        Range::Fixed { .. } => "fixed".to_owned(),
        Range::Layer => format!("each layer's own, {these}"),
        Range::Auto => "[0, 1]".to_owned(),
        Range::Network if symmetric => format!("symmetric around 0, {these}"),
        Range::Network => format!("all layers, {these}"),
    };
    let scaled = |recording: &Recording| recording.normalisation == Normalisation::PerItemPerLayer;
    let other = runs.of_minus(&view.query).filter(|_| runs.differ(&view.query));
    let note = match (scaled(recording), other.filter(|other| scaled(other.recording) != scaled(recording))) {
        (false, None) => String::new(),
        (true, None) => "values normalised per input and layer by the recording".to_owned(),
        (true, Some(other)) => {
            format!(
                "values normalised per input and layer by the recording, those of {} not",
                short(other.name, NAME)
            )
        }
        (false, Some(other)) => {
            format!(
                "values of {} normalised per input and layer by its recording, the others not",
                short(other.name, NAME)
            )
        }
    };
    match (note.as_str(), view.range_of(recording.normalisation)) {
        ("", _) => format!("range: {source}"),
        (note, Range::Auto) => format!("range: {source}, {note}"),
        (note, _) => format!("range: {source} · {note}"),
    }
}

/// A value with as many digits as a scale of size `span` deserves: about three, a true minus sign,
/// and powers of ten beyond reason.
pub fn number(value: f32, span: f32) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let span = if span.is_finite() && span > 0.0 { span } else { value.abs() };
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = span.max(f32::MIN_POSITIVE).log10().floor();
    let text = if (-4.0..=5.0).contains(&magnitude) {
        let decimals = (2.0 - magnitude).clamp(0.0, 6.0) as usize;
        let text = format!("{value:.decimals$}");
        match text.strip_suffix(&format!(".{}", "0".repeat(decimals))) {
            Some(whole) if decimals > 0 => whole.to_owned(),
            _ => text,
        }
    } else {
        format!("{value:.2e}").replace('e', "·10^")
    };
    text.replace('-', "\u{2212}")
}

/// A count with thin spaces between thousands.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + 4);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digits.len() > 4 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Term;
    use crate::ui::testing;

    fn class(name: &str) -> Selection {
        Selection { terms: vec![Term::Class(vec![name.to_owned()])], epoch: None }
    }

    #[test]
    fn what_is_shown_is_said_in_words() {
        let recording = testing::recording();
        let query = Query { select: class("cat"), minus: Some(class("dog")), ..Query::default() };
        assert_eq!(
            shown(&recording, OpenRuns::default(), &query, EpochPosition::at(3)),
            "mean activation · class cat minus class dog · epoch 3"
        );
        let input = Selection { terms: vec![Term::Input((2..=2).into())], epoch: None };
        let query = Query { select: input, ..Query::default() };
        let position = EpochPosition { from: 1, to: 2, t: 0.5 };
        assert_eq!(
            shown(&recording, OpenRuns::default(), &query, position),
            "activation · input 2 (class bird) · between epochs 1 and 2"
        );
    }

    #[test]
    fn the_range_says_where_it_came_from() {
        let mut recording = testing::recording();
        let mut view = testing::view(&recording);
        let at = EpochPosition::at(0);
        assert_eq!(
            range_source(&recording, OpenRuns::default(), &view, at),
            "range: each layer's own, this epoch"
        );
        let network = ViewState { range: Range::Network, ..view.clone() };
        assert_eq!(
            range_source(&recording, OpenRuns::default(), &network, at),
            "range: all layers, this epoch"
        );
        recording.normalisation = Normalisation::PerItemPerLayer;
        assert_eq!(
            range_source(&recording, OpenRuns::default(), &view, EpochPosition::at(0)),
            "range: [0, 1], values normalised per input and layer by the recording"
        );
        view.query.minus = Some(class("dog"));
        assert_eq!(
            range_source(&recording, OpenRuns::default(), &view, EpochPosition { from: 0, to: 1, t: 0.3 }),
            "range: symmetric around 0, these two epochs · values normalised per input and layer by the \
             recording"
        );
    }

    #[test]
    fn numbers_have_sensible_digits() {
        let cases = [
            (0.0, 1.0, "0"),
            (1.0, 1.0, "1"),
            (0.123_456, 1.0, "0.12"),
            (-0.5, 1.0, "\u{2212}0.50"),
            (12.345, 20.0, "12.3"),
            (12_345.6, 12_345.6, "12346"),
            (0.000_123, 0.0002, "0.000123"),
            (1.5e-9, 1.5e-9, "1.50·10^\u{2212}9"),
            (f32::NAN, 1.0, "–"),
        ];
        for (value, span, expected) in cases {
            assert_eq!(number(value, span), expected, "{value} of {span}");
        }
        assert_eq!((count(9354), count(1_234_567)), ("9354".into(), "1\u{202f}234\u{202f}567".into()));
    }
}
