//! `gbak check`

use crate::api::backend::Backend;
use crate::api::{
    Answer, Call, CheckArgs, CheckProblemView, CheckView, Failure, HolderView, codes,
};
use crate::cli::args::Check;
use crate::cli::exit;
use crate::cli::output::{escape, path, plural, short};
use crate::cli::progress::Job;
use crate::cli::shell::{Look, Shell};

use super::{ask, wrong_answer};

/// Most problems shown; `--json` has all of them.
const MAX_SHOWN: usize = 20;
/// Most files shown of one problem.
const MAX_FILES: usize = 5;

pub(crate) fn run(
    args: &Check,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let call = Call::Check(CheckArgs {
        read_data: args.read_data,
        read_subset: args.read_data_subset.clone(),
        wait_peers_secs: args.wait_peers.map(|wait| wait.as_secs()),
    });
    let Answer::Check(view) = ask(backend, call, Job::Look, shell)? else {
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

fn text(view: &CheckView, look: &Look) -> String {
    let mut lines: Vec<String> = view.problems.iter().take(MAX_SHOWN).flat_map(problem).collect();
    if view.problems.len() > MAX_SHOWN {
        lines.push(format!("and {} more: --json shows all", view.problems.len() - MAX_SHOWN));
    }
    let read = if view.read_data {
        format!("; {} fetched and opened", look.units.size(view.bytes_read))
    } else {
        String::new()
    };
    lines.push(format!(
        "{}: {}, {} checked{read}",
        if view.ok { "ok".to_owned() } else { plural(view.problems.len() as u64, "problem") },
        plural(view.snapshots_checked, "snapshot"),
        plural(view.packs_checked, "pack"),
    ));
    lines.push(format!(
        "  shards  {} confirmed, {} missing, {} with holders that do not answer",
        view.shards_confirmed, view.shards_missing, view.shards_unconfirmed,
    ));
    lines.join("\n")
}

/// What is wrong, who is to blame, and which files it hits.
fn problem(problem: &CheckProblemView) -> Vec<String> {
    let mut first = format!("{}  {}", escape(&problem.kind), escape(&problem.message));
    if !problem.holders.is_empty() {
        let holders: Vec<String> = problem.holders.iter().map(holder).collect();
        first = format!("{first}; not on {}", holders.join(", "));
    }
    let mut lines = vec![first];
    // Of a pack that can still be had no file is hit.
    if problem.kind != "damage" {
        let shown = problem.files.iter().take(MAX_FILES);
        lines.extend(shown.map(|file| format!("  {}", path(file))));
        let more = problem.files_total.saturating_sub(MAX_FILES as u64);
        if more > 0 {
            lines.push(format!("  and {more} more"));
        }
    }
    lines
}

fn holder(holder: &HolderView) -> String {
    holder.name.as_deref().map_or_else(|| short(&holder.peer_id), escape)
}

/// What the exit code stands for.
fn left_open(view: &CheckView) -> Option<Failure> {
    let of = |kind: &str| view.problems.iter().filter(|problem| problem.kind == kind).count();
    let (code, count, what) = match view.exit {
        0 => return None,
        code if code == codes::CHECK_LOSS.exit => {
            (codes::CHECK_LOSS, of("loss"), "that cannot be repaired")
        }
        code if code == codes::CHECK_DAMAGE.exit => {
            (codes::CHECK_DAMAGE, of("damage"), "with shards missing, all of it still restorable")
        }
        _ => (codes::PACK_UNAVAILABLE, of("out_of_reach"), "with too few holders connected"),
    };
    Some(code.failure(format!("{} {what}", plural(count as u64, "problem"))))
}

#[cfg(test)]
mod tests;
