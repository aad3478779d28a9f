//! Parallel work on many small items.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Returns the results of `work` for 0, 1, … `count` − 1, in that order.
///
/// The calling thread starts at once and the threads of the pool join as they wake up: for files that take
/// microseconds, waking a thread costs more than the parsing.
pub(super) fn map<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Vec::with_capacity(count));
    let run = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                break;
            }
            done.push((index, work(index)));
        }
        all.lock().unwrap_or_else(PoisonError::into_inner).append(&mut done);
    };
    rayon::in_place_scope(|scope| {
        for _ in 1..rayon::current_num_threads().min(count) {
            scope.spawn(|_| run());
        }
        run();
    });
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.sort_unstable_by_key(|&(index, _)| index);
    all.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_come_in_order() {
        for count in [0, 1, 2, 1000] {
            assert_eq!(
                super::map(count, |index| index * index),
                (0..count).map(|index| index * index).collect::<Vec<_>>()
            );
        }
    }
}
