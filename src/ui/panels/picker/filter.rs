//! Which inputs a list shows: by a part of their name, by class, by what was predicted. A million are
//! gone through in slices, a little in each frame, and what was found so far is shown.

use std::time::{Duration, Instant};

use crate::model::{PredictionFilter, Ranges, Recording, Selection};

/// Inputs that are gone through at a time, and how long in a frame.
const SLICE: usize = 4096;
const TIME: Duration = Duration::from_millis(2);

/// What inputs have to be, to be shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Part of their id, whatever the case of its letters.
    pub text: String,
    /// Index into [`Recording::classes`].
    pub class: Option<usize>,
    pub predicted: PredictionFilter,
}

/// The inputs that a filter leaves.
#[derive(Debug, Default)]
pub struct Found {
    asked: Filter,
    /// Where recording and predictions lie, and of which epoch these are: others are told by that.
    of: (usize, usize, Option<usize>),
    /// Ascending.
    inputs: Vec<u32>,
    /// Inputs that have been gone through.
    passed: usize,
}

/// The rows of a list, and which inputs they show.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a> {
    /// Every one of so many.
    All(usize),
    /// Ascending.
    Some(&'a [u32]),
}

impl Filter {
    /// Whether it leaves some out.
    pub fn is_active(&self) -> bool {
        *self != Self::default()
    }

    /// The filter without a number, which is a place to go to: [`Self::number`].
    pub fn without_number(&self, inputs: usize) -> Self {
        match self.number(inputs) {
            Some(_) => Self { text: String::new(), ..self.clone() },
            None => self.clone(),
        }
    }

    /// The input that the text is the number of.
    pub fn number(&self, inputs: usize) -> Option<usize> {
        let text = self.text.trim();
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten().filter(|number| *number < inputs)
    }

    fn takes(&self, recording: &Recording, predictions: Option<&[Option<usize>]>, index: usize) -> bool {
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

    /// The selection that it stands for, at the moment of `current`; `found` are the inputs that it
    /// leaves. By class and prediction it says so, and holds at other epochs as well; by name it counts
    /// the inputs up.
    pub fn selection(&self, recording: &Recording, current: &Selection, found: Rows) -> Selection {
        let base = Selection { epoch: current.epoch, ..Selection::default() };
        if !self.text.trim().is_empty() {
            return base.with_inputs(&found.inputs(0, found.count()));
        }
        let class = self.class.filter(|class| *class < recording.classes.len());
        let base = match class {
            Some(class) => base.with_classes(recording, &Ranges::from(class..=class)),
            None => base,
        };
        base.with_predicted(self.predicted)
    }
}

impl Found {
    /// Goes on with what `filter` leaves, by the predictions of an epoch; says whether more is to come. Of another recording, or with
    /// other predictions where they play a part, it begins anew.
    pub fn advance(
        &mut self,
        filter: &Filter,
        recording: &Recording,
        predictions: Option<&[Option<usize>]>,
        epoch: Option<usize>,
    ) -> bool {
        let predicted = filter.predicted != PredictionFilter::All;
        let at = predictions.filter(|_| predicted).map_or(0, |all| all.as_ptr().addr());
        let of = (std::ptr::from_ref(recording).addr(), at, epoch.filter(|_| predicted));
        if self.asked != *filter || self.of != of {
            *self = Self { asked: filter.clone(), of, inputs: Vec::new(), passed: 0 };
        }
        let count = recording.inputs.len().min(u32::MAX as usize);
        let start = Instant::now();
        while self.passed < count {
            let slice = self.passed..(self.passed + SLICE).min(count);
            self.passed = slice.end;
            let taken = slice.filter(|input| filter.takes(recording, predictions, *input));
            self.inputs.extend(taken.map(|input| input as u32));
            if start.elapsed() >= TIME {
                break;
            }
        }
        self.passed < count
    }

    pub fn rows(&self) -> Rows<'_> {
        Rows::Some(&self.inputs)
    }

    /// Inputs that have been gone through.
    pub fn passed(&self) -> usize {
        self.passed
    }

    /// What was asked for last.
    pub fn asked(&self) -> &Filter {
        &self.asked
    }
}

impl Rows<'_> {
    pub fn count(&self) -> usize {
        match self {
            Self::All(count) => *count,
            Self::Some(inputs) => inputs.len(),
        }
    }

    /// # Panics
    /// When there is no such row.
    pub fn input(&self, row: usize) -> usize {
        match self {
            Self::All(_) => row,
            Self::Some(inputs) => inputs[row] as usize,
        }
    }

    /// The row of an input, or the one that it would have.
    fn before(&self, input: usize) -> usize {
        match self {
            Self::All(count) => input.min(*count),
            Self::Some(inputs) => inputs.partition_point(|other| (*other as usize) < input),
        }
    }

    /// The row that shows an input.
    pub fn row(&self, input: usize) -> Option<usize> {
        let row = self.before(input);
        (row < self.count() && self.input(row) == input).then_some(row)
    }

    /// The inputs of the rows from `from` on, up to but without `to`.
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

    /// The inputs that rows show.
    pub fn inputs_of(&self, rows: &Ranges) -> Ranges {
        match self {
            Self::All(_) => rows.clone(),
            Self::Some(_) => {
                let pieces = rows.as_slice().iter().map(|range| self.inputs(*range.start(), range.end() + 1));
                pieces.flat_map(|piece| piece.as_slice().to_vec()).collect()
            }
        }
    }

    /// The rows that show any of some inputs.
    pub fn rows_of(&self, inputs: &Ranges) -> Ranges {
        match self {
            Self::All(_) => inputs.clone(),
            Self::Some(_) => inputs
                .as_slice()
                .iter()
                .filter_map(|range| {
                    let (from, to) = (self.before(*range.start()), self.before(range.end() + 1));
                    (from < to).then(|| from..=to - 1)
                })
                .collect(),
        }
    }

    /// Those of some inputs that no row shows.
    pub fn hidden(&self, inputs: &Ranges) -> Ranges {
        match self {
            Self::All(_) => Ranges::default(),
            Self::Some(_) => {
                let mut pieces = Vec::new();
                for range in inputs.as_slice() {
                    let mut next = *range.start();
                    for row in self.before(*range.start())..self.before(range.end() + 1) {
                        let shown = self.input(row);
                        if shown > next {
                            pieces.push(next..=shown - 1);
                        }
                        next = shown + 1;
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

/// Whether `text` has `part` somewhere, whatever the case of ASCII letters.
fn contains(text: &str, part: &str) -> bool {
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

    fn all(filter: &Filter) -> Vec<usize> {
        let (recording, predictions) = many();
        let mut found = Found::default();
        while found.advance(filter, &recording, Some(&predictions), None) {}
        let rows = found.rows();
        (0..rows.count()).map(|row| rows.input(row)).collect()
    }

    #[test]
    fn a_filter_leaves_what_it_says_in_slices() {
        let of = |text: &str, class, predicted| Filter { text: text.to_owned(), class, predicted };
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
    fn a_number_is_a_place_to_go_to_and_leaves_nothing_out() {
        let number = |text: &str| Filter { text: text.to_owned(), ..Filter::default() }.number(100);
        assert_eq!((number(" 42 "), number("0")), (Some(42), Some(0)));
        assert_eq!((number("100"), number("-4"), number("4a"), number("")), (None, None, None, None));
        let filter = Filter { text: "42".to_owned(), ..Filter::default() };
        assert!(!filter.without_number(100).is_active() && filter.without_number(42).is_active());
    }

    #[test]
    fn it_begins_anew_when_something_else_is_asked_for() {
        let (mut recording, predictions) = many();
        let mut found = Found::default();
        let finish = |found: &mut Found, filter: &Filter, recording: &Recording, predictions: &[_]| {
            while found.advance(filter, recording, Some(predictions), None) {}
            found.rows().count()
        };
        let wrong = Filter { predicted: PredictionFilter::Wrong, ..Filter::default() };
        assert_eq!(finish(&mut found, &wrong, &recording, &predictions), 1333);
        let right: Vec<_> = recording.inputs.iter().map(|input| input.class).collect();
        assert_eq!(finish(&mut found, &wrong, &recording, &right), 0, "at another epoch");
        let cats = Filter { class: Some(0), ..Filter::default() };
        assert_eq!(finish(&mut found, &cats, &recording, &predictions), 3334);
        recording.inputs.truncate(30);
        let other = recording.clone();
        assert_eq!(finish(&mut found, &cats, &other, &predictions), 10, "of another recording");
    }

    #[test]
    fn rows_and_inputs_are_each_others() {
        let shown = [2, 3, 4, 7, 9, 10];
        let rows = Rows::Some(&shown);
        let set = |indices: &[usize]| indices.iter().copied().collect::<Ranges>();
        assert_eq!(rows.inputs_of(&Ranges::from(1..=4)), set(&[3, 4, 7, 9]));
        assert_eq!(rows.rows_of(&set(&[0, 1, 4, 5, 6, 7, 8, 10, 12])), set(&[2, 3, 5]));
        assert_eq!(rows.hidden(&Ranges::from(1..=12)), set(&[1, 5, 6, 8, 11, 12]));
        assert_eq!((rows.row(7), rows.row(8), rows.row(99)), (Some(3), None, None));
        let everything = Rows::All(50);
        assert_eq!(everything.rows_of(&set(&[1, 9])), set(&[1, 9]));
        assert_eq!(everything.hidden(&set(&[1, 9])), set(&[]));
    }

    #[test]
    fn a_filter_becomes_terms_where_there_are_such() {
        let recording = testing::recording();
        let current: Selection = "class:cat&input:1@first".parse().expect("a selection");
        let shown = [1, 2, 5];
        let text = |filter: Filter| filter.selection(&recording, &current, Rows::Some(&shown)).to_string();
        let filter = |text: &str, class, predicted| Filter { text: text.to_owned(), class, predicted };
        assert_eq!(text(filter("", Some(1), PredictionFilter::Wrong)), "class:dog&wrong@first");
        assert_eq!(text(filter("", None, PredictionFilter::Right)), "right@first");
        assert_eq!(text(filter("ima", Some(1), PredictionFilter::Wrong)), "input:1-2,5@first");
    }
}
