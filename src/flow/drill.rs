//! A fire drill: a restore rehearsed with only what the phrase derives and other machines hold.
//!
//! The drill starts from nothing: an empty catalog, no cache, no spool, as a new machine would
//! after `recover`. It finds the heads, reads the index, draws files of the newest snapshot at
//! random, restores them to a place of its own, and compares them with the live files where these
//! are unchanged. Machines can be set aside, as if they were gone.
//!
//! It changes nothing of the backup. How it fails: what a restore could not do is in the report;
//! that there is nothing to restore from is an error. The place is emptied before and after.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chunker::{PeerId, SnapshotId};
use p2p::{Grid, PeerState};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::entropy;
use crate::flow::recover::{self, RecoverReport};
use crate::flow::restore::{self, Rehearsed, Sample};
use crate::flow::{Ctx, FlowError};
use crate::monitor::{Problem, Tally};
use crate::vault::index::PackRecord;

mod live;
mod record;
mod without;

use live::Likeness;
pub(crate) use record::DRILLS;
pub use record::{Drills, Proof, drills};
use without::Without;

/// What the metadata may take in the drill's cache, in bytes.
const CACHE_BYTES: u64 = 256 << 20;

/// How to drill.
#[derive(Debug, Clone)]
pub struct DrillPlan {
    /// Files to restore at most.
    pub files: usize,
    /// Bytes of files to restore at most.
    pub max_bytes: u64,
    /// How many machines to set aside, drawn at random from those that answer.
    pub without: usize,
    /// A directory for the drill alone: whatever is in it is deleted.
    pub place: PathBuf,
}

/// What a drill showed.
#[derive(Debug, Clone)]
pub struct DrillReport {
    /// The newest snapshot, which the files are from.
    pub snapshot: SnapshotId,
    /// What was found from the words alone.
    pub found: RecoverReport,
    /// Machines that were set aside.
    pub aside: Vec<PeerId>,
    /// Files drawn, of how many.
    pub files: (u64, u64),
    /// Bytes restored, of how many.
    pub bytes: (u64, u64),
    /// Files that were compared with the live ones and are the same.
    pub identical: u64,
    /// Files whose live ones were changed since, or are gone.
    pub changed: u64,
    /// What could not be restored, and files that differ although the live ones look untouched.
    pub problems: Vec<Problem>,
    /// Packs of which too few shards exist.
    pub lost_packs: u64,
    /// Files that differ from live ones that look untouched; each is among the problems.
    pub differing: u64,
    /// How long it took to find the index, and to restore.
    pub took: (Duration, Duration),
    /// Bytes that came from holders while restoring.
    pub moved: u64,
    /// What restoring everything would take: the index, and all data packs at the speed seen.
    pub full: Option<Duration>,
}

impl DrillReport {
    /// Whether everything drawn came back and nothing differed.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty() && self.lost_packs == 0 && self.files.0 > 0
    }
}

/// Rehearses a restore and remembers what it proved. One at a time for each place. Stop it through
/// `cancel`; a dropped future leaves the place full until the next drill.
pub async fn drill<G: Grid>(
    ctx: &Ctx<G>,
    plan: &DrillPlan,
    cancel: &CancellationToken,
) -> Result<DrillReport, FlowError> {
    let place = plan.place.clone();
    ctx.work(move || clean(&place)).await??;
    let result = rehearse(ctx, plan, cancel).await;
    let place = plan.place.clone();
    ctx.work(move || remove(&place)).await??;
    if matches!(result, Err(FlowError::Cancelled)) {
        return result;
    }
    let good = result.as_ref().ok().filter(|report| report.is_good());
    record::note(ctx, good.map(|report| report.proof(ctx.clock.now_secs())))?;
    result
}

impl DrillReport {
    fn proof(&self, secs: u64) -> Proof {
        Proof {
            secs,
            files: self.files.0,
            bytes: self.bytes.0,
            identical: self.identical,
            full_seconds: self.full.unwrap_or_default().as_secs_f64(),
        }
    }
}

async fn rehearse<G: Grid>(
    ctx: &Ctx<G>,
    plan: &DrillPlan,
    cancel: &CancellationToken,
) -> Result<DrillReport, FlowError> {
    let aside = set_aside(ctx, plan.without);
    let tally = Arc::new(Tally::new(Arc::clone(&ctx.monitor)));
    let fresh = from_nothing(ctx, &aside, &plan.place, Arc::clone(&tally)).await?;
    if fresh.grid.peers().iter().all(|peer| peer.state != PeerState::Online) {
        return Err(FlowError::NoPeers);
    }
    let begun = Instant::now();
    let found = recover::recover(&fresh).await?;
    let (indexed, before) = (begun.elapsed(), tally.moved());
    if cancel.is_cancelled() {
        return Err(FlowError::Cancelled);
    }
    let seed = entropy::bytes(&*ctx.entropy);
    let sample = Sample { files: plan.files, bytes: plan.max_bytes, seed };
    let files = plan.place.join("files");
    let begun = Instant::now();
    let done = restore::rehearse(&fresh, &sample, files.clone(), cancel).await?;
    let (restored, moved) = (begun.elapsed(), tally.moved() - before);
    if cancel.is_cancelled() {
        return Err(FlowError::Cancelled);
    }
    let wanted = data_bytes(&fresh).await?;
    let (compared, done) = ctx.work(move || (compare(&files, &done), done)).await?;
    let mut problems = done.report.problems;
    problems.extend(compared.differing.iter().cloned());
    Ok(DrillReport {
        snapshot: done.report.snapshot,
        found,
        aside: aside.into_iter().collect(),
        files: (done.files.len() as u64, done.of_files),
        bytes: (done.report.bytes, done.of_bytes),
        identical: compared.identical,
        changed: compared.changed,
        differing: compared.differing.len() as u64,
        problems,
        lost_packs: done.report.lost_packs,
        took: (indexed, restored),
        moved,
        full: estimate(wanted, moved, indexed, restored),
    })
}

/// Draws machines that answer, as if they were gone.
fn set_aside<G: Grid>(ctx: &Ctx<G>, count: usize) -> BTreeSet<PeerId> {
    let seed: [u8; 32] = entropy::bytes(&*ctx.entropy);
    let online = ctx.grid.peers().into_iter().filter(|peer| peer.state == PeerState::Online);
    let mut drawn: Vec<PeerId> = online.map(|peer| peer.peer).collect();
    drawn.sort_by_cached_key(|peer| *blake3::keyed_hash(&seed, peer.as_bytes()).as_bytes());
    drawn.truncate(count);
    drawn.into_iter().collect()
}

/// The same engine on a machine that knows nothing yet.
async fn from_nothing<G: Grid>(
    ctx: &Ctx<G>,
    aside: &BTreeSet<PeerId>,
    place: &Path,
    tally: Arc<Tally>,
) -> Result<Ctx<Without<G>>, FlowError> {
    let place = place.to_owned();
    let opened = ctx.work(move || {
        let catalog = store::Catalog::open(&place.join("catalog.db"))?;
        let spool = store::Spool::open(&place.join("spool"))?;
        let cache = store::PackCache::open(&place.join("cache"), CACHE_BYTES);
        let cache = cache.map_err(|source| FlowError::Cache { source })?;
        Ok::<_, FlowError>((catalog, spool, cache))
    });
    let (catalog, spool, cache) = opened.await??;
    let fresh = ctx.with_grid(Without::new(ctx.grid.clone(), aside.clone()));
    let (spool, cache) = (Arc::new(spool), Arc::new(cache));
    Ok(Ctx { catalog, spool, cache, monitor: tally, ..fresh })
}

/// Bytes of all data packs: what a full restore reads at most.
async fn data_bytes<G: Grid>(fresh: &Ctx<G>) -> Result<u64, FlowError> {
    let catalog = fresh.catalog.clone();
    let sum = fresh.work(move || {
        let mut sum = 0;
        catalog.for_each_pack(|row| {
            let record = PackRecord::decode_stored(&row.record)?;
            if record.class() == chunker::Class::Data as u8 {
                sum += u64::from(record.meta.len);
            }
            Ok::<(), FlowError>(())
        })?;
        Ok(sum)
    });
    sum.await?
}

/// Everything at the speed of the sample. None when nothing moved: then nothing was measured.
fn estimate(wanted: u64, moved: u64, indexed: Duration, restored: Duration) -> Option<Duration> {
    let share = (moved > 0).then(|| wanted as f64 / moved as f64)?;
    // Never less than the sample itself took.
    Duration::try_from_secs_f64(restored.as_secs_f64() * share.max(1.0))
        .ok()
        .and_then(|data| data.checked_add(indexed))
}

/// What the comparison with the live files showed.
#[derive(Debug, Default)]
struct Compared {
    identical: u64,
    changed: u64,
    differing: Vec<Problem>,
}

/// A restored file that is not what it should be.
#[derive(Debug, thiserror::Error)]
#[error("The restored file differs from the live one, which looks untouched since the backup")]
struct Differs;

fn compare(files: &Path, done: &Rehearsed) -> Compared {
    let mut compared = Compared::default();
    let failed: BTreeSet<&[u8]> =
        done.report.problems.iter().map(|problem| problem.item.as_slice()).collect();
    for (rel, size, mtime) in &done.files {
        let shown = rel.join(&b'/');
        if failed.contains(shown.as_slice()) {
            continue;
        }
        let below = |base: &Path| base.join(OsStr::from_bytes(&shown));
        match live::compare(&below(files), &below(Path::new("/")), *size, *mtime) {
            Likeness::Identical => compared.identical += 1,
            Likeness::Changed => compared.changed += 1,
            Likeness::Differs => compared.differing.push(Problem::new(shown, &Differs)),
        }
    }
    compared
}

/// An empty, private place.
fn clean(place: &Path) -> Result<(), FlowError> {
    remove(place)?;
    let made = std::fs::DirBuilder::new().mode(0o700).create(place);
    made.map_err(|source| FlowError::Place { source })
}

fn remove(place: &Path) -> Result<(), FlowError> {
    match std::fs::remove_dir_all(place) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(FlowError::Place { source: error })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_restore_is_estimated_from_what_moved() {
        let secs = Duration::from_secs;
        assert_eq!(estimate(1000, 100, secs(2), secs(3)), Some(secs(32)));
        assert_eq!(estimate(10, 100, secs(2), secs(3)), Some(secs(5)), "never below the sample");
        assert_eq!(estimate(1000, 0, secs(2), secs(3)), None);
        assert_eq!(estimate(u64::MAX, 1, secs(2), Duration::MAX), None);
    }
}
