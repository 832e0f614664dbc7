//! Is everything still there? Follows every snapshot down to its packs, asks every holder for every
//! shard it should have, and on request fetches and opens every pack.
//!
//! It changes nothing but what is known of holders (a shard that its holder does not have does not
//! count any more, and what is lost is not built upon, I13), and may be cut off anywhere. What is
//! not needed is not a problem: index packs that no newest manifest or head names any more are
//! passed over.
//!
//! A pack is lost only when the shards that are confirmed and those whose holder did not answer
//! are together fewer than k, nobody else has the rest, and the spool does not have the pack
//! either. A copy in the metadata cache does not count: it may be evicted at any time.
//!
//! A holder answers [`Request::Have`] from its records, without reading its disk; only reading
//! finds what has rotted there, in the shards that it reads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chunker::{Class, PackId, PackReader, PeerId, Scratch, ShardId};
use futures::StreamExt;
use p2p::wire::HAVE_LIMIT;
use p2p::{Grid, PeerState, Reply, Request};

use crate::flow::look::Listed;
use crate::flow::{Ctx, FlowError, fetch, health, look, roots};
use crate::monitor::Counter;
use crate::vault::index::{PackRecord, Placed};

mod sample;
mod structure;

pub use sample::{NotASample, Sample};

/// Packs fetched and opened at once.
const PACKS_UNDER_WAY: usize = 6;
/// Most files named for one pack; all of them are counted.
const FILES_NAMED: usize = 100;

/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct CheckReport {
    /// What is wrong, the worst first.
    pub problems: Vec<CheckProblem>,
    /// Snapshots followed.
    pub snapshots: u64,
    /// Packs checked.
    pub packs: u64,
    /// Chunks in them, or of those that were opened when data was read.
    pub chunks: u64,
    /// Shards their holders say they have.
    pub confirmed: u64,
    /// Shards that are gone, damaged or not placed.
    pub missing: u64,
    /// Shards whose holders did not answer.
    pub unconfirmed: u64,
    /// Bytes of packs opened.
    pub bytes_read: u64,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckProblem {
    /// How bad it is.
    pub grade: Grade,
    /// The pack; none when a snapshot's structure is broken.
    pub pack: Option<PackId>,
    /// One sentence.
    pub message: String,
    /// Whose shards are missing.
    pub holders: BTreeSet<PeerId>,
    /// Some of the paths that cannot be restored without the pack.
    pub files: Vec<Vec<u8>>,
    /// How many there are.
    pub files_total: u64,
}

/// How bad a problem is, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Too few holders answer to have the pack now.
    OutOfReach,
    /// Shards are missing; enough are left.
    Damage,
    /// What is left is not enough.
    Loss,
}

impl CheckReport {
    /// The worst that was found.
    pub fn worst(&self) -> Option<Grade> {
        self.problems.iter().map(|problem| problem.grade).max()
    }
}

/// What is remembered of a pack: all of a large vault's must fit into memory.
#[derive(Debug)]
struct Pack {
    k: usize,
    shards: Vec<Placed>,
    chunks: u64,
    queued: bool,
    needed: bool,
}

/// Whether a holder has a shard; absent when it did not answer.
type Answers = BTreeMap<(PeerId, ShardId), bool>;

/// Checks everything, and what is in those packs that `sample` has.
pub async fn check<G: Grid>(
    ctx: &Ctx<G>,
    sample: impl Into<Sample>,
) -> Result<CheckReport, FlowError> {
    let sample = sample.into();
    let snapshots = look::snapshots(ctx)?;
    let mut needed = BTreeSet::new();
    let mut walk = structure::Walk::new(ctx);
    walk.all(&snapshots, |_, packs| needed.extend(packs)).await?;
    let mut report = CheckReport {
        problems: walk.problems,
        snapshots: snapshots.len() as u64,
        ..CheckReport::default()
    };
    let roots = roots_of(ctx, &snapshots)?;
    let packs = packs(ctx, &needed, &roots)?;
    let mut answers = ask_holders(ctx, &packs).await;
    report.packs = packs.len() as u64;
    let failed = if sample == Sample::Nothing {
        report.chunks = packs.values().map(|pack| pack.chunks).sum();
        BTreeMap::new()
    } else {
        ctx.reach();
        let seed = crate::entropy::bytes(&*ctx.entropy);
        let drawn = packs.iter().filter(|(id, _)| sample.has(id, &seed)).collect();
        read(ctx, drawn, &roots, &mut answers, &mut report).await?
    };
    note(ctx, &packs, &answers).await?;
    for (id, pack) in &packs {
        let found = judge(ctx, *id, pack, (&answers, &roots), &mut report).await?;
        let failure = failed.get(id).filter(|_| pack.needed);
        report.problems.extend(with_failure(*id, found, failure));
    }
    structure::name_files(ctx, &snapshots, &mut report.problems, FILES_NAMED).await?;
    // Stable: equally bad ones stay in the order of their packs.
    report.problems.sort_by_key(|problem| std::cmp::Reverse(problem.grade));
    Ok(report)
}

/// The packs that a recovery from the words begins with, of all devices.
fn roots_of<G: Grid>(
    ctx: &Ctx<G>,
    snapshots: &[Listed],
) -> Result<BTreeMap<PackId, PackRecord>, FlowError> {
    let mut devices: BTreeSet<PeerId> =
        snapshots.iter().map(|listed| listed.snapshot.device).collect();
    devices.insert(ctx.device.peer());
    roots::of(ctx, &devices)
}

/// Every pack that is worth checking.
fn packs<G: Grid>(
    ctx: &Ctx<G>,
    needed: &BTreeSet<PackId>,
    roots: &BTreeMap<PackId, PackRecord>,
) -> Result<BTreeMap<PackId, Pack>, FlowError> {
    let spool: BTreeSet<PackId> = ctx.spool.list().into_iter().collect();
    let mut packs = BTreeMap::new();
    let thin = |record: &PackRecord, needed| Pack {
        k: usize::from(record.code.k()),
        shards: record.shards.clone(),
        chunks: record.meta.blocks.iter().map(|block| block.chunks.len() as u64).sum(),
        queued: spool.contains(&record.meta.id),
        needed,
    };
    ctx.catalog.for_each_pack(|row| {
        let is_needed = needed.contains(&row.id) || roots.contains_key(&row.id);
        let is_index = row.class == Class::Index as u8 || row.class == Class::Snapshot as u8;
        // What no snapshot needs, later backups may build on; old indices nobody does.
        if is_needed || !is_index {
            packs.insert(row.id, thin(&PackRecord::decode_stored(&row.record)?, is_needed));
        }
        Ok::<(), FlowError>(())
    })?;
    for (id, record) in roots {
        packs.entry(*id).or_insert_with(|| thin(record, true));
    }
    Ok(packs)
}

/// Notes the shards that their holders turned out not to have, and what that makes of packs. That
/// one has a shard is not noted: it is only its word.
async fn note<G: Grid>(
    ctx: &Ctx<G>,
    packs: &BTreeMap<PackId, Pack>,
    answers: &Answers,
) -> Result<(), FlowError> {
    let mut gone = Vec::new();
    for placed in packs.values().flat_map(|pack| &pack.shards) {
        let held = placed.holder.map(|peer| (peer, placed.id));
        gone.extend(held.filter(|held| answers.get(held) == Some(&false)));
    }
    let ctx = ctx.clone();
    let work = ctx.clone();
    ctx.work(move || {
        let now = work.clock.now_secs();
        work.catalog.bulk(|bulk| {
            gone.iter().try_for_each(|(peer, shard)| bulk.set_gone(peer, shard, now))
        })?;
        health::settle(&work)?;
        Ok(())
    })
    .await?
}

/// Asks every connected holder for all that it should have.
async fn ask_holders<G: Grid>(ctx: &Ctx<G>, packs: &BTreeMap<PackId, Pack>) -> Answers {
    let mut wanted: BTreeMap<PeerId, BTreeSet<ShardId>> = BTreeMap::new();
    for shard in packs.values().flat_map(|pack| &pack.shards) {
        if let Some(holder) = shard.holder {
            wanted.entry(holder).or_default().insert(shard.id);
        }
    }
    let online = ctx.grid.peers().into_iter().filter(|peer| peer.state == PeerState::Online);
    let asks = online.filter_map(|info| Some((info.peer, wanted.remove(&info.peer)?)));
    // Collected, because the compiler cannot prove a future `Send` that keeps these closures.
    let asks: Vec<_> = asks.map(|(peer, shards)| ask_holder(ctx, peer, shards)).collect();
    futures::future::join_all(asks).await.into_iter().flatten().collect()
}

async fn ask_holder<G: Grid>(ctx: &Ctx<G>, peer: PeerId, shards: BTreeSet<ShardId>) -> Answers {
    let shards: Vec<ShardId> = shards.into_iter().collect();
    let mut answers = Answers::new();
    for batch in shards.chunks(HAVE_LIMIT) {
        match ctx.grid.ask(peer, Request::Have { shards: batch.to_vec() }).await {
            Ok(Reply::Have { held }) => {
                answers.extend(batch.iter().zip(held).map(|(shard, held)| ((peer, *shard), held)));
            }
            other => {
                tracing::debug!(peer = %peer.short(), ?other, "does not say what it has");
                break;
            }
        }
    }
    answers
}

/// Fetches and opens those of these packs that are on the grid. Shards that turn out to be gone or
/// rotten are noted in `answers`. Returns what went wrong, by pack.
async fn read<G: Grid>(
    ctx: &Ctx<G>,
    packs: Vec<(&PackId, &Pack)>,
    roots: &BTreeMap<PackId, PackRecord>,
    answers: &mut Answers,
    report: &mut CheckReport,
) -> Result<BTreeMap<PackId, FlowError>, FlowError> {
    let placed = packs.into_iter().filter(|(_, pack)| !pack.queued);
    let reads: Vec<_> =
        placed.map(|(id, pack)| async move { (*id, pack, open(ctx, id, roots).await) }).collect();
    let mut reads = futures::stream::iter(reads).buffer_unordered(PACKS_UNDER_WAY);
    let mut failed = BTreeMap::new();
    while let Some((id, pack, opened)) = reads.next().await {
        let (opened, gone) = opened?;
        for (index, peer) in gone {
            if let Some(shard) = pack.shards.get(usize::from(index)) {
                answers.insert((peer, shard.id), false);
            }
        }
        match opened {
            Ok(len) => {
                report.chunks += pack.chunks;
                report.bytes_read += len;
                ctx.monitor.count(Counter::BytesDone, len);
            }
            Err(error) => {
                failed.insert(id, error);
            }
        }
    }
    Ok(failed)
}

/// A pack's length when it can be fetched and all of it opens, and who did not have its shard.
type Opened = (Result<u64, FlowError>, BTreeMap<u8, PeerId>);

async fn open<G: Grid>(
    ctx: &Ctx<G>,
    id: &PackId,
    roots: &BTreeMap<PackId, PackRecord>,
) -> Result<Opened, FlowError> {
    let record = record(ctx, id, roots)?;
    let _room = ctx.budget.take(fetch::footprint(&record)).await;
    let (bytes, gone) = fetch::from_holders(ctx, &record).await;
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(error) => return Ok((Err(error), gone)),
    };
    let vault = Arc::clone(&ctx.vault);
    let len = bytes.len() as u64;
    let opened = ctx.compute(move || {
        let pack = PackReader::open(vault.keys(), &record.meta, &bytes)?;
        pack.verify()?;
        let mut scratch = Scratch::default();
        let blocks = 0..record.meta.blocks.len();
        blocks.into_iter().try_for_each(|no| pack.block_in(no, &mut scratch).map(drop))
    });
    let opened = opened.await?;
    Ok((opened.map(|()| len).map_err(FlowError::from), gone))
}

fn record<G: Grid>(
    ctx: &Ctx<G>,
    id: &PackId,
    roots: &BTreeMap<PackId, PackRecord>,
) -> Result<PackRecord, FlowError> {
    roots.get(id).map_or_else(|| fetch::record_of(ctx, id), |record| Ok(record.clone()))
}

/// What is wrong with a pack by what its holders say.
async fn judge<G: Grid>(
    ctx: &Ctx<G>,
    id: PackId,
    pack: &Pack,
    (answers, roots): (&Answers, &BTreeMap<PackId, PackRecord>),
    report: &mut CheckReport,
) -> Result<Option<CheckProblem>, FlowError> {
    let (mut held, mut silent, mut unplaced) = (0, 0, 0);
    let mut holders = BTreeSet::new();
    for shard in &pack.shards {
        match shard.holder.map(|peer| (peer, answers.get(&(peer, shard.id)))) {
            None => unplaced += 1,
            Some((_, None)) => silent += 1,
            Some((_, Some(true))) => held += 1,
            Some((peer, Some(false))) => {
                holders.insert(peer);
            }
        }
    }
    let (k, n) = (pack.k, pack.shards.len());
    let mut left = held + silent;
    report.confirmed += held as u64;
    report.unconfirmed += silent as u64;
    report.missing += (n - left) as u64;
    if left < k && !pack.queued {
        // A record can be stale: before it is called lost, everybody is asked.
        let record = record(ctx, &id, roots)?;
        let found = fetch::elsewhere(ctx, &record).await;
        let found: BTreeSet<u8> = found.into_iter().map(|(index, _)| index).collect();
        left = left.max(silent + found.len());
    }
    let short = id.short();
    let (grade, message) = if left < k && !pack.queued && pack.needed {
        let left = format!("at most {left} of {n} shards are left, and it needs {k}");
        (Grade::Loss, format!("Pack {short} is lost: {left}"))
    } else if left < k && !pack.queued {
        (Grade::Damage, format!("Pack {short} is lost, and no snapshot needs it"))
    } else if pack.queued && unplaced > 0 {
        let what = format!("{unplaced} of {n} shards wait on this machine for a holder");
        (Grade::Damage, format!("Pack {short}: {what}"))
    } else if n > held + silent {
        let what = format!("{} of {n} shards are missing, and it needs {k}", n - held - silent);
        (Grade::Damage, format!("Pack {short}: {what}"))
    } else if held < k {
        let what = format!("only {held} of {n} shards can be had now, and it needs {k}");
        (Grade::OutOfReach, format!("Pack {short}: {what}"))
    } else {
        return Ok(None);
    };
    let (pack, files) = (Some(id), Vec::new());
    Ok(Some(CheckProblem { grade, pack, message, holders, files, files_total: 0 }))
}

/// A pack that its holders say they have, and that all the same could not be read, is as bad as
/// what happened.
fn with_failure(
    id: PackId,
    found: Option<CheckProblem>,
    failed: Option<&FlowError>,
) -> Option<CheckProblem> {
    let Some(error) = failed else { return found };
    let grade = match error {
        FlowError::PackUnavailable { .. } => Grade::OutOfReach,
        _ => Grade::Loss,
    };
    match found {
        // What was judged by all holders' answers says more than one try to read.
        Some(found) if found.grade >= grade => Some(found),
        found => Some(CheckProblem {
            grade,
            pack: Some(id),
            message: format!("Pack {} cannot be read: {error}", id.short()),
            holders: found.map(|found| found.holders).unwrap_or_default(),
            files: Vec::new(),
            files_total: 0,
        }),
    }
}
