//! The text form of selections.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::{Selection, SelectionError, Term};

impl FromStr for Selection {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let syntax = || SelectionError::Syntax(text.to_owned());
        let (conditions, epoch) = match text.rsplit_once('@') {
            Some((conditions, epoch)) => (conditions, Some(epoch.trim().parse()?)),
            None => (text, None),
        };
        let mut terms = Vec::new();
        for condition in conditions.split('&').map(str::trim) {
            match condition {
                "all" => {}
                "right" => terms.push(Term::Right),
                "wrong" => terms.push(Term::Wrong),
                _ => match condition.split_once(':') {
                    Some(("class", names)) => {
                        let names: Vec<String> =
                            names.split(',').map(|name| name.trim().to_owned()).collect();
                        if names.iter().any(String::is_empty) {
                            return Err(syntax());
                        }
                        terms.push(Term::Class(names));
                    }
                    Some(("input", numbers)) => {
                        let ranges = numbers.split(',').map(|range| parse_range(range).ok_or_else(syntax));
                        let ranges = ranges.collect::<Result<Vec<_>, _>>()?;
                        if let Some(range) = ranges.iter().find(|range| range.start() > range.end()) {
                            return Err(SelectionError::Backwards {
                                start: *range.start(),
                                end: *range.end(),
                            });
                        }
                        terms.push(Term::Input(ranges.into_iter().collect()));
                    }
                    _ => return Err(syntax()),
                },
            }
        }
        Ok(Self { terms, epoch })
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
                Term::Class(names) => write!(f, "class:{}", names.join(","))?,
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
            assert_eq!(json, format!("\"{text}\""), "stored as the text");
            assert_eq!(serde_json::from_str::<Selection>(&json).unwrap(), selection);
        }
        for (loose, text) in [
            (" class: cat , dog & right @ last ", "class:cat,dog&right@last"),
            ("all&right", "right"),
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
