//! What is written of an epoch, and whether it fits the recording.

use std::collections::HashSet;

use safetensors::Dtype as Stored;

use super::epoch::array;
use super::parts::Part;
use crate::model::{Aggregate, Dtype, Group, Recording, Tensor};

/// The values of one epoch. Empty parts are left out; unit values or aggregates must be there.
#[derive(Clone, Debug, Default)]
pub struct EpochValues {
    /// The inputs that rows and predictions speak of, when they are not all of them in order: what
    /// one rank of a distributed training saw.
    pub inputs: Option<Vec<usize>>,
    /// One `[inputs, units]` array per layer.
    pub units: Vec<Tensor>,
    /// One aggregate per layer for each group. Statistics besides the mean are kept where all have
    /// them.
    pub aggregates: Vec<(Group, Vec<Aggregate>)>,
    /// Predicted class index of each of these inputs.
    pub predictions: Option<Vec<Option<usize>>>,
    pub maps: Vec<LayerMaps>,
}

/// Whole feature maps of one layer for some inputs.
#[derive(Clone, Debug)]
pub struct LayerMaps {
    /// Index of the layer.
    pub layer: usize,
    /// Which inputs, in the order of the values.
    pub inputs: Vec<usize>,
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    /// `[inputs * channels, height * width]`.
    pub values: Tensor,
}

/// What the values of an epoch must fit.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// Ids of the classes.
    pub(super) classes: Vec<i64>,
    /// Units of the layers.
    layers: Vec<usize>,
    inputs: usize,
}

impl Shape {
    pub(super) fn of(recording: &Recording) -> Self {
        Self {
            classes: recording.classes.iter().map(|class| class.id).collect(),
            layers: recording.layers.iter().map(|layer| layer.units).collect(),
            inputs: recording.inputs.len(),
        }
    }

    /// The arrays that hold `values`; what does not fit otherwise.
    pub(super) fn parts<'a>(&self, values: &'a EpochValues) -> Result<Vec<Part<'a>>, String> {
        if values.units.is_empty() && values.aggregates.is_empty() {
            return Err("it has neither unit values nor aggregates".to_owned());
        }
        let mut parts = Vec::new();
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
            parts.push(Part::integers("inputs", inputs.iter().map(|&input| input as i64).collect()));
        }
        if !values.units.is_empty() {
            let shapes = values.units.iter().map(|tensor| (tensor.rows(), tensor.columns()));
            if !shapes.eq(self.layers.iter().map(|&units| (rows, units))) {
                return Err(format!("its unit values are not {rows} rows of every layer's units"));
            }
            for (layer, tensor) in values.units.iter().enumerate() {
                tensor_parts(
                    &mut parts,
                    array(layer, "units"),
                    vec![tensor.rows(), tensor.columns()],
                    tensor,
                );
            }
        }
        if !values.aggregates.is_empty() {
            self.aggregate_parts(&mut parts, &values.aggregates)?;
        }
        if let Some(predictions) = &values.predictions {
            if predictions.len() != rows {
                return Err(format!("it has {} predictions for {rows} inputs", predictions.len()));
            }
            let id =
                |class: &Option<usize>| class.and_then(|class| self.classes.get(class)).map_or(-1, |&id| id);
            parts.push(Part::integers("predictions", predictions.iter().map(id).collect()));
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
            let name = array(maps.layer, "maps");
            let inputs = maps.inputs.iter().map(|&input| input as i64).collect();
            parts.push(Part::integers(format!("{name}.inputs"), inputs));
            tensor_parts(&mut parts, name, shape, &maps.values);
        }
        Ok(parts)
    }

    fn aggregate_parts(
        &self,
        parts: &mut Vec<Part<'_>>,
        groups: &[(Group, Vec<Aggregate>)],
    ) -> Result<(), String> {
        let number = |group: &Group| match group {
            Group::All => Some(-1),
            Group::Class(class) => self.classes.get(*class).copied(),
        };
        let numbers: Option<Vec<i64>> = groups.iter().map(|(group, _)| number(group)).collect();
        parts.push(Part::integers(
            "groups",
            numbers.ok_or("an aggregate speaks of a class that is not listed")?,
        ));
        let count = |aggregates: &Vec<Aggregate>| aggregates.first().map_or(0, |first| first.count as i64);
        parts
            .push(Part::integers("counts", groups.iter().map(|(_, aggregates)| count(aggregates)).collect()));
        type Read = fn(&Aggregate) -> Option<&Vec<f32>>;
        let statistics: [(&str, Read); 5] = [
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
                        parts.push(Part::floats(array(layer, name), vec![groups.len(), units], values));
                    }
                    None if name != "mean" => {}
                    _ => return Err(format!("an aggregate does not fit layer {layer} of {units} units")),
                }
            }
        }
        Ok(())
    }
}

fn tensor_parts<'a>(parts: &mut Vec<Part<'a>>, name: String, shape: Vec<usize>, tensor: &'a Tensor) {
    let dtype = match tensor.dtype() {
        Dtype::F32 => Stored::F32,
        Dtype::F16 => Stored::F16,
        Dtype::BF16 => Stored::BF16,
        Dtype::U8 { scale, offset } => {
            parts.push(Part::floats(format!("{name}.scale"), vec![2], vec![scale, offset]));
            Stored::U8
        }
    };
    parts.push(Part::bytes(name, dtype, shape, tensor.bytes()));
}
