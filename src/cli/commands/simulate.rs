//! `gbak simulate`: a grid lived through in virtual time, in figures, words and a picture.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::api::Failure;
use crate::cli::args::Simulate;
use crate::cli::exit::usage;
use crate::cli::files;
use crate::cli::output::{plural, took};
use crate::cli::shell::{Look, Shell};
use crate::clock::{Clock, SystemClock};
use crate::simulate::{self, Outage, Outcome, Plan};

/// Largest grid whose filling is tried out as a whole.
const FILL_SAMPLE: u32 = 400;

#[derive(Debug, Serialize)]
struct SimulateView {
    schema: &'static str,
    seed: u64,
    peers: u32,
    years: f64,
    k: u8,
    m: u8,
    lanes: u8,
    packs: u64,
    packs_lost: u64,
    packs_unplaced: u64,
    backup_bytes: u64,
    uploads_bytes: u64,
    uploads_minimum_bytes: u64,
    reads_bytes: u64,
    outage_uploads_bytes: u64,
    shards_made: u64,
    shards_made_in_vain: u64,
    departures: u64,
    least_shards: u64,
    fill_spread_p95: f64,
    fill_sample: u32,
    lookups_per_refresh: f64,
    peak_memory_bytes: Option<u64>,
    seconds: f64,
}

pub(crate) fn run(args: &Simulate, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    let plan = plan(args)?;
    let started = Instant::now();
    if !shell.look.json && !shell.look.quiet {
        shell.note(&format!("seed {}: the same command with --seed {0} replays it", plan.seed));
    }
    let outcome = simulate::run(&plan);
    if let Some(path) = &args.svg {
        write(path, &simulate::svg(&outcome))?;
    }
    let view = view(&outcome, started.elapsed());
    if shell.look.json {
        shell.print_json(&view)?;
    } else {
        shell.print(&text(&view, &shell.look))?;
    }
    Ok(0)
}

fn plan(args: &Simulate) -> Result<Plan, Failure> {
    let mut plan = Plan {
        peers: args.peers,
        years: args.years,
        departures: args.departures,
        availability: args.availability,
        absence: args.absence.max(Duration::from_secs(60)),
        seed: args.seed.unwrap_or_else(|| SystemClock.now_secs()),
        data_bytes: args.data,
        sites: args.sites,
        site_losses: args.site_losses,
        fill: args.fill,
        fill_sample: args.peers.min(FILL_SAMPLE),
        source_gone: args.source_gone,
        ..Plan::default()
    };
    // No text is "auto".
    if let Some(text) = args.redundancy.as_deref().filter(|text| !text.is_empty()) {
        let code = text.parse().map_err(|_said| usage("redundancy is like 8+4"))?;
        plan.code = Some(code);
    }
    let range = |text: &Option<String>| text.as_deref().map(str::parse).transpose();
    let proximity = &mut plan.limits.proximity;
    proximity.latency = range(&args.latency).map_err(said)?.unwrap_or(proximity.latency);
    proximity.spread = range(&args.spread).map_err(said)?.unwrap_or(proximity.spread);
    plan.outage = args.outage.map(|lasts| Outage {
        after: Duration::from_secs_f64(args.years * 31_557_600.0 / 2.0),
        lasts,
        share: args.outage_share,
    });
    Ok(plan)
}

fn said(error: impl std::error::Error) -> Failure {
    usage(error.to_string())
}

fn write(path: &Path, picture: &str) -> Result<(), Failure> {
    std::fs::write(path, picture).map_err(|error| files::failure("write", path, &error))
}

fn view(outcome: &Outcome, elapsed: Duration) -> SimulateView {
    let plan = &outcome.plan;
    let least = outcome.history.iter().map(|day| day.least_shards);
    SimulateView {
        schema: "gbak.simulate/1",
        seed: plan.seed,
        peers: plan.peers,
        years: plan.years,
        k: outcome.code.k(),
        m: outcome.code.m(),
        lanes: outcome.lanes,
        packs: outcome.packs,
        packs_lost: outcome.packs_lost,
        packs_unplaced: outcome.packs_unplaced,
        backup_bytes: outcome.backup_bytes,
        uploads_bytes: outcome.uploads_bytes,
        uploads_minimum_bytes: outcome.repair_minimum_bytes as u64,
        reads_bytes: outcome.reads_bytes,
        outage_uploads_bytes: outcome.outage_uploads_bytes,
        shards_made: outcome.shards_made,
        shards_made_in_vain: outcome.shards_made_in_vain,
        departures: outcome.departures,
        least_shards: least.fold(outcome.code.n() as f64, f64::min) as u64,
        fill_spread_p95: outcome.fill_spread_p95,
        fill_sample: plan.fill_sample,
        lookups_per_refresh: outcome.lookups_per_refresh,
        peak_memory_bytes: peak_memory(),
        seconds: elapsed.as_secs_f64(),
    }
}

/// The most memory this process had at once, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

fn text(view: &SimulateView, look: &Look) -> String {
    let size = |bytes| look.units.size(bytes);
    let times = view.uploads_bytes as f64 / (view.uploads_minimum_bytes.max(1)) as f64;
    let mut lines = vec![
        format!(
            "{} lived through {} years: {} left and others came in their place",
            plural(u64::from(view.peers), "peer"),
            view.years,
            view.departures
        ),
        format!(
            "lost      {} of {}; the weakest had {} shards left, {} are needed of {}+{}",
            view.packs_lost,
            plural(view.packs, "pack"),
            view.least_shards,
            view.k,
            view.k,
            view.m
        ),
        format!(
            "backup    {} sent, over {}",
            size(view.backup_bytes),
            plural(u64::from(view.lanes), "lane")
        ),
        format!(
            "repair    {} sent, {times:.2} times the least possible, and {} read",
            size(view.uploads_bytes),
            size(view.reads_bytes)
        ),
        format!(
            "          {} made, {} of them for holders that came back",
            plural(view.shards_made, "shard"),
            view.shards_made_in_vain
        ),
        format!(
            "fill      within {:.1} % of the mean for 95 of 100, tried on {}",
            view.fill_spread_p95 * 100.0,
            plural(u64::from(view.fill_sample), "peer")
        ),
        format!("look-ups  {:.2} for each lane and refresh", view.lookups_per_refresh),
    ];
    if view.packs_unplaced > 0 {
        lines.push(format!(
            "unplaced  {} found no peers within the limits",
            plural(view.packs_unplaced, "pack")
        ));
    }
    let memory = view
        .peak_memory_bytes
        .map_or_else(String::new, |bytes| format!(", {} of memory", size(bytes)));
    lines.push(format!("took      {}{memory}; seed {}", took(view.seconds), view.seed));
    lines.join("\n")
}

#[cfg(test)]
mod tests;
