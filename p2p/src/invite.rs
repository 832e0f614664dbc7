//! An invitation: one string that leads a stranger to a grid and lets them in once.
//!
//! `gbak1...` is bech32m over a versioned record. Its checksum finds a mistyped or cut string
//! before anything is dialled; at most [`TEXT_LIMIT`] characters, up to which the checksum keeps
//! its guarantee. A typo ([`InviteError::Typo`]) and a string of a newer program
//! ([`InviteError::Newer`]) are told apart, because the user must do different things about them.

use std::fmt;
use std::str::FromStr;

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Hrp};
use chunker::{GridId, PeerId, Record, RecordError};
use serde::{Deserialize, Serialize};

use crate::wire::{ADDRESS_LIMIT, ADDRESSES_LIMIT};

/// Longest invitation in characters: the length of bech32m's code, beyond which it misses errors.
pub const TEXT_LIMIT: usize = 1023;

const HRP: Hrp = Hrp::parse_unchecked("gbak");

/// Everything a stranger needs to join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// The grid it leads to; what the charter received must hash to.
    pub grid: GridId,
    /// The device that made it and can redeem it.
    pub peer: PeerId,
    /// Where that device listens, as multiaddresses. What does not fit the string is left out of
    /// it.
    pub addresses: Vec<String>,
    /// The one-time secret.
    pub token: [u8; 16],
    /// When it stops being good, seconds since the Unix epoch.
    pub expires_secs: u64,
}

/// Why a text is not an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InviteError {
    /// It does not start with `gbak1`.
    #[error("Not an invitation: it must begin with gbak1")]
    NotAnInvite,
    /// A character is wrong, missing or one too many.
    #[error("The invitation is mistyped or incomplete: its checksum does not match")]
    Typo,
    /// Longer than any invitation.
    #[error("The text is longer than an invitation can be ({TEXT_LIMIT} characters)")]
    TooLong,
    /// Made by a newer version of the program.
    #[error("The invitation has format version {found}; this program reads up to {known}")]
    Newer {
        /// The version found.
        found: u8,
        /// The newest version known here.
        known: u8,
    },
    /// The checksum is right but the content is not an invitation's.
    #[error("The invitation is damaged or not genuine")]
    Malformed,
}

/// The record inside, with names as short as its place in a string asks for.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InviteRecord {
    #[serde(rename = "g")]
    grid: GridId,
    #[serde(rename = "p")]
    peer: PeerId,
    #[serde(rename = "a")]
    addresses: Vec<String>,
    #[serde(rename = "t", with = "serde_bytes")]
    token: [u8; 16],
    #[serde(rename = "e")]
    expires_secs: u64,
}

impl Record for InviteRecord {
    const NAME: &'static str = "invitation";
    const VERSION: u8 = 1;
    const LIMIT: usize = TEXT_LIMIT;
}

impl fmt::Display for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut record = InviteRecord {
            grid: self.grid,
            peer: self.peer,
            addresses: Vec::new(),
            token: self.token,
            expires_secs: self.expires_secs,
        };
        for address in self.addresses.iter().filter(|address| address.len() <= ADDRESS_LIMIT) {
            record.addresses.push(address.clone());
            let too_many = record.addresses.len() > ADDRESSES_LIMIT;
            if too_many || bech32::encoded_length::<Bech32m>(HRP, &record.encode()).is_err() {
                record.addresses.pop();
            }
        }
        bech32::encode_lower_to_fmt::<Bech32m, _>(f, HRP, &record.encode()).map_err(|_| fmt::Error)
    }
}

impl FromStr for Invite {
    type Err = InviteError;

    fn from_str(text: &str) -> Result<Self, InviteError> {
        let text = text.trim_start();
        let prefix = text.get(..5).unwrap_or(text);
        if !prefix.eq_ignore_ascii_case("gbak1") {
            return Err(InviteError::NotAnInvite);
        }
        // What was copied from a letter or a terminal may have been broken into lines.
        let text: String = text.split_whitespace().take(TEXT_LIMIT).collect();
        if text.len() > TEXT_LIMIT {
            return Err(InviteError::TooLong);
        }
        let checked = CheckedHrpstring::new::<Bech32m>(&text).map_err(|_| InviteError::Typo)?;
        let bytes: Vec<u8> = checked.byte_iter().collect();
        let record = InviteRecord::decode(&bytes).map_err(InviteError::from)?;
        record.into_invite().ok_or(InviteError::Malformed)
    }
}

impl InviteRecord {
    fn into_invite(self) -> Option<Invite> {
        let Self { grid, peer, addresses, token, expires_secs } = self;
        let bounded = addresses.len() <= ADDRESSES_LIMIT
            && addresses.iter().all(|address| address.len() <= ADDRESS_LIMIT);
        bounded.then_some(Invite { grid, peer, addresses, token, expires_secs })
    }
}

impl From<RecordError> for InviteError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Version { found, known, .. } => Self::Newer { found, known },
            _ => Self::Malformed,
        }
    }
}

#[cfg(test)]
mod tests;
