//! No file is long.

use std::path::Path;

use crate::{known, source};

const MOST_LINES: usize = 400;

/// Files that are longer for a reason that stays.
const REASONS: &[(&str, &str)] = &[];

/// The files of more than [`MOST_LINES`] lines without a reason.
fn too_long(files: &[(&Path, &str)]) -> Vec<String> {
    let is_long = |(file, text): &&(&Path, &str)| {
        let has_reason = REASONS.iter().any(|(name, _)| Path::new(name) == *file);
        !source::is_for_tests(file) && !has_reason && text.lines().count() > MOST_LINES
    };
    files.iter().filter(is_long).map(|(file, _)| file.display().to_string()).collect()
}

#[test]
fn no_file_is_long() {
    let files = source::files();
    let files: Vec<(&Path, &str)> =
        files.iter().map(|(file, text)| (file.as_path(), text.as_str())).collect();
    known::check("long file", too_long(&files));
    for (name, reason) in REASONS {
        assert!(files.iter().any(|(file, _)| Path::new(name) == *file), "{name} is gone");
        assert!(!reason.is_empty(), "{name}");
    }
}

#[test]
fn a_long_file_is_found() {
    let (most, long) = ("\n".repeat(MOST_LINES), "\n".repeat(MOST_LINES + 1));
    let files = [("a.rs", &most), ("b.rs", &long), ("b/tests.rs", &long)];
    let files = files.map(|(name, text)| (Path::new(name), text.as_str()));
    assert_eq!(too_long(&files), ["b.rs"]);
}
