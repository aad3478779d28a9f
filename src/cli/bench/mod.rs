//! `dnnviz bench`: measures speeds on this machine.

mod aggregate;
mod click;
mod live;
mod render;
mod ui;
mod unit_profile;

use std::path::PathBuf;

use clap::Subcommand;

use super::output::{self, counted};
use crate::format;
use crate::model::EpochRef;

/// Measure how fast it is here
#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    bench: BenchCommand,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    Render(Box<render::BenchRenderArgs>),
    Load(LoadArgs),
    Live(live::BenchLiveArgs),
    Aggregate(aggregate::BenchAggregateArgs),
    #[command(name = "biography")]
    UnitProfile(unit_profile::BenchUnitProfileArgs),
    Ui(ui::BenchUiArgs),
}

/// How long one epoch of a DNNViz dump takes to load, beside a plain parser over the same files
#[derive(Debug, clap::Args)]
struct LoadArgs {
    /// The DNNViz/DeepDIVA v2 dump
    dump: PathBuf,

    /// Which epoch: a recorded number, first, last or best
    #[arg(long, value_name = "E", default_value = "last")]
    epoch: EpochRef,

    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub fn run(args: &BenchArgs) -> anyhow::Result<()> {
    match &args.bench {
        BenchCommand::Render(args) => render::run(args),
        BenchCommand::Load(args) => load(args),
        BenchCommand::Live(args) => live::run(args),
        BenchCommand::Aggregate(args) => aggregate::run(args),
        BenchCommand::UnitProfile(args) => unit_profile::run(args),
        BenchCommand::Ui(args) => ui::run(args),
    }
}

fn load(args: &LoadArgs) -> anyhow::Result<()> {
    let found = format::bench_load(&args.dump, args.epoch)?;
    if args.json {
        return output::print_json(&found);
    }
    let rows = [
        ("dnnviz", found.load_ms, found.load_mb_per_s),
        ("baseline", found.baseline_ms, found.baseline_mb_per_s),
    ]
    .map(|(name, ms, rate)| [name.to_owned(), format!("{ms:.2}"), format!("{rate:.0}")]);
    output::print(|out| {
        writeln!(
            out,
            "epoch {} · {} · {:.2} MB · {} · medians of {}\n",
            found.epoch,
            counted(found.files, "file", "files"),
            found.bytes as f64 / 1e6,
            counted(found.threads, "thread", "threads"),
            counted(found.repetitions, "load", "loads"),
        )?;
        output::columns(out, ["", "ms", "MB/s"], [false, true, true], &rows)?;
        writeln!(out, "\n{:.1} times faster than {}", found.ratio, found.baseline)
    })
}
