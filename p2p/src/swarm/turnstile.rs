//! Something scarce that owners take turns at: [`Turns`] for tasks.
//!
//! Invariants: no lock is held while waiting or while a ticket is called; a pass gives back what it
//! holds when it is dropped, also when whoever waited for it has gone.

use std::sync::{Arc, Mutex};

use chunker::OwnerId;
use tokio::sync::oneshot;

use super::lock;
use crate::turns::Turns;

type Queue = Turns<OwnerId, oneshot::Sender<Pass>>;

/// So many units, given to owners in turns. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Turnstile {
    queue: Arc<Mutex<Queue>>,
}

/// Units held, until dropped.
#[derive(Debug)]
pub(super) struct Pass {
    turnstile: Turnstile,
    owner: OwnerId,
    units: u64,
}

impl Turnstile {
    pub(super) fn new(units: usize) -> Self {
        Self { queue: Arc::new(Mutex::new(Turns::new(units as u64))) }
    }

    /// Waits for `owner`'s turn. None when nothing is asked for. Cancel-safe.
    pub(super) async fn enter(&self, owner: OwnerId, units: u32) -> Option<Pass> {
        if units == 0 {
            return None;
        }
        let (ticket, called) = oneshot::channel();
        lock(&self.queue).wish(owner, u64::from(units), ticket);
        self.call();
        // Never an error: tickets are kept until they are called.
        called.await.ok()
    }

    /// Calls those whose turn it is.
    fn call(&self) {
        loop {
            let next = lock(&self.queue).next(oneshot::Sender::is_closed);
            let Some((owner, units, ticket)) = next else { return };
            let pass = Pass { turnstile: self.clone(), owner, units };
            // Whoever went just now gives back by dropping.
            drop(ticket.send(pass));
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        lock(&self.turnstile.queue).give_back(self.owner, self.units);
        self.turnstile.call();
    }
}

#[cfg(test)]
mod tests;
