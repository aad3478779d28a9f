//! The Rust source of the crate as text, tokens, imports and paths. No full parser: enough for files that
//! rustfmt laid out.

use std::fs;
use std::path::{Path, PathBuf};

/// All Rust files below `src/`, with paths from there, sorted, and their contents.
pub fn files() -> Vec<(PathBuf, String)> {
    files_below("src")
}

/// All Rust files below a folder of the crate, with paths from that folder, sorted, and their contents.
pub fn files_below(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths = Vec::new();
    rust_files(&folder, &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a text");
        (path.strip_prefix(&folder).expect("below the folder").to_owned(), text)
    };
    paths.into_iter().map(read).collect()
}

fn rust_files(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// Returns `true` for a file that is only compiled for tests, by its name: `testing.rs`, `tests.rs`,
/// `tests_….rs`, or below a folder `tests`.
pub fn is_for_tests(file: &Path) -> bool {
    module_path(file).iter().any(|part| part == "testing" || part == "tests" || part.starts_with("tests_"))
}

/// The path from the root of this crate; `None` for a path into another one.
pub fn resolved(path: &[String], module: &[String]) -> Option<Vec<String>> {
    match path[0].as_str() {
        "crate" | "dnnviz" => Some(path[1..].to_vec()),
        "self" => Some(module.iter().chain(&path[1..]).cloned().collect()),
        "super" => {
            let ups = path.iter().take_while(|part| *part == "super").count();
            let base = &module[..module.len().saturating_sub(ups)];
            Some(base.iter().chain(&path[ups..]).cloned().collect())
        }
        _ => None,
    }
}

/// `stats/table.rs` is `[stats, table]`, `stats/mod.rs` is `[stats]`.
pub fn module_path(file: &Path) -> Vec<String> {
    let parts = file.with_extension("");
    let mut parts: Vec<String> =
        parts.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

/// The text with comments and the contents of literals blanked out.
pub fn without_comments_and_strings(text: &str) -> String {
    let text: Vec<char> = text.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    while at < text.len() {
        let rest = &text[at..];
        let begins = |with: &str| with.chars().enumerate().all(|(i, c)| rest.get(i) == Some(&c));
        let length = if begins("//") {
            rest.iter().position(|&c| c == '\n').unwrap_or(rest.len())
        } else if begins("/*") {
            let mut depth = 0;
            let mut length = 0;
            while length < rest.len() {
                match (rest[length], rest.get(length + 1)) {
                    ('/', Some('*')) => (depth, length) = (depth + 1, length + 2),
                    ('*', Some('/')) => (depth, length) = (depth - 1, length + 2),
                    _ => length += 1,
                }
                if depth == 0 {
                    break;
                }
            }
            length
        } else if rest[0] == 'r'
            && !at.checked_sub(1).is_some_and(|before| is_word(text[before]) && text[before] != 'b')
        {
            // A raw string, or a word that begins with r.
            let hashes = rest[1..].iter().take_while(|&&c| c == '#').count();
            if rest.get(1 + hashes) == Some(&'"') {
                let body = 2 + hashes;
                let closes = |end: usize| {
                    rest[end] == '"' && rest[end + 1..].iter().take_while(|&&c| c == '#').count() >= hashes
                };
                (body..rest.len()).find(|&end| closes(end)).map_or(rest.len(), |end| end + 1 + hashes)
            } else {
                0
            }
        } else if rest[0] == '"' {
            literal_length(rest, '"')
        } else if rest[0] == '\'' && (rest.get(1) == Some(&'\\') || rest.get(2) == Some(&'\'')) {
            literal_length(rest, '\'')
        } else {
            0
        };
        if length == 0 {
            out.push(rest[0]);
            at += 1;
        } else {
            out.push(' ');
            at += length;
        }
    }
    out
}

fn literal_length(rest: &[char], quote: char) -> usize {
    let mut end = 1;
    while end < rest.len() && rest[end] != quote {
        end += if rest[end] == '\\' { 2 } else { 1 };
    }
    (end + 1).min(rest.len())
}

/// The text without what is only compiled for tests: an oracle may come from anywhere.
pub fn without_tests(text: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::new();
    let mut rest = text;
    while let Some(mark) = rest.find(MARK) {
        out.push_str(&rest[..mark]);
        let item = &rest[mark + MARK.len()..];
        let mut depth = 0_i32;
        let end = item.char_indices().find(|&(_, c)| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0 && (c == ';' || c == '}')
        });
        rest = end.map_or("", |(index, _)| &item[index + 1..]);
    }
    out + rest
}

/// Every path of two parts or more, and every imported one.
pub fn named_paths(text: &str) -> Vec<Vec<String>> {
    let (imports, mut paths) = imports_and_paths(&tokens(text));
    paths.extend(imports.into_iter().map(|import| import.path));
    paths
}

/// One name that a `use` item brings into a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// As written; ends with `*` for all names of a module.
    pub path: Vec<String>,
    /// The name in this file: the last part of the path, or the one after `as`.
    pub name: String,
    /// `true` for `pub use`, `pub(super) use` and the like.
    pub is_public: bool,
}

/// The imports of a file, and the paths of two parts or more in the rest of it.
pub fn imports_and_paths(tokens: &[String]) -> (Vec<Import>, Vec<Vec<String>>) {
    let (mut imports, mut paths) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at] == "use" {
            let is_public = at.checked_sub(1).is_some_and(|before| ["pub", ")"].contains(&&*tokens[before]));
            at = use_tree(tokens, at + 1, &[], is_public, &mut imports);
        } else if is_name(&tokens[at]) {
            let mut path = vec![tokens[at].clone()];
            while tokens.get(at + 1).is_some_and(|t| t == "::")
                && tokens.get(at + 2).is_some_and(|t| is_name(t))
            {
                at += 2;
                path.push(tokens[at].clone());
            }
            if path.len() > 1 {
                paths.push(path);
            }
            at += 1;
        } else {
            at += 1;
        }
    }
    (imports, paths)
}

/// Reads one branch of a `use` from `at` on; returns the index after it.
fn use_tree(
    tokens: &[String],
    mut at: usize,
    before: &[String],
    is_public: bool,
    imports: &mut Vec<Import>,
) -> usize {
    let mut path = before.to_vec();
    let mut name = None;
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "::" => {}
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}") {
                    at = use_tree(tokens, at, &path, is_public, imports);
                    if tokens.get(at).is_some_and(|token| token == ",") {
                        at += 1;
                    }
                }
                return at + 1;
            }
            "as" => {
                at += 1;
                name = tokens.get(at).cloned();
            }
            "*" => path.push("*".to_owned()),
            part if is_name(part) => path.push(part.to_owned()),
            _ => break,
        }
        at += 1;
    }
    // `module::{self}` is the module.
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    if path.len() > before.len() || path == before && !path.is_empty() {
        let name = name.unwrap_or_else(|| path.last().cloned().unwrap_or_default());
        imports.push(Import { path, name, is_public });
    }
    at
}

pub fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

pub fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_alphanumeric() || c == '_' {
            let mut word = c.to_string();
            while let Some(&next) = chars.peek().filter(|c| c.is_alphanumeric() || **c == '_') {
                word.push(next);
                chars.next();
            }
            tokens.push(word);
        } else if c == ':' && chars.peek() == Some(&':') {
            chars.next();
            tokens.push("::".to_owned());
        } else if !c.is_whitespace() {
            tokens.push(c.to_string());
        }
    }
    tokens
}
