//! Failures as people and scripts see them, and the exit codes they lead to.
//!
//! A failure is told in five parts, always in this order: what failed; what it means for the data;
//! what gbak does about it by itself; what the reader can do; the code, for `gbak explain`. The
//! first and the commands come with the failure where it knows better; the rest is in [`TABLE`].

use std::fmt::Write as _;

use serde::Serialize;

use super::json;
use super::output::escape;
use super::shell::Shell;
use crate::api::codes::{self, Code};
use crate::api::{Failure, setup::Secret};

mod table;

pub(crate) use table::TABLE;

/// What a code means.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Explained {
    /// Which.
    pub(crate) code: Code,
    /// What it is, for `gbak explain`.
    pub(crate) what: &'static str,
    /// What it means for the data.
    pub(crate) data: &'static str,
    /// What gbak does by itself.
    pub(crate) gbak: &'static str,
    /// What the reader can do: a command, and what for.
    pub(crate) you: &'static [(&'static str, &'static str)],
}

/// The explanation of a code; that of an internal failure for codes of a newer agent.
pub(crate) fn explanation(code: &str) -> &'static Explained {
    let internal = &TABLE[0];
    TABLE.iter().find(|explained| explained.code.name == code).unwrap_or(internal)
}

/// Tells a failure on stderr.
pub(crate) fn tell(shell: &mut Shell<'_>, failure: &Failure) {
    let text = if shell.look.json { as_json(failure) } else { as_text("error", failure) };
    shell.note(&text);
}

/// Tells on stderr what a command that did its work leaves open, unless a summary in JSON has it.
pub(crate) fn warn(shell: &mut Shell<'_>, failure: &Failure) {
    if !shell.look.json {
        shell.note(&as_text("warning", failure));
    }
}

/// The five parts.
pub(crate) fn as_text(kind: &str, failure: &Failure) -> String {
    let explained = explanation(&failure.code);
    let mut text = format!("{kind}: {}\n", escape(&failure.message));
    // Writing to a String cannot fail.
    let _written = writeln!(text, "  data    {}", explained.data);
    let _written = writeln!(text, "  gbak    {}", explained.gbak);
    text.push_str(&commands(failure, explained));
    let exit = code_of(failure);
    let _written = write!(text, "  code    {}      exit {exit}", escape(&failure.code));
    text
}

/// The failure's own commands, else those of its code.
fn commands(failure: &Failure, explained: &Explained) -> String {
    let own: Vec<(&str, &str)> =
        failure.help.iter().map(|command| (&**command, purpose(command, explained))).collect();
    let pairs: &[(&str, &str)] = if own.is_empty() { explained.you } else { &own };
    let width = pairs.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (no, (command, purpose)) in pairs.iter().enumerate() {
        let head = if no == 0 { "you" } else { "" };
        let line = format!("  {head:<6}  {:<width$}    {purpose}", escape(command));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// What a command is for: as this code's entry says, else as another's does.
fn purpose(command: &str, explained: &Explained) -> &'static str {
    let entries = std::iter::once(explained).chain(TABLE);
    let mut known = entries.flat_map(|entry| entry.you);
    known.find(|(known, _)| *known == command).map_or("", |(_, purpose)| *purpose)
}

/// The process's exit code: never success.
pub(crate) const fn code_of(failure: &Failure) -> u8 {
    if failure.exit == 0 { 1 } else { failure.exit }
}

#[derive(Serialize)]
struct ExitError<'a> {
    code: &'a str,
    exit: u8,
    message: &'a str,
    help: Vec<&'a str>,
}

/// `exit_error`.
pub(crate) fn as_json(failure: &Failure) -> String {
    let explained = explanation(&failure.code);
    let own: Vec<&str> = failure.help.iter().map(String::as_str).collect();
    let general = explained.you.iter().map(|(command, _)| *command).collect();
    let document = ExitError {
        code: &failure.code,
        exit: code_of(failure),
        message: &failure.message,
        help: if own.is_empty() { general } else { own },
    };
    json::message("exit_error", &document).unwrap_or_else(|inner| inner.message)
}

/// Last resort for words that could not be written where they were to go: losing them loses all.
pub(crate) fn words_to_stderr(shell: &mut Shell<'_>, words: &Secret) {
    shell.note(&format!(
        "The 24 words, which could not be saved; write them down now:\n{}",
        &**words
    ));
}

/// A failure of usage, found after parsing.
pub(crate) fn usage(message: impl Into<String>) -> Failure {
    codes::USAGE.failure(message)
}

#[cfg(test)]
mod tests;
