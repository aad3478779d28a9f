//! The search for classes by a part of their name or id.

use super::filter::{ListRows, contains};
use crate::model::Recording;

/// Number of classes from which on the list has a search field; fewer are visible all at once.
pub const MANY: usize = 20;

/// The search field of the list, and the classes that match it.
#[derive(Debug, Default)]
pub struct ClassSearch {
    pub text: String,
    /// The text and the id of the recording that `classes` were searched for.
    searched: (String, u64),
    /// Indices into [`Recording::classes`], ascending.
    classes: Vec<u32>,
}

impl ClassSearch {
    /// Returns the rows of the list.
    pub fn rows(&self, recording: &Recording) -> ListRows<'_> {
        if recording.classes.len() < MANY || self.searched.0.is_empty() {
            ListRows::All(recording.classes.len())
        } else {
            ListRows::Some(&self.classes)
        }
    }

    /// Searches again if the text or the recording changed; returns `true` if so. A class matches if its name
    /// or its id contains the text, without case.
    pub fn update(&mut self, recording: &Recording, recording_id: u64) -> bool {
        let text = self.text.trim();
        if self.searched.0 == text && self.searched.1 == recording_id {
            return false;
        }
        let matches = |index: &usize| {
            let class = &recording.classes[*index];
            contains(&class.name, text) || contains(&class.id.to_string(), text)
        };
        let count = recording.classes.len().min(u32::MAX as usize);
        self.classes = (0..count).filter(matches).map(|index| index as u32).collect();
        self.searched = (text.to_owned(), recording_id);
        true
    }
}
