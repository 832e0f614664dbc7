//! What is done for one online peer all the while: pings, and now and then its roster.
//!
//! Upkeep has a stream of its own, so that a ping never waits behind a transfer's turn. A peer that
//! has not answered for [`Tempo::silence`] is reported as silent; the driver then closes its
//! connections.

use std::sync::Arc;
use std::time::Duration;

use chunker::PeerId;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::Shared;
use super::pool::{Pool, exchange};
use super::streams::Opened;
use crate::wire::ROSTER_PAGE;
use crate::{Reply, Request};

/// Pings between two looks at the peer's roster: a minute.
const ROSTER_EVERY: u32 = 4;
/// Pings between two full readings of a roster of many pages that is as long as ours: ten minutes.
const READING_EVERY: u32 = 40;
/// Devices asked for in one round: the bound of what a roster holds.
const ROSTER_LIMIT: u32 = crate::members::DEVICES_LIMIT as u32;

/// How fast things are done that wait for nobody; tests are impatient.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tempo {
    /// Between two pings to one peer.
    pub(super) ping_every: Duration,
    /// How long a peer may be silent before its connections are given up.
    pub(super) silence: Duration,
    /// How long a connection may stay without an introduction.
    pub(super) greeting: Duration,
}

impl Default for Tempo {
    fn default() -> Self {
        Self {
            ping_every: Duration::from_secs(15),
            silence: Duration::from_secs(45),
            greeting: Duration::from_secs(20),
        }
    }
}

/// What upkeep tells the driver.
#[derive(Debug, Clone, Copy)]
pub(super) enum Note {
    /// The peer was measured and its roster learned for the first time.
    FirstRound(PeerId),
    /// The peer does not answer any more.
    Silent(PeerId),
}

/// Runs until the peer is silent, or is dropped when it goes offline.
pub(super) async fn run(
    peer: PeerId,
    pool: Arc<Pool>,
    shared: Arc<Shared>,
    notes: mpsc::Sender<Note>,
) {
    let mut ticks = interval(shared.tempo.ping_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut keeper = Keeper { peer, pool, shared, stream: None };
    let mut heard = Instant::now();
    for round in 0_u32.. {
        ticks.tick().await;
        if keeper.ping().await {
            heard = Instant::now();
        } else if heard.elapsed() >= keeper.shared.tempo.silence {
            notes.send(Note::Silent(peer)).await.ok();
            return;
        }
        if round.is_multiple_of(ROSTER_EVERY) {
            keeper.locate().await;
            keeper.learn_roster(round.is_multiple_of(READING_EVERY)).await;
        }
        if round == 0 {
            notes.send(Note::FirstRound(peer)).await.ok();
        }
    }
}

struct Keeper {
    peer: PeerId,
    pool: Arc<Pool>,
    shared: Arc<Shared>,
    stream: Option<Opened>,
}

impl Keeper {
    async fn ping(&mut self) -> bool {
        let Ok(nonce) = getrandom::u64() else { return false };
        let offer = self.shared.members.hello().offer;
        // Opened beforehand: what is measured is one round trip.
        let Some(stream) = self.open().await else { return false };
        self.stream = Some(stream);
        let asked = Instant::now();
        let Some(reply) = self.ask(Request::Ping { nonce, offer }).await else { return false };
        if let Reply::Pong { offer, .. } = reply {
            self.shared.members.measured(self.peer, asked.elapsed(), offer);
        }
        true
    }

    /// Exchanges coordinates: one pull at ours for each round of measurements.
    async fn locate(&mut self) {
        let coord = self.shared.members.chart().me;
        let asked = Instant::now();
        let Some(reply) = self.ask(Request::Locate { coord }).await else { return };
        // A refusal is an older version's.
        if let Err(reason) = self.shared.members.heard(self.peer, asked.elapsed(), &reply) {
            tracing::debug!(peer = %self.peer.short(), %reason, "no coordinate");
        }
    }

    /// Takes in whom the peer knows. Unless it is to be read `whole`, a long roster of the same
    /// length as ours is taken to be the same.
    async fn learn_roster(&mut self, whole: bool) {
        let ours = self.shared.members.infos().len();
        if ours > ROSTER_PAGE && !whole {
            let end = Request::Roster { skip: u32::MAX };
            let Some(Reply::Roster { total, .. }) = self.ask(end).await else { return };
            // It leaves itself out, and we ourselves.
            if total as usize == ours {
                return;
            }
        }
        let mut skip = 0;
        while skip < ROSTER_LIMIT {
            let Some(Reply::Roster { peers, total }) = self.ask(Request::Roster { skip }).await
            else {
                return;
            };
            let count = peers.len() as u32;
            self.shared.members.learn(peers);
            skip += count;
            if count == 0 || skip >= total {
                return;
            }
        }
    }

    /// The upkeep's own stream, opened if need be.
    async fn open(&mut self) -> Option<Opened> {
        match self.stream.take() {
            Some(stream) => Some(stream),
            None => self.pool.open().await.ok(),
        }
    }

    /// Asks over the upkeep's own stream, which is kept if all goes well.
    async fn ask(&mut self, request: Request) -> Option<Reply> {
        let mut stream = self.open().await?;
        let asking = exchange(&mut stream.stream, request, Some(self.pool.lane()));
        match timeout(self.shared.tempo.silence, asking).await {
            Ok(Ok(reply)) => {
                self.stream = Some(stream);
                Some(reply)
            }
            failure => {
                tracing::debug!(peer = %self.peer.short(), ?failure, "upkeep got no answer");
                None
            }
        }
    }
}
