//! Leases: what an owner still wants, how it says so, and what it can call back.
//!
//! A device says which shards it retains in a **retain set**, made at one time by its own clock and
//! sent range by range: of the owner's shards in a range, these are the ones. Each range is applied
//! whole or not at all and stands for itself, so a set that is cut off, or sent twice, leaves no
//! half state. A set older than the device's newest is refused, and so is one from the future.
//!
//! What a set leaves out is only left out by that device. When no device of the owner retains a
//! shard it goes into quarantine, where its owner still reads it and can call it back; not before
//! [`Terms::quarantine_secs`] is over are its bytes freed (`sweep.rs`). Never left out are shards
//! that came after the set was opened (by our time, as told in [`HeldPage::at_secs`]) or that are
//! younger than [`Terms::min_retention_secs`]. No key shortens any of this.
//!
//! The owner has one lease, renewed by whatever any of its devices asks. A device that was not
//! heard of for [`Terms::grace_secs`] retains nothing any more; an owner's shards go when none was.

use std::collections::BTreeMap;
use std::sync::Mutex;

use chunker::{OwnerId, PeerId, ShardId};
use rusqlite::{Connection, params};

use super::error::ShelfError;
use super::rows::{self, Usage, leases};
use super::{MAX_DEVICES, Shelf, lock};
use crate::db::DbError;

/// Most leases one range is applied to, and most that one page tells of.
pub const LEASE_PAGE: usize = 4096;
/// How far ahead of ours a device's clock may be.
const AHEAD_SECS: u64 = 24 * 3600;
/// A contact is noted once an hour: a lease is counted in days.
const CONTACT_SECS: u64 = 3600;
/// Owners and devices whose last contact is remembered, to spare writes.
const CONTACTS: usize = 4096;

const DAY: u64 = 24 * 3600;

/// For how long a holder keeps what, at least. In seconds of its own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Between the last device's release of a shard and the end of its bytes.
    pub quarantine_secs: u64,
    /// Between a shard's arrival and the first retain set that can leave it out.
    pub min_retention_secs: u64,
    /// Between an owner's last contact and the end of its lease.
    pub grace_secs: u64,
}

impl Default for Terms {
    fn default() -> Self {
        Self { quarantine_secs: 7 * DAY, min_retention_secs: 0, grace_secs: 90 * DAY }
    }
}

/// What a device's retain set does to one shard that is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The device retains it.
    Held,
    /// The device left it out, another one retains it.
    Released,
    /// In quarantine.
    Left,
}

/// Some of an owner's shards, ordered by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPage {
    /// Our time.
    pub at_secs: u64,
    /// Which, and how they stand with the device that asks.
    pub shards: Vec<(ShardId, Mark)>,
    /// Whether there are more after the last one.
    pub more: bool,
}

/// A part of a retain set: of the shards in a range, these are retained.
#[derive(Debug, Clone, Copy)]
pub struct RetainRange<'a> {
    /// When the set was made, by the device's clock.
    pub made_secs: u64,
    /// When it was opened, by ours: what came since stays.
    pub at_secs: u64,
    /// The range's first name.
    pub from: ShardId,
    /// The name after its last; none for all that follow.
    pub to: Option<ShardId>,
    /// What is retained, strictly ascending, within the range.
    pub shards: &'a [ShardId],
}

/// What a range did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retained {
    /// Retained and here.
    pub kept: u32,
    /// Of those, the ones that were in quarantine.
    pub back: u32,
    /// Left out, still retained by another device.
    pub released: u32,
    /// Left out by all: in quarantine now.
    pub left: u32,
    /// Not retained, but too young to go.
    pub young: u32,
    /// Retained, but not here.
    pub unknown: u32,
    /// How far the range was applied: not from this name on.
    pub next: Option<ShardId>,
}

/// Who was heard of, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contact {
    /// Whose device.
    pub owner: OwnerId,
    /// Which.
    pub device: PeerId,
    /// Whether it wants something kept, or only asks.
    pub writes: bool,
}

/// When each contact was last noted.
pub(super) type Contacts = Mutex<BTreeMap<Contact, u64>>;

impl Shelf {
    /// For how long things are kept.
    pub fn terms(&self) -> Terms {
        *lock(&self.inner.terms)
    }

    /// Keeps things so long from now on, also what is here.
    pub fn set_terms(&self, terms: Terms) {
        *lock(&self.inner.terms) = terms;
    }

    /// What nobody holds any more but is still here; part of [`Shelf::usage`].
    pub fn quarantined(&self) -> Result<Usage, ShelfError> {
        Ok(rows::quarantined(&self.inner.db.read())?)
    }

    /// What one owner has in quarantine; not part of [`Shelf::usage_of`].
    pub fn quarantined_of(&self, owner: OwnerId) -> Result<Usage, ShelfError> {
        Ok(rows::quarantined_of(&self.inner.db.read(), owner)?)
    }

    /// Whether a contact of this device has to be noted with [`Shelf::contact`]. Cheap.
    pub fn contact_due(&self, from: Contact, now_secs: u64) -> bool {
        let noted = lock(&self.inner.contacts).get(&from).copied();
        noted.is_none_or(|noted| now_secs.abs_diff(noted) >= CONTACT_SECS)
    }

    /// Renews the owner's lease. From a device that writes on, its word counts: until it leaves a
    /// shard out, or was silent for the grace, the shard stays.
    pub fn contact(&self, from: Contact, now_secs: u64) -> Result<(), ShelfError> {
        self.check_well()?;
        let at = self.inner.time.at(now_secs);
        let Contact { owner, device, writes } = from;
        self.inner.db.write(|db| {
            self.inner.time.save(db)?;
            if writes {
                let owner = rows::owner_no(db, owner)?;
                device_row(db, owner, device, at)?;
                touch(db, owner, at)?;
            } else if let Some(owner) = rows::known_owner(db, owner)? {
                let sql = "UPDATE device SET contact_secs = ?3 WHERE owner = ?1 AND peer = ?2";
                let values = params![owner, device.as_bytes(), at as i64];
                let mut update = db.prepare_cached(sql).map_err(DbError::from)?;
                update.execute(values).map_err(DbError::from)?;
                touch(db, owner, at)?;
            }
            Ok::<(), ShelfError>(())
        })?;
        let mut contacts = lock(&self.inner.contacts);
        if contacts.len() >= CONTACTS {
            contacts.clear();
        }
        contacts.insert(from, now_secs);
        Ok(())
    }

    /// Shards of an owner from a name on, as they stand with one of its devices.
    pub fn held(
        &self,
        owner: OwnerId,
        device: PeerId,
        from: ShardId,
        now_secs: u64,
    ) -> Result<HeldPage, ShelfError> {
        let at_secs = self.inner.time.at(now_secs);
        let db = self.inner.db.read();
        let nothing = HeldPage { at_secs, shards: Vec::new(), more: false };
        let Some(owner) = rows::known_owner(&db, owner)? else { return Ok(nothing) };
        let devices = leases::devices(&db, owner)?;
        let bit = devices.iter().find(|row| row.peer == device).map_or(0, leases::DeviceRow::bit);
        let mut found = leases::range(&db, owner, (from, None), LEASE_PAGE + 1)?;
        let more = found.len() > LEASE_PAGE;
        found.truncate(LEASE_PAGE);
        let mark = |lease: &leases::LeaseRow| match lease {
            lease if lease.left => Mark::Left,
            lease if lease.released & bit != 0 => Mark::Released,
            _ => Mark::Held,
        };
        let shards = found.iter().map(|lease| (lease.shard, mark(lease))).collect();
        Ok(HeldPage { at_secs, shards, more })
    }

    /// Applies a range of a device's retain set, or as much of it as is done at a time.
    pub fn retain(
        &self,
        owner: OwnerId,
        device: PeerId,
        range: RetainRange<'_>,
        now_secs: u64,
    ) -> Result<Retained, ShelfError> {
        check(&range)?;
        self.check_well()?;
        let at = self.inner.time.at(now_secs);
        if range.made_secs > at.max(now_secs).saturating_add(AHEAD_SECS) {
            return Err(ShelfError::FutureSet { now_secs: at });
        }
        let terms = self.terms();
        self.inner.db.write(|db| {
            self.inner.time.save(db)?;
            let owner = rows::owner_no(db, owner)?;
            let mut device = device_row(db, owner, device, at)?;
            if range.made_secs < device.retain_secs {
                return Err(ShelfError::StaleSet { newest_secs: device.retain_secs });
            }
            device.retain_secs = range.made_secs;
            leases::put_device(db, owner, &device)?;
            touch(db, owner, at)?;
            let live = live(&leases::devices(db, owner)?, terms, at);
            Ok(Retaining { db, owner, bit: device.bit(), live, terms, at }.apply(&range)?)
        })
    }

    /// Takes these out of quarantine, and says which are held now.
    pub fn call_back(
        &self,
        owner: OwnerId,
        device: PeerId,
        shards: &[ShardId],
        now_secs: u64,
    ) -> Result<Vec<bool>, ShelfError> {
        self.check_well()?;
        let at = self.inner.time.at(now_secs);
        self.inner.db.write(|db| {
            self.inner.time.save(db)?;
            let Some(owner) = rows::known_owner(db, owner)? else {
                return Ok(vec![false; shards.len()]);
            };
            device_row(db, owner, device, at)?;
            touch(db, owner, at)?;
            let mut held = Vec::new();
            for shard in shards {
                let lease = leases::one(db, owner, *shard)?;
                match lease {
                    Some(lease) if lease.left => leases::call_back(db, owner, *shard)?,
                    Some(lease) if lease.released != 0 => {
                        leases::set_released(db, owner, *shard, 0)?;
                    }
                    _ => {}
                }
                held.push(lease.is_some());
            }
            Ok(held)
        })
    }
}

fn check(range: &RetainRange<'_>) -> Result<(), ShelfError> {
    let RetainRange { from, to, shards, .. } = range;
    if shards.len() > LEASE_PAGE {
        return Err(ShelfError::TooLarge { len: shards.len(), limit: LEASE_PAGE });
    }
    let ascending = shards.is_sorted_by(|one, next| one < next);
    let within = shards.first().is_none_or(|first| first >= from)
        && shards.last().is_none_or(|last| to.is_none_or(|to| *last < to));
    if ascending && within { Ok(()) } else { Err(ShelfError::Unordered) }
}

/// Renews an owner's lease.
pub(super) fn touch(db: &Connection, owner: i64, at: u64) -> Result<(), DbError> {
    db.prepare_cached("UPDATE owner SET contact_secs = ?2 WHERE no = ?1")?
        .execute([owner, at as i64])?;
    Ok(())
}

/// The device as it is known, noted as heard of now; a new one gets the lowest free slot.
pub(super) fn device_row(
    db: &Connection,
    owner: i64,
    peer: PeerId,
    at: u64,
) -> Result<leases::DeviceRow, ShelfError> {
    let known = leases::devices(db, owner)?;
    let row = if let Some(row) = known.iter().find(|row| row.peer == peer) {
        leases::DeviceRow { contact_secs: at, ..row.clone() }
    } else {
        let free = (0..MAX_DEVICES as u8).find(|slot| known.iter().all(|row| row.slot != *slot));
        let slot = free.ok_or(ShelfError::TooManyDevices { limit: MAX_DEVICES })?;
        leases::DeviceRow { peer, slot, contact_secs: at, retain_secs: 0 }
    };
    leases::put_device(db, owner, &row)?;
    Ok(row)
}

/// The bits of the devices whose word counts: those heard of within the grace.
pub(super) fn live(devices: &[leases::DeviceRow], terms: Terms, at: u64) -> i64 {
    let alive = |row: &&leases::DeviceRow| row.contact_secs.saturating_add(terms.grace_secs) > at;
    devices.iter().filter(alive).fold(0, |bits, row| bits | row.bit())
}

/// One device's set being applied.
struct Retaining<'a> {
    db: &'a Connection,
    owner: i64,
    bit: i64,
    live: i64,
    terms: Terms,
    at: u64,
}

impl Retaining<'_> {
    fn apply(&self, range: &RetainRange<'_>) -> Result<Retained, DbError> {
        let limit = LEASE_PAGE + 1;
        let mut here = leases::range(self.db, self.owner, (range.from, range.to), limit)?;
        let mut done = Retained::default();
        if here.len() == limit {
            done.next = here.pop().map(|lease| lease.shard);
        }
        let within = |shard: &&ShardId| done.next.is_none_or(|next| **shard < next);
        let named: Vec<ShardId> = range.shards.iter().take_while(within).copied().collect();
        let mut wanted = named.iter().peekable();
        for lease in &here {
            while wanted.next_if(|shard| **shard < lease.shard).is_some() {
                done.unknown += 1;
            }
            if wanted.next_if(|shard| **shard == lease.shard).is_some() {
                self.keep(lease, &mut done)?;
            } else {
                self.release(lease, range.at_secs, &mut done)?;
            }
        }
        done.unknown += wanted.count() as u32;
        Ok(done)
    }

    fn keep(&self, lease: &leases::LeaseRow, done: &mut Retained) -> Result<(), DbError> {
        done.kept += 1;
        if lease.left {
            done.back += 1;
            leases::call_back(self.db, self.owner, lease.shard)
        } else if lease.released & self.bit != 0 {
            let released = lease.released & !self.bit;
            leases::set_released(self.db, self.owner, lease.shard, released)
        } else {
            Ok(())
        }
    }

    fn release(
        &self,
        lease: &leases::LeaseRow,
        opened_secs: u64,
        done: &mut Retained,
    ) -> Result<(), DbError> {
        if lease.left {
            return Ok(());
        }
        // By our own stamps alone, whatever the device says the time is.
        let old_enough = lease.since_secs.saturating_add(self.terms.min_retention_secs) <= self.at;
        if lease.since_secs >= opened_secs || !old_enough {
            done.young += 1;
            return Ok(());
        }
        let released = lease.released | self.bit;
        leases::set_released(self.db, self.owner, lease.shard, released)?;
        if released & self.live == self.live {
            done.left += 1;
            leases::leave(self.db, self.owner, lease.shard, self.at)
        } else {
            done.released += 1;
            Ok(())
        }
    }
}
