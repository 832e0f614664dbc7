//! The recovery phrase: 24 English words (BIP39) that stand for 32 random bytes and a checksum.
//!
//! What is used are those bytes, not the seed BIP39 stretches from the words: 256 bits need no
//! stretching. The words reach the outside through [`Phrase::words`] only: there is no `Display`,
//! and `Debug` shows nothing. Memory is wiped on drop; what a caller makes of the words is the
//! caller's.

use std::fmt;
use std::str::FromStr;

use bip39::{Language, Mnemonic};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::vault::keys::RootSecret;

#[cfg(test)]
mod tests;

/// Words in a phrase.
pub const WORDS: usize = 24;

/// Longest text looked at: 24 words of 8 letters take 215 bytes, the rest is generous spacing.
const TEXT_LIMIT: usize = 4096;

/// Why a text is not a recovery phrase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PhraseError {
    /// Too few or too many words.
    #[error("A recovery phrase has {WORDS} words, this text has {found}")]
    WordCount {
        /// Words found.
        found: usize,
    },
    /// A word is not in the list.
    #[error("Word {position} is not a word of the list")]
    UnknownWord {
        /// Which word, counted from 1.
        position: usize,
    },
    /// Each word is in the list, together they are no phrase.
    #[error("The words do not fit together: one is wrong, or two changed places")]
    Checksum,
    /// Far too long to be a phrase.
    #[error("The text has {len} bytes, too many for a recovery phrase")]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
}

/// The recovery phrase.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Phrase {
    mnemonic: Mnemonic,
}

impl Phrase {
    /// The phrase of 32 fresh random bytes.
    pub fn generate(mut entropy: [u8; 32]) -> Self {
        let made = Mnemonic::from_entropy_in(Language::English, &entropy);
        entropy.zeroize();
        match made {
            Ok(mnemonic) => Self { mnemonic },
            Err(error) => unreachable!("32 bytes always make a phrase: {error}"),
        }
    }

    /// The words, to be shown once and written down.
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        self.mnemonic.words()
    }

    /// What everything else is derived from.
    pub fn root(&self) -> RootSecret {
        let (mut entropy, _) = self.mnemonic.to_entropy_array();
        let mut secret = Zeroizing::new([0; 32]);
        secret.copy_from_slice(&entropy[..32]);
        entropy.zeroize();
        RootSecret::new(&secret)
    }
}

impl FromStr for Phrase {
    type Err = PhraseError;

    /// Words may be in upper case and stand apart by any white space.
    fn from_str(text: &str) -> Result<Self, PhraseError> {
        if text.len() > TEXT_LIMIT {
            return Err(PhraseError::TooLong { len: text.len() });
        }
        let text = Zeroizing::new(text.to_ascii_lowercase());
        let found = text.split_whitespace().count();
        if found != WORDS {
            return Err(PhraseError::WordCount { found });
        }
        match Mnemonic::parse_in_normalized(Language::English, &text) {
            Ok(mnemonic) => Ok(Self { mnemonic }),
            Err(bip39::Error::UnknownWord(index)) => {
                Err(PhraseError::UnknownWord { position: index + 1 })
            }
            Err(bip39::Error::BadWordCount(found)) => Err(PhraseError::WordCount { found }),
            Err(_) => Err(PhraseError::Checksum),
        }
    }
}

impl fmt::Debug for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phrase(..)")
    }
}
