//! How fast holders leave for good, and how long what they had stays away.
//!
//! Both begin as assumptions that err to the careful side and give way to what is seen. Departures
//! are a Poisson process of unknown rate: with a gamma prior of mean [`DEPARTURES`] that weighs
//! [`PRIOR_YEARS`] holder-years, its mean after `d` departures in `t` holder-years is
//! `(d + rate * PRIOR_YEARS) / (t + PRIOR_YEARS)` (Gelman et al., Bayesian Data Analysis, 2.6).
//! The time until repaired is a mean of means, a departure each, in which the assumption weighs
//! [`PRIOR_REPAIRS`].
//!
//! One that left in an orderly way looks like one that vanished, and counts as a departure:
//! careful, too. One that comes back and proves what it has does not. Total: nothing here fails.

use std::time::Duration;

use crate::placement::odds;

#[cfg(test)]
mod tests;

/// The share of holders that are taken to leave for good within a year.
pub const DEPARTURES: f64 = 0.3;
/// The time from a departure until its shards are taken to be elsewhere: of machines that are on
/// three quarters of the time, that long has to pass before an absence can be called a departure.
pub const REPAIR: Duration = Duration::from_secs(17 * 86_400);
/// Holder-years that the assumption weighs: what five holders show in seven months.
pub const PRIOR_YEARS: f64 = 3.0;
/// Departures that the assumption weighs.
pub const PRIOR_REPAIRS: f64 = 2.0;

const YEAR_SECS: f64 = 365.25 * 86_400.0;

/// What one holder adds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Past {
    /// How long it was watched while it counted.
    pub watched: Duration,
    /// Whether it was given up since.
    pub departed: bool,
    /// After what time, on average, its shards were elsewhere; none when none were.
    pub mended: Option<Duration>,
}

/// What was seen of all holders together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Churn {
    watched_years: f64,
    departures: u32,
    mended_secs: f64,
    mended: u32,
}

impl FromIterator<Past> for Churn {
    fn from_iter<I: IntoIterator<Item = Past>>(all: I) -> Self {
        all.into_iter().fold(Self::default(), |mut sum, past| {
            sum.watched_years += past.watched.as_secs_f64() / YEAR_SECS;
            sum.departures = sum.departures.saturating_add(u32::from(past.departed));
            if let Some(after) = past.mended {
                sum.mended_secs += after.as_secs_f64();
                sum.mended = sum.mended.saturating_add(1);
            }
            sum
        })
    }
}

impl Churn {
    /// Departures per holder and year.
    pub fn rate(&self) -> f64 {
        let prior = odds::rate_of(DEPARTURES) * PRIOR_YEARS;
        (f64::from(self.departures) + prior) / (self.watched_years + PRIOR_YEARS)
    }

    /// The share of holders that leave within a year.
    pub fn departures(&self) -> f64 {
        -(-self.rate()).exp_m1()
    }

    /// From a departure until the shards are elsewhere.
    pub fn repair(&self) -> Duration {
        let assumed = REPAIR.as_secs_f64() * PRIOR_REPAIRS;
        Duration::try_from_secs_f64(
            (self.mended_secs + assumed) / (f64::from(self.mended) + PRIOR_REPAIRS),
        )
        .unwrap_or(REPAIR)
    }

    /// Whether the rate is more what was seen than what was assumed.
    pub fn is_rate_measured(&self) -> bool {
        self.watched_years >= PRIOR_YEARS
    }

    /// Whether the time until repaired is more what was seen than what was assumed.
    pub fn is_repair_measured(&self) -> bool {
        f64::from(self.mended) >= PRIOR_REPAIRS
    }
}
