//! `gbak recover`: from 24 words and an address to a home that knows all its snapshots.

use crate::api::backend::Backend;
use crate::api::setup::{Lend, RecoverArgs, Secret};
use crate::api::{Answer, Call, Failure, RecoverView, RewoundView, codes};
use crate::cli::args::Recover;
use crate::cli::files;
use crate::cli::kit::{self, Kit};
use crate::cli::output::{escape, plural};
use crate::cli::progress::{Job, Watch};
use crate::cli::prompts::{Question, unanswered};
use crate::cli::settings::new_passphrase;
use crate::cli::shell::Shell;
use crate::clock::{Clock, SystemClock};

use super::init::{Given, name, reach};
use super::{ask, wrong_answer};

pub(crate) fn run(
    args: &Recover,
    given: Given<'_>,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let as_of_secs = as_of(args, shell)?;
    if args.rebuild {
        let call = as_of_secs.map_or(Call::Rebuild, Call::Rewind);
        return asked(call, backend, shell);
    }
    let asks = !args.non_interactive && !shell.look.json && shell.ask.present();
    let call = RecoverArgs { as_of_secs, ..call_args(args, given, asks, shell)? };
    let view = {
        let mut watch = Watch::new(shell, Job::Look);
        backend.recover(call, &mut |event| watch.see(event))?
    };
    show(&view, shell)
}

/// Reads again from the grid what the catalog knows, and tells.
pub(super) fn rebuilt(backend: &impl Backend, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    asked(Call::Rebuild, backend, shell)
}

/// The moment to go back to, in seconds since 1970.
fn as_of(args: &Recover, shell: &Shell<'_>) -> Result<Option<u64>, Failure> {
    let Some(moment) = args.as_of else { return Ok(None) };
    let now = SystemClock.now_secs();
    match moment.secs(now, &shell.look.zone).filter(|secs| *secs <= now) {
        Some(secs) => Ok(Some(secs)),
        None => Err(codes::USAGE.failure("--as-of is a time that has been")),
    }
}

fn asked(call: Call, backend: &impl Backend, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    let Answer::Rebuild(view) = ask(backend, call, Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    show(&view, shell)
}

fn show(view: &RecoverView, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    if shell.look.json {
        shell.print_json(view)?;
    } else {
        for warning in &view.warnings {
            shell.note(&format!("warning: {}", escape(warning)));
        }
        shell.say(&text(view))?;
    }
    Ok(0)
}

fn call_args(
    args: &Recover,
    given: Given<'_>,
    asks: bool,
    shell: &mut Shell<'_>,
) -> Result<RecoverArgs, Failure> {
    let known = words(args, asks, shell)?;
    let mut reach = reach(&args.reach);
    reach.bootstrap.extend(known.bootstrap);
    if reach.bootstrap.is_empty() && !reach.mdns {
        let text = "At which address is a member of the grid?";
        return Err(unanswered(Question { text, flag: "--bootstrap ADDR", default: None }));
    }
    let lend = &args.lend;
    Ok(RecoverArgs {
        phrase: known.words,
        passphrase: new_passphrase(given.global, given.settings)?,
        name: name(args.name.as_deref(), asks, shell)?,
        lend: Lend { donate: lend.donate, min_free: lend.min_free, safe_area: lend.safe_area },
        reach,
        site: args.reach.site.clone(),
        as_of_secs: None,
    })
}

/// The words: from the kit, the file, or a person.
fn words(args: &Recover, asks: bool, shell: &mut Shell<'_>) -> Result<Kit, Failure> {
    if let Some(file) = &args.kit {
        return Ok(kit::read(&files::read_text(file, kit::MAX_KIT)?));
    }
    let bare = |words| Kit { words, bootstrap: Vec::new() };
    if let Some(file) = &args.phrase_file {
        return files::read_text(file, kit::MAX_PHRASE).map(bare);
    }
    let text = "The 24 words";
    let question = Question { text, flag: "--phrase-file FILE", default: None };
    if !asks {
        return Err(unanswered(question));
    }
    shell.ask.text(question).map(Secret::new).map(bare)
}

fn text(view: &RecoverView) -> String {
    let snapshots = plural(view.snapshots, "snapshot");
    let devices = plural(view.devices, "device");
    let (confirmed, asked) = (view.witnesses_confirmed, plural(view.witnesses_asked, "peer"));
    let back = view.rewound.as_ref().map(rewound).unwrap_or_default();
    format!(
        "{snapshots} of {devices} found; head {} confirmed by {confirmed} of {asked} asked\n\
         {back}Next: gbak snapshots, gbak restore latest -t DIR",
        view.head_seq,
    )
}

fn rewound(view: &RewoundView) -> String {
    let (snapshots, kept) = (plural(view.snapshots, "snapshot"), plural(view.shards_kept, "shard"));
    let mut text = format!("{snapshots} brought back, {kept} kept by their holders");
    if view.shards_missing > 0 {
        text = format!("{text}, {} not there any more", view.shards_missing);
    }
    if view.shards_silent > 0 {
        let silent = view.shards_silent;
        text = format!("{text}, {silent} with machines that do not answer: again when they do");
    }
    text + "\n"
}

#[cfg(test)]
mod tests;
