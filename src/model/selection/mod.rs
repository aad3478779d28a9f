//! Selections: sets of inputs by class, index or prediction, with their text form, e.g.
//! `class:cat,dog&wrong@first`.
//!
//! The text is a list of terms joined by `&`, every one of which must hold: `all`, `class:CLASS,CLASS`,
//! `input:N,N-M`, `right`, `wrong`; then optionally `@EPOCH` for an epoch of its own. A class is its name or
//! its id; `"NAME"` is always the name, with `\"` for a quote and `\\` for a backslash in it, and `#ID`
//! always the id.
//!
//! ```
//! use dnnviz::model::{ClassRef, Selection, Term};
//!
//! let selection: Selection = "class:cat&wrong@first".parse()?;
//! assert_eq!(selection.terms, [Term::Class(vec![ClassRef::Text("cat".to_owned())]), Term::Wrong]);
//! assert_eq!(selection.to_string(), "class:cat&wrong@first");
//! # Ok::<(), dnnviz::model::SelectionError>(())
//! ```

mod class_names;
mod class_ref;
mod controls;
mod count;
mod describe;
mod resolve;
mod text;

use serde::{Deserialize, Serialize};

pub use self::class_ref::ClassRef;
pub use self::controls::PredictionFilter;
pub use self::count::SelectionCount;
use super::{EpochError, EpochRef, Ranges};

/// Greatest number of names or ranges in a message; the others are only counted.
const LISTED: usize = 12;

/// A set of inputs: those for which every term holds. Serialized as its text form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Selection {
    /// The conditions; empty for all inputs.
    pub terms: Vec<Term>,
    /// The epoch at which the selection is read; `None` for the epoch of the view.
    pub epoch: Option<EpochRef>,
}

/// One condition on an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// The input is of one of these classes.
    Class(Vec<ClassRef>),
    /// The input is one of these indices into [`super::Recording::inputs`].
    Input(Ranges),
    /// The predicted class is the class of the input.
    Right,
    /// The predicted class is another than the class of the input.
    Wrong,
}

/// A selection that is malformed or that selects nothing.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum SelectionError {
    /// The text is not a selection.
    #[error(
        "`{0}` is no selection: write all, class:NAME, input:N, input:N-M, right or wrong, joined by &; a class name with `,`, `&` or `@` goes in quotes, as in class:\"R&B\""
    )]
    Syntax(String),
    /// A range of inputs ends before it starts.
    #[error("`{start}-{end}` runs backwards: write {end}-{start}")]
    Backwards {
        /// Start of the range.
        start: usize,
        /// End of the range, less than `start`.
        end: usize,
    },
    /// The epoch of the selection is malformed.
    #[error(transparent)]
    Epoch(#[from] EpochError),
    /// The recording has no class of this name or id.
    #[error("there is no class `{name}`; {known}")]
    UnknownClass {
        /// The name or id in the selection.
        name: String,
        /// List of the recording's classes, for the message.
        known: String,
    },
    /// Several classes have this name, or it is the name of one and the id of another.
    #[error(
        "several classes have the name or the id `{name}`: {classes}; write class:#{first} for the first"
    )]
    AmbiguousClass {
        /// The name in the selection.
        name: String,
        /// The classes with their ids, for the message.
        classes: String,
        /// Id of the first of them.
        first: i64,
    },
    /// The recording has no input of this index.
    #[error("there is no input {number}: the recording holds {held}")]
    InputOutOfRange {
        /// The index in the selection.
        number: usize,
        /// The recorded inputs, for the message.
        held: String,
    },
    /// The term needs predictions, which are not recorded.
    #[error("`{0}` needs predictions, and this epoch has none recorded")]
    NoPredictions(&'static str),
    /// No recorded input fulfils all terms.
    #[error("`{0}` selects no recorded input")]
    Empty(String),
}

impl Selection {
    /// The selection of one input, by its index into [`super::Recording::inputs`].
    pub fn input(input: usize) -> Self {
        Self { terms: vec![Term::Input((input..=input).into())], epoch: None }
    }

    /// The input index if the only term is exactly one input.
    pub fn single_input(&self) -> Option<usize> {
        match self.terms.as_slice() {
            [Term::Input(ranges)] => ranges.single(),
            _ => None,
        }
    }

    /// Returns `true` if [`Selection::resolve`] needs the predictions of the epoch.
    pub fn needs_predictions(&self) -> bool {
        self.terms.iter().any(|term| matches!(term, Term::Right | Term::Wrong))
    }
}
