//! The values of one query at one epoch, on the GPU and on the CPU.

use std::sync::Arc;

use super::error::SceneError;
use crate::engine::{Field, Gpu};
use crate::model::{EpochIndex, LayerCells, Layout, Query, Recording, UnitPermutation};
use crate::stats::{self, Backend, Cells, Quantiles, Sides};

/// Bytes that the textures of an epoch take beside their texels, as drivers round and account for them.
const ALLOCATIONS: u64 = 128 << 10;

/// The values of one query at one epoch. Cloning shares them.
#[derive(Clone)]
pub struct LoadedEpoch {
    /// The values on the GPU.
    pub field: Arc<Field>,
    /// The values on the CPU, and the arrangement of units on the cells.
    pub cells: Arc<Cells>,
    /// Per layer, the quantiles of its values; `None` without a finite value.
    pub quantiles: Arc<[Option<Quantiles>]>,
}

impl LoadedEpoch {
    /// Reads, reduces and uploads the values of `query` at `epoch`, an index into the epochs of side A. The
    /// units of each layer are placed as `permutations` says, one per layer; see [`Cells::ordered`].
    ///
    /// # Errors
    /// When values cannot be read, reduced or uploaded.
    pub fn load(
        gpu: &Gpu,
        backend: &dyn Backend,
        sides: Sides,
        query: &Query,
        epoch: EpochIndex,
        permutations: &[Option<Arc<UnitPermutation>>],
    ) -> Result<Self, SceneError> {
        let cells = stats::cells(sides, query, epoch, backend)?.ordered(permutations);
        Self::upload(gpu, cells, query.is_signed())
    }

    /// Uploads `cells`, except for values that are on the device. Of `signed` values, with a meaningful zero, the
    /// greatest is the one furthest from 0.
    ///
    /// # Errors
    /// When they do not fit on the device.
    pub fn upload(gpu: &Gpu, mut cells: Cells, signed: bool) -> Result<Self, SceneError> {
        let field = Field::built_by(gpu.processor(), gpu, &cells, signed)?;
        // The field has the values; frees what the reduction left on the device.
        cells.copies.fill(None);
        let quantiles = Quantiles::of_all(&cells.layers).into();
        Ok(Self { field: Arc::new(field), cells: Arc::new(cells), quantiles })
    }

    /// Returns the quantiles of the layers at an epoch, without uploading the values.
    ///
    /// # Errors
    /// When values cannot be read or reduced.
    pub fn quantiles(
        backend: &dyn Backend,
        sides: Sides,
        query: &Query,
        epoch: EpochIndex,
    ) -> Result<Arc<[Option<Quantiles>]>, SceneError> {
        Ok(Quantiles::of_all(&stats::cells(sides, query, epoch, backend)?.layers).into())
    }

    /// Uploads the slabs of a network without any cell, for a recording that has no epoch yet.
    ///
    /// # Errors
    /// When they do not fit on the device.
    pub fn without_values(gpu: &Gpu, recording: &Recording) -> Result<Self, SceneError> {
        let layers = Layout::grids(recording).into_iter().map(|(grid, units)| LayerCells {
            grid,
            units,
            values: vec![LayerCells::NO_CELL; units],
        });
        let layers: Vec<LayerCells> = layers.collect();
        let field = Arc::new(Field::new(gpu, &layers, false)?);
        Ok(Self { field, cells: Arc::default(), quantiles: vec![None; layers.len()].into() })
    }

    /// Returns the size of the values on the GPU and on the CPU, in bytes.
    pub fn bytes(&self) -> u64 {
        ALLOCATIONS + self.field.bytes() + self.cells.bytes()
    }
}
