//! Colour maps: one table each, for the shaders, the legend and every panel.

use serde::{Deserialize, Serialize};

use super::theme::Theme;

/// Number of entries of a colour table.
pub const TABLE_SIZE: usize = 256;
/// Fraction of the slab's colour in a dimmed colour.
const DIMMED: f32 = 0.8;

/// Perceptually uniform colour maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColourMap {
    /// Dark violet – green – yellow.
    #[default]
    Viridis,
    /// Blue – grey – yellow, for colour-blind readers.
    Cividis,
    /// Black – purple – light yellow.
    Magma,
    /// Blue – grey – orange, for signed values; the middle is the slab's own grey.
    Diverging,
    /// White to black, darker is stronger: the map of DNNViz.
    Paper,
}

impl ColourMap {
    /// All colour maps.
    pub const ALL: [Self; 5] = [Self::Viridis, Self::Cividis, Self::Magma, Self::Diverging, Self::Paper];

    /// The name on the command line and in stored views.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viridis => "viridis",
            Self::Cividis => "cividis",
            Self::Magma => "magma",
            Self::Diverging => "diverging",
            Self::Paper => "paper",
        }
    }

    /// Returns `true` if the middle of the map stands for zero.
    pub fn is_diverging(self) -> bool {
        matches!(self, Self::Diverging)
    }

    /// [`Self::table`] with the entries weaker than `dim_below` mixed with the slab's colour. `dim_below`
    /// is a fraction of the map, in [0, 1], counted from its low end or, where it `diverges`, from its
    /// middle. Colours are mixed as light, which is the square of the encoded value as in the shaders.
    pub fn dimmed_table(self, theme: Theme, dim_below: f32, diverges: bool) -> [[u8; 3]; TABLE_SIZE] {
        let (mut table, slab) = (self.table(theme), theme.slab());
        for (index, colour) in table.iter_mut().enumerate() {
            let position = index as f32 / (TABLE_SIZE - 1) as f32;
            let strength = if diverges { (2.0 * position - 1.0).abs() } else { position };
            if strength < dim_below {
                *colour = std::array::from_fn(|channel| {
                    let light = |encoded: u8| f32::from(encoded).powi(2);
                    let (own, slab) = (light(colour[channel]), light(slab[channel]));
                    (own + (slab - own) * DIMMED).sqrt().round() as u8
                });
            }
        }
        table
    }

    /// The table from the low end to the high end, 8-bit sRGB. The middle of a diverging map is the colour of
    /// the slab. On a light ground, low values are light: sequential maps are reversed, so that zero is not
    /// the heaviest ink.
    pub fn table(self, theme: Theme) -> [[u8; 3]; TABLE_SIZE] {
        let gradient = |gradient: colorous::Gradient| {
            std::array::from_fn(|i| {
                let i = if theme == Theme::Light { TABLE_SIZE - 1 - i } else { i };
                gradient.eval_continuous(i as f64 / (TABLE_SIZE - 1) as f64).as_array()
            })
        };
        match self {
            Self::Viridis => gradient(colorous::VIRIDIS),
            Self::Cividis => gradient(colorous::CIVIDIS),
            Self::Magma => gradient(colorous::MAGMA),
            Self::Diverging => std::array::from_fn(|i| {
                let x = 2.0 * i as f32 / (TABLE_SIZE - 1) as f32 - 1.0;
                let end = if x < 0.0 { [0x4a, 0x7d, 0xff] } else { [0xff, 0x9a, 0x2e] };
                mix_oklab(theme.slab(), end, x.abs())
            }),
            Self::Paper => std::array::from_fn(|i| {
                mix_oklab([0xff, 0xff, 0xff], [0x0a, 0x0a, 0x0c], i as f32 / (TABLE_SIZE - 1) as f32)
            }),
        }
    }
}

/// sRGB-encoded component in [0, 1] → linear light (IEC 61966-2-1).
pub fn to_linear(encoded: f32) -> f32 {
    if encoded <= 0.04045 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
}

/// Linear light in [0, 1] → sRGB-encoded component (IEC 61966-2-1).
pub fn to_encoded(linear: f32) -> f32 {
    if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

/// 8-bit sRGB → linear light.
pub fn linear_rgb(encoded: [u8; 3]) -> [f32; 3] {
    encoded.map(|c| to_linear(f32::from(c) / 255.0))
}

/// Interpolates between two 8-bit sRGB colours in Oklab (Björn Ottosson, 2020), a perceptually uniform
/// colour space.
fn mix_oklab(from: [u8; 3], to: [u8; 3], t: f32) -> [u8; 3] {
    let (a, b) = (oklab_from_linear(linear_rgb(from)), oklab_from_linear(linear_rgb(to)));
    linear_from_oklab(std::array::from_fn(|i| a[i] + (b[i] - a[i]) * t))
        .map(|c| (to_encoded(c.clamp(0.0, 1.0)) * 255.0).round() as u8)
}

fn oklab_from_linear([r, g, b]: [f32; 3]) -> [f32; 3] {
    let l = (0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
    let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
    let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
    ]
}

fn linear_from_oklab([lightness, a, b]: [f32; 3]) -> [f32; 3] {
    let l = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
    let m = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
    let s = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
    [
        4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_93 * s,
        -1.268_438 * l + 2.609_757_4 * m - 0.341_319_4 * s,
        -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diverging_middle_is_the_given_grey_and_ends_differ() {
        let table = ColourMap::Diverging.table(Theme::Dark);
        let close = |a: [u8; 3], b: [u8; 3]| a.iter().zip(b).all(|(&a, b)| a.abs_diff(b) <= 2);
        assert!(close(table[127], Theme::Dark.slab()) && close(table[128], Theme::Dark.slab()));
        assert!(table[0][2] > 200 && table[255][0] > 200, "blue below, orange above");
    }

    #[test]
    fn weak_colours_are_dimmed_and_the_others_unchanged() {
        let (theme, slab) = (Theme::Dark, Theme::Dark.slab());
        for (map, diverges) in [(ColourMap::Viridis, false), (ColourMap::Diverging, true)] {
            let (table, dimmed) = (map.table(theme), map.dimmed_table(theme, 0.5, diverges));
            let distance =
                |rgb: [u8; 3]| rgb.iter().zip(slab).map(|(a, b)| u32::from(a.abs_diff(b))).sum::<u32>();
            for index in 0..TABLE_SIZE {
                let position = index as f32 / 255.0;
                let weak = if diverges { position > 0.25 && position < 0.75 } else { position < 0.5 };
                if weak {
                    assert!(distance(dimmed[index]) <= distance(table[index]), "{index}");
                } else {
                    assert_eq!(dimmed[index], table[index]);
                }
            }
            assert_ne!(dimmed, table);
            assert_eq!(map.dimmed_table(theme, 0.0, diverges), table);
        }
    }

    #[test]
    fn sequential_maps_rise_in_lightness_without_a_step_back() {
        for map in [ColourMap::Viridis, ColourMap::Cividis, ColourMap::Magma] {
            let mut reversed = map.table(Theme::Light);
            reversed.reverse();
            assert_eq!(reversed, map.table(Theme::Dark), "{}", map.name());
            let lightness: Vec<f32> =
                map.table(Theme::Dark).iter().map(|&rgb| oklab_from_linear(linear_rgb(rgb))[0]).collect();
            assert!(lightness.windows(2).all(|pair| pair[1] >= pair[0] - 2e-3), "{}", map.name());
            assert!(lightness[255] - lightness[0] > 0.5, "{}", map.name());
        }
    }
}
