//! Repair in the model: which packs are due and which comes first is decided by [`crate::care`];
//! new shards go further along the lane's walk; the line carries so many bytes a second.

use super::grid::{Grid, Who};
use super::holders::Holders;
use super::vault::{Batch, Vault};
use super::{Outage, Plan};
use crate::care::{Policy, Rules, days_to_loss};
use crate::placement::odds;

/// How long after an outage its traffic is still counted as its own.
const AFTERMATH_SECS: u64 = 86_400;

/// Shards on their way.
#[derive(Debug)]
struct Job {
    done_secs: f64,
    batch: usize,
    shards: Vec<(usize, Who)>,
}

/// The line, and what went over it.
#[derive(Debug)]
pub(super) struct Mending {
    policy: Policy,
    rate: f64,
    bytes_a_second: f64,
    source_gone: bool,
    outage: Option<Outage>,
    job: Option<Job>,
    pub(super) uploads_bytes: u64,
    pub(super) reads_bytes: u64,
    pub(super) outage_bytes: u64,
    pub(super) shards: u64,
    pub(super) in_vain: u64,
}

impl Mending {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            policy: plan.policy,
            rate: odds::rate_of(plan.departures),
            bytes_a_second: plan.repair_up.max(1) as f64,
            source_gone: plan.source_gone,
            outage: plan.outage,
            job: None,
            uploads_bytes: 0,
            reads_bytes: 0,
            outage_bytes: 0,
            shards: 0,
            in_vain: 0,
        }
    }

    pub(super) const fn is_busy(&self) -> bool {
        self.job.is_some()
    }

    /// Mends what the line carries until `now`. Whether something is still due.
    pub(super) fn work(
        &mut self,
        now: u64,
        grid: &mut Grid,
        holders: &mut Holders,
        vault: &mut Vault,
        rules: &Rules,
    ) -> bool {
        vault.refresh();
        let mut free_from = now as f64;
        if let Some(job) = self.job.take() {
            if job.done_secs > now as f64 {
                self.job = Some(job);
                return true;
            }
            free_from = job.done_secs;
            Self::finish(job, now, grid, holders, vault, rules);
        }
        for at in self.due(now, grid, holders, vault) {
            match self.start(at, free_from, now, (grid, holders, vault)) {
                Some(job) if job.done_secs > now as f64 => {
                    self.job = Some(job);
                    return true;
                }
                Some(job) => {
                    free_from = job.done_secs;
                    Self::finish(job, now, grid, holders, vault, rules);
                }
                None => {}
            }
        }
        !self.due(now, grid, holders, vault).is_empty()
    }

    /// Batches that are due, those with fewest days to their loss first.
    fn due(&self, now: u64, grid: &Grid, holders: &Holders, vault: &Vault) -> Vec<usize> {
        let code = vault.code;
        let mut due: Vec<(f64, usize)> = Vec::new();
        for (at, batch) in vault.batches.iter().enumerate() {
            let tally = vault.tally(batch, grid, holders, now);
            let readable = tally.here >= tally.k && !batch.lost;
            if self.policy.wants_repair(code, &tally) && (readable || !self.source_gone) {
                let rates = vec![self.rate; tally.counted()];
                due.push((days_to_loss(tally.k, &rates), at));
            }
        }
        due.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        due.into_iter().map(|(_, at)| at).collect()
    }

    fn start(
        &mut self,
        at: usize,
        free_from: f64,
        now: u64,
        (grid, holders, vault): (&mut Grid, &Holders, &mut Vault),
    ) -> Option<Job> {
        let batch: Batch = vault.batches.get(at)?.clone();
        let targets = vault.targets(&batch, grid, holders, now)?;
        let gone = |(_, copies): &(usize, &std::collections::BTreeSet<Who>)| {
            copies.iter().all(|who| !holders.state(*who).counts())
        };
        let missing = batch.shards.iter().enumerate().filter(gone).map(|(index, _)| index);
        let shards: Vec<(usize, Who)> = missing.zip(targets).collect();
        let shard_bytes = batch.packs * vault.shard_bytes();
        for (_, who) in &shards {
            grid.take(who.slot, shard_bytes);
        }
        let sent = shard_bytes * shards.len() as u64;
        let read = if self.source_gone { shard_bytes * u64::from(vault.code.k()) } else { 0 };
        self.uploads_bytes += sent;
        self.reads_bytes += read;
        self.shards += batch.packs * shards.len() as u64;
        let there =
            |(index, _): &&(usize, Who)| batch.shards[*index].iter().any(|who| grid.stayed(*who));
        self.in_vain += batch.packs * shards.iter().filter(there).count() as u64;
        if self.outage.is_some_and(|outage| touches(outage, now)) {
            self.outage_bytes += sent;
        }
        let done_secs = free_from + (sent + read) as f64 / self.bytes_a_second;
        Some(Job { done_secs, batch: at, shards })
    }

    fn finish(
        job: Job,
        now: u64,
        grid: &Grid,
        holders: &mut Holders,
        vault: &mut Vault,
        rules: &Rules,
    ) {
        for (index, who) in job.shards {
            // Whoever left meanwhile did not acknowledge it.
            if !grid.stayed(who) {
                continue;
            }
            holders.meet(who, now, rules);
            let copies =
                vault.batches.get_mut(job.batch).and_then(|batch| batch.shards.get_mut(index));
            if let Some(copies) = copies {
                // Copies of those that are gone for good are not remembered.
                copies.retain(|who| holders.knows(*who));
                copies.insert(who);
            }
        }
    }
}

const fn touches(outage: Outage, now: u64) -> bool {
    let from = outage.after.as_secs();
    let until = from.saturating_add(outage.lasts.as_secs()).saturating_add(AFTERMATH_SECS);
    from <= now && now < until
}
