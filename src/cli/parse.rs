//! Words of the command line to values: sizes, durations, modes. Pure; errors name what would do.

use std::time::Duration;

use bytesize::ByteSize;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp, Unit};

use crate::api::limits::{NotASpeed, Speed};
use crate::api::setup::Amount;
use crate::api::{DomainsRule, GroupByArgs, UnmetRule};
use crate::config::{Range, RangeError};

/// Why a word is not the value it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseError {
    /// Not a size.
    #[error("a size is like 20GiB")]
    Size,
    /// Not a point in time.
    #[error("a time is like 2026-11-24, \"2026-11-24 18:00\" or 2d (ago)")]
    Moment,
    /// Neither a size nor a percentage.
    #[error("an amount is like 20GiB, 40% or none")]
    Amount,
    /// Not a percentage.
    #[error("a share is a percentage like 5%")]
    Percent,
    /// Not a duration.
    #[error("a duration is like 30s, 5m, 24h or 2d")]
    Duration,
    /// Not k+m.
    #[error("redundancy is like 8+4: at least 1 needed, at most 255 together; or auto")]
    Redundancy,
    /// Not a count.
    #[error("a count is a number from 1, or unlimited")]
    Count,
    /// Not something to group by.
    #[error("group by host, paths and tags, comma-separated, or by nothing: ''")]
    GroupBy,
    /// Not a share.
    #[error("a share is from 0 to below 1, like 0.3")]
    Share,
    /// Not so many years.
    #[error("years are from 0 to 100, like 3 or 0.5")]
    Years,
    /// Not so many a year.
    #[error("so many a year are from 0 to 1000, like 2 or 0.1")]
    Yearly,
    /// Not a range of round trips.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// Not a rule for failure domains.
    #[error("domains are spread or strict")]
    Domains,
    /// Not a rule for limits that cannot be met.
    #[error("limits that cannot be met fail or relax")]
    Unmet,
    /// Not a compression mode.
    #[error("compression is auto, off, fastest, better, max, or a zstd level from 1 to 22")]
    Compression,
}

/// Bytes.
pub(crate) fn size(text: &str) -> Result<u64, ParseError> {
    text.trim().parse::<ByteSize>().map(|size| size.as_u64()).map_err(|_said| ParseError::Size)
}

/// Bytes, a percentage, or nothing at all.
pub(crate) fn amount(text: &str) -> Result<Amount, ParseError> {
    let text = text.trim();
    if text == "none" {
        return Ok(Amount::Bytes(0));
    }
    let Some(number) = text.strip_suffix('%') else {
        return size(text).map(Amount::Bytes).map_err(|_size| ParseError::Amount);
    };
    match number.trim().parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Amount::Percent(percent)),
        _ => Err(ParseError::Amount),
    }
}

/// Bytes per second, 0 for unlimited; a bare number is in KiB/s, as restic has it.
pub(crate) fn speed(text: &str) -> Result<u64, NotASpeed> {
    text.parse::<Speed>().map(Speed::bytes)
}

/// A percentage, as a part of one.
pub(crate) fn percent(text: &str) -> Result<f64, ParseError> {
    let number = text.trim().strip_suffix('%').unwrap_or_default();
    match number.trim().parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err(ParseError::Percent),
    }
}

/// Up to days and weeks, which are 24 hours and 7 of these.
pub(crate) fn duration(text: &str) -> Result<Duration, ParseError> {
    let span: Span = text.trim().parse().map_err(|_said| ParseError::Duration)?;
    let days = SpanRelativeTo::days_are_24_hours();
    let seconds = span.total((Unit::Second, days)).map_err(|_said| ParseError::Duration)?;
    Duration::try_from_secs_f64(seconds).map_err(|_negative| ParseError::Duration)
}

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// On the clock of the wall.
    Wall(DateTime),
    /// With its zone.
    At(Timestamp),
    /// So long ago.
    Ago(Duration),
}

impl Moment {
    /// In seconds since 1970; none before that.
    pub(crate) fn secs(self, now_secs: u64, zone: &TimeZone) -> Option<u64> {
        match self {
            Self::Wall(time) => {
                let at = zone.to_ambiguous_timestamp(time).compatible().ok()?;
                u64::try_from(at.as_second()).ok()
            }
            Self::At(time) => u64::try_from(time.as_second()).ok(),
            Self::Ago(duration) => now_secs.checked_sub(duration.as_secs()),
        }
    }
}

/// `2026-11-24`, `2026-11-24 18:00`, `2026-11-24T18:00:00Z` or `2d`.
pub(crate) fn moment(text: &str) -> Result<Moment, ParseError> {
    let text = text.trim();
    if let Ok(time) = text.parse() {
        return Ok(Moment::At(time));
    }
    if let Ok(time) = text.parse() {
        return Ok(Moment::Wall(time));
    }
    duration(text).map(Moment::Ago).map_err(|_said| ParseError::Moment)
}

/// `8+4`; `auto` is the empty text, as if nothing had been said.
pub(crate) fn redundancy(text: &str) -> Result<String, ParseError> {
    let text = text.trim();
    if text == "auto" {
        return Ok(String::new());
    }
    let (k, m) = text.split_once('+').ok_or(ParseError::Redundancy)?;
    let k: u8 = k.trim().parse().map_err(|_said| ParseError::Redundancy)?;
    let m: u8 = m.trim().parse().map_err(|_said| ParseError::Redundancy)?;
    if k == 0 || k.checked_add(m).is_none() {
        return Err(ParseError::Redundancy);
    }
    Ok(format!("{k}+{m}"))
}

/// How many to keep; the largest number is never used up.
pub(crate) fn count(text: &str) -> Result<u32, ParseError> {
    match text.trim() {
        "unlimited" | "-1" => Ok(u32::MAX),
        number => match number.parse() {
            Ok(0) | Err(_) => Err(ParseError::Count),
            Ok(count) => Ok(count),
        },
    }
}

/// A share: 1 itself would be nobody, or everybody at once.
pub(crate) fn share(text: &str) -> Result<f64, ParseError> {
    let share = text.trim().parse().ok();
    share.filter(|share| (0.0..1.0).contains(share)).ok_or(ParseError::Share)
}

/// Years to live through.
pub(crate) fn years(text: &str) -> Result<f64, ParseError> {
    let years = text.trim().parse().ok();
    years.filter(|years| (0.0..=100.0).contains(years)).ok_or(ParseError::Years)
}

/// How often something happens in a year.
pub(crate) fn count_a_year(text: &str) -> Result<f64, ParseError> {
    let count = text.trim().parse().ok();
    count.filter(|count| (0.0..=1000.0).contains(count)).ok_or(ParseError::Yearly)
}

/// restic's words; the empty text judges all snapshots together.
pub(crate) fn group_by(text: &str) -> Result<GroupByArgs, ParseError> {
    let mut by = GroupByArgs { host: false, paths: false, tags: false };
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        match word {
            "host" => by.host = true,
            "paths" => by.paths = true,
            "tags" => by.tags = true,
            _ => return Err(ParseError::GroupBy),
        }
    }
    Ok(by)
}

/// A range of round trips, as it was typed.
pub(crate) fn range(text: &str) -> Result<String, ParseError> {
    let range: Range = text.parse()?;
    Ok(range.to_string())
}

/// What to do with fewer failure domains than shards.
pub(crate) fn domains(text: &str) -> Result<DomainsRule, ParseError> {
    match text.trim() {
        "spread" => Ok(DomainsRule::Spread),
        "strict" => Ok(DomainsRule::Strict),
        _ => Err(ParseError::Domains),
    }
}

/// What to do when limits cannot be met.
pub(crate) fn unmet(text: &str) -> Result<UnmetRule, ParseError> {
    match text.trim() {
        "fail" => Ok(UnmetRule::Fail),
        "relax" => Ok(UnmetRule::Relax),
        _ => Err(ParseError::Unmet),
    }
}

/// A zstd level, 0 for none; the engine's own choice when absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Compression(pub(crate) Option<i32>);

/// restic's names, or a level.
pub(crate) fn compression(text: &str) -> Result<Compression, ParseError> {
    let level = match text.trim() {
        "auto" => None,
        "off" => Some(0),
        "fastest" => Some(1),
        "better" => Some(9),
        "max" => Some(19),
        number => match number.parse() {
            Ok(level @ 1..=22) => Some(level),
            _ => return Err(ParseError::Compression),
        },
    };
    Ok(Compression(level))
}

#[cfg(test)]
mod tests;
