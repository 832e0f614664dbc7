//! `gbak peers`

use crate::api::backend::Backend;
use crate::api::{Answer, AuditView, Call, Failure, PeerView, PeersView, codes};
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
        None | Some(PeersWhat::Ls) => list(backend, shell),
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

fn list(backend: &impl Backend, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    let answer = ask(backend, Call::Peers, Job::Look, shell)?;
    let Answer::Peers(view) = answer else { return Err(wrong_answer()) };
    if shell.look.json {
        shell.print_json(&view)?;
    } else {
        shell.print(&text(&view, &shell.look))?;
    }
    Ok(0)
}

fn text(view: &PeersView, look: &Look) -> String {
    let summary = summary(view, look);
    if view.peers.is_empty() {
        return format!("No other machine in this grid yet: gbak invite\n{summary}");
    }
    let audited = view.peers.iter().any(|peer| peer.audit.window_days > 0);
    let mut columns: Vec<Column> = vec![
        ("PEER", false),
        ("STATE", false),
        ("PATH", false),
        ("RTT", true),
        ("DONATES", true),
        ("FREE", true),
        ("MINE HERE", true),
        ("THEIRS HERE", true),
        ("SINCE", false),
    ];
    if audited {
        columns.insert(columns.len() - 1, ("AUDIT", true));
    }
    let rows = view.peers.iter().map(|peer| row(peer, audited, look)).collect();
    format!("{}\n{summary}", table(&columns, rows))
}

fn row(peer: &PeerView, audited: bool, look: &Look) -> Vec<String> {
    let size = |bytes| look.units.size(bytes);
    let online = peer.state == "online";
    let mut cells = vec![
        escape(&peer.name),
        escape(&peer.state),
        if online { escape(&peer.path) } else { "-".to_owned() },
        peer.rtt_ms.filter(|_| online).map_or_else(|| "-".to_owned(), rtt),
        size(peer.donated_bytes),
        // What an absent peer has free is not known, only what it had.
        if online { size(peer.free_bytes) } else { "-".to_owned() },
        size(peer.mine_here_bytes),
        size(peer.theirs_here_bytes),
    ];
    if audited {
        cells.push(audit(&peer.audit));
    }
    cells.push(month(&peer.since, &look.zone));
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
