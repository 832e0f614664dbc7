//! `gbak drive`

use crate::api::backend::Backend;
use crate::api::{
    Answer, Call, DriveAct, DriveAnswer, DriveArgs, DriveTableView, DriveView, Failure,
};
use crate::cli::args::{Drive, DriveWhat};
use crate::cli::output::{escape, path, plural, table};
use crate::cli::progress::Job;
use crate::cli::shell::{Look, Shell};

use super::backup::absolute;
use super::{ask, snapshots, webdav, wrong_answer};

pub(crate) fn run(
    args: &Drive,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    if let DriveWhat::Serve(args) = &args.what {
        return webdav::run_drive(args, backend, shell);
    }
    let Some(asked) = asked(&args.what)? else { return Err(wrong_answer()) };
    let call = Call::Drive(asked);
    let Answer::Drive(answer) = ask(backend, call, Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    match answer {
        DriveAnswer::Status(view) if shell.look.json => shell.print_json(&view)?,
        DriveAnswer::Status(view) => shell.say(&status(&view, &shell.look))?,
        DriveAnswer::Table(view) if shell.look.json => shell.print_json(&view)?,
        DriveAnswer::Table(view) => shell.print(&donors(&view, &shell.look))?,
        DriveAnswer::Snapshots(view) => snapshots::show(&view, shell)?,
        DriveAnswer::Deleted(view) if shell.look.json => shell.print_json(&view)?,
        DriveAnswer::Deleted(view) => {
            let kept = plural(view.snapshots_kept, "commit");
            let name = escape(&view.name);
            shell.say(&format!("Drive {name} is not on this machine any more; {kept} kept"))?;
        }
    }
    Ok(0)
}

/// What the agent is asked; nothing for what is another call.
fn asked(what: &DriveWhat) -> Result<Option<DriveArgs>, Failure> {
    let mut wait_peers_secs = None;
    let (name, act) = match what {
        DriveWhat::Create(args) => {
            (&args.name, DriveAct::Create { size: args.size, cache: args.cache })
        }
        DriveWhat::Mount(args) => {
            wait_peers_secs = args.wait_peers.map(|wait| wait.as_secs());
            let (dir, allow_other) = (absolute(&args.dir)?, args.allow_other);
            let (take_over, read_only) = (args.take_over, args.read_only);
            let without_majority = args.without_majority;
            let mount =
                DriveAct::Mount { dir, allow_other, take_over, without_majority, read_only };
            (&args.name, mount)
        }
        DriveWhat::Serve(_) => return Ok(None),
        DriveWhat::Unmount(args) => (&args.name, DriveAct::Unmount),
        DriveWhat::Status(args) => (&args.name, DriveAct::Status),
        DriveWhat::Sync(args) => (&args.name, DriveAct::Sync { grid: args.wait.is_some() }),
        DriveWhat::Table(args) => (&args.name, DriveAct::Table),
        DriveWhat::Resize(args) => {
            (&args.name, DriveAct::Resize { size: args.size, cache: args.cache })
        }
        DriveWhat::Snapshots(args) => (&args.name, DriveAct::Snapshots),
        DriveWhat::Rollback(args) => {
            (&args.name, DriveAct::Rollback { snapshot: args.snapshot.clone() })
        }
        DriveWhat::Delete(args) => (&args.name, DriveAct::Delete { force: args.force }),
    };
    Ok(Some(DriveArgs { name: name.clone(), act, wait_peers_secs }))
}

fn status(view: &DriveView, look: &Look) -> String {
    let size = |bytes| look.units.size(bytes);
    let place = match &view.dir {
        Some(dir) if view.served => format!("mounted at {} and served", path(dir)),
        Some(dir) => format!("mounted at {}", path(dir)),
        None if view.served => "served".to_owned(),
        None => "not mounted".to_owned(),
    };
    let commit = match &view.committed_snapshot {
        Some(id) => id.chars().take(8).collect(),
        None => "none yet".to_owned(),
    };
    let row = |what: &str, bytes: u64, note: &str| {
        vec![format!("  {what}"), size(bytes), note.to_owned()]
    };
    let following = view.role.as_deref() == Some("follower");
    let rows = if following {
        vec![row("holds", view.stored_bytes, "")]
    } else {
        vec![
            row("holds", view.stored_bytes, ""),
            row("only here", view.dirty_bytes, "in no commit yet"),
            row("queued", view.queued_bytes, "in a commit that is not on the grid yet"),
            row("on this disk", view.cache_bytes, &format!("of {}", size(view.cache_limit_bytes))),
            row("can take", view.available_bytes, "more"),
        ]
    };
    let rows = table(&[("", false), ("", true), ("", false)], rows);
    let trouble = match &view.trouble {
        Some(trouble) => format!("\nCannot be read from the grid: {}", escape(trouble)),
        None => String::new(),
    };
    let (name, rows) = (escape(&view.name), rows.trim_start_matches('\n'));
    let (standing, again) = (standing(view), again(view));
    format!("Drive {name}, {place}, last commit {commit}\n{rows}{standing}{again}{trouble}")
}

/// Where it is to be mounted again, and why it is not yet.
fn again(view: &DriveView) -> String {
    let Some(wanted) = &view.wanted else { return String::new() };
    let reason = wanted.reason.as_ref();
    let reason = reason.map_or_else(String::new, |reason| format!(": {}", escape(reason)));
    format!("\nNot mounted again at {}{reason}", path(&wanted.dir))
}

/// Whether it is this machine's to write; nothing in the usual case.
fn standing(view: &DriveView) -> String {
    let short = |id: &String| escape(&id.chars().take(8).collect::<String>());
    let by = view.taken_by.as_ref().map_or_else(|| "another".to_owned(), short);
    let kept = view.conflict_snapshot.as_ref().map_or_else(String::new, |id| {
        format!("\nWhat only this machine had: snapshot {}", short(id))
    });
    let role = match view.role.as_deref() {
        Some("follower") => match view.unconfirmed_secs {
            Some(secs) => format!("\nFollowed, read only; its last commit as of {secs} s ago"),
            None => {
                "\nFollowed, read only; too few peers to say whether it is its last commit".into()
            }
        },
        Some("fenced") => format!("\nMachine {by} took it over: nothing can be written here"),
        Some("unconfirmed") => {
            "\nToo few peers to say whether another machine writes it: kept here for now".to_owned()
        }
        _ => String::new(),
    };
    role + &kept
}

fn donors(view: &DriveTableView, look: &Look) -> String {
    let size = |bytes| look.units.size(bytes);
    let row = |donor: &crate::api::DonorView| {
        vec![
            escape(&donor.name),
            escape(&donor.state),
            size(donor.donated_bytes),
            size(donor.free_bytes),
            size(donor.mine_bytes),
        ]
    };
    let columns =
        [("computer", false), ("state", false), ("lent", true), ("free", true), ("ours", true)];
    let rows = table(&columns, view.donors.iter().map(row).collect());
    let usable = size(view.usable_bytes);
    format!("{rows}\nFits with {}+{}: {usable}", view.k, view.m)
}

#[cfg(test)]
mod tests;
