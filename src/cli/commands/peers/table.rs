//! The table of peers as text: narrow enough for a terminal of [`NARROW`] columns, or wide with
//! every amount; and the card of one of them.
//!
//! What is not known is a dash. Of a machine that is not here, the column of its path tells until
//! when it said to be away, or when it was last seen.

use std::time::Duration;

use jiff::Timestamp;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::api::{AuditView, PeerView, PeersView, PingView, StatedView};
use crate::cli::output::{Column, ago, escape, month, plural, since, table};
use crate::cli::shell::Look;

/// Most columns of the narrow table, as long as sizes have units.
pub(super) const NARROW: usize = 100;
/// However little room is left, so much of a name is shown.
const SHORTEST_NAME: usize = 8;
/// However much there is: long names are told apart by their beginnings.
const LONGEST_NAME: usize = 24;
/// Between two columns.
const GAP: usize = 2;
/// An announced end that is nearer is told as a day of the week.
const WEEK: Duration = Duration::from_secs(6 * 86_400);

/// Everything about one machine, a line each.
pub(super) fn card(peer: &PeerView, look: &Look) -> String {
    let size = |bytes| look.units.size(bytes);
    let time = |text: &Option<String>| {
        text.as_deref().map_or_else(|| "-".to_owned(), |text| ago(text, look.now))
    };
    let until = |text: &str| crate::cli::output::time(text, &look.zone);
    let lines = [
        ("name", escape(&peer.name)),
        ("id", escape(&peer.peer_id)),
        ("member", escape(&peer.owner_id)),
        ("state", format!("{} ({})", escape(&peer.state), escape(&peer.standing))),
        ("away until", peer.away_until.as_deref().map_or_else(|| "-".to_owned(), until)),
        ("last seen", time(&peer.last_seen)),
        ("site", peer.site.as_deref().map_or_else(|| "-".to_owned(), escape)),
        ("path", escape(&peer.path)),
        ("round trip", peer.rtt_ms.map_or_else(|| "-".to_owned(), rtt)),
        ("disk", size(peer.total_bytes)),
        ("reserved", size(peer.reserved_bytes)),
        ("donates", size(peer.donated_bytes)),
        ("used", format!("{}, {} of it mine", size(peer.used_bytes), share(peer))),
        ("free", size(peer.free_bytes)),
        ("mine here", size(peer.mine_here_bytes)),
        ("it signs", peer.stated.as_ref().map_or_else(|| "-".to_owned(), |it| signed(it, look))),
        ("theirs here", size(peer.theirs_here_bytes)),
        ("audits", audit(&peer.audit)),
        ("since", month(&peer.since, &look.zone)),
    ];
    let lines = lines.map(|(what, value)| format!("{what:<12} {value}"));
    lines.join("\n")
}

/// A holder's word beside our records.
fn signed(said: &StatedView, look: &Look) -> String {
    let size = |bytes| look.units.size(bytes);
    let shards = plural(said.shards, "shard");
    let ours = format!("{} in {}", size(said.mine_bytes), plural(said.mine_shards, "shard"));
    let compared = match said.compared.as_str() {
        "same" => "as our records".to_owned(),
        "more" => {
            format!("our records: {ours}; the rest is of your other machines, or on its way out")
        }
        "less" => format!("less than our records: {ours}"),
        other => escape(other),
    };
    let left = match said.left_shards {
        0 => String::new(),
        _ => format!("; and {} in quarantine", size(said.left_bytes)),
    };
    format!("{} in {shards}, {}; {compared}{left}", size(said.bytes), ago(&said.heard, look.now))
}

/// How much of what it stores is mine.
fn share(peer: &PeerView) -> String {
    if peer.used_bytes == 0 {
        return "-".to_owned();
    }
    let share = peer.mine_here_bytes as f64 / peer.used_bytes as f64;
    format!("{:.0} %", share.min(1.0) * 100.0)
}

/// The table, and a line about all of it.
pub(super) fn text(view: &PeersView, wide: bool, look: &Look) -> String {
    let summary = summary(view, look);
    if view.peers.is_empty() {
        return format!("No other machine in this grid yet: gbak invite\n{summary}");
    }
    let table = if wide { all_of(view, look) } else { narrow(view, look) };
    format!("{table}\n{summary}")
}

fn narrow(view: &PeersView, look: &Look) -> String {
    let window = view.peers.iter().map(|peer| peer.audit.window_days).max().unwrap_or_default();
    let audited = format!("AUDIT {window}d");
    let mut columns: Vec<Column<&str>> =
        vec![("PEER", false), ("STATE", false), ("PATH", false), ("RTT", true)];
    columns.extend([("DONATES", true), ("FREE", true), ("MINE HERE", true), ("THEIRS HERE", true)]);
    if window > 0 {
        columns.push((&audited, true));
    }
    columns.push(("SINCE", false));
    let row = |peer: &PeerView| {
        let size = |bytes| look.units.brief(bytes);
        let mut cells = beginning(peer, look);
        cells.extend([size(peer.donated_bytes), free(peer, size), size(peer.mine_here_bytes)]);
        cells.push(size(peer.theirs_here_bytes));
        if window > 0 {
            cells.push(audit(&peer.audit));
        }
        cells.push(month(&peer.since, &look.zone));
        cells
    };
    let mut rows: Vec<Vec<String>> = view.peers.iter().map(row).collect();
    fit(&mut columns, &mut rows);
    table(&columns, rows)
}

/// Cuts names, and if that is not enough leaves the last column out, until it is narrow.
fn fit(columns: &mut Vec<Column<&str>>, rows: &mut [Vec<String>]) {
    let taken = |columns: &[Column<&str>], rows: &[Vec<String>]| {
        let width = |(at, (head, _)): (usize, &Column<&str>)| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width());
            cells.chain([head.width()]).max().unwrap_or_default() + GAP
        };
        columns.iter().enumerate().skip(1).map(width).sum::<usize>()
    };
    let mut room = NARROW.saturating_sub(taken(columns, rows));
    if room < SHORTEST_NAME {
        columns.pop();
        rows.iter_mut().for_each(|row| drop(row.pop()));
        room = NARROW.saturating_sub(taken(columns, rows));
    }
    let room = room.clamp(SHORTEST_NAME, LONGEST_NAME);
    for name in rows.iter_mut().filter_map(|row| row.first_mut()) {
        *name = clip(name, room);
    }
}

/// The beginning of a text that is too wide.
fn clip(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut width = 1;
    let fits = |letter: &char| {
        width += letter.width().unwrap_or_default();
        width <= room
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    cut.push('…');
    cut
}

/// Name, state, path and round trip; of who is not here, until when or since when.
fn beginning(peer: &PeerView, look: &Look) -> Vec<String> {
    let online = peer.state == "online";
    let path = match peer.state.as_str() {
        "online" => escape(&peer.path),
        "away" => peer.away_until.as_deref().map_or_else(|| "-".to_owned(), |at| till(at, look)),
        _ => {
            let seen = peer.last_seen.as_deref().and_then(|seen| since(seen, look.now));
            seen.map_or_else(|| "-".to_owned(), |age| format!("last {} ago", brief(age)))
        }
    };
    let rtt = peer.rtt_ms.filter(|_| online).map_or_else(|| "-".to_owned(), rtt);
    vec![escape(&peer.name), escape(&peer.state), path, rtt]
}

/// A near day by its name, a far one by its date.
fn till(text: &str, look: &Look) -> String {
    let Ok(at) = text.parse::<Timestamp>() else { return "-".to_owned() };
    let left = Duration::try_from(at.duration_since(look.now)).unwrap_or_default();
    let format = if left <= WEEK { "till %a" } else { "till %m-%d" };
    at.to_zoned(look.zone.clone()).strftime(format).to_string()
}

/// One number and one letter.
fn brief(age: Duration) -> String {
    const STEPS: [(u64, char); 3] = [(86_400, 'd'), (3600, 'h'), (60, 'm')];
    let secs = age.as_secs();
    match STEPS.iter().find(|(step, _)| secs >= *step) {
        Some((step, letter)) => format!("{}{letter}", secs / step),
        None => format!("{secs}s"),
    }
}

/// What an absent peer has free is not known, only what it had.
fn free(peer: &PeerView, size: impl Fn(u64) -> String) -> String {
    if peer.state == "online" { size(peer.free_bytes) } else { "-".to_owned() }
}

fn all_of(view: &PeersView, look: &Look) -> String {
    let audited = view.peers.iter().any(|peer| peer.audit.window_days > 0);
    let mut columns = vec![("PEER", false), ("STATE", false), ("PATH", false), ("RTT", true)];
    columns.extend([("DISK", true), ("RESERVED", true), ("DONATES", true), ("USED", true)]);
    columns.extend([("FREE", true), ("MINE HERE", true), ("IT SIGNS", true), ("MY SHARE", true)]);
    columns.push(("THEIRS HERE", true));
    if audited {
        columns.push(("AUDIT", true));
    }
    columns.push(("SINCE", false));
    let mut rows: Vec<_> = view.peers.iter().map(|peer| wide_row(peer, audited, look)).collect();
    rows.push(sums(view, audited, look));
    table(&columns, rows)
}

fn wide_row(peer: &PeerView, audited: bool, look: &Look) -> Vec<String> {
    let size = |bytes| look.units.size(bytes);
    let mut cells = beginning(peer, look);
    cells.extend([size(peer.total_bytes), size(peer.reserved_bytes), size(peer.donated_bytes)]);
    cells.extend([size(peer.used_bytes), free(peer, size), size(peer.mine_here_bytes)]);
    cells.push(peer.stated.as_ref().map_or_else(|| "-".to_owned(), |said| mark(said, look)));
    cells.extend([share(peer), size(peer.theirs_here_bytes)]);
    if audited {
        cells.push(audit(&peer.audit));
    }
    cells.push(month(&peer.since, &look.zone));
    cells
}

/// A holder's figure: `+` when it is more than our records say, `!` when it is less.
fn mark(said: &StatedView, look: &Look) -> String {
    let mark = match said.compared.as_str() {
        "same" => "",
        "more" => " +",
        _ => " !",
    };
    format!("{}{mark}", look.units.size(said.bytes))
}

/// The others' amounts added up; free is what those who are here have.
fn sums(view: &PeersView, audited: bool, look: &Look) -> Vec<String> {
    let sum = |of: &dyn Fn(&PeerView) -> u64| {
        look.units.size(view.peers.iter().map(of).fold(0, u64::saturating_add))
    };
    let here = |peer: &PeerView| if peer.state == "online" { peer.free_bytes } else { 0 };
    let said = |peer: &PeerView| peer.stated.as_ref().map_or(0, |said| said.bytes);
    let mut cells = vec!["SUM".to_owned(), String::new(), String::new(), String::new()];
    cells.extend([sum(&|peer| peer.total_bytes), sum(&|peer| peer.reserved_bytes)]);
    cells.extend([sum(&|peer| peer.donated_bytes), sum(&|peer| peer.used_bytes)]);
    cells.extend([sum(&here), sum(&|peer| peer.mine_here_bytes), sum(&said), String::new()]);
    cells.push(sum(&|peer| peer.theirs_here_bytes));
    if audited {
        cells.push(String::new());
    }
    cells.push(String::new());
    cells
}

/// Proved of all; `!` when some failed.
fn audit(audit: &AuditView) -> String {
    if audit.window_days == 0 {
        return "-".to_owned();
    }
    let mark = if audit.failed > 0 { " !" } else { "" };
    format!("{}/{}{mark}", audit.proved, audit.proved.saturating_add(audit.failed))
}

/// Below 10 ms a digit says something.
fn rtt(milliseconds: f64) -> String {
    if milliseconds < 10.0 {
        format!("{milliseconds:.1}ms")
    } else if milliseconds < 10_000.0 {
        format!("{milliseconds:.0}ms")
    } else {
        format!("{:.0}s", milliseconds / 1000.0)
    }
}

/// How fast a machine answered.
pub(super) fn answered(view: &PingView) -> String {
    let (name, count) = (escape(&view.name), view.rtts_ms.len());
    let asked = plural(u64::from(view.asked), "ping");
    if count == 0 {
        return format!("{name} answered none of {asked}");
    }
    let least = view.rtts_ms.iter().copied().fold(f64::INFINITY, f64::min);
    let most = view.rtts_ms.iter().copied().fold(0.0, f64::max);
    let mean = view.rtts_ms.iter().sum::<f64>() / count as f64;
    let path = escape(&view.path);
    format!(
        "{name} ({path}) answered {count} of {asked}: {} at least, {} on average, {} at most",
        rtt(least),
        rtt(mean),
        rtt(most)
    )
}

fn summary(view: &PeersView, look: &Look) -> String {
    let size = |bytes| look.units.brief(bytes);
    let (me, totals) = (&view.me, &view.totals);
    let stored = view.peers.iter().map(|peer| peer.mine_here_bytes).fold(0, u64::saturating_add);
    let lose = match view.can_lose {
        None => String::new(),
        Some(count) => format!(" · any {count} more may be lost"),
    };
    format!(
        "{}, {} online · you give {} ({} used), use {}{lose}",
        plural(view.peers.len() as u64, "peer"),
        totals.online.saturating_sub(1),
        size(me.donated_bytes),
        size(me.used_bytes),
        size(stored),
    )
}
