//! Progress and problems, apart from logs: what a verb tells whoever watches it.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Something countable about a running verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Counter {
    /// Files the scan found.
    FilesFound,
    /// Bytes of the files the scan found.
    BytesFound,
    /// Files dealt with: read, taken over, or restored.
    FilesDone,
    /// Bytes of them.
    BytesDone,
    /// Shard and head bytes acknowledged by holders, or received from them.
    BytesMoved,
    /// Shards wanted by the packs made so far.
    ShardsWanted,
    /// Shards acknowledged.
    ShardsPlaced,
}

/// One file, shard or peer that failed while the rest goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which: a path as raw bytes, or a name.
    pub item: Vec<u8>,
    /// What went wrong, one sentence.
    pub message: String,
}

impl Problem {
    /// A problem with `item`, told by an error.
    pub fn new(item: impl Into<Vec<u8>>, error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            message = format!("{message}: {inner}");
            cause = inner.source();
        }
        Self { item: item.into(), message }
    }

    /// The item as text, for people.
    pub fn item_lossy(&self) -> String {
        String::from_utf8_lossy(&self.item).into_owned()
    }
}

/// Watches a verb. Calls come from several threads and must not block for long.
pub trait Monitor: Send + Sync + 'static {
    /// `n` more of something.
    fn count(&self, counter: Counter, n: u64);
    /// One thing failed; the verb goes on and repeats this in its report.
    fn problem(&self, problem: &Problem);
    /// Something a person should know.
    fn warn(&self, message: &str);
    /// What is being read or written now.
    fn current(&self, path: &[u8]);
    /// A mount can be used now.
    fn mounted(&self, _dir: &Path) {}
    /// What is served can be used now, by whoever knows the token.
    fn serving(&self, _url: &str, _token: &str) {}
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMonitor;

impl Monitor for NoMonitor {
    fn count(&self, _: Counter, _: u64) {}
    fn problem(&self, _: &Problem) {}
    fn warn(&self, _: &str) {}
    fn current(&self, _: &[u8]) {}
}

/// Passes everything on and adds up the bytes that moved.
pub struct Tally {
    inner: Arc<dyn Monitor>,
    moved: AtomicU64,
    told: Box<dyn Fn() + Send + Sync>,
}

impl Tally {
    /// Nothing moved yet.
    pub fn new(inner: Arc<dyn Monitor>) -> Self {
        Self::telling(inner, || {})
    }

    /// The same, and calls `told` whenever something moved.
    pub fn telling(inner: Arc<dyn Monitor>, told: impl Fn() + Send + Sync + 'static) -> Self {
        Self { inner, moved: AtomicU64::new(0), told: Box::new(told) }
    }

    /// Bytes that moved so far.
    pub fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tally").field("moved", &self.moved).finish_non_exhaustive()
    }
}

impl Monitor for Tally {
    fn count(&self, counter: Counter, n: u64) {
        if counter == Counter::BytesMoved {
            self.moved.fetch_add(n, Ordering::Relaxed);
            (self.told)();
        }
        self.inner.count(counter, n);
    }

    fn problem(&self, problem: &Problem) {
        self.inner.problem(problem);
    }

    fn warn(&self, message: &str) {
        self.inner.warn(message);
    }

    fn current(&self, path: &[u8]) {
        self.inner.current(path);
    }

    fn mounted(&self, dir: &Path) {
        self.inner.mounted(dir);
    }

    fn serving(&self, url: &str, token: &str) {
        self.inner.serving(url, token);
    }
}

/// Keeps everything, for tests to look at.
#[derive(Debug, Default)]
pub struct TestMonitor {
    seen: Mutex<Seen>,
}

/// What a [`TestMonitor`] saw.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Sums by counter.
    pub counts: std::collections::BTreeMap<Counter, u64>,
    /// Problems in order.
    pub problems: Vec<Problem>,
    /// Warnings in order.
    pub warnings: Vec<String>,
}

impl TestMonitor {
    /// What was seen so far.
    pub fn seen(&self) -> Seen {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Monitor for TestMonitor {
    fn count(&self, counter: Counter, n: u64) {
        *self.lock().counts.entry(counter).or_default() += n;
    }

    fn problem(&self, problem: &Problem) {
        self.lock().problems.push(problem.clone());
    }

    fn warn(&self, message: &str) {
        self.lock().warnings.push(message.to_owned());
    }

    fn current(&self, _: &[u8]) {}
}
