//! Values kept at hand within a budget of bytes; what was not used for longest goes first.

use std::collections::HashMap;
use std::hash::Hash;

/// Keeps values up to a budget.
pub struct Cache<K, V> {
    entries: HashMap<K, Entry<V>>,
    budget: u64,
    bytes: u64,
    clock: u64,
}

struct Entry<V> {
    value: V,
    bytes: u64,
    used: u64,
}

impl<K: Copy + Eq + Hash, V: Clone> Cache<K, V> {
    pub fn new(budget: u64) -> Self {
        Self { entries: HashMap::new(), budget, bytes: 0, clock: 0 }
    }

    /// Keeps a value of `bytes`. Others go until the budget holds, but never the keys in `needed`
    /// nor the new one.
    pub fn insert(&mut self, key: K, value: V, bytes: u64, needed: &[K]) {
        self.clock += 1;
        if let Some(old) = self.entries.insert(key, Entry { value, bytes, used: self.clock }) {
            self.bytes -= old.bytes;
        }
        self.bytes += bytes;
        self.shrink(|other| *other == key || needed.contains(other));
    }

    /// Keeps no more than this, but never the keys in `needed`.
    pub fn limit(&mut self, budget: u64, needed: &[K]) {
        self.budget = budget;
        self.shrink(|key| needed.contains(key));
    }

    fn shrink(&mut self, stays: impl Fn(&K) -> bool) {
        while self.bytes > self.budget {
            let oldest = self
                .entries
                .iter()
                .filter(|(key, _)| !stays(key))
                .min_by_key(|(_, entry)| entry.used)
                .map(|(key, _)| *key);
            let Some(oldest) = oldest else { return };
            if let Some(entry) = self.entries.remove(&oldest) {
                self.bytes -= entry.bytes;
            }
        }
    }

    /// The value, which counts as used now.
    pub fn get(&mut self, key: K) -> Option<V> {
        self.clock += 1;
        let entry = self.entries.get_mut(&key)?;
        entry.used = self.clock;
        Some(entry.value.clone())
    }

    /// The value, which does not count as used.
    pub fn peek(&self, key: K) -> Option<&V> {
        self.entries.get(&key).map(|entry| &entry.value)
    }

    /// Every key and its value, in no order.
    pub fn entries(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, entry)| (key, &entry.value))
    }

    pub fn contains(&self, key: K) -> bool {
        self.entries.contains_key(&key)
    }

    /// Bytes of the largest value.
    pub fn largest(&self) -> u64 {
        self.entries.values().map(|entry| entry.bytes).max().unwrap_or(0)
    }

    pub fn budget(&self) -> u64 {
        self.budget
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_unused_goes_first_and_the_needed_stays() {
        let mut cache = Cache::new(30);
        cache.insert('a', 1, 10, &[]);
        cache.insert('b', 2, 10, &[]);
        cache.insert('c', 3, 10, &[]);
        assert_eq!(cache.get('a'), Some(1));
        cache.insert('d', 4, 10, &['b']);
        assert_eq!((cache.contains('b'), cache.contains('c')), (true, false), "b is needed");
        cache.insert('e', 5, 10, &[]);
        assert!(!cache.contains('b') && cache.contains('a'));
    }

    #[test]
    fn a_smaller_budget_holds_at_once() {
        let mut cache = Cache::new(30);
        for key in ['a', 'b', 'c'] {
            cache.insert(key, 0, 10, &[]);
        }
        cache.limit(15, &['a']);
        assert!(cache.contains('a') && !cache.contains('b') && !cache.contains('c'));
    }

    #[test]
    fn one_value_larger_than_the_budget_is_kept_alone() {
        let mut cache = Cache::new(30);
        cache.insert('a', 1, 10, &[]);
        cache.insert('b', 2, 99, &[]);
        assert_eq!((cache.get('a'), cache.get('b')), (None, Some(2)));
        assert_eq!(cache.largest(), 99);
    }
}
