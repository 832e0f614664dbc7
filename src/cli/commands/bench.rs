//! `gbak bench`: what this machine, its disk, its source and its link can do, and which of them is
//! in the way.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::api::backend::Backend;
use crate::api::{Answer, Call, Failure, GaugedView, codes};
use crate::bench::{self, Disk, Machine, Plan, Source, Stage};
use crate::cli::args::Bench;
use crate::cli::exit::usage;
use crate::cli::files;
use crate::cli::progress::Job;
use crate::cli::shell::Shell;

use super::ask;

mod text;

/// What is worked on at most: the sample is kept in memory.
const MOST: u64 = 1 << 30;
/// What is read of a source at most, for each byte worked on: reading is quicker than the rest.
const READ: u64 = 16;
/// zstd level, as `gbak backup` has it.
const LEVEL: i32 = 3;
/// What hours are told for.
const HUNDRED_GB: f64 = 1e11;

#[derive(Debug, Clone, Serialize)]
struct BenchView {
    schema: &'static str,
    threads: usize,
    redundancy: String,
    /// Bytes of source a second, of one thread.
    stages: Vec<StageView>,
    backup_bytes_per_second: u64,
    restore_bytes_per_second: u64,
    stored_ratio: f64,
    /// None unless one was named.
    source: Option<SourceView>,
    disk: DiskView,
    /// None without a grid.
    link: Option<LinkView>,
    limit: LimitView,
    restore_limit: LimitView,
}

#[derive(Debug, Clone, Serialize)]
struct StageView {
    name: &'static str,
    bytes_per_second: u64,
}

#[derive(Debug, Clone, Serialize)]
struct SourceView {
    path: String,
    files: u64,
    bytes: u64,
    unread: u64,
    bytes_per_second: u64,
    files_per_second: u64,
}

#[derive(Debug, Clone, Serialize)]
struct DiskView {
    read_bytes_per_second: u64,
    write_bytes_per_second: u64,
    sync_ms: f64,
    files_per_second: u64,
}

#[derive(Debug, Clone, Default, Serialize)]
struct LinkView {
    /// What somebody said it sends; else the limit in force. None when there is neither.
    up_bytes_per_second: Option<u64>,
    /// The limit in force.
    down_bytes_per_second: Option<u64>,
    peers_online: u64,
    rtt_ms: Option<f64>,
    rtt_ms_most: Option<f64>,
    /// To all holders at once. None when nobody keeps anything to measure with.
    measured_up_bytes_per_second: Option<u64>,
    measured_down_bytes_per_second: Option<u64>,
    holders: Vec<GaugedView>,
}

/// What is in the way of a first backup, or of a restore.
#[derive(Debug, Clone, Serialize)]
struct LimitView {
    /// `processor`, `source`, `disk` or `link`.
    by: &'static str,
    /// Bytes of source a second.
    bytes_per_second: u64,
    /// What 100 GB take at this.
    hours_per_100_gb: f64,
}

/// What was measured here.
struct Measured<'a> {
    plan: &'a Plan,
    machine: &'a Machine,
    disk: &'a Disk,
    source: Option<(&'a Path, Source)>,
}

pub(crate) fn run(
    args: &Bench,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let code = args.redundancy.parse().map_err(|_said| usage("redundancy is like 8+4"))?;
    if args.size == 0 || args.size > MOST {
        return Err(usage("--size is 1 byte to 1GiB"));
    }
    let plan = Plan { bytes: args.size as usize, code, level: LEVEL };
    let source = match &args.source {
        Some(path) => Some((
            path.as_path(),
            bench::read(path, args.size * READ)
                .map_err(|error| files::failure("read", path, &error))?,
        )),
        None => None,
    };
    let machine = bench::machine(&plan)
        .map_err(|error| codes::INTERNAL.failure(format!("Cannot measure: {error}")))?;
    let disk = bench::disk(&args.dir, plan.bytes)
        .map_err(|error| files::failure("write below", &args.dir, &error))?;
    let link = link(args.link, backend, shell);
    let here = Measured { plan: &plan, machine: &machine, disk: &disk, source };
    let view = view(&here, link);
    if shell.look.json {
        shell.print_json(&view)?;
    } else {
        shell.print(&text::page(&view, shell.look.units))?;
    }
    Ok(0)
}

/// What the agent knows and measures; a machine without a grid has no link yet.
fn link(given: Option<u64>, backend: &impl Backend, shell: &mut Shell<'_>) -> Option<LinkView> {
    let mut link = LinkView { up_bytes_per_second: given, ..LinkView::default() };
    let Ok(Answer::Limits(limits)) = ask(backend, Call::Limits, Job::Look, shell) else {
        return given.map(|_| link);
    };
    link.up_bytes_per_second = given.or(limits.in_force.up);
    link.down_bytes_per_second = limits.in_force.down;
    if let Ok(Answer::Peers(view)) = ask(backend, Call::Peers, Job::Look, shell) {
        let mut rtts: Vec<f64> = view.peers.iter().filter_map(|peer| peer.rtt_ms).collect();
        rtts.sort_by(f64::total_cmp);
        link.peers_online = view.peers.iter().filter(|peer| peer.state == "online").count() as u64;
        link.rtt_ms = rtts.get(rtts.len() / 2).copied();
        link.rtt_ms_most = rtts.last().copied();
    }
    // An agent of an older version does not know how to.
    if let Ok(Answer::Gauge(gauged)) = ask(backend, Call::Gauge, Job::Look, shell) {
        link.measured_up_bytes_per_second = gauged.up_bytes_per_second;
        link.measured_down_bytes_per_second = gauged.down_bytes_per_second;
        link.holders = gauged.holders;
    }
    Some(link)
}

fn view(here: &Measured<'_>, link: Option<LinkView>) -> BenchView {
    let Measured { plan, machine, disk, source } = here;
    let stages = [
        ("cut", Stage::Cut),
        ("name", Stage::Name),
        ("compress", Stage::Compress),
        ("seal", Stage::Seal),
        ("code", Stage::Code),
        ("restore", Stage::Restore),
    ];
    let stages = stages
        .map(|(name, stage)| StageView { name, bytes_per_second: whole(machine.rate(stage)) });
    BenchView {
        schema: "gbak.bench/1",
        threads: machine.threads,
        redundancy: format!("{}+{}", plan.code.k(), plan.code.m()),
        stages: stages.to_vec(),
        backup_bytes_per_second: whole(machine.backup_rate()),
        restore_bytes_per_second: whole(machine.restore_rate()),
        stored_ratio: machine.ratio(),
        source: source.as_ref().map(|(path, source)| source_view(path, source)),
        disk: DiskView {
            read_bytes_per_second: whole(disk.read),
            write_bytes_per_second: whole(disk.write),
            sync_ms: millis(disk.sync),
            files_per_second: whole(disk.files),
        },
        limit: backup_limit(here, link.as_ref()),
        restore_limit: restore_limit(here, link.as_ref()),
        link,
    }
}

fn whole(rate: Option<f64>) -> u64 {
    rate.unwrap_or_default() as u64
}

fn source_view(path: &Path, source: &Source) -> SourceView {
    let seconds = source.took.as_secs_f64();
    SourceView {
        path: path.to_string_lossy().into_owned(),
        files: source.files,
        bytes: source.bytes,
        unread: source.unread,
        bytes_per_second: whole(source.rate()),
        files_per_second: if seconds > 0.0 { (source.files as f64 / seconds) as u64 } else { 0 },
    }
}

/// Of a byte of source so much is stored, and that with parity leaves. What somebody said of the
/// link goes before what was measured, which goes before what it is limited to.
fn backup_limit(here: &Measured<'_>, link: Option<&LinkView>) -> LimitView {
    let Measured { plan, machine, disk, source } = here;
    let (k, n) = (f64::from(plan.code.k()), plan.code.n() as f64);
    let ratio = machine.ratio();
    let sent = link.and_then(|link| {
        let said = link.up_bytes_per_second;
        match link.measured_up_bytes_per_second {
            Some(measured) => Some(said.map_or(measured, |said| said.min(measured))),
            None => said,
        }
    });
    let read = match source {
        Some((_, source)) => source.rate(),
        None => disk.read,
    };
    slowest(&[
        ("processor", machine.backup_rate()),
        ("source", read),
        ("disk", disk.write.map(|rate| rate / ratio)),
        ("link", sent.map(|rate| rate as f64 / (ratio * n / k))),
    ])
}

/// Any k shards of a pack are its length.
fn restore_limit(here: &Measured<'_>, link: Option<&LinkView>) -> LimitView {
    let Measured { machine, disk, .. } = here;
    let came =
        link.and_then(|link| link.measured_down_bytes_per_second.or(link.down_bytes_per_second));
    slowest(&[
        ("processor", machine.restore_rate()),
        ("disk", disk.write),
        ("link", came.map(|rate| rate as f64 / machine.ratio())),
    ])
}

/// The first of equals is named: what is cheapest to see.
fn slowest(rates: &[(&'static str, Option<f64>)]) -> LimitView {
    let known = rates.iter().filter_map(|(by, rate)| Some((*by, (*rate)?)));
    let (by, least) = known.reduce(|a, b| if b.1 < a.1 { b } else { a }).unwrap_or_default();
    let hours = if least > 0.0 { HUNDRED_GB / least / 3600.0 } else { 0.0 };
    let hours_per_100_gb = (hours * 100.0).round() / 100.0;
    LimitView { by, bytes_per_second: least as u64, hours_per_100_gb }
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 100.0
}

#[cfg(test)]
mod tests;
