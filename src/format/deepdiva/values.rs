//! The general parser of activation files, `{"layers": {"1": {"filters": {"1": 0.06, …}}, …}}`, for any order
//! and layout.

use std::path::Path;

use jiter::{Jiter, JiterError, Peek};

use super::super::FormatError;
use super::super::file::shortened;
use super::super::json::pull_error;
use crate::model::Layer;

/// Values per layer, in the order of the manifest's layers and of the filter numbers.
pub(super) type ParsedLayers = Vec<Vec<f32>>;

/// Size limit of an activation file in bytes, whatever the manifest declares.
const MAX_BYTES: u64 = 512 << 20;

/// Returns the size limit of an activation file of `units` units, in bytes.
pub(super) fn max_file_bytes(units: usize) -> u64 {
    // A line of indented JSON takes about 40 bytes; other writers may use more.
    (units as u64).saturating_mul(256).saturating_add(16 << 20).min(MAX_BYTES)
}

/// Parses the file at `path`, whose bytes are `data`, and checks it against the declared layers.
///
/// Allocates memory for the values in the file, never for the declared sizes.
pub(super) fn parse(path: &Path, data: &[u8], layers: &[Layer]) -> Result<ParsedLayers, FormatError> {
    let mut values: Vec<Option<Vec<f32>>> = layers.iter().map(|_| None).collect();
    let mut reader = Jiter::new(data).with_allow_inf_nan();
    if let Err(error) = walk(path, &mut reader, layers, &mut values) {
        return Err(match error {
            ParseError::Syntax(error) => pull_error(path, &reader, &error),
            ParseError::Content(error) => error,
        });
    }
    values
        .into_iter()
        .zip(layers)
        .map(|(values, layer)| {
            let values = values.ok_or_else(|| {
                FormatError::invalid(path, format!("layer {} is missing", shortened(&layer.name)))
            })?;
            if values.len() == layer.units {
                Ok(values)
            } else {
                Err(FormatError::SizeDisagrees {
                    path: path.to_owned(),
                    layer: shortened(&layer.name),
                    declared: layer.units,
                    found: values.len(),
                })
            }
        })
        .collect()
}

/// A failure of [`walk`].
enum ParseError {
    Syntax(JiterError),
    Content(FormatError),
}

impl From<JiterError> for ParseError {
    fn from(error: JiterError) -> Self {
        Self::Syntax(error)
    }
}

/// Reads the document and stores the values of each layer at its index.
fn walk(
    path: &Path,
    reader: &mut Jiter<'_>,
    layers: &[Layer],
    values: &mut [Option<Vec<f32>>],
) -> Result<(), ParseError> {
    let content = |what: String| ParseError::Content(FormatError::invalid(path, what));
    let mut has_layers = false;
    let mut key = reader.next_object()?.map(|key| key == "layers");
    while let Some(is_layers) = key {
        if is_layers {
            has_layers = true;
            // Files list the layers in order, so the next layer is nearly always the expected one.
            let mut expected = 0;
            let mut layer = next_layer(reader.next_object()?, layers, &mut expected);
            while let Some(index) = layer {
                let index = index.map_err(|name| {
                    content(format!("layer `{}` is not in the manifest", shortened(&name)))
                })?;
                let slot = &mut values[index];
                if slot.is_some() {
                    return Err(content(format!("layer {} is there twice", shortened(&layers[index].name))));
                }
                *slot = Some(layer_values(path, reader, &layers[index])?);
                layer = next_layer(reader.next_key()?, layers, &mut expected);
            }
        } else {
            reader.next_skip()?;
        }
        key = reader.next_key()?.map(|key| key == "layers");
    }
    reader.finish()?;
    if has_layers { Ok(()) } else { Err(content("it has no `layers`".to_owned())) }
}

/// Returns the index of the layer called `name`, or the name if there is no such layer.
fn next_layer(name: Option<&str>, layers: &[Layer], expected: &mut usize) -> Option<Result<usize, String>> {
    let name = name?;
    let index = match layers.get(*expected) {
        Some(layer) if layer.name == name => Some(*expected),
        _ => layers.iter().position(|layer| layer.name == name),
    };
    *expected = index.map_or(*expected, |index| index + 1);
    Some(index.ok_or_else(|| name.to_owned()))
}

/// Reads one layer, `{"filters": {…}}`.
fn layer_values(path: &Path, reader: &mut Jiter<'_>, layer: &Layer) -> Result<Vec<f32>, ParseError> {
    let content = |what: String| ParseError::Content(FormatError::invalid(path, what));
    let mut values = None;
    let mut key = reader.next_object()?.map(|key| key == "filters");
    while let Some(is_filters) = key {
        if !is_filters {
            reader.next_skip()?;
        } else if values.is_some() {
            return Err(content(format!("layer {} has `filters` twice", shortened(&layer.name))));
        } else {
            values = Some(
                filters(reader)?
                    .map_err(|what| content(format!("layer {}: {what}", shortened(&layer.name))))?,
            );
        }
        key = reader.next_key()?.map(|key| key == "filters");
    }
    values.ok_or_else(|| content(format!("layer {} has no `filters`", shortened(&layer.name))))
}

/// Reads the values of `{"1": 0.5, "2": NaN, …}` in the order of the numbers. The inner error describes the
/// content.
fn filters(reader: &mut Jiter<'_>) -> Result<Result<Vec<f32>, String>, JiterError> {
    let mut values: Vec<f32> = Vec::new();
    // Usually numbers increase one by one; otherwise they are collected and sorted.
    let mut first = 0;
    let mut scattered: Option<Vec<(u64, f32)>> = None;
    let mut key = reader.next_object_bytes()?.map(filter_number);
    while let Some(number) = key {
        let number = match number {
            Ok(number) => number,
            Err(key) => return Ok(Err(format!("filter `{}` is not a number", shortened(&key)))),
        };
        let peek = reader.peek()?;
        let value = if peek == Peek::Null {
            reader.known_null()?;
            f32::NAN
        } else {
            reader.known_float(peek)? as f32
        };
        if let Some(pairs) = &mut scattered {
            pairs.push((number, value));
        } else {
            if values.is_empty() {
                first = number;
            }
            if number.wrapping_sub(first) == values.len() as u64 {
                values.push(value);
            } else {
                let mut pairs: Vec<_> = (first..).zip(values.drain(..)).collect();
                pairs.push((number, value));
                scattered = Some(pairs);
            }
        }
        key = reader.next_key_bytes()?.map(filter_number);
    }
    if let Some(mut pairs) = scattered {
        pairs.sort_by_key(|&(number, _)| number);
        if let Some(pair) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Ok(Err(format!("filter {} is there twice", pair[0].0)));
        }
        values = pairs.into_iter().map(|(_, value)| value).collect();
    }
    Ok(Ok(values))
}

/// Returns a filter's key as a number, or the key as text if it is none.
fn filter_number(key: &[u8]) -> Result<u64, String> {
    // 18 digits fit any u64.
    if key.is_empty() || key.len() > 18 || !key.iter().all(u8::is_ascii_digit) {
        return Err(String::from_utf8_lossy(key.get(..80).unwrap_or(key)).into_owned());
    }
    Ok(key.iter().fold(0, |number, &digit| number * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{LayerKind, Reduction};

    pub(in super::super) fn layer(name: &str, units: usize) -> Layer {
        Layer {
            name: name.to_owned(),
            module: String::new(),
            text: String::new(),
            kind: LayerKind::Dense,
            shape: vec![units],
            units,
            parameters: None,
            dtype: String::new(),
            reduction: Reduction::None,
        }
    }

    fn read(text: &str) -> Result<ParsedLayers, FormatError> {
        parse(Path::new("a.json"), text.as_bytes(), &[layer("1", 3), layer("2", 1)])
    }

    #[test]
    fn filters_come_in_the_order_of_their_numbers() {
        let text = r#"{"x": [1, {"y": NaN}], "layers": {"2": {"filters": {"0": -0.5}},
            "1": {"dim": 2, "filters": {"10": 3, "9": 2e0, "2": 1.0}}}}"#;
        assert_eq!(read(text).expect("valid"), [vec![1.0, 2.0, 3.0], vec![-0.5]]);
    }

    #[test]
    fn no_value_is_not_a_number() {
        let text = r#"{"layers": {"1": {"filters": {"1": NaN, "2": null, "3": -Infinity}}, "2": {"filters": {"0": 1e-400}}}}"#;
        let values = read(text).expect("valid");
        assert!(values[0][0].is_nan() && values[0][1].is_nan());
        assert_eq!((values[0][2], values[1][0]), (f32::NEG_INFINITY, 0.0));
    }

    #[test]
    fn what_disagrees_is_named() {
        for (text, part) in [
            (
                r#"{"layers": {"1": {"filters": {"1": 1, "2": 2}}, "2": {"filters": {"1": 1}}}}"#,
                "layer 1 has 2 units",
            ),
            (r#"{"layers": {"1": {"filters": {"1": 1, "2": 2, "3": 3}}}}"#, "layer 2 is missing"),
            (r#"{"layers": {"3": {"filters": {}}}}"#, "layer `3` is not in the manifest"),
            (r#"{"layers": {"1": {"filters": {"1": 1, "1": 2}}}}"#, "filter 1 is there twice"),
            (r#"{"layers": {"1": {"filters": {"a": 1}}}}"#, "filter `a` is not a number"),
            (r#"{"layers": {"1": {"filters": {"1": "x"}}}}"#, "expected float but found string"),
            (r#"{"layers": {"1": {}}}"#, "no `filters`"),
            (r#"{"layers": {}} 1"#, "trailing characters"),
            ("{}", "no `layers`"),
            ("[]", "expected object"),
            ("", "half-written"),
        ] {
            let message = read(text).expect_err(text).to_string();
            assert!(message.contains(part) && !message.contains('\n'), "{text}: {message}");
        }
    }

    #[test]
    fn depth_is_limited() {
        let text = format!(r#"{{"x": {}"#, "[".repeat(100_000));
        assert!(read(&text).expect_err("too deep").to_string().contains("recursion"));
    }

    #[test]
    fn numbers_are_read_as_others_read_them_and_nothing_panics() {
        let alphabet = b"0123456789012345678901234567890.eE+-NaInfity";
        let mut state = 1_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut read_by_both = 0;
        for _ in 0..100_000 {
            let length = 1 + next(30);
            let number: String = (0..length).map(|_| char::from(alphabet[next(alphabet.len())])).collect();
            let text = format!(
                r#"{{"layers": {{"1": {{"filters": {{"1": 0, "2": {number}, "3": 0}}}}, "2": {{"filters": {{"1": 0}}}}}}}}"#
            );
            match (read(&text), serde_json::from_str::<f64>(&number)) {
                (Ok(values), Ok(wanted)) => {
                    assert_eq!(values[0][1], wanted as f32, "{number}");
                    read_by_both += 1;
                }
                // serde_json refuses what overflows.
                (Ok(values), Err(_)) => assert!(!values[0][1].is_finite(), "{number}"),
                (Err(_), Ok(_)) => panic!("{number} is refused"),
                (Err(_), Err(_)) => {}
            }
        }
        assert!(read_by_both > 1000, "{read_by_both}");
    }
}
