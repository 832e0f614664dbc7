//! `gbak drill`

use crate::api::backend::Backend;
use crate::api::{Answer, Call, DrillArgs, DrillView, Failure, codes};
use crate::cli::args::Drill;
use crate::cli::exit;
use crate::cli::output::{coarse, escape, plural, short, took};
use crate::cli::progress::Job;
use crate::cli::shell::{Look, Shell};

use super::{ask, wrong_answer};

/// Most problems shown; `--json` has all of them.
const MAX_SHOWN: usize = 20;

pub(crate) fn run(
    args: &Drill,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let call = Call::Drill(DrillArgs {
        files: args.files,
        max_bytes: args.max_bytes,
        without_peers: args.without_peers,
        wait_peers_secs: args.wait_peers.map(|wait| wait.as_secs()),
    });
    let Answer::Drill(view) = ask(backend, call, Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    if shell.look.json {
        shell.print_json(&view)?;
        return Ok(view.exit);
    }
    shell.say(&text(&view, &shell.look))?;
    if let Some(found) = left_open(&view) {
        exit::warn(shell, &found);
    }
    Ok(view.exit)
}

fn text(view: &DrillView, look: &Look) -> String {
    let size = |bytes| look.units.size(bytes);
    let mut lines = vec![
        format!(
            "found {} with the keys alone in {}: head number {}, given by {} of {} peers",
            plural(view.snapshots, "snapshot"),
            took(view.seconds_index),
            view.head_seq,
            view.witnesses.confirmed,
            view.witnesses.asked,
        ),
        format!(
            "restored {} of {}, {}, of snapshot {} in {}",
            view.files,
            plural(view.files_total, "file"),
            size(view.bytes),
            short(&view.snapshot_id),
            took(view.seconds_restore),
        ),
        format!(
            "compared with the live files: {} identical, {} changed since, {} different",
            view.identical, view.changed, view.differing,
        ),
    ];
    if !view.aside.is_empty() {
        let name = |aside: &crate::api::HolderView| {
            aside.name.as_deref().map_or_else(|| short(&aside.peer_id), escape)
        };
        let names: Vec<String> = view.aside.iter().map(name).collect();
        lines.push(format!("as if {} were gone", names.join(", ")));
    }
    if let Some(full) = view.full_restore_seconds {
        let rate = view.bytes_per_second.unwrap_or_default();
        lines.push(format!(
            "a full restore would take about {} ({}/s)",
            coarse(full.ceil() as u64),
            size(rate as u64),
        ));
    }
    let shown = view.problems.iter().take(MAX_SHOWN);
    let problem = |problem: &crate::api::ProblemView| {
        format!("failed  {}: {}", escape(&problem.item), escape(&problem.message))
    };
    lines.extend(shown.map(problem));
    if view.problems.len() > MAX_SHOWN {
        lines.push(format!("and {} more: --json shows all", view.problems.len() - MAX_SHOWN));
    }
    lines.join("\n")
}

/// What the exit code stands for.
fn left_open(view: &DrillView) -> Option<Failure> {
    let failed = plural(view.problems.len() as u64, "problem");
    let code = match view.exit {
        0 => return None,
        code if code == codes::DRILL_LOSS.exit => codes::DRILL_LOSS,
        _ => codes::DRILL_FAILED,
    };
    Some(code.failure(format!("The drill met {failed}")))
}

#[cfg(test)]
mod tests;
