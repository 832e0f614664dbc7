//! Tests of domains: what is tied, what is not, and that everybody is in exactly one.

use proptest::prelude::*;

use super::*;

fn peer(number: u64) -> PeerId {
    PeerId::from(blake3::hash(format!("peer {number}").as_bytes()))
}

fn owner(number: u64) -> OwnerId {
    OwnerId::from(blake3::hash(format!("owner {number}").as_bytes()))
}

/// A peer of an owner of its own of which nothing else is known.
fn stranger(number: u64) -> Facts<'static> {
    Facts {
        peer: peer(number),
        owner: owner(number),
        site: None,
        addresses: &[],
        lan: false,
        presence: None,
    }
}

fn at(number: u64, addresses: &[IpAddr]) -> Facts<'_> {
    Facts { addresses, ..stranger(number) }
}

fn ip(text: &str) -> [IpAddr; 1] {
    [text.parse().unwrap()]
}

/// Whether two peers at these addresses are one domain, and why.
fn tied(one: &str, other: &str) -> Vec<Tie> {
    let domains = Domains::of(&[at(1, &ip(one)), at(2, &ip(other))]);
    domains.links().iter().map(|link| link.tie).collect()
}

#[test]
fn strangers_are_domains_of_their_own() {
    let facts: Vec<_> = (0..5).map(stranger).collect();
    let domains = Domains::of(&facts);
    assert_eq!(domains.count(), 5);
    assert_eq!(domains.domain(&peer(9)), None);
    assert!(domains.reasons(domains.domain(&peer(3)).unwrap()).is_empty());
}

#[test]
fn one_owner_or_one_site_is_one_domain() {
    let facts = [
        Facts { owner: owner(7), ..stranger(1) },
        Facts { owner: owner(7), ..stranger(2) },
        Facts { site: Some("Home "), ..stranger(3) },
        Facts { site: Some("home"), ..stranger(4) },
        Facts { site: Some("  "), ..stranger(5) },
        Facts { site: Some(""), ..stranger(6) },
    ];
    let domains = Domains::of(&facts);
    assert_eq!(domains.count(), 4);
    let reasons = |n| domains.reasons(domains.domain(&peer(n)).unwrap());
    assert_eq!(reasons(1), BTreeSet::from([Tie::Owner]));
    assert_eq!(reasons(4), BTreeSet::from([Tie::Site]));
    assert_eq!(domains.members(domains.domain(&peer(3)).unwrap()).count(), 2);
}

#[test]
fn addresses_of_one_network_are_one_domain() {
    assert_eq!(tied("203.0.113.4", "203.0.113.4"), [Tie::Address, Tie::Network]);
    assert_eq!(tied("203.0.113.4", "203.0.113.200"), [Tie::Network]);
    assert_eq!(tied("203.0.113.4", "203.0.112.4"), []);
    assert_eq!(tied("2001:db8:1:2::1", "2001:db8:1:3::1"), [Tie::Network]);
    assert_eq!(tied("2001:db8:1:2::1", "2001:db8:2:2::1"), []);
    assert_eq!(tied("203.0.113.4", "::ffff:203.0.113.9"), [Tie::Network]);
}

#[test]
fn addresses_that_everybody_has_tell_nothing() {
    let common = [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "::",
        "192.168.1.4",
        "10.0.0.1",
        "172.16.0.9",
        "100.64.1.1",
        "169.254.3.4",
        "fe80::1",
        "fd00::1",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
    ];
    for address in common {
        assert_eq!(tied(address, address), [], "{address}");
    }
}

#[test]
fn our_own_network_is_one_domain_and_loopback_is_none() {
    let (home, other) = (ip("192.168.1.4"), ip("192.168.7.4"));
    let here = [ip("127.0.0.1")[0], ip("::1")[0]];
    let facts = [at(1, &home), at(2, &other), at(3, &here), at(4, &here)];
    let domains = Domains::of(&facts.map(|fact| Facts { lan: true, ..fact }));
    assert_eq!(domains.domain(&peer(1)), domains.domain(&peer(2)));
    assert_eq!(domains.count(), 3);
}

#[test]
fn ties_are_followed_on() {
    // 1 and 2 share an owner, 2 and 3 a site, 3 and 4 a network; 5 is alone.
    let network = ip("198.51.100.7");
    let facts = [
        Facts { owner: owner(9), ..stranger(1) },
        Facts { owner: owner(9), site: Some("barn"), ..stranger(2) },
        Facts { site: Some("barn"), addresses: &network, ..stranger(3) },
        at(4, &network),
        stranger(5),
    ];
    let domains = Domains::of(&facts);
    assert_eq!(domains.count(), 2);
    let first = domains.domain(&peer(1)).unwrap();
    assert_eq!(domains.members(first).count(), 4);
    let smallest = (1..5).map(peer).min().unwrap();
    assert_eq!(first, Domain::of_group(smallest));
}

#[test]
fn nobody_ties_others_by_many_addresses() {
    let many: Vec<IpAddr> = (0..=255).map(|n| Ipv4Addr::new(203, 0, n, 1).into()).collect();
    let mut facts = vec![at(0, &many)];
    facts.extend((1..).zip(many.iter()).map(|(n, ip)| at(n, std::slice::from_ref(ip))));
    assert_eq!(Domains::of(&facts).count(), many.len() - MAX_ADDRESSES + 1);
}

#[test]
fn peers_that_go_down_together_are_one_domain() {
    let mut falls = Presence::default();
    let mut other = Presence::default();
    for window in 0..4000 {
        let cut = [300, 1250, 2222, 3333, 3777].iter().any(|at| (*at..at + 9).contains(&window));
        falls.note(window, !cut);
        other.note(window, !cut);
    }
    let mut always = Presence::default();
    (0..4000).for_each(|window| always.note(window, true));
    let facts = [
        Facts { presence: Some(&falls), ..stranger(1) },
        Facts { presence: Some(&other), ..stranger(2) },
        Facts { presence: Some(&always), ..stranger(3) },
    ];
    let domains = Domains::of(&facts);
    assert_eq!(domains.count(), 2);
    assert_eq!(domains.links().iter().map(|link| link.tie).collect::<Vec<_>>(), [Tie::Fate]);
}

proptest! {
    #[test]
    fn domains_are_what_the_ties_connect_and_order_does_not_matter(
        seed in prop::collection::vec((0_u64..6, prop::option::of(0_u8..4), 0_u8..4), 1..20),
    ) {
        let sites = ["a", "b", "c", "d"];
        let nets: Vec<[IpAddr; 1]> =
            (0..4).map(|n| [Ipv4Addr::new(203, 0, n, 1).into()]).collect();
        let mut facts: Vec<Facts<'_>> = (0..).zip(&seed)
            .map(|(number, (own, site, net))| Facts {
                owner: owner(*own),
                site: site.map(|site| sites[usize::from(site)]),
                // Most have no address that tells anything.
                addresses: if number % 3 == 0 { &nets[usize::from(*net)] } else { &[] },
                ..stranger(number)
            })
            .collect();
        let domains = Domains::of(&facts);
        for link in domains.links() {
            prop_assert_eq!(domains.domain(&link.one), domains.domain(&link.other));
        }
        // Connected by ties, found by spreading from each peer.
        for start in &facts {
            let mut met = BTreeSet::from([start.peer]);
            for _ in 0..facts.len() {
                for link in domains.links() {
                    if met.contains(&link.one) || met.contains(&link.other) {
                        met.extend([link.one, link.other]);
                    }
                }
            }
            let domain = domains.domain(&start.peer).unwrap();
            prop_assert_eq!(domains.members(domain).collect::<BTreeSet<_>>(), met);
        }
        facts.reverse();
        let reversed = Domains::of(&facts);
        prop_assert_eq!(&reversed.of, &domains.of);
    }
}
