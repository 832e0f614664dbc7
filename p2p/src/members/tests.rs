//! Tests of the promises of `members`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::Ordering;

use chunker::Record as _;

use super::*;
use crate::peer::PeerState;
use crate::testing::{NOW_SECS, StandingClock, World, key, owner_of, peer_of};
use crate::wire::ReplyHeader;

fn peer(name: &str) -> PeerId {
    peer_of(&key(name))
}

fn ada() -> (World, Members) {
    let world = World::new("grid");
    let members = world.members("ada", "laptop");
    (world, members)
}

fn info(members: &Members, name: &str) -> PeerInfo {
    members.infos().into_iter().find(|info| info.peer == peer(name)).expect("in the roster")
}

fn welcome(reply: Reply) -> (Hello, OwnerCert) {
    match reply {
        Reply::Welcome { hello, your_owner } => (*hello, *your_owner),
        other => panic!("no welcome: {other:?}"),
    }
}

#[test]
fn one_exchange_admits_both_sides() {
    let (world, ada) = ada();
    let bob = world.members("bob", "tower");
    let reply = ada.admit(bob.me(), &bob.hello()).expect("a member");
    let (hello, owner) = welcome(reply);
    assert_eq!(owner, world.owner("bob"));
    assert_eq!(bob.accept(ada.me(), &hello), Ok(()));
    assert_eq!(ada.owner_of(&bob.me()), Some(owner_of(&key("bob"))));
    assert_eq!(bob.owner_of(&ada.me()), Some(owner_of(&key("ada"))));
    assert_eq!(ada.owner_of(&ada.me()), Some(owner_of(&key("ada"))));
}

#[test]
fn a_certificate_shown_by_another_device_is_worth_nothing() {
    let (world, ada) = ada();
    let hello = world.hello("bob", "tower");
    assert_eq!(ada.admit(peer("eve"), &hello), Err(Refusal::CertInvalid));
    assert_eq!(ada.owner_of(&peer("tower")), None);
}

#[test]
fn a_member_of_another_grid_is_told_so() {
    let (world, ada) = ada();
    let other = World::new("other");
    let theirs = other.hello("bob", "tower");
    assert_eq!(ada.admit(peer("tower"), &theirs), Err(Refusal::WrongGrid));
    let mixed = Hello { charter: Some(world.charter.clone()), ..theirs.clone() };
    assert_eq!(ada.admit(peer("tower"), &mixed), Err(Refusal::WrongGrid));
    let forged = OwnerCert { grid: world.charter.id(), ..other.owner("bob") };
    let forged = Hello { owner: Some(forged), ..mixed };
    assert_eq!(ada.admit(peer("tower"), &forged), Err(Refusal::CertInvalid));
    assert_eq!(ada.infos(), []);
}

#[test]
fn every_link_of_the_chain_is_checked() {
    let (world, ada) = ada();
    let good = world.hello("bob", "tower");
    let other_owner = Hello { owner: Some(world.owner("eve")), ..good.clone() };
    let no_owner = Hello { owner: None, ..good.clone() };
    let no_charter = Hello { charter: None, ..good.clone() };
    let mut forged = good.clone();
    forged.device.signature[0] ^= 1;
    for hello in [other_owner, no_owner, no_charter, forged] {
        assert_eq!(ada.admit(peer("tower"), &hello), Err(Refusal::CertInvalid), "{hello:?}");
    }
    // Nor does it help that the good one was seen before.
    ada.admit(peer("tower"), &good).expect("a member");
    let mut forged = good;
    forged.device.name = "castle".to_owned();
    assert_eq!(ada.admit(peer("tower"), &forged), Err(Refusal::CertInvalid));
}

#[test]
fn a_hello_beyond_the_limits_is_refused_before_anything_else() {
    let (world, ada) = ada();
    let hello = Hello { site: Some("x".repeat(SITE_LIMIT + 1)), ..world.hello("bob", "tower") };
    assert_eq!(ada.admit(peer("tower"), &hello), Err(Refusal::TooLarge));
}

#[test]
fn a_clock_may_be_a_day_off_and_no_more() {
    let world = World::new("grid");
    let clock = StandingClock::at(NOW_SECS - 24 * 3600);
    let identity = world.identity("ada", "laptop");
    let ada = Members::new(identity, Vec::new(), clock.clone());
    assert!(ada.admit(peer("tower"), &world.hello("bob", "tower")).is_ok());
    clock.0.fetch_sub(1, Ordering::Relaxed);
    let hello = world.hello("cem", "phone");
    assert_eq!(ada.admit(peer("phone"), &hello), Err(Refusal::CertExpired));
    // Certificates have no end: an old one is as good as a new one.
    clock.0.store(u64::MAX, Ordering::Relaxed);
    assert!(ada.admit(peer("phone"), &hello).is_ok());
}

#[test]
fn a_recovering_device_is_let_in_when_its_owner_is_known_even_if_all_its_devices_are_gone() {
    let (world, ada) = ada();
    let fresh = world.recovering("bob", "new tower");
    assert_eq!(ada.admit(peer("new tower"), &fresh), Err(Refusal::UnknownOwner));
    ada.learn(vec![world.hello("bob", "tower")]);
    let reply = ada.admit(peer("new tower"), &fresh).expect("its owner is known");
    let (hello, owner) = welcome(reply);
    assert_eq!(owner, world.owner("bob"));
    assert_eq!(hello.charter, Some(world.charter.clone()));
    // What others hear of it has the whole chain.
    let others = world.members("cem", "phone");
    others.learn(ada.known());
    assert_eq!(others.owner_of(&peer("new tower")), Some(owner_of(&key("bob"))));
}

#[test]
fn a_recovering_device_of_ones_own_is_let_in_at_once() {
    let (world, ada) = ada();
    let fresh = world.recovering("ada", "phone");
    assert!(ada.admit(peer("phone"), &fresh).is_ok());
}

#[test]
fn a_recovering_device_cannot_let_anybody_in() {
    let (world, ada) = ada();
    ada.learn(vec![world.hello("bob", "tower")]);
    let fresh = world.recovering("bob", "new tower");
    assert_eq!(ada.accept(peer("new tower"), &fresh), Err(Refusal::NotAdmitted));
}

#[test]
fn online_means_connected_and_admitted_in_either_order() {
    let (world, ada) = ada();
    let hello = world.hello("bob", "tower");
    ada.online(peer("tower"));
    assert!(!ada.is_admitted(&peer("tower")));
    ada.admit(peer("tower"), &hello).expect("a member");
    assert_eq!(info(&ada, "tower").state, PeerState::Online);
    ada.offline(peer("tower"));
    assert_eq!(info(&ada, "tower").state, PeerState::Offline);
    ada.online(peer("tower"));
    assert!(!ada.is_admitted(&peer("tower")), "a new connection begins with a hello");
    ada.admit(peer("tower"), &hello).expect("a member");
    assert!(ada.is_admitted(&peer("tower")));
    // Hearsay makes nobody online.
    ada.learn(vec![world.hello("cem", "phone")]);
    ada.online(peer("phone"));
    assert_eq!(info(&ada, "phone").state, PeerState::Offline);
}

#[test]
fn the_path_is_that_of_the_connection() {
    let (world, ada) = ada();
    let ways = [
        ("/ip4/127.0.0.1/tcp/1", Path::Lan),
        ("/ip4/192.168.3.4/tcp/1", Path::Lan),
        ("/ip4/10.1.2.3/tcp/1", Path::Lan),
        ("/ip4/93.184.216.34/tcp/1", Path::Direct),
        ("/ip6/::1/tcp/1", Path::Lan),
        ("/ip6/fd00::1/tcp/1", Path::Lan),
        ("/ip6/fe80::1/tcp/1", Path::Lan),
        ("/ip6/2001:db8::1/tcp/1", Path::Direct),
        ("/dns4/example.org/tcp/1", Path::Direct),
        ("/ip4/10.1.2.3/tcp/1/p2p/12D3/p2p-circuit", Path::Relay),
        ("", Path::Direct),
    ];
    for (remote, path) in ways {
        ada.online_at(peer("tower"), remote);
        ada.admit(peer("tower"), &world.hello("bob", "tower")).expect("a member");
        assert_eq!(info(&ada, "tower").path, path, "{remote}");
        ada.offline(peer("tower"));
        assert_eq!(info(&ada, "tower").path, Path::None);
    }
    ada.admit(peer("tower"), &world.hello("bob", "tower")).expect("a member");
    ada.online(peer("tower"));
    assert_eq!(info(&ada, "tower").path, Path::Lan, "guessed from where it listens");
}

#[test]
fn where_a_device_was_reached_is_remembered_and_cannot_be_made_up() {
    let (world, ada) = ada();
    let claims =
        Hello { addresses: vec!["/ip4/9.9.9.9/tcp/1".to_owned()], ..world.hello("bob", "tower") };
    ada.admit(peer("tower"), &claims).expect("a member");
    assert_eq!(info(&ada, "tower").reached, Vec::<IpAddr>::new());
    let at = |remote: &str| {
        ada.online_at(peer("tower"), remote);
        ada.offline(peer("tower"));
        info(&ada, "tower").reached.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(at("/ip4/1.2.3.4/tcp/1"), ["1.2.3.4"]);
    assert_eq!(at("/ip6/2001:db8::1/udp/1/quic-v1"), ["2001:db8::1", "1.2.3.4"]);
    assert_eq!(at("/ip4/1.2.3.4/tcp/2"), ["1.2.3.4", "2001:db8::1"]);
    assert_eq!(at("/ip4/5.6.7.8/tcp/1/p2p/12D3/p2p-circuit"), ["1.2.3.4", "2001:db8::1"]);
    for last in 0..9 {
        at(&format!("/ip4/7.7.7.{last}/tcp/1"));
    }
    assert_eq!(at("/dns4/example.org/tcp/1"), ["7.7.7.8", "7.7.7.7", "7.7.7.6", "7.7.7.5"]);
    // Known before it was a member: the connection came first.
    ada.online_at(peer("phone"), "/ip4/1.1.1.1/tcp/1");
    ada.admit(peer("phone"), &world.hello("bob", "phone")).expect("a member");
    assert_eq!(info(&ada, "phone").reached, ["1.1.1.1".parse::<IpAddr>().unwrap()]);
}

#[test]
fn measurements_and_offers_show_in_the_roster() {
    let (world, ada) = ada();
    ada.admit(peer("tower"), &world.hello("bob", "tower")).expect("a member");
    assert_eq!(info(&ada, "tower").rtt, None);
    let offer = Offer { free_bytes: 5, ..Offer::default() };
    ada.measured(peer("tower"), Duration::from_millis(9), offer);
    ada.measured(peer("tower"), Duration::from_millis(30), offer);
    assert_eq!(info(&ada, "tower").rtt, Some(Duration::from_millis(9)));
    assert_eq!(info(&ada, "tower").offer, offer);
    let offer = Offer { free_bytes: 6, ..Offer::default() };
    let pong = ada.answer(peer("tower"), &Request::Ping { nonce: 8, offer });
    assert_eq!(pong, Some(Reply::Pong { nonce: 8, offer: Offer::default() }));
    assert_eq!(info(&ada, "tower").offer, offer);
}

#[test]
fn hearsay_does_not_touch_a_device_that_is_online() {
    let (world, ada) = ada();
    let hello = world.hello("bob", "tower");
    ada.online(peer("tower"));
    ada.admit(peer("tower"), &hello).expect("a member");
    let before = info(&ada, "tower");
    let lie = Hello {
        addresses: vec!["/ip4/6.6.6.6/tcp/6".to_owned()],
        offer: Offer::default(),
        site: None,
        ..hello
    };
    ada.learn(vec![lie.clone()]);
    assert_eq!(info(&ada, "tower"), before);
    // Once it is away, an address is worth a try; what it said itself stays.
    ada.offline(peer("tower"));
    ada.learn(vec![lie.clone()]);
    let after = info(&ada, "tower");
    assert_eq!(after.addresses, [lie.addresses, before.addresses].concat());
    assert_eq!((after.offer, after.site), (before.offer, before.site));
}

#[test]
fn hearsay_is_replaced_by_later_hearsay_and_cannot_flood() {
    let (world, ada) = ada();
    let heard = |port: usize, count: usize| Hello {
        addresses: (port..port + count).map(|port| format!("/ip4/9.9.9.9/tcp/{port}")).collect(),
        offer: Offer { free_bytes: port as u64, ..Offer::default() },
        ..world.hello("bob", "tower")
    };
    ada.learn(vec![heard(1, 2)]);
    ada.learn(vec![heard(2, 2)]);
    let now = info(&ada, "tower");
    assert_eq!(now.offer.free_bytes, 2);
    let port = |no: usize| format!("/ip4/9.9.9.9/tcp/{no}");
    assert_eq!(now.addresses, [port(2), port(3), port(1)]);
    ada.learn(vec![heard(100, ADDRESSES_LIMIT)]);
    let now = info(&ada, "tower").addresses;
    assert!(now.len() <= ADDRESSES_LIMIT && now.contains(&port(2)), "{now:?}");
}

#[test]
fn nobody_can_claim_anothers_device_by_hearsay() {
    let (world, ada) = ada();
    ada.learn(vec![world.hello("bob", "tower")]);
    ada.learn(vec![world.hello("eve", "tower")]);
    assert_eq!(ada.owner_of(&peer("tower")), Some(owner_of(&key("bob"))));
    // And a claim that came first falls when the device itself speaks.
    ada.learn(vec![world.hello("eve", "phone")]);
    ada.online(peer("phone"));
    ada.admit(peer("phone"), &world.hello("cem", "phone")).expect("a member");
    assert_eq!(ada.owner_of(&peer("phone")), Some(owner_of(&key("cem"))));
    assert_eq!(info(&ada, "phone").state, PeerState::Online);
}

#[test]
fn hearsay_that_does_not_verify_is_left_out() {
    let (world, ada) = ada();
    let mut forged = world.hello("eve", "castle");
    forged.device.signature[5] ^= 1;
    let foreign = World::new("other").hello("fay", "phone");
    let own = world.hello("ada", "laptop");
    ada.learn(vec![forged, foreign, own, world.hello("bob", "tower")]);
    let peers: Vec<PeerId> = ada.infos().iter().map(|info| info.peer).collect();
    assert_eq!(peers, [peer("tower")]);
}

#[test]
fn the_roster_is_ordered_and_survives_a_restart() {
    let (world, ada) = ada();
    ada.learn((0..30).map(|no| world.hello("bob", &format!("device {no}"))).collect());
    let infos = ada.infos();
    assert_eq!(infos.len(), 30);
    assert!(infos.is_sorted_by_key(|info| info.peer));
    let mut known = ada.known();
    known[7].device.signature[0] ^= 1;
    let spoiled = known[7].device.peer;
    let clock = StandingClock::at(NOW_SECS);
    let again = Members::new(world.identity("ada", "laptop"), known, clock);
    let expected: Vec<PeerInfo> = infos.into_iter().filter(|info| info.peer != spoiled).collect();
    assert_eq!(again.infos(), expected);
}

#[test]
fn one_owners_devices_are_limited_and_its_oldest_absent_one_makes_room() {
    let (world, ada) = ada();
    let device = |no: u64| {
        let name = format!("device {no}");
        let mut hello = world.hello("bob", &name);
        let since = NOW_SECS - 1000 + no;
        hello.device = DeviceCert::sign(&key("bob"), peer(&name), name, since);
        hello
    };
    let count = DEVICES_PER_OWNER as u64;
    ada.learn((1..=count).map(device).collect());
    ada.learn(vec![world.hello("cem", "phone")]);
    let known = |no: u64| ada.owner_of(&peer(&format!("device {no}"))).is_some();
    ada.learn(vec![device(0)]);
    assert!(!known(0), "older than all");
    let oldest = device(1);
    ada.online(oldest.device.peer);
    ada.admit(oldest.device.peer, &oldest).expect("a member");
    ada.learn(vec![device(count + 1)]);
    assert!(known(1) && !known(2) && known(count + 1), "the online one is spared");
    ada.admit(device(0).device.peer, &device(0)).expect("it speaks for itself");
    assert!(known(0) && !known(3));
    assert_eq!(ada.infos().len(), DEVICES_PER_OWNER + 1);
    assert_eq!(ada.owner_of(&peer("phone")), Some(owner_of(&key("cem"))));
}

#[test]
fn the_roster_is_limited_and_nobody_pushes_out_others() {
    let world = World::new("grid");
    let mut roster = Roster::new(world.owner("ada"));
    let good = world.hello("bob", "tower");
    let mut take_in = |no: usize, owner_no: usize| {
        // Nothing is verified at this level, so that ten thousand are quickly made.
        let id = |no: usize| *blake3::hash(&no.to_le_bytes()).as_bytes();
        let (mut hello, mut owner) = (good.clone(), world.owner("bob"));
        hello.device.peer = PeerId::from_bytes(id(no));
        owner.owner = OwnerId::from_bytes(id(owner_no));
        hello.device.owner = owner.owner;
        roster.take_in(&hello, owner, Source::Itself)
    };
    for no in 0..DEVICES_LIMIT {
        assert_eq!(take_in(no, no / DEVICES_PER_OWNER), Ok(true));
    }
    assert_eq!(take_in(DEVICES_LIMIT, DEVICES_LIMIT), Err(Refusal::TooLarge));
    assert_eq!(take_in(DEVICES_LIMIT, 3), Ok(true), "in place of one of its own");
    assert_eq!(take_in(5, 0), Ok(true), "known already");
    assert_eq!(roster.len(), DEVICES_LIMIT);
}

#[test]
fn an_owner_with_all_its_devices_online_gets_no_more() {
    let (world, ada) = ada();
    for no in 0..DEVICES_PER_OWNER {
        let hello = world.hello("bob", &format!("device {no}"));
        ada.online(hello.device.peer);
        ada.admit(hello.device.peer, &hello).expect("a member");
    }
    let refused = ada.admit(peer("tower"), &world.hello("bob", "tower"));
    assert_eq!(refused, Err(Refusal::TooLarge));
}

#[test]
fn pages_of_the_roster_join_to_the_whole_and_fit_their_header() {
    let (world, ada) = ada();
    let address = |no: usize| format!("/dns/{no}{}", "x".repeat(ADDRESS_LIMIT - 10));
    let large = |no: usize| Hello {
        addresses: (0..ADDRESSES_LIMIT / 2).map(address).collect(),
        site: Some("s".repeat(SITE_LIMIT)),
        ..world.hello(&format!("owner {no}"), &format!("device {no}"))
    };
    let count = 150;
    for no in 0..count {
        let hello = large(no);
        let hello = Hello { addresses: (0..ADDRESSES_LIMIT).map(address).collect(), ..hello };
        ada.admit(hello.device.peer, &hello).expect("a member");
    }
    let mut all = Vec::new();
    while all.len() < count {
        let reply = ada.roster_page(all.len() as u32);
        assert!(Request::Roster { skip: 0 }.fits(&reply));
        let (header, _) = reply.split();
        assert!(header.encode().len() <= HEADER_LIMIT);
        let ReplyHeader { reply: Reply::Roster { peers, total }, .. } = header else {
            panic!("no roster")
        };
        assert_eq!(total as usize, count);
        assert!(!peers.is_empty());
        all.extend(peers);
    }
    assert_eq!(all, ada.known());
    let beyond = ada.roster_page(count as u32);
    assert_eq!(beyond, Reply::Roster { peers: Vec::new(), total: count as u32 });
    let beyond = ada.roster_page(u32::MAX);
    assert_eq!(beyond, Reply::Roster { peers: Vec::new(), total: count as u32 });
}

#[test]
fn what_we_say_of_ourselves_is_within_everybodys_limits() {
    let (world, ada) = ada();
    let mut addresses = vec!["x".repeat(ADDRESS_LIMIT + 1)];
    addresses.extend((0..40).map(|no| format!("/ip4/10.0.0.{no}/tcp/1")));
    ada.set_addresses(addresses);
    ada.set_site(Some("x".repeat(SITE_LIMIT + 1)));
    ada.set_offer(Offer { free_bytes: 3, ..Offer::default() });
    let hello = ada.hello();
    assert_eq!(hello.addresses.len(), ADDRESSES_LIMIT);
    assert_eq!(hello.offer.free_bytes, 3);
    let bob = world.members("bob", "tower");
    assert!(bob.admit(ada.me(), &hello).is_ok());
}

#[test]
fn changes_tick_and_repetitions_of_an_offer_do_not() {
    let (world, ada) = ada();
    let mut changes = ada.changed();
    assert!(!changes.has_changed().expect("open"));
    let bob = world.hello("bob", "tower");
    ada.admit(peer("tower"), &bob).expect("a member");
    assert!(changes.has_changed().expect("open"));
    changes.mark_unchanged();
    ada.measured(peer("tower"), Duration::from_millis(1), bob.offer);
    assert!(!changes.has_changed().expect("open"));
    ada.measured(peer("tower"), Duration::from_millis(1), Offer::default());
    assert!(changes.has_changed().expect("open"));
}

#[test]
fn a_hello_in_our_own_name_is_not_believed() {
    let (_, ada) = ada();
    assert_eq!(ada.admit(ada.me(), &ada.hello()), Err(Refusal::CertInvalid));
}

fn coord(x: f32) -> Coord {
    Coord::try_from([x, 0.0, 0.0, 0.1, 0.1]).unwrap()
}

fn told(coord: Option<Coord>, seen: Vec<Sighting>) -> Reply {
    Reply::Located { coord, seen }
}

#[test]
fn one_peer_gets_one_pull_for_each_measurement() {
    let (world, ada) = ada();
    ada.admit(peer("tower"), &world.hello("bob", "tower")).expect("a member");
    let at = || ada.chart().me.unwrap();
    let start = at();
    let say = |from: &str| {
        ada.heard(peer(from), Duration::from_millis(1), &told(Some(coord(90.0)), Vec::new()))
    };
    say("tower").unwrap();
    assert_eq!(at(), start, "never measured");
    ada.measured(peer("tower"), Duration::from_millis(40), Offer::default());
    say("tower").unwrap();
    let once = at();
    assert_ne!(once, start);
    for _ in 0..100 {
        say("tower").unwrap();
    }
    assert_eq!(at(), once, "saying it again pulls no more");
    ada.measured(peer("tower"), Duration::from_millis(40), Offer::default());
    assert!(ada.answer(peer("tower"), &Request::Locate { coord: Some(coord(9.0)) }).is_some());
    assert_ne!(at(), once);
}

#[test]
fn what_is_said_of_places_is_kept_for_the_roster_only_and_told_on() {
    let (world, ada) = ada();
    ada.admit(peer("tower"), &world.hello("bob", "tower")).expect("a member");
    let seen = |micros| vec![Sighting { peer: peer("phone"), micros }];
    ada.heard(peer("stranger"), Duration::ZERO, &told(Some(coord(1.0)), seen(1))).unwrap();
    ada.heard(peer("tower"), Duration::ZERO, &told(Some(coord(5.0)), seen(70))).unwrap();
    ada.heard(peer("tower"), Duration::ZERO, &told(Some(coord(6.0)), seen(80))).unwrap();
    let chart = ada.chart();
    assert_eq!(chart.coords, BTreeMap::from([(peer("tower"), coord(6.0))]));
    let saw = BTreeMap::from([(peer("phone"), Duration::from_micros(80))]);
    assert_eq!(chart.seen, BTreeMap::from([(peer("tower"), saw)]));
    ada.measured(peer("tower"), Duration::from_micros(300), Offer::default());
    let Some(Reply::Located { coord, seen }) =
        ada.answer(peer("tower"), &Request::Locate { coord: None })
    else {
        panic!("located")
    };
    assert_eq!(coord, ada.chart().me);
    assert_eq!(seen, [Sighting { peer: peer("tower"), micros: 300 }]);
}

#[test]
fn a_restart_goes_on_where_it_was_and_announced_addresses_beat_listened_ones() {
    let (_world, ada) = ada();
    ada.resume_at(coord(33.0));
    assert_eq!(ada.chart().me, Some(coord(33.0)));
    ada.set_addresses(vec!["/ip4/10.0.0.1/tcp/1".to_owned()]);
    assert_eq!(ada.hello().addresses, ["/ip4/10.0.0.1/tcp/1"]);
    ada.announce(vec!["/ip4/9.9.9.9/tcp/7".to_owned()]);
    ada.set_addresses(vec!["/ip4/10.0.0.2/tcp/1".to_owned()]);
    assert_eq!(ada.hello().addresses, ["/ip4/9.9.9.9/tcp/7"]);
}
