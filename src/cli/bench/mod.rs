//! `dnnviz bench`: how fast it is here.

mod aggregate;
mod biography;
mod click;
mod live;
mod load;
mod render;
mod ui;

use clap::Subcommand;

/// Measure how fast it is here
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Debug, Subcommand)]
enum Bench {
    Render(Box<render::Args>),
    Load(load::Args),
    Live(live::Args),
    Aggregate(aggregate::Args),
    #[command(name = "biography")]
    UnitProfile(biography::Args),
    Ui(ui::Args),
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    match &args.bench {
        Bench::Render(args) => render::run(args),
        Bench::Load(args) => load::run(args),
        Bench::Live(args) => live::run(args),
        Bench::Aggregate(args) => aggregate::run(args),
        Bench::UnitProfile(args) => biography::run(args),
        Bench::Ui(args) => ui::run(args),
    }
}
