//! All views of a window as one value: what "copy this view" writes, what a file opens again, and what
//! back, forward and undo go through.

use serde::{Deserialize, Serialize};

use super::ViewState;
use super::columns::{Locks, MOST};

/// Version of the JSON.
const VERSION: u32 = 1;

/// Why a text is not the views of a window.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    #[error("it is not JSON of a view: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it is of version {0}; this dnnviz reads version {VERSION}")]
    Version(u32),
    #[error("it has {0} columns; a window has 1 to {MOST}")]
    Columns(usize),
    #[error("column {column} is of run {run}, and there are {runs}")]
    NoSuchRun { column: usize, run: usize, runs: usize },
    #[error("the {what} of column {column} is no usable number")]
    Number { column: usize, what: &'static str },
}

/// The views of a window. Stored as JSON, compared by value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workspace {
    /// Version of the JSON; its name says what the file is.
    pub dnnviz_view: u32,
    /// Paths of the runs; columns, and [`super::Query::run_b`], name them by their place.
    pub runs: Vec<String>,
    pub columns: Vec<ColumnView>,
    /// The column that panels and keys speak of.
    #[serde(default)]
    pub active: usize,
    #[serde(default)]
    pub locks: Locks,
}

/// One of the views.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnView {
    pub run: usize,
    /// `None` while its run is not open.
    pub view: Option<ViewState>,
    /// What playing stays within.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marked: Option<EpochSpan>,
}

impl ColumnView {
    /// Of a run that is to be looked at as one that was just opened.
    pub fn new(run: usize) -> Self {
        Self { run, view: None, marked: None }
    }
}

/// A part of the training, by the numbers of its first and its last epoch, which differ.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochSpan {
    pub first: f64,
    pub last: f64,
}

impl Workspace {
    pub fn new(runs: Vec<String>, columns: Vec<ColumnView>, active: usize, locks: Locks) -> Self {
        Self { dnnviz_view: VERSION, runs, columns, active, locks }
    }

    /// Reads and checks the JSON.
    ///
    /// # Errors
    /// When it is not that of a window's views, or nothing that could be drawn.
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
        if workspace.columns.is_empty() || workspace.columns.len() > MOST {
            return Err(WorkspaceError::Columns(workspace.columns.len()));
        }
        workspace.active = workspace.active.min(workspace.columns.len() - 1);
        let runs = workspace.runs.len();
        for (column, ColumnView { run, view, marked }) in workspace.columns.iter().enumerate() {
            let other = view.as_ref().and_then(|view| view.query.run_b).unwrap_or(*run);
            if let Some(&run) = [*run, other].iter().find(|run| **run >= runs) {
                return Err(WorkspaceError::NoSuchRun { column, run, runs });
            }
            let marks = marked.is_none_or(|span| span.first.is_finite() && span.first < span.last);
            if let Some(what) = view.as_ref().and_then(unusable).or((!marks).then_some("marked range")) {
                return Err(WorkspaceError::Number { column, what });
            }
        }
        Ok(workspace)
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        // It has no maps and no numbers that JSON does not know: cameras and ranges are finite.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Whether both differ in more than where cameras stand and which epochs are shown.
    pub fn differs_in_content(&self, other: &Self) -> bool {
        !self.with_places_of(other).is_like(other)
    }

    fn is_like(&self, other: &Self) -> bool {
        // Which column is active changes nothing that is shown.
        *self == Self { active: self.active, ..other.clone() }
    }

    /// Itself with the cameras and epochs of the columns of `other`, as far as they are of one run.
    pub fn with_places_of(&self, other: &Self) -> Self {
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

    /// Itself with the epochs of `other`.
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

/// What of a view cannot be drawn.
fn unusable(view: &ViewState) -> Option<&'static str> {
    let fixed = match view.range {
        super::Range::Fixed { low, high } => low.is_finite() && high.is_finite(),
        _ => true,
    };
    [
        (view.camera.is_sound(), "camera"),
        (view.epoch.is_finite(), "epoch"),
        (view.height.is_finite() && (0.0..=10.0).contains(&view.height), "height"),
        ((0.0..=10.0).contains(&view.clip), "clip"),
        ((0.0..=1.0).contains(&view.dim_below), "dim_below"),
        (fixed, "range"),
    ]
    .into_iter()
    .find(|(sound, _)| !sound)
    .map(|(_, what)| what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Camera, Layout, Pin, Selection, SetView, testing};

    fn workspace() -> Workspace {
        let recording = testing::recording(&[4], &["cat"], &[Some(0)], &[0, 1]);
        let camera = Camera::set_view(SetView::Overview, &Layout::new(&recording), 1.5);
        let mut view = ViewState::new(camera, 1.0);
        view.query.select = "class:cat@first".parse().unwrap();
        view.query.minus = Some(Selection::default());
        view.query.run_b = Some(1);
        view.hidden.insert("conv".to_owned());
        view.pins.push(Pin { layer: "0".to_owned(), unit: 3 });
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
    fn what_is_written_is_read_again_as_it_was() {
        let workspace = workspace();
        assert_eq!(Workspace::parse(&workspace.to_json()).unwrap(), workspace);
    }

    #[test]
    fn what_cannot_be_shown_is_refused_by_name() {
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
    fn cameras_and_epochs_are_no_content() {
        let one = workspace();
        let mut other = one.clone();
        let view = other.columns[0].view.as_mut().unwrap();
        view.camera.yaw += 0.2;
        view.epoch = 0.0;
        other.active = 0;
        assert!(!one.differs_in_content(&other) && one != other);
        assert_eq!(one.with_places_of(&other).columns, other.columns);
        other.columns[0].view.as_mut().unwrap().dim_below = 0.5;
        assert!(one.differs_in_content(&other));
        other.columns.pop();
        assert!(one.differs_in_content(&other));
    }
}
