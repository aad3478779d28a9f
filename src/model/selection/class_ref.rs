//! A class as a selection refers to it.

use std::fmt::{self, Write};

/// A class as written in a selection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ClassRef {
    /// `cat`: the only class with this name or this id.
    Text(String),
    /// `"cat"`: the only class with this name.
    Name(String),
    /// `#3`: the class with this id.
    Id(i64),
}

impl ClassRef {
    /// Parses an unquoted reference; `None` if it is empty.
    pub(super) fn unquoted(text: &str) -> Option<Self> {
        let id = || text.strip_prefix('#')?.parse().ok();
        (!text.is_empty()).then(|| id().map_or_else(|| Self::Text(text.to_owned()), Self::Id))
    }

    /// Returns `true` if [`ClassRef::Text`] of this name is written as it is.
    pub(super) fn is_plain(name: &str) -> bool {
        !name.is_empty()
            && name.trim() == name
            && !name.starts_with(['#', '"'])
            && !name.contains(['&', ',', '@'])
    }
}

impl fmt::Display for ClassRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Name(name) => {
                f.write_char('"')?;
                for character in name.chars() {
                    if matches!(character, '"' | '\\') {
                        f.write_char('\\')?;
                    }
                    f.write_char(character)?;
                }
                f.write_char('"')
            }
            Self::Id(id) => write!(f, "#{id}"),
        }
    }
}
