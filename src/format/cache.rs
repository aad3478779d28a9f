//! What was parsed once and may be asked for again, within a budget.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Parsed values kept by key; the oldest go first when `budget` bytes are exceeded.
pub(super) struct Cache<K, V> {
    held: Mutex<Held<K, V>>,
    budget: usize,
}

struct Held<K, V> {
    by_key: HashMap<K, (Arc<V>, usize)>,
    oldest_first: VecDeque<K>,
    bytes: usize,
}

impl<K: Copy + Eq + Hash, V> Cache<K, V> {
    pub(super) fn new(budget: usize) -> Self {
        let held = Held { by_key: HashMap::new(), oldest_first: VecDeque::new(), bytes: 0 };
        Self { held: Mutex::new(held), budget }
    }

    pub(super) fn get(&self, key: K) -> Option<Arc<V>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.by_key.get(&key).map(|(value, _)| Arc::clone(value))
    }

    /// Keeps `value`, which takes `bytes`, unless it alone exceeds the budget.
    pub(super) fn insert(&self, key: K, value: V, bytes: usize) -> Arc<V> {
        let value = Arc::new(value);
        if bytes > self.budget {
            return value;
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, before)) = held.by_key.insert(key, (Arc::clone(&value), bytes)) {
            held.bytes -= before;
        } else {
            held.oldest_first.push_back(key);
        }
        held.bytes += bytes;
        while held.bytes > self.budget {
            let Some(oldest) = held.oldest_first.pop_front() else { break };
            if let Some((_, freed)) = held.by_key.remove(&oldest) {
                held.bytes -= freed;
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_leave_when_the_budget_is_spent() {
        let cache = Cache::new(10);
        cache.insert(1, "a", 4);
        cache.insert(2, "b", 4);
        cache.insert(1, "c", 4);
        assert_eq!((cache.get(1).as_deref(), cache.get(2).as_deref()), (Some(&"c"), Some(&"b")));
        cache.insert(3, "d", 4);
        assert_eq!(
            (cache.get(1), cache.get(2).as_deref(), cache.get(3).as_deref()),
            (None, Some(&"b"), Some(&"d"))
        );
        cache.insert(4, "e", 11);
        assert_eq!(cache.get(4), None);
    }
}
