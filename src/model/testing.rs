//! A small recording for tests.

use std::collections::BTreeMap;

use super::recording::sequential_edges;
use super::{Class, Epoch, Format, Input, Layer, LayerKind, Normalisation, Recording, Reduction};

/// Creates a recording of dense layers with the given numbers of units; classes of the given names with
/// ids 0, 1, …; inputs labelled by class index; epochs of the given numbers.
pub(crate) fn recording(
    units: &[usize],
    classes: &[&str],
    labels: &[Option<usize>],
    epochs: &[u64],
) -> Recording {
    let layers: Vec<Layer> = units
        .iter()
        .enumerate()
        .map(|(index, &units)| Layer {
            name: (index + 1).to_string(),
            module: "Linear".to_owned(),
            text: "Linear()".to_owned(),
            kind: LayerKind::Dense,
            shape: vec![units],
            units,
            parameters: None,
            dtype: String::new(),
            reduction: Reduction::None,
        })
        .collect();
    Recording {
        format: Format::Native,
        model: "Test".to_owned(),
        edges: sequential_edges(layers.len()),
        joints: Vec::new(),
        modules: BTreeMap::new(),
        layers,
        classes: classes
            .iter()
            .enumerate()
            .map(|(index, name)| Class {
                id: index as i64,
                name: (*name).to_owned(),
                inputs: labels.iter().filter(|label| **label == Some(index)).count(),
                aggregated: 0,
            })
            .collect(),
        inputs: labels
            .iter()
            .enumerate()
            .map(|(index, &class)| Input { id: index.to_string(), class, has_picture: false })
            .collect(),
        epochs: epochs.iter().map(|&number| Epoch { number, ..Epoch::default() }).collect(),
        normalisation: Normalisation::None,
        warnings: Vec::new(),
    }
}

/// Six inputs: 0 and 3 are cats, 1 and 4 dogs, 2 a bird, 5 unlabelled; there is no fish.
pub(crate) fn animals() -> Recording {
    let labels = [Some(0), Some(1), Some(2), Some(0), Some(1), None];
    recording(&[4], &["cat", "dog", "bird", "fish"], &labels, &[0, 1])
}
