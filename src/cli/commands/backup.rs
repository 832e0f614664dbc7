//! `gbak backup`

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::api::backend::Backend;
use crate::api::{
    Answer, BackupArgs, BackupSummary, Call, Failure, PathBytes, ScheduleArgs, codes,
};
use crate::cli::args::Backup;
use crate::cli::exit;
use crate::cli::files;
use crate::cli::output::{escape, plural, short, took};
use crate::cli::progress::{Job, problem_line};
use crate::cli::shell::{Look, Shell};

use super::{ask, wrong_answer};

/// The largest file of patterns, in bytes.
const MAX_PATTERNS: u64 = 1024 * 1024;
/// Problems repeated at the end; all of them went by before.
const MAX_REPEATED: usize = 20;

pub(crate) fn run(
    args: &Backup,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    if !args.paths.is_empty() {
        return one(call_args(args)?, backend, shell);
    }
    let names = if args.set.is_empty() { all_sets(backend, shell)? } else { args.set.clone() };
    if let [name] = names.as_slice() {
        return one(BackupArgs { set: Some(name.clone()), ..call_args(args)? }, backend, shell);
    }
    let mut worst = 0;
    for name in names {
        let call = BackupArgs { set: Some(name), ..call_args(args)? };
        worst = worst.max(match one(call, backend, shell) {
            Ok(exit) => exit,
            Err(failure) if failure.code == codes::INTERRUPTED.name => return Err(failure),
            // The others are backed up all the same.
            Err(failure) => {
                exit::tell(shell, &failure);
                exit::code_of(&failure)
            }
        });
    }
    Ok(worst)
}

/// The same of one set, with nothing else said.
pub(crate) fn run_set(
    set: &str,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    one(BackupArgs { set: Some(set.to_owned()), ..BackupArgs::default() }, backend, shell)
}

fn all_sets(backend: &impl Backend, shell: &mut Shell<'_>) -> Result<Vec<String>, Failure> {
    let sets = super::schedule::known(ScheduleArgs::Show, backend, shell)?.sets;
    if sets.is_empty() {
        let message = "Nothing to back up: give a path, or write [[backup.sets]] in config.toml";
        return Err(codes::USAGE.failure(message));
    }
    Ok(sets.into_iter().map(|set| set.name).collect())
}

fn one(args: BackupArgs, backend: &impl Backend, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    let call = Call::Backup(args);
    let Answer::Backup(summary) = ask(backend, call, Job::Send, shell)? else {
        return Err(wrong_answer());
    };
    if shell.look.json {
        shell.print_message("summary", &summary)?;
        return Ok(summary.exit);
    }
    repeat_problems(&summary.problems, shell);
    shell.say(&text(&summary, &shell.look))?;
    if let Some(open) = left_open(&summary) {
        exit::warn(shell, &open);
    }
    Ok(summary.exit)
}

fn call_args(args: &Backup) -> Result<BackupArgs, Failure> {
    let mut exclude = args.exclude.clone();
    for file in &args.exclude_file {
        let text = files::read_text(file, MAX_PATTERNS)?;
        exclude.extend(patterns(&text));
    }
    Ok(BackupArgs {
        set: None,
        paths: args.paths.iter().map(|path| absolute(path)).collect::<Result<_, _>>()?,
        tags: args.tag.iter().filter(|tag| !tag.is_empty()).cloned().collect(),
        host: args.host.clone(),
        exclude,
        exclude_caches: args.exclude_caches,
        exclude_if_present: args.exclude_if_present.clone(),
        exclude_larger_than: args.exclude_larger_than,
        one_file_system: args.one_file_system,
        force: args.force,
        dry_run: args.dry_run,
        skip_if_unchanged: args.skip_if_unchanged,
        redundancy: args.redundancy.clone().filter(|wish| !wish.is_empty()),
        limits: args.limits.args(),
        spool: args.spool,
        compression: args.compression.0,
        wait_peers_secs: args.wait_peers.map(|wait| wait.as_secs()),
    })
}

/// One pattern a line; blank lines and those that begin with `#` are none.
fn patterns(text: &str) -> impl Iterator<Item = String> + '_ {
    text.lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
}

/// The path from the root, with symlinks left as they are: what was typed is what is backed up.
pub(super) fn absolute(path: &Path) -> Result<PathBytes, Failure> {
    let absolute =
        std::path::absolute(path).map_err(|error| files::failure("find", path, &error))?;
    Ok(PathBytes(absolute.as_os_str().as_bytes().to_vec()))
}

/// Problems went by between other lines; what counts is said again at the end.
pub(super) fn repeat_problems(problems: &[crate::api::ProblemView], shell: &mut Shell<'_>) {
    if problems.is_empty() {
        return;
    }
    shell.note(&format!("{}:", plural(problems.len() as u64, "problem")));
    for problem in problems.iter().take(MAX_REPEATED) {
        shell.note(&format!("  {}", problem_line(problem)));
    }
    if problems.len() > MAX_REPEATED {
        shell.note(&format!("  and {} more", problems.len() - MAX_REPEATED));
    }
}

fn text(summary: &BackupSummary, look: &Look) -> String {
    let size = |bytes| look.units.size(bytes);
    let head = match &summary.snapshot_id {
        Some(id) => format!("snapshot {} saved", short(id)),
        None if summary.dry_run => "dry run: nothing was saved".to_owned(),
        None => "nothing changed: no snapshot was made".to_owned(),
    };
    let files = format!(
        "  files   {} new, {} changed, {} unmodified; {} in all",
        summary.files_new,
        summary.files_changed,
        summary.files_unmodified,
        size(summary.total_bytes_processed),
    );
    let (added, packed) = (size(summary.data_added), size(summary.data_added_packed));
    let (sent, peers) = (size(summary.bytes_sent), plural(summary.peers_used, "peer"));
    let data = format!("  data    {added} added, {packed} packed; {sent} sent to {peers}");
    let mut lines = vec![head, files, data];
    if summary.redundancy.k > 0 && summary.snapshot_id.is_some() {
        lines.push(safety(summary));
        lines.extend(summary.notes.iter().map(|note| format!("          {}", escape(note))));
    }
    lines.push(format!("  time    {}", took(summary.seconds_elapsed)));
    lines.join("\n")
}

/// What can be lost, and what is not on the grid yet.
fn safety(summary: &BackupSummary) -> String {
    let (kept, heads) = (&summary.redundancy, &summary.witnesses);
    let mut text = format!(
        "  safe    {}+{} on {}: {} may be lost; head kept by {} of {}",
        kept.k,
        kept.m,
        plural(kept.domains, "place"),
        kept.can_lose,
        heads.confirmed,
        plural(heads.asked, "peer"),
    );
    if summary.queued_packs > 0 {
        text = format!("{text}; {} queued here", plural(summary.queued_packs, "pack"));
    }
    text
}

/// What the summary's exit code stands for.
fn left_open(summary: &BackupSummary) -> Option<Failure> {
    let code = match summary.exit {
        3 => codes::BACKUP_PARTIAL,
        4 => codes::BACKUP_QUEUED,
        _ => return None,
    };
    let message = if summary.exit == 3 {
        format!("{} could not be saved", plural(summary.problems.len() as u64, "item"))
    } else if summary.queued_packs > 0 {
        let queued = plural(summary.queued_packs, "pack");
        format!("{queued} could not be placed and wait on this machine")
    } else {
        let kept = &summary.redundancy;
        format!("Saved below {}+{}: {} may be lost", kept.k, kept.m, kept.can_lose)
    };
    Some(code.failure(message))
}

#[cfg(test)]
mod tests;
