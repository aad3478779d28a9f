//! The options that choose the appearance of a view.

use std::collections::BTreeSet;
use std::str::FromStr;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use crate::model::{
    ColourMap, EpochPosition, Fold, LayerIndex, ModuleTree, OrderBy, Pin, Range, Recording, Theme, UnitIndex,
    UnitOrder, ViewState,
};

/// The options that choose how a view looks.
#[derive(Debug, Args)]
pub struct ViewArgs {
    /// The colour map [default: one that suits what is shown]
    #[arg(long, value_enum, value_name = "NAME")]
    map: Option<MapArg>,

    /// What the ends of the colour map stand for: auto, layer, network, or two values LOW,HIGH
    #[arg(long, value_name = "RANGE", default_value = "auto", allow_hyphen_values = true)]
    range: RangeArg,

    /// The ends of the colour map are those of all epochs
    #[arg(long)]
    over_epochs: bool,

    /// Percent of the values that lie beyond each end of the colour map, 0 to 10
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = parse_within::<0, 10>)]
    clip: f32,

    /// Factor on the height of cells, up to 10
    #[arg(long, value_name = "F", default_value = "1", value_parser = parse_within::<0, 10>)]
    height: f32,

    /// Dim cells that are weaker than this share of the colour map, 0 to 1
    #[arg(long, value_name = "F", default_value = "0", value_parser = parse_within::<0, 1>)]
    dim_below: f32,

    /// In which order units stand: activation, selectivity or similarity, of the epoch @E
    ///
    /// Without @E it is the order of the epoch that is drawn.
    #[arg(long, value_name = "BY[@E]")]
    order: Option<OrderArg>,

    /// Layers that are not drawn: those of this name, or with a part of their name like this; several with
    /// commas between them or by several options; `*` is any text, `?` any character
    #[arg(long, value_name = "PATTERN")]
    hide: Vec<String>,

    /// Draw groups of layers that are this deep in the module tree as one slab each; stages are 1 deep
    /// [default: as deep as is legible]
    #[arg(long, value_name = "N")]
    fold_depth: Option<usize>,

    /// Draw the layers of this group as slabs of their own; several with commas between them or by several options
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    unfold: Vec<String>,

    /// Draw the layers of this group as one slab; several with commas between them or by several options
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    fold: Vec<String>,

    /// Outline and name this unit; may be given several times
    #[arg(long, value_name = "LAYER:UNIT")]
    pin: Vec<PinArg>,

    /// On dark or on light ground
    #[arg(long, value_enum, default_value_t = ThemeArg::Dark)]
    theme: ThemeArg,

    /// Leave out the names of layers and classes
    #[arg(long)]
    no_labels: bool,

    /// Draw what is far as clearly as what is near
    #[arg(long)]
    no_haze: bool,

    /// Leave out the ribbons that show where data flows
    #[arg(long)]
    no_edges: bool,
}

/// A colour map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MapArg {
    Viridis,
    Cividis,
    Magma,
    /// Blue, grey, orange; for values around zero
    Diverging,
    /// White to black
    Paper,
}

/// A theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ThemeArg {
    Dark,
    Light,
}

/// A value range: `auto`, `layer`, `network`, or two values as in `0,2.5`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct RangeArg(Range);

impl FromStr for RangeArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ends = || {
            let (low, high) = text.split_once(',')?;
            let (low, high) = (low.trim().parse::<f32>().ok()?, high.trim().parse::<f32>().ok()?);
            (low.is_finite() && high.is_finite() && low < high).then_some(Range::Fixed { low, high })
        };
        match text {
            "auto" => Ok(Self(Range::Auto)),
            "layer" => Ok(Self(Range::Layer)),
            "network" => Ok(Self(Range::Network)),
            _ => ends().map(Self).ok_or_else(|| {
                "write auto, layer, network, or the lower and the upper end as 0,2.5".to_owned()
            }),
        }
    }
}

/// An order of units as `BY` or `BY@E`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct OrderArg {
    by: OrderBy,
    /// Epoch number; that of the view if there is none.
    epoch: Option<u64>,
}

impl FromStr for OrderArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (by, epoch) = match text.split_once('@') {
            Some((by, epoch)) => {
                (by, Some(epoch.parse().map_err(|_| format!("`{epoch}` is no epoch's number"))?))
            }
            None => (text, None),
        };
        let by = match by {
            "activation" => OrderBy::Activation,
            "selectivity" => OrderBy::Selectivity,
            "similarity" => OrderBy::Similarity,
            _ => return Err("there are activation, selectivity and similarity".to_owned()),
        };
        Ok(Self { by, epoch })
    }
}

/// A pin as `LAYER:UNIT`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PinArg(Pin);

impl FromStr for PinArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Names of layers can contain colons, numbers of units cannot.
        let (layer, unit) = text.rsplit_once(':').ok_or("write it as LAYER:UNIT")?;
        let unit = unit.parse().map(UnitIndex).map_err(|_| format!("`{unit}` is no unit's number"))?;
        Ok(Self(Pin { layer: layer.to_owned(), unit }))
    }
}

/// Parses a number from `LOW` to `HIGH`, both included.
fn parse_within<const LOW: i32, const HIGH: i32>(text: &str) -> Result<f32, String> {
    let number: f32 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if (LOW as f32..=HIGH as f32).contains(&number) {
        Ok(number)
    } else {
        Err(format!("it must be between {LOW} and {HIGH}"))
    }
}

impl ViewArgs {
    /// Sets the options in `view`, which shows `recording` at `position`.
    ///
    /// # Errors
    ///
    /// If the recording lacks a layer, unit or epoch that an option names.
    pub fn apply(
        &self,
        view: &mut ViewState,
        recording: &Recording,
        position: EpochPosition,
    ) -> anyhow::Result<()> {
        view.colour_map = self.map.map(|map| match map {
            MapArg::Viridis => ColourMap::Viridis,
            MapArg::Cividis => ColourMap::Cividis,
            MapArg::Magma => ColourMap::Magma,
            MapArg::Diverging => ColourMap::Diverging,
            MapArg::Paper => ColourMap::Paper,
        });
        view.theme = match self.theme {
            ThemeArg::Dark => Theme::Dark,
            ThemeArg::Light => Theme::Light,
        };
        view.range = self.range.0;
        view.over_epochs = self.over_epochs;
        view.clip = self.clip;
        view.height = self.height;
        view.dim_below = self.dim_below;
        view.order = match self.order {
            None => None,
            Some(OrderArg { by, epoch }) => {
                let here = || recording.epochs.get(position.from.0).map(|epoch| epoch.number);
                Some(UnitOrder { by, epoch: epoch.or_else(here).context("--order: there is no epoch")? })
            }
        };
        view.labels = !self.no_labels;
        view.haze = !self.no_haze;
        view.edges = !self.no_edges;
        view.hidden = BTreeSet::new();
        for patterns in &self.hide {
            let layers = recording.layers_matching(patterns).context("--hide")?;
            view.hidden
                .extend(layers.into_iter().map(|LayerIndex(layer)| recording.layers[layer].name.clone()));
        }
        view.fold = self.fold(recording)?;
        for PinArg(pin) in &self.pin {
            let layer = recording.layers.iter().find(|layer| layer.name == pin.layer);
            let layer = layer.ok_or_else(|| recording.unknown_layer(&pin.layer)).context("--pin")?;
            if pin.unit.0 >= layer.units {
                bail!("--pin: layer {} has {} units, from 0 on", layer.name, layer.units);
            }
        }
        view.pins = self.pin.iter().map(|PinArg(pin)| pin.clone()).collect();
        Ok(())
    }
}

impl ViewArgs {
    /// Returns the folded groups.
    ///
    /// # Errors
    ///
    /// If the recording lacks a group that an option names.
    fn fold(&self, recording: &Recording) -> anyhow::Result<Fold> {
        let tree = ModuleTree::new(recording);
        let mut fold = Fold { depth: self.fold_depth, ..Fold::default() };
        for (option, paths, folded) in [("--fold", &self.fold, true), ("--unfold", &self.unfold, false)] {
            for path in paths {
                if tree.find(path).is_none() {
                    bail!(
                        "{option}: there is no group of layers `{path}`; groups are beginnings of layer names"
                    );
                }
                fold.set(path, folded);
            }
        }
        Ok(fold)
    }
}

#[cfg(test)]
mod tests;
