//! The rules of the source tree in `src/`: the walls between its rooms, no circle of files, one type to a
//! name, no name from the prelude, files that are not too long, comments that say what things are.
//!
//! `known.txt` lists the places that break a rule today. A test fails for a place that is not listed, and
//! for one that is listed and no longer breaks the rule, so that the list only gets shorter.
//! `UPDATE_KNOWN=1 cargo test --test rooms -- --test-threads=1` writes it anew.

mod circles;
mod comments;
mod known;
mod length;
mod source;
mod type_names;
mod walls;
