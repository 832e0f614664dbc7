//! Where CPU and blocking work runs: a pool of threads in production, inline in a simulation.
//!
//! An inline offload finishes the work before it returns, so that a simulated history depends on
//! nothing but its seed.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::oneshot;

/// A piece of work.
pub type Job = Box<dyn FnOnce() + Send + 'static>;

/// Runs blocking and CPU-heavy work away from the async threads.
pub trait Offload: Send + Sync + 'static {
    /// Runs `job` soon. The caller bounds how many it has in flight.
    fn run(&self, job: Job);
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
    let (sender, receiver) = oneshot::channel();
    offload.run(Box::new(move || {
        // Nobody waits any more when the future was dropped: the result is not needed then.
        drop(sender.send(work()));
    }));
    async move { receiver.await.map_err(|_gone| WorkLost) }
}

/// tokio's pool of blocking threads.
#[derive(Debug, Clone)]
pub struct PoolOffload {
    handle: tokio::runtime::Handle,
    width: usize,
}

impl PoolOffload {
    /// On this runtime, as wide as the machine has processors.
    pub fn new(handle: tokio::runtime::Handle) -> Self {
        let width = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self { handle, width }
    }
}

impl Offload for PoolOffload {
    fn run(&self, job: Job) {
        drop(self.handle.spawn_blocking(job));
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
