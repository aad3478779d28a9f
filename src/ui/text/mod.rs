//! Texts of panels, legend and overlay: queries, ranges and numbers.

mod displayed;
mod query;
mod range;
mod tips;

pub use self::displayed::displayed;
pub use self::query::{describe_input, describe_query, describe_selection, describe_values, measure_label};
pub use self::range::describe_range;
pub use self::tips::option_tip;
pub use crate::model::number::{format_count, format_metric, format_ordinal, format_percent, format_value};

/// The most characters of a run's name in a legend.
const NAME: usize = 32;

/// Shortens a text to `most` characters, in the middle, because module names differ at their ends, and returns it
/// as [`displayed`].
pub fn truncate(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return displayed(text).into_owned();
    }
    let head: String = text.chars().take(most / 2).collect();
    let tail: String = text.chars().skip(length - (most - most / 2 - 1)).collect();
    displayed(&format!("{head}…{tail}")).into_owned()
}
