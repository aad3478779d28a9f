//! The panes of the dock.

use egui::{ScrollArea, Ui};
use serde::{Deserialize, Serialize};

use crate::ui::style::Palette;

/// Minimum width and height of a panel, in points.
pub(super) const LEAST: f32 = 96.0;
/// Height of the tab bars, in points.
pub(super) const TAB_BAR: f32 = 24.0;
/// Space around the content of a panel, in points.
pub(super) const MARGIN: f32 = 12.0;
/// Initial width of the side panels, in points.
pub(super) const SIDE: f32 = 288.0;

/// A tile of the dock: the scene or a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pane {
    /// The scenes of all columns.
    Scene,
    /// Columns and selections.
    Input,
    /// Statistic, colours, cells and scene.
    Options,
    /// Minimap and table of layers.
    Layers,
    /// Profiles of the pinned units.
    Unit,
    /// Facts of the selected layer and of the recording.
    About,
}

impl Pane {
    /// Every tile except the scene.
    pub const PANELS: [Self; 5] = [Self::Input, Self::Options, Self::Layers, Self::Unit, Self::About];

    /// Returns the title of the tab.
    pub fn title(self) -> &'static str {
        match self {
            Self::Scene => "Scene",
            Self::Input => "Input",
            Self::Options => "Options",
            Self::Layers => "Layers",
            Self::Unit => "Unit",
            Self::About => "About",
        }
    }

    /// Returns `true` if the panel scrolls as a whole; the others scroll their own content.
    fn scrolls(self) -> bool {
        matches!(self, Self::Input | Self::Options)
    }

    /// Lays out the content of the panel, which `add` adds.
    pub(super) fn show(self, ui: &mut Ui, palette: Palette, add: &mut dyn FnMut(&mut Ui, Self)) {
        self.add_start(ui, palette);
        if self.scrolls() {
            let area = ScrollArea::vertical().id_salt(self.title()).auto_shrink(false);
            area.show(ui, |ui| add(ui, self));
        } else {
            add(ui, self);
        }
    }
}
