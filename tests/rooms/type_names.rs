//! No two types of one name in the crate, and none with a name that the prelude has.

use std::collections::BTreeMap;

use crate::known;
use crate::source::{self, imports_and_paths, is_name, tokens, without_comments_and_strings, without_tests};

/// Types and traits of the standard prelude, without `Result`: a module may have its own alias of that.
const PRELUDE: &[&str] = &[
    "AsMut",
    "AsRef",
    "Box",
    "Clone",
    "Copy",
    "Default",
    "DoubleEndedIterator",
    "Drop",
    "Eq",
    "ExactSizeIterator",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Future",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Send",
    "Sized",
    "String",
    "Sync",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
    "Unpin",
    "Vec",
];

/// Names of the types that a text without comments declares: structs, enums, unions, traits and aliases.
/// The associated types of traits and their implementations are none.
fn declared_types(text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    // For each open brace, whether it is the body of a trait or an implementation.
    let mut bodies = Vec::new();
    let mut header_start = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" => {
                let header = &tokens[header_start..at];
                let has = |word: &str| header.iter().any(|token| token == word);
                bodies.push((has("impl") || has("trait")) && !has("fn"));
                header_start = at + 1;
            }
            "}" => {
                bodies.pop();
                header_start = at + 1;
            }
            ";" => header_start = at + 1,
            "struct" | "enum" | "trait" | "union" | "type" => {
                let Some(name) = tokens.get(at + 1).filter(|name| is_name(name)) else { continue };
                let next = tokens.get(at + 2).map_or("", String::as_str);
                let is_declared = match token.as_str() {
                    "type" => !bodies.last().is_some_and(|body| *body),
                    // No keyword elsewhere.
                    "union" => ["{", "<"].contains(&next),
                    _ => true,
                };
                if is_declared {
                    found.push(name.clone());
                }
            }
            _ => {}
        }
    }
    found
}

/// The names under which a text without comments imports something, where these are not its own.
fn renamed_imports(text: &str) -> Vec<String> {
    let (imports, _) = imports_and_paths(&tokens(text));
    let renamed = imports.into_iter().filter(|import| import.path.last() != Some(&import.name));
    renamed.map(|import| import.name).collect()
}

/// The contents of the files that the product is made of, by their paths.
fn product() -> Vec<(String, String)> {
    let files = source::files().into_iter().filter(|(file, _)| !source::is_for_tests(file));
    files
        .map(|(file, text)| (file.display().to_string(), without_tests(&without_comments_and_strings(&text))))
        .collect()
}

/// Names of more than one type, with the files of these.
fn shared_names(files: &[(String, String)]) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (file, text) in files {
        for name in declared_types(text) {
            places.entry(name).or_default().push(file);
        }
    }
    let shared = places.into_iter().filter(|(_, files)| files.len() > 1);
    shared.map(|(name, files)| format!("{name} in {}", files.join(", "))).collect()
}

/// Declared types and renamed imports with a name of the prelude.
fn prelude_names(files: &[(String, String)]) -> Vec<String> {
    let names = |text: &str| declared_types(text).into_iter().chain(renamed_imports(text));
    let shadows = |(file, text): &(String, String)| {
        names(text)
            .filter(|name| PRELUDE.contains(&name.as_str()))
            .map(|name| format!("{name} in {file}"))
            .collect::<Vec<_>>()
    };
    files.iter().flat_map(shadows).collect()
}

#[test]
fn no_two_types_have_one_name() {
    let files = product();
    assert!(
        files.iter().map(|(_, text)| declared_types(text).len()).sum::<usize>() > 100,
        "nothing was read"
    );
    known::check("type name", shared_names(&files));
}

#[test]
fn no_type_has_a_name_of_the_prelude() {
    known::check("prelude name", prelude_names(&product()));
}

#[test]
fn types_are_found_and_associated_ones_are_not() {
    for (text, expected) in [
        ("pub struct A; struct B<'a>(&'a u8); enum C { D(E) } trait F {} type G<T> = Vec<T>;", "ABCFG"),
        ("impl FromStr for A { type Err = E; fn f() { struct H; } } type I = u8;", "HI"),
        ("pub(super) trait F { type P; fn f(&self) -> impl Q { type J = u8; } } union K { a: u8 }", "FJK"),
        ("fn f(x: impl Q) { type L = u8; } fn g() { x.union(y); }", "L"),
    ] {
        assert_eq!(declared_types(text).concat(), expected, "{text}");
    }
}

#[test]
fn shared_and_shadowing_names_are_found() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let files = [
        file("a.rs", "struct State; use x::Vec2 as Vec; enum Once {}"),
        file("b.rs", "enum State {} type Send = u8; use y::Vec3 as Z;"),
    ];
    assert_eq!(shared_names(&files), ["State in a.rs, b.rs"]);
    assert_eq!(prelude_names(&files), ["Vec in a.rs", "Send in b.rs"]);
}
