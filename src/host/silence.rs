//! For how long each device of an owner has not said a head: the owner's other devices judge by it
//! whether a writer is gone, by this machine's clock and not by theirs.
//!
//! Nothing of it is stored. After a start every device counts as heard of at the start, so that a
//! holder that was away never makes a writer look silent.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use chunker::{OwnerId, PeerId, Record};
use p2p::head::SignedHead;

/// When which device was heard of: only devices whose heads are kept, which are bounded.
#[derive(Debug)]
pub(super) struct Silence {
    since_secs: u64,
    last: Mutex<BTreeMap<(OwnerId, PeerId), u64>>,
}

impl Silence {
    /// Nothing was heard before this.
    pub(super) fn since(since_secs: u64) -> Self {
        Self { since_secs, last: Mutex::default() }
    }

    /// The device said a head that is kept.
    pub(super) fn note(&self, owner: OwnerId, device: PeerId, now_secs: u64) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.insert((owner, device), now_secs);
    }

    /// For how long the device of this head was not heard of. A clock that went back says 0.
    pub(super) fn age(&self, owner: OwnerId, head: &[u8], now_secs: u64) -> u32 {
        let Ok(head) = SignedHead::decode(head) else { return 0 };
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let then = last.get(&(owner, head.device())).copied().unwrap_or(self.since_secs);
        u32::try_from(now_secs.saturating_sub(then)).unwrap_or(u32::MAX)
    }
}
