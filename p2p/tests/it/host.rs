//! A service that keeps shards in memory, counts who asked what, and can be made to misbehave.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use chunker::ShardId;
use p2p::cert::OwnerCert;
use p2p::{PeerId, Refusal, Reply, Request, Service};
use tokio::sync::Notify;

use crate::testing::{NOW_SECS, World};

/// The invitation that is good.
pub(crate) const TOKEN: [u8; 16] = [7; 16];

/// The shard that is answered with nonsense.
pub(crate) const NONSENSE: ShardId = ShardId::from_bytes([0xee; 32]);

/// What answers the others. Every `HeadGet` stalls for good.
pub(crate) struct Host {
    world: World,
    shards: Mutex<BTreeMap<ShardId, Bytes>>,
    asked: Mutex<Vec<(PeerId, &'static str)>>,
    stalled: Notify,
}

impl Host {
    pub(crate) fn new(world: &World) -> Arc<Self> {
        Arc::new(Self {
            world: world.clone(),
            shards: Mutex::default(),
            asked: Mutex::default(),
            stalled: Notify::new(),
        })
    }

    /// What reached the service so far.
    pub(crate) fn asked(&self) -> Vec<(PeerId, &'static str)> {
        self.asked.lock().unwrap().clone()
    }

    /// Waits until a request stalls here.
    pub(crate) async fn stalled(&self) {
        self.stalled.notified().await;
    }
}

impl Service for Host {
    async fn answer(&self, from: PeerId, request: Request) -> Reply {
        self.asked.lock().unwrap().push((from, request.name()));
        match request {
            Request::Put { shard, body } if ShardId::from(blake3::hash(&body)) == shard => {
                self.shards.lock().unwrap().insert(shard, body);
                Reply::Stored
            }
            Request::Put { .. } => Reply::Refused(Refusal::Corrupt),
            Request::Get { shard: NONSENSE } => Reply::HeadStored { at_secs: 0 },
            Request::Get { shard } => match self.shards.lock().unwrap().get(&shard).cloned() {
                Some(body) => Reply::Shard { body },
                None => Reply::Refused(Refusal::UnknownShard),
            },
            Request::Have { shards } => {
                let held = self.shards.lock().unwrap();
                Reply::Have { held: shards.iter().map(|shard| held.contains_key(shard)).collect() }
            }
            Request::HeadGet => {
                self.stalled.notify_one();
                std::future::pending().await
            }
            Request::Join(join) if join.token == TOKEN => {
                let World { charter_key, charter } = &self.world;
                let (grid, owner) = (charter.id(), join.device.owner);
                let owner = OwnerCert::sign(charter_key, grid, owner, join.name, NOW_SECS);
                Reply::Joined { charter: Box::new(charter.clone()), owner: Box::new(owner) }
            }
            Request::Join(_) => Reply::Refused(Refusal::InviteUnknown),
            _ => Reply::Refused(Refusal::Unsupported),
        }
    }
}
