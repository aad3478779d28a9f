//! The colour map as a table: a column per position in the range, a row per spread. Row 0 is the
//! map itself; further rows are its mean over values spread around the position, so that a distant
//! slab has the colour that its cells would mix to, not the colour of their mean.

use std::sync::OnceLock;

use rayon::prelude::*;

use crate::model::colour::TABLE_SIZE;
use crate::model::{ColourMap, Theme, ViewState};

/// Rows of the table.
pub const ROWS: usize = 64;
/// Standard deviation of the last row, as a share of the range; none in [0, 1] is larger.
pub const MAX_DEVIATION: f32 = 0.5;
/// Points at which a spread of values is summed up.
const POINTS: usize = 96;

/// Everything that a palette depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    pub map: ColourMap,
    pub theme: Theme,
    /// As in [`crate::model::ViewState::dim_below`].
    pub dim_below: f32,
    /// The middle of the map is zero.
    pub diverges: bool,
}

impl Look {
    /// The colours of `view`.
    pub fn of(view: &ViewState) -> Self {
        let diverges = view.is_diverging();
        Self { map: view.colours(), theme: view.theme, dim_below: view.dim_below, diverges }
    }
}

/// Colours of the palette, 8-bit sRGB, row after row. Means are taken over light, see [`light`].
pub fn colours(look: Look) -> Vec<[u8; 4]> {
    let Look { map, theme, dim_below, diverges } = look;
    let table = map.dimmed_table(theme.slab(), dim_below, diverges).map(light);
    let encoded = |rgb: [f32; 3]| {
        let [r, g, b] = rgb.map(|c| (c.max(0.0).sqrt() * 255.0).round() as u8);
        [r, g, b, u8::MAX]
    };
    let mixtures = mixtures();
    let spread = spread_of(&table);
    // On this thread alone: the others may be busy with reductions, and a frame waits for this.
    (0..TABLE_SIZE * ROWS)
        .map(|texel| {
            encoded(if texel < TABLE_SIZE { table[texel] } else { mixtures[texel].colour(&spread, &table) })
        })
        .collect()
}

/// A table at [`places`].
fn spread_of(table: &[[f32; 3]; TABLE_SIZE]) -> [[f32; 3]; POINTS] {
    places().map(|(x, _)| table[(x * (TABLE_SIZE - 1) as f64).round() as usize])
}

/// Works out what every palette needs, once, so that no frame has to wait for it.
pub(super) fn prepare() {
    mixtures();
}

/// How each texel is mixed: the same for every table.
fn mixtures() -> &'static [Mixture] {
    static MIXTURES: OnceLock<Vec<Mixture>> = OnceLock::new();
    MIXTURES.get_or_init(|| {
        let of = |texel: usize| {
            let (row, column) = (texel / TABLE_SIZE, texel % TABLE_SIZE);
            let deviation = MAX_DEVIATION * row as f32 / (ROWS - 1) as f32;
            Mixture::new(column as f32 / (TABLE_SIZE - 1) as f32, deviation)
        };
        (0..TABLE_SIZE * ROWS).into_par_iter().map(of).collect()
    })
}

/// Light of an 8-bit sRGB colour, as the shaders take it: the square of the encoded value.
pub fn light(encoded: [u8; 3]) -> [f32; 3] {
    encoded.map(|c| (f32::from(c) / 255.0).powi(2))
}

/// Weights of a table's colours that mix to the mean light of values with a beta distribution of the given
/// moments: the natural family on [0, 1], from a narrow peak over uniform to all values at the ends.
enum Mixture {
    /// Of the colours at [`places`], shares of one.
    Points(Box<[f32; POINTS]>),
    /// Of the last one by the first.
    Ends(f32),
}

/// The columns of the table at which a spread of values is summed up: x = u²(3 − 2u), which is flat at
/// both ends and tames the poles that the density has there for alpha or beta below 1.
fn places() -> [(f64, f64); POINTS] {
    std::array::from_fn(|point| {
        let u = (point as f64 + 0.5) / POINTS as f64;
        (u * u * (3.0 - 2.0 * u), 6.0 * u * (1.0 - u))
    })
}

impl Mixture {
    fn new(mean: f32, deviation: f32) -> Self {
        let mean = mean.clamp(1e-3, 1.0 - 1e-3);
        let variance = (deviation * deviation).min(mean * (1.0 - mean) * 0.995);
        let concentration = mean * (1.0 - mean) / variance - 1.0;
        let (alpha, beta) = (f64::from(mean * concentration), f64::from((1.0 - mean) * concentration));
        let peak = peak(alpha, beta);
        let weights = places().map(|(x, slope)| {
            let log_density = (alpha - 1.0) * x.ln() + (beta - 1.0) * (1.0 - x).ln() + slope.ln();
            (log_density - peak).exp()
        });
        let total: f64 = weights.iter().sum();
        let moment: f64 = weights.iter().zip(places()).map(|(weight, (x, _))| weight * x).sum();
        if total <= 0.0 || (moment / total - f64::from(mean)).abs() > 0.05 {
            // Nearly all of it lies at the ends: two points with the given mean.
            return Self::Ends(mean);
        }
        Self::Points(Box::new(weights.map(|weight| (weight / total) as f32)))
    }

    /// `spread` is the table at [`places`].
    fn colour(&self, spread: &[[f32; 3]; POINTS], table: &[[f32; 3]; TABLE_SIZE]) -> [f32; 3] {
        match self {
            Self::Ends(mean) => {
                let (low, high) = (table[0], table[TABLE_SIZE - 1]);
                std::array::from_fn(|c| low[c] + (high[c] - low[c]) * mean)
            }
            Self::Points(weights) => {
                let mut sum = [0.0f32; 3];
                for (weight, colour) in weights.iter().zip(spread) {
                    (0..3).for_each(|channel| sum[channel] += weight * colour[channel]);
                }
                sum
            }
        }
    }
}

/// Logarithm that keeps the exponentials of [`Mixture::new`] in range: the density at its mode.
fn peak(alpha: f64, beta: f64) -> f64 {
    if alpha <= 1.0 || beta <= 1.0 {
        return 0.0;
    }
    let mode = (alpha - 1.0) / (alpha + beta - 2.0);
    (alpha - 1.0) * mode.ln() + (beta - 1.0) * (1.0 - mode).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_spread_the_palette_is_the_map() {
        for map in ColourMap::ALL {
            let table = map.table(Theme::Dark.slab());
            let colours = colours(Look { map, theme: Theme::Dark, dim_below: 0.0, diverges: false });
            for (colour, rgb) in colours.iter().zip(table) {
                assert_eq!(colour[..3], rgb);
            }
        }
    }

    #[test]
    fn spread_rows_are_the_mean_over_values() {
        // Uniform values have mean 1/2 and deviation 1/√12: the row there is the map's mean.
        let table = ColourMap::Viridis.table([0; 3]).map(light);
        let mixed = Mixture::new(0.5, 1.0 / 12.0f32.sqrt()).colour(&spread_of(&table), &table);
        for channel in 0..3 {
            let mean = table.iter().map(|rgb| rgb[channel]).sum::<f32>() / TABLE_SIZE as f32;
            assert!((mixed[channel] - mean).abs() < 3e-3, "{mixed:?}");
        }
    }

    #[test]
    fn the_widest_spread_mixes_the_two_ends() {
        let table = ColourMap::Magma.table([0; 3]).map(light);
        let mixed = Mixture::new(0.25, 0.433).colour(&spread_of(&table), &table);
        for channel in 0..3 {
            let expected = 0.75 * table[0][channel] + 0.25 * table[255][channel];
            assert!((mixed[channel] - expected).abs() < 0.02, "{mixed:?}");
        }
    }
}
