//! No circle of files: what a file names, and the files that these names lead to, never lead back to it.
//!
//! A file uses another one if it imports or names by path one of its items. A module declaration is no
//! use, nor is a `pub use` of an item of an inner module that the file itself has no use for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::known;
use crate::source::{
    self, Import, imports_and_paths, is_name, module_path, resolved, tokens, without_comments_and_strings,
    without_tests,
};

/// A path in the crate, from its root.
type ModulePath = Vec<String>;

/// One file of the crate.
struct SourceModule {
    file: String,
    module: ModulePath,
    tokens: Vec<String>,
    imports: Vec<Import>,
    paths: Vec<Vec<String>>,
}

/// All files of the library but for those of tests, by their modules.
struct CrateModules(BTreeMap<ModulePath, SourceModule>);

impl CrateModules {
    fn new<'a>(files: impl IntoIterator<Item = (&'a Path, &'a str)>) -> Self {
        let mut modules = BTreeMap::new();
        for (file, text) in files {
            if source::is_for_tests(file) || file == Path::new("main.rs") {
                continue;
            }
            let tokens = tokens(&without_tests(&without_comments_and_strings(text)));
            let (imports, paths) = imports_and_paths(&tokens);
            let module = if file == Path::new("lib.rs") { Vec::new() } else { module_path(file) };
            let file = file.display().to_string();
            modules.insert(module.clone(), SourceModule { file, module, tokens, imports, paths });
        }
        Self(modules)
    }

    /// The path from the root of the crate that `path` stands for in a module; `None` if it leads out of
    /// the crate.
    fn absolute(&self, module: &SourceModule, path: &[String]) -> Option<ModulePath> {
        if let Some(absolute) = resolved(path, &module.module) {
            return Some(absolute);
        }
        let inner: ModulePath = module.module.iter().chain(&path[..1]).cloned().collect();
        if self.0.contains_key(&inner) {
            return Some(module.module.iter().chain(path).cloned().collect());
        }
        // A path that begins with an imported module.
        let import = module.imports.iter().find(|import| import.name == path[0] && import.path != path)?;
        let mut absolute = resolved(&import.path, &module.module)?;
        absolute.extend_from_slice(&path[1..]);
        Some(absolute)
    }

    /// The module with the item that a path from the root of the crate leads to, through any `use` on the
    /// way; `None` if the path is that of a module, or too many `use` items follow each other.
    fn target(&self, path: &[String], steps: usize) -> Option<&SourceModule> {
        let depth = (0..=path.len()).rev().find(|&depth| self.0.contains_key(&path[..depth]))?;
        let (module, rest) = (&self.0[&path[..depth]], &path[depth..]);
        let name = rest.first()?;
        if steps == 0 || name == "*" {
            return (steps > 0).then_some(module);
        }
        let imported = module.imports.iter().filter(|import| import.name == *name);
        let from_glob = module.imports.iter().filter(|import| import.name == "*" && import.is_public);
        for import in imported.chain(from_glob) {
            let Some(mut path) = self.absolute(module, &import.path) else { continue };
            if import.name == "*" {
                path.pop();
                let declares = |module: &SourceModule| module.declares(name);
                if !self.0.get(&path).is_some_and(declares) {
                    continue;
                }
                path.push(name.clone());
            }
            path.extend_from_slice(&rest[1..]);
            return self.target(&path, steps - 1);
        }
        Some(module)
    }

    /// The files that each file uses.
    fn uses(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        self.0.values().map(|module| (module.file.as_str(), self.uses_of(module))).collect()
    }

    fn uses_of<'a>(&'a self, module: &'a SourceModule) -> BTreeSet<&'a str> {
        let imports = module.imports.iter().filter(|import| {
            let inner = |path: ModulePath| path.starts_with(&module.module);
            let is_reexport = import.is_public && self.absolute(module, &import.path).is_some_and(inner);
            !is_reexport || module.mentions(&import.name)
        });
        let paths = imports.map(|import| &import.path).chain(&module.paths);
        let targets = paths.filter_map(|path| self.target(&self.absolute(module, path)?, 8));
        targets.map(|target| target.file.as_str()).filter(|file| *file != module.file).collect()
    }
}

impl SourceModule {
    /// Returns `true` if an item is declared here by this name.
    fn declares(&self, name: &str) -> bool {
        const ITEMS: &[&str] = &["struct", "enum", "union", "trait", "type", "fn", "const", "static"];
        self.tokens.windows(2).any(|pair| ITEMS.contains(&pair[0].as_str()) && pair[1] == name)
    }

    /// Returns `true` if a name occurs outside of `use` items.
    fn mentions(&self, name: &str) -> bool {
        let mut in_use = false;
        self.tokens.iter().any(|token| {
            in_use = (in_use || token == "use") && token != ";";
            !in_use && is_name(token) && token == name
        })
    }
}

/// The files that `from` leads to.
fn reached<'a>(uses: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &'a str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        open.extend(uses.get(file).into_iter().flatten().filter(|next| reached.insert(**next)));
    }
    reached
}

/// Groups of files each of which leads to all others of its group, from two files on.
fn circles(uses: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<String> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        uses.keys().map(|file| (*file, reached(uses, file))).collect();
    let mut circles = BTreeSet::new();
    for (file, others) in reached.iter().filter(|(file, others)| others.contains(*file)) {
        let circle = others.iter().filter(|other| reached[*other].contains(file)).copied();
        circles.insert(circle.collect::<Vec<_>>().join(" "));
    }
    circles.into_iter().collect()
}

fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    circles(&CrateModules::new(files.iter().map(|(file, text)| (Path::new(file), *text))).uses())
}

#[test]
fn no_files_form_a_circle() {
    let files = source::files();
    let modules = CrateModules::new(files.iter().map(|(file, text)| (file.as_path(), text.as_str())));
    let uses = modules.uses();
    assert!(uses.values().map(BTreeSet::len).sum::<usize>() > 300, "nothing was read");
    let circles = circles(&uses);
    for circle in &circles {
        println!("circle:");
        let files: Vec<&str> = circle.split(' ').collect();
        for file in &files {
            let within = uses[file].iter().filter(|used| files.contains(used));
            println!("  {file} uses {}", within.copied().collect::<Vec<_>>().join(" "));
        }
    }
    known::check("circle", circles);
}

#[test]
fn circles_are_found_however_they_are_written() {
    let a_and_b = ["a.rs b.rs"];
    for (a, b) in [
        ("use crate::b::B; pub struct A;", "use crate::a::A; pub struct B;"),
        ("fn f() { crate::b::f() }", "use super::a; fn f() { a::f() }"),
        ("use super::{b::{self, B as C}}; fn f(x: C) {}", "fn f(x: crate::a::A) {}"),
        ("use crate::b::*;", "pub use crate::a::A;"),
    ] {
        let lib = "mod a; mod b;";
        assert_eq!(circles_of(&[("lib.rs", lib), ("a.rs", a), ("b.rs", b)]), a_and_b, "{a} {b}");
    }
    // A parent and its child, and two children through the parent's re-exports.
    for parent in
        ["use child::B; pub struct A;", "pub use child::B; pub struct A(B);", "fn f() { child::f() }"]
    {
        let files = [("a/mod.rs", parent), ("a/child.rs", "use super::A; pub struct B; pub fn f() {}")];
        assert_eq!(circles_of(&files), ["a/child.rs a/mod.rs"], "{parent}");
    }
    let files = [
        ("a/mod.rs", "mod b; mod c; pub use b::B; pub use c::*;"),
        ("a/b.rs", "use super::C; pub struct B;"),
        ("a/c.rs", "use crate::a::B; pub struct C;"),
    ];
    assert_eq!(circles_of(&files), ["a/b.rs a/c.rs"]);
}

#[test]
fn no_circle_is_found_where_there_is_none() {
    for (a, b) in [
        ("use crate::b::B; pub struct A;", "#[cfg(test)]\nmod tests { use crate::a::A; }"),
        ("use crate::b::B; pub struct A;", "/// See [`crate::a::A`].\npub struct B;"),
        ("use std::fmt; use b::B;", "use std::a::A;"),
    ] {
        assert_eq!(circles_of(&[("a.rs", a), ("b.rs", b)]), Vec::<String>::new(), "{a} {b}");
    }
    // The parent declares and re-exports its child.
    let files =
        [("a/mod.rs", "pub mod child; pub use child::B; pub struct A;"), ("a/child.rs", "use super::A;")];
    assert_eq!(circles_of(&files), Vec::<String>::new());
    // Importing a module is no use of the items in its file.
    let files = [("a.rs", "use crate::b; fn f() { b::c::f() }"), ("b/mod.rs", "use crate::a::A; pub mod c;")];
    assert_eq!(circles_of(&[files[0], files[1], ("b/c.rs", "pub fn f() {}")]), Vec::<String>::new());
}
