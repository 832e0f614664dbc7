//! The promises.

use std::sync::Arc;

use bytes::Bytes;
use chunker::ShardId;
use p2p::cert::DeviceCert;
use p2p::wire::{BODY_LIMIT, HAVE_LIMIT, HEAD_LIMIT, Join};
use p2p::{
    Grid, GridError, Members, Offer, PeerId, PeerInfo, PeerState, Refusal, Reply, Request, Target,
};
use tokio::time::timeout;

use crate::host::{Host, NONSENSE, TOKEN};
use crate::rig::{PATIENCE, Rig};
use crate::testing::{NOW_SECS, World, key, peer_of};

/// A device on a network, with an owner of its own.
struct Device<G> {
    grid: G,
    host: Arc<Host>,
    members: Members,
}

impl<G: Grid> Device<G> {
    fn me(&self) -> PeerId {
        self.grid.me()
    }

    async fn put(&self, peer: PeerId, bytes: &Bytes) -> Result<Reply, GridError> {
        let request = Request::Put { shard: name(bytes), body: bytes.clone() };
        self.ask(peer, request).await
    }

    async fn get(&self, peer: PeerId, shard: ShardId) -> Result<Reply, GridError> {
        self.ask(peer, Request::Get { shard }).await
    }

    /// Asks, and fails the test when the answer takes longer than any deadline.
    async fn ask(&self, peer: PeerId, request: Request) -> Result<Reply, GridError> {
        let patience = request.deadline() + PATIENCE;
        timeout(patience, self.grid.ask(peer, request)).await.expect("asks end in bounded time")
    }

    fn peers(&self) -> Vec<PeerId> {
        self.grid.peers().iter().map(|info| info.peer).collect()
    }

    /// Waits until the roster says so.
    async fn until(&self, what: impl Fn(&[PeerInfo]) -> bool) {
        let mut changes = self.members.changed();
        let waiting = async {
            while !what(&self.grid.peers()) {
                changes.changed().await.expect("open");
            }
        };
        timeout(PATIENCE, waiting).await.expect("the roster comes to say so");
    }
}

async fn start<R: Rig>(rig: &mut R, world: &World, who: &str, via: &[PeerId]) -> Device<R::Grid> {
    let (members, host) = (world.members(who, who), Host::new(world));
    let grid = rig.start(&key(who), members.clone(), host.clone(), via).await;
    Device { grid, host, members }
}

/// Two devices that have met.
async fn pair<R: Rig>(rig: &mut R) -> (Device<R::Grid>, Device<R::Grid>) {
    let world = World::new("grid");
    let ada = start(rig, &world, "ada", &[]).await;
    let bob = start(rig, &world, "bob", &[ada.me()]).await;
    (ada, bob)
}

fn name(bytes: &Bytes) -> ShardId {
    blake3::hash(bytes).into()
}

fn some_bytes(len: usize) -> Bytes {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(b"body").finalize_xof().fill(&mut bytes);
    bytes.into()
}

fn online(infos: &[PeerInfo], peer: PeerId) -> bool {
    infos.iter().any(|info| info.peer == peer && info.state == PeerState::Online)
}

pub(crate) async fn bodies_of_every_size_come_back_as_they_were<R: Rig>(mut rig: R) {
    let (ada, bob) = pair(&mut rig).await;
    for len in [1, 2, 65_535, 65_536, 1_000_003, 16 << 20, BODY_LIMIT] {
        let bytes = some_bytes(len);
        assert_eq!(bob.put(ada.me(), &bytes).await, Ok(Reply::Stored), "{len} bytes");
        let back = bob.get(ada.me(), name(&bytes)).await;
        assert!(back == Ok(Reply::Shard { body: bytes }), "{len} bytes");
    }
    rig.end().await;
}

pub(crate) async fn a_put_may_be_repeated<R: Rig>(mut rig: R) {
    let (ada, bob) = pair(&mut rig).await;
    let bytes = some_bytes(1000);
    for _ in 0..3 {
        assert_eq!(bob.put(ada.me(), &bytes).await, Ok(Reply::Stored));
    }
    let shards = vec![NONSENSE, name(&bytes)];
    let held = bob.ask(ada.me(), Request::Have { shards }).await;
    assert_eq!(held, Ok(Reply::Have { held: vec![false, true] }));
    rig.end().await;
}

pub(crate) async fn either_side_may_ask_over_the_connection_they_have<R: Rig>(mut rig: R) {
    let (ada, bob) = pair(&mut rig).await;
    ada.until(|infos| online(infos, bob.me())).await;
    bob.until(|infos| online(infos, ada.me())).await;
    let (ours, theirs) = (some_bytes(10), some_bytes(20));
    assert_eq!(ada.put(bob.me(), &ours).await, Ok(Reply::Stored));
    assert_eq!(bob.put(ada.me(), &theirs).await, Ok(Reply::Stored));
    assert_eq!(ada.host.asked(), [(bob.me(), "put")]);
    assert_eq!(bob.host.asked(), [(ada.me(), "put")]);
    rig.end().await;
}

pub(crate) async fn a_device_that_nobody_knows_is_unreachable<R: Rig>(mut rig: R) {
    let (ada, _bob) = pair(&mut rig).await;
    for peer in [peer_of(&key("nobody")), PeerId::from_bytes([0xff; 32]), ada.me()] {
        let asked = ada.get(peer, NONSENSE).await;
        assert_eq!(asked, Err(GridError::Unreachable { peer }));
    }
    rig.end().await;
}

pub(crate) async fn a_shard_that_is_not_held_is_refused_and_told_apart<R: Rig>(mut rig: R) {
    let (ada, bob) = pair(&mut rig).await;
    let unknown = bob.get(ada.me(), name(&some_bytes(5))).await;
    assert_eq!(unknown, Ok(Reply::Refused(Refusal::UnknownShard)));
    let corrupt = Request::Put { shard: NONSENSE, body: some_bytes(5) };
    assert_eq!(bob.ask(ada.me(), corrupt).await, Ok(Reply::Refused(Refusal::Corrupt)));
    rig.end().await;
}

pub(crate) async fn a_member_of_another_grid_never_reaches_the_service<R: Rig>(mut rig: R) {
    let (ada, bob) = pair(&mut rig).await;
    let other = World::new("other");
    let eve = start(&mut rig, &other, "eve", &[ada.me()]).await;
    for request in [Request::Get { shard: NONSENSE }, Request::Roster { skip: 0 }] {
        let asked = eve.ask(ada.me(), request).await;
        let refused = matches!(
            asked,
            Err(GridError::NotAdmitted { reason: Refusal::WrongGrid | Refusal::NotAdmitted, .. }
                | GridError::Unreachable { .. })
        );
        assert!(refused, "{asked:?}");
    }
    // Under either grid's name.
    let world = World::new("grid");
    let hello = other.hello("eve", "eve");
    let asked = rig.knock(&key("eve"), ada.me(), Request::Hello(Box::new(hello.clone()))).await;
    assert_eq!(asked, Ok(Reply::Refused(Refusal::WrongGrid)));
    let mut forged = hello;
    forged.charter = Some(world.charter);
    let asked = rig.knock(&key("eve"), ada.me(), Request::Hello(Box::new(forged))).await;
    assert_eq!(asked, Ok(Reply::Refused(Refusal::WrongGrid)));
    assert_eq!(ada.host.asked(), []);
    assert_eq!(ada.peers(), [bob.me()]);
    assert_eq!(eve.peers(), []);
    rig.end().await;
}

pub(crate) async fn a_peer_that_went_down_is_an_error_soon_and_works_again_when_back<R: Rig>(
    mut rig: R,
) {
    let (ada, bob) = pair(&mut rig).await;
    let bytes = some_bytes(100);
    assert_eq!(bob.put(ada.me(), &bytes).await, Ok(Reply::Stored));
    ada.until(|infos| online(infos, bob.me())).await;
    rig.stop(bob.me()).await;
    ada.until(|infos| !online(infos, bob.me())).await;
    let asked = ada.put(bob.me(), &bytes).await;
    assert_eq!(asked, Err(GridError::Unreachable { peer: bob.me() }));
    let bob = start(&mut rig, &World::new("grid"), "bob", &[ada.me()]).await;
    ada.until(|infos| online(infos, bob.me())).await;
    assert_eq!(ada.put(bob.me(), &bytes).await, Ok(Reply::Stored));
    assert_eq!(bob.get(ada.me(), name(&bytes)).await, Ok(Reply::Shard { body: bytes }));
    rig.end().await;
}

pub(crate) async fn sixty_four_asks_at_once_are_all_answered<R: Rig>(mut rig: R) {
    let (ada, bob) = pair(&mut rig).await;
    let asks = (0..64).map(|no| {
        let (ada, bob) = (&ada, &bob);
        async move {
            let bytes = some_bytes(10_000 + no);
            assert_eq!(bob.put(ada.me(), &bytes).await, Ok(Reply::Stored));
            let back = bob.get(ada.me(), name(&bytes)).await;
            assert_eq!(back, Ok(Reply::Shard { body: bytes }));
        }
    });
    futures::future::join_all(asks).await;
    assert_eq!(ada.host.asked().len(), 128);
    rig.end().await;
}

pub(crate) async fn what_is_too_large_is_refused_and_never_reaches_the_service<R: Rig>(mut rig: R) {
    let (ada, bob) = pair(&mut rig).await;
    let too_large = [
        Request::Put { shard: NONSENSE, body: vec![0; BODY_LIMIT + 1].into() },
        Request::Have { shards: vec![NONSENSE; HAVE_LIMIT + 1] },
        Request::HeadPut { head: vec![0; HEAD_LIMIT + 1] },
    ];
    for request in too_large {
        let asked = bob.ask(ada.me(), request).await;
        assert_eq!(asked, Ok(Reply::Refused(Refusal::TooLarge)));
    }
    assert_eq!(ada.host.asked(), []);
    let most = Request::Have { shards: vec![NONSENSE; HAVE_LIMIT] };
    let held = vec![false; HAVE_LIMIT];
    assert_eq!(bob.ask(ada.me(), most).await, Ok(Reply::Have { held }));
    rig.end().await;
}

pub(crate) async fn the_closest_are_ordered_by_xor_of_the_hashed_id<R: Rig>(mut rig: R) {
    let (ada, _) = pair(&mut rig).await;
    let world = World::new("grid");
    // Known by hearsay, and not there: who is near does not hang on who is online.
    ada.members.learn((0..20).map(|no| world.hello("cem", &format!("device {no}"))).collect());
    for point in [[0; 32], [0xff; 32], *blake3::hash(b"somewhere").as_bytes()] {
        let far = |peer: &PeerId| -> Vec<u8> {
            let hash = blake3::hash(peer.as_bytes());
            hash.as_bytes().iter().zip(point).map(|(one, two)| one ^ two).collect()
        };
        let mut expected = ada.peers();
        expected.sort_by_key(far);
        expected.truncate(7);
        let closest = ada.grid.closest(Target(point), 7).await;
        let closest: Vec<PeerId> = closest.iter().map(|info| info.peer).collect();
        assert_eq!(closest, expected);
    }
    rig.end().await;
}

pub(crate) async fn peers_are_ordered_and_complete_after_one_roster<R: Rig>(mut rig: R) {
    let world = World::new("grid");
    let ada = start(&mut rig, &world, "ada", &[]).await;
    let mut others = Vec::new();
    for who in ["bob", "cem", "dan", "eva"] {
        others.push(start(&mut rig, &world, who, &[ada.me()]).await);
    }
    // Devices that are away are passed on as well.
    ada.members.learn(vec![world.hello("fay", "fay")]);
    let mut all: Vec<PeerId> = others.iter().map(Device::me).collect();
    all.extend([ada.me(), peer_of(&key("fay"))]);
    all.sort();
    for device in &others {
        let Ok(Reply::Roster { total, .. }) =
            device.ask(ada.me(), Request::Roster { skip: 0 }).await
        else {
            panic!("no roster")
        };
        assert_eq!(total, 5);
        let expected: Vec<PeerId> =
            all.iter().copied().filter(|peer| *peer != device.me()).collect();
        device.until(|infos| infos.len() == expected.len()).await;
        assert_eq!(device.peers(), expected);
    }
    rig.end().await;
}

pub(crate) async fn an_abandoned_ask_leaves_the_connection_usable<R: Rig>(mut rig: R) {
    let (ada, bob) = pair(&mut rig).await;
    // Many, in case each costs a stream or a seat.
    for _ in 0..40 {
        let abandoning = async {
            tokio::select! {
                biased;
                () = ada.host.stalled() => {}
                answer = bob.grid.ask(ada.me(), Request::HeadGet) => panic!("{answer:?}"),
            }
        };
        timeout(PATIENCE, abandoning).await.expect("the request gets there");
    }
    let bytes = some_bytes(1 << 20);
    assert_eq!(bob.put(ada.me(), &bytes).await, Ok(Reply::Stored));
    // Amid a body, too.
    let large = some_bytes(BODY_LIMIT);
    for _ in 0..8 {
        tokio::select! {
            biased;
            answer = bob.put(ada.me(), &large) => assert_eq!(answer, Ok(Reply::Stored)),
            () = tokio::task::yield_now() => {}
        }
    }
    assert!(bob.get(ada.me(), name(&bytes)).await == Ok(Reply::Shard { body: bytes }));
    rig.end().await;
}

pub(crate) async fn a_recovering_device_is_welcome_when_its_owner_is_known_and_only_then<R: Rig>(
    mut rig: R,
) {
    let (ada, bob) = pair(&mut rig).await;
    let world = World::new("grid");
    // Its other device need not be there.
    rig.stop(bob.me()).await;
    let fresh = key("new laptop");
    let hello = |owner| Request::Hello(Box::new(world.recovering(owner, "new laptop")));
    let unknown = rig.knock(&fresh, ada.me(), hello("zoe")).await;
    assert_eq!(unknown, Ok(Reply::Refused(Refusal::UnknownOwner)));
    let Ok(Reply::Welcome { hello: theirs, your_owner }) =
        rig.knock(&fresh, ada.me(), hello("bob")).await
    else {
        panic!("not welcome")
    };
    assert_eq!(*your_owner, world.owner("bob"));
    assert_eq!(theirs.charter.as_ref(), Some(&world.charter));
    assert_eq!(theirs.device.peer, ada.me());
    assert!(ada.peers().contains(&peer_of(&fresh)));
    // With what it was told it is a member like any other.
    let members = world.members("bob", "new laptop");
    let grid = rig.start(&fresh, members.clone(), Host::new(&world), &[ada.me()]).await;
    let device = Device { grid, host: Host::new(&world), members };
    assert_eq!(device.put(ada.me(), &some_bytes(9)).await, Ok(Reply::Stored));
    rig.end().await;
}

pub(crate) async fn a_stranger_reaches_the_service_with_a_join_and_nothing_else<R: Rig>(
    mut rig: R,
) {
    let (ada, _bob) = pair(&mut rig).await;
    let world = World::new("grid");
    let zoe = key("zoe");
    let device = DeviceCert::sign(&zoe, peer_of(&zoe), "zoe", NOW_SECS);
    let join = |token| {
        let join = Join { token, device: device.clone(), name: "zoe".to_owned() };
        Request::Join(Box::new(join))
    };
    let unknown = rig.knock(&zoe, ada.me(), join([0; 16])).await;
    assert_eq!(unknown, Ok(Reply::Refused(Refusal::InviteUnknown)));
    let joined = rig.knock(&zoe, ada.me(), join(TOKEN)).await;
    let owner = Box::new(world.owner("zoe"));
    let charter = Box::new(world.charter.clone());
    assert_eq!(joined, Ok(Reply::Joined { charter, owner }));
    let others = [
        Request::Ping { nonce: 1, offer: Offer::default() },
        Request::Roster { skip: 0 },
        Request::Get { shard: NONSENSE },
        Request::HeadGet,
    ];
    for request in others {
        let asked = rig.knock(&zoe, ada.me(), request).await;
        let refused = matches!(asked, Ok(Reply::Refused(Refusal::NotAdmitted)) | Err(_));
        assert!(refused, "{asked:?}");
    }
    let me = peer_of(&zoe);
    assert_eq!(ada.host.asked(), [(me, "join"), (me, "join")]);
    rig.end().await;
}

pub(crate) async fn an_answer_that_does_not_fit_its_question_is_an_error<R: Rig>(mut rig: R) {
    let (ada, bob) = pair(&mut rig).await;
    let asked = bob.get(ada.me(), NONSENSE).await;
    assert_eq!(asked, Err(GridError::WrongReply { peer: ada.me() }));
    assert_eq!(bob.put(ada.me(), &some_bytes(4)).await, Ok(Reply::Stored));
    rig.end().await;
}

pub(crate) async fn pings_measure_and_tell_offers<R: Rig>(mut rig: R) {
    let (ada, bob) = pair(&mut rig).await;
    let ours = Offer { donated_bytes: 1, ..Offer::default() };
    let theirs = Offer { donated_bytes: 2, ..Offer::default() };
    ada.members.set_offer(theirs);
    bob.members.set_offer(ours);
    let pong = bob.ask(ada.me(), Request::Ping { nonce: 77, offer: ours }).await;
    assert_eq!(pong, Ok(Reply::Pong { nonce: 77, offer: theirs }));
    ada.until(|infos| infos.iter().any(|info| info.offer == ours)).await;
    bob.until(|infos| infos.iter().any(|info| info.offer == theirs && info.rtt.is_some())).await;
    rig.end().await;
}
