//! A selection taken apart, as lists and controls show it, and put together again.

use std::collections::HashMap;

use super::selection::{out_of_range, unknown_class};
use super::{Ranges, Recording, Selection, SelectionError, Term};

/// Which of the inputs are meant, by what the network made of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Predicted {
    #[default]
    All,
    Right,
    Wrong,
}

/// How many inputs a selection chooses, and out of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// `None` where only the predictions tell.
    pub inputs: Option<u64>,
    pub of: u64,
}

/// Finds the classes of a recording by what a selection calls them.
pub(super) struct ClassNames<'a> {
    recording: &'a Recording,
    /// Each name's first class.
    named: HashMap<&'a str, usize>,
}

impl<'a> ClassNames<'a> {
    pub(super) fn of(recording: &'a Recording) -> Self {
        let classes = recording.classes.iter().enumerate().rev();
        Self { recording, named: classes.map(|(index, class)| (class.name.as_str(), index)).collect() }
    }

    /// By name, else by id; an index into [`Recording::classes`].
    pub(super) fn index(&self, text: &str) -> Option<usize> {
        self.named.get(text).copied().or_else(|| {
            let id: i64 = text.parse().ok()?;
            self.recording.classes.iter().position(|class| class.id == id)
        })
    }

    /// What to call a class such that it is understood again.
    ///
    /// # Panics
    /// When `class` is no index into [`Recording::classes`].
    pub(super) fn text(&self, class: usize) -> String {
        let found = &self.recording.classes[class];
        let name = &found.name;
        let plain = !name.is_empty() && name.trim() == name && !name.contains(['&', ',', '@']);
        if plain && self.named.get(name.as_str()) == Some(&class) {
            name.clone()
        } else {
            found.id.to_string()
        }
    }
}

impl Selection {
    /// The classes that its class terms leave, as indices into [`Recording::classes`]; unknown names
    /// are passed over. `None` without such a term.
    pub fn class_part(&self, recording: &Recording) -> Option<Ranges> {
        let mut terms = self.terms.iter().filter_map(|term| match term {
            Term::Class(names) => Some(names),
            _ => None,
        });
        let first = terms.next()?;
        let known = ClassNames::of(recording);
        let set = |names: &[String]| names.iter().filter_map(|name| known.index(name)).collect::<Ranges>();
        Some(terms.fold(set(first), |left, names| left.intersection(&set(names))))
    }

    /// The inputs that its input terms leave. `None` without such a term.
    pub fn input_part(&self) -> Option<Ranges> {
        let mut terms = self.terms.iter().filter_map(|term| match term {
            Term::Input(ranges) => Some(ranges),
            _ => None,
        });
        let first = terms.next()?.clone();
        Some(terms.fold(first, |left, ranges| left.intersection(ranges)))
    }

    /// What its terms say of predictions; `None` when they ask for right and wrong ones at once.
    pub fn predicted(&self) -> Option<Predicted> {
        match (self.terms.contains(&Term::Right), self.terms.contains(&Term::Wrong)) {
            (false, false) => Some(Predicted::All),
            (true, false) => Some(Predicted::Right),
            (false, true) => Some(Predicted::Wrong),
            (true, true) => None,
        }
    }

    /// The same with these classes instead of its own; with none, of any class.
    ///
    /// # Panics
    /// When one is no index into [`Recording::classes`].
    pub fn with_classes(&self, recording: &Recording, classes: &Ranges) -> Self {
        let known = ClassNames::of(recording);
        let names: Vec<String> = classes.indices().map(|class| known.text(class)).collect();
        let term = (!names.is_empty()).then_some(Term::Class(names));
        self.replaced(|term| matches!(term, Term::Class(_)), term)
    }

    /// The same with these inputs instead of its own; with none, without a term for inputs.
    pub fn with_inputs(&self, inputs: &Ranges) -> Self {
        let term = (!inputs.is_empty()).then(|| Term::Input(inputs.clone()));
        self.replaced(|term| matches!(term, Term::Input(_)), term)
    }

    /// The same with another say on predictions.
    pub fn with_predicted(&self, predicted: Predicted) -> Self {
        let term = match predicted {
            Predicted::All => None,
            Predicted::Right => Some(Term::Right),
            Predicted::Wrong => Some(Term::Wrong),
        };
        self.replaced(|term| matches!(term, Term::Right | Term::Wrong), term)
    }

    /// Classes come first, then inputs, then predictions.
    fn replaced(&self, old: impl Fn(&Term) -> bool, new: Option<Term>) -> Self {
        let mut terms: Vec<Term> = self.terms.iter().filter(|term| !old(term)).cloned().collect();
        terms.extend(new);
        terms.sort_by_key(|term| match term {
            Term::Class(_) => 0,
            Term::Input(_) => 1,
            Term::Right | Term::Wrong => 2,
        });
        Self { terms, epoch: self.epoch }
    }

    /// How many inputs it chooses, without reading anything. Of `all` and of classes alone, the
    /// inputs that stored aggregates speak of are counted; of everything else, the recorded ones.
    ///
    /// # Errors
    /// What [`Selection::resolve`] is sure to refuse, whatever the predictions.
    pub fn count(&self, recording: &Recording) -> Result<Counted, SelectionError> {
        for term in &self.terms {
            match term {
                Term::Class(names) => {
                    let known = ClassNames::of(recording);
                    if let Some(name) = names.iter().find(|name| known.index(name).is_none()) {
                        return Err(unknown_class(recording, name));
                    }
                }
                Term::Input(ranges) => {
                    if let Some(last) = ranges.last().filter(|last| *last >= recording.inputs.len()) {
                        return Err(out_of_range(recording, last));
                    }
                }
                Term::Right | Term::Wrong => {}
            }
        }
        let recorded = recording.inputs.len() as u64;
        let spoken_of = recording.classes.iter().map(|class| class.count()).sum::<u64>().max(recorded);
        if self.terms.is_empty() {
            // Aggregates may speak of inputs that neither bear a class nor are recorded.
            return Ok(Counted { inputs: (spoken_of > 0).then_some(spoken_of), of: spoken_of });
        }
        if let Some(classes) = self.classes(recording) {
            let classes = classes.into_iter().filter_map(|class| recording.classes.get(class));
            return match classes.map(|class| class.count()).sum() {
                0 => Err(self.empty()),
                inputs => Ok(Counted { inputs: Some(inputs), of: spoken_of }),
            };
        }
        let inputs = match (self.class_part(recording), self.input_part()) {
            (None, None) => recording.inputs.len(),
            (None, Some(inputs)) => inputs.count(),
            (Some(classes), None) => classes
                .indices()
                .filter_map(|class| recording.classes.get(class))
                .map(|class| class.inputs)
                .sum(),
            (Some(classes), Some(inputs)) => inputs
                .indices()
                .filter_map(|input| recording.inputs.get(input)?.class)
                .filter(|class| classes.contains(*class))
                .count(),
        };
        let impossible = self.predicted().is_none();
        if inputs == 0 || impossible {
            return Err(self.empty());
        }
        let inputs = (!self.needs_predictions()).then_some(inputs as u64);
        Ok(Counted { inputs, of: recorded })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing;

    /// Six inputs: 0 and 3 are cats, 1 and 4 dogs, 2 a bird, 5 unlabelled; the last class is a second
    /// one called "dog".
    fn animals() -> Recording {
        let labels = [Some(0), Some(1), Some(2), Some(0), Some(1), None];
        testing::recording(&[4], &["cat", "dog", "bird", "dog"], &labels, &[0, 1])
    }

    fn parse(text: &str) -> Selection {
        text.parse().unwrap()
    }

    fn set(indices: &[usize]) -> Ranges {
        indices.iter().copied().collect()
    }

    #[test]
    fn a_selection_falls_into_its_parts() {
        let recording = animals();
        let both = parse("input:0-4&class:dog,cat&wrong&input:3,4@first");
        assert_eq!(both.class_part(&recording), Some(set(&[0, 1])));
        assert_eq!(both.input_part(), Some(set(&[3, 4])), "every term must hold");
        assert_eq!(both.predicted(), Some(Predicted::Wrong));
        assert_eq!(parse("class:cat,dog&class:dog,cow").class_part(&recording), Some(set(&[1])));
        let all = parse("all");
        assert_eq!((all.class_part(&recording), all.input_part()), (None, None));
        assert_eq!(all.predicted(), Some(Predicted::All));
        assert_eq!(parse("right&wrong").predicted(), None);
    }

    #[test]
    fn one_part_is_replaced_and_the_others_stay() {
        let recording = animals();
        let text = |selection: Selection| selection.to_string();
        let both = parse("wrong&input:3,4@first");
        assert_eq!(
            text(both.with_classes(&recording, &set(&[0, 2]))),
            "class:cat,bird&input:3-4&wrong@first"
        );
        assert_eq!(text(both.with_inputs(&set(&[0, 1, 5]))), "input:0-1,5&wrong@first");
        assert_eq!(text(both.with_inputs(&Ranges::default())), "wrong@first");
        assert_eq!(text(both.with_predicted(Predicted::All)), "input:3-4@first");
        assert_eq!(text(parse("class:cat&wrong").with_predicted(Predicted::Right)), "class:cat&right");
        let odd = parse("all").with_classes(&recording, &set(&[1, 3]));
        assert_eq!(text(odd.clone()), "class:dog,3", "the second of a name goes by its id");
        assert_eq!(odd.class_part(&recording), Some(set(&[1, 3])));
    }

    #[test]
    fn counting_agrees_with_resolving() {
        let recording = animals();
        for text in
            ["input:1-4", "class:cat,dog", "class:cat&input:0-2", "class:dog&input:1&input:0-3", "input:5"]
        {
            let selection = parse(text);
            let resolved = selection.resolve(&recording, None).unwrap().len() as u64;
            assert_eq!(selection.count(&recording), Ok(Counted { inputs: Some(resolved), of: 6 }), "{text}");
        }
        for text in ["class:cow", "input:4-6", "class:bird&input:0-1", "class:cat&class:dog", "class:3"] {
            let selection = parse(text);
            assert_eq!(
                selection.count(&recording).unwrap_err(),
                selection.resolve(&recording, None).unwrap_err()
            );
        }
        assert_eq!(parse("class:cat&wrong").count(&recording), Ok(Counted { inputs: None, of: 6 }));
        assert!(parse("class:bird&input:0&wrong").count(&recording).is_err(), "whatever was predicted");
        assert!(parse("right&wrong").count(&recording).is_err());
    }

    #[test]
    fn what_aggregates_speak_of_is_counted_where_they_answer() {
        let mut recording = animals();
        for (class, aggregated) in recording.classes.iter_mut().zip([100, 200, 300, 0]) {
            class.aggregated = aggregated;
        }
        assert_eq!(parse("all").count(&recording), Ok(Counted { inputs: Some(600), of: 600 }));
        assert_eq!(parse("class:dog").count(&recording), Ok(Counted { inputs: Some(200), of: 600 }));
        assert_eq!(parse("class:dog,cat").count(&recording), Ok(Counted { inputs: Some(300), of: 600 }));
        assert_eq!(parse("class:dog&input:0-2").count(&recording), Ok(Counted { inputs: Some(1), of: 6 }));
    }
}
