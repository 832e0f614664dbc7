//! The paths a file names, with `use` groups spread out: `use a::{b, c::d}` names `a::b` and
//! `a::c::d`.

use super::tokens::{Kind, Token};

pub(crate) struct Named {
    /// As written, with generics left out; a glob ends in `*`.
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
    /// Whether it stands outside of all braces, as the imports of a file do.
    pub(crate) top: bool,
}

/// Every path of two or more segments, in order.
pub(crate) fn of(tokens: &[Token<'_>]) -> Vec<Named> {
    let code: Vec<_> = tokens.iter().filter(|token| token.kind != Kind::Comment).copied().collect();
    let (mut named, mut depth, mut at) = (Vec::new(), 0usize, 0);
    while at < code.len() {
        let token = code[at];
        let starts = at == 0 || !code[at - 1].is("::") && !code[at - 1].is(".");
        let goes_on = code.get(at + 1).is_some_and(|next| next.is("::"));
        if token.is_word() && starts && goes_on {
            let mut found = Vec::new();
            at = spread(&code, at, &mut Vec::new(), &mut found);
            let top = depth == 0;
            named.extend(found.into_iter().map(|(path, line)| Named { path, line, top }));
            continue;
        }
        match token.text {
            "{" if token.is("{") => depth += 1,
            "}" if token.is("}") => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    named
}

/// Reads the path that begins at `at`, behind `prefix`, and returns where it ends.
fn spread(
    code: &[Token<'_>],
    mut at: usize,
    prefix: &mut Vec<String>,
    found: &mut Vec<(Vec<String>, usize)>,
) -> usize {
    let depth = prefix.len();
    let mut line = code[at].line;
    while let Some(token) = code.get(at) {
        if token.is("{") {
            at = group(code, at + 1, prefix, found);
            prefix.truncate(depth);
            return at;
        }
        if !token.is_word() && !token.is("*") {
            break;
        }
        line = token.line;
        prefix.push(token.text.to_owned());
        at += 1;
        if !code.get(at).is_some_and(|next| next.is("::")) {
            break;
        }
        at += 1;
    }
    found.push((prefix.clone(), line));
    prefix.truncate(depth);
    at
}

/// Reads the members of a group up to its closing brace.
fn group(
    code: &[Token<'_>],
    mut at: usize,
    prefix: &mut Vec<String>,
    found: &mut Vec<(Vec<String>, usize)>,
) -> usize {
    while let Some(token) = code.get(at) {
        if token.is("}") {
            return at + 1;
        }
        let renamed = code.get(at.wrapping_sub(1)).is_some_and(|before| before.is("as"));
        let member = (token.is_word() && !token.is("as") && !renamed) || token.is("*");
        at = if member { spread(code, at, prefix, found) } else { at + 1 };
    }
    at
}
