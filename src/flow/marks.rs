//! Tags and pins: what the owner says of snapshots after they were made.
//!
//! They live in the manifest of the device that published (or adopted) the snapshot, so they come
//! back with the words; the snapshot's own record never changes. What all devices' manifests say is
//! kept here in one value beside them, so that listing snapshots reads no manifest. What this
//! device says of a snapshot goes before what others say.

use std::collections::{BTreeMap, BTreeSet};

use chunker::{PeerId, Record, SnapshotId};
use p2p::Grid;
use serde::{Deserialize, Serialize};

use crate::flow::look::{self, Listed};
use crate::flow::targets::Targets;
use crate::flow::{Ctx, FlowError, publish, recover};
use crate::vault::manifest::{Manifest, Mark, SnapshotEntry};
use crate::vault::view::{self, SnapshotSpec};

/// Local value: the marks of all devices' snapshots.
pub(crate) const MARKS: &str = "marks";
/// Tags of one snapshot at most.
pub const TAGS: usize = 64;
/// Bytes of one tag at most.
pub const TAG_LEN: usize = 128;

/// What every device says of the snapshots it names; nothing of most.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Marks {
    #[serde(rename = "d")]
    devices: BTreeMap<PeerId, BTreeMap<SnapshotId, Mark>>,
}

impl Record for Marks {
    const NAME: &'static str = "marks";
    const VERSION: u8 = 1;
    const LIMIT: usize = 256 * 1024 * 1024;
}

/// What to say of snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// These tags and no others.
    SetTags(Vec<String>),
    /// These tags besides, and those no longer.
    Tags {
        /// To add.
        add: Vec<String>,
        /// To take away.
        remove: Vec<String>,
    },
    /// Whether rules may forget it.
    Pin(bool),
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MarkReport {
    /// Snapshots that were named.
    pub named: usize,
    /// Of them, those of which something else is said now.
    pub changed: usize,
    /// Holders asked to keep the new head, and those that have it; none when nothing changed.
    pub witnesses: (usize, usize),
}

/// Says something of snapshots of this device, and publishes it. Can be dropped at any point.
pub async fn mark<G: Grid>(
    ctx: &Ctx<G>,
    specs: &[SnapshotSpec],
    change: &Change,
) -> Result<MarkReport, FlowError> {
    let targets = Targets::now(ctx);
    if targets.len() == 0 {
        return Err(FlowError::NoPeers);
    }
    check(change)?;
    recover::refresh(ctx).await?;
    publish::finish_pending(ctx, &targets).await?;
    let named = named(ctx, specs)?;
    let own: BTreeMap<SnapshotId, Vec<String>> = tags_as_made(ctx, &named)?;
    let mut report = MarkReport { named: named.len(), ..MarkReport::default() };
    let mut too_many = None;
    let revised = publish::revise(ctx, &targets, |entry| {
        let Some(own) = own.get(&entry.id) else { return false };
        let new = changed(entry, own, change);
        if new.tags.as_ref().is_some_and(|tags| tags.len() > TAGS) {
            too_many = Some(entry.id);
            return false;
        }
        let changes = new != entry.mark;
        entry.mark = new;
        report.changed += usize::from(changes);
        changes
    });
    if let Some(published) = revised.await? {
        report.witnesses = (published.asked, published.confirmed);
    }
    match too_many {
        Some(snapshot) => Err(FlowError::TooManyTags { snapshot, limit: TAGS }),
        None => Ok(report),
    }
}

/// The snapshots meant, all of this device.
fn named<G: Grid>(ctx: &Ctx<G>, specs: &[SnapshotSpec]) -> Result<BTreeSet<SnapshotId>, FlowError> {
    let all = look::snapshots(ctx)?;
    let times: Vec<_> = all.iter().map(|listed| (listed.id, listed.snapshot.time)).collect();
    let (ours, mut named) = (publish::named(ctx)?, BTreeSet::new());
    for spec in specs {
        let id = view::resolve(spec, &times)?;
        if !ours.contains(&id) {
            return Err(FlowError::OthersSnapshot { snapshot: id });
        }
        named.insert(id);
    }
    Ok(named)
}

/// The tags each was made with.
fn tags_as_made<G: Grid>(
    ctx: &Ctx<G>,
    named: &BTreeSet<SnapshotId>,
) -> Result<BTreeMap<SnapshotId, Vec<String>>, FlowError> {
    let all = look::as_made(ctx)?.into_iter();
    Ok(all
        .filter(|listed| named.contains(&listed.id))
        .map(|listed| (listed.id, listed.snapshot.tags))
        .collect())
}

fn check(change: &Change) -> Result<(), FlowError> {
    let sane = |tag: &String| !tag.is_empty() && tag.len() <= TAG_LEN && !tag.contains(',');
    let all = match change {
        Change::SetTags(tags) => tags.iter().all(sane),
        Change::Tags { add, remove } => add.iter().chain(remove).all(sane),
        Change::Pin(_) => true,
    };
    if all { Ok(()) } else { Err(FlowError::BadTag { limit: TAG_LEN }) }
}

/// What is said of a snapshot from now on. What it was made with needs not be said.
fn changed(entry: &SnapshotEntry, own: &[String], change: &Change) -> Mark {
    let before = entry.mark.tags.clone().unwrap_or_else(|| own.to_vec());
    let tags = match change {
        Change::Pin(pinned) => return Mark { pinned: *pinned, ..entry.mark.clone() },
        Change::SetTags(tags) => tags.clone(),
        Change::Tags { add, remove } => {
            before.into_iter().chain(add.clone()).filter(|tag| !remove.contains(tag)).collect()
        }
    };
    let mut once = Vec::new();
    for tag in tags {
        if !once.contains(&tag) {
            once.push(tag);
        }
    }
    let tags = (once != own).then_some(once);
    Mark { tags, pinned: entry.mark.pinned }
}

/// The value of [`MARKS`] once this manifest is its device's newest.
pub(crate) fn noted<G: Grid>(ctx: &Ctx<G>, manifest: &Manifest) -> Result<Vec<u8>, FlowError> {
    let mut marks = load(ctx)?;
    let said = manifest.snapshots.iter().filter(|entry| !entry.mark.is_nothing());
    let said: BTreeMap<_, _> = said.map(|entry| (entry.id, entry.mark.clone())).collect();
    if said.is_empty() {
        marks.devices.remove(&manifest.device);
    } else {
        marks.devices.insert(manifest.device, said);
    }
    Ok(marks.encode())
}

fn load<G: Grid>(ctx: &Ctx<G>) -> Result<Marks, FlowError> {
    match ctx.catalog.get(MARKS)? {
        Some(bytes) => Ok(Marks::decode(&bytes)?),
        None => Ok(Marks::default()),
    }
}

/// Shows snapshots as is said of them.
pub(crate) fn apply<G: Grid>(ctx: &Ctx<G>, all: &mut [Listed]) -> Result<(), FlowError> {
    let mut marks = load(ctx)?.devices;
    let ours = marks.remove(&ctx.device.peer());
    for listed in all {
        let said = ours.iter().chain(marks.values()).find_map(|said| said.get(&listed.id));
        if let Some(mark) = said {
            listed.pinned = mark.pinned;
            if let Some(tags) = &mark.tags {
                listed.snapshot.tags.clone_from(tags);
            }
        }
    }
    Ok(())
}
