//! A service that keeps shards in memory, and can be made to stall.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use chunker::ShardId;
use tokio::sync::Notify;

use crate::cert::OwnerCert;
use crate::testing::World;
use crate::wire::Join;
use crate::{PeerId, Refusal, Reply, Request, Service};

/// The invitation that is good.
pub(super) const TOKEN: [u8; 16] = [7; 16];

pub(super) struct Toy {
    world: World,
    shards: Mutex<BTreeMap<ShardId, Bytes>>,
    served: AtomicU64,
    stalled: Notify,
    /// How long everything takes, in milliseconds.
    slow: AtomicU64,
}

impl Toy {
    pub(super) fn new(world: &World) -> Self {
        Self {
            world: world.clone(),
            shards: Mutex::default(),
            served: AtomicU64::new(0),
            stalled: Notify::new(),
            slow: AtomicU64::new(0),
        }
    }

    /// Requests that came to the service.
    pub(super) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    /// From now on, takes so long for every answer.
    pub(super) fn slow_down(&self, millis: u64) {
        self.slow.store(millis, Ordering::Relaxed);
    }

    /// Waits until a request is here that will never be answered: every `HeadGet`.
    pub(super) async fn stalled(&self) {
        self.stalled.notified().await;
    }

    fn join(&self, join: &Join) -> Reply {
        if join.token != TOKEN {
            return Reply::Refused(Refusal::InviteUnknown);
        }
        let World { charter_key, charter } = &self.world;
        let (grid, owner) = (charter.id(), join.device.owner);
        let owner = OwnerCert::sign(charter_key, grid, owner, &join.name, crate::testing::NOW_SECS);
        Reply::Joined { charter: Box::new(charter.clone()), owner: Box::new(owner) }
    }
}

impl Service for Toy {
    async fn answer(&self, _: PeerId, request: Request) -> Reply {
        self.served.fetch_add(1, Ordering::Relaxed);
        let slow = self.slow.load(Ordering::Relaxed);
        if slow > 0 {
            super::pass(std::time::Duration::from_millis(slow)).await;
        }
        match request {
            Request::Put { shard, body } => {
                self.shards.lock().unwrap().insert(shard, body);
                Reply::Stored
            }
            Request::Get { shard } => match self.shards.lock().unwrap().get(&shard) {
                Some(body) => Reply::Shard { body: body.clone() },
                None => Reply::Refused(Refusal::UnknownShard),
            },
            Request::Join(join) => self.join(&join),
            Request::HeadGet => {
                self.stalled.notify_one();
                std::future::pending().await
            }
            _ => Reply::Refused(Refusal::Unsupported),
        }
    }
}
