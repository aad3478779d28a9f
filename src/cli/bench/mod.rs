//! `dnnviz bench`: measures speeds on this machine.

mod aggregate;
mod click;
mod live;
mod load;
mod render;
mod ui;
mod unit_profile;

use clap::Subcommand;

/// Measure how fast it is here
#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    bench: BenchCommand,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    Render(Box<render::BenchRenderArgs>),
    Load(load::BenchLoadArgs),
    Live(live::BenchLiveArgs),
    Aggregate(aggregate::BenchAggregateArgs),
    #[command(name = "biography")]
    UnitProfile(unit_profile::BenchUnitProfileArgs),
    Ui(ui::BenchUiArgs),
}

/// Measures and prints a report.
///
/// # Errors
///
/// If something cannot be measured on this machine, or the standard output cannot be written.
pub fn run(args: &BenchArgs) -> anyhow::Result<()> {
    match &args.bench {
        BenchCommand::Render(args) => render::run(args),
        BenchCommand::Load(args) => load::run(args),
        BenchCommand::Live(args) => live::run(args),
        BenchCommand::Aggregate(args) => aggregate::run(args),
        BenchCommand::UnitProfile(args) => unit_profile::run(args),
        BenchCommand::Ui(args) => ui::run(args),
    }
}
