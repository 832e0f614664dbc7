//! Large buffers that are used again: memory fetched anew costs as much as what is done in it.
//!
//! A [`Buffer`] goes back to its [`Pool`] when the last part of it is dropped, also as a part of a
//! [`Bytes`]. A pool keeps as many free ones as it was told to, and all of them go with its last
//! handle: it never holds more than was in use at once. Taking one cannot fail.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// Free buffers. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    keep: usize,
    free: Mutex<Vec<Vec<u8>>>,
}

/// A buffer to fill, empty at first.
#[derive(Debug, Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    home: Option<Pool>,
}

impl Pool {
    /// Keeps at most so many free buffers; none when 0.
    pub fn new(keep: usize) -> Self {
        Self { shared: Arc::new(Shared { keep, free: Mutex::default() }) }
    }

    /// An empty buffer with room for `capacity` bytes.
    pub fn take(&self, capacity: usize) -> Buffer {
        let mut free = self.free();
        let found = free.iter().position(|bytes| bytes.capacity() >= capacity);
        let bytes = found.map(|at| free.swap_remove(at));
        drop(free);
        let bytes = bytes.unwrap_or_else(|| Vec::with_capacity(capacity));
        Buffer { bytes, home: Some(self.clone()) }
    }

    /// How many buffers are free.
    pub fn idle(&self) -> usize {
        self.free().len()
    }

    fn free(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.shared.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buffer {
    /// What is in it, to be shared; the buffer is free again when nobody needs a part of it.
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let Some(pool) = self.home.take() else { return };
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        let mut free = pool.free();
        if bytes.capacity() > 0 && free.len() < pool.shared.keep {
            free.push(bytes);
        }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

#[cfg(test)]
mod tests;
