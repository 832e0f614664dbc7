//! What many shards cost in memory and on the disk with the facts, scaled down: rows only. The
//! whole sizes are measured by `cargo bench -p store --bench shelf`.

use std::process::Command;

use chunker::ShardId;
use rusqlite::{Connection, params};

use super::{Rig, owner};

const SHARDS: u64 = 300_000;
/// In bytes for each shard: with the 20 MB that an agent takes anyway, a million stay below 100 MB.
const MEMORY: u64 = 80;
/// Of the database, in bytes for each shard.
const ROWS: u64 = 200;

/// Names in the order of their numbers, which makes for a quick start.
fn name(n: u64) -> ShardId {
    let mut id = [7; 32];
    id[..8].copy_from_slice(&(n << 40).to_be_bytes());
    ShardId::from_bytes(id)
}

fn fill(db: &std::path::Path) {
    let mut db = Connection::open(db).unwrap();
    let tx = db.transaction().unwrap();
    let owner = owner(1);
    tx.execute(
        "INSERT INTO owner (no, id, shards, bytes) VALUES (1, ?1, 0, 0)",
        [owner.as_bytes()],
    )
    .unwrap();
    let shard = "INSERT INTO shard (id, len, leases, state, since_secs, disk, held)
                 VALUES (?1, 5000000, 1, 0, 1800000000, 0, 1)";
    let lease = "INSERT INTO lease (owner, shard, state, since_secs) VALUES (1, ?1, 0, 1800000000)";
    for sql in [shard, lease] {
        let mut insert = tx.prepare(sql).unwrap();
        for n in 0..SHARDS {
            insert.execute(params![name(n).as_bytes()]).unwrap();
        }
    }
    tx.commit().unwrap();
}

/// Memory of this process that is in use, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// The other half of the test below, a process of its own: looks shards up.
#[test]
fn a_child_that_looks_up() {
    let Ok(dir) = std::env::var("STORE_TEST_SCALE_DIR") else { return };
    // Whatever a first shelf takes, however small.
    drop(Rig::mem().0.open());
    let before = resident();
    let mut rig = Rig::disk();
    rig.medium = std::sync::Arc::new(crate::DiskMedium::new(format!("{dir}/shelf")));
    let mut at = rig.at();
    at.db = crate::DbAt::File(format!("{dir}/host.db").into());
    let shelf = crate::Shelf::open(at).unwrap().0;
    for n in 0..30_000 {
        let shard = name(n * 7_919 % SHARDS);
        assert_eq!(shelf.have(owner(1), &[shard]).unwrap(), [true]);
    }
    println!("grew by {}", resident().saturating_sub(before));
}

#[test]
fn a_shard_costs_few_bytes_of_memory_and_of_the_database() {
    let rig = Rig::disk();
    drop(rig.open());
    let db = rig.dir.path().join("host.db");
    fill(&db);
    let rows = std::fs::metadata(&db).unwrap().len() / SHARDS;
    assert!(rows <= ROWS, "{rows} bytes of the database for each shard");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["shelf::tests::scale::a_child_that_looks_up", "--exact", "--nocapture"])
        .env("STORE_TEST_SCALE_DIR", rig.dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let grew = said.split("grew by ").nth(1).and_then(|rest| rest.split_whitespace().next());
    let grew: u64 = grew.unwrap_or_else(|| panic!("{said}")).parse().unwrap();
    println!("{rows} bytes of the database and {} of memory for each shard", grew / SHARDS);
    assert!(grew / SHARDS <= MEMORY, "{} bytes of memory for each shard", grew / SHARDS);
}
