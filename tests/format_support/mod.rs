//! Shared by the tests of file formats.

use std::fs;
use std::path::Path;

use serde_json::Value;

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

/// Equal, or both not a number.
pub fn same(a: f64, b: f64, tolerance: f64) -> bool {
    (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= tolerance
}
