//! The open runs, as panels and legend name them.

use crate::model::{Query, Recording};

/// One open run.
#[derive(Clone, Copy, Debug)]
pub struct NamedRun<'a> {
    /// The name, as text for the user.
    pub name: &'a str,
    /// Id of the recording: another one, or the same with more epochs, has another id.
    pub id: u64,
    /// The recording of the run.
    pub recording: &'a Recording,
}

/// Every open run, and the index of one of them. The default has no runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenRuns<'a> {
    /// The open runs.
    pub all: &'a [NamedRun<'a>],
    /// Index into `all` of the run of [`Query::select`].
    pub own: usize,
}

impl<'a> OpenRuns<'a> {
    /// Returns the run of side A; `None` without runs.
    pub fn own(&self) -> Option<NamedRun<'a>> {
        self.all.get(self.own).copied()
    }

    /// Returns the run of side B; `None` if it is not open.
    pub fn minus_run(&self, query: &Query) -> Option<NamedRun<'a>> {
        self.all.get(query.run_b.unwrap_or(self.own)).copied()
    }

    /// Returns `true` if side B is in another run.
    pub fn compares_runs(&self, query: &Query) -> bool {
        query.minus.is_some() && query.run_b.is_some_and(|run| run != self.own)
    }
}
