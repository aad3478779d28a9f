//! Records a synthetic training, or continues the recording of it: `cargo run --example record -- RUN [EPOCHS]`.

use std::path::PathBuf;

use dnnviz::Recorder;
use dnnviz::capture::{Metrics, Network};

/// Number of inputs.
const INPUTS: usize = 60;
/// Number of units of the hidden layer.
const UNITS: usize = 500;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let run =
        arguments.next().map(PathBuf::from).ok_or("give the RUN to write, as in `record runs/made-up`")?;
    let epochs = arguments.next().map_or(Ok(10), |text| text.to_string_lossy().parse::<u64>())?;

    let network = Network {
        name: "made up".to_owned(),
        classes: vec!["even".to_owned(), "odd".to_owned()],
        labels: (0..INPUTS).map(|input| Some(input % 2)).collect(),
        ..Network::default()
    };
    let mut rec = Recorder::resume(run, network)?;
    for epoch in rec.last_epoch().map_or(0, |last| last + 1)..epochs {
        let value = |index: usize| {
            ((7 * (index / UNITS) + 3 * (index % UNITS) + 5 * epoch as usize) % 11) as f32 - 5.0
        };
        let hidden: Vec<f32> = (0..INPUTS * UNITS).map(value).collect();
        let output: Vec<f32> = (0..INPUTS).flat_map(|input| [value(input), -value(input)]).collect();
        let predictions: Vec<usize> = output.chunks(2).map(|pair| usize::from(pair[1] > pair[0])).collect();
        let correct = predictions.iter().enumerate().filter(|&(input, &class)| class == input % 2).count();

        // Layers can be recorded batch by batch.
        for (batch, values) in hidden.chunks(20 * UNITS).enumerate() {
            rec.layer("hidden", values, &[values.len() / UNITS, UNITS])?;
            rec.predictions(&predictions[20 * batch..20 * (batch + 1)])?;
        }
        rec.layer("output", &output, &[INPUTS, 2])?;
        let accuracy = Some(correct as f64 / INPUTS as f64);
        rec.epoch(epoch, Metrics { accuracy, step: Some(100 * (epoch + 1)), ..Metrics::default() })?;
        println!("epoch {epoch}");
    }
    Ok(())
}
