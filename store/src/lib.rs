//! This machine's disk: what we hold for others, what we know of our own backups, what we lend.
//!
//! ```text
//! Home     the directory all of it lives in, its lock, how a file is written to survive a crash
//! Shelf    other members' shards: files in the donated directory, facts in `host.db`
//!   Medium   the files under the shelf (a disk, or memory with faults)
//!   Gauge    how much room the disk has (measured, or set by a test)
//!   Donation how much of that room may be taken (pure arithmetic)
//! Catalog  our own chunks, packs and snapshots in `catalog.db`: a cache, rebuildable from the grid
//! Spool    our sealed packs that wait for holders
//! PackCache  our packs and parts of them, kept to spare downloads
//! DriveStore the local tier of a drive: its table, and its data in sparse files
//! ```
//!
//! Invariants: synchronous throughout; the only room that speaks SQL; knows nothing of the network
//! or of what the bytes mean. Whatever a call acknowledged survives a power cut at the next
//! instant, and every byte is checked against its name before it is handed out.

pub mod cache;
pub mod catalog;
pub mod db;
pub mod donation;
pub mod drive;
mod files;
pub mod gauge;
pub mod home;
pub mod medium;
mod schema;
pub mod shelf;
pub mod spool;
pub mod wards;

pub use cache::PackCache;
pub use catalog::{Bulk, Catalog, ChunkAt, PackCounts, PackRow, PackState};
pub use db::{CatalogError, DbAt, DbError};
pub use donation::{CannotCarry, Donation, Figures};
pub use drive::{DataFile, DriveChanges, DriveStore};
pub use files::write_file_durable;
pub use gauge::{DiskSpace, FakeGauge, Gauge, StatvfsGauge};
pub use home::{Home, HomeError, HomeLock, make_private_dir};
pub use medium::{DiskMedium, Medium, MemMedium};
pub use shelf::{
    Contact, Damage, DiskAt, DiskNo, DiskState, HeadStored, HeldPage, InviteError, InviteRow,
    KeptHead, KeptHeads, LEASE_PAGE, LostPage, MARK_LEN, MAX_DEVICES, MAX_HEAD_LEN, MAX_SHARD_LEN,
    Mark, Movable, Opened, Presence, Recount, RecountPass, Recounted, RetainRange, Retained, Scrub,
    ScrubPass, Scrubbed, Shelf, ShelfAt, ShelfError, Stored, Swept, Terms, Usage,
};
pub use spool::{Spool, SpoolError};
pub use wards::{Wards, WardsError};
