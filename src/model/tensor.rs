//! Numbers where they lie: a typed view of shared bytes, mapped or owned.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

/// Element type of stored values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Dtype {
    F32,
    F16,
    BF16,
    /// `value = scale * byte + offset`; byte 255 is "no value" (NaN).
    U8 {
        scale: f32,
        offset: f32,
    },
}

impl Dtype {
    /// Bytes per element.
    pub fn size(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::U8 { .. } => 1,
        }
    }
}

type Bytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// A row-major array `[rows, columns]` in little-endian bytes that others may share.
#[derive(Clone)]
pub struct Tensor {
    bytes: Bytes,
    range: Range<usize>,
    dtype: Dtype,
    rows: usize,
    columns: usize,
}

impl std::fmt::Debug for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tensor({:?} [{}, {}])", self.dtype, self.rows, self.columns)
    }
}

impl Tensor {
    /// A view of `range` of `bytes`. `None` when the range is outside or its length is not
    /// `rows * columns` elements.
    pub fn new(bytes: Bytes, range: Range<usize>, dtype: Dtype, rows: usize, columns: usize) -> Option<Self> {
        let wanted = rows.checked_mul(columns)?.checked_mul(dtype.size())?;
        let held = (*bytes).as_ref().get(range.clone())?.len();
        (held == wanted).then_some(Self { bytes, range, dtype, rows, columns })
    }

    /// Owned f32 values. `None` when `values` is not `rows * columns` long.
    pub fn from_f32(values: Vec<f32>, rows: usize, columns: usize) -> Option<Self> {
        struct Owned(Vec<f32>);
        impl AsRef<[u8]> for Owned {
            fn as_ref(&self) -> &[u8] {
                bytemuck::cast_slice(&self.0)
            }
        }
        let range = 0..values.len().checked_mul(4)?;
        Self::new(Arc::new(Owned(values)), range, Dtype::F32, rows, columns)
    }

    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Whether others hold the same bytes, as an open recording does: then they will be seen again.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.bytes) > 1
    }

    /// The stored bytes, row after row.
    pub fn bytes(&self) -> &[u8] {
        &(*self.bytes).as_ref()[self.range.clone()]
    }

    /// One row as f32; borrowed when it is stored so.
    ///
    /// # Panics
    /// When `row >= self.rows()`.
    pub fn row(&self, row: usize) -> Cow<'_, [f32]> {
        self.row_part(row, 0..self.columns)
    }

    /// Some columns of one row as f32; borrowed when it is stored so.
    ///
    /// # Panics
    /// When `row >= self.rows()`, or `columns` is not a range within `0..self.columns()`.
    pub fn row_part(&self, row: usize, columns: Range<usize>) -> Cow<'_, [f32]> {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        assert!(
            columns.start <= columns.end && columns.end <= self.columns,
            "{columns:?} of {}",
            self.columns
        );
        let start = row * self.columns;
        let size = self.dtype.size();
        let bytes = &self.bytes()[(start + columns.start) * size..(start + columns.end) * size];
        match self.dtype {
            Dtype::F32 => match bytemuck::try_cast_slice(bytes) {
                Ok(values) => Cow::Borrowed(values),
                Err(_) => Cow::Owned(
                    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
                ),
            },
            Dtype::F16 => Cow::Owned(match bytemuck::try_cast_slice::<u8, f16>(bytes) {
                Ok(values) => {
                    let mut row = vec![0.0; values.len()];
                    values.convert_to_f32_slice(&mut row);
                    row
                }
                Err(_) => bytes.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
            }),
            Dtype::BF16 => Cow::Owned(
                bytes.chunks_exact(2).map(|b| bf16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
            ),
            Dtype::U8 { scale, offset } => Cow::Owned(
                bytes
                    .iter()
                    .map(|&b| if b == u8::MAX { f32::NAN } else { scale.mul_add(f32::from(b), offset) })
                    .collect(),
            ),
        }
    }
}
