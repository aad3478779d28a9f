//! A fast parser for activation files in the layout of DeepDIVA: layers and filters in the manifest's order,
//! filter numbers increasing one by one.
//!
//! It accepts only valid JSON (with `NaN` and `Infinity`), and returns the values that [`super::values`]
//! returns. Everything else it leaves to that parser, errors included. It is about twice as fast, see
//! `docs/performance.md`.

use super::values::ParsedLayers;
use crate::model::Layer;

/// The powers of ten that are exact in f64.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Number of decimal digits that always fit a u64.
const MAX_DIGITS: usize = 19;

/// Returns the values of a file, or `None` if it has another layout or other sizes than declared.
pub(super) fn parse(data: &[u8], layers: &[Layer]) -> Option<ParsedLayers> {
    let mut scan = Scanner { data, at: 0 };
    let mut filters = Vec::new();
    let mut values = Vec::new();
    scan.token(b"{")?;
    scan.token(b"\"layers\"")?;
    scan.token(b":")?;
    scan.token(b"{")?;
    for (index, layer) in layers.iter().enumerate() {
        if index > 0 {
            scan.token(b",")?;
        }
        scan.name(&layer.name)?;
        scan.token(b":")?;
        scan.token(b"{")?;
        scan.token(b"\"filters\"")?;
        scan.token(b":")?;
        scan.filters(&mut filters)?;
        scan.token(b"}")?;
        if filters.len() != layer.units {
            return None;
        }
        // A copy has no spare capacity.
        values.push(filters.to_vec());
    }
    scan.token(b"}")?;
    scan.token(b"}")?;
    scan.space();
    (scan.at == data.len()).then_some(values)
}

struct Scanner<'a> {
    data: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn rest(&self) -> &[u8] {
        self.data.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.data.get(self.at).copied()
    }

    /// Skips white space.
    #[inline]
    fn space(&mut self) {
        // Indentation, mostly eight spaces.
        while self.rest().starts_with(b"        ") {
            self.at += 8;
        }
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
            if self.rest().starts_with(b"        ") {
                self.at += 8;
            }
        }
    }

    /// Skips white space and expects these bytes.
    #[inline]
    fn token(&mut self, token: &[u8]) -> Option<()> {
        self.space();
        self.here(token)
    }

    /// Expects these bytes.
    #[inline]
    fn here(&mut self, token: &[u8]) -> Option<()> {
        self.rest().starts_with(token).then(|| self.at += token.len())
    }

    /// Expects a quoted name, which must need no escaping.
    fn name(&mut self, name: &str) -> Option<()> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if !name.bytes().all(plain) {
            return None;
        }
        self.token(b"\"")?;
        self.here(name.as_bytes())?;
        self.here(b"\"")
    }

    /// Reads an object of numbers whose keys increase one by one.
    fn filters(&mut self, values: &mut Vec<f32>) -> Option<()> {
        values.clear();
        self.token(b"{")?;
        let mut expected = None;
        loop {
            self.token(b"\"")?;
            let key = self.key()?;
            if key != expected.unwrap_or(key) {
                return None;
            }
            expected = Some(key + 1);
            self.token(b":")?;
            self.space();
            values.push(self.number()?);
            self.space();
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// Reads the digits of a key and its closing quote.
    #[inline]
    fn key(&mut self) -> Option<u64> {
        let start = self.at;
        let mut key = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            key = key * 10 + u64::from(digit - b'0');
            self.at += 1;
            // The limit of the general parser too.
            if self.at - start > 18 {
                return None;
            }
        }
        (self.at > start).then_some(())?;
        self.here(b"\"")?;
        Some(key)
    }

    /// Reads a number, correctly rounded to f32 by way of f64.
    #[inline]
    fn number(&mut self) -> Option<f32> {
        let start = self.at;
        let negative = self.peek()? == b'-';
        self.at += usize::from(negative);
        if !self.peek()?.is_ascii_digit() {
            return self.word(negative);
        }
        let mut mantissa = 0;
        let whole = self.digits(&mut mantissa);
        if whole > 1 && self.data.get(self.at - whole) == Some(&b'0') {
            return None;
        }
        let mut fraction = 0;
        if self.peek() == Some(b'.') {
            self.at += 1;
            fraction = self.digits(&mut mantissa);
            (fraction > 0).then_some(())?;
        }
        let digits_end = self.at;
        let mut exponent = 0_i64;
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            let down = self.peek()? == b'-';
            self.at += usize::from(down || self.peek()? == b'+');
            let mut magnitude = 0;
            let count = self.digits(&mut magnitude);
            // Numbers with longer exponents are zero, infinite or padded with zeros.
            (1..=4).contains(&count).then_some(())?;
            exponent = if down { -(magnitude as i64) } else { magnitude as i64 };
        }
        let text = self.data.get(start..self.at)?;
        let mut digits = whole + fraction;
        if digits > MAX_DIGITS {
            let leading = self.data.get(start + usize::from(negative)..digits_end)?;
            digits -= leading
                .iter()
                .take_while(|&&byte| matches!(byte, b'0' | b'.'))
                .filter(|&&b| b == b'0')
                .count();
        }
        let exponent = exponent - fraction as i64;
        let power = POWERS.get(usize::try_from(exponent.unsigned_abs()).ok()?);
        let (Some(&power), true) = (power, digits <= MAX_DIGITS) else { return parse_exactly(text) };
        let magnitude = mantissa as f64;
        let value = if exponent < 0 { magnitude / power } else { magnitude * power };
        // The two roundings so far are less than two units in the last place of f64. They can change the
        // result only beside a tie of f32 (cf. Clinger, How to read floating point numbers accurately, 1990).
        const TIE: u64 = 1 << 28;
        if (value.to_bits() & (2 * TIE - 1)).abs_diff(TIE) <= 4 {
            return parse_exactly(text);
        }
        Some(if negative { -value as f32 } else { value as f32 })
    }

    /// Reads digits, continuing `number` (which wraps when there are too many). Returns how many.
    #[inline]
    fn digits(&mut self, number: &mut u64) -> usize {
        let start = self.at;
        while let Some(eight) = self.rest().first_chunk::<8>().and_then(|bytes| eight_digits(*bytes)) {
            *number = number.wrapping_mul(100_000_000).wrapping_add(eight);
            self.at += 8;
        }
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            *number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        self.at - start
    }

    /// Reads `NaN`, `null` or `Infinity`.
    fn word(&mut self, negative: bool) -> Option<f32> {
        let words: [(&[u8], f32); 3] = [
            (b"NaN", f32::NAN),
            (b"null", f32::NAN),
            (b"Infinity", if negative { f32::NEG_INFINITY } else { f32::INFINITY }),
        ];
        let (word, value) = words.into_iter().find(|(word, _)| self.rest().starts_with(word))?;
        // Only infinity has a sign.
        if negative && value.is_nan() {
            return None;
        }
        self.at += word.len();
        Some(value)
    }
}

/// Parses a JSON number, correctly rounded.
#[cold]
fn parse_exactly(text: &[u8]) -> Option<f32> {
    Some(std::str::from_utf8(text).ok()?.parse::<f64>().ok()? as f32)
}

/// Returns the number of eight ASCII digits, or `None` if one of the bytes is no digit (Lemire, "Quickly
/// parsing eight digits", 2018, as in fast_float).
#[inline]
fn eight_digits(bytes: [u8; 8]) -> Option<u64> {
    let word = u64::from_le_bytes(bytes);
    let high = word.wrapping_add(0x4646_4646_4646_4646);
    let low = word.wrapping_sub(0x3030_3030_3030_3030);
    if (high | low) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    let pairs = low.wrapping_mul(10).wrapping_add(low >> 8);
    let mask = 0x0000_00ff_0000_00ff;
    let first = (pairs & mask).wrapping_mul(0x000f_4240_0000_0064);
    let second = ((pairs >> 16) & mask).wrapping_mul(0x0000_2710_0000_0001);
    Some(u64::from((first.wrapping_add(second) >> 32) as u32))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::values::{self, tests::layer};
    use super::*;

    /// Parses a text with both parsers and compares the results. Returns `true` if the fast one accepts it.
    fn both(text: &str, layers: &[Layer]) -> bool {
        let general = values::parse(Path::new("a.json"), text.as_bytes(), layers);
        let Some(fast) = parse(text.as_bytes(), layers) else { return false };
        let general = general.unwrap_or_else(|error| panic!("{text}: {error}"));
        let bits = |values: &ParsedLayers| -> Vec<Vec<u32>> {
            let bits = |value: &f32| if value.is_nan() { f32::NAN.to_bits() } else { value.to_bits() };
            values.iter().map(|layer| layer.iter().map(bits).collect()).collect()
        };
        assert_eq!(bits(&fast), bits(&general), "{text}");
        true
    }

    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            self.0 >> 11
        }
    }

    fn one(number: &str) -> String {
        format!("{{\"layers\": {{\"1\": {{\"filters\": {{\"1\": {number}}}}}}}}}")
    }

    #[test]
    fn numbers_as_python_writes_them_are_accepted_and_exact() {
        let mut random = Random(1);
        let layers = [layer("1", 1)];
        for _ in 0..100_000 {
            let value =
                random.next() as f64 / (1_u64 << 53) as f64 * 10_f64.powi((random.next() % 24) as i32 - 12);
            assert!(both(&one(&format!("{value:?}")), &layers), "{value}");
        }
        for number in [
            "0",
            "-0.0",
            "1.0",
            "NaN",
            "null",
            "-Infinity",
            "Infinity",
            "1e-05",
            "123456789012345678901234",
            "0.00000000000000000000000001234567890123456789",
            "16777217",
            "16777217.000000001",
            "16777216.999999999",
            "0.30000001192092895",
            "0.30000002682209014892578125",
            "340282356779733661637539395458142568447",
            "1E5",
            "1e+5",
        ] {
            assert!(both(&one(number), &layers), "{number}");
        }
    }

    #[test]
    fn invalid_json_is_left_to_the_general_parser() {
        let layers = [layer("1", 1)];
        for number in [
            "01", "00.5", "1.", ".5", "-", "+1", "1e", "1e+", "-NaN", "nan", "1 2", "\"1\"", "", "1,",
            "-null", "0x1",
        ] {
            assert!(!both(&one(number), &layers), "{number}");
        }
        let text = one("0.5");
        for length in 0..text.len() {
            assert!(parse(&text.as_bytes()[..length], &layers).is_none());
        }
        assert!(parse((text.clone() + "x").as_bytes(), &layers).is_none());
        assert!(parse(text.as_bytes(), &[layer("1", 2)]).is_none());
        assert!(parse(text.as_bytes(), &[layer("2", 1)]).is_none());
        assert!(parse(text.as_bytes(), &[layer("1", 1), layer("2", 1)]).is_none());
    }

    #[test]
    fn random_text_is_never_accepted_wrongly() {
        let alphabet = b"0123456789012345678901234567890.eE+-,:\"{} \n";
        let mut random = Random(2);
        let layers = [layer("1", 1)];
        let mut accepted = 0;
        for _ in 0..200_000 {
            let length = 1 + random.next() % 26;
            let number: String =
                (0..length).map(|_| char::from(alphabet[random.next() as usize % alphabet.len()])).collect();
            accepted += usize::from(both(&one(&number), &layers));
        }
        assert!(accepted > 1000, "{accepted}");
    }
}
