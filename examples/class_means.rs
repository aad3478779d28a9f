//! Prints the strongest unit of the last layer for each class: `cargo run --example class_means -- RUN`.

use std::path::PathBuf;

use dnnviz::format;
use dnnviz::model::{EpochRef, Query, Selection};
use dnnviz::stats::{self, Cpu, Sides};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let run = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("assets/demo"), PathBuf::from);
    let source = format::open(&run)?;
    let recording = source.recording();
    let last = EpochRef::Last.resolve(recording)?;
    for (index, class) in recording.classes.iter().enumerate() {
        let query = Query { select: Selection::class(recording, index), ..Query::default() };
        let table = stats::table(Sides::one(&*source), &query, last, &Cpu)?;
        let means = table.layers.last().map(Vec::as_slice).unwrap_or_default();
        let strongest = (0..means.len()).max_by(|&a, &b| means[a].total_cmp(&means[b]));
        println!("class {} ({} inputs): strongest unit {strongest:?}", class.name, table.inputs);
    }
    Ok(())
}
