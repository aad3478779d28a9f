//! The values of one run: loaded, cached and prefetched for the view of a session.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::keys::{PrefetchKey, RunVersions};
use super::queries::QueryTable;
use super::subtracted::SubtractedInsights;
use crate::app::event::{LoadEvent, LoadSender, ValueKey};
use crate::app::insights::{InsightCache, InsightRequest};
use crate::app::loader::{LoadSource, Loader};
use crate::app::run::{OpenRun, OpenRunList};
use crate::engine::Gpu;
use crate::model::{EpochIndex, Query, Recording, Source, UnitOrder, WeightedLru};
use crate::scene::LoadedEpoch;
use crate::stats::{Backend, Quantiles};
use crate::ui::ViewControl;

/// Bytes of values that all sessions of a window cache together.
const BUDGET: u64 = 512 << 20;

/// Greatest number of epochs whose values decide the value ranges over all epochs.
const MAX_RANGE_EPOCHS: usize = 64;

/// The device, the backend of reductions, and the receiver of results.
pub struct SessionResources {
    /// The graphics device.
    pub gpu: Arc<Gpu>,
    /// Reduces rows of values.
    pub backend: Arc<dyn Backend>,
    /// Takes the results of the workers.
    pub send: LoadSender,
}

/// The values of one run.
pub struct ValueStore {
    run: usize,
    source: Arc<dyn Source>,
    runs: OpenRunList,
    gpu: Arc<Gpu>,
    loader: Loader,
    /// Number of the recording in [`ValueKey`]s.
    recording: u64,
    /// The loaded values.
    pub(super) cache: WeightedLru<ValueKey, LoadedEpoch>,
    /// The numbers of the epochs whose values decide the value ranges over all epochs, ascending: all readable
    /// ones, or evenly spaced ones.
    pub(super) range_epochs: Vec<u64>,
    /// The quantiles at `range_epochs`, as far as they were loaded for queries that have a number.
    pub(super) quantiles: HashMap<ValueKey, Arc<[Option<Quantiles>]>>,
    /// The numbers of queries.
    pub(super) queries: QueryTable,
    /// Number of the query that the scene was updated to last.
    current_query: usize,
    /// Values that could not be loaded.
    pub(super) failed: HashSet<ValueKey>,
    /// The latest problem with the current query, in one line.
    note: Option<String>,
    /// Inputs whose pictures were requested and are not loaded yet.
    pending_pictures: HashSet<usize>,
    /// Number of values that were loaded or have failed.
    pub(super) arrived: usize,
    /// Key of the latest prefetch list; `None` if it has to be made again.
    pub(super) prefetched: Option<PrefetchKey>,
    /// Layer statistics, unit profiles and predictions.
    pub insights: InsightCache,
    /// The unit profiles in the run that is subtracted; `None` without another run or without pins.
    pub(super) subtracted: Option<SubtractedInsights>,
    send: LoadSender,
}

impl ValueStore {
    /// Creates the values of the run at index `run`, none loaded yet; `None` while the run is not open.
    pub fn new(run: usize, runs: OpenRunList, resources: SessionResources) -> Option<Self> {
        let source = Arc::clone(&runs.get(run)?.as_ref()?.source);
        let SessionResources { gpu, backend, send } = resources;
        let load_source = LoadSource { source: Arc::clone(&source), runs: Arc::clone(&runs) };
        let loader = Loader::new(Arc::clone(&gpu), backend, load_source, Arc::clone(&send));
        let send_insight = Arc::clone(&send);
        let send_insight = Box::new(move |response| send_insight(LoadEvent::Insight(response)));
        let insights = InsightCache::new(Arc::clone(&source), send_insight);
        Some(Self::with_loader(run, source, runs, (gpu, send), loader, insights, 0))
    }

    fn with_loader(
        run: usize,
        source: Arc<dyn Source>,
        runs: OpenRunList,
        (gpu, send): (Arc<Gpu>, LoadSender),
        loader: Loader,
        insights: InsightCache,
        recording: u64,
    ) -> Self {
        Self {
            range_epochs: range_epochs(source.recording()),
            run,
            source,
            runs,
            gpu,
            loader,
            recording,
            cache: WeightedLru::new(BUDGET),
            quantiles: HashMap::new(),
            queries: QueryTable::default(),
            current_query: 0,
            failed: HashSet::new(),
            note: None,
            pending_pictures: HashSet::new(),
            arrived: 0,
            prefetched: None,
            insights,
            subtracted: None,
            send,
        }
    }

    /// The index of the run.
    pub fn run(&self) -> usize {
        self.run
    }

    /// The open runs of the window.
    pub fn runs(&self) -> OpenRunList {
        Arc::clone(&self.runs)
    }

    /// The recording's source.
    pub fn source(&self) -> Arc<dyn Source> {
        Arc::clone(&self.source)
    }

    /// The recording.
    pub fn recording(&self) -> &Recording {
        self.source.recording()
    }

    /// The graphics device.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// The number of the current recording.
    pub(super) fn recording_number(&self) -> u64 {
        self.recording
    }

    /// Returns `true` if `recording` is the number of the current recording.
    pub fn is_current(&self, recording: u64) -> bool {
        self.recording == recording
    }

    /// Limits the cache to an equal share of the memory that `count` sessions have together.
    pub fn share_memory(&mut self, count: usize, control: &ViewControl) {
        let needed = self.needed(control);
        self.cache.limit(BUDGET / count.max(1) as u64, &needed);
        self.prefetched = None;
    }

    /// Stops the loader after its current job, and returns it; drops everything else.
    pub fn into_loader(self) -> Loader {
        self.loader.stop();
        self.loader
    }

    /// Takes over the current `runs`, in which its own is the same recording with more epochs. Returns the
    /// source before; `None` if its run is not open.
    pub fn continue_with(&mut self, runs: OpenRunList, control: &ViewControl) -> Option<Arc<dyn Source>> {
        self.set_runs(runs, control);
        let source = Arc::clone(&self.runs.get(self.run)?.as_ref()?.source);
        let before = std::mem::replace(&mut self.source, source);
        self.range_epochs = range_epochs(self.recording());
        self.quantiles.retain(|key, _| self.range_epochs.binary_search(&key.epoch).is_ok());
        self.loader.continue_with(self.load_source());
        self.insights.continue_with(Arc::clone(&self.source));
        Some(before)
    }

    /// Takes over the current `runs`, in which the run of side B may be another recording.
    pub fn set_runs(&mut self, runs: OpenRunList, control: &ViewControl) {
        self.runs = runs;
        self.loader.continue_with(self.load_source());
        if control.view.query.run_b.is_some() {
            self.forget_failures();
        }
    }

    /// Clears the failures, so that these values are requested again.
    pub fn forget_failures(&mut self) {
        self.note = None;
        self.failed.clear();
        self.prefetched = None;
    }

    fn load_source(&self) -> LoadSource {
        LoadSource { source: Arc::clone(&self.source), runs: Arc::clone(&self.runs) }
    }

    /// Returns the values of the run at index `run`, which is `open`, with the same loader.
    pub fn with_run(self, run: usize, open: &OpenRun, runs: OpenRunList) -> Self {
        let source = Arc::clone(&open.source);
        let load_source = LoadSource { source: Arc::clone(&source), runs: Arc::clone(&runs) };
        let recording = self.loader.replace(load_source);
        let budget = self.cache.budget();
        let mut insights = self.insights;
        insights.replace(Arc::clone(&source));
        let mut next =
            Self::with_loader(run, source, runs, (self.gpu, self.send), self.loader, insights, recording);
        next.cache.limit(budget, &[]);
        next
    }

    /// Returns the key of the query with this number at an epoch.
    pub(super) fn key(&self, query: usize, epoch: EpochIndex, order: Option<UnitOrder>) -> ValueKey {
        let epoch = self.recording().epochs[epoch.0].number;
        ValueKey { recording: self.recording, query, epoch, order }
    }

    /// Returns the number of the view's query.
    pub(super) fn query_number(&mut self, control: &ViewControl) -> usize {
        let versions = self.versions(&control.view.query);
        let (number, lost) = self.queries.number(&control.view.query, versions);
        if let Some(lost) = lost {
            self.quantiles.retain(|key, _| key.query != lost);
            self.failed.retain(|key| key.query != lost);
        }
        number
    }

    /// Makes the view's query the current one, and returns its number.
    pub(super) fn enter_query(&mut self, control: &ViewControl) -> usize {
        let query = self.query_number(control);
        if query != self.current_query {
            self.current_query = query;
            self.note = None;
        }
        query
    }

    /// Returns the versions of the runs on which the values of a query depend.
    pub(super) fn versions(&self, query: &Query) -> RunVersions {
        RunVersions::of(query, self.run, &self.runs)
    }

    /// Caches loaded values; returns `true` if the view needs them.
    pub fn insert(&mut self, key: ValueKey, values: LoadedEpoch, control: &ViewControl) -> bool {
        let needed = self.needed(control);
        let bytes = values.bytes();
        // The query may have lost its number since the request.
        let decides_ranges = self.range_epochs.binary_search(&key.epoch).is_ok();
        if decides_ranges && self.queries.get(key.query).is_some() {
            self.quantiles.insert(key.unordered(), Arc::clone(&values.quantiles));
        }
        self.cache.insert(key, values, bytes, &needed);
        self.arrived += 1;
        self.prefetch(control);
        needed.contains(&key)
    }

    /// Records that values cannot be loaded.
    pub fn fail(&mut self, key: ValueKey, reason: String, control: &ViewControl) {
        if !self.is_current(key.recording) {
            return;
        }
        self.failed.insert(key);
        self.arrived += 1;
        // Failures of earlier queries are not reported.
        let is_current = key.query == self.query_number(control);
        if is_current && (self.note.is_none() || self.needed(control).contains(&key)) {
            self.note = Some(reason);
        }
        self.prefetch(control);
    }

    /// The latest problem with the current query, in one line.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Sets the problem to report.
    pub fn set_note(&mut self, note: String) {
        self.note = Some(note);
    }

    /// Returns the quantiles of a query at the epochs that decide the value ranges, as far as they are loaded.
    pub(super) fn quantiles_of(&self, query: &Query) -> impl Iterator<Item = &Arc<[Option<Quantiles>]>> {
        let query = self.queries.find(query, self.versions(query));
        let of_epoch = move |&epoch: &u64| {
            let key = ValueKey { recording: self.recording, query: query?, epoch, order: None };
            self.quantiles.get(&key.unordered())
        };
        self.range_epochs.iter().filter_map(of_epoch)
    }

    /// Returns for each epoch of the recording `true` if its values are cached.
    pub fn cached_epochs(&self, order: Option<UnitOrder>) -> Vec<bool> {
        let epochs = &self.recording().epochs;
        let mut cached = vec![false; epochs.len()];
        // There can be far more epochs than cached ones.
        for (key, _) in self.cache.entries() {
            if key.recording == self.recording
                && key.query == self.current_query
                && key.order == order
                && let Ok(index) = epochs.binary_search_by_key(&key.epoch, |epoch| epoch.number)
            {
                cached[index] = true;
            }
        }
        cached
    }

    /// Requests the slabs without values.
    pub(super) fn request_network(&self) {
        self.loader.request_network();
    }

    /// The loader.
    pub(super) fn loader(&self) -> &Loader {
        &self.loader
    }

    /// Requests the picture of an input before all others.
    pub(super) fn request_picture(&mut self, input: usize) {
        if self.pending_pictures.insert(input) {
            self.loader.request_picture(input);
        }
    }

    /// Requests the pictures of inputs, and cancels the other requests except `selected`.
    pub(super) fn request_pictures(&mut self, inputs: Vec<usize>, selected: Option<usize>) {
        if inputs.is_empty() && self.pending_pictures.is_empty() {
            return;
        }
        let selected = selected.filter(|input| self.pending_pictures.contains(input));
        self.loader.request_pictures(selected.into_iter().chain(inputs), &mut self.pending_pictures);
    }

    /// Records that a requested picture is loaded.
    pub fn picture_arrived(&mut self, input: usize) {
        self.pending_pictures.remove(&input);
    }

    /// Requests the insights for panels at the epoch that they describe: predictions, the profiles of the pinned units, the latest pin first, and the layer statistics.
    pub fn request_insights(&mut self, control: &ViewControl) {
        let Some(epoch) = control.described_epoch(self.recording()) else { return };
        let recording = self.source.recording();
        let profiles = control.view.pins.iter().rev().filter_map(|pin| {
            let unit = recording.unit_of_pin(pin)?;
            Some(InsightRequest::UnitProfile { unit, epoch })
        });
        let predicted = recording.epochs.iter().any(|it| it.number == epoch && it.has_predictions);
        let predictions = predicted.then_some(InsightRequest::Predictions { epoch });
        let requests = predictions.into_iter().chain(profiles).chain([InsightRequest::LayerStats { epoch }]);
        self.insights.request(requests.collect());
        SubtractedInsights::update(&mut self.subtracted, &self.runs, control, epoch, &self.send);
    }
}

/// Returns the numbers of the readable epochs or, of many, of evenly spaced ones with the first and the last.
fn range_epochs(recording: &Recording) -> Vec<u64> {
    let readable = recording.epochs.iter().filter(|epoch| !epoch.damaged);
    let readable: Vec<u64> = readable.map(|epoch| epoch.number).collect();
    if readable.len() <= MAX_RANGE_EPOCHS {
        return readable;
    }
    let last = readable.len() - 1;
    (0..MAX_RANGE_EPOCHS).map(|step| readable[step * last / (MAX_RANGE_EPOCHS - 1)]).collect()
}
