//! How the agent follows what happens to the disks it lends.

use std::fmt;
use std::str::FromStr;

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
