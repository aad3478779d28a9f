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

use crate::model::module_tree::SEPARATORS;

/// The most characters of a run's name in a legend.
const NAME: usize = 32;

/// Shortens a dotted name to `most` characters by leaving out its first parts, because the last ones tell modules
/// apart, and returns it as [`displayed`]. A last part that is longer is cut off at its end.
pub fn shortened_name(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        return displayed(name).into_owned();
    }
    let ends = name.match_indices(SEPARATORS).map(|(at, _)| &name[at..]);
    if let Some(end) = ends.into_iter().find(|end| end.len() > 1 && end.chars().count() < most) {
        return displayed(&format!("…{end}")).into_owned();
    }
    let last = name.rsplit(SEPARATORS).find(|part| !part.is_empty()).unwrap_or(name);
    let start: String = last.chars().take(most.saturating_sub(1)).collect();
    displayed(&format!("{start}…")).into_owned()
}

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
