//! The parts of a machine that tests need: a graphics adapter, a display, Python packages, example dumps.
//!
//! A test that lacks one calls [`missing`], directly or through the functions here. That fails the test if
//! the part's `DNNVIZ_REQUIRE_…` variable is 1, as `tests/all.sh` sets it, and says on stderr that the
//! test is skipped otherwise. No test returns early without it.

#![allow(dead_code, unused_imports, reason = "no test program uses everything")]

#[path = "../../src/engine/testing.rs"]
mod testing;

use std::path::{Path, PathBuf};
use std::process::Command;

use dnnviz::engine::Gpu;
pub use testing::{REQUIRE_GPU, gpu, missing};

/// The variable for tests that need the example dumps.
pub const REQUIRE_DUMPS: &str = "DNNVIZ_REQUIRE_DUMPS";
/// The variable for tests that need `python3` with packages.
pub const REQUIRE_PYTHON: &str = "DNNVIZ_REQUIRE_PYTHON";

/// Path of an example dump, which a real training wrote: below the folder that `DNNVIZ_DUMPS` names, else
/// below `../shared/data/deepdiva`. `None`, after [`missing`], if there is none.
#[track_caller]
pub fn dump(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/deepdiva");
    let path = std::env::var_os("DNNVIZ_DUMPS").map_or_else(beside, PathBuf::from).join(name);
    if path.is_dir() {
        return Some(path);
    }
    missing(REQUIRE_DUMPS, &format!("{} is missing", path.display()));
    None
}

/// Returns `true` if `python3` can import `packages`, as in `"numpy, safetensors"`; `false`, after
/// [`missing`], if not.
#[track_caller]
pub fn has_python(packages: &str) -> bool {
    let imports = Command::new("python3").args(["-c", &format!("import {packages}")]).output();
    let has = imports.is_ok_and(|output| output.status.success());
    if !has {
        missing(REQUIRE_PYTHON, &format!("there is no python3 with {packages}"));
    }
    has
}

/// Returns `true` if all `programs` are installed; `false`, after [`missing`], if not.
#[track_caller]
pub fn has_programs(programs: &[&str]) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let absent = |program: &&&str| !std::env::split_paths(&paths).any(|path| path.join(program).is_file());
    let absent = programs.iter().find(absent);
    if let Some(program) = absent {
        missing(REQUIRE_GPU, &format!("{program} is not installed"));
    }
    absent.is_none()
}
