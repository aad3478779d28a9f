//! A mapped safetensors file with a checked header.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;
use safetensors::{Dtype as StoredDtype, SafeTensors};

use super::super::FormatError;
use super::super::file::{FileIdentity, RootFolder, shortened};
use crate::model::{Dtype, Tensor};

/// Size limit of a header in bytes.
const MAX_HEADER_BYTES: u64 = 32 << 20;

/// A mapped file. Only its header is read on opening.
pub(super) struct Shard {
    pub(super) path: PathBuf,
    /// No other file can have it while this one is mapped.
    identity: FileIdentity,
    map: Arc<Mmap>,
    tensors: HashMap<String, ArrayInfo>,
}

/// Type, shape and place of an array. `range` is inside the file and as long as shape and type give.
pub(super) struct ArrayInfo {
    dtype: StoredDtype,
    pub(super) shape: Vec<usize>,
    range: Range<usize>,
}

impl Shard {
    /// Maps the file at `path` inside `root` and checks its header.
    pub(super) fn open(root: &RootFolder, path: &Path) -> Result<Self, FormatError> {
        let (file, bytes) = root.open(path)?;
        let broken = |what: String| FormatError::Tensors { path: path.to_owned(), what };
        let identity = FileIdentity::of(&file.metadata().map_err(|error| FormatError::read(path, error))?);
        if bytes < 8 {
            return Err(broken("it is shorter than its header".to_owned()));
        }
        // SAFETY: the map is only read. Committed files are never rewritten: the format requires it, and
        // every reader of mapped safetensors relies on it.
        let map = unsafe { Mmap::map(&file) }.map_err(|error| FormatError::read(path, error))?;
        let header = map.first_chunk::<8>().map_or(0, |length| u64::from_le_bytes(*length));
        if header > MAX_HEADER_BYTES {
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
                (name, ArrayInfo { dtype: info.dtype, shape: info.shape.clone(), range })
            })
            .collect();
        Ok(Self { path: path.to_owned(), identity, map: Arc::new(map), tensors })
    }

    /// Returns `true` if the file with this name is still the one that is mapped.
    pub(super) fn is_current(&self) -> bool {
        FileIdentity::at(&self.path) == Some(self.identity)
    }

    /// Returns the array with this name.
    pub(super) fn get(&self, name: &str) -> Option<&ArrayInfo> {
        self.tensors.get(name)
    }

    /// Returns the bytes of an array.
    pub(super) fn bytes(&self, info: &ArrayInfo) -> &[u8] {
        self.map.get(info.range.clone()).unwrap_or_default()
    }

    /// Returns the integers of a one-dimensional array, or `None` if there is none with this name. If `length`
    /// is given, the array must have that length.
    pub(super) fn integers(
        &self,
        name: &str,
        length: Option<usize>,
    ) -> Result<Option<Vec<i64>>, FormatError> {
        let Some(info) = self.get(name) else { return Ok(None) };
        let &[found] = info.shape.as_slice() else {
            return Err(self.wrong(name, info, "one dimension"));
        };
        if length.is_some_and(|length| length != found) {
            let wanted = length.map_or_else(String::new, |length| format!("the shape [{length}]"));
            return Err(self.wrong(name, info, &wanted));
        }
        fn read<const N: usize>(bytes: &[u8], from: fn([u8; N]) -> i64) -> Vec<i64> {
            bytes.as_chunks::<N>().0.iter().map(|&bytes| from(bytes)).collect()
        }
        let bytes = self.bytes(info);
        Ok(Some(match info.dtype {
            StoredDtype::I64 => read(bytes, i64::from_le_bytes),
            // No valid count or offset is near 2^63.
            StoredDtype::U64 => {
                read(bytes, |bytes| i64::try_from(u64::from_le_bytes(bytes)).unwrap_or(i64::MAX))
            }
            StoredDtype::I32 => read(bytes, |bytes| i64::from(i32::from_le_bytes(bytes))),
            StoredDtype::U32 => read(bytes, |bytes| i64::from(u32::from_le_bytes(bytes))),
            _ => return Err(self.wrong(name, info, "whole numbers (I64, U64, I32 or U32)")),
        }))
    }

    /// Returns the type of an array of values. 8-bit values need the array `NAME.scale` as well.
    pub(super) fn value_dtype(&self, name: &str, info: &ArrayInfo) -> Result<Dtype, FormatError> {
        match info.dtype {
            StoredDtype::F32 => Ok(Dtype::F32),
            StoredDtype::F16 => Ok(Dtype::F16),
            StoredDtype::BF16 => Ok(Dtype::BF16),
            StoredDtype::U8 => {
                let scale = format!("{name}.scale");
                let pair =
                    self.get(&scale).filter(|pair| pair.dtype == StoredDtype::F32 && pair.shape == [2]);
                match pair.and_then(|pair| self.bytes(pair).as_chunks::<4>().0.first_chunk::<2>()) {
                    Some(&[scale, offset]) => {
                        Ok(Dtype::U8 { scale: f32::from_le_bytes(scale), offset: f32::from_le_bytes(offset) })
                    }
                    None => Err(self.wrong(name, info, &format!("`{scale}` beside it, F32 [2]"))),
                }
            }
            _ => Err(self.wrong(name, info, "F32, F16, BF16 or U8 values")),
        }
    }

    /// Returns the rows `rows` of an array of shape `[_, columns]`, mapped. Returns `None` if they exceed it.
    pub(super) fn tensor(
        &self,
        name: &str,
        info: &ArrayInfo,
        rows: Range<usize>,
        columns: usize,
    ) -> Option<Tensor> {
        let dtype = self.value_dtype(name, info).ok()?;
        let stride = columns.checked_mul(dtype.size())?;
        let start = info.range.start.checked_add(rows.start.checked_mul(stride)?)?;
        let end = info.range.start.checked_add(rows.end.checked_mul(stride)?)?;
        if end > info.range.end {
            return None;
        }
        let bytes: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::clone(&self.map) as _;
        Tensor::new(bytes, start..end, dtype, rows.len(), columns)
    }

    /// Returns the error for an array of the wrong type or shape.
    pub(super) fn wrong(&self, name: &str, info: &ArrayInfo, wanted: &str) -> FormatError {
        FormatError::Array {
            path: self.path.clone(),
            name: shortened(name),
            found: format!("{:?} {:?}", info.dtype, info.shape),
            wanted: wanted.to_owned(),
        }
    }

    /// Returns `true` if the array has 8-bit elements.
    pub(super) fn is_u8(info: &ArrayInfo) -> bool {
        info.dtype == StoredDtype::U8
    }
}
