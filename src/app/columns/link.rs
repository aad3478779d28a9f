//! Keeps equal what the columns of a window share: appearance, epochs, cameras, colour ranges.

use super::Columns;
use crate::app::session::Session;
use crate::model::columns;

impl Columns {
    /// Gives the other columns the appearance and, if locked, the epoch of the active one.
    pub fn link_views(&mut self) {
        let locks = self.locks;
        self.lead_others(self.active, |lead, other| {
            other.link_appearance(lead, locks);
            if locks.epochs {
                other.link_epoch(lead);
            }
        });
    }

    /// Gives the other columns, if locked, the camera of the one that was moved last.
    pub(super) fn link_cameras(&mut self, ui: &egui::Ui) {
        let lead = self.list.iter().position(|column| column.id == self.leader && column.session.is_some());
        let now = ui.input(|input| input.time);
        if self.locks.cameras {
            self.lead_others(lead.unwrap_or(self.active), |lead, other| other.link_camera(lead, now));
        }
    }

    /// Calls `follow` with the session of the column at `lead` and each of the others.
    fn lead_others(&mut self, lead: usize, mut follow: impl FnMut(&Session, &mut Session)) {
        let Some(session) = self.list.get_mut(lead).and_then(|column| column.session.take()) else { return };
        for other in self.sessions_mut() {
            follow(&session, other);
        }
        self.list[lead].session = Some(session);
    }

    /// Sets the ranges of the colour maps, common to all columns with values of one kind where locked.
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
