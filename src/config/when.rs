//! When something is done again: `hourly`, `daily at 03:00`, `every 4h`, or cron's five fields.
//! Pure.
//!
//! Times are the wall clock's. A time that comes twice because clocks are set back counts once; one
//! that is skipped because they are set forward is moved to the first that is there. As in cron,
//! a day fits when either the day of the month or that of the week does, if both are restricted.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::caring::Period;

/// Days looked at for the next time: a 29 February is at most eight years away.
const DAYS: usize = 366 * 8 + 1;
/// The shortest pause between two runs.
const SHORTEST: Duration = Duration::from_secs(60);

/// Text that is not a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a schedule like \"hourly\", \"daily at 03:00\", \"every 4h\" or cron's \"30 2 * * *\", \
     at most once a minute"
)]
pub struct NotASchedule;

/// When something is done again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// So long after it was begun last.
    Every(Period),
    /// At these times.
    At(Cron),
}

impl When {
    /// The first time after `after`; none when there is none within eight years.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Every(Period(length)) => {
                after.checked_add(SignedDuration::try_from(*length).ok()?).ok()
            }
            Self::At(cron) => cron.next(after, zone),
        }
    }
}

impl FromStr for When {
    type Err = NotASchedule;

    fn from_str(text: &str) -> Result<Self, NotASchedule> {
        let text = text.trim();
        if text.starts_with("every ") {
            let period: Period = text.parse().map_err(|_said| NotASchedule)?;
            return if period.0 >= SHORTEST { Ok(Self::Every(period)) } else { Err(NotASchedule) };
        }
        let (often, at) = match text.split_once(" at ") {
            Some((often, at)) => (often.trim(), Some(minute_of_day(at.trim())?)),
            None => (text, None),
        };
        let (hour, minute) = at.unwrap_or_default();
        let fields = match (often, at) {
            ("hourly", None) => "0 * * * *".to_owned(),
            ("daily", _) => format!("{minute} {hour} * * *"),
            ("weekly", _) => format!("{minute} {hour} * * 0"),
            ("monthly", _) => format!("{minute} {hour} 1 * *"),
            (_, None) => text.to_owned(),
            _ => return Err(NotASchedule),
        };
        fields.parse().map(Self::At)
    }
}

fn minute_of_day(text: &str) -> Result<(u8, u8), NotASchedule> {
    let (hour, minute) = text.split_once(':').ok_or(NotASchedule)?;
    Ok((number(hour, 0, 23)?, number(minute, 0, 59)?))
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(period) => write!(f, "every {period}"),
            Self::At(cron) => cron.fmt(f),
        }
    }
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Cron's five fields, each with its text as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
}

/// Numbers of a field; bit n is number n.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    text: String,
    bits: u64,
}

impl Field {
    fn parse(text: &str, least: u8, most: u8) -> Result<Self, NotASchedule> {
        let mut bits = 0;
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, number(step, 1, most)?),
                None => (part, 1),
            };
            let (from, to) = match (range, range.split_once('-')) {
                ("*", _) => (least, most),
                (_, Some((from, to))) => (number(from, least, most)?, number(to, least, most)?),
                (one, None) => {
                    let one = number(one, least, most)?;
                    (one, if part.contains('/') { most } else { one })
                }
            };
            if from > to {
                return Err(NotASchedule);
            }
            (from..=to).step_by(usize::from(step)).for_each(|at| bits |= 1_u64 << at);
        }
        Ok(Self { text: text.to_owned(), bits })
    }

    const fn has(&self, number: i8) -> bool {
        number >= 0 && number < 64 && self.bits & (1 << number) != 0
    }

    fn is_any(&self) -> bool {
        self.text.starts_with('*') && !self.text.contains([',', '/'])
    }

    fn numbers(&self) -> impl Iterator<Item = i8> {
        (0..60).filter(|at| self.has(*at))
    }

    /// As systemd lists numbers.
    fn listed(&self) -> String {
        if self.is_any() {
            return "*".to_owned();
        }
        self.numbers().map(|at| format!("{at:02}")).collect::<Vec<_>>().join(",")
    }
}

fn number(text: &str, least: u8, most: u8) -> Result<u8, NotASchedule> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: u8 = if digits { text.parse().ok() } else { None }.ok_or(NotASchedule)?;
    if (least..=most).contains(&number) { Ok(number) } else { Err(NotASchedule) }
}

impl FromStr for Cron {
    type Err = NotASchedule;

    fn from_str(text: &str) -> Result<Self, NotASchedule> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields.as_slice() else {
            return Err(NotASchedule);
        };
        let mut weekdays = Field::parse(weekdays, 0, 7)?;
        // Sunday has two numbers.
        weekdays.bits = (weekdays.bits & 0x7f) | (weekdays.bits >> 7 & 1);
        Ok(Self {
            minutes: Field::parse(minutes, 0, 59)?,
            hours: Field::parse(hours, 0, 23)?,
            days: Field::parse(days, 1, 31)?,
            months: Field::parse(months, 1, 12)?,
            weekdays,
        })
    }
}

/// As it was typed.
impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = [&self.minutes, &self.hours, &self.days, &self.months, &self.weekdays];
        let texts: Vec<&str> = fields.iter().map(|field| field.text.as_str()).collect();
        f.write_str(&texts.join(" "))
    }
}

impl Cron {
    fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut day = after.to_zoned(zone.clone()).date();
        for _ in 0..DAYS {
            if self.fits(day) {
                for (hour, minute) in self
                    .hours
                    .numbers()
                    .flat_map(|hour| self.minutes.numbers().map(move |minute| (hour, minute)))
                {
                    let at = day.at(hour, minute, 0, 0);
                    let at = zone.to_ambiguous_timestamp(at).compatible().ok()?;
                    if at > after {
                        return Some(at);
                    }
                }
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    fn fits(&self, day: Date) -> bool {
        let of_month = self.days.has(day.day());
        let of_week = self.weekdays.has(day.weekday().to_sunday_zero_offset());
        let either = !self.days.is_any() && !self.weekdays.is_any();
        self.months.has(day.month())
            && if either { of_month || of_week } else { of_month && of_week }
    }

    /// The same for systemd's `OnCalendar=`: two when either of two kinds of days fits.
    pub fn on_calendar(&self) -> Vec<String> {
        const NAMES: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
        let time = format!("{}:{}:00", self.hours.listed(), self.minutes.listed());
        let months = self.months.listed();
        let month_days = format!("*-{months}-{} {time}", self.days.listed());
        if self.weekdays.is_any() {
            return vec![month_days];
        }
        let names = (0..7_i8).zip(NAMES).filter(|(at, _)| self.weekdays.has(*at));
        let names: Vec<&str> = names.map(|(_, name)| name).collect();
        let week_days = format!("{} *-{months}-* {time}", names.join(","));
        if self.days.is_any() { vec![week_days] } else { vec![month_days, week_days] }
    }
}

#[cfg(test)]
mod tests;
