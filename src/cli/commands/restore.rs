//! `gbak restore`

use crate::api::backend::Backend;
use crate::api::{Answer, Call, Failure, RestoreArgs, RestoreSummary, codes};
use crate::cli::args::Restore;
use crate::cli::exit;
use crate::cli::output::{plural, short, took};
use crate::cli::progress::Job;
use crate::cli::shell::{Look, Shell};

use super::backup::{absolute, repeat_problems};
use super::{ask, wrong_answer};

pub(crate) fn run(
    args: &Restore,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let call = Call::Restore(RestoreArgs {
        snapshot: args.snapshot.clone(),
        target: absolute(&args.target)?,
        include: args.include.clone(),
        exclude: args.exclude.clone(),
        overwrite: args.overwrite.map(Into::into),
        verify: args.verify,
        dry_run: args.dry_run,
        wait_peers_secs: args.wait_peers.map(|wait| wait.as_secs()),
    });
    let Answer::Restore(summary) = ask(backend, call, Job::Fetch, shell)? else {
        return Err(wrong_answer());
    };
    if shell.look.json {
        shell.print_message("summary", &summary)?;
        return Ok(summary.exit);
    }
    repeat_problems(&summary.problems, shell);
    shell.say(&text(&summary, args.dry_run, &shell.look))?;
    if let Some(open) = left_open(&summary) {
        exit::warn(shell, &open);
    }
    Ok(summary.exit)
}

fn text(summary: &RestoreSummary, dry_run: bool, look: &Look) -> String {
    let size = |bytes| look.units.size(bytes);
    let id = short(&summary.snapshot_id);
    let head = if dry_run {
        format!("dry run: nothing of snapshot {id} was written; it would be")
    } else {
        format!("snapshot {id} restored")
    };
    let written = (summary.files_restored, size(summary.bytes_restored), summary.files_skipped);
    let mut lines = vec![
        head,
        format!("  files   {} written ({}), {} left as they were", written.0, written.1, written.2),
        format!("  data    {} received", size(summary.bytes_received)),
    ];
    if summary.files_verified > 0 {
        let verified = plural(summary.files_verified, "file");
        lines.push(format!("  verify  {verified} read back and identical"));
    }
    lines.push(format!("  time    {}", took(summary.seconds_elapsed)));
    lines.join("\n")
}

/// What the summary's exit code stands for.
fn left_open(summary: &RestoreSummary) -> Option<Failure> {
    let count = plural(summary.problems.len() as u64, "item");
    match summary.exit {
        3 => Some(codes::RESTORE_PARTIAL.failure(format!("{count} could not be restored"))),
        6 => Some(codes::DATA_LOSS.failure(format!("{count} cannot be had from the grid now"))),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
