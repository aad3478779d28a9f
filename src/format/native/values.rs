//! The values of an epoch as given to a writer, and their conversion to arrays.

use std::collections::HashSet;

use safetensors::Dtype as StoredDtype;

use super::arrays::ShardArray;
use super::epoch::array_name;
use crate::model::{Aggregate, Dtype, Group, Recording, Tensor};

/// The values of one epoch. Empty fields are not written; unit values or aggregates are required.
#[derive(Clone, Debug, Default)]
pub struct EpochValues {
    /// The inputs of the rows and predictions, if they are not all inputs in order: the inputs of one rank
    /// of a distributed training.
    pub inputs: Option<Vec<usize>>,
    /// One `[inputs, units]` array per layer.
    pub units: Vec<Tensor>,
    /// One aggregate per layer for each group. A statistic besides the mean is written if all aggregates have
    /// it.
    pub aggregates: Vec<(Group, Vec<Aggregate>)>,
    /// Predicted class index of each of these inputs.
    pub predictions: Option<Vec<Option<usize>>>,
    /// Whole feature maps of some layers.
    pub maps: Vec<LayerMaps>,
}

/// Whole feature maps of one layer for some inputs.
#[derive(Clone, Debug)]
pub struct LayerMaps {
    /// Index of the layer.
    pub layer: usize,
    /// Indices of the inputs, in the order of the values.
    pub inputs: Vec<usize>,
    /// Number of channels.
    pub channels: usize,
    /// Height of a map in positions.
    pub height: usize,
    /// Width of a map in positions.
    pub width: usize,
    /// `[inputs * channels, height * width]`.
    pub values: Tensor,
}

/// The sizes that the values of an epoch must have.
#[derive(Clone, Debug)]
pub(super) struct RecordingShape {
    /// Ids of the classes.
    pub(super) classes: Vec<i64>,
    /// Number of units of each layer.
    layers: Vec<usize>,
    inputs: usize,
}

impl RecordingShape {
    /// Returns the sizes of a recording.
    pub(super) fn of(recording: &Recording) -> Self {
        Self {
            classes: recording.classes.iter().map(|class| class.id).collect(),
            layers: recording.layers.iter().map(|layer| layer.units).collect(),
            inputs: recording.inputs.len(),
        }
    }

    /// Converts `values` to arrays. The error describes the first thing that does not fit.
    pub(super) fn arrays<'a>(&self, values: &'a EpochValues) -> Result<Vec<ShardArray<'a>>, String> {
        if values.units.is_empty() && values.aggregates.is_empty() {
            return Err("it has neither unit values nor aggregates".to_owned());
        }
        let mut arrays = Vec::new();
        let mut rows = self.inputs;
        if let Some(inputs) = &values.inputs {
            let mut seen = HashSet::new();
            if let Some(input) = inputs.iter().find(|&&input| input >= self.inputs || !seen.insert(input)) {
                return Err(format!(
                    "input {input} is there twice, or not one of the {} inputs",
                    self.inputs
                ));
            }
            rows = inputs.len();
            arrays.push(ShardArray::integers("inputs", inputs.iter().map(|&input| input as i64).collect()));
        }
        if !values.units.is_empty() {
            let shapes = values.units.iter().map(|tensor| (tensor.rows(), tensor.columns()));
            if !shapes.eq(self.layers.iter().map(|&units| (rows, units))) {
                return Err(format!("its unit values are not {rows} rows of every layer's units"));
            }
            for (layer, tensor) in values.units.iter().enumerate() {
                add_tensor(
                    &mut arrays,
                    array_name(layer, "units"),
                    vec![tensor.rows(), tensor.columns()],
                    tensor,
                );
            }
        }
        if !values.aggregates.is_empty() {
            self.add_aggregates(&mut arrays, &values.aggregates)?;
        }
        if let Some(predictions) = &values.predictions {
            if predictions.len() != rows {
                return Err(format!("it has {} predictions for {rows} inputs", predictions.len()));
            }
            let id =
                |class: &Option<usize>| class.and_then(|class| self.classes.get(class)).map_or(-1, |&id| id);
            arrays.push(ShardArray::integers("predictions", predictions.iter().map(id).collect()));
        }
        for maps in &values.maps {
            let shape = vec![maps.inputs.len(), maps.channels, maps.height, maps.width];
            let fits = maps.values.rows() == maps.inputs.len() * maps.channels
                && maps.values.columns() == maps.height * maps.width
                && maps.inputs.iter().all(|&input| input < self.inputs)
                && maps.layer < self.layers.len();
            if !fits {
                return Err(format!("its feature maps of layer {} do not fit their shape", maps.layer));
            }
            let name = array_name(maps.layer, "maps");
            let inputs = maps.inputs.iter().map(|&input| input as i64).collect();
            arrays.push(ShardArray::integers(format!("{name}.inputs"), inputs));
            add_tensor(&mut arrays, name, shape, &maps.values);
        }
        Ok(arrays)
    }

    /// Adds the arrays of aggregates.
    fn add_aggregates(
        &self,
        arrays: &mut Vec<ShardArray<'_>>,
        groups: &[(Group, Vec<Aggregate>)],
    ) -> Result<(), String> {
        let number = |group: &Group| match group {
            Group::All => Some(-1),
            Group::Class(class) => self.classes.get(*class).copied(),
        };
        let numbers: Option<Vec<i64>> = groups.iter().map(|(group, _)| number(group)).collect();
        arrays.push(ShardArray::integers(
            "groups",
            numbers.ok_or("an aggregate speaks of a class that is not listed")?,
        ));
        let count = |aggregates: &Vec<Aggregate>| aggregates.first().map_or(0, |first| first.count as i64);
        arrays.push(ShardArray::integers(
            "counts",
            groups.iter().map(|(_, aggregates)| count(aggregates)).collect(),
        ));
        type ReadStatistic = fn(&Aggregate) -> Option<&Vec<f32>>;
        let statistics: [(&str, ReadStatistic); 5] = [
            ("mean", |aggregate| Some(&aggregate.mean)),
            ("variance", |aggregate| aggregate.variance.as_ref()),
            ("min", |aggregate| aggregate.min.as_ref()),
            ("max", |aggregate| aggregate.max.as_ref()),
            ("rate", |aggregate| aggregate.rate.as_ref()),
        ];
        for (layer, &units) in self.layers.iter().enumerate() {
            for (name, read) in statistics {
                let rows: Option<Vec<&Vec<f32>>> =
                    groups.iter().map(|(_, aggregates)| read(aggregates.get(layer)?)).collect();
                match rows {
                    Some(rows) if rows.iter().all(|row| row.len() == units) => {
                        let values: Vec<f32> = rows.into_iter().flatten().copied().collect();
                        arrays.push(ShardArray::floats(
                            array_name(layer, name),
                            vec![groups.len(), units],
                            values,
                        ));
                    }
                    None if name != "mean" => {}
                    _ => return Err(format!("an aggregate does not fit layer {layer} of {units} units")),
                }
            }
        }
        Ok(())
    }
}

/// Adds the array of a tensor, and of its scale if it has one.
fn add_tensor<'a>(arrays: &mut Vec<ShardArray<'a>>, name: String, shape: Vec<usize>, tensor: &'a Tensor) {
    let dtype = match tensor.dtype() {
        Dtype::F32 => StoredDtype::F32,
        Dtype::F16 => StoredDtype::F16,
        Dtype::BF16 => StoredDtype::BF16,
        Dtype::U8 { scale, offset } => {
            arrays.push(ShardArray::floats(format!("{name}.scale"), vec![2], vec![scale, offset]));
            StoredDtype::U8
        }
    };
    arrays.push(ShardArray::bytes(name, dtype, shape, tensor.bytes()));
}
