//! Which snapshots are kept: restic's keep rules, with a reason for each one kept.
//!
//! Snapshots are judged group by group (by host and paths, unless told otherwise), newest first. A
//! counting rule keeps the newest snapshot of each hour, day, ISO week, month or year in UTC until
//! its count is used up; while it is not, the oldest snapshot of the group is kept as well, so that
//! the history stays as long as possible. What any rule keeps is kept.
//!
//! Two differences from restic, both on the safe side: an interrupted snapshot uses up no count,
//! and is kept while nothing complete is newer; one whose time is not in the calendar is always
//! kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use chunker::SnapshotId;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_bytes::ByteBuf;

use crate::vault::snapshot::{Snapshot, SnapshotState};
use crate::vault::tree::Stamp;

#[cfg(test)]
mod tests;

/// A count that is never used up.
pub const UNLIMITED: u32 = u32::MAX;

/// What to keep. A count of 0 keeps nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// The newest so many.
    pub last: u32,
    /// The newest of each hour, so many hours.
    pub hourly: u32,
    /// The same of days.
    pub daily: u32,
    /// Of ISO weeks.
    pub weekly: u32,
    /// Of months.
    pub monthly: u32,
    /// Of years.
    pub yearly: u32,
    /// Everything not older than this before the group's newest.
    pub within: Option<Within>,
    /// Everything that has all tags of one of these lists.
    pub tags: Vec<Vec<String>>,
    /// These, whatever else is said: their owner pinned them.
    pub pinned: BTreeSet<SnapshotId>,
}

/// A span of calendar time, like `1y6m14d12h`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Within {
    /// Years.
    pub years: u16,
    /// Months.
    pub months: u16,
    /// Days.
    pub days: u16,
    /// Hours.
    pub hours: u16,
}

/// Text that is not a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a span is like 1y6m14d12h: years, months, days, hours")]
pub struct NotASpan;

/// What snapshots of one group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupBy {
    /// The host.
    pub host: bool,
    /// The paths, in whatever order.
    pub paths: bool,
    /// The tags, in whatever order.
    pub tags: bool,
}

impl Default for GroupBy {
    fn default() -> Self {
        Self { host: true, paths: true, tags: false }
    }
}

/// What a group has in common; absent where it was not grouped by.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKey {
    /// The host.
    pub host: Option<String>,
    /// The paths, sorted.
    pub paths: Option<Vec<ByteBuf>>,
    /// The tags, sorted.
    pub tags: Option<Vec<String>>,
}

/// One group, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What its snapshots have in common.
    pub key: GroupKey,
    /// Kept, newest first, each with every reason.
    pub kept: Vec<(SnapshotId, Vec<Reason>)>,
    /// Kept by no rule, newest first.
    pub forgotten: Vec<SnapshotId>,
}

/// The unit of a counting rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    /// Every snapshot counts.
    Last,
    /// One of an hour does.
    Hourly,
    /// Of a day.
    Daily,
    /// Of an ISO week.
    Weekly,
    /// Of a month.
    Monthly,
    /// Of a year.
    Yearly,
}

/// Why a snapshot is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The newest of its period, while the rule's count lasts.
    Newest(Period),
    /// The oldest there is, and the rule's count is not used up.
    Oldest(Period),
    /// Young enough.
    Within(Within),
    /// Tagged so.
    Tagged(Vec<String>),
    /// Its owner said so.
    Pinned,
    /// Interrupted, and nothing complete is newer.
    Unfinished,
    /// Its time is not in the calendar.
    Undated,
    /// Others were named.
    NotNamed,
}

impl Rules {
    /// Whether there is no rule at all.
    pub fn is_empty(&self) -> bool {
        self.counts().iter().all(|(_, count)| *count == 0)
            && self.within.is_none()
            && self.tags.is_empty()
    }

    const fn counts(&self) -> [(Period, u32); 6] {
        [
            (Period::Last, self.last),
            (Period::Hourly, self.hourly),
            (Period::Daily, self.daily),
            (Period::Weekly, self.weekly),
            (Period::Monthly, self.monthly),
            (Period::Yearly, self.yearly),
        ]
    }
}

/// Judges snapshots. Of two at the same time, the one listed later is the newer one.
pub fn plan(rules: &Rules, group_by: GroupBy, snapshots: &[(SnapshotId, &Snapshot)]) -> Vec<Group> {
    let mut groups: BTreeMap<GroupKey, Vec<(SnapshotId, &Snapshot)>> = BTreeMap::new();
    for (id, snapshot) in snapshots {
        groups.entry(GroupKey::of(snapshot, group_by)).or_default().push((*id, snapshot));
    }
    groups.into_iter().map(|(key, members)| judge(rules, key, members)).collect()
}

fn judge(rules: &Rules, key: GroupKey, mut members: Vec<(SnapshotId, &Snapshot)>) -> Group {
    members.sort_by_key(|(_, snapshot)| snapshot.time);
    members.reverse();
    let counted = |snapshot: &Snapshot| snapshot.state == SnapshotState::Complete;
    let mut dated = members
        .iter()
        .filter(|(_, snapshot)| counted(snapshot))
        .filter_map(|(id, snapshot)| Some((*id, calendar(snapshot.time)?)));
    let newest = dated.next();
    let oldest = dated.next_back().or(newest).map(|(id, _)| id);
    let since = rules.within.zip(newest).map(|(within, (_, newest))| within.before(newest));
    let mut buckets: Vec<Bucket> = rules.counts().into_iter().map(Bucket::new).collect();
    let mut complete_is_newer = false;
    let mut group = Group { key, kept: Vec::new(), forgotten: Vec::new() };
    for (no, (id, snapshot)) in members.into_iter().enumerate() {
        let mut reasons = tagged(rules, snapshot);
        reasons.extend(rules.pinned.contains(&id).then_some(Reason::Pinned));
        match calendar(snapshot.time) {
            None => reasons.push(Reason::Undated),
            Some(at) => {
                if let (Some(within), Some(since)) = (rules.within, since)
                    && at > since
                {
                    reasons.push(Reason::Within(within));
                }
                if counted(snapshot) {
                    let last = oldest == Some(id);
                    reasons.extend(buckets.iter_mut().filter_map(|one| one.take(at, no, last)));
                    complete_is_newer = true;
                } else if !complete_is_newer {
                    reasons.push(Reason::Unfinished);
                }
            }
        }
        if reasons.is_empty() {
            group.forgotten.push(id);
        } else {
            group.kept.push((id, reasons));
        }
    }
    group
}

fn tagged(rules: &Rules, snapshot: &Snapshot) -> Vec<Reason> {
    let has_all = |tags: &&Vec<String>| tags.iter().all(|tag| snapshot.tags.contains(tag));
    rules.tags.iter().filter(has_all).cloned().map(Reason::Tagged).collect()
}

fn calendar(stamp: Stamp) -> Option<DateTime> {
    let time = Timestamp::new(stamp.secs, stamp.nanos.min(999_999_999) as i32).ok()?;
    Some(TimeZone::UTC.to_datetime(time))
}

/// A counting rule while it is applied.
struct Bucket {
    period: Period,
    left: u32,
    /// The period of the snapshot kept last.
    seen: Option<[i32; 4]>,
}

impl Bucket {
    const fn new((period, left): (Period, u32)) -> Self {
        Self { period, left, seen: None }
    }

    /// Whether the rule keeps the snapshot of this time, the `no`th of its group.
    fn take(&mut self, at: DateTime, no: usize, oldest: bool) -> Option<Reason> {
        if self.left == 0 {
            return None;
        }
        let name = Some(self.period.name_of(at, no));
        let reason = match (self.seen == name, oldest) {
            (false, _) => Reason::Newest(self.period),
            (true, true) => Reason::Oldest(self.period),
            (true, false) => return None,
        };
        self.seen = name;
        if self.left != UNLIMITED {
            self.left -= 1;
        }
        Some(reason)
    }
}

impl Period {
    /// Equal for times in the same period.
    fn name_of(self, at: DateTime, no: usize) -> [i32; 4] {
        let (year, month) = (i32::from(at.year()), i32::from(at.month()));
        let (day, hour) = (i32::from(at.day()), i32::from(at.hour()));
        match self {
            Self::Last => [no as i32, 0, 0, 0],
            Self::Hourly => [year, month, day, hour],
            Self::Daily => [year, month, day, 0],
            Self::Weekly => {
                let week = at.date().iso_week_date();
                [i32::from(week.year()), i32::from(week.week()), 0, 0]
            }
            Self::Monthly => [year, month, 0, 0],
            Self::Yearly => [year, 0, 0, 0],
        }
    }
}

impl GroupKey {
    fn of(snapshot: &Snapshot, by: GroupBy) -> Self {
        Self {
            host: by.host.then(|| snapshot.hostname.clone()),
            paths: by.paths.then(|| sorted(&snapshot.paths)),
            tags: by.tags.then(|| sorted(&snapshot.tags)),
        }
    }
}

fn sorted<T: Ord + Clone>(items: &[T]) -> Vec<T> {
    let mut items = items.to_vec();
    items.sort();
    items.dedup();
    items
}

impl Within {
    /// So long before a time; the calendar's beginning when that is later.
    fn before(self, time: DateTime) -> DateTime {
        let span = Span::new()
            .try_years(self.years)
            .and_then(|span| span.try_months(self.months))
            .and_then(|span| span.try_days(self.days))
            .and_then(|span| span.try_hours(self.hours));
        span.and_then(|span| time.checked_sub(span)).unwrap_or(DateTime::MIN)
    }
}

impl FromStr for Within {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let mut span = Self::default();
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(NotASpan);
        }
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            let number: u16 = number.parse().map_err(|_| NotASpan)?;
            let mut letters = tail.chars();
            let field = match letters.next() {
                Some('y') => &mut span.years,
                Some('m') => &mut span.months,
                Some('d') => &mut span.days,
                Some('h') => &mut span.hours,
                _ => return Err(NotASpan),
            };
            *field = field.checked_add(number).ok_or(NotASpan)?;
            rest = letters.as_str();
        }
        Ok(span)
    }
}

impl fmt::Display for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(self.years, 'y'), (self.months, 'm'), (self.days, 'd'), (self.hours, 'h')];
        if parts.iter().all(|(number, _)| *number == 0) {
            return f.write_str("0h");
        }
        for (number, letter) in parts.into_iter().filter(|(number, _)| *number > 0) {
            write!(f, "{number}{letter}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Last => "last",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newest(period) => write!(f, "{period}"),
            Self::Oldest(period) => write!(f, "oldest {period}"),
            Self::Within(span) => write!(f, "within {span}"),
            Self::Pinned => write!(f, "pinned"),
            Self::Tagged(tags) => write!(f, "tagged {}", tags.join(",")),
            Self::Unfinished => f.write_str("interrupted, nothing newer"),
            Self::Undated => f.write_str("undated"),
            Self::NotNamed => f.write_str("not named"),
        }
    }
}
