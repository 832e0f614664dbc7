//! `[[backup.sets]]`: what is backed up together, how, and when.
//!
//! Invariants: names are short words, each used once; sources are absolute, since the agent has
//! another directory than whoever wrote the file.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::Range;
use super::caring::Period;
use super::when::When;

/// Most sets.
const MOST: usize = 64;
/// Longest name of one, in bytes.
const NAME: usize = 64;

/// What is backed up together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BackupSet {
    /// What it is called.
    pub name: String,
    /// Files and directories, absolute.
    pub sources: Vec<PathBuf>,
    /// Tags of its snapshots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Glob patterns to leave out, besides those of all backups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Whether it stays on the file systems of its sources.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_file_system: bool,
    /// Make no snapshot when nothing changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_if_unchanged: bool,
    /// k+m, like `8+4`; as for all backups when absent.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "super::redundancy"
    )]
    pub redundancy: Option<String>,
    /// Round trips between this machine and each holder; as for all backups when absent.
    #[serde(default, skip_serializing_if = "Range::is_any")]
    pub latency: Range,
    /// Round trips between any two holders of a pack; as for all backups when absent.
    #[serde(default, skip_serializing_if = "Range::is_any")]
    pub spread: Range,
    /// When the agent backs it up; only when asked when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<When>,
    /// `gbak status` warns when its last good backup is older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Period>,
}

/// What is wrong with the sets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum WrongSet {
    /// There are too many.
    #[error("there are {0} sets, more than {MOST}")]
    TooMany(usize),
    /// The name is no word.
    #[error("\"{0}\" is no name of a set: up to {NAME} letters, digits, \".\", \"-\" and \"_\"")]
    Name(String),
    /// Two have one name.
    #[error("two sets are called \"{0}\"")]
    Twice(String),
    /// It has nothing to back up.
    #[error("the set \"{0}\" has no sources")]
    Empty(String),
    /// A source depends on where the program was started.
    #[error("a source of the set \"{0}\" is not an absolute path")]
    Relative(String),
}

/// The sets of a file, checked.
pub(super) fn checked<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<BackupSet>, D::Error> {
    let sets = Vec::<BackupSet>::deserialize(deserializer)?;
    check(&sets).map_err(de::Error::custom)?;
    Ok(sets)
}

fn check(sets: &[BackupSet]) -> Result<(), WrongSet> {
    if sets.len() > MOST {
        return Err(WrongSet::TooMany(sets.len()));
    }
    let mut names = BTreeSet::new();
    for BackupSet { name, sources, .. } in sets {
        let is_word = |letter: u8| letter.is_ascii_alphanumeric() || b"._-".contains(&letter);
        if !(1..=NAME).contains(&name.len()) || !name.bytes().all(is_word) || name.starts_with('-')
        {
            return Err(WrongSet::Name(name.chars().take(NAME).collect()));
        }
        if !names.insert(name) {
            return Err(WrongSet::Twice(name.clone()));
        }
        if sources.is_empty() {
            return Err(WrongSet::Empty(name.clone()));
        }
        if !sources.iter().all(|source| source.is_absolute()) {
            return Err(WrongSet::Relative(name.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
