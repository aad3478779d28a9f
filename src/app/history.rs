//! The views that were looked at: back and forward through them, and undo of what was changed.

use egui::Vec2;

use crate::model::workspace::Workspace;

/// Seconds that a view has to stay before it counts as one.
const REST: f64 = 0.5;
/// Most views that are remembered.
const MOST: usize = 200;

/// Views, the one that is shown among them.
#[derive(Debug, Default)]
pub struct History {
    views: Vec<Workspace>,
    at: usize,
    /// What is shown since when, where it is none of them yet.
    fresh: Option<(Workspace, f64)>,
    /// What is shown is no view: a run that is not open.
    away: bool,
    /// Sizes of the pictures.
    sizes: Vec<Vec2>,
}

impl History {
    /// Takes note of what is shown at a time, in pictures of these `sizes`, and says in how many seconds to
    /// do so again.
    pub fn note(&mut self, shown: &Workspace, sizes: Vec<Vec2>, now: f64) -> Option<f64> {
        let resized = std::mem::replace(&mut self.sizes, sizes) != self.sizes;
        if shown.columns.iter().any(|column| column.view.is_none()) {
            // Not all is open yet, and may never be.
            self.settle();
            self.away = !self.views.is_empty();
            return None;
        }
        self.away = false;
        let Some(current) = self.views.get_mut(self.at) else {
            self.views.push(shown.clone());
            return None;
        };
        // Epochs pass by themselves, and runs that were opened since are no other view.
        let same = Workspace { runs: shown.runs.clone(), ..current.with_epochs_of(shown) };
        // Cameras step back by themselves for all to be in a picture of another size.
        let stays = match same == *shown {
            true => Some(same),
            false => (resized && !current.differs_in_content(shown)).then(|| shown.clone()),
        };
        if let Some(stays) = stays {
            *current = stays;
            self.fresh = None;
            return None;
        }
        match &self.fresh {
            Some((fresh, since)) if fresh.with_epochs_of(shown) == *shown => {
                if now - since < REST {
                    return Some(REST - (now - since));
                }
                self.keep(shown.clone());
                None
            }
            _ => {
                self.fresh = Some((shown.clone(), now));
                Some(REST)
            }
        }
    }

    fn keep(&mut self, shown: Workspace) {
        self.fresh = None;
        self.views.truncate(self.at + 1);
        self.views.push(shown);
        if self.views.len() > MOST {
            self.views.remove(0);
        }
        self.at = self.views.len() - 1;
    }

    /// Counts what is shown as a view at once.
    fn settle(&mut self) {
        if let Some((fresh, _)) = self.fresh.take() {
            self.keep(fresh);
        }
    }

    pub fn can_back(&self) -> bool {
        self.at > 0 || self.fresh.is_some() || self.away
    }

    pub fn can_forward(&self) -> bool {
        self.at + 1 < self.views.len() && self.fresh.is_none()
    }

    /// The view before.
    pub fn back(&mut self) -> Option<&Workspace> {
        self.settle();
        if !std::mem::take(&mut self.away) {
            self.at = self.at.checked_sub(1)?;
        }
        self.views.get(self.at)
    }

    /// The view after.
    pub fn forward(&mut self) -> Option<&Workspace> {
        if !self.can_forward() {
            return None;
        }
        self.at += 1;
        self.views.get(self.at)
    }

    pub fn can_undo(&self) -> bool {
        let Some(last) = self.fresh.as_ref().map(|(fresh, _)| fresh).or(self.views.get(self.at)) else {
            return false;
        };
        let before = self.views.iter().take(self.at + usize::from(self.fresh.is_some()));
        before.rev().any(|view| view.differs_in_content(last))
    }

    pub fn can_redo(&self) -> bool {
        let Some(current) = self.views.get(self.at).filter(|_| self.fresh.is_none()) else { return false };
        self.views[self.at + 1..].iter().any(|view| view.differs_in_content(current))
    }

    /// What was shown before something other than cameras and epochs was changed; these stay.
    pub fn undo(&mut self) -> Option<Workspace> {
        self.settle();
        let current = self.views.get(self.at)?.clone();
        let at = (0..self.at).rev().find(|at| self.views[*at].differs_in_content(&current))?;
        Some(self.go(at, &current))
    }

    /// The view at a place, looked at from where one is.
    fn go(&mut self, at: usize, current: &Workspace) -> Workspace {
        self.at = at;
        let view = self.views[at].with_cameras_and_epochs_of(current);
        self.views[at].clone_from(&view);
        view
    }

    /// What was shown after that.
    pub fn redo(&mut self) -> Option<Workspace> {
        if !self.can_redo() {
            return None;
        }
        let current = self.views.get(self.at)?.clone();
        let mut later = self.at + 1..self.views.len();
        let at = later.find(|at| self.views[*at].differs_in_content(&current))?;
        Some(self.go(at, &current))
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
        let layout = Layout { slabs: Vec::new(), picture: None };
        let mut view = ViewState::new(Camera::set_view(SetView::Overview, &layout, 1.5), epoch);
        view.camera.yaw = yaw;
        view.dim_below = dim;
        let columns = vec![ColumnView { view: Some(view), ..ColumnView::new(0) }];
        Workspace::new(vec!["run".to_owned()], columns, 0, Locks::default())
    }

    #[test]
    fn what_is_not_open_yet_is_no_view() {
        let mut history = looked_at(&[shown(0.0, 1.0, 0.0)]);
        let mut opening = shown(0.0, 1.0, 0.0);
        opening.columns[0] = ColumnView::new(1);
        history.note(&opening, SIZE.to_vec(), 5.0);
        history.note(&opening, SIZE.to_vec(), 6.0);
        assert_eq!(history.back(), Some(&shown(0.0, 1.0, 0.0)), "where it was");
        assert_eq!(history.back(), None);
        let mut opened = shown(0.3, 4.0, 0.0);
        opened.columns[0].run = 1;
        history.note(&opened, SIZE.to_vec(), 7.0);
        history.note(&opened, SIZE.to_vec(), 8.0);
        assert_eq!(history.back(), Some(&shown(0.0, 1.0, 0.0)));
    }

    /// Shows each for a second.
    fn looked_at(views: &[Workspace]) -> History {
        let mut history = History::default();
        for (at, view) in views.iter().enumerate() {
            let now = at as f64;
            history.note(view, SIZE.to_vec(), now);
            history.note(view, SIZE.to_vec(), now + 0.9);
        }
        history
    }

    #[test]
    fn back_and_forward_go_through_what_was_looked_at() {
        let views = [shown(0.0, 1.0, 0.0), shown(0.5, 1.0, 0.0), shown(0.5, 1.0, 0.3)];
        let mut history = looked_at(&views);
        assert!(history.can_back() && !history.can_forward());
        assert_eq!(history.back(), Some(&views[1]));
        assert_eq!(history.back(), Some(&views[0]));
        assert_eq!(history.back(), None);
        assert_eq!(history.forward(), Some(&views[1]));
        // Looking elsewhere forgets what came after.
        let other = shown(0.9, 1.0, 0.0);
        history.note(&other, SIZE.to_vec(), 10.0);
        history.note(&other, SIZE.to_vec(), 11.0);
        assert!(!history.can_forward());
        assert_eq!(history.back(), Some(&views[1]));
    }

    #[test]
    fn what_passes_by_is_no_view() {
        let mut history = History::default();
        history.note(&shown(0.0, 0.0, 0.0), SIZE.to_vec(), 0.0);
        for step in 1..20 {
            let now = f64::from(step) * 0.1;
            let wait = history.note(&shown(step as f32 * 0.1, 0.0, 0.0), SIZE.to_vec(), now);
            assert_eq!(wait, Some(REST), "a hand is turning it");
        }
        for step in 0..20 {
            let now = 3.0 + f64::from(step) * 0.1;
            history.note(&shown(1.9, f64::from(step), 0.0), SIZE.to_vec(), now);
        }
        assert_eq!(history.back().unwrap().columns, shown(0.0, 0.0, 0.0).columns, "one step back");
        assert!(!history.can_back());
    }

    #[test]
    fn undo_leaves_the_camera_where_it_is() {
        let views = [shown(0.0, 1.0, 0.0), shown(0.0, 1.0, 0.4), shown(0.7, 1.0, 0.4), shown(0.8, 2.0, 0.4)];
        let mut history = looked_at(&views);
        assert!(history.can_undo() && !history.can_redo());
        let undone = history.undo().unwrap();
        assert_eq!(undone, shown(0.8, 2.0, 0.0));
        assert!(!history.can_undo() && history.can_redo());
        // What is shown then is not a new view.
        history.note(&undone, SIZE.to_vec(), 20.0);
        history.note(&undone, SIZE.to_vec(), 21.0);
        assert_eq!(history.redo().unwrap(), shown(0.8, 2.0, 0.4));
    }

    #[test]
    fn a_change_can_be_undone_at_once() {
        let mut history = History::default();
        history.note(&shown(0.0, 1.0, 0.0), SIZE.to_vec(), 0.0);
        history.note(&shown(0.0, 1.0, 0.2), SIZE.to_vec(), 0.1);
        assert!(history.can_undo());
        assert_eq!(history.undo().unwrap(), shown(0.0, 1.0, 0.0));
    }

    #[test]
    fn a_picture_of_another_size_is_no_other_view() {
        let mut history = looked_at(&[shown(0.0, 1.0, 0.0)]);
        let other = vec![Vec2::new(700.0, 600.0)];
        assert_eq!(history.note(&shown(0.2, 1.0, 0.0), other.clone(), 5.0), None);
        assert!(!history.can_back());
        history.note(&shown(0.4, 1.0, 0.0), other.clone(), 6.0);
        history.note(&shown(0.4, 1.0, 0.0), other, 7.0);
        assert_eq!(history.back(), Some(&shown(0.2, 1.0, 0.0)));
    }
}
