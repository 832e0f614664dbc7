//! A benchmark in words.

use crate::api::GaugedView;
use crate::cli::output::{Units, plural, table};

use super::{BenchView, DiskView, LimitView, LinkView, SourceView};

/// All of it.
pub(super) fn page(view: &BenchView, units: Units) -> String {
    let speed = |rate: u64| format!("{}/s", units.size(rate));
    let rows = view
        .stages
        .iter()
        .map(|stage| vec![format!("  {}", stage.name), speed(stage.bytes_per_second)]);
    let stages = table(&[("stage, on one thread", false), ("OF SOURCE", true)], rows.collect());
    let machine = format!(
        "machine   {}: a first backup {}, a restore {}, at {}",
        plural(view.threads as u64, "thread"),
        speed(view.backup_bytes_per_second),
        speed(view.restore_bytes_per_second),
        view.redundancy
    );
    let sent = view.stored_ratio * 100.0;
    let mut lines = vec![stages, String::new(), machine];
    lines.extend(view.source.as_ref().map(|source| source_line(source, units)));
    lines.push(disk_line(&view.disk, &speed));
    lines.push(format!("link      {}", link_text(view.link.as_ref(), &speed)));
    let holders = view.link.iter().flat_map(|link| &link.holders);
    lines.extend(holders.map(|holder| holder_line(holder, &speed)));
    lines.push(format!(
        "limit     the {}: a first backup of data like the sample (half text, half noise, \
         {sent:.0} % of it stored) gets {}",
        view.limit.by,
        at(&view.limit, &speed)
    ));
    lines.push(format!(
        "          the {}: a restore of it gets {}",
        view.restore_limit.by,
        at(&view.restore_limit, &speed)
    ));
    lines.join("\n")
}

fn at(limit: &LimitView, speed: &impl Fn(u64) -> String) -> String {
    let LimitView { bytes_per_second, hours_per_100_gb, .. } = limit;
    format!("{}, 100 GB in {hours_per_100_gb} hours", speed(*bytes_per_second))
}

fn source_line(source: &SourceView, units: Units) -> String {
    let SourceView { path, files, bytes, unread, bytes_per_second, files_per_second } = source;
    let unread = match unread {
        0 => String::new(),
        some => format!("; {} could not be read", plural(*some, "file")),
    };
    format!(
        "source    {}/s, {files_per_second} files/s: {} with {} of {path}{unread}",
        units.size(*bytes_per_second),
        plural(*files, "file"),
        units.size(*bytes)
    )
}

fn disk_line(disk: &DiskView, speed: &impl Fn(u64) -> String) -> String {
    let DiskView { read_bytes_per_second, write_bytes_per_second, sync_ms, files_per_second } =
        *disk;
    format!(
        "disk      {} written and synced, {} read, {files_per_second} small files/s, {sync_ms} ms \
         a sync",
        speed(write_bytes_per_second),
        speed(read_bytes_per_second)
    )
}

fn link_text(link: Option<&LinkView>, speed: &impl Fn(u64) -> String) -> String {
    let Some(link) = link else { return "unknown: no agent runs here".to_owned() };
    let measured = (link.measured_up_bytes_per_second, link.measured_down_bytes_per_second);
    let up = match (measured, link.up_bytes_per_second) {
        ((Some(up), Some(down)), said) => {
            let said = said.map_or_else(String::new, |said| format!(" (limit {})", speed(said)));
            format!("{} to send{said} and {} to receive, measured", speed(up), speed(down))
        }
        (_, Some(up)) => format!("{} to send, not measured", speed(up)),
        (_, None) => {
            let none = "not measured: nobody who is online keeps anything of yours yet";
            format!("{none}, and --link SPEED says how fast it is")
        }
    };
    match (link.rtt_ms, link.rtt_ms_most) {
        (Some(half), Some(most)) => {
            let peers = plural(link.peers_online, "machine");
            format!("{up}; {peers} online, half of them within {half} ms, all within {most} ms")
        }
        _ => format!("{up}; nobody is online"),
    }
}

fn holder_line(holder: &GaugedView, speed: &impl Fn(u64) -> String) -> String {
    let told = |rate: Option<u64>| rate.map_or_else(|| "too slow to tell".to_owned(), speed);
    let away = holder.rtt_ms.map_or_else(String::new, |rtt| format!(", {rtt} ms away"));
    format!(
        "          {}: {} to send, {} to receive{away}",
        holder.name,
        told(holder.up_bytes_per_second),
        told(holder.down_bytes_per_second)
    )
}
