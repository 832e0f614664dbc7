//! What is done for one online peer all the while: pings, and now and then its roster.
//!
//! Upkeep has a stream of its own, so that a ping never waits behind a transfer's turn. A peer that
//! has not answered for [`SILENCE`] is reported as silent; the driver then closes its connections.

use std::sync::Arc;
use std::time::Duration;

use chunker::PeerId;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Shared;
use super::pool::{Pool, exchange};
use super::streams::Opened;
use crate::{Reply, Request};

/// Between pings.
const PING_EVERY: Duration = Duration::from_secs(15);
/// Pings between two looks at the peer's roster: a minute.
const ROSTER_EVERY: u32 = 4;
/// How long a peer may be silent before its connections are given up.
const SILENCE: Duration = Duration::from_secs(45);
/// Devices asked for in one round: the bound of what a roster holds.
const ROSTER_LIMIT: u32 = crate::members::DEVICES_LIMIT as u32;

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
    let mut ticks = interval(PING_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut keeper = Keeper { peer, pool, shared, stream: None };
    let mut heard = Instant::now();
    for round in 0_u32.. {
        ticks.tick().await;
        if keeper.ping().await {
            heard = Instant::now();
        } else if heard.elapsed() >= SILENCE {
            notes.send(Note::Silent(peer)).await.ok();
            return;
        }
        if round.is_multiple_of(ROSTER_EVERY) {
            keeper.learn_roster().await;
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

    async fn learn_roster(&mut self) {
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
        match exchange(&mut stream.stream, request).await {
            Ok(reply) => {
                self.stream = Some(stream);
                Some(reply)
            }
            Err(failure) => {
                tracing::debug!(peer = %self.peer.short(), ?failure, "upkeep got no answer");
                None
            }
        }
    }
}
