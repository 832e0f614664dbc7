//! A drive's bytes that are on the grid only: packs through the [`Reader`], with what was learnt of
//! each file kept for the next read of it.
//!
//! A read that has no answer within [`DEADLINE`] fails, whatever it waits for. What could not be
//! read is remembered with the reason until it was read after all: by whoever wants it, or by a
//! probe that tries again every [`AGAIN`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use p2p::Grid;
use rustix::io::Errno;

use super::lock;
use super::lru::Lru;
use super::reader::{Layout, Reader};
use super::volume::Far;
use crate::flow::FlowError;
use crate::vault::tree::Content;

/// Layouts kept, by their number of pieces.
const LAYOUT_PIECES: usize = 1 << 20;
/// How long the grid may take for one read: less than the kernel's request may, so that the reason
/// is known before it is answered.
const DEADLINE: Duration = Duration::from_secs(25);
/// Between two tries to read what could not be read.
const AGAIN: Duration = Duration::from_secs(15);
/// Files that are remembered because they could not be read.
const TROUBLES: usize = 64;

/// Why there are no bytes.
#[derive(Debug, thiserror::Error)]
enum FarError {
    #[error(transparent)]
    Flow(#[from] FlowError),
    #[error("no holder answered within {} seconds", DEADLINE.as_secs())]
    Late,
}

/// A part of a file that could not be read.
#[derive(Debug, Clone)]
struct Trouble {
    size: u64,
    at: u64,
    len: u64,
    reason: String,
}

/// The grid behind a drive.
pub(super) struct Remote<G>(Arc<Inner<G>>);

struct Inner<G> {
    reader: Arc<Reader<G>>,
    layouts: Mutex<Lru<Content, Arc<Layout>>>,
    troubles: Mutex<BTreeMap<Content, Trouble>>,
    names: OnceLock<NameOf>,
}

/// The path of a file that needs a content; none when there is no such file any more.
type NameOf = Box<dyn Fn(&Content) -> Option<Vec<u8>> + Send + Sync>;

impl<G> std::fmt::Debug for Remote<G> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").finish_non_exhaustive()
    }
}

impl<G> Clone for Remote<G> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<G: Grid> Remote<G> {
    /// Reads through `reader`.
    pub(super) fn new(reader: Arc<Reader<G>>) -> Self {
        let layouts = Mutex::new(Lru::new(LAYOUT_PIECES));
        let (troubles, names) = (Mutex::default(), OnceLock::new());
        Self(Arc::new(Inner { reader, layouts, troubles, names }))
    }

    /// Who knows the names of files, said once.
    pub(super) fn named_by(
        &self,
        names: impl Fn(&Content) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) {
        // Said again it stays as it is.
        drop(self.0.names.set(Box::new(names)));
    }

    /// Reads listings.
    pub(super) fn reader(&self) -> &Arc<Reader<G>> {
        &self.0.reader
    }

    /// A file that could not be read and was not since, with the reason, and how many there are
    /// like it.
    pub(super) fn trouble(&self) -> Option<String> {
        let all = lock(&self.0.troubles).clone();
        let mut told: Vec<String> = Vec::new();
        for (content, Trouble { reason, .. }) in all {
            match self.0.names.get().map(|name_of| name_of(&content)) {
                Some(Some(path)) => {
                    told.push(format!("{}: {reason}", String::from_utf8_lossy(&path)));
                }
                None => told.push(reason),
                // Its file was removed or written over.
                Some(None) => drop(lock(&self.0.troubles).remove(&content)),
            }
        }
        let more = told.len().saturating_sub(1);
        let first = told.into_iter().next()?;
        Some(if more == 0 { first } else { format!("{first} (and {more} more files)") })
    }
}

impl<G: Grid> Inner<G> {
    async fn find(&self, content: &Content, size: u64) -> Result<Arc<Layout>, FlowError> {
        let known = lock(&self.layouts).get(content);
        if let Some(layout) = known.filter(|layout| layout.size() == size) {
            return Ok(layout);
        }
        let layout = Arc::new(self.reader.layout(content, size).await?);
        lock(&self.layouts).put(content.clone(), Arc::clone(&layout), layout.weight());
        Ok(layout)
    }

    async fn bytes(
        &self,
        content: &Content,
        size: u64,
        part: (u64, u64),
    ) -> Result<Bytes, FlowError> {
        let layout = self.find(content, size).await?;
        self.reader.read(&layout, part.0, part.1).await
    }

    /// Notes how it went, and probes what failed.
    fn noted<T>(
        self: &Arc<Self>,
        content: &Content,
        (size, at, len): (u64, u64, u64),
        result: Result<T, FarError>,
    ) -> Result<T, Errno> {
        let mut troubles = lock(&self.troubles);
        let error = match result {
            Ok(value) => {
                let over = |one: &Trouble| at <= one.at && one.at < at.saturating_add(len.max(1));
                if troubles.get(content).is_some_and(over) {
                    troubles.remove(content);
                }
                return Ok(value);
            }
            Err(error) => error,
        };
        tracing::warn!(%error, "a file of the drive cannot be read");
        let reason = error.to_string();
        let (first, full) = (troubles.is_empty(), troubles.len() >= TROUBLES);
        match troubles.get_mut(content) {
            Some(one) => one.reason = reason,
            None if full => {}
            None => {
                troubles.insert(content.clone(), Trouble { size, at, len, reason });
            }
        }
        if first {
            drop(tokio::spawn(probe(Arc::downgrade(self))));
        }
        Err(Errno::IO)
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, FlowError>>) -> Result<T, FarError> {
    match tokio::time::timeout(DEADLINE, work).await {
        Ok(result) => Ok(result?),
        Err(_late) => Err(FarError::Late),
    }
}

/// Tries to read what could not be read, until there is nothing like that or nobody asks any more.
async fn probe<G: Grid>(inner: Weak<Inner<G>>) {
    loop {
        tokio::time::sleep(AGAIN).await;
        let Some(inner) = inner.upgrade() else { return };
        let all: Vec<_> = lock(&inner.troubles).clone().into_iter().collect();
        for (content, Trouble { size, at, len, .. }) in all {
            let read = in_time(inner.bytes(&content, size, (at, len))).await;
            // The reason why it still fails is noted.
            drop(inner.noted(&content, (size, at, len), read));
        }
        if lock(&inner.troubles).is_empty() {
            return;
        }
    }
}

impl<G: Grid> Far for Remote<G> {
    fn layout(
        &self,
        content: Content,
        size: u64,
    ) -> BoxFuture<'static, Result<Arc<Layout>, Errno>> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            let found = in_time(inner.find(&content, size)).await;
            inner.noted(&content, (size, 0, 0), found)
        })
    }

    fn read(
        &self,
        content: Content,
        size: u64,
        at: u64,
        len: u64,
    ) -> BoxFuture<'static, Result<Bytes, Errno>> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            let read = in_time(inner.bytes(&content, size, (at, len))).await;
            inner.noted(&content, (size, at, len), read)
        })
    }
}
