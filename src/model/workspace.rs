//! All views of a window as one value: the JSON of "copy this view", of view files, and the steps of
//! back, forward and undo.

use serde::{Deserialize, Serialize};

use super::ViewState;
use super::columns::{Locks, MAX_COLUMNS};

/// Version of the JSON format.
const VERSION: u32 = 1;

/// A text that is not a valid workspace.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// The text is not JSON of this format.
    #[error("it is not JSON of a view: {0}")]
    Json(#[from] serde_json::Error),
    /// The JSON has another version.
    #[error("it is of version {0}; this dnnviz reads version {VERSION}")]
    Version(u32),
    /// The number of columns is not in 1..=[`MAX_COLUMNS`].
    #[error("it has {0} columns; a window has 1 to {MAX_COLUMNS}")]
    Columns(usize),
    /// A column or its query has a run index out of bounds.
    #[error("column {column} is of run {run}, and there are {runs}")]
    NoSuchRun {
        /// Index of the column.
        column: usize,
        /// Index of the run.
        run: usize,
        /// Number of runs.
        runs: usize,
    },
    /// A number of a view is not finite or out of its range.
    #[error("the {what} of column {column} is no usable number")]
    Number {
        /// Index of the column.
        column: usize,
        /// Name of the field.
        what: &'static str,
    },
}

/// The views of a window. Stored as JSON, compared by value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workspace {
    /// Version of the JSON format; the name of the field identifies the kind of file.
    pub dnnviz_view: u32,
    /// Paths of the runs; [`ColumnView::run`] and [`super::Query::run_b`] are indices into it.
    pub runs: Vec<String>,
    /// From left to right, 1 to [`MAX_COLUMNS`].
    pub columns: Vec<ColumnView>,
    /// Index of the column that panels and keys act on.
    #[serde(default)]
    pub active: usize,
    /// The links between the columns.
    #[serde(default)]
    pub locks: Locks,
}

/// The view of one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnView {
    /// Index into [`Workspace::runs`].
    pub run: usize,
    /// `None` while the run is not open.
    pub view: Option<ViewState>,
    /// The part of the training that playback repeats; `None` for all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marked: Option<EpochSpan>,
}

impl ColumnView {
    /// A column of a run with the default view.
    pub fn new(run: usize) -> Self {
        Self { run, view: None, marked: None }
    }
}

/// A part of the training between two different epochs, inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochSpan {
    /// Number of the first epoch.
    pub first: f64,
    /// Number of the last epoch, greater than `first`.
    pub last: f64,
}

impl Workspace {
    /// Creates a workspace of the current version.
    pub fn new(runs: Vec<String>, columns: Vec<ColumnView>, active: usize, locks: Locks) -> Self {
        Self { dnnviz_view: VERSION, runs, columns, active, locks }
    }

    /// Parses and checks the JSON of a workspace.
    ///
    /// # Errors
    /// Returns a [`WorkspaceError`] if `text` is not a workspace, or a field of it is out of its range.
    pub fn parse(text: &str) -> Result<Self, WorkspaceError> {
        #[derive(Deserialize)]
        struct Version {
            dnnviz_view: u32,
        }
        let Version { dnnviz_view } = serde_json::from_str(text)?;
        if dnnviz_view != VERSION {
            return Err(WorkspaceError::Version(dnnviz_view));
        }
        let mut workspace: Self = serde_json::from_str(text)?;
        if workspace.columns.is_empty() || workspace.columns.len() > MAX_COLUMNS {
            return Err(WorkspaceError::Columns(workspace.columns.len()));
        }
        workspace.active = workspace.active.min(workspace.columns.len() - 1);
        let runs = workspace.runs.len();
        for (column, ColumnView { run, view, marked }) in workspace.columns.iter().enumerate() {
            let other = view.as_ref().and_then(|view| view.query.run_b).unwrap_or(*run);
            if let Some(&run) = [*run, other].iter().find(|run| **run >= runs) {
                return Err(WorkspaceError::NoSuchRun { column, run, runs });
            }
            let valid_span = marked.is_none_or(|span| span.first.is_finite() && span.first < span.last);
            if let Some(what) =
                view.as_ref().and_then(invalid_field).or((!valid_span).then_some("marked range"))
            {
                return Err(WorkspaceError::Number { column, what });
            }
        }
        Ok(workspace)
    }

    /// The workspace as JSON, which [`Workspace::parse`] reads.
    pub fn to_json(&self) -> String {
        // Cannot fail: there are no maps with other keys than text, and `parse` refuses other than finite
        // numbers.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Returns `true` if the two differ in more than cameras, epochs and the active column.
    pub fn differs_in_content(&self, other: &Self) -> bool {
        !self.with_cameras_and_epochs_of(other).is_equal_but_active(other)
    }

    /// Returns `true` if the two are equal but for the active column, which changes no picture.
    fn is_equal_but_active(&self, other: &Self) -> bool {
        *self == Self { active: self.active, ..other.clone() }
    }

    /// A copy with the cameras and epochs of the columns of `other` where both are of one run.
    pub fn with_cameras_and_epochs_of(&self, other: &Self) -> Self {
        let mut result = self.clone();
        for (own, other) in result.columns.iter_mut().zip(&other.columns) {
            if own.run == other.run
                && let (Some(own), Some(other)) = (&mut own.view, &other.view)
            {
                own.camera = other.camera;
                own.epoch = other.epoch;
            }
        }
        result
    }

    /// A copy with the epochs of the columns of `other`.
    pub fn with_epochs_of(&self, other: &Self) -> Self {
        let mut result = self.clone();
        for (own, other) in result.columns.iter_mut().zip(&other.columns) {
            if let (Some(own), Some(other)) = (&mut own.view, &other.view) {
                own.epoch = other.epoch;
            }
        }
        result
    }
}

/// Name of the first field of a view that is not finite or out of its range.
fn invalid_field(view: &ViewState) -> Option<&'static str> {
    let fixed = match view.range {
        super::Range::Fixed { low, high } => low.is_finite() && high.is_finite(),
        _ => true,
    };
    [
        (view.camera.is_valid(), "camera"),
        (view.epoch.is_finite(), "epoch"),
        (view.height.is_finite() && (0.0..=10.0).contains(&view.height), "height"),
        ((0.0..=10.0).contains(&view.clip), "clip"),
        ((0.0..=1.0).contains(&view.dim_below), "dim_below"),
        (fixed, "range"),
    ]
    .into_iter()
    .find(|(valid, _)| !valid)
    .map(|(_, field)| field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Camera, Layout, Pin, Selection, SetView, UnitIndex, testing};

    fn workspace() -> Workspace {
        let recording = testing::recording(&[4], &["cat"], &[Some(0)], &[0, 1]);
        let camera = Camera::set_view(SetView::Overview, &Layout::new(&recording, 1.5), 1.5);
        let mut view = ViewState::new(camera, 1.0);
        view.query.select = "class:cat@first".parse().unwrap();
        view.query.minus = Some(Selection::default());
        view.query.run_b = Some(1);
        view.hidden.insert("conv".to_owned());
        view.pins.push(Pin { layer: "0".to_owned(), unit: UnitIndex(3) });
        let columns = vec![
            ColumnView {
                view: Some(view),
                marked: Some(EpochSpan { first: 0.0, last: 1.0 }),
                ..ColumnView::new(0)
            },
            ColumnView::new(1),
        ];
        Workspace::new(vec!["a".into(), "b".into()], columns, 1, Locks { scale: false, ..Locks::default() })
    }

    #[test]
    fn writing_and_parsing_are_inverse() {
        let workspace = workspace();
        assert_eq!(Workspace::parse(&workspace.to_json()).unwrap(), workspace);
    }

    #[test]
    fn invalid_workspaces_are_refused_with_the_cause() {
        let json = workspace().to_json();
        let broken = |from: &str, to: &str| {
            assert!(json.contains(from), "{from} in {json}");
            Workspace::parse(&json.replacen(from, to, 1)).unwrap_err()
        };
        assert!(matches!(broken("\"dnnviz_view\": 1", "\"dnnviz_view\": 7"), WorkspaceError::Version(7)));
        assert!(matches!(broken("\"run\": 0", "\"run\": 9"), WorkspaceError::NoSuchRun { run: 9, .. }));
        assert!(matches!(broken("\"run_b\": 1", "\"run_b\": 5"), WorkspaceError::NoSuchRun { run: 5, .. }));
        assert!(matches!(
            broken("\"height\": 1.0", "\"height\": -3.0"),
            WorkspaceError::Number { column: 0, what: "height" }
        ));
        assert!(matches!(
            broken("\"fov_y\": 0.45", "\"fov_y\": 0.0"),
            WorkspaceError::Number { what: "camera", .. }
        ));
        for text in ["", "{}", "[1, 2]", "{\"dnnviz_view\": 1}"] {
            assert!(matches!(Workspace::parse(text), Err(WorkspaceError::Json(_))), "{text}");
        }
        let none = Workspace { columns: Vec::new(), ..workspace() }.to_json();
        assert!(matches!(Workspace::parse(&none), Err(WorkspaceError::Columns(0))));
    }

    #[test]
    fn cameras_and_epochs_are_not_content() {
        let one = workspace();
        let mut other = one.clone();
        let view = other.columns[0].view.as_mut().unwrap();
        view.camera.yaw += 0.2;
        view.epoch = 0.0;
        other.active = 0;
        assert!(!one.differs_in_content(&other) && one != other);
        assert_eq!(one.with_cameras_and_epochs_of(&other).columns, other.columns);
        other.columns[0].view.as_mut().unwrap().dim_below = 0.5;
        assert!(one.differs_in_content(&other));
        other.columns.pop();
        assert!(one.differs_in_content(&other));
    }
}
