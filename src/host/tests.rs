//! Promises of the host, over a shelf in memory and a roll that is set by the test.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use chunker::{OwnerId, PeerId, Record, ShardId};
use ed25519_dalek::SigningKey;
use p2p::cert::{Charter, DeviceCert};
use p2p::head::SignedHead;
use p2p::wire::{HAVE_LIMIT, HEAD_LIMIT, Hello, Join};
use p2p::{Clock, Refusal, Reply, Request, Service};
use store::{DbAt, DiskSpace, Donation, FakeGauge, MARK_LEN, MemMedium, Shelf, ShelfAt};

use super::busy::IN_FLIGHT;
use super::{Admission, Host, Roll, token_hash};
use crate::offload::{InlineOffload, Job, Offload};

mod leases;

const GIB: u64 = 1 << 30;
const NOW: u64 = 1_700_000_000;

#[derive(Default)]
struct FakeRoll(Mutex<BTreeMap<PeerId, OwnerId>>);

impl Roll for FakeRoll {
    fn owner_of(&self, peer: &PeerId) -> Option<OwnerId> {
        self.0.lock().unwrap().get(peer).copied()
    }

    fn knows(&self, owner: &OwnerId) -> bool {
        self.0.lock().unwrap().values().any(|known| known == owner)
    }

    fn admitted(&self, device: Hello) {
        self.0.lock().unwrap().insert(device.device.peer, device.device.owner);
    }
}

struct FakeClock(AtomicU64);

impl Clock for FakeClock {
    fn now_secs(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A member with one device.
struct Member {
    owner_key: SigningKey,
    device_key: SigningKey,
    cert: DeviceCert,
}

impl Member {
    fn new(seed: u8) -> Self {
        let owner_key = SigningKey::from_bytes(&[seed; 32]);
        let device_key = SigningKey::from_bytes(&[seed + 100; 32]);
        let peer = PeerId::from_bytes(device_key.verifying_key().to_bytes());
        let cert = DeviceCert::sign(&owner_key, peer, "laptop", NOW);
        Self { owner_key, device_key, cert }
    }

    fn peer(&self) -> PeerId {
        self.cert.peer
    }

    fn head(&self, seq: u64, sealed: &[u8]) -> Request {
        let cert = self.cert.clone();
        let head = SignedHead::sign(&self.device_key, cert, seq, None, sealed.to_vec());
        Request::HeadPut { head: head.encode() }
    }

    fn join(&self, token: [u8; 16]) -> Request {
        let join = Join { token, device: self.cert.clone(), name: "ada".to_owned() };
        Request::Join(Box::new(join))
    }
}

struct Rig {
    host: Host,
    medium: Arc<MemMedium>,
    gauge: Arc<FakeGauge>,
    clock: Arc<FakeClock>,
    charter: Charter,
    ada: Member,
    bob: Member,
}

impl Rig {
    fn new() -> Self {
        Self::with(Arc::new(InlineOffload), true)
    }

    fn with(offload: Arc<dyn Offload>, admits: bool) -> Self {
        let (ada, bob) = (Member::new(1), Member::new(2));
        let medium = Arc::new(MemMedium::new());
        let gauge = Arc::new(FakeGauge::new(8 * GIB, 4 * GIB));
        let donation = Donation { size_bytes: GIB, min_free_bytes: GIB, safe_area_bytes: 0 };
        let at = ShelfAt {
            medium: medium.clone(),
            db: DbAt::Memory,
            donation,
            gauge: gauge.clone(),
            disk_path: PathBuf::from("/the/disk"),
            new_mark: [7; MARK_LEN],
        };
        let (shelf, _) = Shelf::open(at).unwrap();
        let roll = FakeRoll::default();
        for member in [&ada, &bob] {
            roll.0.lock().unwrap().insert(member.peer(), member.cert.owner);
        }
        let clock = Arc::new(FakeClock(AtomicU64::new(NOW)));
        let charter_key = SigningKey::from_bytes(&[9; 32]);
        let charter = Charter::found("family", &charter_key, NOW);
        let admission = Admission { charter: charter.clone(), charter_key };
        let admission = admits.then_some(admission);
        let host = Host::new(shelf, Arc::new(roll), clock.clone(), offload, admission);
        Self { host, medium, gauge, clock, charter, ada, bob }
    }

    async fn ask(&self, from: &Member, request: Request) -> Result<Reply, Refusal> {
        match self.host.answer(from.peer(), request).await {
            Reply::Refused(refusal) => Err(refusal),
            reply => Ok(reply),
        }
    }

    async fn heads(&self, of: &Member) -> usize {
        match self.ask(of, Request::HeadGet).await.unwrap() {
            Reply::Heads { heads, .. } => heads.len(),
            other => panic!("{other:?}"),
        }
    }

    fn invite(&self, token: [u8; 16], expires_secs: u64) {
        self.host.shelf().invite_put(token_hash(&token), expires_secs, NOW).unwrap();
    }
}

fn put(bytes: &[u8]) -> (ShardId, Request) {
    let shard = ShardId::from(blake3::hash(bytes));
    (shard, Request::Put { shard, body: Bytes::copy_from_slice(bytes) })
}

#[tokio::test]
async fn a_shard_comes_back_to_its_owner_and_to_nobody_else() {
    let rig = Rig::new();
    let (shard, request) = put(b"one shard");
    assert_eq!(rig.ask(&rig.ada, request.clone()).await, Ok(Reply::Stored));
    assert_eq!(rig.ask(&rig.ada, request).await, Ok(Reply::Stored));
    let Ok(Reply::Shard { body }) = rig.ask(&rig.ada, Request::Get { shard }).await else {
        panic!("a shard")
    };
    assert_eq!(body, &b"one shard"[..]);
    assert_eq!(rig.ask(&rig.bob, Request::Get { shard }).await, Err(Refusal::UnknownShard));
    let have = || Request::Have { shards: vec![shard, ShardId::from_bytes([1; 32])] };
    assert_eq!(rig.ask(&rig.ada, have()).await, Ok(Reply::Have { held: vec![true, false] }));
    assert_eq!(rig.ask(&rig.bob, have()).await, Ok(Reply::Have { held: vec![false, false] }));
}

#[tokio::test]
async fn a_stranger_gets_nothing_but_the_door() {
    let rig = Rig::new();
    let stranger = Member::new(3);
    let (shard, request) = put(b"x");
    let requests = [
        request,
        Request::Get { shard },
        Request::Have { shards: vec![shard] },
        stranger.head(1, b""),
        Request::HeadGet,
    ];
    for request in requests {
        assert_eq!(rig.ask(&stranger, request).await, Err(Refusal::NotAdmitted));
    }
    assert_eq!(rig.ask(&stranger, stranger.join([1; 16])).await, Err(Refusal::InviteUnknown));
    assert!(rig.medium.paths().iter().all(|path| !path.starts_with("incoming/")));
}

#[tokio::test]
async fn every_trouble_of_the_disk_has_its_own_refusal() {
    let rig = Rig::new();
    let (shard, request) = put(b"wanted later");
    assert_eq!(rig.ask(&rig.ada, request).await, Ok(Reply::Stored));
    let other = |n: u8| put(&[n; 100]).1;

    let wrong = Request::Put { shard, body: Bytes::from_static(b"other bytes") };
    assert_eq!(rig.ask(&rig.ada, wrong).await, Err(Refusal::Corrupt));

    rig.gauge.set(DiskSpace { total_bytes: 8 * GIB, free_bytes: GIB + 10 });
    assert_eq!(rig.ask(&rig.ada, other(1)).await, Err(Refusal::Full { free_bytes: 10 }));
    rig.gauge.set(DiskSpace { total_bytes: 8 * GIB, free_bytes: GIB - 1 });
    assert_eq!(rig.ask(&rig.ada, other(2)).await, Err(Refusal::DiskTrouble));
    rig.gauge.fail();
    assert_eq!(rig.ask(&rig.ada, other(3)).await, Err(Refusal::DiskTrouble));
    rig.gauge.set(DiskSpace { total_bytes: 8 * GIB, free_bytes: 4 * GIB });
    rig.medium.set_capacity(Some(0));
    assert_eq!(rig.ask(&rig.ada, other(4)).await, Err(Refusal::DiskTrouble));
    rig.medium.set_capacity(None);
    assert_eq!(rig.ask(&rig.ada, other(4)).await, Ok(Reply::Stored));

    let place = format!("shards/{:02x}/{shard}", shard.as_bytes()[0]);
    assert!(rig.medium.rot(&place, 0));
    assert_eq!(rig.ask(&rig.ada, Request::Get { shard }).await, Err(Refusal::Rotten));
}

#[tokio::test]
async fn too_much_at_once_is_refused_before_any_work() {
    let rig = Rig::new();
    let shards = vec![ShardId::from_bytes([0; 32]); HAVE_LIMIT + 1];
    assert_eq!(rig.ask(&rig.ada, Request::Have { shards }).await, Err(Refusal::TooLarge));
    let head = vec![0; HEAD_LIMIT + 1];
    assert_eq!(rig.ask(&rig.ada, Request::HeadPut { head }).await, Err(Refusal::TooLarge));
    let ping = Request::Ping { nonce: 1, offer: p2p::Offer::default() };
    assert_eq!(rig.ask(&rig.ada, ping).await, Err(Refusal::Unsupported));
}

#[tokio::test]
async fn a_head_is_kept_once_and_its_number_never_goes_back() {
    let rig = Rig::new();
    for _ in 0..2 {
        assert!(matches!(
            rig.ask(&rig.ada, rig.ada.head(5, b"five")).await,
            Ok(Reply::HeadStored { .. })
        ));
    }
    assert_eq!(rig.heads(&rig.ada).await, 1);
    assert_eq!(
        rig.ask(&rig.ada, rig.ada.head(4, b"four")).await,
        Err(Refusal::StaleHead { newest: 5 })
    );
    assert_eq!(rig.ask(&rig.ada, rig.ada.head(5, b"fork")).await, Err(Refusal::ForkedHead));
    assert_eq!(rig.heads(&rig.ada).await, 2, "both of the fork are the proof");
    assert!(matches!(
        rig.ask(&rig.ada, rig.ada.head(6, b"six")).await,
        Ok(Reply::HeadStored { .. })
    ));
    assert_eq!(rig.heads(&rig.bob).await, 0);
}

#[tokio::test]
async fn a_head_that_is_not_genuine_or_not_the_askers_is_refused() {
    let rig = Rig::new();
    assert_eq!(rig.ask(&rig.bob, rig.ada.head(1, b"")).await, Err(Refusal::HeadInvalid));
    let Request::HeadPut { head } = rig.ada.head(1, b"sealed") else { panic!("a head") };
    for at in [0, 1, head.len() / 2, head.len() - 1] {
        let mut head = head.clone();
        head[at] ^= 1;
        assert_eq!(
            rig.ask(&rig.ada, Request::HeadPut { head }).await,
            Err(Refusal::HeadInvalid),
            "byte {at}"
        );
    }
    // Bob's device says it is Ada's.
    let forged = DeviceCert { owner: rig.ada.cert.owner, ..rig.bob.cert.clone() };
    let head = SignedHead::sign(&rig.bob.device_key, forged, 1, None, Vec::new());
    let request = Request::HeadPut { head: head.encode() };
    assert_eq!(rig.ask(&rig.ada, request).await, Err(Refusal::HeadInvalid));
    assert_eq!(rig.heads(&rig.ada).await, 0);
}

#[tokio::test]
async fn another_device_of_the_owner_may_bring_and_get_heads() {
    let rig = Rig::new();
    let key = SigningKey::from_bytes(&[77; 32]);
    let peer = PeerId::from_bytes(key.verifying_key().to_bytes());
    let cert = DeviceCert::sign(&rig.ada.owner_key, peer, "tower", NOW);
    let head = SignedHead::sign(&key, cert, 1, None, Vec::new());
    let request = Request::HeadPut { head: head.encode() };
    assert!(matches!(rig.ask(&rig.ada, request).await, Ok(Reply::HeadStored { .. })));
    assert!(matches!(rig.ask(&rig.ada, rig.ada.head(1, b"")).await, Ok(Reply::HeadStored { .. })));
    assert_eq!(rig.heads(&rig.ada).await, 2);
}

#[tokio::test]
async fn heads_that_exceed_one_answer_are_cut_to_what_fits() {
    let rig = Rig::new();
    for seed in 0..40 {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let peer = PeerId::from_bytes(key.verifying_key().to_bytes());
        let cert = DeviceCert::sign(&rig.ada.owner_key, peer, "tower", NOW);
        let head = SignedHead::sign(&key, cert, 1, None, vec![0; 15 * 1024]);
        let request = Request::HeadPut { head: head.encode() };
        assert!(matches!(rig.ask(&rig.ada, request).await, Ok(Reply::HeadStored { .. })));
    }
    let reply = rig.ask(&rig.ada, Request::HeadGet).await.unwrap();
    let (header, _) = reply.split();
    assert!(header.encode().len() <= p2p::wire::HEADER_LIMIT);
}

#[tokio::test]
async fn an_invitation_makes_one_owner_a_member() {
    let rig = Rig::new();
    rig.invite([1; 16], NOW + 60);
    let (carol, dave) = (Member::new(3), Member::new(4));
    let Ok(Reply::Joined { charter, owner }) = rig.ask(&carol, carol.join([1; 16])).await else {
        panic!("joined")
    };
    assert_eq!(*charter, rig.charter);
    assert_eq!(owner.owner, carol.cert.owner);
    assert_eq!(owner.verify(&rig.charter), Ok(()));
    assert_eq!(rig.ask(&dave, dave.join([1; 16])).await, Err(Refusal::InviteUsed));
}

#[tokio::test]
async fn a_joiner_that_lost_the_answer_may_ask_again() {
    let rig = Rig::new();
    rig.invite([1; 16], NOW + 60);
    let carol = Member::new(3);
    for _ in 0..3 {
        let reply = rig.ask(&carol, carol.join([1; 16])).await;
        assert!(matches!(reply, Ok(Reply::Joined { .. })));
    }
}

#[tokio::test]
async fn a_bad_application_is_refused_and_uses_nothing_up() {
    let rig = Rig::new();
    rig.invite([1; 16], NOW + 60);
    rig.invite([2; 16], NOW + 60);
    let (carol, dave) = (Member::new(3), Member::new(4));
    // Dave shows Carol's certificate.
    assert_eq!(rig.ask(&dave, carol.join([1; 16])).await, Err(Refusal::CertInvalid));
    let mut forged = Member::new(3);
    forged.cert.owner = dave.cert.owner;
    assert_eq!(rig.ask(&forged, forged.join([1; 16])).await, Err(Refusal::CertInvalid));
    let Request::Join(mut join) = carol.join([1; 16]) else { panic!("a join") };
    join.name = "x".repeat(1000);
    assert_eq!(rig.ask(&carol, Request::Join(join)).await, Err(Refusal::CertInvalid));
    assert!(matches!(rig.ask(&carol, carol.join([1; 16])).await, Ok(Reply::Joined { .. })));
    rig.clock.0.store(NOW + 60, Ordering::SeqCst);
    assert_eq!(rig.ask(&dave, dave.join([2; 16])).await, Err(Refusal::InviteExpired));
}

#[tokio::test]
async fn a_device_without_the_charter_key_admits_nobody() {
    let rig = Rig::with(Arc::new(InlineOffload), false);
    rig.invite([1; 16], NOW + 60);
    let carol = Member::new(3);
    assert!(!rig.host.admits());
    assert_eq!(rig.ask(&carol, carol.join([1; 16])).await, Err(Refusal::CannotAdmit));
}

/// Keeps jobs until it is told to run them.
#[derive(Default)]
struct HeldOffload(Mutex<Vec<Job>>);

impl HeldOffload {
    fn run_all(&self) {
        let jobs = std::mem::take(&mut *self.0.lock().unwrap());
        for job in jobs {
            job();
        }
    }
}

impl Offload for HeldOffload {
    fn run(&self, job: Job) {
        self.0.lock().unwrap().push(job);
    }

    fn width(&self) -> usize {
        1
    }
}

#[tokio::test]
async fn one_peer_cannot_take_all_the_work_even_by_hanging_up() {
    let offload = Arc::new(HeldOffload::default());
    let rig = Rig::with(offload.clone(), true);
    for n in 0..IN_FLIGHT {
        let (_, request) = put(&[n as u8; 10]);
        let mut asking = Box::pin(rig.host.answer(rig.ada.peer(), request));
        assert!(futures::poll!(&mut asking).is_pending());
        // Half of them hang up: their work still counts.
        if n % 2 == 0 {
            drop(asking);
        } else {
            std::mem::forget(asking);
        }
    }
    assert_eq!(rig.ask(&rig.ada, Request::HeadGet).await, Err(Refusal::Busy));
    let mut others = Box::pin(rig.ask(&rig.bob, Request::HeadGet));
    assert!(futures::poll!(&mut others).is_pending());
    offload.run_all();
    assert!(others.await.is_ok());
    let mut again = Box::pin(rig.ask(&rig.ada, Request::HeadGet));
    assert!(futures::poll!(&mut again).is_pending());
    offload.run_all();
    assert!(again.await.is_ok());
}

#[tokio::test]
async fn a_paused_host_moves_no_shards_but_keeps_and_gives_heads() {
    let rig = Rig::new();
    let (shard, request) = put(b"bytes");
    assert_eq!(rig.ask(&rig.ada, request.clone()).await, Ok(Reply::Stored));
    rig.host.pause(true);
    let slice = Request::Slice { shard, offset: 0, len: 1 };
    for moving in [request, Request::Get { shard }, slice] {
        assert_eq!(rig.ask(&rig.ada, moving).await, Err(Refusal::Paused));
    }
    assert!(matches!(
        rig.ask(&rig.ada, rig.ada.head(1, b"sealed")).await,
        Ok(Reply::HeadStored { .. })
    ));
    let have = Request::Have { shards: vec![shard] };
    assert_eq!(rig.ask(&rig.ada, have).await, Ok(Reply::Have { held: vec![true] }));
    rig.host.pause(false);
    assert!(matches!(rig.ask(&rig.ada, Request::Get { shard }).await, Ok(Reply::Shard { .. })));
}

#[tokio::test]
async fn the_offer_is_what_the_disk_can_take_now() {
    let rig = Rig::new();
    let (_, request) = put(&[1; 1000]);
    assert_eq!(rig.ask(&rig.ada, request).await, Ok(Reply::Stored));
    let offer = rig.host.offer().await.unwrap();
    assert_eq!((offer.total_bytes, offer.donated_bytes), (8 * GIB, GIB));
    assert_eq!((offer.used_bytes, offer.free_bytes), (1000, GIB - 1000));
}
