//! Commands that are interrupted leave nothing behind.

#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Names in a folder, those of hidden files included.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

/// Runs a command that writes into `folder`, sends it a signal as soon as something of `output` is there
/// under a temporary name, and returns its exit code.
fn interrupt(signal: &str, folder: &Path, arguments: &[&str]) -> Option<i32> {
    let before = names(folder);
    let mut child = Command::new(env!("CARGO_BIN_EXE_dnnviz"))
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let start = Instant::now();
    let is_writing = || names(folder).iter().any(|name| name.ends_with(".partial") && !before.contains(name));
    while !is_writing() {
        assert!(start.elapsed() < Duration::from_secs(60), "{arguments:?} writes nothing");
        assert_eq!(child.try_wait().expect("waits"), None, "{arguments:?} ended by itself");
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(20));
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    child.wait().expect("ends").code()
}

#[test]
fn interrupted_commands_remove_what_they_wrote() {
    let folder = TempDir::new().expect("a folder");
    let succeeds = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dnnviz"));
        assert!(command.args(arguments).current_dir(folder.path()).output().expect("runs").status.success());
    };
    succeeds(&["synth", "-o", "run", "--units", "30000", "--inputs", "200", "--epochs", "8"]);
    for signal in ["-INT", "-TERM"] {
        let synth = ["synth", "-o", "more", "--units", "30000", "--inputs", "200", "--epochs", "1000"];
        assert_eq!(interrupt(signal, folder.path(), &synth), Some(130));
        assert_eq!(names(folder.path()), ["run"], "{signal}");
        let export = ["export-json", "run", "-o", "dump"];
        assert_eq!(interrupt(signal, folder.path(), &export), Some(130));
        assert_eq!(names(folder.path()), ["run"], "{signal}");
    }
    succeeds(&["synth", "-o", "small", "--units", "5000", "--inputs", "50", "--epochs", "20"]);
    succeeds(&["export-json", "small", "-o", "dump"]);
    assert_eq!(interrupt("-INT", folder.path(), &["import", "dump", "-o", "imported"]), Some(130));
    let mut left = names(folder.path());
    left.sort();
    assert_eq!(left, ["dump", "run", "small"]);
}
