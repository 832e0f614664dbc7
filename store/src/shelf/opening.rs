//! Opening a shelf: is this our disk, and what did the last run leave unfinished?
//!
//! The mark is a small file written on the first open and remembered in the database. When it is
//! not there later, the disk is away (not mounted) and nothing is read as lost or written in its
//! place. Order of a first open: the mark's file, the mark's row, the directories; so a shelf with
//! directories whose database knows no mark means that the database was lost, which is an error and
//! not a fresh start.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use chunker::ShardId;
use rusqlite::OptionalExtension;

use super::error::ShelfError;
use super::rows::FileState;
use super::{INCOMING, Inner, MAX_SHARD_LEN, SHARDS, Shelf, incoming, place};
use crate::db::{Db, DbAt, DbError};
use crate::donation::Donation;
use crate::gauge::Gauge;
use crate::medium::Medium;
use crate::schema;

/// Length of the random part of a mark, in bytes.
pub const MARK_LEN: usize = 16;

const MARK_FILE: &str = "gbak-shelf";
const MARK_PREFIX: &str = "gbak shelf 1 ";
/// Prefix, two digits a byte, newline.
const MARK_TEXT_LEN: usize = MARK_PREFIX.len() + 2 * MARK_LEN + 1;

/// Where a shelf is, and under which rules.
#[derive(Clone)]
pub struct ShelfAt {
    /// The files.
    pub medium: Arc<dyn Medium>,
    /// The facts. In memory they are gone with the last handle, and then so is the shelf.
    pub db: DbAt,
    /// What is lent.
    pub donation: Donation,
    /// Measures the disk.
    pub gauge: Arc<dyn Gauge>,
    /// What it measures: the directory of the files.
    pub disk_path: PathBuf,
    /// Random bytes that tell this disk from all others; used when the shelf is new.
    pub new_mark: [u8; MARK_LEN],
}

/// What opening found to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Opened {
    /// Files of puts that were never acknowledged, removed.
    pub orphans_removed: u64,
    /// Files of acknowledged puts, moved into place.
    pub adopted: u64,
    /// Files in `incoming/` that are not ours, left alone.
    pub foreign: u64,
}

impl Shelf {
    /// Opens a shelf or makes a new one. Takes time in proportion to the puts a crash interrupted,
    /// not to what is stored.
    pub fn open(at: ShelfAt) -> Result<(Self, Opened), ShelfError> {
        let db = Db::open(&at.db, &schema::HOST)?;
        let time = super::time::Time::load(&db.read())?;
        let inner = Inner {
            medium: at.medium,
            db,
            donation: Mutex::new(at.donation),
            terms: Mutex::default(),
            time,
            contacts: Mutex::default(),
            gauge: at.gauge,
            disk_path: at.disk_path,
            claims: super::Claims::default(),
            commits: super::Commits::default(),
            in_flight: Mutex::new(0),
            ailing: AtomicBool::new(false),
        };
        if known_mark(&inner)?.is_some() {
            check_mark(&inner)?;
        } else {
            claim_disk(&inner, at.new_mark)?;
        }
        make_dirs(&*inner.medium).map_err(failed("make a directory of"))?;
        let opened = sweep(&inner)?;
        super::sweep::finish(&inner)?;
        if opened != Opened::default() {
            tracing::info!(?opened, "shelf opened after an interruption");
        }
        Ok((Self { inner: Arc::new(inner) }, opened))
    }
}

/// Whether the disk is there and ours.
pub(super) fn check_mark(inner: &Inner) -> Result<(), ShelfError> {
    let path = || inner.disk_path.clone();
    match (known_mark(inner)?, read_mark(inner)?) {
        (_, None) => Err(ShelfError::DiskAway { path: path() }),
        (Some(known), Some(found)) if known == found => Ok(()),
        _ => Err(ShelfError::WrongDisk { path: path() }),
    }
}

/// Makes an unmarked disk ours, finishing a first open that was cut off.
fn claim_disk(inner: &Inner, new_mark: [u8; MARK_LEN]) -> Result<(), ShelfError> {
    match inner.medium.list(SHARDS) {
        Ok(_) => return Err(ShelfError::ForeignShelf { path: inner.disk_path.clone() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(failed("list")(source)),
    }
    let whole = |text: &Vec<u8>| text.len() == MARK_TEXT_LEN && text.ends_with(b"\n");
    let found = read_mark(inner)?;
    let text = if let Some(text) = found.clone().filter(whole) {
        text
    } else {
        if found.is_some() {
            inner.medium.remove(MARK_FILE).map_err(failed("remove"))?;
        }
        let text = mark_text(new_mark);
        inner.medium.write_durable(MARK_FILE, &text).map_err(failed("mark"))?;
        text
    };
    inner.medium.sync_dir(".").map_err(failed("mark"))?;
    inner.db.write(|db| {
        let sql = "INSERT INTO meta (key, value) VALUES ('mark', ?1)";
        db.execute(sql, [text]).map_err(DbError::from)?;
        Ok(())
    })
}

fn mark_text(mark: [u8; MARK_LEN]) -> Vec<u8> {
    let mut text = String::from(MARK_PREFIX);
    for byte in mark {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").unwrap_or_default();
    }
    text.push('\n');
    text.into_bytes()
}

fn known_mark(inner: &Inner) -> Result<Option<Vec<u8>>, ShelfError> {
    let db = inner.db.read();
    let sql = "SELECT value FROM meta WHERE key = 'mark'";
    Ok(db.query_row(sql, [], |row| row.get(0)).optional().map_err(DbError::from)?)
}

fn read_mark(inner: &Inner) -> Result<Option<Vec<u8>>, ShelfError> {
    match inner.medium.read(MARK_FILE, MARK_TEXT_LEN as u64 + 1) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(failed("read the mark of")(source)),
    }
}

/// All directories at once, on the disk that carries the mark: a put never makes one.
fn make_dirs(medium: &dyn Medium) -> io::Result<()> {
    medium.create_dir(INCOMING)?;
    medium.create_dir(SHARDS)?;
    for first in 0..=u8::MAX {
        medium.create_dir(&format!("{SHARDS}/{first:02x}"))?;
    }
    medium.sync_dir(SHARDS)?;
    medium.sync_dir(".")
}

/// Finishes or undoes what was in flight. A row that is good was committed after its file was
/// synced; a file without such a row was never acknowledged.
fn sweep(inner: &Inner) -> Result<Opened, ShelfError> {
    let mut opened = Opened::default();
    for name in inner.medium.list(INCOMING).map_err(failed("list"))? {
        let Some(shard) = our_name(&name) else {
            opened.foreign += 1;
            continue;
        };
        if is_good(inner, shard)? && is_the_file(inner, shard)? {
            let moved = inner.medium.rename(&incoming(shard), &place(shard));
            moved.map_err(failed("move"))?;
            opened.adopted += 1;
        } else {
            inner.medium.remove(&incoming(shard)).map_err(failed("remove"))?;
            opened.orphans_removed += 1;
        }
    }
    Ok(opened)
}

/// The shard of a file that we named.
fn our_name(name: &str) -> Option<ShardId> {
    ShardId::from_str(name).ok().filter(|shard| shard.to_string() == name)
}

/// Whether the file in `incoming/` is what a good row tells of. When it is not whole, and another
/// one is in place, it was on its way to replace that one, and never acknowledged.
fn is_the_file(inner: &Inner, shard: ShardId) -> Result<bool, ShelfError> {
    if inner.medium.len(&place(shard)).map_err(failed("look at"))?.is_none() {
        return Ok(true);
    }
    let read = inner.medium.read(&incoming(shard), MAX_SHARD_LEN as u64 + 1);
    Ok(ShardId::from(blake3::hash(&read.map_err(failed("read"))?)) == shard)
}

fn is_good(inner: &Inner, shard: ShardId) -> Result<bool, DbError> {
    let db = inner.db.read();
    let mut query = db.prepare_cached("SELECT 1 FROM shard WHERE id = ?1 AND state = ?2")?;
    let key = rusqlite::params![shard.as_bytes(), FileState::Good as i64];
    Ok(query.exists(key)?)
}

fn failed(doing: &'static str) -> impl Fn(io::Error) -> ShelfError {
    move |source| ShelfError::Medium { doing, source }
}

impl std::fmt::Debug for ShelfAt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShelfAt").field("disk_path", &self.disk_path).finish_non_exhaustive()
    }
}
