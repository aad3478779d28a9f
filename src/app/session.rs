//! One open recording: its view, the values at hand, and what is wanted next.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::cache::Cache;
use super::loader::{Key, Loader, Send};
use crate::engine::{self, Field, Gpu, InputPicture};
use crate::model::{
    Camera, EpochPosition, EpochRef, Layout, Picture, Query, Recording, SetView, Source, ViewState,
};
use crate::ui::{Facts, Interface, Progress, Shown};

/// Bytes of values kept on the GPU.
const BUDGET: u64 = 512 << 20;

/// What the scene shows: the values of one query between two epochs.
#[derive(Clone)]
pub struct Scene {
    pub from: Arc<Field>,
    pub to: Arc<Field>,
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
    cache: Cache<Key, Arc<Field>>,
    /// Every query looked at; a [`Key`] names them by index.
    queries: Vec<Query>,
    failed: HashSet<Key>,
    note: Option<String>,
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

/// What the list of wanted values was made for.
#[derive(Clone, Copy, PartialEq)]
struct Plan {
    query: usize,
    position: EpochPosition,
    held: usize,
}

impl Session {
    pub fn new(source: Arc<dyn Source>, gpu: Arc<Gpu>, send: Send) -> Self {
        let recording = source.recording();
        let layout = Layout::new(recording);
        let epoch = EpochRef::Last.resolve(recording).map_or(0.0, |at| at.number(recording));
        // The window's shape is not known yet; the first frame corrects the aspect.
        let camera = Camera::set_view(SetView::Overview, &layout, 1.5);
        let view = ViewState::new(camera, epoch);
        let interface = Interface::new(recording);
        let loader = Loader::new(Arc::clone(&gpu), Arc::clone(&source), send);
        Self {
            source,
            view,
            interface,
            gpu,
            loader,
            cache: Cache::new(BUDGET),
            queries: Vec::new(),
            failed: HashSet::new(),
            note: None,
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

    /// Takes values that were read.
    pub fn take_field(&mut self, key: Key, field: Arc<Field>) {
        let needed = self.needed();
        let bytes = field.bytes();
        self.cache.insert(key, field, bytes, &needed);
        self.plan();
    }

    /// Takes note that values could not be read.
    pub fn take_failure(&mut self, key: Key, reason: String) {
        self.failed.insert(key);
        if self.needed().contains(&key) || self.note.is_none() {
            self.note = Some(reason);
        }
        self.plan();
    }

    /// Takes an input's picture, or that there is none.
    pub fn take_picture(&mut self, ctx: &egui::Context, input: usize, picture: Option<Picture>) {
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

    /// Lays out one frame. `scene` is the texture that the scene is drawn into.
    pub fn show(
        &mut self,
        ui: &mut egui::Ui,
        scene: Option<egui::TextureId>,
        adapter: &str,
        frame_ms: Option<f32>,
    ) -> Shown {
        self.interface.advance(ui, &mut self.view);
        self.choose();
        let ranges = self.ranges();
        let source = Arc::clone(&self.source);
        let query = self.query_index();
        let ready: Vec<bool> = (0..source.recording().epochs.len())
            .map(|epoch| self.cache.contains(Key { query, epoch }))
            .collect();
        let held = self.scene.as_ref();
        let facts = Facts {
            recording: source.recording(),
            layout: &self.layout,
            ranges: &ranges,
            has_no_value: held.is_some_and(|scene| scene.from.has_no_value() || scene.to.has_no_value()),
            position: held.map_or(EpochPosition::at(0), |scene| scene.position),
            query: held.map_or(&self.view.query, |scene| &scene.query).clone(),
            ready: &ready,
            scene: scene.filter(|_| held.is_some()),
            adapter,
            frame_ms,
            note: self.note.as_deref(),
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
        let Some(wanted) = self.wanted() else {
            self.note.get_or_insert_with(|| "The recording has no readable epoch.".to_owned());
            return;
        };
        let mut at = |epoch: usize| self.cache.get(Key { query, epoch });
        let found = match (at(wanted.from), at(wanted.to)) {
            (Some(from), Some(to)) if from.layout() == to.layout() => Some((from, to, wanted)),
            (Some(from), _) => Some((Arc::clone(&from), from, EpochPosition::at(wanted.from))),
            (None, Some(to)) => Some((Arc::clone(&to), to, EpochPosition::at(wanted.to))),
            (None, None) => self
                .interface
                .epochs()
                .readable()
                .iter()
                .filter(|epoch| self.cache.contains(Key { query, epoch: **epoch }))
                .min_by_key(|epoch| epoch.abs_diff(wanted.from))
                .copied()
                .and_then(|epoch| Some((self.cache.get(Key { query, epoch })?, epoch)))
                .map(|(field, epoch)| (Arc::clone(&field), field, EpochPosition::at(epoch))),
        };
        if let Some((from, to, position)) = found {
            self.scene = Some(Scene { from, to, position, query: self.queries[query].clone() });
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

    fn ask_picture(&mut self, input: usize) {
        if self.asked.insert(input) {
            self.loader.want_picture(input);
        }
    }

    fn wanted(&self) -> Option<EpochPosition> {
        let epochs = self.interface.epochs();
        epochs.position(epochs.ordinal_of_number(self.view.epoch))
    }

    fn query_index(&mut self) -> usize {
        match self.queries.iter().position(|query| *query == self.view.query) {
            Some(index) => index,
            None => {
                self.queries.push(self.view.query.clone());
                self.queries.len() - 1
            }
        }
    }

    /// What must be kept to show what is wanted.
    fn needed(&mut self) -> Vec<Key> {
        let query = self.query_index();
        let wanted = self.wanted();
        wanted.iter().flat_map(|at| [at.from, at.to]).map(|epoch| Key { query, epoch }).collect()
    }

    /// Lists what to read: the wanted epochs, then the others by distance, as far as the budget goes.
    fn plan(&mut self) {
        let Some(wanted) = self.wanted() else { return };
        let query = self.query_index();
        let readable = self.interface.epochs().readable();
        let held = readable.iter().filter(|epoch| self.cache.contains(Key { query, epoch: **epoch })).count()
            + self.failed.len();
        let at_rest = EpochPosition { t: 0.0, ..wanted };
        let plan = Plan { query, position: at_rest, held };
        if self.planned == Some(plan) {
            return;
        }
        self.planned = Some(plan);
        let mut order: Vec<usize> = readable.to_vec();
        order.sort_by_key(|epoch| {
            (*epoch != wanted.from, *epoch != wanted.to, epoch.abs_diff(wanted.to), *epoch < wanted.from)
        });
        let room = match self.cache.largest() {
            0 => order.len(),
            bytes => (self.cache.budget() / bytes).max(2) as usize,
        };
        order.truncate(room);
        let reading = self.loader.current();
        let missing: VecDeque<(Key, Query)> = order
            .into_iter()
            .map(|epoch| Key { query, epoch })
            .filter(|key| !self.cache.contains(*key) && !self.failed.contains(key) && reading != Some(*key))
            .map(|key| (key, self.queries[query].clone()))
            .collect();
        self.loader.want(missing);
    }
}
