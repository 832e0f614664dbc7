//! `gbak ls`

use crate::api::backend::Backend;
use crate::api::{Answer, Call, Failure, LsArgs, LsEntry};
use crate::cli::args::Ls;
use crate::cli::output::{path, time};
use crate::cli::progress::Job;
use crate::cli::shell::{Look, Shell};

use super::{ask, wrong_answer};

pub(crate) fn run(args: &Ls, backend: &impl Backend, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    let call = Call::Ls(LsArgs {
        snapshot: args.snapshot.clone(),
        wait_peers_secs: args.wait_peers.map(|wait| wait.as_secs()),
    });
    let Answer::Ls(view) = ask(backend, call, Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    if shell.look.json {
        shell.print_json(&view)?;
    } else if !view.entries.is_empty() {
        let show = if args.long { long } else { name };
        let lines: Vec<String> =
            view.entries.iter().map(|entry| show(entry, &shell.look)).collect();
        shell.print(&lines.join("\n"))?;
    }
    Ok(0)
}

fn name(entry: &LsEntry, _: &Look) -> String {
    path(&entry.path)
}

/// As `ls -l`, with sizes in bytes so that columns can be summed.
fn long(entry: &LsEntry, look: &Look) -> String {
    let (uid, gid, size) = (entry.uid, entry.gid, entry.size);
    let mode = mode(&entry.kind, entry.mode);
    let at = time(&entry.mtime, &look.zone);
    let arrow = entry.target.as_ref().map_or(String::new(), |to| format!(" -> {}", path(to)));
    format!("{mode} {uid:>5} {gid:>5} {size:>12} {at} {}{arrow}", path(&entry.path))
}

/// `drwxr-sr-t`.
fn mode(kind: &str, bits: u32) -> String {
    let mut text = String::with_capacity(10);
    text.push(match kind {
        "dir" => 'd',
        "file" => '-',
        "symlink" => 'l',
        "fifo" => 'p',
        "socket" => 's',
        "chardev" => 'c',
        "blockdev" => 'b',
        _ => '?',
    });
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let three = bits >> shift & 7;
        text.push(if three & 4 == 0 { '-' } else { 'r' });
        text.push(if three & 2 == 0 { '-' } else { 'w' });
        text.push(match (three & 1 != 0, bits & special != 0) {
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

#[cfg(test)]
mod tests;
