//! `gbak placement`

use crate::api::backend::Backend;
use crate::api::{Answer, Call, Failure, PathBytes, PlacedPackView, PlacementArgs, PlacementView};
use crate::cli::args::Placement;
use crate::cli::output::{escape, plural, short, table};
use crate::cli::progress::Job;
use crate::cli::shell::Shell;

use super::{ask, wrong_answer};

pub(crate) fn run(
    args: &Placement,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    use std::os::unix::ffi::OsStrExt;
    let what = PathBytes(args.what.as_os_str().as_bytes().to_vec());
    let call = Call::Placement(PlacementArgs { what });
    let Answer::Placement(view) = ask(backend, call, Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    if shell.look.json {
        shell.print_json(&view)?;
    } else {
        shell.print(&text(&view))?;
    }
    Ok(0)
}

fn text(view: &PlacementView) -> String {
    let columns = [
        ("PACK", false),
        ("CODE", false),
        ("LANE", true),
        ("SHARD", false),
        ("PEER", false),
        ("RTT", true),
        ("DOMAIN", false),
        ("STATE", false),
    ];
    let rows: Vec<Vec<String>> = view.packs.iter().flat_map(rows).collect();
    let total = plural(view.packs.len() as u64, "pack");
    if rows.is_empty() { total } else { format!("{}\n{total}", table(&columns, rows)) }
}

/// One line for each shard; the pack is named on the first.
fn rows(pack: &PlacedPackView) -> Vec<Vec<String>> {
    let line = |(no, shard): (usize, &crate::api::PlacedShardView)| {
        let head = if no == 0 {
            [short(&pack.pack_id), format!("{}+{}", pack.k, pack.m), pack.lane.to_string()]
        } else {
            [String::new(), String::new(), String::new()]
        };
        let peer = shard.name.as_deref().map_or_else(|| "-".to_owned(), escape);
        let rtt = shard.distance_ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1}ms"));
        let domain = shard.domain.as_deref().map_or_else(|| "-".to_owned(), short);
        let tail = [short(&shard.shard_id), peer, rtt, domain, shard.state.clone()];
        head.into_iter().chain(tail).collect()
    };
    pack.shards.iter().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests;
