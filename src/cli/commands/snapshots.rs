//! `gbak snapshots`

use crate::api::backend::Backend;
use crate::api::{Answer, Call, Failure, SnapshotView, SnapshotsView};
use crate::cli::output::{escape, path, plural, short, table, time};
use crate::cli::progress::Job;
use crate::cli::shell::{Look, Shell};

use super::{ask, wrong_answer};

pub(crate) fn run(backend: &impl Backend, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    let answer = ask(backend, Call::Snapshots, Job::Look, shell)?;
    let Answer::Snapshots(view) = answer else { return Err(wrong_answer()) };
    show(&view, shell)?;
    Ok(0)
}

/// The list, as text or JSON.
pub(super) fn show(view: &SnapshotsView, shell: &mut Shell<'_>) -> Result<(), Failure> {
    if shell.look.json {
        shell.print_json(view)
    } else {
        let text = text(view, &shell.look);
        shell.print(&text)
    }
}

fn text(view: &SnapshotsView, look: &Look) -> String {
    let total = plural(view.snapshots.len() as u64, "snapshot");
    if view.snapshots.is_empty() {
        return total;
    }
    let columns = [
        ("ID", false),
        ("TIME", false),
        ("HOST", false),
        ("FILES", true),
        ("SIZE", true),
        ("STATE", false),
        ("TAGS", false),
        ("PATHS", false),
    ];
    let rows = view.snapshots.iter().map(|snapshot| row(snapshot, look)).collect();
    format!("{}\n{total}", table(&columns, rows))
}

fn row(snapshot: &SnapshotView, look: &Look) -> Vec<String> {
    let paths: Vec<String> = snapshot.paths.iter().map(path).collect();
    vec![
        short(&snapshot.id),
        time(&snapshot.time, &look.zone),
        escape(&snapshot.hostname),
        snapshot.files.to_string(),
        look.units.size(snapshot.bytes),
        format!("{}{}", escape(&snapshot.state), if snapshot.pinned { ", pinned" } else { "" }),
        escape(&snapshot.tags.join(",")),
        paths.join("  "),
    ]
}

#[cfg(test)]
mod tests;
