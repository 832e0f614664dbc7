//! The local tier of a drive: its table of files in one database, and their data in sparse files
//! beside it.
//!
//! ```text
//! drives/NAME/drive.db     inodes, entries of directories, settings
//! drives/NAME/data/xx/n    the bytes of file number n that are here, at their offsets
//! ```
//!
//! Invariants, which together make the drive safe to cut at any instant:
//!
//! 1. [`DriveStore::write`] is one transaction, durable when it returns: the table is always the
//!    table of some moment, never half of a change.
//! 2. Data before facts: whoever calls a file's bytes durable synced them ([`DataFile::sync`])
//!    before the table says so. What was written and not synced may be zeros after a power cut;
//!    after a crash of the program alone it is there.
//! 3. Facts before removal: a data file goes only after a table that does not name it is durable.
//!    One that no table names is found by [`DriveStore::numbers`] and removed at the next open.
//!
//! Rows are opaque bytes here: what a file is, is the drive's to say.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{Connection, OptionalExtension, params};
use rustix::fs::{FallocateFlags, fallocate};

use crate::db::{Db, DbAt, DbError};
use crate::home::make_private_dir;
use crate::schema;

/// Directories that data files are spread over, so that none grows without bounds.
const SPREAD: u64 = 256;

/// What changes in one transaction.
#[derive(Debug, Default)]
pub struct DriveChanges {
    /// Files and directories by their numbers; gone without a row.
    pub inodes: Vec<(u64, Option<Vec<u8>>)>,
    /// Entries by directory and name; gone without a number.
    pub entries: Vec<(u64, Vec<u8>, Option<u64>)>,
    /// Settings by name.
    pub settings: Vec<(&'static str, Vec<u8>)>,
}

impl DriveChanges {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.inodes.is_empty() && self.entries.is_empty() && self.settings.is_empty()
    }
}

/// One drive's table and data. Calls block and may come from any thread.
#[derive(Debug, Clone)]
pub struct DriveStore {
    db: Db,
    data: PathBuf,
}

impl DriveStore {
    /// Opens a drive in `dir`, or makes one there.
    pub fn open(dir: &Path) -> Result<Self, DbError> {
        let data = dir.join("data");
        let open = |path: PathBuf| move |source| DbError::Open { path, source };
        for dir in [dir, &data] {
            make_private_dir(dir).map_err(open(dir.to_owned()))?;
        }
        for no in 0..SPREAD {
            let dir = data.join(format!("{no:02x}"));
            make_private_dir(&dir).map_err(open(dir.clone()))?;
        }
        let db = Db::open(&DbAt::File(dir.join("drive.db")), &schema::DRIVE)?;
        let store = Self { db, data };
        store.settle(dir).map_err(open(dir.to_owned()))?;
        Ok(store)
    }

    /// Makes durable that the drive is there, and what a program that was killed wrote to it and
    /// did not sync: from now on nobody knows any more that it was not.
    fn settle(&self, dir: &Path) -> io::Result<()> {
        sync_dir(&self.data)?;
        let mut above = dir.ancestors().take(3).filter(|dir| !dir.as_os_str().is_empty());
        above.try_for_each(sync_dir)?;
        Ok(rustix::fs::syncfs(File::open(&self.data)?)?)
    }

    /// Every inode, in order of numbers.
    pub fn inodes<E: From<DbError>>(
        &self,
        mut each: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let conn = self.db.read();
        let mut query =
            conn.prepare("SELECT no, row FROM inode ORDER BY no").map_err(DbError::from)?;
        let mut rows = query.query([]).map_err(DbError::from)?;
        while let Some(row) = rows.next().map_err(DbError::from)? {
            let no: i64 = row.get(0).map_err(DbError::from)?;
            let bytes = row.get_ref(1).map_err(DbError::from)?;
            let bytes = bytes.as_blob().map_err(|_| DbError::BadRow { table: "inode" })?;
            each(no as u64, bytes)?;
        }
        Ok(())
    }

    /// Every entry, in order of directories and names.
    pub fn entries<E: From<DbError>>(
        &self,
        mut each: impl FnMut(u64, Vec<u8>, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let conn = self.db.read();
        let sql = "SELECT dir, name, no FROM entry ORDER BY dir, name";
        let mut query = conn.prepare(sql).map_err(DbError::from)?;
        let mut rows = query.query([]).map_err(DbError::from)?;
        while let Some(row) = rows.next().map_err(DbError::from)? {
            let (dir, no): (i64, i64) =
                (row.get(0).map_err(DbError::from)?, row.get(2).map_err(DbError::from)?);
            let name = row.get(1).map_err(DbError::from)?;
            each(dir as u64, name, no as u64)?;
        }
        Ok(())
    }

    /// A setting.
    pub fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, DbError> {
        let conn = self.db.read();
        let sql = "SELECT value FROM meta WHERE key = ?1";
        Ok(conn.query_row(sql, [name], |row| row.get(0)).optional()?)
    }

    /// Makes all of it, durably, or nothing.
    pub fn write(&self, changes: &DriveChanges) -> Result<(), DbError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.db.write(|conn| apply(conn, changes))
    }

    /// The directory of the data, for what is kept aside for a moment.
    pub fn dir(&self) -> &Path {
        &self.data
    }

    /// Data file `no`, made if absent.
    pub fn data(&self, no: u64) -> io::Result<DataFile> {
        let path = self.path(no);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path)?;
        let dir = path.parent().map(Path::to_owned).unwrap_or_default();
        // One that is there may have been made a moment ago, and closed before it was synced.
        Ok(DataFile { file, dir, entered: AtomicBool::new(false) })
    }

    /// Removes a data file that no durable table names; one that is not there is fine.
    pub fn remove(&self, no: u64) -> io::Result<()> {
        match std::fs::remove_file(self.path(no)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The numbers of all data files.
    pub fn numbers(&self) -> io::Result<Vec<u64>> {
        let mut all = Vec::new();
        for no in 0..SPREAD {
            for entry in std::fs::read_dir(self.data.join(format!("{no:02x}")))? {
                let name = entry?.file_name();
                all.extend(name.to_str().and_then(|name| name.parse::<u64>().ok()));
            }
        }
        Ok(all)
    }

    fn path(&self, no: u64) -> PathBuf {
        self.data.join(format!("{:02x}/{no}", no % SPREAD))
    }
}

fn apply(conn: &Connection, changes: &DriveChanges) -> Result<(), DbError> {
    let mut put = conn.prepare_cached("INSERT OR REPLACE INTO inode VALUES (?1, ?2)")?;
    let mut drop_row = conn.prepare_cached("DELETE FROM inode WHERE no = ?1")?;
    for (no, row) in &changes.inodes {
        match row {
            Some(row) => put.execute(params![*no as i64, row])?,
            None => drop_row.execute([*no as i64])?,
        };
    }
    let mut put = conn.prepare_cached("INSERT OR REPLACE INTO entry VALUES (?1, ?2, ?3)")?;
    let mut drop_row = conn.prepare_cached("DELETE FROM entry WHERE dir = ?1 AND name = ?2")?;
    for (dir, name, no) in &changes.entries {
        match no {
            Some(no) => put.execute(params![*dir as i64, name, *no as i64])?,
            None => drop_row.execute(params![*dir as i64, name])?,
        };
    }
    let mut put = conn.prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?;
    for (name, value) in &changes.settings {
        put.execute(params![name, value])?;
    }
    Ok(())
}

/// The bytes of one file that are here.
#[derive(Debug)]
pub struct DataFile {
    file: File,
    dir: PathBuf,
    /// Whether its directory is known to name it durably.
    entered: AtomicBool,
}

impl DataFile {
    /// Writes all of it. A full disk is an error before anything is acknowledged.
    pub fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, at)
    }

    /// Fills the buffer; what was never written is zeros.
    pub fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        let mut done = 0;
        while done < buffer.len() {
            let rest = buffer.get_mut(done..).unwrap_or_default();
            match self.file.read_at(rest, at + done as u64) {
                Ok(0) => {
                    rest.fill(0);
                    return Ok(());
                }
                Ok(len) => done += len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes room for a range that was never written, or not since it was punched: zeros.
    pub fn allocate(&self, at: u64, len: u64) -> io::Result<()> {
        match fallocate(&self.file, FallocateFlags::ZERO_RANGE, at, len) {
            Err(rustix::io::Errno::OPNOTSUPP) => {
                if self.file.metadata()?.len() < at.saturating_add(len) {
                    self.file.set_len(at.saturating_add(len))?;
                }
                self.zero(at, len)
            }
            done => Ok(done?),
        }
    }

    /// Cuts it off.
    pub fn cut(&self, len: u64) -> io::Result<()> {
        let now = self.file.metadata()?.len();
        if now > len { self.file.set_len(len) } else { Ok(()) }
    }

    /// Gives the disk of a range back: it reads as zeros.
    pub fn punch(&self, at: u64, len: u64) -> io::Result<()> {
        if len == 0 {
            return Ok(());
        }
        let how = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        match fallocate(&self.file, how, at, len) {
            Err(rustix::io::Errno::OPNOTSUPP) => self.zero(at, len),
            done => Ok(done?),
        }
    }

    /// Where the disk has no holes.
    fn zero(&self, at: u64, len: u64) -> io::Result<()> {
        let end = self.file.metadata()?.len().min(at.saturating_add(len));
        let zeros = vec![0; 64 * 1024];
        let mut at = at;
        while at < end {
            let step = (end - at).min(zeros.len() as u64);
            self.file.write_all_at(zeros.get(..step as usize).unwrap_or_default(), at)?;
            at += step;
        }
        Ok(())
    }

    /// Makes what was written durable, and that the file is there.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()?;
        if !self.entered.load(Ordering::Acquire) {
            sync_dir(&self.dir)?;
            self.entered.store(true, Ordering::Release);
        }
        Ok(())
    }
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests;
