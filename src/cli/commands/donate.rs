//! `gbak donate`: the split of the disk, as a sum that can be followed.

use crate::api::backend::Backend;
use crate::api::setup::{Amount, Lend};
use crate::api::{
    Answer, Call, CountView, DiskView, DonateAct, DonateArgs, DonateView, Failure, ScrubView,
};
use crate::cli::args::{Donate, DonateWhat};
use crate::cli::output::{ago, escape, plural, table};
use crate::cli::progress::Job;
use crate::cli::shell::{Look, Shell};

use super::backup::absolute;
use super::{ask, wrong_answer};

pub(crate) fn run(
    args: &Donate,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let call = match &args.what {
        None | Some(DonateWhat::Show) => Call::Donate,
        Some(change) => Call::DonateSet(changes(change)?),
    };
    let (Answer::Donate(view) | Answer::DonateSet(view)) = ask(backend, call, Job::Look, shell)?
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

fn changes(what: &DonateWhat) -> Result<DonateArgs, Failure> {
    let size = |size: Amount| Lend { donate: Some(size), ..Lend::default() };
    let (act, disks, lend) = match what {
        DonateWhat::Show => (DonateAct::Set, &[][..], Lend::default()),
        DonateWhat::Set(set) => {
            let (min_free, safe_area) = (set.min_free, set.safe_area);
            (DonateAct::Set, &set.disk[..], Lend { min_free, safe_area, ..size(set.size) })
        }
        DonateWhat::Add(add) => {
            let (min_free, safe_area) = (add.min_free, add.safe_area);
            let lend = Lend { min_free, safe_area, ..size(add.size) };
            (DonateAct::Add, std::slice::from_ref(&add.path), lend)
        }
        DonateWhat::Shrink(shrink) => (DonateAct::Shrink, &shrink.disk[..], size(shrink.size)),
        DonateWhat::Stop(stop) => (DonateAct::Stop, &stop.disk[..], size(Amount::Bytes(0))),
    };
    let disks = disks.iter().map(|path| absolute(path)).collect::<Result<_, _>>()?;
    Ok(DonateArgs { act, disks, lend })
}

fn text(view: &DonateView, look: &Look) -> String {
    let mut parts: Vec<String> = view.disks.iter().map(|disk| one(disk, look)).collect();
    let known = [scrub(&view.scrub, look), count(&view.count, look)];
    let known: Vec<String> = known.into_iter().flatten().collect();
    parts.extend((!known.is_empty()).then(|| known.join("\n")));
    parts.join("\n\n")
}

/// What the last count of what is stored came to.
fn count(count: &CountView, look: &Look) -> Option<String> {
    let last = count.last.as_ref()?;
    let (files, size) = (plural(count.files, "file"), look.units.size(count.bytes));
    let mut line = format!("Counted {}: {files}, {size}", ago(last, look.now));
    let found = [
        (count.orphans, "left over and removed"),
        (count.lost, "gone or cut short"),
        (count.corrected, "figures set right"),
        (count.skipped, "away"),
    ];
    for (count, what) in found.into_iter().filter(|(count, _)| *count > 0) {
        line = format!("{line}, {count} {what}");
    }
    Some(format!("{line}."))
}

/// What is known of how sound the stored shards are, once they were read again.
fn scrub(scrub: &ScrubView, look: &Look) -> Option<String> {
    let mut lines = Vec::new();
    if let Some(last) = &scrub.last {
        let (count, size) = (plural(scrub.shards, "shard"), look.units.size(scrub.bytes));
        let mut line = format!("Read again {}: {count}, {size}", ago(last, look.now));
        for (count, what) in [(scrub.found, "found damaged"), (scrub.skipped, "not to be read")] {
            if count > 0 {
                line = format!("{line}, {count} {what}");
            }
        }
        lines.push(format!("{line}."));
    }
    if let Some(count) = scrub.running {
        lines.push(format!("Being read again: {} so far.", plural(count, "shard")));
    }
    if scrub.rotten + scrub.missing > 0 {
        lines.push(format!(
            "{} damaged and {} gone: their owners are told. Is the disk failing?",
            plural(scrub.rotten, "shard"),
            scrub.missing
        ));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Two sums, and what follows from the smaller one.
fn one(disk: &DiskView, look: &Look) -> String {
    if disk.state == "away" || disk.state == "wrong-disk" {
        return format!("{}\n{}", escape(&disk.path), outcome(disk, look));
    }
    let row = |what: &str, bytes: u64, note: &str| {
        vec![format!("  {what}"), look.units.size(bytes), note.to_owned()]
    };
    let left = disk.donated_bytes.saturating_sub(disk.used_bytes);
    let kept_empty = disk.floor_bytes.saturating_add(disk.safe_area_bytes);
    let room = disk.free_bytes.saturating_sub(kept_empty);
    let rows = vec![
        row("disk", disk.total_bytes, ""),
        row("- reserved", disk.reserved_bytes, "for this machine's own use"),
        row("= donated", disk.donated_bytes, ""),
        row("- used", disk.used_bytes, "taken by shards of other machines"),
        row("  given back", disk.quarantined_bytes, "part of used, freed after the quarantine"),
        row("= left", left, ""),
        row("free now", disk.free_bytes, ""),
        row("- floor", disk.floor_bytes, "below it nothing more is taken in"),
        row("- safe area", disk.safe_area_bytes, "stays empty above the floor"),
        row("= room", room, ""),
    ];
    let columns = [("", false), ("", true), ("", false)];
    let sums = table(&columns, rows);
    let sums = sums.trim_start_matches('\n');
    format!("{}\n{sums}\n{}", escape(&disk.path), outcome(disk, look))
}

fn outcome(disk: &DiskView, look: &Look) -> String {
    let size = |bytes| look.units.size(bytes);
    match disk.state.as_str() {
        "open" => format!("New shards may take {}.", size(disk.available_bytes)),
        "full" => "New shards are refused: there is no room left.".to_owned(),
        "over" => format!(
            "New shards are refused: {} more is stored than lent. It stays as long as its owners \
             need it.",
            size(disk.used_bytes.saturating_sub(disk.donated_bytes))
        ),
        "below-floor" => format!(
            "New shards are refused: the disk lacks {} to its floor.",
            size(disk.floor_bytes.saturating_sub(disk.free_bytes))
        ),
        "off" if disk.used_bytes == 0 => "Nothing is lent: gbak donate set SIZE".to_owned(),
        "off" => "Nothing is lent. What is stored stays as long as its owners need it.".to_owned(),
        "away" => format!(
            "The disk is away. {} of other machines are on it, which count as away as well.",
            size(disk.used_bytes)
        ),
        "wrong-disk" => format!(
            "Another disk is mounted here. {} of other machines are on the one that is away.",
            size(disk.used_bytes)
        ),
        other => escape(other),
    }
}

#[cfg(test)]
mod tests;
