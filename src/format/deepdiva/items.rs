//! The inputs and classes of a dump, from the items of its manifest.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::super::file::RootFolder;
use super::manifest::DumpItem;
use crate::model::{Class, Input};

/// Returns all classes of the dump, ascending by id, each with its item if it has one.
pub(super) fn join_classes(
    singles: &[DumpItem],
    with_file: Vec<DumpItem>,
) -> (Vec<Class>, Vec<Option<DumpItem>>) {
    let mut with_file: BTreeMap<i64, DumpItem> =
        with_file.into_iter().map(|item| (item.class, item)).collect();
    // In DeepDIVA, a negative label means "none".
    let labels = singles.iter().map(|item| item.class).filter(|&label| label >= 0);
    let ids: BTreeSet<i64> = with_file.keys().copied().chain(labels).collect();
    let mut counts = HashMap::<i64, usize>::new();
    for item in singles {
        *counts.entry(item.class).or_default() += 1;
    }
    ids.into_iter()
        .map(|id| {
            let inputs = counts.get(&id).copied().unwrap_or(0);
            (Class { id, name: id.to_string(), inputs, aggregated: 0 }, with_file.remove(&id))
        })
        .unzip()
}

/// Describes the inputs of the dump.
pub(super) fn inputs(root: &RootFolder, singles: &[DumpItem], classes: &[Class]) -> Vec<Input> {
    let input = |item: &DumpItem| Input {
        id: item.name.clone(),
        class: classes.binary_search_by_key(&item.class, |class| class.id).ok(),
        has_picture: item.cover.as_ref().is_some_and(|cover| {
            root.open(&root.folder().join("cover").join(cover)).is_ok_and(|(_, bytes)| bytes > 0)
        }),
    };
    singles.iter().map(input).collect()
}
