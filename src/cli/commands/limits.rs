//! `gbak limits`: how fast this machine sends and receives, and changing that at once.

use crate::api::backend::Backend;
use crate::api::limits::{LimitsArgs, LimitsView, PauseView, SpeedsView};
use crate::api::{Answer, Call, Failure};
use crate::cli::args::{Limits, LimitsSet, LimitsWhat};
use crate::cli::output::{Units, escape, table};
use crate::cli::progress::Job;
use crate::cli::shell::{Look, Shell};

use super::{ask, wrong_answer};

pub(crate) fn run(
    args: &Limits,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let call = match &args.what {
        None | Some(LimitsWhat::Show) => Call::Limits,
        Some(LimitsWhat::Set(set)) => Call::LimitsSet(said(set)),
    };
    let (Answer::Limits(view) | Answer::LimitsSet(view)) = ask(backend, call, Job::Look, shell)?
    else {
        return Err(wrong_answer());
    };
    if shell.look.json {
        shell.print_json(&view)?;
    } else {
        shell.print(&text(&view, &shell.look))?;
    }
    Ok(0)
}

const fn said(set: &LimitsSet) -> LimitsArgs {
    LimitsArgs {
        up: set.up,
        down: set.down,
        per_peer_up: set.per_peer_up,
        per_peer_down: set.per_peer_down,
        limit_lan: set.limit_lan,
    }
}

fn text(view: &LimitsView, look: &Look) -> String {
    let now = &view.in_force;
    let columns = [("", false), ("UP", true), ("DOWN", true)];
    let row = |what: &str, up: Option<u64>, down: Option<u64>| {
        vec![what.to_owned(), speed(up, look.units), speed(down, look.units)]
    };
    let mut rows = vec![
        row("all machines together", now.up, now.down),
        row("each machine", now.per_peer_up, now.per_peer_down),
    ];
    let moved = [view.sent_bytes, view.received_bytes].map(|bytes| look.units.size(bytes));
    let [sent, received] = moved;
    rows.push(vec!["moved since the start".to_owned(), sent, received]);
    let lan = if now.limit_lan {
        "Machines on the local network are limited as well."
    } else {
        "Machines on the local network are not limited."
    };
    let paused = PauseView {
        schema: String::new(),
        backups: view.backups_paused.clone(),
        serving: view.serving_paused.clone(),
    };
    let nothing = paused.backups.is_none() && paused.serving.is_none();
    let paused =
        if nothing { String::new() } else { format!("\n{}", super::pause::text(&paused, look)) };
    format!("{}\n{lan}{}{paused}", table(&columns, rows), difference(view, look.units))
}

/// What the settings say, where something else holds, and why.
fn difference(view: &LimitsView, units: Units) -> String {
    let (configured, now): (&SpeedsView, _) = (&view.configured, &view.in_force);
    if configured == now {
        return String::new();
    }
    let why: Vec<String> = view.reasons.iter().map(|reason| escape(reason)).collect();
    format!(
        "\nThe settings say {} up, {} down. Other speeds hold because of: {}.",
        speed(configured.up, units),
        speed(configured.down, units),
        why.join(", "),
    )
}

fn speed(bytes: Option<u64>, units: Units) -> String {
    bytes.map_or_else(|| "unlimited".to_owned(), |bytes| format!("{}/s", units.size(bytes)))
}

#[cfg(test)]
mod tests;
