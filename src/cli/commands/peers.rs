//! `gbak peers`

use crate::api::backend::Backend;
use crate::api::{Answer, AuditView, Call, Failure, PeerView, PeersView, codes, is_called};
use crate::cli::args::{Peers, PeersWhat};
use crate::cli::exit;
use crate::cli::output::{Column, escape, month, plural, table};
use crate::cli::progress::Job;
use crate::cli::prompts::{Question, confirmed};
use crate::cli::shell::{Look, Shell};

use super::{ask, wrong_answer};

pub(crate) fn run(
    args: &Peers,
    yes: bool,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    match &args.what {
        None | Some(PeersWhat::Ls) => list(args.wide, backend, shell),
        Some(PeersWhat::Show { peer }) => show(peer, backend, shell),
        Some(PeersWhat::Lost { peer }) => lost(peer, yes, backend, shell),
        Some(PeersWhat::Evacuate { peer }) => evacuate(peer, backend, shell),
    }
}

fn lost(
    peer: &str,
    yes: bool,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let text = format!("Give {} up for good and send what it had to others? [y/N]", escape(peer));
    confirmed(Question { text: &text, flag: "--yes", default: Some("") }, yes, shell)?;
    let call = Call::PeerLost(peer.to_owned());
    let Answer::Repair(view) = ask(backend, call, Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    super::repair::show(&view, shell)
}

fn evacuate(peer: &str, backend: &impl Backend, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    let call = Call::Evacuate(peer.to_owned());
    let Answer::Evacuate(view) = ask(backend, call, Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    if shell.look.json {
        shell.print_json(&view)?;
        return Ok(view.exit);
    }
    let moved = plural(view.shards_moved, "shard");
    let sent = shell.look.units.size(view.bytes_sent);
    shell.say(&format!("{moved} moved away from {} ({sent} sent)", escape(peer)))?;
    if view.shards_left > 0 {
        let left = plural(view.shards_left, "shard");
        let message = format!("{left} of yours stay with {}", escape(peer));
        exit::warn(shell, &codes::EVACUATED_PARTLY.failure(message));
    }
    Ok(view.exit)
}

fn list(wide: bool, backend: &impl Backend, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    let view = known(backend, shell)?;
    if shell.look.json {
        shell.print_json(&view)?;
    } else {
        shell.print(&text(&view, wide, &shell.look))?;
    }
    Ok(0)
}

fn known(backend: &impl Backend, shell: &mut Shell<'_>) -> Result<PeersView, Failure> {
    let Answer::Peers(view) = ask(backend, Call::Peers, Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    Ok(view)
}

fn show(wanted: &str, backend: &impl Backend, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    let view = known(backend, shell)?;
    let is_meant = |peer: &&PeerView| is_called(wanted, &peer.name, &peer.peer_id);
    let all: Vec<&PeerView> = std::iter::once(&view.me).chain(&view.peers).collect();
    match all.into_iter().filter(is_meant).collect::<Vec<_>>().as_slice() {
        [peer] if shell.look.json => shell.print_json(*peer)?,
        [peer] => shell.print(&card(peer, &shell.look))?,
        [] => {
            let message = format!("No known machine is called {}", escape(wanted));
            return Err(codes::USAGE.failure(message));
        }
        _ => {
            let message = format!("Several machines are called {}: give an id", escape(wanted));
            return Err(codes::USAGE.failure(message));
        }
    }
    Ok(0)
}

/// Everything about one machine, a line each.
fn card(peer: &PeerView, look: &Look) -> String {
    let size = |bytes| look.units.size(bytes);
    let lines = [
        ("name", escape(&peer.name)),
        ("id", escape(&peer.peer_id)),
        ("member", escape(&peer.owner_id)),
        ("state", format!("{} ({})", escape(&peer.state), escape(&peer.standing))),
        ("site", peer.site.as_deref().map_or_else(|| "-".to_owned(), escape)),
        ("path", escape(&peer.path)),
        ("round trip", peer.rtt_ms.map_or_else(|| "-".to_owned(), rtt)),
        ("disk", size(peer.total_bytes)),
        ("reserved", size(peer.reserved_bytes)),
        ("donates", size(peer.donated_bytes)),
        ("used", format!("{}, {} of it mine", size(peer.used_bytes), share(peer))),
        ("free", size(peer.free_bytes)),
        ("mine here", size(peer.mine_here_bytes)),
        ("theirs here", size(peer.theirs_here_bytes)),
        ("audits", audit(&peer.audit)),
        ("since", month(&peer.since, &look.zone)),
    ];
    let lines = lines.map(|(what, value)| format!("{what:<12} {value}"));
    lines.join("\n")
}

/// How much of what it stores is mine.
fn share(peer: &PeerView) -> String {
    if peer.used_bytes == 0 {
        return "-".to_owned();
    }
    let share = peer.mine_here_bytes as f64 / peer.used_bytes as f64;
    format!("{:.0} %", share.min(1.0) * 100.0)
}

fn text(view: &PeersView, wide: bool, look: &Look) -> String {
    let summary = summary(view, look);
    if view.peers.is_empty() {
        return format!("No other machine in this grid yet: gbak invite\n{summary}");
    }
    let audited = view.peers.iter().any(|peer| peer.audit.window_days > 0);
    let columns = columns(wide, audited);
    let mut rows: Vec<_> = view.peers.iter().map(|peer| row(peer, (wide, audited), look)).collect();
    if wide {
        rows.push(sums(view, audited, look));
    }
    format!("{}\n{summary}", table(&columns, rows))
}

fn columns(wide: bool, audited: bool) -> Vec<Column> {
    let mut columns = vec![("PEER", false), ("STATE", false), ("PATH", false), ("RTT", true)];
    if wide {
        columns.extend([("DISK", true), ("RESERVED", true)]);
    }
    columns.push(("DONATES", true));
    if wide {
        columns.push(("USED", true));
    }
    columns.extend([("FREE", true), ("MINE HERE", true)]);
    if wide {
        columns.push(("MY SHARE", true));
    }
    columns.push(("THEIRS HERE", true));
    if audited {
        columns.push(("AUDIT", true));
    }
    columns.push(("SINCE", false));
    columns
}

fn row(peer: &PeerView, (wide, audited): (bool, bool), look: &Look) -> Vec<String> {
    let size = |bytes| look.units.size(bytes);
    let online = peer.state == "online";
    let mut cells = vec![
        escape(&peer.name),
        escape(&peer.state),
        if online { escape(&peer.path) } else { "-".to_owned() },
        peer.rtt_ms.filter(|_| online).map_or_else(|| "-".to_owned(), rtt),
    ];
    if wide {
        cells.extend([size(peer.total_bytes), size(peer.reserved_bytes)]);
    }
    cells.push(size(peer.donated_bytes));
    if wide {
        cells.push(size(peer.used_bytes));
    }
    // What an absent peer has free is not known, only what it had.
    cells.push(if online { size(peer.free_bytes) } else { "-".to_owned() });
    cells.push(size(peer.mine_here_bytes));
    if wide {
        cells.push(share(peer));
    }
    cells.push(size(peer.theirs_here_bytes));
    if audited {
        cells.push(audit(&peer.audit));
    }
    cells.push(month(&peer.since, &look.zone));
    cells
}

/// The others' amounts added up; free is what those who are here have.
fn sums(view: &PeersView, audited: bool, look: &Look) -> Vec<String> {
    let sum = |of: fn(&PeerView) -> u64| {
        look.units.size(view.peers.iter().map(of).fold(0, u64::saturating_add))
    };
    let online = view.peers.iter().filter(|peer| peer.state == "online");
    let free = online.map(|peer| peer.free_bytes).fold(0, u64::saturating_add);
    let mut cells = vec!["SUM".to_owned(), String::new(), String::new(), String::new()];
    cells.extend([sum(|peer| peer.total_bytes), sum(|peer| peer.reserved_bytes)]);
    cells.extend([sum(|peer| peer.donated_bytes), sum(|peer| peer.used_bytes)]);
    cells.extend([look.units.size(free), sum(|peer| peer.mine_here_bytes), String::new()]);
    cells.push(sum(|peer| peer.theirs_here_bytes));
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
    } else {
        format!("{milliseconds:.0}ms")
    }
}

fn summary(view: &PeersView, look: &Look) -> String {
    let size = |bytes| look.units.size(bytes);
    let (me, totals) = (&view.me, &view.totals);
    let stored = view.peers.iter().map(|peer| peer.mine_here_bytes).fold(0, u64::saturating_add);
    format!(
        "{} ({}) and {}, {} of {} online · \
         you give {}, {} used, and have {} stored elsewhere",
        escape(&me.name),
        "this machine",
        plural(view.peers.len() as u64, "peer"),
        totals.online,
        totals.peers,
        size(me.donated_bytes),
        size(me.used_bytes),
        size(stored),
    )
}

#[cfg(test)]
mod tests;
