//! The rule for tests that lack a part of the machine, see `tests/support/mod.rs`: that it fails them where
//! it should, and that every test goes by it.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The variable of a part that no machine has.
const REQUIRE_NOTHING: &str = "DNNVIZ_REQUIRE_NOTHING";

#[test]
fn a_test_that_lacks_something() {
    support::missing(REQUIRE_NOTHING, "something is missing");
}

/// Runs the test above alone, with its variable set to `value`.
fn lacking(value: Option<&str>) -> Output {
    let program = std::env::current_exe().expect("this program");
    let mut test = Command::new(program);
    test.args(["--exact", "a_test_that_lacks_something", "--nocapture"]).env_remove(REQUIRE_NOTHING);
    if let Some(value) = value {
        test.env(REQUIRE_NOTHING, value);
    }
    test.output().expect("it starts")
}

#[test]
fn a_missing_part_fails_a_test_only_where_it_is_required() {
    for (value, fails) in [(None, false), (Some(""), false), (Some("0"), false), (Some("1"), true)] {
        let output = lacking(value);
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(stdout.contains("running 1 test"), "{value:?}: {stdout}");
        assert_eq!(output.status.success(), !fails, "{value:?}: {stderr}");
        assert!(stderr.contains("something is missing"), "{value:?}: {stderr}");
        assert_eq!(stderr.contains("skipped: "), !fails, "{value:?}: {stderr}");
    }
}

/// Signs that `text` decides by itself what to do without a part of the machine.
fn own_rules(text: &str) -> Vec<&str> {
    let signs = [
        "\"skipped",
        "shared/data",
        "= Gpu::headless() else",
        "match Gpu::headless()",
        "Gpu::headless().ok",
        "Gpu::headless().inspect_err",
    ];
    signs.into_iter().filter(|sign| text.contains(sign)).collect()
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn every_test_goes_by_the_rule() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    rust_files(&root.join("tests"), &mut files);
    assert!(files.len() > 20, "{files:?}");
    let own = [root.join("tests/requirements.rs"), root.join("tests/support/mod.rs")];
    files.retain(|file| !own.contains(file));
    for file in files {
        let text = fs::read_to_string(&file).expect("a text");
        assert_eq!(own_rules(&text), Vec::<&str>::new(), "{}", file.display());
    }
    let alone = "let Ok(gpu) = Gpu::headless() else { return };";
    assert_eq!(own_rules(alone), ["= Gpu::headless() else"]);
}
