//! One writer: what this machine may do with a drive that others of its owner have as well.
//!
//! The rules are `flow/fence`'s. Here is what follows from them. A *writer* commits, and calls a
//! commit *on the grid* only after it was confirmed that no other machine claimed the drive before.
//! An *unconfirmed* one found too few peers to claim or confirm: it works on this disk, and its
//! commits are queued until it knows. A *fenced* one was overruled: programs get EROFS, what it had
//! is still read, and what no commit on the line has is kept as a snapshot with the tag
//! `conflict:NAME`.
//!
//! The *line* is the drive's history: of each epoch the commits its writer made, up to the one on
//! which the next epoch's first commit builds. What came after that one is beside the line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chunker::{PeerId, SnapshotId};
use p2p::Grid;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::disk::{Drive, DriveError, LEVEL, commits, tag};
use super::lock;
use crate::flow::backup::{BackupPlan, is_shortage};
use crate::flow::fence::{self, ClaimPlan, Claimed, TakeOver, Verdict};
use crate::flow::look::Listed;
use crate::flow::scan::ScanOptions;
use crate::flow::{FlowError, recover};

/// After peers could not tell whether a commit came first.
const AGAIN: Duration = Duration::from_secs(5);
/// What the tag begins with that says in which epoch a commit was made.
const EPOCH: &str = "epoch:";

/// What this machine may do with a drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Writes, and waits for peers to say that nobody else does.
    Unconfirmed {
        /// Its last claim.
        epoch: u64,
    },
    /// Writes.
    Writer {
        /// Its claim.
        epoch: u64,
    },
    /// Wrote, until another machine took over.
    Fenced {
        /// Which.
        by: PeerId,
        /// Its own claim.
        epoch: u64,
    },
}

impl Role {
    /// The epoch of the commits it makes.
    pub const fn epoch(self) -> u64 {
        match self {
            Self::Unconfirmed { epoch } | Self::Writer { epoch } | Self::Fenced { epoch, .. } => {
                epoch
            }
        }
    }
}

/// What is known of the lease.
#[derive(Debug)]
pub(super) struct Lease {
    role: Role,
    /// What was only here when another machine took over.
    conflict: Option<SnapshotId>,
    /// What was only here was looked for, since another machine took over.
    beside: bool,
    /// The epoch's first commit is due even if nothing changed: it says on what the epoch builds.
    first: bool,
    not_before: Instant,
}

impl Lease {
    /// Nothing is known yet.
    pub(super) fn unknown(epoch: u64) -> Self {
        let role = Role::Unconfirmed { epoch };
        Self { role, conflict: None, beside: false, first: false, not_before: Instant::now() }
    }
}

/// How a drive is taken into use.
#[derive(Debug, Clone, Copy)]
pub struct Taking<'a> {
    /// For how long nobody may have heard of a writer that is overruled, in seconds.
    pub lease_secs: u64,
    /// When to overrule one.
    pub take_over: TakeOver,
    /// Other drives in use here.
    pub in_use: &'a [String],
}

/// In which epoch a commit was made.
pub fn epoch_of(commit: &Listed) -> u64 {
    let tags = commit.snapshot.tags.iter();
    tags.filter_map(|tag| tag.strip_prefix(EPOCH)?.parse().ok()).max().unwrap_or_default()
}

/// A drive's history out of all its commits, oldest first.
pub fn line(all: Vec<Listed>) -> Vec<Listed> {
    let mut epochs: BTreeMap<u64, Vec<Listed>> = BTreeMap::new();
    for commit in all {
        epochs.entry(epoch_of(&commit)).or_default().push(commit);
    }
    let mut line: Vec<Listed> = Vec::new();
    for commits in epochs.into_values().map(by_parents) {
        let base = commits.first().and_then(|first| first.snapshot.parent);
        let at = line.iter().position(|old| Some(old.id) == base);
        // One that was forgotten takes nothing with it.
        line.truncate(at.map_or(line.len(), |at| at + 1));
        line.extend(commits);
    }
    line
}

/// The commits of one epoch: by time, but none before the one it was made from, whatever the clock
/// of their writer did.
fn by_parents(commits: Vec<Listed>) -> Vec<Listed> {
    let known: BTreeSet<SnapshotId> = commits.iter().map(|commit| commit.id).collect();
    let mut ready = BTreeMap::new();
    let mut waiting: BTreeMap<SnapshotId, Vec<Listed>> = BTreeMap::new();
    let key = |commit: &Listed| (commit.snapshot.time, commit.id);
    for commit in commits {
        match commit.snapshot.parent.filter(|parent| known.contains(parent)) {
            Some(parent) => waiting.entry(parent).or_default().push(commit),
            None => drop(ready.insert(key(&commit), commit)),
        }
    }
    let mut sorted = Vec::with_capacity(known.len());
    while let Some((_, commit)) = ready.pop_first() {
        let next = waiting.remove(&commit.id).unwrap_or_default();
        ready.extend(next.into_iter().map(|commit| (key(&commit), commit)));
        sorted.push(commit);
    }
    sorted
}

/// Whether another machine committed since the table knew `tip`. Of this machine's own commits the
/// table has everything and what came after, although a kill may have kept it from noting them.
fn is_behind(line: &[Listed], tip: Option<SnapshotId>, me: PeerId) -> bool {
    let known = line.iter().rposition(|commit| Some(commit.id) == tip);
    let own = || line.iter().rposition(|commit| commit.snapshot.device == me);
    let since = known.or_else(own).map_or(0, |at| at + 1);
    line.iter().skip(since).any(|commit| commit.snapshot.device != me)
}

impl<G: Grid> Drive<G> {
    /// What this machine may do with it.
    pub fn role(&self) -> Role {
        lock(&self.lease).role
    }

    /// The snapshot of what was only here when another machine took over.
    pub fn conflict(&self) -> Option<SnapshotId> {
        lock(&self.lease).conflict
    }

    /// Whether a commit is due that no change asks for: the first of its epoch, or what is only
    /// here when another machine took over.
    pub fn owes(&self) -> bool {
        let lease = lock(&self.lease);
        lease.first || (!lease.beside && matches!(lease.role, Role::Fenced { .. }))
    }

    fn become_role(&self, role: Role) {
        tracing::info!(drive = self.name(), ?role, "what this machine may do with the drive");
        lock(&self.lease).role = role;
        if let Role::Fenced { .. } = role {
            self.volume().fence();
        }
    }

    /// Claims the drive, and builds on its last commit. What was only here and does not go with it
    /// is kept as a conflict. Publishes: nothing else may meanwhile.
    pub async fn take(
        &self,
        taking: Taking<'_>,
        cancel: &CancellationToken,
    ) -> Result<(), DriveError> {
        let mine = fence::claim_of(self.ctx(), self.name())?.filter(|mine| mine.held);
        if let Some(mine) = mine {
            match fence::confirm(self.ctx(), self.name()).await? {
                Verdict::Confirmed => {
                    fence::move_on(self.ctx(), self.name()).await?;
                    self.become_role(Role::Writer { epoch: mine.epoch });
                    return self.build(cancel).await;
                }
                Verdict::Unsure if taking.take_over == TakeOver::WithoutMajority => {}
                Verdict::Unsure => {
                    self.become_role(Role::Unconfirmed { epoch: mine.epoch });
                    return Ok(());
                }
                // What it claimed goes, so that it is in nobody's way.
                Verdict::Overruled { .. } => self.step_back().await?,
            }
        }
        match self.claim(taking).await? {
            Claimed::Yes { epoch, from } => {
                self.become_role(Role::Writer { epoch });
                self.build(cancel).await?;
                lock(&self.lease).first = from.is_some();
                Ok(())
            }
            Claimed::Held { by, ran_out, .. } => {
                Err(DriveError::Held { by, ran_out: Some(ran_out) })
            }
            Claimed::Unsure(Some(top)) if top.device != self.ctx().device.peer() => {
                Err(DriveError::Held { by: top.device, ran_out: None })
            }
            Claimed::Unsure(_) => {
                let mine = fence::claim_of(self.ctx(), self.name())?;
                let epoch = mine.map_or(0, |mine| mine.epoch);
                self.become_role(Role::Unconfirmed { epoch });
                Ok(())
            }
        }
    }

    async fn claim(&self, taking: Taking<'_>) -> Result<Claimed, FlowError> {
        let Taking { lease_secs, take_over, in_use } = taking;
        let floor = commits(self.ctx(), self.name())?.iter().map(epoch_of).max().unwrap_or(0);
        let plan = ClaimPlan { drive: self.name(), lease_secs, take_over, in_use, floor };
        fence::claim(self.ctx(), &plan).await
    }

    /// Makes the tree the line's last commit, if it is based on another one.
    async fn build(&self, cancel: &CancellationToken) -> Result<(), DriveError> {
        recover::refresh(self.ctx()).await?;
        let line = line(commits(self.ctx(), self.name())?);
        if !is_behind(&line, self.facts().tip(), self.ctx().device.peer()) {
            return Ok(());
        }
        let Some(tip) = line.into_iter().next_back() else { return Ok(()) };
        self.keep_conflict(cancel).await?;
        self.adopt(tip.id, &tip.snapshot).await
    }

    /// What this machine has and the line has not, as a snapshot beside it.
    pub(super) async fn keep_conflict(&self, cancel: &CancellationToken) -> Result<(), DriveError> {
        let all = commits(self.ctx(), self.name())?;
        let base = self.facts().tip();
        let parent = all.into_iter().find(|commit| Some(commit.id) == base);
        let queued = parent.as_ref().is_some_and(|commit| commit.queued);
        let parent = parent.map(|commit| (commit.id, commit.snapshot));
        // One that is on no other machine yet would not be missed by anybody: all of it counts.
        let plan = BackupPlan { skip_if_unchanged: !queued, ..self.beside() };
        if parent.is_none() && self.figures().stored == 0 {
            lock(&self.lease).beside = true;
            return Ok(());
        }
        let volume = Arc::clone(self.volume());
        let frozen = self.ctx().work(move || volume.freeze()).await?;
        let made = self.read(&frozen, &plan, parent, cancel).await;
        self.volume().thaw();
        let made = made?.report.snapshot;
        if let Some(id) = made {
            tracing::warn!(drive = self.name(), snapshot = %id, "kept beside the drive's line");
        }
        {
            let mut lease = lock(&self.lease);
            lease.conflict = made.or(lease.conflict);
            lease.beside = true;
        }
        self.committed_up_to(frozen.changes);
        Ok(())
    }

    /// Whether every commit up to now came before any other machine's claim; if not, there are no
    /// more. Not asked again at once when peers cannot tell.
    pub(super) async fn is_confirmed(&self) -> Result<bool, DriveError> {
        let (role, not_before) = {
            let lease = lock(&self.lease);
            (lease.role, lease.not_before)
        };
        if matches!(role, Role::Fenced { .. }) || Instant::now() < not_before {
            return Ok(false);
        }
        let epoch = role.epoch();
        match fence::confirm(self.ctx(), self.name()).await? {
            // One that was not confirmed before has to be noted as such first.
            Verdict::Confirmed => Ok(role == Role::Writer { epoch }),
            Verdict::Overruled { by, .. } => {
                self.become_role(Role::Fenced { by, epoch });
                Ok(false)
            }
            Verdict::Unsure => {
                lock(&self.lease).not_before = Instant::now() + AGAIN;
                Ok(false)
            }
        }
    }

    /// Whether peers confirmed its claim once, and it was not given back since.
    pub(super) fn is_ours(&self) -> Result<bool, FlowError> {
        let mine = fence::claim_of(self.ctx(), self.name())?;
        Ok(mine.is_some_and(|mine| mine.held && mine.confirmed))
    }

    fn is_held(&self) -> Result<bool, FlowError> {
        Ok(fence::claim_of(self.ctx(), self.name())?.is_some_and(|mine| mine.held))
    }

    /// Renews the lease, and learns whether another machine took over. True when peers confirmed
    /// that it is this one's.
    pub async fn renew(&self) -> Result<bool, DriveError> {
        let role = self.role();
        if matches!(role, Role::Fenced { .. }) || !self.is_held()? {
            return Ok(false);
        }
        fence::renew(self.ctx(), self.name()).await?;
        let verdict = fence::confirm(self.ctx(), self.name()).await?;
        if let Verdict::Overruled { by, .. } = verdict {
            self.become_role(Role::Fenced { by, epoch: role.epoch() });
        }
        Ok(verdict == Verdict::Confirmed)
    }

    /// Claims what could not be claimed before. Publishes: nothing else may meanwhile.
    pub async fn claim_again(&self, taking: Taking<'_>) -> Result<(), DriveError> {
        let Role::Unconfirmed { epoch } = self.role() else { return Ok(()) };
        if self.is_held()? {
            return Ok(fence::repeat(self.ctx(), self.name()).await?);
        }
        match self.claim(Taking { take_over: TakeOver::Never, ..taking }).await? {
            Claimed::Yes { epoch, from: None } => self.become_role(Role::Writer { epoch }),
            // Whoever had it since has commits that this tree is not built on.
            Claimed::Yes { from: Some(by), .. } | Claimed::Held { by, .. } => {
                self.become_role(Role::Fenced { by, epoch });
            }
            Claimed::Unsure(_) => {}
        }
        Ok(())
    }

    /// Peers confirmed that it is this machine's. May change what is published next: nothing else
    /// may publish meanwhile.
    pub async fn move_on(&self) -> Result<(), DriveError> {
        fence::move_on(self.ctx(), self.name()).await?;
        if let Role::Unconfirmed { epoch } = self.role() {
            self.become_role(Role::Writer { epoch });
        }
        Ok(())
    }

    /// Takes back the claim of one that was overruled, so that it is in nobody's way. Publishes:
    /// nothing else may meanwhile.
    pub async fn step_back(&self) -> Result<(), DriveError> {
        if !self.is_held()? {
            return Ok(());
        }
        match fence::give_back(self.ctx(), self.name()).await {
            // It is noted, and said with the next head.
            Err(error) if is_shortage(&error) => Ok(()),
            given => Ok(given?),
        }
    }

    /// Gives the drive back when everything is on the grid. Otherwise the claim stays, and runs
    /// out: nobody builds on less than there is without saying so. Whether nothing is to be waited
    /// for, because it is given back or will not be; false when peers that are slow to answer may
    /// make it possible in a moment. Publishes: nothing else may meanwhile.
    pub async fn give_back(&self) -> Result<bool, DriveError> {
        if !matches!(self.role(), Role::Writer { .. }) {
            return Ok(true);
        }
        if !self.is_held()? {
            // It is noted, and was said to too few.
            fence::repeat(self.ctx(), self.name()).await?;
            return Ok(fence::is_said(self.ctx(), self.name())?);
        }
        self.settle().await?;
        if self.is_dirty() || !self.is_published()? {
            return Ok(true);
        }
        if self.is_queued() {
            return Ok(false);
        }
        match fence::give_back(self.ctx(), self.name()).await {
            Err(error) if is_shortage(&error) => Ok(false),
            given => Ok(given.map(|()| true)?),
        }
    }

    /// A commit on the line.
    pub(super) fn plan(&self) -> BackupPlan {
        let (epoch, first) = (self.role().epoch(), lock(&self.lease).first);
        BackupPlan {
            paths: vec![PathBuf::from(tag(self.name()))],
            scan: ScanOptions::default(),
            tags: vec![tag(self.name()), format!("{EPOCH}{epoch}")],
            hostname: self.ctx().device.cert.name.clone(),
            username: String::new(),
            force: false,
            dry_run: false,
            skip_if_unchanged: !first,
            code: self.code,
            spool: true,
            level: Some(LEVEL),
        }
    }

    /// One beside it.
    fn beside(&self) -> BackupPlan {
        let mut plan = self.plan();
        plan.tags = vec![format!("conflict:{}", self.name())];
        plan
    }

    /// The epoch's first commit is made.
    pub(super) fn has_begun(&self) {
        lock(&self.lease).first = false;
    }
}

#[cfg(test)]
mod tests;
