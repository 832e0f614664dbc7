//! `gbak tag`, `gbak pin`, `gbak unpin`

use crate::api::backend::Backend;
use crate::api::{Answer, Call, Failure, MarkArgs};
use crate::cli::args::{Pin, Tag};
use crate::cli::output::plural;
use crate::cli::progress::Job;
use crate::cli::shell::Shell;

use super::{ask, wrong_answer};

pub(crate) fn run(
    args: &Tag,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let set = (!args.set.is_empty()).then(|| list(&args.set));
    let (add, remove, snapshots) = (list(&args.add), list(&args.remove), args.snapshots.clone());
    say(MarkArgs { snapshots, set, add, remove, pinned: None }, backend, shell)
}

pub(crate) fn pin(
    args: &Pin,
    pinned: bool,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let snapshots = args.snapshots.clone();
    say(MarkArgs { snapshots, pinned: Some(pinned), ..MarkArgs::default() }, backend, shell)
}

/// Tags with commas between them, or each by itself.
fn list(given: &[String]) -> Vec<String> {
    let tags = given.iter().flat_map(|tags| tags.split(',')).map(str::trim);
    tags.filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

fn say(args: MarkArgs, backend: &impl Backend, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    let Answer::Mark(view) = ask(backend, Call::Mark(args), Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    if shell.look.json {
        shell.print_json(&view)?;
    } else {
        let (changed, named) = (view.changed, plural(view.snapshots, "snapshot"));
        shell.say(&format!("{changed} of {named} changed"))?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests;
