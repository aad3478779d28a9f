//! `#import` between WGSL files.
//!
//! ```text
//! #import "shared/light.wgsl" { encoded, hazed }
//! #import rows { bits_of, data }
//! ```
//!
//! An import names a file, or a slot that the composed shader fills with a file, and lists the top-level
//! names that are used of it. WGSL has one scope per module, so composing is joining the texts of all
//! files, each once and after those that it imports.

use thiserror::Error;

/// Keywords that declare a name at top level.
const DECLARATIONS: [&str; 6] = ["alias", "const", "fn", "override", "struct", "var"];

/// An error of composing a shader. `by` is the file with the import.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum ImportError {
    /// An import of a file that does not exist.
    #[error("{by} imports {file:?}, which is no shader file")]
    UnknownFile { file: String, by: String },
    /// An import of a slot without a file.
    #[error("{by} imports slot {slot}, which no file fills")]
    EmptySlot { slot: String, by: String },
    /// An import of a name that the imported file does not declare.
    #[error("{by} imports {name}, which {file} does not declare")]
    UnknownName { name: String, file: String, by: String },
    /// Files that import each other.
    #[error("files import each other: {}", .0.join(" → "))]
    Cycle(Vec<String>),
    /// An import that cannot be parsed.
    #[error("{by} has an import that is not of the form `#import \"file\" {{ names }}`")]
    Malformed { by: String },
}

/// Paths and contents of shader files.
pub type Files = [(&'static str, &'static str)];

/// One `#import`.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    /// Path of the imported file.
    pub file: &'static str,
    /// The imported names.
    pub names: Vec<&'static str>,
}

/// A file of a composed shader.
#[derive(Debug)]
pub struct Part {
    /// Path of the file.
    pub file: &'static str,
    /// Its imports in their order.
    pub imports: Vec<Import>,
    /// Its content without the imports.
    pub body: String,
}

/// Returns the files that `root` is composed of, each after those that it imports. `slots` are pairs of a slot's
/// name and the file in it.
///
/// # Errors
///
/// When an import is malformed, of an unknown file, slot or name, or part of a cycle.
pub fn resolve(files: &Files, root: &str, slots: &[(&str, &str)]) -> Result<Vec<Part>, ImportError> {
    let mut resolver = Resolver { files, slots, open: Vec::new(), parts: Vec::new() };
    resolver.visit(root, root)?;
    Ok(resolver.parts)
}

struct Resolver<'a> {
    files: &'a Files,
    slots: &'a [(&'a str, &'a str)],
    /// Files whose imports are being resolved, each imported by the one before.
    open: Vec<&'static str>,
    parts: Vec<Part>,
}

impl Resolver<'_> {
    /// Adds a file, imported by `by`, after those that it imports, unless it is added already.
    fn visit(&mut self, file: &str, by: &str) -> Result<(), ImportError> {
        let (file, text) = self.find(file, by)?;
        if self.parts.iter().any(|part| part.file == file) {
            return Ok(());
        }
        if let Some(start) = self.open.iter().position(|open| *open == file) {
            let cycle = self.open[start..].iter().chain([&file]);
            return Err(ImportError::Cycle(cycle.map(ToString::to_string).collect()));
        }
        self.open.push(file);
        let (imports, body) = self.split(file, text)?;
        let part = Part { file, imports, body };
        for import in &part.imports {
            self.visit(import.file, file)?;
        }
        self.open.pop();
        self.parts.push(part);
        Ok(())
    }

    /// Returns path and content of a file.
    fn find(&self, file: &str, by: &str) -> Result<(&'static str, &'static str), ImportError> {
        let found = self.files.iter().find(|(name, _)| *name == file).copied();
        found.ok_or_else(|| ImportError::UnknownFile { file: file.into(), by: by.into() })
    }

    /// Splits the content of file `by` into imports and the rest.
    fn split(&self, by: &str, text: &'static str) -> Result<(Vec<Import>, String), ImportError> {
        let malformed = || ImportError::Malformed { by: by.into() };
        let (mut imports, mut body, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = next_import(rest) {
            body.push_str(&rest[..at]);
            let (import, after) = rest[at + "#import".len()..].split_once('}').ok_or_else(malformed)?;
            let (origin, names) = import.split_once('{').ok_or_else(malformed)?;
            let names: Vec<&str> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
            if names.is_empty() || !names.iter().all(|name| is_identifier(name)) {
                return Err(malformed());
            }
            let file = self.file_of(origin.trim(), by)?;
            let (file, text) = self.find(file, by)?;
            let declared = declarations(text);
            if let Some(name) = names.iter().find(|name| !declared.contains(name)) {
                let name = (*name).into();
                return Err(ImportError::UnknownName { name, file: file.into(), by: by.into() });
            }
            imports.push(Import { file, names });
            rest = after;
        }
        body.push_str(rest);
        Ok((imports, body))
    }

    /// Returns the path that an import refers to, quoted or by the name of a slot.
    fn file_of<'a>(&'a self, origin: &'a str, by: &str) -> Result<&'a str, ImportError> {
        if let Some(path) = origin.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            return Ok(path);
        }
        if !is_identifier(origin) {
            return Err(ImportError::Malformed { by: by.into() });
        }
        let slot = self.slots.iter().find(|(slot, _)| *slot == origin);
        slot.map(|(_, file)| *file)
            .ok_or_else(|| ImportError::EmptySlot { slot: origin.into(), by: by.into() })
    }
}

/// Returns the byte offset of the next line that is an import.
fn next_import(text: &str) -> Option<usize> {
    if text.starts_with("#import") { Some(0) } else { text.find("\n#import").map(|at| at + 1) }
}

fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(is_start) && chars.all(is_inner)
}

fn is_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn is_inner(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Returns the names that a WGSL text declares at top level.
pub fn declarations(text: &str) -> Vec<&str> {
    let (mut names, mut depth) = (Vec::new(), 0_usize);
    let mut tokens = tokens(text);
    while let Some(token) = tokens.next() {
        match token {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth = depth.saturating_sub(1),
            _ if depth == 0 && DECLARATIONS.contains(&token) => {
                let mut name = tokens.next();
                if name == Some("<") {
                    // The address space of a variable.
                    name = tokens.by_ref().skip_while(|token| *token != ">").nth(1);
                }
                names.extend(name);
            }
            _ => {}
        }
    }
    names
}

/// Splits WGSL into identifiers, numbers and single characters, without comments and white space.
pub fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start();
            if let Some(comment) = rest.strip_prefix("//") {
                rest = comment.split_once('\n').map_or("", |(_, after)| after);
            } else if let Some(comment) = rest.strip_prefix("/*") {
                rest = comment.split_once("*/").map_or("", |(_, after)| after);
            } else {
                break;
            }
        }
        let first = rest.chars().next()?;
        let length = if is_start(first) {
            rest.find(|c| !is_inner(c)).unwrap_or(rest.len())
        } else if first.is_ascii_digit() {
            // With its fraction, so that the point is not taken for that of a member.
            rest.find(|c| !is_inner(c) && c != '.').unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        Some(token)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &Files = &[
        (
            "root.wgsl",
            "// A root.\n#import \"a.wgsl\" {\n    one, Two,\n}\n#import \"b.wgsl\" { three }\nfn main() {}\n",
        ),
        ("a.wgsl", "#import \"b.wgsl\" { three }\nconst one = 1;\nstruct Two { four: u32 }\n"),
        ("b.wgsl", "@group(0) @binding(0) var<storage, read> three: array<u32>;\n"),
        ("slotted.wgsl", "#import choice { three }\n"),
        ("no_file.wgsl", "#import \"missing.wgsl\" { one }\n"),
        ("no_name.wgsl", "#import \"a.wgsl\" { one, four }\n"),
        ("circle.wgsl", "#import \"round.wgsl\" { back }\nconst forth = 1;\n"),
        ("round.wgsl", "#import \"circle.wgsl\" { forth }\nconst back = 1;\n"),
        ("start.wgsl", "#import \"circle.wgsl\" { forth }\n"),
        ("itself.wgsl", "#import \"itself.wgsl\" { me }\nconst me = 1;\n"),
        ("unclosed.wgsl", "#import \"a.wgsl\" { one\n"),
        ("listless.wgsl", "#import \"a.wgsl\"\nfn main() {}\n"),
        ("empty.wgsl", "#import \"a.wgsl\" { }\n"),
        ("unquoted.wgsl", "#import a.wgsl { one }\n"),
    ];

    fn error(root: &str, slots: &[(&str, &str)]) -> ImportError {
        resolve(FILES, root, slots).unwrap_err()
    }

    #[test]
    fn each_file_comes_once_and_after_those_that_it_imports() {
        let parts = resolve(FILES, "root.wgsl", &[]).unwrap();
        let files: Vec<&str> = parts.iter().map(|part| part.file).collect();
        assert_eq!(files, ["b.wgsl", "a.wgsl", "root.wgsl"]);
        let root = parts.last().unwrap();
        assert_eq!(root.imports[0], Import { file: "a.wgsl", names: vec!["one", "Two"] });
        assert_eq!(root.body, "// A root.\n\n\nfn main() {}\n");
    }

    #[test]
    fn a_slot_is_the_file_in_it() {
        let parts = resolve(FILES, "slotted.wgsl", &[("choice", "b.wgsl")]).unwrap();
        assert_eq!(parts.last().unwrap().imports, [Import { file: "b.wgsl", names: vec!["three"] }]);
    }

    #[test]
    fn unknown_files_are_refused() {
        let unknown = |file: &str, by: &str| ImportError::UnknownFile { file: file.into(), by: by.into() };
        assert_eq!(error("no_file.wgsl", &[]), unknown("missing.wgsl", "no_file.wgsl"));
        assert_eq!(error("slotted.wgsl", &[("choice", "gone.wgsl")]), unknown("gone.wgsl", "slotted.wgsl"));
        assert_eq!(error("lost.wgsl", &[]), unknown("lost.wgsl", "lost.wgsl"));
    }

    #[test]
    fn empty_slots_are_refused() {
        let empty = ImportError::EmptySlot { slot: "choice".into(), by: "slotted.wgsl".into() };
        assert_eq!(error("slotted.wgsl", &[("other", "b.wgsl")]), empty);
    }

    #[test]
    fn names_of_members_are_refused() {
        let (name, file, by) = ("four".into(), "a.wgsl".into(), "no_name.wgsl".into());
        assert_eq!(error("no_name.wgsl", &[]), ImportError::UnknownName { name, file, by });
    }

    #[test]
    fn cycles_are_refused() {
        let cycle = |files: &[&str]| ImportError::Cycle(files.iter().map(ToString::to_string).collect());
        assert_eq!(error("start.wgsl", &[]), cycle(&["circle.wgsl", "round.wgsl", "circle.wgsl"]));
        assert_eq!(error("itself.wgsl", &[]), cycle(&["itself.wgsl", "itself.wgsl"]));
    }

    #[test]
    fn malformed_imports_are_refused() {
        for file in ["unclosed.wgsl", "listless.wgsl", "empty.wgsl", "unquoted.wgsl"] {
            assert_eq!(error(file, &[]), ImportError::Malformed { by: file.into() });
        }
    }

    #[test]
    fn declarations_are_those_at_top_level() {
        let text = "
            // const commented = 1;
            /* fn commented_as_well() {} */
            alias A = vec2<u32>;
            @id(0) override b: bool = true;
            @group(0) @binding(0) var<storage, read_write> c: array<u32>;
            @group(0) @binding(1) var d: texture_2d<f32>;
            const e: f32 = 1.5e3;
            struct F { member: u32 }
            @compute @workgroup_size(1, 1) fn g(parameter: u32) { let local = 1; var other = 2; }
        ";
        assert_eq!(declarations(text), ["A", "b", "c", "d", "e", "F", "g"]);
    }
}
