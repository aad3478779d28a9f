//! The whole window's content: scene, side panel, timeline.

use std::time::Duration;

use egui::{Align2, CornerRadius, FontId, Key, Rect, Sense, Ui, WidgetInfo, vec2};

use super::hands;
use super::navigation::Navigator;
use super::overlay::Overlay;
use super::panel::{self, Action, Panel};
use super::pictures::Pictures;
use super::playback::{Epochs, Playback};
use super::runs::OpenRuns;
use super::style::{Palette, SMALL, TEXT, install_style};
use super::timeline::{self, Timeline};
use crate::model::{EpochPosition, Layout, Query, Recording, Theme, ViewState};

/// Width of the side panel's content, in points.
const SIDE: f32 = 248.0;

/// What is being done in the background.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    pub done: usize,
    pub of: usize,
}

/// What is shown at the moment, as the interface needs to know it.
pub struct Facts<'a> {
    pub recording: &'a Recording,
    pub runs: OpenRuns<'a>,
    pub layout: &'a Layout,
    /// Per layer, the values at the ends of the colour map.
    pub ranges: &'a [(f32, f32)],
    pub has_no_value: bool,
    /// The moment that the picture shows.
    pub position: EpochPosition,
    /// The query that the picture shows; the view's own may still be waiting for its values.
    pub query: Query,
    /// Per epoch, whether its values are at hand.
    pub ready: &'a [bool],
    /// Whether there is a picture of the scene, which is to lie below what is painted here.
    pub scene: bool,
    pub adapter: &'a str,
    pub frame_ms: Option<f32>,
    /// What went wrong, in one line.
    pub note: Option<&'a str>,
    pub progress: Option<Progress>,
    /// A writer is at work on the recording.
    pub live: bool,
}

/// What a frame came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    /// Where the scene is, in points.
    pub scene: Rect,
    /// An input whose picture is wanted.
    pub wants_picture: Option<usize>,
}

/// Everything about the window that is not the view itself.
pub struct Interface {
    pub navigator: Navigator,
    pub playback: Playback,
    pub pictures: Pictures,
    hands: panel::Hands,
    epochs: Epochs,
    theme: Option<Theme>,
}

impl Interface {
    pub fn new(recording: &Recording) -> Self {
        Self {
            navigator: Navigator::default(),
            playback: Playback::default(),
            pictures: Pictures::default(),
            hands: panel::Hands::default(),
            epochs: Epochs::new(recording),
            theme: None,
        }
    }

    /// The readable epochs.
    pub fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    /// Takes note of the epochs that the recording has now.
    pub fn renew(&mut self, recording: &Recording) {
        let epochs = Epochs::new(recording);
        self.playback.renumber(&self.epochs, &epochs);
        self.epochs = epochs;
    }

    /// Lays out one frame, and changes `view` as the person asks. It is to be painted over the colour
    /// of panels and, where the scene is, over the scene's picture: filling them here would cost a
    /// processor that draws more than everything else.
    pub fn show(&mut self, ui: &mut Ui, facts: &Facts, view: &mut ViewState) -> Shown {
        if self.theme != Some(view.theme) {
            install_style(ui.ctx(), view.theme);
            self.theme = Some(view.theme);
        }
        let palette = Palette::of(view.theme);
        self.bottom(ui, facts, view, palette);
        let action = self.side(ui, facts, view, palette);
        let scene = egui::CentralPanel::no_frame().show(ui, |ui| self.scene(ui, facts, view, palette)).inner;
        if let Some(Action::Go(target)) = action {
            let now = ui.input(|input| input.time);
            self.navigator.go(target, view.camera, facts.layout, now);
        }
        if self.navigator.is_moving() || self.playback.is_moving() || action.is_some() {
            ui.ctx().request_repaint();
        }
        let wanted = view.query.select.single_input().filter(|input| !self.pictures.knows(*input));
        let wanted = wanted.or_else(|| {
            let minus = view.query.minus.as_ref()?.single_input()?;
            (!self.pictures.knows(minus)).then_some(minus)
        });
        Shown { scene, wants_picture: wanted.filter(|input| *input < facts.recording.inputs.len()) }
    }

    /// Moves the epoch on, by time and keys; to the newest one when that is followed and
    /// `newest_ready`, its values being at hand. To be called before [`Interface::show`], and before
    /// its facts are gathered, so that they speak of the same moment.
    pub fn advance(&mut self, ui: &Ui, view: &mut ViewState, newest_ready: bool) {
        let (now, step) = ui.input(|input| (input.time, f64::from(input.stable_dt)));
        let keys_are_ours = ui.memory(|memory| memory.focused()).is_none_or(|id| id == scene_id());
        if keys_are_ours {
            let (toggle, steps, follow) = ui.input(|input| {
                let presses = |key| input.num_presses(key) as i32;
                let follow =
                    !input.modifiers.command && (input.key_pressed(Key::L) || input.key_pressed(Key::End));
                (input.key_pressed(Key::Space), presses(Key::ArrowRight) - presses(Key::ArrowLeft), follow)
            });
            if follow {
                self.playback.follow();
            }
            if toggle {
                self.playback.toggle(&self.epochs, &mut view.epoch);
            }
            if steps != 0 {
                self.playback.step(steps, &self.epochs, view.epoch, now);
            }
        }
        if newest_ready {
            self.playback.catch_up(&self.epochs, view.epoch, now);
        }
        let cut = self.navigator.reduced_motion;
        view.epoch = self.playback.update(&self.epochs, view.epoch, now, step, cut);
    }

    fn bottom(&mut self, ui: &mut Ui, facts: &Facts, view: &mut ViewState, palette: Palette) {
        let frame = egui::Frame::new().inner_margin(egui::Margin::symmetric(12, 4));
        egui::Panel::bottom("timeline").frame(frame).exact_size(timeline::HEIGHT + 8.0).show(ui, |ui| {
            let timeline = Timeline {
                recording: facts.recording,
                epochs: &self.epochs,
                ready: facts.ready,
                live: facts.live,
                reduced_motion: self.navigator.reduced_motion,
                palette,
            };
            timeline.show(ui, view, &mut self.playback);
        });
    }

    fn side(&mut self, ui: &mut Ui, facts: &Facts, view: &mut ViewState, palette: Palette) -> Option<Action> {
        let frame = egui::Frame::new().inner_margin(egui::Margin::same(16));
        let panel = Panel {
            recording: facts.recording,
            runs: facts.runs,
            ranges: facts.ranges,
            pictures: &self.pictures,
            palette,
            adapter: facts.adapter,
            frame_ms: facts.frame_ms,
            at: self.navigator.at(),
        };
        let (hands, reduced_motion) = (&mut self.hands, &mut self.navigator.reduced_motion);
        egui::Panel::right("side")
            .frame(frame)
            .resizable(false)
            .exact_size(SIDE + 32.0)
            .show(ui, |ui| panel.show(ui, view, hands, reduced_motion))
            .inner
    }

    fn scene(&mut self, ui: &mut Ui, facts: &Facts, view: &mut ViewState, palette: Palette) -> Rect {
        let rect = ui.available_rect_before_wrap();
        let response = ui.interact(rect, scene_id(), Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Canvas, true, "Scene"));
        if response.clicked() || response.drag_started() {
            response.request_focus();
        }
        if response.has_focus() {
            let arrows = egui::EventFilter {
                horizontal_arrows: true,
                vertical_arrows: true,
                ..egui::EventFilter::default()
            };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
        }
        let input = hands::gather(ui, &response);
        view.camera = self.navigator.update(&input, view.camera, facts.layout, rect.aspect_ratio().max(0.01));
        if input.fly != glam::Vec3::ZERO {
            ui.ctx().request_repaint();
        }
        if input.looking {
            ui.ctx().set_cursor_icon(egui::CursorIcon::Crosshair);
        }

        let painter = ui.painter_at(rect);
        if !facts.scene {
            painter.rect_filled(rect, CornerRadius::ZERO, palette.ground);
        }
        let slab = self.navigator.hovered().and_then(|slab| facts.layout.slabs.get(slab));
        let shown = ViewState { query: facts.query.clone(), ..view.clone() };
        let overlay = Overlay {
            recording: facts.recording,
            runs: facts.runs,
            view: &shown,
            layout: facts.layout,
            ranges: facts.ranges,
            has_no_value: facts.has_no_value,
            position: facts.position,
            highlighted: slab.map(|slab| slab.layer),
        };
        overlay.paint(&painter, rect);
        notes(&painter, rect, facts, palette);
        rect
    }
}

fn scene_id() -> egui::Id {
    egui::Id::unique("scene")
}

/// A thin bar while values are read, and one quiet line for what went wrong.
fn notes(painter: &egui::Painter, rect: Rect, facts: &Facts, palette: Palette) {
    if let Some(progress) = facts.progress.filter(|progress| progress.done < progress.of) {
        let share = progress.done as f32 / progress.of.max(1) as f32;
        let bar = Rect::from_min_size(rect.left_top(), vec2(rect.width() * share, 2.0));
        painter.rect_filled(bar, CornerRadius::ZERO, palette.accent);
    }
    if let Some(note) = facts.note {
        let galley = painter.layout(
            note.to_owned(),
            FontId::proportional(SMALL),
            palette.warning,
            (rect.width() - 48.0).max(40.0),
        );
        let place = Align2::LEFT_TOP.anchor_size(rect.left_top() + vec2(24.0, 20.0), galley.size());
        painter.rect_filled(place.expand(8.0), CornerRadius::same(6), palette.ground.gamma_multiply(0.9));
        painter.galley(place.min, galley, palette.warning);
    }
}

/// What a window shows while a recording is awaited that is not there yet: what for, and in small
/// print why. It may be for long, so nothing moves.
pub fn awaiting(ui: &mut Ui, theme: Theme, words: &str, why: &str) {
    let (rect, palette) = empty(ui, theme, words);
    let why = ui.painter().layout(
        why.to_owned(),
        FontId::proportional(SMALL),
        palette.dim,
        (rect.width() - 96.0).clamp(40.0, 560.0),
    );
    let place = Align2::CENTER_TOP.anchor_size(rect.center() + vec2(0.0, 4.0), why.size());
    ui.painter().galley(place.min, why, palette.dim);
}

/// An empty window with words just above its middle.
fn empty(ui: &mut Ui, theme: Theme, words: &str) -> (Rect, Palette) {
    let palette = Palette::of(theme);
    let rect = ui.available_rect_before_wrap();
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::ZERO, palette.ground);
    let width = (rect.width() - 96.0).clamp(40.0, 560.0);
    let galley = painter.layout(words.to_owned(), FontId::proportional(TEXT), palette.text, width);
    let place = Align2::CENTER_BOTTOM.anchor_size(rect.center(), galley.size());
    painter.galley(place.min, galley, palette.text);
    (rect, palette)
}

/// What a window shows while a recording is opened: words, and a thin bar that goes by.
pub fn waiting(ui: &mut Ui, theme: Theme, words: &str) {
    let (rect, palette) = empty(ui, theme, words);
    let painter = ui.painter();
    let track = Rect::from_center_size(rect.center() + vec2(0.0, 12.0), vec2(200.0, 2.0));
    painter.rect_filled(track, CornerRadius::ZERO, palette.line);
    let t = (ui.input(|input| input.time) * 0.8).fract() as f32;
    let x_of = |share: f32| track.left() + track.width() * share.clamp(0.0, 1.0);
    let bar = Rect::from_x_y_ranges(x_of(1.4 * t - 0.4)..=x_of(1.4 * t), track.y_range());
    painter.rect_filled(bar, CornerRadius::ZERO, palette.accent);
    ui.ctx().request_repaint_after(Duration::from_millis(33));
}
