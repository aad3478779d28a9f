//! One open recording: its view, the values at hand, and what is wanted next.

mod plan;

use std::collections::HashSet;
use std::sync::Arc;

use self::plan::Plan;
use super::cache::Cache;
use super::loader::{Key, Loader, Send};
use crate::engine::{self, Field, Gpu, InputPicture};
use crate::model::{
    Camera, Epoch, EpochPosition, EpochRef, Layout, Picture, Query, Recording, SetView, Source, ViewState,
};
use crate::ui::{Facts, Interface, OpenRuns, Progress, Shown};

/// Bytes of values kept on the GPU.
const BUDGET: u64 = 512 << 20;

/// What the scene shows: the values of one query between two epochs.
#[derive(Clone)]
pub struct Scene {
    pub from: Arc<Field>,
    pub to: Arc<Field>,
    /// Whether there are values, or plates alone.
    filled: bool,
    pub position: EpochPosition,
    pub query: Query,
}

/// An open recording in the window.
pub struct Session {
    source: Arc<dyn Source>,
    pub view: ViewState,
    interface: Interface,
    gpu: Arc<Gpu>,
    loader: Loader,
    /// Its number in [`Key`]s.
    number: u64,
    cache: Cache<Key, Arc<Field>>,
    /// Every query looked at; a [`Key`] names them by index.
    queries: Vec<Query>,
    failed: HashSet<Key>,
    note: Option<String>,
    /// The plates without values, while there is no epoch; `None` until they were asked for.
    empty: Option<Option<Arc<Field>>>,
    scene: Option<Scene>,
    /// Where everything stands, the selected input's picture included.
    layout: Layout,
    /// Picture of the one input that is selected: asked for, then there (or there is none).
    picture: Option<(usize, Option<Standing>)>,
    asked: HashSet<usize>,
    planned: Option<Plan>,
}

/// An input's picture in the scene.
struct Standing {
    aspect: f32,
    picture: Arc<InputPicture>,
}

/// What a session is shown with.
pub struct Surroundings<'a> {
    pub adapter: &'a str,
    pub frame_ms: Option<f32>,
    /// A writer is at work on the recording.
    pub live: bool,
    /// What is wrong with the run, in one line.
    pub trouble: Option<&'a str>,
}

impl Session {
    pub fn new(source: Arc<dyn Source>, gpu: Arc<Gpu>, send: Send) -> Self {
        let loader = Loader::new(Arc::clone(&gpu), Arc::clone(&source), send);
        Self::with(source, gpu, loader, 0)
    }

    fn with(source: Arc<dyn Source>, gpu: Arc<Gpu>, loader: Loader, number: u64) -> Self {
        let recording = source.recording();
        let layout = Layout::new(recording);
        // The window's shape is not known yet; the first frame corrects the aspect.
        let camera = Camera::set_view(SetView::Overview, &layout, 1.5);
        let view = ViewState::new(camera, last_number(recording));
        let interface = Interface::new(recording);
        Self {
            source,
            view,
            interface,
            gpu,
            loader,
            number,
            cache: Cache::new(BUDGET),
            queries: Vec::new(),
            failed: HashSet::new(),
            note: None,
            empty: None,
            scene: None,
            layout,
            picture: None,
            asked: HashSet::new(),
            planned: None,
        }
    }

    pub fn recording(&self) -> &Recording {
        self.source.recording()
    }

    /// Goes on with `source`, the same recording with more epochs. View, playback and what was read
    /// stay as they are.
    pub fn renew(&mut self, source: Arc<dyn Source>) {
        let before = std::mem::replace(&mut self.source, source);
        let (before, now) = (before.recording(), self.source.recording());
        self.interface.renew(now);
        self.loader.renew(Arc::clone(&self.source));
        if self.interface.epochs().readable().is_empty() {
            return;
        }
        let place = |index: usize| place_of(now, before.epochs.get(index)?.number);
        if let Some(scene) = &mut self.scene {
            scene.position = match (place(scene.position.from), place(scene.position.to)) {
                (Some(from), Some(to)) => EpochPosition { from, to, ..scene.position },
                // The plates without values stay until there are some.
                _ => EpochPosition::at(self.interface.epochs().readable()[0]),
            };
        }
        if before.epochs.iter().all(|epoch| epoch.damaged) {
            self.view.epoch = last_number(now);
        }
        self.empty = None;
        self.note = None;
        self.failed.clear();
        self.planned = None;
        self.choose();
    }

    /// A session of `source`, another recording at the same place. As far as it is of the same network
    /// it is looked at in the same way.
    pub fn replaced(self, source: Arc<dyn Source>) -> Self {
        let number = self.loader.replace(Arc::clone(&source));
        let mut next = Self::with(source, self.gpu, self.loader, number);
        let (before, now) = (self.source.recording(), next.source.recording());
        next.view.theme = self.view.theme;
        next.interface.navigator.reduced_motion = self.interface.navigator.reduced_motion;
        if before.layers == now.layers {
            let names = |recording: &Recording| -> Vec<(i64, String)> {
                recording.classes.iter().map(|class| (class.id, class.name.clone())).collect()
            };
            let (epoch, same) = (next.view.epoch, before.inputs == now.inputs && names(before) == names(now));
            let query = if same { self.view.query.clone() } else { Query::default() };
            next.view = ViewState { epoch, query, ..self.view };
            next.interface.navigator = self.interface.navigator;
            next.interface.playback.speed = self.interface.playback.speed;
            next.interface.playback.looping = self.interface.playback.looping;
        }
        next
    }

    /// Takes the plates without values.
    pub fn take_empty(&mut self, recording: u64, field: Arc<Field>) {
        if recording == self.number {
            self.empty = Some(Some(field));
        }
    }

    /// Takes values that were read, and says whether they are among those to be shown now.
    pub fn take_field(&mut self, key: Key, field: Arc<Field>) -> bool {
        if key.recording != self.number {
            return false;
        }
        let needed = self.needed();
        let bytes = field.bytes();
        self.cache.insert(key, field, bytes, &needed);
        self.plan();
        needed.contains(&key) || self.scene.is_none()
    }

    /// Takes note that values could not be read.
    pub fn take_failure(&mut self, key: Key, reason: String) {
        if key.recording != self.number {
            return;
        }
        self.failed.insert(key);
        if self.needed().contains(&key) || self.note.is_none() {
            self.note = Some(reason);
        }
        self.plan();
    }

    /// Takes an input's picture, or that there is none.
    pub fn take_picture(
        &mut self,
        ctx: &egui::Context,
        recording: u64,
        input: usize,
        picture: Option<Picture>,
    ) {
        if recording != self.number {
            return;
        }
        self.asked.remove(&input);
        self.interface.pictures.insert(ctx, input, picture.as_ref());
        if let Some((wanted, held)) = &mut self.picture
            && *wanted == input
        {
            *held = picture.as_ref().map(|picture| Standing {
                aspect: picture.width.max(1) as f32 / picture.height.max(1) as f32,
                picture: Arc::new(InputPicture::new(&self.gpu, picture)),
            });
        }
    }

    /// Lays out one frame.
    pub fn show(&mut self, ui: &mut egui::Ui, around: &Surroundings) -> Shown {
        let newest = self.newest();
        let newest_ready = newest.is_some_and(|key| self.cache.contains(key) || self.failed.contains(&key));
        self.interface.advance(ui, &mut self.view, newest_ready);
        self.choose();
        let ranges = self.ranges();
        let source = Arc::clone(&self.source);
        let query = self.query_index();
        let key = |epoch: &Epoch| Key { recording: self.number, query, epoch: epoch.number };
        let epochs = &source.recording().epochs;
        let ready: Vec<bool> = epochs.iter().map(|epoch| self.cache.contains(key(epoch))).collect();
        let held = self.scene.as_ref();
        let facts = Facts {
            recording: source.recording(),
            runs: OpenRuns::default(),
            layout: &self.layout,
            ranges: &ranges,
            has_no_value: held.is_some_and(|scene| scene.from.has_no_value() || scene.to.has_no_value()),
            position: held.map_or(EpochPosition::at(0), |scene| scene.position),
            query: held.map_or(&self.view.query, |scene| &scene.query).clone(),
            ready: &ready,
            scene: held.is_some(),
            adapter: around.adapter,
            frame_ms: around.frame_ms,
            note: around.trouble.or(self.note.as_deref()),
            live: around.live,
            progress: Some(Progress {
                done: ready.iter().filter(|ready| **ready).count(),
                of: self.interface.epochs().readable().len(),
            }),
        };
        let before = self.view.clone();
        let shown = self.interface.show(ui, &facts, &mut self.view);
        if self.view.query != before.query {
            self.note = None;
        }
        if self.view.query != before.query || self.view.epoch != before.epoch {
            ui.ctx().request_repaint();
        }
        if let Some(input) = shown.wants_picture {
            self.ask_picture(input);
        }
        self.choose();
        shown
    }

    /// Shows moves and glides at their end, as for who wants no motion.
    pub fn reduce_motion(&mut self) {
        self.interface.navigator.reduced_motion = true;
    }

    /// Number of the epoch that the scene shows; a fraction between two epochs.
    pub fn shown_epoch(&self) -> Option<f64> {
        let scene = self.scene.as_ref().filter(|scene| scene.filled)?;
        Some(scene.position.number(self.recording()))
    }

    /// What the scene shows now, with the view it is true of, and the selected input's picture.
    pub fn scene(&self) -> Option<(&Scene, ViewState, Option<&Arc<InputPicture>>)> {
        let scene = self.scene.as_ref()?;
        let view = ViewState { query: scene.query.clone(), ..self.view.clone() };
        let picture = self.standing().filter(|_| view.camera.sees_past_picture());
        Some((scene, view, picture.map(|standing| &standing.picture)))
    }

    /// The picture that belongs to what the scene shows.
    fn standing(&self) -> Option<&Standing> {
        let (input, standing) = self.picture.as_ref()?;
        let shown = self.scene.as_ref()?.query.select.single_input();
        if shown == Some(*input) { standing.as_ref() } else { None }
    }

    /// Per layer, the values at the ends of the colour map.
    pub fn ranges(&self) -> Vec<(f32, f32)> {
        self.scene().map_or_else(Vec::new, |(scene, view, _)| {
            let normalisation = self.recording().normalisation;
            engine::ranges(&view, normalisation, &scene.from, &scene.to, scene.position.t)
        })
    }

    /// Takes the values nearest to what is wanted, and lets the missing ones be read.
    fn choose(&mut self) {
        let query = self.query_index();
        let Some(wanted) = self.wanted() else { return self.choose_empty() };
        let key = |epoch: usize| self.key(query, epoch);
        let (from, to) = (key(wanted.from), key(wanted.to));
        let mut at = |key: Key| self.cache.get(key);
        let found = match (at(from), at(to)) {
            (Some(from), Some(to)) if from.layout() == to.layout() => Some((from, to, wanted)),
            (Some(from), _) => Some((Arc::clone(&from), from, EpochPosition::at(wanted.from))),
            (None, Some(to)) => Some((Arc::clone(&to), to, EpochPosition::at(wanted.to))),
            (None, None) => self
                .interface
                .epochs()
                .readable()
                .iter()
                .filter(|epoch| self.cache.contains(self.key(query, **epoch)))
                .min_by_key(|epoch| epoch.abs_diff(wanted.from))
                .copied()
                .and_then(|epoch| Some((self.cache.get(self.key(query, epoch))?, epoch)))
                .map(|(field, epoch)| (Arc::clone(&field), field, EpochPosition::at(epoch))),
        };
        if let Some((from, to, position)) = found {
            self.scene = Some(Scene { from, to, filled: true, position, query: self.queries[query].clone() });
        }
        let input = self.view.query.select.single_input().filter(|i| *i < self.recording().inputs.len());
        if input != self.picture.as_ref().map(|(input, _)| *input) {
            self.picture = input.map(|input| (input, None));
            if let Some(input) = input {
                self.ask_picture(input);
            }
        }
        if let Some(scene) = &self.scene {
            let picture = self.standing().map(|standing| standing.aspect);
            let slabs = &scene.from.layout().slabs;
            if self.layout.picture != picture || self.layout.slabs != *slabs {
                self.layout = Layout { slabs: slabs.clone(), picture };
            }
        }
        self.plan();
    }

    /// Shows the network as it stands before its first epoch.
    fn choose_empty(&mut self) {
        match &self.empty {
            None => {
                self.empty = Some(None);
                self.loader.want_empty();
            }
            Some(None) => {}
            Some(Some(field)) => {
                let (from, to) = (Arc::clone(field), Arc::clone(field));
                let query = self.view.query.clone();
                self.scene = Some(Scene { from, to, filled: false, position: EpochPosition::at(0), query });
            }
        }
    }

    fn ask_picture(&mut self, input: usize) {
        if self.asked.insert(input) {
            self.loader.want_picture(input);
        }
    }
}

/// Number of the last readable epoch.
fn last_number(recording: &Recording) -> f64 {
    EpochRef::Last.resolve(recording).map_or(0.0, |at| at.number(recording))
}

/// Where in the recording the epoch of this number is.
fn place_of(recording: &Recording, number: u64) -> Option<usize> {
    recording.epochs.binary_search_by_key(&number, |epoch| epoch.number).ok()
}
