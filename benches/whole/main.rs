//! The whole program on a small grid of real processes: how fast it is, and that it is right.
//!
//! `cargo bench --bench whole` generates corpora from a seed, founds a grid of one source and five
//! holders on loopback, and times the main job. Every restored tree is compared with its source,
//! byte and attribute; one difference ends the run. Environment: `BENCH_SCALE` (percent of the
//! sizes in issue 6, 10 when absent), `BENCH_ROUNDS` (1; medians are printed), `BENCH_CORPORA`
//! (all), `BENCH_PROGRAMS` (programs to compare, separated by commas; the gbak of this build).
//!
//! Rounds and programs take turns on the same corpora, and nothing is deleted before the end: after
//! deleting a large tree ext4 creates files several times slower for minutes.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};

use tokio::time::Instant;

mod corpus;
mod grid;

use corpus::Corpus;
use grid::Grid;

/// Anything that goes wrong ends the benchmark.
type Failure = Box<dyn Error>;

/// One measure of one corpus.
type Key = (String, &'static str);

/// What was measured, round after round.
#[derive(Default)]
struct Table {
    order: Vec<Key>,
    cells: BTreeMap<Key, Vec<f64>>,
}

impl Table {
    fn add(&mut self, corpus: &str, measure: &'static str, value: f64) {
        let key = (corpus.to_owned(), measure);
        if !self.cells.contains_key(&key) {
            self.order.push(key.clone());
        }
        self.cells.entry(key).or_default().push(value);
    }

    fn median(&self, key: &Key) -> f64 {
        let mut values = self.cells.get(key).cloned().unwrap_or_default();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    }

    fn print(&self, sizes: &BTreeMap<String, (u64, u64)>) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "| corpus | measure | median | MB/s | files/s |")?;
        writeln!(out, "|---|---|---|---|---|")?;
        for key in &self.order {
            let (corpus, measure) = key;
            let value = self.median(key);
            if measure.ends_with("MB") {
                writeln!(out, "| {corpus} | {measure} | {value:.1} MB | | |")?;
                continue;
            }
            if measure.starts_with("one") {
                writeln!(out, "| {corpus} | {measure} | {value:.3} s | | |")?;
                continue;
            }
            let (files, bytes) = sizes.get(corpus).copied().unwrap_or_default();
            let (speed, rate) = (bytes as f64 / 1e6 / value, files as f64 / value);
            writeln!(out, "| {corpus} | {measure} | {value:.3} s | {speed:.0} | {rate:.0} |")?;
        }
        Ok(())
    }
}

fn main() -> Result<(), Failure> {
    let number = |name: &str, absent: u64| match std::env::var(name) {
        Ok(text) => text.parse::<u64>().map_err(Failure::from),
        Err(_) => Ok(absent),
    };
    let (scale, rounds) = (number("BENCH_SCALE", 10)?, number("BENCH_ROUNDS", 1)?);
    let wanted = std::env::var("BENCH_CORPORA").unwrap_or_else(|_| "code,docs,big,tiny".into());
    let built = env!("CARGO_BIN_EXE_gbak").to_owned();
    let programs = std::env::var("BENCH_PROGRAMS").unwrap_or(built);
    let programs: Vec<PathBuf> = programs.split(',').map(PathBuf::from).collect();
    let dir = tempfile::Builder::new().prefix("gbak-bench-").tempdir()?;
    let (mut table, mut sizes) = (Table::default(), BTreeMap::new());
    for round in 0..rounds {
        for name in wanted.split(',') {
            for (number, program) in programs.iter().enumerate() {
                let place = dir.path().join(format!("{name}-{round}-{number}"));
                std::fs::create_dir(&place)?;
                let mut corpus = Corpus::make(name, scale, &place.join("source"))?;
                if programs.len() > 1 {
                    corpus.name = format!("{name}, {}", program.display());
                }
                sizes.insert(corpus.name.clone(), (corpus.files, corpus.bytes));
                spooled(program, &place, &corpus, &mut table)?;
                gridded(program, &place, &corpus, &mut table)?;
            }
        }
    }
    writeln!(std::io::stdout(), "scale {scale} %, {rounds} rounds, release build\n")?;
    table.print(&sizes)
}

/// Without peers: sealed to the local spool.
fn spooled(
    program: &Path,
    place: &Path,
    corpus: &Corpus,
    table: &mut Table,
) -> Result<(), Failure> {
    let alone = Grid::found(program, &place.join("alone"), 0)?;
    let took = timed(|| alone.backup(&corpus.dir, &["--spool", "--redundancy", "3+2"]))?;
    table.add(&corpus.name, "sealed to the spool", took);
    Ok(())
}

/// With five holders.
fn gridded(
    program: &Path,
    place: &Path,
    corpus: &Corpus,
    table: &mut Table,
) -> Result<(), Failure> {
    let mut grid = Grid::found(program, &place.join("grid"), 5)?;
    let name = &corpus.name;
    let backup = |grid: &Grid| timed(|| grid.backup(&corpus.dir, &["--redundancy", "3+2"]));
    table.add(name, "first backup, 3+2", backup(&grid)?);
    table.add(name, "stored of the first, MB", grid.stored_mb()?);
    table.add(name, "unchanged rescan", backup(&grid)?);
    corpus.change()?;
    table.add(name, "2 % changed", backup(&grid)?);
    table.add(name, "added by the change, MB", grid.stored_mb()?);
    table.add(name, "peak memory after backups, MB", grid.peak_mb()?);
    restored(&grid, place, corpus, table, "restore")?;
    let small = corpus.small_file()?;
    let target = place.join("one");
    table.add(name, "one small file", timed(|| grid.restore(&small, &target))?);
    grid.lose(2);
    restored(&grid, place, corpus, table, "restore, 2 of 5 dead")?;
    table.add(name, "peak memory after all, MB", grid.peak_mb()?);
    Ok(())
}

/// Restores everything and compares it with the source.
fn restored(
    grid: &Grid,
    place: &Path,
    corpus: &Corpus,
    table: &mut Table,
    measure: &'static str,
) -> Result<(), Failure> {
    let target = place.join(measure.replace([' ', ','], "-"));
    table.add(&corpus.name, measure, timed(|| grid.restore(&corpus.dir, &target))?);
    let compared = gbak::demo::compare::compare(&corpus.dir, &target)?;
    match compared.differences.first() {
        None => Ok(()),
        Some(first) => Err(format!("{}, {measure}: {first}", corpus.name).into()),
    }
}

/// How long it took, in seconds.
fn timed(work: impl FnOnce() -> Result<(), Failure>) -> Result<f64, Failure> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64())
}
