//! Box plots of a unit's values over all inputs and over those of each class.

use egui::{
    Align2, Color32, CornerRadius, FontId, Rect, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2,
};

use super::lines::{MOST, series_style};
use super::{UnitAction, UnitPanel};
use crate::insight::{Distribution, UnitProfile};
use crate::model::{Selection, ViewState};
use crate::ui::style::SMALL;
use crate::ui::text;
use crate::ui::widgets::{ROW, focus_ring, heading};

/// Number of visible rows: all inputs, and one row per line.
const ROWS: usize = MOST + 1;
/// Width of the names, in points.
const NAME: f32 = 96.0;
/// Width of the means, in points.
const MEAN: f32 = 48.0;

impl UnitPanel<'_> {
    /// Shows a row per distribution; returns the selection of a clicked one.
    pub(super) fn classes(&self, ui: &mut Ui, profile: &UnitProfile, view: &ViewState) -> Option<UnitAction> {
        heading(ui, "Classes");
        let all = &profile.distributions;
        let chosen = view.query.select.classes(self.recording).unwrap_or_default();
        let none = view.query.select.terms.is_empty();
        let drawn = self.classes_drawn(profile, &chosen);
        let ends = ends(all)?;
        let mut action = None;
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            let area = ScrollArea::vertical()
                .id_salt("classes")
                .max_height(ROWS as f32 * ROW)
                .auto_shrink([false, true]);
            area.show_rows(ui, ROW, all.len(), |ui, rows| {
                for distribution in &all[rows] {
                    let (selected, colour) = match distribution.class {
                        None => (none, self.palette.text),
                        Some(class) => {
                            let number = drawn.iter().find(|(drawn, _)| *drawn == class);
                            let colour = number.map(|(_, number)| series_style(*number, self.palette).colour);
                            (chosen.contains(&class), colour.unwrap_or(self.palette.dim))
                        }
                    };
                    if self.class(ui, distribution, ends, selected, colour) {
                        action = Some(UnitAction::Select(match distribution.class {
                            Some(class) if class < self.recording.classes.len() => {
                                Selection::class(self.recording, class)
                            }
                            _ => Selection::default(),
                        }));
                    }
                }
            });
            self.scale(ui, ends);
        });
        action
    }

    /// Shows a row; returns `true` if it was clicked.
    fn class(
        &self,
        ui: &mut Ui,
        distribution: &Distribution,
        ends: [f32; 2],
        selected: bool,
        colour: Color32,
    ) -> bool {
        let palette = self.palette;
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
        let class = distribution.class.and_then(|class| self.recording.classes.get(class));
        let name = class.map_or("all inputs", |class| class.name.as_str());
        response.widget_info(|| {
            let mut info = WidgetInfo::selected(
                Role::Button,
                ui.is_enabled(),
                selected,
                format!("Classes: {}", text::truncate(name, 60)),
            );
            info.current_text_value = Some(describe(distribution));
            info
        });
        let fill = match (selected, response.hovered()) {
            (true, _) => Some(palette.accent_fill),
            (false, true) => Some(palette.control),
            _ => None,
        };
        if let Some(fill) = fill {
            ui.painter().rect_filled(rect, CornerRadius::same(4), fill);
        }
        focus_ring(ui, &response, palette);
        let font = FontId::proportional(SMALL);
        ui.painter().circle_filled(rect.left_center() + vec2(8.0, 0.0), 3.5, colour);
        let short_name = text::truncate(name, 13);
        ui.painter().text(
            rect.left_center() + vec2(18.0, 0.0),
            Align2::LEFT_CENTER,
            short_name,
            font.clone(),
            palette.text,
        );
        let mean = text::format_value(distribution.mean, distribution.mean.abs());
        ui.painter().text(
            rect.right_center() - vec2(4.0, 0.0),
            Align2::RIGHT_CENTER,
            mean,
            font,
            palette.dim,
        );
        self.box_of(ui, place(rect), distribution, ends, colour);
        let clicked = response.clicked();
        response.on_hover_ui(|ui| {
            ui.label(format!("{name}\n{}", describe(distribution).replace(" · ", "\n")));
        });
        clicked
    }

    /// Paints a line from minimum to maximum, a box for the middle half, a stroke for the median and a dot
    /// for the mean. Without single values: the mean, and one standard deviation to either side.
    fn box_of(&self, ui: &Ui, place: Rect, distribution: &Distribution, ends: [f32; 2], colour: Color32) {
        let painter = ui.painter();
        let x = |value: f32| {
            let share = (value - ends[0]) / (ends[1] - ends[0]);
            place.left() + share.clamp(0.0, 1.0) * place.width()
        };
        let y = place.center().y;
        let thin = Stroke::new(1.0, colour.gamma_multiply(0.7));
        if let Some([least, lower, median, upper, greatest]) = distribution.quartiles {
            painter.hline(x(least)..=x(greatest), y, thin);
            let half =
                Rect::from_min_max(pos2(x(lower), y - 5.0), pos2(x(upper).max(x(lower) + 1.0), y + 5.0));
            painter.rect_filled(half, CornerRadius::same(1), self.palette.panel);
            painter.rect_filled(half, CornerRadius::same(1), colour.gamma_multiply(0.45));
            painter.vline(x(median), (y - 6.0)..=(y + 6.0), Stroke::new(2.0, colour));
        } else if let Some(deviation) = distribution.deviation {
            painter.hline(x(distribution.mean - deviation)..=x(distribution.mean + deviation), y, thin);
        }
        if distribution.mean.is_finite() {
            painter.circle_filled(pos2(x(distribution.mean), y), 2.5, self.palette.text);
        }
    }

    /// Shows the values at both ends, and zero if it lies between them.
    fn scale(&self, ui: &mut Ui, ends: [f32; 2]) {
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 16.0), Sense::hover());
        let place = place(rect);
        let span = ends[1] - ends[0];
        let font = FontId::proportional(SMALL);
        let text = |x: f32, align: Align2, value: f32| {
            let at = pos2(x, rect.top());
            ui.painter().text(at, align, text::format_value(value, span), font.clone(), self.palette.dim)
        };
        let low = text(place.left(), Align2::LEFT_TOP, ends[0]);
        let high = text(place.right(), Align2::RIGHT_TOP, ends[1]);
        let zero = place.left() - ends[0] / span * place.width();
        if zero > low.right() + 12.0 && zero < high.left() - 12.0 {
            text(zero, Align2::CENTER_TOP, 0.0);
        }
    }
}

/// Returns the rectangle of the box plot in a row.
fn place(row: Rect) -> Rect {
    let left = row.left() + NAME.min(0.4 * row.width());
    Rect::from_x_y_ranges(left..=(row.right() - MEAN - 8.0).max(left + 8.0), row.y_range())
}

/// Returns the lowest and the highest value of the box plots; `None` without any.
fn ends(distributions: &[Distribution]) -> Option<[f32; 2]> {
    let mut ends = [f32::INFINITY, f32::NEG_INFINITY];
    for distribution in distributions {
        let deviation = distribution.deviation.unwrap_or(0.0);
        let reach = match distribution.quartiles {
            Some([least, .., greatest]) => [least, greatest],
            None => [distribution.mean - deviation, distribution.mean + deviation],
        };
        for value in reach.into_iter().chain([distribution.mean]).filter(|value| value.is_finite()) {
            ends = [ends[0].min(value), ends[1].max(value)];
        }
    }
    if ends[0] > ends[1] {
        return None;
    }
    // If all values are equal, they are in the middle.
    let least = (1e-3 * ends[1].abs().max(ends[0].abs())).max(f32::MIN_POSITIVE * 1e6);
    Some(if ends[1] - ends[0] < least { [ends[0] - least, ends[1] + least] } else { ends })
}

/// Describes a distribution.
fn describe(distribution: &Distribution) -> String {
    let number = |value: f32| text::format_value(value, value.abs());
    let mut parts = vec![
        format!("{} values", text::format_count(distribution.count)),
        format!("mean {}", number(distribution.mean)),
    ];
    parts.extend(distribution.deviation.map(|deviation| format!("standard deviation {}", number(deviation))));
    if let Some([least, lower, median, upper, greatest]) = distribution.quartiles {
        parts.push(format!("median {}", number(median)));
        parts.push(format!("middle half {} to {}", number(lower), number(upper)));
        parts.push(format!("all {} to {}", number(least), number(greatest)));
    }
    parts.extend(distribution.rate.map(|rate| format!("fires for {:.0} %", 100.0 * rate)));
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distribution(mean: f32, deviation: Option<f32>, quartiles: Option<[f32; 5]>) -> Distribution {
        Distribution { class: None, count: 4, mean, deviation, quartiles, rate: None }
    }

    #[test]
    fn the_scale_contains_every_value() {
        assert_eq!(ends(&[]), None);
        assert_eq!(ends(&[distribution(f32::NAN, None, None)]), None);
        assert_eq!(
            ends(&[distribution(1.0, Some(0.5), None), distribution(3.0, None, None)]),
            Some([0.5, 3.0])
        );
        let all =
            [distribution(1.0, Some(9.0), Some([0.0, 0.5, 1.0, 1.5, 2.0])), distribution(-1.0, None, None)];
        assert_eq!(ends(&all), Some([-1.0, 2.0]), "single values tell more than their deviation");
        let [low, high] = ends(&[distribution(5.0, None, None)]).expect("one value");
        assert!(low < 5.0 && 5.0 < high && (5.0 - low) == (high - 5.0), "{low} {high}");
        let [low, high] = ends(&[distribution(0.0, None, None)]).expect("one value");
        assert!(low < 0.0 && 0.0 < high);
    }
}
