//! Colours of the lines of classes and units: distinguishable by colour-blind people, and different from the
//! colours of values.

use egui::Color32;

use crate::ui::style::Palette;

/// Number of distinguishable lines.
pub const MOST: usize = 12;

/// Seven of Okabe and Ito ("Color Universal Design", 2008), the eighth, black, being the line of all
/// inputs; then five lighter ones, which are dashed.
const ON_DARK: [[u8; 3]; MOST] = [
    [0xe6, 0x9f, 0x00],
    [0x56, 0xb4, 0xe9],
    [0x00, 0x9e, 0x73],
    [0xcc, 0x79, 0xa7],
    [0xd5, 0x5e, 0x00],
    [0xf0, 0xe4, 0x42],
    [0x00, 0x72, 0xb2],
    [0xf7, 0xce, 0x7a],
    [0xa6, 0xdc, 0xf7],
    [0x66, 0xc9, 0xab],
    [0xe8, 0xbf, 0xd6],
    [0xe8, 0x9c, 0x66],
];

/// The same for a light background, darker where the contrast would be too low.
const ON_LIGHT: [[u8; 3]; MOST] = [
    [0xc4, 0x82, 0x00],
    [0x3a, 0x97, 0xda],
    [0x00, 0x9e, 0x73],
    [0xb8, 0x60, 0x9a],
    [0xc2, 0x4a, 0x00],
    [0x52, 0x4b, 0x00],
    [0x00, 0x5a, 0x94],
    [0x8c, 0x5a, 0x00],
    [0x0f, 0x4a, 0x6b],
    [0x00, 0x78, 0x5a],
    [0x8f, 0x4a, 0x7d],
    [0x6b, 0x2a, 0x00],
];

/// Colour and dashing of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesStyle {
    /// The colour.
    pub colour: Color32,
    /// The line is dashed.
    pub dashed: bool,
}

/// Returns the style of a line by its number. Styles repeat after [`MOST`].
pub fn series_style(number: usize, palette: Palette) -> SeriesStyle {
    let number = number % MOST;
    let dark = palette.panel.r() < 128;
    let [r, g, b] = if dark { ON_DARK[number] } else { ON_LIGHT[number] };
    SeriesStyle { colour: Color32::from_rgb(r, g, b), dashed: number >= 7 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Theme;

    fn linear(colour: Color32) -> [f32; 3] {
        [colour.r(), colour.g(), colour.b()].map(|channel| {
            let value = f32::from(channel) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        })
    }

    /// Returns WCAG 2's contrast ratio.
    fn contrast(a: Color32, b: Color32) -> f32 {
        let luminance = |colour| {
            let [r, g, b] = linear(colour);
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    /// Simulates a colour without cones for long waves, and without those for middle ones (Viénot, Brettel
    /// and Mollon, "Digital video colourmaps for checking the legibility of displays by dichromats",
    /// 1999).
    fn without_cones(colour: Color32) -> [[f32; 3]; 2] {
        let [r, g, b] = linear(colour);
        let seen = |red: f32, blue: f32| {
            let mixed = red * r + (1.0 - red) * g;
            [mixed, mixed, blue * (r - g) + b].map(|value| value.max(0.0).sqrt())
        };
        [seen(0.112_38, 0.004_01), seen(0.292_75, -0.022_34)]
    }

    #[test]
    fn lines_are_visible_and_distinguishable() {
        for theme in [Theme::Dark, Theme::Light] {
            let palette = Palette::of(theme);
            let styles: Vec<SeriesStyle> = (0..MOST).map(|number| series_style(number, palette)).collect();
            for (number, one) in styles.iter().enumerate() {
                let ratio = contrast(one.colour, palette.panel);
                assert!(ratio >= 3.0, "{theme:?} {number}: {ratio}");
                for (other, two) in styles.iter().enumerate().skip(number + 1) {
                    let distance = |a: [f32; 3], b: [f32; 3]| {
                        a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
                    };
                    let (one_seen, two_seen) = (without_cones(one.colour), without_cones(two.colour));
                    let apart = one_seen.into_iter().zip(two_seen).map(|(a, b)| distance(a, b));
                    let apart = apart.fold(f32::INFINITY, f32::min);
                    assert!(
                        apart > 0.08 || one.dashed != two.dashed,
                        "{theme:?}: {number} and {other} are {apart} apart"
                    );
                }
            }
        }
    }
}
