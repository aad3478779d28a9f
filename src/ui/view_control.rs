//! What a window shows of one view: its scene, and, of the view that is active, panes and timeline.

use std::cell::RefCell;
use std::time::Duration;

use egui::{Align2, CornerRadius, FontId, Id, Key, Rect, Sense, Ui, WidgetInfo, vec2};

use super::commands::Command;
use super::dock::Pane;
use super::panels::about::AboutAction;
use super::panels::about::AboutPanel;
use super::panels::columns::ColumnAction;
use super::panels::columns::ColumnBar;
use super::panels::input::InputPanel;
use super::panels::input::InputPanelState;
use super::panels::layers::LayersAction;
use super::panels::layers::LayersPanel;
use super::panels::layers::LayersPanelState;
use super::panels::minimap::Minimap;
use super::panels::options::OptionsPanel;
use super::panels::timeline;
use super::panels::timeline::Timeline;
use super::panels::unit::ProfileResult;
use super::panels::unit::UnitAction;
use super::panels::unit::UnitPanel;
use super::panels::unit::UnitPanelState;
use super::playback::{Epochs, Playback};
use super::runs::OpenRuns;
use super::scene::gestures;
use super::scene::hover::Hover;
use super::scene::hover::SlabValues;
use super::scene::navigation::Navigator;
use super::scene::navigation::Target;
use super::scene::overlay::Overlay;
use super::scene::projection::Projection;
use super::scene::summary::Summary;
use super::style::{Palette, SMALL, TEXT, install_style};
use super::widgets::thumbnails::Thumbnails;
use crate::insight::LayerStats;
use crate::model::{EpochPosition, Layout, Pin, Query, Recording, Selection, Theme, UnitOrder, ViewState};

/// Networks of so many layers have a map above their table.
const MAPPED: usize = 16;

/// What is being done in the background.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadProgress {
    pub done: usize,
    pub of: usize,
}

/// What the panels have to know.
pub struct Facts<'a> {
    pub recording: &'a Recording,
    pub runs: OpenRuns<'a>,
    pub layout: &'a Layout,
    /// Per layer, the values at the ends of the colour map.
    pub ranges: &'a [(f32, f32)],
    /// Per epoch, whether its values are at hand.
    pub ready: &'a [bool],
    /// A writer is at work on the recording.
    pub live: bool,
    pub columns: &'a ColumnBar<'a>,
    /// One per layer, at the epoch that is shown or the one before it; `None` until they are known.
    pub layer_facts: Option<&'a [LayerStats]>,
    /// The predicted class of every input at the epoch that is shown; `None` until that is known.
    pub predictions: Option<&'a [Option<usize>]>,
    /// What is known of the pinned units, and what the scene shows of each.
    pub biographies: &'a [(Pin, ProfileResult<'a>)],
    pub values: &'a [Option<f32>],
}

/// What the scene shows at the moment.
pub struct SceneDescription<'a> {
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
    /// Layers that the run lacks that is subtracted, as [`Overlay`] takes them.
    pub missing: &'a [(usize, Option<usize>)],
    /// The ends of the colour map are those of other views as well.
    pub shared: bool,
    /// Epochs that the ends of the colour map are those of, and how many there are, where they are to be
    /// those of all.
    pub over: Option<(usize, usize)>,
    /// The values behind the slabs, where they are at hand.
    pub slabs: Option<SlabValues<'a>>,
    /// Whether there is a picture of the scene, which is to lie below what is painted here.
    pub filled: bool,
    /// What went wrong, in one line.
    pub note: Option<&'a str>,
    pub progress: Option<LoadProgress>,
}

/// The part of the window that a scene fills.
pub struct Viewport<'a> {
    /// In points.
    pub rect: Rect,
    /// Of the view among those side by side.
    pub id: Id,
    /// For those who cannot see it.
    pub name: &'a str,
    /// Whether keys are for this view.
    pub keys: bool,
}

/// What was asked for in the panels that is not a change of the view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PanelOutput {
    pub columns: Option<ColumnAction>,
    /// The camera was sent somewhere.
    pub led: bool,
    /// What was just done, in few words.
    pub told: Option<&'static str>,
}

/// What a hand did in a viewport.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SceneResponse {
    /// It went down there.
    pub pressed: bool,
    /// It led the camera.
    pub led: bool,
    /// The unit, as (layer, unit), whose cell was clicked.
    pub clicked: Option<(usize, usize)>,
    /// The units around whose cells a box was drawn, in the order of their places.
    pub boxed: Vec<(usize, usize)>,
}

/// Everything about a view that is not the view itself.
pub struct ViewControl {
    pub navigator: Navigator,
    pub playback: Playback,
    pub pictures: Thumbnails,
    hover: RefCell<Hover>,
    hands: InputPanelState,
    layers: LayersPanelState,
    units: UnitPanelState,
    epochs: Epochs,
    theme: Option<Theme>,
}

impl ViewControl {
    pub fn new(recording: &Recording) -> Self {
        Self {
            navigator: Navigator::default(),
            playback: Playback::default(),
            pictures: Thumbnails::default(),
            hover: RefCell::default(),
            hands: InputPanelState::default(),
            layers: LayersPanelState::default(),
            units: UnitPanelState::default(),
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

    /// Looks as `theme` does from now on. Panes are to be painted over the colour of panels and, where the
    /// scene is, over the scene's picture: filling them here would cost a processor that draws more than
    /// everything else.
    pub fn wear(&mut self, ui: &Ui, theme: Theme) {
        if self.theme != Some(theme) {
            install_style(ui.ctx(), theme);
            self.theme = Some(theme);
        }
    }

    /// Lays out what stands in a pane, and changes `view` as the person asks.
    pub fn pane(&mut self, ui: &mut Ui, pane: Pane, facts: &Facts, view: &mut ViewState) -> PanelOutput {
        let palette = Palette::of(view.theme);
        match pane {
            Pane::Scene => PanelOutput::default(),
            Pane::Input => {
                let input = InputPanel {
                    recording: facts.recording,
                    runs: facts.runs,
                    pictures: &self.pictures,
                    palette,
                    columns: facts.columns,
                    predictions: facts.predictions,
                };
                PanelOutput { columns: input.show(ui, view, &mut self.hands), ..PanelOutput::default() }
            }
            Pane::Options => {
                let options = OptionsPanel {
                    recording: facts.recording,
                    ranges: facts.ranges,
                    palette,
                    at: self.navigator.at(),
                    epoch: self.nearest_number(view.epoch),
                };
                let go = options.show(ui, view, &mut self.navigator.reduced_motion);
                self.go(ui, go.map(Target::View), facts.layout, view)
            }
            Pane::Layers => self.layers(ui, facts, view),
            Pane::Unit => self.units(ui, facts, view),
            Pane::About => {
                let about = AboutPanel {
                    recording: facts.recording,
                    layer: self.layers.selected,
                    run: facts.runs.own().map_or("", |run| run.name),
                    palette,
                };
                match about.show(ui) {
                    Some(AboutAction::Copy(text)) => copied(ui, text),
                    None => PanelOutput::default(),
                }
            }
        }
    }

    fn layers(&mut self, ui: &mut Ui, facts: &Facts, view: &mut ViewState) -> PanelOutput {
        let framed = match self.navigator.at() {
            Some(Target::Slab(slab)) => Some(slab),
            _ => None,
        };
        let table = LayersPanel {
            recording: facts.recording,
            stats: facts.layer_facts,
            framed,
            hovered: self.navigator.hovered(),
            palette: Palette::of(view.theme),
        };
        let means: Option<Vec<f32>> =
            facts.layer_facts.map(|layers| layers.iter().map(|layer| layer.mean).collect());
        if facts.recording.layers.len() >= MAPPED {
            let map = Minimap {
                recording: facts.recording,
                layout: facts.layout,
                view,
                aspect: self.navigator.aspect(),
                means: means.as_deref(),
                framed,
                hovered: self.navigator.hovered(),
                palette: Palette::of(view.theme),
            };
            if let Some(layer) = map.show(ui) {
                return self.go(ui, Some(Target::Slab(layer)), facts.layout, view);
            }
        }
        match table.show(ui, view, &mut self.layers) {
            Some(LayersAction::Frame(layer)) => self.go(ui, Some(Target::Slab(layer)), facts.layout, view),
            Some(LayersAction::Copy(text)) => copied(ui, text),
            None => PanelOutput::default(),
        }
    }

    fn units(&mut self, ui: &mut Ui, facts: &Facts, view: &mut ViewState) -> PanelOutput {
        let units = UnitPanel {
            recording: facts.recording,
            profiles: facts.biographies,
            values: facts.values,
            pictures: &self.pictures,
            palette: Palette::of(view.theme),
        };
        let mut asked = PanelOutput::default();
        let epoch = view.epoch;
        for action in units.show(ui, view, &mut self.units) {
            match action {
                UnitAction::Select(select) => view.query.select = select,
                UnitAction::Pin(pin) => self.pin(view, pin),
                UnitAction::WantPicture(input) => self.pictures.request(input),
                UnitAction::Copy(text) => asked = copied(ui, text),
            }
        }
        if view.epoch != epoch {
            self.playback.hold();
        }
        asked
    }

    /// Pins a unit, and shows its biography.
    pub fn pin(&mut self, view: &mut ViewState, pin: Pin) {
        if !view.pins.contains(&pin) {
            view.pins.push(pin.clone());
        }
        self.units.current = Some(pin);
    }

    /// Pins a unit, or lets go of the one that is pinned; says whether it is pinned now.
    pub fn toggle_pin(&mut self, view: &mut ViewState, pin: Pin) -> bool {
        let before = view.pins.len();
        view.pins.retain(|other| *other != pin);
        let pinned = view.pins.len() == before;
        if pinned {
            self.pin(view, pin);
        }
        pinned
    }

    fn go(&mut self, ui: &Ui, target: Option<Target>, layout: &Layout, view: &ViewState) -> PanelOutput {
        let Some(target) = target else { return PanelOutput::default() };
        let now = ui.input(|input| input.time);
        self.navigator.go(target, view.camera, layout, now);
        PanelOutput { led: true, ..PanelOutput::default() }
    }

    /// Number of the recorded epoch nearest to a number.
    fn nearest_number(&self, number: f64) -> u64 {
        self.epochs.number(self.epochs.ordinal_of_number(number).round()) as u64
    }

    /// Does what a command says, as far as that is of this view.
    pub fn perform(
        &mut self,
        ui: &Ui,
        command: &Command,
        facts: &Facts,
        view: &mut ViewState,
    ) -> PanelOutput {
        let now = ui.input(|input| input.time);
        let recording = facts.recording;
        let query = &mut view.query;
        let layer_name = |layer: usize| recording.layers.get(layer).map(|layer| layer.name.clone());
        match *command {
            Command::View(to) => return self.go(ui, Some(Target::View(to)), facts.layout, view),
            Command::FrameLayer(layer) => return self.go(ui, Some(Target::Slab(layer)), facts.layout, view),
            Command::Play => self.playback.toggle(&self.epochs, &mut view.epoch),
            Command::StepBack => self.playback.step(-1, &self.epochs, view.epoch, now),
            Command::StepForward => self.playback.step(1, &self.epochs, view.epoch, now),
            Command::First => self.playback.glide_to(0.0, &self.epochs, view.epoch, now),
            Command::Last => self.playback.glide_to(self.epochs.last(), &self.epochs, view.epoch, now),
            Command::Best => {
                if let Some(best) = self.epochs.best() {
                    self.playback.glide_to(best, &self.epochs, view.epoch, now);
                }
            }
            Command::Follow => self.playback.follow(),
            Command::Loop => self.playback.looping = !self.playback.looping,
            Command::HideLayer(layer) => {
                if let Some(name) = layer_name(layer) {
                    view.toggle_layer(&name);
                }
            }
            Command::SoloLayer(layer) => {
                if let Some(name) = layer_name(layer) {
                    view.solo_layer(&name, recording);
                }
            }
            Command::ShowLayers => view.hidden.clear(),
            Command::ShowAll => query.select = Selection::default(),
            Command::ShowClass(class) => query.select = Selection::class(recording, class),
            Command::MinusClass(class) => query.minus = Some(Selection::class(recording, class)),
            Command::MinusNone => (query.minus, query.run_b) = (None, None),
            Command::Stat(stat) => query.stat = stat,
            Command::Norm(norm) => query.norm = norm,
            Command::Map(map) => view.colour_map = map,
            Command::OverEpochs => view.over_epochs = !view.over_epochs,
            Command::Order(by) => {
                let epoch = self.nearest_number(view.epoch);
                view.order = by.map(|by| UnitOrder { by, epoch });
            }
            Command::Theme => {
                view.theme = if view.theme == Theme::Dark { Theme::Light } else { Theme::Dark };
            }
            Command::Labels => view.labels = !view.labels,
            Command::Haze => view.haze = !view.haze,
            Command::Edges => view.edges = !view.edges,
            Command::LessMotion => self.navigator.reduced_motion = !self.navigator.reduced_motion,
            Command::ClearPins => view.pins.clear(),
            _ => {}
        }
        PanelOutput::default()
    }

    /// Whether another frame is wanted although nothing happens.
    pub fn is_moving(&self) -> bool {
        self.navigator.is_moving() || self.playback.is_moving()
    }

    /// Moves the epoch on, by time and keys; to the newest one when that is followed and
    /// `newest_ready`, its values being at hand. To be called before the frame's facts are gathered, so
    /// that they speak of the same moment.
    pub fn advance(&mut self, ui: &Ui, view: &mut ViewState, newest_ready: bool, keys: bool) {
        let (now, step) = ui.input(|input| (input.time, f64::from(input.stable_dt)));
        if keys {
            let (toggle, steps, follow) = ui.input(|input| {
                let presses = |key| input.num_presses(key) as i32;
                let follow =
                    !input.modifiers.command && (input.key_pressed(Key::L) || input.key_pressed(Key::End));
                (input.key_pressed(Key::Space), presses(Key::ArrowRight) - presses(Key::ArrowLeft), follow)
            });
            timeline::handle_keys(ui, &self.epochs, view, &mut self.playback);
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

    /// The panel at the bottom: the training.
    pub fn timeline(&mut self, ui: &mut Ui, facts: &Facts, view: &mut ViewState) {
        let palette = Palette::of(view.theme);
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

    /// The unit, as (layer, unit), under the pointer when the scene was painted last.
    pub fn hovered(&self) -> Option<(usize, usize)> {
        self.hover.borrow().found().map(|it| (it.layer, it.unit))
    }

    /// The slab that is pointed at or framed, as an index into [`Layout::slabs`].
    pub fn lit(&self) -> Option<usize> {
        let framed = match self.navigator.at() {
            Some(Target::Slab(slab)) => Some(slab),
            _ => None,
        };
        self.navigator.hovered().or(framed)
    }

    /// Takes what hands do in the viewport, and moves the camera. `slabs` is what it shows.
    pub fn look(
        &mut self,
        ui: &Ui,
        at: &Viewport,
        layout: &Layout,
        slabs: Option<&SlabValues>,
        view: &mut ViewState,
    ) -> SceneResponse {
        let response = ui.interact(at.rect, at.id, Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Canvas, true, at.name));
        let pressed = response.clicked() || response.drag_started();
        if pressed {
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
        let mut input = gestures::gather(ui, &response, at.keys);
        let hover = self.hover.get_mut();
        let lens = Projection { camera: view.camera, rect: at.rect };
        let (clicked, boxed) = gestures::choose(ui, &response, hover, |region| {
            slabs.map_or_else(Vec::new, |slabs| match region {
                [from, to] if from == to => {
                    let cell = slabs.cell_seen(layout, lens, from);
                    cell.map(|cell| (cell.layer, cell.unit)).into_iter().collect()
                }
                region => slabs.units_in(layout, lens, region),
            })
        });
        if hover.region.is_some() {
            // The box is drawn, and the scene stays.
            (input.orbit, input.pan) = Default::default();
        }
        let aspect = at.rect.aspect_ratio().max(0.01);
        view.camera = self.navigator.update(&input, view.camera, layout, aspect);
        if input.fly != glam::Vec3::ZERO {
            ui.ctx().request_repaint();
        }
        if input.looking {
            ui.ctx().set_cursor_icon(egui::CursorIcon::Crosshair);
        }
        SceneResponse { pressed, led: input.leads(), clicked, boxed }
    }

    /// The view in plain words.
    pub fn summary(&self, sight: &SceneDescription, view: &ViewState) -> String {
        let shown = ViewState { query: sight.query.clone(), ..view.clone() };
        let summary = Summary {
            recording: sight.recording,
            runs: sight.runs,
            view: &shown,
            position: sight.position,
            at: self.navigator.at(),
            over: sight.over,
        };
        summary.text()
    }

    /// Paints over the scene what is said of it.
    pub fn paint(&self, ui: &Ui, rect: Rect, sight: &SceneDescription, view: &ViewState) {
        let palette = Palette::of(view.theme);
        let painter = ui.painter_at(rect);
        if !sight.filled {
            painter.rect_filled(rect, CornerRadius::ZERO, palette.ground);
        }
        let slab = self.navigator.hovered().and_then(|slab| sight.layout.slabs.get(slab));
        let shown = ViewState { query: sight.query.clone(), ..view.clone() };
        let overlay = Overlay {
            recording: sight.recording,
            runs: sight.runs,
            view: &shown,
            layout: sight.layout,
            ranges: sight.ranges,
            has_no_value: sight.has_no_value,
            position: sight.position,
            highlighted: slab.map(|slab| slab.layer),
            missing: sight.missing,
            shared: sight.shared,
            over: sight.over,
            slabs: sight.slabs,
        };
        overlay.paint(&painter, rect);
        self.hover.borrow_mut().paint(&overlay, &painter, rect);
        notes(&painter, rect, sight, palette);
    }
}

/// Puts a text on the clipboard.
fn copied(ui: &Ui, text: String) -> PanelOutput {
    ui.ctx().copy_text(text);
    PanelOutput { told: Some("Copied as text"), ..PanelOutput::default() }
}

/// A thin bar while values are read, and one quiet line for what went wrong.
fn notes(painter: &egui::Painter, rect: Rect, sight: &SceneDescription, palette: Palette) {
    if let Some(progress) = sight.progress.filter(|progress| progress.done < progress.of) {
        let share = progress.done as f32 / progress.of.max(1) as f32;
        let bar = Rect::from_min_size(rect.left_top(), vec2(rect.width() * share, 2.0));
        painter.rect_filled(bar, CornerRadius::ZERO, palette.accent);
    }
    if let Some(note) = sight.note {
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

/// What stands in the place of a scene while a recording is awaited that is not there yet, or instead of
/// one that cannot be had: what for, and in small print why. It may be for long, so nothing moves.
pub fn awaiting(ui: &Ui, rect: Rect, theme: Theme, words: &str, why: &str) {
    let palette = empty(ui, rect, theme, words);
    let why = ui.painter().layout(why.to_owned(), FontId::proportional(SMALL), palette.dim, prose(rect));
    let place = Align2::CENTER_TOP.anchor_size(rect.center() + vec2(0.0, 4.0), why.size());
    ui.painter().galley(place.min, why, palette.dim);
}

/// Width of words in the middle of an empty scene.
fn prose(rect: Rect) -> f32 {
    (0.8 * rect.width()).clamp(40.0, 560.0)
}

/// An empty scene with words just above its middle.
fn empty(ui: &Ui, rect: Rect, theme: Theme, words: &str) -> Palette {
    let palette = Palette::of(theme);
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::ZERO, palette.ground);
    let width = prose(rect);
    let galley = painter.layout(words.to_owned(), FontId::proportional(TEXT), palette.text, width);
    let place = Align2::CENTER_BOTTOM.anchor_size(rect.center(), galley.size());
    painter.galley(place.min, galley, palette.text);
    palette
}

/// What stands in the place of a scene while a recording is opened: words, and a thin bar that goes by.
pub fn waiting(ui: &Ui, rect: Rect, theme: Theme, words: &str) {
    let palette = empty(ui, rect, theme, words);
    let painter = ui.painter();
    let width = prose(rect).min(200.0);
    let track = Rect::from_center_size(rect.center() + vec2(0.0, 12.0), vec2(width, 2.0));
    painter.rect_filled(track, CornerRadius::ZERO, palette.line);
    let t = (ui.input(|input| input.time) * 0.8).fract() as f32;
    let x_of = |share: f32| track.left() + track.width() * share.clamp(0.0, 1.0);
    let bar = Rect::from_x_y_ranges(x_of(1.4 * t - 0.4)..=x_of(1.4 * t), track.y_range());
    painter.rect_filled(bar, CornerRadius::ZERO, palette.accent);
    ui.ctx().request_repaint_after(Duration::from_millis(33));
}
