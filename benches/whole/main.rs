//! The whole program on a small grid of real processes: how fast it is, and that it is right.
//!
//! `cargo bench --bench whole` generates corpora from a seed, founds a grid of one source and five
//! holders on loopback, and times the main job. Every restored tree is compared with its source,
//! byte and attribute; one difference ends the run. Environment: `BENCH_SCALE` (percent of the
//! sizes in issue 6, 10 when absent), `BENCH_ROUNDS` (1; medians are printed), `BENCH_CORPORA`
//! (all), `BENCH_PROGRAMS` (programs to compare, separated by commas; the gbak of this build),
//! `BENCH_RIVALS` (restic, rustic, borg and, on a grid of its own, tahoe: those of them that are
//! installed; or `none`), `BENCH_LINK` (megabytes a second and milliseconds there and back, like
//! `20,50`: the holders are reached over such a link, and only that is measured), `BENCH_DAYS` (so
//! many daily snapshots, and what restoring the first and the last takes; only that), `BENCH_PRUNE`
//! (with `BENCH_DAYS`: on a grid, and once more after all but the last were forgotten and pruned),
//! `BENCH_INDEX` (chunks and snapshots like `10000000,1000`: what opening a vault of them takes;
//! only that), `BENCH_VAST` (files and bytes of each, like `16384,4194304`: what memory a source of
//! them takes, made up as it is read; only that).
//!
//! Before the grid, every program found does the same work alone, each step by turns, with its own
//! local store: processor time, time, memory and bytes stand side by side.
//!
//! Rounds and programs take turns on the same corpora, and nothing is deleted before the end: after
//! deleting a large tree ext4 creates files several times slower for minutes.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

mod agents;
mod corpus;
mod cost;
mod far;
mod grid;
mod long;
mod rivals;
mod tahoe;
mod vast;

use corpus::Corpus;
use cost::Cost;
use grid::Grid;
use rivals::Rival;

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
            if measure.ends_with("MB") || measure.ends_with('%') {
                writeln!(out, "| {corpus} | {measure} | {value:.1} | | |")?;
                continue;
            }
            if measure.starts_with("one") || measure.ends_with("s CPU") {
                writeln!(out, "| {corpus} | {measure} | {value:.3} s | | |")?;
                continue;
            }
            let (files, bytes) = sizes.get(corpus).copied().unwrap_or_default();
            let (speed, rate) = (bytes as f64 / 1e6 / value, files as f64 / value);
            writeln!(out, "| {corpus} | {measure} | {value:.3} s | {speed:.0} | {rate:.0} |")?;
        }
        Ok(())
    }

    /// Medians side by side, and how often the last program's goes into the best other's.
    fn print_beside(&self, programs: &[String]) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n| corpus | measure | {} | best other / last |", programs.join(" | "))?;
        writeln!(out, "|---|---|{}---|", "---|".repeat(programs.len()))?;
        let mut rows: Vec<(&str, &'static str)> = Vec::new();
        for (corpus, measure) in &self.order {
            let corpus = corpus.split(", ").next().unwrap_or_default();
            if !rows.contains(&(corpus, *measure)) {
                rows.push((corpus, *measure));
            }
        }
        for (corpus, measure) in rows {
            let values: Vec<Option<f64>> = programs
                .iter()
                .map(|program| (format!("{corpus}, {program}"), measure))
                .map(|key| self.cells.contains_key(&key).then(|| self.median(&key)))
                .collect();
            let text = values.iter().map(|value| value.map_or("-".into(), |v| format!("{v:.2}")));
            let text: Vec<String> = text.collect();
            let ratio = values.split_last().and_then(|(last, others)| {
                let best = others.iter().flatten().copied().reduce(f64::min)?;
                Some(format!("{:.2}", best / (*last)?))
            });
            let ratio = ratio.unwrap_or_default();
            writeln!(out, "| {corpus} | {measure} | {} | {ratio} |", text.join(" | "))?;
        }
        Ok(())
    }
}

/// What is to be done, as the environment says.
struct Wanted {
    scale: u64,
    rounds: u64,
    corpora: String,
    rivals: String,
    link: Option<(f64, Duration)>,
    life: Life,
    vast: Option<(u64, u64)>,
    programs: Vec<PathBuf>,
}

impl Wanted {
    fn told() -> Result<Self, Failure> {
        let number = |name: &str, absent: u64| match std::env::var(name) {
            Ok(text) => text.parse::<u64>().map_err(Failure::from),
            Err(_) => Ok(absent),
        };
        let text = |name: &str, absent: &str| std::env::var(name).unwrap_or_else(|_| absent.into());
        let two = |name: &str| std::env::var(name).ok().map(|text| pair(&text)).transpose();
        let link = two("BENCH_LINK")?;
        let programs = text("BENCH_PROGRAMS", env!("CARGO_BIN_EXE_gbak"));
        Ok(Self {
            scale: number("BENCH_SCALE", 10)?,
            rounds: number("BENCH_ROUNDS", 1)?,
            corpora: text("BENCH_CORPORA", "code,docs,big,tiny"),
            rivals: text("BENCH_RIVALS", "restic,rustic,borg"),
            link: link.map(|(width, trip)| (width as f64, Duration::from_millis(trip))),
            life: Life {
                days: number("BENCH_DAYS", 0)?,
                pruned: number("BENCH_PRUNE", 0)? > 0,
                index: two("BENCH_INDEX")?,
            },
            vast: two("BENCH_VAST")?,
            programs: programs.split(',').map(PathBuf::from).collect(),
        })
    }
}

/// What came of it.
#[derive(Default)]
struct Results {
    table: Table,
    beside: Table,
    sizes: BTreeMap<String, (u64, u64)>,
    names: Vec<String>,
}

fn main() -> Result<(), Failure> {
    let wanted = Wanted::told()?;
    let dir = tempfile::Builder::new().prefix("gbak-bench-").tempdir()?;
    let mut results = Results::default();
    if let Some(size) = wanted.vast {
        for rival in Rival::all(&wanted.programs, "", dir.path())? {
            vast::run(&rival, dir.path(), size, &mut results.table)?;
        }
        return results.table.print(&results.sizes);
    }
    for round in 0..wanted.rounds {
        for name in wanted.corpora.split(',') {
            let place = dir.path().join(format!("{name}-{round}"));
            std::fs::create_dir(&place)?;
            one(&wanted, (name, round as usize), &place, &mut results)?;
        }
    }
    let Wanted { scale, rounds, .. } = wanted;
    writeln!(std::io::stdout(), "scale {scale} %, {rounds} rounds, release build\n")?;
    results.table.print(&results.sizes)?;
    results.beside.print_beside(&results.names)
}

/// One round of one corpus.
fn one(
    wanted: &Wanted,
    (name, round): (&str, usize),
    place: &Path,
    results: &mut Results,
) -> Result<(), Failure> {
    let Wanted { scale, rivals, link, life, programs, .. } = wanted;
    let source = |place: &Path| Corpus::make(name, *scale, &place.join("source"));
    if life.is_wanted() {
        return live(life, programs, &source, place, &mut results.table);
    }
    if rivals != "none" && link.is_none() {
        let corpus = source(place)?;
        let mut rivals = Rival::all(programs, rivals, place)?;
        results.names = rivals.iter().map(|rival| rival.name.clone()).collect();
        // Whoever comes last finds the disk as all before it left it: not always the same one.
        let first = round % rivals.len();
        rivals.rotate_left(first);
        race(&rivals, &corpus, place, &mut results.beside)?;
    }
    for (number, program) in programs.iter().enumerate() {
        let place = place.join(format!("{number}"));
        std::fs::create_dir(&place)?;
        let mut corpus = source(&place)?;
        if programs.len() > 1 {
            corpus.name = format!("{name}, {}", program.display());
        }
        results.sizes.insert(corpus.name.clone(), (corpus.files, corpus.bytes));
        let table = &mut results.table;
        match *link {
            Some(link) => far::run(program, &place, &corpus, link, table)?,
            None => gridded(program, &place, &corpus, table)?,
        }
    }
    if rivals.split(',').any(|rival| rival == "tahoe") {
        let place = place.join("of-tahoe");
        std::fs::create_dir(&place)?;
        let corpus = source(&place)?;
        results.sizes.insert(format!("{name}, tahoe"), (corpus.files, corpus.bytes));
        tahoe::run(&place, &corpus, &mut results.table)?;
    }
    Ok(())
}

/// Two numbers like `20,50`.
fn pair(text: &str) -> Result<(u64, u64), Failure> {
    let (one, other) = text.split_once(',').ok_or("two numbers are like 20,50")?;
    Ok((one.parse()?, other.parse()?))
}

/// What is to be seen of a long life.
struct Life {
    days: u64,
    pruned: bool,
    index: Option<(u64, u64)>,
}

impl Life {
    fn is_wanted(&self) -> bool {
        self.days > 0 || self.index.is_some()
    }
}

/// Each gbak alone, with its own store.
fn live(
    life: &Life,
    programs: &[PathBuf],
    source: &dyn Fn(&Path) -> Result<Corpus, Failure>,
    place: &Path,
    table: &mut Table,
) -> Result<(), Failure> {
    for rival in Rival::all(programs, "", place)? {
        let place = place.join(format!("of-{}", rival.name));
        std::fs::create_dir(&place)?;
        // Each program lives through the same days.
        let mut corpus = source(&place)?;
        if programs.len() > 1 && life.pruned {
            corpus.name = format!("{}, {}", corpus.name, rival.name);
        }
        let corpus = &corpus;
        match life.index {
            Some(size) => long::index(&rival, corpus, size, table)?,
            None if life.pruned => {
                long::pruned(rival.program(), &place, corpus, life.days, table)?;
            }
            None => long::days(&rival, &place, corpus, life.days, table)?,
        }
    }
    Ok(())
}

/// Everybody's turn at every step, on the same files.
fn race(rivals: &[Rival], corpus: &Corpus, place: &Path, table: &mut Table) -> Result<(), Failure> {
    let each = |step: Step, table: &mut Table, work: &dyn Fn(&Rival) -> Result<Cost, Failure>| {
        for rival in rivals {
            let (name, cost) = (format!("{}, {}", corpus.name, rival.name), work(rival)?);
            table.add(&name, step[0], cost.cpu);
            table.add(&name, step[1], cost.wall);
            table.add(&name, step[2], cost.peak_mb);
        }
        Ok::<(), Failure>(())
    };
    let stored = |measure: &'static str, table: &mut Table| {
        for rival in rivals {
            table.add(&format!("{}, {}", corpus.name, rival.name), measure, rival.stored_mb()?);
        }
        Ok::<(), Failure>(())
    };
    let backup = |rival: &Rival| {
        // borg has the kernel forget what it read, which whoever comes next would pay for.
        corpus.warm()?;
        rival.backup(&corpus.dir)
    };
    each(FIRST, table, &backup)?;
    stored("stored, MB", table)?;
    each(AGAIN, table, &backup)?;
    corpus.change(1)?;
    each(CHANGED, table, &backup)?;
    stored("stored after 2 % changed, MB", table)?;
    let target = |what: &str, rival: &Rival| place.join(format!("{what}-{}", rival.name));
    each(BACK, table, &|rival| rival.restore(&corpus.dir, None, &target("all", rival)))?;
    let small = corpus.small_file()?;
    each(ONE, table, &|rival| rival.restore(&corpus.dir, Some(&small), &target("one", rival)))?;
    for rival in rivals {
        if let Some(cost) = rival.verify()? {
            let name = format!("{}, {}", corpus.name, rival.name);
            table.add(&name, "verify, s CPU", cost.cpu);
            table.add(&name, "verify, s", cost.wall);
        }
    }
    Ok(())
}

/// How the three figures of a step are called.
type Step = [&'static str; 3];
const FIRST: Step = ["first backup, s CPU", "first backup, s", "first backup, peak MB"];
const AGAIN: Step = ["rescan, s CPU", "rescan, s", "rescan, peak MB"];
const CHANGED: Step = ["2 % changed, s CPU", "2 % changed, s", "2 % changed, peak MB"];
const BACK: Step = ["restore, s CPU", "restore, s", "restore, peak MB"];
const ONE: Step = ["one file, s CPU", "one file, s", "one file, peak MB"];

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
    table.add(name, "of the source's agent, s CPU", grid.cpu()?);
    table.add(name, "peak memory after the first, MB", grid.peak_mb()?);
    table.add(name, "stored of the first, MB", grid.stored_mb()?);
    table.add(name, "unchanged rescan", backup(&grid)?);
    corpus.change(1)?;
    table.add(name, "2 % changed", backup(&grid)?);
    table.add(name, "added by the change, MB", grid.stored_mb()?);
    table.add(name, "peak memory after backups, MB", grid.peak_mb()?);
    restored(&grid, place, corpus, table, "restore")?;
    table.add(name, "verify everything", timed(|| grid.verify())?);
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
    compared(&corpus.dir, &target, measure)
}

/// Ends the benchmark when what was restored is not what was there.
fn compared(source: &Path, restored: &Path, what: &str) -> Result<(), Failure> {
    let compared = gbak::demo::compare::compare(source, restored)?;
    match compared.differences.first() {
        None => Ok(()),
        Some(first) => Err(format!("{what}, {}: {first}", source.display()).into()),
    }
}

/// How long it took, in seconds; beginning with nothing that others left to be written.
fn timed(work: impl FnOnce() -> Result<(), Failure>) -> Result<f64, Failure> {
    rustix::fs::sync();
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64())
}
