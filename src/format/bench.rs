//! How fast a dump's epoch loads, beside what anyone would write first.

use std::collections::HashMap;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::deepdiva::Dump;
use super::{FormatError, Found, Known};
use crate::model::{EpochRef, Source};

/// Measurements of one epoch's load; times are medians over `repetitions`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LoadBench {
    /// Number of the epoch that was loaded.
    pub epoch: u64,
    pub files: usize,
    /// Of all files together.
    pub bytes: u64,
    /// Threads that parse.
    pub threads: usize,
    pub repetitions: usize,
    /// All files read, parsed and checked, in parallel.
    pub load_ms: f64,
    pub load_mb_per_s: f64,
    /// What it is compared with.
    pub baseline: &'static str,
    pub baseline_ms: f64,
    pub baseline_mb_per_s: f64,
    /// How many times faster: `baseline_ms / load_ms`.
    pub ratio: f64,
}

const BASELINE: &str = "typed serde_json (HashMap<String, HashMap<String, f64>>), the same files one after another, \
                        bare NaN replaced by 0.0 beforehand";

/// Measuring goes on for at least this long and this often.
const LEAST_TIME: Duration = Duration::from_secs(2);
const LEAST_REPETITIONS: usize = 11;

#[derive(Deserialize)]
struct BaselineFile {
    layers: HashMap<String, BaselineLayer>,
}

#[derive(Deserialize)]
struct BaselineLayer {
    filters: HashMap<String, f64>,
}

/// Measures how long one epoch of the DNNViz dump at `path` takes to load, all of its files, and how
/// long the baseline takes over the same files. Both read from the page cache; they alternate, so
/// that a busy machine disturbs both alike.
pub fn bench_load(path: &Path, epoch: EpochRef) -> Result<LoadBench, FormatError> {
    let found = Found::at(path)?;
    if !matches!(found.format, Known::Dump) {
        let what = "bench load measures DNNViz dumps; a recording is mapped, there is nothing to parse";
        return Err(FormatError::invalid(&found.folder, what));
    }
    let dump = Dump::open(&found.folder, &found.manifest)?;
    let epoch = epoch.resolve(dump.recording())?.from;
    let files: Vec<PathBuf> = dump.files(epoch.0).collect();
    let folder = tempfile::tempdir().map_err(FormatError::write(&std::env::temp_dir()))?;
    let mut bytes = 0;
    let mut strict = Vec::with_capacity(files.len());
    for (index, file) in files.iter().enumerate() {
        let text = fs::read(file).map_err(|error| FormatError::read(file, error))?;
        bytes += text.len() as u64;
        strict.push(without_nan(file, text, &folder.path().join(format!("{index}.json")))?);
    }
    let load = || dump.parse_all(&files).into_iter().collect::<Result<Vec<_>, _>>();
    let baseline = || strict.iter().map(|file| parse_strictly(file)).collect::<Result<Vec<_>, _>>();
    let (mut load_times, mut baseline_times) = (Vec::new(), Vec::new());
    let begin = Instant::now();
    while load_times.len() < LEAST_REPETITIONS || begin.elapsed() < LEAST_TIME {
        let start = Instant::now();
        black_box(load()?);
        load_times.push(start.elapsed());
        let start = Instant::now();
        black_box(baseline()?);
        baseline_times.push(start.elapsed());
    }
    let repetitions = load_times.len();
    let (load_ms, baseline_ms) = (median_ms(load_times), median_ms(baseline_times));
    let rate = |ms: f64| bytes as f64 / 1e3 / ms;
    Ok(LoadBench {
        epoch: dump.recording().epochs.get(epoch.0).map_or(0, |epoch| epoch.number),
        files: files.len(),
        bytes,
        threads: rayon::current_num_threads(),
        repetitions,
        load_ms,
        load_mb_per_s: rate(load_ms),
        baseline: BASELINE,
        baseline_ms,
        baseline_mb_per_s: rate(baseline_ms),
        ratio: baseline_ms / load_ms,
    })
}

fn parse_strictly(path: &Path) -> Result<BaselineFile, FormatError> {
    let text = fs::read(path).map_err(|error| FormatError::read(path, error))?;
    let file: BaselineFile = serde_json::from_slice(&text)
        .map_err(|error| FormatError::Json { path: path.to_owned(), what: error.to_string() })?;
    black_box(file.layers.values().map(|layer| layer.filters.len()).sum::<usize>());
    Ok(file)
}

/// A file that a strict parser accepts: itself, or a copy without `NaN`.
fn without_nan(file: &Path, text: Vec<u8>, copy: &Path) -> Result<PathBuf, FormatError> {
    match String::from_utf8(text) {
        Ok(text) if text.contains("NaN") => {
            fs::write(copy, text.replace("NaN", "0.0")).map_err(FormatError::write(copy))?;
            Ok(copy.to_owned())
        }
        _ => Ok(file.to_owned()),
    }
}

fn median_ms(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}
