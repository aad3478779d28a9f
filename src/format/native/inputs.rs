//! `inputs.safetensors`: labels, ids and pictures of the recorded inputs.

use std::path::Path;

use super::super::file::RootFolder;
use super::super::{FormatError, picture};
use super::manifest::NativeInputsEntry;
use super::shard::Shard;
use crate::model::{Class, Input, Picture};

/// The open file of the inputs, if there is one.
pub(super) struct InputFile {
    shard: Option<Shard>,
    /// Start of each input's encoded picture in `pictures.bytes`, and the end of the last.
    offsets: Option<Vec<i64>>,
}

impl InputFile {
    /// Opens the file and lists its inputs.
    pub(super) fn open(
        root: &RootFolder,
        manifest: &Path,
        declared: &NativeInputsEntry,
        classes: &[Class],
    ) -> Result<(Self, Vec<Input>), FormatError> {
        let Some(name) = declared.file.as_ref().filter(|_| declared.count > 0) else {
            return Ok((Self { shard: None, offsets: None }, Vec::new()));
        };
        let shard = Shard::open(root, &root.join(name, manifest)?)?;
        let labels = shard.integers("labels", Some(declared.count))?.ok_or_else(|| {
            FormatError::invalid(&shard.path, "it has no `labels`; write -1 where there is none")
        })?;
        let ends = declared.count + 1;
        let ids = shard.integers("ids.offsets", Some(ends))?;
        let offsets = shard.integers("pictures.offsets", Some(ends))?;
        if let Some(info) = shard.get("pictures")
            && !(Shard::is_u8(info)
                && matches!(info.shape.as_slice(), &[count, _, _, 1..=4] if count == declared.count))
        {
            return Err(shard.wrong("pictures", info, "the shape [inputs, height, width, 1 to 4], 8-bit"));
        }
        let file = Self { shard: Some(shard), offsets };
        let input = |(index, label): (usize, i64)| Input {
            id: file
                .slice("ids.bytes", ids.as_deref(), index)
                .map_or_else(|| index.to_string(), |id| String::from_utf8_lossy(id).into_owned()),
            class: classes.binary_search_by_key(&label, |class| class.id).ok(),
            has_picture: file.encoded(index).is_some()
                || file.shard.as_ref().is_some_and(|shard| shard.get("pictures").is_some()),
        };
        let inputs = labels.into_iter().enumerate().map(input).collect();
        Ok((file, inputs))
    }

    /// Returns `true` if the file with this name is still the one that is mapped, or there was none.
    pub(super) fn is_current(&self) -> bool {
        self.shard.as_ref().is_none_or(Shard::is_current)
    }

    /// Returns the encoded picture of an input, JPEG or PNG as it was recorded.
    pub(super) fn encoded(&self, input: usize) -> Option<&[u8]> {
        self.slice("pictures.bytes", self.offsets.as_deref(), input).filter(|bytes| !bytes.is_empty())
    }

    /// Returns the decoded picture of an input.
    pub(super) fn picture(&self, input: usize) -> Option<Picture> {
        if let Some(bytes) = self.encoded(input) {
            return picture::decode(bytes);
        }
        let shard = self.shard.as_ref()?;
        let info = shard.get("pictures")?;
        let &[_, height, width, channels] = info.shape.as_slice() else { return None };
        let length = height.checked_mul(width)?.checked_mul(channels)?;
        let start = input.checked_mul(length)?;
        let pixels = shard.bytes(info).get(start..start.checked_add(length)?)?;
        picture::from_pixels(pixels, u32::try_from(width).ok()?, u32::try_from(height).ok()?, channels)
    }

    /// Returns one input's part of a byte array, or `None` if there is no such array or the offsets exceed it.
    fn slice(&self, name: &str, offsets: Option<&[i64]>, input: usize) -> Option<&[u8]> {
        let shard = self.shard.as_ref()?;
        let info = shard.get(name).filter(|info| Shard::is_u8(info))?;
        let offset = |index: usize| usize::try_from(*offsets?.get(index)?).ok();
        shard.bytes(info).get(offset(input)?..offset(input.checked_add(1)?)?)
    }
}
