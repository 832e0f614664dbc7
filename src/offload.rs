//! Where CPU and blocking work runs: a pool of threads in production, inline in a simulation.
//!
//! What keeps a processor busy for long ([`Offload::compute`]) runs on as many threads as there are
//! processors and waits its turn; what may wait for a disk has threads of its own. So a long
//! computation does not slow its neighbours down, and the memory that each thread keeps for
//! compressing is there a few times only.
//!
//! An inline offload finishes the work before it returns, so that a simulated history depends on
//! nothing but its seed.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// A piece of work.
pub type Job = Box<dyn FnOnce() + Send + 'static>;

/// Runs blocking and CPU-heavy work away from the async threads.
pub trait Offload: Send + Sync + 'static {
    /// Runs `job` soon. The caller bounds how many it has in flight.
    fn run(&self, job: Job);
    /// The same for work that only computes: at most [`Offload::width`] at once. It must not wait
    /// for other work.
    fn compute(&self, job: Job) {
        self.run(job);
    }
    /// How many jobs run at once.
    fn width(&self) -> usize;
}

/// Work that panicked or was dropped at shutdown: its result will never come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Background work was cut short")]
pub struct WorkLost;

/// Runs `work` on `offload`; the future yields what it returns. Dropping the future does not stop
/// work that has begun.
pub fn offload<T: Send + 'static>(
    offload: &Arc<dyn Offload>,
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T, WorkLost>> + Send + 'static {
    let (job, done) = told(work);
    offload.run(job);
    done
}

/// The same for work that only computes.
pub fn compute<T: Send + 'static>(
    offload: &Arc<dyn Offload>,
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T, WorkLost>> + Send + 'static {
    let (job, done) = told(work);
    offload.compute(job);
    done
}

/// A job, and what it will have returned.
fn told<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> (Job, impl Future<Output = Result<T, WorkLost>> + Send + 'static) {
    let (sender, receiver) = oneshot::channel();
    // Nobody waits any more when the future was dropped: the result is not needed then.
    let job = Box::new(move || drop(sender.send(work())));
    (job, async move { receiver.await.map_err(|_gone| WorkLost) })
}

/// tokio's pool of blocking threads.
#[derive(Debug, Clone)]
pub struct PoolOffload {
    handle: tokio::runtime::Handle,
    width: usize,
    queue: Arc<Mutex<Queue>>,
}

/// Computations that wait for a thread.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    /// Threads that take from it.
    threads: usize,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("threads", &self.threads).finish_non_exhaustive()
    }
}

/// A thread that computes until nothing waits. Dropped when a job panics, it sees to it that
/// another one takes its place.
struct Worker {
    pool: PoolOffload,
    /// Counted out already, in the moment in which nothing waited.
    left: bool,
}

impl Worker {
    fn work(mut self) {
        while let Some(job) = self.next() {
            job();
        }
    }

    fn next(&mut self) -> Option<Job> {
        let mut queue = self.pool.queue();
        let job = queue.waiting.pop_front();
        self.left = job.is_none();
        queue.threads -= usize::from(self.left);
        job
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.left {
            self.pool.queue().threads -= 1;
            self.pool.call_thread();
        }
    }
}

impl PoolOffload {
    /// On this runtime, as wide as the machine has processors.
    pub fn new(handle: tokio::runtime::Handle) -> Self {
        let width = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self { handle, width, queue: Arc::default() }
    }

    /// Has one thread more take from the queue, if something waits and there may be one.
    fn call_thread(&self) {
        let mut queue = self.queue();
        if queue.waiting.is_empty() || queue.threads >= self.width {
            return;
        }
        queue.threads += 1;
        drop(queue);
        let worker = Worker { pool: self.clone(), left: false };
        drop(self.handle.spawn_blocking(move || worker.work()));
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Offload for PoolOffload {
    fn run(&self, job: Job) {
        drop(self.handle.spawn_blocking(job));
    }

    fn compute(&self, job: Job) {
        self.queue().waiting.push_back(job);
        self.call_thread();
    }

    fn width(&self) -> usize {
        self.width
    }
}

/// Runs everything at once, in the caller.
#[derive(Debug, Clone, Copy, Default)]
pub struct InlineOffload;

impl Offload for InlineOffload {
    fn run(&self, job: Job) {
        job();
    }

    fn width(&self) -> usize {
        1
    }
}

#[cfg(test)]
mod tests;
