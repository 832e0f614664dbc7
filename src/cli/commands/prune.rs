//! `gbak prune`

use crate::api::backend::Backend;
use crate::api::{Answer, Call, Failure, PruneArgs, PruneView};
use crate::cli::args::Prune;
use crate::cli::output::plural;
use crate::cli::progress::Job;
use crate::cli::shell::{Look, Shell};

use super::{ask, wrong_answer};

pub(crate) fn run(
    args: &Prune,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let call = Call::Prune(PruneArgs {
        max_unused: args.max_unused,
        keep_delete_secs: Some(args.keep_delete.as_secs()),
        dry_run: args.dry_run,
        wait_peers_secs: args.wait_peers.map(|wait| wait.as_secs()),
    });
    let Answer::Prune(view) = ask(backend, call, Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    if shell.look.json {
        shell.print_json(&view)?;
    } else {
        shell.print(&text(&view, &shell.look))?;
    }
    Ok(0)
}

/// What was done, in a few sentences.
pub(super) fn text(view: &PruneView, look: &Look) -> String {
    let size = |bytes| look.units.size(bytes);
    let mut lines = vec![format!(
        "{} of this machine's index, {}: {} not needed, {} needed in part.",
        plural(view.packs, "pack"),
        size(view.bytes),
        view.packs_unused,
        view.packs_repacked
    )];
    let gone = plural(view.packs_unused + view.packs_repacked, "pack");
    if view.dry_run {
        lines.push(format!("Would give up {gone}, {}.", size(view.dropped_bytes)));
    } else if view.packs_unused + view.packs_repacked == 0 {
        lines.push("Nothing to give up.".to_owned());
    } else {
        let (confirmed, asked) = (view.witnesses.confirmed, view.witnesses.asked);
        lines.push(format!(
            "Gave up {gone}, {}, after copying {} to {} new; {confirmed} of {asked} holders \
             confirmed.",
            size(view.dropped_bytes),
            size(view.copied_bytes),
            view.packs_new
        ));
    }
    lines.push(format!("Kept without need: {}.", size(view.unneeded_bytes)));
    if view.packs_adopted + view.packs_forgotten > 0 {
        lines.push(format!(
            "Of packs your other machines gave up, {} are needed and listed here now, {} are not.",
            view.packs_adopted, view.packs_forgotten
        ));
    }
    if !view.dry_run {
        lines.push(format!(
            "Told {}: {} given back, which they free after their quarantine.",
            plural(view.holders_told, "holder"),
            plural(view.shards_given_back, "shard")
        ));
        if view.holders_missed > 0 {
            let missed = plural(view.holders_missed, "holder");
            lines.push(format!("{missed} could not be told now and will be later."));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests;
