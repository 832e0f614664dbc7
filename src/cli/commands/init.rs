//! `gbak init` and `gbak join`: a home, its words, and what it lends.
//!
//! Files for secrets are reserved before the home is made and filled right after, so that words
//! that exist are never without a place; when filling fails all the same, they are shown.

use crate::api::backend::Backend;
use crate::api::setup::{Amount, InitArgs, InitView, Lend, Reach, Secret, Settings};
use crate::api::{Failure, codes};
use crate::cli::args::{Global, Init, Join, LendArgs, NewHome, PhraseArgs, ReachArgs};
use crate::cli::exit;
use crate::cli::files::{self, Reserved};
use crate::cli::kit;
use crate::cli::output::escape;
use crate::cli::parse;
use crate::cli::prompts::{Question, unanswered};
use crate::cli::settings::new_passphrase;
use crate::cli::shell::Shell;

use super::service;

/// How often the words are asked for before the matter is left to the reader.
const MAX_TRIES: usize = 5;
/// How many of the words are typed again.
const RETYPED: usize = 3;

/// What a command is run with, besides its own arguments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given<'a> {
    /// Flags of every command.
    pub(crate) global: &'a Global,
    /// The same, resolved.
    pub(crate) settings: &'a Settings,
}

pub(crate) fn run(
    args: &Init,
    given: Given<'_>,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let (join, grid) = (args.join.clone(), args.grid.clone());
    make(&args.home, InitArgs { grid, join, ..InitArgs::default() }, given, backend, shell)
}

/// With a home, takes it into the grid; without one, makes it there.
pub(crate) fn run_join(
    args: &Join,
    given: Given<'_>,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    match backend.join(&args.invite) {
        Err(failure) if failure.code == codes::NO_HOME.name => {
            let wish = InitArgs { join: Some(args.invite.clone()), ..InitArgs::default() };
            make(&args.home, wish, given, backend, shell)
        }
        Err(failure) => Err(failure),
        Ok(view) => {
            tell(&view, None, shell)?;
            Ok(0)
        }
    }
}

/// Asks what is open, makes the home, and hands the words over.
fn make(
    home: &NewHome,
    wish: InitArgs,
    given: Given<'_>,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let asks = !home.non_interactive && !shell.look.json && shell.ask.present();
    let phrase = match &home.phrase.phrase_file {
        Some(file) => files::read_if_there(file, kit::MAX_PHRASE)?,
        None => None,
    };
    let places = Places::reserve(&home.phrase, phrase.is_some(), shell.look.json)?;
    let mut args = InitArgs {
        name: name(home.name.as_deref(), asks, shell)?,
        lend: lend(&home.lend, asks, shell)?,
        reach: reach(&home.reach),
        site: home.reach.site.clone(),
        passphrase: new_passphrase(given.global, given.settings)?,
        phrase,
        ..wish
    };
    if asks && args.join.is_none() && args.grid.is_none() {
        args.join = invitation(shell)?;
    }
    let typed = args.phrase.clone();
    let view = backend.init(args)?;
    let words = view.words.clone().or_else(|| typed.clone());
    let filled = words.as_ref().map_or(Ok(()), |words| places.fill(&view, words));
    if let (Err(_), Some(words)) = (&filled, &words) {
        exit::words_to_stderr(shell, words);
    }
    tell(&view, words.as_ref(), shell)?;
    filled?;
    if let Some(words) = words.filter(|_| asks && typed.is_none() && !home.phrase.skip_phrase_check)
    {
        retype(&words, &view.peer_id, shell)?;
    }
    if home.service {
        service::install_here(given, shell)?;
    }
    Ok(0)
}

/// Files that secrets go to.
struct Places {
    phrase: Option<Reserved>,
    kit: Option<Reserved>,
}

impl Places {
    /// Makes them. `known`: the words are in their file already; `silent`: nothing else shows them.
    fn reserve(args: &PhraseArgs, known: bool, silent: bool) -> Result<Self, Failure> {
        if silent && args.phrase_file.is_none() && args.kit.is_none() {
            let text = "Where do the 24 words go?";
            return Err(unanswered(Question { text, flag: "--phrase-file FILE", default: None }));
        }
        let phrase = args.phrase_file.as_deref().filter(|_| !known);
        Ok(Self {
            phrase: phrase.map(Reserved::new).transpose()?,
            kit: args.kit.as_deref().map(Reserved::new).transpose()?,
        })
    }

    fn fill(self, view: &InitView, words: &Secret) -> Result<(), Failure> {
        let phrase = self.phrase.map_or(Ok(()), |file| {
            let mut line = zeroize::Zeroizing::new(String::with_capacity(words.len() + 1));
            line.push_str(words);
            line.push('\n');
            file.fill(&line)
        });
        // The kit is written even when the other file failed: one of them is enough.
        let kit = self.kit.map_or(Ok(()), |file| file.fill(&kit::page(view, words)));
        phrase.and(kit)
    }
}

/// Of the machine: as said, as answered, or the host's.
pub(super) fn name(
    said: Option<&str>,
    asks: bool,
    shell: &mut Shell<'_>,
) -> Result<String, Failure> {
    if let Some(name) = said {
        return Ok(name.to_owned());
    }
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if !asks {
        return Ok(host);
    }
    shell.ask.text(Question {
        text: "Name of this machine",
        flag: "--name NAME",
        default: Some(&host),
    })
}

fn lend(said: &LendArgs, asks: bool, shell: &mut Shell<'_>) -> Result<Lend, Failure> {
    let question = Question {
        text: "How much disk may others use (a size, a percentage of what is free, or none)",
        flag: "--donate SIZE",
        default: Some("none"),
    };
    let donate = match said.donate {
        Some(amount) => amount,
        None if asks => donation(question, shell)?,
        None => return Err(unanswered(question)),
    };
    Ok(Lend { donate: Some(donate), min_free: said.min_free, safe_area: said.safe_area })
}

/// Asks until the answer is an amount.
fn donation(question: Question<'_>, shell: &mut Shell<'_>) -> Result<Amount, Failure> {
    for _ in 0..MAX_TRIES {
        let answer = shell.ask.text(question)?;
        match parse::amount(&answer) {
            Ok(amount) => return Ok(amount),
            Err(wrong) => shell.note(&wrong.to_string()),
        }
    }
    Err(unanswered(question))
}

/// What was said of addresses.
pub(super) fn reach(said: &ReachArgs) -> Reach {
    let (listen, bootstrap) = (said.listen.clone(), said.bootstrap.clone());
    Reach { listen, bootstrap, mdns: !said.no_mdns }
}

fn invitation(shell: &mut Shell<'_>) -> Result<Option<String>, Failure> {
    let answer = shell.ask.text(Question {
        text: "Invitation (Enter starts a new grid)",
        flag: "--join INVITE",
        default: Some(""),
    })?;
    let answer = answer.trim();
    Ok((!answer.is_empty()).then(|| answer.to_owned()))
}

/// The home that was made, and its kit unless only errors are wanted.
fn tell(view: &InitView, words: Option<&Secret>, shell: &mut Shell<'_>) -> Result<(), Failure> {
    if shell.look.json {
        return shell.print_json(view);
    }
    if let Some(words) = words {
        shell.say(&kit::page(view, words))?;
    }
    let (name, grid) = (escape(&view.name), escape(&view.grid_id));
    shell.say(&format!("{name} is set up in grid {grid}\nNext: gbak daemon, gbak backup PATH"))
}

/// Three of the words again: a page that cannot be read back is none.
fn retype(words: &Secret, seed: &str, shell: &mut Shell<'_>) -> Result<(), Failure> {
    let words: Vec<&str> = words.split_whitespace().collect();
    shell.note("Write the words down. They are not stored in readable form anywhere.");
    for no in chosen(seed, words.len()) {
        if !typed(no, words[no], shell)? {
            shell.note(&format!("Word {} did not match; compare the page above again", no + 1));
        }
    }
    Ok(())
}

fn typed(no: usize, word: &str, shell: &mut Shell<'_>) -> Result<bool, Failure> {
    let text = format!("Type word {}", no + 1);
    let question = Question { text: &text, flag: "--skip-phrase-check", default: None };
    for _ in 0..MAX_TRIES {
        if shell.ask.text(question)?.trim() == word {
            return Ok(true);
        }
        shell.note("That is not it");
    }
    Ok(false)
}

/// Which words: others on every device, in order.
fn chosen(seed: &str, count: usize) -> std::collections::BTreeSet<usize> {
    let mut stream = blake3::Hasher::new().update(seed.as_bytes()).finalize_xof();
    let mut chosen = std::collections::BTreeSet::new();
    while chosen.len() < RETYPED.min(count) {
        let mut byte = [0; 1];
        stream.fill(&mut byte);
        chosen.insert(usize::from(byte[0]) % count);
    }
    chosen
}

#[cfg(test)]
mod tests;
