//! The disks a shelf lies on: the home's own, and those the user added.
//!
//! Which shard is on which disk is in the home's database, so that nothing of a disk is held open
//! while nobody reads it (it can be unmounted at any time), and so that of a disk that is away it
//! is known what is on it. A shard is on exactly one disk. A disk is known by its mark, wherever it
//! is mounted; without its mark it is away, its shards are refused as such, and nothing is written
//! in its place.
//!
//! How it fails: room is looked for on every disk that is there; when none has any, the refusal
//! tells of the one that came nearest.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::error::ShelfError;
use super::opening::{self, ready};
use super::rows::{self, Known};
use super::{Inner, Shelf, Usage, lock};
use crate::donation::{Donation, Figures};
use crate::gauge::{DiskSpace, Gauge};
use crate::medium::Medium;

/// One of the shelf's disks: its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DiskNo(pub(super) i64);

impl DiskNo {
    /// The home's own.
    pub const HOME: Self = Self(0);
}

/// Whether a disk can be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is where it should be.
    Here,
    /// It is not mounted.
    Away,
    /// Another disk is in its place.
    Wrong,
}

/// One disk, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskState {
    /// Which.
    pub no: DiskNo,
    /// Where its files are, or should be.
    pub path: PathBuf,
    /// Whether it is there.
    pub presence: Presence,
    /// What is lent of it.
    pub donation: Donation,
    /// What is stored on it.
    pub usage: Usage,
    /// Of that, what nobody holds any more.
    pub quarantined: Usage,
    /// Its room; nothing while it is away.
    pub space: DiskSpace,
    /// Its split; nothing but the usage while it is away.
    pub figures: Figures,
}

/// Where a disk is, and under which rules.
#[derive(Clone)]
pub struct DiskAt {
    /// The files.
    pub medium: Arc<dyn Medium>,
    /// Measures the disk.
    pub gauge: Arc<dyn Gauge>,
    /// What it measures: the directory of the files.
    pub path: PathBuf,
    /// What is lent.
    pub donation: Donation,
}

/// A disk in use.
pub(super) struct Disk {
    pub(super) no: DiskNo,
    pub(super) medium: Arc<dyn Medium>,
    pub(super) path: PathBuf,
    /// What is in its mark's file.
    pub(super) mark: Vec<u8>,
    gauge: Arc<dyn Gauge>,
    donation: Mutex<Donation>,
    /// Bytes of files being written, not yet in the sums.
    in_flight: Mutex<u64>,
    /// Whether what an interruption left was cleared up since the disk came.
    pub(super) cleared: AtomicBool,
}

impl Disk {
    pub(super) fn new(no: DiskNo, at: DiskAt, mark: Vec<u8>) -> Self {
        Self {
            no,
            medium: at.medium,
            path: at.path,
            mark,
            gauge: at.gauge,
            donation: Mutex::new(at.donation),
            in_flight: Mutex::new(0),
            cleared: AtomicBool::new(false),
        }
    }

    pub(super) fn donation(&self) -> Donation {
        *lock(&self.donation)
    }

    fn space(&self) -> Result<DiskSpace, ShelfError> {
        self.gauge.measure(&self.path).map_err(|source| ShelfError::Gauge { source })
    }

    /// Sets room aside for a file of `len` bytes, or says why there is none. One that is `counted`
    /// replaces a lost file that is in the sums already: it needs room on the disk only.
    fn set_aside(
        self: &Arc<Self>,
        inner: &Inner,
        len: u64,
        counted: bool,
    ) -> Result<Room, ShelfError> {
        opening::check_mark(self)?;
        let mut in_flight = lock(&self.in_flight);
        let used = rows::usage_on(&inner.db.read(), self.no)?.bytes;
        let used = used.saturating_sub(if counted { len } else { 0 });
        let donation = self.donation();
        let figures = donation.figures(self.space()?, used);
        // What is being written may or may not show in the disk's free space already: counting it
        // again can only refuse too early.
        let free_bytes = figures.free_bytes.saturating_sub(*in_flight);
        if !figures.floor_ok {
            return Err(ShelfError::Floor { min_free_bytes: donation.min_free_bytes });
        }
        if len > free_bytes {
            return Err(ShelfError::Full { wanted_bytes: len, free_bytes });
        }
        *in_flight += len;
        Ok(Room { disk: Arc::clone(self), len })
    }
}

/// Room set aside on a disk; given back when the file is in the sums, or gone.
pub(super) struct Room {
    pub(super) disk: Arc<Disk>,
    len: u64,
}

impl Drop for Room {
    fn drop(&mut self) {
        *lock(&self.disk.in_flight) -= self.len;
    }
}

impl Inner {
    /// The disk of a row.
    pub(super) fn disk(&self, no: DiskNo) -> Result<Arc<Disk>, ShelfError> {
        if let Some(disk) = lock(&self.disks).get(&no) {
            return Ok(Arc::clone(disk));
        }
        let path = rows::disk_path(&self.db.read(), no)?.unwrap_or_default();
        Err(ShelfError::DiskAway { path: path.into() })
    }

    pub(super) fn all_disks(&self) -> Vec<Arc<Disk>> {
        lock(&self.disks).values().cloned().collect()
    }

    /// Room for a file of `len` bytes: in place of the lost one if there is one (two disks must
    /// never have the same shard), else where most is left.
    pub(super) fn set_aside(&self, len: u64, known: &Known) -> Result<Room, ShelfError> {
        if known.state.is_some() {
            return self.disk(known.disk)?.set_aside(self, len, true);
        }
        let mut refused: Option<ShelfError> = None;
        let mut offers = Vec::new();
        for disk in self.all_disks() {
            match disk.set_aside(self, 0, false).and_then(|_| self.left_on(&disk)) {
                Ok(left) => offers.push((left, disk)),
                Err(error) => refused = Some(nearer(refused, error)),
            }
        }
        offers.sort_by_key(|(left, disk)| (std::cmp::Reverse(*left), disk.no));
        for (_, disk) in offers {
            match disk.set_aside(self, len, false) {
                Ok(room) => return Ok(room),
                Err(error) => refused = Some(nearer(refused, error)),
            }
        }
        Err(refused.unwrap_or(ShelfError::Full { wanted_bytes: len, free_bytes: 0 }))
    }

    fn left_on(&self, disk: &Disk) -> Result<u64, ShelfError> {
        let used = rows::usage_on(&self.db.read(), disk.no)?.bytes;
        let figures = disk.donation().figures(disk.space()?, used);
        Ok(figures.free_bytes.saturating_sub(*lock(&disk.in_flight)))
    }
}

/// Of two refusals, the one that an asker can do most with.
fn nearer(one: Option<ShelfError>, other: ShelfError) -> ShelfError {
    let rank = |error: &ShelfError| match error {
        ShelfError::Full { free_bytes, .. } => (0, u64::MAX - free_bytes),
        ShelfError::Floor { .. } => (1, 0),
        ShelfError::Gauge { .. } => (2, 0),
        _ => (3, 0),
    };
    match one {
        Some(one) if rank(&one) <= rank(&other) => one,
        _ => other,
    }
}

impl Shelf {
    /// Every disk, measured now. What an interruption left on one that has just come (back) is
    /// cleared up first.
    pub fn disks(&self) -> Result<Vec<DiskState>, ShelfError> {
        self.inner.all_disks().iter().map(|disk| self.state_of(disk)).collect()
    }

    fn state_of(&self, disk: &Arc<Disk>) -> Result<DiskState, ShelfError> {
        let usage = rows::usage_on(&self.inner.db.read(), disk.no)?;
        let quarantined = rows::quarantined_on(&self.inner.db.read(), disk.no)?;
        let donation = disk.donation();
        let presence = match ready(&self.inner, disk) {
            Ok(()) => Presence::Here,
            Err(ShelfError::WrongDisk { .. }) => Presence::Wrong,
            Err(ShelfError::DiskAway { .. }) => Presence::Away,
            Err(error) if disk.no == DiskNo::HOME => return Err(error),
            Err(error) => {
                tracing::warn!(%error, path = %disk.path.display(), "disk unusable");
                Presence::Away
            }
        };
        let space = match (presence, disk.space()) {
            (Presence::Here, Ok(space)) => space,
            (Presence::Here, Err(error)) if disk.no == DiskNo::HOME => return Err(error),
            _ => DiskSpace::default(),
        };
        let figures = match presence {
            Presence::Here => donation.figures(space, usage.bytes),
            _ => Figures { used_bytes: usage.bytes, floor_ok: true, ..Figures::default() },
        };
        let (no, path) = (disk.no, disk.path.clone());
        Ok(DiskState { no, path, presence, donation, usage, quarantined, space, figures })
    }

    /// The split of all disks that are there, measured now.
    pub fn figures(&self) -> Result<Figures, ShelfError> {
        let mut sum = Figures { floor_ok: true, ..Figures::default() };
        for disk in self.disks()? {
            if disk.presence == Presence::Here {
                sum = sum.and(&disk.figures);
            }
        }
        Ok(sum)
    }

    /// What is lent of the home's disk.
    pub fn donation(&self) -> Donation {
        self.donation_of(DiskNo::HOME).unwrap_or_default()
    }

    /// What is lent of a disk; none when there is no such disk.
    pub fn donation_of(&self, no: DiskNo) -> Option<Donation> {
        lock(&self.inner.disks).get(&no).map(|disk| disk.donation())
    }

    /// Lends more or less of the home's disk from now on. What is stored stays.
    pub fn set_donation(&self, donation: Donation) {
        self.set_donation_of(DiskNo::HOME, donation);
    }

    /// Lends more or less of a disk from now on. What is stored stays.
    pub fn set_donation_of(&self, no: DiskNo, donation: Donation) {
        if let Some(disk) = lock(&self.inner.disks).get(&no) {
            *lock(&disk.donation) = donation;
        }
    }

    /// Uses a disk that is the shelf's already, whether or not it is there now: by its mark, else
    /// by where it was last.
    pub fn attach(&self, at: DiskAt) -> Result<DiskNo, ShelfError> {
        let (no, mark) = opening::recognise(&self.inner.db, &at)?
            .ok_or_else(|| ShelfError::DiskAway { path: at.path.clone() })?;
        self.enter(no, at, mark)
    }

    /// Makes a disk the shelf's, or uses it again. One that carries another shelf's mark is
    /// refused, and so is the empty place of one that is away.
    pub fn claim(
        &self,
        at: DiskAt,
        new_mark: [u8; opening::MARK_LEN],
    ) -> Result<DiskNo, ShelfError> {
        let (no, mark) = match opening::recognise(&self.inner.db, &at)? {
            Some(known) => known,
            None => opening::claim_disk(&self.inner.db, None, &at, new_mark)?,
        };
        let disk = Disk::new(no, at.clone(), mark.clone());
        opening::check_mark(&disk)?;
        self.enter(no, at, mark)
    }

    fn enter(&self, no: DiskNo, at: DiskAt, mark: Vec<u8>) -> Result<DiskNo, ShelfError> {
        rows::set_disk_path(&self.inner.db, no, &at.path)?;
        let disk = Arc::new(Disk::new(no, at, mark));
        lock(&self.inner.disks).insert(no, Arc::clone(&disk));
        match ready(&self.inner, &disk) {
            Ok(()) | Err(ShelfError::DiskAway { .. } | ShelfError::WrongDisk { .. }) => Ok(no),
            Err(error) => Err(error),
        }
    }

    /// Forgets an added disk that has no shards; false when it has some, or is the home's own. The
    /// mark goes from the disk, which is then like one that never was ours.
    pub fn detach(&self, no: DiskNo) -> Result<bool, ShelfError> {
        let disk = self.inner.disk(no)?;
        // Nobody begins to write while this is held; who has begun has room set aside.
        let in_flight = lock(&disk.in_flight);
        let used = rows::usage_on(&self.inner.db.read(), no)?.shards > 0;
        if no == DiskNo::HOME || used || *in_flight > 0 {
            return Ok(false);
        }
        lock(&self.inner.disks).remove(&no);
        *lock(&disk.donation) = Donation::default();
        opening::unmark(&disk);
        rows::drop_disk(&self.inner.db, no)?;
        Ok(true)
    }

    /// Room on the home's disk, measured now.
    pub fn space(&self) -> Result<DiskSpace, ShelfError> {
        self.inner.disk(DiskNo::HOME)?.space()
    }
}

impl Disk {
    pub(super) fn came(&self) -> bool {
        !self.cleared.swap(true, Ordering::SeqCst)
    }

    pub(super) fn went(&self) {
        self.cleared.store(false, Ordering::SeqCst);
    }
}

impl std::fmt::Debug for DiskAt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiskAt").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
impl Shelf {
    /// Whether there is room for a new file of `len` bytes.
    pub(super) fn room_for(&self, len: u64) -> Result<(), ShelfError> {
        let disk = DiskNo::HOME;
        let known = Known { state: None, len: 0, leased: false, left: false, disk };
        self.inner.set_aside(len, &known).map(drop)
    }

    /// Bytes set aside on all disks.
    pub(super) fn in_flight(&self) -> u64 {
        self.inner.all_disks().iter().map(|disk| *lock(&disk.in_flight)).sum()
    }
}
