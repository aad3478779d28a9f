//! A cache with a budget in bytes, which drops the least recently used values first.

use std::hash::Hash;

use lru::LruCache;

/// A cache of values of known sizes. Inserting beyond the budget drops the least recently used values.
pub struct WeightedLru<K: Eq + Hash, V> {
    entries: LruCache<K, Weighted<V>>,
    /// In bytes.
    budget: u64,
    /// Sum of the sizes of all values.
    bytes: u64,
    /// Size of the largest value that was ever inserted.
    largest: u64,
}

struct Weighted<V> {
    value: V,
    bytes: u64,
}

impl<K: Copy + Eq + Hash, V> WeightedLru<K, V> {
    /// Creates an empty cache of at most `budget` bytes.
    pub fn new(budget: u64) -> Self {
        Self { entries: LruCache::unbounded(), budget, bytes: 0, largest: 0 }
    }

    /// Inserts or replaces a value of `bytes` bytes as the most recently used one. Others are dropped
    /// until the budget holds, except the new one and those with a key in `needed`: these may exceed it.
    pub fn insert(&mut self, key: K, value: V, bytes: u64, needed: &[K]) {
        if let Some(old) = self.entries.put(key, Weighted { value, bytes }) {
            self.bytes -= old.bytes;
        }
        self.bytes += bytes;
        self.largest = self.largest.max(bytes);
        self.shrink(|other| *other == key || needed.contains(other));
    }

    /// Changes the budget. Values are dropped until it holds, except those with a key in `needed`.
    pub fn limit(&mut self, budget: u64, needed: &[K]) {
        self.budget = budget;
        self.shrink(|key| needed.contains(key));
    }

    fn shrink(&mut self, is_needed: impl Fn(&K) -> bool) {
        while self.bytes > self.budget {
            // From the least recently used on.
            let oldest = self.entries.iter().rev().map(|(key, _)| *key).find(|key| !is_needed(key));
            let Some(dropped) = oldest.and_then(|key| self.entries.pop(&key)) else { return };
            self.bytes -= dropped.bytes;
        }
    }

    /// Returns the value and marks it as the most recently used one.
    pub fn get(&mut self, key: K) -> Option<&V> {
        self.entries.get(&key).map(|entry| &entry.value)
    }

    /// Returns the value and leaves the order of use as it is.
    pub fn peek(&self, key: K) -> Option<&V> {
        self.entries.peek(&key).map(|entry| &entry.value)
    }

    /// Returns `true` if there is a value with this key.
    pub fn contains(&self, key: K) -> bool {
        self.entries.contains(&key)
    }

    /// Iterates over all keys and values, the most recently used first.
    pub fn entries(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, entry)| (key, &entry.value))
    }

    /// Returns the number of values.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns `true` if there are no values.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the size in bytes of the largest value that was ever inserted, 0 before the first one.
    pub fn largest(&self) -> u64 {
        self.largest
    }

    /// Returns the budget in bytes.
    pub fn budget(&self) -> u64 {
        self.budget
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_is_dropped_first_and_the_needed_stays() {
        let mut cache = WeightedLru::new(30);
        cache.insert('a', 1, 10, &[]);
        cache.insert('b', 2, 10, &[]);
        cache.insert('c', 3, 10, &[]);
        assert_eq!(cache.get('a'), Some(&1));
        cache.insert('d', 4, 10, &['b']);
        assert_eq!((cache.contains('b'), cache.contains('c')), (true, false), "b is needed");
        cache.insert('e', 5, 10, &[]);
        assert!(!cache.contains('b') && cache.contains('a'));
    }

    #[test]
    fn peeking_and_listing_do_not_count_as_use() {
        let mut cache = WeightedLru::new(20);
        cache.insert('a', 1, 10, &[]);
        cache.insert('b', 2, 10, &[]);
        assert_eq!(cache.peek('a'), Some(&1));
        assert_eq!(cache.entries().collect::<Vec<_>>(), [(&'b', &2), (&'a', &1)]);
        cache.insert('c', 3, 10, &[]);
        assert_eq!((cache.peek('a'), cache.peek('b'), cache.peek('c')), (None, Some(&2), Some(&3)));
    }

    #[test]
    fn a_replaced_value_counts_once() {
        let mut cache = WeightedLru::new(20);
        for value in 0..5 {
            cache.insert('a', value, 10, &[]);
        }
        cache.insert('b', 9, 10, &[]);
        assert_eq!((cache.peek('a'), cache.peek('b')), (Some(&4), Some(&9)));
    }

    #[test]
    fn a_smaller_budget_holds_at_once() {
        let mut cache = WeightedLru::new(30);
        for key in ['a', 'b', 'c'] {
            cache.insert(key, 0, 10, &[]);
        }
        cache.limit(15, &['a']);
        assert!(cache.contains('a') && !cache.contains('b') && !cache.contains('c'));
        assert_eq!(cache.budget(), 15);
    }

    #[test]
    fn one_value_larger_than_the_budget_is_kept_alone() {
        let mut cache = WeightedLru::new(30);
        cache.insert('a', 1, 10, &[]);
        cache.insert('b', 2, 99, &[]);
        assert_eq!((cache.peek('a'), cache.peek('b')), (None, Some(&2)));
        assert_eq!(cache.largest(), 99);
    }
}
