//! `gbak audit`

use crate::api::backend::Backend;
use crate::api::{
    Answer, AuditArgs, AuditRunView, Call, EvidenceArgs, EvidenceDay, EvidenceView, Failure,
    HolderEvidence, VerdictView, codes,
};
use crate::cli::args::Audit;
use crate::cli::exit;
use crate::cli::output::{escape, plural, short, table, time};
use crate::cli::progress::Job;
use crate::cli::shell::{Look, Shell};

use super::{ask, wrong_answer};

/// Columns of verdicts, in their order.
const VERDICTS: [&str; 5] = ["proved", "wrong", "refused", "unreachable", "slow"];

/// Failures shown of one holder; `--json` has all that are kept.
const FAILURES_SHOWN: usize = 3;

pub(crate) fn run(
    args: &Audit,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    if args.history {
        return history(args, backend, shell);
    }
    let call = Call::Audit(AuditArgs {
        peer: args.peer.clone(),
        wait_peers_secs: args.wait_peers.map(|wait| wait.as_secs()),
    });
    let Answer::Audit(view) = ask(backend, call, Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    if shell.look.json {
        shell.print_json(&view)?;
        return Ok(view.exit);
    }
    shell.say(&text(&view))?;
    if let Some(found) = left_open(&view) {
        exit::warn(shell, &found);
    }
    Ok(view.exit)
}

fn history(args: &Audit, backend: &impl Backend, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    let call = Call::Evidence(EvidenceArgs { peer: args.peer.clone() });
    let Answer::Evidence(view) = ask(backend, call, Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    if shell.look.json {
        shell.print_json(&view)?;
    } else {
        shell.print(&kept(&view, &shell.look))?;
    }
    Ok(0)
}

/// A line for each holder, and its newest failures.
fn kept(view: &EvidenceView, look: &Look) -> String {
    if view.holders.is_empty() {
        return "Nobody was audited yet".to_owned();
    }
    let columns = [
        ("HOLDER", false),
        ("STANDING", false),
        ("PROVED", true),
        ("FAILED", true),
        ("CORRECT", true),
        ("PRESENT", true),
    ];
    let rows = view.holders.iter().map(row_of).collect();
    let mut lines = vec![table(&columns, rows)];
    for holder in &view.holders {
        let newest = holder.failures.iter().rev().take(FAILURES_SHOWN);
        lines.extend(newest.map(|failed| {
            let (who, shard) = (called(holder), short(&failed.shard_id));
            let verdict = escape(&failed.verdict);
            format!("{}  {who}: {verdict}, shard {shard}", time(&failed.time, &look.zone))
        }));
    }
    lines.join("\n")
}

fn row_of(holder: &HolderEvidence) -> Vec<String> {
    let sum = |of: fn(&EvidenceDay) -> u64| holder.days.iter().map(of).sum::<u64>();
    let percent = |share: Option<f64>| {
        share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0))
    };
    vec![
        called(holder),
        escape(&holder.standing),
        sum(|day| day.proved).to_string(),
        sum(|day| day.wrong + day.refused).to_string(),
        percent(holder.correctness),
        percent(holder.presence),
    ]
}

fn called(holder: &HolderEvidence) -> String {
    holder.name.as_deref().map_or_else(|| short(&holder.peer_id), escape)
}

/// One line for each holder.
fn text(view: &AuditRunView) -> String {
    let columns = [
        ("PEER", false),
        ("PROVED", true),
        ("WRONG", true),
        ("REFUSED", true),
        ("UNREACHABLE", true),
        ("SLOW", true),
    ];
    let by_holder = view.verdicts.chunk_by(|one, next| one.peer_id == next.peer_id);
    let rows: Vec<Vec<String>> = by_holder.map(row).collect();
    let total = format!(
        "{} of {} proved by {}",
        view.summary.proved,
        plural(view.verdicts.len() as u64, "challenge"),
        plural(view.summary.holders, "holder"),
    );
    if rows.is_empty() {
        return "No holder has anything of yours to prove".to_owned();
    }
    format!("{}\n{total}", table(&columns, rows))
}

fn row(verdicts: &[VerdictView]) -> Vec<String> {
    let name =
        |first: &VerdictView| first.name.as_deref().map_or_else(|| short(&first.peer_id), escape);
    let count = |what: &str| verdicts.iter().filter(|one| one.verdict == what).count().to_string();
    let name = verdicts.first().map(name).unwrap_or_default();
    std::iter::once(name).chain(VERDICTS.map(count)).collect()
}

/// What the exit code stands for.
fn left_open(view: &AuditRunView) -> Option<Failure> {
    let sum = &view.summary;
    let failed = plural(sum.wrong.saturating_add(sum.refused), "challenge");
    let failure = match view.exit {
        0 => return None,
        code if code == codes::AUDIT_LOSS.exit => {
            let lost = plural(sum.packs_lost, "pack");
            codes::AUDIT_LOSS.failure(format!("{failed} failed; too little is left of {lost}"))
        }
        code if code == codes::AUDIT_FAILED.exit => {
            codes::AUDIT_FAILED.failure(format!("{failed} failed"))
        }
        _ => codes::NO_PEERS.failure("No holder answered"),
    };
    Some(failure)
}

#[cfg(test)]
mod tests;
