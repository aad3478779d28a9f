//! The view of a column, and everything by which a user changes it: camera, playback, panels, pointer.

mod panels;
mod perform;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

use egui::{CornerRadius, Key, Rect, Sense, Ui, WidgetInfo};

pub use self::panels::{PanelData, PanelOutput, ShownQuery};
use super::panels::{input, layers, timeline, unit};
use super::playback::{Epochs, Playback};
use super::scene::description::SceneDescription;
use super::scene::gestures::{self, SelectedUnits};
use super::scene::hover::{Hover, cell_at, units_in};
use super::scene::navigation::{CameraTarget, Navigator};
use super::scene::projection::Projection;
use super::scene::viewport::{SceneResponse, SceneStatus, Viewport};
use super::style::Palette;
use super::widgets::thumbnails::Thumbnails;
use crate::model::workspace::EpochSpan;
use crate::model::{
    EpochPosition, GroupPlace, LayerIndex, Layout, Pin, Query, Recording, SceneValues, SetView, Theme,
    ViewState,
};

/// Distance from its edges at which a scene takes gestures, in points.
const SPLITTER: f32 = 4.0;

/// The view of a column, and the state of everything by which a user changes it.
pub struct ViewControl {
    /// The view.
    pub view: ViewState,
    /// Moves the camera.
    pub navigator: Navigator,
    /// Moves the epoch.
    pub playback: Playback,
    /// Pictures of inputs for lists.
    pub thumbnails: Thumbnails,
    hover: RefCell<Hover>,
    input: input::InputPanelState,
    layers: layers::LayersPanelState,
    units: unit::UnitPanelState,
    epochs: Epochs,
    /// The hidden layers when the camera was moved to the others.
    framed_hidden: BTreeSet<String>,
    /// The theme that egui's style was set for.
    styled: Option<Theme>,
}

/// The view, camera and playback of a control whose recording is replaced.
pub struct ResumedView {
    view: ViewState,
    navigator: Navigator,
    playback: Playback,
}

impl ViewControl {
    /// The control of `view` of a recording.
    pub fn new(recording: &Recording, view: ViewState) -> Self {
        Self {
            framed_hidden: view.hidden.clone(),
            view,
            navigator: Navigator::default(),
            playback: Playback::default(),
            thumbnails: Thumbnails::default(),
            hover: RefCell::default(),
            input: input::InputPanelState::default(),
            layers: layers::LayersPanelState::default(),
            units: unit::UnitPanelState::default(),
            epochs: Epochs::new(recording),
            styled: None,
        }
    }

    /// The readable epochs.
    pub fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    /// Replaces the list of epochs by that of `recording`, which may have grown.
    pub fn set_recording(&mut self, recording: &Recording) {
        let epochs = Epochs::new(recording);
        self.playback.renumber(&self.epochs, &epochs);
        self.epochs = epochs;
    }

    /// The position of the view's epoch among the recorded ones; `None` without a readable epoch.
    pub fn position(&self) -> Option<EpochPosition> {
        self.epochs.position(self.epochs.ordinal_of_number(self.view.epoch))
    }

    /// The number of the epoch that the panels describe: the readable one nearest to the view's; `None`
    /// without epochs, and while the epochs are played, which would ask for each of them.
    pub fn described_epoch(&self, recording: &Recording) -> Option<u64> {
        let position = self.position()?;
        if position.t > 0.0 && self.playback.is_moving() {
            return None;
        }
        let nearest = if position.t < 0.5 { position.from } else { position.to };
        recording.epochs.get(nearest.0).map(|epoch| epoch.number)
    }

    /// The number of the recorded epoch nearest to the view's.
    pub fn nearest_epoch(&self) -> u64 {
        self.epochs.number(self.epochs.ordinal_of_number(self.view.epoch).round()) as u64
    }

    /// Returns the view, camera and playback for [`ViewControl::resume`].
    pub fn clone_view(&self) -> ResumedView {
        let (view, navigator, playback) = (self.view.clone(), self.navigator.clone(), self.playback.clone());
        ResumedView { view, navigator, playback }
    }

    /// Restores the appearance of the view from before the recording was replaced; if the network is the same
    /// also the view, and if the inputs and classes are the same as well also its query.
    pub fn resume(&mut self, before: ResumedView, same_network: bool, same_inputs: bool) {
        let ResumedView { view, navigator, playback } = before;
        self.view.theme = view.theme;
        self.navigator.reduced_motion = navigator.reduced_motion;
        if same_network {
            let query = if same_inputs { view.query.clone() } else { Query::default() };
            self.view = ViewState { epoch: self.view.epoch, query, ..view };
            self.navigator = navigator;
            self.playback.speed = playback.speed;
            self.playback.looping = playback.looping;
        }
    }

    /// Shows `view` from now on; playback stays within `marked`.
    pub fn show_view(&mut self, view: ViewState, marked: Option<EpochSpan>) {
        if view.camera != self.view.camera {
            self.navigator.release();
        }
        if view.epoch != self.view.epoch {
            self.playback.hold();
        }
        self.playback.marked = marked;
        // The view has its own camera.
        self.framed_hidden.clone_from(&view.hidden);
        self.view = view;
    }

    /// Pins a unit, and shows its profile.
    pub fn pin(&mut self, pin: Pin) {
        if !self.view.pins.contains(&pin) {
            self.view.pins.push(pin.clone());
        }
        self.units.current = Some(pin);
    }

    /// Pins a unit, or removes its pin; returns `true` if it is pinned now.
    pub fn toggle_pin(&mut self, pin: Pin) -> bool {
        let before = self.view.pins.len();
        self.view.pins.retain(|other| *other != pin);
        let pinned = self.view.pins.len() == before;
        if pinned {
            self.pin(pin);
        }
        pinned
    }

    /// Moves the camera to a set view or layer.
    pub fn go(&mut self, target: CameraTarget, layout: &Layout, now: f64) {
        self.navigator.go(target, self.view.camera, layout, now);
    }

    /// Unfolds the folded group that a layer is in, or else folds the innermost group around it, and moves the camera
    /// there.
    pub fn toggle_group(&mut self, LayerIndex(layer): LayerIndex, layout: &Layout, now: f64) {
        let Some(group) = layout.folded_group_of(layer).or_else(|| layout.group_of(layer)) else { return };
        let GroupPlace { path, layers, folded, .. } = &layout.groups[group];
        self.set_folded(path, layers, !folded, layout, now);
    }

    /// Folds or unfolds the group of a path, whose layers are `layers`, and moves the camera there.
    fn set_folded(&mut self, path: &str, layers: &Range<usize>, folded: bool, layout: &Layout, now: f64) {
        self.view.fold.set(path, folded);
        self.go(CameraTarget::Group(layers.start, layers.end.saturating_sub(1)), layout, now);
    }

    /// Moves the camera to the slabs that are left or added when layers were hidden or shown since the last
    /// call; `layout` is the new one.
    pub fn frame_visible(&mut self, layout: &Layout, now: f64) {
        if self.framed_hidden != self.view.hidden {
            self.framed_hidden.clone_from(&self.view.hidden);
            let view = match self.navigator.target() {
                Some(CameraTarget::View(view)) => view,
                _ => SetView::Overview,
            };
            self.go(CameraTarget::View(view), layout, now);
        }
    }

    /// Returns `true` while the camera or the epoch moves.
    pub fn is_moving(&self) -> bool {
        self.navigator.is_moving() || self.playback.is_moving()
    }

    /// The layer whose slab is under the pointer.
    pub fn hovered_layer(&self, layout: &Layout) -> Option<LayerIndex> {
        let slab = self.navigator.hovered().and_then(|slab| layout.slabs.get(slab))?;
        Some(LayerIndex(slab.layer))
    }

    /// The slab under the pointer, or else the framed one, as an index into [`Layout::slabs`].
    pub fn highlighted_slab(&self) -> Option<usize> {
        self.navigator.hovered().or(self.framed_slab())
    }

    /// The slab that the camera frames, as an index into [`Layout::slabs`].
    fn framed_slab(&self) -> Option<usize> {
        match self.navigator.target() {
            Some(CameraTarget::Slab(slab) | CameraTarget::Group(slab, _)) => Some(slab),
            _ => None,
        }
    }

    /// Advances the epoch by time and, if `keys`, by keys; to the newest one if it is followed and
    /// `newest_ready`. Must be called before the panel data of the frame are gathered, so that they belong to
    /// the same epoch.
    pub fn advance(&mut self, ui: &Ui, newest_ready: bool, keys: bool) {
        let (now, step) = ui.input(|input| (input.time, f64::from(input.stable_dt)));
        let view = &mut self.view;
        if keys {
            let (toggle, steps, follow) = ui.input(|input| {
                let presses = |key| input.num_presses(key) as i32;
                let follow = !input.modifiers.command && input.key_pressed(Key::L);
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

    /// Handles pointer and keys in the viewport, and moves the camera. `values` are those of the scene.
    pub fn handle_gestures(
        &mut self,
        ui: &Ui,
        viewport: &Viewport,
        layout: &Layout,
        values: Option<&SceneValues>,
    ) -> SceneResponse {
        // The edges belong to the splitters of the panels.
        let inner = viewport.rect.shrink(SPLITTER.min(viewport.rect.size().min_elem() / 4.0));
        let response = ui.interact(inner, viewport.id, Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Canvas, true, viewport.name));
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
        let mut input = gestures::read_gestures(ui, &response, viewport.keys);
        let hover = self.hover.get_mut();
        let projection = Projection { camera: self.view.camera, rect: viewport.rect };
        let SelectedUnits { clicked, boxed } = gestures::select_units(ui, &response, hover, |region| {
            values.map_or_else(Vec::new, |values| match region {
                [from, to] if from == to => {
                    let cell = cell_at(values, layout, projection, from);
                    cell.map(|cell| cell.unit).into_iter().collect()
                }
                region => units_in(values, layout, projection, region),
            })
        });
        if hover.region.is_some() {
            // The camera does not move while a box is drawn.
            (input.orbit, input.pan) = Default::default();
        }
        let aspect = viewport.rect.aspect_ratio().max(0.01);
        let slab = self.highlighted_slab().and_then(|slab| layout.slabs.get(slab)).map(|slab| slab.layer);
        let is_folded = slab.is_some_and(|layer| layout.folded_group_of(layer).is_some());
        let pressed = viewport.keys && ui.input(|input| !input.modifiers.any() && input.key_pressed(Key::U));
        let unfolds = is_folded && self.navigator.hovered().is_some() && response.double_clicked();
        if let Some(layer) = slab.filter(|_| pressed || unfolds) {
            input.frame_slab = false;
            self.toggle_group(LayerIndex(layer), layout, input.now);
        }
        self.view.camera = self.navigator.update(&input, self.view.camera, layout, aspect);
        if input.fly != glam::Vec3::ZERO {
            ui.ctx().request_repaint();
        }
        if input.is_rotating {
            ui.ctx().set_cursor_icon(egui::CursorIcon::Crosshair);
        }
        SceneResponse { pressed, camera_moved: input.moves_camera(), clicked, boxed, pinned: false }
    }

    /// Paints over the scene, which fills `rect`: labels, legend, pins, the cell under the pointer, progress
    /// and problems.
    pub fn paint_overlay(&self, ui: &Ui, rect: Rect, scene: &SceneDescription, status: &SceneStatus) {
        let palette = Palette::of(self.view.theme);
        let painter = ui.painter_at(rect);
        if !status.has_scene {
            painter.rect_filled(rect, CornerRadius::ZERO, palette.ground);
        }
        scene.paint_overlay(&painter, rect);
        self.hover.borrow_mut().paint(scene, &painter, rect);
        status.paint(&painter, rect, palette);
    }
}
