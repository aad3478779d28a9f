//! The number of inputs that a selection selects, without reading predictions.

use super::class_names::ClassNames;
use super::resolve::out_of_range;
use super::{Selection, SelectionError, Term};
use crate::model::Recording;

/// The number of inputs that a selection selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelectionCount {
    /// Number of selected inputs; `None` if it depends on predictions.
    pub inputs: Option<u64>,
    /// Number of inputs that the selection is from.
    pub of: u64,
}

impl Selection {
    /// Counts the selected inputs without reading anything: of all inputs and of classes alone, those of
    /// the stored aggregates; of other selections, the recorded ones.
    ///
    /// # Errors
    /// Returns the error that [`Selection::resolve`] would return, as far as it does not depend on
    /// predictions.
    pub fn count(&self, recording: &Recording) -> Result<SelectionCount, SelectionError> {
        for term in &self.terms {
            match term {
                Term::Class(references) => {
                    let class_names = ClassNames::new(recording, references.len());
                    references.iter().try_for_each(|class| class_names.index(class).map(drop))?;
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
        let aggregated = recording.classes.iter().map(|class| class.count()).sum::<u64>().max(recorded);
        if self.terms.is_empty() {
            // Aggregates may include inputs that are neither recorded nor of a class.
            return Ok(SelectionCount { inputs: (aggregated > 0).then_some(aggregated), of: aggregated });
        }
        if let Some(classes) = self.classes(recording) {
            let classes = classes.into_iter().filter_map(|class| recording.classes.get(class));
            return match classes.map(|class| class.count()).sum() {
                0 => Err(self.empty_error(recording)),
                inputs => Ok(SelectionCount { inputs: Some(inputs), of: aggregated }),
            };
        }
        let inputs = match (self.class_set(recording), self.input_set()) {
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
            return Err(self.empty_error(recording));
        }
        let inputs = (!self.needs_predictions()).then_some(inputs as u64);
        Ok(SelectionCount { inputs, of: recorded })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::animals;

    fn parse(text: &str) -> Selection {
        text.parse().unwrap()
    }

    #[test]
    fn counting_agrees_with_resolving() {
        let recording = animals();
        for text in
            ["input:1-4", "class:cat,dog", "class:cat&input:0-2", "class:dog&input:1&input:0-3", "input:5"]
        {
            let selection = parse(text);
            let resolved = selection.resolve(&recording, None).unwrap().len() as u64;
            assert_eq!(
                selection.count(&recording),
                Ok(SelectionCount { inputs: Some(resolved), of: 6 }),
                "{text}"
            );
        }
        for text in ["class:cow", "input:4-6", "class:bird&input:0-1", "class:cat&class:dog", "class:3"] {
            let selection = parse(text);
            assert_eq!(
                selection.count(&recording).unwrap_err(),
                selection.resolve(&recording, None).unwrap_err()
            );
        }
        assert_eq!(parse("class:cat&wrong").count(&recording), Ok(SelectionCount { inputs: None, of: 6 }));
        assert!(parse("class:bird&input:0&wrong").count(&recording).is_err(), "whatever was predicted");
        assert!(parse("right&wrong").count(&recording).is_err());
    }

    #[test]
    fn inputs_of_aggregates_are_counted_for_all_and_for_classes() {
        let mut recording = animals();
        for (class, aggregated) in recording.classes.iter_mut().zip([100, 200, 300, 0]) {
            class.aggregated = aggregated;
        }
        assert_eq!(parse("all").count(&recording), Ok(SelectionCount { inputs: Some(600), of: 600 }));
        assert_eq!(parse("class:dog").count(&recording), Ok(SelectionCount { inputs: Some(200), of: 600 }));
        assert_eq!(
            parse("class:dog,cat").count(&recording),
            Ok(SelectionCount { inputs: Some(300), of: 600 })
        );
        assert_eq!(
            parse("class:dog&input:0-2").count(&recording),
            Ok(SelectionCount { inputs: Some(1), of: 6 })
        );
    }
}
