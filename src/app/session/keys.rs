//! Keys that change when prefetch lists, or the values of queries, become invalid.

use crate::app::run::OpenRunList;
use crate::model::{EpochPosition, EpochRef, Query, Selection, UnitOrder};

/// Everything on which the list of values to load depends.
#[derive(Clone, Copy, PartialEq)]
pub struct PrefetchKey {
    /// Number of the query.
    pub query: usize,
    /// Position of the view's epoch, with a `t` of 0.
    pub position: EpochPosition,
    /// `true` while the newest epoch is followed.
    pub following: bool,
    /// Number of values that were loaded or have failed.
    pub arrived: usize,
    /// Order of the units.
    pub order: Option<UnitOrder>,
    /// Number of epochs that decide the value ranges and are not loaded; 0 unless the ranges cover all epochs.
    pub undecided: usize,
}

/// The versions of the runs on which the values of a query depend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunVersions {
    /// Number of times that the session's run was continued; 0 unless a selection names its last or best
    /// epoch.
    pub own: u64,
    /// Numbers of times that the run of side B was replaced and, likewise, continued; `None` if it is not
    /// open, or side B is of the same run.
    pub other: Option<(u64, u64)>,
}

impl RunVersions {
    /// Returns the versions for a query of the run at index `run`.
    pub fn of(query: &Query, run: usize, runs: &OpenRunList) -> Self {
        let Query { select, minus, run_b, .. } = query;
        let depends_on_epochs =
            |selection: &Selection| matches!(selection.epoch, Some(EpochRef::Last | EpochRef::Best));
        let open = |run: usize| runs.get(run).and_then(Option::as_ref);
        let minus = minus.as_ref();
        let own_epochs =
            depends_on_epochs(select) || (run_b.is_none() && minus.is_some_and(depends_on_epochs));
        let own = if own_epochs { open(run).map_or(0, |run| run.continued) } else { 0 };
        let other = match (run_b, minus) {
            (Some(b), Some(minus)) => {
                open(*b).map(|run| (run.replaced, if depends_on_epochs(minus) { run.continued } else { 0 }))
            }
            _ => None,
        };
        Self { own, other }
    }
}
