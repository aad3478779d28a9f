//! The command line: one file per command, the options that several commands share, and printing.

#![warn(missing_docs)]

mod bench;
mod convert;
pub mod demo;
mod info;
mod output;
mod query;
mod render;
mod stats;
mod view_args;
mod window;

use std::io;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// See a neural network learn: its activations in 3D, all along its training.
///
/// A RUN is a recording, or a DNNViz/DeepDIVA v2 dump: the folder that holds manifest.json, or its
/// parent.
#[derive(Debug, Parser)]
#[command(name = "dnnviz", version, max_term_width = 100, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// Opens a window on this recording; the bundled demo when there is none
    #[arg(value_name = "RUN")]
    runs: Vec<PathBuf>,
    #[command(subcommand)]
    command: Option<CliCommand>,
}

const EXAMPLES: &str = "\
Examples:
  dnnviz
  dnnviz runs/mnist
  dnnviz info runs/mnist
  dnnviz stats runs/mnist --epoch best --select class:3
  dnnviz stats runs/mnist --select class:cat --minus class:dog --format csv > difference.csv
  dnnviz render runs/mnist -o mnist.png --select class:3 --view overview
  dnnviz import dump -o runs/mnist
  dnnviz synth -o runs/big --units 1000000 --inputs 10

Every command exits 0 on success, 1 on an error, which it tells in one line, and 2 on wrong usage.";

/// A command of `dnnviz`, with its options.
#[derive(Debug, Subcommand)]
enum CliCommand {
    Info(info::InfoArgs),
    Stats(stats::StatsArgs),
    Render(render::RenderArgs),
    Import(convert::ImportArgs),
    ExportJson(convert::ExportJsonArgs),
    Synth(convert::SynthArgs),
    Bench(bench::BenchArgs),
}

/// Runs the command of a parsed command line; opens a window if it has none.
///
/// # Errors
///
/// If the command fails; [`one_line`] formats the error.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Some(CliCommand::Info(args)) => info::run(&args),
        Some(CliCommand::Stats(args)) => stats::run(&args),
        Some(CliCommand::Render(args)) => render::run(&args),
        Some(CliCommand::Import(args)) => convert::import(&args),
        Some(CliCommand::ExportJson(args)) => convert::export_json(&args),
        Some(CliCommand::Synth(args)) => convert::synth(&args),
        Some(CliCommand::Bench(args)) => bench::run(&args),
        None => window::run(&cli.runs),
    }
}

/// Returns `true` if the error comes from a pipe whose reader has closed it.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// Formats the error and its causes as one line, without causes that the line contains already.
pub fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let cause = output::printable(&cause.to_string());
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line.push_str(": ");
            line.push_str(&cause);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_error_is_one_line_without_repetition() {
        let error = Err::<(), _>(anyhow!("no\nspace")).context("cannot write: no space").context("export");
        assert_eq!(one_line(&error.unwrap_err()), "export: cannot write: no space");
        let error = Err::<(), _>(anyhow!("b\u{1b}[31m")).context("a");
        assert_eq!(one_line(&error.unwrap_err()), "a: b\u{fffd}[31m");
    }

    #[test]
    fn a_closed_pipe_is_recognised_wherever_it_is_in_the_chain() {
        let broken = Err::<(), _>(io::Error::from(io::ErrorKind::BrokenPipe)).context("writing");
        assert!(is_broken_pipe(&broken.unwrap_err()));
        let full = Err::<(), _>(io::Error::from(io::ErrorKind::StorageFull)).context("writing");
        assert!(!is_broken_pipe(&full.unwrap_err()));
    }
}
