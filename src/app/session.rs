//! One view of an open recording: the values at hand, and what is wanted next.

mod frame;
mod insights;
mod link;
mod prefetch;
mod queries;
mod ranges;
mod update;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub use self::frame::RunContext;
use self::prefetch::PrefetchKey;
use self::queries::QueryTable;
use super::insights::InsightCache;
use super::loader::{LoadEvent, LoadSource, Loader, Tell, ValueKey, Values};
use super::run::OpenRunList;
use crate::engine::{self, Field, Gpu, InputPicture};
use crate::model::workspace::EpochSpan;
use crate::model::{
    Camera, Edge, EpochPosition, EpochRef, Layout, Picture, Query, Recording, SceneValues, SetView, Source,
    UnitOrder, ViewState, WeightedLru,
};
use crate::stats::{Backend, Cells, Quantiles, Unmatched};
use crate::ui::ViewControl;
use crate::ui::scene::hover::SlabValues;

/// Bytes of values that all views of a window keep on the GPU.
const BUDGET: u64 = 512 << 20;

/// What the scene shows: the values of one query between two epochs.
#[derive(Clone)]
pub struct Scene {
    pub from: Arc<Field>,
    pub to: Arc<Field>,
    /// The values of both on this side.
    cells: [Arc<Cells>; 2],
    /// Layers that have no values because the run that is subtracted has no such layer.
    pub unmatched: Arc<[Unmatched]>,
    /// Whether there are values, or slabs alone.
    filled: bool,
    /// Where in the recording that it was read from.
    pub position: EpochPosition,
    pub query: Query,
    /// In which the units stand.
    order: Option<UnitOrder>,
    run: usize,
    source: Arc<dyn Source>,
}

/// A view of an open recording.
pub struct Session {
    /// Place among the runs.
    run: usize,
    source: Arc<dyn Source>,
    runs: OpenRunList,
    pub view: ViewState,
    interface: ViewControl,
    gpu: Arc<Gpu>,
    loader: Loader,
    /// Its number in [`ValueKey`]s.
    number: u64,
    cache: WeightedLru<ValueKey, Values>,
    /// How the values of a moment lie, of everything that was read for queries that are remembered.
    spreads: HashMap<ValueKey, Arc<[Option<Quantiles>]>>,
    /// What was looked at; a [`ValueKey`] names queries by number.
    queries: QueryTable,
    /// The one of them that was looked at last.
    looked_at: usize,
    failed: HashSet<ValueKey>,
    note: Option<String>,
    /// The slabs without values, while there is no epoch; `None` until they were asked for.
    empty: Option<Option<Arc<Field>>>,
    scene: Option<Scene>,
    /// Where everything stands, the selected input's picture included.
    layout: Layout,
    /// Per layer, the values at the ends of the colour map.
    ranges: Vec<(f32, f32)>,
    /// They are those of other views as well.
    shared: bool,
    /// Picture of the one input that is selected: asked for, then there (or there is none).
    picture: Option<(usize, Option<InputImage>)>,
    asked: HashSet<usize>,
    answers: InsightCache,
    planned: Option<PrefetchKey>,
}

/// What a session is made with.
pub struct SessionResources {
    pub gpu: Arc<Gpu>,
    pub backend: Arc<dyn Backend>,
    pub tell: Tell,
}

/// An input's picture in the scene.
struct InputImage {
    aspect: f32,
    picture: Arc<InputPicture>,
}

impl Session {
    /// The default view of the `run`, which has to be open; `None` where it is not.
    pub fn new(run: usize, runs: OpenRunList, means: SessionResources) -> Option<Self> {
        let source = Arc::clone(&runs.get(run)?.as_ref()?.source);
        let from = LoadSource { source: Arc::clone(&source), runs: Arc::clone(&runs) };
        let tell = Arc::clone(&means.tell);
        let loader = Loader::new(Arc::clone(&means.gpu), means.backend, from, means.tell);
        let answered = Box::new(move |answered| tell(LoadEvent::InsightResponse(answered)));
        let answers = InsightCache::new(Arc::clone(&source), answered);
        Some(Self::with(run, source, runs, means.gpu, loader, answers, 0))
    }

    fn with(
        run: usize,
        source: Arc<dyn Source>,
        runs: OpenRunList,
        gpu: Arc<Gpu>,
        loader: Loader,
        answers: InsightCache,
        number: u64,
    ) -> Self {
        let recording = source.recording();
        let layout = Layout::new(recording);
        // The window's shape is not known yet; the first frame corrects the aspect.
        let camera = Camera::set_view(SetView::Overview, &layout, 1.5);
        let view = ViewState::new(camera, last_number(recording));
        let interface = ViewControl::new(recording);
        Self {
            run,
            source,
            runs,
            view,
            interface,
            gpu,
            loader,
            number,
            cache: WeightedLru::new(BUDGET),
            spreads: HashMap::new(),
            queries: QueryTable::default(),
            looked_at: 0,
            failed: HashSet::new(),
            note: None,
            empty: None,
            scene: None,
            layout,
            ranges: Vec::new(),
            shared: false,
            picture: None,
            asked: HashSet::new(),
            answers,
            planned: None,
        }
    }

    /// Keeps no more values than its share of what `count` views have together.
    pub fn share_memory(&mut self, count: usize) {
        let needed = self.needed();
        self.cache.limit(BUDGET / count.max(1) as u64, &needed);
        self.planned = None;
    }

    /// Ends; what is still being read comes to its end in the loader.
    pub fn into_loader(self) -> Loader {
        self.loader.stop();
        self.loader
    }

    /// Place of its run among the runs.
    pub fn run(&self) -> usize {
        self.run
    }

    pub fn recording(&self) -> &Recording {
        self.source.recording()
    }

    /// Goes on with the runs as they are now: its own is the same recording with more epochs. View,
    /// playback and what was read stay as they are.
    pub fn renew(&mut self, runs: OpenRunList) {
        self.take_runs(runs);
        let Some(source) = self.own_source() else { return };
        let before = std::mem::replace(&mut self.source, source);
        let (before, now) = (before.recording(), self.source.recording());
        self.interface.renew(now);
        self.loader.renew(self.from());
        self.answers.renew(Arc::clone(&self.source));
        if self.interface.epochs().readable().is_empty() {
            return;
        }
        if before.epochs.iter().all(|epoch| epoch.damaged) {
            self.view.epoch = last_number(now);
        }
        self.empty = None;
        self.forget_failures();
        self.choose();
    }

    /// Takes note of the runs as they are now. What it subtracts may be another.
    pub fn take_runs(&mut self, runs: OpenRunList) {
        self.runs = runs;
        self.loader.renew(self.from());
        if self.view.query.run_b.is_some() {
            self.forget_failures();
        }
    }

    fn forget_failures(&mut self) {
        self.note = None;
        self.failed.clear();
        self.planned = None;
    }

    fn own_source(&self) -> Option<Arc<dyn Source>> {
        self.runs.get(self.run)?.as_ref().map(|opened| Arc::clone(&opened.source))
    }

    fn from(&self) -> LoadSource {
        LoadSource { source: Arc::clone(&self.source), runs: Arc::clone(&self.runs) }
    }

    /// A session of another recording in the place of its run. As far as it is of the same network it
    /// is looked at in the same way.
    pub fn replaced(self, runs: OpenRunList) -> Self {
        let before = Arc::clone(&self.source);
        let (run, view) = (self.run, self.view.clone());
        let navigator = self.interface.navigator.clone();
        let playback = self.interface.playback.clone();
        let mut next = self.onto(run, runs);
        let (before, now) = (before.recording(), next.source.recording());
        next.view.theme = view.theme;
        next.interface.navigator.reduced_motion = navigator.reduced_motion;
        if before.layers == now.layers {
            let names = |recording: &Recording| -> Vec<(i64, String)> {
                recording.classes.iter().map(|class| (class.id, class.name.clone())).collect()
            };
            let (epoch, same) = (next.view.epoch, before.inputs == now.inputs && names(before) == names(now));
            let query = if same { view.query.clone() } else { Query::default() };
            next.view = ViewState { epoch, query, ..view };
            next.interface.navigator = navigator;
            next.interface.playback.speed = playback.speed;
            next.interface.playback.looping = playback.looping;
        }
        next
    }

    /// The default view of what the `run` is now, with the same loader; itself where that is not open.
    fn onto(self, run: usize, runs: OpenRunList) -> Self {
        let Some(opened) = runs.get(run).and_then(Option::as_ref) else { return self };
        let source = Arc::clone(&opened.source);
        let number = self.loader.replace(LoadSource { source: Arc::clone(&source), runs: Arc::clone(&runs) });
        let budget = self.cache.budget();
        let mut answers = self.answers;
        answers.replace(Arc::clone(&source));
        let mut next = Self::with(run, source, runs, self.gpu, self.loader, answers, number);
        next.cache.limit(budget, &[]);
        next
    }

    /// Takes the slabs without values.
    pub fn take_slabs(&mut self, recording: u64, field: Arc<Field>) {
        if recording == self.number {
            self.empty = Some(Some(field));
        }
    }

    /// Takes note that there are no slabs to be had.
    pub fn take_no_slabs(&mut self, recording: u64, reason: String) {
        if recording == self.number {
            self.note = Some(reason);
        }
    }

    /// Takes values that were read, and says whether they are among those to be shown now.
    pub fn take_values(&mut self, key: ValueKey, values: Values) -> bool {
        if key.recording != self.number {
            return false;
        }
        let needed = self.needed();
        let bytes = values.bytes();
        // It may be forgotten meanwhile.
        if self.queries.get(key.query).is_some() {
            self.spreads.insert(key.of_values(), Arc::clone(values.field.spreads()));
        }
        self.cache.insert(key, values, bytes, &needed);
        self.plan();
        needed.contains(&key) || self.scene.is_none()
    }

    /// Takes note that values could not be read.
    pub fn take_failure(&mut self, key: ValueKey, reason: String) {
        if key.recording != self.number {
            return;
        }
        self.failed.insert(key);
        // What was asked for before is of no interest any more.
        let asked = key.query == self.query_number();
        if asked && (self.note.is_none() || self.needed().contains(&key)) {
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
            *held = picture.as_ref().map(|picture| InputImage {
                aspect: picture.width.max(1) as f32 / picture.height.max(1) as f32,
                picture: Arc::new(InputPicture::new(&self.gpu, picture)),
            });
        }
    }

    /// Shows moves and glides at their end, or not.
    pub fn set_reduced_motion(&mut self, reduced: bool) {
        self.interface.navigator.reduced_motion = reduced;
    }

    pub fn has_reduced_motion(&self) -> bool {
        self.interface.navigator.reduced_motion
    }

    /// Looks at what `view` says from now on, from where it says; what is `marked` of the training is what
    /// playing stays within.
    pub fn look_at(&mut self, view: ViewState, marked: Option<EpochSpan>) {
        if view.camera != self.view.camera {
            self.interface.navigator.release();
        }
        if view.epoch != self.view.epoch {
            self.interface.playback.hold();
        }
        self.interface.playback.marked = marked;
        self.view = view;
    }

    /// The part of the training that playing stays within.
    pub fn marked(&self) -> Option<EpochSpan> {
        self.interface.playback.marked
    }

    /// How many cells it draws.
    pub fn units(&self) -> u64 {
        self.layout.slabs.iter().map(|slab| slab.units as u64).sum()
    }

    /// Number of the epoch that the scene shows; a fraction between two epochs.
    pub fn shown_epoch(&self) -> Option<f64> {
        let scene = self.scene.as_ref().filter(|scene| scene.filled)?;
        Some(scene.position.number(scene.source.recording()))
    }

    /// Whether the scene shows what the view asks for.
    pub fn is_settled(&self) -> bool {
        let wanted = self.wanted();
        self.scene.as_ref().is_some_and(|scene| {
            scene.filled
                && scene.query == self.view.query
                && scene.order == self.view.order
                && Arc::ptr_eq(&scene.source, &self.source)
                && wanted == Some(scene.position)
        })
    }

    /// What went wrong with what is asked for, in one line.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// What the scene shows now, with the view it is true of, and the selected input's picture.
    pub fn scene(&self) -> Option<(&Scene, ViewState, Option<&Arc<InputPicture>>)> {
        let scene = self.scene.as_ref()?;
        let view = ViewState { query: scene.query.clone(), ..self.view.clone() };
        let picture = self.standing().filter(|_| view.camera.sees_past_picture());
        Some((scene, view, picture.map(|standing| &standing.picture)))
    }

    /// The picture that belongs to what the scene shows.
    fn standing(&self) -> Option<&InputImage> {
        let (input, standing) = self.picture.as_ref()?;
        let shown = self.scene.as_ref()?.query.select.single_input();
        if shown == Some(*input) { standing.as_ref() } else { None }
    }

    /// Which slabs are not drawn.
    pub fn hidden(&self) -> Vec<bool> {
        self.layout.slabs.iter().map(|slab| slab.hidden).collect()
    }

    /// The edges that the scene draws: those of a network that branches, unless they are turned off.
    pub fn edges(&self) -> Vec<Edge> {
        let recording = self.scene.as_ref().map_or(&self.source, |scene| &scene.source).recording();
        if self.view.edges && recording.branches() { recording.edges.clone() } else { Vec::new() }
    }

    /// The slab whose edges stand out.
    pub fn lit(&self) -> Option<usize> {
        if self.edges().is_empty() { None } else { self.interface.lit() }
    }

    fn ask_picture(&mut self, input: usize) {
        if self.asked.insert(input) {
            self.loader.want_picture(input);
        }
    }

    /// Asks for the pictures of inputs that are in sight, and for none that are not any more.
    fn ask_pictures(&mut self, wanted: Vec<usize>) {
        if wanted.is_empty() && self.asked.is_empty() {
            return;
        }
        let selected = self.picture.as_ref().map(|(input, _)| *input);
        let selected = selected.filter(|input| self.asked.contains(input));
        self.loader.want_pictures(selected.into_iter().chain(wanted), &mut self.asked);
    }
}

/// The values that a scene shows, for who points at them. `view` speaks of the scene's own query.
fn slabs<'a>(
    scene: &'a Scene,
    view: &ViewState,
    ranges: &'a [(f32, f32)],
    scales: &'a [f32],
) -> Option<SlabValues<'a>> {
    let [from, to] = &scene.cells;
    let relief = SceneValues {
        from: &from.layers,
        to: &to.layers,
        t: scene.position.t,
        ranges,
        scales,
        diverging: engine::is_diverging(view),
        height: view.height,
    };
    scene.filled.then(|| SlabValues { relief, arrangements: &from.arrangements, moment: scene.from.id() })
}

/// Number of the last readable epoch.
fn last_number(recording: &Recording) -> f64 {
    EpochRef::Last.resolve(recording).map_or(0.0, |at| at.number(recording))
}
