//! `gbak peers`

use crate::api::backend::Backend;
use crate::api::{Answer, Call, Failure, PeerView, PeersView, PingArgs, codes, is_called};
use crate::cli::args::{Peers, PeersWhat};
use crate::cli::exit;
use crate::cli::output::{escape, plural};
use crate::cli::progress::Job;
use crate::cli::prompts::{Question, confirmed};
use crate::cli::shell::Shell;

use super::{ask, wrong_answer};
use table::{card, text};

mod table;

pub(crate) fn run(
    args: &Peers,
    yes: bool,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    match &args.what {
        None | Some(PeersWhat::Ls) => list(args.wide, backend, shell),
        Some(PeersWhat::Show { peer }) => show(peer, backend, shell),
        Some(PeersWhat::Ping { peer, count }) => ping(peer, *count, backend, shell),
        Some(PeersWhat::Lost { peer }) => lost(peer, yes, backend, shell),
        Some(PeersWhat::Evacuate { peer }) => evacuate(peer, backend, shell),
    }
}

fn ping(
    peer: &str,
    count: u32,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let call = Call::Ping(PingArgs { peer: peer.to_owned(), count });
    let Answer::Ping(view) = ask(backend, call, Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    if shell.look.json {
        shell.print_json(&view)?;
    } else {
        shell.print(&table::answered(&view))?;
    }
    Ok(view.exit)
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

#[cfg(test)]
mod tests;
