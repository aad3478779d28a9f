//! Saying in words what is shown, and numbers with sensible digits.

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
        None => {
            let name = runs.own().filter(|_| runs.all.len() > 1);
            side(recording, &query.select, name.map(|run| format!(" of {}", truncate(run.name, NAME))))
        }
        Some(minus) => {
            let other = runs.of_minus(query).map_or(recording, |run| run.recording);
            let apart = query.run_b.is_some_and(|run| run != runs.own);
            let name = |run: Option<super::NamedRun>, unknown: &str| {
                let name = run.map_or_else(|| unknown.to_owned(), |run| truncate(run.name, NAME));
                apart.then(|| format!(" of {name}"))
            };
            let a = side(recording, &query.select, name(runs.own(), "this run"));
            let b = side(other, minus, name(runs.of_minus(query), "another run"));
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
pub fn measure(query: &Query) -> String {
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
    side(recording, selection, None)
}

/// The same, of a run.
fn side(recording: &Recording, selection: &Selection, of_run: Option<String>) -> String {
    let inputs = match selection.single_input() {
        Some(index) => input(recording, index),
        None => selection.describe_inputs(),
    };
    let moment = selection.describe_epoch().map(|moment| format!(" {moment}")).unwrap_or_default();
    format!("{}{}{moment}", truncate(&inputs, SELECTION), of_run.unwrap_or_default())
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
    let (from, to) = (number(position.from.0), number(position.to.0));
    if position.t == 0.0 || from == to {
        format!("epoch {from}")
    } else {
        format!("between epochs {from} and {to}")
    }
}

fn symmetric(view: &ViewState) -> bool {
    view.query.is_signed() || view.colours().is_diverging()
}

/// Where the ends of the colour map come from, and what was done to the values before they were
/// recorded. `over`: epochs whose values were read, of how many, where the ends are those of all.
pub fn range_source(
    recording: &Recording,
    runs: OpenRuns,
    view: &ViewState,
    position: EpochPosition,
    over: Option<(usize, usize)>,
) -> String {
    if recording.epochs.is_empty() {
        return "no values yet".to_owned();
    }
    let these = match over {
        Some((read, of)) if read < of => format!("over {read} of {of} epochs"),
        Some((_, of)) => format!("over all {of} epochs"),
        None if position.t == 0.0 => "this epoch".to_owned(),
        None => "these two epochs".to_owned(),
    };
    let clipped = match view.clip {
        clip if clip > 0.0 && symmetric(view) => format!(", without the furthest {clip} %"),
        clip if clip > 0.0 => format!(", without {clip} % at each end"),
        _ => String::new(),
    };
    let source = match view.range_of(recording.normalisation) {
        Range::Fixed { .. } => "fixed".to_owned(),
        Range::Layer => format!("each layer's own, {these}{clipped}"),
        Range::Auto => "[0, 1]".to_owned(),
        Range::Network if symmetric(view) => format!("symmetric around 0, {these}{clipped}"),
        Range::Network => format!("all layers, {these}{clipped}"),
    };
    let scaled = |recording: &Recording| recording.normalisation == Normalisation::PerItemPerLayer;
    let other = runs.of_minus(&view.query).filter(|_| runs.differ(&view.query));
    let note = match (scaled(recording), other.filter(|other| scaled(other.recording) != scaled(recording))) {
        (false, None) => String::new(),
        (true, None) => "values normalised per input and layer by the recording".to_owned(),
        (true, Some(other)) => {
            format!(
                "values normalised per input and layer by the recording, those of {} not",
                truncate(other.name, NAME)
            )
        }
        (false, Some(other)) => {
            format!(
                "values of {} normalised per input and layer by its recording, the others not",
                truncate(other.name, NAME)
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

/// A place in an order: 1st, 2nd, 3rd, 4th, … 11th.
pub fn ordinal(place: u64) -> String {
    let ending = match (place % 10, place % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{}{ending}", count(place))
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

/// At most `most` characters, cut in the middle: the ends of module names tell them apart.
pub fn truncate(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let head: String = text.chars().take(most / 2).collect();
    let tail: String = text.chars().skip(length - (most - most / 2 - 1)).collect();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EpochIndex, Term};
    use crate::ui::{NamedRun, testing};

    fn class(name: &str) -> Selection {
        Selection { terms: vec![Term::Class(vec![name.to_owned()])], epoch: None }
    }

    #[test]
    fn what_is_shown_is_said_in_words() {
        let recording = testing::recording();
        let query = Query { select: class("cat"), minus: Some(class("dog")), ..Query::default() };
        assert_eq!(
            shown(&recording, OpenRuns::default(), &query, EpochPosition::at(EpochIndex(3))),
            "mean activation · class cat minus class dog · epoch 3"
        );
        let input = Selection { terms: vec![Term::Input((2..=2).into())], epoch: None };
        let query = Query { select: input, ..Query::default() };
        let position = EpochPosition { from: EpochIndex(1), to: EpochIndex(2), t: 0.5 };
        assert_eq!(
            shown(&recording, OpenRuns::default(), &query, position),
            "activation · input 2 (class bird) · between epochs 1 and 2"
        );
    }

    /// Two runs, the second with other classes.
    fn two() -> [Recording; 2] {
        let mut other = testing::recording();
        other.classes[1].name = "wolf".to_owned();
        [testing::recording(), other]
    }

    #[test]
    fn what_is_told_is_said_of_every_statistic_difference_and_scale() {
        let recording = testing::recording();
        let plain = |stat, norm| {
            let query = Query { select: class("cat"), stat, norm, ..Query::default() };
            shown(&recording, OpenRuns::default(), &query, EpochPosition::at(EpochIndex(3)))
        };
        for (stat, words) in [
            (Stat::Mean, "mean activation · class cat · epoch 3"),
            (Stat::Std, "standard deviation of activation · class cat · epoch 3"),
            (Stat::Min, "least activation · class cat · epoch 3"),
            (Stat::Max, "greatest activation · class cat · epoch 3"),
            (Stat::Rate, "share of inputs with activation > 0 · class cat · epoch 3"),
            (Stat::Count, "number of inputs with a finite activation · class cat · epoch 3"),
        ] {
            assert_eq!(plain(stat, Norm::Raw), words);
            let (measure, rest) = words.split_once(" · ").expect("two parts");
            let by_layer = format!("{measure}, each layer divided by its greatest · {rest}");
            assert_eq!(plain(stat, Norm::Layer), by_layer);
            let by_network = format!("{measure}, divided by the network's greatest · {rest}");
            assert_eq!(plain(stat, Norm::Global), by_network);
        }
        for (diff, words) in [
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
                shown(&recording, OpenRuns::default(), &query, EpochPosition::at(EpochIndex(3))),
                words
            );
        }
    }

    #[test]
    fn both_runs_are_named_where_they_differ() {
        let [own, other] = &two();
        let all = [
            NamedRun { name: "cnn_basic", recording: own },
            NamedRun { name: "cnn_basic_tampered", recording: other },
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
            shown(own, runs, &query, EpochPosition::at(EpochIndex(3))),
            "effect size · class cat of cnn_basic minus class cat of cnn_basic_tampered · epoch 3"
        );
        let inputs = Query { select: Selection::input(1), minus: Some(Selection::input(1)), ..query.clone() };
        let words = shown(own, runs, &inputs, EpochPosition::at(EpochIndex(3)));
        assert!(words.contains("input 1 (class dog) of cnn_basic minus input 1 (class wolf) of"), "{words}");
        let then = Selection { epoch: Some(crate::model::EpochRef::First), ..class("cat") };
        let then =
            shown(own, runs, &Query { minus: Some(then), ..query.clone() }, EpochPosition::at(EpochIndex(3)));
        assert!(
            then.ends_with("minus class cat of cnn_basic_tampered at the first epoch · epoch 3"),
            "{then}"
        );
        let same = Query { run_b: Some(0), ..query.clone() };
        assert!(!shown(own, runs, &same, EpochPosition::at(EpochIndex(3))).contains("cnn_basic"), "one run");
        let unknown = shown(own, OpenRuns::default(), &query, EpochPosition::at(EpochIndex(3)));
        assert_eq!(unknown, "effect size · class cat of this run minus class cat of another run · epoch 3");
    }

    #[test]
    fn the_moment_looked_at_is_said_where_it_plays_a_part() {
        let recording = testing::recording();
        let words = |select: &str, minus: Option<&str>| {
            let parse = |text: &str| text.parse::<Selection>().expect("a selection");
            let query = Query { select: parse(select), minus: minus.map(parse), ..Query::default() };
            shown(&recording, OpenRuns::default(), &query, EpochPosition::at(EpochIndex(3)))
        };
        assert_eq!(words("class:cat@first", None), "mean activation · class cat at the first epoch");
        assert_eq!(
            words("all@1", Some("all")),
            "mean activation · all inputs at epoch 1 minus all inputs · epoch 3"
        );
        assert_eq!(
            words("all@1", Some("all@2")),
            "mean activation · all inputs at epoch 1 minus all inputs at epoch 2"
        );
        assert_eq!(words("input:2@1", None), "activation · input 2 (class bird) at epoch 1");
    }

    #[test]
    fn words_stay_few_however_much_is_chosen() {
        let recording = testing::recording();
        let many =
            Selection { terms: vec![Term::Input((0..9999).map(|i| 2 * i..=2 * i).collect())], epoch: None };
        let words = selection(&recording, &many);
        assert!(words.chars().count() <= SELECTION && words.ends_with("(9999 in all)"), "{words}");
        let long = selection(&recording, &class(&"x".repeat(500)));
        assert_eq!(long.chars().count(), SELECTION);
    }

    #[test]
    fn values_that_came_normalised_are_said_to_be_so_on_either_side() {
        let [mut own, mut other] = two();
        let mut view = testing::view(&own);
        view.query =
            Query { minus: Some(class("cat")), run_b: Some(1), norm: Norm::Layer, ..Query::default() };
        let scaled = Normalisation::PerItemPerLayer;
        let source = |own: &Recording, other: &Recording| {
            let all = [NamedRun { name: "one", recording: own }, NamedRun { name: "two", recording: other }];
            range_source(own, OpenRuns { all: &all, own: 0 }, &view, EpochPosition::at(EpochIndex(0)), None)
        };
        let range = "range: each layer's own, this epoch";
        assert_eq!(source(&own, &other), range);
        other.normalisation = scaled;
        assert_eq!(
            source(&own, &other),
            format!(
                "{range} · values of two normalised per input and layer by its recording, the others not"
            )
        );
        own.normalisation = scaled;
        let both = format!("{range} · values normalised per input and layer by the recording");
        assert_eq!(source(&own, &other), both);
        other.normalisation = Normalisation::None;
        assert_eq!(source(&own, &other), format!("{both}, those of two not"));
    }

    #[test]
    fn the_range_says_where_it_came_from() {
        let mut recording = testing::recording();
        let mut view = testing::view(&recording);
        let at = EpochPosition::at(EpochIndex(0));
        assert_eq!(
            range_source(&recording, OpenRuns::default(), &view, at, None),
            "range: each layer's own, this epoch"
        );
        let network = ViewState { range: Range::Network, ..view.clone() };
        assert_eq!(
            range_source(&recording, OpenRuns::default(), &network, at, None),
            "range: all layers, this epoch"
        );
        recording.normalisation = Normalisation::PerItemPerLayer;
        assert_eq!(
            range_source(&recording, OpenRuns::default(), &view, EpochPosition::at(EpochIndex(0)), None),
            "range: [0, 1], values normalised per input and layer by the recording"
        );
        view.query.minus = Some(class("dog"));
        assert_eq!(
            range_source(
                &recording,
                OpenRuns::default(),
                &view,
                EpochPosition { from: EpochIndex(0), to: EpochIndex(1), t: 0.3 },
                None
            ),
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
