//! The rules, each over one file. All of them report every violation they find.

use super::paths::Named;
use super::tokens::{Kind, Token};
use super::{PRINTERS, ROOMS, Source, WALLS};

/// Longest file, in lines. A file that grows past it has two purposes.
const MAX_FILE_LINES: usize = 600;

/// Longest function, in lines: what fits on a screen.
const MAX_FUNCTION_LINES: usize = 70;

/// Longest line, in characters. `rustfmt` does not break comments and strings.
const MAX_LINE_CHARS: usize = 100;

/// Our crates, as they are named in paths.
const CRATES: &[&str] = &["chunker", "store", "p2p"];

/// Words that mark something unfinished. Put together here, so that this file does not contain
/// them.
const UNFINISHED: &[&str] = &[concat!("FIX", "ME"), concat!("XX", "X"), concat!("TO", "DO")];

fn report(all: &mut Vec<String>, source: &Source, line: usize, what: &str) {
    all.push(format!("{}:{line}: {what}", source.path));
}

/// Purpose, size, width.
pub(crate) fn text(source: &Source, all: &mut Vec<String>) {
    if !source.text.starts_with("//! ") {
        report(all, source, 1, "the file does not begin with `//!` and its purpose");
    }
    let lines = source.text.lines().count();
    if lines > MAX_FILE_LINES {
        let what = format!("the file has {lines} lines, more than {MAX_FILE_LINES}");
        report(all, source, 1, &what);
    }
    for (no, line) in (1..).zip(source.text.lines()) {
        let chars = line.chars().count();
        // An address cannot be broken.
        if chars > MAX_LINE_CHARS && !line.contains("https://") {
            let what = format!("the line has {chars} characters, more than {MAX_LINE_CHARS}");
            report(all, source, no, &what);
        }
    }
}

/// Nothing unfinished, no code kept as a comment.
pub(crate) fn comments(source: &Source, tokens: &[Token<'_>], all: &mut Vec<String>) {
    for token in tokens.iter().filter(|token| token.kind == Kind::Comment) {
        for (no, line) in (token.line..).zip(token.text.lines()) {
            let mut words = line.split(|c: char| !c.is_alphanumeric());
            if let Some(word) = words.find(|word| UNFINISHED.contains(word)) {
                report(all, source, no, &format!("{word}: finish it or file an issue"));
            }
        }
        let doc = token.text.starts_with("///") || token.text.starts_with("//!");
        if !doc && token.text.strip_prefix("//").is_some_and(is_code) {
            report(all, source, token.line, "code kept as a comment; git remembers it");
        }
    }
}

/// Whether a comment looks like a statement. Prose may end in a semicolon; it has no calls and no
/// assignments before it.
pub(crate) fn is_code(text: &str) -> bool {
    const OPENERS: &[&str] =
        &["let ", "use ", "pub ", "fn ", "mod ", "impl ", "return ", "match ", "#[", "if ", "for "];
    let text = text.trim();
    let Some(last) = text.chars().next_back() else { return false };
    if text.chars().all(|c| "(){};,".contains(c)) {
        return true;
    }
    let opens = OPENERS.iter().any(|opener| text.starts_with(opener));
    match last {
        ';' => opens || text.contains(" = ") || text.contains("();") || has_call(text),
        '{' => opens || text.contains(") {"),
        ']' => text.starts_with("#["),
        _ => false,
    }
}

/// Whether a name is followed at once by a parenthesis, as calls are and prose is not.
fn has_call(text: &str) -> bool {
    text.ends_with(");")
        && text.find('(').is_some_and(|at| {
            text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '!')
        })
}

/// Calls and attributes that are banned, whoever writes them.
pub(crate) fn code(source: &Source, tokens: &[Token<'_>], all: &mut Vec<String>) {
    const UNWRITTEN: [&str; 2] = [concat!("to", "do"), concat!("unimple", "mented")];
    let code: Vec<_> = tokens.iter().filter(|token| token.kind != Kind::Comment).collect();
    let prints = source.is_test() || PRINTERS.iter().any(|home| source.is_in(home));
    for (at, token) in code.iter().enumerate() {
        let next = |n: usize, text: &str| code.get(at + n).is_some_and(|next| next.is(text));
        let macro_named = |names: &[&str]| names.iter().any(|n| token.is(n)) && next(1, "!");
        if macro_named(&UNWRITTEN) {
            report(all, source, token.line, "unwritten code");
        }
        if macro_named(&["println", "print", "eprintln", "eprint"]) && !prints {
            report(all, source, token.line, "only src/cli prints");
        }
        if macro_named(&["select"]) && next(2, "{") && !next(3, "biased") {
            report(all, source, token.line, "a select! that is not biased breaks replay of a seed");
        }
        if token.is("#") {
            let inner = usize::from(next(1, "!"));
            attribute(source, &code[at..], 1 + inner, all);
        }
    }
}

/// The attribute whose `[` is token `at`.
fn attribute(source: &Source, code: &[&Token<'_>], at: usize, all: &mut Vec<String>) {
    let is = |n: usize, text: &str| code.get(at + n).is_some_and(|token| token.is(text));
    if !is(0, "[") {
        return;
    }
    let line = code[0].line;
    if is(1, "ignore") {
        report(all, source, line, "a test that does not run promises nothing");
    }
    // What several test programs share may be unused in one of them.
    if is(1, "allow") && !source.is_test() {
        report(all, source, line, "use #[expect(.., reason = \"..\")]");
    }
    if is(1, "allow") || is(1, "expect") {
        let end = code.iter().position(|token| token.is("]")).unwrap_or(code.len());
        if !code[..end].iter().any(|token| token.is("reason")) {
            report(all, source, line, "a lint is switched off without a reason");
        }
    }
}

/// No function longer than a screen.
pub(crate) fn functions(source: &Source, tokens: &[Token<'_>], all: &mut Vec<String>) {
    let code: Vec<_> = tokens.iter().filter(|token| token.kind != Kind::Comment).collect();
    for (at, two) in code.windows(2).enumerate() {
        if !two[0].is("fn") || !two[1].is_word() {
            continue;
        }
        let Some(end) = body_end(&code[at..]) else { continue };
        let lines = end - two[0].line + 1;
        if lines > MAX_FUNCTION_LINES {
            let name = two[1].text;
            let what = format!("fn {name} has {lines} lines, more than {MAX_FUNCTION_LINES}");
            report(all, source, two[0].line, &what);
        }
    }
}

/// The line in which the body of the function ends that begins here; none for a declaration.
fn body_end(code: &[&Token<'_>]) -> Option<usize> {
    let (mut braces, mut others) = (0, 0);
    for token in code {
        match token.text {
            _ if token.kind != Kind::Punct => {}
            "(" | "[" => others += 1,
            ")" | "]" => others -= 1,
            "{" => braces += 1,
            "}" if braces == 1 && others == 0 => return Some(token.line),
            "}" => braces -= 1,
            ";" if braces == 0 && others == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The walls between rooms.
pub(crate) fn rooms(source: &Source, paths: &[Named], all: &mut Vec<String>) {
    let room = source.room();
    if source.is_test() || ["tests", "benches", "examples", ""].contains(&room) {
        return;
    }
    let Some(table) = ROOMS.iter().find(|one| one.name == room) else {
        return report(all, source, 1, &format!("room {room} is not in the table of tidy.rs"));
    };
    for named in paths {
        let Some(path) = of_ours(source, named) else { continue };
        let within = |prefix: &&str| is_within(&path, prefix);
        let allowed = table.may.iter().any(within) && !table.but_not.iter().any(within);
        if !allowed && !is_within(&path, room) {
            report(all, source, named.line, &format!("{room} may not import {path}"));
        } else if path.ends_with("::*") && !is_within(&path, room) {
            let what = format!("{room} imports all of {path}; name what is used");
            report(all, source, named.line, &what);
        }
    }
}

/// The path as the table writes it, if it leads into a room: `crate::vault::Tree` in the root
/// package is `vault::Tree`, and so is `super::vault::Tree` in a file right below the root.
fn of_ours(source: &Source, named: &Named) -> Option<String> {
    let (first, rest) = named.path.split_first()?;
    let root = source.path.starts_with("src/");
    match first.as_str() {
        name if CRATES.contains(&name) => Some(named.path.join("::")),
        "crate" | "gbak" if root => Some(rest.join("::")),
        "super" if root && named.top => {
            let depth = source.path.matches('/').count();
            let ups = named.path.iter().take_while(|part| *part == "super").count();
            (ups == depth).then(|| named.path[ups..].join("::"))
        }
        _ => None,
    }
}

/// Whether `path` is `prefix` or something in it.
fn is_within(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The walls around third-party crates and around what breaks tests.
pub(crate) fn walls(source: &Source, paths: &[Named], all: &mut Vec<String>) {
    let prints = source.is_test() || PRINTERS.iter().any(|home| source.is_in(home));
    for named in paths {
        let Some(first) = named.path.first() else { continue };
        let wall = WALLS.iter().find(|(crates, _)| crates.contains(&first.as_str()));
        if let Some((_, homes)) = wall
            && !homes.iter().any(|home| source.is_in(home))
        {
            let what = format!("{first} may only be named in {}", homes.join(", "));
            report(all, source, named.line, &what);
        }
        let ends = |one: &str, two: &[&str]| {
            named.path.windows(2).any(|pair| pair[0] == one && two.contains(&pair[1].as_str()))
        };
        if ends("io", &["stdout", "stderr"]) && !prints {
            report(all, source, named.line, "only src/cli prints");
        }
        if source.is_test() && (ends("thread", &["sleep"]) || ends("time", &["sleep"])) {
            let what = "a test waits for the event, with a deadline, and does not sleep";
            report(all, source, named.line, what);
        }
    }
}
