//! Fonts, colours and spacing of panels and overlay.

use std::sync::{Arc, LazyLock};

use egui::{Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Shadow, Stroke, TextStyle};
use egui_system_font_provider::SystemFontProvider;

use crate::model::Theme;

/// The accent colour, for selected, hovered and live items. No colour map contains it.
const ACCENT: Color32 = Color32::from_rgb(0x4f, 0xd6, 0xff);

/// Size of running text, in points.
pub const TEXT: f32 = 13.0;
/// Size of secondary text, in points.
pub const SMALL: f32 = 12.0;

/// Colours of everything except data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// Background of the scene.
    pub ground: Color32,
    /// Background of panels.
    pub panel: Color32,
    /// Fill of controls.
    pub control: Color32,
    /// Fill of hovered controls.
    pub control_hovered: Color32,
    /// Separators and borders.
    pub line: Color32,
    /// Primary text.
    pub text: Color32,
    /// Secondary text.
    pub dim: Color32,
    /// The accent for thin lines and text.
    pub accent: Color32,
    /// The accent for fills under text.
    pub accent_fill: Color32,
    /// Text and marks of problems.
    pub warning: Color32,
}

impl Palette {
    /// Returns the colours of a theme.
    pub fn of(theme: Theme) -> Self {
        match theme {
            Theme::Dark => Self {
                ground: colour_of(theme.ground()),
                panel: Color32::from_rgb(0x1a, 0x1c, 0x21),
                control: Color32::from_rgb(0x27, 0x2a, 0x31),
                control_hovered: Color32::from_rgb(0x33, 0x37, 0x40),
                line: Color32::from_rgb(0x2b, 0x2e, 0x35),
                text: Color32::from_rgb(0xe2, 0xe4, 0xe8),
                dim: Color32::from_rgb(0x98, 0x9d, 0xa8),
                accent: ACCENT,
                accent_fill: Color32::from_rgb(0x17, 0x4a, 0x5c),
                warning: Color32::from_rgb(0xe8, 0xb8, 0x5c),
            },
            Theme::Light => Self {
                ground: colour_of(theme.ground()),
                panel: Color32::from_rgb(0xfd, 0xfc, 0xfa),
                control: Color32::from_rgb(0xec, 0xea, 0xe5),
                control_hovered: Color32::from_rgb(0xe0, 0xdd, 0xd6),
                line: Color32::from_rgb(0xe0, 0xde, 0xd8),
                text: Color32::from_rgb(0x22, 0x24, 0x28),
                dim: Color32::from_rgb(0x66, 0x6a, 0x72),
                accent: Color32::from_rgb(0x00, 0x7f, 0xa8),
                accent_fill: Color32::from_rgb(0xc4, 0xee, 0xfb),
                warning: Color32::from_rgb(0x9a, 0x67, 0x00),
            },
        }
    }
}

/// Converts an 8-bit sRGB colour.
pub fn colour_of(rgb: [u8; 3]) -> Color32 {
    Color32::from_rgb(rgb[0], rgb[1], rgb[2])
}

/// Returns the font family of headings and names.
pub fn semibold() -> FontFamily {
    FontFamily::Name("semibold".into())
}

/// Returns egui's fonts with Open Sans, whose digits have equal width, as the first choice.
fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let bundled: [(&str, &'static [u8]); 2] = [
        ("Open Sans", include_bytes!("../../assets/fonts/OpenSans-Regular.ttf")),
        ("Open Sans Semibold", include_bytes!("../../assets/fonts/OpenSans-Semibold.ttf")),
    ];
    for (name, bytes) in bundled {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let family = |first: &str| std::iter::once(first.to_owned()).chain(fallback.iter().cloned()).collect();
    fonts.families.insert(FontFamily::Proportional, family("Open Sans"));
    fonts.families.insert(semibold(), family("Open Sans Semibold"));
    fonts
}

/// Installs the fonts in a context. Call once per context.
pub fn install_fonts(ctx: &egui::Context) {
    /// Lists the system's fonts on a thread of its own; shared by all contexts.
    static SYSTEM_FONTS: LazyLock<Arc<SystemFontProvider>> =
        LazyLock::new(|| Arc::new(SystemFontProvider::new()));
    ctx.set_fonts(fonts());
    ctx.set_font_providers(vec![Arc::clone(&SYSTEM_FONTS) as Arc<dyn egui::FontProvider>]);
}

/// Turns animations of panels off if `less`, else on.
pub fn set_motion(ctx: &egui::Context, less: bool) {
    if (ctx.global_style().animation_time == 0.0) == less {
        return;
    }
    let usual = egui::Style::default();
    let (time, scroll) = match less {
        true => (0.0, egui::style::ScrollAnimation::none()),
        false => (usual.animation_time, usual.scroll_animation),
    };
    ctx.all_styles_mut(|style| {
        (style.animation_time, style.scroll_animation) = (time, scroll);
        style.visuals.text_cursor.blink = !less;
    });
}

/// Installs the sizes, spaces and colours of `theme` in a context.
pub fn install_style(ctx: &egui::Context, theme: Theme) {
    let palette = Palette::of(theme);
    let egui_theme = match theme {
        Theme::Dark => egui::Theme::Dark,
        Theme::Light => egui::Theme::Light,
    };
    ctx.set_theme(egui_theme);
    ctx.style_mut_of(egui_theme, |style| {
        let regular = |size| FontId::new(size, FontFamily::Proportional);
        style.text_styles = [
            (TextStyle::Small, regular(SMALL)),
            (TextStyle::Body, regular(TEXT)),
            (TextStyle::Button, regular(TEXT)),
            (TextStyle::Monospace, regular(TEXT)),
            (TextStyle::Heading, FontId::new(TEXT, semibold())),
        ]
        .into();
        style.spacing.item_spacing = egui::vec2(8.0, 4.0);
        style.spacing.button_padding = egui::vec2(8.0, 4.0);
        style.spacing.interact_size = egui::vec2(24.0, 24.0);
        style.spacing.slider_rail_height = 4.0;
        style.spacing.icon_width = 16.0;
        style.spacing.icon_width_inner = 8.0;
        style.spacing.scroll = egui::style::ScrollStyle::thin();
        style.interaction.selectable_labels = false;
        colour(&mut style.visuals, palette);
    });
}

/// Sets the colours and shapes of egui's controls.
fn colour(visuals: &mut egui::Visuals, palette: Palette) {
    let radius = CornerRadius::same(4);
    visuals.panel_fill = palette.panel;
    visuals.window_fill = palette.panel;
    visuals.window_stroke = Stroke::new(1.0, palette.line);
    visuals.window_shadow = Shadow::NONE;
    visuals.popup_shadow = Shadow::NONE;
    visuals.menu_corner_radius = radius;
    visuals.faint_bg_color = palette.control;
    visuals.extreme_bg_color = palette.control;
    visuals.weak_text_color = Some(palette.dim);
    visuals.warn_fg_color = palette.warning;
    visuals.hyperlink_color = palette.accent;
    visuals.selection.bg_fill = palette.accent_fill;
    visuals.selection.stroke = Stroke::new(1.0, palette.text);
    visuals.slider_trailing_fill = true;
    visuals.handle_shape = egui::style::HandleShape::Circle;
    let widgets = &mut visuals.widgets;
    for (widget, fill) in [
        (&mut widgets.noninteractive, palette.panel),
        (&mut widgets.inactive, palette.control),
        (&mut widgets.hovered, palette.control_hovered),
        (&mut widgets.active, palette.control_hovered),
        (&mut widgets.open, palette.control_hovered),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::NONE;
        widget.fg_stroke = Stroke::new(1.0, palette.text);
        widget.corner_radius = radius;
        widget.expansion = 0.0;
    }
    widgets.noninteractive.bg_stroke = Stroke::new(1.0, palette.line);
    widgets.hovered.fg_stroke = Stroke::new(1.5, palette.text);
    widgets.active.fg_stroke = Stroke::new(1.5, palette.accent);
}
