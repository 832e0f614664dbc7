//! Who works on which shard: at most one caller at a time per shard, any number on different ones.
//!
//! Invariant: writing, moving, replacing and condemning a file happen only under its claim. Claims
//! are not taken while holding another lock, and one caller holds at most one: no cycle can form.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};

use chunker::ShardId;

use super::lock;

#[derive(Default)]
pub(super) struct Claims {
    taken: Mutex<BTreeSet<ShardId>>,
    freed: Condvar,
}

/// The right to work on one shard, until dropped.
pub(super) struct Claim<'a> {
    claims: &'a Claims,
    shard: ShardId,
}

impl Claims {
    /// Waits until nobody else works on `shard`.
    pub(super) fn take(&self, shard: ShardId) -> Claim<'_> {
        let mut taken = lock(&self.taken);
        while !taken.insert(shard) {
            taken = self.freed.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        Claim { claims: self, shard }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        lock(&self.claims.taken).remove(&self.shard);
        self.claims.freed.notify_all();
    }
}
