//! Writing safetensors as a stream: arrays are produced when their turn comes, never held together.

use std::io::{self, Write};
use std::path::Path;

use safetensors::Dtype as Stored;
use safetensors::tensor::{Metadata, TensorInfo};

use super::super::{FormatError, stage};

/// Produces an array's bytes.
type Produce<'a> = Box<dyn FnOnce(&mut dyn Write) -> io::Result<()> + 'a>;

/// One array to be written.
pub(in super::super) struct Part<'a> {
    name: String,
    dtype: Stored,
    shape: Vec<usize>,
    write: Produce<'a>,
}

impl<'a> Part<'a> {
    /// An array whose elements `write` produces: exactly as many little-endian bytes as `shape` and
    /// `dtype` say.
    pub(in super::super) fn new(
        name: String,
        dtype: Stored,
        shape: Vec<usize>,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()> + 'a,
    ) -> Self {
        Self { name, dtype, shape, write: Box::new(write) }
    }

    pub(in super::super) fn bytes(
        name: impl Into<String>,
        dtype: Stored,
        shape: Vec<usize>,
        bytes: &'a [u8],
    ) -> Self {
        Self::new(name.into(), dtype, shape, move |out| out.write_all(bytes))
    }

    pub(in super::super) fn integers(name: impl Into<String>, values: Vec<i64>) -> Self {
        Self::new(name.into(), Stored::I64, vec![values.len()], move |out| {
            values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
        })
    }

    pub(in super::super) fn floats(name: impl Into<String>, shape: Vec<usize>, values: Vec<f32>) -> Self {
        Self::new(name.into(), Stored::F32, shape, move |out| {
            values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
        })
    }
}

/// Writes a safetensors file of `parts` at `path`. What a killed writer left there is replaced: the
/// caller sees to it that no manifest names it.
pub(in super::super) fn write_shard(path: &Path, mut parts: Vec<Part<'_>>) -> Result<(), FormatError> {
    // Wider elements first keeps every array aligned, as the safetensors library does.
    parts.sort_by(|a, b| b.dtype.cmp(&a.dtype).then_with(|| a.name.cmp(&b.name)));
    let broken = |what: String| FormatError::invalid(path, what);
    let mut start = 0_usize;
    let mut infos = Vec::with_capacity(parts.len());
    for part in &parts {
        let length = part
            .shape
            .iter()
            .try_fold(part.dtype.bitsize() / 8, |bytes, &side| bytes.checked_mul(side))
            .and_then(|length| Some((start, start.checked_add(length)?)))
            .ok_or_else(|| broken(format!("`{}` of shape {:?} is too large", part.name, part.shape)))?;
        start = length.1;
        let info = TensorInfo { dtype: part.dtype, shape: part.shape.clone(), data_offsets: length };
        infos.push((part.name.clone(), info));
    }
    let lengths: Vec<u64> =
        infos.iter().map(|(_, info)| (info.data_offsets.1 - info.data_offsets.0) as u64).collect();
    let metadata = Metadata::new(None, infos).map_err(|error| broken(error.to_string()))?;
    let mut header = serde_json::to_vec(&metadata).map_err(|error| broken(error.to_string()))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    stage::write_file(path, true, |out| {
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(&header)?;
        for (part, length) in parts.into_iter().zip(lengths) {
            let mut counted = Counted { out: &mut *out, bytes: 0 };
            (part.write)(&mut counted)?;
            if counted.bytes != length {
                let what = format!("`{}` came with {} bytes instead of {length}", part.name, counted.bytes);
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
        }
        Ok(())
    })
}

struct Counted<'a> {
    out: &'a mut dyn Write,
    bytes: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
