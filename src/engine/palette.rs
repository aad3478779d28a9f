//! The colour map as a table: a column per position in the range, a row per spread. Row 0 is the
//! map itself; further rows are its mean over values spread around the position, so that a distant
//! plate has the colour that its cells would mix to, not the colour of their mean.

use rayon::prelude::*;

use crate::model::colour::TABLE_SIZE;
use crate::model::{ColourMap, Theme};

/// Rows of the table.
pub const ROWS: usize = 64;
/// Standard deviation of the last row, as a share of the range; none in [0, 1] is larger.
pub const MAX_DEVIATION: f32 = 0.5;
/// Points at which a spread of values is summed up.
const POINTS: usize = 96;

/// Colours of the palette, 8-bit sRGB, row after row. Means are taken over light, see [`light`].
pub fn colours(map: ColourMap, theme: Theme) -> Vec<[u8; 4]> {
    let table: Vec<[f32; 3]> = map.table(theme.plate()).into_iter().map(light).collect();
    let encoded = |rgb: [f32; 3]| {
        let [r, g, b] = rgb.map(|c| (c.max(0.0).sqrt() * 255.0).round() as u8);
        [r, g, b, u8::MAX]
    };
    (0..TABLE_SIZE * ROWS)
        .into_par_iter()
        .map(|texel| {
            let (row, column) = (texel / TABLE_SIZE, texel % TABLE_SIZE);
            let deviation = MAX_DEVIATION * row as f32 / (ROWS - 1) as f32;
            let mean = column as f32 / (TABLE_SIZE - 1) as f32;
            encoded(if row == 0 { table[column] } else { mean_colour(&table, mean, deviation) })
        })
        .collect()
}

/// Light of an 8-bit sRGB colour, as the shaders take it: the square of the encoded value.
pub fn light(encoded: [u8; 3]) -> [f32; 3] {
    encoded.map(|c| (f32::from(c) / 255.0).powi(2))
}

/// Mean light of values with a beta distribution of the given moments: the natural family on
/// [0, 1], from a narrow peak over uniform to all values at the ends.
fn mean_colour(table: &[[f32; 3]], mean: f32, deviation: f32) -> [f32; 3] {
    let mean = mean.clamp(1e-3, 1.0 - 1e-3);
    let variance = (deviation * deviation).min(mean * (1.0 - mean) * 0.995);
    let concentration = mean * (1.0 - mean) / variance - 1.0;
    let (alpha, beta) = (mean * concentration, (1.0 - mean) * concentration);
    // Weights from differences of the density's integral over x = u²(3 − 2u), which is flat at both
    // ends and tames the poles that alpha or beta below 1 have there.
    let mut sum = [0.0f64; 3];
    let mut total = 0.0f64;
    let mut moment = 0.0f64;
    for point in 0..POINTS {
        let u = (point as f64 + 0.5) / POINTS as f64;
        let x = u * u * (3.0 - 2.0 * u);
        let slope = 6.0 * u * (1.0 - u);
        let log_density =
            f64::from(alpha - 1.0) * x.ln() + f64::from(beta - 1.0) * (1.0 - x).ln() + slope.ln();
        let weight = (log_density - peak(f64::from(alpha), f64::from(beta))).exp();
        let colour = table[(x * (TABLE_SIZE - 1) as f64).round() as usize];
        for channel in 0..3 {
            sum[channel] += weight * f64::from(colour[channel]);
        }
        total += weight;
        moment += weight * x;
    }
    if total <= 0.0 || (moment / total - f64::from(mean)).abs() > 0.05 {
        // Nearly all of it lies at the ends: two points with the given mean.
        let (low, high) = (table[0], table[TABLE_SIZE - 1]);
        return std::array::from_fn(|c| low[c] + (high[c] - low[c]) * mean);
    }
    sum.map(|channel| (channel / total) as f32)
}

/// Logarithm that keeps the exponentials of [`mean_colour`] in range: the density at its mode.
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
            let table = map.table(Theme::Dark.plate());
            let colours = colours(map, Theme::Dark);
            for (colour, rgb) in colours.iter().zip(table) {
                assert_eq!(colour[..3], rgb);
            }
        }
    }

    #[test]
    fn spread_rows_are_the_mean_over_values() {
        // Uniform values have mean 1/2 and deviation 1/√12: the row there is the map's mean.
        let table: Vec<[f32; 3]> = ColourMap::Viridis.table([0; 3]).into_iter().map(light).collect();
        let mixed = mean_colour(&table, 0.5, 1.0 / 12.0f32.sqrt());
        for channel in 0..3 {
            let mean = table.iter().map(|rgb| rgb[channel]).sum::<f32>() / TABLE_SIZE as f32;
            assert!((mixed[channel] - mean).abs() < 3e-3, "{mixed:?}");
        }
    }

    #[test]
    fn the_widest_spread_mixes_the_two_ends() {
        let table: Vec<[f32; 3]> = ColourMap::Magma.table([0; 3]).into_iter().map(light).collect();
        let mixed = mean_colour(&table, 0.25, 0.433);
        for channel in 0..3 {
            let expected = 0.75 * table[0][channel] + 0.25 * table[255][channel];
            assert!((mixed[channel] - expected).abs() < 0.02, "{mixed:?}");
        }
    }
}
