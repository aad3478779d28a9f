//! Pyramids: the values of all cells, and above them the greatest value, mean and standard deviation of every block
//! of 2^k × 2^k cells, as half floats. Rays skip empty space by the greatest values; distant slabs are drawn as
//! means, without aliasing. Built here on the CPU, and in `device` on the GPU, where `place` writes the cells.

pub(super) mod device;
pub(super) mod place;

use half::f16;
use half::slice::HalfFloatSliceExt;
use rayon::prelude::*;

use super::atlas::Atlas;
use crate::model::LayerCells;

/// Stored in place of a value: the cell exists but has no value. Stored values lie in
/// [−16384, 16384].
pub const NO_VALUE: f32 = -32768.0;
/// Stored in place of a value: there is no cell.
pub const NO_CELL: f32 = -49152.0;
/// Number of steps to which a block's shares of cells without value and of absent cells are rounded.
pub const SHARE_STEPS: f32 = 31.0;

/// The texel of a block: greatest value, mean, standard deviation, shares.
///
/// The greatest value is the one furthest from 0 in a signed field, and a marker if no cell of the block has a
/// value. The shares are `no_value + 32 * absent`, each in steps of 1 / [`SHARE_STEPS`].
pub type Texel = [f16; 4];

/// The texels of one page, level by level and row by row; width and height halve with every level.
pub struct Page {
    /// From level 0: the values of the cells, then the greatest values of the blocks.
    pub greatest: Vec<Vec<f16>>,
    /// From level 1, blocks of 2 × 2 cells.
    pub blocks: Vec<Vec<Texel>>,
}

/// The properties of all values that building a pyramid depends on.
pub struct Extent {
    /// Per layer, the factor from stored values to real values, a power of two.
    pub scales: Vec<f32>,
    /// `true` if a cell has no value.
    pub has_no_value: bool,
}

impl Extent {
    /// Returns the extent of the values of all `layers`.
    pub fn of(layers: &[LayerCells]) -> Self {
        let scales = layers.par_iter().map(|layer| scale_of(largest(&layer.values))).collect();
        let has_no_value = layers.par_iter().any(|layer| {
            layer.values.par_iter().any(|value| !value.is_finite() && *value != LayerCells::NO_CELL)
        });
        Self { scales, has_no_value }
    }
}

/// A block in single precision.
#[derive(Clone, Copy)]
struct Block {
    greatest: f32,
    mean: f32,
    variance: f32,
    /// Shares of the cells with and without a value, in [0, 1]; the rest is absent.
    valued: f32,
    no_value: f32,
}

impl Block {
    const ABSENT: Self = Self { greatest: NO_CELL, mean: 0.0, variance: 0.0, valued: 0.0, no_value: 0.0 };

    /// The block of a single cell.
    fn of_cell(stored: f32) -> Self {
        if stored <= NO_CELL {
            Self::ABSENT
        } else if stored <= NO_VALUE {
            Self { greatest: NO_VALUE, no_value: 1.0, ..Self::ABSENT }
        } else {
            Self { greatest: stored, mean: stored, valued: 1.0, ..Self::ABSENT }
        }
    }

    /// The block of four blocks of equal size.
    fn merged(parts: [Self; 4], signed: bool) -> Self {
        // Markers lie below every value, so the plain maximum prefers values to them.
        let greater = |a: f32, b: f32| {
            let both_valued = a > NO_VALUE && b > NO_VALUE;
            if signed && both_valued { if b.abs() > a.abs() { b } else { a } } else { a.max(b) }
        };
        let mut sum = Self::ABSENT;
        for part in parts {
            sum.greatest = greater(sum.greatest, part.greatest);
            sum.mean += part.valued * part.mean;
            sum.valued += part.valued;
            sum.no_value += part.no_value;
        }
        if sum.valued > 0.0 {
            sum.mean /= sum.valued;
            // From distances to the mean, so that the variance of equal values is exactly 0.
            let spread = parts.map(|part| part.valued * (part.variance + (part.mean - sum.mean).powi(2)));
            sum.variance = spread.iter().sum::<f32>() / sum.valued;
        }
        Self { valued: sum.valued / 4.0, no_value: sum.no_value / 4.0, ..sum }
    }

    fn texel(&self) -> Texel {
        // A share that is not zero is never rounded to zero: a dead cell must not vanish.
        let no_value = (self.no_value * SHARE_STEPS).ceil();
        let absent = ((1.0 - self.valued - self.no_value).max(0.0) * SHARE_STEPS).round();
        [
            f16::from_f32(self.greatest),
            f16::from_f32(self.mean),
            f16::from_f32(self.variance.sqrt()),
            f16::from_f32(no_value + 32.0 * absent),
        ]
    }
}

/// Builds the pages of `layers`, each in its slot of `atlas`, with values divided by the scale of their
/// layer in `extent`. Of `signed` values, the greatest of a block is the one furthest from 0.
pub fn build(atlas: &Atlas, layers: &[LayerCells], extent: &Extent, signed: bool) -> Vec<Page> {
    (0..atlas.pages).map(|page| build_page(atlas, page, layers, &extent.scales, signed)).collect()
}

fn build_page(atlas: &Atlas, page: u32, layers: &[LayerCells], scales: &[f32], signed: bool) -> Page {
    let size = atlas.page_size as usize;
    let mut cells = vec![f16::from_f32(NO_CELL); size * size];
    let on_page = atlas.slots.iter().zip(layers).zip(scales).filter(|((slot, _), _)| slot.page == page);
    for ((slot, layer), scale) in on_page {
        let factor = 1.0 / scale;
        let columns = layer.grid.columns as usize;
        let first = slot.y as usize * size + slot.x as usize;
        // Each row of texels belongs to one row of the grid.
        cells[first..].par_chunks_mut(size).zip(layer.values.par_chunks(columns)).for_each(
            |(texels, row)| {
                let stored: Vec<f32> = row
                    .iter()
                    .map(|&value| match value {
                        f32::NEG_INFINITY => NO_CELL,
                        value if value.is_finite() => value * factor,
                        _ => NO_VALUE,
                    })
                    .collect();
                texels[..row.len()].convert_from_f32_slice(&stored);
            },
        );
    }

    let mut blocks_by_level: Vec<Vec<Texel>> = Vec::new();
    let mut below: Vec<Block> = Vec::new();
    for level in 1..=atlas.levels {
        let edge = (size >> level).max(1);
        let blocks: Vec<Block> = (0..edge)
            .into_par_iter()
            .flat_map_iter(|y| {
                let (cells, below) = (&cells, &below);
                (0..edge).map(move |x| {
                    let part = |dx: usize, dy: usize| {
                        let at = (2 * y + dy) * (2 * edge) + 2 * x + dx;
                        if level == 1 { Block::of_cell(cells[at].to_f32()) } else { below[at] }
                    };
                    Block::merged([part(0, 0), part(1, 0), part(0, 1), part(1, 1)], signed)
                })
            })
            .collect();
        blocks_by_level.push(blocks.par_iter().map(Block::texel).collect());
        below = blocks;
    }
    let above = blocks_by_level.iter().map(|texels| texels.iter().map(|texel| texel[0]).collect());
    let greatest = std::iter::once(cells).chain(above).collect();
    Page { greatest, blocks: blocks_by_level }
}

/// Returns the greatest absolute value of the finite ones; 0 if there are none.
fn largest(values: &[f32]) -> f32 {
    values.par_iter().filter(|value| value.is_finite()).map(|value| value.abs()).reduce(|| 0.0, f32::max)
}

/// Returns the power of two that divides values up to `largest` to values up to 2^14: the largest exponents of
/// half floats, so that values are exact to 11 bits down to 2^-28 of the largest, and to fewer down to 2^-38. 1
/// for 0.
fn scale_of(largest: f32) -> f32 {
    if largest < f32::MIN_POSITIVE {
        1.0
    } else {
        (largest.log2().floor() - 13.0).clamp(-126.0, 114.0).exp2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Grid;

    fn layer(columns: u32, rows: u32, values: Vec<f32>) -> LayerCells {
        LayerCells { grid: Grid { columns, rows }, units: values.len(), values }
    }

    /// Greatest value, mean and deviation of a block by definition, in f64, and its number of values.
    fn oracle(layer: &LayerCells, x: usize, y: usize, size: usize) -> (f64, f64, f64, usize) {
        let columns = layer.grid.columns as usize;
        let mut values = Vec::new();
        for row in y * size..(y + 1) * size {
            for column in x * size..((x + 1) * size).min(columns) {
                if let Some(value) = layer.values.get(row * columns + column).filter(|v| v.is_finite()) {
                    values.push(f64::from(*value));
                }
            }
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        (values.iter().copied().fold(f64::MIN, f64::max), mean, variance.sqrt(), values.len())
    }

    #[test]
    fn every_block_has_its_greatest_mean_and_spread() {
        let mut values: Vec<f32> = (0..37 * 23 - 5).map(|i| ((i * 7919) % 1000) as f32 / 250.0).collect();
        values[40] = f32::NAN;
        values[41] = f32::INFINITY;
        let layer = layer(37, 23, values);
        let atlas = Atlas::new(&[layer.grid], 4096, 1).expect("fits");
        let extent = Extent::of(std::slice::from_ref(&layer));
        let pages = build(&atlas, std::slice::from_ref(&layer), &extent, false);
        assert!(extent.has_no_value);
        for level in 1..=atlas.levels {
            let edge = (atlas.page_size >> level) as usize;
            for (i, texel) in pages[0].blocks[level as usize - 1].iter().enumerate() {
                let (greatest, mean, deviation, count) = oracle(&layer, i % edge, i / edge, 1 << level);
                if count == 0 {
                    assert!(texel[0].to_f32() <= NO_VALUE);
                    continue;
                }
                let real = |k: usize| f64::from(texel[k].to_f32() * extent.scales[0]);
                assert!((real(0) - greatest).abs() < 2e-3, "{} {greatest}", real(0));
                assert!((real(1) - mean).abs() < 3e-3, "{} {mean}", real(1));
                assert!((real(2) - deviation).abs() < 5e-3, "{} {deviation}", real(2));
            }
        }
    }

    #[test]
    fn a_single_dead_cell_is_kept_to_the_top() {
        let mut values = vec![0.5; 64 * 64];
        values[2000] = f32::NAN;
        let layer = layer(64, 64, values);
        let atlas = Atlas::new(&[layer.grid], 4096, 1).expect("fits");
        let extent = Extent::of(std::slice::from_ref(&layer));
        let pages = build(&atlas, &[layer], &extent, false);
        let shares: f32 =
            pages[0].blocks.last().expect("levels").iter().map(|texel| texel[3].to_f32() % 32.0).sum();
        assert!(shares >= 1.0);
    }

    #[test]
    fn signed_values_are_bounded_by_the_one_furthest_from_zero() {
        let layer = layer(2, 2, vec![-3.0, 1.0, 0.5, 2.0]);
        let atlas = Atlas::new(&[layer.grid], 4096, 1).expect("fits");
        let extent = Extent::of(std::slice::from_ref(&layer));
        let pages = build(&atlas, &[layer], &extent, true);
        assert_eq!(pages[0].blocks[0][0][0].to_f32() * extent.scales[0], -3.0);
    }

    #[test]
    fn every_layer_has_its_own_scale_and_small_values_stay_beside_an_outlier() {
        let layers = [
            layer(2, 1, vec![3e-12, 1e-12]),
            layer(2, 2, vec![1.0, 1.004, 4.0, 1e9]),
            layer(1, 1, vec![3.4e38]),
        ];
        let grids: Vec<Grid> = layers.iter().map(|layer| layer.grid).collect();
        let atlas = Atlas::new(&grids, 4096, 1).expect("fits");
        let extent = Extent::of(&layers);
        let pages = build(&atlas, &layers, &extent, false);
        for ((slot, layer), scale) in atlas.slots.iter().zip(&layers).zip(&extent.scales) {
            for (cell, &value) in layer.values.iter().enumerate() {
                let columns = layer.grid.columns as usize;
                let (x, y) = (slot.x as usize + cell % columns, slot.y as usize + cell / columns);
                let back = pages[0].greatest[0][y * atlas.page_size as usize + x].to_f32() * scale;
                assert!((back / value - 1.0).abs() < 2e-3, "{value}: {back}");
            }
        }
    }

    #[test]
    fn scale_keeps_huge_and_tiny_values() {
        for factor in [1e-20f32, 1e-3, 1.0, 1e9, 1e30] {
            let layer = layer(2, 1, vec![factor, factor * 0.5]);
            let atlas = Atlas::new(&[layer.grid], 4096, 1).expect("fits");
            let extent = Extent::of(std::slice::from_ref(&layer));
            let pages = build(&atlas, &[layer], &extent, false);
            let back = pages[0].greatest[0][0].to_f32() * extent.scales[0];
            assert!((back / factor - 1.0).abs() < 1e-3, "{factor}: {back}");
        }
    }
}
