//! `gbak bench`: what this machine, its disk and its link can do, and which of them is in the way.

use std::time::Duration;

use serde::Serialize;

use crate::api::backend::Backend;
use crate::api::{Answer, Call, Failure, codes};
use crate::bench::{self, Disk, Machine, Plan, Stage};
use crate::cli::args::Bench;
use crate::cli::exit::usage;
use crate::cli::files;
use crate::cli::output::{Units, plural, table};
use crate::cli::progress::Job;
use crate::cli::shell::Shell;

use super::ask;

/// What is worked on at most: the sample is kept in memory.
const MOST: u64 = 1 << 30;
/// zstd level, as `gbak backup` has it.
const LEVEL: i32 = 3;

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
    disk: DiskView,
    /// None without an agent.
    link: Option<LinkView>,
    limit: LimitView,
}

#[derive(Debug, Clone, Serialize)]
struct StageView {
    name: &'static str,
    bytes_per_second: u64,
}

#[derive(Debug, Clone, Serialize)]
struct DiskView {
    write_bytes_per_second: u64,
    sync_ms: f64,
    files_per_second: u64,
}

#[derive(Debug, Clone, Default, Serialize)]
struct LinkView {
    /// None when nothing limits it and nobody said how fast it is.
    up_bytes_per_second: Option<u64>,
    peers_online: u64,
    rtt_ms: Option<f64>,
    rtt_ms_most: Option<f64>,
}

/// What is in the way of a first backup.
#[derive(Debug, Clone, Serialize)]
struct LimitView {
    /// `processor`, `disk` or `link`.
    by: &'static str,
    /// Bytes of source a second.
    bytes_per_second: u64,
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
    let machine = bench::machine(&plan)
        .map_err(|error| codes::INTERNAL.failure(format!("Cannot measure: {error}")))?;
    let disk = bench::disk(&args.dir, plan.bytes)
        .map_err(|error| files::failure("write below", &args.dir, &error))?;
    let link = link(args.link, backend, shell);
    let view = view(&plan, &machine, &disk, link);
    if shell.look.json {
        shell.print_json(&view)?;
    } else {
        shell.print(&text(&view, shell.look.units))?;
    }
    Ok(0)
}

/// What the agent knows; a machine without one has no link yet.
fn link(given: Option<u64>, backend: &impl Backend, shell: &mut Shell<'_>) -> Option<LinkView> {
    let mut link = LinkView { up_bytes_per_second: given, ..LinkView::default() };
    let Ok(Answer::Limits(limits)) = ask(backend, Call::Limits, Job::Look, shell) else {
        return given.map(|_| link);
    };
    link.up_bytes_per_second = given.or(limits.in_force.up);
    if let Ok(Answer::Peers(view)) = ask(backend, Call::Peers, Job::Look, shell) {
        let mut rtts: Vec<f64> = view.peers.iter().filter_map(|peer| peer.rtt_ms).collect();
        rtts.sort_by(f64::total_cmp);
        link.peers_online = view.peers.iter().filter(|peer| peer.state == "online").count() as u64;
        link.rtt_ms = rtts.get(rtts.len() / 2).copied();
        link.rtt_ms_most = rtts.last().copied();
    }
    Some(link)
}

fn view(plan: &Plan, machine: &Machine, disk: &Disk, link: Option<LinkView>) -> BenchView {
    let whole = |rate: Option<f64>| rate.unwrap_or_default() as u64;
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
    let (k, n) = (f64::from(plan.code.k()), plan.code.n() as f64);
    let ratio = machine.ratio();
    let sent = link.as_ref().and_then(|link| link.up_bytes_per_second);
    // The first of equals is named: what is cheapest to see.
    let limits = [
        ("processor", machine.backup_rate()),
        ("disk", disk.write.map(|rate| rate / ratio)),
        ("link", sent.map(|rate| rate as f64 / (ratio * n / k))),
    ];
    let known = limits.into_iter().filter_map(|(by, rate)| Some((by, rate?)));
    let (by, least) = known.reduce(|a, b| if b.1 < a.1 { b } else { a }).unwrap_or_default();
    BenchView {
        schema: "gbak.bench/1",
        threads: machine.threads,
        redundancy: format!("{}+{}", plan.code.k(), plan.code.m()),
        stages: stages.to_vec(),
        backup_bytes_per_second: whole(machine.backup_rate()),
        restore_bytes_per_second: whole(machine.restore_rate()),
        stored_ratio: ratio,
        disk: DiskView {
            write_bytes_per_second: whole(disk.write),
            sync_ms: millis(disk.sync),
            files_per_second: whole(disk.files),
        },
        link,
        limit: LimitView { by, bytes_per_second: least as u64 },
    }
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 100.0
}

fn text(view: &BenchView, units: Units) -> String {
    let speed = |rate: u64| format!("{}/s", units.size(rate));
    let rows = view
        .stages
        .iter()
        .map(|stage| vec![format!("  {}", stage.name), speed(stage.bytes_per_second)]);
    let stages = table(&[("stage, on one thread", false), ("OF SOURCE", true)], rows.collect());
    let DiskView { write_bytes_per_second, sync_ms, files_per_second } = view.disk;
    let machine = format!(
        "machine   {}: a first backup {}, a restore {}, at {}",
        plural(view.threads as u64, "thread"),
        speed(view.backup_bytes_per_second),
        speed(view.restore_bytes_per_second),
        view.redundancy
    );
    let disk = format!(
        "disk      {} written and synced, {files_per_second} small files/s, {sync_ms} ms a sync",
        speed(write_bytes_per_second)
    );
    let sent = view.stored_ratio * 100.0;
    [
        stages,
        String::new(),
        machine,
        disk,
        format!("link      {}", link_text(view.link.as_ref(), &speed)),
        format!(
            "limit     the {}: a first backup of data like the sample (half text, half noise, \
             {sent:.0} % of it stored) gets {}",
            view.limit.by,
            speed(view.limit.bytes_per_second)
        ),
    ]
    .join("\n")
}

fn link_text(link: Option<&LinkView>, speed: &impl Fn(u64) -> String) -> String {
    let Some(link) = link else { return "unknown: no agent runs here".to_owned() };
    let up = link.up_bytes_per_second.map_or_else(
        || "no limit is set, and --link SPEED says how fast it is".to_owned(),
        |up| format!("{} to send", speed(up)),
    );
    match (link.rtt_ms, link.rtt_ms_most) {
        (Some(half), Some(most)) => {
            let peers = plural(link.peers_online, "machine");
            format!("{up}; {peers} online, half of them within {half} ms, all within {most} ms")
        }
        _ => format!("{up}; nobody is online"),
    }
}

#[cfg(test)]
mod tests;
