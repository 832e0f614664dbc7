//! Who gets in, and what those get who do not.

use chunker::Record;
use futures::AsyncWriteExt;

use super::rogue::grid_of;
use super::toy::TOKEN;
use super::*;
use crate::swarm::codec;
use crate::swarm::streams::OpenError;
use crate::testing::peer_of;
use crate::wire::Join;

fn join(world: &World, token: [u8; 16]) -> Request {
    let device = world.hello("nora", "nora").device;
    Request::Join(Box::new(Join { token, device, name: "nora".to_owned() }))
}

fn get() -> Request {
    Request::Get { shard: name(&Bytes::new()) }
}

fn framed(header: &[u8]) -> Vec<u8> {
    [&(header.len() as u32).to_be_bytes(), header].concat()
}

#[tokio::test]
async fn a_device_of_another_grid_is_refused_and_both_know_why() {
    let (here, there) = (World::new("here"), World::new("there"));
    let one = Device::start(&here, "anna", &[]).await;
    let two = Device::start(&there, "bert", &one.addresses()).await;
    two.swarm.settle(PATIENCE).await;
    let (peer, reason) = (one.me(), Refusal::WrongGrid);
    let asked = two.get(peer, &Bytes::new()).await;
    assert_eq!(asked, Err(GridError::NotAdmitted { peer, reason }));
    assert_eq!(one.swarm.peers(), []);
    assert_eq!(one.toy.served(), 0);
    assert_eq!((one.swarm.counters().refused, two.swarm.counters().refused), (1, 1));
    end([one, two]).await;
}

#[tokio::test]
async fn without_a_hello_there_is_no_service_and_no_table() {
    let world = World::new("grid");
    let one = Device::start(&world, "anna", &[]).await;
    let rogue = Rogue::connect("bert", &one, grid_of(&world, "")).await;
    let mut stream = rogue.open().await.unwrap();
    let (header, _) = get().split();
    stream.write_all(&framed(&header.encode())).await.unwrap();
    stream.flush().await.unwrap();
    // The door is open, and answers after the frame above has arrived.
    let reply = rogue.door(get()).await.unwrap();
    assert_eq!(reply, Reply::Refused(Refusal::NotAdmitted));
    assert_eq!(one.toy.served(), 0);
    // With the hello, the stream that waited is served.
    let hello = Request::Hello(Box::new(world.hello("bert", "bert")));
    assert!(matches!(rogue.door(hello).await, Ok(Reply::Welcome { .. })));
    let reply = codec::read_reply(&mut stream, PATIENCE, None).await.unwrap();
    assert_eq!(reply, Reply::Refused(Refusal::UnknownShard));
    rogue.end().await;

    let rogue = Rogue::connect("bert", &one, grid_of(&world, "/kad")).await;
    assert_eq!(rogue.open().await.unwrap_err(), OpenError::Unsupported);
    let hello = Request::Hello(Box::new(world.hello("bert", "bert")));
    assert!(matches!(rogue.door(hello).await, Ok(Reply::Welcome { .. })));
    one.until_online(peer_of(&key("bert"))).await;
    rogue.open().await.unwrap();
    rogue.end().await;
    end([one]).await;
}

#[tokio::test]
async fn whoever_does_not_introduce_itself_is_sent_away() {
    let world = World::new("grid");
    let one = Device::impatient(&world, "anna").await;
    let rogue = Rogue::connect("bert", &one, grid_of(&world, "")).await;
    let trying = async { while rogue.open().await.is_ok() {} };
    timeout(PATIENCE, trying).await.unwrap();
    assert_eq!(one.swarm.counters().strangers, 1);
    assert_eq!(one.toy.served(), 0);
    rogue.end().await;
    end([one]).await;
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_given_up() {
    let world = World::new("grid");
    let one = Device::impatient(&world, "anna").await;
    let rogue = Rogue::admitted(&world, "bert", &one).await;
    let peer = peer_of(&key("bert"));
    one.until_online(peer).await;
    let bytes = some_bytes(10, 1);
    let asked = timeout(PATIENCE, one.put(peer, &bytes)).await.unwrap();
    assert_eq!(asked, Err(GridError::Broken { peer }));
    one.until_offline(peer).await;
    rogue.end().await;
    end([one]).await;
}

#[tokio::test]
async fn an_oversized_or_malformed_frame_costs_its_stream_and_nothing_else() {
    let world = World::new("grid");
    let one = Device::start(&world, "anna", &[]).await;
    let rogue = Rogue::admitted(&world, "bert", &one).await;
    let (mut header, _) = put(&some_bytes(10, 1)).split();
    header.body_len = u32::MAX;
    let no_body_belongs = crate::wire::RequestHeader { request: get(), body_len: 5 };
    let bad = [
        [255; 64].to_vec(),
        framed(&header.encode()),
        framed(b"\x01nonsense"),
        framed(b""),
        framed(&no_body_belongs.encode()),
    ];
    for frame in &bad {
        assert_eq!(rogue.say(frame).await, b"");
    }
    assert_eq!(one.swarm.counters().malformed, bad.len() as u64);
    assert_eq!(one.toy.served(), 0);
    // The connection lives.
    let mut stream = rogue.open().await.unwrap();
    let reply = pool::exchange(&mut stream, put(&some_bytes(10, 1)), None).await.unwrap();
    assert_eq!(reply, Reply::Stored);
    rogue.end().await;
    end([one]).await;
}

#[tokio::test]
async fn one_peer_cannot_take_the_room_of_all() {
    let world = World::new("grid");
    let one = Device::start(&world, "anna", &[]).await;
    let two = Device::start(&world, "bert", &one.addresses()).await;
    let rogue = Rogue::admitted(&world, "cleo", &one).await;
    let (mut header, _) = put(&some_bytes(10, 1)).split();
    header.body_len = crate::wire::BODY_LIMIT as u32;
    let frame = framed(&header.encode());
    let mut streams = Vec::new();
    let bytes = some_bytes(crate::wire::BODY_LIMIT, 1);
    // Together these announce more than fits for everybody. None of the bodies comes.
    for _ in 0..20 {
        let mut stream = rogue.open().await.unwrap();
        stream.write_all(&frame).await.unwrap();
        stream.flush().await.unwrap();
        streams.push(stream);
    }
    rogue.door(get()).await.unwrap();
    two.until_online(one.me()).await;
    for _ in 0..4 {
        let asked = two.put(one.me(), &bytes);
        assert_eq!(timeout(PATIENCE, asked).await.unwrap(), Ok(Reply::Stored));
    }
    rogue.end().await;
    end([one, two]).await;
}

#[tokio::test]
async fn a_crowd_of_strangers_does_not_keep_a_member_out() {
    let world = World::new("grid");
    let one = Device::start(&world, "anna", &[]).await;
    let mut crowd = Vec::new();
    for no in 0..70 {
        crowd.push(Rogue::connect(&format!("stranger {no}"), &one, grid_of(&world, "")).await);
    }
    let two = Device::start(&world, "bert", &one.addresses()).await;
    two.until_online(one.me()).await;
    assert!(one.swarm.counters().strangers >= 6, "{:?}", one.swarm.counters());
    for rogue in crowd {
        rogue.end().await;
    }
    end([one, two]).await;
}

/// Needs a network that carries multicast: `P2P_MDNS=1`.
#[tokio::test]
async fn devices_on_one_network_find_each_other() {
    if std::env::var_os("P2P_MDNS").is_none() {
        return;
    }
    let world = World::new("grid");
    let start = async |name: &str| {
        let config = SwarmConfig {
            key: key(name).to_bytes(),
            members: world.members(name, name),
            listen: vec!["/ip4/0.0.0.0/tcp/0".to_owned()],
            any_port: false,
            bootstrap: Vec::new(),
            mdns: true,
        };
        let toy = Arc::new(Toy::new(&world));
        Device { swarm: Swarm::start(config, toy.clone()).await.unwrap(), toy }
    };
    let (one, two) = (start("anna").await, start("bert").await);
    one.until_online(two.me()).await;
    two.until_online(one.me()).await;
    let recovering = Request::Hello(Box::new(world.recovering("anna", "new-laptop")));
    let welcomed = knock(key("new-laptop").to_bytes(), &[], true, recovering, PATIENCE).await;
    assert!(matches!(welcomed, Ok((_, Reply::Welcome { .. }))), "{welcomed:?}");
    end([one, two]).await;
}

#[tokio::test]
async fn a_request_of_a_later_version_is_refused_and_the_stream_goes_on() {
    let world = World::new("grid");
    let one = Device::start(&world, "anna", &[]).await;
    let rogue = Rogue::admitted(&world, "bert", &one).await;
    let mut stream = rogue.open().await.unwrap();
    let later = b"\x01\xa2\x67request\x68Levitate\x68body_len\x03";
    stream.write_all(&framed(later)).await.unwrap();
    stream.write_all(b"abc").await.unwrap();
    stream.flush().await.unwrap();
    let reply = codec::read_reply(&mut stream, PATIENCE, None).await.unwrap();
    assert_eq!(reply, Reply::Refused(Refusal::Unsupported));
    let reply = pool::exchange(&mut stream, put(&some_bytes(10, 1)), None).await.unwrap();
    assert_eq!(reply, Reply::Stored);
    rogue.end().await;
    end([one]).await;
}

#[tokio::test]
async fn streams_of_one_peer_are_limited() {
    let world = World::new("grid");
    let one = Device::start(&world, "anna", &[]).await;
    let rogue = Rogue::admitted(&world, "bert", &one).await;
    let mut streams = Vec::new();
    for _ in 0..60 {
        streams.extend(rogue.open().await.ok());
    }
    let mut served = 0;
    for stream in &mut streams {
        served += u32::from(pool::exchange(stream, get(), None).await.is_ok());
    }
    assert!((8..=24).contains(&served), "{served}");
    // Seats are given back.
    drop(streams);
    let asking = async {
        loop {
            let mut stream = rogue.open().await.unwrap();
            if pool::exchange(&mut stream, get(), None).await.is_ok() {
                return;
            }
        }
    };
    timeout(PATIENCE, asking).await.unwrap();
    rogue.end().await;
    end([one]).await;
}

#[tokio::test]
async fn whoever_knocks_with_an_invitation_joins_and_without_is_refused() {
    let world = World::new("grid");
    let one = Device::start(&world, "anna", &[]).await;
    let (addresses, secret) = (one.addresses(), key("nora").to_bytes());
    let joined = knock(secret, &addresses, false, join(&world, TOKEN), PATIENCE).await;
    let (peer, reply) = joined.unwrap();
    assert_eq!(peer, one.me());
    let Reply::Joined { charter, owner } = reply else { panic!("{reply:?}") };
    assert_eq!(*charter, world.charter);
    assert_eq!(*owner, world.owner("nora"));

    let refused = knock(secret, &addresses, false, join(&world, [0; 16]), PATIENCE).await;
    assert_eq!(refused, Ok((one.me(), Reply::Refused(Refusal::InviteUnknown))));
    end([one]).await;
}

#[tokio::test]
async fn a_device_made_from_the_words_is_welcomed_and_told_its_certificate() {
    let world = World::new("grid");
    let one = Device::start(&world, "anna", &[]).await;
    let recovering = Request::Hello(Box::new(world.recovering("anna", "new-laptop")));
    let secret = key("new-laptop").to_bytes();
    // One address is dead, and one does not say whose it is.
    let unnamed = one.addresses()[0].split("/p2p/").next().unwrap().to_owned();
    let addresses = ["/ip4/127.0.0.1/tcp/1".to_owned(), unnamed];
    let welcomed = knock(secret, &addresses, false, recovering, PATIENCE).await;
    let (peer, reply) = welcomed.unwrap();
    assert_eq!(peer, one.me());
    let Reply::Welcome { your_owner, .. } = reply else { panic!("{reply:?}") };
    assert_eq!(*your_owner, world.owner("anna"));

    let unknown = Request::Hello(Box::new(world.recovering("nobody", "new-laptop")));
    let refused = knock(secret, &one.addresses(), false, unknown, PATIENCE).await;
    assert_eq!(refused, Ok((one.me(), Reply::Refused(Refusal::UnknownOwner))));
    end([one]).await;
}

#[tokio::test]
async fn a_knock_where_nobody_is_says_unreachable_and_not_refused() {
    let world = World::new("grid");
    let gone = Device::start(&world, "anna", &[]).await;
    let (addresses, peer) = (gone.addresses(), gone.me());
    end([gone]).await;
    let secret = key("nora").to_bytes();
    let knocked = knock(secret, &addresses, false, join(&world, TOKEN), PATIENCE).await;
    assert_eq!(knocked, Err(GridError::Unreachable { peer }));
    // Somebody else lives there now: the invitation is not shown to them.
    let listen = addresses[0].split("/p2p/").next().unwrap();
    let other = Device::start_at(&world, "bert", listen, &[]).await.unwrap();
    let knocked = knock(secret, &addresses, false, join(&world, TOKEN), PATIENCE).await;
    assert_eq!(knocked, Err(GridError::Unreachable { peer }));
    assert_eq!(other.toy.served(), 0);
    end([other]).await;
}
