//! The epoch of a selection: the current one, or one of its own.

use egui::{DragValue, RichText, Role, Ui, WidgetInfo};

use super::SelectionPicker;
use crate::model::{EpochRef, Selection};
use crate::ui::style::SMALL;
use crate::ui::widgets::named;

impl SelectionPicker<'_> {
    /// Shows the choice of the epoch.
    pub(super) fn own_epoch(&self, ui: &mut Ui, current: &Selection) -> Option<Selection> {
        let epochs = &self.recording.epochs;
        if epochs.len() < 2 && current.epoch.is_none() {
            return None;
        }
        let current_number = self.epoch.and_then(|epoch| epochs.get(epoch)).map_or(0, |epoch| epoch.number);
        let number = match current.epoch {
            Some(epoch @ (EpochRef::Number(_) | EpochRef::Between(_))) => epoch,
            _ => EpochRef::Number(current_number),
        };
        let options: Vec<Option<EpochRef>> = [EpochRef::First, EpochRef::Best, EpochRef::Last, number]
            .into_iter()
            .filter(|epoch| epoch.resolve(self.recording).is_ok() || current.epoch == Some(*epoch))
            .map(Some)
            .collect();
        let text = |epoch: Option<EpochRef>| match epoch {
            None => "the epoch shown".to_owned(),
            Some(epoch @ (EpochRef::First | EpochRef::Last | EpochRef::Best)) => format!("the {epoch} epoch"),
            Some(epoch) => format!("epoch {epoch}"),
        };
        let mut chosen = current.epoch;
        named(ui, self.palette, "At", |ui| {
            let numbered = matches!(chosen, Some(EpochRef::Number(_)));
            let width = ui.available_width() - if numbered { 56.0 } else { 0.0 };
            let combo = egui::ComboBox::from_id_salt((self.group, "moment"))
                .selected_text(RichText::new(text(chosen)).size(SMALL))
                .width(width)
                .show_ui(ui, |ui| {
                    for option in std::iter::once(None).chain(options) {
                        ui.selectable_value(&mut chosen, option, text(option));
                    }
                });
            combo.response.widget_info(|| {
                let mut info = WidgetInfo::labeled(Role::ComboBox, true, format!("{}: epoch", self.group));
                info.current_text_value = Some(text(chosen));
                info
            });
            if let (true, Some(EpochRef::Number(number))) = (numbered, &mut chosen) {
                self.number(ui, number);
            }
        });
        (chosen != current.epoch).then(|| Selection { epoch: chosen, ..current.clone() })
    }

    /// Shows the choice of a recorded epoch number, by dragging or as text.
    fn number(&self, ui: &mut Ui, number: &mut u64) {
        let readable: Vec<u64> =
            self.recording.epochs.iter().filter(|epoch| !epoch.damaged).map(|epoch| epoch.number).collect();
        let Some(last) = readable.len().checked_sub(1) else { return };
        let nearest = |number: f64| {
            let distance = |index: &usize| (readable[*index] as f64 - number).abs();
            (0..=last).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(last)
        };
        let mut index = nearest(*number as f64);
        let value = DragValue::new(&mut index)
            .range(0..=last)
            .speed(0.1)
            .custom_formatter(|index, _| {
                readable.get(index as usize).map_or_else(String::new, u64::to_string)
            })
            .custom_parser(|text| Some(nearest(text.trim().parse().ok()?) as f64));
        let response = ui.add(value);
        response.widget_info(|| {
            let mut info =
                WidgetInfo::labeled(Role::SpinButton, true, format!("{}: epoch number", self.group));
            info.value = Some(*number as f64);
            info
        });
        if response.changed() {
            *number = readable[index.min(last)];
        }
    }
}
