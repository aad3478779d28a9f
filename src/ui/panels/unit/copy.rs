//! A unit's profile as tab-separated text: tables with headings, separated by an empty line.

use super::UnitPanel;
use crate::insight::{Distribution, UnitProfile};
use crate::model::Pin;

impl UnitPanel<'_> {
    /// Returns the text. Numbers have all their digits; unknown values are empty.
    pub(super) fn copied(&self, pin: &Pin, profile: &UnitProfile) -> String {
        let facts = self.fact_table(pin, profile);
        let tables = [facts, self.history(profile), self.distributions(profile), self.inputs(profile)];
        let tables = tables.into_iter().chain([similar_units(profile)]).filter(|table| table.len() > 1);
        let texts = tables.map(|rows| rows.iter().map(|row| row.join("\t") + "\n").collect::<String>());
        texts.collect::<Vec<_>>().join("\n")
    }

    fn fact_table(&self, pin: &Pin, profile: &UnitProfile) -> Vec<Vec<String>> {
        let selectivity = profile.selectivity;
        let class = selectivity.map(|selectivity| self.class_name(Some(selectivity.class)));
        let all = profile.distributions.iter().find(|distribution| distribution.class.is_none());
        let heads = ["layer", "unit", "epoch", "now", "mean", "rank", "of", "selectivity", "for class"];
        let row = vec![
            text(&pin.layer),
            pin.unit.to_string(),
            self.epoch(profile.epoch.0),
            number(self.value(pin)),
            number(all.map(|all| all.mean)),
            profile.rank.map(|rank| rank.to_string()).unwrap_or_default(),
            profile.of.to_string(),
            number(selectivity.map(|selectivity| selectivity.index)),
            class.unwrap_or_default(),
        ];
        vec![heads.map(str::to_owned).to_vec(), row]
    }

    fn history(&self, profile: &UnitProfile) -> Vec<Vec<String>> {
        let classes = (0..self.recording.classes.len()).map(|class| self.class_name(Some(class)));
        let mut rows = vec![["epoch", "all inputs"].map(str::to_owned).into_iter().chain(classes).collect()];
        for epoch_stats in &profile.history {
            let mut row = vec![self.epoch(epoch_stats.epoch.0), number(Some(epoch_stats.all))];
            row.extend(epoch_stats.classes.iter().map(|mean| number(Some(*mean))));
            rows.push(row);
        }
        rows
    }

    fn distributions(&self, profile: &UnitProfile) -> Vec<Vec<String>> {
        let heads = [
            "class",
            "values",
            "mean",
            "deviation",
            "least",
            "lower quartile",
            "median",
            "upper quartile",
            "greatest",
            "firing rate",
        ];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        for distribution in &profile.distributions {
            let Distribution { class, count, mean, deviation, quartiles, rate } = *distribution;
            let quartiles = quartiles.map_or([None; 5], |quartiles| quartiles.map(Some));
            let mut row = vec![self.class_name(class), count.to_string(), number(Some(mean))];
            row.extend([deviation].into_iter().chain(quartiles).chain([rate]).map(number));
            rows.push(row);
        }
        rows
    }

    fn inputs(&self, profile: &UnitProfile) -> Vec<Vec<String>> {
        let mut rows = vec![["input", "id", "class", "activation"].map(str::to_owned).to_vec()];
        for &(index, value) in &profile.strongest {
            let input = self.recording.inputs.get(index);
            let class = input.and_then(|input| input.class);
            rows.push(vec![
                index.to_string(),
                input.map(|input| text(&input.id)).unwrap_or_default(),
                class.map(|class| self.class_name(Some(class))).unwrap_or_default(),
                number(Some(value)),
            ]);
        }
        rows
    }

    fn class_name(&self, class: Option<usize>) -> String {
        match class {
            None => "all inputs".to_owned(),
            Some(class) => {
                self.recording.classes.get(class).map(|class| text(&class.name)).unwrap_or_default()
            }
        }
    }

    /// Returns the number of an epoch.
    fn epoch(&self, index: usize) -> String {
        self.recording.epochs.get(index).map(|epoch| epoch.number.to_string()).unwrap_or_default()
    }
}

fn similar_units(profile: &UnitProfile) -> Vec<Vec<String>> {
    let mut rows = vec![["like it", "correlation"].map(str::to_owned).to_vec()];
    rows.extend(
        profile
            .similar
            .iter()
            .map(|similar| vec![similar.unit.to_string(), number(Some(similar.correlation))]),
    );
    rows
}

/// Formats a number with all its digits; empty if it is not finite.
fn number(value: Option<f32>) -> String {
    value.filter(|value| value.is_finite()).map(|value| value.to_string()).unwrap_or_default()
}

/// Returns a name without control characters, which would break the table.
fn text(name: &str) -> String {
    name.replace(|c: char| c.is_control(), " ")
}
