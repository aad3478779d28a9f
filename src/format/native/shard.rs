//! One mapped safetensors file, its header checked.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;
use safetensors::{Dtype as Stored, SafeTensors};

use super::super::FormatError;
use super::super::file::{Identity, Root, shortened};
use crate::model::{Dtype, Tensor};

/// The longest header that is read, in bytes.
const MOST_HEADER_BYTES: u64 = 32 << 20;

/// A mapped file. Only its header is read on opening.
pub(super) struct Shard {
    pub(super) path: PathBuf,
    /// While it is mapped, no other file can come to bear it.
    identity: Identity,
    map: Arc<Mmap>,
    tensors: HashMap<String, Entry>,
}

/// One array of the file; `range` is within the file and as long as shape and dtype say.
pub(super) struct Entry {
    dtype: Stored,
    pub(super) shape: Vec<usize>,
    range: Range<usize>,
}

impl Shard {
    pub(super) fn open(root: &Root, path: &Path) -> Result<Self, FormatError> {
        let (file, bytes) = root.open(path)?;
        let broken = |what: String| FormatError::Tensors { path: path.to_owned(), what };
        let identity = Identity::of(&file.metadata().map_err(|error| FormatError::read(path, error))?);
        if bytes < 8 {
            return Err(broken("it is shorter than its header".to_owned()));
        }
        // SAFETY: the map is only read. Committed files are never rewritten, which is what the
        // format promises and what every reader of mapped safetensors relies on.
        let map = unsafe { Mmap::map(&file) }.map_err(|error| FormatError::read(path, error))?;
        let header = map.first_chunk::<8>().map_or(0, |length| u64::from_le_bytes(*length));
        if header > MOST_HEADER_BYTES {
            return Err(broken(format!("its header declares {header} bytes")));
        }
        let (header, metadata) =
            SafeTensors::read_metadata(&map).map_err(|error| broken(shortened(&error.to_string())))?;
        let start = header + 8;
        let tensors = metadata
            .tensors()
            .into_iter()
            .map(|(name, info)| {
                let range = start + info.data_offsets.0..start + info.data_offsets.1;
                (name, Entry { dtype: info.dtype, shape: info.shape.clone(), range })
            })
            .collect();
        Ok(Self { path: path.to_owned(), identity, map: Arc::new(map), tensors })
    }

    /// Whether the file that bears its name now is the one that is mapped.
    pub(super) fn is_current(&self) -> bool {
        Identity::at(&self.path) == Some(self.identity)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Entry> {
        self.tensors.get(name)
    }

    /// Bytes of an array.
    pub(super) fn bytes(&self, entry: &Entry) -> &[u8] {
        self.map.get(entry.range.clone()).unwrap_or_default()
    }

    /// Whole numbers of a one-dimensional array, which must be `length` long where that is given.
    pub(super) fn integers(
        &self,
        name: &str,
        length: Option<usize>,
    ) -> Result<Option<Vec<i64>>, FormatError> {
        let Some(entry) = self.get(name) else { return Ok(None) };
        let &[found] = entry.shape.as_slice() else {
            return Err(self.wrong(name, entry, "one dimension"));
        };
        if length.is_some_and(|length| length != found) {
            let wanted = length.map_or_else(String::new, |length| format!("the shape [{length}]"));
            return Err(self.wrong(name, entry, &wanted));
        }
        fn read<const N: usize>(bytes: &[u8], from: fn([u8; N]) -> i64) -> Vec<i64> {
            bytes.as_chunks::<N>().0.iter().map(|&bytes| from(bytes)).collect()
        }
        let bytes = self.bytes(entry);
        Ok(Some(match entry.dtype {
            Stored::I64 => read(bytes, i64::from_le_bytes),
            // No count or offset comes near 2^63.
            Stored::U64 => read(bytes, |bytes| i64::try_from(u64::from_le_bytes(bytes)).unwrap_or(i64::MAX)),
            Stored::I32 => read(bytes, |bytes| i64::from(i32::from_le_bytes(bytes))),
            Stored::U32 => read(bytes, |bytes| i64::from(u32::from_le_bytes(bytes))),
            _ => return Err(self.wrong(name, entry, "whole numbers (I64, U64, I32 or U32)")),
        }))
    }

    /// Dtype of stored values; 8-bit ones have `NAME.scale` beside them.
    pub(super) fn value_dtype(&self, name: &str, entry: &Entry) -> Result<Dtype, FormatError> {
        match entry.dtype {
            Stored::F32 => Ok(Dtype::F32),
            Stored::F16 => Ok(Dtype::F16),
            Stored::BF16 => Ok(Dtype::BF16),
            Stored::U8 => {
                let scale = format!("{name}.scale");
                let pair = self.get(&scale).filter(|pair| pair.dtype == Stored::F32 && pair.shape == [2]);
                match pair.and_then(|pair| self.bytes(pair).as_chunks::<4>().0.first_chunk::<2>()) {
                    Some(&[scale, offset]) => {
                        Ok(Dtype::U8 { scale: f32::from_le_bytes(scale), offset: f32::from_le_bytes(offset) })
                    }
                    None => Err(self.wrong(name, entry, &format!("`{scale}` beside it, F32 [2]"))),
                }
            }
            _ => Err(self.wrong(name, entry, "F32, F16, BF16 or U8 values")),
        }
    }

    /// Rows `rows` of an array taken as `[_, columns]`, where it lies.
    pub(super) fn tensor(
        &self,
        name: &str,
        entry: &Entry,
        rows: Range<usize>,
        columns: usize,
    ) -> Option<Tensor> {
        let dtype = self.value_dtype(name, entry).ok()?;
        let stride = columns.checked_mul(dtype.size())?;
        let start = entry.range.start.checked_add(rows.start.checked_mul(stride)?)?;
        let end = entry.range.start.checked_add(rows.end.checked_mul(stride)?)?;
        if end > entry.range.end {
            return None;
        }
        let bytes: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::clone(&self.map) as _;
        Tensor::new(bytes, start..end, dtype, rows.len(), columns)
    }

    /// That an array is not as it must be.
    pub(super) fn wrong(&self, name: &str, entry: &Entry, wanted: &str) -> FormatError {
        FormatError::Array {
            path: self.path.clone(),
            name: shortened(name),
            found: format!("{:?} {:?}", entry.dtype, entry.shape),
            wanted: wanted.to_owned(),
        }
    }

    pub(super) fn is_u8(entry: &Entry) -> bool {
        entry.dtype == Stored::U8
    }
}
