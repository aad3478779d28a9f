//! The parts of a selection as lists and controls edit them: its classes, inputs and prediction filter.

use super::class_names::ClassNames;
use super::class_ref::ClassRef;
use super::{Selection, Term};
use crate::model::{Ranges, Recording};

/// A filter of inputs by the correctness of their predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PredictionFilter {
    /// All inputs.
    #[default]
    All,
    /// Inputs predicted as their class.
    Right,
    /// Inputs predicted as another class.
    Wrong,
}

impl Selection {
    /// The intersection of the class terms, as indices into [`Recording::classes`]; unknown and ambiguous
    /// classes are ignored. `None` without a class term.
    pub fn class_set(&self, recording: &Recording) -> Option<Ranges> {
        let mut terms = self.terms.iter().filter_map(|term| match term {
            Term::Class(classes) => Some(classes),
            _ => None,
        });
        let lookups = terms.clone().map(Vec::len).sum();
        let first = terms.next()?;
        let class_names = ClassNames::new(recording, lookups);
        let set = |classes: &[ClassRef]| -> Ranges {
            classes.iter().filter_map(|class| class_names.find(class)).collect()
        };
        Some(terms.fold(set(first), |left, names| left.intersection(&set(names))))
    }

    /// The intersection of the input terms. `None` without an input term.
    pub fn input_set(&self) -> Option<Ranges> {
        let mut terms = self.terms.iter().filter_map(|term| match term {
            Term::Input(ranges) => Some(ranges),
            _ => None,
        });
        let first = terms.next()?.clone();
        Some(terms.fold(first, |left, ranges| left.intersection(ranges)))
    }

    /// The filter by predictions; `None` with both [`Term::Right`] and [`Term::Wrong`], which no input
    /// fulfils.
    pub fn predicted(&self) -> Option<PredictionFilter> {
        match (self.terms.contains(&Term::Right), self.terms.contains(&Term::Wrong)) {
            (false, false) => Some(PredictionFilter::All),
            (true, false) => Some(PredictionFilter::Right),
            (false, true) => Some(PredictionFilter::Wrong),
            (true, true) => None,
        }
    }

    /// A copy with its class terms replaced by one for `classes`; by none if `classes` is empty.
    ///
    /// # Panics
    /// Panics if a class is not an index into [`Recording::classes`].
    pub fn with_classes(&self, recording: &Recording, classes: &Ranges) -> Self {
        let class_names = ClassNames::new(recording, classes.count());
        let references: Vec<ClassRef> = classes.indices().map(|class| class_names.reference(class)).collect();
        let term = (!references.is_empty()).then_some(Term::Class(references));
        self.with_terms_replaced(|term| matches!(term, Term::Class(_)), term)
    }

    /// A copy with its input terms replaced by one for `inputs`; by none if `inputs` is empty.
    pub fn with_inputs(&self, inputs: &Ranges) -> Self {
        let term = (!inputs.is_empty()).then(|| Term::Input(inputs.clone()));
        self.with_terms_replaced(|term| matches!(term, Term::Input(_)), term)
    }

    /// A copy with another filter by predictions.
    pub fn with_predicted(&self, filter: PredictionFilter) -> Self {
        let term = match filter {
            PredictionFilter::All => None,
            PredictionFilter::Right => Some(Term::Right),
            PredictionFilter::Wrong => Some(Term::Wrong),
        };
        self.with_terms_replaced(|term| matches!(term, Term::Right | Term::Wrong), term)
    }

    /// A copy with all terms for which `is_old` returns `true` replaced by `new`. Its terms are sorted:
    /// classes, inputs, predictions.
    fn with_terms_replaced(&self, is_old: impl Fn(&Term) -> bool, new: Option<Term>) -> Self {
        let mut terms: Vec<Term> = self.terms.iter().filter(|term| !is_old(term)).cloned().collect();
        terms.extend(new);
        terms.sort_by_key(|term| match term {
            Term::Class(_) => 0,
            Term::Input(_) => 1,
            Term::Right | Term::Wrong => 2,
        });
        Self { terms, epoch: self.epoch }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::animals;

    fn parse(text: &str) -> Selection {
        text.parse().unwrap()
    }

    fn set(indices: &[usize]) -> Ranges {
        indices.iter().copied().collect()
    }

    #[test]
    fn parts_are_the_intersections_of_their_terms() {
        let recording = animals();
        let both = parse("input:0-4&class:dog,cat&wrong&input:3,4@first");
        assert_eq!(both.class_set(&recording), Some(set(&[0, 1])));
        assert_eq!(both.input_set(), Some(set(&[3, 4])), "every term must hold");
        assert_eq!(both.predicted(), Some(PredictionFilter::Wrong));
        assert_eq!(parse("class:cat,dog&class:dog,cow").class_set(&recording), Some(set(&[1])));
        let all = parse("all");
        assert_eq!((all.class_set(&recording), all.input_set()), (None, None));
        assert_eq!(all.predicted(), Some(PredictionFilter::All));
        assert_eq!(parse("right&wrong").predicted(), None);
    }

    #[test]
    fn replacing_one_part_keeps_the_others() {
        let recording = animals();
        let text = |selection: Selection| selection.to_string();
        let both = parse("wrong&input:3,4@first");
        assert_eq!(
            text(both.with_classes(&recording, &set(&[0, 2]))),
            "class:cat,bird&input:3-4&wrong@first"
        );
        assert_eq!(text(both.with_inputs(&set(&[0, 1, 5]))), "input:0-1,5&wrong@first");
        assert_eq!(text(both.with_inputs(&Ranges::default())), "wrong@first");
        assert_eq!(text(both.with_predicted(PredictionFilter::All)), "input:3-4@first");
        assert_eq!(text(parse("class:cat&wrong").with_predicted(PredictionFilter::Right)), "class:cat&right");
        let odd = parse("all").with_classes(&recording, &set(&[1, 3]));
        assert_eq!(text(odd.clone()), "class:dog,fish");
        assert_eq!(odd.class_set(&recording), Some(set(&[1, 3])));
    }
}
