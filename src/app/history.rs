//! The history of a window's views: back and forward through the visited ones, undo and redo of changes.

use egui::Vec2;
use egui::util::undoer::{self, Undoer};

use crate::model::workspace::Workspace;

/// Seconds for which a view has to remain the same before it is recorded.
const STABLE_SECONDS: f64 = 0.5;
/// Greatest number of recorded views.
const CAPACITY: usize = 200;

/// The visited views, and the undo points.
pub struct History {
    /// Every visited view, the current one among them.
    visited: Vec<Workspace>,
    /// Index of the current view in `visited`.
    index: usize,
    /// A view that is not recorded yet, and the time in seconds at which it became pending.
    pending: Option<(Workspace, f64)>,
    /// `true` while a column has no view because its run is not open; the current view of `visited` is then
    /// the one before.
    is_incomplete: bool,
    /// The sizes of the scenes in points.
    sizes: Vec<Vec2>,
    undoer: Undoer<ViewContent>,
    /// The latest view.
    current: Option<ViewContent>,
}

/// A view that equals others that differ only in cameras, epochs and the active column: undo changes none of
/// these.
#[derive(Clone)]
struct ViewContent(Workspace);

impl PartialEq for ViewContent {
    fn eq(&self, other: &Self) -> bool {
        !self.0.differs_in_content(&other.0)
    }
}

impl Default for History {
    fn default() -> Self {
        let settings = undoer::Settings {
            max_undos: CAPACITY,
            stable_time: STABLE_SECONDS as f32,
            ..undoer::Settings::default()
        };
        Self {
            visited: Vec::new(),
            index: 0,
            pending: None,
            is_incomplete: false,
            sizes: Vec::new(),
            undoer: Undoer::with_settings(settings),
            current: None,
        }
    }
}

impl History {
    /// Records `shown`, the views of the window at time `now` in seconds, in scenes of these `sizes` in
    /// points. Returns the seconds after which it has to be called again.
    pub fn record(&mut self, shown: &Workspace, sizes: Vec<Vec2>, now: f64) -> Option<f64> {
        let resized = std::mem::replace(&mut self.sizes, sizes) != self.sizes;
        if shown.columns.iter().any(|column| column.view.is_none()) {
            // Not every run is open, and some may never be.
            self.settle();
            self.is_incomplete = !self.visited.is_empty();
            return None;
        }
        self.is_incomplete = false;
        let content = ViewContent(shown.clone());
        self.undoer.feed_state(now, &content);
        self.current = Some(content);
        let Some(current) = self.visited.get_mut(self.index) else {
            self.visited.push(shown.clone());
            return None;
        };
        // Other epochs and additional runs alone make no other view.
        let same = Workspace { runs: shown.runs.clone(), ..current.with_epochs_of(shown) };
        // In a scene of another size the camera is adapted, which makes no other view.
        let update = match same == *shown {
            true => Some(same),
            false => (resized && !current.differs_in_content(shown)).then(|| shown.clone()),
        };
        if let Some(update) = update {
            *current = update;
            self.pending = None;
            return None;
        }
        match &self.pending {
            Some((pending, since)) if pending.with_epochs_of(shown) == *shown => {
                if now - since < STABLE_SECONDS {
                    return Some(STABLE_SECONDS - (now - since));
                }
                self.visit(shown.clone());
                None
            }
            _ => {
                self.pending = Some((shown.clone(), now));
                Some(STABLE_SECONDS)
            }
        }
    }

    /// Appends a view after the current one, and makes it the current one.
    fn visit(&mut self, view: Workspace) {
        self.pending = None;
        self.visited.truncate(self.index + 1);
        self.visited.push(view);
        if self.visited.len() > CAPACITY {
            self.visited.remove(0);
        }
        self.index = self.visited.len() - 1;
    }

    /// Records the pending view at once.
    fn settle(&mut self) {
        if let Some((pending, _)) = self.pending.take() {
            self.visit(pending);
        }
    }

    /// Returns `true` if there is a view before the current one.
    pub fn can_back(&self) -> bool {
        self.index > 0 || self.pending.is_some() || self.is_incomplete
    }

    /// Returns `true` if there is a view after the current one.
    pub fn can_forward(&self) -> bool {
        self.index + 1 < self.visited.len() && self.pending.is_none()
    }

    /// Goes back by one view, and returns it; `None` at the first one.
    pub fn back(&mut self) -> Option<&Workspace> {
        self.settle();
        if !std::mem::take(&mut self.is_incomplete) {
            self.index = self.index.checked_sub(1)?;
        }
        self.visited.get(self.index)
    }

    /// Goes forward by one view, and returns it; `None` at the last one.
    pub fn forward(&mut self) -> Option<&Workspace> {
        if !self.can_forward() {
            return None;
        }
        self.index += 1;
        self.visited.get(self.index)
    }

    /// Returns `true` if a change can be undone.
    pub fn can_undo(&self) -> bool {
        self.current.as_ref().is_some_and(|current| self.undoer.has_undo(current))
    }

    /// Returns `true` if a change that was undone can be redone.
    pub fn can_redo(&self) -> bool {
        self.current.as_ref().is_some_and(|current| self.undoer.has_redo(current))
    }

    /// Undoes the latest change: returns the view before it, with the current cameras and epochs.
    pub fn undo(&mut self) -> Option<Workspace> {
        let current = self.current.clone()?;
        let undone = self.undoer.undo(&current)?.0.with_cameras_and_epochs_of(&current.0);
        self.current = Some(ViewContent(undone.clone()));
        Some(undone)
    }

    /// Reverses the latest undo: returns the view before it, with the current cameras and epochs.
    pub fn redo(&mut self) -> Option<Workspace> {
        let current = self.current.clone()?;
        let redone = self.undoer.redo(&current)?.0.with_cameras_and_epochs_of(&current.0);
        self.current = Some(ViewContent(redone.clone()));
        Some(redone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::columns::Locks;
    use crate::model::workspace::ColumnView;
    use crate::model::{Camera, Layout, SetView, ViewState};

    const SIZE: [Vec2; 1] = [Vec2::new(900.0, 600.0)];

    fn shown(yaw: f32, epoch: f64, dim: f32) -> Workspace {
        let layout = Layout::of_grids([]);
        let mut view = ViewState::new(Camera::set_view(SetView::Overview, &layout, 1.5), epoch);
        view.camera.yaw = yaw;
        view.dim_below = dim;
        let columns = vec![ColumnView { view: Some(view), ..ColumnView::new(0) }];
        Workspace::new(vec!["run".to_owned()], columns, 0, Locks::default())
    }

    #[test]
    fn a_run_that_is_not_open_makes_no_view() {
        let mut history = history_of(&[shown(0.0, 1.0, 0.0)]);
        let mut opening = shown(0.0, 1.0, 0.0);
        opening.columns[0] = ColumnView::new(1);
        history.record(&opening, SIZE.to_vec(), 5.0);
        history.record(&opening, SIZE.to_vec(), 6.0);
        assert_eq!(history.back(), Some(&shown(0.0, 1.0, 0.0)), "the view before it");
        assert_eq!(history.back(), None);
        let mut opened = shown(0.3, 4.0, 0.0);
        opened.columns[0].run = 1;
        history.record(&opened, SIZE.to_vec(), 7.0);
        history.record(&opened, SIZE.to_vec(), 8.0);
        assert_eq!(history.back(), Some(&shown(0.0, 1.0, 0.0)));
    }

    /// Returns a history in which each view is recorded for a second.
    fn history_of(views: &[Workspace]) -> History {
        let mut history = History::default();
        for (at, view) in views.iter().enumerate() {
            let now = at as f64;
            history.record(view, SIZE.to_vec(), now);
            history.record(view, SIZE.to_vec(), now + 0.9);
        }
        history
    }

    #[test]
    fn back_and_forward_go_through_the_visited_views() {
        let views = [shown(0.0, 1.0, 0.0), shown(0.5, 1.0, 0.0), shown(0.5, 1.0, 0.3)];
        let mut history = history_of(&views);
        assert!(history.can_back() && !history.can_forward());
        assert_eq!(history.back(), Some(&views[1]));
        assert_eq!(history.back(), Some(&views[0]));
        assert_eq!(history.back(), None);
        assert_eq!(history.forward(), Some(&views[1]));
        // A new view removes those after the current one.
        let other = shown(0.9, 1.0, 0.0);
        history.record(&other, SIZE.to_vec(), 10.0);
        history.record(&other, SIZE.to_vec(), 11.0);
        assert!(!history.can_forward());
        assert_eq!(history.back(), Some(&views[1]));
    }

    #[test]
    fn a_view_that_does_not_remain_is_not_recorded() {
        let mut history = History::default();
        history.record(&shown(0.0, 0.0, 0.0), SIZE.to_vec(), 0.0);
        for step in 1..20 {
            let now = f64::from(step) * 0.1;
            let wait = history.record(&shown(step as f32 * 0.1, 0.0, 0.0), SIZE.to_vec(), now);
            assert_eq!(wait, Some(STABLE_SECONDS), "the camera is moving");
        }
        for step in 0..20 {
            let now = 3.0 + f64::from(step) * 0.1;
            history.record(&shown(1.9, f64::from(step), 0.0), SIZE.to_vec(), now);
        }
        assert_eq!(history.back().unwrap().columns, shown(0.0, 0.0, 0.0).columns, "one step back");
        assert!(!history.can_back());
    }

    #[test]
    fn undo_leaves_the_camera_where_it_is() {
        let views = [shown(0.0, 1.0, 0.0), shown(0.0, 1.0, 0.4), shown(0.7, 1.0, 0.4), shown(0.8, 2.0, 0.4)];
        let mut history = history_of(&views);
        assert!(history.can_undo() && !history.can_redo());
        let undone = history.undo().unwrap();
        assert_eq!(undone, shown(0.8, 2.0, 0.0));
        assert!(!history.can_undo() && history.can_redo());
        // The view after undo is not a new view.
        history.record(&undone, SIZE.to_vec(), 20.0);
        history.record(&undone, SIZE.to_vec(), 21.0);
        assert_eq!(history.redo().unwrap(), shown(0.8, 2.0, 0.4));
    }

    #[test]
    fn a_change_can_be_undone_at_once() {
        let mut history = History::default();
        history.record(&shown(0.0, 1.0, 0.0), SIZE.to_vec(), 0.0);
        history.record(&shown(0.0, 1.0, 0.2), SIZE.to_vec(), 0.1);
        assert!(history.can_undo());
        assert_eq!(history.undo().unwrap(), shown(0.0, 1.0, 0.0));
    }

    #[test]
    fn a_picture_of_another_size_is_no_other_view() {
        let mut history = history_of(&[shown(0.0, 1.0, 0.0)]);
        let other = vec![Vec2::new(700.0, 600.0)];
        assert_eq!(history.record(&shown(0.2, 1.0, 0.0), other.clone(), 5.0), None);
        assert!(!history.can_back());
        history.record(&shown(0.4, 1.0, 0.0), other.clone(), 6.0);
        history.record(&shown(0.4, 1.0, 0.0), other, 7.0);
        assert_eq!(history.back(), Some(&shown(0.2, 1.0, 0.0)));
    }
}
