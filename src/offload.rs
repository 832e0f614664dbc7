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
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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

/// tokio's pool of blocking threads; and as many threads for computing as there are processors.
#[derive(Debug, Clone)]
pub struct PoolOffload {
    handle: tokio::runtime::Handle,
    width: usize,
    threads: Arc<Threads>,
}

/// A thread for computing ends after so long without work, and what it keeps goes with it.
const IDLE: Duration = Duration::from_secs(5);

/// The threads for computing. When nobody can give them work any more, they do what waits and end.
#[derive(Debug)]
struct Threads(Arc<Queue>);

impl Drop for Threads {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.wake.notify_all();
    }
}

/// Computations that wait for a thread.
#[derive(Debug, Default)]
struct Queue {
    width: usize,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    threads: usize,
    /// Threads that wait for work.
    idle: usize,
    closed: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("threads", &self.threads).finish_non_exhaustive()
    }
}

impl Queue {
    fn push(self: &Arc<Self>, job: Job) -> Result<(), std::io::Error> {
        let mut state = self.state();
        state.waiting.push_back(job);
        if state.idle >= state.waiting.len() {
            self.wake.notify_one();
            return Ok(());
        }
        self.call_thread(state)
    }

    /// Begins one thread more, if something waits and there may be one.
    fn call_thread(self: &Arc<Self>, mut state: MutexGuard<'_, State>) -> std::io::Result<()> {
        if state.waiting.is_empty() || state.threads >= self.width {
            return Ok(());
        }
        state.threads += 1;
        drop(state);
        let queue = Arc::clone(self);
        let begun = std::thread::Builder::new()
            .name("compute".to_owned())
            .spawn(move || Worker { queue, left: false }.work());
        begun.map(drop)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that computes. Dropped when a job panics, it sees to it that another one takes its
/// place.
struct Worker {
    queue: Arc<Queue>,
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
        let mut state = self.queue.state();
        loop {
            if let Some(job) = state.waiting.pop_front() {
                return Some(job);
            }
            if state.closed {
                break;
            }
            state.idle += 1;
            let waited = self.queue.wake.wait_timeout(state, IDLE);
            let (woken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if timeout.timed_out() && state.waiting.is_empty() {
                break;
            }
        }
        self.left = true;
        state.threads -= 1;
        None
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.left {
            return;
        }
        let mut state = self.queue.state();
        state.threads -= 1;
        // If none can begin, the next computation tries again.
        drop(self.queue.call_thread(state));
    }
}

impl PoolOffload {
    /// On this runtime, as wide as the machine has processors.
    pub fn new(handle: tokio::runtime::Handle) -> Self {
        let width = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let queue = Arc::new(Queue { width, ..Queue::default() });
        Self { handle, width, threads: Arc::new(Threads(queue)) }
    }
}

impl Offload for PoolOffload {
    fn run(&self, job: Job) {
        drop(self.handle.spawn_blocking(job));
    }

    fn compute(&self, job: Job) {
        let queue = &self.threads.0;
        if let Err(error) = queue.push(job) {
            tracing::warn!(%error, "no thread more for computing");
            // It is counted: one of the pool's threads takes its place.
            let worker = Worker { queue: Arc::clone(queue), left: false };
            drop(self.handle.spawn_blocking(move || worker.work()));
        }
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
