//! Tests of the promises of `wire`.

use proptest::prelude::*;

use chunker::Record;

use super::*;
use crate::testing::World;
use crate::usage::Kept;

fn shard() -> impl Strategy<Value = ShardId> {
    any::<[u8; 32]>().prop_map(ShardId::from_bytes)
}

fn offer() -> impl Strategy<Value = Offer> {
    any::<[u64; 7]>().prop_map(|[total, reserved, donated, used, free, moving, away]| Offer {
        total_bytes: total,
        reserved_bytes: reserved,
        donated_bytes: donated,
        used_bytes: used,
        free_bytes: free,
        moving_bytes: moving,
        away_until_secs: away,
    })
}

fn coord() -> impl Strategy<Value = Coord> {
    (prop::array::uniform4(0.0_f32..9_000.0), 0.0_f32..1.5)
        .prop_map(|([x, y, z, height], error)| Coord::try_from([x, y, z, height, error]).unwrap())
}

fn located() -> impl Strategy<Value = Reply> {
    let sighting = (any::<[u8; 32]>(), any::<u32>())
        .prop_map(|(id, micros)| Sighting { peer: PeerId::from_bytes(id), micros });
    let seen = prop::collection::vec(sighting, 0..9);
    (prop::option::of(coord()), seen).prop_map(|(coord, seen)| Reply::Located { coord, seen })
}

fn body() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..300).prop_map(Bytes::from)
}

fn hello() -> impl Strategy<Value = Hello> {
    let addresses = prop::collection::vec("[a-z0-9/]{0,40}", 0..5);
    (any::<bool>(), addresses, offer(), prop::option::of("\\PC{0,10}")).prop_map(
        |(recovering, addresses, offer, site)| {
            let world = World::new("grid");
            let whole = world.hello("ada", "laptop");
            let base = if recovering { world.recovering("ada", "laptop") } else { whole };
            Hello { addresses, offer, site, ..base }
        },
    )
}

fn mandate() -> Box<crate::Mandate> {
    let cert = World::new("grid").hello("ada", "laptop").device;
    let guardian = crate::testing::peer_of(&crate::testing::key("bob"));
    Box::new(crate::Mandate::sign(&crate::testing::key("laptop"), cert, guardian, 5, 6))
}

fn statement(nonce: u64) -> Box<UsageStatement> {
    let cert = World::new("grid").hello("bob", "tower").device;
    let owner = crate::testing::owner_of(&crate::testing::key("ada"));
    let (held, left) = (Kept { shards: 2, bytes: 200 }, Kept::default());
    let to = (owner, nonce);
    Box::new(UsageStatement::sign(&crate::testing::key("tower"), cert, to, 5, (held, left)))
}

fn request() -> impl Strategy<Value = Request> {
    let plain = plain_request();
    prop_oneof![
        4 => plain_request(),
        1 => plain.prop_map(|request| {
            let (mandate, request) = (mandate(), Box::new(request));
            Request::Under { mandate, request }
        }),
        1 => (any::<u32>(), body()).prop_map(|(part, body)| {
            Request::Entrust { mandate: mandate(), part, parts: 3, body }
        }),
        1 => Just(Request::WardNews),
        1 => any::<u64>().prop_map(|through_secs| {
            Request::Revoke { guardian: mandate().guardian, through_secs }
        }),
    ]
}

fn plain_request() -> impl Strategy<Value = Request> {
    let join = (any::<[u8; 16]>(), "\\PC{0,16}").prop_map(|(token, name)| {
        let device = World::new("grid").hello("ada", "laptop").device;
        Request::Join(Box::new(Join { token, device, name }))
    });
    let shards = prop::collection::vec(shard(), 0..20);
    let moved = prop::collection::vec(shard(), 0..20);
    let spare = (shard(), any::<u8>()).prop_map(|(shard, others)| Spare { shard, others });
    let spares = prop::collection::vec(spare, 0..20);
    let head = prop::collection::vec(any::<u8>(), 0..200);
    prop_oneof![
        hello().prop_map(|hello| Request::Hello(Box::new(hello))),
        join,
        (any::<u64>(), offer()).prop_map(|(nonce, offer)| Request::Ping { nonce, offer }),
        any::<u32>().prop_map(|skip| Request::Roster { skip }),
        prop::option::of(coord()).prop_map(|coord| Request::Locate { coord }),
        any::<u64>().prop_map(|nonce| Request::Usage { nonce }),
        (shard(), body()).prop_map(|(shard, body)| Request::Put { shard, body }),
        shard().prop_map(|shard| Request::Get { shard }),
        shards.prop_map(|shards| Request::Have { shards }),
        moved.prop_map(|shards| Request::Moved { shards }),
        spares.prop_map(|spare| Request::Moves { spare }),
        prop::collection::vec(shard(), 0..20).prop_map(|shards| Request::Lost { shards }),
        (any::<[u8; 32]>(), shard(), body()).prop_map(|(owner, shard, body)| {
            Request::HandOver { owner: OwnerId::from_bytes(owner), shard, body }
        }),
        head.prop_map(|head| Request::HeadPut { head }),
        Just(Request::HeadGet),
        (shard(), any::<u64>(), any::<u32>()).prop_map(|(shard, offset, len)| Request::Slice {
            shard,
            offset,
            len
        }),
        shard().prop_map(|from| Request::Held { from }),
        range().prop_map(|range| Request::Retain(Box::new(range))),
        prop::collection::vec(shard(), 0..20).prop_map(|shards| Request::CallBack { shards }),
        any::<u32>().prop_map(|skip| Request::HeadHistory { skip }),
    ]
}

fn range() -> impl Strategy<Value = RetainRange> {
    let shards = prop::collection::btree_set(shard(), 0..20);
    (any::<[u64; 2]>(), shard(), prop::option::of(shard()), shards).prop_map(
        |([made_secs, at_secs], from, to, shards)| {
            let shards = shards.into_iter().collect();
            RetainRange { made_secs, at_secs, from, to, shards }
        },
    )
}

fn retained() -> impl Strategy<Value = Retained> {
    (any::<[u32; 6]>(), prop::option::of(shard())).prop_map(
        |([kept, back, released, left, young, unknown], next)| Retained {
            kept,
            back,
            released,
            left,
            young,
            unknown,
            next,
        },
    )
}

fn mark() -> impl Strategy<Value = Mark> {
    prop_oneof![Just(Mark::Held), Just(Mark::Released), Just(Mark::Left)]
}

fn refusal() -> impl Strategy<Value = Refusal> {
    prop_oneof![
        Just(Refusal::NotAdmitted),
        Just(Refusal::Busy),
        any::<u64>().prop_map(|free_bytes| Refusal::Full { free_bytes }),
        any::<u64>().prop_map(|newest| Refusal::StaleHead { newest }),
        any::<u64>().prop_map(|newest_secs| Refusal::StaleSet { newest_secs }),
        any::<u64>().prop_map(|now_secs| Refusal::FutureSet { now_secs }),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    let world = World::new("grid");
    let owner = world.owner("ada");
    let charter = Box::new(world.charter);
    let joined = Reply::Joined { charter, owner: Box::new(owner.clone()) };
    let heads = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..5);
    let roster = (prop::collection::vec(hello(), 0..3), any::<u32>());
    prop_oneof![
        hello().prop_map(move |hello| Reply::Welcome {
            hello: Box::new(hello),
            your_owner: Box::new(owner.clone())
        }),
        Just(joined),
        (any::<u64>(), offer()).prop_map(|(nonce, offer)| Reply::Pong { nonce, offer }),
        roster.prop_map(|(peers, total)| Reply::Roster { peers, total }),
        located(),
        Just(Reply::Stored),
        body().prop_map(|body| Reply::Shard { body }),
        prop::collection::vec(any::<bool>(), 0..20).prop_map(|held| Reply::Have { held }),
        any::<u64>().prop_map(|at_secs| Reply::HeadStored { at_secs }),
        Just(Reply::Noted),
        prop::collection::vec(any::<bool>(), 0..20).prop_map(|gone| Reply::LetGo { gone }),
        prop::collection::vec(shard(), 0..20).prop_map(|shards| Reply::Moves { shards }),
        (heads, any::<bool>(), any::<u32>()).prop_map(|(heads, tells, age)| Reply::Heads {
            ages: if tells { vec![age; heads.len()] } else { Vec::new() },
            heads: heads.into_iter().map(serde_bytes::ByteBuf::from).collect(),
        }),
        refusal().prop_map(Reply::Refused),
        body().prop_map(|body| Reply::Slice { body }),
        body().prop_map(|body| Reply::WardNews { body }),
        any::<u64>().prop_map(|nonce| Reply::Usage(statement(nonce))),
        Just(Reply::Entrusted),
        Just(Reply::Revoked),
        (any::<u64>(), prop::collection::vec((shard(), mark()), 0..20), any::<bool>()).prop_map(
            |(at_secs, pairs, more)| {
                let (shards, marks) = pairs.into_iter().unzip();
                Reply::Held { at_secs, shards, marks, more }
            }
        ),
        retained().prop_map(Reply::Retained),
        prop::collection::vec(any::<bool>(), 0..20).prop_map(|held| Reply::CalledBack { held }),
        (prop::collection::vec((body(), any::<u64>()), 0..5), any::<u32>()).prop_map(
            |(heads, total)| {
                let kept = |(head, since_secs): (Bytes, u64)| KeptHead {
                    head: serde_bytes::ByteBuf::from(head.to_vec()),
                    since_secs,
                };
                Reply::HeadHistory { heads: heads.into_iter().map(kept).collect(), total }
            }
        ),
    ]
}

proptest! {
    #[test]
    fn requests_survive_the_wire(request in request()) {
        let (header, body) = request.clone().split();
        let back = RequestHeader::decode(&header.encode()).expect("our own");
        prop_assert_eq!(back.body_len as usize, request.body_len());
        prop_assert_eq!(Request::join(back, body), Some(request));
    }

    #[test]
    fn replies_survive_the_wire(reply in reply()) {
        let (header, body) = reply.clone().split();
        let back = ReplyHeader::decode(&header.encode()).expect("our own");
        prop_assert_eq!(back.body_len as usize, reply.body_len());
        prop_assert_eq!(Reply::join(back, body), Some(reply));
    }

    #[test]
    fn arbitrary_bytes_never_panic_a_reader(
        bytes in prop::collection::vec(any::<u8>(), 0..500),
        version: bool,
    ) {
        let mut bytes = bytes;
        if version {
            bytes.insert(0, 1);
        }
        if let Ok(header) = RequestHeader::decode(&bytes) {
            prop_assert_eq!(RequestHeader::decode(&header.encode()).expect("our own"), header);
        }
        if let Ok(header) = ReplyHeader::decode(&bytes) {
            prop_assert_eq!(ReplyHeader::decode(&header.encode()).expect("our own"), header);
        }
    }

    #[test]
    fn damaged_headers_never_panic_a_reader(
        request in request(),
        reply in reply(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut asked = request.split().0.encode();
        let mut told = reply.split().0.encode();
        for (at, byte) in damage {
            let here = at.index(asked.len());
            asked[here] = byte;
            let here = at.index(told.len());
            told[here] = byte;
        }
        if let Ok(header) = RequestHeader::decode(&asked) {
            let _bounded = header.request.is_bounded();
        }
        let _result = ReplyHeader::decode(&told);
    }
}

#[test]
fn messages_of_version_1_look_like_this_for_ever() {
    let world = World::new("grid");
    let hello = Box::new(world.hello("ada", "laptop"));
    let (shard, offer) = (ShardId::from_bytes([1; 32]), Offer::default());
    let device = hello.device.clone();
    let join = Join { token: [2; 16], device, name: "ada".to_owned() };
    let requests = [
        Request::Hello(hello.clone()),
        Request::Join(Box::new(join)),
        Request::Ping { nonce: 3, offer },
        Request::Roster { skip: 4 },
        Request::Put { shard, body: Bytes::from_static(b"body") },
        Request::Get { shard },
        Request::Have { shards: vec![shard] },
        Request::HeadPut { head: vec![5] },
        Request::HeadGet,
    ];
    let your_owner = Box::new(world.owner("ada"));
    let charter = Box::new(world.charter);
    let replies = [
        Reply::Welcome { hello: hello.clone(), your_owner: your_owner.clone() },
        Reply::Joined { charter, owner: your_owner },
        Reply::Pong { nonce: 3, offer },
        Reply::Roster { peers: vec![*hello], total: 1 },
        Reply::Stored,
        Reply::Shard { body: Bytes::from_static(b"body") },
        Reply::Have { held: vec![true, false] },
        Reply::HeadStored { at_secs: 1 },
        Reply::Heads { heads: vec![vec![5].into()], ages: Vec::new() },
        Reply::Refused(Refusal::Full { free_bytes: 6 }),
        Reply::Refused(Refusal::NotAdmitted),
    ];
    let mut hasher = blake3::Hasher::new();
    for request in requests {
        hasher.update(&request.split().0.encode());
    }
    for reply in replies {
        hasher.update(&reply.split().0.encode());
    }
    assert_eq!(
        hasher.finalize().to_string(),
        "335abe455d38cb6d329757a5270485ece18ac7eb23bd5f804efaab1f307939aa"
    );
}

#[test]
fn a_slice_of_version_1_looks_like_this_for_ever() {
    let shard = ShardId::from_bytes([1; 32]);
    let request = Request::Slice { shard, offset: 7, len: 8 };
    let reply = Reply::Slice { body: Bytes::from_static(b"body") };
    let mut hasher = blake3::Hasher::new();
    hasher.update(&request.split().0.encode());
    hasher.update(&reply.split().0.encode());
    assert_eq!(
        hasher.finalize().to_string(),
        "440db0607a321b7cd68c8efa2db239a1145a0ddeff22574f67c5e88dd6fd1eb4"
    );
}

#[test]
fn a_notice_of_loss_of_version_1_looks_like_this_for_ever() {
    let request = Request::Lost { shards: vec![ShardId::from_bytes([1; 32])] };
    assert!(request.fits(&Reply::Noted) && !request.fits(&Reply::Stored));
    let many = Request::Lost { shards: vec![ShardId::from_bytes([1; 32]); MOVES_PAGE + 1] };
    assert!(request.is_bounded() && !many.is_bounded());
    let mut hasher = blake3::Hasher::new();
    hasher.update(&request.split().0.encode());
    hasher.update(&Reply::Noted.split().0.encode());
    assert_eq!(
        hasher.finalize().to_string(),
        "d4283834daec47dd44e46ac4a2c6a36f1be74ec466a9291e2a4d7f2303eefd00"
    );
}

#[test]
fn moves_of_version_1_look_like_this_for_ever() {
    let shard = ShardId::from_bytes([1; 32]);
    let (spare, shards) = (vec![Spare { shard, others: 2 }], vec![shard]);
    let (owner, body) = (OwnerId::from_bytes([3; 32]), Bytes::from_static(b"body"));
    let offer = Offer { moving_bytes: 4, ..Offer::default() };
    let requests = [
        Request::Moves { spare },
        Request::Moved { shards: shards.clone() },
        Request::HandOver { owner, shard, body },
        Request::Ping { nonce: 5, offer },
    ];
    let replies = [Reply::Moves { shards }, Reply::LetGo { gone: vec![true, false] }];
    let mut hasher = blake3::Hasher::new();
    for request in requests {
        hasher.update(&request.split().0.encode());
    }
    for reply in replies {
        hasher.update(&reply.split().0.encode());
    }
    assert_eq!(
        hasher.finalize().to_string(),
        "a8e8581285e8614a5a58ed7a2b8ec14e6ef69c2694e6881357689cb804479b2e"
    );
}

#[test]
fn leases_of_version_1_look_like_this_for_ever() {
    let shard = ShardId::from_bytes([1; 32]);
    let (to, shards) = (Some(ShardId::from_bytes([2; 32])), vec![shard]);
    let range = RetainRange { made_secs: 3, at_secs: 4, from: shard, to, shards: shards.clone() };
    let requests = [
        Request::Held { from: shard },
        Request::Retain(Box::new(range)),
        Request::CallBack { shards: shards.clone() },
        Request::HeadHistory { skip: 5 },
    ];
    let (kept, back, released, left, young, unknown) = (1, 2, 3, 4, 5, 6);
    let done = Retained { kept, back, released, left, young, unknown, next: to };
    let head = KeptHead { head: vec![7].into(), since_secs: 8 };
    let marks = vec![Mark::Held, Mark::Released, Mark::Left];
    let replies = [
        Reply::Held { at_secs: 9, shards: vec![shard; 3], marks, more: true },
        Reply::Retained(done),
        Reply::CalledBack { held: vec![true] },
        Reply::HeadHistory { heads: vec![head], total: 10 },
        Reply::Refused(Refusal::StaleSet { newest_secs: 11 }),
        Reply::Refused(Refusal::FutureSet { now_secs: 12 }),
    ];
    let mut hasher = blake3::Hasher::new();
    for request in requests {
        hasher.update(&request.split().0.encode());
    }
    for reply in replies {
        hasher.update(&reply.split().0.encode());
    }
    assert_eq!(
        hasher.finalize().to_string(),
        "c92c55664a6bf682882f19259b5c89b65d1e92330c80355597692e86393c03ae"
    );
}

#[test]
fn a_slice_is_bounded_and_only_a_slice_answers_it() {
    let ask = |len| Request::Slice { shard: ShardId::from_bytes([0; 32]), offset: 0, len };
    assert!(ask(1).is_bounded() && ask(SLICE_MAX).is_bounded());
    assert!(!ask(0).is_bounded() && !ask(SLICE_MAX + 1).is_bounded());
    let give = |len: usize| Reply::Slice { body: vec![0; len].into() };
    assert!(ask(1).fits(&give(SLICE_BODY_MAX)) && !ask(1).fits(&give(SLICE_BODY_MAX + 1)));
    assert!(!ask(1).fits(&Reply::Shard { body: Bytes::new() }));
}

#[test]
fn a_body_where_none_belongs_is_not_accepted() {
    let header = RequestHeader { request: Request::HeadGet, body_len: 1 };
    assert_eq!(Request::join(header, Bytes::from_static(b"x")), None);
    let header = ReplyHeader { reply: Reply::Stored, body_len: 1 };
    assert_eq!(Reply::join(header, Bytes::from_static(b"x")), None);
}

#[test]
fn what_is_beyond_its_limit_is_seen() {
    let shard = ShardId::from_bytes([0; 32]);
    let put = |len: usize| Request::Put { shard, body: vec![0; len].into() };
    assert!(put(BODY_LIMIT).is_bounded() && !put(BODY_LIMIT + 1).is_bounded());
    let have = |len: usize| Request::Have { shards: vec![shard; len] };
    assert!(have(HAVE_LIMIT).is_bounded() && !have(HAVE_LIMIT + 1).is_bounded());
    let head = |len: usize| Request::HeadPut { head: vec![0; len] };
    assert!(head(HEAD_LIMIT).is_bounded() && !head(HEAD_LIMIT + 1).is_bounded());
    let good = World::new("grid").hello("ada", "laptop");
    assert!(good.is_bounded());
    let mut charter = good.charter.clone().expect("whole");
    charter.name = "x".repeat(NAME_LIMIT + 1);
    let beyond = [
        Hello { addresses: vec![String::new(); ADDRESSES_LIMIT + 1], ..good.clone() },
        Hello { addresses: vec!["x".repeat(ADDRESS_LIMIT + 1)], ..good.clone() },
        Hello { site: Some("x".repeat(SITE_LIMIT + 1)), ..good.clone() },
        Hello { charter: Some(charter), ..good },
    ];
    for hello in beyond {
        assert!(!hello.is_bounded(), "{hello:?}");
    }
}

#[test]
fn every_bounded_request_fits_its_header() {
    let shard = ShardId::from_bytes([0xff; 32]);
    let world = World::new("grid");
    let hello = Hello {
        addresses: vec!["x".repeat(ADDRESS_LIMIT); ADDRESSES_LIMIT],
        site: Some("x".repeat(SITE_LIMIT)),
        ..world.hello("ada", "laptop")
    };
    let largest = [
        Request::Hello(Box::new(hello)),
        Request::Have { shards: vec![shard; HAVE_LIMIT] },
        Request::HeadPut { head: vec![0xff; HEAD_LIMIT] },
    ];
    for request in largest {
        assert!(request.is_bounded());
        let len = request.split().0.encode().len();
        assert!(len <= HEADER_LIMIT, "{len}");
    }
}

#[test]
fn every_fitting_reply_with_heads_fits_its_header() {
    let heads = |count: usize, len: usize| Reply::Heads {
        heads: vec![serde_bytes::ByteBuf::from(vec![0xff; len]); count],
        ages: vec![u32::MAX; count],
    };
    let most = (HEADER_LIMIT - HEAD_SLACK) / (HEAD_LIMIT + HEAD_FRAME + AGE_FRAME);
    for reply in [heads(most, HEAD_LIMIT), heads(HEADS_LIMIT * HEADS_PER_DEVICE, 900)] {
        assert!(Request::HeadGet.fits(&reply));
        let len = reply.split().0.encode().len();
        assert!(len <= HEADER_LIMIT, "{len}");
    }
    assert!(!Request::HeadGet.fits(&heads(most + 1, HEAD_LIMIT)));
    assert!(!Request::HeadGet.fits(&heads(HEADS_LIMIT * HEADS_PER_DEVICE + 1, 1)));
    let odd = Reply::Heads { heads: vec![vec![1].into(); 2], ages: vec![1] };
    assert!(!Request::HeadGet.fits(&odd), "an age for each, or none");
}

#[test]
fn only_the_answer_to_the_question_fits_it() {
    let shard = ShardId::from_bytes([0; 32]);
    let ping = Request::Ping { nonce: 5, offer: Offer::default() };
    let pong = |nonce| Reply::Pong { nonce, offer: Offer::default() };
    assert!(ping.fits(&pong(5)) && !ping.fits(&pong(6)) && !ping.fits(&Reply::Stored));
    let have = Request::Have { shards: vec![shard; 2] };
    let held = |count| Reply::Have { held: vec![true; count] };
    assert!(have.fits(&held(2)) && !have.fits(&held(1)) && !have.fits(&held(3)));
    let get = Request::Get { shard };
    assert!(get.fits(&Reply::Refused(Refusal::UnknownShard)) && !get.fits(&Reply::Stored));
}

#[test]
fn a_mandate_carries_only_what_rebuilding_takes_and_never_another_mandate() {
    let shard = ShardId::from_bytes([1; 32]);
    let under = |request| Request::Under { mandate: mandate(), request: Box::new(request) };
    let put = Request::Put { shard, body: Bytes::from_static(b"bytes") };
    for request in [put.clone(), Request::Get { shard }, Request::HeadGet] {
        assert!(under(request.clone()).is_bounded(), "{request:?}");
        assert_eq!(under(request.clone()).deadline(), request.deadline());
        assert_eq!(under(request.clone()).has_body(), request.has_body());
    }
    assert!(under(Request::Get { shard }).reads_shards());
    let revoke = Request::Revoke { guardian: mandate().guardian, through_secs: 9 };
    for request in [under(put), revoke, Request::WardNews, Request::Roster { skip: 0 }] {
        assert!(!under(request.clone()).is_bounded(), "{request:?}");
    }
    let entrust = |part, parts| {
        Request::Entrust { mandate: mandate(), part, parts, body: Bytes::new() }.is_bounded()
    };
    assert!(entrust(0, 1) && entrust(WARD_PARTS - 1, WARD_PARTS));
    assert!(!entrust(1, 1) && !entrust(0, 0) && !entrust(0, WARD_PARTS + 1));
}

#[test]
fn the_largest_pages_of_leases_fit_into_a_header() {
    let shards: Vec<ShardId> = (0..LEASE_PAGE as u32)
        .map(|n| {
            let mut id = [0xff; 32];
            id[..4].copy_from_slice(&n.to_be_bytes());
            ShardId::from_bytes(id)
        })
        .collect();
    let range = RetainRange {
        made_secs: u64::MAX,
        at_secs: u64::MAX,
        from: shards[0],
        to: Some(ShardId::from_bytes([0xff; 32])),
        shards: shards.clone(),
    };
    let request = Request::Retain(Box::new(range.clone()));
    assert!(request.is_bounded());
    assert!(request.split().0.encode().len() <= HEADER_LIMIT);
    let marks = vec![Mark::Left; LEASE_PAGE];
    let reply = Reply::Held { at_secs: u64::MAX, shards: shards.clone(), marks, more: true };
    assert!(Request::Held { from: shards[0] }.fits(&reply));
    assert!(!Request::Held { from: shards[1] }.fits(&reply), "begins before the question");
    assert!(reply.split().0.encode().len() <= HEADER_LIMIT);
    let unordered = |change: fn(&mut RetainRange)| {
        let mut range = range.clone();
        change(&mut range);
        !Request::Retain(Box::new(range)).is_bounded()
    };
    assert!(unordered(|range| range.shards.swap(0, 1)), "order");
    assert!(unordered(|range| range.shards[1] = range.shards[0]), "twice");
    assert!(unordered(|range| range.from = range.shards[1]), "before the range");
    assert!(unordered(|range| range.to = range.shards.last().copied()), "after it");
    assert!(unordered(|range| range.shards.push(ShardId::from_bytes([0xff; 32]))), "too many");
    assert!(!Request::CallBack { shards: vec![shards[0]; LEASE_PAGE + 1] }.is_bounded());
}

#[test]
fn no_more_sightings_are_taken_than_were_asked_for() {
    let ask = Request::Locate { coord: None };
    let one = Sighting { peer: PeerId::from_bytes([1; 32]), micros: 5 };
    let told = |count| Reply::Located { coord: None, seen: vec![one; count] };
    assert!(ask.fits(&told(0)) && ask.fits(&told(SIGHTINGS_LIMIT)));
    assert!(!ask.fits(&told(SIGHTINGS_LIMIT + 1)) && !ask.fits(&Reply::Stored));
}

#[test]
fn a_usage_statement_of_version_1_looks_like_this_for_ever() {
    let (request, reply) = (Request::Usage { nonce: 3 }, Reply::Usage(statement(3)));
    assert!(request.fits(&reply) && !Request::Usage { nonce: 4 }.fits(&reply));
    let mut long = statement(3);
    long.cert.name = "n".repeat(NAME_LIMIT + 1);
    assert!(!request.fits(&Reply::Usage(long)));
    let mut hasher = blake3::Hasher::new();
    hasher.update(&request.split().0.encode());
    hasher.update(&reply.split().0.encode());
    assert_eq!(
        hasher.finalize().to_string(),
        "9c85542c19cf979ac78ae5fd9a90ddf7497a48170a2181f623d00924221d56d3"
    );
}
