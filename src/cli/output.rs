//! Printing of results: aligned columns, JSON documents, progress.

use std::io::{self, Write};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// Maximum length in characters of a line of [`paragraph`].
pub const WIDTH: usize = 100;

/// Calls `write` with a buffered standard output and flushes it.
///
/// # Errors
///
/// If the standard output cannot be written, or `write` fails.
pub fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    write(&mut out).and_then(|()| out.flush()).context("cannot write to the standard output")
}

/// Prints one JSON document on a line of its own.
///
/// # Errors
///
/// If the standard output cannot be written.
pub fn print_json(document: &impl Serialize) -> anyhow::Result<()> {
    print(|out| {
        serde_json::to_writer(&mut *out, document).map_err(io::Error::from)?;
        writeln!(out)
    })
}

/// Returns text from a file as one line, with control characters replaced, which the terminal would obey.
pub fn printable(text: &str) -> String {
    let replaced = |c: char| match c {
        c if c.is_whitespace() => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(replaced).collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The notation of numbers that are printed side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// Four decimals.
    Decimals,
    /// Two decimals and an exponent.
    Exponents,
}

impl Notation {
    /// Chooses the notation by the largest magnitude of `values`; values that are not finite do not count.
    pub fn for_values(values: &[f32]) -> Self {
        let magnitudes = values.iter().map(|value| value.abs()).filter(|magnitude| magnitude.is_finite());
        let largest = magnitudes.fold(0.0, f32::max);
        if largest == 0.0 || (1e-2..1e4).contains(&largest) { Self::Decimals } else { Self::Exponents }
    }

    /// Formats a number; `–` stands for "no value".
    pub fn format(self, value: f32) -> String {
        match self {
            _ if !value.is_finite() => "–".to_owned(),
            Self::Exponents if value == 0.0 => "0".to_owned(),
            // Only 0 is "0.0000".
            Self::Decimals if value == 0.0 || value.abs() >= 5e-5 => format!("{value:.4}"),
            Self::Decimals | Self::Exponents => format!("{value:.2e}"),
        }
    }
}

/// Formats a count with its noun, as `1 unit` or `2 units`, with a narrow space between groups of three
/// digits.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", group_thousands(count), if count == 1 { one } else { many })
}

fn group_thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// Writes `rows` as columns under `headings`. Columns that are `true` in `right` are aligned to the right.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn columns<const N: usize>(
    out: &mut dyn Write,
    headings: [&str; N],
    right: [bool; N],
    rows: &[[String; N]],
) -> io::Result<()> {
    let mut widths = headings.map(|heading| heading.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut line = |cells: [&str; N]| {
        let mut text = String::new();
        for ((cell, width), right) in cells.into_iter().zip(widths).zip(right) {
            text.push_str(&if right { format!("{cell:>width$}  ") } else { format!("{cell:<width$}  ") });
        }
        writeln!(out, "{}", text.trim_end())
    };
    line(headings)?;
    let rules = widths.map(|width| "─".repeat(width));
    line(rules.each_ref().map(String::as_str))?;
    rows.iter().try_for_each(|row| line(row.each_ref().map(String::as_str)))
}

/// Writes a heading and `items` after it, on lines of at most [`WIDTH`] characters. The lines after the first
/// are indented to the first item; an item is never broken.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn paragraph(out: &mut dyn Write, heading: &str, items: impl Iterator<Item = String>) -> io::Result<()> {
    let mut line = format!("{heading:<9}");
    let indent = line.chars().count();
    let mut length = indent;
    for item in items {
        let width = item.chars().count() + 2;
        if length + width > WIDTH && length > indent {
            writeln!(out, "{}", line.trim_end())?;
            line = " ".repeat(indent);
            length = indent;
        }
        line.push_str(&item);
        line.push_str("  ");
        length += width;
    }
    writeln!(out, "{}", line.trim_end())
}

/// Returns a function that draws a progress bar on stderr, if that is a terminal. It takes the number of
/// finished steps and that of all steps; `label` stands before the bar.
pub fn progress(label: &'static str) -> impl FnMut(usize, usize) {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_prefix(label);
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {eta}") {
        bar.set_style(style);
    }
    move |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
        if done >= all {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written_text(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_side_by_side_have_one_notation() {
        let formatted = |values: &[f32]| {
            let notation = Notation::for_values(values);
            values.iter().map(|&value| notation.format(value)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(formatted(&[0.0, -0.12345, 1e-7, f32::NAN]), "0.0000 -0.1235 1.00e-7 –");
        assert_eq!(formatted(&[0.0, 0.005, -1e-7]), "0 5.00e-3 -1.00e-7");
        assert_eq!(formatted(&[12345.0, 1.0, f32::INFINITY]), "1.23e4 1.00e0 –");
        assert_eq!(formatted(&[0.0, f32::NAN]), "0.0000 –");
    }

    #[test]
    fn counts_have_a_space_between_thousands() {
        assert_eq!(counted(1, "unit", "units"), "1 unit");
        assert_eq!(counted(1_234_567, "unit", "units"), "1\u{202f}234\u{202f}567 units");
    }

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(printable("a\n  b\t\u{1b}[2Jc\r\n"), "a b \u{fffd}[2Jc");
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [["1".to_owned(), "24".to_owned()], ["layer".to_owned(), "7".to_owned()]];
        let text = written_text(|out| columns(out, ["name", "units"], [false, true], &rows));
        assert_eq!(text, "name   units\n─────  ─────\n1         24\nlayer      7\n");
    }

    #[test]
    fn paragraphs_break_between_items() {
        let text =
            written_text(|out| paragraph(out, "epochs", (0..40).map(|number| format!("{number}: 1.0 %"))));
        assert!(text.lines().count() > 1);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
        assert!(
            text.starts_with("epochs   0: 1.0 %") && text.lines().nth(1).unwrap().starts_with("         ")
        );
    }
}
