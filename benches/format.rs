//! Loading one epoch: activation files of a DNNViz dump, beside two typed parsers over the same files,
//! and the mapped files of a recording.
//!
//! The dump is the one in `../shared/data/deepdiva` where that is present, otherwise one that is made up
//! and exported, of the same size.

use std::collections::HashMap;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use dnnviz::format::{self, RunHandle, SynthOptions};
use dnnviz::model::{EpochIndex, Group, Source};
use jiter::serde::JiterDeserializer;
use rayon::prelude::*;
use serde::Deserialize;
use tempfile::TempDir;

/// An activation file as a parser without knowledge of the manifest reads it.
#[derive(Deserialize)]
struct ActivationFile {
    layers: HashMap<String, ActivationLayer>,
}

#[derive(Deserialize)]
struct ActivationLayer {
    filters: HashMap<String, f64>,
}

impl ActivationFile {
    fn values(&self) -> usize {
        self.layers.values().map(|layer| layer.filters.len()).sum()
    }
}

/// A made-up recording of the size of an AlexNet, written to `folder`.
fn made_up_run(folder: &Path) -> PathBuf {
    let run = folder.join("run");
    let options = SynthOptions { units: 9354, layers: 8, epochs: 1, inputs: 40, ..SynthOptions::default() };
    format::synth(&run, &options, &mut |_, _| {}).expect("a made-up recording");
    run
}

/// The dumps to measure, by name.
fn dumps(folder: &Path) -> Vec<(String, PathBuf)> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/deepdiva");
    let mut dumps: Vec<(String, PathBuf)> = ["cnn_basic", "alex_dead"]
        .map(|name| (name.to_owned(), shared.join(name)))
        .into_iter()
        .filter(|(_, path)| path.is_dir())
        .collect();
    if dumps.is_empty() {
        let dump = folder.join("dump");
        format::export_json(&made_up_run(folder), &dump, &mut |_, _| {}).expect("a dump");
        dumps.push(("made up".to_owned(), dump));
    }
    dumps
}

/// Reads every stored value of the epoch with index 0.
fn load(source: &dyn Source) -> usize {
    let recording = source.recording();
    let inputs: Vec<usize> = (0..recording.inputs.len()).collect();
    let rows = source.rows(EpochIndex(0), &inputs).expect("unit values");
    let classes = (0..recording.classes.len()).map(Group::Class);
    let aggregates = std::iter::once(Group::All)
        .chain(classes)
        .filter_map(|group| source.aggregates(EpochIndex(0), group).expect("aggregates"));
    rows.rows.len() + aggregates.count()
}

fn dump_epoch(c: &mut Criterion) {
    let folder = TempDir::new().expect("a temporary folder");
    for (name, dump) in dumps(folder.path()) {
        let files: Vec<PathBuf> = RunHandle::open(&dump).expect("a dump").epoch_files(0);
        // Strict parsers refuse the bare NaN that Python writes.
        let texts: Vec<Vec<u8>> = files
            .iter()
            .map(|file| fs::read_to_string(file).expect("text").replace("NaN", "0.0").into_bytes())
            .collect();
        let strict: Vec<PathBuf> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| {
                let path = folder.path().join(format!("{name} {index}.json"));
                fs::write(&path, text).expect("a copy without NaN");
                path
            })
            .collect();
        let bytes: usize = texts.iter().map(Vec::len).sum();

        let mut group = c.benchmark_group(format!("format::deepdiva epoch of {name}"));
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function("read (ceiling)", |b| {
            b.iter(|| files.par_iter().map(|file| fs::read(file).expect("read").len()).sum::<usize>());
        });
        group.bench_function("dnnviz", |b| {
            let open = || format::open(&dump).expect("a dump");
            let read = |source: Arc<dyn Source>| {
                black_box(load(&*source));
                source
            };
            b.iter_batched(open, read, BatchSize::PerIteration);
        });
        group.bench_function("jiter, typed", |b| {
            b.iter(|| {
                let parse = |file: &PathBuf| {
                    let text = fs::read(file).expect("read");
                    let mut reader = JiterDeserializer::new(&text).with_allow_inf_nan();
                    ActivationFile::deserialize(&mut reader).expect("valid").values()
                };
                files.par_iter().map(parse).sum::<usize>()
            });
        });
        group.bench_function("serde_json, typed", |b| {
            b.iter(|| {
                let parse = |file: &PathBuf| {
                    let text = fs::read(file).expect("read");
                    serde_json::from_slice::<ActivationFile>(&text).expect("valid").values()
                };
                strict.par_iter().map(parse).sum::<usize>()
            });
        });
        group.finish();
    }
}

fn mapped_epoch(c: &mut Criterion) {
    let folder = TempDir::new().expect("a temporary folder");
    let run = made_up_run(folder.path());
    let source = format::open(&run).expect("a recording");
    let mut group = c.benchmark_group("format::native");
    group.bench_function("open", |b| b.iter(|| format::open(black_box(&run)).expect("a recording")));
    group.bench_function("rows of one epoch", |b| b.iter(|| load(&*source)));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = dump_epoch, mapped_epoch
}
criterion_main!(benches);
