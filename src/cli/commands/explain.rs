//! `gbak explain [CODE]`

use serde::Serialize;

use crate::api::{Failure, codes};
use crate::cli::args::Explain;
use crate::cli::exit::{Explained, TABLE, usage};
use crate::cli::output::{escape, table};
use crate::cli::shell::Shell;

#[derive(Serialize)]
struct Entry {
    code: &'static str,
    exit: u8,
    what: &'static str,
    data: &'static str,
    gbak: &'static str,
    help: Vec<&'static str>,
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    codes: Vec<Entry>,
}

pub(crate) fn run(args: &Explain, shell: &mut Shell<'_>) -> Result<u8, Failure> {
    let asked = args.code.as_deref();
    let found: Vec<&Explained> = TABLE.iter().filter(|entry| matches(entry, asked)).collect();
    if found.is_empty() {
        let asked = escape(asked.unwrap_or_default());
        return Err(unknown(&asked));
    }
    if shell.look.json {
        let codes = found.into_iter().map(entry).collect();
        shell.print_json(&Document { schema: "gbak.explain/1", codes })?;
    } else if asked.is_none() {
        shell.print(&overview())?;
    } else {
        let pages: Vec<String> = found.into_iter().map(page).collect();
        shell.print(&pages.join("\n\n"))?;
    }
    Ok(0)
}

fn unknown(asked: &str) -> Failure {
    let mut failure = usage(format!("There is no code {asked}"));
    failure.help = vec!["gbak explain".to_owned()];
    failure
}

/// A code, its last parts, or an exit code.
fn matches(entry: &Explained, asked: Option<&str>) -> bool {
    let Some(asked) = asked else { return true };
    let code = entry.code;
    code.name == asked
        || code.name.strip_prefix("gbak::") == Some(asked)
        || asked.parse() == Ok(code.exit)
}

fn entry(explained: &Explained) -> Entry {
    Entry {
        code: explained.code.name,
        exit: explained.code.exit,
        what: explained.what,
        data: explained.data,
        gbak: explained.gbak,
        help: explained.you.iter().map(|(command, _)| *command).collect(),
    }
}

fn overview() -> String {
    let mut sorted: Vec<codes::Code> = codes::ALL.to_vec();
    sorted.sort_by_key(|code| (code.exit, code.name));
    let what = |code: codes::Code| {
        let found = TABLE.iter().find(|entry| entry.code == code);
        found.map_or("", |entry| entry.what).to_owned()
    };
    let rows = sorted
        .into_iter()
        .map(|code| vec![code.exit.to_string(), code.name.to_owned(), what(code)])
        .collect();
    table(&[("EXIT", true), ("CODE", false), ("MEANING", false)], rows)
}

fn page(explained: &Explained) -> String {
    let mut lines = vec![
        format!("{}      exit {}", explained.code.name, explained.code.exit),
        format!("  what    {}", explained.what),
        format!("  data    {}", explained.data),
        format!("  gbak    {}", explained.gbak),
    ];
    let width = explained.you.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    for (no, (command, purpose)) in explained.you.iter().enumerate() {
        let head = if no == 0 { "you" } else { "" };
        lines.push(format!("  {head:<6}  {command:<width$}    {purpose}"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests;
