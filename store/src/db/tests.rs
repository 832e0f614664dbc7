//! Promises of the databases that both kinds share, and a trap that makes commits fail.

use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;

use super::{Db, DbAt, DbError};
use crate::schema::CATALOG;

/// From now on every transaction that enters rows in `table` fails when it commits, and not before.
pub(crate) fn set_trap(db: &Connection, table: &str) {
    let sql = format!(
        "CREATE TABLE none (x INTEGER PRIMARY KEY);
         CREATE TABLE trap (x REFERENCES none (x) DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER spring AFTER INSERT ON {table} BEGIN INSERT INTO trap VALUES (1); END;"
    );
    db.execute_batch(&sql).unwrap();
}

pub(crate) fn take_trap_away(db: &Connection) {
    db.execute_batch("DROP TRIGGER spring; DROP TABLE trap; DROP TABLE none;").unwrap();
}

/// From now on the database can have so many pages.
pub(crate) fn limit_pages(db: &Db, count: i64) {
    let conn = db.writer.lock().unwrap();
    conn.pragma_update_and_check(None, "max_page_count", count, |_| Ok(())).unwrap();
}

fn set(db: &Db, value: &str) -> Result<(), DbError> {
    db.write(|db| {
        db.execute("INSERT INTO meta VALUES (?1, X'')", [value])?;
        Ok(())
    })
}

#[test]
fn commits_are_synced_and_files_are_private() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("some.db");
    let db = Db::open(&DbAt::File(path), &CATALOG).unwrap();
    set(&db, "key").unwrap();
    for conn in [db.writer.lock().unwrap(), db.read()] {
        let text = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, String>(0));
        let number = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        assert_eq!(text("journal_mode").unwrap(), "wal");
        assert_eq!(number("synchronous").unwrap(), 2, "FULL");
    }
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn the_reader_cannot_write_and_sees_what_was_committed() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(&DbAt::File(dir.path().join("some.db")), &CATALOG).unwrap();
    set(&db, "key").unwrap();
    let reader = db.read();
    let count = |sql: &str| reader.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT COUNT(*) FROM meta"), 1);
    reader.execute("DELETE FROM meta", []).unwrap_err();
}

#[test]
fn a_full_disk_undoes_the_call_and_the_next_one_works() {
    let db = Db::open(&DbAt::Memory, &CATALOG).unwrap();
    limit_pages(&db, 1);
    let big = "x".repeat(1 << 20);
    let error = set(&db, &big).unwrap_err();
    assert!(error.is_full() && !error.is_damaged(), "{error:?}");
    assert!(!db.is_ailing(), "nothing is unknown");
    limit_pages(&db, 1 << 20);
    set(&db, &big).unwrap();
}
