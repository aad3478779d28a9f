//! The commands that change a view.

use super::ViewControl;
use crate::model::{Fold, Layout, ModuleTree, Recording, Selection, Theme, UnitOrder};
use crate::ui::commands::ViewCommand;
use crate::ui::scene::navigation::CameraTarget;

impl ViewControl {
    /// Carries out a command at time `now`, in seconds; returns `true` if it moves the camera.
    pub fn perform(
        &mut self,
        command: &ViewCommand,
        recording: &Recording,
        layout: &Layout,
        now: f64,
    ) -> bool {
        let Self { view, navigator, playback, epochs, .. } = self;
        match *command {
            ViewCommand::SetView(set_view) => {
                self.go(CameraTarget::View(set_view), layout, now);
                return true;
            }
            ViewCommand::FrameLayer(layer) => {
                self.go(CameraTarget::Slab(layer), layout, now);
                return true;
            }
            ViewCommand::Play => playback.toggle(epochs, &mut view.epoch),
            ViewCommand::StepBack => playback.step(-1, epochs, view.epoch, now),
            ViewCommand::StepForward => playback.step(1, epochs, view.epoch, now),
            ViewCommand::First => playback.glide_to(0.0, epochs, view.epoch, now),
            ViewCommand::Last => playback.glide_to(epochs.last(), epochs, view.epoch, now),
            ViewCommand::Best => {
                if let Some(best) = epochs.best() {
                    playback.glide_to(best, epochs, view.epoch, now);
                }
            }
            ViewCommand::Follow => playback.follow(),
            ViewCommand::Loop => playback.looping = !playback.looping,
            ViewCommand::Speed(speed) => playback.speed = speed,
            ViewCommand::Epoch(number) => {
                let ordinal = epochs.ordinal_of_number(number as f64);
                playback.glide_to(ordinal, epochs, view.epoch, now);
            }
            ViewCommand::HideLayer(layer) => {
                if let Some(layer) = recording.layers.get(layer) {
                    view.toggle_layer(&layer.name);
                }
            }
            ViewCommand::SoloLayer(layer) => {
                if let Some(layer) = recording.layers.get(layer) {
                    view.solo_layer(&layer.name, recording);
                }
            }
            ViewCommand::ShowLayers => view.hidden.clear(),
            ViewCommand::Unfold(group) | ViewCommand::Fold(group) => {
                let tree = ModuleTree::new(recording);
                let Some(group) = tree.groups.get(group) else { return false };
                let folded = matches!(command, ViewCommand::Fold(_));
                self.set_folded(&group.path, &group.layers, folded, layout, now);
                return true;
            }
            ViewCommand::FoldBy(levels) => {
                view.fold = ModuleTree::new(recording).folded_by(&view.fold, levels);
            }
            ViewCommand::FoldAutomatically => view.fold = Fold::default(),
            ViewCommand::ShowAll => view.query.select = Selection::default(),
            ViewCommand::ShowClass(class) => view.query.select = Selection::class(recording, class),
            ViewCommand::MinusClass(class) => view.query.minus = Some(Selection::class(recording, class)),
            ViewCommand::MinusNone => (view.query.minus, view.query.run_b) = (None, None),
            ViewCommand::Stat(stat) => view.query.stat = stat,
            ViewCommand::Norm(norm) => view.query.norm = norm,
            ViewCommand::Map(map) => view.colour_map = map,
            ViewCommand::OverEpochs => view.over_epochs = !view.over_epochs,
            ViewCommand::Order(by) => {
                let epoch = self.nearest_epoch();
                self.view.order = by.map(|by| UnitOrder { by, epoch });
            }
            ViewCommand::Theme => {
                view.theme = if view.theme == Theme::Dark { Theme::Light } else { Theme::Dark };
            }
            ViewCommand::Labels => view.labels = !view.labels,
            ViewCommand::Haze => view.haze = !view.haze,
            ViewCommand::Edges => view.edges = !view.edges,
            ViewCommand::LessMotion => navigator.reduced_motion = !navigator.reduced_motion,
            ViewCommand::ClearPins => view.pins.clear(),
        }
        false
    }
}
