//! What ties the columns of a window together: looks, epochs, cameras, the ends of the colour maps.

use super::Columns;
use crate::app::session::Session;
use crate::model::columns;

impl Columns {
    /// Gives the other views what they share with the active one.
    pub(super) fn tie_views(&mut self) {
        let locks = self.locks;
        self.with(self.active, |lead, other| {
            other.share_look(lead, locks);
            if locks.epochs {
                other.tie_epoch(lead);
            }
        });
    }

    pub(super) fn tie_cameras(&mut self, ui: &egui::Ui) {
        let lead = self.list.iter().position(|column| column.id == self.leads && column.session.is_some());
        let now = ui.input(|input| input.time);
        if self.locks.cameras {
            self.with(lead.unwrap_or(self.active), |lead, other| other.tie_camera(lead, now));
        }
    }

    /// Lets the view at `lead` lead every other.
    fn with(&mut self, lead: usize, mut follow: impl FnMut(&Session, &mut Session)) {
        let Some(session) = self.list.get_mut(lead).and_then(|column| column.session.take()) else { return };
        for other in self.sessions_mut() {
            follow(&session, other);
        }
        self.list[lead].session = Some(session);
    }

    /// Sets what the ends of the colour maps stand for.
    pub(super) fn scale_together(&mut self) {
        let sessions = || self.list.iter().filter_map(|column| column.session.as_deref());
        let scales: Vec<_> = sessions().filter_map(Session::scale).collect();
        let own = |scale: &columns::ColourScale| (scale.extremes.clone(), false);
        let extremes: Vec<_> = if self.locks.scale {
            let shared = |scale: &columns::ColourScale| {
                scales.iter().filter(|other| scale.has_range_of(other)).count() > 1
            };
            columns::common_extremes(&scales).into_iter().zip(scales.iter().map(shared)).collect()
        } else {
            scales.iter().map(own).collect()
        };
        let with_scene = self.sessions_mut().filter(|session| session.scale().is_some());
        for (session, (extremes, shared)) in with_scene.zip(extremes) {
            session.set_scale(&extremes, shared);
        }
    }
}
