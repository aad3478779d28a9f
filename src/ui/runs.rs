//! The runs that are open, as panels and legends speak of them.

use crate::model::{Query, Recording};

/// One open run.
#[derive(Clone, Copy, Debug)]
pub struct NamedRun<'a> {
    /// What people call it.
    pub name: &'a str,
    pub recording: &'a Recording,
}

/// Every open run, and which of them is spoken of. The default says nothing of any.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenRuns<'a> {
    pub all: &'a [NamedRun<'a>],
    /// Index into `all` of the run of [`Query::select`].
    pub own: usize,
}

impl<'a> OpenRuns<'a> {
    pub fn own(&self) -> Option<NamedRun<'a>> {
        self.all.get(self.own).copied()
    }

    /// The run that side B is read in.
    pub fn of_minus(&self, query: &Query) -> Option<NamedRun<'a>> {
        self.all.get(query.run_b.unwrap_or(self.own)).copied()
    }

    /// Whether two runs are compared.
    pub fn differ(&self, query: &Query) -> bool {
        query.minus.is_some() && query.run_b.is_some_and(|run| run != self.own)
    }
}
