//! Real swarms on loopback, and a rogue that speaks the protocols by hand.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chunker::ShardId;
use tokio::time::timeout;

use super::*;
use crate::testing::{World, key};
use crate::{PeerState, Refusal};

mod doors;
mod rates;
mod rogue;
mod speed;
mod toy;
mod turns;

use rogue::Rogue;
use toy::Toy;

/// Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// A device of the owner with the same name.
struct Device {
    swarm: Swarm,
    toy: Arc<Toy>,
}

impl Device {
    async fn start(world: &World, name: &str, bootstrap: &[String]) -> Self {
        Self::start_at(world, name, "/ip4/127.0.0.1/tcp/0", bootstrap).await.unwrap()
    }

    async fn start_at(
        world: &World,
        name: &str,
        listen: &str,
        bootstrap: &[String],
    ) -> Result<Self, SwarmError> {
        Self::start_in(world, name, listen, bootstrap, Tempo::default()).await
    }

    async fn start_in(
        world: &World,
        name: &str,
        listen: &str,
        bootstrap: &[String],
        tempo: Tempo,
    ) -> Result<Self, SwarmError> {
        let toy = Arc::new(Toy::new(world));
        let config = SwarmConfig {
            key: key(name).to_bytes(),
            members: world.members(name, name),
            listen: vec![listen.to_owned()],
            any_port: false,
            bootstrap: bootstrap.to_vec(),
            mdns: false,
        };
        Ok(Self { swarm: Swarm::start_at(config, toy.clone(), tempo).await?, toy })
    }

    /// A device that loses patience soon.
    async fn impatient(world: &World, name: &str) -> Self {
        let (ping_every, silence) = (Duration::from_millis(50), Duration::from_millis(200));
        let tempo = Tempo { ping_every, silence, greeting: silence };
        Self::start_in(world, name, "/ip4/127.0.0.1/tcp/0", &[], tempo).await.unwrap()
    }

    fn me(&self) -> PeerId {
        self.swarm.me()
    }

    fn addresses(&self) -> Vec<String> {
        self.swarm.listen_addresses()
    }

    async fn put(&self, peer: PeerId, bytes: &Bytes) -> Result<Reply, GridError> {
        self.swarm.ask(peer, put(bytes)).await
    }

    async fn get(&self, peer: PeerId, bytes: &Bytes) -> Result<Reply, GridError> {
        self.swarm.ask(peer, Request::Get { shard: name(bytes) }).await
    }

    /// Waits until the roster looks so.
    async fn until(&self, what: impl Fn(&[PeerInfo]) -> bool) {
        let mut changes = self.swarm.members().changed();
        let waiting = async {
            while !what(&self.swarm.peers()) {
                changes.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, waiting).await.expect("the roster never came to look as expected");
    }

    async fn until_online(&self, peer: PeerId) {
        self.until(|peers| state(peers, peer) == Some(PeerState::Online)).await;
    }

    async fn until_offline(&self, peer: PeerId) {
        self.until(|peers| state(peers, peer) == Some(PeerState::Offline)).await;
    }
}

fn state(peers: &[PeerInfo], peer: PeerId) -> Option<PeerState> {
    peers.iter().find(|info| info.peer == peer).map(|info| info.state)
}

fn name(bytes: &Bytes) -> ShardId {
    ShardId::from(blake3::hash(bytes))
}

fn put(bytes: &Bytes) -> Request {
    Request::Put { shard: name(bytes), body: bytes.clone() }
}

fn some_bytes(len: usize, seed: u8) -> Bytes {
    let mut bytes = vec![0; len];
    blake3::Hasher::new_keyed(&[seed; 32]).finalize_xof().fill(&mut bytes);
    bytes.into()
}

/// Lets time pass while something is measured, or taken.
async fn pass(span: Duration) {
    timeout(span, std::future::pending::<()>()).await.unwrap_err();
}

/// Two devices of one grid, online with each other.
async fn pair() -> (Device, Device) {
    let world = World::new("grid");
    let one = Device::start(&world, "anna", &[]).await;
    let two = Device::start(&world, "bert", &one.addresses()).await;
    two.until_online(one.me()).await;
    one.until_online(two.me()).await;
    (one, two)
}

async fn end(devices: impl IntoIterator<Item = Device>) {
    for device in devices {
        device.swarm.shutdown().await;
    }
}

#[tokio::test]
async fn two_devices_admit_each_other_and_ask_both_ways() {
    let (one, two) = pair().await;
    for (asker, other) in [(&one, &two), (&two, &one)] {
        for len in [0, 1, 100_000, crate::wire::BODY_LIMIT] {
            let bytes = some_bytes(len, 1);
            assert_eq!(asker.put(other.me(), &bytes).await, Ok(Reply::Stored));
            let reply = asker.get(other.me(), &bytes).await;
            assert_eq!(reply, Ok(Reply::Shard { body: bytes }));
        }
    }
    let unknown = one.get(two.me(), &some_bytes(9, 9)).await;
    assert_eq!(unknown, Ok(Reply::Refused(Refusal::UnknownShard)));
    end([one, two]).await;
}

#[tokio::test]
async fn what_is_larger_than_the_wire_allows_is_not_sent() {
    let (one, two) = pair().await;
    let reply = one.put(two.me(), &some_bytes(crate::wire::BODY_LIMIT + 1, 1)).await;
    assert_eq!(reply, Ok(Reply::Refused(Refusal::TooLarge)));
    assert_eq!(two.toy.served(), 0);
    end([one, two]).await;
}

#[tokio::test]
async fn five_devices_find_each_other_through_the_one_they_know() {
    let world = World::new("grid");
    let first = Device::start(&world, "anna", &[]).await;
    let mut devices = vec![first];
    for name in ["bert", "cleo", "dora", "emil"] {
        let known = devices[0].addresses();
        devices.push(Device::start(&world, name, &known).await);
    }
    let ids: Vec<PeerId> = devices.iter().map(Device::me).collect();
    for device in &devices {
        for peer in ids.iter().filter(|peer| **peer != device.me()) {
            device.until_online(*peer).await;
            let bytes = some_bytes(1000, 3);
            assert_eq!(device.put(*peer, &bytes).await, Ok(Reply::Stored));
        }
    }
    let closest = devices[0].swarm.closest(Target([7; 32]), 3).await;
    assert_eq!(closest.len(), 3);
    let far = |info: &PeerInfo| distance(&info.peer, &Target([7; 32]));
    assert!(closest.is_sorted_by_key(far));
    end(devices).await;
}

#[tokio::test]
async fn settling_waits_until_those_reached_are_measured_and_have_told_whom_they_know() {
    let world = World::new("grid");
    let one = Device::start(&world, "anna", &[]).await;
    let two = Device::start(&world, "bert", &one.addresses()).await;
    two.until_online(one.me()).await;
    let three = Device::start(&world, "cleo", &one.addresses()).await;
    three.swarm.settle(PATIENCE).await;
    let peers = three.swarm.peers();
    assert_eq!(peers.len(), 2);
    for peer in peers {
        assert_eq!(peer.state, PeerState::Online);
        assert!(peer.rtt.is_some());
    }
    end([one, two, three]).await;
}

#[tokio::test]
async fn settling_does_not_wait_for_who_is_not_there() {
    let world = World::new("grid");
    let gone = Device::start(&world, "anna", &[]).await;
    let known = gone.addresses();
    end([gone]).await;
    let left = Device::start(&world, "bert", &known).await;
    timeout(PATIENCE, left.swarm.settle(PATIENCE * 10)).await.unwrap();
    end([left]).await;
}

#[tokio::test]
async fn a_peer_that_ends_is_offline_at_once_and_cannot_be_asked() {
    let (one, two) = pair().await;
    let gone = two.me();
    end([two]).await;
    one.until_offline(gone).await;
    let bytes = some_bytes(10, 1);
    let asked = timeout(PATIENCE, one.put(gone, &bytes)).await.unwrap();
    assert_eq!(asked, Err(GridError::Unreachable { peer: gone }));
    end([one]).await;
}

#[tokio::test]
async fn whoever_waits_for_an_answer_hears_at_once_that_the_peer_is_gone() {
    let (one, two) = pair().await;
    let gone = two.me();
    let asking = one.swarm.ask(gone, Request::HeadGet);
    let ending = async {
        two.toy.stalled().await;
        two.swarm.shutdown().await;
    };
    let (answer, ()) = timeout(PATIENCE, async { tokio::join!(asking, ending) }).await.unwrap();
    assert_eq!(answer, Err(GridError::Broken { peer: gone }));
    end([one, two]).await;
}

#[tokio::test]
async fn a_device_never_heard_of_is_unreachable() {
    let (one, two) = pair().await;
    let peer = PeerId::from_bytes([9; 32]);
    assert_eq!(one.get(peer, &Bytes::new()).await, Err(GridError::Unreachable { peer }));
    let peer = one.me();
    assert_eq!(one.get(peer, &Bytes::new()).await, Err(GridError::Unreachable { peer }));
    end([one, two]).await;
}

#[tokio::test]
async fn an_abandoned_ask_leaves_the_connection_usable() {
    let (one, two) = pair().await;
    // More than there are streams, so that none is left if one were not given back.
    for _ in 0..pool::STREAMS * 3 {
        let asking = one.swarm.ask(two.me(), Request::HeadGet);
        tokio::select! {
            biased;
            () = two.toy.stalled() => {}
            answer = asking => panic!("answered: {answer:?}"),
        }
    }
    let bytes = some_bytes(1_000_000, 4);
    assert_eq!(one.put(two.me(), &bytes).await, Ok(Reply::Stored));
    assert_eq!(one.swarm.counters().admitted, 1, "over the same connection");
    end([one, two]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_asks_at_once_are_all_answered() {
    let (one, two) = pair().await;
    let asks = (0..64_u8).map(|no| {
        let (one, peer) = (&one, two.me());
        async move {
            let bytes = some_bytes(50_000 + usize::from(no), no);
            assert_eq!(one.put(peer, &bytes).await, Ok(Reply::Stored));
            assert_eq!(one.get(peer, &bytes).await, Ok(Reply::Shard { body: bytes }));
        }
    });
    timeout(PATIENCE, futures::future::join_all(asks)).await.unwrap();
    assert_eq!(two.toy.served(), 128);
    end([one, two]).await;
}

#[tokio::test]
async fn devices_that_dial_each_other_at_once_both_come_online() {
    let world = World::new("grid");
    for round in 0..5 {
        let one = Device::start(&world, "anna", &[]).await;
        let two = Device::start(&world, "bert", &[]).await;
        let (hello_of_one, hello_of_two) =
            (one.swarm.members().hello(), two.swarm.members().hello());
        one.swarm.members().learn(vec![hello_of_two]);
        two.swarm.members().learn(vec![hello_of_one]);
        one.until_online(two.me()).await;
        two.until_online(one.me()).await;
        let bytes = some_bytes(1000, round);
        assert_eq!(one.put(two.me(), &bytes).await, Ok(Reply::Stored));
        assert_eq!(two.put(one.me(), &bytes).await, Ok(Reply::Stored));
        end([one, two]).await;
    }
}

#[tokio::test]
async fn a_device_that_restarts_at_its_address_is_found_again() {
    let world = World::new("grid");
    let one = Device::start(&world, "anna", &[]).await;
    let two = Device::start(&world, "bert", &one.addresses()).await;
    one.until_online(two.me()).await;
    let (listen, peer) = (two.swarm.listen_addresses()[0].clone(), two.me());
    let listen = listen.split("/p2p/").next().unwrap().to_owned();
    end([two]).await;
    one.until_offline(peer).await;
    // It does not look for anybody: it is found.
    let two = Device::start_at(&world, "bert", &listen, &[]).await.unwrap();
    one.until_online(peer).await;
    assert_eq!(one.put(peer, &some_bytes(10, 1)).await, Ok(Reply::Stored));
    end([one, two]).await;
}

#[tokio::test]
async fn a_device_that_restarts_elsewhere_comes_back_by_itself() {
    let world = World::new("grid");
    let one = Device::start(&world, "anna", &[]).await;
    let two = Device::start(&world, "bert", &one.addresses()).await;
    two.until_online(one.me()).await;
    one.until_online(two.me()).await;
    let (known, peer) = (two.swarm.members().known(), two.me());
    end([two]).await;
    one.until_offline(peer).await;
    let two = Device::start(&world, "bert", &[]).await;
    two.swarm.members().learn(known);
    one.until_online(peer).await;
    assert_eq!(one.put(peer, &some_bytes(10, 1)).await, Ok(Reply::Stored));
    end([one, two]).await;
}

#[tokio::test]
async fn a_shut_down_swarm_leaves_nothing_and_says_closed() {
    let (one, two) = pair().await;
    let address = two.addresses()[0].clone();
    let port: u16 = address.split('/').nth(4).unwrap().parse().unwrap();
    two.swarm.shutdown().await;
    std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    assert_eq!(two.put(one.me(), &Bytes::new()).await, Err(GridError::Closed));
    two.swarm.shutdown().await;
    timeout(PATIENCE, two.swarm.settle(PATIENCE * 10)).await.unwrap();
    end([one]).await;
}

#[tokio::test]
async fn a_swarm_without_handles_ends() {
    let (one, two) = pair().await;
    let gone = two.me();
    drop(two);
    one.until_offline(gone).await;
    end([one]).await;
}

#[tokio::test]
async fn a_port_in_use_is_an_error_and_not_shared() {
    let world = World::new("grid");
    let one = Device::start(&world, "anna", &[]).await;
    let listen = one.addresses()[0].split("/p2p/").next().unwrap().to_owned();
    let two = Device::start_at(&world, "bert", &listen, &[]).await;
    assert!(matches!(two, Err(SwarmError::Listen { .. })));
    let three = Device::start_at(&world, "bert", "not an address", &[]).await;
    assert!(matches!(three, Err(SwarmError::BadAddress { .. })));
    end([one]).await;
}

#[tokio::test]
async fn a_key_that_is_not_the_certificates_is_an_error() {
    let world = World::new("grid");
    let config = SwarmConfig {
        key: key("mallory").to_bytes(),
        members: world.members("anna", "anna"),
        listen: Vec::new(),
        any_port: false,
        bootstrap: Vec::new(),
        mdns: false,
    };
    let started = Swarm::start(config, Arc::new(Toy::new(&world))).await;
    assert!(matches!(started, Err(SwarmError::WrongKey { .. })));
}

#[tokio::test]
async fn listening_everywhere_tells_real_addresses() {
    let world = World::new("grid");
    let one = Device::start_at(&world, "anna", "/ip4/0.0.0.0/tcp/0", &[]).await.unwrap();
    for address in one.swarm.members().hello().addresses {
        assert!(ids::parse(&address).is_some_and(|(_, peer)| peer.is_none()), "{address}");
    }
    assert!(one.addresses().iter().all(|address| ids::parse(address).is_some()));
    end([one]).await;
}
