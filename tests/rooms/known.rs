//! The list of places that break a rule today.

use std::fs;
use std::path::{Path, PathBuf};

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rooms/known.txt")
}

/// The places that `list` names for `rule`, one `rule: place` a line.
fn places_of<'a>(rule: &str, list: &'a str) -> Vec<&'a str> {
    list.lines().filter_map(|line| line.strip_prefix(rule)?.strip_prefix(": ")).collect()
}

/// The differences between the places that break a rule and the listed ones.
fn differences(rule: &str, broken: &[String], list: &str) -> Vec<String> {
    let known = places_of(rule, list);
    let new = broken.iter().filter(|place| !known.contains(&place.as_str()));
    let gone = known.iter().filter(|place| !broken.iter().any(|broken| broken == *place));
    new.map(|place| format!("breaks the rule: {place}"))
        .chain(gone.map(|place| format!("is mended, take it out of known.txt: {place}")))
        .collect()
}

/// Fails unless the places that break `rule` are those that `known.txt` lists; prints how many these are.
#[track_caller]
pub fn check(rule: &str, mut broken: Vec<String>) {
    broken.sort();
    broken.dedup();
    let list = fs::read_to_string(path()).unwrap_or_default();
    if std::env::var_os("UPDATE_KNOWN").is_some_and(|value| value == "1") {
        let others = list.lines().filter(|line| !line.starts_with(&format!("{rule}: ")));
        let mut lines: Vec<String> = others.map(str::to_owned).collect();
        lines.extend(broken.iter().map(|place| format!("{rule}: {place}")));
        lines.sort();
        fs::write(path(), lines.join("\n") + "\n").expect("written");
        return;
    }
    println!("{rule}: {} known exceptions", places_of(rule, &list).len());
    let differences = differences(rule, &broken, &list);
    assert!(differences.is_empty(), "{rule}:\n{}", differences.join("\n"));
}

#[test]
fn a_new_place_and_a_mended_one_are_reported() {
    let list = "one rule: a.rs\none rule: b.rs\nanother rule: c.rs\n";
    let broken = ["a.rs", "b.rs"].map(str::to_owned);
    assert_eq!(differences("one rule", &broken, list), Vec::<String>::new());
    assert_eq!(differences("one rule", &broken[..1], list), ["is mended, take it out of known.txt: b.rs"]);
    assert_eq!(differences("another rule", &broken[..1], list).len(), 2);
    assert_eq!(differences("one rule", &["c.rs".to_owned()], list).len(), 3);
}
