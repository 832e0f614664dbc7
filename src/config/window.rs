//! Times of day at which other limits hold: `during = "22:00-06:00"`, `days = "mon-fri"`. Pure.
//!
//! Times are the wall clock's. A window over midnight belongs to the day on which it begins. When
//! clocks are set back, a time that comes twice is inside twice; when they are set forward, what is
//! skipped is simply not there.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Speed;

/// Minutes of a day.
const DAY: u16 = 24 * 60;
/// As people write them, from Monday.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Other limits at some times; what is not said stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Window {
    /// At which time of day.
    pub during: During,
    /// On which days; on all when absent.
    #[serde(default)]
    pub days: Days,
    /// To all other devices together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up: Option<Speed>,
    /// From all other devices together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub down: Option<Speed>,
}

impl Window {
    /// Whether this wall-clock time is inside.
    pub fn holds(&self, at: DateTime) -> bool {
        let minute = u16::try_from(i32::from(at.hour()) * 60 + i32::from(at.minute())).unwrap_or(0);
        let today = usize::try_from(at.weekday().to_monday_zero_offset()).unwrap_or(0);
        let yesterday = (today + 6) % 7;
        let During { from, to } = self.during;
        if from < to {
            return self.days.0[today] && (from..to).contains(&minute);
        }
        (self.days.0[today] && minute >= from) || (self.days.0[yesterday] && minute < to)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.during)?;
        if self.days == Days::default() { Ok(()) } else { write!(f, " {}", self.days) }
    }
}

/// From one time of day to another, the latter excluded; over midnight when it is not later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct During {
    from: u16,
    to: u16,
}

/// Text that is not a time of day or a list of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotATime {
    /// Not from one time to another.
    #[error("not a time like \"08:00-18:00\"")]
    During,
    /// Not days.
    #[error("not days like \"mon-fri\" or \"sat,sun\"")]
    Days,
}

impl FromStr for During {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        let (from, to) = text.split_once('-').ok_or(NotATime::During)?;
        let (from, to) = (minutes(from)?, minutes(to)?);
        if from == DAY { Err(NotATime::During) } else { Ok(Self { from, to }) }
    }
}

fn minutes(text: &str) -> Result<u16, NotATime> {
    let (hour, minute) = text.trim().split_once(':').ok_or(NotATime::During)?;
    let digits = |text: &str| text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hour) || !digits(minute) {
        return Err(NotATime::During);
    }
    let number = |text: &str| text.parse::<u16>().map_err(|_| NotATime::During);
    match (number(hour)?, number(minute)?) {
        (hour @ 0..24, minute @ 0..60) => Ok(hour * 60 + minute),
        (24, 0) => Ok(DAY),
        _ => Err(NotATime::During),
    }
}

impl fmt::Display for During {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

/// Days of the week, from Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days([bool; 7]);

impl Default for Days {
    fn default() -> Self {
        Self([true; 7])
    }
}

impl FromStr for Days {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        let mut days = [false; 7];
        for part in text.split(',') {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let (mut at, to) = (day(from)?, day(to)?);
            days[at] = true;
            while at != to {
                at = (at + 1) % 7;
                days[at] = true;
            }
        }
        Ok(Self(days))
    }
}

/// By its first three letters.
fn day(text: &str) -> Result<usize, NotATime> {
    let text = text.trim().to_ascii_lowercase();
    let short = text.get(..3).ok_or(NotATime::Days)?;
    DAYS.iter().position(|day| *day == short).ok_or(NotATime::Days)
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = DAYS.iter().zip(self.0).filter(|(_, on)| *on).map(|(day, _)| *day);
        f.write_str(&days.collect::<Vec<_>>().join(","))
    }
}

macro_rules! as_text {
    ($($name:ident)*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

as_text!(During Days);

#[cfg(test)]
mod tests;
