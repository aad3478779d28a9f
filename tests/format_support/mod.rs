//! What the tests of file formats share. Each test file uses a part of it.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The dumps that real trainings wrote; `None`, with a printed line, where they are not at hand.
pub fn dump(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/deepdiva").join(name);
    if !path.is_dir() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("create");
    for entry in fs::read_dir(from).expect("read") {
        let entry = entry.expect("entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            // Contents only: the originals may be read-only.
            fs::write(&target, fs::read(entry.path()).expect("read")).expect("write");
        }
    }
}

/// JSON with Python's bare `NaN` as null.
pub fn python_json(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("read");
    serde_json::from_str(&text.replace("NaN", "null")).expect("JSON")
}

/// An activation file by serde_json: layer name → filters in numeric order, NaN where null.
pub fn oracle(path: &Path) -> HashMap<String, Vec<f64>> {
    let value = python_json(path);
    let layers = value["layers"].as_object().expect("layers");
    layers
        .iter()
        .map(|(name, layer)| {
            let filters = layer["filters"].as_object().expect("filters");
            let mut values: Vec<(u64, f64)> = filters
                .iter()
                .map(|(key, value)| (key.parse().expect("number"), value.as_f64().unwrap_or(f64::NAN)))
                .collect();
            values.sort_by_key(|pair| pair.0);
            (name.clone(), values.into_iter().map(|pair| pair.1).collect())
        })
        .collect()
}

/// Equal, or both not a number.
pub fn same(a: f64, b: f64, tolerance: f64) -> bool {
    (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= tolerance
}

#[track_caller]
pub fn assert_same(found: &[f32], wanted: &[f64], what: &str) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (index, (&found, &wanted)) in found.iter().zip(wanted).enumerate() {
        assert!(same(f64::from(found), wanted, 1e-6), "{what}, unit {index}: {found} for {wanted}");
    }
}
