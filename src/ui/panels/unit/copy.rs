//! What is known of a unit as tab-separated text: tables with headings, an empty line between them.

use super::Units;
use crate::insight::{Distribution, UnitProfile};
use crate::model::Pin;

impl Units<'_> {
    /// Numbers have all their digits; what is not known is empty.
    pub(super) fn copied(&self, pin: &Pin, biography: &UnitProfile) -> String {
        let facts = self.fact_table(pin, biography);
        let tables = [facts, self.history(biography), self.distributions(biography), self.inputs(biography)];
        let tables = tables.into_iter().chain([twins(biography)]).filter(|table| table.len() > 1);
        let texts = tables.map(|rows| rows.iter().map(|row| row.join("\t") + "\n").collect::<String>());
        texts.collect::<Vec<_>>().join("\n")
    }

    fn fact_table(&self, pin: &Pin, biography: &UnitProfile) -> Vec<Vec<String>> {
        let selectivity = biography.selectivity;
        let class = selectivity.map(|selectivity| self.class_name(Some(selectivity.class)));
        let all = biography.distributions.iter().find(|distribution| distribution.class.is_none());
        let heads = ["layer", "unit", "epoch", "now", "mean", "rank", "of", "selectivity", "for class"];
        let row = vec![
            text(&pin.layer),
            pin.unit.to_string(),
            self.epoch(biography.epoch.0),
            number(self.value(pin)),
            number(all.map(|all| all.mean)),
            biography.rank.map(|rank| rank.to_string()).unwrap_or_default(),
            biography.of.to_string(),
            number(selectivity.map(|selectivity| selectivity.index)),
            class.unwrap_or_default(),
        ];
        vec![heads.map(str::to_owned).to_vec(), row]
    }

    fn history(&self, biography: &UnitProfile) -> Vec<Vec<String>> {
        let classes = (0..self.recording.classes.len()).map(|class| self.class_name(Some(class)));
        let mut rows = vec![["epoch", "all inputs"].map(str::to_owned).into_iter().chain(classes).collect()];
        for moment in &biography.history {
            let mut row = vec![self.epoch(moment.epoch.0), number(Some(moment.all))];
            row.extend(moment.classes.iter().map(|mean| number(Some(*mean))));
            rows.push(row);
        }
        rows
    }

    fn distributions(&self, biography: &UnitProfile) -> Vec<Vec<String>> {
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
        for distribution in &biography.distributions {
            let Distribution { class, count, mean, deviation, quartiles, rate } = *distribution;
            let quartiles = quartiles.map_or([None; 5], |quartiles| quartiles.map(Some));
            let mut row = vec![self.class_name(class), count.to_string(), number(Some(mean))];
            row.extend([deviation].into_iter().chain(quartiles).chain([rate]).map(number));
            rows.push(row);
        }
        rows
    }

    fn inputs(&self, biography: &UnitProfile) -> Vec<Vec<String>> {
        let mut rows = vec![["input", "id", "class", "activation"].map(str::to_owned).to_vec()];
        for &(index, value) in &biography.strongest {
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

    /// The number of an epoch.
    fn epoch(&self, index: usize) -> String {
        self.recording.epochs.get(index).map(|epoch| epoch.number.to_string()).unwrap_or_default()
    }
}

fn twins(biography: &UnitProfile) -> Vec<Vec<String>> {
    let mut rows = vec![["like it", "correlation"].map(str::to_owned).to_vec()];
    rows.extend(
        biography.similar.iter().map(|twin| vec![twin.unit.to_string(), number(Some(twin.correlation))]),
    );
    rows
}

/// A number as it is; nothing where it is none.
fn number(value: Option<f32>) -> String {
    value.filter(|value| value.is_finite()).map(|value| value.to_string()).unwrap_or_default()
}

/// A name that breaks no table.
fn text(name: &str) -> String {
    name.replace(|c: char| c.is_control(), " ")
}
