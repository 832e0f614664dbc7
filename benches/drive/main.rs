//! A drive of gbak, and what else there is to keep files on, doing the same work by turns.
//!
//! `cargo bench --bench drive` (as root: it mounts, and drops the kernel's caches) pools a drive
//! from real agents on loopback and puts beside it the disk itself (ext4 here), a FUSE mount that
//! passes everything on (bindfs) and MooseFS with three chunkservers and goal 2; each of the rivals
//! that is not installed is named in a line and left out. What was written is read back and
//! compared. Environment: `BENCH_SCALE` (percent of the sizes, 100: 512 MiB sequentially, 128 MiB
//! at random, 2,000 files), `BENCH_ROUNDS` (1; medians are printed), `BENCH_PLACES` (all, of
//! `disk,bindfs,moosefs`; gbak always), `BENCH_PROGRAMS` (gbaks to compare, separated by commas;
//! the one of this build), `BENCH_AGENTS` (3 besides the one with the drive), `BENCH_ROWS` (parts
//! of the names of rows to be measured; all).
//!
//! *Cold*: nothing of it is in the kernel, and of gbak's drive nothing is on this machine either.
//! *Warm*: read again at once. *Here*: the kernel's caches were dropped, no more.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

#[path = "../whole/agents.rs"]
mod agents;
#[path = "../whole/corpus.rs"]
#[expect(dead_code, reason = "only trees of one kind are made here")]
mod corpus;
mod moose;
mod ours;
mod places;
mod work;

use places::Place;
use work::Sizes;

/// Anything that goes wrong ends the benchmark.
type Failure = Box<dyn Error>;

/// Rows of figures, one column for each place.
#[derive(Default)]
struct Table {
    order: Vec<&'static str>,
    cells: BTreeMap<(&'static str, usize), Vec<f64>>,
}

impl Table {
    fn add(&mut self, row: &'static str, column: usize, value: f64) {
        if !self.order.contains(&row) {
            self.order.push(row);
        }
        self.cells.entry((row, column)).or_default().push(value);
    }

    fn last(&self, row: &'static str, column: usize) -> f64 {
        let cells = self.cells.get(&(row, column));
        cells.and_then(|cells| cells.last()).copied().unwrap_or_default()
    }

    fn median(&self, row: &'static str, column: usize) -> Option<f64> {
        let mut values = self.cells.get(&(row, column))?.clone();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    fn print(&self, names: &[String]) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "| | {} |", names.join(" | "))?;
        writeln!(out, "|---|{}", "---|".repeat(names.len()))?;
        for row in &self.order {
            let cells = (0..names.len()).map(|column| match self.median(row, column) {
                Some(value) if value < 20.0 => format!("{value:.2}"),
                Some(value) => format!("{value:.0}"),
                None => "-".to_owned(),
            });
            writeln!(out, "| {row} | {} |", cells.collect::<Vec<_>>().join(" | "))?;
        }
        Ok(())
    }
}

fn main() -> Result<(), Failure> {
    let number = |name: &str, absent: u64| match std::env::var(name) {
        Ok(text) => text.parse::<u64>().map_err(Failure::from),
        Err(_) => Ok(absent),
    };
    let text = |name: &str, absent: &str| std::env::var(name).unwrap_or_else(|_| absent.into());
    let (scale, rounds) = (number("BENCH_SCALE", 100)?, number("BENCH_ROUNDS", 1)?);
    let programs = text("BENCH_PROGRAMS", env!("CARGO_BIN_EXE_gbak"));
    let programs: Vec<PathBuf> = programs.split(',').map(PathBuf::from).collect();
    let agents = number("BENCH_AGENTS", 3)? as usize;
    let wanted = text("BENCH_PLACES", "disk,bindfs,moosefs");
    let dir = tempfile::Builder::new().prefix("gbak-bench-drive-").tempdir()?;
    let mut places: Vec<Box<dyn Place>> = Vec::new();
    for name in wanted.split(',') {
        places.extend(places::rival(name, dir.path())?);
    }
    for program in &programs {
        places.push(Box::new(ours::Drive::pool(program, dir.path(), agents)?));
    }
    let sizes = Sizes::of(scale, &text("BENCH_ROWS", ""), dir.path())?;
    let mut table = Table::default();
    for round in 0..rounds {
        work::round(&sizes, round, &mut places, &mut table)?;
    }
    writeln!(std::io::stdout(), "scale {scale} %, {rounds} rounds, {agents} agents beside\n")?;
    let names: Vec<String> = places.iter().map(|place| place.name()).collect();
    table.print(&names)
}
