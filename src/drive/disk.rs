//! One drive as a whole: the volume on this machine, the commits on the grid, and what is known of
//! both.
//!
//! A commit is an ordinary snapshot with the tag `drive:NAME`: history, audit, repair, restore and
//! recovery from the words are those of every snapshot. Files are read as they were at one moment;
//! what did not change since is clean afterwards, and once the snapshot is published with all its
//! packs placed, *proven*: only such data may be dropped here.

use std::path::Path;
use std::sync::{Arc, Mutex};

use chunker::{Code, PeerId, Record, SnapshotId};
use p2p::Grid;
use serde::{Deserialize, Serialize};
use store::{DbError, DriveStore, PackCache};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::far::Remote;
use super::lease::{self, Lease, Role};
use super::reader::Reader;
use super::tree::{Sources, TreeEntries};
use super::volume::freeze::{Frozen, Taken};
use super::volume::node::{Base, Body};
use super::volume::{Far, Figures, Now, OpenError, Volume};
use super::{import, lock};
use crate::flow::backup::{self, BackupPlan, Committed};
use crate::flow::publish::SNAPSHOT_PUBLISHED;
use crate::flow::{Ctx, FlowError, fence, look};
use crate::monitor::Tally;
use crate::vault::snapshot::Snapshot;
use crate::vault::tree::Content;

/// zstd level of a drive's data.
pub(super) const LEVEL: i32 = 3;
/// Under which the facts are kept beside the table.
const FACTS: &str = "facts";
const SETTINGS: &str = "settings";

/// Why a drive cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriveError {
    /// Its table or data.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its table.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The grid.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// Its table cannot be saved.
    #[error("The drive cannot be saved on this disk")]
    Save(#[from] rustix::io::Errno),
    /// Its settings make no sense.
    #[error("The drive's settings are damaged")]
    Damaged,
    /// Another machine writes it.
    #[error("Device {} writes the drive", by.short())]
    Held {
        /// Which.
        by: PeerId,
        /// Whether it may be taken over, if enough peers answered to say.
        ran_out: Option<bool>,
    },
    /// It may be that another machine writes it.
    #[error("Too few peers answer to say whether another machine writes the drive")]
    Unclaimed,
    /// Another machine took it over.
    #[error("Device {} took the drive over", by.short())]
    Fenced {
        /// Which.
        by: PeerId,
    },
}

/// What a drive may take. All in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriveSettings {
    /// All files together; unlimited when absent.
    #[serde(rename = "s")]
    pub size: Option<u64>,
    /// Data on this disk.
    #[serde(rename = "c")]
    pub cache: u64,
}

impl Record for DriveSettings {
    const NAME: &'static str = "drive settings";
    const VERSION: u8 = 1;
    const LIMIT: usize = 1024;
}

/// What is known of commits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The number of the last commit of this table.
    #[serde(rename = "n")]
    pub number: u64,
    /// Its snapshot.
    #[serde(rename = "i")]
    pub snapshot: Option<SnapshotId>,
    /// The last commit that is on the grid for sure.
    #[serde(rename = "p")]
    pub proven: u64,
    /// The line's last commit that this table knew; the snapshot when absent.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub tip: Option<SnapshotId>,
}

impl Facts {
    /// The line's last commit that this table is built on, or was rolled back from.
    pub fn tip(&self) -> Option<SnapshotId> {
        self.tip.or(self.snapshot)
    }
}

impl Record for Facts {
    const NAME: &'static str = "drive facts";
    const VERSION: u8 = 1;
    const LIMIT: usize = 1024;
}

/// An open drive.
pub struct Drive<G> {
    name: String,
    ctx: Ctx<G>,
    volume: Arc<Volume>,
    remote: Remote<G>,
    settings: Mutex<DriveSettings>,
    facts: Mutex<Facts>,
    /// `changes` of the volume at the last commit.
    committed: Mutex<u64>,
    /// One commit at a time.
    committing: tokio::sync::Mutex<()>,
    pub(super) lease: Mutex<Lease>,
    /// The code of its packs, where the settings ask for one.
    pub(super) code: Option<Code>,
}

impl<G> std::fmt::Debug for Drive<G> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Drive").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The tag of a drive's snapshots.
pub fn tag(name: &str) -> String {
    format!("drive:{name}")
}

/// The snapshots of a drive, oldest first.
pub fn commits<G: Grid>(ctx: &Ctx<G>, name: &str) -> Result<Vec<look::Listed>, FlowError> {
    let tag = tag(name);
    // By what each was made with: nobody moves a commit to another drive by tagging it.
    let mut all = look::as_made(ctx)?;
    all.retain(|listed| listed.snapshot.tags.contains(&tag));
    Ok(all)
}

/// Notes what a new drive may take. Blocks.
pub fn create(dir: &Path, settings: DriveSettings) -> Result<(), DriveError> {
    let store = DriveStore::open(dir)?;
    let changes = store::DriveChanges {
        settings: vec![(SETTINGS, settings.encode())],
        ..store::DriveChanges::default()
    };
    Ok(store.write(&changes)?)
}

/// What a drive may take. Blocks.
pub fn settings(dir: &Path) -> Result<DriveSettings, DriveError> {
    let store = DriveStore::open(dir)?;
    let row = store.setting(SETTINGS)?.ok_or(DriveError::Damaged)?;
    DriveSettings::decode(&row).map_err(|_unlike| DriveError::Damaged)
}

impl<G: Grid> Drive<G> {
    /// Opens the drive in `dir`. Blocks.
    pub fn open(
        dir: &Path,
        name: &str,
        ctx: Ctx<G>,
        packs: Arc<PackCache>,
        now: Now,
    ) -> Result<Self, DriveError> {
        let settings = settings(dir)?;
        let store = DriveStore::open(dir)?;
        let facts = match store.setting(FACTS)? {
            Some(row) => Facts::decode(&row).map_err(|_unlike| DriveError::Damaged)?,
            None => Facts::default(),
        };
        let epoch = fence::claim_of(&ctx, name)?.map_or(0, |mine| mine.epoch);
        let remote = Remote::new(Arc::new(Reader::new(ctx.clone(), packs)));
        let volume = Volume::open(store, Arc::new(remote.clone()), now)?;
        let volume = Arc::new(volume);
        let names = Arc::downgrade(&volume);
        remote.named_by(move |content| names.upgrade()?.path_of(content));
        volume.set_proven(facts.proven);
        volume.set_limits(settings.cache, settings.size.unwrap_or(u64::MAX));
        Ok(Self {
            name: name.to_owned(),
            ctx,
            volume,
            remote,
            settings: Mutex::new(settings),
            facts: Mutex::new(facts),
            // Whatever was not saved as committed is committed again; if nothing changed, that
            // makes no snapshot.
            committed: Mutex::new(u64::MAX),
            committing: tokio::sync::Mutex::default(),
            lease: Mutex::new(Lease::unknown(epoch)),
            code: None,
        })
    }

    /// The same with packs of this code.
    #[must_use]
    pub fn coded(self, code: Option<Code>) -> Self {
        Self { code, ..self }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn ctx(&self) -> &Ctx<G> {
        &self.ctx
    }

    /// The files.
    pub const fn volume(&self) -> &Arc<Volume> {
        &self.volume
    }

    /// What it may take.
    pub fn settings(&self) -> DriveSettings {
        *lock(&self.settings)
    }

    /// What is known of commits.
    pub fn facts(&self) -> Facts {
        *lock(&self.facts)
    }

    /// What there is, and whether it is on the grid. Looks at every file.
    pub fn figures(&self) -> Figures {
        self.volume.figures()
    }

    /// A file that could not be read from the grid and was not since, with the reason, and how many
    /// there are like it.
    pub fn trouble(&self) -> Option<String> {
        self.remote.trouble()
    }

    /// Whether a commit is being made.
    pub fn is_committing(&self) -> bool {
        self.committing.try_lock().is_err()
    }

    /// Whether the last commit is not on the grid yet.
    pub fn is_queued(&self) -> bool {
        let facts = self.facts();
        facts.proven < facts.number
    }

    /// Whether something changed since the last commit.
    pub fn is_dirty(&self) -> bool {
        *lock(&self.committed) != self.volume.changes()
    }

    /// Gives it other limits; what is absent stays. Blocks.
    pub fn resize(&self, size: Option<u64>, cache: Option<u64>) -> Result<(), DriveError> {
        let settings = {
            let mut settings = lock(&self.settings);
            settings.size = size.or(settings.size);
            settings.cache = cache.unwrap_or(settings.cache);
            *settings
        };
        self.volume.set_limits(settings.cache, settings.size.unwrap_or(u64::MAX));
        self.volume.note(SETTINGS, settings.encode());
        Ok(self.volume.save()?)
    }

    /// Takes the tree of a commit in place of the one that is here.
    pub async fn adopt(&self, id: SnapshotId, snapshot: &Snapshot) -> Result<(), DriveError> {
        let inodes = import::tree(self.remote.reader(), snapshot, &self.name).await?;
        // Rolled back, it still goes on from the line's last commit.
        let tip = lease::line(commits(&self.ctx, &self.name)?).pop().map_or(id, |tip| tip.id);
        let facts = Facts { snapshot: Some(id), tip: Some(tip), ..self.facts() };
        let volume = Arc::clone(&self.volume);
        volume.note(FACTS, facts.encode());
        self.ctx.work(move || volume.replace(inodes)).await??;
        *lock(&self.facts) = facts;
        *lock(&self.committed) = self.volume.changes();
        Ok(())
    }

    /// Makes a commit of this moment. Not cancel-safe: stop it through `cancel`.
    pub async fn commit(&self, cancel: &CancellationToken) -> Result<(), DriveError> {
        let _one = self.committing.lock().await;
        match self.role() {
            Role::Fenced { .. } => return self.keep_conflict(cancel).await,
            // Two machines' commits of one epoch would be one line.
            Role::Unconfirmed { .. } if !self.is_ours()? => return Err(DriveError::Unclaimed),
            Role::Unconfirmed { .. } | Role::Writer { .. } => {}
        }
        let volume = Arc::clone(&self.volume);
        let frozen = self.ctx.work(move || volume.freeze()).await?;
        let result = self.commit_frozen(&frozen, cancel).await;
        self.volume.thaw();
        result?;
        self.has_begun();
        self.committed_up_to(frozen.changes);
        let volume = Arc::clone(&self.volume);
        Ok(self.ctx.work(move || volume.save()).await??)
    }

    pub(super) fn committed_up_to(&self, changes: u64) {
        *lock(&self.committed) = changes;
    }

    /// Makes a snapshot of a moment.
    pub(super) async fn read(
        &self,
        frozen: &Arc<Frozen>,
        plan: &BackupPlan,
        parent: Option<(SnapshotId, Snapshot)>,
        cancel: &CancellationToken,
    ) -> Result<Committed, FlowError> {
        let sources = Sources {
            far: Arc::new(self.remote.clone()) as Arc<dyn Far>,
            held: self.held(),
            runtime: Handle::current(),
        };
        let entries = TreeEntries::new(Arc::clone(frozen), sources, &self.name);
        let volume = Arc::clone(&self.volume);
        let pulse = Tally::telling(Arc::clone(&self.ctx.monitor), move || volume.pulse());
        let ctx = self.ctx.watched_by(Arc::new(pulse));
        backup::commit(&ctx, plan, entries, parent, cancel).await
    }

    async fn commit_frozen(
        &self,
        frozen: &Arc<Frozen>,
        cancel: &CancellationToken,
    ) -> Result<(), DriveError> {
        let parent = lease::line(commits(&self.ctx, &self.name)?).pop();
        let parent = parent.map(|listed| (listed.id, listed.snapshot));
        let committed = self.read(frozen, &self.plan(), parent.clone(), cancel).await?;
        let made = committed.report.snapshot.or(parent.map(|(id, _)| id));
        // Only commits count it on, and there is one at a time.
        let number = self.facts().number + 1;
        self.volume.committed(taken(frozen, committed, number));
        self.amend(|facts| {
            *facts = Facts { number, snapshot: made, tip: made, ..*facts };
        });
        self.settle().await
    }

    /// Whether the last commit's snapshot is published.
    pub(super) fn is_published(&self) -> Result<bool, FlowError> {
        let Some(id) = self.facts().snapshot else { return Ok(true) };
        let rows = self.ctx.catalog.snapshots()?;
        Ok(rows.into_iter().any(|(one, state, _)| one == id && state == SNAPSHOT_PUBLISHED))
    }

    /// Looks whether the last commit has reached the grid before any other machine claimed the
    /// drive, or was lost on the way.
    pub async fn settle(&self) -> Result<(), DriveError> {
        let facts = self.facts();
        let Some(id) = facts.snapshot.filter(|_| facts.proven < facts.number) else {
            return Ok(());
        };
        let rows = self.ctx.catalog.snapshots().map_err(FlowError::from)?;
        match rows.into_iter().find(|(one, ..)| *one == id) {
            Some((_, SNAPSHOT_PUBLISHED, _)) => {
                if self.is_confirmed().await? {
                    // What was committed since is another matter.
                    self.amend(|now| now.proven = now.proven.max(facts.number));
                    self.volume.set_proven(self.facts().proven);
                }
            }
            Some(_) => {}
            None => {
                tracing::warn!(drive = self.name, "a commit that was queued is lost: once more");
                self.volume.uncommit();
                let tip = lease::line(commits(&self.ctx, &self.name)?).pop();
                let tip = tip.map(|listed| listed.id);
                self.amend(|now| {
                    *now = Facts { snapshot: tip, tip, proven: now.number, ..*now };
                });
            }
        }
        Ok(())
    }

    /// Changes what is known of commits, here and in the table.
    fn amend(&self, change: impl FnOnce(&mut Facts)) {
        let mut facts = lock(&self.facts);
        change(&mut facts);
        self.volume.note(FACTS, facts.encode());
    }

    fn held(&self) -> super::tree::Held {
        let catalog = self.ctx.catalog.clone();
        Arc::new(move |ids| {
            let found = catalog.find_many(ids);
            found.map_or_else(
                |_| vec![false; ids.len()],
                |found| found.iter().map(Option::is_some).collect(),
            )
        })
    }
}

/// What a commit took of each file that it read.
fn taken(frozen: &Frozen, committed: Committed, commit: u64) -> Vec<Taken> {
    let one = |(ino, content): (u64, Content)| {
        let inode = frozen.get(ino)?;
        let Body::File(data) = &inode.body else { return None };
        let (size, allocated) = (inode.attr.size, inode.weight().1);
        let base = Base { content, size, allocated, commit, of: data.changed };
        Some(Taken { ino, of: data.changed, base })
    };
    committed.made.into_iter().filter_map(one).collect()
}
