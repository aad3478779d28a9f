//! The name of a pinned unit: as it is typed, and as it is shown.

use crate::model::{Pin, Recording, UnitIndex, UnknownLayer};
use crate::ui::text;

/// A text that is not the name of a unit.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PinError {
    /// The text has not the form layer:unit.
    #[error("`{0}` names no unit: write layer:unit")]
    Syntax(String),
    /// The recording has no layer of this name.
    #[error(transparent)]
    UnknownLayer(#[from] UnknownLayer),
    /// The index `unit` is not below the number of units of the layer, `count`.
    #[error("{layer} has {}: there is no unit {unit}", units(*count))]
    OutOfRange { layer: String, unit: usize, count: usize },
}

/// Describes the indices of `count` units.
fn units(count: usize) -> String {
    match count {
        0 => "no units".to_owned(),
        1 => "the unit 0 alone".to_owned(),
        _ => format!("the units 0 to {}", count - 1),
    }
}

/// Parses the name of a unit: "conv2:17", or as on a chip, "conv2 · 17".
pub(super) fn parse_pin(recording: &Recording, text: &str) -> Result<Pin, PinError> {
    let syntax = || PinError::Syntax(text::truncate(text.trim(), 40));
    let (layer, unit) = text.rsplit_once([':', '·']).ok_or_else(syntax)?;
    let unit: usize = unit.trim().parse().map_err(|_| syntax())?;
    let name = layer.trim();
    let layer = recording.layers.iter().find(|layer| layer.name == name);
    let layer = layer.ok_or_else(|| recording.unknown_layer(name))?;
    if unit >= layer.units {
        return Err(PinError::OutOfRange { layer: text::truncate(name, 40), unit, count: layer.units });
    }
    Ok(Pin { layer: name.to_owned(), unit: UnitIndex(unit) })
}

/// Returns the text of a unit's chip: "conv2 · 17".
pub(super) fn pin_label(pin: &Pin) -> String {
    format!("{} · {}", text::truncate(&pin.layer, 24), pin.unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing;

    #[test]
    fn a_unit_is_named_by_layer_and_number() {
        let mut recording = testing::recording();
        recording.layers[0].name = "block:1".to_owned();
        let named = |text: &str| parse_pin(&recording, text);
        let expect = |layer: &str, unit| Ok(Pin { layer: layer.to_owned(), unit: UnitIndex(unit) });
        assert_eq!(named("conv2:17"), expect("conv2", 17));
        assert_eq!(named("  fc : 2 "), expect("fc", 2));
        assert_eq!(named("conv2 · 63"), expect("conv2", 63), "as it stands on a chip");
        assert_eq!(named("block:1:3"), expect("block:1", 3));
        assert_eq!(named("conv2"), Err(PinError::Syntax("conv2".to_owned())));
        assert_eq!(named("conv2:-1"), Err(PinError::Syntax("conv2:-1".to_owned())));
        assert_eq!(named("conv9:1"), Err(PinError::UnknownLayer(recording.unknown_layer("conv9"))));
        let error = named("conv2:64").expect_err("64 units");
        assert_eq!(error, PinError::OutOfRange { layer: "conv2".to_owned(), unit: 64, count: 64 });
        assert_eq!(error.to_string(), "conv2 has the units 0 to 63: there is no unit 64");
    }
}
