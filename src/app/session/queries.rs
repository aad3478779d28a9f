//! The queries that a view was looked at with, by number.

use std::collections::VecDeque;

use super::prefetch::RunVersions;
use crate::model::Query;

/// How many are remembered: what was asked for longest ago is forgotten, so that a view can stay open for
/// days.
const MOST: usize = 256;

/// Queries, each of a state of the runs; the one asked for last is the last one.
#[derive(Default)]
pub(super) struct QueryTable {
    all: VecDeque<(usize, Query, RunVersions)>,
    next: usize,
}

impl QueryTable {
    /// The number of a query; `None` when it was never asked, or is forgotten.
    pub fn find(&self, query: &Query, stamp: RunVersions) -> Option<usize> {
        self.place(query, stamp).map(|at| self.all[at].0)
    }

    fn place(&self, query: &Query, stamp: RunVersions) -> Option<usize> {
        self.all.iter().rposition(|(_, asked, of)| *of == stamp && asked == query)
    }

    /// Asks a query: its number, and that of the one that is forgotten for it.
    pub fn ask(&mut self, query: &Query, stamp: RunVersions) -> (usize, Option<usize>) {
        if let Some(at) = self.place(query, stamp) {
            let number = self.all[at].0;
            if at + 1 != self.all.len() {
                let found = self.all.remove(at);
                self.all.extend(found);
            }
            return (number, None);
        }
        let number = self.next;
        self.next += 1;
        self.all.push_back((number, query.clone(), stamp));
        let forgotten = if self.all.len() > MOST { self.all.pop_front() } else { None };
        (number, forgotten.map(|(number, ..)| number))
    }

    /// The query of this number.
    pub fn get(&self, number: usize) -> Option<&Query> {
        self.all.iter().rev().find(|(other, ..)| *other == number).map(|(_, query, _)| query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Selection;

    const NOW: RunVersions = RunVersions { own: 0, other: None };

    fn input(index: usize) -> Query {
        Query { select: Selection::input(index), ..Query::default() }
    }

    #[test]
    fn what_was_asked_for_longest_ago_is_forgotten_and_numbers_never_mean_another() {
        let mut queries = QueryTable::default();
        assert_eq!(queries.ask(&input(0), NOW), (0, None));
        let later = RunVersions { own: 1, other: None };
        assert_eq!(queries.ask(&input(0), later), (1, None), "the run has gone on");
        for index in 1..MOST - 1 {
            assert_eq!(queries.ask(&input(index), NOW), (index + 1, None));
        }
        assert_eq!(queries.ask(&input(0), NOW), (0, None), "it is remembered");
        // The second is now the one asked for longest ago.
        assert_eq!(queries.ask(&input(MOST), NOW), (MOST, Some(1)));
        assert_eq!((queries.find(&input(0), later), queries.get(1)), (None, None));
        assert_eq!(queries.find(&input(0), NOW), Some(0));
        assert_eq!(queries.get(MOST), Some(&input(MOST)));
        assert_eq!(queries.ask(&input(0), later), (MOST + 1, Some(2)), "asked anew");
        assert_eq!(queries.all.len(), MOST);
    }
}
