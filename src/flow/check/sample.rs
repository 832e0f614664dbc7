//! Which packs a check reads: none, all, every so-manieth, or a random share.

use std::str::FromStr;

use chunker::PackId;

/// What to read.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Sample {
    /// Nothing: only holders are asked.
    #[default]
    Nothing,
    /// Every pack.
    Everything,
    /// `2/5`: the second of five parts. All parts together are everything, whenever each is read.
    Part {
        /// Which, from 1.
        part: u32,
        /// How many there are.
        of: u32,
    },
    /// `10%`: each pack with this chance, others each time.
    Share {
        /// Of a hundred.
        percent: f64,
    },
}

/// Text that names no part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a part like \"2/5\" or a share like \"10%\"")]
pub struct NotASample;

impl From<bool> for Sample {
    fn from(read_data: bool) -> Self {
        if read_data { Self::Everything } else { Self::Nothing }
    }
}

impl FromStr for Sample {
    type Err = NotASample;

    fn from_str(text: &str) -> Result<Self, NotASample> {
        let text = text.trim();
        if let Some(percent) = text.strip_suffix('%') {
            let percent: f64 = percent.trim().parse().map_err(|_said| NotASample)?;
            let some = percent > 0.0 && percent <= 100.0;
            return some.then_some(Self::Share { percent }).ok_or(NotASample);
        }
        let (part, of) = text.split_once('/').ok_or(NotASample)?;
        let part: u32 = part.trim().parse().map_err(|_said| NotASample)?;
        let of: u32 = of.trim().parse().map_err(|_said| NotASample)?;
        let sane = (1..=of).contains(&part);
        sane.then_some(Self::Part { part, of }).ok_or(NotASample)
    }
}

impl Sample {
    /// Whether this pack is read; `seed` is one check's.
    pub(super) fn has(&self, pack: &PackId, seed: &[u8; 32]) -> bool {
        let number = |hash: &[u8; 32]| {
            let mut first = [0; 8];
            first.copy_from_slice(&hash[..8]);
            u64::from_le_bytes(first)
        };
        match *self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Part { part, of } => {
                number(pack.as_bytes()) % u64::from(of) == u64::from(part) - 1
            }
            Self::Share { percent } => {
                let drawn = number(blake3::keyed_hash(seed, pack.as_bytes()).as_bytes());
                (drawn as f64) < percent / 100.0 * u64::MAX as f64
            }
        }
    }
}

#[cfg(test)]
mod tests;
