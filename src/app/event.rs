//! The messages of other threads to the window.

use std::path::PathBuf;
use std::sync::Arc;

use egui_winit::accesskit_winit;

use super::insights::InsightResponse;
use crate::format::FormatError;
use crate::model::{Picture, Query, Source, UnitOrder};
use crate::scene::LoadedEpoch;

/// A message of another thread to the window.
pub enum AppEvent {
    /// News of a run, given by its index among the runs of the window.
    Run {
        /// Index of the run.
        run: usize,
        /// The change.
        event: RunEvent,
    },
    /// A result for a column.
    Column {
        /// Id of the column.
        column: u64,
        /// The result.
        event: LoadEvent,
    },
    /// The system's dialog was closed; `path` is `None` when it was cancelled.
    PathChosen {
        /// The chosen folder.
        path: Option<PathBuf>,
        /// Open it in a column of its own.
        beside: bool,
    },
    /// A picture was written to a file, or why it was not.
    PictureSaved(Result<PathBuf, String>),
    /// A request of the platform's accessibility interface.
    Accessibility(accesskit_winit::Event),
}

impl From<accesskit_winit::Event> for AppEvent {
    fn from(event: accesskit_winit::Event) -> Self {
        Self::Accessibility(event)
    }
}

/// A change of a run.
pub enum RunEvent {
    /// The recording is open. It `continues` the one before when everything read of that is still valid.
    Opened {
        /// The open recording.
        source: Arc<dyn Source>,
        /// It is the same recording with more epochs.
        continues: bool,
    },
    /// There is nothing to open yet; `why` in one line.
    Awaited {
        /// The reason.
        why: String,
    },
    /// The path will never be a recording.
    Refused(FormatError),
    /// The open run has a problem, in one line; `None` when it has none any more.
    Problem(Option<String>),
    /// A writer began or ended work on the run.
    Writer {
        /// A writer holds the lock of the run.
        active: bool,
    },
}

/// A result of a column's workers.
pub enum LoadEvent {
    /// The slabs of the network without values, or why there are none.
    Network {
        /// Number of the recording, as in [`ValueKey::recording`].
        recording: u64,
        /// The slabs.
        result: Result<LoadedEpoch, String>,
    },
    /// The values of a query at an epoch, or why there are none.
    Values {
        /// The query and epoch.
        key: ValueKey,
        /// The values.
        result: Result<LoadedEpoch, String>,
    },
    /// The picture of an input; `None` when it has none.
    Picture {
        /// Number of the recording, as in [`ValueKey::recording`].
        recording: u64,
        /// Index of the input.
        input: usize,
        /// The picture.
        picture: Option<Picture>,
    },
    /// Layer statistics, a unit profile or predictions.
    Insight(InsightResponse),
}

/// Identifies the values of a query at an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ValueKey {
    /// Number of the recording among those that the loader was given.
    pub recording: u64,
    /// Number of the query in the session's table of queries.
    pub query: usize,
    /// Number of the epoch in the recording, which stays the same while epochs are added.
    pub epoch: u64,
    /// The order of the units.
    pub order: Option<UnitOrder>,
}

impl ValueKey {
    /// The key of the same values in the order as trained.
    pub fn unordered(self) -> Self {
        Self { order: None, ..self }
    }
}

/// Values to be loaded.
pub type ValueRequest = (ValueKey, Query);

/// Sends events to the window; called on other threads.
pub type EventSender = Arc<dyn Fn(AppEvent) + Send + Sync>;

/// Sends results to a column; called on other threads.
pub type LoadSender = Arc<dyn Fn(LoadEvent) + Send + Sync>;
