//! How the agent follows what happens to the disks it lends.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// By how much more is lent when a disk grows: `off`, or `25% of added`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Grow {
    /// Not at all.
    #[default]
    Off,
    /// By so many hundredths of what was added.
    OfAdded(f64),
}

/// Text that is not such a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not \"off\" or like \"25% of added\"")]
pub struct NotARule;

impl FromStr for Grow {
    type Err = NotARule;

    fn from_str(text: &str) -> Result<Self, NotARule> {
        let text = text.trim();
        if text == "off" {
            return Ok(Self::Off);
        }
        let share = text.strip_suffix("of added").ok_or(NotARule)?.trim_end();
        let percent = share.strip_suffix('%').and_then(|number| number.trim().parse().ok());
        match percent {
            Some(percent) if (0.0..=100.0).contains(&percent) => Ok(Self::OfAdded(percent)),
            _ => Err(NotARule),
        }
    }
}

impl fmt::Display for Grow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::OfAdded(percent) => write!(f, "{percent}% of added"),
        }
    }
}

impl Serialize for Grow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Grow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A length of time, like `10s` or `24h`: from a second to a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting(pub Duration);

/// Text that is not a length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a length of time like \"10s\" or \"24h\"")]
pub struct NotATime;

const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);

impl FromStr for Lasting {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        let said: jiff::SignedDuration = text.trim().parse().map_err(|_| NotATime)?;
        let lasts = Duration::try_from(said).map_err(|_| NotATime)?;
        let in_range = (Duration::from_secs(1)..=YEAR).contains(&lasts);
        if in_range { Ok(Self(Duration::from_secs(lasts.as_secs()))) } else { Err(NotATime) }
    }
}

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.0.as_secs();
        match (secs % 3600, secs % 60) {
            (0, _) => write!(f, "{}h", secs / 3600),
            (_, 0) => write!(f, "{}m", secs / 60),
            _ => write!(f, "{secs}s"),
        }
    }
}

impl Serialize for Lasting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Lasting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
