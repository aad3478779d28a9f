//! `dnnviz`: maps what the command line did to an exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use dnnviz::cli::{self, Cli};

fn main() -> ExitCode {
    // What goes on though something is missing; RUST_LOG chooses otherwise.
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("dnnviz=warn"))
        .format(|out, record| {
            writeln!(out, "dnnviz: {}: {}", record.level().as_str().to_lowercase(), record.args())
        })
        .init();
    // Wrong usage leaves from here with exit code 2.
    let cli = Cli::parse();
    match cli::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough.
        Err(error) if cli::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell it to when stderr is closed as well.
            let _ = writeln!(std::io::stderr(), "dnnviz: {}", cli::one_line(&error));
            ExitCode::FAILURE
        }
    }
}
