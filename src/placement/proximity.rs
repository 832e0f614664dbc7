//! Proximity: how near and how far holders may be.
//!
//! A limit is a [`Range`] of round trips, written `2ms..150ms`, `..150ms` or `2ms..`. Two are asked
//! for ([`Proximity`]): between source and target (`latency`), and between any two targets of a
//! pack (`spread`).
//!
//! **A low measured round trip proves nearness**: nothing answers a fresh nonce faster than light.
//! **A high one proves nothing**: whoever wants to look far away waits before it answers. So a
//! maximum can be proven; a minimum can only be disproven, by whoever saw the two near. A placement
//! within a minimum means: nothing that we and others measured shows them nearer.
//!
//! What is known of a distance is in [`Distances`]. Parsing fails with [`RangeError`]; the rest is
//! total. What is not known at all is [`Verdict::Unknown`] under any limit, never inside it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

mod distances;

#[cfg(test)]
mod tests;

pub use distances::{Distance, Distances, MAX_WITNESSES};

/// Longest bound that can be written.
const LONGEST: Duration = Duration::from_secs(60);

/// From which round trip to which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Range {
    min: Duration,
    /// None is without limit.
    max: Option<Duration>,
}

/// A text that is no range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RangeError {
    /// No `..` in it.
    #[error("A range of round trips is written 2ms..150ms, ..150ms or 2ms..")]
    Dots,
    /// A bound is not a number with `us`, `ms` or `s`, or is beyond a minute.
    #[error("A round trip is a number with us, ms or s, and at most 60s")]
    Bound,
    /// The minimum is above the maximum.
    #[error("The minimum is above the maximum: nobody would be inside")]
    Empty,
}

impl Range {
    /// No limit.
    pub const ANY: Self = Self { min: Duration::ZERO, max: None };

    /// From `min` to `max`; without `max`, upwards.
    pub fn new(min: Duration, max: Option<Duration>) -> Result<Self, RangeError> {
        if min.max(max.unwrap_or_default()) > LONGEST {
            return Err(RangeError::Bound);
        }
        if max.is_some_and(|max| max < min) {
            Err(RangeError::Empty)
        } else {
            Ok(Self { min, max })
        }
    }

    /// The shortest round trip inside.
    pub const fn min(&self) -> Duration {
        self.min
    }

    /// The longest inside; none when there is no limit.
    pub const fn max(&self) -> Option<Duration> {
        self.max
    }

    /// Whether nothing is outside.
    pub fn is_any(&self) -> bool {
        *self == Self::ANY
    }

    /// Where `distance` stands. A proof of nearness comes before all else.
    pub fn judge(&self, distance: Option<&Distance>) -> Verdict {
        match distance {
            _ if self.is_any() => Verdict::Inside,
            None => Verdict::Unknown,
            Some(distance) if distance.near < self.min => Verdict::TooNear,
            Some(distance) if self.max.is_some_and(|max| distance.far > max) => Verdict::TooFar,
            Some(_) => Verdict::Inside,
        }
    }
}

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let (min, max) = text.trim().split_once("..").ok_or(RangeError::Dots)?;
        let min = parse_bound(min.trim())?.unwrap_or_default();
        Self::new(min, parse_bound(max.trim())?)
    }
}

/// A bound; None when it was left out.
fn parse_bound(text: &str) -> Result<Option<Duration>, RangeError> {
    if text.is_empty() {
        return Ok(None);
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let micros = match &text[digits.len()..] {
        "us" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        _ => return Err(RangeError::Bound),
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = digits.parse().map_err(|_| RangeError::Bound)?;
    let micros = (number * micros).round();
    if !plain || micros > LONGEST.as_micros() as f64 {
        return Err(RangeError::Bound);
    }
    Ok(Some(Duration::from_micros(micros as u64)))
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.min.is_zero() {
            write_bound(f, self.min)?;
        }
        f.write_str("..")?;
        self.max.map_or(Ok(()), |max| write_bound(f, max))
    }
}

fn write_bound(f: &mut fmt::Formatter<'_>, bound: Duration) -> fmt::Result {
    let micros = bound.as_micros();
    if micros.is_multiple_of(1_000_000) {
        write!(f, "{}s", micros / 1_000_000)
    } else if micros.is_multiple_of(1000) {
        write!(f, "{}ms", micros / 1000)
    } else {
        write!(f, "{micros}us")
    }
}

impl TryFrom<String> for Range {
    type Error = RangeError;

    fn try_from(text: String) -> Result<Self, RangeError> {
        text.parse()
    }
}

impl From<Range> for String {
    fn from(range: Range) -> Self {
        range.to_string()
    }
}

impl Default for Range {
    fn default() -> Self {
        Self::ANY
    }
}

/// Both limits on distances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proximity {
    /// Between source and target.
    #[serde(default)]
    pub latency: Range,
    /// Between any two targets of a pack.
    #[serde(default)]
    pub spread: Range,
}

/// Where a distance stands against a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing shows it outside.
    Inside,
    /// Somebody measured that it is nearer than the minimum, or it says so itself.
    TooNear,
    /// It was measured, or is estimated, further than the maximum.
    TooFar,
    /// Nothing is known: not inside any limit.
    Unknown,
}
