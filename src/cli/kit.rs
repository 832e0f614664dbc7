//! The recovery kit: one page that brings everything back, for people and for `gbak recover --kit`.
//!
//! Whoever has it can read the backup, so it is only ever printed or written 0600. Reading it takes
//! the numbered words and the addresses and ignores the rest, so a kit typed off paper works too.

use std::fmt::Write as _;

use zeroize::Zeroizing;

use super::output::escape;
use crate::api::setup::{InitView, Secret};

/// The largest kit, in bytes.
pub(crate) const MAX_KIT: u64 = 64 * 1024;
/// The largest file of words, in bytes.
pub(crate) const MAX_PHRASE: u64 = 4096;
/// Words in a line.
const IN_LINE: usize = 4;

/// The page of a new home.
pub(crate) fn page(view: &InitView, words: &Secret) -> Secret {
    // Filled by appending: room for all of it, so that growing leaves no copy behind.
    let mut page = String::with_capacity(MAX_KIT as usize);
    page.push_str("gbak recovery kit\n\n");
    page.push_str(
        "These 24 words and one address bring everything back, on any machine, without\n",
    );
    page.push_str(
        "this one. Whoever has them can read the backup: keep the page away from it.\n\n",
    );
    page.push_str(&words_block(words));
    page.push('\n');
    // Writing to a String cannot fail.
    let _written = writeln!(page, "name       {}", escape(&view.name));
    let _written = writeln!(page, "grid id    {}", escape(&view.grid_id));
    let _written = writeln!(page, "made       {}", escape(&view.created));
    for address in &view.bootstrap {
        let _written = writeln!(page, "address    {}", escape(address));
    }
    if view.bootstrap.is_empty() {
        // A line that `read` does not take for an address.
        page.push_str("Add an address: the agent has one once it runs (gbak status shows it)\n");
    }
    page.push_str(
        "\nTo use it: gbak recover --kit FILE, or --phrase-file FILE --bootstrap ADDRESS\n",
    );
    Secret::new(page)
}

/// The words, numbered.
pub(crate) fn words_block(words: &Secret) -> Zeroizing<String> {
    let mut block = Zeroizing::new(String::with_capacity(1024));
    for (no, word) in words.split_whitespace().enumerate() {
        let end = if (no + 1) % IN_LINE == 0 { "\n" } else { "" };
        let gap = if end.is_empty() { 12 } else { 0 };
        let _written = write!(block, "{:>4} {:<gap$}{end}", no + 1, escape(word));
    }
    if !block.ends_with('\n') {
        block.push('\n');
    }
    block
}

/// What a kit brings.
#[derive(Debug)]
pub(crate) struct Kit {
    /// The words, with single spaces.
    pub(crate) words: Secret,
    /// Addresses of members.
    pub(crate) bootstrap: Vec<String>,
}

/// Reads a page. Whether the words are right is for whoever opens the keys to say.
pub(crate) fn read(page: &Secret) -> Kit {
    let mut words = String::with_capacity(page.len());
    let mut bootstrap = Vec::new();
    for line in page.lines() {
        if let Some(address) = line.trim().strip_prefix("address ") {
            bootstrap.push(address.trim().to_owned());
        } else if line.trim_start().starts_with(|first: char| first.is_ascii_digit()) {
            for word in line.split_whitespace().filter(|part| part.parse::<u8>().is_err()) {
                let gap = if words.is_empty() { "" } else { " " };
                words.push_str(gap);
                words.push_str(word);
            }
        }
    }
    Kit { words: Secret::new(words), bootstrap }
}

#[cfg(test)]
mod tests;
