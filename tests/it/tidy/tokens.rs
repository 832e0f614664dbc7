//! Rust source as tokens, as far as the rules need: words, punctuation, and literals and comments
//! kept apart from both, so that nothing in a string or a comment is taken for code.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name, a keyword or a number.
    Word,
    /// `::`, or one other character.
    Punct,
    /// A string, a character, a lifetime.
    Literal,
    /// A comment, doc comments included.
    Comment,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    /// The line it begins in, counted from 1.
    pub(crate) line: usize,
}

impl Token<'_> {
    pub(crate) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Punct) && self.text == text
    }

    pub(crate) fn is_word(&self) -> bool {
        self.kind == Kind::Word
    }
}

/// The tokens of a file that compiles; anything else gives some tokens, and no panic.
pub(crate) fn of(text: &str) -> Vec<Token<'_>> {
    let (mut tokens, mut line, mut at) = (Vec::new(), 1, 0);
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            line += usize::from(first == '\n');
            at += first.len_utf8();
            continue;
        }
        let (kind, len) = token(&text[at..]);
        let token = &text[at..at + len];
        tokens.push(Token { kind, text: token, line });
        line += token.matches('\n').count();
        at += len;
    }
    tokens
}

/// What begins here, and its length in bytes.
fn token(rest: &str) -> (Kind, usize) {
    let first = rest.chars().next().unwrap_or(' ');
    if rest.starts_with("//") {
        return (Kind::Comment, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Kind::Comment, block_comment(rest));
    }
    if let Some(len) = string(rest) {
        return (Kind::Literal, len);
    }
    if first == '\'' {
        return (Kind::Literal, char_or_lifetime(rest));
    }
    if first.is_alphanumeric() || first == '_' {
        return (Kind::Word, word(rest));
    }
    (Kind::Punct, if rest.starts_with("::") { 2 } else { first.len_utf8() })
}

fn word(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if here.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of the string that begins here, if one does: plain, byte, C or raw.
fn string(rest: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|p| rest.starts_with(p))?;
    let raw = prefix.ends_with('r');
    let after = &rest[prefix.len()..];
    let hashes = if raw { after.len() - after.trim_start_matches('#').len() } else { 0 };
    let body = after[hashes..].strip_prefix('"')?;
    let begin = rest.len() - body.len();
    if raw {
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(body.find(&end).map_or(rest.len(), |at| begin + at + end.len()));
    }
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(begin + at + 1),
            _ => {}
        }
    }
    Some(rest.len())
}

/// `'a'`, `'\n'` or `'a` as in a lifetime.
fn char_or_lifetime(rest: &str) -> usize {
    let body = &rest[1..];
    let skip =
        if body.starts_with('\\') { 2 } else { body.chars().next().map_or(0, char::len_utf8) };
    match body.get(skip..).and_then(|after| after.find('\'')) {
        // Escapes such as \u{..} are a few characters; only an escape is longer than one.
        Some(0) => 1 + skip + 1,
        Some(more) if body.starts_with('\\') && more < 10 => 1 + skip + more + 1,
        _ => 1 + word(body),
    }
}
