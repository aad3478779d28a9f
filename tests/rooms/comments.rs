//! Comments say what a thing is or does: none begins with a question word or a clause.

use std::path::Path;

use crate::{known, source};

/// First words that make a clause of a comment.
const CLAUSES: &[&str] = &["What", "Whether", "Where", "That"];

/// The kind of comment that a line consists of, and its text.
fn comment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let kind = ["///", "//!", "//"].into_iter().find(|kind| line.starts_with(kind))?;
    Some((kind, line[kind.len()..].trim_start()))
}

/// The lines of `text` at which a comment begins with a clause, from 1. Lines of comment of one kind
/// without anything between them are one comment.
fn clauses(text: &str) -> Vec<usize> {
    let mut kind_before = "";
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some((kind, text)) = comment(line) else {
            kind_before = "";
            continue;
        };
        let word = text.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
        if kind != kind_before && CLAUSES.contains(&word) {
            found.push(index + 1);
        }
        kind_before = kind;
    }
    found
}

#[test]
fn no_comment_begins_with_a_clause() {
    let mut broken = Vec::new();
    for folder in ["src", "tests"] {
        for (file, text) in source::files_below(folder) {
            let lines = clauses(&text);
            if !lines.is_empty() {
                let file = Path::new(folder).join(file);
                println!("{}: lines {lines:?}", file.display());
                broken.push(described(&file, lines.len()));
            }
        }
    }
    known::check("comment", broken);
}

fn described(file: &Path, count: usize) -> String {
    format!("{} has {count}", file.display())
}

#[test]
fn a_clause_is_found_at_the_start_of_a_comment_only() {
    for (text, expected) in [
        ("/// What is drawn.\nfn f() {}", &[1][..]),
        ("//! Whether it is.\n\n    // Where they meet.\n", &[1, 3]),
        ("/// That which is.\n", &[1]),
        ("/// A cell.\n/// What is more, a second line.\n", &[]),
        ("/// A cell.\n// Where it is.\n", &[2]),
        ("/// Whatever is drawn.\nlet x = 1; // What\n", &[]),
        ("/// A cell.\n\n/// What follows is another.\n", &[3]),
    ] {
        assert_eq!(clauses(text), expected, "{text}");
    }
}
