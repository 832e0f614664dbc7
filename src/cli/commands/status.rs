//! `gbak status`: one screen, and an exit code for monitoring.

use crate::api::backend::Backend;
use crate::api::{Answer, Call, Failure, StatusView};
use crate::cli::args::Status;
use crate::cli::output::{ago, coarse, escape, plural, since};
use crate::cli::progress::Job;
use crate::cli::shell::{Look, Shell};

use super::{ask, wrong_answer};

pub(crate) fn run(
    args: &Status,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    if let Some(deadline) = args.wait_ready {
        backend.wait_ready(deadline)?;
    }
    let answer = ask(backend, Call::Status, Job::Look, shell)?;
    let Answer::Status(mut view) = answer else { return Err(wrong_answer()) };
    if let Some(limit) = args.max_age {
        apply_max_age(&mut view, limit, &shell.look);
    }
    if shell.look.json {
        shell.print_json(&view)?;
    } else {
        shell.say(&text(&view, &shell.look))?;
    }
    Ok(if args.wait_ready.is_some() { 0 } else { exit(&view.level) })
}

/// What is not known to be fine is at least a warning.
fn exit(level: &str) -> u8 {
    match level {
        "ok" => 0,
        "critical" => crate::api::codes::STATUS_CRITICAL.exit,
        _ => crate::api::codes::STATUS_WARNING.exit,
    }
}

/// A backup older than the limit, or none, is critical.
fn apply_max_age(view: &mut StatusView, limit: std::time::Duration, look: &Look) {
    let age = view.last_backup.as_deref().and_then(|last| since(last, look.now));
    let reason = match age {
        Some(age) if age <= limit => return,
        Some(age) => format!(
            "The last backup is {} old, more than {}",
            coarse(age.as_secs()),
            coarse(limit.as_secs())
        ),
        None => "There is no backup yet".to_owned(),
    };
    "critical".clone_into(&mut view.level);
    view.reasons.insert(0, reason);
}

fn text(view: &StatusView, look: &Look) -> String {
    let mut reasons = view.reasons.iter().map(|reason| escape(reason));
    let word = match view.level.as_str() {
        "ok" => "OK".to_owned(),
        "warning" => "WARNING".to_owned(),
        "critical" => "CRITICAL".to_owned(),
        other => escape(&other.to_uppercase()),
    };
    let fine = "Everything is backed up. You can restore with the 24 words alone.";
    let first = reasons.next().unwrap_or_else(|| fine.to_owned());
    let indent = " ".repeat(word.len() + 2);
    let mut lines = vec![format!("{word}  {first}")];
    lines.extend(reasons.map(|reason| format!("{indent}{reason}")));
    lines.extend(rows(view, look).iter().map(|(name, value)| format!("    {name:<9}  {value}")));
    lines.join("\n")
}

fn rows(view: &StatusView, look: &Look) -> Vec<(&'static str, String)> {
    let time = |time: &Option<String>| {
        time.as_deref().map_or_else(|| "never".to_owned(), |time| ago(time, look.now))
    };
    let mut rows = vec![("backup", time(&view.last_backup)), ("proven", drill(view, look))];
    if let Some(head) = &view.head {
        rows.push(("head", format!("number {}, {}", head.seq, escape(&head.fingerprint))));
    }
    rows.push(("packs", packs(view)));
    rows.extend(places(view).map(|text| ("places", text)));
    rows.extend(view.notes.iter().map(|note| ("", escape(note))));
    rows.push((
        "peers",
        format!("{} of {} online{}", view.peers_online, view.peers_known, lose(view)),
    ));
    rows.push(("give", give(view, look)));
    rows.push(("agent", agent(view)));
    rows
}

fn drill(view: &StatusView, look: &Look) -> String {
    let Some(time) = &view.last_drill else { return "no restore rehearsed yet".to_owned() };
    let Some(proof) = &view.proof else {
        return format!("restore rehearsed {}", ago(time, look.now));
    };
    let same = match proof.identical {
        all if all == proof.files => "all identical".to_owned(),
        same => format!("{same} identical, the others changed since"),
    };
    format!(
        "last drill {}: {}, {}, {same}; full restore would take about {}",
        ago(time, look.now),
        plural(proof.files, "file"),
        look.units.size(proof.bytes),
        coarse(proof.full_restore_seconds.ceil() as u64),
    )
}

fn packs(view: &StatusView) -> String {
    let packs = &view.packs;
    let mut text = format!("{} of {} complete", packs.full, packs.total);
    for (count, what) in [
        (packs.degraded, "with shards missing"),
        (packs.at_risk, "with none to spare"),
        (packs.lost, "lost"),
        (packs.out_of_reach, "not to be had now"),
        (packs.queued, "queued"),
    ] {
        if count > 0 {
            text = format!("{text} · {count} {what}");
        }
    }
    text
}

fn places(view: &StatusView) -> Option<String> {
    let (domains, lose) = (view.domains?, view.can_lose_domains?);
    Some(format!("every pack is in {} or more, {lose} may be lost", plural(domains, "place")))
}

fn lose(view: &StatusView) -> String {
    match view.can_lose {
        Some(count) => format!(" · {count} more may fail"),
        None => String::new(),
    }
}

fn give(view: &StatusView, look: &Look) -> String {
    let size = |bytes| look.units.size(bytes);
    let lent = &view.donation;
    let (donated, used) = (size(lent.donated_bytes), size(lent.used_bytes));
    format!("{donated} lent, {used} used, {} free", size(lent.free_bytes))
}

fn agent(view: &StatusView) -> String {
    let name = escape(&view.name);
    if !view.agent {
        return format!("not running on {name}: gbak daemon");
    }
    let listen: Vec<String> = view.listen.iter().map(|address| escape(address)).collect();
    format!("{name} listens on {}", listen.join(", "))
}

#[cfg(test)]
mod tests;
