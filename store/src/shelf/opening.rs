//! Opening a shelf: is this our disk, and what did the last run leave unfinished?
//!
//! The mark is a small file written when a disk is first used and remembered in the database. When
//! it is not there later, the disk is away (not mounted) and nothing is read as lost or written in
//! its place. Order of a first use: the mark's file, the mark's row, the directories; so a shelf
//! with directories whose database knows no mark means that the database was lost, which is an
//! error and not a fresh start.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use chunker::ShardId;
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, params};

use super::disks::{Disk, DiskAt, DiskNo};
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

/// Where a shelf is, and under which rules: its home and the disk there. Others are added with
/// [`Shelf::attach`].
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
        let home = DiskAt {
            medium: at.medium,
            gauge: at.gauge,
            path: at.disk_path,
            donation: at.donation,
        };
        let mark = match known_mark(&db, DiskNo::HOME)? {
            Some(mark) => mark,
            None => claim_disk(&db, Some(DiskNo::HOME), &home, at.new_mark)?.1,
        };
        let disk = Arc::new(Disk::new(DiskNo::HOME, home, mark));
        check_mark(&disk)?;
        let inner = Inner {
            db,
            disks: Mutex::new(BTreeMap::from([(DiskNo::HOME, disk.clone())])),
            claims: super::Claims::default(),
            trees: super::slices::Trees::default(),
            commits: super::Commits::default(),
            terms: Mutex::default(),
            time,
            contacts: Mutex::default(),
            ailing: AtomicBool::new(false),
        };
        let opened = clear(&inner, &disk)?;
        super::sweep::finish(&inner, &disk)?;
        Ok((Self { inner: Arc::new(inner) }, opened))
    }
}

/// Whether the disk is there and ours. The first time since it came, what an interruption left is
/// cleared up.
pub(super) fn ready(inner: &Inner, disk: &Arc<Disk>) -> Result<(), ShelfError> {
    if let Err(error) = check_mark(disk) {
        disk.went();
        return Err(error);
    }
    if disk.came()
        && let Err(error) = clear(inner, disk)
    {
        disk.went();
        return Err(error);
    }
    Ok(())
}

fn clear(inner: &Inner, disk: &Disk) -> Result<Opened, ShelfError> {
    make_dirs(&*disk.medium).map_err(failed("make a directory of"))?;
    let opened = sweep(inner, disk)?;
    disk.came();
    if opened != Opened::default() {
        tracing::info!(?opened, path = %disk.path.display(), "disk cleared up");
    }
    Ok(opened)
}

/// Whether the disk is there and ours.
pub(super) fn check_mark(disk: &Disk) -> Result<(), ShelfError> {
    match read_mark(&*disk.medium)? {
        None => Err(ShelfError::DiskAway { path: disk.path.clone() }),
        Some(found) if found == disk.mark => Ok(()),
        Some(_) => Err(ShelfError::WrongDisk { path: disk.path.clone() }),
    }
}

/// Which of our disks this is, with its mark: the one whose mark it carries, else the one that was
/// there last. None when neither is so; one with a mark we do not know is refused.
pub(super) fn recognise(db: &Db, at: &DiskAt) -> Result<Option<(DiskNo, Vec<u8>)>, ShelfError> {
    let found = read_mark(&*at.medium)?;
    let (sql, key) = match &found {
        Some(mark) => ("SELECT no, mark FROM disk WHERE mark = ?1", Value::Blob(mark.clone())),
        None => ("SELECT no, mark FROM disk WHERE path = ?1 AND no > 0", path_value(&at.path)),
    };
    let row = |row: &Row<'_>| Ok((DiskNo(row.get(0)?), row.get(1)?));
    let known = db.read().query_row(sql, [key], row).optional().map_err(DbError::from)?;
    let whole = found.as_ref().is_some_and(|mark| is_whole(mark));
    match known {
        None if whole => Err(ShelfError::WrongDisk { path: at.path.clone() }),
        known => Ok(known),
    }
}

fn path_value(path: &Path) -> Value {
    Value::Text(path.to_string_lossy().into_owned())
}

/// A mark as it is written; a crash leaves a shorter one.
fn is_whole(text: &[u8]) -> bool {
    text.len() == MARK_TEXT_LEN && text.ends_with(b"\n")
}

/// Makes an unmarked disk ours, under this number or a new one; finishes a first open that was cut
/// off.
pub(super) fn claim_disk(
    db: &Db,
    no: Option<DiskNo>,
    at: &DiskAt,
    new_mark: [u8; MARK_LEN],
) -> Result<(DiskNo, Vec<u8>), ShelfError> {
    match at.medium.list(SHARDS) {
        Ok(_) => return Err(ShelfError::ForeignShelf { path: at.path.clone() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(failed("list")(source)),
    }
    let found = read_mark(&*at.medium)?;
    let text = if let Some(text) = found.clone().filter(|text| is_whole(text)) {
        text
    } else {
        if found.is_some() {
            at.medium.remove(MARK_FILE).map_err(failed("remove"))?;
        }
        let text = mark_text(new_mark);
        at.medium.write_durable(MARK_FILE, &text).map_err(failed("mark"))?;
        text
    };
    at.medium.sync_dir(".").map_err(failed("mark"))?;
    db.write(|db| {
        // 0 is the home's own, which may come last (an old shelf's was lost).
        let next = "SELECT max(1, coalesce(max(no), 0) + 1) FROM disk";
        let no = match no {
            Some(no) => no,
            None => DiskNo(db.query_row(next, [], |row| row.get(0)).map_err(DbError::from)?),
        };
        let sql = "INSERT INTO disk (no, mark, path, shards, bytes) VALUES (?1, ?2, ?3, 0, 0)";
        db.execute(sql, params![no.0, text, path_value(&at.path)]).map_err(DbError::from)?;
        Ok((no, text))
    })
}

/// Takes our mark off a disk that has nothing of ours any more. Best effort: a mark that stays only
/// says whose the disk was.
pub(super) fn unmark(disk: &Disk) {
    if check_mark(disk).is_ok()
        && let Err(error) = disk.medium.remove(MARK_FILE)
    {
        tracing::warn!(%error, path = %disk.path.display(), "the mark stays on the disk");
    }
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

fn known_mark(db: &Db, no: DiskNo) -> Result<Option<Vec<u8>>, ShelfError> {
    let sql = "SELECT mark FROM disk WHERE no = ?1";
    Ok(db.read().query_row(sql, [no.0], |row| row.get(0)).optional().map_err(DbError::from)?)
}

fn read_mark(medium: &dyn Medium) -> Result<Option<Vec<u8>>, ShelfError> {
    match medium.read(MARK_FILE, MARK_TEXT_LEN as u64 + 1) {
        Ok(text) => Ok(Some(text.to_vec())),
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
/// synced; a file without such a row was never acknowledged. Puts may go on beside it.
fn sweep(inner: &Inner, disk: &Disk) -> Result<Opened, ShelfError> {
    let mut opened = Opened::default();
    let medium = &*disk.medium;
    for name in medium.list(INCOMING).map_err(failed("list"))? {
        let Some(shard) = our_name(&name) else {
            opened.foreign += 1;
            continue;
        };
        let _claim = inner.claims.take(shard);
        if medium.len(&incoming(shard)).map_err(failed("look at"))?.is_none() {
            // A put that was under way has moved it.
            continue;
        }
        if is_good(inner, disk, shard)? && is_the_file(medium, shard)? {
            let moved = medium.rename(&incoming(shard), &place(shard));
            moved.map_err(failed("move"))?;
            opened.adopted += 1;
        } else {
            medium.remove(&incoming(shard)).map_err(failed("remove"))?;
            opened.orphans_removed += 1;
        }
    }
    Ok(opened)
}

/// The shard of a file that we named.
pub(super) fn our_name(name: &str) -> Option<ShardId> {
    ShardId::from_str(name).ok().filter(|shard| shard.to_string() == name)
}

/// Whether the file in `incoming/` is what a good row tells of. When it is not whole, and another
/// one is in place, it was on its way to replace that one, and never acknowledged.
fn is_the_file(medium: &dyn Medium, shard: ShardId) -> Result<bool, ShelfError> {
    if medium.len(&place(shard)).map_err(failed("look at"))?.is_none() {
        return Ok(true);
    }
    let read = medium.read(&incoming(shard), MAX_SHARD_LEN as u64 + 1);
    Ok(ShardId::from(blake3::hash(&read.map_err(failed("read"))?)) == shard)
}

fn is_good(inner: &Inner, disk: &Disk, shard: ShardId) -> Result<bool, DbError> {
    let db = inner.db.read();
    let sql = "SELECT 1 FROM shard WHERE id = ?1 AND state = ?2 AND disk = ?3";
    let mut query = db.prepare_cached(sql)?;
    Ok(query.exists(params![shard.as_bytes(), FileState::Good as i64, disk.no.0])?)
}

fn failed(doing: &'static str) -> impl Fn(io::Error) -> ShelfError {
    move |source| ShelfError::Medium { doing, source }
}

impl std::fmt::Debug for ShelfAt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShelfAt").field("disk_path", &self.disk_path).finish_non_exhaustive()
    }
}
