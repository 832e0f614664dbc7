//! Who was here when: what this device saw of the others, ten minutes at a time, for two months.
//!
//! From it come measured availability, shared fate and who is new. All of it is our own observation
//! and nobody's word. While nobody at all answers nothing is noted: that tells about us. It is kept
//! in the catalog and so is gone when that is rebuilt; a record that cannot be read counts as none.
//! Bounded: [`PEERS`] devices; beyond, those seen last are kept.

use std::collections::BTreeMap;
use std::time::Duration;

use chunker::{PeerId, Record};
use p2p::{Grid, PeerState};
use serde::{Deserialize, Serialize};

use crate::flow::{Ctx, FlowError};
use crate::placement::domains::{Presence, WINDOW, window_at};

/// Devices remembered. More are hardly ever connected to.
const PEERS: usize = 4096;
/// Catalog key.
const PRESENCE: &str = "presence";
/// How long somebody has to have been around before what it holds counts as safe. Nobody is new to
/// a device that has not watched the grid for as long itself.
pub const PROBATION: Duration = Duration::from_secs(7 * 86_400);

/// What was seen of all devices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presences {
    #[serde(rename = "p")]
    peers: BTreeMap<PeerId, Presence>,
    /// The window in which the first look was taken.
    #[serde(rename = "s")]
    since: u64,
}

impl Record for Presences {
    const NAME: &'static str = "presence";
    const VERSION: u8 = 1;
    const LIMIT: usize = 64 * 1024 * 1024;
}

impl Presences {
    /// What was seen so far.
    pub fn load<G: Grid>(ctx: &Ctx<G>) -> Result<Self, FlowError> {
        let Some(bytes) = ctx.catalog.get(PRESENCE)? else { return Ok(Self::default()) };
        Ok(Self::decode(&bytes).unwrap_or_else(|error| {
            tracing::warn!(%error, "what was seen of others is unreadable, and begins anew");
            Self::default()
        }))
    }

    /// What was seen of one device.
    pub fn of(&self, peer: &PeerId) -> Option<&Presence> {
        self.peers.get(peer)
    }

    /// Whether `peer` has not been around for long, as far as we have.
    pub fn is_new(&self, peer: &PeerId, now_secs: u64) -> bool {
        let trial = PROBATION.as_secs() / WINDOW.as_secs();
        let since = window_at(now_secs).saturating_sub(trial);
        if self.peers.is_empty() || self.since > since {
            return false;
        }
        let first = self.peers.get(peer).and_then(Presence::first_seen);
        first.is_none_or(|first| first > since)
    }

    /// Notes who is here at `now_secs`.
    fn note(&mut self, here: &BTreeMap<PeerId, bool>, now_secs: u64) {
        let window = window_at(now_secs);
        if self.peers.is_empty() {
            self.since = window;
        }
        for (peer, up) in here {
            self.peers.entry(*peer).or_default().note(window, *up);
        }
        while self.peers.len() > PEERS {
            let last = |presence: &Presence| presence.last_seen().unwrap_or(0);
            let longest = self.peers.iter().min_by_key(|(_, seen)| last(seen));
            let Some(peer) = longest.map(|(peer, _)| *peer) else { return };
            self.peers.remove(&peer);
        }
    }
}

/// Looks who is here now, and notes it durably.
pub async fn observe<G: Grid>(ctx: &Ctx<G>) -> Result<(), FlowError> {
    let peers = ctx.grid.peers().into_iter();
    let here: BTreeMap<PeerId, bool> =
        peers.map(|info| (info.peer, info.state == PeerState::Online)).collect();
    if here.values().all(|up| !up) {
        return Ok(());
    }
    let (work, now_secs) = (ctx.clone(), ctx.clock.now_secs());
    ctx.work(move || {
        let mut presences = Presences::load(&work)?;
        presences.note(&here, now_secs);
        Ok(work.catalog.set(PRESENCE, &presences.encode())?)
    })
    .await?
}
