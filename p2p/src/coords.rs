//! Network coordinates: how far two peers are from each other without either measuring it.
//!
//! Vivaldi with height and error estimate (Dabek, Cox, Kaashoek, Morris: Vivaldi, SIGCOMM 2004):
//! each measured round trip is a spring between two coordinates, and each device moves its own a
//! little so that the springs relax. The height is what every path to a device has in common (its
//! access line). Added is what years of use taught: a pull towards the origin against drift
//! (Ledlie, Gardner, Seltzer: Network Coordinates in the Wild, NSDI 2007), and bounds on what a
//! lying peer can do.
//!
//! A liar may claim any coordinate and error and may delay its answers. Therefore: what is claimed
//! is bounded when decoded ([`Coord`]); no claimed error counts as better than `LEAST_ERROR`; a
//! spring pulls at most `OUTLIER` times as hard as the median of the recent ones does, so that
//! one of many peers bends a coordinate no further than any other peer (the bounded influence of
//! Huber's estimators; the median as in Newton, Seibert et al., 2012); and one peer gets one pull
//! in each round of measurements, which is the caller's duty.
//!
//! A coordinate is an estimate and a claim. It proves nothing: a low measured round trip proves
//! nearness, a high one proves nothing either.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// Dimensions beside the height. Dabek et al. found no gain beyond three.
pub const DIMENSIONS: usize = 3;
/// No component and no height is further from 0 than this, in milliseconds.
pub const BOUND_MS: f64 = 10_000.0;
/// Longest round trip that is a measurement of distance.
pub const LONGEST_RTT: Duration = Duration::from_secs(10);

/// The error of a coordinate that was never measured, as a share of a distance.
const MOST_ERROR: f64 = 1.5;
/// Nobody is believed to know its place better than this.
const LEAST_ERROR: f64 = 0.02;
/// Least height and shortest distance reckoned with, in milliseconds: below, clocks are noise.
const LEAST_MS: f64 = 0.05;
/// How far a coordinate moves along a spring, at most (`c_c` of the paper).
const STEP: f64 = 0.25;
/// How fast the error follows (`c_e` of the paper).
const ERROR_STEP: f64 = 0.25;
/// Recent springs that are remembered.
const MEMORY: usize = 32;
/// Springs to be remembered before one can be called an outlier.
const FAMILIAR: usize = 8;
/// The strongest spring until then, in milliseconds: half around the earth.
const UNFAMILIAR_MS: f64 = 300.0;
/// How many times the median of recent springs one spring may be.
const OUTLIER: f64 = 2.5;
/// Springs below this are no outliers, in milliseconds: jitter of a home network.
const HARMLESS_MS: f64 = 2.0;
/// Distance from the origin at which the pull towards it is one millisecond an update.
const GRAVITY_MS: f64 = 500.0;

/// Where a device is in the space of round trips, by its own word.
///
/// On the wire it is an array of five 32-bit floats: x, height, error. What is not finite or out of
/// bounds is not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "[f32; DIMENSIONS + 2]", into = "[f32; DIMENSIONS + 2]")]
pub struct Coord {
    x: [f64; DIMENSIONS],
    height: f64,
    error: f64,
}

/// Every coordinate is finite: it was decoded within bounds, or kept there by [`Vivaldi`].
impl Eq for Coord {}

/// A coordinate that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadCoord {
    /// Not a number, infinite, or further out than any round trip reaches.
    #[error("A coordinate is not finite or beyond ten seconds")]
    Bounds,
    /// Not a share between 0 and 1.5.
    #[error("The error of a coordinate is not between 0 and 1.5")]
    Error,
}

/// A measurement that a coordinate does not learn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadRtt {
    /// Longer than [`LONGEST_RTT`]: a stall, not a distance.
    #[error("A round trip of {0:?} is no distance")]
    TooLong(Duration),
}

impl TryFrom<[f32; DIMENSIONS + 2]> for Coord {
    type Error = BadCoord;

    fn try_from(wire: [f32; DIMENSIONS + 2]) -> Result<Self, BadCoord> {
        let [x @ .., height, error] = wire.map(f64::from);
        let inside = |ms: f64| (-BOUND_MS..=BOUND_MS).contains(&ms);
        if !x.into_iter().all(inside) || !(0.0..=BOUND_MS).contains(&height) {
            return Err(BadCoord::Bounds);
        }
        if !(0.0..=MOST_ERROR).contains(&error) {
            return Err(BadCoord::Error);
        }
        Ok(Self { x, height, error })
    }
}

impl From<Coord> for [f32; DIMENSIONS + 2] {
    fn from(coord: Coord) -> Self {
        let mut wire = [0.0; DIMENSIONS + 2];
        let all = coord.x.into_iter().chain([coord.height, coord.error]);
        for (to, from) in wire.iter_mut().zip(all) {
            *to = from as f32;
        }
        wire
    }
}

impl Coord {
    /// Where a device with this id begins: within a millisecond of the origin, in a direction of
    /// its own, so that two that know nothing yet can move apart.
    pub fn start(id: &[u8; 32]) -> Self {
        let mut x = [0.0; DIMENSIONS];
        for (x, byte) in x.iter_mut().zip(id) {
            *x = f64::from(*byte) / 128.0 - 1.0;
        }
        Self { x, height: LEAST_MS, error: MOST_ERROR }
    }

    /// The estimated round trip to `other`.
    pub fn distance(&self, other: &Self) -> Duration {
        Duration::from_secs_f64(self.apart_ms(other).max(0.0) / 1000.0)
    }

    /// How far off estimates from here tend to be, as a share of the distance.
    pub const fn error(&self) -> f64 {
        self.error
    }

    fn apart_ms(&self, other: &Self) -> f64 {
        length(&self.from(other)) + self.height + other.height
    }

    fn from(&self, other: &Self) -> [f64; DIMENSIONS] {
        std::array::from_fn(|i| self.x[i] - other.x[i])
    }
}

/// A device's own coordinate, and how it is found.
#[derive(Debug, Clone, PartialEq)]
pub struct Vivaldi {
    coord: Coord,
    /// By how much recent measurements differed from the estimates, in milliseconds.
    recent: VecDeque<f64>,
}

impl Vivaldi {
    /// Begins at `coord`: [`Coord::start`], or what was known before a restart.
    pub fn new(coord: Coord) -> Self {
        Self { coord, recent: VecDeque::new() }
    }

    /// Where we are, to be told to others.
    pub const fn coord(&self) -> &Coord {
        &self.coord
    }

    /// Learns from one round trip to a peer that says it is at `remote`.
    pub fn update(&mut self, remote: &Coord, rtt: Duration) -> Result<(), BadRtt> {
        if rtt > LONGEST_RTT {
            return Err(BadRtt::TooLong(rtt));
        }
        let rtt = (rtt.as_secs_f64() * 1000.0).max(LEAST_MS);
        let force = self.bounded(rtt - self.coord.apart_ms(remote));
        let own = self.coord.error.max(LEAST_ERROR);
        let trust = own / (own + remote.error.max(LEAST_ERROR));
        let off = (force.abs() / rtt).min(MOST_ERROR);
        let blend = ERROR_STEP * trust;
        self.coord.error = (off * blend + own * (1.0 - blend)).min(MOST_ERROR);
        self.pull(remote, STEP * trust * force);
        self.settle();
        Ok(())
    }

    /// `force`, or as much of it as the recent ones allow.
    fn bounded(&mut self, force: f64) -> f64 {
        let mut sorted: Vec<f64> = self.recent.iter().copied().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let familiar = sorted.len() >= FAMILIAR;
        let most = match sorted.get(sorted.len() / 2) {
            Some(median) if familiar => (OUTLIER * median).max(HARMLESS_MS),
            _ => UNFAMILIAR_MS,
        };
        if self.recent.len() == MEMORY {
            self.recent.pop_front();
        }
        self.recent.push_back(force.abs());
        force.clamp(-most, most)
    }

    /// Moves by `ms` away from `remote`, the height in proportion.
    fn pull(&mut self, remote: &Coord, ms: f64) {
        let away = self.coord.from(remote);
        let heights = self.coord.height + remote.height;
        let apart = length(&away) + heights;
        if apart < LEAST_MS {
            // At the very same place: any direction will do.
            self.coord.x[0] += ms;
            return;
        }
        for (x, away) in self.coord.x.iter_mut().zip(away) {
            *x += ms * away / apart;
        }
        self.coord.height += ms * heights / apart;
    }

    /// Against drift, and into the bounds of a [`Coord`].
    fn settle(&mut self) {
        let out = length(&self.coord.x);
        let gravity = (out / GRAVITY_MS).powi(2).min(out);
        for x in &mut self.coord.x {
            if out > 0.0 {
                *x -= gravity * *x / out;
            }
            *x = x.clamp(-BOUND_MS, BOUND_MS);
        }
        self.coord.height = self.coord.height.clamp(LEAST_MS, BOUND_MS);
    }
}

fn length(x: &[f64; DIMENSIONS]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}
