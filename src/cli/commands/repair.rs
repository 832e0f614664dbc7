//! `gbak repair`

use crate::api::backend::Backend;
use crate::api::{Answer, Call, Failure, RepairArgs, RepairView, codes};
use crate::cli::args::Repair;
use crate::cli::exit;
use crate::cli::output::plural;
use crate::cli::progress::Job;
use crate::cli::shell::{Look, Shell};

use super::{ask, wrong_answer};

pub(crate) fn run(
    args: &Repair,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
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

#[cfg(test)]
mod tests;
