//! Tables of both databases, as numbered migrations.
//!
//! Invariants: a database is of one kind (its application id) and one version (its user version);
//! each migration takes version n to n + 1 in one transaction together with the number, so a crash
//! leaves the old version or the new one. A migration once released is never edited. A newer
//! version is refused untouched, a database of another kind as well.

use rusqlite::{Connection, TransactionBehavior};

use crate::db::DbError;

/// One kind of database.
#[derive(Debug)]
pub(crate) struct Schema {
    /// Tells our kinds apart, in SQLite's header.
    application_id: u32,
    /// `migrations[n]` takes version n to n + 1.
    migrations: &'static [&'static str],
}

/// `host.db`: what is on the shelf, heads and invitations. FORMAT.md describes every column.
///
/// The lease is keyed owner first, so that one owner's shards are one range (for reconciling what
/// both sides believe is held), and the shard counts its leases, so that no second index is needed
/// to know that the last one went. The state columns leave room for quarantine and moves. Sums are
/// kept in the same transaction as what they sum: nothing is counted at open.
///
/// Version 3: leases end. `lease.released` has a bit for each of the owner's devices whose newest
/// retain set leaves the shard out (`device.slot` says which); a lease that all of them left out is
/// in quarantine since `left_secs` (state 1). `shard.held` counts the leases that are not.
/// `doomed` names files to remove of which no row tells any more.
///
/// Version 5: `shard_lost` finds the files that were found rotten or missing among millions of good
/// ones.
pub(crate) const HOST: Schema = Schema {
    application_id: 0x6762_6b68, // "gbkh"
    migrations: &[
        "
        CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT;
        CREATE TABLE owner (
            no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,
            shards INTEGER NOT NULL, bytes INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE shard (
            id BLOB PRIMARY KEY, len INTEGER NOT NULL, leases INTEGER NOT NULL,
            state INTEGER NOT NULL, since_secs INTEGER NOT NULL
        ) WITHOUT ROWID, STRICT;
        CREATE TABLE lease (
            owner INTEGER NOT NULL, shard BLOB NOT NULL, state INTEGER NOT NULL,
            since_secs INTEGER NOT NULL, PRIMARY KEY (owner, shard)
        ) WITHOUT ROWID, STRICT;
        CREATE TABLE total (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID, STRICT;
        INSERT INTO total VALUES ('shards', 0), ('bytes', 0), ('rotten', 0), ('missing', 0);
        CREATE TABLE head (
            owner INTEGER NOT NULL, device BLOB NOT NULL, seq BLOB NOT NULL, hash BLOB NOT NULL,
            bytes BLOB NOT NULL, since_secs INTEGER NOT NULL,
            PRIMARY KEY (owner, device, seq, hash)
        ) WITHOUT ROWID, STRICT;
        CREATE TABLE invite (
            token BLOB PRIMARY KEY, made_secs INTEGER NOT NULL, expires_secs INTEGER NOT NULL,
            spent_secs INTEGER
        ) WITHOUT ROWID, STRICT;
    ",
        "
        CREATE TABLE disk (
            no INTEGER PRIMARY KEY, mark BLOB NOT NULL UNIQUE, path TEXT NOT NULL,
            shards INTEGER NOT NULL, bytes INTEGER NOT NULL
        ) STRICT;
        INSERT INTO disk SELECT 0, m.value, '', s.value, b.value
            FROM meta m, total s, total b
            WHERE m.key = 'mark' AND s.name = 'shards' AND b.name = 'bytes';
        DELETE FROM meta WHERE key = 'mark';
        ALTER TABLE shard ADD COLUMN disk INTEGER NOT NULL DEFAULT 0;
    ",
        "
        ALTER TABLE owner ADD COLUMN contact_secs INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE owner ADD COLUMN left_shards INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE owner ADD COLUMN left_bytes INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE owner ADD COLUMN head_bytes INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE shard ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE lease ADD COLUMN released INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE lease ADD COLUMN left_secs INTEGER;
        UPDATE shard SET held = leases;
        UPDATE owner SET head_bytes =
            (SELECT COALESCE(SUM(length(bytes)), 0) FROM head WHERE head.owner = owner.no);
        CREATE INDEX lease_left ON lease (left_secs) WHERE left_secs IS NOT NULL;
        CREATE TABLE device (
            owner INTEGER NOT NULL, peer BLOB NOT NULL, slot INTEGER NOT NULL,
            contact_secs INTEGER NOT NULL, retain_secs INTEGER NOT NULL,
            PRIMARY KEY (owner, peer)
        ) WITHOUT ROWID, STRICT;
        CREATE TABLE doomed (
            disk INTEGER NOT NULL, shard BLOB NOT NULL, PRIMARY KEY (disk, shard)
        ) WITHOUT ROWID, STRICT;
        ALTER TABLE disk ADD COLUMN left_shards INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE disk ADD COLUMN left_bytes INTEGER NOT NULL DEFAULT 0;
        INSERT INTO total VALUES ('left_shards', 0), ('left_bytes', 0);
    ",
        "
        ALTER TABLE lease ADD COLUMN spare INTEGER;
        ALTER TABLE disk ADD COLUMN total_bytes INTEGER NOT NULL DEFAULT 0;
    ",
        "
        CREATE INDEX shard_lost ON shard (id) WHERE state <> 0;
    ",
    ],
};

/// `catalog.db`: the owner's own chunks, packs and snapshots; from version 2 on also what was found
/// of holders, and which shards they turned out not to have; from version 3 on also what a pack's
/// run asked of placement.
pub(crate) const CATALOG: Schema = Schema {
    application_id: 0x6762_6b63, // "gbkc"
    migrations: &[
        "
        CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT;
        CREATE TABLE pack (
            no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, state INTEGER NOT NULL,
            class INTEGER NOT NULL, healthy INTEGER NOT NULL, record BLOB NOT NULL, segment BLOB
        ) STRICT;
        CREATE INDEX pack_by_state ON pack (state, no);
        CREATE TABLE chunk (
            id BLOB PRIMARY KEY, pack INTEGER NOT NULL, block INTEGER NOT NULL,
            at INTEGER NOT NULL, len INTEGER NOT NULL
        ) WITHOUT ROWID, STRICT;
        CREATE INDEX chunk_by_pack ON chunk (pack);
        CREATE TABLE total (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID, STRICT;
        INSERT INTO total VALUES ('chunks', 0);
        CREATE TABLE snapshot (
            no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, state INTEGER NOT NULL,
            sealed BLOB NOT NULL
        ) STRICT;
    ",
        "
        CREATE TABLE holder (peer BLOB PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID, STRICT;
        CREATE TABLE gone (
            peer BLOB NOT NULL, shard BLOB NOT NULL, since_secs INTEGER NOT NULL,
            PRIMARY KEY (peer, shard)
        ) WITHOUT ROWID, STRICT;
    ",
        "ALTER TABLE pack ADD COLUMN policy BLOB",
    ],
};

/// `drive.db`: a drive's files and directories. A row is a record of the drive's.
pub(crate) const DRIVE: Schema = Schema {
    application_id: 0x6762_6b64, // "gbkd"
    migrations: &["
        CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT;
        CREATE TABLE inode (no INTEGER PRIMARY KEY, row BLOB NOT NULL) STRICT;
        CREATE TABLE entry (
            dir INTEGER NOT NULL, name BLOB NOT NULL, no INTEGER NOT NULL,
            PRIMARY KEY (dir, name)
        ) WITHOUT ROWID, STRICT;
    "],
};

/// Refuses what is not ours to change: another kind of database, or a newer version. Only reads.
pub(crate) fn check(conn: &Connection, schema: &Schema) -> Result<(), DbError> {
    let known = schema.migrations.len() as u32;
    let found: u32 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let kind: u32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    // Most programs set neither number: a new database is one that has no tables either.
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema)";
    let fresh = (kind, found) == (0, 0) && !conn.query_row(sql, [], |row| row.get(0))?;
    if kind != schema.application_id && !fresh {
        return Err(DbError::OtherKind { found: kind });
    }
    if found > known {
        return Err(DbError::NewerSchema { found, known });
    }
    Ok(())
}

/// Brings a database that passed [`check`], new or old, to the newest version.
pub(crate) fn migrate(conn: &mut Connection, schema: &Schema) -> Result<(), DbError> {
    let found: u32 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for (version, sql) in (0u32..).zip(schema.migrations).skip(found as usize) {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Somebody else may have been faster between our look and our lock.
        let now: u32 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if now == version {
            tx.execute_batch(sql)?;
            tx.pragma_update(None, "application_id", schema.application_id)?;
            tx.pragma_update(None, "user_version", version + 1)?;
            tx.commit()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
