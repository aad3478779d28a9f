//! The scale of the values in the scene, for marks and texts that are painted over it: colours and digits.

use egui::Color32;

use super::description::SceneDescription;
use crate::model::colour::{TABLE_SIZE, linear_rgb};
use crate::model::{LayerIndex, ValueRange};
use crate::ui::text;

/// The colour map of a scene with the value range of each layer.
pub(super) struct ValueScale<'a> {
    table: [[u8; 3]; TABLE_SIZE],
    ranges: &'a [ValueRange],
    diverges: bool,
}

impl<'a> ValueScale<'a> {
    /// Returns the scale of a scene.
    pub(super) fn of(scene: &SceneDescription<'a>) -> Self {
        let (view, diverges) = (scene.view, scene.view.is_diverging());
        let table = view.colours().dimmed_table(view.theme, view.dim_below, diverges);
        Self { table, ranges: scene.ranges, diverges }
    }

    /// Returns the colour of a normalised value, 8-bit sRGB: that of the front of its cell.
    pub(super) fn colour(&self, layer: LayerIndex, value: f32) -> [u8; 3] {
        let range = self.range(layer);
        let (low, width) =
            if self.diverges { (0.0, range.reach()) } else { (range.low, range.high - range.low) };
        let share = (value - low) * if width.is_normal() { 1.0 / width } else { 1.0 };
        let position = if self.diverges { 0.5 + 0.5 * share } else { share };
        self.table[(position.clamp(0.0, 1.0) * (TABLE_SIZE - 1) as f32).round() as usize]
    }

    /// Returns the smallest range with the value range of a layer and 0 in it, around 0 if the colour map diverges.
    pub(super) fn range_with_zero(&self, layer: LayerIndex) -> ValueRange {
        let range = self.range(layer);
        if self.diverges {
            ValueRange::symmetric(range.reach())
        } else {
            range.union(ValueRange::new(0.0, 0.0))
        }
    }

    /// Formats a normalised value with the digits that suit the value range of its layer, but with at least one other
    /// than 0.
    pub(super) fn format(&self, layer: LayerIndex, value: f32) -> String {
        let range = self.range(layer);
        // Of a span of 100, three digits end with the ones.
        text::format_value(value, (range.high - range.low).min(100.0 * value.abs()))
    }

    /// Returns the value range of a layer.
    fn range(&self, layer: LayerIndex) -> ValueRange {
        self.ranges.get(layer.0).copied().unwrap_or(ValueRange::UNIT)
    }
}

/// Returns black or white, whichever has the greater contrast to a colour by the formula of WCAG 2.2 (relative
/// luminance).
pub(super) fn contrasting(background: [u8; 3]) -> Color32 {
    let [r, g, b] = linear_rgb(background);
    let luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    let (to_white, to_black) = (1.05 / (luminance + 0.05), (luminance + 0.05) / 0.05);
    if to_white > to_black { Color32::WHITE } else { Color32::BLACK }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ColourMap, Layout, Query, Selection, Theme};
    use crate::ui::testing;

    #[test]
    fn text_on_every_colour_of_every_map_is_legible() {
        for theme in [Theme::Dark, Theme::Light] {
            for map in ColourMap::ALL {
                for colour in map.table(theme) {
                    let luminance = |rgb: [u8; 3]| {
                        let [r, g, b] = linear_rgb(rgb);
                        0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05
                    };
                    let text = contrasting(colour);
                    let (a, b) = (luminance(colour), luminance([text.r(), text.g(), text.b()]));
                    // The least ratio of WCAG 2.2 for text of normal size.
                    assert!(a.max(b) / a.min(b) >= 4.5, "{text:?} on {colour:?} of {}", map.name());
                }
            }
        }
    }

    #[test]
    fn values_have_the_digits_of_their_range_and_one_of_their_own() {
        let recording = testing::recording();
        let (layout, view) = (Layout::new(&recording, 1.6), testing::view(&recording));
        let ranges = [ValueRange::new(-4.0, 10.0); 3];
        let scene = SceneDescription { ranges: &ranges, ..testing::description(&recording, &view, &layout) };
        let scale = ValueScale::of(&scene);
        for (value, expected) in [
            (10.0, "10"),
            (7.26, "7.3"),
            (-0.44, "\u{2212}0.4"),
            (0.0207, "0.02"),
            (-0.0004, "\u{2212}0.0004"),
            (0.0, "0"),
        ] {
            assert_eq!(scale.format(LayerIndex(2), value), expected, "{value}");
        }
    }

    #[test]
    fn values_have_the_colours_of_their_places_in_the_range() {
        let recording = testing::recording();
        let layout = Layout::new(&recording, 1.6);
        let mut view = testing::view(&recording);
        let ranges = [ValueRange::new(2.0, 4.0); 3];
        let layer = LayerIndex(1);
        let plain = SceneDescription { ranges: &ranges, ..testing::description(&recording, &view, &layout) };
        let (scale, table) = (ValueScale::of(&plain), ColourMap::Viridis.table(Theme::Dark));
        for (value, entry) in [(2.0, 0), (3.0, 128), (4.0, 255), (-1.0, 0), (9.0, 255)] {
            assert_eq!(scale.colour(layer, value), table[entry], "{value}");
        }
        view.query = Query { minus: Some(Selection::default()), ..Query::default() };
        let ranges = [ValueRange::symmetric(2.0); 3];
        let signed = SceneDescription { ranges: &ranges, ..testing::description(&recording, &view, &layout) };
        let (scale, table) = (ValueScale::of(&signed), ColourMap::Diverging.table(Theme::Dark));
        for (value, entry) in [(-2.0, 0), (0.0, 128), (1.0, 191), (2.0, 255)] {
            assert_eq!(scale.colour(layer, value), table[entry], "{value}");
        }
    }
}
