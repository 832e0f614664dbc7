//! What is measured counts, and what is not is assumed.

use chunker::{Code, OwnerId, PackId};

use super::*;
use crate::care::churn::DEPARTURES;
use crate::placement::odds;

fn info(number: u8, owner: u8, site: Option<&str>) -> PeerInfo {
    PeerInfo {
        peer: PeerId::from_bytes([number; 32]),
        owner: OwnerId::from_bytes([owner; 32]),
        name: format!("peer{number}"),
        addresses: vec!["/ip4/198.51.100.7/tcp/1".to_owned()],
        reached: Vec::new(),
        state: p2p::PeerState::Online,
        rtt: None,
        path: p2p::Path::None,
        offer: p2p::Offer::default(),
        site: site.map(str::to_owned),
        since_secs: 0,
    }
}

/// Nothing was seen of anybody.
fn inputs_of(peers: &[PeerInfo]) -> Inputs {
    let seen = Presences::default();
    inputs(peers, &BTreeMap::new(), &domains_of(peers, &seen), &seen)
}

#[test]
fn who_was_never_looked_for_is_assumed_and_many_looks_outweigh_it() {
    let looks = |seen, looks| availability(Looks { seen, looks });
    assert!((looks(0, 0) - AVAILABILITY).abs() < 1e-12);
    assert!((looks(400, 400) - 1.0).abs() < 0.003 && looks(400, 400) < 1.0);
    assert!(looks(0, 120) < 0.03 && looks(0, 1) < AVAILABILITY && looks(1, 1) > AVAILABILITY);
    assert!((looks(60, 120) - 0.5).abs() < 0.011);
}

#[test]
fn one_owner_and_one_site_are_one_domain_and_announced_addresses_tell_nothing() {
    let peers = [info(1, 1, None), info(2, 1, None), info(3, 3, Some("Home")), info(4, 4, None)];
    let mut peers = peers.to_vec();
    peers.push(info(5, 5, Some(" home")));
    let inputs = inputs_of(&peers);
    let domain = |number| inputs.holders[&PeerId::from_bytes([number; 32])].domain;
    assert_eq!((domain(1), domain(3)), (domain(2), domain(5)));
    let different: BTreeSet<Domain> = [1, 3, 4].map(domain).into();
    assert_eq!(different.len(), 3);
}

#[test]
fn without_repair_a_year_is_what_the_holders_outlive() {
    let peers: Vec<PeerInfo> = (0..4).map(|number| info(number, number, None)).collect();
    let code = Code::new(2, 2).unwrap();
    let shards = (0..4).map(|index| (index, PeerId::from_bytes([index; 32]))).collect();
    let exposure = Exposure {
        packs: vec![Held { id: PackId::from_bytes([9; 32]), code, shards }],
        queued: 0,
        inputs: inputs_of(&peers),
        holders: BTreeMap::new(),
        strangers: BTreeSet::new(),
        churn: Churn::default(),
        absence_seen: false,
    };
    let outlook = exposure.outlook(&Without::default());
    // Fewer than two of four are left after a year in which each leaves with 30 %.
    let lost = 1.0 - odds::at_least(&odds::answering(&[1.0 - DEPARTURES; 4]), 2);
    assert!((outlook.p_loss_unrepaired / lost - 1.0).abs() < 1e-4, "{outlook:?} {lost}");
    assert!(outlook.risk.p_loss_year < lost / 10.0, "{outlook:?}");
}
