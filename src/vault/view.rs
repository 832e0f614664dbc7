//! How a person names a snapshot: `latest`, `latest~2`, an id or its beginning, each with `:PATH`.
//!
//! The first colon ends the name; everything after it is the path, raw bytes, colons included. Ages
//! count by the snapshots' times; of two at the same time, the one listed later is the later one.

use std::fmt;
use std::str::FromStr;

use chunker::SnapshotId;

use crate::vault::tree::Stamp;

#[cfg(test)]
mod tests;

/// Fewest digits of an id's beginning: fewer are hit by a typing error too easily.
pub const MIN_PREFIX: usize = 4;
/// Digits of a whole id.
const ID_DIGITS: usize = 2 * chunker::id::ID_LEN;
/// How many candidates an ambiguity names.
const CANDIDATES: usize = 8;

/// A snapshot as a person named it, and perhaps a path in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotSpec {
    /// Which snapshot.
    pub which: Which,
    /// The path after the colon; never empty.
    pub path: Option<Vec<u8>>,
}

/// Which snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The newest but `back`.
    Latest {
        /// 0 for the newest itself.
        back: u32,
    },
    /// The one whose id begins with these digits.
    Id(IdPrefix),
}

/// The beginning of an id, or all of it: 4 to 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdPrefix(String);

/// Why a name means no snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// There are no snapshots at all.
    #[error("There are no snapshots yet")]
    NoSnapshots,
    /// There is none of that name or age.
    #[error("There is no snapshot {name}")]
    NotFound {
        /// As it was asked for.
        name: String,
    },
    /// Several ids begin like that.
    #[error("{prefix} is the beginning of {} snapshot ids, e.g. {} and {}",
        .matches, first(.candidates, 0), first(.candidates, 1))]
    Ambiguous {
        /// The digits given.
        prefix: String,
        /// How many there are.
        matches: usize,
        /// Some of them, in order of their ids.
        candidates: Vec<SnapshotId>,
    },
    /// Not a way to name a snapshot.
    #[error(
        "{text} names no snapshot: use latest, latest~N, or {MIN_PREFIX} to 64 digits of an id"
    )]
    Malformed {
        /// What was given, lossy and cut short.
        text: String,
    },
}

fn first(candidates: &[SnapshotId], at: usize) -> String {
    candidates.get(at).map(ToString::to_string).unwrap_or_default()
}

impl SnapshotSpec {
    /// Reads `NAME` or `NAME:PATH`.
    pub fn parse(text: &[u8]) -> Result<Self, SpecError> {
        let (name, path) = match text.iter().position(|byte| *byte == b':') {
            None => (text, None),
            Some(colon) => (&text[..colon], Some(&text[colon + 1..])),
        };
        let which = std::str::from_utf8(name).ok().and_then(Which::parse);
        match (which, path) {
            (Some(which), None) => Ok(Self { which, path: None }),
            (Some(which), Some(path)) if !path.is_empty() => {
                Ok(Self { which, path: Some(path.to_vec()) })
            }
            _ => Err(malformed(text)),
        }
    }
}

fn malformed(text: &[u8]) -> SpecError {
    let lossy = String::from_utf8_lossy(text);
    SpecError::Malformed { text: lossy.chars().take(ID_DIGITS + 1).collect() }
}

impl FromStr for SnapshotSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        Self::parse(text.as_bytes())
    }
}

impl fmt::Display for SnapshotSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.which.fmt(f)?;
        match &self.path {
            None => Ok(()),
            Some(path) => write!(f, ":{}", String::from_utf8_lossy(path)),
        }
    }
}

impl Which {
    fn parse(name: &str) -> Option<Self> {
        if name == "latest" {
            return Some(Self::Latest { back: 0 });
        }
        if let Some(back) = name.strip_prefix("latest~") {
            let digits = !back.is_empty() && back.bytes().all(|byte| byte.is_ascii_digit());
            return digits.then(|| back.parse().ok().map(|back| Self::Latest { back }))?;
        }
        let fits = (MIN_PREFIX..=ID_DIGITS).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then(|| Self::Id(IdPrefix(name.to_ascii_lowercase())))
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest { back: 0 } => f.write_str("latest"),
            Self::Latest { back } => write!(f, "latest~{back}"),
            Self::Id(IdPrefix(digits)) => f.write_str(digits),
        }
    }
}

/// Which of `snapshots` is meant.
pub fn resolve(
    spec: &SnapshotSpec,
    snapshots: &[(SnapshotId, Stamp)],
) -> Result<SnapshotId, SpecError> {
    if snapshots.is_empty() {
        return Err(SpecError::NoSnapshots);
    }
    match &spec.which {
        Which::Latest { back } => by_age(*back, snapshots)
            .ok_or_else(|| SpecError::NotFound { name: spec.which.to_string() }),
        Which::Id(prefix) => by_prefix(prefix, snapshots),
    }
}

fn by_age(back: u32, snapshots: &[(SnapshotId, Stamp)]) -> Option<SnapshotId> {
    let mut by_time: Vec<_> = snapshots.iter().collect();
    // Stable: the order of the list decides between equal times.
    by_time.sort_by_key(|(_, time)| *time);
    by_time.iter().rev().nth(back as usize).map(|(id, _)| *id)
}

fn by_prefix(
    IdPrefix(digits): &IdPrefix,
    snapshots: &[(SnapshotId, Stamp)],
) -> Result<SnapshotId, SpecError> {
    let mut found: Vec<SnapshotId> = snapshots
        .iter()
        .map(|(id, _)| *id)
        .filter(|id| id.to_string().starts_with(digits.as_str()))
        .collect();
    found.sort_unstable();
    found.dedup();
    match found.as_slice() {
        [] => Err(SpecError::NotFound { name: digits.clone() }),
        [one] => Ok(*one),
        several => {
            let matches = several.len();
            found.truncate(CANDIDATES);
            Err(SpecError::Ambiguous { prefix: digits.clone(), matches, candidates: found })
        }
    }
}
