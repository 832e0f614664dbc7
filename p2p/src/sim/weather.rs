//! What the simulated network does to messages, drawn from one seeded generator.

use std::collections::BTreeMap;
use std::time::Duration;

use chunker::PeerId;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::Instant;

/// How the network behaves. Chances are between 0 (never) and 1 (always), and for each message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weather {
    /// Least time a message is under way.
    pub delay_min: Duration,
    /// Most time a message is under way, clogs and bandwidth apart.
    pub delay_max: Duration,
    /// The chance that a message, question or answer, is lost; the asker waits its deadline out.
    pub loss: f64,
    /// The chance that a question arrives twice.
    pub duplication: f64,
    /// The chance that a message finds its direction of the link clogged from now on.
    pub clog: f64,
    /// How long a clog lasts: what is sent meanwhile waits.
    pub clog_for: Duration,
    /// Bytes a second that each direction of a link carries; unlimited when none.
    pub bandwidth: Option<u64>,
}

impl Weather {
    /// Everything arrives, once, within 1 to 40 ms.
    pub fn calm() -> Self {
        Self {
            delay_min: Duration::from_millis(1),
            delay_max: Duration::from_millis(40),
            loss: 0.0,
            duplication: 0.0,
            clog: 0.0,
            clog_for: Duration::ZERO,
            bandwidth: None,
        }
    }

    /// Slow, lossy and repetitive, as no network is for long.
    pub fn stormy() -> Self {
        Self {
            delay_max: Duration::from_millis(400),
            loss: 0.05,
            duplication: 0.05,
            clog: 0.01,
            clog_for: Duration::from_secs(5),
            bandwidth: Some(4_000_000),
            ..Self::calm()
        }
    }
}

/// What happens to one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fate {
    /// How long it is under way.
    pub(super) after: Duration,
    /// It never arrives.
    pub(super) lost: bool,
    /// It arrives twice.
    pub(super) twice: bool,
}

/// The sky over one network: its weather, its dice, and which links are busy.
#[derive(Debug)]
pub(super) struct Sky {
    pub(super) weather: Weather,
    seed: u64,
    dice: StdRng,
    /// Until when a direction of a link is taken by what was sent before.
    busy: BTreeMap<(PeerId, PeerId), Instant>,
}

impl Sky {
    pub(super) fn new(seed: u64, weather: Weather) -> Self {
        Self { weather, seed, dice: StdRng::seed_from_u64(seed), busy: BTreeMap::new() }
    }

    /// Draws what happens to a message of `bytes` that is sent `now`.
    pub(super) fn fate(&mut self, from: PeerId, to: PeerId, bytes: usize, now: Instant) -> Fate {
        let Weather { loss, duplication, clog, .. } = self.weather;
        let (lost, twice) = (self.chance(loss), self.chance(duplication));
        let clogged = self.chance(clog);
        let queued = self.queue(from, to, bytes, clogged, now);
        Fate { after: queued + self.delay(from, to), lost, twice }
    }

    /// Whether a host whose asker gave up is interrupted, rather than left to finish.
    pub(super) fn interrupts(&mut self) -> bool {
        self.chance(0.5)
    }

    /// How long nobody is there takes to find out.
    pub(super) fn delay(&mut self, from: PeerId, to: PeerId) -> Duration {
        let Weather { delay_min, delay_max, .. } = self.weather;
        let span = delay_max.saturating_sub(delay_min);
        let base = span.mul_f64(self.distance(from, to));
        let jitter = span.saturating_sub(base).mul_f64(self.dice.random::<f64>() / 4.0);
        delay_min + base + jitter
    }

    /// How long a message waits and transmits before it is under way.
    fn queue(
        &mut self,
        from: PeerId,
        to: PeerId,
        bytes: usize,
        clogged: bool,
        now: Instant,
    ) -> Duration {
        let Weather { bandwidth, clog_for, .. } = self.weather;
        let free_at = self.busy.get(&(from, to)).copied().filter(|at| *at > now).unwrap_or(now);
        let clog = if clogged { clog_for } else { Duration::ZERO };
        let transmit = bandwidth.filter(|rate| *rate > 0).map_or(Duration::ZERO, |rate| {
            Duration::from_micros((bytes as u64).saturating_mul(1_000_000) / rate)
        });
        let done = free_at + clog + transmit;
        if done > now {
            self.busy.insert((from, to), done);
        }
        done - now
    }

    fn chance(&mut self, chance: f64) -> bool {
        // Drawn even when it cannot happen: a change of weather must not shift all later draws.
        self.dice.random::<f64>() < chance
    }

    /// Where between nearest (0) and farthest (1) two peers are: the same for each message of a
    /// pair, in both directions, so that round trips can be measured and compared.
    fn distance(&self, one: PeerId, two: PeerId) -> f64 {
        let (low, high) = if one < two { (one, two) } else { (two, one) };
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes()).update(low.as_bytes()).update(high.as_bytes());
        let mut first = [0; 4];
        hasher.finalize_xof().fill(&mut first);
        f64::from(u32::from_le_bytes(first)) / f64::from(u32::MAX)
    }
}
