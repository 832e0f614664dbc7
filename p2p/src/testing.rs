//! People, devices and clocks for tests; shared with `tests/it.rs`.

#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ed25519_dalek::SigningKey;
use p2p::cert::{Charter, DeviceCert, OwnerCert};
use p2p::wire::Hello;
use p2p::{Clock, Identity, Members, Offer, OwnerId, PeerId};

/// The time of all certificates here, unless said otherwise.
pub const NOW_SECS: u64 = 1_800_000_000;

/// A clock that stands where it is put.
#[derive(Debug)]
pub struct StandingClock(pub AtomicU64);

impl StandingClock {
    pub fn at(secs: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(secs)))
    }
}

impl Clock for StandingClock {
    fn now_secs(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The key of this name: the same in every run.
pub fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(blake3::hash(name.as_bytes()).as_bytes())
}

pub fn peer_of(key: &SigningKey) -> PeerId {
    PeerId::from_bytes(key.verifying_key().to_bytes())
}

pub fn owner_of(key: &SigningKey) -> OwnerId {
    OwnerId::from_bytes(key.verifying_key().to_bytes())
}

/// A grid with the key that lets people in.
#[derive(Debug, Clone)]
pub struct World {
    pub charter_key: SigningKey,
    pub charter: Charter,
}

impl World {
    pub fn new(name: &str) -> Self {
        let charter_key = key(name);
        let charter = Charter::found(name, &charter_key, NOW_SECS);
        Self { charter_key, charter }
    }

    /// The charter's word for an owner.
    pub fn owner(&self, owner: &str) -> OwnerCert {
        let id = owner_of(&key(owner));
        OwnerCert::sign(&self.charter_key, self.charter.id(), id, owner, NOW_SECS)
    }

    /// The chain of a device.
    pub fn identity(&self, owner: &str, device: &str) -> Identity {
        let cert = DeviceCert::sign(&key(owner), peer_of(&key(device)), device, NOW_SECS);
        Identity { charter: self.charter.clone(), owner: self.owner(owner), device: cert }
    }

    pub fn members(&self, owner: &str, device: &str) -> Members {
        Members::new(self.identity(owner, device), Vec::new(), StandingClock::at(NOW_SECS))
    }

    /// What a device says of itself.
    pub fn hello(&self, owner: &str, device: &str) -> Hello {
        let Identity { charter, owner, device } = self.identity(owner, device);
        Hello {
            charter: Some(charter),
            owner: Some(owner),
            device,
            addresses: vec!["/ip4/192.168.1.7/tcp/4500".to_owned()],
            offer: Offer { donated_bytes: 1 << 30, ..Offer::default() },
            site: Some("home".to_owned()),
        }
    }

    /// What a device says that has nothing but its owner's word.
    pub fn recovering(&self, owner: &str, device: &str) -> Hello {
        Hello { charter: None, owner: None, ..self.hello(owner, device) }
    }
}
