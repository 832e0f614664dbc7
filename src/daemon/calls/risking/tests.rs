//! Whom a what-if means.

use p2p::{Offer, OwnerId, Path, PeerId, PeerState};

use super::*;

fn info(number: u8, name: &str, site: Option<&str>) -> PeerInfo {
    PeerInfo {
        peer: PeerId::from_bytes([number; 32]),
        owner: OwnerId::from_bytes([number / 2 + 100; 32]),
        name: name.to_owned(),
        addresses: Vec::new(),
        reached: Vec::new(),
        state: PeerState::Offline,
        rtt: None,
        path: Path::None,
        offer: Offer::default(),
        site: site.map(str::to_owned),
        since_secs: 0,
    }
}

fn grid() -> (Vec<PeerInfo>, Vec<Named>) {
    let peers =
        vec![info(0, "alice", Some("Home")), info(1, "nas", Some("home ")), info(2, "bob", None)];
    let owner = |number: u8| OwnerId::from_bytes([number + 100; 32]);
    let named = |number, name: &str| Named { name: name.to_owned(), owner: owner(number) };
    (peers, vec![named(0, "alice"), named(1, "bob")])
}

#[test]
fn a_name_takes_the_machine_and_the_member_along() {
    let (peers, owners) = grid();
    let alice = whom(&peers, &owners, "alice").unwrap();
    assert_eq!((alice.peers, alice.owners), ([peers[0].peer].into(), [peers[0].owner].into()));
    let nas = whom(&peers, &owners, "nas").unwrap();
    assert_eq!((nas.peers, nas.owners.len()), ([peers[1].peer].into(), 0));
    let by_id = whom(&peers, &owners, "0101").unwrap();
    assert_eq!((by_id.peers, by_id.owners.len()), ([peers[1].peer].into(), 0));
    for nobody in ["carol", "010", ""] {
        let refused = whom(&peers, &owners, nobody).unwrap_err();
        assert_eq!((refused.exit, refused.code.as_str()), (2, codes::USAGE.name), "{nobody}");
    }
}

#[test]
fn a_site_is_everybody_who_says_so() {
    let (peers, _) = grid();
    assert_eq!(site(&peers, "HOME").unwrap().sites, ["Home".into(), "home ".into()].into());
    let refused = site(&peers, "office").unwrap_err();
    assert!(refused.message.contains("declared sites: Home, home"), "{refused:?}");
}
