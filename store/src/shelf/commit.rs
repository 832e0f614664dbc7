//! Group commit: puts that wait at the same time share one directory sync and one commit.
//!
//! There is no thread of its own. Whoever finds nobody leading takes all that wait, commits them,
//! and hands each its outcome; those who come meanwhile form the next group. So a lone put waits
//! for nobody, and under load a group grows to as many as arrive during one commit.
//!
//! Invariant: every ticket gets exactly one outcome, even when the leader panics.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::lock;
use super::rows::Lease;
use crate::db::{Db, DbError};

/// Most leases in one commit: bounds the transaction, and how long its first caller waits.
const GROUP: usize = 128;

/// Why a group was not committed; the same for all of it.
#[derive(Debug, Clone)]
pub(super) enum CommitFailure {
    /// The directory could not be synced. Nothing was committed.
    Dir(Arc<io::Error>),
    /// The database failed.
    Db(Arc<DbError>),
    /// The leader died.
    Abandoned,
}

impl CommitFailure {
    /// Whether it is certain that nothing was committed, now or after a restart. `db` is where the
    /// commit was tried.
    pub(super) fn is_certain(&self, db: &Db) -> bool {
        match self {
            Self::Dir(_) => true,
            Self::Db(_) => !db.is_ailing(),
            Self::Abandoned => false,
        }
    }
}

type Outcome = Result<(), CommitFailure>;

#[derive(Default)]
pub(super) struct Commits {
    queue: Mutex<Queue>,
    turn: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<(u64, Lease)>,
    done: BTreeMap<u64, Outcome>,
    leading: bool,
    next_ticket: u64,
}

impl Commits {
    /// Returns once `lease` is committed, by this caller's `commit` or by another's. The queue
    /// holds at most one lease per calling thread, which bounds it.
    pub(super) fn submit(&self, lease: Lease, commit: impl Fn(&[Lease]) -> Outcome) -> Outcome {
        let mut queue = lock(&self.queue);
        let ticket = queue.next_ticket;
        queue.next_ticket += 1;
        queue.waiting.push((ticket, lease));
        loop {
            if let Some(outcome) = queue.done.remove(&ticket) {
                return outcome;
            }
            if queue.leading {
                queue = self.turn.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            queue.leading = true;
            let size = queue.waiting.len().min(GROUP);
            let (tickets, leases): (Vec<_>, Vec<_>) = queue.waiting.drain(..size).unzip();
            drop(queue);
            let mut lead = Lead { commits: self, tickets, outcome: Err(CommitFailure::Abandoned) };
            lead.outcome = commit(&leases);
            drop(lead);
            queue = lock(&self.queue);
        }
    }
}

#[cfg(test)]
impl Commits {
    /// How many wait for a leader, or for the one at work.
    pub(super) fn waiting(&self) -> usize {
        lock(&self.queue).waiting.len()
    }
}

/// The leader's duty to its group, done when dropped.
struct Lead<'a> {
    commits: &'a Commits,
    tickets: Vec<u64>,
    outcome: Outcome,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut queue = lock(&self.commits.queue);
        for ticket in &self.tickets {
            queue.done.insert(*ticket, self.outcome.clone());
        }
        queue.leading = false;
        self.commits.turn.notify_all();
    }
}
