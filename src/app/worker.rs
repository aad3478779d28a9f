//! A thread that takes jobs from a queue, one after another.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// The jobs of a [`Worker`], the most urgent first.
pub trait JobQueue: Send + 'static {
    /// One piece of work.
    type Job: Send;

    /// Removes the next job and returns it; `None` if there is none. Called again when that job is done.
    fn next(&mut self) -> Option<Self::Job>;
}

/// A thread that takes jobs from a [`JobQueue`]. Dropping it stops the thread after the current job, without
/// waiting.
pub struct Worker<Q> {
    shared: Arc<Shared<Q>>,
    thread: Option<thread::JoinHandle<()>>,
}

/// The state of a worker, and the signal of its changes.
struct Shared<Q> {
    state: Mutex<WorkerState<Q>>,
    changed: Condvar,
}

struct WorkerState<Q> {
    queue: Q,
    /// `true` if the thread is to end after its current job.
    stop: bool,
}

impl<Q: JobQueue> Worker<Q> {
    /// Starts a thread called `name` that calls `run` for each job of the queue.
    pub fn start(name: &str, queue: Q, mut run: impl FnMut(Q::Job) + Send + 'static) -> Self {
        let state = Mutex::new(WorkerState { queue, stop: false });
        let shared = Arc::new(Shared { state, changed: Condvar::new() });
        let for_thread = Arc::clone(&shared);
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            while let Some(job) = for_thread.next() {
                run(job);
            }
        });
        let thread = thread.inspect_err(|error| log::error!("cannot start the thread {name}: {error}")).ok();
        Self { shared, thread }
    }

    /// Changes the queue and wakes the thread.
    pub fn update<T>(&self, change: impl FnOnce(&mut Q) -> T) -> T {
        let result = change(&mut self.shared.lock().queue);
        self.shared.changed.notify_one();
        result
    }
}

impl<Q> Worker<Q> {
    /// Stops the thread after the current job, without waiting for it.
    pub fn stop(&self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_one();
    }

    /// Returns `true` once the thread has ended.
    pub fn has_stopped(&self) -> bool {
        self.thread.as_ref().is_none_or(thread::JoinHandle::is_finished)
    }

    /// Stops the thread and waits for its end.
    pub fn join(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("a worker thread panicked");
        }
    }
}

impl<Q> Drop for Worker<Q> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl<Q> Shared<Q> {
    fn lock(&self) -> MutexGuard<'_, WorkerState<Q>> {
        // A queue is consistent even if a thread panicked while it held the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Q: JobQueue> Shared<Q> {
    /// Waits for a job; `None` to stop.
    fn next(&self) -> Option<Q::Job> {
        let mut state = self.lock();
        loop {
            if state.stop {
                return None;
            }
            if let Some(job) = state.queue.next() {
                return Some(job);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::mpsc::channel;

    use super::*;

    impl JobQueue for VecDeque<u32> {
        type Job = u32;

        fn next(&mut self) -> Option<u32> {
            self.pop_front()
        }
    }

    #[test]
    fn jobs_are_done_in_order_and_none_after_the_stop() {
        let (done, results) = channel();
        let (go, gate) = channel::<()>();
        let mut worker = Worker::start("test", VecDeque::new(), move |job| {
            gate.recv().expect("the test goes on");
            done.send(job).expect("the test listens");
        });
        worker.update(|queue| queue.extend([3, 1, 2]));
        go.send(()).unwrap();
        go.send(()).unwrap();
        assert_eq!((results.recv(), results.recv()), (Ok(3), Ok(1)));
        worker.stop();
        go.send(()).unwrap();
        worker.join();
        assert!(worker.has_stopped());
        // The job that was running when the thread was stopped is done, and no other.
        assert!(results.try_iter().count() <= 1);
        assert!(worker.update(|queue| queue.len()) <= 1);
    }
}
