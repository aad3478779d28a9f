//! Controls that egui lacks, all of one height and with an accessible name.

pub(super) mod list_selection;
pub(super) mod thumbnails;

use crate::ui::text;
use egui::{
    Align2, CornerRadius, FontId, Painter, Pos2, Rect, Response, Role, Sense, Shape, Stroke, Ui, WidgetInfo,
    pos2, vec2,
};

use super::style::{Palette, SMALL, TEXT, semibold};

/// Height of controls, in points.
const CONTROL: f32 = 24.0;
/// Width of the names before controls, in points.
const NAME: f32 = 56.0;
/// Height of a list row, in points.
pub const ROW: f32 = 20.0;

/// Shows the heading of a section of a panel, with space above it.
pub fn heading(ui: &mut Ui, text: &str) {
    ui.add_space(12.0);
    ui.label(egui::RichText::new(text).font(FontId::new(TEXT, semibold())));
}

/// Shows a control with its name before it.
pub fn named<T>(ui: &mut Ui, palette: Palette, name: &str, add: impl FnOnce(&mut Ui) -> T) -> T {
    ui.horizontal(|ui| {
        let (place, _) = ui.allocate_exact_size(vec2(NAME, CONTROL), Sense::hover());
        let font = FontId::proportional(SMALL);
        ui.painter().text(place.left_center(), Align2::LEFT_CENTER, name, font, palette.dim);
        add(ui)
    })
    .inner
}

/// Shows options side by side, one of which is selected; returns the one that was clicked. The options'
/// accessible names are "GROUP: NAME".
pub fn segmented<T: Copy + PartialEq>(
    ui: &mut Ui,
    palette: Palette,
    group: &str,
    options: &[(T, &str)],
    current: Option<T>,
) -> Option<T> {
    let (whole, _) = ui.allocate_exact_size(vec2(ui.available_width(), CONTROL), Sense::hover());
    ui.painter().rect_filled(whole, CornerRadius::same(4), palette.control);
    let texts: Vec<_> = options
        .iter()
        .map(|(_, name)| {
            ui.painter().layout_no_wrap((*name).to_owned(), FontId::proportional(SMALL), palette.text)
        })
        .collect();
    // Equal widths if all texts fit, else equal space around each text.
    let equal = whole.width() / options.len().max(1) as f32;
    let fits = texts.iter().all(|text| text.size().x + 12.0 <= equal);
    let air =
        (whole.width() - texts.iter().map(|text| text.size().x).sum::<f32>()) / options.len().max(1) as f32;
    let mut chosen = None;
    let mut left = whole.left();
    for (index, (&(value, name), text)) in options.iter().zip(texts).enumerate() {
        let width = if fits { equal } else { text.size().x + air };
        let rect = Rect::from_min_size(pos2(left, whole.top()), vec2(width, CONTROL));
        left += width;
        let response = ui.interact(rect, ui.scope_id().with((group, index)), Sense::click());
        let selected = current == Some(value);
        response.widget_info(|| {
            WidgetInfo::selected(Role::RadioButton, ui.is_enabled(), selected, format!("{group}: {name}"))
        });
        if selected {
            ui.painter().rect_filled(rect, CornerRadius::same(4), palette.accent_fill);
        } else if response.hovered() {
            ui.painter().rect_filled(rect, CornerRadius::same(4), palette.control_hovered);
        }
        focus_ring(ui, &response, palette);
        let at = Align2::CENTER_CENTER.anchor_size(rect.center(), text.size());
        ui.painter().galley(at.min, text, palette.text);
        if response.clicked() {
            chosen = Some(value);
        }
        if let Some(tip) = text::option_tip(group, name) {
            response.on_hover_text(tip);
        }
    }
    chosen
}

/// The content of a list row.
pub struct RowContent<'a> {
    /// Its accessible name.
    pub name: String,
    /// The text at the left, which is shortened to the available width.
    pub left: &'a str,
    /// The text at the right.
    pub right: &'a str,
    /// The row is selected.
    pub selected: bool,
}

/// Shows a list row over the available width.
pub fn row(ui: &mut Ui, palette: Palette, row: RowContent) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, ui.is_enabled(), row.selected, &row.name));
    paint_row(ui, palette, rect, response.hovered(), &row);
    focus_ring(ui, &response, palette);
    response
}

/// Paints a list row.
fn paint_row(ui: &Ui, palette: Palette, rect: Rect, hovered: bool, row: &RowContent) {
    let fill = match (row.selected, hovered) {
        (true, _) => Some(palette.accent_fill),
        (false, true) => Some(palette.control),
        _ => None,
    };
    if let Some(fill) = fill {
        ui.painter().rect_filled(rect, CornerRadius::same(4), fill);
    }
    let font = FontId::proportional(SMALL);
    let right = ui.painter().text(
        rect.right_center() - vec2(8.0, 0.0),
        Align2::RIGHT_CENTER,
        row.right,
        font.clone(),
        palette.dim,
    );
    let room = ((right.left() - rect.left() - 16.0) / 6.5).max(4.0) as usize;
    ui.painter().text(
        rect.left_center() + vec2(8.0, 0.0),
        Align2::LEFT_CENTER,
        text::truncate(row.left, room),
        font,
        palette.text,
    );
}

/// The icon of a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// A triangle to the right.
    Play,
    /// Two bars.
    Pause,
    /// A triangle to the left, after a bar.
    Back,
    /// A triangle to the right, before a bar.
    Forward,
    /// Two triangles to the left, after a bar.
    First,
    /// Two triangles to the right, before a bar.
    Last,
    /// A star.
    Best,
    /// A circle with an arrow; its button can be on or off.
    Loop,
    /// Two corners that point outwards.
    Enlarge,
    /// Two corners that point inwards.
    Restore,
}

/// Shows a square button with an icon for the bar above a panel, with an accessible name and a tooltip.
pub fn small_icon_button(ui: &mut Ui, palette: Palette, icon: Icon, name: &str, tip: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(20.0, 20.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    focus_ring(ui, &response, palette);
    let colour = if response.hovered() { palette.text } else { palette.dim };
    paint_icon(ui.painter(), rect.center(), icon, colour);
    response.on_hover_text(tip)
}

/// Shows a square button with an icon, an accessible name and a tooltip.
pub fn icon_button(ui: &mut Ui, palette: Palette, icon: Icon, name: &str, on: bool, tip: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(28.0, 28.0), Sense::click());
    let role = if icon == Icon::Loop { Role::CheckBox } else { Role::Button };
    response.widget_info(|| {
        if icon == Icon::Loop {
            WidgetInfo::selected(role, ui.is_enabled(), on, name)
        } else {
            WidgetInfo::labeled(role, ui.is_enabled(), name)
        }
    });
    if response.hovered() {
        ui.painter().rect_filled(rect, CornerRadius::same(4), palette.control_hovered);
    }
    focus_ring(ui, &response, palette);
    let colour = if on || response.is_pointer_button_down_on() { palette.accent } else { palette.text };
    paint_icon(ui.painter(), rect.center(), icon, colour);
    response.on_hover_text(tip)
}

fn paint_icon(painter: &Painter, centre: Pos2, icon: Icon, colour: egui::Color32) {
    let at = |x: f32, y: f32| pos2(centre.x + x, centre.y + y);
    let triangle = |tip: f32, base: f32, half: f32| {
        Shape::convex_polygon(vec![at(base, -half), at(tip, 0.0), at(base, half)], colour, Stroke::NONE)
    };
    let bar = |x: f32, width: f32, half: f32| {
        let rect = Rect::from_min_max(at(x, -half), at(x + width, half));
        Shape::rect_filled(rect, CornerRadius::ZERO, colour)
    };
    match icon {
        Icon::Play => {
            painter.add(triangle(7.0, -5.0, 7.0));
        }
        Icon::Pause => {
            painter.extend([bar(-5.0, 3.5, 6.0), bar(1.5, 3.5, 6.0)]);
        }
        Icon::Back => {
            painter.extend([bar(-5.0, 2.0, 5.0), triangle(-3.0, 5.0, 5.0)]);
        }
        Icon::Forward => {
            painter.extend([triangle(3.0, -5.0, 5.0), bar(3.0, 2.0, 5.0)]);
        }
        Icon::First => {
            painter.extend([bar(-7.0, 2.0, 5.0), triangle(-5.0, 1.0, 5.0), triangle(1.0, 7.0, 5.0)]);
        }
        Icon::Last => {
            painter.extend([triangle(-1.0, -7.0, 5.0), triangle(5.0, -1.0, 5.0), bar(5.0, 2.0, 5.0)]);
        }
        Icon::Best => {
            let star: Vec<Pos2> = (0..10)
                .map(|i| {
                    let angle = i as f32 / 10.0 * std::f32::consts::TAU;
                    let radius = if i % 2 == 0 { 7.5 } else { 3.2 };
                    at(radius * angle.sin(), -radius * angle.cos())
                })
                .collect();
            // A star is not convex, so each of its five points is a polygon of its own.
            for point in (0..10).step_by(2) {
                let spike = vec![star[(point + 9) % 10], star[point], star[point + 1], at(0.0, 0.0)];
                painter.add(Shape::convex_polygon(spike, colour, Stroke::NONE));
            }
        }
        Icon::Enlarge | Icon::Restore => {
            let (corner, end) = if icon == Icon::Enlarge { (4.5, -0.5) } else { (1.5, 6.0) };
            for side in [1.0, -1.0] {
                let points = [(corner, -end), (corner, -corner), (end, -corner)];
                let line = points.map(|(x, y)| at(side * x, side * y)).to_vec();
                painter.line(line, Stroke::new(1.25, colour));
            }
        }
        Icon::Loop => {
            let circle = (3..=19).map(|i| {
                let angle = i as f32 / 20.0 * std::f32::consts::TAU - std::f32::consts::FRAC_PI_2;
                at(6.0 * angle.cos(), 6.0 * angle.sin())
            });
            painter.line(circle.collect(), Stroke::new(1.5, colour));
            painter.add(Shape::convex_polygon(
                vec![at(-2.5, -9.0), at(2.5, -6.0), at(-2.5, -2.5)],
                colour,
                Stroke::NONE,
            ));
        }
    }
}

/// Paints a frame around the control that has the keyboard focus.
pub fn focus_ring(ui: &Ui, response: &Response, palette: Palette) {
    if response.has_focus() {
        ui.painter().rect_stroke(
            response.rect,
            CornerRadius::same(4),
            Stroke::new(1.0, palette.accent),
            egui::StrokeKind::Inside,
        );
    }
}
