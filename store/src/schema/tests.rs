//! Every version of both databases that was ever released opens, with what was in it.
//!
//! `fixtures/<kind>-<version>.sql` is a database of that version with a row in every table. A
//! fixture is never edited: whoever adds a migration adds a fixture of the version it makes.

use std::path::Path;

use chunker::{ChunkId, OwnerId, PackId, PeerId, ShardId, SnapshotId};
use rusqlite::Connection;

use super::{CATALOG, HOST, Schema};
use crate::db::{Db, DbAt, DbError};
use crate::{Catalog, Donation, FakeGauge, MemMedium, PackState, Shelf, ShelfAt, Usage};

/// Databases as each version made them. The version is the place in the list, counted from 1.
const HOST_FIXTURES: &[&str] = &[
    include_str!("fixtures/host-1.sql"),
    include_str!("fixtures/host-2.sql"),
    include_str!("fixtures/host-3.sql"),
    include_str!("fixtures/host-4.sql"),
    include_str!("fixtures/host-5.sql"),
];
const CATALOG_FIXTURES: &[&str] = &[
    include_str!("fixtures/catalog-1.sql"),
    include_str!("fixtures/catalog-2.sql"),
    include_str!("fixtures/catalog-3.sql"),
];

fn restore(sql: &str, path: &Path) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

fn numbers(path: &Path) -> (u32, u32) {
    let db = Connection::open(path).unwrap();
    let get = |name| db.pragma_query_value(None, name, |row| row.get(0)).unwrap();
    (get("application_id"), get("user_version"))
}

/// The tables as SQLite has them, with the spacing of whoever wrote them evened out.
fn tables(db: &Connection) -> Vec<String> {
    let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
    let mut query = db.prepare(sql).unwrap();
    let texts = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
    texts.map(|text| text.unwrap().split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn every_version_has_a_fixture_of_its_own() {
    for (schema, fixtures) in [(&HOST, HOST_FIXTURES), (&CATALOG, CATALOG_FIXTURES)] {
        assert_eq!(fixtures.len(), schema.migrations.len(), "one fixture a version");
        for (version, sql) in (1..).zip(fixtures) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("old.db");
            restore(sql, &path);
            assert_eq!(numbers(&path), (schema.application_id, version));
        }
    }
}

#[test]
fn a_released_migration_was_not_edited() {
    for (schema, fixtures) in [(&HOST, HOST_FIXTURES), (&CATALOG, CATALOG_FIXTURES)] {
        let ours = Connection::open_in_memory().unwrap();
        for (migration, fixture) in schema.migrations.iter().zip(fixtures) {
            let theirs = Connection::open_in_memory().unwrap();
            ours.execute_batch(migration).unwrap();
            theirs.execute_batch(fixture).unwrap();
            assert_eq!(tables(&ours), tables(&theirs));
        }
    }
}

#[test]
fn an_old_host_database_opens_with_everything_in_it() {
    for sql in HOST_FIXTURES {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("host.db");
        restore(sql, &path);
        let medium = MemMedium::new();
        let mark = format!("gbak shelf 1 {}\n", "07".repeat(16));
        crate::Medium::write_durable(&medium, "gbak-shelf", mark.as_bytes()).unwrap();
        let (shelf, _) = Shelf::open(ShelfAt {
            medium: std::sync::Arc::new(medium),
            db: DbAt::File(path.clone()),
            donation: Donation::default(),
            gauge: std::sync::Arc::new(FakeGauge::default()),
            disk_path: dir.path().to_owned(),
            new_mark: [0; 16],
        })
        .unwrap();
        let owner = OwnerId::from_bytes([1; 32]);
        assert_eq!(shelf.usage().unwrap(), Usage { shards: 1, bytes: 5 });
        assert_eq!(shelf.usage_of(owner).unwrap(), Usage { shards: 1, bytes: 5 });
        let shard = blake3::hash(b"shard").into();
        assert_eq!(shelf.have(owner, &[shard]).unwrap(), [true]);
        assert_eq!(shelf.heads(owner).unwrap(), [b"head"]);
        let invites = shelf.invites().unwrap();
        assert_eq!((invites[0].expires_secs, invites[0].spent_secs), (200, Some(150)));
        assert_eq!(numbers(&path), (HOST.application_id, HOST.migrations.len() as u32));
    }
}

#[test]
fn an_old_catalog_opens_with_everything_in_it() {
    for (version, sql) in (1..).zip(CATALOG_FIXTURES) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("catalog.db");
        restore(sql, &path);
        let catalog = Catalog::open(&path).unwrap();
        let pack = PackId::from_bytes([1; 32]);
        let at = catalog.find(&ChunkId::from_bytes([2; 32])).unwrap().unwrap();
        assert_eq!((at.pack, at.block, at.offset, at.len), (pack, 3, 4, 5));
        let row = catalog.pack_row(&pack).unwrap().unwrap();
        assert_eq!((row.state, row.class, row.healthy), (PackState::Indexed, 1, true));
        assert_eq!((row.record, row.segment), (b"record".to_vec(), Some([3; 32])));
        let snapshot = (SnapshotId::from_bytes([4; 32]), 1, b"sealed".to_vec());
        assert_eq!(catalog.snapshots().unwrap(), [snapshot]);
        assert_eq!(catalog.get("key").unwrap(), Some(b"value".to_vec()));
        assert_eq!(catalog.chunk_count().unwrap(), 1);
        let (holder, shard) = (PeerId::from_bytes([5; 32]), ShardId::from_bytes([6; 32]));
        let (holders, gone) = match version {
            1 => (vec![], vec![]),
            _ => (vec![(holder, b"holder".to_vec())], vec![(holder, shard)]),
        };
        assert_eq!((catalog.holders().unwrap(), catalog.gone().unwrap()), (holders, gone));
        assert_eq!(numbers(&path), (CATALOG.application_id, CATALOG.migrations.len() as u32));
    }
}

/// Opens what `sql` makes, and shows that a refusal leaves every byte as it was.
fn refused(sql: &str, schema: &Schema) -> DbError {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("some.db");
    restore(sql, &path);
    let before = std::fs::read(&path).unwrap();
    let error = Db::open(&DbAt::File(path.clone()), schema).unwrap_err();
    assert_eq!(std::fs::read(&path).unwrap(), before, "touched");
    error
}

#[test]
fn a_newer_version_is_refused_untouched() {
    for (schema, fixtures) in [(&HOST, HOST_FIXTURES), (&CATALOG, CATALOG_FIXTURES)] {
        let known = schema.migrations.len() as u32;
        let newest = fixtures.last().unwrap();
        let error = refused(&format!("{newest}; PRAGMA user_version = {};", known + 1), schema);
        let expected = known + 1;
        assert!(matches!(error, DbError::NewerSchema { found, known: k }
            if found == expected && k == known));
        assert!(!error.is_damaged(), "a newer program's data is no reason to discard it");
    }
}

#[test]
fn another_kind_of_database_is_refused_untouched() {
    let host = HOST_FIXTURES.last().unwrap();
    let error = refused(host, &CATALOG);
    assert!(matches!(error, DbError::OtherKind { found } if found == HOST.application_id));
    // A program that sets neither number, as most do.
    let error = refused("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1);", &CATALOG);
    assert!(matches!(error, DbError::OtherKind { found: 0 }));
}

#[test]
fn a_migration_that_fails_leaves_the_old_version() {
    const BROKEN: Schema = Schema {
        application_id: CATALOG.application_id,
        migrations: &["CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE a (x)"],
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("some.db");
    Db::open(&DbAt::File(path.clone()), &BROKEN).unwrap_err();
    assert_eq!(numbers(&path), (BROKEN.application_id, 1));
    let names = tables(&Connection::open(&path).unwrap());
    assert_eq!(names, ["CREATE TABLE a (x)"]);
}

#[test]
fn two_programs_that_open_at_once_migrate_once() {
    const OLD: Schema = Schema { application_id: 7, migrations: &["CREATE TABLE a (x)"] };
    const NEW: Schema =
        Schema { application_id: 7, migrations: &["CREATE TABLE a (x)", "CREATE TABLE b (x)"] };
    let dir = tempfile::tempdir().unwrap();
    let at = DbAt::File(dir.path().join("some.db"));
    let _old = Db::open(&at, &OLD).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| Db::open(&at, &NEW).unwrap());
        }
    });
}
