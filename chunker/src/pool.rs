//! Large buffers that are used again: memory fetched anew costs as much as what is done in it.
//!
//! A [`Buffer`] goes back to its [`Pool`] when the last part of it is dropped, also as a part of a
//! [`Bytes`]. A pool keeps as many free ones as it was told to, and all of them go with its last
//! handle: it never holds more than was in use at once. One that lives as long as the process
//! ([`Pool::while_used`]) keeps a single buffer when nothing is in use. Taking one cannot fail.

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
    /// How many are kept when none is in use.
    rest: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    free: Vec<Vec<u8>>,
    in_use: usize,
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
        Self { shared: Arc::new(Shared { keep, rest: keep, state: Mutex::default() }) }
    }

    /// Keeps at most so many free buffers while any is in use, and one when none is.
    pub fn while_used(keep: usize) -> Self {
        Self { shared: Arc::new(Shared { keep, rest: keep.min(1), state: Mutex::default() }) }
    }

    /// An empty buffer with room for `capacity` bytes.
    pub fn take(&self, capacity: usize) -> Buffer {
        let bytes = self.find(capacity).unwrap_or_else(|| Vec::with_capacity(capacity));
        Buffer { bytes, home: Some(self.clone()) }
    }

    /// A buffer of `len` zeros. A new one is memory that the kernel gives page by page, as it is
    /// written.
    pub fn zeroed(&self, len: usize) -> Buffer {
        let bytes = match self.find(len) {
            Some(mut bytes) => {
                bytes.resize(len, 0);
                bytes
            }
            None => vec![0; len],
        };
        Buffer { bytes, home: Some(self.clone()) }
    }

    /// How many buffers are free.
    pub fn idle(&self) -> usize {
        self.state().free.len()
    }

    /// A free buffer with room for `capacity` bytes and not for more than twice as many, if there
    /// is one: whoever holds it counts what is in it. One is in use from now on, be it this or a
    /// new one.
    fn find(&self, capacity: usize) -> Option<Vec<u8>> {
        let mut state = self.state();
        state.in_use += 1;
        let fits = capacity..=capacity.saturating_mul(2);
        let found = state.free.iter().position(|bytes| fits.contains(&bytes.capacity()))?;
        Some(state.free.swap_remove(found))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut state = pool.state();
        state.in_use = state.in_use.saturating_sub(1);
        if bytes.capacity() > 0 && state.free.len() < pool.shared.keep {
            state.free.push(bytes);
        }
        if state.in_use == 0 {
            state.free.truncate(pool.shared.rest);
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
