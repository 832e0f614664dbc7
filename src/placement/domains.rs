//! Failure domains: which peers are lost together.
//!
//! Two peers are tied when they have an owner in common, a declared site, a public address, a
//! network (IPv4 /24, IPv6 /48), our own local network, or a fate: their downtimes coincide far
//! more often than chance and daily rhythm explain ([`shared`]). Ties are followed on (union-find):
//! what is tied to the same third is one domain. A pack counts distinct domains, not shards
//! ([`matching`]).
//!
//! What the facts prove: a tie is a reason to count two peers as one, so a false one costs some
//! diversity and no data. No tie is no proof of independence: site labels are the owner's word, and
//! two cloud machines with unlike addresses may share a rack. Loopback addresses tell nothing, and
//! private ones only that a peer is on our own network, when it was seen there: everybody has a
//! 192.168.1.0/24.
//!
//! Addresses must be those at which a peer was reached, not those it announces: one that claimed
//! addresses everywhere would tie all others together. Total; the work grows with the number of
//! facts, and with its square for fates.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chunker::{OwnerId, PeerId};

use crate::placement::Domain;

mod fate;
pub mod matching;
mod presence;

#[cfg(test)]
mod tests;

pub use fate::{FALSE_ALARM, Fate, LEAST_JOINT, shared};
pub use presence::{BadPresence, HISTORY, Presence, WINDOW, window_at};

/// Addresses of a peer that are looked at; nobody is in more networks.
const MAX_ADDRESSES: usize = 8;

/// What is known about a peer that may tie it to others.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The device.
    pub peer: PeerId,
    /// Whose it is.
    pub owner: OwnerId,
    /// The label its owner gave the place it is at.
    pub site: Option<&'a str>,
    /// Where it was reached.
    pub addresses: &'a [IpAddr],
    /// Whether it was seen on our own local network.
    pub lan: bool,
    /// When it was seen.
    pub presence: Option<&'a Presence>,
}

/// Why two peers count as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Tie {
    /// They belong to one member.
    Owner,
    /// Their owners gave their places the same label.
    Site,
    /// They were reached at the same public address.
    Address,
    /// They were reached in the same network.
    Network,
    /// Both are on our own local network.
    Lan,
    /// They go down together.
    Fate,
}

/// Two peers that count as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// One of them.
    pub one: PeerId,
    /// The other.
    pub other: PeerId,
    /// Why.
    pub tie: Tie,
}

/// Which domain each peer is in, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Domains {
    of: BTreeMap<PeerId, Domain>,
    links: Vec<Link>,
}

/// What two peers may have in common.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Owner(OwnerId),
    Site(String),
    Address(IpAddr),
    Network(IpAddr),
    Lan,
}

impl Key {
    const fn tie(&self) -> Tie {
        match self {
            Self::Owner(_) => Tie::Owner,
            Self::Site(_) => Tie::Site,
            Self::Address(_) => Tie::Address,
            Self::Network(_) => Tie::Network,
            Self::Lan => Tie::Lan,
        }
    }
}

impl Domains {
    /// The domains of all peers in `facts`; our own devices among them tell who shares our house.
    pub fn of(facts: &[Facts<'_>]) -> Self {
        let mut links = Vec::new();
        let mut holders: BTreeMap<Key, PeerId> = BTreeMap::new();
        for fact in facts {
            for key in keys(fact) {
                let tie = key.tie();
                let one = *holders.entry(key).or_insert(fact.peer);
                if one != fact.peer {
                    links.push(Link { one, other: fact.peer, tie });
                }
            }
        }
        let seen = facts.iter().filter_map(|fact| Some((fact.peer, fact.presence?)));
        let fates = shared(&seen.collect::<Vec<_>>());
        links.extend(fates.into_iter().map(|Fate { one, other, .. }| Link {
            one,
            other,
            tie: Tie::Fate,
        }));
        links.sort_unstable();
        links.dedup();
        let of = united(facts.iter().map(|fact| fact.peer), &links);
        Self { of, links }
    }

    /// The domain of `peer`; none when there were no facts about it.
    pub fn domain(&self, peer: &PeerId) -> Option<Domain> {
        self.of.get(peer).copied()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.of.values().collect::<BTreeSet<_>>().len()
    }

    /// The peers in `domain`, ordered.
    pub fn members(&self, domain: Domain) -> impl Iterator<Item = PeerId> {
        self.of.iter().filter(move |(_, other)| **other == domain).map(|(peer, _)| *peer)
    }

    /// What ties peers together, one link for each peer and reason.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Why the peers of `domain` count as one; empty when it has only one.
    pub fn reasons(&self, domain: Domain) -> BTreeSet<Tie> {
        let inside = |link: &&Link| self.of.get(&link.one) == Some(&domain);
        self.links.iter().filter(inside).map(|link| link.tie).collect()
    }
}

fn keys(fact: &Facts<'_>) -> Vec<Key> {
    let mut keys = vec![Key::Owner(fact.owner)];
    let site = fact.site.map(|site| site.trim().to_lowercase());
    keys.extend(site.filter(|site| !site.is_empty()).map(Key::Site));
    for address in fact.addresses.iter().take(MAX_ADDRESSES) {
        let address = address.to_canonical();
        if let Some(network) = network(address) {
            keys.extend([Key::Address(address), Key::Network(network)]);
        }
    }
    let anywhere = |address: &IpAddr| !address.to_canonical().is_loopback();
    if fact.lan && fact.addresses.iter().any(anywhere) {
        keys.push(Key::Lan);
    }
    keys
}

/// The network a public address is in; none for addresses that many networks use.
fn network(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) if is_public(address) => {
            Some(Ipv4Addr::from_bits(address.to_bits() & !0xff).into())
        }
        IpAddr::V6(address) if is_public6(address) => {
            Some(Ipv6Addr::from_bits(address.to_bits() >> 80 << 80).into())
        }
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

fn is_public(address: Ipv4Addr) -> bool {
    // 100.64.0.0/10: between a provider and its customers.
    let carrier = address.to_bits() >> 22 == 0x6440_0000 >> 22;
    let local = address.is_private() || address.is_loopback() || address.is_link_local();
    let nowhere = address.is_unspecified() || address.is_multicast() || address.is_broadcast();
    !(carrier || local || nowhere)
}

fn is_public6(address: Ipv6Addr) -> bool {
    let local = address.is_unique_local() || address.is_unicast_link_local();
    !(local || address.is_loopback() || address.is_unspecified() || address.is_multicast())
}

/// Everybody's domain, when what `links` tie is one. A domain has the name of its smallest peer.
fn united(peers: impl Iterator<Item = PeerId>, links: &[Link]) -> BTreeMap<PeerId, Domain> {
    let mut parents: BTreeMap<PeerId, PeerId> = peers.map(|peer| (peer, peer)).collect();
    for link in links {
        let (one, other) = (root(&mut parents, link.one), root(&mut parents, link.other));
        parents.insert(one.max(other), one.min(other));
    }
    let peers: Vec<PeerId> = parents.keys().copied().collect();
    peers.into_iter().map(|peer| (peer, Domain::of_group(root(&mut parents, peer)))).collect()
}

/// The smallest peer that `peer` is tied to, halving the way there for the next time.
fn root(parents: &mut BTreeMap<PeerId, PeerId>, mut peer: PeerId) -> PeerId {
    loop {
        let parent = parents.get(&peer).copied().unwrap_or(peer);
        if parent == peer {
            return peer;
        }
        let above = parents.get(&parent).copied().unwrap_or(parent);
        parents.insert(peer, above);
        peer = above;
    }
}
