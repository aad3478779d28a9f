//! Numbers as text.

/// Formats a value with about three digits of a scale of size `span`, a true minus sign, and an exponent for
/// very large or small scales. Only 0 is "0": values that are small beside the scale have an exponent. "–"
/// stands for no value.
pub fn format_value(value: f32, span: f32) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let span = if span.is_finite() && span > 0.0 { span } else { value.abs() };
    format_digits(f64::from(value), f64::from(span), 3)
}

/// Formats a metric with four significant digits: "0.1235", "4e−5", "NaN", "∞".
pub fn format_metric(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "\u{2212}∞" }.to_owned();
    }
    format_digits(value, value.abs(), 4)
}

/// Formats a share in percent, without the sign, with one decimal: "97.0", "NaN".
pub fn format_percent(percent: f64) -> String {
    if percent.is_finite() {
        format!("{percent:.1}").replace('-', "\u{2212}")
    } else {
        format_metric(percent)
    }
}

/// Formats a finite value with `digits` digits of a scale of size `span`.
fn format_digits(value: f64, span: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = span.max(f64::MIN_POSITIVE).log10().floor();
    let decimals = (digits as f64 - 1.0 - magnitude).clamp(0.0, 8.0) as usize;
    let fixed = format!("{value:.decimals$}");
    let is_zero = !fixed.contains(|c: char| ('1'..='9').contains(&c));
    let text = if (-4.0..=5.0).contains(&magnitude) && !is_zero {
        match fixed.strip_suffix(&format!(".{}", "0".repeat(decimals))) {
            Some(whole) if decimals > 0 => whole.to_owned(),
            _ => fixed,
        }
    } else {
        let scientific = format!("{value:.0$e}", digits - 1);
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
        format!("{mantissa}e{exponent}")
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
            (4e-5, 1.0, "4e\u{2212}5"),
            (-1.5e-9, 1.5e-9, "\u{2212}1.5e\u{2212}9"),
            (1e7, 1e7, "1e7"),
            (1e30, 1e30, "1e30"),
            (f32::NAN, 1.0, "–"),
        ];
        for (value, span, expected) in cases {
            assert_eq!(format_value(value, span), expected, "{value} of {span}");
        }
        for (value, expected) in [
            (0.0, "0"),
            (0.123_456, "0.1235"),
            (2.0, "2"),
            (-4e-5, "\u{2212}4e\u{2212}5"),
            (1e30, "1e30"),
            (1.25e300, "1.25e300"),
            (12_345.678, "12346"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "\u{2212}∞"),
        ] {
            assert_eq!(format_metric(value), expected, "{value}");
        }
        assert_eq!(
            (format_count(9354), format_count(1_234_567)),
            ("9354".into(), "1\u{202f}234\u{202f}567".into())
        );
    }
}
