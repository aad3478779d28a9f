//! JSON with the bare `NaN` and `Infinity` that Python writes.

use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

use jiter::serde::{Error, JiterDeserializer};
use jiter::{Jiter, JiterError, JiterErrorType, JsonErrorType};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::FormatError;
use super::file::shortened;

/// Deserializes a whole document, which must be an object; a byte order mark before it is skipped. `path` is
/// the file for the error message.
pub(super) fn parse<'a, T: Deserialize<'a>>(path: &Path, data: &'a [u8]) -> Result<T, FormatError> {
    let data = data.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(data);
    // Derived deserializers also accept a list, field by field.
    if data.trim_ascii_start().first().is_some_and(|&first| first != b'{') {
        return Err(FormatError::Json { path: path.to_owned(), what: "it is not an object".to_owned() });
    }
    let mut reader = JiterDeserializer::new(data).with_allow_inf_nan();
    T::deserialize(&mut reader).and_then(|value| reader.finish().map(|()| value)).map_err(
        |error| match &error {
            Error::Syntax(syntax) if is_end(&syntax.error_type) => {
                FormatError::Truncated { path: path.to_owned() }
            }
            _ => {
                FormatError::Json { path: path.to_owned(), what: shortened_message(&error.description(data)) }
            }
        },
    )
}

/// Deserializes a field that can be left out, for which `null` is the same as left out. Beside
/// `#[serde(default)]`.
pub(super) fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Converts the error of a pull parser on the file at `path`.
pub(super) fn pull_error(path: &Path, parser: &Jiter<'_>, error: &JiterError) -> FormatError {
    match &error.error_type {
        JiterErrorType::JsonError(kind) if is_end(kind) => FormatError::Truncated { path: path.to_owned() },
        _ => FormatError::Json { path: path.to_owned(), what: error.description(parser) },
    }
}

/// Returns `true` if the document ended too early.
fn is_end(kind: &JsonErrorType) -> bool {
    matches!(
        kind,
        JsonErrorType::EofWhileParsingList
            | JsonErrorType::EofWhileParsingObject
            | JsonErrorType::EofWhileParsingString
            | JsonErrorType::EofWhileParsingValue
    )
}

/// Shortens a typed error, which quotes the value at any length; its place in the file is at the end.
fn shortened_message(message: &str) -> String {
    match message.rfind(" at line ") {
        Some(at) => format!("{}{}", shortened(&message[..at]), &message[at..]),
        None => shortened(message),
    }
}

/// An object as its keys and values in the order of the file, repeated keys included.
#[derive(Debug)]
pub(super) struct ObjectEntries<T>(pub(super) Vec<(String, T)>);

impl<T> Default for ObjectEntries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ObjectEntries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
            type Value = ObjectEntries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(ObjectEntries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}
