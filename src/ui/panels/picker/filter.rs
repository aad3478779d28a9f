//! The listed inputs, filtered by a part of their id, by class and by prediction. Inputs are searched in
//! slices, a few per frame, so that a million of them do not delay a frame.

use std::time::{Duration, Instant};

use crate::model::{PredictionFilter, Ranges, Recording, Selection};

/// Number of inputs in a slice.
const SLICE: usize = 4096;
/// Time after which a frame begins no further slice.
const TIME: Duration = Duration::from_millis(2);

/// The conditions on listed inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputFilter {
    /// A part of the id, compared without case.
    pub text: String,
    /// Index into [`Recording::classes`].
    pub class: Option<usize>,
    /// The accepted predictions.
    pub predicted: PredictionFilter,
}

/// The inputs that match a filter, as far as searched.
#[derive(Debug, Default)]
pub struct FilteredInputs {
    filter: InputFilter,
    /// Id of the recording, and the epoch of the predictions if they were searched.
    source: (u64, Option<usize>),
    /// Ascending.
    inputs: Vec<u32>,
    /// Number of inputs that have been searched.
    searched: usize,
}

/// The inputs behind the rows of a list.
#[derive(Clone, Copy, Debug)]
pub enum ListRows<'a> {
    /// All inputs, given their number.
    All(usize),
    /// These inputs, in ascending order.
    Some(&'a [u32]),
}

impl InputFilter {
    /// Returns `true` if the filter excludes inputs.
    pub fn is_active(&self) -> bool {
        *self != Self::default()
    }

    /// Returns the filter without a text that is an input's number, see [`Self::number`].
    pub fn without_number(&self, inputs: usize) -> Self {
        match self.number(inputs) {
            Some(_) => Self { text: String::new(), ..self.clone() },
            None => self.clone(),
        }
    }

    /// Returns the input whose number the text is.
    pub fn number(&self, inputs: usize) -> Option<usize> {
        let text = self.text.trim();
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten().filter(|number| *number < inputs)
    }

    fn accepts(&self, recording: &Recording, predictions: Option<&[Option<usize>]>, index: usize) -> bool {
        let Some(input) = recording.inputs.get(index) else { return false };
        if self.class.is_some() && input.class != self.class {
            return false;
        }
        if self.predicted != PredictionFilter::All {
            let predicted = predictions.and_then(|all| all.get(index).copied().flatten());
            let right = match (predicted, input.class) {
                (Some(predicted), Some(class)) => predicted == class,
                _ => return false,
            };
            if right != (self.predicted == PredictionFilter::Right) {
                return false;
            }
        }
        contains(&input.id, self.text.trim())
    }

    /// Returns the selection of the inputs that the filter accepts, at the epoch of `current`; `matches` are
    /// these inputs. Class and prediction become terms, which apply at other epochs as well; with a part of
    /// an id, the selection lists the inputs.
    pub fn selection(&self, recording: &Recording, current: &Selection, matches: ListRows) -> Selection {
        let base = Selection { epoch: current.epoch, ..Selection::default() };
        if !self.text.trim().is_empty() {
            return base.with_inputs(&matches.inputs(0, matches.count()));
        }
        let class = self.class.filter(|class| *class < recording.classes.len());
        let base = match class {
            Some(class) => base.with_classes(recording, &Ranges::from(class..=class)),
            None => base,
        };
        base.with_predicted(self.predicted)
    }
}

impl FilteredInputs {
    /// Continues the search; returns `true` if inputs are left. It starts again if the filter or the
    /// recording changed, or predictions that the filter depends on.
    pub fn advance(
        &mut self,
        filter: &InputFilter,
        recording: &Recording,
        recording_id: u64,
        predictions: Option<&[Option<usize>]>,
        epoch: Option<usize>,
    ) -> bool {
        let predicted = filter.predicted != PredictionFilter::All;
        let source = (recording_id, epoch.filter(|_| predicted && predictions.is_some()));
        if self.filter != *filter || self.source != source {
            *self = Self { filter: filter.clone(), source, inputs: Vec::new(), searched: 0 };
        }
        let count = recording.inputs.len().min(u32::MAX as usize);
        let start = Instant::now();
        while self.searched < count {
            let slice = self.searched..(self.searched + SLICE).min(count);
            self.searched = slice.end;
            let taken = slice.filter(|input| filter.accepts(recording, predictions, *input));
            self.inputs.extend(taken.map(|input| input as u32));
            if start.elapsed() >= TIME {
                break;
            }
        }
        self.searched < count
    }

    /// Returns the matches so far as rows.
    pub fn rows(&self) -> ListRows<'_> {
        ListRows::Some(&self.inputs)
    }

    /// Returns the number of inputs that have been searched.
    pub fn searched(&self) -> usize {
        self.searched
    }

    /// Returns the filter of the current search.
    pub fn filter(&self) -> &InputFilter {
        &self.filter
    }
}

impl ListRows<'_> {
    /// Returns the number of rows.
    pub fn count(&self) -> usize {
        match self {
            Self::All(count) => *count,
            Self::Some(inputs) => inputs.len(),
        }
    }

    /// Returns the input of a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn input(&self, row: usize) -> usize {
        match self {
            Self::All(_) => row,
            Self::Some(inputs) => inputs[row] as usize,
        }
    }

    /// Returns the row of an input, or the row where it would be.
    fn lower_bound(&self, input: usize) -> usize {
        match self {
            Self::All(count) => input.min(*count),
            Self::Some(inputs) => inputs.partition_point(|other| (*other as usize) < input),
        }
    }

    /// Returns the row of an input, if it is listed.
    pub fn row(&self, input: usize) -> Option<usize> {
        let row = self.lower_bound(input);
        (row < self.count() && self.input(row) == input).then_some(row)
    }

    /// Returns the inputs of the rows from `from` up to, but not including, `to`.
    fn inputs(&self, from: usize, to: usize) -> Ranges {
        match self {
            _ if from >= to => Ranges::default(),
            Self::All(_) => Ranges::from(from..=to - 1),
            Self::Some(inputs) => inputs[from..to]
                .chunk_by(|a, b| a + 1 == *b)
                .filter_map(|run| Some(*run.first()? as usize..=*run.last()? as usize))
                .collect(),
        }
    }

    /// Returns the inputs of `rows`.
    pub fn inputs_of(&self, rows: &Ranges) -> Ranges {
        match self {
            Self::All(_) => rows.clone(),
            Self::Some(_) => {
                let pieces = rows.as_slice().iter().map(|range| self.inputs(*range.start(), range.end() + 1));
                pieces.flat_map(|piece| piece.as_slice().to_vec()).collect()
            }
        }
    }

    /// Returns the rows of `inputs`, as far as these are listed.
    pub fn rows_of(&self, inputs: &Ranges) -> Ranges {
        match self {
            Self::All(_) => inputs.clone(),
            Self::Some(_) => inputs
                .as_slice()
                .iter()
                .filter_map(|range| {
                    let (from, to) = (self.lower_bound(*range.start()), self.lower_bound(range.end() + 1));
                    (from < to).then(|| from..=to - 1)
                })
                .collect(),
        }
    }

    /// Returns the part of `inputs` that is not listed.
    pub fn unlisted(&self, inputs: &Ranges) -> Ranges {
        match self {
            Self::All(_) => Ranges::default(),
            Self::Some(_) => {
                let mut pieces = Vec::new();
                for range in inputs.as_slice() {
                    let mut next = *range.start();
                    for row in self.lower_bound(*range.start())..self.lower_bound(range.end() + 1) {
                        let listed = self.input(row);
                        if listed > next {
                            pieces.push(next..=listed - 1);
                        }
                        next = listed + 1;
                    }
                    if next <= *range.end() {
                        pieces.push(next..=*range.end());
                    }
                }
                pieces.into_iter().collect()
            }
        }
    }
}

/// Returns `true` if `text` contains `part`, ignoring the case of ASCII letters.
pub fn contains(text: &str, part: &str) -> bool {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    part.is_empty() || text.windows(part.len()).any(|piece| piece.eq_ignore_ascii_case(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing;

    /// 10 000 inputs "image-0" … of classes 0, 1, 2 in turn, every fifth predicted as class 0.
    fn many() -> (Recording, Vec<Option<usize>>) {
        let mut recording = testing::recording();
        let input = |index: usize| crate::model::Input {
            id: format!("Image-{index:05}"),
            class: Some(index % 3),
            has_picture: false,
        };
        recording.inputs = (0..10_000).map(input).collect();
        let predictions = (0..10_000).map(|index| Some(if index % 5 == 0 { 0 } else { index % 3 })).collect();
        (recording, predictions)
    }

    fn all(filter: &InputFilter) -> Vec<usize> {
        let (recording, predictions) = many();
        let mut filtered = FilteredInputs::default();
        while filtered.advance(filter, &recording, 1, Some(&predictions), None) {}
        let rows = filtered.rows();
        (0..rows.count()).map(|row| rows.input(row)).collect()
    }

    #[test]
    fn a_filter_is_applied_in_slices() {
        let of = |text: &str, class, predicted| InputFilter { text: text.to_owned(), class, predicted };
        let wrong = all(&of("", None, PredictionFilter::Wrong));
        let oracle: Vec<usize> = (0..10_000).filter(|index| index % 5 == 0 && index % 3 != 0).collect();
        assert_eq!(wrong, oracle);
        let birds = all(&of("", Some(2), PredictionFilter::Right));
        let oracle: Vec<usize> = (0..10_000).filter(|index| index % 3 == 2 && index % 5 != 0).collect();
        assert_eq!(birds, oracle);
        assert_eq!(all(&of("IMAGE-0012", None, PredictionFilter::All)), (120..130).collect::<Vec<_>>());
        assert_eq!(all(&of(" 99x", None, PredictionFilter::All)), [] as [usize; 0]);
    }

    #[test]
    fn a_number_is_no_filter() {
        let number = |text: &str| InputFilter { text: text.to_owned(), ..InputFilter::default() }.number(100);
        assert_eq!((number(" 42 "), number("0")), (Some(42), Some(0)));
        assert_eq!((number("100"), number("-4"), number("4a"), number("")), (None, None, None, None));
        let filter = InputFilter { text: "42".to_owned(), ..InputFilter::default() };
        assert!(!filter.without_number(100).is_active() && filter.without_number(42).is_active());
    }

    #[test]
    fn a_search_starts_again_after_a_change() {
        let (mut recording, predictions) = many();
        let mut filtered = FilteredInputs::default();
        let finish = |filtered: &mut FilteredInputs,
                      filter: &InputFilter,
                      (recording, id): (&Recording, u64),
                      (predictions, epoch): (&[_], usize)| {
            while filtered.advance(filter, recording, id, Some(predictions), Some(epoch)) {}
            filtered.rows().count()
        };
        let wrong = InputFilter { predicted: PredictionFilter::Wrong, ..InputFilter::default() };
        assert_eq!(finish(&mut filtered, &wrong, (&recording, 1), (&predictions, 0)), 1333);
        let right: Vec<_> = recording.inputs.iter().map(|input| input.class).collect();
        assert_eq!(finish(&mut filtered, &wrong, (&recording, 1), (&right, 1)), 0, "at another epoch");
        let cats = InputFilter { class: Some(0), ..InputFilter::default() };
        assert_eq!(finish(&mut filtered, &cats, (&recording, 1), (&predictions, 0)), 3334);
        // Another recording can have the address of the one before.
        recording.inputs.truncate(30);
        assert_eq!(
            finish(&mut filtered, &cats, (&recording, 2), (&predictions, 0)),
            10,
            "of another recording"
        );
    }

    #[test]
    fn rows_and_inputs_are_converted_both_ways() {
        let listed = [2, 3, 4, 7, 9, 10];
        let rows = ListRows::Some(&listed);
        let set = |indices: &[usize]| indices.iter().copied().collect::<Ranges>();
        assert_eq!(rows.inputs_of(&Ranges::from(1..=4)), set(&[3, 4, 7, 9]));
        assert_eq!(rows.rows_of(&set(&[0, 1, 4, 5, 6, 7, 8, 10, 12])), set(&[2, 3, 5]));
        assert_eq!(rows.unlisted(&Ranges::from(1..=12)), set(&[1, 5, 6, 8, 11, 12]));
        assert_eq!((rows.row(7), rows.row(8), rows.row(99)), (Some(3), None, None));
        let everything = ListRows::All(50);
        assert_eq!(everything.rows_of(&set(&[1, 9])), set(&[1, 9]));
        assert_eq!(everything.unlisted(&set(&[1, 9])), set(&[]));
    }

    #[test]
    fn class_and_prediction_of_a_filter_become_terms() {
        let recording = testing::recording();
        let current: Selection = "class:cat&input:1@first".parse().expect("a selection");
        let listed = [1, 2, 5];
        let text =
            |filter: InputFilter| filter.selection(&recording, &current, ListRows::Some(&listed)).to_string();
        let filter = |text: &str, class, predicted| InputFilter { text: text.to_owned(), class, predicted };
        assert_eq!(text(filter("", Some(1), PredictionFilter::Wrong)), "class:dog&wrong@first");
        assert_eq!(text(filter("", None, PredictionFilter::Right)), "right@first");
        assert_eq!(text(filter("ima", Some(1), PredictionFilter::Wrong)), "input:1-2,5@first");
    }
}
