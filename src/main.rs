//! The program `dnnviz`: runs the command line and maps its result to an exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use dnnviz::cli::{self, Cli};
use dnnviz::files;

/// Configures the C library to keep freed memory for reuse. Every query needs some megabytes for a few
/// milliseconds; a good part of that time would be spent on returning them to the system and on clearing
/// fresh pages for the next query.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn keep_freed_memory() {
    const KEPT_BYTES: libc::c_int = 256 << 20;
    // The maximum that glibc accepts.
    const MMAP_THRESHOLD_BYTES: libc::c_int = 32 << 20;
    // SAFETY: no other thread runs yet, and `mallopt` refuses values that it cannot use.
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT_BYTES);
        libc::mallopt(libc::M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES);
    }
}

fn main() -> ExitCode {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    keep_freed_memory();
    // By default warnings of this crate alone; RUST_LOG overrides it.
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("dnnviz=warn"))
        .format(|out, record| {
            writeln!(out, "dnnviz: {}: {}", record.level().as_str().to_lowercase(), record.args())
        })
        .init();
    // The exit code of a program that the keyboard interrupts.
    let interrupted = || {
        files::remove_temporary();
        std::process::exit(130);
    };
    if let Err(error) = ctrlc::set_handler(interrupted) {
        log::warn!("files that are being written stay when the program is interrupted: {error}");
    }
    // Exits with code 2 on wrong usage.
    let cli = Cli::parse();
    match cli::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        // A reader such as `head` closes the pipe once it has read enough.
        Err(error) if cli::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // If stderr is closed too, the error cannot be reported.
            let _ = writeln!(std::io::stderr(), "dnnviz: {}", cli::one_line(&error));
            ExitCode::FAILURE
        }
    }
}
