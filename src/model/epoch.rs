//! References to an epoch by text: `12`, `first`, `last`, `best`, or `3.5` between two epochs.

use std::fmt;
use std::str::FromStr;

use super::{EpochIndex, Recording};

/// A reference to an epoch as written on the command line or in a selection.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum EpochRef {
    /// The first readable epoch.
    First,
    /// The last readable epoch.
    #[default]
    Last,
    /// The epoch of highest accuracy, else of lowest loss; the earliest of equals.
    Best,
    /// The epoch of this number.
    Number(u64),
    /// A number between two recorded ones, which is interpolated, or equal to a recorded one.
    Between(f64),
}

/// An epoch or a point between two, as indices into [`Recording::epochs`]: `(1 − t) · from + t · to`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochPosition {
    /// Index of the epoch at or before the position.
    pub from: EpochIndex,
    /// Index of the epoch after the position; equal to `from` at a recorded epoch.
    pub to: EpochIndex,
    /// Weight of `to`, in `[0, 1)`; 0 when `from == to`.
    pub t: f32,
}

/// An epoch reference that is malformed or that a recording does not have.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum EpochError {
    /// The text is not an epoch reference.
    #[error("`{0}` is no epoch: write a number, first, last, best, or a fraction such as 3.5")]
    Syntax(String),
    /// The recording has no epoch.
    #[error("no epoch is recorded yet; wait for the first one")]
    NoneYet,
    /// All epochs of the recording are damaged.
    #[error("the recording has no readable epoch")]
    None,
    /// No epoch of this number is recorded.
    #[error("epoch {number} is not recorded; there are {recorded}")]
    NotRecorded {
        /// The requested number.
        number: f64,
        /// List of the recorded epoch numbers, for the message.
        recorded: String,
    },
    /// The epoch of this number is damaged.
    #[error("epoch {0} is damaged; choose another")]
    Damaged(u64),
    /// `best` was requested, and no epoch has an accuracy or a loss.
    #[error("no epoch has an accuracy or a loss, so none is the best; write its number")]
    NoMetric,
}

impl FromStr for EpochRef {
    type Err = EpochError;

    fn from_str(text: &str) -> Result<Self, EpochError> {
        match text {
            "first" => return Ok(Self::First),
            "last" => return Ok(Self::Last),
            "best" => return Ok(Self::Best),
            _ => {}
        }
        if let Ok(number) = text.parse::<u64>() {
            return Ok(Self::Number(number));
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() && number >= 0.0 => {
                Ok(if number.fract() == 0.0 && number < u64::MAX as f64 {
                    Self::Number(number as u64)
                } else {
                    Self::Between(number)
                })
            }
            _ => Err(EpochError::Syntax(text.to_owned())),
        }
    }
}

impl fmt::Display for EpochRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("first"),
            Self::Last => f.write_str("last"),
            Self::Best => f.write_str("best"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Between(number) => write!(f, "{number}"),
        }
    }
}

impl EpochRef {
    /// A reference to the epoch of this number, or to a point between two where it is fractional.
    pub fn from_number(number: f64) -> Self {
        if number.fract() == 0.0 { Self::Number(number as u64) } else { Self::Between(number) }
    }

    /// Finds the position among the undamaged epochs of `recording`.
    ///
    /// # Errors
    /// Returns an [`EpochError`] other than [`EpochError::Syntax`] if there is no such epoch.
    pub fn resolve(self, recording: &Recording) -> Result<EpochPosition, EpochError> {
        if recording.epochs.is_empty() {
            return Err(EpochError::NoneYet);
        }
        let readable: Vec<usize> =
            (0..recording.epochs.len()).filter(|&index| !recording.epochs[index].damaged).collect();
        let (Some(&first), Some(&last)) = (readable.first(), readable.last()) else {
            return Err(EpochError::None);
        };
        let at = |index| Ok(EpochPosition::at(EpochIndex(index)));
        match self {
            Self::First => at(first),
            Self::Last => at(last),
            Self::Best => best(recording, &readable).map(EpochPosition::at),
            Self::Number(number) => match recording.epochs.iter().position(|epoch| epoch.number == number) {
                Some(index) if recording.epochs[index].damaged => Err(EpochError::Damaged(number)),
                Some(index) => at(index),
                None => Err(not_recorded(recording, &readable, number as f64)),
            },
            Self::Between(number) => {
                let number_of = |index: usize| recording.epochs[index].number as f64;
                if let Some(&index) = readable.iter().find(|&&index| number_of(index) == number) {
                    return at(index);
                }
                readable
                    .windows(2)
                    .find(|pair| number_of(pair[0]) < number && number < number_of(pair[1]))
                    .map(|pair| {
                        let t = (number - number_of(pair[0])) / (number_of(pair[1]) - number_of(pair[0]));
                        // Rounding to f32 must not reach the next epoch.
                        let (from, to) = (EpochIndex(pair[0]), EpochIndex(pair[1]));
                        EpochPosition { from, to, t: (t as f32).min(1.0f32.next_down()) }
                    })
                    .ok_or_else(|| not_recorded(recording, &readable, number))
            }
        }
    }
}

impl EpochPosition {
    /// The position of one recorded epoch.
    pub fn at(index: EpochIndex) -> Self {
        Self { from: index, to: index, t: 0.0 }
    }

    /// The epoch number, fractional between two epochs.
    ///
    /// # Panics
    /// Panics if an index is outside [`Recording::epochs`].
    pub fn number(self, recording: &Recording) -> f64 {
        let number_of = |index: EpochIndex| recording.epochs[index.0].number as f64;
        number_of(self.from) + f64::from(self.t) * (number_of(self.to) - number_of(self.from))
    }
}

/// The epoch of highest accuracy, else of lowest loss; the earliest of equals.
fn best(recording: &Recording, readable: &[usize]) -> Result<EpochIndex, EpochError> {
    let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
    let score = |index: usize| {
        let epoch = &recording.epochs[index];
        finite(epoch.accuracy).or(finite(epoch.loss).map(|loss| -loss))
    };
    readable
        .iter()
        .filter_map(|&index| score(index).map(|score| (index, score)))
        .fold(None, |best: Option<(usize, f64)>, (index, score)| match best {
            Some((_, highest)) if highest >= score => best,
            _ => Some((index, score)),
        })
        .map(|(index, _)| EpochIndex(index))
        .ok_or(EpochError::NoMetric)
}

fn not_recorded(recording: &Recording, readable: &[usize], number: f64) -> EpochError {
    let numbers: Vec<u64> = readable.iter().map(|&index| recording.epochs[index].number).collect();
    let recorded = if numbers.len() <= 12 {
        numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
    } else {
        format!("{} epochs from {} to {}", numbers.len(), numbers[0], numbers[numbers.len() - 1])
    };
    EpochError::NotRecorded { number, recorded }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing;

    /// Epochs 0, 2, 4, 8 and 9, of which 4 is damaged.
    fn training() -> Recording {
        let mut recording = testing::recording(&[1], &[], &[], &[0, 2, 4, 8, 9]);
        recording.epochs[2].damaged = true;
        recording
    }

    fn resolve(text: &str, recording: &Recording) -> Result<EpochPosition, EpochError> {
        text.parse::<EpochRef>()?.resolve(recording)
    }

    #[test]
    fn parsing_and_writing_an_epoch_reference_are_inverse() {
        for text in ["first", "last", "best", "0", "12", "3.5", "0.1", "18446744073709551615"] {
            assert_eq!(text.parse::<EpochRef>().unwrap().to_string(), text);
        }
        assert_eq!("3.0".parse(), Ok(EpochRef::Number(3)));
        assert_eq!("1e16".parse(), Ok(EpochRef::Number(10_000_000_000_000_000)));
        for text in ["", "x", "-1", "nan", "inf", "First", "1..2", "3,5"] {
            assert_eq!(text.parse::<EpochRef>(), Err(EpochError::Syntax(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn a_reference_is_resolved_among_the_readable_epochs() {
        let recording = training();
        assert_eq!(resolve("first", &recording), Ok(EpochPosition::at(EpochIndex(0))));
        assert_eq!(resolve("last", &recording), Ok(EpochPosition::at(EpochIndex(4))));
        assert_eq!(resolve("8", &recording), Ok(EpochPosition::at(EpochIndex(3))));
        assert_eq!(
            resolve("0.5", &recording),
            Ok(EpochPosition { from: EpochIndex(0), to: EpochIndex(1), t: 0.25 })
        );
        let across = resolve("5", &recording);
        assert!(matches!(across, Err(EpochError::NotRecorded { .. })), "a whole number must be recorded");
        let across = resolve("3.5", &recording).unwrap();
        assert_eq!(
            across,
            EpochPosition { from: EpochIndex(1), to: EpochIndex(3), t: 0.25 },
            "over a damaged epoch"
        );
        assert_eq!(across.number(&recording), 3.5);
        assert_eq!(EpochRef::Between(9.0).resolve(&recording), Ok(EpochPosition::at(EpochIndex(4))));
        assert_eq!(EpochRef::Between(2.0).resolve(&recording), Ok(EpochPosition::at(EpochIndex(1))));
        let nearly = resolve("1.9999999999999", &recording).unwrap();
        assert!((nearly.from, nearly.to) == (EpochIndex(0), EpochIndex(1)) && nearly.t < 1.0, "{nearly:?}");
    }

    #[test]
    fn the_best_epoch_has_the_highest_accuracy_else_the_lowest_loss() {
        let mut recording = training();
        assert_eq!(resolve("best", &recording), Err(EpochError::NoMetric));
        for (epoch, loss) in recording.epochs.iter_mut().zip([2.0, 0.5, 0.1, f64::NAN, 0.5]) {
            epoch.loss = Some(loss);
        }
        assert_eq!(
            resolve("best", &recording),
            Ok(EpochPosition::at(EpochIndex(1))),
            "the earliest of equals, undamaged"
        );
        for (epoch, accuracy) in recording.epochs.iter_mut().zip([10.0, 60.0, 99.0, 80.0, 70.0]) {
            epoch.accuracy = Some(accuracy);
        }
        assert_eq!(resolve("best", &recording), Ok(EpochPosition::at(EpochIndex(3))));
    }

    #[test]
    fn every_error_message_names_the_cause_and_the_alternatives() {
        let recording = training();
        let message = |text: &str, recording: &Recording| resolve(text, recording).unwrap_err().to_string();
        let begun = testing::recording(&[1], &[], &[], &[]);
        for text in ["first", "last", "best", "0", "0.5"] {
            assert_eq!(message(text, &begun), "no epoch is recorded yet; wait for the first one");
        }
        assert_eq!(message("7", &recording), "epoch 7 is not recorded; there are 0, 2, 8, 9");
        assert_eq!(message("9.5", &recording), "epoch 9.5 is not recorded; there are 0, 2, 8, 9");
        assert_eq!(message("4", &recording), "epoch 4 is damaged; choose another");
        let many = testing::recording(&[1], &[], &[], &(0..40).collect::<Vec<_>>());
        assert_eq!(message("77", &many), "epoch 77 is not recorded; there are 40 epochs from 0 to 39");
        let mut none = testing::recording(&[1], &[], &[], &[0]);
        none.epochs[0].damaged = true;
        assert_eq!(message("last", &none), "the recording has no readable epoch");
    }
}
