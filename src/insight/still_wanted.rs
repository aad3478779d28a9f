//! The cancellation of long computations.

/// A check that long computations call now and then; they stop early when it returns `false`, because the
/// result is no longer needed.
pub type StillWanted<'a> = &'a (dyn Fn() -> bool + Sync);
