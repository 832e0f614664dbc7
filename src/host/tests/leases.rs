//! Promises about leases as others meet them: whose they are, and what a hostile owner gets.

use chunker::ShardId;
use p2p::wire::{Mark, RetainRange, Retained};
use p2p::{Refusal, Reply, Request};

use super::{NOW, Rig, put};

const FIRST: ShardId = ShardId::from_bytes([0; 32]);
const DAY: u64 = 24 * 3600;

fn set(made_secs: u64, at_secs: u64, shards: &[ShardId]) -> Request {
    let shards = shards.to_vec();
    Request::Retain(Box::new(RetainRange { made_secs, at_secs, from: FIRST, to: None, shards }))
}

impl Rig {
    /// A minute later, so that what was put before is older than a set opened now.
    fn later(&self) -> u64 {
        self.clock.0.fetch_add(60, std::sync::atomic::Ordering::SeqCst) + 60
    }

    async fn marks(&self, of: &super::Member) -> Vec<Mark> {
        match self.ask(of, Request::Held { from: FIRST }).await.unwrap() {
            Reply::Held { marks, .. } => marks,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_owner_gives_back_reads_and_calls_back_its_own() {
    let rig = Rig::new();
    let (kept, request) = put(b"kept");
    rig.ask(&rig.ada, request).await.unwrap();
    let (gone, request) = put(b"given back");
    rig.ask(&rig.ada, request).await.unwrap();
    let now = rig.later();
    let done = rig.ask(&rig.ada, set(now, now, &[kept])).await.unwrap();
    assert_eq!(done, Reply::Retained(Retained { kept: 1, left: 1, ..Retained::default() }));
    let mut marks = rig.marks(&rig.ada).await;
    marks.sort_by_key(|mark| format!("{mark:?}"));
    assert_eq!(marks, [Mark::Held, Mark::Left]);
    let have = Request::Have { shards: vec![gone] };
    assert_eq!(rig.ask(&rig.ada, have.clone()).await, Ok(Reply::Have { held: vec![false] }));
    assert!(rig.ask(&rig.ada, Request::Get { shard: gone }).await.is_ok(), "still readable");
    let back = rig.ask(&rig.ada, Request::CallBack { shards: vec![gone, FIRST] }).await;
    assert_eq!(back, Ok(Reply::CalledBack { held: vec![true, false] }));
    assert_eq!(rig.ask(&rig.ada, have).await, Ok(Reply::Have { held: vec![true] }));
}

#[tokio::test]
async fn nobody_sees_releases_or_calls_back_what_is_another_owners() {
    let rig = Rig::new();
    let (shard, request) = put(b"ada's");
    rig.ask(&rig.ada, request).await.unwrap();
    let now = rig.later();
    assert_eq!(rig.marks(&rig.bob).await, []);
    let done = rig.ask(&rig.bob, set(now, now, &[])).await.unwrap();
    assert_eq!(done, Reply::Retained(Retained::default()));
    let done = rig.ask(&rig.bob, set(now, now, &[shard])).await.unwrap();
    assert_eq!(done, Reply::Retained(Retained { unknown: 1, ..Retained::default() }));
    let back = rig.ask(&rig.bob, Request::CallBack { shards: vec![shard] }).await;
    assert_eq!(back, Ok(Reply::CalledBack { held: vec![false] }));
    assert_eq!(rig.marks(&rig.ada).await, [Mark::Held]);
    let stranger = super::Member::new(3);
    for request in [
        Request::Held { from: FIRST },
        set(now, now, &[]),
        Request::CallBack { shards: vec![shard] },
        Request::HeadHistory { skip: 0 },
    ] {
        assert_eq!(rig.ask(&stranger, request).await, Err(Refusal::NotAdmitted));
    }
}

#[tokio::test]
async fn sets_that_are_old_huge_without_order_or_from_the_future_are_refused_in_type() {
    let rig = Rig::new();
    let (shard, request) = put(b"wanted");
    rig.ask(&rig.ada, request).await.unwrap();
    let now = rig.later();
    rig.ask(&rig.ada, set(now, now, &[shard])).await.unwrap();
    let replayed = rig.ask(&rig.ada, set(now - 1, now, &[])).await;
    assert_eq!(replayed, Err(Refusal::StaleSet { newest_secs: now }));
    let early = rig.ask(&rig.ada, set(now + 2 * DAY, now, &[])).await;
    assert_eq!(early, Err(Refusal::FutureSet { now_secs: now }));
    let huge = vec![shard; p2p::wire::LEASE_PAGE + 1];
    let huge = [set(now, now, &huge), Request::CallBack { shards: huge }];
    for request in [set(now, now, &[shard, shard])].into_iter().chain(huge) {
        assert!(!request.is_bounded(), "the transport would not even pass it on");
        assert_eq!(rig.ask(&rig.ada, request).await, Err(Refusal::TooLarge));
    }
    assert_eq!(rig.marks(&rig.ada).await, [Mark::Held]);
}

#[tokio::test]
async fn older_heads_are_given_with_the_time_they_came() {
    let rig = Rig::new();
    for seq in 1..=3 {
        rig.ask(&rig.ada, rig.ada.head(seq, &[seq as u8])).await.unwrap();
        rig.later();
    }
    assert_eq!(rig.heads(&rig.ada).await, 1);
    let Ok(Reply::HeadHistory { heads, total: 3 }) =
        rig.ask(&rig.ada, Request::HeadHistory { skip: 1 }).await
    else {
        panic!("a history")
    };
    let times: Vec<u64> = heads.iter().map(|kept| kept.since_secs - NOW).collect();
    assert_eq!(times, [60, 120]);
    let none = rig.ask(&rig.bob, Request::HeadHistory { skip: 0 }).await;
    assert_eq!(none, Ok(Reply::HeadHistory { heads: Vec::new(), total: 0 }));
}
