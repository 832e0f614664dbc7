//! What a long life does to a vault: many daily snapshots, and an index of millions.
//!
//! Both are measured alone, with the local spool: where fragments lie and how long look-ups take
//! does not depend on who holds the shards. Only what prune makes of it needs a grid.

use std::path::Path;

use chunker::{ChunkId, PackId, SnapshotId};
use store::{Catalog, PackState};

use crate::corpus::Corpus;
use crate::grid::Grid;
use crate::rivals::Rival;
use crate::{Failure, Table, restored};

/// Chunks that one pack of the index brings.
const CHUNKS: u64 = 1_000;
/// Of data, as the catalog numbers it.
const DATA: u8 = 0;
/// Numbers of chunks are spread evenly over all names: a new pack's chunks come in their order,
/// which fills the index in minutes instead of hours, and is as good for look-ups.
const SPREAD: u64 = u64::MAX / 20_000_000;

/// A snapshot a day, each with 2 % changed; what restoring the first and the last takes.
pub(crate) fn days(
    rival: &Rival,
    place: &Path,
    corpus: &Corpus,
    days: u64,
    table: &mut Table,
) -> Result<(), Failure> {
    let name = format!("{}, {}", corpus.name, rival.name);
    let back = |what: &'static str, table: &mut Table| {
        let took = rival.restore(&corpus.dir, None, &place.join(what.replace(' ', "-")))?;
        table.add(&name, what, took.wall);
        Ok::<(), Failure>(())
    };
    rival.backup(&corpus.dir)?;
    back("restore of the first snapshot", table)?;
    for day in 1..days {
        corpus.change(day)?;
        rival.backup(&corpus.dir)?;
    }
    back("restore of the last snapshot", table)
}

/// The same on a grid of five; then all snapshots but the last are forgotten and pruned, and it is
/// restored once more. At last the same tree is backed up to a new grid and restored: what changed
/// for eleven days may be more to store, and no order of it can make it less.
pub(crate) fn pruned(
    program: &Path,
    place: &Path,
    corpus: &Corpus,
    days: u64,
    table: &mut Table,
) -> Result<(), Failure> {
    let grid = Grid::found(program, &place.join("grid"), 5)?;
    let backup = |grid: &Grid| grid.backup(&corpus.dir, &["--redundancy", "3+2"]);
    let back = |grid: &Grid, (what, received): (&'static str, &'static str), table: &mut Table| {
        restored(grid, place, corpus, table, what)?;
        table.add(&corpus.name, received, grid.received_mb()?);
        Ok::<(), Failure>(())
    };
    backup(&grid)?;
    back(&grid, ("first snapshot restored from five", "received for the first, MB"), table)?;
    for day in 1..days {
        corpus.change(day)?;
        backup(&grid)?;
    }
    back(&grid, ("last snapshot restored from five", "received for the last, MB"), table)?;
    grid.keep_the_newest()?;
    back(&grid, ("the same, after prune", "received after prune, MB"), table)?;
    table.add(&corpus.name, "peak memory after all, MB", grid.peak_mb()?);
    drop(grid);
    let anew = Grid::found(program, &place.join("anew"), 5)?;
    backup(&anew)?;
    back(&anew, ("the same tree, backed up anew", "received of it anew, MB"), table)
}

/// An index of `chunks` and a history of `snapshots` beside what a backup made: what opening the
/// vault and rescanning an unchanged tree takes, before and after.
pub(crate) fn index(
    rival: &Rival,
    corpus: &Corpus,
    (chunks, snapshots): (u64, u64),
    table: &mut Table,
) -> Result<(), Failure> {
    let name = format!("{}, {}", corpus.name, rival.name);
    rival.backup(&corpus.dir)?;
    let look = |what: [&'static str; 3], table: &mut Table| {
        table.add(&name, what[0], rival.list()?.wall);
        let cost = rival.backup(&corpus.dir)?;
        table.add(&name, what[1], cost.wall);
        table.add(&name, what[2], cost.peak_mb);
        Ok::<(), Failure>(())
    };
    look(["open, new vault", "rescan, new vault", "rescan, new vault, peak MB"], table)?;
    fill(rival.home(), chunks, snapshots)?;
    look(["open, full vault", "rescan, full vault", "rescan, full vault, peak MB"], table)
}

fn fill(home: &Path, chunks: u64, snapshots: u64) -> Result<(), Failure> {
    let catalog = Catalog::open(&home.join("catalog.db"))?;
    for pack in 0..chunks / CHUNKS {
        let one = |no| (chunk(pack * CHUNKS + no), no as u32 / 4, 0, 65_536);
        let all: Vec<_> = (0..CHUNKS).map(one).collect();
        let id = PackId::from_bytes(name(b"pack", pack));
        catalog.add_pack(&id, PackState::Indexed, DATA, b"not looked at", &all)?;
    }
    // The newest real one again and again, under other names.
    let real = catalog.snapshots()?.pop().ok_or("no snapshot")?;
    for number in 0..snapshots {
        let id = SnapshotId::from_bytes(name(b"snapshot", number));
        catalog.put_snapshot(&id, real.1, &real.2)?;
    }
    Ok(())
}

fn chunk(number: u64) -> ChunkId {
    let mut id = name(b"chunk", number);
    let (front, _) = id.split_at_mut(8);
    front.copy_from_slice(&(number * SPREAD).to_be_bytes());
    ChunkId::from_bytes(id)
}

fn name(kind: &[u8], number: u64) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind).update(&number.to_le_bytes());
    *hasher.finalize().as_bytes()
}
