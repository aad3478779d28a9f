//! Sets of indices stored as ranges: cheap to clone and fast to query, also with millions of indices.

use std::ops::RangeInclusive;
use std::sync::Arc;

/// A set of indices: ascending ranges that neither overlap nor touch. Clones share their memory.
#[derive(Clone, Debug, Default)]
pub struct Ranges {
    ranges: Arc<[RangeInclusive<usize>]>,
    count: usize,
}

impl Ranges {
    /// The ranges, ascending; between two of them at least one index is missing.
    pub fn as_slice(&self) -> &[RangeInclusive<usize>] {
        &self.ranges
    }

    /// Returns `true` if the set has no index.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The number of indices, saturating at `usize::MAX`.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns `true` if the set has `index`, in time logarithmic in the number of ranges.
    pub fn contains(&self, index: usize) -> bool {
        let next = self.ranges.partition_point(|range| *range.end() < index);
        self.ranges.get(next).is_some_and(|range| *range.start() <= index)
    }

    /// The only index; `None` if there is none or more than one.
    pub fn single(&self) -> Option<usize> {
        match &*self.ranges {
            [range] if range.start() == range.end() => Some(*range.start()),
            _ => None,
        }
    }

    /// The least index.
    pub fn first(&self) -> Option<usize> {
        self.ranges.first().map(|range| *range.start())
    }

    /// The greatest index.
    pub fn last(&self) -> Option<usize> {
        self.ranges.last().map(|range| *range.end())
    }

    /// All indices, ascending.
    pub fn indices(&self) -> impl Iterator<Item = usize> + '_ {
        self.ranges.iter().cloned().flatten()
    }

    /// The union with `range`.
    pub fn with(&self, range: RangeInclusive<usize>) -> Self {
        self.ranges.iter().cloned().chain([range]).collect()
    }

    /// The set without `index`.
    pub fn without(&self, index: usize) -> Self {
        let pieces = self.ranges.iter().flat_map(|range| {
            let (start, end) = (*range.start(), *range.end());
            if !range.contains(&index) {
                return [Some(range.clone()), None];
            }
            let below = index.checked_sub(1).map(|last| start..=last);
            let above = index.checked_add(1).map(|first| first..=end);
            [below, above]
        });
        // `collect` leaves out empty pieces.
        pieces.flatten().collect()
    }

    /// The intersection with `other`.
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut a, mut b) = (self.ranges.iter().peekable(), other.ranges.iter().peekable());
        let mut both = Vec::new();
        while let (Some(one), Some(two)) = (a.peek(), b.peek()) {
            let range = *one.start().max(two.start())..=*one.end().min(two.end());
            both.push(range);
            if one.end() <= two.end() {
                a.next();
            } else {
                b.next();
            }
        }
        both.into_iter().collect()
    }
}

impl PartialEq for Ranges {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.ranges, &other.ranges) || self.ranges == other.ranges
    }
}

impl Eq for Ranges {}

impl From<RangeInclusive<usize>> for Ranges {
    fn from(range: RangeInclusive<usize>) -> Self {
        std::iter::once(range).collect()
    }
}

/// Collects ranges in any order, overlapping or not; empty ones are left out.
impl FromIterator<RangeInclusive<usize>> for Ranges {
    fn from_iter<I: IntoIterator<Item = RangeInclusive<usize>>>(ranges: I) -> Self {
        let mut ranges: Vec<_> = ranges.into_iter().filter(|range| !range.is_empty()).collect();
        if !ranges.is_sorted_by_key(|range| *range.start()) {
            ranges.sort_unstable_by_key(|range| *range.start());
        }
        ranges.dedup_by(|next, last| {
            let touch = *next.start() <= last.end().saturating_add(1);
            if touch {
                *last = *last.start()..=*last.end().max(next.end());
            }
            touch
        });
        let lengths = ranges.iter().map(|range| (range.end() - range.start()).saturating_add(1));
        Self { count: lengths.fold(0, usize::saturating_add), ranges: ranges.into() }
    }
}

/// Collects indices in any order.
impl FromIterator<usize> for Ranges {
    fn from_iter<I: IntoIterator<Item = usize>>(indices: I) -> Self {
        indices.into_iter().map(|index| index..=index).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn set(ranges: &[RangeInclusive<usize>]) -> Ranges {
        ranges.iter().cloned().collect()
    }

    #[test]
    fn ranges_are_sorted_and_merged() {
        for (given, merged) in [
            (vec![5..=5, 1..=2, 2..=3], vec![1..=3, 5..=5]),
            (vec![7..=8, 9..=9, 0..=5], vec![0..=5, 7..=9]),
            (vec![0..=10, 2..=3, 11..=12], vec![0..=12]),
            (vec![3..=usize::MAX, 0..=1, usize::MAX..=usize::MAX], vec![0..=1, 3..=usize::MAX]),
            #[expect(clippy::reversed_empty_ranges, reason = "an empty range is left out")]
            (vec![4..=3], vec![]),
        ] {
            assert_eq!(set(&given).as_slice(), merged, "{given:?}");
        }
        assert_eq!([4, 1, 2, 4, 9].into_iter().collect::<Ranges>().as_slice(), [1..=2, 4..=4, 9..=9]);
    }

    #[test]
    fn operations_agree_with_those_of_a_plain_set() {
        // All subsets of 0…7, with every index added and removed, against a `BTreeSet`.
        let sets = || (0u32..256).map(|bits| (0usize..8).filter(move |bit| bits >> bit & 1 == 1));
        for indices in sets() {
            let plain: BTreeSet<usize> = indices.collect();
            let ranges: Ranges = plain.iter().copied().collect();
            assert!(ranges.indices().eq(plain.iter().copied()));
            assert_eq!((ranges.count(), ranges.is_empty()), (plain.len(), plain.is_empty()));
            assert_eq!((ranges.first(), ranges.last()), (plain.first().copied(), plain.last().copied()));
            assert_eq!(ranges.single().is_some(), plain.len() == 1);
            for index in 0..10 {
                assert_eq!(ranges.contains(index), plain.contains(&index));
                let mut less = plain.clone();
                less.remove(&index);
                assert_eq!(ranges.without(index), less.iter().copied().collect());
                let mut more = plain.clone();
                more.extend(index..=index + 2);
                assert_eq!(ranges.with(index..=index + 2), more.iter().copied().collect());
            }
            for other in sets().step_by(7) {
                let other: BTreeSet<usize> = other.collect();
                let both: Ranges = plain.intersection(&other).copied().collect();
                assert_eq!(ranges.intersection(&other.into_iter().collect()), both);
            }
        }
    }

    #[test]
    fn the_greatest_index_does_not_overflow() {
        let all = Ranges::from(0..=usize::MAX);
        assert_eq!(all.count(), usize::MAX);
        assert_eq!(all.without(usize::MAX).last(), Some(usize::MAX - 1));
        assert_eq!(all.without(0).first(), Some(1));
        assert_eq!(all.with(3..=4), all);
    }
}
