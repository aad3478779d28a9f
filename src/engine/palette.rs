//! The palette: a colour map as a table with a column per position in the value range and a row per standard
//! deviation. Row 0 is the map itself; further rows are its mean over values distributed around the position,
//! so that a distant slab has the mean of its cells' colours, not the colour of their mean.

use std::sync::OnceLock;

use rayon::prelude::*;

use crate::model::colour::TABLE_SIZE;
use crate::model::{ColourMap, Theme, ViewState};

/// Number of rows: standard deviations from 0 to [`MAX_DEVIATION`].
pub const ROWS: usize = 64;
/// Standard deviation of the last row, as a share of the value range: the largest of values in [0, 1].
pub const MAX_DEVIATION: f32 = 0.5;
/// Number of quadrature nodes of the mean over a distribution of values.
const NODES: usize = 96;

/// The inputs of a palette.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PaletteOptions {
    /// The colour map.
    pub map: ColourMap,
    /// The theme, whose slab colour dimmed colours are mixed with.
    pub theme: Theme,
    /// Share of the value range below which values are dimmed, see [`ViewState::dim_below`].
    pub dim_below: f32,
    /// `true` if the middle of the map is the value 0.
    pub diverges: bool,
}

impl PaletteOptions {
    /// Returns the options of `view`.
    pub fn of(view: &ViewState) -> Self {
        let diverges = view.is_diverging();
        Self { map: view.colours(), theme: view.theme, dim_below: view.dim_below, diverges }
    }
}

/// Returns the colours of the palette as 8-bit sRGB with alpha, row by row, [`ROWS`] × [`TABLE_SIZE`]. Means are
/// taken over linear light, see [`light`].
pub fn colours(options: PaletteOptions) -> Vec<[u8; 4]> {
    let PaletteOptions { map, theme, dim_below, diverges } = options;
    let table = map.dimmed_table(theme, dim_below, diverges).map(light);
    let encoded = |rgb: [f32; 3]| {
        let [r, g, b] = rgb.map(|c| (c.max(0.0).sqrt() * 255.0).round() as u8);
        [r, g, b, u8::MAX]
    };
    let mixtures = mixtures();
    let sampled = sampled(&table);
    // On this thread alone: the others may be busy with reductions, and a frame waits for this.
    (0..TABLE_SIZE * ROWS)
        .map(|texel| {
            encoded(if texel < TABLE_SIZE { table[texel] } else { mixtures[texel].colour(&sampled, &table) })
        })
        .collect()
}

/// The colours of a table at the [`nodes`].
fn sampled(table: &[[f32; 3]; TABLE_SIZE]) -> [[f32; 3]; NODES] {
    nodes().map(|(x, _)| table[(x * (TABLE_SIZE - 1) as f64).round() as usize])
}

/// Computes the weights that all palettes share, so that no frame has to wait for them.
pub(super) fn prepare() {
    mixtures();
}

/// The mixture of each texel, the same for every colour map.
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

/// Returns the linear light of an 8-bit sRGB colour, in [0, 1], approximated as in the shaders by the square of
/// the encoded value.
pub fn light(encoded: [u8; 3]) -> [f32; 3] {
    encoded.map(|c| (f32::from(c) / 255.0).powi(2))
}

/// Weights of a table's colours in the mean light of beta-distributed values with given mean and deviation. The
/// beta distributions on [0, 1] range from a narrow peak over the uniform one to all values at the ends.
enum Mixture {
    /// Weights of the colours at the [`nodes`], which sum to 1.
    Nodes(Box<[f32; NODES]>),
    /// Weight of the last colour; the first has the rest.
    Ends(f32),
}

/// The quadrature nodes: positions x = u²(3 − 2u) in [0, 1] for evenly spaced u, and the slopes dx/du. The slope
/// vanishes at both ends, which cancels the poles of the density there for alpha or beta below 1.
fn nodes() -> [(f64, f64); NODES] {
    std::array::from_fn(|node| {
        let u = (node as f64 + 0.5) / NODES as f64;
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
        let weights = nodes().map(|(x, slope)| {
            let log_density = (alpha - 1.0) * x.ln() + (beta - 1.0) * (1.0 - x).ln() + slope.ln();
            (log_density - peak).exp()
        });
        let total: f64 = weights.iter().sum();
        let moment: f64 = weights.iter().zip(nodes()).map(|(weight, (x, _))| weight * x).sum();
        if total <= 0.0 || (moment / total - f64::from(mean)).abs() > 0.05 {
            // Nearly all values lie at the ends: a two-point distribution of the same mean.
            return Self::Ends(mean);
        }
        Self::Nodes(Box::new(weights.map(|weight| (weight / total) as f32)))
    }

    /// Returns the mean light. `sampled` is `table` at the [`nodes`].
    fn colour(&self, sampled: &[[f32; 3]; NODES], table: &[[f32; 3]; TABLE_SIZE]) -> [f32; 3] {
        match self {
            Self::Ends(mean) => {
                let (low, high) = (table[0], table[TABLE_SIZE - 1]);
                std::array::from_fn(|c| low[c] + (high[c] - low[c]) * mean)
            }
            Self::Nodes(weights) => {
                let mut sum = [0.0f32; 3];
                for (weight, colour) in weights.iter().zip(sampled) {
                    (0..3).for_each(|channel| sum[channel] += weight * colour[channel]);
                }
                sum
            }
        }
    }
}

/// Logarithm of the beta density at its mode, without its constant factor; 0 without a mode inside (0, 1). It
/// keeps the exponentials of [`Mixture::new`] in range.
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
            let table = map.table(Theme::Dark);
            let colours =
                colours(PaletteOptions { map, theme: Theme::Dark, dim_below: 0.0, diverges: false });
            for (colour, rgb) in colours.iter().zip(table) {
                assert_eq!(colour[..3], rgb);
            }
        }
    }

    #[test]
    fn spread_rows_are_the_mean_over_values() {
        // Uniform values have mean 1/2 and deviation 1/√12: the row there is the map's mean.
        let table = ColourMap::Viridis.table(Theme::Dark).map(light);
        let mixed = Mixture::new(0.5, 1.0 / 12.0f32.sqrt()).colour(&sampled(&table), &table);
        for channel in 0..3 {
            let mean = table.iter().map(|rgb| rgb[channel]).sum::<f32>() / TABLE_SIZE as f32;
            assert!((mixed[channel] - mean).abs() < 3e-3, "{mixed:?}");
        }
    }

    #[test]
    fn the_widest_spread_mixes_the_two_ends() {
        let table = ColourMap::Magma.table(Theme::Dark).map(light);
        let mixed = Mixture::new(0.25, 0.433).colour(&sampled(&table), &table);
        for channel in 0..3 {
            let expected = 0.75 * table[0][channel] + 0.25 * table[255][channel];
            assert!((mixed[channel] - expected).abs() < 0.02, "{mixed:?}");
        }
    }
}
