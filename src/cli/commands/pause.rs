//! `gbak pause` and `gbak resume`.

use crate::api::backend::Backend;
use crate::api::limits::{PauseArgs, PauseView, PausedView};
use crate::api::{Answer, Call, Failure};
use crate::cli::args::Pause;
use crate::cli::output::{escape, time};
use crate::cli::progress::Job;
use crate::cli::shell::{Look, Shell};

use super::{ask, wrong_answer};

pub(crate) fn run(
    args: &Pause,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let secs = args.long.map(|long| long.as_secs());
    show(Call::Pause(PauseArgs { secs, serving: args.serving }), backend, shell)
}

pub(crate) fn run_resume(backend: &impl Backend, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    show(Call::Resume, backend, shell)
}

fn show(call: Call, backend: &impl Backend, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    let (Answer::Pause(view) | Answer::Resume(view)) = ask(backend, call, Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    if shell.look.json {
        shell.print_json(&view)?;
    } else {
        shell.print(&text(&view, &shell.look))?;
    }
    Ok(0)
}

/// Two lines: what becomes of one's own data, and of others'.
pub(crate) fn text(view: &PauseView, look: &Look) -> String {
    let backups = match &view.backups {
        None => "Backups run.".to_owned(),
        Some(paused) => {
            format!("Backups are paused {}: gbak resume. Restores work.", until(paused, look))
        }
    };
    let serving = match &view.serving {
        None => "Other machines can store here and fetch what is theirs.".to_owned(),
        Some(paused) => {
            let until = until(paused, look);
            format!("Other machines can neither store here nor fetch what is theirs {until}.")
        }
    };
    format!("{backups}\n{serving}")
}

fn until(paused: &PausedView, look: &Look) -> String {
    match (paused.reason.as_str(), &paused.until) {
        ("asked", Some(until)) => format!("until {}", time(until, &look.zone)),
        ("asked", None) => "until you resume".to_owned(),
        ("battery", _) => "while on battery".to_owned(),
        ("metered", _) => "while the network is metered".to_owned(),
        (other, _) => escape(other),
    }
}

#[cfg(test)]
mod tests;
