//! Saying in words what is shown, and numbers with sensible digits.

use crate::model::{Diff, EpochPosition, Normalisation, Query, Range, Recording, Selection, Stat, ViewState};

/// What is shown: "mean activation · class 3 minus class 5 · epoch 12".
pub fn shown(recording: &Recording, query: &Query, position: EpochPosition) -> String {
    let what = match query.stat {
        Stat::Mean => "mean activation",
        Stat::Std => "standard deviation of activation",
        Stat::Max => "greatest activation",
        Stat::Min => "least activation",
        Stat::Rate => "share of inputs with activation > 0",
        Stat::Count => "inputs with a finite activation",
    };
    let what = match (query.stat, query.select.single_input(), &query.minus) {
        (Stat::Mean, Some(_), None) => "activation",
        _ => what,
    };
    let select = selection(recording, &query.select);
    let who = match &query.minus {
        None => select,
        Some(minus) => {
            let minus = selection(recording, minus);
            match query.diff {
                Diff::Signed => format!("{select} minus {minus}"),
                Diff::Abs => format!("{select} against {minus}, absolute"),
                Diff::Effect => format!("effect size of {select} against {minus}"),
            }
        }
    };
    format!("{what} · {who} · {}", moment(recording, position))
}

/// A set of inputs in words.
pub fn selection(recording: &Recording, selection: &Selection) -> String {
    match selection.single_input() {
        Some(index) => input(recording, index),
        None => selection.describe(),
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

/// Where the ends of the colour map come from.
pub fn range_source(recording: &Recording, view: &ViewState, position: EpochPosition) -> String {
    if recording.epochs.is_empty() {
        return "no values yet".to_owned();
    }
    let scaled = recording.normalisation == Normalisation::PerItemPerLayer;
    let note = if scaled { " · values normalised per input and layer by the recording" } else { "" };
    let these = if position.t == 0.0 { "this epoch" } else { "these two epochs" };
    let source = match view.range_of(recording.normalisation) {
        Range::Fixed { .. } => "fixed".to_owned(),
        Range::Layer => format!("each layer's own, {these}"),
        Range::Auto => {
            return "range: [0, 1], values normalised per input and layer by the recording".to_owned();
        }
        Range::Network if view.query.is_signed() || view.colours().is_diverging() => {
            format!("symmetric around 0, {these}")
        }
        Range::Network => format!("all layers, {these}"),
    };
    format!("range: {source}{note}")
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
            shown(&recording, &query, EpochPosition::at(3)),
            "mean activation · class cat minus class dog · epoch 3"
        );
        let input = Selection { terms: vec![Term::Input(vec![2..=2])], epoch: None };
        let query = Query { select: input, ..Query::default() };
        let position = EpochPosition { from: 1, to: 2, t: 0.5 };
        assert_eq!(
            shown(&recording, &query, position),
            "activation · input 2 (class bird) · between epochs 1 and 2"
        );
    }

    #[test]
    fn the_range_says_where_it_came_from() {
        let mut recording = testing::recording();
        let mut view = testing::view(&recording);
        let at = EpochPosition::at(0);
        assert_eq!(range_source(&recording, &view, at), "range: each layer's own, this epoch");
        let network = ViewState { range: Range::Network, ..view.clone() };
        assert_eq!(range_source(&recording, &network, at), "range: all layers, this epoch");
        recording.normalisation = Normalisation::PerItemPerLayer;
        assert_eq!(
            range_source(&recording, &view, EpochPosition::at(0)),
            "range: [0, 1], values normalised per input and layer by the recording"
        );
        view.query.minus = Some(class("dog"));
        assert_eq!(
            range_source(&recording, &view, EpochPosition { from: 0, to: 1, t: 0.3 }),
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
