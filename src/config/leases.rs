//! `[leases]`: for how long this machine keeps what others gave it.
//!
//! Shorter than [`QUARANTINE_MIN`] and [`GRACE_MIN`] no setting makes it, but for `for-tests`: the
//! time is what protects others from whoever stole one of their devices.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Span as JiffSpan, SpanRelativeTo, Unit};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use store::Terms;

const DAY: u64 = 24 * 3600;

/// The shortest quarantine: a weekend away is no time to lose a backup in.
const QUARANTINE_MIN: u64 = 3 * DAY;
/// The shortest grace.
const GRACE_MIN: u64 = 90 * DAY;

/// For how long this machine keeps what others gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case", try_from = "Said")]
pub struct Leases {
    /// Between the release of a shard and the end of its bytes; at least 3 days.
    pub quarantine: Span,
    /// Between the arrival of a shard and the first release that counts.
    pub min_retention: Span,
    /// Between the last contact of an owner and the end of its lease; at least 90 days.
    pub grace: Span,
    /// Takes shorter times than others may rely on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub for_tests: bool,
}

impl Default for Leases {
    fn default() -> Self {
        let Terms { quarantine_secs, min_retention_secs, grace_secs } = Terms::default();
        Self {
            quarantine: Span(quarantine_secs),
            min_retention: Span(min_retention_secs),
            grace: Span(grace_secs),
            for_tests: false,
        }
    }
}

impl Leases {
    /// What the shelf goes by.
    pub const fn terms(&self) -> Terms {
        Terms {
            quarantine_secs: self.quarantine.0,
            min_retention_secs: self.min_retention.0,
            grace_secs: self.grace.0,
        }
    }
}

/// As it is written, before the times are checked.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Said {
    quarantine: Span,
    min_retention: Span,
    grace: Span,
    for_tests: bool,
}

impl Default for Said {
    fn default() -> Self {
        let Leases { quarantine, min_retention, grace, for_tests } = Leases::default();
        Self { quarantine, min_retention, grace, for_tests }
    }
}

/// A time shorter than others rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooShort {
    /// The quarantine.
    #[error("a quarantine has at least 3 days")]
    Quarantine,
    /// The grace.
    #[error("a grace has at least 90 days")]
    Grace,
}

impl TryFrom<Said> for Leases {
    type Error = TooShort;

    fn try_from(said: Said) -> Result<Self, TooShort> {
        let Said { quarantine, min_retention, grace, for_tests } = said;
        if !for_tests && quarantine.0 < QUARANTINE_MIN {
            return Err(TooShort::Quarantine);
        }
        if !for_tests && grace.0 < GRACE_MIN {
            return Err(TooShort::Grace);
        }
        Ok(Self { quarantine, min_retention, grace, for_tests })
    }
}

/// A length of time: `7d`, `36h`. In seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub u64);

/// Text that is not a length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time like \"7d\" or \"36h\"")]
pub struct NotASpan;

impl FromStr for Span {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let span: JiffSpan = text.trim().parse().map_err(|_said| NotASpan)?;
        let days = SpanRelativeTo::days_are_24_hours();
        let seconds = span.total((Unit::Second, days)).map_err(|_said| NotASpan)?;
        let whole = SignedDuration::try_from_secs_f64(seconds).map_err(|_said| NotASpan)?;
        u64::try_from(whole.as_secs()).map(Self).map_err(|_negative| NotASpan)
    }
}

/// Exact: what is printed reads back as the same time.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 3] = [(DAY, "d"), (3600, "h"), (60, "m")];
        let fits = |(unit, _): &&(u64, &str)| self.0 >= *unit && self.0.is_multiple_of(*unit);
        match UNITS.iter().find(fits) {
            Some((unit, name)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{}s", self.0),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
