//! `gbak forget`

use crate::api::backend::Backend;
use crate::api::{Answer, Call, Failure, ForgetArgs, ForgetGroup, ForgetView, SnapshotView};
use crate::cli::args::Forget;
use crate::cli::output::{escape, path, plural, short, table, time};
use crate::cli::progress::Job;
use crate::cli::shell::{Look, Shell};

use super::{ask, wrong_answer};

pub(crate) fn run(
    args: &Forget,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let answer = ask(backend, Call::Forget(call_args(args)), Job::Look, shell)?;
    let Answer::Forget(view) = answer else { return Err(wrong_answer()) };
    if shell.look.json {
        shell.print_json(&view)?;
    } else {
        shell.print(&text(&view, &shell.look))?;
    }
    Ok(0)
}

fn call_args(args: &Forget) -> ForgetArgs {
    let list = |tags: &String| {
        tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
    };
    ForgetArgs {
        keep_last: args.last.unwrap_or_default(),
        keep_hourly: args.hourly.unwrap_or_default(),
        keep_daily: args.daily.unwrap_or_default(),
        keep_weekly: args.weekly.unwrap_or_default(),
        keep_monthly: args.monthly.unwrap_or_default(),
        keep_yearly: args.yearly.unwrap_or_default(),
        keep_within: args.within.clone(),
        keep_tags: args.keep_tag.iter().map(list).collect(),
        group_by: args.group_by,
        snapshots: args.snapshots.clone(),
        prune: args.prune,
        dry_run: args.dry_run,
        wait_peers_secs: args.wait_peers.map(|wait| wait.as_secs()),
    }
}

fn text(view: &ForgetView, look: &Look) -> String {
    let mut parts: Vec<String> = view.groups.iter().map(|group| one(group, look)).collect();
    parts.push(summary(view));
    parts.extend(view.pruned.iter().map(|pruned| super::prune::text(pruned, look)));
    parts.join("\n\n")
}

fn one(group: &ForgetGroup, look: &Look) -> String {
    let columns = [("", false), ("ID", false), ("TIME", false), ("TAGS", false), ("WHY", false)];
    let row = |verdict: &str, snapshot: &SnapshotView, why: String| {
        vec![
            verdict.to_owned(),
            short(&snapshot.id),
            time(&snapshot.time, &look.zone),
            escape(&snapshot.tags.join(",")),
            why,
        ]
    };
    let kept = group.keep.iter().map(|kept| {
        let why: Vec<String> = kept.reasons.iter().map(|reason| escape(reason)).collect();
        row("keep", &kept.snapshot, why.join(", "))
    });
    let gone = group.forget.iter().map(|snapshot| row("forget", snapshot, String::new()));
    let mut head: Vec<String> = group.host.iter().map(|host| escape(host)).collect();
    head.extend(group.paths.iter().flatten().map(path));
    head.extend(group.tags.iter().map(|tags| format!("tags {}", escape(&tags.join(",")))));
    let head = if head.is_empty() { "All snapshots".to_owned() } else { head.join("  ") };
    format!("{head}\n{}", table(&columns, kept.chain(gone).collect()))
}

fn summary(view: &ForgetView) -> String {
    let mut lines = Vec::new();
    let gone = plural(view.forgotten, "snapshot");
    lines.push(if view.dry_run {
        format!("Would forget {gone} and keep {}. Nothing was changed.", view.kept)
    } else if view.forgotten == 0 {
        format!("Nothing to forget; {} kept.", view.kept)
    } else {
        let (confirmed, asked) = (view.witnesses.confirmed, view.witnesses.asked);
        format!("Forgot {gone}, kept {}; {confirmed} of {asked} holders confirmed.", view.kept)
    });
    if view.forgotten > 0 && view.pruned.is_none() {
        lines.push("Their space on other machines is given back by: gbak prune".to_owned());
    }
    if view.other_devices > 0 {
        let others = plural(view.other_devices, "snapshot");
        lines.push(format!("Not touched: {others} of your other machines; run it there."));
    }
    if view.queued > 0 {
        let queued = plural(view.queued, "snapshot");
        lines.push(format!("Not judged: {queued} not on the grid yet."));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests;
