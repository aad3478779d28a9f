//! Numbers for queries, by which a [`ValueKey`](super::ValueKey) refers to them.

use std::collections::VecDeque;

use super::keys::RunVersions;
use crate::model::Query;

/// Greatest number of queries that have numbers; limits the memory of a view that is open for long. The least
/// recently used one loses its number first.
const CAPACITY: usize = 256;

/// Numbers of queries, each together with the versions of the runs that it reads. A number is never used
/// twice.
#[derive(Default)]
pub struct QueryTable {
    /// The most recently used one is the last.
    entries: VecDeque<(usize, Query, RunVersions)>,
    next: usize,
}

impl QueryTable {
    /// Returns the number of a query, if it has one.
    pub fn find(&self, query: &Query, versions: RunVersions) -> Option<usize> {
        self.index(query, versions).map(|index| self.entries[index].0)
    }

    fn index(&self, query: &Query, versions: RunVersions) -> Option<usize> {
        self.entries.iter().rposition(|(_, other, of)| *of == versions && other == query)
    }

    /// Returns the number of a query, which gets one if it has none, and the number that another query has
    /// lost for that.
    pub fn number(&mut self, query: &Query, versions: RunVersions) -> (usize, Option<usize>) {
        if let Some(index) = self.index(query, versions) {
            let number = self.entries[index].0;
            if index + 1 != self.entries.len() {
                let entry = self.entries.remove(index);
                self.entries.extend(entry);
            }
            return (number, None);
        }
        let number = self.next;
        self.next += 1;
        self.entries.push_back((number, query.clone(), versions));
        let lost = if self.entries.len() > CAPACITY { self.entries.pop_front() } else { None };
        (number, lost.map(|(number, ..)| number))
    }

    /// Returns the query with a number; `None` if it has lost the number.
    pub fn get(&self, number: usize) -> Option<&Query> {
        self.entries.iter().rev().find(|(other, ..)| *other == number).map(|(_, query, _)| query)
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
    fn the_least_recently_used_query_loses_its_number_and_numbers_are_never_reused() {
        let mut queries = QueryTable::default();
        assert_eq!(queries.number(&input(0), NOW), (0, None));
        let later = RunVersions { own: 1, other: None };
        assert_eq!(queries.number(&input(0), later), (1, None), "the run has gone on");
        for index in 1..CAPACITY - 1 {
            assert_eq!(queries.number(&input(index), NOW), (index + 1, None));
        }
        assert_eq!(queries.number(&input(0), NOW), (0, None), "it still has its number");
        // The second is now the least recently used one.
        assert_eq!(queries.number(&input(CAPACITY), NOW), (CAPACITY, Some(1)));
        assert_eq!((queries.find(&input(0), later), queries.get(1)), (None, None));
        assert_eq!(queries.find(&input(0), NOW), Some(0));
        assert_eq!(queries.get(CAPACITY), Some(&input(CAPACITY)));
        assert_eq!(queries.number(&input(0), later), (CAPACITY + 1, Some(2)), "a new number");
        assert_eq!(queries.entries.len(), CAPACITY);
    }
}
