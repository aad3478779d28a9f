//! The text form of selections.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::{ClassRef, Selection, SelectionError, Term};

impl FromStr for Selection {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let syntax = || SelectionError::Syntax(text.to_owned());
        let mut terms = Vec::new();
        let mut rest = text;
        loop {
            let (keyword, after) = split_before(rest, &['&', '@', ':']);
            let (separator, following) = match (keyword.trim(), after.strip_prefix(':')) {
                ("class", Some(classes)) => {
                    let (classes, after) = parse_classes(classes).ok_or_else(syntax)?;
                    terms.push(Term::Class(classes));
                    split_first(after)
                }
                ("input", Some(numbers)) => {
                    let (numbers, after) = split_before(numbers, &['&', '@']);
                    let ranges = numbers.split(',').map(|range| parse_range(range).ok_or_else(syntax));
                    let ranges = ranges.collect::<Result<Vec<_>, _>>()?;
                    if let Some(range) = ranges.iter().find(|range| range.start() > range.end()) {
                        return Err(SelectionError::Backwards { start: *range.start(), end: *range.end() });
                    }
                    terms.push(Term::Input(ranges.into_iter().collect()));
                    split_first(after)
                }
                (keyword, None) => {
                    match keyword {
                        "all" => {}
                        "right" => terms.push(Term::Right),
                        "wrong" => terms.push(Term::Wrong),
                        _ => return Err(syntax()),
                    }
                    split_first(after)
                }
                _ => return Err(syntax()),
            };
            match separator {
                None => return Ok(Self { terms, epoch: None }),
                Some('@') => return Ok(Self { terms, epoch: Some(following.trim().parse()?) }),
                Some(_) => rest = following,
            }
        }
    }
}

/// Splits before the first of some characters, or at the end.
fn split_before<'a>(text: &'a str, at: &[char]) -> (&'a str, &'a str) {
    text.split_at(text.find(at).unwrap_or(text.len()))
}

/// The first character and the text after it.
fn split_first(text: &str) -> (Option<char>, &str) {
    let mut characters = text.chars();
    (characters.next(), characters.as_str())
}

/// Parses classes separated by `,`, up to `&`, `@` or the end; returns the remaining text as well. `None` if
/// one is empty or its quotes are not closed.
fn parse_classes(text: &str) -> Option<(Vec<ClassRef>, &str)> {
    let mut classes = Vec::new();
    let mut rest = text;
    loop {
        let (class, after) = match rest.trim_start().strip_prefix('"') {
            Some(quoted) => {
                let (name, after) = parse_quoted(quoted)?;
                let after = after.trim_start();
                if !after.is_empty() && !after.starts_with([',', '&', '@']) {
                    return None;
                }
                (ClassRef::Name(name), after)
            }
            None => {
                let (class, after) = split_before(rest, &[',', '&', '@']);
                (ClassRef::unquoted(class.trim())?, after)
            }
        };
        classes.push(class);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Some((classes, after)),
        }
    }
}

/// Parses a name up to its closing quote; returns the text after it as well.
fn parse_quoted(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return Some((name, characters.as_str())),
            '\\' => name.push(characters.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
            character => name.push(character),
        }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.terms.is_empty() {
            f.write_str("all")?;
        }
        for (index, term) in self.terms.iter().enumerate() {
            if index > 0 {
                f.write_str("&")?;
            }
            match term {
                Term::Class(classes) => {
                    for (index, class) in classes.iter().enumerate() {
                        write!(f, "{}{class}", if index == 0 { "class:" } else { "," })?;
                    }
                }
                Term::Input(ranges) => write!(f, "input:{}", ranges_text(ranges.as_slice(), '-', ","))?,
                Term::Right => f.write_str("right")?,
                Term::Wrong => f.write_str("wrong")?,
            }
        }
        match self.epoch {
            Some(epoch) => write!(f, "@{epoch}"),
            None => Ok(()),
        }
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

/// Parses `N` or `N-M`.
fn parse_range(text: &str) -> Option<RangeInclusive<usize>> {
    let number = |text: &str| -> Option<usize> {
        let text = text.trim();
        // `parse` would also take a sign.
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
    };
    match text.split_once('-') {
        Some((start, end)) => Some(number(start)?..=number(end)?),
        None => number(text).map(|number| number..=number),
    }
}

/// Ranges joined by `comma`, with `dash` between start and end.
pub(super) fn ranges_text(ranges: &[RangeInclusive<usize>], dash: char, comma: &str) -> String {
    let texts = ranges.iter().map(|range| match (range.start(), range.end()) {
        (start, end) if start == end => start.to_string(),
        (start, end) => format!("{start}{dash}{end}"),
    });
    texts.collect::<Vec<_>>().join(comma)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EpochError;

    #[test]
    fn parsing_and_writing_are_inverse() {
        for text in [
            "all",
            "all@first",
            "class:3",
            "class:cat,dog",
            "class:a cat:2",
            "class:#134,cat,#-1",
            r#"class:"R&B","a, b@first"&wrong@last"#,
            r#"class:"\"quoted\" \\"@3"#,
            "class:5\" nail",
            "input:17,40-49",
            "input:0",
            "right",
            "wrong",
            "class:3&right",
            "class:3@first",
            "class:cat&input:0-9&wrong@3.5",
            "input:3@best",
            "all@18446744073709551615",
            "all@100000000000000000000",
        ] {
            let selection: Selection = text.parse().unwrap();
            assert_eq!(selection.to_string(), text);
            assert_eq!(text.parse::<Selection>().unwrap(), selection);
            let json = serde_json::to_string(&selection).unwrap();
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text, "stored as the text");
            assert_eq!(serde_json::from_str::<Selection>(&json).unwrap(), selection);
        }
        for (loose, text) in [
            (" class: cat , dog & right @ last ", "class:cat,dog&right@last"),
            ("all&right", "right"),
            (r#" class: "cat" , #07 "#, r#"class:"cat",#7"#),
            ("input:4-4", "input:4"),
            ("input:7,5-6,1,1", "input:1,5-7"),
        ] {
            assert_eq!(loose.parse::<Selection>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn malformed_texts_are_refused() {
        for text in [
            "",
            " ",
            "@first",
            "clas:3",
            "class",
            "class:",
            "class:a,,b",
            "class:\"a",
            "class:\"a\"b",
            "class:\"a\\n\"",
            "class:\"a\" \"b\"",
            "right:3",
            "input:",
            "input:x",
            "input:-1",
            "input:+1",
            "input:1-",
            "input:1-2-3",
            "input:1.5",
            "input:99999999999999999999999",
            "right&",
            "&",
            "RIGHT",
            "right,wrong",
            "class=3",
        ] {
            assert_eq!(text.parse::<Selection>(), Err(SelectionError::Syntax(text.to_owned())), "{text}");
        }
        assert_eq!(
            "all@yesterday".parse::<Selection>(),
            Err(SelectionError::Epoch(EpochError::Syntax("yesterday".to_owned())))
        );
        let backwards = "input:49-40".parse::<Selection>().unwrap_err();
        assert_eq!(backwards, SelectionError::Backwards { start: 49, end: 40 });
        assert_eq!(backwards.to_string(), "`49-40` runs backwards: write 40-49");
        assert!(serde_json::from_str::<Selection>("\"clas:3\"").is_err());
    }
}
