//! `gbak schedule`

use crate::api::backend::Backend;
use crate::api::{Answer, Call, Failure, ScheduleArgs, ScheduleView, SetView};
use crate::cli::args::{Schedule, ScheduleFormat, ScheduleWhat};
use crate::cli::output::{ago, escape, table, time};
use crate::cli::progress::Job;
use crate::cli::shell::{Look, Shell};

use super::init::Given;
use super::{ask, backup, service, wrong_answer};

pub(crate) fn run(
    args: &Schedule,
    given: Given<'_>,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    match &args.what {
        None | Some(ScheduleWhat::Show) => show(ScheduleArgs::Show, backend, shell),
        Some(ScheduleWhat::Skip { set }) => show(ScheduleArgs::Skip(set.clone()), backend, shell),
        Some(ScheduleWhat::Run { set }) => backup::run_set(set, backend, shell),
        Some(ScheduleWhat::Print { format }) => {
            let (view, place) =
                (known(ScheduleArgs::Show, backend, shell)?, service::place(given)?);
            let text = match format {
                ScheduleFormat::Cron => place.crontab(&view)?,
                ScheduleFormat::Systemd => place.timers(&view)?,
            };
            shell.print(text.trim_end())?;
            Ok(0)
        }
    }
}

/// The sets as they are in the settings now.
pub(crate) fn known(
    args: ScheduleArgs,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<ScheduleView, Failure> {
    match ask(backend, Call::Schedule(args), Job::Look, shell)? {
        Answer::Schedule(view) => Ok(view),
        _ => Err(wrong_answer()),
    }
}

fn show(args: ScheduleArgs, backend: &impl Backend, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    let view = known(args, backend, shell)?;
    if shell.look.json {
        shell.print_json(&view)?;
    } else {
        shell.print(&text(&view, &shell.look))?;
    }
    Ok(0)
}

fn text(view: &ScheduleView, look: &Look) -> String {
    if view.sets.is_empty() {
        return "No backup sets: [[backup.sets]] in config.toml says what is backed up when"
            .to_owned();
    }
    let columns =
        [("SET", false), ("SCHEDULE", false), ("NEXT", false), ("LAST", false), ("EXIT", true)];
    let rows = view.sets.iter().map(|set| row(set, look)).collect();
    let note =
        if view.agent { "" } else { "\nNo agent runs here, so nothing is scheduled: gbak daemon" };
    format!("{}{note}", table(&columns, rows))
}

fn row(set: &SetView, look: &Look) -> Vec<String> {
    let none = || "-".to_owned();
    let late = if set.late { " !" } else { "" };
    vec![
        escape(&set.name),
        set.schedule.as_deref().map_or_else(none, escape),
        set.next.as_deref().map_or_else(none, |next| time(next, &look.zone)),
        set.last_started.as_deref().map_or_else(|| "never".to_owned(), |last| ago(last, look.now))
            + late,
        set.last_exit.map_or_else(none, |exit| exit.to_string()),
    ]
}

#[cfg(test)]
mod tests;
