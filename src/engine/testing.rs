//! A graphics device for tests, and the rule for tests that lack a part of the machine. Unit tests use it
//! as a module; `tests/support` includes the file for the integration tests.

use super::Gpu;

/// Name of the environment variable that forbids skipping tests that need a graphics adapter or a display.
pub const REQUIRE_GPU: &str = "DNNVIZ_REQUIRE_GPU";

/// Opens a device that draws without a window; `None`, after [`missing`], if there is no adapter.
#[track_caller]
pub fn gpu() -> Option<Gpu> {
    match Gpu::headless() {
        Ok(gpu) => Some(gpu),
        Err(error) => {
            missing(REQUIRE_GPU, &error.to_string());
            None
        }
    }
}

/// Reports on stderr that a test is skipped because of `reason`.
///
/// # Panics
///
/// If the environment variable `variable` is 1: the test must run here.
#[track_caller]
pub fn missing(variable: &str, reason: &str) {
    assert!(std::env::var_os(variable).is_none_or(|value| value != "1"), "{reason}, and {variable} is 1");
    eprintln!("skipped: {reason} (fails with {variable}=1)");
}
