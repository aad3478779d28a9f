//! The source of the value range as text.

use super::{NAME, truncate};
use crate::model::{EpochPosition, Normalisation, Range, Recording, ViewState};
use crate::ui::runs::OpenRuns;
use crate::ui::scene::description::EpochCoverage;

/// Returns `true` if the value range is symmetric around 0.
fn symmetric(view: &ViewState) -> bool {
    view.query.is_signed() || view.colours().is_diverging()
}

/// Describes the origin of the value range, and a normalisation that the recording applied. `over` is `None`
/// unless the range is that of all epochs.
pub fn describe_range(
    recording: &Recording,
    runs: OpenRuns,
    view: &ViewState,
    position: EpochPosition,
    over: Option<EpochCoverage>,
) -> String {
    if recording.epochs.is_empty() {
        return "no values yet".to_owned();
    }
    let scope = match over {
        Some(EpochCoverage { read, of }) if read < of => format!("over {read} of {of} epochs"),
        Some(EpochCoverage { of, .. }) => format!("over all {of} epochs"),
        None if position.t == 0.0 => "this epoch".to_owned(),
        None => "these two epochs".to_owned(),
    };
    let clipped = match view.clip {
        clip if clip > 0.0 && symmetric(view) => format!(", without the furthest {clip} %"),
        clip if clip > 0.0 => format!(", without {clip} % at each end"),
        _ => String::new(),
    };
    let clipped = match over {
        Some(EpochCoverage { read, .. }) if read > 3 && view.clip > 0.0 => {
            format!("{clipped} and the first quarter of the epochs")
        }
        _ => clipped,
    };
    let source = match view.range_of(recording.normalisation) {
        Range::Fixed { .. } => "fixed".to_owned(),
        Range::Layer => format!("each layer's own, {scope}{clipped}"),
        Range::Auto => "[0, 1]".to_owned(),
        Range::Network if symmetric(view) => format!("symmetric around 0, {scope}{clipped}"),
        Range::Network => format!("all layers, {scope}{clipped}"),
    };
    let scaled = |recording: &Recording| recording.normalisation == Normalisation::PerItemPerLayer;
    let other = runs.minus_run(&view.query).filter(|_| runs.compares_runs(&view.query));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ClassRef, EpochIndex, Norm, Query, Selection, Term};
    use crate::ui::runs::NamedRun;
    use crate::ui::testing;

    fn class(name: &str) -> Selection {
        Selection { terms: vec![Term::Class(vec![ClassRef::Text(name.to_owned())])], epoch: None }
    }

    #[test]
    fn a_normalisation_by_the_recording_is_named_on_either_side() {
        let [mut own, mut other] = testing::two_recordings();
        let mut view = testing::view(&own);
        view.query =
            Query { minus: Some(class("cat")), run_b: Some(1), norm: Norm::Layer, ..Query::default() };
        let scaled = Normalisation::PerItemPerLayer;
        let source = |own: &Recording, other: &Recording| {
            let all = [
                NamedRun { name: "one", id: 1, recording: own },
                NamedRun { name: "two", id: 2, recording: other },
            ];
            describe_range(own, OpenRuns { all: &all, own: 0 }, &view, EpochPosition::at(EpochIndex(0)), None)
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
    fn the_source_of_the_range_is_described() {
        let mut recording = testing::recording();
        let mut view = testing::view(&recording);
        let at = EpochPosition::at(EpochIndex(0));
        assert_eq!(
            describe_range(&recording, OpenRuns::default(), &view, at, None),
            "range: each layer's own, this epoch"
        );
        let network = ViewState { range: Range::Network, ..view.clone() };
        assert_eq!(
            describe_range(&recording, OpenRuns::default(), &network, at, None),
            "range: all layers, this epoch"
        );
        recording.normalisation = Normalisation::PerItemPerLayer;
        assert_eq!(
            describe_range(&recording, OpenRuns::default(), &view, EpochPosition::at(EpochIndex(0)), None),
            "range: [0, 1], values normalised per input and layer by the recording"
        );
        view.query.minus = Some(class("dog"));
        assert_eq!(
            describe_range(
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
}
