//! Promises of the catalog.

use std::path::{Path, PathBuf};

use chunker::{ChunkId, PackId, PeerId, ShardId, SnapshotId};
use tempfile::TempDir;

use super::{Catalog, ChunkAt, PackCounts, PackState};
use crate::CatalogError;

fn chunk(n: u16) -> ChunkId {
    let mut bytes = [0; 32];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    ChunkId::from_bytes(bytes)
}

fn pack(n: u8) -> PackId {
    PackId::from_bytes([n; 32])
}

fn snapshot(n: u8) -> SnapshotId {
    SnapshotId::from_bytes([n; 32])
}

/// Enters pack `n` with these chunks, each at an offset that tells which pack it came from.
fn add(catalog: &Catalog, n: u8, chunks: &[u16]) {
    let chunks: Vec<_> =
        chunks.iter().map(|c| (chunk(*c), 0, 1000 * u32::from(n) + u32::from(*c), 7)).collect();
    catalog.add_pack(&pack(n), PackState::Queued, 2, &[n], &chunks).unwrap();
}

fn found_in(catalog: &Catalog, c: u16) -> Option<PackId> {
    catalog.find_sound(&chunk(c)).unwrap().map(|at| at.pack)
}

fn on_disk() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog.db");
    (dir, path)
}

#[test]
fn what_was_entered_is_found_also_after_a_restart() {
    let (_dir, path) = on_disk();
    let catalog = Catalog::open(&path).unwrap();
    add(&catalog, 1, &[10, 11]);
    catalog.put_snapshot(&snapshot(1), 1, b"sealed").unwrap();
    catalog.set("head", b"7").unwrap();
    for catalog in [catalog.clone(), Catalog::open(&path).unwrap()] {
        let at = ChunkAt { pack: pack(1), block: 0, offset: 1011, len: 7 };
        assert_eq!(catalog.find(&chunk(11)).unwrap(), Some(at));
        let many = catalog.find_many(&[chunk(11), chunk(12), chunk(10)]).unwrap();
        assert_eq!(many.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(catalog.chunk_count().unwrap(), 2);
        assert_eq!(catalog.pack(&pack(1)).unwrap(), Some((PackState::Queued, vec![1])));
        assert_eq!(catalog.pack(&pack(2)).unwrap(), None);
        assert_eq!(catalog.snapshots().unwrap(), [(snapshot(1), 1, b"sealed".to_vec())]);
        assert_eq!(catalog.get("head").unwrap(), Some(b"7".to_vec()));
        assert_eq!(catalog.get("tail").unwrap(), None);
    }
}

#[test]
fn a_chunk_is_built_upon_only_through_a_healthy_pack_and_read_through_any() {
    let catalog = Catalog::memory().unwrap();
    add(&catalog, 1, &[10]);
    assert!(catalog.set_healthy(&pack(1), false).unwrap());
    assert_eq!(found_in(&catalog, 10), None);
    assert!(catalog.find(&chunk(10)).unwrap().is_some());
    assert!(catalog.find_many(&[chunk(10)]).unwrap()[0].is_some());
    assert!(!catalog.pack_row(&pack(1)).unwrap().unwrap().healthy);
    assert!(catalog.set_healthy(&pack(1), true).unwrap());
    assert_eq!(found_in(&catalog, 10), Some(pack(1)));
    assert!(!catalog.set_healthy(&pack(9), false).unwrap());
}

#[test]
fn a_look_up_is_planned_once_however_often_it_is_made() {
    let catalog = Catalog::memory().unwrap();
    add(&catalog, 1, &[10]);
    let db = catalog.db.read();
    for id in [10, 11, 10, 12] {
        // Taken from the cache each time, as look-ups do: giving it back clears what was bound.
        let mut query = db.prepare_cached(super::rows::FIND).unwrap();
        query.query([chunk(id).as_bytes()]).unwrap().next().unwrap();
        assert_eq!(query.get_status(rusqlite::StatementStatus::RePrepare), 0);
    }
}

#[test]
fn the_first_healthy_pack_keeps_a_chunk() {
    let catalog = Catalog::memory().unwrap();
    add(&catalog, 1, &[10, 11]);
    add(&catalog, 2, &[10, 12]);
    assert_eq!(found_in(&catalog, 10), Some(pack(1)));
    assert_eq!(catalog.chunk_count().unwrap(), 3);
    // The first one fails: only a pack that brings the chunk from then on takes it over.
    catalog.set_healthy(&pack(1), false).unwrap();
    assert_eq!(found_in(&catalog, 10), None);
    add(&catalog, 3, &[10]);
    assert_eq!(catalog.find(&chunk(10)).unwrap().unwrap().offset, 3010);
    assert_eq!(found_in(&catalog, 11), None);
    // It is well again, but the chunk has its new place.
    catalog.set_healthy(&pack(1), true).unwrap();
    assert_eq!((found_in(&catalog, 10), found_in(&catalog, 11)), (Some(pack(3)), Some(pack(1))));
    assert_eq!(catalog.chunk_count().unwrap(), 3);
}

#[test]
fn a_known_pack_stays_as_it_is() {
    let catalog = Catalog::memory().unwrap();
    add(&catalog, 1, &[10]);
    catalog.set_pack(&pack(1), PackState::Placed, b"placed").unwrap();
    add(&catalog, 1, &[10, 11]);
    assert_eq!(catalog.pack(&pack(1)).unwrap(), Some((PackState::Placed, b"placed".to_vec())));
    assert_eq!((found_in(&catalog, 11), catalog.chunk_count().unwrap()), (Some(pack(1)), 2));
}

#[test]
fn dropping_a_pack_drops_what_is_found_through_it_and_nothing_else() {
    let catalog = Catalog::memory().unwrap();
    add(&catalog, 1, &[10, 11]);
    add(&catalog, 2, &[11, 12]);
    assert!(catalog.drop_pack(&pack(1)).unwrap());
    assert!(!catalog.drop_pack(&pack(1)).unwrap());
    assert_eq!(catalog.pack(&pack(1)).unwrap(), None);
    assert_eq!([10, 11, 12].map(|c| found_in(&catalog, c)), [None, None, Some(pack(2))]);
    assert_eq!(catalog.chunk_count().unwrap(), 1);
    // Its number is not taken over by chunks of another pack.
    add(&catalog, 3, &[10]);
    assert_eq!(found_in(&catalog, 10), Some(pack(3)));
}

#[test]
fn packs_go_from_queued_to_placed_to_indexed() {
    let catalog = Catalog::memory().unwrap();
    for n in [3, 1, 2] {
        add(&catalog, n, &[]);
    }
    assert!(catalog.set_pack(&pack(1), PackState::Placed, b"a").unwrap());
    assert!(catalog.set_pack(&pack(2), PackState::Placed, b"b").unwrap());
    assert!(!catalog.set_pack(&pack(9), PackState::Placed, b"x").unwrap());
    let placed = [(pack(1), b"a".to_vec()), (pack(2), b"b".to_vec())];
    assert_eq!(catalog.packs_in(PackState::Placed).unwrap(), placed);
    assert_eq!(catalog.packs_in(PackState::Queued).unwrap(), [(pack(3), vec![3])]);
    catalog.mark_indexed(&[pack(1), pack(9)], &[8; 32]).unwrap();
    let counts = [(PackState::Queued, 1), (PackState::Placed, 1), (PackState::Indexed, 1)];
    assert_eq!(catalog.pack_count().unwrap(), PackCounts::from(counts));
    let row = catalog.pack_row(&pack(1)).unwrap().unwrap();
    assert_eq!((row.state, row.segment, row.class), (PackState::Indexed, Some([8; 32]), 2));
    assert_eq!(catalog.packs_of(2).unwrap(), [pack(3), pack(1), pack(2)]);
    assert_eq!(catalog.packs_of(3).unwrap(), []);
    assert_eq!(row.record, b"a", "the record is the caller's");
    assert_eq!(catalog.pack_row(&pack(2)).unwrap().unwrap().segment, None);
}

#[test]
fn a_bulk_happens_as_a_whole_or_not_at_all() {
    let (_dir, path) = on_disk();
    let catalog = Catalog::open(&path).unwrap();
    add(&catalog, 1, &[10]);
    let failed: Result<(), _> = catalog.bulk(|bulk| {
        bulk.add_pack(&pack(2), PackState::Queued, 0, b"", &[(chunk(20), 0, 0, 1)])?;
        bulk.drop_pack(&pack(1))?;
        bulk.set("key", b"value")?;
        bulk.put_snapshot(&snapshot(1), 0, b"s")?;
        Err(CatalogError::BadRow { table: "none" })
    });
    failed.unwrap_err();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        catalog.bulk::<()>(|bulk| {
            bulk.drop_pack(&pack(1)).unwrap();
            panic!("in the middle");
        })
    }));
    panicked.unwrap_err();
    for catalog in [catalog.clone(), Catalog::open(&path).unwrap()] {
        assert_eq!((found_in(&catalog, 10), found_in(&catalog, 20)), (Some(pack(1)), None));
        assert_eq!(catalog.chunk_count().unwrap(), 1);
        assert_eq!((catalog.get("key").unwrap(), catalog.snapshots().unwrap()), (None, vec![]));
    }
    // It works on after both.
    catalog.bulk(|bulk| bulk.set("key", b"value")).unwrap();
    assert_eq!(catalog.get("key").unwrap(), Some(b"value".to_vec()));
}

#[test]
fn all_packs_are_walked_in_order_and_the_walker_may_ask_back() {
    let catalog = Catalog::memory().unwrap();
    let count = super::PAGE as u16 + 10;
    catalog
        .bulk(|bulk| {
            for n in 0..count {
                let id = PackId::from_bytes(*chunk(n).as_bytes());
                bulk.add_pack(&id, PackState::Placed, 0, &n.to_be_bytes(), &[])?;
            }
            Ok(())
        })
        .unwrap();
    let mut seen = Vec::new();
    let walked: Result<(), CatalogError> = catalog.for_each_pack(|row| {
        seen.push(u16::from_be_bytes(row.record.clone().try_into().unwrap()));
        assert_eq!(catalog.pack_row(&row.id)?.as_ref(), Some(row));
        Ok(())
    });
    walked.unwrap();
    assert_eq!(seen, (0..count).collect::<Vec<_>>());
    let stopped: Result<(), CatalogError> =
        catalog.for_each_pack(|_| Err(CatalogError::BadRow { table: "none" }));
    assert!(matches!(stopped, Err(CatalogError::BadRow { table: "none" })));
}

#[test]
fn snapshots_keep_their_order_and_change_state() {
    let catalog = Catalog::memory().unwrap();
    catalog.put_snapshot(&snapshot(2), 0, b"two").unwrap();
    catalog.put_snapshot(&snapshot(1), 0, b"one").unwrap();
    catalog.put_snapshot(&snapshot(2), 1, b"two again").unwrap();
    assert!(catalog.set_snapshot_state(&snapshot(1), 5).unwrap());
    assert!(!catalog.set_snapshot_state(&snapshot(9), 5).unwrap());
    let both = [(snapshot(2), 1, b"two again".to_vec()), (snapshot(1), 5, b"one".to_vec())];
    assert_eq!(catalog.snapshots().unwrap(), both);
    assert!(catalog.drop_snapshot(&snapshot(2)).unwrap());
    assert!(!catalog.drop_snapshot(&snapshot(2)).unwrap());
    assert_eq!(catalog.snapshots().unwrap().len(), 1);
}

#[test]
fn a_cleared_catalog_is_an_empty_one_but_for_what_was_found_of_holders() {
    let catalog = Catalog::memory().unwrap();
    let (peer, shard) = (PeerId::from_bytes([1; 32]), ShardId::from_bytes([2; 32]));
    catalog
        .bulk(|bulk| {
            bulk.put_holder(&peer, b"before")?;
            bulk.put_holder(&peer, b"evidence")?;
            bulk.set_gone(&peer, &shard, 5)?;
            bulk.set_gone(&peer, &shard, 6)
        })
        .unwrap();
    add(&catalog, 1, &[10]);
    catalog.set("key", b"value").unwrap();
    catalog.set("key", b"other").unwrap();
    catalog.delete("none").unwrap();
    catalog.put_snapshot(&snapshot(1), 0, b"one").unwrap();
    catalog.clear().unwrap();
    assert_eq!((found_in(&catalog, 10), catalog.chunk_count().unwrap()), (None, 0));
    assert_eq!((catalog.get("key").unwrap(), catalog.snapshots().unwrap()), (None, vec![]));
    assert_eq!(catalog.pack_count().unwrap(), PackCounts::new());
    assert_eq!(catalog.holders().unwrap(), [(peer, b"evidence".to_vec())]);
    assert_eq!(catalog.gone().unwrap(), [(peer, shard)]);
    catalog.bulk(|bulk| bulk.set_found(&peer, &shard)).unwrap();
    assert_eq!(catalog.gone().unwrap(), []);
    catalog.bulk(|bulk| bulk.drop_holder(&peer)).unwrap();
    assert_eq!(catalog.holders().unwrap(), []);
    add(&catalog, 1, &[10]);
    assert_eq!(catalog.chunk_count().unwrap(), 1);
}

/// A catalog of some size, closed, so that all of it is in the main file.
fn closed_catalog(path: &Path) {
    let catalog = Catalog::open(path).unwrap();
    for n in 0..40 {
        add(&catalog, n, &(0..50).map(|c| 50 * u16::from(n) + c).collect::<Vec<_>>());
    }
}

/// Everything that reads, until something fails.
fn use_all_of(path: &Path) -> Result<(), CatalogError> {
    let catalog = Catalog::open(path)?;
    (0..2000).try_for_each(|c| catalog.find(&chunk(c)).map(drop))?;
    catalog.for_each_pack(|_| Ok::<_, CatalogError>(()))?;
    catalog.chunk_count()?;
    catalog.snapshots()?;
    catalog.set("key", b"value")
}

#[test]
fn a_damaged_catalog_is_told_from_a_failing_one_and_can_be_discarded() {
    let spoil: [fn(&Path); 4] = [
        |path| std::fs::write(path, b"this is not a database, whatever its name says").unwrap(),
        |path| overwrite(path, 0, b"SQLite format 9\0"),
        // Every page but the first: the tables are known, their content is gone.
        |path| {
            let len = std::fs::metadata(path).unwrap().len() as usize;
            overwrite(path, 4096, &vec![0xA5; len - 4096]);
        },
        |path| std::fs::File::options().write(true).open(path).unwrap().set_len(8192).unwrap(),
    ];
    for spoil in spoil {
        let (_dir, path) = on_disk();
        closed_catalog(&path);
        use_all_of(&path).unwrap();
        spoil(&path);
        let error = use_all_of(&path).unwrap_err();
        assert!(error.is_damaged() && !error.is_full(), "{error:?}");
        Catalog::discard(&path).unwrap();
        assert_eq!(Catalog::open(&path).unwrap().chunk_count().unwrap(), 0);
        use_all_of(&path).unwrap();
    }
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    use std::os::unix::fs::FileExt;
    std::fs::File::options().write(true).open(path).unwrap().write_all_at(bytes, at).unwrap();
}

#[test]
fn rows_that_no_version_writes_are_damage() {
    for spoil in [
        "UPDATE pack SET state = 9",
        "UPDATE pack SET id = X'01' WHERE no = 1; UPDATE chunk SET pack = 1",
        "UPDATE pack SET segment = X'01'",
        "UPDATE chunk SET block = -1",
        "UPDATE total SET value = -1",
        "DELETE FROM total",
    ] {
        let (_dir, path) = on_disk();
        closed_catalog(&path);
        rusqlite::Connection::open(&path).unwrap().execute_batch(spoil).unwrap();
        let error = use_all_of(&path).unwrap_err();
        assert!(error.is_damaged(), "{spoil}: {error:?}");
    }
}

#[test]
fn discarding_takes_the_log_along_and_needs_nothing_to_be_there() {
    let (dir, path) = on_disk();
    Catalog::discard(&path).unwrap();
    for name in ["catalog.db", "catalog.db-wal", "catalog.db-shm", "other.db"] {
        std::fs::write(dir.path().join(name), b"x").unwrap();
    }
    Catalog::discard(&path).unwrap();
    let left: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["other.db"]);
}

#[test]
fn a_failed_commit_stops_writes_until_the_next_open() {
    let (_dir, path) = on_disk();
    let catalog = Catalog::open(&path).unwrap();
    catalog.set("key", b"old").unwrap();
    let trap = rusqlite::Connection::open(&path).unwrap();
    crate::db::tests::set_trap(&trap, "meta");
    assert!(matches!(catalog.set("new", b"x"), Err(CatalogError::Sqlite { .. })));
    crate::db::tests::take_trap_away(&trap);
    assert!(matches!(catalog.set("new", b"x"), Err(CatalogError::Ailing)));
    assert_eq!(catalog.get("key").unwrap(), Some(b"old".to_vec()), "reads go on");
    drop(catalog);
    let catalog = Catalog::open(&path).unwrap();
    assert_eq!(catalog.get("new").unwrap(), None);
    catalog.set("new", b"x").unwrap();
}
