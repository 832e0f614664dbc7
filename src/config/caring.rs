//! `[repair]` and `[schedule]`: when holders are given up, how fast is mended, how often is looked.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::{Span as JiffSpan, SpanRelativeTo, Unit};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Rate, Span};

/// How patient repair is. What is absent is the default of the rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Repair {
    /// A holder silent for so long is suspect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspect_after: Option<Period>,
    /// A holder silent for so long is away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub away_after: Option<Period>,
    /// What a holder silent for so long holds is made again elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presume_lost_after: Option<Period>,
    /// A holder silent for so long is not asked for any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost_after: Option<Period>,
    /// Bytes of repaired shards sent a second; 0 for no limit.
    pub up: Rate,
}

impl Default for Repair {
    fn default() -> Self {
        Self {
            suspect_after: None,
            away_after: None,
            presume_lost_after: None,
            lost_after: None,
            up: Rate(4 << 20),
        }
    }
}

/// How often the agent does what nobody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Schedule {
    /// Between two audits, on average.
    pub audit: Period,
    /// Between two looks at who is there.
    pub look: Period,
    /// Backup sets begin up to so much later than they say, so that not all machines do at once.
    pub jitter: Span,
    /// Whether a backup whose time came while no agent ran is made up for.
    pub run_missed: bool,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            audit: Period(Duration::from_secs(6 * 3600)),
            look: Period(Duration::from_secs(300)),
            jitter: Span(600),
            run_missed: true,
        }
    }
}

/// A length of time, like `6h` or `every 6h`. At least a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period(pub Duration);

/// Text that is not a length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a length of time like \"6h\" or \"3 days\", from 1 s to 10 years")]
pub struct NotAPeriod;

/// The longest that is accepted: sums of it with any time stay in range.
const MOST: Duration = Duration::from_secs(3650 * 24 * 3600);

impl FromStr for Period {
    type Err = NotAPeriod;

    fn from_str(text: &str) -> Result<Self, NotAPeriod> {
        let text = text.trim();
        let text = text.strip_prefix("every ").unwrap_or(text).trim();
        let span: JiffSpan = text.parse().map_err(|_said| NotAPeriod)?;
        let days = SpanRelativeTo::days_are_24_hours();
        let seconds = span.total((Unit::Second, days)).map_err(|_said| NotAPeriod)?;
        let period = Duration::try_from_secs_f64(seconds).map_err(|_negative| NotAPeriod)?;
        let fits = period >= Duration::from_secs(1) && period <= MOST;
        if fits { Ok(Self(Duration::from_secs(period.as_secs()))) } else { Err(NotAPeriod) }
    }
}

/// Exact: what is printed reads back as the same.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 3] = [(24 * 3600, "d"), (3600, "h"), (60, "m")];
        let secs = self.0.as_secs();
        match UNITS.iter().find(|(unit, _)| secs >= *unit && secs.is_multiple_of(*unit)) {
            Some((unit, name)) => write!(f, "{}{name}", secs / unit),
            None => write!(f, "{secs}s"),
        }
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
