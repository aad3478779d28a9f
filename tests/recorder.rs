//! The Rust recorder: what it records, against plain arithmetic in f64 and Python's reading of the
//! files; what it refuses; and what is left when it is killed.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use dnnviz::Recorder;
use dnnviz::capture::{Keep, LayerDescription, Metrics, Network, Precision, RecorderError};
use dnnviz::format::{self, Pictures};
use dnnviz::model::{Dtype, EpochIndex, EpochPosition, LayerKind, Query, Reduction, Selection, Source, Stat};
use dnnviz::stats::{self, Cpu, Sides};
use tempfile::TempDir;

fn temporary() -> TempDir {
    TempDir::new().expect("temporary folder")
}

fn open(path: &Path) -> Arc<dyn Source> {
    format::open(path).unwrap_or_else(|error| panic!("{error}"))
}

/// The program `name` of `examples/`, as Cargo built it with the tests.
fn example(name: &str) -> Command {
    let built =
        Path::new(env!("CARGO_BIN_EXE_dnnviz")).parent().expect("a folder").join("examples").join(name);
    assert!(built.is_file(), "{} is not there; build it with `cargo build --examples`", built.display());
    Command::new(built)
}

const INPUTS: usize = 23;
const CLASSES: usize = 3;

fn label(input: usize) -> Option<usize> {
    (!input.is_multiple_of(7)).then_some(input % CLASSES)
}

fn network() -> Network {
    Network {
        name: "odd".to_owned(),
        classes: ["ant", "bee", "cow"].map(str::to_owned).to_vec(),
        labels: (0..INPUTS).map(label).collect(),
        ids: (0..INPUTS).map(|input| format!("image {input}")).collect(),
        ..Network::default()
    }
}

/// Numbers that look random, some of them negative, with NaN and infinities among them if `odd`.
fn number(seed: usize, odd: bool) -> f32 {
    let hash = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    match seed % 97 {
        5 if odd => f32::NAN,
        41 if odd => f32::INFINITY,
        77 if odd => f32::NEG_INFINITY,
        _ => hash as f32 / (1_u64 << 22) as f32 - 2.0,
    }
}

/// A layer of the network that is recorded here.
struct Plain {
    name: &'static str,
    /// Of one input.
    shape: &'static [usize],
    channels_last: bool,
    reduction: Reduction,
    kind: LayerKind,
}

const LAYERS: [Plain; 4] = [
    Plain {
        name: "conv",
        shape: &[3, 2, 5],
        channels_last: false,
        reduction: Reduction::SpatialMean,
        kind: LayerKind::FeatureMap,
    },
    Plain {
        name: "last",
        shape: &[4, 2, 3],
        channels_last: true,
        reduction: Reduction::SpatialMean,
        kind: LayerKind::FeatureMap,
    },
    Plain {
        name: "sequence",
        shape: &[6, 2],
        channels_last: false,
        reduction: Reduction::SequenceMean,
        kind: LayerKind::Attention,
    },
    Plain {
        name: "dense",
        shape: &[4],
        channels_last: false,
        reduction: Reduction::None,
        kind: LayerKind::Dense,
    },
];

impl Plain {
    fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// Activations of one input.
    fn values(&self, epoch: u64, input: usize) -> Vec<f32> {
        let seed = 100_000 * self.name.len() + 10_000 * epoch as usize + 100 * input;
        (0..self.size()).map(|at| number(seed + at, true)).collect()
    }

    fn units(&self) -> usize {
        if self.reduction == Reduction::SequenceMean || self.channels_last {
            self.shape[self.shape.len() - 1]
        } else {
            self.shape[0]
        }
    }

    /// One value per unit for an input at an epoch, reduced over positions in f64.
    fn reduced(&self, epoch: u64, input: usize) -> Vec<f32> {
        let values = self.values(epoch, input);
        let units = self.units();
        let positions = self.size() / units;
        let interleaved = self.reduction == Reduction::SequenceMean || self.channels_last;
        let at = |unit: usize, position: usize| {
            if interleaved { position * units + unit } else { unit * positions + position }
        };
        let sum =
            |unit: usize| (0..positions).map(|position| f64::from(values[at(unit, position)])).sum::<f64>();
        (0..units).map(|unit| (sum(unit) / positions as f64) as f32).collect()
    }
}

fn prediction(epoch: u64, input: usize) -> usize {
    (input * 5 + epoch as usize) % CLASSES
}

fn describe(rec: &mut Recorder) {
    let about = |channels_last| LayerDescription {
        channels_last,
        text: "a text".to_owned(),
        ..LayerDescription::default()
    };
    rec.describe("last", about(true)).expect("describes");
    let attention =
        LayerDescription { kind: Some(LayerKind::Attention), parameters: Some(7), ..about(false) };
    rec.describe("sequence", attention).expect("describes");
}

fn take(rec: &mut Recorder, epoch: u64) {
    for (layer, batch) in LAYERS.iter().zip([INPUTS, 5, 8, 1]) {
        for start in (0..INPUTS).step_by(batch) {
            let inputs = start..INPUTS.min(start + batch);
            let shape: Vec<usize> = [inputs.len()].iter().chain(layer.shape).copied().collect();
            let values: Vec<f32> = inputs.flat_map(|input| layer.values(epoch, input)).collect();
            rec.layer(layer.name, &values, &shape).expect("fits");
        }
    }
    let predictions: Vec<usize> = (0..INPUTS).map(|input| prediction(epoch, input)).collect();
    let (first, second) = predictions.split_at(4);
    rec.predictions(first).expect("fits");
    rec.predictions(second).expect("fits");
}

fn record(path: &Path, network: Network) -> Recorder {
    let mut rec = Recorder::create(path, network).unwrap_or_else(|error| panic!("{error}"));
    describe(&mut rec);
    for epoch in [0, 2] {
        take(&mut rec, epoch);
        let others = [("learning_rate".to_owned(), 0.1)].into();
        let metrics = Metrics { accuracy: Some(0.25), loss: Some(1.5), step: Some(70), others };
        rec.epoch(epoch, metrics).unwrap_or_else(|error| panic!("{error}"));
    }
    rec
}

/// A statistic of finite values in f64.
fn oracle(values: &[f32], stat: Stat) -> f64 {
    let finite: Vec<f64> =
        values.iter().filter(|value| value.is_finite()).map(|&value| value.into()).collect();
    let mean =
        |of: &dyn Fn(f64) -> f64| finite.iter().map(|&value| of(value)).sum::<f64>() / finite.len() as f64;
    match stat {
        Stat::Mean => mean(&|value| value),
        Stat::Std => {
            let centre = mean(&|value| value);
            mean(&|value| (value - centre).powi(2)).sqrt()
        }
        Stat::Min => finite.iter().copied().reduce(f64::min).unwrap_or(f64::NAN),
        Stat::Max => finite.iter().copied().reduce(f64::max).unwrap_or(f64::NAN),
        Stat::Rate => mean(&|value| f64::from(u8::from(value > 0.0))),
        Stat::Count => finite.len() as f64,
    }
}

/// Every statistic of all inputs and of every class is that of plain arithmetic. `spread` is the
/// tolerance of standard deviations: from moments in f32 they are only nearly right.
#[track_caller]
fn assert_statistics(source: &dyn Source, spread: f64) {
    let mut without = 0;
    for (at, epoch) in [0, 2].into_iter().enumerate() {
        let groups = std::iter::once(("all".to_owned(), None))
            .chain((0..CLASSES).map(|class| (format!("class:{class}"), Some(class))));
        for (select, class) in groups {
            let members: Vec<usize> =
                (0..INPUTS).filter(|&input| class.is_none() || label(input) == class).collect();
            for stat in [Stat::Mean, Stat::Std, Stat::Min, Stat::Max, Stat::Rate] {
                let query =
                    Query { select: select.parse::<Selection>().expect("parses"), stat, ..Query::default() };
                let table = stats::table(Sides::one(source), &query, EpochPosition::at(EpochIndex(at)), &Cpu)
                    .expect("computes");
                assert_eq!(table.inputs, members.len());
                let tolerance = if stat == Stat::Std { spread } else { 1e-6 };
                for (layer, found) in LAYERS.iter().zip(&table.layers) {
                    assert_eq!(found.len(), layer.units());
                    let rows: Vec<Vec<f32>> =
                        members.iter().map(|&input| layer.reduced(epoch, input)).collect();
                    for (unit, &found) in found.iter().enumerate() {
                        let column: Vec<f32> = rows.iter().map(|row| row[unit]).collect();
                        let wanted = oracle(&column, stat);
                        let found = f64::from(found);
                        without += usize::from(column.iter().any(|value| !value.is_finite()));
                        assert!(
                            (found - wanted).abs() <= tolerance * wanted.abs().max(1.0),
                            "{stat:?} of {select}, unit {unit} of {} at {epoch}: {found}, not {wanted}",
                            layer.name
                        );
                    }
                }
            }
        }
    }
    assert!(without > 100, "the values that are left out must be there: {without}");
}

fn not_finite(epoch: u64) -> BTreeMap<String, u64> {
    let count = |layer: &Plain| {
        let values = (0..INPUTS).flat_map(|input| layer.reduced(epoch, input));
        values.filter(|value| !value.is_finite()).count() as u64
    };
    LAYERS.iter().map(|layer| (layer.name.to_owned(), count(layer))).filter(|&(_, count)| count > 0).collect()
}

#[test]
fn what_is_recorded_is_what_came() {
    let folder = temporary();
    let run = folder.path().join("some/where/run");
    let pixels: Vec<u8> = (0..INPUTS * 4).map(|at| at as u8).collect();
    let pictures = Pictures::Pixels { height: 2, width: 2, channels: 1, values: pixels };
    drop(record(&run, Network { pictures, ..network() }));
    let source = open(&run);
    let recording = source.recording();
    assert_eq!((recording.model.as_str(), recording.inputs.len()), ("odd", INPUTS));
    for (layer, wanted) in recording.layers.iter().zip(&LAYERS) {
        assert_eq!((layer.name.as_str(), &*layer.shape), (wanted.name, wanted.shape));
        assert_eq!(
            (layer.units, layer.reduction, layer.kind),
            (wanted.units(), wanted.reduction, wanted.kind)
        );
    }
    assert_eq!((recording.layers[2].text.as_str(), recording.layers[2].parameters), ("a text", Some(7)));
    for (input, listed) in recording.inputs.iter().enumerate() {
        assert_eq!((&listed.id, listed.class), (&format!("image {input}"), label(input)));
        let wanted: Vec<u8> = (4 * input..4 * input + 4).map(|at| at as u8).collect();
        let found = source.picture(input).expect("a picture").rgba;
        assert_eq!(found.chunks(4).map(|pixel| pixel[0]).collect::<Vec<_>>(), wanted);
    }
    for (at, epoch) in recording.epochs.iter().enumerate() {
        assert_eq!((epoch.number, epoch.step), (2 * at as u64, Some(70)));
        assert_eq!((epoch.accuracy, epoch.loss), (Some(25.0), Some(1.5)), "accuracy in percent");
        assert_eq!(epoch.metrics, [("learning_rate".to_owned(), 0.1)].into());
        let time: jiff::Timestamp = epoch.time.as_ref().expect("a time").parse().expect("of the usual form");
        assert!((jiff::Timestamp::now().as_second() - time.as_second()).abs() < 60);
        assert!(not_finite(epoch.number).len() > 2);
        assert_eq!(epoch.not_finite, not_finite(epoch.number));
        let predictions = source.predictions(EpochIndex(at)).expect("read").expect("kept");
        assert!((0..INPUTS).all(|input| predictions[input] == Some(prediction(epoch.number, input))));
        let block = source.rows(EpochIndex(at), &(0..INPUTS).collect::<Vec<_>>()).expect("read");
        for (layer, plain) in block.layers.iter().zip(&LAYERS) {
            for input in 0..INPUTS {
                let row = layer.row(block.rows[input]);
                for (&found, wanted) in row.iter().zip(plain.reduced(epoch.number, input)) {
                    let same = found == wanted || (found.is_nan() && wanted.is_nan());
                    assert!(same, "{found}, not {wanted}: {} of input {input}", plain.name);
                }
            }
        }
    }
    assert_statistics(&*source, 1e-6);
}

#[test]
fn aggregates_alone_say_the_same() {
    let folder = temporary();
    for (name, keep) in [("none", Keep::Aggregates), ("some", Keep::Inputs(vec![20, 3, 3, 7]))] {
        let run = folder.path().join(name);
        let encoded = (0..INPUTS).map(|input| vec![input as u8; 3]).collect();
        drop(record(&run, Network { keep, pictures: Pictures::Encoded(encoded), ..network() }));
        let source = open(&run);
        assert_statistics(&*source, 1e-3);
        assert_eq!(source.recording().epochs[0].not_finite, not_finite(0), "counted over all inputs");
        let kept = if name == "none" { vec![] } else { vec![3, 7, 20] };
        let listed = &source.recording().inputs;
        assert_eq!(
            listed.iter().map(|input| input.id.clone()).collect::<Vec<_>>(),
            kept.iter().map(|input| format!("image {input}")).collect::<Vec<_>>()
        );
        if kept.is_empty() {
            continue;
        }
        let block = source.rows(EpochIndex(1), &[0, 1, 2]).expect("read");
        let predictions = source.predictions(EpochIndex(1)).expect("read").expect("kept");
        for (row, &input) in kept.iter().enumerate() {
            assert_eq!(predictions[row], Some(prediction(2, input)));
            assert_eq!(listed[row].class, label(input));
            for (layer, plain) in block.layers.iter().zip(&LAYERS) {
                let found =
                    layer.row(block.rows[row]).iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                let wanted = plain.reduced(2, input);
                let wanted = wanted.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                assert!(
                    found == wanted || found.iter().any(|&bits| f32::from_bits(bits).is_nan()),
                    "{} of input {input}",
                    plain.name
                );
            }
        }
    }
}

#[test]
fn python_reads_the_same_numbers() {
    let folder = temporary();
    let run = folder.path().join("run");
    let half = Network { precision: Precision::F16, keep: Keep::Inputs(vec![1, 2]), ..network() };
    drop(record(&run, half));
    let script = "\
import sys
from safetensors.numpy import load_file
for file in sys.argv[1:]:
    for name, array in sorted(load_file(file).items()):
        print(name, array.dtype, list(array.shape), *(float(value).hex() for value in array.ravel()), sep='\\t')
";
    let files = ["epochs/000002.safetensors", "inputs.safetensors"].map(|file| run.join(file));
    if !support::has_python("numpy, safetensors") {
        return;
    }
    let done = Command::new("python3").args(["-c", script]).args(&files).output().expect("it starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let told = String::from_utf8(done.stdout).expect("text");
    let arrays: BTreeMap<&str, (&str, &str, Vec<f64>)> = told
        .lines()
        .map(|line| {
            let mut parts = line.split('\t');
            let mut part = || parts.next().expect("a part");
            let (name, dtype, shape) = (part(), part(), part());
            (name, (dtype, shape, parts.map(hexadecimal).collect()))
        })
        .collect();
    assert_eq!(
        arrays["predictions"],
        ("int64", "[2]", vec![prediction(2, 1) as f64, prediction(2, 2) as f64])
    );
    assert_eq!(arrays["groups"], ("int64", "[4]", vec![-1.0, 0.0, 1.0, 2.0]));
    let members = |class| (0..INPUTS).filter(|&input| label(input) == Some(class)).count() as f64;
    assert_eq!(arrays["counts"].2, [INPUTS as f64, members(0), members(1), members(2)]);
    assert_eq!(arrays["labels"].2, [1.0, 2.0]);
    for (index, layer) in LAYERS.iter().enumerate() {
        let (dtype, shape, values) = &arrays[format!("{index}/units").as_str()];
        assert_eq!((*dtype, *shape), ("float16", format!("[2, {}]", layer.units()).as_str()));
        let wanted = [1, 2].into_iter().flat_map(|input| layer.reduced(2, input));
        for (&found, wanted) in values.iter().zip(wanted) {
            let wanted = half::f16::from_f32(wanted).to_f64();
            assert!(found == wanted || (found.is_nan() && wanted.is_nan()), "{found}, not {wanted}");
        }
        for (part, stat) in
            [("mean", Stat::Mean), ("min", Stat::Min), ("max", Stat::Max), ("rate", Stat::Rate)]
        {
            let (dtype, shape, values) = &arrays[format!("{index}/{part}").as_str()];
            assert_eq!((*dtype, *shape), ("float32", format!("[4, {}]", layer.units()).as_str()));
            for (unit, found) in values.iter().take(layer.units()).enumerate() {
                let column: Vec<f32> = (0..INPUTS).map(|input| layer.reduced(2, input)[unit]).collect();
                assert!((found - oracle(&column, stat)).abs() < 1e-6, "{part} of {}", layer.name);
            }
        }
    }
}

/// A number as Python's `float.hex` writes it.
fn hexadecimal(text: &str) -> f64 {
    let (sign, digits) = text.strip_prefix('-').map_or((1.0, text), |digits| (-1.0, digits));
    let Some((whole, power)) = digits.strip_prefix("0x").and_then(|digits| digits.split_once('p')) else {
        return sign * digits.parse::<f64>().expect("inf or nan");
    };
    let (first, fraction) = whole.split_once('.').unwrap_or((whole, "0"));
    let parsed = |text: &str| u64::from_str_radix(text, 16).expect("hexadecimal") as f64;
    let mantissa = parsed(first) + parsed(fraction) / 16_f64.powi(fraction.len() as i32);
    sign * mantissa * 2_f64.powi(power.parse().expect("an exponent"))
}

#[test]
fn a_layer_too_large_for_half_precision_is_stored_whole() {
    let folder = temporary();
    for (precision, stored) in [(Precision::F16, Dtype::F16), (Precision::BF16, Dtype::BF16)] {
        let run = folder.path().join(format!("{precision:?}"));
        let mut rec = Recorder::create(&run, Network { precision, ..Network::default() }).expect("begins");
        let epochs = [[1.0, f32::INFINITY, -2.5], [1.0, f32::MAX, f32::NAN]];
        for (number, values) in epochs.into_iter().enumerate() {
            rec.layer("a", &values, &[3, 1]).expect("fits");
            rec.layer("b", &[0.5, 0.25, -0.125], &[3]).expect("fits");
            rec.epoch(number as u64, Metrics::default()).expect("records");
        }
        let source = open(&run);
        for (epoch, wanted) in epochs.into_iter().enumerate() {
            let block = source.rows(EpochIndex(epoch), &[0, 1, 2]).expect("read");
            let column: Vec<f32> = (0..3).map(|row| block.layers[0].row(row)[0]).collect();
            assert_eq!(format!("{column:?}"), format!("{wanted:?}"));
            assert_eq!(block.layers[0].dtype(), if epoch == 0 { stored } else { Dtype::F32 });
            assert_eq!(block.layers[1].dtype(), stored);
        }
    }
}

#[test]
fn the_classes_of_modules_are_recorded() {
    let folder = temporary();
    let run = folder.path().join("run");
    let modules: BTreeMap<String, String> = [("stem".to_owned(), "Sequential".to_owned())].into();
    let network = Network { modules: modules.clone(), ..Network::default() };
    let mut rec = Recorder::create(&run, network).expect("creates");
    rec.layer("stem.0", &[0.5; 6], &[3, 2]).expect("fits");
    rec.epoch(0, Metrics::default()).expect("writes");
    assert_eq!(open(&run).recording().modules, modules);
}

#[test]
fn a_recorder_without_labels_counts_the_inputs_itself() {
    let folder = temporary();
    let run = folder.path().join("run");
    let mut rec = Recorder::create(&run, Network::default()).expect("begins");
    rec.layer("a", &[1.0, 2.0, 3.0], &[3, 1]).expect("fits");
    rec.epoch(0, Metrics::default()).expect("records");
    assert!(rec.layer("a", &[1.0; 4], &[4, 1]).is_err());
    drop(rec);
    let recording = open(&run).recording().clone();
    assert_eq!(
        recording.inputs.iter().map(|input| (input.id.as_str(), input.class)).collect::<Vec<_>>(),
        [("0", None), ("1", None), ("2", None)]
    );
    let mut rec = Recorder::resume(&run, Network::default()).expect("goes on");
    assert!(rec.layer("a", &[1.0; 4], &[4, 1]).is_err(), "and as many when it goes on");
    assert_eq!(rec.last_epoch(), Some(0));
}

#[track_caller]
fn refused<T>(result: Result<T, RecorderError>, part: &str) -> RecorderError {
    let Err(error) = result else { panic!("{part}: not refused") };
    let message = error.to_string();
    assert!(message.contains(part) && !message.contains('\n') && message.len() < 300, "{message}");
    error
}

#[test]
fn what_does_not_fit_is_refused_and_forgets_nothing() {
    let folder = temporary();
    let run = folder.path().join("run");
    let begin = |network: Network| Recorder::create(folder.path().join("other"), network);
    type E = RecorderError;
    let error = refused(begin(Network { ids: vec![String::new()], ..network() }), "1 ids for 23 inputs");
    assert!(matches!(error, E::Each { what: "ids", found: 1, wanted: INPUTS }));
    refused(begin(Network { pictures: Pictures::Encoded(vec![]), ..network() }), "0 pictures for 23 inputs");
    let pixels = Pictures::Pixels { height: 2, width: 0, channels: 1, values: vec![0] };
    refused(begin(Network { pictures: pixels, ..network() }), "0 pictures for 23 inputs");
    let error = refused(begin(Network { labels: vec![Some(3)], ids: vec![], ..network() }), "class 3 is not");
    assert!(matches!(error, E::Class { class: 3, classes: 3 }));
    let error =
        refused(begin(Network { keep: Keep::Inputs(vec![23]), ..network() }), "input 23 cannot be kept");
    assert!(matches!(error, E::Kept { .. }));

    let mut rec = Recorder::create(&run, network()).expect("begins");
    describe(&mut rec);
    assert!(matches!(refused(rec.epoch(0, Metrics::default()), "without values of any layer"), E::NoLayers));
    for shape in [&[][..], &[0, 3], &[2, 0], &[2, 3, 0, 4], &[usize::MAX, usize::MAX]] {
        assert!(matches!(
            refused(rec.layer("conv", &[], shape), "layer conv has the shape"),
            E::Shape { .. }
        ));
    }
    let error =
        refused(rec.layer("conv", &[0.0; 5], &[2, 3]), "has 5 values, which are not the shape [2, 3]");
    assert!(matches!(error, E::Length { .. }));
    take(&mut rec, 0);
    let error = refused(rec.layer("dense", &[0.0; 4], &[1, 4]), "came for 24 inputs, there are 23");
    assert!(matches!(error, E::Inputs { .. }));
    assert!(matches!(refused(rec.predictions(&[0, 3]), "class 3 is not"), E::Class { .. }));
    let error = refused(rec.layer("conv", &[0.0; 4], &[1, 4, 1, 1]), "was 3 channels and is now 4 channels");
    assert!(matches!(error, E::LayerChanged { .. }));
    refused(rec.layer("conv", &[0.0; 3], &[1, 3]), "was 3 channels and is now 3 units");
    refused(rec.layer("sequence", &[0.0; 3], &[1, 1, 3]), "is now 3 features at every position");
    let error = refused(rec.describe("conv", LayerDescription::default()), "has values already");
    assert!(matches!(error, E::DescribedLate { .. }));
    for wrong in [98.0, -0.1, f64::NAN] {
        let metrics = Metrics { accuracy: Some(wrong), ..Metrics::default() };
        assert!(matches!(refused(rec.epoch(0, metrics), "is not a share from 0 to 1"), E::Accuracy(_)));
    }
    rec.predictions(&[0]).expect("one too many");
    refused(rec.epoch(0, Metrics::default()), "predictions came for 24 inputs, there are 23");
    assert!(!run.exists(), "nothing of it was written");
    drop(rec);

    let mut rec = record(&run, network());
    let error =
        refused(rec.layer("new", &[0.0; INPUTS], &[INPUTS, 1]), "layer new was not in the first epoch");
    assert!(matches!(error, E::NewLayer { .. }));
    take(&mut rec, 3);
    let error = refused(rec.epoch(2, Metrics::default()), "epoch 2 is recorded already; the last one is 2");
    assert!(matches!(error, E::Epoch { number: 2, last: 2 }));
    rec.epoch(3, Metrics::default()).expect("what was given is still there");
    rec.layer("conv", &[0.0; 30], &[1, 3, 2, 5]).expect("fits");
    refused(rec.epoch(4, Metrics::default()), "values of layer conv came for 1 inputs, there are 23");
    rec.layer("conv", &[0.0; 30 * (INPUTS - 1)], &[INPUTS - 1, 3, 2, 5]).expect("fits");
    let error = refused(rec.epoch(4, Metrics::default()), "layer last came without values");
    assert!(matches!(error, E::MissingLayer { .. }));

    let error = refused(Recorder::create(&run, network()), "is being written by pid");
    assert!(matches!(error, E::Format(format::FormatError::Locked { .. })));
    refused(Recorder::resume(&run, network()), "is being written by pid");
    drop(rec);
    refused(Recorder::create(&run, network()), "exists already");
    refused(Recorder::resume(&run, Network { ids: vec![], ..network() }), "the id of input 0 is image 0");
    refused(Recorder::resume(&run, Network { keep: Keep::Aggregates, ..network() }), "the training has 0");
    assert_eq!(open(&run).recording().epochs.len(), 3);
    assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 1, "nothing else was left");
}

#[test]
fn a_recording_is_gone_on_with() {
    let folder = temporary();
    let run = folder.path().join("run");
    drop(record(&run, network()));
    let before = fs::read(run.join("epochs/000002.safetensors")).expect("read");
    let mut rec = Recorder::resume(&run, network()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((rec.last_epoch(), rec.path()), (Some(2), &*run));
    describe(&mut rec);
    refused(rec.layer("conv", &[0.0; 4], &[1, 4, 1, 1]), "was 3 channels and is now 4 channels");
    take(&mut rec, 3);
    rec.epoch(3, Metrics::default()).expect("records");
    let source = open(&run);
    assert_eq!(source.recording().epochs.iter().map(|epoch| epoch.number).collect::<Vec<_>>(), [0, 2, 3]);
    assert_statistics(&*source, 1e-6);
    assert_eq!(fs::read(run.join("epochs/000002.safetensors")).expect("read"), before);
    let unbegun = Recorder::resume(folder.path().join("new/one"), network()).expect("begins");
    assert_eq!(unbegun.last_epoch(), None);
}

#[test]
fn a_training_goes_on_although_an_epoch_could_not_be_written() {
    let folder = temporary();
    let run = folder.path().join("run");
    let mut rec = record(&run, network());
    fs::rename(run.join("epochs"), run.join("away")).expect("move");
    take(&mut rec, 3);
    refused(rec.epoch(3, Metrics::default()), "cannot be written");
    fs::rename(run.join("away"), run.join("epochs")).expect("move");
    take(&mut rec, 4);
    rec.epoch(4, Metrics::default()).expect("records");
    assert_eq!(open(&run).recording().epochs.iter().map(|epoch| epoch.number).collect::<Vec<_>>(), [0, 2, 4]);
}

/// The values that `examples/record.rs` records of the hidden layer.
fn made_up(epoch: u64, input: usize, unit: usize) -> f32 {
    ((7 * input + 3 * unit + 5 * epoch as usize) % 11) as f32 - 5.0
}

/// Opens a run that the example began, and looks at the values of every epoch. Returns how many
/// there are.
#[track_caller]
fn assert_made_up(run: &Path) -> u64 {
    let source = open(run);
    let recording = source.recording();
    assert_eq!(recording.warnings, [""; 0]);
    for (at, epoch) in recording.epochs.iter().enumerate() {
        assert_eq!(epoch.number, at as u64);
        let block = source.rows(EpochIndex(at), &[0, 17, 59]).expect("read");
        for (row, input) in block.rows.iter().zip([0, 17, 59]) {
            let found = block.layers[0].row(*row);
            assert!(
                (0..500).all(|unit| found[unit] == made_up(epoch.number, input, unit)),
                "{input} at {at}"
            );
        }
    }
    recording.epochs.len() as u64
}

#[test]
fn a_killed_recorder_leaves_every_epoch_that_had_ended() {
    let folder = temporary();
    let mut begun = 0;
    for round in 0..100_u64 {
        let run = folder.path().join(format!("run{round}"));
        let mut child =
            example("record").arg(&run).arg("1000000").stdout(Stdio::piped()).spawn().expect("starts");
        // Moments that look random, up to a fifth of a second.
        let moment = (round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        std::thread::sleep(Duration::from_micros(moment % 200_000));
        child.kill().expect("kills");
        let told = BufReader::new(child.stdout.take().expect("its output")).lines().count() as u64;
        child.wait().expect("ends");
        if !run.exists() {
            assert_eq!(told, 0, "round {round}: nothing had ended");
            continue;
        }
        let found = assert_made_up(&run);
        // The last one may have been on disk, and not told yet.
        assert!(found == told || found == told + 1, "round {round}: {told} told, {found} found");
        begun += 1;
        if round % 10 == 0 {
            let done = example("record").arg(&run).arg((found + 2).to_string()).output().expect("starts");
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            assert_eq!(assert_made_up(&run), found + 2);
            let left = fs::read_dir(run.join("epochs")).expect("read");
            let names = left.map(|entry| entry.expect("entry").file_name().into_string().expect("text"));
            assert!(
                names.into_iter().all(|name| !name.ends_with(".partial")),
                "what was left is cleared away"
            );
        }
    }
    assert!(begun > 50, "most were killed while they recorded: {begun}");
}

#[cfg(feature = "candle")]
#[test]
fn the_digits_are_learnt_and_recorded() {
    let folder = temporary();
    let run = folder.path().join("runs/digits");
    let train = |arguments: &[&str]| {
        let done = example("train_digits").arg("--run").arg(&run).args(arguments).output().expect("starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (done.status.code(), text(&done.stdout), text(&done.stderr))
    };
    let (code, told, errors) = train(&["--epochs", "2"]);
    assert_eq!((code, &*errors), (Some(0), ""));
    assert_eq!(told.lines().filter(|line| line.starts_with("epoch ")).count(), 3, "{told}");
    let source = open(&run);
    let recording = source.recording();
    assert_eq!((recording.inputs.len(), recording.layers.len(), &recording.warnings[..]), (360, 5, &[][..]));
    assert!(recording.has_class_outputs() && source.picture(100).is_some());
    let accuracy: Vec<f64> = recording.epochs.iter().map(|epoch| epoch.accuracy.expect("known")).collect();
    assert!(accuracy[0] < 40.0 && accuracy[2] > 80.0, "{accuracy:?}");
    // The recorded answers are the recorded predictions, and these the accuracy.
    let block = source.rows(EpochIndex(2), &(0..360).collect::<Vec<_>>()).expect("read");
    let predictions = source.predictions(EpochIndex(2)).expect("read").expect("kept");
    let mut right = 0;
    for input in 0..360 {
        let output = block.layers[4].row(block.rows[input]);
        assert!((output.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert_eq!(predictions[input], (0..10).max_by(|&a, &b| output[a].total_cmp(&output[b])));
        right += usize::from(predictions[input] == recording.inputs[input].class);
        assert!(block.layers[..4].iter().all(|layer| layer.row(input).iter().all(|&value| value >= 0.0)));
    }
    assert!((accuracy[2] - right as f64 / 3.6).abs() < 1e-9);

    let (code, told, errors) = train(&["--epochs", "2"]);
    assert_eq!((code, &*told, errors.lines().count()), (Some(1), "", 1));
    assert!(errors.contains("go on with it with --resume"), "{errors}");
    let (code, _, errors) = train(&["--epochs", "3", "--resume"]);
    assert_eq!((code, &*errors), (Some(0), ""));
    let source = open(&run);
    let last = &source.recording().epochs[3];
    assert!(last.accuracy.expect("known") > 80.0, "it goes on from the weights, not anew: {last:?}");
}
