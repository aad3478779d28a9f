//! Trains a small convolutional network on the bundled digits, records it, and shows it during the training:
//! `cargo run --release --features candle --example train_digits -- --window`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use candle_core::{D, DType, Device, Tensor};
use candle_nn::{
    AdamW, Conv2d, Conv2dConfig, Linear, Module, Optimizer, ParamsAdamW, VarBuilder, VarMap, conv2d, linear,
    loss, ops,
};
use clap::Parser;
use dnnviz::Recorder;
use dnnviz::app::{self, WindowExit};
use dnnviz::capture::{LayerDescription, Metrics, Network, RecorderError};
use dnnviz::format::{FormatError, Pictures};

/// One image in this many is held out: not used for training, but for testing and recording.
const HELD_OUT: u32 = 5;
const BATCH: usize = 32;
/// Number of channels of the three convolutions.
const CHANNELS: [usize; 3] = [16, 32, 64];
/// Number of units of the hidden layer.
const HIDDEN: usize = 128;
/// Number of classes.
const DIGITS: usize = 10;

/// Train a small convolutional network on 1797 handwritten digits and record every epoch
#[derive(Parser)]
struct Args {
    /// Passes over the training images
    #[arg(long, default_value_t = 12)]
    epochs: u64,
    /// Where to record
    #[arg(long, default_value = "runs/digits")]
    run: PathBuf,
    /// Go on with a recording that is there
    #[arg(long)]
    resume: bool,
    /// Watch it in a window
    #[arg(long)]
    window: bool,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let stop = AtomicBool::new(false);
    if !args.window {
        return train(args, &stop, None);
    }
    // The window has to run on the main thread, hence the training runs on another.
    thread::scope(|scope| {
        let (recorded, first_epoch) = channel();
        let training = scope.spawn(|| train(args, &stop, Some(recorded)));
        // If there is no first epoch, the training has failed and returns the reason.
        let window_exit = match first_epoch.recv() {
            Ok(()) => app::run(vec![args.run.clone()], None, None),
            Err(_) => Ok(WindowExit::Closed),
        };
        match &window_exit {
            Ok(WindowExit::NoDisplay(reason)) => eprintln!("no window ({reason}); training goes on without"),
            Ok(WindowExit::Closed) | Err(_) => stop.store(true, Ordering::Relaxed),
        }
        let trained = training.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        trained.and(window_exit.map(drop))
    })
}

/// Trains until the last epoch or until `stop` is set. Sends a message to `recorded` when the first epoch is
/// recorded.
fn train(args: &Args, stop: &AtomicBool, recorded: Option<Sender<()>>) -> Result<()> {
    let (training, held_out) = Digits::load()?.split()?;
    let mut rec = recorder(args, &held_out)?;
    let mut weights = VarMap::new();
    let network = Cnn::new(VarBuilder::from_varmap(&weights, DType::F32, &Device::Cpu))?;
    // A file of this example in the folder of the recording, which ignores it.
    let file = args.run.join("weights.safetensors");
    let last_epoch = rec.last_epoch();
    if last_epoch.is_some() {
        weights
            .load(&file)
            .with_context(|| format!("{} has no weights to go on with", args.run.display()))?;
    }
    let params = ParamsAdamW { lr: 1e-3, ..ParamsAdamW::default() };
    let mut optimizer = AdamW::new(weights.all_vars(), params)?;
    let steps = training.count()?.div_ceil(BATCH) as u64;
    describe(&mut rec, &network)?;
    let clock = Instant::now();
    // Epoch 0 is the network before its training.
    'training: for epoch in last_epoch.map_or(0, |last| last + 1)..=args.epochs {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        if epoch > 0 {
            for (images, labels) in training.shuffled()? {
                let logits = network.forward(&images)?;
                optimizer.backward_step(&loss::cross_entropy(&logits, &labels)?)?;
                if stop.load(Ordering::Relaxed) {
                    break 'training;
                }
            }
        }
        let (accuracy, loss) = record(&mut rec, &network, &held_out, epoch, steps * epoch)?;
        save(&weights, &file)?;
        let seconds = clock.elapsed().as_secs_f64();
        println!(
            "epoch {epoch:2} · {:5.1} % of {} · loss {loss:.4} · {seconds:.1} s",
            100.0 * accuracy,
            held_out.count()?
        );
        if let Some(recorded) = &recorded {
            // Only the first message has a receiver.
            let _ = recorded.send(());
        }
    }
    println!("{}: recorded up to epoch {}", args.run.display(), rec.last_epoch().unwrap_or_default());
    Ok(())
}

/// Creates or resumes the recording, with `held_out` as its inputs.
fn recorder(args: &Args, held_out: &Digits) -> Result<Recorder> {
    let labels: Vec<u32> = held_out.labels.to_vec1()?;
    // From 0 (paper) to 1 (ink); the pictures are white on black.
    let pixels: Vec<f32> = held_out.images.flatten_all()?.to_vec1()?;
    let network = Network {
        name: "digits CNN".to_owned(),
        classes: (0..DIGITS).map(|digit| digit.to_string()).collect(),
        labels: labels.iter().map(|&label| Some(label as usize)).collect(),
        pictures: Pictures::Pixels {
            height: 8,
            width: 8,
            channels: 1,
            values: pixels.iter().map(|ink| (255.0 * ink) as u8).collect(),
        },
        ..Network::default()
    };
    let open = if args.resume { Recorder::resume } else { Recorder::create };
    match open(&args.run, network) {
        Err(RecorderError::Format(FormatError::Exists { path })) => {
            bail!("{} is there already; go on with it with --resume, or choose another --run", path.display())
        }
        opened => Ok(opened?),
    }
}

/// Records the descriptions of the layers.
fn describe(rec: &mut Recorder, network: &Cnn) -> Result<()> {
    for (name, layer) in ["conv1", "conv2", "conv3"].into_iter().zip(&network.convolutions) {
        let (outputs, inputs, height, width) = layer.weight().dims4()?;
        let about = LayerDescription {
            module: "Conv2d".to_owned(),
            text: format!("Conv2d({inputs}, {outputs}, kernel_size=({height}, {width}), padding=1), ReLU"),
            parameters: Some((layer.weight().elem_count() + outputs) as u64),
            ..LayerDescription::default()
        };
        rec.describe(name, about)?;
    }
    for (name, layer, activation) in
        [("hidden", &network.hidden, "ReLU"), ("output", &network.output, "Softmax")]
    {
        let (outputs, inputs) = layer.weight().dims2()?;
        let about = LayerDescription {
            module: "Linear".to_owned(),
            text: format!("Linear({inputs}, {outputs}), {activation}"),
            parameters: Some((layer.weight().elem_count() + outputs) as u64),
            ..LayerDescription::default()
        };
        rec.describe(name, about)?;
    }
    Ok(())
}

/// Records an epoch; returns the accuracy and the loss on the held-out images.
fn record(rec: &mut Recorder, network: &Cnn, held_out: &Digits, epoch: u64, step: u64) -> Result<(f64, f64)> {
    let activations = network.activations(&held_out.images)?;
    for (name, values) in &activations {
        rec.layer(name, &values.flatten_all()?.to_vec1::<f32>()?, values.dims())?;
    }
    let (_, probabilities) = activations.last().context("a network of no layers")?;
    let predicted: Vec<u32> = probabilities.argmax(D::Minus1)?.to_vec1()?;
    rec.predictions(&predicted.iter().map(|&class| class as usize).collect::<Vec<_>>())?;
    let labels: Vec<u32> = held_out.labels.to_vec1()?;
    let correct = predicted.iter().zip(&labels).filter(|(predicted, label)| predicted == label).count();
    let accuracy = correct as f64 / labels.len() as f64;
    let loss = loss::nll(&probabilities.clamp(1e-12, 1.0)?.log()?, &held_out.labels)?.to_scalar::<f32>()?;
    let loss = f64::from(loss);
    let metrics =
        Metrics { accuracy: Some(accuracy), loss: Some(loss), step: Some(step), ..Metrics::default() };
    rec.epoch(epoch, metrics)?;
    Ok((accuracy, loss))
}

/// Writes the weights under a temporary name and renames the file, so that a killed training leaves no
/// half-written file.
fn save(weights: &VarMap, file: &Path) -> Result<()> {
    let partial = file.with_file_name(".weights.partial");
    weights.save(&partial)?;
    std::fs::rename(&partial, file).with_context(|| format!("cannot write {}", file.display()))
}

/// Images `[n, 1, 8, 8]`, 0 (paper) to 1 (ink), and labels `[n]`.
struct Digits {
    images: Tensor,
    labels: Tensor,
}

impl Digits {
    /// Loads the bundled digits.
    fn load() -> Result<Self> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/digits/digits.safetensors");
        let arrays = candle_core::safetensors::load(path, &Device::Cpu)?;
        let array = |name: &str| arrays.get(name).with_context(|| format!("{path} has no `{name}`"));
        let images = (array("images")?.to_dtype(DType::F32)? / 16.0)?.unsqueeze(1)?;
        let labels = array("labels")?.to_dtype(DType::U32)?;
        ensure!(
            images.dims()[1..] == [1, 8, 8] && labels.dims() == [images.dim(0)?],
            "{path} holds no digits"
        );
        Ok(Self { images, labels })
    }

    /// Returns the number of images.
    fn count(&self) -> Result<usize> {
        Ok(self.labels.dim(0)?)
    }

    /// Splits the images into those for training and those held out.
    fn split(&self) -> Result<(Self, Self)> {
        let (held_out, training): (Vec<u32>, Vec<u32>) =
            (0..self.count()? as u32).partition(|&image| image.is_multiple_of(HELD_OUT));
        Ok((
            self.select(&Tensor::new(training, &Device::Cpu)?)?,
            self.select(&Tensor::new(held_out, &Device::Cpu)?)?,
        ))
    }

    /// Returns the images with these indices.
    fn select(&self, indices: &Tensor) -> Result<Self> {
        Ok(Self {
            images: self.images.index_select(indices, 0)?,
            labels: self.labels.index_select(indices, 0)?,
        })
    }

    /// Returns all images in batches, in random order.
    fn shuffled(&self) -> Result<Vec<(Tensor, Tensor)>> {
        let count = self.count()?;
        let order = Tensor::rand(0_f32, 1.0, count, &Device::Cpu)?.arg_sort_last_dim(true)?;
        let batch = |start: usize| {
            let selected = self.select(&order.narrow(0, start, BATCH.min(count - start))?)?;
            Ok((selected.images, selected.labels))
        };
        (0..count).step_by(BATCH).map(batch).collect()
    }
}

/// Three convolutions, with pooling by 2 after the first two, and two dense layers.
struct Cnn {
    convolutions: [Conv2d; 3],
    hidden: Linear,
    output: Linear,
}

impl Cnn {
    /// Creates the network with fresh `weights`.
    fn new(weights: VarBuilder<'_>) -> Result<Self> {
        let same_size = Conv2dConfig { padding: 1, ..Conv2dConfig::default() };
        let [a, b, c] = CHANNELS;
        let convolution =
            |name: &str, inputs, outputs| conv2d(inputs, outputs, 3, same_size, weights.pp(name));
        Ok(Self {
            convolutions: [
                convolution("conv1", 1, a)?,
                convolution("conv2", a, b)?,
                convolution("conv3", b, c)?,
            ],
            hidden: linear(c * 2 * 2, HIDDEN, weights.pp("hidden"))?,
            output: linear(HIDDEN, DIGITS, weights.pp("output"))?,
        })
    }

    /// Returns the activations after the ReLU of every hidden layer, and the logits.
    fn layers(&self, images: &Tensor) -> Result<([Tensor; 4], Tensor)> {
        let [first, second, third] = &self.convolutions;
        let a = first.forward(images)?.relu()?;
        let b = second.forward(&a.max_pool2d(2)?)?.relu()?;
        let c = third.forward(&b.max_pool2d(2)?)?.relu()?;
        let hidden = self.hidden.forward(&c.flatten_from(1)?)?.relu()?;
        let logits = self.output.forward(&hidden)?;
        Ok(([a, b, c, hidden], logits))
    }

    /// Returns the logits.
    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        Ok(self.layers(images)?.1)
    }

    /// Returns the name and the recorded activations of every layer; those of the last are probabilities.
    fn activations(&self, images: &Tensor) -> Result<Vec<(&'static str, Tensor)>> {
        let ([a, b, c, hidden], logits) = self.layers(images)?;
        let output = ops::softmax(&logits, D::Minus1)?;
        Ok(vec![("conv1", a), ("conv2", b), ("conv3", c), ("hidden", hidden), ("output", output)])
    }
}
