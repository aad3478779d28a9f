//! Numbers as text.

/// Formats a value with about three digits of a scale of size `span`, a true minus sign, and a power of
/// ten for very large or small scales.
pub fn format_value(value: f32, span: f32) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let span = if span.is_finite() && span > 0.0 { span } else { value.abs() };
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = span.max(f32::MIN_POSITIVE).log10().floor();
    let text = if (-4.0..=5.0).contains(&magnitude) {
        let decimals = (2.0 - magnitude).clamp(0.0, 6.0) as usize;
        let text = format!("{value:.decimals$}");
        match text.strip_suffix(&format!(".{}", "0".repeat(decimals))) {
            Some(whole) if decimals > 0 => whole.to_owned(),
            _ => text,
        }
    } else {
        format!("{value:.2e}").replace('e', "·10^")
    };
    text.replace('-', "\u{2212}")
}

/// Formats an ordinal number: 1st, 2nd, 3rd, 4th, … 11th.
pub fn format_ordinal(place: u64) -> String {
    let ending = match (place % 10, place % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{}{ending}", format_count(place))
}

/// Formats a count with thin spaces between thousands.
pub fn format_count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + 4);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digits.len() > 4 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_sensible_digits() {
        let cases = [
            (0.0, 1.0, "0"),
            (1.0, 1.0, "1"),
            (0.123_456, 1.0, "0.12"),
            (-0.5, 1.0, "\u{2212}0.50"),
            (12.345, 20.0, "12.3"),
            (12_345.6, 12_345.6, "12346"),
            (0.000_123, 0.0002, "0.000123"),
            (1.5e-9, 1.5e-9, "1.50·10^\u{2212}9"),
            (f32::NAN, 1.0, "–"),
        ];
        for (value, span, expected) in cases {
            assert_eq!(format_value(value, span), expected, "{value} of {span}");
        }
        assert_eq!(
            (format_count(9354), format_count(1_234_567)),
            ("9354".into(), "1\u{202f}234\u{202f}567".into())
        );
    }
}
