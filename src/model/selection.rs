//! Naming inputs: `all`, `class:cat,dog`, `input:17,40-49`, `right`, `wrong`, joined by `&`, and
//! `@epoch` for another moment.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{EpochError, EpochRef};

/// A set of inputs as a person writes it. Stored as that text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Selection {
    /// Every term must hold; none is `all`.
    pub terms: Vec<Term>,
    /// Another moment than the one that is looked at.
    pub epoch: Option<EpochRef>,
}

/// One condition on an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// Any of these classes, by name or id.
    Class(Vec<String>),
    /// Any of these input numbers (indices into the recorded inputs).
    Input(Vec<RangeInclusive<usize>>),
    /// Predicted as labelled.
    Right,
    /// Predicted as another class.
    Wrong,
}

/// Why a selection cannot be understood.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum SelectionError {
    #[error("`{0}` is no selection: write all, class:NAME, input:N, input:N-M, right or wrong, joined by &")]
    Syntax(String),
    #[error(transparent)]
    Epoch(#[from] EpochError),
}

impl FromStr for Selection {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        if text == "all" { Ok(Self::default()) } else { Err(SelectionError::Syntax(text.to_owned())) }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("all")
    }
}

impl TryFrom<String> for Selection {
    type Error = SelectionError;

    fn try_from(text: String) -> Result<Self, SelectionError> {
        text.parse()
    }
}

impl From<Selection> for String {
    fn from(selection: Selection) -> Self {
        selection.to_string()
    }
}
