//! `gbak away`

use crate::api::backend::Backend;
use crate::api::{Answer, AwayArgs, AwayView, Call, Failure};
use crate::cli::args::Away;
use crate::cli::output::{plural, time};
use crate::cli::progress::Job;
use crate::cli::shell::{Look, Shell};

use super::{ask, wrong_answer};

pub(crate) fn run(
    args: &Away,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let secs = args.long.map(|long| long.as_secs());
    let call = Call::Away(AwayArgs { secs });
    let Answer::Away(view) = ask(backend, call, Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    if shell.look.json {
        shell.print_json(&view)?;
    } else {
        shell.say(&text(&view, &shell.look))?;
    }
    Ok(0)
}

fn text(view: &AwayView, look: &Look) -> String {
    let told = format!("{} of {} told", view.told, plural(view.asked, "connected machine"));
    match &view.until {
        Some(until) => format!("Away until {}: {told}", time(until, &look.zone)),
        None => format!("Not away any more: {told}"),
    }
}

#[cfg(test)]
mod tests;
