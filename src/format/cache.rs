//! Parsed values, shared between threads.

use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::WeightedLru;

/// Parsed values by key; the least recently used are dropped when the budget is exceeded.
pub(super) struct ParsedCache<K: Eq + Hash, V> {
    values: Mutex<WeightedLru<K, Arc<V>>>,
}

impl<K: Copy + Eq + Hash, V> ParsedCache<K, V> {
    /// Creates an empty cache of at most `budget` bytes.
    pub(super) fn new(budget: u64) -> Self {
        Self { values: Mutex::new(WeightedLru::new(budget)) }
    }

    /// Returns the value of a key if it is cached.
    pub(super) fn get(&self, key: K) -> Option<Arc<V>> {
        self.lock().get(key).map(Arc::clone)
    }

    /// Inserts `value`, which takes `bytes`, unless it alone exceeds the budget, and returns it.
    pub(super) fn insert(&self, key: K, value: V, bytes: u64) -> Arc<V> {
        let value = Arc::new(value);
        let mut values = self.lock();
        if bytes <= values.budget() {
            values.insert(key, Arc::clone(&value), bytes, &[]);
        }
        value
    }

    fn lock(&self) -> MutexGuard<'_, WeightedLru<K, Arc<V>>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_larger_than_the_budget_is_not_kept() {
        let cache = ParsedCache::new(10);
        cache.insert(1, "a", 10);
        assert_eq!(*cache.insert(2, "b", 11), "b");
        assert_eq!((cache.get(1).as_deref(), cache.get(2)), (Some(&"a"), None));
    }
}
