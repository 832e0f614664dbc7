//! Opening SQLite the way both databases need it, and what can go wrong with it, typed.
//!
//! Invariants: WAL with `synchronous=FULL`, so that a commit that returned survives a power cut
//! (measured: WAL with NORMAL lost every commit of the last second, FULL none). The file is 0600
//! before SQLite sees it. A database of a newer program is refused, never touched. Corruption is
//! told apart from a full disk and from everything else, because each has its own answer: rebuild,
//! wait, report. A commit that failed, other than for a full disk, may or may not be there after a
//! restart: no more writes are taken until the database is opened again ([`DbError::Ailing`]).

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use crate::schema::{self, Schema};

/// Longest wait for another connection's lock. Ours hold theirs for one commit.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Prepared statements kept per connection; the code has fewer.
const STATEMENTS: usize = 64;

/// Memory for pages, in KiB (SQLite's sign convention). With millions of randomly named rows the
/// inner pages of the trees stay in it, so that a look-up costs one read.
const CACHE_KIB: i64 = -16_384;

/// Where a database lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DbAt {
    /// In a file, made when absent.
    File(PathBuf),
    /// In memory, gone with the last handle.
    Memory,
}

/// Why a database cannot do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// Not a database, or one with broken pages or rows.
    #[error("The database is damaged")]
    Damaged {
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// A row holds what no version of the program writes there.
    #[error("The database is damaged: table {table} holds a malformed row")]
    BadRow {
        /// Which table.
        table: &'static str,
    },
    /// Written by a newer version of the program.
    #[error("The database has schema {found}; this program knows up to {known}")]
    NewerSchema {
        /// The version found.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// Another program's database, not one of ours of this kind.
    #[error("The file is a database of another kind (application id {found:#x})")]
    OtherKind {
        /// The application id found.
        found: u32,
    },
    /// No room on the disk. Nothing was changed.
    #[error("The disk with the database is full")]
    Full {
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// The file cannot be made or opened.
    #[error("Cannot open the database {}", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A commit failed before, with an outcome that only a new open can tell.
    #[error("The database takes no writes until it is opened again, because a commit failed")]
    Ailing,
    /// Anything else SQLite refuses, failed reads and writes among it.
    #[error("The database failed")]
    Sqlite {
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
}

/// What the catalog's calls fail with.
pub type CatalogError = DbError;

impl DbError {
    /// Whether the disk is full: nothing is lost, and the call can be made again once there is
    /// room.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Full { .. } => true,
            Self::Open { source, .. } => is_disk_full(source),
            _ => false,
        }
    }

    /// Whether the database's content cannot be trusted any more.
    pub fn is_damaged(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::BadRow { .. } | Self::OtherKind { .. })
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(source: rusqlite::Error) -> Self {
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { source },
            Some(ErrorCode::DiskFull) => Self::Full { source },
            None if is_unlike_ours(&source) => Self::Damaged { source },
            _ => Self::Sqlite { source },
        }
    }
}

/// Whether a value or a row is not what our tables hold: only damage makes it so.
fn is_unlike_ours(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as E;
    matches!(
        error,
        E::InvalidColumnType(..)
            | E::FromSqlConversionFailure(..)
            | E::IntegralValueOutOfRange(..)
            | E::QueryReturnedNoRows
    )
}

/// Whether the system says that there is no room: no space, or no quota.
pub(crate) fn is_disk_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// One database: a connection that writes, and one that reads without waiting for commits. In
/// memory they are the same connection.
#[derive(Debug, Clone)]
pub(crate) struct Db {
    writer: Arc<Mutex<Connection>>,
    reader: Arc<Mutex<Connection>>,
    at: DbAt,
    ailing: Arc<AtomicBool>,
}

impl Db {
    /// Opens or makes the database, and brings its schema up to date.
    pub(crate) fn open(at: &DbAt, schema: &Schema) -> Result<Self, DbError> {
        let mut writer = match at {
            DbAt::File(path) => open_file(path)?,
            DbAt::Memory => Connection::open_in_memory()?,
        };
        // Before anything is set: a file that is not ours is left as it is.
        schema::check(&writer, schema)?;
        configure(&writer)?;
        schema::migrate(&mut writer, schema)?;
        let writer = Arc::new(Mutex::new(writer));
        let reader = match at {
            DbAt::File(path) => open_reader(path)?,
            DbAt::Memory => Arc::clone(&writer),
        };
        Ok(Self { writer, reader, at: at.clone(), ailing: Arc::default() })
    }

    /// A connection of its own for who reads for long, so that nobody waits for it. In memory it is
    /// the only one.
    pub(crate) fn apart(&self) -> Result<Arc<Mutex<Connection>>, DbError> {
        match &self.at {
            DbAt::File(path) => open_reader(path),
            DbAt::Memory => Ok(Arc::clone(&self.writer)),
        }
    }

    /// The connection to read with. Never ask for a second connection while holding one.
    pub(crate) fn read(&self) -> MutexGuard<'_, Connection> {
        // A panic while it was held rolled its transaction back: the connection is sound.
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of the pages kept in memory, on connections nobody uses just now.
    pub(crate) fn rest(&self) {
        for connection in [&self.writer, &self.reader] {
            if let Ok(connection) = connection.try_lock()
                && let Err(error) = connection.release_memory()
            {
                tracing::debug!(%error, "pages are kept in memory");
            }
        }
    }

    /// Whether a commit failed with an unknown outcome.
    pub(crate) fn is_ailing(&self) -> bool {
        self.ailing.load(Ordering::SeqCst)
    }

    /// Runs `work` in one transaction, durable when this returns `Ok`, undone when it returns `Err`
    /// (but see [`Db::is_ailing`]).
    pub(crate) fn write<T, E: From<DbError>>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_ailing() {
            return Err(DbError::Ailing.into());
        }
        let tx = writer
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(DbError::from)?;
        let value = work(&tx)?;
        tx.commit().map_err(|error| {
            let error = DbError::from(error);
            // A full disk stops a commit before its last page, so it is certain not to be there.
            if !error.is_full() {
                self.ailing.store(true, Ordering::SeqCst);
            }
            error
        })?;
        Ok(value)
    }
}

fn open_reader(path: &Path) -> Result<Arc<Mutex<Connection>>, DbError> {
    let reader = open_file(path)?;
    configure(&reader)?;
    reader.pragma_update(None, "query_only", true)?;
    Ok(Arc::new(Mutex::new(reader)))
}

fn open_file(path: &Path) -> Result<Connection, DbError> {
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    made.map_err(|source| DbError::Open { path: path.to_owned(), source })?;
    Ok(Connection::open(path)?)
}

fn configure(conn: &Connection) -> Result<(), DbError> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    // A plan that may depend on the values bound is made anew for every look-up: measured, that
    // made one take 2.8 times as long.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "cache_size", CACHE_KIB)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "trusted_schema", false)?;
    // Notices broken pages when they are read instead of answering from them.
    conn.pragma_update(None, "cell_size_check", true)?;
    // A long burst grows the log; give the disk back afterwards. Bytes.
    conn.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
