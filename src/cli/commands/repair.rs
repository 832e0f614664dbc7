//! `gbak repair`

use crate::api::backend::Backend;
use crate::api::{Answer, Call, Failure, RepairArgs, RepairView, SalvageArgs, SalvageView, codes};
use crate::cli::args::{Repair, RepairWhat};
use crate::cli::exit;
use crate::cli::output::{path, plural, short};
use crate::cli::progress::Job;
use crate::cli::shell::{Look, Shell};

use super::{ask, wrong_answer};

/// Paths shown of one snapshot.
const MAX_PATHS: usize = 10;

pub(crate) fn run(
    args: &Repair,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    match &args.what {
        None => {}
        Some(RepairWhat::Index) => return super::recover::rebuilt(backend, shell),
        Some(RepairWhat::Snapshots { snapshots, forget, dry_run }) => {
            let (snapshots, forget, dry_run) = (snapshots.clone(), *forget, *dry_run);
            let args = SalvageArgs { snapshots, forget, dry_run };
            return salvage(args, backend, shell);
        }
    }
    let wait_peers_secs = args.wait_peers.map(|wait| wait.as_secs());
    let call = Call::Repair(RepairArgs { wait_peers_secs });
    let Answer::Repair(view) = ask(backend, call, Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    show(&view, shell)
}

/// Prints what a repair came to.
pub(super) fn show(view: &RepairView, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    if shell.look.json {
        shell.print_json(view)?;
        return Ok(view.exit);
    }
    shell.say(&text(view, &shell.look))?;
    if let Some(found) = left_open(view) {
        exit::warn(shell, &found);
    }
    Ok(view.exit)
}

fn text(view: &RepairView, look: &Look) -> String {
    if view.packs_repaired == 0 && view.packs_still_degraded == 0 {
        return "Every pack has all its shards".to_owned();
    }
    let size = |bytes| look.units.size(bytes);
    let made = format!(
        "{} repaired: {} made and sent ({}), {} found elsewhere",
        plural(view.packs_repaired, "pack"),
        plural(view.shards_made, "shard"),
        size(view.bytes_sent),
        view.shards_found,
    );
    let (source, peers) = (size(view.bytes_from_source), size(view.bytes_from_peers));
    format!("{made}\nmade from {source} of this machine and {peers} of other holders")
}

/// What the exit code stands for.
fn left_open(view: &RepairView) -> Option<Failure> {
    let degraded = plural(view.packs_still_degraded, "pack");
    match view.exit {
        0 => None,
        code if code == codes::REPAIR_LOSS.exit => {
            let lost = plural(view.packs_lost, "pack");
            Some(codes::REPAIR_LOSS.failure(format!("Too little is left of {lost}")))
        }
        _ => Some(codes::REPAIR_PARTIAL.failure(format!("Shards of {degraded} are still missing"))),
    }
}

fn salvage(
    args: SalvageArgs,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let Answer::Salvage(view) = ask(backend, Call::Salvage(args), Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    if shell.look.json {
        shell.print_json(&view)?;
        return Ok(view.exit);
    }
    shell.say(&salvage_text(&view))?;
    if view.exit != 0 {
        let lacking = view.snapshots.iter().filter(|one| one.salvaged_id.is_none()).count();
        let found = format!("{} cannot be restored whole", plural(lacking as u64, "snapshot"));
        exit::warn(shell, &codes::SALVAGE_LOSS.failure(found));
    }
    Ok(view.exit)
}

fn salvage_text(view: &SalvageView) -> String {
    let mut lines = Vec::new();
    for one in &view.snapshots {
        let what = one.salvaged_id.as_deref().map_or_else(
            || "not made again".to_owned(),
            |id| format!("made again without them as {}", short(id)),
        );
        let lost = plural(one.left_out_total, "path");
        lines.push(format!("{}: {lost} lost, {what}", short(&one.snapshot_id)));
        let shown = one.left_out.iter().take(MAX_PATHS);
        lines.extend(shown.map(|left_out| format!("  {}", path(left_out))));
        let more = one.left_out_total.saturating_sub(MAX_PATHS as u64);
        if more > 0 {
            lines.push(format!("  and {more} more: --json names a thousand"));
        }
    }
    let (checked, lacking) = (view.snapshots_checked, view.snapshots.len() as u64);
    lines.push(match lacking {
        0 => format!("{} can be restored whole", plural(checked, "snapshot")),
        _ => format!("{} of {} lack something", lacking, plural(checked, "snapshot")),
    });
    if view.forgotten > 0 {
        lines.push(format!("{} forgotten", plural(view.forgotten, "original")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests;
