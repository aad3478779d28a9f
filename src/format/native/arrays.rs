//! Writing safetensors files as a stream: each array is produced when it is written, and they are never in
//! memory together.

use std::io::{self, Write};
use std::path::Path;

use safetensors::Dtype as StoredDtype;
use safetensors::tensor::{Metadata, TensorInfo};

use super::super::FormatError;
use crate::files;

/// Writes the bytes of an array.
type WriteArray<'a> = Box<dyn FnOnce(&mut dyn Write) -> io::Result<()> + 'a>;

/// An array to be written to a shard.
pub(in super::super) struct ShardArray<'a> {
    name: String,
    dtype: StoredDtype,
    shape: Vec<usize>,
    write: WriteArray<'a>,
}

impl<'a> ShardArray<'a> {
    /// An array whose elements `write` writes: exactly as many little-endian bytes as `shape` and `dtype`
    /// give.
    pub(in super::super) fn new(
        name: String,
        dtype: StoredDtype,
        shape: Vec<usize>,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()> + 'a,
    ) -> Self {
        Self { name, dtype, shape, write: Box::new(write) }
    }

    /// An array of given little-endian bytes.
    pub(in super::super) fn bytes(
        name: impl Into<String>,
        dtype: StoredDtype,
        shape: Vec<usize>,
        bytes: &'a [u8],
    ) -> Self {
        Self::new(name.into(), dtype, shape, move |out| out.write_all(bytes))
    }

    /// A one-dimensional array of 64-bit integers.
    pub(in super::super) fn integers(name: impl Into<String>, values: Vec<i64>) -> Self {
        Self::new(name.into(), StoredDtype::I64, vec![values.len()], move |out| {
            values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
        })
    }

    /// An array of single-precision numbers, row-major.
    pub(in super::super) fn floats(name: impl Into<String>, shape: Vec<usize>, values: Vec<f32>) -> Self {
        Self::new(name.into(), StoredDtype::F32, shape, move |out| {
            values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
        })
    }
}

/// Writes `arrays` to a safetensors file at `path`, replacing a file that a killed writer left there. The
/// caller ensures that no manifest names it.
pub(in super::super) fn write_shard(path: &Path, mut arrays: Vec<ShardArray<'_>>) -> Result<(), FormatError> {
    // As in the safetensors library: with the wider elements first, every array is aligned.
    arrays.sort_by(|a, b| b.dtype.cmp(&a.dtype).then_with(|| a.name.cmp(&b.name)));
    let broken = |what: String| FormatError::invalid(path, what);
    let mut start = 0_usize;
    let mut infos = Vec::with_capacity(arrays.len());
    for array in &arrays {
        let range = array
            .shape
            .iter()
            .try_fold(array.dtype.bitsize() / 8, |bytes, &side| bytes.checked_mul(side))
            .and_then(|length| Some((start, start.checked_add(length)?)))
            .ok_or_else(|| broken(format!("`{}` of shape {:?} is too large", array.name, array.shape)))?;
        start = range.1;
        let info = TensorInfo { dtype: array.dtype, shape: array.shape.clone(), data_offsets: range };
        infos.push((array.name.clone(), info));
    }
    let lengths: Vec<u64> =
        infos.iter().map(|(_, info)| (info.data_offsets.1 - info.data_offsets.0) as u64).collect();
    let metadata = Metadata::new(None, infos).map_err(|error| broken(error.to_string()))?;
    let mut header = serde_json::to_vec(&metadata).map_err(|error| broken(error.to_string()))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    files::write(path, true, |out| {
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(&header)?;
        for (array, length) in arrays.into_iter().zip(lengths) {
            let mut counted = CountingWriter { out: &mut *out, bytes: 0 };
            (array.write)(&mut counted)?;
            if counted.bytes != length {
                let what = format!("`{}` came with {} bytes instead of {length}", array.name, counted.bytes);
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
        }
        Ok(())
    })
    .map_err(FormatError::write(path))
}

/// Counts the bytes written through it.
struct CountingWriter<'a> {
    out: &'a mut dyn Write,
    bytes: u64,
}

impl Write for CountingWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
