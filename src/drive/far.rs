//! A drive's bytes that are on the grid only: packs through the [`Reader`], with what was learnt of
//! each file kept for the next read of it.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::future::BoxFuture;
use p2p::Grid;
use rustix::io::Errno;

use super::lru::Lru;
use super::reader::{Layout, Reader};
use super::volume::Far;
use crate::flow::FlowError;
use crate::vault::tree::Content;

/// Layouts kept, by their number of pieces.
const LAYOUT_PIECES: usize = 1 << 20;

/// The grid behind a drive.
pub(super) struct Remote<G> {
    reader: Arc<Reader<G>>,
    layouts: Arc<Mutex<Lru<Content, Arc<Layout>>>>,
    /// Why the last read failed.
    trouble: Arc<Mutex<Option<String>>>,
}

impl<G> std::fmt::Debug for Remote<G> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").finish_non_exhaustive()
    }
}

impl<G> Clone for Remote<G> {
    fn clone(&self) -> Self {
        Self {
            reader: Arc::clone(&self.reader),
            layouts: Arc::clone(&self.layouts),
            trouble: Arc::clone(&self.trouble),
        }
    }
}

impl<G: Grid> Remote<G> {
    /// Reads through `reader`.
    pub(super) fn new(reader: Arc<Reader<G>>) -> Self {
        let layouts = Arc::new(Mutex::new(Lru::new(LAYOUT_PIECES)));
        Self { reader, layouts, trouble: Arc::default() }
    }

    /// Reads listings.
    pub(super) const fn reader(&self) -> &Arc<Reader<G>> {
        &self.reader
    }

    /// Why the last read failed, if it did.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note<T>(&self, result: Result<T, FlowError>) -> Result<T, Errno> {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(value) => {
                *trouble = None;
                Ok(value)
            }
            Err(error) => {
                tracing::warn!(%error, "a file of the drive cannot be read");
                *trouble = Some(error.to_string());
                Err(Errno::IO)
            }
        }
    }

    async fn find(&self, content: Content, size: u64) -> Result<Arc<Layout>, Errno> {
        let known = self.layouts.lock().unwrap_or_else(PoisonError::into_inner).get(&content);
        if let Some(layout) = known.filter(|layout| layout.size() == size) {
            return Ok(layout);
        }
        let layout = Arc::new(self.note(self.reader.layout(&content, size).await)?);
        let mut layouts = self.layouts.lock().unwrap_or_else(PoisonError::into_inner);
        layouts.put(content, Arc::clone(&layout), layout.weight());
        Ok(layout)
    }
}

impl<G: Grid> Far for Remote<G> {
    fn layout(
        &self,
        content: Content,
        size: u64,
    ) -> BoxFuture<'static, Result<Arc<Layout>, Errno>> {
        let this = self.clone();
        Box::pin(async move { this.find(content, size).await })
    }

    fn read(
        &self,
        content: Content,
        size: u64,
        at: u64,
        len: u64,
    ) -> BoxFuture<'static, Result<Bytes, Errno>> {
        let this = self.clone();
        Box::pin(async move {
            let layout = this.find(content, size).await?;
            let read = this.reader.read(&layout, at, len).await;
            this.note(read)
        })
    }
}
