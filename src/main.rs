//! `dnnviz`: maps what the command line did to an exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use dnnviz::cli::{self, Cli};

/// Lets the C library keep what was freed, to use it again. Every query needs some megabytes for a few
/// milliseconds; handing them back each time, and having them cleared page by page the next time, costs
/// a good part of that.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn keep_memory() {
    const KEPT: libc::c_int = 256 << 20;
    // The most that glibc takes.
    const MAPPED_FROM: libc::c_int = 32 << 20;
    // SAFETY: called before there are other threads; values that do not suit are refused.
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_FROM);
    }
}

fn main() -> ExitCode {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    keep_memory();
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
