//! How much one peer may have running here at once.
//!
//! Invariant: a peer has at most [`IN_FLIGHT`] passes; a pass lives as long as the work it was
//! given for, not as long as the wish for its result. A peer with none takes no memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chunker::PeerId;
use store::Contact;

/// Requests of one peer at once: twice what a well-behaved asker pipelines. Each may carry a shard,
/// so this bounds memory as well as disk work.
pub(super) const IN_FLIGHT: usize = 16;

#[derive(Debug, Clone, Default)]
pub(super) struct Busy {
    running: Arc<Mutex<BTreeMap<PeerId, usize>>>,
}

impl Busy {
    /// Lets one more request of `peer` in, unless it has too many already.
    pub(super) fn enter(&self, peer: PeerId) -> Option<Pass> {
        let mut running = self.running();
        let count = running.entry(peer).or_default();
        if *count >= IN_FLIGHT {
            return None;
        }
        *count += 1;
        Some(Pass { busy: self.clone(), peer, contact: None })
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<PeerId, usize>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to one request's work, until dropped.
#[derive(Debug)]
pub(super) struct Pass {
    busy: Busy,
    peer: PeerId,
    /// What the request's work notes first, and when.
    pub(super) contact: Option<(Contact, u64)>,
}

impl Pass {
    /// The same, for work that notes a contact.
    pub(super) fn noting(mut self, contact: Option<(Contact, u64)>) -> Self {
        self.contact = contact;
        self
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut running = self.busy.running();
        if let Some(count) = running.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.peer);
            }
        }
    }
}
