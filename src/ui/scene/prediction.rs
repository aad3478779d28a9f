//! The class that the network predicts for the selected input, from the shown values of its output layer.

use super::description::SceneDescription;
use crate::model::pick::CellState;
use crate::model::{LayerIndex, SceneValues, Slab, Stat, UnitIndex};

/// The predicted class of one input. Classes are indices into [`crate::model::Recording::classes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// The class with the greatest output.
    pub class: usize,
    /// The class of the input; `None` for an unlabelled input.
    pub true_class: Option<usize>,
}

impl Prediction {
    /// Returns `true` if the prediction is the class of the input; `None` for an unlabelled input.
    pub fn is_right(self) -> Option<bool> {
        self.true_class.map(|class| class == self.class)
    }
}

impl SceneDescription<'_> {
    /// Returns the prediction for the selected input. `None` unless the activations of a single input are shown, the
    /// output layer has one unit per class, and the greatest output is that of one class alone.
    pub(super) fn prediction(&self) -> Option<Prediction> {
        let query = &self.view.query;
        let input = query.select.single_input().filter(|_| query.minus.is_none())?;
        let is_activation = matches!(query.stat, Stat::Mean | Stat::Min | Stat::Max);
        if !is_activation || !self.recording.has_class_outputs() {
            return None;
        }
        let layer = self.recording.layers.len().checked_sub(1)?;
        let (slab, values) = (self.layout.slabs.iter().find(|slab| slab.layer == layer)?, self.values?);
        let mut greatest: Option<(usize, f32)> = None;
        let mut is_tied = false;
        for unit in 0..self.recording.layers[layer].units {
            let Some(output) = unit_output(&values, slab, UnitIndex(unit)) else { continue };
            match greatest {
                Some((_, value)) if output < value => {}
                Some((_, value)) if output == value => is_tied = true,
                _ => (greatest, is_tied) = (Some((unit, output)), false),
            }
        }
        let (unit, _) = greatest.filter(|_| !is_tied)?;
        let class = self.recording.classes.iter().position(|class| usize::try_from(class.id) == Ok(unit))?;
        Some(Prediction { class, true_class: self.recording.inputs.get(input)?.class })
    }
}

/// Returns the index of the cell of a unit on its slab; `None` where a unit is not exactly one cell.
pub(super) fn unit_cell(values: &SceneValues, slab: &Slab, unit: UnitIndex) -> Option<usize> {
    let cells = values.arrangements.get(slab.layer)?.unit_cells(slab.grid, unit)?;
    let is_one = cells.columns == 1 && cells.rows == 1;
    is_one.then_some(cells.row as usize * slab.grid.columns as usize + cells.column as usize)
}

/// Returns the normalised value of a unit; `None` where it has none or is not exactly one cell.
pub(super) fn unit_output(values: &SceneValues, slab: &Slab, unit: UnitIndex) -> Option<f32> {
    let layer = LayerIndex(slab.layer);
    match values.cell(layer, unit_cell(values, slab, unit)?) {
        CellState::Value(value) => Some(value / values.divisor(layer)),
        CellState::NoValue | CellState::Absent => None,
    }
}
