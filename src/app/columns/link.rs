//! Keeps appearance, epochs, cameras and value ranges of linked columns equal.

use super::Columns;
use crate::app::session::Session;
use crate::model::columns;

impl Columns {
    /// Copies the appearance and, if locked, the epoch of the active column to the others.
    pub fn link_views(&mut self) {
        let locks = self.locks;
        self.update_followers(self.active, |leader, other| {
            other.link_appearance(leader, locks);
            if locks.epochs {
                other.link_epoch(leader);
            }
        });
    }

    /// Copies the camera that was moved last, if cameras are locked, to the other columns.
    pub(super) fn link_cameras(&mut self, ui: &egui::Ui) {
        let leader = self.list.iter().position(|column| column.id == self.leader && column.session.is_some());
        let now = ui.input(|input| input.time);
        if self.locks.cameras {
            self.update_followers(leader.unwrap_or(self.active), |leader, other| {
                other.link_camera(leader, now)
            });
        }
    }

    /// Calls `follow` with the session of the column at index `leader` and each of the others.
    fn update_followers(&mut self, leader: usize, mut follow: impl FnMut(&Session, &mut Session)) {
        let Some(session) = self.list.get_mut(leader).and_then(|column| column.session.take()) else {
            return;
        };
        for other in self.sessions_mut() {
            follow(&session, other);
        }
        self.list[leader].session = Some(session);
    }

    /// Sets the value ranges of the colour maps: if locked, common ones for all columns with values of one
    /// kind.
    pub(super) fn link_ranges(&mut self) {
        let scale = |session: &'_ Session| session.scene.is_shown();
        let scales: Vec<_> = self
            .sessions()
            .filter_map(|session| session.scene.colour_scale(&session.values, session.view()))
            .collect();
        let extremes: Vec<_> = if self.locks.scale {
            let is_shared = |scale: &columns::ColourScale| {
                scales.iter().filter(|other| scale.has_range_of(other)).count() > 1
            };
            columns::common_extremes(&scales).into_iter().zip(scales.iter().map(is_shared)).collect()
        } else {
            scales.iter().map(|scale| (scale.extremes.clone(), false)).collect()
        };
        drop(scales);
        for (session, (extremes, is_shared)) in self.sessions_mut().filter(|it| scale(it)).zip(extremes) {
            let Session { scene, control, .. } = session;
            scene.set_extremes(&control.view, &extremes, is_shared);
        }
    }
}
