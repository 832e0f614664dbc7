//! `gbak leave`: gives back what this machine holds for others.

use crate::api::backend::Backend;
use crate::api::{Answer, Call, Failure, LeaveView};
use crate::cli::args::Global;
use crate::cli::output::plural;
use crate::cli::progress::Job;
use crate::cli::prompts::{Question, confirmed};
use crate::cli::shell::{Look, Shell};

use super::{ask, wrong_answer};

const QUESTION: Question<'static> = Question {
    text: "Move everything of other machines away from here and lend nothing any more? [y/N]",
    flag: "--yes",
    default: Some(""),
};

pub(crate) fn run(
    global: &Global,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    confirmed(QUESTION, global.yes, shell)?;
    let Answer::Leave(view) = ask(backend, Call::Leave, Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    if shell.look.json {
        shell.print_json(&view)?;
    } else {
        shell.print(&text(&view, &shell.look))?;
    }
    Ok(0)
}

fn text(view: &LeaveView, look: &Look) -> String {
    format!(
        "{} ({}) of other machines are elsewhere now. Nothing is lent any more.\n\
         It is safe to uninstall gbak here. Your own backups stay with their holders: keep the 24 \
         words.",
        plural(view.shards_moved, "shard"),
        look.units.size(view.bytes_moved),
    )
}

#[cfg(test)]
mod tests;
