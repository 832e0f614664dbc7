//! `gbak guardians`

use crate::api::backend::Backend;
use crate::api::{Answer, Call, Failure, GuardiansArgs, GuardiansView};
use crate::cli::args::{Guardians, GuardiansCommand};
use crate::cli::output::{ago, escape, plural, short, table, time};
use crate::cli::progress::Job;
use crate::cli::shell::{Look, Shell};

use super::{ask, wrong_answer};

pub(crate) fn run(
    args: &Guardians,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let args = match &args.command {
        None | Some(GuardiansCommand::Ls) => GuardiansArgs::List,
        Some(GuardiansCommand::Add { peer }) => GuardiansArgs::Add(peer.clone()),
        Some(GuardiansCommand::Remove { peer }) => GuardiansArgs::Remove(peer.clone()),
    };
    let Answer::Guardians(view) = ask(backend, Call::Guardians(args), Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    if shell.look.json {
        shell.print_json(&view)?;
    } else {
        shell.print(&text(&view, &shell.look))?;
    }
    Ok(0)
}

fn text(view: &GuardiansView, look: &Look) -> String {
    let mut parts = Vec::new();
    if let Some((confirmed, asked)) = view.told {
        parts.push(format!("{confirmed} of {asked} connected machines ended the mandate"));
    }
    if view.guardians.is_empty() {
        parts.push("Nobody looks after your backup while you are away: gbak guardians add".into());
    } else {
        let columns = [("GUARDIAN", false), ("SINCE", false), ("LIST", false), ("PACKS", true)];
        let row = |one: &crate::api::GuardianView| {
            let name = one.name.as_deref().map_or_else(|| short(&one.peer_id), escape);
            let packs = one.packs.to_string();
            vec![name, time(&one.since, &look.zone), ago(&one.entrusted, look.now), packs]
        };
        parts.push(table(&columns, view.guardians.iter().map(row).collect()));
    }
    for ward in &view.wards {
        let when = |time: &Option<String>| {
            time.as_deref().map_or_else(|| "never".to_owned(), |time| ago(time, look.now))
        };
        parts.push(format!(
            "cares for {}: seen {}, last round {}, {} moved",
            short(&ward.owner_id),
            when(&ward.owner_seen),
            when(&ward.last_round),
            plural(ward.shards_moved, "shard"),
        ));
    }
    parts.join("\n")
}

#[cfg(test)]
mod tests;
