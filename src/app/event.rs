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
    /// A change of a run.
    Run {
        /// Index of the run among those of the window.
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
    /// The system's dialog to choose a run was closed.
    PathChosen {
        /// The chosen folder; `None` if the dialog was cancelled.
        path: Option<PathBuf>,
        /// `true` to open it in a column of its own.
        beside: bool,
    },
    /// The system has no dialog to choose a run.
    NoDialog,
    /// The path of the picture that was saved, or the reason why it was not, in one line.
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
    /// The run was opened, or opened again.
    Opened {
        /// The open recording.
        source: Arc<dyn Source>,
        /// `true` if it is the recording before with more epochs: all values read of that are still valid.
        continues: bool,
    },
    /// There is nothing to open yet.
    Awaited {
        /// The reason, in one line.
        why: String,
    },
    /// The path will never be a recording.
    Refused(FormatError),
    /// The problem of the open run, in one line; `None` once it is solved.
    Problem(Option<String>),
    /// A writer has locked or released the run.
    Writer {
        /// `true` if a writer holds the lock of the run.
        active: bool,
    },
}

/// A result of a column's workers.
pub enum LoadEvent {
    /// The slabs of the network without values.
    Network {
        /// Number of the recording, as in [`ValueKey::recording`].
        recording: u64,
        /// The slabs, or the reason why there are none, in one line.
        result: Result<LoadedEpoch, String>,
    },
    /// The values of a query at an epoch.
    Values {
        /// The query and epoch.
        key: ValueKey,
        /// The values, or the reason why there are none, in one line.
        result: Result<LoadedEpoch, String>,
    },
    /// The picture of an input.
    Picture {
        /// Number of the recording, as in [`ValueKey::recording`].
        recording: u64,
        /// Index of the input.
        input: usize,
        /// The picture; `None` if the input has none.
        picture: Option<Picture>,
    },
    /// Layer statistics, a unit profile or predictions.
    Insight(InsightResponse),
    /// A unit profile in the run that is subtracted.
    SubtractedInsight {
        /// Id of the version of that run.
        run: u64,
        /// The profile.
        response: InsightResponse,
    },
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
    /// Returns the key of the same values with the units in the order of the network.
    pub fn unordered(self) -> Self {
        Self { order: None, ..self }
    }
}

/// A request to load values: their key, and the query that the key stands for.
pub type ValueRequest = (ValueKey, Query);

/// Sends events to the window; called on other threads.
pub type EventSender = Arc<dyn Fn(AppEvent) + Send + Sync>;

/// Sends results to a column; called on other threads.
pub type LoadSender = Arc<dyn Fn(LoadEvent) + Send + Sync>;
