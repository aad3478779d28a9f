//! Two-dimensional arrays over shared bytes, memory-mapped or owned, without copies.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use multiversion::multiversion;

/// Element type of stored values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Dtype {
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 half precision.
    F16,
    /// The upper half of a single-precision number.
    BF16,
    /// `value = scale * byte + offset`; byte 255 is "no value" (NaN).
    U8 {
        /// Factor of the byte.
        scale: f32,
        /// Value of byte 0.
        offset: f32,
    },
}

impl Dtype {
    /// The number of bytes per element.
    pub fn size(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::U8 { .. } => 1,
        }
    }
}

/// Memory that keeps itself alive, such as a mapped file.
type Bytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// A row-major array `[rows, columns]` of little-endian elements in shared bytes.
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
    /// Creates a view of `range` of `bytes`. `None` if the range is out of bounds or its length is not
    /// `rows * columns` elements.
    pub fn new(bytes: Bytes, range: Range<usize>, dtype: Dtype, rows: usize, columns: usize) -> Option<Self> {
        let wanted = rows.checked_mul(columns)?.checked_mul(dtype.size())?;
        let held = (*bytes).as_ref().get(range.clone())?.len();
        (held == wanted).then_some(Self { bytes, range, dtype, rows, columns })
    }

    /// Creates a tensor from owned values. `None` if `values` is not `rows * columns` long.
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

    /// The element type.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Returns `true` if the bytes have other owners, such as an open recording, so that the same tensor
    /// can be read again.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.bytes) > 1
    }

    /// The stored bytes, row after row.
    pub fn bytes(&self) -> &[u8] {
        &(*self.bytes).as_ref()[self.range.clone()]
    }

    /// One row as f32; borrowed if it is stored as f32.
    ///
    /// # Panics
    /// Panics if `row >= self.rows()`.
    pub fn row(&self, row: usize) -> Cow<'_, [f32]> {
        self.row_part(row, 0..self.columns)
    }

    /// Some columns of one row as f32; borrowed if they are stored as f32.
    ///
    /// # Panics
    /// Panics if `row >= self.rows()`, or `columns` is not a range within `0..self.columns()`.
    pub fn row_part(&self, row: usize, columns: Range<usize>) -> Cow<'_, [f32]> {
        let bytes = self.row_bytes(row, &columns);
        if self.dtype == Dtype::F32
            && let Ok(values) = bytemuck::try_cast_slice(bytes)
        {
            return Cow::Borrowed(values);
        }
        let mut values = vec![0.0; columns.len()];
        decode(bytes, self.dtype, &mut values);
        Cow::Owned(values)
    }

    /// Copies some columns of one row, as f32, to `values`.
    ///
    /// # Panics
    /// Panics if `row >= self.rows()`, or `columns` is not a range within `0..self.columns()` and as long
    /// as `values`.
    pub fn read_row_part(&self, row: usize, columns: Range<usize>, values: &mut [f32]) {
        assert_eq!(columns.len(), values.len(), "{columns:?}");
        decode(self.row_bytes(row, &columns), self.dtype, values);
    }

    /// The values of one column in some rows, as f32. Reads nothing else of the tensor.
    ///
    /// # Panics
    /// Panics if `column >= self.columns()`, or a row is not below `self.rows()`.
    pub fn column(&self, column: usize, rows: impl IntoIterator<Item = usize>) -> Vec<f32> {
        assert!(column < self.columns, "column {column} of {}", self.columns);
        let (bytes, size) = (self.bytes(), self.dtype.size());
        let mut stored = Vec::new();
        for row in rows {
            assert!(row < self.rows, "row {row} of {}", self.rows);
            let start = (row * self.columns + column) * size;
            stored.extend_from_slice(&bytes[start..start + size]);
        }
        let mut values = vec![0.0; stored.len() / size];
        decode(&stored, self.dtype, &mut values);
        values
    }

    /// All values, row after row, if they are stored as f32 and aligned for it.
    pub fn as_f32(&self) -> Option<&[f32]> {
        (self.dtype == Dtype::F32).then(|| bytemuck::try_cast_slice(self.bytes()).ok())?
    }

    /// The bytes of some columns of one row.
    fn row_bytes(&self, row: usize, columns: &Range<usize>) -> &[u8] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        assert!(
            columns.start <= columns.end && columns.end <= self.columns,
            "{columns:?} of {}",
            self.columns
        );
        let start = row * self.columns;
        let size = self.dtype.size();
        &self.bytes()[(start + columns.start) * size..(start + columns.end) * size]
    }
}

/// Converts little-endian elements to f32.
#[multiversion(targets = "simd")]
fn decode(bytes: &[u8], dtype: Dtype, values: &mut [f32]) {
    match dtype {
        Dtype::F32 => {
            for (value, &bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                *value = f32::from_le_bytes(bytes);
            }
        }
        Dtype::F16 => {
            for (value, &bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                *value = f32_from_f16_bits(u16::from_le_bytes(bytes));
            }
        }
        Dtype::BF16 => {
            for (value, &bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                *value = f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16);
            }
        }
        Dtype::U8 { scale, offset } => {
            for (value, &byte) in values.iter_mut().zip(bytes) {
                let number = scale.mul_add(f32::from(byte), offset);
                *value = if byte == u8::MAX { f32::NAN } else { number };
            }
        }
    }
}

/// The value of a half-precision number, without branches so that the surrounding loop is vectorised.
#[inline(always)]
fn f32_from_f16_bits(half: u16) -> f32 {
    /// Difference between the exponent biases of single and half precision.
    const REBIAS: u32 = (127 - 15) << 23;
    const INFINITE: u32 = 0x7c00 << 13;
    let magnitude = u32::from(half & 0x7fff) << 13;
    let rebiased = magnitude + REBIAS;
    // Denormals have no implicit leading one: the conversion adds it, so subtract it again.
    let denormal = (f32::from_bits(rebiased + (1 << 23)) - f32::from_bits(REBIAS + (1 << 23))).to_bits();
    let bits = match magnitude {
        INFINITE.. => rebiased + REBIAS,
        0x0080_0000.. => rebiased,
        _ => denormal,
    };
    f32::from_bits(bits | u32::from(half & 0x8000) << 16)
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;

    fn same(a: f32, b: f32) -> bool {
        a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
    }

    #[test]
    fn every_half_precision_value_is_exact() {
        let all: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
        let bytes: Bytes = Arc::new(all);
        let read = |dtype| Tensor::new(bytes.clone(), 0..1 << 17, dtype, 1, 1 << 16).unwrap();
        let (half, brain) = (read(Dtype::F16), read(Dtype::BF16));
        for (bits, (&half, &brain)) in (0..=u16::MAX).zip(half.row(0).iter().zip(brain.row(0).iter())) {
            let (expected, expected_brain) = (f16::from_bits(bits).to_f32(), bf16::from_bits(bits).to_f32());
            assert!(same(half, expected), "{bits:#x}: {half} is not {expected}");
            assert!(same(brain, expected_brain), "{bits:#x}: {brain} is not {expected_brain}");
        }
    }

    #[test]
    fn bytes_are_scaled_and_255_is_no_value() {
        let bytes: Bytes = Arc::new((0..=u8::MAX).collect::<Vec<u8>>());
        let dtype = Dtype::U8 { scale: 0.1, offset: -3.7 };
        let tensor = Tensor::new(bytes, 0..256, dtype, 2, 128).unwrap();
        for byte in 0..=u8::MAX {
            let decoded = tensor.row(usize::from(byte) / 128)[usize::from(byte) % 128];
            // Exact in f64, then rounded once.
            let expected = (f64::from(0.1_f32) * f64::from(byte) + f64::from(-3.7_f32)) as f32;
            assert!(
                if byte == u8::MAX { decoded.is_nan() } else { decoded == expected },
                "{byte}: {decoded}"
            );
        }
    }

    #[test]
    fn unaligned_f32_is_decoded() {
        let values = [1.5_f32, -0.0, f32::MIN_POSITIVE / 4.0, f32::INFINITY, 1e38, 7.0];
        let mut bytes = vec![0; 3];
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let bytes: Bytes = Arc::new(bytes);
        let tensor = Tensor::new(bytes, 3..27, Dtype::F32, 2, 3).unwrap();
        assert_eq!(tensor.row(1).as_ref(), &values[3..]);
        let mut part = [0.0; 2];
        tensor.read_row_part(0, 1..3, &mut part);
        assert_eq!(part, [-0.0, f32::MIN_POSITIVE / 4.0]);
        let tensor = Tensor::from_f32(values.to_vec(), 3, 2).unwrap();
        assert_eq!(tensor.as_f32(), Some(values.as_slice()));
        assert!(matches!(tensor.row_part(1, 0..2), Cow::Borrowed([_, _])));
        assert_eq!(tensor.column(1, [2, 0, 2]), [7.0, -0.0, 7.0]);
    }
}
