//! The columns of the table of layers: text, bar, sort key and copied value of each.

use std::cmp::Ordering;

use crate::insight::LayerStats;
use crate::model::Layer;
use crate::ui::text;

/// A column of the table of layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TableColumn {
    /// [`Layer::name`].
    Name,
    /// The class of the module or, if that is not known, the kind of the layer.
    Type,
    /// [`Layer::units`].
    Units,
    /// [`Layer::shape`].
    Shape,
    /// [`LayerStats::mean`].
    Mean,
    /// [`LayerStats::dead`].
    Dead,
    /// [`LayerStats::saturated`].
    Saturated,
    /// [`LayerStats::sparsity`].
    Sparsity,
    /// [`LayerStats::selectivity`].
    Selectivity,
    /// [`LayerStats::change`].
    Change,
}

impl TableColumn {
    /// Every column in its order in the table. The first one, the name, does not scroll.
    pub const ALL: [Self; 10] = [
        Self::Name,
        Self::Type,
        Self::Units,
        Self::Shape,
        Self::Mean,
        Self::Dead,
        Self::Saturated,
        Self::Sparsity,
        Self::Selectivity,
        Self::Change,
    ];

    /// Returns the heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Name => "Layer",
            Self::Type => "Type",
            Self::Units => "Units",
            Self::Shape => "Shape",
            Self::Mean => "Mean",
            Self::Dead => "Dead",
            Self::Saturated => "Saturated",
            Self::Sparsity => "Sparsity",
            Self::Selectivity => "Selectivity",
            Self::Change => "Change",
        }
    }

    /// Returns the tooltip of the heading.
    pub fn tip(self) -> &'static str {
        match self {
            Self::Name => "The layer's name. The dot before it shows or hides its slab.",
            Self::Type => "The module's class.",
            Self::Units => "Units: values recorded per input.",
            Self::Shape => "Shape of one input's activation.",
            Self::Mean => "Mean activation over all inputs and units.",
            Self::Dead => "Share of units that are > 0 for no input.",
            Self::Saturated => {
                "Share of units whose values all lie in the outermost 5 % of what the layer shows."
            }
            Self::Sparsity => "Share of activations that are not > 0.",
            Self::Selectivity => {
                "Mean class selectivity of the units: 0 answers to all classes alike, 1 to one class only."
            }
            Self::Change => {
                "How far the units' means are from those of the recorded epoch before, by the length of these."
            }
        }
    }

    /// Returns the minimum, the initial and the maximum width, in points.
    pub fn widths(self) -> [f32; 3] {
        match self {
            Self::Name => [112.0, 152.0, 320.0],
            Self::Type => [72.0, 96.0, 144.0],
            Self::Shape => [72.0, 88.0, 144.0],
            Self::Units => [56.0, 60.0, 80.0],
            Self::Mean | Self::Change => [64.0, 68.0, 88.0],
            Self::Dead => [56.0, 64.0, 88.0],
            Self::Saturated | Self::Sparsity | Self::Selectivity => [76.0, 80.0, 96.0],
        }
    }

    /// Returns `true` if the column holds numbers, which are aligned right and sorted in descending order
    /// first.
    pub fn is_number(self) -> bool {
        !matches!(self, Self::Name | Self::Type)
    }

    /// Returns `true` if the column shows [`LayerStats`], which change with the epoch.
    pub fn is_measured(self) -> bool {
        matches!(
            self,
            Self::Mean | Self::Dead | Self::Saturated | Self::Sparsity | Self::Selectivity | Self::Change
        )
    }

    /// Returns the cell's number, if it has one that is known.
    pub fn value(self, layer: &Layer, stats: Option<&LayerStats>) -> Option<f64> {
        let stat = |read: fn(&LayerStats) -> Option<f32>| stats.and_then(read).map(f64::from);
        match self {
            Self::Name | Self::Type => None,
            Self::Units => Some(layer.units as f64),
            Self::Shape => Some(layer.shape.iter().map(|&side| side as f64).product()),
            Self::Mean => stat(|stats| Some(stats.mean)),
            Self::Dead => stat(|stats| stats.dead),
            Self::Saturated => stat(|stats| stats.saturated),
            Self::Sparsity => stat(|stats| stats.sparsity),
            Self::Selectivity => stat(|stats| stats.selectivity),
            Self::Change => stat(|stats| stats.change),
        }
        .filter(|value| value.is_finite())
    }

    /// Returns the cell's text.
    pub fn text(self, layer: &Layer, stats: Option<&LayerStats>) -> String {
        match self {
            Self::Name => layer.name.clone(),
            Self::Type => kind(layer).to_owned(),
            Self::Units => text::format_count(layer.units as u64),
            Self::Shape => shape(layer),
            _ => self.value(layer, stats).map_or_else(
                || "–".to_owned(),
                |value| match self {
                    Self::Dead | Self::Saturated | Self::Sparsity => percent(value),
                    Self::Selectivity => text::format_value(value as f32, 1.0),
                    _ => text::format_value(value as f32, value.abs() as f32),
                },
            ),
        }
    }

    /// Returns the share of the cell that a bar fills, in [0, 1], and `true` if it counts dead or
    /// saturated units.
    pub fn bar(self, layer: &Layer, stats: Option<&LayerStats>) -> Option<(f32, bool)> {
        let wasted = matches!(self, Self::Dead | Self::Saturated);
        let share = wasted || matches!(self, Self::Sparsity | Self::Selectivity);
        let value = self.value(layer, stats).filter(|value| share && *value > 0.0)?;
        Some(((value as f32).min(1.0), wasted))
    }

    /// Returns the text that is copied: numbers with full precision, shares in [0, 1], empty if not known.
    pub fn copy_text(self, layer: &Layer, stats: Option<&LayerStats>) -> String {
        match self {
            Self::Name | Self::Type | Self::Shape => {
                self.text(layer, stats).replace(|c: char| c.is_control(), " ")
            }
            // An f32 is written with no more digits than it has.
            _ => self.value(layer, stats).map_or_else(String::new, |value| (value as f32).to_string()),
        }
    }

    /// Compares two layers. Unknown values come last in both directions.
    pub fn compare(
        self,
        a: (&Layer, Option<&LayerStats>),
        b: (&Layer, Option<&LayerStats>),
        reversed: bool,
    ) -> Ordering {
        let turned = |order: Ordering| if reversed { order.reverse() } else { order };
        match self {
            Self::Name => turned(natural(&a.0.name, &b.0.name)),
            Self::Type => turned(natural(kind(a.0), kind(b.0))),
            _ => match (self.value(a.0, a.1), self.value(b.0, b.1)) {
                (Some(a), Some(b)) => turned(b.total_cmp(&a)),
                (a, b) => b.is_some().cmp(&a.is_some()),
            },
        }
    }
}

/// Returns the module's class of a layer or, if that is not known, its kind.
pub fn kind(layer: &Layer) -> &str {
    if layer.module.is_empty() { layer.kind.name() } else { &layer.module }
}

/// Formats a shape: "64×7×7".
fn shape(layer: &Layer) -> String {
    if layer.shape.is_empty() {
        return "–".to_owned();
    }
    layer.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("×")
}

/// Formats a share in percent; "0 %" and "100 %" are exact.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    match percent {
        p if p <= 0.0 => "0 %".to_owned(),
        p if p < 0.1 => "<0.1 %".to_owned(),
        p if p < 10.0 => format!("{p:.1} %"),
        p if p >= 100.0 => "100 %".to_owned(),
        p if p > 99.9 => ">99.9 %".to_owned(),
        p if p >= 99.5 => format!("{p:.1} %"),
        p => format!("{p:.0} %"),
    }
}

/// Compares names in natural order: runs of digits by value, letters without case.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.chars().peekable(), b.chars().peekable());
    loop {
        match (left.peek().copied(), right.peek().copied()) {
            (None, None) => return a.cmp(b),
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let run = |chars: &mut std::iter::Peekable<std::str::Chars>| {
                    let mut digits = String::new();
                    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                        digits.push(digit);
                    }
                    digits.trim_start_matches('0').to_owned()
                };
                let (x, y) = (run(&mut left), run(&mut right));
                match x.len().cmp(&y.len()).then_with(|| x.cmp(&y)) {
                    Ordering::Equal => {}
                    order => return order,
                }
            }
            (Some(x), Some(y)) => {
                let order = x.to_lowercase().cmp(y.to_lowercase());
                if order != Ordering::Equal {
                    return order;
                }
                left.next();
                right.next();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_in_natural_order() {
        let mut names = ["conv10", "Conv2", "conv2.bias", "fc", "conv1", "10", "2", "02"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["02", "2", "10", "conv1", "Conv2", "conv2.bias", "conv10", "fc"]);
    }

    #[test]
    fn only_exact_shares_are_0_or_100_percent() {
        for (share, text) in [
            (0.0, "0 %"),
            (0.0004, "<0.1 %"),
            (0.034, "3.4 %"),
            (0.125, "12 %"),
            (0.9962, "99.6 %"),
            (0.9999, ">99.9 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(percent(share), text, "{share}");
        }
    }
}
